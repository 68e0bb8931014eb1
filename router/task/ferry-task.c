/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The type, and what is asked of a task. What happens to it is in ferry-task-events.c. */

#include "config.h"

#include "task/ferry-task-fields-private.h"

/**
 * FerryTask:
 *
 * One call of a function in a worker, as the application sees it.
 *
 * A task is made with [ctor@Ferry.Task.new], given its settings, and submitted once, to a [class@Ferry.Executor].
 * It goes from [property@Ferry.Task:state] waiting to executing, and from there to completed, failed or cancelled; then
 * it is [property@Ferry.Task:done], and nothing about it changes any more.
 *
 * Making a task, giving it its settings and submitting it may be done on any thread, one after the other. All else is
 * for the router's thread, and all signals and notifications are on that thread. Handlers may do anything: cancel the
 * task, submit others, drop the last reference.
 *
 * After [method@Ferry.Task.cancel], nothing that the function reports, sends, yields or returns is signalled.
 *
 * A class of one's own may derive from it, and override [vfunc@Ferry.Task.message], [vfunc@Ferry.Task.progress],
 * [vfunc@Ferry.Task.yielded] and [vfunc@Ferry.Task.done].
 *
 * Since: 0.1
 */
G_DEFINE_TYPE_WITH_PRIVATE (FerryTask, ferry_task, G_TYPE_OBJECT)

static const FerryTaskRest no_rest = {
  .cancel_grace = FERRY_TASK_DEFAULT_CANCEL_GRACE,
  .window = FERRY_TASK_DEFAULT_WINDOW,
};

FerryTaskPrivate *
ferry_task_get_private (FerryTask *self)
{
  return ferry_task_get_instance_private (self);
}

FerryTaskRest *
ferry_task_need_rest (FerryTask *self)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);

  FerryTaskRest *rest = atomic_load_explicit (&priv->rest, memory_order_acquire);
  FerryTaskRest *made;

  if (rest != NULL)
    return rest;
  made = g_new (FerryTaskRest, 1);
  *made = no_rest;
  /* Release: what it begins with, for another thread that looks at a task that is done. Acquire: the same of another's.
   */
  if (atomic_compare_exchange_strong_explicit (&priv->rest, &rest, made, memory_order_acq_rel, memory_order_acquire))
    return made;
  g_free (made);
  return rest;
}

const FerryTaskRest *
ferry_task_peek_rest (FerryTask *self)
{
  /* Acquire: pairs with ferry_task_need_rest(). */
  FerryTaskRest *rest = atomic_load_explicit (&ferry_task_get_private (self)->rest, memory_order_acquire);

  return rest != NULL ? rest : &no_rest;
}

static gboolean
is_taken (FerryTaskPrivate *priv)
{
  /* Acquire: the home; pairs with ferry_task_claim(). */
  return atomic_load_explicit (&priv->claim, memory_order_acquire) == FERRY_TASK_CLAIM_TAKEN;
}

gboolean
ferry_task_check_readable (FerryTask *self, const char *function)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);

  /* Acquire: what the task came to; pairs with ferry_task_settle(). */
  return !is_taken (priv) || ferry_home_is_here (priv->home) ||
         atomic_load_explicit (&priv->state, memory_order_acquire) >= FERRY_TASK_STATE_COMPLETED ||
         ferry_home_check (priv->home, function);
}

gboolean
ferry_task_check_home (FerryTask *self, const char *function)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);

  return !is_taken (priv) || ferry_home_check (priv->home, function);
}

gboolean
ferry_task_check_home_error (FerryTask *self, const char *function, GError **error)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);

  return !is_taken (priv) || ferry_home_check_error (priv->home, function, error);
}

gboolean
ferry_task_check_settable (FerryTask *self, const char *function)
{
  /* Relaxed: settings come before the submission by the caller's own order. */
  if (atomic_load_explicit (&ferry_task_get_private (self)->claim, memory_order_relaxed) == FERRY_TASK_CLAIM_FREE)
    return TRUE;
  g_critical ("%s() was called for a task of “%s” that was submitted or cancelled, and does nothing; give a task its "
              "settings before it is submitted",
              function, ferry_task_get_function (self));
  return FALSE;
}

static void
rest_free (FerryTaskRest *rest)
{
  g_clear_pointer (&rest->exit, ferry_exit_unref);
  g_clear_error (&rest->late_error);
  g_free (rest->trace);
  g_free (rest->name);
  g_free (rest->message);
  g_free (rest->unit);
  g_free (rest);
}

