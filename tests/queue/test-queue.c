/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue.c, queue/ferry-queue-row.c, queue/ferry-queue-store.c, queue/ferry-queue-entry.c,
 *        queue/ferry-queue-list.c, queue/ferry-queue-turns.c, queue/ferry-queue-claims.c, queue/ferry-queue-ends.c,
 *        queue/ferry-queue-batches.c, queue/ferry-queue-tasks.c, queue/ferry-queue-clock.c
 *
 * What a queue does with its tasks, and what it has of them at its next start.
 *
 * It is one file since most of its tests begin with the same few steps, and some set the clock of the whole program. */

#include "config.h"

#include "queue/queue-test.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "queue/ferry-queue-file-private.h"
#include "queue/ferry-queue-row-private.h"
#include "task/ferry-task-private.h"

/* What the wall clock of this program is set to, beyond that of the machine, in microseconds. */
static gint64 clock_offset;

/* In place of GLib's, for the program of the test and the library within it. */
gint64
g_get_real_time (void)
{
  struct timespec now;

  g_assert_cmpint (clock_gettime (CLOCK_REALTIME, &now), ==, 0);
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000 + clock_offset;
}

/* In place of the system's: a timer of the wall clock that the test ends. */
static int fake_timer = -1; /* an eventfd; -1: timers are real */
static int fake_flags;
static gint64 fake_time; /* which was set last, in microseconds */

int
timerfd_create (clockid_t clock, int flags)
{
  return fake_timer >= 0 ? fake_timer : (int) syscall (SYS_timerfd_create, clock, flags);
}

int
timerfd_settime (int fd, int flags, const struct itimerspec *time, struct itimerspec *old)
{
  if (fd != fake_timer)
    return (int) syscall (SYS_timerfd_settime, fd, flags, time, old);
  fake_flags = flags;
  fake_time = time->it_value.tv_sec * G_USEC_PER_SEC + time->it_value.tv_nsec / 1000;
  return 0;
}

static const char *
get_result (FerryTask *task)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);

  g_assert_no_error (error);
  return result != NULL ? g_intern_string (g_variant_get_string (result, NULL)) : NULL;
}

static void
assert_list (QueueTest *test, const char *keys)
{
  g_autofree char *list = queue_test_list (test);

  g_assert_cmpstr (list, ==, keys);
}

static void
set_paused (QueueTest *test, gboolean paused)
{
  g_object_set (test->queue, "paused", paused, NULL);
}

static void
test_results_survive (void)
{
  g_autoptr (QueueTest) test = queue_test_new (2);

  {
    g_autoptr (FerryTask) task = queue_test_submit (test, "echo", "hello", "a");

    task_test_wait_done (task);
    g_assert_cmpstr (get_result (task), ==, "hello");
  }
  queue_test_close (test);
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) task = queue_test_get (test, "a");

    g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
    g_assert_cmpstr (get_result (task), ==, "hello");
    g_assert_cmpint (ferry_test_get_number (task, "n-attempts"), ==, 1);
  }
}

static void
test_key_is_done_once (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *log = NULL;

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (FerryTask) one = queue_test_submit (test, "note", "x", "once");
      g_autoptr (FerryTask) other = queue_test_submit (test, "note", "y", "once");

      g_assert_true (one == other);
      if (!ferry_task_get_done (one))
        task_test_wait_done (one);
      queue_test_close (test);
      queue_test_restart (test);
    }
  log = task_test_take_log ();
  g_assert_cmpstr (log, ==, "x");
}

static void
test_errors_survive (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  {
    g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "fail",
                                                 g_variant_new ("(sis)", "g-io-error-quark", G_IO_ERROR_PENDING, "so"));
    g_autoptr (FerryTask) submitted = queue_test_submit_task (test, task, "f");

    task_test_wait_done (task);
  }
  queue_test_close (test);
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) task = queue_test_get (test, "f");

    g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
    g_assert_error (ferry_task_get_error (task), G_IO_ERROR, G_IO_ERROR_PENDING);
    g_assert_cmpstr (ferry_task_get_error (task)->message, ==, "so");
  }
}

static void
test_settings_survive (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  set_paused (test, TRUE);
  {
    g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_STEPS, "echo", g_variant_new_string ("\xc3\xa4"));
    g_autoptr (FerryTask) submitted = NULL;

    g_object_set (task, "name", "Name", "description", "More", "retries", 2, "retry-pause", (gint64) 8000000,
                  "idempotent", TRUE, "stoppable", TRUE, "run-timeout", (gint64) 5000000, "queue-timeout",
                  (gint64) 6000000000, "cancel-grace", (gint64) 7, "window", 3, "priority", -4, "application-data",
                  g_variant_new ("(su)", "row", 9), NULL);
    submitted = queue_test_submit_task (test, task, "s");
  }
  queue_test_close (test);
  queue_test_make (test);
  set_paused (test, TRUE);
  g_object_set (test->queue, "start", FERRY_QUEUE_START_PAUSED, NULL);
  queue_test_open (test);
  {
    g_autoptr (FerryTask) task = queue_test_get (test, "s");
    g_autofree char *data = g_variant_print (ferry_test_get_variant (task, "application-data"), FALSE);

    g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
    g_assert_cmpstr (ferry_task_get_name (task), ==, "Name");
    g_assert_cmpstr (ferry_test_get_string (task, "description"), ==, "More");
    g_assert_cmpint (ferry_test_get_number (task, "kind"), ==, FERRY_TASK_KIND_STEPS);
    g_assert_cmpint (ferry_test_get_number (task, "retries"), ==, 2);
    g_assert_cmpint (ferry_test_get_number (task, "retry-pause"), ==, 8000000);
    g_assert_cmpint (ferry_test_get_number (task, "idempotent"), ==, TRUE);
    g_assert_cmpint (ferry_test_get_number (task, "stoppable"), ==, TRUE);
    g_assert_cmpint (ferry_test_get_number (task, "run-timeout"), ==, 5000000);
    g_assert_cmpint (ferry_test_get_number (task, "queue-timeout"), ==, 6000000000);
    g_assert_cmpint (ferry_test_get_number (task, "cancel-grace"), ==, 7);
    g_assert_cmpint (ferry_test_get_number (task, "window"), ==, 3);
    g_assert_cmpint (ferry_test_get_number (task, "priority"), ==, -4);
    g_assert_cmpstr (data, ==, "('row', 9)");
    set_paused (test, FALSE);
    task_test_wait_done (task);
    g_assert_cmpstr (get_result (task), ==, "\xc3\xa4");
  }
}

static void
test_order_and_pauses_survive (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  set_paused (test, TRUE);
  {
    g_autoptr (FerryTask) a = queue_test_submit (test, "note", "a", "a");
    g_autoptr (FerryTask) b = queue_test_submit (test, "note", "b", "b");
    g_autoptr (FerryTask) c = queue_test_submit (test, "note", "c", "c");
    g_autoptr (FerryTask) d = queue_test_submit (test, "note", "d", "d");
    g_autoptr (FerryTask) e = queue_test_submit (test, "note", "e", "e");

    g_assert_true (ferry_task_pause (b));
    g_assert_true (ferry_executor_set_task_priority (test->test->executor, e, 5, NULL));
    g_assert_true (ferry_queue_move (test->queue, d, a, NULL));
    assert_list (test, "d a b c e");
  }
  queue_test_close (test);
  queue_test_make (test);
  g_object_set (test->queue, "start", FERRY_QUEUE_START_AS_IT_WAS, NULL);
  queue_test_open (test);
  assert_list (test, "d a b c e");
  g_assert_cmpint (ferry_test_get_number (test->queue, "paused"), ==, TRUE);
  set_paused (test, FALSE);
  task_test_wait_log ("e d a c");
  {
    g_autoptr (FerryTask) b = queue_test_get (test, "b");

    g_assert_cmpint (ferry_test_get_number (b, "is-paused"), ==, TRUE);
    g_assert_true (ferry_task_resume (b));
    task_test_wait_log ("e d a c b");
  }
}

