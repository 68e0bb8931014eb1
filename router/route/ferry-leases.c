/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The leases of lanes. See ferry-leases-private.h. */

#include "config.h"

#include "route/ferry-leases-private.h"

/* How often a caller tries to take the role from a main loop that spins: some microseconds. */
#define TRIES_TO_BEGIN_CALL 100

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
  FerryCaller *caller;
  guint64 head;     /* the up lane's */
  gboolean is_over; /* this thread has the lane no more */
  gboolean passes;  /* the monitor must take the role after this turn */
} Call;

/* role: whether a caller may have the link's lane: the link rests. */
static gboolean
may_be_called (FerryLink *link)
{
  return link->state == FERRY_LINK_OPEN && !link->visit.is_stalled && link->visit.nap == NULL && !link->local &&
         !link->draining_done && link->visit.told_attached && link->intake.assembly.data == NULL &&
         link->intake.copy.memory.data == NULL && link->intake.arrival.check == NULL &&
         atomic_load_explicit (&link->waiting.lease, memory_order_relaxed) == FERRY_CALLER_NONE &&
         (!link->visit.is_active || ferry_short_cut_is_as_good_as_resting (link));
}

/* role: gives the lane back, armed for the doorbell. Drains the link first if there are records. Without its answer,
 * the thread waits among others from now on. */
static void
give_lane_back (Call *call)
{
  call->is_over = TRUE;
  if (call->caller->size == 0)
    ferry_callers_add (&call->link->waiting.callers, call->caller);
  /* Relaxed: the role orders this. The memory is freed only after a holder of the role has dismissed this thread. */
  atomic_store_explicit (&call->link->waiting.lease, FERRY_CALLER_NONE, memory_order_relaxed);
  if (ferry_visits_arm (call->link))
    return;
  ferry_shared_queue_activate (call->leases->visits->shared, call->link);
  call->passes |= !ferry_short_cut_serve (call->leases->short_cut, call->link);
  ferry_drain_ping (call->leases->visits->drain);
}

/* role: hands answers over, the caller's own among them. If that has not come and the caller may sleep, arms the lane
 * for it; else gives the lane back. */
