/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "worker/ferry-attributes-private.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/ferry-base-private.h"
#include "worker/ferry-launcher-private.h"

#define MAX_NAME 255

static const int resources[FERRY_N_LIMITS] = {RLIMIT_AS, RLIMIT_CPU, RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_FSIZE};

/* Copies into attributes that are clear. */
void
ferry_attributes_copy (FerryAttributes *self, const FerryAttributes *other)
{
  *self = *other;
  self->name = g_strdup (other->name);
}

void
ferry_attributes_clear (FerryAttributes *self)
{
  g_clear_pointer (&self->name, g_free);
}

/* What this process may raise its own to. */
guint64
ferry_attributes_get_own_limit (FerryLimit limit)
{
  struct rlimit own;

  return getrlimit (resources[limit], &own) == 0 ? own.rlim_max : RLIM_INFINITY;
}

/* A process that passes its processor time is told so by a signal first, and killed a second later. */
static __attribute__ ((no_sanitize_address)) int
apply_limit (int resource, guint64 value)
{
  struct rlimit limit;
  rlim_t hard = resource == RLIMIT_CPU && value < RLIM_INFINITY ? value + 1 : value;

  if (getrlimit (resource, &limit) < 0)
    return errno;
  limit.rlim_cur = value;
  limit.rlim_max = MIN (hard, limit.rlim_max);
  return setrlimit (resource, &limit) < 0 ? errno : 0;
}

/* Lowers what there is, and leaves it where it is lower already. Returns 0 or an error number. */
__attribute__ ((no_sanitize_address)) int
ferry_attributes_lower_limit (int resource, guint64 value)
{
  struct rlimit limit;

  if (getrlimit (resource, &limit) < 0)
    return errno;
  limit.rlim_max = MIN (limit.rlim_max, value);
  limit.rlim_cur = MIN (limit.rlim_cur, limit.rlim_max);
  return setrlimit (resource, &limit) < 0 ? errno : 0;
}

/* The main thread's stack grows by itself, and counts against its own limit alone: as far as it may be now, and no
 * further. */
static __attribute__ ((no_sanitize_address)) int
hold_stack (guint64 bytes)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_STACK, &limit) < 0)
    return errno;
  return ferry_attributes_lower_limit (RLIMIT_STACK, MIN (limit.rlim_cur, bytes));
}

static __attribute__ ((no_sanitize_address)) int
limit_private_memory (guint64 bytes)
{
  int failure = hold_stack (bytes);

  return failure != 0 ? failure : ferry_attributes_lower_limit (RLIMIT_DATA, bytes);
}

__attribute__ ((no_sanitize_address)) int
ferry_attributes_apply (const FerryAttributes *self)
{
  if (self->nice_set && setpriority (PRIO_PROCESS, 0, self->nice) < 0)
    return errno;
  for (guint i = 0; i < FERRY_N_LIMITS && self->limits_set != 0; i++)
    {
      int failure = (self->limits_set & (1u << i)) != 0 ? apply_limit (resources[i], self->limits[i]) : 0;

      if (failure != 0)
        return failure;
    }
  if (self->no_new_privileges && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return errno;
  return self->private_memory > 0 ? limit_private_memory (self->private_memory) : 0;
}

/**
 * ferry_launcher_set_name:
 * @self: a launcher
 * @name: (nullable): a name of at most 255 bytes; %NULL for that of the program
 *
 * Sets what the workers spawned after it are called, in exit records and logs. A worker that a nursery forks, or that
 * runs [func@Ferry.Worker.main], has it as the name of its process as well; one that is executed finds it in the
 * environment as `FERRY_WORKER_NAME`. On the router's thread, once the launcher was used with a router; before that on
 * any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_name (FerryLauncher *self, const char *name)
{
  char *copy;

  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  ferry_return_if_fail (name == NULL || (name[0] != '\0' && strlen (name) <= MAX_NAME),
                        "A name has 1 to %d bytes, and this one has %" G_GSIZE_FORMAT, MAX_NAME, strlen (name));
  ferry_return_if_elsewhere (self->home);

  copy = g_strdup (name);
  g_free (self->attributes.name);
  self->attributes.name = copy;
}

/**
 * ferry_launcher_set_nice:
 * @self: a launcher
 * @nice: from -20, the most urgent, to 19, the least
 *
 * Sets how urgent the workers spawned after it are. To be more urgent than the application needs a privilege; without
 * it the worker ends with %FERRY_CLOSE_REASON_LAUNCH_FAILED. Unless this is called, a worker has the priority of the
 * application, or of its nursery. On the router's thread, once the launcher was used with a router; before that on any,
 * one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_nice (FerryLauncher *self, int nice)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (nice >= -20 && nice <= 19);
  ferry_return_if_elsewhere (self->home);

  self->attributes.nice = nice;
  self->attributes.nice_set = TRUE;
}

/**
 * ferry_launcher_set_limit:
 * @self: a launcher
 * @limit: what is limited
 * @value: how much of it the worker may have, in the unit of @limit
 *
 * Sets a limit for each of the workers spawned after it, which they cannot raise again. A limit above the application's
 * own has the worker end with %FERRY_CLOSE_REASON_LAUNCH_FAILED. On the router's thread, once the launcher was used
 * with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_limit (FerryLauncher *self, FerryLimit limit, guint64 value)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (limit < FERRY_N_LIMITS);
  ferry_return_if_elsewhere (self->home);

  self->attributes.limits_set |= 1u << limit;
  self->attributes.limits[limit] = value;
}

/**
 * ferry_launcher_log_stream:
 * @self: a launcher
 * @stream: %FERRY_STREAM_STDOUT or %FERRY_STREAM_STDERR
 *
 * Has what the worker writes to a standard stream come to the application, line by line: each line is logged, and
 * emitted by [signal@Ferry.Worker::output]; the exit record has the last ones. A worker that writes more than the
 * application takes waits in its `write()`.
 *
 * A line is logged in the domain `Ferry-Worker`, at the level `INFO` for standard output and `MESSAGE` for standard
 * error, with the fields `FERRY_WORKER` (its name), `FERRY_PID` and `FERRY_STREAM`. A line of more than 4 KiB
 * is cut into pieces, and what is no UTF-8 is replaced. On the router's thread, once the launcher was used with a
 * router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_log_stream (FerryLauncher *self, FerryStream stream)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (stream == FERRY_STREAM_STDOUT || stream == FERRY_STREAM_STDERR);
  ferry_return_if_elsewhere (self->home);

  ferry_launcher_set_stream (self, stream, FERRY_STREAM_LOGGED, -1);
}
