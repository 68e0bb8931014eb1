/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How tasks come to an executor: checked, counted, claimed, and taken in or left for the router's thread.
 *
 * Threads: any, but for submissions that wait for room, which are the router's. */

#include "config.h"

#include "task/ferry-executor-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-heed-private.h"
#include "worker/ferry-function-private.h"

/* any: counts a task in, where there is room for it. */
static gboolean
take_room (FerryExecutor *self)
{
  gint n_queued = atomic_load_explicit (&self->n_queued, memory_order_relaxed);

  /* Relaxed: a number and nothing else. Never more than there is room for, not even for a moment, in which another
   * submission would be refused that there is room for. */
  do
    if (self->max_pending > 0 && n_queued >= (gint) self->max_pending)
      return FALSE;
  while (!atomic_compare_exchange_weak_explicit (&self->n_queued, &n_queued, n_queued + 1, memory_order_relaxed,
                                                 memory_order_relaxed));
  return TRUE;
}

/* any: whether the task could be submitted, but for room. */
static gboolean
check (FerryExecutor *self, FerryTask *task, GError **error)
{
  const FerryFunctionEntry *entry = ferry_function_find (ferry_task_get_function (task));

  if (atomic_load_explicit (&self->state, memory_order_acquire) != FERRY_EXECUTOR_STATE_RUNNING)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_STOPPED,
                           "The executor was stopped, and takes no more tasks; make another one");
      return FALSE;
    }
  return entry == NULL || ferry_function_check_arguments (entry, ferry_task_get_arguments (task), error);
}

static gboolean
submit_now (FerryExecutor *self, FerryTask *task, GError **error)
{
  if (!ferry_task_claim (task, &ferry_executor_driver, self, error))
    {
      atomic_fetch_sub_explicit (&self->n_queued, 1, memory_order_relaxed);
      return FALSE;
    }
  ferry_task_get_seat (task)->queue = &self->source;
  if (ferry_router_check (self->pool->router, NULL))
    ferry_executor_take_in (self, g_object_ref (task));
  else
    ferry_executor_put_into_inbox (self, task);
  return TRUE;
}

/* A submission that waits for room. */
struct _FerrySubmission
{
  FerryExecutor *executor; /* (owned) */
  FerryTask *task;         /* (owned) */
  GTask *call;             /* (owned) (nullable): what is returned; without one, func is called by an errand */
  GSource *source;         /* (owned) (nullable): of the call's cancellable */
  FerrySubmittedFunc func;
  gpointer data;
  GError *error; /* (owned) (nullable): what func is given */
};

static void
submission_free (gpointer data)
{
  FerrySubmission *self = data;

  g_assert (self->source == NULL);
  g_clear_object (&self->call);
  g_clear_error (&self->error);
  g_object_unref (self->task);
  g_object_unref (self->executor);
  g_free (self);
}

static void
call_submitted (gpointer data)
{
  FerrySubmission *self = data;

  self->func (self->data, self->error);
}

/* main: ends the waiting, with an error (transfer full) (nullable). */
static void
end_submission (FerrySubmission *self, GError *error)
{
  if (self->call == NULL)
    {
      self->error = error;
      ferry_errands_post (self->executor->pool->router->context, call_submitted, self, submission_free);
      return;
    }
  if (error != NULL)
    g_task_return_error (self->call, error);
  else
    g_task_return_boolean (self->call, TRUE);
  submission_free (self);
}

static FerrySubmission *
pop_waiter (FerryExecutor *self)
{
  FerrySubmission *submission = g_queue_pop_head (&self->waiters);

  ferry_stop_heeding (&submission->source);
  return submission;
}

static gboolean
submission_cancelled (GCancellable *cancellable, gpointer data)
{
  FerrySubmission *submission = data;

  g_queue_remove (&submission->executor->waiters, submission);
  ferry_stop_heeding (&submission->source);
  g_task_return_error_if_cancelled (submission->call);
  submission_free (submission);
  return G_SOURCE_REMOVE;
}

/* main: the executor was stopped. */
void
ferry_executor_refuse_waiters (FerryExecutor *self)
{
  while (self->waiters.head != NULL)
    end_submission (pop_waiter (self),
                    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_STOPPED,
                                         "The executor was stopped while the task waited for room; make another one"));
}

