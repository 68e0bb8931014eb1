/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The drain lock: who drains the links, the monitor or the main loop. */

#pragma once

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

G_BEGIN_DECLS

typedef struct
{
  pthread_mutex_t lock;
  /* any: the drain lock is lent. Set with the lock held; the monitor clears it before it waits for the lock. Relaxed,
   * but for ferry_drain_lock_is_lent(): the lock orders what the flag tells of */
  _Atomic gboolean is_lent;
  _Atomic guint n_wants; /* any: how many threads try to acquire the drain lock while another has it */
  _Atomic gint n_needs;  /* any: how many threads need the monitor to drain */
  gint64 keep_until;     /* drain lock: monotonic time until which the monitor keeps the drain lock */
  gboolean is_unused;    /* drain lock: it was lent, and the main loop has not had it since */
  int doorbell;          /* const: (unowned): wakes the monitor */
} FerryDrainLock;

void ferry_drain_lock_init (FerryDrainLock *self, int doorbell);
void ferry_drain_lock_clear (FerryDrainLock *self);

/* The monitor: takes the drain lock at the start of its thread, and gives it up at the end. */
void ferry_drain_lock_take (FerryDrainLock *self);
void ferry_drain_lock_drop (FerryDrainLock *self);

/* The monitor: lends the drain lock, and then takes it back. In between, it sleeps until there is work for it only. */
void ferry_drain_lock_lend (FerryDrainLock *self);
void ferry_drain_lock_take_back (FerryDrainLock *self);

/* drain lock: the monitor keeps the drain lock for a while from now on. */
void ferry_drain_lock_keep (FerryDrainLock *self, gint64 now);

/* any: takes the drain lock, if it is lent. Another thread has it for some microseconds, but may have lost its
 * processor to this thread, or to others. So this one gives up after a while, as if the drain lock was not lent. It
 * wakes the monitor, which then waits for the drain lock. */
gboolean ferry_drain_lock_acquire (FerryDrainLock *self);
/* any: gives up the drain lock that this thread took while it was lent. passes: there is work for the monitor only,
 * which is woken, and takes the drain lock back. */
void ferry_drain_lock_release (FerryDrainLock *self, gboolean passes);

/* any: a hint. But if a thread has counted itself among the answer waits, and finds the drain lock not lent, then what
 * the drain lock is lent to later finds it counted: the count, this load, and the store that lends the drain lock are
 * sequentially consistent. */
static inline gboolean
ferry_drain_lock_is_lent (FerryDrainLock *self)
{
  return atomic_load_explicit (&self->is_lent, memory_order_seq_cst);
}

/* The thread that holds the drain lock and polls: whether it is to stop. The monitor takes the drain lock back, or
 * another thread wants it. Relaxed: hints. */
static inline gboolean
ferry_drain_lock_is_wanted (FerryDrainLock *self)
{
  return !ferry_drain_lock_is_lent (self) || atomic_load_explicit (&self->n_wants, memory_order_relaxed) > 0;
}

/* any: makes the monitor keep the drain lock until ferry_drain_lock_end_need(). The monitor must be woken afterwards.
 */
void ferry_drain_lock_begin_need (FerryDrainLock *self);
void ferry_drain_lock_end_need (FerryDrainLock *self);

static inline gboolean
ferry_drain_lock_is_needed (FerryDrainLock *self)
{
  /* Relaxed: a thread that needs the monitor wakes it afterwards. */
  return atomic_load_explicit (&self->n_needs, memory_order_relaxed) > 0;
}

G_END_DECLS
