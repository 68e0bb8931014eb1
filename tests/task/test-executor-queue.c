/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-executor-queue.c
 *
 * The queue of the tasks that wait: its order, with any priorities, and what it keeps of priorities that are gone. */

#include "config.h"

#include "ferry-test.h"

#include "task/ferry-executor-queue-private.h"

#define N_TASKS 1000

static FerryTask *
push (FerryTaskQueue *queue, int priority)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);

  ferry_task_set_priority (task, priority);
  ferry_task_queue_push (queue, task, FALSE);
  return task;
}

static void
remove_task (FerryTaskQueue *queue, FerryTask *task)
{
  ferry_task_queue_remove (queue, task);
  g_object_unref (task);
}

/* The order in which the tasks leave the queue: the number in the array says when each was pushed. */
static void
leaves_by_priority_then_in_order (void)
{
  FerryTaskQueue queue;
  FerryTask *last = NULL;

  ferry_task_queue_init (&queue);
  for (guint i = 0; i < N_TASKS; i++)
    {
      FerryTask *task = push (&queue, g_test_rand_int_range (-20, 20));

      ferry_task_get_placement (task)->number = i;
    }
  for (guint i = 0; i < N_TASKS; i++)
    {
      FerryTask *task = ferry_task_queue_peek (&queue);

      if (last != NULL && ferry_task_get_priority (last) == ferry_task_get_priority (task))
        g_assert_cmpuint (ferry_task_get_placement (last)->number, <, ferry_task_get_placement (task)->number);
      else if (last != NULL)
        g_assert_cmpint (ferry_task_get_priority (last), >, ferry_task_get_priority (task));
      ferry_task_queue_remove (&queue, task);
      g_clear_object (&last);
      last = task;
    }
  g_clear_object (&last);
  g_assert_null (ferry_task_queue_peek (&queue));
  ferry_task_queue_clear (&queue);
}

/* What was left of each priority stayed until all higher ones had gone, and was searched. */
static void
forgets_priorities_without_tasks (void)
{
  FerryTaskQueue queue;
  FerryTask *tasks[N_TASKS];

  ferry_task_queue_init (&queue);
  for (guint i = 0; i < N_TASKS; i++)
    tasks[i] = push (&queue, (int) i);
  g_assert_cmpuint (queue.buckets->len, ==, N_TASKS);
  for (guint i = 0; i < N_TASKS - 1; i++)
    {
      guint n_left = N_TASKS - 1 - i;

      remove_task (&queue, tasks[i]);
      g_assert_cmpuint (queue.buckets->len, >=, n_left);
      g_assert_cmpuint (queue.buckets->len, <=, 2 * n_left + FERRY_TASK_QUEUE_SPARE);
      g_assert_true (ferry_task_queue_peek (&queue) == tasks[N_TASKS - 1]);
      g_assert_cmpuint (queue.n_empty, ==, queue.buckets->len - n_left);
    }
  remove_task (&queue, tasks[N_TASKS - 1]);
  g_assert_null (ferry_task_queue_peek (&queue));
  g_assert_cmpuint (queue.buckets->len, ==, 1);
  remove_task (&queue, push (&queue, -1));
  g_assert_null (ferry_task_queue_peek (&queue));
  g_assert_cmpuint (queue.buckets->len, ==, 1);
  g_assert_cmpuint (queue.n_empty, ==, 1);
  ferry_task_queue_clear (&queue);
}

static void
returns_to_the_front (void)
{
  FerryTaskQueue queue;
  FerryTask *one, *other;

  ferry_task_queue_init (&queue);
  one = push (&queue, 1);
  other = push (&queue, 1);
  ferry_task_queue_remove (&queue, other);
  ferry_task_queue_push (&queue, other, TRUE);
  g_assert_true (ferry_task_queue_peek (&queue) == other);
  remove_task (&queue, other);
  remove_task (&queue, one);
  ferry_task_queue_clear (&queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/executor-queue/leaves-by-priority-then-in-order", leaves_by_priority_then_in_order);
  g_test_add_func ("/executor-queue/forgets-priorities-without-tasks", forgets_priorities_without_tasks);
  g_test_add_func ("/executor-queue/returns-to-the-front", returns_to_the_front);
  return g_test_run ();
}
