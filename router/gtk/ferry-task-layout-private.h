/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the parts of a row are. The thread that runs GTK. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_LAYOUT (ferry_task_layout_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskLayout, ferry_task_layout, FERRY, TASK_LAYOUT, GtkLayoutManager)

/* The row shows something else from now on, such as another task or what has become of it, and may be lower. */
void ferry_task_layout_begin (FerryTaskLayout *self, GtkWidget *row);

/* The bar is beside the name, unless the row is narrow. */
void ferry_task_layout_set_compact (FerryTaskLayout *self, gboolean is_compact);

/* There are other words about the same. The row gets higher if they need more lines, and never lower. */
void ferry_task_layout_change_words (FerryTaskLayout *self, GtkWidget *row);

G_END_DECLS
