/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting a process, starting the guardian, and forking without executing, in a fork server or in a program without
 * threads. */

#pragma once

#include <sys/types.h>
#include <sys/wait.h>

#include "link/ferry-shared-queue-private.h"
#include "spawn/ferry-attributes-private.h"

G_BEGIN_DECLS

/* Missing in the headers of an older C library. */
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* The descriptor at which a worker finds its control socket. */
#define FERRY_SPAWN_CONTROL_FD 3

typedef struct
{
  char *program;              /* const: (owned): the path of what is executed */
  char **argv;                /* const: (owned) */
  char **environ;             /* const: (owned) */
  char *cwd;                  /* const: (owned) (nullable) */
  int streams[3];             /* const: (owned): what standard input, output and error become; -1 to inherit */
  FerryAttributes attributes; /* const */
  FerrySharedQueue *queue;    /* const: (unowned) (nullable): its guardian ends the process with the application */
  FerryGuardianStartFunc start_guardian; /* const: starts the guardian of the queue */
  gboolean is_fork_server;               /* const */
  gboolean lost_guardian;                /* the guardian had ended, and was replaced */
  int guardian;                          /* const: (unowned): without a queue, the socket of the guardian, or -1 */
} FerrySpawnPlan;

void ferry_spawn_plan_free (gpointer plan);
gboolean ferry_spawn (gpointer data, int control_fd, GPid *pid, int *pidfd, GError **error);
/* any: starts a process that is not our child and outlives the application. FERRY_ERROR_LAUNCH_FAILED. */
gboolean ferry_spawn_detached (FerrySpawnPlan *plan, GPid *pid, GError **error);
gboolean ferry_spawn_can_execute (const FerrySpawnPlan *plan);
/* any: a FerryGuardianStartFunc. */
gboolean ferry_guardian_start (FerryGuardian *self, GError **error);

/* How many threads this process has, whatever made them. It is checked before each fork: in the child, the locks of
 * other threads would stay locked for ever. */
guint ferry_count_threads (void);
/* (transfer full): the names of all threads but the first, for a message. */
char *ferry_list_threads (void);
/* fork(), with a child that ends with its parent. */
pid_t ferry_fork_child (void);
/* In a child: all signals have their default handlers, and none is blocked. By system calls alone. */
void ferry_reset_signals (void);
/* In a child: new seeds. Otherwise all children of a process would draw the same random numbers. */
void ferry_reseed (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySpawnPlan, ferry_spawn_plan_free)

G_END_DECLS
