/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A channel: its signals, sending, receiving, and its end.
 *
 * A channel is two streamed calls, one each way: the standing call of a transport, which both ends ask without a
 * message. The items that an end sends for the other end's call are its messages. The window is the room for them;
 * adding to it says how many were taken; the answer is the end; the cancel says that the asking end was dropped.
 * docs/protocol.md has it in prose.
 *
 * It is one file since all its functions use the same queues and counts, under one lock.
 *
 * Terms:      an end of a channel is one of its two objects. A message is taken when the application gets it.
 * Threads:    any. Messages are received on the thread that receives for the transport, or on one that waits for the
 *             channel; signals are emitted in context.
 * Locks:      lock. While it is held, no other lock is taken except a wait queue's.
 * Invariants: one thread at a time flushes, and it sends the messages one after the other. The answer goes behind
 *             them, and once those that are to be acknowledged are: with it the call is over, and so is its window.
 * Trust:      the other end is not trusted: when it breaks a rule, the transport is closed. The window bounds what it
 *             sends. */

#include "config.h"

#include "conversation/ferry-channel-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-registry-private.h"
#include "base/ferry-revival-private.h"
#include "call/ferry-link-transport-private.h"
#include "call/ferry-transport-private.h"
#include "ferry-marshallers.h"
#include "route/ferry-router-private.h"
#include "task/ferry-iterate-private.h"
#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-reserved-name-private.h"

G_STATIC_ASSERT (FERRY_CHANNEL_WINDOW == FERRY_STANDING_WINDOW);

#define TOO_LATE "The other end of the channel sent or took no message in time; wait longer"

/* A message is an item with its value, or a mark and a value: also if the message itself is of this type. */
#define MARKED_TYPE "(yv)"

typedef enum
{
  MARK_NONE,
  MARK_ACKNOWLEDGED, /* the sender waits until it was taken */
  MARK_FAILURE,      /* an error that is sent as a message */
} Mark;

/* A message to be sent: the data of the completion for which its sender waits. */
typedef struct
{
  FerryChannel *channel; /* const: (owned), as the next two fields are const */
  GVariant *value;       /* (owned): as it is sent */
  gboolean acknowledged;
  gboolean in_vain; /* used by the thread that waits: it has no time to, or may not */
  guint64 number;   /* the channel's lock, as the next one: which of the messages sent this is, from 1 on; 0: of none */
  GError *error;    /* (owned) (nullable): what it is to end with */
} Outgoing;

/* The data of sources, calls and retries, which have no reference to the channel. Counted references, by
 * g_atomic_rc_box. */
