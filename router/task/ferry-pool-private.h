/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pool's inside: workers, what each of them has in hand, and the executors that tasks come from.
 *
 * A task travels: executor's queue → in flight at a worker → done, or back to the front of its queue. A worker runs
 * what it has in flight one after the other, oldest first; what is behind the first was sent ahead, so that a worker
 * need not wait for us between two short tasks, and can be taken back as long as it was not begun.
 *
 * Who decides that a task was begun is one word in the link's memory (FERRY_CLAIM_HOLD): the worker changes it before
 * it begins, we change it before we take tasks back or kill. So a kill hits the task that it is meant for or nobody,
 * and what a dead worker had not begun is known for certain.
 *
 * Threads: the router's. */

#pragma once

#include "base/ferry-timers-private.h"
#include "call/ferry-transactions-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-pool.h"
#include "task/ferry-task-private.h"
#include "worker/ferry-launcher-private.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_POOL_WORKER_STARTING,  /* its process is being started, or its initialiser runs */
  FERRY_POOL_WORKER_READY,     /* takes tasks */
  FERRY_POOL_WORKER_RETIRING,  /* was told to finish; takes no more */
  FERRY_POOL_WORKER_CONDEMNED, /* is being killed */
  FERRY_POOL_WORKER_ENDED,
} FerryPoolWorkerState;

typedef struct _FerryPoolWorker FerryPoolWorker;
typedef struct _FerryPoolRoom FerryPoolRoom;

struct _FerryPoolWorker
{
  gint references;
  FerryPool *pool;     /* (unowned) (nullable): NULL once the pool let go of it */
  FerryRouter *router; /* (owned) */
  FerryTimers *timers; /* (unowned): the router's */
  FerryWorker *worker; /* (owned) (nullable): NULL in a pool of threads */
  GThread *thread;     /* (owned) (nullable) */
  FerryLink *link;     /* (owned) */
  FerryReceiver *calls_receiver;
  FerryReceiver *progress_receiver;
  FerryTransactions *calls; /* (owned) */
  FerryPoolWorkerState state;
  GQueue in_flight;       /* (element-type FerryTask), by their seats' links; the first is being run */
  gboolean first_started; /* the first in flight was told that it runs */
  gboolean attached;
  guint n_missed;       /* so often in a row it did not begin what it had the time to begin, since it was heard of */
  guint64 claimed;      /* the latest claim that was looked at; it only grows */
  guint64 unclaimed;    /* the latest call that the worker sent something of without a claim; 0: none */
  gboolean told_to_end; /* by us: its end is no accident */
  gboolean lost_task;   /* it ended at a task */
  guint64 n_done;
  gint64 latest;    /* monotonic time of the latest answer, or of the hand-over to an idle worker */
  gint64 memory_at; /* monotonic time when its memory was last looked at */
  FerryTimer timer; /* READY: idle for too long; RETIRING: time for force */
  gint64 born_at;
  gint64 idle_at; /* monotonic time since when it has nothing in hand */
  FerryRoomWatch room_watch;
  FerryPoolRoom *room; /* (owned) (nullable): while room_watch is in the link */
};

/* What an executor is to the pool. */
typedef struct _FerryTaskSource FerryTaskSource;

struct _FerryTaskSource
{
  FerryTask *(*peek) (FerryTaskSource *self);                 /* the next one (transfer none), or NULL */
  void (*take) (FerryTaskSource *self, FerryTask *task);      /* it was handed to a worker: it leaves the queue */
  void (*give_back) (FerryTaskSource *self, FerryTask *task); /* to the front of its queue */
  void (*started) (FerryTaskSource *self, FerryTask *task);
  void (*done) (FerryTaskSource *self, FerryTask *task);         /* it came to its end in a worker's hands */
  void (*fail_all) (FerryTaskSource *self, const GError *error); /* the pool will run nothing any more */
};

struct _FerryPool
{
  GObject parent_instance;

  FerryRouter *router;     /* const: (owned) */
  FerryLauncher *launcher; /* const: (owned) (nullable): NULL in a pool of threads */
  FerryLauncher *starter;  /* (owned) (nullable): what starts the workers, from the first start on */
  FerryTimers *timers;     /* const: (unowned): the router's */
  char *name;              /* (owned) (nullable) */
  guint min_workers;
  guint max_workers;
  gint64 idle_timeout;
  guint min_idle;
  guint max_tasks;
  gint64 max_age;
  FerryTimer age_timer; /* for the oldest worker */
  guint64 max_memory;
  guint restart_limit;
  gint64 restart_interval;
  guint death_limit;
  char *initialiser; /* (owned) (nullable) */
  GVariant *initialiser_arguments;
  char *finaliser; /* (owned) (nullable) */
  GVariant *finaliser_arguments;

  gboolean in_threads; /* const */
  gboolean use_nursery;

