/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What resolves a view: a thread that waits, a task, or a function. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "call/ferry-mux-private.h"
#include "call/ferry-remote-error-private.h"
#include "call/ferry-transport-private.h"
#include "object/ferry-evaluation-private.h"
#include "object/ferry-resolve-private.h"

/* ---- a thread that waits ---- */

/* An object in this process may have answered at once: only a thread that would have to wait is asked whether it may.
 */
static gboolean
check_may_wait_here (FerryView *view, FerryCompletion *completion, const char *async_form, GError **error)
{
  FerryProxy *proxy = ferry_view_get_proxy (view);

  if (ferry_proxy_get_session (proxy) != NULL)
    return TRUE;
  ferry_evaluation_take_up_others ();
  if (ferry_completion_is_over (completion) || ferry_proxy_check_may_wait (proxy, async_form, error))
    return TRUE;
  if (ferry_completion_abandon (completion, FERRY_ABANDON_CANCELLED))
    return FALSE;
  g_clear_error (error);
  return TRUE;
}

/* Returns (transfer full) (nullable). */
static FerryResolved *
resolve_and_wait (FerryView *view, const char *async_form, gint64 timeout, GCancellable *cancellable, GError **error)
{
  gint64 deadline = ferry_mux_get_deadline (timeout);
  FerryProxy *proxy = ferry_view_get_proxy (view);
  g_autoptr (FerryCompletion) completion = NULL;

  /* Of another process nothing comes at once: so nothing is asked where it could not be waited for. */
  if ((ferry_proxy_get_session (proxy) != NULL && !ferry_proxy_check_may_wait (proxy, async_form, error)) ||
      g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  completion = ferry_resolve_new (view, deadline);
  ferry_resolve_start (completion, FERRY_RESOLVE_WAIT, cancellable);
  if (!check_may_wait_here (view, completion, async_form, error))
    return NULL;
  ferry_completion_wait (completion, deadline > 0 ? deadline : G_MAXINT64, cancellable);
  return ferry_completion_take (completion, error);
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
  FerryResolved *result = resolve_and_wait (view, async_form, timeout, cancellable, error);

  if (result == NULL)
    return FALSE;
  give (result, value, object);
  g_free (result);
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
 * Does the operations at the object's end, and waits for the result, and for room in the transport. The same object is
 * the same proxy while one exists: a method that gives its own object gives the view's proxy.
 *
 * Any thread, except those that would wait for themselves: that of the default main context, and the one that receives.
 * In the object's own process there is no traffic: this thread calls the methods, unless they belong to another one.
 * @timeout and @cancellable cannot end a method that this thread calls, though the method can look at both. A method
 * that answers later was called by the time that %FERRY_ERROR_WRONG_THREAD says so.
 *
 * Fails with %FERRY_ERROR_NOT_LISTENING, unless there is a default; %FERRY_ERROR_UNKNOWN_OBJECT,
 * %FERRY_ERROR_UNKNOWN_MEMBER, %FERRY_ERROR_UNKNOWN_FUNCTION, %FERRY_ERROR_NOT_ALLOWED, %FERRY_ERROR_BAD_ARGUMENTS,
 * %FERRY_ERROR_BAD_RESULT, %FERRY_ERROR_TOO_LARGE, %FERRY_ERROR_PROTOCOL; %FERRY_ERROR_TIMED_OUT,
 * %G_IO_ERROR_CANCELLED, %FERRY_ERROR_WRONG_THREAD, %FERRY_ERROR_REFUSED; with the end of the transport, such as
 * %FERRY_ERROR_CLOSED and %FERRY_ERROR_WORKER_LOST; and with the error of a method.
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
 * @func: (scope async): called once with the result, or with the reason that there is none
 * @user_data: data for @func
 *
 * As [method@Ferry.View.resolve], without waiting and at the least cost. @func is called on the thread that receives
 * for the transport (the router's thread, for a worker's link) or on the one that closes it; in the object's own
 * process on the thread that answers. Where the request cannot be sent, as with %FERRY_ERROR_WOULD_BLOCK where the
 * transport has no room, @func is called before this function returns. There is no time limit. Any thread.
 *
 * Since: 0.1
 */
void
ferry_view_resolve_with_func (FerryView *self, FerryViewFunc func, gpointer user_data)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (func != NULL);

  ferry_resolve_run_func (self, func, user_data);
}

/**
 * ferry_view_resolve_async:
 * @self: a view, which is not changed before the callback
 * @timeout: how long to wait at the most, in microseconds; negative: as long as it takes
 * @cancellable: (nullable): ends the waiting, and tells the object's end
 * @callback: (scope async): called with the end
 * @user_data: data for @callback
 *
 * As [method@Ferry.View.resolve], without waiting. Where the transport has no room it fails at once, with
 * %FERRY_ERROR_WOULD_BLOCK. Any thread.
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
 * @result: the result that the callback got; its source is the view's proxy
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
