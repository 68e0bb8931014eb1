/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which thread has a lane's reader: its owner, or a thread that waits for an answer and has a lease.
 *
 * A thread begins its lease before it sends the request, as the answer may come before the thread runs again. From then
 * on it polls the lane, where that has paid lately, and then sleeps on the lane's lease_bell. For neither does
 * it use the reader. Then it takes a step with the reader: it takes its answer, or arms the lane for itself again, or
 * gives the lane back. Each lease has a ticket. So a thread sees that its lease was ended, also where another lease
 * goes on.
 *
 * Owner:   in a worker the receiving thread, which offers the lane while it waits. Then the word is the reader's lock.
 *          In the application the holder of the role "drains the shared queue", and the role is the reader's lock. So
 *          the lane is offered always, a step is taken in PAUSED, and OWNER and HELD do not occur.
 * Threads: any.
 * Model:   tests/model/lease.pml. */

#pragma once

#include "lane/ferry-lane-private.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_LEASE_OWNER,   /* the owner uses the reader */
  FERRY_LEASE_OFFERED, /* there is no lease, and a thread may begin one */
  FERRY_LEASE_PAUSED,  /* the lease's thread sends, polls or sleeps: it may use the reader next, and so may the owner */
  FERRY_LEASE_HELD,    /* the lease's thread uses the reader */
  FERRY_LEASE_RECALLED, /* the lease is over, and its thread has to see that; after HELD the owner waits until it has */
  FERRY_LEASE_ENDED,    /* as RECALLED, and the thread then frees the lane's memory */
} FerryLeaseState;

typedef struct
{
  FerryLaneReader *reader; /* const: (unowned) */
  /* any: a FerryLeaseState, and the latest ticket, shifted left by FERRY_LEASE_SHIFT. Acquired by a thread that gets
   * the reader, and released by one that gives it */
  _Atomic guint64 word;
} FerryLease;

#define FERRY_LEASE_SHIFT 3

void ferry_lease_init (FerryLease *self, FerryLaneReader *reader, FerryLeaseState state);

/* any: a hint, but for the owner while it has the reader. */
static inline FerryLeaseState
ferry_lease_get_state (FerryLease *self)
{
  return atomic_load_explicit (&self->word, memory_order_relaxed) & ((1 << FERRY_LEASE_SHIFT) - 1);
}

/* ---- the owner ---- */

/* Gives the reader to whichever thread begins a lease. */
void ferry_lease_offer (FerryLease *self);
/* Takes the reader back if no lease was begun. */
gboolean ferry_lease_withdraw (FerryLease *self);
/* Takes the reader back, also from a lease. Returns FALSE if a thread uses the reader. That thread cannot pause then.
 * It finds RECALLED when it leaves, and must wake the owner, which tries again. */
gboolean ferry_lease_take_back (FerryLease *self);
/* With the role: ends the lease, whichever thread has it. Returns FALSE if there is none. */
gboolean ferry_lease_recall (FerryLease *self);
/* The lane's memory is to be freed. Returns FALSE where a thread has to see the end of its lease, and then frees it. */
gboolean ferry_lease_end (FerryLease *self);

/* ---- a thread that waits ---- */

/* Chooses between polling and sleeping. setting: see FERRY_SPIN_SETTING(). Returns FALSE if the thread can do neither.
 */
gboolean ferry_lease_choose (FerryAnswerWait *wait, guint32 setting);
/* Begins a lease, if one is offered. state: HELD, or, with the role, PAUSED. */
gboolean ferry_lease_begin (FerryLease *self, FerryAnswerWait *wait, FerryLeaseState state);
/* With the reader: arms the lane for the thread, or disarms it, where the thread polls. Returns FALSE if the thread
 * must not wait, as there are records. */
gboolean ferry_lease_arm (FerryLease *self, FerryAnswerWait *wait);
/* Changes the state of the thread's own lease. Returns FALSE if the owner has recalled the lane or taken it back. */
gboolean ferry_lease_change (FerryLease *self, const FerryAnswerWait *wait, FerryLeaseState before,
                             FerryLeaseState after);
/* Whether the thread has its lease still, in PAUSED. */
gboolean ferry_lease_goes_on (FerryLease *self, const FerryAnswerWait *wait);
/* In PAUSED: polls or sleeps until it is worth to take a step. may_poll: (nullable): polls while it is set only.
 * Returns whether the thread may wait again after that step. */
gboolean ferry_lease_wait (FerryLease *self, FerryAnswerWait *wait, const _Atomic gboolean *may_poll);
/* The thread has no lease from now on, if it had one still, and offers the lane. Returns the state before. */
FerryLeaseState ferry_lease_leave (FerryLease *self, const FerryAnswerWait *wait);

G_END_DECLS
