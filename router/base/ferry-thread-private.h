/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting a thread of the library's. */

#pragma once

#include <glib.h>
#include <pthread.h>
#include <signal.h>

G_BEGIN_DECLS

/* With all signals blocked: the program's handlers run on its own threads. Fails as g_thread_try_new(). */
static inline GThread *
ferry_thread_try_new (const char *name, GThreadFunc func, gpointer data, GError **error)
{
  sigset_t all;
  sigset_t before;
  GThread *thread;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  thread = g_thread_try_new (name, func, data, error);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return thread;
}

/* In a thread of its own, which nobody waits for; or here, where there can be none. */
static inline void
ferry_thread_run_aside (const char *name, GThreadFunc func, gpointer data)
{
  GThread *thread = ferry_thread_try_new (name, func, data, NULL);

  if (thread != NULL)
    g_thread_unref (thread);
  else
    func (data);
}

G_END_DECLS
