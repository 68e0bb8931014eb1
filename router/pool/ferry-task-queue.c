/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue of tasks that wait, ordered by priority and then by submission. An array, sorted by priority, has a bucket
 * for each priority. There are few priorities and many tasks, so the time to add, remove or find a task does not depend
 * on the number of tasks.
 *
 * A grouped queue has a bucket for each function of a priority, and for each list of needs. It is for a runner with
 * destinations that cannot run every task. Such a runner finds a task that it can run behind any number of others.
 *
 * Owner:   the queue holds no references to its tasks. The source holds a reference to each of its tasks. */

#include "config.h"

#include "pool/ferry-task-queue-private.h"

#include <string.h>

#include "pool/ferry-labels-private.h"

typedef struct
{
  int priority;
  char *function; /* (owned) (nullable): of all tasks, in a grouped queue */
  char **needs;   /* (owned) (nullable): as function */
  GQueue tasks;
} FerryBucket;

static void
bucket_free (gpointer data)
{
  FerryBucket *self = data;

  g_free (self->function);
  g_strfreev (self->needs);
  g_free (self);
}

void
ferry_task_queue_init (FerryTaskQueue *self)
{
  *self = (FerryTaskQueue){.buckets = g_ptr_array_new_with_free_func (bucket_free)};
}

void
ferry_task_queue_clear (FerryTaskQueue *self)
{
  self->paused = FALSE;
  g_assert (ferry_task_queue_find (self, NULL, NULL) == NULL && self->held.length == 0);
  g_ptr_array_unref (self->buckets);
}

/* Returns less than 0, 0, or more than 0, as the bucket is in front of the place of the task, or there, or behind it.
 * grouped: the queue is. */
static int
compare (const FerryBucket *bucket, const FerryRun *run, gboolean grouped)
{
  int order;

  if (bucket->priority != run->priority)
    return bucket->priority < run->priority ? -1 : 1;
  if (!grouped)
    return 0;
  order = strcmp (bucket->function, run->function);
  return order != 0 ? order : ferry_labels_compare ((const char *const *) bucket->needs, run->needs);
}

/* Returns (transfer none) the bucket of a task. Makes the bucket if there is none yet. */
static FerryBucket *
get_bucket (FerryTaskQueue *self, FerryRun *run)
{
  guint low = 0;
  guint high = self->buckets->len;
  FerryBucket *bucket;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;
      int order;

      bucket = g_ptr_array_index (self->buckets, middle);
      order = compare (bucket, run, self->grouped);
      if (order == 0)
        return bucket;
      if (order < 0)
        low = middle + 1;
      else
        high = middle;
    }
  bucket = g_new0 (FerryBucket, 1);
  bucket->priority = run->priority;
  if (self->grouped)
    {
      bucket->function = g_strdup (run->function);
      bucket->needs = g_strdupv ((char **) run->needs);
    }
  /* This moves the buckets behind. A tree would not, but takes longer up to 30,000 priorities. */
  g_ptr_array_insert (self->buckets, (int) low, bucket);
  self->n_empty++;
  return bucket;
}

/* Frees the empty buckets when they are many. A bucket that has just become empty is often used again: by the next task
 * of its priority, or by the next one that gets it. */
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

/* Whether a task is passed over for now. */
static gboolean
must_hold (const FerryRun *run)
{
  return run->paused || run->rest_until > 0 || run->is_late;
}

void
ferry_task_queue_push (FerryTaskQueue *self, FerryRun *run, gboolean at_front)
{
  FerryBucket *bucket;

  run->order = at_front ? --self->first : ++self->last;
  run->held = must_hold (run);
  if (run->held)
    {
      g_queue_push_tail_link (&self->held, &run->link);
      return;
    }
  bucket = get_bucket (self, run);
  self->n_empty -= bucket->tasks.head == NULL;
  if (at_front)
    g_queue_push_head_link (&bucket->tasks, &run->link);
  else
    g_queue_push_tail_link (&bucket->tasks, &run->link);
}

void
ferry_task_queue_remove (FerryTaskQueue *self, FerryRun *run)
{
  FerryBucket *bucket;

  if (run->held)
    {
      run->held = FALSE;
      g_queue_unlink (&self->held, &run->link);
      return;
    }
  bucket = get_bucket (self, run);
  g_queue_unlink (&bucket->tasks, &run->link);
  self->n_empty += bucket->tasks.head == NULL;
  tidy (self);
}

/* Puts a task back to its place. Tasks are mostly let go in their order, so the place is looked for from the end. */
static void
insert (FerryTaskQueue *self, FerryRun *run)
{
  FerryBucket *bucket = get_bucket (self, run);
  GList *before = bucket->tasks.tail;

  self->n_empty -= before == NULL;
  while (before != NULL && ((FerryRun *) before->data)->order > run->order)
    before = before->prev;
  if (before == NULL)
    g_queue_push_head_link (&bucket->tasks, &run->link);
  else
    g_queue_insert_after_link (&bucket->tasks, before, &run->link);
}

