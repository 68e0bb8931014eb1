/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What other widgets have of a list of tasks. The thread that runs GTK. */

#pragma once

#include "gtk/ferry-task-list.h"

G_BEGIN_DECLS

/* func: called when tasks were removed that an undo may bring back, or when there are such tasks no more. */
void ferry_task_list_set_removed_func (FerryTaskList *self, void (*func) (gpointer data), gpointer data);
/* How many such tasks there are. The executor has them still. */
guint ferry_task_list_count_removed (FerryTaskList *self);
/* FerryTaskList:n-failed, as it is now. */
guint ferry_task_list_count_failed (FerryTaskList *self);

/* Gives the focus to the first row whose task failed; where none did, to the first one whose task has not ended. */
void ferry_task_list_focus_first (FerryTaskList *self);

G_END_DECLS
