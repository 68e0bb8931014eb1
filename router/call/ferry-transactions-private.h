/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transaction core: one end's bookkeeping of requests and answers, on one link or another transport.
 *
 * Both ends may ask. Each numbers its own transactions from 1 (the xid), so a message's kind tells which end's number
 * it has. REQUEST, WINDOW and CANCEL come from the end that asks; ANSWER, ERROR, REFUSE and ITEM come from the end that
 * answers. A transaction is over with its answer, its error or its refusal. It gets exactly one of them; when the link
 * ends, this end makes it.
 *
 * Owner:   counted references.
 * Threads: any, under a lock that is never held in a callback. Callbacks run on the thread that calls receive(), end()
 *          or close().
 * Trust:   none in the peer. Late and unknown answers are counted and dropped. A malformed message is an error of
 *          receive(), for the caller to end the link with. */

#pragma once

#include "call/ferry-call-message-private.h"
#include "call/ferry-remote-error-private.h"

G_BEGIN_DECLS

typedef struct _FerryTransactions FerryTransactions;

/* A request that this end was asked, until it is answered. Counted references; any thread. */
typedef struct _FerryCall FerryCall;

/* How messages get to the other end. Any thread may call these, several at once; requests are sent one at a time, in
 * the order of their numbers. They must not call back into the transactions. */
typedef struct
{
  /* Returns FALSE with an error when the message was not taken: FERRY_ERROR_WOULD_BLOCK when it may be later. */
  gboolean (*send) (gpointer transport, const FerryCallMessage *message, GError **error);
  /* Overtakes the messages that were sent. (nullable): then a cancel is sent as a message */
  gboolean (*cancel) (gpointer transport, guint64 xid, FerryCancelReason reason, GError **error);
  /* (nullable): a window grew, or a call was cancelled. A thread may wait for either. */
  void (*note_room) (gpointer transport);
  /* (nullable): in receive(), before a callback that may take its time. Threads that done_in_run() is to wake are woken
   * no later. */
  void (*end_run) (gpointer transport);
  /* (nullable): sends a large message whole where that holds up no others. Returns FALSE when it cannot. */
  gboolean (*send_in_buffer) (gpointer transport, const FerryCallMessage *message);
  /* (nullable): by receive(): whether the other end has claimed this transaction, where it has to. Without that, any
   * message of the transaction but a refusal breaks the protocol. */
  gboolean (*is_begun) (gpointer transport, guint64 xid);
  /* Called for such a message while this end waits for the transaction: it was begun after all. */
  void (*note_unclaimed) (gpointer transport, guint64 xid);
  /* Whether other large answers go in pieces, so that they do not hold up other messages. */
  gboolean in_pieces;
  /* (nullable): called with the last reference: until then a send() that began before close() may be under way */
  void (*destroy) (gpointer transport);
} FerryTransportFuncs;

typedef struct
{
  /* (nullable): a value on the way; name is empty for an item of the stream */
  void (*item) (gpointer data, const char *name, GVariant *value);
  /* Called once, with the result (no floating reference), or with an error and its trace. refused: it was not begun. */
  void (*done) (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused);
  /* (nullable): receive() calls it in place of done(). It only wakes a thread, and may do so as late as end_run(). */
  void (*done_in_run) (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused);
  /* (nullable): item() has data in use, and done() on another thread does not wait for that. These two only count a
   * reference: hold is called with a lock held. */
  void (*hold) (gpointer data);
  void (*release) (gpointer data);
} FerryAnswerFuncs;

typedef struct
{
  const char *method;
  GVariant *arguments; /* (nullable) */
  gint64 deadline;     /* monotonic time in microseconds; 0: none. The other end is told; this end has its own timer */
  FerryCallFlags flags;
  guint16 window;
  const int *descriptors; /* (nullable): for a transport that takes any */
  guint n_descriptors;
  FerryPart packed; /* in place of arguments: the bytes of an “ay”; data is NULL for none */
} FerryRequest;

/* The call is borrowed. Without a further reference it is refused when this returns. */
typedef void (*FerryRequestFunc) (FerryTransactions *self, FerryCall *call, gpointer data);

/* How many calls the other end may have open. Further requests are refused. */
#define FERRY_MAX_OPEN_CALLS 65536
/* How many cancels are kept that overtook their requests. */
#define FERRY_MAX_EARLY_CANCELS 8192
/* How many of the largest answers may lie here in pieces at a time. */
#define FERRY_MAX_LARGEST_ANSWERS 4

/* request_func (nullable): without it every request is refused. */
FerryTransactions *ferry_transactions_new (const FerryTransportFuncs *funcs, gpointer transport,
                                           FerryRequestFunc request_func, gpointer request_data);
void ferry_transactions_unref (FerryTransactions *self);

/* Before the first request: its number, 1 by default. */
void ferry_transactions_set_first_xid (FerryTransactions *self, guint64 first);

/* The largest value of an answer that is sent or taken in pieces. */
void ferry_transactions_set_max_answer (FerryTransactions *self, guint64 max_answer);

/* Asks. Returns the xid, or 0 with an error, and then no callback is called. One-way requests have none either. The
 * answer may come, on another thread, before this returns. Here and below a floating value is taken, sent or not: a
 * caller that may try again holds a reference.
 * FERRY_ERROR_CLOSED, FERRY_ERROR_BAD_ARGUMENTS, FERRY_ERROR_TOO_LARGE, and the transport's own. */
guint64 ferry_transactions_ask (FerryTransactions *self, const FerryRequest *request, const FerryAnswerFuncs *funcs,
                                gpointer data, GError **error);
/* Asks the other end to stop, as soon as there is room. Returns FALSE where the transaction is over. The answer still
 * comes. */
