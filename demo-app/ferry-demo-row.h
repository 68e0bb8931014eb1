/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

#include "ferry-demo-job.h"

G_BEGIN_DECLS

/* A job in the window's list. Rows are recycled, so the job changes. */

#define FERRY_DEMO_TYPE_ROW (ferry_demo_row_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoRow, ferry_demo_row, FERRY_DEMO, ROW, GtkWidget)

G_END_DECLS
