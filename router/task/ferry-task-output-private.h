/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker prints, for the tasks of it that fail.
 *
 * The lines of a worker and its answers come by different ways. So a line that comes behind the failure of a task is
 * given to that task as well, unless the worker has another one by then: that may be whose line it is. A line
 * that is read beside the answers of several tasks may still be found at another one of these.
 *
 * Owner:   the pool's worker.
 * Threads: the router's. */

#pragma once

#include "task/ferry-task.h"

G_BEGIN_DECLS

/* Zero-initialised: nothing was printed. */
typedef struct
{
  GQueue lines;      /* (element-type utf8) (owned): since the latest answer, the oldest first */
  GWeakRef task;     /* may be empty: the one that failed with the latest answer */
  gboolean has_task; /* task was set: to empty it at each answer would take a lock of GLib's each time */
} FerryTaskOutput;

/* The worker has printed a line; whether it has no task. */
void ferry_task_output_add (FerryTaskOutput *self, const char *line, gboolean is_idle);
/* The task fails: it gets what was printed, and what comes late. */
void ferry_task_output_give (FerryTaskOutput *self, FerryTask *task);
/* What is printed from now on is of no task that has ended. */
void ferry_task_output_clear (FerryTaskOutput *self);

G_END_DECLS
