/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sleeping on a word of this process. A word that other processes share is a doorbell: see
 * lane/ferry-doorbell-private.h.
 *
 * Threads: any. Neither call orders memory: the accesses to the word do. */

#pragma once

#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

G_BEGIN_DECLS

/* Sleeps while the word is as it was seen. deadline: monotonic time in microseconds; G_MAXINT64 for none. Returns FALSE
 * when the deadline has passed. May return early, so the caller looks again. */
static inline gboolean
ferry_futex_wait (_Atomic guint32 *word, guint32 seen, gint64 deadline)
{
  const struct timespec until = {.tv_sec = deadline / G_USEC_PER_SEC, .tv_nsec = deadline % G_USEC_PER_SEC * 1000};

  return syscall (SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, seen, deadline < G_MAXINT64 ? &until : NULL, NULL,
                  FUTEX_BITSET_MATCH_ANY) == 0 ||
         errno != ETIMEDOUT;
}

/* Wakes all threads that sleep on the word. Its memory may be gone already: the worst is a thread that looks for
 * nothing. */
static inline void
ferry_futex_wake (_Atomic guint32 *word)
{
  syscall (SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

G_END_DECLS
