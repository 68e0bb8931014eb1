/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "base/ferry-timers-private.h"
#include "engine/ferry-exit-private.h"
#include "route/ferry-dispatch-private.h"
#include "route/ferry-sender-private.h"

G_BEGIN_DECLS

/* How many free descriptors a router needs to start. GLib makes a main context for its own thread then, and opens the
 * system bus for the power profile. It ends the program where it gets no descriptor for a context. */
#define FERRY_START_N_FDS 8

#define FERRY_N_COUNTERS (FERRY_COUNTER_HIGHEST_SPARE_BYTES + 1)

struct _FerryRouter
{
  GObject parent_instance;

  guint fork_number;       /* const: see ferry-forks-private.h */
  GMainContext *context;   /* const: (owned) */
  FerryAffinity *affinity; /* const: (owned) */
  GWeakRef *weak;          /* const: (owned): an atomic reference-counted box with a weak reference to this router */
  FerryTimers *timers;     /* const: (owned): paces on the context, also while the router does not run */
  FerryTimers *limits;     /* const: (owned): the context's limits */
  FerryMailbox *mailbox;   /* const: (owned): the context's mailbox */
  int priority;            /* main, as all that follows */
  gint64 dispatch_budget;
  gint64 ageing;
  gboolean by_monitor; /* for tests: the monitor drains always, and lends its drain lock to no thread; from the next
                          start on */
  FerryLatency latency;
  guint64 local_queue_limit;
  guint64 lane_capacity;
  guint64 max_message_size;
  gint64 latest_interval;
  gint64 spare_time;
  FerryMemoryAccount *account; /* const: (owned): of buffers and large messages; kept over a stop */

  GThread *thread;           /* any: set while running */
  FerryMonitor *monitor;     /* (owned) (nullable): set while running */
  FerryPingee *pingee;       /* (owned) (nullable) */
  GClosure *latency_watch;   /* (owned) (nullable): set while running, where the latency is the system's */
  GSource *short_cut_source; /* (owned) (nullable): set while running, unless by_monitor was set at the start */

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

/* any: whether the router runs, and the calling thread is the router's thread. */
FERRY_FOR_SIBLINGS
gboolean ferry_router_check (FerryRouter *self, GError **error);
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

static inline void
ferry_router_repeat (FerryRouter *self)
{
  self->dispatcher.repeats = TRUE;
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
