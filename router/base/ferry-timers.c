/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Timers of one main context: a heap of embedded timers inside a GSource, for the earliest one. Setting a timer
 * allocates no memory, unless the heap grows.
 *
 * Timers are of two kinds. A pace says when this side does something next. A limit says how long another side may take.
 * Before limits that are over are applied, what had come by then is dispatched, and may unset some of them. The time
 * for which the process was stopped does not count: see FerryLimitClock.
 *
 * Most deadlines are moved or unset before they pass. So an earlier deadline changes the time when the source is ready
 * at once. A later deadline changes it only when the source is next dispatched. The source may wake once for a deadline
 * that was unset, but for none that was dropped.
 *
 * The source has no ready time that GLib knows: it says before each sleep of the context how long that may be.
 *
 * The source of limits also wakes where the clock of the limits wants a look. When a limit is over, the timers ask
 * whether all that had come by then is dispatched. What is over by then is applied when it is.
 *
 * Owner:     of paces, the router. The limits of a context are shared, as those of its mailbox are.
 * Threads:   the context's.
 * Invariant: while no dispatch is running, ready_at is not later than the first deadline; for limits it is the end of
 *            the clock's sleep. */

#include "config.h"

#include "base/ferry-timers-private.h"

#include "base/ferry-deadlines-private.h"
#include "base/ferry-limit-clock-private.h"

#include <pthread.h>

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"

#define NEVER G_MAXINT64

/* How often it is asked whether limits can be applied, in microseconds, where ferry_timers_look() is not called. */
#define ASK_INTERVAL (100 * FERRY_MICROSECONDS_PER_MILLISECOND)

typedef struct
{
  FerrySettledFunc is_settled;
  gpointer data;
} SettledFunc;

struct _FerryTimers
{
  FerryWorkSource work;
  FerryDeadlines deadlines;
  gint64 ready_at; /* when the source is ready; NEVER: it is not */
  gboolean dispatching;
  GMainContext *context; /* const: (unowned) (nullable): whose limits these are; NULL for paces */
  GArray *settled_funcs; /* lock: (owned) (nullable) (element-type SettledFunc): of limits */
  FerryLimitClock clock;
  gint64 asked_at;      /* when it was asked whether all that had come is dispatched; 0: it is not asked */
  gint64 settled_until; /* what was over by then can be applied */
};

/* any: (element-type GMainContext FerryTimers): keys and values unowned; the limits of each context */
static GHashTable *table;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
set_ready_at (FerryTimers *self, gint64 deadline)
{
  self->ready_at = deadline;
  ferry_work_source_wake (&self->work);
}

static void
run_first (FerryTimers *self)
{
  /* The deadline is the timer's first member. */
  FerryTimer *timer = (FerryTimer *) ferry_deadlines_peek (&self->deadlines);

  ferry_deadlines_unset (&self->deadlines, &timer->deadline);
  timer->func (timer->data);
}

static gint64
get_first_deadline (const FerryTimers *self)
{
  const FerryDeadline *first = ferry_deadlines_peek (&self->deadlines);

  return first != NULL ? first->time : NEVER;
}

gint64
ferry_timers_get_first (const FerryTimers *self)
{
  return self->context != NULL ? self->ready_at : get_first_deadline (self);
}

/* Moves all limits by the time that does not count. Returns the monotonic time. */
static gint64
look_at_clock (FerryTimers *self)
{
  gint64 time = ferry_limit_clock_look (&self->clock);
  gint64 lost = ferry_limit_clock_catch_up (&self->clock);

  if (G_LIKELY (lost == 0))
    return time;
  ferry_deadlines_move (&self->deadlines, lost);
  /* What was over when it was asked, still was. */
  self->asked_at += self->asked_at != 0 ? lost : 0;
  self->settled_until = ferry_time_add (self->settled_until, lost);
  return time + lost;
}

/* Asks each func, as each is to begin. */
static gboolean
is_settled (FerryTimers *self)
{
  gboolean all = TRUE;
  FERRY_AUTO_LOCK (&lock);

  for (guint i = 0; i < self->settled_funcs->len; i++)
    {
      const SettledFunc *func = &g_array_index (self->settled_funcs, SettledFunc, i);

      all = func->is_settled (func->data, self->asked_at == 0) && all;
    }
  return all;
}

