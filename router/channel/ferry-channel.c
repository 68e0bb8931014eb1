/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A channel: its signals, sending, receiving, waiting, and its end.
 *
 * The messages are requests of the transaction protocol; docs/protocol.md has them in prose.
 *
 * It is one file since all of it works on the same queues and counts, under one lock.
 *
 * Threads:    any. Requests arrive on the thread that receives for the transport; signals are emitted in context.
 * Locks:      lock; with it held, only that of the wait queue is taken.
 * Invariants: the flush sends everything, one thing at a time, so the end goes behind all messages. Of the other end's
 *             window, each message is a credit there, is on its way, is in `in`, or was taken and its credit is not
 *             given back yet. n_held counts the latter two.
 * Trust:      none in the other end: when it breaks a rule, the transport is closed. */

#include "config.h"

#include "channel/ferry-channel-private.h"

#include <pthread.h>

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-thread-private.h"
#include "base/ferry-wait-queue-private.h"
#include "base/ferry-watch-cancellable-private.h"
#include "call/ferry-link-transport-private.h"
#include "call/ferry-polled-transport-private.h"
#include "call/ferry-remote-error-private.h"
#include "ferry-marshallers.h"
#include "route/ferry-router-private.h"
#include "task/ferry-iterate-private.h"

typedef enum
{
  TELL_MESSAGES = 1 << 0, /* or that the end was taken, or the process has ended, for an exchange */
  TELL_CLOSED = 1 << 1,
  TELL_WRITABLE = 1 << 2,
} News;

typedef enum
{
  OUTGOING_QUEUED,  /* in `out` */
  OUTGOING_SENDING, /* only the flush touches it */
  OUTGOING_SENT,    /* and to be acknowledged */
  OUTGOING_DONE,    /* ended by the flush, by its acknowledgement, or taken back */
} OutgoingState;

/* A message to be sent, or the end.
 *
 * Owner:   counted references: of `out`, of a transaction that waits for the acknowledgement, of the sending call.
 * Threads: any. */
typedef struct
{
  _Atomic gint references;
  FerryChannel *channel; /* (unowned): the sending call has a reference, and so has a transaction */
  const char *method;    /* const, as the next three */
  GVariant *value;       /* (owned) (nullable) */
  gboolean acknowledged;
  GTask *task;         /* (owned) (nullable): none where a thread waits, and for the end */
  GSource *source;     /* (owned) (nullable): of the task's cancellable */
  OutgoingState state; /* channel's lock, as what follows */
  gboolean given_up;   /* while it was OUTGOING_SENDING */
  guint64 xid;         /* once it is OUTGOING_SENT */
  GError *error;       /* (owned) (nullable): once it is OUTGOING_DONE */
} Outgoing;

/* For sources and retries, which have no reference to the channel. Counted references, by g_atomic_rc_box. */
typedef struct
{
  GWeakRef channel;
  FerryTransport *transport; /* (owned) */
} End;

/**
 * FerryChannel:
 *
 * A conversation with another process: messages go both ways, in order, each once.
 *
 * Each end makes a channel over its end of a transport, and takes all requests of that. Or
 * [func@Ferry.Channel.start] starts a worker with a channel. Messages are #GVariant values, or errors as values.
 *
 * At most %FERRY_CHANNEL_WINDOW messages lie untaken at an end. An end that sends faster than the other one takes
 * waits, and its messages take no further memory. A message needs no answer: it is on its way when it was sent.
 * [method@Ferry.Channel.send_acknowledged] waits until it was taken, for a round trip.
 *
 * Each end closes its own direction: by [method@Ferry.Channel.close], or by [method@Ferry.Channel.fail], which raises
 * an error at the other end. The end is taken behind all messages. This holds also for a killed worker: all that it had
 * sent is taken first, and then how it ended.
 *
 * In a worker, and on any other thread that may wait, [method@Ferry.Channel.receive] takes messages. On the main loop
 * there is [method@Ferry.Channel.receive_async], and the signal [signal@Ferry.Channel::message] while
 * [property@Ferry.Channel:flowing] is set.
 *
 * A channel closes with its last reference. Any thread may use it; signals and notifications are emitted in the main
 * context that was the thread-default one where the channel was made.
 *
 * Since: 0.1
 */
struct _FerryChannel
{
  GObject parent_instance;

  FerryTransport *transport;       /* const: (owned) */
  FerryTransactions *transactions; /* const: (unowned): the transport's */
  FerryRouter *router;             /* const: (owned) (nullable): of a link's end at the application */
  GMainContext *context;           /* const: (owned): where signals are emitted */
  End *end;                        /* const: (owned) */
  gboolean takes_calls;            /* const: the transport's */
  guint64 begun;                   /* const: ferry_trace_get_moment() when it was made */
  char *function;                  /* const: (owned) (nullable): that the channel was started with */
  GVariant *arguments;             /* const: (owned) (nullable) */

  pthread_mutex_t lock;
  pthread_cond_t changed; /* a thread's Condition may hold now; of the monotonic clock */

  GQueue out;            /* lock, as what follows: (element-type Outgoing) (owned) */
  GQueue taken_calls;    /* (element-type FerryCall) (owned): to be acknowledged */
  guint credits;         /* messages that the other end has room for */
  guint n_taken;         /* messages that were taken, and whose credits were not given back */
  gboolean flushing;     /* by a thread */
  Outgoing *sending;     /* (unowned) (nullable): the first in `out`, while the flush sends it */
  gboolean flush_again;  /* after this flush */
  gboolean kept;         /* the transport will call try_again() when there is room */
  gboolean closing;      /* the end is in `out`, or was sent */
  gboolean wants_notify; /* `writable` was found to be FALSE */

  GQueue in;               /* (element-type FerryIncoming) (owned) */
  FerryWaitQueue receives; /* any: calls of ferry_channel_receive_async(), only while `in` is empty */
  guint n_held;            /* messages that came, and whose credits were not given back */
  gboolean ended;          /* the other end's end came */
  GError *end_error;       /* (owned) (nullable): raised by the other end */
  GError *lost;            /* (owned) (nullable): why the transport is closed */
  gboolean end_taken;

  gboolean flowing;
  guint news;                     /* News: to be told */
  GSource *source;                /* (owned) (nullable): that will tell them */
  FerryChannelNewsFunc news_func; /* context: (nullable): of an exchange */
  gpointer news_data;

  FerryChannelProcess *process; /* of the thread that started it: (owned) (nullable) */
};

G_DEFINE_FINAL_TYPE (FerryChannel, ferry_channel, G_TYPE_OBJECT)

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

static guint message_signal;

static void
end_clear (gpointer data)
{
  End *end = data;

  g_weak_ref_clear (&end->channel);
  g_object_unref (end->transport);
}

static void
end_unref (gpointer end)
{
  g_atomic_rc_box_release_full (end, end_clear);
}

/* ---- telling ---- */

