/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which link is visited when, and when the monitor sleeps.
 *
 * A link is active (it is visited in turn), or it is left alone for one of four reasons: its worker has not attached;
 * its lane is empty and armed, so that its doorbell brings it back; it dozes, and time brings it back; it is stalled,
 * as it has its share of blocks or of memory out, and what comes back of that brings it back. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "route/ferry-monitor-private.h"

/* How many visits are made before doorbells, sockets and commands are looked at again. */
#define VISITS_PER_ROUND 8

/* Ringing a doorbell costs the sender far more than a message, so a busy lane is not armed when it runs empty, but
 * left to fill for a moment first, as network cards moderate their interrupts. A lane is busy when at least a few
 * records and a few KiB came through it since it rested last, at this rate; one that carries a message now and then,
 * large as it may be, is armed at once, and rings at once. */
#define BUSY_RECORDS 4
#define BUSY_BYTES 4096
#define BUSY_BYTES_PER_MICROSECOND 20
#define STREAM_BUFFERS 2
#define DOZE_MICROSECONDS 50

/* A worker that goes through a chunk of items has something every moment that nobody waits for so much; it says so, and
 * then wakes neither this thread nor the main loop each time. */
#define LINGER_MICROSECONDS 1000

/* Whether much came through the lane since it last rested. */
static gboolean
is_busy (FerryLink *link, gint64 now)
{
  guint64 bytes = link->up.head - link->rested_head;

  return link->n_since >= BUSY_RECORDS && bytes >= BUSY_BYTES &&
         bytes >= (guint64) (now - link->rested_at) * BUSY_BYTES_PER_MICROSECOND;
}

/* Whether buffers come one behind the other: their bytes come at that rate, and the latest is not the only one that
 * the application has, so it is not that its answer to it is waited for. */
static gboolean
is_streaming (FerryLink *link, gint64 now)
{
  return link->buffers_since > 0 && ferry_arena_count_held (link->arena) >= STREAM_BUFFERS &&
         link->buffers_since >= (guint64) (now - link->rested_at) * BUSY_BYTES_PER_MICROSECOND;
}

/* From here on counts what is_busy() looks at. */
static void
note_rest (FerryLink *link, gint64 now)
{
  link->rested_at = now;
  link->rested_head = link->up.head;
  link->n_since = 0;
  link->buffers_since = 0;
}

/* The lane was drained to what its writer is just writing. Leaves a busy one to fill: a reader at the writer's heels
 * gets small blocks, and takes from it the very lines that it writes. Returns FALSE when the lane is not busy. */
static gboolean
doze (FerryMonitor *self, FerryLink *link, gint64 now)
{
  if (link->state != FERRY_LINK_OPEN || (!is_busy (link, now) && !is_streaming (link, now)))
    return FALSE;
  note_rest (link, now);
  ferry_shared_queue_deactivate (self->shared, link);
  if (g_queue_is_empty (&self->dozing))
    self->doze_until = now + DOZE_MICROSECONDS;
  link->dozing = TRUE;
  g_queue_push_tail (&self->dozing, link);
  return TRUE;
}

/* The lane is empty, and its writer is in no hurry. It is left alone for a while, unarmed, until something comes in
 * none. Returns FALSE when it is to be armed. */
static gboolean
linger (FerryMonitor *self, FerryLink *link, gint64 now)
{
  if (link->state != FERRY_LINK_OPEN || link->n_since == 0 || !ferry_lane_reader_is_unhurried (&link->up))
    return FALSE;
  note_rest (link, now);
  ferry_shared_queue_deactivate (self->shared, link);
  if (g_queue_is_empty (&self->lingering))
    self->linger_until = now + LINGER_MICROSECONDS;
  link->lingering = TRUE;
  g_queue_push_tail (&self->lingering, link);
  return TRUE;
}

/* Its doorbell rang, or it came to an end. */
static void
stop_lingering (FerryMonitor *self, FerryLink *link)
{
  g_queue_remove (&self->lingering, link);
  link->lingering = FALSE;
}

/* Looks after the links that were left alone for as long as that. */
static void
wake_dozing (FerryMonitor *self)
{
  gint64 now;
  FerryLink *link;

  if (g_queue_is_empty (&self->dozing) && g_queue_is_empty (&self->lingering))
    return;
  now = g_get_monotonic_time ();
  while (now >= self->doze_until && (link = g_queue_pop_head (&self->dozing)) != NULL)
    {
      link->dozing = FALSE;
      ferry_shared_queue_activate (self->shared, link);
    }
  while (now >= self->linger_until && (link = g_queue_pop_head (&self->lingering)) != NULL)
    {
      link->lingering = FALSE;
      ferry_shared_queue_activate (self->shared, link);
    }
}

