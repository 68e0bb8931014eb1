/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/hostile-task-test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/ferry-base-private.h"

/* How often the honest worker must answer for a progress. */
#define PROGRESS 100

/* ---- the honest worker ---- */

static void ask_honest (HostileTest *self);

static gboolean
ask_again (gpointer data)
{
  HostileTest *self = data;

  self->timer = 0;
  ask_honest (self);
  return G_SOURCE_REMOVE;
}

static void
honest_done (FerryTask *task, gpointer data)
{
  HostileTest *self = data;

  g_assert_no_error (ferry_task_get_error (task));
  self->n_answers++;
  if (self->hurried)
    ask_honest (self);
  else if (!self->resting)
    self->timer = g_timeout_add (1, ask_again, self);
}

static void
ask_honest (HostileTest *self)
{
  FerryTask *task = task_test_submit (self->honest->executor, "echo", g_variant_new_string ("word"));

  g_signal_connect (task, "done", G_CALLBACK (honest_done), self);
  g_clear_object (&self->asked);
  self->asked = task;
}

typedef struct
{
  HostileTest *test;
  guint64 n_answers;
} Wanted;

static gboolean
has_answers (gpointer data)
{
  Wanted *wanted = data;

  return wanted->test->n_answers >= wanted->n_answers;
}

void
hostile_test_assert_progress (HostileTest *self)
{
  Wanted wanted = {self, self->n_answers + PROGRESS};

  self->hurried = TRUE;
  ferry_test_run_until (has_answers, &wanted);
  self->hurried = FALSE;
}

/* ---- the hostile one ---- */

/* Has the kernel forget the most memory that the process had. The file can be written by its owner, and not read; from
 * GLib 2.78 on a test's subprocess dumps no core, and the files of such a process are root's. */
static void
forget_peak (void)
{
  ferry_autofd fd = -1;

  prctl (PR_SET_DUMPABLE, 1);
  fd = open ("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  g_assert_no_errno (fd);
  g_assert_cmpint (write (fd, "5", 1), ==, 1);
}

/* The most memory that the process had since the last call, in bytes; and begins anew. */
static gsize
read_peak (void)
{
  g_autofree char *status = NULL;
  const char *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  line = strstr (status, "\nVmHWM:");
  g_assert_nonnull (line);
  forget_peak ();
  return g_ascii_strtoull (line + strlen ("\nVmHWM:"), NULL, 10) * 1024;
}

HostileTest *
hostile_test_new (const char *orders)
{
  HostileTest *self = g_new0 (HostileTest, 1);
  g_autofree char *path = ferry_test_build_path ("hostile-server");
  g_autofree char *line = g_strconcat (path, " ", orders, NULL);
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const *) argv);

  /* Each line is to be heard of, so the worker waits for the main loop. */
  g_object_set (launcher, "stdout", FERRY_STREAM_MODE_LOG, NULL);
  self->honest = task_test_new (FALSE, 1);
  ask_honest (self);
  self->pool = ferry_pool_new (self->honest->router, launcher);
  ferry_pool_set_max_workers (self->pool, 1);
  g_object_set (self->pool, "use-fork-server", FALSE, NULL);
  self->executor = ferry_executor_new (self->pool);
  hostile_test_assert_progress (self);
  read_peak ();
  self->memory = read_peak ();
  return self;
}

void
hostile_test_free (HostileTest *self)
{
  hostile_test_assert_progress (self);
  ferry_executor_cancel_all (self->executor);
  g_clear_object (&self->executor);
  g_clear_object (&self->pool);
  hostile_test_assert_progress (self);
  self->resting = TRUE;
  g_clear_handle_id (&self->timer, g_source_remove);
  task_test_wait_done (self->asked);
  g_clear_object (&self->asked);
  task_test_free (self->honest);
  g_free (self);
}

FerryTask *
hostile_test_new_task (FerryTaskKind kind)
{
  FerryTask *task = ferry_task_new (kind, "anything", NULL);

  g_object_set (task, "window", 4, NULL);
  return task;
}

TaskTestWitness *
hostile_test_submit (HostileTest *self, FerryTask *task)
{
  TaskTestWitness *witness = task_test_witness_new (task);

  task_test_submit_task (self->executor, task);
  return witness;
}

void
hostile_test_assert_n_faults (HostileTest *self, guint64 n)
{
  g_assert_cmpuint (ferry_router_get_counter (self->honest->router, FERRY_COUNTER_PROTOCOL_ERRORS), ==, n);
}

void
hostile_test_assert_fault (HostileTest *self, FerryTask *task, const char *words)
{
  const GError *error = task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  FerryExit *exit = ferry_task_get_exit (task);

  ferry_test_assert_says (error->message, words);
  g_assert_nonnull (exit);
  g_assert_cmpint (ferry_exit_get_reason (exit), ==, FERRY_CLOSE_REASON_PROTOCOL_ERROR);
}

void
hostile_test_assert_memory (HostileTest *self, gsize size)
{
  gsize peak = read_peak ();
  gsize grown = peak > self->memory ? peak - self->memory : 0;

#ifndef __SANITIZE_ADDRESS__
  g_assert_cmpuint (grown, <, size);
#endif
  g_test_message ("%" G_GSIZE_FORMAT " KiB more memory", grown / 1024);
}

static void
assert_outcome (HostileTest *self, FerryTask *task, const HostileRow *row)
{
  switch (row->outcome)
    {
    case HOSTILE_FAULT:
      hostile_test_assert_fault (self, task, row->words);
      break;
    case HOSTILE_FAILURE:
      task_test_wait_done (task);
      g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
      ferry_test_assert_says (ferry_task_get_error (task)->message, row->words);
      break;
    default:
      task_test_assert_result (task, row->words);
      break;
    }
}

static void
test_row (gconstpointer data)
{
  const HostileRow *row = data;
  g_autoptr (HostileTest) test = hostile_test_new (row->orders);
  g_autoptr (GPtrArray) witnesses = g_ptr_array_new_with_free_func ((GDestroyNotify) task_test_witness_free);

  for (guint i = 0; i < MAX (row->n_tasks, 1); i++)
    {
      g_autoptr (FerryTask) task = hostile_test_new_task (row->kind);

      g_ptr_array_add (witnesses, hostile_test_submit (test, task));
    }
  assert_outcome (test, ((TaskTestWitness *) g_ptr_array_index (witnesses, 0))->task, row);
  hostile_test_assert_progress (test);
  hostile_test_assert_n_faults (test, row->outcome == HOSTILE_FAULT ? 1 : 0);
  ferry_executor_cancel_all (test->executor);
  for (guint i = 0; i < witnesses->len; i++)
    task_test_wait_done (((TaskTestWitness *) g_ptr_array_index (witnesses, i))->task);
}

void
hostile_test_add_rows (const HostileRow *rows, gsize n_rows)
{
  for (gsize i = 0; i < n_rows; i++)
    g_test_add_data_func (rows[i].path, &rows[i], test_row);
}
