/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An exchange's settings, and what it says of itself. */

#include "config.h"

#include "channel/ferry-exchange-private.h"

enum
{
  PROP_0,
  PROP_ACTIVE,
  PROP_N_ACTIVE,
  PROP_N_WAITING,
  PROP_LIMIT,
  PROP_AUTOCLOSE,
  PROP_FLOWING,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

void
ferry_exchange_notify_active (FerryExchange *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_ACTIVE]);
}

void
ferry_exchange_notify_waiting (FerryExchange *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_WAITING]);
}

/**
 * ferry_exchange_get_active: (get-property active)
 * @self: an exchange
 *
 * Its channels, in the order in which they were added. On the router's thread; without a router, on the thread that
 * made the exchange.
 *
 * Returns: (transfer none): a list of [class@Ferry.Channel]
 *
 * Since: 0.1
 */
GListModel *
ferry_exchange_get_active (FerryExchange *self)
{
  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), NULL);
  ferry_return_val_if_elsewhere (self->home, NULL);

  return G_LIST_MODEL (self->active);
}

/**
 * ferry_exchange_get_n_active: (get-property n-active)
 * @self: an exchange
 *
 * Counts the channels of the exchange. On the router's thread; without a router, on the thread that made the exchange.
 *
 * Returns: how many channels it has
 *
 * Since: 0.1
 */
guint
ferry_exchange_get_n_active (FerryExchange *self)
{
  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return g_list_model_get_n_items (G_LIST_MODEL (self->active));
}

/**
 * ferry_exchange_get_n_waiting: (get-property n-waiting)
 * @self: an exchange
 *
 * Counts the workers and channels that wait for their turn.
 * On the router's thread; without a router, on the thread that made the exchange.
 *
 * Returns: how many workers and channels wait for their turn
 *
 * Since: 0.1
 */
guint
ferry_exchange_get_n_waiting (FerryExchange *self)
{
  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->waiting.length;
}

/**
 * ferry_exchange_set_limit: (set-property limit)
 * @self: an exchange
 * @limit: how many; 0 for any number
 *
 * Sets how many workers run at a time at the most: channels that have not come to their end. On the router's thread;
 * without a router, on the thread that made the exchange.
 *
 * Since: 0.1
 */
void
ferry_exchange_set_limit (FerryExchange *self, guint limit)
{
  g_return_if_fail (FERRY_IS_EXCHANGE (self));
  ferry_return_if_elsewhere (self->home);

  if (self->limit == limit)
    return;
  self->limit = limit;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LIMIT]);
  ferry_exchange_start_waiting (self, NULL);
}

/**
 * ferry_exchange_get_limit: (get-property limit)
 * @self: an exchange
 *
 * Gets the number of workers that may run at a time.
 * On the router's thread; without a router, on the thread that made the exchange.
 *
 * Returns: how many workers run at a time at the most; 0 for any number
 *
 * Since: 0.1
 */
guint
ferry_exchange_get_limit (FerryExchange *self)
{
  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->limit;
}

/**
 * ferry_exchange_set_autoclose: (set-property autoclose)
 * @self: an exchange
 * @autoclose: whether channels are removed at their end
 *
 * Sets whether channels are removed when they have come to their end, from now on. On the router's thread; without a
 * router, on the thread that made the exchange.
 *
 * Since: 0.1
 */
void
ferry_exchange_set_autoclose (FerryExchange *self, gboolean autoclose)
{
  g_return_if_fail (FERRY_IS_EXCHANGE (self));
  ferry_return_if_elsewhere (self->home);

  if (self->autoclose == !!autoclose)
    return;
  self->autoclose = !!autoclose;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_AUTOCLOSE]);
}

/**
 * ferry_exchange_get_autoclose: (get-property autoclose)
 * @self: an exchange
 *
 * Tells whether channels are removed at their end.
 * On the router's thread; without a router, on the thread that made the exchange.
 *
 * Returns: whether channels are removed at their end; %TRUE by default
 *
 * Since: 0.1
 */
gboolean
ferry_exchange_get_autoclose (FerryExchange *self)
{
  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  ferry_return_val_if_elsewhere (self->home, FALSE);

  return self->autoclose;
}

/**
 * ferry_exchange_set_flowing: (set-property flowing)
 * @self: an exchange
 * @flowing: whether messages go to the handlers of [signal@Ferry.Exchange::data]
 *
 * Has messages of all channels go to the handlers of [signal@Ferry.Exchange::data], or stay until they are taken from
 * the channels. Those that came before go there as well. Connect the handlers first. On the router's thread; without a
 * router, on the thread that made the exchange.
 *
 * Since: 0.1
 */
