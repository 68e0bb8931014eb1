/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of a list of workers. */

#pragma once

#include <ferry.h>
#include <glib.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

/* How much of a processor and of the memory a process uses, as the system tells it: one small file is read. */
typedef struct
{
  guint64 started; /* when the process was started, in ticks since the system's start; 0: not looked at yet */
  guint64 ticks;   /* processor time by then */
  gint64 at;       /* monotonic time of the latest look */
  double share;    /* of one processor between the latest two looks; negative: not known */
  guint64 memory;  /* resident, in bytes */
} FerryWorkerUsage;

#define FERRY_WORKER_USAGE_INIT                                                                                        \
  {                                                                                                                    \
    .share = -1.0                                                                                                      \
  }

/* Any thread. Returns FALSE, and knows nothing, where the process is gone or cannot be looked at.
 * identifier: (nullable): FerryWorker:identifier. now: monotonic. */
gboolean ferry_worker_usage_look (FerryWorkerUsage *self, const char *identifier, gint64 now);

/* A worker of a pool as a row: what it is, what it does, what it uses, and a button that ends it. */
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
