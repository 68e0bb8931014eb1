/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A map applies a function to many items: which items run when, and what becomes of their results.
 *
 * An item moves from the input to a chunk, to a worker, to a place among the results, and to the application. It gets
 * its index when it is submitted. An item is in flight until its result is taken. So one limit covers arguments that
 * wait, items that run, results that wait for an earlier result, and results that are not taken.
 *
 * Results are taken in one way, by pop_result(), which makes room for further items: by a call of
 * ferry_map_next_async(), or by the taker, which ferry_map_start() and ferry_map_collect() set. A list that was asked
 * for has them all as well.
 *
 * The input is in ferry-map-input.c, how large a chunk is in ferry-map-chunk-size.c, a chunk as its worker answers it
 * in ferry-map-chunk.c, and the worker's side in ferry-map-function.c. It is one file since all else reads and changes
 * the number of items in flight.
 *
 * Owner:   reference counted. The map holds no reference to itself, so dropping the last reference cancels its chunks.
 * Threads: the router's thread. A map may be made and cancelled on any thread, and its const properties are read on
 *          any. */

#include "config.h"

#include "task/ferry-map-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-timers-private.h"
#include "base/ferry-wait-queue-private.h"
#include "ferry-enums.h"
#include "ferry-marshallers.h"
#include "job/ferry-function-private.h"
#include "job/ferry-map-function-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor-private.h"
#include "task/ferry-iterate-private.h"
#include "task/ferry-map-chunk-private.h"
#include "task/ferry-map-chunk-size-private.h"
#include "task/ferry-map-input-private.h"
#include "task/ferry-task-private.h"
#include "wire/ferry-remote-error-private.h"

#define MAX_CHUNK_SIZE 65536

#define FEWEST_PLACES 16

/* A chunk gets no further item when its arguments have this many bytes: a lane has room for several of them. */
#define FULL_CHUNK_BYTES 16384

#define HAS_INPUT "the map has an input already, or was started; set the input of a new map"

#define STARTED "the map was started; collect the results of a new map"

typedef struct
{
  guint64 index;
  GVariant *value; /* (owned) (nullable) */
  GError *error;   /* (owned) (nullable) */
  gboolean is_there;
} Result;

/* Takes a result as soon as it has come. It may steal the value and the error. */
typedef void (*Taker) (FerryMap *self, Result *result);

/* Items of a chunk that were submitted, and must be submitted again. */
typedef struct
{
  guint64 first;   /* the index of the first item of the chunk */
  GVariant *items; /* (owned): all items of the chunk */
  gsize begin;     /* of the range, as a position in `items` */
  gsize end;
  gboolean singly; /* each item becomes a chunk of its own */
} Range;

struct _FerryMap
{
  GObject parent_instance;

  guint fork_number;               /* const: see ferry-forks.c */
  FerryExecutor *executor;         /* const: (owned) */
  FerryRouter *router;             /* const: (unowned): the executor's */
  char *function;                  /* const */
  FerryMapOrder order;             /* const */
  const FerryFunctionEntry *entry; /* (nullable): the function, if this program has registered it */
  FerryMapChunkSize size;
  int priority;
  gboolean idempotent;

  /* The input, and the chunks that are made from it. */
  FerryMapInput input;
  GQueue chunks;          /* (element-type FerryMapChunk) (owned), linked by `link`: submitted and not done */
  GListStore *tasks;      /* (owned) (nullable): those of them that the executor has taken, for FerryMap:tasks */
  GQueue requeued;        /* (element-type Range) (owned): submitted before further items of the input */
  GPtrArray *batch;       /* (owned) (element-type GVariant): the next chunk's items; NULL: an item without arguments */
  guint64 n_submitted;    /* how many items were put into chunks */
  gboolean started;       /* items may be pulled and submitted */
  gboolean scheduling;    /* schedule() runs; the input must not be freed, since a function of it may run */
  gboolean filling_up;    /* chunks of a fixed size are submitted until no more can be made */
  FerryMapChunk *waiting; /* (unowned) (nullable): the chunk that waits for room in the executor */

  /* Results. */
  Taker taker;               /* (nullable): takes results as they come; NULL: calls of ferry_map_next_async() do */
  Result *places;            /* (owned): a ring; see get_place() */
  gsize n_places;            /* 0 or a power of two */
  guint64 n_come;            /* how many items have ended */
  guint64 n_taken;           /* how many results were taken out of `places` */
  FerryFailures failures;    /* the items that have failed */
  gboolean delivering;       /* deliver() runs */
  FerryWaitQueue waits;      /* calls of ferry_map_next_async() that wait for a result, or for the end of the map */
  GTask *collector;          /* (owned) (nullable): the task of ferry_map_collect_async() */
  GListStore *results;       /* (owned) (nullable) (element-type FerryMapItem): for FerryMap:results */
  GSource *collector_source; /* (owned) (nullable): watches the cancellable of ferry_map_collect_async() */
  gboolean cancelled;
  gboolean paused;
  gboolean finished;
  FerryTimer notify_timer; /* set when the figures have changed and are not notified yet */
  gint64 notified;         /* monotonic time of the latest notification */
  guint n_holds;           /* see Hold */
  gboolean dropped;        /* the application has dropped its last reference; the last release() drops the map's own */
  GError *error;           /* (owned) (nullable): why the input was not read to its end */
};

typedef enum
{
  PROP_EXECUTOR = 1,
  PROP_FUNCTION,
  PROP_ORDER,
  PROP_CHUNK_SIZE,
  PROP_MAX_IN_FLIGHT,
  PROP_IN_FLIGHT_LIMIT,
  PROP_N_IN_FLIGHT,
  PROP_PRIORITY,
  PROP_IDEMPOTENT,
  PROP_RUN_TIMEOUT,
  PROP_RESULTS,
  PROP_TASKS,
  PROP_N_SUBMITTED,
  PROP_N_DONE,
  PROP_N_FAILED,
  PROP_FRACTION,
  PROP_INDETERMINATE,
  PROP_PAUSED,
  PROP_IS_FINISHED,
  PROP_OUTCOME,
  PROP_ERROR,
  N_PROPERTIES,
} Property;

enum
{
  SIGNAL_RESULT,
  SIGNAL_FINISHED,
  N_SIGNALS,
};

/**
 * FerryMap:
 *
 * Applies a function to many items, in the workers of an executor.
 *
 * The input of a map is one of these:
 *
 * - a container ([method@Ferry.Map.set_arguments]) or a list model ([method@Ferry.Map.set_model])
 * - a function of the application, from which items are pulled ([method@Ferry.Map.set_source])
 *
 * Any function that the workers have registered can be mapped. Results are taken one by one
 * ([method@Ferry.Map.next_async]). The map itself can take them as they come, and emit a signal for each
 * ([method@Ferry.Map.start]) or put them into a list ([method@Ferry.Map.collect_async]). In each of these ways there is
 * a list of them for those who ask ([method@Ferry.Map.get_results]). The results are in the order of the items, or in
 * the order of their arrival.
 *
 * ```c
 * g_autoptr (FerryMap) map = ferry_map_new (executor, "sha256", FERRY_MAP_ORDERED);
 * g_autoptr (GListModel) digests = NULL;
 *
 * ferry_map_set_arguments (map, g_variant_new_strv (paths, -1));
 * digests = ferry_map_collect (map, -1, &error);
 * ```
 *
 * Items are taken from the input when there is room for them. At most [property@Ferry.Map:max-in-flight] items are in
 * flight: they wait, they run, or their results wait to be taken. So memory is bounded, even with an endless input, a
 * slow first item, or results that are taken late.
 *
 * Workers get items in chunks, so that small items do not cost one message each; see [property@Ferry.Map:chunk-size].
 * An item's result arrives at most a millisecond after the item is done, whatever the size of its chunk. The failure of
 * an item is a result too, and the other items run on. When a worker dies, the item that it ran fails with
 * %FERRY_ERROR_WORKER_LOST. Another worker runs the rest of the chunk, and no item is run twice.
 *
 * The chunks are tasks of the executor, in its order and in its list. When the executor takes no more tasks, or its
 * pool cannot start workers, the map takes no more items from its input. The items in flight fail, and
 * [property@Ferry.Map:error] says why.
 *
 * A map belongs to the router's thread. Dropping its last reference cancels its items, which is logged unless the map
 * was finished or cancelled before, and no signal is emitted after that. Handlers may do anything: cancel the map, or
 * drop its last reference.
 */
