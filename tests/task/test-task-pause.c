/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-task.c, task/ferry-executor.c, pool/ferry-task-queue.c, pool/ferry-pool-worker.c,
 *        link/ferry-pidfd.c
 *
 * Tasks that are paused and resumed: while they wait, while they run, and with their executor. */

#include "config.h"

#include "task/task-test.h"

#include <signal.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "pool/ferry-pool-private.h"
#include "pool/ferry-pool-worker-private.h"
#include "task/ferry-task-private.h"

/* ---- what is seen of a task ---- */

static gboolean
is_paused (FerryTask *task)
{
  gboolean paused;

  g_object_get (task, "is-paused", &paused, NULL);
  return paused;
}

static gboolean
can_pause (FerryTask *task)
{
  gboolean can;

  g_object_get (task, "can-pause", &can, NULL);
  return can;
}

static guint64
get_amount (FerryTask *task)
{
  guint64 amount;

  g_object_get (task, "amount", &amount, NULL);
  return amount;
}

typedef struct
{
  FerryTask *task;
  guint64 amount;
} Moving;

static gboolean
has_moved (gpointer data)
{
  const Moving *moving = data;

  return get_amount (moving->task) > moving->amount;
}

static void
wait_moving (FerryTask *task)
{
  Moving moving = {task, get_amount (task)};

  ferry_test_run_until (has_moved, &moving);
}

static gboolean
has_heard (gpointer data)
{
  const FerryRun *run = ferry_task_get_run (data);
  const FerryPoolWorker *worker = (FerryPoolWorker *) run->destination;

  return worker != NULL && ferry_link_has_heard_pause (worker->link);
}

static gboolean
has_passed (gpointer data)
{
  return g_get_monotonic_time () > *(gint64 *) data;
}

static void
wait_until (gint64 time)
{
  ferry_test_look_until (has_passed, &time);
}

static void
count (FerryTask *task, gpointer n)
{
  (*(guint *) n)++;
}

/* A function that goes on is heard of in each frame. Of one that pauses, what it has written last is, and what was read
 * before that. */
static void
assert_stands_still (FerryTask *task)
{
  guint n = 0;
  gulong handler;

  ferry_test_look_until (has_heard, task);
  handler = g_signal_connect (task, "progress", G_CALLBACK (count), &n);
  wait_until (g_get_monotonic_time () + G_USEC_PER_SEC / 3);
  g_signal_handler_disconnect (task, handler);
  g_assert_cmpuint (n, <=, 2);
}

static gboolean
is_stopped (gpointer data)
{
  return ferry_test_is_stopped (ferry_task_get_run (data)->pid);
}

static gboolean
goes_on (gpointer data)
{
  return !is_stopped (data);
}

static FerryTask *
submit_endless (TaskTest *test, const char *function, gboolean stoppable)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, function, NULL);

  g_object_set (task, "stoppable", stoppable, NULL);
  ferry_task_set_cancel_grace (task, G_USEC_PER_SEC / 5);
  task_test_submit_task (test->executor, task);
  return task;
}

/* ---- tasks that run ---- */

static void
test_a_function_that_looks_pauses (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit_endless (test, "report-until-cancelled", FALSE);

  wait_moving (task);
  g_assert_true (can_pause (task));
  for (guint i = 0; i < 3; i++)
    {
      g_assert_true (ferry_task_pause (task));
      g_assert_false (ferry_task_pause (task));
      g_assert_true (is_paused (task));
      g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_EXECUTING);
      assert_stands_still (task);
      g_assert_true (ferry_task_resume (task));
      g_assert_false (ferry_task_resume (task));
      g_assert_false (is_paused (task));
      wait_moving (task);
    }
  ferry_task_pause (task);
  ferry_task_cancel (task);
  g_assert_false (is_paused (task));
  g_assert_false (ferry_task_pause (task));
  task_test_assert_cancelled (task);
  g_assert_false (can_pause (task));
}

static void
test_a_function_that_does_not_look_is_stopped (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit_endless (test, "spin-for-ever", TRUE);

  task_test_wait_begun (task);
  g_assert_true (can_pause (task));
  ferry_task_pause (task);
  ferry_test_look_until (is_stopped, task);
  ferry_task_resume (task);
  ferry_test_look_until (goes_on, task);
  ferry_task_pause (task);
  ferry_test_look_until (is_stopped, task);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
}

static void
test_a_function_that_may_not_be_stopped_goes_on (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) task = submit_endless (test, "spin-for-ever", FALSE);
  g_autoptr (FerryTask) other = submit_endless (test, "spin-for-ever", TRUE);

  task_test_wait_begun (task);
  task_test_wait_begun (other);
  g_assert_false (can_pause (task));
  g_assert_true (ferry_task_pause (task));
  ferry_task_pause (other);
  ferry_test_look_until (is_stopped, other);
  g_assert_false (is_stopped (task));
  ferry_task_cancel (task);
  ferry_task_cancel (other);
  task_test_assert_cancelled (task);
  task_test_assert_cancelled (other);
}

