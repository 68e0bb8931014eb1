/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "route/ferry-receiver-private.h"

#include "base/ferry-property-private.h"

/**
 * FerryReceiver:
 *
 * The reading end of a pipe, on the router's thread.
 *
 * Messages arrive in order: as #GVariants through the signal [signal@Ferry.Receiver::message], or faster through a
 * handler on borrowed memory ([method@Ferry.Receiver.set_handler]). After the last one, [signal@Ferry.Receiver::closed]
 * tells once that the pipe is at its end, and why.
 *
 * The router keeps a receiver as long as its pipe is open.
 *
 * Since: 0.1
 */

enum
{
  PROP_CONNECTION_ID = 1,
  PROP_CLOSED,
  PROP_EXIT,
  N_PROPERTIES,
};

enum
{
  SIGNAL_MESSAGE,
  SIGNAL_BUFFER,
  SIGNAL_CLOSED,
  N_SIGNALS,
};

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryReceiver, ferry_receiver, G_TYPE_OBJECT)

/* any: nothing arrives from now on, and the router's thread closes the pipe: at once where this is that thread. A
 * delivery that is under way on another thread is not waited for. */
void
ferry_receiver_abandon (FerryReceiver *self)
{
  g_autoptr (GObject) router = g_weak_ref_get (&self->router);

  /* Release: pairs with unbind(). */
  atomic_store_explicit (&self->abandoned, 1, memory_order_release);
  if (router != NULL)
    self->abandoned_func (self, router);
}

/* any: the owner is disposed, maybe not on the router's thread: no field of that thread's is touched. */
static void
owner_disposed (gpointer data, GObject *owner)
{
  g_autoptr (FerryReceiver) self = data;

  ferry_receiver_abandon (self);
}

/* main: gives up the owner. The notification of an owner that is being disposed drops the reference itself. */
static void
unbind (FerryReceiver *self)
{
  g_autoptr (GObject) owner = NULL;

  if (!self->bound)
    return;
  self->bound = FALSE;
  owner = g_weak_ref_get (&self->owner);
  g_weak_ref_set (&self->owner, NULL);
  if (owner == NULL || atomic_load_explicit (&self->abandoned, memory_order_acquire) != 0)
    return;
  g_object_weak_unref (owner, owner_disposed, self);
  g_object_unref (self);
}

static void
change_handler (FerryReceiver *self, FerryReceiverHandler handler, gpointer user_data, GDestroyNotify destroy)
{
  GDestroyNotify old_destroy = self->handler_destroy;
  gpointer old_data = self->handler_data;

  self->handler = handler;
  self->handler_data = user_data;
  self->handler_destroy = destroy;
  if (old_destroy != NULL)
    old_destroy (old_data);
}

static void
ferry_receiver_dispose (GObject *object)
{
  FerryReceiver *self = FERRY_RECEIVER (object);

  change_handler (self, NULL, NULL, NULL);

  G_OBJECT_CLASS (ferry_receiver_parent_class)->dispose (object);
}

static void
ferry_receiver_finalize (GObject *object)
{
  FerryReceiver *self = FERRY_RECEIVER (object);

  g_clear_pointer (&self->exit, ferry_exit_unref);
  g_clear_pointer (&self->home, ferry_home_unref);
  g_weak_ref_clear (&self->router);
  g_weak_ref_clear (&self->owner);

  G_OBJECT_CLASS (ferry_receiver_parent_class)->finalize (object);
}

static void
ferry_receiver_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  static const GCallback getters[N_PROPERTIES] = {
    [PROP_CONNECTION_ID] = G_CALLBACK (ferry_receiver_get_connection_id),
    [PROP_CLOSED] = G_CALLBACK (ferry_receiver_get_closed),
    [PROP_EXIT] = G_CALLBACK (ferry_receiver_get_exit),
  };

  ferry_property_get (object, getters[property_id], value);
}

