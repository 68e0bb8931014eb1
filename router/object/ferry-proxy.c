/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A proxy: the object that it stands for, whether the exporter listens, the interface's description, and the changes
 * of an object that it follows. Operations are in ferry-proxy-call.c.
 *
 * Threads: any. Signals of a followed object are emitted on the main context that was the default one of the making
 *          thread.
 * Trust:   none in the names and values that the other end sends. */

#include "config.h"

#include "object/ferry-proxy-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "base/ferry-error.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-mailbox-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-revival-private.h"
#include "call/ferry-transport-private.h"
#include "conversation/ferry-mux-private.h"
#include "engine/ferry-affinity-private.h"
#include "object/ferry-interface-private.h"

struct _FerryProxy
{
  GObject parent_instance;

  guint fork_number;          /* const: see ferry-forks.c */
  FerryWeak *weak;            /* const: (owned) */
  FerryProxySession *session; /* const: (owned) (nullable): the session, if the object is in another process */
  FerryLocal local;           /* const: (owned): the exporter, if the object is in this process */
  char *name;                 /* const: (owned) (nullable): the name under which the object is exported */
  char *interface;            /* const: (owned) (nullable): the name of the object's interface, if known */
  guint64 generation;         /* const, also number: the reference to the object; 0: the proxy was made by name */
  guint64 number;
  _Atomic guint64 n_references; /* how many references to the object have arrived for this proxy */

  GMainContext *context; /* const: (owned): the main context on which the proxy emits its signals */
  guint64 watch; /* const: the number of a watch of the session, or the id of a handler of the exporter; 0: none */
  _Atomic gboolean as_proxy;       /* whether results stay in the object's process */
  _Atomic gboolean notifies;       /* notify_listening() is posted to the context, and has not begun */
  FerrySubscription *subscription; /* only on the context's thread, also the next field: (owned) (nullable) */
  GHashTable *cached; /* (element-type utf8 GVariant) (owned) (nullable): newest values of followed properties */
};

/**
 * FerryProxy:
 *
 * Stands for an object that another process exports with a [class@Ferry.Exporter]. Operations on the proxy are done in
 * that process. There is [method@Ferry.Proxy.call] and its siblings for a single operation, and
 * [method@Ferry.Proxy.resolve] for a chain of them.
 *
 * A proxy by name can be made before the object exists. A proxy that came as a result has a reference to its object.
 * The reference keeps the object alive until the proxy is finalized or the transport ends.
 *
 * Calls over one proxy are carried out in the order in which they were made, on whichever threads the exporter calls
 * methods. A call sees what all calls before it did, whether these were waited for or not. "Call" is any operation or
 * chain here. Where several threads make calls, each thread's own calls keep their order. This does not hold for
 * objects with the policy %FERRY_CALL_POLICY_CONCURRENT of an exporter with several threads, where calls overlap. A
 * value that a replica sends is no such call: it is sent when the value before it was answered. Answers may arrive in
 * another order.
 *
 * What is asked before the exporter has come up at the other end, as while its worker is starting, waits there for the
 * exporter. It waits as long as the call's timeout allows, and for 30 s where it has none. Where no exporter has come
 * by then, it fails with %FERRY_ERROR_NOT_LISTENING, and is carried out only where one comes at that very moment. A
 * chain with a default does not wait. When 1,024 requests of a transport wait so, further ones are refused at once.
 *
 * No call waits without end: when the transport ends, when the exporter stops, or when the deadline has passed, every
 * call ends with that reason.
 *
 * Any thread may use a proxy, unless a function says otherwise. Its signals are emitted on the main context that was
 * the default one of the making thread.
 */
G_DEFINE_FINAL_TYPE (FerryProxy, ferry_proxy, G_TYPE_OBJECT)

enum
{
  PROP_TRANSPORT = 1,
  PROP_NAME,
  PROP_AS_PROXY,
  PROP_LISTENING,
  N_PROPERTIES,
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_RECEIVED,
  SIGNAL_MISSED,
  SIGNAL_SET_FAILED,
  SIGNAL_FOLLOW_FAILED,
  N_SIGNALS,
};

static GParamSpec *pspecs[N_PROPERTIES];
static guint signal_ids[N_SIGNALS];

/* ---- making ---- */

