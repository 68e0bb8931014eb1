/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-map.c, task/ferry-map-chunk.c, task/ferry-map-input.c, task/ferry-map-item.c
 *
 * FerryMap: what is mapped, and how results come. */

#include "config.h"

#include "task/map-test.h"

#include <string.h>

/* ---- orders ---- */

static void
gives_results_in_order_of_submission (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (300));

  for (gint64 i = 0; i < 300; i++)
    {
      guint64 index;

      g_assert_cmpint (map_test_take (map, &index), ==, 2 * i);
      g_assert_cmpuint (index, ==, i);
    }
  map_test_assert_end (map);
}

/* The first is held, and those behind it are all done before it. */
static GVariant *
held_and_numbers (gint64 n)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("ax"));
  g_variant_builder_add (&builder, "x", G_GINT64_CONSTANT (-1));
  for (gint64 i = 1; i < n; i++)
    g_variant_builder_add (&builder, "x", i);
  return g_variant_builder_end (&builder);
}

static void
gives_results_as_they_come (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "hold", FERRY_MAP_UNORDERED, held_and_numbers (100));
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  guint64 index;

  g_object_set (map, "chunk-size", 1, NULL);
  for (guint i = 1; i < 100; i++)
    {
      g_assert_cmpint (map_test_take (map, &index), ==, 2 * (gint64) index);
      g_assert_true (g_hash_table_add (seen, GUINT_TO_POINTER (index)));
    }
  g_assert_false (g_hash_table_contains (seen, GUINT_TO_POINTER (0)));
  map_test_open_gate ();
  g_assert_cmpint (map_test_take (map, &index), ==, -2);
  g_assert_cmpuint (index, ==, 0);
  map_test_close_gate ();
  map_test_assert_end (map);
}

static void
holds_results_back_for_an_earlier_one (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "hold", FERRY_MAP_ORDERED, held_and_numbers (20));
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (map, "chunk-size", 1, NULL);
  map_test_ask (map, &first);
  while (ferry_test_get_number (map, "n-done") < 19)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (first);
  map_test_open_gate ();
  while (first == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (map_test_next_finish (map, first, NULL, &value, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (value), ==, -2);
  for (gint64 i = 1; i < 20; i++)
    g_assert_cmpint (map_test_take (map, NULL), ==, 2 * i);
  map_test_close_gate ();
  map_test_assert_end (map);
}

/* A chunk's worker is not in a hurry; but what an item gave is not held up by the next one either. */
static void
gives_results_while_the_next_item_of_the_chunk_runs (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "hold", FERRY_MAP_ORDERED);

  g_object_set (map, "chunk-size", 8, NULL);
  ferry_map_set_arguments (map, g_variant_new_parsed ("[int64 1, 2, 3, 4, 5, 6, 7, -1]"));
  for (gint64 i = 1; i < 8; i++)
    g_assert_cmpint (map_test_take (map, NULL), ==, 2 * i);
  map_test_open_gate ();
  g_assert_cmpint (map_test_take (map, NULL), ==, -2);
  map_test_close_gate ();
  map_test_assert_end (map);
}

static void
equals_the_sequential_map (gconstpointer data)
{
  const gint64 n = 1000;
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);

  for (guint chunk_size = 0; chunk_size < 300; chunk_size = 7 * chunk_size + 1)
    {
      g_autoptr (FerryMap) map =
        map_test_new (test, "double", (FerryMapOrder) GPOINTER_TO_INT (data), map_test_numbers (n));
      g_autoptr (GPtrArray) results = NULL;
      g_autoptr (GError) error = NULL;

      g_object_set (map, "chunk-size", chunk_size, NULL);
      results = map_test_collect (map, MAP_TEST_TIMEOUT, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (results->len, ==, n);
      for (gint64 i = 0; i < n; i++)
        g_assert_cmpint (g_variant_get_int64 (g_ptr_array_index (results, i)), ==, 2 * i);
      g_assert_cmpfloat (ferry_test_get_double (map, "fraction"), ==, 1);
    }
}

/* ---- ways to consume ---- */

typedef struct
{
  FerryMap *map; /* (nullable) */
  guint64 n_results;
  guint64 n_failed;
  guint n_finished;
  guint64 drop_at; /* G_MAXUINT64: never */
  guint64 cancel_at;
} Listener;

static void
result_cb (FerryMap *map, guint64 index, GVariant *value, const GError *error, gpointer data)
{
  Listener *self = data;

  g_assert_cmpuint (self->n_finished, ==, 0);
  g_assert_cmpuint (index, ==, self->n_results);
  if (error == NULL)
    g_assert_cmpint (g_variant_get_int64 (value), ==, 2 * (gint64) index);
  self->n_results++;
  self->n_failed += error != NULL;
  if (index == self->cancel_at)
    ferry_map_cancel (map);
  if (index == self->drop_at)
    g_clear_object (&self->map);
}

