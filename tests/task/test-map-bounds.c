/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-map.c, task/ferry-map-chunk-size.c
 *
 * FerryMap: how much is in flight, in which chunks, and how it is cancelled. */

#include "config.h"

#include "task/map-test.h"

#include "task/ferry-map-private.h"

/* ---- bounds ---- */

/* Takes all, and sees that the source is never asked for more than the bound allows. */
static void
pulls_no_more_than_the_bound (gconstpointer order)
{
  const guint bounds[] = {1, 2, 7, 64};

  for (guint i = 0; i < G_N_ELEMENTS (bounds); i++)
    {
      g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
      g_autoptr (FerryMap) map = ferry_map_new (test->executor, "double", (FerryMapOrder) GPOINTER_TO_INT (order));
      MapTestSource source = {.length = 300, .fails_at = -1};

      ferry_map_set_source (map, map_test_source_next, &source, NULL);
      g_object_set (map, "max-in-flight", bounds[i], NULL);
      for (gint64 taken = 0; taken < 300; taken++)
        {
          guint64 index;

          g_assert_cmpint (source.n_given, <=, taken + bounds[i]);
          g_assert_cmpint (map_test_take (map, &index), ==, 2 * (gint64) index);
        }
      map_test_assert_end (map);
    }
}

static gboolean
has_done_all_it_may (gpointer map)
{
  return ferry_test_get_number (map, "n-done") >= 11;
}

/* Nothing is taken: nothing more is asked for, in as many turns of the loop as there are. */
static void
nobody_takes_and_nothing_is_pulled (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "double", FERRY_MAP_ORDERED);
  MapTestSource source = {.length = G_MAXINT64, .fails_at = -1};

  ferry_map_set_source (map, map_test_source_next, &source, map_test_source_destroy);
  g_assert_cmpint (source.n_given, ==, 0);
  g_object_set (map, "max-in-flight", 11, NULL);
  g_assert_cmpint (map_test_take (map, NULL), ==, 0);
  ferry_test_run_until (has_done_all_it_may, map);
  task_test_settle ();
  g_assert_cmpint (source.n_given, <=, 12);
  g_clear_object (&map);
  g_assert_true (source.destroyed);
}

/* The first item is held: those that wait for it count, and so the memory is bounded. */
static GVariant *
held_first (gpointer data, GError **error)
{
  g_autoptr (GVariant) number = g_variant_ref_sink (map_test_source_next (data, error));

  return g_variant_get_int64 (number) == 0 ? g_variant_new_int64 (-1) : g_steal_pointer (&number);
}

static gboolean
all_but_one_are_done (gpointer map)
{
  return ferry_test_get_number (map, "n-done") == 31;
}

static void
waiting_results_count_against_the_bound (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "hold", FERRY_MAP_ORDERED);
  MapTestSource source = {.length = G_MAXINT64, .fails_at = -1};

  ferry_map_set_source (map, held_first, &source, NULL);
  g_object_set (map, "max-in-flight", 32, "chunk-size", 1, NULL);
  ferry_map_start (map);
  ferry_test_run_until (all_but_one_are_done, map);
  task_test_settle ();
  g_assert_cmpint (source.n_given, ==, 32);
  ferry_map_cancel (map);
  map_test_wait_finished (map);
}

/* An executor that takes one task at a time. */
static void
waits_for_room_in_its_executor (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryMap) map = NULL;
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (test->executor, "max-pending", 1, NULL);
  map = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (1000));
  g_object_set (map, "chunk-size", 3, NULL);
  results = map_test_collect (map, MAP_TEST_TIMEOUT, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (results->len, ==, 1000);
}

/* ---- the limit ---- */

/* Gives numbers of items that are held until the gate opens. */
static GVariant *
give_held (gpointer n_given, GError **error)
{
  ++*(guint *) n_given;
  return g_variant_new_int64 (-1);
}