void
ferry_exchange_set_flowing (FerryExchange *self, gboolean flowing)
{
  GHashTableIter iter;
  gpointer channel;

  g_return_if_fail (FERRY_IS_EXCHANGE (self));
  ferry_return_if_elsewhere (self->home);

  if (self->flowing == !!flowing)
    return;
  self->flowing = !!flowing;
  g_hash_table_iter_init (&iter, self->members);
  while (g_hash_table_iter_next (&iter, &channel, NULL))
    ferry_channel_tell_news (channel);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FLOWING]);
}

/**
 * ferry_exchange_get_flowing: (get-property flowing)
 * @self: an exchange
 *
 * Tells whether messages go to handlers, or wait until they are asked for.
 * On the router's thread; without a router, on the thread that made the exchange.
 *
 * Returns: whether messages go to the handlers of [signal@Ferry.Exchange::data]
 *
 * Since: 0.1
 */
gboolean
ferry_exchange_get_flowing (FerryExchange *self)
{
  g_return_val_if_fail (FERRY_IS_EXCHANGE (self), FALSE);
  ferry_return_val_if_elsewhere (self->home, FALSE);

  return self->flowing;
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryExchange *self = FERRY_EXCHANGE (object);

  switch (id)
    {
    case PROP_ACTIVE:
      g_value_set_object (value, ferry_exchange_get_active (self));
      break;
    case PROP_N_ACTIVE:
      g_value_set_uint (value, ferry_exchange_get_n_active (self));
      break;
    case PROP_N_WAITING:
      g_value_set_uint (value, ferry_exchange_get_n_waiting (self));
      break;
    case PROP_LIMIT:
      g_value_set_uint (value, ferry_exchange_get_limit (self));
      break;
    case PROP_AUTOCLOSE:
      g_value_set_boolean (value, ferry_exchange_get_autoclose (self));
      break;
    case PROP_FLOWING:
      g_value_set_boolean (value, ferry_exchange_get_flowing (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryExchange *self = FERRY_EXCHANGE (object);

  switch (id)
    {
    case PROP_LIMIT:
      ferry_exchange_set_limit (self, g_value_get_uint (value));
      break;
    case PROP_AUTOCLOSE:
      ferry_exchange_set_autoclose (self, g_value_get_boolean (value));
      break;
    case PROP_FLOWING:
      ferry_exchange_set_flowing (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

#define READABLE (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)
#define SETTING (G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)

void
ferry_exchange_install_properties (GObjectClass *object_class)
{
  object_class->get_property = get_property;
  object_class->set_property = set_property;

  /**
   * FerryExchange:active: (getter get_active)
   *
   * Its channels, in the order in which they were added.
   *
   * Since: 0.1
   */
  properties[PROP_ACTIVE] = g_param_spec_object ("active", NULL, NULL, G_TYPE_LIST_MODEL, READABLE);

  /**
   * FerryExchange:n-active: (getter get_n_active)
   *
   * How many channels it has.
   *
   * Since: 0.1
   */
  properties[PROP_N_ACTIVE] = g_param_spec_uint ("n-active", NULL, NULL, 0, G_MAXUINT, 0, READABLE);

  /**
   * FerryExchange:n-waiting: (getter get_n_waiting)
   *
   * How many workers and channels wait for their turn.
   *
   * Since: 0.1
   */
  properties[PROP_N_WAITING] = g_param_spec_uint ("n-waiting", NULL, NULL, 0, G_MAXUINT, 0, READABLE);

  /**
   * FerryExchange:limit: (getter get_limit) (setter set_limit)
   *
   * How many workers run at a time at the most; 0 for any number.
   *
   * Since: 0.1
   */
  properties[PROP_LIMIT] = g_param_spec_uint ("limit", NULL, NULL, 0, G_MAXUINT, 0, SETTING);

  /**
   * FerryExchange:autoclose: (getter get_autoclose) (setter set_autoclose)
   *
   * Whether channels are removed at their end.
   *
   * Since: 0.1
   */
  properties[PROP_AUTOCLOSE] = g_param_spec_boolean ("autoclose", NULL, NULL, TRUE, SETTING);

  /**
   * FerryExchange:flowing: (getter get_flowing) (setter set_flowing)
   *
   * Whether messages go to the handlers of [signal@Ferry.Exchange::data].
   *
   * Since: 0.1
   */
  properties[PROP_FLOWING] = g_param_spec_boolean ("flowing", NULL, NULL, FALSE, SETTING);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}
