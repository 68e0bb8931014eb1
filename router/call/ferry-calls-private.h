/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tables of calls inside a transport, on which four files work: ferry-transport.c, ferry-request.c, ferry-call.c
 * and ferry-room.c. */

#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-registry-private.h"
#include "base/ferry-wait-queue-private.h"
#include "call/ferry-transport-private.h"
#include "call/ferry-xid-table-private.h"

G_BEGIN_DECLS

/* The value of an answer that came in pieces, which another thread checks. */
typedef struct
{
  guint64 xid;       /* 0: none is checked */
  GBytes *body;      /* (owned) */
  FerryAside *aside; /* (owned) (nullable): NULL for bytes that need no check */
} FerryAnswerJudgement;

typedef struct
{
  FerryTransport *self; /* const: (unowned), as the fields down to max_open_bytes */
  FerryWeak *weak;      /* (owned) */
  guint fork_number;    /* see ferry-forks.c */
  FerryRegistered registered;
  const FerryCarrierFuncs *funcs;       /* those of a subclass have the transport as carrier */
  gpointer carrier;                     /* (owned), if funcs have free */
  gsize piece_size;                     /* a larger answer goes in pieces */
  gsize max_open_bytes;                 /* of the arguments of open calls */
  guint64 unclaimed;                    /* receiving thread: see ferry_transport_get_unclaimed() */
  _Atomic (GThread *) receiving_thread; /* (unowned) (nullable): the thread that receives */
  FerryDescriptorPort port;             /* any */

  /* Held while a request is numbered and sent, so that requests are sent in the order of their numbers. */
  pthread_mutex_t send_lock;

  pthread_mutex_t lock;
  guint64 next_xid;    /* lock: this and all fields below, down to end_data */
  FerryXidTable asked; /* requests; window: items that the other end may still send; flags: FerryCallFlags */
  FerryXidTable calls; /* data: the FerryCall (unowned) */
  gsize calls_size;    /* the bytes of the arguments of all calls in the table */
  FerryXidTable early; /* flags: the reason of a cancel that arrived before its request */
  guint64 *early_ring; /* (owned) (nullable): the numbers that were added to early, so that the oldest can be removed */
  guint early_next;    /* the index in early_ring of the next number */
  guint64 highest_call; /* the highest number of a request that arrived */
  GQueue owed;          /* (element-type FerryOwed) (owned): what waits for room */
  guint n_sends;        /* how many sends owed contains */
  gboolean owed_busy;   /* a thread sends a message that it took from owed */
  GError *reason;       /* (owned) (nullable): set once by ferry_transport_end(), with the lock held */
  guint64 pieces_size;  /* the size in bytes of the pieces of all entries of asked */
  guint64 max_answer;
  FerryAnswerJudgement judgement;
  guint64 n_late;
  guint64 n_unknown;
  gboolean standing_asked; /* this end has asked the standing call */
  gboolean standing;       /* and has processed what had come for it before */
  GQueue kept;             /* (element-type GBytes) (owned): that */
  gsize kept_size;
  FerryTransportCallFunc call_func; /* (nullable) */
  GObject *call_owner;              /* (unowned) (nullable) */
  GQueue unowned;                   /* (element-type FerryCall) (owned): the calls that came before call_func */
  GError *refusal;                  /* (owned) (nullable): why calls are refused */
  FerryTransportEndFunc owner_func; /* (nullable): notifies owner of the end */
  GObject *owner;                   /* (unowned) (nullable) */
  GDestroyNotify end_func;          /* (nullable): NULL once it was called */
  gpointer end_data;

  /* The next two are written with the lock held. Each message reads them without it. */
  _Atomic gboolean closed; /* reason is set */
  _Atomic gboolean has_owed;

  /* Grows when there may be room. All accesses to it are sequentially consistent: if one thread makes room while
   * another one keeps a message, at least one of the two sees what the other did. */
  _Atomic guint64 room_count;
  FerryWaitQueue room;    /* any: the threads that wait for room, which each message may wake */
  FerryWaitQueue at_end;  /* any: the threads that wait for the end */
  _Atomic gboolean ended; /* any: all requests have failed, and the owner of the calls was told of the end */
} FerryTransportPrivate;

extern gint ferry_transport_private_offset; /* const: of the private data in an instance */

static inline FerryTransportPrivate *
ferry_transport_get_private (FerryTransport *self)
{
  return G_STRUCT_MEMBER_P (self, ferry_transport_private_offset);
}

static inline gboolean
ferry_calls_is_closed (FerryTransportPrivate *priv)
{
  /* Acquire: sees the reason that ferry_transport_end() released. The reason is set once and never changes. */
  return atomic_load_explicit (&priv->closed, memory_order_acquire);
}

/* ---- ferry-room.c ---- */

/* What waits for room: a cancel, a window that has grown, or a send that has failed. */
typedef struct
{
  guint64 xid;        /* the request of a cancel or of a window, else 0 */
  guint reason;       /* the reason of a cancel, or 0 */
  guint n;            /* how much a window has grown whose request has ended, else 0 */
  FerrySendFunc func; /* (nullable): tries the send again, with data */
  gpointer data;
} FerryOwed;

gboolean ferry_calls_check_open (FerryTransportPrivate *priv, GError **error);
/* any, without the lock: Sends a message, unless the transport is closed. */
gboolean ferry_calls_send (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error);
/* any: Sends what is owed, or queues it behind what waits for room. n: how much a window has grown. Returns FALSE with
 * an error if the message can never be sent. */
gboolean ferry_calls_tell (FerryTransportPrivate *priv, const FerryOwed *owed, guint n, GError **error);
/* Sends what waits for room, as far as there is some. */
void ferry_calls_flush (FerryTransportPrivate *priv);
/* For a request that is removed. The growth of the standing call's window that waits for room is sent, too. */
void ferry_calls_keep_window_locked (FerryTransportPrivate *priv, const FerryXidEntry *entry);

/* ---- ferry-request.c and ferry-call.c: messages that came ---- */

/* Whether the other end may send this message: it must claim a request first. A message of a request that has ended is
 * allowed here, and dropped later. */
gboolean ferry_calls_check_begun (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error);
gboolean ferry_calls_receive_answer (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error);
gboolean ferry_calls_receive_item (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error);
gboolean ferry_calls_receive_piece (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error);
gboolean ferry_calls_receive_request (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error);
gboolean ferry_calls_receive_window (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error);

/* Ends the judgement, and drops its verdict. */
void ferry_calls_drop_judgement (FerryTransportPrivate *priv);

/* Returns (element-type FerryCall) (transfer full) the calls that are not over. */
GPtrArray *ferry_calls_ref_open_locked (FerryTransportPrivate *priv);
/* any, without the lock: Marks the call as cancelled, and calls its cancel function. */
void ferry_call_cancel (FerryCall *self, FerryCancelReason reason);

G_END_DECLS
