/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue of tasks, by priority, function and needs. The router's thread. */

#pragma once

#include "pool/ferry-run-private.h"

G_BEGIN_DECLS

/* So many empty buckets may stay, however few others there are. */
#define FERRY_TASK_QUEUE_SPARE 32
/* How many tasks of one function, needs and priority ferry_task_queue_find() looks at. */
#define FERRY_TASK_QUEUE_TRIES 8

typedef struct
{
  GPtrArray *buckets; /* (owned) (element-type FerryBucket): the highest priority last; buckets may be empty */
  guint n_empty;      /* how many buckets are empty */
  GQueue held;        /* (element-type FerryRun): the tasks that are paused or rest, which are passed over */
  gboolean paused;    /* all tasks are passed over */
  gboolean grouped;
  gint64 first; /* no task of the queue has a lower order */
  gint64 last;  /* no task of the queue has a higher order */
} FerryTaskQueue;

typedef gboolean (*FerryTaskFilter) (FerryRun *run, gpointer data);

FERRY_FOR_SIBLINGS
void ferry_task_queue_init (FerryTaskQueue *self);
/* Frees the queue, which must be empty. */
FERRY_FOR_SIBLINGS
void ferry_task_queue_clear (FerryTaskQueue *self);
void ferry_task_queue_push (FerryTaskQueue *self, FerryRun *run, gboolean at_front);
void ferry_task_queue_remove (FerryTaskQueue *self, FerryRun *run);
/* Passes a task of the queue over from now on, or no more, as it is paused or rests, or not. It keeps its place. */
void ferry_task_queue_update_held (FerryTaskQueue *self, FerryRun *run);
FERRY_FOR_SIBLINGS
void ferry_task_queue_group (FerryTaskQueue *self);
/* Returns (transfer none) (nullable) the next task that the filter (nullable) accepts: the first one of the highest
 * priority. Looks at the first tasks only: of each bucket FERRY_TASK_QUEUE_TRIES. */
FerryRun *ferry_task_queue_find (FerryTaskQueue *self, FerryTaskFilter filter, gpointer data);
/* Returns how many tasks of a grouped queue the filter accepts. It is asked about one task of each function and needs.
 */
FERRY_FOR_SIBLINGS
guint ferry_task_queue_count (FerryTaskQueue *self, FerryTaskFilter filter, gpointer data);
/* Calls visit with the tasks of each bucket, from the last to the first, until visit returns FALSE for one. */
FERRY_FOR_SIBLINGS
void ferry_task_queue_visit (FerryTaskQueue *self, FerryTaskFilter visit, gpointer data);
/* Returns (transfer full) an array of the tasks that wait now, with a reference to each, the next task first. */
GPtrArray *ferry_task_queue_list (FerryTaskQueue *self);

G_END_DECLS
