/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-map.c, job/ferry-map-function.c
 *
 * FerryMap: items that fail, workers that die, and one worker that is used again and again. */

#include "config.h"

#include "task/map-test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- items that fail ---- */

static void
an_error_does_not_end_the_rest (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "fail", FERRY_MAP_ORDERED);
  GVariantBuilder items = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(sis)"));

  g_object_set (map, "chunk-size", GPOINTER_TO_INT (in_threads) ? 1 : 4, NULL);
  for (int i = 0; i < 10; i++)
    {
      g_autofree char *message = g_strdup_printf ("number %d", i);

      g_variant_builder_add (&items, "(sis)", "item-error-quark", i, message);
    }
  ferry_map_set_arguments (map, g_variant_builder_end (&items));
  for (int i = 0; i < 10; i++)
    {
      guint64 index;
      g_autoptr (GError) failure = map_test_take_failure (map, &index);
      g_autofree char *message = g_strdup_printf ("number %d", i);
      g_autofree char *trace = ferry_error_get_trace (failure);

      g_assert_cmpuint (index, ==, i);
      g_assert_error (failure, g_quark_from_string ("item-error-quark"), i);
      g_assert_cmpstr (failure->message, ==, message);
      g_assert_nonnull (strstr (trace, "fail"));
      g_assert_null (strstr (trace, "ferry.map"));
    }
  map_test_assert_end (map);
  g_assert_cmpuint (ferry_test_get_number (map, "n-failed"), ==, 10);
  g_assert_null (ferry_test_get_error (map, "error"));
}

/* The items of a chunk are run by one job. */
static void
alike_errors_of_items_have_their_own_traces (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "alike", FERRY_MAP_ORDERED, map_test_numbers (8));

  g_object_set (map, "chunk-size", 4, NULL);
  for (guint i = 0; i < 8; i++)
    {
      g_autoptr (GError) failure = map_test_take_failure (map, NULL);
      g_autofree char *trace = ferry_error_get_trace (failure);

      g_assert_error (failure, G_IO_ERROR, G_IO_ERROR_FAILED);
      g_assert_true (g_str_has_prefix (trace, "in function 'alike'"));
      g_assert_true ((strstr (trace, "\n    ") != NULL) == (i % 2 == 0));
      g_assert_null (strstr (strchr (trace, '\n'), "in function"));
    }
  map_test_assert_end (map);
}

static void
every_other_item_fails (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "refuse", FERRY_MAP_ORDERED, map_test_numbers (100));

  for (gint64 i = 0; i < 100; i += 2)
    {
      g_autoptr (GError) failure = NULL;
      guint64 index;

      g_assert_cmpint (map_test_take (map, &index), ==, 2 * i);
      g_assert_cmpuint (index, ==, i);
      failure = map_test_take_failure (map, &index);
      g_assert_error (failure, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
      g_assert_cmpuint (index, ==, i + 1);
    }
  map_test_assert_end (map);
}

/* An item of another type is refused, and those around it are not. */
static void
a_wrong_type_fails_its_item (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);

  for (guint chunk_size = 0; chunk_size < 4; chunk_size++)
    {
      g_autoptr (FerryMap) map = ferry_map_new (test->executor, "double", FERRY_MAP_ORDERED);
      g_autoptr (GError) failure = NULL;

      ferry_map_set_arguments (map, g_variant_new ("(xsx)", G_GINT64_CONSTANT (1), "two", G_GINT64_CONSTANT (3)));
      g_object_set (map, "chunk-size", chunk_size, NULL);
      g_assert_cmpint (map_test_take (map, NULL), ==, 2);
      failure = map_test_take_failure (map, NULL);
      g_assert_error (failure, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
      g_assert_cmpint (map_test_take (map, NULL), ==, 6);
      map_test_assert_end (map);
    }
}

static void
assert_all_fail (TaskTest *test, const char *function, int code)
{
  g_autoptr (FerryMap) map = map_test_new (test, function, FERRY_MAP_ORDERED, map_test_numbers (20));

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (GError) failure = map_test_take_failure (map, NULL);

      g_assert_error (failure, FERRY_ERROR, code);
    }
  map_test_assert_end (map);
}

static void
an_unknown_function_fails_all (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);

  assert_all_fail (test, "no-such-function", FERRY_ERROR_UNKNOWN_FUNCTION);
  /* What a map runs over its items is no chunk itself. */
  assert_all_fail (test, "ferry.map", FERRY_ERROR_UNKNOWN_FUNCTION);
}

/* The function behind chunks is none for others. */
static void
the_chunk_function_wants_chunks (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "ferry.map", NULL);
  g_autoptr (FerryTask) other = task_test_submit (test->executor, "ferry.map", g_variant_new_string ("double"));

  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  task_test_assert_failed (other, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
a_wrong_result_fails_its_item (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);

  assert_all_fail (test, "wrong-result", FERRY_ERROR_BAD_RESULT);
  assert_all_fail (test, "unwanted-result", FERRY_ERROR_BAD_RESULT);
  assert_all_fail (test, "yield-anything", FERRY_ERROR_UNKNOWN_FUNCTION);
}

