/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for the end of a task.
 *
 * Threads: the router's iterates its context. Others sleep, each on a condition variable of its own, until the router's
 *          thread has told of the end.
 *
 * The router's thread takes the lock only where a thread waits, which is a look at a word at the end of each task. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-cond-private.h"
#include "task/ferry-task-fields-private.h"
#include "task/ferry-waiters-private.h"

/**
 * ferry_task_wait_async:
 * @self: a task
 * @cancellable: (nullable): ends the waiting; the task goes on
 * @callback: (scope async) (closure user_data): called when the task is done, after its signal `done`
 * @user_data: data for @callback
 *
 * Waits for the end of the task. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_task_wait_async (FerryTask *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  if (!ferry_task_get_done (self) && !ferry_task_check_home (self, G_STRFUNC))
    return;
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_task_wait_async);
  g_task_set_check_cancellable (task, FALSE);
  if (g_task_return_error_if_cancelled (task))
    return;
  if (ferry_task_get_done (self))
    g_task_return_boolean (task, TRUE);
  else
    ferry_waiters_add (&ferry_task_need_rest (self)->waiters, task);
}

/**
 * ferry_task_wait_finish:
 * @self: a task
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Task.wait_async], and gives the task's result. Any thread.
 *
 * Fails as [method@Ferry.Task.get_result] does; with %G_IO_ERROR_CANCELLED also when the waiting was cancelled, where
 * [property@Ferry.Task:done] tells one from the other.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error when the function has none
 *
 * Since: 0.1
 */
GVariant *
ferry_task_wait_finish (FerryTask *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_task_wait_async), NULL);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return ferry_task_get_result (self, error);
}

/* A thread that waits. */
typedef struct
{
  FerryTask *task; /* (unowned) */
  pthread_cond_t done;
  GList node;
} Sleeper;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static GQueue sleepers = G_QUEUE_INIT; /* lock: (element-type Sleeper) */
static _Atomic guint n_sleepers;       /* any */

void
ferry_task_wake_threads (FerryTask *self)
{
  /* A read-modify-write, as in sleep_until_done(), so that one of the two comes first: that of the thread then finds
   * the task done, or this one finds the thread. */
  if (G_LIKELY (atomic_fetch_add_explicit (&n_sleepers, 0, memory_order_acq_rel) == 0))
    return;
  pthread_mutex_lock (&lock);
  for (GList *node = sleepers.head; node != NULL; node = node->next)
    {
      Sleeper *sleeper = node->data;

      if (sleeper->task == self)
        pthread_cond_signal (&sleeper->done);
    }
  pthread_mutex_unlock (&lock);
}

static void
sleep_until_done (FerryTask *self, gint64 timeout)
{
  gint64 deadline = ferry_deadline_after (timeout);
  Sleeper sleeper = {.task = self, .node = {.data = &sleeper}};
  gboolean in_time = TRUE;

  ferry_cond_init (&sleeper.done);
  pthread_mutex_lock (&lock);
  g_queue_push_tail_link (&sleepers, &sleeper.node);
  atomic_fetch_add_explicit (&n_sleepers, 1, memory_order_acq_rel);
  while (in_time && !ferry_task_get_done (self))
    in_time = ferry_cond_wait_until (&sleeper.done, &lock, deadline);
  atomic_fetch_sub_explicit (&n_sleepers, 1, memory_order_relaxed);
  g_queue_unlink (&sleepers, &sleeper.node);
  pthread_mutex_unlock (&lock);
  pthread_cond_destroy (&sleeper.done);
}

/* On another thread than the router's. */
static gboolean
wait_elsewhere (FerryTask *self, gint64 timeout, GError **error)
{
  if (!ferry_home_has_thread (ferry_task_get_private (self)->home))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING,
                           "The task's router is not running; call ferry_router_start() on its thread first");
      return FALSE;
    }
  if (g_main_context_is_owner (NULL))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD,
                           "To wait on this thread would hold up the main loop; wait on another thread, or on the "
                           "router's with ferry_task_wait_async()");
      return FALSE;
    }
  sleep_until_done (self, timeout);
  if (ferry_task_get_done (self))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "The task of “%s” is not done yet; wait longer, or cancel it",
               ferry_task_get_function (self));
  return FALSE;
}

/**
 * ferry_task_wait:
 * @self: a task that was submitted
 * @timeout: microseconds; negative for no end
 * @error: return location for an error
 *
 * Waits for the end of the task, and gives its result. Any thread may call this.
 *
 * On the router's thread it iterates the router's main context meanwhile, where everything else runs, too. That is for
 * tests and programs without a window: it is refused within a handler, and within any other callback of that context.
 *
 * Another thread sleeps, while the router's thread runs its main loop. So a thread that submits a task may wait for
 * it, but the router's thread must not wait for that thread. It is refused on a thread that runs the default main
 * context.
 *
 * Fails as [method@Ferry.Task.get_result] does; with %FERRY_ERROR_TIMED_OUT when the time is over first, and the task
 * goes on then; with %FERRY_ERROR_NOT_STARTED when the task was not submitted; with %FERRY_ERROR_BUSY within a callback
 * of the router's main context; with %FERRY_ERROR_WRONG_THREAD on another thread that runs the default main context;
 * and with %FERRY_ERROR_NOT_RUNNING when the router was stopped.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error when the function has none
 *
 * Since: 0.1
 */
GVariant *
ferry_task_wait (FerryTask *self, gint64 timeout, GError **error)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = NULL;
  FerryTaskPrivate *priv;
  gboolean is_done;

  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  priv = ferry_task_get_private (self);
  kept = g_object_ref (self);
  if (ferry_task_get_done (self))
    return ferry_task_get_result (self, error);
  /* Acquire: driver and home; pairs with ferry_task_claim(). */
  if (atomic_load_explicit (&priv->claim, memory_order_acquire) != FERRY_TASK_CLAIM_TAKEN)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED,
                   "Task “%s” was not submitted; call ferry_executor_submit_task() first", ferry_task_get_name (self));
      return NULL;
    }
  if (ferry_home_is_own (priv->home))
    is_done = priv->driver->wait (priv->executor, self, timeout, error);
  else
    is_done = wait_elsewhere (self, timeout, error);
  return is_done ? ferry_task_get_result (self, error) : NULL;
}
