/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a channel with a worker that was started for it: how it is started, and how it ended.
 *
 * References: the channel has its run, and the worker's `ended` has it until that was heard; the run has no reference
 * to the channel. Threads:    the router's, but for the last reference to the channel. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-wait-queue-private.h"
#include "call/ferry-link-transport.h"
#include "channel/ferry-channel-process-private.h"
#include "channel/ferry-channel-start-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-iterate-private.h"
#include "worker/ferry-fork-server-private.h"
#include "worker/ferry-launcher-private.h"

/* How long a worker may go on when nobody listens to it any more. */
#define GRACE (5 * G_USEC_PER_SEC)

typedef struct
{
  FerryChannelProcess process;
  _Atomic gint references;
  FerryRouter *router; /* const: (owned) */
  GWeakRef channel;    /* any */
  FerryTimer timer;    /* set when the channel was dropped, or has ended */
} Run;

static Run *
run_ref (Run *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

static void
run_unref (gpointer data)
{
  Run *self = data;

  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  g_weak_ref_clear (&self->channel);
  ferry_wait_queue_clear (&self->process.waits);
  g_clear_pointer (&self->process.exit, ferry_exit_unref);
  g_object_unref (self->process.worker);
  ferry_home_unref (self->process.home);
  g_object_unref (self->router);
  g_free (self);
}

static void
run_closure_unref (gpointer data, GClosure *closure)
{
  run_unref (data);
}

/* ---- its end ---- */

void
ferry_channel_process_end (FerryChannelProcess *self, FerryExit *exit, FerryChannel *channel)
{
  self->exit = exit;
  if (channel != NULL)
    ferry_channel_tell_exit (channel);
  ferry_wait_queue_finish_all (&self->waits);
}

static void
worker_ended (FerryWorker *worker, FerryExit *exit, gpointer data)
{
  g_autoptr (FerryChannel) channel = NULL;
  Run *self = run_ref (data);

  /* Each has the other until here. */
  g_signal_handlers_disconnect_by_data (worker, self);
  ferry_timers_unset (ferry_router_get_timers (self->router), &self->timer);
  channel = g_weak_ref_get (&self->channel);
  ferry_channel_process_end (&self->process, ferry_exit_ref (exit), channel);
  ferry_wait_all_end (self->router);
  run_unref (self);
}

static void
grace_is_over (gpointer data)
{
  ferry_worker_force_exit (((Run *) data)->process.worker);
}

/* Nobody listens to the worker any more. */
static void
limit_rest (gpointer data)
{
  Run *self = data;

  if (self->process.exit == NULL)
    ferry_timers_set (ferry_router_get_timers (self->router), &self->timer,
                      ferry_time_add (g_get_monotonic_time (), GRACE), grace_is_over, self);
}

/* any: the channel was dropped. Its worker hears that, and is to end. */
static void
run_drop (gpointer data)
{
  Run *self = data;

  if (self->router->thread != g_thread_self ())
    {
      ferry_mailbox_post (self->router->context, limit_rest, self, run_unref);
      return;
    }
  limit_rest (self);
  run_unref (self);
}

/* ---- its start ---- */

/* What starts the workers of a launcher that has no fork server: one like it that has one. Made at the first start. */
typedef struct
{
  FerryLauncher *launcher; /* (owned) */
  FerryMonitor *monitor;   /* (unowned): of the router that its fork server runs with; only compared */
} Starter;

static void
starter_free (gpointer data)
{
  Starter *self = data;

  g_object_unref (self->launcher);
  g_free (self);
}

static FerryLauncher *
get_starter (FerryLauncher *launcher, FerryRouter *router)
{
  static const char key[] = "ferry-channel-starter";
  Starter *starter = g_object_get_data (G_OBJECT (launcher), key);
  g_autoptr (FerryLauncher) copy = NULL;

  if (ferry_launcher_get_fork_server (launcher) != NULL)
    return launcher;
  if (starter != NULL && starter->monitor == router->monitor)
    return starter->launcher;
  /* The fork server has a launcher of its own: it is not to keep this one, which keeps it. */
  copy = ferry_launcher_new_copy (launcher);
  starter = g_new0 (Starter, 1);
  starter->launcher = ferry_launcher_new_forked (copy);
  starter->monitor = router->monitor;
  g_object_set_data_full (G_OBJECT (launcher), key, starter, starter_free);
  return starter->launcher;
}

static void
join (FerryChannel *channel, FerryRouter *router, FerryWorker *worker)
{
  Run *self = g_new0 (Run, 1);
  GClosure *closure;

  atomic_init (&self->references, 1);
  self->router = g_object_ref (router);
  self->process.worker = worker;
  ferry_wait_queue_init (&self->process.waits);
  self->process.home = ferry_home_ref (router->home);
  g_weak_ref_init (&self->channel, channel);
  ferry_channel_set_process (channel, &self->process, limit_rest, run_drop);
  closure = g_cclosure_new (G_CALLBACK (worker_ended), run_ref (self), run_closure_unref);
  g_signal_connect_closure (worker, "ended", closure, FALSE);
  ferry_wait_all_begin (router);
}

/* The channel of the next worker that is spawned. */
static FerryChannel *
add_channel (FerryLauncher *starter, FerryRouter *router, GError **error)
{
  g_autoptr (FerryTransport) transport = ferry_launcher_add_transport (starter, router, FERRY_CHANNEL_TRANSPORT, error);
  FerryChannel *channel;

  if (transport == NULL)
    return NULL;
  g_main_context_push_thread_default (router->context);
  channel = ferry_channel_new (transport);
  g_main_context_pop_thread_default (router->context);
  return channel;
}

/* Spawns the worker of channel. */
static FerryWorker *
spawn (FerryLauncher *starter, FerryRouter *router, FerryChannel **channel, const char *function, GVariant *arguments,
       GError **error)
{
  g_autoptr (FerryChannel) self = add_channel (starter, router, error);
  FerryWorker *worker;

  if (self == NULL)
    return NULL;
  ferry_channel_set_job (self, function, arguments);
  worker = ferry_launcher_spawn_named (starter, router, function, error);
  if (worker == NULL)
    {
      ferry_launcher_drop_last_sender (starter);
      return NULL;
    }
  *channel = g_steal_pointer (&self);
  return worker;
}

/**
 * ferry_channel_start:
 * @launcher: what starts the worker: a program that calls [func@Ferry.Worker.main], such as this one
 * @router: a running router
 * @function: the name of a function that the program registers with [func@Ferry.Channel.function_register]
 * @arguments: (nullable): its arguments; a floating reference is taken
 * @error: return location for an error
 *
 * Starts a worker that runs a function with its end of a new channel. The worker is forked by a fork server: the
 * launcher's own, or one that is started with the first channel, with what the launcher says then, and ends with the
 * launcher. Senders and transports that were added to the launcher go to this worker. Where the program turns out to be
 * no fork server, the workers of later channels are executed.
 *
 * A function that the worker's program does not have, and arguments that are not its type, are errors that
 * [method@Ferry.Channel.receive] gives. The worker exits with status 0 when its function succeeded, and with 1 when it
 * failed.
 *
 * When the last reference to the channel goes, the function's receiving ends and its sending fails; a worker that has
 * not ended 5 seconds later is killed. To let it work for longer, keep the channel and use
 * [method@Ferry.Channel.wait_async]. A worker that closes its end for good is to exit as well, and is killed as late.
 *
 * On the router's thread, in whose main context the channel's signals are emitted.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING, %FERRY_ERROR_WRONG_THREAD, %FERRY_ERROR_TOO_LARGE, %FERRY_ERROR_LAUNCH_FAILED,
 * %FERRY_ERROR_SYSTEM, and as [method@Ferry.Launcher.spawn].
 *
 * Returns: (transfer full): the channel
 *
 * Since: 0.1
 */
FerryChannel *
ferry_channel_start (FerryLauncher *launcher, FerryRouter *router, const char *function, GVariant *arguments,
                     GError **error)
{
  g_autoptr (GVariant) kept = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  g_autoptr (FerryChannel) self = NULL;
  FerryLauncher *starter;
  FerryWorker *worker;

  g_return_val_if_fail (FERRY_IS_LAUNCHER (launcher), NULL);
  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (function != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_router_check (router, error) ||
      !ferry_home_check_error (ferry_launcher_get_home (launcher), G_STRFUNC, error))
    return NULL;
  starter = get_starter (launcher, router);
  /* The launcher's senders are for its next worker, which is this one. */
  if (starter != launcher)
    ferry_launcher_swap_senders (launcher, starter);
  worker = spawn (starter, router, &self, function, kept, error);
  if (worker == NULL && starter != launcher)
    ferry_launcher_swap_senders (launcher, starter);
  if (worker == NULL)
    return NULL;
  join (self, router, worker);
  if (!ferry_channel_send (self, ferry_channel_order_new (function, kept), 0, NULL, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* ---- what is known of it ---- */

/**
 * ferry_channel_get_worker:
 * @self: a channel
 *
 * Any thread.
 *
 * Returns: (transfer none) (nullable): the worker that was started with it; %NULL where it was made over a transport
 *
 * Since: 0.1
 */
FerryWorker *
ferry_channel_get_worker (FerryChannel *self)
{
  FerryChannelProcess *process;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), NULL);

  process = ferry_channel_get_process (self);
  return process != NULL ? process->worker : NULL;
}

/**
 * ferry_channel_get_pid:
 * @self: a channel
 *
 * The number of the process that was started with the channel, for showing. After [func@Ferry.Channel.create] it tells
 * which process this is: the child has 0. Any thread.
 *
 * Returns: the number, 0 where there is none, or none yet
 *
 * Since: 0.1
 */
GPid
ferry_channel_get_pid (FerryChannel *self)
{
  FerryChannelProcess *process;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), 0);

  process = ferry_channel_get_process (self);
  if (process == NULL)
    return 0;
  return process->worker != NULL ? ferry_worker_get_pid (process->worker) : process->pid;
}

