/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the two halves of the transaction core share: ferry-transactions.c has the asking half,
 * ferry-call.c the calls that are being answered, and ferry-transactions-receive.c takes the messages for both.
 *
 * Locks: send_lock before lock. Nothing is called with lock held; with send_lock held, the transport's send() is.
 *
 * References: a call holds its transactions. The transactions know their open calls, but hold none, save those in
 * unsent; they get at one by ferry_call_try_ref() under the lock, which the call's last unref takes too. */

#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "call/ferry-transactions-private.h"
#include "call/ferry-xid-table-private.h"

G_BEGIN_DECLS

/* The largest answer where nobody says, and how many of the largest may lie here in pieces at a time. */
#define FERRY_DEFAULT_MAX_ANSWER (256 * 1024 * 1024)
#define FERRY_MAX_LARGEST_ANSWERS 4

/* How many calls the other end may have open: what goes beyond is refused. */
#define FERRY_MAX_OPEN_CALLS 65536

/* How many cancels are remembered that overtook their requests. */
#define FERRY_MAX_EARLY_CANCELS 8192

struct _FerryTransactions
{
  _Atomic gint references;
  FerryTransportFuncs funcs; /* const, as the next three */
  gpointer transport;
  FerryRequestFunc request_func; /* (nullable) */
  gpointer request_data;

  /* Held while a request is numbered and sent, so that requests go out in the order of their numbers. */
  pthread_mutex_t send_lock;

  pthread_mutex_t lock;
  guint64 next_xid;     /* lock, as what follows */
  FerryXidTable asked;  /* funcs, data, window: items that the other end may still send; flags: FerryCallFlags */
  FerryXidTable calls;  /* data: the FerryCall (unowned) */
  FerryXidTable early;  /* flags: the reason of a cancel that came before its request */
  guint64 *early_ring;  /* (owned) (nullable): numbers that went into early, to drop the oldest */
  guint early_next;     /* place in it */
  guint64 highest_call; /* the highest number of a request that came */
  GQueue unsent;        /* (element-type FerryCall) (owned): dropped calls whose refusal was not taken yet */
  GQueue owed;          /* (element-type Owed) (owned): cancels and windows that were not taken yet */
  guint64 n_flushes;    /* how often something has had those two tried again */
  GError *reason;       /* lock to set, once: (owned) (nullable): set by close() */
  GHashTable *pieces;   /* (element-type guint64 GByteArray) (owned) (nullable): of answers, by their numbers */
  guint64 pieces_size;  /* bytes of those */
  guint64 max_answer;
  guint64 n_late;
  guint64 n_unknown;

  /* What each message looks at, lock to write. */
  _Atomic gboolean closed; /* reason is set */
  _Atomic gboolean has_unsent;
};

typedef enum
{
  FERRY_CALL_OPEN,
  FERRY_CALL_ANSWERING, /* a thread is at it */
  FERRY_CALL_OVER,
} FerryCallState;

struct _FerryCall
{
  _Atomic gint references;
  FerryTransactions *owner; /* const: (owned), as the next five */
  guint64 xid;
  GVariant *arguments; /* (owned) (nullable) */
  gint64 deadline;
  FerryCallFlags flags;
  _Atomic guint32 state;                                /* a FerryCallState */
  _Atomic guint32 window;                               /* items that may be sent */
  _Atomic guint32 cancelled;                            /* the owner's lock to write: a FerryCancelReason, or 0 */
  gsize n_sent;                                         /* of who answers: bytes of the value that went in pieces */
  void (*cancel_func) (FerryCall *call, gpointer data); /* the owner's lock: (nullable): not called yet */
  gpointer cancel_data;                                 /* the owner's lock */
  void (*window_func) (gpointer data);                  /* the owner's lock, as the next two: (nullable) */
  void (*window_hold) (gpointer data);
  gpointer window_data;
  gpointer attached; /* of the one thread that attaches, and of who frees the call */
  GDestroyNotify attached_destroy;
  char method[]; /* const */
};

FerryCall *ferry_call_new (FerryTransactions *owner, const FerryCallMessage *message);
gboolean ferry_call_try_ref (FerryCall *self);
gboolean ferry_call_add_window (FerryCall *self, guint n);
void ferry_call_note_window (FerryCall *self);
void ferry_call_cancel (FerryCall *self, FerryCancelReason reason);
void ferry_call_free (FerryCall *self);
gboolean ferry_transactions_is_closed (FerryTransactions *self);
gboolean ferry_transactions_send (FerryTransactions *self, const FerryCallMessage *message, GError **error);
gboolean ferry_transactions_send_in_buffer (FerryTransactions *self, const FerryCallMessage *message);
gboolean ferry_transactions_receive_piece (FerryTransactions *self, const FerryCallMessage *message, GError **error);
gboolean ferry_transactions_check_pieces (FerryTransactions *self, const FerryCallMessage *message, GError **error);
GByteArray *ferry_transactions_take_pieces_locked (FerryTransactions *self, guint64 xid);
void ferry_transactions_drop_pieces_locked (FerryTransactions *self, guint64 xid);
void ferry_transactions_note_unsent_locked (FerryTransactions *self);
guint64 ferry_transactions_get_n_flushes (FerryTransactions *self);
gboolean ferry_transactions_flush_refusals (FerryTransactions *self);
gboolean ferry_transactions_refuse (FerryTransactions *self, guint64 xid, const GError *reason, GError **error);

G_END_DECLS
