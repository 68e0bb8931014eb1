/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Submitting and cancelling, which may meet: a task is submitted and cancelled on any thread. Only the router's thread
 * changes a task that was submitted; other threads ask it to.
 *
 * Invariant: of ferry_task_claim() and a cancel before it, the word `claim` lets one win. Until it is TAKEN, the driver
 *            and the bridge belong to the thread that claims; from then on, to the router's. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "route/ferry-errands-private.h"
#include "task/ferry-task-fields-private.h"

/* From a cancellable to a task. The handler holds one reference, and whoever made it the other.
 *
 * The signal is connected and disconnected as any other: g_cancellable_disconnect() waits for handlers that run on
 * other threads, and for ever when it is called from one. What runs at that moment finds the bridge alive, and no task.
 */
struct _FerryTaskBridge
{
  _Atomic gint references;
  _Atomic gint cancelled;    /* atomic */
  GCancellable *cancellable; /* const */
  GMainContext *context;     /* const */
  GWeakRef task;
  gulong handler; /* of whoever made it */
};

static FerryTaskBridge *
bridge_ref (FerryTaskBridge *self)
{
  /* Relaxed: who takes a reference has one. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

static void
bridge_unref (gpointer data)
{
  FerryTaskBridge *self = data;

  /* Acquire-release: the last one frees what the others wrote. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) != 1)
    return;
  g_weak_ref_clear (&self->task);
  g_object_unref (self->cancellable);
  g_main_context_unref (self->context);
  g_free (self);
}

static void
bridge_closure_gone (gpointer data, GClosure *closure)
{
  bridge_unref (data);
}

/* main */
static void
cancel_bridged (gpointer data)
{
  FerryTaskBridge *self = data;
  g_autoptr (FerryTask) task = g_weak_ref_get (&self->task);

  if (task != NULL)
    ferry_task_cancel (task);
}

/* any. Always by an errand, also on the router's thread: handlers of the task's then never run inside
 * g_cancellable_cancel(), where they must not disconnect from the cancellable. */
static void
cancellable_cancelled (GCancellable *cancellable, gpointer data)
{
  FerryTaskBridge *self = data;

  /* Acquire-release: what was done before the cancel is seen by the router's thread that heeds it. */
  if (atomic_exchange_explicit (&self->cancelled, 1, memory_order_acq_rel) == 0)
    ferry_errands_post (self->context, cancel_bridged, bridge_ref (self), bridge_unref);
}

FerryTaskBridge *
ferry_task_bridge_new (FerryTask *task, GCancellable *cancellable, GMainContext *context)
{
  FerryTaskBridge *self = g_new0 (FerryTaskBridge, 1);

  atomic_init (&self->references, 2);
  atomic_init (&self->cancelled, 0);
  self->cancellable = g_object_ref (cancellable);
  self->context = context != NULL ? g_main_context_ref (context) : g_main_context_ref (g_main_context_default ());
  g_weak_ref_init (&self->task, task);
  self->handler =
    g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (cancellable_cancelled), self, bridge_closure_gone, 0);
  /* Connected first and looked at then, so that no cancel passes between; twice is once. */
  if (g_cancellable_is_cancelled (cancellable))
    cancellable_cancelled (cancellable, self);
  return self;
}

void
ferry_task_bridge_disconnect (FerryTaskBridge *self)
{
  g_weak_ref_set (&self->task, NULL);
  g_signal_handler_disconnect (self->cancellable, self->handler);
  bridge_unref (self);
}

gboolean
ferry_task_bridge_is_cancelled (FerryTaskBridge *self)
{
  /* Acquire: pairs with the exchange. */
  return atomic_load_explicit (&self->cancelled, memory_order_acquire) != 0;
}

static gboolean
refuse_claim (FerryTask *self, guint claim, GError **error)
{
  if (claim == FERRY_TASK_CLAIM_CANCELLED)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                 "The task of “%s” was cancelled before it was submitted; submit a new one",
                 ferry_task_get_function (self));
  else
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_STARTED,
                 "The task of “%s” was submitted before; make a new one, or use ferry_executor_retry()",
                 ferry_task_get_function (self));
  return FALSE;
}