static void
notify_listening (gpointer weak)
{
  g_autoptr (FerryProxy) self = ferry_weak_get (weak);

  if (self == NULL)
    return;
  /* Clear the flag before the state is read, so that a later change posts again. */
  atomic_store (&self->notifies, FALSE);
  g_object_notify_by_pspec (G_OBJECT (self), pspecs[PROP_LISTENING]);
}

/* any: notifies the proxy's context that the exporter has started or stopped listening. Does nothing for a proxy
 * that is being finalized. */
static void
state_changed (gpointer data)
{
  FerryWeak *weak = data;
  FERRY_USE_WEAK (FerryProxy, self, weak);

  /* Post once for many changes: the other end may change faster than the context iterates. */
  if (self != NULL && !atomic_exchange (&self->notifies, TRUE))
    ferry_mailbox_post (self->context, notify_listening, ferry_weak_ref (weak), ferry_weak_unref);
}

/* Adds a watch: func is called each time the exporter starts or stops listening. Returns a number for
 * remove_watch(). */
static guint64
add_watch (FerryProxy *self, FerryProxySessionFunc func, gpointer data, GDestroyNotify destroy)
{
  if (self->session != NULL)
    return ferry_proxy_session_add_watch (self->session, FALSE, func, data, destroy);
  return g_signal_connect_data (self->local.exporter, "notify::listening", G_CALLBACK (func), data,
                                (GClosureNotify) (GCallback) destroy, G_CONNECT_SWAPPED);
}

static void
remove_watch (FerryProxy *self, guint64 watch)
{
  if (self->session != NULL)
    ferry_proxy_session_remove_watch (self->session, watch);
  else
    g_signal_handler_disconnect (self->local.exporter, (gulong) watch);
}

/**
 * ferry_proxy_new:
 * @transport: the transport to the object's process
 * @name: the name under which the object is exported
 *
 * Returns a proxy of an object in another process. Does not ask the other end whether the object exists. Any thread.
 *
 * Returns: (transfer full): a proxy of the object
 */
FerryProxy *
ferry_proxy_new (FerryTransport *transport, const char *name)
{
  FerryProxy *self;

  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  self = g_object_new (FERRY_TYPE_PROXY, NULL);
  self->session = ferry_proxy_session_get (transport);
  self->name = g_strdup (name);
  ferry_proxy_session_add_name (self->session, self->weak, name);
  self->watch = add_watch (self, state_changed, ferry_weak_ref (self->weak), ferry_weak_unref);
  return self;
}

FerryProxy *
ferry_proxy_new_here (const FerryLocal *local, const char *name)
{
  FerryProxy *self = g_object_new (FERRY_TYPE_PROXY, NULL);

  self->local = *local;
  g_object_ref (self->local.exporter);
  self->name = g_strdup (name);
  if (self->local.exported == NULL)
    self->watch = add_watch (self, state_changed, ferry_weak_ref (self->weak), ferry_weak_unref);
  return self;
}

/* Returns (transfer full) a proxy for a reference. Called with the session's lock held. */
static FerryProxy *
new_for_reference (FerryProxy *asker, const FerryChainResult *result, FerryWeak **weak)
{
  FerryProxy *self = g_object_new (FERRY_TYPE_PROXY, NULL);

  self->session = ferry_proxy_session_ref (asker->session);
  self->name = g_strdup (result->name);
  self->interface = g_strdup (result->interface);
  self->generation = result->generation;
  self->number = result->number;
  atomic_init (&self->as_proxy, ferry_proxy_get_as_proxy (asker));
  *weak = self->weak;
  return self;
}

FerryProxy *
ferry_proxy_take_object (FerryProxy *self, const FerryChainResult *result)
{
  gboolean by_name = result->name != NULL && self->generation == 0 && g_str_equal (result->name, self->name);
  FerryProxy *proxy;

  if (by_name)
    proxy = g_object_ref (self);
  else
    proxy = ferry_proxy_session_find_or_make (self->session, result, new_for_reference, self, &by_name);
  /* Relaxed: the count is read when only one thread still uses the proxy. */
  if (by_name)
    ferry_proxy_session_release (self->session, result->generation, result->number, 1);
  else
    atomic_fetch_add_explicit (&proxy->n_references, 1, memory_order_relaxed);
  return proxy;
}

FerryProxySession *
ferry_proxy_get_session (FerryProxy *self)
{
  return self->session;
}

