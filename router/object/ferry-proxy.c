/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "object/ferry-proxy-private.h"

#include "base/ferry-base-private.h"
#include "object/ferry-resolve-private.h"

/**
 * FerryProxy:
 *
 * Stands for an object that another process exports with a [class@Ferry.Exporter]. What it is asked is done there:
 * [method@Ferry.Proxy.call] and its siblings for a single operation, a [struct@Ferry.View] for a chain of them.
 *
 * A proxy by name is made whether or not there is such an object. One that came as a result has a reference to its
 * object, which keeps that alive until the proxy goes or the transport ends.
 *
 * Nothing hangs: the end of the transport, the stop of the exporter and deadlines end every call, with the reason.
 *
 * Any thread may use it, where nothing else is said. Its signals are emitted on the main context that was the thread's
 * default one when it was made.
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

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

/* ---- making ---- */

static gboolean
notify_listening (gpointer proxy)
{
  /* Before it is looked at: a change that comes now is told by another. */
  atomic_store (&FERRY_PROXY (proxy)->notifies, FALSE);
  g_object_notify_by_pspec (proxy, properties[PROP_LISTENING]);
  return G_SOURCE_REMOVE;
}

/* any: a proxy that is on its way out is not told. */
static void
state_changed (gpointer data)
{
  GWeakRef *proxy = data;
  g_autoptr (FerryProxy) self = g_weak_ref_get (proxy);
  g_autoptr (GSource) source = NULL;

  /* The other end may change that faster than a context is iterated. */
  if (self == NULL || atomic_exchange (&self->notifies, TRUE))
    return;
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[ferry] a proxy's state");
  g_source_set_callback (source, notify_listening, g_object_ref (self), g_object_unref);
  g_source_attach (source, self->context);
}

static void
exporter_changed (FerryExporter *exporter, GParamSpec *pspec, gpointer data)
{
  state_changed (data);
}

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static void
weak_ref_closure_free (gpointer data, GClosure *closure)
{
  weak_ref_free (data);
}

static GWeakRef *
weak_ref_new (FerryProxy *self)
{
  GWeakRef *proxy = g_new (GWeakRef, 1);

  g_weak_ref_init (proxy, self);
  return proxy;
}

static void
watch (FerryProxy *self)
{
  GWeakRef *proxy = weak_ref_new (self);

  if (self->link != NULL)
    self->watch = ferry_proxy_link_add_watch (self->link, FALSE, state_changed, proxy, weak_ref_free);
  else
    self->exporter_watch = g_signal_connect_data (self->exporter, "notify::listening", G_CALLBACK (exporter_changed),
                                                  proxy, weak_ref_closure_free, 0);
}

/**
 * ferry_proxy_new:
 * @transport: over which the object is reached
 * @name: the name under which it is exported
 *
 * Any thread. Nobody is asked whether there is such an object.
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
  self->link = ferry_proxy_link_get (transport);
  self->name = g_strdup (name);
  ferry_proxy_link_add_name (self->link, self, name);
  watch (self);
  return self;
}

/**
 * ferry_proxy_new_local:
 * @exporter: an exporter of this process
 * @name: the name under which it exports the object
 *
 * A proxy for the object's own process: the same can be done with it, to the same rules, and without traffic. Methods
 * are called by the thread that asks, where the exporter has them called on threads, and otherwise on its context.
 *
 * Any thread.
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
  watch (self);
  return self;
}

/* With the link's lock. */
FerryProxy *
ferry_proxy_new_for_reference (FerryProxyLink *link, const FerryViewResult *result)
{
  FerryProxy *self = g_object_new (FERRY_TYPE_PROXY, NULL);

  self->link = ferry_proxy_link_ref (link);
  self->name = g_strdup (result->name);
  self->interface = g_strdup (result->interface);
  self->generation = result->generation;
  self->number = result->number;
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

  return self->link != NULL ? ferry_mux_get_transport (ferry_proxy_link_get_mux (self->link)) : NULL;
}

/**
 * ferry_proxy_get_name:
 * @self: a proxy
 *
 * Any thread.
 *
 * Returns: (nullable): the name under which the object is exported, %NULL where it is known by reference only
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

  return self->link != NULL ? ferry_proxy_link_is_listening (self->link)
                            : ferry_exporter_get_listening (self->exporter);
}

/**
 * ferry_proxy_set_as_proxy:
 * @self: a proxy
 * @as_proxy: whether values stay where they are
 *
 * Has the values that its calls and views give stay in the other process, and be proxies here: what
 * [method@Ferry.View.set_as_proxy] does for one view, and the state in which its views begin. It is that of the proxies
 * that come so, too. [method@Ferry.Proxy.get] gives the value nevertheless. Any thread.
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

/* ---- signals ---- */

