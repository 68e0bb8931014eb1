/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Starting a worker that does not end with the application. It has no link, and no router knows of it: what joins the
 * two is the address alone. */

#include "config.h"

#include <fcntl.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-lane-layout.h"
#include "sandbox/ferry-sandbox-private.h"
#include "spawn/ferry-spawn-private.h"
#include "worker/ferry-launcher-private.h"
#include "worker/ferry-nursery-private.h"

static gboolean
check_fits (FerryLauncher *self, GError **error)
{
  const char *what = NULL;

  if (self->senders->len > 0)
    what = "senders";
  else if (self->nursery != NULL)
    what = "a nursery";
  else if (ferry_sandbox_is_on (self->sandbox))
    what = "a sandbox, in which it could not listen";
  for (guint i = 0; i < FERRY_N_STREAMS; i++)
    if (self->modes[i] == FERRY_STREAM_LOGGED)
      what = "logged streams";
  if (what == NULL)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "A persistent worker outlives the application, and so cannot have %s; use a launcher without", what);
  return FALSE;
}

/* What the application itself was told as a worker is not meant for this one. */
static char **
make_environ (FerryLauncher *self, const char *address)
{
  g_autofree char *path = address[0] == '@' ? g_strdup (address) : g_canonicalize_filename (address, NULL);
  char **environment = g_strdupv (self->environ);

  environment = g_environ_unsetenv (environment, FERRY_CONTROL_FD_VARIABLE);
  environment = g_environ_unsetenv (environment, FERRY_NURSERY_VARIABLE);
  if (self->attributes.name != NULL)
    environment = g_environ_setenv (environment, FERRY_WORKER_NAME_VARIABLE, self->attributes.name, TRUE);
  return g_environ_setenv (environment, FERRY_LISTEN_ADDRESS_VARIABLE, path, TRUE);
}

static gboolean
fill_streams (FerryLauncher *self, FerrySpawnPlan *plan, GError **error)
{
  for (guint i = 0; i < FERRY_N_STREAMS; i++)
    {
      if (self->modes[i] == FERRY_STREAM_GIVEN)
        plan->streams[i] = fcntl (self->fds[i], F_DUPFD_CLOEXEC, 0);
      else
        plan->streams[i] = open ("/dev/null", O_RDWR | O_CLOEXEC);
      if (plan->streams[i] < 0)
        return ferry_set_system_error (error, "Opening a worker's standard stream");
    }
  return TRUE;
}

/**
 * ferry_launcher_spawn_persistent:
 * @self: a launcher
 * @address: (type filename): where the worker is to listen: a path, or “@” and an abstract name
 * @pid: (out) (optional): the number of its process
 * @error: return location for an error
 *
 * Starts a worker that outlives the application: nothing ends it but itself, or whoever kills it. That is not what a
 * worker usually does; see to it that yours ends when it is of no more use.
 *
 * Its program is expected to call [ctor@Ferry.Listener.new_from_environment], which takes @address over; an
 * application attaches by [func@Ferry.Transport.connect_when_there_async]. Where the address has an owner already, the
 * new process is refused it and should end.
 *
 * The process is no child of the application's, and is in a session of its own; a service manager that ends all
 * processes of the application's unit ends this one as well. A standard stream leads to `/dev/null`,
 * unless the launcher was given a descriptor for it, such as a log file's. Name, priority, limits, environment and
 * working directory are as the launcher says. No router need run. On the launcher's thread, which waits until the
 * program is executed.
 *
 * Fails with %FERRY_ERROR_LAUNCH_FAILED, with %FERRY_ERROR_BAD_ARGUMENTS where the launcher has senders, a nursery, a
 * sandbox or logged streams, and with %FERRY_ERROR_SYSTEM.
 *
 * Returns: whether it was started
 *
 * Since: 0.1
 */
gboolean
ferry_launcher_spawn_persistent (FerryLauncher *self, const char *address, GPid *pid, GError **error)
{
  g_autoptr (FerrySpawnPlan) plan = NULL;
  GPid process = 0;

  g_return_val_if_fail (FERRY_IS_LAUNCHER (self), FALSE);
  g_return_val_if_fail (address != NULL && address[0] != '\0', FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_home_check_error (self->home, G_STRFUNC, error))
    return FALSE;
  if (!check_fits (self, error))
    return FALSE;
  plan = g_new0 (FerrySpawnPlan, 1);
  plan->streams[0] = plan->streams[1] = plan->streams[2] = -1;
  plan->program = ferry_launcher_find_program (self, error);
  if (plan->program == NULL || !fill_streams (self, plan, error))
    return FALSE;
  plan->argv = g_strdupv (self->argv);
  plan->cwd = g_strdup (self->cwd);
  plan->environ = make_environ (self, address);
  ferry_attributes_copy (&plan->attributes, &self->attributes);
  if (!ferry_spawn_detached (plan, &process, error))
    return FALSE;
  if (pid != NULL)
    *pid = process;
  return TRUE;
}
