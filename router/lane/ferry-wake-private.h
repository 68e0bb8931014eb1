/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a sleeper in any process is armed and woken: doorbells (ferry-doorbell.c), barriers that one process has another
 * execute (ferry-barrier.c), the protocol that uses both, and when a lane's writer leaves its own barriers out
 * (ferry-omission.c). */

#pragma once

#include "base/ferry-base-private.h"
#include "wire/ferry-lane-layout.h"

#include <glib.h>
#include <stdatomic.h>

G_BEGIN_DECLS

/* ---- Doorbells: ferry-doorbell.c ---- */

/* The maximum number of threads that one ring of a futex doorbell wakes. It is more than sleep there in most workers.
 */
#define FERRY_FUTEX_DOORBELL_WAKES 4

FERRY_FOR_SIBLINGS
int ferry_doorbell_new (GError **error);
FERRY_FOR_SIBLINGS
void ferry_doorbell_ring (int fd);
/* A doorbell that is polled level-triggered: what has rung before rings no more. Whoever rings first changes what is
 * looked at after this. */
FERRY_FOR_SIBLINGS
void ferry_doorbell_hear (int fd);

void ferry_futex_doorbell_ring (_Atomic guint32 *rings);
gboolean ferry_futex_doorbell_wait (_Atomic guint32 *rings, guint32 seen, gint64 deadline);

/* ---- Barriers: ferry-barrier.c ---- */

/* Whether this process can issue barriers. The answer stays the same, unless the process restricts its own calls. */
gboolean ferry_barrier_is_available (void);
/* From now on, a barrier that another process issues is executed by all threads of this process too. Takes some
 * milliseconds in a process with several threads. Returns whether that worked. */
gboolean ferry_barrier_join (void);
/* Executes a barrier on each running thread of each process that has joined. A thread that does not run has executed
 * one when it was stopped. Returns whether that worked. */
gboolean ferry_barrier_issue (void);

/* The wake-up protocol. Every sleep in Ferry that another thread or process ends uses it.
 *
 * A sleeper waits until a position (the first word of a record, a head, a count) changes. A waker changes the position.
 * Each of the two has a word of its own. The sleeper's word is an epoch: a number that the sleeper increases before
 * each sleep.
 *
 *   waker                                    sleeper
 *   publish:  position := new                arm:   waiting := ++epoch
 *   due:      load waiting, compare          look:  load position, compare
 *             with the epoch last rung for          with what it waits for, and only then sleep
 *
 * Each side stores its own word, then loads the word of the other side. All four accesses are sequentially consistent,
 * so they have a single total order. In this order one of the two stores comes first, and the load of the other side
 * sees it. Either the sleeper sees the new position and does not sleep, or the waker sees the new epoch and rings. With
 * any weaker memory order, both loads may pass their stores (on x86, in the store buffer), and the wake-up is lost. The
 * model tests/model/wake.pml checks that the protocol works, and that it fails with a weaker order.
 *
 * A waker that publishes very often may leave out its half of the order. It first stores 1 in a word of its own, which
 * says so. From then on it publishes by a release store. A sleeper that finds 1 there, after it has announced its
 * epoch, has the waker's processor execute a barrier (ferry_barrier_issue()). Only then it loads the position. What
 * the waker published before the barrier is in memory then, and a load of the waker's after the barrier sees the epoch.
 * The store of that word, the store of the epoch, and the two loads that follow these are sequentially consistent. So
 * one side sees the other as above. A waker that sees a new epoch stores 0 again.
 *
 * A waker rings only once for an epoch. So a waker that is faster than its sleeper makes one system call for each
 * sleep, not one for each message. The doorbell must remember the ring until the sleeper looks (an eventfd that was
 * written to, a futex word that was changed). Then a ring before the sleep ends the sleep at once. A ring that was not
 * necessary is allowed and harmless.
 *
 * A sleeper that arms itself and then does not sleep may disarm itself: it stores 0, for which no waker rings. */

/* Waker: publishes the new position. Also releases all writes before the call. */
static inline void
ferry_wake_publish (_Atomic guint64 *position, guint64 value)
{
  atomic_store_explicit (position, value, memory_order_seq_cst);
}

/* Waker, after it has announced that it does so: publishes the new position, without a barrier before the next load. */
static inline void
ferry_wake_publish_without_barrier (_Atomic guint64 *position, guint64 value)
{
  atomic_store_explicit (position, value, memory_order_release);
  /* The compiler keeps the order of the store and the load that follows it. The processor need not. */
  atomic_signal_fence (memory_order_seq_cst);
}

/* Waker, after ferry_wake_publish(): returns whether the waker must ring. rung: the value of waiting at the latest
 * ring; private to the wakers. */
static inline gboolean
ferry_wake_due (_Atomic guint32 *waiting, guint32 *rung)
{
  guint32 epoch = atomic_load_explicit (waiting, memory_order_seq_cst);

  if (G_LIKELY (epoch == *rung || epoch == 0))
    return FALSE;
  *rung = epoch;
  return TRUE;
}

/* Sleeper, before it sleeps: increases *epoch, which is never 0 then, and stores it in *waiting. epoch: private to the
 * sleeper. */
static inline void
ferry_wake_arm (_Atomic guint32 *waiting, guint32 *epoch)
{
  *epoch = *epoch + 1 != 0 ? *epoch + 1 : 1;
  atomic_store_explicit (waiting, *epoch, memory_order_seq_cst);
}

/* Sleeper: makes the waker omit the ring. The sleeper must call ferry_wake_arm() before it sleeps. */
static inline void
ferry_wake_disarm (_Atomic guint32 *waiting)
{
  /* Relaxed: a waker that still sees the epoch rings, which is harmless. */
  atomic_store_explicit (waiting, 0, memory_order_relaxed);
}

/* Sleeper, after ferry_wake_arm(): returns the position. Acquires all writes before the position's publication. */
static inline guint64
ferry_wake_look (_Atomic guint64 *position)
{
  return atomic_load_explicit (position, memory_order_seq_cst);
}

/* ---- Barriers that are left out: ferry-omission.c ---- */

/* After this many records without a wake-up, and without a reader that disarms the lane, the writer omits barriers. A
 * reader that sleeps costs far more than the barriers before as many records. */
#define FERRY_OMIT_BARRIERS_FROM 256

typedef struct
{
  gboolean is_allowed; /* const after ferry_omission_allow() */
  gboolean is_on;      /* the value that was stored in the lane's word omits_barriers last */
  guint n_unrung;      /* while it is off: how many records were published since the latest wake-up */
} FerryOmission;

/* Allows the writer to omit barriers, if the reader issues barriers and this process can join in them. */
void ferry_omission_allow (FerryOmission *self, FerryLaneControl *control);
/* The next records are published without a barrier. */
void ferry_omission_begin (FerryOmission *self, FerryLaneControl *control);
/* A record was published. finds_reader: the reader sleeps, or disarmed the lane since its latest sleep. */
void ferry_omission_note (FerryOmission *self, FerryLaneControl *control, gboolean finds_reader);

/* The reader: whether its writer omits barriers. */
static inline gboolean
ferry_omission_is_announced (FerryLaneControl *control)
{
  /* Sequentially consistent: see the protocol above. */
  return atomic_load_explicit (&control->writer.omits_barriers, memory_order_seq_cst) != 0;
}

G_END_DECLS
