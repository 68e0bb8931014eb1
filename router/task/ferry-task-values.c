/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a task knows of itself. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"
#include "task/ferry-task-fields-private.h"

/**
 * ferry_task_get_kind:
 * @self: a task
 *
 * What the function does on its way to the result. Any thread may call this.
 *
 * Returns: the kind
 *
 * Since: 0.1
 */
FerryTaskKind
ferry_task_get_kind (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), FERRY_TASK_KIND_CALL);

  return (FerryTaskKind) ferry_task_get_private (self)->kind;
}

/**
 * ferry_task_get_name:
 * @self: a task
 *
 * What the task is called where it is shown, and in errors: unless it was given a name, that of its function and a
 * number, such as “primes 3”.
 * On the router's thread; any thread, once the task is done.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
ferry_task_get_name (FerryTask *self)
{
  FerryTaskPrivate *priv;
  FerryTaskRest *rest;
  char *name;
  char *made;

  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return NULL;

  priv = ferry_task_get_private (self);
  rest = ferry_task_need_rest (self);
  /* Acquire: its letters, of another thread. */
  name = atomic_load_explicit (&rest->name, memory_order_acquire);
  if (name != NULL)
    return name;
  made = g_strdup_printf ("%s %u", priv->function != NULL ? priv->function : "task", priv->number);
  /* Release: the letters. Acquire: those of a thread that was faster. */
  if (atomic_compare_exchange_strong_explicit (&rest->name, &name, made, memory_order_acq_rel, memory_order_acquire))
    return made;
  g_free (made);
  return name;
}

/**
 * ferry_task_get_function:
 * @self: a task
 *
 * The name of the function. Any thread may call this.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
ferry_task_get_function (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);

  return ferry_task_get_private (self)->function;
}

/**
 * ferry_task_get_arguments:
 * @self: a task
 *
 * The arguments. Any thread may call this.
 *
 * Returns: (transfer none) (nullable): the arguments
 *
 * Since: 0.1
 */
GVariant *
ferry_task_get_arguments (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);

  return ferry_task_get_private (self)->arguments;
}

/**
 * ferry_task_get_priority:
 * @self: a task
 *
 * The priority in the executor's queue. On the router's thread; any thread, once the task is done.
 *
 * Returns: the priority
 *
 * Since: 0.1
 */
int
ferry_task_get_priority (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return 0;

  return ferry_task_get_private (self)->priority;
}

/**
 * ferry_task_get_state:
 * @self: a task
 *
 * How far the task has come. Any thread may call this.
 *
 * Returns: the state
 *
 * Since: 0.1
 */
FerryTaskState
ferry_task_get_state (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), FERRY_TASK_STATE_WAITING);

  return (FerryTaskState) ferry_task_get_private (self)->state;
}

/**
 * ferry_task_get_done:
 * @self: a task
 *
 * Whether the task is completed, failed or cancelled. Any thread may call this.
 *
 * Returns: %TRUE if nothing about the task changes any more
 *
 * Since: 0.1
 */
gboolean
ferry_task_get_done (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), FALSE);

  return ferry_task_get_private (self)->state >= FERRY_TASK_STATE_COMPLETED;
}

/**
 * ferry_task_get_cancellable:
 * @self: a task
 *
 * Whether [method@Ferry.Task.cancel] would do something. Any thread may call this.
 *
 * Returns: %TRUE while the task waits, or executes and was not cancelled
 *
 * Since: 0.1
 */
gboolean
ferry_task_get_cancellable (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), FALSE);

  return ferry_task_get_private (self)->state <= FERRY_TASK_STATE_EXECUTING;
}

/**
 * ferry_task_get_fraction:
 * @self: a task
 *
 * How much of the work is done. It never goes back while an attempt lasts. On the router's thread; any thread, once the
 * task is done.
 *
 * Returns: 0 to 1, or -1 when nobody knows
 *
 * Since: 0.1
 */
double
ferry_task_get_fraction (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), -1);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return -1;

  return ferry_task_get_private (self)->fraction;
}

/**
 * ferry_task_get_message:
 * @self: a task
 *
 * The latest text that the function reported with its progress. On the router's thread; any thread, once the task is
 * done.
 *
 * Returns: (transfer none) (nullable): the text
 *
 * Since: 0.1
 */
const char *
ferry_task_get_message (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return NULL;

  return ferry_task_peek_rest (self)->message;
}

/**
 * ferry_task_get_amount:
 * @self: a task
 *
 * How much is done, as the function reported it latest. On the router's thread; any thread, once the task is done.
 *
 * Returns: the amount, in units
 *
 * Since: 0.1
 */