static void
finished_cb (FerryMap *map, gpointer data)
{
  Listener *self = data;

  g_assert_true (ferry_test_get_number (map, "is-finished"));
  self->n_finished++;
}

static void
listen (Listener *self, FerryMap *map)
{
  *self = (Listener){.map = map, .drop_at = G_MAXUINT64, .cancel_at = G_MAXUINT64};
  g_signal_connect (map, "result", G_CALLBACK (result_cb), self);
  g_signal_connect (map, "finished", G_CALLBACK (finished_cb), self);
}

static void
emits_each_result_and_its_end (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  Listener listener;

  listen (&listener, map_test_new (test, "refuse", FERRY_MAP_ORDERED, map_test_numbers (1000)));
  ferry_map_start (listener.map);
  map_test_wait_finished (listener.map);
  g_assert_cmpuint (listener.n_results, ==, 1000);
  g_assert_cmpuint (listener.n_failed, ==, 500);
  g_assert_cmpuint (ferry_test_get_number (listener.map, "n-failed"), ==, 500);
  g_assert_cmpuint (listener.n_finished, ==, 1);
  g_assert_finalize_object (listener.map);
}

/* The only reference goes in the middle of the results. */
static void
is_dropped_in_a_handler (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 2);
  FerryMap *map = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (10000));
  gpointer watched = map;
  Listener listener;

  listen (&listener, map);
  g_object_add_weak_pointer (watched, &watched);
  listener.drop_at = 100;
  ferry_map_start (map);
  while (watched != NULL)
    g_main_context_iteration (NULL, TRUE);
  task_test_settle ();
  g_assert_cmpuint (listener.n_results, ==, 101);
  g_assert_cmpuint (listener.n_finished, ==, 0);
}

static void
is_cancelled_in_a_handler (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  Listener listener;

  listen (&listener, map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (10000)));
  listener.cancel_at = 100;
  ferry_map_start (listener.map);
  map_test_wait_finished (listener.map);
  g_assert_cmpuint (listener.n_results, ==, 101);
  g_assert_cmpuint (listener.n_finished, ==, 1);
  g_assert_finalize_object (listener.map);
}

/* ---- how a map finishes ---- */

static void
note_outcome (FerryMap *map, gpointer data)
{
  g_assert_cmpint (ferry_test_get_number (map, "outcome"), !=, FERRY_MAP_OUTCOME_NONE);
  *(FerryMapOutcome *) data = ferry_test_get_number (map, "outcome");
}

/* Returns the outcome that a handler of finished sees. */
static FerryMapOutcome
run_to_its_outcome (FerryMap *map)
{
  FerryMapOutcome outcome = FERRY_MAP_OUTCOME_NONE;

  g_signal_connect (map, "finished", G_CALLBACK (note_outcome), &outcome);
  g_assert_cmpint (ferry_test_get_number (map, "outcome"), ==, FERRY_MAP_OUTCOME_NONE);
  ferry_map_start (map);
  map_test_wait_finished (map);
  g_assert_cmpint (outcome, ==, ferry_test_get_number (map, "outcome"));
  return outcome;
}

static void
a_cancel_leaves_the_fraction (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (10000));
  g_autoptr (FerryMap) endless = ferry_map_new (test->executor, "double", FERRY_MAP_ORDERED);
  MapTestSource source = {.length = G_MAXINT64, .fails_at = -1};
  Listener listener;

  listen (&listener, map);
  listener.cancel_at = 100;
  g_assert_cmpint (run_to_its_outcome (map), ==, FERRY_MAP_OUTCOME_CANCELLED);
  g_assert_cmpfloat (ferry_test_get_double (map, "fraction"), >=, 101. / 10000);
  g_assert_cmpfloat (ferry_test_get_double (map, "fraction"), ==,
                     (double) ferry_test_get_number (map, "n-done") / 10000);
  ferry_map_set_source (endless, map_test_source_next, &source, NULL);
  g_assert_cmpint (map_test_take (endless, NULL), ==, 0);
  ferry_map_cancel (endless);
  map_test_wait_finished (endless);
  g_assert_cmpfloat (ferry_test_get_double (endless, "fraction"), ==, 0);
  g_assert_false (ferry_test_get_number (endless, "indeterminate"));
}

static void
an_error_of_the_source_leaves_the_fraction (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "double", FERRY_MAP_ORDERED);
  MapTestSource source = {.length = 1000, .fails_at = 100};

  ferry_map_set_source (map, map_test_source_next, &source, NULL);
  g_assert_cmpint (run_to_its_outcome (map), ==, FERRY_MAP_OUTCOME_FAILED);
  g_assert_cmpuint (ferry_test_get_number (map, "n-done"), ==, 100);
  g_assert_cmpfloat (ferry_test_get_double (map, "fraction"), ==, 0);
  g_assert_false (ferry_test_get_number (map, "indeterminate"));
}

