/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "gtk/ferry-task-list.h"

G_BEGIN_DECLS

/* The list is as high as its rows, up to that many pixels. */
void ferry_task_list_set_max_height (FerryTaskList *self, int height);

/* func: called when tasks were removed that an undo may bring back, or when there are such tasks no more. */
void ferry_task_list_set_removed_func (FerryTaskList *self, void (*func) (gpointer data), gpointer data);
/* How many such tasks there are. The executor has them still. */
guint ferry_task_list_count_removed (FerryTaskList *self);
gboolean ferry_task_list_has_removed (FerryTaskList *self, FerryTask *task);

/* Gives the focus to the first row whose task failed; to the first one where none did. */
void ferry_task_list_focus_first (FerryTaskList *self);

G_END_DECLS
