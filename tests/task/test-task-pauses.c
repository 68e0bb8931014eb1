/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool-worker.c, task/ferry-task.c, task/ferry-map.c
 *
 * Pauses, resumes, cancels and kills at random, over functions of processes and of threads, and over maps: each task
 * ends exactly once, none hangs, and no process is left stopped. */

#include "config.h"

#include "task/map-test.h"

#include <signal.h>
#include <string.h>

#define N_ACTIONS 1000
#define N_TASKS 12
#define N_MAP_ITEMS 400

/* What is paused: the functions of the serving worker, and those of threads. */
typedef struct
{
  const char *function;
  FerryTaskKind kind;
  gint64 number; /* its argument; 0: it has none */
  gboolean in_thread;
  gboolean stoppable;
} Sort;

static const Sort sorts[] = {
  {"report-until-cancelled", FERRY_TASK_KIND_PROGRESS, 0, FALSE, FALSE},
  {"sleep-until-cancelled", FERRY_TASK_KIND_CALL, 0, FALSE, TRUE},
  {"spin-for-ever", FERRY_TASK_KIND_CALL, 0, FALSE, TRUE},
  {"report", FERRY_TASK_KIND_PROGRESS, 300000, FALSE, TRUE},
  {"yield", FERRY_TASK_KIND_ITERATION, 3000, FALSE, FALSE},
  {"send", FERRY_TASK_KIND_PROGRESS, 3000, FALSE, TRUE},
  {"nothing", FERRY_TASK_KIND_CALL, 0, FALSE, FALSE},
  {"report", FERRY_TASK_KIND_PROGRESS, 300000, TRUE, FALSE},
  {"yield", FERRY_TASK_KIND_ITERATION, 3000, TRUE, FALSE},
  {"sleep-until-cancelled", FERRY_TASK_KIND_CALL, 0, TRUE, FALSE},
};

typedef struct
{
  TaskTest *processes;
  FerryExecutor *threads; /* (owned): of a pool of threads */
  TaskTestWitness *tasks[N_TASKS];
  FerryMap *map; /* (owned) (nullable) */
  guint n_paused;
  guint n_stopped; /* pauses of which the process was seen to be stopped */
  guint n_ended;
} Load;

/* ---- what the processes do ---- */

static guint
count_stopped (Load *self)
{
  GListModel *workers = ferry_pool_get_workers (self->processes->pool);
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (workers); i++)
    {
      g_autoptr (FerryWorker) worker = g_list_model_get_item (workers, i);

      n += ferry_worker_get_identifier (worker) != NULL && ferry_test_is_stopped (ferry_test_get_process (worker));
    }
  return n;
}

static gboolean
none_is_stopped (gpointer data)
{
  return count_stopped (data) == 0;
}

/* ---- the load ---- */

static void
refill (Load *self, guint i)
{
  const Sort *sort = &sorts[g_test_rand_int_range (0, G_N_ELEMENTS (sorts))];
  g_autoptr (FerryTask) task = ferry_task_new (sort->kind, sort->function,
                                               sort->number > 0 ? g_variant_new_uint64 ((guint64) sort->number) : NULL);

  ferry_task_set_cancel_grace (task, G_USEC_PER_SEC / 4);
  g_object_set (task, "stoppable", sort->stoppable, "retries", g_test_rand_bit () ? 1 : 0, NULL);
  if (g_test_rand_int_range (0, 4) == 0)
    ferry_task_set_run_timeout (task, G_USEC_PER_SEC);
  self->tasks[i] = task_test_witness_new (task);
  if (g_test_rand_int_range (0, 8) == 0)
    ferry_task_pause (task);
  task_test_submit_task (sort->in_thread ? self->threads : self->processes->executor, task);
}

static void
refill_map (Load *self)
{
  self->map = ferry_map_new (self->processes->executor, "double", FERRY_MAP_UNORDERED);
  g_object_set (self->map, "chunk-size", 1, NULL);
  ferry_map_set_arguments (self->map, map_test_numbers (N_MAP_ITEMS));
  ferry_map_start (self->map);
}

