/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-gtk.h>, not this header."
#endif

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

/**
 * FerryTaskRowParts:
 * @FERRY_TASK_ROW_PARTS_BAR: The bar, which is there while the task runs.
 * @FERRY_TASK_ROW_PARTS_PACE: How fast the task is, and for how long it has run. A narrow row leaves it out.
 * @FERRY_TASK_ROW_PARTS_BUTTONS: The buttons.
 *
 * Parts of a row that can be left out.
 */
typedef enum
{
  FERRY_TASK_ROW_PARTS_BAR = 1 << 0,
  FERRY_TASK_ROW_PARTS_PACE = 1 << 1,
  FERRY_TASK_ROW_PARTS_BUTTONS = 1 << 2,
} FerryTaskRowParts;

#define FERRY_TYPE_TASK_ROW (ferry_task_row_get_type ())
FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryTaskRow, ferry_task_row, FERRY, TASK_ROW, GtkWidget)

FERRY_AVAILABLE_IN_0_1
GtkWidget *ferry_task_row_new (FerryTask *task, FerryExecutor *executor) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_task_row_set_prefix (FerryTaskRow *self, GtkWidget *prefix);
FERRY_AVAILABLE_IN_0_1
void ferry_task_row_set_suffix (FerryTaskRow *self, GtkWidget *suffix);
FERRY_AVAILABLE_IN_0_1
void ferry_task_row_set_parts (FerryTaskRow *self, FerryTaskRowParts parts);
FERRY_AVAILABLE_IN_0_1
void ferry_task_row_set_compact (FerryTaskRow *self, gboolean compact);

G_END_DECLS