static GVariant *
make_bytes (gsize size)
{
  guint8 *data = g_malloc0 (size);

  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data);
}

static void
an_item_that_is_too_large_fails_alone (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "echo-anything", FERRY_MAP_ORDERED);
  const gsize sizes[] = {10, 20, 64 << 20, 30, 1000, 40};
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    g_ptr_array_add (items, g_variant_ref_sink (make_bytes (sizes[i])));
  map_test_set_items (map, items);
  g_object_set (map, "chunk-size", 4, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) failure = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_true (map_test_next (map, NULL, &value, &failure, &error));
      if (i == 2)
        g_assert_error (failure, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
      else
        g_assert_cmpuint (g_variant_get_size (value), ==, sizes[i]);
    }
  map_test_assert_end (map);
}

static void
items_of_a_stopped_executor_fail (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "double", FERRY_MAP_ORDERED);
  MapTestSource source = {.length = G_MAXINT64, .fails_at = -1};
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;

  ferry_executor_stop (test->executor);
  ferry_map_set_source (map, map_test_source_next, &source, NULL);
  failure = map_test_take_failure (map, NULL);
  g_assert_error (failure, FERRY_ERROR, FERRY_ERROR_STOPPED);
  while (map_test_next (map, NULL, NULL, NULL, &error))
    ;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STOPPED);
  g_assert_cmpint (source.n_given, <, 10);
}

static void
a_pool_that_starts_nothing_ends_the_map (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  const char *argv[] = {"/nonexistent/worker", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerryPool) pool = ferry_pool_new (test->router, launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryMap) map = ferry_map_new (executor, "double", FERRY_MAP_ORDERED);
  MapTestSource source = {.length = G_MAXINT64, .fails_at = -1};
  g_autoptr (GError) error = NULL;

  ferry_map_set_source (map, map_test_source_next, &source, NULL);
  while (map_test_next (map, NULL, NULL, NULL, &error))
    ;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
  g_assert_cmpint (source.n_given, <, 10);
  task_test_take_n_warnings ();
}

/* ---- workers that die ---- */

static GVariant *
note_and_give (const char *path, gint64 number)
{
  return g_variant_new ("(sx)", path, number);
}

/* Each number is in the file once: nothing was run twice, and nothing left out. */
static void
assert_each_ran_once (const char *path, gint64 n, gint64 deadly)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autofree guint8 *seen = g_new0 (guint8, n);

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (g_strchomp (text), "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, n);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      gint64 number = g_ascii_strtoll (lines[i], NULL, 10);

      seen[number < 0 ? deadly : number]++;
    }
  for (gint64 i = 0; i < n; i++)
    g_assert_cmpuint (seen[i], ==, 1);
}

/* The error of a lost item tells which it was, in words for users. */
static void
assert_names_item (const GError *failure, guint64 index, const char *function)
{
  g_autofree char *words =
    g_strdup_printf ("Item %" G_GUINT64_FORMAT " was lost, as the process that ran '%s' for it ended", index, function);

  g_assert_error (failure, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_nonnull (strstr (failure->message, words));
}

static void
a_killed_worker_costs_one_item (gconstpointer order)
{
  const gint64 n = 50;

  for (gint64 deadly = 0; deadly < n; deadly += 7)
    {
      g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
      g_autoptr (FerryMap) map =
        ferry_map_new (test->executor, "crash-if-negative", (FerryMapOrder) GPOINTER_TO_INT (order));
      g_autoptr (GPtrArray) items = g_ptr_array_new ();
      g_autofree char *path = g_build_filename (g_get_user_data_dir (), "numbers", NULL);

      g_mkdir_with_parents (g_get_user_data_dir (), 0700);
      for (gint64 i = 0; i < n; i++)
        g_ptr_array_add (items, note_and_give (path, i == deadly ? -1 : i));
      map_test_set_items (map, items);
      g_object_set (map, "chunk-size", deadly % 2 == 0 ? 10 : 1, NULL);
      for (gint64 i = 0; i < n; i++)
        {
          g_autoptr (GVariant) value = NULL;
          g_autoptr (GError) failure = NULL;
          g_autoptr (GError) error = NULL;
          guint64 index;

          g_assert_true (map_test_next (map, &index, &value, &failure, &error));
          if ((gint64) index == deadly)
            assert_names_item (failure, index, "crash-if-negative");
          else
            g_assert_cmpint (g_variant_get_int64 (value), ==, 2 * (gint64) index);
        }
      map_test_assert_end (map);
      assert_each_ran_once (path, n, deadly);
      unlink (path);
    }
}

/* The items of a chunk may be of several types, or have no arguments. */
static void
a_lost_item_shows_its_arguments (void)
{
  static const gboolean is_text[] = {FALSE, FALSE, TRUE, FALSE};
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "crash-if-text", FERRY_MAP_ORDERED);
  g_autoptr (GPtrArray) items = g_ptr_array_new ();

  g_ptr_array_add (items, g_variant_new_uint32 (1));
  g_ptr_array_add (items, NULL);
  g_ptr_array_add (items, g_variant_new_string ("a.png"));
  g_ptr_array_add (items, g_variant_new_uint32 (2));
  map_test_set_items (map, items);
  g_object_set (map, "chunk-size", items->len, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (is_text); i++)
    {
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) failure = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_true (map_test_next (map, NULL, &value, &failure, &error));
      if (is_text[i])
        assert_names_item (failure, i, "crash-if-text");
      else
        g_assert_no_error (failure);
    }
  map_test_assert_end (map);
}

