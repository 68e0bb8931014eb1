/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The threads that answer: started when there is something for them, up to as many as are wanted. Nobody joins them,
 * since one may be in a handler for as long as that likes; each lets go of what it holds when it ends. */

#include "config.h"

#include "call/ferry-crew-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-cond-private.h"

static void start_thread (FerryCrew *self);

FerryCrewSummons
ferry_crew_summon_locked (FerryCrew *self)
{
  if (self->queue.length == 0 || self->coming)
    return FERRY_CREW_SUMMONS_NONE;
  if (self->n_idle > 0)
    {
      self->coming = TRUE;
      return FERRY_CREW_SUMMONS_WAKE;
    }
  if (self->n_threads >= self->n_threads_wanted)
    return FERRY_CREW_SUMMONS_NONE;
  self->coming = TRUE;
  self->n_threads++;
  return FERRY_CREW_SUMMONS_START;
}

/* A thread that is woken wants the lock first, so it is woken without. Should it wake by itself before that, it finds
 * the queue, and another one wakes for nothing. */
void
ferry_crew_summon (FerryCrew *self, FerryCrewSummons summons)
{
  if (summons == FERRY_CREW_SUMMONS_WAKE)
    pthread_cond_signal (&self->work);
  else if (summons == FERRY_CREW_SUMMONS_START)
    start_thread (self);
}

/* Returns FALSE when it waited for as long as an idle thread does. */
static gboolean
wait_locked (FerryCrew *self)
{
  gboolean in_time;

  self->n_idle++;
  in_time = ferry_cond_wait_until (&self->work, &self->lock, ferry_deadline_after (self->idle_time));
  self->n_idle--;
  /* Whoever wakes looks at the queue now, also in place of another. */
  self->coming = FALSE;
  return in_time;
}

/* Returns whether there is a request for this thread; otherwise it is to end. */
static gboolean
find_work_locked (FerryCrew *self)
{
  gboolean in_time = TRUE;

  while (TRUE)
    {
      if (!self->open || self->n_threads > self->n_threads_wanted)
        return FALSE;
      if (self->queue.length > 0)
        return TRUE;
      if (!in_time)
        return FALSE;
      in_time = wait_locked (self);
    }
}

static void
work_locked (FerryCrew *self)
{
  FerryCrewRun run;
  FerryCrewSummons summons;
  GQueue waiters;

  ferry_crew_begin_locked (self, &run, NULL);
  summons = ferry_crew_summon_locked (self);
  pthread_mutex_unlock (&self->lock);
  ferry_crew_summon (self, summons);
  ferry_crew_perform (&run);
  pthread_mutex_lock (&self->lock);
  ferry_crew_end_locked (self, &run);
  waiters = ferry_crew_steal_waiters_locked (self);
  if (waiters.length == 0)
    return;
  pthread_mutex_unlock (&self->lock);
  ferry_crew_complete (&waiters);
  pthread_mutex_lock (&self->lock);
}

static gpointer
thread_main (gpointer data)
{
  g_autoptr (FerryCrew) self = data;
  FerryCrewSummons summons;
  GQueue waiters;

  pthread_mutex_lock (&self->lock);
  /* It may have been started by a thread that receives, which blocks all of them; and what handlers start inherits. */
  pthread_sigmask (SIG_SETMASK, &self->signals, NULL);
  self->coming = FALSE;
  while (find_work_locked (self))
    work_locked (self);
  self->n_threads--;
  /* It may have been the one that was summoned. */
  summons = ferry_crew_summon_locked (self);
  waiters = ferry_crew_steal_waiters_locked (self);
  pthread_mutex_unlock (&self->lock);
  ferry_crew_summon (self, summons);
  ferry_crew_complete (&waiters);
  return NULL;
}

/* Undoes what ferry_crew_summon_locked() counted. What waits is answered where no other thread will come to it. */
static void
give_up_thread (FerryCrew *self, const GError *failure)
{
  g_autoptr (GError) reason = g_error_new (
    FERRY_ERROR, FERRY_ERROR_SYSTEM,
    "The other end cannot start a thread to answer: %s; ask again when it has fewer threads", failure->message);
  GQueue unanswered = G_QUEUE_INIT;
  GQueue waiters;

  pthread_mutex_lock (&self->lock);
  self->coming = FALSE;
  self->n_threads--;
  if (self->n_threads == 0 && self->place == FERRY_CREW_PLACE_THREADS)
    {
      unanswered = self->queue;
      g_queue_init (&self->queue);
      self->pending_size = 0;
    }
  waiters = ferry_crew_steal_waiters_locked (self);
  pthread_mutex_unlock (&self->lock);
  ferry_crew_turn_away (&unanswered, reason);
  ferry_crew_complete (&waiters);
}

static void
start_thread (FerryCrew *self)
{
  g_autoptr (GError) error = NULL;
  GThread *thread;

  thread = self->start_thread ("ferry-demux", thread_main, ferry_crew_ref (self), &error);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return;
    }
  g_debug ("A thread of a demux cannot be started: %s", error->message);
  give_up_thread (self, error);
  ferry_crew_unref (self);
}
