/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happens to a task, as its executor tells it.
 *
 * Threads:   the router's.
 * Invariant: the table is asked before anything changes; all values of an event are set before its first signal; after
 *            each signal the task may be in any later state, for handlers do what they like. */

#include "config.h"

#include "call/ferry-remote-error-private.h"
#include "ferry-marshallers.h"
#include "task/ferry-task-fields-private.h"
#include "task/ferry-waiters-private.h"

enum
{
  SIGNAL_PROGRESS,
  SIGNAL_YIELDED,
  SIGNAL_MESSAGE,
  SIGNAL_DONE,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static void
emit_message (FerryTask *self, const char *type, GVariant *value)
{
  /* A type that no handler was connected for is not made a quark: quarks are never freed, and workers choose types. */
  g_signal_emit (self, signals[SIGNAL_MESSAGE], g_quark_try_string (type), type, value);
}

void
ferry_task_install_signals (FerryTaskClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  klass->message = emit_message;
  /**
   * FerryTask::progress:
   * @self: the task
   *
   * Emitted when the function reported progress, after the notifications of what it changed. Several reports may come
   * as one, the newest.
   *
   * Since: 0.1
   */
  signals[SIGNAL_PROGRESS] =
    g_signal_new ("progress", type, G_SIGNAL_RUN_LAST, G_STRUCT_OFFSET (FerryTaskClass, progress), NULL, NULL,
                  g_cclosure_marshal_VOID__VOID, G_TYPE_NONE, 0);
  g_signal_set_va_marshaller (signals[SIGNAL_PROGRESS], type, g_cclosure_marshal_VOID__VOIDv);
  /**
   * FerryTask::yielded:
   * @self: the task
   * @value: what the function yielded
   *
   * Emitted for each value that the function of an iteration yielded, in order, before the end. The value comes from
   * another process: compare its type before taking it apart.
   *
   * Since: 0.1
   */
  signals[SIGNAL_YIELDED] = g_signal_new ("yielded", type, G_SIGNAL_RUN_LAST, G_STRUCT_OFFSET (FerryTaskClass, yielded),
                                          NULL, NULL, g_cclosure_marshal_VOID__VARIANT, G_TYPE_NONE, 1, G_TYPE_VARIANT);
  g_signal_set_va_marshaller (signals[SIGNAL_YIELDED], type, g_cclosure_marshal_VOID__VARIANTv);
  /**
   * FerryTask::message:
   * @self: the task
   * @type: the name that the function gave the value
   * @value: (nullable): the value
   *
   * Emitted for each value that the function sent with [method@Ferry.Job.send]. Connect to `message::TYPE` for those of
   * one type. The value comes from another process: compare its type before taking it apart.
   *
   * Since: 0.1
   */
  signals[SIGNAL_MESSAGE] = g_signal_new ("message", type, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL,
                                          ferry_marshal_VOID__STRING_VARIANT, G_TYPE_NONE, 2,
                                          G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE, G_TYPE_VARIANT);
  g_signal_set_va_marshaller (signals[SIGNAL_MESSAGE], type, ferry_marshal_VOID__STRING_VARIANTv);
  /**
   * FerryTask::done:
   * @self: the task
   *
   * Emitted once, when the task is completed, failed or cancelled, after the notifications of what that changed. It is
   * the last signal of a task.
   *
   * Since: 0.1
   */
  signals[SIGNAL_DONE] = g_signal_new ("done", type, G_SIGNAL_RUN_LAST, G_STRUCT_OFFSET (FerryTaskClass, done), NULL,
                                       NULL, g_cclosure_marshal_VOID__VOID, G_TYPE_NONE, 0);
  g_signal_set_va_marshaller (signals[SIGNAL_DONE], type, g_cclosure_marshal_VOID__VOIDv);
}

/* Whether another thread has cancelled the task or its cancellable, and the router's thread has not come to it. */
static gboolean
is_forestalled (FerryTaskPrivate *priv)
{
  FerryTaskBridge *bridge = priv->rest != NULL ? priv->rest->bridge : NULL;

  if (priv->state != FERRY_TASK_STATE_EXECUTING)
    return FALSE;
  /* Acquire: pairs with the exchange in ferry_task_cancel(). */
  return atomic_load_explicit (&priv->asked, memory_order_acquire) != 0 ||
         (bridge != NULL && ferry_task_bridge_is_cancelled (bridge));
}

/* News of the worker find a task that is forestalled as if it were cancelling already, so that none is signalled after
 * the cancel. What the application itself does, it does with the state that it sees. */
static FerryTaskStep
look (FerryTaskPrivate *priv, FerryTaskEvent event, const FerryTaskTransition **transition)
{
  gboolean is_news = event >= FERRY_TASK_EVENT_PROGRESS && event <= FERRY_TASK_EVENT_LOST;
  FerryTaskState state = (FerryTaskState) priv->state;

  if (is_news && is_forestalled (priv))
    state = FERRY_TASK_STATE_CANCELLING;
  *transition = ferry_task_state_next (state, event);
  return priv->leaves_worker ? ferry_task_state_late (event) : (*transition)->step;
}

static gboolean
still_reports (FerryTaskPrivate *priv)
{
  return priv->state == FERRY_TASK_STATE_EXECUTING && !is_forestalled (priv);
}

static gboolean
is_done (FerryTaskState state)
{
  return state >= FERRY_TASK_STATE_COMPLETED;
}

void
ferry_task_settle (FerryTask *self, const FerryTaskTransition *transition, gboolean was_submitted)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);

  priv->leaves_worker = transition->leaves_worker;
  priv->end_time = g_get_monotonic_time ();
  if (transition->next == FERRY_TASK_STATE_COMPLETED && priv->fraction >= 0)
    priv->fraction = 1;
  ferry_task_drop_handles (self);
  if (was_submitted)
    {
      priv->driver = NULL;
      priv->executor = NULL;
      ferry_task_drop_cancellable (self);
    }
  /* Behind all else: any thread may look at a task that is done. */
  ferry_task_set_state (priv, transition->next);
}

