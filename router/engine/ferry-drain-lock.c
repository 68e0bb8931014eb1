/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lock of the thread that drains: how it is lent and taken back, and for how long the monitor keeps it. What is
 * marked "drain lock" or "monitor" belongs to the thread that holds it.
 *
 * The monitor holds the drain lock always, except while it lends it. Then the monitor sleeps, and the main loop, or a
 * thread that waits for an answer, takes the drain lock again and again, for some microseconds each time.
 *
 * Owner:   the monitor.
 * Threads: any.
 * Model:   tests/model/drain-lock.pml. */

#include "config.h"

#include "engine/ferry-drain-lock-private.h"

#include <sched.h>

#include "lane/ferry-wake-private.h"

/* So long the monitor keeps the drain lock after a link carried many records, or after it was woken while the drain
 * lock was lent. */
#define KEEP_MICROSECONDS 10000

/* So long a thread waits for the drain lock while another thread has it. */
#define WAIT_MICROSECONDS 200

void
ferry_drain_lock_init (FerryDrainLock *self, int doorbell)
{
  *self = (FerryDrainLock){.doorbell = doorbell};
  pthread_mutex_init (&self->lock, NULL);
}

void
ferry_drain_lock_clear (FerryDrainLock *self)
{
  pthread_mutex_destroy (&self->lock);
}

void
ferry_drain_lock_take (FerryDrainLock *self)
{
  pthread_mutex_lock (&self->lock);
}

void
ferry_drain_lock_drop (FerryDrainLock *self)
{
  pthread_mutex_unlock (&self->lock);
}

void
ferry_drain_lock_lend (FerryDrainLock *self)
{
  self->is_unused = TRUE;
  /* Sequentially consistent: see ferry_drain_lock_is_lent(). */
  atomic_store_explicit (&self->is_lent, TRUE, memory_order_seq_cst);
  pthread_mutex_unlock (&self->lock);
}

void
ferry_drain_lock_take_back (FerryDrainLock *self)
{
  /* First, so that no further thread takes the drain lock. */
  atomic_store_explicit (&self->is_lent, FALSE, memory_order_relaxed);
  pthread_mutex_lock (&self->lock);
  /* A ring before the main loop had the drain lock says nothing: a worker that answers at once may always be quicker.
   */
  if (!self->is_unused)
    ferry_drain_lock_keep (self, g_get_monotonic_time ());
}

void
ferry_drain_lock_keep (FerryDrainLock *self, gint64 now)
{
  self->keep_until = now + KEEP_MICROSECONDS;
}

/* Takes the drain lock, if it is lent and no other thread has it. */
static gboolean
try_acquire (FerryDrainLock *self)
{
  if (!ferry_drain_lock_is_lent (self) || pthread_mutex_trylock (&self->lock) != 0)
    return FALSE;
  if (ferry_drain_lock_is_lent (self))
    return TRUE;
  pthread_mutex_unlock (&self->lock);
  return FALSE;
}

/* While another thread holds the drain lock. */
static gboolean
wait_for_lock (FerryDrainLock *self)
{
  const gint64 until = g_get_monotonic_time () + WAIT_MICROSECONDS;

  while (ferry_drain_lock_is_lent (self))
    {
      if (g_get_monotonic_time () >= until)
        {
          ferry_doorbell_ring (self->doorbell);
          return FALSE;
        }
      sched_yield ();
      if (try_acquire (self))
        return TRUE;
    }
  return FALSE;
}

gboolean
ferry_drain_lock_acquire (FerryDrainLock *self)
{
  gboolean has_lock = try_acquire (self);

  if (has_lock || !ferry_drain_lock_is_lent (self))
    return has_lock;
  /* Relaxed: see ferry_drain_lock_is_wanted(). */
  atomic_fetch_add_explicit (&self->n_wants, 1, memory_order_relaxed);
  has_lock = wait_for_lock (self);
  atomic_fetch_sub_explicit (&self->n_wants, 1, memory_order_relaxed);
  return has_lock;
}

void
ferry_drain_lock_release (FerryDrainLock *self, gboolean passes)
{
  if (passes)
    {
      atomic_store_explicit (&self->is_lent, FALSE, memory_order_relaxed);
      ferry_doorbell_ring (self->doorbell);
    }
  pthread_mutex_unlock (&self->lock);
}

void
ferry_drain_lock_begin_need (FerryDrainLock *self)
{
  atomic_fetch_add_explicit (&self->n_needs, 1, memory_order_relaxed);
}

void
ferry_drain_lock_end_need (FerryDrainLock *self)
{
  atomic_fetch_sub_explicit (&self->n_needs, 1, memory_order_relaxed);
}