static void
look_for_answer (Call *call, gboolean may_sleep)
{
  ferry_drain_hand_over_next (call->leases->visits->drain, call->link, call->caller);
  if (call->caller->size > 0 || !may_sleep || ferry_lane_reader_get_available (&call->link->up) > 0 ||
      !ferry_lane_reader_arm_for_caller (&call->link->up, call->caller))
    give_lane_back (call);
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
give_lane_to_monitor (Call *call)
{
  call->is_over = TRUE;
  /* The lane is not armed for the doorbell, so the monitor looks at it. */
  if (ferry_callers_add_if (&call->link->waiting.callers, call->caller, &call->link->waiting.lease, FERRY_CALLER_WAITS,
                            FERRY_CALLER_NONE))
    ferry_commands_add (call->leases->commands, activate, ferry_link_ref (call->link), unref_link);
  else
    ferry_link_let_caller_go (call->link);
}

typedef enum
{
  CALL_LEAVES, /* gives the lane back at once */
  CALL_LOOKS,  /* takes the answer if it is there, and gives the lane back */
  CALL_STAYS,  /* as CALL_LOOKS, but keeps the lane while it is empty, and then sleeps */
} CallStep;

/* any: takes a turn of the role for a step of the call. Gives the lane back if the role is the monitor's now. */
static void
take_turn_of_call (Call *call, CallStep step)
{
  call->passes = FALSE;
  if (!ferry_role_begin_turn (call->leases->role))
    {
      give_lane_to_monitor (call);
      return;
    }
  if (!ferry_short_cut_has_caller (call->link))
    {
      call->is_over = TRUE;
      ferry_link_let_caller_go (call->link);
    }
  else if (step == CALL_LEAVES)
    give_lane_back (call);
  else
    {
      look_for_answer (call, step == CALL_STAYS);
      /* A monitor that sleeps does not know of a timer that this turn has started. */
      call->passes |= ferry_drain_note_untidy (call->leases->visits->drain, call->link);
    }
  ferry_role_end_turn (call->leases->role, call->passes);
}

/* role: makes this thread the link's caller. Returns FALSE if there are records. */
static gboolean
take_lane (Call *call)
{
  ferry_shared_queue_deactivate (call->leases->visits->shared, call->link);
  ferry_visits_set_ring_when_full (call->link, TRUE);
  call->link->waiting.holder = call->caller;
  /* Relaxed: only this thread and later holders of the role read it. */
  atomic_store_explicit (&call->link->waiting.lease, FERRY_CALLER_WAITS, memory_order_relaxed);
  if (call->caller->spins)
    ferry_lane_reader_disarm (&call->link->up);
  else if (!ferry_lane_reader_arm_for_caller (&call->link->up, call->caller))
    give_lane_back (call);
  return !call->is_over;
}

/* Whether there is a record, or this thread is to poll no more. */
static gboolean
is_poll_over (gpointer data)
{
  const Call *call = data;

  /* Relaxed: the record is only looked at after the tail was loaded again, and the flags are hints. */
  return atomic_load_explicit (&call->link->up.control->writer.tail, memory_order_relaxed) != call->head ||
         !ferry_short_cut_has_caller (call->link) || !ferry_role_is_lent (call->leases->role);
}

/* any: polls, and then looks for the answer. */
static void
poll_lane (Call *call)
{
  const FerryCaller *caller = call->caller;
  guint64 before = ferry_spin_get_time (caller->spin);

  /* Relaxed: only this thread changes the head while it is the caller; after a dismissal, the poll is over. */
  call->head = atomic_load_explicit (&call->link->up.control->reader.head, memory_order_relaxed);
  ferry_spin_poll (caller->spin, is_poll_over, call);
  /* Relaxed: a count. */
  atomic_fetch_add_explicit (&call->leases->spin_time, ferry_spin_get_time (caller->spin) - before,
                             memory_order_relaxed);
  take_turn_of_call (call, caller->sleep != NULL ? CALL_STAYS : CALL_LOOKS);
}

/* any: gives this thread the link's up lane, where the main loop drains and the link rests. Returns whether it does. */
static gboolean
begin_call (FerryLeases *self, FerryLink *link, FerryCaller *caller)
{
  Call call = {.leases = self, .link = link, .caller = caller};
  guint tries = TRIES_TO_BEGIN_CALL;
  gboolean begun;

  ferry_spin_configure (caller->spin, atomic_load_explicit (&self->short_cut->spin_setting, memory_order_relaxed));
  caller->spins = ferry_spin_begin (caller->spin);
  if (!caller->spins && caller->sleep == NULL)
    return FALSE;
  /* Relaxed: a hint for the main loop, which may have the role for a spin. */
  atomic_fetch_add_explicit (&self->short_cut->n_callers, 1, memory_order_relaxed);
  while (!ferry_role_try_turn (self->role))
    if (--tries == 0 || !ferry_role_is_lent (self->role))
      {
        atomic_fetch_sub_explicit (&self->short_cut->n_callers, 1, memory_order_relaxed);
        return FALSE;
      }
  begun = may_be_called (link) && take_lane (&call);
  ferry_role_end_turn (self->role, call.passes);
  if (!begun || !caller->spins)
    atomic_fetch_sub_explicit (&self->short_cut->n_callers, 1, memory_order_relaxed);
  return begun;
}

gboolean
ferry_leases_begin (FerryLeases *self, FerryLink *link, FerryCaller *caller, gboolean may_take)
{
  if (may_take && begin_call (self, link, caller))
    return TRUE;
  if (!caller->is_listed)
    ferry_callers_add (&link->waiting.callers, caller);
  ferry_short_cut_note_awaited (self->short_cut, link);
  return FALSE;
}

void
ferry_leases_end (FerryLeases *self, FerryLink *link, FerryCaller *caller, gboolean waits)
{
  Call call = {.leases = self, .link = link, .caller = caller};
  gboolean goes_on = waits;

  /* Relaxed: as in begin_call(). While this thread sleeps, the main loop may spin. */
  if (caller->spins)
    {
      if (waits)
        poll_lane (&call);
      atomic_fetch_sub_explicit (&self->short_cut->n_callers, 1, memory_order_relaxed);
    }
  while (!call.is_over)
    {
      goes_on = goes_on && caller->sleep (caller->data, &link->up.control->caller_bell.rings, caller->seen);
      atomic_fetch_add_explicit (&self->short_cut->n_callers, 1, memory_order_relaxed);
      take_turn_of_call (&call, goes_on ? CALL_STAYS : waits ? CALL_LOOKS : CALL_LEAVES);
      atomic_fetch_sub_explicit (&self->short_cut->n_callers, 1, memory_order_relaxed);
    }
}
