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
#include "pool/ferry-pool-private.h"
#include "pool/ferry-pool-worker-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor-private.h"

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

/* What is around the tasks of an executor. */
typedef struct
{
  const FerryInspection *inspection;
  FerryExecutor *executor;
  FerryExecutorStand stand;
  Runners runners;
  GHashTable *workers; /* (owned): the workers of its pools, in themselves */
} Scene;

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
find_obstacle_of_runners (FerryInspectedTask *task, const Runners *runners)
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

/* (nullable): the worker of a pool that has the run. */
static const FerryPoolWorker *
find_worker (const FerryRun *run, GHashTable *workers)
{
  return g_hash_table_lookup (workers, run->destination);
}

/* What has the run is a worker of a pool, or a host. */
static FerryObstacle
find_obstacle_at_destination (const FerryRun *run, GHashTable *workers)
{
  const FerryPoolWorker *worker = find_worker (run, workers);

  if (worker == NULL)
    return FERRY_WAITS_FOR_HOST;
  if (worker->state == FERRY_POOL_WORKER_STARTING || (worker->worker != NULL && !worker->attached))
    return FERRY_WAITS_FOR_START;
  return worker->in_flight.head->data == run ? FERRY_WAITS_FOR_TURN : FERRY_WAITS_BEHIND;
}

static gboolean
is_held_up (const FerryRun *run, const Scene *scene)
{
  const FerryPoolWorker *worker = find_worker (run, scene->workers);
  guint64 unread;

  return worker != NULL && ferry_inspection_is_held_up (scene->inspection, worker->link, &unread);
}

static FerryObstacle
find_obstacle (FerryInspectedTask *task, const Scene *scene)
{
  const FerryRun *run = ferry_task_get_run (task->task);

  if (task->state == FERRY_TASK_STATE_EXECUTING && is_held_up (run, scene))
    return FERRY_WAITS_FOR_HANDLERS;
  if (task->state != FERRY_TASK_STATE_WAITING)
    return FERRY_WAITS_NOT;
  if (run->destination != NULL)
    return find_obstacle_at_destination (run, scene->workers);
  if (run->paused)
    return FERRY_WAITS_PAUSED;
  if (run->rest_until > 0)
    return FERRY_WAITS_FOR_TIME;
  if (scene->stand.paused)
    return FERRY_WAITS_WHILE_PAUSED;
  if (!ferry_router_get_running (ferry_executor_get_router (scene->executor)))
    return FERRY_WAITS_FOR_ROUTER;
  return find_obstacle_of_runners (task, &scene->runners);
}

/* Of a task that is in a queue's file, and that the executor has not. */
static FerryObstacle
find_obstacle_in_file (FerryInspectedTask *task, const Scene *scene)
{
  const FerryRun *run = ferry_task_get_run (task->task);
  FerryObstacle obstacle;
  gboolean paused;

  if (run->paused)
    return FERRY_WAITS_PAUSED;
  if (ferry_task_get_not_before (task->task) > g_get_real_time ())
    return FERRY_WAITS_FOR_TIME;
  g_object_get (run->keeper->list, "paused", &paused, NULL);
  if (paused)
    return FERRY_WAITS_WHILE_PAUSED;
  obstacle = find_obstacle_of_runners (task, &scene->runners);
  return obstacle == FERRY_WAITS_FOR_TURN ? FERRY_WAITS_FOR_QUEUE : obstacle;
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
  const FerryPoolWorker *worker = find_worker (run, workers);
  const char *host = ferry_task_get_host_name (task);

  if (worker != NULL && worker->worker != NULL)
    return g_strdup (ferry_worker_get_identifier (worker->worker));
  if (worker != NULL)
    return g_strdup (worker->link->name);
  return g_strdup (host);
}

