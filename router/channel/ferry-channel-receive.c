/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a channel receives: the other end's messages, credits and end.
 *
 * A message is taken once: by a thread in receive(), by a call of receive_async(), by the signal, or by an exchange.
 * With that it is acknowledged where that is wanted, and counts for the credits that go back. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-heed-private.h"
#include "call/ferry-remote-error-private.h"
#include "channel/ferry-channel-private.h"

/* References: the queue's, the cancellable's source's, and that of who sets it up. */
struct _FerryReceive
{
  _Atomic gint references;
  FerryChannel *channel; /* const: (unowned): task has it */
  GTask *task;           /* const: (owned) */
  GSource *source;       /* const: (owned) (nullable): of its cancellable */
};

/* ---- messages ---- */

static FerryIncoming *
incoming_new (FerryCall *call)
{
  FerryIncoming *self = g_new0 (FerryIncoming, 1);

  if ((ferry_call_get_flags (call) & FERRY_CALL_ONE_WAY) == 0)
    self->call = ferry_call_ref (call);
  return self;
}

void
ferry_incoming_free (FerryIncoming *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->failure);
  /* One that was not taken is refused by this. */
  g_clear_pointer (&self->call, ferry_call_unref);
  g_free (self);
}

static GError *
read_error (GVariant *value)
{
  g_autofree char *trace = NULL;
  GError *error = ferry_error_from_variant (value, &trace);

  if (trace != NULL)
    ferry_error_set_trace (error, trace);
  return error;
}

/* The next message, which is taken with this, or NULL. */
static FerryIncoming *
pop_locked (FerryChannel *self)
{
  FerryIncoming *incoming = g_queue_pop_head (&self->in);

  if (incoming == NULL)
    return NULL;
  self->n_taken++;
  if (incoming->call != NULL)
    g_queue_push_tail (&self->taken_calls, g_steal_pointer (&incoming->call));
  return incoming;
}

gboolean
ferry_channel_is_at_end_locked (FerryChannel *self)
{
  return self->in.length == 0 && (self->ended || self->lost != NULL);
}

/* What the conversation ended with, NULL for the good end. What the other end raised goes before how its transport
 * ended after that. */
static GError *
take_end_locked (FerryChannel *self)
{
  if (!self->end_taken)
    ferry_channel_tell_locked (self, FERRY_CHANNEL_TELL_END_TAKEN);
  self->end_taken = TRUE;
  if (self->ended)
    return self->end_error != NULL ? ferry_error_copy (self->end_error) : NULL;
  return ferry_error_copy (self->lost);
}

/* any: takes a message without waiting. At a bad end, error is set. */
FerryChannelTake
ferry_channel_take (FerryChannel *self, FerryIncoming **incoming, GError **error)
{
  FerryChannelTake taken = FERRY_CHANNEL_NOTHING;
  GError *failure = NULL;
  gboolean owes;

  pthread_mutex_lock (&self->lock);
  *incoming = pop_locked (self);
  if (*incoming != NULL)
    taken = FERRY_CHANNEL_TAKEN;
  else if (ferry_channel_is_at_end_locked (self))
    {
      taken = FERRY_CHANNEL_AT_END;
      failure = take_end_locked (self);
    }
  owes = ferry_channel_has_control_locked (self);
  pthread_mutex_unlock (&self->lock);
  if (owes)
    ferry_channel_pump (self);
  if (failure != NULL)
    g_propagate_error (error, failure);
  return taken;
}

/* ---- calls that wait ---- */