/* When wake_dozing() has something to do. */
static gint64
get_waking_time (FerryMonitor *self)
{
  gint64 until = FERRY_SLEEP;

  if (!g_queue_is_empty (&self->dozing))
    until = self->doze_until;
  if (!g_queue_is_empty (&self->lingering))
    until = until == FERRY_SLEEP ? self->linger_until : MIN (until, self->linger_until);
  if (self->tidy_at != 0)
    until = until == FERRY_SLEEP ? self->tidy_at : MIN (until, self->tidy_at);
  return until;
}

/* monitor: memory of buffers is about to be used. There is a timer only while some may be left unused. */
void
ferry_monitor_tidy_later (FerryMonitor *self)
{
  if (self->tidy_at == 0)
    self->tidy_at = ferry_time_add (g_get_monotonic_time (), self->spare_time);
}

/* Gives back memory that was not used for some time. */
static void
tidy (FerryMonitor *self)
{
  gboolean again = FALSE;
  gint64 now;

  if (self->tidy_at == 0)
    return;
  now = g_get_monotonic_time ();
  if (now < self->tidy_at)
    return;
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      again |= ferry_spare_memory_tidy (&link->spare, now - self->spare_time);
      if (link->arena != NULL && !link->local)
        again |= ferry_arena_tidy (link->arena);
    }
  self->tidy_at = again ? ferry_time_add (now, self->spare_time) : 0;
}

/* The lane is empty. It is armed, and left alone unless something came meanwhile. */
static void
rest_link (FerryMonitor *self, FerryLink *link)
{
  gint64 now;

  if (link->state == FERRY_LINK_OPEN && ferry_monitor_is_local_end (link))
    ferry_shared_queue_apply (self->shared, link, FERRY_LINK_FINISHED, NULL);
  if (link->state == FERRY_LINK_ENDED)
    {
      ferry_monitor_finish_link (self, link);
      return;
    }
  if (link->draining_done)
    {
      /* Closed for a fault: its process' end is still to come. */
      ferry_shared_queue_deactivate (self->shared, link);
      return;
    }
  now = g_get_monotonic_time ();
  if (doze (self, link, now) || linger (self, link, now))
    return;
  note_rest (link, now);
  if (!ferry_lane_reader_arm (&link->up) || ferry_lane_reader_get_available (&link->up) > 0)
    return;
  ferry_shared_queue_deactivate (self->shared, link);
}

/* Whether what the link was stalled for is over. */
static gboolean
may_go_on (FerryMonitor *self, FerryLink *link)
{
  return ferry_local_queue_has_room (self->local, link) && ferry_monitor_has_looked (link) &&
         (!link->wants_memory || ferry_local_queue_has_memory (self->local, link));
}

/* Stored by the monitor alone, so that others can read it. */
static void
tell_waiting (FerryMonitor *self)
{
  guint n = g_queue_get_length (&self->stalled);

  atomic_store_explicit (&self->n_waiting, n, memory_order_relaxed);
  if (n > atomic_load_explicit (&self->most_waiting, memory_order_relaxed))
    atomic_store_explicit (&self->most_waiting, n, memory_order_relaxed);
}

static void
stall (FerryMonitor *self, FerryLink *link)
{
  ferry_shared_queue_deactivate (self->shared, link);
  link->stalled = TRUE;
  g_queue_push_tail (&self->stalled, link);
  tell_waiting (self);
}

/* That the process is there is told before anything that it says: it may be quicker than its nursery, whose answer then
 * brings the link back. */
static gboolean
is_ahead_of_its_nursery (FerryLink *link)
{
  return link->state == FERRY_LINK_OPEN && link->parent == FERRY_PARENT_ASKED;
}

static void
visit_link (FerryMonitor *self, FerryLink *link)
{
  FerryDrainResult output;

  if (!link->told_launched)
    ferry_monitor_tell_launched (self, link);
  output = ferry_monitor_drain_output (self, link);
  if (output == FERRY_DRAIN_STALLED)
    {
      stall (self, link);
      return;
    }
  if (link->state == FERRY_LINK_ATTACHING)
    {
      if (output == FERRY_DRAIN_EMPTY)
        ferry_shared_queue_deactivate (self->shared, link);
      return;
    }
  if (is_ahead_of_its_nursery (link))
    {
      ferry_shared_queue_deactivate (self->shared, link);
      return;
    }
  if (link->state == FERRY_LINK_OPEN && !link->told_attached && !link->local)
    {
      link->told_attached = TRUE;
      ferry_monitor_push_news (self, link, FERRY_BLOCK_ATTACHED);
    }
  switch (ferry_monitor_drain (self, link))
    {
    case FERRY_DRAIN_EMPTY:
      if (output == FERRY_DRAIN_EMPTY)
        rest_link (self, link);
      break;
    case FERRY_DRAIN_STALLED:
      stall (self, link);
      break;
    case FERRY_DRAIN_CAUGHT_UP:
      doze (self, link, g_get_monotonic_time ());
      break;
    case FERRY_DRAIN_MORE:
    default:
      break;
    }
}

