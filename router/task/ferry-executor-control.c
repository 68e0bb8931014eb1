/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What can be done with the tasks that an executor has, and how it ends. */

#include "config.h"

#include "task/ferry-executor-private.h"

#include "base/ferry-base-private.h"
#include "task/ferry-waiters-private.h"

static gboolean
has_task (FerryExecutor *self, FerryTask *task, GError **error)
{
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  if (seat->queue == &self->source && seat->taken_in)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "Task “%s” is not one of this executor's",
               ferry_task_get_name (task));
  return FALSE;
}

/**
 * ferry_executor_set_task_priority:
 * @self: an executor
 * @task: a task that waits
 * @priority: its new priority; higher ones come first
 * @error: return location for an error
 *
 * Gives a task that waits another priority; it comes behind those that have it already. On the router's thread.
 *
 * Fails with %FERRY_ERROR_BUSY when the task was begun, and with %FERRY_ERROR_BAD_ARGUMENTS when the executor does not
 * have it.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_executor_set_task_priority (FerryExecutor *self, FerryTask *task, int priority, GError **error)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_home_check_error (self->pool->router->home, G_STRFUNC, error))
    return FALSE;
  if (!has_task (self, task, error))
    return FALSE;
  if (!ferry_executor_take_back (task))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BUSY,
                   "Task “%s” was begun; only those that wait can change their place", ferry_task_get_name (task));
      ferry_pool_pump (self->pool);
      return FALSE;
    }
  /* Who hears of it finds the task in its new place. */
  g_object_freeze_notify (G_OBJECT (task));
  ferry_task_queue_remove (&self->queue, task);
  ferry_task_change_priority (task, priority);
  ferry_task_queue_push (&self->queue, task, FALSE);
  g_object_thaw_notify (G_OBJECT (task));
  ferry_pool_pump (self->pool);
  return TRUE;
}

/**
 * ferry_executor_remove:
 * @self: an executor
 * @task: a task
 * @error: return location for an error
 *
 * Takes a task out of the list: one that is done is forgotten, one that waits is cancelled first. On the router's
 * thread.
 *
 * Fails with %FERRY_ERROR_BUSY, and leaves the task alone, while a worker runs it: cancel it, and wait for its end.
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS when the executor does not have it.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_executor_remove (FerryExecutor *self, FerryTask *task, GError **error)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_home_check_error (self->pool->router->home, G_STRFUNC, error))
    return FALSE;
  if (!has_task (self, task, error))
    return FALSE;
  g_object_ref (task);
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING && ferry_executor_take_back (task))
    ferry_task_cancel (task);
  if (!ferry_task_get_done (task))
    {
      ferry_pool_pump (self->pool);
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BUSY, "Task “%s” is being run; cancel it, and wait for its end",
                   ferry_task_get_name (task));
      g_object_unref (task);
      return FALSE;
    }
  ferry_executor_list_remove (self, task);
  g_object_unref (task);
  return TRUE;
}

/**
 * ferry_executor_retry:
 * @self: an executor
 * @task: a task that is done
 * @error: return location for an error
 *
 * Submits the same once more: a new task with the function, the arguments, the name and the settings of one that is
 * done. On the router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_DONE when the task is not done, with %FERRY_ERROR_BAD_ARGUMENTS when it was given
 * descriptors or bytes, which it has no more, and as [method@Ferry.Executor.submit_task] does.
 *
 * Returns: (transfer full): the new task
 *
 * Since: 0.1
 */
FerryTask *
ferry_executor_retry (FerryExecutor *self, FerryTask *task, GError **error)
{
  g_autoptr (FerryTask) again = NULL;

  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), NULL);
  g_return_val_if_fail (FERRY_IS_TASK (task), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_home_check_error (self->pool->router->home, G_STRFUNC, error))
    return NULL;
  if (!ferry_task_get_done (task))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_DONE, "Task “%s” is not done; cancel it first",
                   ferry_task_get_name (task));
      return NULL;
    }
  if (ferry_task_had_descriptors (task))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                   "Task “%s” had descriptors, which were closed at its end; make a new one with ferry_task_new()",
                   ferry_task_get_name (task));
      return NULL;
    }
  again = ferry_task_new_like (task);
  return ferry_executor_submit_task (self, again, error) ? g_steal_pointer (&again) : NULL;
}