G_DEFINE_FINAL_TYPE (FerryMap, ferry_map, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

static void schedule (FerryMap *self);

/* The map is kept alive while handlers run. It is no reference: if the application drops its last one meanwhile, the
 * map emits no more signals and pulls no more items. The function ferry_map_dispose() then gives the map a reference
 * to itself, which the last release() drops. */
typedef FerryMap Hold;

static Hold *
hold (FerryMap *self)
{
  self->n_holds++;
  return self;
}

static void
release (Hold *self)
{
  if (--self->n_holds > 0 || !self->dropped)
    return;
  self->dropped = FALSE;
  g_object_unref (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Hold, release)

static void
notify (FerryMap *self, Property property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

/* The figures (n-in-flight, n-submitted, n-done, n-failed, fraction, indeterminate) change with each item. */
static void
notify_figures (gpointer data)
{
  g_autoptr (Hold) self = hold (data);

  ferry_timers_unset (self->router->timers, &self->notify_timer);
  self->notified = g_get_monotonic_time ();
  notify (self, PROP_N_IN_FLIGHT);
  for (guint i = PROP_N_SUBMITTED; i <= PROP_INDETERMINATE; i++)
    notify (self, i);
}

static void
figures_changed (FerryMap *self)
{
  ferry_timers_set_to_tell (self->router->timers, &self->notify_timer, self->notified, notify_figures, self);
}

/* ---- Places ----
 *
 * Each result has a place in a ring. With ordered results, the number of the place is the item's index; otherwise it is
 * the number of results that arrived earlier. The next result to be taken is in place n_taken. The ring is at least as
 * long as the range of places in use. */

static Result *
get_place (FerryMap *self, guint64 place)
{
  return &self->places[place & (self->n_places - 1)];
}

static gboolean
has_result (FerryMap *self)
{
  return self->n_places > 0 && get_place (self, self->n_taken)->is_there;
}

/* Makes the ring longer, if needed, so that it has the given place. */
static void
need_place (FerryMap *self, guint64 place)
{
  Result *old = self->places;
  gsize n_old = self->n_places;
  gsize n = MAX (n_old, FEWEST_PLACES);

  /* True for any messages of a worker: is_wanted() has checked them. */
  g_assert (place >= self->n_taken && place < self->n_submitted);
  while (place - self->n_taken >= n)
    n *= 2;
  if (n == n_old)
    return;
  self->places = g_new0 (Result, n);
  self->n_places = n;
  for (guint64 i = self->n_taken; i < self->n_taken + n_old; i++)
    *get_place (self, i) = old[i & (n_old - 1)];
  g_free (old);
}

static void
result_clear (Result *result)
{
  g_clear_pointer (&result->value, g_variant_unref);
  g_clear_error (&result->error);
  result->is_there = FALSE;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Result, result_clear)

static void
clear_results (FerryMap *self)
{
  for (gsize i = 0; i < self->n_places; i++)
    result_clear (&self->places[i]);
  g_clear_pointer (&self->places, g_free);
  self->n_places = 0;
}

/* Removes and returns the next result, which the list has too, if there is one. There must be a result. Calls handlers
 * of the list. */
static Result
pop_result (FerryMap *self)
{
  Result *place = get_place (self, self->n_taken);
  Result result = *place;

  *place = (Result){0};
  self->n_taken++;
  figures_changed (self);
  if (self->results != NULL)
    {
      g_autoptr (FerryMapItem) item =
        ferry_map_item_new (result.index, result.value != NULL ? g_variant_ref (result.value) : NULL,
                            result.error != NULL ? ferry_error_copy (result.error) : NULL);

      g_list_store_append (self->results, item);
    }
  return result;
}

/* ---- The end ---- */

/* Checks that the map has no error, and was not cancelled. */
static gboolean
check_sound (FerryMap *self, GError **error)
{
  if (self->error != NULL)
    g_propagate_error (error, ferry_error_copy (self->error));
  else if (self->cancelled)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The map was cancelled; make another map");
  return self->error == NULL && !self->cancelled;
}

static int
compare_indices (gconstpointer a, gconstpointer b, gpointer data)
{
  guint64 one = ferry_map_item_get_index ((FerryMapItem *) a);
  guint64 other = ferry_map_item_get_index ((FerryMapItem *) b);

  return one < other ? -1 : one > other;
}

/* Returns (transfer full) the list of a finished map, or NULL with an error. */
static GListModel *
take_collected (FerryMap *self, GError **error)
{
  if (!check_sound (self, error))
    return NULL;
  if (self->order != FERRY_MAP_ORDERED)
    g_list_store_sort (self->results, compare_indices, NULL);
  return g_object_ref (G_LIST_MODEL (self->results));
}

static void
return_collected (FerryMap *self)
{
  g_autoptr (GTask) call = g_steal_pointer (&self->collector);
  GError *error = NULL;
  GListModel *list;

  if (call == NULL)
    return;
  if (self->collector_source != NULL)
    g_source_destroy (self->collector_source);
  g_clear_pointer (&self->collector_source, g_source_unref);
  list = take_collected (self, &error);
  if (list != NULL)
    g_task_return_pointer (call, list, g_object_unref);
  else
    g_task_return_error (call, error);
}

/* ---- Delivery ---- */

/* Gives the next results that have arrived to the taker, or tells the calls that wait for one. */
static void
deliver (FerryMap *self)
{
  if (self->delivering || !has_result (self))
    return;
  if (self->taker == NULL)
    {
      ferry_wait_queue_finish_all (&self->waits);
      return;
    }
  self->delivering = TRUE;
  while (has_result (self) && !self->dropped)
    {
      g_auto (Result) result = pop_result (self);

      /* A handler of the list may have ended the map. */
      if (!self->cancelled && !self->dropped)
        self->taker (self, &result);
    }
  self->delivering = FALSE;
}

static void
note_failure (FerryMap *self, FerryMapChunk *chunk, guint64 index, const GError *error)
{
  g_autofree char *name = NULL;

  if (self->failures.n < FERRY_MAX_FAILURES)
    name = ferry_map_chunk_dup_item_name (chunk, (guint) (index - chunk->first));
  ferry_failures_add (&self->failures, index, name, error);
}

static gboolean
have_all_failed (FerryMap *self)
{
  return self->n_come > 0 && self->failures.n == self->n_come;
}

/* Counts the chunk's next item as ended. There must be one. Returns its index. */
static guint64
end_item (FerryMapChunk *self)
{
  g_assert (self->n_come < self->n_items);
  return self->first + self->n_come++;
}

/* The chunk's next item has ended: stores its result, and delivers that if possible. Takes ownership of value and
 * error, both (nullable); a cancelled map drops them. Handlers run, so the caller must hold the map. */
static void
take_result (FerryMap *self, FerryMapChunk *chunk, GVariant *value, GError *error)
{
  guint64 index = end_item (chunk);
  guint64 place = self->order == FERRY_MAP_ORDERED ? index : self->n_come;
  g_auto (Result) result = {index, value, error, TRUE};

  if (self->cancelled)
    return;
  if (error != NULL)
    note_failure (self, chunk, index, error);
  self->n_come++;
  figures_changed (self);
  need_place (self, place);
  *get_place (self, place) = result;
  result = (Result){0};
  deliver (self);
}

static gboolean
is_at_end (FerryMap *self)
{
  if (self->chunks.length > 0 || self->scheduling || self->delivering)
    return FALSE;
  return self->cancelled || (self->input.ended && self->requeued.length == 0 && self->n_taken == self->n_submitted);
}

static FerryMapOutcome
get_outcome (FerryMap *self)
{
  if (!self->finished)
    return FERRY_MAP_OUTCOME_NONE;
  if (self->error != NULL)
    return FERRY_MAP_OUTCOME_FAILED;
  if (self->cancelled)
    return FERRY_MAP_OUTCOME_CANCELLED;
  return have_all_failed (self) ? FERRY_MAP_OUTCOME_FAILED : FERRY_MAP_OUTCOME_COMPLETE;
}

/* Says what a program would not notice if its handlers pass over errors. */
static void
report_failures (FerryMap *self)
{
  if (!self->cancelled && have_all_failed (self))
    g_message ("Every item of the map of '%s' failed, %" G_GUINT64_FORMAT " in all; the first one said: %s",
               self->function, self->failures.n,
               ((const GError *) g_ptr_array_index (self->failures.errors, 0))->message);
}

/* Finishes the map if all its items have ended and all results are taken. Handlers run, so the caller must hold the
 * map. */
static void
check_finished (FerryMap *self)
{
  if (self->finished || !is_at_end (self) || self->dropped)
    return;
  self->finished = TRUE;
  report_failures (self);
  notify_figures (self);
  if (self->error != NULL)
    notify (self, PROP_ERROR);
  notify (self, PROP_OUTCOME);
  notify (self, PROP_IS_FINISHED);
  g_signal_emit (self, signals[SIGNAL_FINISHED], 0);
  ferry_wait_queue_finish_all (&self->waits);
  return_collected (self);
}

/* ---- The input ---- */

/* main: ends the input. While schedule() runs, a function of the input may run; schedule() then frees its data. */
static void
end_input (FerryMap *self)
{
  ferry_map_input_end (&self->input);
  if (!self->scheduling)
    ferry_map_input_free_data (&self->input);
}

/* Pulls an item from the input. Functions of the input may call any function of the map, such as ferry_map_cancel().
 * Returns whether there was an item. */
static gboolean
pull (FerryMap *self, GVariant **arguments)
{
  g_autoptr (GError) error = NULL;

  if (ferry_map_input_pull (&self->input, arguments, &error))
    return TRUE;
  if (error != NULL)
    self->error = g_steal_pointer (&error);
  return FALSE;
}

/* ---- Chunks: made from the input, submitted to the executor, and made again when a worker died ----
 *
 * Each event that makes room calls schedule(): a chunk is done, or the application took a result. The room of results
 * that the taker takes is used when their chunk is done.
 */

static guint64
get_bound (FerryMap *self)
{
  return ferry_map_chunk_size_get_bound (&self->size, ferry_executor_get_parallelism (self->executor, NULL),
                                         ferry_map_input_get_rest (&self->input));
}

guint
ferry_map_get_next_chunk_size (FerryMap *self)
{
  return ferry_map_chunk_size_get (&self->size, ferry_executor_get_parallelism (self->executor, NULL),
                                   ferry_map_input_get_rest (&self->input));
}

/* Returns how many items the next chunk gets; 0 when no chunk is made now. When results are taken one by one, room
 * comes item by item. So a smaller chunk than wanted is made only when a quarter of the limit is free, or when the map
 * would stop otherwise. */
static guint
choose_size (FerryMap *self)
{
  guint wanted = ferry_map_get_next_chunk_size (self);
  guint64 bound = get_bound (self);
  guint64 in_flight = self->n_submitted - self->n_taken;
  guint64 room = bound > in_flight ? bound - in_flight : 0;

  if (room >= wanted)
    return wanted;
  if (room > 0 && (room >= bound / 4 || (self->chunks.length == 0 && !has_result (self))))
    return (guint) room;
  return 0;
}

/* Pulls items into the batch, for a chunk of up to size items. Returns whether the batch has an item. */
static gboolean
fill_batch (FerryMap *self, guint size)
{
  gsize n_bytes = 0;

  while (self->batch->len < size && n_bytes < FULL_CHUNK_BYTES && !self->input.ended && !self->dropped)
    {
      GVariant *arguments = NULL;

      if (!pull (self, &arguments))
        break;
      n_bytes += arguments != NULL ? g_variant_get_size (arguments) : 0;
      g_ptr_array_add (self->batch, arguments);
    }
  if (self->cancelled || self->dropped)
    g_ptr_array_set_size (self->batch, 0);
  return self->batch->len > 0;
}

/* ---- Chunks that are done ---- */

void
ferry_map_take_answer (FerryMap *map, FerryMapChunk *chunk, GVariant *value, GError *error)
{
  g_autoptr (Hold) self = hold (map);

  if (error == NULL && self->entry != NULL && !ferry_function_check_result (self->entry, value, &error))
    g_clear_pointer (&value, g_variant_unref);
  take_result (self, chunk, value, error);
}

/* The executor has taken the chunk. */
static void
show_chunk (FerryMap *self, FerryMapChunk *chunk)
{
  /* It may have ended at once. */
  if (self->tasks != NULL && chunk->map != NULL)
    g_list_store_append (self->tasks, chunk);
}

static void
hide_chunk (FerryMap *self, FerryMapChunk *chunk)
{
  guint position;

  if (self->tasks != NULL && g_list_store_find (self->tasks, chunk, &position))
    g_list_store_remove (self->tasks, position);
}

/* Returns (transfer none) a list model of the chunks that the executor has taken. */
static GListStore *
get_tasks (FerryMap *self)
{
  if (self->tasks != NULL)
    return self->tasks;
  self->tasks = g_list_store_new (FERRY_TYPE_TASK);
  for (GList *link = self->chunks.head; link != NULL; link = link->next)
    if (link->data != self->waiting)
      show_chunk (self, link->data);
  return self->tasks;
}

/* Removes a chunk from the map. Returns (transfer full) the reference that the map had. Calls handlers of the list of
 * tasks. */
static FerryMapChunk *
unlink_chunk (FerryMap *self, FerryMapChunk *chunk)
{
  g_queue_unlink (&self->chunks, &chunk->link);
  chunk->map = NULL;
  if (self->waiting == chunk)
    self->waiting = NULL;
  hide_chunk (self, chunk);
  return chunk;
}

/* Makes all items of the chunk that have not ended fail with error. */
static void
fail_items (FerryMap *self, FerryMapChunk *chunk, const GError *error)
{
  while (chunk->n_come < chunk->n_items)
    take_result (self, chunk, NULL, ferry_error_copy (error));
}

/* Ends the input with error, since the executor runs no further chunk. */
static void
give_up (FerryMap *self, const GError *error)
{
  if (self->error == NULL && !self->cancelled)
    self->error = ferry_error_copy (error);
  end_input (self);
}

static void
range_free (Range *range)
{
  g_variant_unref (range->items);
  g_free (range);
}

/* Queues the chunk's items from number @from on, to be submitted again before all others, since the application may be
 * waiting for their results. */
static void
requeue (FerryMap *self, FerryMapChunk *chunk, guint from, gboolean singly)
{
  Range *range;

  if (from >= chunk->n_items || self->cancelled)
    return;
  range = g_new (Range, 1);
  *range = (Range){chunk->first, g_variant_get_child_value (ferry_task_get_run (FERRY_TASK (chunk))->arguments, 2),
                   from, chunk->n_items, singly};
  g_queue_push_head (&self->requeued, range);
}

/* Handles a chunk with a task that has succeeded. result (nullable): for a chunk that is not plain, the microseconds
 * that it took. A chunk without any answered item fails, since it would otherwise be submitted again without end. */
static void
chunk_completed (FerryMap *self, FerryMapChunk *chunk, GVariant *result)
{
  guint n_come = chunk->n_come;

  if (!chunk->is_plain && n_come > 0 && result != NULL && g_variant_is_of_type (result, G_VARIANT_TYPE_INT64) &&
      g_variant_get_int64 (result) >= 0)
    ferry_map_chunk_size_note_time (&self->size, (double) g_variant_get_int64 (result), n_come);
  if (n_come > 0)
    requeue (self, chunk, n_come, FALSE);
  else
    {
      g_autoptr (GError) error =
        g_error_new_literal (FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                             "The worker ended a chunk and sent no answers for its items; build "
                             "application and worker with the same version of Ferry");

      fail_items (self, chunk, error);
    }
}

/* Whether the executor refused the chunk, so that its items are not the cause. */
static gboolean
was_refused (FerryMapChunk *chunk, const GError *error)
{
  return chunk->n_come == 0 && ferry_task_get_run (FERRY_TASK (chunk))->n_attempts == 0 &&
         !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) &&
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
}

/* Returns the error of the chunk's next item, which was lost by error: with its host, or with its worker alone. */
static GError *
make_lost_error (FerryMap *self, FerryMapChunk *chunk, const GError *error)
{
  FerryExit *exit = ferry_task_get_exit (FERRY_TASK (chunk));
  const char *host = ferry_task_get_host_name (FERRY_TASK (chunk));
  const char *host_loss = ferry_task_get_host_loss (FERRY_TASK (chunk));
  const FerryRun *run = ferry_task_get_run (FERRY_TASK (chunk));
  g_autofree char *unfinished = ferry_run_describe_unfinished (run, exit);
  GError *lost;

  if (host != NULL && host_loss != NULL)
    return g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                        "Item %" G_GUINT64_FORMAT
                        " was lost with the host '%s', which ran '%s' for it; map the item again if that does no harm, "
                        "or set FerryMap:idempotent: %s",
                        chunk->first + chunk->n_come, host, self->function, host_loss);
  lost = g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                      "Item %" G_GUINT64_FORMAT
                      " was lost, as the process that ran '%s' for it ended; correct that function, or map the item "
                      "again%s: %s",
                      chunk->first + chunk->n_come, self->function, unfinished,
                      exit != NULL ? ferry_exit_get_message (exit) : error->message);
  ferry_run_note_loss (run, exit, lost);
  return lost;
}

