/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A fork server, as an object of the application: its start, its requests, and when it is out of date. The object
 * starts the fork server's process, and sends that process requests for workers of a launcher. The code of the process
 * is in ferry-fork-server-main.c.
 *
 * Threads: the router's thread. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "engine/ferry-exit-private.h"
#include "engine/ferry-shared-queue-private.h"
#include "process/ferry-launcher-private.h"
#include "process/ferry-worker-private.h"

/* When this many processes in a row have ended without having forked a worker, no other is started until
 * ferry_fork_server_forgive() is called. */
#define MAX_IN_VAIN 3

/* A process of a fork server. The fork server and each of the process's workers have a reference; without one, the
 * process is ended. So a process that is out of date stays for its workers. */
typedef struct
{
  FerryWorker *worker;   /* (owned) */
  FerrySurroundings has; /* what the process has of the application, since its start */
  gint32 oom_score_adjust;
} Process;

/**
 * FerryForkServer:
 *
 * A process that forks workers. A fork is the quickest way to start a worker.
 *
 * A fork server is a program that prepares itself once, in its initialisers ([func@Ferry.Worker.add_initialiser]), and
 * then forks itself for each worker. A worker begins in the prepared state, within a fraction of a millisecond. The
 * fork server is the parent of its workers. When the fork server ends, its workers end with the reason
 * %FERRY_CLOSE_REASON_FORK_SERVER_LOST, and the next [method@Ferry.Launcher.spawn] starts the fork server again.
 *
 * While it is idle, the fork server forks the next worker ahead. This pre-forked child waits for its request. It shares
 * the fork server's memory, except the pages that the child has written.
 *
 * A worker of a fork server has what the application has when the worker is started, as an executed one: the file mode
 * mask (umask), the folder, the limits of resources, and the nice value, cores and `no_new_privs` of the router's
 * thread, unless a launcher sets them. Other changes of the application make a fork server out of date: of user, groups
 * or root folder (`setuid()`, `setgid()`, `setgroups()`, `chroot()`), a filter of system calls, a lower nice value, a
 * higher hard limit. The next worker then comes from a new process of the fork server, and the old one ends with its
 * last worker. Namespaces belong to threads; all workers have those of the thread that started the router. A worker
 * that runs keeps what it had at its start.
 *
 * A fork server must have one thread. When it has more, it refuses to fork, and the error names the initialiser that
 * started them.
 *
 * A worker that was requested and not forked ends with the reason %FERRY_CLOSE_REASON_FORK_SERVER_LOST, or with
 * %FERRY_CLOSE_REASON_LAUNCH_FAILED when the fork server's program could not be executed. The message of the exit
 * record says how the fork server ended.
 *
 * The process ends when the router stops, or when neither the object nor any of the fork server's workers is left. The
 * object belongs to the router's thread.
 */
struct _FerryForkServer
{
  GObject parent_instance;

  FerryAffinity *affinity; /* (owned) (nullable): the router's; NULL before the first use with a router */
  FerryLauncher *launcher; /* const: (owned) */
  Process *process;        /* (owned) (nullable): the process that was started last */
  FerrySurroundings now;   /* what the application had at the latest request; empty where the process is new */
  FerryMonitor *monitor;   /* (unowned): the monitor of the process; compared while the process lives, and never used */
  char **environ;          /* (owned) (nullable): the environment of the process */
  guint n_starts;
  guint n_in_vain;      /* processes in a row that ended without having forked a worker */
  gboolean is_unfit;    /* the program refused to fork a worker, or did not attach in time */
  char *why_executed;   /* (owned) (nullable): why the fork server has executed a worker, and not forked it */
  FerryExit *last_exit; /* (owned) (nullable): of the last process or worker counted by n_in_vain or is_unfit */
};

enum
{
  PROP_WORKER = 1,
  PROP_N_STARTS,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryForkServer, ferry_fork_server, G_TYPE_OBJECT)

