/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a pool offers to its workers (ferry-pool-worker-private.h) and to its executors.
 *
 * A task moves from its executor's queue to a worker, where it is in flight. Then it is done, or returns to the front
 * of its queue. A worker runs its tasks in flight one after the other, the oldest first. Tasks behind the first are
 * sent ahead: the worker begins the next one without waiting for the application. They can be taken back until they
 * are begun.
 *
 * One word in the link's memory (FERRY_CLAIM_HOLD) decides whether a task was begun. The worker changes it before it
 * begins a task, the application before it takes tasks back or kills the worker. So a kill never hits another task than
 * the one that it is meant for. And it is certain which tasks a dead worker had begun.
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

/* An executor, as the pool sees it. */
typedef struct _FerryTaskSource FerryTaskSource;

struct _FerryTaskSource
{
  FerryTask *(*peek) (FerryTaskSource *self);                 /* the next task (transfer none), or NULL */
  void (*take) (FerryTaskSource *self, FerryTask *task);      /* it was sent to a worker, and leaves the queue */
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

/* The pool's settings and state that its workers follow. */
typedef struct
{
  gint64 idle_timeout;
  guint max_tasks;
  guint64 max_memory;
  guint death_limit;
  FerryPoolCall initialiser;
  FerryPoolCall finaliser;
  gboolean stopping; /* the pool ends all of its workers */
} FerryPoolRules;

/* For workers and executors. */
void ferry_pool_schedule (FerryPool *self);

/* For executors. */
void ferry_pool_add_source (FerryPool *self, FerryTaskSource *source);
void ferry_pool_remove_source (FerryPool *self, FerryTaskSource *source);
gboolean ferry_pool_check (FerryPool *self, GError **error);
double ferry_pool_sum_fractions (FerryPool *self, FerryTaskSource *source);

/* For workers. */
const FerryPoolRules *ferry_pool_get_rules (FerryPool *self);
gboolean ferry_pool_may_end_idle (FerryPool *self);
void ferry_pool_note_attached (FerryPool *self);
void ferry_pool_note_time (FerryPool *self, gint64 microseconds);
void ferry_pool_worker_ended (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit);
void ferry_pool_fail (FerryPool *self, GError *error);

G_END_DECLS