/* Whether the map's limit of time ended the chunk. A function may return an error of the same code by itself. */
static gboolean
was_too_slow (FerryMapChunk *chunk)
{
  const FerryRun *run = ferry_task_get_run (FERRY_TASK (chunk));

  return run->settings->run_timeout > 0 && run->timed_out;
}

/* Handles an item that took too long. A map with a limit has one item in each chunk. */
static void
fail_slow_item (FerryMap *self, FerryMapChunk *chunk)
{
  const FerryErrorCause cause = {.limit = self->size.run_timeout};
  g_autoptr (GError) error =
    g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                 "Item %" G_GUINT64_FORMAT
                 " ran for longer than its limit of %.15g ms; raise FerryMap:run-timeout, or give the item less to do",
                 chunk->first + chunk->n_come, (double) self->size.run_timeout / FERRY_MICROSECONDS_PER_MILLISECOND);

  ferry_error_set_cause (error, &cause);
  fail_items (self, chunk, error);
}

/* Handles a chunk that has lost its worker. The item that the worker ran fails, unless an earlier attempt has answered
 * it. The answers of the items before it have arrived. The items after it were not begun, and are submitted again. */
static void
lose_item (FerryMap *self, FerryMapChunk *chunk, const GError *error)
{
  guint n_come = chunk->n_come;
  gboolean was_there = ferry_map_chunk_get_item_place (chunk) < n_come;

  requeue (self, chunk, was_there ? n_come : n_come + 1, FALSE);
  if (!was_there && n_come < chunk->n_items)
    {
      GError *lost = make_lost_error (self, chunk, error);

      take_result (self, chunk, NULL, lost);
    }
}

