/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A proxy: the object it stands for, whether the exporter listens, the interface's description, and what is told of an
 * object that it follows. Single operations are views of one step, in ferry-proxy-call.c: views know proxies, and
 * proxies know no views.
 *
 * Threads: any. What is followed is told on the main context that was the default one of the making thread.
 * Trust:   none in the names and values that the other end tells. */

#include "config.h"

#include "object/ferry-proxy-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "base/ferry-error.h"
#include "base/ferry-mailbox-private.h"
#include "base/ferry-property-private.h"
#include "call/ferry-mux-private.h"
#include "call/ferry-transport-private.h"
#include "object/ferry-interface-private.h"
#include "route/ferry-home-private.h"

struct _FerryProxy
{
  GObject parent_instance;

  FerryProxySession *session; /* const: (owned) (nullable): of an object in another process */
  FerryExporter *exporter;    /* const: (owned) (nullable): of one in this process */
  FerryExported *exported;    /* const: (owned) (nullable): of that, where it has no name here */
  char *name;                 /* const: (owned) (nullable): the object's */
  char *interface;            /* const: (owned) (nullable): the name of its interface, where that is known */
  guint64 generation;         /* const: 0: it has a name, as the next */
  guint64 number;
  _Atomic guint64 n_references; /* that came for it */

  GMainContext *context;           /* const: (owned): where it notifies */
  guint64 watch;                   /* const: of the session or the exporter; 0 for none */
  _Atomic gboolean as_proxy;       /* whether values stay where they are */
  _Atomic gboolean notifies;       /* its context is to notify of a change of whether it listens */
  FerrySubscription *subscription; /* the context's thread, as the next: (owned) (nullable) */
  GHashTable *cached; /* (element-type utf8 GVariant) (owned) (nullable): newest values of followed properties */
};

/**
 * FerryProxy:
 *
 * Stands for an object that another process exports with a [class@Ferry.Exporter]. Operations on the proxy are done in
 * that process: [method@Ferry.Proxy.call] and its siblings for a single operation, a [struct@Ferry.View] for a chain.
 *
 * A proxy by name can be made before the object exists. A proxy that came as a result has a reference to its object,
 * which keeps the object alive until the proxy goes or the transport ends.
 *
 * No call hangs: the end of the transport, the stop of the exporter and deadlines end every call, with the reason.
 *
 * Any thread may use a proxy, unless a function says otherwise. Its signals are emitted on the main context that was
 * the default one of the making thread.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FerryProxy, ferry_proxy, G_TYPE_OBJECT)

enum
{
  PROP_NAME = 1,
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
notify_listening (gpointer proxy)
{
  /* Before the state is read: a change from now on posts again. */
  atomic_store (&FERRY_PROXY (proxy)->notifies, FALSE);
  g_object_notify_by_pspec (proxy, pspecs[PROP_LISTENING]);
}

/* any: a proxy that is on its way out is not told. */
static void
state_changed (gpointer data)
{
  GWeakRef *proxy = data;
  g_autoptr (FerryProxy) self = g_weak_ref_get (proxy);

  /* One post for many changes: the other end may change faster than the context iterates. */
  if (self != NULL && !atomic_exchange (&self->notifies, TRUE))
    ferry_mailbox_post (self->context, notify_listening, g_object_ref (self), g_object_unref);
}

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static GWeakRef *
weak_ref_new (FerryProxy *self)
{
  GWeakRef *proxy = g_new (GWeakRef, 1);

  g_weak_ref_init (proxy, self);
  return proxy;
}

/* Calls func with each change of whether the exporter listens. Returns a number to end that by. */
static guint64
add_watch (FerryProxy *self, FerryProxySessionFunc func, gpointer data, GDestroyNotify destroy)
{
  if (self->session != NULL)
    return ferry_proxy_session_add_watch (self->session, FALSE, func, data, destroy);
  return g_signal_connect_data (self->exporter, "notify::listening", G_CALLBACK (func), data,
                                (GClosureNotify) (GCallback) destroy, G_CONNECT_SWAPPED);
}

static void
remove_watch (FerryProxy *self, guint64 watch)
{
  if (self->session != NULL)
    ferry_proxy_session_remove_watch (self->session, watch);
  else
    g_signal_handler_disconnect (self->exporter, (gulong) watch);
}

