/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/told-task.h"

#include "task/lone-task.h"

/* What a task is submitted to outlives it. */
static TaskTestExecutor executor;

FerryTask *
told_task_new (void)
{
  return task_test_new (&executor);
}

FerryTask *
told_task_new_executing (void)
{
  return task_test_new_executing (&executor);
}

gboolean
told_task_report (FerryTask *task, double fraction, const char *text)
{
  FerryProgress progress = task_test_progress (fraction, text);

  return ferry_run_take_progress (ferry_task_get_run (task), &progress);
}

gboolean
told_task_take_fraction_back (FerryTask *task, const char *text)
{
  return told_task_report (task, FERRY_FRACTION_TAKEN_BACK, text);
}

gboolean
told_task_complete (FerryTask *task, GVariant *result)
{
  return ferry_run_complete (ferry_task_get_run (task), result);
}

gboolean
told_task_fail (FerryTask *task, const char *message, const char *trace)
{
  return ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_ERROR, task_test_error (message), trace, NULL);
}

gboolean
told_task_lose (FerryTask *task)
{
  return ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_LOST, task_test_error ("gone"), NULL, NULL);
}
