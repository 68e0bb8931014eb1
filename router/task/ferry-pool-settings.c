/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a pool is told. */

#include "config.h"

#include "task/ferry-pool-private.h"

/**
 * ferry_pool_set_name:
 * @self: a pool
 * @name: (nullable): what [property@Ferry.Pool:name] says
 *
 * Sets [property@Ferry.Pool:name]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_name (FerryPool *self, const char *name)
{
  char *copy;

  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  copy = g_strdup (name);
  g_free (self->name);
  self->name = copy;
  g_object_notify (G_OBJECT (self), "name");
}

/**
 * ferry_pool_set_min_workers:
 * @self: a pool
 * @min_workers: what [property@Ferry.Pool:min-workers] says
 *
 * Sets [property@Ferry.Pool:min-workers]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_min_workers (FerryPool *self, guint min_workers)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->min_workers == min_workers)
    return;
  self->min_workers = min_workers;
  g_object_notify (G_OBJECT (self), "min-workers");
  if (self->started)
    ferry_pool_pump (self);
}

/**
 * ferry_pool_set_min_idle:
 * @self: a pool
 * @min_idle: what [property@Ferry.Pool:min-idle] says
 *
 * Sets [property@Ferry.Pool:min-idle]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_min_idle (FerryPool *self, guint min_idle)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->min_idle == min_idle)
    return;
  self->min_idle = min_idle;
  g_object_notify (G_OBJECT (self), "min-idle");
  if (self->started)
    ferry_pool_pump (self);
}

/**
 * ferry_pool_set_max_workers:
 * @self: a pool
 * @max_workers: what [property@Ferry.Pool:max-workers] says
 *
 * Sets [property@Ferry.Pool:max-workers]. Workers beyond it retire when they have done the task that they are at. On
 * the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_max_workers (FerryPool *self, guint max_workers)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  g_return_if_fail (max_workers >= 1);
  ferry_return_if_elsewhere (self->router->home);

  if (self->max_workers == max_workers)
    return;
  self->max_workers = max_workers;
  g_object_notify (G_OBJECT (self), "max-workers");
  ferry_pool_fit (self);
}

/**
 * ferry_pool_set_idle_timeout:
 * @self: a pool
 * @timeout: what [property@Ferry.Pool:idle-timeout] says
 *
 * Sets [property@Ferry.Pool:idle-timeout]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_idle_timeout (FerryPool *self, gint64 idle_timeout)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  g_return_if_fail (idle_timeout >= 0 && idle_timeout < G_MAXINT64 / 2);
  ferry_return_if_elsewhere (self->router->home);

  if (self->idle_timeout == idle_timeout)
    return;
  self->idle_timeout = idle_timeout;
  g_object_notify (G_OBJECT (self), "idle-timeout");
}

/**
 * ferry_pool_set_max_age:
 * @self: a pool
 * @max_age: what [property@Ferry.Pool:max-age] says
 *
 * Sets [property@Ferry.Pool:max-age]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_max_age (FerryPool *self, gint64 max_age)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  g_return_if_fail (max_age >= 0);
  ferry_return_if_elsewhere (self->router->home);

  if (self->max_age == max_age)
    return;
  self->max_age = max_age;
  g_object_notify (G_OBJECT (self), "max-age");
  ferry_pool_look_at_ages (self);
}

/**
 * ferry_pool_set_max_tasks:
 * @self: a pool
 * @max_tasks: what [property@Ferry.Pool:max-tasks] says
 *
 * Sets [property@Ferry.Pool:max-tasks]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_max_tasks (FerryPool *self, guint max_tasks)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->max_tasks == max_tasks)
    return;
  self->max_tasks = max_tasks;
  g_object_notify (G_OBJECT (self), "max-tasks");
}

/**
 * ferry_pool_set_max_memory:
 * @self: a pool
 * @max_memory: what [property@Ferry.Pool:max-memory] says
 *
 * Sets [property@Ferry.Pool:max-memory]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_max_memory (FerryPool *self, guint64 max_memory)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->max_memory == max_memory)
    return;
  self->max_memory = max_memory;
  g_object_notify (G_OBJECT (self), "max-memory");
}

/**
 * ferry_pool_set_death_limit:
 * @self: a pool
 * @deaths: what [property@Ferry.Pool:death-limit] says
 *
 * Sets [property@Ferry.Pool:death-limit]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_death_limit (FerryPool *self, guint death_limit)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->death_limit == death_limit)
    return;
  self->death_limit = death_limit;
  g_object_notify (G_OBJECT (self), "death-limit");
}

/**
 * ferry_pool_set_use_nursery:
 * @self: a pool
 * @use_nursery: what [property@Ferry.Pool:use-nursery] says
 *
 * Sets [property@Ferry.Pool:use-nursery]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_use_nursery (FerryPool *self, gboolean use_nursery)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->use_nursery == use_nursery)
    return;
  self->use_nursery = use_nursery;
  g_object_notify (G_OBJECT (self), "use-nursery");
}

/**
 * ferry_pool_set_restart_limit:
 * @self: a pool
 * @restarts: how many
 * @interval: in which time, in microseconds
 *
 * Limits how often a worker that ends before it has begun anything is replaced: each time after a pause that doubles,
 * and when there are more of them than @restarts in @interval, not any more: the pool then fails. By default 5 in 60
 * seconds. Workers that end at a task are replaced without limit.
 *
 * A worker that does not attach in its time ([method@Ferry.Launcher.set_attach_timeout]) is replaced once where none of
 * the pool's workers ever has: the program then hardly calls [func@Ferry.Worker.main].
 *
 * What the system refuses a worker for want of memory, descriptors or processes is tried again after such pauses as
 * well, and limited alike: with no worker left the pool then fails with %FERRY_ERROR_SYSTEM. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_restart_limit (FerryPool *self, guint restarts, gint64 interval)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  g_return_if_fail (interval > 0);
  ferry_return_if_elsewhere (self->router->home);

  self->restart_limit = restarts;
  self->restart_interval = interval;
}

/**
 * ferry_pool_set_initialiser:
 * @self: a pool
 * @function: (nullable): the name of a registered function; %NULL for none
 * @arguments: (nullable): its arguments
 *
 * Sets a function that each new worker runs before its first task. When it fails, the pool fails, once: no worker
 * is started any more until [method@Ferry.Pool.reset]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_initialiser (FerryPool *self, const char *function, GVariant *arguments)
{
  g_autofree char *name = g_strdup (function);

  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  g_clear_pointer (&self->initialiser_arguments, g_variant_unref);
  if (arguments != NULL)
    self->initialiser_arguments = g_variant_ref_sink (arguments);
  g_free (self->initialiser);
  self->initialiser = g_steal_pointer (&name);
}

/**
 * ferry_pool_set_finaliser:
 * @self: a pool
 * @function: (nullable): the name of a registered function; %NULL for none
 * @arguments: (nullable): its arguments
 *
 * Sets a function that each new worker runs after its last task, when it is retired or the pool is stopped. Its
 * errors are logged. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_finaliser (FerryPool *self, const char *function, GVariant *arguments)
{
  g_autofree char *name = g_strdup (function);

  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  g_clear_pointer (&self->finaliser_arguments, g_variant_unref);
  if (arguments != NULL)
    self->finaliser_arguments = g_variant_ref_sink (arguments);
  g_free (self->finaliser);
  self->finaliser = g_steal_pointer (&name);
}
