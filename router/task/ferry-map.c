/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A map: its input, its chunks, and its results.
 *
 * An item moves from the input to a chunk, to a worker, to a place among the results, and to the application. It has an
 * index from its submission on. It is in flight until its result is taken. So one bound holds for arguments that wait,
 * items that run, results that wait for an earlier one, and results that are not taken.
 *
 * It is one file since each of these steps reads and changes the number in flight. The input (ferry-map-input.c)
 * and the worker's side (ferry-map-function.c) do not depend on the map.
 *
 * Owner:   counted references. The map holds none to itself, so dropping the last one cancels its chunks.
 * Threads: the router's. It is made and cancelled on any, and its const properties are read on any. */

#include "config.h"

#include "task/ferry-map-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-timers-private.h"
#include "base/ferry-wait-queue-private.h"
#include "base/ferry-watch-cancellable-private.h"
#include "call/ferry-call-message-private.h"
#include "call/ferry-remote-error-private.h"
#include "ferry-enums.h"
#include "ferry-marshallers.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor-private.h"
#include "task/ferry-iterate-private.h"
#include "task/ferry-map-function-private.h"
#include "task/ferry-map-input-private.h"
#include "task/ferry-task-private.h"
#include "worker/ferry-function-private.h"

#define MAX_CHUNK_SIZE 65536

/* Items of a longer type are put into boxes, which hold the type as a value. A chunk's own type is a little longer than
 * that of its items. */
#define LONGEST_TYPE (FERRY_MAX_CALL_TYPE - 16)

#define FEWEST_PLACES 16

#define TARGET_MICROSECONDS 4000.0
#define LONGEST_MICROSECONDS 8000
#define LARGEST_CHUNK 1024
#define GROWTH 4

/* A chunk of this size gets no further item: a lane has room for several such chunks. */
#define FULL_CHUNK_BYTES 16384

/* The number of automatic chunks for each worker: one that runs, and one that waits for the worker. More of them would
 * be sized before it is known how long items take. */
#define CHUNKS_A_WORKER 2

/* The default bound of items in flight, for each worker. The items suffice to be sent ahead one by one. The chunks
 * count where they have more items, and let results come out of order. */
#define ITEMS_A_WORKER 128
#define BOUND_CHUNKS_A_WORKER 8

/* The weight of a new sample in the mean time of an item, and the least time, where the clock tells none. */
#define TIME_SHARE 0.25
#define LEAST_MICROSECONDS 0.5

#define HAS_INPUT "the map has its input already, or was started; set the input of a new map"
#define NOT_MANUAL "the map has an input, to which nothing is added; make a map without one"

#define STARTED "the map was started, and gives its results in one way only; collect those of a new map"

#define READABLE (G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)
#define WRITABLE (G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)
#define AT_START (G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS)

/* How the application gets the results. */
typedef enum
{
  MODE_NONE, /* not chosen yet */
  MODE_EMITTED,
  MODE_TAKEN,
  MODE_COLLECTED,
} Mode;

typedef struct
{
  guint64 index;
  GVariant *value; /* (owned) (nullable) */
  GError *error;   /* (owned) (nullable) */
  gboolean is_there;
} Result;

/* Items that were submitted, and are submitted once more. */
typedef struct
{
  guint64 first;   /* index of the first */
  GVariant *items; /* (owned): those of a chunk */
  gsize begin;     /* of the range within items */
  gsize end;
  gboolean singly; /* each becomes a chunk of its own */
} Range;

#define FERRY_TYPE_MAP_CHUNK (ferry_map_chunk_get_type ())
G_DECLARE_FINAL_TYPE (FerryMapChunk, ferry_map_chunk, FERRY, MAP_CHUNK, FerryTask)

/* A chunk of a map's items: a task of the function that every worker has, see ferry-map-function-private.h. Where
 * chunks have one item each, the chunk is plain: a task of the mapped function itself.
 *
 * Trust: a worker's answers are counted and checked. It ends only items that it was asked for, and each once. */
struct _FerryMapChunk
{
  FerryTask parent_instance;

  FerryMap *map;     /* (unowned) (nullable): NULL once the map let go of it */
  GList link;        /* in the map's chunks */
  guint64 first;     /* const: index of the first item */
  guint n_items;     /* const */
  guint n_come;      /* how many items have ended, in order */
  guint attempt;     /* of the task: the attempt of the latest answer */
  guint n_answers;   /* of that attempt */
  gboolean is_plain; /* const */
};

struct _FerryMap
{
  GObject parent_instance;

  FerryExecutor *executor;         /* const: (owned) */
  FerryPool *pool;                 /* const: (unowned): the executor's */
  FerryRouter *router;             /* const: (unowned): the pool's */
  FerryTimers *timers;             /* const: (unowned): the router's */
  _Atomic gboolean asked;          /* any: another thread asked for the cancel */
  char *function;                  /* const */
  FerryMapOrder order;             /* const */
  const FerryFunctionEntry *entry; /* (nullable): the function, if this program has registered it */
  guint chunk_size;                /* 0: automatic */
  guint max_in_flight;             /* 0: automatic */
  gint64 run_timeout;              /* of an item, in microseconds; 0: none */
  int priority;

  /* From the input to chunks. */
  FerryMapInput input;
  GQueue chunks;      /* (element-type FerryMapChunk) (owned), by their links: submitted and not done */
  GQueue requeued;    /* (element-type Range) (owned): come before further items of the input */
  GPtrArray *batch;   /* (owned) (element-type GVariant): of the chunk that is being made; NULL for no arguments */
  double item_time;   /* the mean, in microseconds; 0: not known */
  guint largest_size; /* of a chunk with a known time */
  guint64 n_submitted;
  gboolean started; /* items may be pulled and submitted */
  gboolean scheduling;
  gboolean pulling; /* the input's function runs, so the input must stay */
  gboolean schedule_again;
  gboolean filling_up;    /* see may_have_more_chunks() */
  FerryMapChunk *waiting; /* (unowned) (nullable): for room in the executor */
  gboolean input_ended;
  FerryWaitQueue adds; /* calls of add_async() that wait for room, in order; the arguments are the key */
  gboolean closing;    /* the input is closed behind them */

  /* Results. */
  Mode mode;
  Result *places; /* (owned): a ring; place i is that of item i, or of the i-th result to arrive */
  gsize n_places; /* 0 or a power of two */
  guint64 n_come;
  guint64 n_taken;
  guint64 n_failed;
  gboolean delivering;
  guint n_asked;             /* calls of next_async() that were not finished */
  FerryWaitQueue waits;      /* for a result or the end */
  GTask *collector;          /* (owned) (nullable) */
  GPtrArray *collected;      /* (owned) (nullable) (element-type GVariant) */
  GSource *collector_source; /* (owned) (nullable): of the collector's cancellable */
  GError *collect_error;     /* (owned) (nullable): of the first item that failed */

  gboolean cancelled;
  gboolean finished;
  FerryTimer notify_timer; /* set: the figures changed, and the notification is due */
  gint n_holds;            /* the map's own references, see Hold */
  GError *error;           /* (owned) (nullable): why the input was not read to its end */
};

typedef enum
{
  PROP_EXECUTOR = 1,
  PROP_FUNCTION,
  PROP_ORDER,
  PROP_CHUNK_SIZE,
  PROP_MAX_IN_FLIGHT,
  PROP_PRIORITY,
  PROP_N_SUBMITTED,
  PROP_N_DONE,
  PROP_N_FAILED,
  PROP_FRACTION,
  PROP_FINISHED,
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
 * A function applied to many items, in the workers of an executor.
 *
 * The input of a map is one of these:
 *
 * - a container ([method@Ferry.Map.set_arguments]), an array ([method@Ferry.Map.set_array]) or a list model
 *   ([method@Ferry.Map.set_model])
 * - a function of the application ([method@Ferry.Map.set_source])
 * - items that are added one by one ([method@Ferry.Map.add])
 *
 * Any function that the workers know can be mapped without a change. Results come as signals
 * ([method@Ferry.Map.start]), one by one on request ([method@Ferry.Map.next_async]), or as a list
 * ([method@Ferry.Map.collect_async]). Their order is that of the items, or that of their arrival.
 *
 * ```c
 * g_autoptr (FerryMap) map = ferry_map_new (executor, "sha256", FERRY_MAP_ORDERED);
 * g_autoptr (GPtrArray) digests = NULL;
 *
 * ferry_map_set_arguments (map, g_variant_new_strv (paths, -1));
 * digests = ferry_map_collect (map, -1, &error);
 * ```
 *
 * Items are taken from the input when there is room for them. No more than [property@Ferry.Map:max-in-flight] are in
 * flight: they wait, they run, or their results wait to be taken. So memory is bounded, also with an endless input, a
 * slow first item, or results that are taken late.
 *
 * Workers get items in chunks, so that small items do not cost a message each; see [property@Ferry.Map:chunk-size]. An
 * item's result comes at most a millisecond after the item is done, whatever the size of its chunk. The failure of an
 * item is a result too, and the other items go on. When a worker dies, the item that it ran fails with
 * %FERRY_ERROR_WORKER_LOST. Another worker runs the rest of the chunk, and no item is run twice.
 *
 * Where the executor takes no more tasks, or its pool cannot start workers, the map takes no more items. The items in
 * flight fail, and [property@Ferry.Map:error] says why.
 *
 * The chunks are tasks of the executor, with its order and priorities, and its list shows them.
 *
 * A map belongs to the router's thread. Dropping its last reference cancels its items, and ends all signals. Handlers
 * may do anything: cancel the map, add to it, drop the last reference.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FerryMap, ferry_map, G_TYPE_OBJECT)

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