const FerryLocal *
ferry_proxy_get_local (FerryProxy *self)
{
  return &self->local;
}

void
ferry_proxy_get_root (FerryProxy *self, FerryObjectRoot *root)
{
  *root = (FerryObjectRoot){self->name != NULL ? self->name : "", self->generation, self->number};
}

/**
 * ferry_proxy_get_listening: (get-property listening)
 * @self: a proxy
 *
 * Whether the exporter listens, by its last report that has arrived. Any thread.
 *
 * Returns: whether the exporter listens
 */
gboolean
ferry_proxy_get_listening (FerryProxy *self)
{
  gboolean listening;

  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);

  if (self->session != NULL)
    return ferry_proxy_session_is_listening (self->session);
  g_object_get (self->local.exporter, "listening", &listening, NULL);
  return listening;
}

void
ferry_proxy_set_as_proxy (FerryProxy *self, gboolean as_proxy)
{
  /* Relaxed, also in ferry_proxy_get_as_proxy(): no other data depends on the flag. */
  if (atomic_exchange_explicit (&self->as_proxy, as_proxy != FALSE, memory_order_relaxed) != (as_proxy != FALSE))
    g_object_notify_by_pspec (G_OBJECT (self), pspecs[PROP_AS_PROXY]);
}

gboolean
ferry_proxy_get_as_proxy (FerryProxy *self)
{
  return atomic_load_explicit (&self->as_proxy, memory_order_relaxed);
}

/* ---- waits for the exporter ---- */

/* The data of a completion that waits until the exporter listens. */
typedef struct
{
  FerryProxy *proxy; /* (owned) */
  guint64 watch;
} Wait;

/* Returns whether to wait on: the exporter does not listen now, and may listen later. Otherwise sets error if the
 * exporter never will. */
static gboolean
may_listen_later (FerryProxy *self, GError **error)
{
  g_autoptr (GError) end = NULL;

  if (ferry_proxy_get_listening (self))
    return FALSE;
  end = self->session != NULL ? ferry_proxy_session_dup_end (self->session) : NULL;
  if (end == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&end));
  return FALSE;
}

gboolean
ferry_proxy_check_may_wait (FerryProxy *self, const char *async_form, GError **error)
{
  g_autoptr (FerryTransport) transport =
    self->session != NULL ? ferry_proxy_session_dup_transport (self->session) : NULL;

  return transport != NULL ? ferry_transport_check_may_wait (transport, async_form, error)
                           : self->local.funcs->check_may_wait (self, async_form, error);
}

static GError *
wait_abandoned (gpointer data, FerryAbandonReason reason)
{
  if (reason == FERRY_ABANDON_CANCELLED)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The wait for the exporter was cancelled");
  return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                              "The exporter did not listen within the timeout; start it, or wait longer");
}

static void
wait_clear (gpointer data)
{
  g_object_unref (((Wait *) data)->proxy);
}

static const FerryCompletionFuncs wait_funcs = {wait_abandoned, wait_clear};

/* any: called when the exporter's state has changed: ends the completion if the exporter listens, or never will. */
static void
look (gpointer completion)
{
  Wait *self = ferry_completion_get_data (completion);
  GError *error = NULL;

  if (!may_listen_later (self->proxy, &error))
    ferry_completion_finish (completion, error == NULL ? self->proxy : NULL, NULL, error);
}

/* Returns (transfer full): a completion that ends when the exporter listens, or never will. */
static FerryCompletion *
begin_wait (FerryProxy *self)
{
  FerryCompletion *completion = ferry_completion_new (&wait_funcs, sizeof (Wait));
  Wait *wait = ferry_completion_get_data (completion);

  wait->proxy = g_object_ref (self);
  wait->watch = add_watch (self, look, ferry_completion_ref (completion), (GDestroyNotify) ferry_completion_unref);
  look (completion);
  return completion;
}

/* Must be called when the completion has ended: removes its watch. */
static void
end_wait (FerryCompletion *completion)
{
  const Wait *self = ferry_completion_get_data (completion);

  remove_watch (self->proxy, self->watch);
}

/* Returns the deadline of a request, which is given one while the exporter is coming up. deadline: the caller's, 0 for
 * none. */
