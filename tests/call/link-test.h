/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Real workers with transports: tests/workers/transport-worker.c says what they answer. */

#pragma once

#include "call/call-test.h"
#include "call/ferry-link-transport.h"
#include "call/ferry-transport-private.h"
#include "process/worker-test.h"

G_BEGIN_DECLS

#define LINK_TEST_WORKER "transport-worker"

/* A worker with transports "a" and "b", or fewer. */
typedef struct
{
  FerryRouter *router;     /* (owned) */
  FerryLauncher *launcher; /* (owned) */
  FerryTransport *a;       /* (owned) (nullable) */
  FerryTransport *b;       /* (owned) (nullable) */
  FerryWorker *worker;     /* (owned) (nullable) */
  guint n_fds;
} LinkTest;

FerryTransport *link_test_add_transport (FerryLauncher *launcher, FerryRouter *router, const char *name);
void link_test_init_unspawned (LinkTest *self, const char *what, const char *second);
void link_test_init (LinkTest *self);
void link_test_clear (LinkTest *self);
void link_test_close (LinkTest *self);
CallTestAnswer *link_test_ask (FerryTransport *transport, const char *method, GVariant *arguments);
void link_test_wait_done (CallTestAnswer *answer);
void link_test_assert_answers (FerryTransport *transport, const char *method, GVariant *arguments, const char *text);
void link_test_assert_code (FerryTransport *transport, const char *method, const char *name, int code);
void link_test_assert_cannot_ask (FerryTransport *transport, int code, const char *words);
void link_test_assert_closed (FerryTransport *transport, int code, const char *words);
void link_test_wait_closed (FerryTransport *transport, int code, const char *words);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LinkTest, link_test_clear)

G_END_DECLS
