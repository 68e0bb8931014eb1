/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rows of a list of tasks: a view, whose items have a row while they are in sight. The thread that runs GTK.
 *
 * Signals: setup (FerryTaskRow), for each row that is made; show (FerryTaskRow, FerryTask), for a row that is to show
 * that task; moved, when other rows may be in sight than before, and ferry_task_rows_show() is to come in the next
 * frame; looked, when other rows may be looked at. */

#pragma once

#include "gtk/ferry-task-row.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_ROWS (ferry_task_rows_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskRows, ferry_task_rows, FERRY, TASK_ROWS, GObject)

FerryTaskRows *ferry_task_rows_new (GtkSelectionModel *tasks, const char *label) G_GNUC_WARN_UNUSED_RESULT;
/* The view is about to be disposed of; there is no row any more. */
void ferry_task_rows_end (FerryTaskRows *self);
/* (transfer none): the view, in a scrolled window that is floating until it has a parent. */
GtkWidget *ferry_task_rows_get_view (FerryTaskRows *self);
GtkSelectionModel *ferry_task_rows_get_tasks (FerryTaskRows *self);

/* Gives rows to those in sight, and some around, and takes them from all others. For each frame with something new. */
void ferry_task_rows_show (FerryTaskRows *self);
/* Other rows may be in sight when the view has its layout. */
void ferry_task_rows_set_moved (FerryTaskRows *self);
/* How high the highest row is in that width, of those that are shown. */
int ferry_task_rows_measure (FerryTaskRows *self, int width);
/* How high all rows are in that width; those that are not shown, as high as the highest one that is. */
int ferry_task_rows_measure_all (FerryTaskRows *self, int width);

/* (transfer full) (element-type FerryTask): a set of the tasks that are selected or have the focus, and of those in
 * sight while the pointer is over the view: none is to move under it. */
GHashTable *ferry_task_rows_find_looked_at (FerryTaskRows *self) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): that of the row which has the focus, or has what has it. */
GtkListItem *ferry_task_rows_find_focus (FerryTaskRows *self);
/* (nullable): the row that has the focus in it. */
FerryTaskRow *ferry_task_rows_find_focus_row (FerryTaskRows *self);
/* Selects the task in that place alone; none behind the last one. */
void ferry_task_rows_select (FerryTaskRows *self, guint position);
/* Gives the focus to the task in that place. */
void ferry_task_rows_focus (FerryTaskRows *self, guint position);
/* To the row that is selected, or the one that had the focus last. Returns whether there is one. */
gboolean ferry_task_rows_enter (FerryTaskRows *self);
/* The row that has the focus was given it by a window or a popover that opened, or in the place of one that was
 * removed, and not by a user. So this does not say that somebody looks at it, nor does it that the row is selected,
 * before somebody presses a key, or the row. */
void ferry_task_rows_note_given_focus (FerryTaskRows *self);
/* The same of a row, one of whose buttons was clicked. */
void ferry_task_rows_note_click (FerryTaskRows *self);
/* From the row of the item to what is in it, and back; FALSE where the focus leaves the rows. */
gboolean ferry_task_rows_move_focus (FerryTaskRows *self, GtkListItem *item, GtkDirectionType direction);
/* Takes the focus from the rows. */
void ferry_task_rows_leave (FerryTaskRows *self);

G_END_DECLS
