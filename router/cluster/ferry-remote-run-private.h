/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A task's run at a host, as the application has it. The router's thread. */

#pragma once

#include "cluster/ferry-host-private.h"

G_BEGIN_DECLS

/* Sends a task of a queue to the host. Returns FALSE if it cannot be sent now; then the task stays in its queue. If it
 * can never be sent, the task fails, and TRUE is returned. */
gboolean ferry_remote_run_send (FerryHost *host, FerryRun *run);
/* For a task of host->in_flight. Whether it can be asked back, and when it was sent, or asked back, in monotonic time.
 * A large request counts as sent one second after more of it has arrived, so it waits while it is under way. */
gboolean ferry_remote_run_is_waiting (FerryRun *run, gint64 *since);
/* Takes back such a task, so that another host may run it. An idempotent task is only asked back at first, and returns
 * when the host refuses it. It is taken back the second time, to run it twice does no harm, or if it was not sent as a
 * whole. */
void ferry_remote_run_ask_back (FerryRun *run);
/* Returns the number of the host that has refused or lost the task last; 0: none. */
guint64 ferry_remote_run_get_shunned (FerryRun *run);
/* Ends the run of a task of host->in_flight. The session has ended for reason. by_application: the host is not to
 * blame, and no other host shall run the task. */
void ferry_remote_run_end (FerryRun *run, const GError *reason, gboolean by_application);

G_END_DECLS
