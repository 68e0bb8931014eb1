/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-executor.c, pool/ferry-runner.c
 *
 * Executors with several runners: a pool of threads, with tasks in the process of this program, and behind it a pool of
 * processes. */

#include "config.h"

#include "task/task-test.h"

#include <signal.h>

#include "task/ferry-executor-private.h"

/* A pool of one process for test's executor. */
static FerryPool *
add_processes (TaskTest *test)
{
  g_autoptr (FerryLauncher) launcher = task_test_launcher_new ();
  FerryPool *pool = ferry_pool_new (test->router, launcher);

  ferry_pool_set_max_workers (pool, 1);
  ferry_executor_add_runner (test->executor, FERRY_RUNNER (pool));
  return pool;
}

/* A pool that fails with its first task, since its program is missing. */
static FerryPool *
make_failing (TaskTest *test)
{
  const char *argv[] = {"/nonexistent/program", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);

  return ferry_pool_new (test->router, launcher);
}

static FerryTask *
submit_gate (TaskTest *test)
{
  FerryTask *task = task_test_submit (test->executor, "gate", g_variant_new_string ("gate"));

  task_test_wait_log ("gate");
  return task;
}

static FerryTask *
submit_echo (TaskTest *test)
{
  return task_test_submit (test->executor, "echo", g_variant_new_string ("word"));
}

static void
assert_ran (FerryTask *task, gboolean here)
{
  task_test_assert_result (task, "'word'");
  g_assert_true ((ferry_test_get_process (task) == getpid ()) == here);
}

static void
uses_the_first_with_room (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryPool) processes = add_processes (test);
  g_autoptr (FerryTask) before = submit_echo (test);
  g_autoptr (FerryTask) gate = NULL;
  g_autoptr (FerryTask) meanwhile = NULL;
  g_autoptr (FerryTask) afterwards = NULL;

  assert_ran (before, TRUE);
  g_assert_cmpuint (ferry_test_get_number (processes, "n-workers"), ==, 0);
  gate = submit_gate (test);
  meanwhile = submit_echo (test);
  assert_ran (meanwhile, FALSE);
  task_test_open_gate ();
  task_test_wait_done (gate);
  afterwards = submit_echo (test);
  assert_ran (afterwards, TRUE);
  task_test_close_gate ();
}

static GVariant *
do_half (FerryJob *job, GVariant *arguments, GError **error)
{
  GPollFD poll_fd;

  if (!ferry_job_report (job, 0.5, NULL, error))
    return NULL;
  g_cancellable_make_pollfd (ferry_job_get_cancellable (job), &poll_fd);
  while (!ferry_job_is_cancelled (job))
    g_poll (&poll_fd, 1, -1);
  g_cancellable_release_fd (ferry_job_get_cancellable (job));
  ferry_job_check (job, error);
  return NULL;
}

static FerryTask *
submit_half (TaskTest *test)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "half", NULL);

  task_test_submit_task (test->executor, task);
  return task;
}

static gboolean
is_half_done (gpointer data)
{
  return ferry_task_get_fraction (data) == 0.5;
}

static void
adds_up_what_runners_do (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryPool) others = ferry_pool_new_for_threads (test->router);
  g_autoptr (FerryTask) one = submit_half (test);
  g_autoptr (FerryTask) two = submit_half (test);

  g_assert_cmpuint (ferry_executor_get_parallelism (test->executor, NULL), ==, 1);
  ferry_pool_set_max_workers (others, 5);
  ferry_executor_add_runner (test->executor, FERRY_RUNNER (others));
  g_assert_cmpuint (ferry_executor_get_parallelism (test->executor, NULL), ==, 6);
  ferry_test_run_until (is_half_done, one);
  ferry_test_run_until (is_half_done, two);
  g_assert_cmpfloat (ferry_test_get_double (test->executor, "fraction"), ==, 0.5);
  ferry_executor_cancel_all (test->executor);
  task_test_assert_cancelled (one);
  task_test_assert_cancelled (two);
}

/* The pool of threads has tasks ahead when the other one comes. */
static void
takes_back_what_was_sent_ahead (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryPool) processes = NULL;
  g_autoptr (FerryTask) gate = NULL;
  FerryTask *tasks[10];

  task_test_expect_short_tasks (test->pool);
  gate = submit_gate (test);
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    tasks[i] = submit_echo (test);
  processes = add_processes (test);
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      assert_ran (tasks[i], FALSE);
      g_object_unref (tasks[i]);
    }
  g_assert_false (ferry_task_get_done (gate));
  task_test_open_gate ();
  task_test_wait_done (gate);
  task_test_close_gate ();
}

