/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool.c, pool/ferry-pool-worker.c, pool/ferry-run.c, pool/ferry-runner.c
 *
 * Which of a pool's workers has which task: what is sent ahead is done by the worker that comes to it first. */

#include "config.h"

#include <signal.h>

#include "task/task-test.h"

static FerryTask *
submit_sleeper (TaskTest *test)
{
  return task_test_submit (test->executor, "sleep-until-cancelled", NULL);
}

/* The first of two idle workers stands still, and is given the task. */
static void
does_not_wait_for_a_worker_that_stands_still (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  FerryTask *tasks[2];
  FerryWorker *workers[2];

  for (guint i = 0; i < 2; i++)
    tasks[i] = submit_sleeper (test);
  for (guint i = 0; i < 2; i++)
    {
      task_test_wait_state (tasks[i], FERRY_TASK_STATE_EXECUTING);
      workers[i] = ferry_test_get_worker (test->pool, tasks[i]);
    }
  for (guint i = 0; i < 2; i++)
    {
      ferry_task_cancel (tasks[i]);
      task_test_assert_cancelled (tasks[i]);
      g_object_unref (tasks[i]);
    }
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FerryTask) task = NULL;

      ferry_test_stop_worker (workers[i]);
      task = task_test_submit (test->executor, "nothing", NULL);
      task_test_wait_done (task);
      g_assert_no_error (ferry_task_get_error (task));
      ferry_worker_send_signal (workers[i], SIGCONT);
    }
}

static void
count_up (guint *count)
{
  ++*count;
}

static void
start_sleepers (TaskTest *test, FerryTask **tasks, FerryWorker **workers)
{
  for (guint i = 0; i < 2; i++)
    tasks[i] = submit_sleeper (test);
  for (guint i = 0; i < 2; i++)
    {
      /* Until then another worker may take it, which has become idle. */
      task_test_wait_begun (tasks[i]);
      workers[i] = ferry_test_get_worker (test->pool, tasks[i]);
    }
}

static void
end_sleeper (FerryTask *task)
{
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  g_object_unref (task);
}

/* Neither begins the task, and the one that it was not given to goes on. */
static void
finds_the_worker_that_goes_on (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) task = NULL;
  FerryTask *tasks[2];
  FerryWorker *workers[2];
  guint n_changes = 0;

  start_sleepers (test, tasks, workers);
  for (guint i = 0; i < 2; i++)
    {
      end_sleeper (tasks[i]);
      ferry_test_stop_worker (workers[i]);
    }
  task = task_test_submit (test->executor, "nothing", NULL);
  g_signal_connect_swapped (task, "notify::state", G_CALLBACK (count_up), &n_changes);
  while (n_changes < 8)
    g_main_context_iteration (NULL, TRUE);
  ferry_worker_send_signal (workers[1], SIGCONT);
  task_test_wait_done (task);
  g_assert_no_error (ferry_task_get_error (task));
  g_assert_true (ferry_test_get_worker (test->pool, task) == workers[1]);
  ferry_worker_send_signal (workers[0], SIGCONT);
}

/* So quick that several are sent ahead. */
static void
run_quick_tasks (TaskTest *test)
{
  for (guint i = 0; i < 1000; i++)
    g_object_unref (task_test_submit (test->executor, "nothing", NULL));
  ferry_test_run_until (task_test_is_idle, test->executor);
}

/* A worker that missed its time stood idle, while what it could have done came back again and again to one that was
 * seen to begin things, and was at something without end. */
static void
gives_what_is_taken_back_to_the_one_that_takes (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) endless = NULL;
  g_autoptr (FerryTask) task = NULL;
  FerryTask *tasks[2];
  FerryWorker *workers[2];
  guint n_changes = 0;
  guint n_reports = 0;

  start_sleepers (test, tasks, workers);
  for (guint i = 0; i < 2; i++)
    end_sleeper (tasks[i]);
  run_quick_tasks (test);
  for (guint i = 0; i < 2; i++)
    ferry_test_stop_worker (workers[i]);
  endless = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "report-until-cancelled", NULL);
  task_test_submit_task (test->executor, endless);
  g_signal_connect_swapped (endless, "notify::state", G_CALLBACK (count_up), &n_changes);
  while (n_changes < 8)
    g_main_context_iteration (NULL, TRUE);
  g_signal_connect_swapped (endless, "progress", G_CALLBACK (count_up), &n_reports);
  ferry_worker_send_signal (workers[0], SIGCONT);
  while (n_reports == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (ferry_test_get_worker (test->pool, endless) == workers[0]);
  ferry_worker_send_signal (workers[1], SIGCONT);
  task = task_test_submit (test->executor, "nothing", NULL);
  task_test_wait_done (task);
  g_assert_no_error (ferry_task_get_error (task));
  g_assert_true (ferry_test_get_worker (test->pool, task) == workers[1]);
  ferry_task_cancel (endless);
}

static FerryTask *
start_endless (TaskTest *test)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "report-until-cancelled", NULL);
  guint n_reports = 0;
  gulong id = g_signal_connect_swapped (task, "progress", G_CALLBACK (count_up), &n_reports);

  task_test_submit_task (test->executor, task);
  while (n_reports == 0)
    g_main_context_iteration (NULL, TRUE);
  g_signal_handler_disconnect (task, id);
  return task;
}

/* What was sent ahead behind a task without end is done by the other worker, which has nothing to do since its own was
 * cancelled. */
