/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for the end of a task.
 *
 * Threads: the router's. */

#include "config.h"

#include "base/ferry-error.h"
#include "task/ferry-task-fields-private.h"

/* One that waits. The task keeps it in its list; what it waits with keeps the task. */
typedef struct
{
  GTask *task;     /* (owned) (nullable): until it was returned */
  GSource *source; /* (owned) (nullable): of the cancellable */
} FerryTaskWaiter;

static void
waiter_free (gpointer data)
{
  FerryTaskWaiter *waiter = data;

  if (waiter->source != NULL)
    {
      g_source_destroy (waiter->source);
      g_source_unref (waiter->source);
    }
  g_clear_object (&waiter->task);
  g_free (waiter);
}

static gboolean
waiter_cancelled (GCancellable *cancellable, gpointer data)
{
  FerryTaskWaiter *waiter = data;
  g_autoptr (GTask) task = g_steal_pointer (&waiter->task);
  FerryTaskRest *rest = ferry_task_need_rest (g_task_get_source_object (task));

  g_ptr_array_remove_fast (rest->waiters, waiter);
  g_task_return_error_if_cancelled (task);
  return G_SOURCE_REMOVE;
}

void
ferry_task_return_waiters (FerryTask *self)
{
  g_autoptr (GPtrArray) waiters = g_steal_pointer (&ferry_task_need_rest (self)->waiters);

  /* First of all no cancellable may have its say any more: callbacks may iterate main contexts. */
  for (guint i = 0; i < waiters->len; i++)
    {
      FerryTaskWaiter *waiter = g_ptr_array_index (waiters, i);

      if (waiter->source != NULL)
        g_source_destroy (waiter->source);
    }
  for (guint i = 0; i < waiters->len; i++)
    {
      FerryTaskWaiter *waiter = g_ptr_array_index (waiters, i);

      g_task_return_boolean (waiter->task, TRUE);
    }
}

static void
add_waiter (FerryTask *self, GTask *task, GCancellable *cancellable)
{
  FerryTaskRest *rest = ferry_task_need_rest (self);
  FerryTaskWaiter *waiter = g_new0 (FerryTaskWaiter, 1);

  waiter->task = g_object_ref (task);
  if (cancellable != NULL)
    {
      waiter->source = g_cancellable_source_new (cancellable);
      g_source_set_static_name (waiter->source, "[ferry] stop waiting for a task");
      g_source_set_callback (waiter->source, G_SOURCE_FUNC (waiter_cancelled), waiter, NULL);
      g_source_attach (waiter->source, g_task_get_context (task));
    }
  if (rest->waiters == NULL)
    rest->waiters = g_ptr_array_new_with_free_func (waiter_free);
  g_ptr_array_add (rest->waiters, waiter);
}

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

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_task_wait_async);
  g_task_set_check_cancellable (task, FALSE);
  if (g_task_return_error_if_cancelled (task))
    return;
  if (ferry_task_get_done (self))
    g_task_return_boolean (task, TRUE);
  else
    add_waiter (self, task, cancellable);
}

/**
 * ferry_task_wait_finish:
 * @self: a task
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Task.wait_async], and gives the task's result.
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
 * Routes messages until the task is done, and gives its result. For tests and programs without a window: handlers of
 * other tasks run meanwhile, and the main loop does not. On the router's thread, and not from within a handler.
 *
 * Fails as [method@Ferry.Task.get_result] does; with %FERRY_ERROR_TIMED_OUT when the time is over first, and the task
 * goes on then; with %FERRY_ERROR_NOT_STARTED when the task was not submitted; and with what
 * [method@Ferry.Router.route_until] fails with.
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