static void
test_a_task_whose_worker_is_lost_waits_paused (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "report-until-cancelled", NULL);
  g_autoptr (FerryTask) next = NULL;

  g_object_set (task, "retries", 1, NULL);
  task_test_submit_task (test->executor, task);
  wait_moving (task);
  ferry_task_pause (task);
  ferry_worker_send_signal (ferry_test_get_worker (test->pool, task), SIGKILL);
  task_test_wait_state (task, FERRY_TASK_STATE_WAITING);
  g_assert_true (is_paused (task));
  next = task_test_submit (test->executor, "add", g_variant_new ("(xx)", (gint64) 1, (gint64) 2));
  task_test_assert_result (next, "3");
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  ferry_task_resume (task);
  wait_moving (task);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
}

static void
test_tasks_that_were_sent_ahead_are_taken_back (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GPtrArray) ahead = g_ptr_array_new_with_free_func (g_object_unref);

  task_test_expect_short_tasks (test->pool);
  task = submit_endless (test, "report-until-cancelled", FALSE);
  for (gint64 i = 0; i < 8; i++)
    g_ptr_array_add (ahead, task_test_submit (test->executor, "add", g_variant_new ("(xx)", i, i)));
  wait_moving (task);
  g_assert_nonnull (ferry_task_get_run (ahead->pdata[0])->destination);
  ferry_task_pause (task);
  for (guint i = 0; i < ahead->len; i++)
    g_assert_null (ferry_task_get_run (ahead->pdata[i])->destination);
  /* Another worker runs them, whatever the paused task does. */
  ferry_pool_set_max_workers (test->pool, 2);
  for (guint i = 0; i < ahead->len; i++)
    task_test_wait_done (ahead->pdata[i]);
  g_assert_true (is_paused (task));
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
}

/* ---- tasks that wait ---- */

static FerryTask *
submit_word (TaskTest *test, const char *function, const char *word)
{
  return task_test_submit (test->executor, function, g_variant_new_string (word));
}

static void
assert_log (const char *text)
{
  g_autofree char *log = task_test_take_log ();

  g_assert_cmpstr (log, ==, text);
}

static void
test_tasks_that_wait_are_passed_over (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) first = NULL;
  g_autoptr (FerryTask) b = NULL;
  g_autoptr (FerryTask) c = NULL;
  g_autoptr (FerryTask) d = NULL;
  g_autoptr (FerryTask) e = NULL;

  task_test_close_gate ();
  first = submit_word (test, "gate", "a");
  b = submit_word (test, "note", "b");
  c = submit_word (test, "note", "c");
  d = submit_word (test, "note", "d");
  e = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("e"));
  /* Also before it is submitted. */
  g_assert_true (ferry_task_pause (e));
  task_test_submit_task (test->executor, e);
  task_test_wait_begun (first);
  g_assert_true (can_pause (b));
  ferry_task_pause (b);
  ferry_task_pause (c);
  /* It keeps its place. */
  ferry_task_resume (c);
  task_test_open_gate ();
  task_test_wait_done (d);
  assert_log ("a c d");
  g_assert_cmpint (ferry_task_get_state (b), ==, FERRY_TASK_STATE_WAITING);
  ferry_task_cancel (b);
  task_test_assert_cancelled (b);
  g_assert_false (is_paused (b));
  ferry_task_resume (e);
  task_test_wait_done (e);
  assert_log ("e");
}

static void
test_threads_pause_and_keep_their_thread (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "report", g_variant_new_uint64 (10 * 1000 * 1000));
  g_autoptr (FerryTask) next = task_test_submit (test->executor, "nothing", NULL);

  task_test_wait_begun (task);
  ferry_task_pause (task);
  ferry_test_look_until (has_heard, task);
  g_assert_null (ferry_task_get_run (next)->destination);
  ferry_task_resume (task);
  ferry_task_pause (task);
  ferry_test_look_until (has_heard, task);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  task_test_wait_done (next);
}

static gpointer
pause_elsewhere (gpointer task)
{
  g_assert_true (ferry_task_pause (task));
  return NULL;
}

static gpointer
resume_elsewhere (gpointer task)
{
  g_assert_true (ferry_task_resume (task));
  return NULL;
}

static void
test_any_thread_pauses (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit_endless (test, "report-until-cancelled", FALSE);

  wait_moving (task);
  g_thread_join (g_thread_new ("test-pauses", pause_elsewhere, task));
  ferry_test_look_until (has_heard, task);
  g_assert_true (is_paused (task));
  g_thread_join (g_thread_new ("test-resumes", resume_elsewhere, task));
  wait_moving (task);
  g_assert_false (is_paused (task));
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
}

/* ---- executors ---- */