static void
chunk_failed (FerryMap *self, FerryMapChunk *chunk, const GError *error)
{
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST))
    lose_item (self, chunk, error);
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE) && chunk->n_items > 1)
    requeue (self, chunk, chunk->n_come, TRUE);
  else if (was_too_slow (chunk))
    fail_slow_item (self, chunk);
  else
    {
      if (was_refused (chunk, error))
        give_up (self, error);
      fail_items (self, chunk, error);
    }
}

void
ferry_map_take_end (FerryMap *map, FerryMapChunk *ended)
{
  g_autoptr (Hold) self = hold (map);
  g_autoptr (FerryMapChunk) chunk = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (FERRY_TASK (ended), &error);

  if (error == NULL && ended->is_plain)
    take_result (self, ended, result != NULL ? g_variant_ref (result) : NULL, NULL);
  chunk = unlink_chunk (self, ended);
  if (error != NULL)
    chunk_failed (self, chunk, error);
  else
    chunk_completed (self, chunk, result);
  figures_changed (self);
  schedule (self);
}

/* ---- Submission ---- */

static FerryMapChunk *
make_array_chunk (FerryMap *self, guint64 first, GVariant *items, guint n_items)
{
  gint64 limit = ferry_map_chunk_size_get_fixed (&self->size) > 0 ? -1 : FERRY_MAP_LONGEST_CHUNK_MICROSECONDS;

  return ferry_map_chunk_new (self, self->function, limit, first, items, n_items);
}

/* Makes a chunk of the first range in `requeued`. The chunk is never plain. */
static FerryMapChunk *
make_chunk_again (FerryMap *self)
{
  Range *range = g_queue_peek_head (&self->requeued);
  gsize n = range->singly ? 1 : MIN (range->end - range->begin, ferry_map_get_next_chunk_size (self));
  guint64 first = range->first + range->begin;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, g_variant_get_type (range->items));
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) item = g_variant_get_child_value (range->items, range->begin++);

      g_variant_builder_add_value (&builder, item);
    }
  if (range->begin == range->end)
    range_free (g_queue_pop_head (&self->requeued));
  return make_array_chunk (self, first, g_variant_builder_end (&builder), (guint) n);
}

static FerryMapChunk *
make_chunk (FerryMap *self)
{
  GVariant *const *items;
  FerryMapChunk *chunk;
  guint size;

  if (!g_queue_is_empty (&self->requeued))
    return make_chunk_again (self);
  size = self->input.ended ? 0 : choose_size (self);
  if (size == 0 || !fill_batch (self, size))
    return NULL;
  items = (GVariant *const *) self->batch->pdata;
  /* There may be several items even if the fixed size is 1, since a function of the input may have changed the size. */
  if (ferry_map_chunk_size_get_fixed (&self->size) == 1 && self->batch->len == 1)
    chunk = ferry_map_chunk_new_plain (self, self->function, self->n_submitted, items[0]);
  else
    chunk =
      make_array_chunk (self, self->n_submitted, ferry_map_pack_items (items, self->batch->len), self->batch->len);
  self->n_submitted += self->batch->len;
  figures_changed (self);
  g_ptr_array_set_size (self->batch, 0);
  return chunk;
}

static void
chunk_refused (FerryMap *self, FerryMapChunk *chunk, const GError *error)
{
  g_autoptr (FerryMapChunk) refused = unlink_chunk (self, chunk);

  /* Wrong arguments are an error of the item. For any other error, the executor takes no further chunk. */
  if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS))
    give_up (self, error);
  fail_items (self, refused, error);
}

/* Called when the executor has taken or refused the chunk that waited for room. */
static void
room_came (FerryCompletion *submission, gpointer data)
{
  g_autoptr (FerryMapChunk) chunk = ferry_wait_queue_get_key (submission);
  g_autoptr (Hold) self = chunk->map != NULL ? hold (chunk->map) : NULL;
  g_autoptr (GError) error = NULL;

  ferry_completion_take (submission, &error);
  /* The chunk may have been removed from the map meanwhile. */
  if (self == NULL)
    return;
  self->waiting = NULL;
  /* If the map was cancelled meanwhile, the chunk was cancelled too, and is not submitted. */
  if (error != NULL)
    chunk_refused (self, chunk, error);
  else
    show_chunk (self, chunk);
  schedule (self);
}

/* Whether another chunk may be submitted now. Chunks of a fixed size may be small. So many are submitted together, when
 * half of them are done: workers are woken seldom, and always have a chunk to run. */
static gboolean
may_have_more_chunks (FerryMap *self)
{
  guint64 few = ferry_map_chunk_size_get_n_chunks (&self->size, ferry_executor_get_parallelism (self->executor, NULL));

  if (ferry_map_chunk_size_get_fixed (&self->size) == 0)
    return self->chunks.length < few;
  if (self->chunks.length <= few)
    self->filling_up = TRUE;
  return self->filling_up;
}

static void
give_settings (FerryMap *self, FerryTask *task)
{
  if (self->priority != 0)
    ferry_task_change_priority (task, self->priority);
  if (self->idempotent)
    g_object_set (task, "idempotent", TRUE, NULL);
  if (FERRY_MAP_CHUNK (task)->is_plain && self->size.run_timeout > 0)
    ferry_task_set_run_timeout (task, self->size.run_timeout);
}

