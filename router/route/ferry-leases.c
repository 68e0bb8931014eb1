/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The leases of lanes. See ferry-leases-private.h. */

#include "config.h"

#include "route/ferry-leases-private.h"

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

typedef struct
{
  FerryLeases *leases;
  FerryLink *link;
  FerryAnswerWait *wait;
  guint64 head;     /* the up lane's */
  gboolean is_over; /* this thread has the lane no more */
  gboolean passes;  /* the monitor must take the role after this step */
} Lease;

/* role: whether a thread may have the link's lane: the link rests. */
static gboolean
may_be_leased (FerryLink *link)
{
  return link->state == FERRY_LINK_OPEN && !link->visit.is_stalled && link->visit.nap == NULL && !link->local &&
         !link->draining_done && link->visit.told_attached && link->intake.assembly.data == NULL &&
         link->intake.copy.memory.data == NULL && link->intake.arrival.check == NULL &&
         atomic_load_explicit (&link->waiting.lease, memory_order_relaxed) == FERRY_LEASE_NONE &&
         (!link->visit.is_active || ferry_short_cut_is_as_good_as_resting (link));
}

/* role: gives the lane back, armed for the doorbell. Drains the link first if there are records. Without its answer,
 * the thread waits among others from now on. */
static void
give_lane_back (Lease *lease)
{
  lease->is_over = TRUE;
  if (lease->wait->size == 0)
    ferry_answer_waits_add (&lease->link->waiting.waits, lease->wait);
  /* Relaxed: the role orders this. The memory is freed only after a holder of the role has recalled the lease. */
  atomic_store_explicit (&lease->link->waiting.lease, FERRY_LEASE_NONE, memory_order_relaxed);
  if (ferry_visits_arm (lease->link))
    return;
  ferry_shared_queue_activate (lease->leases->visits->shared, lease->link);
  lease->passes |= !ferry_short_cut_serve (lease->leases->short_cut, lease->link);
  ferry_drain_ping (lease->leases->visits->drain);
}

/* role: hands answers over, this thread's own among them. If that has not come and the thread may sleep, arms the lane
 * for it; else gives the lane back. */
