/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

#include "ferry-demo-card.h"

G_BEGIN_DECLS

/* A task in the window's list. Rows are recycled, so the task changes. */

#define FERRY_DEMO_TYPE_ROW (ferry_demo_row_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoRow, ferry_demo_row, FERRY_DEMO, ROW, GtkWidget)

FerryTask *ferry_demo_row_get_task (FerryDemoRow *self);

G_END_DECLS