/**
 * ferry_executor_clear_finished:
 * @self: an executor
 *
 * Takes all tasks that are done out of the list. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_executor_clear_finished (FerryExecutor *self)
{
  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  ferry_return_if_elsewhere (self->pool->router->home);

  ferry_executor_list_trim (self, 0);
}

/* Those that are not done, with references: the list changes under a walk. */
static GPtrArray *
list_open (FerryExecutor *self)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (GSequenceIter *iter = g_sequence_get_begin_iter (self->list); !g_sequence_iter_is_end (iter);
       iter = g_sequence_iter_next (iter))
    {
      FerryTask *task = g_sequence_get (iter);

      if (!ferry_task_get_done (task))
        g_ptr_array_add (tasks, g_object_ref (task));
    }
  return tasks;
}

/* main: cancels every task that was taken in. */
guint
ferry_executor_cancel_listed (FerryExecutor *self)
{
  g_autoptr (GPtrArray) tasks = list_open (self);
  guint n = 0;

  /* From the last to the first, so that nothing is begun in the place of what is cancelled. */
  for (guint i = tasks->len; i > 0; i--)
    n += ferry_task_cancel (g_ptr_array_index (tasks, i - 1));
  return n;
}

/**
 * ferry_executor_cancel_all:
 * @self: an executor
 *
 * Cancels every task, as [method@Ferry.Task.cancel] does: those that no worker has begun at once. Any thread may call
 * this. On another than the router's, that thread is asked to cancel what was submitted so far; what this thread
 * submits later is not cancelled.
 *
 * Returns: how many tasks were cancelled; 0 on another thread, as that is not known yet
 *
 * Since: 0.1
 */
guint
ferry_executor_cancel_all (FerryExecutor *self)
{
  g_autoptr (FerryExecutor) kept G_GNUC_UNUSED = NULL;

  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), 0);

  if (!ferry_home_is_own (self->pool->router->home))
    {
      ferry_executor_put_cancel_into_inbox (self);
      return 0;
    }
  kept = g_object_ref (self);
  ferry_executor_empty_inbox (self);
  return ferry_executor_cancel_listed (self);
}

/* The time is over. What can be killed is; no task is waited for any more. */
static void
force_end (gpointer data)
{
  FerryExecutor *self = g_object_ref (FERRY_EXECUTOR (data));
  g_autoptr (GPtrArray) tasks = NULL;

  ferry_executor_empty_inbox (self);
  tasks = list_open (self);

  for (guint i = 0; i < tasks->len; i++)
    {
      FerryTask *task = g_ptr_array_index (tasks, i);
      FerryTaskSeat *seat = ferry_task_get_seat (task);

      if (seat->worker != NULL)
        ferry_pool_worker_force_task (seat->worker, task);
      if (!ferry_task_get_done (task) && seat->worker == NULL)
        {
          ferry_timers_unset (self->timers, &seat->timer);
          ferry_task_queue_remove (&self->queue, task);
        }
      if (!ferry_task_get_done (task) &&
          ferry_task_fail (task, FERRY_TASK_EVENT_ABANDON,
                           g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                                        "Task “%s” had not ended when the executor's time to shut down was over",
                                        ferry_task_get_name (task)),
                           NULL, NULL))
        self->source.done (&self->source, task);
    }
  ferry_executor_finish_shutdown (self);
  g_object_unref (self);
}

/* main: where the executor is being stopped and has no open task left, it is stopped. */
void
ferry_executor_finish_shutdown (FerryExecutor *self)
{
  if (self->n_open > 0 || atomic_load_explicit (&self->state, memory_order_relaxed) != FERRY_EXECUTOR_STATE_STOPPING)
    return;
  ferry_timers_unset (self->timers, &self->shutdown_timer);
  atomic_store_explicit (&self->state, FERRY_EXECUTOR_STATE_STOPPED, memory_order_release);
  ferry_executor_notify_state (self);
  ferry_waiters_return (&self->shutdown_waiters);
}

