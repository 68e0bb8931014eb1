/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue of completions that wait for the same moment, such as room in a transport or the end of a task. To wait for a
 * condition, a thread joins the queue, then checks the condition, and then waits. A thread that changes the condition
 * changes it first, and then finishes the queue's completions. Joining the queue and checking whether the queue is
 * empty are each a read-modify-write of the same word, so one of them comes first. Either the joining thread finds the
 * condition changed, or the other thread finds the joined completion.
 *
 * Owner:   the object that owns the moment; it must outlive the waiting.
 * Threads: any. */

#include "config.h"

#include "base/ferry-wait-queue-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"

typedef struct
{
  FerryWaitQueue *queue;                     /* const: (unowned) */
  gconstpointer key;                         /* const */
  const char *timed_out;                     /* const: (nullable) */
  GError *(*timed_out_func) (gpointer data); /* const: (nullable): this and data */
  gpointer data;
  GList node; /* queue's lock; node.data is NULL while the completion is not in the queue */
} Waiting;

void
ferry_wait_queue_init (FerryWaitQueue *self)
{
  pthread_mutex_init (&self->lock, NULL);
  g_queue_init (&self->waiting);
  atomic_init (&self->n_waiting, 0);
  atomic_init (&self->n_looks, 0);
}

void
ferry_wait_queue_clear (FerryWaitQueue *self)
{
  g_assert (g_queue_is_empty (&self->waiting));
  pthread_mutex_destroy (&self->lock);
}

/* Removes a node from the queue. Returns (transfer full) (nullable) the completion that was in the node. */
static FerryCompletion *
unlink_locked (FerryWaitQueue *self, GList *node)
{
  FerryCompletion *completion = g_steal_pointer (&node->data);

  if (completion != NULL)
    {
      g_queue_unlink (&self->waiting, node);
      atomic_fetch_sub_explicit (&self->n_waiting, 1, memory_order_relaxed);
    }
  return completion;
}

static void
leave (Waiting *self)
{
  g_autoptr (FerryCompletion) completion = NULL;
  FERRY_AUTO_LOCK (&self->queue->lock);

  completion = unlink_locked (self->queue, &self->node);
}

static GError *
abandon (gpointer data, FerryAbandonReason reason)
{
  Waiting *self = data;

  leave (self);
  if (reason == FERRY_ABANDON_CANCELLED)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The wait was cancelled");
  if (self->timed_out_func != NULL)
    return self->timed_out_func (self->data);
  return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                              self->timed_out != NULL ? self->timed_out : "The deadline has passed; allow more time");
}

static const FerryCompletionFuncs waiting_funcs = {.abandon = abandon};

static FerryCompletion *
join (FerryWaitQueue *self, Waiting with)
{
  FerryCompletion *completion = ferry_completion_new (&waiting_funcs, sizeof (Waiting));
  Waiting *waiting = ferry_completion_get_data (completion);

  *waiting = with;
  waiting->queue = self;
  waiting->node.data = ferry_completion_ref (completion);
  FERRY_AUTO_LOCK (&self->lock);
  g_queue_push_tail_link (&self->waiting, &waiting->node);
  /* Acquire: sees a condition that was changed before ferry_wait_queue_is_empty(), which releases. */
  atomic_fetch_add_explicit (&self->n_waiting, 1, memory_order_acq_rel);
  return completion;
}

FerryCompletion *
ferry_wait_queue_join (FerryWaitQueue *self, gconstpointer key, const char *timed_out)
{
  return join (self, (Waiting){.key = key, .timed_out = timed_out});
}

gpointer
ferry_wait_queue_get_key (FerryCompletion *completion)
{
  const Waiting *waiting = ferry_completion_get_data (completion);

  return (gpointer) waiting->key;
}

FerryCompletion *
ferry_wait_queue_join_with_func (FerryWaitQueue *self, GError *(*timed_out) (gpointer data), gpointer data)
{
  return join (self, (Waiting){.timed_out_func = timed_out, .data = data});
}