guint64
ferry_task_get_amount (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return 0;

  return ferry_task_peek_rest (self)->amount;
}

/**
 * ferry_task_get_total:
 * @self: a task
 *
 * How much there is to do, as the function reported it latest. On the router's thread; any thread, once the task is
 * done.
 *
 * Returns: the total, in units, or 0 when it is not known
 *
 * Since: 0.1
 */
guint64
ferry_task_get_total (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return 0;

  return ferry_task_peek_rest (self)->total;
}

/**
 * ferry_task_get_unit:
 * @self: a task
 *
 * What the amount is counted in, as the function reported it latest. On the router's thread; any thread, once the task
 * is done.
 *
 * Returns: (transfer none) (nullable): the unit
 *
 * Since: 0.1
 */
const char *
ferry_task_get_unit (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return NULL;

  return ferry_task_peek_rest (self)->unit;
}

/**
 * ferry_task_get_pid:
 * @self: a task
 *
 * The process that runs the task, or ran it: another one may have that number once the task is done. On the router's
 * thread.
 * On the router's thread; any thread, once the task is done.
 *
 * Returns: the process, or 0 before a worker began the task
 *
 * Since: 0.1
 */
GPid
ferry_task_get_pid (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return 0;

  return ferry_task_get_private (self)->pid;
}

/**
 * ferry_task_get_n_attempts:
 * @self: a task
 *
 * How often a worker began the task. On the router's thread; any thread, once the task is done.
 *
 * Returns: the number of attempts
 *
 * Since: 0.1
 */
guint
ferry_task_get_n_attempts (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return 0;

  return ferry_task_get_private (self)->n_attempts;
}

/**
 * ferry_task_get_submit_time:
 * @self: a task
 *
 * When the task was submitted. Any thread may call this.
 *
 * Returns: monotonic microseconds, or 0 before
 *
 * Since: 0.1
 */
gint64
ferry_task_get_submit_time (FerryTask *self)
{
  FerryTaskPrivate *priv;

  g_return_val_if_fail (FERRY_IS_TASK (self), 0);

  priv = ferry_task_get_private (self);
  /* Acquire: pairs with ferry_task_claim(), on whatever thread it was called. */
  if (atomic_load_explicit (&priv->claim, memory_order_acquire) != FERRY_TASK_CLAIM_TAKEN)
    return 0;
  return priv->submit_time;
}

/**
 * ferry_task_get_start_time:
 * @self: a task
 *
 * When a worker began the latest attempt. On the router's thread; any thread, once the task is done.
 *
 * Returns: monotonic microseconds, or 0 while the task waits
 *
 * Since: 0.1
 */
gint64
ferry_task_get_start_time (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return 0;

  return ferry_task_get_private (self)->start_time;
}

/**
 * ferry_task_get_end_time:
 * @self: a task
 *
 * When the task was done. On the router's thread; any thread, once the task is done.
 *
 * Returns: monotonic microseconds, or 0 before
 *
 * Since: 0.1
 */
gint64
ferry_task_get_end_time (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), 0);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return 0;

  return ferry_task_get_private (self)->end_time;
}

/**
 * ferry_task_get_error:
 * @self: a task
 *
 * Why the task failed. On the router's thread; any thread, once the task is done.
 *
 * Returns: (transfer none) (nullable): the error of a task that failed, else %NULL
 *
 * Since: 0.1
 */
const GError *
ferry_task_get_error (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return NULL;

  return ferry_task_get_private (self)->error;
}

/**
 * ferry_task_get_late_error:
 * @self: a task
 *
 * What went wrong in the worker after the task was cancelled, or after it failed because its time was over: the first
 * such error, for logs. It may come after `done`. On the router's thread.
 *
 * Returns: (transfer none) (nullable): the error
 *
 * Since: 0.1
 */
const GError *
ferry_task_get_late_error (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!ferry_task_check_home (self, G_STRFUNC))
    return NULL;

  return ferry_task_peek_rest (self)->late_error;
}

/**
 * ferry_task_get_trace:
 * @self: a task
 *
 * Where the task's error came from: a line a place, the innermost first. On the router's thread; any thread, once the
 * task is done.
 *
 * Returns: (transfer none) (nullable): the trace
 *
 * Since: 0.1
 */
const char *
ferry_task_get_trace (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return NULL;

  return ferry_task_peek_rest (self)->trace;
}

/**
 * ferry_task_get_exit:
 * @self: a task
 *
 * How the worker ended that was lost with the task. On the router's thread; any thread, once the task is done.
 *
 * Returns: (transfer none) (nullable): the exit record
 *
 * Since: 0.1
 */