/* Places between two tasks run out, and are then given anew. */
static void
test_moves_often (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  set_paused (test, TRUE);
  {
    g_autoptr (FerryTask) a = queue_test_submit (test, "note", "a", "a");
    g_autoptr (FerryTask) b = queue_test_submit (test, "note", "b", "b");
    g_autoptr (FerryTask) c = queue_test_submit (test, "note", "c", "c");

    for (guint i = 0; i < 100; i++)
      {
        assert_list (test, "a b c");
        g_assert_true (ferry_queue_move (test->queue, c, b, NULL));
        assert_list (test, "a c b");
        g_assert_true (ferry_queue_move (test->queue, b, c, NULL));
      }
    g_assert_true (ferry_queue_move (test->queue, a, NULL, NULL));
    assert_list (test, "b c a");
  }
  queue_test_close (test);
  queue_test_make (test);
  g_object_set (test->queue, "start", FERRY_QUEUE_START_PAUSED, NULL);
  queue_test_open (test);
  assert_list (test, "b c a");
}

static void
submit_gate (QueueTest *test, const char *key, gboolean idempotent)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "gate", g_variant_new_string (key));
  g_autoptr (FerryTask) submitted = NULL;

  g_object_set (task, "idempotent", idempotent, NULL);
  submitted = queue_test_submit_task (test, task, key);
}

/* While a task runs for long, the pool may run more. */
static void
test_more_workers_begin_more_tasks (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  submit_gate (test, "first", FALSE);
  task_test_wait_log ("first");
  submit_gate (test, "second", FALSE);
  queue_test_flush (test);
  ferry_pool_set_max_workers (test->test->pool, 2);
  task_test_wait_log ("first second");
  task_test_open_gate ();
}

static void
assert_interrupted (QueueTest *test, const char *key)
{
  g_autoptr (FerryTask) task = queue_test_get (test, key);

  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
  g_assert_error (ferry_task_get_error (task), FERRY_ERROR, FERRY_ERROR_INTERRUPTED);
}

static void
test_crash_runs_again_what_is_safe (void)
{
  g_autoptr (QueueTest) test = queue_test_new (2);
  g_autofree char *log = NULL;

  submit_gate (test, "once", FALSE);
  task_test_wait_log ("once");
  submit_gate (test, "again", TRUE);
  task_test_wait_log ("once again");
  submit_gate (test, "waits", FALSE);
  queue_test_crash (test);
  task_test_open_gate ();
  queue_test_restart (test);
  assert_interrupted (test, "once");
  {
    g_autoptr (FerryTask) again = queue_test_get (test, "again");
    g_autoptr (FerryTask) waits = queue_test_get (test, "waits");
    g_autoptr (FerryTask) once = queue_test_get (test, "once");
    g_autoptr (FerryTask) retried = NULL;
    g_autoptr (GError) error = NULL;

    task_test_wait_done (again);
    task_test_wait_done (waits);
    g_assert_cmpint (ferry_task_get_state (again), ==, FERRY_TASK_STATE_COMPLETED);
    g_assert_cmpint (ferry_test_get_number (again, "n-attempts"), ==, 2);
    g_assert_cmpint (ferry_test_get_number (waits, "n-attempts"), ==, 1);
    retried = ferry_executor_retry (test->test->executor, once, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (ferry_queue_get_key (test->queue, retried), ==, "once");
    task_test_wait_done (retried);
    g_assert_cmpint (ferry_task_get_state (retried), ==, FERRY_TASK_STATE_COMPLETED);
  }
  assert_list (test, "once again waits");
  log = task_test_take_log ();
}

static gboolean
is_executing (gpointer task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING;
}

/* Long after it began. */
static gboolean
has_run_for_long (gpointer begun)
{
  return g_get_monotonic_time () - *(gint64 *) begun > G_USEC_PER_SEC / 5;
}

/* After a task that took its time, a crash finds one under way for each worker, and no more. */
static void
test_crash_leaves_waiting_what_waited (void)
{
  static const char *const keys[] = {"second", "third", "fourth"};
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *log = NULL;
  gint64 begun;

  submit_gate (test, "first", FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    g_ptr_array_add (tasks, queue_test_submit (test, "sleep-until-cancelled", NULL, keys[i]));
  task_test_wait_log ("first");
  begun = g_get_monotonic_time ();
  ferry_test_look_until (has_run_for_long, &begun);
  task_test_open_gate ();
  ferry_test_run_until (is_executing, tasks->pdata[0]);
  queue_test_flush (test);
  g_assert_cmpint (ferry_test_get_number (G_OBJECT (test->queue), "n-executing"), ==, 1);
  queue_test_crash (test);
  queue_test_restart (test);
  assert_interrupted (test, "second");
  for (guint i = 1; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (FerryTask) task = queue_test_get (test, keys[i]);

      g_assert_false (ferry_task_get_done (task));
    }
  log = task_test_take_log ();
}

/* Over a crash and an end in good order; what somebody tries again begins anew. */
static void
test_functions_know_of_earlier_attempts (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autoptr (FerryTask) again = NULL;
  g_autofree char *log = NULL;

  {
    g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "repeated", NULL);
    g_autoptr (FerryTask) submitted = NULL;

    g_object_set (task, "idempotent", TRUE, NULL);
    submitted = queue_test_submit_task (test, task, "a");
  }
  task_test_wait_log ("first");
  queue_test_crash (test);
  task_test_open_gate ();
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) task = queue_test_get (test, "a");

    task_test_wait_done (task);
    again = ferry_executor_retry (test->test->executor, task, NULL);
    task_test_wait_done (again);
  }
  log = task_test_take_log ();
  g_assert_cmpstr (log, ==, "first repeated first");
}

static void
test_end_is_no_cancel (void)
{
  g_autoptr (QueueTest) test = queue_test_new (2);

  submit_gate (test, "once", FALSE);
  task_test_wait_log ("once");
  submit_gate (test, "again", TRUE);
  task_test_wait_log ("once again");
  submit_gate (test, "waits", FALSE);
  queue_test_close (test);
  {
    g_autofree char *states = queue_test_ask (test, "SELECT group_concat(key || state || deaths, ' ') FROM task");
    g_autofree char *log = task_test_take_log ();

    g_assert_cmpstr (states, ==, "once30 again00 waits00");
  }
  task_test_open_gate ();
  queue_test_restart (test);
  assert_interrupted (test, "once");
  {
    g_autoptr (FerryTask) again = queue_test_get (test, "again");
    g_autoptr (FerryTask) waits = queue_test_get (test, "waits");

    task_test_wait_done (again);
    task_test_wait_done (waits);
    g_assert_cmpint (ferry_task_get_state (again), ==, FERRY_TASK_STATE_COMPLETED);
    g_assert_cmpint (ferry_task_get_state (waits), ==, FERRY_TASK_STATE_COMPLETED);
  }
}

