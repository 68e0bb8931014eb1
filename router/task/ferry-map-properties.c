/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a map is told, and what it says of itself. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "ferry-enums.h"
#include "task/ferry-map-private.h"
#include "task/ferry-pool-private.h"

static GParamSpec *properties[FERRY_MAP_N_PROPERTIES];

#define READABLE (G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)
#define WRITABLE (G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)
#define AT_START (G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS)

void
ferry_map_notify (FerryMap *self, FerryMapProperty property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

void
ferry_map_notify_figures (FerryMap *self)
{
  ferry_timers_unset (ferry_pool_get_timers (ferry_executor_get_pool (self->executor)), &self->notify_timer);
  for (guint i = FERRY_MAP_PROP_N_SUBMITTED; i <= FERRY_MAP_PROP_FRACTION; i++)
    ferry_map_notify (self, i);
}

static void
notify_figures (gpointer data)
{
  g_autoptr (FerryMapHold) self = ferry_map_hold (data);

  ferry_map_notify_figures (self);
}

void
ferry_map_figures_changed (FerryMap *self)
{
  if (!ferry_timer_is_set (&self->notify_timer))
    ferry_timers_set (ferry_pool_get_timers (ferry_executor_get_pool (self->executor)), &self->notify_timer, 0,
                      notify_figures, self);
}

static void
ferry_map_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryMap *self = FERRY_MAP (object);

  switch ((FerryMapProperty) property_id)
    {
    case FERRY_MAP_PROP_EXECUTOR:
      g_value_set_object (value, self->executor);
      break;
    case FERRY_MAP_PROP_FUNCTION:
      g_value_set_string (value, self->function);
      break;
    case FERRY_MAP_PROP_ORDER:
      g_value_set_enum (value, (int) self->order);
      break;
    case FERRY_MAP_PROP_CHUNK_SIZE:
      g_value_set_uint (value, ferry_map_get_chunk_size (self));
      break;
    case FERRY_MAP_PROP_MAX_IN_FLIGHT:
      g_value_set_uint (value, ferry_map_get_max_in_flight (self));
      break;
    case FERRY_MAP_PROP_PRIORITY:
      g_value_set_int (value, ferry_map_get_priority (self));
      break;
    case FERRY_MAP_PROP_N_SUBMITTED:
      g_value_set_uint64 (value, ferry_map_get_n_submitted (self));
      break;
    case FERRY_MAP_PROP_N_DONE:
      g_value_set_uint64 (value, ferry_map_get_n_done (self));
      break;
    case FERRY_MAP_PROP_N_FAILED:
      g_value_set_uint64 (value, ferry_map_get_n_failed (self));
      break;
    case FERRY_MAP_PROP_FRACTION:
      g_value_set_double (value, ferry_map_get_fraction (self));
      break;
    case FERRY_MAP_PROP_FINISHED:
      g_value_set_boolean (value, ferry_map_get_finished (self));
      break;
    case FERRY_MAP_PROP_ERROR:
      g_value_set_boxed (value, ferry_map_get_error (self));
      break;
    case FERRY_MAP_N_PROPERTIES:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_map_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryMap *self = FERRY_MAP (object);

  switch (property_id)
    {
    case FERRY_MAP_PROP_EXECUTOR:
      self->executor = g_value_dup_object (value);
      self->home = ferry_home_ref (ferry_pool_get_router (ferry_executor_get_pool (self->executor))->home);
      break;
    case FERRY_MAP_PROP_FUNCTION:
      self->function = g_value_dup_string (value);
      break;
    case FERRY_MAP_PROP_ORDER:
      self->order = (FerryMapOrder) g_value_get_enum (value);
      break;
    case FERRY_MAP_PROP_CHUNK_SIZE:
      ferry_map_set_chunk_size (self, g_value_get_uint (value));
      break;
    case FERRY_MAP_PROP_MAX_IN_FLIGHT:
      ferry_map_set_max_in_flight (self, g_value_get_uint (value));
      break;
    case FERRY_MAP_PROP_PRIORITY:
      ferry_map_set_priority (self, g_value_get_int (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
install_settings (void)
{
  /**
   * FerryMap:executor:
   *
   * The executor that runs the map's chunks.
   *
   * Since: 0.1
   */
  properties[FERRY_MAP_PROP_EXECUTOR] = g_param_spec_object ("executor", NULL, NULL, FERRY_TYPE_EXECUTOR, AT_START);
  /**
   * FerryMap:function:
   *
   * The name of the function that is applied to the items.
   *
   * Since: 0.1
   */
  properties[FERRY_MAP_PROP_FUNCTION] = g_param_spec_string ("function", NULL, NULL, NULL, AT_START);
  /**
   * FerryMap:order:
   *
   * In which order results come.
   *
   * Since: 0.1
   */
  properties[FERRY_MAP_PROP_ORDER] =
    g_param_spec_enum ("order", NULL, NULL, FERRY_TYPE_MAP_ORDER, FERRY_MAP_ORDERED, AT_START);
  /**
   * FerryMap:chunk-size:
   *
   * How many items a worker is given at a time; 0, the default, for as many as take some milliseconds, by how long
   * items took so far: one at the beginning, and never so many that a worker stands still at the end.
   *
   * Since: 0.1
   */
  properties[FERRY_MAP_PROP_CHUNK_SIZE] =
    g_param_spec_uint ("chunk-size", NULL, NULL, 0, FERRY_MAP_MAX_CHUNK_SIZE, 0, WRITABLE);
  /**
   * FerryMap:max-in-flight:
   *
   * How many items may be in flight: taken from the input, and their results not taken yet; 0, the default, for what
   * keeps the workers busy, which is 128 a worker, or 8 chunks a worker where those are more. Workers are counted as
   * [property@Ferry.Pool:max-workers] does. [method@Ferry.Map.get_in_flight_limit] says how many that is.
   *
   * Since: 0.1
   */
  properties[FERRY_MAP_PROP_MAX_IN_FLIGHT] = g_param_spec_uint ("max-in-flight", NULL, NULL, 0, G_MAXINT, 0, WRITABLE);
  /**
   * FerryMap:priority:
   *
   * The priority that the map's chunks have among the executor's tasks; higher ones come first.
   *
   * Since: 0.1
   */
  properties[FERRY_MAP_PROP_PRIORITY] = g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, WRITABLE);
}

static void
install_figures (void)
{
  /**
   * FerryMap:n-submitted:
   *
   * How many items were taken from the input. Notified at most once a turn of the main loop, as the
   * other figures are.
   *
   * Since: 0.1
   */
  properties[FERRY_MAP_PROP_N_SUBMITTED] = g_param_spec_uint64 ("n-submitted", NULL, NULL, 0, G_MAXUINT64, 0, READABLE);
  /**
   * FerryMap:n-done:
   *
   * How many items came to their end, those that failed among them.
   *
   * Since: 0.1
   */
  properties[FERRY_MAP_PROP_N_DONE] = g_param_spec_uint64 ("n-done", NULL, NULL, 0, G_MAXUINT64, 0, READABLE);
  /**
   * FerryMap:n-failed:
   *
   * How many items failed.
   *
   * Since: 0.1
   */
  properties[FERRY_MAP_PROP_N_FAILED] = g_param_spec_uint64 ("n-failed", NULL, NULL, 0, G_MAXUINT64, 0, READABLE);
  /**
   * FerryMap:fraction:
   *
   * How many of all items came to their end, from 0 to 1; negative as long as nobody knows how many there will be.
   *
   * Since: 0.1
   */
  properties[FERRY_MAP_PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, -1, 1, -1, READABLE);
  /**
   * FerryMap:finished:
   *
   * Whether the map came to its end; see [signal@Ferry.Map::finished].
   *
   * Since: 0.1
   */
  properties[FERRY_MAP_PROP_FINISHED] = g_param_spec_boolean ("finished", NULL, NULL, FALSE, READABLE);
  /**
   * FerryMap:error:
   *
   * Why items were not taken from the input to its end: the source's error, or that of an executor that takes nothing
   * more. Notified when the map is finished.
   *
   * Since: 0.1
   */
  properties[FERRY_MAP_PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, READABLE);
}

void
ferry_map_install_properties (GObjectClass *object_class)
{
  object_class->get_property = ferry_map_get_property;
  object_class->set_property = ferry_map_set_property;
  install_settings ();
  install_figures ();
  g_object_class_install_properties (object_class, FERRY_MAP_N_PROPERTIES, properties);
}

/**
 * ferry_map_set_chunk_size:
 * @self: a map
 * @chunk_size: how many items a worker is given at a time, at most 65536; 0 for as many as take some milliseconds
 *
 * Sets [property@Ferry.Map:chunk-size]. May be called at any time, and counts for the chunks that are made then. On the
 * router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_chunk_size (FerryMap *self, guint chunk_size)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  g_return_if_fail (chunk_size <= FERRY_MAP_MAX_CHUNK_SIZE);
  ferry_return_if_elsewhere (self->home);

  if (self->chunk_size == chunk_size)
    return;
  self->chunk_size = chunk_size;
  ferry_map_notify (self, FERRY_MAP_PROP_CHUNK_SIZE);
}

/**
 * ferry_map_set_max_in_flight:
 * @self: a map
 * @max_in_flight: how many items may be in flight; 0 for what keeps the workers busy
 *
 * Sets [property@Ferry.Map:max-in-flight]. May be called at any time. A lower number takes nothing back. On the
 * router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_max_in_flight (FerryMap *self, guint max_in_flight)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  g_return_if_fail (max_in_flight <= G_MAXINT);
  ferry_return_if_elsewhere (self->home);

  if (self->max_in_flight == max_in_flight)
    return;
  self->max_in_flight = max_in_flight;
  ferry_map_notify (self, FERRY_MAP_PROP_MAX_IN_FLIGHT);
  if (self->feeding)
    ferry_map_pump (self);
}

/**
 * ferry_map_set_run_timeout:
 * @self: a map that was not started, and to which no item was added
 * @timeout: microseconds; 0 for none, which it is at first
 *
 * Sets how long an item may take once it is begun, as [method@Ferry.Task.set_run_timeout] does for a task. When the
 * time is over, the item fails with %FERRY_ERROR_TIMED_OUT at once, and the others go on; the worker is asked to stop,
 * and ended when it does not. Items with a limit are given to workers one by one, whatever
 * [property@Ferry.Map:chunk-size] says. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_run_timeout (FerryMap *self, gint64 timeout)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_fail (!self->feeding, "the map has begun; set the limit before ferry_map_start() or the first item");
  g_return_if_fail (timeout >= 0);
  ferry_return_if_elsewhere (self->home);

  self->run_timeout = timeout;
}

/**
 * ferry_map_set_priority:
 * @self: a map
 * @priority: the priority of the map's chunks
 *
 * Sets [property@Ferry.Map:priority]. May be called at any time, and counts for the chunks that are made then. On the
 * router's thread.
 *
 * Since: 0.1
 */
void
ferry_map_set_priority (FerryMap *self, int priority)
{
  g_return_if_fail (FERRY_IS_MAP (self));
  ferry_return_if_elsewhere (self->home);

  if (self->priority == priority)
    return;
  self->priority = priority;
  ferry_map_notify (self, FERRY_MAP_PROP_PRIORITY);
}

/**
 * ferry_map_get_executor:
 * @self: a map
 *
 * The executor that runs the map's chunks. Any thread.
 *
 * Returns: (transfer none): the executor
 *
 * Since: 0.1
 */
FerryExecutor *
ferry_map_get_executor (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);

  return self->executor;
}

/**
 * ferry_map_get_function:
 * @self: a map
 *
 * The name of the function that is applied to the items. Any thread.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
ferry_map_get_function (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);

  return self->function;
}

/**
 * ferry_map_get_order:
 * @self: a map
 *
 * In which order results come. Any thread.
 *
 * Returns: the order
 *
 * Since: 0.1
 */
FerryMapOrder
ferry_map_get_order (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), FERRY_MAP_ORDERED);

  return self->order;
}

/**
 * ferry_map_get_chunk_size:
 * @self: a map
 *
 * What [property@Ferry.Map:chunk-size] was set to. On the router's thread.
 *
 * Returns: the number of items, or 0
 *
 * Since: 0.1
 */
guint
ferry_map_get_chunk_size (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->chunk_size;
}

/**
 * ferry_map_get_max_in_flight:
 * @self: a map
 *
 * What [property@Ferry.Map:max-in-flight] was set to. On the router's thread.
 *
 * Returns: the number of items, or 0
 *
 * Since: 0.1
 */
guint
ferry_map_get_max_in_flight (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->max_in_flight;
}

/**
 * ferry_map_get_in_flight_limit:
 * @self: a map
 *
 * How many items may be in flight as things are: [property@Ferry.Map:max-in-flight] where that was set, and else what
 * it says. That may change while the map finds out how long items take, and with the pool's workers. On the router's
 * thread.
 *
 * Returns: the number of items
 *
 * Since: 0.1
 */
guint64
ferry_map_get_in_flight_limit (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return ferry_map_get_bound (self);
}

/**
 * ferry_map_get_n_in_flight:
 * @self: a map
 *
 * How many items are in flight: added or taken from the input, and their results not taken yet. While that is less than
 * [method@Ferry.Map.get_in_flight_limit], and nothing waits in [method@Ferry.Map.add_async], one more can be added. On
 * the router's thread.
 *
 * Returns: the number of items
 *
 * Since: 0.1
 */
guint64
ferry_map_get_n_in_flight (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return ferry_map_count_in_flight (self);
}

/**
 * ferry_map_get_priority:
 * @self: a map
 *
 * The priority of the map's chunks. On the router's thread.
 *
 * Returns: the priority
 *
 * Since: 0.1
 */
int
ferry_map_get_priority (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->priority;
}

/**
 * ferry_map_get_n_submitted:
 * @self: a map
 *
 * How many items were taken from the input. On the router's thread.
 *
 * Returns: the number of items
 *
 * Since: 0.1
 */
guint64
ferry_map_get_n_submitted (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->n_submitted;
}

/**
 * ferry_map_get_n_done:
 * @self: a map
 *
 * How many items came to their end, those that failed among them. On the router's thread.
 *
 * Returns: the number of items
 *
 * Since: 0.1
 */
guint64
ferry_map_get_n_done (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->n_come;
}

/**
 * ferry_map_get_n_failed:
 * @self: a map
 *
 * How many items failed. On the router's thread.
 *
 * Returns: the number of items
 *
 * Since: 0.1
 */
guint64
ferry_map_get_n_failed (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), 0);
  ferry_return_val_if_elsewhere (self->home, 0);

  return self->n_failed;
}

