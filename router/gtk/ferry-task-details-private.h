/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* All that is known of why a task failed, to read and to copy. The thread that runs GTK. */

#pragma once

#include "gtk/ferry-task-actions-private.h"

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_DETAILS (ferry_task_details_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskDetails, ferry_task_details, FERRY, TASK_DETAILS, GtkWindow)

/* Opens a window over that of the widget, for a task that failed. func: (nullable): what tries the task again, for
 * owner; NULL where that is not possible. */
void ferry_task_details_present (FerryTask *task, GtkWidget *widget, FerryTaskRowFunc func, gpointer owner);
/* The same as text; empty for a task that has not failed. */
char *ferry_task_dup_error_report (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