static void
a_map_with_some_failures_is_complete (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "refuse", FERRY_MAP_ORDERED, map_test_numbers (2));
  g_autoptr (FerryMap) none = map_test_new (test, "refuse", FERRY_MAP_ORDERED, map_test_numbers (0));

  g_assert_cmpint (run_to_its_outcome (map), ==, FERRY_MAP_OUTCOME_COMPLETE);
  g_assert_cmpfloat (ferry_test_get_double (map, "fraction"), ==, 1);
  g_assert_cmpint (run_to_its_outcome (none), ==, FERRY_MAP_OUTCOME_COMPLETE);
}

static void
a_map_whose_items_all_fail_says_so (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "alike", FERRY_MAP_UNORDERED, map_test_numbers (10));
  g_autofree char *said = NULL;

  g_assert_cmpint (run_to_its_outcome (map), ==, FERRY_MAP_OUTCOME_FAILED);
  said = task_test_take_message ();
  g_assert_cmpstr (said, ==, "Every item of the map of 'alike' failed, 10 in all; the first one said: alike");
  g_assert_cmpfloat (ferry_test_get_double (map, "fraction"), ==, 1);
}

static void
a_dropped_map_says_so (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  FerryMap *map = map_test_new (test, "hold", FERRY_MAP_ORDERED, held_and_numbers (10));
  FerryMap *cancelled = map_test_new (test, "hold", FERRY_MAP_ORDERED, held_and_numbers (10));
  g_autofree char *said = NULL;

  ferry_map_start (cancelled);
  ferry_map_cancel (cancelled);
  g_object_unref (cancelled);
  ferry_map_start (map);
  map_test_wait_held (1);
  said = task_test_take_message ();
  g_assert_null (said);
  g_object_unref (map);
  said = task_test_take_message ();
  g_assert_true (g_str_has_prefix (said, "A map of 'hold' was dropped before it was finished"));
  task_test_settle ();
}

/* ---- one result after the other, and all of them ---- */

typedef struct
{
  gint64 sum;
  guint n;
  gboolean ended;
  GError *error;
} Sum;

static void
next_cb (GObject *object, GAsyncResult *result, gpointer data)
{
  Sum *sum = data;
  g_autoptr (GVariant) value = NULL;

  if (!map_test_next_finish (FERRY_MAP (object), result, NULL, &value, NULL, &sum->error))
    {
      sum->ended = TRUE;
      return;
    }
  sum->sum += g_variant_get_int64 (value);
  sum->n++;
  ferry_map_next_async (FERRY_MAP (object), NULL, next_cb, sum);
}

static void
gives_one_result_after_the_other (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "double", FERRY_MAP_UNORDERED, map_test_numbers (500));
  Sum sum = {0};

  ferry_map_next_async (map, NULL, next_cb, &sum);
  ferry_test_wait_flag (&sum.ended);
  g_assert_no_error (sum.error);
  g_assert_cmpuint (sum.n, ==, 500);
  g_assert_cmpint (sum.sum, ==, 499 * 500);
}

static void
waiting_is_cancelled_and_the_map_goes_on (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "hold", FERRY_MAP_ORDERED, held_and_numbers (3));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Sum sum = {0};

  ferry_map_next_async (map, cancellable, next_cb, &sum);
  map_test_wait_held (1);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&sum.ended);
  g_assert_error (sum.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&sum.error);
  map_test_open_gate ();
  g_assert_cmpint (map_test_take (map, NULL), ==, -2);
  g_assert_cmpint (map_test_take (map, NULL), ==, 2);
  g_assert_cmpint (map_test_take (map, NULL), ==, 4);
  map_test_close_gate ();
  map_test_assert_end (map);
}

/* The wait was over, and the cancel comes before its result is taken, while another item still runs. */
static void
a_result_is_dropped_by_a_cancel (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "hold", FERRY_MAP_UNORDERED, held_and_numbers (2));
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (map, "chunk-size", 1, NULL);
  map_test_ask (map, &first);
  map_test_wait_held (1);
  while (first == NULL)
    g_main_context_iteration (NULL, TRUE);
  ferry_map_cancel (map);
  g_assert_false (ferry_test_get_number (map, "is-finished"));
  g_assert_false (map_test_next_finish (map, first, NULL, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  map_test_wait_finished (map);
}

static void
collect_cb (GObject *object, GAsyncResult *result, gpointer data)
{
  Sum *sum = data;
  g_autoptr (GPtrArray) results = map_test_collect_finish (FERRY_MAP (object), result, &sum->error);

  sum->n = results != NULL ? results->len : 0;
  sum->ended = TRUE;
}

static void
collecting_is_cancelled (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "hold", FERRY_MAP_ORDERED, held_and_numbers (100));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Sum sum = {0};

  ferry_map_collect_async (map, cancellable, collect_cb, &sum);
  map_test_wait_held (1);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&sum.ended);
  g_assert_error (sum.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (map_test_get_n_held (), ==, 0);
  g_clear_error (&sum.error);
}

