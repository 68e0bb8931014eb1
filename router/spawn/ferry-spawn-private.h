/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starts processes, and the guardian. */

#pragma once

#include "link/ferry-shared-queue-private.h"
#include "spawn/ferry-attributes-private.h"

G_BEGIN_DECLS

/* The descriptor of the control socket in a worker. */
#define FERRY_SPAWN_CONTROL_FD 3

typedef struct
{
  char *program;                         /* const: (owned): the path of the executable file */
  char **argv;                           /* const: (owned) */
  char **environ;                        /* const: (owned) */
  char *cwd;                             /* const: (owned) (nullable) */
  int streams[3];                        /* const: (owned): standard input, output and error; -1 to inherit */
  FerryAttributes attributes;            /* const */
  FerrySharedQueue *queue;               /* const: (unowned) (nullable): has the guardian for the process */
  FerryGuardianStartFunc start_guardian; /* const: starts a guardian for the queue */
  gboolean is_fork_server;               /* const */
  gboolean lost_guardian;                /* whether the guardian had ended, and was replaced */
  int guardian;                          /* const: (unowned): without a queue, the guardian's socket, or -1 */
} FerrySpawnPlan;

void ferry_spawn_plan_free (gpointer plan);
gboolean ferry_spawn (gpointer data, int control_fd, GPid *pid, int *pidfd, GError **error);
/* any: starts a process that is no child of the application, and that outlives it. Fails with
 * FERRY_ERROR_LAUNCH_FAILED or FERRY_ERROR_SYSTEM. */
gboolean ferry_spawn_detached (FerrySpawnPlan *plan, GPid *pid, GError **error);
gboolean ferry_spawn_can_execute (const FerrySpawnPlan *plan);
/* any: starts a guardian and sets the socket in self; a FerryGuardianStartFunc. */
gboolean ferry_guardian_start (FerryGuardian *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySpawnPlan, ferry_spawn_plan_free)

G_END_DECLS