/* any. Whoever calls this owns the fields until the word says TAKEN. */
static void
connect_driver (FerryTaskPrivate *priv, FerryTask *self, const FerryTaskDriver *driver, gpointer executor)
{
  FerryTaskRest *rest = priv->rest;
  FerryHome *home;

  priv->driver = driver;
  priv->executor = executor;
  priv->submit_time = g_get_monotonic_time ();
  home = driver->get_home (executor);
  if (home != NULL)
    priv->home = ferry_home_ref (home);
  if (rest != NULL && rest->cancellable != NULL)
    rest->bridge = ferry_task_bridge_new (self, rest->cancellable, home != NULL ? ferry_home_get_context (home) : NULL);
}

void
ferry_task_drop_cancellable (FerryTask *self)
{
  FerryTaskRest *rest = ferry_task_get_private (self)->rest;

  if (rest == NULL)
    return;
  g_clear_pointer (&rest->bridge, ferry_task_bridge_disconnect);
  g_clear_object (&rest->cancellable);
}

/* any */
gboolean
ferry_task_claim (FerryTask *self, const FerryTaskDriver *driver, gpointer executor, GError **error)
{
  FerryTaskPrivate *priv = ferry_task_get_private (self);
  guint claim = FERRY_TASK_CLAIM_FREE;

  if (priv->function == NULL)
    {
      ferry_critical ("A task without a function was submitted; make it with ferry_task_new()");
      return FALSE;
    }

  /* Acquire: whoever made the task may have been another thread, and a cancel another still. */
  if (!atomic_compare_exchange_strong_explicit (&priv->claim, &claim, FERRY_TASK_CLAIM_UNDER_WAY, memory_order_acquire,
                                                memory_order_acquire))
    return refuse_claim (self, claim, error);
  connect_driver (priv, self, driver, executor);
  claim = FERRY_TASK_CLAIM_UNDER_WAY;
  /* Release: the driver, for the router's thread; pairs with the loads in ferry_task_cancel() and ferry_task_wait(). */
  if (atomic_compare_exchange_strong_explicit (&priv->claim, &claim, FERRY_TASK_CLAIM_TAKEN, memory_order_acq_rel,
                                               memory_order_acquire))
    return TRUE;
  /* A cancel came between. It leaves to this thread what this thread may be looking at. */
  priv->driver = NULL;
  priv->executor = NULL;
  ferry_task_drop_cancellable (self);
  return refuse_claim (self, claim, error);
}

/* main: a task that was not submitted cannot be any more. Returns how far its submission had come. */
static FerryTaskClaim
forestall_claim (FerryTaskPrivate *priv)
{
  guint claim = atomic_load_explicit (&priv->claim, memory_order_acquire);

  /* Acquire when it is TAKEN: pairs with ferry_task_claim(). Release: the task is cancelled. */
  while (claim == FERRY_TASK_CLAIM_FREE || claim == FERRY_TASK_CLAIM_UNDER_WAY)
    if (atomic_compare_exchange_weak_explicit (&priv->claim, &claim, FERRY_TASK_CLAIM_CANCELLED, memory_order_acq_rel,
                                               memory_order_acquire))
      break;
  return (FerryTaskClaim) claim;
}

static void
cancel_waiting (FerryTask *self, FerryTaskPrivate *priv, const FerryTaskTransition *transition, FerryTaskClaim claim)
{
  gboolean was_submitted = claim == FERRY_TASK_CLAIM_TAKEN;
  const FerryTaskDriver *driver = was_submitted ? priv->driver : NULL;
  gpointer executor = was_submitted ? priv->executor : NULL;

  ferry_task_settle (self, transition, was_submitted);
  /* A thread that submits at this moment looks at the cancellable, and drops it itself. */
  if (claim == FERRY_TASK_CLAIM_FREE)
    ferry_task_drop_cancellable (self);
  /* The executor first, so that its queue and its numbers are right when handlers look at them. */
  if (driver != NULL)
    driver->cancelled (executor, self);
  ferry_task_announce (self, FERRY_TASK_STATE_WAITING);
}