static void
a_cancelled_map_is_not_collected (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (100));
  Sum sum = {0};

  ferry_map_cancel (map);
  ferry_map_collect_async (map, NULL, collect_cb, &sum);
  ferry_test_wait_flag (&sum.ended);
  g_assert_error (sum.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (ferry_test_get_number (map, "n-submitted"), ==, 0);
  g_clear_error (&sum.error);
}

/* It takes its results itself. Who asks for one all the same is told of its end. */
static void
nothing_is_left_of_a_map_that_emits (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (100));
  Listener listener;
  Sum sum = {0};

  listen (&listener, map);
  ferry_map_start (map);
  ferry_map_next_async (map, NULL, next_cb, &sum);
  ferry_test_wait_flag (&sum.ended);
  g_assert_no_error (sum.error);
  g_assert_cmpuint (sum.n, ==, 0);
  g_assert_cmpuint (listener.n_results, ==, 100);
  g_assert_cmpuint (listener.n_finished, ==, 1);
  map_test_assert_end (map);
}

static void
collecting_that_takes_too_long_cancels_the_map (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "hold", FERRY_MAP_ORDERED, held_and_numbers (3));
  g_autoptr (GError) error = NULL;

  g_assert_null (map_test_collect (map, 1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  map_test_wait_finished (map);
  g_assert_cmpint (ferry_test_get_number (map, "outcome"), ==, FERRY_MAP_OUTCOME_CANCELLED);
}

static void
collecting_stops_at_the_first_error (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "refuse", FERRY_MAP_ORDERED, map_test_numbers (100000));
  g_autoptr (GError) error = NULL;

  g_assert_null (map_test_collect (map, MAP_TEST_TIMEOUT, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_cmpstr (error->message, ==, "Item 1: 1 is odd");
  g_assert_cmpuint (ferry_test_get_number (map, "n-submitted"), <, 100000);
  g_assert_cmpint (ferry_test_get_number (map, "outcome"), ==, FERRY_MAP_OUTCOME_FAILED);
  g_assert_true (g_error_matches (ferry_test_get_error (map, "error"), error->domain, error->code));
  g_assert_cmpfloat (ferry_test_get_double (map, "fraction"), <, 1);
}

static void
count_rows (GListModel *rows, guint position, guint n_removed, guint n_added, guint *n_rows)
{
  /* At the end they are sorted. */
  g_assert_cmpuint (position, ==, n_removed > 0 ? 0 : *n_rows);
  g_assert_cmpuint (n_removed, ==, n_removed > 0 ? n_added : 0);
  *n_rows += n_added - n_removed;
}

static gboolean
is_empty (gpointer data)
{
  return g_list_model_get_n_items (data) == 0;
}

static void
assert_tasks_are (GListModel *tasks, guint n)
{
  g_assert_cmpuint (g_list_model_get_n_items (tasks), ==, n);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (tasks, i);

      g_assert_false (ferry_task_get_done (task));
      g_assert_cmpstr (ferry_test_get_string (task, "function"), ==, "hold");
    }
}

/* The executor has tasks of others too. */
static void
tasks_are_those_of_one_map (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_autoptr (FerryMap) map = map_test_new (test, "hold", FERRY_MAP_ORDERED, NULL);
  g_autoptr (FerryMap) other = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (3));
  g_autoptr (GListModel) early = NULL;
  g_autoptr (GListModel) tasks = NULL;

  for (gint64 i = -4; i < 0; i++)
    g_ptr_array_add (items, g_variant_ref_sink (g_variant_new_int64 (i)));
  map_test_set_items (map, items);
  g_object_set (map, "chunk-size", 1, NULL);
  g_object_get (map, "tasks", &early, NULL);
  map_test_close_gate ();
  ferry_map_start (map);
  ferry_map_start (other);
  map_test_wait_held (2);
  g_object_get (map, "tasks", &tasks, NULL);
  g_assert_true (tasks == early);
  g_assert_true (g_list_model_get_item_type (tasks) == FERRY_TYPE_TASK);
  assert_tasks_are (tasks, 4);
  map_test_open_gate ();
  ferry_test_run_until (is_empty, tasks);
  map_test_wait_finished (map);
  map_test_wait_finished (other);
}

static void
tasks_are_shown_that_run_already (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_autoptr (FerryMap) map = map_test_new (test, "hold", FERRY_MAP_ORDERED, NULL);
  g_autoptr (GListModel) tasks = NULL;

  for (gint64 i = -2; i < 0; i++)
    g_ptr_array_add (items, g_variant_ref_sink (g_variant_new_int64 (i)));
  map_test_set_items (map, items);
  g_object_set (map, "chunk-size", 1, NULL);
  map_test_close_gate ();
  ferry_map_start (map);
  map_test_wait_held (1);
  g_object_get (map, "tasks", &tasks, NULL);
  assert_tasks_are (tasks, 2);
  ferry_map_cancel (map);
  ferry_test_run_until (is_empty, tasks);
  map_test_wait_finished (map);
}