/**
 * ferry_map_get_finished:
 * @self: a map
 *
 * Whether the map came to its end; see [signal@Ferry.Map::finished]. On the router's thread.
 *
 * Returns: %TRUE when the map came to its end
 *
 * Since: 0.1
 */
gboolean
ferry_map_get_finished (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), FALSE);
  ferry_return_val_if_elsewhere (self->home, FALSE);

  return self->finished;
}

/**
 * ferry_map_get_error:
 * @self: a map
 *
 * Why items were not taken from the input to its end; see [property@Ferry.Map:error]. On the router's thread.
 *
 * Returns: (transfer none) (nullable): the error
 *
 * Since: 0.1
 */
const GError *
ferry_map_get_error (FerryMap *self)
{
  g_return_val_if_fail (FERRY_IS_MAP (self), NULL);
  ferry_return_val_if_elsewhere (self->home, NULL);

  return self->error;
}

/**
 * ferry_map_get_fraction:
 * @self: a map
 *
 * How many of all items came to their end. On the router's thread.
 *
 * Returns: from 0 to 1; negative as long as nobody knows how many items there will be
 *
 * Since: 0.1
 */
double
ferry_map_get_fraction (FerryMap *self)
{
  guint64 rest;

  g_return_val_if_fail (FERRY_IS_MAP (self), -1);
  ferry_return_val_if_elsewhere (self->home, -1);

  rest = self->input_ended ? 0 : ferry_map_input_get_rest (&self->input);
  if (rest == G_MAXUINT64)
    return -1;
  return self->n_submitted + rest > 0 ? (double) self->n_come / (double) (self->n_submitted + rest) : 1;
}
