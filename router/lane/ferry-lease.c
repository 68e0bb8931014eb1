/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which thread has a lane's reader. See ferry-lease-private.h. */

#include "config.h"

#include "lane/ferry-lease-private.h"

#define STATE ((guint64) (1 << FERRY_LEASE_SHIFT) - 1)
#define TICKET ((guint64) 1 << FERRY_LEASE_SHIFT)

void
ferry_lease_init (FerryLease *self, FerryLaneReader *reader, FerryLeaseState state)
{
  self->reader = reader;
  atomic_init (&self->word, state);
}

static guint64
load (FerryLease *self)
{
  return atomic_load_explicit (&self->word, memory_order_relaxed);
}

/* Changes the word only where nothing has changed it since it was loaded. */
static gboolean
change (FerryLease *self, guint64 before, guint64 after)
{
  return atomic_compare_exchange_strong_explicit (&self->word, &before, after, memory_order_acq_rel,
                                                  memory_order_relaxed);
}

/* ---- the owner ---- */

void
ferry_lease_offer (FerryLease *self)
{
  atomic_store_explicit (&self->word, (load (self) & ~STATE) | FERRY_LEASE_OFFERED, memory_order_release);
}

gboolean
ferry_lease_withdraw (FerryLease *self)
{
  const guint64 word = load (self);

  return (word & STATE) == FERRY_LEASE_OFFERED && change (self, word, (word & ~STATE) | FERRY_LEASE_OWNER);
}

gboolean
ferry_lease_take_back (FerryLease *self)
{
  for (;;)
    {
      const guint64 word = load (self);
      const gboolean is_used = (word & STATE) == FERRY_LEASE_HELD || (word & STATE) == FERRY_LEASE_RECALLED;

      if (change (self, word, (word & ~STATE) | (is_used ? FERRY_LEASE_RECALLED : FERRY_LEASE_OWNER)))
        return !is_used;
    }
}

gboolean
ferry_lease_recall (FerryLease *self)
{
  const guint64 word = load (self);

  return (word & STATE) == FERRY_LEASE_PAUSED && change (self, word, (word & ~STATE) | FERRY_LEASE_RECALLED);
}

gboolean
ferry_lease_end (FerryLease *self)
{
  /* Acquire: the loads of a thread that has left come before the memory is freed. */
  return (atomic_exchange_explicit (&self->word, FERRY_LEASE_ENDED, memory_order_acq_rel) & STATE) ==
         FERRY_LEASE_OFFERED;
}

/* ---- a thread that waits ---- */

gboolean
ferry_lease_choose (FerryAnswerWait *wait, guint32 setting)
{
  ferry_spin_configure (wait->spin, setting);
  wait->spins = ferry_spin_begin (wait->spin);
  return wait->spins || wait->sleep != NULL;
}

gboolean
ferry_lease_begin (FerryLease *self, FerryAnswerWait *wait, FerryLeaseState state)
{
  const guint64 word = load (self);

  wait->ticket = (word & ~STATE) + TICKET;
  return (word & STATE) == FERRY_LEASE_OFFERED && change (self, word, wait->ticket | state);
}

gboolean
ferry_lease_arm (FerryLease *self, FerryAnswerWait *wait)
{
  wait->position = self->reader->head;
  if (!wait->spins)
    return ferry_lane_reader_arm_for_lease (self->reader, wait);
  ferry_lane_reader_disarm (self->reader);
  return TRUE;
}

gboolean
ferry_lease_change (FerryLease *self, const FerryAnswerWait *wait, FerryLeaseState before, FerryLeaseState after)
{
  return change (self, wait->ticket | before, wait->ticket | after);
}

gboolean
ferry_lease_goes_on (FerryLease *self, const FerryAnswerWait *wait)
{
  return load (self) == (wait->ticket | FERRY_LEASE_PAUSED);
}

/* What a thread compares while it polls. */
typedef struct
{
  FerryLease *lease;
  const FerryAnswerWait *wait;
  const _Atomic gboolean *may_poll; /* (nullable) */
} Poll;

/* Whether there is a record, or this thread is to poll no more. */
static gboolean
is_poll_over (gpointer data)
{
  const Poll *self = data;

  /* Relaxed: the flag is a hint. */
  return ferry_lane_reader_has_record (self->lease->reader, self->wait->position) ||
         !ferry_lease_goes_on (self->lease, self->wait) ||
         (self->may_poll != NULL && !atomic_load_explicit (self->may_poll, memory_order_relaxed));
}

gboolean
ferry_lease_wait (FerryLease *self, FerryAnswerWait *wait, const _Atomic gboolean *may_poll)
{
  Poll poll = {self, wait, may_poll};

  if (!wait->spins)
    return wait->sleep (wait->data, &self->reader->control->lease_bell.rings, wait->seen);
  ferry_spin_poll (wait->spin, is_poll_over, &poll);
  wait->spins = FALSE;
  return wait->sleep != NULL;
}

FerryLeaseState
ferry_lease_leave (FerryLease *self, const FerryAnswerWait *wait)
{
  return atomic_exchange_explicit (&self->word, wait->ticket | FERRY_LEASE_OFFERED, memory_order_acq_rel) & STATE;
}
