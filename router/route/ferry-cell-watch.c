/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "route/ferry-router-private.h"

/* Wakes the main context for a tick. It only pings, at default priority: what the tick delivers comes through the
 * pingee, with its priority, its budget and its ageing. */
typedef struct
{
  GSource source;
  FerryRouter *router; /* (unowned): the source does not outlive its run */
} TickSource;

static FerryCellWatch *
cell_watch_new (FerryLink *link, guint32 cell)
{
  FerryCellWatch *self = g_new0 (FerryCellWatch, 1);

  self->link = ferry_link_ref (link);
  ferry_cell_reader_init (&self->reader, &link->segment.cells[cell]);
  return self;
}

/* main */
void
ferry_cell_watch_free (FerryCellWatch *self)
{
  ferry_link_unref (self->link);
  g_free (self);
}

/* main */
void
ferry_hot_cells_init (FerryHotCells *self)
{
  self->hot = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->due = g_array_new (FALSE, FALSE, sizeof (guint64));
}

/* main */
void
ferry_hot_cells_clear (FerryHotCells *self)
{
  g_assert (self->source == NULL);
  g_array_unref (self->hot);
  g_array_unref (self->due);
}

/* main: watches the cells of a new link whose senders go to a worker. */
void
ferry_router_watch_cells (FerryRouter *self, FerryLink *link)
{
  for (guint i = 0; i < link->cells->len; i++)
    {
      guint32 cell = g_array_index (link->cells, guint32, i);
      FerryPipe *pipe = ferry_router_find_pipe (self, g_array_index (link->connection_ids, guint64, i));

      if (cell != FERRY_NO_CELL && pipe != NULL && pipe->watch == NULL)
        pipe->watch = cell_watch_new (link, cell);
    }
}

/* The watch of a pipe that is open, or NULL where there is nothing to be looked at. That of a sender in this process is
 * made here: it was started on a thread of its own. */
static FerryCellWatch *
get_watch (FerryPipe *pipe)
{
  if (pipe->receiver == NULL)
    return NULL;
  if (pipe->watch == NULL)
    {
      FerryLink *link = ferry_pipe_share_get_link (pipe->share);

      if (link == NULL)
        return NULL;
      pipe->watch = cell_watch_new (link, 0);
    }
  return pipe->watch->broken ? NULL : pipe->watch;
}

/* Delivers the newest value of a pipe that has a watch, where it was not delivered yet. The handler may do what it
 * likes: afterwards pipe and watch may be gone. */
static void
take_and_deliver (FerryRouter *self, FerryPipe *pipe, gint64 now)
{
  FerryCellWatch *watch = pipe->watch;
  guint64 before = watch->reader.latest;
  const char *fault = NULL;
  FerryCellValue value;

  switch (ferry_cell_reader_take (&watch->reader, &value, &fault))
    {
    case FERRY_CELL_NEW:
      watch->delivered_at = now;
      self->overtaken += watch->reader.latest - before - 1;
      if (pipe->receiver != NULL)
        pipe->receiver->overtaken += watch->reader.latest - before - 1;
      atomic_fetch_add_explicit (&watch->link->cells_taken, 1, memory_order_relaxed);
      ferry_router_deliver (self, pipe, value.has_type ? (const GVariantType *) value.type : NULL, value.data,
                            value.size);
      break;
    case FERRY_CELL_INVALID:
      watch->broken = TRUE;
      ferry_monitor_refuse_cell (self->monitor, pipe->connection_id, fault);
      break;
    case FERRY_CELL_NONE:
    case FERRY_CELL_BUSY:
    default:
      break;
    }
}

static gboolean
tick_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  FerryRouter *router = ((TickSource *) source)->router;
  gint64 tick = router->hot_cells.tick;

  /* An aged dispatch in the same turn of the loop may have done the tick, and set the next one. */
  if (g_source_get_time (source) < tick)
    return G_SOURCE_CONTINUE;
  g_source_set_ready_time (source, -1);
  ferry_pingee_ping (router->pingee);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs tick_funcs = {.dispatch = tick_dispatch};

static void
set_tick (FerryRouter *self, gint64 tick)
{
  FerryHotCells *cells = &self->hot_cells;

  cells->tick = tick;
  if (tick == 0 && cells->source != NULL)
    {
      g_source_destroy (cells->source);
      g_clear_pointer (&cells->source, g_source_unref);
    }
  else if (tick != 0)
    {
      if (cells->source == NULL)
        {
          cells->source = g_source_new (&tick_funcs, sizeof (TickSource));
          ((TickSource *) cells->source)->router = self;
          g_source_set_static_name (cells->source, "[ferry] latest values");
          g_source_attach (cells->source, self->context);
        }
      g_source_set_ready_time (cells->source, tick);
    }
}

/* Has a cell looked at again at the next tick. */
static void
heat (FerryRouter *self, FerryPipe *pipe, gint64 now)
{
  FerryHotCells *cells = &self->hot_cells;

  pipe->watch->hot = TRUE;
  g_array_append_val (cells->hot, pipe->connection_id);
  if (cells->tick == 0)
    set_tick (self, now + self->latest_interval);
}

