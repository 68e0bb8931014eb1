/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A channel: its signals, sending, receiving, waiting, and its end message.
 *
 * The messages are requests of the transaction protocol; docs/protocol.md describes them in prose.
 *
 * It is one file since all its functions use the same queues and counts, under one lock.
 *
 * Terms:      an end of a channel is one of its two objects. The end message is the last message of an end:
 *             ferry_channel_close() or ferry_channel_fail() sends it. A message is taken when the application gets it.
 *             A credit allows an end to send one message; the other end gives the credit back after it has taken the
 *             message.
 * Threads:    any. Requests are received on the thread that receives for the transport, or on one that waits for the
 *             channel; signals are emitted in context.
 * Locks:      lock. While it is held, no other lock is taken except the wait queue's.
 * Invariants: one thread at a time flushes, and it sends the queues' items one after the other. So the end message is
 *             sent after all messages. An end has FERRY_CHANNEL_WINDOW credits. Each of the other end's credits is in
 *             one of four states. It is unused; its message is on the way; its message is in `in`; or its message was
 *             taken and the credit is not given back yet. The field n_held counts the last two.
 * Trust:      the other end is not trusted: when it breaks a rule, the transport is closed. */

#include "config.h"

#include "conversation/ferry-channel-carrier-private.h"
#include "conversation/ferry-channel-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-limit-clock-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-thread-private.h"
#include "base/ferry-wait-queue-private.h"
#include "base/ferry-watch-cancellable-private.h"
#include "call/ferry-link-transport-private.h"
#include "call/ferry-polled-transport-private.h"
#include "ferry-marshallers.h"
#include "route/ferry-router-private.h"
#include "task/ferry-iterate-private.h"
#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-reserved-name-private.h"

typedef enum
{
  TELL_MESSAGES = 1 << 0,
  TELL_CLOSED = 1 << 1,
  TELL_WRITABLE = 1 << 2,
  TELL_READABLE = 1 << 3,
  TELL_EXIT = 1 << 4,
} News;

typedef enum
{
  OUTGOING_QUEUED,  /* the item waits in `out` */
  OUTGOING_SENDING, /* only the flushing thread may change it */
  OUTGOING_SENT,    /* the message was sent and waits for its acknowledgement */
  OUTGOING_DONE,    /* the message was sent or acknowledged, has failed, or was taken back */
} OutgoingState;

/* A message to be sent, or the end message.
 *
 * Owner:   counted references: `out` has one, a transaction that waits for the acknowledgement has one, and the
 *          function that sends has one.
 * Threads: any. */
typedef struct
{
  _Atomic gint references;
  FerryChannel *channel; /* (unowned): the sending function and the transaction have references to the channel */
  const char *method;    /* const, as the next three fields: FERRY_CHANNEL_MESSAGE, _FAILURE or _END */
  GVariant *value;       /* (owned) (nullable): the message, or the error of the end message */
  gboolean acknowledged;
  GTask *task;         /* (owned) (nullable): NULL for the end message, and if a thread waits instead */
  GSource *source;     /* (owned) (nullable): fires when the task's cancellable is cancelled */
  OutgoingState state; /* guarded by the channel's lock, and so are the fields below */
  gboolean given_up;   /* the sender was cancelled, or its time is over */
  guint64 xid;         /* of the transaction that will be answered by the acknowledgement; set with OUTGOING_SENT */
  GError *error;       /* (owned) (nullable): may be set with OUTGOING_DONE */
} Outgoing;

/* A message that the channel received. */
typedef struct
{
  GVariant *value; /* (owned) (nullable): the message; NULL if failure is set */
  GError *failure; /* (owned) (nullable): an error that was sent as a message */
  FerryCall *call; /* (owned) (nullable): answered when the message is taken, for a sender that wants that */
} Incoming;

typedef enum
{
  TAKEN_NOTHING, /* no message is there yet */
  TAKEN_MESSAGE,
  TAKEN_END, /* all messages were taken, and no further one will come; with an error set, or without one */
} Taken;

/* The data of sources and retries, which have no reference to the channel. Counted references, by g_atomic_rc_box. */
typedef struct
{
  GWeakRef channel;
  FerryTransport *transport; /* (owned): of the channel */
} End;

/**
 * FerryChannel:
 *
 * A conversation with another process. Messages go in both directions; they arrive in order, and each arrives once.
 *
 * Each end of a transport gets a channel with [ctor@Ferry.Channel.new]; the channel then gets all requests of the
 * transport. Or [func@Ferry.Channel.start] starts a worker with a channel. A message is a #GVariant or an error.
 *
 * A message is taken when the application gets it: from [method@Ferry.Channel.receive], from its asynchronous form, or
 * by a signal. At most %FERRY_CHANNEL_WINDOW messages wait at an end to be taken. When that many wait, the other end
 * waits before it sends another message. So messages use a bounded amount of memory. A message needs no answer; sending
 * it does not wait until it was taken. For that wait, of a round trip, there is
 * [method@Ferry.Channel.send_acknowledged].
 *
 * Each end closes its own direction: by [method@Ferry.Channel.close], or by [method@Ferry.Channel.fail], which raises
 * an error at the other end. The other end takes all messages first, and then is notified that the channel was closed.
 * The same holds for a worker that was killed: all its messages are taken first, then the error that says how it ended.
 *
 * In a worker, and on any other thread that may wait, [method@Ferry.Channel.receive] takes messages. On the thread of a
 * main loop, use [method@Ferry.Channel.receive_async], or the signal [signal@Ferry.Channel::message] with
 * [property@Ferry.Channel:flowing] set.
 *
 * A channel closes when its last reference is dropped. Any thread may use a channel. Its signals and notifications are
 * emitted in the main context that was the thread-default one when the channel was made.
 */
struct _FerryChannel
{
  GObject parent_instance;

