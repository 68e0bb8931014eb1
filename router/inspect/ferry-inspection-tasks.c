/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a look at the application finds of tasks: where each is, and what one that waits waits for.
 *
 * The reason is found when somebody looks: nobody notes it beforehand. It is that of the first thing that is in the
 * way, from the task itself to the workers.
 *
 * Threads: the router's. */

#include "config.h"

#include "inspect/ferry-inspection-private.h"

#include "base/ferry-base-private.h"
#include "pool/ferry-pool-stand-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor-stand-private.h"

/* The most characters of a task's arguments. */
#define MAX_ARGUMENTS 80

/* Of those that are in a file, so many are looked at: each is made for that. */
#define MAX_KEPT 50

/* ---- What it waits for ---- */

/* The workers of all pools of an executor as one. */
typedef struct
{
  FerryPoolStand sum;
  gboolean has_pool;
  gboolean has_host; /* it has a runner that is no pool */
} Runners;

static void
add_pool (Runners *runners, FerryPool *pool)
{
  FerryPoolStand stand;

  if (!ferry_runner_check (FERRY_RUNNER (pool), NULL))
    return;
  ferry_pool_get_stand (pool, &stand);
  runners->has_pool = TRUE;
  runners->sum.max_workers += stand.max_workers;
  runners->sum.n_busy += stand.n_busy;
  runners->sum.n_starting += stand.n_starting;
  runners->sum.n_refusals += stand.n_refusals;
  runners->sum.next_start = MAX (runners->sum.next_start, stand.next_start);
}

static Runners
sum_runners (const FerryExecutorStand *stand)
{
  Runners runners = {0};

  for (guint i = 0; i < stand->runners->len; i++)
    {
      FerryRunner *runner = g_ptr_array_index (stand->runners, i);

      if (FERRY_IS_POOL (runner))
        add_pool (&runners, FERRY_POOL (runner));
      else
        runners.has_host = TRUE;
    }
  return runners;
}

static FerryObstacle
find_wait_for_runners (FerryInspectedTask *task, const Runners *runners)
{
  task->n_before = runners->sum.n_busy;
  if (!runners->has_pool)
    return runners->has_host ? FERRY_WAITS_FOR_HOST : FERRY_WAITS_FOR_TURN;
  if (runners->sum.next_start > 0)
    {
      task->until = runners->sum.next_start;
      return runners->sum.n_refusals > 0 ? FERRY_WAITS_FOR_SHORTAGE : FERRY_WAITS_FOR_NEXT_START;
    }
  if (runners->sum.n_busy > 0 && runners->sum.n_busy + runners->sum.n_starting >= runners->sum.max_workers)
    return FERRY_WAITS_FOR_WORKER;
  if (runners->sum.n_starting > 0)
    return FERRY_WAITS_FOR_START;
  return runners->has_host ? FERRY_WAITS_FOR_HOST : FERRY_WAITS_FOR_TURN;
}

/* What has the run is a worker of a pool, or a host. */
static FerryObstacle
find_wait_at_destination (const FerryRun *run, GHashTable *workers)
{
  const FerryPoolWorker *worker = g_hash_table_lookup (workers, run->destination);

  if (worker == NULL)
    return FERRY_WAITS_FOR_HOST;
  if (worker->state == FERRY_POOL_WORKER_STARTING || (worker->worker != NULL && !worker->attached))
    return FERRY_WAITS_FOR_START;
  return worker->in_flight.head->data == run ? FERRY_WAITS_FOR_TURN : FERRY_WAITS_BEHIND;
}

/* workers: the pool's workers, in themselves. */
static FerryObstacle
find_wait (FerryInspectedTask *task, FerryExecutor *executor, const FerryExecutorStand *stand, const Runners *runners,
           GHashTable *workers)
{
  const FerryRun *run = ferry_task_get_run (task->task);

  if (task->state != FERRY_TASK_STATE_WAITING)
    return FERRY_WAITS_NOT;
  if (run->destination != NULL)
    return find_wait_at_destination (run, workers);
  if (run->paused)
    return FERRY_WAITS_PAUSED;
  if (run->keeper != NULL && ferry_task_get_not_before (task->task) > g_get_real_time ())
    return FERRY_WAITS_FOR_TIME;
  if (stand->paused)
    return FERRY_WAITS_WHILE_PAUSED;
  if (!ferry_router_get_running (ferry_executor_get_router (executor)))
    return FERRY_WAITS_FOR_ROUTER;
  if (run->keeper != NULL && !ferry_executor_has_task (executor, task->task))
    return FERRY_WAITS_FOR_QUEUE;
  return find_wait_for_runners (task, runners);
}

/* ---- A task ---- */

