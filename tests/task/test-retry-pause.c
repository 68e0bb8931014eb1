/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-run.c, pool/ferry-task-queue.c, task/ferry-executor.c, task/ferry-task.c
 *
 * Tasks that rest between two attempts: how long, what they say of it, and what may happen to them meanwhile. */

#include "config.h"

#include <signal.h>
#include <string.h>

#include "task/task-test.h"

/* Longer than any test. */
#define FOR_EVER (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)

/* (transfer full): a task whose first worker is killed. */
static FerryTask *
submit_for (TaskTest *test, gint64 pause)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash-at-first", NULL);

  g_object_set (task, "retries", 1, "retry-pause", pause, NULL);
  task_test_submit_task (test->executor, task);
  return task;
}

static gboolean
rests (gpointer task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING &&
         ferry_test_get_number (task, "not-before") > g_get_real_time ();
}

static FerryTask *
submit_and_wait (TaskTest *test)
{
  FerryTask *task = submit_for (test, FOR_EVER);

  ferry_test_run_until (rests, task);
  g_assert_cmpint (ferry_test_get_number (task, "n-attempts"), ==, 1);
  return task;
}

typedef struct
{
  gint64 lost; /* monotonic time */
  gint64 begun;
} Times;

static void
note_time (FerryTask *task, GParamSpec *pspec, Times *times)
{
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING)
    times->lost = g_get_monotonic_time ();
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING)
    times->begun = g_get_monotonic_time ();
}

static void
is_tried_again_after_its_pause (void)
{
  const gint64 pause = G_USEC_PER_SEC / 5;
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit_for (test, pause);
  Times times = {0};

  g_signal_connect (task, "notify::state", G_CALLBACK (note_time), &times);
  task_test_assert_result (task, NULL);
  g_assert_cmpint (ferry_test_get_number (task, "n-attempts"), ==, 2);
  /* The pause counts from when the worker's end was heard of, a moment before. */
  g_assert_cmpint (times.begun - times.lost, >=, pause - pause / 10);
  g_assert_cmpint (ferry_test_get_number (task, "not-before"), ==, 0);
}

static void
says_until_when_it_waits (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  gint64 before = g_get_real_time ();
  g_autoptr (FerryTask) task = submit_and_wait (test);

  g_assert_true (g_pattern_match_simple ("Waits until * to be tried again", ferry_task_get_text (task)));
  g_assert_cmpint (ferry_test_get_number (task, "not-before"), >=, before + FOR_EVER);
  ferry_task_cancel (task);
}

static void
a_pause_without_end_waits_for_people (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit_for (test, G_MAXINT64);

  ferry_test_run_until (rests, task);
  g_assert_cmpint (ferry_test_get_number (task, "not-before"), ==, G_MAXINT64);
  g_assert_cmpstr (ferry_task_get_text (task), ==, "Waits until it is run by hand");
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
}

static void
see_items (void)
{
}

static void
a_limit_without_end_is_none (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash-at-first", NULL);
  g_autoptr (FerryTask) cancelled = ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);

  g_object_set (test->pool, "idle-timeout", G_MAXINT64, "max-age", G_MAXINT64, "restart-interval", G_MAXINT64, NULL);
  /* What somebody looks at stays for that time. */
  g_object_set (test->executor, "finished-time", G_MAXINT64, NULL);
  g_signal_connect (test->executor, "items-changed", G_CALLBACK (see_items), NULL);
  g_object_set (task, "retries", 1, "run-timeout", G_MAXINT64, "queue-timeout", G_MAXINT64, "deadline", G_MAXINT64,
                "cancel-grace", G_MAXINT64, NULL);
  g_object_set (cancelled, "deadline", G_MAXINT64, "cancel-grace", G_MAXINT64, NULL);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, NULL);
  task_test_submit_task (test->executor, cancelled);
  task_test_wait_begun (cancelled);
  ferry_task_cancel (cancelled);
  task_test_assert_cancelled (cancelled);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->executor)), ==, 2);
}

static void
lets_others_pass (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit_and_wait (test);
  g_autoptr (FerryTask) other = task_test_submit (test->executor, "echo", g_variant_new_string ("other"));

  task_test_assert_result (other, "'other'");
  g_assert_true (rests (task));
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-waiting"), ==, 1);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-waiting"), ==, 0);
}

/* In the order of their times, and not of their submission. */
static void
many_rest_at_a_time (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (gint64 i = 5; i > 0; i--)
    g_ptr_array_add (tasks, submit_for (test, i * G_USEC_PER_SEC / 50));
  for (guint i = 0; i < tasks->len; i++)
    task_test_assert_result (tasks->pdata[i], NULL);
}

static void
a_pause_of_people_outlasts_it (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit_for (test, G_USEC_PER_SEC / 20);
  g_autoptr (FerryTask) other = NULL;

  ferry_test_run_until (rests, task);
  g_assert_true (ferry_task_pause (task));
  other = submit_for (test, G_USEC_PER_SEC / 5);
  task_test_assert_result (other, NULL);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  g_assert_true (ferry_task_resume (task));
  task_test_assert_result (task, NULL);
}

static void
a_task_that_is_resumed_rests_still (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit_and_wait (test);
  g_autoptr (FerryTask) other = NULL;

  g_assert_true (ferry_task_pause (task));
  g_assert_true (ferry_task_resume (task));
  other = task_test_submit (test->executor, "echo", g_variant_new_string ("other"));
  task_test_assert_result (other, "'other'");
  g_assert_true (rests (task));
  ferry_task_cancel (task);
}

static void
a_deadline_does_not_rest (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);

  g_object_set (task, "retries", 1, "retry-pause", FOR_EVER, "deadline", g_get_monotonic_time () + 5 * G_USEC_PER_SEC,
                NULL);
  task_test_submit_task (test->executor, task);
  task_test_wait_begun (task);
  ferry_worker_send_signal (ferry_test_get_worker (test->pool, task), SIGKILL);
  ferry_test_run_until (rests, task);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_null (ferry_task_get_text (task));
}

static void
a_task_that_rests_is_cancelled_with_all (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit_and_wait (test);

  ferry_executor_cancel_all (test->executor);
  task_test_assert_cancelled (task);
  g_assert_null (ferry_task_get_text (task));
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/retry-pause/is-tried-again-after-its-pause", is_tried_again_after_its_pause);
  g_test_add_func ("/retry-pause/says-until-when-it-waits", says_until_when_it_waits);
  g_test_add_func ("/retry-pause/a-pause-without-end-waits-for-people", a_pause_without_end_waits_for_people);
  g_test_add_func ("/retry-pause/a-limit-without-end-is-none", a_limit_without_end_is_none);
  g_test_add_func ("/retry-pause/lets-others-pass", lets_others_pass);
  g_test_add_func ("/retry-pause/many-rest-at-a-time", many_rest_at_a_time);
  g_test_add_func ("/retry-pause/a-pause-of-people-outlasts-it", a_pause_of_people_outlasts_it);
  g_test_add_func ("/retry-pause/a-task-that-is-resumed-rests-still", a_task_that_is_resumed_rests_still);
  g_test_add_func ("/retry-pause/a-deadline-does-not-rest", a_deadline_does_not_rest);
  g_test_add_func ("/retry-pause/a-task-that-rests-is-cancelled-with-all", a_task_that_rests_is_cancelled_with_all);
  return g_test_run ();
}
