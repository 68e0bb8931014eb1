/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "worker/ferry-nursery-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "route/ferry-exit-private.h"
#include "worker/ferry-launcher-private.h"
#include "worker/ferry-worker-private.h"

/* A nursery that ends this often in a row without having forked a worker is not started again by itself. */
#define MAX_IN_VAIN 3

/**
 * FerryNursery:
 *
 * A process that forks workers: the quickest way to start one.
 *
 * A nursery is a program that has prepared itself once, in its initialisers ([func@Ferry.Worker.add_initialiser]), and
 * is then forked for each worker that is asked for: a worker begins where the preparation ended, within a fraction of a
 * millisecond. The nursery is the parent of its workers; when it ends, they end, with the reason
 * %FERRY_CLOSE_REASON_NURSERY_LOST, and the next [method@Ferry.Launcher.spawn] starts a new one.
 *
 * While there is nothing to do, the nursery has forked the next worker already, which waits for its request: one
 * process more than there are workers, that shares the nursery's memory but for the pages that it has written.
 *
 * A nursery has one thread. One that was found to have more refuses to fork, naming the initialiser after which it had.
 *
 * A worker that was asked for and not forked ends with %FERRY_CLOSE_REASON_NURSERY_LOST, or with
 * %FERRY_CLOSE_REASON_LAUNCH_FAILED where the nursery's program could not be executed; the message says how the nursery
 * ended.
 *
 * Its process ends with the router, and when neither the object nor any of its workers is left. It belongs to the
 * router's thread.
 *
 * Since: 0.1
 */
struct _FerryNursery
{
  GObject parent_instance;

  FerryHome *home;         /* (owned) (nullable): of the router that it is used with, from the first use on */
  FerryLauncher *launcher; /* const: (owned) */
  FerryWorker *worker;     /* (owned) (nullable): the process, the latest one where it has ended */
  FerryMonitor *monitor;   /* (unowned): whose the process is; only compared, while that lives */
  char **environ;          /* (owned) (nullable): what the process was started with */
  guint n_starts;
  guint n_in_vain;      /* how many in a row ended without having forked a worker */
  gboolean is_unfit;    /* it forks nothing, or did not attach in its time */
  FerryExit *last_exit; /* (owned) (nullable): what the latest of those said, or the worker that was not forked */
};

G_DEFINE_FINAL_TYPE (FerryNursery, ferry_nursery, G_TYPE_OBJECT)

void
ferry_nursery_bind (FerryNursery *self, FerryHome *home)
{
  if (self->home == NULL)
    self->home = ferry_home_ref (home);
  if (self->launcher->home == NULL)
    ferry_launcher_bind (self->launcher, home);
}

static gboolean
is_alive (FerryNursery *self)
{
  return self->worker != NULL && ferry_worker_get_state (self->worker) != FERRY_WORKER_STATE_ENDED;
}

static void
ferry_nursery_finalize (GObject *object)
{
  FerryNursery *self = FERRY_NURSERY (object);

  if (is_alive (self))
    ferry_worker_force_exit (self->worker);
  g_clear_object (&self->worker);
  g_object_unref (self->launcher);
  g_clear_pointer (&self->home, ferry_home_unref);
  g_strfreev (self->environ);
  g_clear_pointer (&self->last_exit, ferry_exit_unref);

  G_OBJECT_CLASS (ferry_nursery_parent_class)->finalize (object);
}

static void
ferry_nursery_class_init (FerryNurseryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_nursery_finalize;
}

static void
ferry_nursery_init (FerryNursery *self)
{
}

/**
 * ferry_nursery_new:
 * @launcher: what the nursery is started with: a program that calls [func@Ferry.Worker.main], its arguments,
 *   environment, folder and streams, and no senders: those are for the launcher that the nursery is given to
 *
 * Makes a nursery, which is started when it is needed. Its workers have its environment, folder and standard output and
 * error unless their own launcher says otherwise; their standard input is empty. Any thread.
 *
 * Returns: (transfer full): a new nursery
 *
 * Since: 0.1
 */
FerryNursery *
ferry_nursery_new (FerryLauncher *launcher)
{
  FerryNursery *self;

  g_return_val_if_fail (FERRY_IS_LAUNCHER (launcher), NULL);

  self = g_object_new (FERRY_TYPE_NURSERY, NULL);
  self->launcher = g_object_ref (launcher);
  return self;
}

static void
note_exit (FerryNursery *self, FerryExit *exit)
{
  g_clear_pointer (&self->last_exit, ferry_exit_unref);
  self->last_exit = ferry_exit_ref (exit);
}

static void
ended_cb (FerryWorker *worker, FerryExit *exit, gpointer user_data)
{
  FerryNursery *self = user_data;
  FerryCloseReason reason = ferry_exit_get_reason (exit);

  /* A program that was not executed costs nothing to try, and its workers are told the reason. */
  if (worker != self->worker || reason == FERRY_CLOSE_REASON_ROUTER_STOPPED ||
      reason == FERRY_CLOSE_REASON_LAUNCH_FAILED)
    return;
  self->n_in_vain++;
  self->is_unfit = reason == FERRY_CLOSE_REASON_NEVER_ATTACHED;
  note_exit (self, exit);
}

