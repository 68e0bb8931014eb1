/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The main context that answers: one source, made ready once for whatever comes until it has emptied the queue. It
 * answers one request at a time, and lets other sources have their turn. */

#include "config.h"

#include "call/ferry-crew-private.h"

/* How long handlers are begun in a row, in microseconds: well below a frame. */
#define MAX_TURN 4000

gboolean
ferry_crew_owns_context_locked (FerryCrew *self)
{
  return self->place == FERRY_CREW_PLACE_CONTEXT && self->queue.length == 0 && self->n_running == 0 &&
         g_main_context_is_owner (self->context);
}

GSource *
ferry_crew_summon_source_locked (FerryCrew *self)
{
  if (self->ready)
    return NULL;
  self->ready = TRUE;
  return g_source_ref (self->source);
}

void
ferry_crew_wake_source (GSource *source)
{
  g_source_set_ready_time (source, 0);
  g_source_unref (source);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  g_autoptr (FerryCrew) self = ferry_crew_ref (data);
  gint64 end = g_get_monotonic_time () + MAX_TURN;
  GQueue waiters;
  gboolean more;

  g_source_set_ready_time (source, -1);
  pthread_mutex_lock (&self->lock);
  /* Of a crew that was closed and opened again, the queue is for another source. */
  while (self->source == source && self->queue.length > 0 && g_get_monotonic_time () < end)
    {
      FerryCrewRun run;

      ferry_crew_begin_locked (self, &run, NULL);
      pthread_mutex_unlock (&self->lock);
      ferry_crew_perform (&run);
      pthread_mutex_lock (&self->lock);
      ferry_crew_end_locked (self, &run);
    }
  more = self->source == source && self->queue.length > 0;
  if (self->source == source)
    self->ready = more;
  waiters = ferry_crew_steal_waiters_locked (self);
  pthread_mutex_unlock (&self->lock);
  if (more)
    g_source_set_ready_time (source, 0);
  ferry_crew_complete (&waiters);
  return G_SOURCE_CONTINUE;
}

static gboolean
not_called (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

GSource *
ferry_crew_source_new (FerryCrew *self)
{
  static GSourceFuncs funcs = {.dispatch = dispatch};
  GSource *source = g_source_new (&funcs, sizeof (GSource));

  g_source_set_static_name (source, "ferry-demux");
  /* The callback is there for its data, which holds the crew. */
  g_source_set_callback (source, not_called, ferry_crew_ref (self), (GDestroyNotify) ferry_crew_unref);
  g_source_set_ready_time (source, -1);
  return source;
}
