/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One worker of a pool, a process or a thread: functions for its pool, and for the executors of its tasks.
 *
 * One word in the link's memory (FERRY_CLAIM_HOLD) decides whether a task was begun. The worker changes this word
 * before it begins a task. The application changes it before it takes tasks back or kills the worker. So a kill ends
 * only the intended task, and the application knows which tasks a dead worker had begun.
 *
 * Threads: the router's. */

#pragma once

#include "call/ferry-transactions-private.h"
#include "link/ferry-link-private.h"
#include "process/ferry-launcher.h"
#include "process/ferry-worker.h"
#include "route/ferry-router-private.h"
#include "task/ferry-answer-watch-private.h"
#include "task/ferry-pool.h"
#include "task/ferry-runner-private.h"
#include "task/ferry-task-output-private.h"

G_BEGIN_DECLS

typedef struct _FerryPoolWorker FerryPoolWorker;

/* A registered function that each worker runs at its start or at its end. */
typedef struct
{
  char *function;      /* (owned) (nullable): NULL for none */
  GVariant *arguments; /* (owned) (nullable) */
} FerryPoolCall;

/* The part of a pool that its workers use: settings, state, and functions by which a worker notifies the pool. */
typedef struct
{
  gint64 idle_timeout;
  guint max_tasks;
  guint64 max_memory;
  guint death_limit;
  FerryPoolCall initialiser;
  FerryPoolCall finaliser;
  gboolean stopping;        /* the pool ends all of its workers */
  gboolean settled;         /* all tasks that can be sent were sent, and no worker has changed since then */
  gboolean has_attached;    /* at least one worker of the pool has attached, so the program is able to attach */
  gboolean has_initialised; /* at least one worker has come through the present initialiser */
  const char *remedy;       /* see ferry_pool_set_remedy() */
  void (*schedule) (FerryPool *self);
  void (*note_change) (FerryPool *self, FerryPoolWorker *worker); /* see ferry_pool_roster_update() */
  void (*note_open) (FerryPool *self);                            /* a worker's process has attached */
  gboolean (*may_end_idle) (FerryPool *self);                     /* whether one idle worker may end */
  void (*note_time) (FerryPool *self, gint64 microseconds);       /* see ferry_pool_note_time() */
  void (*fail) (FerryPool *self, GError *error);                  /* takes error */
  void (*worker_ended) (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit);
} FerryPoolRules;

typedef enum
{
  FERRY_POOL_WORKER_STARTING,  /* the pool's initialiser has not returned yet */
  FERRY_POOL_WORKER_READY,     /* takes tasks */
  FERRY_POOL_WORKER_RETIRING,  /* was asked to finish, and takes no more tasks */
  FERRY_POOL_WORKER_CONDEMNED, /* is being killed */
  FERRY_POOL_WORKER_ENDED,
} FerryPoolWorkerState;

typedef struct _FerryPoolRoom FerryPoolRoom;

/* A worker's place in its pool's roster, which alone uses it. */
typedef struct
{
  guint64 number;   /* 0: not in the roster */
  gpointer shelves; /* (unowned) (nullable): the FerryPoolShelves that the worker is on */
  guint shelf;
  GList shelf_link;
  gboolean live, busy; /* as the worker was counted */
  guint64 first_xid;   /* of the first task in flight; 0: none */
  GList unbegun_link;  /* data is NULL when the first task was seen to be begun */
} FerryPoolPlace;

/* The pool reads the fields. It changes only the place, and n_missed by ferry_pool_worker_set_n_missed(). */
struct _FerryPoolWorker
{
  FerryTaskCarrier carrier;
  gint references;
  FerryPool *pool;       /* (unowned) (nullable): NULL once the worker has ended or the pool is finalised */
  FerryPoolRules *rules; /* (unowned): the pool's; valid while pool is not NULL */
  FerryRouter *router;   /* (owned) */
  FerryTimers *limits;   /* (unowned): the router's */
  FerryWorker *worker;   /* (owned) (nullable): the process; NULL in a pool of threads */
  GThread *thread;       /* (owned) (nullable) */
  FerryLink *link;       /* (owned) */
  FerryCallsWay way;     /* const: of the tasks in flight */
  FerryReceiver *calls_receiver;
  FerryReceiver *progress_receiver;
  FerryTransactions *calls; /* (owned) */
  FerryPoolWorkerState state;
  GQueue in_flight;       /* (element-type FerryRun): the worker runs the first */
  gboolean first_started; /* the first task in flight was notified that it runs */
  gboolean attached;      /* the worker has attached, so the application knows its process */
  guint n_missed;  /* how often in a row the worker did not begin a task in time; 0 after each message of the worker */
  guint64 claimed; /* the latest claim that was read, an xid; never decreases */
  guint64 unclaimed;         /* xid of the latest call for which the worker sent something without a claim; 0: none */
  gboolean told_to_end;      /* the application asked the worker to end, so its end is expected */
  gboolean lost_task;        /* the worker ended while it ran a task */
  gboolean lost_initialiser; /* the worker ended while it ran the pool's initialiser */
  FerryTaskOutput output;    /* what the process prints */
  guint64 n_done;            /* how many tasks the worker has answered */
  gint64 latest; /* monotonic time of the latest answer, or of the latest task that the worker was sent while idle */
  guint64 paused_xid;     /* the call that the worker was told is paused; 0: none */
  gint64 paused_at;       /* monotonic time when it was */
  gboolean stopped;       /* the process group was stopped for that */
  FerryTimer stop_timer;  /* while a call is paused: when the process group is stopped, unless the function has heard */
  gint64 memory_at;       /* monotonic time when the memory of the worker's process was last read */
  FerryTimer timer;       /* READY: the idle timeout; RETIRING: the next look of the watchdog */
  FerryWatchdog watchdog; /* RETIRING: over the worker's process, which has to end */
  gint64 ready_at;        /* monotonic time since when the worker takes tasks */
  gint64 idle_at;         /* monotonic time since when the worker has had no task in flight */
  FerryPoolPlace place;
  FerryPoolRoom *room; /* (owned) (nullable): not NULL while its watch is registered with the link */
};

FerryPoolWorker *ferry_pool_worker_new (FerryPool *pool, FerryRouter *router, FerryPoolRules *rules, const char *name,
                                        FerryLauncher *starter, GError **error);
FerryPoolWorker *ferry_pool_worker_ref (FerryPoolWorker *self);
void ferry_pool_worker_unref (FerryPoolWorker *self);
void ferry_pool_worker_let_go (FerryPoolWorker *self);

gboolean ferry_pool_worker_is_live (const FerryPoolWorker *self);
void ferry_pool_worker_set_n_missed (FerryPoolWorker *self, guint n_missed);

/* Sending and taking back a worker's tasks. What executors do with them is in the functions of the carrier. */
gboolean ferry_pool_worker_send_task (FerryPoolWorker *self, FerryRun *run);
void ferry_pool_worker_take_back (FerryPoolWorker *self);

/* Ending the worker. */
void ferry_pool_worker_retire (FerryPoolWorker *self);
void ferry_pool_worker_kill (FerryPoolWorker *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPoolWorker, ferry_pool_worker_unref)

G_END_DECLS
