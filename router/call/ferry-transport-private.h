/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport as seen by the files that use or implement it: its transactions, the owner of its calls, and the wait
 * for room.
 *
 * Owner:   counted references; a request that is being answered holds one.
 * Threads: any, unless a comment says otherwise. One thread receives; done() of an answer is also called on that
 *          thread. Where there is an inbox, others receive what any thread may process. */

#pragma once

#include <stddef.h>

#include "base/ferry-base-private.h"
#include "base/ferry-completion-private.h"
#include "call/ferry-team-private.h"
#include "call/ferry-transactions-private.h"
#include "call/ferry-transport.h"
#include "lane/ferry-answer-waits-private.h"
#include "link/ferry-descriptor-port-private.h"

G_BEGIN_DECLS

/* The two types have the same layout, so parts are passed as vectors and vectors as parts by a cast. */
G_STATIC_ASSERT (sizeof (GOutputVector) == sizeof (FerryPart));
G_STATIC_ASSERT (offsetof (GOutputVector, buffer) == offsetof (FerryPart, data));
G_STATIC_ASSERT (offsetof (GOutputVector, size) == offsetof (FerryPart, size));

/* Returns (transfer full) a transport over a carrier that is no class of its own. Takes carrier. inbox (unowned)
 * (nullable): the carrier's. */
FerryTransport *ferry_transport_new_for_carrier (const FerryCarrierFuncs *funcs, gpointer carrier, FerryInbox *inbox);
/* Returns (transfer none) that carrier, or NULL for a transport over another one. */
gpointer ferry_transport_get_carrier (FerryTransport *self, const FerryCarrierFuncs *funcs);
/* As ferry_transport_new_pair(). Fails with FERRY_ERROR_SYSTEM. */
gboolean ferry_transport_try_new_pair (FerryTransport **one, FerryTransport **other, GError **error);

/* Lets the transport send descriptors, by a function that passes a socket to the other end, or by a socket that the
 * other end passes (pass is NULL). Must be called before the transport is used. both_ways: as in FerryDescriptorPort.
 */
void ferry_transport_set_pass_func (FerryTransport *self, FerryPassSocketFunc pass, gpointer data, gboolean both_ways);
/* The other end has passed a socket (transfer full) for descriptors, or -1 for one that did not come. */
gboolean ferry_transport_join_descriptors (FerryTransport *self, int socket);
/* Passes a socket to the other end, if this end takes descriptors, and the other end cannot pass one. Ends the
 * transport if it cannot. To be called when the other end is there. */
void ferry_transport_offer_descriptors (FerryTransport *self);

FERRY_FOR_SIBLINGS
FerryTransactions *ferry_transport_get_transactions (FerryTransport *self);

FERRY_FOR_SIBLINGS
gboolean ferry_transport_get_closed (FerryTransport *self);
/* Returns (transfer full) (nullable): why the transport is closed; NULL while it is open. */
FERRY_FOR_SIBLINGS
GError *ferry_transport_dup_reason (FerryTransport *self);

/* Works as ferry_transport_receive(), for a caller that holds a reference. bytes (nullable): used instead of data; a
 * value of the message holds a reference to bytes. */
FERRY_FOR_SIBLINGS
void ferry_transport_receive_bytes (FerryTransport *self, gconstpointer data, gsize size, GBytes *bytes);

/* Lets the threads that wait process answers, of what is asked from now on, where its functions allow it. whole: for
 * the standing call, of which messages may have come before. Returns FALSE then, unless this is the router's thread and
 * there is no worker yet: they would be overtaken. Does nothing for a transport that cannot, and returns FALSE. */
gboolean ferry_transport_open_inbox (FerryTransport *self, gboolean whole);
/* Processes what is in the inbox now, one message after the other, unless another thread does. */
void ferry_transport_empty_inbox (FerryTransport *self);
/* For the router's thread at the inbox's marker: processes one message. Returns FALSE where there was none for it, and
 * the marker is gone. */
gboolean ferry_transport_take_marked (FerryTransport *self);
/* Waits as ferry_completion_wait() does, for a completion that what comes to the inbox may end. */
void ferry_transport_wait_for (FerryTransport *self, FerryCompletion *completion, gint64 deadline,
                               GCancellable *cancellable);