/**
 * ferry_proxy_new:
 * @transport: the transport to the object's process
 * @name: the name under which the object is exported
 *
 * Makes a proxy. It does not ask the other end whether the object exists. Any thread.
 *
 * Returns: (transfer full): a proxy of the object
 *
 * Since: 0.1
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
  ferry_proxy_session_add_name (self->session, self, name);
  self->watch = add_watch (self, state_changed, weak_ref_new (self), weak_ref_free);
  return self;
}

/**
 * ferry_proxy_new_local:
 * @exporter: an exporter of this process
 * @name: the name under which the object is exported
 *
 * Makes a proxy for the object's own process. It does the same by the same rules, without traffic. Where the exporter
 * calls methods on threads, the asking thread calls them; otherwise the exporter's context does. Any thread.
 *
 * Returns: (transfer full): a proxy of the object
 *
 * Since: 0.1
 */
FerryProxy *
ferry_proxy_new_local (FerryExporter *exporter, const char *name)
{
  FerryProxy *self;

  g_return_val_if_fail (FERRY_IS_EXPORTER (exporter), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  self = g_object_new (FERRY_TYPE_PROXY, NULL);
  self->exporter = g_object_ref (exporter);
  self->name = g_strdup (name);
  self->watch = add_watch (self, state_changed, weak_ref_new (self), weak_ref_free);
  return self;
}

FerryProxy *
ferry_proxy_new_for_exported (FerryExporter *exporter, FerryExported *exported)
{
  FerryProxy *self = g_object_new (FERRY_TYPE_PROXY, NULL);

  self->exporter = g_object_ref (exporter);
  self->exported = ferry_exported_ref (exported);
  self->name = ferry_exported_dup_name (exported);
  return self;
}

/* With the session's lock. */
static FerryProxy *
new_for_reference (FerryProxy *asker, const FerryViewResult *result)
{
  FerryProxy *self = g_object_new (FERRY_TYPE_PROXY, NULL);

  self->session = ferry_proxy_session_ref (asker->session);
  self->name = g_strdup (result->name);
  self->interface = g_strdup (result->interface);
  self->generation = result->generation;
  self->number = result->number;
  ferry_proxy_set_as_proxy (self, ferry_proxy_get_as_proxy (asker));
  return self;
}

FerryProxy *
ferry_proxy_take_object (FerryProxy *self, const FerryViewResult *result)
{
  gboolean by_name = result->name != NULL && self->generation == 0 && g_str_equal (result->name, self->name);
  FerryProxy *proxy;

  if (by_name)
    proxy = g_object_ref (self);
  else
    proxy = ferry_proxy_session_find_or_make (self->session, result, new_for_reference, self, &by_name);
  /* Relaxed: the count is read when no other thread has the proxy any more. */
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

FerryExporter *
ferry_proxy_get_exporter (FerryProxy *self)
{
  return self->exporter;
}

void
ferry_proxy_get_root (FerryProxy *self, FerryObjectRoot *root)
{
  *root = (FerryObjectRoot){self->name != NULL ? self->name : "", self->generation, self->number};
}

FerryExported *
ferry_proxy_find_exported (FerryProxy *self, GError **error)
{
  if (self->exported != NULL)
    return ferry_exported_ref (self->exported);
  return ferry_exporter_find (self->exporter, self->name, error);
}

/**
 * ferry_proxy_get_transport:
 * @self: a proxy
 *
 * Any thread.
 *
 * Returns: (transfer none) (nullable): over which the object is reached, %NULL in its own process
 *
 * Since: 0.1
 */
FerryTransport *
ferry_proxy_get_transport (FerryProxy *self)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);

  return self->session != NULL ? ferry_mux_get_transport (ferry_proxy_session_get_mux (self->session)) : NULL;
}

/**
 * ferry_proxy_get_name:
 * @self: a proxy
 *
 * Any thread.
 *
 * Returns: (nullable): the name under which the object is exported, %NULL where the proxy has only a reference
 *
 * Since: 0.1
 */
const char *
ferry_proxy_get_name (FerryProxy *self)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);

  return self->name;
}

/**
 * ferry_proxy_get_listening:
 * @self: a proxy
 *
 * Whether the exporter listens, as far as this end has heard. Any thread.
 *
 * Returns: whether it does
 *
 * Since: 0.1
 */
gboolean
ferry_proxy_get_listening (FerryProxy *self)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);

  return self->session != NULL ? ferry_proxy_session_is_listening (self->session)
                               : ferry_exporter_get_listening (self->exporter);
}