typedef struct
{
  FerryWeak *channel;        /* const: (owned) */
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

  guint fork_number; /* const: see ferry-forks.c */
  FerryRegistered registered;
  FerryTransport *transport; /* const: (owned): carries the messages */
  FerryRouter *router;       /* const: (owned) (nullable): if the channel is the application's end of a link */
  GMainContext *context;     /* const: (owned): the main context in which signals are emitted */
  End *end;                  /* const: (owned): the data of the channel's sources, calls and retries */
  gboolean takes_calls;      /* the channel gets the requests of the transport; until it is disposed of */
  guint64 begun;             /* const: ferry_trace_get_moment() when the channel was made */
  char *function;            /* const: (owned) (nullable): the name of the worker's function */
  GVariant *arguments;       /* const: (owned) (nullable): the arguments of this function */
  FerryCall *call;           /* const: (owned): the other end's, for this end's messages */

  pthread_mutex_t lock;
  FerryWaitQueue flushes; /* any: waits for the end of a flush */

  GQueue out;               /* guarded by lock, and so are the fields below up to source, where nothing else is said:
                             * (element-type FerryCompletion) (owned): messages to be sent */
  GQueue unacknowledged;    /* (element-type FerryCompletion) (owned): messages that were sent, and are to be taken */
  guint64 n_sent;           /* messages */
  GThread *flusher;         /* (unowned) (nullable): the thread that runs flush_all(); only compared */
  FerryCompletion *sending; /* (unowned) (nullable): the message that it is sending, which is not in `out` then */
  gboolean flush_again;     /* it must look for work again before it returns */
  gboolean kept;            /* sending waits for room: the transport will call try_again() when there is room */
  gboolean closing;         /* the end follows the messages */
  GError *raised;           /* (owned) (nullable): const with closing, as the next one: the error with which it does */
  char *raised_trace;       /* (owned) (nullable) */
  gboolean end_sent;
  GError *send_error;    /* (owned) (nullable): why no message can be sent any more */
  gboolean wants_notify; /* `writable` must be notified when it becomes TRUE */

  GQueue in;               /* (element-type GVariant) (owned): messages as they were received, and not taken */
  FerryWaitQueue receives; /* any: waits for a message; there are waits only while `in` is empty */
  guint64 n_got;           /* how many messages were taken */
  guint n_taken;           /* how many messages were taken and not added to the window yet */
  gboolean gives_now;      /* the sender of one of them waits for that */
  gboolean ended;          /* the other end's answer was received, or is not to come any more */
  GError *end_error;       /* (owned) (nullable): the error that it raised, or why the transport is closed */
  gboolean end_taken;

  gboolean tells_readable; /* `readable` was read, so its changes are notified */
  gboolean was_readable;   /* what it was before the change that is looked for */
  gboolean flowing;
  guint changes;   /* flags by CHANGE(), to be notified in context */
  GSource *source; /* (owned) (nullable): the idle source that will notify them */
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

/* A flag of changes: a property that has changed, or PROP_0 for messages. */
#define CHANGE(property) (1u << (property))

/* Returns the mark of a message as it is sent; MARK_NONE for one without. */
static guchar
get_mark (GVariant *message)
{
  guchar mark = MARK_NONE;

  if (g_variant_is_of_type (message, G_VARIANT_TYPE (MARKED_TYPE)))
    g_variant_get_child (message, 0, "y", &mark);
  return mark;
}

/* Sets value or failure to (transfer full) what a message contains. */
static void
open_message (GVariant *message, GVariant **value, GError **failure)
{
  g_autoptr (GVariant) inner = NULL;

  if (g_variant_is_of_type (message, G_VARIANT_TYPE (MARKED_TYPE)))
    g_variant_get_child (message, 1, "v", &inner);
  if (get_mark (message) == MARK_FAILURE)
    *failure = ferry_error_from_variant (inner, NULL);
  else
    *value = inner != NULL ? g_steal_pointer (&inner) : g_variant_ref (message);
}

static void
end_clear (gpointer data)
{
  End *end = data;

  ferry_weak_unref (end->channel);
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

/* ---- notifying changes ---- */

static gboolean take (FerryChannel *self, GVariant **message, GError **error);

/* context: emits `message` for the next message. Returns FALSE when there is no message, or `flowing` is FALSE now. */
static gboolean
emit_message (End *end)
{
  g_autoptr (FerryChannel) self = ferry_weak_get (end->channel);
  g_autoptr (GVariant) message = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) failure = NULL;

  if (self == NULL || !get_flowing (self) || !take (self, &message, NULL) || message == NULL)
    return FALSE;
  open_message (message, &value, &failure);
  g_signal_emit (self, message_signal, 0, value, failure);
  return TRUE;
}

static gboolean
is_readable_locked (FerryChannel *self)
{
  return self->in.length > 0 || (self->ended && !self->end_taken);
}

static void tell_locked (FerryChannel *self, guint changes);

static gboolean
tell (gpointer data)
{
  End *end = data;
  g_autoptr (FerryChannel) self = ferry_weak_get (end->channel);
  guint n = 0;
  guint changes;

  if (self == NULL)
    return G_SOURCE_REMOVE;
  pthread_mutex_lock (&self->lock);
  changes = self->changes;
  self->changes = 0;
  g_clear_pointer (&self->source, g_source_unref);
  pthread_mutex_unlock (&self->lock);
  g_clear_object (&self);
  /* At most FERRY_CHANNEL_WINDOW messages, so that other sources of the context are not delayed. Without a reference to
   * the channel: a handler may drop the last. */
  while ((changes & CHANGE (PROP_0)) != 0 && n < FERRY_CHANNEL_WINDOW && emit_message (end))
    n++;
  self = ferry_weak_get (end->channel);
  if (self == NULL)
    return G_SOURCE_REMOVE;
  if (n == FERRY_CHANNEL_WINDOW)
    {
      FERRY_AUTO_LOCK (&self->lock);
      tell_locked (self, CHANGE (PROP_0));
    }
  for (guint id = PROP_0 + 1; id < N_PROPERTIES; id++)
    if ((changes & CHANGE (id)) != 0)
      g_object_notify_by_pspec (G_OBJECT (self), properties[id]);
  return G_SOURCE_REMOVE;
}

/* Adds changes, flags by CHANGE(), to those that an idle source notifies in the context. `readable` is looked at each
 * time. Does nothing for new messages alone if `flowing` is FALSE. */
static void
tell_locked (FerryChannel *self, guint changes)
{
  if (self->tells_readable && self->was_readable != is_readable_locked (self))
    {
      self->was_readable = !self->was_readable;
      changes |= CHANGE (PROP_READABLE);
    }
  if (changes == 0 || (changes == CHANGE (PROP_0) && !self->flowing))
    return;
  self->changes |= changes;
  if (self->source != NULL)
    return;
  self->source = g_idle_source_new ();
  g_source_set_static_name (self->source, "[ferry] channel");
  g_source_set_priority (self->source, self->router != NULL ? self->router->priority : G_PRIORITY_DEFAULT);
  g_source_set_callback (self->source, tell, g_atomic_rc_box_acquire (self->end), end_unref);
  g_source_attach (self->source, self->context);
}

static gboolean
is_writable_locked (FerryChannel *self)
{
  return !self->closing && self->send_error == NULL && !self->kept && self->out.length == 0 &&
         ferry_call_get_window (self->call) > 0;
}

static void
tell_writable_locked (FerryChannel *self)
{
  if (!self->wants_notify || !is_writable_locked (self))
    return;
  self->wants_notify = FALSE;
  tell_locked (self, CHANGE (PROP_WRITABLE));
}

/* ---- messages to be sent ---- */

static gboolean
is_not_sending (gpointer data)
{
  FerryChannel *self = ((Outgoing *) data)->channel;
  FERRY_AUTO_LOCK (&self->lock);

  /* A transport that runs other code while it sends, on the same thread, is not waited for. */
  return self->sending != ferry_completion_from_data (data) || self->flusher == g_thread_self ();
}

static void flush (FerryChannel *self);

/* Stops sending a message, after a cancel or a timeout. What was sent meanwhile counts as sent. */
static GError *
outgoing_abandoned (gpointer data, FerryAbandonReason reason)
{
  Outgoing *item = data;
  FerryChannel *self = item->channel;
  FerryCompletion *completion = ferry_completion_from_data (data);
  gboolean was_listed;
  gboolean was_sent;

  ferry_wait_queue_wait (&self->flushes, NULL, is_not_sending, item, G_MAXINT64, NULL, NULL, NULL);
  pthread_mutex_lock (&self->lock);
  was_listed = g_queue_remove (&self->out, completion) || g_queue_remove (&self->unacknowledged, completion);
  was_sent = item->number != 0 && !item->acknowledged;
  self->wants_notify |= was_listed;
  pthread_mutex_unlock (&self->lock);
  if (was_listed)
    {
      ferry_completion_unref (completion);
      flush (self);
    }
  if (was_sent)
    return NULL;
  if (reason == FERRY_ABANDON_CANCELLED)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                "The message was cancelled before it was sent or acknowledged");
  if (item->in_vain)
    return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK,
                                "The other end has no room for another message; send it when the channel is writable");
  return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, TOO_LATE);
}

