/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Conditions of pthread that count time as g_get_monotonic_time() does. ThreadSanitizer knows them, and GLib's not. */

#pragma once

#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <time.h>

G_BEGIN_DECLS

static inline void
ferry_cond_init (pthread_cond_t *cond)
{
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (cond, &attributes);
  pthread_condattr_destroy (&attributes);
}

/* deadline: monotonic, in microseconds; G_MAXINT64 for none. Returns FALSE when it has passed. */
static inline gboolean
ferry_cond_wait_until (pthread_cond_t *cond, pthread_mutex_t *lock, gint64 deadline)
{
  const struct timespec time = {.tv_sec = deadline / G_USEC_PER_SEC, .tv_nsec = deadline % G_USEC_PER_SEC * 1000};

  if (deadline == G_MAXINT64)
    return pthread_cond_wait (cond, lock) == 0;
  return pthread_cond_timedwait (cond, lock, &time) != ETIMEDOUT;
}

G_END_DECLS
