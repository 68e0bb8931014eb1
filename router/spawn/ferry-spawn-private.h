/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting a process, and starting the guardian. */

#pragma once

#include "link/ferry-shared-queue-private.h"
#include "spawn/ferry-attributes-private.h"

G_BEGIN_DECLS

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

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySpawnPlan, ferry_spawn_plan_free)

G_END_DECLS