void
ferry_task_announce (FerryTask *self, FerryTaskState was)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);

  if (priv->state == FERRY_TASK_STATE_COMPLETED && priv->fraction >= 0)
    ferry_task_notify (self, FERRY_TASK_PROP_FRACTION);
  if (priv->result != NULL)
    ferry_task_notify (self, FERRY_TASK_PROP_RESULT);
  if (priv->error != NULL)
    ferry_task_notify (self, FERRY_TASK_PROP_ERROR);
  if (priv->rest != NULL && priv->rest->exit != NULL)
    ferry_task_notify (self, FERRY_TASK_PROP_EXIT);
  ferry_task_notify (self, FERRY_TASK_PROP_END_TIME);
  ferry_task_notify (self, FERRY_TASK_PROP_STATE);
  if (was != FERRY_TASK_STATE_CANCELLING)
    ferry_task_notify (self, FERRY_TASK_PROP_CANCELLABLE);
  ferry_task_notify (self, FERRY_TASK_PROP_DONE);
  g_signal_emit (self, signals[SIGNAL_DONE], 0);
  if (priv->rest != NULL)
    ferry_waiters_return (&priv->rest->waiters);
  ferry_task_wake_threads (self);
}

static void
finish (FerryTask *self, const FerryTaskTransition *transition)
{
  g_autoptr (FerryTask) kept = g_object_ref (self);
  FerryTaskState was = ferry_task_get_state (self);

  ferry_task_settle (self, transition, TRUE);
  ferry_task_announce (kept, was);
}

/* main: a worker began the task. */
gboolean
ferry_task_start (FerryTask *self, GPid pid)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);
  FerryTaskPrivate *priv = ferry_task_get_private (self);
  const FerryTaskTransition *transition;
  gboolean changed_pid = priv->pid != pid;

  if (look (priv, FERRY_TASK_EVENT_START, &transition) != FERRY_TASK_STEP_TAKEN)
    return FALSE;
  ferry_task_set_state (priv, transition->next);
  priv->n_attempts++;
  priv->pid = pid;
  priv->start_time = g_get_monotonic_time ();
  ferry_task_notify (self, FERRY_TASK_PROP_N_ATTEMPTS);
  if (changed_pid)
    ferry_task_notify (self, FERRY_TASK_PROP_PID);
  ferry_task_notify (self, FERRY_TASK_PROP_START_TIME);
  ferry_task_notify (self, FERRY_TASK_PROP_STATE);
  return TRUE;
}

/* main: a function may begin before the application has heard of its process. */
void
ferry_task_take_pid (FerryTask *self, GPid pid)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);

  if (priv->pid == pid)
    return;
  priv->pid = pid;
  if (still_reports (priv))
    ferry_task_notify (self, FERRY_TASK_PROP_PID);
}