static void
says_how_many_may_be_in_flight (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "hold", FERRY_MAP_ORDERED);
  guint n = 0;

  g_assert_cmpuint (ferry_test_get_number (map, "in-flight-limit"), ==, 256);
  g_assert_cmpuint (ferry_test_get_number (map, "n-in-flight"), ==, 0);
  g_object_set (map, "chunk-size", 1, NULL);
  ferry_map_set_source (map, give_held, &n, NULL);
  ferry_map_start (map);
  g_assert_cmpuint (n, ==, 256);
  g_assert_cmpuint (ferry_test_get_number (map, "n-in-flight"), ==, 256);
  g_object_set (map, "max-in-flight", 300, NULL);
  g_assert_cmpuint (ferry_test_get_number (map, "in-flight-limit"), ==, 300);
  ferry_map_cancel (map);
}

static void
more_room_has_more_pulled (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "hold", FERRY_MAP_ORDERED);

  ferry_map_set_arguments (map, g_variant_new_parsed ("[int64 -1, -1, -1]"));
  g_object_set (map, "max-in-flight", 1, "chunk-size", 1, NULL);
  ferry_map_start (map);
  g_assert_cmpuint (ferry_test_get_number (map, "n-in-flight"), ==, 1);
  g_object_set (map, "max-in-flight", 3, NULL);
  g_assert_cmpuint (ferry_test_get_number (map, "n-in-flight"), ==, 3);
  map_test_open_gate ();
  map_test_wait_finished (map);
  map_test_close_gate ();
  g_assert_cmpuint (ferry_test_get_number (map, "n-done"), ==, 3);
}

/* ---- limits in time ---- */

static GVariant *
every_third_holds (gpointer data, GError **error)
{
  g_autoptr (GVariant) number = map_test_source_next (data, error);

  if (number == NULL || g_variant_get_int64 (number) % 3 != 0)
    return g_steal_pointer (&number);
  return g_variant_new_int64 (-g_variant_get_int64 (number) - 1);
}

static void
an_item_that_takes_too_long_fails_alone (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "hold", FERRY_MAP_ORDERED);
  MapTestSource source = {.length = 9, .fails_at = -1};

  ferry_map_set_source (map, every_third_holds, &source, NULL);
  g_object_set (map, "chunk-size", 4, "run-timeout", (gint64) G_USEC_PER_SEC, NULL);
  for (gint64 i = 0; i < 9; i++)
    if (i % 3 == 0)
      {
        g_autoptr (GError) failure = map_test_take_failure (map, NULL);
        g_autofree char *words =
          g_strdup_printf ("Item %d ran for longer than its limit of 1000 ms; raise FerryMap:run-timeout", (int) i);

        g_assert_error (failure, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
        ferry_test_assert_says (failure->message, words);
      }
    else
      g_assert_cmpint (map_test_take (map, NULL), ==, 2 * i);
  map_test_assert_end (map);
  g_assert_null (ferry_test_get_error (map, "error"));
}

/* These never look: each worker is ended, and another one takes its place. */
static void
items_that_hang_end_with_their_workers (gconstpointer function)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, function, FERRY_MAP_UNORDERED);
  g_autoptr (GPtrArray) items = g_ptr_array_new ();
  g_autoptr (FerryMap) next = NULL;

  g_object_set (map, "run-timeout", (gint64) G_USEC_PER_SEC, NULL);
  g_ptr_array_set_size (items, 3);
  map_test_set_items (map, items);
  for (guint i = 0; i < 3; i++)
    {
      guint64 index;
      g_autoptr (GError) failure = map_test_take_failure (map, &index);
      g_autofree char *words = g_strdup_printf ("Item %" G_GUINT64_FORMAT " ran for longer than", index);

      g_assert_error (failure, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
      ferry_test_assert_says (failure->message, words);
    }
  map_test_assert_end (map);
  next = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (10));
  for (gint64 i = 0; i < 10; i++)
    g_assert_cmpint (map_test_take (next, NULL), ==, 2 * i);
}

static void
a_limit_without_end_is_none (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "hold", FERRY_MAP_ORDERED, g_variant_new_parsed ("[int64 1, -1]"));

  g_object_set (map, "run-timeout", G_MAXINT64, NULL);
  g_assert_cmpint (map_test_take (map, NULL), ==, 2);
  map_test_wait_held (1);
  task_test_settle ();
  map_test_open_gate ();
  g_assert_cmpint (map_test_take (map, NULL), ==, -2);
  map_test_close_gate ();
  map_test_assert_end (map);
}