static gboolean
executes_here (gpointer data)
{
  return ferry_task_get_state (data) == FERRY_TASK_STATE_EXECUTING && ferry_test_get_process (data) == getpid ();
}

/* The pool of processes may have one worker when it loses the other, and does not run the task again itself. */
static void
hears_of_tasks_that_were_given_back (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryPool) threads = ferry_pool_new_for_threads (test->router);
  g_autoptr (FerryTask) moves = ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) stays = NULL;

  g_object_set (moves, "retries", 1, NULL);
  task_test_submit_task (test->executor, moves);
  task_test_wait_begun (moves);
  stays = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  task_test_wait_begun (stays);
  ferry_executor_add_runner (test->executor, FERRY_RUNNER (threads));
  /* Retires the older one of the two. */
  ferry_pool_set_max_workers (test->pool, 1);
  ferry_worker_send_signal (ferry_test_get_worker (test->pool, moves), SIGKILL);
  ferry_test_run_until (executes_here, moves);
  g_assert_cmpuint (ferry_test_get_number (moves, "n-attempts"), ==, 2);
  g_assert_false (ferry_task_get_done (stays));
  ferry_executor_cancel_all (test->executor);
  task_test_assert_cancelled (stays);
  task_test_assert_cancelled (moves);
}

static void
goes_on_when_one_fails (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryPool) failing = make_failing (test);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (failing);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) later = NULL;

  ferry_executor_add_runner (executor, FERRY_RUNNER (test->pool));
  task = task_test_submit (executor, "echo", g_variant_new_string ("word"));
  assert_ran (task, TRUE);
  g_assert_nonnull (ferry_pool_get_error (failing));
  later = task_test_submit (executor, "echo", g_variant_new_string ("word"));
  assert_ran (later, TRUE);
}

static void
fails_when_all_have_failed (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryPool) one = make_failing (test);
  g_autoptr (FerryPool) other = make_failing (test);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (one);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) later = NULL;

  ferry_executor_add_runner (executor, FERRY_RUNNER (other));
  task = task_test_submit (executor, "echo", g_variant_new_string ("word"));
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
  g_assert_nonnull (ferry_pool_get_error (one));
  g_assert_nonnull (ferry_pool_get_error (other));
  later = task_test_submit (executor, "echo", g_variant_new_string ("word"));
  task_test_assert_failed (later, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
}

static void
fails_when_the_router_stops (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryPool) processes = add_processes (test);
  g_autoptr (FerryTask) gate = submit_gate (test);
  g_autoptr (FerryTask) sleeper = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) waiting = NULL;

  task_test_wait_begun (sleeper);
  waiting = submit_echo (test);
  task_test_open_gate ();
  g_assert_true (ferry_router_stop (test->router, NULL));
  g_assert_true (ferry_task_get_done (waiting));
  g_assert_error (ferry_task_get_error (waiting), FERRY_ERROR, FERRY_ERROR_CLOSED);
  task_test_close_gate ();
}

static void
refuses_wrong_runners (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryRouter) other = ferry_router_new (NULL);
  g_autoptr (FerryPool) strange = ferry_pool_new_for_threads (other);

  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*ferry_executor_add_runner*has another router*");
  ferry_executor_add_runner (test->executor, FERRY_RUNNER (strange));
  g_test_assert_expected_messages ();
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*ferry_executor_add_runner*has this runner already*");
  ferry_executor_add_runner (test->executor, FERRY_RUNNER (test->pool));
  g_test_assert_expected_messages ();
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  ferry_function_register ("half", NULL, "", do_half);
  g_test_add_func ("/runners/tasks-go-to-the-first-with-room", uses_the_first_with_room);
  g_test_add_func ("/runners/what-they-do-is-added-up", adds_up_what_runners_do);
  g_test_add_func ("/runners/another-one-gets-what-was-sent-ahead", takes_back_what_was_sent_ahead);
  g_test_add_func ("/runners/others-hear-of-tasks-that-were-given-back", hears_of_tasks_that_were_given_back);
  g_test_add_func ("/runners/others-go-on-when-one-fails", goes_on_when_one_fails);
  g_test_add_func ("/runners/tasks-fail-when-all-have-failed", fails_when_all_have_failed);
  g_test_add_func ("/runners/tasks-fail-when-the-router-stops", fails_when_the_router_stops);
  g_test_add_func ("/runners/wrong-ones-are-refused", refuses_wrong_runners);
  return g_test_run ();
}
