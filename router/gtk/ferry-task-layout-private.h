/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the parts of a row are. The thread that runs GTK. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* What rows of a list have in common, so that all are of the same height. */
typedef struct
{
  int side_height; /* of the highest side of all of them */
  int row_height;
  void (*grown) (
    gpointer owner); /* (nullable): the side is higher, as rows that have their place already do not know */
  gpointer owner;
} FerryTaskShape;

#define FERRY_TYPE_TASK_LAYOUT (ferry_task_layout_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskLayout, ferry_task_layout, FERRY, TASK_LAYOUT, GtkLayoutManager)

/* The shape must be there as long as the layout is asked; NULL for a row that stands alone. */
void ferry_task_layout_set_shape (FerryTaskLayout *self, FerryTaskShape *shape);

/* Whether the row has a bar while its task has not ended. */
void ferry_task_layout_set_has_bar (FerryTaskLayout *self, gboolean has_bar);

G_END_DECLS