/* ---- chunks ---- */

typedef struct
{
  guint64 microseconds;
  guint n;
} Spins;

static GVariant *
next_spin (gpointer data, GError **error)
{
  Spins *spins = data;

  return spins->n-- > 0 ? g_variant_new_uint64 (spins->microseconds) : NULL;
}

static void
take_spins (FerryMap *map, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_true (map_test_next (map, NULL, &value, NULL, &error));
      g_assert_no_error (error);
    }
}

static void
chunks_grow_and_shrink (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "spin", FERRY_MAP_UNORDERED);
  Spins spins = {1, G_MAXUINT};

  ferry_map_set_source (map, next_spin, &spins, NULL);
  g_assert_cmpuint (ferry_map_get_next_chunk_size (map), ==, 1);
  /* Where a worker loses its processor, its items seem to take long, and the size falls again for a moment. */
  while (ferry_map_get_next_chunk_size (map) <= 8)
    take_spins (map, 1);
  /* From now on an item takes longer than a chunk is to take. */
  spins.microseconds = 10000;
  while (ferry_map_get_next_chunk_size (map) > 1)
    take_spins (map, 1);
  ferry_map_cancel (map);
  map_test_wait_finished (map);
}

static guint
count_tasks (FerryExecutor *executor)
{
  return g_list_model_get_n_items (G_LIST_MODEL (executor));
}

/* The rest is dealt out to all workers, and not to one. */
static void
chunks_shrink_where_the_rest_is_small (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (10000));
  guint smallest = G_MAXUINT;

  for (gint64 i = 0; i < 10000; i++)
    {
      guint size = ferry_map_get_next_chunk_size (map);

      g_assert_cmpuint (size, <=, MAX ((10000 - ferry_test_get_number (map, "n-submitted")) / 4, 1));
      smallest = i > 5000 ? MIN (smallest, size) : smallest;
      g_assert_cmpint (map_test_take (map, NULL), ==, 2 * i);
    }
  g_assert_cmpuint (smallest, ==, 1);
}

static void
chunks_have_the_size_that_was_set (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryMap) map = map_test_new (test, "double", FERRY_MAP_ORDERED, map_test_numbers (95));
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (test->executor, "keep-finished", 1000, NULL);
  g_object_set (map, "chunk-size", 10, NULL);
  results = map_test_collect (map, MAP_TEST_TIMEOUT, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_tasks (test->executor), ==, 10);
}

/* ---- cancelling ---- */

static GVariant *
next_holding (gpointer data, GError **error)
{
  return g_variant_new_int64 (-1);
}

static void
what_runs_is_cancelled (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 2);
  const char *function = in_threads ? "hold" : "sleep-until-cancelled";
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, function, FERRY_MAP_ORDERED);
  g_autoptr (GError) error = NULL;

  ferry_map_set_source (map, next_holding, NULL, NULL);
  ferry_map_start (map);
  task_test_wait_workers (test->pool, 2);
  if (in_threads)
    map_test_wait_held (2);
  ferry_map_cancel (map);
  ferry_map_cancel (map);
  map_test_wait_finished (map);
  g_assert_cmpuint (ferry_test_get_number (map, "n-done"), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-executing"), ==, 0);
}

