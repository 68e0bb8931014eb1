/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting a process. */

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
  FerrySharedQueue *queue;    /* const: (unowned) (nullable): whose guardian ends the process with the application */
  FerryGuardianStartFunc start_guardian; /* const: where there is a queue: what starts its guardian */
  gboolean is_fork_server;               /* const */
  gboolean lost_guardian;                /* the guardian was found to have ended, and was replaced */
  int guardian; /* const: (unowned): where there is no queue, the socket of its guardian, or -1 */
} FerrySpawnPlan;

void ferry_spawn_plan_free (gpointer plan);
gboolean ferry_spawn (gpointer plan, int control_fd, GPid *pid, int *pidfd, GError **error);
/* Of a process that is nobody's child, and so outlives the application. FERRY_ERROR_LAUNCH_FAILED. */
gboolean ferry_spawn_detached (FerrySpawnPlan *plan, GPid *pid, GError **error);

gboolean ferry_spawn_can_execute (const FerrySpawnPlan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySpawnPlan, ferry_spawn_plan_free)

G_END_DECLS
