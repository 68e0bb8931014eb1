/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What exporters and tests use of a demux beside its public functions.
 *
 * Threads: any, unless a function says otherwise. */

#pragma once

#include "conversation/ferry-demux.h"
#include "conversation/ferry-invocation-private.h"

G_BEGIN_DECLS

/* Returns (transfer none) the transport. */
FerryTransport *ferry_demux_get_transport (FerryDemux *self);
/* any: Returns how many requests wait for a handler. */
guint ferry_demux_get_n_pending (FerryDemux *self);

/* Sets the function that returns the name of an invocation for messages. Must be called before the demux is started. */
void ferry_demux_set_describe_func (FerryDemux *self, FerryInvocationDescribeFunc describe);
/* Returns how many requests the demux has received so far. Requests are numbered from 1 in the order they arrived. */
guint64 ferry_demux_get_n_received (FerryDemux *self);

/* Makes the threads of the demux enter handlers in the order in which the requests arrived. A handler is called when
 * the one before has called ferry_demux_let_next(), or has returned. Must be called before the demux is started. */
void ferry_demux_set_ordered (FerryDemux *self);
/* Lets the next handler of an ordered demux be entered. A handler must call this before it calls application code. Does
 * nothing on a thread that enters no handler. */
void ferry_demux_let_next (void);

/* For a demux that was stopped: waits until all handlers that began before have returned. Not in a handler. */
void ferry_demux_wait_until_quiet (FerryDemux *self);

G_END_DECLS