/* main: a cell that was cold has a value. It may have been delivered meanwhile, with the end of a task. */
void
ferry_router_cell_rang (FerryRouter *self, FerryBlock *block)
{
  FerryPipe *pipe = ferry_router_find_pipe (self, block->connection_id);
  gint64 now = g_get_monotonic_time ();

  /* Before the look, so that a value which is not seen here has the monitor send another block; acquire and release:
   * pairs with the monitor. */
  atomic_fetch_and_explicit (&block->link->cells_pending, ~((guint64) 1 << block->number), memory_order_acq_rel);
  if (pipe == NULL || get_watch (pipe) == NULL || pipe->watch->hot)
    return;
  heat (self, pipe, now);
  take_and_deliver (self, pipe, now);
}

/* A hot cell's turn in a tick. */
static void
look_again (FerryRouter *self, guint64 connection_id)
{
  FerryHotCells *cells = &self->hot_cells;
  FerryPipe *pipe = ferry_router_find_pipe (self, connection_id);
  FerryCellWatch *watch = pipe != NULL ? get_watch (pipe) : NULL;

  if (watch == NULL)
    return;
  watch->hot = FALSE;
  /* One that rang since the last tick has its whole interval. */
  if (cells->began - watch->delivered_at < self->latest_interval)
    {
      heat (self, pipe, cells->began);
      return;
    }
  if (!ferry_cell_reader_has_new (&watch->reader) && !ferry_cell_reader_arm (&watch->reader))
    return;
  heat (self, pipe, cells->began);
  take_and_deliver (self, pipe, cells->began);
}

/* main: when hot cells are to be looked at, in monotonic time; G_MAXINT64 for never. */
gint64
ferry_router_get_tick (FerryRouter *self)
{
  FerryHotCells *cells = &self->hot_cells;

  if (cells->cursor < cells->due->len)
    return cells->began;
  return cells->tick != 0 ? cells->tick : G_MAXINT64;
}

static void
begin_tick (FerryRouter *self, gint64 now)
{
  FerryHotCells *cells = &self->hot_cells;
  GArray *done = cells->due;

  cells->due = cells->hot;
  cells->hot = done;
  g_array_set_size (cells->hot, 0);
  cells->cursor = 0;
  cells->began = now;
  set_tick (self, now + self->latest_interval);
}

/* main, with a tick due: looks at the cells whose turn it is, or goes on doing so. Takes half a dispatch budget at the
 * most, or one handler, so that with many cells the blocks have their share; what is left then stays due. What a slow
 * handler took beyond that, blocks have before the next one. */
FerryDispatchResult
ferry_router_deliver_latest (FerryRouter *self, FerryMonitor *monitor, const FerryBudget *budget, gint64 *last)
{
  FerryHotCells *cells = &self->hot_cells;
  gint64 began = *last;
  gint64 until = MIN (budget->until, began + self->dispatch_budget / 2);

  if (cells->cursor == cells->due->len)
    begin_tick (self, *last);
  while (cells->cursor < cells->due->len)
    {
      look_again (self, g_array_index (cells->due, guint64, cells->cursor++));
      if (self->monitor != monitor)
        return FERRY_DISPATCH_STOPPED;
      if (cells->cursor == cells->due->len && cells->hot->len == 0)
        set_tick (self, 0);
      if (budget->condition != NULL && budget->condition (budget->user_data))
        return FERRY_DISPATCH_SPENT;
      *last = g_get_monotonic_time ();
      cells->debt = *last - began;
      if (*last >= until)
        break;
    }
  return *last >= budget->until ? FERRY_DISPATCH_SPENT : FERRY_DISPATCH_IDLE;
}

/* main: the router is being stopped. */
void
ferry_router_forget_hot_cells (FerryRouter *self)
{
  FerryHotCells *cells = &self->hot_cells;

  set_tick (self, 0);
  g_array_set_size (cells->hot, 0);
  g_array_set_size (cells->due, 0);
  cells->cursor = 0;
  cells->debt = 0;
}

/* main: the last look into the cell of a pipe that is about to end, if it has one. In a stop of the router, what is
 * found is counted. Returns the pipe, or NULL when its receiver's handler has stopped the router. */
FerryPipe *
ferry_router_take_last_value (FerryRouter *self, FerryPipe *pipe)
{
  guint64 connection_id = pipe->connection_id;
  FerryCellWatch *watch = get_watch (pipe);

  if (watch == NULL)
    return pipe;
  if (!self->stopping)
    take_and_deliver (self, pipe, watch->delivered_at);
  else if (ferry_cell_reader_has_new (&watch->reader))
    ferry_router_count_undelivered (self, connection_id);
  return ferry_router_find_pipe (self, connection_id);
}

/* main, within a handler: delivers the newest value of the pipe now, if it was not delivered yet, so that what the
 * handler does next comes after it. */
void
ferry_receiver_flush_latest (FerryReceiver *receiver)
{
  g_autoptr (FerryReceiver) kept = g_object_ref (receiver);
  g_autoptr (FerryRouter) self = g_weak_ref_get (&kept->router);
  FerryPipe *pipe;

  if (self == NULL || self->monitor == NULL)
    return;
  pipe = ferry_router_find_pipe (self, kept->connection_id);
  if (pipe != NULL && pipe->receiver == kept && get_watch (pipe) != NULL)
    take_and_deliver (self, pipe, g_get_monotonic_time ());
}
