/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-task-queue.c
 *
 * The queue of the tasks that wait: its order, with any priorities, and what it keeps of priorities that are gone. */

#include "config.h"

#include "ferry-test.h"

#include "pool/ferry-task-queue-private.h"
#include "task/ferry-task-private.h"

#define N_TASKS 1000

static FerryRun *
push_of (FerryTaskQueue *queue, const char *function, int priority)
{
  FerryRun *run = ferry_task_get_run (ferry_task_new (FERRY_TASK_KIND_CALL, function, NULL));

  run->priority = priority;
  ferry_task_queue_push (queue, run, FALSE);
  return run;
}

static FerryRun *
push (FerryTaskQueue *queue, int priority)
{
  return push_of (queue, "nothing", priority);
}

static void
remove_task (FerryTaskQueue *queue, FerryRun *run)
{
  ferry_task_queue_remove (queue, run);
  ferry_run_unref (run);
}

static void
set_paused (FerryTaskQueue *queue, FerryRun *run, gboolean paused)
{
  run->paused = (guint8) paused;
  ferry_task_queue_update_held (queue, run);
}

/* A third of the tasks is paused, and let go in any order: each has its place then. */
static void
let_go (FerryTaskQueue *queue, GPtrArray *paused)
{
  FerryRun *next = ferry_task_queue_find (queue, NULL, NULL);

  g_assert_false (next->paused);
  while (paused->len > 0)
    set_paused (queue, g_ptr_array_remove_index_fast (paused, (guint) g_test_rand_int_range (0, (gint32) paused->len)),
                FALSE);
}

static guint64
get_number (const FerryRun *run)
{
  return ((const FerryListedRun *) run)->number;
}

/* The order in which the tasks leave the queue: the number of each says when each was pushed. n_before: how
 * many are pushed before the queue is grouped. */
static void
check_order (guint n_before)
{
  const char *functions[] = {"one", "two", "three", "four"};
  g_autoptr (GPtrArray) paused = g_ptr_array_new ();
  FerryTaskQueue queue;
  FerryRun *last = NULL;

  ferry_task_queue_init (&queue);
  for (guint i = 0; i < N_TASKS; i++)
    {
      FerryRun *run;

      if (i == n_before)
        ferry_task_queue_group (&queue);
      run = push_of (&queue, functions[g_test_rand_int_range (0, G_N_ELEMENTS (functions))],
                     g_test_rand_int_range (-20, 20));
      ((FerryListedRun *) run)->number = i;
      if (g_test_rand_int_range (0, 3) > 0)
        continue;
      set_paused (&queue, run, TRUE);
      g_ptr_array_add (paused, run);
    }
  let_go (&queue, paused);
  for (guint i = 0; i < N_TASKS; i++)
    {
      FerryRun *run = ferry_task_queue_find (&queue, NULL, NULL);

      if (last != NULL && last->priority == run->priority)
        g_assert_cmpuint (get_number (last), <, get_number (run));
      else if (last != NULL)
        g_assert_cmpint (last->priority, >, run->priority);
      ferry_task_queue_remove (&queue, run);
      g_clear_pointer (&last, ferry_run_unref);
      last = run;
    }
  g_clear_pointer (&last, ferry_run_unref);
  g_assert_null (ferry_task_queue_find (&queue, NULL, NULL));
  ferry_task_queue_clear (&queue);
}

static void
leaves_by_priority_then_in_order (void)
{
  check_order (N_TASKS);
}

static void
leaves_in_order_when_it_is_grouped (void)
{
  check_order (0);
  check_order (N_TASKS / 2);
}

static gboolean
has_function (FerryRun *run, gpointer function)
{
  return strcmp (run->function, function) == 0;
}

static void
finds_a_function_behind_all_others (void)
{
  FerryTaskQueue queue;
  FerryRun *one, *two;
  g_autoptr (GPtrArray) tasks = NULL;

  ferry_task_queue_init (&queue);
  ferry_task_queue_group (&queue);
  for (guint i = 0; i < N_TASKS; i++)
    push_of (&queue, "common", (int) (i % 3));
  one = push_of (&queue, "rare", 0);
  two = push_of (&queue, "rare", 1);
  g_assert_cmpuint (ferry_task_queue_count (&queue, has_function, (gpointer) "common"), ==, N_TASKS);
  g_assert_cmpuint (ferry_task_queue_count (&queue, has_function, (gpointer) "rare"), ==, 2);
  g_assert_cmpuint (ferry_task_queue_count (&queue, has_function, (gpointer) "none"), ==, 0);
  g_assert_true (ferry_task_queue_find (&queue, has_function, (gpointer) "rare") == two);
  remove_task (&queue, two);
  g_assert_true (ferry_task_queue_find (&queue, has_function, (gpointer) "rare") == one);
  remove_task (&queue, one);
  g_assert_null (ferry_task_queue_find (&queue, has_function, (gpointer) "rare"));
  tasks = ferry_task_queue_list (&queue);
  g_assert_cmpuint (tasks->len, ==, N_TASKS);
  for (guint i = 0; i < tasks->len; i++)
    {
      g_assert_true (ferry_task_queue_find (&queue, NULL, NULL) == tasks->pdata[i]);
      remove_task (&queue, tasks->pdata[i]);
    }
  ferry_task_queue_clear (&queue);
}