/* A bar must not jump back, so what is known once is not unknown or less again while the attempt lasts. */
static gboolean
raise_fraction (FerryTaskPrivate *priv, const FerryProgress *progress)
{
  double fraction = progress->fraction;

  if (!(fraction >= 0) && progress->total > 0)
    fraction = (double) progress->amount / (double) progress->total;
  if (!(fraction > priv->fraction) || priv->fraction >= 1)
    return FALSE;
  priv->fraction = MIN (fraction, 1);
  return TRUE;
}

static gboolean
change_text (char **text, const char *to)
{
  if (g_strcmp0 (*text, to) == 0)
    return FALSE;
  g_free (*text);
  *text = g_strdup (to);
  return TRUE;
}

static gboolean
change_number (guint64 *number, guint64 to)
{
  gboolean changed = *number != to;

  *number = to;
  return changed;
}

/* What a report changed, a bit a property. */
static guint
take_values (FerryTask *self, const FerryProgress *progress)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);
  FerryTaskRest *rest = ferry_task_need_rest (self);
  guint changed = 0;

  if (raise_fraction (priv, progress))
    changed |= 1u << FERRY_TASK_PROP_FRACTION;
  if (progress->text[0] != '\0' && change_text (&rest->message, progress->text))
    changed |= 1u << FERRY_TASK_PROP_MESSAGE;
  if (change_text (&rest->unit, progress->unit[0] != '\0' ? progress->unit : NULL))
    changed |= 1u << FERRY_TASK_PROP_UNIT;
  if (change_number (&rest->amount, progress->amount))
    changed |= 1u << FERRY_TASK_PROP_AMOUNT;
  if (change_number (&rest->total, progress->total))
    changed |= 1u << FERRY_TASK_PROP_TOTAL;
  return changed;
}

/* main: the newest report. */
gboolean
ferry_task_take_progress (FerryTask *self, const FerryProgress *progress)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);
  FerryTaskPrivate *priv = ferry_task_get_private (self);
  const FerryTaskTransition *transition;
  FerryTaskStep step = look (priv, FERRY_TASK_EVENT_PROGRESS, &transition);
  guint changed;

  if (step != FERRY_TASK_STEP_TAKEN)
    return step == FERRY_TASK_STEP_IGNORED;
  changed = take_values (self, progress);
  for (guint i = FERRY_TASK_PROP_FRACTION; i <= FERRY_TASK_PROP_UNIT; i++)
    if ((changed & 1u << i) != 0 && still_reports (priv))
      ferry_task_notify (self, i);
  if (still_reports (priv))
    g_signal_emit (self, signals[SIGNAL_PROGRESS], 0);
  return TRUE;
}

/* main: a value that the function sent under a name. */
gboolean
ferry_task_take_message (FerryTask *self, const char *type, GVariant *value)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GVariant) sunk = value != NULL ? g_variant_ref_sink (value) : NULL;
  const FerryTaskTransition *transition;
  FerryTaskStep step = look (ferry_task_get_private (self), FERRY_TASK_EVENT_MESSAGE, &transition);

  if (step == FERRY_TASK_STEP_TAKEN)
    FERRY_TASK_GET_CLASS (self)->message (self, type, sunk);
  return step != FERRY_TASK_STEP_REFUSED;
}

/* main: a value that the function yielded. The function may yield one more once the handlers are through with it. */
gboolean
ferry_task_take_yield (FerryTask *self, GVariant *value)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GVariant) sunk = g_variant_ref_sink (value);
  FerryTaskPrivate *priv = ferry_task_get_private (self);
  const FerryTaskTransition *transition;
  FerryTaskStep step = look (priv, FERRY_TASK_EVENT_YIELD, &transition);

  if (step != FERRY_TASK_STEP_TAKEN)
    return step == FERRY_TASK_STEP_IGNORED;
  g_signal_emit (self, signals[SIGNAL_YIELDED], 0, sunk);
  if (!priv->holds_window)
    ferry_task_consume (self, 1);
  return TRUE;
}

/* main: so many of the values that were yielded are done with. */
void
ferry_task_consume (FerryTask *self, guint n)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);

  if (priv->state == FERRY_TASK_STATE_EXECUTING && priv->driver->consumed != NULL)
    priv->driver->consumed (priv->executor, self, n);
}

/* before the task is submitted: whoever takes what is yielded says himself when he is done with it. */
void
ferry_task_hold_window (FerryTask *self)
{
  ferry_task_get_private (self)->holds_window = TRUE;
}

