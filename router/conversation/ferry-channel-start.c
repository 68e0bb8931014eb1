/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Channels with workers that are started for them, at the application's end: a worker's start, and its time to end.
 *
 * Threads: the router's thread, where nothing else is said. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "call/ferry-link-transport.h"
#include "conversation/ferry-channel-private.h"
#include "process/ferry-launcher-private.h"
#include "route/ferry-router-private.h"

/* How long a worker may run after its channel was dropped or closed, in microseconds. */
#define GRACE (5 * G_USEC_PER_SEC)

typedef struct
{
  FerryChannelProcess process;
  FerryTimer timer; /* kills the worker; set when the channel was dropped or closed */
} StartedProcess;

/* ---- the end of a worker ---- */

static void
worker_ended (FerryWorker *worker, FerryExit *exit, gpointer data)
{
  StartedProcess *self = ferry_channel_process_ref (data);

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
  StartedProcess *self = data;

  if (self->process.exit == NULL)
    ferry_timers_set (self->process.router->limits, &self->timer, ferry_time_add (g_get_monotonic_time (), GRACE),
                      (FerryMailboxFunc) ferry_worker_force_exit, self->process.worker);
}

/* any: called when the channel is disposed of. Makes the router's thread call set_grace(). Takes ownership of data. */
static void
drop (gpointer data)
{
  FerryRouter *router = ((StartedProcess *) data)->process.router;

  if (router->thread != g_thread_self ())
    {
      ferry_mailbox_post (router->context, set_grace, data, ferry_channel_process_unref);
      return;
    }
  set_grace (data);
  ferry_channel_process_unref (data);
}

/* any: a worker whose transport was closed has no reason to run on. */
static void
transport_ended (FerryTransport *transport, GObject *channel)
{
  FerryChannelProcess *process = ferry_channel_dup_process (FERRY_CHANNEL (channel));

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
  StartedProcess *started;

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
  started = g_new0 (StartedProcess, 1);
  started->process.drop = drop;
  ferry_channel_process_init (&started->process, channel, ferry_affinity_ref (router->affinity), router, worker);
  g_signal_connect_data (worker, "ended", G_CALLBACK (worker_ended), ferry_channel_process_ref (started),
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
      !ferry_affinity_check_error (ferry_launcher_get_affinity (launcher), G_STRFUNC, error))
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
