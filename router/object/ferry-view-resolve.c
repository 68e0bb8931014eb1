/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for a view: a thread that holds still, a task, or a function. It lies above what resolves views, which lies
 * above views. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "call/ferry-mux-private.h"
#include "call/ferry-remote-error-private.h"
#include "call/ferry-transport-private.h"
#include "object/ferry-resolve-private.h"
#include "object/ferry-view-run-private.h"

static GError *
new_timed_out_error (FerryView *view)
{
  g_autofree char *text = ferry_view_to_string (view);

  return g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "“%s” was not answered in time", text);
}

static GError *
new_cancelled_error (FerryView *view)
{
  g_autofree char *text = ferry_view_to_string (view);

  return g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "“%s” was cancelled", text);
}

/* ---- a thread that waits ---- */

typedef struct
{
  GMutex lock;
  GCond cond;
  gboolean over; /* lock, as the next two */
  FerryResolved *result;
  GError *error; /* (owned) (nullable) */
} Wait;

static void
wait_over (gpointer data, FerryResolved *result, const GError *error)
{
  Wait *self = data;

  g_mutex_lock (&self->lock);
  *self->result = *result;
  *result = (FerryResolved){0};
  self->error = error != NULL ? ferry_error_copy (error) : NULL;
  self->over = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
}

static void
wait_cancelled (GCancellable *cancellable, gpointer data)
{
  Wait *self = data;

  g_mutex_lock (&self->lock);
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* Returns whether it is over. */
static gboolean
wait_until_over (Wait *self, gint64 deadline, GCancellable *cancellable)
{
  gboolean in_time = TRUE;
  gboolean over;

  g_mutex_lock (&self->lock);
  while (!self->over && in_time && !g_cancellable_is_cancelled (cancellable))
    if (deadline > 0)
      in_time = g_cond_wait_until (&self->cond, &self->lock, deadline);
    else
      g_cond_wait (&self->cond, &self->lock);
  over = self->over;
  g_mutex_unlock (&self->lock);
  return over;
}

/* An object in this process may have answered at once: only who would have to wait is asked whether it may. */
static gboolean
wait_for (FerryView *view, FerryResolve *resolve, Wait *wait, const char *async_form, gint64 deadline,
          GCancellable *cancellable, GError **error)
{
  gulong id;
  gboolean over;

  if (ferry_proxy_get_link (ferry_view_get_proxy (view)) == NULL)
    {
      ferry_view_run_take_up_others ();
      if (wait_until_over (wait, 1, NULL))
        return TRUE;
      if (!ferry_proxy_check_may_wait (ferry_view_get_proxy (view), async_form, error) &&
          ferry_resolve_abandon (resolve, FALSE))
        return FALSE;
      g_clear_error (error);
    }
  id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (wait_cancelled), wait, NULL) : 0;
  over = wait_until_over (wait, deadline, cancellable) || !ferry_resolve_abandon (resolve, TRUE);
  g_cancellable_disconnect (cancellable, id);
  if (over)
    return wait_until_over (wait, 0, NULL);
  g_propagate_error (
    error, g_cancellable_is_cancelled (cancellable) ? new_cancelled_error (view) : new_timed_out_error (view));
  return FALSE;
}

