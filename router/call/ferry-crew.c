/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "call/ferry-crew-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-cond-private.h"

FerryCrew *
ferry_crew_new (void)
{
  FerryCrew *self = g_new0 (FerryCrew, 1);

  atomic_init (&self->references, 1);
  pthread_mutex_init (&self->lock, NULL);
  ferry_cond_init (&self->work);
  ferry_handler_table_init (&self->handlers);
  g_queue_init (&self->queue);
  g_queue_init (&self->waiters);
  self->start_thread = g_thread_try_new;
  return self;
}

FerryCrew *
ferry_crew_ref (FerryCrew *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_crew_unref (FerryCrew *self)
{
  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  /* Those who wait hold the demux, and that was closed before it let go of this. */
  g_assert (self->queue.length == 0 && self->waiters.length == 0 && self->source == NULL && self->n_threads == 0);
  ferry_handler_table_clear (&self->handlers);
  g_clear_pointer (&self->context, g_main_context_unref);
  pthread_cond_destroy (&self->work);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

void
ferry_crew_set_handler (FerryCrew *self, const char *method, FerryHandler *handler)
{
  g_autoptr (FerryHandler) before = NULL;

  pthread_mutex_lock (&self->lock);
  before = ferry_handler_table_replace (&self->handlers, method, handler);
  pthread_mutex_unlock (&self->lock);
}

gboolean
ferry_crew_is_open (FerryCrew *self)
{
  gboolean open;

  pthread_mutex_lock (&self->lock);
  open = self->open;
  pthread_mutex_unlock (&self->lock);
  return open;
}

/* ---- running handlers ---- */

void
ferry_crew_begin_locked (FerryCrew *self, FerryCrewRun *run, FerryInvocation *invocation)
{
  FerryHandler *handler;

  if (invocation == NULL)
    {
      invocation = g_queue_pop_head_link (&self->queue)->data;
      self->pending_size -= invocation->size;
    }
  handler = ferry_handler_table_find (&self->handlers, ferry_invocation_get_method (invocation));
  run->invocation = invocation;
  run->handler = handler != NULL ? ferry_handler_ref (handler) : NULL;
  run->n_closed = self->n_closed;
  self->n_running++;
}

void
ferry_crew_perform (FerryCrewRun *run)
{
  FerryInvocation *invocation = run->invocation;

  if (ferry_invocation_check_in_time (invocation))
    {
      if (run->handler != NULL)
        run->handler->func (invocation, run->handler->data);
      else
        ferry_invocation_return_new_error (invocation, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION,
                                           "Nothing answers to “%s” at the other end; have it add a handler of that "
                                           "name, or one for all others",
                                           ferry_invocation_get_method (invocation));
    }
  ferry_invocation_unref (invocation);
  g_clear_pointer (&run->handler, ferry_handler_unref);
}

void
ferry_crew_end_locked (FerryCrew *self, const FerryCrewRun *run)
{
  if (run->n_closed == self->n_closed)
    self->n_running--;
  else
    self->n_left--;
}

/* ---- taking requests ---- */

static GError *
new_refusal (FerryCrew *self, gboolean open)
{
  if (!open)
    return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED,
                                "The other end was stopped before it began; ask again later");
  return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED,
                              "More waits at the other end than it takes; ask again later, or less at a time");
}

static void
run_now (FerryCrew *self, FerryCrewRun *run)
{
  GQueue waiters;

  ferry_crew_perform (run);
  pthread_mutex_lock (&self->lock);
  ferry_crew_end_locked (self, run);
  waiters = ferry_crew_steal_waiters_locked (self);
  pthread_mutex_unlock (&self->lock);
  ferry_crew_complete (&waiters);
}

static gboolean
runs_now_locked (FerryCrew *self)
{
  return self->place == FERRY_CREW_PLACE_RECEIVING || ferry_crew_owns_context_locked (self);
}

static gboolean
has_room_locked (FerryCrew *self, gsize size)
{
  if (self->queue.length >= self->max_pending)
    return FALSE;
  return self->queue.length == 0 || self->pending_size + size <= self->max_pending_size;
}

