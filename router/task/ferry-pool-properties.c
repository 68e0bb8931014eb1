/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a pool is told, and what it says of itself. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "task/ferry-pool-private.h"

/**
 * FerryPool:
 *
 * Workers that are kept warm, and run tasks one after the other.
 *
 * A pool of processes is made from a [class@Ferry.Launcher] that says which program: one that registers functions
 * ([func@Ferry.function_register]) and calls [func@Ferry.Worker.main]. Its workers are forked by a
 * [class@Ferry.Nursery] of that program. A pool of threads runs the functions that this program has registered, in
 * threads of its own: for what is light, and for tests.
 *
 * Tasks come from one [class@Ferry.Executor] or from several. A worker's death costs the task that it was at and
 * nothing else, and the worker is replaced. Nothing in a pool polls: a pool without tasks costs nothing.
 *
 * A pool lives on its router's thread. It ends its workers when it goes; executors keep their pool.
 *
 * Since: 0.1
 */

enum
{
  PROP_ROUTER = 1,
  PROP_LAUNCHER,
  PROP_NAME,
  PROP_MIN_WORKERS,
  PROP_MAX_WORKERS,
  PROP_IDLE_TIMEOUT,
  PROP_MIN_IDLE,
  PROP_MAX_TASKS,
  PROP_MAX_AGE,
  PROP_MAX_MEMORY,
  PROP_DEATH_LIMIT,
  PROP_USE_NURSERY,
  PROP_N_WORKERS,
  PROP_N_BUSY,
  PROP_N_RESTARTS,
  PROP_ERROR,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

static guint
count_busy (FerryPool *self)
{
  guint n = 0;

  for (guint i = 0; i < self->workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i);

      n += worker->in_flight.length > 0;
    }
  return n;
}