/**
 * ferry_proxy_set_as_proxy:
 * @self: a proxy
 * @as_proxy: whether results stay in the other process
 *
 * Keeps the results of calls and views in the other process and makes proxies of them here. It is the initial state of
 * [method@Ferry.View.set_as_proxy] for the proxy's views, and those proxies have it too. [method@Ferry.Proxy.get] gives
 * the value nevertheless. Any thread.
 *
 * Since: 0.1
 */
void
ferry_proxy_set_as_proxy (FerryProxy *self, gboolean as_proxy)
{
  g_return_if_fail (FERRY_IS_PROXY (self));

  /* Relaxed, as below: nothing else goes by it. */
  atomic_store_explicit (&self->as_proxy, as_proxy, memory_order_relaxed);
}

/**
 * ferry_proxy_get_as_proxy:
 * @self: a proxy
 *
 * Any thread.
 *
 * Returns: whether values stay where they are, unless a view says otherwise
 *
 * Since: 0.1
 */
gboolean
ferry_proxy_get_as_proxy (FerryProxy *self)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);

  return atomic_load_explicit (&self->as_proxy, memory_order_relaxed);
}

/* ---- what the object's interface has: asked once for each object, as long as the exporter is the same ---- */

/* The key of the description: objects without a name share that of their interface. */
static char *
dup_key (FerryProxy *self)
{
  return self->generation != 0 && self->interface != NULL ? g_strconcat ("#", self->interface, NULL)
                                                          : g_strconcat ("/", self->name, NULL);
}

GDBusInterfaceInfo *
ferry_proxy_dup_info (FerryProxy *self)
{
  g_autofree char *key = NULL;

  if (self->session == NULL)
    return NULL;
  key = dup_key (self);
  return ferry_proxy_session_dup_info (self->session, key);
}

static GDBusInterfaceInfo *
describe_here (FerryProxy *self, GError **error)
{
  g_autoptr (FerryExported) exported = ferry_proxy_find_exported (self, error);

  if (exported != NULL && exported->interface == NULL)
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_OBJECT, "A value has no description");
  return exported != NULL && exported->interface != NULL ? ferry_interface_create_info (exported->interface) : NULL;
}

static GDBusInterfaceInfo *
take_description (FerryProxy *self, guint64 edition, GVariant *description, GError **error)
{
  GDBusInterfaceInfo *info = ferry_description_to_info (description, error);
  g_autofree char *key = dup_key (self);

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

/**
 * ferry_proxy_describe:
 * @self: a proxy
 * @timeout: how long to wait at the most, in microseconds; negative: as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Gives the description of the object's interface: methods, properties, signals. It is asked for once, until names
 * change at the other end. From then on, a member that is missing in it costs no trip.
 *
 * Threads and errors are those of [method@Ferry.View.resolve], and %FERRY_ERROR_PROTOCOL where the answer is no
 * description.
 *
 * Returns: (transfer full) (nullable): the description, or %NULL with an error
 *
 * Since: 0.1
 */
GDBusInterfaceInfo *
ferry_proxy_describe (FerryProxy *self, gint64 timeout, GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) description = NULL;
  GDBusInterfaceInfo *info;
  guint64 edition;

  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);

  if (self->session == NULL)
    return describe_here (self, error);
  info = ferry_proxy_dup_info (self);
  if (info != NULL)
    return info;
  edition = ferry_proxy_session_get_edition (self->session);
  if (!ferry_proxy_session_check_listening (self->session, error) ||
      !ferry_mux_transact (ferry_proxy_session_get_mux (self->session), FERRY_OBJECT_METHOD_DESCRIBE,
                           new_request (self), timeout, cancellable, &description, error))
    return NULL;
  return take_description (self, edition, description, error);
}

static void
described_cb (GObject *mux, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  FerryProxy *self = g_task_get_source_object (task);
  g_autoptr (GVariant) description = NULL;
  GDBusInterfaceInfo *info = NULL;
  GError *error = NULL;

  if (ferry_mux_transact_finish (FERRY_MUX (mux), result, &description, &error))
    info = take_description (self, *(guint64 *) g_task_get_task_data (task), description, &error);
  if (info != NULL)
    g_task_return_pointer (task, info, (GDestroyNotify) g_dbus_interface_info_unref);
  else
    g_task_return_error (task, error);
}

/**
 * ferry_proxy_describe_async:
 * @self: a proxy
 * @timeout: how long to wait at the most, in microseconds; negative: as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called with the end
 * @user_data: data for @callback
 *
 * As [method@Ferry.Proxy.describe], without waiting. Any thread.
 *
 * Since: 0.1
 */