/* Makes a chunk, and submits it or makes it wait for room in the executor. FALSE: none can be made now. */
static gboolean
submit_next (FerryMap *self)
{
  g_autoptr (FerryMapChunk) kept G_GNUC_UNUSED = NULL;
  g_autoptr (GError) error = NULL;
  FerryMapChunk *chunk;

  if (!self->started || self->paused || self->cancelled || self->waiting != NULL || self->dropped ||
      !may_have_more_chunks (self))
    return FALSE;
  chunk = make_chunk (self);
  if (chunk == NULL)
    {
      self->filling_up = FALSE;
      return FALSE;
    }
  g_queue_push_tail_link (&self->chunks, &chunk->link);
  kept = g_object_ref (chunk);
  give_settings (self, FERRY_TASK (chunk));
  if (ferry_executor_submit_task (self->executor, FERRY_TASK (chunk), &error))
    show_chunk (self, chunk);
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    {
      self->waiting = chunk;
      ferry_executor_submit_when_room (self->executor, FERRY_TASK (g_object_ref (chunk)), room_came);
    }
  else
    chunk_refused (self, chunk, error);
  return TRUE;
}

/* main: cancels all chunks. With for_good, the chunks are removed from the map at once; otherwise when their tasks are
 * done. */
static void
drop_chunks (FerryMap *self, gboolean for_good)
{
  g_autoptr (GPtrArray) chunks = g_ptr_array_new_with_free_func (g_object_unref);

  g_queue_clear_full (&self->requeued, (GDestroyNotify) range_free);
  for (GList *link = self->chunks.head; link != NULL; link = link->next)
    g_ptr_array_add (chunks, g_object_ref (link->data));
  for (guint i = 0; i < chunks->len; i++)
    {
      FerryMapChunk *chunk = g_ptr_array_index (chunks, i);

      if (for_good && chunk->map != NULL)
        g_object_unref (unlink_chunk (self, chunk));
      ferry_task_cancel (FERRY_TASK (chunk));
    }
}

/* ---- A new map ---- */

/**
 * ferry_map_new:
 * @executor: an executor, which runs the map's chunks as tasks
 * @function: the name under which the workers have registered the function
 * @order: the order of the results
 *
 * Makes a map without items. Any thread.
 *
 * Returns: (transfer full): a new map
 */
FerryMap *
ferry_map_new (FerryExecutor *executor, const char *function, FerryMapOrder order)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (executor), NULL);
  g_return_val_if_fail (function != NULL && *function != '\0', NULL);

  return g_object_new (FERRY_TYPE_MAP, "executor", executor, "function", function, "order", order, NULL);
}

/* Whether the input may still be set. */
static gboolean
is_fresh (FerryMap *self)
{
  return !self->started && ferry_map_input_is_fresh (&self->input);
}

/**
 * ferry_map_set_arguments:
 * @self: a map that was not started, and has no input
 * @arguments: an array or a tuple; each element is the arguments of an item; a floating reference is sunk
 *
 * Sets a container as the input. On the router's thread.
 *
 * An item, of whatever input, has at most 60 levels of arrays, maybes, tuples, dictionary entries and variants, since
 * its chunk puts up to four around it. One with more fails alone, with %FERRY_ERROR_TOO_LARGE.
 */
void
ferry_map_set_arguments (FerryMap *self, GVariant *arguments)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (is_fresh (self), HAS_INPUT);
  g_return_if_fail (arguments != NULL && g_variant_is_container (arguments));
  ferry_return_if_elsewhere (self->router->affinity);

  ferry_map_input_set_arguments (&self->input, arguments);
}

/**
 * ferry_map_set_model:
 * @self: a map that was not started, and has no input
 * @model: a list model
 * @func: (scope notified) (closure user_data) (destroy destroy): makes the arguments of an item
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data when the input has ended
 *
 * Sets a list model as the input. Its items are mapped from the first to the last. The list may change meanwhile: items
 * that are added after the current position are mapped too, until the map has reached the end. The index of a result
 * counts the submitted items, and may differ from the position in the list. On the router's thread.
 */
void
ferry_map_set_model (FerryMap *self, GListModel *model, FerryMapArguments func, gpointer user_data,
                     GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (is_fresh (self), HAS_INPUT);
  g_return_if_fail (G_IS_LIST_MODEL (model));
  g_return_if_fail (func != NULL);
  ferry_return_if_elsewhere (self->router->affinity);

  ferry_map_input_set_model (&self->input, model, func, user_data, destroy);
}

/**
 * ferry_map_set_source:
 * @self: a map that was not started, and has no input
 * @func: (scope notified) (closure user_data) (destroy destroy): returns the next item's arguments
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data when the input has ended
 *
 * Sets a function as the input, which returns the arguments of one item after the other, and %NULL at the end. When the
 * function fails, the earlier items still run, and [property@Ferry.Map:error] is its error. On the router's thread.
 */
void
ferry_map_set_source (FerryMap *self, FerryMapSource func, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (is_fresh (self), HAS_INPUT);
  g_return_if_fail (func != NULL);
  ferry_return_if_elsewhere (self->router->affinity);

  ferry_map_input_set_source (&self->input, func, user_data, destroy);
}

/* main: submits as many chunks as there is room for. Calls functions of the input, and handlers. They may make room for
 * another chunk: then submit_next() has submitted one, or has found the end of the input. */
static void
schedule (FerryMap *self)
{
  g_autoptr (Hold) held G_GNUC_UNUSED = NULL;
  gboolean had_ended;

  if (self->scheduling)
    return;
  held = hold (self);
  self->scheduling = TRUE;
  do
    had_ended = self->input.ended;
  while (submit_next (self) || self->input.ended != had_ended);
  self->scheduling = FALSE;
  if (self->input.ended)
    end_input (self);
  check_finished (self);
}

/* ---- Start ---- */

/* Starts the map. taker (nullable): takes the results that come, and those that have come. */
static void
start (FerryMap *self, Taker taker)
{
  g_autoptr (Hold) held G_GNUC_UNUSED = hold (self);

  self->started = TRUE;
  self->taker = taker;
  deliver (self);
  schedule (self);
}

static void
emit_result (FerryMap *self, Result *result)
{
  g_signal_emit (self, signals[SIGNAL_RESULT], 0, result->index, result->value, result->error);
}

/**
 * ferry_map_start:
 * @self: a map
 *
 * Starts the map. It takes each result when it comes, in its order, and emits [signal@Ferry.Map::result]. Connect the
 * signals first: a map without items is finished before this function returns. To take the results yourself, call
 * [method@Ferry.Map.next_async] instead. On the router's thread.
 */
void
ferry_map_start (FerryMap *self)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_elsewhere (self->router->affinity);

  if (self->taker == NULL)
    start (self, emit_result);
}

/* ---- Results one by one ---- */

/**
 * ferry_map_next_async:
 * @self: a map
 * @cancellable: (nullable): cancels the wait; the map runs on
 * @callback: (scope async) (closure user_data): called when there is a result, and at the end of the map
 * @user_data: data for @callback
 *
 * Waits for the next result, which [method@Ferry.Map.next_finish] takes. The first call starts the map. While no
 * results are taken, no more than [property@Ferry.Map:max-in-flight] items are taken from the input. If the map takes
 * its results itself ([method@Ferry.Map.start], [method@Ferry.Map.collect_async]), this call waits for its end. On the
 * router's thread.
 */
void
ferry_map_next_async (FerryMap *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) call = NULL;

  g_return_if_fail (FERRY_IS_MAP (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_elsewhere (self->router->affinity);

  call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (call, ferry_map_next_async);
  if (!self->started)
    start (self, NULL);
  if (self->finished || (self->taker == NULL && has_result (self)))
    g_task_return_boolean (call, TRUE);
  else
    ferry_wait_queue_add_task (&self->waits, call);
}

/**
 * ferry_map_next_finish:
 * @self: a map
 * @result: the result that the callback was called with
 * @error: return location for an error
 *
 * Finishes [method@Ferry.Map.next_async], and takes the result. An item that failed is a result too; its
 * [property@Ferry.MapItem:error] says why. At the end of the map, returns %NULL without an error. On the router's
 * thread.
 *
 * After the last result, fails with [property@Ferry.Map:error] when the map has an error. Fails with
 * %G_IO_ERROR_CANCELLED when the wait or the map was cancelled, with %G_IO_ERROR_PENDING when the result was taken
 * meanwhile, and with %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: (transfer full) (nullable): the next item that has ended
 */
FerryMapItem *
ferry_map_next_finish (FerryMap *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_map_next_async), NULL);

  if (!ferry_affinity_check_error (self->router->affinity, G_STRFUNC, error) ||
      !g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  if (has_result (self))
    {
      g_autoptr (Hold) held G_GNUC_UNUSED = hold (self);
      Result taken = pop_result (self);

      schedule (self);
      return ferry_map_item_new (taken.index, taken.value, taken.error);
    }
  /* A cancel drops results, also one that this wait was told of. */
  if (self->finished || self->cancelled)
    check_sound (self, error);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                         "Another call took the result; wait for results one call at a time");
  return NULL;
}

