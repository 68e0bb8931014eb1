/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks that wait, by priority and then in the order of their coming. Each is in it by its placement's link.
 *
 * Threads: one at a time. */

#pragma once

#include "task/ferry-task-private.h"

G_BEGIN_DECLS

typedef struct _FerryTaskQueue FerryTaskQueue;

FerryTaskQueue *ferry_task_queue_new (void);
/* An empty one. */
void ferry_task_queue_free (FerryTaskQueue *self);
/* The queue takes no references: whoever keeps the task's placement keeps the task. */
void ferry_task_queue_push (FerryTaskQueue *self, FerryTask *task, gboolean at_front);
void ferry_task_queue_remove (FerryTaskQueue *self, FerryTask *task);
FerryTask *ferry_task_queue_peek (FerryTaskQueue *self);
/* Those that wait now, the next one first, with references. */
GPtrArray *ferry_task_queue_list (FerryTaskQueue *self);

G_END_DECLS
