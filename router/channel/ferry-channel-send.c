/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sending over a channel, by threads that wait and by such that do not, and the end. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-heed-private.h"
#include "call/ferry-polled-transport-private.h"
#include "call/ferry-remote-error-private.h"
#include "channel/ferry-channel-outgoing-private.h"
#include "route/ferry-router-private.h"

/* ---- sending ---- */

/* Lines it up, with a reference of the queue's. */
static gboolean
line_up (FerryChannel *self, FerryOutgoing *item, GError **error)
{
  gboolean open;

  pthread_mutex_lock (&self->lock);
  open = !self->closing && self->lost == NULL;
  if (self->lost != NULL)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "Nothing can be sent any more: %s", self->lost->message);
  else if (self->closing)
    g_set_error_literal (
      error, FERRY_ERROR, FERRY_ERROR_CLOSED,
      "The channel was closed at this end; send before ferry_channel_close(), or over another channel");
  else
    g_queue_push_tail (&self->out, ferry_outgoing_ref (item));
  if (open && ferry_outgoing_is_end (item))
    self->closing = TRUE;
  pthread_mutex_unlock (&self->lock);
  return open;
}

static gboolean
is_over (FerryChannel *self, gpointer item)
{
  return ((FerryOutgoing *) item)->state == FERRY_OUTGOING_DONE;
}

static gboolean
is_flushed (FerryChannel *self, gpointer data)
{
  return ferry_polled_transport_is_flushed (self->transport);
}

/* Waits for what was lined up. */
static gboolean
wait_sent (FerryChannel *self, FerryOutgoing *item, gint64 timeout, GCancellable *cancellable, GError **error)
{
  gboolean waits = timeout != 0 && (item->acknowledged || ferry_channel_may_wait_to_send (self));
  g_autoptr (GError) failure = NULL;

  if (!ferry_channel_wait_until (self, is_over, item, waits ? timeout : 0, cancellable,
                                 "ferry_channel_send_acknowledged_async()", &failure) &&
      ferry_outgoing_take_back (item))
    {
      pthread_mutex_lock (&self->lock);
      self->wants_notify = TRUE;
      ferry_channel_tell_writable_locked (self);
      pthread_mutex_unlock (&self->lock);
      if (!waits && g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
        g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK,
                             "The other end has enough to take; go on when the channel is writable");
      else
        g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  /* Where its end came at this moment, that counts; another thread may still be at it. */
  pthread_mutex_lock (&self->lock);
  while (item->state != FERRY_OUTGOING_DONE)
    pthread_cond_wait (&self->changed, &self->lock);
  pthread_mutex_unlock (&self->lock);
  if (item->error != NULL && error != NULL)
    *error = ferry_error_copy (item->error);
  return item->error == NULL;
}

/* What a polled transport has no thread to write, the one that iterates its context does: so a process that ends right
 * after that has lost nothing. When the time is over, or somebody cancels, it counts as sent already, and goes out
 * later. */
static void
wait_flushed (FerryChannel *self, gint64 timeout, GCancellable *cancellable)
{
  if (timeout != 0 && ferry_transport_get_context (self->transport) != NULL && ferry_channel_may_wait_to_send (self))
    ferry_channel_wait_until (self, is_flushed, NULL, timeout, cancellable, "", NULL);
}

static gboolean
send_and_wait (FerryChannel *self, const char *method, GVariant *value, gboolean acknowledged, gint64 timeout,
               GCancellable *cancellable, GError **error)
{
  g_autoptr (FerryOutgoing) item = ferry_outgoing_new (self, method, value, acknowledged);

  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !line_up (self, item, error))
    return FALSE;
  ferry_channel_pump (self);
  if (!wait_sent (self, item, timeout, cancellable, error))
    return FALSE;
  wait_flushed (self, timeout, cancellable);
  return TRUE;
}

/**
 * ferry_channel_send:
 * @self: a channel
 * @value: the message; a floating reference is taken
 * @timeout: how long it may wait for the other end to have room, in microseconds; 0 for not at all, negative for as
 *   long as it takes
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sends a message, behind those sent before. When this returns it is on its way: the other end can take it, also when
 * this process ends in the next instant. Any thread. It waits while %FERRY_CHANNEL_WINDOW messages lie untaken at the
 * other end, where the thread may wait; on the router's thread, and on that which receives for the transport, it never
 * does: [property@Ferry.Channel:writable] tells when to go on.
 *
 * A message that is on its way already when the time is over counts as sent: in a worker whose lane to the application
 * is full, this can take longer than @timeout.
 *
 * Fails with %FERRY_ERROR_WOULD_BLOCK, %FERRY_ERROR_TIMED_OUT, %G_IO_ERROR_CANCELLED, %FERRY_ERROR_CLOSED,
 * %FERRY_ERROR_NOT_STARTED, %FERRY_ERROR_BAD_ARGUMENTS and %FERRY_ERROR_TOO_LARGE.
 *
 * Returns: %TRUE when it was sent
 *
 * Since: 0.1
 */
