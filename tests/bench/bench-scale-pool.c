/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pool of as many workers, which a fork server forks: started, asked once each, listed, and stopped. */

#include "config.h"

#include "bench-scale.h"

#include "bench-team.h"

typedef struct
{
  guint n_open;
  guint n_done;
  guint n_stopped;
} Progress;

static void
state_cb (FerryWorker *worker, GParamSpec *pspec, Progress *progress)
{
  if (ferry_worker_get_state (worker) == FERRY_WORKER_STATE_OPEN)
    progress->n_open++;
}

static void
workers_cb (GListModel *workers, guint position, guint n_removed, guint n_added, Progress *progress)
{
  for (guint i = 0; i < n_added; i++)
    {
      g_autoptr (FerryWorker) worker = g_list_model_get_item (workers, position + i);

      g_signal_connect (worker, "notify::state", G_CALLBACK (state_cb), progress);
    }
}

static void
done_cb (FerryTask *task, Progress *progress)
{
  if (ferry_task_get_error (task) != NULL)
    bench_fail ("a task", ferry_task_get_error (task));
  progress->n_done++;
}

static void
stopped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Progress *progress = user_data;
  g_autoptr (GError) error = NULL;

  if (!ferry_pool_stop_finish (FERRY_POOL (source), result, &error))
    bench_fail ("the pool's end", error);
  progress->n_stopped++;
}

static void
start (BenchScale *scale, BenchTeam *team, guint count, Progress *progress)
{
  g_autoptr (GError) error = NULL;

  bench_scale_begin (scale);
  if (!ferry_pool_start (team->pool, &error))
    bench_fail ("the pool", error);
  bench_scale_run_until (&progress->n_open, count);
  bench_scale_end (scale, "set-up");
}

static void
ask_all (BenchScale *scale, BenchTeam *team, guint count, Progress *progress)
{
  bench_scale_begin (scale);
  for (guint i = 0; i < count; i++)
    {
      g_autoptr (FerryTask) task = bench_team_submit (team, "echo", g_variant_new_uint32 (i));

      g_signal_connect (task, "done", G_CALLBACK (done_cb), progress);
    }
  bench_scale_run_until (&progress->n_done, count);
  bench_scale_end (scale, "use");
}

static void
list_all (BenchScale *scale, BenchTeam *team, guint count)
{
  GListModel *workers = ferry_pool_get_workers (team->pool);

  bench_scale_begin (scale);
  for (guint i = 0; i < count; i++)
    {
      g_autoptr (FerryWorker) worker = g_list_model_get_item (workers, i);

      if (worker == NULL || ferry_worker_get_pid (worker) <= 0)
        bench_fail ("a worker is missing", NULL);
    }
  bench_scale_end (scale, "list");
}

static void
run (BenchScale *scale, guint count)
{
  FerryRouter *router = bench_router_open ();
  Progress progress = {0};
  BenchTeam team;

  bench_team_open (&team, router, count);
  g_object_set (team.pool, "min-workers", count, NULL);
  g_signal_connect (ferry_pool_get_workers (team.pool), "items-changed", G_CALLBACK (workers_cb), &progress);
  bench_scale_begin_memory (scale);
  start (scale, &team, count, &progress);
  bench_scale_end_memory (scale, TRUE);
  ask_all (scale, &team, count, &progress);
  list_all (scale, &team, count);
  bench_scale_begin (scale);
  ferry_pool_stop_async (team.pool, -1, NULL, stopped_cb, &progress);
  bench_scale_run_until (&progress.n_stopped, 1);
  bench_scale_end (scale, "tear-down");
  bench_team_close (&team);
  bench_router_close (router);
}

const BenchThing bench_scale_pool = {"pool", 1, run};
