/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts threads of the library, and lets threads sleep. Deadlines are monotonic time in microseconds, G_MAXINT64
 * for none.
 *
 * Threads: any. */

#pragma once

#include <linux/futex.h>
#include <linux/time_types.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* Starts a thread with all signals blocked, so that the program's signal handlers run on the program's own threads.
 * purpose: what the thread is for; it goes into the error's text. Fails with FERRY_ERROR_SYSTEM. */
static inline GThread *
ferry_thread_try_new (const char *name, const char *purpose, GThreadFunc func, gpointer data, GError **error)
{
  GError *failure = NULL;
  sigset_t all;
  sigset_t before;
  GThread *thread;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  thread = g_thread_try_new (name, func, data, &failure);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (thread == NULL)
    ferry_set_thread_error (error, purpose, failure);
  return thread;
}

/* Calls func on a new thread, and does not wait for it. If no thread can be started, calls func on this thread. */
static inline void
ferry_thread_run_aside (const char *name, GThreadFunc func, gpointer data)
{
  GThread *thread = ferry_thread_try_new (name, "work aside", func, data, NULL);

  if (thread != NULL)
    g_thread_unref (thread);
  else
    func (data);
}

/* The longest that may be slept, in microseconds, and the latest time until which: 34 years. Where a time_t has 32
 * bits, as GLib's there, more would overflow, and the sleep would end at once. */
#define FERRY_LONGEST_SLEEP ((gint64) G_MAXINT32 / 2 * G_USEC_PER_SEC)

/* ---- conditions of pthread, which ThreadSanitizer knows; it does not know GLib's ---- */

static inline void
ferry_cond_init (pthread_cond_t *cond)
{
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (cond, &attributes);
  pthread_condattr_destroy (&attributes);
}

/* Waits for a signal of cond. Returns FALSE when the deadline has passed. */
static inline gboolean
ferry_cond_wait_until (pthread_cond_t *cond, pthread_mutex_t *lock, gint64 deadline)
{
  const gint64 end = MIN (deadline, FERRY_LONGEST_SLEEP);
  const struct timespec until = {.tv_sec = end / G_USEC_PER_SEC, .tv_nsec = end % G_USEC_PER_SEC * 1000};

  if (deadline == G_MAXINT64)
    return pthread_cond_wait (cond, lock) == 0;
  return pthread_cond_timedwait (cond, lock, &until) != ETIMEDOUT;
}

/* ---- a futex word of this process; for a word shared with other processes see lane/ferry-wake-private.h ---- */

/* The call whose times have 64 bits; where a long has 32, those of a timespec may not. */
#ifdef SYS_futex_time64
#define FERRY_SYS_FUTEX SYS_futex_time64
#else
#define FERRY_SYS_FUTEX SYS_futex
#endif

static inline struct __kernel_timespec
ferry_futex_time (gint64 deadline)
{
  return (struct __kernel_timespec){.tv_sec = deadline / G_USEC_PER_SEC, .tv_nsec = deadline % G_USEC_PER_SEC * 1000};
}

/* Sleeps while the word equals seen, until a wake-up. Returns FALSE when the deadline has passed. May return early, so
 * the caller must check the word again. Orders no memory: the caller's accesses to the word do. */
static inline gboolean
ferry_futex_wait (_Atomic guint32 *word, guint32 seen, gint64 deadline)
{
  const struct __kernel_timespec until = ferry_futex_time (deadline);

  return syscall (FERRY_SYS_FUTEX, word, FUTEX_WAIT_BITSET_PRIVATE, seen, deadline < G_MAXINT64 ? &until : NULL, NULL,
                  FUTEX_BITSET_MATCH_ANY) == 0 ||
         errno != ETIMEDOUT;
}

/* Wakes all threads that sleep on the word. The word's memory may have been freed: then at worst a thread that sleeps
 * on other data at this address wakes without need. */
static inline void
ferry_futex_wake (_Atomic guint32 *word)
{
  syscall (FERRY_SYS_FUTEX, word, FUTEX_WAKE_PRIVATE, G_MAXINT, NULL, NULL, 0);
}

G_END_DECLS
