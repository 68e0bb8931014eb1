/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the parts of a channel share: ferry-channel.c has the object, its end and what it tells its context,
 * ferry-channel-pump.c and ferry-channel-send.c what goes out, ferry-channel-receive.c what comes in.
 *
 * The messages are requests of the transaction protocol; docs/protocol.md has them in prose.
 *
 * Threads:    any. What comes, comes on the thread that receives for the transport; signals are emitted in context.
 * Locks:      lock, a leaf: nothing is called with it held.
 * Invariants: everything is sent by the pump, one thing at a time, so that the end goes behind all messages. Of the
 *             window's messages each is, as this end counts the other's, a credit there, on its way, in `in`, or taken
 *             and not given back: n_held are the latter two.
 * Trust:      none in the other end: one that breaks a rule has the transport closed. */

#pragma once

#include <pthread.h>

#include "call/ferry-transport-private.h"
#include "channel/ferry-channel.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

#define FERRY_CHANNEL_MESSAGE "ferry.channel.message"
#define FERRY_CHANNEL_FAILURE "ferry.channel.failure"
#define FERRY_CHANNEL_CREDIT "ferry.channel.credit"
#define FERRY_CHANNEL_END "ferry.channel.end"

/* What goes out; FerryOutgoing is in ferry-channel-outgoing-private.h. */
typedef struct _FerryOutgoing FerryOutgoing;
/* A call of receive_async() that waits; in ferry-channel-receive.c. */
typedef struct _FerryReceive FerryReceive;

/* What came and was not taken. */
typedef struct
{
  GVariant *value; /* (owned) (nullable) */
  GError *failure; /* (owned) (nullable): an error that was sent as a value */
  FerryCall *call; /* (owned) (nullable): where it is to be acknowledged */
} FerryIncoming;

typedef enum
{
  FERRY_CHANNEL_TELL_MESSAGES = 1 << 0,
  FERRY_CHANNEL_TELL_CLOSED = 1 << 1,
  FERRY_CHANNEL_TELL_WRITABLE = 1 << 2,
  FERRY_CHANNEL_TELL_EXIT = 1 << 3, /* of the worker that was started with it */
  FERRY_CHANNEL_TELL_END_TAKEN = 1 << 4,
} FerryChannelNews;

typedef enum
{
  FERRY_CHANNEL_NOTHING, /* yet */
  FERRY_CHANNEL_TAKEN,
  FERRY_CHANNEL_AT_END, /* of the good or the bad kind */
} FerryChannelTake;

struct _FerryChannel
{
  GObject parent_instance;

  FerryTransport *transport;       /* const: (owned) */
  FerryTransactions *transactions; /* const: (unowned): the transport's */
  FerryRouter *router;             /* const: (owned) (nullable): of a link's end at the application */
  GMainContext *context;           /* const: (owned): where signals are emitted */
  gpointer end;                    /* const: (owned): the FerryChannelEnd */
  gboolean takes_calls;            /* const: the transport's */
  guint64 begun;                   /* const: ferry_trace_get_moment() when it was made */
  char *function;                  /* const: (owned) (nullable): that it was started with */
  GVariant *arguments;             /* const: (owned) (nullable) */

  pthread_mutex_t lock;
  pthread_cond_t changed; /* something that a thread may wait for; of the monotonic clock */

  GQueue out;             /* lock, as what follows: (element-type FerryOutgoing) (owned) */
  GQueue taken_calls;     /* (element-type FerryCall) (owned): to be acknowledged */
  guint credits;          /* messages that the other end has room for */
  guint n_taken;          /* messages that were taken and not given back */
  gboolean pumping;       /* a thread is at it */
  FerryOutgoing *sending; /* (unowned) (nullable): the first in `out`, while the pump sends it */
  gboolean pump_again;    /* when that is done */
  gboolean kept;          /* the transport will call when there is room */
  gboolean closing;       /* the end is in `out`, or was sent */
  gboolean wants_notify;  /* somebody found it not writable */

  GQueue in;          /* (element-type FerryIncoming) (owned) */
  GQueue receives;    /* (element-type FerryReceive) (owned): only while `in` is empty */
  guint n_held;       /* messages that came, and were not given back */
  gboolean ended;     /* the other end's end came */
  GError *end_error;  /* (owned) (nullable): what it raised */
  GError *lost;       /* (owned) (nullable): why the transport is closed */
  gboolean end_taken; /* somebody was given the end */

