/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "call/ferry-demux.h"
#include "call/ferry-dispatcher-private.h"
#include "call/ferry-invocation-private.h"

G_BEGIN_DECLS

/* Before it is started: what its invocations are called in messages. */
void ferry_demux_set_describe_func (FerryDemux *self, FerryInvocationDescribeFunc describe);
/* How many invocations there were so far; each has its number, from 1 on. */
guint64 ferry_demux_get_n_received (FerryDemux *self);
/* For tests: borrowed, while nothing runs. */
FerryDispatcher *ferry_demux_get_dispatcher (FerryDemux *self);

G_END_DECLS
