/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tasks of a queue, and what becomes of them. The router's thread. */

#pragma once

#include "queue/ferry-queue-away-private.h"
#include "queue/ferry-queue-claims-private.h"
#include "queue/ferry-queue-ends-private.h"
#include "queue/ferry-queue-list-private.h"
#include "queue/ferry-queue.h"
#include "route/ferry-router-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryQueueTies ties;     /* const: its keeper's list is the queue */
  FerryExecutor *executor; /* const (unowned) */
  FerryRouter *router;     /* const (unowned): the executor's */
  FerryQueueList list;
  FerryQueueTurns turns;
  FerryQueueEnds ends;
  FerryQueueBatches batches;
  FerryQueueFigures figures;
  FerryQueueClaims claims;
  FerryQueueAway away;
} FerryQueueTasks;

void ferry_queue_tasks_init (FerryQueueTasks *self, FerryQueue *queue);
/* Once: the executor is known. due: a batch is to be sent. queue: for it. */
void ferry_queue_tasks_set_executor (FerryQueueTasks *self, FerryExecutor *executor, void (*due) (gpointer queue),
                                     FerryQueue *queue);
/* Nothing is begun or told from now on. is_open: the file is, and is to be closed. */
void ferry_queue_tasks_stop (FerryQueueTasks *self, gboolean is_open);
void ferry_queue_tasks_clear (FerryQueueTasks *self);

/* Returns (transfer none) (nullable) the entry of a task of this queue. */
FerryQueueEntry *ferry_queue_tasks_find (FerryQueueTasks *self, FerryTask *task);
/* How the entry's task stands has changed: that goes to the file, and it has another turn. */
void ferry_queue_tasks_change (FerryQueueTasks *self, FerryQueueEntry *entry);
/* Removes an entry that has ended from the list and the file. keeps_key: a submission with its key gives its end. */
void ferry_queue_tasks_drop (FerryQueueTasks *self, FerryQueueEntry *entry, gboolean keeps_key);
/* Whether the task has ended now: one that waits is cancelled. Fails with FERRY_ERROR_BUSY if it is being run. */
gboolean ferry_queue_tasks_end_waiting (FerryTask *task, GError **error);
/* The present figures, with how much is done of what is under way. */
/* How many the file does not know of, or not of their ends, while it cannot be written. */
guint ferry_queue_tasks_count_unstored (FerryQueueTasks *self);
FerryQueueNumbers ferry_queue_tasks_count (FerryQueueTasks *self);

G_END_DECLS
