/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "base/ferry-mailbox-private.h"
#include "base/ferry-timers-private.h"
#include "route/ferry-cell-watch-private.h"
#include "route/ferry-exit-private.h"
#include "route/ferry-home-private.h"
#include "route/ferry-monitor-private.h"
#include "route/ferry-receiver-private.h"
#include "route/ferry-router.h"
#include "route/ferry-sender-private.h"
#include "route/ferry-turns-private.h"

G_BEGIN_DECLS

/* The routing table's entry of a pipe. It stays until the pipe's link has ended, also without a receiver. So messages
 * that still come are known to be the pipe's, and its slot is not reused before. */
typedef struct
{
  guint64 connection_id;
  FerryReceiver *receiver; /* (owned) (nullable): NULL when the pipe is closed */
  FerryPipeShare *share;   /* (owned) */
  GPtrArray *types;        /* (owned) (element-type GVariantType): announced ones, number 1 first */
  FerryCellWatch *watch;   /* (owned) (nullable): of a pipe for latest values, once its sender is taken */
  guint64 dropped;         /* messages that came after the receiver went */
} FerryPipe;

struct _FerryRouter
{
  GObject parent_instance;

  GMainContext *context; /* const: (owned) */
  FerryHome *home;       /* const: (owned) */
  FerryTimers *timers;   /* const: (owned): of the context; they are there whether it runs or not */
  FerryMailbox *mailbox; /* const: (owned): the context's */
  int priority;          /* main, as all that follows */
  gint64 dispatch_budget;
  gint64 ageing;
  guint64 local_queue_limit;
  guint64 lane_capacity;
  guint64 max_message_size;
  gint64 latest_interval;
  gint64 spare_time;
  FerryMemoryAccount *account; /* const: (owned): of buffers and large messages; it outlives a stop */

  GThread *thread;       /* any: set while running */
  FerryMonitor *monitor; /* (owned) (nullable): set while running */
  FerryPingee *pingee;   /* (owned) (nullable) */

  GPtrArray *slots;   /* (owned) (element-type FerryPipe) (nullable elements) */
  GArray *free_slots; /* (owned) (element-type guint) */
  guint64 n_uses;     /* in the high bits of the latest connection id, so that no two are alike */
  guint n_open;

  FerryTurns turns;  /* blocks that came out of the local queue */
  FerryBlock *block; /* (owned) (nullable): being dispatched */
  gboolean dispatching;
  guint n_holding; /* calls on the stack whose handlers must not wait for what comes through the loop */
  gboolean stopping;
  guint64 dispatch_number;   /* of the current or the latest dispatch; the first is 1 */
  GPtrArray *deferred_frees; /* (owned) (element-type GObject): objects that the dispatch may still use */
  FerryHotCells hot_cells;

  guint64 counters[FERRY_COUNTER_HIGHEST_SPARE_BYTES + 1]; /* by FerryCounter; what monitors count, of earlier runs */
};

/* router's thread: tells the layer above what happens to a link. */
typedef struct
{
  void (*launched) (gpointer data, GPid pid);
  void (*attached) (gpointer data);
  void (*output) (gpointer data, guint stream, const char *line); /* stream is 1 or 2 */
  void (*ended) (gpointer data, FerryExit *exit);
  gpointer data;          /* (owned) */
  GDestroyNotify destroy; /* called after ended() */
} FerryLinkObserver;

/* any: whether the router runs, and the caller is on its thread. */
gboolean ferry_router_check (FerryRouter *self, GError **error);
/* main: fails with FERRY_ERROR_BUSY in a handler and in any other callback of the context, which must not wait. */
gboolean ferry_router_check_not_in_handler (FerryRouter *self, GError **error);
gboolean ferry_router_add_link (FerryRouter *self, FerryLink *link, FerryLinkObserver *observer, FerryLaunchFunc launch,
                                gpointer launch_data, GDestroyNotify launch_destroy);
void ferry_router_fault_link (FerryRouter *self, FerryLink *link, const char *detail);
FerryPipe *ferry_router_find_pipe (FerryRouter *self, guint64 connection_id);

void ferry_router_keep (FerryRouter *self, gpointer object);
void ferry_router_deliver (FerryRouter *self, FerryPipe *pipe, const GVariantType *type, gconstpointer data,
                           gsize size);

G_END_DECLS