static void
outgoing_clear (gpointer data)
{
  Outgoing *item = data;

  g_variant_unref (item->value);
  g_clear_error (&item->error);
  g_object_unref (item->channel);
}

static GError *
new_cannot_send (const Outgoing *item, const GError *why)
{
  return g_error_new (
    FERRY_ERROR, item->acknowledged ? FERRY_ERROR_NOT_ACKNOWLEDGED : FERRY_ERROR_CLOSED, "%s. Reason: %s",
    item->acknowledged ? "The channel ended before the other end took the message; send it again over a "
                         "new channel if it is needed"
                       : "The channel has ended and can send nothing more; use a new channel",
    why->message);
}

/* Ends messages, each with its error. Must be called without the lock: what waits for one may have the last reference
 * to the channel. */
static void
end_outgoing (GQueue *completions)
{
  FerryCompletion *completion;

  while ((completion = g_queue_pop_head (completions)) != NULL)
    {
      Outgoing *item = ferry_completion_get_data (completion);

      ferry_completion_finish (completion, NULL, NULL, g_steal_pointer (&item->error));
      ferry_completion_unref (completion);
    }
}

/* ---- the flush ----
 *
 * Messages wait in `out`. The flush sends them, and then the end. A thread that wants to flush does it itself, unless
 * another thread is already flushing. */

static gboolean
is_for_want_of_room (const GError *error)
{
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
}

/* Sends the first message of `out`. Called with the lock, which is released meanwhile, as the next two functions are.
 * Returns FALSE when the transport has no room. done: gets the message when it has ended. */
static gboolean
flush_item (FerryChannel *self, GQueue *done)
{
  FerryCompletion *completion = g_queue_pop_head (&self->out);
  Outgoing *item = ferry_completion_get_data (completion);
  g_autoptr (GError) error = NULL;

  self->sending = completion;
  pthread_mutex_unlock (&self->lock);
  ferry_call_send_item (self->call, item->value, &error);
  pthread_mutex_lock (&self->lock);
  self->sending = NULL;
  if (error == NULL)
    item->number = ++self->n_sent;
  else if (is_for_want_of_room (error) && !ferry_completion_is_reserved (completion))
    {
      g_queue_push_head (&self->out, completion);
      return FALSE;
    }
  self->wants_notify |= is_for_want_of_room (error);
  g_queue_push_tail (error == NULL && item->acknowledged ? &self->unacknowledged : done, completion);
  item->error =
    g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED) ? new_cannot_send (item, error) : g_steal_pointer (&error);
  return TRUE;
}

/* Sends the answer. */
static gboolean
flush_end (FerryChannel *self)
{
  g_autoptr (GError) error = NULL;

  pthread_mutex_unlock (&self->lock);
  if (self->raised != NULL)
    ferry_call_answer_error (self->call, self->raised, self->raised_trace, NULL, &error);
  else
    ferry_call_answer (self->call, NULL, &error);
  pthread_mutex_lock (&self->lock);
  self->end_sent = !is_for_want_of_room (error);
  return self->end_sent;
}

