/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a pool, or a channel, makes of the launcher that it is given. */

#include "config.h"

#include <fcntl.h>

#include "base/ferry-base-private.h"
#include "sandbox/ferry-sandbox-private.h"
#include "worker/ferry-launcher-private.h"

/* main: a launcher of the same workers, in the same sandbox, without senders and nursery. */
FerryLauncher *
ferry_launcher_new_copy (FerryLauncher *launcher)
{
  FerryLauncher *self = ferry_launcher_new ((const char *const *) launcher->argv);

  ferry_launcher_set_environ (self, (const char *const *) launcher->environ);
  ferry_launcher_set_cwd (self, launcher->cwd);
  ferry_launcher_set_attach_timeout (self, launcher->attach_timeout);
  self->arena_size = launcher->arena_size;
  self->trusted = launcher->trusted;
  g_set_object (&self->sandbox, launcher->sandbox);
  ferry_attributes_clear (&self->attributes);
  ferry_attributes_copy (&self->attributes, &launcher->attributes);
  for (guint i = 0; i < FERRY_N_STREAMS; i++)
    {
      int fd = launcher->fds[i] >= 0 ? fcntl (launcher->fds[i], F_DUPFD_CLOEXEC, 0) : -1;

      ferry_launcher_set_stream (self, (FerryStream) i, launcher->modes[i], fd);
    }
  return self;
}

/* main: a launcher of the same workers, which has them forked by a nursery that the other launcher starts. What is in a
 * sandbox is executed all the same, and so is a program that turns out to be no nursery. */
FerryLauncher *
ferry_launcher_new_forked (FerryLauncher *launcher)
{
  FerryLauncher *self = ferry_launcher_new_copy (launcher);
  g_autoptr (FerryNursery) nursery = NULL;

  if (ferry_sandbox_is_on (launcher->sandbox))
    return self;
  nursery = ferry_nursery_new (launcher);
  ferry_launcher_set_nursery (self, nursery);
  self->may_execute = TRUE;
  return self;
}

/* main: has standard output and error logged, unless it was said where they go. */
void
ferry_launcher_log_usual (FerryLauncher *self)
{
  for (guint i = FERRY_STREAM_STDOUT; i <= FERRY_STREAM_STDERR; i++)
    if (self->modes[i] == FERRY_STREAM_USUAL)
      ferry_launcher_log_stream (self, (FerryStream) i);
}

/* The name of the worker, or of its program. */
char *
ferry_launcher_dup_program_name (FerryLauncher *self)
{
  if (self->attributes.name != NULL)
    return g_strdup (self->attributes.name);
  return g_path_get_basename (self->argv[0]);
}
