/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting a thread of the library's. */

#pragma once

#include <glib.h>
#include <pthread.h>
#include <signal.h>

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* With all signals blocked: the program's handlers run on its own threads. purpose: what the thread is for, in an
 * error, which is FERRY_ERROR_SYSTEM. */
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

/* Calls func in a thread of its own, without waiting for it; or here, where no thread can be started. */
static inline void
ferry_thread_run_aside (const char *name, GThreadFunc func, gpointer data)
{
  GThread *thread = ferry_thread_try_new (name, "work aside", func, data, NULL);

  if (thread != NULL)
    g_thread_unref (thread);
  else
    func (data);
}

G_END_DECLS