  guint fork_number;         /* const: see ferry-forks-private.h */
  FerryTransport *transport; /* const: (owned): carries the messages */
  FerryRouter *router;       /* const: (owned) (nullable): if the channel is the application's end of a link */
  GMainContext *context;     /* const: (owned): the main context in which signals are emitted */
  End *end;                  /* const: (owned): the data of the channel's sources and retries */
  gboolean takes_calls;      /* const: the channel gets the requests of the transport */
  gboolean is_childs;        /* const: ferry_channel_create() made the channel, in the child */
  guint64 begun;             /* const: ferry_trace_get_moment() when the channel was made */
  char *function;            /* const: (owned) (nullable): the name of the worker's function */
  GVariant *arguments;       /* const: (owned) (nullable): the arguments of this function */

  pthread_mutex_t lock;
  pthread_cond_t changed; /* signalled when a Condition may have become true; uses the monotonic clock */

  GQueue out;            /* guarded by lock, and so are the fields below up to source, where nothing else is said:
                          * (element-type Outgoing) (owned): to be sent */
  GQueue taken_calls;    /* (element-type FerryCall) (owned): taken messages and the end message, to be acknowledged */
  guint credits;         /* how many messages the other end has room for */
  guint n_taken;         /* how many messages were taken without their credits being given back */
  gboolean flushing;     /* a thread runs flush_all() */
  Outgoing *sending;     /* (unowned) (nullable): the first item of `out`, while the flushing thread sends it */
  gboolean flush_again;  /* the flushing thread must look for work again before it returns */
  gboolean kept;         /* sending waits for room: the transport will call try_again() when there is room */
  gboolean closing;      /* the end message is in `out`, or was sent */
  gboolean wants_notify; /* `writable` must be notified when it becomes TRUE */

  GQueue in;               /* (element-type Incoming) (owned): messages that were received and not taken */
  FerryWaitQueue receives; /* any: waits of ferry_channel_receive_async(); there are waits only while `in` is empty */
  guint n_held;            /* how many messages were received without their credits being given back */
  gboolean ended;          /* the other end's end message was received */
  GError *end_error;       /* (owned) (nullable): the error that the end message raised */
  GError *lost;            /* (owned) (nullable): why the transport is closed */
  gboolean end_taken;

  gboolean tells_readable; /* `readable` was read, so its changes are notified */
  gboolean was_readable;   /* what it was before the change that is looked for */
  gboolean flowing;
  guint news;      /* flags of News, to be notified in context */
  GSource *source; /* (owned) (nullable): the idle source that will notify them */

  FerryChannelProcess *process; /* (owned) (nullable): set once, on the thread that started the process */
};

G_DEFINE_FINAL_TYPE (FerryChannel, ferry_channel, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_TRANSPORT,
  PROP_FLOWING,
  PROP_CLOSED,
  PROP_READABLE,
  PROP_WRITABLE,
  PROP_FUNCTION,
  PROP_ARGUMENTS,
  PROP_WORKER,
  PROP_EXIT,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

static guint message_signal;

static void
incoming_free (Incoming *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->failure);
  /* If the message was not taken, dropping its call refuses the call. */
  g_clear_pointer (&self->call, ferry_call_unref);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Incoming, incoming_free)

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

static gboolean
get_flowing (FerryChannel *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->flowing;
}

/* ---- notifying news ---- */

static Taken take (FerryChannel *self, Incoming **incoming, GError **error);

/* context: emits `message` for the next message. Returns FALSE when there is no message, or `flowing` is FALSE now. */
static gboolean
emit_message (End *end)
{
  g_autoptr (FerryChannel) self = g_weak_ref_get (&end->channel);
  g_autoptr (Incoming) incoming = NULL;

  if (self == NULL || !get_flowing (self) || take (self, &incoming, NULL) != TAKEN_MESSAGE)
    return FALSE;
  g_signal_emit (self, message_signal, 0, incoming->value, incoming->failure);
  return TRUE;
}

/* context: returns whether there may be more messages. Has no reference to the channel: a handler may drop the last. */
static gboolean
tell_messages (End *end)
{
  guint n = 0;

  /* At most FERRY_CHANNEL_WINDOW messages, so that other sources of the context are not delayed. */
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

static gboolean
is_at_end_locked (FerryChannel *self)
{
  return self->in.length == 0 && (self->ended || self->lost != NULL);
}

static gboolean
is_readable_locked (FerryChannel *self)
{
  return self->in.length > 0 || (is_at_end_locked (self) && !self->end_taken);
}

/* context: notifies `closed` */
static void
tell_closed (FerryChannel *self)
{
  if (ferry_transport_get_closed (self->transport) && self->process != NULL && self->process->alone != NULL)
    self->process->alone (self->process);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CLOSED]);
}

static void tell_locked (FerryChannel *self, guint news);

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
    {
      FERRY_AUTO_LOCK (&self->lock);
      tell_locked (self, TELL_MESSAGES);
    }
  if ((news & TELL_WRITABLE) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_WRITABLE]);
  if ((news & TELL_READABLE) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_READABLE]);
  if ((news & TELL_CLOSED) != 0)
    tell_closed (self);
  if ((news & TELL_EXIT) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EXIT]);
  return G_SOURCE_REMOVE;
}

/* Adds news, flags of News, to the news that an idle source notifies in the context. `readable` is looked at each time.
 * Does nothing for new messages alone if `flowing` is FALSE. */
static void
tell_locked (FerryChannel *self, guint news)
{
  if (self->tells_readable && self->was_readable != is_readable_locked (self))
    {
      self->was_readable = !self->was_readable;
      news |= TELL_READABLE;
    }
  if (news == 0 || (news == TELL_MESSAGES && !self->flowing))
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

/* any: closes the transport with an error, because the other end broke a rule. what: what it did, as a clause. */
static void
fault (FerryChannel *self, const char *what)
{
  g_autoptr (GError) reason = g_error_new (
    FERRY_ERROR, FERRY_ERROR_PROTOCOL,
    "The other end of the channel broke a rule of the protocol, as %s; use the same release of Ferry at both ends",
    what);

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

/* Drops a reference. Must be called without the lock: the task may have the last reference to the channel. */
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

/* Marks the item as finished, and wakes the thread that waits for it. Takes ownership of error (nullable). */
static void
outgoing_end_locked (Outgoing *self, GError *error)
{
  self->state = OUTGOING_DONE;
  self->error = error;
  pthread_cond_broadcast (&self->channel->changed);
}

/* Returns the result to the task (nullable) of an item that is OUTGOING_DONE. Must be called without the lock. */
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

/* Finishes the item, and returns the result to its task. Takes ownership of error (nullable). */
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
                      "The channel ended before the other end took the message; send it again over a new channel if it "
                      "is needed. Reason: %s",
                      why->message);
}