/* ---- All results ---- */

/* The list has the result already. The first item that fails ends the collecting: the map is cancelled, and delivers
 * no further result. */
static void
collect_result (FerryMap *self, Result *result)
{
  if (result->error == NULL)
    return;
  g_prefix_error (&result->error, "Item %" G_GUINT64_FORMAT ": ", result->index);
  g_clear_error (&self->error);
  self->error = g_steal_pointer (&result->error);
  ferry_map_cancel (self);
}

/* Returns (transfer none) the list of results. */
static GListStore *
need_results (FerryMap *self)
{
  if (self->results == NULL)
    self->results = g_list_store_new (FERRY_TYPE_MAP_ITEM);
  return self->results;
}

static void
start_collecting (FerryMap *self)
{
  need_results (self);
  start (self, collect_result);
}

static gboolean
collecting_cancelled (GCancellable *cancellable, gpointer data)
{
  ferry_map_cancel (data);
  return G_SOURCE_REMOVE;
}

/**
 * ferry_map_collect_async:
 * @self: a map that was not started
 * @cancellable: (nullable): cancels the map
 * @callback: (scope async) (closure user_data): called when all items have ended, or one failed
 * @user_data: data for @callback
 *
 * Starts the map, and collects all of its results in [property@Ferry.Map:results]. On the router's thread.
 */
void
ferry_map_collect_async (FerryMap *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_fail (!self->started, STARTED);
  ferry_return_if_elsewhere (self->router->affinity);

  self->collector = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (self->collector, ferry_map_collect_async);
  g_task_set_check_cancellable (self->collector, FALSE);
  if (cancellable != NULL)
    {
      self->collector_source = g_cancellable_source_new (cancellable);
      g_source_set_static_name (self->collector_source, "[ferry] cancel a map");
      g_source_set_callback (self->collector_source, G_SOURCE_FUNC (collecting_cancelled), self, NULL);
      g_source_attach (self->collector_source, g_task_get_context (self->collector));
    }
  if (g_cancellable_is_cancelled (cancellable))
    ferry_map_cancel (self);
  start_collecting (self);
  /* It may have been cancelled before this call. */
  if (self->finished)
    return_collected (self);
}

/**
 * ferry_map_collect_finish:
 * @self: a map
 * @result: the result that the callback was called with
 * @error: return location for an error
 *
 * Finishes [method@Ferry.Map.collect_async]. The list is that of [property@Ferry.Map:results]; it is now in the order
 * of the items, even for an unordered map. Any thread.
 *
 * Fails with [property@Ferry.Map:error] when the map has an error. The first item that fails gives the map its error,
 * with the item's index before the message, and the other items are cancelled. Fails with %G_IO_ERROR_CANCELLED when
 * the map was cancelled. To get results in spite of failures, call [method@Ferry.Map.start] instead, and look at
 * [property@Ferry.Map:results] when the map is finished.
 *
 * Returns: (transfer full): a list model of [class@Ferry.MapItem]
 */
GListModel *
ferry_map_collect_finish (FerryMap *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_map_collect_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static gboolean
is_finished (gpointer data)
{
  return FERRY_MAP (data)->finished;
}

/**
 * ferry_map_collect:
 * @self: a map that was not started
 * @timeout: how long to wait, in microseconds; negative to wait without a limit
 * @error: return location for an error
 *
 * Starts the map, and waits for all of its results, as `pmap` of other libraries does. Iterates the router's main
 * context meanwhile, so it is for tests and console programs; others call [method@Ferry.Map.collect_async]. On the
 * router's thread.
 *
 * Fails as [method@Ferry.Map.collect_finish] does. Fails with %FERRY_ERROR_TIMED_OUT, and cancels the map then. Fails
 * with %FERRY_ERROR_BUSY in a callback of the router's main context, %FERRY_ERROR_NOT_RUNNING and
 * %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: (transfer full): a list model of [class@Ferry.MapItem], in the order of the items
 */
GListModel *
ferry_map_collect (FerryMap *self, gint64 timeout, GError **error)
{
  g_autoptr (FerryMap) kept G_GNUC_UNUSED = NULL;

  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);
  ferry_return_val_if_fail (!self->started, NULL, STARTED);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_affinity_check_error (self->router->affinity, G_STRFUNC, error) ||
      !ferry_iterate_check (self->router, error))
    return NULL;
  /* Not a Hold: the map must run on, even if a handler drops the application's reference. */
  kept = g_object_ref (self);
  start_collecting (self);
  if (ferry_iterate_until (self->router, NULL, is_finished, self, timeout, "The map was not finished", error))
    return take_collected (self, error);
  /* Does not wait for the items that still run. */
  ferry_map_cancel (self);
  return NULL;
}

/* ---- Cancellation ---- */

static void
cancel_asked (gpointer data)
{
  ferry_map_cancel (data);
}

/**
 * ferry_map_cancel:
 * @self: a map
 *
 * Cancels the map. No more items are taken from its input, and results that were not taken are dropped. Items that have
 * not begun are not run, and items that run are cancelled as by [method@Ferry.Task.cancel]. When all items have ended,
 * [signal@Ferry.Map::finished] is emitted. Any thread may call this; on another thread than the router's, the router's
 * thread is made to cancel the map.
 */
void
ferry_map_cancel (FerryMap *self)
{
  g_autoptr (Hold) held G_GNUC_UNUSED = NULL;

  g_return_if_fail (FERRY_IS_MAP (self));

  if (!ferry_affinity_is_own (self->router->affinity))
    {
      ferry_affinity_invoke (self->router->affinity, cancel_asked, g_object_ref (self), g_object_unref);
      return;
    }
  if (self->cancelled || self->finished)
    return;
  held = hold (self);
  self->cancelled = TRUE;
  end_input (self);
  clear_results (self);
  drop_chunks (self, FALSE);
  schedule (self);
}

/* ---- Pausing ---- */

/**
 * ferry_map_set_paused:
 * @self: a map
 * @paused: whether the map is paused
 *
 * Pauses the map, or lets it go on. While it is paused, no items are taken from its input, and the items that run are
 * paused as by [method@Ferry.Task.pause]: their function waits where it checks for a cancel, and at the latest before
 * the worker's next item. Results that have come are delivered. A cancel ends a paused map. On the router's thread.
 */
void
ferry_map_set_paused (FerryMap *self, gboolean paused)
{
  g_autoptr (Hold) held G_GNUC_UNUSED = NULL;
  g_autoptr (GPtrArray) chunks = NULL;

  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_elsewhere (self->router->affinity);

  if (self->paused == !!paused)
    return;
  held = hold (self);
  self->paused = !!paused;
  chunks = g_ptr_array_new_with_free_func (g_object_unref);
  for (GList *link = self->chunks.head; link != NULL; link = link->next)
    g_ptr_array_add (chunks, g_object_ref (link->data));
  for (guint i = 0; i < chunks->len && self->paused == !!paused; i++)
    if (paused)
      ferry_task_pause (g_ptr_array_index (chunks, i));
    else
      ferry_task_resume (g_ptr_array_index (chunks, i));
  notify (self, PROP_PAUSED);
  schedule (self);
}

/* ---- Properties and signals ---- */

/**
 * ferry_map_get_results:
 * @self: a map
 *
 * Gets [property@Ferry.Map:results]: an item for each result, with its index, and its value or its error. On the
 * router's thread.
 *
 * ```c
 * gtk_flow_box_bind_model (grid, ferry_map_get_results (map), make_picture, NULL, NULL);
 * ferry_map_start (map);
 * ```
 *
 * Returns: (transfer none): a list model of [class@Ferry.MapItem]
 */
