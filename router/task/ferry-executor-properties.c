/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an executor is told, and what it says of itself. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "ferry-enums.h"
#include "task/ferry-executor-private.h"

/**
 * FerryExecutor:
 *
 * A queue of tasks in front of a [class@Ferry.Pool], and a list model of them.
 *
 * Tasks can be submitted from any thread; everything else is on the router's thread, where their signals come. The list
 * has all tasks that are not done, and the latest [property@Ferry.Executor:keep-finished] of those that are.
 *
 * Several executors can share a pool: their tasks take turns. An executor lives at least until its tasks are done.
 *
 * Since: 0.1
 */

enum
{
  PROP_POOL = 1,
  PROP_MAX_PENDING,
  PROP_KEEP_FINISHED,
  PROP_STATE,
  PROP_N_WAITING,
  PROP_N_EXECUTING,
  PROP_N_COMPLETED,
  PROP_N_FAILED,
  PROP_N_CANCELLED,
  PROP_FRACTION,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

/* What is being run is found through the workers, which are few, and not through the list. */
static double
get_fraction (FerryExecutor *self)
{
  double done = self->n_batch_done;

  if (self->n_batch_done + self->n_open == 0)
    return -1;
  for (guint i = 0; i < self->pool->workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->pool->workers, i);
      FerryTask *task = g_queue_peek_head (&worker->in_flight);

      if (task != NULL && ferry_task_get_seat (task)->queue == &self->source && !ferry_task_get_done (task))
        done += MAX (ferry_task_get_fraction (task), 0);
    }
  return done / (self->n_batch_done + self->n_open);
}

