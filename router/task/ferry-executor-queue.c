/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue of tasks that wait, ordered by priority and then by submission. See ferry-executor-queue-private.h. */

#include "config.h"

#include "task/ferry-executor-queue-private.h"

typedef struct
{
  int priority;
  GQueue tasks;
} FerryBucket;

void
ferry_task_queue_init (FerryTaskQueue *self)
{
  self->buckets = g_ptr_array_new_with_free_func (g_free);
  self->n_empty = 0;
}

void
ferry_task_queue_clear (FerryTaskQueue *self)
{
  g_assert (ferry_task_queue_peek (self) == NULL);
  g_ptr_array_unref (self->buckets);
}

/* Returns (transfer none) the bucket of a priority. Makes the bucket if there is none yet. */
static FerryBucket *
get_bucket (FerryTaskQueue *self, int priority)
{
  guint low = 0;
  guint high = self->buckets->len;
  FerryBucket *bucket;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      bucket = g_ptr_array_index (self->buckets, middle);
      if (bucket->priority == priority)
        return bucket;
      if (bucket->priority < priority)
        low = middle + 1;
      else
        high = middle;
    }
  bucket = g_new0 (FerryBucket, 1);
  bucket->priority = priority;
  /* This moves the buckets behind. A tree would not, but takes longer up to 30,000 priorities. */
  g_ptr_array_insert (self->buckets, (int) low, bucket);
  self->n_empty++;
  return bucket;
}

/* Frees the empty buckets when they are many. A bucket that has just become empty is often used again: by the next task
 * of its priority, or by the next one whose priority changes. */
static void
tidy (FerryTaskQueue *self)
{
  guint n = 0;

  if (self->n_empty <= FERRY_TASK_QUEUE_SPARE || self->n_empty <= self->buckets->len / 2)
    return;
  for (guint i = 0; i < self->buckets->len; i++)
    {
      FerryBucket *bucket = g_ptr_array_index (self->buckets, i);

      if (bucket->tasks.head == NULL)
        continue;
      g_ptr_array_index (self->buckets, i) = g_ptr_array_index (self->buckets, n);
      g_ptr_array_index (self->buckets, n++) = bucket;
    }
  /* The empty ones are behind the others now. */
  self->n_empty = 0;
  g_ptr_array_set_size (self->buckets, (int) n);
}

void
ferry_task_queue_push (FerryTaskQueue *self, FerryTask *task, gboolean at_front)
{
  FerryBucket *bucket = get_bucket (self, ferry_task_peek_priority (task));
  FerryTaskPlacement *placement = ferry_task_get_placement (task);

  placement->queue_link.data = task;
  self->n_empty -= bucket->tasks.head == NULL;
  if (at_front)
    g_queue_push_head_link (&bucket->tasks, &placement->queue_link);
  else
    g_queue_push_tail_link (&bucket->tasks, &placement->queue_link);
}

void
ferry_task_queue_remove (FerryTaskQueue *self, FerryTask *task)
{
  FerryBucket *bucket = get_bucket (self, ferry_task_peek_priority (task));

  g_queue_unlink (&bucket->tasks, &ferry_task_get_placement (task)->queue_link);
  self->n_empty += bucket->tasks.head == NULL;
  tidy (self);
}

/* Also frees empty buckets at the end of the array, except the last bucket that is left. */
FerryTask *
ferry_task_queue_peek (FerryTaskQueue *self)
{
  while (self->buckets->len > 0)
    {
      FerryBucket *bucket = g_ptr_array_index (self->buckets, self->buckets->len - 1);

      if (bucket->tasks.head != NULL)
        return bucket->tasks.head->data;
      if (self->buckets->len == 1)
        return NULL;
      g_ptr_array_set_size (self->buckets, (int) self->buckets->len - 1);
      self->n_empty--;
    }
  return NULL;
}

GPtrArray *
ferry_task_queue_list (FerryTaskQueue *self)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = self->buckets->len; i > 0; i--)
    {
      FerryBucket *bucket = g_ptr_array_index (self->buckets, i - 1);

      for (GList *link = bucket->tasks.head; link != NULL; link = link->next)
        g_ptr_array_add (tasks, g_object_ref (link->data));
    }
  return tasks;
}