static GError *
new_cannot_send (const GError *why)
{
  return g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                      "The channel has ended and can send nothing more; use a new channel. Reason: %s", why->message);
}

static GError *
new_cancelled (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                              "The message was cancelled before it was sent or acknowledged");
}

/* Takes an error of the transport. Returns (transfer full) the error that the sender of the message gets. */
static GError *
translate (Outgoing *self, GError *error)
{
  g_autoptr (GError) kept = error;

  if (self->acknowledged && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED))
    return new_not_acknowledged (error);
  return g_steal_pointer (&kept);
}

/* Stops sending a message, after a cancel or a timeout. Returns TRUE if the caller must finish the item. Otherwise the
 * item was finished, or another thread finishes it soon. */
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
  self->wants_notify |= queued || state == OUTGOING_SENT;
  tell_writable_locked (self);
  pthread_mutex_unlock (&self->lock);
  if (queued)
    outgoing_unref (item);
  if (state != OUTGOING_SENT ||
      !ferry_transactions_forget (ferry_transport_get_transactions (self->transport), item->xid))
    return queued;
  outgoing_unref (item);
  g_object_unref (self);
  return TRUE;
}

/* ---- the flush ----
 *
 * Messages, and the end message after them, wait in `out`. The flush sends them. Before each of them it sends the
 * acknowledgements and credits of messages that were taken here. A thread that wants to flush does it itself, unless
 * another thread is already flushing. */

typedef enum
{
  FLUSH_IDLE, /* there is nothing that can be sent */
  FLUSH_SENT,
  FLUSH_STUCK, /* the transport has no room */
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

static const FerryAnswerFuncs acknowledged_funcs = {.done = acknowledged, .any_thread = TRUE};
static const FerryAnswerFuncs end_funcs = {.done = end_acknowledged, .any_thread = TRUE};

static gboolean
transmit_one_way (FerryTransport *transport, const char *method, GVariant *value, GError **error)
{
  FerryRequest request = {.method = method, .arguments = value, .flags = FERRY_CALL_ONE_WAY};

  return ferry_transactions_ask (ferry_transport_get_transactions (transport), &request, NULL, NULL, error) != 0;
}

/* Sends the end message. Fails with FERRY_ERROR_WOULD_BLOCK when there is no room. Closing a link's pipe loses messages
 * that still wait for its lane. The end message is sent after them. So for a link the end message is a transaction,
 * which has a reference to the transport until the worker has acknowledged the end message. */
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

/* Sends an item. Sets xid for a message that is to be acknowledged. Must be called without the lock. */
static gboolean
transmit (FerryChannel *self, Outgoing *item, guint64 *xid, GError **error)
{
  FerryRequest request = {.method = item->method, .arguments = item->value};

  if (outgoing_is_end (item))
    return transmit_end (self->transport, self->router != NULL, item->value, error);
  if (!item->acknowledged)
    return transmit_one_way (self->transport, item->method, item->value, error);
  g_object_ref (self);
  *xid = ferry_transactions_ask (ferry_transport_get_transactions (self->transport), &request, &acknowledged_funcs,
                                 outgoing_ref (item), error);
  if (*xid != 0)
    return TRUE;
  outgoing_unref (item);
  g_object_unref (self);
  return FALSE;
}

/* Sends head, the first item of `out`. Must be called with the lock, which is released while the item is sent. */
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
      /* The item cannot stay queued: the transport has ended and dropped the others, or the sender was cancelled. */
      error = self->lost != NULL ? new_cannot_send (self->lost) : new_cancelled ();
      self->wants_notify = TRUE;
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

/* Gives the credits of taken messages back to the other end. Called with the lock, as flush_item() is. The counts
 * change before the credits are sent, because the other end may use the credits at once. */
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

/* Acknowledges a message that was taken. Returns FALSE when there is no room; otherwise takes ownership of call. */
static gboolean
acknowledge (FerryCall *call)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_call_answer (call, NULL, &error) && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return FALSE;
  ferry_call_unref (call);
  return TRUE;
}

/* Acknowledges the first of the taken calls. Called with the lock, as flush_item() is. */
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

/* Sends the next acknowledgement, credits or item. Called with the lock, as flush_item() is. */
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

/* Sends all that can be sent, unless another thread is already flushing. Returns FALSE when there is no room; count is
 * then the transport's room count from before the attempt that failed. */
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

/* any: called by the transport when there may be room. Returns TRUE when it must not be called again. */
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

/* any: sends all that can be sent now; the rest when there is room. */
static void
flush (FerryChannel *self)
{
  guint64 count;

  if (!flush_all (self, &count))
    ferry_transport_send_later (self->transport, try_again, g_atomic_rc_box_acquire (self->end), count);
}

/* any: called when the other end has given n credits back. */
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
    fault (self, "it gave credits for more messages than were sent");
}

/* ---- waiting ----
 *
 * Most threads sleep while they wait. A thread that must not sleep iterates a main context instead: the router's
 * thread, and the thread of a polled transport. */

typedef gboolean (*Condition) (FerryChannel *self, gpointer data);

static gboolean
holds (FerryChannel *self, Condition condition, gpointer data)
{
  FERRY_AUTO_LOCK (&self->lock);
  return condition (self, data);
}

