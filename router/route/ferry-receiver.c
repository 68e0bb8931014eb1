/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The receiving end of a pipe: its handler, its signals, and its end. */

#include "config.h"

#include "route/ferry-pipe-private.h"

#include "base/ferry-property-private.h"
#include "ferry-marshallers.h"

/**
 * FerryReceiver:
 *
 * The reading end of a pipe, on the router's thread.
 *
 * Messages arrive in order, as #GVariants with the signal [signal@Ferry.Receiver::message]. They arrive faster with a
 * handler that reads Ferry's memory ([method@Ferry.Receiver.set_handler]). After the last message,
 * [signal@Ferry.Receiver::closed] is emitted once, with the reason why the pipe ended.
 *
 * A handler may run a main loop, as a modal dialog does. In it, the messages of other receivers are delivered; those of
 * this receiver wait until its handler has returned.
 *
 * The router holds a reference to a receiver while its pipe is open.
 */

enum
{
  PROP_CONNECTION_ID = 1,
  PROP_CLOSED,
  PROP_EXIT,
  PROP_N_MESSAGES,
  PROP_N_UNDELIVERED,
  PROP_N_OVERTAKEN,
  PROP_CREDIT,
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

gpointer
ferry_receiver_dup_router (FerryReceiver *self)
{
  return self->router != NULL ? g_weak_ref_get (self->router) : NULL;
}

void
ferry_receiver_end (FerryReceiver *self)
{
  g_autoptr (GObject) router = ferry_receiver_dup_router (self);

  if (router != NULL)
    self->end_func (self, router);
}

/* any: stops deliveries to the receiver, and makes the router's thread close the pipe. On the router's thread the
 * pipe is closed at once. Does not wait for a delivery that is under way on another thread. */
void
ferry_receiver_abandon (FerryReceiver *self)
{
  /* Release: pairs with the load in unbind(). */
  atomic_store_explicit (&self->abandoned, 1, memory_order_release);
  ferry_receiver_end (self);
}

/* any: abandons the receiver when its owner is disposed. Uses no field of the router's thread. */
static void
owner_disposed (gpointer data, GObject *owner)
{
  g_autoptr (FerryReceiver) self = data;

  ferry_receiver_abandon (self);
}

/* main: removes the owner. If the owner is being disposed, owner_disposed() drops the reference to the receiver. */
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

  g_free (self->sender_name);
  g_clear_object (&self->exit);
  g_clear_pointer (&self->affinity, ferry_affinity_unref);
  if (self->router != NULL)
    g_atomic_rc_box_release_full (self->router, (GDestroyNotify) g_weak_ref_clear);
  g_weak_ref_clear (&self->owner);

  G_OBJECT_CLASS (ferry_receiver_parent_class)->finalize (object);
}

static const gsize fields[N_PROPERTIES] = {
  [PROP_CONNECTION_ID] = G_STRUCT_OFFSET (FerryReceiver, connection_id),
  [PROP_CLOSED] = G_STRUCT_OFFSET (FerryReceiver, closed),
  [PROP_EXIT] = G_STRUCT_OFFSET (FerryReceiver, exit),
  [PROP_N_MESSAGES] = G_STRUCT_OFFSET (FerryReceiver, messages),
  [PROP_N_UNDELIVERED] = G_STRUCT_OFFSET (FerryReceiver, undelivered),
  [PROP_N_OVERTAKEN] = G_STRUCT_OFFSET (FerryReceiver, overtaken),
};

static void
ferry_receiver_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryReceiver *self = FERRY_RECEIVER (object);

  /* Relaxed: nothing else is read because of it. */
  if (property_id == PROP_CREDIT)
    g_value_set_uint64 (value, atomic_load_explicit (&self->credit, memory_order_relaxed));
  else if (property_id == PROP_CONNECTION_ID || ferry_affinity_check_property (self->affinity, pspec))
    ferry_property_read (G_STRUCT_MEMBER_P (self, fields[property_id]), value);
}

static void
ferry_receiver_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  guint64 credit = g_value_get_uint64 (value);

  if (atomic_exchange_explicit (&FERRY_RECEIVER (object)->credit, credit, memory_order_relaxed) != credit)
    g_object_notify_by_pspec (object, pspec);
}

