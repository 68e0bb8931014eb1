/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "worker/nursery-test.h"

#include <string.h>

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

/* Starts the nursery ahead of its workers, and returns its process. */
GPid
nursery_test_start (NurseryTest *self)
{
  g_autoptr (GError) error = NULL;

  ferry_nursery_start (self->nursery, self->router, &error);
  g_assert_no_error (error);
  worker_test_wait_open (ferry_nursery_get_worker (self->nursery));
  return ferry_worker_get_pid (ferry_nursery_get_worker (self->nursery));
}

/* Kills the nursery's process. */
void
nursery_test_kill (NurseryTest *self)
{
  ferry_worker_force_exit (ferry_nursery_get_worker (self->nursery));
}

/* What the kernel has of a process behind its name. */
static char *
read_stat (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) pid);
  g_autofree char *text = NULL;
  const char *name_end;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  name_end = strrchr (text, ')');
  return name_end != NULL && strlen (name_end) > 4 ? g_strdup (name_end + 2) : NULL;
}

/* The state of a process as the kernel has it, 0 when there is none. */
char
nursery_test_get_state (GPid pid)
{
  g_autofree char *text = read_stat (pid);

  return text != NULL ? text[0] : 0;
}

/* Returns 0 when there is no such process. */
GPid
nursery_test_get_parent (GPid pid)
{
  g_autofree char *text = read_stat (pid);

  return text != NULL ? (GPid) g_ascii_strtoll (text + 2, NULL, 10) : 0;
}
