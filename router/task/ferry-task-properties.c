/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The properties of a task. Notifications are on the router's thread. */

#include "config.h"

#include "task/ferry-task-fields-private.h"

#include "ferry-enums.h"

#define READABLE (G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)
#define AT_START (READABLE | G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY)

static GParamSpec *properties[FERRY_TASK_N_PROPERTIES];

/* main */
void
ferry_task_notify (FerryTask *self, FerryTaskProperty property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static void
install_identity (void)
{
  /**
   * FerryTask:name:
   *
   * What the task is called where it is shown: its function's name and a number, unless it was given another.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, READABLE);
  /**
   * FerryTask:kind:
   *
   * What the function does on its way to the result.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_KIND] =
    g_param_spec_enum ("kind", NULL, NULL, FERRY_TYPE_TASK_KIND, FERRY_TASK_KIND_CALL, AT_START);
  /**
   * FerryTask:function:
   *
   * The name of the function that a worker runs.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_FUNCTION] = g_param_spec_string ("function", NULL, NULL, NULL, AT_START);
  /**
   * FerryTask:arguments:
   *
   * The arguments of the function.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_ARGUMENTS] =
    g_param_spec_variant ("arguments", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, AT_START);
  /**
   * FerryTask:priority:
   *
   * The priority in the queue; tasks with a higher one go first.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_PRIORITY] = g_param_spec_int ("priority", NULL, NULL, G_MININT, G_MAXINT, 0, READABLE);
}

static void
install_states (void)
{
  /**
   * FerryTask:state:
   *
   * How far the task has come.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, FERRY_TYPE_TASK_STATE, FERRY_TASK_STATE_WAITING, READABLE);
  /**
   * FerryTask:done:
   *
   * Whether the task is completed, failed or cancelled.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_DONE] = g_param_spec_boolean ("done", NULL, NULL, FALSE, READABLE);
  /**
   * FerryTask:cancellable:
   *
   * Whether [method@Ferry.Task.cancel] would do something: the task waits, or executes and was not cancelled.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_CANCELLABLE] = g_param_spec_boolean ("cancellable", NULL, NULL, TRUE, READABLE);
  /**
   * FerryTask:pid:
   *
   * The process that runs the task, or ran it; 0 before. Another process may have that number once the task is done.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_PID] = g_param_spec_int ("pid", NULL, NULL, 0, G_MAXINT, 0, READABLE);
  /**
   * FerryTask:n-attempts:
   *
   * How often a worker began the task.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_N_ATTEMPTS] = g_param_spec_uint ("n-attempts", NULL, NULL, 0, G_MAXUINT, 0, READABLE);
}

static void
install_progress (void)
{
  /**
   * FerryTask:fraction:
   *
   * How much of the work is done, from 0 to 1; -1 when nobody knows. It never goes back while an attempt lasts; where
   * an attempt is lost, the next one starts at 0. A completed task that had a fraction has 1.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, -1, 1, -1, READABLE);
  /**
   * FerryTask:message:
   *
   * The latest text that the function reported with its progress.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, READABLE);
  /**
   * FerryTask:amount:
   *
   * How much is done, in units, as the function reported it latest.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_AMOUNT] = g_param_spec_uint64 ("amount", NULL, NULL, 0, G_MAXUINT64, 0, READABLE);
  /**
   * FerryTask:total:
   *
   * How much there is to do, in units, as the function reported it latest; 0 when it is not known.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_TOTAL] = g_param_spec_uint64 ("total", NULL, NULL, 0, G_MAXUINT64, 0, READABLE);
  /**
   * FerryTask:unit:
   *
   * What the amount is counted in, as the function reported it latest.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_UNIT] = g_param_spec_string ("unit", NULL, NULL, NULL, READABLE);
}

static void
install_times_and_ends (void)
{
  /**
   * FerryTask:submit-time:
   *
   * When the task was submitted, in monotonic microseconds; 0 before. There is no notification of it.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_SUBMIT_TIME] = g_param_spec_int64 ("submit-time", NULL, NULL, 0, G_MAXINT64, 0, READABLE);
  /**
   * FerryTask:start-time:
   *
   * When a worker began the latest attempt, in monotonic microseconds; 0 while the task waits.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_START_TIME] = g_param_spec_int64 ("start-time", NULL, NULL, 0, G_MAXINT64, 0, READABLE);
  /**
   * FerryTask:end-time:
   *
   * When the task was done, in monotonic microseconds; 0 before.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_END_TIME] = g_param_spec_int64 ("end-time", NULL, NULL, 0, G_MAXINT64, 0, READABLE);
  /**
   * FerryTask:result:
   *
   * The result, once the task is completed, if it has one.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_RESULT] = g_param_spec_variant ("result", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, READABLE);
  /**
   * FerryTask:error:
   *
   * Why the task failed.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, READABLE);
  /**
   * FerryTask:exit:
   *
   * How the worker ended that was lost with the task.
   *
   * Since: 0.1
   */
  properties[FERRY_TASK_PROP_EXIT] = g_param_spec_boxed ("exit", NULL, NULL, FERRY_TYPE_EXIT, READABLE);
}

static void
get_identity (FerryTask *self, FerryTaskProperty property, GValue *value)
{
  switch (property)
    {
    case FERRY_TASK_PROP_NAME:
      g_value_set_string (value, ferry_task_get_name (self));
      break;
    case FERRY_TASK_PROP_KIND:
      g_value_set_enum (value, ferry_task_get_kind (self));
      break;
    case FERRY_TASK_PROP_FUNCTION:
      g_value_set_string (value, ferry_task_get_function (self));
      break;
    case FERRY_TASK_PROP_ARGUMENTS:
      g_value_set_variant (value, ferry_task_get_arguments (self));
      break;
    case FERRY_TASK_PROP_PRIORITY:
      g_value_set_int (value, ferry_task_get_priority (self));
      break;
    case FERRY_TASK_PROP_STATE:
      g_value_set_enum (value, ferry_task_get_state (self));
      break;
    case FERRY_TASK_PROP_DONE:
      g_value_set_boolean (value, ferry_task_get_done (self));
      break;
    case FERRY_TASK_PROP_CANCELLABLE:
      g_value_set_boolean (value, ferry_task_get_cancellable (self));
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
get_progress (FerryTask *self, FerryTaskProperty property, GValue *value)
{
  switch (property)
    {
    case FERRY_TASK_PROP_FRACTION:
      g_value_set_double (value, ferry_task_get_fraction (self));
      break;
    case FERRY_TASK_PROP_MESSAGE:
      g_value_set_string (value, ferry_task_get_message (self));
      break;
    case FERRY_TASK_PROP_AMOUNT:
      g_value_set_uint64 (value, ferry_task_get_amount (self));
      break;
    case FERRY_TASK_PROP_TOTAL:
      g_value_set_uint64 (value, ferry_task_get_total (self));
      break;
    case FERRY_TASK_PROP_UNIT:
      g_value_set_string (value, ferry_task_get_unit (self));
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
get_run (FerryTask *self, FerryTaskProperty property, GValue *value)
{
  switch (property)
    {
    case FERRY_TASK_PROP_PID:
      g_value_set_int (value, ferry_task_get_pid (self));
      break;
    case FERRY_TASK_PROP_N_ATTEMPTS:
      g_value_set_uint (value, ferry_task_get_n_attempts (self));
      break;
    case FERRY_TASK_PROP_SUBMIT_TIME:
      g_value_set_int64 (value, ferry_task_get_submit_time (self));
      break;
    case FERRY_TASK_PROP_START_TIME:
      g_value_set_int64 (value, ferry_task_get_start_time (self));
      break;
    case FERRY_TASK_PROP_END_TIME:
      g_value_set_int64 (value, ferry_task_get_end_time (self));
      break;
    case FERRY_TASK_PROP_RESULT:
      if (ferry_task_check_readable (self, G_STRFUNC))
        g_value_set_variant (value, ferry_task_get_private (self)->result);
      break;
    case FERRY_TASK_PROP_ERROR:
      g_value_set_boxed (value, ferry_task_get_error (self));
      break;
    case FERRY_TASK_PROP_EXIT:
      g_value_set_boxed (value, ferry_task_get_exit (self));
      break;
    default:
      g_assert_not_reached ();
    }
}

static void
get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryTask *self = FERRY_TASK (object);

  if (property_id <= FERRY_TASK_PROP_CANCELLABLE)
    get_identity (self, property_id, value);
  else if (property_id <= FERRY_TASK_PROP_UNIT)
    get_progress (self, property_id, value);
  else if (property_id < FERRY_TASK_N_PROPERTIES)
    get_run (self, property_id, value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryTaskPrivate *priv = ferry_task_get_private (FERRY_TASK (object));

  switch (property_id)
    {
    case FERRY_TASK_PROP_KIND:
      priv->kind = g_value_get_enum (value);
      break;
    case FERRY_TASK_PROP_FUNCTION:
      priv->function = g_value_dup_string (value);
      break;
    case FERRY_TASK_PROP_ARGUMENTS:
      priv->arguments = g_value_dup_variant (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

void
ferry_task_install_properties (FerryTaskClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = get_property;
  object_class->set_property = set_property;
  install_identity ();
  install_states ();
  install_progress ();
  install_times_and_ends ();
  g_object_class_install_properties (object_class, FERRY_TASK_N_PROPERTIES, properties);
}
