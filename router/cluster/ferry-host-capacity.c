/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a host divides its capacity among the applications that send it tasks. Plain numbers: this knows no session.
 *
 * A host has a place for each worker, and places ahead. There are so many of these that workers which are quicker than
 * the way to the application and back always find the next run here. Sessions that want more capacity get it by turns,
 * one run at a time. Beside that, each session may have capacity for the workers that are free, and for one run at the
 * least. So a task which is submitted later is sent at once. That is more than there is where several sessions use it
 * at the same time; then runs wait here, and an application may withdraw them. Capacity that was given is never taken
 * back.
 *
 * An application that is cut off, or does not answer, has runs that wait for it: for leave, or for their results to be
 * taken. These take no capacity from others, and until they are over it gets no more capacity.
 *
 * Owner:   a FerryHostService has the capacity, each session its share.
 * Threads: one. */

#include "config.h"

#include "cluster/ferry-host-capacity-private.h"

/* While a run takes longer than so many round trips, nothing is gained by runs ahead: the way costs 2 % of it. */
#define MAX_ROUND_TRIPS 50

/* A measurement changes the mean by one part in so many. */
#define MEAN_OF 8

void
ferry_host_capacity_init (FerryHostCapacity *self, guint n_workers)
{
  *self = (FerryHostCapacity){.n_workers = n_workers, .shares = g_ptr_array_new ()};
}

void
ferry_host_capacity_clear (FerryHostCapacity *self)
{
  g_assert (self->shares == NULL || self->shares->len == 0);
  g_clear_pointer (&self->shares, g_ptr_array_unref);
}

void
ferry_host_capacity_add (FerryHostCapacity *self, FerryHostShare *share)
{
  *share = (FerryHostShare){0};
  g_ptr_array_add (self->shares, share);
}

void
ferry_host_capacity_remove (FerryHostCapacity *self, FerryHostShare *share)
{
  g_ptr_array_remove (self->shares, share);
}

/* ---- measurements ---- */

static void
note (gint64 *mean, gint64 time)
{
  time = MAX (time, 1);
  *mean = *mean == 0 ? time : MAX (*mean + (time - *mean) / MEAN_OF, 1);
}

void
ferry_host_capacity_note_run (FerryHostCapacity *self, gint64 time)
{
  note (&self->mean_run, time);
}

void
ferry_host_capacity_note_round_trip (FerryHostCapacity *self, gint64 time)
{
  note (&self->round_trip, time);
}

/* With few runs ahead, runs and round trips are measured while the host idles between them, and the two measurements
 * may then ask for few. So short runs have places ahead whatever they ask for. */
guint
ferry_host_capacity_get_ahead (const FerryHostCapacity *self)
{
  gint64 least = self->mean_run <= FERRY_HOST_SHORT_RUN ? FERRY_HOST_MIN_AHEAD : 0;
  gint64 n_ahead = 0;

  if (self->mean_run == 0)
    return 0;
  if (self->mean_run / MAX_ROUND_TRIPS < self->round_trip)
    n_ahead = ((gint64) self->n_workers * self->round_trip + self->mean_run - 1) / self->mean_run;
  return (guint) CLAMP (n_ahead, least, FERRY_HOST_MAX_AHEAD);
}

guint
ferry_host_capacity_get_n_places (const FerryHostCapacity *self)
{
  return self->n_workers + ferry_host_capacity_get_ahead (self);
}

guint
ferry_host_capacity_get_n_leave_places (const FerryHostCapacity *self, guint per_worker)
{
  guint64 most = MIN ((guint64) self->n_workers * per_worker, FERRY_HOST_MAX_AHEAD);
  gint64 n_ended = self->mean_run > 0 ? (gint64) self->n_workers * self->round_trip / self->mean_run : 0;

  return self->n_workers + (guint) MIN ((guint64) n_ended, most);
}

/* ---- shares ---- */

static guint64
get_unused (const FerryHostShare *self)
{
  return self->capacity - self->received;
}

gboolean
ferry_host_share_take_run (FerryHostShare *self)
{
  if (self->received >= self->capacity)
    return FALSE;
  self->received++;
  self->want -= self->want > 0 ? 1 : 0;
  self->n_open++;
  return TRUE;
}

/* What a share takes of the capacity. Capacity that a session does not want to use is not taken. */
static guint64
get_taken (const FerryHostShare *self)
{
  return self->n_open - self->n_stuck + (self->want > 0 && self->n_stuck == 0 ? get_unused (self) : 0);
}

/* Gives one run's capacity to each share in turn that wants more, until nothing is left or wanted. */
static void
give_by_turns (FerryHostCapacity *self, guint64 left)
{
  guint n_content = 0;

  while (left > 0 && n_content < self->shares->len)
    {
      FerryHostShare *share = self->shares->pdata[self->next % self->shares->len];

      self->next = (self->next + 1) % self->shares->len;
      n_content++;
      if (share->want <= get_unused (share) || share->n_stuck > 0)
        continue;
      share->capacity++;
      left--;
      n_content = 0;
    }
}

void
ferry_host_capacity_settle (FerryHostCapacity *self)
{
  /* A round trip passes until a run comes for new capacity, and another one until there is leave for it. */
  guint64 size = self->n_workers + 2 * ferry_host_capacity_get_ahead (self);
  guint64 taken = 0;
  guint64 n_open = 0;
  guint64 n_free;

  for (guint i = 0; i < self->shares->len; i++)
    {
      const FerryHostShare *share = self->shares->pdata[i];

      taken += get_taken (share);
      n_open += share->n_open - share->n_stuck;
    }
  give_by_turns (self, taken < size ? size - taken : 0);
  n_free = n_open < self->n_workers ? self->n_workers - n_open : 0;
  for (guint i = 0; i < self->shares->len; i++)
    {
      FerryHostShare *share = self->shares->pdata[i];

      if (share->n_stuck == 0)
        share->capacity = MAX (share->capacity, share->received + MAX (n_free, share->n_open == 0 ? 1 : 0));
    }
}