gboolean ferry_transactions_cancel (FerryTransactions *self, guint64 xid, FerryCancelReason reason);
/* Forgets a transaction: its answer will count as late. Returns FALSE where the transaction is over. Its item() may
 * still run on another thread. */
gboolean ferry_transactions_forget (FerryTransactions *self, guint64 xid);
/* Forgets and cancels. Returns the data of the transaction, whose done() is not called then; NULL where it is over. */
gpointer ferry_transactions_abandon (FerryTransactions *self, guint64 xid, FerryCancelReason reason);
/* Forgets and cancels, and calls done() with a copy of error. Returns FALSE where the transaction is over. */
gboolean ferry_transactions_end (FerryTransactions *self, guint64 xid, FerryCancelReason reason, const GError *error);

/* The numbers of the transactions that match, in order. match is called with a lock held.
 * Returns (element-type guint64) (transfer full). */
GArray *ferry_transactions_list_asked (FerryTransactions *self,
                                       gboolean (*match) (const FerryAnswerFuncs *funcs, gpointer data,
                                                          gpointer user_data),
                                       gpointer user_data);

/* Lets the other end send n more items of a stream. The message goes as soon as there is room. */
gboolean ferry_transactions_add_window (FerryTransactions *self, guint64 xid, guint n, GError **error);

/* Takes a message of the other end. Callbacks may drop the last reference. One thread at a time, or the callbacks of
 * one transaction overlap. Returns FALSE with FERRY_ERROR_PROTOCOL when it is malformed. */
gboolean ferry_transactions_receive (FerryTransactions *self, gconstpointer data, gsize size, GError **error);
/* The same; a value of the message keeps bytes. */
gboolean ferry_transactions_receive_bytes (FerryTransactions *self, GBytes *bytes, GError **error);

/* Takes a cancel that overtook messages, perhaps its own request. */
void ferry_transactions_receive_cancel (FerryTransactions *self, guint64 xid, guint16 reason);
/* The end of the link. Every transaction that this end asked is done with reason, every call is cancelled, and nothing
 * is sent any more. */
void ferry_transactions_close (FerryTransactions *self, const GError *reason);

typedef struct
{
  guint64 n_late;    /* answers to transactions that were over */
  guint64 n_unknown; /* answers to numbers that were never used */
  guint n_asked;     /* at present, as what follows, which is for tests */
  guint n_calls;
  guint n_early;  /* cancels that came before their requests */
  guint n_unsent; /* dropped calls whose refusal is not sent yet */
  gboolean has_pieces;
  guint64 pieces_size;
} FerryTransactionsCounts;

FerryTransactionsCounts ferry_transactions_get_counts (FerryTransactions *self);

FerryCall *ferry_call_ref (FerryCall *self);
void ferry_call_unref (FerryCall *self);
guint64 ferry_call_get_xid (FerryCall *self);
const char *ferry_call_get_method (FerryCall *self);
/* A method as messages name it: the library's own protocols have methods that a program does not know. */
const char *ferry_call_method_in_words (const char *method);
/* (nullable) */
GVariant *ferry_call_get_arguments (FerryCall *self);
gint64 ferry_call_get_deadline (FerryCall *self);
FerryCallFlags ferry_call_get_flags (FerryCall *self);
/* 0 while it is not cancelled, else a FerryCancelReason. One load. */
guint ferry_call_get_cancelled (FerryCall *self);
/* Called once, on the thread that receives the cancel; at once where the call is cancelled already. NULL: no further
 * call, but another thread may still be in func. */
void ferry_call_set_cancel_func (FerryCall *self, void (*func) (FerryCall *call, gpointer data), gpointer data);

/* Once: keeps data until the call is freed, and so for as long as a thread can be in the cancel's func. */
void ferry_call_attach (FerryCall *self, gpointer data, GDestroyNotify destroy);
/* (nullable) */
gpointer ferry_call_get_attached (FerryCall *self);
/* Sends cancels, windows, and refusals of calls that were dropped, as far as there is room. */
void ferry_transactions_flush_owed (FerryTransactions *self);

/* Each returns FALSE with an error when it could not be sent: FERRY_ERROR_WOULD_BLOCK, the call is then still open;
 * FERRY_ERROR_CLOSED. The first answer, error or refusal counts; a second is a programmer error. A value of a one-way
 * call is dropped. A call that is dropped unanswered is refused. result, trace and notes are (nullable). */
gboolean ferry_call_answer (FerryCall *self, GVariant *result, GError **error);
gboolean ferry_call_answer_error (FerryCall *self, const GError *failure, const char *trace, const char *const *notes,
                                  GError **error);
gboolean ferry_call_refuse (FerryCall *self, const GError *reason, GError **error);
/* Ends a call without an answer: the other end took it back before it was begun, and forgot it. */
void ferry_call_drop (FerryCall *self);
/* An item of the stream: FERRY_ERROR_WOULD_BLOCK while the window is used up. Dropped where no stream is wanted. */
gboolean ferry_call_send_item (FerryCall *self, GVariant *value, GError **error);
guint ferry_call_get_window (FerryCall *self);
/* Called whenever the window has grown, on the receiving thread. hold counts a reference to data, with a lock held;
 * func drops it. NULL: nothing is called any more. */
void ferry_call_set_window_func (FerryCall *self, void (*func) (gpointer data), void (*hold) (gpointer data),
                                 gpointer data);
/* A value of a named type, which uses no window. */
gboolean ferry_call_send_value (FerryCall *self, const char *name, GVariant *value, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryTransactions, ferry_transactions_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryCall, ferry_call_unref)

G_END_DECLS
