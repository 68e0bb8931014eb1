/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ends of tasks, read out to those who do not see their list. The thread that runs GTK. */

#pragma once

#include "gtk/ferry-task-tally-private.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_ENDS (ferry_task_ends_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskEnds, ferry_task_ends, FERRY, TASK_ENDS, GObject)

/* list, line: (unowned): as ferry_announce() has them; until the end. */
FerryTaskEnds *ferry_task_ends_new (GtkWidget *list, GtkWidget *line) G_GNUC_WARN_UNUSED_RESULT;
/* tally: (nullable): of the tasks. */
void ferry_task_ends_set_tally (FerryTaskEnds *self, FerryTaskTally *tally);
/* What has ended before is not read out. */
void ferry_task_ends_pass_over (FerryTaskEnds *self);

G_END_DECLS
