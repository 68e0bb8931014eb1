/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-map-task.c
 *
 * The task that stands for a map. */

#include "config.h"

#include "task/map-test.h"

static void
test_task_is_as_far_as_the_map (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ TRUE, 2);
  FerryMap *map = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (300));
  g_autoptr (FerryTask) task = ferry_task_new_for_map (map, "Numbers", "numbers");
  g_autoptr (FerryTask) late = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (ferry_task_get_name (task), ==, "Numbers");
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  ferry_map_start (map);
  result = ferry_task_wait (task, MAP_TEST_TIMEOUT, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
  g_assert_cmpuint (ferry_test_get_number (task, "amount"), ==, 300);
  g_assert_cmpuint (ferry_test_get_number (task, "total"), ==, 300);
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 1);
  late = ferry_task_new_for_map (map, "Late", NULL);
  g_assert_cmpint (ferry_task_get_state (late), ==, FERRY_TASK_STATE_COMPLETED);
  g_assert_null (ferry_executor_retry (test->executor, task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_finalize_object (map);
}

static gboolean
is_paused (gpointer task)
{
  return ferry_test_get_number (task, "is-paused") != 0;
}

static void
test_task_pauses_and_cancels_the_map (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "hold", FERRY_MAP_UNORDERED, g_variant_new_parsed ("@ax [1, -1, -1]"));
  g_autoptr (FerryTask) task = ferry_task_new_for_map (map, "Held", NULL);

  g_object_set (map, "chunk-size", 1, NULL);
  ferry_map_start (map);
  map_test_wait_held (1);
  task_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
  g_assert_true (ferry_task_pause (task));
  g_assert_true (ferry_test_get_number (map, "paused"));
  ferry_map_set_paused (map, FALSE);
  g_assert_false (is_paused (task));
  g_assert_true (ferry_task_cancel (task));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLING);
  task_test_wait_done (task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpint (ferry_test_get_number (map, "outcome"), ==, FERRY_MAP_OUTCOME_CANCELLED);
}

static void
test_task_ends_with_a_map_that_others_cancel (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "double", FERRY_MAP_UNORDERED, map_test_numbers (3));
  g_autoptr (FerryTask) task = ferry_task_new_for_map (map, "Cancelled", NULL);
  g_autoptr (FerryMap) other = map_test_new (test, "double", FERRY_MAP_UNORDERED, map_test_numbers (3));
  g_autoptr (FerryTask) early = ferry_task_new_for_map (other, "Early", NULL);

  ferry_map_cancel (map);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_true (ferry_task_cancel (early));
  g_assert_cmpint (ferry_task_get_state (early), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_true (ferry_test_get_number (other, "is-finished"));
}

static void
test_task_fails_with_an_item (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "refuse", FERRY_MAP_UNORDERED, map_test_numbers (10));
  g_autoptr (FerryTask) task = ferry_task_new_for_map (map, "Odd", "numbers");

  ferry_map_start (map);
  task_test_wait_done (task);
  g_assert_error (ferry_task_get_error (task), G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpstr (ferry_task_get_error (task)->message, ==, "5 of 10 items failed");
}

/* A source has no number of items. */
static void
test_length_is_not_known (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ TRUE, 1);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "double", FERRY_MAP_UNORDERED);
  MapTestSource source = {.length = 10, .fails_at = 5};
  g_autoptr (FerryTask) task = NULL;

  ferry_map_set_source (map, map_test_source_next, &source, NULL);
  task = ferry_task_new_for_map (map, "Source", "numbers");
  ferry_map_start (map);
  task_test_wait_done (task);
  g_assert_nonnull (ferry_task_get_error (task));
  g_assert_cmpuint (ferry_test_get_number (task, "amount"), ==, 5);
}

int
main (int argc, char **argv)
{
  map_test_init (&argc, &argv);
  g_test_add_func ("/map-task/task-is-as-far-as-the-map", test_task_is_as_far_as_the_map);
  g_test_add_func ("/map-task/task-pauses-and-cancels-the-map", test_task_pauses_and_cancels_the_map);
  g_test_add_func ("/map-task/task-ends-with-a-map-that-others-cancel", test_task_ends_with_a_map_that_others_cancel);
  g_test_add_func ("/map-task/task-fails-with-an-item", test_task_fails_with_an_item);
  g_test_add_func ("/map-task/length-is-not-known", test_length_is_not_known);
  return g_test_run ();
}
