/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The executors that send their tasks to a runner. See ferry-task-sources-private.h. */

#include "config.h"

#include "task/ferry-task-sources-private.h"

void
ferry_task_sources_init (FerryTaskSources *self)
{
  *self = (FerryTaskSources){.list = g_ptr_array_new ()};
}

void
ferry_task_sources_clear (FerryTaskSources *self)
{
  g_clear_pointer (&self->list, g_ptr_array_unref);
}

void
ferry_task_sources_add (FerryTaskSources *self, FerryTaskSource *source)
{
  g_ptr_array_add (self->list, source);
}

void
ferry_task_sources_remove (FerryTaskSources *self, FerryTaskSource *source)
{
  g_ptr_array_remove (self->list, source);
}

static FerryRun *
find_in_source (FerryTaskSource *source, FerryTaskFilter filter, gpointer data)
{
  if (ferry_timer_is_set (&source->refuse_timer))
    return NULL;
  return filter != NULL ? ferry_task_queue_find (&source->queue, filter, data) : ferry_task_queue_peek (&source->queue);
}

FerryRun *
ferry_task_sources_find (FerryTaskSources *self, FerryTaskFilter filter, gpointer data)
{
  FerryRun *best = NULL;
  guint n = self->list->len;

  for (guint i = 0; i < n; i++)
    {
      FerryRun *run = find_in_source (g_ptr_array_index (self->list, (self->next + i) % n), filter, data);

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
