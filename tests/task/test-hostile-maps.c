/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-map.c
 *
 * What a hostile worker can say to a map. Each row is about a map of 20 items in chunks of 4, the first of which goes
 * to a worker that answers it as it should not, and is gone then. All others are honest: they answer each item with
 * itself. Each item comes to its end once, those of the other chunks as they should, and an honest worker beside them
 * is not held up. */

#include "config.h"

#include "task/hostile-task-test.h"
#include "task/map-test.h"

#include <glib/gstdio.h>
#include <string.h>

#define N_ITEMS 20
#define CHUNK_SIZE 4

/* The answer of an item that is 0, and that of the chunk. */
#define ITEM "m:kind=5,name=\\001,type=x,body=8"
#define DONE "m:type=x,body=8"

typedef struct
{
  const char *name;
  const char *orders; /* once it has taken the chunk */
  guint n_failed;     /* items */
  const char *words;  /* of the error that they failed with */
  guint chunk_size;   /* 0 is CHUNK_SIZE; with 1 an item is a call of the function itself */
  gboolean is_fault;  /* it broke the protocol */
  gboolean is_ahead;  /* it has the next chunk already */
} Row;

static const Row rows[] = {
  {"takes-no-second-answer-of-a-chunk", "claim 4*" ITEM " 1000*" DONE " kill"},
  {"takes-no-more-results-than-items", "claim 1000*" ITEM " " DONE " kill"},
  {"takes-no-results-after-the-end", "claim 4*" ITEM " " DONE " 1000*" ITEM " kill"},
  {"takes-no-results-after-an-early-end", "claim 2*" ITEM " " DONE " 1000*" ITEM " kill"},
  {"runs-items-again-that-were-left-out", "claim " ITEM " " DONE " kill"},
  {"fails-items-of-a-chunk-without-answers", "claim " DONE " kill", 4, "sent no answers"},
  {"drops-results-of-no-chunk", "claim 1000*m:xid=+1000,kind=5,name=\\001,type=x,body=8 " DONE " kill", 4,
   "sent no answers"},
  /* All up to the chunk that it sent results of counts as begun. */
  {"loses-one-item-of-each-chunk-to-results-of-one-sent-ahead", "take 4*" ITEM " pause", 2, "was not claimed",
   .is_fault = TRUE, .is_ahead = TRUE},
  {"drops-an-answer-of-no-chunk", "claim 4*" ITEM " 1000*m:xid=+1000,type=x,body=8 kill"},
  {"drops-values-of-other-names", "claim 1000*m:kind=5,name=x,type=x,body=8 4*" ITEM " " DONE " kill"},
  {"fails-an-item-whose-value-is-of-another-type",
   "claim " ITEM " m:kind=5,name=\\001,type=s,text=x 2*" ITEM " " DONE " kill", 1, "returned 's'"},
  {"fails-an-item-without-its-value", "claim m:kind=5,name=\\002,type=() 3*" ITEM " " DONE " kill", 1, "returned"},
  {"fails-an-item-whose-answer-is-of-no-kind", "claim m:kind=5,name=\\037,type=x,body=8 3*" ITEM " " DONE " kill", 1,
   "has an unknown type"},
  {"fails-an-item-whose-error-is-none", "claim m:kind=5,name=\\003,type=s,text=x 3*" ITEM " " DONE " kill", 1,
   "value of the wrong type s"},
  {"fails-a-chunk-with-an-error", "claim 2*" ITEM " error:domain=g-io-error-quark,code=1,message=3 kill", 2, "mmm"},
  {"takes-no-notice-of-how-long-it-took", "claim 4*" ITEM " m:type=x,text=\\377\\377\\377\\377\\377\\377\\377 kill"},
  {"takes-a-chunk-that-ends-with-another-type", "claim 4*" ITEM " m:type=s,text=x kill"},
  {"loses-one-item-to-garbage", "claim raw:5000 pause", 1, "an unknown kind", .is_fault = TRUE},
  {"loses-one-item-to-garbage-after-results", "claim 2*" ITEM " raw:5000 pause", 1, "an unknown kind",
   .is_fault = TRUE},
  {"loses-one-item-to-a-message-of-nothing", "claim raw:0 pause", 1, "less than a header", .is_fault = TRUE},
  {"loses-one-item-to-a-yield", "claim 2*" ITEM " m:kind=5,type=x,body=8 pause", 1, "an item beyond its window",
   .is_fault = TRUE},
  {"loses-one-item-to-a-giant", "claim m:kind=8,number=1000000000000,body=8 pause", 1,
   "is larger than this end accepts", .is_fault = TRUE},
  {"loses-one-item-to-an-answer-without-a-claim", DONE " pause", 1, "was not claimed", .is_fault = TRUE,
   .is_ahead = TRUE},
  {"loses-one-item-to-results-without-a-claim", "2*" ITEM " pause", 1, "was not claimed", .is_fault = TRUE},
  {"loses-one-item-to-a-hang-up", "claim 2*" ITEM " hang-up pause", 1, "closed its control socket"},
  {"loses-one-item-to-a-kill", "claim 2*" ITEM " kill", 1, "signal 9"},
  {"loses-one-item-to-an-exit", "claim exit:7", 1, "status 7"},
  {"loses-nothing-to-a-kill-behind-the-last-item", "claim 4*" ITEM " kill"},
  {"loses-nothing-to-a-kill-in-a-flood", "claim 50000*" ITEM " kill"},
  /* Another worker answers these chunks as a whole, and each item has the answer that is its own. */
  {"gives-results-to-their-items-after-some-of-a-chunk-that-was-refused",
   "claim 2*" ITEM " error:kind=4,domain=g-io-error-quark,code=1,message=3 kill"},
  {"takes-no-result-beside-that-of-a-call", "claim 1000*" ITEM " " DONE " kill", .chunk_size = 1},
  {"takes-no-result-before-garbage-of-a-call", "claim " ITEM " raw:5000 pause", 1, "an unknown kind", 1, TRUE},
  {"loses-a-call-to-a-kill", "claim " ITEM " kill", 1, "signal 9", 1},
};

