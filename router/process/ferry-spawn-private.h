/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How processes start: their attributes, and what starts them. */

#pragma once

#include <sys/types.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "engine/ferry-shared-queue-private.h"
#include "process/ferry-limit.h"

G_BEGIN_DECLS

/* ---- The attributes of a process: ferry-attributes.c ---- */

/* The environment variable with the name of a worker that was started by executing a program. */
#define FERRY_WORKER_NAME_VARIABLE "FERRY_WORKER_NAME"

#define FERRY_N_LIMITS 5

/* The bounds of oom_score_adj, above and below 0. */
#define FERRY_MAX_OOM_SCORE_ADJUST 1000

/* The numbers of resources that setrlimit() has, and of cores that a process can be bound to. */
#define FERRY_N_RESOURCES 16
#define FERRY_MAX_CORES 1024

/* A part of a start request, see docs/protocol.md. In memory that is copied as it is. */
typedef struct
{
  gint32 nice;
  gint32 nice_set; /* the launcher sets nice: a failure to apply it is an error */
  gint32 oom_score_adjust;
  guint32 limits_set; /* bit n is set: limits[n] is valid, by FerryLimit */
  guint64 limits[FERRY_N_LIMITS];
  guint64 private_memory;   /* of a sandbox: the limit in bytes; 0: no limit */
  gint32 no_new_privileges; /* sets PR_SET_NO_NEW_PRIVS */
  guint32 own_set;          /* what the application has itself: FERRY_OWN_… */
  gint32 own_nice;
  guint32 own_file_mask;
  guint32 own_limits_set; /* bit n is set: own_limits[n] is valid, of resource n of setrlimit(): soft, hard */
  guint32 reserved;
  guint64 own_limits[FERRY_N_RESOURCES][2];
  guint64 own_cores[FERRY_MAX_CORES / 64];
} FerryAttributes;

G_STATIC_ASSERT (sizeof (FerryAttributes) == 472);

#define FERRY_OWN_NICE (1u << 0)
#define FERRY_OWN_CORES (1u << 1)
#define FERRY_OWN_FILE_MASK (1u << 2)
/* with this bit, oom_score_adjust is applied */
#define FERRY_OWN_OOM_SCORE (1u << 3)

/* What a process has, and gives to those that it starts. A process cannot give itself what is in identity, and not
 * what needs a privilege. */
typedef struct
{
  GByteArray *identity; /* (owned): users, groups, root folder, whether calls are filtered */
  gint32 nice;
  guint32 file_mask;
  gint32 no_new_privileges;
  guint64 folder[2]; /* device and inode */
  guint64 limits[FERRY_N_RESOURCES][2];
  guint64 cores[FERRY_MAX_CORES / 64];
} FerrySurroundings;

/* any: returns which rights new files of this process do not have, as of umask(). */
guint32 ferry_read_file_mask (void);
/* any: takes what this process has now. Nice, cores, filters and no_new_privs are those of the calling thread. */
void ferry_surroundings_take (FerrySurroundings *self);
void ferry_surroundings_clear (FerrySurroundings *self);
/* any: whether a process that has self cannot give its workers what now has. */
gboolean ferry_surroundings_are_outdated (const FerrySurroundings *self, const FerrySurroundings *now);
/* any: has a process that is started from another thread have what the calling thread has. */
void ferry_attributes_inherit_thread (FerryAttributes *self);
/* any: has a worker of a process that has before have what now has. What the application has set for that process, in
 * base, or for the worker, in self, stays. */
void ferry_attributes_inherit (FerryAttributes *self, const FerryAttributes *base, const FerrySurroundings *before,
                               const FerrySurroundings *now);
/* any: returns the oom_score_adj of this process, 0 where that is not known, and more, within the bounds of the system.
 */
gint32 ferry_add_oom_score_adjust (gint32 more);

/* In a new process: applies the attributes to the process. Makes system calls only. Returns FALSE with errno set. */
gboolean ferry_attributes_apply (const FerryAttributes *self);
/* Lowers the limit of one resource of setrlimit() to at most value. Returns FALSE with errno set. */
gboolean ferry_attributes_lower_limit (int resource, guint64 value);
/* any: returns the highest value that this process may set for a limit. */
guint64 ferry_attributes_get_own_limit (FerryLimit limit);

/* Starts processes and the guardian. Forks processes that execute no program, in a fork server or in a program
 * without threads. */

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
/* any: starts the plan's program in a process that is no child of the application, and that outlives it. Sets *pid (pid
 * may be NULL). Fails with FERRY_ERROR_LAUNCH_FAILED or FERRY_ERROR_SYSTEM. */
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

/* Returns how many threads this process has, including threads that other libraries made. The callers check this
 * before each fork: in the child, locks that other threads held would never be unlocked. */
FERRY_FOR_SIBLINGS
guint ferry_count_threads (void);
/* (transfer full): returns the names of all threads but the main thread, for a message. */
FERRY_FOR_SIBLINGS
char *ferry_list_threads (void);
/* As fork(), but the kernel kills the child when its parent ends. */
FERRY_FOR_SIBLINGS
pid_t ferry_fork_child (void);
/* In a child: gives all signals their default handlers, and blocks none. Makes system calls only. */
void ferry_reset_signals (void);
/* Seeds the random number generators anew. Otherwise all children of a process would get the same random numbers. */
FERRY_FOR_SIBLINGS
void ferry_reseed (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerrySpawnPlan, ferry_spawn_plan_free)

G_END_DECLS
