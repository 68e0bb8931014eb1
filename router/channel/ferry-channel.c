/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-cond-private.h"
#include "call/ferry-link-transport-private.h"
#include "call/ferry-remote-error-private.h"
#include "channel/ferry-channel-outgoing-private.h"
#include "ferry-marshallers.h"
#include "route/ferry-router-private.h"

/**
 * FerryChannel:
 *
 * A conversation with another process: messages go both ways, in order, each once.
 *
 * A channel is made over a transport, of which it takes all that comes, at both ends; or with a worker that is started
 * for it, by [func@Ferry.Channel.start]. Messages are #GVariant values, or errors as values.
 *
 * At most %FERRY_CHANNEL_WINDOW messages lie untaken at an end: who sends faster than the other end takes waits, and
 * takes no memory. A message is on its way when it was sent, and needs no answer. Where the sender wants to know that
 * it was taken there is [method@Ferry.Channel.send_acknowledged], at the price of a round trip.
 *
 * Each end closes its own direction, with [method@Ferry.Channel.close], or with an error that it raises at the other
 * end, with [method@Ferry.Channel.fail]. What was sent before is taken before. A worker that is killed loses nothing of
 * what it had sent: how it ended comes behind that.
 *
 * In a worker, and on any other thread that may wait, [method@Ferry.Channel.receive] takes messages. On the main loop
 * there is [method@Ferry.Channel.receive_async], and the signal [signal@Ferry.Channel::message] while
 * [property@Ferry.Channel:flowing] is set.
 *
 * A channel closes with its last reference. Any thread may use it; signals and notifications are emitted in the
 * thread-default main context of where it was made.
 *
 * Since: 0.1
 */
G_DEFINE_FINAL_TYPE (FerryChannel, ferry_channel, G_TYPE_OBJECT)

static guint message_signal;

static void
end_clear (gpointer data)
{
  FerryChannelEnd *end = data;

  g_weak_ref_clear (&end->channel);
  g_object_unref (end->transport);
}

void
ferry_channel_end_unref (gpointer end)
{
  g_atomic_rc_box_release_full (end, end_clear);
}

/* ---- telling ---- */

/* context: one message to the handlers. Returns FALSE when there is none, or none is wanted, any more. */
static gboolean
emit_message (FerryChannelEnd *end)
{
  g_autoptr (FerryChannel) self = g_weak_ref_get (&end->channel);
  g_autoptr (FerryIncoming) incoming = NULL;

  if (self == NULL || !ferry_channel_get_flowing (self) ||
      ferry_channel_take (self, &incoming, NULL) != FERRY_CHANNEL_TAKEN)
    return FALSE;
  g_signal_emit (self, message_signal, 0, incoming->value, incoming->failure);
  return TRUE;
}

