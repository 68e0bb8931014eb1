/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A binary heap of embedded timers inside a GSource. Setting a timer allocates no memory, unless the heap grows.
 *
 * Most deadlines are moved or unset before they pass. So an earlier deadline changes the source's ready time at
 * once. A later deadline changes it only when the source is next dispatched: the source may wake once for a deadline
 * that was unset.
 *
 * Invariant: heap[i / 2] is not later than heap[i], for indices from 1 on; each timer has its index. While no
 *            dispatch is running, ready_at is not later than the first deadline. */

#include "config.h"

#include "base/ferry-timers-private.h"

#define NEVER G_MAXINT64

struct _FerryTimers
{
  GSource source;
  /* (owned) (element-type FerryTimer): elements unowned; index 1 of the heap is the array's element 0 */
  GPtrArray *heap;
  gint64 ready_at; /* the ready time of the source; NEVER: none */
  gboolean dispatching;
};

static FerryTimer *
at (FerryTimers *self, guint position)
{
  return g_ptr_array_index (self->heap, position - 1);
}

static void
put (FerryTimers *self, guint position, FerryTimer *timer)
{
  g_ptr_array_index (self->heap, position - 1) = timer;
  timer->position = position;
}

static void
sift_up (FerryTimers *self, FerryTimer *timer)
{
  guint position = timer->position;

  while (position > 1 && at (self, position / 2)->deadline > timer->deadline)
    {
      put (self, position, at (self, position / 2));
      position /= 2;
    }
  put (self, position, timer);
}

static void
sift_down (FerryTimers *self, FerryTimer *timer)
{
  guint position = timer->position;

  while (position * 2 <= self->heap->len)
    {
      guint child = position * 2;

      if (child < self->heap->len && at (self, child + 1)->deadline < at (self, child)->deadline)
        child++;
      if (at (self, child)->deadline >= timer->deadline)
        break;
      put (self, position, at (self, child));
      position = child;
    }
  put (self, position, timer);
}

static void
take_out (FerryTimers *self, FerryTimer *timer)
{
  FerryTimer *last = at (self, self->heap->len);
  guint position = timer->position;

  g_ptr_array_set_size (self->heap, (int) self->heap->len - 1);
  timer->position = 0;
  if (last == timer)
    return;
  put (self, position, last);
  sift_up (self, last);
  sift_down (self, last);
}

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
  FerryTimer *timer = at (self, 1);

  take_out (self, timer);
  timer->func (timer->data);
}

gint64
ferry_timers_get_first (const FerryTimers *self)
{
  return self->heap->len > 0 ? ((FerryTimer *) g_ptr_array_index (self->heap, 0))->deadline : NEVER;
}

static gboolean
timers_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  FerryTimers *self = (FerryTimers *) source;
  gint64 now = g_source_get_time (source);
  /* At most the number of timers that are set now. If a timer sets itself to a time in the past, the context can
   * dispatch other sources before that timer runs again. */
  guint left = self->heap->len;

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
  g_ptr_array_unref (((FerryTimers *) source)->heap);
}

static GSourceFuncs timers_funcs = {.dispatch = timers_dispatch, .finalize = timers_finalize};

/* Returns (transfer full) timers for the thread that runs context. NULL: the global default context. */
FerryTimers *
ferry_timers_new (GMainContext *context)
{
  FerryTimers *self = (FerryTimers *) g_source_new (&timers_funcs, sizeof (FerryTimers));

  self->heap = g_ptr_array_new ();
  self->ready_at = NEVER;
  g_source_set_static_name (&self->source, "[ferry] timers");
  g_source_attach (&self->source, context);
  return self;
}

/* Unsets all timers that are still set. May be called within a timer's func. */
void
ferry_timers_free (FerryTimers *self)
{
  for (guint i = 1; i <= self->heap->len; i++)
    at (self, i)->position = 0;
  g_ptr_array_set_size (self->heap, 0);
  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

void
ferry_timers_set (FerryTimers *self, FerryTimer *timer, gint64 deadline, void (*func) (gpointer data), gpointer data)
{
  timer->deadline = deadline;
  timer->func = func;
  timer->data = data;
  if (timer->position == 0)
    {
      g_ptr_array_add (self->heap, timer);
      timer->position = self->heap->len;
    }
  sift_up (self, timer);
  sift_down (self, timer);
  if (!self->dispatching && deadline < self->ready_at)
    set_ready_at (self, deadline);
}

void
ferry_timers_unset (FerryTimers *self, FerryTimer *timer)
{
  if (timer->position != 0)
    take_out (self, timer);
}

guint
ferry_timers_get_n (const FerryTimers *self)
{
  return self->heap->len;
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