/* Senders that come later wait for a worker that is spawned. */
static gboolean
check_launcher (FerryNursery *self, GError **error)
{
  return self->n_starts > 0 ||
         ferry_launcher_check_no_senders (self->launcher, "the nursery",
                                          "add them to the launcher that was given the nursery, which spawns the "
                                          "workers",
                                          error);
}

static gboolean
start (FerryNursery *self, FerryRouter *router, GError **error)
{
  FerryWorker *worker;

  if (!check_launcher (self, error))
    return FALSE;
  worker = ferry_launcher_spawn_nursery (self->launcher, router, error);
  if (worker == NULL)
    return FALSE;
  g_clear_object (&self->worker);
  self->worker = worker;
  g_signal_connect_object (worker, "ended", G_CALLBACK (ended_cb), self, 0);
  self->monitor = router->monitor;
  g_strfreev (self->environ);
  self->environ = g_strdupv (self->launcher->environ);
  self->n_starts++;
  return TRUE;
}

static gboolean
check_router (FerryNursery *self, FerryRouter *router, GError **error)
{
  if (self->monitor == router->monitor)
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                       "The nursery runs with another router; use one nursery for each");
  return FALSE;
}

/* main: has a nursery that is not started any more be started again. */
void
ferry_nursery_forgive (FerryNursery *self)
{
  self->n_in_vain = 0;
  self->is_unfit = FALSE;
}

/* main: (nullable): what says that the program cannot be a nursery, so that its workers are better executed; NULL where
 * nothing does. */
FerryExit *
ferry_nursery_get_obstacle (FerryNursery *self)
{
  return self->is_unfit || self->n_in_vain >= MAX_IN_VAIN ? self->last_exit : NULL;
}

/* main: starts the process where there is none. */
gboolean
ferry_nursery_prepare (FerryNursery *self, FerryRouter *router, GError **error)
{
  if (!ferry_home_check_error (self->home, "ferry_nursery_start", error))
    return FALSE;
  ferry_nursery_bind (self, router->home);
  if (is_alive (self))
    return check_router (self, router, error);
  if (self->n_in_vain < MAX_IN_VAIN)
    return start (self, router, error);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED,
               "The nursery ended %u times without having started a worker, and is not started again before "
               "ferry_nursery_start() is called, or ferry_pool_reset() where a pool has it; the last time: %s",
               self->n_in_vain, ferry_exit_get_message (self->last_exit));
  return FALSE;
}

/**
 * ferry_nursery_start:
 * @self: a nursery
 * @router: a running router
 * @error: return location for an error
 *
 * Starts the nursery's process ahead of the first worker, so that it has prepared itself when that is asked for. Does
 * nothing where it runs. One that ended three times in a row without having forked a worker is started again by this
 * only. On the router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING, %FERRY_ERROR_WRONG_THREAD, %FERRY_ERROR_BAD_ARGUMENTS when it runs with another
 * router, or its launcher has senders or transports at the first start, %FERRY_ERROR_LAUNCH_FAILED when there is no
 * such program in `PATH`, and %FERRY_ERROR_SYSTEM. That it could not be executed is told by its worker's end.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_nursery_start (FerryNursery *self, FerryRouter *router, GError **error)
{
  g_return_val_if_fail (FERRY_IS_NURSERY (self), FALSE);
  g_return_val_if_fail (FERRY_IS_ROUTER (router), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (router, error))
    return FALSE;
  ferry_nursery_forgive (self);
  return ferry_nursery_prepare (self, router, error);
}

/**
 * ferry_nursery_get_worker:
 * @self: a nursery
 *
 * The nursery's own process. It is a worker without senders: its state, its end and what it writes are told as any
 * other's. On the router's thread.
 *
 * Returns: (transfer none) (nullable): the process that was started last, or %NULL before the first
 *
 * Since: 0.1
 */
FerryWorker *
ferry_nursery_get_worker (FerryNursery *self)
{
  g_return_val_if_fail (FERRY_IS_NURSERY (self), NULL);
  ferry_return_val_if_elsewhere (self->home, NULL);

  return self->worker;
}

/**
 * ferry_nursery_get_n_starts:
 * @self: a nursery
 *
 * How many processes were started for the nursery so far. On the router's thread.
 *
 * Returns: how many
 *
 * Since: 0.1
 */