/* ---- one worker, used again and again ---- */

static void
one_worker_is_used_1000_times (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "serial", FERRY_MAP_ORDERED);
  g_autoptr (FerryMap) pids = ferry_map_new (test->executor, "pid", FERRY_MAP_ORDERED);
  g_autoptr (GPtrArray) items = g_ptr_array_new ();
  GPid pid = 0;

  g_ptr_array_set_size (items, 1000);
  map_test_set_items (map, items);
  map_test_set_items (pids, items);
  g_object_set (map, "max-in-flight", 1, NULL);
  g_object_set (pids, "max-in-flight", 1, NULL);
  for (guint i = 1; i <= 1000; i++)
    {
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GVariant) pid_value = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_true (map_test_next (map, NULL, &value, NULL, &error));
      g_assert_cmpuint (g_variant_get_uint32 (value), ==, i);
      g_assert_true (map_test_next (pids, NULL, &pid_value, NULL, &error));
      if (pid == 0)
        pid = g_variant_get_int32 (pid_value);
      g_assert_cmpint (g_variant_get_int32 (pid_value), ==, pid);
    }
  g_assert_cmpint (pid, !=, getpid ());
  map_test_assert_end (map);
  map_test_assert_end (pids);
}

/* A function of which each call has its worker, with what it keeps: as many as there are. */
static void
calls_run_side_by_side (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 3);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "hold", FERRY_MAP_UNORDERED);

  ferry_map_set_arguments (map, g_variant_new_parsed ("[int64 -1, -2, -3]"));
  ferry_map_next_async (map, NULL, NULL, NULL);
  map_test_wait_held (3);
  map_test_open_gate ();
  g_assert_cmpint (map_test_take (map, NULL) + map_test_take (map, NULL) + map_test_take (map, NULL), ==, -12);
  map_test_close_gate ();
  map_test_assert_end (map);
}

int
main (int argc, char **argv)
{
  gconstpointer ordered = GINT_TO_POINTER (FERRY_MAP_ORDERED);
  gconstpointer unordered = GINT_TO_POINTER (FERRY_MAP_UNORDERED);
  gconstpointer in_processes = GINT_TO_POINTER (FALSE);
  gconstpointer in_threads = GINT_TO_POINTER (TRUE);

  map_test_init (&argc, &argv);
  g_test_add_data_func ("/map/an-error-does-not-end-the-rest/processes", in_processes, an_error_does_not_end_the_rest);
  g_test_add_data_func ("/map/an-error-does-not-end-the-rest/threads", in_threads, an_error_does_not_end_the_rest);
  g_test_add_func ("/map/every-other-item-fails", every_other_item_fails);
  g_test_add_func ("/map/alike-errors-of-items-have-their-own-traces", alike_errors_of_items_have_their_own_traces);
  g_test_add_func ("/map/a-wrong-type-fails-its-item", a_wrong_type_fails_its_item);
  g_test_add_func ("/map/an-unknown-function-fails-all", an_unknown_function_fails_all);
  g_test_add_func ("/map/the-chunk-function-wants-chunks", the_chunk_function_wants_chunks);
  g_test_add_func ("/map/a-wrong-result-fails-its-item", a_wrong_result_fails_its_item);
  g_test_add_func ("/map/an-item-that-is-too-large-fails-alone", an_item_that_is_too_large_fails_alone);
  g_test_add_func ("/map/items-of-a-stopped-executor-fail", items_of_a_stopped_executor_fail);
  g_test_add_func ("/map/a-pool-that-starts-nothing-ends-the-map", a_pool_that_starts_nothing_ends_the_map);
  g_test_add_func ("/map/a-lost-item-shows-its-arguments", a_lost_item_shows_its_arguments);
  g_test_add_data_func ("/map/a-killed-worker-costs-one-item/ordered", ordered, a_killed_worker_costs_one_item);
  g_test_add_data_func ("/map/a-killed-worker-costs-one-item/unordered", unordered, a_killed_worker_costs_one_item);
  g_test_add_func ("/map/one-worker-is-used-1000-times", one_worker_is_used_1000_times);
  g_test_add_func ("/map/calls-run-side-by-side", calls_run_side_by_side);
  return g_test_run ();
}
