/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What calls the router's thread: the pingee, and the ticks of cells, which ping it. */

#pragma once

#include "lane/ferry-cell-private.h"
#include "link/ferry-link-private.h"

#include <glib.h>

G_BEGIN_DECLS

/* ---- The pingee: ferry-pingee.c. Any thread; the callback runs on the thread that runs the context ---- */

typedef struct _FerryPingee FerryPingee;

/* Called on the main context after one or more pings. Returns TRUE when there is more to do: it is then called again in
 * the context's next iteration, without a ping. */
typedef gboolean (*FerryPingeeFunc) (gpointer user_data);

/* Returns (transfer full): a pingee that is not connected. ageing: microseconds after which a ping is served at default
 * priority, if sources of higher priority have kept the callback from running; -1 for never. */
FerryPingee *ferry_pingee_new (int priority, gint64 ageing, FerryPingeeFunc func, gpointer user_data);
FerryPingee *ferry_pingee_ref (FerryPingee *self);
void ferry_pingee_unref (FerryPingee *self);

/* Lets a main loop within the callback call the callback again. It does after a ping, and where wants_call says so.
 * Each iteration of the context asks wants_call, with the callback's data. To be called before the pingee is
 * connected. */
void ferry_pingee_set_can_recurse (FerryPingee *self, FerryPingeeFunc wants_call);
/* Connects a pingee that is not connected. A ping that is pending is served. */
void ferry_pingee_connect (FerryPingee *self, GMainContext *context);
/* Does nothing when the pingee is not connected. On the context's thread, also within the callback, the callback does
 * not run again. On another thread, it may be running, and uses its data until it returns. A later ping stays pending
 * until the pingee is connected again. */
void ferry_pingee_disconnect (FerryPingee *self);
/* Each ping after the first is only one atomic operation. */
void ferry_pingee_ping (FerryPingee *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPingee, ferry_pingee_unref)

/* ---- The ticks of cells: ferry-cell-watch.c. The router's thread only ---- */

typedef struct
{
  FerryLink *link; /* (owned): its memory holds the cell until the router's thread handles the link's end */
  FerryCellReader reader;
  gint64 delivered_at; /* monotonic time of the tick or ring that delivered the latest value */
  gboolean hot;
  gboolean broken; /* the writer broke a rule; the cell is never read again */
} FerryCellWatch;

/* The hot cells, listed by the connection ids of their pipes. The id of a pipe that is gone is omitted. */
typedef struct
{
  GArray *hot;           /* (owned) (element-type guint64): the cells to be read at the next tick */
  GArray *due;           /* (owned) (element-type guint64): the cells to be read in the present tick */
  guint cursor;          /* how many cells of due were read */
  gint64 began;          /* monotonic time when the present tick began */
  gint64 tick;           /* monotonic time of the next tick; 0: none */
  gboolean pinged;       /* the pingee was pinged for that tick */
  gint64 debt;           /* microseconds for which blocks are dispatched before cells are read again */
  GSource *source;       /* (owned) (nullable): set while a next tick is set */
  GMainContext *context; /* const: (unowned): the router's context */
  FerryPingee *pingee;   /* (unowned) (nullable): the router's pingee, set while the router runs */
} FerryHotCells;

FerryCellWatch *ferry_cell_watch_new (FerryLink *link, guint32 cell);
void ferry_cell_watch_free (FerryCellWatch *self);

void ferry_hot_cells_init (FerryHotCells *self, GMainContext *context);
void ferry_hot_cells_clear (FerryHotCells *self);
/* Drops the tick and all hot cells, when the router stops. */
void ferry_hot_cells_stop (FerryHotCells *self);

void ferry_hot_cells_heat (FerryHotCells *self, FerryCellWatch *watch, guint64 connection_id, gint64 tick);
gint64 ferry_hot_cells_get_tick (FerryHotCells *self);
/* Whether all cells of the present tick were read. */
gboolean ferry_hot_cells_is_done (const FerryHotCells *self);
void ferry_hot_cells_begin (FerryHotCells *self, gint64 now, gint64 next);
guint64 ferry_hot_cells_next (FerryHotCells *self);
void ferry_hot_cells_settle (FerryHotCells *self);

G_END_DECLS