/* context. No reference is held from one message to the next: a handler may drop the last one. */
static void
tell_messages (FerryChannelEnd *end)
{
  g_autoptr (FerryChannel) self = NULL;
  guint n = 0;

  /* A window's worth, so that others on the loop have their turn. */
  while (n < FERRY_CHANNEL_WINDOW && emit_message (end))
    n++;
  if (n == FERRY_CHANNEL_WINDOW)
    self = g_weak_ref_get (&end->channel);
  if (self == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  ferry_channel_tell_locked (self, FERRY_CHANNEL_TELL_MESSAGES);
  pthread_mutex_unlock (&self->lock);
}

static guint
take_news (FerryChannelEnd *end)
{
  g_autoptr (FerryChannel) self = g_weak_ref_get (&end->channel);
  guint news;

  if (self == NULL)
    return 0;
  pthread_mutex_lock (&self->lock);
  news = self->news;
  self->news = 0;
  g_clear_pointer (&self->source, g_source_unref);
  pthread_mutex_unlock (&self->lock);
  return news;
}

/* context: one that is closed at the worker's end, or cut off, has nothing more to do with the worker. */
static void
tell_closed (FerryChannel *self)
{
  gboolean lost;

  pthread_mutex_lock (&self->lock);
  lost = self->lost != NULL;
  pthread_mutex_unlock (&self->lock);
  if (lost && self->process_alone != NULL)
    self->process_alone (self->process);
  ferry_channel_notify_closed (self);
}

static gboolean
tell (gpointer data)
{
  FerryChannelEnd *end = data;
  guint news = take_news (end);
  g_autoptr (FerryChannel) self = NULL;

  if ((news & FERRY_CHANNEL_TELL_MESSAGES) != 0)
    tell_messages (end);
  self = g_weak_ref_get (&end->channel);
  if (self == NULL)
    return G_SOURCE_REMOVE;
  if ((news & FERRY_CHANNEL_TELL_WRITABLE) != 0)
    ferry_channel_notify_writable (self);
  if ((news & FERRY_CHANNEL_TELL_CLOSED) != 0)
    tell_closed (self);
  if (self->news_func != NULL && (news & ~(guint) FERRY_CHANNEL_TELL_WRITABLE) != 0)
    self->news_func (self->news_data);
  return G_SOURCE_REMOVE;
}

void
ferry_channel_tell_locked (FerryChannel *self, guint news)
{
  const guint for_those_who_listen = FERRY_CHANNEL_TELL_MESSAGES | FERRY_CHANNEL_TELL_END_TAKEN;

  if ((news & ~for_those_who_listen) == 0 && !self->flowing && self->news_func == NULL)
    return;
  self->news |= news;
  if (self->source != NULL)
    return;
  self->source = g_idle_source_new ();
  g_source_set_static_name (self->source, "[ferry] channel");
  g_source_set_priority (self->source, self->router != NULL ? self->router->priority : G_PRIORITY_DEFAULT);
  g_source_set_callback (self->source, tell, g_atomic_rc_box_acquire (self->end), ferry_channel_end_unref);
  g_source_attach (self->source, self->context);
}

void
ferry_channel_tell_news (FerryChannel *self)
{
  pthread_mutex_lock (&self->lock);
  ferry_channel_tell_locked (self, FERRY_CHANNEL_TELL_MESSAGES);
  pthread_mutex_unlock (&self->lock);
}

void
ferry_channel_set_news_func (FerryChannel *self, void (*func) (gpointer data), gpointer data)
{
  pthread_mutex_lock (&self->lock);
  self->news_func = func;
  self->news_data = data;
  if (func != NULL && (self->in.length > 0 || ferry_channel_is_at_end_locked (self)))
    ferry_channel_tell_locked (self, FERRY_CHANNEL_TELL_MESSAGES);
  pthread_mutex_unlock (&self->lock);
}

void
ferry_channel_set_job (FerryChannel *self, const char *function, GVariant *arguments)
{
  self->function = g_strdup (function);
  self->arguments = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
}

/* ---- the end ---- */

void
ferry_channel_fault (FerryChannel *self, const char *what)
{
  g_autoptr (GError) reason =
    g_error_new (FERRY_ERROR, FERRY_ERROR_PROTOCOL, "The other end of the channel broke a rule: %s", what);

  ferry_transport_end (self->transport, reason);
}

/* any: what came lies in `in` by now. */
static void
transport_ended (FerryTransport *transport, GObject *owner)
{
  FerryChannel *self = FERRY_CHANNEL (owner);
  GError *reason = ferry_transport_dup_reason (transport);
  GQueue outgoing = G_QUEUE_INIT;
  gboolean first;

  if (reason == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  first = self->lost == NULL;
  if (first)
    {
      self->lost = ferry_error_copy (reason);
      ferry_channel_steal_outgoing_locked (self, &outgoing);
      pthread_cond_broadcast (&self->changed);
      ferry_channel_tell_locked (self, FERRY_CHANNEL_TELL_CLOSED);
    }
  pthread_mutex_unlock (&self->lock);
  ferry_channel_drop_outgoing (&outgoing, reason);
  if (first)
    ferry_channel_wake_receives (self);
  g_error_free (reason);
}

/**
 * ferry_channel_close:
 * @self: a channel
 *
 * Ends what this end says, behind all that was sent. The other end hears the good end once it has taken that; what it
 * says meanwhile can still be taken here. Does nothing where this end was closed or failed. Any thread.
 *
 * Since: 0.1
 */
void
ferry_channel_close (FerryChannel *self)
{
  g_return_if_fail (FERRY_IS_CHANNEL (self));

  ferry_channel_send_end (self, NULL, NULL);
}

/**
 * ferry_channel_fail:
 * @self: a channel
 * @failure: what went wrong
 *
 * Raises an error at the other end, behind all that was sent, and with that closes this end: when the other end has
 * taken what came before, it fails with @failure, with its domain, code and message, and a trace. Does nothing where
 * this end was closed or failed. Any thread.
 *
 * Since: 0.1
 */
void
ferry_channel_fail (FerryChannel *self, const GError *failure)
{
  g_autofree char *inner = NULL;
  g_autofree char *trace = NULL;

  g_return_if_fail (FERRY_IS_CHANNEL (self));
  g_return_if_fail (failure != NULL);

  inner = ferry_error_dup_trace (failure, self->begun);
  trace = ferry_trace_add_place (inner, self->function != NULL ? self->function : "ferry_channel_fail");
  ferry_channel_send_end (self, failure, trace);
}

/* ---- the object ---- */

/**
 * ferry_channel_new:
 * @transport: a transport, whose other end has or will have a channel as well
 *
 * Makes an end of a channel, which takes all that comes over the transport: a transport has one channel, and no demux
 * beside it. The transport closes when nobody else refers to it. Any thread; signals are emitted in its thread-default
 * main context.
 *
 * Returns: (transfer full): a new channel
 *
 * Since: 0.1
 */
FerryChannel *
ferry_channel_new (FerryTransport *transport)
{
  g_autoptr (FerryChannel) self = NULL;
  gboolean taken;

  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), NULL);

  self = g_object_new (FERRY_TYPE_CHANNEL, "transport", transport, NULL);
  taken = ferry_transport_take_calls (transport, ferry_channel_call_came, G_OBJECT (self), NULL);
  self->takes_calls = taken;
  ferry_return_val_if_fail (
    taken, NULL, "the transport has a channel, a demux or an exporter already; make another transport for this");
  /* Only who takes the calls watches the end. */
  ferry_transport_watch_end (transport, transport_ended, G_OBJECT (self));
  /* It may have ended before it was watched. */
  transport_ended (transport, G_OBJECT (self));
  return g_steal_pointer (&self);
}

