/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport over a socket, without threads of its own. The thread that made it iterates its context; any thread
 * sends. */

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
/* Closes all transports of this kind in a forked child; they belong to the parent. The other ends are not notified.
 * Must be called before the child does anything else. */
void ferry_polled_transport_disown_all (void);

G_END_DECLS
