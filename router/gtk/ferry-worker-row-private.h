/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker of a pool as a row: what it is, what it does, what it uses, and a button that ends it. The thread that runs
 * GTK. */

#pragma once

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_WORKER_ROW (ferry_worker_row_get_type ())
G_DECLARE_FINAL_TYPE (FerryWorkerRow, ferry_worker_row, FERRY, WORKER_ROW, GtkWidget)

GtkWidget *ferry_worker_row_new (void);
/* worker: (nullable) */
void ferry_worker_row_set_worker (FerryWorkerRow *self, FerryWorker *worker);
/* (nullable) */
FerryWorker *ferry_worker_row_get_worker (FerryWorkerRow *self);
/* Shows what the worker does and uses now. Nothing else looks at it. */
void ferry_worker_row_look (FerryWorkerRow *self);

G_END_DECLS