/* A list in a window shows the results as they come, each with its index. */
static void
results_grow_in_a_list (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map =
    map_test_new (test, "double", (FerryMapOrder) GPOINTER_TO_INT (data), map_test_numbers (1000));
  GListModel *rows;
  Sum sum = {0};
  guint n_rows = 0;

  ferry_map_collect_async (map, NULL, collect_cb, &sum);
  rows = ferry_map_get_results (map);
  g_assert_true (rows == (gpointer) ferry_test_get_object (map, "results"));
  g_assert_true (g_list_model_get_item_type (rows) == FERRY_TYPE_MAP_ITEM);
  n_rows = g_list_model_get_n_items (rows);
  g_signal_connect (rows, "items-changed", G_CALLBACK (count_rows), &n_rows);
  while (n_rows < 1000)
    {
      guint n = n_rows;

      g_main_context_iteration (NULL, TRUE);
      for (guint i = n; i < n_rows; i++)
        {
          g_autoptr (FerryMapItem) item = g_list_model_get_item (rows, i);
          gint64 index = (gint64) ferry_map_item_get_index (item);

          g_assert_cmpint (ferry_test_get_number (item, "index"), ==, index);
          g_assert_cmpint (g_variant_get_int64 (ferry_map_item_get_value (item)), ==, 2 * index);
          g_assert_true (data != GINT_TO_POINTER (FERRY_MAP_ORDERED) || index == i);
        }
    }
  g_signal_handlers_disconnect_by_data (rows, &n_rows);
  ferry_test_wait_flag (&sum.ended);
  g_assert_no_error (sum.error);
  g_assert_cmpuint (sum.n, ==, 1000);
}

/* Each number is there once, also those that failed, with their errors. */
static void
assert_refused_half (GListModel *rows, guint n)
{
  g_assert_cmpuint (g_list_model_get_n_items (rows), ==, n);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FerryMapItem) item = g_list_model_get_item (rows, i);

      g_assert_cmpuint (ferry_map_item_get_index (item), ==, i);
      if (i % 2 == 0)
        g_assert_cmpint (g_variant_get_int64 (ferry_map_item_get_value (item)), ==, 2 * i);
      else
        g_assert_error (ferry_map_item_get_error (item), G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    }
}

static void
count_failed_rows (FerryMap *map, guint64 index, GVariant *value, const GError *error, guint *n_failed)
{
  g_autoptr (FerryMapItem) item = g_list_model_get_item (ferry_map_get_results (map), (guint) index);

  g_assert_true ((ferry_map_item_get_error (item) != NULL) == (error != NULL));
  *n_failed += error != NULL;
}

static void
a_list_of_a_map_with_signals_has_what_failed (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "refuse", FERRY_MAP_ORDERED, map_test_numbers (1000));
  GListModel *rows = ferry_map_get_results (map);
  guint n_failed = 0;

  g_signal_connect (map, "result", G_CALLBACK (count_failed_rows), &n_failed);
  ferry_map_start (map);
  g_assert_cmpint (ferry_map_get_outcome (map), ==, FERRY_MAP_OUTCOME_NONE);
  map_test_wait_finished (map);
  g_assert_cmpuint (n_failed, ==, 500);
  assert_refused_half (rows, 1000);
  g_assert_cmpint (ferry_map_get_outcome (map), ==, FERRY_MAP_OUTCOME_COMPLETE);
}

static void
a_list_of_a_map_one_by_one_has_what_was_taken (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "refuse", FERRY_MAP_ORDERED, map_test_numbers (100));
  GListModel *rows = ferry_map_get_results (map);

  for (guint i = 0; i < 100; i++)
    {
      g_assert_cmpuint (g_list_model_get_n_items (rows), ==, i);
      g_assert_true (map_test_next (map, NULL, NULL, NULL, NULL));
    }
  map_test_assert_end (map);
  assert_refused_half (rows, 100);
}

static void
a_list_of_a_collected_map_has_the_item_that_ended_it (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "refuse", FERRY_MAP_ORDERED, map_test_numbers (100));
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_map_collect (map, MAP_TEST_TIMEOUT, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  assert_refused_half (ferry_map_get_results (map), 2);
}

static void
cancel_at_100 (GListModel *rows, guint position, guint n_removed, guint n_added, FerryMap *map)
{
  if (g_list_model_get_n_items (rows) == 100)
    ferry_map_cancel (map);
}

/* What is in the list is not told once more: the cancel came before. */
static void
a_handler_of_the_list_can_cancel (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  Listener listener;

  listen (&listener, map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (10000)));
  g_signal_connect (ferry_map_get_results (listener.map), "items-changed", G_CALLBACK (cancel_at_100), listener.map);
  ferry_map_start (listener.map);
  map_test_wait_finished (listener.map);
  g_assert_cmpuint (listener.n_results, ==, 99);
  g_assert_cmpint (ferry_map_get_outcome (listener.map), ==, FERRY_MAP_OUTCOME_CANCELLED);
  g_assert_finalize_object (listener.map);
}