static gboolean
is_not (FerryRun *run, gpointer other)
{
  return run != other;
}

static void
finds_a_task_behind_one_that_is_not_wanted (void)
{
  FerryTaskQueue queue;
  FerryRun *one, *other;

  ferry_task_queue_init (&queue);
  one = push (&queue, 1);
  g_assert_null (ferry_task_queue_find (&queue, is_not, one));
  other = push (&queue, 1);
  g_assert_true (ferry_task_queue_find (&queue, is_not, one) == other);
  g_assert_true (ferry_task_queue_find (&queue, is_not, other) == one);
  remove_task (&queue, one);
  remove_task (&queue, other);
  ferry_task_queue_clear (&queue);
}

/* What was left of each priority stayed until all higher ones had gone, and was searched. */
static void
forgets_priorities_without_tasks (void)
{
  FerryTaskQueue queue;
  FerryRun *tasks[N_TASKS];

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
      g_assert_true (ferry_task_queue_find (&queue, NULL, NULL) == tasks[N_TASKS - 1]);
      g_assert_cmpuint (queue.n_empty, ==, queue.buckets->len - n_left);
    }
  remove_task (&queue, tasks[N_TASKS - 1]);
  g_assert_null (ferry_task_queue_find (&queue, NULL, NULL));
  g_assert_cmpuint (queue.buckets->len, ==, 1);
  remove_task (&queue, push (&queue, -1));
  g_assert_null (ferry_task_queue_find (&queue, NULL, NULL));
  g_assert_cmpuint (queue.buckets->len, ==, 1);
  g_assert_cmpuint (queue.n_empty, ==, 1);
  ferry_task_queue_clear (&queue);
}

static void
returns_to_the_front (void)
{
  FerryTaskQueue queue;
  FerryRun *one, *other;

  ferry_task_queue_init (&queue);
  one = push (&queue, 1);
  other = push (&queue, 1);
  ferry_task_queue_remove (&queue, other);
  ferry_task_queue_push (&queue, other, TRUE);
  g_assert_true (ferry_task_queue_find (&queue, NULL, NULL) == other);
  remove_task (&queue, other);
  remove_task (&queue, one);
  ferry_task_queue_clear (&queue);
}

static void
passes_over_what_is_paused (void)
{
  FerryTaskQueue queue;
  FerryRun *one, *other;
  g_autoptr (GPtrArray) all = NULL;

  ferry_task_queue_init (&queue);
  one = push (&queue, 1);
  other = push (&queue, 0);
  set_paused (&queue, one, TRUE);
  g_assert_true (ferry_task_queue_find (&queue, NULL, NULL) == other);
  all = ferry_task_queue_list (&queue);
  g_assert_cmpuint (all->len, ==, 2);
  g_assert_true (g_ptr_array_index (all, 0) == one);
  queue.paused = TRUE;
  g_assert_null (ferry_task_queue_find (&queue, NULL, NULL));
  g_assert_null (ferry_task_queue_find (&queue, NULL, NULL));
  queue.paused = FALSE;
  remove_task (&queue, one);
  remove_task (&queue, other);
  g_assert_null (ferry_task_queue_find (&queue, NULL, NULL));
  ferry_task_queue_clear (&queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/executor-queue/leaves-by-priority-then-in-order", leaves_by_priority_then_in_order);
  g_test_add_func ("/executor-queue/leaves-in-order-when-it-is-grouped", leaves_in_order_when_it_is_grouped);
  g_test_add_func ("/executor-queue/finds-a-function-behind-all-others", finds_a_function_behind_all_others);
  g_test_add_func ("/executor-queue/finds-a-task-behind-one-that-is-not-wanted",
                   finds_a_task_behind_one_that_is_not_wanted);
  g_test_add_func ("/executor-queue/forgets-priorities-without-tasks", forgets_priorities_without_tasks);
  g_test_add_func ("/executor-queue/returns-to-the-front", returns_to_the_front);
  g_test_add_func ("/executor-queue/passes-over-what-is-paused", passes_over_what_is_paused);
  return g_test_run ();
}
