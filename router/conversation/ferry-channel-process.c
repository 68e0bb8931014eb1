/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The processes that were started with channels, workers and forks of this process: what a channel tells of its own,
 * and the waits for their ends.
 *
 * Threads: the thread that started the process, where nothing else is said: for a worker the router's. */

#include "config.h"

#include <signal.h>

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "conversation/ferry-channel-private.h"
#include "task/ferry-iterate-private.h"

/* The key of the GObject data by which a channel has its process until it is disposed of. */
#define PROCESS_KEY "ferry-channel-process"

/* The processes that were started with channels: the workers of one router, or the forks of this process. */
typedef struct
{
  guint n_running;
  FerryWaitQueue waits;
} Running;

/* The processes that were forked from this process. */
static Running created = {0, FERRY_WAIT_QUEUE_INIT};

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

FerryChannelProcess *
ferry_channel_get_process (FerryChannel *self)
{
  return g_object_get_data (G_OBJECT (self), PROCESS_KEY);
}

/* With the lock of the channel's data, so that channel_gone() does not free the process meanwhile. */
static gpointer
dup_process (gpointer process, gpointer data)
{
  return process != NULL ? ferry_channel_process_ref (process) : NULL;
}

FerryChannelProcess *
ferry_channel_dup_process (FerryChannel *self)
{
  return g_object_dup_data (G_OBJECT (self), PROCESS_KEY, dup_process, NULL);
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
ferry_channel_process_init (FerryChannelProcess *self, FerryChannel *channel, FerryAffinity *affinity,
                            FerryRouter *router, FerryWorker *worker)
{
  atomic_init (&self->references, 1);
  g_weak_ref_init (&self->channel, channel);
  self->affinity = affinity;
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
  ferry_affinity_unref (self->affinity);
  g_free (self->identifier);
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

/* ---- what a channel tells of its process ---- */

FerryWorker *
ferry_channel_get_worker (FerryChannel *self)
{
  FerryChannelProcess *process = ferry_channel_get_process (self);

  return process != NULL ? process->worker : NULL;
}

/**
 * ferry_channel_get_identifier:
 * @self: a channel
 *
 * Returns the process id of the process that was started with the channel, as text for people and logs
 * ([method@Ferry.Worker.get_identifier]). After `ferry_channel_create()` this says which process this is: in the
 * parent the child has an identifier, and in the child, and only there, this is %NULL. It stays when the process has
 * ended. To send a signal use [method@Ferry.Channel.send_signal]. Any thread.
 *
 * Returns: (nullable): the identifier, which belongs to the channel; %NULL if there is no process, or until it was
 *   started
 */
const char *
ferry_channel_get_identifier (FerryChannel *self)
{
  FerryChannelProcess *process;

  g_return_val_if_fail (FERRY_IS_CHANNEL (self), NULL);

  process = ferry_channel_get_process (self);
  if (process == NULL)
    return NULL;
  return process->worker != NULL ? ferry_worker_get_identifier (process->worker) : process->identifier;
}

/* (nullable): returns the affinity of the thread that started the process. */
static FerryAffinity *
get_affinity (FerryChannel *self)
{
  FerryChannelProcess *process = ferry_channel_get_process (self);

  return process != NULL ? process->affinity : NULL;
}

/**
 * ferry_channel_send_signal:
 * @self: a channel
 * @signal_number: the signal, such as `SIGTERM`
 *
 * Sends a signal to the process that was started with the channel, also right after [func@Ferry.Channel.start]. Does
 * nothing when the process has ended, or if there is none. No other process gets the signal. For a process of
 * `ferry_channel_create()` on the thread that created it, else on any thread ([method@Ferry.Worker.send_signal]).
 */
void
ferry_channel_send_signal (FerryChannel *self, int signal_number)
{
  FerryChannelProcess *process;

  g_return_if_fail (FERRY_IS_CHANNEL (self));
  g_return_if_fail (signal_number > 0 && signal_number < NSIG);

  process = ferry_channel_get_process (self);
  if (process == NULL)
    return;
  if (process->worker != NULL)
    {
      ferry_worker_send_signal (process->worker, signal_number);
      return;
    }
  ferry_return_if_elsewhere (process->affinity);
  process->send_signal (process, signal_number);
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
  ferry_return_val_if_elsewhere (get_affinity (self), NULL);

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
 * end, so take its messages first. While it waits, this function iterates the main context of the router, or of a fork.
 * So it is for tests and console programs; an application uses [method@Ferry.Channel.wait_async]. On the thread that
 * started the process.
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
  if (!check_process (self, error) || !ferry_affinity_check_error (get_affinity (self), G_STRFUNC, error) ||
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
  ferry_return_if_elsewhere (get_affinity (self));

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
