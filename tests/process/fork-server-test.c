/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "process/fork-server-test.h"

#include <string.h>

#define PROGRAM "parent-worker"

void
fork_server_test_begin (ForkServerTest *self)
{
  self->router = ferry_test_router_new ();
  self->base = worker_test_launcher_new (PROGRAM, NULL, NULL);
  self->fork_server = ferry_fork_server_new (self->base);
  self->launcher = worker_test_launcher_new (PROGRAM, NULL, NULL);
  ferry_launcher_set_fork_server (self->launcher, self->fork_server);
}

void
fork_server_test_finish (ForkServerTest *self)
{
  g_object_unref (self->launcher);
  g_object_unref (self->base);
  ferry_test_router_stop (self->router);
  g_assert_finalize_object (self->fork_server);
}

/* Has the next workers obey those orders. */
void
fork_server_test_order (ForkServerTest *self, const char *orders)
{
  ferry_launcher_setenv (self->launcher, "WORKER_ORDERS", orders);
}

FerryWorker *
fork_server_test_spawn (ForkServerTest *self, const char *orders)
{
  fork_server_test_order (self, orders);
  return worker_test_spawn (self->launcher, self->router);
}

/* What a worker tells that obeys those orders to a good end. */
char *
fork_server_test_ask (ForkServerTest *self, const char *orders)
{
  fork_server_test_order (self, orders);
  return worker_test_run (self->launcher, self->router);
}

void
fork_server_test_assert_told (ForkServerTest *self, const char *orders, const char *expected)
{
  g_autofree char *told = fork_server_test_ask (self, orders);

  g_assert_cmpstr (told, ==, expected);
}

/* Starts the fork server ahead of its workers, and returns its process. */
GPid
fork_server_test_start (ForkServerTest *self)
{
  g_autoptr (GError) error = NULL;

  ferry_fork_server_start (self->fork_server, self->router, &error);
  g_assert_no_error (error);
  worker_test_wait_open (ferry_test_get_object (self->fork_server, "worker"));
  return ferry_test_get_process (ferry_test_get_object (self->fork_server, "worker"));
}

/* Kills the fork server's process. */
void
fork_server_test_kill (ForkServerTest *self)
{
  ferry_worker_force_exit (ferry_test_get_object (self->fork_server, "worker"));
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
fork_server_test_get_state (GPid pid)
{
  g_autofree char *text = read_stat (pid);

  return text != NULL ? text[0] : 0;
}

/* Returns 0 without such a process. */
GPid
fork_server_test_get_parent (GPid pid)
{
  g_autofree char *text = read_stat (pid);

  return text != NULL ? (GPid) g_ascii_strtoll (text + 2, NULL, 10) : 0;
}