void
ferry_fork_server_bind (FerryForkServer *self, FerryAffinity *affinity)
{
  if (self->affinity == NULL)
    self->affinity = ferry_affinity_ref (affinity);
  if (ferry_launcher_get_affinity (self->launcher) == NULL)
    ferry_launcher_bind (self->launcher, affinity);
}

static FerryWorker *
get_worker (FerryForkServer *self)
{
  return self->process != NULL ? self->process->worker : NULL;
}

static gboolean
is_alive (FerryWorker *worker)
{
  return worker != NULL && ferry_worker_get_state (worker) != FERRY_WORKER_STATE_ENDED;
}

static void
process_clear (gpointer data)
{
  Process *self = data;

  if (is_alive (self->worker))
    ferry_worker_end_in_order (self->worker);
  g_object_unref (self->worker);
  ferry_surroundings_clear (&self->has);
}

static void
process_unref (Process *self)
{
  g_rc_box_release_full (self, process_clear);
}

static void
ferry_fork_server_finalize (GObject *object)
{
  FerryForkServer *self = FERRY_FORK_SERVER (object);

  g_clear_pointer (&self->process, process_unref);
  ferry_surroundings_clear (&self->now);
  g_object_unref (self->launcher);
  g_clear_pointer (&self->affinity, ferry_affinity_unref);
  g_strfreev (self->environ);
  g_free (self->why_executed);
  g_clear_object (&self->last_exit);

  G_OBJECT_CLASS (ferry_fork_server_parent_class)->finalize (object);
}

static void
ferry_fork_server_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryForkServer *self = FERRY_FORK_SERVER (object);

  if (!ferry_affinity_check_property (self->affinity, pspec))
    return;
  if (property_id == PROP_WORKER)
    g_value_set_object (value, get_worker (self));
  else
    g_value_set_uint (value, self->n_starts);
}

static void
ferry_fork_server_class_init (FerryForkServerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = ferry_fork_server_finalize;
  object_class->get_property = ferry_fork_server_get_property;

  /**
   * FerryForkServer:worker:
   *
   * The fork server's own process, as a worker without senders: the process that was started last, or %NULL before the
   * first start. Its state, exit record and output are like those of any worker. On the router's thread.
   */
  properties[PROP_WORKER] = g_param_spec_object ("worker", NULL, NULL, FERRY_TYPE_WORKER, FERRY_NOTIFIED);

  /**
   * FerryForkServer:n-starts:
   *
   * The number of processes that were started for the fork server so far. On the router's thread.
   */
  properties[PROP_N_STARTS] = g_param_spec_uint ("n-starts", NULL, NULL, 0, G_MAXUINT, 0, FERRY_NOTIFIED);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_fork_server_init (FerryForkServer *self)
{
}

/**
 * ferry_fork_server_new:
 * @launcher: a launcher for the fork server's process, without senders; the program must call [func@Ferry.Worker.main]
 *
 * Makes a fork server. Its process is started when the first worker is spawned, or by [method@Ferry.ForkServer.start].
 * Its workers have the environment and folder of @launcher, and the standard output and standard error that it sets,
 * unless their own launcher sets them. Their standard input is empty. Senders must be added to the workers' own
 * launcher, the one that [method@Ferry.Launcher.set_fork_server] is called with. Any thread.
 *
 * Returns: (transfer full): a new fork server
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
  g_clear_object (&self->last_exit);
  self->last_exit = g_object_ref (exit);
}

static void
ended_cb (FerryWorker *worker, FerryExit *exit, gpointer user_data)
{
  FerryForkServer *self = user_data;
  FerryCloseReason reason = ferry_exit_get_reason (exit);

  /* A program that could not be executed is not counted: another try costs little, and each worker's exit record has
   * the reason. */
  if (worker != get_worker (self) || reason == FERRY_CLOSE_REASON_ROUTER_STOPPED ||
      reason == FERRY_CLOSE_REASON_LAUNCH_FAILED)
    return;
  self->n_in_vain++;
  self->is_unfit = reason == FERRY_CLOSE_REASON_NEVER_ATTACHED;
  note_exit (self, exit);
}