GListModel *
ferry_map_get_results (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);
  ferry_return_val_if_elsewhere (self->router->affinity, NULL);

  return G_LIST_MODEL (need_results (self));
}

/**
 * ferry_map_get_outcome:
 * @self: a map
 *
 * Gets [property@Ferry.Map:outcome]. On the router's thread.
 *
 * Returns: how the map finished, or %FERRY_MAP_OUTCOME_NONE
 */
FerryMapOutcome
ferry_map_get_outcome (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), FERRY_MAP_OUTCOME_NONE);
  ferry_return_val_if_elsewhere (self->router->affinity, FERRY_MAP_OUTCOME_NONE);

  return get_outcome (self);
}

const FerryFailures *
ferry_map_get_failures (FerryMap *self)
{
  return &self->failures;
}

guint64
ferry_map_get_n_items (FerryMap *self)
{
  guint64 rest = ferry_map_input_get_rest (&self->input);

  return rest != G_MAXUINT64 ? self->n_submitted + rest : rest;
}

static double
get_fraction (FerryMap *self)
{
  guint64 rest = ferry_map_input_get_rest (&self->input);
  double total = (double) self->n_submitted + (double) rest;

  if (rest == G_MAXUINT64)
    return 0;
  if (total == 0)
    return self->cancelled ? 0 : 1;
  return (double) self->n_come / total;
}

static void
get_figure (FerryMap *self, guint property_id, GValue *value)
{
  switch (property_id)
    {
    case PROP_IN_FLIGHT_LIMIT:
      g_value_set_uint64 (value, get_bound (self));
      break;
    case PROP_N_IN_FLIGHT:
      g_value_set_uint64 (value, self->n_submitted - self->n_taken);
      break;
    case PROP_RESULTS:
      g_value_set_object (value, need_results (self));
      break;
    case PROP_TASKS:
      g_value_set_object (value, get_tasks (self));
      break;
    case PROP_FRACTION:
      g_value_set_double (value, get_fraction (self));
      break;
    case PROP_INDETERMINATE:
      g_value_set_boolean (value, !self->finished && ferry_map_input_get_rest (&self->input) == G_MAXUINT64);
      break;
    case PROP_OUTCOME:
      g_value_set_enum (value, get_outcome (self));
      break;
    default:
      g_assert_not_reached ();
    }
}

/* The properties that are fields. */
static const gsize fields[N_PROPERTIES] = {
  [PROP_EXECUTOR] = G_STRUCT_OFFSET (FerryMap, executor),
  [PROP_FUNCTION] = G_STRUCT_OFFSET (FerryMap, function),
  [PROP_ORDER] = G_STRUCT_OFFSET (FerryMap, order),
  [PROP_CHUNK_SIZE] = G_STRUCT_OFFSET (FerryMap, size.chunk_size),
  [PROP_MAX_IN_FLIGHT] = G_STRUCT_OFFSET (FerryMap, size.max_in_flight),
  [PROP_PRIORITY] = G_STRUCT_OFFSET (FerryMap, priority),
  [PROP_IDEMPOTENT] = G_STRUCT_OFFSET (FerryMap, idempotent),
  [PROP_RUN_TIMEOUT] = G_STRUCT_OFFSET (FerryMap, size.run_timeout),
  [PROP_N_SUBMITTED] = G_STRUCT_OFFSET (FerryMap, n_submitted),
  [PROP_N_DONE] = G_STRUCT_OFFSET (FerryMap, n_come),
  [PROP_N_FAILED] = G_STRUCT_OFFSET (FerryMap, failures.n),
  [PROP_PAUSED] = G_STRUCT_OFFSET (FerryMap, paused),
  [PROP_IS_FINISHED] = G_STRUCT_OFFSET (FerryMap, finished),
  [PROP_ERROR] = G_STRUCT_OFFSET (FerryMap, error),
};

static void
ferry_map_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryMap *self = FERRY_MAP (object);

  /* What is set at construction only, any thread may read. */
  if (property_id > PROP_ORDER && !ferry_affinity_check_property (self->router->affinity, pspec))
    return;
  if (fields[property_id] != 0)
    ferry_property_read (G_STRUCT_MEMBER_P (self, fields[property_id]), value);
  else
    get_figure (self, property_id, value);
}

/* Changes a setting, for chunks that are made later. */
static void
set_setting (FerryMap *self, guint property_id, const GValue *value, GParamSpec *pspec)
{
  if (!ferry_affinity_check_property (self->router->affinity, pspec))
    return;
  if (property_id == PROP_RUN_TIMEOUT && self->started)
    {
      ferry_critical ("FerryMap:run-timeout was set for a map of '%s' that was started, and nothing was done; set it "
                      "before the map is started",
                      self->function);
      return;
    }
  if (ferry_property_change (self, G_STRUCT_MEMBER_P (self, fields[property_id]), value, pspec) &&
      property_id == PROP_MAX_IN_FLIGHT)
    schedule (self);
}

static void
ferry_map_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryMap *self = FERRY_MAP (object);

  switch (property_id)
    {
    case PROP_EXECUTOR:
      self->executor = ferry_property_require (object, value, pspec);
      self->router = ferry_executor_get_router (self->executor);
      break;
    case PROP_FUNCTION:
      self->function = g_value_dup_string (value);
      self->entry = self->function != NULL ? ferry_function_find (self->function) : NULL;
      break;
    case PROP_ORDER:
      self->order = (FerryMapOrder) g_value_get_enum (value);
      break;
    default:
      set_setting (self, property_id, value, pspec);
    }
}

static void
install_settings (void)
{
  /**
   * FerryMap:executor:
   *
   * The executor that runs the map's chunks.
   */
  properties[PROP_EXECUTOR] = g_param_spec_object ("executor", NULL, NULL, FERRY_TYPE_EXECUTOR, FERRY_AT_CONSTRUCTION);
  /**
   * FerryMap:function:
   *
   * The name of the function that is applied to the items.
   */
  properties[PROP_FUNCTION] = g_param_spec_string ("function", NULL, NULL, NULL, FERRY_AT_CONSTRUCTION);
  /**
   * FerryMap:order:
   *
   * The order of the results.
   */
  properties[PROP_ORDER] =
    g_param_spec_enum ("order", NULL, NULL, FERRY_TYPE_MAP_ORDER, FERRY_MAP_ORDERED, FERRY_AT_CONSTRUCTION);
}

static void
install_chunk_settings (void)
{
  /**
   * FerryMap:chunk-size:
   *
   * How many items a chunk has. With 0, the default, the map chooses a size that takes some milliseconds, by the time
   * that earlier items took. The first chunk then has one item, and at the end of the input chunks become smaller so
   * that no worker is idle.
   */
  properties[PROP_CHUNK_SIZE] = g_param_spec_uint ("chunk-size", NULL, NULL, 0, MAX_CHUNK_SIZE, 0, FERRY_SETTABLE);
  /**
   * FerryMap:max-in-flight:
   *
   * How many items may be in flight: taken from the input, and their results not taken yet. The default, 0, means 128
   * items, or 8 chunks if these have more items, for each of [property@Ferry.Pool:max-workers] workers. It may be
   * changed at any time. A lower number does not affect items that are in flight already.
   */
  properties[PROP_MAX_IN_FLIGHT] = g_param_spec_uint ("max-in-flight", NULL, NULL, 0, G_MAXINT, 0, FERRY_SETTABLE);
  /**
   * FerryMap:priority:
   *
   * The priority of the map's chunks among the executor's tasks; tasks with a higher priority run first.
   */
  properties[PROP_PRIORITY] = g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, FERRY_SETTABLE);
  /**
   * FerryMap:idempotent:
   *
   * Whether the function may run again with an item, and even twice at a time; see [property@Ferry.Task:idempotent].
   * When the host that ran a chunk is lost, another host runs the chunk from its first item on. Each item has one
   * result still. A map that is not idempotent loses the item that the host had begun.
   */
  properties[PROP_IDEMPOTENT] = g_param_spec_boolean ("idempotent", NULL, NULL, FALSE, FERRY_SETTABLE);
  /**
   * FerryMap:run-timeout:
   *
   * How long an item may run, in microseconds; 0 for no limit. When an item has run for longer, it fails, and the other
   * items run on. Items with a limit are sent to workers one by one, whatever [property@Ferry.Map:chunk-size] is. Must
   * be set before the map is started.
   */
  properties[PROP_RUN_TIMEOUT] = g_param_spec_int64 ("run-timeout", NULL, NULL, 0, G_MAXINT64, 0, FERRY_SETTABLE);
}

