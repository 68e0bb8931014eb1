/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which task of a queue is next. See ferry-queue-turns-private.h. */

#include "config.h"

#include "queue/ferry-queue-turns-private.h"

/* How often the queue looks at the wall clock while tasks wait for a time, in microseconds: it may be set, and stands
 * still for a monotonic timer while the machine sleeps. */
#define LOOK_TIME (60 * (gint64) G_USEC_PER_SEC)

void
ferry_queue_turns_init (FerryQueueTurns *self, FerryTimers *timers, void (*came) (gpointer owner), gpointer owner)
{
  self->ready = g_sequence_new (NULL);
  self->timed = g_sequence_new (NULL);
  self->timers = timers;
  self->came = came;
  self->owner = owner;
}

void
ferry_queue_turns_stop (FerryQueueTurns *self)
{
  ferry_timers_unset (self->timers, &self->look_timer);
  g_sequence_remove_range (g_sequence_get_begin_iter (self->ready), g_sequence_get_end_iter (self->ready));
  g_sequence_remove_range (g_sequence_get_begin_iter (self->timed), g_sequence_get_end_iter (self->timed));
}

void
ferry_queue_turns_clear (FerryQueueTurns *self)
{
  g_sequence_free (self->ready);
  g_sequence_free (self->timed);
}

static int
compare_turns (gconstpointer a, gconstpointer b, gpointer data)
{
  const FerryQueueRow *one = &((const FerryQueueEntry *) a)->row;
  const FerryQueueRow *other = &((const FerryQueueEntry *) b)->row;

  if (one->priority != other->priority)
    return one->priority > other->priority ? -1 : 1;
  return ferry_queue_row_compare (one, other);
}

static int
compare_times (gconstpointer a, gconstpointer b, gpointer data)
{
  const FerryQueueRow *one = &((const FerryQueueEntry *) a)->row;
  const FerryQueueRow *other = &((const FerryQueueEntry *) b)->row;

  return one->not_before < other->not_before ? -1 : one->not_before > other->not_before;
}

static void look_at_clock (gpointer data);

void
ferry_queue_turns_remove (FerryQueueTurns *self, FerryQueueEntry *entry)
{
  if (entry->turn != NULL)
    g_sequence_remove (g_steal_pointer (&entry->turn));
}

/* Most come in their order: at the next start all do, and what is submitted is behind what waits. */
static GSequenceIter *
add_ready (FerryQueueTurns *self, FerryQueueEntry *entry)
{
  GSequenceIter *end = g_sequence_get_end_iter (self->ready);

  if (g_sequence_is_empty (self->ready) || compare_turns (g_sequence_get (g_sequence_iter_prev (end)), entry, NULL) < 0)
    return g_sequence_append (self->ready, entry);
  return g_sequence_insert_sorted (self->ready, entry, compare_turns, NULL);
}

void
ferry_queue_turns_update (FerryQueueTurns *self, FerryQueueEntry *entry)
{
  ferry_queue_figures_count (entry->ties->figures, &entry->counted, &entry->row);
  ferry_queue_turns_remove (self, entry);
  ferry_queue_entry_tell_obstacle (entry);
  if (entry->row.state != FERRY_QUEUE_ROW_WAITING || entry->row.paused || entry->claimed)
    return;
  if (!ferry_queue_row_waits_for_its_time (&entry->row))
    entry->turn = add_ready (self, entry);
  else
    {
      entry->turn = g_sequence_insert_sorted (self->timed, entry, compare_times, NULL);
      ferry_timers_set (self->timers, &self->look_timer, 0, look_at_clock, self);
    }
}

FerryQueueEntry *
ferry_queue_turns_peek (const FerryQueueTurns *self)
{
  return g_sequence_is_empty (self->ready) ? NULL : g_sequence_get (g_sequence_get_begin_iter (self->ready));
}

/* Those whose time has come may be begun. */
static void
look_at_clock (gpointer data)
{
  FerryQueueTurns *self = data;
  gint64 now = g_get_real_time ();

  while (!g_sequence_is_empty (self->timed))
    {
      FerryQueueEntry *entry = g_sequence_get (g_sequence_get_begin_iter (self->timed));
      gint64 left = entry->row.not_before - now;

      if (left > 0)
        {
          ferry_timers_set (self->timers, &self->look_timer, g_get_monotonic_time () + MIN (left, LOOK_TIME),
                            look_at_clock, self);
          break;
        }
      ferry_queue_turns_update (self, entry);
    }
  self->came (self->owner);
}
