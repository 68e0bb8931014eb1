/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a pool ends all of its workers, and can be used again. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "task/ferry-pool-private.h"
#include "task/ferry-waiters-private.h"

static void
kill_all (gpointer data)
{
  g_autoptr (FerryPool) self = g_object_ref (FERRY_POOL (data));

  for (guint i = self->workers->len; i > 0; i--)
    if (i <= self->workers->len)
      ferry_pool_worker_kill (g_ptr_array_index (self->workers, i - 1));
}

/* main: where the pool is being stopped and has no worker left, it is stopped. */
void
ferry_pool_finish_stop (FerryPool *self)
{
  g_autoptr (FerryPool) kept G_GNUC_UNUSED = NULL;

  if (self->workers->len > 0 || !self->stopping)
    return;
  kept = g_object_ref (self);
  ferry_timers_unset (self->timers, &self->stop_timer);
  self->stopping = FALSE;
  self->started = FALSE;
  ferry_waiters_return (&self->stop_waiters);
  /* What was submitted meanwhile. */
  ferry_pool_pump (self);
}

/**
 * ferry_pool_stop_async:
 * @self: a pool
 * @timeout: how long the workers may take to finish what they are at, in microseconds; 0 to kill them now, negative
 *   for as long as it takes
 * @cancellable: (nullable): ends the waiting, not the stopping
 * @callback: (scope async): called when all workers have ended
 * @user_data: data for @callback
 *
 * Ends all workers. Those that do a task finish it, those that have finished run their finaliser, and those that are
 * left when the time is over are killed. Tasks that wait fail with %FERRY_ERROR_REFUSED. Afterwards the pool can be
 * used again. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_stop_async (FerryPool *self, gint64 timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (FerryPool) kept G_GNUC_UNUSED = NULL;
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) reason = NULL;

  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  kept = g_object_ref (self);
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_pool_stop_async);
  if (self->stopping)
    {
      g_task_return_new_error (task, FERRY_ERROR, FERRY_ERROR_BUSY, "The pool “%s” is being stopped already",
                               ferry_pool_get_name (self));
      return;
    }
  self->stopping = TRUE;
  ferry_waiters_add (&self->stop_waiters, task);
  reason = g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED, "The pool “%s” was stopped; submit the task again",
                        ferry_pool_get_name (self));
  for (guint i = self->workers->len; i > 0; i--)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i - 1);

      ferry_pool_worker_take_back (worker);
      ferry_pool_worker_retire (worker);
    }
  ferry_pool_fail_sources (self, reason);
  if (timeout == 0)
    kill_all (self);
  else if (timeout > 0)
    ferry_timers_set (self->timers, &self->stop_timer, ferry_time_add (g_get_monotonic_time (), timeout), kill_all,
                      self);
  ferry_pool_finish_stop (self);
}

/**
 * ferry_pool_stop_finish:
 * @self: a pool
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Pool.stop_async]. Any thread.
 *
 * Fails with %FERRY_ERROR_BUSY when the pool was being stopped already, and with %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE when all workers have ended
 *
 * Since: 0.1
 */
gboolean
ferry_pool_stop_finish (FerryPool *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
