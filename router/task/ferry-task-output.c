/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* See ferry-task-output-private.h. */

#include "config.h"

#include "task/ferry-task-output-private.h"

#include "task/ferry-task-private.h"

void
ferry_task_output_add (FerryTaskOutput *self, const char *line, gboolean is_idle)
{
  g_autoptr (FerryTask) ended = is_idle ? g_weak_ref_get (&self->task) : NULL;

  if (line[0] == '\0')
    return;
  if (ended != NULL)
    ferry_task_take_line (ended, line);
  if (is_idle)
    return;
  g_queue_push_tail (&self->lines, g_strdup (line));
  if (self->lines.length > FERRY_MAX_TASK_LINES)
    g_free (g_queue_pop_head (&self->lines));
}

void
ferry_task_output_give (FerryTaskOutput *self, FerryTask *task)
{
  for (GList *link = self->lines.head; link != NULL; link = link->next)
    ferry_task_take_line (task, link->data);
  ferry_task_output_clear (self);
  g_weak_ref_set (&self->task, task);
  self->has_task = TRUE;
}

void
ferry_task_output_clear (FerryTaskOutput *self)
{
  g_queue_clear_full (&self->lines, g_free);
  if (self->has_task)
    g_weak_ref_set (&self->task, NULL);
  self->has_task = FALSE;
}
