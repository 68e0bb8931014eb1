/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pool, as its workers see it, and who looks at all. The router's thread. */

#pragma once

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "link/ferry-link-private.h"
#include "pool/ferry-pool.h"
#include "process/ferry-launcher-private.h"
#include "process/ferry-worker.h"
#include "route/ferry-router-private.h"

G_BEGIN_DECLS

typedef struct _FerryPoolWorker FerryPoolWorker;

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
/* A worker has attached, or has come through its initialiser: it can run tasks if it has done both. */
void ferry_pool_note_up (FerryPool *self, FerryPoolWorker *worker);
/* Starts one worker of a pool that has failed. Its error stays until that one can run tasks: then the pool is reset. */
void ferry_pool_try (FerryPool *self);
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

/* How a pool stands, for who looks at the whole application. */
typedef struct
{
  const char *name;   /* (unowned) */
  GPtrArray *workers; /* (unowned) (element-type FerryPoolWorker): those that have not ended */
  guint max_workers;
  guint n_busy;
  guint n_starting;  /* how many have not come through their initialiser */
  guint n_refusals;  /* how often in a row the system had too little of something for a worker */
  gint64 next_start; /* monotonic time before which none is started; 0: none waits for that */
} FerryPoolStand;

/* What is unowned is valid until the pool changes. */
void ferry_pool_get_stand (FerryPool *self, FerryPoolStand *stand);

G_END_DECLS