static gboolean
is_first_due (FerryTimers *self, gint64 now)
{
  gint64 first;

  if (self->context != NULL)
    now = look_at_clock (self);
  first = get_first_deadline (self);
  if (first > now || self->context == NULL || first <= self->settled_until)
    return first <= now;
  if (!is_settled (self))
    {
      self->asked_at = self->asked_at != 0 ? self->asked_at : now;
      return FALSE;
    }
  self->settled_until = self->asked_at != 0 ? self->asked_at : now;
  self->asked_at = 0;
  return first <= self->settled_until;
}

/* Sets when the source wakes next. keeps: leaves an earlier time as it is. */
static void
sleep_on (FerryTimers *self, gboolean keeps)
{
  FerryLimitClock clock = self->clock;
  gint64 until = get_first_deadline (self);

  if (self->context != NULL)
    until = ferry_limit_clock_sleep (&clock, self->asked_at != 0 ? ferry_deadline_after (ASK_INTERVAL) : until);
  if (keeps && until >= self->ready_at)
    return;
  self->clock = clock;
  set_ready_at (self, until);
}

static gboolean
is_ready (FerryWorkSource *work, int *timeout)
{
  FerryTimers *self = (FerryTimers *) work;
  const gint64 now = g_source_get_time (&work->source);

  if (self->ready_at <= now)
    return TRUE;
  if (self->ready_at != NEVER)
    *timeout = (int) MIN ((self->ready_at - now - 1) / FERRY_MICROSECONDS_PER_MILLISECOND + 1, G_MAXINT);
  return FALSE;
}

static gboolean
timers_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  FerryTimers *self = (FerryTimers *) source;
  gint64 now = g_source_get_time (source);
  /* At most the number of timers that are set now. If a timer sets itself to a time in the past, the context can
   * dispatch other sources before that timer runs again. */
  guint left = ferry_deadlines_get_n (&self->deadlines);

  self->dispatching = TRUE;
  for (; left > 0 && is_first_due (self, now); left--)
    {
      run_first (self);
      /* The timer's func may have freed self. The context keeps the source until this function returns. */
      if (g_source_is_destroyed (source))
        return G_SOURCE_REMOVE;
    }
  self->dispatching = FALSE;
  sleep_on (self, FALSE);
  return G_SOURCE_CONTINUE;
}

static void
timers_finalize (GSource *source)
{
  FerryTimers *self = (FerryTimers *) source;

  ferry_deadlines_clear (&self->deadlines);
  if (self->context == NULL)
    return;
  g_array_unref (self->settled_funcs);
  FERRY_AUTO_LOCK (&lock);
  if (g_hash_table_lookup (table, self->context) == self)
    g_hash_table_remove (table, self->context);
}

static GSourceFuncs timers_funcs = {ferry_work_source_prepare, ferry_work_source_check, timers_dispatch,
                                    timers_finalize};

/* Returns (transfer full) timers for the thread that runs context. NULL: the global default context. */
FerryTimers *
ferry_timers_new (GMainContext *context)
{
  FerryTimers *self = (FerryTimers *) g_source_new (&timers_funcs, sizeof (FerryTimers));

  self->work.look = is_ready;
  ferry_deadlines_init (&self->deadlines);
  self->ready_at = NEVER;
  self->settled_until = G_MININT64;
  ferry_limit_clock_begin (&self->clock, -1);
  g_source_set_static_name (&self->work.source, "[ferry] timers");
  g_source_attach (&self->work.source, context);
  return self;
}

FerryTimers *
ferry_timers_ref_limits_of (GMainContext *context)
{
  FerryTimers *self;
  FERRY_AUTO_LOCK (&lock);

  if (table == NULL)
    table = g_hash_table_new (NULL, NULL);
  self = g_hash_table_lookup (table, context);
  if (self != NULL)
    return (FerryTimers *) g_source_ref (&self->work.source);
  self = ferry_timers_new (context);
  g_source_set_static_name (&self->work.source, "[ferry] limits");
  self->context = context;
  self->settled_funcs = g_array_new (FALSE, FALSE, sizeof (SettledFunc));
  g_hash_table_insert (table, context, self);
  /* The context holds a reference too, and has these limits until it ends. */
  return self;
}

void
ferry_timers_unref_limits (FerryTimers *limits)
{
  g_source_unref (&limits->work.source);
}

void
ferry_timers_add_settled_func (FerryTimers *limits, FerrySettledFunc settled, gpointer data)
{
  const SettledFunc func = {settled, data};
  FERRY_AUTO_LOCK (&lock);

  g_array_append_val (limits->settled_funcs, func);
}

