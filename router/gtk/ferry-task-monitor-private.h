/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a monitor says of a task, and from where it knows. */

#pragma once

#include "gtk/ferry-task-monitor.h"
#include "gtk/ferry-task-outcome.h"

G_BEGIN_DECLS

/* What an application says of a task's end: see ferry-task-outcome.c. */
#define FERRY_TYPE_TASK_OUTCOME (ferry_task_outcome_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskOutcome, ferry_task_outcome, FERRY, TASK_OUTCOME, GObject)

/* The outcome of the task, which has it for as long as it lives. It emits "changed". */
FerryTaskOutcome *ferry_task_outcome_of (FerryTask *task);
/* (nullable): the detail; NULL while the application has said nothing. */
const char *ferry_task_outcome_get (FerryTaskOutcome *self, FerryTaskStatus *status);

/* A monitor with a bar beside it, and looks of a monitor for tests with a time of their own. */

/* How often a monitor looks at a task that runs. */
#define FERRY_TASK_MONITOR_INTERVAL_MILLISECONDS 125

/* Whether what shows the words has a bar beside them, which says how many percent of the task are done. */
void ferry_task_monitor_set_has_bar (FerryTaskMonitor *self, gboolean has_bar);

/* Looks at the task, and notifies of what has changed. now is monotonic, in microseconds. */
void ferry_task_monitor_look (FerryTaskMonitor *self, gint64 now);

G_END_DECLS
