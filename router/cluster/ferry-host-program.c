/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program that has the functions of a host: which it has, and its pool.
 *
 * Owner:   ferry-host.
 * Threads: the router's, which is the program's first. */

#include "config.h"

#include "cluster/ferry-host-program-private.h"

#include "base/ferry-base-private.h"
#include "job/ferry-function-private.h"
#include "job/ferry-program-version-private.h"
#include "pool/ferry-pool-private.h"
#include "task/ferry-executor.h"

/* How long a host waits before it tries a pool again that has failed, in seconds. */
#define RESET_SECONDS 10

/* How long the workers may take to end, in microseconds. */
#define STOP_TIME (1 * G_USEC_PER_SEC)

/* ---- what the program can do ---- */

/* A pool for one question, which does not try twice. */
static FerryPool *
make_first_pool (FerryHostProgram *self, FerryLauncher *launcher)
{
  FerryPool *pool = ferry_pool_new (self->router, launcher);

  g_object_set (pool, "max-workers", 1, "use-fork-server", FALSE, "restart-limit", 0, NULL);
  ferry_pool_set_one_of_many (pool);
  return pool;
}

/* Returns (transfer full) (nullable) what the worker of the executor's pool answers. */
static GVariant *
ask (FerryExecutor *executor, const char *function, GError **error)
{
  g_autoptr (FerryTask) task = ferry_executor_submit (executor, function, NULL, error);

  return task != NULL ? ferry_task_wait (task, -1, error) : NULL;
}

/* Returns (transfer full) (nullable) what the worker tells of its functions. Sets the version, which a program that is
 * built with an older version of Ferry does not tell. */
static GVariant *
ask_worker (FerryHostProgram *self, FerryLauncher *launcher, GError **error)
{
  g_autoptr (FerryPool) pool = make_first_pool (self, launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (GVariant) functions = ask (executor, FERRY_LIST_FUNCTION, error);
  g_autoptr (GVariant) version = functions != NULL ? ask (executor, FERRY_VERSION_FUNCTION, NULL) : NULL;

  if (version != NULL && g_variant_is_of_type (version, G_VARIANT_TYPE_STRING) &&
      ferry_version_is_valid (g_variant_get_string (version, NULL)))
    self->version = g_variant_dup_string (version, NULL);
  return g_steal_pointer (&functions);
}

static gboolean
set_unknown (const FerryHostOptions *options, GError **error)
{
  g_clear_error (error);
  return ferry_set_error (error, FERRY_ERROR_VERSION,
                          "'%s' does not tell its functions: it is built with an older version of Ferry; build it anew",
                          options->program[0]);
}

static gboolean
learn_functions (FerryHostProgram *self, const FerryHostOptions *options, FerryLauncher *launcher, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GVariant) functions = ask_worker (self, launcher, &failure);

  if (g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION))
    return set_unknown (options, error);
  if (failure != NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&failure), "'%s' cannot be run: ", options->program[0]);
      return FALSE;
    }
  if (functions == NULL || !g_variant_is_of_type (functions, G_VARIANT_TYPE (FERRY_LIST_FUNCTION_TYPE)))
    return set_unknown (options, error);
  self->functions = ferry_host_options_filter (options, functions, error);
  return self->functions != NULL;
}

/* ---- the pool ---- */

static gboolean
reset_pool (gpointer data)
{
  FerryHostProgram *self = data;

  g_clear_pointer (&self->reset, g_source_unref);
  g_message ("Starts workers again");
  ferry_pool_reset (self->pool);
  return G_SOURCE_REMOVE;
}

static void
pool_failed (FerryPool *pool, GParamSpec *pspec, FerryHostProgram *self)
{
  const GError *failure = ferry_pool_get_error (pool);

  if (failure == NULL || self->reset != NULL)
    return;
  g_message ("The host takes no tasks for %d seconds, then it starts workers again: %s", RESET_SECONDS,
             failure->message);
  self->reset = g_timeout_source_new_seconds (RESET_SECONDS);
  g_source_set_callback (self->reset, reset_pool, self, NULL);
  g_source_attach (self->reset, NULL);
}

static void
make_pool (FerryHostProgram *self, const FerryHostOptions *options, FerryLauncher *launcher)
{
  self->pool = ferry_pool_new (self->router, launcher);
  ferry_pool_set_one_of_many (self->pool);
  if (options->n_workers > 0)
    ferry_pool_set_max_workers (self->pool, (guint) options->n_workers);
  if (options->max_tasks > 0)
    g_object_set (self->pool, "max-tasks", (guint) options->max_tasks, NULL);
  g_object_set (self->pool, "use-fork-server", !options->no_fork_server, NULL);
  g_signal_connect (self->pool, "notify::error", G_CALLBACK (pool_failed), self);
}

gboolean
ferry_host_program_start (FerryHostProgram *self, const FerryHostOptions *options, GError **error)
{
  g_autoptr (FerryLauncher) launcher = ferry_host_options_make_launcher (options);

  *self = (FerryHostProgram){.router = ferry_router_new (NULL)};
  if (!ferry_router_start (self->router, error) || !learn_functions (self, options, launcher, error))
    return FALSE;
  make_pool (self, options, launcher);
  return ferry_pool_start (self->pool, error);
}

static void
note_stopped (GObject *pool, GAsyncResult *result, gpointer data)
{
  ferry_pool_stop_finish (FERRY_POOL (pool), result, NULL);
  *(gboolean *) data = TRUE;
}

void
ferry_host_program_stop (FerryHostProgram *self)
{
  gboolean stopped = self->pool == NULL;

  if (self->pool != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->pool, self);
      ferry_pool_stop_async (self->pool, STOP_TIME, NULL, note_stopped, &stopped);
    }
  while (!stopped)
    g_main_context_iteration (NULL, TRUE);
  if (self->reset != NULL)
    g_source_destroy (self->reset);
  g_clear_pointer (&self->reset, g_source_unref);
  g_clear_object (&self->pool);
  if (self->router != NULL)
    ferry_router_stop (self->router, NULL);
  g_clear_object (&self->router);
  g_clear_pointer (&self->functions, g_strfreev);
  g_clear_pointer (&self->version, g_free);
}
