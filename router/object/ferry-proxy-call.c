/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Single operations of a proxy: each makes a view of one step, and resolves it. */

#include "config.h"

#include "object/ferry-proxy.h"

#include "base/ferry-base-private.h"
#include "object/ferry-resolve-private.h"

/* ---- calling ---- */

/**
 * ferry_proxy_call:
 * @self: a proxy
 * @method: the name of a method of the interface
 * @arguments: (nullable): a tuple; a floating reference is taken
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting, and cancels the call at the object's end
 * @value: (out) (optional) (nullable) (transfer full): the result, if it is a value, else %NULL
 * @object: (out) (optional) (nullable) (transfer full): a proxy of the result, if it is an object, else %NULL
 * @error: return location for an error
 *
 * Calls a method, and waits for its result: as a [struct@Ferry.View] of this one operation. Threads and errors are
 * those of [method@Ferry.View.resolve]. Any thread.
 *
 * Returns: whether the call was answered
 */
gboolean
ferry_proxy_call (FerryProxy *self, const char *method, GVariant *arguments, gint64 timeout, GCancellable *cancellable,
                  GVariant **value, FerryProxy **object, GError **error)
{
  g_autoptr (FerryView) view = NULL;

  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);
  g_return_val_if_fail (method != NULL, FALSE);

  view = ferry_view_new (self);
  ferry_view_call (view, method, arguments);
  return ferry_resolve_wait (view, "ferry_proxy_call_async()", timeout, cancellable, value, object, error);
}

/**
 * ferry_proxy_call_async:
 * @self: a proxy
 * @method: the name of a method of the interface
 * @arguments: (nullable): a tuple; a floating reference is taken
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting, and cancels the call at the object's end
 * @callback: (scope async): called when the call was answered
 * @user_data: data for @callback
 *
 * As [method@Ferry.Proxy.call], without waiting. For frequent calls, [method@Ferry.View.resolve_with_func] costs least.
 * Any thread.
 */
void
ferry_proxy_call_async (FerryProxy *self, const char *method, GVariant *arguments, gint64 timeout,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (FerryView) view = NULL;

  g_return_if_fail (FERRY_IS_PROXY (self));
  g_return_if_fail (method != NULL);

  view = ferry_view_new (self);
  ferry_view_call (view, method, arguments);
  ferry_view_resolve_async (view, timeout, cancellable, callback, user_data);
}

/**
 * ferry_proxy_call_finish:
 * @self: a proxy
 * @result: the result that the callback got
 * @value: (out) (optional) (nullable) (transfer full): the result, if it is a value, else %NULL
 * @object: (out) (optional) (nullable) (transfer full): a proxy of the result, if it is an object, else %NULL
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.call_async]; fails as [method@Ferry.View.resolve] does. Any thread.
 *
 * Returns: whether the call was answered
 */
gboolean
ferry_proxy_call_finish (FerryProxy *self, GAsyncResult *result, GVariant **value, FerryProxy **object, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return ferry_resolve_finish (result, value, object, error);
}

/* ---- reading ---- */

/* Returns a view that reads a property as a value, also if views of this proxy return proxies by default. */
static FerryView *
new_get_view (FerryProxy *self, const char *property)
{
  FerryView *view = ferry_view_new (self);

  ferry_view_set_as_proxy (view, FALSE);
  ferry_view_get (view, property);
  return view;
}

static GVariant *
check_is_value (gboolean resolved, GVariant *value, GError **error)
{
  if (resolved && value == NULL)
    ferry_set_error (error, FERRY_ERROR_BAD_RESULT, "The property is an object; use a view to get a proxy of it");
  return value;
}

/**
 * ferry_proxy_get:
 * @self: a proxy
 * @property: the name of a property of the interface; its type must not be a class
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Reads a property: see [method@Ferry.View.resolve] for threads and errors.
 *
 * Returns: (transfer full) (nullable): the property's value, or %NULL with an error
 */
GVariant *
ferry_proxy_get (FerryProxy *self, const char *property, gint64 timeout, GCancellable *cancellable, GError **error)
{
  g_autoptr (FerryView) view = NULL;
  GVariant *value = NULL;
  gboolean resolved;

  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);
  g_return_val_if_fail (property != NULL, NULL);

  view = new_get_view (self, property);
  resolved = ferry_resolve_wait (view, "ferry_proxy_get_async()", timeout, cancellable, &value, NULL, error);
  return check_is_value (resolved, value, error);
}

/**
 * ferry_proxy_get_async:
 * @self: a proxy
 * @property: the name of a property of the interface; its type must not be a class
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when the property was read
 * @user_data: data for @callback
 *
 * As [method@Ferry.Proxy.get], without waiting. Any thread.
 */
void
ferry_proxy_get_async (FerryProxy *self, const char *property, gint64 timeout, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (FerryView) view = NULL;

  g_return_if_fail (FERRY_IS_PROXY (self));
  g_return_if_fail (property != NULL);

  view = new_get_view (self, property);
  ferry_view_resolve_async (view, timeout, cancellable, callback, user_data);
}

/**
 * ferry_proxy_get_finish:
 * @self: a proxy
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.get_async]; fails as [method@Ferry.Proxy.get] does. Any thread.
 *
 * Returns: (transfer full) (nullable): the property's value, or %NULL with an error
 */
GVariant *
ferry_proxy_get_finish (FerryProxy *self, GAsyncResult *result, GError **error)
{
  GVariant *value = NULL;
  gboolean resolved;

  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  resolved = ferry_resolve_finish (result, &value, NULL, error);
  return check_is_value (resolved, value, error);
}

/* ---- setting ---- */

/**
 * ferry_proxy_set:
 * @self: a proxy
 * @property: the name of a property of the interface
 * @value: the new value; a floating reference is taken
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Sets a property, and waits until that is done: see [method@Ferry.View.resolve] for threads and errors.
 *
 * Returns: whether the property was set
 */
gboolean
ferry_proxy_set (FerryProxy *self, const char *property, GVariant *value, gint64 timeout, GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (FerryView) view = NULL;

  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);
  g_return_val_if_fail (property != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  view = ferry_view_new (self);
  ferry_view_set (view, property, value);
  return ferry_resolve_wait (view, "ferry_proxy_set_async()", timeout, cancellable, NULL, NULL, error);
}

/**
 * ferry_proxy_set_async:
 * @self: a proxy
 * @property: the name of a property of the interface
 * @value: the new value; a floating reference is taken
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when the property was set
 * @user_data: data for @callback
 *
 * As [method@Ferry.Proxy.set], without waiting. Any thread.
 */
void
ferry_proxy_set_async (FerryProxy *self, const char *property, GVariant *value, gint64 timeout,
                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (FerryView) view = NULL;

  g_return_if_fail (FERRY_IS_PROXY (self));
  g_return_if_fail (property != NULL);
  g_return_if_fail (value != NULL);

  view = ferry_view_new (self);
  ferry_view_set (view, property, value);
  ferry_view_resolve_async (view, timeout, cancellable, callback, user_data);
}

/**
 * ferry_proxy_set_finish:
 * @self: a proxy
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.set_async]; fails as [method@Ferry.View.resolve] does. Any thread.
 *
 * Returns: whether the property was set
 */
gboolean
ferry_proxy_set_finish (FerryProxy *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return ferry_resolve_finish (result, NULL, NULL, error);
}
