/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-actions.c
 *
 * What users may do with a task in each of its states, and what follows. */

#include "config.h"

#include "gtk/ferry-task-actions-private.h"
#include "gtk/ferry-task-words-private.h"
#include "task/task-test.h"

#include <string.h>

/* The actions that are possible must be these, in their order, with a comma behind each. */
static void
assert_actions (FerryTask *task, FerryExecutor *executor, const char *wanted)
{
  g_autoptr (GString) found = g_string_new (NULL);

  for (guint i = 0; i < FERRY_TASK_N_ACTIONS; i++)
    if (ferry_task_action_is_possible ((FerryTaskAction) i, task, executor))
      g_string_append_printf (found, "%s,", ferry_task_action_get_name ((FerryTaskAction) i) + strlen ("task."));
  g_assert_cmpstr (found->str, ==, wanted);
}

static TaskTest *
scene_new (void)
{
  TaskTest *test = task_test_new (/* in_threads: */ TRUE, 1);

  g_object_set (test->executor, "keep-finished", 100, NULL);
  return test;
}

static void
test_names_lead_to_actions (void)
{
  FerryTaskAction action;

  for (guint i = 0; i < FERRY_TASK_N_ACTIONS; i++)
    {
      g_assert_true (ferry_task_action_find (ferry_task_action_get_name ((FerryTaskAction) i), &action));
      g_assert_cmpuint (action, ==, i);
    }
  g_assert_false (ferry_task_action_find ("task.undo", &action));
}

static void
test_each_state_has_its_actions (void)
{
  g_autoptr (TaskTest) test = scene_new ();
  g_autoptr (FerryTask) runs = task_test_submit (test->executor, "gate", g_variant_new_string ("a"));
  g_autoptr (FerryTask) waits =
    task_test_submit (test->executor, "fail", g_variant_new ("(sis)", "g-io-error-quark", 1, "It is gone"));

  assert_actions (NULL, test->executor, "");
  task_test_wait_begun (runs);
  assert_actions (runs, test->executor, "cancel,");
  assert_actions (waits, test->executor, "cancel,pause,remove,run-next,");
  task_test_open_gate ();
  task_test_wait_done (waits);
  assert_actions (runs, test->executor, "retry,remove,");
  assert_actions (waits, test->executor, "retry,remove,show-error,copy-error,");
}

/* The bytes are gone with its end, and so is another try. */
static void
test_what_cannot_be_tried_again_has_no_retry (void)
{
  g_autoptr (TaskTest) test = scene_new ();
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  g_autoptr (FerryTask) plain = task_test_submit (test->executor, "nothing", NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("a", 1);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ferry_task_add_bytes (task, bytes, &error), >=, 0);
  task_test_submit_task (test->executor, task);
  task_test_wait_done (task);
  task_test_wait_done (plain);
  assert_actions (task, test->executor, "remove,");
  assert_actions (plain, test->executor, "retry,remove,");
  g_assert_null (ferry_executor_retry (test->executor, task, &error));
}

static void
test_without_an_executor_its_list_is_not_changed (void)
{
  g_autoptr (TaskTest) test = scene_new ();
  g_autoptr (FerryTask) runs = task_test_submit (test->executor, "gate", g_variant_new_string ("a"));
  g_autoptr (FerryTask) waits = task_test_submit (test->executor, "gate", g_variant_new_string ("b"));

  task_test_wait_begun (runs);
  assert_actions (waits, NULL, "cancel,pause,");
  task_test_open_gate ();
  task_test_wait_done (waits);
  assert_actions (runs, NULL, "");
}