static void
ferry_pool_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryPool *self = FERRY_POOL (object);

  /* Those two are const. */
  if (property_id != PROP_ROUTER && property_id != PROP_LAUNCHER)
    ferry_return_if_elsewhere (self->router->home);
  switch (property_id)
    {
    case PROP_ROUTER:
      g_value_set_object (value, self->router);
      break;
    case PROP_LAUNCHER:
      g_value_set_object (value, self->launcher);
      break;
    case PROP_NAME:
      g_value_set_string (value, ferry_pool_get_name (self));
      break;
    case PROP_MIN_WORKERS:
      g_value_set_uint (value, self->min_workers);
      break;
    case PROP_MAX_WORKERS:
      g_value_set_uint (value, self->max_workers);
      break;
    case PROP_IDLE_TIMEOUT:
      g_value_set_int64 (value, self->idle_timeout);
      break;
    case PROP_MIN_IDLE:
      g_value_set_uint (value, self->min_idle);
      break;
    case PROP_MAX_TASKS:
      g_value_set_uint (value, self->max_tasks);
      break;
    case PROP_MAX_AGE:
      g_value_set_int64 (value, self->max_age);
      break;
    case PROP_MAX_MEMORY:
      g_value_set_uint64 (value, self->max_memory);
      break;
    case PROP_DEATH_LIMIT:
      g_value_set_uint (value, self->death_limit);
      break;
    case PROP_USE_NURSERY:
      g_value_set_boolean (value, self->use_nursery);
      break;
    case PROP_N_WORKERS:
      g_value_set_uint (value, self->workers->len);
      break;
    case PROP_N_BUSY:
      g_value_set_uint (value, count_busy (self));
      break;
    case PROP_N_RESTARTS:
      g_value_set_uint64 (value, self->n_restarts);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, self->error);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_pool_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryPool *self = FERRY_POOL (object);

  switch (property_id)
    {
    case PROP_ROUTER:
      self->router = g_value_dup_object (value);
      break;
    case PROP_LAUNCHER:
      self->launcher = g_value_dup_object (value);
      break;
    case PROP_NAME:
      ferry_pool_set_name (self, g_value_get_string (value));
      break;
    case PROP_MIN_WORKERS:
      ferry_pool_set_min_workers (self, g_value_get_uint (value));
      break;
    case PROP_MAX_WORKERS:
      ferry_pool_set_max_workers (self, g_value_get_uint (value));
      break;
    case PROP_IDLE_TIMEOUT:
      ferry_pool_set_idle_timeout (self, g_value_get_int64 (value));
      break;
    case PROP_MIN_IDLE:
      ferry_pool_set_min_idle (self, g_value_get_uint (value));
      break;
    case PROP_MAX_TASKS:
      ferry_pool_set_max_tasks (self, g_value_get_uint (value));
      break;
    case PROP_MAX_AGE:
      ferry_pool_set_max_age (self, g_value_get_int64 (value));
      break;
    case PROP_MAX_MEMORY:
      ferry_pool_set_max_memory (self, g_value_get_uint64 (value));
      break;
    case PROP_DEATH_LIMIT:
      ferry_pool_set_death_limit (self, g_value_get_uint (value));
      break;
    case PROP_USE_NURSERY:
      ferry_pool_set_use_nursery (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
install_settings (void)
{
  /**
   * FerryPool:name:
   *
   * The pool's name: the first part of its workers' names, which are seen in `ps`. By default the name of the
   * program.
   *
   * Since: 0.1
   */
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL,
                                               G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:min-workers:
   *
   * How many workers are kept, also when there is nothing to do, once the pool was started or was given a task.
   *
   * Since: 0.1
   */
  properties[PROP_MIN_WORKERS] = g_param_spec_uint (
    "min-workers", NULL, NULL, 0, G_MAXUINT16, 0, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:min-idle:
   *
   * How many workers are kept with nothing to do beside those that are at something, as far as
   * [property@Ferry.Pool:max-workers] allows, once the pool was started or was given a task: so the next task finds a
   * warm one.
   *
   * Since: 0.1
   */
  properties[PROP_MIN_IDLE] = g_param_spec_uint ("min-idle", NULL, NULL, 0, G_MAXUINT16, 0,
                                                 G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:max-workers:
   *
   * How many workers there are at most, beside as many that are ending. By default [func@Ferry.get_n_usable_cores].
   *
   * Since: 0.1
   */
  properties[PROP_MAX_WORKERS] = g_param_spec_uint (
    "max-workers", NULL, NULL, 1, G_MAXUINT16, 1, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:idle-timeout:
   *
   * How long a worker above the minimum is kept with nothing to do, in microseconds; 0 for ever. By default 60
   * seconds.
   *
   * Since: 0.1
   */
  properties[PROP_IDLE_TIMEOUT] =
    g_param_spec_int64 ("idle-timeout", NULL, NULL, 0, G_MAXINT64 / 2, 60 * G_USEC_PER_SEC,
                        G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
}

static void
install_limits (void)
{
  /**
   * FerryPool:max-age:
   *
   * After how many microseconds a worker is replaced by a new one, when it has done the task that it is at; 0 for
   * never.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_AGE] = g_param_spec_int64 ("max-age", NULL, NULL, 0, G_MAXINT64, 0,
                                                 G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:max-tasks:
   *
   * After how many tasks a worker is replaced by a new one; 0 for never.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_TASKS] = g_param_spec_uint ("max-tasks", NULL, NULL, 0, G_MAXUINT, 0,
                                                  G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:max-memory:
   *
   * A worker whose process has more resident memory than this, in bytes, is replaced after its task; 0 for no
   * limit. It is looked at after a task, at most ten times a second. Threads have no such limit.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_MEMORY] = g_param_spec_uint64 (
    "max-memory", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:death-limit:
   *
   * How many workers a task that may be retried can end before it is set aside, with %FERRY_ERROR_SET_ASIDE; 0
   * for any number.
   *
   * Since: 0.1
   */
  properties[PROP_DEATH_LIMIT] = g_param_spec_uint (
    "death-limit", NULL, NULL, 0, G_MAXUINT, 3, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:use-nursery:
   *
   * Whether workers are forked by a nursery, which takes a tenth of a millisecond, or executed one by one, which
   * gives each a layout of its memory of its own. The launcher's own nursery counts before this.
   *
   * A program that cannot be a nursery, since it has threads when it is to fork, say, is executed for each worker all
   * the same: a message tells so once, and [method@Ferry.Pool.reset] has a nursery tried again.
   *
   * Since: 0.1
   */
  properties[PROP_USE_NURSERY] = g_param_spec_boolean (
    "use-nursery", NULL, NULL, TRUE, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
}

static void
install_figures (void)
{
  /**
   * FerryPool:n-workers:
   *
   * How many workers there are, those that are starting or ending among them.
   *
   * Since: 0.1
   */
  properties[PROP_N_WORKERS] =
    g_param_spec_uint ("n-workers", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:n-busy:
   *
   * How many workers have tasks in hand. Without notification.
   *
   * Since: 0.1
   */
  properties[PROP_N_BUSY] =
    g_param_spec_uint ("n-busy", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:n-restarts:
   *
   * How many workers ended without having been told to. Without notification.
   *
   * Since: 0.1
   */
  properties[PROP_N_RESTARTS] =
    g_param_spec_uint64 ("n-restarts", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:error:
   *
   * Why the pool starts no workers any more; %NULL while it does. See [method@Ferry.Pool.reset].
   *
   * Since: 0.1
   */
  properties[PROP_ERROR] =
    g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
}

void
ferry_pool_install_properties (GObjectClass *object_class)
{
  object_class->get_property = ferry_pool_get_property;
  object_class->set_property = ferry_pool_set_property;
  /**
   * FerryPool:router:
   *
   * The router over which tasks and answers go.
   *
   * Since: 0.1
   */
  properties[PROP_ROUTER] = g_param_spec_object ("router", NULL, NULL, FERRY_TYPE_ROUTER,
                                                 G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:launcher:
   *
   * What starts the workers; %NULL in a pool of threads.
   *
   * Since: 0.1
   */
  properties[PROP_LAUNCHER] = g_param_spec_object ("launcher", NULL, NULL, FERRY_TYPE_LAUNCHER,
                                                   G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  install_settings ();
  install_limits ();
  install_figures ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

/* main */
void
ferry_pool_notify_error (FerryPool *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
}

/* main */
void
ferry_pool_notify_workers (FerryPool *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_WORKERS]);
}

/**
 * ferry_pool_new:
 * @router: a router
 * @launcher: how a worker is started, which has no senders and transports; the pool's from then on
 *
 * Makes a pool of processes. No worker is started yet, and the router need not run yet. Standard output and error of
 * the workers are logged ([method@Ferry.Launcher.log_stream]), unless the launcher has them go elsewhere. Any thread;
 * the launcher is the router's thread's from then on.
 *
 * Senders and transports do not reach the workers of a pool. Where the launcher has some when the first worker is
 * started, the pool fails with %FERRY_ERROR_BAD_ARGUMENTS, which [method@Ferry.Pool.start] and each task tell.
 *
 * Returns: (transfer full): the pool
 *
 * Since: 0.1
 */
FerryPool *
ferry_pool_new (FerryRouter *router, FerryLauncher *launcher)
{
  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (FERRY_IS_LAUNCHER (launcher), NULL);

  return g_object_new (FERRY_TYPE_POOL, "router", router, "launcher", launcher, NULL);
}

/**
 * ferry_pool_new_for_threads:
 * @router: a router
 *
 * Makes a pool of threads of this program, which run the functions that it has registered itself. The same tasks run in
 * them, with the same order and the same limits. A thread cannot be killed: a task that does not end when it is
 * cancelled is given up when its grace is over, and its thread is left behind. Any thread.
 *
 * Returns: (transfer full): the pool
 *
 * Since: 0.1
 */
FerryPool *
ferry_pool_new_for_threads (FerryRouter *router)
{
  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);

  return g_object_new (FERRY_TYPE_POOL, "router", router, NULL);
}

/**
 * ferry_pool_get_min_workers:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:min-workers]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint
ferry_pool_get_min_workers (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->min_workers;
}

/**
 * ferry_pool_get_max_workers:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:max-workers]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint
ferry_pool_get_max_workers (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->max_workers;
}

/**
 * ferry_pool_get_n_workers:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:n-workers]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint
ferry_pool_get_n_workers (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->workers->len;
}

/**
 * ferry_pool_get_n_busy:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:n-busy]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint
ferry_pool_get_n_busy (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return count_busy (self);
}

/**
 * ferry_pool_get_n_restarts:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:n-restarts]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint64
ferry_pool_get_n_restarts (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->n_restarts;
}

/**
 * ferry_pool_get_error:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:error]. On the router's thread.
 *
 * Returns: (transfer none) (nullable): the error
 *
 * Since: 0.1
 */
const GError *
ferry_pool_get_error (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), NULL);
  ferry_return_val_if_elsewhere (self->router->home, NULL);

  return self->error;
}

/**
 * ferry_pool_get_name:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:name]. On the router's thread.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
ferry_pool_get_name (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), NULL);
  ferry_return_val_if_elsewhere (self->router->home, NULL);

  if (self->name == NULL)
    self->name = self->launcher != NULL ? ferry_launcher_dup_program_name (self->launcher) : g_strdup ("thread");
  return self->name;
}

/**
 * ferry_pool_get_router:
 * @self: a pool
 *
 * Gets the router. Any thread may call this.
 *
 * Returns: (transfer none): the router
 *
 * Since: 0.1
 */
FerryRouter *
ferry_pool_get_router (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), NULL);

  return self->router;
}

/**
 * ferry_pool_get_workers:
 * @self: a pool
 *
 * The processes of the pool, as a list that changes as they come and go. A pool of threads has none.
 * On the router's thread.
 *
 * Returns: (transfer none): a list model of [class@Ferry.Worker]
 *
 * Since: 0.1
 */
GListModel *
ferry_pool_get_workers (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), NULL);
  ferry_return_val_if_elsewhere (self->router->home, NULL);

  return G_LIST_MODEL (self->list);
}
