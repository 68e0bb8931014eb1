/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Operations of a proxy: chains of them, and single ones, each of which is a chain of one step. A chain is sent to the
 * object's process, or asked of an object of this one: see FerryLocalFuncs. It ends once: with the result, an error,
 * its deadline, or its cancellation. An answer that comes after the deadline or the cancellation is still read: it may
 * have a reference that must be dropped. */

#include "config.h"

#include "object/ferry-proxy-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "call/ferry-transport-private.h"
#include "conversation/ferry-mux-private.h"
#include "wire/ferry-call-message-private.h"
#include "wire/ferry-remote-error-private.h"

void
ferry_resolved_free (gpointer data)
{
  FerryResolved *self = data;

  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_object (&self->object);
  g_free (self);
}

FerryResolution *
ferry_resolution_ref (FerryResolution *self)
{
  ferry_completion_ref (ferry_completion_from_data (self));
  return self;
}

void
ferry_resolution_unref (gpointer data)
{
  ferry_completion_unref (ferry_completion_from_data (data));
}

static void
resolution_destroy (gpointer data)
{
  FerryResolution *self = data;

  for (guint i = 0; i < self->request.n_steps; i++)
    g_clear_pointer (&self->request.steps[i].argument, g_variant_unref);
  g_clear_pointer (&self->default_value, g_variant_unref);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->transport);
  g_object_unref (self->proxy);
}

/* Whether the last operation sets or deletes a property: then the result is (tv), see FERRY_STEP_SET. */
static gboolean
is_change (const FerryStep *steps, guint n_steps)
{
  return n_steps > 0 && (steps[n_steps - 1].kind == FERRY_STEP_SET || steps[n_steps - 1].kind == FERRY_STEP_DELETE);
}

/* ---- the end of a resolution ---- */

/* For a chain that sets a property: takes the value and the count of changes out of the result's “(tv)”. */
static void
unwrap_change (FerryResolution *self, FerryResolved *result)
{
  g_autoptr (GVariant) change = NULL;

  if (!is_change (self->request.steps, self->request.n_steps) || result->value == NULL ||
      !g_variant_is_of_type (result->value, G_VARIANT_TYPE ("(tv)")))
    return;
  change = g_steal_pointer (&result->value);
  g_variant_get (change, "(tv)", &result->n_changes, &result->value);
}

void
ferry_resolution_answer (FerryResolution *self, GVariant *value, FerryProxy *object, const GError *error,
                         gboolean raised)
{
  const gboolean defaults =
    error != NULL && !raised && self->default_value != NULL && ferry_error_says_nobody_listens (error);
  GVariant *given = defaults ? self->default_value : value;
  FerryResolved *result = NULL;

  if (error == NULL || defaults)
    {
      result = g_new0 (FerryResolved, 1);
      result->object = object;
      result->value = object == NULL && given != NULL ? g_variant_ref (given) : NULL;
    }
  if (error == NULL)
    unwrap_change (self, result);
  ferry_completion_finish (ferry_completion_from_data (self), result, ferry_resolved_free,
                           result == NULL ? ferry_error_copy (error) : NULL);
}

/* ---- in another process ---- */

/* Replaces the answer of a demux that has no exporter. An object's own error of that kind is marked as raised. */
static void
explain (GError **error)
{
  if (!g_error_matches (*error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION))
    return;
  g_clear_error (error);
  ferry_set_error (error, FERRY_ERROR_NOT_LISTENING,
                   "No exporter listens at the other end, where something else answers requests; add the transport to "
                   "an exporter there");
}

/* Called on the receiving thread, or on the thread that ended the transport. Drops the call's reference. */
static void
take_answer (FerryResolution *self, GBytes *packed, FerryValueVerdict verdict, const GError *error)
{
  FerryChainResult told = {0};
  FerryProxy *object = NULL;
  g_autoptr (GError) failure = error != NULL ? ferry_error_copy (error) : NULL;
  gboolean raised;

  if (failure == NULL && ferry_chain_result_take (&told, packed, verdict, &failure) && told.generation != 0)
    object = ferry_proxy_take_object (self->proxy, &told);
  raised = failure != NULL && ferry_error_take_raised (failure);
  if (failure != NULL && !raised)
    explain (&failure);
  ferry_resolution_answer (self, told.value, object, failure, raised);
  ferry_chain_result_clear (&told);
  ferry_resolution_unref (self);
}