static gint64
start_deadline (FerryProxy *self, gint64 deadline)
{
  return deadline != 0 || !ferry_proxy_session_is_starting (self->session)
           ? deadline
           : ferry_deadline_after (ferry_proxy_session_get_start_time ());
}

/* Returns the timeout that is left until a deadline, 0 for none. */
static gint64
get_rest (gint64 deadline)
{
  return deadline != 0 ? MAX (deadline - g_get_monotonic_time (), 0) : -1;
}

/* ---- the interface's description: requested once for each object, until the exporter's names change ---- */

/* Returns the key of the object's description in the session. All objects without a name that have the same
 * interface share one key. */
static char *
dup_key (FerryProxy *self)
{
  return self->generation != 0 && self->interface != NULL ? g_strconcat ("#", self->interface, NULL)
                                                          : g_strconcat ("/", self->name, NULL);
}

GDBusInterfaceInfo *
ferry_proxy_dup_info (FerryProxy *self)
{
  g_autofree char *key = dup_key (self);

  return ferry_proxy_session_dup_info (self->session, key);
}

/* Makes the answer the object's description. Takes description, NULL with a failure, and failure. A request that had no
 * time left fails with the absence of an exporter that is still coming up. */
static GDBusInterfaceInfo *
take_description (FerryProxy *self, guint64 edition, GVariant *description, GError *failure, GError **error)
{
  g_autoptr (GVariant) taken = description;
  g_autoptr (GError) refusal = failure;
  g_autoptr (GError) absence = NULL;
  g_autofree char *key = dup_key (self);
  GDBusInterfaceInfo *info;

  if (g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    absence = ferry_proxy_session_dup_absence (self->session);
  if (refusal != NULL)
    {
      g_propagate_error (error, absence != NULL ? g_steal_pointer (&absence) : g_steal_pointer (&refusal));
      return NULL;
    }
  info = ferry_description_to_info (taken, error);
  if (info != NULL)
    ferry_proxy_session_set_info (self->session, key, edition, info);
  return info;
}

static GVariant *
new_request (FerryProxy *self)
{
  FerryObjectRoot root;

  ferry_proxy_get_root (self, &root);
  return g_variant_new ("(stt)", root.name, root.generation, root.number);
}

/* Asks for the description, and waits. Returns (transfer full) the answer, or NULL with an error. */
static GVariant *
ask_for_description (FerryProxy *self, gint64 deadline, GCancellable *cancellable, GError **error)
{
  g_autoptr (FerryTransport) transport = ferry_proxy_session_dup_transport (self->session);
  g_autoptr (FerryMux) mux = ferry_mux_new (transport);

  return ferry_mux_transact (mux, FERRY_OBJECT_METHOD_DESCRIBE, new_request (self), get_rest (deadline), cancellable,
                             error);
}

/* Asks for a description, since the session hears of the exporter on the receiving thread, which may be busy, or wait
 * for this one: an answer, also an error, comes to the thread that asked. */
gboolean
ferry_proxy_wait_until_started (FerryProxy *self, GCancellable *cancellable)
{
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;

  if (!ferry_proxy_session_is_starting (self->session))
    return TRUE;
  answer = ask_for_description (self, start_deadline (self, 0), cancellable, &error);
  return !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT) && !g_cancellable_is_cancelled (cancellable);
}

static void
described_cb (GObject *mux, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const guint64 *edition = g_task_get_task_data (task);
  GError *failure = NULL;
  GError *error = NULL;
  GVariant *description = ferry_mux_transact_finish (FERRY_MUX (mux), result, &failure);
  GDBusInterfaceInfo *info = take_description (g_task_get_source_object (task), *edition, description, failure, &error);

  if (info != NULL)
    g_task_return_pointer (task, info, (GDestroyNotify) g_dbus_interface_info_unref);
  else
    g_task_return_error (task, error);
}

/* Has the task return the description, for which it asks the other end. */
static void
ask_for_task (FerryProxy *self, gint64 deadline, GTask *task)
{
  guint64 edition = ferry_proxy_session_get_edition (self->session);
  g_autoptr (FerryTransport) transport = ferry_proxy_session_dup_transport (self->session);
  g_autoptr (FerryMux) mux = ferry_mux_new (transport);
  GError *error = NULL;

  g_task_set_task_data (task, g_memdup2 (&edition, sizeof edition), g_free);
  if (ferry_proxy_session_check_listening (self->session, TRUE, &error))
    ferry_mux_transact_async (mux, FERRY_OBJECT_METHOD_DESCRIBE, new_request (self),
                              get_rest (start_deadline (self, deadline)), g_task_get_cancellable (task), described_cb,
                              g_object_ref (task));
  else
    g_task_return_error (task, error);
}

