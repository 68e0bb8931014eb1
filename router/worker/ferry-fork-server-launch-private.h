/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the monitor needs to have a fork server fork a worker.
 *
 * Threads: made and run on the router's thread; then it is the monitor's. */

#pragma once

#include "route/ferry-router-private.h"
#include "spawn/ferry-spawn-private.h"

G_BEGIN_DECLS

typedef struct _FerryForkServerLaunch FerryForkServerLaunch;

/* fork server is the link of the fork server's process, which runs with that monitor, and environ (nullable) what it
 * was started with; link is the worker's. Takes the streams out of plan. */
FerryForkServerLaunch *ferry_fork_server_launch_new (FerryMonitor *monitor, FerryLink *fork_server, char **environ,
                                                     FerryLink *link, FerrySpawnPlan *plan, GError **error);
void ferry_fork_server_launch_free (gpointer launch);
/* Adds the worker's link to the router's, with its process asked for, at once where that can be. Takes the launch, and
 * observer as ferry_router_add_link() does. */
void ferry_fork_server_launch_run (FerryForkServerLaunch *self, FerryRouter *router, FerryLinkObserver *observer);

G_END_DECLS