/* Before it was started, and after so many results of a chunk. */
static void
is_cancelled_at_any_time (void)
{
  for (guint n_before = 0; n_before < 60; n_before += 1 + n_before / 3)
    {
      g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
      g_autoptr (FerryMap) map = map_test_new (test, "double", FERRY_MAP_UNORDERED, map_test_numbers (10000));
      g_autoptr (GError) error = NULL;

      for (guint i = 0; i < n_before; i++)
        map_test_take (map, NULL);
      ferry_map_cancel (map);
      map_test_wait_finished (map);
      g_assert_false (map_test_next (map, NULL, NULL, NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
}

/* The source itself: what it was made of must stay until it has returned. */
typedef struct
{
  FerryMap *map; /* (nullable) */
  gboolean drops;
  guint n_asked;
  gboolean running;
  gboolean destroyed;
} Saboteur;

static GVariant *
cancel_the_map (gpointer data, GError **error)
{
  Saboteur *self = data;

  self->running = TRUE;
  if (++self->n_asked == 5 && self->drops)
    g_clear_object (&self->map);
  else if (self->n_asked == 5)
    ferry_map_cancel (self->map);
  g_assert_false (self->destroyed);
  g_assert_cmpuint (self->n_asked, <=, 5);
  self->running = FALSE;
  return g_variant_new_int64 (0);
}

static void
destroy_saboteur (gpointer data)
{
  Saboteur *self = data;

  g_assert_false (self->running);
  g_assert_false (self->destroyed);
  self->destroyed = TRUE;
}

static gboolean
is_destroyed (gpointer data)
{
  return ((Saboteur *) data)->destroyed;
}

static void
its_source_ends_it (gconstpointer drops)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  Saboteur saboteur = {.drops = GPOINTER_TO_INT (drops)};

  saboteur.map = ferry_map_new (test->executor, "double", FERRY_MAP_ORDERED);
  g_object_set (saboteur.map, "chunk-size", 2, NULL);
  ferry_map_set_source (saboteur.map, cancel_the_map, &saboteur, destroy_saboteur);
  ferry_map_start (saboteur.map);
  ferry_test_run_until (is_destroyed, &saboteur);
  g_assert_cmpuint (saboteur.n_asked, ==, 5);
  if (saboteur.map != NULL)
    map_test_wait_finished (saboteur.map);
  g_clear_object (&saboteur.map);
}

typedef struct
{
  FerryMap *map; /* (unowned) */
  gint64 n_asked;
} Tuner;

/* In the middle of a chunk. */
static GVariant *
make_chunks_single (gpointer data, GError **error)
{
  Tuner *self = data;

  if (self->n_asked == 20)
    return NULL;
  if (self->n_asked == 2)
    g_object_set (self->map, "chunk-size", 1, NULL);
  return g_variant_new_int64 (self->n_asked++);
}

static void
its_source_changes_the_size_of_chunks (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "double", FERRY_MAP_ORDERED);
  Tuner tuner = {.map = map};

  g_object_set (map, "chunk-size", 8, NULL);
  ferry_map_set_source (map, make_chunks_single, &tuner, NULL);
  for (gint64 i = 0; i < 20; i++)
    g_assert_cmpint (map_test_take (map, NULL), ==, 2 * i);
  map_test_assert_end (map);
}

/* Its chunk puts two levels around it. The function wants a number, so what reaches it fails otherwise. */
static void
an_item_has_62_levels_at_most (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryMap) map = NULL;
  GVariantBuilder items;

  g_variant_builder_init (&items, G_VARIANT_TYPE ("av"));
  for (guint levels = 61; levels <= 64; levels++)
    {
      GVariant *item = g_variant_new_int64 (1);

      for (guint i = 0; i < levels; i++)
        item = g_variant_new_variant (item);
      g_variant_builder_add_value (&items, item);
    }
  map = map_test_new (test, "double", FERRY_MAP_ORDERED, g_variant_builder_end (&items));
  for (guint levels = 61; levels <= 64; levels++)
    {
      g_autoptr (GError) failure = map_test_take_failure (map, NULL);

      g_assert_cmpint (g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_TOO_LARGE), ==, levels > 62);
    }
  map_test_assert_end (map);
}