static void
ferry_executor_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryExecutor *self = FERRY_EXECUTOR (object);

  switch (property_id)
    {
    case PROP_POOL:
      g_value_set_object (value, self->pool);
      break;
    case PROP_MAX_PENDING:
      ferry_return_if_elsewhere (self->pool->router->home);
      g_value_set_uint (value, self->max_pending);
      break;
    case PROP_KEEP_FINISHED:
      ferry_return_if_elsewhere (self->pool->router->home);
      g_value_set_uint (value, self->keep_finished);
      break;
    case PROP_STATE:
      g_value_set_enum (value, ferry_executor_get_state (self));
      break;
    case PROP_N_WAITING:
      g_value_set_uint (value, ferry_executor_get_n_waiting (self));
      break;
    case PROP_N_EXECUTING:
      g_value_set_uint (value, ferry_executor_get_n_executing (self));
      break;
    case PROP_N_COMPLETED:
      g_value_set_uint64 (value, ferry_executor_get_n_completed (self));
      break;
    case PROP_N_FAILED:
      g_value_set_uint64 (value, ferry_executor_get_n_failed (self));
      break;
    case PROP_N_CANCELLED:
      g_value_set_uint64 (value, ferry_executor_get_n_cancelled (self));
      break;
    case PROP_FRACTION:
      g_value_set_double (value, ferry_executor_get_fraction (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_executor_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryExecutor *self = FERRY_EXECUTOR (object);

  switch (property_id)
    {
    case PROP_POOL:
      self->pool = g_value_dup_object (value);
      break;
    case PROP_MAX_PENDING:
      ferry_executor_set_max_pending (self, g_value_get_uint (value));
      break;
    case PROP_KEEP_FINISHED:
      ferry_executor_set_keep_finished (self, g_value_get_uint (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
install_figures (void)
{
  /**
   * FerryExecutor:state:
   *
   * How far the executor has come.
   *
   * Since: 0.1
   */
  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, FERRY_TYPE_EXECUTOR_STATE,
                                              FERRY_EXECUTOR_STATE_RUNNING, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryExecutor:n-waiting:
   *
   * How many tasks wait, those that were sent ahead to a worker among them.
   *
   * Since: 0.1
   */
  properties[PROP_N_WAITING] =
    g_param_spec_uint ("n-waiting", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryExecutor:n-executing:
   *
   * How many tasks are being run, those that were cancelled and have not ended among them.
   *
   * Since: 0.1
   */
  properties[PROP_N_EXECUTING] =
    g_param_spec_uint ("n-executing", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
}

static void
install_totals (void)
{
  /**
   * FerryExecutor:n-completed:
   *
   * How many tasks gave their result.
   *
   * Since: 0.1
   */
  properties[PROP_N_COMPLETED] =
    g_param_spec_uint64 ("n-completed", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryExecutor:n-failed:
   *
   * How many tasks failed.
   *
   * Since: 0.1
   */
  properties[PROP_N_FAILED] =
    g_param_spec_uint64 ("n-failed", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryExecutor:n-cancelled:
   *
   * How many tasks were cancelled.
   *
   * Since: 0.1
   */
  properties[PROP_N_CANCELLED] =
    g_param_spec_uint64 ("n-cancelled", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryExecutor:fraction:
   *
   * How much of the work is done, from 0 to 1: each task counts the same, and one that is being run as far as it
   * reports. Counted from when there was nothing to do last; -1 when there was nothing since.
   *
   * Since: 0.1
   */
  properties[PROP_FRACTION] =
    g_param_spec_double ("fraction", NULL, NULL, -1, 1, -1, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
}

void
ferry_executor_install_properties (GObjectClass *object_class)
{
  object_class->get_property = ferry_executor_get_property;
  object_class->set_property = ferry_executor_set_property;
  /**
   * FerryExecutor:pool:
   *
   * The pool that runs the tasks.
   *
   * Since: 0.1
   */
  properties[PROP_POOL] = g_param_spec_object ("pool", NULL, NULL, FERRY_TYPE_POOL,
                                               G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryExecutor:max-pending:
   *
   * How many tasks may wait; 0 for any number. To be set before the first task is submitted.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_PENDING] = g_param_spec_uint (
    "max-pending", NULL, NULL, 0, G_MAXINT, 0, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryExecutor:keep-finished:
   *
   * How many of the tasks that are done stay in the list, the latest ones. By default none: a task that nobody else
   * holds is freed when it is done. Tasks leave the list in the turn of the main loop after their end.
   *
   * Since: 0.1
   */
  properties[PROP_KEEP_FINISHED] = g_param_spec_uint (
    "keep-finished", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  install_figures ();
  install_totals ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

/* Properties that figures are in. */
static void
tell_figures (gpointer data)
{
  GObject *object = g_object_ref (data);
  FerryExecutor *self = data;

  ferry_executor_list_trim (self, self->keep_finished);
  for (guint i = PROP_N_WAITING; i <= PROP_FRACTION; i++)
    g_object_notify_by_pspec (object, properties[i]);
  g_object_unref (object);
}

/* main: figures change with each task; who listens hears it once a turn of the main loop. */
void
ferry_executor_figures_changed (FerryExecutor *self)
{
  if (!ferry_timer_is_set (&self->notify_timer))
    ferry_timers_set (self->timers, &self->notify_timer, 0, tell_figures, self);
}

/* main */
void
ferry_executor_notify_state (FerryExecutor *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

/**
 * ferry_executor_new:
 * @pool: a pool
 *
 * Makes an executor whose tasks run in a pool. On the router's thread.
 *
 * Returns: (transfer full): the executor
 *
 * Since: 0.1
 */
FerryExecutor *
ferry_executor_new (FerryPool *pool)
{
  g_return_val_if_fail (FERRY_IS_POOL (pool), NULL);
  ferry_return_val_if_elsewhere (pool->router->home, NULL);

  return g_object_new (FERRY_TYPE_EXECUTOR, "pool", pool, NULL);
}

/**
 * ferry_executor_set_max_pending:
 * @self: an executor
 * @max_pending: how many tasks may wait; 0 for any number
 *
 * Sets [property@Ferry.Executor:max-pending]. On the router's thread, before the first task is submitted.
 *
 * Since: 0.1
 */
void
ferry_executor_set_max_pending (FerryExecutor *self, guint max_pending)
{
  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  g_return_if_fail (max_pending <= G_MAXINT);
  ferry_return_if_elsewhere (self->pool->router->home);

  if (self->max_pending == max_pending)
    return;
  self->max_pending = max_pending;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_PENDING]);
}

/**
 * ferry_executor_set_keep_finished:
 * @self: an executor
 * @keep_finished: how many tasks that are done stay in the list
 *
 * Sets [property@Ferry.Executor:keep-finished]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_executor_set_keep_finished (FerryExecutor *self, guint keep_finished)
{
  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  ferry_return_if_elsewhere (self->pool->router->home);

  if (self->keep_finished == keep_finished)
    return;
  self->keep_finished = keep_finished;
  ferry_executor_list_trim (self, keep_finished);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_KEEP_FINISHED]);
}

/**
 * ferry_executor_get_pool:
 * @self: an executor
 *
 * Gets the pool. Any thread may call this.
 *
 * Returns: (transfer none): the pool
 *
 * Since: 0.1
 */
FerryPool *
ferry_executor_get_pool (FerryExecutor *self)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), NULL);

  return self->pool;
}

/**
 * ferry_executor_get_state:
 * @self: an executor
 *
 * Gets [property@Ferry.Executor:state]. Any thread may call this.
 *
 * Returns: the state
 *
 * Since: 0.1
 */
FerryExecutorState
ferry_executor_get_state (FerryExecutor *self)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), FERRY_EXECUTOR_STATE_STOPPED);

  return (FerryExecutorState) atomic_load_explicit (&self->state, memory_order_acquire);
}

/**
 * ferry_executor_get_n_waiting:
 * @self: an executor
 *
 * Gets [property@Ferry.Executor:n-waiting]. Any thread may call this.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint
ferry_executor_get_n_waiting (FerryExecutor *self)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), 0);

  return (guint) atomic_load_explicit (&self->n_queued, memory_order_relaxed);
}

/**
 * ferry_executor_get_n_executing:
 * @self: an executor
 *
 * Gets [property@Ferry.Executor:n-executing]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint
ferry_executor_get_n_executing (FerryExecutor *self)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), 0);
  ferry_return_val_if_elsewhere (self->pool->router->home, 0);

  return self->n_executing;
}

/**
 * ferry_executor_get_n_completed:
 * @self: an executor
 *
 * Gets [property@Ferry.Executor:n-completed]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint64
ferry_executor_get_n_completed (FerryExecutor *self)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), 0);
  ferry_return_val_if_elsewhere (self->pool->router->home, 0);

  return self->n_completed;
}

/**
 * ferry_executor_get_n_failed:
 * @self: an executor
 *
 * Gets [property@Ferry.Executor:n-failed]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint64
ferry_executor_get_n_failed (FerryExecutor *self)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), 0);
  ferry_return_val_if_elsewhere (self->pool->router->home, 0);

  return self->n_failed;
}

/**
 * ferry_executor_get_n_cancelled:
 * @self: an executor
 *
 * Gets [property@Ferry.Executor:n-cancelled]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint64
ferry_executor_get_n_cancelled (FerryExecutor *self)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), 0);
  ferry_return_val_if_elsewhere (self->pool->router->home, 0);

  return self->n_cancelled;
}

/**
 * ferry_executor_get_fraction:
 * @self: an executor
 *
 * Gets [property@Ferry.Executor:fraction]. On the router's thread.
 *
 * Returns: the fraction
 *
 * Since: 0.1
 */
double
ferry_executor_get_fraction (FerryExecutor *self)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), -1);
  ferry_return_val_if_elsewhere (self->pool->router->home, -1);

  return get_fraction (self);
}
