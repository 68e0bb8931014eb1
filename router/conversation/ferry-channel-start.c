/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Channels with workers that are started for them, at the application's end: a worker's start, its end, and waiting.
 *
 * Threads: the router's thread, where nothing else is said. For forks of this process: the thread that made them. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "call/ferry-link-transport.h"
#include "conversation/ferry-channel-carrier-private.h"
#include "conversation/ferry-channel-private.h"
#include "process/ferry-launcher-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-iterate-private.h"

/* How long a worker may run after its channel was dropped or closed, in microseconds. */
#define GRACE (5 * G_USEC_PER_SEC)

/* The processes that were started with channels: the workers of one router, or the forks of this process. */
typedef struct
{
  guint n_running;
  FerryWaitQueue waits;
} Running;

/* The processes that were forked from this process. */
static Running created = {0, FERRY_WAIT_QUEUE_INIT};

typedef struct
{
  FerryChannelProcess process;
  FerryTimer timer; /* kills the worker; set when the channel was dropped or closed */
} Run;

/* ---- all processes of a router, or of this process ---- */

static void
running_free (gpointer data)
{
  Running *self = data;

  ferry_wait_queue_clear (&self->waits);
  g_free (self);
}

static Running *
get_running (FerryRouter *router)
{
  static const char key[] = "ferry-channel-workers";
  Running *self = router != NULL ? g_object_get_data (G_OBJECT (router), key) : &created;

  if (self == NULL)
    {
      self = g_new0 (Running, 1);
      ferry_wait_queue_init (&self->waits);
      g_object_set_data_full (G_OBJECT (router), key, self, running_free);
    }
  return self;
}

void
ferry_channel_process_forget_all (void)
{
  created = (Running){0, FERRY_WAIT_QUEUE_INIT};
}

guint
ferry_channel_count_running (FerryRouter *router)
{
  return get_running (router)->n_running;
}

void
ferry_channel_wait_for_none (FerryRouter *router, GTask *task)
{
  ferry_wait_queue_add_task (&get_running (router)->waits, task);
}

/* ---- the process of one channel ---- */

/* The key of the GObject data by which a channel has its process until it is disposed of. */
#define PROCESS_KEY "ferry-channel-process"

FerryChannelProcess *
ferry_channel_get_process (FerryChannel *self)
{
  return g_object_get_data (G_OBJECT (self), PROCESS_KEY);
}

/* any: the channel is being disposed of. */
static void
channel_gone (gpointer data, GObject *channel)
{
  FerryChannelProcess *self = data;

  ferry_transport_unwatch_end (ferry_channel_get_transport (FERRY_CHANNEL (channel)), channel);
  g_object_set_data (channel, PROCESS_KEY, NULL);
  self->drop (self);
}

void
ferry_channel_process_init (FerryChannelProcess *self, FerryChannel *channel, FerryHome *home, FerryRouter *router,
                            FerryWorker *worker)
{
  atomic_init (&self->references, 1);
  g_weak_ref_init (&self->channel, channel);
  self->home = home;
  g_set_object (&self->router, router);
  self->worker = worker;
  ferry_wait_queue_init (&self->waits);
  get_running (router)->n_running++;
  g_object_set_data (G_OBJECT (channel), PROCESS_KEY, self);
  g_object_weak_ref (G_OBJECT (channel), channel_gone, self);
}

