/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the router keeps of each cell, and the list of its hot cells. The router itself reads and delivers values.
 *
 * A cell is cold until its writer rings: it is armed, and costs nothing. Then its newest value is delivered, and the
 * cell is hot: it is not armed, and is read again at the next tick. At a tick, a hot cell with a new value has it
 * delivered and stays hot. One without is armed, read once more, and becomes cold. So a busy cell costs one delivery an
 * interval, and its writer no system call, however fast it writes. There are ticks only while there are hot cells.
 *
 * Owner:   the pipe has its watch, the router the list of hot cells.
 * Threads: the router's. */

#pragma once

#include "lane/ferry-cell-private.h"
#include "link/ferry-link-private.h"
#include "route/ferry-pingee.h"

G_BEGIN_DECLS

typedef struct
{
  FerryLink *link; /* (owned): it has the cell's memory until its end is told on the router's thread */
  FerryCellReader reader;
  gint64 delivered_at; /* monotonic time of the tick or ring that delivered the latest value */
  gboolean hot;
  gboolean broken; /* its writer broke a rule: it is never read again */
} FerryCellWatch;

/* Pipes are kept by their connection ids. A pipe that is gone when its turn comes is passed over. */
typedef struct
{
  GArray *hot;           /* (owned) (element-type guint64): to be read at the next tick */
  GArray *due;           /* (owned) (element-type guint64): to be read in the present tick */
  guint cursor;          /* how many of due are done */
  gint64 began;          /* monotonic time when the present tick began */
  gint64 tick;           /* monotonic time of the next one; 0: none */
  gint64 debt;           /* microseconds that blocks, where there are any, are dispatched before cells are next */
  GSource *source;       /* (owned) (nullable): set while there is a next tick */
  GMainContext *context; /* const: (unowned): the router's */
  FerryPingee *pingee;   /* (unowned) (nullable): the router's, set while it runs */
} FerryHotCells;

FerryCellWatch *ferry_cell_watch_new (FerryLink *link, guint32 cell);
void ferry_cell_watch_free (FerryCellWatch *self);

void ferry_hot_cells_init (FerryHotCells *self, GMainContext *context);
void ferry_hot_cells_clear (FerryHotCells *self);
/* The router is stopped. */
void ferry_hot_cells_stop (FerryHotCells *self);

void ferry_hot_cells_heat (FerryHotCells *self, FerryCellWatch *watch, guint64 connection_id, gint64 tick);
gint64 ferry_hot_cells_get_tick (FerryHotCells *self);
/* Whether all cells of the present tick were read. */
gboolean ferry_hot_cells_is_done (const FerryHotCells *self);
void ferry_hot_cells_begin (FerryHotCells *self, gint64 now, gint64 next);
guint64 ferry_hot_cells_next (FerryHotCells *self);
void ferry_hot_cells_settle (FerryHotCells *self);

G_END_DECLS
