/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transactions of a mux, by their numbers. One function takes a transaction out of the table and ends it: for its
 * answer, for ferry_mux_abandon() or for the mux's stop. */

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
  /* (nullable): called after the last of these two. Not where the request could not be sent. */
  void (*destroy) (gpointer data);
  /* Called in place of done where that is NULL: an application's function, which needs no closure then. */
  FerryMuxFunc func;
} FerryAskFuncs;

typedef struct
{
  const char *method;
  GVariant *arguments; /* (nullable): no floating reference */
  gint64 deadline;     /* monotonic time in microseconds, 0 for none */
  guint window;        /* more than 0: a stream is wanted */
  FerryPart packed; /* in place of arguments: the bytes of an “ay”, until asking returns; data is NULL for none */
  gboolean waits;   /* the thread may wait for room in the transport, until the deadline or a cancel */
  GCancellable *cancellable; /* (nullable): of that wait */
} FerryAskRequest;

/* any: asks. data stays until done was called, or destroy. Returns the transaction's number, or 0 with an error:
 * FERRY_ERROR_CLOSED, as ferry_transactions_ask(), and as ferry_transport_wait_for_room(). It may be over by then. */
guint64 ferry_mux_ask (FerryMux *self, const FerryAskRequest *request, const FerryAskFuncs *funcs, gpointer data,
                       GError **error);
/* any: ends it with error, and tells the other end. Returns FALSE when it had its end; done may be under way then. */
gboolean ferry_mux_abandon (FerryMux *self, guint64 xid, FerryCancelReason reason, const GError *error);
/* any: lets the other end send n more items of the stream. */
void ferry_mux_add_window (FerryMux *self, guint64 xid, guint n);

GError *ferry_mux_new_timed_out_error (const char *method);
/* Monotonic time, 0 for none, from a timeout in microseconds, negative for none. */
gint64 ferry_mux_get_deadline (gint64 timeout);

G_END_DECLS