static void
test_cancel_survives (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  submit_gate (test, "runs", TRUE);
  task_test_wait_log ("runs");
  submit_gate (test, "waits", TRUE);
  {
    g_autoptr (FerryTask) runs = queue_test_get (test, "runs");
    g_autoptr (FerryTask) waits = queue_test_get (test, "waits");

    g_assert_true (ferry_task_cancel (waits));
    g_assert_cmpint (ferry_task_get_state (waits), ==, FERRY_TASK_STATE_CANCELLING);
    g_assert_false (ferry_task_cancel (waits));
    task_test_assert_cancelled (waits);
    g_assert_true (ferry_task_cancel (runs));
    task_test_assert_cancelled (runs);
  }
  queue_test_close (test);
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) runs = queue_test_get (test, "runs");
    g_autoptr (FerryTask) waits = queue_test_get (test, "waits");
    g_autofree char *log = task_test_take_log ();

    g_assert_cmpint (ferry_task_get_state (runs), ==, FERRY_TASK_STATE_CANCELLED);
    g_assert_cmpint (ferry_task_get_state (waits), ==, FERRY_TASK_STATE_CANCELLED);
  }
}

static void
test_deadly_task_waits_for_a_person (void)
{
  g_autoptr (QueueTest) test = queue_test_new (8);
  const GError *error;

  submit_gate (test, "deadly", TRUE);
  task_test_wait_log ("deadly");
  queue_test_crash (test);
  queue_test_restart (test);
  task_test_wait_log ("deadly deadly");
  queue_test_crash (test);
  queue_test_restart (test);
  task_test_wait_log ("deadly deadly deadly");
  queue_test_crash (test);
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) task = queue_test_get (test, "deadly");
    g_autoptr (FerryTask) again = NULL;
    g_autofree char *log = NULL;

    error = ferry_task_get_error (task);
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_QUARANTINED);
    ferry_test_assert_says (error->message, "was lost 3 times, at last as it was under way when the application ended");
    task_test_open_gate ();
    again = ferry_executor_retry (test->test->executor, task, NULL);
    task_test_wait_done (again);
    g_assert_cmpint (ferry_task_get_state (again), ==, FERRY_TASK_STATE_COMPLETED);
    log = task_test_take_log ();
  }
}

static void
note_state (FerryTask *task, GParamSpec *pspec, gpointer data)
{
  QueueTest *test = data;
  g_autofree char *statement =
    g_strdup_printf ("SELECT state FROM task WHERE key = '%s'", ferry_queue_get_key (test->queue, task));
  g_autofree char *state = queue_test_ask (test, statement);

  /* 1: begun. 2: completed. */
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING)
    g_assert_cmpstr (state, ==, "1");
  if (ferry_task_get_done (task))
    g_assert_cmpstr (state, ==, "2");
}

static void
test_stored_before_it_is_told (void)
{
  g_autoptr (QueueTest) test = queue_test_new (2);

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string ("x"));
      g_autoptr (FerryTask) submitted = queue_test_submit_task (test, task, NULL);

      g_signal_connect (task, "notify::state", G_CALLBACK (note_state), test);
      task_test_wait_done (task);
    }
}

static void
test_removed_key_stays_known (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  FerryExecutor *executor = test->test->executor;
  g_autoptr (GError) error = NULL;

  {
    g_autoptr (FerryTask) task = queue_test_submit (test, "note", "x", "k");
    g_autoptr (FerryTask) made_up = queue_test_submit (test, "note", "y", NULL);

    task_test_wait_done (task);
    task_test_wait_done (made_up);
    g_assert_true (ferry_executor_remove (executor, task, NULL));
    g_assert_true (ferry_executor_remove (executor, made_up, NULL));
    assert_list (test, "");
  }
  queue_test_close (test);
  queue_test_restart (test);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FerryTask) task = queue_test_submit (test, "note", "x", "k");

      if (i == 0)
        {
          g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
          g_assert_null (get_result (task));
          g_assert_true (ferry_queue_forget (test->queue, "k", NULL));
          g_assert_false (ferry_queue_forget (test->queue, "k", &error));
          g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
          continue;
        }
      task_test_wait_done (task);
    }
  task_test_wait_log ("x y x");
  {
    g_autofree char *log = task_test_take_log ();
  }
}

static void
test_keeps_so_many (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  g_object_set (test->queue, "keep-count", 2, NULL);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);
      g_autoptr (FerryTask) task = queue_test_submit (test, "nothing", NULL, key);

      task_test_wait_done (task);
    }
  assert_list (test, "3 4");
  queue_test_close (test);
  {
    g_autofree char *n_known = queue_test_ask (test, "SELECT count(*) FROM known");

    g_assert_cmpstr (n_known, ==, "3");
  }
  queue_test_make (test);
  g_object_set (test->queue, "keep-time", (gint64) 1, NULL);
  queue_test_open (test);
  assert_list (test, "");
}

static GVariant *
convert (FerryQueue *queue, const char *function, GVariant *arguments, guint version, gpointer data)
{
  g_assert_cmpstr (function, ==, "echo");
  g_assert_cmpuint (version, ==, 1);
  if (g_str_equal (g_variant_get_string (arguments, NULL), "drop"))
    return NULL;
  return g_variant_ref_sink (g_variant_new_printf ("new %s", g_variant_get_string (arguments, NULL)));
}

static void
test_update_converts (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  set_paused (test, TRUE);
  g_object_set (test->queue, "version", 1, NULL);
  {
    g_autoptr (FerryTask) a = queue_test_submit (test, "echo", "old", "a");
    g_autoptr (FerryTask) b = queue_test_submit (test, "echo", "drop", "b");
  }
  queue_test_close (test);
  queue_test_make (test);
  g_object_set (test->queue, "version", 2, NULL);
  g_signal_connect (test->queue, "convert", G_CALLBACK (convert), NULL);
  queue_test_open (test);
  {
    g_autoptr (FerryTask) a = queue_test_get (test, "a");
    g_autoptr (FerryTask) b = queue_test_get (test, "b");

    task_test_wait_done (a);
    g_assert_cmpstr (get_result (a), ==, "new old");
    g_assert_error (ferry_task_get_error (b), FERRY_ERROR, FERRY_ERROR_VERSION);
  }
}

/* Returns (transfer full): an executor whose workers are of another version than this program. */
static FerryExecutor *
new_misfit (QueueTest *test)
{
  g_autofree char *path = ferry_test_build_path ("hostile-worker");
  const char *argv[] = {path, "packet:version", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerryPool) pool = ferry_pool_new (test->test->router, launcher);

  g_object_set (pool, "use-fork-server", FALSE, NULL);
  return ferry_executor_new (pool);
}

static gboolean
is_failing (gpointer executor)
{
  g_autoptr (GError) error = NULL;

  g_object_get (executor, "error", &error, NULL);
  return error != NULL;
}

static gboolean
none_is_begun (gpointer queue)
{
  return ferry_test_get_number (queue, "n-executing") == 0;
}

static void
assert_waits_for_program (QueueTest *test, const char *key, const char *words)
{
  g_autoptr (FerryTask) task = queue_test_get (test, key);

  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  ferry_test_assert_says (ferry_task_get_text (task), words);
}

/* As in the middle of an update. Nobody has to do anything when it is there again. */
static void
test_program_that_is_gone_lets_tasks_wait (void)
{
  static const char *const keys[] = {"a", "b", "c", "d", "e"};
  g_autofree char *real = ferry_test_build_path ("serving-worker");
  g_autofree char *program = task_test_make_path ("gone-worker");
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const[]){program, NULL});
  g_autoptr (QueueTest) test = queue_test_new_for (task_test_new_with_launcher (launcher, 2));

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    g_object_unref (queue_test_submit (test, "echo", keys[i], keys[i]));
  ferry_test_run_until (is_failing, test->test->executor);
  ferry_test_run_until (none_is_begun, test->queue);
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    assert_waits_for_program (test, keys[i], "could not be executed");
  g_assert_cmpuint (ferry_test_get_number (test->queue, "n-waiting"), ==, G_N_ELEMENTS (keys));
  queue_test_crash (test);
  queue_test_restart (test);
  assert_waits_for_program (test, "e", "could not be executed");
  g_assert_cmpint (symlink (real, program), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (FerryTask) task = queue_test_get (test, keys[i]);

      task_test_wait_done (task);
      g_assert_cmpstr (get_result (task), ==, keys[i]);
      g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 1);
    }
  g_assert_false (is_failing (test->test->executor));
}

