/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A heap of embedded timers inside a GSource. Setting a timer allocates no memory, unless the heap grows.
 *
 * Most deadlines are moved or unset before they pass. So an earlier deadline changes the source's ready time at
 * once. A later deadline changes it only when the source is next dispatched. The source may wake once for a deadline
 * that was unset, but for none that was dropped.
 *
 * Invariant: while no dispatch is running, ready_at is not later than the first deadline. */

#include "config.h"

#include "base/ferry-timers-private.h"

#define NEVER G_MAXINT64

struct _FerryTimers
{
  GSource source;
  FerryDeadlines deadlines;
  gint64 ready_at; /* the ready time of the source; NEVER: none */
  gboolean dispatching;
};

static void
set_ready_at (FerryTimers *self, gint64 deadline)
{
  self->ready_at = deadline;
  /* GLib reads a ready time below 0 as none, so an earlier deadline becomes 0. */
  g_source_set_ready_time (&self->source, deadline == NEVER ? -1 : MAX (deadline, 0));
}

static void
run_first (FerryTimers *self)
{
  /* The deadline is the timer's first member. */
  FerryTimer *timer = (FerryTimer *) ferry_deadlines_peek (&self->deadlines);

  ferry_deadlines_unset (&self->deadlines, &timer->deadline);
  timer->func (timer->data);
}

gint64
ferry_timers_get_first (const FerryTimers *self)
{
  const FerryDeadline *first = ferry_deadlines_peek (&self->deadlines);

  return first != NULL ? first->time : NEVER;
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
  for (; left > 0 && ferry_timers_get_first (self) <= now; left--)
    {
      run_first (self);
      /* The timer's func may have freed self. The context keeps the source until this function returns. */
      if (g_source_is_destroyed (source))
        return G_SOURCE_REMOVE;
    }
  self->dispatching = FALSE;
  set_ready_at (self, ferry_timers_get_first (self));
  return G_SOURCE_CONTINUE;
}

static void
timers_finalize (GSource *source)
{
  ferry_deadlines_clear (&((FerryTimers *) source)->deadlines);
}

static GSourceFuncs timers_funcs = {.dispatch = timers_dispatch, .finalize = timers_finalize};

/* Returns (transfer full) timers for the thread that runs context. NULL: the global default context. */
FerryTimers *
ferry_timers_new (GMainContext *context)
{
  FerryTimers *self = (FerryTimers *) g_source_new (&timers_funcs, sizeof (FerryTimers));

  ferry_deadlines_init (&self->deadlines);
  self->ready_at = NEVER;
  g_source_set_static_name (&self->source, "[ferry] timers");
  g_source_attach (&self->source, context);
  return self;
}

/* Unsets all timers that are still set. May be called within a timer's func. */
void
ferry_timers_free (FerryTimers *self)
{
  ferry_deadlines_clear (&self->deadlines);
  /* A timer's func that is running may still set or read timers. */
  ferry_deadlines_init (&self->deadlines);
  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

void
ferry_timers_set (FerryTimers *self, FerryTimer *timer, gint64 deadline, void (*func) (gpointer data), gpointer data)
{
  timer->func = func;
  timer->data = data;
  ferry_deadlines_set (&self->deadlines, &timer->deadline, deadline);
  if (!self->dispatching && deadline < self->ready_at)
    set_ready_at (self, deadline);
}

void
ferry_timers_unset (FerryTimers *self, FerryTimer *timer)
{
  ferry_deadlines_unset (&self->deadlines, &timer->deadline);
}

void
ferry_timers_drop (FerryTimers *self, FerryTimer *timer)
{
  gint64 first;

  ferry_timers_unset (self, timer);
  first = ferry_timers_get_first (self);
  if (!self->dispatching && first != self->ready_at)
    set_ready_at (self, first);
}

guint
ferry_timers_get_n (const FerryTimers *self)
{
  return ferry_deadlines_get_n (&self->deadlines);
}

gboolean
ferry_timers_run_one (FerryTimers *self, gint64 now)
{
  if (ferry_timers_get_first (self) > now)
    return FALSE;
  g_assert (!self->dispatching);
  g_source_ref (&self->source);
  self->dispatching = TRUE;
  run_first (self);
  self->dispatching = FALSE;
  if (!g_source_is_destroyed (&self->source))
    set_ready_at (self, ferry_timers_get_first (self));
  g_source_unref (&self->source);
  return TRUE;
}

gboolean
ferry_timers_is_dispatching (const FerryTimers *self)
{
  return self->dispatching;
}