static void
install_properties (GObjectClass *object_class)
{
  /**
   * FerryReceiver:connection-id:
   *
   * The connection id, which the pipe's sender has as well.
   *
   * Since: 0.1
   */
  properties[PROP_CONNECTION_ID] = g_param_spec_uint64 ("connection-id", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);
  /**
   * FerryReceiver:closed:
   *
   * Whether the pipe is at its end.
   *
   * Since: 0.1
   */
  properties[PROP_CLOSED] = g_param_spec_boolean ("closed", NULL, NULL, FALSE, FERRY_READABLE);
  /**
   * FerryReceiver:exit:
   *
   * The exit record, from the moment that [signal@Ferry.Receiver::closed] is emitted.
   *
   * Since: 0.1
   */
  properties[PROP_EXIT] = g_param_spec_boxed ("exit", NULL, NULL, FERRY_TYPE_EXIT, FERRY_READABLE);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
install_signals (GObjectClass *object_class)
{
  GType type = G_TYPE_FROM_CLASS (object_class);

  /**
   * FerryReceiver::message:
   * @self: the receiver
   * @message: the message; one that was sent as plain bytes comes as an array of bytes, `ay`
   *
   * Emitted for each message on the router's thread, when no handler is set.
   *
   * The message may be kept. It comes from another process and is not trusted: the sender chose its type, so compare
   * that before taking it apart.
   *
   * Since: 0.1
   */
  signals[SIGNAL_MESSAGE] =
    g_signal_new ("message", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_VARIANT);
  /**
   * FerryReceiver::buffer:
   * @self: the receiver
   * @metadata: (nullable): the metadata that it was sent with
   * @buffer: its bytes
   *
   * Emitted for each buffer ([method@Ferry.Sender.send_buffer]) on the router's thread, in order with the messages,
   * also when a handler is set.
   *
   * The bytes may be kept, and passed to other threads; they stay readable after the worker's end. While they are kept
   * they count against the worker, which may have to wait for its next buffer. The bytes of a worker that is not
   * trusted ([method@Ferry.Launcher.set_trusted]) are a copy. Check them before use, as @metadata: the worker chose
   * both.
   *
   * Since: 0.1
   */
  signals[SIGNAL_BUFFER] =
    g_signal_new ("buffer", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_VARIANT, G_TYPE_BYTES);
  /**
   * FerryReceiver::closed:
   * @self: the receiver
   * @exit: how the pipe ended
   *
   * Emitted once on the router's thread, after the last message, when the pipe is at its end: the sender was
   * stopped, its process ended, or the router was stopped. Not emitted when the application closed the pipe itself.
   *
   * A handler has the exit record before its data; one without that parameter would take the record for its data:
   *
   * ```c
   * static void
   * closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
   * ```
   *
   * Connect a handler that wants its data alone with g_signal_connect_swapped().
   *
   * Since: 0.1
   */
  signals[SIGNAL_CLOSED] =
    g_signal_new ("closed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, FERRY_TYPE_EXIT);
}

static void
ferry_receiver_class_init (FerryReceiverClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_receiver_dispose;
  object_class->finalize = ferry_receiver_finalize;
  object_class->get_property = ferry_receiver_get_property;
  install_properties (object_class);
  install_signals (object_class);
}

static void
ferry_receiver_init (FerryReceiver *self)
{
  g_weak_ref_init (&self->router, NULL);
  g_weak_ref_init (&self->owner, NULL);
}

/* main: the receiver of a new pipe. */
FerryReceiver *
ferry_receiver_new (guint64 connection_id, GObject *router, FerryHome *home, FerryReceiverAbandonedFunc abandoned_func)
{
  FerryReceiver *self = g_object_new (FERRY_TYPE_RECEIVER, NULL);

  self->connection_id = connection_id;
  self->home = ferry_home_ref (home);
  self->abandoned_func = abandoned_func;
  g_weak_ref_set (&self->router, router);
  return self;
}

/* main */
void
ferry_receiver_emit_message (FerryReceiver *self, GVariant *message)
{
  g_signal_emit (self, signals[SIGNAL_MESSAGE], 0, message);
}

/* main */
void
ferry_receiver_emit_buffer (FerryReceiver *self, GVariant *metadata, GBytes *buffer)
{
  g_signal_emit (self, signals[SIGNAL_BUFFER], 0, metadata, buffer);
}

/* main: the pipe is at its end. Emits `closed` where there is an exit record. */
void
ferry_receiver_emit_closed (FerryReceiver *self, FerryExit *exit)
{
  g_autoptr (FerryReceiver) kept G_GNUC_UNUSED = g_object_ref (self);

  self->closed = TRUE;
  unbind (self);
  if (exit != NULL)
    {
      self->exit = ferry_exit_ref (exit);
      if (!ferry_receiver_is_abandoned (self))
        g_signal_emit (self, signals[SIGNAL_CLOSED], 0, exit);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EXIT]);
    }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CLOSED]);
}