static void
let_go_of_done (Load *self)
{
  for (guint i = 0; i < N_TASKS; i++)
    if (self->tasks[i] != NULL && ferry_task_get_done (self->tasks[i]->task))
      {
        self->n_ended++;
        g_clear_pointer (&self->tasks[i], task_test_witness_free);
      }
  if (self->map != NULL && ferry_test_get_number (self->map, "is-finished"))
    g_clear_object (&self->map);
}

static void
act_on_executor (Load *self)
{
  static gboolean paused;

  paused = !paused && g_test_rand_bit ();
  ferry_executor_set_paused (self->processes->executor, paused, g_test_rand_bit ());
}

static void
act_on_map (Load *self)
{
  if (self->map == NULL)
    refill_map (self);
  else if (g_test_rand_int_range (0, 20) == 0)
    ferry_map_cancel (self->map);
  else
    ferry_map_set_paused (self->map, !ferry_test_get_number (self->map, "paused"));
}

static void
act_on_task (Load *self, TaskTestWitness *witness)
{

  switch (g_test_rand_int_range (0, 12))
    {
    case 0:
      task_test_witness_cancel (witness);
      break;
    case 1:
      if (ferry_task_get_state (witness->task) == FERRY_TASK_STATE_EXECUTING &&
          !ferry_test_is_process (witness->task, getpid ()))
        ferry_worker_send_signal (ferry_test_get_worker (self->processes->pool, witness->task), SIGKILL);
      break;
    case 2:
    case 3:
    case 4:
    case 5:
      ferry_task_resume (witness->task);
      break;
    default:
      self->n_paused += ferry_task_pause (witness->task);
    }
}

static void
act (Load *self)
{
  guint i = (guint) g_test_rand_int_range (0, N_TASKS + 2);

  if (i == N_TASKS)
    act_on_map (self);
  else if (i > N_TASKS)
    act_on_executor (self);
  else if (self->tasks[i] == NULL)
    refill (self, i);
  else
    act_on_task (self, self->tasks[i]);
}

static gboolean
is_over (gpointer data)
{
  Load *self = data;

  let_go_of_done (self);
  for (guint i = 0; i < N_TASKS; i++)
    if (self->tasks[i] != NULL)
      return FALSE;
  return self->map == NULL;
}

/* Half of what is left is cancelled as it is, paused or not; the others go on first. */
static void
end (Load *self)
{
  ferry_executor_set_paused (self->processes->executor, FALSE, FALSE);
  for (guint i = 0; i < N_TASKS; i++)
    if (self->tasks[i] != NULL)
      {
        if (g_test_rand_bit ())
          ferry_task_resume (self->tasks[i]->task);
        task_test_witness_cancel (self->tasks[i]);
      }
  if (self->map != NULL)
    ferry_map_set_paused (self->map, FALSE);
  ferry_test_run_until (is_over, self);
  ferry_test_look_until (none_is_stopped, self);
}

static gboolean
wake (gpointer data)
{
  return G_SOURCE_CONTINUE;
}

static void
test_pauses_at_random (void)
{
  Load load = {.processes = task_test_new (FALSE, 4)};
  g_autoptr (FerryPool) pool = ferry_pool_new_for_threads (load.processes->router);
  guint timer = g_timeout_add (5, wake, NULL);

  load.threads = ferry_executor_new (pool);
  ferry_pool_set_max_workers (pool, 2);
  g_object_set (load.processes->pool, "restart-limit", N_ACTIONS, "restart-interval", (gint64) 1, NULL);
  for (guint n = 0; n < N_ACTIONS; n++)
    {
      for (gint turns = g_test_rand_int_range (0, 8); turns > 0; turns--)
        g_main_context_iteration (NULL, TRUE);
      let_go_of_done (&load);
      act (&load);
      load.n_stopped += n % 10 == 0 && count_stopped (&load) > 0;
    }
  g_source_remove (timer);
  end (&load);
  g_test_message ("%u tasks, %u pauses, %u looks that saw a stopped process", load.n_ended, load.n_paused,
                  load.n_stopped);
  g_assert_cmpuint (load.n_paused, >, N_ACTIONS / 10);
  g_clear_object (&load.threads);
  g_clear_object (&pool);
  task_test_free (load.processes);
}

int
main (int argc, char **argv)
{
  map_test_init (&argc, &argv);
  g_test_add_func ("/task-pauses/at-random", test_pauses_at_random);
  return g_test_run ();
}
