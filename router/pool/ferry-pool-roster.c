/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which worker of a pool gets the next task: they lie in buckets by what they have to do. It has their counts, too,
 * and finds the worker that tasks are taken back from. Each answer takes the same time, however many workers there
 * are: a worker changes its place when it changes. */

#include "config.h"

#include "pool/ferry-pool-roster-private.h"

#include "pool/ferry-pool-private.h"
#include "pool/ferry-pool-worker-private.h"

void
ferry_pool_roster_init (FerryPoolRoster *self, GDestroyNotify unref)
{
  *self = (FerryPoolRoster){.workers = g_ptr_array_new_with_free_func (unref)};
}

void
ferry_pool_roster_clear (FerryPoolRoster *self)
{
  g_assert (self->workers->len == 0);
  g_ptr_array_unref (self->workers);
}

/* ---- Buckets ---- */

static void
take_out_of_bucket (FerryPoolWorker *worker)
{
  FerryPoolPlace *place = &worker->place;
  FerryPoolBuckets *buckets = g_steal_pointer (&place->buckets);

  if (buckets == NULL)
    return;
  g_queue_unlink (&buckets->buckets[place->bucket], &place->bucket_link);
  if (g_queue_is_empty (&buckets->buckets[place->bucket]))
    buckets->filled &= ~(G_GUINT64_CONSTANT (1) << place->bucket);
}

/* Puts the worker at the front of a bucket. So a worker that has just become idle gets the next task. Its caches are
 * warm, and the others may become idle for long enough to be ended. A new worker goes behind the others. */
static void
put_into_bucket (FerryPoolWorker *worker, FerryPoolBuckets *buckets, guint number, gboolean is_new)
{
  FerryPoolPlace *place = &worker->place;
  guint bucket = MIN (number, FERRY_POOL_N_BUCKETS - 1);

  if (place->buckets == buckets && place->bucket == bucket)
    return;
  take_out_of_bucket (worker);
  place->buckets = buckets;
  place->bucket = bucket;
  place->bucket_link.data = worker;
  if (is_new)
    g_queue_push_tail_link (&buckets->buckets[bucket], &place->bucket_link);
  else
    g_queue_push_head_link (&buckets->buckets[bucket], &place->bucket_link);
  buckets->filled |= G_GUINT64_CONSTANT (1) << bucket;
}

static FerryPoolWorker *
peek_lowest (const FerryPoolBuckets *self)
{
  return self->filled != 0 ? self->buckets[__builtin_ctzll (self->filled)].head->data : NULL;
}

static FerryPoolWorker *
peek_highest (const FerryPoolBuckets *self)
{
  return self->filled != 0 ? self->buckets[63 - __builtin_clzll (self->filled)].head->data : NULL;
}

static void
choose_bucket (FerryPoolRoster *self, FerryPoolWorker *worker, gboolean is_new)
{
  guint n = worker->in_flight.length;
  guint max_tasks = worker->rules->max_tasks;
  gboolean may_get_more = max_tasks == 0 || worker->n_done + n < max_tasks;

  if (worker->state != FERRY_POOL_WORKER_READY || worker->paused_xid != 0)
    take_out_of_bucket (worker);
  else if (worker->n_missed > 0 && (n > 0 || !may_get_more))
    take_out_of_bucket (worker);
  else if (worker->n_missed > 0)
    put_into_bucket (worker, &self->late, worker->n_missed, is_new);
  else
    put_into_bucket (worker, may_get_more ? &self->open : &self->spent, n, is_new);
}

/* ---- Counts, and the first tasks ---- */

static void
count (FerryPoolRoster *self, FerryPoolPlace *place, gboolean live, gboolean busy)
{
  self->n_live += live - place->live;
  self->n_busy += busy - place->busy;
  self->n_idle += (live && !busy) - (place->live && !place->busy);
  place->live = live;
  place->busy = busy;
}

static void
stop_watching (FerryPoolRoster *self, FerryPoolPlace *place)
{
  if (g_steal_pointer (&place->unbegun_link.data) != NULL)
    g_queue_unlink (&self->unbegun, &place->unbegun_link);
}