void
ferry_crew_take (FerryCrew *self, FerryInvocation *invocation)
{
  GVariant *arguments = ferry_invocation_get_arguments (invocation);
  const gsize size = arguments != NULL ? g_variant_get_size (arguments) : 0;
  g_autoptr (GError) refusal = NULL;
  GSource *source = NULL;
  FerryCrewSummons summons = FERRY_CREW_SUMMONS_NONE;
  gboolean now = FALSE;
  FerryCrewRun run;

  pthread_mutex_lock (&self->lock);
  if (!self->open)
    refusal = new_refusal (self, FALSE);
  else if (runs_now_locked (self))
    {
      now = TRUE;
      ferry_crew_begin_locked (self, &run, invocation);
    }
  else if (!has_room_locked (self, size))
    refusal = new_refusal (self, TRUE);
  else
    {
      invocation->size = size;
      self->pending_size += size;
      g_queue_push_tail_link (&self->queue, &invocation->link);
      if (self->place == FERRY_CREW_PLACE_CONTEXT)
        source = ferry_crew_summon_source_locked (self);
      else
        summons = ferry_crew_summon_locked (self);
    }
  pthread_mutex_unlock (&self->lock);

  if (now)
    run_now (self, &run);
  else if (source != NULL)
    ferry_crew_wake_source (source);
  else
    ferry_crew_summon (self, summons);
  if (refusal == NULL)
    return;
  ferry_invocation_turn_away (invocation, refusal);
  ferry_invocation_unref (invocation);
}

void
ferry_crew_turn_away (GQueue *queue, const GError *reason)
{
  GList *link;

  while ((link = g_queue_pop_head_link (queue)) != NULL)
    {
      FerryInvocation *invocation = link->data;

      ferry_invocation_turn_away (invocation, reason);
      ferry_invocation_unref (invocation);
    }
}

/* ---- opening and closing ---- */

gboolean
ferry_crew_open (FerryCrew *self)
{
  gboolean opened;

  pthread_mutex_lock (&self->lock);
  opened = !self->open;
  self->open = TRUE;
  if (opened)
    pthread_sigmask (SIG_SETMASK, NULL, &self->signals);
  if (opened && self->place == FERRY_CREW_PLACE_CONTEXT)
    {
      self->ready = FALSE;
      self->source = ferry_crew_source_new (self);
      g_source_attach (self->source, self->context);
    }
  pthread_mutex_unlock (&self->lock);
  return opened;
}

gboolean
ferry_crew_close (FerryCrew *self)
{
  g_autoptr (GError) reason = new_refusal (self, FALSE);
  GSource *source;
  gboolean closed;
  GQueue queue;

  pthread_mutex_lock (&self->lock);
  closed = self->open;
  self->open = FALSE;
  queue = self->queue;
  g_queue_init (&self->queue);
  self->pending_size = 0;
  source = g_steal_pointer (&self->source);
  if (closed)
    {
      self->n_closed++;
      self->n_left += self->n_running;
      self->n_running = 0;
    }
  pthread_cond_broadcast (&self->work);
  pthread_mutex_unlock (&self->lock);
  if (source != NULL)
    {
      g_source_destroy (source);
      g_source_unref (source);
    }
  ferry_crew_turn_away (&queue, reason);
  return closed;
}

/* ---- waiting until it is quiet ---- */

GQueue
ferry_crew_steal_waiters_locked (FerryCrew *self)
{
  GQueue waiters = G_QUEUE_INIT;

  if (self->waiters.length > 0 && self->n_left == 0 && (self->open || self->n_threads == 0))
    {
      waiters = self->waiters;
      g_queue_init (&self->waiters);
    }
  return waiters;
}

void
ferry_crew_complete (GQueue *waiters)
{
  GTask *task;

  while ((task = g_queue_pop_head (waiters)) != NULL)
    {
      GSource *watch = g_task_get_task_data (task);

      if (watch != NULL)
        g_source_destroy (watch);
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
}

void
ferry_crew_wait_quiet (FerryCrew *self, GTask *task)
{
  GQueue waiters;

  pthread_mutex_lock (&self->lock);
  g_queue_push_tail (&self->waiters, task);
  waiters = ferry_crew_steal_waiters_locked (self);
  pthread_mutex_unlock (&self->lock);
  ferry_crew_complete (&waiters);
}
