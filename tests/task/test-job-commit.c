/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: job/ferry-job.c, pool/ferry-run.c
 *
 * A function says that its work is there to stay. A cancel that crosses its result comes too late then. */

#include "config.h"

#include "task/task-test.h"

static void
note_state (FerryTask *task, GParamSpec *pspec, gpointer states)
{
  g_string_append_printf (states, " %d", ferry_task_get_state (task));
}

/* (transfer full): a task that has committed, and waits for the gate. */
static FerryTask *
submit (TaskTest *test, const char *then, GString *states)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, "commit", g_variant_new_string (then));

  ferry_task_set_cancel_grace (task, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC);
  g_signal_connect (task, "notify::state", G_CALLBACK (note_state), states);
  task_test_submit_task (test->executor, task);
  task_test_wait_log (then);
  return task;
}

static void
tear_down (FerryTask *task, GString *states)
{
  g_signal_handlers_disconnect_by_data (task, states);
  task_test_close_gate ();
  g_free (task_test_take_log ());
}

static void
cancel_comes_too_late (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GString) states = g_string_new (NULL);
  g_autoptr (FerryTask) task = submit (test, "done", states);

  g_assert_true (ferry_task_cancel (task));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLING);
  task_test_open_gate ();
  task_test_assert_result (task, "'done'");
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
  /* EXECUTING, CANCELLING, COMPLETED. */
  g_assert_cmpstr (states->str, ==, " 1 2 3");
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-cancelled"), ==, 0);
  tear_down (task, states);
}

/* Waits until a function has written that, without a turn of the main loop. */
static void
wait_log_unheard (const char *text)
{
  g_autofree char *log = task_test_take_log ();

  while (!g_str_equal (log, text))
    {
      g_thread_yield ();
      g_free (log);
      log = task_test_take_log ();
    }
}

/* The main loop has not taken the result yet, and not heard of the commit either. */
static void
cancel_that_crosses_the_result_comes_too_late (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GString) states = g_string_new (NULL);
  g_autoptr (FerryTask) task = NULL;

  task_test_open_gate ();
  task = ferry_task_new (FERRY_TASK_KIND_CALL, "commit", g_variant_new_string ("done"));
  task_test_submit_task (test->executor, task);
  wait_log_unheard ("done");
  g_assert_true (ferry_task_cancel (task));
  task_test_assert_result (task, "'done'");
  tear_down (task, states);
}

static void
error_after_it_is_that_of_the_task (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GString) states = g_string_new (NULL);
  g_autoptr (FerryTask) task = submit (test, "fail", states);

  ferry_task_cancel (task);
  task_test_open_gate ();
  task_test_assert_failed (task, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpstr (states->str, ==, " 1 2 4");
  tear_down (task, states);
}

typedef struct
{
  FerryTask *task; /* (owned) */
  gboolean has_committed;
} Race;

static gboolean
is_decided (gpointer data)
{
  Race *race = data;
  g_autofree char *log = task_test_take_log ();

  race->has_committed |= *log != '\0';
  return race->has_committed || ferry_task_get_done (race->task);
}

/* Whether the function has committed before the limit came, in microseconds. */
static gboolean
begin_with_limit (TaskTest *test, Race *race, gint64 limit)
{
  *race = (Race){ferry_task_new (FERRY_TASK_KIND_CALL, "commit", g_variant_new_string ("done")), FALSE};
  ferry_task_set_cancel_grace (race->task, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC);
  ferry_task_set_run_timeout (race->task, limit);
  task_test_submit_task (test->executor, race->task);
  ferry_test_run_until (is_decided, race);
  if (race->has_committed)
    return TRUE;
  task_test_assert_failed (race->task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_object_unref (race->task);
  return FALSE;
}

static void
limit_of_time_comes_too_late (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  gint64 limit = 1000;
  Race race;

  while (!begin_with_limit (test, &race, limit))
    limit *= 2;
  task_test_wait_state (race.task, FERRY_TASK_STATE_CANCELLING);
  task_test_open_gate ();
  task_test_assert_result (race.task, "'done'");
  g_assert_null (ferry_task_get_error (race.task));
  g_object_unref (race.task);
  task_test_close_gate ();
}

/* Nothing is left there by it. */
static void
cancel_before_it_is_a_cancel (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) first = task_test_submit (test->executor, "gate", g_variant_new_string ("waits"));
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "commit-late", NULL);

  ferry_task_set_cancel_grace (task, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC);
  task_test_wait_log ("waits");
  task_test_open_gate ();
  task_test_wait_done (first);
  task_test_close_gate ();
  task_test_submit_task (test->executor, task);
  task_test_wait_begun (task);
  ferry_task_cancel (task);
  task_test_open_gate ();
  task_test_assert_cancelled (task);
  task_test_close_gate ();
  g_free (task_test_take_log ());
}

/* The whole map is cancelled, also its item that has committed, and the next one is not begun. */
static void
map_is_cancelled_as_a_whole (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "commit", FERRY_MAP_ORDERED);
  g_autofree char *log = NULL;

  g_object_set (map, "chunk-size", 2, NULL);
  ferry_map_set_arguments (map, g_variant_new_strv ((const char *const[]){"done", "never"}, 2));
  ferry_map_start (map);
  task_test_wait_log ("done");
  ferry_map_cancel (map);
  task_test_open_gate ();
  ferry_test_run_until (task_test_is_idle, test->executor);
  log = task_test_take_log ();
  g_assert_cmpstr (log, ==, "done");
  task_test_close_gate ();
}

int
main (int argc, char *argv[])
{
  task_test_init (&argc, &argv);

  g_test_add_func ("/job-commit/cancel-comes-too-late", cancel_comes_too_late);
  g_test_add_func ("/job-commit/cancel-that-crosses-the-result-comes-too-late",
                   cancel_that_crosses_the_result_comes_too_late);
  g_test_add_func ("/job-commit/error-after-it-is-that-of-the-task", error_after_it_is_that_of_the_task);
  g_test_add_func ("/job-commit/limit-of-time-comes-too-late", limit_of_time_comes_too_late);
  g_test_add_func ("/job-commit/cancel-before-it-is-a-cancel", cancel_before_it_is_a_cancel);
  g_test_add_func ("/job-commit/map-is-cancelled-as-a-whole", map_is_cancelled_as_a_whole);

  return g_test_run ();
}
