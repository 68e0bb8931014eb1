/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A nursery of tests/workers/nursery-worker.c, and what its workers tell. */

#pragma once

#include "worker/worker-test.h"

G_BEGIN_DECLS

typedef struct
{
  FerryRouter *router;
  FerryLauncher *base; /* of the nursery itself; set it up before the first worker */
  FerryNursery *nursery;
  FerryLauncher *launcher; /* of its workers */
} NurseryTest;

void nursery_test_begin (NurseryTest *self);
void nursery_test_finish (NurseryTest *self);
void nursery_test_order (NurseryTest *self, const char *orders);
FerryWorker *nursery_test_spawn (NurseryTest *self, const char *orders);
char *nursery_test_ask (NurseryTest *self, const char *orders);
void nursery_test_assert_told (NurseryTest *self, const char *orders, const char *expected);

GPid nursery_test_start (NurseryTest *self);
void nursery_test_kill (NurseryTest *self);
char nursery_test_get_state (GPid pid);
GPid nursery_test_get_parent (GPid pid);

G_END_DECLS
