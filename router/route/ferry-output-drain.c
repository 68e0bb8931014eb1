/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a worker's standard streams into the local queue, where they are logged.
 *
 * What the lines take is charged against the link as messages are: a link that has its share out is not read, so a
 * worker that writes more than is taken waits in write(), as it would with any pipe. */

#include "config.h"

#include "route/ferry-monitor-private.h"

static void
push_lines (FerryMonitor *self, FerryLink *link, GByteArray *lines)
{
  FerryBlock *block;

  if (lines->len == 0)
    {
      g_byte_array_unref (lines);
      return;
    }
  block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_OUTPUT);
  block->size = lines->len;
  block->charge = lines->len;
  block->data = g_byte_array_free (lines, FALSE);
  ferry_monitor_push (self, block);
}

/* Reads what there is of a turn. A line is of the call that was begun last by then, or of one before it. */
static void
read_output (FerryMonitor *self, FerryLink *link)
{
  guint n_errors = link->output->n_errors;
  GByteArray *lines = ferry_output_read (link->output);

  if (link->output->n_errors != n_errors)
    link->output->error_begun = ferry_link_get_begun_call (link);
  push_lines (self, link, lines);
}

/* monitor: reads a turn of what the worker wrote. When it has ended, until all is read that is there. */
FerryDrainResult
ferry_monitor_drain_output (FerryMonitor *self, FerryLink *link)
{
  FerryOutput *output = link->output;

  if (output == NULL)
    return FERRY_DRAIN_EMPTY;
  if (link->state == FERRY_LINK_ENDED)
    ferry_output_begin_end (output);
  if (!output->ready || output->ended)
    return FERRY_DRAIN_EMPTY;
  if (!ferry_local_queue_has_room (self->local, link))
    return FERRY_DRAIN_STALLED;
  read_output (self, link);
  return output->ready ? FERRY_DRAIN_MORE : FERRY_DRAIN_EMPTY;
}

/* monitor: the link is given up, because the router stops, say: reads what is left, at once. */
void
ferry_monitor_finish_output (FerryMonitor *self, FerryLink *link)
{
  FerryOutput *output = link->output;

  if (output == NULL)
    return;
  ferry_output_begin_end (output);
  while (!output->ended)
    read_output (self, link);
}