static void schedule (FerryMap *self);

/* A reference for as long as handlers run. Where only such references are left, the application has dropped the map: it
 * emits no more signals and pulls no more items. */
typedef FerryMap Hold;

static Hold *
hold (FerryMap *self)
{
  self->n_holds++;
  return g_object_ref (self);
}

static void
release (Hold *self)
{
  self->n_holds--;
  g_object_unref (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Hold, release)

static gboolean
is_dropped (FerryMap *self)
{
  return g_atomic_int_get ((gint *) &G_OBJECT (self)->ref_count) <= self->n_holds;
}

static void
notify (FerryMap *self, Property property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static void
notify_figures (gpointer data)
{
  g_autoptr (Hold) self = hold (data);

  ferry_timers_unset (self->timers, &self->notify_timer);
  for (guint i = PROP_N_SUBMITTED; i <= PROP_FRACTION; i++)
    notify (self, i);
}

/* Figures change with each item, and are notified once a turn of the main loop. */
static void
figures_changed (FerryMap *self)
{
  if (!ferry_timer_is_set (&self->notify_timer))
    ferry_timers_set (self->timers, &self->notify_timer, 0, notify_figures, self);
}

/* ---- Places ----
 *
 * Each result has a place in a ring: the item's index where results are ordered, else the number of its arrival. The
 * next result to be taken is that of place n_taken. The ring is as long as there are items in flight at most. */

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

/* Makes the ring long enough for a place. */
static void
need_place (FerryMap *self, guint64 place)
{
  Result *old = self->places;
  gsize n_old = self->n_places;
  gsize n = MAX (n_old, FEWEST_PLACES);

  /* Holds whatever a worker sends: its answers were checked. */
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

/* Removes the next result; there is one. */
static Result
pop_result (FerryMap *self)
{
  Result *place = get_place (self, self->n_taken);
  Result result = *place;

  *place = (Result){0};
  self->n_taken++;
  return result;
}

/* ---- The list of all results, in the order of the items ---- */

static void
free_value (gpointer value)
{
  if (value != NULL)
    g_variant_unref (value);
}

/* The first item that fails ends the collecting: the map is cancelled, and delivers no further result. */
static void
collect_result (FerryMap *self, Result *result)
{
  GPtrArray *list = self->collected;

  if (result->error != NULL)
    {
      g_prefix_error (&result->error, "Item %" G_GUINT64_FORMAT ": ", result->index);
      self->collect_error = g_steal_pointer (&result->error);
      ferry_map_cancel (self);
      return;
    }
  if (list->len <= result->index)
    g_ptr_array_set_size (list, (int) result->index + 1);
  if (result->value == NULL)
    result->value = g_variant_ref_sink (g_variant_new_tuple (NULL, 0));
  list->pdata[result->index] = g_steal_pointer (&result->value);
}

/* Whether the map was neither cancelled nor ended by an error. */
static gboolean
check_sound (FerryMap *self, GError **error)
{
  if (self->cancelled)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The map was cancelled; make another one");
  else if (self->error != NULL)
    g_propagate_error (error, ferry_error_copy (self->error));
  return !self->cancelled && self->error == NULL;
}

/* Ends the collecting. Returns (transfer full) the list of a map that is finished. */
static GPtrArray *
take_collected (FerryMap *self, GError **error)
{
  g_autoptr (GPtrArray) list = g_steal_pointer (&self->collected);

  if (self->collect_error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->collect_error));
  else if (check_sound (self, error))
    return g_steal_pointer (&list);
  return NULL;
}

static void
return_collected (FerryMap *self)
{
  g_autoptr (GTask) call = g_steal_pointer (&self->collector);
  GError *error = NULL;
  GPtrArray *list;

  if (call == NULL)
    return;
  ferry_unwatch_cancellable (&self->collector_source);
  list = take_collected (self, &error);
  if (list != NULL)
    g_task_return_pointer (call, list, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (call, error);
}

/* ---- Delivery ---- */

/* Delivers the results that are there, in the chosen way. */
static void
deliver (FerryMap *self)
{
  if (self->delivering || self->mode == MODE_NONE)
    return;
  if (self->mode == MODE_TAKEN)
    {
      if (has_result (self))
        ferry_wait_queue_finish_all (&self->waits);
      return;
    }
  self->delivering = TRUE;
  while (has_result (self) && !is_dropped (self))
    {
      g_auto (Result) result = pop_result (self);

      if (self->mode == MODE_COLLECTED)
        collect_result (self, &result);
      else
        g_signal_emit (self, signals[SIGNAL_RESULT], 0, result.index, result.value, result.error);
    }
  self->delivering = FALSE;
}

/* An item has ended. Takes value and error, both (nullable); a cancelled map drops them. Handlers run: the caller holds
 * the map. */
static void
take_result (FerryMap *self, guint64 index, GVariant *value, GError *error)
{
  guint64 place = self->order == FERRY_MAP_ORDERED ? index : self->n_come;

  if (self->cancelled)
    {
      g_clear_pointer (&value, g_variant_unref);
      g_clear_error (&error);
      return;
    }

  self->n_come++;
  self->n_failed += error != NULL;
  need_place (self, place);
  *get_place (self, place) = (Result){index, value, error, TRUE};
  deliver (self);
}

static gboolean
is_at_end (FerryMap *self)
{
  if (self->chunks.length > 0 || self->scheduling || self->delivering)
    return FALSE;
  return self->cancelled || (self->input_ended && self->requeued.length == 0 && self->n_taken == self->n_submitted);
}

/* Finishes the map at its end. Handlers run: the caller holds the map. */
static void
check_finished (FerryMap *self)
{
  if (self->finished || !is_at_end (self) || is_dropped (self))
    return;
  self->finished = TRUE;
  notify_figures (self);
  if (self->error != NULL)
    notify (self, PROP_ERROR);
  notify (self, PROP_FINISHED);
  g_signal_emit (self, signals[SIGNAL_FINISHED], 0);
  ferry_wait_queue_finish_all (&self->waits);
  return_collected (self);
}

/* ---- From the input to chunks in the executor, and back again where a worker was lost ----
 *
 * Each event that makes room ends in schedule(): a chunk is done, a result was taken, an item was added.
 *
 * An automatic chunk takes about TARGET_MICROSECONDS, estimated by how long items took lately. So the round trip to a
 * worker costs little beside it, and no chunk is waited for long. The first chunk has one item, and the next ones grow
 * step by step. After twice the target the worker returns the items that it has not begun, so a wrong estimate costs
 * one item's time. When the rest of the input is known and small, it is divided so that all workers are busy to the
 * end. */

/* How many items a chunk has by the settings; 0: automatic. A run timeout is a task's, so each item is a task then. */
static guint
get_fixed_size (FerryMap *self)
{
  return self->run_timeout > 0 ? 1 : self->chunk_size;
}

static guint
get_wanted_size (FerryMap *self)
{
  guint fixed = get_fixed_size (self);

  return fixed > 0 ? fixed : ferry_map_get_automatic_size (self);
}

/* How many items may be in flight at present. */
static guint64
get_bound (FerryMap *self)
{
  if (self->max_in_flight > 0)
    return self->max_in_flight;
  return ferry_pool_get_max_workers (self->pool) *
         MAX (ITEMS_A_WORKER, (guint64) BOUND_CHUNKS_A_WORKER * get_wanted_size (self));
}

guint
ferry_map_get_automatic_size (FerryMap *self)
{
  guint n_workers = ferry_pool_get_max_workers (self->pool);
  guint64 rest = ferry_map_input_get_rest (&self->input);
  double size = 1;

  if (self->item_time > 0)
    size = CLAMP (TARGET_MICROSECONDS / self->item_time, 1, MIN (LARGEST_CHUNK, GROWTH * self->largest_size));
  if (rest != G_MAXUINT64)
    size = MIN (size, (double) rest / (CHUNKS_A_WORKER * n_workers));
  if (self->max_in_flight > 0)
    size = MIN (size, (double) self->max_in_flight / (CHUNKS_A_WORKER * n_workers));
  return (guint) MAX (size, 1);
}

/* How many items the next chunk has; 0 when it is not time for one. Room comes item by item where results are taken one
 * after the other. So a chunk waits for a quarter of the bound. */
static guint
choose_size (FerryMap *self)
{
  guint wanted = get_wanted_size (self);
  guint64 bound = get_bound (self);
  guint64 in_flight = self->n_submitted - self->n_taken;
  guint64 room = bound > in_flight ? bound - in_flight : 0;

  if (room >= wanted)
    return wanted;
  if (room > 0 && (room >= bound / 4 || (self->chunks.length == 0 && !has_result (self))))
    return (guint) room;
  return 0;
}

/* main: there are no further items. */
static void
end_input (FerryMap *self)
{
  self->input_ended = TRUE;
  if (!self->pulling)
    ferry_map_input_end (&self->input);
}

/* Pulls an item. The input may do anything, also cancel the map. Returns whether there was one. */
static gboolean
pull (FerryMap *self, GVariant **arguments)
{
  g_autoptr (GError) error = NULL;
  FerryMapPull pulled;

  self->pulling = TRUE;
  pulled = ferry_map_input_pull (&self->input, arguments, &error);
  self->pulling = FALSE;
  if (self->error == NULL)
    self->error = g_steal_pointer (&error);
  if (self->input_ended || pulled == FERRY_MAP_PULL_END || pulled == FERRY_MAP_PULL_FAILED)
    end_input (self);
  return pulled == FERRY_MAP_PULL_ITEM;
}

/* Pulls items for a chunk. Returns whether there is one. */
static gboolean
fill_batch (FerryMap *self, guint size)
{
  gsize n_bytes = 0;

  if (self->batch == NULL)
    self->batch = g_ptr_array_new_with_free_func (free_value);
  while (self->batch->len < size && n_bytes < FULL_CHUNK_BYTES && !self->input_ended && !is_dropped (self))
    {
      GVariant *arguments;

      if (!pull (self, &arguments))
        break;
      n_bytes += arguments != NULL ? g_variant_get_size (arguments) : 0;
      g_ptr_array_add (self->batch, arguments);
    }
  if (self->cancelled || is_dropped (self))
    g_ptr_array_set_size (self->batch, 0);
  return self->batch->len > 0;
}

/* ---- A chunk is made ---- */

G_DEFINE_FINAL_TYPE (FerryMapChunk, ferry_map_chunk, FERRY_TYPE_TASK)

/* Takes arguments (nullable), floating or not. */
static FerryMapChunk *
chunk_new (FerryMap *map, guint64 first, guint n_items, const char *function, GVariant *arguments)
{
  FerryMapChunk *self = g_object_new (FERRY_TYPE_MAP_CHUNK, NULL);

  self->map = map;
  self->link.data = self;
  self->first = first;
  self->n_items = n_items;
  ferry_task_set_up (FERRY_TASK (self), FERRY_TASK_KIND_CALL, function, arguments);
  ferry_task_set_priority (FERRY_TASK (self), map->priority);
  return self;
}

/* Takes items, which is floating. */
static FerryMapChunk *
chunk_new_of_array (FerryMap *map, guint64 first, GVariant *items, guint n_items)
{
  gint64 limit = get_fixed_size (map) > 0 ? -1 : LONGEST_MICROSECONDS;
  GVariant *const parts[] = {g_variant_new_string (map->function), g_variant_new_int64 (limit), items};
  FerryMapChunk *self =
    chunk_new (map, first, n_items, FERRY_MAP_FUNCTION, g_variant_new_tuple (parts, G_N_ELEMENTS (parts)));
  char name[FERRY_FUNCTION_MAX_NAME + 48];

  /* Lists and errors show the name of the mapped function. */
  g_snprintf (name, sizeof name, "%s %" G_GUINT64_FORMAT "–%" G_GUINT64_FORMAT, map->function, first,
              first + n_items - 1);
  ferry_task_set_name (FERRY_TASK (self), name);
  return self;
}

/* Whether all items have one type, which can be the array's. Values of the boxes' type would be taken for boxes. */
static gboolean
are_alike (GVariant *const *items, guint n_items)
{
  const GVariantType *type = items[0] != NULL ? g_variant_get_type (items[0]) : NULL;

  if (type == NULL || g_variant_type_equal (type, G_VARIANT_TYPE (FERRY_MAP_BOX_TYPE)) ||
      g_variant_type_get_string_length (type) > LONGEST_TYPE)
    return FALSE;
  for (guint i = 1; i < n_items; i++)
    if (items[i] == NULL || !g_variant_is_of_type (items[i], type))
      return FALSE;
  return TRUE;
}

static GVariant *
box_items (GVariant *const *items, guint n_items)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a" FERRY_MAP_BOX_TYPE));
  for (guint i = 0; i < n_items; i++)
    g_variant_builder_add_value (
      &builder,
      g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, items[i] != NULL ? g_variant_new_variant (items[i]) : NULL));
  return g_variant_builder_end (&builder);
}

/* items: (element-type GVariant), each (nullable). The input may have changed the chunk size meanwhile. */
static FerryMapChunk *
chunk_new_of_items (FerryMap *map, guint64 first, GVariant *const *items, guint n_items)
{
  FerryMapChunk *self;

  if (get_fixed_size (map) == 1 && n_items == 1)
    {
      self = chunk_new (map, first, 1, map->function, items[0]);
      self->is_plain = TRUE;
      if (map->run_timeout > 0)
        ferry_task_set_run_timeout (FERRY_TASK (self), map->run_timeout);
      return self;
    }
  if (are_alike (items, n_items))
    return chunk_new_of_array (map, first, g_variant_new_array (g_variant_get_type (items[0]), items, n_items),
                               n_items);
  return chunk_new_of_array (map, first, box_items (items, n_items), n_items);
}

/* The same of a range of another chunk's items; never plain. */
static FerryMapChunk *
chunk_new_of_range (FerryMap *map, const Range *range, gsize n_items)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, g_variant_get_type (range->items));
  for (gsize i = range->begin; i < range->begin + n_items; i++)
    {
      g_autoptr (GVariant) item = g_variant_get_child_value (range->items, i);

      g_variant_builder_add_value (&builder, item);
    }
  return chunk_new_of_array (map, range->first, g_variant_builder_end (&builder), (guint) n_items);
}

