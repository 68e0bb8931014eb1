/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an executor asks of a runner, and of the destinations that a runner sends tasks to. The router's thread. */

#pragma once

#include "base/ferry-base-private.h"
#include "base/ferry-timers-private.h"
#include "pool/ferry-run-private.h"
#include "pool/ferry-runner.h"
#include "pool/ferry-task-queue-private.h"

G_BEGIN_DECLS

/* Where tasks of a queue wait while their application is off: see pool/ferry-away-private.h. */
typedef struct _FerryAway FerryAway;
typedef struct _FerryAwayFuncs FerryAwayFuncs;

/* What has tasks to run, such as an executor, as the runner sees it. */
struct _FerryTaskSource
{
  FerryTaskQueue queue;
  FerryTimers *limits;     /* const: (unowned): the router's */
  gboolean is_shared;      /* the executor has several runners */
  FerryTimer refuse_timer; /* while set: the tasks that wait are about to be refused, so none is sent */
  FerryTimer rest_timer;   /* when the next run has rested */
  double held;             /* the sum of the fractions of those whose end a keeper holds: no destination has them */
  void (*give_back) (FerryTaskSource *self, FerryRun *run); /* task returns to the front of its queue */
  /* (nullable): a worker has begun the task */
  void (*started) (FerryTaskSource *self, FerryRun *run);
  void (*done) (FerryTaskSource *self, FerryRun *run); /* task ended while it was at a destination */
  /* (nullable in a source of pools alone): whether runner is the one to tell tasks that wait why they do. Of the
   * runners that are no pool it must be the only one. has_pool: set to whether a worker of a pool would do as well. */
  gboolean (*may_explain) (FerryTaskSource *self, FerryRunner *runner, gboolean *has_pool);
  /* runner will run none of the tasks that wait. They must fail with error, unless there is another runner for them. */
  void (*fail_all) (FerryTaskSource *self, FerryRunner *runner, const GError *error);
  /* For the timer of a run that waits. Calls ferry_run_end_wait(), and has the runner send tasks afterwards. */
  void (*wait_over) (gpointer run);
  /* (nullable where no run has retries): for rest_timer; data is the source. Calls ferry_run_end_rests(), and has the
   * runner send tasks afterwards. */
  void (*rest_over) (gpointer source);
  /* A run was cancelled. One that executed is CANCELLING, which its owner has told. One that waited is CANCELLED, which
   * its owner tells next. A task is not in the queue yet if another thread has just submitted it. */
  void (*cancelled) (FerryTaskSource *self, FerryRun *run);

  /* The others are called by tasks alone. */

  /* A task was paused or resumed, as its run says, before that is notified. It may have any state afterwards. */
  void (*pause_changed) (FerryTaskSource *self, FerryRun *run);
  /* (nullable): a task's fraction has changed by a report, before that is notified. */
  void (*progressed) (FerryTaskSource *self);
  /* Iterates the main context until the task is done. Fails with FERRY_ERROR_TIMED_OUT if it is not done in time.
   * timeout: microseconds, negative for none. */
  gboolean (*wait) (FerryTaskSource *self, FerryTask *task, gint64 timeout, GError **error);
};

typedef struct
{
  /* Takes back a task that waits, without others where that is possible. If it was begun, starts it. */
  void (*take_back) (FerryTaskDestination *self, FerryRun *run);
  /* The function may yield n more values. */
  void (*add_window) (FerryTaskDestination *self, FerryRun *run, guint n);
  /* A task that executed was cancelled. */
  void (*cancel) (FerryTaskDestination *self, FerryRun *run);
  /* Shortens the time that a cancelled task has until its process is killed. grace: in microseconds. */
  void (*give_time) (FerryTaskDestination *self, FerryRun *run, gint64 grace);
  /* Ends the task at once, with the process that runs it. */
  void (*force) (FerryTaskDestination *self, FerryRun *run);
  /* The task was paused or resumed, as its run says. One that was not begun is given back to its queue. */
  void (*pause_changed) (FerryTaskDestination *self, FerryRun *run);
} FerryTaskDestinationFuncs;

/* The first field of what tasks are sent to, such as a pool's worker. */
struct _FerryTaskDestination
{
  const FerryTaskDestinationFuncs *funcs; /* const */
};

struct _FerryRunnerInterface
{
  GTypeInterface parent_interface;

  /* any: returns (transfer none) the router of the thread on which tasks' signals are emitted. */
  FerryRouter *(*get_router) (FerryRunner *self);
  /* Returns how many tasks that need these labels may run at a time. needs: (nullable): none. */
  guint (*get_parallelism) (FerryRunner *self, const char *const *needs);
  /* The executor must call remove_source before it frees source. */
  void (*add_source) (FerryRunner *self, FerryTaskSource *source);
  void (*remove_source) (FerryRunner *self, FerryTaskSource *source);
  /* Sends tasks until no task waits or no destination has room. A recursive call only makes the outer call send once
   * more.
   */
  void (*schedule) (FerryRunner *self);
  /* Whether the runner has not failed. If it has, sets error to a copy of its error. */
  gboolean (*check) (FerryRunner *self, GError **error);
  /* Adds those tasks of source that run now to the sum. */
  void (*sum_running) (FerryRunner *self, FerryTaskSource *source, FerryRunSum *sum);
  /* (nullable): opens where the tasks of a queue wait and run while their application is off: (transfer full), until
   * its close(). file: a name of the queue's file, 16 hexadecimal digits. funcs: kept as it is. Fails with
   * FERRY_ERROR_BAD_ARGUMENTS and FERRY_ERROR_SYSTEM. */
  FerryAway *(*open_away) (FerryRunner *self, const char *file, const FerryAwayFuncs *funcs, gpointer owner,
                           GError **error);
};

static inline FerryRouter *
ferry_runner_get_router (FerryRunner *self)
{
  return FERRY_RUNNER_GET_IFACE (self)->get_router (self);
}

static inline void
ferry_runner_schedule (FerryRunner *self)
{
  FERRY_RUNNER_GET_IFACE (self)->schedule (self);
}

static inline gboolean
ferry_runner_check (FerryRunner *self, GError **error)
{
  return FERRY_RUNNER_GET_IFACE (self)->check (self, error);
}

/* The sources that send their tasks to a runner, and which of them has the turn. Each leaves before it ends. */
typedef struct
{
  GPtrArray *list; /* (owned) (element-type FerryTaskSource) (unowned) */
  guint next;      /* index of the executor with the tasks that are compared first */
} FerryTaskSources;

/* Returns (transfer none) (nullable) the first task of the highest priority that the filter (nullable) accepts.
 * Executors with such tasks alternate. */
FERRY_FOR_SIBLINGS
FerryRun *ferry_task_sources_find (FerryTaskSources *self, FerryTaskFilter filter, gpointer data);
/* Makes ferry_task_sources_find() begin with the executor that follows the task's own. */
FERRY_FOR_SIBLINGS
void ferry_task_sources_pass_turn (FerryTaskSources *self, FerryRun *run);
/* Makes the tasks that wait fail with error, except those of executors that have another runner than this one. Handlers
 * may add and remove executors. */
FERRY_FOR_SIBLINGS
void ferry_task_sources_fail_all (FerryTaskSources *self, FerryRunner *runner, const GError *error);

G_END_DECLS
