/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a queue changes in its file, in batches. The router's thread. */

#pragma once

#include "base/ferry-timers-private.h"
#include "queue/ferry-queue-entry-private.h"
#include "queue/ferry-queue-store-private.h"

G_BEGIN_DECLS

/* What is to be done with a task that is away, once its row is on the disk. */
typedef struct
{
  gboolean sends; /* it is sent; else its end there is settled */
  char *id;       /* (owned) */
} FerryQueueOrder;

/* What goes to the file together. */
typedef struct
{
  GPtrArray *changes; /* (owned) (element-type FerryQueueChange) */
  GPtrArray *claims;  /* (owned) (element-type FerryTask): to be given to the executor afterwards */
  GPtrArray *ends;    /* (owned) (element-type FerryTask): to be told afterwards */
  GPtrArray *flushes; /* (owned) (element-type GTask): to be called back afterwards */
  GPtrArray *orders;  /* (owned) (element-type FerryQueueOrder): for those away, afterwards */
} FerryQueueBatch;

typedef struct
{
  void (*due) (gpointer owner); /* const */
  gpointer owner;               /* const */
  FerryTimers *timers;          /* const */
  gboolean is_open;             /* any: whether batches are sent */
  FerryQueueStore *store;       /* any: (owned) (nullable) */
  GError *error;                /* (owned) (nullable): why the latest batch was not written */
  FerryQueueBatch next;
  FerryQueueBatch sent; /* while is_writing */
  guint64 number;       /* of next */
  guint64 n_stored;     /* those with a lower number are on the disk */
  gboolean is_writing;
  FerryTimer send_timer;
  FerryTimer retry_timer;
} FerryQueueBatches;

/* due: a batch is to be sent. timers: the router's. */
void ferry_queue_batches_init (FerryQueueBatches *self, FerryTimers *timers, void (*due) (gpointer owner),
                               gpointer owner);
/* Has what was not written yet written without an answer, and sends nothing more. */
void ferry_queue_batches_stop (FerryQueueBatches *self);
void ferry_queue_batches_clear (FerryQueueBatches *self);

/* A batch goes in the next turn of the main loop. */
void ferry_queue_batches_send_soon (FerryQueueBatches *self);
/* The row of the entry has changed. kind: INSERT or UPDATE. */
void ferry_queue_batches_put (FerryQueueBatches *self, FerryQueueEntry *entry, FerryQueueChangeKind kind);
/* Any other change, which has a copy of the row. */
void ferry_queue_batches_add (FerryQueueBatches *self, FerryQueueChangeKind kind, const FerryQueueRow *row);
/* Once the next batch is on the disk, the executor is to get the task. */
void ferry_queue_batches_add_claim (FerryQueueBatches *self, FerryTask *task);
/* Once the next batch is on the disk, the end that the task's keeper holds is told. */
void ferry_queue_batches_add_end (FerryQueueBatches *self, FerryTask *task);
/* Once the next batch is on the disk, the task of that id, of those away, is sent or settled. Takes id. */
void ferry_queue_batches_add_order (FerryQueueBatches *self, gboolean sends, char *id);
/* Takes flush, which returns once the next batch is on the disk, or fails. */
void ferry_queue_batches_add_flush (FerryQueueBatches *self, GTask *flush);

/* Whether the row of the entry is on the disk as it is. */
gboolean ferry_queue_batches_has_stored (const FerryQueueBatches *self, const FerryQueueEntry *entry);
/* Whether the file knows of the entry, and of its end if it has one. */
gboolean ferry_queue_batches_has_kept (const FerryQueueBatches *self, const FerryQueueEntry *entry);
gboolean ferry_queue_batches_has_nothing (const FerryQueueBatches *self);
/* The file could be read, and cannot be written. */
void ferry_queue_batches_hold_up (FerryQueueBatches *self, const GError *error);
/* Sends the batch, unless one is being written. Returns whether it has: else nothing is to be written. While the file
 * cannot be written, one with nothing in it finds out when it can. */
gboolean ferry_queue_batches_send (FerryQueueBatches *self);
/* The store has written the batch that was sent, or failed: then it goes with the next one. Returns whether it has.
 * done: (out caller-allocates): the batch, for ferry_queue_batch_finish(). */
gboolean ferry_queue_batches_take (FerryQueueBatches *self, const GError *error, FerryQueueBatch *done);
/* Tells the ends of a batch that is on the disk. */
void ferry_queue_batch_tell_ends (FerryQueueBatch *self);
/* Calls back those that wait for the batch, and clears it. */
void ferry_queue_batch_finish (FerryQueueBatch *self);
/* The file is closed: what still ends is told, and the file says at the next start that it was interrupted. */
void ferry_queue_batches_drop (FerryQueueBatches *self);

G_END_DECLS
