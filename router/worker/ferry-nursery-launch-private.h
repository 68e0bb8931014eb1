/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the monitor needs to have a nursery fork a worker.
 *
 * Threads: made and run on the router's thread; then it is the monitor's. */

#pragma once

#include "route/ferry-router-private.h"
#include "spawn/ferry-spawn-private.h"

G_BEGIN_DECLS

typedef struct _FerryNurseryLaunch FerryNurseryLaunch;

/* nursery is the link of the nursery's process, which runs with that monitor, and environ (nullable) what it was
 * started with; link is the worker's. Takes the streams out of plan. */
FerryNurseryLaunch *ferry_nursery_launch_new (FerryMonitor *monitor, FerryLink *nursery, char **environ,
                                              FerryLink *link, FerrySpawnPlan *plan, GError **error);
void ferry_nursery_launch_free (gpointer launch);
/* Adds the worker's link to the router's, with its process asked for, at once where that can be. Takes the launch, and
 * observer as ferry_router_add_link() does. */
void ferry_nursery_launch_run (FerryNurseryLaunch *self, FerryRouter *router, FerryLinkObserver *observer);

G_END_DECLS
