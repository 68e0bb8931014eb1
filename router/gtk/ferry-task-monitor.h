/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-gtk.h>, not this header."
#endif

#include <ferry.h>
#include <gtk/gtk.h>

#include "gtk/ferry-task-status.h"

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_MONITOR (ferry_task_monitor_get_type ())
FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryTaskMonitor, ferry_task_monitor, FERRY, TASK_MONITOR, GObject)

FERRY_AVAILABLE_IN_0_1
FerryTaskMonitor *ferry_task_monitor_new (FerryTask *task, GtkWidget *widget) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