static FerryReceive *
receive_ref (FerryReceive *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

/* Not with the lock held: the task's reference to the channel may be the last one. */
static void
receive_unref (gpointer data)
{
  FerryReceive *self = data;

  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  g_clear_pointer (&self->source, g_source_unref);
  g_object_unref (self->task);
  g_free (self);
}

static void
incoming_destroy (gpointer data)
{
  ferry_incoming_free (data);
}

/* Of one that was taken out of the queue: takes that reference, and incoming and error. Without the lock. */
static void
receive_end (FerryReceive *self, FerryIncoming *incoming, GError *error)
{
  if (self->source != NULL)
    g_source_destroy (self->source);
  if (error != NULL)
    g_task_return_error (self->task, error);
  else
    g_task_return_pointer (self->task, incoming, incoming_destroy);
  receive_unref (self);
}

/* Returns FALSE when no call waits, or there is nothing for it. */
static gboolean
serve_one (FerryChannel *self)
{
  FerryReceive *receive = NULL;
  FerryIncoming *incoming = NULL;
  GError *error = NULL;

  pthread_mutex_lock (&self->lock);
  if (self->in.length > 0 || ferry_channel_is_at_end_locked (self))
    receive = g_queue_pop_head (&self->receives);
  if (receive != NULL)
    incoming = pop_locked (self);
  if (receive != NULL && incoming == NULL)
    error = take_end_locked (self);
  pthread_mutex_unlock (&self->lock);
  if (receive == NULL)
    return FALSE;
  receive_end (receive, incoming, error);
  return TRUE;
}

void
ferry_channel_wake_receives (FerryChannel *self)
{
  gboolean owes;

  while (serve_one (self))
    ;
  pthread_mutex_lock (&self->lock);
  owes = ferry_channel_has_control_locked (self);
  pthread_mutex_unlock (&self->lock);
  if (owes)
    ferry_channel_pump (self);
}

static gboolean
receive_cancelled (GCancellable *cancellable, gpointer data)
{
  FerryReceive *self = data;
  GError *error = NULL;
  gboolean found;

  pthread_mutex_lock (&self->channel->lock);
  found = g_queue_remove (&self->channel->receives, self);
  pthread_mutex_unlock (&self->channel->lock);
  if (found && g_cancellable_set_error_if_cancelled (cancellable, &error))
    receive_end (self, NULL, error);
  return G_SOURCE_REMOVE;
}

/* ---- what comes; the receiving thread ---- */

static void
message_came (FerryChannel *self, FerryIncoming *incoming)
{
  gboolean fits;

  pthread_mutex_lock (&self->lock);
  fits = !self->ended && self->n_held < FERRY_CHANNEL_WINDOW;
  if (fits)
    {
      self->n_held++;
      g_queue_push_tail (&self->in, incoming);
      pthread_cond_broadcast (&self->changed);
      ferry_channel_tell_locked (self, FERRY_CHANNEL_TELL_MESSAGES);
    }
  pthread_mutex_unlock (&self->lock);
  if (fits)
    ferry_channel_wake_receives (self);
  else
    {
      ferry_incoming_free (incoming);
      ferry_channel_fault (self, "it sent a message for which there was no room, or one behind its end");
    }
}

static void
end_came (FerryChannel *self, FerryCall *call, GVariant *value)
{
  GError *error = value != NULL ? read_error (value) : NULL;
  gboolean first;

  pthread_mutex_lock (&self->lock);
  first = !self->ended;
  if (first)
    {
      if ((ferry_call_get_flags (call) & FERRY_CALL_ONE_WAY) == 0)
        g_queue_push_tail (&self->taken_calls, ferry_call_ref (call));
      self->ended = TRUE;
      self->end_error = g_steal_pointer (&error);
      pthread_cond_broadcast (&self->changed);
      ferry_channel_tell_locked (self, FERRY_CHANNEL_TELL_CLOSED);
    }
  pthread_mutex_unlock (&self->lock);
  g_clear_error (&error);
  if (first)
    ferry_channel_wake_receives (self);
  else
    ferry_channel_fault (self, "it ended twice");
}

static void
take_message (FerryChannel *self, FerryCall *call, gboolean is_failure)
{
  GVariant *value = ferry_call_get_arguments (call);
  FerryIncoming *incoming = incoming_new (call);

  if (is_failure)
    incoming->failure = read_error (value);
  else if (value != NULL)
    incoming->value = g_variant_ref (value);
  if (incoming->value != NULL || incoming->failure != NULL)
    message_came (self, incoming);
  else
    {
      ferry_incoming_free (incoming);
      ferry_channel_fault (self, "it sent a message without a value");
    }
}

void
ferry_channel_call_came (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  FerryChannel *self = FERRY_CHANNEL (owner);
  const char *method = ferry_call_get_method (call);
  GVariant *value = ferry_call_get_arguments (call);
  g_autoptr (GError) reason = NULL;

  if (g_str_equal (method, FERRY_CHANNEL_MESSAGE) || g_str_equal (method, FERRY_CHANNEL_FAILURE))
    take_message (self, call, g_str_equal (method, FERRY_CHANNEL_FAILURE));
  else if (g_str_equal (method, FERRY_CHANNEL_CREDIT))
    ferry_channel_credits_came (
      self, value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32) ? g_variant_get_uint32 (value) : 0);
  else if (g_str_equal (method, FERRY_CHANNEL_END))
    end_came (self, call, value);
  else
    {
      reason =
        g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED, "This end is a channel, and answers no call of “%s”", method);
      ferry_call_refuse (call, reason, NULL);
    }
}

/* ---- taking ---- */

static gboolean
has_news (FerryChannel *self, gpointer data)
{
  return self->in.length > 0 || self->ended || self->lost != NULL;
}

/* What was taken, or the end, as callers get it. Takes bad_end. */
static gboolean
give (FerryIncoming *incoming, GError *bad_end, GVariant **value, GError **failure, GError **error)
{
  if (bad_end != NULL)
    {
      g_propagate_error (error, bad_end);
      return FALSE;
    }
  if (incoming != NULL)
    *value = g_steal_pointer (&incoming->value);
  if (incoming != NULL && failure != NULL)
    *failure = g_steal_pointer (&incoming->failure);
  return TRUE;
}