char *
ferry_inspection_show_arguments (FerryTask *task)
{
  /* The start of what the log would show of them. */
  g_autofree char *text = ferry_show_arguments (ferry_task_get_run (task)->arguments);

  if (g_utf8_strlen (text, -1) <= MAX_ARGUMENTS)
    return g_steal_pointer (&text);
  *g_utf8_offset_to_pointer (text, MAX_ARGUMENTS - 3) = '\0';
  return g_strconcat (text, "...", NULL);
}

/* (transfer full) (nullable) */
static char *
find_place (const FerryRun *run, FerryTask *task, GHashTable *workers)
{
  const FerryPoolWorker *worker = run->destination != NULL ? g_hash_table_lookup (workers, run->destination) : NULL;
  const char *host = ferry_task_get_host_name (task);

  if (worker != NULL && worker->worker != NULL)
    return g_strdup (ferry_worker_get_identifier (worker->worker));
  if (worker != NULL)
    return g_strdup (worker->link->name);
  return g_strdup (host);
}

/* Takes task. */
static FerryInspectedTask *
inspect (FerryTask *task, GHashTable *workers)
{
  FerryInspectedTask *inspected = g_new0 (FerryInspectedTask, 1);
  const FerryRun *run = ferry_task_get_run (task);

  *inspected = (FerryInspectedTask){
    .number = ferry_task_get_number (task),
    .task = task,
    .state = ferry_run_get_state (run),
    .paused = run->paused != 0,
    .name = g_strdup (ferry_task_get_name (task)),
    .where = find_place (run, task, workers),
    .text = g_strdup (run->error != NULL ? run->error->message : ferry_task_get_text (task)),
    .trace = g_strdup (run->trace),
    .function = run->function,
    .n_attempts = run->n_attempts,
    .fraction = run->fraction,
    .since = run->start_time > 0 ? run->start_time : run->submit_time,
  };
  if (ferry_run_get_done (run))
    inspected->since = run->end_time;
  return inspected;
}

/* (transfer full): the workers of the executor's pools, in themselves: a destination is a worker's first field. */
static GHashTable *
list_workers (const FerryExecutorStand *stand)
{
  GHashTable *workers = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < stand->runners->len; i++)
    {
      FerryRunner *runner = g_ptr_array_index (stand->runners, i);
      FerryPoolStand pool;

      if (!FERRY_IS_POOL (runner))
        continue;
      ferry_pool_get_stand (FERRY_POOL (runner), &pool);
      for (guint k = 0; k < pool.workers->len; k++)
        g_hash_table_add (workers, g_ptr_array_index (pool.workers, k));
    }
  return workers;
}

/* ---- All of them ---- */

/* Adds (transfer full) tasks that wait in a file, and that the executor has not. */
static void
list_kept (FerryExecutor *executor, FerryRunKeeper *keeper, GPtrArray *tasks, guint max)
{
  guint n_items = MIN (g_list_model_get_n_items (keeper->list), MAX_KEPT);

  for (guint i = 0; i < n_items && tasks->len < max; i++)
    {
      FerryTask *task = g_list_model_get_item (keeper->list, i);

      if (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING && !ferry_executor_has_task (executor, task))
        g_ptr_array_add (tasks, task);
      else
        g_object_unref (task);
    }
}

static void
add_executor (FerryInspection *self, FerryExecutor *executor, guint max)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new ();
  g_autoptr (GHashTable) workers = NULL;
  FerryExecutorStand stand;
  Runners runners;

  ferry_executor_get_stand (executor, &stand);
  runners = sum_runners (&stand);
  workers = list_workers (&stand);
  ferry_executor_list_tasks (executor, tasks, max);
  for (guint i = 0; i < stand.keepers->len; i++)
    list_kept (executor, g_ptr_array_index (stand.keepers, i), tasks, max);
  for (guint i = 0; i < tasks->len; i++)
    {
      FerryInspectedTask *task = inspect (g_ptr_array_index (tasks, i), workers);

      task->wait = find_wait (task, executor, &stand, &runners, workers);
      g_ptr_array_add (self->tasks, task);
    }
}

void
ferry_inspection_add_tasks (FerryInspection *self, guint max)
{
  g_autoptr (GArray) executors = ferry_registry_list (FERRY_KIND_EXECUTOR);

  for (guint i = 0; i < executors->len; i++)
    {
      FerryExecutor *executor = g_array_index (executors, FerryFound, i).object;
      guint n_waiting, n_executing;

      if (!ferry_inspection_may_look (ferry_executor_get_router (executor)))
        continue;
      g_object_get (executor, "n-waiting", &n_waiting, "n-executing", &n_executing, NULL);
      self->n_tasks += n_waiting + n_executing;
      add_executor (self, executor, max - MIN (max, self->tasks->len));
    }
}