gpointer
ferry_channel_process_ref (gpointer data)
{
  FerryChannelProcess *self = data;

  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_channel_process_unref (gpointer data)
{
  FerryChannelProcess *self = data;

  if (!ferry_ref_count_dec (&self->references))
    return;
  if (self->clear != NULL)
    self->clear (self);
  g_weak_ref_clear (&self->channel);
  ferry_wait_queue_clear (&self->waits);
  g_clear_object (&self->exit);
  g_clear_object (&self->worker);
  g_clear_object (&self->router);
  ferry_home_unref (self->home);
  g_free (self);
}

void
ferry_channel_process_end (FerryChannelProcess *self, FerryExit *exit)
{
  g_autoptr (FerryChannel) channel = g_weak_ref_get (&self->channel);
  g_autoptr (FerryRouter) router G_GNUC_UNUSED = self->router != NULL ? g_object_ref (self->router) : NULL;
  Running *running = get_running (self->router);

  self->exit = exit;
  if (channel != NULL)
    ferry_channel_tell_exit (channel);
  ferry_wait_queue_finish_all (&self->waits);
  if (--running->n_running == 0)
    ferry_wait_queue_finish_all (&running->waits);
}

typedef struct
{
  GDestroyNotify func;
  gpointer data;
} AtExit;

static void
exited (FerryCompletion *end, gpointer data)
{
  g_autofree AtExit *self = ferry_wait_queue_get_key (end);

  self->func (self->data);
}

void
ferry_channel_call_at_exit (FerryChannel *self, GDestroyNotify func, gpointer data)
{
  const AtExit at_exit = {func, data};
  g_autoptr (FerryCompletion) end =
    ferry_wait_queue_join (&ferry_channel_get_process (self)->waits, g_memdup2 (&at_exit, sizeof at_exit), NULL);

  ferry_completion_call (end, exited, NULL);
}

/* ---- the end of a worker ---- */

static void
worker_ended (FerryWorker *worker, FerryExit *exit, gpointer data)
{
  Run *self = ferry_channel_process_ref (data);

  /* Ends a cycle: the handler's data has a reference to the process, and the process has one to the worker. */
  g_signal_handlers_disconnect_by_data (worker, self);
  ferry_timers_unset (self->process.router->limits, &self->timer);
  ferry_channel_process_end (&self->process, g_object_ref (exit));
  ferry_channel_process_unref (self);
}

/* Gives the worker five seconds to exit. Its link tells it that the channel was dropped, or the transport closed. */
static void
set_grace (gpointer data)
{
  Run *self = data;

  if (self->process.exit == NULL)
    ferry_timers_set (self->process.router->limits, &self->timer, ferry_time_add (g_get_monotonic_time (), GRACE),
                      (FerryMailboxFunc) ferry_worker_force_exit, self->process.worker);
}

/* any: called when the channel is disposed of. Makes the router's thread call set_grace(). Takes ownership of data. */
static void
drop (gpointer data)
{
  FerryRouter *router = ((Run *) data)->process.router;

  if (router->thread != g_thread_self ())
    {
      ferry_mailbox_post (router->context, set_grace, data, ferry_channel_process_unref);
      return;
    }
  set_grace (data);
  ferry_channel_process_unref (data);
}

/* With the lock of the channel's data, so that channel_gone() does not free the process meanwhile. */
static gpointer
dup_process (gpointer process, gpointer data)
{
  return process != NULL ? ferry_channel_process_ref (process) : NULL;
}

/* any: a worker whose transport was closed has no reason to run on. */
static void
transport_ended (FerryTransport *transport, GObject *channel)
{
  FerryChannelProcess *process = g_object_dup_data (channel, PROCESS_KEY, dup_process, NULL);

  if (process != NULL)
    drop (process);
}

/* ---- starting ---- */

static gboolean
wants_fork_server (FerryLauncher *launcher)
{
  gboolean use_fork_server;

  g_object_get (launcher, "use-fork-server", &use_fork_server, NULL);
  return use_fork_server && ferry_launcher_get_fork_server (launcher) == NULL;
}

/* Returns the launcher that starts the workers: this launcher, if it has a fork server or wants none; otherwise a copy
 * of it with a fork server. The copy is made at the first start with a router. */
static FerryLauncher *
get_starter (FerryLauncher *launcher, FerryRouter *router)
{
  static const char key[] = "ferry-channel-starter";
  static const char monitor_key[] = "ferry-channel-monitor"; /* of the starter's router; the pointer is only compared */
  GObject *starter = g_object_get_data (G_OBJECT (launcher), key);
  g_autoptr (FerryLauncher) copy = NULL;

  if (!wants_fork_server (launcher))
    return launcher;
  if (starter != NULL && g_object_get_data (starter, monitor_key) == router->monitor)
    return FERRY_LAUNCHER (starter);
  /* This launcher will refer to the forked launcher. Forked from itself, the two would form a cycle of references. */
  copy = ferry_launcher_new_copy (launcher);
  starter = G_OBJECT (ferry_launcher_new_forked (copy));
  g_object_set_data (starter, monitor_key, router->monitor);
  g_object_set_data_full (G_OBJECT (launcher), key, starter, g_object_unref);
  return FERRY_LAUNCHER (starter);
}

static FerryChannel *
spawn (FerryLauncher *starter, FerryRouter *router, const char *function, GVariant *arguments, GError **error)
{
  g_autoptr (FerryTransport) transport = ferry_launcher_add_transport (starter, router, FERRY_CHANNEL_TRANSPORT, error);
  g_autoptr (FerryChannel) channel = NULL;
  FerryWorker *worker;
  Run *run;

  if (transport == NULL)
    return NULL;
  g_main_context_push_thread_default (router->context);
  channel = ferry_channel_new (transport);
  g_main_context_pop_thread_default (router->context);
  ferry_channel_set_job (channel, function, arguments);
  worker = ferry_launcher_spawn_named (starter, router, function, error);
  if (worker == NULL)
    {
      ferry_launcher_drop_last_sender (starter);
      return NULL;
    }
  run = g_new0 (Run, 1);
  run->process.drop = drop;
  ferry_channel_process_init (&run->process, channel, ferry_home_ref (router->home), router, worker);
  g_signal_connect_data (worker, "ended", G_CALLBACK (worker_ended), ferry_channel_process_ref (run),
                         (GClosureNotify) G_CALLBACK (ferry_channel_process_unref), 0);
  ferry_transport_watch_end (transport, transport_ended, G_OBJECT (channel));
  return g_steal_pointer (&channel);
}

/**
 * ferry_channel_start:
 * @launcher: starts the worker: a program that calls [func@Ferry.Worker.main], such as this one
 * @router: a running router
 * @function: the name of a function that the program registers with [func@Ferry.Channel.function_register]
 * @arguments: (nullable): the function's arguments; a floating reference is taken
 * @error: return location for an error
 *
 * Starts a worker that runs a function with the worker's end of a new channel. A fork server forks the worker. If the
 * launcher has no fork server, one is started with the first channel. It has the settings that the launcher has at that
 * time, and it ends with the launcher. If the program cannot act as a fork server, later workers are started by
 * executing it: see [property@Ferry.Launcher:use-fork-server]. Senders and transports that were added to the launcher
 * go to this worker.
 *
 * [method@Ferry.Channel.receive] fails if the worker's program does not have the function, or if the arguments do not
 * have the function's type. The worker exits with status 0 if its function succeeded, and with 1 if it failed.
 *
 * When the last reference to the channel is dropped, the function can receive no more messages and its sending fails. A
 * worker that has not ended 5 seconds later is killed. To let it work for longer, keep the channel and use
 * [method@Ferry.Channel.wait_async]. A worker that closes its transport must also exit within 5 seconds. On the
 * router's thread: its main context emits the channel's signals.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING, %FERRY_ERROR_WRONG_THREAD, %FERRY_ERROR_TOO_LARGE, %FERRY_ERROR_LAUNCH_FAILED,
 * %FERRY_ERROR_SYSTEM, and as [method@Ferry.Launcher.spawn].
 *
 * Returns: (transfer full): the channel, or %NULL with @error set
 */
FerryChannel *
ferry_channel_start (FerryLauncher *launcher, FerryRouter *router, const char *function, GVariant *arguments,
                     GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  g_autoptr (FerryChannel) self = NULL;
  FerryLauncher *starter;

  g_return_val_if_fail (FERRY_IS_LAUNCHER (launcher), NULL);
  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (function != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_router_check (router, error) ||
      !ferry_home_check_error (ferry_launcher_get_home (launcher), G_STRFUNC, error))
    return NULL;
  starter = get_starter (launcher, router);
  /* Senders that were added to the launcher are for the next worker, which is this one. So the starter gets them. */
  if (starter != launcher)
    ferry_launcher_put_senders_back (starter, ferry_launcher_set_senders_aside (launcher));
  self = spawn (starter, router, function, kept, error);
  if (self == NULL && starter != launcher)
    ferry_launcher_put_senders_back (launcher, ferry_launcher_set_senders_aside (starter));
  if (self == NULL || !ferry_channel_send (self, ferry_channel_order_new (function, kept), 0, NULL, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* ---- the process of a channel ---- */

FerryWorker *
ferry_channel_get_worker (FerryChannel *self)
{
  FerryChannelProcess *process = ferry_channel_get_process (self);

  return process != NULL ? process->worker : NULL;
}

/**
 * ferry_channel_get_pid:
 * @self: a channel
 *
 * Gets the number of the process that was started with the channel, for display. After `ferry_channel_create()` the
 * number says which process this is: in the child, and only there, it is 0. Any thread.
 *
 * Do not give the number to `kill()`, which signals all processes where it is -1. Use
 * [method@Ferry.Worker.send_signal], also for a worker that does not run yet.
 *
 * Returns: the process' number; -1 if there is no process, or its number is not known yet
 */
GPid
ferry_channel_get_pid (FerryChannel *self)
{
  FerryChannelProcess *process;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), -1);

  process = ferry_channel_get_process (self);
  /* Only forks have a channel over a transport with a context, and the child has no process. */
  if (process == NULL)
    return ferry_transport_get_context (ferry_channel_get_transport (self)) != NULL ? 0 : -1;
  return process->worker != NULL ? ferry_worker_get_pid (process->worker) : process->pid;
}

/* (nullable): returns the home of the thread that started the process. */
static FerryHome *
get_home (FerryChannel *self)
{
  FerryChannelProcess *process = ferry_channel_get_process (self);

  return process != NULL ? process->home : NULL;
}

/**
 * ferry_channel_get_exit: (get-property exit)
 * @self: a channel
 *
 * Gets how the process that was started with the channel ended. On the thread that started the process.
 *
 * Returns: (transfer none) (nullable): the exit record; %NULL while the process runs, or if there is none
 */
FerryExit *
ferry_channel_get_exit (FerryChannel *self)
{
  FerryChannelProcess *process;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), NULL);
  ferry_return_val_if_elsewhere (get_home (self), NULL);

  process = ferry_channel_get_process (self);
  return process != NULL ? process->exit : NULL;
}

