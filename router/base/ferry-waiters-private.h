/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Slots in which threads sleep while they wait for answers over one transport, so that many threads can be woken at
 * once.
 *
 * Each sleeping thread has a slot, which is one bit of a group. The threads of a group sleep on one futex word, and a
 * futex call wakes those of them that it gives the bits of. So the thread that receives a run of answers makes one
 * system call for all of them, and is preempted once. If it woke the threads one by one, each would preempt it at once
 * to send its next request. The run would then end after its first answer.
 *
 * The wake-up: the waking thread changes the awaited state, then the group's rings, then makes the futex call. The
 * sleeping thread loads the rings, checks the awaited state, and sleeps only while the rings are unchanged (the
 * kernel compares them). So no wake-up is lost, but a thread may wake without need.
 *
 * Threads: any. Each thread that receives answers wakes those that it has found due itself. */

#pragma once

#include <glib.h>
#include <stdatomic.h>

G_BEGIN_DECLS

#define FERRY_N_WAITER_GROUPS 32

typedef struct
{
  struct
  {
    _Atomic guint32 taken; /* the bits of the slots in use */
    _Atomic guint32 rings;
  } groups[FERRY_N_WAITER_GROUPS];
} FerryWaiters;

/* The slots that one thread is going to wake. Zeros are a valid start. */
typedef struct
{
  FerryWaiters *waiters; /* (unowned) (nullable): of the slots; only valid while there are any */
  guint32 slots[FERRY_N_WAITER_GROUPS];
  guint32 groups; /* the bits of the groups that have slots */
  guint n;
} FerryDueWaiters;

/* Returns a slot to sleep on. When all slots are taken, returns one that other threads also use; threads that share
 * a slot wake together. */
guint ferry_waiters_take (FerryWaiters *self);
void ferry_waiters_leave (FerryWaiters *self, guint slot);
/* Returns the rings of the slot's group, for ferry_waiters_sleep(). Must be called before the thread checks the
 * awaited state. */
guint32 ferry_waiters_look (FerryWaiters *self, guint slot);
/* Sleeps until the slot is woken, or until rings differ from seen. deadline: monotonic time in microseconds,
 * G_MAXINT64 for none. Returns FALSE when the deadline has passed. May return early. */
gboolean ferry_waiters_sleep (FerryWaiters *self, guint slot, guint32 seen, gint64 deadline);
void ferry_waiters_wake (FerryWaiters *self, guint slot);
/* Marks the slot as due, for this thread. The next ferry_waiters_wake_due(), which must follow soon, wakes it. */
void ferry_waiters_wake_later (FerryWaiters *self, guint slot);
/* Wakes what this thread has marked as due. */
void ferry_waiters_wake_due (void);

/* Adds a slot of waiters. Slots of other waiters are woken first. ferry_due_waiters_wake() must follow soon. */
void ferry_due_waiters_add (FerryDueWaiters *self, FerryWaiters *waiters, guint slot);
void ferry_due_waiters_wake (FerryDueWaiters *self);

G_END_DECLS
