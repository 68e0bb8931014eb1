/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a proxy knows of an object that is followed. */

#include "config.h"

#include "object/ferry-proxy-private.h"

#include "base/ferry-error.h"
#include "route/ferry-home-private.h"

FerryProxy *
ferry_proxy_get_followable (FerryProxy *self, GError **error)
{
  g_autoptr (FerryTransport) here = NULL;
  g_autoptr (FerryTransport) there = NULL;

  if (self->name == NULL)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_OBJECT,
                           "Only objects with a name can be followed in their own process");
      return NULL;
    }
  ferry_transport_new_pair (&here, &there);
  return ferry_exporter_add_transport (self->exporter, there, error) ? ferry_proxy_new (here, self->name) : NULL;
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
      /* A name that is not followed would be kept for nobody. */
      if (before == NULL && g_hash_table_size (self->cached) >= FERRY_FOLLOW_MAX_NAMES)
        continue;
      g_hash_table_insert (self->cached, g_strdup (name), g_variant_ref (taken));
      ferry_proxy_emit_changed (self, name, taken);
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
    ferry_proxy_emit_missed (self, n_missed);
  g_variant_iter_init (&iter, emissions);
  while (self->feed != NULL && g_variant_iter_next (&iter, "(&sv)", &name, &arguments))
    {
      g_autoptr (GVariant) taken = arguments;

      if (g_variant_is_of_type (taken, G_VARIANT_TYPE_TUPLE))
        ferry_proxy_emit_received (self, name, taken);
    }
}

/* A proxy may be dropped on any thread, and be gone before the feed is closed. */
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
    ferry_proxy_emit_follow_failed (self, reason);
}

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static const FerryFeedFuncs feed_funcs = {.item = item_came, .silent = fell_silent, .destroy = weak_ref_free};

static void
forget_followed (FerryProxy *self)
{
  g_clear_pointer (&self->feed, ferry_feed_close);
  g_clear_pointer (&self->cached, g_hash_table_unref);
}

/**
 * ferry_proxy_follow:
 * @self: a proxy
 * @properties: (nullable) (array zero-terminated=1): the names of properties, or `*` for all that can be read
 * @signals: (nullable) (array zero-terminated=1): the names of signals
 *
 * Has this end told of the object's changes, in place of what was followed before: [signal@Ferry.Proxy::changed] with
 * the newest value of a property, first with the one that it has, [signal@Ferry.Proxy::received] with each signal. It
 * begins when the exporter listens, and begins again when it does so again, until the transport ends. The object is
 * never held up: of a property that changes quickly the values in between are left out, signals are counted that
 * nobody has taken for too long.
 *
 * Where one of them is not exported, nothing is told but that, by [signal@Ferry.Proxy::follow-failed].
 *
 * The thread of the proxy's main context.
 *
 * Since: 0.1
 */
void
ferry_proxy_follow (FerryProxy *self, const char *const *properties, const char *const *signals)
{
  GWeakRef *proxy;

  g_return_if_fail (FERRY_IS_PROXY (self));
  if (!ferry_home_check_context (self->context, G_STRFUNC))
    return;

  forget_followed (self);
  proxy = g_new (GWeakRef, 1);
  g_weak_ref_init (proxy, self);
  self->cached = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_variant_unref);
  self->feed = ferry_feed_open (self, properties, signals, FALSE, &feed_funcs, proxy);
}

/**
 * ferry_proxy_unfollow:
 * @self: a proxy
 *
 * Ends [method@Ferry.Proxy.follow], and forgets what was told. The thread of the proxy's main context.
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