static void
install_properties (GObjectClass *object_class)
{
  /**
   * FerryReceiver:connection-id:
   *
   * The connection id of the pipe; the pipe's sender has the same id. Any thread; the other properties are for the
   * router's thread.
   */
  properties[PROP_CONNECTION_ID] = g_param_spec_uint64 ("connection-id", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);

  /**
   * FerryReceiver:is-closed:
   *
   * Whether the pipe has ended, no matter whether its sender or its receiver closed it: no more messages arrive.
   */
  properties[PROP_CLOSED] = g_param_spec_boolean ("is-closed", NULL, NULL, FALSE, FERRY_READABLE);

  /**
   * FerryReceiver:exit: (getter get_exit)
   *
   * The exit record of the pipe; set when [signal@Ferry.Receiver::closed] is emitted.
   */
  properties[PROP_EXIT] = g_param_spec_object ("exit", NULL, NULL, FERRY_TYPE_EXIT, FERRY_READABLE);

  /**
   * FerryReceiver:n-messages:
   *
   * The number of messages that were delivered to this receiver. Changes are not notified, as for the two below.
   */
  properties[PROP_N_MESSAGES] = g_param_spec_uint64 ("n-messages", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);

  /**
   * FerryReceiver:n-undelivered:
   *
   * The number of messages for this receiver that had reached the application, but were not delivered because the
   * router was stopped.
   */
  properties[PROP_N_UNDELIVERED] = g_param_spec_uint64 ("n-undelivered", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);

  /**
   * FerryReceiver:n-overtaken:
   *
   * How many values of a pipe for latest values ([flags@Ferry.PipeFlags]) a newer value replaced before they were
   * delivered, up to the latest delivery. It is 0 for other pipes.
   */
  properties[PROP_N_OVERTAKEN] = g_param_spec_uint64 ("n-overtaken", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);

  /**
   * FerryReceiver:credit:
   *
   * How many messages the sender may send in all until it is told of more, where an application has such a rule with
   * its functions, as the Python package has. Ferry tells the sender nothing. With this number, GTK's inspector and
   * [func@Ferry.describe_application] say of a sender that has sent as many that it is held up. 0, the default: there
   * is no such rule. Any thread.
   */
  properties[PROP_CREDIT] = g_param_spec_uint64 ("credit", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_SETTABLE);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
install_signals (GObjectClass *object_class)
{
  GType type = G_TYPE_FROM_CLASS (object_class);

  /**
   * FerryReceiver::message:
   * @self: the receiver
   * @message: the message; plain bytes arrive as an array of bytes, `ay`
   *
   * Emitted for each message on the router's thread, when no handler is set.
   *
   * A signal handler may keep the message. Another process chose its type: check the type before you read values. A
   * value with variants, or with an array of elements that vary in size, is in normal form, and is read in a time that
   * grows with its size.
   */
  signals[SIGNAL_MESSAGE] =
    g_signal_new ("message", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_VARIANT);
  /**
   * FerryReceiver::buffer:
   * @self: the receiver
   * @metadata: (nullable): the metadata that was sent with the buffer
   * @buffer: the bytes of the buffer
   *
   * Emitted for each buffer ([method@Ferry.Sender.send_buffer]) on the router's thread, in order with the messages,
   * also when a handler is set.
   *
   * A handler may keep the bytes, and pass them to other threads; they stay readable after the worker has ended. Bytes
   * that are kept count against the worker's limits, so the worker may have to wait for its next buffer. If the worker
   * is not trusted ([property@Ferry.Launcher:trusted]), the bytes are a copy. Check the bytes and the metadata before
   * you use them: the worker chose both.
   */
  signals[SIGNAL_BUFFER] =
    g_signal_new ("buffer", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, ferry_marshal_VOID__VARIANT_BOXED, G_TYPE_NONE, 2,
                  G_TYPE_VARIANT, G_TYPE_BYTES);
  g_signal_set_va_marshaller (signals[SIGNAL_BUFFER], type, ferry_marshal_VOID__VARIANT_BOXEDv);
  /**
   * FerryReceiver::closed:
   * @self: the receiver
   * @exit: how the pipe ended
   *
   * Emitted once on the router's thread, after the last message, when the pipe has ended. The sender was stopped, the
   * sender's process ended, or the router was stopped. Not emitted when the application closed the pipe with
   * [method@Ferry.Router.close_pipe].
   *
   * A handler must have the parameter for the exit record, which comes before the user data:
   *
   * ```c
   * static void closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
   * ```
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
  object_class->set_property = ferry_receiver_set_property;
  install_properties (object_class);
  install_signals (object_class);
}

static void
ferry_receiver_init (FerryReceiver *self)
{
  g_weak_ref_init (&self->owner, NULL);
}

/* main: notes the name under which the pipe's sender was passed to a worker. */
void
ferry_receiver_set_sender_name (FerryReceiver *self, const char *name, const char *worker)
{
  g_free (self->sender_name);
  self->sender_name = g_strdup_printf ("'%s' of worker '%s'", name, worker);
}

/* main: makes the receiver of a new pipe. */
FerryReceiver *
ferry_receiver_new (guint64 connection_id, GWeakRef *router, FerryAffinity *affinity, FerryReceiverEndFunc end_func)
{
  FerryReceiver *self = g_object_new (FERRY_TYPE_RECEIVER, NULL);

  self->connection_id = connection_id;
  self->affinity = ferry_affinity_ref (affinity);
  self->end_func = end_func;
  self->router = g_atomic_rc_box_acquire (router);
  return self;
}

/* main: takes ownership of a floating reference. */
void
ferry_receiver_emit_message (FerryReceiver *self, GVariant *message)
{
  g_autoptr (GVariant) kept G_GNUC_UNUSED = g_variant_ref_sink (message);

  g_signal_emit (self, signals[SIGNAL_MESSAGE], 0, message);
}

/* main */
void
ferry_receiver_emit_buffer (FerryReceiver *self, GVariant *metadata, GBytes *buffer)
{
  g_signal_emit (self, signals[SIGNAL_BUFFER], 0, metadata, buffer);
}

/* main: marks the pipe as ended. Emits `closed` if exit is not NULL. */
void
ferry_receiver_emit_closed (FerryReceiver *self, FerryExit *exit)
{
  g_autoptr (FerryReceiver) kept G_GNUC_UNUSED = g_object_ref (self);

  self->closed = TRUE;
  unbind (self);
  if (exit != NULL)
    {
      self->exit = g_object_ref (exit);
      if (!ferry_receiver_is_abandoned (self))
        g_signal_emit (self, signals[SIGNAL_CLOSED], 0, exit);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EXIT]);
    }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CLOSED]);
}