static void
ferry_task_finalize (GObject *object)
{
  FerryTaskPrivate *priv = ferry_task_get_private (FERRY_TASK (object));

  ferry_task_drop_handles (FERRY_TASK (object));
  ferry_task_drop_cancellable (FERRY_TASK (object));
  if (priv->rest != NULL)
    rest_free (priv->rest);
  g_clear_pointer (&priv->home, ferry_home_unref);
  g_clear_pointer (&priv->arguments, g_variant_unref);
  g_clear_pointer (&priv->result, g_variant_unref);
  g_clear_error (&priv->error);
  g_free (priv->function);

  G_OBJECT_CLASS (ferry_task_parent_class)->finalize (object);
}

static void
ferry_task_class_init (FerryTaskClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_task_finalize;
  ferry_task_install_properties (klass);
  ferry_task_install_signals (klass);
}

static void
ferry_task_init (FerryTask *self)
{
  static _Atomic guint n_tasks;
  FerryTaskPrivate *priv = ferry_task_get_private (self);

  /* Relaxed: the number tells tasks apart, and orders nothing. */
  priv->number = atomic_fetch_add_explicit (&n_tasks, 1, memory_order_relaxed) + 1;
  priv->fraction = -1;
}

/**
 * ferry_task_new:
 * @kind: what the function does on its way to the result
 * @function: the name that the function is registered with in the worker
 * @arguments: (nullable): the arguments, of the type that it is registered with; a floating reference is sunk
 *
 * Makes a task, to be submitted with [method@Ferry.Executor.submit_task]. Any thread may call this.
 *
 * Returns: (transfer full): a new task
 *
 * Since: 0.1
 */
FerryTask *
ferry_task_new (FerryTaskKind kind, const char *function, GVariant *arguments)
{
  FerryTask *self;
  FerryTaskPrivate *priv;

  g_return_val_if_fail (kind <= FERRY_TASK_KIND_STEPS, NULL);
  g_return_val_if_fail (function != NULL && *function != '\0', NULL);

  /* Not as properties: to pass them takes half again as long as all else here. */
  self = g_object_new (FERRY_TYPE_TASK, NULL);
  priv = ferry_task_get_private (self);
  priv->kind = kind;
  priv->function = g_strdup (function);
  if (arguments != NULL)
    priv->arguments = g_variant_ref_sink (arguments);
  return self;
}

/**
 * ferry_task_set_name:
 * @self: a task that was not submitted
 * @name: (nullable): a name for users; %NULL for the one that it has by itself
 *
 * Sets what the task is called where it is shown, and in errors. Any thread may call this before the submission; the
 * router's thread may do so afterwards, until the task is done.
 *
 * Since: 0.1
 */
void
ferry_task_set_name (FerryTask *self, const char *name)
{
  FerryTaskRest *rest;

  g_return_if_fail (FERRY_IS_TASK (self));

  if (!ferry_task_check_home (self, G_STRFUNC))
    return;
  /* Other threads may have the name of a task that is done. */
  g_return_if_fail (!ferry_task_get_done (self));
  rest = ferry_task_need_rest (self);
  if (g_strcmp0 (rest->name, name) == 0)
    return;
  g_free (rest->name);
  rest->name = g_strdup (name);
  ferry_task_notify (self, FERRY_TASK_PROP_NAME);
}

