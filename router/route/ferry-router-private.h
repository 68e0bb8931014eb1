/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A router and its dispatches. */

#pragma once

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "base/ferry-registry-private.h"
#include "base/ferry-timers-private.h"
#include "engine/ferry-exit-private.h"
#include "engine/ferry-fair-queue-private.h"
#include "engine/ferry-local-queue-private.h"
#include "engine/ferry-monitor-private.h"
#include "route/ferry-pipe-private.h"
#include "route/ferry-router.h"
#include "route/ferry-sender-private.h"

G_BEGIN_DECLS

/* A router's dispatches: they take blocks out of the local queue, and deliver what is in them. ferry-dispatch.c has the
 * rules.
 *
 * Threads: the router's thread only. */

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
  gboolean holds;      /* (with repeats): but not before ferry_held_link_release() */
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
 * handler that keeps the message keeps only its bytes. type is NULL for plain bytes. is_checked:
 * ferry_layout_is_checked(), and the value was found to be good. */
void ferry_router_deliver (FerryRouter *self, FerryPipe *pipe, const GVariantType *type, gboolean is_checked,
                           gconstpointer data, gsize size);
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

/* How many free descriptors a router needs to start. GLib makes a main context for its own thread then, and opens the
 * system bus for the power profile. It ends the program where it gets no descriptor for a context. */
#define FERRY_START_N_FDS 8

#define FERRY_N_COUNTERS (FERRY_COUNTER_HANDLER_TIME + 1)

struct _FerryRouter
{
  GObject parent_instance;

  /* What other folders read. */
  guint fork_number;       /* const: see ferry-forks.c */
  GMainContext *context;   /* const: (owned) */
  FerryAffinity *affinity; /* const: (owned) */
  FerryTimers *timers;     /* const: (owned): paces on the context, also while the router does not run */
  FerryTimers *limits;     /* const: (owned): the context's limits */
  GThread *thread;         /* any: set while running */
  FerryMonitor *monitor;   /* main, as all that follows: (owned) (nullable): set while running */
  guint64 max_message_size;
  gint64 latest_interval;
  int priority;
  FerryRegistered registered; /* any */

  /* What this folder alone reads. */
  GWeakRef *weak;        /* const: (owned): an atomic reference-counted box with a weak reference to this router */
  FerryMailbox *mailbox; /* const: (owned): the context's mailbox */
  gint64 dispatch_budget;
  gint64 ageing;
  gboolean by_monitor; /* for tests: the monitor drains always, and lends its drain lock to no thread; from the next
                          start on */
  FerryLatency latency;
  guint64 local_queue_limit;
  guint64 lane_capacity;
  gint64 spare_time;
  FerryMemoryAccount *account; /* const: (owned): of buffers and large messages; kept over a stop */
  FerryPingee *pingee;         /* (owned) (nullable) */
  GClosure *latency_watch;     /* (owned) (nullable): set while running, where the latency is the system's */
  GSource *short_cut_source;   /* (owned) (nullable): set while running, unless by_monitor was set at the start */
  gboolean stopping;
  FerryPipes pipes;
  FerryDispatcher dispatcher;
  guint64 counters[FERRY_N_COUNTERS]; /* by FerryCounter; of monitors, earlier ones only */
};

/* router's thread: functions of a link's user, such as the launcher. The router calls them at changes of state. */
typedef struct
{
  void (*launched) (gpointer data, GPid pid);
  void (*attached) (gpointer data);
  /* stream: 1 or 2. call: see FerryOutputLine. */
  void (*output) (gpointer data, guint stream, guint64 call, const char *line);
  void (*ended) (gpointer data, FerryExit *exit);
  gpointer data;          /* (owned) */
  GDestroyNotify destroy; /* frees data, after ended() */
} FerryLinkObserver;

/* any: has GTK's inspector show a page of Ferry, where the program has GTK, and Ferry's widgets are installed. Looks
 * each time until it does. */
void ferry_inspector_offer_page (void);

/* any: whether the router runs, and the calling thread is the router's thread. */
FERRY_FOR_SIBLINGS
gboolean ferry_router_check (FerryRouter *self, GError **error);
/* any: whether the calling thread is the router's; of one that does not run, whether it is the one that may start it.
 */
gboolean ferry_router_is_here (FerryRouter *self);
/* main: whether the caller may wait. Fails with FERRY_ERROR_BUSY in any callback of the context. */
gboolean ferry_router_check_not_in_handler (FerryRouter *self, GError **error);
gsize ferry_router_choose_lane_capacity (FerryRouter *self);
gboolean ferry_router_add_link (FerryRouter *self, FerryLink *link, FerryLinkObserver *observer, FerryLaunchFunc launch,
                                gpointer launch_data, GDestroyNotify launch_destroy);
void ferry_router_fault_link (FerryRouter *self, FerryLink *link, const char *detail);

/* Makes waits poll as the latency says. Returns (transfer full) (nullable) what follows the system's power profile, for
 * ferry_latency_end(). */
GClosure *ferry_latency_begin (FerryLatency latency, FerryMonitor *monitor);
void ferry_latency_end (GClosure *self);

/* ---- for what has receivers and handlers of its own; the router's thread ---- */

/* Returns (transfer none) (element-type FerryPipe) (nullable elements) the pipes, until one is made or ends. */
static inline GPtrArray *
ferry_router_get_pipes (FerryRouter *self)
{
  return self->pipes.slots;
}

/* Within a handler: delivers the newest value of a pipe for latest values now, if it was not delivered yet. So the
 * handler can go on after that value. Does nothing if the receiver is another router's, or closed. */
void ferry_router_flush_latest (FerryRouter *self, FerryReceiver *receiver);
/* Whether a handler of the link runs that has a main loop, in which the caller runs. What comes over the link may have
 * to wait until that handler returns. */
gboolean ferry_router_is_held_outside (FerryRouter *self, FerryLink *link);
/* In a dispatch: takes ownership of a reference to object, and drops the reference after the dispatch. */
void ferry_router_keep (FerryRouter *self, gpointer object);

/* The number of the current or the latest outermost dispatch; the first is 1. */
static inline guint64
ferry_router_get_dispatch_number (FerryRouter *self)
{
  return self->dispatcher.number;
}

/* Whether a handler that has done a part of what its record stands for can get the record again. */
static inline gboolean
ferry_router_may_repeat (FerryRouter *self)
{
  return self->dispatcher.may_repeat;
}

/* A link whose records wait for another thread, while those of other links go on. */
typedef struct _FerryHeldLink FerryHeldLink;

/* Within such a handler, with ferry_router_may_repeat(): Returns (transfer full) what lets the link go on of which a
 * record is being delivered. */
FerryHeldLink *ferry_held_link_new (FerryRouter *router);
/* any: lets the link go on, and frees self. */
void ferry_held_link_release (FerryHeldLink *self);
void ferry_held_link_free (FerryHeldLink *self);

/* Within the handler: it is to get the record again when the link is released, which may have happened already. */
static inline void
ferry_router_hold_record (FerryRouter *self)
{
  self->dispatcher.repeats = self->dispatcher.holds = TRUE;
}

/* Between the two, no function of the router waits for the main loop: handlers of the caller's run. */
static inline void
ferry_router_hold (FerryRouter *self)
{
  self->dispatcher.n_holding++;
}

static inline void
ferry_router_release (FerryRouter *self)
{
  self->dispatcher.n_holding--;
}

G_END_DECLS