/* ---- A worker's answers ---- */

/* Counts the next item as ended; there is one. Returns its index. */
static guint64
end_item (FerryMapChunk *self)
{
  g_assert (self->n_come < self->n_items);
  return self->first + self->n_come++;
}

/* The place of the item that the worker runs, as far as it has answered. Earlier attempts may have answered more. */
static guint
get_item_place (FerryMapChunk *self)
{
  return self->attempt == ferry_task_get_n_attempts (FERRY_TASK (self)) ? self->n_answers : 0;
}

/* Whether an answer is that of the next item. A worker may answer more items than it was asked for. An earlier worker
 * may have answered the item, and then claimed not to have begun the chunk. */
static gboolean
is_wanted (FerryMapChunk *self)
{
  guint place = get_item_place (self);

  /* The item of a plain chunk ends with its call. */
  if (self->is_plain)
    return FALSE;
  self->attempt = ferry_task_get_n_attempts (FERRY_TASK (self));
  self->n_answers = MIN (place + 1, self->n_items);
  return place == self->n_come && place < self->n_items;
}

/* Returns (transfer full) (nullable) the value of an item's answer, or sets its error. */
static GVariant *
read_answer (FerryMapChunk *self, const char *type, GVariant *value, GError **error)
{
  g_autofree char *trace = NULL;

  if (g_str_equal (type, FERRY_MAP_MESSAGE_ERROR))
    {
      *error = ferry_error_from_variant (value, &trace);
      if (trace != NULL)
        ferry_error_set_trace (*error, trace);
      return NULL;
    }
  if (g_str_equal (type, FERRY_MAP_MESSAGE_NOTHING))
    value = NULL;
  else if (!g_str_equal (type, FERRY_MAP_MESSAGE_VALUE))
    {
      ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                       "The worker answered an item in a way that is none; build application and worker with the "
                       "same version of Ferry");
      return NULL;
    }
  if (self->map->entry != NULL && !ferry_function_check_result (self->map->entry, value, error))
    return NULL;
  return value != NULL ? g_variant_ref (value) : NULL;
}

/* Under the reserved names the worker sends the items' answers, in order. */
static void
ferry_map_chunk_message (FerryTask *task, const char *type, GVariant *value)
{
  FerryMapChunk *self = FERRY_MAP_CHUNK (task);

  if (!FERRY_MAP_IS_RESERVED_MESSAGE (type))
    FERRY_TASK_CLASS (ferry_map_chunk_parent_class)->message (task, type, value);
  else if (self->map != NULL && is_wanted (self))
    {
      g_autoptr (Hold) map = hold (self->map);
      GError *error = NULL;
      GVariant *result = read_answer (self, type, value, &error);

      take_result (map, end_item (self), result, error);
    }
}

/* ---- Chunks that are done ---- */

/* Removes a chunk from the map. Returns (transfer full) the map's reference. */
static FerryMapChunk *
unlink_chunk (FerryMap *self, FerryMapChunk *chunk)
{
  g_queue_unlink (&self->chunks, &chunk->link);
  chunk->map = NULL;
  if (self->waiting == chunk)
    self->waiting = NULL;
  return chunk;
}

/* Makes the chunk's items fail that have not ended. */
static void
fail_items (FerryMap *self, FerryMapChunk *chunk, const GError *error)
{
  while (chunk->n_come < chunk->n_items)
    take_result (self, end_item (chunk), NULL, ferry_error_copy (error));
}

/* The executor runs no further chunk. */
static void
give_up (FerryMap *self, const GError *error)
{
  if (self->error == NULL)
    self->error = ferry_error_copy (error);
  end_input (self);
  /* Calls of add_async() that wait are told. */
  self->schedule_again = TRUE;
}

static void
note_time (FerryMap *self, double microseconds, guint n_items)
{
  double sample = MAX (microseconds, LEAST_MICROSECONDS) / n_items;

  if (self->item_time == 0)
    self->item_time = sample;
  else
    self->item_time += (sample - self->item_time) * TIME_SHARE;
  self->largest_size = MAX (self->largest_size, n_items);
}

static void
range_free (Range *range)
{
  g_variant_unref (range->items);
  g_free (range);
}

/* Submits the chunk's items from that one on again, before all others: the application may wait for them. */
static void
requeue (FerryMap *self, FerryMapChunk *chunk, guint from, gboolean singly)
{
  Range *range;

  if (from >= chunk->n_items || self->cancelled)
    return;
  range = g_new (Range, 1);
  *range = (Range){chunk->first + from, g_variant_get_child_value (ferry_task_get_arguments (FERRY_TASK (chunk)), 2),
                   from, chunk->n_items, singly};
  g_queue_push_head (&self->requeued, range);
}

