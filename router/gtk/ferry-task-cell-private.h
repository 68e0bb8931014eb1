/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The place of a row in a list: as high as rows are, and with a row while it is in sight. The thread that runs GTK. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_CELL (ferry_task_cell_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskCell, ferry_task_cell, FERRY, TASK_CELL, GtkWidget)

/* last_height is one for all cells of a list, and must outlive them. A cell with a row sets it to the height of that,
 * and a cell without one is as high. */
GtkWidget *ferry_task_cell_new (int *last_height) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): the row that is there. */
GtkWidget *ferry_task_cell_get_row (FerryTaskCell *self);
/* The cell has no row. */
void ferry_task_cell_put_row (FerryTaskCell *self, GtkWidget *row);
/* (transfer full) (nullable): the row, which is there no more. */
GtkWidget *ferry_task_cell_take_row (FerryTaskCell *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