typedef struct
{
  HostileTest *hostile; /* (owned) */
  FerryMap *map;        /* (owned) */
  char *path;           /* (owned): a file that is there once there was a hostile worker */
} Scene;

static Scene *
scene_new (const char *orders, const char *function, guint chunk_size, FerryMapOrder order)
{
  Scene *self = g_new0 (Scene, 1);
  g_autofree char *all = NULL;

  g_mkdir_with_parents (g_get_user_data_dir (), 0700);
  self->path = g_build_filename (g_get_user_data_dir (), "hostile", NULL);
  all = g_strdup_printf ("first:%s %s", self->path, orders);
  self->hostile = hostile_test_new (all);
  self->map = ferry_map_new (self->hostile->executor, function, order);
  ferry_map_set_arguments (self->map, map_test_numbers (N_ITEMS));
  g_object_set (self->map, "chunk-size", chunk_size, NULL);
  return self;
}

/* The worker does a task, and the pool thinks that all are so short, so that it sends many ahead. */
static void
scene_send_ahead (Scene *self)
{
  g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
  g_autoptr (TaskTestWitness) witness = hostile_test_submit (self->hostile, task);

  task_test_wait_done (task);
  task_test_expect_short_tasks (self->hostile->pool);
}

static void
scene_free (Scene *self)
{
  g_assert_finalize_object (self->map);
  g_assert_cmpint (g_unlink (self->path), ==, 0);
  hostile_test_free (self->hostile);
  g_free (self->path);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

/* What the items of one map came to. */
typedef struct
{
  guint n_failed;
  guint n_come[N_ITEMS];
} Outcome;

static void
note_failure (Outcome *outcome, guint64 index, const GError *failure, const Row *row)
{
  outcome->n_failed++;
  g_assert_cmpuint (index, <, row->is_ahead ? 2 * CHUNK_SIZE : CHUNK_SIZE);
  if (row->words == NULL || strstr (failure->message, row->words) == NULL)
    g_error ("Item %u failed: %s", (guint) index, failure->message);
}

static void
take_next (FerryMap *map, Outcome *outcome, const Row *row)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;
  guint64 index;

  g_assert_true (map_test_next (map, &index, &value, &failure, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (index, <, N_ITEMS);
  outcome->n_come[index]++;
  if (failure != NULL)
    note_failure (outcome, index, failure, row);
  /* The hostile worker says 0 of all. */
  else if (g_variant_get_int64 (value) != 0 || index >= CHUNK_SIZE)
    g_assert_cmpint (g_variant_get_int64 (value), ==, index);
}

static void
test_row (const Row *row, FerryMapOrder order)
{
  g_autofree char *orders = g_strconcat (row->is_ahead ? "one take " : "take ", row->orders, NULL);
  g_autoptr (Scene) scene = scene_new (orders, "double", row->chunk_size > 0 ? row->chunk_size : CHUNK_SIZE, order);
  Outcome outcome = {0};

  if (row->is_ahead)
    scene_send_ahead (scene);
  for (guint i = 0; i < N_ITEMS; i++)
    {
      take_next (scene->map, &outcome, row);
      if (order == FERRY_MAP_ORDERED)
        g_assert_cmpuint (outcome.n_come[i], ==, 1);
    }
  map_test_assert_end (scene->map);
  g_assert_cmpuint (outcome.n_failed, ==, row->n_failed);
  g_assert_cmpuint (ferry_test_get_number (scene->map, "n-failed"), ==, row->n_failed);
  for (guint i = 0; i < N_ITEMS; i++)
    g_assert_cmpuint (outcome.n_come[i], ==, 1);
  hostile_test_assert_n_faults (scene->hostile, row->is_fault ? 1 : 0);
}

static void
test_ordered (gconstpointer row)
{
  test_row (row, FERRY_MAP_ORDERED);
}

static void
test_unordered (gconstpointer row)
{
  test_row (row, FERRY_MAP_UNORDERED);
}

/* ---- values ---- */

/* A chunk that its worker says is too large is run item by item, elsewhere. */
static void
test_runs_a_chunk_item_by_item_that_is_said_to_be_too_large (void)
{
  g_autofree char *orders =
    g_strdup_printf ("claim " ITEM " error:domain=ferry-error-quark,code=%d,message=3 kill", FERRY_ERROR_TOO_LARGE);
  const Row row = {"", orders};

  test_row (&row, FERRY_MAP_ORDERED);
}

static void
test_takes_a_huge_result (void)
{
  g_autoptr (Scene) scene = scene_new ("take claim m:kind=5,name=\\001,type=ay,body=20000000 3*" ITEM " " DONE " kill",
                                       "anything", CHUNK_SIZE, FERRY_MAP_ORDERED);
  g_autoptr (GVariant) value = NULL;

  g_assert_true (map_test_next (scene->map, NULL, &value, NULL, NULL));
  g_assert_cmpuint (g_variant_get_size (value), ==, 20000000);
  hostile_test_assert_memory (scene->hostile, 150 * 1000 * 1000);
  for (guint i = 1; i < N_ITEMS; i++)
    map_test_take (scene->map, NULL);
  map_test_assert_end (scene->map);
}

/* What comes is bounded by what was asked, so that nothing piles up of what is not taken. */
static void
test_keeps_nothing_of_a_flood (void)
{
  g_autoptr (Scene) scene = scene_new ("take claim 1000*m:kind=5,name=\\001,type=ay,body=100000 pause", "anything",
                                       CHUNK_SIZE, FERRY_MAP_ORDERED);

  for (guint i = 0; i < CHUNK_SIZE; i++)
    {
      g_autoptr (GVariant) value = NULL;

      g_assert_true (map_test_next (scene->map, NULL, &value, NULL, NULL));
      g_assert_cmpuint (g_variant_get_size (value), ==, 100000);
    }
  hostile_test_assert_progress (scene->hostile);
  hostile_test_assert_memory (scene->hostile, 20 * 1000 * 1000);
  ferry_map_cancel (scene->map);
  map_test_wait_finished (scene->map);
}

/* ---- ends ---- */

/* The worker says no more, and does not listen. */
static void
test_is_cancelled_over_a_worker_that_stands_still (gconstpointer orders)
{
  g_autoptr (Scene) scene = scene_new (orders, "double", CHUNK_SIZE, FERRY_MAP_ORDERED);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (map_test_take (scene->map, NULL), ==, 0);
  ferry_map_cancel (scene->map);
  map_test_wait_finished (scene->map);
  g_assert_false (map_test_next (scene->map, NULL, NULL, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* There is no other worker: each costs the item that it was at, and the map comes to its end all the same. */
static void
test_comes_to_its_end_when_each_worker_dies (gconstpointer orders)
{
  g_autoptr (HostileTest) hostile = hostile_test_new (orders);
  g_autoptr (FerryMap) map = ferry_map_new (hostile->executor, "double", FERRY_MAP_ORDERED);
  guint n_failed = 0;

  ferry_map_set_arguments (map, map_test_numbers (6));
  g_object_set (map, "chunk-size", 3, NULL);
  for (guint i = 0; i < 6; i++)
    {
      g_autoptr (GError) failure = NULL;
      g_autoptr (GVariant) value = NULL;
      guint64 index;

      g_assert_true (map_test_next (map, &index, &value, &failure, NULL));
      g_assert_cmpuint (index, ==, i);
      n_failed += failure != NULL;
      if (failure != NULL)
        g_assert_error (failure, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
    }
  /* The second of each three: the third is one of its own then, and the last that its worker says. */
  g_assert_cmpuint (n_failed, ==, 2);
  map_test_assert_end (map);
}

static void
add_row (const Row *row, const char *order, GTestDataFunc func)
{
  g_autofree char *path = g_strdup_printf ("/hostile-maps/%s/%s", order, row->name);

  g_test_add_data_func (path, row, func);
}

int
main (int argc, char **argv)
{
  map_test_init (&argc, &argv);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      add_row (&rows[i], "ordered", test_ordered);
      add_row (&rows[i], "unordered", test_unordered);
    }
  g_test_add_func ("/hostile-maps/runs-a-chunk-item-by-item-that-is-said-to-be-too-large",
                   test_runs_a_chunk_item_by_item_that_is_said_to_be_too_large);
  g_test_add_func ("/hostile-maps/takes-a-huge-result", test_takes_a_huge_result);
  g_test_add_func ("/hostile-maps/keeps-nothing-of-a-flood", test_keeps_nothing_of_a_flood);
  g_test_add_data_func ("/hostile-maps/is-cancelled-over-a-worker-that-stands-still", "take claim " ITEM " pause",
                        test_is_cancelled_over_a_worker_that_stands_still);
  g_test_add_data_func ("/hostile-maps/is-cancelled-over-a-worker-that-spins", "take claim " ITEM " spin",
                        test_is_cancelled_over_a_worker_that_stands_still);
  g_test_add_data_func ("/hostile-maps/comes-to-its-end-when-each-worker-is-killed", "take claim " ITEM " kill",
                        test_comes_to_its_end_when_each_worker_dies);
  g_test_add_data_func ("/hostile-maps/comes-to-its-end-when-each-worker-sends-garbage", "take claim " ITEM " raw:100",
                        test_comes_to_its_end_when_each_worker_dies);
  return g_test_run ();
}