static gboolean
has_exited (gpointer data)
{
  return ferry_channel_get_exit (data) != NULL;
}

static gboolean
check_process (FerryChannel *self, GError **error)
{
  if (ferry_channel_get_process (self) != NULL)
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_NOT_STARTED,
    "The channel has no process to wait for; use a channel of ferry_channel_start() or, in the parent, of "
    "ferry_channel_create()");
}

static gboolean
wait_for_exit (FerryChannel *self, gint64 timeout, GError **error)
{
  FerryRouter *router = ferry_channel_get_process (self)->router;
  FerryTransport *transport = ferry_channel_get_transport (self);

  return (router != NULL || has_exited (self) ||
          ferry_transport_check_may_iterate (transport, "ferry_channel_wait_async()", error)) &&
         ferry_iterate_until (router, ferry_channel_get_context (self), has_exited, self, timeout,
                              "The channel's process did not end", error);
}

/**
 * ferry_channel_wait:
 * @self: a channel
 * @timeout: how long to wait, in microseconds; negative: without a limit
 * @error: return location for an error
 *
 * Waits until the process that was started with the channel has ended. A process that waits for room to send does not
 * end, so take its messages first. While it waits, this function iterates the main context of the router, or of
 * a fork. So it is for tests and console programs; an application uses
 * [method@Ferry.Channel.wait_async]. On the thread that started the process.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT, %FERRY_ERROR_NOT_RUNNING and %FERRY_ERROR_WRONG_THREAD. Fails with
 * %FERRY_ERROR_BUSY in a callback of the main context. Fails with %FERRY_ERROR_NOT_STARTED if the channel was made over
 * a transport, and with %FERRY_ERROR_CLOSED in a child that has the channel from its parent.
 *
 * Returns: (transfer full) (nullable): how the process ended, or %NULL with @error set
 */