/* Sets the thread that receives, which must not wait for answers. NULL: none, or not known yet. */
FERRY_FOR_SIBLINGS
void ferry_transport_set_receiving_thread (FerryTransport *self, GThread *thread);
/* The (unowned) (nullable) team of the threads that receive; set before the transport is used. */
FerryTeam *ferry_transport_get_team (FerryTransport *self);
void ferry_transport_set_team (FerryTransport *self, FerryTeam *team);
/* Whether this thread may wait for the other end. A thread of a team that runs a handler steps aside. Fails with
 * FERRY_ERROR_WRONG_THREAD on the receiving thread and on the thread of the default main context. form: the name of the
 * function to use instead, for the error. */
gboolean ferry_transport_check_may_wait (FerryTransport *self, const char *form, GError **error);

/* Called on the receiving thread with a new request. call is borrowed. A func that takes a reference to call must
 * also take one to the transport, and drop that one later. */
typedef void (*FerryTransportCallFunc) (FerryTransport *self, FerryCall *call, GObject *owner);
/* Makes the transport call func with each request, beginning with the early requests. owner: (unowned); referenced
 * while func is called with it. Fails with FERRY_ERROR_ALREADY_RUNNING if another owner takes the requests. */
FERRY_FOR_SIBLINGS
gboolean ferry_transport_take_calls (FerryTransport *self, FerryTransportCallFunc func, GObject *owner, GError **error);
/* Whether ferry_transport_take_calls() would succeed now. Fails as that does. */
gboolean ferry_transport_check_no_calls (FerryTransport *self, GError **error);
/* Undoes ferry_transport_take_calls(). Requests are refused with reason from now on. Another thread may still be
 * running func. */
FERRY_FOR_SIBLINGS
void ferry_transport_leave_calls (FerryTransport *self, const GError *reason);
/* Makes the transport call func once when it is closed, on the thread that closes it. If the transport is closed
 * already, calls func at once. A transport has one such func. */
void ferry_transport_set_end_func (FerryTransport *self, GDestroyNotify func, gpointer data);

/* Called on the thread that ended the transport, after its transactions have failed. */
typedef void (*FerryTransportEndFunc) (FerryTransport *self, GObject *owner);
/* Makes the transport call func when it ends. For the owner of the calls. If the transport has ended already, func
 * is not called: the owner must also check ferry_transport_dup_reason(). */
FERRY_FOR_SIBLINGS
void ferry_transport_watch_end (FerryTransport *self, FerryTransportEndFunc func, GObject *owner);
/* Undoes ferry_transport_watch_end() of this owner. Does nothing if another owner watches. */
FERRY_FOR_SIBLINGS
void ferry_transport_unwatch_end (FerryTransport *self, GObject *owner);
/* Waits until the thread that closes the transport has failed all transactions, and has told the owner of the calls.
 * Must not be called by a function that this thread calls. */
void ferry_transport_wait_ended (FerryTransport *self);

/* See ferry_transactions_get_room_count() and the functions beside it. */
static inline guint64
ferry_transport_get_room_count (FerryTransport *self)
{
  return ferry_transactions_get_room_count (ferry_transport_get_transactions (self));
}

static inline gboolean
ferry_transport_wait_for_room (FerryTransport *self, guint64 count, gint64 deadline, GCancellable *cancellable,
                               GError **error)
{
  return ferry_transactions_wait_for_room (ferry_transport_get_transactions (self), count, deadline, cancellable,
                                           error);
}

/* data must hold a reference to the transport. */
static inline void
ferry_transport_send_later (FerryTransport *self, FerrySendFunc func, gpointer data, guint64 count)
{
  ferry_transactions_send_later (ferry_transport_get_transactions (self), func, data, count);
}

/* Waits until nothing that was accepted waits in this process any more. */
void ferry_transport_wait_sent (FerryTransport *self, gint64 deadline, GCancellable *cancellable);
/* Calls ferry_transport_note_room(), if there is still a transport. */
FERRY_FOR_SIBLINGS
void ferry_transport_note_room_of (GWeakRef *transport);
G_END_DECLS
