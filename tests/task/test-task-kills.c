/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool-worker.c
 *
 * Workers of a pool killed at random, while it runs many tasks: every task ends exactly once, with its result or
 * because its worker was lost; no more are lost than were killed; nothing stays behind. */

#include "config.h"

#include "task/task-test.h"

#include <signal.h>

/* Each night; each time a quarter of them. */
#define N_TASKS 20000
#define N_KILLS 200
#define LARGE 300000

typedef struct
{
  TaskTest *test;
  guint n_tasks;
  guint max_kills;
  guint n_done;
  guint n_lost;
  guint n_kills;
  guint next_kill; /* when so many tasks are done */
} Load;

/* A worker of which something was heard, so that what dies is one that serves. */
static gboolean
kill_one (Load *load)
{
  GListModel *workers = ferry_pool_get_workers (load->test->pool);
  guint n = g_list_model_get_n_items (workers);
  g_autoptr (FerryWorker) worker = NULL;

  if (n == 0)
    return FALSE;
  worker = g_list_model_get_item (workers, (guint) g_test_rand_int_range (0, (gint32) n));
  if (ferry_worker_get_state (worker) != FERRY_WORKER_STATE_OPEN)
    return FALSE;
  ferry_worker_send_signal (worker, SIGKILL);
  return TRUE;
}

/* Some take long enough to be hit, and have an answer in many pieces. */
static gboolean
is_large (guint64 number)
{
  return number % 16 == 7;
}

static void
task_done (FerryTask *task, gpointer data)
{
  Load *load = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);
  guint64 number = GPOINTER_TO_SIZE (g_object_get_data (G_OBJECT (task), "number"));

  load->n_done++;
  if (error == NULL && is_large (number))
    g_assert_cmpuint (g_variant_get_size (result), ==, LARGE);
  else if (error == NULL)
    g_assert_cmpint (g_variant_get_int64 (result), ==, (gint64) (2 * number));
  else
    {
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
      load->n_lost++;
    }
  if (load->n_done < load->next_kill || load->n_kills >= load->max_kills || !kill_one (load))
    return;
  load->n_kills++;
  load->next_kill = load->n_done + (guint) g_test_rand_int_range (1, N_TASKS / N_KILLS);
}

static void
submit (Load *load, GPtrArray *witnesses)
{
  for (gint64 i = 0; i < load->n_tasks; i++)
    {
      g_autoptr (FerryTask) task = is_large ((guint64) i)
                                     ? ferry_task_new (FERRY_TASK_KIND_CALL, "bytes", g_variant_new_uint64 (LARGE))
                                     : ferry_task_new (FERRY_TASK_KIND_CALL, "add", g_variant_new ("(xx)", i, i));

      g_object_set_data (G_OBJECT (task), "number", GSIZE_TO_POINTER (i));
      g_ptr_array_add (witnesses, task_test_witness_new (task));
      g_signal_connect (task, "done", G_CALLBACK (task_done), load);
      task_test_submit_task (load->test->executor, task);
    }
}

static gboolean
is_over (gpointer data)
{
  const Load *load = data;

  return load->n_done >= load->n_tasks;
}

static void
cost_one_task_each (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 4);
  g_autoptr (GPtrArray) witnesses = g_ptr_array_new_with_free_func ((GDestroyNotify) task_test_witness_free);
  Load load = {
    .test = test,
    .n_tasks = ferry_test_times (N_TASKS / 4, N_TASKS),
    .max_kills = ferry_test_times (N_KILLS / 4, N_KILLS),
    .next_kill = 50,
  };

  g_object_set (test->pool, "use-fork-server", GPOINTER_TO_INT (data), NULL);
  /* Some are hit before they have done anything, and the pool is not to make much of that. */
  g_object_set (test->pool, "restart-limit", N_KILLS, "restart-interval", (gint64) 1, NULL);
  submit (&load, witnesses);
  ferry_test_run_until (is_over, &load);
  task_test_settle ();
  g_test_message ("%u kills, %u tasks lost", load.n_kills, load.n_lost);
  g_assert_cmpuint (load.n_kills, ==, load.max_kills);
  g_assert_cmpuint (load.n_done, ==, load.n_tasks);
  g_assert_cmpuint (load.n_lost, <=, load.n_kills);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-failed"), ==, load.n_lost);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-completed"), ==, load.n_tasks - load.n_lost);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-waiting"), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-executing"), ==, 0);
  g_assert_null (ferry_pool_get_error (test->pool));
  g_assert_cmpuint (ferry_router_get_counter (test->router, FERRY_COUNTER_PROTOCOL_ERRORS), ==, 0);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_data_func ("/kills/of-forked-workers-cost-one-task-each", GINT_TO_POINTER (TRUE), cost_one_task_each);
  g_test_add_data_func ("/kills/of-executed-workers-cost-one-task-each", GINT_TO_POINTER (FALSE), cost_one_task_each);
  return g_test_run ();
}