/* Puts the worker behind the others when it has another first task. */
static void
watch_first (FerryPoolRoster *self, FerryPoolWorker *worker)
{
  FerryPoolPlace *place = &worker->place;
  FerryRun *first = g_queue_peek_head (&worker->in_flight);
  guint64 xid = first != NULL && worker->state == FERRY_POOL_WORKER_READY ? first->xid : 0;

  if (place->first_xid == xid)
    return;
  stop_watching (self, place);
  place->first_xid = xid;
  if (xid == 0)
    return;
  place->unbegun_link.data = worker;
  g_queue_push_tail_link (&self->unbegun, &place->unbegun_link);
}

static void
update (FerryPoolRoster *self, FerryPoolWorker *worker, gboolean is_new)
{
  count (self, &worker->place, ferry_pool_worker_is_live (worker), worker->in_flight.length > 0);
  choose_bucket (self, worker, is_new);
  watch_first (self, worker);
}

void
ferry_pool_roster_update (FerryPoolRoster *self, FerryPoolWorker *worker)
{
  if (worker->place.added)
    update (self, worker, FALSE);
}

void
ferry_pool_roster_update_all (FerryPoolRoster *self)
{
  for (guint i = 0; i < self->workers->len; i++)
    update (self, g_ptr_array_index (self->workers, i), FALSE);
}

/* ---- Workers come and go ---- */

void
ferry_pool_roster_add (FerryPoolRoster *self, FerryPoolWorker *worker)
{
  worker->place.added = TRUE;
  g_ptr_array_add (self->workers, worker);
  update (self, worker, TRUE);
}

guint
ferry_pool_roster_remove (FerryPoolRoster *self, FerryPoolWorker *worker)
{
  guint index;
  gboolean found = g_ptr_array_find (self->workers, worker, &index);

  g_assert (found);
  count (self, &worker->place, FALSE, FALSE);
  take_out_of_bucket (worker);
  stop_watching (self, &worker->place);
  worker->place.added = FALSE;
  g_ptr_array_remove_index (self->workers, index);
  return index;
}

/* ---- Questions ---- */

FerryPoolWorker *
ferry_pool_roster_find (FerryPoolRoster *self, guint depth)
{
  FerryPoolWorker *worker = peek_lowest (&self->open);

  self->n_visits++;
  return worker != NULL && worker->in_flight.length < depth ? worker : peek_lowest (&self->late);
}

static FerryPoolWorker *
find_in_buckets (FerryPoolBuckets *self, guint n_buckets, FerryPoolWorkerFilter filter)
{
  for (guint i = 0; i < n_buckets; i++)
    for (GList *link = self->buckets[i].head; link != NULL; link = link->next)
      if (filter (link->data))
        return link->data;
  return NULL;
}

FerryPoolWorker *
ferry_pool_roster_find_accepted (FerryPoolRoster *self, guint depth, FerryPoolWorkerFilter filter)
{
  FerryPoolWorker *worker = find_in_buckets (&self->open, MIN (depth, FERRY_POOL_N_BUCKETS), filter);

  return worker != NULL ? worker : find_in_buckets (&self->late, FERRY_POOL_N_BUCKETS, filter);
}

/* Returns (nullable) the worker that has not begun its first task for longest, if its time is over. Forgets workers
 * that have begun it meanwhile: for them the answer stays the same. */
static FerryPoolWorker *
find_overdue (FerryPoolRoster *self, gint64 time_to_begin, gint64 *begins_by)
{
  FerryPoolWorker *worker;

  *begins_by = 0;
  while ((worker = g_queue_peek_head (&self->unbegun)) != NULL)
    {
      self->n_visits++;
      if (ferry_link_get_begun_call (worker->link) < worker->place.first_xid)
        break;
      stop_watching (self, &worker->place);
    }
  if (worker == NULL || worker->latest + time_to_begin <= g_get_monotonic_time ())
    return worker;
  *begins_by = worker->latest + time_to_begin;
  return NULL;
}

FerryPoolWorker *
ferry_pool_roster_find_busiest (FerryPoolRoster *self, gint64 time_to_begin, guint *most, gint64 *begins_by)
{
  FerryPoolWorker *busiest = find_overdue (self, time_to_begin, begins_by);
  FerryPoolWorker *others[] = {peek_highest (&self->open), peek_highest (&self->spent)};

  *most = busiest != NULL ? busiest->in_flight.length : 0;
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if (others[i] != NULL && others[i]->in_flight.length > *most + 1)
      {
        busiest = others[i];
        *most = busiest->in_flight.length - 1;
      }
  return busiest;
}
