/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker of a pool, which is a process or a thread. The router's thread.
 *
 * One word in the link's memory (FERRY_CLAIM_HOLD) decides whether a task was begun. The worker changes this word
 * before it begins a task. The application changes it before it takes tasks back or kills the worker. So a kill ends
 * only the intended task, and the application knows which tasks a dead worker had begun. */

#pragma once

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "link/ferry-link-private.h"
#include "pool/ferry-pool-private.h"
#include "pool/ferry-runner-private.h"
#include "process/ferry-worker.h"
#include "route/ferry-router-private.h"

G_BEGIN_DECLS

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
  gboolean added;   /* the roster has the worker */
  gpointer buckets; /* (unowned) (nullable): the FerryPoolBuckets that the worker is in */
  guint bucket;
  GList bucket_link;
  gboolean live, busy; /* as the worker was counted */
  guint64 first_xid;   /* of the first task in flight; 0: none */
  GList unbegun_link;  /* data is NULL when the first task was seen to be begun */
} FerryPoolPlace;

/* How a worker's answer is looked for, of a call that its claim is beyond. */
typedef struct
{
  guint64 xid;        /* of the call; 0: of none */
  guint64 end;        /* the up lane's position up to which the answer must be written */
  guint64 dispatched; /* the position up to which messages were dispatched at the last look */
  guint n;            /* looks since more was dispatched */
} FerryPoolLook;

/* What a task whose time is over is asked, before its worker is ended. */
typedef struct
{
  guint n_said; /* how often the worker had said where it is */
  gint64 until; /* when its answer is not waited for any more; 0: the worker was not asked, or was told to end */
} FerryPoolQuestion;

/* The pool reads the fields. It changes only the place, and n_missed by ferry_pool_worker_set_n_missed(). */
struct _FerryPoolWorker
{
  FerryTaskDestination destination;
  gint references;
  FerryPool *pool;             /* (unowned) (nullable): NULL once the worker has ended or the pool is finalised */
  FerryPoolRules *rules;       /* (unowned): the pool's; valid while pool is not NULL */
  FerryRouter *router;         /* (owned) */
  FerryTimers *limits;         /* (unowned): the router's */
  FerryWorker *worker;         /* (owned) (nullable): the process; NULL in a pool of threads */
  GThread *thread;             /* (owned) (nullable) */
  const FerryUserTexts *texts; /* const: (nullable) */
  FerryLink *link;             /* (owned) */
  FerryReceiver *calls_receiver;
  FerryReceiver *progress_receiver;
  FerryTransport *calls; /* (owned) */
  FerryPoolWorkerState state;
  GQueue in_flight;  /* (element-type FerryRun): the worker runs the first */
  gboolean attached; /* the worker has attached, so the application knows its process */
  guint n_missed;  /* how often in a row the worker did not begin a task in time; 0 after each message of the worker */
  guint64 claimed; /* the latest claim that was read, an xid; never decreases */
  FerryPoolLook look;
  FerryPoolQuestion question;
  guint64 doomed;            /* xid of the call that the worker is ended for; 0: none */
  guint64 unclaimed;         /* xid of the latest call for which the worker sent something without a claim; 0: none */
  gboolean told_to_end;      /* the application asked the worker to end, so its end is expected */
  gboolean lost_task;        /* the worker ended while it ran a task */
  gboolean lost_initialiser; /* the worker ended while it ran the pool's initialiser */
  GQueue output;  /* (element-type Line) (owned): what the process has printed in calls that have not ended */
  guint64 n_done; /* how many tasks the worker has answered */
  gint64 latest;  /* monotonic time of the latest answer, or of the latest task that the worker was sent while idle */
  guint64 paused_xid;     /* the call that the worker was told is paused; 0: none */
  gint64 paused_at;       /* monotonic time when it was */
  gboolean stopped;       /* the process group was stopped for that */
  FerryTimer stop_timer;  /* while a call is paused: when the process group is stopped, unless the function has heard */
  FerryTimer look_timer;  /* while a command runs: the next look whether somebody has stopped its worker */
  gint64 memory_at;       /* monotonic time when the memory of the worker's process was last read */
  FerryTimer timer;       /* READY: the idle timeout; RETIRING: the next look of the watchdog */
  FerryWatchdog watchdog; /* RETIRING: over the worker's process, which has to end */
  gint64 ready_at;        /* monotonic time since when the worker takes tasks */
  gint64 idle_at;         /* monotonic time since when the worker has had no task in flight */
  FerryPoolPlace place;
  FerryPoolRoom *room; /* (owned) (nullable): NULL before its watch is registered with the link */
};

static inline gboolean
ferry_pool_worker_is_live (const FerryPoolWorker *self)
{
  return self->state == FERRY_POOL_WORKER_READY || self->state == FERRY_POOL_WORKER_STARTING;
}

FerryPoolWorker *ferry_pool_worker_new (FerryPool *pool, FerryRouter *router, FerryPoolRules *rules, const char *name,
                                        FerryLauncher *starter, GError **error);
FerryPoolWorker *ferry_pool_worker_ref (FerryPoolWorker *self);
void ferry_pool_worker_unref (FerryPoolWorker *self);
void ferry_pool_worker_let_go (FerryPoolWorker *self);

void ferry_pool_worker_set_n_missed (FerryPoolWorker *self, guint n_missed);

/* Sending and taking back a worker's tasks. What executors do with them is in the functions of the destination. */
gboolean ferry_pool_worker_send_task (FerryPoolWorker *self, FerryRun *run);
void ferry_pool_worker_take_back (FerryPoolWorker *self);

/* Ending the worker. */
void ferry_pool_worker_retire (FerryPoolWorker *self);
void ferry_pool_worker_kill (FerryPoolWorker *self);
/* Returns (transfer full) the last lines that the worker has printed for what it runs. */
char *ferry_pool_worker_dup_lines (const FerryPoolWorker *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPoolWorker, ferry_pool_worker_unref)

G_END_DECLS