static gboolean
start (FerryForkServer *self, FerryRouter *router, GError **error)
{
  FerryWorker *worker;

  /* Only the first start is checked: at later starts, the launcher may have senders for a worker that the application
   * spawns with it. */
  if (self->n_starts == 0 && !ferry_launcher_check_no_senders (
                               self->launcher, "the fork server",
                               "add them to the workers' launcher, the one of ferry_launcher_set_fork_server()", error))
    return FALSE;
  worker = ferry_launcher_spawn_fork_server (self->launcher, router, error);
  if (worker == NULL)
    return FALSE;
  g_clear_pointer (&self->process, process_unref);
  self->process = g_rc_box_new0 (Process);
  self->process->worker = worker;
  ferry_surroundings_take (&self->process->has);
  self->process->oom_score_adjust = ferry_add_oom_score_adjust (ferry_launcher_get_oom_score_adjust (self->launcher));
  g_signal_connect_object (worker, "ended", G_CALLBACK (ended_cb), self, 0);
  self->monitor = router->monitor;
  g_strfreev (self->environ);
  self->environ = g_strdupv (ferry_launcher_get_environ (self->launcher));
  self->n_starts++;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_WORKER]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_STARTS]);
  return TRUE;
}

void
ferry_fork_server_forgive (FerryForkServer *self)
{
  self->n_in_vain = 0;
  self->is_unfit = FALSE;
}

const char *
ferry_fork_server_get_failure (FerryForkServer *self)
{
  if (self->why_executed != NULL)
    return self->why_executed;
  return self->is_unfit || self->n_in_vain >= MAX_IN_VAIN ? ferry_exit_get_message (self->last_exit) : NULL;
}

gboolean
ferry_fork_server_prepare (FerryForkServer *self, FerryRouter *router, GError **error)
{
  if (!ferry_affinity_check_error (self->affinity, "ferry_fork_server_start", error))
    return FALSE;
  ferry_fork_server_bind (self, router->affinity);
  if (is_alive (get_worker (self)) && self->monitor != router->monitor)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The fork server runs with another router; make a fork server for each router");
  if (is_alive (get_worker (self)))
    {
      ferry_surroundings_take (&self->now);
      if (!ferry_surroundings_are_outdated (&self->process->has, &self->now))
        return TRUE;
      g_debug ("The fork server is out of date, since the application has changed its rights or limits; another is "
               "started");
    }
  if (self->n_in_vain < MAX_IN_VAIN)
    {
      ferry_surroundings_clear (&self->now);
      return start (self, router, error);
    }
  return ferry_set_error (
    error, FERRY_ERROR_LAUNCH_FAILED,
    "The fork server ended %u times without having started a worker, and is not started again; correct its program, "
    "then start the fork server again, or reset the pool that uses it; the last time: %s",
    self->n_in_vain, ferry_exit_get_message (self->last_exit));
}

/**
 * ferry_fork_server_start:
 * @self: a fork server
 * @router: a running router
 * @error: return location for an error
 *
 * Starts the fork server's process ahead of the first worker, so that the process is prepared when the worker is
 * requested. Does nothing when the process runs. When three processes in a row have ended without having forked a
 * worker, only this function starts another. On the router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING, %FERRY_ERROR_WRONG_THREAD and %FERRY_ERROR_SYSTEM. Fails with
 * %FERRY_ERROR_BAD_ARGUMENTS when the process runs with another router, or when the launcher has senders or transports
 * at the first start. Fails with %FERRY_ERROR_LAUNCH_FAILED when the program is not in `PATH`. When the program could
 * not be executed, this function succeeds, and [property@Ferry.ForkServer:worker] ends with that reason.
 *
 * Returns: %TRUE on success
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
  return ferry_fork_server_prepare (self, router, error);
}

/* ---- the launcher of its workers ---- */

