/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The wake-up protocol: every sleep in Ferry that another thread or process ends uses it.
 *
 * A sleeper waits for a position (tail, head, a count) to change; a waker changes it. Each has a word of its own:
 *
 *   waker                                    sleeper
 *   publish:  position := new                arm:   waiting := ++epoch
 *   due:      load waiting, compare          look:  load position, compare
 *             with the epoch last rung for          with what it waits for, and only then sleep
 *
 * Each side stores its own word, then loads the other's. All four accesses are sequentially consistent. So in their
 * single total order one of the two stores comes first, and the load of the other side sees it. Either the sleeper sees
 * the new position and does not sleep, or the waker sees the new epoch and rings. With anything weaker both loads may
 * pass their stores (on x86, in the store buffer), and the wake-up is lost. tests/model/wake.pml shows both.
 *
 * An epoch is rung for once, so a waker that outruns its sleeper makes one system call a sleep and not one a message.
 * The doorbell must remember the ring until the sleeper looks (an eventfd that was written to, a futex word that was
 * changed): then a ring before the sleep ends it at once. A needless ring is allowed and harmless. */

#pragma once

#include <glib.h>
#include <stdatomic.h>

G_BEGIN_DECLS

/* Waker: publishes the new position. Releases all writes before it. */
static inline void
ferry_wake_publish (_Atomic guint64 *position, guint64 value)
{
  atomic_store_explicit (position, value, memory_order_seq_cst);
}

/* Waker, after publishing: returns whether to ring. rung is private to the wakers. */
static inline gboolean
ferry_wake_due (_Atomic guint32 *waiting, guint32 *rung)
{
  guint32 epoch = atomic_load_explicit (waiting, memory_order_seq_cst);

  if (G_LIKELY (epoch == *rung))
    return FALSE;
  *rung = epoch;
  return TRUE;
}

/* Sleeper: stores a new epoch before it sleeps. epoch is private to the sleeper. */
static inline void
ferry_wake_arm (_Atomic guint32 *waiting, guint32 *epoch)
{
  *epoch += 1;
  atomic_store_explicit (waiting, *epoch, memory_order_seq_cst);
}

/* Sleeper, after arming: loads the position. Acquires all writes before its publishing. */
static inline guint64
ferry_wake_look (_Atomic guint64 *position)
{
  return atomic_load_explicit (position, memory_order_seq_cst);
}

G_END_DECLS
