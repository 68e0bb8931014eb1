/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a list has its rows do in its way. The thread that runs GTK. */

#pragma once

#include "gtk/ferry-task-actions-private.h"
#include "gtk/ferry-task-row.h"

G_BEGIN_DECLS

/* From now on the row has func do what changes the list, and show errors. */
void ferry_task_row_set_func (FerryTaskRow *self, FerryTaskRowFunc func, gpointer data);
/* (nullable) (transfer none): the task. */
FerryTask *ferry_task_row_get_task (FerryTaskRow *self);
void ferry_task_row_set_task (FerryTaskRow *self, FerryTask *task);
/* Whether func removes tasks that have ended, also those of no executor. */
void ferry_task_row_set_can_remove (FerryTaskRow *self, gboolean can_remove);
void ferry_task_row_set_executor (FerryTaskRow *self, FerryExecutor *executor);

G_END_DECLS
