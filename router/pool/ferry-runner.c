/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A runner: what an executor sends its tasks to, such as a pool or a cluster.
 *
 * A task moves from its executor's queue to a destination, where it is in flight. Then the task is done, or returns to
 * the front of its queue. A destination begins its tasks in flight in order. Tasks behind those that it runs are sent
 * ahead, so that it begins the next task without waiting for the application. Tasks can be taken back until they are
 * begun.
 *
 * Threads: the router's. */

#include "config.h"

#include "pool/ferry-runner-private.h"

#include "base/ferry-property-private.h"
#include "pool/ferry-task-queue-private.h"

/**
 * FerryRunner:
 *
 * What runs the tasks of executors. A [class@Ferry.Pool] is one. Only this library implements it.
 */
G_DEFINE_INTERFACE (FerryRunner, ferry_runner, G_TYPE_OBJECT)

static void
ferry_runner_default_init (FerryRunnerInterface *iface)
{
  /**
   * FerryRunner:router:
   *
   * The router of the thread on which tasks' signals are emitted. Any thread may read this.
   */
  g_object_interface_install_property (
    iface, g_param_spec_object ("router", NULL, NULL, FERRY_TYPE_ROUTER, FERRY_AT_CONSTRUCTION));
  /**
   * FerryRunner:parallelism:
   *
   * How many tasks may run at a time: of a pool, [property@Ferry.Pool:max-workers], and of a cluster the
   * workers of its hosts.
   */
  g_object_interface_install_property (iface,
                                       g_param_spec_uint ("parallelism", NULL, NULL, 0, G_MAXUINT, 0, FERRY_READABLE));
}

/* ---- The sources of a runner ---- */

FerryRun *
ferry_task_sources_find (FerryTaskSources *self, FerryTaskFilter filter, gpointer data)
{
  FerryRun *best = NULL;
  guint n = self->list->len;

  for (guint i = 0; i < n; i++)
    {
      FerryTaskSource *source = g_ptr_array_index (self->list, (self->next + i) % n);
      FerryRun *run =
        !ferry_timer_is_set (&source->refuse_timer) ? ferry_task_queue_find (&source->queue, filter, data) : NULL;

      if (run != NULL && (best == NULL || run->priority > best->priority))
        best = run;
    }
  return best;
}

void
ferry_task_sources_pass_turn (FerryTaskSources *self, FerryRun *run)
{
  guint index = 0;

  if (self->list->len > 1 && g_ptr_array_find (self->list, run->source, &index))
    self->next = index + 1;
}

/* An executor that a handler adds finds the runner's failure in its state. One may be gone, so i is checked again. */
void
ferry_task_sources_fail_all (FerryTaskSources *self, FerryRunner *runner, const GError *error)
{
  for (guint i = self->list->len; i > 0; i--)
    if (i <= self->list->len)
      {
        FerryTaskSource *source = g_ptr_array_index (self->list, i - 1);

        source->fail_all (source, runner, error);
      }
}
