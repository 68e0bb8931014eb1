/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The monitor's part in cells: it hears which of them have a value that rang, and tells the router's thread, which
 * reads them. */

#include "config.h"

#include "route/ferry-monitor-private.h"

static gboolean
find_pipe_of_cell (FerryLink *link, guint cell, guint *index)
{
  for (*index = 0; *index < link->cells->len; *index += 1)
    if (g_array_index (link->cells, guint32, *index) == cell)
      return TRUE;
  return FALSE;
}

static void
push_cell (FerryMonitor *self, FerryLink *link, guint cell)
{
  FerryBlock *block;
  guint index;

  if (!find_pipe_of_cell (link, cell, &index))
    return;
  block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_CELL);
  block->connection_id = g_array_index (link->connection_ids, guint64, index);
  block->number = (guint16) cell;
  ferry_monitor_push (self, block);
}

/* monitor: tells the router's thread of the link's cells that rang. A cell that it was told of, and has not looked at
 * yet, is passed over: a worker that rings and rings costs one block a cell. */
void
ferry_monitor_take_cells (FerryMonitor *self, FerryLink *link)
{
  FerryLinkControl *control;
  guint64 rang;

  if (link->segment.n_cells == 0 || link->state == FERRY_LINK_ATTACHING || link->draining_done)
    return;
  control = ferry_segment_get_control (&link->segment);
  /* Relaxed: who set a bit rings afterwards, so this is looked at again. */
  if (G_LIKELY (atomic_load_explicit (&control->dirty, memory_order_relaxed) == 0))
    return;
  /* Acquire: pairs with the writer's or, so that the router's thread finds the value for which the bit was set. */
  rang = atomic_exchange_explicit (&control->dirty, 0, memory_order_acq_rel);
  if (link->segment.n_cells < 64)
    rang &= ((guint64) 1 << link->segment.n_cells) - 1;
  /* Release, and pairs with the router's thread, which takes its bit out before it looks into the cell: a bit found set
   * here is one whose look is still to come. */
  rang &= ~atomic_fetch_or_explicit (&link->cells_pending, rang, memory_order_acq_rel);
  for (; rang != 0; rang &= rang - 1)
    push_cell (self, link, (guint) __builtin_ctzll (rang));
}

typedef struct
{
  guint64 connection_id;
  const char *fault; /* (unowned): static */
} Refusal;

static void
refuse_command (FerryMonitor *self, gpointer data)
{
  Refusal *refusal = data;
  guint slot = ferry_connection_id_get_slot (refusal->connection_id);
  FerryGrantEntry *entry = slot < self->grants->len ? &g_array_index (self->grants, FerryGrantEntry, slot) : NULL;

  /* The link may have ended meanwhile. */
  if (entry != NULL && entry->connection_id == refusal->connection_id)
    ferry_shared_queue_fault (self->shared, entry->link, refusal->fault);
}

/* router's thread: a cell holds what no honest worker writes. fault is static. */
gboolean
ferry_monitor_refuse_cell (FerryMonitor *self, guint64 connection_id, const char *fault)
{
  Refusal *refusal = g_new (Refusal, 1);

  *refusal = (Refusal){connection_id, fault};
  return ferry_monitor_invoke (self, refuse_command, refusal, g_free);
}