static void
levels_after_a_cancel (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);

  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (FerryTask) endless = NULL;
      g_autoptr (FerryTask) one = NULL;
      g_autoptr (FerryTask) other = NULL;

      run_quick_tasks (test);
      endless = start_endless (test);
      one = task_test_submit (test->executor, "nothing", NULL);
      other = task_test_submit (test->executor, "nothing", NULL);
      ferry_task_cancel (one);
      task_test_wait_done (other);
      g_assert_no_error (ferry_task_get_error (other));
      ferry_task_cancel (endless);
      task_test_assert_cancelled (endless);
    }
}

static void
levels_when_it_may_have_more_workers (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) endless = NULL;
  g_autoptr (FerryTask) task = NULL;

  run_quick_tasks (test);
  endless = start_endless (test);
  task = task_test_submit (test->executor, "nothing", NULL);
  ferry_pool_set_max_workers (test->pool, 2);
  task_test_wait_done (task);
  g_assert_no_error (ferry_task_get_error (task));
  ferry_task_cancel (endless);
}

typedef struct
{
  TaskTest *test;
  FerryTask *task; /* (owned) (nullable): that was submitted in the nested loop */
} Nesting;

static gboolean
submit_nested (gpointer data)
{
  Nesting *nesting = data;

  nesting->task = task_test_submit (nesting->test->executor, "nothing", NULL);
  return G_SOURCE_REMOVE;
}

static gboolean
is_submitted (gpointer data)
{
  return ((Nesting *) data)->task != NULL;
}

/* As a dialog does, and a button in it. */
static void
submit_in_loop (FerryTask *task, Nesting *nesting)
{
  g_idle_add (submit_nested, nesting);
  ferry_test_run_until (is_submitted, nesting);
}

static void
submit_and_wait_in_loop (FerryTask *task, Nesting *nesting)
{
  submit_in_loop (task, nesting);
  task_test_wait_done (nesting->task);
}

/* The worker of the task with the end that runs the loop has nothing to do, but what it answers waits for the end of
 * the loop. */
static void
a_task_of_a_nested_loop_gets_a_worker_that_is_heard (gconstpointer n_warm)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) outer = NULL;
  FerryTask *tasks[2];
  FerryWorker *workers[2];
  Nesting nesting = {test, NULL};

  if (GPOINTER_TO_UINT (n_warm) == 2)
    {
      start_sleepers (test, tasks, workers);
      for (guint i = 0; i < 2; i++)
        end_sleeper (tasks[i]);
    }
  outer = task_test_submit (test->executor, "nothing", NULL);
  g_signal_connect (outer, "done", G_CALLBACK (submit_and_wait_in_loop), &nesting);
  task_test_wait_done (outer);
  g_assert_no_error (ferry_task_get_error (nesting.task));
  g_assert_cmpint (ferry_test_get_process (nesting.task), !=, ferry_test_get_process (outer));
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 2);
  g_object_unref (nesting.task);
}

static void
a_task_of_a_nested_loop_gets_the_only_worker (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) outer = task_test_submit (test->executor, "nothing", NULL);
  Nesting nesting = {test, NULL};

  g_signal_connect (outer, "done", G_CALLBACK (submit_in_loop), &nesting);
  task_test_wait_done (outer);
  task_test_wait_done (nesting.task);
  g_assert_cmpint (ferry_test_get_process (nesting.task), ==, ferry_test_get_process (outer));
  g_object_unref (nesting.task);
}

/* Else each task of a row would start one more worker. */
static void
submit_at_once (FerryTask *task, Nesting *nesting)
{
  submit_nested (nesting);
}

static void
a_task_of_a_handler_gets_the_warm_worker (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) outer = task_test_submit (test->executor, "nothing", NULL);
  Nesting nesting = {test, NULL};

  g_signal_connect (outer, "done", G_CALLBACK (submit_at_once), &nesting);
  task_test_wait_done (outer);
  task_test_wait_done (nesting.task);
  g_assert_cmpint (ferry_test_get_process (nesting.task), ==, ferry_test_get_process (outer));
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 1);
  g_object_unref (nesting.task);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);

  g_test_add_func ("/pool-balance/does-not-wait-for-a-worker-that-stands-still",
                   does_not_wait_for_a_worker_that_stands_still);
  g_test_add_func ("/pool-balance/finds-the-worker-that-goes-on", finds_the_worker_that_goes_on);
  g_test_add_func ("/pool-balance/gives-what-is-taken-back-to-the-one-that-takes",
                   gives_what_is_taken_back_to_the_one_that_takes);
  g_test_add_func ("/pool-balance/levels-after-a-cancel", levels_after_a_cancel);
  g_test_add_func ("/pool-balance/levels-when-it-may-have-more-workers", levels_when_it_may_have_more_workers);
  g_test_add_data_func ("/pool-balance/a-task-of-a-nested-loop-gets-a-worker-that-is-heard", GUINT_TO_POINTER (2),
                        a_task_of_a_nested_loop_gets_a_worker_that_is_heard);
  g_test_add_data_func ("/pool-balance/a-task-of-a-nested-loop-has-a-worker-started", GUINT_TO_POINTER (1),
                        a_task_of_a_nested_loop_gets_a_worker_that_is_heard);
  g_test_add_func ("/pool-balance/a-task-of-a-nested-loop-gets-the-only-worker",
                   a_task_of_a_nested_loop_gets_the_only_worker);
  g_test_add_func ("/pool-balance/a-task-of-a-handler-gets-the-warm-worker", a_task_of_a_handler_gets_the_warm_worker);
  return g_test_run ();
}