/* The wait of one thread, which sleeps, or iterates context if this is set. */
typedef struct
{
  FerryChannel *channel;
  Condition condition;
  gpointer data;
  GCancellable *cancellable; /* (nullable): ends the wait; context is (nullable) too */
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

/* The wait of a thread that sleeps. It processes what comes to the transport's inbox meanwhile. */
typedef struct
{
  FerryInboxWait wait;
  FerryChannel *channel;
  FerryLimitClock clock;
  gboolean has_mail; /* the channel's lock */
} Sleep;

static void
mail_came (FerryInboxWait *wait)
{
  Sleep *self = (Sleep *) wait;

  pthread_mutex_lock (&self->channel->lock);
  if (!self->has_mail)
    pthread_cond_broadcast (&self->channel->changed);
  self->has_mail = TRUE;
  pthread_mutex_unlock (&self->channel->lock);
}

/* Sleeps until the wait is over, or there is mail. Returns whether the wait goes on. */
static gboolean
sleep_until_mail (Sleep *sleep, Condition condition, gpointer data, gint64 deadline, GCancellable *cancellable)
{
  FerryChannel *self = sleep->channel;
  gboolean goes_on = TRUE;
  FERRY_AUTO_LOCK (&self->lock);

  while (goes_on && !sleep->has_mail)
    goes_on = !condition (self, data) && !g_cancellable_is_cancelled (cancellable) &&
              (ferry_cond_wait_until (&self->changed, &self->lock, ferry_limit_clock_sleep (&sleep->clock, deadline)) ||
               ferry_limit_clock_look (&sleep->clock) < deadline);
  sleep->has_mail = FALSE;
  return goes_on && !condition (self, data) && ferry_limit_clock_look (&sleep->clock) < deadline;
}

static void
sleep_until (FerryChannel *self, Condition condition, gpointer data, gint64 timeout, GCancellable *cancellable)
{
  Sleep sleep = {.wait = {.came = mail_came}, .channel = self};
  gint64 deadline = ferry_limit_clock_begin (&sleep.clock, timeout);

  if (holds (self, condition, data))
    return;
  ferry_transport_begin_wait (self->transport, &sleep.wait);
  do
    ferry_transport_help (self->transport);
  while (sleep_until_mail (&sleep, condition, data, deadline, cancellable));
  ferry_transport_end_wait (self->transport, &sleep.wait);
}

/* Sets context to what this thread must iterate to wait, or to NULL if it may sleep. Fails if it may do neither. */
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

/* Whether this thread may wait for room to send: the router's thread may not. */
static gboolean
may_wait_to_send (FerryChannel *self)
{
  GMainContext *context;

  return (self->router == NULL || self->router->thread != g_thread_self ()) && find_context (self, "", &context, NULL);
}

/* Waits until condition holds. condition is called with the lock. form: the function that an error recommends on a
 * thread that may not wait. Fails with FERRY_ERROR_TIMED_OUT, FERRY_ERROR_BUSY, FERRY_ERROR_WRONG_THREAD and
 * G_IO_ERROR_CANCELLED. Fails with FERRY_ERROR_CLOSED in a forked child, for a channel of its parent. */
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
        sleep_until (self, condition, data, timeout, cancellable);
      g_cancellable_disconnect (cancellable, id);
    }
  if (holds (self, condition, data))
    return TRUE;
  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    ferry_set_error (error, FERRY_ERROR_TIMED_OUT,
                     "The other end of the channel sent or took no message in time; wait longer");
  return FALSE;
}

/* ---- receiving ----
 *
 * A message is taken once: by ferry_channel_receive(), by ferry_channel_receive_async(), or by the signal `message`.
 * Then the message is acknowledged, if the sender waits for that, and its credit can be given back. */

/* Takes the next message, or the end. The other end's error takes precedence over the transport's, which is later. */
static Taken
take_locked (FerryChannel *self, Incoming **incoming, GError **error)
{
  const GError *bad_end = self->ended ? self->end_error : self->lost;

  *incoming = g_queue_pop_head (&self->in);
  if (*incoming != NULL)
    {
      self->n_taken++;
      if ((*incoming)->call != NULL)
        g_queue_push_tail (&self->taken_calls, g_steal_pointer (&(*incoming)->call));
      if (self->in.length == 0)
        tell_locked (self, 0);
      return TAKEN_MESSAGE;
    }
  if (!is_at_end_locked (self))
    return TAKEN_NOTHING;
  if (!self->end_taken)
    {
      self->end_taken = TRUE;
      tell_locked (self, TELL_MESSAGES);
    }
  if (bad_end != NULL)
    g_propagate_error (error, ferry_error_copy (bad_end));
  return TAKEN_END;
}

/* any: takes the next message without waiting. Sets error at the end of a channel that ended with an error. */
static Taken
take (FerryChannel *self, Incoming **incoming, GError **error)
{
  Taken taken;
  gboolean owes;

  pthread_mutex_lock (&self->lock);
  taken = take_locked (self, incoming, error);
  owes = has_control_locked (self, NULL);
  pthread_mutex_unlock (&self->lock);
  if (owes)
    flush (self);
  return taken;
}

/* Finishes one wait of ferry_channel_receive_async() with a message or the end. Returns FALSE if either is missing. */
static gboolean
serve_one (FerryChannel *self)
{
  g_autoptr (FerryCompletion) receive = NULL;
  Incoming *incoming = NULL;
  GError *error = NULL;

  pthread_mutex_lock (&self->lock);
  if (self->in.length > 0 || is_at_end_locked (self))
    receive = ferry_wait_queue_reserve_next (&self->receives);
  if (receive != NULL)
    take_locked (self, &incoming, &error);
  pthread_mutex_unlock (&self->lock);
  if (receive == NULL)
    return FALSE;
  ferry_completion_finish_reserved (receive, incoming, (GDestroyNotify) incoming_free, error);
  return TRUE;
}

/* any: finishes waits of ferry_channel_receive_async() while there is something to take. Called when something was
 * received, or when such a wait begins. */
static void
wake_receives (FerryChannel *self)
{
  while (!ferry_wait_queue_is_empty (&self->receives) && serve_one (self))
    ;
  if (holds (self, has_control_locked, NULL))
    flush (self);
}