guint
ferry_nursery_get_n_starts (FerryNursery *self)
{
  g_return_val_if_fail (FERRY_IS_NURSERY (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->n_starts;
}

/**
 * ferry_launcher_set_nursery:
 * @self: a launcher
 * @nursery: (nullable): a nursery, or %NULL to have workers executed
 *
 * Has the workers spawned after this be forked by a nursery. The launcher's program is then not executed, and is there
 * for its name only. On the router's thread, once the launcher was used with a router; before that on any, one at a
 * time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_nursery (FerryLauncher *self, FerryNursery *nursery)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (nursery == NULL || FERRY_IS_NURSERY (nursery));
  ferry_return_if_fail (nursery == NULL || nursery->launcher != self,
                        "the nursery is started by this launcher; make another launcher for its workers");
  ferry_return_if_elsewhere (self->home);

  g_set_object (&self->nursery, nursery);
}

static void
worker_pid_cb (FerryWorker *worker, GParamSpec *pspec, gpointer user_data)
{
  ferry_nursery_forgive (user_data);
}

static void
worker_refused_cb (FerryWorker *worker, FerryExit *exit, gpointer user_data)
{
  FerryNursery *self = user_data;

  if (ferry_exit_get_reason (exit) != FERRY_CLOSE_REASON_LAUNCH_FAILED ||
      ferry_exit_get_obstacle (exit) != FERRY_OBSTACLE_NURSERY)
    return;
  self->is_unfit = TRUE;
  note_exit (self, exit);
}

static void
worker_ended_cb (FerryWorker *worker, FerryExit *exit, gpointer user_data)
{
  g_signal_handlers_disconnect_by_data (worker, user_data);
}

static void
drop_nursery (gpointer nursery, GClosure *closure)
{
  g_object_unref (nursery);
}

/* main: keeps the nursery as long as worker runs, since that ends with it. */
void
ferry_nursery_watch_worker (FerryNursery *self, FerryWorker *worker)
{
  g_signal_connect_data (worker, "notify::pid", G_CALLBACK (worker_pid_cb), g_object_ref (self), drop_nursery, 0);
  g_signal_connect_object (worker, "ended", G_CALLBACK (worker_refused_cb), self, 0);
  g_signal_connect_data (worker, "ended", G_CALLBACK (worker_ended_cb), g_object_ref (self), drop_nursery,
                         G_CONNECT_AFTER);
}

struct _FerryNurseryLaunch
{
  FerryMonitor *monitor;      /* (owned) */
  FerryLink *nursery;         /* (owned) */
  FerryLink *link;            /* (owned) */
  FerryStartRequest *request; /* (owned) (nullable): until it is asked for */
  guint64 id;                 /* under which it was asked for, or 0 */
};

static gboolean
environments_are_equal (char **one, char **other)
{
  return one != NULL && g_strv_equal ((const char *const *) one, (const char *const *) other);
}

/* main: what the monitor needs to have the nursery, which runs, fork the worker at the other end of link. Takes the
 * streams out of plan. */
FerryNurseryLaunch *
ferry_nursery_launch_new (FerryNursery *self, FerryLink *link, FerrySpawnPlan *plan, GError **error)
{
  const FerryAttributes *attributes = &plan->attributes;
  FerryLink *nursery = ferry_worker_get_link (self->worker);
  FerryStart start = {.nice = attributes->nice, .limits_set = attributes->limits_set};
  gboolean same = environments_are_equal (plan->environ, self->environ);
  FerryStartRequest *request;
  FerryNurseryLaunch *launch;

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
  link->program = g_strdup (nursery->program);
  launch = g_new (FerryNurseryLaunch, 1);
  *launch = (FerryNurseryLaunch){ferry_monitor_ref (self->monitor), ferry_link_ref (nursery), ferry_link_ref (link),
                                 request, 0};
  return launch;
}

void
ferry_nursery_launch_free (gpointer launch)
{
  FerryNurseryLaunch *self = launch;

  ferry_monitor_unref (self->monitor);
  ferry_link_unref (self->nursery);
  ferry_link_unref (self->link);
  g_clear_pointer (&self->request, ferry_start_request_free);
  g_free (self);
}

/* monitor: a FerryLaunchFunc. The process is told of later. */
static gboolean
start_worker (gpointer launch, int control_fd, GPid *pid, int *pidfd, GError **error)
{
  FerryNurseryLaunch *self = launch;

  return ferry_nursery_link_start (ferry_monitor_get_shared_queue (self->monitor), self->nursery, self->link,
                                   g_steal_pointer (&self->request), self->id, error);
}

/* main: adds the worker's link to the router's, with its process asked for, at once where that can be. Takes the
 * launch, and observer as ferry_router_add_link() does. */
void
ferry_nursery_launch_run (FerryNurseryLaunch *self, FerryRouter *router, FerryLinkObserver *observer)
{
  g_autoptr (FerryLink) nursery = ferry_link_ref (self->nursery);

  self->id = ferry_nursery_link_begin_ask (nursery, self->request);
  if (self->id != 0)
    g_clear_pointer (&self->request, ferry_start_request_free);
  ferry_router_add_link (router, self->link, observer, start_worker, self, ferry_nursery_launch_free);
  ferry_nursery_link_end_ask (nursery);
}
