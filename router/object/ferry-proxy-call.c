/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Operations of a proxy: chains of them, and single ones, each of which is a chain of one step. */

#include "config.h"

#include "object/ferry-proxy.h"

#include "base/ferry-base-private.h"
#include "object/ferry-resolve-private.h"
#include "wire/ferry-call-message-private.h"

/* ---- chains ---- */

/* A chain as an application gives it. */
typedef struct
{
  FerryChain chain; /* borrows from the proxy and from the next field */
  FerrySteps steps;
} GivenChain;

static void
given_chain_clear (GivenChain *self)
{
  ferry_steps_clear (&self->steps);
  g_clear_pointer (&self->chain.default_value, g_variant_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GivenChain, given_chain_clear)

static gboolean
take_options (FerryChain *chain, GVariant *options, GError **error)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;

  if (options == NULL)
    return TRUE;
  if (!g_variant_is_of_type (options, G_VARIANT_TYPE_VARDICT))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The options have the type '%s'; give them as an 'a{sv}'",
                            g_variant_get_type_string (options));
  g_variant_iter_init (&iter, options);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GVariant) taken = value;

      if (g_str_equal (key, "default") && chain->default_value == NULL)
        chain->default_value = g_steal_pointer (&taken);
      else if (g_str_equal (key, "as-proxy") && g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
        chain->as_proxy = g_variant_get_boolean (value);
      else
        return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                                "There is no option '%s' of type '%s'; there are 'default', and the boolean 'as-proxy'",
                                key, g_variant_get_type_string (value));
    }
  return TRUE;
}

/* Takes floating references of steps and options, both (nullable). Must be cleared also after a failure. */
static gboolean
given_chain_init (GivenChain *self, FerryProxy *proxy, GVariant *steps, GVariant *options, GError **error)
{
  g_autoptr (GVariant) held_steps = steps != NULL ? g_variant_ref_sink (steps) : NULL;
  g_autoptr (GVariant) held_options = options != NULL ? g_variant_ref_sink (options) : NULL;

  self->chain = (FerryChain){.proxy = proxy, .as_proxy = ferry_proxy_get_as_proxy (proxy)};
  if (!ferry_steps_take (&self->steps, steps, error) || !take_options (&self->chain, options, error))
    return FALSE;
  if (steps != NULL)
    ferry_known_types_add (steps);
  self->chain.steps = self->steps.steps;
  self->chain.n_steps = self->steps.n;
  return TRUE;
}