static void
answered (gpointer data, const FerryBody *body)
{
  g_autoptr (GBytes) packed = ferry_body_dup_bytes (body);

  take_answer (data, packed, body->verdict, NULL);
}

/* answer: not packed, so no result, unless error is set. */
static void
failed (gpointer data, GVariant *answer, GError *error, const char *trace, gboolean refused)
{
  take_answer (data, NULL, FERRY_VALUE_UNJUDGED, error);
}

static const FerryAnswerFuncs answer_funcs = {.done = failed, .done_packed = answered};

/* Fails if the cached description says that the interface does not have the member: so no request is sent. */
static gboolean
check_member (FerryProxy *proxy, const FerryChainRequest *request, GError **error)
{
  const FerryStep *step = request->n_steps > 0 ? &request->steps[0] : NULL;
  gboolean is_call = step != NULL && step->kind == FERRY_STEP_CALL;
  GDBusInterfaceInfo *info = NULL;
  gboolean known;

  if (is_call || (step != NULL && (step->kind == FERRY_STEP_GET || step->kind == FERRY_STEP_SET)))
    info = ferry_proxy_dup_info (proxy);
  if (info == NULL)
    return TRUE;
  known = is_call ? g_dbus_interface_info_lookup_method (info, step->name) != NULL
                  : g_dbus_interface_info_lookup_property (info, step->name) != NULL;
  if (!known)
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_MEMBER,
                     "The interface %s has no %s '%s'; look up its members in its description", info->name,
                     is_call ? "method" : "property", step->name);
  g_dbus_interface_info_unref (info);
  return known;
}

/* Any thread. Sequentially consistent, as in resolution_abandon(). One thread stores the xid and then reads whether the
 * completion has ended. The other stores the end and then reads the xid. At least one of the two sees both. */
static void
cancel (FerryResolution *self, FerryCancelReason reason)
{
  guint64 xid = atomic_load (&self->xid);

  if (xid != 0)
    ferry_transport_cancel (self->transport, xid, reason);
}

/* Sends the request, if the exporter listens, or may be coming up. With a default it need not wait for that.
 * wait (nullable): of this thread, which then waits for room too. Returns the xid, or 0 with an error. */
static guint64
send (FerryResolution *self, FerryRequestWait *wait, GCancellable *cancellable, GError **error)
{
  FerryProxySession *session = ferry_proxy_get_session (self->proxy);
  FerryRequest request = {.method = FERRY_OBJECT_METHOD_VIEW,
                          .deadline = self->deadline,
                          .waits = wait != NULL,
                          .cancellable = cancellable,
                          .wait = wait};
  _Alignas(8) guint8 place[FERRY_PACKED_HERE];
  guint8 *packed;
  guint64 xid;

  if (!ferry_proxy_session_check_listening (session, self->default_value == NULL, error))
    return 0;
  packed = ferry_chain_request_pack (&self->request, place, sizeof place, &request.packed.size);
  request.packed.data = packed;
  xid = ferry_transport_ask (self->transport, &request, &answer_funcs, self, error);
  if (packed != place)
    g_free (packed);
  if (xid != 0 && self->deadline == 0 && wait == NULL)
    ferry_proxy_session_add_early (session, self->transport, xid);
  return xid;
}

/* Sends a request that waited for room. Called by the thread that makes room. Returns FALSE while there is not
 * enough room. */