/* It was installed while the application ran, so what was begun after that found no worker that fits. */
static void
test_update_lets_wait (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  FerryExecutor *updated = test->test->executor;

  queue_test_close (test);
  test->test->executor = new_misfit (test);
  queue_test_make (test);
  queue_test_open (test);
  {
    g_autoptr (FerryTask) task = queue_test_submit (test, "echo", "kept", "a");

    ferry_test_run_until (is_failing, test->test->executor);
    ferry_test_run_until (none_is_begun, test->queue);
    assert_waits_for_program (test, "a", "fit no longer");
  }
  queue_test_close (test);
  g_object_unref (test->test->executor);
  test->test->executor = updated;
  queue_test_make (test);
  queue_test_open (test);
  {
    g_autoptr (FerryTask) task = queue_test_get (test, "a");

    task_test_wait_done (task);
    g_assert_cmpstr (get_result (task), ==, "kept");
    g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 1);
  }
}

static void
assert_refused (QueueTest *test, FerryTask *task, int code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) submitted = ferry_queue_submit (test->queue, task, NULL, &error);

  g_assert_null (submitted);
  g_assert_error (error, FERRY_ERROR, code);
  assert_list (test, "");
}

static void
test_refuses_what_cannot_be_stored (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->test->router);
  g_autoptr (FerryTask) with_descriptor = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  g_autoptr (FerryTask) with_sender = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  g_autoptr (FerryTask) with_handle = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", g_variant_new_handle (0));
  g_autoptr (FerryTask) returning = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  g_autoptr (FerryTask) wrong = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_int32 (1));

  g_assert_cmpint (ferry_task_add_descriptor (with_descriptor, 0, NULL), ==, 0);
  g_assert_cmpint (ferry_task_add_sender (with_sender, pipe->sender, NULL), ==, 0);
  g_object_set (returning, "max-returned-descriptors", 1, NULL);
  assert_refused (test, with_descriptor, FERRY_ERROR_BAD_ARGUMENTS);
  assert_refused (test, with_sender, FERRY_ERROR_BAD_ARGUMENTS);
  assert_refused (test, with_handle, FERRY_ERROR_BAD_ARGUMENTS);
  assert_refused (test, returning, FERRY_ERROR_BAD_ARGUMENTS);
  assert_refused (test, wrong, FERRY_ERROR_BAD_ARGUMENTS);
}

/* A name of a file may be no UTF-8. */
static void
test_refuses_what_is_no_key (void)
{
  static const char *const keys[] = {"", "caf\xe9.txt"};
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *escaped = g_uri_escape_string (keys[1], "/", TRUE);

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (FerryTask) new = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("x"));
      g_autoptr (GError) error = NULL;
      g_autoptr (GError) error_of_forget = NULL;

      g_assert_null (ferry_queue_submit (test->queue, new, keys[i], &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_null (ferry_queue_lookup (test->queue, keys[i]));
      g_assert_false (ferry_queue_forget (test->queue, keys[i], &error_of_forget));
      g_assert_error (error_of_forget, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
      g_assert_true (g_utf8_validate (error_of_forget->message, -1, NULL));
    }
  assert_list (test, "");
  {
    g_autoptr (FerryTask) task = queue_test_submit (test, "note", "x", escaped);

    task_test_wait_done (task);
  }
  queue_test_close (test);
}

static void
test_one_queue_at_a_file (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *other_name = g_build_filename (test->folder, ".", "queue.db", NULL);
  g_autoptr (FerryQueue) other = ferry_queue_new (test->test->executor, other_name);
  g_autoptr (GError) error = queue_test_fail_to_open (other);

  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  ferry_test_assert_says (error->message, "another FerryQueue of this process");
}

static void
test_shutdown_is_no_cancel (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  submit_gate (test, "runs", TRUE);
  task_test_wait_log ("runs");
  submit_gate (test, "waits", FALSE);
  {
    g_autoptr (FerryTask) runs = queue_test_get (test, "runs");

    ferry_executor_shutdown_async (test->test->executor, -1, NULL, NULL, NULL);
    task_test_wait_done (runs);
  }
  queue_test_close (test);
  {
    g_autofree char *states = queue_test_ask (test, "SELECT group_concat(key || state, ' ') FROM task");
    g_autofree char *log = task_test_take_log ();

    g_assert_cmpstr (states, ==, "runs0 waits0");
  }
}

static void
test_waits_for_its_time (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  gint64 later = g_get_real_time () + 3600 * (gint64) G_USEC_PER_SEC;

  {
    g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("late"));
    g_autoptr (FerryTask) other = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("soon"));
    g_autoptr (FerryTask) refused = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("never"));
    g_autoptr (FerryTask) one = NULL;
    g_autoptr (FerryTask) two = NULL;
    g_autoptr (GError) error = NULL;

    g_object_set (refused, "not-before", later, NULL);
    g_assert_false (ferry_executor_submit_task (test->test->executor, refused, &error));
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
    g_object_set (task, "not-before", later, NULL);
    g_object_set (other, "not-before", g_get_real_time () + 50000, NULL);
    one = queue_test_submit_task (test, task, "late");
    two = queue_test_submit_task (test, other, "soon");
    g_assert_true (g_str_has_prefix (ferry_task_get_text (task), "Waits until "));
    task_test_wait_done (other);
    g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  }
  queue_test_close (test);
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) task = queue_test_get (test, "late");
    g_autofree char *log = NULL;

    g_assert_cmpint (ferry_test_get_number (task, "not-before"), ==, later);
    g_object_set (test->queue, "paused", TRUE, "reason", "Waits for mains power", NULL);
    g_assert_cmpstr (ferry_task_get_text (task), ==, "Waits for mains power");
    set_paused (test, FALSE);
    g_assert_true (g_str_has_prefix (ferry_task_get_text (task), "Waits until "));
    g_assert_true (ferry_queue_set_not_before (test->queue, task, 0, NULL));
    g_assert_null (ferry_task_get_text (task));
    task_test_wait_done (task);
    log = task_test_take_log ();
    g_assert_cmpstr (log, ==, "soon late");
  }
}

static void
test_times_without_end_are_never (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  {
    g_autoptr (FerryTask) hand = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("hand"));
    g_autoptr (FerryTask) limits = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("limits"));
    g_autoptr (FerryTask) one = NULL;
    g_autoptr (FerryTask) two = NULL;

    g_object_set (test->queue, "keep-time", G_MAXINT64, "paused", TRUE, NULL);
    g_object_set (hand, "not-before", G_MAXINT64, "queue-timeout", G_MAXINT64, NULL);
    g_object_set (limits, "deadline", G_MAXINT64, "queue-timeout", G_MAXINT64, "run-timeout", G_MAXINT64, NULL);
    one = queue_test_submit_task (test, hand, "hand");
    two = queue_test_submit_task (test, limits, "limits");
  }
  queue_test_close (test);
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) hand = queue_test_get (test, "hand");
    g_autoptr (FerryTask) limits = queue_test_get (test, "limits");

    g_assert_cmpint (ferry_test_get_number (limits, "deadline"), ==, G_MAXINT64);
    set_paused (test, FALSE);
    task_test_assert_result (limits, NULL);
    g_assert_cmpint (ferry_task_get_state (hand), ==, FERRY_TASK_STATE_WAITING);
    g_assert_cmpstr (ferry_task_get_text (hand), ==, "Waits until it is run by hand");
    g_assert_true (ferry_queue_set_not_before (test->queue, hand, 0, NULL));
    task_test_wait_done (hand);
  }
}