/* The thread that the process was started on; NULL without one. */
static FerryHome *
get_home (FerryChannel *self)
{
  FerryChannelProcess *process = ferry_channel_get_process (self);

  return process != NULL ? process->home : NULL;
}

/**
 * ferry_channel_get_exit:
 * @self: a channel
 *
 * How the process ended that was started with it; kept as long as the channel. On the thread that started it.
 *
 * Returns: (transfer none) (nullable): the exit record, %NULL while the worker runs
 *
 * Since: 0.1
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
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED,
                       "The channel has no process to wait for; ferry_channel_start() and, in the parent, "
                       "ferry_channel_create() start one");
  return FALSE;
}

static gboolean
wait_for_exit (FerryChannel *self, gint64 timeout, GError **error)
{
  static const char what[] = "The channel's process did not end";

  if (ferry_channel_get_worker (self) != NULL)
    return ferry_iterate_until (((Run *) ferry_channel_get_process (self))->router, has_exited, self, timeout, what,
                                error);
  return (has_exited (self) || ferry_transport_check_may_iterate (ferry_channel_get_transport (self),
                                                                  "ferry_channel_wait_async()", error)) &&
         ferry_iterate_context_until (ferry_channel_get_context (self), has_exited, self, timeout, what, error);
}

/**
 * ferry_channel_wait:
 * @self: a channel
 * @timeout: how long to wait, in microseconds; negative for as long as it takes
 * @error: return location for an error
 *
 * Waits until the process has ended that was started with the channel. One that sends on while nobody takes it does not
 * end: take it first. The router's main context, or that of [func@Ferry.Channel.create], is iterated meanwhile, so this
 * is for tests and console programs; an application uses [method@Ferry.Channel.wait_async]. On the thread that started
 * it.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT, %FERRY_ERROR_NOT_STARTED when the channel was made over a transport,
 * %FERRY_ERROR_BUSY in a callback of its main context, %FERRY_ERROR_NOT_RUNNING and %FERRY_ERROR_WRONG_THREAD, and with
 * %FERRY_ERROR_CLOSED in a child that has the channel from its parent.
 *
 * Returns: (transfer full) (nullable): how it ended
 *
 * Since: 0.1
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
  return ferry_exit_ref (ferry_channel_get_exit (self));
}

/**
 * ferry_channel_wait_async:
 * @self: a channel
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when the worker has ended
 * @user_data: data for @callback
 *
 * Waits for the end of the process that was started with the channel. On the thread that started it.
 *
 * Since: 0.1
 */
void
ferry_channel_wait_async (FerryChannel *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) call = NULL;
  GError *error = NULL;

  g_return_if_fail (FERRY_IS_CHANNEL (self));
  ferry_return_if_elsewhere (get_home (self));

  call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (call, ferry_channel_wait_async);
  if (!check_process (self, &error))
    g_task_return_error (call, error);
  else if (has_exited (self))
    g_task_return_boolean (call, TRUE);
  else
    ferry_wait_queue_add_task (&ferry_channel_get_process (self)->waits, call);
}

/**
 * ferry_channel_wait_finish:
 * @self: a channel
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Channel.wait_async]. Any thread.
 *
 * Fails with %G_IO_ERROR_CANCELLED, and with %FERRY_ERROR_NOT_STARTED when the channel was made over a transport.
 *
 * Returns: (transfer full) (nullable): how it ended
 *
 * Since: 0.1
 */
FerryExit *
ferry_channel_wait_finish (FerryChannel *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return ferry_exit_ref (ferry_channel_get_exit (self));
}
