/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pool, one of its workers, which is a process or a thread, and the roster of them.
 *
 * Threads: the router's. */

#pragma once

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "link/ferry-link-private.h"
#include "pool/ferry-pool.h"
#include "pool/ferry-runner-private.h"
#include "process/ferry-launcher-private.h"
#include "process/ferry-worker.h"
#include "route/ferry-router-private.h"

G_BEGIN_DECLS

typedef struct _FerryPoolWorker FerryPoolWorker;

/* ---- The pool ---- */

/* A registered function that each worker runs at its start or at its end. */
typedef struct
{
  char *function;      /* (owned) (nullable): NULL for none */
  GVariant *arguments; /* (owned) (nullable) */
} FerryPoolCall;

/* The part of a pool that its workers use: settings and state. */
typedef struct
{
  gint64 idle_timeout;
  guint max_tasks;
  guint64 max_memory;
  FerryPoolCall initialiser;
  FerryPoolCall finaliser;
  gboolean stopping;        /* the pool ends all of its workers */
  gboolean settled;         /* all tasks that can be sent were sent, and no worker has changed since then */
  gboolean has_attached;    /* at least one worker of the pool has attached, so the program is able to attach */
  gboolean has_initialised; /* at least one worker has come through the present initialiser */
} FerryPoolRules;

/* Sends tasks until no task waits or no worker has room. A recursive call only makes the outer call send once more. */
void ferry_pool_schedule (FerryPool *self);
void ferry_pool_note_change (FerryPool *self, FerryPoolWorker *worker);
/* A worker's process has attached. */
void ferry_pool_note_open (FerryPool *self);
gboolean ferry_pool_may_end_idle (FerryPool *self);
/* Adds a task's time to the mean time: from when it was sent, or from its worker's previous answer if that is later. */
void ferry_pool_note_time (FerryPool *self, gint64 microseconds);
/* Puts the pool into its failed state: tasks that wait fail with this error, and so do tasks that are submitted later.
 * Takes error. If the pool has failed before, its first error stays. */
void ferry_pool_fail (FerryPool *self, GError *error);
void ferry_pool_note_ended (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit);
/* Other pools can run its tasks too, such as those of other hosts: so it fails where the system goes on to have too
 * little for a worker, and does not wait for better times. */
FERRY_FOR_SIBLINGS
void ferry_pool_set_one_of_many (FerryPool *self);

/* ---- A worker ----
 *
 * One word in the link's memory (FERRY_CLAIM_HOLD) decides whether a task was begun. The worker changes this word
 * before it begins a task. The application changes it before it takes tasks back or kills the worker. So a kill ends
 * only the intended task, and the application knows which tasks a dead worker had begun. */

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

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPoolWorker, ferry_pool_worker_unref)

/* ---- The roster: ferry-pool-roster.c ---- */

/* The largest load, and the largest number of misses, that are told apart. */
#define FERRY_POOL_N_BUCKETS 64

/* Workers by a small number. */
typedef struct
{
  GQueue buckets[FERRY_POOL_N_BUCKETS]; /* (element-type FerryPoolWorker): linked by their places' bucket_link */
  guint64 filled;                       /* bit n: bucket n is not empty */
} FerryPoolBuckets;

typedef struct
{
  guint n_live; /* workers that take tasks, or will take tasks after their start */
  guint n_idle; /* live workers that have no task in flight */
  guint n_busy; /* workers that have tasks in flight; they may be ending */

  GPtrArray *workers;     /* (owned) (element-type FerryPoolWorker): in the order of their start */
  FerryPoolBuckets open;  /* READY workers that begin tasks in time and may get more, by the tasks in flight */
  FerryPoolBuckets spent; /* READY workers that had max_tasks, by the tasks in flight */
  FerryPoolBuckets late;  /* READY workers that did not begin a task in time and have none, by n_missed */
  GQueue unbegun; /* (element-type FerryPoolWorker): workers with a first task that was not seen to be begun; the one
                     that has had it for longest comes first */
  guint n_visits; /* how many workers were looked at to answer questions; for tests */
} FerryPoolRoster;

typedef gboolean (*FerryPoolWorkerFilter) (FerryPoolWorker *worker);

/* unref: releases a reference to a worker. */
void ferry_pool_roster_init (FerryPoolRoster *self, GDestroyNotify unref);
void ferry_pool_roster_clear (FerryPoolRoster *self);

/* Takes a reference of the caller. */
void ferry_pool_roster_add (FerryPoolRoster *self, FerryPoolWorker *worker);
/* Returns the index that the worker had, and releases the reference. */
guint ferry_pool_roster_remove (FerryPoolRoster *self, FerryPoolWorker *worker);
/* Must be called after each change of a worker's state, tasks in flight, misses or answers. Does nothing for a worker
 * that was not added yet. */
void ferry_pool_roster_update (FerryPoolRoster *self, FerryPoolWorker *worker);
/* Must be called after a change of max_tasks. */
void ferry_pool_roster_update_all (FerryPoolRoster *self);

/* Returns (transfer none) (nullable) the best worker with fewer than depth tasks in flight. A worker that begins its
 * tasks in time is preferred, then a worker with fewer tasks in flight, then the worker that became so last. A worker
 * that did not begin a task in time gets one task at the most. */
FerryPoolWorker *ferry_pool_roster_find (FerryPoolRoster *self, guint depth);
/* The same, of those workers that the filter accepts. Looks at each worker that would be better than the result. */
FerryPoolWorker *ferry_pool_roster_find_accepted (FerryPoolRoster *self, guint depth, FerryPoolWorkerFilter filter);
/* Returns (transfer none) (nullable) the worker from which an idle worker may steal most tasks, and sets *most to their
 * number. The first task in flight counts only if it was not begun within time_to_begin microseconds. Sets *begins_by
 * to the monotonic time when the next worker's time is over, or to 0. */
FerryPoolWorker *ferry_pool_roster_find_busiest (FerryPoolRoster *self, gint64 time_to_begin, guint *most,
                                                 gint64 *begins_by);

G_END_DECLS