/* ---- requests of the other end, on the receiving thread or one that waits ---- */

static void
message_came (FerryChannel *self, Incoming *incoming)
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
      incoming_free (incoming);
      fault (self, "it sent a message for which this end had no room, or a message after its end message");
    }
}

static void
end_came (FerryChannel *self, FerryCall *call, GVariant *value)
{
  GError *error = value != NULL ? ferry_error_from_variant (value, NULL) : NULL;
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
    fault (self, "it sent two end messages");
}

static void
take_message (FerryChannel *self, FerryCall *call, gboolean is_failure)
{
  GVariant *value = ferry_call_get_arguments (call);
  Incoming *incoming = g_new0 (Incoming, 1);

  if ((ferry_call_get_flags (call) & FERRY_CALL_ONE_WAY) == 0)
    incoming->call = ferry_call_ref (call);
  if (is_failure)
    incoming->failure = ferry_error_from_variant (value, NULL);
  else if (value != NULL)
    incoming->value = g_variant_ref (value);
  if (incoming->value != NULL || incoming->failure != NULL)
    message_came (self, incoming);
  else
    {
      incoming_free (incoming);
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
      reason = g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED,
                            "This end is a channel and does not answer '%s'; use a FerryDemux at this end, or a "
                            "FerryChannel at the other end",
                            method);
      ferry_call_refuse (call, reason, NULL);
    }
}

/* ---- taking messages ---- */

static gboolean
has_news (FerryChannel *self, gpointer data)
{
  return self->in.length > 0 || self->ended || self->lost != NULL;
}

/* Gives the caller of a receiving function a message, or the end. Both incoming and bad_end are NULL if the other end
 * closed without an error. Takes ownership of bad_end. */
static gboolean
give (Incoming *incoming, GError *bad_end, GVariant **value, GError **failure, GError **error)
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
 * @timeout: how long to wait, in microseconds; 0: do not wait, negative: without a limit
 * @cancellable: (nullable): a cancellable
 * @value: (out) (transfer full) (nullable): set to the next message, or to %NULL at the end, or if @failure is set
 * @failure: (out) (transfer full) (nullable) (optional): set to an error that was sent as a message
 * @error: return location for an error
 *
 * Takes the next message. If there is none, this function waits for it. If it returns %TRUE and sets neither @value nor
 * @failure, the other end has closed the conversation, and all its messages were taken. If @failure is %NULL, an error
 * that was sent as a message is dropped.
 *
 * Fails with the error that the other end raised: its domain, code and message (see [func@Ferry.Error.get_trace]).
 * Fails with %FERRY_ERROR_WORKER_LOST if the worker ended without closing its end of the channel; the message says how
 * the worker ended. Fails with %FERRY_ERROR_CLOSED when the transport is closed, and with %FERRY_ERROR_PROTOCOL if the
 * other end broke a rule. It fails in these ways only after all messages were taken, and then each time it is called.
 * Fails with %FERRY_ERROR_TIMED_OUT and %G_IO_ERROR_CANCELLED; then it may be called again.
 *
 * Not on the thread that receives for the transport, where it fails with %FERRY_ERROR_WRONG_THREAD. On the router's
 * thread it iterates the router's main context, and fails with %FERRY_ERROR_BUSY in a callback of this context. There
 * it is for tests and console programs; an application uses [method@Ferry.Channel.receive_async].
 *
 * On another thread of the application, messages come while the router's thread works, and also while it waits for that
 * thread. The router's thread is needed only to start the worker, and to tell that the worker was lost. It is also
 * needed where the channel was made after its worker was spawned, or on another thread than the router's. It also is
 * while it runs a callback of an asynchronous function of the same channel.
 *
 * Returns: %TRUE with a message, or if the other end closed without an error
 */