static void
cancel_executing (FerryTask *self, FerryTaskPrivate *priv, const FerryTaskTransition *transition)
{
  ferry_task_set_state (priv, transition->next);
  /* First, as the driver may end the task at once: each state is told of. Handlers may end it as well. */
  ferry_task_notify (self, FERRY_TASK_PROP_STATE);
  if (priv->state == FERRY_TASK_STATE_CANCELLING)
    ferry_task_notify (self, FERRY_TASK_PROP_CANCELLABLE);
  if (priv->state == FERRY_TASK_STATE_CANCELLING)
    priv->driver->cancelled (priv->executor, self);
}

/* main: a task may have been begun without the application having heard of it. Afterwards its state is true. */
static void
withdraw (FerryTaskPrivate *priv, FerryTask *self)
{
  if (priv->state == FERRY_TASK_STATE_WAITING)
    priv->driver->withdraw (priv->executor, self);
}

static void
cancel_asked (gpointer data)
{
  ferry_task_cancel (data);
}

/* any: has the router's thread cancel the task. From now on nothing of the function is signalled. */
static gboolean
ask_for_cancel (FerryTask *self, FerryTaskPrivate *priv)
{
  /* Acquire-release: what was done before the cancel is seen by the router's thread that heeds it. */
  if (!ferry_task_get_cancellable (self) || atomic_exchange_explicit (&priv->asked, 1, memory_order_acq_rel) != 0)
    return FALSE;
  ferry_home_invoke (priv->home, cancel_asked, g_object_ref (self), g_object_unref);
  return TRUE;
}

/**
 * ferry_task_cancel:
 * @self: a task
 *
 * Asks for the end of the task. Any thread may call this. On another than the router's, that thread is asked to cancel
 * the task, and nothing of the function is signalled from now on; handlers run there and never here. Before the
 * submission the task is cancelled on the calling thread.
 *
 * A task that no worker has begun is cancelled before this returns; one that was not submitted cannot be any more. A
 * task that a worker has begun, whether the application has heard of that or not, is cancelling. It is cancelled when
 * its function has returned, or its worker has ended after the grace time ([method@Ferry.Task.set_cancel_grace]).
 * Nothing that the function does meanwhile is signalled, also not its result. [enum@Ferry.TaskState] lists the steps
 * that handlers see. May be called from within any handler.
 *
 * Returns: %FALSE if the task was cancelled before, or is done. On another thread %TRUE says that the router's thread
 * is asked, which may find the task done
 *
 * Since: 0.1
 */
gboolean
ferry_task_cancel (FerryTask *self)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = NULL;
  FerryTaskPrivate *priv;
  FerryTaskClaim claim;
  const FerryTaskTransition *transition;

  g_return_val_if_fail (FERRY_IS_TASK (self), FALSE);

  priv = ferry_task_get_private (self);
  claim = forestall_claim (priv);
  if (claim == FERRY_TASK_CLAIM_CANCELLED)
    return FALSE;
  if (claim == FERRY_TASK_CLAIM_TAKEN && !ferry_home_is_own (priv->home))
    return ask_for_cancel (self, priv);
  kept = g_object_ref (self);
  if (claim == FERRY_TASK_CLAIM_TAKEN)
    withdraw (priv, self);
  transition = ferry_task_state_next ((FerryTaskState) priv->state, FERRY_TASK_EVENT_CANCEL);
  if (transition->step != FERRY_TASK_STEP_TAKEN)
    return FALSE;
  if (transition->next == FERRY_TASK_STATE_CANCELLING)
    cancel_executing (self, priv, transition);
  else
    cancel_waiting (self, priv, transition, claim);
  return TRUE;
}