/* context: hands one message to the handlers. Returns FALSE when there is none, or messages do not flow any more. */
static gboolean
emit_message (End *end)
{
  g_autoptr (FerryChannel) self = g_weak_ref_get (&end->channel);
  g_autoptr (FerryIncoming) incoming = NULL;

  if (self == NULL || !ferry_channel_get_flowing (self) ||
      ferry_channel_take (self, &incoming, NULL) != FERRY_CHANNEL_TAKEN)
    return FALSE;
  g_signal_emit (self, message_signal, 0, incoming->value, incoming->failure);
  return TRUE;
}

/* context: holds no reference between messages: a handler may drop the last one. Returns whether more may be there. */
static gboolean
tell_messages (End *end)
{
  guint n = 0;

  /* At most a window, so that other sources have their turn. */
  while (n < FERRY_CHANNEL_WINDOW && emit_message (end))
    n++;
  return n == FERRY_CHANNEL_WINDOW;
}

static guint
take_news (End *end)
{
  g_autoptr (FerryChannel) self = g_weak_ref_get (&end->channel);
  guint news;

  if (self == NULL)
    return 0;
  FERRY_AUTO_LOCK (&self->lock);
  news = self->news;
  self->news = 0;
  g_clear_pointer (&self->source, g_source_unref);
  return news;
}

/* context */
static void
tell_closed (FerryChannel *self)
{
  if (ferry_transport_get_closed (self->transport) && self->process != NULL && self->process->alone != NULL)
    self->process->alone (self->process);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CLOSED]);
}

static gboolean
tell (gpointer data)
{
  End *end = data;
  guint news = take_news (end);
  gboolean more = (news & TELL_MESSAGES) != 0 && tell_messages (end);
  g_autoptr (FerryChannel) self = g_weak_ref_get (&end->channel);

  if (self == NULL)
    return G_SOURCE_REMOVE;
  if (more)
    ferry_channel_tell_news (self);
  if ((news & TELL_WRITABLE) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_WRITABLE]);
  if ((news & TELL_CLOSED) != 0)
    tell_closed (self);
  if (self->news_func != NULL && (news & ~(guint) TELL_WRITABLE) != 0)
    self->news_func (self, self->news_data);
  return G_SOURCE_REMOVE;
}

/* Has the news told in the context. */
static void
tell_locked (FerryChannel *self, guint news)
{
  if (news == TELL_MESSAGES && !self->flowing && self->news_func == NULL)
    return;
  self->news |= news;
  if (self->source != NULL)
    return;
  self->source = g_idle_source_new ();
  g_source_set_static_name (self->source, "[ferry] channel");
  g_source_set_priority (self->source, self->router != NULL ? self->router->priority : G_PRIORITY_DEFAULT);
  g_source_set_callback (self->source, tell, g_atomic_rc_box_acquire (self->end), end_unref);
  g_source_attach (self->source, self->context);
}

void
ferry_channel_tell_news (FerryChannel *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  tell_locked (self, TELL_MESSAGES);
}

/* any: ends the transport, as the other end broke a rule. */
static void
fault (FerryChannel *self, const char *what)
{
  g_autoptr (GError) reason =
    g_error_new (FERRY_ERROR, FERRY_ERROR_PROTOCOL, "The other end of the channel broke a rule: %s", what);

  ferry_transport_end (self->transport, reason);
}

/* ---- messages to be sent ---- */

static Outgoing *
outgoing_new (FerryChannel *channel, const char *method, GVariant *value, gboolean acknowledged)
{
  Outgoing *self = g_new0 (Outgoing, 1);

  atomic_init (&self->references, 1);
  self->channel = channel;
  self->method = method;
  self->value = value != NULL ? g_variant_ref_sink (value) : NULL;
  self->acknowledged = acknowledged;
  return self;
}

static Outgoing *
outgoing_ref (Outgoing *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

/* Without the lock: the task's reference to the channel may be the last one. */
static void
outgoing_unref (gpointer data)
{
  Outgoing *self = data;

  if (!ferry_ref_count_dec (&self->references))
    return;
  g_clear_pointer (&self->source, g_source_unref);
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->error);
  g_clear_object (&self->task);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Outgoing, outgoing_unref)

static gboolean
outgoing_is_end (Outgoing *self)
{
  return g_str_equal (self->method, FERRY_CHANNEL_END);
}

/* Takes error. */
static void
outgoing_end_locked (Outgoing *self, GError *error)
{
  self->state = OUTGOING_DONE;
  self->error = error;
  pthread_cond_broadcast (&self->channel->changed);
}

/* Without the lock, once it is OUTGOING_DONE: returns its task. */
static void
outgoing_return (Outgoing *self)
{
  if (self->source != NULL)
    g_source_destroy (self->source);
  if (self->task != NULL && self->error != NULL)
    g_task_return_error (self->task, ferry_error_copy (self->error));
  else if (self->task != NULL)
    g_task_return_boolean (self->task, TRUE);
}

/* Takes error. */
static void
outgoing_end (Outgoing *self, GError *error)
{
  pthread_mutex_lock (&self->channel->lock);
  outgoing_end_locked (self, error);
  pthread_mutex_unlock (&self->channel->lock);
  outgoing_return (self);
}

static GError *
new_not_acknowledged (const GError *why)
{
  return g_error_new (FERRY_ERROR, FERRY_ERROR_NOT_ACKNOWLEDGED,
                      "The conversation ended before the other end had taken the message: %s", why->message);
}

static GError *
new_cannot_send (const GError *why)
{
  return g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED, "Nothing can be sent any more: %s", why->message);
}

static GError *
new_cancelled (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "The sending was cancelled");
}

/* Takes an error of the transport. Returns (transfer full) the sender's error. */
static GError *
translate (Outgoing *self, GError *error)
{
  g_autoptr (GError) kept = error;

  if (self->acknowledged && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED))
    return new_not_acknowledged (error);
  return g_steal_pointer (&kept);
}

/* Returns whether the caller ends it. Otherwise it has its end, or will have it soon. */
static gboolean
outgoing_take_back (Outgoing *item)
{
  FerryChannel *self = item->channel;
  gboolean queued;
  OutgoingState state;

  pthread_mutex_lock (&self->lock);
  while (item->state == OUTGOING_SENDING && item->task == NULL)
    pthread_cond_wait (&self->changed, &self->lock);
  state = item->state;
  item->given_up = TRUE;
  queued = state == OUTGOING_QUEUED && g_queue_remove (&self->out, item);
  pthread_mutex_unlock (&self->lock);
  if (queued)
    outgoing_unref (item);
  if (state != OUTGOING_SENT || !ferry_transactions_forget (self->transactions, item->xid))
    return queued;
  outgoing_unref (item);
  g_object_unref (self);
  return TRUE;
}

/* ---- the flush ----
 *
 * Messages, and the end behind them, wait in `out`. The flush sends them, and first the credits and acknowledgements
 * that the other end is owed. It runs on the thread that finds it idle. */

typedef enum
{
  FLUSH_IDLE, /* nothing can be sent */
  FLUSH_SENT,
  FLUSH_STUCK, /* there is no room */
} Flushed;

