/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The map's inside: where items come from, the chunks that are under way, and the results that nobody took yet.
 *
 * An item goes: input → chunk → worker → place among the results → whoever takes it. From its submission on it has an
 * index, and until it was taken it counts as in flight, so that one bound holds for all of it: arguments that wait,
 * items that run, results that wait for an earlier one, and results that nobody takes.
 *
 * Owner:   counted references; none of its own, so that the last one that goes cancels what is under way.
 * Threads: the router's. */

#pragma once

#include "base/ferry-timers-private.h"
#include "task/ferry-map-input-private.h"
#include "task/ferry-map.h"
#include "task/ferry-task-private.h"
#include "worker/ferry-function-private.h"

G_BEGIN_DECLS

#define FERRY_MAP_MAX_CHUNK_SIZE 65536

/* Who gets the results. */
typedef enum
{
  FERRY_MAP_MODE_NONE, /* not said yet */
  FERRY_MAP_MODE_EMITTED,
  FERRY_MAP_MODE_TAKEN,
  FERRY_MAP_MODE_COLLECTED,
} FerryMapMode;

typedef struct
{
  guint64 index;
  GVariant *value; /* (owned) (nullable) */
  GError *error;   /* (owned) (nullable) */
  gboolean is_there;
} FerryMapResult;

/* Items that were submitted, and have to be once more. */
typedef struct
{
  guint64 first;   /* index of the first */
  GVariant *items; /* (owned): as in a chunk, maybe with others before and behind */
  gsize begin;     /* of the range within items */
  gsize end;
  gboolean singly;
} FerryMapRange;

struct _FerryMap
{
  GObject parent_instance;

  FerryHome *home;                 /* const: (owned): of the executor's tasks */
  _Atomic gboolean asked;          /* any: another thread asked for the cancel */
  FerryExecutor *executor;         /* const: (owned) */
  char *function;                  /* const */
  FerryMapOrder order;             /* const */
  const FerryFunctionEntry *entry; /* (nullable): what this program knows of the function */
  guint chunk_size;                /* 0: automatic */
  guint max_in_flight;             /* 0: automatic */
  gint64 run_timeout;              /* of an item, in microseconds; 0: none */
  int priority;

  /* In ferry-map-feed.c. */
  FerryMapInput input;
  GQueue chunks;      /* (element-type FerryMapChunk) (owned), by their links: submitted and not done */
  GQueue again;       /* (element-type FerryMapRange) (owned) */
  GPtrArray *batch;   /* (owned) (element-type GVariant): of the chunk that is being made; NULL for no arguments */
  double item_time;   /* of late, in microseconds; 0: not known */
  guint largest_size; /* of a chunk that was measured */
  guint64 n_submitted;
  gboolean feeding; /* results may be given, and the source asked */
  gboolean pumping;
  gboolean pulling; /* the input is being asked, and has to stay */
  gboolean pump_again;
  gboolean filling_up;     /* see may_have_more_chunks() */
  gboolean waits_for_room; /* in the executor */
  gboolean input_ended;

  /* In ferry-map.c. */
  GQueue adds;      /* (element-type MapAdd) (owned): calls of add_async() that wait for room, in order */
  gboolean closing; /* the input is closed behind them */

  /* In ferry-map-results.c. */
  FerryMapMode mode;
  FerryMapResult *places; /* (owned): a ring; place i is that of item i, or of the i-th that came */
  gsize n_places;         /* 0 or a power of two */
  guint64 n_come;
  guint64 n_taken;
  guint64 n_failed;
  gboolean delivering;
  guint n_asked;             /* calls of next_async() that were not finished */
  GPtrArray *waiters;        /* (nullable) (element-type FerryWaiter): calls that wait for a result or the end */
  GTask *collector;          /* (owned) (nullable) */
  GPtrArray *collected;      /* (owned) (nullable) (element-type GVariant) */
  GSource *collector_source; /* (owned) (nullable): of the collector's cancellable */
  GError *collect_error;     /* (owned) (nullable): of the first item that failed */

  gboolean cancelled;
  gboolean finished;
  FerryTimer notify_timer; /* set: the figures changed, and nobody was told */
  gint n_holds;            /* references that are our own, see FerryMapHold */
  GError *error;           /* (owned) (nullable): why there were no more items */
};

