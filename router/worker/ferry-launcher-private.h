/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Launchers and fork servers, for the library. They belong to the router's thread. */

#pragma once

#include "link/ferry-fork-server-packet-private.h"
#include "route/ferry-home-private.h"
#include "spawn/ferry-spawn-private.h"
#include "worker/ferry-fork-server.h"
#include "worker/ferry-launcher.h"

G_BEGIN_DECLS

/* The prefix of the names of Ferry's own senders. */
#define FERRY_RESERVED_SENDER_PREFIX "ferry."

/* The name of a transport's sender is this prefix and the transport's name. */
#define FERRY_TRANSPORT_SENDER_PREFIX FERRY_RESERVED_SENDER_PREFIX "transport."

/* The function that a program has to call for Ferry's own senders. */
#define FERRY_MAIN_ENTRY "ferry_worker_main() at the beginning of main()"

/* The environment variable with the address of a persistent worker. */
#define FERRY_LISTEN_ADDRESS_VARIABLE "FERRY_LISTEN_ADDRESS"

/* Called once: with the worker that was spawned with a sender, or with NULL when the sender is dropped. */
typedef void (*FerryPassedFunc) (FerryWorker *worker, gpointer data);

/* main: the calls of a launcher to its fork server. */
typedef struct
{
  /* Binds the fork server to that thread. */
  void (*bind) (FerryForkServer *self, FerryHome *home);
  /* Returns (nullable) the exit record that shows that the program cannot be a fork server. */
  FerryExit *(*get_obstacle) (FerryForkServer *self);
  /* Starts the process where it does not run. */
  gboolean (*prepare) (FerryForkServer *self, FerryRouter *router, GError **error);
  /* Makes the request for the worker at the other end of link. The process must run. Takes the streams out of plan. */
  FerryStartRequest *(*new_request) (FerryForkServer *self, FerryLink *link, FerrySpawnPlan *plan, GError **error);
  /* Adds the worker's link to router and requests its process. Takes request. Keeps the fork server while worker runs,
   * since worker would end with it. */
  void (*fork) (FerryForkServer *self, FerryRouter *router, FerryWorker *worker, FerryStartRequest *request);
} FerryForkServerFuncs;

/* main: makes a fork server that has failed too often start again. */
void ferry_fork_server_forgive (FerryForkServer *self);

/* main: binds the launcher, its sandbox and its fork server to that thread. */
void ferry_launcher_bind (FerryLauncher *self, FerryHome *home);
/* (nullable): of the router, from the launcher's first use with one on. */
FerryHome *ferry_launcher_get_home (FerryLauncher *self);
char **ferry_launcher_get_environ (FerryLauncher *self);
gboolean ferry_launcher_is_confined (FerryLauncher *self);
/* (nullable) */
FerryForkServer *ferry_launcher_get_fork_server (FerryLauncher *self);
/* fork_server is (nullable). may_execute: workers are executed where it cannot fork them. */
void ferry_launcher_set_forking (FerryLauncher *self, FerryForkServer *fork_server, const FerryForkServerFuncs *funcs,
                                 gboolean may_execute);
gboolean ferry_launcher_get_may_execute (FerryLauncher *self);

FerryWorker *ferry_launcher_spawn_named (FerryLauncher *self, FerryRouter *router, const char *name, GError **error);
FerryWorker *ferry_launcher_spawn_fork_server (FerryLauncher *self, FerryRouter *router, GError **error);

/* The senders for the next worker. */
gboolean ferry_launcher_add_watched_sender (FerryLauncher *self, const char *name, FerrySender *sender,
                                            const char *entry, FerryPassedFunc passed, gpointer data, GError **error);
guint ferry_launcher_count_senders (FerryLauncher *self);
void ferry_launcher_drop_last_sender (FerryLauncher *self);
GArray *ferry_launcher_set_senders_aside (FerryLauncher *self);
void ferry_launcher_put_senders_back (FerryLauncher *self, GArray *senders);
gboolean ferry_launcher_check_no_senders (FerryLauncher *self, const char *what, const char *remedy, GError **error);

/* main: makes a copy of a launcher, with a fork server that launcher starts. Workers in a sandbox are executed all the
 * same, and so are those of a program that cannot be a fork server. */
FerryLauncher *ferry_launcher_new_forked (FerryLauncher *launcher);
FerryLauncher *ferry_launcher_new_copy (FerryLauncher *launcher);
void ferry_launcher_log_usual (FerryLauncher *self);
char *ferry_launcher_dup_program_name (FerryLauncher *self);

G_END_DECLS