/**
 * ferry_proxy_resolve:
 * @self: a proxy
 * @steps: (nullable): the operations, a tuple of tuples; %NULL or an empty tuple for the object itself
 * @options: (nullable): a dictionary of the type `a{sv}`
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting, and cancels the call at the object's end
 * @value: (out) (optional) (nullable) (transfer full): the result, if it is a value, else %NULL
 * @object: (out) (optional) (nullable) (transfer full): a proxy of the result, if it is an object, else %NULL
 * @error: return location for an error
 *
 * Does a chain of operations at the object's end, in one transaction. Each operation is done on the result of the one
 * before, an object or a value. Waits for room in the transport and for the result. This reads the label of the second
 * item of a container:
 *
 * ```c
 * ferry_proxy_resolve (shelf, g_variant_new_parsed ("(('get-item', 1), ('get', 'label'))"), NULL, timeout, NULL,
 *                      &value, NULL, &error);
 * ```
 *
 * An operation is a tuple of its name and what it takes, of at most 64 in a chain:
 *
 * - `('call', method)`, `('call', method, arguments)`: calls a method of the interface. The arguments are a tuple.
 * - `('get', property)`: reads a property.
 * - `('set', property, value)`, `('delete', property)`: sets a property, or sets it to its default. The result is the
 *   value that the property has after that.
 * - `('get-item', key)`: gets an item of an object that is a container, or of a value that is an array, a tuple or a
 *   dictionary. The key of a list is a position, where a negative one counts from the end.
 * - `('set-item', key, value)`, `('delete-item', key)`: sets or removes an item of a container.
 * - `('contains', key)`: whether there is an item: of a list or an array the item itself, else its key. A boolean.
 * - `('length',)`: the number of items, a 64-bit unsigned number.
 * - `('pass-to', function)`, `('pass-to', function, arguments)`: calls a function that was added with
 *   [method@Ferry.Exporter.add_function], with the object and the arguments, a tuple.
 * - `('super',)`, `('super', type)`: makes the call that follows use the implementation in the class of the parent of
 *   the object's type, or of a named type. The method must be a function of a class: see
 *   [method@Ferry.Interface.add_class_method].
 *
 * Those that set, delete, search or count are the last of their chain. To make the steps takes longer than to send
 * them, so a program that asks often for the same chain makes them once, and keeps a reference. The options are:
 *
 * - `default`: a result that is returned instead of an error when the exporter does not listen, or its process has
 *   ended.
 * - `as-proxy`, a boolean: whether a result that is a value stays in the other process, so that this process gets a
 *   proxy of it, as for objects. That proxy takes chains too, for items and length. An empty chain with `as-proxy`
 *   %FALSE gets the value itself. Without this option it is as [property@Ferry.Proxy:as-proxy] says.
 *
 * While a proxy of an object exists, all results that are this object return the same proxy. If a method returns its
 * own object, the result is this proxy.
 *
 * Any thread, except the thread of the default main context and the thread that receives for the transport: they would
 * wait for themselves. In the object's own process nothing is sent: this thread calls the methods, unless the exporter
 * calls them on a main context of another thread. @timeout and @cancellable cannot end a method that this thread calls,
 * but the method can check both. In the object's own process, %FERRY_ERROR_WRONG_THREAD may come after a method was
 * called, if the method returned without an answer.
 *
 * Fails with %FERRY_ERROR_NOT_LISTENING, unless there is a default; %FERRY_ERROR_UNKNOWN_OBJECT,
 * %FERRY_ERROR_UNKNOWN_MEMBER, %FERRY_ERROR_UNKNOWN_FUNCTION, %FERRY_ERROR_NOT_ALLOWED, %FERRY_ERROR_BAD_ARGUMENTS,
 * also for steps and options that are wrong, %FERRY_ERROR_BAD_RESULT, %FERRY_ERROR_TOO_LARGE, %FERRY_ERROR_PROTOCOL;
 * %FERRY_ERROR_TIMED_OUT, %G_IO_ERROR_CANCELLED, %FERRY_ERROR_WRONG_THREAD, %FERRY_ERROR_REFUSED; with the reason of
 * the transport's end, such as %FERRY_ERROR_CLOSED and %FERRY_ERROR_WORKER_LOST; and with the error of a method.
 *
 * Returns: whether there is a result
 */
gboolean
ferry_proxy_resolve (FerryProxy *self, GVariant *steps, GVariant *options, gint64 timeout, GCancellable *cancellable,
                     GVariant **value, FerryProxy **object, GError **error)
{
  g_auto (GivenChain) given = {0};

  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);

  return given_chain_init (&given, self, steps, options, error) &&
         ferry_resolve_wait (&given.chain, "ferry_proxy_resolve_async()", timeout, cancellable, value, object, error);
}

static void
run_task (const FerryChain *chain, gint64 timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
          gpointer user_data)
{
  ferry_resolve_run_task (chain, timeout, FALSE, g_task_new (chain->proxy, cancellable, callback, user_data));
}

/**
 * ferry_proxy_resolve_async:
 * @self: a proxy
 * @steps: (nullable): the operations
 * @options: (nullable): the options
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting, and cancels the call at the object's end
 * @callback: (scope async): called when the operation has ended
 * @user_data: data for @callback
 *
 * As [method@Ferry.Proxy.resolve], without waiting. Fails at once with %FERRY_ERROR_WOULD_BLOCK when the transport has
 * no room. Any thread.
 */
