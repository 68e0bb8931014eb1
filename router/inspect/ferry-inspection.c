/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A look at the whole of an application, and at its workers; tasks, figures, and what carries messages and calls have
 * files of their own.
 *
 * Nothing is collected for it before somebody looks. What is found is copied, so it may be read while the application
 * goes on.
 *
 * Threads: any. It finds what belongs to routers of the calling thread. */

#include "config.h"

#include <errno.h>
#include <signal.h>

#include "inspect/ferry-inspection-private.h"

#include "base/ferry-base-private.h"
#include "link/ferry-link-private.h"
#include "link/ferry-pidfd-private.h"
#include "pool/ferry-pool-private.h"
#include "pool/ferry-pool-worker-private.h"
#include "process/ferry-worker-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor-private.h"

/* A thread of a pool has no object of its own: its address tells it from others. */
#define THREAD_BIT ((guint64) 1 << 63)

/* ---- Workers ---- */

static FerryInspectedState
get_state (const FerryPoolWorker *worker)
{
  if (worker->state == FERRY_POOL_WORKER_STARTING)
    return FERRY_INSPECTED_STARTING;
  if (worker->state != FERRY_POOL_WORKER_READY)
    return FERRY_INSPECTED_ENDING;
  if (!worker->attached && worker->worker != NULL)
    return FERRY_INSPECTED_STARTING;
  return worker->in_flight.length > 0 ? FERRY_INSPECTED_BUSY : FERRY_INSPECTED_IDLE;
}

static void
set_pool (FerryInspectedWorker *inspected, GArray *pools, const FerryPool *pool)
{
  for (guint i = 0; i < pools->len && pool != NULL; i++)
    {
      const FerryFound *found = &g_array_index (pools, FerryFound, i);

      if (found->object != pool)
        continue;
      inspected->pool = found->number;
      g_object_get (found->object, "name", &inspected->pool_name, NULL);
    }
}

/* What it does as a worker of a pool. */
static void
add_work (FerryInspectedWorker *inspected, FerryPoolWorker *worker, GArray *pools)
{
  FerryRun *run = g_queue_peek_head (&worker->in_flight);

  set_pool (inspected, pools, worker->pool);
  inspected->state = get_state (worker);
  if (run == NULL)
    return;
  inspected->task = g_strdup (ferry_run_get_name (run));
  inspected->function = g_strdup (ferry_run_get_shown_function (run));
  inspected->lines = ferry_pool_worker_dup_lines (worker);
  inspected->n_waiting = worker->in_flight.length - 1;
}

static void
add_link (const FerryInspection *self, FerryInspectedWorker *inspected, FerryLink *link)
{
  inspected->name = g_strdup (link->name);
  inspected->program = link->program != NULL ? g_path_get_basename (link->program) : NULL;
  inspected->held_up = ferry_inspection_is_held_up (self, link, &inspected->unread);
}

/* Its worker is told so once all that it has sent was handled. */
static gboolean
has_ended (FerryWorker *worker)
{
  GPid process = ferry_worker_get_process_number (worker);

  return process > 1 && kill (process, 0) < 0 && errno == ESRCH;
}

/* Of no pool. */
static FerryInspectedState
get_process_state (FerryWorker *worker)
{
  if (ferry_worker_get_state (worker) == FERRY_WORKER_STATE_STARTING)
    return FERRY_INSPECTED_STARTING;
  return ferry_worker_get_link (worker)->fork_server != NULL ? FERRY_INSPECTED_FORKS : FERRY_INSPECTED_OPEN;
}

static FerryInspectedWorker *
inspect_process (const FerryInspection *self, FerryWorker *worker, guint64 number, FerryPoolWorker *of_pool,
                 GArray *pools)
{
  FerryInspectedWorker *inspected = g_new0 (FerryInspectedWorker, 1);
  FerrySandboxStrength strength;

  g_object_get (worker, "sandbox-strength", &strength, NULL);
  inspected->number = number;
  inspected->identifier = g_strdup (ferry_worker_get_identifier (worker));
  inspected->sandbox = strength != 0 ? ferry_sandbox_describe_strength (strength) : NULL;
  inspected->place = ferry_link_dup_place (ferry_worker_get_link (worker));
  add_link (self, inspected, ferry_worker_get_link (worker));
  if (of_pool != NULL)
    add_work (inspected, of_pool, pools);
  else
    inspected->state = get_process_state (worker);
  if (has_ended (worker))
    {
      inspected->state = FERRY_INSPECTED_ENDED;
      inspected->held_up = FALSE;
    }
  return inspected;
}

static FerryInspectedWorker *
inspect_thread (const FerryInspection *self, FerryPoolWorker *worker, GArray *pools)
{
  FerryInspectedWorker *inspected = g_new0 (FerryInspectedWorker, 1);

  inspected->number = (guint64) (gsize) worker | THREAD_BIT;
  add_link (self, inspected, worker->link);
  g_clear_pointer (&inspected->program, g_free);
  add_work (inspected, worker, pools);
  return inspected;
}

