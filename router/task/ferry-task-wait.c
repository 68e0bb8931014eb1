/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for the end of a task.
 *
 * Threads: the router's. */

#include "config.h"

#include "base/ferry-error.h"
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

/**
 * ferry_task_wait:
 * @self: a task that was submitted
 * @timeout: microseconds; negative for no end
 * @error: return location for an error
 *
 * Iterates the router's main context until the task is done, and gives its result. For tests and programs without a
 * window: everything else on that context runs meanwhile. On the router's thread, and not from within a handler.
 *
 * Fails as [method@Ferry.Task.get_result] does; with %FERRY_ERROR_TIMED_OUT when the time is over first, and the task
 * goes on then; with %FERRY_ERROR_NOT_STARTED when the task was not submitted; with %FERRY_ERROR_BUSY within a handler,
 * %FERRY_ERROR_WRONG_THREAD on another thread, and %FERRY_ERROR_NOT_RUNNING when the router was stopped.
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

  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  priv = ferry_task_get_private (self);
  kept = g_object_ref (self);
  if (ferry_task_get_done (self))
    return ferry_task_get_result (self, error);
  /* Acquire: the driver; pairs with ferry_task_claim(). */
  if (atomic_load_explicit (&priv->claim, memory_order_acquire) != FERRY_TASK_CLAIM_TAKEN)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED,
                   "Task “%s” was not submitted; call ferry_executor_submit_task() first", ferry_task_get_name (self));
      return NULL;
    }
  if (!priv->driver->wait (priv->executor, self, timeout, error))
    return NULL;
  return ferry_task_get_result (self, error);
}