static void
acknowledged (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autoptr (Outgoing) item = data;
  g_autoptr (FerryChannel) channel G_GNUC_UNUSED = item->channel;

  outgoing_end (item, error != NULL ? new_not_acknowledged (error) : NULL);
}

static void
end_acknowledged (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_object_unref (data);
}

static const FerryAnswerFuncs acknowledged_funcs = {.done = acknowledged};
static const FerryAnswerFuncs end_funcs = {.done = end_acknowledged};

static gboolean
transmit_one_way (FerryTransport *transport, const char *method, GVariant *value, GError **error)
{
  FerryRequest request = {.method = method, .arguments = value, .flags = FERRY_CALL_ONE_WAY};

  return ferry_transactions_ask (ferry_transport_get_transactions (transport), &request, NULL, NULL, error) != 0;
}

/* Sends an end. Fails with FERRY_ERROR_WOULD_BLOCK. Messages that wait for a link's lane are lost when the pipe is
 * closed; so the end, which is behind them, keeps the transport until the worker has acknowledged it. */
static gboolean
transmit_end (FerryTransport *transport, gboolean of_link, GVariant *value, GError **error)
{
  FerryRequest request = {.method = FERRY_CHANNEL_END, .arguments = value};

  if (!of_link)
    return transmit_one_way (transport, FERRY_CHANNEL_END, value, error);
  if (ferry_transactions_ask (ferry_transport_get_transactions (transport), &request, &end_funcs,
                              g_object_ref (transport), error) != 0)
    return TRUE;
  g_object_unref (transport);
  return FALSE;
}

/* Without the lock. */
static gboolean
transmit (FerryChannel *self, Outgoing *item, guint64 *xid, GError **error)
{
  FerryRequest request = {.method = item->method, .arguments = item->value};

  if (outgoing_is_end (item))
    return transmit_end (self->transport, self->router != NULL, item->value, error);
  if (!item->acknowledged)
    return transmit_one_way (self->transport, item->method, item->value, error);
  g_object_ref (self);
  *xid = ferry_transactions_ask (self->transactions, &request, &acknowledged_funcs, outgoing_ref (item), error);
  if (*xid != 0)
    return TRUE;
  outgoing_unref (item);
  g_object_unref (self);
  return FALSE;
}

