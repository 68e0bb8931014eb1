/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A fork server as the application sees it: how its process is started, when it is started no more, and what the
 * launcher of its workers has it do (FerryForkServerFuncs). What that process does is in ferry-fork-server-main.c.
 *
 * Threads: the router's. */

#include "config.h"

#include "worker/ferry-fork-server-private.h"

#include "base/ferry-base-private.h"
#include "route/ferry-exit-private.h"
#include "worker/ferry-launcher-private.h"
#include "worker/ferry-worker-private.h"

/* A fork server that ends this often in a row without having forked a worker is not started again by itself. */
#define MAX_IN_VAIN 3

/**
 * FerryForkServer:
 *
 * A process that forks workers: the quickest way to start one.
 *
 * A fork server is a program that has prepared itself once, in its initialisers ([func@Ferry.Worker.add_initialiser]),
 * and is then forked for each worker that is asked for: a worker begins where the preparation ended, within a fraction
 * of a millisecond. The fork server is the parent of its workers; when it ends, they end, with the reason
 * %FERRY_CLOSE_REASON_FORK_SERVER_LOST, and the next [method@Ferry.Launcher.spawn] starts a new one.
 *
 * While there is nothing to do, the fork server has forked the next worker already, which waits for its request: one
 * process more than there are workers, that shares the fork server's memory but for the pages that it has written.
 *
 * A fork server has one thread. One that was found to have more refuses to fork, naming the initialiser after which it
 * had.
 *
 * A worker that was asked for and not forked ends with %FERRY_CLOSE_REASON_FORK_SERVER_LOST, or with
 * %FERRY_CLOSE_REASON_LAUNCH_FAILED where the fork server's program could not be executed; the message says how the
 * fork server ended.
 *
 * Its process ends with the router, and when neither the object nor any of its workers is left. It belongs to the
 * router's thread.
 *
 * Since: 0.1
 */
struct _FerryForkServer
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

G_DEFINE_FINAL_TYPE (FerryForkServer, ferry_fork_server, G_TYPE_OBJECT)

static void
bind_home (FerryForkServer *self, FerryHome *home)
{
  if (self->home == NULL)
    self->home = ferry_home_ref (home);
  if (ferry_launcher_get_home (self->launcher) == NULL)
    ferry_launcher_bind (self->launcher, home);
}

static gboolean
is_alive (FerryForkServer *self)
{
  return self->worker != NULL && ferry_worker_get_state (self->worker) != FERRY_WORKER_STATE_ENDED;
}

static void
ferry_fork_server_finalize (GObject *object)
{
  FerryForkServer *self = FERRY_FORK_SERVER (object);

  if (is_alive (self))
    ferry_worker_force_exit (self->worker);
  g_clear_object (&self->worker);
  g_object_unref (self->launcher);
  g_clear_pointer (&self->home, ferry_home_unref);
  g_strfreev (self->environ);
  g_clear_pointer (&self->last_exit, ferry_exit_unref);

  G_OBJECT_CLASS (ferry_fork_server_parent_class)->finalize (object);
}

static void
ferry_fork_server_class_init (FerryForkServerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_fork_server_finalize;
}

static void
ferry_fork_server_init (FerryForkServer *self)
{
}

/**
 * ferry_fork_server_new:
 * @launcher: what the fork server is started with: a program that calls [func@Ferry.Worker.main], its arguments,
 *   environment, folder and streams, and no senders: those are for the launcher that the fork server is given to
 *
 * Makes a fork server, which is started when it is needed. Its workers have its environment, folder and standard output
 * and error unless their own launcher says otherwise; their standard input is empty. Any thread.
 *
 * Returns: (transfer full): a new fork server
 *
 * Since: 0.1
 */
FerryForkServer *
ferry_fork_server_new (FerryLauncher *launcher)
{
  FerryForkServer *self;

  g_return_val_if_fail (FERRY_IS_LAUNCHER (launcher), NULL);

  self = g_object_new (FERRY_TYPE_FORK_SERVER, NULL);
  self->launcher = g_object_ref (launcher);
  return self;
}