gboolean
ferry_channel_receive (FerryChannel *self, gint64 timeout, GCancellable *cancellable, GVariant **value,
                       GError **failure, GError **error)
{
  g_autoptr (Incoming) incoming = NULL;
  g_autoptr (GError) bad_end = NULL;
  Taken taken;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (failure == NULL || *failure == NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *value = NULL;
  do
    {
      if (!wait_until (self, has_news, NULL, timeout, cancellable, "ferry_channel_receive_async()", error))
        return FALSE;
      taken = take (self, &incoming, &bad_end);
    }
  /* Another thread may have taken the message that ended the wait. */
  while (taken == TAKEN_NOTHING);
  return give (incoming, g_steal_pointer (&bad_end), value, failure, error);
}

/**
 * ferry_channel_receive_async:
 * @self: a channel
 * @cancellable: (nullable): ends only this wait
 * @callback: (scope async): called with a message or the end, in the thread-default main context of the caller
 * @user_data: data for @callback
 *
 * Takes the next message without blocking. Any thread with a main context that runs. If this function is called several
 * times, each call gets one message, in the order of the calls. Messages go to these calls before
 * [signal@Ferry.Channel::message] is emitted for any.
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
 * @result: the result that the callback got
 * @value: (out) (transfer full) (nullable): set to the message, or to %NULL at the end, or if @failure is set
 * @failure: (out) (transfer full) (nullable) (optional): set to an error that was sent as a message
 * @error: return location for an error
 *
 * Ends [method@Ferry.Channel.receive_async]. Returns and fails as [method@Ferry.Channel.receive] does. Any thread.
 *
 * Returns: %TRUE with a message, or if the other end closed without an error
 */
gboolean
ferry_channel_receive_finish (FerryChannel *self, GAsyncResult *result, GVariant **value, GError **failure,
                              GError **error)
{
  g_autoptr (Incoming) incoming = NULL;
  g_autoptr (GError) bad_end = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *value = NULL;
  incoming = g_task_propagate_pointer (G_TASK (result), &bad_end);
  return give (incoming, g_steal_pointer (&bad_end), value, failure, error);
}

/* ---- sending ---- */

/* Adds item to `out`, with a reference. Fails with FERRY_ERROR_CLOSED when this end or the transport is closed. */
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

/* Waits until an item of `out` was sent, or acknowledged if it is to be. Takes it back on a timeout or a cancel. */
static gboolean
wait_sent (FerryChannel *self, Outgoing *item, gint64 timeout, GCancellable *cancellable, GError **error)
{
  gboolean waits = timeout != 0 && (item->acknowledged || may_wait_to_send (self));
  g_autoptr (GError) failure = NULL;

  if (!wait_until (self, is_over, item, waits ? timeout : 0, cancellable, "ferry_channel_send_acknowledged_async()",
                   &failure) &&
      outgoing_take_back (item))
    {
      if (!waits && g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
        ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                         "The other end has no room for another message; send it when the channel is writable");
      else
        g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  /* The item was finished in spite of the timeout or the cancel. Another thread may still be writing its result. */
  sleep_until (self, is_over, item, G_MAXINT64, NULL);
  if (item->error != NULL && error != NULL)
    *error = ferry_error_copy (item->error);
  return item->error == NULL;
}

/* For a polled transport, only the thread that iterates the transport's context writes to the socket. So this function
 * iterates until the socket has taken everything. Then a process that ends at once loses no message. After the timeout
 * the message counts as sent, and is written later. */
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
 * @timeout: how long to wait for room at the other end, in microseconds; 0: do not wait, negative: without a limit
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sends a message, after the messages that were sent before. When this function has returned, the other end can take
 * the message, even if this process ends at once. Any thread.
 *
 * This function waits while %FERRY_CHANNEL_WINDOW messages at the other end are not taken. On the router's thread, and
 * on the thread that receives for the transport, it never waits. It fails with %FERRY_ERROR_WOULD_BLOCK, and
 * [property@Ferry.Channel:writable] is notified when there is room again.
 *
 * A message that is being sent when the time is over counts as sent. So in a worker with a full lane to the
 * application, this function can take longer than @timeout.
 *
 * Fails with %FERRY_ERROR_WOULD_BLOCK, %FERRY_ERROR_TIMED_OUT, %G_IO_ERROR_CANCELLED, %FERRY_ERROR_CLOSED,
 * %FERRY_ERROR_NOT_STARTED, %FERRY_ERROR_BAD_ARGUMENTS and %FERRY_ERROR_TOO_LARGE.
 *
 * Returns: %TRUE when the message was sent
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
 * @failure: the error to send
 * @timeout: as for [method@Ferry.Channel.send]
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sends an error as a message. The channel stays open: such an error may be the failure of one item among many. The
 * other end gets it as a failure, with its domain, code, message and trace; no function fails with it. Fails as
 * [method@Ferry.Channel.send]. Any thread.
 *
 * Returns: %TRUE when the message was sent
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
 * @timeout: how long to wait until the message was taken, in microseconds; negative: without a limit
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Sends a message, and returns when the other end has taken it, which takes one round trip. Messages of
 * [method@Ferry.Channel.send] arrive as reliably; only this function reports that its message was taken.
 *
 * Not on the thread that receives for the transport, where it fails with %FERRY_ERROR_WRONG_THREAD. On the router's
 * thread it iterates the router's main context, and fails with %FERRY_ERROR_BUSY in a callback of this context. So on
 * this thread it is for tests and console programs; an application uses [method@Ferry.Channel.send_acknowledged_async].
 *
 * After %FERRY_ERROR_TIMED_OUT and %G_IO_ERROR_CANCELLED the other end may still take the message. Fails as
 * [method@Ferry.Channel.send], and with %FERRY_ERROR_NOT_ACKNOWLEDGED if the conversation ended before that.
 *
 * Returns: %TRUE when the other end has taken the message
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

/* ---- asynchronous sending ---- */

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
 * @callback: (scope async): called when the message was sent, in the thread-default main context of the caller
 * @user_data: data for @callback
 *
 * Sends a message when the other end has room for it, after the messages that were sent before, without blocking. Any
 * thread with a main context that runs. Messages that wait to be sent use memory of this process. So an application
 * should send only a few messages before it waits for their callbacks.
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
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@Ferry.Channel.send_async]. Fails as [method@Ferry.Channel.send]. Any thread.
 *
 * Returns: %TRUE when the message was sent
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
 * @callback: (scope async): called in the caller's thread-default main context, when the other end took the message
 * @user_data: data for @callback
 *
 * Sends a message as [method@Ferry.Channel.send_async] does, and calls @callback when the other end has taken the
 * message. Several messages may be on the way at the same time. Any thread with a main context that runs.
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
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@Ferry.Channel.send_acknowledged_async]. Fails as [method@Ferry.Channel.send_acknowledged]. Any thread.
 *
 * Returns: %TRUE when the other end has taken the message
 */