/**
 * ferry_task_set_priority:
 * @self: a task that was not submitted
 * @priority: the priority; 0 at first
 *
 * Sets the priority in the executor's queue: tasks with a higher one go first, those with the same one in the order of
 * their submission. For a task in the queue there is [method@Ferry.Executor.set_task_priority]. Any thread, one at a
 * time, before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_priority (FerryTask *self, int priority)
{
  FerryTaskPrivate *priv;

  g_return_if_fail (FERRY_IS_TASK (self));
  if (!ferry_task_check_settable (self, G_STRFUNC))
    return;

  priv = ferry_task_get_private (self);
  if (priv->priority == priority)
    return;
  priv->priority = priority;
  ferry_task_notify (self, FERRY_TASK_PROP_PRIORITY);
}

/**
 * ferry_task_set_run_timeout:
 * @self: a task that was not submitted
 * @timeout: microseconds; 0 for none, which it is at first
 *
 * Sets how long an attempt may execute. When the time is over, the task fails with %FERRY_ERROR_TIMED_OUT at once; its
 * worker is asked to stop, and ended when it does not. After the submission this does nothing, with a critical. Any
 * thread, one at a time, before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_run_timeout (FerryTask *self, gint64 timeout)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (timeout >= 0);
  if (!ferry_task_check_settable (self, G_STRFUNC))
    return;

  ferry_task_need_rest (self)->run_timeout = timeout;
}

/**
 * ferry_task_set_deadline:
 * @self: a task that was not submitted
 * @deadline: monotonic time in microseconds (see [func@GLib.get_monotonic_time]); 0 for none, which it is at first
 *
 * Sets when the task is wanted no more, whether it waits or executes by then: it fails with %FERRY_ERROR_TIMED_OUT. The
 * function finds the earlier one of this and of the end of its time to run in [method@Ferry.Job.get_deadline], to hand
 * on to what it asks for in turn. After the submission this does nothing, with a critical. Any thread, one at a time,
 * before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_deadline (FerryTask *self, gint64 deadline)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (deadline >= 0);
  if (!ferry_task_check_settable (self, G_STRFUNC))
    return;

  ferry_task_need_rest (self)->deadline = deadline;
}

/**
 * ferry_task_set_queue_timeout:
 * @self: a task that was not submitted
 * @timeout: microseconds; 0 for none, which it is at first
 *
 * Sets how long the task may wait, counted from its submission. When the time is over, it fails with
 * %FERRY_ERROR_QUEUE_TIMED_OUT. After the submission this does nothing, with a critical. Any thread, one at a time,
 * before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_queue_timeout (FerryTask *self, gint64 timeout)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (timeout >= 0);
  if (!ferry_task_check_settable (self, G_STRFUNC))
    return;

  ferry_task_need_rest (self)->queue_timeout = timeout;
}

/**
 * ferry_task_set_cancel_grace:
 * @self: a task that was not submitted
 * @grace: microseconds; two seconds at first
 *
 * Sets how long the function has for ending by itself once it was asked to, by a cancel or because its time is over.
 * A worker that runs it for longer is ended. After the submission this does nothing, with a critical. Any thread, one
 * at a time, before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_cancel_grace (FerryTask *self, gint64 grace)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (grace >= 0);
  if (!ferry_task_check_settable (self, G_STRFUNC))
    return;

  ferry_task_need_rest (self)->cancel_grace = grace;
}

/**
 * ferry_task_set_retries:
 * @self: a task that was not submitted
 * @retries: how often; 0 at first
 *
 * Sets how often the task is begun again when the worker that runs it is lost. Only for functions that are safe to
 * repeat: the lost worker may have done any part of the work. A function that fails is never repeated. After the
 * submission this does nothing, with a critical. Any thread, one at a time, before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_retries (FerryTask *self, guint retries)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  if (!ferry_task_check_settable (self, G_STRFUNC))
    return;

  ferry_task_need_rest (self)->retries = retries;
}

/**
 * ferry_task_set_window:
 * @self: a task that was not submitted
 * @window: how many values, at least 1; 16 at first
 *
 * Sets how many values an iteration may be ahead: so many may be yielded and not handled yet before the function waits.
 * After the submission this does nothing, with a critical. Any thread, one at a time, before the submission.
 *
 * Since: 0.1
 */
void
ferry_task_set_window (FerryTask *self, guint window)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (window >= 1 && window <= G_MAXUINT16);
  if (!ferry_task_check_settable (self, G_STRFUNC))
    return;

  ferry_task_need_rest (self)->window = window;
}

/**
 * ferry_task_set_cancellable:
 * @self: a task that was not submitted
 * @cancellable: (nullable): a cancellable, which may serve other calls as well
 *
 * Has the task cancelled with the cancellable, from its submission on. That may happen on any thread: nothing that the
 * function does is signalled from then on, and the router's thread then cancels the task as [method@Ferry.Task.cancel]
 * does. No handler of the task's runs within g_cancellable_cancel(). Any thread, one at a time, before the submission;
 * then this does nothing, with a critical.
 *
 * Since: 0.1
 */
void
ferry_task_set_cancellable (FerryTask *self, GCancellable *cancellable)
{
  g_return_if_fail (FERRY_IS_TASK (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  if (!ferry_task_check_settable (self, G_STRFUNC))
    return;

  g_set_object (&ferry_task_need_rest (self)->cancellable, cancellable);
}
