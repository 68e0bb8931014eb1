/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The nursery from within the library: how a launcher uses it, and how a program becomes one. */

#pragma once

#include "link/ferry-nursery-link-private.h"
#include "route/ferry-home-private.h"
#include "route/ferry-router-private.h"
#include "spawn/ferry-spawn-private.h"
#include "worker/ferry-nursery.h"

G_BEGIN_DECLS

/* The environment variable that asks a program to be a nursery. */
#define FERRY_NURSERY_VARIABLE "FERRY_NURSERY"

/* ---- in the application ---- */

typedef struct _FerryNurseryLaunch FerryNurseryLaunch;

void ferry_nursery_forgive (FerryNursery *self);
FerryExit *ferry_nursery_get_obstacle (FerryNursery *self);
/* main: from now on the nursery is for that thread. */
void ferry_nursery_bind (FerryNursery *self, FerryHome *home);
gboolean ferry_nursery_prepare (FerryNursery *self, FerryRouter *router, GError **error);
void ferry_nursery_watch_worker (FerryNursery *self, FerryWorker *worker);
FerryNurseryLaunch *ferry_nursery_launch_new (FerryNursery *self, FerryLink *link, FerrySpawnPlan *plan,
                                              GError **error);
void ferry_nursery_launch_free (gpointer launch);
void ferry_nursery_launch_run (FerryNurseryLaunch *self, FerryRouter *router, FerryLinkObserver *observer);

/* ---- in the program, on its one thread ---- */

/* Whether this process was started to be a nursery. To be called before any initialiser runs. */
gboolean ferry_nursery_is_asked_for (void);
/* That an initialiser has run, by its name: one that left a thread behind is named when a fork is refused for it. */
void ferry_nursery_note_initialiser (const char *name);
/* Where `ps` finds the name of a process: what main() was given. Copies of the arguments take their place. */
void ferry_nursery_set_arguments (int argc, char **argv);
/* What a child that is forked ahead of its request does while it waits, so that it is quick then. */
void ferry_nursery_set_rehearsal (void (*rehearse) (void));
/* Attaches, and forks a worker for each request. Returns 0 in a worker, to which the process' control socket then
 * belongs, and -1 where it cannot attach; the nursery itself exits with the application. */
int ferry_nursery_run (GError **error);

/* In ferry-nursery-child.c. */
void ferry_nursery_warm_up (int control);
void ferry_nursery_become_worker (FerryStartOrder *order, int control);

G_END_DECLS