/* With the lock, which is released meanwhile. */
static Flushed
flush_item (FerryChannel *self, Outgoing *head)
{
  g_autoptr (Outgoing) item = outgoing_ref (head);
  guint credit = outgoing_is_end (item) ? 0 : 1;
  GError *error = NULL;
  guint64 xid = 0;
  gboolean given_up;
  gboolean sent;
  gboolean done;

  item->state = OUTGOING_SENDING;
  self->sending = head;
  self->credits -= credit;
  pthread_mutex_unlock (&self->lock);
  sent = transmit (self, item, &xid, &error);
  pthread_mutex_lock (&self->lock);
  self->sending = NULL;
  if (!sent)
    self->credits += credit;
  if (!sent && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    {
      g_clear_error (&error);
      if (self->lost == NULL && !item->given_up)
        {
          item->state = OUTGOING_QUEUED;
          return FLUSH_STUCK;
        }
      /* Meanwhile the transport has ended, and dropped the others, or the call was cancelled. */
      error = self->lost != NULL ? new_cannot_send (self->lost) : new_cancelled ();
    }
  g_queue_remove (&self->out, head);
  item->xid = xid;
  given_up = item->given_up && sent && item->acknowledged;
  done = item->state == OUTGOING_SENDING && (!sent || !item->acknowledged);
  if (done)
    outgoing_end_locked (item, sent ? NULL : translate (item, error));
  else if (item->state == OUTGOING_SENDING)
    item->state = OUTGOING_SENT;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
  if (done)
    outgoing_return (item);
  else if (given_up && outgoing_take_back (item))
    outgoing_end (item, new_cancelled ());
  outgoing_unref (head);
  pthread_mutex_lock (&self->lock);
  return FLUSH_SENT;
}

/* As flush_item(). The credits count before they are sent: the other end may use them at once. */
static Flushed
flush_credits (FerryChannel *self)
{
  g_autoptr (GError) error = NULL;
  guint n = self->n_taken;
  gboolean sent;

  self->n_taken = 0;
  self->n_held -= n;
  pthread_mutex_unlock (&self->lock);
  sent = transmit_one_way (self->transport, FERRY_CHANNEL_CREDIT, g_variant_new_uint32 (n), &error);
  pthread_mutex_lock (&self->lock);
  if (sent || !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return FLUSH_SENT;
  self->n_taken += n;
  self->n_held += n;
  return FLUSH_STUCK;
}

/* Acknowledges a message. Returns FALSE where there is no room; otherwise it takes the call. */
static gboolean
acknowledge (FerryCall *call)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_call_answer (call, NULL, &error) && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return FALSE;
  ferry_call_unref (call);
  return TRUE;
}

/* As flush_item(). */
static Flushed
flush_call (FerryChannel *self)
{
  FerryCall *call = g_queue_pop_head (&self->taken_calls);
  gboolean sent;

  pthread_mutex_unlock (&self->lock);
  sent = acknowledge (call);
  pthread_mutex_lock (&self->lock);
  if (!sent)
    g_queue_push_head (&self->taken_calls, call);
  return sent ? FLUSH_SENT : FLUSH_STUCK;
}

static gboolean
owes_credits_locked (FerryChannel *self)
{
  return self->n_taken >= FERRY_CHANNEL_WINDOW / 2 && !self->ended;
}

static gboolean
has_control_locked (FerryChannel *self, gpointer data)
{
  return owes_credits_locked (self) || self->taken_calls.length > 0;
}

/* As flush_item(). */
static Flushed
flush_next (FerryChannel *self)
{
  Outgoing *head = g_queue_peek_head (&self->out);

  if (self->kept || self->lost != NULL)
    return FLUSH_IDLE;
  if (self->taken_calls.length > 0)
    return flush_call (self);
  if (owes_credits_locked (self))
    return flush_credits (self);
  if (head == NULL || (self->credits == 0 && !outgoing_is_end (head)))
    return FLUSH_IDLE;
  return flush_item (self, head);
}

static gboolean
is_writable_locked (FerryChannel *self, gpointer data)
{
  return !self->closing && self->lost == NULL && !self->kept && self->credits > 0 && self->out.length == 0;
}

static void
tell_writable_locked (FerryChannel *self)
{
  if (!self->wants_notify || !is_writable_locked (self, NULL))
    return;
  self->wants_notify = FALSE;
  tell_locked (self, TELL_WRITABLE);
}

/* Returns FALSE where there is no room; count is the room count from before that. */
static gboolean
flush_all (FerryChannel *self, guint64 *count)
{
  Flushed flushed = FLUSH_IDLE;

  pthread_mutex_lock (&self->lock);
  if (self->flushing)
    {
      self->flush_again = TRUE;
      pthread_mutex_unlock (&self->lock);
      return TRUE;
    }
  self->flushing = TRUE;
  do
    {
      self->flush_again = FALSE;
      *count = ferry_transport_get_room_count (self->transport);
      flushed = flush_next (self);
    }
  while (flushed == FLUSH_SENT || (flushed == FLUSH_IDLE && self->flush_again));
  self->flushing = FALSE;
  if (flushed == FLUSH_STUCK)
    self->kept = TRUE;
  tell_writable_locked (self);
  pthread_mutex_unlock (&self->lock);
  return flushed != FLUSH_STUCK;
}

/* any: there is room. */
static gboolean
try_again (gpointer data)
{
  End *end = data;
  g_autoptr (FerryChannel) self = g_weak_ref_get (&end->channel);
  gboolean done = TRUE;
  guint64 count;

  if (self != NULL)
    {
      pthread_mutex_lock (&self->lock);
      self->kept = FALSE;
      pthread_mutex_unlock (&self->lock);
      done = flush_all (self, &count);
    }
  if (done)
    end_unref (end);
  return done;
}

/* any */
static void
flush (FerryChannel *self)
{
  guint64 count;

  if (!flush_all (self, &count))
    ferry_transport_send_later (self->transport, try_again, g_atomic_rc_box_acquire (self->end), count);
}

/* any */
static void
credits_came (FerryChannel *self, guint n)
{
  gboolean valid;

  pthread_mutex_lock (&self->lock);
  valid = n > 0 && n <= FERRY_CHANNEL_WINDOW - MIN (self->credits, FERRY_CHANNEL_WINDOW);
  if (valid)
    self->credits += n;
  pthread_mutex_unlock (&self->lock);
  if (valid)
    flush (self);
  else
    fault (self, "it gave room for more messages than were sent");
}

/* ---- waiting ----
 *
 * A thread that may not sleep iterates a main context: the router's thread, and that of a polled transport. */

typedef gboolean (*Condition) (FerryChannel *self, gpointer data);

static gboolean
holds (FerryChannel *self, Condition condition, gpointer data)
{
  FERRY_AUTO_LOCK (&self->lock);
  return condition (self, data);
}

/* A wait of a thread, which sleeps, or iterates context. */
typedef struct
{
  FerryChannel *channel;
  Condition condition;
  gpointer data;
  GCancellable *cancellable; /* (nullable), as the next one */
  GMainContext *context;
} Wait;

static void
wake_up (GCancellable *cancellable, gpointer data)
{
  const Wait *wait = data;

  pthread_mutex_lock (&wait->channel->lock);
  pthread_cond_broadcast (&wait->channel->changed);
  pthread_mutex_unlock (&wait->channel->lock);
  if (wait->context != NULL)
    g_main_context_wakeup (wait->context);
}

static gboolean
is_wait_over (gpointer data)
{
  const Wait *wait = data;

  return holds (wait->channel, wait->condition, wait->data) || g_cancellable_is_cancelled (wait->cancellable);
}

static void
sleep_until (FerryChannel *self, Condition condition, gpointer data, gint64 deadline, GCancellable *cancellable)
{
  gboolean in_time = TRUE;
  FERRY_AUTO_LOCK (&self->lock);

  while (in_time && !condition (self, data) && !g_cancellable_is_cancelled (cancellable))
    in_time = ferry_cond_wait_until (&self->changed, &self->lock, deadline);
}

/* context: (nullable): for this thread to iterate while it waits. Returns FALSE where it may neither do that nor sleep.
 */
static gboolean
find_context (FerryChannel *self, const char *form, GMainContext **context, GError **error)
{
  *context = ferry_transport_get_context (self->transport);
  if (*context != NULL)
    return ferry_transport_check_may_iterate (self->transport, form, error);
  if (self->router == NULL || self->router->thread != g_thread_self ())
    return ferry_transport_check_may_wait (self->transport, form, error);
  *context = self->router->context;
  return ferry_router_check_not_in_handler (self->router, error);
}

/* Whether this thread may wait for room to send: the router's thread never does. */
static gboolean
may_wait_to_send (FerryChannel *self)
{
  GMainContext *context;

  return (self->router == NULL || self->router->thread != g_thread_self ()) && find_context (self, "", &context, NULL);
}

/* Waits until condition holds, which is called with the lock. form names what to use on a thread that may not wait.
 * Fails with FERRY_ERROR_TIMED_OUT, FERRY_ERROR_BUSY, FERRY_ERROR_WRONG_THREAD and G_IO_ERROR_CANCELLED, and with
 * FERRY_ERROR_CLOSED in a forked child, of its parent's channel. */
static gboolean
wait_until (FerryChannel *self, Condition condition, gpointer data, gint64 timeout, GCancellable *cancellable,
            const char *form, GError **error)
{
  g_autoptr (FerryChannel) kept G_GNUC_UNUSED = g_object_ref (self);
  Wait wait = {self, condition, data, cancellable, NULL};
  gulong id;

  if (holds (self, condition, data))
    return TRUE;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (timeout != 0)
    {
      if (!find_context (self, form, &wait.context, error))
        return FALSE;
      id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (wake_up), &wait, NULL) : 0;
      if (wait.context != NULL)
        ferry_iterate_context (wait.context, is_wait_over, &wait, timeout);
      else
        sleep_until (self, condition, data, ferry_deadline_after (timeout), cancellable);
      g_cancellable_disconnect (cancellable, id);
    }
  if (holds (self, condition, data))
    return TRUE;
  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    ferry_set_error (error, FERRY_ERROR_TIMED_OUT, "The other end of the channel did nothing in time; give it more");
  return FALSE;
}

/* ---- receiving ----
 *
 * A message is taken once: by ferry_channel_receive(), by ferry_channel_receive_async(), by the signal, or by an
 * exchange. Then it is acknowledged where the sender waits for that, and its credit can be given back. */

void
ferry_incoming_free (FerryIncoming *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->failure);
  /* The call of a message that was not taken is refused by this. */
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

/* (nullable): takes the next message. */
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

static gboolean
is_at_end_locked (FerryChannel *self)
{
  return self->in.length == 0 && (self->ended || self->lost != NULL);
}

/* (nullable): the error that the conversation ended with. An error that the other end raised precedes the one of its
 * transport, which ended later. */
static GError *
take_end_locked (FerryChannel *self)
{
  if (!self->end_taken)
    tell_locked (self, TELL_MESSAGES);
  self->end_taken = TRUE;
  if (self->ended)
    return self->end_error != NULL ? ferry_error_copy (self->end_error) : NULL;
  return ferry_error_copy (self->lost);
}

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
  else if (is_at_end_locked (self))
    {
      taken = FERRY_CHANNEL_AT_END;
      failure = take_end_locked (self);
    }
  owes = has_control_locked (self, NULL);
  pthread_mutex_unlock (&self->lock);
  if (owes)
    flush (self);
  if (failure != NULL)
    g_propagate_error (error, failure);
  return taken;
}

