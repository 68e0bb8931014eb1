/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-pool.c, task/ferry-pool-worker.c, task/ferry-task-carrier.c, task/ferry-task-sources.c
 *
 * Which of a pool's workers has which task: what is sent ahead is done by whoever comes to it first. */

#include "config.h"

#include <signal.h>

#include "task/task-test.h"

static FerryTask *
submit_sleeper (TaskTest *test)
{
  FerryTask *task = task_test_submit (test->executor, "sleep-until-cancelled", NULL);

  return task;
}

static gboolean
is_empty (gpointer data)
{
  return ferry_executor_get_n_waiting (data) == 0 && ferry_executor_get_n_executing (data) == 0;
}

/* The first of two idle workers stands still, and is given the task. */
static void
does_not_wait_for_a_worker_that_stands_still (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  FerryTask *tasks[2];
  GPid pids[2];

  for (guint i = 0; i < 2; i++)
    tasks[i] = submit_sleeper (test);
  for (guint i = 0; i < 2; i++)
    {
      task_test_wait_state (tasks[i], FERRY_TASK_STATE_EXECUTING);
      pids[i] = ferry_task_get_pid (tasks[i]);
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

      kill (pids[i], SIGSTOP);
      task = task_test_submit (test->executor, "nothing", NULL);
      task_test_wait_done (task);
      g_assert_no_error (ferry_task_get_error (task));
      kill (pids[i], SIGCONT);
    }
}

static void
count_up (guint *count)
{
  ++*count;
}

static void
start_sleepers (TaskTest *test, FerryTask **tasks, GPid *pids)
{
  for (guint i = 0; i < 2; i++)
    tasks[i] = submit_sleeper (test);
  for (guint i = 0; i < 2; i++)
    {
      task_test_wait_state (tasks[i], FERRY_TASK_STATE_EXECUTING);
      pids[i] = ferry_task_get_pid (tasks[i]);
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
  GPid pids[2];
  guint n_changes = 0;

  start_sleepers (test, tasks, pids);
  for (guint i = 0; i < 2; i++)
    {
      end_sleeper (tasks[i]);
      kill (pids[i], SIGSTOP);
    }
  task = task_test_submit (test->executor, "nothing", NULL);
  g_signal_connect_swapped (task, "notify::state", G_CALLBACK (count_up), &n_changes);
  while (n_changes < 8)
    g_main_context_iteration (NULL, TRUE);
  kill (pids[1], SIGCONT);
  task_test_wait_done (task);
  g_assert_no_error (ferry_task_get_error (task));
  g_assert_cmpint (ferry_task_get_pid (task), ==, pids[1]);
  kill (pids[0], SIGCONT);
}

/* So quick that several are sent ahead. */
static void
run_quick_tasks (TaskTest *test)
{
  for (guint i = 0; i < 1000; i++)
    g_object_unref (task_test_submit (test->executor, "nothing", NULL));
  ferry_test_run_until (is_empty, test->executor);
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
  GPid pids[2];
  guint n_changes = 0;
  guint n_reports = 0;

  start_sleepers (test, tasks, pids);
  for (guint i = 0; i < 2; i++)
    end_sleeper (tasks[i]);
  run_quick_tasks (test);
  for (guint i = 0; i < 2; i++)
    kill (pids[i], SIGSTOP);
  endless = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "report-until-cancelled", NULL);
  task_test_submit_task (test->executor, endless);
  g_signal_connect_swapped (endless, "notify::state", G_CALLBACK (count_up), &n_changes);
  while (n_changes < 8)
    g_main_context_iteration (NULL, TRUE);
  g_signal_connect_swapped (endless, "progress", G_CALLBACK (count_up), &n_reports);
  kill (pids[0], SIGCONT);
  while (n_reports == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (ferry_task_get_pid (endless), ==, pids[0]);
  kill (pids[1], SIGCONT);
  task = task_test_submit (test->executor, "nothing", NULL);
  task_test_wait_done (task);
  g_assert_no_error (ferry_task_get_error (task));
  g_assert_cmpint (ferry_task_get_pid (task), ==, pids[1]);
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
  return g_test_run ();
}