/* A chunk's task is completed. result (nullable): of a chunk that is not plain, the microseconds that it took. A worker
 * runs at least one item of a chunk, else the chunk would circulate without end. */
static void
chunk_completed (FerryMap *self, FerryMapChunk *chunk, GVariant *result)
{
  guint n_come = chunk->n_come;

  if (!chunk->is_plain && n_come > 0 && result != NULL && g_variant_is_of_type (result, G_VARIANT_TYPE_INT64) &&
      g_variant_get_int64 (result) >= 0)
    note_time (self, (double) g_variant_get_int64 (result), n_come);
  if (n_come > 0)
    requeue (self, chunk, n_come, FALSE);
  else
    {
      g_autoptr (GError) error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                                                      "The worker was done with items and sent no answers; build "
                                                      "application and worker with the same version of Ferry");

      fail_items (self, chunk, error);
    }
}

/* Whether the chunk failed for a fault of the executor and not of the items. */
static gboolean
was_refused (FerryMapChunk *chunk, const GError *error)
{
  return chunk->n_come == 0 && ferry_task_get_n_attempts (FERRY_TASK (chunk)) == 0 &&
         !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) &&
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
}

/* The worker died. Items before the one that it ran have sent their answers, and items behind it were not begun. */
static void
lose_item (FerryMap *self, FerryMapChunk *chunk, const GError *error)
{
  guint n_come = chunk->n_come;
  gboolean was_there = get_item_place (chunk) < n_come;

  requeue (self, chunk, was_there ? n_come : n_come + 1, FALSE);
  if (!was_there && n_come < chunk->n_items)
    take_result (self, end_item (chunk), NULL, ferry_error_copy (error));
}

static void
chunk_failed (FerryMap *self, FerryMapChunk *chunk, const GError *error)
{
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST))
    lose_item (self, chunk, error);
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE) && chunk->n_items > 1)
    requeue (self, chunk, chunk->n_come, TRUE);
  else
    {
      if (was_refused (chunk, error))
        give_up (self, error);
      fail_items (self, chunk, error);
    }
}

static void
ferry_map_chunk_done (FerryTask *task)
{
  FerryMapChunk *self = FERRY_MAP_CHUNK (task);
  g_autoptr (Hold) map = self->map != NULL ? hold (self->map) : NULL;
  g_autoptr (FerryMapChunk) chunk = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;

  if (map == NULL)
    return;
  result = ferry_task_get_result (task, &error);
  if (error == NULL && self->is_plain)
    take_result (map, end_item (self), result != NULL ? g_variant_ref (result) : NULL, NULL);
  chunk = unlink_chunk (map, self);
  if (error != NULL)
    chunk_failed (map, chunk, error);
  else
    chunk_completed (map, chunk, result);
  figures_changed (map);
  schedule (map);
}

static void
ferry_map_chunk_class_init (FerryMapChunkClass *klass)
{
  FERRY_TASK_CLASS (klass)->message = ferry_map_chunk_message;
  FERRY_TASK_CLASS (klass)->done = ferry_map_chunk_done;
}

static void
ferry_map_chunk_init (FerryMapChunk *self)
{
}

/* ---- Submission ---- */

/* A chunk of requeued items. */
static FerryMapChunk *
make_chunk_again (FerryMap *self)
{
  Range *range = g_queue_peek_head (&self->requeued);
  gsize n = range->singly ? 1 : MIN (range->end - range->begin, get_wanted_size (self));
  FerryMapChunk *chunk = chunk_new_of_range (self, range, n);

  range->begin += n;
  range->first += n;
  if (range->begin == range->end)
    range_free (g_queue_pop_head (&self->requeued));
  return chunk;
}

static FerryMapChunk *
make_chunk (FerryMap *self)
{
  FerryMapChunk *chunk;
  guint size;

  if (!g_queue_is_empty (&self->requeued))
    return make_chunk_again (self);
  size = self->input_ended ? 0 : choose_size (self);
  if (size == 0 || !fill_batch (self, size))
    return NULL;
  chunk = chunk_new_of_items (self, self->n_submitted, (GVariant *const *) self->batch->pdata, self->batch->len);
  self->n_submitted += self->batch->len;
  g_ptr_array_set_size (self->batch, 0);
  return chunk;
}

static void
chunk_refused (FerryMap *self, FerryMapChunk *chunk, const GError *error)
{
  g_autoptr (FerryMapChunk) refused = unlink_chunk (self, chunk);

  /* Wrong arguments are the item's fault, and all else the executor's. */
  if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS))
    give_up (self, error);
  fail_items (self, refused, error);
}

/* The executor has taken the chunk that waited for room, or refuses it. */
static void
room_came (FerryCompletion *submission, gpointer data)
{
  g_autoptr (FerryMapChunk) chunk = ferry_wait_queue_get_key (submission);
  g_autoptr (Hold) self = chunk->map != NULL ? hold (chunk->map) : NULL;
  g_autoptr (GError) error = NULL;

  ferry_completion_take (submission, &error);
  /* The map may have let go of the chunk. */
  if (self == NULL)
    return;
  self->waiting = NULL;
  /* If the map was cancelled meanwhile, so was the chunk, which is not submitted then. */
  if (error != NULL)
    chunk_refused (self, chunk, error);
  schedule (self);
}

/* Chunks of a fixed size may be small. So they are submitted many at a time, when half of them are done: workers are
 * woken seldom, and do not run dry. */
static gboolean
may_have_more_chunks (FerryMap *self)
{
  guint few = CHUNKS_A_WORKER * ferry_pool_get_max_workers (self->pool);
  guint fixed = get_fixed_size (self);

  if (fixed == 0)
    return self->chunks.length < few;
  if (self->chunks.length <= MAX (get_bound (self) / fixed / 2, few))
    self->filling_up = TRUE;
  return self->filling_up;
}

/* Makes a chunk and submits it, or lets it wait for room in the executor. Returns FALSE when there is none to make. */
static gboolean
submit_next (FerryMap *self)
{
  g_autoptr (GError) error = NULL;
  FerryMapChunk *chunk;

  if (!self->started || self->cancelled || self->waiting != NULL || is_dropped (self) || !may_have_more_chunks (self))
    return FALSE;
  chunk = make_chunk (self);
  if (chunk == NULL)
    {
      self->filling_up = FALSE;
      return FALSE;
    }
  g_queue_push_tail_link (&self->chunks, &chunk->link);
  if (ferry_executor_submit_task (self->executor, FERRY_TASK (chunk), &error))
    return TRUE;
  if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    {
      chunk_refused (self, chunk, error);
      return TRUE;
    }
  self->waiting = chunk;
  ferry_executor_submit_when_room (self->executor, FERRY_TASK (g_object_ref (chunk)), room_came);
  return TRUE;
}

/* main: cancels the chunks. For good: the map lets go of them at once. */
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

/* ---- The input ---- */

/**
 * ferry_map_new:
 * @executor: an executor; the map takes part in its order, with tasks of its own
 * @function: the name that the function is registered with in the workers
 * @order: the order of the results
 *
 * Makes a map without items. Any thread.
 *
 * Returns: (transfer full): a new map
 *
 * Since: 0.1
 */
FerryMap *
ferry_map_new (FerryExecutor *executor, const char *function, FerryMapOrder order)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (executor), NULL);
  g_return_val_if_fail (function != NULL && *function != '\0', NULL);

  return g_object_new (FERRY_TYPE_MAP, "executor", executor, "function", function, "order", order, NULL);
}

/* Whether the input may still be chosen. */
static gboolean
is_fresh (FerryMap *self)
{
  return !self->started && !self->input_ended && self->input.kind == FERRY_MAP_INPUT_MANUAL && !self->input.closed;
}

/**
 * ferry_map_set_arguments:
 * @self: a map that was not started, and has no input
 * @arguments: an array or a tuple; each element is the arguments of an item; a floating reference is sunk
 *
 * Sets a container as the input. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_arguments (FerryMap *self, GVariant *arguments)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (is_fresh (self), HAS_INPUT);
  g_return_if_fail (arguments != NULL && g_variant_is_container (arguments));
  ferry_return_if_elsewhere (self->router->home);

  self->input.kind = FERRY_MAP_INPUT_CONTAINER;
  self->input.from = g_variant_ref_sink (arguments);
}

/**
 * ferry_map_set_array:
 * @self: a map that was not started, and has no input
 * @arguments: (element-type GLib.Variant): the arguments of each item, or %NULL for none
 *
 * Sets an array as the input. It must not change until the map is finished. The map takes floating elements, as
 * g_variant_new_array() does: the elements of an array that frees them have to be sunk before. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_array (FerryMap *self, GPtrArray *arguments)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (is_fresh (self), HAS_INPUT);
  g_return_if_fail (arguments != NULL);
  ferry_return_if_elsewhere (self->router->home);

  self->input.kind = FERRY_MAP_INPUT_ARRAY;
  self->input.from = g_ptr_array_ref (arguments);
}

/**
 * ferry_map_set_model:
 * @self: a map that was not started, and has no input
 * @model: a list
 * @func: (scope notified) (closure user_data) (destroy destroy): makes an item's arguments
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data when the input has ended
 *
 * Sets a list as the input. Its items are mapped from the first to the last. The list may change meanwhile: items
 * that are added behind the present one are mapped too, until the end was reached. Indices count the submitted items.
 * On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_model (FerryMap *self, GListModel *model, FerryMapArguments func, gpointer user_data,
                     GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (is_fresh (self), HAS_INPUT);
  g_return_if_fail (G_IS_LIST_MODEL (model));
  g_return_if_fail (func != NULL);
  ferry_return_if_elsewhere (self->router->home);

  ferry_map_input_set_model (&self->input, model, func, user_data, destroy);
}

/**
 * ferry_map_set_source:
 * @self: a map that was not started, and has no input
 * @func: (scope notified) (closure user_data) (destroy destroy): gives the next item's arguments
 * @user_data: data for @func
 * @destroy: (nullable): frees @user_data when the input has ended
 *
 * Sets a function as the input, which returns item after item, and %NULL at the end. It is called only when there is
 * room for one more item. Where it fails, the items before still run, and [property@Ferry.Map:error] is its error. On
 * the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_source (FerryMap *self, FerryMapSource func, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (is_fresh (self), HAS_INPUT);
  g_return_if_fail (func != NULL);
  ferry_return_if_elsewhere (self->router->home);

  self->input.kind = FERRY_MAP_INPUT_SOURCE;
  self->input.source = func;
  self->input.user_data = user_data;
  self->input.destroy = destroy;
}

/* ---- Items that are added ---- */