/* main: the function gave its result. */
gboolean
ferry_task_complete (FerryTask *self, GVariant *result)
{
  g_autoptr (GVariant) sunk = result != NULL ? g_variant_ref_sink (result) : NULL;
  FerryTaskPrivate *priv = ferry_task_get_private (self);
  const FerryTaskTransition *transition;

  switch (look (priv, FERRY_TASK_EVENT_RESULT, &transition))
    {
    case FERRY_TASK_STEP_REFUSED:
      return FALSE;
    case FERRY_TASK_STEP_IGNORED:
      priv->leaves_worker = FALSE;
      return TRUE;
    case FERRY_TASK_STEP_TAKEN:
    default:
      if (transition->next == FERRY_TASK_STATE_COMPLETED)
        priv->result = g_steal_pointer (&sunk);
      finish (self, transition);
      return TRUE;
    }
}

/* The error of a task that did not fail by it, or had failed already. */
static void
ignore_failure (FerryTask *self, FerryTaskEvent event, const GError *error, const char *trace)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);

  if (error != NULL)
    ferry_task_note_late_error (self, error, trace);
  if (event == FERRY_TASK_EVENT_ERROR || event == FERRY_TASK_EVENT_LOST)
    priv->leaves_worker = FALSE;
}

/* main: one of the events that end a task without a result. */
gboolean
ferry_task_fail (FerryTask *self, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GError) owned = error;
  FerryTaskPrivate *priv = ferry_task_get_private (self);
  const FerryTaskTransition *transition;
  FerryTaskStep step = look (priv, event, &transition);

  if (step == FERRY_TASK_STEP_REFUSED)
    return FALSE;
  if (step == FERRY_TASK_STEP_IGNORED)
    {
      ignore_failure (self, event, owned, trace);
      return TRUE;
    }
  g_return_val_if_fail (owned != NULL || transition->next != FERRY_TASK_STATE_FAILED, FALSE);
  if (exit != NULL)
    ferry_task_need_rest (self)->exit = ferry_exit_ref (exit);
  if (transition->next != FERRY_TASK_STATE_FAILED)
    ignore_failure (self, event, owned, trace);
  else
    {
      priv->error = g_steal_pointer (&owned);
      if (trace != NULL)
        ferry_task_need_rest (self)->trace = g_strdup (trace);
    }
  finish (self, transition);
  return TRUE;
}

/* What an attempt reported is not true of the next one; a bar that had begun starts over. */
static void
forget_attempt (FerryTaskPrivate *priv)
{
  priv->pid = 0;
  priv->start_time = 0;
  priv->fraction = MIN (priv->fraction, 0);
  if (priv->rest != NULL)
    priv->rest->amount = 0;
}

/* main: the task waits again, for another attempt. */
gboolean
ferry_task_give_back (FerryTask *self)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (self);
  FerryTaskPrivate *priv = ferry_task_get_private (self);
  /* By the state itself: a task whose cancellable was cancelled on another thread waits, and is cancelled from there,
   * so that whether this ends it is known before. */
  const FerryTaskTransition *transition = ferry_task_state_next ((FerryTaskState) priv->state, FERRY_TASK_EVENT_RETURN);

  if (transition->step != FERRY_TASK_STEP_TAKEN)
    return FALSE;
  if (is_done (transition->next))
    {
      finish (self, transition);
      return TRUE;
    }
  ferry_task_set_state (priv, transition->next);
  forget_attempt (priv);
  ferry_task_notify (self, FERRY_TASK_PROP_PID);
  ferry_task_notify (self, FERRY_TASK_PROP_START_TIME);
  ferry_task_notify (self, FERRY_TASK_PROP_FRACTION);
  ferry_task_notify (self, FERRY_TASK_PROP_AMOUNT);
  ferry_task_notify (self, FERRY_TASK_PROP_STATE);
  return TRUE;
}

/* main: keeps the first of them, and logs all. */
void
ferry_task_note_late_error (FerryTask *self, const GError *error, const char *trace)
{
  FerryTaskRest *rest = ferry_task_need_rest (self);
  gboolean expected = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  if (rest->late_error == NULL)
    rest->late_error = ferry_error_copy (error);
  /* clang-format off: a line a field */
  g_log_structured (G_LOG_DOMAIN, expected ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_INFO, "FERRY_TASK",
                    ferry_task_get_name (self), "FERRY_FUNCTION", ferry_task_get_function (self), "FERRY_ERROR_DOMAIN",
                    g_quark_to_string (error->domain), "FERRY_TRACE", trace != NULL ? trace : "", "MESSAGE",
                    "Task “%s” failed after it was cancelled or had timed out: %s", ferry_task_get_name (self),
                    error->message);
  /* clang-format on */
}
