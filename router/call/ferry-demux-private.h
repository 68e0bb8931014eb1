/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "call/ferry-demux-invocation-private.h"
#include "call/ferry-demux.h"

G_BEGIN_DECLS

/* As g_thread_try_new(). */
typedef GThread *(*FerryDemuxStartThreadFunc) (const char *name, GThreadFunc func, gpointer data, GError **error);

/* Before it is started: how messages name its invocations. */
void ferry_demux_set_describe_func (FerryDemux *self, FerryInvocationDescribeFunc describe);
/* How many requests came so far; each has its number, from 1. */
guint64 ferry_demux_get_n_received (FerryDemux *self);

/* For tests. */
guint ferry_demux_get_n_threads (FerryDemux *self);
/* Whether all handlers have returned that were begun before the last stop, and the threads are gone. */
gboolean ferry_demux_is_quiet (FerryDemux *self);
/* For tests, while nothing runs. */
void ferry_demux_set_idle_time (FerryDemux *self, gint64 idle_time);
void ferry_demux_set_start_thread_func (FerryDemux *self, FerryDemuxStartThreadFunc func);

G_END_DECLS
