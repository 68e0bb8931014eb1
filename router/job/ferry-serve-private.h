/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serves calls of registered functions in a worker of a pool, one call after the other.
 *
 * Owner:   the thread that serves.
 * Threads: one thread serves. The first ferry_job_get_cancellable() starts a second, which watches the express lane. */

#pragma once

#include "job/ferry-function-private.h"
#include "link/ferry-downlink-private.h"
#include "link/ferry-link-private.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

typedef struct _FerryServe FerryServe;

/* Makes an object that serves the calls of downlink (unowned), which must outlive it. The senders must be unstarted. */
FerryServe *ferry_serve_new (FerryDownlink *downlink, FerrySender *calls, FerrySender *progress);
/* Makes an object that serves the calls of a link with both ends in this process. The two connections are for calls and
 * for progress; progress uses cell 0. never_waits: see ferry_uplink_new_local(). */
FerryServe *ferry_serve_new_local (FerryLink *link, const guint64 connection_ids[2], GThread *never_waits,
                                   GError **error);
void ferry_serve_free (FerryServe *self);
/* Starts the senders, and serves calls until the application finishes the link. Stops both senders at the end. chunks:
 * the function of FERRY_MAP_FUNCTION. Fails when the application has closed the link or broken a rule. */
gboolean ferry_serve_run (FerryServe *self, const FerryFunctionEntry *chunks, GError **error);

/* For the job that runs. */

/* any: reads the cancels that have arrived, and cancels the job if one of them is for its call. */
void ferry_serve_take_cancels (FerryServe *self);
/* The thread that serves: waits for the next message, cancel or end of the link, and handles it. After the first
 * failure, nothing is received. */
gboolean ferry_serve_receive (FerryServe *self, GError **error);
/* any: makes the second thread watch for cancels, for pauses and for the deadline of the job. Returns whether a thread
 * other than the calling one does. */
gboolean ferry_serve_watch (FerryServe *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryServe, ferry_serve_free)

G_END_DECLS