typedef struct
{
  FerryMap *map; /* (owned) (nullable) */
  gint64 n_given;
} Dropper;

static GVariant *
drop_map (gpointer data, GError **error)
{
  Dropper *self = data;

  g_clear_object (&self->map);
  return self->n_given < 10 ? g_variant_new_int64 (self->n_given++) : NULL;
}

static void
collecting_outlives_the_last_reference (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  Dropper dropper = {.map = ferry_map_new (test->executor, "double", FERRY_MAP_ORDERED)};
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (GError) error = NULL;

  ferry_map_set_source (dropper.map, drop_map, &dropper, NULL);
  results = map_test_collect (dropper.map, MAP_TEST_TIMEOUT, &error);
  g_assert_no_error (error);
  g_assert_null (dropper.map);
  g_assert_cmpuint (results->len, ==, 10);
}

/* ---- inputs ---- */

static void
add_to_store (GListStore *store, gint64 begin, gint64 end)
{
  for (gint64 i = begin; i < end; i++)
    {
      g_autofree char *name = g_strdup_printf ("%" G_GINT64_FORMAT, i);
      g_autoptr (GSimpleAction) item = g_simple_action_new (name, NULL);

      g_list_store_append (store, item);
    }
}

static GVariant *
name_to_number (GObject *item, gpointer data, GError **error)
{
  ++*(guint *) data;
  return g_variant_new_int64 (g_ascii_strtoll (g_action_get_name (G_ACTION (item)), NULL, 10));
}

static void
feeds_from_a_list_model (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "double", FERRY_MAP_ORDERED);
  g_autoptr (GListStore) store = g_list_store_new (G_TYPE_SIMPLE_ACTION);
  guint n_asked = 0;

  add_to_store (store, 0, 100);
  ferry_map_set_model (map, G_LIST_MODEL (store), name_to_number, &n_asked, NULL);
  g_object_set (map, "max-in-flight", 10, NULL);
  g_assert_cmpuint (n_asked, ==, 0);
  for (gint64 i = 0; i < 150; i++)
    {
      g_assert_cmpint (map_test_take (map, NULL), ==, 2 * i);
      g_assert_cmpuint (n_asked, <=, i + 11);
      /* What is done with goes, and more comes. */
      if (i == 50)
        g_list_store_splice (store, 0, 40, NULL, 0);
      if (i == 60)
        add_to_store (store, 100, 150);
    }
  map_test_assert_end (map);
  g_assert_finalize_object (g_steal_pointer (&store));
}

static GVariant *
fail_at_the_third (GObject *item, gpointer data, GError **error)
{
  if (g_str_equal (g_action_get_name (G_ACTION (item)), "3"))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "No arguments");
      return NULL;
    }
  return g_variant_new_int64 (1);
}

static void
an_item_without_arguments_by_an_error_fails_the_map (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "double", FERRY_MAP_ORDERED);
  g_autoptr (GListStore) store = g_list_store_new (G_TYPE_SIMPLE_ACTION);

  add_to_store (store, 0, 10);
  ferry_map_set_model (map, G_LIST_MODEL (store), fail_at_the_third, NULL, NULL);
  g_assert_cmpint (run_to_its_outcome (map), ==, FERRY_MAP_OUTCOME_FAILED);
  g_assert_cmpuint (ferry_test_get_number (map, "n-done"), ==, 3);
}

/* Before the next item, or where there is none yet, which the map has no room to find out. */
static void
maps_what_is_put_where_it_was_reached (gconstpointer data)
{
  guint reached = GPOINTER_TO_UINT (data);
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "double", FERRY_MAP_ORDERED);
  g_autoptr (GListStore) store = g_list_store_new (G_TYPE_SIMPLE_ACTION);
  g_autoptr (GSimpleAction) late = g_simple_action_new ("100", NULL);
  guint n_asked = 0;

  add_to_store (store, 0, 8);
  ferry_map_set_model (map, G_LIST_MODEL (store), name_to_number, &n_asked, NULL);
  g_object_set (map, "max-in-flight", reached, NULL);
  ferry_map_next_async (map, NULL, NULL, NULL);
  while (n_asked < reached)
    g_main_context_iteration (NULL, TRUE);
  g_list_store_insert (store, reached, late);
  for (guint i = 0; i < 9; i++)
    g_assert_cmpint (map_test_take (map, NULL), ==, i == reached ? 200 : 2 * (i > reached ? i - 1 : i));
  map_test_assert_end (map);
}