static void
ferry_channel_constructed (GObject *object)
{
  FerryChannel *self = FERRY_CHANNEL (object);
  FerryChannelEnd *end = g_atomic_rc_box_new0 (FerryChannelEnd);

  self->begun = ferry_trace_get_moment ();
  self->transactions = ferry_transport_get_transactions (self->transport);
  self->router = ferry_link_transport_dup_router (self->transport);
  g_weak_ref_init (&end->channel, self);
  end->transport = g_object_ref (self->transport);
  self->end = end;

  G_OBJECT_CLASS (ferry_channel_parent_class)->constructed (object);
}

static void
ferry_channel_dispose (GObject *object)
{
  FerryChannel *self = FERRY_CHANNEL (object);
  g_autoptr (GError) reason =
    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The channel was dropped at the other end");
  g_autoptr (GSource) source = NULL;

  if (self->takes_calls)
    {
      ferry_channel_send_end (self, NULL, NULL);
      ferry_transport_unwatch_end (self->transport, object);
      ferry_transport_leave_calls (self->transport, reason);
      ferry_channel_send_farewell (self);
    }
  pthread_mutex_lock (&self->lock);
  source = g_steal_pointer (&self->source);
  pthread_mutex_unlock (&self->lock);
  if (source != NULL)
    g_source_destroy (source);
  ferry_channel_clear_incoming (self);
  if (self->process != NULL)
    self->process_unref (g_steal_pointer (&self->process));

  G_OBJECT_CLASS (ferry_channel_parent_class)->dispose (object);
}

static void
ferry_channel_finalize (GObject *object)
{
  FerryChannel *self = FERRY_CHANNEL (object);

  /* Who waits has a reference. */
  g_assert (self->receives.length == 0);
  g_assert (self->out.length == 0);
  ferry_channel_clear_incoming (self);
  g_clear_pointer (&self->end, ferry_channel_end_unref);
  g_clear_object (&self->transport);
  g_clear_object (&self->router);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_pointer (&self->function, g_free);
  g_clear_pointer (&self->arguments, g_variant_unref);
  g_clear_error (&self->end_error);
  g_clear_error (&self->lost);
  pthread_cond_destroy (&self->changed);
  pthread_mutex_destroy (&self->lock);

  G_OBJECT_CLASS (ferry_channel_parent_class)->finalize (object);
}

static void
ferry_channel_class_init (FerryChannelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ferry_channel_constructed;
  object_class->dispose = ferry_channel_dispose;
  object_class->finalize = ferry_channel_finalize;
  ferry_channel_install_properties (object_class);

  /**
   * FerryChannel::message:
   * @self: the channel
   * @value: (nullable): the message, or %NULL
   * @failure: (nullable): an error that was sent as a message, or %NULL
   *
   * A message came, while [property@Ferry.Channel:flowing] is set. It is taken with this. The end is told by
   * [property@Ferry.Channel:closed], and how it came about by [method@Ferry.Channel.receive].
   *
   * Since: 0.1
   */
  message_signal = g_signal_new ("message", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 ferry_marshal_VOID__VARIANT_BOXED, G_TYPE_NONE, 2, G_TYPE_VARIANT, G_TYPE_ERROR);
  g_signal_set_va_marshaller (message_signal, G_TYPE_FROM_CLASS (klass), ferry_marshal_VOID__VARIANT_BOXEDv);
}

static void
ferry_channel_init (FerryChannel *self)
{
  ferry_cond_init (&self->changed);
  pthread_mutex_init (&self->lock, NULL);
  g_queue_init (&self->out);
  g_queue_init (&self->taken_calls);
  g_queue_init (&self->in);
  g_queue_init (&self->receives);
  self->credits = FERRY_CHANNEL_WINDOW;
  self->context = g_main_context_ref_thread_default ();
}