static gboolean
resolve_and_wait (FerryView *view, const char *async_form, gint64 timeout, GCancellable *cancellable,
                  FerryResolved *result, GError **error)
{
  gint64 deadline = ferry_mux_get_deadline (timeout);
  g_autoptr (FerryResolve) resolve = NULL;
  Wait wait = {.result = result};
  gboolean over;

  *result = (FerryResolved){0};
  /* Of another process nothing comes at once: so nothing is asked where it could not be waited for. */
  if ((ferry_proxy_get_link (ferry_view_get_proxy (view)) != NULL &&
       !ferry_proxy_check_may_wait (ferry_view_get_proxy (view), async_form, error)) ||
      g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_mutex_init (&wait.lock);
  g_cond_init (&wait.cond);
  resolve = ferry_resolve_start (view, deadline, FERRY_RESOLVE_WAIT, cancellable, wait_over, &wait);
  over = wait_for (view, resolve, &wait, async_form, deadline, cancellable, error);
  g_cond_clear (&wait.cond);
  g_mutex_clear (&wait.lock);
  if (!over)
    return FALSE;
  if (wait.error == NULL)
    return TRUE;
  g_propagate_error (error, wait.error);
  return FALSE;
}

/* ---- a task ---- */

/* References: of who has it started, of what ends it, of its sources. */
typedef struct
{
  _Atomic gint references;
  GTask *task;           /* const: (owned) */
  FerryView *view;       /* const: (owned) */
  FerryResolve *resolve; /* lock: (owned) (nullable): until it is known */
  GMutex lock;
  gboolean over;  /* lock, as what follows */
  GSource *timer; /* (owned) (nullable) */
  gulong cancel_id;
} Pending;

static Pending *
pending_ref (Pending *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

static void
pending_unref (gpointer data)
{
  Pending *self = data;

  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  g_object_unref (self->task);
  ferry_view_unref (self->view);
  g_clear_pointer (&self->resolve, ferry_resolve_unref);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
resolved_free (gpointer data)
{
  ferry_resolved_clear (data);
  g_free (data);
}

static void
disarm (Pending *self)
{
  g_autoptr (GSource) timer = NULL;
  gulong id;

  g_mutex_lock (&self->lock);
  self->over = TRUE;
  timer = g_steal_pointer (&self->timer);
  id = self->cancel_id;
  self->cancel_id = 0;
  g_mutex_unlock (&self->lock);
  if (timer != NULL)
    g_source_destroy (timer);
  /* This may be that handler, or another thread may be in it: it is not waited for, and has a reference. */
  if (id != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (self->task), id);
}

static void
pending_done (gpointer data, FerryResolved *result, const GError *error)
{
  Pending *self = data;

  disarm (self);
  if (error != NULL)
    g_task_return_error (self->task, ferry_error_copy (error));
  else
    {
      g_task_return_pointer (self->task, g_memdup2 (result, sizeof *result), resolved_free);
      *result = (FerryResolved){0};
    }
  pending_unref (self);
}

static void
give_up (Pending *self, gboolean timed_out)
{
  if (!ferry_resolve_abandon (self->resolve, timed_out))
    return;
  disarm (self);
  g_task_return_error (self->task, timed_out ? new_timed_out_error (self->view) : new_cancelled_error (self->view));
  pending_unref (self);
}

static gboolean
timed_out (gpointer data)
{
  give_up (data, TRUE);
  return G_SOURCE_REMOVE;
}

static void
cancelled (GCancellable *cancellable, gpointer data)
{
  give_up (data, FALSE);
}

static void
closure_unref (gpointer data, GClosure *closure)
{
  pending_unref (data);
}

static void
set_timer (Pending *self, gint64 deadline)
{
  g_autoptr (GSource) source = g_timeout_source_new (G_MAXUINT);
  gboolean over;

  g_source_set_static_name (source, "[ferry] a view's time");
  g_source_set_ready_time (source, deadline);
  g_source_set_callback (source, timed_out, pending_ref (self), pending_unref);
  /* Before anybody can end it, and destroy this. */
  g_source_attach (source, g_task_get_context (self->task));
  g_mutex_lock (&self->lock);
  over = self->over;
  if (!over)
    self->timer = g_source_ref (source);
  g_mutex_unlock (&self->lock);
  if (over)
    g_source_destroy (source);
}

static void
follow_cancellable (Pending *self, GCancellable *cancellable)
{
  GClosure *closure = g_cclosure_new (G_CALLBACK (cancelled), pending_ref (self), closure_unref);
  gulong id = g_signal_connect_closure (cancellable, "cancelled", closure, FALSE);
  gboolean over;

  g_mutex_lock (&self->lock);
  over = self->over;
  self->cancel_id = over ? 0 : id;
  g_mutex_unlock (&self->lock);
  if (over)
    g_signal_handler_disconnect (cancellable, id);
  else if (g_cancellable_is_cancelled (cancellable))
    give_up (self, FALSE);
}

void
ferry_resolve_run_task (FerryView *view, gint64 timeout, FerryResolveRoom room, GTask *task)
{
  gint64 deadline = ferry_mux_get_deadline (timeout);
  GCancellable *cancellable = g_task_get_cancellable (task);
  Pending *self = g_new0 (Pending, 1);

  atomic_init (&self->references, 2);
  self->task = task;
  self->view = ferry_view_ref (view);
  g_mutex_init (&self->lock);
  g_task_set_check_cancellable (task, FALSE);
  self->resolve = ferry_resolve_start (view, deadline, room, NULL, pending_done, self);
  if (deadline > 0)
    set_timer (self, deadline);
  if (cancellable != NULL)
    follow_cancellable (self, cancellable);
  pending_unref (self);
}

/* ---- a function ---- */

typedef struct
{
  FerryViewFunc func;
  gpointer user_data;
} Answering;

static void
answering_done (gpointer data, FerryResolved *result, const GError *error)
{
  Answering *self = data;

  self->func (result->value, result->object, error, self->user_data);
  g_free (self);
}

/* ---- public ---- */

static void
give (FerryResolved *result, GVariant **value, FerryProxy **object)
{
  if (value != NULL)
    *value = g_steal_pointer (&result->value);
  if (object != NULL)
    *object = g_steal_pointer (&result->object);
  ferry_resolved_clear (result);
}

gboolean
ferry_resolve_wait (FerryView *view, const char *async_form, gint64 timeout, GCancellable *cancellable,
                    GVariant **value, FerryProxy **object, GError **error)
{
  FerryResolved result;

  if (!resolve_and_wait (view, async_form, timeout, cancellable, &result, error))
    return FALSE;
  give (&result, value, object);
  return TRUE;
}

/**
 * ferry_view_resolve:
 * @self: a view
 * @timeout: how long to wait at the most, in microseconds; negative: as long as it takes
 * @cancellable: (nullable): ends the waiting, and tells the object's end
 * @value: (out) (optional) (nullable) (transfer full): the result, where it is a value; %NULL where there is none
 * @object: (out) (optional) (nullable) (transfer full): a proxy of the result, where it is an object
 * @error: return location for an error
 *
 * Has the operations done, and waits for the result. The same object is the same proxy, for as long as there is one:
 * a method that gives its own object gives the view's proxy.
 *
 * Any thread, but not one that would wait for itself: not that of the default main context, nor the one that receives.
 * In the object's own process there is no traffic; the methods are called here, unless they belong to another thread.
 * While one is called here, neither @timeout nor @cancellable can end it, though it can look at both; and one that
 * answers later was called by the time that %FERRY_ERROR_WRONG_THREAD says so.
 *
 * While the transport has no room it waits for that as well.
 *
 * Fails with %FERRY_ERROR_NOT_LISTENING, unless there is a default; %FERRY_ERROR_UNKNOWN_OBJECT,
 * %FERRY_ERROR_UNKNOWN_MEMBER, %FERRY_ERROR_UNKNOWN_FUNCTION, %FERRY_ERROR_NOT_ALLOWED, %FERRY_ERROR_BAD_ARGUMENTS,
 * %FERRY_ERROR_BAD_RESULT, %FERRY_ERROR_TOO_LARGE, %FERRY_ERROR_PROTOCOL; %FERRY_ERROR_TIMED_OUT,
 * %G_IO_ERROR_CANCELLED, %FERRY_ERROR_WRONG_THREAD, %FERRY_ERROR_REFUSED; with the end of the transport, such as
 * %FERRY_ERROR_CLOSED and %FERRY_ERROR_WORKER_LOST; and with what a method fails with.
 *
 * Returns: whether it was resolved
 *
 * Since: 0.1
 */
gboolean
ferry_view_resolve (FerryView *self, gint64 timeout, GCancellable *cancellable, GVariant **value, FerryProxy **object,
                    GError **error)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return ferry_resolve_wait (self, "ferry_view_resolve_async()", timeout, cancellable, value, object, error);
}

/**
 * ferry_view_resolve_with_func:
 * @self: a view, which is not changed before @func is called
 * @func: (scope async): called once with the result, or with why there is none
 * @user_data: data for @func
 *
 * As [method@Ferry.View.resolve], without waiting, and at the least cost: @func is called on the thread that receives
 * for the transport (the router's thread, for a worker's link), on the one that closes it, or in the object's own
 * process on the one that answers; and on this one, before this returns, where nothing can be asked, as with
 * %FERRY_ERROR_WOULD_BLOCK where the transport has no room. It may take any time. Any thread.
 *
 * Since: 0.1
 */
void
ferry_view_resolve_with_func (FerryView *self, FerryViewFunc func, gpointer user_data)
{
  Answering *answering;

  g_return_if_fail (self != NULL);
  g_return_if_fail (func != NULL);

  answering = g_new (Answering, 1);
  *answering = (Answering){func, user_data};
  ferry_resolve_unref (ferry_resolve_start (self, 0, FERRY_RESOLVE_FAIL, NULL, answering_done, answering));
}

/**
 * ferry_view_resolve_async:
 * @self: a view, which is not changed before the callback
 * @timeout: how long to wait at the most, in microseconds; negative: as long as it takes
 * @cancellable: (nullable): ends the waiting, and tells the object's end
 * @callback: (scope async): called when it was resolved
 * @user_data: data for @callback
 *
 * As [method@Ferry.View.resolve], without waiting: where the transport has no room it fails with
 * %FERRY_ERROR_WOULD_BLOCK, at once. Any thread.
 *
 * Since: 0.1
 */
void
ferry_view_resolve_async (FerryView *self, gint64 timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task;

  g_return_if_fail (self != NULL);

  task = g_task_new (ferry_view_get_proxy (self), cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_view_resolve_async);
  ferry_resolve_run_task (self, timeout, FERRY_RESOLVE_FAIL, task);
}

/**
 * ferry_view_resolve_finish:
 * @result: what the callback was given; its source is the view's proxy
 * @value: (out) (optional) (nullable) (transfer full): the result, where it is a value; %NULL where there is none
 * @object: (out) (optional) (nullable) (transfer full): a proxy of the result, where it is an object
 * @error: return location for an error
 *
 * Ends [method@Ferry.View.resolve_async]; fails as [method@Ferry.View.resolve] does. Any thread.
 *
 * Returns: whether it was resolved
 *
 * Since: 0.1
 */
gboolean
ferry_view_resolve_finish (GAsyncResult *result, GVariant **value, FerryProxy **object, GError **error)
{
  FerryResolved *resolved;

  g_return_val_if_fail (G_IS_TASK (result), FALSE);

  resolved = g_task_propagate_pointer (G_TASK (result), error);
  if (resolved == NULL)
    return FALSE;
  give (resolved, value, object);
  g_free (resolved);
  return TRUE;
}
