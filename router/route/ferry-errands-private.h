/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What any thread leaves for the thread of a main context: functions that run there once, in the order of their coming.
 * Ferry uses them in place of idle sources, since ferry_router_route_until() can run them and leave all other sources
 * of the context alone.
 *
 * Owner:   the context: there is one FerryErrands a context, made when it is first needed. It goes with the context.
 * Threads: any leaves errands; the context's thread runs them. */

#pragma once

#include "route/ferry-local-queue-private.h"

G_BEGIN_DECLS

typedef struct _FerryErrands FerryErrands;

/* any, with a reference to the context (nullable: the default one): has func run at default priority, and then destroy
 * (nullable). Never at once, also not on the context's own thread. With the context, destroy runs alone. */
void ferry_errands_post (GMainContext *context, void (*func) (gpointer data), gpointer data, GDestroyNotify destroy);

FerryErrands *ferry_errands_ref_for (GMainContext *context);
void ferry_errands_unref (FerryErrands *self);

/* All that follows is the context's thread's. */
guint ferry_errands_get_n (FerryErrands *self);
/* Runs the oldest. Returns FALSE where there is none. */
gboolean ferry_errands_run_one (FerryErrands *self);
/* Whether the caller was called by an errand. */
gboolean ferry_errands_is_running (const FerryErrands *self);
/* Has the next errand nudge a queue, on which the thread is about to sleep. Returns FALSE where there is one already.
 */
gboolean ferry_errands_watch (FerryErrands *self, FerryLocalQueue *queue);
void ferry_errands_unwatch (FerryErrands *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryErrands, ferry_errands_unref)

G_END_DECLS