static guint64
count_in_flight (FerryMap *self)
{
  return self->n_submitted - self->n_taken + self->input.added.length;
}

static gboolean
has_room (FerryMap *self)
{
  return count_in_flight (self) < get_bound (self);
}

/* Whether items may be added. closed: that no more are. */
static gboolean
check_open (FerryMap *self, gboolean closed, GError **error)
{
  if (!check_sound (self, error))
    return FALSE;
  if (!closed && !self->input.closed)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_CLOSED, "The map's input was closed; make another map");
}

static void
add (FerryMap *self, GVariant *arguments)
{
  self->started = TRUE;
  ferry_map_input_add (&self->input, arguments);
}

/* Adds items that wait, as far as there is room. Callbacks run: the caller holds the map. */
static void
serve_adds (FerryMap *self)
{
  while (!ferry_wait_queue_is_empty (&self->adds))
    {
      g_autoptr (FerryCompletion) served = NULL;
      g_autoptr (GError) refusal = NULL;
      gboolean open = check_open (self, FALSE, &refusal);

      if (open && !has_room (self))
        return;
      served = ferry_wait_queue_reserve_next (&self->adds);
      /* The others are being cancelled. */
      if (served == NULL)
        break;
      if (open)
        add (self, ferry_wait_queue_get_key (served));
      ferry_completion_finish_reserved (served, GINT_TO_POINTER (TRUE), NULL, g_steal_pointer (&refusal));
    }
  if (self->closing)
    self->input.closed = TRUE;
}

/* main: submits as many chunks as there is room for. Calls the source, and handlers. */
static void
schedule (FerryMap *self)
{
  g_autoptr (Hold) held G_GNUC_UNUSED = NULL;

  if (self->scheduling)
    {
      self->schedule_again = TRUE;
      return;
    }
  held = hold (self);
  self->scheduling = TRUE;
  do
    {
      self->schedule_again = FALSE;
      serve_adds (self);
      while (submit_next (self))
        ;
    }
  while (self->schedule_again);
  self->scheduling = FALSE;
  check_finished (self);
}

/* Adds an item, if there is room for it and no earlier one waits. */
static gboolean
try_add (FerryMap *self, GVariant *arguments, GError **error)
{
  if (!check_open (self, self->closing, error))
    return FALSE;
  if (!ferry_wait_queue_is_empty (&self->adds) || !has_room (self))
    return ferry_set_error (
      error, FERRY_ERROR_WOULD_BLOCK,
      "The map has %" G_GUINT64_FORMAT " items in flight, and may have %" G_GUINT64_FORMAT
      "; take results first, wait with ferry_map_add_waiting() or ferry_map_add_async(), or raise "
      "FerryMap:max-in-flight",
      count_in_flight (self), get_bound (self));
  add (self, arguments);
  schedule (self);
  return TRUE;
}

/* ---- Start and waiting ---- */

/* Chooses how results are delivered, for good. A critical and FALSE where another way was chosen before. */
static gboolean
choose_mode (FerryMap *self, Mode mode)
{
  if (self->mode == mode)
    return TRUE;
  if (self->mode != MODE_NONE)
    {
      ferry_critical (
        "A map gives its results in one way: by FerryMap::result after ferry_map_start(), by ferry_map_next(), or "
        "by ferry_map_collect(); use one of them, or another map");
      return FALSE;
    }
  self->mode = mode;
  self->started = TRUE;
  deliver (self);
  schedule (self);
  return TRUE;
}

/**
 * ferry_map_start:
 * @self: a map
 *
 * Starts the map, and emits each result as [signal@Ferry.Map::result] when its turn comes. Connect the signals before:
 * a map without items is finished before this returns. To ask for results one by one, call
 * [method@Ferry.Map.next_async] instead; a map gives its results in one way only. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_start (FerryMap *self)
{
  g_autoptr (Hold) held G_GNUC_UNUSED = NULL;

  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_elsewhere (self->router->home);

  held = hold (self);
  choose_mode (self, MODE_EMITTED);
}

/* Whether results are taken while a thread waits for room. */
static gboolean
gives_results (FerryMap *self)
{
  return self->mode == MODE_TAKEN ? self->n_asked > 0 : self->mode != MODE_NONE;
}

/* main: whether the caller may wait here: FERRY_ERROR_BUSY, NOT_RUNNING, WRONG_THREAD. */
static gboolean
may_wait (FerryMap *self, GError **error)
{
  if (!ferry_iterate_check (self->router, error))
    return FALSE;
  if (!self->delivering)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_BUSY,
                          "A handler of the map cannot wait for its results; use the _async form");
}

/* main: iterates the router's context until condition holds: FERRY_ERROR_TIMED_OUT, BUSY, NOT_RUNNING, WRONG_THREAD. */
static gboolean
wait_until (FerryMap *self, FerryCondition condition, gint64 timeout, GError **error)
{
  if (condition (self))
    return TRUE;
  if (!may_wait (self, error))
    return FALSE;
  if (ferry_iterate (self->router, condition, self, timeout))
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_TIMED_OUT, "The map over “%s” was not so far in time; wait longer%s",
                          self->function,
                          self->input_ended ? "" : ", or end its input, such as with ferry_map_close_input()");
}

/**
 * ferry_map_add:
 * @self: a map without another input
 * @arguments: (nullable): the arguments of one more item; a floating reference is sunk
 * @error: return location for an error
 *
 * Adds an item. It runs when there is a worker for it, also before the map is started. Its index is the number of items
 * that were added before. This call never waits. On the router's thread.
 *
 * Fails with %FERRY_ERROR_WOULD_BLOCK, and does not add the item, while [method@Ferry.Map.get_in_flight_limit] items
 * are in flight. Fails with %FERRY_ERROR_CLOSED after [method@Ferry.Map.close_input], with %G_IO_ERROR_CANCELLED after
 * [method@Ferry.Map.cancel], and with [property@Ferry.Map:error] where there is one. To wait for room, call
 * [method@Ferry.Map.add_waiting] or [method@Ferry.Map.add_async].
 *
 * Returns: %TRUE when the item was added
 *
 * Since: 0.1
 */
gboolean
ferry_map_add (FerryMap *self, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) kept G_GNUC_UNUSED = NULL;

  g_return_val_if_fail (FERRY_IS_MAP (self), FALSE);
  ferry_return_val_if_fail (self->input.kind == FERRY_MAP_INPUT_MANUAL, FALSE, NOT_MANUAL);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  return ferry_home_check_error (self->router->home, G_STRFUNC, error) && try_add (self, kept, error);
}

/* Whether try_add() adds an item, or fails for good. */
static gboolean
need_not_wait (gpointer data)
{
  FerryMap *self = data;

  return !check_open (self, self->closing, NULL) || (ferry_wait_queue_is_empty (&self->adds) && has_room (self));
}

static gboolean
wait_for_room (FerryMap *self, gint64 timeout, GError **error)
{
  if (need_not_wait (self))
    return TRUE;
  if (gives_results (self))
    return wait_until (self, need_not_wait, timeout, error);
  return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                          "The map has %" G_GUINT64_FORMAT
                          " items in flight, as many as it may, and nothing takes results while "
                          "this waits; call ferry_map_start() first, or take results with ferry_map_next()",
                          count_in_flight (self));
}

/**
 * ferry_map_add_waiting:
 * @self: a map without another input
 * @arguments: (nullable): the arguments of one more item; a floating reference is sunk
 * @timeout: how long to wait, in microseconds; negative for as long as it takes
 * @error: return location for an error
 *
 * Adds an item, as [method@Ferry.Map.add] does, and waits while there is no room for it. Room comes when results are
 * taken: call [method@Ferry.Map.start], [method@Ferry.Map.next_async] or [method@Ferry.Map.collect_async] before. While
 * it waits, it iterates the router's main context. So this is for tests and console programs; an application uses
 * [method@Ferry.Map.add_async]. On the router's thread.
 *
 * Fails as [method@Ferry.Map.add] does, with %FERRY_ERROR_WOULD_BLOCK only where no results are taken. Also fails with
 * %FERRY_ERROR_TIMED_OUT, with %FERRY_ERROR_BUSY in a callback of its main context, with %FERRY_ERROR_NOT_RUNNING and
 * with %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: %TRUE when the item was added
 *
 * Since: 0.1
 */
