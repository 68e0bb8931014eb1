/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for all workers that were started for channels, and for no other child of the process.
 *
 * Threads: the router's. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-channel-start-private.h"
#include "task/ferry-iterate-private.h"
#include "task/ferry-waiters-private.h"

/* What a router has of them. */
typedef struct
{
  guint n_running;
  GPtrArray *waiters; /* (owned) (nullable) (element-type FerryWaiter) */
} Running;

static Running *
get_running (FerryRouter *router)
{
  static const char key[] = "ferry-channel-workers";
  Running *self = g_object_get_data (G_OBJECT (router), key);

  if (self == NULL)
    {
      self = g_new0 (Running, 1);
      g_object_set_data_full (G_OBJECT (router), key, self, g_free);
    }
  return self;
}

void
ferry_wait_all_begin (FerryRouter *router)
{
  get_running (router)->n_running++;
}

void
ferry_wait_all_end (FerryRouter *router)
{
  g_autoptr (FerryRouter) kept G_GNUC_UNUSED = g_object_ref (router);
  Running *running = get_running (router);

  if (--running->n_running == 0)
    ferry_waiters_return (&running->waiters);
}

static gboolean
none_runs (gpointer data)
{
  return get_running (data)->n_running == 0;
}

/**
 * ferry_wait_all:
 * @router: a running router
 * @timeout: how long to wait, in microseconds; negative for as long as it takes
 * @error: return location for an error
 *
 * Waits until all workers have ended that [func@Ferry.Channel.start] and exchanges started with that router. Other
 * children of the process are left alone: whoever started them waits for them. It iterates the router's main context
 * meanwhile, so it is for tests and console programs. On the router's thread.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT, %FERRY_ERROR_BUSY in a handler of the router's, %FERRY_ERROR_NOT_RUNNING and
 * %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: %TRUE when none runs
 *
 * Since: 0.1
 */
gboolean
ferry_wait_all (FerryRouter *router, gint64 timeout, GError **error)
{
  g_return_val_if_fail (FERRY_IS_ROUTER (router), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return ferry_iterate_until (router, none_runs, router, timeout, "The workers did not all end", error);
}

/**
 * ferry_wait_all_async:
 * @router: a router
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when none runs
 * @user_data: data for @callback
 *
 * Waits as [func@Ferry.wait_all] does, without blocking. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_wait_all_async (FerryRouter *router, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) call = NULL;

  g_return_if_fail (FERRY_IS_ROUTER (router));

  call = g_task_new (router, cancellable, callback, user_data);
  g_task_set_source_tag (call, ferry_wait_all_async);
  if (none_runs (router))
    g_task_return_boolean (call, TRUE);
  else
    ferry_waiters_add (&get_running (router)->waiters, call);
}

/**
 * ferry_wait_all_finish:
 * @router: a router
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [func@Ferry.wait_all_async]. Fails with %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE when none runs
 *
 * Since: 0.1
 */
gboolean
ferry_wait_all_finish (FerryRouter *router, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, router), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