static void
a_pause_takes_nothing_from_the_source (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "hold", FERRY_MAP_UNORDERED);
  MapTestSource source = {.length = 2000, .fails_at = -1};
  gint64 n_given;

  g_object_set (map, "chunk-size", 1, NULL);
  ferry_map_set_source (map, map_test_source_next, &source, NULL);
  ferry_map_set_paused (map, TRUE);
  g_assert_true (ferry_test_get_number (map, "paused"));
  ferry_map_start (map);
  task_test_settle ();
  g_assert_cmpint (source.n_given, ==, 0);
  ferry_map_set_paused (map, FALSE);
  ferry_map_set_paused (map, TRUE);
  n_given = source.n_given;
  g_assert_cmpint (n_given, <, 2000);
  task_test_settle ();
  g_assert_cmpint (source.n_given, ==, n_given);
  g_assert_false (ferry_test_get_number (map, "is-finished"));
  ferry_map_set_paused (map, FALSE);
  map_test_wait_finished (map);
  g_assert_cmpint (source.n_given, ==, 2000);
  g_assert_cmpint (ferry_test_get_number (map, "n-done"), ==, 2000);
}

static void
a_paused_map_is_cancelled (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryMap) map = map_test_new (test, "double", FERRY_MAP_UNORDERED, map_test_numbers (1000));

  ferry_map_start (map);
  ferry_map_set_paused (map, TRUE);
  ferry_map_cancel (map);
  map_test_wait_finished (map);
}

int
main (int argc, char **argv)
{
  gconstpointer ordered = GINT_TO_POINTER (FERRY_MAP_ORDERED);
  gconstpointer unordered = GINT_TO_POINTER (FERRY_MAP_UNORDERED);
  gconstpointer no = GINT_TO_POINTER (FALSE);
  gconstpointer yes = GINT_TO_POINTER (TRUE);

  map_test_init (&argc, &argv);
  g_test_add_data_func ("/map/pulls-no-more-than-the-bound/ordered", ordered, pulls_no_more_than_the_bound);
  g_test_add_data_func ("/map/pulls-no-more-than-the-bound/unordered", unordered, pulls_no_more_than_the_bound);
  g_test_add_func ("/map/nobody-takes-and-nothing-is-pulled", nobody_takes_and_nothing_is_pulled);
  g_test_add_func ("/map/an-item-that-takes-too-long-fails-alone", an_item_that_takes_too_long_fails_alone);
  g_test_add_data_func ("/map/items-that-hang-end-with-their-workers/asleep", "pause-for-ever",
                        items_that_hang_end_with_their_workers);
  g_test_add_data_func ("/map/items-that-hang-end-with-their-workers/stubborn", "stubborn",
                        items_that_hang_end_with_their_workers);
  g_test_add_func ("/map/a-limit-without-end-is-none", a_limit_without_end_is_none);
  g_test_add_func ("/map/waiting-results-count-against-the-bound", waiting_results_count_against_the_bound);
  g_test_add_func ("/map/waits-for-room-in-its-executor", waits_for_room_in_its_executor);
  g_test_add_func ("/map/says-how-many-may-be-in-flight", says_how_many_may_be_in_flight);
  g_test_add_func ("/map/more-room-has-more-pulled", more_room_has_more_pulled);
  g_test_add_func ("/map/chunks-grow-and-shrink", chunks_grow_and_shrink);
  g_test_add_func ("/map/chunks-shrink-where-the-rest-is-small", chunks_shrink_where_the_rest_is_small);
  g_test_add_func ("/map/chunks-have-the-size-that-was-set", chunks_have_the_size_that_was_set);
  g_test_add_data_func ("/map/what-runs-is-cancelled/processes", no, what_runs_is_cancelled);
  g_test_add_data_func ("/map/what-runs-is-cancelled/threads", yes, what_runs_is_cancelled);
  g_test_add_func ("/map/is-cancelled-at-any-time", is_cancelled_at_any_time);
  g_test_add_data_func ("/map/its-source-cancels-it", no, its_source_ends_it);
  g_test_add_data_func ("/map/its-source-drops-it", yes, its_source_ends_it);
  g_test_add_func ("/map/its-source-changes-the-size-of-chunks", its_source_changes_the_size_of_chunks);
  g_test_add_func ("/map/an-item-has-62-levels-at-most", an_item_has_62_levels_at_most);
  g_test_add_func ("/map-bounds/a-pause-takes-nothing-from-the-source", a_pause_takes_nothing_from_the_source);
  g_test_add_func ("/map-bounds/a-paused-map-is-cancelled", a_paused_map_is_cancelled);
  return g_test_run ();
}
