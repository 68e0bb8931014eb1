/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A router's dispatches: they take blocks out of the local queue, and deliver what is in them. ferry-dispatch.c has the
 * rules.
 *
 * Threads: the router's thread only. */

#pragma once

#include "engine/ferry-local-queue-private.h"
#include "engine/ferry-monitor-private.h"
#include "route/ferry-pipe-private.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

/* A delivery that is under way: its handler may run a main loop, in which other deliveries begin. */
typedef struct _FerryDelivery
{
  FerryLink *link;   /* (owned by the caller) */
  FerryBlock *block; /* (unowned) (nullable): the block that was taken out of the link's row */
  FerryReceiver
    *receiver; /* (unowned) (nullable): the one with a handler that runs; NULL: a function of the link's user */
  struct _FerryDelivery *outer;
} FerryDelivery;

/* A moment up to which all that was sent is to be dispatched. */
typedef struct
{
  FerryMonitor *monitor; /* (unowned) (nullable): has the watermark; NULL: there is none */
  guint64 watermark;
} FerryMoment;

typedef struct
{
  FerryFairQueue fair_queue; /* the blocks that were taken out of the local queue */
  FerryDelivery *delivery;   /* (unowned) (nullable): the innermost one; each lies on the stack of its function */
  guint n_running;           /* how many dispatches run, nested within each other */
  int depth;                 /* that of main loops, by g_main_depth(), in which the innermost dispatch runs */
  gboolean told_of_nesting;
  guint64 n_steps;    /* how many blocks were begun and pipes were ended, each of which calls handlers */
  guint64 n_searched; /* the number of get_n_calls() when all rows were last served in a nested loop */
  guint n_holding;    /* how many functions on the stack run handlers that must not wait for the main loop */
  guint64 number;     /* the number of the current or the latest outermost dispatch; the first is 1 */
  GPtrArray *kept;    /* (owned) (element-type GObject): objects to free after the outermost dispatch */
  FerryHotCells hot_cells;
  gboolean may_repeat; /* the record that is being delivered stays at the cursor while repeats is set */
  gboolean repeats;    /* an internal receiver has done a part of what a record stands for, and is to get it again */
  gint64 way_due;      /* monotonic time at which a conversation gives way to other sources; 0: it has not spun since */
  FerryMoment limits;  /* what must be dispatched before the limits that are over apply */
} FerryDispatcher;

typedef enum
{
  FERRY_DISPATCH_IDLE,    /* no block and no cell is left */
  FERRY_DISPATCH_TURN,    /* the link's turn is over; the dispatch goes on with the next link */
  FERRY_DISPATCH_SPENT,   /* the budget is spent, or the condition holds; blocks may be left */
  FERRY_DISPATCH_STOPPED, /* a handler stopped the router */
} FerryDispatchResult;

/* Ends the receiver of a pipe and drops it. If exit is not NULL, the receiver emits `closed`. */
void ferry_router_end_pipe (FerryRouter *self, FerryPipe *pipe, FerryExit *exit);
/* Ends a pipe that has no link (any more), and frees it and its slot. */
void ferry_router_free_pipe (FerryRouter *self, FerryPipe *pipe, FerryExit *exit);
/* Whether a handler of the router, of its timers or of its mailbox is running; it must not wait for the loop. */
gboolean ferry_router_is_in_handler (FerryRouter *self);
/* Delivers a message with bytes that are valid only during this function. Copies the bytes for the signal, so that a
 * handler that keeps the message keeps only its bytes. type is NULL for plain bytes. */
void ferry_router_deliver (FerryRouter *self, FerryPipe *pipe, const GVariantType *type, gconstpointer data,
                           gsize size);
/* Watches the cells of a link. */
void ferry_router_watch_cells (FerryRouter *self, FerryLink *link);
/* Whether a handler runs a main loop that has not served the rows yet. The dispatch that called the handler has taken
 * blocks, and used up the blocks' pings. */
gboolean ferry_router_wants_nested_dispatch (gpointer self);
/* Dispatches blocks and hot cells until the budget is spent, none are left, or the condition (nullable) holds. */
FerryDispatchResult ferry_router_dispatch (FerryRouter *self, FerryCondition condition, gpointer user_data);
/* Acquires the drain lock and dispatches, again and again, for the dispatch budget. Returns whether there may be more.
 */
gboolean ferry_router_drain_and_dispatch (FerryRouter *self);
/* Empties the local queue of a stopped monitor: counts all messages as undelivered, and then delivers output and the
 * ends of links. */
void ferry_router_discard (FerryRouter *self, FerryMonitor *monitor);
/* Whether all that was sent before the moment is dispatched. TRUE also if the router was stopped and started. */
gboolean ferry_router_has_passed (FerryRouter *self, const FerryMoment *moment);
/* FerrySettledFunc of the limits. Within a handler that runs a main loop, the messages of its link wait until it
 * returns. Limits of others do not wait for that. */
gboolean ferry_router_is_settled (gpointer self, gboolean begins);

G_END_DECLS