static void
test_a_paused_executor_begins_nothing (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) running = submit_endless (test, "report-until-cancelled", FALSE);
  g_autoptr (FerryTask) waiting = NULL;
  gboolean paused;

  wait_moving (running);
  ferry_executor_set_paused (test->executor, TRUE, FALSE);
  g_object_get (test->executor, "paused", &paused, NULL);
  g_assert_true (paused);
  waiting = task_test_submit (test->executor, "nothing", NULL);
  wait_moving (running);
  g_assert_cmpint (ferry_task_get_state (waiting), ==, FERRY_TASK_STATE_WAITING);
  g_assert_false (is_paused (waiting));
  g_assert_false (is_paused (running));
  ferry_executor_set_paused (test->executor, FALSE, FALSE);
  task_test_wait_done (waiting);
  ferry_task_cancel (running);
  task_test_assert_cancelled (running);
}

static void
test_an_executor_pauses_what_runs (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 3);
  g_autoptr (FerryTask) own = submit_endless (test, "report-until-cancelled", FALSE);
  g_autoptr (FerryTask) resumed = submit_endless (test, "report-until-cancelled", FALSE);
  g_autoptr (FerryTask) other = submit_endless (test, "report-until-cancelled", FALSE);

  wait_moving (own);
  wait_moving (resumed);
  wait_moving (other);
  ferry_task_pause (own);
  ferry_executor_set_paused (test->executor, TRUE, TRUE);
  g_assert_true (is_paused (own) && is_paused (resumed) && is_paused (other));
  ferry_task_resume (resumed);
  ferry_task_pause (resumed);
  ferry_executor_set_paused (test->executor, FALSE, FALSE);
  /* What was paused or resumed by itself stays so. */
  g_assert_true (is_paused (own) && is_paused (resumed) && !is_paused (other));
  wait_moving (other);
  ferry_executor_cancel_all (test->executor);
  task_test_assert_cancelled (own);
  task_test_assert_cancelled (resumed);
  task_test_assert_cancelled (other);
}

static void
test_a_shutdown_ends_what_is_paused (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) looking = submit_endless (test, "report-until-cancelled", FALSE);
  g_autoptr (FerryTask) stopped = submit_endless (test, "spin-for-ever", TRUE);
  g_autoptr (FerryTask) waiting = NULL;

  wait_moving (looking);
  task_test_wait_begun (stopped);
  ferry_executor_set_paused (test->executor, TRUE, TRUE);
  waiting = task_test_submit (test->executor, "nothing", NULL);
  ferry_task_pause (waiting);
  ferry_test_look_until (is_stopped, stopped);
  ferry_executor_shutdown_async (test->executor, G_USEC_PER_SEC, NULL, NULL, NULL);
  task_test_assert_cancelled (looking);
  task_test_assert_cancelled (waiting);
  task_test_assert_cancelled (stopped);
}

static void
test_a_router_that_stops_ends_what_is_paused (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) stopped = submit_endless (test, "spin-for-ever", TRUE);
  g_autoptr (FerryTask) looking = submit_endless (test, "report-until-cancelled", FALSE);

  task_test_wait_begun (stopped);
  wait_moving (looking);
  ferry_task_pause (stopped);
  ferry_task_pause (looking);
  ferry_test_look_until (is_stopped, stopped);
  g_assert_true (ferry_router_stop (test->router, NULL));
  task_test_assert_failed (stopped, FERRY_ERROR, FERRY_ERROR_CLOSED);
  task_test_assert_failed (looking, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_data_func ("/task-pause/function-that-looks-pauses", NULL, test_a_function_that_looks_pauses);
  g_test_add_func ("/task-pause/function-that-does-not-look-is-stopped", test_a_function_that_does_not_look_is_stopped);
  g_test_add_func ("/task-pause/function-that-may-not-be-stopped-goes-on",
                   test_a_function_that_may_not_be_stopped_goes_on);
  g_test_add_func ("/task-pause/task-whose-worker-is-lost-waits-paused", test_a_task_whose_worker_is_lost_waits_paused);
  g_test_add_func ("/task-pause/tasks-that-were-sent-ahead-are-taken-back",
                   test_tasks_that_were_sent_ahead_are_taken_back);
  g_test_add_func ("/task-pause/tasks-that-wait-are-passed-over", test_tasks_that_wait_are_passed_over);
  g_test_add_func ("/task-pause/threads-pause-and-keep-their-thread", test_threads_pause_and_keep_their_thread);
  g_test_add_func ("/task-pause/any-thread-pauses", test_any_thread_pauses);
  g_test_add_func ("/task-pause/paused-executor-begins-nothing", test_a_paused_executor_begins_nothing);
  g_test_add_func ("/task-pause/executor-pauses-what-runs", test_an_executor_pauses_what_runs);
  g_test_add_func ("/task-pause/shutdown-ends-what-is-paused", test_a_shutdown_ends_what_is_paused);
  g_test_add_func ("/task-pause/router-that-stops-ends-what-is-paused", test_a_router_that_stops_ends_what_is_paused);
  return g_test_run ();
}
