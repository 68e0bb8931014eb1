/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport as mux, demux and the transports themselves see it: the transactions that it carries, who is asked, and
 * how to wait for room.
 *
 * Owner:   counted references; a request that is being answered holds one.
 * Threads: any, where nothing else is said. One thread receives; it is also the one on which answers are heard. */

#pragma once

#include "base/ferry-waiters-private.h"
#include "call/ferry-transactions-private.h"
#include "call/ferry-transport.h"

G_BEGIN_DECLS

/* How the receiving thread passes a call on; the call is borrowed. Who keeps it keeps the transport, for longer. */
typedef void (*FerryTransportCallFunc) (FerryTransport *self, FerryCall *call, GObject *owner);

FerryTransactions *ferry_transport_get_transactions (FerryTransport *self);

/* As ferry_transport_receive(), for a caller that has a reference meanwhile, and that calls ferry_transport_end_run()
 * behind the last of a few, before anything else: threads that wait for what these answer are woken no later. */
void ferry_transport_receive_in_run (FerryTransport *self, gconstpointer data, gsize size);
/* The same; a value of the message keeps bytes. */
void ferry_transport_receive_bytes_in_run (FerryTransport *self, GBytes *bytes);
void ferry_transport_end_run (FerryTransport *self);
FerryWaiters *ferry_transport_get_waiters (FerryTransport *self);
/* For a transport with a road for cancels that overtakes what was sent. Before anything is asked. */
void ferry_transport_set_cancel_func (FerryTransport *self,
                                      gboolean (*cancel) (FerryTransport *self, guint64 xid, guint16 reason));
/* For a transport that has another way for a large message, which holds up no others: send returns FALSE where it is
 * not open. Before anything is asked. */
void ferry_transport_set_buffer_func (FerryTransport *self,
                                      gboolean (*send) (FerryTransport *self, const FerryPart *parts, guint n_parts));
/* What this end asks is numbered from that on, so that several transports share the road for cancels. */
void ferry_transport_set_first_xid (FerryTransport *self, guint64 first);
/* A cancel that came by that road. */
void ferry_transport_receive_cancel (FerryTransport *self, guint64 xid, guint16 reason);
/* Which thread receives: nobody may wait there for an answer. NULL: not known yet. */
void ferry_transport_set_receiving_thread (FerryTransport *self, GThread *thread);
/* Whether this thread may wait for the other end: FERRY_ERROR_WRONG_THREAD on the one that receives, and on that of the
 * default main context. form names what to use instead. */
gboolean ferry_transport_check_may_wait (FerryTransport *self, const char *form, GError **error);

/* For a transport that is received where a main context is iterated, by this thread. is_receiving: whether the calling
 * thread is about to hand over what came of such a one. Before it is used. */
void ferry_transport_set_context (FerryTransport *self, GMainContext *context, gboolean (*is_receiving) (void));
/* What this thread may iterate to wait for the other end: (nullable). */
GMainContext *ferry_transport_get_context (FerryTransport *self);
/* As ferry_transport_check_may_wait(), for who iterates that: FERRY_ERROR_BUSY where what came is being handed over,
 * and FERRY_ERROR_CLOSED where it was disowned. */
gboolean ferry_transport_check_may_iterate (FerryTransport *self, const char *form, GError **error);
/* In a child that was forked: the transport is the parent's, and nobody waits for it here. */
void ferry_transport_disown (FerryTransport *self);

/* Has func called with each request that comes, first of all with those that came while nobody took them. owner is
 * (unowned), and referenced while it is called. Returns FALSE with FERRY_ERROR_ALREADY_RUNNING when somebody takes them
 * already. */
gboolean ferry_transport_take_calls (FerryTransport *self, FerryTransportCallFunc func, GObject *owner, GError **error);
/* Has func called once when the transport is closed, on the thread that closes it; here and now where it is closed
 * already. One for each transport. */
void ferry_transport_set_end_func (FerryTransport *self, GDestroyNotify func, gpointer data);
/* From now on requests are refused with reason; another thread may still be in func. */
void ferry_transport_leave_calls (FerryTransport *self, const GError *reason);

/* How whoever takes the calls hears that the transport has ended: on the thread that ended it, once what was asked has
 * failed. */
typedef void (*FerryTransportEndFunc) (FerryTransport *self, GObject *owner);
/* owner is as for calls, and has them; one that comes after the end looks at the reason itself. */
void ferry_transport_watch_end (FerryTransport *self, FerryTransportEndFunc func, GObject *owner);
/* Does nothing where another one watches. */
void ferry_transport_unwatch_end (FerryTransport *self, GObject *owner);

/* Waiting for room, for a window, or for the end: take the count, try, and wait until the count is another one.
 * deadline: monotonic time in microseconds, 0 for none. Fails with FERRY_ERROR_TIMED_OUT and G_IO_ERROR_CANCELLED. */
guint64 ferry_transport_get_room_count (FerryTransport *self);
gboolean ferry_transport_wait_for_room (FerryTransport *self, guint64 count, gint64 deadline, GCancellable *cancellable,
                                        GError **error);
/* Has those look who wait for room, and sends nothing: for who may not, as it holds a lock. */
void ferry_transport_wake_waiting (FerryTransport *self);

/* Returns whether nothing is left to be sent, which is so as well when the transport is closed. */
typedef gboolean (*FerryTransportSendFunc) (gpointer data);
/* For who failed with FERRY_ERROR_WOULD_BLOCK and may not wait: has func called, on threads that make room, until it
 * returns TRUE. count: the room count from before the try that failed. data holds the transport. */
void ferry_transport_send_later (FerryTransport *self, FerryTransportSendFunc func, gpointer data, guint64 count);

G_END_DECLS
