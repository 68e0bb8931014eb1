/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Channels to forks of this process, and the end of all processes that channels have. */

#include "config.h"

#include "classic/ferry-channel-create.h"

#include "classic/ferry-channel-fork-private.h"
#include "classic/ferry-owner-private.h"
#include "conversation/ferry-channel-private.h"

/* ---- forks ---- */

/**
 * ferry_channel_create:
 * @error: return location for an error
 *
 * Forks the process, and returns an end of a new channel in the parent and in the child. In the child
 * [method@Ferry.Channel.get_identifier] returns %NULL. This function needs no router and no main loop, and is for
 * programs without threads.
 *
 * It fails in a process that has threads: the child might need a lock that another thread held at the fork. So nothing
 * that starts threads may be used before it: no router, no other kind of transport, and only little of GIO and GTK. The
 * channels of this function start no thread, except for their asynchronous functions (`_async`): GLib starts a thread
 * with its first task. An application uses [func@Ferry.Channel.start] instead.
 *
 * Any thread, if the process has no other thread. In each process, the channel must be used on the thread that called
 * this function. Functions that wait iterate the thread-default main context; signals and asynchronous functions use
 * this context too. Functions that wait fail with %FERRY_ERROR_BUSY in the callback of an asynchronous one.
 *
 * The child has its own thread-default main context, and does not touch its copy of the parent's. The child ends when
 * its parent ends, and has new random numbers. The handlers of [func@Ferry.Worker.add_fork_handler] have run in it. In
 * the child, the parent's other channels are closed, and their functions fail with %FERRY_ERROR_CLOSED.
 *
 * The child must not return to the parent's main loop, nor from `main()`: it ends by [func@FerryClassic.channel_exit].
 * If it ends in another way and has not closed the channel, the parent gets %FERRY_ERROR_WORKER_LOST after all
 * messages.
 *
 * When the parent drops its last reference to the channel, the child can receive no more messages and its sending
 * fails. A child that has not ended 5 seconds later is killed when the parent iterates the context or creates a child.
 *
 * Fails with %FERRY_ERROR_REFUSED in a process with threads, with %FERRY_ERROR_BUSY in the callback of an asynchronous
 * function of such a channel, and with %FERRY_ERROR_SYSTEM.
 *
 * Returns: (transfer full): the channel, in both processes, or %NULL with @error set
 */
FerryChannel *
ferry_channel_create (GError **error)
{
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return ferry_channel_fork (error);
}

/**
 * ferry_channel_exit:
 * @self: the child's end of a channel of [func@FerryClassic.channel_create]
 * @status: the status to exit with
 *
 * Ends a child that [func@FerryClassic.channel_create] forked. This function closes the child's end of the channel,
 * unless this end was closed or failed before. It waits until the socket has taken all that the child sent. Then it
 * flushes the streams and exits, without running the parent's `atexit()` functions and destructors. Any thread.
 *
 * To raise an error at the parent, call [method@Ferry.Channel.fail] before this function.
 */
void
ferry_channel_exit (FerryChannel *self, int status)
{
  ferry_channel_exit_fork (self, status);
}

/* ---- all processes of a router, or of this process ---- */

static gboolean
none_runs (gpointer router)
{
  return ferry_channel_count_running (router) == 0;
}

/**
 * ferry_wait_all:
 * @router: (nullable): a running router; %NULL for the processes that were forked from this process
 * @timeout: how long to wait, in microseconds; negative: without a limit
 * @error: return location for an error
 *
 * Waits until all workers have ended that [func@Ferry.Channel.start] and exchanges started with @router. With %NULL as
 * @router, waits for all processes that [func@FerryClassic.channel_create] and exchanges forked. Touches no other
 * children.
 *
 * While it waits, this function iterates the router's main context, or the thread-default one if @router is %NULL. So
 * it is for tests and console programs. On the router's thread, or on the thread that created the processes.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT, %FERRY_ERROR_NOT_RUNNING and %FERRY_ERROR_WRONG_THREAD. Fails with
 * %FERRY_ERROR_BUSY in a callback of the main context.
 *
 * Returns: %TRUE when all have ended
 */
gboolean
ferry_wait_all (FerryRouter *router, gint64 timeout, GError **error)
{
  FerryOwner owner;
  gboolean ended;

  g_return_val_if_fail (router == NULL || FERRY_IS_ROUTER (router), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  ferry_owner_init (&owner, router);
  ended = ferry_owner_wait (&owner, G_STRFUNC, none_runs, router, timeout, "The workers did not all end", error);
  ferry_owner_clear (&owner);
  return ended;
}

/**
 * ferry_wait_all_async:
 * @router: (nullable): a router; %NULL as for [func@FerryClassic.wait_all]
 * @cancellable: (nullable): ends the wait
 * @callback: (scope async): called when all processes have ended
 * @user_data: data for @callback
 *
 * Waits as [func@FerryClassic.wait_all] does, without blocking. On the router's thread, or the one that created the
 * processes.
 */
void
ferry_wait_all_async (FerryRouter *router, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  FerryOwner owner;

  g_return_if_fail (router == NULL || FERRY_IS_ROUTER (router));

  ferry_owner_init (&owner, router);
  if (ferry_owner_check (&owner, G_STRFUNC))
    {
      task = g_task_new (router, cancellable, callback, user_data);
      g_task_set_source_tag (task, ferry_wait_all_async);
      if (none_runs (router))
        g_task_return_boolean (task, TRUE);
      else
        ferry_channel_wait_for_none (router, task);
    }
  ferry_owner_clear (&owner);
}

/**
 * ferry_wait_all_finish:
 * @router: (nullable): a router
 * @result: the result that the callback got
 * @error: return location for an error
 *
 * Ends [func@FerryClassic.wait_all_async]. Fails with %G_IO_ERROR_CANCELLED. Any thread.
 *
 * Returns: %TRUE when all have ended
 */
gboolean
ferry_wait_all_finish (FerryRouter *router, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, router), FALSE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_wait_all_async), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