void
ferry_proxy_describe_async (FerryProxy *self, gint64 timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GDBusInterfaceInfo *info;
  GError *error = NULL;
  guint64 edition;

  g_return_if_fail (FERRY_IS_PROXY (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_proxy_describe_async);
  info = self->session == NULL ? describe_here (self, &error) : ferry_proxy_dup_info (self);
  if (info != NULL)
    g_task_return_pointer (task, info, (GDestroyNotify) g_dbus_interface_info_unref);
  else if (error != NULL || !ferry_proxy_session_check_listening (self->session, &error))
    g_task_return_error (task, error);
  else
    {
      edition = ferry_proxy_session_get_edition (self->session);
      g_task_set_task_data (task, g_memdup2 (&edition, sizeof edition), g_free);
      ferry_mux_transact_async (ferry_proxy_session_get_mux (self->session), FERRY_OBJECT_METHOD_DESCRIBE,
                                new_request (self), timeout, cancellable, described_cb, g_steal_pointer (&task));
    }
}

/**
 * ferry_proxy_describe_finish:
 * @self: a proxy
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.describe_async]; fails as [method@Ferry.Proxy.describe] does. Any thread.
 *
 * Returns: (transfer full) (nullable): the description, or %NULL with an error
 *
 * Since: 0.1
 */
GDBusInterfaceInfo *
ferry_proxy_describe_finish (FerryProxy *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

/* ---- an object that is followed ---- */

/* For a proxy in the object's own process: one over a transport to it, which can be asked for a subscription.
 * Returns (transfer full) (nullable): with FERRY_ERROR_UNKNOWN_OBJECT. */
static FerryProxy *
get_followable (FerryProxy *self, GError **error)
{
  g_autoptr (FerryTransport) here = NULL;
  g_autoptr (FerryTransport) there = NULL;

  if (self->name == NULL)
    {
      ferry_set_error (error, FERRY_ERROR_UNKNOWN_OBJECT,
                       "Only objects with a name can be followed in their own process");
      return NULL;
    }
  ferry_transport_new_pair (&here, &there);
  return ferry_exporter_add_transport (self->exporter, there, error) ? ferry_proxy_new (here, self->name) : NULL;
}

FerrySubscription *
ferry_proxy_open_subscription (FerryProxy *self, const char *const *properties, const char *const *signals,
                               gboolean list, const FerrySubscriptionFuncs *funcs, gpointer data)
{
  FerrySubscriptionSource source = {0};
  FerryProxy *followed = self;

  if (self->session == NULL)
    source.other = get_followable (self, &source.refusal);
  if (source.other != NULL)
    followed = source.other;
  source.session = followed->session;
  ferry_proxy_get_root (followed, &source.root);
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
      /* A name that is not followed has no use for its value. */
      if (before == NULL && g_hash_table_size (self->cached) >= FERRY_FOLLOW_MAX_NAMES)
        continue;
      g_hash_table_insert (self->cached, g_strdup (name), g_variant_ref (taken));
      /* The detail is one that this process has asked for already, or no handler is connected to it. */
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

/* A proxy may be dropped on any thread, and be gone before the subscription is closed. */
static void
item_came (gpointer data, GVariant *item, gboolean is_first)
{
  g_autoptr (FerryProxy) self = g_weak_ref_get (data);

  if (self == NULL)
    return;
  take_properties (self, item);
  take_signals (self, item);
}

static void
fell_silent (gpointer data, const GError *reason, gboolean for_ever)
{
  g_autoptr (FerryProxy) self = g_weak_ref_get (data);

  if (for_ever && self != NULL)
    g_signal_emit (self, signal_ids[SIGNAL_FOLLOW_FAILED], 0, reason);
}

static const FerrySubscriptionFuncs subscription_funcs = {
  .item = item_came, .silent = fell_silent, .destroy = weak_ref_free};

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
 * Follows the object's changes, instead of what was followed before. [signal@Ferry.Proxy::changed] tells the newest
 * value of a property, beginning with the present one; [signal@Ferry.Proxy::received] tells each signal. Following
 * begins each time the exporter begins to listen, until the transport ends. The object never waits for it: values that
 * are overtaken are left out, and signals that wait for too long are counted instead.
 *
 * Where a name is not exported, [signal@Ferry.Proxy::follow-failed] says so, and nothing else is told.
 *
 * The thread of the proxy's main context.
 *
 * Since: 0.1
 */
void
ferry_proxy_follow (FerryProxy *self, const char *const *properties, const char *const *signals)
{
  g_return_if_fail (FERRY_IS_PROXY (self));
  if (!ferry_home_check_context (self->context, G_STRFUNC))
    return;

  forget_followed (self);
  self->cached = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_variant_unref);
  self->subscription =
    ferry_proxy_open_subscription (self, properties, signals, FALSE, &subscription_funcs, weak_ref_new (self));
}

/**
 * ferry_proxy_unfollow:
 * @self: a proxy
 *
 * Ends [method@Ferry.Proxy.follow], and forgets the values. The thread of the proxy's main context.
 *
 * Since: 0.1
 */
void
ferry_proxy_unfollow (FerryProxy *self)
{
  g_return_if_fail (FERRY_IS_PROXY (self));
  if (!ferry_home_check_context (self->context, G_STRFUNC))
    return;

  forget_followed (self);
}

/**
 * ferry_proxy_dup_cached:
 * @self: a proxy
 * @property: the name of a property that is followed
 *
 * The thread of the proxy's main context.
 *
 * Returns: (transfer full) (nullable): the newest value that was told, %NULL where there is none
 *
 * Since: 0.1
 */
GVariant *
ferry_proxy_dup_cached (FerryProxy *self, const char *property)
{
  GVariant *value;

  g_return_val_if_fail (FERRY_IS_PROXY (self), NULL);
  g_return_val_if_fail (property != NULL, NULL);
  if (!ferry_home_check_context (self->context, G_STRFUNC))
    return NULL;

  value = self->cached != NULL ? g_hash_table_lookup (self->cached, property) : NULL;
  return value != NULL ? g_variant_ref (value) : NULL;
}

/* ---- waiting until its exporter listens, or never will ---- */

/* A completion's data. */
typedef struct
{
  FerryProxy *proxy; /* (owned) */
  guint64 watch;
} Wait;

/* Returns whether there is more to wait for: it does not listen, and may. */
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
  GMainContext *context;

  if (self->session != NULL)
    return ferry_transport_check_may_wait (ferry_proxy_get_transport (self), async_form, error);
  context = ferry_exporter_get_context (self->exporter);
  if (!g_main_context_is_owner (NULL) && (context == NULL || !g_main_context_is_owner (context)))
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_WRONG_THREAD,
                          "To wait on this thread would hold up its main loop; use %s, or another thread", async_form);
}