gboolean
ferry_channel_send_acknowledged_finish (FerryChannel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- the end message ---- */

/* any: sends the end message, unless it was sent before. failure and trace are (nullable). */
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

/* On a thread that may not iterate the context, writes only the messages for which there are credits. */
void
ferry_channel_flush (FerryChannel *self)
{
  if (may_wait_to_send (self))
    wait_until (self, is_all_sent, NULL, -1, NULL, "", NULL);
  ferry_polled_transport_flush (self->transport);
}

/* What a channel still has to send after its last reference was dropped. */
typedef struct
{
  FerryTransport *transport; /* (owned): of the dropped channel */
  gboolean of_link;
  GQueue calls;   /* (element-type FerryCall) (owned): to be answered as acknowledgements */
  Outgoing *item; /* (owned) (nullable): the end message */
} Farewell;

/* Sends what is left. Returns TRUE and frees data when everything was sent; returns FALSE when there is no room. */
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

/* any: makes the transport send the end message of a dropped channel as soon as there is room. `out` then has no other
 * item, since each message that waits has a reference to the channel. */
static void
send_farewell (FerryChannel *self)
{
  guint64 count = ferry_transport_get_room_count (self->transport);
  Farewell *farewell = g_new0 (Farewell, 1);

  farewell->transport = g_object_ref (self->transport);
  farewell->of_link = self->router != NULL;
  pthread_mutex_lock (&self->lock);
  /* A thread that is flushing has a new reference to the channel. When it drops this reference, the channel is disposed
   * of again and this function is called again. */
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
 * Closes this end, after all messages that were sent. The other end takes all these messages; after them its receiving
 * functions report the end without an error. Messages of the other end can still be taken here. Does nothing if this
 * end was closed or failed before. Any thread.
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
 * @failure: the error to raise at the other end
 *
 * Closes this end as [method@Ferry.Channel.close] does, and raises an error at the other end. After all messages, its
 * receiving functions fail with @failure's domain, code and message, and with a trace. Does nothing if this end was
 * closed or failed before. Any thread.
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

/* any: called when the transport has ended; what it received is in `in`. Fails the messages that wait to be sent. */
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
      /* The flushing thread finishes the item that it is sending, even if the item's transaction has ended already. */
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

/* ---- the function and the process of a channel ---- */

void
ferry_channel_set_job (FerryChannel *self, const char *function, GVariant *arguments)
{
  self->function = g_strdup (function);
  self->arguments = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
}

/**
 * ferry_channel_get_arguments: (get-property arguments)
 * @self: a channel
 *
 * Gets the arguments of [property@Ferry.Channel:function]. Any thread.
 *
 * Returns: (transfer none) (nullable): the arguments; %NULL if there are none
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
 * ferry_channel_get_pid:
 * @self: a channel
 *
 * Gets the number of the process that was started with the channel, for display. After `ferry_channel_create()` the
 * number says which process this is: in the child, and only there, it is 0. Any thread.
 *
 * Do not give the number to `kill()`, which signals all processes where it is -1. Use
 * [method@Ferry.Worker.send_signal], also for a worker that does not run yet.
 *
 * Returns: the process' number; -1 if there is no process, or its number is not known yet
 */
GPid
ferry_channel_get_pid (FerryChannel *self)
{
  GPid pid = -1;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), -1);

  if (self->is_childs)
    return 0;
  if (self->process != NULL)
    pid = self->process->worker != NULL ? ferry_worker_get_pid (self->process->worker) : self->process->pid;
  return pid;
}

void
ferry_channel_tell_exit (FerryChannel *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  tell_locked (self, TELL_EXIT);
}

void
ferry_channel_set_childs (FerryChannel *self)
{
  self->is_childs = TRUE;
}

/**
 * ferry_channel_get_exit: (get-property exit)
 * @self: a channel
 *
 * Gets how the process that was started with the channel ended. On the thread that started the process.
 *
 * Returns: (transfer none) (nullable): the exit record; %NULL while the process runs, or if there is none
 */
FerryExit *
ferry_channel_get_exit (FerryChannel *self)
{
  g_return_val_if_fail (FERRY_IS_CHANNEL (self), NULL);
  ferry_return_val_if_elsewhere (self->process != NULL ? self->process->home : NULL, NULL);

  return self->process != NULL ? self->process->exit : NULL;
}

/* ---- properties ---- */

FerryTransport *
ferry_channel_get_transport (FerryChannel *self)
{
  return self->transport;
}

const char *
ferry_channel_get_function (FerryChannel *self)
{
  return self->function;
}

static FerryWorker *
get_worker (FerryChannel *self)
{
  return self->process != NULL ? self->process->worker : NULL;
}

static gboolean
get_closed (FerryChannel *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->ended || self->lost != NULL;
}

/* From now on, each change is notified: also one that has been undone, and one that was read before. Who looks for what
 * can be taken may have taken it, and may not know of what came since. */
static gboolean
get_readable (FerryChannel *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  if (!self->tells_readable)
    self->was_readable = is_readable_locked (self);
  self->tells_readable = TRUE;
  return is_readable_locked (self);
}

static gboolean
get_writable (FerryChannel *self)
{
  return holds (self, is_writable_locked, NULL);
}

static void
set_flowing (FerryChannel *self, gboolean flowing)
{
  gboolean changed;

  pthread_mutex_lock (&self->lock);
  changed = self->flowing != flowing;
  self->flowing = flowing;
  if (flowing && self->in.length > 0)
    tell_locked (self, TELL_MESSAGES);
  pthread_mutex_unlock (&self->lock);
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FLOWING]);
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
    [PROP_FLOWING] = G_CALLBACK (get_flowing),
    [PROP_CLOSED] = G_CALLBACK (get_closed),
    [PROP_READABLE] = G_CALLBACK (get_readable),
    [PROP_WRITABLE] = G_CALLBACK (get_writable),
    [PROP_FUNCTION] = G_CALLBACK (ferry_channel_get_function),
    [PROP_WORKER] = G_CALLBACK (get_worker),
    [PROP_EXIT] = G_CALLBACK (ferry_channel_get_exit),
    [PROP_ARGUMENTS] = G_CALLBACK (ferry_channel_get_arguments),
  };

  ferry_property_get (object, getters[id], value);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_TRANSPORT)
    FERRY_CHANNEL (object)->transport = ferry_property_require (object, value, pspec);
  else
    set_flowing (FERRY_CHANNEL (object), g_value_get_boolean (value));
}