/**
 * ferry_proxy_describe_async:
 * @self: a proxy
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when the operation has ended
 * @user_data: data for @callback
 *
 * Asks for the description of the object's interface: methods, properties, signals. The first call asks the other end;
 * later calls use that answer, until names change at the other end. As long as the answer is known, the use of a member
 * that is missing in it fails at once, without a request. Any thread.
 */
void
ferry_proxy_describe_async (FerryProxy *self, gint64 timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GDBusInterfaceInfo *info;
  GError *error = NULL;

  g_return_if_fail (FERRY_IS_PROXY (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_proxy_describe_async);
  info = self->session == NULL ? self->local.funcs->describe (self, &error) : ferry_proxy_dup_info (self);
  if (info != NULL)
    g_task_return_pointer (task, info, (GDestroyNotify) g_dbus_interface_info_unref);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    ask_for_task (self, ferry_mux_get_deadline (timeout), task);
}

/**
 * ferry_proxy_describe_finish:
 * @self: a proxy
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.describe_async]; fails as [method@Ferry.Proxy.resolve] does, and with
 * %FERRY_ERROR_PROTOCOL when the answer is not a description. Any thread.
 *
 * Returns: (transfer full) (nullable): the description, or %NULL with an error
 */
GDBusInterfaceInfo *
ferry_proxy_describe_finish (FerryProxy *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- an object that is followed ---- */

FerrySubscription *
ferry_proxy_open_subscription (FerryProxy *self, const char *const *properties, const char *const *signals,
                               gboolean list, const FerrySubscriptionFuncs *funcs, gpointer data)
{
  FerrySubscriptionSource source = {0};

  source.session = self->session != NULL ? ferry_proxy_session_ref (self->session)
                                         : self->local.funcs->open_session (self, &source.refusal);
  ferry_proxy_get_root (self, &source.root);
  return ferry_subscription_open (&source, properties, signals, list, funcs, data);
}

static void
take_properties (FerryProxy *self, GVariant *item)
{
  g_autoptr (GVariant) changes = g_variant_get_child_value (item, 0);
  GVariantIter iter;
  const char *name;
  guint64 n_changes;
  GVariant *value;

  g_variant_iter_init (&iter, changes);
  while (self->cached != NULL && g_variant_iter_next (&iter, "(&stv)", &name, &n_changes, &value))
    {
      g_autoptr (GVariant) taken = value;
      GVariant *before = g_hash_table_lookup (self->cached, name);

      if (before != NULL && g_variant_equal (before, taken))
        continue;
      /* Ignore more values than names can be followed: the other end has sent names that were not requested. */
      if (before == NULL && g_hash_table_size (self->cached) >= FERRY_FOLLOW_MAX_NAMES)
        continue;
      g_hash_table_insert (self->cached, g_strdup (name), g_variant_ref (taken));
      /* No new quark is needed: if a handler is connected with this detail, the quark exists. */
      g_signal_emit (self, signal_ids[SIGNAL_CHANGED], g_quark_try_string (name), name, taken);
    }
}

static void
take_signals (FerryProxy *self, GVariant *item)
{
  g_autoptr (GVariant) emissions = g_variant_get_child_value (item, 1);
  GVariantIter iter;
  const char *name;
  GVariant *arguments;
  guint64 n_missed;

  g_variant_get_child (item, 2, "t", &n_missed);
  if (n_missed > 0)
    g_signal_emit (self, signal_ids[SIGNAL_MISSED], 0, n_missed);
  g_variant_iter_init (&iter, emissions);
  while (self->subscription != NULL && g_variant_iter_next (&iter, "(&sv)", &name, &arguments))
    {
      g_autoptr (GVariant) taken = arguments;

      if (g_variant_is_of_type (taken, G_VARIANT_TYPE_TUPLE))
        g_signal_emit (self, signal_ids[SIGNAL_RECEIVED], g_quark_try_string (name), name, taken);
    }
}

/* data: a FerryWeak. The last reference to the proxy may be dropped on any thread, and the proxy be freed before the
 * subscription is closed. */
static void
item_came (gpointer data, GVariant *item, gboolean is_first)
{
  g_autoptr (FerryProxy) self = ferry_weak_get (data);

  if (self == NULL)
    return;
  take_properties (self, item);
  take_signals (self, item);
}

static void
fell_silent (gpointer data, const GError *reason, gboolean for_ever)
{
  g_autoptr (FerryProxy) self = ferry_weak_get (data);

  if (for_ever && self != NULL)
    g_signal_emit (self, signal_ids[SIGNAL_FOLLOW_FAILED], 0, reason);
}

static const FerrySubscriptionFuncs subscription_funcs = {
  .item = item_came, .silent = fell_silent, .destroy = ferry_weak_unref};

static gboolean
is_empty (const char *const *names)
{
  return names == NULL || names[0] == NULL;
}

static void
forget_followed (FerryProxy *self)
{
  g_clear_pointer (&self->subscription, ferry_subscription_close);
  g_clear_pointer (&self->cached, g_hash_table_unref);
}

/**
 * ferry_proxy_follow:
 * @self: a proxy
 * @properties: (nullable) (array zero-terminated=1): the names of properties, or `*` for all readable ones
 * @signals: (nullable) (array zero-terminated=1): the names of signals
 *
 * Follows the object's changes, instead of what was followed before. The signal [signal@Ferry.Proxy::changed] reports
 * the newest value of a property, beginning with the present one. The signal [signal@Ferry.Proxy::received] reports
 * each signal. Following begins each time the exporter begins to listen, until the transport ends. The object never
 * waits for its followers. Only the newest value of a property is sent. When too many signals wait, further ones are
 * only counted: see [signal@Ferry.Proxy::missed].
 *
 * If the object, or one of the names, is not exported, [signal@Ferry.Proxy::follow-failed] reports the reason, and no
 * changes are reported.
 *
 * Without any name, nothing is followed any more, and the values of followed properties are dropped.
 *
 * The thread of the proxy's main context.
 */
void
ferry_proxy_follow (FerryProxy *self, const char *const *properties, const char *const *signals)
{
  g_return_if_fail (FERRY_IS_PROXY (self));
  if (!ferry_affinity_check_context (self->context, G_STRFUNC))
    return;

  forget_followed (self);
  if (is_empty (properties) && is_empty (signals))
    return;
  self->cached = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_variant_unref);
  self->subscription =
    ferry_proxy_open_subscription (self, properties, signals, FALSE, &subscription_funcs, ferry_weak_ref (self->weak));
}

/**
 * ferry_proxy_dup_cached:
 * @self: a proxy
 * @property: the name of a property that is followed
 *
 * The thread of the proxy's main context.
 *
 * Returns: (transfer full) (nullable): the newest value that has arrived; %NULL if none has
 */
GVariant *
ferry_proxy_dup_cached (FerryProxy *self, const char *property)
{
  GVariant *value;

  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);
  g_return_val_if_fail (property != NULL, NULL);
  if (!ferry_affinity_check_context (self->context, G_STRFUNC))
    return NULL;

  value = self->cached != NULL ? g_hash_table_lookup (self->cached, property) : NULL;
  return value != NULL ? g_variant_ref (value) : NULL;
}