/* A queue of an executor without hosts takes no such task, but what is stored of one is the same for each. */
static void
test_needs_survive (void)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "note", NULL);
  g_autoptr (FerryTask) again = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) needs = NULL;
  FerryQueueRow row = {.key = g_ref_string_new ("key")};

  g_object_set (task, "needs", (const char *const[]){"gpu", "nvme", NULL}, NULL);
  ferry_queue_row_take_task (&row, task, NULL);
  again = ferry_queue_row_new_task (&row, FERRY_TYPE_TASK, &error);
  g_assert_no_error (error);
  g_object_get (again, "needs", &needs, NULL);
  g_assert_cmpstrv (needs, ((const char *const[]){"gpu", "nvme", NULL}));
  ferry_queue_row_clear (&row);
}

static gboolean
rests (gpointer task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING &&
         ferry_test_get_number (task, "not-before") > g_get_real_time ();
}

/* (transfer full) */
static FerryTask *
submit_crash_at_first (QueueTest *test, gint64 pause, const char *key)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash-at-first", NULL);

  g_object_set (task, "retries", 1, "retry-pause", pause, NULL);
  return queue_test_submit_task (test, task, key);
}

static void
assert_stored (QueueTest *test, const char *what, const char *expected)
{
  g_autofree char *statement = g_strdup_printf ("SELECT %s FROM task WHERE key = 'late'", what);
  g_autofree char *found = queue_test_ask (test, statement);

  g_assert_cmpstr (found, ==, expected);
}

static gboolean
has_stored_rest (gpointer test)
{
  g_autofree char *found = NULL;

  queue_test_flush (test);
  found = queue_test_ask (test, "SELECT state FROM task WHERE key = 'late'");
  return g_str_equal (found, "0");
}

/* Neither begun nor counted as under way: the application may end as often as it likes meanwhile. */
static void
test_pause_between_attempts_survives (void)
{
  g_autoptr (QueueTest) test = queue_test_new_for (task_test_new (FALSE, 1));
  gint64 until;

  {
    g_autoptr (FerryTask) late = submit_crash_at_first (test, 3600 * (gint64) G_USEC_PER_SEC, "late");
    g_autoptr (FerryTask) soon = submit_crash_at_first (test, G_USEC_PER_SEC / 20, "soon");

    ferry_test_run_until (rests, late);
    task_test_wait_done (soon);
    g_assert_cmpint (ferry_task_get_state (soon), ==, FERRY_TASK_STATE_COMPLETED);
    g_assert_cmpint (ferry_test_get_number (soon, "n-attempts"), ==, 2);
    ferry_test_run_until (has_stored_rest, test);
    g_assert_true (g_str_has_prefix (ferry_task_get_text (late), "Waits until "));
    until = ferry_test_get_number (late, "not-before");
  }
  for (guint i = 0; i < 5; i++)
    {
      queue_test_crash (test);
      assert_stored (test, "state", "0");
      assert_stored (test, "attempts", "1");
      assert_stored (test, "deaths", "1");
      queue_test_restart (test);
    }
  {
    g_autoptr (FerryTask) late = queue_test_get (test, "late");

    g_assert_cmpint (ferry_test_get_number (late, "not-before"), ==, until);
    g_assert_true (g_str_has_prefix (ferry_task_get_text (late), "Waits until "));
    g_assert_true (ferry_queue_set_not_before (test->queue, late, 0, NULL));
    task_test_wait_done (late);
    g_assert_cmpint (ferry_task_get_state (late), ==, FERRY_TASK_STATE_COMPLETED);
    g_assert_cmpint (ferry_test_get_number (late, "n-attempts"), ==, 2);
  }
}

/* Tasks that were claimed ahead of those that run are no longer begun in the file. what: the object that is paused. */
static void
pause_in_the_midst (QueueTest *test, gpointer what)
{
  g_autoptr (FerryTask) before = NULL;
  g_autofree char *n_begun = NULL;
  g_autofree char *log = NULL;

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (FerryTask) task = queue_test_submit (test, "nothing", NULL, i == 99 ? "before" : NULL);
    }
  submit_gate (test, "gate", FALSE);
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (FerryTask) task = queue_test_submit (test, "nothing", NULL, NULL);
    }
  task_test_wait_log ("gate");
  before = queue_test_get (test, "before");
  if (!ferry_task_get_done (before))
    task_test_wait_done (before);
  if (FERRY_IS_QUEUE (what))
    g_object_set (what, "paused", TRUE, NULL);
  else
    ferry_executor_set_paused (what, TRUE, FALSE);
  queue_test_flush (test);
  n_begun = queue_test_ask (test, "SELECT count(*) FROM task WHERE state = 1");
  g_assert_cmpstr (n_begun, ==, "1");
  task_test_open_gate ();
  log = task_test_take_log ();
}

static gboolean
has_no_open_task (gpointer data)
{
  GListModel *model = data;

  for (guint i = 0; i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (model, i);

      if (!ferry_task_get_done (task))
        return FALSE;
    }
  return TRUE;
}

static void
test_pause_takes_back (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  pause_in_the_midst (test, test->queue);
  {
    g_autoptr (FerryTask) last = g_list_model_get_item (G_LIST_MODEL (test->queue), 200);

    g_assert_cmpint (ferry_task_get_state (last), ==, FERRY_TASK_STATE_WAITING);
    set_paused (test, FALSE);
    ferry_test_run_until (has_no_open_task, test->queue);
    g_assert_cmpint (ferry_test_get_number (last, "n-attempts"), ==, 1);
  }
}

static void
test_pause_of_the_executor_takes_back (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  pause_in_the_midst (test, test->test->executor);
  ferry_executor_set_paused (test->test->executor, FALSE, FALSE);
  ferry_test_run_until (has_no_open_task, test->queue);
}

/* As the buttons of a window do: also of tasks that are only in the file. */
static void
test_all_are_cancelled_and_cleared (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  FerryExecutor *executor = test->test->executor;

  submit_gate (test, "runs", FALSE);
  task_test_wait_log ("runs");
  submit_gate (test, "a", FALSE);
  submit_gate (test, "b", FALSE);
  queue_test_close (test);
  task_test_open_gate ();
  queue_test_make (test);
  g_object_set (test->queue, "start", FERRY_QUEUE_START_PAUSED, NULL);
  queue_test_open (test);
  {
    g_autoptr (FerryTask) b = queue_test_get (test, "b");
    g_autofree char *log = task_test_take_log ();

    g_assert_cmpuint (ferry_executor_cancel_all (executor), ==, 2);
    g_assert_cmpint (ferry_task_get_state (b), ==, FERRY_TASK_STATE_CANCELLING);
    g_assert_cmpuint (ferry_executor_cancel_all (executor), ==, 0);
    task_test_assert_cancelled (b);
  }
  queue_test_flush (test);
  {
    g_autoptr (FerryTask) a = queue_test_get (test, "a");
    g_autofree char *states = queue_test_ask (test, "SELECT group_concat(key || state, ' ') FROM task");

    g_assert_cmpint (ferry_task_get_state (a), ==, FERRY_TASK_STATE_CANCELLED);
    g_assert_cmpstr (states, ==, "runs3 a4 b4");
  }
  ferry_executor_clear_finished (executor);
  assert_list (test, "");
  queue_test_flush (test);
  {
    g_autofree char *n_known = queue_test_ask (test, "SELECT count(*) FROM known");

    g_assert_cmpstr (n_known, ==, "3");
  }
}