gboolean
ferry_channel_send (FerryChannel *self, GVariant *value, gint64 timeout, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail (FERRY_IS_CHANNEL (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return send_and_wait (self, FERRY_CHANNEL_MESSAGE, value, FALSE, timeout, cancellable, error);
}

/**
 * ferry_channel_send_error:
 * @self: a channel
 * @failure: an error, as a value
 * @timeout: as for [method@Ferry.Channel.send]
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sends an error as a message like others, which ends nothing: what went wrong with one item among many. The other end
 * takes it apart from errors that are raised, with its domain, code, message and trace. Any thread.
 *
 * Fails as [method@Ferry.Channel.send].
 *
 * Returns: %TRUE when it was sent
 *
 * Since: 0.1
 */
gboolean
ferry_channel_send_error (FerryChannel *self, const GError *failure, gint64 timeout, GCancellable *cancellable,
                          GError **error)
{
  g_autofree char *trace = NULL;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), FALSE);
  g_return_val_if_fail (failure != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  trace = ferry_error_dup_trace (failure, self->begun);
  return send_and_wait (self, FERRY_CHANNEL_FAILURE, ferry_error_to_variant (failure, trace, NULL), FALSE, timeout,
                        cancellable, error);
}

/**
 * ferry_channel_send_acknowledged:
 * @self: a channel
 * @value: the message; a floating reference is taken
 * @timeout: how long it may take, in microseconds; negative for as long as it takes
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sends a message, and returns when the other end has taken it: one round trip, for what must not be lost on the way.
 * Messages that are not acknowledged arrive just as well, as long as the other end takes them; this one says so.
 *
 * Not on the thread that receives for the transport, where it fails with %FERRY_ERROR_WRONG_THREAD. On the router's
 * thread it iterates the router's main context meanwhile, so there it is for tests and console programs, and fails with
 * %FERRY_ERROR_BUSY in a callback of its main context; an application uses
 * [method@Ferry.Channel.send_acknowledged_async].
 *
 * After %FERRY_ERROR_TIMED_OUT and %G_IO_ERROR_CANCELLED the message may still be taken. Fails with
 * %FERRY_ERROR_NOT_ACKNOWLEDGED when the conversation ended before it was taken, and as [method@Ferry.Channel.send].
 *
 * Returns: %TRUE when the other end has taken it
 *
 * Since: 0.1
 */
gboolean
ferry_channel_send_acknowledged (FerryChannel *self, GVariant *value, gint64 timeout, GCancellable *cancellable,
                                 GError **error)
{
  g_return_val_if_fail (FERRY_IS_CHANNEL (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return send_and_wait (self, FERRY_CHANNEL_MESSAGE, value, TRUE, timeout, cancellable, error);
}

/* ---- in GIO's manner ---- */

static gboolean
cancelled (GCancellable *cancellable, gpointer data)
{
  FerryOutgoing *item = data;
  FerryChannel *channel = item->channel;
  GError *error = NULL;

  if (!ferry_outgoing_take_back (item) || !g_cancellable_set_error_if_cancelled (cancellable, &error))
    return G_SOURCE_REMOVE;
  pthread_mutex_lock (&channel->lock);
  ferry_outgoing_end_locked (item, error);
  pthread_mutex_unlock (&channel->lock);
  ferry_outgoing_return (item);
  return G_SOURCE_REMOVE;
}

static void
send_async (FerryChannel *self, GVariant *value, gboolean acknowledged, GTask *task)
{
  FerryOutgoing *item = ferry_outgoing_new (self, FERRY_CHANNEL_MESSAGE, value, acknowledged);
  GCancellable *cancellable = g_task_get_cancellable (task);
  GError *error = NULL;

  g_task_set_check_cancellable (task, FALSE);
  item->task = g_object_ref (task);
  if (cancellable != NULL)
    ferry_heed_cancellable (task, &item->source, "[ferry] stop sending", cancelled, ferry_outgoing_ref (item),
                            ferry_outgoing_unref);
  if (g_cancellable_set_error_if_cancelled (cancellable, &error) || !line_up (self, item, &error))
    {
      pthread_mutex_lock (&self->lock);
      ferry_outgoing_end_locked (item, error);
      pthread_mutex_unlock (&self->lock);
      ferry_outgoing_return (item);
    }
  else
    ferry_channel_pump (self);
  ferry_outgoing_unref (item);
}

/**
 * ferry_channel_send_async:
 * @self: a channel
 * @value: the message; a floating reference is taken
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when it was sent, in the thread-default main context of the caller
 * @user_data: data for @callback
 *
 * Sends a message when the other end has room for it, behind those sent before. Any thread with a main context that
 * runs. Have a few under way at a time: what is not sent yet takes memory here.
 *
 * Since: 0.1
 */
void
ferry_channel_send_async (FerryChannel *self, GVariant *value, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (FERRY_IS_CHANNEL (self));
  g_return_if_fail (value != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_channel_send_async);
  send_async (self, value, FALSE, task);
}

/**
 * ferry_channel_send_finish:
 * @self: a channel
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Channel.send_async]. Fails as [method@Ferry.Channel.send]. Any thread.
 *
 * Returns: %TRUE when it was sent
 *
 * Since: 0.1
 */
gboolean
ferry_channel_send_finish (FerryChannel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ferry_channel_send_acknowledged_async:
 * @self: a channel
 * @value: the message; a floating reference is taken
 * @cancellable: (nullable): a cancellable
 * @callback: (scope async): called when the other end has taken it, in the thread-default main context of the caller
 * @user_data: data for @callback
 *
 * Sends a message as [method@Ferry.Channel.send_async] does, and hears of it when the other end has taken it. Several
 * at once are sent without waiting for each other. Any thread with a main context that runs.
 *
 * Since: 0.1
 */
void
ferry_channel_send_acknowledged_async (FerryChannel *self, GVariant *value, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (FERRY_IS_CHANNEL (self));
  g_return_if_fail (value != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_channel_send_acknowledged_async);
  send_async (self, value, TRUE, task);
}

/**
 * ferry_channel_send_acknowledged_finish:
 * @self: a channel
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Channel.send_acknowledged_async]. Fails as [method@Ferry.Channel.send_acknowledged]. Any thread.
 *
 * Returns: %TRUE when the other end has taken it
 *
 * Since: 0.1
 */
gboolean
ferry_channel_send_acknowledged_finish (FerryChannel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- the end ---- */

/* any: once. failure and trace are (nullable). */
void
ferry_channel_send_end (FerryChannel *self, const GError *failure, const char *trace)
{
  GVariant *value = failure != NULL ? ferry_error_to_variant (failure, trace, NULL) : NULL;
  g_autoptr (FerryOutgoing) item = ferry_outgoing_new (self, FERRY_CHANNEL_END, value, FALSE);

  if (line_up (self, item, NULL))
    ferry_channel_pump (self);
}

/* any that may wait, and not the receiving thread: another thread's pump may be at what was lined up. */
void
ferry_channel_wait_end_sent (FerryChannel *self)
{
  pthread_mutex_lock (&self->lock);
  while (self->out.length > 0 && self->lost == NULL)
    pthread_cond_wait (&self->changed, &self->lock);
  pthread_mutex_unlock (&self->lock);
}

static gboolean
is_all_sent (FerryChannel *self, gpointer data)
{
  return self->out.length == 0 || self->lost != NULL;
}

/* The thread of a polled transport: where it may not iterate, only what the other end has room for. */
void
ferry_channel_flush (FerryChannel *self)
{
  if (ferry_channel_may_wait_to_send (self))
    ferry_channel_wait_until (self, is_all_sent, NULL, -1, NULL, "", NULL);
  ferry_polled_transport_flush (self->transport);
}

/* What a channel that goes still owes. */
typedef struct
{
  FerryTransport *transport; /* (owned) */
  gboolean of_link;
  GQueue calls;        /* (element-type FerryCall) (owned): taken, and to be acknowledged */
  FerryOutgoing *item; /* (owned) (nullable): the end */
} Farewell;

static void
farewell_free (Farewell *self)
{
  g_queue_clear_full (&self->calls, (GDestroyNotify) ferry_call_unref);
  g_clear_pointer (&self->item, ferry_outgoing_unref);
  g_object_unref (self->transport);
  g_free (self);
}

/* Returns FALSE when there is no room. */
static gboolean
say_farewell (Farewell *self)
{
  g_autoptr (GError) error = NULL;
  FerryCall *call;

  while ((call = g_queue_peek_head (&self->calls)) != NULL)
    {
      g_clear_error (&error);
      if (!ferry_call_answer (call, NULL, &error) && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        return FALSE;
      ferry_call_unref (g_queue_pop_head (&self->calls));
    }
  g_clear_error (&error);
  return self->item == NULL || ferry_channel_transmit_end (self->transport, self->of_link, self->item->value, &error) ||
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
}

static gboolean
try_farewell (gpointer data)
{
  if (!say_farewell (data))
    return FALSE;
  farewell_free (data);
  return TRUE;
}

/* any: of a channel that goes. What still lies in `out` is the end and nothing else: messages have a reference. */
void
ferry_channel_send_farewell (FerryChannel *self)
{
  guint64 count = ferry_transport_get_room_count (self->transport);
  Farewell *farewell = g_new0 (Farewell, 1);

  farewell->transport = g_object_ref (self->transport);
  farewell->of_link = self->router != NULL;
  pthread_mutex_lock (&self->lock);
  /* Another thread whose pump is at it has a reference after all, and comes here with that, if it is still needed. */
  if (!self->pumping)
    {
      farewell->item = g_queue_pop_head (&self->out);
      farewell->calls = self->taken_calls;
      g_queue_init (&self->taken_calls);
    }
  pthread_mutex_unlock (&self->lock);
  if (!try_farewell (farewell))
    ferry_transport_send_later (self->transport, try_farewell, farewell, count);
}