/* ---- waiting until the exporter listens ---- */

/**
 * ferry_proxy_wait_until_listening:
 * @self: a proxy
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Waits until the exporter listens. Fails at once when the exporter can never listen, for example when its worker has
 * ended.
 *
 * Any thread, except the thread of the default main context and the thread that receives for the transport.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT, %G_IO_ERROR_CANCELLED and %FERRY_ERROR_WRONG_THREAD. Fails with
 * %FERRY_ERROR_NOT_LISTENING when the exporter leaves the transport, and with the reason of the transport's end, such
 * as %FERRY_ERROR_CLOSED and %FERRY_ERROR_WORKER_LOST.
 *
 * Returns: whether the exporter listens
 */
gboolean
ferry_proxy_wait_until_listening (FerryProxy *self, gint64 timeout, GCancellable *cancellable, GError **error)
{
  g_autoptr (FerryCompletion) completion = NULL;

  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);

  /* The state of an exporter in this process is known at once. */
  if (self->session == NULL && ferry_proxy_get_listening (self))
    return TRUE;
  if (!ferry_proxy_check_may_wait (self, "ferry_proxy_wait_until_listening_async()", error))
    return FALSE;
  completion = begin_wait (self);
  ferry_completion_wait (completion, ferry_deadline_after (timeout), cancellable);
  end_wait (completion);
  return ferry_completion_take (completion, error) != NULL;
}