static void
takes_values_of_several_types (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "echo-anything", FERRY_MAP_ORDERED);
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (values, g_variant_ref_sink (g_variant_new_string ("one")));
  g_ptr_array_add (values, g_variant_ref_sink (g_variant_new_uint32 (2)));
  g_ptr_array_add (values, g_variant_ref_sink (g_variant_new ("(sv)", "three", g_variant_new_double (3))));
  g_ptr_array_add (values, g_variant_ref_sink (g_variant_new_variant (g_variant_new_byte (4))));
  g_ptr_array_add (values, g_variant_ref_sink (g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL)));
  g_ptr_array_add (values, g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE_STRING, NULL, 0)));
  map_test_set_items (map, values);
  g_object_set (map, "chunk-size", 3, NULL);
  results = map_test_collect (map, MAP_TEST_TIMEOUT, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (results->len, ==, values->len);
  for (guint i = 0; i < values->len; i++)
    g_assert_true (g_variant_equal (g_ptr_array_index (results, i), g_ptr_array_index (values, i)));
}

typedef struct
{
  FerryMap *map;
  GAsyncResult *result;
} Finish;

static gpointer
finish_elsewhere (gpointer data)
{
  Finish *finish = data;
  g_autoptr (GError) error = NULL;

  g_assert_false (map_test_next_finish (finish->map, finish->result, NULL, NULL, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  return NULL;
}

/* What the map has is its thread's. */
static void
gives_nothing_to_other_threads (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (2));
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;
  Finish finish = {.map = map};

  map_test_ask (map, &finish.result);
  while (finish.result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (g_thread_new ("finish", finish_elsewhere, &finish));
  g_assert_true (map_test_next_finish (map, finish.result, NULL, &value, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (value), ==, 0);
  g_assert_cmpint (map_test_take (map, NULL), ==, 2);
  map_test_assert_end (map);
  g_object_unref (finish.result);
}

/* The latest time there is, and not one that has passed long ago. */
static void
waits_for_as_long_as_can_be_said (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "hold", FERRY_MAP_ORDERED, held_and_numbers (1));
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (GError) error = NULL;

  map_test_open_gate ();
  results = map_test_collect (map, G_MAXINT64, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (results->len, ==, 1);
  map_test_close_gate ();
}

static void
takes_items_without_arguments (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "nothing", FERRY_MAP_ORDERED);
  g_autoptr (GPtrArray) items = g_ptr_array_new ();
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;

  g_ptr_array_set_size (items, 2);
  map_test_set_items (map, items);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (map_test_next (map, NULL, &value, &failure, &error));
      g_assert_no_error (failure);
      g_assert_null (value);
    }
  map_test_assert_end (map);
}

static void
ends_at_once_without_items (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 2);
  g_autoptr (FerryMap) map = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (0));
  g_autoptr (FerryMap) other = map_test_new (test, "double", FERRY_MAP_UNORDERED, map_test_numbers (0));
  g_autoptr (FerryMap) third = map_test_new (test, "double", FERRY_MAP_UNORDERED, map_test_numbers (0));
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (GError) error = NULL;
  Listener listener;

  map_test_assert_end (map);
  results = map_test_collect (other, MAP_TEST_TIMEOUT, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (results->len, ==, 0);
  listen (&listener, third);
  ferry_map_start (third);
  g_assert_cmpuint (listener.n_finished, ==, 1);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 0);
}

static void
ends_with_the_error_of_its_source (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "double", FERRY_MAP_ORDERED);
  MapTestSource source = {.length = 1000, .fails_at = 100};
  g_autoptr (GError) error = NULL;

  ferry_map_set_source (map, map_test_source_next, &source, map_test_source_destroy);
  for (gint64 i = 0; i < 100; i++)
    g_assert_cmpint (map_test_take (map, NULL), ==, 2 * i);
  g_assert_true (source.destroyed);
  g_assert_false (map_test_next (map, NULL, NULL, NULL, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_IO);
  g_assert_error (ferry_test_get_error (map, "error"), G_FILE_ERROR, G_FILE_ERROR_IO);
  g_assert_true (ferry_test_get_number (map, "is-finished"));
}