static FerryInspectedTask *
inspect (FerryTask *task, GHashTable *workers)
{
  FerryInspectedTask *inspected = g_new0 (FerryInspectedTask, 1);
  FerryRun *run = ferry_task_get_run (task);

  *inspected = (FerryInspectedTask){
    .number = ferry_task_get_number (task),
    .task = g_object_ref (task),
    .state = ferry_run_get_state (run),
    .paused = run->paused != 0,
    .name = g_strdup (ferry_task_get_name (task)),
    .where = find_place (run, task, workers),
    .text = g_strdup (run->error != NULL ? run->error->message : ferry_task_get_text (task)),
    .trace = g_strdup (run->trace),
    .function = ferry_run_get_shown_function (run),
    .n_attempts = run->n_attempts,
    /* A task that has ended has one, whether or not it told any. */
    .fraction = ferry_run_get_done (run) && run->fraction <= 0 ? -1 : run->fraction,
    .since = run->start_time > 0 ? run->start_time : run->submit_time,
  };
  if (run->exit != NULL)
    g_object_get (run->exit, "forced", &inspected->was_killed, NULL);
  if (ferry_run_get_done (run))
    inspected->ended = MAX (run->end_time, inspected->since);
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

/* Adds those that wait in a file, and that the executor has not. known: (element-type FerryTask): those that it has. */
static void
add_kept (FerryInspection *self, const Scene *scene, FerryRunKeeper *keeper, GPtrArray *known, guint max)
{
  guint n_items = MIN (g_list_model_get_n_items (keeper->list), MAX_KEPT);

  for (guint i = 0; i < n_items && self->tasks->len < max; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (keeper->list, i);
      FerryInspectedTask *inspected;

      if (ferry_task_get_state (task) != FERRY_TASK_STATE_WAITING || g_ptr_array_find (known, task, NULL))
        continue;
      inspected = inspect (task, scene->workers);
      inspected->wait = find_obstacle_in_file (inspected, scene);
      g_ptr_array_add (self->tasks, inspected);
    }
}

/* Adds those of the tasks that are done, or those that are not. */
static void
add_tasks (FerryInspection *self, const Scene *scene, GPtrArray *tasks, gboolean done)
{
  for (guint i = 0; i < tasks->len; i++)
    {
      FerryInspectedTask *task;

      if (ferry_task_get_done (tasks->pdata[i]) != done)
        continue;
      task = inspect (tasks->pdata[i], scene->workers);
      task->wait = find_obstacle (task, scene);
      g_ptr_array_add (self->tasks, task);
    }
}

static guint
count_open (gpointer model)
{
  guint n_waiting, n_executing;

  g_object_get (model, "n-waiting", &n_waiting, "n-executing", &n_executing, NULL);
  return n_waiting + n_executing;
}

static void
add_executor (FerryInspection *self, FerryExecutor *executor, guint max)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  Scene scene = {.inspection = self, .executor = executor};
  guint n_kept = 0;

  ferry_executor_get_stand (executor, &scene.stand);
  scene.runners = sum_runners (&scene.stand);
  scene.workers = list_workers (&scene.stand);
  ferry_executor_list_tasks (executor, tasks, max - MIN (max, self->tasks->len));
  add_tasks (self, &scene, tasks, /* done: */ FALSE);
  for (guint i = 0; i < scene.stand.keepers->len; i++)
    {
      FerryRunKeeper *keeper = g_ptr_array_index (scene.stand.keepers, i);

      n_kept += count_open (keeper->list);
      add_kept (self, &scene, keeper, tasks, max);
    }
  add_tasks (self, &scene, tasks, /* done: */ TRUE);
  g_hash_table_unref (scene.workers);
  self->n_tasks += MAX (count_open (executor), n_kept);
}

void
ferry_inspection_add_tasks (FerryInspection *self, guint max)
{
  g_autoptr (GArray) executors = ferry_registry_list (FERRY_KIND_EXECUTOR);

  for (guint i = 0; i < executors->len; i++)
    {
      FerryExecutor *executor = g_array_index (executors, FerryFound, i).object;

      if (ferry_router_is_here (ferry_executor_get_router (executor)))
        add_executor (self, executor, max);
    }
}