/* Ends one call of ferry_channel_receive_async(). Returns FALSE when none waits, or there is nothing for it. */
static gboolean
serve_one (FerryChannel *self)
{
  g_autoptr (FerryCompletion) receive = NULL;
  FerryIncoming *incoming = NULL;
  GError *error = NULL;

  pthread_mutex_lock (&self->lock);
  if (self->in.length > 0 || is_at_end_locked (self))
    receive = ferry_wait_queue_reserve_next (&self->receives);
  if (receive != NULL)
    incoming = pop_locked (self);
  if (receive != NULL && incoming == NULL)
    error = take_end_locked (self);
  pthread_mutex_unlock (&self->lock);
  if (receive == NULL)
    return FALSE;
  ferry_completion_finish_reserved (receive, incoming, (GDestroyNotify) ferry_incoming_free, error);
  return TRUE;
}

/* any: something came, or a call waits. */
static void
wake_receives (FerryChannel *self)
{
  while (!ferry_wait_queue_is_empty (&self->receives) && serve_one (self))
    ;
  if (holds (self, has_control_locked, NULL))
    flush (self);
}

/* ---- requests; the receiving thread ---- */

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
      tell_locked (self, TELL_MESSAGES);
    }
  pthread_mutex_unlock (&self->lock);
  if (fits)
    wake_receives (self);
  else
    {
      ferry_incoming_free (incoming);
      fault (self, "it sent a message for which there was no room, or one behind its end");
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
      tell_locked (self, TELL_CLOSED);
    }
  pthread_mutex_unlock (&self->lock);
  g_clear_error (&error);
  if (first)
    wake_receives (self);
  else
    fault (self, "it ended twice");
}

static void
take_message (FerryChannel *self, FerryCall *call, gboolean is_failure)
{
  GVariant *value = ferry_call_get_arguments (call);
  FerryIncoming *incoming = g_new0 (FerryIncoming, 1);

  if ((ferry_call_get_flags (call) & FERRY_CALL_ONE_WAY) == 0)
    incoming->call = ferry_call_ref (call);
  if (is_failure)
    incoming->failure = read_error (value);
  else if (value != NULL)
    incoming->value = g_variant_ref (value);
  if (incoming->value != NULL || incoming->failure != NULL)
    message_came (self, incoming);
  else
    {
      ferry_incoming_free (incoming);
      fault (self, "it sent a message without a value");
    }
}

