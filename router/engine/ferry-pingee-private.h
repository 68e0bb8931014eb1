/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pingee: a callback on a main context that any thread can trigger by a ping. Many pings before a call cause one
 * call.
 *
 * Owner:   counted references. While it is connected, its sources have references to it, and it has one to the context.
 * Threads: any; the callback runs on the thread that runs the context. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryPingee FerryPingee;

/* Called on the main context after one or more pings. Returns TRUE when there is more to do: it is then called again in
 * the context's next iteration, without a ping. */
typedef gboolean (*FerryPingeeFunc) (gpointer user_data);

/* Returns (transfer full): a pingee that is not connected. ageing: microseconds after which a ping is served at default
 * priority, if sources of higher priority have kept the callback from running; -1 for never. */
FerryPingee *ferry_pingee_new (int priority, gint64 ageing, FerryPingeeFunc func, gpointer user_data);
FerryPingee *ferry_pingee_ref (FerryPingee *self);
void ferry_pingee_unref (FerryPingee *self);

/* Lets a main loop within the callback call the callback again. It does after a ping, and where wants_call says so.
 * Each iteration of the context asks wants_call, with the callback's data. To be called before the pingee is
 * connected. */
void ferry_pingee_set_can_recurse (FerryPingee *self, FerryPingeeFunc wants_call);
/* Connects a pingee that is not connected. A ping that is pending is served. */
void ferry_pingee_connect (FerryPingee *self, GMainContext *context);
/* Does nothing when the pingee is not connected. On the context's thread, also within the callback, the callback does
 * not run again. On another thread, it may be running, and uses its data until it returns. A later ping stays pending
 * until the pingee is connected again. */
void ferry_pingee_disconnect (FerryPingee *self);
/* Each ping after the first is only one atomic operation. */
void ferry_pingee_ping (FerryPingee *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPingee, ferry_pingee_unref)

G_END_DECLS
