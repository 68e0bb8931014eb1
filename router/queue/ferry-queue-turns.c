/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which task of a queue is next: by place, priority, time and what holds it.
 *
 * There are those that may be begun, by priority and place, and those that wait for their time. The former are in a
 * bucket for each list of labels: those that wait for a host with some do not hold up the others.
 *
 * Owner:   the queue, of which it is a part.
 * Threads: the router's. */

#include "config.h"

#include "queue/ferry-queue-turns-private.h"

static void look_at_clock (gpointer data);

static void
bucket_free (gpointer bucket)
{
  g_sequence_free (((FerryQueueBucket *) bucket)->ready);
  g_strfreev (((FerryQueueBucket *) bucket)->needs);
  g_free (bucket);
}

/* needs: (transfer full). */
static FerryQueueBucket *
add_bucket (FerryQueueTurns *self, char **needs)
{
  FerryQueueBucket *bucket = g_new0 (FerryQueueBucket, 1);

  bucket->needs = needs;
  bucket->ready = g_sequence_new (NULL);
  bucket->limit = 1;
  g_ptr_array_add (self->buckets, bucket);
  return bucket;
}

/* (transfer none): that of the row. There are few. */
static FerryQueueBucket *
find_bucket (FerryQueueTurns *self, const FerryQueueRow *row)
{
  g_auto (GStrv) needs = ferry_queue_row_dup_needs (row);

  if (needs == NULL)
    return self->buckets->pdata[0];
  for (guint i = 1; i < self->buckets->len; i++)
    {
      FerryQueueBucket *bucket = self->buckets->pdata[i];

      if (g_strv_equal ((const char *const *) bucket->needs, (const char *const *) needs))
        return bucket;
    }
  return add_bucket (self, g_steal_pointer (&needs));
}

void
ferry_queue_turns_init (FerryQueueTurns *self, FerryTimers *timers, GMainContext *context,
                        void (*came) (gpointer owner), void (*expired) (FerryQueueEntry *entry, gpointer owner),
                        gpointer owner)
{
  self->buckets = g_ptr_array_new_with_free_func (bucket_free);
  add_bucket (self, NULL);
  self->timed = g_sequence_new (NULL);
  self->expiring = g_sequence_new (NULL);
  self->timers = timers;
  self->offset = g_get_real_time () - ferry_time_since_boot ();
  ferry_queue_clock_init (&self->clock, timers, context, look_at_clock, self);
  self->came = came;
  self->expired = expired;
  self->owner = owner;
}

static void
empty (GSequence *entries)
{
  g_sequence_remove_range (g_sequence_get_begin_iter (entries), g_sequence_get_end_iter (entries));
}

void
ferry_queue_turns_stop (FerryQueueTurns *self)
{
  ferry_timers_unset (self->timers, &self->look_timer);
  ferry_queue_clock_clear (&self->clock);
  for (guint i = 0; i < self->buckets->len; i++)
    empty (((FerryQueueBucket *) self->buckets->pdata[i])->ready);
  empty (self->timed);
  empty (self->expiring);
}