/* Moves messages that have ended: those that the other end has taken, or all when no more can be sent. */
static void
collect_done (FerryChannel *self, GQueue *done)
{
  FerryCompletion *completion;

  while ((completion = g_queue_peek_head (&self->unacknowledged)) != NULL)
    {
      Outgoing *item = ferry_completion_get_data (completion);

      if (item->number + FERRY_CHANNEL_WINDOW > self->n_sent + ferry_call_get_window (self->call))
        break;
      g_queue_push_tail (done, g_queue_pop_head (&self->unacknowledged));
    }
  while (self->send_error != NULL && ((completion = g_queue_pop_head (&self->unacknowledged)) != NULL ||
                                      (completion = g_queue_pop_head (&self->out)) != NULL))
    {
      Outgoing *item = ferry_completion_get_data (completion);

      item->error = new_cannot_send (item, self->send_error);
      g_queue_push_tail (done, completion);
    }
}

/* Sends all that can be sent. Returns FALSE when the transport has no room. */
static gboolean
flush_locked (FerryChannel *self, GQueue *done)
{
  const gboolean may_send = !self->kept;
  gboolean has_room = may_send;

  do
    {
      self->flush_again = FALSE;
      while (has_room && self->send_error == NULL && self->out.length > 0 && ferry_call_get_window (self->call) > 0)
        has_room = flush_item (self, done);
      collect_done (self, done);
      if (has_room && self->closing && !self->end_sent && self->out.length == 0 && self->unacknowledged.length == 0)
        has_room = flush_end (self);
    }
  while (self->flush_again);
  return has_room || !may_send;
}

/* Flushes, unless another thread is already flushing. Returns FALSE when there is no room. */
static gboolean
flush_all (FerryChannel *self)
{
  GQueue done = G_QUEUE_INIT;
  gboolean is_done = TRUE;

  pthread_mutex_lock (&self->lock);
  self->flush_again = self->flusher != NULL;
  if (self->flusher == NULL)
    {
      self->flusher = g_thread_self ();
      is_done = flush_locked (self, &done);
      self->flusher = NULL;
      self->kept |= !is_done;
      tell_writable_locked (self);
    }
  pthread_mutex_unlock (&self->lock);
  if (!ferry_wait_queue_is_empty (&self->flushes))
    ferry_wait_queue_finish_all (&self->flushes);
  end_outgoing (&done);
  return is_done;
}

/* any: called by the transport when there may be room. Returns TRUE when it must not be called again. */
static gboolean
try_again (gpointer data)
{
  End *end = data;
  gboolean done = TRUE;
  FERRY_USE_WEAK (FerryChannel, self, end->channel);

  if (self != NULL)
    {
      pthread_mutex_lock (&self->lock);
      self->kept = FALSE;
      pthread_mutex_unlock (&self->lock);
      done = flush_all (self);
    }
  if (done)
    end_unref (end);
  return done;
}

/* any: sends all that can be sent now; the rest when there is room. */
static void
flush (FerryChannel *self)
{
  guint64 count = ferry_transport_get_room_count (self->transport);

  if (!flush_all (self))
    ferry_transport_send_later (self->transport, try_again, g_atomic_rc_box_acquire (self->end), count);
}

/* ---- waiting ---- */

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

/* Waits until the completion is over; ends it after the timeout, or when it is cancelled. form: the function that an
 * error recommends on a thread that may not wait. Fails then, with FERRY_ERROR_BUSY or FERRY_ERROR_WRONG_THREAD, and in
 * a forked child, for a channel of its parent, with FERRY_ERROR_CLOSED. */
static gboolean
wait_for (FerryChannel *self, FerryCompletion *completion, gint64 timeout, GCancellable *cancellable, const char *form,
          GError **error)
{
  g_autoptr (FerryChannel) kept G_GNUC_UNUSED = g_object_ref (self);
  gint64 deadline = ferry_deadline_after (timeout);
  GMainContext *context = NULL;
  g_autoptr (GError) failure = NULL;

  if (timeout != 0 && !ferry_completion_is_over (completion))
    {
      if (!find_context (self, form, &context, &failure))
        {
          if (ferry_completion_abandon (completion, FERRY_ABANDON_CANCELLED))
            {
              g_propagate_error (error, g_steal_pointer (&failure));
              return FALSE;
            }
        }
      else if (context != NULL)
        ferry_iterate_for (context, completion, timeout, cancellable);
      else
        ferry_completion_wait (completion, deadline, cancellable);
    }
  ferry_completion_wait (completion, 0, cancellable);
  return TRUE;
}

/* ---- receiving ----
 *
 * A message is taken once: by ferry_channel_receive(), by ferry_channel_receive_async(), or by the signal `message`.
 * Then it can be added to the window, which says that it was taken. */

/* any: adds what was taken to the window, once that is worth a message, or at once if a sender waits for it. */
static void
give_room (FerryChannel *self)
{
  guint n = 0;

  pthread_mutex_lock (&self->lock);
  if (self->n_taken >= FERRY_CHANNEL_WINDOW / 2 || self->gives_now)
    {
      n = self->n_taken;
      self->n_taken = 0;
      self->gives_now = FALSE;
    }
  pthread_mutex_unlock (&self->lock);
  if (n > 0)
    ferry_transport_add_window (self->transport, FERRY_STANDING_XID, n, NULL);
}