void
ferry_timers_remove_settled_func (FerryTimers *limits, gpointer data)
{
  FERRY_AUTO_LOCK (&lock);

  for (guint i = limits->settled_funcs->len; i > 0; i--)
    if (g_array_index (limits->settled_funcs, SettledFunc, i - 1).data == data)
      g_array_remove_index (limits->settled_funcs, i - 1);
}

/* Unsets all timers that are still set. May be called within a timer's func. */
void
ferry_timers_free (FerryTimers *self)
{
  ferry_deadlines_clear (&self->deadlines);
  /* A timer's func that is running may still set or read timers. */
  ferry_deadlines_init (&self->deadlines);
  g_source_destroy (&self->work.source);
  g_source_unref (&self->work.source);
}

void
ferry_timers_set (FerryTimers *self, FerryTimer *timer, gint64 deadline, void (*func) (gpointer data), gpointer data)
{
  timer->func = func;
  timer->data = data;
  if (self->context != NULL)
    look_at_clock (self);
  /* What was asked earlier says nothing of this one. */
  if (deadline <= self->settled_until)
    self->settled_until = MAX (deadline, G_MININT64 + 1) - 1;
  ferry_deadlines_set (&self->deadlines, &timer->deadline, deadline);
  if (!self->dispatching)
    sleep_on (self, TRUE);
}

void
ferry_timers_unset (FerryTimers *self, FerryTimer *timer)
{
  ferry_deadlines_unset (&self->deadlines, &timer->deadline);
}

void
ferry_timers_drop (FerryTimers *self, FerryTimer *timer)
{
  ferry_timers_unset (self, timer);
  if (!self->dispatching && get_first_deadline (self) != self->ready_at)
    sleep_on (self, FALSE);
}

void
ferry_timers_look (FerryTimers *self)
{
  if (self->asked_at != 0 && !self->dispatching)
    set_ready_at (self, 0);
}

guint
ferry_timers_get_n (const FerryTimers *self)
{
  return ferry_deadlines_get_n (&self->deadlines);
}

gboolean
ferry_timers_run_one (FerryTimers *self, gint64 now)
{
  gboolean is_due;

  g_assert (!self->dispatching);
  is_due = is_first_due (self, now);
  if (is_due)
    {
      g_source_ref (&self->work.source);
      self->dispatching = TRUE;
      run_first (self);
      self->dispatching = FALSE;
    }
  if (!g_source_is_destroyed (&self->work.source))
    sleep_on (self, !is_due && self->ready_at > now);
  if (is_due)
    g_source_unref (&self->work.source);
  return is_due;
}

gboolean
ferry_timers_is_dispatching (const FerryTimers *self)
{
  return self->dispatching;
}

/* ---- a source for one limit ---- */

typedef struct
{
  GSource source;
  FerryLimitClock clock;
  gint64 limit;     /* the clock's time */
  FerryTimer timer; /* one of the context's limits, from when this one is over: holds a reference to the source */
  gboolean applies;
} LimitSource;

static void
limit_applies (gpointer data)
{
  LimitSource *self = data;

  self->applies = TRUE;
  g_source_set_ready_time (&self->source, 0);
  g_source_unref (&self->source);
}

static gboolean
limit_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  LimitSource *self = (LimitSource *) source;
  FerryTimers *limits;

  if (self->applies)
    {
      callback (user_data);
      return G_SOURCE_REMOVE;
    }
  if (ferry_limit_clock_look (&self->clock) < self->limit)
    {
      g_source_set_ready_time (source, ferry_limit_clock_sleep (&self->clock, self->limit));
      return G_SOURCE_CONTINUE;
    }
  g_source_set_ready_time (source, -1);
  g_source_ref (source);
  limits = ferry_timers_ref_limits_of (g_source_get_context (source));
  ferry_timers_set (limits, &self->timer, g_get_monotonic_time (), limit_applies, self);
  ferry_timers_unref_limits (limits);
  return G_SOURCE_CONTINUE;
}

GSource *
ferry_limit_source_new (gint64 deadline)
{
  static GSourceFuncs funcs = {.dispatch = limit_dispatch};
  GSource *source = g_source_new (&funcs, sizeof (LimitSource));
  LimitSource *self = (LimitSource *) source;

  g_source_set_static_name (source, "[ferry] a limit");
  self->limit = deadline;
  ferry_limit_clock_begin (&self->clock, -1);
  if (deadline < G_MAXINT64)
    g_source_set_ready_time (source, MAX (ferry_limit_clock_sleep (&self->clock, deadline), 0));
  return source;
}
