/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What every carrier does with its tasks. See ferry-task-carrier-private.h. */

#include "config.h"

#include "task/ferry-task-carrier-private.h"

#include "base/ferry-base-private.h"
#include "process/ferry-function-private.h"

gint64
ferry_carrier_get_run_deadline (FerryTask *task)
{
  gint64 timeout = ferry_task_get_settings (task)->run_timeout;

  return ferry_task_get_deadline_of (task, timeout > 0 ? g_get_monotonic_time () : 0, timeout);
}

static void
set_limit (FerryTask *task, FerryTimers *limits, gint64 deadline, void (*func) (gpointer data))
{
  FerryTimer *timer = &ferry_task_get_placement (task)->timer;

  if (deadline > 0)
    ferry_timers_set (limits, timer, deadline, func, task);
  else
    ferry_timers_unset (limits, timer);
}

void
ferry_carrier_hold_limit (FerryTask *task, FerryTimers *limits, void (*func) (gpointer data))
{
  FerryTaskPlacement *placement = ferry_task_get_placement (task);
  gint64 deadline = ferry_task_get_settings (task)->deadline;

  placement->time_left = 0;
  if (ferry_timer_is_set (&placement->timer) && placement->timer.deadline.time != deadline)
    placement->time_left = MAX (placement->timer.deadline.time - g_get_monotonic_time (), 1);
  set_limit (task, limits, deadline, func);
}

gint64
ferry_carrier_resume_limit (FerryTask *task, FerryTimers *limits, void (*func) (gpointer data))
{
  FerryTaskPlacement *placement = ferry_task_get_placement (task);
  gint64 deadline = ferry_task_get_deadline_of (task, g_get_monotonic_time (), placement->time_left);

  placement->time_left = 0;
  set_limit (task, limits, deadline, func);
  return deadline;
}

GError *
ferry_carrier_new_run_error (FerryTask *task)
{
  gint64 deadline = ferry_task_get_settings (task)->deadline;

  if (deadline > 0 && deadline <= g_get_monotonic_time ())
    return g_error_new (
      FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
      "Task '%s' was still running at its deadline; set a later deadline, or give the task less to do",
      ferry_task_get_name (task));
  return g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                      "Task '%s' ran for longer than its limit of %.15g ms; raise FerryTask:run-timeout, or give "
                      "the task less to do",
                      ferry_task_get_name (task),
                      (double) ferry_task_get_settings (task)->run_timeout / FERRY_MICROSECONDS_PER_MILLISECOND);
}

void
ferry_carrier_fail (FerryTask *task, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit)
{
  FerryTaskSource *source = ferry_carrier_get_source (task);

  if (ferry_task_get_done (task))
    {
      ferry_task_note_late_error (task, error, trace);
      g_error_free (error);
      return;
    }
  if (ferry_task_fail (task, event, error, trace, exit))
    source->done (source, task);
}

void
ferry_carrier_give_back (FerryTask *task)
{
  FerryTaskSource *source = ferry_carrier_get_source (task);
  FerryTaskState state = ferry_task_get_state (task);

  if (ferry_task_get_done (task))
    return;
  if (ferry_task_end_as_answered (task))
    {
      source->done (source, task);
      return;
    }
  if (state == FERRY_TASK_STATE_CANCELLING)
    {
      if (ferry_task_give_back (task))
        source->done (source, task);
      return;
    }
  source->give_back (source, task);
  if (state == FERRY_TASK_STATE_EXECUTING)
    ferry_task_give_back (task);
}

void
ferry_carrier_complete (FerryTask *task, GVariant *result)
{
  const FerryFunctionEntry *entry = ferry_function_find (ferry_task_get_function (task));
  FerryTaskSource *source = ferry_carrier_get_source (task);
  g_autoptr (GError) error = NULL;

  if (ferry_task_get_done (task))
    return;
  if (entry != NULL && !ferry_function_check_result (entry, result, &error))
    ferry_carrier_fail (task, FERRY_TASK_EVENT_ERROR, g_steal_pointer (&error), NULL, NULL);
  else if (ferry_task_complete (task, result))
    source->done (source, task);
}
