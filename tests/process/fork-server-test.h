/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A fork server of tests/workers/parent-worker.c, and what its workers tell. */

#pragma once

#include "process/worker-test.h"

G_BEGIN_DECLS

typedef struct
{
  FerryRouter *router;
  FerryLauncher *base; /* of the fork server itself; set it up before the first worker */
  FerryForkServer *fork_server;
  FerryLauncher *launcher; /* of its workers */
} ForkServerTest;

void fork_server_test_begin (ForkServerTest *self);
void fork_server_test_finish (ForkServerTest *self);
void fork_server_test_order (ForkServerTest *self, const char *orders);
FerryWorker *fork_server_test_spawn (ForkServerTest *self, const char *orders);
char *fork_server_test_ask (ForkServerTest *self, const char *orders);
void fork_server_test_assert_told (ForkServerTest *self, const char *orders, const char *expected);

GPid fork_server_test_start (ForkServerTest *self);
void fork_server_test_kill (ForkServerTest *self);
char fork_server_test_get_state (GPid pid);
GPid fork_server_test_get_parent (GPid pid);

G_END_DECLS