void
ferry_queue_turns_clear (FerryQueueTurns *self)
{
  g_ptr_array_unref (self->buckets);
  g_sequence_free (self->timed);
  g_sequence_free (self->expiring);
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

static int
compare_expiries (gconstpointer a, gconstpointer b, gpointer data)
{
  gint64 one = ((const FerryQueueEntry *) a)->expiry, other = ((const FerryQueueEntry *) b)->expiry;

  return one < other ? -1 : one > other;
}

void
ferry_queue_turns_remove (FerryQueueTurns *self, FerryQueueEntry *entry)
{
  if (entry->turn != NULL)
    g_sequence_remove (g_steal_pointer (&entry->turn));
  if (entry->expiring != NULL)
    g_sequence_remove (g_steal_pointer (&entry->expiring));
}

static void
look_soon (FerryQueueTurns *self)
{
  ferry_timers_set (self->timers, &self->look_timer, 0, look_at_clock, self);
}

/* Most come in their order: at the next start all do, and what is submitted is behind what waits. */
static GSequenceIter *
add_ready (FerryQueueEntry *entry)
{
  GSequence *ready = entry->bucket->ready;
  GSequenceIter *end = g_sequence_get_end_iter (ready);

  if (g_sequence_is_empty (ready) || compare_turns (g_sequence_get (g_sequence_iter_prev (end)), entry, NULL) < 0)
    return g_sequence_append (ready, entry);
  return g_sequence_insert_sorted (ready, entry, compare_turns, NULL);
}

void
ferry_queue_turns_update (FerryQueueTurns *self, FerryQueueEntry *entry)
{
  if (ferry_queue_row_shorten_rest (&entry->row) && entry->task != NULL)
    ferry_task_change_not_before (entry->task, entry->row.not_before);
  /* An end counts when it is told. */
  if (!entry->stored)
    ferry_queue_figures_count (entry->ties->figures, &entry->counted, &entry->row);
  ferry_queue_turns_remove (self, entry);
  if (entry->bucket == NULL)
    entry->bucket = find_bucket (self, &entry->row);
  if (entry->ties->looked != NULL)
    entry->ties->looked (entry->ties, entry);
  ferry_queue_entry_tell_obstacle (entry);
  if (entry->away == FERRY_QUEUE_AWAY_AT_HOST)
    return;
  if (entry->row.state != FERRY_QUEUE_ROW_WAITING || entry->claimed)
    return;
  entry->expiry = ferry_queue_row_get_expiry (&entry->row);
  if (entry->expiry > 0)
    {
      entry->expiring = g_sequence_insert_sorted (self->expiring, entry, compare_expiries, NULL);
      look_soon (self);
    }
  if (entry->row.paused || !ferry_queue_entry_is_here (entry))
    return;
  if (!ferry_queue_row_waits_for_its_time (&entry->row))
    entry->turn = add_ready (entry);
  else
    {
      entry->turn = g_sequence_insert_sorted (self->timed, entry, compare_times, NULL);
      look_soon (self);
    }
}

static void
add_entry (gpointer entry, gpointer entries)
{
  g_ptr_array_add (entries, entry);
}

/* (transfer none) (nullable) */
static FerryQueueEntry *
get_first (GSequence *entries)
{
  return g_sequence_is_empty (entries) ? NULL : g_sequence_get (g_sequence_get_begin_iter (entries));
}

FerryQueueEntry *
ferry_queue_turns_peek (const FerryQueueTurns *self, gboolean (*filter) (const FerryQueueBucket *))
{
  FerryQueueEntry *next = NULL;

  for (guint i = 0; i < self->buckets->len; i++)
    {
      const FerryQueueBucket *bucket = self->buckets->pdata[i];
      FerryQueueEntry *first = filter == NULL || filter (bucket) ? get_first (bucket->ready) : NULL;

      if (first != NULL && (next == NULL || compare_turns (first, next, NULL) < 0))
        next = first;
    }
  return next;
}

/* Rests are no longer than before, also where the clock was set back. A second is none of a person's. */
static void
follow_clock (FerryQueueTurns *self, gint64 now)
{
  gint64 offset = now - ferry_time_since_boot ();
  g_autoptr (GPtrArray) entries = NULL;

  if (offset > self->offset - G_USEC_PER_SEC)
    {
      self->offset = MAX (self->offset, offset);
      return;
    }
  self->offset = offset;
  entries = g_ptr_array_new ();
  g_sequence_foreach (self->timed, add_entry, entries);
  for (guint i = 0; i < entries->len; i++)
    ferry_queue_turns_update (self, entries->pdata[i]);
}

/* Those whose time has come may be begun, and those that have waited for too long fail. */
static void
look_at_clock (gpointer data)
{
  FerryQueueTurns *self = data;
  const gint64 now = g_get_real_time ();
  FerryQueueEntry *timed, *expiring;
  gint64 next;

  follow_clock (self, now);
  while ((expiring = get_first (self->expiring)) != NULL && ferry_task_rules_has_expired (expiring->expiry, now))
    {
      g_sequence_remove (g_steal_pointer (&expiring->expiring));
      self->expired (expiring, self->owner);
    }
  while ((timed = get_first (self->timed)) != NULL && timed->row.not_before <= now)
    ferry_queue_turns_update (self, timed);
  next = timed != NULL ? timed->row.not_before : 0;
  if (expiring != NULL)
    next = next > 0 ? MIN (next, expiring->expiry) : expiring->expiry;
  ferry_queue_clock_set (&self->clock, next);
  self->came (self->owner);
}