void
ferry_proxy_resolve_async (FerryProxy *self, GVariant *steps, GVariant *options, gint64 timeout,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_auto (GivenChain) given = {0};
  g_autoptr (GError) error = NULL;

  g_return_if_fail (FERRY_IS_PROXY (self));

  if (given_chain_init (&given, self, steps, options, &error))
    run_task (&given.chain, timeout, cancellable, callback, user_data);
  else
    g_task_report_error (self, callback, user_data, ferry_proxy_resolve_async, g_steal_pointer (&error));
}

/**
 * ferry_proxy_resolve_finish:
 * @self: a proxy
 * @result: the result that the callback got
 * @value: (out) (optional) (nullable) (transfer full): the result, if it is a value, else %NULL
 * @object: (out) (optional) (nullable) (transfer full): a proxy of the result, if it is an object, else %NULL
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.resolve_async]; fails as [method@Ferry.Proxy.resolve] does. Any thread.
 *
 * Returns: whether there is a result
 */
gboolean
ferry_proxy_resolve_finish (FerryProxy *self, GAsyncResult *result, GVariant **value, FerryProxy **object,
                            GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);
  ferry_return_val_if_fail (g_task_is_valid (result, self), FALSE,
                            "the result is not of this proxy; pass the result that the callback got");

  return ferry_resolve_finish (result, value, object, error);
}

/**
 * ferry_proxy_resolve_with_func:
 * @self: a proxy
 * @steps: (nullable): the operations
 * @options: (nullable): the options
 * @func: (scope async): called once with the result, or with the reason that there is none
 * @user_data: data for @func
 *
 * As [method@Ferry.Proxy.resolve], without waiting and at the least cost. @func is called on the thread that receives
 * for the transport (the router's thread, for a worker's link) or on the thread that closes the transport. In the
 * object's own process, it is called on the thread that answers. If the request cannot be sent, @func is called before
 * this function has returned, for example with %FERRY_ERROR_WOULD_BLOCK when the transport has no room. There is no
 * time limit. Any thread.
 */
void
ferry_proxy_resolve_with_func (FerryProxy *self, GVariant *steps, GVariant *options, FerryProxyFunc func,
                               gpointer user_data)
{
  g_auto (GivenChain) given = {0};
  g_autoptr (GError) error = NULL;

  g_return_if_fail (FERRY_IS_PROXY (self));
  g_return_if_fail (func != NULL);

  if (given_chain_init (&given, self, steps, options, &error))
    ferry_resolve_call (&given.chain, func, user_data);
  else
    func (NULL, NULL, error, user_data);
}

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
 * Calls a method, and waits for its result. Threads and errors are those of [method@Ferry.Proxy.resolve]. Any thread.
 *
 * Returns: whether the call was answered
 */
gboolean
ferry_proxy_call (FerryProxy *self, const char *method, GVariant *arguments, gint64 timeout, GCancellable *cancellable,
                  GVariant **value, FerryProxy **object, GError **error)
{
  g_autoptr (GVariant) held = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  const FerryStep step = {FERRY_STEP_CALL, method, held};

  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);
  g_return_val_if_fail (method != NULL, FALSE);

  return ferry_resolve_wait (&(FerryChain){self, &step, 1, ferry_proxy_get_as_proxy (self), NULL},
                             "ferry_proxy_call_async()", timeout, cancellable, value, object, error);
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
 * As [method@Ferry.Proxy.call], without waiting. For frequent calls, [method@Ferry.Proxy.call_with_func] costs
 * least. Any thread.
 */
void
ferry_proxy_call_async (FerryProxy *self, const char *method, GVariant *arguments, gint64 timeout,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  const FerryStep step = {FERRY_STEP_CALL, method, arguments};

  g_return_if_fail (FERRY_IS_PROXY (self));
  g_return_if_fail (method != NULL);

  run_task (&(FerryChain){self, &step, 1, ferry_proxy_get_as_proxy (self), NULL}, timeout, cancellable, callback,
            user_data);
}