static void
add_workers (FerryInspection *self, guint max)
{
  g_autoptr (GArray) processes = ferry_registry_list (FERRY_KIND_WORKER);
  g_autoptr (GArray) pools = ferry_registry_list (FERRY_KIND_POOL);
  g_autoptr (GHashTable) of_pools = ferry_inspection_list_pool_workers (pools);
  GHashTableIter iter;
  gpointer key, value;

  for (guint i = 0; i < processes->len && self->workers->len < max; i++)
    {
      FerryFound *found = &g_array_index (processes, FerryFound, i);

      if (ferry_inspection_may_look_at (found->object))
        g_ptr_array_add (self->workers, inspect_process (self, found->object, found->number,
                                                         g_hash_table_lookup (of_pools, found->object), pools));
    }
  g_hash_table_iter_init (&iter, of_pools);
  while (g_hash_table_iter_next (&iter, &key, &value) && self->workers->len < max)
    if (key == value)
      g_ptr_array_add (self->workers, inspect_thread (self, value, pools));
}

gboolean
ferry_inspection_ask_worker (guint64 number)
{
  g_autoptr (GArray) processes = ferry_registry_list (FERRY_KIND_WORKER);

  for (guint i = 0; i < processes->len; i++)
    {
      FerryFound *found = &g_array_index (processes, FerryFound, i);
      FerryWorker *worker = found->object;

      if (found->number != number || !ferry_inspection_may_look_at (worker) ||
          !ferry_process_hears (ferry_worker_get_process_number (worker), FERRY_WHERE_SIGNAL))
        continue;
      ferry_link_expect_place (ferry_worker_get_link (worker), TRUE);
      ferry_worker_send_signal (worker, FERRY_WHERE_SIGNAL);
      return TRUE;
    }
  return FALSE;
}

gboolean
ferry_inspection_end_worker (guint64 number, gboolean kills)
{
  g_autoptr (GArray) processes = ferry_registry_list (FERRY_KIND_WORKER);
  g_autoptr (GArray) pools = ferry_registry_list (FERRY_KIND_POOL);
  g_autoptr (GHashTable) of_pools = ferry_inspection_list_pool_workers (pools);

  for (guint i = 0; i < processes->len; i++)
    {
      FerryFound *found = &g_array_index (processes, FerryFound, i);
      FerryPoolWorker *of_pool = g_hash_table_lookup (of_pools, found->object);

      if (found->number != number || !ferry_inspection_may_look_at (found->object))
        continue;
      if (kills)
        ferry_worker_force_exit (found->object);
      else if (of_pool != NULL)
        ferry_pool_worker_retire (of_pool);
      else
        ferry_worker_end_in_order (found->object);
      return TRUE;
    }
  return FALSE;
}

/* ---- The look ---- */

static void
free_worker (gpointer data)
{
  FerryInspectedWorker *worker = data;

  g_free (worker->name);
  g_free (worker->program);
  g_free (worker->identifier);
  g_free (worker->sandbox);
  g_free (worker->task);
  g_free (worker->function);
  g_free (worker->lines);
  g_free (worker->place);
  g_free (worker->pool_name);
  g_free (worker);
}

static void
free_task (gpointer data)
{
  FerryInspectedTask *task = data;

  g_object_unref (task->task);
  g_free (task->name);
  g_free (task->where);
  g_free (task->text);
  g_free (task->trace);
  g_free (task);
}

static void
free_figure (gpointer data)
{
  g_free (((FerryInspectedFigure *) data)->owner_name);
  g_free (data);
}

static void
free_path (gpointer data)
{
  FerryInspectedPath *path = data;

  g_free (path->name);
  g_free (path->worker);
  g_free (path->task);
  g_free (path);
}

static guint
count_elsewhere (void)
{
  g_autoptr (GArray) routers = ferry_registry_list (FERRY_KIND_ROUTER);
  guint n = 0;

  for (guint i = 0; i < routers->len; i++)
    n += !ferry_router_is_here (g_array_index (routers, FerryFound, i).object);
  return n;
}

FerryInspection *
ferry_inspection_new (FerryInspects what, guint max)
{
  FerryInspection *self = g_new0 (FerryInspection, 1);

  self->workers = g_ptr_array_new_with_free_func (free_worker);
  self->tasks = g_ptr_array_new_with_free_func (free_task);
  self->figures = g_ptr_array_new_with_free_func (free_figure);
  self->paths = g_ptr_array_new_with_free_func (free_path);
  self->n_elsewhere = count_elsewhere ();
  ferry_inspection_find_given (self);
  if ((what & FERRY_INSPECTS_WORKERS) != 0)
    add_workers (self, max);
  if ((what & FERRY_INSPECTS_TASKS) != 0)
    ferry_inspection_add_tasks (self, max);
  if ((what & FERRY_INSPECTS_FIGURES) != 0)
    ferry_inspection_add_figures (self, max);
  if ((what & FERRY_INSPECTS_PATHS) != 0)
    ferry_inspection_add_paths (self, max);
  return self;
}

void
ferry_inspection_free (FerryInspection *self)
{
  g_ptr_array_unref (self->workers);
  g_ptr_array_unref (self->tasks);
  g_ptr_array_unref (self->figures);
  g_ptr_array_unref (self->paths);
  g_hash_table_unref (self->given);
  g_free (self);
}