static void
install_in_flight (void)
{
  /**
   * FerryMap:in-flight-limit:
   *
   * How many items may be in flight now: [property@Ferry.Map:max-in-flight], or the default limit when that property is
   * 0. The default changes with the time that items take, and with the number of workers. Changes are not notified.
   */
  properties[PROP_IN_FLIGHT_LIMIT] =
    g_param_spec_uint64 ("in-flight-limit", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);
  /**
   * FerryMap:n-in-flight:
   *
   * How many items are in flight: taken from the input, and their results not taken yet.
   */
  properties[PROP_N_IN_FLIGHT] = g_param_spec_uint64 ("n-in-flight", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);
  /**
   * FerryMap:results: (getter get_results)
   *
   * The results so far, with those of the items that failed. This list model of [class@Ferry.MapItem] grows in the
   * map's order.
   *
   * A map that is not collected ([method@Ferry.Map.collect_async]) keeps results from the first time on that it is
   * asked for the list, so ask before the start. Each result is in the list before it is taken in another way. Nothing
   * bounds the list: do not ask for that of an endless input.
   */
  properties[PROP_RESULTS] = g_param_spec_object ("results", NULL, NULL, G_TYPE_LIST_MODEL, FERRY_READABLE);
  /**
   * FerryMap:tasks:
   *
   * The tasks of the executor that run this map's items now, or wait for a worker. Each runs a chunk of items. This
   * list model of [class@Ferry.Task] is for a window that shows the tasks of one map.
   */
  properties[PROP_TASKS] = g_param_spec_object ("tasks", NULL, NULL, G_TYPE_LIST_MODEL, FERRY_READABLE);
}

static void
install_figures (void)
{
  /**
   * FerryMap:n-submitted:
   *
   * How many items were submitted. This property, n-in-flight, n-done, n-failed, fraction and indeterminate are
   * notified at most once in a frame.
   */
  properties[PROP_N_SUBMITTED] = g_param_spec_uint64 ("n-submitted", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryMap:n-done:
   *
   * How many items have ended, including failed items.
   */
  properties[PROP_N_DONE] = g_param_spec_uint64 ("n-done", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryMap:n-failed:
   *
   * How many items failed.
   */
  properties[PROP_N_FAILED] = g_param_spec_uint64 ("n-failed", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryMap:fraction:
   *
   * The fraction of all items that have ended, from 0 to 1, so that it can be bound to a progress bar. When the map is
   * cancelled, or takes no more items for an error, the fraction stays: items that were not run have not ended. While
   * the number of items is not known, it is 0, and [property@Ferry.Map:indeterminate] is %TRUE.
   */
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0, 1, 0, FERRY_NOTIFIED);
  /**
   * FerryMap:indeterminate:
   *
   * Whether the number of all items is not known: the input is a function that has not come to its end. %FALSE when the
   * map is finished.
   */
  properties[PROP_INDETERMINATE] = g_param_spec_boolean ("indeterminate", NULL, NULL, TRUE, FERRY_NOTIFIED);
}

static void
install_ends (void)
{
  /**
   * FerryMap:paused:
   *
   * Whether the map is paused: [method@Ferry.Map.set_paused].
   */
  properties[PROP_PAUSED] = g_param_spec_boolean ("paused", NULL, NULL, FALSE, FERRY_NOTIFIED);
  /**
   * FerryMap:is-finished:
   *
   * Whether the map is finished; see [signal@Ferry.Map::finished]. [property@Ferry.Map:outcome] says how.
   */
  properties[PROP_IS_FINISHED] = g_param_spec_boolean ("is-finished", NULL, NULL, FALSE, FERRY_NOTIFIED);
  /**
   * FerryMap:outcome: (getter get_outcome)
   *
   * How the map finished. Notified when the map is finished, before [property@Ferry.Map:is-finished].
   */
  properties[PROP_OUTCOME] =
    g_param_spec_enum ("outcome", NULL, NULL, FERRY_TYPE_MAP_OUTCOME, FERRY_MAP_OUTCOME_NONE, FERRY_NOTIFIED);
  /**
   * FerryMap:error:
   *
   * Why the input was not read to its end. It is the error of the source function, of an executor that takes no more
   * tasks, or of the item that ended the collecting. Notified when the map is finished.
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, FERRY_NOTIFIED);
}

static void
install_signals (GObjectClass *object_class)
{
  GType type = G_TYPE_FROM_CLASS (object_class);

  /**
   * FerryMap::result:
   * @self: the map
   * @index: the item's index: its number in the order of submission, from 0 on
   * @value: (nullable): the function's result; %NULL for a function without a result, and when the item failed
   * @error: (nullable): why the item failed, or %NULL
   *
   * Emitted once for each item of a map that was started with [method@Ferry.Map.start]. The value was sent by another
   * process: check its type before use, unless this program has registered the function too. Not emitted after
   * [method@Ferry.Map.cancel].
   */
  signals[SIGNAL_RESULT] =
    g_signal_new ("result", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, ferry_marshal_VOID__UINT64_VARIANT_BOXED,
                  G_TYPE_NONE, 3, G_TYPE_UINT64, G_TYPE_VARIANT, G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);
  g_signal_set_va_marshaller (signals[SIGNAL_RESULT], type, ferry_marshal_VOID__UINT64_VARIANT_BOXEDv);
  /**
   * FerryMap::finished:
   * @self: the map
   *
   * Emitted once, as the last signal of a map. Either all items have ended and all results were taken, or the map was
   * cancelled and none of its items runs any more. The property [property@Ferry.Map:outcome] says how it ended.
   */
  signals[SIGNAL_FINISHED] = g_signal_new ("finished", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

/* ---- Life cycle ---- */

static void
ferry_map_dispose (GObject *object)
{
  FerryMap *self = FERRY_MAP (object);

  if (ferry_forks_keep (object, self->fork_number))
    return;
  if (self->n_holds > 0)
    {
      if (!self->dropped)
        g_object_ref (self);
      self->dropped = TRUE;
      return;
    }
  if (!self->cancelled && !self->finished && (self->started || self->n_submitted > 0))
    g_message ("A map of '%s' was dropped before it was finished, which cancels its items; keep a reference until its "
               "signal 'finished', or call ferry_map_cancel()",
               self->function);
  self->cancelled = TRUE;
  ferry_timers_unset (self->router->timers, &self->notify_timer);
  end_input (self);
  drop_chunks (self, TRUE);
  clear_results (self);

  G_OBJECT_CLASS (ferry_map_parent_class)->dispose (object);
}

static void
ferry_map_finalize (GObject *object)
{
  FerryMap *self = FERRY_MAP (object);

  g_assert (self->chunks.length == 0 && self->collector == NULL);
  ferry_wait_queue_clear (&self->waits);
  g_clear_pointer (&self->batch, g_ptr_array_unref);
  g_clear_object (&self->results);
  g_clear_object (&self->tasks);
  g_clear_error (&self->error);
  ferry_failures_clear (&self->failures);
  g_clear_object (&self->executor);
  g_free (self->function);

  G_OBJECT_CLASS (ferry_map_parent_class)->finalize (object);
}

static void
ferry_map_class_init (FerryMapClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_map_get_property;
  object_class->set_property = ferry_map_set_property;
  object_class->dispose = ferry_map_dispose;
  object_class->finalize = ferry_map_finalize;
  install_settings ();
  install_chunk_settings ();
  install_in_flight ();
  install_figures ();
  install_ends ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  install_signals (object_class);
}

/* arguments: (nullable). */
static void
free_variant (gpointer arguments)
{
  if (arguments != NULL)
    g_variant_unref (arguments);
}

static void
ferry_map_init (FerryMap *self)
{
  self->fork_number = ferry_forks_note ();
  ferry_wait_queue_init (&self->waits);
  self->batch = g_ptr_array_new_with_free_func (free_variant);
}

/* ---- For tests ---- */

const GQueue *
ferry_map_get_chunks (FerryMap *self)
{
  return &self->chunks;
}
