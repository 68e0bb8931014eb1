/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The attributes of a process that is started: those that were asked for, and those of the process that starts it. */

#pragma once

#include "process/ferry-limit.h"

G_BEGIN_DECLS

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

G_END_DECLS