  gboolean flowing;
  guint news;                        /* FerryChannelNews: to be told */
  GSource *source;                   /* (owned) (nullable): that will tell them */
  void (*news_func) (gpointer data); /* context: (nullable): for an exchange */
  gpointer news_data;

  /* What the layer above has of the process that was started with it. The thread that started it. */
  gpointer process;             /* (nullable): as it likes */
  GDestroyNotify process_alone; /* (nullable): called when the transport is closed */
  GDestroyNotify process_unref; /* called with the last reference, by any thread */
};

/* What others have of a channel without a reference. Counted references, by g_atomic_rc_box. */
typedef struct
{
  GWeakRef channel;
  FerryTransport *transport; /* (owned) */
} FerryChannelEnd;

void ferry_channel_end_unref (gpointer end);

/* In ferry-channel.c. lock is held: has it told in the context. */
void ferry_channel_tell_locked (FerryChannel *self, guint news);
/* In ferry-channel-wait.c. Waits until condition holds, which is looked at with the lock held. On the router's thread,
 * and that of a polled transport, the context is iterated. form names what to use instead where nobody may wait. Fails
 * with FERRY_ERROR_TIMED_OUT, FERRY_ERROR_BUSY, FERRY_ERROR_WRONG_THREAD, G_IO_ERROR_CANCELLED, FERRY_ERROR_CLOSED in a
 * child of who has it. */
gboolean ferry_channel_wait_until (FerryChannel *self, gboolean (*condition) (FerryChannel *self, gpointer data),
                                   gpointer data, gint64 timeout, GCancellable *cancellable, const char *form,
                                   GError **error);
/* Whether a thread that sends may wait for room: never on the router's thread. */
gboolean ferry_channel_may_wait_to_send (FerryChannel *self);
/* In ferry-channel.c, any: ends the transport, for a rule that the other end broke. */
void ferry_channel_fault (FerryChannel *self, const char *what);
/* The context's thread: has func called whenever there may be something to take, or the end, and once more by
 * ferry_channel_tell_news(). */
void ferry_channel_tell_news (FerryChannel *self);
void ferry_channel_set_news_func (FerryChannel *self, void (*func) (gpointer data), gpointer data);
void ferry_channel_set_job (FerryChannel *self, const char *function, GVariant *arguments);

/* In ferry-channel-properties.c. context */
void ferry_channel_install_properties (GObjectClass *object_class);
void ferry_channel_notify_writable (FerryChannel *self);
void ferry_channel_notify_closed (FerryChannel *self);

/* In ferry-channel-pump.c and ferry-channel-send.c. */
void ferry_channel_pump (FerryChannel *self);
void ferry_channel_credits_came (FerryChannel *self, guint n);
/* lock is held: what cannot be sent any more; for ferry_channel_drop_outgoing(), without the lock. */
void ferry_channel_steal_outgoing_locked (FerryChannel *self, GQueue *outgoing);
void ferry_channel_drop_outgoing (GQueue *outgoing, const GError *reason);
/* Sends the end, once; failure and trace are (nullable). */
void ferry_channel_send_end (FerryChannel *self, const GError *failure, const char *trace);
/* Waits until the end was sent, or cannot be any more. */
void ferry_channel_wait_end_sent (FerryChannel *self);
/* Of a polled transport: waits until all that was sent lies before the other end. */
void ferry_channel_flush (FerryChannel *self);
/* Where the channel itself may go: has the end sent by the transport as soon as there is room. */
void ferry_channel_send_farewell (FerryChannel *self);
gboolean ferry_channel_has_control_locked (FerryChannel *self);

/* In ferry-channel-receive.c. */
void ferry_channel_call_came (FerryTransport *transport, FerryCall *call, GObject *owner);
FerryChannelTake ferry_channel_take (FerryChannel *self, FerryIncoming **incoming, GError **error);
gboolean ferry_channel_is_at_end_locked (FerryChannel *self);
/* any: lets the calls that wait have their end. */
void ferry_channel_wake_receives (FerryChannel *self);
void ferry_incoming_free (FerryIncoming *self);
void ferry_channel_clear_incoming (FerryChannel *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryIncoming, ferry_incoming_free)

G_END_DECLS