/**
 * ferry_receiver_get_connection_id:
 * @self: a receiver
 *
 * Gets the connection id, which the pipe's sender has as well. Any thread may call this.
 *
 * Returns: the connection id
 *
 * Since: 0.1
 */
guint64
ferry_receiver_get_connection_id (FerryReceiver *self)
{
  g_return_val_if_fail (FERRY_IS_RECEIVER (self), 0);

  return self->connection_id;
}

/**
 * ferry_receiver_get_closed:
 * @self: a receiver
 *
 * Gets whether the pipe is at its end, at whichever end it was closed. On the router's thread.
 *
 * Returns: %TRUE if nothing more arrives
 *
 * Since: 0.1
 */
gboolean
ferry_receiver_get_closed (FerryReceiver *self)
{
  g_return_val_if_fail (FERRY_IS_RECEIVER (self), FALSE);
  ferry_return_val_if_elsewhere (self->home, FALSE);

  return self->closed;
}

/**
 * ferry_receiver_get_exit:
 * @self: a receiver
 *
 * Gets how the pipe ended. On the router's thread.
 *
 * Returns: (transfer none) (nullable): the exit record, or %NULL while the pipe is open, and when the application
 *   closed it itself
 *
 * Since: 0.1
 */
FerryExit *
ferry_receiver_get_exit (FerryReceiver *self)
{
  g_return_val_if_fail (FERRY_IS_RECEIVER (self), NULL);
  ferry_return_val_if_elsewhere (self->home, NULL);

  return self->exit;
}

/**
 * ferry_receiver_get_messages:
 * @self: a receiver
 *
 * Gets how many messages were delivered to this receiver. On the router's thread.
 *
 * Returns: the number of messages
 *
 * Since: 0.1
 */
guint64
ferry_receiver_get_messages (FerryReceiver *self)
{
  g_return_val_if_fail (FERRY_IS_RECEIVER (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->messages;
}

/**
 * ferry_receiver_get_undelivered:
 * @self: a receiver
 *
 * Gets how many messages for this receiver had reached the application and were not delivered, because the router was
 * stopped. On the router's thread.
 *
 * Returns: the number of messages
 *
 * Since: 0.1
 */
guint64
ferry_receiver_get_undelivered (FerryReceiver *self)
{
  g_return_val_if_fail (FERRY_IS_RECEIVER (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->undelivered;
}

/**
 * ferry_receiver_get_overtaken:
 * @self: a receiver
 *
 * Gets how many values of a pipe for latest values ([flags@Ferry.PipeFlags]) a newer one overtook before their
 * delivery. Values written since the latest delivery are not counted yet. 0 for other pipes. On the router's thread.
 *
 * Returns: the number of values
 *
 * Since: 0.1
 */
guint64
ferry_receiver_get_overtaken (FerryReceiver *self)
{
  g_return_val_if_fail (FERRY_IS_RECEIVER (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->overtaken;
}

/**
 * ferry_receiver_set_handler:
 * @self: a receiver
 * @handler: (nullable) (scope notified) (closure user_data) (destroy destroy): what to call for each message, in
 *   place of the signal; %NULL for the signal again
 * @user_data: data for @handler
 * @destroy: (nullable): frees @user_data when the handler is replaced or the receiver goes
 *
 * Sets a function that is called for each message, on borrowed memory: several times faster than the signal. On the
 * router's thread, also from within the handler. The old data is freed before this returns.
 *
 * Since: 0.1
 */
void
ferry_receiver_set_handler (FerryReceiver *self, FerryReceiverHandler handler, gpointer user_data,
                            GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_RECEIVER (self));
  ferry_return_if_elsewhere (self->home);

  change_handler (self, handler, user_data, destroy);
}

/**
 * ferry_receiver_bind:
 * @self: a receiver
 * @owner: an object, such as the widget that shows what arrives
 *
 * Ties the receiver to an owner: when that is disposed, the pipe is closed, and neither a message nor `closed` arrives
 * afterwards. A receiver has one owner, the latest. One that is disposed on another thread may still see a delivery
 * that is under way. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_receiver_bind (FerryReceiver *self, GObject *owner)
{
  g_return_if_fail (FERRY_IS_RECEIVER (self));
  g_return_if_fail (G_IS_OBJECT (owner));
  ferry_return_if_elsewhere (self->home);

  if (self->closed)
    return;
  unbind (self);
  self->bound = TRUE;
  g_weak_ref_set (&self->owner, owner);
  g_object_weak_ref (owner, owner_disposed, g_object_ref (self));
}
