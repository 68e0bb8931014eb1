/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the router's thread is told of a link besides its records: the start of the process, the worker's attachment,
 * its output, the cells that have new values, and the link's end. They go into the local queue, behind the blocks that
 * were drained from the link before.
 *
 * Owner:   the visits of the monitor.
 * Threads: that which holds the drain lock. */

#include "config.h"

#include "engine/ferry-link-events-private.h"

#include <string.h>

#include "engine/ferry-exit-private.h"
#include "link/ferry-console-private.h"
#include "link/ferry-link-private.h"

/* Takes ownership of exit (nullable). */
static void
push (FerryLinkEvents *self, FerryLink *link, FerryBlockKind kind, FerryExit *exit)
{
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, kind);

  block->pid = link->process.pid;
  block->exit = exit;
  ferry_drain_push (self->drain, block);
}

void
ferry_link_events_tell_launched (FerryLinkEvents *self, FerryLink *link)
{
  if (link->visit.told_launched || link->process.pid == 0)
    return;
  link->visit.told_launched = TRUE;
  push (self, link, FERRY_BLOCK_LAUNCHED, NULL);
}

void
ferry_link_events_tell_attached (FerryLinkEvents *self, FerryLink *link)
{
  if (link->visit.told_attached)
    return;
  link->visit.told_attached = TRUE;
  push (self, link, FERRY_BLOCK_ATTACHED, NULL);
}

void
ferry_link_events_tell_ended (FerryLinkEvents *self, FerryLink *link, FerryExit *exit)
{
  push (self, link, FERRY_BLOCK_ENDED, g_object_ref (exit));
}

/* ---- output ----
 *
 * Lines from a worker's standard streams go into the local queue; the router's thread logs them.
 *
 * Lines count against the link's share, as messages do. While the share is used up, a stream that is logged is not
 * read. So a worker that writes faster than the application logs waits in write(), as with any pipe.
 *
 * Lines that are shown are written here, also where the link is stalled or the main loop is blocked. A worker that
 * prints much must not wait for the main loop. They go into the local queue as well, for a signal, but only while few
 * of them are there, so that they leave most of the link's share to messages. */

#define MAX_SHOWN_IN_QUEUE (FERRY_LINK_WINDOW / 4)

/* How often this looks again because the worker has begun another call meanwhile. A worker must not keep this thread.
 */
#define MAX_LOOKS 8

static void
show_lines (FerryLink *link, const GByteArray *lines)
{
  const GPid pid = link->confinement.pid != 0 ? link->confinement.pid : link->process.pid;
  FerryOutputLine line;

  for (gsize at = 0; at < lines->len; at += sizeof line + line.length + 1)
    {
      memcpy (&line, lines->data + at, sizeof line);
      ferry_console_show (line.stream, link->name, pid, (const char *) lines->data + at + sizeof line);
    }
}

static void
push_lines (FerryLinkEvents *self, FerryLink *link, GByteArray *lines, gboolean charged)
{
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_OUTPUT);

  block->size = block->share = lines->len;
  block->charge = charged ? lines->len : 0;
  block->data = g_byte_array_steal (lines, NULL);
  ferry_drain_push (self->drain, block);
}

/* Notes which call the worker had begun last when this looked at the pipe of a stream. Returns how much may be read:
 * what was there then, so that none of it is of a later call. It is of no earlier one either if the worker waited,
 * before it answered that one, until its pipes were empty. */
static gsize
look (FerryLink *link, guint stream)
{
  FerryOutput *output = link->output;
  gsize size = 0;

  output->call = ferry_link_get_begun_call (link);
  for (guint i = 0; i < MAX_LOOKS; i++)
    {
      guint64 begun;

      size = ferry_output_get_size (output, stream);
      begun = ferry_link_get_begun_call (link);
      if (begun == output->call)
        break;
      output->call = begun;
    }
  /* A read of an empty pipe tells of its end. */
  return MAX (size, 1);
}