static void
test_name_and_pause_of_what_runs_survive (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  submit_gate (test, "runs", TRUE);
  task_test_wait_log ("runs");
  {
    g_autoptr (FerryTask) runs = queue_test_get (test, "runs");

    g_object_set (runs, "name", "Another name", NULL);
    g_assert_true (ferry_task_pause (runs));
    queue_test_crash (test);
    /* In this process its function still has the thread. */
    g_assert_true (ferry_task_resume (runs));
  }
  task_test_open_gate ();
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) runs = queue_test_get (test, "runs");
    g_autofree char *log = NULL;

    g_assert_cmpstr (ferry_task_get_name (runs), ==, "Another name");
    g_assert_cmpint (ferry_task_get_state (runs), ==, FERRY_TASK_STATE_WAITING);
    g_assert_cmpint (ferry_test_get_number (runs, "is-paused"), ==, TRUE);
    g_assert_true (ferry_task_resume (runs));
    task_test_wait_done (runs);
    log = task_test_take_log ();
  }
  queue_test_close (test);
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) runs = queue_test_get (test, "runs");

    g_assert_cmpstr (ferry_task_get_name (runs), ==, "Another name");
    g_assert_cmpint (ferry_task_get_state (runs), ==, FERRY_TASK_STATE_COMPLETED);
  }
}

/* The executor's pause of all that run is no wish for one of them. */
static void
test_pause_of_all_is_not_stored (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  submit_gate (test, "runs", TRUE);
  task_test_wait_log ("runs");
  ferry_executor_set_paused (test->test->executor, TRUE, TRUE);
  queue_test_crash (test);
  ferry_executor_set_paused (test->test->executor, FALSE, FALSE);
  task_test_open_gate ();
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) runs = queue_test_get (test, "runs");
    g_autofree char *log = NULL;

    g_assert_cmpint (ferry_test_get_number (runs, "is-paused"), ==, FALSE);
    task_test_wait_done (runs);
    log = task_test_take_log ();
  }
}

/* Of an earlier version of the application. */
static void
store_task (QueueTest *test, const char *function, GVariant *arguments)
{
  g_autoptr (GPtrArray) changes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_queue_change_free);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, function, arguments);
  g_autofree char *folder = ferry_queue_file_name_folder (test->path);
  FerryQueueRow row = {.id = 1, .key = g_ref_string_new (function), .place = 1};
  FerryQueueContent *content = NULL;
  FerryQueueFile *file = ferry_queue_file_open (test->path, &content, NULL);

  ferry_queue_row_take_task (&row, task, folder);
  g_ptr_array_add (changes, ferry_queue_change_of (FERRY_QUEUE_CHANGE_INSERT, &row));
  g_assert_true (ferry_queue_file_write (file, changes, NULL));
  ferry_queue_row_clear (&row);
  ferry_queue_content_free (content);
  ferry_queue_file_close (file, TRUE, NULL);
}

static void
assert_cannot_run (const char *function, GVariant *arguments, int code)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  queue_test_close (test);
  store_task (test, function, arguments);
  queue_test_restart (test);
  for (guint i = 0; i < 2; i++)
    {
      {
        g_autoptr (FerryTask) task = queue_test_get (test, function);

        if (!ferry_task_get_done (task))
          task_test_wait_done (task);
        g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
        g_assert_error (ferry_task_get_error (task), FERRY_ERROR, code);
        ferry_test_assert_says (ferry_task_get_error (task)->message, function);
      }
      queue_test_close (test);
      queue_test_restart (test);
    }
}

static void
test_function_that_is_gone_is_an_error (void)
{
  assert_cannot_run ("gone-since", NULL, FERRY_ERROR_UNKNOWN_FUNCTION);
}

static void
test_function_of_another_type_is_an_error (void)
{
  assert_cannot_run ("echo", g_variant_new_int32 (1), FERRY_ERROR_BAD_ARGUMENTS);
}

/* The machine sleeps, or somebody sets the clock: the time has come, and has not gone again. */
static void
test_clock_that_jumps_is_followed (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  gint64 hour = 3600 * (gint64) G_USEC_PER_SEC;
  g_autoptr (FerryTask) late = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("late"));
  g_autoptr (FerryTask) later = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("later"));
  g_autoptr (FerryTask) one = NULL;
  g_autoptr (FerryTask) two = NULL;
  g_autofree char *log = NULL;

  g_object_set (late, "not-before", g_get_real_time () + hour, NULL);
  g_object_set (later, "not-before", g_get_real_time () + 5 * hour, NULL);
  one = queue_test_submit_task (test, late, "late");
  queue_test_flush (test);
  g_assert_cmpint (ferry_task_get_state (one), ==, FERRY_TASK_STATE_WAITING);
  clock_offset = 2 * hour;
  /* The clock is looked at when it is set, and now. */
  two = queue_test_submit_task (test, later, "later");
  task_test_wait_done (one);
  g_assert_cmpint (ferry_task_get_state (two), ==, FERRY_TASK_STATE_WAITING);
  clock_offset = -2 * hour;
  g_assert_true (ferry_queue_set_not_before (test->queue, two, g_get_real_time () - hour, NULL));
  task_test_wait_done (two);
  clock_offset = 0;
  log = task_test_take_log ();
  g_assert_cmpstr (log, ==, "late later");
}

static gboolean
waits_for_fake_timer (gpointer time)
{
  return fake_time == *(gint64 *) time;
}

static gboolean
ends_sooner_than_a_day (gpointer task)
{
  return ferry_task_get_not_before (task) < g_get_real_time () + 12 * 3600 * (gint64) G_USEC_PER_SEC;
}

/* As when the machine wakes up, or somebody sets the clock: nobody submits anything. */
static void
test_clock_is_looked_at_when_it_is_set (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  gint64 hour = 3600 * (gint64) G_USEC_PER_SEC;
  gint64 time = g_get_real_time () + hour, none = 0;
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("late"));
  g_autoptr (FerryTask) submitted = NULL;
  g_autofree char *log = NULL;

  fake_timer = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  g_object_set (task, "not-before", time, NULL);
  submitted = queue_test_submit_task (test, task, "late");
  ferry_test_look_until (waits_for_fake_timer, &time);
  g_assert_cmpint (fake_flags, ==, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  clock_offset = 2 * hour;
  g_assert_cmpint (eventfd_write (fake_timer, 1), ==, 0);
  task_test_wait_done (task);
  ferry_test_look_until (waits_for_fake_timer, &none);
  log = task_test_take_log ();
  g_assert_cmpstr (log, ==, "late");
  clock_offset = 0;
  queue_test_close (test);
  fake_timer = -1;
}