static void
call_came (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  FerryChannel *self = FERRY_CHANNEL (owner);
  const char *method = ferry_call_get_method (call);
  GVariant *value = ferry_call_get_arguments (call);
  g_autoptr (GError) reason = NULL;

  if (g_str_equal (method, FERRY_CHANNEL_MESSAGE) || g_str_equal (method, FERRY_CHANNEL_FAILURE))
    take_message (self, call, g_str_equal (method, FERRY_CHANNEL_FAILURE));
  else if (g_str_equal (method, FERRY_CHANNEL_CREDIT))
    credits_came (
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

/* Gives the caller a message, or the end. Takes bad_end. */
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
 * @timeout: how long to wait, in microseconds; 0 for not at all, negative for any time
 * @cancellable: (nullable): a cancellable
 * @value: (out) (transfer full) (nullable): where the next message goes; %NULL at the end, and with @failure
 * @failure: (out) (transfer full) (nullable) (optional): where an error goes that was sent as a message
 * @error: return location for an error
 *
 * Takes the next message, and waits for it. Where neither @value nor @failure is set, the other end has closed the
 * conversation, and all its messages were taken. With a %NULL @failure, an error that was sent as a message is dropped.
 *
 * Fails with the error that the other end raised: its domain, code and message (see [func@Ferry.Error.get_trace]).
 * Fails with %FERRY_ERROR_WORKER_LOST where the worker ended without an end of the conversation; the message says how.
 * Fails with %FERRY_ERROR_CLOSED when the transport is closed, and with %FERRY_ERROR_PROTOCOL when the other end broke
 * a rule. These come behind all messages, and again at each further call.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT and %G_IO_ERROR_CANCELLED; then call it again to continue.
 *
 * Not on the thread that receives for the transport, where it fails with %FERRY_ERROR_WRONG_THREAD. On the router's
 * thread it iterates the router's main context, and fails with %FERRY_ERROR_BUSY in a callback of that: there it is for
 * tests and console programs. An application uses [method@Ferry.Channel.receive_async] or
 * [signal@Ferry.Channel::message].
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
      if (!wait_until (self, has_news, NULL, timeout, cancellable, "ferry_channel_receive_async()", error))
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
 *   caller
 * @user_data: data for @callback
 *
 * Takes the next message without blocking. Any thread with a main context that runs. Several calls at once get messages
 * in their order, and before [signal@Ferry.Channel::message] gets any.
 *
 * Since: 0.1
 */
void
ferry_channel_receive_async (FerryChannel *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (FerryCompletion) completion = NULL;

  g_return_if_fail (FERRY_IS_CHANNEL (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_channel_receive_async);
  g_task_set_check_cancellable (task, FALSE);
  completion = ferry_wait_queue_join (&self->receives, NULL, NULL);
  ferry_completion_return (completion, task, G_MAXINT64);
  wake_receives (self);
}

/**
 * ferry_channel_receive_finish:
 * @self: a channel
 * @result: what the callback was given
 * @value: (out) (transfer full) (nullable): where the message goes; %NULL at the end, and with @failure
 * @failure: (out) (transfer full) (nullable) (optional): where an error goes that was sent as a message
 * @error: return location for an error
 *
 * Ends [method@Ferry.Channel.receive_async]; as [method@Ferry.Channel.receive] otherwise. Any thread.
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

/* ---- for an exchange ---- */

gboolean
ferry_channel_set_news_func (FerryChannel *self, FerryChannelNewsFunc func, gpointer data)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (func != NULL && self->news_func != NULL)
    return FALSE;
  self->news_func = func;
  self->news_data = data;
  if (func != NULL && (self->in.length > 0 || is_at_end_locked (self)))
    tell_locked (self, TELL_MESSAGES);
  return TRUE;
}

gboolean
ferry_channel_is_ready (FerryChannel *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->in.length > 0 || (is_at_end_locked (self) && !self->end_taken);
}

gboolean
ferry_channel_is_end_taken (FerryChannel *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->end_taken;
}

/* ---- sending ---- */

/* Adds it to `out`, with a reference. Fails with FERRY_ERROR_CLOSED. */
static gboolean
enqueue (FerryChannel *self, Outgoing *item, GError **error)
{
  gboolean open;
  FERRY_AUTO_LOCK (&self->lock);

  open = !self->closing && self->lost == NULL;
  if (self->lost != NULL)
    g_propagate_error (error, new_cannot_send (self->lost));
  else if (self->closing)
    ferry_set_error (error, FERRY_ERROR_CLOSED,
                     "The channel was closed at this end; send before ferry_channel_close(), or over another channel");
  else
    g_queue_push_tail (&self->out, outgoing_ref (item));
  if (open && outgoing_is_end (item))
    self->closing = TRUE;
  return open;
}

static gboolean
is_over (FerryChannel *self, gpointer item)
{
  return ((Outgoing *) item)->state == OUTGOING_DONE;
}

static gboolean
is_flushed (FerryChannel *self, gpointer data)
{
  return ferry_polled_transport_is_flushed (self->transport);
}

/* Waits for an enqueued one. */
static gboolean
wait_sent (FerryChannel *self, Outgoing *item, gint64 timeout, GCancellable *cancellable, GError **error)
{
  gboolean waits = timeout != 0 && (item->acknowledged || may_wait_to_send (self));
  g_autoptr (GError) failure = NULL;

  if (!wait_until (self, is_over, item, waits ? timeout : 0, cancellable, "ferry_channel_send_acknowledged_async()",
                   &failure) &&
      outgoing_take_back (item))
    {
      pthread_mutex_lock (&self->lock);
      self->wants_notify = TRUE;
      tell_writable_locked (self);
      pthread_mutex_unlock (&self->lock);
      if (!waits && g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
        ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                         "The other end has enough to take; go on when the channel is writable");
      else
        g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  /* Its end has won over the timeout; another thread may still be about to write it. */
  sleep_until (self, is_over, item, G_MAXINT64, NULL);
  if (item->error != NULL && error != NULL)
    *error = ferry_error_copy (item->error);
  return item->error == NULL;
}

/* A polled transport is written by the thread that iterates its context. So this waits until it is, and a process that
 * ends right after that has lost nothing. After the timeout the message counts as sent, and is written later. */
static void
wait_flushed (FerryChannel *self, gint64 timeout, GCancellable *cancellable)
{
  if (timeout != 0 && ferry_transport_get_context (self->transport) != NULL && may_wait_to_send (self))
    wait_until (self, is_flushed, NULL, timeout, cancellable, "", NULL);
}

static gboolean
send_and_wait (FerryChannel *self, const char *method, GVariant *value, gboolean acknowledged, gint64 timeout,
               GCancellable *cancellable, GError **error)
{
  g_autoptr (Outgoing) item = outgoing_new (self, method, value, acknowledged);

  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !enqueue (self, item, error))
    return FALSE;
  flush (self);
  if (!wait_sent (self, item, timeout, cancellable, error))
    return FALSE;
  wait_flushed (self, timeout, cancellable);
  return TRUE;
}

/**
 * ferry_channel_send:
 * @self: a channel
 * @value: the message; a floating reference is taken
 * @timeout: how long to wait for room at the other end, in microseconds; 0 for not at all, negative for any time
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sends a message, behind those sent before. When this returns it is on its way: the other end can take it, also when
 * this process ends in the next instant. Any thread.
 *
 * It waits while %FERRY_CHANNEL_WINDOW messages lie untaken at the other end. On the router's thread, and on the thread
 * that receives for the transport, it never waits: [property@Ferry.Channel:writable] tells when to continue.
 *
 * A message that is on its way when the time is over counts as sent. So this can take longer than @timeout in a worker
 * whose lane to the application is full.
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
 * Sends an error as a message, which ends nothing: such as the failure of one item among many. The other end gets it
 * apart from raised errors, with its domain, code, message and trace. Any thread.
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
 * @timeout: how long it may take, in microseconds; negative for any time
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sends a message, and returns when the other end has taken it: one round trip. Other messages arrive just as well, as
 * long as the other end takes them; this function tells that it has.
 *
 * Not on the thread that receives for the transport, where it fails with %FERRY_ERROR_WRONG_THREAD. On the router's
 * thread it iterates the router's main context, and fails with %FERRY_ERROR_BUSY in a callback of that: there it is for
 * tests and console programs. An application uses [method@Ferry.Channel.send_acknowledged_async].
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

/* ---- sending in GIO's manner ---- */

static gboolean
cancelled (GCancellable *cancellable, gpointer data)
{
  if (outgoing_take_back (data))
    outgoing_end (data, new_cancelled ());
  return G_SOURCE_REMOVE;
}

static void
send_async (FerryChannel *self, GVariant *value, gboolean acknowledged, GCancellable *cancellable,
            GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (Outgoing) item = outgoing_new (self, FERRY_CHANNEL_MESSAGE, value, acknowledged);
  GError *error = NULL;

  item->task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (item->task, send_async);
  g_task_set_check_cancellable (item->task, FALSE);
  if (cancellable != NULL)
    ferry_watch_cancellable (item->task, &item->source, "[ferry] stop sending", cancelled, outgoing_ref (item),
                             outgoing_unref);
  if (g_cancellable_set_error_if_cancelled (cancellable, &error) || !enqueue (self, item, &error))
    outgoing_end (item, error);
  else
    flush (self);
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
 * runs. Have a few under way at a time: messages that are not sent yet take memory here.
 *
 * Since: 0.1
 */
void
ferry_channel_send_async (FerryChannel *self, GVariant *value, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_return_if_fail (FERRY_IS_CHANNEL (self));
  g_return_if_fail (value != NULL);

  send_async (self, value, FALSE, cancellable, callback, user_data);
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
 * Sends a message as [method@Ferry.Channel.send_async] does, and ends when the other end has taken it. Several calls at
 * once do not wait for each other. Any thread with a main context that runs.
 *
 * Since: 0.1
 */
void
ferry_channel_send_acknowledged_async (FerryChannel *self, GVariant *value, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (FERRY_IS_CHANNEL (self));
  g_return_if_fail (value != NULL);

  send_async (self, value, TRUE, cancellable, callback, user_data);
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

/* any: sends the end, unless it was sent; failure and trace are (nullable). */
static void
send_end (FerryChannel *self, const GError *failure, const char *trace)
{
  GVariant *value = failure != NULL ? ferry_error_to_variant (failure, trace, NULL) : NULL;
  g_autoptr (Outgoing) item = outgoing_new (self, FERRY_CHANNEL_END, value, FALSE);

  if (enqueue (self, item, NULL))
    flush (self);
}

static gboolean
is_all_sent (FerryChannel *self, gpointer data)
{
  return self->out.length == 0 || self->lost != NULL;
}

void
ferry_channel_wait_end_sent (FerryChannel *self)
{
  sleep_until (self, is_all_sent, NULL, G_MAXINT64, NULL);
}

/* Where the thread may not iterate, this writes only what the other end has credits for. */
void
ferry_channel_flush (FerryChannel *self)
{
  if (may_wait_to_send (self))
    wait_until (self, is_all_sent, NULL, -1, NULL, "", NULL);
  ferry_polled_transport_flush (self->transport);
}

/* What a dropped channel has still to send. */
typedef struct
{
  FerryTransport *transport; /* (owned) */
  gboolean of_link;
  GQueue calls;   /* (element-type FerryCall) (owned): taken, and to be acknowledged */
  Outgoing *item; /* (owned) (nullable): the end */
} Farewell;

/* Returns FALSE when there is no room. */
static gboolean
try_farewell (gpointer data)
{
  Farewell *self = data;
  g_autoptr (GError) error = NULL;

  for (; self->calls.length > 0; g_queue_pop_head (&self->calls))
    if (!acknowledge (g_queue_peek_head (&self->calls)))
      return FALSE;
  if (self->item != NULL && !transmit_end (self->transport, self->of_link, self->item->value, &error) &&
      g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return FALSE;
  g_clear_pointer (&self->item, outgoing_unref);
  g_object_unref (self->transport);
  g_free (self);
  return TRUE;
}

/* any: has the transport send the end of a dropped channel as soon as there is room. `out` has only the end, since
 * messages have references to the channel. */
static void
send_farewell (FerryChannel *self)
{
  guint64 count = ferry_transport_get_room_count (self->transport);
  Farewell *farewell = g_new0 (Farewell, 1);

  farewell->transport = g_object_ref (self->transport);
  farewell->of_link = self->router != NULL;
  pthread_mutex_lock (&self->lock);
  /* Another thread that flushes has taken a reference meanwhile; dropping that leads here again. */
  if (!self->flushing)
    {
      farewell->item = g_queue_pop_head (&self->out);
      farewell->calls = self->taken_calls;
      g_queue_init (&self->taken_calls);
    }
  pthread_mutex_unlock (&self->lock);
  if (!try_farewell (farewell))
    ferry_transport_send_later (self->transport, try_farewell, farewell, count);
}

/**
 * ferry_channel_close:
 * @self: a channel
 *
 * Closes this end, behind all that was sent. The other end takes all that, and then the good end. Its own messages can
 * still be taken here. Does nothing where this end was closed or failed. Any thread.
 *
 * Since: 0.1
 */
void
ferry_channel_close (FerryChannel *self)
{
  g_return_if_fail (FERRY_IS_CHANNEL (self));

  send_end (self, NULL, NULL);
}

/**
 * ferry_channel_fail:
 * @self: a channel
 * @failure: what went wrong
 *
 * Closes this end as [method@Ferry.Channel.close] does, and raises an error at the other end. That fails with @failure
 * behind all messages: with its domain, code and message, and a trace. Does nothing where this end was closed or
 * failed. Any thread.
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
  send_end (self, failure, trace);
}

/* any: all that came is in `in` by now. Drops what cannot be sent any more. */
static void
transport_ended (FerryTransport *transport, GObject *owner)
{
  FerryChannel *self = FERRY_CHANNEL (owner);
  g_autoptr (GError) reason = ferry_transport_dup_reason (transport);
  GQueue outgoing = G_QUEUE_INIT;
  gboolean first;
  Outgoing *item;

  if (reason == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  first = self->lost == NULL;
  if (first)
    {
      self->lost = ferry_error_copy (reason);
      /* That one stays the flush's, also where its transaction has ended already. */
      item = self->sending != NULL ? g_queue_pop_head (&self->out) : NULL;
      outgoing = self->out;
      g_queue_init (&self->out);
      if (item != NULL)
        g_queue_push_tail (&self->out, item);
      pthread_cond_broadcast (&self->changed);
      tell_locked (self, TELL_CLOSED);
    }
  pthread_mutex_unlock (&self->lock);
  while ((item = g_queue_pop_head (&outgoing)) != NULL)
    {
      outgoing_end (item, translate (item, new_cannot_send (reason)));
      outgoing_unref (item);
    }
  if (first)
    wake_receives (self);
}

/* ---- its function and its process ---- */

void
ferry_channel_set_job (FerryChannel *self, const char *function, GVariant *arguments)
{
  self->function = g_strdup (function);
  self->arguments = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
}

/**
 * ferry_channel_get_function:
 * @self: a channel
 *
 * Gets the function that the channel was started with, or runs. Any thread.
 *
 * Returns: (nullable): its name; %NULL where the channel was made over a transport
 *
 * Since: 0.1
 */
const char *
ferry_channel_get_function (FerryChannel *self)
{
  g_return_val_if_fail (FERRY_IS_CHANNEL (self), NULL);

  return self->function;
}

/**
 * ferry_channel_get_arguments:
 * @self: a channel
 *
 * Gets the arguments of [method@Ferry.Channel.get_function]. Any thread.
 *
 * Returns: (transfer none) (nullable): the arguments; %NULL for none
 *
 * Since: 0.1
 */
GVariant *
ferry_channel_get_arguments (FerryChannel *self)
{
  g_return_val_if_fail (FERRY_IS_CHANNEL (self), NULL);

  return self->arguments;
}

void
ferry_channel_set_process (FerryChannel *self, FerryChannelProcess *process)
{
  self->process = process;
}

FerryChannelProcess *
ferry_channel_get_process (FerryChannel *self)
{
  return self->process;
}

/**
 * ferry_channel_get_worker:
 * @self: a channel
 *
 * Gets the worker that was started with the channel. Any thread.
 *
 * Returns: (transfer none) (nullable): the worker; %NULL where the channel was made over a transport
 *
 * Since: 0.1
 */
FerryWorker *
ferry_channel_get_worker (FerryChannel *self)
{
  g_return_val_if_fail (FERRY_IS_CHANNEL (self), NULL);

  return self->process != NULL ? self->process->worker : NULL;
}

/**
 * ferry_channel_get_pid:
 * @self: a channel
 *
 * Gets the number of the process that was started with the channel, for display. After [func@Ferry.Channel.create] it
 * tells which process this is: the child has 0. Any thread.
 *
 * Returns: the number, 0 where there is none, or none yet
 *
 * Since: 0.1
 */
GPid
ferry_channel_get_pid (FerryChannel *self)
{
  g_return_val_if_fail (FERRY_IS_CHANNEL (self), 0);

  if (self->process == NULL)
    return 0;
  return self->process->worker != NULL ? ferry_worker_get_pid (self->process->worker) : self->process->pid;
}

/**
 * ferry_channel_get_exit:
 * @self: a channel
 *
 * Gets how the process ended that was started with the channel. On the thread that started it.
 *
 * Returns: (transfer none) (nullable): the exit record, %NULL while the process runs
 *
 * Since: 0.1
 */
FerryExit *
ferry_channel_get_exit (FerryChannel *self)
{
  g_return_val_if_fail (FERRY_IS_CHANNEL (self), NULL);
  ferry_return_val_if_elsewhere (self->process != NULL ? self->process->home : NULL, NULL);

  return self->process != NULL ? self->process->exit : NULL;
}

/* ---- properties ---- */

/**
 * ferry_channel_get_transport: (get-property transport)
 * @self: a channel
 *
 * Gets the transport that carries the messages. Any thread.
 *
 * Returns: (transfer none): the transport
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
 * Sets whether messages go to the handlers of [signal@Ferry.Channel::message], or stay until they are taken. Messages
 * that came before go there as well. Connect the handlers first. Any thread.
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
    tell_locked (self, TELL_MESSAGES);
  pthread_mutex_unlock (&self->lock);
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FLOWING]);
}

/**
 * ferry_channel_get_flowing: (get-property flowing)
 * @self: a channel
 *
 * Gets whether messages go to the handlers of [signal@Ferry.Channel::message]. Any thread.
 *
 * Returns: %TRUE when they do
 *
 * Since: 0.1
 */
gboolean
ferry_channel_get_flowing (FerryChannel *self)
{
  g_return_val_if_fail (FERRY_IS_CHANNEL (self), FALSE);

  FERRY_AUTO_LOCK (&self->lock);
  return self->flowing;
}

/**
 * ferry_channel_get_closed: (get-property closed)
 * @self: a channel
 *
 * Gets whether nothing more comes: the other end has closed or failed, or is lost. Messages that came before, and how
 * it ended, may still wait to be taken. Any thread.
 *
 * Returns: %TRUE when nothing more comes
 *
 * Since: 0.1
 */
gboolean
ferry_channel_get_closed (FerryChannel *self)
{
  g_return_val_if_fail (FERRY_IS_CHANNEL (self), TRUE);

  FERRY_AUTO_LOCK (&self->lock);
  return self->ended || self->lost != NULL;
}

/**
 * ferry_channel_get_writable: (get-property writable)
 * @self: a channel
 *
 * Gets whether a message can be sent at once. After a message failed with %FERRY_ERROR_WOULD_BLOCK, the property is
 * notified when it is %TRUE again. Any thread.
 *
 * Returns: %TRUE when there is room
 *
 * Since: 0.1
 */
gboolean
ferry_channel_get_writable (FerryChannel *self)
{
  g_return_val_if_fail (FERRY_IS_CHANNEL (self), FALSE);

  return holds (self, is_writable_locked, NULL);
}

void
ferry_channel_take_router (FerryChannel *self, FerryRouter *router)
{
  self->router = router;
}

GMainContext *
ferry_channel_get_context (FerryChannel *self)
{
  return self->context;
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  static const GCallback getters[N_PROPERTIES] = {
    [PROP_TRANSPORT] = G_CALLBACK (ferry_channel_get_transport),
    [PROP_FLOWING] = G_CALLBACK (ferry_channel_get_flowing),
    [PROP_CLOSED] = G_CALLBACK (ferry_channel_get_closed),
    [PROP_WRITABLE] = G_CALLBACK (ferry_channel_get_writable),
  };

  ferry_property_get (object, getters[id], value);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_TRANSPORT)
    FERRY_CHANNEL (object)->transport = g_value_dup_object (value);
  else
    ferry_channel_set_flowing (FERRY_CHANNEL (object), g_value_get_boolean (value));
}

static void
install_properties (GObjectClass *object_class)
{
  object_class->get_property = get_property;
  object_class->set_property = set_property;

  /**
   * FerryChannel:transport: (getter get_transport)
   *
   * The transport that carries the messages.
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
  properties[PROP_FLOWING] = g_param_spec_boolean ("flowing", NULL, NULL, FALSE, FERRY_SETTABLE);

  /**
   * FerryChannel:closed: (getter get_closed)
   *
   * Whether nothing more comes.
   *
   * Since: 0.1
   */
  properties[PROP_CLOSED] = g_param_spec_boolean ("closed", NULL, NULL, FALSE, FERRY_READABLE);

  /**
   * FerryChannel:writable: (getter get_writable)
   *
   * Whether a message can be sent at once.
   *
   * Since: 0.1
   */
  properties[PROP_WRITABLE] = g_param_spec_boolean ("writable", NULL, NULL, FALSE, FERRY_READABLE);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

/* ---- the object ---- */

/**
 * ferry_channel_new:
 * @transport: a transport, whose other end has or will have a channel as well
 *
 * Makes an end of a channel, which takes all requests of the transport: a transport has one channel, and no demux
 * beside it. The transport closes with its last reference. Any thread; signals are emitted in its thread-default main
 * context.
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
  taken = ferry_transport_take_calls (transport, call_came, G_OBJECT (self), NULL);
  self->takes_calls = taken;
  ferry_return_val_if_fail (
    taken, NULL, "the transport has a channel, a demux or an exporter already; make another transport for this");
  ferry_transport_watch_end (transport, transport_ended, G_OBJECT (self));
  /* The transport may have ended before it was watched. */
  transport_ended (transport, G_OBJECT (self));
  return g_steal_pointer (&self);
}

/* Refuses what was not taken. */
static void
clear_incoming (FerryChannel *self)
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

static void
ferry_channel_constructed (GObject *object)
{
  FerryChannel *self = FERRY_CHANNEL (object);

  self->begun = ferry_trace_get_moment ();
  self->transactions = ferry_transport_get_transactions (self->transport);
  ferry_channel_take_router (self, ferry_link_transport_dup_router (self->transport));
  self->end = g_atomic_rc_box_new0 (End);
  g_weak_ref_init (&self->end->channel, self);
  self->end->transport = g_object_ref (self->transport);

  G_OBJECT_CLASS (ferry_channel_parent_class)->constructed (object);
}

static void
ferry_channel_dispose (GObject *object)
{
  FerryChannel *self = FERRY_CHANNEL (object);
  g_autoptr (GError) reason =
    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The channel was dropped at the other end");
  g_autoptr (GSource) source = NULL;
  FerryChannelProcess *process;

  if (self->takes_calls)
    {
      send_end (self, NULL, NULL);
      ferry_transport_unwatch_end (self->transport, object);
      ferry_transport_leave_calls (self->transport, reason);
      send_farewell (self);
    }
  pthread_mutex_lock (&self->lock);
  source = g_steal_pointer (&self->source);
  pthread_mutex_unlock (&self->lock);
  if (source != NULL)
    g_source_destroy (source);
  clear_incoming (self);
  process = g_steal_pointer (&self->process);
  if (process != NULL)
    process->drop (process);

  G_OBJECT_CLASS (ferry_channel_parent_class)->dispose (object);
}

static void
ferry_channel_finalize (GObject *object)
{
  FerryChannel *self = FERRY_CHANNEL (object);

  /* Calls that wait have a reference. */
  g_assert (self->out.length == 0);
  clear_incoming (self);
  g_clear_pointer (&self->end, end_unref);
  g_clear_object (&self->transport);
  g_clear_object (&self->router);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_pointer (&self->function, g_free);
  g_clear_pointer (&self->arguments, g_variant_unref);
  g_clear_error (&self->end_error);
  g_clear_error (&self->lost);
  ferry_wait_queue_clear (&self->receives);
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
  install_properties (object_class);

  /**
   * FerryChannel::message:
   * @self: the channel
   * @value: (nullable): the message, or %NULL
   * @failure: (nullable): an error that was sent as a message, or %NULL
   *
   * A message came, while [property@Ferry.Channel:flowing] is set, and is taken with this. The end is told by
   * [property@Ferry.Channel:closed]; [method@Ferry.Channel.receive] tells how the channel ended.
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
  ferry_wait_queue_init (&self->receives);
  self->credits = FERRY_CHANNEL_WINDOW;
  self->context = g_main_context_ref_thread_default ();
}