static void
begin_stop (FerryExecutor *self)
{
  if (atomic_load_explicit (&self->state, memory_order_relaxed) != FERRY_EXECUTOR_STATE_RUNNING)
    return;
  /* Release: a thread that sees it finds nothing to rely on but the inbox, which is emptied below. */
  atomic_store_explicit (&self->state, FERRY_EXECUTOR_STATE_STOPPING, memory_order_release);
  ferry_executor_notify_state (self);
  ferry_executor_refuse_waiters (self);
}

/**
 * ferry_executor_stop:
 * @self: an executor
 *
 * Has the executor take no more tasks. Those that it has come to their end, and with the last one the state becomes
 * %FERRY_EXECUTOR_STATE_STOPPED. On the router's thread.
 *
 * An executor is stopped for good. To stop it again changes nothing: the tasks that it has go on all the same. To end
 * those as well, use [method@Ferry.Executor.cancel_all] or [method@Ferry.Executor.shutdown_async], also after a stop.
 *
 * Since: 0.1
 */
void
ferry_executor_stop (FerryExecutor *self)
{
  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  ferry_return_if_elsewhere (self->pool->router->home);

  g_object_ref (self);
  begin_stop (self);
  ferry_executor_empty_inbox (self);
  ferry_executor_finish_shutdown (self);
  g_object_unref (self);
}

/**
 * ferry_executor_shutdown_async:
 * @self: an executor
 * @timeout: how long it may take, in microseconds; 0 for no time, negative for as long as it takes
 * @cancellable: (nullable): ends the waiting, not the shutdown
 * @callback: (scope async): called when all tasks are done
 * @user_data: data for @callback
 *
 * Takes no more tasks, and cancels all that there are. Those that run have the time to end by themselves; halfway their
 * workers are asked to end, and when the time is over they are killed, and whatever is left is given up. So a shutdown
 * with a timeout always ends in time. Workers go on to be kept by the pool, as other executors may use them.
 *
 * A thread cannot be killed: a function that is given up in a pool of threads runs on after the shutdown. A shutdown
 * without a timeout, of tasks with a grace time ([method@Ferry.Task.set_cancel_grace]) that is long enough, ends when
 * all functions have returned.
 *
 * On the router's thread. Calling it again with less time makes it end earlier.
 *
 * Since: 0.1
 */
void
ferry_executor_shutdown_async (FerryExecutor *self, gint64 timeout, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GPtrArray) tasks = NULL;
  g_autoptr (GTask) shutdown = NULL;
  gint64 deadline = ferry_time_add (g_get_monotonic_time (), timeout);

  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  ferry_return_if_elsewhere (self->pool->router->home);

  g_object_ref (self);
  shutdown = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (shutdown, ferry_executor_shutdown_async);
  begin_stop (self);
  if (atomic_load_explicit (&self->state, memory_order_relaxed) == FERRY_EXECUTOR_STATE_STOPPED)
    {
      g_task_return_boolean (shutdown, TRUE);
      g_object_unref (self);
      return;
    }
  self->shutting_down = TRUE;
  ferry_waiters_add (&self->shutdown_waiters, shutdown);
  if (timeout >= 0 && (!ferry_timer_is_set (&self->shutdown_timer) || self->shutdown_timer.deadline > deadline))
    ferry_timers_set (self->timers, &self->shutdown_timer, deadline, force_end, self);
  ferry_executor_empty_inbox (self);
  tasks = list_open (self);
  for (guint i = tasks->len; i > 0; i--)
    {
      FerryTask *task = g_ptr_array_index (tasks, i - 1);
      FerryPoolWorker *worker;

      ferry_task_cancel (task);
      worker = ferry_task_get_seat (task)->worker;
      if (timeout >= 0 && worker != NULL && timeout < ferry_task_get_cancel_grace (task))
        ferry_pool_worker_give_time (worker, task, timeout);
    }
  ferry_executor_finish_shutdown (self);
  g_object_unref (self);
}

/**
 * ferry_executor_shutdown_finish:
 * @self: an executor
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Executor.shutdown_async]. Any thread.
 *
 * Fails with %G_IO_ERROR_CANCELLED when the waiting was cancelled.
 *
 * Returns: %TRUE when the executor is stopped
 *
 * Since: 0.1
 */
gboolean
ferry_executor_shutdown_finish (FerryExecutor *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