gboolean
ferry_map_add_waiting (FerryMap *self, GVariant *arguments, gint64 timeout, GError **error)
{
  g_autoptr (Hold) held G_GNUC_UNUSED = NULL;
  g_autoptr (GVariant) kept G_GNUC_UNUSED = NULL;

  g_return_val_if_fail (FERRY_IS_MAP (self), FALSE);
  ferry_return_val_if_fail (self->input.kind == FERRY_MAP_INPUT_MANUAL, FALSE, NOT_MANUAL);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  if (!ferry_home_check_error (self->router->home, G_STRFUNC, error))
    return FALSE;
  held = hold (self);
  return wait_for_room (self, timeout, error) && try_add (self, kept, error);
}

/**
 * ferry_map_add_async:
 * @self: a map without another input
 * @arguments: (nullable): the arguments of one more item; a floating reference is sunk
 * @cancellable: (nullable): ends the waiting, and the item is not added
 * @callback: (scope async) (closure user_data): called when the item was added
 * @user_data: data for @callback
 *
 * Adds an item, as [method@Ferry.Map.add] does, when there is room for it. Items are added in the order of the calls.
 * The number of calls that wait is not bounded: add the next item in the callback. [method@Ferry.Map.close_input]
 * closes the input behind them. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_add_async (FerryMap *self, GVariant *arguments, GCancellable *cancellable, GAsyncReadyCallback callback,
                     gpointer user_data)
{
  g_autoptr (Hold) held G_GNUC_UNUSED = NULL;
  g_autoptr (FerryCompletion) waiting = NULL;
  g_autoptr (GTask) call = NULL;
  GError *refusal = NULL;

  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (self->input.kind == FERRY_MAP_INPUT_MANUAL, NOT_MANUAL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_elsewhere (self->router->home);

  held = hold (self);
  call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (call, ferry_map_add_async);
  g_task_set_check_cancellable (call, FALSE);
  if (arguments != NULL)
    g_task_set_task_data (call, g_variant_ref_sink (arguments), (GDestroyNotify) g_variant_unref);
  if (!check_open (self, self->closing, &refusal))
    {
      g_task_return_error (call, refusal);
      return;
    }
  waiting = ferry_wait_queue_join (&self->adds, arguments, NULL);
  ferry_completion_return_boolean (waiting, call, G_MAXINT64);
  schedule (self);
}

/**
 * ferry_map_add_finish:
 * @self: a map
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Map.add_async]. Any thread.
 *
 * Fails as [method@Ferry.Map.add] does, except with %FERRY_ERROR_WOULD_BLOCK, and with %G_IO_ERROR_CANCELLED when the
 * waiting was cancelled. The item was not added then.
 *
 * Returns: %TRUE when the item was added
 *
 * Since: 0.1
 */
gboolean
ferry_map_add_finish (FerryMap *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_map_add_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ferry_map_close_input:
 * @self: a map without another input
 *
 * Ends a manual input. Items that wait in [method@Ferry.Map.add_async] are still added. The map is finished when all
 * results are taken. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_close_input (FerryMap *self)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (self->input.kind == FERRY_MAP_INPUT_MANUAL, NOT_MANUAL);
  ferry_return_if_elsewhere (self->router->home);

  self->closing = TRUE;
  if (self->started)
    schedule (self);
  else
    self->input.closed = TRUE;
}

/* ---- Results one by one ---- */

static gboolean
has_news (gpointer data)
{
  FerryMap *self = data;

  return self->finished || has_result (self);
}

/* The map has a result or is finished. At its end: FALSE without an error. */
static gboolean
take (FerryMap *self, guint64 *index, GVariant **value, GError **failure, GError **error)
{
  g_auto (Result) result = {0};

  if (!has_result (self))
    {
      check_sound (self, error);
      return FALSE;
    }
  result = pop_result (self);
  if (index != NULL)
    *index = result.index;
  if (value != NULL)
    *value = g_steal_pointer (&result.value);
  if (failure != NULL)
    *failure = g_steal_pointer (&result.error);
  schedule (self);
  return TRUE;
}

/* Outputs are set in any case. */
static void
clear_outputs (GVariant **value, GError **failure)
{
  if (value != NULL)
    *value = NULL;
  if (failure != NULL)
    *failure = NULL;
}

/**
 * ferry_map_next:
 * @self: a map
 * @timeout: how long to wait, in microseconds; negative for as long as it takes
 * @index: (out) (optional): where the item's index goes
 * @value: (out) (optional) (transfer full) (nullable): where the result goes; %NULL for a function without a result,
 *   and when the item failed
 * @failure: (out) (optional) (transfer full) (nullable): where the item's error goes
 * @error: return location for an error
 *
 * Waits for the next result, and takes it. The first call starts the map. While it waits, it iterates the router's main
 * context. So this is for tests and console programs; an application uses [method@Ferry.Map.next_async]. On the
 * router's thread.
 *
 * An item that failed is a result too: this returns %TRUE then, and sets @failure. At the end it returns %FALSE without
 * an error.
 *
 * After the last result, fails with [property@Ferry.Map:error] where there is one. Fails with %G_IO_ERROR_CANCELLED
 * when the map was cancelled, with %FERRY_ERROR_TIMED_OUT, with %FERRY_ERROR_BUSY in a callback of its main context,
 * with %FERRY_ERROR_NOT_RUNNING and with %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: %TRUE when there is a result
 *
 * Since: 0.1
 */
gboolean
ferry_map_next (FerryMap *self, gint64 timeout, guint64 *index, GVariant **value, GError **failure, GError **error)
{
  g_autoptr (Hold) held G_GNUC_UNUSED = NULL;

  g_return_val_if_fail (FERRY_IS_MAP (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_home_check_error (self->router->home, G_STRFUNC, error))
    return FALSE;
  held = hold (self);
  clear_outputs (value, failure);
  return choose_mode (self, MODE_TAKEN) && wait_until (self, has_news, timeout, error) &&
         take (self, index, value, failure, error);
}

/**
 * ferry_map_next_async:
 * @self: a map
 * @cancellable: (nullable): ends the waiting; the map goes on
 * @callback: (scope async) (closure user_data): called when there is a result, or the end
 * @user_data: data for @callback
 *
 * Waits for the next result. The first call starts the map. While no results are taken, no more than
 * [property@Ferry.Map:max-in-flight] items are taken from the input. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_next_async (FerryMap *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) call = NULL;

  g_return_if_fail (FERRY_IS_MAP (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_elsewhere (self->router->home);

  call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (call, ferry_map_next_async);
  self->n_asked++;
  if (!choose_mode (self, MODE_TAKEN))
    g_task_return_new_error (call, FERRY_ERROR, FERRY_ERROR_BUSY, "The map gives its results in another way");
  else if (has_news (self))
    g_task_return_boolean (call, TRUE);
  else
    ferry_wait_queue_add_task (&self->waits, call);
}

/**
 * ferry_map_next_finish:
 * @self: a map
 * @result: what the callback was given
 * @index: (out) (optional): where the item's index goes
 * @value: (out) (optional) (transfer full) (nullable): where the result goes; %NULL for a function without a result,
 *   and when the item failed
 * @failure: (out) (optional) (transfer full) (nullable): where the item's error goes
 * @error: return location for an error
 *
 * Ends [method@Ferry.Map.next_async], and takes the result. At the end of the map it returns %FALSE without an error.
 * On the router's thread.
 *
 * After the last result, fails with [property@Ferry.Map:error] where there is one. Fails with %G_IO_ERROR_CANCELLED
 * when the waiting or the map was cancelled, with %G_IO_ERROR_PENDING when another call took the result, and with
 * %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: %TRUE when there is a result
 *
 * Since: 0.1
 */
gboolean
ferry_map_next_finish (FerryMap *self, GAsyncResult *result, guint64 *index, GVariant **value, GError **failure,
                       GError **error)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_map_next_async), FALSE);

  clear_outputs (value, failure);
  if (!ferry_home_check_error (self->router->home, G_STRFUNC, error))
    return FALSE;
  self->n_asked--;
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  if (has_news (self))
    return take (self, index, value, failure, error);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                       "Another call took the result; wait for results one call at a time");
  return FALSE;
}

