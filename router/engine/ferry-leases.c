/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The leases of lanes. See ferry-leases-private.h. */

#include "config.h"

#include "engine/ferry-leases-private.h"

/* How often a thread tries to take the role from a main loop that spins: some microseconds. */
#define TRIES_TO_BEGIN 100

void
ferry_leases_init (FerryLeases *self, FerryShortCut *short_cut, FerryCommands *commands)
{
  self->short_cut = short_cut;
  self->visits = short_cut->visits;
  self->role = short_cut->role;
  self->commands = commands;
}

/* role: whether a thread may have the link's lane: the link rests. */
static gboolean
may_be_leased (FerryLink *link)
{
  return link->state == FERRY_LINK_OPEN && !link->visit.is_stalled && link->visit.nap == NULL && !link->local &&
         !link->draining_done && link->visit.told_attached && link->intake.assembly.data == NULL &&
         link->intake.copy.memory.data == NULL && link->intake.arrival.check == NULL &&
         (!link->visit.is_active || ferry_short_cut_is_as_good_as_resting (link));
}

/* role: gives the lane back, armed for the doorbell. Drains the link first if there are records. Without its answer,
 * the thread waits among others from now on. Returns whether the monitor must take the role. */
static gboolean
give_lane_back (FerryLeases *self, FerryLink *link, FerryAnswerWait *wait)
{
  gboolean passes;

  if (wait->size == 0)
    ferry_answer_waits_add (&link->waiting.waits, wait);
  ferry_link_leave_lease (link, wait);
  if (ferry_visits_arm (link))
    return FALSE;
  ferry_shared_queue_activate (self->visits->shared, link);
  passes = !ferry_short_cut_serve (self->short_cut, link);
  ferry_drain_ping (self->visits->drain);
  return passes;
}

static void
activate (gpointer owner, gpointer data)
{
  FerryLink *link = data;

  /* A link that has ended meanwhile is in no queue. */
  if (link->queue != NULL)
    ferry_shared_queue_activate (link->queue, link);
}

static void
unref_link (gpointer link)
{
  ferry_link_unref (link);
}

/* any: gives the lane back, where the role is the monitor's. */
static void
give_lane_to_monitor (FerryLeases *self, FerryLink *link, FerryAnswerWait *wait)
{
  /* The lane is not armed for the doorbell, so the monitor looks at it. */
  if (ferry_answer_waits_add_after_lease (&link->waiting.waits, wait, &link->waiting.lease))
    ferry_commands_add (self->commands, activate, ferry_link_ref (link), unref_link);
  else
    ferry_link_leave_lease (link, wait);
}

/* any: takes a step of the lease. Returns whether the lease goes on. looks: hands answers over, the thread's own among
 * them. stays: arms the lane for the thread, if it is empty without that answer; else gives it back. */
static gboolean
take_step_with_role (FerryLeases *self, FerryLink *link, FerryAnswerWait *wait, gboolean looks, gboolean stays)
{
  gboolean passes = FALSE;

  if (!ferry_role_acquire (self->role))
    {
      give_lane_to_monitor (self, link, wait);
      return FALSE;
    }
  if (!ferry_lease_goes_on (&link->waiting.lease, wait))
    {
      ferry_link_leave_lease (link, wait);
      stays = FALSE;
    }
  else
    {
      if (looks)
        ferry_drain_hand_over_next (self->visits->drain, link, wait);
      stays = stays && wait->size == 0 && ferry_lane_reader_get_available (&link->up) == 0 &&
              ferry_lease_arm (&link->waiting.lease, wait);
      if (!stays)
        passes = give_lane_back (self, link, wait);
      /* A monitor that sleeps does not know of a timer that this step has started. */
      passes |= looks && ferry_drain_note_untidy (self->visits->drain, link);
    }
  ferry_role_release (self->role, passes);
  return stays;
}

/* role: gives the link's up lane to this thread. Returns FALSE if there are records. Sets *passes as give_lane_back().
 */
static gboolean
take_lane (FerryLeases *self, FerryLink *link, FerryAnswerWait *wait, gboolean *passes)
{
  if (!may_be_leased (link) || !ferry_lease_begin (&link->waiting.lease, wait, FERRY_LEASE_PAUSED))
    return FALSE;
  link->waiting.holder = wait;
  ferry_shared_queue_deactivate (self->visits->shared, link);
  ferry_visits_set_ring_when_full (link, TRUE);
  if (ferry_lease_arm (&link->waiting.lease, wait))
    return TRUE;
  *passes = give_lane_back (self, link, wait);
  return FALSE;
}

/* Relaxed: a hint for the main loop, which may have the role for a spin. */
static void
count_polling (FerryLeases *self, gint more)
{
  atomic_fetch_add_explicit (&self->short_cut->n_polling, more, memory_order_relaxed);
}

/* any: gives this thread the link's up lane, where the main loop drains and the link rests. Returns whether it does. */
static gboolean
begin (FerryLeases *self, FerryLink *link, FerryAnswerWait *wait)
{
  guint tries = TRIES_TO_BEGIN;
  gboolean passes = FALSE;
  gboolean begun;

  if (!ferry_lease_choose (wait, atomic_load_explicit (&self->short_cut->spin_setting, memory_order_relaxed)))
    return FALSE;
  count_polling (self, 1);
  while (!ferry_role_try_acquire (self->role))
    if (--tries == 0 || !ferry_role_is_lent (self->role))
      {
        count_polling (self, -1);
        return FALSE;
      }
  begun = take_lane (self, link, wait, &passes);
  ferry_role_release (self->role, passes);
  /* While the thread sleeps, the main loop may spin. */
  if (!begun || !wait->spins)
    count_polling (self, -1);
  return begun;
}

gboolean
ferry_leases_begin (FerryLeases *self, FerryLink *link, FerryAnswerWait *wait, gboolean may_take)
{
  if (may_take && begin (self, link, wait))
    return TRUE;
  if (!wait->is_listed)
    ferry_answer_waits_add (&link->waiting.waits, wait);
  ferry_short_cut_note_awaited (self->short_cut, link);
  return FALSE;
}

void
ferry_leases_end (FerryLeases *self, FerryLink *link, FerryAnswerWait *wait, gboolean waits)
{
  gboolean stays = waits;

  do
    {
      const gboolean is_counted = wait->spins;
      const guint64 before = ferry_spin_get_time (wait->spin);

      stays = stays && ferry_lease_wait (&link->waiting.lease, wait, &self->role->is_lent);
      /* Relaxed: a count. */
      if (is_counted)
        atomic_fetch_add_explicit (&self->spin_time, ferry_spin_get_time (wait->spin) - before, memory_order_relaxed);
      else
        count_polling (self, 1);
      stays = take_step_with_role (self, link, wait, waits, stays);
      count_polling (self, -1);
    }
  while (stays);
}
