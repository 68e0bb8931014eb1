/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How processes start, and the guardian. */

#pragma once

#include <sys/types.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "engine/ferry-shared-queue-private.h"
#include "process/ferry-attributes-private.h"
#include "process/ferry-limit.h"

G_BEGIN_DECLS

/* The descriptor of the control socket in a worker. */
#define FERRY_SPAWN_CONTROL_FD 3

typedef struct
{
  char *program;                         /* const: (owned): the path of the executable file */
  int program_fd;                        /* const: (unowned): the file, for when the path is gone; 0: none */
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
/* monitor: starts the process of a link; a FerryLaunchFunc. data is a FerrySpawnPlan. */
gboolean ferry_spawn (gpointer data, int control_fd, GPid *pid, int *pidfd, GError **error);
/* any: starts the plan's program in a process that is no child of the application, and that outlives it. Where the
 * application is process 1 or a subreaper, it is one, and is reaped at its end. Sets *pid (pid may be NULL). Fails with
 * FERRY_ERROR_LAUNCH_FAILED or FERRY_ERROR_SYSTEM. */
gboolean ferry_spawn_detached (FerrySpawnPlan *plan, GPid *pid, GError **error);
/* any: whether the program exists and may be executed, and the interpreter too if the program is a script. */
gboolean ferry_spawn_can_execute (const FerrySpawnPlan *plan);
/* Opens a program of Ferry's, so that a plan's program_fd can start it also when its file was removed, as by an update
 * of the system. Returns 0 on failure. The descriptor stays open. */
int ferry_spawn_hold_program (const char *program);
/* any: (nullable): finds the guardian's program, and holds it open from then on. */
const char *ferry_guardian_find_program (void);
/* any: starts a guardian and sets the socket in self; a FerryGuardianStartFunc. */
gboolean ferry_guardian_start (FerryGuardian *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySpawnPlan, ferry_spawn_plan_free)

G_END_DECLS