/* ---- All results ---- */

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
 * Starts the map, and collects all of its results. A manual input has to be ended with [method@Ferry.Map.close_input].
 * On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_collect_async (FerryMap *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (Hold) held G_GNUC_UNUSED = NULL;

  g_return_if_fail (FERRY_IS_MAP (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_fail (self->mode == MODE_NONE, STARTED);
  ferry_return_if_elsewhere (self->router->home);

  held = hold (self);
  self->collector = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (self->collector, ferry_map_collect_async);
  g_task_set_check_cancellable (self->collector, FALSE);
  self->collected = g_ptr_array_new_with_free_func (free_value);
  if (cancellable != NULL)
    ferry_watch_cancellable (self->collector, &self->collector_source, "[ferry] cancel a map", collecting_cancelled,
                             self, NULL);
  if (g_cancellable_is_cancelled (cancellable))
    ferry_map_cancel (self);
  else
    choose_mode (self, MODE_COLLECTED);
}

/**
 * ferry_map_collect_finish:
 * @self: a map
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Map.collect_async]. The list is in the order of the items, also for an unordered map. For a
 * function without a result its elements are `()`. Any thread.
 *
 * Fails with the error of the first item that failed, with the item's index before the message; the other items are
 * cancelled then. Fails with [property@Ferry.Map:error] where there is one, and with %G_IO_ERROR_CANCELLED. To get
 * results in spite of failures, use [method@Ferry.Map.next_async].
 *
 * Returns: (transfer full) (element-type GLib.Variant): the results
 *
 * Since: 0.1
 */
GPtrArray *
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
 * @timeout: how long to wait, in microseconds; negative for as long as it takes
 * @error: return location for an error
 *
 * Starts the map, and waits for all of its results, as `pmap` of other libraries does. While it waits, it iterates the
 * router's main context. So this is for tests and console programs; an application uses
 * [method@Ferry.Map.collect_async]. On the router's thread.
 *
 * Fails as [method@Ferry.Map.collect_finish] does. Fails with %FERRY_ERROR_TIMED_OUT, and the map is cancelled then.
 * Fails with %FERRY_ERROR_BUSY in a callback of its main context, with %FERRY_ERROR_NOT_RUNNING and with
 * %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: (transfer full) (element-type GLib.Variant): the results, in the order of the items
 *
 * Since: 0.1
 */
GPtrArray *
ferry_map_collect (FerryMap *self, gint64 timeout, GError **error)
{
  g_autoptr (FerryMap) kept G_GNUC_UNUSED = NULL;

  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);
  ferry_return_val_if_fail (self->mode == MODE_NONE, NULL, STARTED);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_home_check_error (self->router->home, G_STRFUNC, error))
    return NULL;
  /* No Hold: the map goes on, also if a handler drops the application's reference. */
  kept = g_object_ref (self);
  if (!may_wait (self, error))
    return NULL;
  self->collected = g_ptr_array_new_with_free_func (free_value);
  choose_mode (self, MODE_COLLECTED);
  if (wait_until (self, is_finished, timeout, error))
    return take_collected (self, error);
  /* Items that still run are not waited for. */
  ferry_map_cancel (self);
  g_clear_pointer (&self->collected, g_ptr_array_unref);
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
 * Cancels the map. No more items are taken from its input, and results that were not taken are dropped. Items that wait
 * are not begun, and items that run are cancelled as by [method@Ferry.Task.cancel]. When all of them have ended,
 * [signal@Ferry.Map::finished] is emitted. Any thread may call this; another than the router's asks that thread to
 * cancel the map.
 *
 * Since: 0.1
 */
void
ferry_map_cancel (FerryMap *self)
{
  g_autoptr (Hold) held G_GNUC_UNUSED = NULL;

  g_return_if_fail (FERRY_IS_MAP (self));

  if (!ferry_home_is_own (self->router->home))
    {
      /* Relaxed: the context orders what comes before and after. */
      if (!atomic_exchange_explicit (&self->asked, TRUE, memory_order_relaxed))
        ferry_home_invoke (self->router->home, cancel_asked, g_object_ref (self), g_object_unref);
      return;
    }
  if (self->cancelled || self->finished)
    return;
  held = hold (self);
  self->cancelled = TRUE;
  end_input (self);
  clear_results (self);
  drop_chunks (self, FALSE);
  serve_adds (self);
  check_finished (self);
}

/* ---- Settings and getters ---- */

/**
 * ferry_map_set_chunk_size:
 * @self: a map
 * @chunk_size: how many items a worker is given at a time, at most 65536; 0 for as many as take some milliseconds
 *
 * Sets [property@Ferry.Map:chunk-size], for chunks that are made later. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_chunk_size (FerryMap *self, guint chunk_size)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  g_return_if_fail (chunk_size <= MAX_CHUNK_SIZE);
  ferry_return_if_elsewhere (self->router->home);

  if (self->chunk_size == chunk_size)
    return;
  self->chunk_size = chunk_size;
  notify (self, PROP_CHUNK_SIZE);
}

/**
 * ferry_map_set_max_in_flight:
 * @self: a map
 * @max_in_flight: how many items may be in flight; 0 for as many as keep the workers busy
 *
 * Sets [property@Ferry.Map:max-in-flight], at any time. A lower number does not change what is in flight already. On
 * the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_max_in_flight (FerryMap *self, guint max_in_flight)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  g_return_if_fail (max_in_flight <= G_MAXINT);
  ferry_return_if_elsewhere (self->router->home);

  if (self->max_in_flight == max_in_flight)
    return;
  self->max_in_flight = max_in_flight;
  notify (self, PROP_MAX_IN_FLIGHT);
  if (self->started)
    schedule (self);
}

/**
 * ferry_map_set_run_timeout:
 * @self: a map that was not started, and to which no item was added
 * @timeout: in microseconds; 0, the default, for no limit
 *
 * Sets how long an item may run, as [method@Ferry.Task.set_run_timeout] does for a task. When the time is over, the
 * item fails with %FERRY_ERROR_TIMED_OUT at once, and the others go on. The worker is asked to stop, and is killed if
 * it does not. Items with a limit are sent to workers one by one, whatever [property@Ferry.Map:chunk-size] says. On the
 * router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_run_timeout (FerryMap *self, gint64 timeout)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (!self->started, "the map has begun; set the limit before ferry_map_start() or the first item");
  g_return_if_fail (timeout >= 0);
  ferry_return_if_elsewhere (self->router->home);

  self->run_timeout = timeout;
}

/**
 * ferry_map_set_priority:
 * @self: a map
 * @priority: the priority of the map's chunks
 *
 * Sets [property@Ferry.Map:priority], for chunks that are made later. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_priority (FerryMap *self, int priority)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->priority == priority)
    return;
  self->priority = priority;
  notify (self, PROP_PRIORITY);
}

/**
 * ferry_map_get_executor:
 * @self: a map
 *
 * Gets [property@Ferry.Map:executor]. Any thread.
 *
 * Returns: (transfer none): the executor
 *
 * Since: 0.1
 */
FerryExecutor *
ferry_map_get_executor (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);

  return self->executor;
}

/**
 * ferry_map_get_function:
 * @self: a map
 *
 * Gets [property@Ferry.Map:function]. Any thread.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
ferry_map_get_function (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);

  return self->function;
}

/**
 * ferry_map_get_order:
 * @self: a map
 *
 * Gets [property@Ferry.Map:order]. Any thread.
 *
 * Returns: the order
 *
 * Since: 0.1
 */
FerryMapOrder
ferry_map_get_order (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), FERRY_MAP_ORDERED);

  return self->order;
}

/**
 * ferry_map_get_chunk_size:
 * @self: a map
 *
 * Gets [property@Ferry.Map:chunk-size]. On the router's thread.
 *
 * Returns: the number of items, or 0
 *
 * Since: 0.1
 */
guint
ferry_map_get_chunk_size (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->chunk_size;
}

/**
 * ferry_map_get_max_in_flight:
 * @self: a map
 *
 * Gets [property@Ferry.Map:max-in-flight]. On the router's thread.
 *
 * Returns: the number of items, or 0
 *
 * Since: 0.1
 */
guint
ferry_map_get_max_in_flight (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->max_in_flight;
}

/**
 * ferry_map_get_in_flight_limit:
 * @self: a map
 *
 * Gets how many items may be in flight at present: [property@Ferry.Map:max-in-flight], or the default where that is 0.
 * The default changes with the time that items take, and with the number of workers. On the router's thread.
 *
 * Returns: the number of items
 *
 * Since: 0.1
 */
guint64
ferry_map_get_in_flight_limit (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return get_bound (self);
}

/**
 * ferry_map_get_n_in_flight:
 * @self: a map
 *
 * Gets how many items are in flight: they were added or taken from the input, and their results are not taken yet. One
 * more can be added while the number is less than [method@Ferry.Map.get_in_flight_limit] and no call of
 * [method@Ferry.Map.add_async] waits. On the router's thread.
 *
 * Returns: the number of items
 *
 * Since: 0.1
 */
guint64
ferry_map_get_n_in_flight (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return count_in_flight (self);
}

/**
 * ferry_map_get_priority:
 * @self: a map
 *
 * Gets [property@Ferry.Map:priority]. On the router's thread.
 *
 * Returns: the priority
 *
 * Since: 0.1
 */
int
ferry_map_get_priority (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->priority;
}

/**
 * ferry_map_get_n_submitted:
 * @self: a map
 *
 * Gets [property@Ferry.Map:n-submitted]. On the router's thread.
 *
 * Returns: the number of items
 *
 * Since: 0.1
 */
guint64
ferry_map_get_n_submitted (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->n_submitted;
}

/**
 * ferry_map_get_n_done:
 * @self: a map
 *
 * Gets [property@Ferry.Map:n-done]. On the router's thread.
 *
 * Returns: the number of items
 *
 * Since: 0.1
 */
guint64
ferry_map_get_n_done (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->n_come;
}

/**
 * ferry_map_get_n_failed:
 * @self: a map
 *
 * Gets [property@Ferry.Map:n-failed]. On the router's thread.
 *
 * Returns: the number of items
 *
 * Since: 0.1
 */
guint64
ferry_map_get_n_failed (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->n_failed;
}

/**
 * ferry_map_get_finished:
 * @self: a map
 *
 * Gets [property@Ferry.Map:finished]. On the router's thread.
 *
 * Returns: %TRUE when the map is finished
 *
 * Since: 0.1
 */
gboolean
ferry_map_get_finished (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), FALSE);
  ferry_return_val_if_elsewhere (self->router->home, FALSE);

  return self->finished;
}

/**
 * ferry_map_get_error:
 * @self: a map
 *
 * Gets [property@Ferry.Map:error]. On the router's thread.
 *
 * Returns: (transfer none) (nullable): the error
 *
 * Since: 0.1
 */
const GError *
ferry_map_get_error (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);
  ferry_return_val_if_elsewhere (self->router->home, NULL);

  return self->error;
}