  GListStore *list;   /* (owned) (element-type FerryWorker): of processes, for show */
  GPtrArray *workers; /* (owned) (element-type FerryPoolWorker): not ended */
  guint n_numbered;   /* for the names of workers */
  GPtrArray *sources; /* (element-type FerryTaskSource) (unowned) */
  guint next_source;  /* whose turn it is */
  double mean_time;   /* of a task, in microseconds; 0: not known yet */
  GArray *restarts;   /* (element-type gint64): times of those ends that count against the limit */
  GArray *refusals;   /* (element-type gint64): times at which the system had too little for a worker */
  guint64 n_restarts;
  FerryTimer back_off;   /* set: no worker is started before */
  GError *error;         /* (owned) (nullable): why no worker is started any more */
  gboolean has_attached; /* some worker has, so that the program is one that does */
  gboolean started;
  gboolean stopping;
  gboolean pumping;
  gboolean pump_again;
  GPtrArray *stop_waiters; /* (nullable) (element-type FerryWaiter): calls that wait for the end of a stop */
  FerryTimer stop_timer;
  FerryPoolWorker *taker; /* (unowned) (nullable): has the next task, since it was taken back for this one */
  FerryTimer look_timer;  /* for an idle worker to take what another one has not begun by then */
};

/* In ferry-pool.c. */
void ferry_pool_add_source (FerryPool *self, FerryTaskSource *source);
void ferry_pool_remove_source (FerryPool *self, FerryTaskSource *source);
void ferry_pool_pump (FerryPool *self);
void ferry_pool_fit (FerryPool *self);
guint ferry_pool_count_live (FerryPool *self);
void ferry_pool_look_at_ages (FerryPool *self);
guint ferry_pool_count_idle (FerryPool *self);
void ferry_pool_note_idle (FerryPool *self, FerryPoolWorker *worker);
void ferry_pool_worker_ready (FerryPool *self, FerryPoolWorker *worker);
void ferry_pool_worker_ended (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit);
void ferry_pool_fail (FerryPool *self, GError *error);
void ferry_pool_note_time (FerryPool *self, gint64 microseconds);

void ferry_pool_fail_sources (FerryPool *self, const GError *reason);

/* In ferry-pool-stop.c. */
void ferry_pool_finish_stop (FerryPool *self);

/* In ferry-pool-properties.c. */
void ferry_pool_install_properties (GObjectClass *object_class);
void ferry_pool_notify_error (FerryPool *self);
void ferry_pool_notify_workers (FerryPool *self);

/* In ferry-pool-limits.c. */
void ferry_pool_note_failed_start (FerryPool *self, FerryObstacle obstacle, GError *error);
void ferry_pool_note_end (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit);
gboolean ferry_pool_check_result (FerryTask *task, GVariant *result, GError **error);
gboolean ferry_pool_worker_is_too_large (FerryPoolWorker *self, guint64 max_memory);

/* In ferry-pool-worker.c. */
FerryPoolWorker *ferry_pool_worker_ref (FerryPoolWorker *self);
void ferry_pool_worker_unref (FerryPoolWorker *self);
gboolean ferry_pool_worker_hand_over (FerryPoolWorker *self, FerryTask *task);
void ferry_pool_worker_start_first (FerryPoolWorker *self);
void ferry_pool_worker_take_process (FerryPoolWorker *self);
void ferry_pool_worker_heard (FerryPoolWorker *self);
void ferry_pool_worker_return_after (FerryPoolWorker *self, guint64 begun);
void ferry_pool_worker_take_back (FerryPoolWorker *self);
void ferry_pool_worker_withdraw_task (FerryPoolWorker *self, FerryTask *task);
void ferry_pool_worker_add_window (FerryPoolWorker *self, FerryTask *task, guint n);
void ferry_pool_worker_retire (FerryPoolWorker *self);
void ferry_pool_worker_kill (FerryPoolWorker *self);
void ferry_pool_worker_take_farewell (FerryPoolWorker *self);
void ferry_pool_worker_take_end (FerryPoolWorker *self, FerryExit *exit);

/* In ferry-pool-launch.c. */
FerryPoolWorker *ferry_pool_worker_new (FerryPool *pool, GError **error);
void ferry_pool_worker_abandon (FerryPoolWorker *self);
void ferry_pool_worker_fault (FerryPoolWorker *self, const char *detail);
void ferry_pool_worker_ask_finaliser (FerryPoolWorker *self);

/* In ferry-pool-press.c. */
void ferry_pool_worker_cancel_task (FerryPoolWorker *self, FerryTask *task);
void ferry_pool_worker_give_time (FerryPoolWorker *self, FerryTask *task, gint64 grace);
void ferry_pool_worker_force_task (FerryPoolWorker *self, FerryTask *task);

/* In ferry-pool-room.c. */
void ferry_pool_worker_await_room (FerryPoolWorker *self);
void ferry_pool_worker_forget_room (FerryPoolWorker *self);

/* In ferry-pool-threads.c. */
gboolean ferry_pool_worker_start_thread (FerryPoolWorker *self, const char *name, FerrySender *calls,
                                         FerrySender *progress, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPoolWorker, ferry_pool_worker_unref)

G_END_DECLS