/* Takes the next message, or the end. Returns FALSE if there is neither. At the end, there is no message; with an
 * error, sets error. */
static gboolean
take_locked (FerryChannel *self, GVariant **message, GError **error)
{
  *message = g_queue_pop_head (&self->in);
  if (*message != NULL)
    {
      self->n_got++;
      self->n_taken++;
      self->gives_now |= get_mark (*message) == MARK_ACKNOWLEDGED;
      if (self->in.length == 0)
        tell_locked (self, 0);
      return TRUE;
    }
  if (self->ended && !self->end_taken)
    {
      self->end_taken = TRUE;
      tell_locked (self, CHANGE (PROP_0));
    }
  if (self->end_error != NULL)
    g_propagate_error (error, ferry_error_copy (self->end_error));
  return self->ended;
}

/* any: takes without waiting. */
static gboolean
take (FerryChannel *self, GVariant **message, GError **error)
{
  gboolean taken;

  pthread_mutex_lock (&self->lock);
  taken = take_locked (self, message, error);
  pthread_mutex_unlock (&self->lock);
  give_room (self);
  return taken;
}

/* Finishes one wait for a message with a message or the end. Returns FALSE if either is missing. */
static gboolean
serve_one (gpointer data)
{
  FerryChannel *self = data;
  g_autoptr (FerryCompletion) receive = NULL;
  GVariant *message = NULL;
  GError *error = NULL;

  pthread_mutex_lock (&self->lock);
  if (self->in.length > 0 || self->ended)
    receive = ferry_wait_queue_reserve_next (&self->receives);
  if (receive != NULL)
    take_locked (self, &message, &error);
  pthread_mutex_unlock (&self->lock);
  if (receive == NULL)
    return FALSE;
  /* First: who is given the message may drop the channel, and then nothing can be said of it any more. */
  give_room (self);
  ferry_completion_finish_reserved (receive, message, (GDestroyNotify) g_variant_unref, error);
  return TRUE;
}

/* any: finishes waits while there is something to take. Called when something was received, or a wait begins. */
static void
wake_receives (FerryChannel *self)
{
  ferry_wait_queue_serve (&self->receives, serve_one, self);
}

/* ---- the call for the other end's messages ---- */

