/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a pool offers to its workers (ferry-pool-worker-private.h), and to the executors that tasks come from.
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
#include "route/ferry-router-private.h"
#include "task/ferry-pool.h"
#include "task/ferry-task-private.h"
#include "worker/ferry-worker.h"

G_BEGIN_DECLS

typedef struct _FerryPoolWorker FerryPoolWorker;

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

/* What a pool's workers heed. */
typedef struct
{
  gint64 idle_timeout;
  guint max_tasks;
  guint64 max_memory;
  guint death_limit;
  char *initialiser; /* (owned) (nullable) */
  GVariant *initialiser_arguments;
  char *finaliser; /* (owned) (nullable) */
  GVariant *finaliser_arguments;
} FerryPoolRules;

/* For everybody. */
FerryTimers *ferry_pool_get_timers (FerryPool *self);
void ferry_pool_schedule (FerryPool *self);

/* For executors. */
void ferry_pool_add_source (FerryPool *self, FerryTaskSource *source);
void ferry_pool_remove_source (FerryPool *self, FerryTaskSource *source);
gboolean ferry_pool_check (FerryPool *self, GError **error);
double ferry_pool_sum_fractions (FerryPool *self, FerryTaskSource *source);

/* For workers. */
const FerryPoolRules *ferry_pool_get_rules (FerryPool *self);
gboolean ferry_pool_is_stopping (FerryPool *self);
gboolean ferry_pool_can_spare_idle (FerryPool *self);
void ferry_pool_show (FerryPool *self, FerryWorker *process);
void ferry_pool_hide (FerryPool *self, FerryWorker *process);
void ferry_pool_note_attached (FerryPool *self);
void ferry_pool_note_time (FerryPool *self, gint64 microseconds);
void ferry_pool_take_end (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit);
void ferry_pool_fail (FerryPool *self, GError *error);

G_END_DECLS