/* The clock was a day ahead as the task was lost. Set while the queue is open: when the timer of the clock tells. */
static void
check_rest_is_no_longer_than_its_pause (gboolean restarts)
{
  g_autoptr (QueueTest) test = queue_test_new_for (task_test_new (FALSE, 1));
  g_autoptr (FerryTask) submitted = NULL;
  const gint64 day = 24 * 3600 * (gint64) G_USEC_PER_SEC, pause = 3600 * (gint64) G_USEC_PER_SEC;
  gint64 end;

  fake_timer = restarts ? -1 : eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  clock_offset = day;
  submitted = submit_crash_at_first (test, pause, "lost");
  ferry_test_run_until (rests, submitted);
  queue_test_flush (test);
  g_assert_cmpint (ferry_task_get_not_before (submitted), >, g_get_real_time () + pause / 2);
  clock_offset = 0;
  if (restarts)
    {
      queue_test_crash (test);
      queue_test_restart (test);
      g_clear_object (&submitted);
      submitted = queue_test_get (test, "lost");
    }
  else
    g_assert_cmpint (eventfd_write (fake_timer, 1), ==, 0);
  end = g_get_real_time () + pause;
  ferry_test_run_until (ends_sooner_than_a_day, submitted);
  g_assert_cmpint (ferry_task_get_not_before (submitted), >, end - pause / 2);
  g_assert_cmpint (ferry_task_get_not_before (submitted), <, end + pause / 2);
  /* That is a person's wish, and no rest. */
  g_assert_true (ferry_queue_set_not_before (test->queue, submitted, end + day, NULL));
  queue_test_close (test);
  fake_timer = -1;
  queue_test_restart (test);
  g_clear_object (&submitted);
  submitted = queue_test_get (test, "lost");
  g_assert_cmpint (ferry_task_get_not_before (submitted), ==, end + day);
}

static void
test_rest_is_no_longer_than_its_pause (void)
{
  check_rest_is_no_longer_than_its_pause (FALSE);
  check_rest_is_no_longer_than_its_pause (TRUE);
}

/* (transfer full): the queue is opened with a clock that is so many days ahead, and its list. */
static char *
list_days_later (QueueTest *test, gint64 days)
{
  clock_offset = days * 24 * 3600 * (gint64) G_USEC_PER_SEC;
  queue_test_restart (test);
  queue_test_flush (test);
  clock_offset = 0;
  return queue_test_list (test);
}

/* The default keep-time is 30 days. */
static void
test_age_counts_where_the_queue_has_seen_it (void)
{
  static const struct
  {
    gint64 days;
    const char *list;
  } starts[] = {{60, "a"}, {0, "a"}, {60, "a"}, {60, "a"}, {0, "a"}, {6, "a"}, {12, "a"}, {24, "a"}, {31, ""}};
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autoptr (FerryTask) task = queue_test_submit (test, "nothing", NULL, "a");

  task_test_wait_done (task);
  queue_test_close (test);
  for (gsize i = 0; i < G_N_ELEMENTS (starts); i++)
    {
      g_autofree char *list = list_days_later (test, starts[i].days);

      g_test_message ("start %zu", i);
      g_assert_cmpstr (list, ==, starts[i].list);
      queue_test_close (test);
    }
}

static FerryTask *
submit_limited (QueueTest *test, const char *key, const char *limit, gint64 time)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string (key));

  g_object_set (task, limit, time, NULL);
  return queue_test_submit_task (test, task, key);
}

static void
assert_expired (QueueTest *test, const char *key, int code)
{
  g_autoptr (FerryTask) task = queue_test_get (test, key);

  task_test_wait_done (task);
  g_assert_error (ferry_task_get_error (task), FERRY_ERROR, code);
}

/* Nobody looks at the tasks, and none could be begun. */
static void
test_limits_of_waiting_count_in_the_file (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  const gint64 hour = 3600 * (gint64) G_USEC_PER_SEC;
  g_autofree char *log = NULL;
  g_autofree char *state = NULL;

  set_paused (test, TRUE);
  g_object_unref (submit_limited (test, "hour", "queue-timeout", hour));
  g_object_unref (submit_limited (test, "deadline", "deadline", g_get_monotonic_time () + hour));
  g_object_unref (submit_limited (test, "day", "queue-timeout", 24 * hour));
  {
    g_autoptr (FerryTask) held = submit_limited (test, "held", "queue-timeout", hour);
    g_autoptr (FerryTask) tonight = submit_limited (test, "tonight", "queue-timeout", hour);

    g_assert_true (ferry_task_pause (held));
    g_assert_true (ferry_queue_set_not_before (test->queue, tonight, g_get_real_time () + 3 * hour, NULL));
  }
  queue_test_close (test);
  clock_offset = 2 * hour;
  queue_test_make (test);
  g_object_set (test->queue, "start", FERRY_QUEUE_START_AS_IT_WAS, NULL);
  queue_test_open (test);
  assert_expired (test, "hour", FERRY_ERROR_QUEUE_TIMED_OUT);
  assert_expired (test, "deadline", FERRY_ERROR_TIMED_OUT);
  g_assert_cmpint (ferry_test_get_number (test->queue, "n-failed"), ==, 2);
  g_assert_cmpint (ferry_test_get_number (test->queue, "n-waiting"), ==, 3);
  {
    g_autoptr (FerryTask) hour_task = queue_test_get (test, "hour");
    g_autoptr (FerryTask) held = queue_test_get (test, "held");
    g_autoptr (FerryTask) again = NULL;

    /* The time counts from now on. */
    again = ferry_executor_retry (test->test->executor, hour_task, NULL);
    g_assert_nonnull (again);
    ferry_task_resume (held);
    set_paused (test, FALSE);
    task_test_wait_done (held);
    task_test_wait_done (again);
    g_assert_no_error (ferry_task_get_error (held));
    g_assert_no_error (ferry_task_get_error (again));
  }
  queue_test_close (test);
  state = queue_test_ask (test, "SELECT count(*) FROM task WHERE state = 3");
  g_assert_cmpstr (state, ==, "1");
  clock_offset = 0;
}

/* A class of the application's own. */
typedef struct
{
  FerryTask parent_instance;
} OwnTask;

typedef FerryTaskClass OwnTaskClass;

static GType own_task_get_type (void);

G_DEFINE_TYPE (OwnTask, own_task, FERRY_TYPE_TASK)

static void
own_task_class_init (OwnTaskClass *klass)
{
}

static void
own_task_init (OwnTask *self)
{
}

static void
restart_with_own_tasks (QueueTest *test)
{
  queue_test_close (test);
  queue_test_make (test);
  g_object_set (test->queue, "task-type", own_task_get_type (), NULL);
  queue_test_open (test);
}

static void
test_tasks_are_of_the_applications_class (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *log = NULL;
  GType type;

  g_object_get (test->queue, "task-type", &type, NULL);
  g_assert_true (type == FERRY_TYPE_TASK);
  {
    g_autoptr (FerryTask) done = queue_test_submit (test, "note", "done", "done");
    g_autoptr (FerryTask) waits = NULL;

    task_test_wait_done (done);
    set_paused (test, TRUE);
    waits = queue_test_submit (test, "note", "waits", "waits");
  }
  restart_with_own_tasks (test);
  {
    g_autoptr (FerryTask) done = queue_test_get (test, "done");
    g_autoptr (FerryTask) waits = queue_test_get (test, "waits");
    g_autoptr (FerryTask) again = ferry_executor_retry (test->test->executor, done, NULL);

    g_assert_true (G_TYPE_CHECK_INSTANCE_TYPE (done, own_task_get_type ()));
    g_assert_true (G_TYPE_CHECK_INSTANCE_TYPE (waits, own_task_get_type ()));
    g_assert_true (G_TYPE_CHECK_INSTANCE_TYPE (again, own_task_get_type ()));
    task_test_wait_done (waits);
    task_test_wait_done (again);
  }
  log = task_test_take_log ();
  g_assert_true (strstr (log, "waits") != NULL);
}

#define N_LET_GO 200000

/* A slot that two threads share: a task to be let go of, or the slot itself as the end. */
typedef struct
{
  _Atomic gpointer task;
} Slot;