/**
 * ferry_channel_receive:
 * @self: a channel
 * @timeout: how long to wait, in microseconds; 0 for not at all, negative for as long as it takes
 * @cancellable: (nullable): a cancellable
 * @value: (out) (transfer full) (nullable): where the next message goes; %NULL at the end, and with @failure
 * @failure: (out) (transfer full) (nullable) (optional): where an error goes that was sent as a message
 * @error: return location for an error
 *
 * Takes the next message, and waits for it. When neither @value nor @failure is set, the other end has closed the
 * conversation, and all that it sent was taken. Where @failure is %NULL, an error that was sent as a message is
 * dropped.
 *
 * @error is what the other end raised, with its domain, code and message (see [func@Ferry.Error.get_trace]), or the
 * channel's own; both come behind all messages, and as often as this is called then. An error that was sent as a
 * message comes in @failure, and is never one of these.
 *
 * Not on the thread that receives for the transport, where it fails with %FERRY_ERROR_WRONG_THREAD. On the router's
 * thread it iterates the router's main context while it waits, so there it is for tests and console programs, and fails
 * with %FERRY_ERROR_BUSY in a callback of its main context; an application uses [method@Ferry.Channel.receive_async] or
 * [signal@Ferry.Channel::message].
 *
 * Fails with %FERRY_ERROR_TIMED_OUT and %G_IO_ERROR_CANCELLED, and goes on when called again; with
 * %FERRY_ERROR_WORKER_LOST and how that came about when the worker ended without an end of the conversation,
 * %FERRY_ERROR_CLOSED when the transport did, and %FERRY_ERROR_PROTOCOL when the other end broke a rule.
 *
 * Returns: %TRUE when there is a message, or the good end
 *
 * Since: 0.1
 */
gboolean
ferry_channel_receive (FerryChannel *self, gint64 timeout, GCancellable *cancellable, GVariant **value,
                       GError **failure, GError **error)
{
  g_autoptr (FerryIncoming) incoming = NULL;
  g_autoptr (GError) bad_end = NULL;
  FerryChannelTake taken;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (failure == NULL || *failure == NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *value = NULL;
  do
    {
      if (!ferry_channel_wait_until (self, has_news, NULL, timeout, cancellable, "ferry_channel_receive_async()",
                                     error))
        return FALSE;
      taken = ferry_channel_take (self, &incoming, &bad_end);
    }
  /* Another thread may have taken it. */
  while (taken == FERRY_CHANNEL_NOTHING);
  return give (incoming, g_steal_pointer (&bad_end), value, failure, error);
}

/**
 * ferry_channel_receive_async:
 * @self: a channel
 * @cancellable: (nullable): a cancellable, for this wait only
 * @callback: (scope async): called when there is a message, or the end, in the thread-default main context of the
 * caller
 * @user_data: data for @callback
 *
 * Takes the next message without waiting. Any thread with a main context that runs. When there are several of these at
 * once, they get their messages in turn, and before [signal@Ferry.Channel::message] gets any.
 *
 * Since: 0.1
 */
void
ferry_channel_receive_async (FerryChannel *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  FerryReceive *receive;

  g_return_if_fail (FERRY_IS_CHANNEL (self));

  receive = g_new0 (FerryReceive, 1);
  atomic_init (&receive->references, 1);
  receive->channel = self;
  receive->task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (receive->task, ferry_channel_receive_async);
  g_task_set_check_cancellable (receive->task, FALSE);
  if (cancellable != NULL)
    ferry_heed_cancellable (receive->task, &receive->source, "[ferry] stop receiving", receive_cancelled,
                            receive_ref (receive), receive_unref);
  pthread_mutex_lock (&self->lock);
  g_queue_push_tail (&self->receives, receive_ref (receive));
  pthread_mutex_unlock (&self->lock);
  /* One that is cancelled already takes nothing. */
  if (cancellable != NULL && g_cancellable_is_cancelled (cancellable))
    receive_cancelled (cancellable, receive);
  ferry_channel_wake_receives (self);
  receive_unref (receive);
}

/**
 * ferry_channel_receive_finish:
 * @self: a channel
 * @result: what the callback was given
 * @value: (out) (transfer full) (nullable): where the message goes; %NULL at the end, and with @failure
 * @failure: (out) (transfer full) (nullable) (optional): where an error goes that was sent as a message
 * @error: return location for an error
 *
 * Ends [method@Ferry.Channel.receive_async]. Gives and fails as [method@Ferry.Channel.receive]. Any thread.
 *
 * Returns: %TRUE when there is a message, or the good end
 *
 * Since: 0.1
 */
gboolean
ferry_channel_receive_finish (FerryChannel *self, GAsyncResult *result, GVariant **value, GError **failure,
                              GError **error)
{
  g_autoptr (FerryIncoming) incoming = NULL;
  g_autoptr (GError) bad_end = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *value = NULL;
  incoming = g_task_propagate_pointer (G_TASK (result), &bad_end);
  return give (incoming, g_steal_pointer (&bad_end), value, failure, error);
}

/* Of a channel that goes: nobody takes what still lies there. */
void
ferry_channel_clear_incoming (FerryChannel *self)
{
  GQueue in, calls;

  pthread_mutex_lock (&self->lock);
  in = self->in;
  g_queue_init (&self->in);
  calls = self->taken_calls;
  g_queue_init (&self->taken_calls);
  pthread_mutex_unlock (&self->lock);
  g_queue_clear_full (&in, (GDestroyNotify) ferry_incoming_free);
  g_queue_clear_full (&calls, (GDestroyNotify) ferry_call_unref);
}
