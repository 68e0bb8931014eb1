/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport for the files that use it or implement it: its transactions, the owner of its calls, and the wait for
 * room.
 *
 * Owner:   counted references; a request that is being answered holds one.
 * Threads: any, where nothing else is said. One thread receives; done() of answers is called on it, too. */

#pragma once

#include <stddef.h>

#include "base/ferry-waiters-private.h"
#include "call/ferry-transactions-private.h"
#include "call/ferry-transport.h"

G_BEGIN_DECLS

/* Parts are passed as vectors, and vectors as parts. */
G_STATIC_ASSERT (sizeof (GOutputVector) == sizeof (FerryPart));
G_STATIC_ASSERT (offsetof (GOutputVector, buffer) == offsetof (FerryPart, data));
G_STATIC_ASSERT (offsetof (GOutputVector, size) == offsetof (FerryPart, size));

/* A kind of transport that needs no class of its own. Its functions get the transport's data. */
typedef struct
{
  /* As those of FerryTransportClass. */
  gboolean (*send) (gpointer data, const GOutputVector *parts, guint n_parts, GError **error);
  void (*close) (gpointer data);
  /* With the last reference. */
  void (*free) (gpointer data);
  /* (nullable): sends a cancel that overtakes messages. */
  gboolean (*cancel) (gpointer data, guint64 xid, guint16 reason);
  /* (nullable): sends a large message in a way that holds up no others. Returns FALSE where that is not possible now.
   */
  gboolean (*send_in_buffer) (gpointer data, const FerryPart *parts, guint n_parts);
} FerryTransportKind;

/* Takes data. */
FerryTransport *ferry_transport_new_of_kind (const FerryTransportKind *kind, gpointer data);
/* Returns NULL for a transport of another kind. */
gpointer ferry_transport_get_data (FerryTransport *self, const FerryTransportKind *kind);

FerryTransactions *ferry_transport_get_transactions (FerryTransport *self);

/* As ferry_transport_receive(), for a caller that holds a reference, and that calls ferry_transport_end_run() after the
 * last of a few messages, before anything else. That wakes the threads that wait for their answers. bytes (nullable):
 * taken in place of data, and kept by a value of the message. */
void ferry_transport_receive_in_run (FerryTransport *self, gconstpointer data, gsize size, GBytes *bytes);
void ferry_transport_end_run (FerryTransport *self);
FerryWaiters *ferry_transport_get_waiters (FerryTransport *self);
/* The thread that receives, which must not wait for answers. NULL: not known yet. */
void ferry_transport_set_receiving_thread (FerryTransport *self, GThread *thread);
/* Whether this thread may wait for the other end. FERRY_ERROR_WRONG_THREAD on the receiving thread, and on that of the
 * default main context. form names the function to use instead. */
gboolean ferry_transport_check_may_wait (FerryTransport *self, const char *form, GError **error);

/* Before use, for a transport that this thread receives by iterating context. is_receiving: whether the calling thread
 * is inside such a transport's dispatch. */
void ferry_transport_set_context (FerryTransport *self, GMainContext *context, gboolean (*is_receiving) (void));
/* The context that this thread may iterate to wait for the other end: (nullable). */
GMainContext *ferry_transport_get_context (FerryTransport *self);
/* As ferry_transport_check_may_wait(), for a thread that iterates that context. FERRY_ERROR_BUSY inside a dispatch, and
 * FERRY_ERROR_CLOSED where the transport was disowned. */
gboolean ferry_transport_check_may_iterate (FerryTransport *self, const char *form, GError **error);
/* In a forked child: the transport is the parent's, and this process does not wait for it. */
void ferry_transport_disown (FerryTransport *self);

/* Called on the receiving thread; the call is borrowed. A func that keeps it also keeps the transport, for longer. */
typedef void (*FerryTransportCallFunc) (FerryTransport *self, FerryCall *call, GObject *owner);
/* Calls func with each request that comes, beginning with the early ones. owner is (unowned), and referenced while it
 * is called. Returns FALSE with FERRY_ERROR_ALREADY_RUNNING where another owner takes the requests. */
gboolean ferry_transport_take_calls (FerryTransport *self, FerryTransportCallFunc func, GObject *owner, GError **error);
/* From now on requests are refused with reason; another thread may still be in func. */
void ferry_transport_leave_calls (FerryTransport *self, const GError *reason);
/* Calls func once when the transport is closed, on the thread that closes it, or here where it is closed already. One
 * for each transport. */
void ferry_transport_set_end_func (FerryTransport *self, GDestroyNotify func, gpointer data);

/* Called on the thread that ended the transport, after its transactions have failed. */
typedef void (*FerryTransportEndFunc) (FerryTransport *self, GObject *owner);
/* For the owner of the calls. After the end, func is not called: look at ferry_transport_dup_reason(). */
void ferry_transport_watch_end (FerryTransport *self, FerryTransportEndFunc func, GObject *owner);
/* Does nothing where another owner watches. */
void ferry_transport_unwatch_end (FerryTransport *self, GObject *owner);

/* To wait for room, for a window, or for the end: read the count, try, and wait until the count is another one. The
 * deadline is monotonic time in microseconds, 0 for none. Fails with FERRY_ERROR_TIMED_OUT and G_IO_ERROR_CANCELLED. */
guint64 ferry_transport_get_room_count (FerryTransport *self);
gboolean ferry_transport_wait_for_room (FerryTransport *self, guint64 count, gint64 deadline, GCancellable *cancellable,
                                        GError **error);
/* Wakes the threads that wait for room, and sends nothing: the caller may hold a lock. */
void ferry_transport_wake_waiting (FerryTransport *self);

/* Returns TRUE where nothing is left to send, as after the end of the transport. */
typedef gboolean (*FerryTransportSendFunc) (gpointer data);
/* For a send that failed with FERRY_ERROR_WOULD_BLOCK, on a thread that may not wait. Calls func on threads that make
 * room, until it returns TRUE. count: the room count from before the send that failed. data holds the transport. */
void ferry_transport_send_later (FerryTransport *self, FerryTransportSendFunc func, gpointer data, guint64 count);

G_END_DECLS
