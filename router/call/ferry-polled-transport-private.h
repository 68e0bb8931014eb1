/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport over a socket that has no thread: it is read and written where a main context is iterated, and whoever
 * waits for it iterates that. For processes that are still to be forked.
 *
 * Owner:   counted references; what was sent before the end goes out after it, for as long as the context is iterated.
 * Threads: that which made it iterates; others may send. */

#pragma once

#include "call/ferry-transport-private.h"

G_BEGIN_DECLS

/* What comes and goes is that of a stream, docs/protocol.md. Takes fd over, a stream socket. Its context is the
 * thread-default one. */
FerryTransport *ferry_polled_transport_new (int fd);
/* For who knows better why the other end is gone: has func called, once, instead of the transport's end, which is then
 * its to bring about. destroy is called with the transport's last reference. */
void ferry_polled_transport_set_hang_up_func (FerryTransport *self, void (*func) (gpointer data), gpointer data,
                                              GDestroyNotify destroy);
/* Receives what lies in the socket now, without waiting for more. */
void ferry_polled_transport_drain (FerryTransport *self);
/* Whether the socket has taken all that was sent, or takes nothing more; also for any other transport. One load. */
gboolean ferry_polled_transport_is_flushed (FerryTransport *self);
/* Waits until that is so, and receives nothing meanwhile. */
void ferry_polled_transport_flush (FerryTransport *self);
/* Whether this thread is about to hand over what came: to iterate the context would bring nothing more. */
gboolean ferry_polled_transport_is_receiving (void);
/* In a child that was forked, before anything else: the ends that this process had are the parent's. Nothing is said
 * to whoever is at the others. */
void ferry_polled_transport_disown_all (void);

G_END_DECLS