/**
 * ferry_map_get_fraction:
 * @self: a map
 *
 * Gets [property@Ferry.Map:fraction]. On the router's thread.
 *
 * Returns: from 0 to 1; negative while the number of items is not known
 *
 * Since: 0.1
 */
double
ferry_map_get_fraction (FerryMap *self)
{
  guint64 rest;

  g_return_val_if_fail (FERRY_IS_MAP (self), -1);
  ferry_return_val_if_elsewhere (self->router->home, -1);

  rest = self->input_ended ? 0 : ferry_map_input_get_rest (&self->input);
  if (rest == G_MAXUINT64)
    return -1;
  return self->n_submitted + rest > 0 ? (double) self->n_come / (double) (self->n_submitted + rest) : 1;
}

/* ---- Properties and signals ---- */

static void
ferry_map_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  static const GCallback getters[N_PROPERTIES] = {
    [PROP_EXECUTOR] = G_CALLBACK (ferry_map_get_executor),
    [PROP_FUNCTION] = G_CALLBACK (ferry_map_get_function),
    [PROP_ORDER] = G_CALLBACK (ferry_map_get_order),
    [PROP_CHUNK_SIZE] = G_CALLBACK (ferry_map_get_chunk_size),
    [PROP_MAX_IN_FLIGHT] = G_CALLBACK (ferry_map_get_max_in_flight),
    [PROP_PRIORITY] = G_CALLBACK (ferry_map_get_priority),
    [PROP_N_SUBMITTED] = G_CALLBACK (ferry_map_get_n_submitted),
    [PROP_N_DONE] = G_CALLBACK (ferry_map_get_n_done),
    [PROP_N_FAILED] = G_CALLBACK (ferry_map_get_n_failed),
    [PROP_FRACTION] = G_CALLBACK (ferry_map_get_fraction),
    [PROP_FINISHED] = G_CALLBACK (ferry_map_get_finished),
    [PROP_ERROR] = G_CALLBACK (ferry_map_get_error),
  };

  ferry_property_get (object, getters[property_id], value);
}

static void
ferry_map_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryMap *self = FERRY_MAP (object);

  switch (property_id)
    {
    case PROP_EXECUTOR:
      self->executor = g_value_dup_object (value);
      self->pool = ferry_executor_get_pool (self->executor);
      self->router = ferry_pool_get_router (self->pool);
      self->timers = self->router->timers;
      break;
    case PROP_FUNCTION:
      self->function = g_value_dup_string (value);
      self->entry = self->function != NULL ? ferry_function_find (self->function) : NULL;
      break;
    case PROP_ORDER:
      self->order = (FerryMapOrder) g_value_get_enum (value);
      break;
    case PROP_CHUNK_SIZE:
      ferry_map_set_chunk_size (self, g_value_get_uint (value));
      break;
    case PROP_MAX_IN_FLIGHT:
      ferry_map_set_max_in_flight (self, g_value_get_uint (value));
      break;
    case PROP_PRIORITY:
      ferry_map_set_priority (self, g_value_get_int (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
install_settings (void)
{
  /**
   * FerryMap:executor:
   *
   * The executor that runs the map's chunks.
   *
   * Since: 0.1
   */
  properties[PROP_EXECUTOR] = g_param_spec_object ("executor", NULL, NULL, FERRY_TYPE_EXECUTOR, AT_START);
  /**
   * FerryMap:function:
   *
   * The name of the function that is applied to the items.
   *
   * Since: 0.1
   */
  properties[PROP_FUNCTION] = g_param_spec_string ("function", NULL, NULL, NULL, AT_START);
  /**
   * FerryMap:order:
   *
   * The order of the results.
   *
   * Since: 0.1
   */
  properties[PROP_ORDER] = g_param_spec_enum ("order", NULL, NULL, FERRY_TYPE_MAP_ORDER, FERRY_MAP_ORDERED, AT_START);
  /**
   * FerryMap:chunk-size:
   *
   * How many items a chunk has; 0, the default, for as many as take some milliseconds, as items took so far. Then the
   * first chunk has one item, and at the end chunks become smaller so that no worker is idle.
   *
   * Since: 0.1
   */
  properties[PROP_CHUNK_SIZE] = g_param_spec_uint ("chunk-size", NULL, NULL, 0, MAX_CHUNK_SIZE, 0, WRITABLE);
  /**
   * FerryMap:max-in-flight:
   *
   * How many items may be in flight: taken from the input, and their results not taken yet. By default 0, which stands
   * for 128 items for each worker, or for 8 chunks for each worker where that is more. The number of workers is
   * [property@Ferry.Pool:max-workers]. [method@Ferry.Map.get_in_flight_limit] gets the present limit.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_IN_FLIGHT] = g_param_spec_uint ("max-in-flight", NULL, NULL, 0, G_MAXINT, 0, WRITABLE);
  /**
   * FerryMap:priority:
   *
   * The priority of the map's chunks among the executor's tasks; higher ones come first.
   *
   * Since: 0.1
   */
  properties[PROP_PRIORITY] = g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, WRITABLE);
}

static void
install_figures (void)
{
  /**
   * FerryMap:n-submitted:
   *
   * How many items were submitted. Notified at most once a turn of the main loop, as the other figures are.
   *
   * Since: 0.1
   */
  properties[PROP_N_SUBMITTED] = g_param_spec_uint64 ("n-submitted", NULL, NULL, 0, G_MAXUINT64, 0, READABLE);
  /**
   * FerryMap:n-done:
   *
   * How many items have ended, failed ones included.
   *
   * Since: 0.1
   */
  properties[PROP_N_DONE] = g_param_spec_uint64 ("n-done", NULL, NULL, 0, G_MAXUINT64, 0, READABLE);
  /**
   * FerryMap:n-failed:
   *
   * How many items failed.
   *
   * Since: 0.1
   */
  properties[PROP_N_FAILED] = g_param_spec_uint64 ("n-failed", NULL, NULL, 0, G_MAXUINT64, 0, READABLE);
  /**
   * FerryMap:fraction:
   *
   * How many of all items have ended, from 0 to 1; negative while the number of items is not known.
   *
   * Since: 0.1
   */
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, -1, 1, -1, READABLE);
  /**
   * FerryMap:finished:
   *
   * Whether the map has ended; see [signal@Ferry.Map::finished].
   *
   * Since: 0.1
   */
  properties[PROP_FINISHED] = g_param_spec_boolean ("finished", NULL, NULL, FALSE, READABLE);
  /**
   * FerryMap:error:
   *
   * Why the input was not read to its end: the source's error, or that of an executor that takes no more tasks.
   * Notified when the map is finished.
   *
   * Since: 0.1
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, READABLE);
}

static void
install_properties (GObjectClass *object_class)
{
  object_class->get_property = ferry_map_get_property;
  object_class->set_property = ferry_map_set_property;
  install_settings ();
  install_figures ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
install_signals (GObjectClass *object_class)
{
  GType type = G_TYPE_FROM_CLASS (object_class);

  /**
   * FerryMap::result:
   * @self: the map
   * @index: the item's number in the order of submission, from 0 on
   * @value: (nullable): the function's result; %NULL for a function without a result, and when it failed
   * @error: (nullable): why the item failed
   *
   * Emitted once for each item of a map that was started with [method@Ferry.Map.start]. The value comes from another
   * process: check its type before use, unless this program has registered the function too. Nothing is emitted after
   * [method@Ferry.Map.cancel].
   *
   * Since: 0.1
   */
  signals[SIGNAL_RESULT] =
    g_signal_new ("result", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, ferry_marshal_VOID__UINT64_VARIANT_BOXED,
                  G_TYPE_NONE, 3, G_TYPE_UINT64, G_TYPE_VARIANT, G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);
  g_signal_set_va_marshaller (signals[SIGNAL_RESULT], type, ferry_marshal_VOID__UINT64_VARIANT_BOXEDv);
  /**
   * FerryMap::finished:
   * @self: the map
   *
   * Emitted once, as the last signal of a map. All items have ended and all results were taken; or the map was
   * cancelled, and none of its items runs.
   *
   * Since: 0.1
   */
  signals[SIGNAL_FINISHED] =
    g_signal_new ("finished", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, g_cclosure_marshal_VOID__VOID, G_TYPE_NONE, 0);
  g_signal_set_va_marshaller (signals[SIGNAL_FINISHED], type, g_cclosure_marshal_VOID__VOIDv);
}

/* ---- Life cycle ---- */

static void
ferry_map_dispose (GObject *object)
{
  FerryMap *self = FERRY_MAP (object);

  self->cancelled = TRUE;
  ferry_timers_unset (self->timers, &self->notify_timer);
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
  ferry_wait_queue_clear (&self->adds);
  g_clear_pointer (&self->batch, g_ptr_array_unref);
  g_clear_pointer (&self->collected, g_ptr_array_unref);
  g_clear_error (&self->collect_error);
  g_clear_error (&self->error);
  g_clear_object (&self->executor);
  g_free (self->function);

  G_OBJECT_CLASS (ferry_map_parent_class)->finalize (object);
}

static void
ferry_map_class_init (FerryMapClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_map_dispose;
  object_class->finalize = ferry_map_finalize;
  install_properties (object_class);
  install_signals (object_class);
}

static void
ferry_map_init (FerryMap *self)
{
  ferry_wait_queue_init (&self->waits);
  ferry_wait_queue_init (&self->adds);
}

/* ---- For tests ---- */

gsize
ferry_map_get_n_places (FerryMap *self)
{
  return self->n_places;
}

const GQueue *
ferry_map_get_chunks (FerryMap *self)
{
  return &self->chunks;
}
