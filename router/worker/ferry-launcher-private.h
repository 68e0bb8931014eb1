/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A launcher from within the layer. It belongs to the router's thread. */

#pragma once

#include "route/ferry-home-private.h"
#include "spawn/ferry-spawn-private.h"
#include "worker/ferry-fork-server-launch-private.h"
#include "worker/ferry-fork-server.h"
#include "worker/ferry-launcher.h"

G_BEGIN_DECLS

/* What the names of senders begin with that Ferry itself passes to its workers. */
#define FERRY_RESERVED_SENDER_PREFIX "ferry."

/* A transport's sender is passed by a name that begins so, and ends with the transport's. */
#define FERRY_TRANSPORT_SENDER_PREFIX FERRY_RESERVED_SENDER_PREFIX "transport."

/* What a program calls for the senders that Ferry passes it. */
#define FERRY_MAIN_ENTRY "ferry_worker_main() at the beginning of main()"

/* The environment variable by which a persistent worker is told its address. */
#define FERRY_LISTEN_ADDRESS_VARIABLE "FERRY_LISTEN_ADDRESS"

/* Told of the worker that was spawned with a sender; NULL: there will be none. Called once. */
typedef void (*FerryPassedFunc) (FerryWorker *worker, gpointer data);

/* main: what a launcher has its fork server do. */
typedef struct
{
  /* From now on the fork server is for that thread. */
  void (*bind) (FerryForkServer *self, FerryHome *home);
  /* Returns (nullable) what says that the program cannot be a fork server, so that its workers are better executed. */
  FerryExit *(*get_obstacle) (FerryForkServer *self);
  /* Starts the process where there is none. */
  gboolean (*prepare) (FerryForkServer *self, FerryRouter *router, GError **error);
  /* What has the fork server, which runs, fork the worker at the other end of link. Takes the streams out of plan. */
  FerryForkServerLaunch *(*new_launch) (FerryForkServer *self, FerryLink *link, FerrySpawnPlan *plan, GError **error);
  /* Keeps the fork server as long as worker runs, since that ends with it. */
  void (*watch_worker) (FerryForkServer *self, FerryWorker *worker);
} FerryForkServerFuncs;

/* main: from now on the launcher, and what belongs to it, is for that thread. */
void ferry_launcher_bind (FerryLauncher *self, FerryHome *home);
/* (nullable): of the router that the launcher is used with, from the first use on. */
FerryHome *ferry_launcher_get_home (FerryLauncher *self);
char **ferry_launcher_get_environ (FerryLauncher *self);
/* Whether its workers run in a sandbox. */
gboolean ferry_launcher_is_confined (FerryLauncher *self);
/* (nullable): what forks its workers. */
FerryForkServer *ferry_launcher_get_fork_server (FerryLauncher *self);
/* fork server and funcs are (nullable). */
void ferry_launcher_set_forking (FerryLauncher *self, FerryForkServer *fork_server, const FerryForkServerFuncs *funcs);
/* Whether its workers are executed where the fork server cannot fork them. */
gboolean ferry_launcher_get_may_execute (FerryLauncher *self);
void ferry_launcher_set_may_execute (FerryLauncher *self);

FerryWorker *ferry_launcher_spawn_named (FerryLauncher *self, FerryRouter *router, const char *name, GError **error);
FerryWorker *ferry_launcher_spawn_fork_server (FerryLauncher *self, FerryRouter *router, GError **error);

/* The senders that the next worker is passed. */
gboolean ferry_launcher_add_reserved_sender (FerryLauncher *self, const char *name, FerrySender *sender,
                                             GError **error);
gboolean ferry_launcher_add_watched_sender (FerryLauncher *self, const char *name, FerrySender *sender,
                                            const char *entry, FerryPassedFunc passed, gpointer data, GError **error);
guint ferry_launcher_count_senders (FerryLauncher *self);
void ferry_launcher_drop_last_sender (FerryLauncher *self);
GArray *ferry_launcher_set_senders_aside (FerryLauncher *self);
void ferry_launcher_put_senders_back (FerryLauncher *self, GArray *senders);
void ferry_launcher_swap_senders (FerryLauncher *self, FerryLauncher *other);
gboolean ferry_launcher_check_no_senders (FerryLauncher *self, const char *what, const char *remedy, GError **error);

/* What a pool, or a channel, makes of the launcher that it is given; in ferry-fork-server.c is one more. */
FerryLauncher *ferry_launcher_new_copy (FerryLauncher *launcher);
void ferry_launcher_log_usual (FerryLauncher *self);
char *ferry_launcher_dup_program_name (FerryLauncher *self);

G_END_DECLS