/* main: submissions that waited for room go on. */
void
ferry_executor_wake_waiters (FerryExecutor *self)
{
  while (self->waiters.head != NULL && take_room (self))
    {
      FerrySubmission *submission = pop_waiter (self);
      GCancellable *cancellable = submission->call != NULL ? g_task_get_cancellable (submission->call) : NULL;
      GError *error = NULL;

      if (g_cancellable_set_error_if_cancelled (cancellable, &error) || !check (self, submission->task, &error))
        atomic_fetch_sub_explicit (&self->n_queued, 1, memory_order_relaxed);
      else
        submit_now (self, submission->task, &error);
      end_submission (submission, error);
    }
}

static FerrySubmission *
submission_new (FerryExecutor *executor, FerryTask *task)
{
  FerrySubmission *self = g_new0 (FerrySubmission, 1);

  self->executor = g_object_ref (executor);
  self->task = g_object_ref (task);
  return self;
}

/* main: submits a task as soon as there is room, and has func called by an errand then, or when it will not be
 * submitted. */
void
ferry_executor_submit_when_room (FerryExecutor *self, FerryTask *task, FerrySubmittedFunc func, gpointer data)
{
  FerrySubmission *submission = submission_new (self, task);

  submission->func = func;
  submission->data = data;
  g_queue_push_tail (&self->waiters, submission);
  ferry_executor_wake_waiters (self);
}

/**
 * ferry_executor_submit_task:
 * @self: an executor
 * @task: a task that was not submitted before
 * @error: return location for an error
 *
 * Submits a task. It is begun when its turn comes: by priority, then in the order of submission. Any thread may call
 * this; signals come on the router's thread.
 *
 * Fails with %FERRY_ERROR_STOPPED when the executor takes no more tasks, with %FERRY_ERROR_WOULD_BLOCK when
 * [property@Ferry.Executor:max-pending] tasks wait, with %FERRY_ERROR_ALREADY_STARTED when the task was submitted
 * before, and with %FERRY_ERROR_BAD_ARGUMENTS when this program has registered the function and the arguments are not
 * its. What goes wrong later, an unknown function for instance, is the task's error.
 *
 * Returns: %TRUE when the task was accepted
 *
 * Since: 0.1
 */
gboolean
ferry_executor_submit_task (FerryExecutor *self, FerryTask *task, GError **error)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check (self, task, error))
    return FALSE;
  if (!take_room (self))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK,
                   "%u tasks wait already; submit with ferry_executor_submit_task_async(), or allow more",
                   self->max_pending);
      return FALSE;
    }
  return submit_now (self, task, error);
}

/**
 * ferry_executor_submit:
 * @self: an executor
 * @function: the name of a registered function
 * @arguments: (nullable): its arguments; a floating reference is taken over
 * @error: return location for an error
 *
 * Submits a call: makes a task of kind %FERRY_TASK_KIND_CALL, and submits it. Any thread may call this.
 *
 * Fails as [method@Ferry.Executor.submit_task] does.
 *
 * Returns: (transfer full): the task
 *
 * Since: 0.1
 */
FerryTask *
ferry_executor_submit (FerryExecutor *self, const char *function, GVariant *arguments, GError **error)
{
  g_autoptr (FerryTask) task = NULL;

  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), NULL);
  g_return_val_if_fail (function != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  task = ferry_task_new (FERRY_TASK_KIND_CALL, function, arguments);
  return ferry_executor_submit_task (self, task, error) ? g_steal_pointer (&task) : NULL;
}

/**
 * ferry_executor_submit_task_async:
 * @self: an executor
 * @task: a task that was not submitted before
 * @cancellable: (nullable): ends the waiting for room
 * @callback: (scope async): called when the task was accepted, or will not be
 * @user_data: data for @callback
 *
 * Submits a task as soon as there is room for it: whoever submits in the callback of the submission before never has
 * more waiting than [property@Ferry.Executor:max-pending]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_executor_submit_task_async (FerryExecutor *self, FerryTask *task, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  FerrySubmission *submission;

  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  g_return_if_fail (FERRY_IS_TASK (task));
  ferry_return_if_elsewhere (self->pool->router->home);

  submission = submission_new (self, task);
  submission->call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (submission->call, ferry_executor_submit_task_async);
  if (cancellable != NULL)
    ferry_heed_cancellable (submission->call, &submission->source, "[ferry] stop waiting for room",
                            submission_cancelled, submission, NULL);
  g_queue_push_tail (&self->waiters, submission);
  ferry_executor_wake_waiters (self);
}

/**
 * ferry_executor_submit_task_finish:
 * @self: an executor
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Executor.submit_task_async]. Any thread.
 *
 * Fails as [method@Ferry.Executor.submit_task] does, but for want of room, and with %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE when the task was accepted
 *
 * Since: 0.1
 */
gboolean
ferry_executor_submit_task_finish (FerryExecutor *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
