/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the library itself calls of launchers and fork servers. These objects belong to the router's thread. */

#pragma once

#include "engine/ferry-affinity-private.h"
#include "process/ferry-attributes-private.h"
#include "process/ferry-fork-server.h"
#include "process/ferry-launcher.h"
#include "process/ferry-spawn-private.h"
#include "wire/ferry-fork-server-packet-private.h"

G_BEGIN_DECLS

/* The prefix of the names of Ferry's own senders. */
#define FERRY_RESERVED_SENDER_PREFIX "ferry."

/* The name of a transport's sender: this prefix and then the transport's name. */
#define FERRY_TRANSPORT_SENDER_PREFIX FERRY_RESERVED_SENDER_PREFIX "transport."

/* The function that a worker's program must call when its launcher passes Ferry's own senders. */
#define FERRY_MAIN_ENTRY "ferry_worker_main() at the beginning of main()"

/* The environment variable with the address of a persistent worker. */
#define FERRY_LISTEN_ADDRESS_VARIABLE "FERRY_LISTEN_ADDRESS"

/* Called once for a sender. It gets the worker that was spawned with the sender, or NULL when the sender is dropped
 * without such a worker. */
typedef void (*FerryPassedFunc) (FerryWorker *worker, gpointer data);

/* What is said, in place of all that names workers, to those who do not know that there are any, since they run
 * programs. The log has the other texts at its level of debugging. */
typedef struct
{
  const char *waiting; /* why a task waits whose worker is starting */
  const char *lacking; /* why it waits, or fails, where the system has too little for a worker */
  const char *broken;  /* why it fails where no worker starts */
  /* Returns (transfer full) (nullable) what became of a call whose worker has ended; NULL: the arguments are none that
   * are understood. signal_number: what killed the worker, or 0. */
  char *(*describe_loss) (GVariant *arguments, int signal_number);
} FerryUserTexts;

/* main: the fork server, as the launcher of its workers uses it. */

void ferry_fork_server_bind (FerryForkServer *self, FerryAffinity *affinity);
/* Returns (nullable) why the program cannot be a fork server. */
const char *ferry_fork_server_get_failure (FerryForkServer *self);
/* Whether the launcher of the fork server's process says what a standard stream of its workers is. */
gboolean ferry_fork_server_sets_stream (FerryForkServer *self, guint stream);
/* Starts the fork server's process, unless it runs. */
gboolean ferry_fork_server_prepare (FerryForkServer *self, FerryRouter *router, GError **error);
/* Makes the request for the worker of link. The fork server's process must run. Takes the streams from plan.
 * may_execute: the fork server executes the worker where it cannot fork it. */
FerryStartRequest *ferry_fork_server_new_request (FerryForkServer *self, FerryLink *link, FerrySpawnPlan *plan,
                                                  gboolean may_execute, GError **error);
/* Adds the worker's link to router and requests the worker's process. Takes ownership of request. Holds a reference
 * to the fork server while the worker runs, since the worker would end with the fork server. */
void ferry_fork_server_fork (FerryForkServer *self, FerryRouter *router, FerryWorker *worker,
                             FerryStartRequest *request);

/* main: resets the count of failures, so that a fork server that has failed too often is started again. */
void ferry_fork_server_forgive (FerryForkServer *self);

/* main: binds the launcher, its sandbox and its fork server to the thread of affinity, unless they are bound. */
void ferry_launcher_bind (FerryLauncher *self, FerryAffinity *affinity);
/* Returns (nullable) the router's FerryAffinity; NULL before the launcher's first use with a router. */
FerryAffinity *ferry_launcher_get_affinity (FerryLauncher *self);
char **ferry_launcher_get_environ (FerryLauncher *self);
/* (nullable) */
const char *ferry_launcher_get_cwd (FerryLauncher *self);
const FerryAttributes *ferry_launcher_get_attributes (FerryLauncher *self);
int ferry_launcher_get_oom_score_adjust (FerryLauncher *self);
gboolean ferry_launcher_is_confined (FerryLauncher *self);
/* How often a setting was changed: a copy is out of date where the number is another one. */
guint ferry_launcher_get_n_changes (FerryLauncher *self);
/* (nullable) */
FerryForkServer *ferry_launcher_get_fork_server (FerryLauncher *self);
/* Makes fork_server (nullable) fork the workers. may_execute: workers are executed when the fork server cannot fork
 * them. */
void ferry_launcher_set_forking (FerryLauncher *self, FerryForkServer *fork_server, gboolean may_execute);
gboolean ferry_launcher_get_may_execute (FerryLauncher *self);

/* texts: static */
void ferry_launcher_set_user_texts (FerryLauncher *self, const FerryUserTexts *texts);
/* (nullable): NULL: users know of workers */
const FerryUserTexts *ferry_launcher_get_user_texts (FerryLauncher *self);

FerryWorker *ferry_launcher_spawn_named (FerryLauncher *self, FerryRouter *router, const char *name, GError **error);
FerryWorker *ferry_launcher_spawn_fork_server (FerryLauncher *self, FerryRouter *router, GError **error);

/* The list of senders that the next worker is passed. */
gboolean ferry_launcher_add_watched_sender (FerryLauncher *self, const char *name, FerrySender *sender,
                                            const char *entry, FerryPassedFunc passed, gpointer data, GError **error);
guint ferry_launcher_count_senders (FerryLauncher *self);
void ferry_launcher_drop_last_sender (FerryLauncher *self);
GArray *ferry_launcher_set_senders_aside (FerryLauncher *self);
void ferry_launcher_put_senders_back (FerryLauncher *self, GArray *senders);
gboolean ferry_launcher_check_no_senders (FerryLauncher *self, const char *what, const char *remedy, GError **error);

/* main: makes a copy of a launcher, with a fork server that the original launcher starts. Workers are executed instead
 * of forked when they have a sandbox, or when the program cannot be a fork server. */
FerryLauncher *ferry_launcher_new_forked (FerryLauncher *launcher);
FerryLauncher *ferry_launcher_new_copy (FerryLauncher *launcher);
gboolean ferry_launcher_sets_stream (FerryLauncher *self, guint stream);
char *ferry_launcher_dup_program_name (FerryLauncher *self);

G_END_DECLS
