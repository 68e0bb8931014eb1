/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serving calls of registered functions, one after the other: what a worker of a pool does.
 *
 * Owner:   the thread that serves.
 * Threads: serving is one thread's. A job's cancellable has a second thread watch the express lane, from when it is
 *          first asked for on. */

#pragma once

#include "route/ferry-sender.h"
#include "task/ferry-job-private.h"

G_BEGIN_DECLS

/* The names under which a worker that serves is passed its two pipes. */
#define FERRY_CALLS_SENDER "ferry.calls"
#define FERRY_PROGRESS_SENDER "ferry.progress"

typedef struct _FerryServe FerryServe;

/* downlink stays the caller's. The senders are new: the serving starts them. */
FerryServe *ferry_serve_new (FerryDownlink *downlink, FerrySender *calls, FerrySender *progress);
void ferry_serve_free (FerryServe *self);
/* Starts the senders, and serves until the application says that it is finished (TRUE), or until it gave up the link or
 * broke a rule (FALSE with an error). Stops both senders. */
gboolean ferry_serve_run (FerryServe *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryServe, ferry_serve_free)

G_END_DECLS