static void
read_stream (FerryLinkEvents *self, FerryLink *link, guint stream)
{
  const gboolean shown = link->output->pipes[stream - 1].shown;
  gsize size = look (link, stream);
  g_autoptr (GByteArray) lines = ferry_output_read (link->output, stream, size);

  if (lines->len == 0)
    return;
  if (shown)
    show_lines (link, lines);
  /* Relaxed: only the thread that holds the drain lock adds to them. */
  if (!shown || atomic_load_explicit (&link->out.lines, memory_order_relaxed) < MAX_SHOWN_IN_QUEUE)
    push_lines (self, link, lines, !shown);
}

FerryDrainResult
ferry_link_events_take_output (FerryLinkEvents *self, FerryLink *link)
{
  FerryOutput *output = link->output;
  gboolean more = FALSE;
  gboolean stalled = FALSE;

  if (output == NULL)
    return FERRY_DRAIN_EMPTY;
  if (link->state == FERRY_LINK_ENDED)
    ferry_output_begin_end (output);
  else if (link->process.pid == 0)
    return FERRY_DRAIN_EMPTY;
  for (guint stream = 1; stream <= FERRY_N_OUTPUTS; stream++)
    {
      const FerryOutputPipe *pipe = &output->pipes[stream - 1];

      if (!pipe->ready)
        continue;
      if (pipe->shown || ferry_local_queue_has_room (self->local, link))
        read_stream (self, link, stream);
      else
        stalled = TRUE;
      more |= pipe->ready && (pipe->shown || !stalled);
    }
  return more ? FERRY_DRAIN_MORE : stalled ? FERRY_DRAIN_STALLED : FERRY_DRAIN_EMPTY;
}

void
ferry_link_events_take_last_output (FerryLinkEvents *self, FerryLink *link)
{
  if (link->output == NULL)
    return;
  ferry_output_begin_end (link->output);
  for (guint stream = 1; stream <= FERRY_N_OUTPUTS; stream++)
    while (link->output->pipes[stream - 1].ready)
      read_stream (self, link, stream);
}

/* ---- cells ---- */

static void
push_cell (FerryLinkEvents *self, FerryLink *link, guint cell)
{
  FerryBlock *block;
  guint index = 0;

  while (index < link->cells->len && g_array_index (link->cells, guint32, index) != cell)
    index++;
  if (index == link->cells->len)
    return;
  block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_CELL);
  block->connection_id = g_array_index (link->connection_ids, guint64, index);
  block->number = (guint16) cell;
  ferry_drain_push (self->drain, block);
}

gboolean
ferry_link_events_has_cells (FerryLink *link)
{
  /* Relaxed: a writer sets its bit before it rings, so a bit that is missed here is found after the ring. */
  return atomic_load_explicit (&ferry_segment_get_control (&link->segment)->dirty, memory_order_relaxed) != 0;
}

void
ferry_link_events_take_cells (FerryLinkEvents *self, FerryLink *link)
{
  FerryLinkControl *control;
  guint64 rang;

  if (link->segment.n_cells == 0 || link->state == FERRY_LINK_ATTACHING || link->draining_done)
    return;
  if (G_LIKELY (!ferry_link_events_has_cells (link)))
    return;
  control = ferry_segment_get_control (&link->segment);
  /* Acquire: pairs with the atomic “or” of the writer, so that the router's thread reads the value for which the bit
   * was set. */
  rang = atomic_exchange_explicit (&control->dirty, 0, memory_order_acq_rel);
  if (link->segment.n_cells < 64)
    rang &= ((guint64) 1 << link->segment.n_cells) - 1;
  /* Release: pairs with cell_rang() of ferry-dispatch.c, which clears the bit before it reads the cell. A bit that was
   * set before this operation means that the router's thread has yet to read the cell. */
  rang &= ~atomic_fetch_or_explicit (&link->cells_pending, rang, memory_order_acq_rel);
  for (; rang != 0; rang &= rang - 1)
    push_cell (self, link, (guint) __builtin_ctzll (rang));
}
