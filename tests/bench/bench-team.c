/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-team.h"

#include <stdlib.h>

#include "bench-common.h"

void
bench_fail (const char *what, const GError *error)
{
  g_printerr ("bench: %s: %s\n", what, error != NULL ? error->message : "no reason was given");
  exit (EXIT_FAILURE);
}

int
bench_get_number (gpointer object, const char *property)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_INT);
  g_object_get_property (object, property, &value);
  return g_value_get_int (&value);
}

gboolean
bench_is_closed (FerryTransport *transport)
{
  gboolean closed;

  g_object_get (transport, "closed", &closed, NULL);
  return closed;
}

FerryRouter *
bench_router_open (void)
{
  FerryRouter *router = ferry_router_new (NULL);
  g_autoptr (GError) error = NULL;

  if (!ferry_router_start (router, &error))
    bench_fail ("the router", error);
  return router;
}

void
bench_router_close (FerryRouter *router)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_router_stop (router, &error))
    bench_fail ("the router's end", error);
  g_object_unref (router);
}

/* The workers are forked by a fork server, as is usual, and start with the first tasks. */
void
bench_team_open (BenchTeam *self, FerryRouter *router, guint max_workers)
{
  g_autofree char *path = bench_path_beside ("bench-functions");
  const char *const argv[] = {path, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);

  self->router = g_object_ref (router);
  self->pool = ferry_pool_new (router, launcher);
  ferry_pool_set_max_workers (self->pool, max_workers);
  self->executor = ferry_executor_new (self->pool);
}

/* Has all workers started, and every one of them asked. */
void
bench_team_warm_up (BenchTeam *self)
{
  const guint n_workers = (guint) bench_get_number (self->pool, "max-workers");
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  g_object_set (self->pool, "min-workers", n_workers, NULL);
  for (guint i = 0; i < 200 * n_workers; i++)
    g_ptr_array_add (tasks, bench_team_submit (self, "echo", g_variant_new_uint32 (i)));
  for (guint i = 0; i < tasks->len; i++)
    {
      while (!ferry_task_get_done (tasks->pdata[i]))
        g_main_context_iteration (NULL, TRUE);
      if (ferry_task_get_error (tasks->pdata[i]) != NULL)
        bench_fail ("a task", ferry_task_get_error (tasks->pdata[i]));
    }
}

static void
stopped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean *stopped = user_data;
  g_autoptr (GError) error = NULL;

  if (!ferry_pool_stop_finish (FERRY_POOL (source), result, &error))
    bench_fail ("the pool's end", error);
  *stopped = TRUE;
}

/* Kills the workers, whatever they are at. */
void
bench_team_close (BenchTeam *self)
{
  gboolean stopped = FALSE;

  ferry_pool_stop_async (self->pool, 0, NULL, stopped_cb, &stopped);
  while (!stopped)
    g_main_context_iteration (NULL, TRUE);
  g_clear_object (&self->executor);
  g_clear_object (&self->pool);
  g_clear_object (&self->router);
}

FerryTask *
bench_team_submit (BenchTeam *self, const char *function, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  FerryTask *task = ferry_executor_submit (self->executor, function, arguments, &error);

  if (task == NULL)
    bench_fail ("a task was not taken", error);
  return task;
}

/* Submits, and runs the main loop until the result is there. */
GVariant *
bench_team_ask (BenchTeam *self, const char *function, GVariant *arguments)
{
  g_autoptr (FerryTask) task = bench_team_submit (self, function, arguments);
  g_autoptr (GError) error = NULL;
  GVariant *result;

  while (!ferry_task_get_done (task))
    g_main_context_iteration (NULL, TRUE);
  result = ferry_task_get_result (task, &error);
  if (error != NULL)
    bench_fail (function, error);
  return result;
}