FerryExit *
ferry_task_get_exit (FerryTask *self)
{
  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  if (!ferry_task_check_readable (self, G_STRFUNC))
    return NULL;

  return ferry_task_peek_rest (self)->exit;
}

/**
 * ferry_task_get_result:
 * @self: a task
 * @error: return location for an error
 *
 * Gives the result, once the task is done. On the router's thread; any thread, once the task is done. The result comes
 * from another process; it is of the type that the function was registered with.
 *
 * Fails with %FERRY_ERROR_NOT_DONE before the end, on another thread than the router's with %FERRY_ERROR_WRONG_THREAD,
 * with the task's own error when it failed, and with %G_IO_ERROR_CANCELLED when it was cancelled.
 *
 * Returns: (transfer full) (nullable): the result; %NULL without an error when the task is completed and its function
 *   has none
 *
 * Since: 0.1
 */
GVariant *
ferry_task_get_result (FerryTask *self, GError **error)
{
  FerryTaskPrivate *priv;

  g_return_val_if_fail (FERRY_IS_TASK (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_task_get_done (self) && !ferry_task_check_home_error (self, G_STRFUNC, error))
    return NULL;
  priv = ferry_task_get_private (self);
  switch ((FerryTaskState) priv->state)
    {
    case FERRY_TASK_STATE_COMPLETED:
      return priv->result != NULL ? g_variant_ref (priv->result) : NULL;
    case FERRY_TASK_STATE_FAILED:
      g_propagate_error (error, ferry_error_copy_with_trace (priv->error, ferry_task_get_trace (self)));
      return NULL;
    case FERRY_TASK_STATE_CANCELLED:
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Task “%s” was cancelled", ferry_task_get_name (self));
      return NULL;
    case FERRY_TASK_STATE_WAITING:
    case FERRY_TASK_STATE_EXECUTING:
    case FERRY_TASK_STATE_CANCELLING:
    default:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_DONE,
                   "Task “%s” is not done; wait for its signal “done”, or with ferry_task_wait_async()",
                   ferry_task_get_name (self));
      return NULL;
    }
}

gint64
ferry_task_get_deadline (FerryTask *self)
{
  return ferry_task_peek_rest (self)->deadline;
}

gint64
ferry_task_get_deadline_of (FerryTask *self, gint64 since, gint64 timeout)
{
  gint64 deadline = ferry_task_get_deadline (self);
  gint64 end = timeout > 0 ? ferry_time_add (since, timeout) : 0;

  return deadline > 0 && (end == 0 || deadline < end) ? deadline : end;
}

gint64
ferry_task_get_run_timeout (FerryTask *self)
{
  return ferry_task_peek_rest (self)->run_timeout;
}

gint64
ferry_task_get_queue_timeout (FerryTask *self)
{
  return ferry_task_peek_rest (self)->queue_timeout;
}

gint64
ferry_task_get_cancel_grace (FerryTask *self)
{
  return ferry_task_peek_rest (self)->cancel_grace;
}

guint
ferry_task_get_retries (FerryTask *self)
{
  return ferry_task_peek_rest (self)->retries;
}

guint
ferry_task_get_window (FerryTask *self)
{
  return ferry_task_peek_rest (self)->window;
}

FerryTaskSeat *
ferry_task_get_seat (FerryTask *self)
{
  return &ferry_task_get_private (self)->seat;
}

/* main: of a task that waits. */
void
ferry_task_change_priority (FerryTask *self, int priority)
{
  ferry_task_get_private (self)->priority = priority;
  ferry_task_notify (self, FERRY_TASK_PROP_PRIORITY);
}

/* main: a task that was not submitted, with all that was set of another one, but for its cancellable. */
FerryTask *
ferry_task_new_like (FerryTask *self)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);
  const FerryTaskRest *rest = ferry_task_peek_rest (self);
  FerryTask *task = ferry_task_new ((FerryTaskKind) priv->kind, priv->function, priv->arguments);

  if (rest->name != NULL)
    ferry_task_set_name (task, rest->name);
  ferry_task_set_priority (task, priv->priority);
  ferry_task_set_deadline (task, rest->deadline);
  ferry_task_set_run_timeout (task, rest->run_timeout);
  ferry_task_set_queue_timeout (task, rest->queue_timeout);
  ferry_task_set_cancel_grace (task, rest->cancel_grace);
  ferry_task_set_retries (task, rest->retries);
  ferry_task_set_window (task, rest->window);
  return task;
}