static gpointer
let_go_of_all (gpointer data)
{
  Slot *slot = data;
  gpointer task;

  /* It does not sleep: the main thread is to ask for the task at the same moment. */
  while ((task = atomic_exchange (&slot->task, NULL)) != slot)
    g_clear_object (&task);
  return NULL;
}

/* The main thread asks for a task while another one lets go of it. */
static void
test_anybody_lets_go_of_a_task_that_has_ended (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  Slot slot = {NULL};
  GThread *thread;

  {
    g_autoptr (FerryTask) task = queue_test_submit (test, "echo", "hello", "a");

    task_test_wait_done (task);
  }
  thread = g_thread_new ("let-go", let_go_of_all, &slot);
  for (guint i = 0; i < N_LET_GO; i++)
    {
      FerryTask *task = queue_test_get (test, "a");

      g_assert_cmpstr (ferry_queue_get_key (test->queue, task), ==, "a");
      task = atomic_exchange (&slot.task, task);
      g_clear_object (&task);
    }
  {
    g_autoptr (FerryTask) left G_GNUC_UNUSED = atomic_exchange (&slot.task, &slot);

    g_thread_join (thread);
  }
}

static gboolean
has_error (gpointer queue)
{
  return ferry_test_get_error (queue, "error") != NULL;
}

/* Somebody else has the file, as a disk that is full: what runs goes on, and nothing is told that is not stored. */
static void
test_tells_nothing_that_is_not_stored (void)
{
  g_autoptr (QueueTest) test = queue_test_new (2);
  sqlite3 *database = NULL;

  submit_gate (test, "a", FALSE);
  task_test_wait_log ("a");
  {
    g_autoptr (FerryTask) a = queue_test_get (test, "a");
    g_autoptr (FerryTask) b = NULL;
    g_autofree char *log = NULL;

    g_assert_cmpint (sqlite3_open (test->path, &database), ==, SQLITE_OK);
    g_assert_cmpint (sqlite3_exec (database, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
    task_test_open_gate ();
    b = queue_test_submit (test, "note", "b", "b");
    ferry_test_run_until (has_error, test->queue);
    g_assert_error (ferry_test_get_error (test->queue, "error"), G_IO_ERROR, G_IO_ERROR_BUSY);
    g_assert_cmpint (ferry_task_get_state (a), ==, FERRY_TASK_STATE_EXECUTING);
    g_assert_null (ferry_test_get_variant (a, "result"));
    g_assert_false (ferry_task_cancel (a) && ferry_task_get_done (a));
    g_assert_cmpint (ferry_task_get_state (b), ==, FERRY_TASK_STATE_WAITING);
    g_assert_cmpint (sqlite3_exec (database, "ROLLBACK", NULL, NULL, NULL), ==, SQLITE_OK);
    g_assert_cmpint (sqlite3_close (database), ==, SQLITE_OK);
    task_test_wait_done (a);
    task_test_wait_done (b);
    g_assert_cmpint (ferry_task_get_state (a), ==, FERRY_TASK_STATE_COMPLETED);
    g_assert_false (has_error (test->queue));
    g_assert_cmpuint (task_test_take_n_warnings (), ==, 1);
    log = task_test_take_log ();
  }
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/queue/promised/done-is-done", test_results_survive);
  g_test_add_func ("/queue/key-is-done-once", test_key_is_done_once);
  g_test_add_func ("/queue/errors-survive", test_errors_survive);
  g_test_add_func ("/queue/settings-survive", test_settings_survive);
  g_test_add_func ("/queue/promised/waited-waits", test_order_and_pauses_survive);
  g_test_add_func ("/queue/moves-often", test_moves_often);
  g_test_add_func ("/queue/more-workers-begin-more-tasks", test_more_workers_begin_more_tasks);
  g_test_add_func ("/queue/promised/under-way-runs-again-if-it-may", test_crash_runs_again_what_is_safe);
  g_test_add_func ("/queue/promised/submitted-is-there", test_crash_leaves_waiting_what_waited);
  g_test_add_func ("/queue/functions-know-of-earlier-attempts", test_functions_know_of_earlier_attempts);
  g_test_add_func ("/queue/end-is-no-cancel", test_end_is_no_cancel);
  g_test_add_func ("/queue/shutdown-is-no-cancel", test_shutdown_is_no_cancel);
  g_test_add_func ("/queue/promised/cancelled-is-cancelled", test_cancel_survives);
  g_test_add_func ("/queue/deadly-task-waits-for-a-person", test_deadly_task_waits_for_a_person);
  g_test_add_func ("/queue/stored-before-it-is-told", test_stored_before_it_is_told);
  g_test_add_func ("/queue/waits-for-its-time", test_waits_for_its_time);
  g_test_add_func ("/queue/times-without-end-are-never", test_times_without_end_are_never);
  g_test_add_func ("/queue/needs-survive", test_needs_survive);
  g_test_add_func ("/queue/promised/rested-rests", test_pause_between_attempts_survives);
  g_test_add_func ("/queue/tells-nothing-that-is-not-stored", test_tells_nothing_that_is_not_stored);
  g_test_add_func ("/queue/tasks-are-of-the-applications-class", test_tasks_are_of_the_applications_class);
  g_test_add_func ("/queue/anybody-lets-go-of-a-task-that-has-ended", test_anybody_lets_go_of_a_task_that_has_ended);
  g_test_add_func ("/queue/removed-key-stays-known", test_removed_key_stays_known);
  g_test_add_func ("/queue/keeps-so-many", test_keeps_so_many);
  g_test_add_func ("/queue/update-converts", test_update_converts);
  g_test_add_func ("/queue/update-lets-wait", test_update_lets_wait);
  g_test_add_func ("/queue/program-that-is-gone-lets-tasks-wait", test_program_that_is_gone_lets_tasks_wait);
  g_test_add_func ("/queue/refuses-what-cannot-be-stored", test_refuses_what_cannot_be_stored);
  g_test_add_func ("/queue/refuses-what-is-no-key", test_refuses_what_is_no_key);
  g_test_add_func ("/queue/one-queue-at-a-file", test_one_queue_at_a_file);
  g_test_add_func ("/queue/pause-takes-back", test_pause_takes_back);
  g_test_add_func ("/queue/pause-of-the-executor-takes-back", test_pause_of_the_executor_takes_back);
  g_test_add_func ("/queue/all-are-cancelled-and-cleared", test_all_are_cancelled_and_cleared);
  g_test_add_func ("/queue/name-and-pause-of-what-runs-survive", test_name_and_pause_of_what_runs_survive);
  g_test_add_func ("/queue/pause-of-all-is-not-stored", test_pause_of_all_is_not_stored);
  g_test_add_func ("/queue/function-that-is-gone-is-an-error", test_function_that_is_gone_is_an_error);
  g_test_add_func ("/queue/function-of-another-type-is-an-error", test_function_of_another_type_is_an_error);
  g_test_add_func ("/queue/clock-that-jumps-is-followed", test_clock_that_jumps_is_followed);
  g_test_add_func ("/queue/clock-is-looked-at-when-it-is-set", test_clock_is_looked_at_when_it_is_set);
  g_test_add_func ("/queue/rest-is-no-longer-than-its-pause", test_rest_is_no_longer_than_its_pause);
  g_test_add_func ("/queue/age-counts-where-the-queue-has-seen-it", test_age_counts_where_the_queue_has_seen_it);
  g_test_add_func ("/queue/limits-of-waiting-count-in-the-file", test_limits_of_waiting_count_in_the_file);
  return g_test_run ();
}