static gboolean
send_later (gpointer data)
{
  FerryResolution *self = data;
  g_autoptr (FerryCompletion) kept = ferry_completion_ref (ferry_completion_from_data (self));
  g_autoptr (GError) error = NULL;
  guint64 xid = !ferry_completion_is_reserved (kept) ? send (self, NULL, NULL, &error) : 0;

  if (xid == 0 && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return FALSE;
  atomic_store (&self->xid, xid);
  if (xid == 0)
    {
      if (error != NULL)
        ferry_resolution_answer (self, NULL, NULL, error, FALSE);
      ferry_resolution_unref (self);
    }
  else if (ferry_completion_is_reserved (kept))
    cancel (self, FERRY_CANCEL_REASON_CANCELLED);
  return TRUE;
}

/* Returns whether the request was sent, or will be. */
static gboolean
start_remote (FerryResolution *self, gboolean later, FerryRequestWait *wait, GCancellable *cancellable, GError **error)
{
  guint64 count = ferry_transport_get_room_count (self->transport);
  g_autoptr (GError) failure = NULL;
  guint64 xid;

  if (!check_member (self->proxy, &self->request, error))
    return FALSE;
  ferry_resolution_ref (self);
  xid = send (self, wait, cancellable, &failure);
  atomic_store (&self->xid, xid);
  if (xid != 0)
    return TRUE;
  if (later && g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    {
      ferry_transport_send_later (self->transport, send_later, self, count);
      return TRUE;
    }
  ferry_resolution_unref (self);
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/* ---- objects of both kinds ---- */

static GError *
resolution_abandon (gpointer data, FerryAbandonReason reason)
{
  FerryResolution *self = data;
  gboolean timed_out = reason == FERRY_ABANDON_DEADLINE;
  g_autofree char *text = ferry_chain_request_to_string (&self->request, self->request.n_steps);
  FerryProxySession *session = ferry_proxy_get_session (self->proxy);
  GError *absence = session != NULL && timed_out ? ferry_proxy_session_dup_absence (session) : NULL;

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  else if (session != NULL)
    cancel (self, timed_out ? FERRY_CANCEL_REASON_DEADLINE : FERRY_CANCEL_REASON_CANCELLED);
  if (absence != NULL)
    return absence;
  if (timed_out)
    return g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                        "'%s' was not answered within the timeout; repeat it with a longer one", text);
  return g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "'%s' was cancelled", text);
}

static const FerryCompletionFuncs resolution_funcs = {resolution_abandon, resolution_destroy};

/* Returns the place behind a step's name that is copied to place. */
static char *
keep_step (FerryStep *self, const FerryStep *step, char *place)
{
  *self = (FerryStep){step->kind, place, step->argument != NULL ? g_variant_ref_sink (step->argument) : NULL};
  if (step->argument != NULL)
    ferry_known_types_add (step->argument);
  return stpcpy (place, step->name) + 1;
}

/* Returns (transfer full): a completion with a FerryResolved as its result. It has copies of the steps, and references
 * to their arguments, of which floating ones are taken. deadline: monotonic time in microseconds, 0 for none. It is
 * sent to the other end; for this end, the caller must pass it to the function that waits for the completion. */
static FerryCompletion *
resolution_new (const FerryChain *chain, gint64 deadline)
{
  gsize size = sizeof (FerryResolution) + chain->n_steps * sizeof (FerryStep);
  FerryProxySession *session = ferry_proxy_get_session (chain->proxy);
  FerryCompletion *completion;
  FerryResolution *self;
  char *names;

  for (guint i = 0; i < chain->n_steps; i++)
    size += strlen (chain->steps[i].name) + 1;
  completion = ferry_completion_new (&resolution_funcs, size);
  self = ferry_completion_get_data (completion);
  self->proxy = g_object_ref (chain->proxy);
  /* The result of setting a property is its value. */
  self->request.as_proxy = chain->as_proxy && !is_change (chain->steps, chain->n_steps);
  ferry_proxy_get_root (chain->proxy, &self->request.root);
  self->request.n_steps = chain->n_steps;
  self->request.steps = (FerryStep *) (self + 1);
  names = (char *) (self->request.steps + chain->n_steps);
  for (guint i = 0; i < chain->n_steps; i++)
    names = keep_step (&self->request.steps[i], &chain->steps[i], names);
  self->default_value = chain->default_value != NULL ? g_variant_ref (chain->default_value) : NULL;
  if (session != NULL)
    self->transport = ferry_proxy_session_dup_transport (session);
  self->deadline = deadline;
  return completion;
}

/* Begins a resolution. later: without room in the transport, the request is sent as soon as there is room.
 * wait (nullable): of this thread, which waits for room, and afterwards for the answer. cancellable (nullable):
 * ends the waiting for room. */
static void
start (FerryCompletion *completion, gboolean later, FerryRequestWait *wait, GCancellable *cancellable)
{
  FerryResolution *self = ferry_completion_get_data (completion);
  g_autoptr (GError) error = NULL;

  if (!ferry_chain_request_check (&self->request, &error) ||
      !(self->transport != NULL ? start_remote (self, later, wait, cancellable, &error)
                                : ferry_proxy_get_local (self->proxy)->funcs->ask (self, &error)))
    ferry_resolution_answer (self, NULL, NULL, error, FALSE);
}

/* ---- a thread that waits ---- */

/* Whether this thread may wait for the completion, of an object in this process. It may have answered already: the
 * thread is checked only if it would have to wait. */
static gboolean
check_may_wait_here (FerryProxy *proxy, FerryCompletion *completion, const char *async_form, GError **error)
{
  if (ferry_completion_is_over (completion) || ferry_proxy_check_may_wait (proxy, async_form, error))
    return TRUE;
  if (ferry_completion_abandon (completion, FERRY_ABANDON_CANCELLED))
    return FALSE;
  g_clear_error (error);
  return TRUE;
}

/* Waits for an exporter that may be coming up, if there is neither a default nor a deadline: a request with a
 * deadline waits at the other end until then. Returns FALSE when the completion was ended instead. */
static gboolean
wait_for_exporter (FerryCompletion *completion, GCancellable *cancellable)
{
  FerryResolution *self = ferry_completion_get_data (completion);
  g_autoptr (GError) absence = NULL;

  if (self->default_value != NULL || self->deadline != 0 || ferry_proxy_wait_until_started (self->proxy, cancellable))
    return TRUE;
  absence = ferry_proxy_session_new_absence ();
  if (g_cancellable_is_cancelled (cancellable))
    ferry_completion_abandon (completion, FERRY_ABANDON_CANCELLED);
  else
    ferry_resolution_answer (self, NULL, NULL, absence, FALSE);
  return FALSE;
}

/* For an object in another process: resolves, and waits for the end. */
static void
resolve_remotely (FerryCompletion *completion, GCancellable *cancellable)
{
  FerryResolution *self = ferry_completion_get_data (completion);
  FerryRequestWait wait;

  if (!wait_for_exporter (completion, cancellable))
    return;
  ferry_request_wait_init (&wait, self->transport, completion);
  start (completion, FALSE, &wait, cancellable);
  ferry_request_wait_finish (&wait, ferry_deadline_or_never (self->deadline), cancellable);
}

/* Returns (transfer full) (nullable): the result; NULL with an error. */
static FerryResolved *
resolve_and_wait (const FerryChain *chain, const char *async_form, gint64 timeout, GCancellable *cancellable,
                  GError **error)
{
  gint64 deadline = ferry_mux_get_deadline (timeout);
  FerryProxy *proxy = chain->proxy;
  gboolean is_remote = ferry_proxy_get_session (proxy) != NULL;
  g_autoptr (FerryCompletion) completion = NULL;

  /* An answer of another process never comes at once: check before the request is sent whether this thread may wait. */
  if ((is_remote && !ferry_proxy_check_may_wait (proxy, async_form, error)) ||
      g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  completion = resolution_new (chain, deadline);
  if (is_remote)
    resolve_remotely (completion, cancellable);
  else
    {
      start (completion, FALSE, NULL, cancellable);
      if (!check_may_wait_here (proxy, completion, async_form, error))
        return NULL;
      ferry_completion_wait (completion, ferry_deadline_or_never (deadline), cancellable);
    }
  return ferry_completion_take (completion, error);
}

/* Moves the result's content to value and object, and frees the result, which it takes (nullable). Returns whether
 * there was a result. */
static gboolean
give (FerryResolved *result, GVariant **value, FerryProxy **object)
{
  if (result == NULL)
    return FALSE;
  if (value != NULL)
    *value = g_steal_pointer (&result->value);
  if (object != NULL)
    *object = g_steal_pointer (&result->object);
  ferry_resolved_free (result);
  return TRUE;
}

/* Waits for the result: see ferry_proxy_resolve(). async_form: the function that the error message names if this thread
 * may not wait. */
static gboolean
resolve (const FerryChain *chain, const char *async_form, gint64 timeout, GCancellable *cancellable, GVariant **value,
         FerryProxy **object, GError **error)
{
  return give (resolve_and_wait (chain, async_form, timeout, cancellable, error), value, object);
}

/* ---- a function, and a task ---- */

static void
tell_func (FerryCompletion *completion, gpointer data)
{
  FerryResolution *self = data;
  g_autoptr (GError) error = NULL;
  FerryResolved *result = ferry_completion_take (completion, &error);

  self->func (result != NULL ? result->value : NULL, result != NULL ? result->object : NULL, error, self->user_data);
  g_clear_pointer (&result, ferry_resolved_free);
}

/* Does not wait: see ferry_proxy_call_with_func(). */
static void
call (const FerryChain *chain, FerryProxyFunc func, gpointer user_data)
{
  g_autoptr (FerryCompletion) completion = resolution_new (chain, 0);
  FerryResolution *self = ferry_completion_get_data (completion);

  self->func = func;
  self->user_data = user_data;
  ferry_completion_call (completion, tell_func, NULL);
  start (completion, FALSE, NULL, NULL);
}

void
ferry_resolve_run_task (const FerryChain *chain, gint64 timeout, gboolean later, GTask *task)
{
  gint64 deadline = ferry_mux_get_deadline (timeout);
  g_autoptr (FerryCompletion) completion = resolution_new (chain, deadline);

  g_task_set_check_cancellable (task, FALSE);
  /* Else the answer might come before the cancellable is looked at. */
  if (g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    ferry_completion_abandon (completion, FERRY_ABANDON_CANCELLED);
  else
    start (completion, later, NULL, NULL);
  ferry_completion_return (completion, task, ferry_deadline_or_never (deadline));
  g_object_unref (task);
}

gboolean
ferry_resolve_finish (GAsyncResult *result, GVariant **value, FerryProxy **object, GError **error)
{
  return give (g_task_propagate_pointer (G_TASK (result), error), value, object);
}

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
  g_autoptr (GVariant) held_steps G_GNUC_UNUSED = steps != NULL ? g_variant_ref_sink (steps) : NULL;
  g_autoptr (GVariant) held_options G_GNUC_UNUSED = options != NULL ? g_variant_ref_sink (options) : NULL;

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
 * Does a chain of operations at the object's end, in one call. Each operation is done on the result of the one before,
 * an object or a value. Waits for room in the transport and for the result. This reads the label of the second item of
 * a container:
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
         resolve (&given.chain, "ferry_proxy_resolve_async()", timeout, cancellable, value, object, error);
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
 * Calls a method, and waits for its result. Threads and errors are those of [method@Ferry.Proxy.resolve].
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

  return resolve (&(FerryChain){self, &step, 1, ferry_proxy_get_as_proxy (self), NULL}, "ferry_proxy_call_async()",
                  timeout, cancellable, value, object, error);
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
 * Calls a method at the least cost, as [method@Ferry.Proxy.call], without waiting. @func is called on the thread that
 * receives for the transport (the router's thread, for a worker's link) or on the thread that closes the transport. In
 * the object's own process, it is called on the thread that answers. If the request cannot be sent, @func is called
 * before this function has returned, for example with %FERRY_ERROR_WOULD_BLOCK when the transport has no room. There is
 * no time limit. Any thread.
 */
void
ferry_proxy_call_with_func (FerryProxy *self, const char *method, GVariant *arguments, FerryProxyFunc func,
                            gpointer user_data)
{
  const FerryStep step = {FERRY_STEP_CALL, method, arguments};

  g_return_if_fail (FERRY_IS_PROXY (self));
  g_return_if_fail (method != NULL);
  g_return_if_fail (func != NULL);

  call (&(FerryChain){self, &step, 1, ferry_proxy_get_as_proxy (self), NULL}, func, user_data);
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

  resolved = resolve (&(FerryChain){self, &step, 1, FALSE, NULL}, "ferry_proxy_get_async()", timeout, cancellable,
                      &value, NULL, error);
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

  return resolve (&(FerryChain){self, &step, 1, FALSE, NULL}, "ferry_proxy_set_async()", timeout, cancellable, NULL,
                  NULL, error);
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