void
ferry_proxy_emit_changed (FerryProxy *self, const char *property, GVariant *value)
{
  /* The detail is one that somebody here has asked for, or nobody listens to it. */
  g_signal_emit (self, signals[SIGNAL_CHANGED], g_quark_try_string (property), property, value);
}

void
ferry_proxy_emit_received (FerryProxy *self, const char *signal, GVariant *arguments)
{
  g_signal_emit (self, signals[SIGNAL_RECEIVED], g_quark_try_string (signal), signal, arguments);
}

void
ferry_proxy_emit_missed (FerryProxy *self, guint64 n)
{
  g_signal_emit (self, signals[SIGNAL_MISSED], 0, n);
}

void
ferry_proxy_emit_follow_failed (FerryProxy *self, const GError *error)
{
  g_signal_emit (self, signals[SIGNAL_FOLLOW_FAILED], 0, error);
}

void
ferry_proxy_emit_set_failed (FerryProxy *self, const char *property, const GError *error)
{
  g_signal_emit (self, signals[SIGNAL_SET_FAILED], 0, property, error);
}

/* ---- the object ---- */

static void
ferry_proxy_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryProxy *self = FERRY_PROXY (object);

  switch (property_id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_LISTENING:
      g_value_set_boolean (value, ferry_proxy_get_listening (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_proxy_dispose (GObject *object)
{
  FerryProxy *self = FERRY_PROXY (object);

  ferry_take_over (object);
  g_clear_pointer (&self->feed, ferry_feed_close);
  if (self->watch != 0)
    ferry_proxy_link_remove_watch (self->link, self->watch);
  self->watch = 0;
  g_clear_signal_handler (&self->exporter_watch, self->exporter);

  G_OBJECT_CLASS (ferry_proxy_parent_class)->dispose (object);
}

static void
ferry_proxy_finalize (GObject *object)
{
  FerryProxy *self = FERRY_PROXY (object);

  if (self->link != NULL)
    {
      ferry_proxy_link_forget (self->link, self->name, self->generation, self->number);
      ferry_proxy_link_release (self->link, self->generation, self->number, self->n_references);
      ferry_proxy_link_unref (self->link);
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
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);

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
  signals[SIGNAL_RECEIVED] = g_signal_new ("received", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL,
                                           NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);

  /**
   * FerryProxy::missed:
   * @self: the proxy
   * @n: how many
   *
   * The object emitted signals faster than they could be told, and that many were left out, before those that come
   * next.
   *
   * Since: 0.1
   */
  signals[SIGNAL_MISSED] =
    g_signal_new ("missed", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
}

static void
install_failures (void)
{
  /**
   * FerryProxy::set-failed:
   * @self: the proxy
   * @property: the name of the property
   * @error: why
   *
   * What a replica was set to could not be set at the object, and the replica has the object's value again.
   *
   * Since: 0.1
   */
  signals[SIGNAL_SET_FAILED] = g_signal_new ("set-failed", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                             G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_ERROR);

  /**
   * FerryProxy::follow-failed:
   * @self: the proxy
   * @error: why
   *
   * What [method@Ferry.Proxy.follow] or a replica was to follow cannot be followed: there is no such object, as
   * %FERRY_ERROR_UNKNOWN_OBJECT, or it does not have one of the members, %FERRY_ERROR_UNKNOWN_MEMBER, or not for
   * reading, %FERRY_ERROR_NOT_ALLOWED; or the transport has ended, with the reason of that. Nothing is told then, until
   * the name stands for an object that can be followed.
   *
   * Since: 0.1
   */
  signals[SIGNAL_FOLLOW_FAILED] = g_signal_new ("follow-failed", FERRY_TYPE_PROXY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
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
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * FerryProxy:listening:
   *
   * Whether the exporter listens, as far as this end has heard. Proxies that came as results do not notify of it. Where
   * an exporter has left the transport, another one in its place is noticed once something is asked or waited for.
   *
   * Since: 0.1
   */
  properties[PROP_LISTENING] =
    g_param_spec_boolean ("listening", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  install_news ();
  install_failures ();
}

static void
ferry_proxy_init (FerryProxy *self)
{
  self->context = g_main_context_ref_thread_default ();
}