static void
item_came (gpointer data, const char *name, GVariant *value)
{
  End *end = data;
  gboolean is_message = name[0] == '\0' && value != NULL && get_mark (value) <= MARK_FAILURE;
  g_autoptr (GError) reason = NULL;
  FERRY_USE_WEAK (FerryChannel, self, end->channel);

  if (!is_message)
    {
      reason =
        g_error_new_literal (FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                             "The other end of the channel sent a message without a value, or with a mark that no "
                             "message has; use the same release of Ferry at both ends");
      ferry_transport_end (end->transport, reason);
    }
  if (!is_message || self == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  /* Nothing comes behind the end, which another thread may have told meanwhile. */
  if (!self->ended)
    {
      g_queue_push_tail (&self->in, g_variant_ref (value));
      tell_locked (self, CHANGE (PROP_0));
    }
  pthread_mutex_unlock (&self->lock);
  wake_receives (self);
}

static void
answer_came (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  End *end = data;
  FERRY_USE_WEAK (FerryChannel, self, end->channel);

  if (self != NULL)
    {
      pthread_mutex_lock (&self->lock);
      self->ended = TRUE;
      self->end_error = error != NULL ? ferry_error_copy (error) : NULL;
      tell_locked (self, CHANGE (PROP_CLOSED));
      pthread_mutex_unlock (&self->lock);
      wake_receives (self);
    }
  end_unref (end);
}

static void
hold_end (gpointer end)
{
  g_atomic_rc_box_acquire (end);
}

static const FerryAnswerFuncs answer_funcs = {
  .item = item_came, .done = answer_came, .hold = hold_end, .release = end_unref};

/* ---- the call for this end's messages ---- */

/* any: called when the window has grown. Takes a reference to end. */
static void
window_came (gpointer data)
{
  End *end = data;
  FERRY_USE_WEAK (FerryChannel, self, end->channel);

  if (self != NULL)
    flush (self);
  end_unref (end);
}

/* any: the other end has dropped its channel, or the transport is closed. */
static void
call_cancelled (FerryCall *call, gpointer data)
{
  End *end = data;
  g_autoptr (GError) reason = ferry_transport_dup_reason (end->transport);
  FERRY_USE_WEAK (FerryChannel, self, end->channel);

  if (reason == NULL)
    reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The other end has dropped its channel");
  if (self == NULL)
    return;
  pthread_mutex_lock (&self->lock);
  self->send_error = g_steal_pointer (&reason);
  self->closing = TRUE;
  pthread_mutex_unlock (&self->lock);
  flush (self);
}

/* Asks, and is asked. Returns FALSE if the transport has had a channel already. */
static gboolean
stand (FerryChannel *self)
{
  g_autoptr (GError) error = NULL;

  self->call =
    ferry_transport_stand (self->transport, FERRY_CHANNEL_METHOD, &answer_funcs, g_atomic_rc_box_acquire (self->end));
  if (self->call == NULL)
    {
      end_unref (self->end);
      return FALSE;
    }
  ferry_call_attach (self->call, g_atomic_rc_box_acquire (self->end), end_unref);
  ferry_call_set_window_func (self->call, window_came, hold_end, self->end);
  if (!ferry_transport_receive_kept (self->transport, &error))
    ferry_transport_end (self->transport, error);
  /* After what was kept: who has dropped its channel closes its transport when it gets this end's answer. */
  ferry_call_set_cancel_func (self->call, call_cancelled, self->end);
  return TRUE;
}

/* A channel answers no other requests. */
static void
call_came (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  g_autoptr (GError) reason = g_error_new (
    FERRY_ERROR, FERRY_ERROR_REFUSED,
    "This end is a channel and does not answer '%s'; use a FerryDemux at this end, or a FerryChannel at the "
    "other end",
    ferry_call_get_method (call));

  ferry_call_refuse (call, reason, NULL);
}

/* ---- taking messages ---- */

/* Gives the caller of a receiving function a message, or the end. Both message and bad_end are NULL if the other end
 * closed without an error. Takes bad_end. */
static gboolean
give (GVariant *message, GError *bad_end, GVariant **value, GError **failure, GError **error)
{
  g_autoptr (GError) dropped = NULL;

  if (message != NULL)
    open_message (message, value, failure != NULL ? failure : &dropped);
  if (bad_end != NULL)
    g_propagate_error (error, bad_end);
  return bad_end == NULL;
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
 * Another thread of the application sleeps until the router's thread has received the message. So the router's thread
 * must not wait for that thread.
 *
 * Returns: %TRUE with a message, or if the other end closed without an error
 */
gboolean
ferry_channel_receive (FerryChannel *self, gint64 timeout, GCancellable *cancellable, GVariant **value,
                       GError **failure, GError **error)
{
  g_autoptr (GVariant) message = NULL;
  g_autoptr (FerryCompletion) completion = NULL;
  g_autoptr (GError) bad_end = NULL;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (failure == NULL || *failure == NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *value = NULL;
  if (!take (self, &message, &bad_end))
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      completion = ferry_wait_queue_join (&self->receives, NULL, TOO_LATE);
      wake_receives (self);
      if (!wait_for (self, completion, timeout, cancellable, "ferry_channel_receive_async()", error))
        return FALSE;
      message = ferry_completion_take (completion, &bad_end);
    }
  return give (message, g_steal_pointer (&bad_end), value, failure, error);
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
  g_autoptr (GVariant) message = NULL;
  g_autoptr (GError) bad_end = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *value = NULL;
  message = g_task_propagate_pointer (G_TASK (result), &bad_end);
  return give (message, g_steal_pointer (&bad_end), value, failure, error);
}

/* ---- sending ---- */

/* Returns (transfer full) the completion of a new message in `out`. Its end without an error says that the message was
 * sent, or acknowledged. Takes a floating value. Fails with FERRY_ERROR_CLOSED when this end is closed, and with
 * G_IO_ERROR_CANCELLED. */
static FerryCompletion *
enqueue (FerryChannel *self, Mark mark, GVariant *value, GCancellable *cancellable, GError **error)
{
  static const FerryCompletionFuncs funcs = {.abandon = outgoing_abandoned, .destroy = outgoing_clear};
  g_autoptr (FerryCompletion) completion = ferry_completion_new (&funcs, sizeof (Outgoing));
  Outgoing *item = ferry_completion_get_data (completion);

  if (mark != MARK_NONE || g_variant_is_of_type (value, G_VARIANT_TYPE (MARKED_TYPE)))
    value = g_variant_new (MARKED_TYPE, mark, value);
  item->channel = g_object_ref (self);
  item->value = g_variant_ref_sink (value);
  item->acknowledged = mark == MARK_ACKNOWLEDGED;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  FERRY_AUTO_LOCK (&self->lock);
  if (!self->closing || self->send_error != NULL)
    {
      g_queue_push_tail (&self->out, ferry_completion_ref (completion));
      return g_steal_pointer (&completion);
    }
  ferry_set_error (error, FERRY_ERROR_CLOSED,
                   "The channel was closed at this end; send before ferry_channel_close(), or over another channel");
  return NULL;
}

/* data: the transport, and a cancellable (nullable) */
static gboolean
is_flushed (gpointer data)
{
  const gpointer *both = data;

  return ferry_transport_is_flushed (both[0]) || g_cancellable_is_cancelled (both[1]);
}

/* Over a carrier without threads, only the thread that iterates the transport's context writes to the socket. So this
 * function iterates until the socket has taken everything. Then a process that ends at once loses no message. After the
 * timeout the message counts as sent, and is written later. */
static void
wait_flushed (FerryChannel *self, gint64 timeout, GCancellable *cancellable)
{
  GMainContext *context = ferry_transport_get_context (self->transport);
  gpointer both[] = {self->transport, cancellable};
  gulong id = 0;

  if (timeout == 0 || context == NULL || !may_wait_to_send (self))
    return;
  if (cancellable != NULL)
    id = g_signal_connect_swapped (cancellable, "cancelled", G_CALLBACK (g_main_context_wakeup), context);
  ferry_iterate_context (context, is_flushed, both, timeout);
  g_cancellable_disconnect (cancellable, id);
}

static gboolean
send_and_wait (FerryChannel *self, Mark mark, GVariant *value, gint64 timeout, GCancellable *cancellable,
               GError **error)
{
  g_autoptr (FerryCompletion) completion = enqueue (self, mark, value, cancellable, error);
  g_autoptr (GError) failure = NULL;

  if (completion == NULL)
    return FALSE;
  flush (self);
  if (!ferry_completion_is_over (completion))
    {
      Outgoing *item = ferry_completion_get_data (completion);

      item->in_vain = timeout == 0 || (!item->acknowledged && !may_wait_to_send (self));
      if (!wait_for (self, completion, item->in_vain ? 0 : timeout, cancellable,
                     "ferry_channel_send_acknowledged_async()", error))
        return FALSE;
    }
  ferry_completion_take (completion, &failure);
  if (failure == NULL)
    {
      wait_flushed (self, timeout, cancellable);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
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

  return send_and_wait (self, MARK_NONE, value, timeout, cancellable, error);
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
  return send_and_wait (self, MARK_FAILURE, ferry_error_to_variant (failure, trace, NULL), timeout, cancellable, error);
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

  return send_and_wait (self, MARK_ACKNOWLEDGED, value, timeout, cancellable, error);
}

/* ---- asynchronous sending ---- */

static void
send_async (FerryChannel *self, Mark mark, GVariant *value, GCancellable *cancellable, GAsyncReadyCallback callback,
            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  GError *error = NULL;
  g_autoptr (FerryCompletion) completion = enqueue (self, mark, value, cancellable, &error);

  g_task_set_source_tag (task, send_async);
  g_task_set_check_cancellable (task, FALSE);
  if (completion != NULL)
    {
      ferry_completion_return (completion, task, G_MAXINT64);
      flush (self);
    }
  else
    g_task_return_error (task, error);
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

  send_async (self, MARK_NONE, value, cancellable, callback, user_data);
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

  /* A result without an error has no value. */
  g_task_propagate_pointer (G_TASK (result), error);
  return !g_task_had_error (G_TASK (result));
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

  send_async (self, MARK_ACKNOWLEDGED, value, cancellable, callback, user_data);
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
  return ferry_channel_send_finish (self, result, error);
}

/* ---- the end ---- */

/* any: closes this end, unless that was done before. failure and trace are (nullable). */
static void
close_end (FerryChannel *self, const GError *failure, const char *trace)
{
  pthread_mutex_lock (&self->lock);
  if (!self->closing)
    {
      self->closing = TRUE;
      self->raised = failure != NULL ? ferry_error_copy (failure) : NULL;
      self->raised_trace = g_strdup (trace);
    }
  pthread_mutex_unlock (&self->lock);
  flush (self);
}

static gboolean
is_all_sent (gpointer channel)
{
  FerryChannel *self = channel;
  FERRY_AUTO_LOCK (&self->lock);

  return self->out.length == 0 && self->sending == NULL && (!self->closing || self->end_sent);
}

void
ferry_channel_wait_end_sent (FerryChannel *self)
{
  ferry_wait_queue_wait (&self->flushes, NULL, is_all_sent, self, G_MAXINT64, NULL, NULL, NULL);
}

/* On a thread that may not iterate the context, writes only the messages for which there is room. */
void
ferry_channel_flush (FerryChannel *self)
{
  GMainContext *context = ferry_transport_get_context (self->transport);

  if (context != NULL && may_wait_to_send (self))
    ferry_iterate_context (context, is_all_sent, self, -1);
  ferry_transport_flush (self->transport);
}

/**
 * ferry_channel_close:
 * @self: a channel
 *
 * Closes this end, after all messages that were sent, and once those of [method@Ferry.Channel.send_acknowledged_async]
 * were taken. The other end takes all these messages; after them its receiving functions report the end without an
 * error. Messages of the other end can still be taken here. Does nothing if this end was closed or failed before. Any
 * thread.
 */
void
ferry_channel_close (FerryChannel *self)
{
  g_return_if_fail (FERRY_IS_CHANNEL (self));

  close_end (self, NULL, NULL);
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
  close_end (self, failure, trace);
}

/* ---- the function of a channel, and its process' end ---- */

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
ferry_channel_tell_exit (FerryChannel *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  tell_locked (self, CHANGE (PROP_EXIT));
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

static gboolean
get_closed (FerryChannel *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->ended;
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
  FERRY_AUTO_LOCK (&self->lock);
  return is_writable_locked (self);
}

static void
set_flowing (FerryChannel *self, gboolean flowing)
{
  gboolean changed;

  pthread_mutex_lock (&self->lock);
  changed = self->flowing != flowing;
  self->flowing = flowing;
  if (flowing && self->in.length > 0)
    tell_locked (self, CHANGE (PROP_0));
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
    [PROP_WORKER] = G_CALLBACK (ferry_channel_get_worker),
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

  g_return_val_if_fail (FERRY_IS_TRANSPORT (transport), NULL);

  self = g_object_new (FERRY_TYPE_CHANNEL, "transport", transport, NULL);
  self->takes_calls = ferry_transport_check_no_calls (transport, NULL) && stand (self) &&
                      ferry_transport_take_calls (transport, call_came, NULL, NULL);
  ferry_return_val_if_fail (
    self->takes_calls, NULL,
    "the transport has a channel, a demux or an exporter already; make another transport for this channel");
  return g_steal_pointer (&self);
}

/* any: called by the transport, as try_again() is. Takes the reference to the channel, which was dropped before. */
static gboolean
try_to_leave (gpointer channel)
{
  gboolean done;

  FERRY_CHANNEL (channel)->kept = FALSE;
  done = flush_all (channel);
  if (done)
    g_object_unref (channel);
  return done;
}

/* Sends the end. If there is no room for that, the channel lives on until there is, and is disposed of again.
 *
 * Closing a link's pipe loses messages that still wait for its lane. So a link's transport is kept until the worker has
 * answered this end's call, which it does at the latest when that is cancelled. */
static void
leave (FerryChannel *self)
{
  g_autoptr (GError) reason =
    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED,
                         "The other end has dropped its channel and takes no more messages; use a new channel");
  guint64 count = ferry_transport_get_room_count (self->transport);

  self->closing = TRUE;
  self->kept = FALSE;
  if (!flush_all (self))
    {
      ferry_transport_send_later (self->transport, try_to_leave, g_object_ref (self), count);
      return;
    }
  self->takes_calls = FALSE;
  ferry_transport_leave_calls (self->transport, reason);
  if (self->router != NULL)
    ferry_transport_cancel (self->transport, FERRY_STANDING_XID, FERRY_CANCEL_REASON_CANCELLED);
  else if (ferry_transport_abandon (self->transport, FERRY_STANDING_XID, FERRY_CANCEL_REASON_CANCELLED) != NULL)
    end_unref (self->end);
}

/* FerryLoadFunc */
static gboolean
look (gpointer object, FerryLoad *load)
{
  FerryChannel *self = object;
  FERRY_AUTO_LOCK (&self->lock);

  *load = (FerryLoad){
    .n_carried = self->n_sent + self->n_got,
    .n_sent = self->out.length + (self->sending != NULL) + self->unacknowledged.length,
    .n_received = self->in.length,
  };
  return !self->end_taken;
}

static void
ferry_channel_constructed (GObject *object)
{
  FerryChannel *self = FERRY_CHANNEL (object);

  self->begun = ferry_trace_get_moment ();
  ferry_channel_take_router (self, ferry_link_transport_dup_router (self->transport));
  self->end = g_atomic_rc_box_new0 (End);
  self->end->channel = ferry_weak_new (self);
  self->end->transport = g_object_ref (self->transport);
  ferry_registry_add (&self->registered, FERRY_KIND_CHANNEL, self, look);

  G_OBJECT_CLASS (ferry_channel_parent_class)->constructed (object);
}

static void
ferry_channel_dispose (GObject *object)
{
  FerryChannel *self = FERRY_CHANNEL (object);

  if (ferry_forks_keep (object, self->fork_number))
    return;
  ferry_registry_remove (&self->registered);
  ferry_weak_end (self->end->channel);
  if (self->takes_calls)
    leave (self);

  G_OBJECT_CLASS (ferry_channel_parent_class)->dispose (object);
}

static void
ferry_channel_finalize (GObject *object)
{
  FerryChannel *self = FERRY_CHANNEL (object);

  /* Each message that waits has a reference to the channel, so none is left here. */
  g_assert (self->out.length == 0 && self->unacknowledged.length == 0);
  g_queue_clear_full (&self->in, (GDestroyNotify) g_variant_unref);
  ferry_clear_source (&self->source);
  g_clear_pointer (&self->end, end_unref);
  g_clear_object (&self->transport);
  g_clear_object (&self->router);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_pointer (&self->function, g_free);
  g_clear_pointer (&self->arguments, g_variant_unref);
  g_clear_pointer (&self->raised_trace, g_free);
  g_clear_error (&self->raised);
  g_clear_pointer (&self->call, ferry_call_unref);
  g_clear_error (&self->send_error);
  g_clear_error (&self->end_error);
  ferry_wait_queue_clear (&self->receives);
  ferry_wait_queue_clear (&self->flushes);
  pthread_mutex_destroy (&self->lock);

  G_OBJECT_CLASS (ferry_channel_parent_class)->finalize (object);
}

static void
ferry_channel_class_init (FerryChannelClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ferry_channel_constructed;
  ferry_revival_class_init (object_class);
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
  pthread_mutex_init (&self->lock, NULL);
  ferry_wait_queue_init (&self->flushes);
  ferry_wait_queue_init (&self->receives);
  self->context = g_main_context_ref_thread_default ();
}
