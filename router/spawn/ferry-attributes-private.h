/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The attributes of a worker process: a name, a priority, limits. A launcher has them, a spawn plan and a start request
 * carry them, and the new process applies them to itself. */

#pragma once

#include "spawn/ferry-limit.h"

G_BEGIN_DECLS

/* The environment variable that tells an executed worker its name. */
#define FERRY_WORKER_NAME_VARIABLE "FERRY_WORKER_NAME"

#define FERRY_N_LIMITS 5

typedef struct
{
  char *name; /* (owned) (nullable): NULL for the program's */
  int nice;
  gboolean nice_set;
  guint32 limits_set; /* bit n: limits[n] counts */
  guint64 limits[FERRY_N_LIMITS];
  guint64 private_memory;     /* of a sandbox: a limit in bytes, or 0 */
  gboolean no_new_privileges; /* of a sandbox */
} FerryAttributes;

/* Copies into attributes without a name. The copy has a name of its own. */
void ferry_attributes_copy (FerryAttributes *self, const FerryAttributes *other);

/* In a new process, by system calls alone. Returns 0 or an error number. */
int ferry_attributes_apply (const FerryAttributes *self);
/* The same of one resource of setrlimit(): lowers the limit, or leaves it where it is lower already. */
int ferry_attributes_lower_limit (int resource, guint64 value);
/* any: the highest limit that this process may set. */
guint64 ferry_attributes_get_own_limit (FerryLimit limit);

G_END_DECLS