/**
 * ferry_proxy_call_finish:
 * @self: a proxy
 * @result: the result that the callback got
 * @value: (out) (optional) (nullable) (transfer full): the result, if it is a value, else %NULL
 * @object: (out) (optional) (nullable) (transfer full): a proxy of the result, if it is an object, else %NULL
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.call_async]; fails as [method@Ferry.Proxy.resolve] does. Any thread.
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

/**
 * ferry_proxy_call_with_func:
 * @self: a proxy
 * @method: the name of a method of the interface
 * @arguments: (nullable): a tuple; a floating reference is taken
 * @func: (scope async): called once with the result, or with the reason that there is none
 * @user_data: data for @func
 *
 * Calls a method at the least cost: as [method@Ferry.Proxy.resolve_with_func], without a #GVariant of steps. Any
 * thread.
 */
void
ferry_proxy_call_with_func (FerryProxy *self, const char *method, GVariant *arguments, FerryProxyFunc func,
                            gpointer user_data)
{
  const FerryStep step = {FERRY_STEP_CALL, method, arguments};

  g_return_if_fail (FERRY_IS_PROXY (self));
  g_return_if_fail (method != NULL);
  g_return_if_fail (func != NULL);

  ferry_resolve_call (&(FerryChain){self, &step, 1, ferry_proxy_get_as_proxy (self), NULL}, func, user_data);
}

/* ---- reading ---- */

static GVariant *
check_is_value (gboolean resolved, GVariant *value, GError **error)
{
  if (resolved && value == NULL)
    ferry_set_error (error, FERRY_ERROR_BAD_RESULT,
                     "The property is an object; use ferry_proxy_resolve() to get a proxy of it");
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
 * Reads a property: see [method@Ferry.Proxy.resolve] for threads and errors.
 *
 * Returns: (transfer full) (nullable): the property's value, or %NULL with an error
 */
GVariant *
ferry_proxy_get (FerryProxy *self, const char *property, gint64 timeout, GCancellable *cancellable, GError **error)
{
  const FerryStep step = {FERRY_STEP_GET, property, NULL};
  GVariant *value = NULL;
  gboolean resolved;

  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);
  g_return_val_if_fail (property != NULL, NULL);

  resolved = ferry_resolve_wait (&(FerryChain){self, &step, 1, FALSE, NULL}, "ferry_proxy_get_async()", timeout,
                                 cancellable, &value, NULL, error);
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
  const FerryStep step = {FERRY_STEP_GET, property, NULL};

  g_return_if_fail (FERRY_IS_PROXY (self));
  g_return_if_fail (property != NULL);

  run_task (&(FerryChain){self, &step, 1, FALSE, NULL}, timeout, cancellable, callback, user_data);
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
 * Sets a property, and waits until that is done: see [method@Ferry.Proxy.resolve] for threads and errors.
 *
 * Returns: whether the property was set
 */
gboolean
ferry_proxy_set (FerryProxy *self, const char *property, GVariant *value, gint64 timeout, GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (GVariant) held = value != NULL ? g_variant_ref_sink (value) : NULL;
  const FerryStep step = {FERRY_STEP_SET, property, held};

  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);
  g_return_val_if_fail (property != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  return ferry_resolve_wait (&(FerryChain){self, &step, 1, FALSE, NULL}, "ferry_proxy_set_async()", timeout,
                             cancellable, NULL, NULL, error);
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
  const FerryStep step = {FERRY_STEP_SET, property, value};

  g_return_if_fail (FERRY_IS_PROXY (self));
  g_return_if_fail (property != NULL);
  g_return_if_fail (value != NULL);

  run_task (&(FerryChain){self, &step, 1, FALSE, NULL}, timeout, cancellable, callback, user_data);
}

/**
 * ferry_proxy_set_finish:
 * @self: a proxy
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.set_async]; fails as [method@Ferry.Proxy.resolve] does. Any thread.
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