/* A worker that was asked for. */
typedef struct
{
  FerryForkServer *fork_server; /* (owned) */
  Process *process;             /* (owned): which was asked for the worker */
  FerryLink *link;              /* (owned): of process */
} Asked;

static Asked *
asked_new (FerryForkServer *fork_server)
{
  Asked *self = g_new (Asked, 1);

  *self = (Asked){g_object_ref (fork_server), g_rc_box_acquire (fork_server->process),
                  ferry_link_ref (ferry_worker_get_link (fork_server->process->worker))};
  return self;
}

static void
asked_free (gpointer data, GClosure *closure)
{
  Asked *self = data;

  process_unref (self->process);
  ferry_link_unref (self->link);
  g_object_unref (self->fork_server);
  g_free (self);
}

/* A worker was started. The process that has started it may have ended, and another one may be there. */
static void
worker_started_cb (FerryWorker *worker, GParamSpec *pspec, gpointer user_data)
{
  Asked *asked = user_data;
  FerryForkServer *self = asked->fork_server;

  ferry_fork_server_forgive (self);
  if (self->why_executed == NULL)
    self->why_executed = ferry_fork_server_link_dup_why_executed (asked->link);
}

static void
worker_ended_cb (FerryWorker *worker, FerryExit *exit, gpointer user_data)
{
  FerryForkServer *self = ((Asked *) user_data)->fork_server;

  if (ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_LAUNCH_FAILED &&
      ferry_exit_get_launch_failure (exit) == FERRY_LAUNCH_FAILURE_FORK_SERVER)
    {
      self->is_unfit = TRUE;
      note_exit (self, exit);
    }
  g_signal_handlers_disconnect_matched (worker, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, worker_started_cb, NULL);
  g_signal_handlers_disconnect_matched (worker, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, worker_ended_cb, NULL);
}

/* Has the worker have what the application has now, where the fork server's process has something else. */
static void
inherit (FerryForkServer *self, FerrySpawnPlan *plan)
{
  const FerrySurroundings *before = &self->process->has;
  const FerrySurroundings *now = self->now.identity != NULL ? &self->now : before;

  ferry_attributes_inherit (&plan->attributes, ferry_launcher_get_attributes (self->launcher), before, now);
  if (plan->attributes.oom_score_adjust == self->process->oom_score_adjust)
    plan->attributes.own_set &= ~(guint32) FERRY_OWN_OOM_SCORE;
  if (ferry_launcher_get_cwd (self->launcher) == NULL && memcmp (now->folder, before->folder, sizeof now->folder) != 0)
    {
      g_autofree char *folder = g_steal_pointer (&plan->cwd);

      plan->cwd = g_canonicalize_filename (folder != NULL ? folder : ".", NULL);
    }
}

FerryStartRequest *
ferry_fork_server_new_request (FerryForkServer *self, FerryLink *link, FerrySpawnPlan *plan, gboolean may_execute,
                               GError **error)
{
  const char *const *environment = (const char *const *) plan->environ;
  int fds[] = {link->worker_end, plan->streams[0], plan->streams[1], plan->streams[2]};
  GVariant *attributes;
  FerryStartRequest *request;

  inherit (self, plan);
  /* An environment that equals the fork server's is not sent: the forked worker has it already. */
  if (environment != NULL && g_strv_equal (environment, (const char *const *) self->environ))
    environment = NULL;
  attributes = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, &plan->attributes, sizeof plan->attributes, 1);
  request = ferry_start_request_new (may_execute ? FERRY_START_MAY_EXECUTE : 0, attributes, link->name, plan->cwd,
                                     environment, fds, error);
  if (request == NULL)
    return NULL;
  link->worker_end = -1;
  memset (plan->streams, -1, sizeof plan->streams);
  link->process.parent = FERRY_PARENT_ASKED;
  link->program = g_strdup (ferry_worker_get_link (self->process->worker)->program);
  return request;
}

