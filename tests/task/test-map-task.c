/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-map-task.c, task/ferry-whole-task.c
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
  g_assert_false (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  ferry_test_assert_says (error->message, "start the map with ferry_map_start()");
  g_clear_error (&error);
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

static char *
print_failures (FerryTask *task)
{
  g_autoptr (GVariant) failures = NULL;

  g_object_get (task, "failures", &failures, NULL);
  return failures != NULL ? g_variant_print (failures, FALSE) : NULL;
}

static void
test_task_fails_with_an_item (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "refuse", FERRY_MAP_UNORDERED, map_test_numbers (30));
  g_autoptr (FerryTask) task = ferry_task_new_for_map (map, "Odd", "numbers");
  g_autoptr (FerryTask) late = NULL;
  g_autofree char *failures = NULL;
  g_autofree char *late_failures = NULL;

  /* A chunk of an automatic size that takes long is ended, and the rest of it comes after the next one. */
  g_object_set (map, "chunk-size", 5, NULL);
  ferry_map_start (map);
  task_test_wait_done (task);
  g_assert_error (ferry_task_get_error (task), G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpstr (ferry_task_get_error (task)->message, ==,
                   "15 of 30 numbers failed, the first of them so: Item 1: 1 is odd");
  failures = print_failures (task);
  g_assert_true (g_str_has_prefix (failures, "(15, 30, [(1, '', '1 is odd'), (3, '', '3 is odd'), "));
  g_assert_true (g_str_has_suffix (failures, ", (19, '', '19 is odd')])"));
  late = ferry_task_new_for_map (map, "Late", NULL);
  late_failures = print_failures (late);
  g_assert_cmpstr (late_failures, ==, failures);
}

static GVariant *
refuse_file (FerryJob *job, GVariant *arguments, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "It is missing");
  return NULL;
}

/* Long texts are no names. In chunks of any size, and of one. */
static void
test_failed_items_are_named (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ TRUE, 1);
  g_autofree char *text = g_strnfill (2000, 'x');
  const char *const words[] = {"a.jpg", text, "two\nlines", NULL};
  const char *const paths[] = {"/b.jpg", NULL};

  for (guint size = 0; size <= 1; size++)
    {
      g_autoptr (FerryMap) map = map_test_new (test, "refuse-file", FERRY_MAP_ORDERED, g_variant_new_strv (words, -1));
      g_autoptr (FerryMap) other =
        map_test_new (test, "refuse-file", FERRY_MAP_ORDERED, g_variant_new_bytestring_array (paths, -1));
      g_autoptr (FerryTask) task = ferry_task_new_for_map (map, "Words", NULL);
      g_autoptr (FerryTask) one = ferry_task_new_for_map (other, "Path", NULL);
      g_autofree char *failures = NULL;
      g_autofree char *path_failures = NULL;

      g_object_set (map, "chunk-size", size, NULL);
      g_object_set (other, "chunk-size", size, NULL);
      ferry_map_start (map);
      task_test_wait_done (task);
      ferry_map_start (other);
      task_test_wait_done (one);
      failures = print_failures (task);
      path_failures = print_failures (one);
      g_assert_cmpstr (failures, ==,
                       "(3, 3, [(0, 'a.jpg', 'It is missing'), (1, '', 'It is missing'), (2, '', 'It is missing')])");
      g_assert_cmpstr (path_failures, ==, "(1, 1, [(0, '/b.jpg', 'It is missing')])");
      g_assert_cmpstr (ferry_task_get_error (task)->message, ==,
                       "3 of 3 failed, the first of them so: a.jpg: It is missing");
      g_assert_error (ferry_task_get_error (one), G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
      g_assert_cmpstr (ferry_task_get_error (one)->message, ==, "It is missing");
    }
}

/* The first item that fails ends it, and is the one that is named. */
static void
test_collecting_fails_with_an_item (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "refuse", FERRY_MAP_ORDERED, map_test_numbers (30));
  g_autoptr (FerryTask) task = ferry_task_new_for_map (map, "Odd", "numbers");
  g_autofree char *failures = NULL;

  g_object_set (map, "chunk-size", 1, NULL);
  g_assert_null (ferry_map_collect (map, MAP_TEST_TIMEOUT, NULL));
  task_test_wait_done (task);
  g_assert_error (ferry_task_get_error (task), G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_cmpstr (ferry_task_get_error (task)->message, ==, "Item 1: 1 is odd");
  failures = print_failures (task);
  g_assert_cmpstr (failures, ==, "(1, 30, [(1, '', '1 is odd')])");
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
  g_assert_null (print_failures (task));
  g_assert_cmpuint (ferry_test_get_number (task, "amount"), ==, 5);
}

int
main (int argc, char **argv)
{
  map_test_init (&argc, &argv);
  ferry_function_register ("refuse-file", NULL, "", refuse_file);
  g_test_add_func ("/map-task/task-is-as-far-as-the-map", test_task_is_as_far_as_the_map);
  g_test_add_func ("/map-task/task-pauses-and-cancels-the-map", test_task_pauses_and_cancels_the_map);
  g_test_add_func ("/map-task/task-ends-with-a-map-that-others-cancel", test_task_ends_with_a_map_that_others_cancel);
  g_test_add_func ("/map-task/task-fails-with-an-item", test_task_fails_with_an_item);
  g_test_add_func ("/map-task/failed-items-are-named", test_failed_items_are_named);
  g_test_add_func ("/map-task/collecting-fails-with-an-item", test_collecting_fails_with_an_item);
  g_test_add_func ("/map-task/length-is-not-known", test_length_is_not_known);
  return g_test_run ();
}