/**
 * ferry_proxy_wait_until_listening_async:
 * @self: a proxy
 * @timeout: how long to wait at the most, in microseconds; negative: without a limit
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when the operation has ended
 * @user_data: data for @callback
 *
 * As [method@Ferry.Proxy.wait_until_listening], without waiting. Any thread.
 */
void
ferry_proxy_wait_until_listening_async (FerryProxy *self, gint64 timeout, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (FerryCompletion) completion = NULL;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (FERRY_IS_PROXY (self));

  completion = begin_wait (self);
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_proxy_wait_until_listening_async);
  g_signal_connect_data (task, "notify::completed", G_CALLBACK (end_wait), ferry_completion_ref (completion),
                         (GClosureNotify) (GCallback) ferry_completion_unref, G_CONNECT_SWAPPED);
  ferry_completion_return_boolean (completion, task, ferry_deadline_after (timeout));
}

/**
 * ferry_proxy_wait_until_listening_finish:
 * @self: a proxy
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.wait_until_listening_async]; fails as [method@Ferry.Proxy.wait_until_listening] does. Any
 * thread.
 *
 * Returns: whether the exporter listens
 */
gboolean
ferry_proxy_wait_until_listening_finish (FerryProxy *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- the object ---- */

static void
ferry_proxy_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryProxy *self = FERRY_PROXY (object);

  switch (property_id)
    {
    case PROP_TRANSPORT:
      if (self->session != NULL)
        g_value_take_object (value, ferry_proxy_session_dup_transport (self->session));
      break;
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_AS_PROXY:
      g_value_set_boolean (value, ferry_proxy_get_as_proxy (self));
      break;
    case PROP_LISTENING:
      g_value_set_boolean (value, ferry_proxy_get_listening (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_proxy_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  switch (property_id)
    {
    case PROP_AS_PROXY:
      ferry_proxy_set_as_proxy (FERRY_PROXY (object), g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_proxy_dispose (GObject *object)
{
  FerryProxy *self = FERRY_PROXY (object);

  if (ferry_forks_keep (object, self->fork_number))
    return;
  ferry_take_over (object);
  ferry_weak_end (self->weak);
  g_clear_pointer (&self->subscription, ferry_subscription_close);
  if (self->watch != 0)
    remove_watch (self, self->watch);
  self->watch = 0;

  G_OBJECT_CLASS (ferry_proxy_parent_class)->dispose (object);
}

static void
ferry_proxy_finalize (GObject *object)
{
  FerryProxy *self = FERRY_PROXY (object);

  if (self->session != NULL)
    {
      ferry_proxy_session_forget (self->session, self->name, self->generation, self->number);
      ferry_proxy_session_release (self->session, self->generation, self->number, self->n_references);
      ferry_proxy_session_unref (self->session);
    }
  if (self->local.exported != NULL)
    self->local.funcs->drop (self->local.exported);
  g_clear_object (&self->local.exporter);
  g_clear_pointer (&self->cached, g_hash_table_unref);
  ferry_weak_unref (self->weak);
  g_main_context_unref (self->context);
  g_free (self->name);
  g_free (self->interface);

  G_OBJECT_CLASS (ferry_proxy_parent_class)->finalize (object);
}

static void
install_news (void)
{
  /**
   * FerryProxy::changed:
   * @self: the proxy
   * @property: the name of the property, as in the object's interface; also the signal's detail
   * @value: (transfer none): the newest value of the property, of the type that the interface lists for it, and not in
   * a variant of its own. A handler that keeps it takes a reference
   *
   * A followed property has another value. Only the newest value is reported: if the property changes often, values in
   * between are left out. A handler that is connected to `changed::NAME` is called for that property only:
   *
   * ```c
   * static void
   * progress_changed (FerryProxy *proxy, const char *property, GVariant *value, gpointer bar)
   * {
   *   gtk_progress_bar_set_fraction (bar, g_variant_get_double (value));
   * }
   *
   * g_signal_connect (proxy, "changed::progress", G_CALLBACK (progress_changed), bar);
   * ferry_proxy_follow (proxy, (const char *[]){"progress", NULL}, NULL);
   * ```
   */
  signal_ids[SIGNAL_CHANGED] = g_signal_new ("changed", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0,
                                             NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);

  /**
   * FerryProxy::received:
   * @self: the proxy
   * @name: the name of the object's signal, also the detail of this one
   * @arguments: (transfer none): the arguments of the object's signal, a tuple
   *
   * The object has emitted a signal that is followed.
   */
  signal_ids[SIGNAL_RECEIVED] = g_signal_new ("received", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0,
                                              NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);

  /**
   * FerryProxy::missed:
   * @self: the proxy
   * @n: how many signals were left out
   *
   * The object emitted signals faster than they could be sent. @n signals were left out before the next
   * [signal@Ferry.Proxy::received].
   */
  signal_ids[SIGNAL_MISSED] =
    g_signal_new ("missed", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
}

static void
install_failures (void)
{
  /**
   * FerryProxy::set-failed:
   * @self: the proxy
   * @property: the name of the property
   * @error: the reason
   *
   * A property of a replica was set, and the object refused the value. The replica has the object's value again.
   */
  signal_ids[SIGNAL_SET_FAILED] = g_signal_new ("set-failed", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_ERROR);

  /**
   * FerryProxy::follow-failed:
   * @self: the proxy
   * @error: the reason
   *
   * [method@Ferry.Proxy.follow] or a replica cannot follow the object. It does not exist, %FERRY_ERROR_UNKNOWN_OBJECT;
   * or it lacks one of the members, %FERRY_ERROR_UNKNOWN_MEMBER. A member may not be read, %FERRY_ERROR_NOT_ALLOWED; or
   * the transport has ended, with the reason of its end. No changes are reported until an object that can be followed
   * is exported under the name.
   */
  signal_ids[SIGNAL_FOLLOW_FAILED] = g_signal_new ("follow-failed", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                                   NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
install_properties (void)
{
  /**
   * FerryProxy:transport:
   *
   * The transport over which the object is reached; %NULL if the object is in this process. It is another one after
   * [method@Ferry.Launcher.spawn_again]; that change is not notified. Any thread.
   */
  pspecs[PROP_TRANSPORT] = g_param_spec_object ("transport", NULL, NULL, FERRY_TYPE_TRANSPORT, FERRY_READABLE);

  /**
   * FerryProxy:name:
   *
   * The name under which the object is exported; %NULL if the proxy has only a reference to the object. Any thread.
   */
  pspecs[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, FERRY_READABLE);

  /**
   * FerryProxy:as-proxy:
   *
   * Whether results of calls and chains stay in the other process, so that this process gets proxies of them.
   * [method@Ferry.Proxy.resolve] has an option for a single chain, and proxies that come as results have the property
   * too. The function [method@Ferry.Proxy.get] always returns the value. Any thread; a change is notified on the thread
   * that sets it.
   */
  pspecs[PROP_AS_PROXY] = g_param_spec_boolean ("as-proxy", NULL, NULL, FALSE, FERRY_SETTABLE);

  /**
   * FerryProxy:listening: (getter get_listening)
   *
   * Whether the exporter listens, by its last report that has arrived. Proxies that came as results do not notify of
   * changes. After an exporter has left the transport, a new one at the other end is found only when a request or a
   * wait asks for it.
   */
  pspecs[PROP_LISTENING] = g_param_spec_boolean ("listening", NULL, NULL, FALSE, FERRY_READABLE);
}

static void
ferry_proxy_class_init (FerryProxyClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_proxy_get_property;
  object_class->set_property = ferry_proxy_set_property;
  ferry_revival_class_init (object_class);
  object_class->dispose = ferry_proxy_dispose;
  object_class->finalize = ferry_proxy_finalize;

  install_properties ();
  g_object_class_install_properties (object_class, N_PROPERTIES, pspecs);
  install_news ();
  install_failures ();
}

static void
ferry_proxy_init (FerryProxy *self)
{
  self->fork_number = ferry_forks_note ();
  self->weak = ferry_weak_new (self);
  self->context = g_main_context_ref_thread_default ();
}
