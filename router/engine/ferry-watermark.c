/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A watermark in the stream of all messages: how far each lane was written at a moment, and whether all are drained up
 * to there. ferry_router_route_until() sets one when it begins, and so does the router when a limit of time is over.
 * The monitor then notes each lane's tail, and has reached the watermark when it has drained each lane up to that tail.
 * A watermark that is set meanwhile is set up afterwards, so that each is reached.
 *
 * Owner:   the monitor.
 * Threads: the router's thread sets watermarks; the monitor's thread sets them up and looks at them. */

#include "config.h"

#include "engine/ferry-watermark-private.h"

/* rounds: how many ferry_watermark_set_up_if_due() follow until the watermark is set up, of which the last comes after
 * the next wait, which does not sleep. By then the events of processes and sockets that were due are handled. */
static void
begin (FerryWatermark *self, FerryVisits *visits, guint rounds)
{
  self->number = self->wanted;
  self->rounds = rounds;
  visits->is_marked = TRUE;
  ferry_shared_queue_wake (visits->shared);
}

void
ferry_watermark_begin (FerryWatermark *self, FerryVisits *visits, guint64 number)
{
  self->wanted = number;
  /* The first one follows in this round. */
  if (!visits->is_marked)
    begin (self, visits, 2);
}

/* Whether the monitor may still drain records from the link's lane, or has yet to report the link's end. */
static gboolean
may_be_drained (FerryLink *link)
{
  return link->state != FERRY_LINK_ATTACHING && !ferry_visits_is_ahead_of_fork_server (link) &&
         (!link->draining_done || link->state == FERRY_LINK_ENDED);
}

/* Whether the link is stalled until the application drops buffers that it keeps. */
static gboolean
is_held_up (FerryVisits *visits, FerryLink *link)
{
  return link->visit.is_stalled && ferry_drain_checks_are_over (link) &&
         ferry_local_queue_get_bytes (visits->local) == 0 && !ferry_visits_may_go_on (visits, link);
}

static gboolean
is_before_watermark (FerryVisits *visits, FerryLink *link)
{
  return link->visit.is_marked && may_be_drained (link) && !is_held_up (visits, link) &&
         (link->state == FERRY_LINK_ENDED || link->up.head < link->visit.watermark || ferry_link_is_taking (link));
}

static void
set_up_for_link (FerryVisits *visits, FerryLink *link)
{
  link->visit.is_marked = may_be_drained (link);
  if (!link->visit.is_marked)
    return;
  ferry_link_events_take_cells (&visits->events, link);
  /* A tail that is out of range needs no handling here: the next visit finds it. */
  if (!link->tail_final)
    ferry_lane_reader_look_to_end (&link->up);
  link->visit.watermark = link->up.tail;
  if (!is_before_watermark (visits, link) || link->visit.is_stalled)
    return;
  ferry_visits_wake (visits, link);
  ferry_shared_queue_activate (visits->shared, link);
}

void
ferry_watermark_set_up_if_due (FerryWatermark *self, FerryVisits *visits)
{
  if (G_LIKELY (self->rounds == 0) || --self->rounds > 0)
    return;
  for (GList *node = visits->shared->links.head; node != NULL; node = node->next)
    set_up_for_link (visits, node->data);
  self->is_open = TRUE;
}

gboolean
ferry_watermark_look (FerryWatermark *self, FerryVisits *visits)
{
  if (G_LIKELY (!self->is_open))
    return FALSE;
  for (GList *node = visits->shared->links.head; node != NULL; node = node->next)
    if (is_before_watermark (visits, node->data))
      return FALSE;
  self->is_open = visits->is_marked = FALSE;
  atomic_store_explicit (&self->pushed, ferry_local_queue_get_n_pushed (visits->local), memory_order_relaxed);
  /* Release: pairs with ferry_monitor_is_watermark_reached(). */
  atomic_store_explicit (&self->reached, self->number, memory_order_release);
  ferry_local_queue_nudge (visits->local);
  if (self->wanted != self->number)
    begin (self, visits, 1);
  return TRUE;
}