/* const: returns the connection id of the pipe. */
guint64
ferry_receiver_get_connection_id (FerryReceiver *self)
{
  return self->connection_id;
}

/**
 * ferry_receiver_get_exit:
 * @self: a receiver
 *
 * Gets the exit record, which says how the pipe ended. On the router's thread.
 *
 * Returns: (transfer none) (nullable): the exit record, or %NULL while the pipe is open, and when the application
 *   closed the pipe with [method@Ferry.Router.close_pipe]
 */
FerryExit *
ferry_receiver_get_exit (FerryReceiver *self)
{
  g_return_val_if_fail (FERRY_IS_RECEIVER (self), NULL);
  ferry_return_val_if_elsewhere (self->affinity, NULL);

  return self->exit;
}

/**
 * ferry_receiver_set_handler:
 * @self: a receiver
 * @handler: (nullable) (scope notified) (closure user_data) (destroy destroy): the function; %NULL to emit the signal
 * @user_data: data for @handler
 * @destroy: (nullable): frees @user_data when the handler is replaced or the receiver is disposed
 *
 * Sets a function that is called for each message instead of the signal, and is several times faster. The data of the
 * earlier handler is freed before this function returns. On the router's thread, also from within the handler.
 */
void
ferry_receiver_set_handler (FerryReceiver *self, FerryReceiverHandler handler, gpointer user_data,
                            GDestroyNotify destroy)
{
  g_return_if_fail (FERRY_IS_RECEIVER (self));
  ferry_return_if_elsewhere (self->affinity);

  change_handler (self, handler, user_data, destroy);
}

/**
 * ferry_receiver_bind:
 * @self: a receiver
 * @owner: an object, such as the widget that shows the messages
 *
 * Binds the receiver to an owner: when the owner is disposed, the pipe is closed, and the receiver gets no more
 * messages and no `closed`. A later owner replaces an earlier one. When the owner is disposed on another thread, a
 * delivery that is under way may go on. On the router's thread.
 */
void
ferry_receiver_bind (FerryReceiver *self, GObject *owner)
{
  g_return_if_fail (FERRY_IS_RECEIVER (self));
  g_return_if_fail (G_IS_OBJECT (owner));
  ferry_return_if_elsewhere (self->affinity);

  if (self->closed)
    return;
  unbind (self);
  self->bound = TRUE;
  g_weak_ref_set (&self->owner, owner);
  g_object_weak_ref (owner, owner_disposed, g_object_ref (self));
}
