/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The finished tasks of a queue: which of them stay, and for how long.
 *
 * A clock that is 60 days ahead at one start would make all of them old. So the file has until when the queue has seen
 * time pass. That goes on while the queue is open, whatever becomes of the clock. At a start it follows the clock, but
 * by a week at most.
 *
 * Owner:   the queue, of which it is a part.
 * Threads: the router's. */

#include "config.h"

#include "queue/ferry-queue-ends-private.h"

#include "base/ferry-base-private.h"

/* How often tasks are looked for that ended too long ago, in microseconds. */
#define PRUNE_TIME (3600 * (gint64) G_USEC_PER_SEC)

/* How much of the time between two starts counts at most, in microseconds. */
#define MAX_GAP (7 * 24 * PRUNE_TIME)

void
ferry_queue_ends_init (FerryQueueEnds *self, FerryTimers *timers,
                       void (*leave) (FerryQueueEntry *entry, gpointer owner),
                       void (*saw) (gint64 latest, gpointer owner), gpointer owner)
{
  self->timers = timers;
  self->leave = leave;
  self->saw = saw;
  self->owner = owner;
}

void
ferry_queue_ends_open (FerryQueueEnds *self, gint64 seen)
{
  gint64 now = g_get_real_time ();

  self->seen = seen > 0 ? MIN (now, seen + MAX_GAP) : now;
  self->latest = seen;
  self->opened = ferry_time_since_boot ();
}

static gint64
get_now (const FerryQueueEnds *self)
{
  return self->seen + ferry_time_since_boot () - self->opened;
}

void
ferry_queue_ends_stop (FerryQueueEnds *self)
{
  ferry_timers_unset (self->timers, &self->timer);
}

static GQueue *
get_list (FerryQueueEnds *self, FerryQueueEntry *entry)
{
  return entry->row.state == FERRY_QUEUE_ROW_FAILED ? &self->failed : &self->others;
}

void
ferry_queue_ends_add (FerryQueueEnds *self, FerryQueueEntry *entry)
{
  entry->has_ended = TRUE;
  g_queue_push_tail_link (get_list (self, entry), &entry->ended_link);
}

void
ferry_queue_ends_remove (FerryQueueEnds *self, FerryQueueEntry *entry)
{
  if (entry->has_ended)
    g_queue_unlink (get_list (self, entry), &entry->ended_link);
  entry->has_ended = FALSE;
}

FerryQueueEntry *
ferry_queue_ends_peek (const FerryQueueEnds *self)
{
  const GList *link = self->others.head != NULL ? self->others.head : self->failed.head;

  return link != NULL ? link->data : NULL;
}

/* Returns (transfer none) (nullable) the oldest one of the list that does not stay. */
static FerryQueueEntry *
find_leaving (FerryQueueEnds *self, GQueue *list)
{
  gint64 oldest = self->keep_time > 0 ? get_now (self) - self->keep_time : 0;

  for (GList *link = list->head; link != NULL; link = link->next)
    {
      FerryQueueEntry *entry = link->data;

      if (list->length <= self->keep_count && entry->row.ended >= oldest)
        break;
      if (!ferry_queue_entry_is_looked_at (entry) && !entry->stored)
        return entry;
    }
  return NULL;
}

/* A handler may change the lists with each that leaves. */
void
ferry_queue_ends_trim (FerryQueueEnds *self)
{
  GQueue *const lists[] = {&self->others, &self->failed};
  FerryQueueEntry *entry;

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    while ((entry = find_leaving (self, lists[i])) != NULL)
      self->leave (entry, self->owner);
}

static void
prune_again (gpointer data)
{
  ferry_queue_ends_prune (data);
}

void
ferry_queue_ends_prune (FerryQueueEnds *self)
{
  ferry_queue_ends_trim (self);
  self->latest = MAX (self->latest, get_now (self));
  self->saw (self->latest, self->owner);
  ferry_timers_set (self->timers, &self->timer, g_get_monotonic_time () + PRUNE_TIME, prune_again, self);
}
