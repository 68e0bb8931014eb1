/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "process/hostile-test.h"

#include <signal.h>
#include <string.h>

/* How far the honest worker must come for a progress. */
#define PROGRESS 20000

/* Starts the honest worker, and waits until it floods. */
void
hostile_test_begin (HostileTest *self)
{
  *self = (HostileTest){.router = ferry_test_router_new ()};
  self->honest = ferry_test_pipe_new (self->router);
  self->pipe = ferry_test_pipe_new (self->router);
  self->second = ferry_test_pipe_new (self->router);
  self->honest_worker = ferry_test_spawn_obedient (self->router, self->honest, "flood", NULL);
  ferry_test_pipe_wait_count (self->honest, 1);
}

/* Starts the hostile worker. */
void
hostile_test_spawn (HostileTest *self, const char *orders)
{
  g_autofree char *path = ferry_test_build_path ("hostile-worker");
  g_autofree char *line = g_strconcat (path, " ", orders, NULL);
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const *) argv);

  g_object_set (launcher, "trusted", self->trusted, NULL);
  g_object_set (launcher, "buffer-capacity", (guint64) self->buffers, NULL);
  worker_test_add_sender (launcher, "out", self->pipe);
  worker_test_add_sender (launcher, "second", self->second);
  self->worker = worker_test_spawn (launcher, self->router);
}

void
hostile_test_assert_progress (HostileTest *self)
{
  ferry_test_pipe_wait_count (self->honest, self->honest->n_messages + PROGRESS);
  g_assert_true (self->honest->in_order);
  g_assert_cmpuint (self->honest->n_closed, ==, 0);
}

/* The hostile worker is gone, for the right reason; what it sent before is there. */
void
hostile_test_assert_ended (HostileTest *self, const HostileRow *row)
{
  gboolean fault = row->reason == FERRY_CLOSE_REASON_PROTOCOL_ERROR;

  worker_test_assert_exit (self->worker, row->reason, row->words);
  g_assert_cmpuint (self->pipe->n_messages, ==, row->n_messages);
  if (ferry_exit_get_reason (self->pipe->exit) != FERRY_CLOSE_REASON_STOPPED)
    ferry_test_pipe_assert_end (self->pipe, row->reason);
  ferry_test_pipe_assert_end (self->second, row->reason);
  g_assert_cmpuint (ferry_router_get_counter (self->router, FERRY_COUNTER_PROTOCOL_ERRORS), ==, fault ? 1 : 0);
  /* One that exits right after its fault may have done so before it was killed. */
  if (fault && (row->orders == NULL || strstr (row->orders, "exit") == NULL))
    g_assert_cmpint (ferry_exit_get_signal (ferry_test_get_object (self->worker, "exit")), ==, SIGKILL);
  g_assert_false (ferry_test_is_alive (ferry_test_get_process (self->worker)));
}

void
hostile_test_finish (HostileTest *self)
{
  hostile_test_assert_progress (self);
  ferry_worker_force_exit (self->honest_worker);
  ferry_test_pipe_wait_closed (self->honest);
  ferry_test_pipe_assert_end (self->honest, FERRY_CLOSE_REASON_KILLED);
  ferry_test_wait_ended (self->honest_worker);
  ferry_test_pipe_free (self->honest);
  ferry_test_pipe_free (self->pipe);
  ferry_test_pipe_free (self->second);
  g_object_unref (self->honest_worker);
  g_object_unref (self->worker);
  ferry_test_router_stop (self->router);
}

static void
test_row (gconstpointer data)
{
  const HostileRow *row = data;
  HostileTest test;

  hostile_test_begin (&test);
  hostile_test_spawn (&test, row->orders);
  hostile_test_assert_ended (&test, row);
  hostile_test_finish (&test);
}

void
hostile_test_add_rows (const HostileRow *rows, gsize n_rows)
{
  for (gsize i = 0; i < n_rows; i++)
    g_test_add_data_func (rows[i].path, &rows[i], test_row);
}
