/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "call/ferry-demux.h"
#include "call/ferry-dispatcher-private.h"
#include "call/ferry-invocation-private.h"

G_BEGIN_DECLS

/* Before it is started: how messages name its invocations. */
void ferry_demux_set_describe_func (FerryDemux *self, FerryInvocationDescribeFunc describe);
/* How many requests came so far; each has its number, from 1. */
guint64 ferry_demux_get_n_received (FerryDemux *self);
/* For tests, while nothing runs: borrowed. */
FerryDispatcher *ferry_demux_get_dispatcher (FerryDemux *self);

G_END_DECLS
