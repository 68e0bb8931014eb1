/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A channel's settings, and what it says of itself. */

#include "config.h"

#include "channel/ferry-channel-outgoing-private.h"

enum
{
  PROP_0,
  PROP_TRANSPORT,
  PROP_FLOWING,
  PROP_CLOSED,
  PROP_WRITABLE,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];
void
ferry_channel_notify_writable (FerryChannel *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_WRITABLE]);
}

void
ferry_channel_notify_closed (FerryChannel *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CLOSED]);
}

/**
 * ferry_channel_get_transport: (get-property transport)
 * @self: a channel
 *
 * Any thread.
 *
 * Returns: (transfer none): what carries its messages
 *
 * Since: 0.1
 */
FerryTransport *
ferry_channel_get_transport (FerryChannel *self)
{
  g_return_val_if_fail (FERRY_IS_CHANNEL (self), NULL);

  return self->transport;
}

/**
 * ferry_channel_set_flowing: (set-property flowing)
 * @self: a channel
 * @flowing: whether messages go to the handlers of [signal@Ferry.Channel::message]
 *
 * Has messages go to the handlers of [signal@Ferry.Channel::message], or stay until they are taken. Those that came
 * before go there as well. Connect the handlers first. Any thread.
 *
 * Since: 0.1
 */
void
ferry_channel_set_flowing (FerryChannel *self, gboolean flowing)
{
  gboolean changed;

  g_return_if_fail (FERRY_IS_CHANNEL (self));

  pthread_mutex_lock (&self->lock);
  changed = self->flowing != !!flowing;
  self->flowing = !!flowing;
  if (flowing && self->in.length > 0)
    ferry_channel_tell_locked (self, FERRY_CHANNEL_TELL_MESSAGES);
  pthread_mutex_unlock (&self->lock);
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FLOWING]);
}

/**
 * ferry_channel_get_flowing: (get-property flowing)
 * @self: a channel
 *
 * Any thread.
 *
 * Returns: whether messages go to the handlers of [signal@Ferry.Channel::message]
 *
 * Since: 0.1
 */
gboolean
ferry_channel_get_flowing (FerryChannel *self)
{
  gboolean flowing;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), FALSE);

  pthread_mutex_lock (&self->lock);
  flowing = self->flowing;
  pthread_mutex_unlock (&self->lock);
  return flowing;
}

/**
 * ferry_channel_get_closed: (get-property closed)
 * @self: a channel
 *
 * Whether nothing more comes: the other end has closed, failed or gone. What came before may still be there to be
 * taken, and says how it ended. Any thread.
 *
 * Returns: %TRUE when nothing more comes
 *
 * Since: 0.1
 */
gboolean
ferry_channel_get_closed (FerryChannel *self)
{
  gboolean closed;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), TRUE);

  pthread_mutex_lock (&self->lock);
  closed = self->ended || self->lost != NULL;
  pthread_mutex_unlock (&self->lock);
  return closed;
}

/**
 * ferry_channel_get_writable: (get-property writable)
 * @self: a channel
 *
 * Whether a message can be sent at once. After one failed with %FERRY_ERROR_WOULD_BLOCK, it is notified when it is
 * %TRUE again. Any thread.
 *
 * Returns: %TRUE when there is room
 *
 * Since: 0.1
 */
gboolean
ferry_channel_get_writable (FerryChannel *self)
{
  gboolean writable;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), FALSE);

  pthread_mutex_lock (&self->lock);
  writable = ferry_channel_is_writable_locked (self);
  pthread_mutex_unlock (&self->lock);
  return writable;
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryChannel *self = FERRY_CHANNEL (object);

  switch (id)
    {
    case PROP_TRANSPORT:
      g_value_set_object (value, self->transport);
      break;
    case PROP_FLOWING:
      g_value_set_boolean (value, ferry_channel_get_flowing (self));
      break;
    case PROP_CLOSED:
      g_value_set_boolean (value, ferry_channel_get_closed (self));
      break;
    case PROP_WRITABLE:
      g_value_set_boolean (value, ferry_channel_get_writable (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryChannel *self = FERRY_CHANNEL (object);

  switch (id)
    {
    case PROP_TRANSPORT:
      self->transport = g_value_dup_object (value);
      break;
    case PROP_FLOWING:
      ferry_channel_set_flowing (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

void
ferry_channel_install_properties (GObjectClass *object_class)
{
  object_class->get_property = get_property;
  object_class->set_property = set_property;

  /**
   * FerryChannel:transport: (getter get_transport)
   *
   * What carries its messages.
   *
   * Since: 0.1
   */
  properties[PROP_TRANSPORT] = g_param_spec_object (
    "transport", NULL, NULL, FERRY_TYPE_TRANSPORT, G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * FerryChannel:flowing: (getter get_flowing) (setter set_flowing)
   *
   * Whether messages go to the handlers of [signal@Ferry.Channel::message].
   *
   * Since: 0.1
   */
  properties[PROP_FLOWING] = g_param_spec_boolean (
    "flowing", NULL, NULL, FALSE, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);

  /**
   * FerryChannel:closed: (getter get_closed)
   *
   * Whether nothing more comes.
   *
   * Since: 0.1
   */
  properties[PROP_CLOSED] =
    g_param_spec_boolean ("closed", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * FerryChannel:writable: (getter get_writable)
   *
   * Whether a message can be sent at once.
   *
   * Since: 0.1
   */
  properties[PROP_WRITABLE] =
    g_param_spec_boolean ("writable", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}
