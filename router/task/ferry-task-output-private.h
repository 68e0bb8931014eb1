/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker prints, for the task of it that fails.
 *
 * Lines and answers come by different ways. But each line comes with the call that it is of, and a worker answers a
 * call that fails only when its lines were read: they come before the answer. Lines of later calls may as well.
 *
 * Owner:   the pool's worker.
 * Threads: the router's. */

#pragma once

#include "task/ferry-task.h"

G_BEGIN_DECLS

/* Zero-initialised: nothing was printed. */
typedef struct
{
  GQueue lines; /* (element-type Line) (owned): of calls that have not ended, the oldest first */
} FerryTaskOutput;

/* The worker has printed a line in a call. */
void ferry_task_output_add (FerryTaskOutput *self, guint64 call, const char *line);
/* The call has ended. failed: (nullable): its task, which gets its lines. */
void ferry_task_output_end (FerryTaskOutput *self, guint64 call, FerryTask *failed);
void ferry_task_output_clear (FerryTaskOutput *self);

G_END_DECLS