void
ferry_wait_queue_add_task (FerryWaitQueue *self, GTask *task)
{
  g_autoptr (FerryCompletion) completion = ferry_wait_queue_join (self, NULL, NULL);

  ferry_completion_return_boolean (completion, task, G_MAXINT64);
}

void
ferry_wait_queue_wait_async (FerryWaitQueue *self, gboolean (*condition) (gpointer data), gpointer data,
                             gpointer source, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (source, cancellable, callback, user_data);

  g_task_set_source_tag (task, self);
  if (condition (data))
    g_task_return_boolean (task, TRUE);
  else
    ferry_wait_queue_add_task (self, task);
}

gboolean
ferry_wait_queue_wait (FerryWaitQueue *self, gconstpointer key, gboolean (*condition) (gpointer data), gpointer data,
                       gint64 deadline, GCancellable *cancellable, const char *timed_out, GError **error)
{
  while (!condition (data))
    {
      g_autoptr (FerryCompletion) completion = ferry_wait_queue_join (self, key, timed_out);
      g_autoptr (GError) failure = NULL;

      if (condition (data))
        ferry_completion_abandon (completion, FERRY_ABANDON_CANCELLED);
      ferry_completion_wait (completion, deadline, cancellable);
      ferry_completion_take (completion, &failure);
      if (failure != NULL && !condition (data))
        {
          g_propagate_error (error, g_steal_pointer (&failure));
          return FALSE;
        }
    }
  return TRUE;
}

void
ferry_wait_queue_reserve (FerryWaitQueue *self, gconstpointer key, GQueue *reserved)
{
  FERRY_AUTO_LOCK (&self->lock);
  for (GList *node = self->waiting.head, *next; node != NULL; node = next)
    {
      FerryCompletion *completion = node->data;
      const Waiting *waiting = ferry_completion_get_data (completion);

      next = node->next;
      /* A completion that is being abandoned removes itself from the queue. */
      if ((key == NULL || waiting->key == key) && ferry_completion_reserve (completion))
        g_queue_push_tail (reserved, unlink_locked (self, node));
    }
}

FerryCompletion *
ferry_wait_queue_reserve_next (FerryWaitQueue *self)
{
  FerryCompletion *reserved = NULL;
  FERRY_AUTO_LOCK (&self->lock);

  for (GList *node = self->waiting.head; node != NULL && reserved == NULL; node = node->next)
    if (ferry_completion_reserve (node->data))
      reserved = unlink_locked (self, node);
  return reserved;
}

void
ferry_wait_queue_finish_reserved (GQueue *reserved)
{
  FerryCompletion *completion;

  while ((completion = g_queue_pop_head (reserved)) != NULL)
    {
      ferry_completion_finish_reserved (completion, GINT_TO_POINTER (TRUE), NULL, NULL);
      ferry_completion_unref (completion);
    }
}

void
ferry_wait_queue_finish_key (FerryWaitQueue *self, gconstpointer key)
{
  GQueue reserved = G_QUEUE_INIT;

  ferry_wait_queue_reserve (self, key, &reserved);
  ferry_wait_queue_finish_reserved (&reserved);
}

void
ferry_wait_queue_finish_all (FerryWaitQueue *self)
{
  ferry_wait_queue_finish_key (self, NULL);
}

void
ferry_wait_queue_serve (FerryWaitQueue *self, gboolean (*serve_one) (gpointer data), gpointer data)
{
  guint n = 1;

  /* Sequentially consistent, as below: what the caller has changed is seen by the thread that looks once more. */
  if (ferry_wait_queue_is_empty (self) || atomic_fetch_add (&self->n_looks, 1) > 0)
    return;
  do
    while (!ferry_wait_queue_is_empty (self) && serve_one (data))
      ;
  while ((n = atomic_fetch_sub (&self->n_looks, n) - n) > 0);
}