/* Links that may go on become active again. */
static void
revive_stalled (FerryMonitor *self)
{
  GList *node = self->stalled.head;

  while (node != NULL)
    {
      GList *next = node->next;
      FerryLink *link = node->data;

      if (may_go_on (self, link))
        {
          link->stalled = FALSE;
          g_queue_delete_link (&self->stalled, node);
          tell_waiting (self);
          ferry_shared_queue_activate (self->shared, link);
        }
      node = next;
    }
}

/* ---- the fence ---- */

static void
set_fence_command (FerryMonitor *self, gpointer data)
{
  self->fence.number = *(guint64 *) data;
  self->fence.open = FALSE;
  /* It is set up in the next round, which begins at once: what processes and sockets had to say before is heard then.
   */
  self->fence.rounds = 2;
  ferry_shared_queue_wake (self->shared);
}

/* router's thread: has the monitor tell when it has drained what was sent so far. Takes the place of an earlier fence.
 * Returns its number. */
guint64
ferry_monitor_set_fence (FerryMonitor *self)
{
  guint64 number = ++self->fence.latest;

  ferry_monitor_invoke (self, set_fence_command, g_memdup2 (&number, sizeof number), g_free);
  return number;
}

/* router's thread: n_pushed is how many blocks were pushed before it was reached. */
gboolean
ferry_monitor_is_fence_reached (FerryMonitor *self, guint64 number, guint64 *n_pushed)
{
  /* Acquire: the count is as new; pairs with look_at_fence(). */
  if (atomic_load_explicit (&self->fence.reached, memory_order_acquire) < number)
    return FALSE;
  *n_pushed = atomic_load_explicit (&self->fence.pushed, memory_order_relaxed);
  return TRUE;
}

/* Whether something may be drained from the lane, or is to follow what was. */
static gboolean
may_be_drained (FerryLink *link)
{
  return link->state != FERRY_LINK_ATTACHING && !is_ahead_of_its_nursery (link) &&
         (!link->draining_done || link->state == FERRY_LINK_ENDED);
}

/* Whether the link goes on only when the application drops buffers that it keeps. */
static gboolean
is_held_up (FerryMonitor *self, FerryLink *link)
{
  return link->stalled && ferry_monitor_has_looked (link) && ferry_local_queue_get_bytes (self->local) == 0 &&
         !may_go_on (self, link);
}

static gboolean
is_before_fence (FerryMonitor *self, FerryLink *link)
{
  return link->fenced && may_be_drained (link) && !is_held_up (self, link) &&
         (link->state == FERRY_LINK_ENDED || link->up.head < link->fence || link->copy.memory.data != NULL ||
          link->arrival.check != NULL);
}

static void
set_up_fence (FerryMonitor *self)
{
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      link->fenced = may_be_drained (link);
      if (!link->fenced)
        continue;
      ferry_monitor_take_cells (self, link);
      /* A tail that is out of range is left for the next visit to find. */
      if (!link->tail_final)
        ferry_lane_reader_look (&link->up);
      link->fence = link->up.tail;
      if (!is_before_fence (self, link) || link->stalled)
        continue;
      if (link->dozing)
        g_queue_remove (&self->dozing, link);
      link->dozing = FALSE;
      ferry_shared_queue_activate (self->shared, link);
    }
  self->fence.open = TRUE;
}

static void
look_at_fence (FerryMonitor *self)
{
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    if (is_before_fence (self, node->data))
      return;
  self->fence.open = FALSE;
  atomic_store_explicit (&self->fence.pushed, ferry_local_queue_get_n_pushed (self->local), memory_order_relaxed);
  /* Release: pairs with ferry_monitor_is_fence_reached(). */
  atomic_store_explicit (&self->fence.reached, self->fence.number, memory_order_release);
  ferry_local_queue_nudge (self->local);
}

/* monitor: sleeps until there is something to do, and does a round of it. */
void
ferry_monitor_work_or_sleep (FerryMonitor *self)
{
  revive_stalled (self);
  if (g_queue_is_empty (&self->shared->active) && !g_queue_is_empty (&self->stalled))
    {
      ferry_local_queue_arm (self->local);
      revive_stalled (self);
    }
  ferry_shared_queue_wait (self->shared, get_waking_time (self));
  wake_dozing (self);
  tidy (self);
  ferry_monitor_run_commands (self);
  if (G_UNLIKELY (self->fence.rounds > 0) && --self->fence.rounds == 0)
    set_up_fence (self);
  for (guint n = 0; n < VISITS_PER_ROUND && !self->stopping; n++)
    {
      FerryLink *link = ferry_shared_queue_next (self->shared);

      if (link == NULL)
        break;
      /* Before the lane: a value that was written before a record is told of before it. */
      if (!is_ahead_of_its_nursery (link))
        ferry_monitor_take_cells (self, link);
      if (link->lingering)
        stop_lingering (self, link);
      if (!link->stalled && !link->dozing)
        visit_link (self, link);
      else
        ferry_shared_queue_deactivate (self->shared, link);
    }
  ferry_monitor_ping (self);
  if (G_UNLIKELY (self->fence.open))
    look_at_fence (self);
}