static void
maps_100000_items (gconstpointer order)
{
  const gint64 n = 100000;
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "double", (FerryMapOrder) GPOINTER_TO_INT (order));
  MapTestSource source = {.length = n, .fails_at = -1};
  gint64 sum = 0;

  ferry_map_set_source (map, map_test_source_next, &source, NULL);
  for (gint64 i = 0; i < n; i++)
    {
      guint64 index;
      gint64 number = map_test_take (map, &index);

      g_assert_cmpint (number, ==, 2 * (gint64) index);
      sum += number;
    }
  g_assert_cmpint (sum, ==, n * (n - 1));
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
  g_test_add_func ("/map/gives-results-in-order-of-submission", gives_results_in_order_of_submission);
  g_test_add_func ("/map/gives-results-as-they-come", gives_results_as_they_come);
  g_test_add_func ("/map/holds-results-back-for-an-earlier-one", holds_results_back_for_an_earlier_one);
  g_test_add_func ("/map/gives-results-while-the-next-item-of-the-chunk-runs",
                   gives_results_while_the_next_item_of_the_chunk_runs);
  g_test_add_data_func ("/map/equals-the-sequential-map/ordered", ordered, equals_the_sequential_map);
  g_test_add_data_func ("/map/equals-the-sequential-map/unordered", unordered, equals_the_sequential_map);
  g_test_add_func ("/map/emits-each-result-and-its-end", emits_each_result_and_its_end);
  g_test_add_data_func ("/map/is-dropped-in-a-handler/processes", in_processes, is_dropped_in_a_handler);
  g_test_add_data_func ("/map/is-dropped-in-a-handler/threads", in_threads, is_dropped_in_a_handler);
  g_test_add_func ("/map/is-cancelled-in-a-handler", is_cancelled_in_a_handler);
  g_test_add_func ("/map/a-cancel-leaves-the-fraction", a_cancel_leaves_the_fraction);
  g_test_add_func ("/map/an-error-of-the-source-leaves-the-fraction", an_error_of_the_source_leaves_the_fraction);
  g_test_add_func ("/map/a-map-with-some-failures-is-complete", a_map_with_some_failures_is_complete);
  g_test_add_func ("/map/a-map-whose-items-all-fail-says-so", a_map_whose_items_all_fail_says_so);
  g_test_add_func ("/map/a-dropped-map-says-so", a_dropped_map_says_so);
  g_test_add_func ("/map/gives-one-result-after-the-other", gives_one_result_after_the_other);
  g_test_add_func ("/map/waiting-is-cancelled-and-the-map-goes-on", waiting_is_cancelled_and_the_map_goes_on);
  g_test_add_func ("/map/a-result-is-dropped-by-a-cancel", a_result_is_dropped_by_a_cancel);
  g_test_add_func ("/map/collecting-is-cancelled", collecting_is_cancelled);
  g_test_add_func ("/map/collecting-that-takes-too-long-cancels-the-map",
                   collecting_that_takes_too_long_cancels_the_map);
  g_test_add_func ("/map/a-cancelled-map-is-not-collected", a_cancelled_map_is_not_collected);
  g_test_add_func ("/map/nothing-is-left-of-a-map-that-emits", nothing_is_left_of_a_map_that_emits);
  g_test_add_func ("/map/collecting-stops-at-the-first-error", collecting_stops_at_the_first_error);
  g_test_add_func ("/map/tasks-are-those-of-one-map", tasks_are_those_of_one_map);
  g_test_add_func ("/map/tasks-are-shown-that-run-already", tasks_are_shown_that_run_already);
  g_test_add_data_func ("/map/results-grow-in-a-list/ordered", ordered, results_grow_in_a_list);
  g_test_add_data_func ("/map/results-grow-in-a-list/unordered", unordered, results_grow_in_a_list);
  g_test_add_func ("/map/a-list-of-a-map-with-signals-has-what-failed", a_list_of_a_map_with_signals_has_what_failed);
  g_test_add_func ("/map/a-list-of-a-map-one-by-one-has-what-was-taken", a_list_of_a_map_one_by_one_has_what_was_taken);
  g_test_add_func ("/map/a-list-of-a-collected-map-has-the-item-that-ended-it",
                   a_list_of_a_collected_map_has_the_item_that_ended_it);
  g_test_add_func ("/map/a-handler-of-the-list-can-cancel", a_handler_of_the_list_can_cancel);
  g_test_add_func ("/map/collecting-outlives-the-last-reference", collecting_outlives_the_last_reference);
  g_test_add_func ("/map/feeds-from-a-list-model", feeds_from_a_list_model);
  g_test_add_func ("/map/an-item-without-arguments-by-an-error-fails-the-map",
                   an_item_without_arguments_by_an_error_fails_the_map);
  g_test_add_data_func ("/map/maps-what-is-put-where-it-was-reached/between", GUINT_TO_POINTER (4),
                        maps_what_is_put_where_it_was_reached);
  g_test_add_data_func ("/map/maps-what-is-put-where-it-was-reached/at-the-end", GUINT_TO_POINTER (8),
                        maps_what_is_put_where_it_was_reached);
  g_test_add_func ("/map/gives-nothing-to-other-threads", gives_nothing_to_other_threads);
  g_test_add_func ("/map/takes-values-of-several-types", takes_values_of_several_types);
  g_test_add_func ("/map/waits-for-as-long-as-can-be-said", waits_for_as_long_as_can_be_said);
  g_test_add_func ("/map/takes-items-without-arguments", takes_items_without_arguments);
  g_test_add_data_func ("/map/ends-at-once-without-items/processes", in_processes, ends_at_once_without_items);
  g_test_add_data_func ("/map/ends-at-once-without-items/threads", in_threads, ends_at_once_without_items);
  g_test_add_func ("/map/ends-with-the-error-of-its-source", ends_with_the_error_of_its_source);
  g_test_add_data_func ("/map/maps-100000-items/ordered", ordered, maps_100000_items);
  g_test_add_data_func ("/map/maps-100000-items/unordered", unordered, maps_100000_items);
  return g_test_run ();
}
