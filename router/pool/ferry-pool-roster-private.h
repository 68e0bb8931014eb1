/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The workers of a pool, such that the best one for a task is found without looking at each. The router's thread. */

#pragma once

#include "pool/ferry-pool-worker-private.h"

G_BEGIN_DECLS

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
