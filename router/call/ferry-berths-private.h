/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where threads sleep that wait for answers over one transport, so that many can be woken at once.
 *
 * Each sleeper has a berth, which is a bit of a group. A group sleeps on one word, and a futex call wakes those of it
 * whose bits are given. So whoever receives a run of answers makes one system call for all of them, and the scheduler
 * takes the processor from it once: woken one by one, each of them took it at once, to ask its next question, and the
 * run was over after its first answer.
 *
 * The wake-up: who wakes changes what is waited for, then the group's rings, then calls; who sleeps loads the rings,
 * looks at what it waits for, and sleeps only while the rings are as they were (the kernel compares them). So no
 * wake-up is lost, and some come for nothing.
 *
 * Threads: any, but for what is due, which is the receiving thread's. */

#pragma once

#include <glib.h>
#include <stdatomic.h>

G_BEGIN_DECLS

#define FERRY_N_BERTH_GROUPS 32

typedef struct
{
  struct
  {
    _Atomic guint32 taken; /* bits */
    _Atomic guint32 rings;
    guint32 due; /* receiving thread: bits */
  } groups[FERRY_N_BERTH_GROUPS];
  guint32 due; /* receiving thread, as the next one: groups that have some */
  guint n_due;
} FerryBerths;

/* Where there is none left, it is one that others have as well: they wake together. */
guint ferry_berths_take (FerryBerths *self);
void ferry_berths_leave (FerryBerths *self, guint berth);
/* Before what is waited for is looked at: what ferry_berths_sleep() is given. */
guint32 ferry_berths_look (FerryBerths *self, guint berth);
/* deadline: monotonic time in microseconds, 0 for none. Returns FALSE when it has passed. May return for nothing. */
gboolean ferry_berths_sleep (FerryBerths *self, guint berth, guint32 seen, gint64 deadline);
void ferry_berths_wake (FerryBerths *self, guint berth);
/* Receiving thread: has ferry_berths_wake_due() wake it, which comes soon. */
void ferry_berths_wake_later (FerryBerths *self, guint berth);
void ferry_berths_wake_due (FerryBerths *self);

G_END_DECLS
