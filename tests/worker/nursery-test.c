/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "worker/nursery-test.h"

#define PROGRAM "nursery-worker"

void
nursery_test_begin (NurseryTest *self)
{
  self->router = ferry_test_router_new ();
  self->base = worker_test_launcher_new (PROGRAM, NULL, NULL);
  self->nursery = ferry_nursery_new (self->base);
  self->launcher = worker_test_launcher_new (PROGRAM, NULL, NULL);
  ferry_launcher_set_nursery (self->launcher, self->nursery);
}

void
nursery_test_finish (NurseryTest *self)
{
  g_object_unref (self->launcher);
  g_object_unref (self->base);
  ferry_test_router_stop (self->router);
  g_assert_finalize_object (self->nursery);
}

/* Has the next workers obey those orders. */
void
nursery_test_order (NurseryTest *self, const char *orders)
{
  ferry_launcher_setenv (self->launcher, "WORKER_ORDERS", orders);
}

FerryWorker *
nursery_test_spawn (NurseryTest *self, const char *orders)
{
  nursery_test_order (self, orders);
  return worker_test_spawn (self->launcher, self->router);
}

/* What a worker tells that obeys those orders to a good end. */
char *
nursery_test_ask (NurseryTest *self, const char *orders)
{
  nursery_test_order (self, orders);
  return worker_test_run (self->launcher, self->router);
}

void
nursery_test_assert_told (NurseryTest *self, const char *orders, const char *expected)
{
  g_autofree char *told = nursery_test_ask (self, orders);

  g_assert_cmpstr (told, ==, expected);
}
