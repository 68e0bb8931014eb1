/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport over a socket, without threads. It reads and writes where its main context is iterated, and a wait for it
 * iterates that context. For processes that fork later.
 *
 * Owner:   counted references. Messages that were sent before the end still go out while the context is iterated.
 * Threads: the thread that made it iterates; any thread sends. */

#pragma once

#include "call/ferry-transport-private.h"

G_BEGIN_DECLS

/* Takes fd, a stream socket, and speaks the protocol of streams, docs/protocol.md. Its context is the thread-default
 * one. */
FerryTransport *ferry_polled_transport_new (int fd);
/* Calls func once when the other end is gone. func then ends the transport, as it may know a better reason. destroy is
 * called with the transport's last reference. */
void ferry_polled_transport_set_hang_up_func (FerryTransport *self, void (*func) (gpointer data), gpointer data,
                                              GDestroyNotify destroy);
/* Receives the bytes that lie in the socket now, without waiting for more. */
void ferry_polled_transport_drain (FerryTransport *self);
/* Whether the socket has taken all sent bytes, or takes no more for good; TRUE for any other transport. One load. */
gboolean ferry_polled_transport_is_flushed (FerryTransport *self);
/* Waits until that is so, and receives nothing in the meantime. */
void ferry_polled_transport_flush (FerryTransport *self);
/* Whether this thread is inside the dispatch of such a transport: to iterate the context would receive nothing more. */
gboolean ferry_polled_transport_is_receiving (void);
/* In a forked child, before anything else: the transports are the parent's. The other ends are not told. */
void ferry_polled_transport_disown_all (void);

G_END_DECLS