void
ferry_task_queue_update_held (FerryTaskQueue *self, FerryRun *run)
{
  if (run->held == must_hold (run))
    return;
  ferry_task_queue_remove (self, run);
  run->held = must_hold (run);
  if (run->held)
    g_queue_push_tail_link (&self->held, &run->link);
  else
    insert (self, run);
}

/* Frees empty buckets at the end of the array, except the last bucket that is left. */
static void
trim (FerryTaskQueue *self)
{
  while (self->buckets->len > 1)
    {
      FerryBucket *bucket = g_ptr_array_index (self->buckets, self->buckets->len - 1);

      if (bucket->tasks.head != NULL)
        return;
      g_ptr_array_set_size (self->buckets, (int) self->buckets->len - 1);
      self->n_empty--;
    }
}

/* Returns (transfer none) (nullable) one of the bucket's first tasks. filter: (nullable): NULL accepts every task. */
static FerryRun *
find_in_bucket (FerryBucket *bucket, FerryTaskFilter filter, gpointer data)
{
  GList *link = bucket->tasks.head;

  for (guint i = 0; link != NULL && i < FERRY_TASK_QUEUE_TRIES; i++, link = link->next)
    if (filter == NULL || filter (link->data, data))
      return link->data;
  return NULL;
}

/* Of the buckets of one priority, the one with the task that was submitted first has the next task. */
FerryRun *
ferry_task_queue_find (FerryTaskQueue *self, FerryTaskFilter filter, gpointer data)
{
  FerryRun *found = NULL;

  if (self->paused)
    return NULL;
  trim (self);
  for (guint i = self->buckets->len; i > 0; i--)
    {
      FerryBucket *bucket = g_ptr_array_index (self->buckets, i - 1);
      FerryRun *run;

      if (found != NULL && bucket->priority != found->priority)
        break;
      run = find_in_bucket (bucket, filter, data);
      if (run != NULL && (found == NULL || run->order < found->order))
        found = run;
    }
  return found;
}

guint
ferry_task_queue_count (FerryTaskQueue *self, FerryTaskFilter filter, gpointer data)
{
  guint n = 0;

  for (guint i = 0; !self->paused && i < self->buckets->len; i++)
    {
      FerryBucket *bucket = g_ptr_array_index (self->buckets, i);

      if (bucket->tasks.head != NULL && filter (bucket->tasks.head->data, data))
        n += bucket->tasks.length;
    }
  return n;
}

void
ferry_task_queue_visit (FerryTaskQueue *self, FerryTaskFilter visit, gpointer data)
{
  for (guint i = 0; !self->paused && i < self->buckets->len; i++)
    {
      FerryBucket *bucket = g_ptr_array_index (self->buckets, i);
      GList *link = bucket->tasks.tail;

      while (link != NULL && visit (link->data, data))
        link = link->prev;
    }
}

/* The array of the tasks has them priority by priority, and within a priority they keep their order. */
void
ferry_task_queue_group (FerryTaskQueue *self)
{
  g_autoptr (GPtrArray) tasks = NULL;

  if (self->grouped)
    return;
  tasks = ferry_task_queue_list (self);
  for (guint i = 0; i < tasks->len; i++)
    ferry_task_queue_remove (self, g_ptr_array_index (tasks, i));
  g_ptr_array_set_size (self->buckets, 0);
  self->n_empty = 0;
  self->grouped = TRUE;
  for (guint i = 0; i < tasks->len; i++)
    ferry_task_queue_push (self, g_ptr_array_index (tasks, i), FALSE);
}

static int
compare_tasks (gconstpointer a, gconstpointer b)
{
  FerryRun *one = *(FerryRun *const *) a;
  FerryRun *other = *(FerryRun *const *) b;
  int difference = one->priority - other->priority;

  if (difference != 0)
    return difference > 0 ? -1 : 1;
  return one->order < other->order ? -1 : 1;
}

GPtrArray *
ferry_task_queue_list (FerryTaskQueue *self)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_run_unref);

  for (guint i = self->buckets->len; i > 0; i--)
    {
      FerryBucket *bucket = g_ptr_array_index (self->buckets, i - 1);

      for (GList *link = bucket->tasks.head; link != NULL; link = link->next)
        g_ptr_array_add (tasks, ferry_run_ref (link->data));
    }
  for (GList *link = self->held.head; link != NULL; link = link->next)
    g_ptr_array_add (tasks, ferry_run_ref (link->data));
  if (self->grouped || self->held.head != NULL)
    g_ptr_array_sort (tasks, compare_tasks);
  return tasks;
}
