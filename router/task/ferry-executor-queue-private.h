/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks that wait, by priority and then in the order of their submission. Each is linked by its placement.
 *
 * A sorted array has a bucket for each priority. There are few priorities and many tasks, so the time to add, remove or
 * find a task does not depend on how many wait.
 *
 * Owner:   the tasks are not owned: the executor that keeps their placements keeps them.
 * Threads: one at a time. */

#pragma once

#include "task/ferry-task-private.h"

G_BEGIN_DECLS

typedef struct
{
  GPtrArray *buckets; /* (owned): the highest priority last; empty ones may be among them */
} FerryTaskQueue;

void ferry_task_queue_init (FerryTaskQueue *self);
/* The queue is empty. */
void ferry_task_queue_clear (FerryTaskQueue *self);
void ferry_task_queue_push (FerryTaskQueue *self, FerryTask *task, gboolean at_front);
void ferry_task_queue_remove (FerryTaskQueue *self, FerryTask *task);
/* The next task (transfer none), or NULL. */
FerryTask *ferry_task_queue_peek (FerryTaskQueue *self);
/* Returns (transfer full) the tasks that wait now, the next one first, with references. */
GPtrArray *ferry_task_queue_list (FerryTaskQueue *self);

G_END_DECLS