FerryExit *
ferry_channel_wait (FerryChannel *self, gint64 timeout, GError **error)
{
  g_autoptr (FerryChannel) kept = NULL;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  kept = g_object_ref (self);
  if (!check_process (self, error) || !ferry_home_check_error (get_home (self), G_STRFUNC, error) ||
      !wait_for_exit (self, timeout, error))
    return NULL;
  return g_object_ref (ferry_channel_get_exit (self));
}

/**
 * ferry_channel_wait_async:
 * @self: a channel
 * @cancellable: (nullable): ends the wait
 * @callback: (scope async): called when the process has ended
 * @user_data: data for @callback
 *
 * Waits as [method@Ferry.Channel.wait] does, without blocking. On the thread that started the process.
 */
void
ferry_channel_wait_async (FerryChannel *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GError *error = NULL;

  g_return_if_fail (FERRY_IS_CHANNEL (self));
  ferry_return_if_elsewhere (get_home (self));

  if (check_process (self, &error))
    ferry_wait_queue_wait_async (&ferry_channel_get_process (self)->waits, has_exited, self, self, cancellable,
                                 callback, user_data);
  else
    g_task_report_error (self, callback, user_data, ferry_channel_wait_async, error);
}

/**
 * ferry_channel_wait_finish:
 * @self: a channel
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [method@Ferry.Channel.wait_async]. Any thread. Fails with %G_IO_ERROR_CANCELLED, and with
 * %FERRY_ERROR_NOT_STARTED if the channel was made over a transport.
 *
 * Returns: (transfer full) (nullable): how the process ended, or %NULL with @error set
 */
FerryExit *
ferry_channel_wait_finish (FerryChannel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return g_object_ref (ferry_channel_get_exit (self));
}
