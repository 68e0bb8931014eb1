/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What was removed from a list and can be put back for some seconds, and the bar that says so. The thread that runs
 * GTK. */

#pragma once

#include "gtk/ferry-task-tally-private.h"

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_UNDO (ferry_task_undo_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskUndo, ferry_task_undo, FERRY, TASK_UNDO, GObject)

/* ended: called when the time is over; it takes the tasks; changed: called when another list has removed some, or has
 * none of them any more. */
FerryTaskUndo *ferry_task_undo_new (void (*ended) (gpointer data), void (*changed) (gpointer data),
                                    gpointer data) G_GNUC_WARN_UNUSED_RESULT;
/* (transfer none): the bar, whose button activates "task.undo". */
GtkWidget *ferry_task_undo_get_bar (FerryTaskUndo *self);
/* is_stopped: it waited, and was cancelled; to put it back is to submit it again. */
void ferry_task_undo_add (FerryTaskUndo *self, FerryTask *task, gboolean is_stopped);
/* Shows the bar, and begins the time anew. */
void ferry_task_undo_begin (FerryTaskUndo *self);
guint ferry_task_undo_count (FerryTaskUndo *self);
/* (transfer full) (nullable): what the bar says; NULL where nothing can be put back. */
char *ferry_task_undo_dup_words (FerryTaskUndo *self) G_GNUC_WARN_UNUSED_RESULT;
/* Whether the application shows it, in place of the bar. */
void ferry_task_undo_set_elsewhere (FerryTaskUndo *self, gboolean is_elsewhere);
gboolean ferry_task_undo_is_elsewhere (FerryTaskUndo *self);
/* How many of them have failed. */
guint ferry_task_undo_count_failed (FerryTaskUndo *self);
/* Whether any list has removed it, and can put it back. */
gboolean ferry_task_undo_hides (gpointer task);
/* How many of the executors' tasks other lists have removed, and how many of them have failed. */
guint ferry_task_undo_count_elsewhere (FerryTaskUndo *self, FerryTaskTally *tally, guint *n_failed);
gboolean ferry_task_undo_is_stopped (FerryTaskUndo *self, gpointer task);
/* (transfer none) (element-type FerryTask): a set. */
GHashTable *ferry_task_undo_get_tasks (FerryTaskUndo *self);
/* (transfer full): the same; there is nothing to put back from now on, and no bar. */
GHashTable *ferry_task_undo_take_tasks (FerryTaskUndo *self) G_GNUC_WARN_UNUSED_RESULT;
/* Gives the button the focus as soon as it can have it. */
void ferry_task_undo_grab_focus (FerryTaskUndo *self);

G_END_DECLS