static void
install_message_properties (void)
{
  /**
   * FerryChannel:transport:
   *
   * The transport that carries the messages. Any thread.
   */
  properties[PROP_TRANSPORT] =
    g_param_spec_object ("transport", NULL, NULL, FERRY_TYPE_TRANSPORT, FERRY_AT_CONSTRUCTION);

  /**
   * FerryChannel:flowing:
   *
   * Whether [signal@Ferry.Channel::message] is emitted for messages, which takes them. Otherwise, as by default,
   * messages stay until they are taken. The signal is emitted also for earlier messages, so connect the handlers first.
   * Any thread.
   */
  properties[PROP_FLOWING] = g_param_spec_boolean ("flowing", NULL, NULL, FALSE, FERRY_SETTABLE);

  /**
   * FerryChannel:closed:
   *
   * Whether no more messages will be received: the other end has closed or failed its channel, or the transport has
   * ended. Messages and the error that the channel ended with may still wait to be taken. Any thread.
   */
  properties[PROP_CLOSED] = g_param_spec_boolean ("closed", NULL, NULL, FALSE, FERRY_READABLE);

  /**
   * FerryChannel:readable:
   *
   * Whether there is something to take: a message, or the end of the channel, which is taken once. Then
   * [method@Ferry.Channel.receive] with a time of 0 does not fail with %FERRY_ERROR_TIMED_OUT, and nothing is taken
   * ahead: what is not taken is not acknowledged. A channel that is closed and not readable was taken to its end.
   *
   * Changes are notified from the first time on that the property is read. Any thread.
   */
  properties[PROP_READABLE] = g_param_spec_boolean ("readable", NULL, NULL, FALSE, FERRY_NOTIFIED);

  /**
   * FerryChannel:writable:
   *
   * Whether a message can be sent without waiting. After a message failed with %FERRY_ERROR_WOULD_BLOCK,
   * %FERRY_ERROR_TIMED_OUT or %G_IO_ERROR_CANCELLED, the property is notified when it is %TRUE again. Any thread.
   */
  properties[PROP_WRITABLE] = g_param_spec_boolean ("writable", NULL, NULL, FALSE, FERRY_READABLE);
}

static void
install_process_properties (void)
{
  /**
   * FerryChannel:function:
   *
   * The name of the function that the channel was started with, which runs in the worker; %NULL if the channel was made
   * over a transport. Any thread.
   */
  properties[PROP_FUNCTION] = g_param_spec_string ("function", NULL, NULL, NULL, FERRY_READABLE);

  /**
   * FerryChannel:arguments: (getter get_arguments)
   *
   * The arguments of [property@Ferry.Channel:function]; %NULL if there are none. Any thread.
   */
  properties[PROP_ARGUMENTS] = g_param_spec_variant ("arguments", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, FERRY_READABLE);

  /**
   * FerryChannel:worker:
   *
   * The worker that was started with the channel; %NULL if none was. Any thread.
   */
  properties[PROP_WORKER] = g_param_spec_object ("worker", NULL, NULL, FERRY_TYPE_WORKER, FERRY_READABLE);

  /**
   * FerryChannel:exit: (getter get_exit)
   *
   * How the process that was started with the channel ended; %NULL while it runs, or if there is none. On the thread
   * that started the process.
   */
  properties[PROP_EXIT] = g_param_spec_object ("exit", NULL, NULL, FERRY_TYPE_EXIT, FERRY_READABLE);
}

/* ---- the object ---- */

/**
 * ferry_channel_new:
 * @transport: a transport with a channel at its other end, now or later
 *
 * Makes a channel over an end of a transport. The channel gets all requests of the transport, which so has no other
 * channel, demux or exporter. Signals are emitted in the context that is now the thread-default one. Any thread.
 *
 * Returns: (transfer full): a new channel
 */
FerryChannel *
ferry_channel_new (FerryTransport *transport)
{
  g_autoptr (FerryChannel) self = NULL;
  gboolean taken;

  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), NULL);

  self = g_object_new (FERRY_TYPE_CHANNEL, "transport", transport, NULL);
  taken = ferry_transport_take_calls (transport, call_came, G_OBJECT (self), NULL);
  if (taken)
    ferry_transport_open_inbox (transport, TRUE);
  self->takes_calls = taken;
  ferry_return_val_if_fail (
    taken, NULL,
    "the transport has a channel, a demux or an exporter already; make another transport for this channel");
  ferry_transport_watch_end (transport, transport_ended, G_OBJECT (self));
  /* The transport may have ended before ferry_transport_watch_end() was called. */
  transport_ended (transport, G_OBJECT (self));
  return g_steal_pointer (&self);
}

/* Drops messages that were not taken, and calls that were not acknowledged; dropping refuses their calls. */
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
  g_queue_clear_full (&in, (GDestroyNotify) incoming_free);
  g_queue_clear_full (&calls, (GDestroyNotify) ferry_call_unref);
}

static void
ferry_channel_constructed (GObject *object)
{
  FerryChannel *self = FERRY_CHANNEL (object);

  self->begun = ferry_trace_get_moment ();
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
    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED,
                         "The other end has dropped its channel and takes no more messages; use a new channel");
  GSource *source;
  FerryChannelProcess *process;

  if (ferry_forks_keep (object, self->fork_number))
    return;
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
  ferry_clear_source (&source);
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

  /* A message that waits to be sent has a reference to the channel, so none is left here. */
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
  object_class->get_property = get_property;
  object_class->set_property = set_property;
  install_message_properties ();
  install_process_properties ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  /**
   * FerryChannel::message:
   * @self: the channel
   * @value: (nullable): the message, or %NULL
   * @failure: (nullable): an error that was sent as a message, or %NULL
   *
   * A message was received and is taken by this emission. Exactly one of @value and @failure is set. Emitted while
   * [property@Ferry.Channel:flowing] is set. The end is not a message. [property@Ferry.Channel:closed] is notified for
   * it, and [method@Ferry.Channel.receive] fails with the error that the channel ended with.
   */
  message_signal = g_signal_new ("message", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 ferry_marshal_VOID__VARIANT_BOXED, G_TYPE_NONE, 2, G_TYPE_VARIANT, G_TYPE_ERROR);
  g_signal_set_va_marshaller (message_signal, G_TYPE_FROM_CLASS (klass), ferry_marshal_VOID__VARIANT_BOXEDv);
}

static void
ferry_channel_init (FerryChannel *self)
{
  self->fork_number = ferry_forks_note ();
  ferry_cond_init (&self->changed);
  pthread_mutex_init (&self->lock, NULL);
  ferry_wait_queue_init (&self->receives);
  self->credits = FERRY_CHANNEL_WINDOW;
  self->context = g_main_context_ref_thread_default ();
}
