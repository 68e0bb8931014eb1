/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A runner: what an executor sends its tasks to. See ferry-runner-private.h. */

#include "config.h"

#include "task/ferry-runner-private.h"

#include "base/ferry-base-private.h"
#include "route/ferry-router-private.h"

/**
 * FerryRunner:
 *
 * What runs the tasks of executors. A [class@Ferry.Pool] is one. Only this library implements it.
 */
G_DEFINE_INTERFACE (FerryRunner, ferry_runner, G_TYPE_OBJECT)

static void
ferry_runner_default_init (FerryRunnerInterface *iface)
{
}

/**
 * ferry_runner_get_router:
 * @self: a runner
 *
 * Gets the router on whose thread tasks' signals are emitted. Any thread may call this.
 *
 * Returns: (transfer none): the router
 */
FerryRouter *
ferry_runner_get_router (FerryRunner *self)
{
  g_return_val_if_fail (FERRY_IS_RUNNER (self), NULL);

  return FERRY_RUNNER_GET_IFACE (self)->get_router (self);
}

/**
 * ferry_runner_get_parallelism:
 * @self: a runner
 *
 * Gets how many tasks may run at a time: of a pool, [property@Ferry.Pool:max-workers]. On the router's thread.
 *
 * Returns: the number
 */
guint
ferry_runner_get_parallelism (FerryRunner *self)
{
  g_return_val_if_fail (FERRY_IS_RUNNER (self), 0);
  ferry_return_val_if_elsewhere (ferry_runner_get_router (self)->home, 0);

  return FERRY_RUNNER_GET_IFACE (self)->get_parallelism (self);
}
