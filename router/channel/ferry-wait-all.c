/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for all workers that were started for channels, and for no other child of the process.
 *
 * Threads: the router's; of those without one, that which created them. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-wait-queue-private.h"
#include "channel/ferry-channel-start-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-iterate-private.h"

/* What a router has of them. */
typedef struct
{
  guint n_running;
  FerryWaitQueue waits;
} Running;

/* Those that were forked from this process. */
static Running created = {0, FERRY_WAIT_QUEUE_INIT};

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
ferry_wait_all_begin (FerryRouter *router)
{
  get_running (router)->n_running++;
}

void
ferry_wait_all_end (FerryRouter *router)
{
  g_autoptr (FerryRouter) kept G_GNUC_UNUSED = router != NULL ? g_object_ref (router) : NULL;
  Running *running = get_running (router);

  if (--running->n_running == 0)
    ferry_wait_queue_finish_all (&running->waits);
}

void
ferry_wait_all_forget (void)
{
  created = (Running){0, FERRY_WAIT_QUEUE_INIT};
}

static gboolean
none_runs (gpointer data)
{
  return ((Running *) data)->n_running == 0;
}

/**
 * ferry_wait_all:
 * @router: (nullable): a running router; %NULL for the processes that were forked from this one
 * @timeout: how long to wait, in microseconds; negative for as long as it takes
 * @error: return location for an error
 *
 * Waits until all workers have ended that [func@Ferry.Channel.start] and exchanges started with that router, or all
 * that [func@Ferry.Channel.create] and exchanges forked. Other children of the process are left alone: whoever started
 * them waits for them. It iterates the router's main context meanwhile, or the thread-default one, so it is for tests
 * and console programs. On the router's thread, or on the
 * thread that created them.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT, %FERRY_ERROR_BUSY in a callback of its main context, %FERRY_ERROR_NOT_RUNNING and
 * %FERRY_ERROR_WRONG_THREAD.
 *
 * Returns: %TRUE when none runs
 *
 * Since: 0.1
 */
gboolean
ferry_wait_all (FerryRouter *router, gint64 timeout, GError **error)
{
  static const char what[] = "The workers did not all end";
  g_autoptr (GMainContext) context = NULL;

  g_return_val_if_fail (router == NULL || FERRY_IS_ROUTER (router), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (router != NULL && !ferry_home_check_error (router->home, G_STRFUNC, error))
    return FALSE;
  if (router != NULL)
    return ferry_iterate_until (router, none_runs, get_running (router), timeout, what, error);
  context = g_main_context_ref_thread_default ();
  return ferry_iterate_context_until (context, none_runs, &created, timeout, what, error);
}

/**
 * ferry_wait_all_async:
 * @router: (nullable): a router; %NULL as for [func@Ferry.wait_all]
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when none runs
 * @user_data: data for @callback
 *
 * Waits as [func@Ferry.wait_all] does, without blocking. On the router's thread, or
 * on the thread that created them.
 *
 * Since: 0.1
 */
void
ferry_wait_all_async (FerryRouter *router, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) call = NULL;

  g_return_if_fail (router == NULL || FERRY_IS_ROUTER (router));
  ferry_return_if_elsewhere (router != NULL ? router->home : NULL);

  call = g_task_new (router, cancellable, callback, user_data);
  g_task_set_source_tag (call, ferry_wait_all_async);
  if (none_runs (get_running (router)))
    g_task_return_boolean (call, TRUE);
  else
    ferry_wait_queue_add_task (&get_running (router)->waits, call);
}

/**
 * ferry_wait_all_finish:
 * @router: (nullable): a router
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [func@Ferry.wait_all_async]. Fails with %G_IO_ERROR_CANCELLED. Any thread.
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
