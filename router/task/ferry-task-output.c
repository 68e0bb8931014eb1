/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* See ferry-task-output-private.h. */

#include "config.h"

#include "task/ferry-task-output-private.h"

#include <string.h>

#include "task/ferry-task-private.h"

/* A worker may say of each line that it is of another call. */
#define MAX_LINES (64 * FERRY_MAX_TASK_LINES)

typedef struct
{
  guint64 call;
  char text[];
} Line;

static void
drop_oldest (FerryTaskOutput *self)
{
  g_free (g_queue_pop_head (&self->lines));
}

void
ferry_task_output_add (FerryTaskOutput *self, guint64 call, const char *text)
{
  gsize size = strlen (text) + 1;
  GList *oldest = g_queue_peek_nth_link (&self->lines, self->lines.length - FERRY_MAX_TASK_LINES);
  Line *line;

  if (size == 1)
    return;
  if (oldest != NULL && ((Line *) oldest->data)->call == call)
    {
      g_free (oldest->data);
      g_queue_delete_link (&self->lines, oldest);
    }
  if (self->lines.length == MAX_LINES)
    drop_oldest (self);
  line = g_malloc (sizeof *line + size);
  line->call = call;
  memcpy (line->text, text, size);
  g_queue_push_tail (&self->lines, line);
}

void
ferry_task_output_end (FerryTaskOutput *self, guint64 call, FerryTask *failed)
{
  const Line *line;

  if (failed != NULL)
    ferry_task_begin_lines (failed);
  for (; (line = g_queue_peek_head (&self->lines)) != NULL && line->call <= call; drop_oldest (self))
    if (line->call == call && failed != NULL)
      ferry_task_take_line (failed, line->text);
}

void
ferry_task_output_clear (FerryTaskOutput *self)
{
  while (!g_queue_is_empty (&self->lines))
    drop_oldest (self);
}