static GError *
wait_abandoned (gpointer data, FerryAbandonReason reason)
{
  if (reason == FERRY_ABANDON_CANCELLED)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The waiting was cancelled");
  return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "The exporter has not begun to listen in time");
}

static void
wait_clear (gpointer data)
{
  g_object_unref (((Wait *) data)->proxy);
}

static const FerryCompletionFuncs wait_funcs = {wait_abandoned, wait_clear};

/* any: the exporter's state has changed. */
static void
look (gpointer completion)
{
  Wait *self = ferry_completion_get_data (completion);
  GError *error = NULL;

  if (!may_listen_later (self->proxy, &error))
    ferry_completion_finish (completion, error == NULL ? self->proxy : NULL, NULL, error);
}

/* Returns (transfer full): ends when the exporter listens, or never will. */
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

/* After its end: nothing looks any more. */
static void
end_wait (FerryCompletion *completion)
{
  const Wait *self = ferry_completion_get_data (completion);

  remove_watch (self->proxy, self->watch);
}

/**
 * ferry_proxy_wait_until_listening:
 * @self: a proxy
 * @timeout: how long to wait at the most, in microseconds; negative: as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Waits until the exporter listens. It fails at once where the exporter never will, because its worker has ended.
 *
 * Any thread, except that of the default main context and the one that receives.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT, %G_IO_ERROR_CANCELLED, %FERRY_ERROR_WRONG_THREAD, with %FERRY_ERROR_NOT_LISTENING
 * when the exporter leaves the transport, and with the reason of the transport's end, such as %FERRY_ERROR_CLOSED and
 * %FERRY_ERROR_WORKER_LOST.
 *
 * Returns: whether it listens
 *
 * Since: 0.1
 */
