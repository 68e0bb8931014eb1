/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "base/ferry-mailbox-private.h"
#include "base/ferry-sibling-private.h"
#include "base/ferry-timers-private.h"
#include "engine/ferry-cell-watch-private.h"
#include "engine/ferry-exit-private.h"
#include "engine/ferry-home-private.h"
#include "engine/ferry-monitor-private.h"
#include "engine/ferry-turns-private.h"
#include "route/ferry-receiver-private.h"
#include "route/ferry-router.h"
#include "route/ferry-sender-private.h"

G_BEGIN_DECLS

/* The entry of a pipe in the routing table. The entry stays until the pipe's link has ended, also when the pipe was
 * closed. So later messages of the pipe are recognised, and its slot is not reused before the link's end. */
typedef struct
{
  guint64 connection_id;
  FerryReceiver *receiver; /* (owned) (nullable): NULL when the pipe is closed */
  FerryPipeShare *share;   /* (owned) */
  GPtrArray *types;        /* (owned) (element-type GVariantType): the announced types, number 1 first */
  FerryCellWatch *watch;   /* (owned) (nullable): of a pipe for latest values, after its sender was taken */
  guint64 dropped;         /* how many messages came after the pipe was closed */
} FerryPipe;

/* A delivery that is under way: its handler may run a main loop, in which other deliveries begin. */
typedef struct _FerryDelivery
{
  FerryLink *link;   /* (owned by the caller) */
  FerryBlock *block; /* (unowned) (nullable): the block that was taken out of the link's row */
  FerryReceiver
    *receiver; /* (unowned) (nullable): the one with a handler that runs; NULL: a function of the link's user */
  struct _FerryDelivery *outer;
} FerryDelivery;

#define FERRY_N_COUNTERS (FERRY_COUNTER_HIGHEST_SPARE_BYTES + 1)

struct _FerryRouter
{
  GObject parent_instance;

  guint fork_number;     /* const: see ferry-forks-private.h */
  GMainContext *context; /* const: (owned) */
  FerryHome *home;       /* const: (owned) */
  GWeakRef *weak;        /* const: (owned): an atomic reference-counted box with a weak reference to this router */
  FerryTimers *timers;   /* const: (owned): paces on the context, also while the router does not run */
  FerryTimers *limits;   /* const: (owned): the context's limits */
  FerryMailbox *mailbox; /* const: (owned): the context's mailbox */
  int priority;          /* main, as all that follows */
  gint64 dispatch_budget;
  gint64 way_due; /* monotonic time at which a conversation gives way to other sources; 0: it has not spun since */
  gint64 ageing;
  gboolean
    by_monitor; /* for tests: the monitor drains always, and lends its role to no thread; from the next start on */
  FerryLatency latency;
  guint64 local_queue_limit;
  guint64 lane_capacity;
  guint64 max_message_size;
  gint64 latest_interval;
  gint64 spare_time;
  FerryMemoryAccount *account; /* const: (owned): of buffers and large messages; kept over a stop */

  GThread *thread;            /* any: set while running */
  FerryMonitor *monitor;      /* (owned) (nullable): set while running */
  FerryMonitor *limits_asked; /* (unowned) (nullable): the monitor that was asked for limits_fence */
  guint64 limits_fence;       /* what must be dispatched before the limits that are over apply */
  gboolean may_repeat;        /* the record that is being delivered stays at the cursor while repeats is set */
  gboolean repeats;    /* an internal receiver has done a part of what a record stands for, and is to get it again */
  FerryPingee *pingee; /* (owned) (nullable) */
  GPowerProfileMonitor *power; /* (owned) (nullable): set while running, where the latency is the system's */
  gulong power_handler;
  GSource *short_cut_source; /* (owned) (nullable): set while running, unless by_monitor was set at the start */

  GPtrArray *slots;   /* (owned) (element-type FerryPipe) (nullable elements) */
  GArray *free_slots; /* (owned) (element-type guint): slots that are not in use */
  guint64 n_uses;     /* how many connection ids were made; in the high bits of the latest id */
  guint n_open;

  FerryTurns turns;        /* the blocks that were taken out of the local queue */
  FerryDelivery *delivery; /* (unowned) (nullable): the innermost one; each lies on the stack of its function */
  guint dispatching;       /* how many dispatches run, nested within each other */
  int depth;               /* that of main loops, by g_main_depth(), in which the innermost dispatch runs */
  gboolean told_of_nesting;
  guint64 n_steps;    /* how many blocks were begun and pipes were ended, each of which calls handlers */
  guint64 n_searched; /* the number of get_n_calls() when all rows were last served in a nested loop */
  guint n_holding;    /* how many functions on the stack run handlers that must not wait for the main loop */
  gboolean stopping;
  guint64 dispatch_number;   /* the number of the current or the latest outermost dispatch; the first is 1 */
  GPtrArray *deferred_frees; /* (owned) (element-type GObject): objects to free after the outermost dispatch */
  FerryHotCells hot_cells;

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

/* any: whether the router runs, and the calling thread is the router's thread. */
FERRY_FOR_SIBLINGS
gboolean ferry_router_check (FerryRouter *self, GError **error);
/* main: whether the caller may wait. Fails with FERRY_ERROR_BUSY in any callback of the context. */
gboolean ferry_router_check_not_in_handler (FerryRouter *self, GError **error);
gsize ferry_router_choose_lane_capacity (FerryRouter *self);
gboolean ferry_router_add_link (FerryRouter *self, FerryLink *link, FerryLinkObserver *observer, FerryLaunchFunc launch,
                                gpointer launch_data, GDestroyNotify launch_destroy);
/* main: whether a handler of the link runs that has a main loop, in which the caller runs. What comes over the link may
 * have to wait until that handler returns. */
gboolean ferry_router_is_held_outside (FerryRouter *self, FerryLink *link);
void ferry_router_fault_link (FerryRouter *self, FerryLink *link, const char *detail);
FerryPipe *ferry_router_find_pipe (FerryRouter *self, guint64 connection_id);
/* main, within a handler: delivers the newest value of a pipe for latest values now, if it was not delivered yet. So
 * the handler can go on after that value. Does nothing if the receiver is another router's, or closed. */
void ferry_router_flush_latest (FerryRouter *self, FerryReceiver *receiver);

void ferry_router_keep (FerryRouter *self, gpointer object);
void ferry_router_deliver (FerryRouter *self, FerryPipe *pipe, const GVariantType *type, gconstpointer data,
                           gsize size);

G_END_DECLS
