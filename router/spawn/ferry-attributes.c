/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The attributes of a worker process: a priority, and limits. See ferry-attributes-private.h. */

#include "config.h"

#include "spawn/ferry-attributes-private.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/ferry-base-private.h"

static const int resources[FERRY_N_LIMITS] = {RLIMIT_AS, RLIMIT_CPU, RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_FSIZE};

guint64
ferry_attributes_get_own_limit (FerryLimit limit)
{
  struct rlimit own;

  return getrlimit (resources[limit], &own) == 0 ? own.rlim_max : RLIM_INFINITY;
}

/* Sets a limit. At its limit of processor time a process gets SIGXCPU, and SIGKILL a second later (the hard limit). */
static __attribute__ ((no_sanitize_address)) gboolean
apply_limit (int resource, guint64 value)
{
  struct rlimit limit;
  rlim_t hard = resource == RLIMIT_CPU && value < RLIM_INFINITY ? value + 1 : value;

  if (getrlimit (resource, &limit) < 0)
    return FALSE;
  limit.rlim_cur = value;
  limit.rlim_max = MIN (hard, limit.rlim_max);
  return setrlimit (resource, &limit) == 0;
}

__attribute__ ((no_sanitize_address)) gboolean
ferry_attributes_lower_limit (int resource, guint64 value)
{
  struct rlimit limit;

  if (getrlimit (resource, &limit) < 0)
    return FALSE;
  limit.rlim_max = MIN (limit.rlim_max, value);
  limit.rlim_cur = MIN (limit.rlim_cur, limit.rlim_max);
  return setrlimit (resource, &limit) == 0;
}

/* Limits private memory. RLIMIT_DATA does not include the main thread's stack, so RLIMIT_STACK is lowered too. */
static __attribute__ ((no_sanitize_address)) gboolean
limit_private_memory (guint64 bytes)
{
  struct rlimit stack;

  return getrlimit (RLIMIT_STACK, &stack) == 0 &&
         ferry_attributes_lower_limit (RLIMIT_STACK, MIN (stack.rlim_cur, bytes)) &&
         ferry_attributes_lower_limit (RLIMIT_DATA, bytes);
}

__attribute__ ((no_sanitize_address)) gboolean
ferry_attributes_apply (const FerryAttributes *self)
{
  if (self->nice_set && setpriority (PRIO_PROCESS, 0, self->nice) < 0)
    return FALSE;
  for (guint i = 0; i < FERRY_N_LIMITS; i++)
    if ((self->limits_set & (1u << i)) != 0 && !apply_limit (resources[i], self->limits[i]))
      return FALSE;
  if (self->no_new_privileges && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return FALSE;
  return self->private_memory == 0 || limit_private_memory (self->private_memory);
}