/* The latest wish comes first. */
static void
test_run_next_goes_before_all_others (void)
{
  g_autoptr (TaskTest) test = scene_new ();
  g_autoptr (FerryTask) runs = task_test_submit (test->executor, "gate", g_variant_new_string ("a"));
  g_autoptr (FerryTask) first = task_test_submit (test->executor, "note", g_variant_new_string ("1"));
  g_autoptr (FerryTask) second = task_test_submit (test->executor, "note", g_variant_new_string ("2"));
  g_autoptr (FerryTask) third = task_test_submit (test->executor, "note", g_variant_new_string ("3"));
  g_autoptr (GError) error = NULL;
  g_autofree char *log = NULL;

  task_test_wait_begun (runs);
  g_free (task_test_take_log ());
  g_assert_true (ferry_task_run_next (second, test->executor, NULL));
  g_assert_true (ferry_task_run_next (third, test->executor, NULL));
  g_assert_false (ferry_task_run_next (runs, test->executor, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  task_test_open_gate ();
  task_test_wait_done (first);
  log = task_test_take_log ();
  ferry_test_assert_says (log, "3");
  g_assert_true (strstr (log, "3") < strstr (log, "2") && strstr (log, "2") < strstr (log, "1"));
}

static void
test_run_again_takes_the_place_of_the_task (void)
{
  g_autoptr (TaskTest) test = scene_new ();
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "note", g_variant_new_string ("a"));
  g_autoptr (GError) error = NULL;
  FerryTask *again;

  task_test_open_gate ();
  task_test_wait_done (task);
  again = ferry_task_run_again (task, test->executor, &error);
  g_assert_no_error (error);
  g_assert_nonnull (again);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->executor)), ==, 1);
  g_assert_cmpstr (ferry_test_get_string (again, "function"), ==, "note");
  task_test_wait_done (again);
}

/* A task that has succeeded is only done once more. */
static void
test_run_again_is_another_attempt_of_what_failed (void)
{
  g_autoptr (TaskTest) test = scene_new ();
  g_autoptr (FerryTask) done = task_test_submit (test->executor, "note", g_variant_new_string ("a"));
  g_autoptr (FerryTask) failed = NULL;
  FerryTask *again, *second, *third; /* the executor's */
  g_autofree char *words = NULL, *second_words = NULL, *third_words = NULL;

  task_test_open_gate ();
  task_test_wait_done (done);
  again = ferry_task_run_again (done, test->executor, NULL);
  words = ferry_task_words_for_run (again, -1, /* has_bar: */ TRUE);
  g_assert_cmpstr (words, ==, "Running");
  task_test_wait_done (again);

  failed = task_test_submit (test->executor, "fail", g_variant_new ("(sis)", "g-io-error-quark", 1, "no"));
  task_test_wait_done (failed);
  second = ferry_task_run_again (failed, test->executor, NULL);
  second_words = ferry_task_words_for_waiting (second);
  g_assert_cmpstr (second_words, ==, "Attempt 2 \302\267 Waits for its turn");
  task_test_wait_done (second);
  third = ferry_task_run_again (second, test->executor, NULL);
  third_words = ferry_task_words_for_waiting (third);
  g_assert_cmpstr (third_words, ==, "Attempt 3 \302\267 Waits for its turn");
  task_test_wait_done (third);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/task-actions/names-lead-to-actions", test_names_lead_to_actions);
  g_test_add_func ("/task-actions/each-state-has-its-actions", test_each_state_has_its_actions);
  g_test_add_func ("/task-actions/what-cannot-be-tried-again-has-no-retry",
                   test_what_cannot_be_tried_again_has_no_retry);
  g_test_add_func ("/task-actions/without-an-executor-its-list-is-not-changed",
                   test_without_an_executor_its_list_is_not_changed);
  g_test_add_func ("/task-actions/run-next-goes-before-all-others", test_run_next_goes_before_all_others);
  g_test_add_func ("/task-actions/run-again-takes-the-place-of-the-task", test_run_again_takes_the_place_of_the_task);
  g_test_add_func ("/task-actions/run-again-is-another-attempt-of-what-failed",
                   test_run_again_is_another_attempt_of_what_failed);
  return g_test_run ();
}
