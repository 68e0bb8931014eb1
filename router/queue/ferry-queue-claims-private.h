/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tasks of a queue that are under way. The router's thread. */

#pragma once

#include "queue/ferry-queue-batches-private.h"
#include "queue/ferry-queue-turns-private.h"
#include "task/ferry-executor-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryExecutor *executor;    /* const (unowned): set by the owner */
  FerryQueueTies *ties;       /* const (unowned) */
  FerryQueueTurns *turns;     /* const (unowned) */
  FerryQueueBatches *batches; /* const (unowned) */
  GHashTable *loading; /* (element-type FerryQueueValue FerryQueueEntry): arguments that are being read, and whose */
  gboolean is_open;    /* any: whether tasks may be begun, unless the queue is paused */
  guint n;
  FerryTimer rest_timer; /* set: some rest, and are about to be taken back */
  FerryTimer try_timer;  /* set: workers do not start, and are about to be tried again */
  gint64 try_time;       /* after how long, in microseconds */
  guint n_short_ended;   /* how many short ones have ended since the latest batch was sent */
} FerryQueueClaims;

void ferry_queue_claims_init (FerryQueueClaims *self, FerryQueueTies *ties, FerryQueueTurns *turns,
                              FerryQueueBatches *batches);
/* No task is begun from now on, and no entry is known. */
void ferry_queue_claims_stop (FerryQueueClaims *self);
void ferry_queue_claims_clear (FerryQueueClaims *self);

/* A batch is about to be sent: claims the tasks that are next, as many as can run. */
void ferry_queue_claims_make (FerryQueueClaims *self);
/* The claim is on the disk: the executor gets the task, and has it begun by ferry_executor_begin_kept(). */
void ferry_queue_claims_give (FerryQueueClaims *self, FerryTask *task);
/* The arguments of a task were read: see FerryQueueStoreFuncs. */
void ferry_queue_claims_take_arguments (FerryQueueClaims *self, FerryQueueValue *value, GBytes *bytes,
                                        const GError *error);
/* The entry is about to be freed. */
void ferry_queue_claims_forget (FerryQueueClaims *self, const FerryQueueEntry *entry);
/* The entry's task, whose run that is, has ended in its worker; that is not stored yet. */
void ferry_queue_claims_note_end (FerryQueueClaims *self, FerryQueueEntry *entry, const FerryRun *run);
/* The entry's task has ended. */
void ferry_queue_claims_end (FerryQueueClaims *self, FerryQueueEntry *entry);
/* Some rest before another attempt: takes them back soon, to wait in the file. */
void ferry_queue_claims_note_rest (FerryQueueClaims *self);
/* Takes those back that no worker has begun. */
void ferry_queue_claims_take_back (FerryQueueClaims *self);
/* Returns (transfer full) (element-type FerryTask) all of them, since handlers may change the list. */
GPtrArray *ferry_queue_claims_list (FerryQueueClaims *self);

G_END_DECLS
