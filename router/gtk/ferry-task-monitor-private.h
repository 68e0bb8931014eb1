/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A monitor with a bar beside it, and looks of a monitor for tests with a time of their own. */

#pragma once

#include "gtk/ferry-task-monitor.h"

G_BEGIN_DECLS

/* How often a monitor looks at a task that runs. */
#define FERRY_TASK_MONITOR_INTERVAL_MILLISECONDS 125

/* Whether what shows the words has a bar beside them, which says how many percent of the task are done. */
void ferry_task_monitor_set_has_bar (FerryTaskMonitor *self, gboolean has_bar);

/* Looks at the task, and notifies of what has changed. now is monotonic, in microseconds. */
void ferry_task_monitor_look (FerryTaskMonitor *self, gint64 now);

G_END_DECLS
