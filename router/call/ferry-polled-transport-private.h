/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport over a socket, without threads of its own. It reads and writes when its main context is iterated. A
 * function that waits for the transport iterates that context. For processes that fork later.
 *
 * Owner:   counted references. Messages that were sent before the end are still written while the context is
 *          iterated.
 * Threads: the thread that made the transport iterates the context; any thread sends. */

#pragma once

#include "call/ferry-transport-private.h"

G_BEGIN_DECLS

/* Returns (transfer full) a transport over fd, a stream socket, with the protocol of streams of docs/protocol.md.
 * Takes fd. The transport's context is the thread-default context of the caller. */
FerryTransport *ferry_polled_transport_new (int fd);
/* Sets a function that is called once, when the other end is gone. The function must then end the transport, with a
 * reason of its own choice. destroy is called when the last reference to the transport is dropped. */
void ferry_polled_transport_set_hang_up_func (FerryTransport *self, void (*func) (gpointer data), gpointer data,
                                              GDestroyNotify destroy);
/* Receives the bytes that are in the socket now. Does not wait for more. */
void ferry_polled_transport_drain (FerryTransport *self);
/* Whether all sent bytes were written to the socket, or the socket accepts no more for good. TRUE for a transport of
 * another kind. */
gboolean ferry_polled_transport_is_flushed (FerryTransport *self);
/* Waits until ferry_polled_transport_is_flushed() is TRUE. Receives nothing meanwhile. */
void ferry_polled_transport_flush (FerryTransport *self);
/* Whether this thread is dispatching a transport of this kind. If so, iterating the context receives nothing. */
gboolean ferry_polled_transport_is_receiving (void);
/* Returns (transfer none) (nullable) the context that this thread may iterate to wait for the other end; NULL on
 * another thread, and for a transport of another kind. */
GMainContext *ferry_polled_transport_get_context (FerryTransport *self);
/* Whether this thread may wait for the other end by iterating that context. Fails with FERRY_ERROR_BUSY inside a
 * dispatch, and with FERRY_ERROR_CLOSED for a parent's transport. form: as in ferry_transport_check_may_wait(). */
gboolean ferry_polled_transport_check_may_iterate (FerryTransport *self, const char *form, GError **error);
/* Closes all transports of this kind in a forked child; they belong to the parent. The other ends are not notified.
 * Must be called before the child does anything else. */
void ferry_polled_transport_disown_all (void);

G_END_DECLS
