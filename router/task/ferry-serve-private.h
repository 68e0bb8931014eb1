/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serving calls of registered functions, one after the other, in a worker of a pool.
 *
 * Owner:   the thread that serves.
 * Threads: one thread serves. The first use of a job's cancellable starts a second thread, which watches the express
 *          lane. */

#pragma once

#include "route/ferry-sender.h"
#include "task/ferry-job-private.h"

G_BEGIN_DECLS

/* The names of the two pipes that a worker needs for serving. */
#define FERRY_CALLS_SENDER "ferry.calls"
#define FERRY_PROGRESS_SENDER "ferry.progress"

typedef struct _FerryServe FerryServe;

/* downlink (unowned) outlives it. The senders are not started yet. */
FerryServe *ferry_serve_new (FerryDownlink *downlink, FerrySender *calls, FerrySender *progress);
/* The same for a link whose both ends are in this process. Its connections are those of calls and of progress, which is
 * its cell 0. never_waits: see ferry_uplink_new_local(). */
FerryServe *ferry_serve_new_local (FerryLink *link, const guint64 connection_ids[2], GThread *never_waits,
                                   GError **error);
void ferry_serve_free (FerryServe *self);
/* Starts the senders, and serves until the application finishes the link. Fails where the application has closed the
 * link or broken a rule. Stops both senders. */
gboolean ferry_serve_run (FerryServe *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryServe, ferry_serve_free)

G_END_DECLS
