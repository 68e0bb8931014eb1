/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a mux asks, by the numbers of its transactions: whoever takes one out of their table ends it, be that its
 * answer, its asker or the mux's stop. */

#pragma once

#include "call/ferry-mux.h"
#include "call/ferry-transport-private.h"

G_BEGIN_DECLS

typedef struct
{
  /* (nullable): the receiving thread: an item of the stream. One may still come after done was called. */
  void (*item) (gpointer data, GVariant *value);
  /* (nullable): called once, on the thread that ended it. */
  void (*done) (gpointer data, GVariant *result, const GError *error);
  /* (nullable): called when neither comes any more. Not where it could not be asked. */
  void (*destroy) (gpointer data);
  /* Where there is no done, called in its place: with what an application passes, so that nothing is kept for it. */
  FerryMuxFunc func;
} FerryAskFuncs;

typedef struct
{
  const char *method;
  GVariant *arguments; /* (nullable): no floating reference */
  gint64 deadline;     /* monotonic time in microseconds, 0 for none */
  guint window;        /* more than 0: a stream is wanted */
  FerryPart packed; /* in place of arguments: the bytes of an “ay”, until asking returns; data is NULL for none */
} FerryAskRequest;

/* any: asks. data stays until done was called, or destroy. Returns the transaction's number, or 0 with an error:
 * FERRY_ERROR_CLOSED, and as ferry_transactions_ask(). It may be over by then. */
guint64 ferry_mux_ask (FerryMux *self, const FerryAskRequest *request, const FerryAskFuncs *funcs, gpointer data,
                       GError **error);
/* The same, but waits for room, which the thread may do. */
guint64 ferry_mux_ask_waiting (FerryMux *self, const FerryAskRequest *request, const FerryAskFuncs *funcs,
                               gpointer data, GCancellable *cancellable, GError **error);
/* any: ends it with error, and tells the other end. Returns FALSE when it had its end; done may be under way then. */
gboolean ferry_mux_abandon (FerryMux *self, guint64 xid, FerryCancelReason reason, const GError *error);
/* any: more items of the stream may come. */
void ferry_mux_add_window (FerryMux *self, guint64 xid, guint n);

GError *ferry_mux_new_timed_out_error (const char *method);
/* Monotonic time, 0 for none, from a timeout in microseconds, negative for none. */
gint64 ferry_mux_get_deadline (gint64 timeout);

G_END_DECLS
