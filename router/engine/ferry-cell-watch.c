/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* When cells of latest values are looked at: the router's state of each cell (FerryCellWatch), and the list of the hot
 * cells (FerryHotCells).
 *
 * The router itself reads the cells and delivers their values.
 *
 * A cold cell is armed, so that its writer rings. A hot one is not: the router reads it at each tick, until it has no
 * new value. There are ticks only while there are hot cells.
 *
 * Owner:   the pipe owns its watch; the router owns the list of hot cells.
 * Threads: the router's thread only. */

#include "config.h"

#include "engine/ferry-pingee-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"

FerryCellWatch *
ferry_cell_watch_new (FerryLink *link, guint32 cell)
{
  FerryCellWatch *self = g_new0 (FerryCellWatch, 1);

  self->link = ferry_link_ref (link);
  ferry_cell_reader_init (&self->reader, &link->segment.cells[cell]);
  return self;
}

void
ferry_cell_watch_free (FerryCellWatch *self)
{
  ferry_link_unref (self->link);
  g_free (self);
}

void
ferry_hot_cells_init (FerryHotCells *self, GMainContext *context)
{
  self->context = context;
  self->hot = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->due = g_array_new (FALSE, FALSE, sizeof (guint64));
}

void
ferry_hot_cells_clear (FerryHotCells *self)
{
  g_assert (self->source == NULL);
  g_array_unref (self->hot);
  g_array_unref (self->due);
}

/* A source of default priority, which has the main context wake for a tick. It only pings the pingee, where the context
 * looks for ready sources: the pingee's callback does the tick in the same iteration, within its own priority, budget
 * and ageing. So it is never ready itself, and the context's thread never wakes itself. */
typedef struct
{
  FerryWorkSource work;
  FerryHotCells *cells; /* (unowned) */
} TickSource;

static gboolean
look (FerryWorkSource *work, int *timeout)
{
  FerryHotCells *self = ((TickSource *) work)->cells;
  const gint64 left = self->tick - g_source_get_time (&work->source);

  if (self->pinged)
    return FALSE;
  if (left > 0)
    {
      *timeout = (int) MIN ((left - 1) / FERRY_MICROSECONDS_PER_MILLISECOND + 1, G_MAXINT);
      return FALSE;
    }
  /* The pingee's source may have looked before this one. */
  *timeout = 0;
  self->pinged = TRUE;
  ferry_pingee_ping (self->pingee);
  return FALSE;
}

static gboolean
tick_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs tick_funcs = {ferry_work_source_prepare, ferry_work_source_check, tick_dispatch};

static void
set_tick (FerryHotCells *self, gint64 tick)
{
  self->tick = tick;
  self->pinged = FALSE;
  if (tick == 0)
    ferry_clear_source (&self->source);
  else if (self->source == NULL)
    {
      self->source = g_source_new (&tick_funcs, sizeof (TickSource));
      ((TickSource *) self->source)->work.look = look;
      ((TickSource *) self->source)->cells = self;
      g_source_set_static_name (self->source, "[ferry] latest values");
      g_source_attach (self->source, self->context);
    }
  else
    ferry_work_source_wake ((FerryWorkSource *) self->source);
}

/* Makes a cell hot: the router reads it again at the next tick. Sets a next tick at the time tick, if none is set. */
void
ferry_hot_cells_heat (FerryHotCells *self, FerryCellWatch *watch, guint64 connection_id, gint64 tick)
{
  watch->hot = TRUE;
  g_array_append_val (self->hot, connection_id);
  if (self->tick == 0)
    set_tick (self, tick);
}

gboolean
ferry_hot_cells_is_done (const FerryHotCells *self)
{
  return self->cursor == self->due->len;
}

/* Returns the monotonic time at which hot cells are to be read, or G_MAXINT64 for never. */
gint64
ferry_hot_cells_get_tick (FerryHotCells *self)
{
  if (!ferry_hot_cells_is_done (self))
    return self->began;
  return self->tick != 0 ? self->tick : G_MAXINT64;
}

/* Begins a tick at now, with the next one at next, unless cells of the present tick are still to be read. */
void
ferry_hot_cells_begin (FerryHotCells *self, gint64 now, gint64 next)
{
  GArray *done = self->due;

  if (!ferry_hot_cells_is_done (self))
    return;
  self->due = self->hot;
  self->hot = done;
  g_array_set_size (self->hot, 0);
  self->cursor = 0;
  self->began = now;
  set_tick (self, next);
}

/* Returns the connection id of the next cell of the present tick. ferry_hot_cells_is_done() must be FALSE. */
guint64
ferry_hot_cells_next (FerryHotCells *self)
{
  return g_array_index (self->due, guint64, self->cursor++);
}

/* Drops the next tick when no cell is hot, and none is left to be read. To be called after each cell. */
void
ferry_hot_cells_settle (FerryHotCells *self)
{
  if (ferry_hot_cells_is_done (self) && self->hot->len == 0)
    set_tick (self, 0);
}

void
ferry_hot_cells_stop (FerryHotCells *self)
{
  set_tick (self, 0);
  g_array_set_size (self->hot, 0);
  g_array_set_size (self->due, 0);
  self->cursor = 0;
  self->debt = 0;
  self->pingee = NULL;
}