static void
look_for_answer (Lease *lease, gboolean may_sleep)
{
  ferry_drain_hand_over_next (lease->leases->visits->drain, lease->link, lease->wait);
  if (lease->wait->size > 0 || !may_sleep || ferry_lane_reader_get_available (&lease->link->up) > 0 ||
      !ferry_lane_reader_arm_for_lease (&lease->link->up, lease->wait))
    give_lane_back (lease);
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
give_lane_to_monitor (Lease *lease)
{
  lease->is_over = TRUE;
  /* The lane is not armed for the doorbell, so the monitor looks at it. */
  if (ferry_answer_waits_add_if (&lease->link->waiting.waits, lease->wait, &lease->link->waiting.lease,
                                 FERRY_LEASE_HELD, FERRY_LEASE_NONE))
    ferry_commands_add (lease->leases->commands, activate, ferry_link_ref (lease->link), unref_link);
  else
    ferry_link_end_lease (lease->link);
}

typedef enum
{
  STEP_LEAVES, /* gives the lane back at once */
  STEP_LOOKS,  /* takes the answer if it is there, and gives the lane back */
  STEP_STAYS,  /* as STEP_LOOKS, but keeps the lane while it is empty, and then sleeps */
} Step;

/* any: takes the role for a step of the lease. Gives the lane back if the role is the monitor's now. */
static void
take_step (Lease *lease, Step step)
{
  lease->passes = FALSE;
  if (!ferry_role_acquire (lease->leases->role))
    {
      give_lane_to_monitor (lease);
      return;
    }
  if (!ferry_short_cut_is_leased (lease->link))
    {
      lease->is_over = TRUE;
      ferry_link_end_lease (lease->link);
    }
  else if (step == STEP_LEAVES)
    give_lane_back (lease);
  else
    {
      look_for_answer (lease, step == STEP_STAYS);
      /* A monitor that sleeps does not know of a timer that this step has started. */
      lease->passes |= ferry_drain_note_untidy (lease->leases->visits->drain, lease->link);
    }
  ferry_role_release (lease->leases->role, lease->passes);
}

/* role: gives this thread the link's up lane. Returns FALSE if there are records. */
static gboolean
take_lane (Lease *lease)
{
  ferry_shared_queue_deactivate (lease->leases->visits->shared, lease->link);
  ferry_visits_set_ring_when_full (lease->link, TRUE);
  lease->link->waiting.holder = lease->wait;
  /* Relaxed: only this thread and later holders of the role read it. */
  atomic_store_explicit (&lease->link->waiting.lease, FERRY_LEASE_HELD, memory_order_relaxed);
  if (lease->wait->spins)
    ferry_lane_reader_disarm (&lease->link->up);
  else if (!ferry_lane_reader_arm_for_lease (&lease->link->up, lease->wait))
    give_lane_back (lease);
  return !lease->is_over;
}

/* Whether there is a record, or this thread is to poll no more. */
static gboolean
is_poll_over (gpointer data)
{
  const Lease *lease = data;

  /* Relaxed: the record is only looked at after the tail was loaded again, and the flags are hints. */
  return atomic_load_explicit (&lease->link->up.control->writer.tail, memory_order_relaxed) != lease->head ||
         !ferry_short_cut_is_leased (lease->link) || !ferry_role_is_lent (lease->leases->role);
}

/* any: polls, and then looks for the answer. */
static void
poll_lane (Lease *lease)
{
  const FerryAnswerWait *wait = lease->wait;
  guint64 before = ferry_spin_get_time (wait->spin);

  /* Relaxed: only this thread changes the head while it has the lane; after a recall, the poll is over. */
  lease->head = atomic_load_explicit (&lease->link->up.control->reader.head, memory_order_relaxed);
  ferry_spin_poll (wait->spin, is_poll_over, lease);
  /* Relaxed: a count. */
  atomic_fetch_add_explicit (&lease->leases->spin_time, ferry_spin_get_time (wait->spin) - before,
                             memory_order_relaxed);
  take_step (lease, wait->sleep != NULL ? STEP_STAYS : STEP_LOOKS);
}

/* any: gives this thread the link's up lane, where the main loop drains and the link rests. Returns whether it does. */
static gboolean
begin (FerryLeases *self, FerryLink *link, FerryAnswerWait *wait)
{
  Lease lease = {.leases = self, .link = link, .wait = wait};
  guint tries = TRIES_TO_BEGIN;
  gboolean begun;

  ferry_spin_configure (wait->spin, atomic_load_explicit (&self->short_cut->spin_setting, memory_order_relaxed));
  wait->spins = ferry_spin_begin (wait->spin);
  if (!wait->spins && wait->sleep == NULL)
    return FALSE;
  /* Relaxed: a hint for the main loop, which may have the role for a spin. */
  atomic_fetch_add_explicit (&self->short_cut->n_polling, 1, memory_order_relaxed);
  while (!ferry_role_try_acquire (self->role))
    if (--tries == 0 || !ferry_role_is_lent (self->role))
      {
        atomic_fetch_sub_explicit (&self->short_cut->n_polling, 1, memory_order_relaxed);
        return FALSE;
      }
  begun = may_be_leased (link) && take_lane (&lease);
  ferry_role_release (self->role, lease.passes);
  if (!begun || !wait->spins)
    atomic_fetch_sub_explicit (&self->short_cut->n_polling, 1, memory_order_relaxed);
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
  Lease lease = {.leases = self, .link = link, .wait = wait};
  gboolean goes_on = waits;

  /* Relaxed: as in begin(). While this thread sleeps, the main loop may spin. */
  if (wait->spins)
    {
      if (waits)
        poll_lane (&lease);
      atomic_fetch_sub_explicit (&self->short_cut->n_polling, 1, memory_order_relaxed);
    }
  while (!lease.is_over)
    {
      goes_on = goes_on && wait->sleep (wait->data, &link->up.control->lease_bell.rings, wait->seen);
      atomic_fetch_add_explicit (&self->short_cut->n_polling, 1, memory_order_relaxed);
      take_step (&lease, goes_on ? STEP_STAYS : waits ? STEP_LOOKS : STEP_LEAVES);
      atomic_fetch_sub_explicit (&self->short_cut->n_polling, 1, memory_order_relaxed);
    }
}
