/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The attributes of a worker process: a priority, and limits. A launcher stores them, a spawn plan or a start request
 * contains them, and the new process applies them to itself. */

#pragma once

#include "spawn/ferry-limit.h"

G_BEGIN_DECLS

/* The environment variable with the name of a worker that was started by executing a program. */
#define FERRY_WORKER_NAME_VARIABLE "FERRY_WORKER_NAME"

#define FERRY_N_LIMITS 5

typedef struct
{
  int nice;
  gboolean nice_set;
  guint32 limits_set; /* bit n is set: limits[n] is valid */
  guint64 limits[FERRY_N_LIMITS];
  guint64 private_memory;     /* of a sandbox: the limit in bytes; 0: no limit */
  gboolean no_new_privileges; /* of a sandbox: sets PR_SET_NO_NEW_PRIVS */
} FerryAttributes;

/* In a new process: applies the attributes to the process. Makes system calls only. Returns FALSE with errno set. */
gboolean ferry_attributes_apply (const FerryAttributes *self);
/* Lowers the limit of one resource of setrlimit() to at most value. Returns FALSE with errno set. */
gboolean ferry_attributes_lower_limit (int resource, guint64 value);
/* any: returns the highest value that this process may set for a limit. */
guint64 ferry_attributes_get_own_limit (FerryLimit limit);

G_END_DECLS
