/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serving calls of registered functions, one after the other: what a worker of a pool does.
 *
 * Owner:   the thread that serves.
 * Threads: serving is one thread's. A job's cancellable has a second thread watch the express lane, from when it is
 *          first asked for on. */

#pragma once

#include "task/ferry-job-private.h"

G_BEGIN_DECLS

/* The names under which a worker that serves is passed its two pipes. */
#define FERRY_CALLS_SENDER "ferry.calls"
#define FERRY_PROGRESS_SENDER "ferry.progress"

/* Where a call's kind is, in the flags of its request. */
#define FERRY_CALL_KIND_SHIFT 4

/* downlink stays the caller's. The senders are new: the serving starts them. */
FerryServe *ferry_serve_new (FerryDownlink *downlink, FerrySender *calls, FerrySender *progress);
void ferry_serve_free (FerryServe *self);
/* Starts the senders, and serves until the application says that it is finished (TRUE), or until it gave up the link or
 * broke a rule (FALSE with an error). Stops both senders. */
gboolean ferry_serve_run (FerryServe *self, GError **error);

/* What a job uses of it. */

/* any: whether something may have come that concerns a job. By loads only. */
gboolean ferry_serve_has_news (FerryServe *self);
/* any: takes the cancels that have come, and cancels the job that they mean. */
void ferry_serve_take_cancels (FerryServe *self);
/* The thread that serves: waits for the next message, cancel or end, and takes it. */
gboolean ferry_serve_receive (FerryServe *self, GError **error);
/* any: has the second thread watch over the job that runs. */
void ferry_serve_watch (FerryServe *self);
/* any: writes what a job reported. Never waits; where the pipe has no room, *written is FALSE. */
gboolean ferry_serve_report (FerryServe *self, gconstpointer data, gsize size, gboolean *written, GError **error);
/* The thread that serves: nobody waits for each answer that is sent from now on, until it waits for something itself,
 * or says so. They reach the main loop a millisecond later at most, many at a time. */
void ferry_serve_take_time (FerryServe *self);
void ferry_serve_hurry (FerryServe *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryServe, ferry_serve_free)

G_END_DECLS
