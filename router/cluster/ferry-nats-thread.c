/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Threads that use the NATS library, and the end of the process: none may use that library, and through it OpenSSL,
 * when they free what they have. So a handler of exit() has these threads end, and waits for them.
 *
 * Threads: any.
 * Locks:   the lock comes before those that 'end' takes. */

#include "config.h"

#include "cluster/ferry-nats-thread-private.h"

#include <nats/nats.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

/* How long the end of the process waits for the threads: for what was sent last, and for an answer of a server. One
 * that waits longer, such as for a machine that does not answer, is left behind. */
#define EXIT_TIME (2 * G_USEC_PER_SEC)

/* const, but for the link */
typedef struct
{
  GThreadFunc func;
  void (*end) (gpointer data);
  GDestroyNotify release;
  gpointer data;
  GList link; /* lock: in running */
} NatsThread;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed; /* made once, with the first thread */
static GQueue running;         /* lock: (element-type NatsThread) */
static GSList *ended;          /* lock: (element-type GThread) (owned): threads that no thread has waited for */
static pid_t process;          /* const once made: the owner of these threads */

static void
join_thread (gpointer thread)
{
  g_thread_join (thread);
}

/* Waits for threads that have nothing to do any more, but to free what libraries keep for each thread. A child of
 * fork() has no such threads. */
static void
join_ended (void)
{
  GSList *threads;

  if (process != getpid ())
    return;
  pthread_mutex_lock (&lock);
  threads = g_steal_pointer (&ended);
  pthread_mutex_unlock (&lock);
  g_slist_free_full (threads, join_thread);
}

/* A handler of exit(). */
static void
end_threads (void)
{
  gint64 end = ferry_deadline_after (EXIT_TIME);

  if (process != getpid ())
    return;
  pthread_mutex_lock (&lock);
  for (const GList *link = running.head; link != NULL; link = link->next)
    {
      const NatsThread *thread = link->data;

      thread->end (thread->data);
    }
  while (running.length > 0 && ferry_cond_wait_until (&changed, &lock, end))
    ;
  pthread_mutex_unlock (&lock);
  join_ended ();
}

/* Handlers of exit() are called in the reverse order, and OpenSSL's is there when the NATS library was opened. That
 * takes some milliseconds, once. It comes before the first thread, which might be in the middle of it when the process
 * ends. */
static void
prepare_exit (void)
{
  static gsize prepared;

  if (!g_once_init_enter (&prepared))
    return;
  nats_Open (-1);
  ferry_cond_init (&changed);
  process = getpid ();
  atexit (end_threads);
  g_once_init_leave (&prepared, 1);
}

static void
note_ended (NatsThread *self)
{
  FERRY_AUTO_LOCK (&lock);

  g_queue_unlink (&running, &self->link);
  ended = g_slist_prepend (ended, g_thread_ref (g_thread_self ()));
  pthread_cond_signal (&changed);
}

static gpointer
run (gpointer data)
{
  NatsThread *self = data;

  self->func (self->data);
  nats_ReleaseThreadMemory ();
  note_ended (self);
  self->release (self->data);
  g_free (self);
  return NULL;
}

/* Whoever starts a thread notes it: one that was started when the process ends is waited for. */
static void
note_running (NatsThread *self)
{
  FERRY_AUTO_LOCK (&lock);

  g_queue_push_tail_link (&running, &self->link);
}

static void
forget (NatsThread *self)
{
  FERRY_AUTO_LOCK (&lock);

  g_queue_unlink (&running, &self->link);
  g_free (self);
}

gboolean
ferry_nats_thread_start (const char *name, const char *purpose, GThreadFunc func, gpointer data,
                         void (*end) (gpointer data), GDestroyNotify release, GError **error)
{
  NatsThread *self = g_new0 (NatsThread, 1);
  GThread *thread;

  prepare_exit ();
  join_ended ();
  *self = (NatsThread){.func = func, .end = end, .release = release, .data = data, .link = {.data = self}};
  note_running (self);
  thread = ferry_thread_try_new (name, purpose, run, self, error);
  if (thread == NULL)
    {
      forget (self);
      return FALSE;
    }
  g_thread_unref (thread);
  return TRUE;
}