/* What the monitor needs to launch a worker by a fork server. */
typedef struct
{
  FerryMonitor *monitor;      /* (owned) */
  FerryLink *fork_server;     /* (owned) */
  FerryLink *link;            /* (owned): the worker's */
  FerryStartRequest *request; /* (owned) (nullable): NULL when the request was sent already */
  guint64 id;                 /* of the request that was sent already, else 0 */
} Launch;

static void
launch_free (gpointer data)
{
  Launch *self = data;

  ferry_monitor_unref (self->monitor);
  ferry_link_unref (self->fork_server);
  ferry_link_unref (self->link);
  g_clear_pointer (&self->request, ferry_start_request_free);
  g_free (self);
}

/* monitor: a FerryLaunchFunc. Does not set the process: the fork server's answer sets it later. */
static gboolean
launch_start (gpointer data, int control_fd, GPid *pid, int *pidfd, GError **error)
{
  Launch *self = data;

  return ferry_fork_server_link_start (ferry_monitor_get_shared_queue (self->monitor), self->fork_server, self->link,
                                       g_steal_pointer (&self->request), self->id, error);
}

gboolean
ferry_fork_server_sets_stream (FerryForkServer *self, guint stream)
{
  return ferry_launcher_sets_stream (self->launcher, stream);
}

/* The monitor sends the request, unless this thread can send it at once. */
void
ferry_fork_server_fork (FerryForkServer *self, FerryRouter *router, FerryWorker *worker, FerryStartRequest *request)
{
  g_autoptr (FerryLink) fork_server = ferry_link_ref (ferry_worker_get_link (self->process->worker));
  FerryLink *link = ferry_worker_get_link (worker);
  Launch *launch = g_new (Launch, 1);

  ferry_worker_set_forked (worker);
  g_signal_connect_data (worker, "notify::identifier", G_CALLBACK (worker_started_cb), asked_new (self), asked_free, 0);
  g_signal_connect_data (worker, "ended", G_CALLBACK (worker_ended_cb), asked_new (self), asked_free, 0);
  *launch = (Launch){ferry_monitor_ref (self->monitor), ferry_link_ref (fork_server), ferry_link_ref (link), request,
                     ferry_fork_server_link_begin_ask (fork_server, request)};
  if (launch->id != 0)
    g_clear_pointer (&launch->request, ferry_start_request_free);
  ferry_router_add_link (router, link, ferry_worker_new_observer (worker), launch_start, launch, launch_free);
  ferry_fork_server_link_end_ask (fork_server);
}

/**
 * ferry_launcher_set_fork_server:
 * @self: a launcher
 * @fork_server: (nullable): a fork server, or %NULL to execute the workers
 *
 * Makes a fork server fork the workers that @self spawns after this. The program of @self is then not executed; its
 * name is the name of the workers. On the launcher's thread.
 */
void
ferry_launcher_set_fork_server (FerryLauncher *self, FerryForkServer *fork_server)
{
  g_return_if_fail (FERRY_IS_LAUNCHER (self));
  g_return_if_fail (fork_server == NULL || FERRY_IS_FORK_SERVER (fork_server));
  ferry_return_if_fail (
    fork_server == NULL || fork_server->launcher != self,
    "the launcher starts this fork server, and cannot also start its workers; make another launcher for the workers");
  ferry_return_if_elsewhere (ferry_launcher_get_affinity (self));

  ferry_launcher_set_forking (self, fork_server, FALSE);
}

FerryLauncher *
ferry_launcher_new_forked (FerryLauncher *launcher)
{
  FerryLauncher *self = ferry_launcher_new_copy (launcher);
  g_autoptr (FerryForkServer) fork_server = NULL;

  if (ferry_launcher_is_confined (launcher))
    return self;
  fork_server = ferry_fork_server_new (launcher);
  ferry_launcher_set_forking (self, fork_server, TRUE);
  return self;
}