typedef enum
{
  FERRY_MAP_PROP_EXECUTOR = 1,
  FERRY_MAP_PROP_FUNCTION,
  FERRY_MAP_PROP_ORDER,
  FERRY_MAP_PROP_CHUNK_SIZE,
  FERRY_MAP_PROP_MAX_IN_FLIGHT,
  FERRY_MAP_PROP_PRIORITY,
  FERRY_MAP_PROP_N_SUBMITTED,
  FERRY_MAP_PROP_N_DONE,
  FERRY_MAP_PROP_N_FAILED,
  FERRY_MAP_PROP_FRACTION,
  FERRY_MAP_PROP_FINISHED,
  FERRY_MAP_PROP_ERROR,
  FERRY_MAP_N_PROPERTIES,
} FerryMapProperty;

/* A reference for as long as handlers run, that keeps nothing going: where only such are left, the application has
 * dropped the map, and nothing more is emitted or asked for. */
typedef FerryMap FerryMapHold;

static inline FerryMapHold *
ferry_map_hold (FerryMap *self)
{
  self->n_holds++;
  return g_object_ref (self);
}

static inline void
ferry_map_release (FerryMapHold *self)
{
  self->n_holds--;
  g_object_unref (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryMapHold, ferry_map_release)

static inline gboolean
ferry_map_is_dropped (FerryMap *self)
{
  return g_atomic_int_get ((gint *) &G_OBJECT (self)->ref_count) <= self->n_holds;
}

/* How many items a chunk has, where that is said; else 0. A limit in time is a task's, so that such items are one each.
 */
static inline guint
ferry_map_get_fixed_size (FerryMap *self)
{
  return self->run_timeout > 0 ? 1 : self->chunk_size;
}

/* In ferry-map.c. */
guint64 ferry_map_count_in_flight (FerryMap *self);
/* Adds what waits for room, as far as there is some. Callbacks run: the caller holds the map. */
void ferry_map_serve_adds (FerryMap *self);

/* In ferry-map-properties.c. */
void ferry_map_install_properties (GObjectClass *object_class);
void ferry_map_notify (FerryMap *self, FerryMapProperty property);
/* The figures that change with each item: told once a turn of the main loop, or now. */
void ferry_map_figures_changed (FerryMap *self);
void ferry_map_notify_figures (FerryMap *self);

/* In ferry-map-results.c. */
void ferry_map_install_signals (GObjectClass *object_class);
gboolean ferry_map_has_result (FerryMap *self);
/* An item has come to its end. Takes value and error, both (nullable). Handlers run: the caller holds the map. */
void ferry_map_take_result (FerryMap *self, guint64 index, GVariant *value, GError *error);
void ferry_map_clear_results (FerryMap *self);
/* Says that the map is finished, if it is. Handlers run: the caller holds the map. */
void ferry_map_check_finished (FerryMap *self);

/* Has results given in that way from now on. A critical and FALSE when another way was chosen. */
gboolean ferry_map_choose_mode (FerryMap *self, FerryMapMode mode);
/* Whether results are taken while a thread waits for something else. */
gboolean ferry_map_gives_results (FerryMap *self);
/* Whether this is the place to wait: FERRY_ERROR_BUSY, NOT_RUNNING, WRONG_THREAD. */
gboolean ferry_map_may_wait (FerryMap *self, GError **error);
/* Iterates the router's context until condition holds: FERRY_ERROR_TIMED_OUT, BUSY, NOT_RUNNING, WRONG_THREAD. */
gboolean ferry_map_wait (FerryMap *self, FerryCondition condition, gint64 timeout, GError **error);

/* In ferry-map-collect.c. */
void ferry_map_collect_result (FerryMap *self, FerryMapResult *result);
void ferry_map_finish_collecting (FerryMap *self);

/* In ferry-map-feed.c. */
void ferry_map_pump (FerryMap *self);
void ferry_map_end_input (FerryMap *self);
/* How many items may be in flight, as things are. */
guint64 ferry_map_get_bound (FerryMap *self);
guint ferry_map_get_automatic_size (FerryMap *self);
/* main: a chunk is over. error (nullable): of the chunk as a whole; took: microseconds, negative when nobody knows. */
void ferry_map_chunk_completed (FerryMap *self, gpointer chunk, gint64 took);
void ferry_map_chunk_failed (FerryMap *self, gpointer chunk, const GError *error);
void ferry_map_range_free (FerryMapRange *range);
void ferry_map_drop_chunks (FerryMap *self, gboolean for_good);

G_END_DECLS