gboolean
ferry_proxy_wait_until_listening (FerryProxy *self, gint64 timeout, GCancellable *cancellable, GError **error)
{
  g_autoptr (FerryCompletion) completion = NULL;

  g_return_val_if_fail (FERRY_IS_PROXY (self), FALSE);

  /* In this process it is seen at once. */
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
 * @timeout: how long to wait at the most, in microseconds; negative: as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called with the end
 * @user_data: data for @callback
 *
 * As [method@Ferry.Proxy.wait_until_listening], without waiting. Any thread.
 *
 * Since: 0.1
 */
void
ferry_proxy_wait_until_listening_async (FerryProxy *self, gint64 timeout, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (FerryCompletion) completion = NULL;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (FERRY_IS_PROXY (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_proxy_wait_until_listening_async);
  completion = begin_wait (self);
  g_signal_connect_data (task, "notify::completed", G_CALLBACK (end_wait), ferry_completion_ref (completion),
                         (GClosureNotify) (GCallback) ferry_completion_unref, G_CONNECT_SWAPPED);
  ferry_completion_return_boolean (completion, task, ferry_deadline_after (timeout));
}

/**
 * ferry_proxy_wait_until_listening_finish:
 * @self: a proxy
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Proxy.wait_until_listening_async]; fails as [method@Ferry.Proxy.wait_until_listening] does. Any
 * thread.
 *
 * Returns: whether it listens
 *
 * Since: 0.1
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
  static const GCallback getters[N_PROPERTIES] = {
    [PROP_NAME] = G_CALLBACK (ferry_proxy_get_name),
    [PROP_LISTENING] = G_CALLBACK (ferry_proxy_get_listening),
  };

  ferry_property_get (object, getters[property_id], value);
}

static void
ferry_proxy_dispose (GObject *object)
{
  FerryProxy *self = FERRY_PROXY (object);

  ferry_take_over (object);
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
  g_clear_pointer (&self->exported, ferry_exported_unref);
  g_clear_object (&self->exporter);
  g_clear_pointer (&self->cached, g_hash_table_unref);
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
   * @property: the name of the property, which is the detail as well
   * @value: its newest value
   *
   * A property that is followed has another value. Values that were overtaken on the way are left out.
   *
   * Since: 0.1
   */
  signal_ids[SIGNAL_CHANGED] = g_signal_new ("changed", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0,
                                             NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);

  /**
   * FerryProxy::received:
   * @self: the proxy
   * @name: the name of the signal, which is the detail as well
   * @arguments: its arguments, a tuple
   *
   * The object has emitted a signal that is followed.
   *
   * Since: 0.1
   */
  signal_ids[SIGNAL_RECEIVED] = g_signal_new ("received", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0,
                                              NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);

  /**
   * FerryProxy::missed:
   * @self: the proxy
   * @n: how many
   *
   * The object emitted signals faster than they could be told. @n signals before the next one were left out.
   *
   * Since: 0.1
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
   * The object refused a value that a replica was set to. The replica has the object's value again.
   *
   * Since: 0.1
   */
  signal_ids[SIGNAL_SET_FAILED] = g_signal_new ("set-failed", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_ERROR);

  /**
   * FerryProxy::follow-failed:
   * @self: the proxy
   * @error: the reason
   *
   * [method@Ferry.Proxy.follow] or a replica cannot follow the object: it does not exist, %FERRY_ERROR_UNKNOWN_OBJECT;
   * it lacks one of the members, %FERRY_ERROR_UNKNOWN_MEMBER; a member may not be read, %FERRY_ERROR_NOT_ALLOWED; or
   * the transport has ended, with that reason. Nothing is told until the name stands for an object that can be
   * followed.
   *
   * Since: 0.1
   */
  signal_ids[SIGNAL_FOLLOW_FAILED] = g_signal_new ("follow-failed", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                                   NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
ferry_proxy_class_init (FerryProxyClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_proxy_get_property;
  object_class->dispose = ferry_proxy_dispose;
  object_class->finalize = ferry_proxy_finalize;

  /**
   * FerryProxy:name:
   *
   * The name under which the object is exported, where it is known.
   *
   * Since: 0.1
   */
  pspecs[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * FerryProxy:listening:
   *
   * Whether the exporter listens, as far as this end has heard. Proxies that came as results do not notify of it. Where
   * an exporter has left the transport, another one in its place is noticed once something is asked or waited for.
   *
   * Since: 0.1
   */
  pspecs[PROP_LISTENING] =
    g_param_spec_boolean ("listening", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPERTIES, pspecs);
  install_news ();
  install_failures ();
}

static void
ferry_proxy_init (FerryProxy *self)
{
  self->context = g_main_context_ref_thread_default ();
}
