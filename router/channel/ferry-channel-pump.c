/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a channel sends: messages, the end behind them, and past both of them what is owed to the other end, which is
 * credits and acknowledgements.
 *
 * Everything lines up in `out`, and the pump sends it, on whatever thread finds it idle. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"
#include "channel/ferry-channel-outgoing-private.h"

FerryOutgoing *
ferry_outgoing_new (FerryChannel *channel, const char *method, GVariant *value, gboolean acknowledged)
{
  FerryOutgoing *self = g_new0 (FerryOutgoing, 1);

  atomic_init (&self->references, 1);
  self->channel = channel;
  self->method = method;
  self->value = value != NULL ? g_variant_ref_sink (value) : NULL;
  self->acknowledged = acknowledged;
  return self;
}

FerryOutgoing *
ferry_outgoing_ref (FerryOutgoing *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_outgoing_unref (gpointer data)
{
  FerryOutgoing *self = data;

  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  g_clear_pointer (&self->source, g_source_unref);
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->error);
  g_clear_object (&self->task);
  g_free (self);
}

gboolean
ferry_outgoing_is_end (FerryOutgoing *self)
{
  return g_str_equal (self->method, FERRY_CHANNEL_END);
}

void
ferry_outgoing_end_locked (FerryOutgoing *self, GError *error)
{
  self->state = FERRY_OUTGOING_DONE;
  self->error = error;
  pthread_cond_broadcast (&self->channel->changed);
}

void
ferry_outgoing_return (FerryOutgoing *self)
{
  if (self->source != NULL)
    g_source_destroy (self->source);
  if (self->task != NULL && self->error != NULL)
    g_task_return_error (self->task, ferry_error_copy (self->error));
  else if (self->task != NULL)
    g_task_return_boolean (self->task, TRUE);
}

static GError *
new_not_acknowledged (const GError *why)
{
  return g_error_new (FERRY_ERROR, FERRY_ERROR_NOT_ACKNOWLEDGED,
                      "The conversation ended before the other end had taken the message: %s", why->message);
}

/* Which error the sender gets when the transport gives this one. */
static GError *
translate (FerryOutgoing *self, GError *error)
{
  GError *translated;

  if (!self->acknowledged || !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED))
    return error;
  translated = new_not_acknowledged (error);
  g_error_free (error);
  return translated;
}

gboolean
ferry_outgoing_take_back (FerryOutgoing *item)
{
  FerryChannel *self = item->channel;
  gboolean queued;
  FerryOutgoingState state;

  pthread_mutex_lock (&self->lock);
  while (item->state == FERRY_OUTGOING_SENDING && item->task == NULL)
    pthread_cond_wait (&self->changed, &self->lock);
  state = item->state;
  item->given_up = TRUE;
  queued = state == FERRY_OUTGOING_QUEUED && g_queue_remove (&self->out, item);
  pthread_mutex_unlock (&self->lock);
  if (queued)
    ferry_outgoing_unref (item);
  if (state != FERRY_OUTGOING_SENT || !ferry_transactions_forget (self->transactions, item->xid))
    return queued;
  ferry_outgoing_unref (item);
  g_object_unref (self);
  return TRUE;
}

/* ---- the pump ---- */

typedef enum
{
  PUMP_IDLE, /* there is nothing that can be sent */
  PUMP_SENT,
  PUMP_STUCK, /* there is no room */
} Pumped;

static void
acknowledged (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autoptr (FerryOutgoing) item = data;
  g_autoptr (FerryChannel) channel = item->channel;

  pthread_mutex_lock (&channel->lock);
  ferry_outgoing_end_locked (item, error != NULL ? new_not_acknowledged (error) : NULL);
  pthread_mutex_unlock (&channel->lock);
  ferry_outgoing_return (item);
}

static void
end_came_home (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_object_unref (data);
}

static const FerryAnswerFuncs acknowledged_funcs = {.done = acknowledged};
static const FerryAnswerFuncs end_funcs = {.done = end_came_home};

static gboolean
tell (FerryTransport *transport, const char *method, GVariant *value, GError **error)
{
  FerryRequest request = {.method = method, .arguments = value, .flags = FERRY_CALL_ONE_WAY};

  return ferry_transactions_ask (ferry_transport_get_transactions (transport), &request, NULL, NULL, error) != 0;
}

/* What lies before a link's lane is lost when the pipe is closed; so the end, which comes behind it, holds the
 * transport until the worker has it. */