static void
note_exit (FerryForkServer *self, FerryExit *exit)
{
  g_clear_pointer (&self->last_exit, ferry_exit_unref);
  self->last_exit = ferry_exit_ref (exit);
}

static void
ended_cb (FerryWorker *worker, FerryExit *exit, gpointer user_data)
{
  FerryForkServer *self = user_data;
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
check_launcher (FerryForkServer *self, GError **error)
{
  return self->n_starts > 0 ||
         ferry_launcher_check_no_senders (self->launcher, "the fork server",
                                          "add them to the launcher that was given the fork server, which spawns the "
                                          "workers",
                                          error);
}

static gboolean
start (FerryForkServer *self, FerryRouter *router, GError **error)
{
  FerryWorker *worker;

  if (!check_launcher (self, error))
    return FALSE;
  worker = ferry_launcher_spawn_fork_server (self->launcher, router, error);
  if (worker == NULL)
    return FALSE;
  g_clear_object (&self->worker);
  self->worker = worker;
  g_signal_connect_object (worker, "ended", G_CALLBACK (ended_cb), self, 0);
  self->monitor = router->monitor;
  g_strfreev (self->environ);
  self->environ = g_strdupv (ferry_launcher_get_environ (self->launcher));
  self->n_starts++;
  return TRUE;
}

static gboolean
check_router (FerryForkServer *self, FerryRouter *router, GError **error)
{
  if (self->monitor == router->monitor)
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                       "The fork server runs with another router; use one fork server for each");
  return FALSE;
}

/* main: has a fork server that is not started any more be started again. */
void
ferry_fork_server_forgive (FerryForkServer *self)
{
  self->n_in_vain = 0;
  self->is_unfit = FALSE;
}

/* main: (nullable): what says that the program cannot be a fork server, so that its workers are better executed; NULL
 * where nothing does. */
static FerryExit *
get_obstacle (FerryForkServer *self)
{
  return self->is_unfit || self->n_in_vain >= MAX_IN_VAIN ? self->last_exit : NULL;
}

/* main: starts the process where there is none. */
static gboolean
prepare (FerryForkServer *self, FerryRouter *router, GError **error)
{
  if (!ferry_home_check_error (self->home, "ferry_fork_server_start", error))
    return FALSE;
  bind_home (self, router->home);
  if (is_alive (self))
    return check_router (self, router, error);
  if (self->n_in_vain < MAX_IN_VAIN)
    return start (self, router, error);
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED,
               "The fork server ended %u times without having started a worker, and is not started again before "
               "ferry_fork_server_start() is called, or ferry_pool_reset() where a pool has it; the last time: %s",
               self->n_in_vain, ferry_exit_get_message (self->last_exit));
  return FALSE;
}

/**
 * ferry_fork_server_start:
 * @self: a fork server
 * @router: a running router
 * @error: return location for an error
 *
 * Starts the fork server's process ahead of the first worker, so that it has prepared itself when that is asked for.
 * Does nothing where it runs. One that ended three times in a row without having forked a worker is started again by
 * this only. On the router's thread.
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
ferry_fork_server_start (FerryForkServer *self, FerryRouter *router, GError **error)
{
  g_return_val_if_fail (FERRY_IS_FORK_SERVER (self), FALSE);
  g_return_val_if_fail (FERRY_IS_ROUTER (router), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (router, error))
    return FALSE;
  ferry_fork_server_forgive (self);
  return prepare (self, router, error);
}

/**
 * ferry_fork_server_get_worker:
 * @self: a fork server
 *
 * The fork server's own process. It is a worker without senders: its state, its end and what it writes are told as any
 * other's. On the router's thread.
 *
 * Returns: (transfer none) (nullable): the process that was started last, or %NULL before the first
 *
 * Since: 0.1
 */
