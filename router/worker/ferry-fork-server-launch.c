/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asking a fork server for a worker: a request for its process, which the monitor sends, or that was sent before. */

#include "config.h"

#include "worker/ferry-fork-server-launch-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "link/ferry-fork-server-link-private.h"

struct _FerryForkServerLaunch
{
  FerryMonitor *monitor;      /* (owned) */
  FerryLink *fork_server;     /* (owned) */
  FerryLink *link;            /* (owned) */
  FerryStartRequest *request; /* (owned) (nullable): until it is asked for */
  guint64 id;                 /* under which it was asked for, or 0 */
};

static gboolean
environments_are_equal (char **one, char **other)
{
  return one != NULL && g_strv_equal ((const char *const *) one, (const char *const *) other);
}

/* main */
FerryForkServerLaunch *
ferry_fork_server_launch_new (FerryMonitor *monitor, FerryLink *fork_server, char **environ, FerryLink *link,
                              FerrySpawnPlan *plan, GError **error)
{
  const FerryAttributes *attributes = &plan->attributes;
  FerryStart start = {.nice = attributes->nice, .limits_set = attributes->limits_set};
  gboolean same = environments_are_equal (plan->environ, environ);
  FerryStartRequest *request;
  FerryForkServerLaunch *launch;

  G_STATIC_ASSERT (sizeof start.limits == sizeof attributes->limits);

  memcpy (start.limits, attributes->limits, sizeof start.limits);
  start.flags = attributes->nice_set ? FERRY_START_NICE : 0;
  request =
    ferry_start_request_new (&start, link->name, plan->cwd, same ? NULL : (const char *const *) plan->environ, error);
  if (request == NULL)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (plan->streams); i++)
    if (plan->streams[i] >= 0)
      ferry_start_request_take_stream (request, i, ferry_steal_fd (&plan->streams[i]));
  ferry_start_request_take_control (request, ferry_steal_fd (&link->worker_end));
  link->parent = FERRY_PARENT_ASKED;
  link->program = g_strdup (fork_server->program);
  launch = g_new (FerryForkServerLaunch, 1);
  *launch = (FerryForkServerLaunch){ferry_monitor_ref (monitor), ferry_link_ref (fork_server), ferry_link_ref (link),
                                    request, 0};
  return launch;
}

void
ferry_fork_server_launch_free (gpointer launch)
{
  FerryForkServerLaunch *self = launch;

  ferry_monitor_unref (self->monitor);
  ferry_link_unref (self->fork_server);
  ferry_link_unref (self->link);
  g_clear_pointer (&self->request, ferry_start_request_free);
  g_free (self);
}

/* monitor: a FerryLaunchFunc. The process is told of later. */
static gboolean
start_worker (gpointer launch, int control_fd, GPid *pid, int *pidfd, GError **error)
{
  FerryForkServerLaunch *self = launch;

  return ferry_fork_server_link_start (ferry_monitor_get_shared_queue (self->monitor), self->fork_server, self->link,
                                       g_steal_pointer (&self->request), self->id, error);
}

/* main */
void
ferry_fork_server_launch_run (FerryForkServerLaunch *self, FerryRouter *router, FerryLinkObserver *observer)
{
  g_autoptr (FerryLink) fork_server = ferry_link_ref (self->fork_server);

  self->id = ferry_fork_server_link_begin_ask (fork_server, self->request);
  if (self->id != 0)
    g_clear_pointer (&self->request, ferry_start_request_free);
  ferry_router_add_link (router, self->link, observer, start_worker, self, ferry_fork_server_launch_free);
  ferry_fork_server_link_end_ask (fork_server);
}