gboolean
ferry_channel_transmit_end (FerryTransport *transport, gboolean of_link, GVariant *value, GError **error)
{
  FerryRequest request = {.method = FERRY_CHANNEL_END, .arguments = value};

  if (!of_link)
    return tell (transport, FERRY_CHANNEL_END, value, error);
  if (ferry_transactions_ask (ferry_transport_get_transactions (transport), &request, &end_funcs,
                              g_object_ref (transport), error) != 0)
    return TRUE;
  g_object_unref (transport);
  return FALSE;
}

/* Without the lock. */
static gboolean
transmit (FerryChannel *self, FerryOutgoing *item, guint64 *xid, GError **error)
{
  FerryRequest request = {.method = item->method, .arguments = item->value};

  if (ferry_outgoing_is_end (item))
    return ferry_channel_transmit_end (self->transport, self->router != NULL, item->value, error);
  if (!item->acknowledged)
    return tell (self->transport, item->method, item->value, error);
  g_object_ref (self);
  *xid = ferry_transactions_ask (self->transactions, &request, &acknowledged_funcs, ferry_outgoing_ref (item), error);
  if (*xid != 0)
    return TRUE;
  ferry_outgoing_unref (item);
  g_object_unref (self);
  return FALSE;
}

/* Without the lock: of one that was given up while it was sent. */
static void
cancel_sent (FerryChannel *self, FerryOutgoing *item)
{
  if (!ferry_outgoing_take_back (item))
    return;
  pthread_mutex_lock (&self->lock);
  ferry_outgoing_end_locked (
    item, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Nobody waits for the acknowledgement"));
  pthread_mutex_unlock (&self->lock);
  ferry_outgoing_return (item);
}

/* lock is held, and let go of meanwhile. */
static Pumped
pump_item (FerryChannel *self, FerryOutgoing *head)
{
  g_autoptr (FerryOutgoing) item = ferry_outgoing_ref (head);
  guint credit = ferry_outgoing_is_end (item) ? 0 : 1;
  GError *error = NULL;
  guint64 xid = 0;
  gboolean given_up;
  gboolean sent;
  gboolean done;

  item->state = FERRY_OUTGOING_SENDING;
  self->sending = head;
  self->credits -= credit;
  pthread_mutex_unlock (&self->lock);
  sent = transmit (self, item, &xid, &error);
  pthread_mutex_lock (&self->lock);
  self->sending = NULL;
  if (!sent)
    self->credits += credit;
  /* Where the transport has ended meanwhile, nobody comes for it any more. */
  if (!sent && self->lost != NULL && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    {
      g_clear_error (&error);
      g_set_error (&error, FERRY_ERROR, FERRY_ERROR_CLOSED, "Nothing can be sent any more: %s", self->lost->message);
    }
  if (!sent && !item->given_up && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    {
      item->state = FERRY_OUTGOING_QUEUED;
      g_error_free (error);
      return PUMP_STUCK;
    }
  g_queue_remove (&self->out, head);
  item->xid = xid;
  given_up = item->given_up && sent && item->acknowledged;
  done = item->state == FERRY_OUTGOING_SENDING && (!sent || !item->acknowledged);
  if (done)
    ferry_outgoing_end_locked (item, sent ? NULL : translate (item, error));
  else if (item->state == FERRY_OUTGOING_SENDING)
    item->state = FERRY_OUTGOING_SENT;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
  if (done)
    ferry_outgoing_return (item);
  else if (given_up)
    cancel_sent (self, item);
  ferry_outgoing_unref (head);
  pthread_mutex_lock (&self->lock);
  return PUMP_SENT;
}

/* As pump_item(). The credits are given before they are sent: the other end may use them at once. */
static Pumped
pump_credits (FerryChannel *self)
{
  g_autoptr (GError) error = NULL;
  guint n = self->n_taken;
  gboolean sent;

  self->n_taken = 0;
  self->n_held -= n;
  pthread_mutex_unlock (&self->lock);
  sent = tell (self->transport, FERRY_CHANNEL_CREDIT, g_variant_new_uint32 (n), &error);
  pthread_mutex_lock (&self->lock);
  if (sent || !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return PUMP_SENT;
  self->n_taken += n;
  self->n_held += n;
  return PUMP_STUCK;
}

/* As pump_item(). */
static Pumped
pump_call (FerryChannel *self)
{
  FerryCall *call = g_queue_pop_head (&self->taken_calls);
  g_autoptr (GError) error = NULL;
  gboolean stuck;

  pthread_mutex_unlock (&self->lock);
  stuck = !ferry_call_answer (call, NULL, &error) && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  if (!stuck)
    ferry_call_unref (call);
  pthread_mutex_lock (&self->lock);
  if (stuck)
    g_queue_push_head (&self->taken_calls, call);
  return stuck ? PUMP_STUCK : PUMP_SENT;
}

static gboolean
owes_credits_locked (FerryChannel *self)
{
  return self->n_taken >= FERRY_CHANNEL_WINDOW / 2 && !self->ended;
}

gboolean
ferry_channel_has_control_locked (FerryChannel *self)
{
  return owes_credits_locked (self) || self->taken_calls.length > 0;
}

/* lock is held, and let go of meanwhile. */
static Pumped
pump_next (FerryChannel *self)
{
  FerryOutgoing *head = g_queue_peek_head (&self->out);

  if (self->kept || self->lost != NULL)
    return PUMP_IDLE;
  if (self->taken_calls.length > 0)
    return pump_call (self);
  if (owes_credits_locked (self))
    return pump_credits (self);
  if (head == NULL || (self->credits == 0 && !ferry_outgoing_is_end (head)))
    return PUMP_IDLE;
  return pump_item (self, head);
}

gboolean
ferry_channel_is_writable_locked (FerryChannel *self)
{
  return !self->closing && self->lost == NULL && !self->kept && self->credits > 0 && self->out.length == 0;
}

void
ferry_channel_tell_writable_locked (FerryChannel *self)
{
  if (!self->wants_notify || !ferry_channel_is_writable_locked (self))
    return;
  self->wants_notify = FALSE;
  ferry_channel_tell_locked (self, FERRY_CHANNEL_TELL_WRITABLE);
}

/* Returns FALSE when it got stuck; *count is then the room count from before that. */
static gboolean
pump (FerryChannel *self, guint64 *count)
{
  Pumped pumped = PUMP_IDLE;

  pthread_mutex_lock (&self->lock);
  if (self->pumping)
    {
      self->pump_again = TRUE;
      pthread_mutex_unlock (&self->lock);
      return TRUE;
    }
  self->pumping = TRUE;
  do
    {
      self->pump_again = FALSE;
      *count = ferry_transport_get_room_count (self->transport);
      pumped = pump_next (self);
    }
  while (pumped == PUMP_SENT || (pumped == PUMP_IDLE && self->pump_again));
  self->pumping = FALSE;
  if (pumped == PUMP_STUCK)
    self->kept = TRUE;
  ferry_channel_tell_writable_locked (self);
  pthread_mutex_unlock (&self->lock);
  return pumped != PUMP_STUCK;
}

/* any: there is room. */
static gboolean
try_again (gpointer data)
{
  FerryChannelEnd *end = data;
  g_autoptr (FerryChannel) self = g_weak_ref_get (&end->channel);
  gboolean done = TRUE;
  guint64 count;

  if (self != NULL)
    {
      pthread_mutex_lock (&self->lock);
      self->kept = FALSE;
      pthread_mutex_unlock (&self->lock);
      done = pump (self, &count);
    }
  if (done)
    ferry_channel_end_unref (end);
  return done;
}

/* any */
void
ferry_channel_pump (FerryChannel *self)
{
  guint64 count;

  if (!pump (self, &count))
    ferry_transport_send_later (self->transport, try_again, g_atomic_rc_box_acquire (self->end), count);
}

/* any */
void
ferry_channel_credits_came (FerryChannel *self, guint n)
{
  gboolean valid;

  pthread_mutex_lock (&self->lock);
  valid = n > 0 && n <= FERRY_CHANNEL_WINDOW - MIN (self->credits, FERRY_CHANNEL_WINDOW);
  if (valid)
    self->credits += n;
  pthread_mutex_unlock (&self->lock);
  if (valid)
    ferry_channel_pump (self);
  else
    ferry_channel_fault (self, "it gave room for more messages than were sent");
}

void
ferry_channel_steal_outgoing_locked (FerryChannel *self, GQueue *outgoing)
{
  /* That one is the pump's, also where it was ended already: with the transport, before whoever sends it knows. */
  FerryOutgoing *sending = self->sending != NULL ? g_queue_pop_head (&self->out) : NULL;

  *outgoing = self->out;
  g_queue_init (&self->out);
  if (sending != NULL)
    g_queue_push_tail (&self->out, sending);
}

void
ferry_channel_drop_outgoing (GQueue *outgoing, const GError *reason)
{
  FerryOutgoing *item;

  while ((item = g_queue_pop_head (outgoing)) != NULL)
    {
      FerryChannel *channel = item->channel;
      GError *error =
        g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED, "Nothing can be sent any more: %s", reason->message);

      pthread_mutex_lock (&channel->lock);
      ferry_outgoing_end_locked (item, translate (item, error));
      pthread_mutex_unlock (&channel->lock);
      ferry_outgoing_return (item);
      ferry_outgoing_unref (item);
    }
}