FerryWorker *
ferry_fork_server_get_worker (FerryForkServer *self)
{
  g_return_val_if_fail (FERRY_IS_FORK_SERVER (self), NULL);
  ferry_return_val_if_elsewhere (self->home, NULL);

  return self->worker;
}

/**
 * ferry_fork_server_get_n_starts:
 * @self: a fork server
 *
 * How many processes were started for the fork server so far. On the router's thread.
 *
 * Returns: how many
 *
 * Since: 0.1
 */
guint
ferry_fork_server_get_n_starts (FerryForkServer *self)
{
  g_return_val_if_fail (FERRY_IS_FORK_SERVER (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->n_starts;
}

/* ---- the launcher of its workers ---- */

static void
worker_pid_cb (FerryWorker *worker, GParamSpec *pspec, gpointer user_data)
{
  ferry_fork_server_forgive (user_data);
}

static void
worker_refused_cb (FerryWorker *worker, FerryExit *exit, gpointer user_data)
{
  FerryForkServer *self = user_data;

  if (ferry_exit_get_reason (exit) != FERRY_CLOSE_REASON_LAUNCH_FAILED ||
      ferry_exit_get_obstacle (exit) != FERRY_OBSTACLE_FORK_SERVER)
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
drop_fork_server (gpointer fork_server, GClosure *closure)
{
  g_object_unref (fork_server);
}

/* main: keeps the fork server as long as worker runs, since that ends with it. */
static void
watch_worker (FerryForkServer *self, FerryWorker *worker)
{
  g_signal_connect_data (worker, "notify::pid", G_CALLBACK (worker_pid_cb), g_object_ref (self), drop_fork_server, 0);
  g_signal_connect_object (worker, "ended", G_CALLBACK (worker_refused_cb), self, 0);
  g_signal_connect_data (worker, "ended", G_CALLBACK (worker_ended_cb), g_object_ref (self), drop_fork_server,
                         G_CONNECT_AFTER);
}

static FerryForkServerLaunch *
new_launch (FerryForkServer *self, FerryLink *link, FerrySpawnPlan *plan, GError **error)
{
  return ferry_fork_server_launch_new (self->monitor, ferry_worker_get_link (self->worker), self->environ, link, plan,
                                       error);
}

static const FerryForkServerFuncs funcs = {
  .bind = bind_home,
  .get_obstacle = get_obstacle,
  .prepare = prepare,
  .new_launch = new_launch,
  .watch_worker = watch_worker,
};

/**
 * ferry_launcher_set_fork_server:
 * @self: a launcher
 * @fork_server: (nullable): a fork server, or %NULL to have workers executed
 *
 * Has the workers spawned after this be forked by a fork server. The launcher's program is then not executed, and is
 * there for its name only. On the router's thread, once the launcher was used with a router; before that on any, one at
 * a time.
 *
 * Since: 0.1
 */
void
ferry_launcher_set_fork_server (FerryLauncher *self, FerryForkServer *fork_server)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (fork_server == NULL || FERRY_IS_FORK_SERVER (fork_server));
  ferry_return_if_fail (fork_server == NULL || fork_server->launcher != self,
                        "the fork server is started by this launcher; make another launcher for its workers");
  ferry_return_if_elsewhere (ferry_launcher_get_home (self));

  ferry_launcher_set_forking (self, fork_server, &funcs);
}

/* main: a launcher of the same workers, which has them forked by a fork server that the other launcher starts. What is
 * in a sandbox is executed all the same, and so is a program that turns out to be no fork server. */
FerryLauncher *
ferry_launcher_new_forked (FerryLauncher *launcher)
{
  FerryLauncher *self = ferry_launcher_new_copy (launcher);
  g_autoptr (FerryForkServer) fork_server = NULL;

  if (ferry_launcher_is_confined (launcher))
    return self;
  fork_server = ferry_fork_server_new (launcher);
  ferry_launcher_set_fork_server (self, fork_server);
  ferry_launcher_set_may_execute (self);
  return self;
}
