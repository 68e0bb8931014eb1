/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One worker of a pool, a process or a thread: what it offers to its pool, and to the executors of its tasks.
 *
 * One word in the link's memory (FERRY_CLAIM_HOLD) decides whether a task was begun. The worker changes it before it
 * begins a task, the application before it takes tasks back or kills the worker. So a kill never hits another task than
 * the one that it is meant for. And it is certain which tasks a dead worker had begun.
 *
 * Threads: the router's. */

#pragma once

#include "base/ferry-timers-private.h"
#include "call/ferry-transactions-private.h"
#include "link/ferry-link-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor-queue-private.h"
#include "task/ferry-pool.h"
#include "worker/ferry-launcher.h"
#include "worker/ferry-worker.h"

G_BEGIN_DECLS

typedef struct _FerryPoolWorker FerryPoolWorker;

/* An executor, as the pool sees it. */
typedef struct _FerryTaskSource FerryTaskSource;

struct _FerryTaskSource
{
  FerryTaskQueue queue;
  FerryTimer refuse_timer; /* set: tasks that wait are about to be refused, and none is taken from the queue */
  void (*give_back) (FerryTaskSource *self, FerryTask *task); /* it returns to the front of its queue */
  void (*started) (FerryTaskSource *self, FerryTask *task);
  void (*done) (FerryTaskSource *self, FerryTask *task);         /* it ended while a worker had it */
  void (*fail_all) (FerryTaskSource *self, const GError *error); /* the pool runs no further task */
};

/* A function that each worker calls at its begin or at its end. */
typedef struct
{
  char *function;      /* (owned) (nullable): NULL for none */
  GVariant *arguments; /* (owned) (nullable) */
} FerryPoolCall;

/* The pool, as its workers see it: the settings and the state that they follow, and what they tell it. */
typedef struct
{
  gint64 idle_timeout;
  guint max_tasks;
  guint64 max_memory;
  guint death_limit;
  FerryPoolCall initialiser;
  FerryPoolCall finaliser;
  gboolean stopping;     /* the pool ends all of its workers */
  gboolean has_attached; /* a worker of the pool has attached before, so its program can */
  void (*schedule) (FerryPool *self);
  gboolean (*may_end_idle) (FerryPool *self);               /* whether a worker without tasks may end */
  void (*note_time) (FerryPool *self, gint64 microseconds); /* a task took so long, behind the one before it */
  void (*fail) (FerryPool *self, GError *error);            /* takes error */
  void (*worker_ended) (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit);
} FerryPoolRules;

typedef enum
{
  FERRY_POOL_WORKER_STARTING,  /* its process is being started, or its initialiser runs */
  FERRY_POOL_WORKER_READY,     /* takes tasks */
  FERRY_POOL_WORKER_RETIRING,  /* was told to finish, and takes no more tasks */
  FERRY_POOL_WORKER_CONDEMNED, /* is being killed */
  FERRY_POOL_WORKER_ENDED,
} FerryPoolWorkerState;

typedef struct _FerryPoolRoom FerryPoolRoom;

/* The pool reads the fields, and changes n_missed alone. */
struct _FerryPoolWorker
{
  gint references;
  FerryPool *pool;       /* (unowned) (nullable): NULL once the pool let go of it */
  FerryPoolRules *rules; /* the pool's, valid as long as pool is */
  FerryRouter *router;   /* (owned) */
  FerryTimers *timers;   /* (unowned): the router's */
  FerryWorker *worker;   /* (owned) (nullable): the process; NULL in a pool of threads */
  GThread *thread;       /* (owned) (nullable) */
  FerryLink *link;       /* (owned) */
  FerryReceiver *calls_receiver;
  FerryReceiver *progress_receiver;
  FerryTransactions *calls; /* (owned) */
  FerryPoolWorkerState state;
  GQueue in_flight;       /* (element-type FerryTask), by their placements' links; the first is being run */
  gboolean first_started; /* the first in flight was told that it runs */
  gboolean attached;
  guint n_missed;       /* how often in a row it did not begin a task in time, since its latest message */
  guint64 claimed;      /* the latest claim that was read; it only grows */
  guint64 unclaimed;    /* the latest call of which the worker sent something without a claim; 0: none */
  gboolean told_to_end; /* by the application: its end is expected */
  gboolean lost_task;   /* it ended while it ran a task */
  guint64 n_done;
  gint64 latest;    /* monotonic time of the latest answer, or of the latest task that an idle worker was sent */
  gint64 memory_at; /* monotonic time when its memory was last read */
  FerryTimer timer; /* READY: the idle timeout; RETIRING: the grace before a kill */
  gint64 born_at;
  gint64 idle_at; /* monotonic time since when it has nothing in flight */
  FerryRoomWatch room_watch;
  FerryPoolRoom *room; /* (owned) (nullable): while room_watch is in the link */
};

FerryPoolWorker *ferry_pool_worker_new (FerryPool *pool, FerryRouter *router, FerryPoolRules *rules, const char *name,
                                        FerryLauncher *starter, GError **error);
FerryPoolWorker *ferry_pool_worker_ref (FerryPoolWorker *self);
void ferry_pool_worker_unref (FerryPoolWorker *self);
void ferry_pool_worker_let_go (FerryPoolWorker *self);

gboolean ferry_pool_worker_is_live (const FerryPoolWorker *self);
FerryTask *ferry_pool_worker_get_first_task (const FerryPoolWorker *self);
guint ferry_pool_worker_count_ahead (const FerryPoolWorker *self, gint64 time_to_begin, gint64 *begins_by);

/* Tasks come to it and leave it. */
gboolean ferry_pool_worker_send_task (FerryPoolWorker *self, FerryTask *task);
void ferry_pool_worker_take_back (FerryPoolWorker *self);
void ferry_pool_worker_withdraw_task (FerryPoolWorker *self, FerryTask *task);
void ferry_pool_worker_add_window (FerryPoolWorker *self, FerryTask *task, guint n);
void ferry_pool_worker_cancel_task (FerryPoolWorker *self, FerryTask *task);
void ferry_pool_worker_give_time (FerryPoolWorker *self, FerryTask *task, gint64 grace);
void ferry_pool_worker_force_task (FerryPoolWorker *self, FerryTask *task);

/* Its end. */
void ferry_pool_worker_retire (FerryPoolWorker *self);
void ferry_pool_worker_kill (FerryPoolWorker *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPoolWorker, ferry_pool_worker_unref)

G_END_DECLS
