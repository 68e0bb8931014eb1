/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where threads sleep that wait for answers over one transport, so that many can be woken at once.
 *
 * Each sleeper has a slot, which is a bit of a group. A group sleeps on one word, and a futex call wakes those of it
 * whose bits are given. So the thread that receives a run of answers makes one system call for all of them, and the
 * scheduler takes the processor from it once: woken one by one, each of them took it at once, to ask its next question,
 * and the run was over after its first answer.
 *
 * The wake-up: the waker changes what is waited for, then the group's rings, then calls; the sleeper loads the rings,
 * looks at what it waits for, and sleeps only while the rings are as they were (the kernel compares them). So no
 * wake-up is lost, and some come for nothing.
 *
 * Threads: any, but for what is due, which is the receiving thread's. */

#pragma once

#include <glib.h>
#include <stdatomic.h>

G_BEGIN_DECLS

#define FERRY_N_WAITER_GROUPS 32

typedef struct
{
  struct
  {
    _Atomic guint32 taken; /* bits */
    _Atomic guint32 rings;
    guint32 due; /* receiving thread: bits */
  } groups[FERRY_N_WAITER_GROUPS];
  guint32 due; /* receiving thread, as the next one: groups that have some */
  guint n_due;
} FerryWaiters;

/* Where there is none left, it is one that others have as well: they wake together. */
guint ferry_waiters_take (FerryWaiters *self);
void ferry_waiters_leave (FerryWaiters *self, guint slot);
/* Before what is waited for is looked at: what ferry_waiters_sleep() is given. */
guint32 ferry_waiters_look (FerryWaiters *self, guint slot);
/* deadline: monotonic time in microseconds, G_MAXINT64 for none. Returns FALSE when it has passed. May return for
 * nothing. */
gboolean ferry_waiters_sleep (FerryWaiters *self, guint slot, guint32 seen, gint64 deadline);
void ferry_waiters_wake (FerryWaiters *self, guint slot);
/* Receiving thread: has ferry_waiters_wake_due() wake it, which comes soon. */
void ferry_waiters_wake_later (FerryWaiters *self, guint slot);
void ferry_waiters_wake_due (FerryWaiters *self);

G_END_DECLS
