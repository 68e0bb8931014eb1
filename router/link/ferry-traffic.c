/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a link has carried lately, and so whether its empty lane is armed, naps or is muted, with the thresholds.
 *
 * Owner:   the link.
 * Threads: the thread that holds the drain lock. The functions read no clock and no shared memory.
 * Trust:   the counts are of what was taken from the worker, so a worker can only choose how it is treated. */

#include "config.h"

#include "link/ferry-traffic-private.h"

/* Ringing a doorbell costs the sender far more time than writing a message. So when a busy lane becomes empty, it is
 * left to fill for a moment. Only then it is armed. Network cards moderate their interrupts in this way. A lane is busy
 * when it carried at least BUSY_RECORDS and BUSY_BYTES since its last rest, at BUSY_BYTES_PER_MICROSECOND or more. Any
 * other lane is armed at once, but for the two cases below. */
#define BUSY_RECORDS 4
#define BUSY_BYTES 4096
#define BUSY_BYTES_PER_MICROSECOND 20

/* When the application has fewer than so many buffers of a worker, the worker may be waiting for the answer to one. */
#define STREAM_BUFFERS 2

/* A lane that is found empty more than MANY_RESTS times in RESTS_INTERVAL microseconds carries records one by one, and
 * each costs two wake-ups. With a worker that means harm, that takes a core away from the frames. So such a link naps
 * too, and its doorbell is not heard meanwhile. */
#define MANY_RESTS 32
#define RESTS_INTERVAL 1000

/* The main loop drains links that carry less than this at a time. */
#define MANY_RECORDS 512

/* For each message of the application, this many records of the worker are part of a conversation. At most MAX_CREDIT
 * count for messages before the latest rest. */
#define CREDIT_PER_MESSAGE 2
#define MAX_CREDIT 4096

/* How often a worker may ring its doorbell without progress before the worker is ended. */
#define RINGS_ALLOWED 1000

/* After so many rings without progress, the worker is no honest one. Its doorbell is not heard for a while then, and
 * again after RINGS_AGAIN more of them. */
#define RINGS_BELIEVED 16
#define RINGS_AGAIN 4

void
ferry_traffic_init (FerryTraffic *self)
{
  *self = (FerryTraffic){.rings_allowed = RINGS_ALLOWED, .rings_borne = RINGS_BELIEVED};
}

gboolean
ferry_traffic_note_ring (FerryTraffic *self, guint64 progress)
{
  if (progress != self->progress)
    {
      self->rings_allowed = RINGS_ALLOWED;
      self->rings_borne = RINGS_BELIEVED;
    }
  self->progress = progress;
  if (self->rings_allowed == 0)
    return FALSE;
  self->rings_allowed--;
  self->rings_borne -= self->rings_borne > 0;
  return TRUE;
}

void
ferry_traffic_note_muted (FerryTraffic *self)
{
  self->rings_borne = MAX (self->rings_borne, RINGS_AGAIN);
}

gboolean
ferry_traffic_rings_in_vain (const FerryTraffic *self)
{
  return self->rings_allowed < RINGS_ALLOWED - RINGS_BELIEVED;
}

/* Returns by how many records the worker may still be ahead, counted from the start of the count. */
static gint64
get_credit (const FerryTraffic *self, guint64 n_sent)
{
  return self->credit + (gint64) ((n_sent - self->n_sent_before) * CREDIT_PER_MESSAGE) - (gint64) self->n_records;
}

gboolean
ferry_traffic_converses (const FerryTraffic *self, guint64 n_sent)
{
  return get_credit (self, n_sent) >= 0;
}

gboolean
ferry_traffic_carries_many (const FerryTraffic *self, guint64 n_sent)
{
  return self->n_records >= MANY_RECORDS && !ferry_traffic_converses (self, n_sent);
}

static gboolean
is_fast (const FerryTraffic *self, const FerryTrafficView *view, guint64 bytes)
{
  return bytes >= (guint64) (view->now - self->rested_at) * BUSY_BYTES_PER_MICROSECOND;
}

/* Whether the worker sends buffers one after the other. */
static gboolean
is_streaming (const FerryTraffic *self, const FerryTrafficView *view)
{
  return self->buffer_bytes > 0 && view->n_held >= STREAM_BUFFERS && is_fast (self, view, self->buffer_bytes);
}

static gboolean
carries_much (const FerryTraffic *self, const FerryTrafficView *view)
{
  const guint64 bytes = view->head - self->rested_head;

  return self->n_records >= BUSY_RECORDS && bytes >= BUSY_BYTES && is_fast (self, view, bytes);
}

gboolean
ferry_traffic_is_busy (const FerryTraffic *self, const FerryTrafficView *view)
{
  return (carries_much (self, view) || is_streaming (self, view)) &&
         (self->buffer_bytes > 0 || !ferry_traffic_converses (self, view->n_sent));
}

/* Counts a rest. Returns whether there are too many of them. */
static gboolean
rests_often (FerryTraffic *self, const FerryTrafficView *view)
{
  if (view->now - self->rests_since >= RESTS_INTERVAL)
    {
      self->rests_since = view->now;
      self->n_rests = 0;
    }
  return ++self->n_rests > MANY_RESTS && !ferry_traffic_converses (self, view->n_sent);
}

FerryRest
ferry_traffic_choose_rest (FerryTraffic *self, const FerryTrafficView *view)
{
  gboolean often;

  if (ferry_traffic_is_busy (self, view))
    return FERRY_REST_SHORT_NAP;
  often = rests_often (self, view);
  if (self->rings_borne == 0)
    return FERRY_REST_LONG_MUTED;
  return often ? FERRY_REST_MUTED : FERRY_REST_ARMED;
}

void
ferry_traffic_note_rest (FerryTraffic *self, const FerryTrafficView *view)
{
  self->rested_at = view->now;
  self->rested_head = view->head;
  self->buffer_bytes = 0;
  ferry_traffic_restart (self, view->n_sent);
}

gboolean
ferry_traffic_restart (FerryTraffic *self, guint64 n_sent)
{
  const gint64 credit = get_credit (self, n_sent);
  const gboolean converses = self->n_records > 0 && credit >= 0;

  self->credit = CLAMP (credit, 0, MAX_CREDIT);
  self->n_records = 0;
  self->n_sent_before = n_sent;
  return converses;
}

void
ferry_traffic_settle (FerryTraffic *self, guint64 n_sent)
{
  if (self->n_records >= MANY_RECORDS && ferry_traffic_converses (self, n_sent))
    ferry_traffic_restart (self, n_sent);
}
