/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An entry of a queue's list: a row in memory, and the task that it is while somebody needs one. The router's
 * thread. */

#pragma once

#include "pool/ferry-run-private.h"
#include "queue/ferry-queue-figures-private.h"
#include "queue/ferry-queue-file-private.h"

G_BEGIN_DECLS

typedef struct _FerryQueueEntry FerryQueueEntry;
typedef struct _FerryQueueTies FerryQueueTies;

/* What joins the tasks of a queue to it: a part of the queue. */
struct _FerryQueueTies
{
  FerryTaskSource source; /* const: of the tasks that wait here */
  FerryRunKeeper keeper;  /* const */
  FerryAffinity *affinity;
  GType task_type;            /* of the tasks that are made of rows */
  gboolean paused;            /* no task is begun */
  char *reason;               /* (owned) (nullable): why, in words for the user */
  char *folder;               /* const: of values that are in files */
  FerryQueueFigures *figures; /* const: of all entries */
  /* The entry's row had not ended, and has failed: it is no task of this version. */
  void (*broke) (FerryQueueTies *self, FerryQueueEntry *entry);
};

/* Of the fields that say so, only the named class changes them. */
struct _FerryQueueEntry
{
  FerryQueueTies *ties; /* const */
  FerryQueueRow row;
  FerryTask *task;           /* the entry's: (owned) (nullable): until it has ended */
  GWeakRef ended_task;       /* the entry's: of one that has, which anybody lets go of last, on any thread */
  GSequenceIter *position;   /* FerryQueueList's */
  GSequenceIter *turn;       /* FerryQueueTurns': (nullable) */
  GSequenceIter *expiring;   /* FerryQueueTurns': (nullable) */
  gint64 expiry;             /* FerryQueueTurns': of one that is expiring */
  FerryQueueCounted counted; /* FerryQueueFigures' */
  GList ended_link;          /* FerryQueueEnds': in one of its lists, if has_ended */
  FerryQueueChange *change;  /* FerryQueueBatches': (unowned) (nullable): in the batch of the number */
  guint64 batch_number;      /* FerryQueueBatches' */
  guint has_ended : 1;       /* FerryQueueEnds' */
  guint lacks_arguments : 1; /* the entry's: its task does, which are in a file */
  guint claimed : 1;         /* the file has it begun, or is about to */
  guint was_short : 1;       /* the run that has ended in its worker was */
  guint stored : 1;          /* its end is in the row, and is not told yet */
  guint cancelled : 1;       /* somebody cancelled it while it executed, and not the end of the application */
};

/* Returns (transfer full) an entry of the row, which is all zero then. */
FerryQueueEntry *ferry_queue_entry_of (FerryQueueTies *ties, FerryQueueRow *row);
void ferry_queue_entry_free (gpointer entry);
/* Returns (transfer none) (nullable) the entry of a task, if it is one of these ties. */
FerryQueueEntry *ferry_queue_entry_find (FerryQueueTies *ties, FerryTask *task);

/* Returns (transfer full) the task, which is made if there is none. That may call broke. */
FerryTask *ferry_queue_entry_dup_task (FerryQueueEntry *self);
/* The entry has a task, until its end. It may lack its arguments: see ferry_queue_row_new_task(). */
void ferry_queue_entry_attach (FerryQueueEntry *self, FerryTask *task);
/* The entry has no task from now on. */
void ferry_queue_entry_detach (FerryQueueEntry *self);
/* Gives the task the arguments that it lacks, which are at hand now. */
gboolean ferry_queue_entry_give_arguments (FerryQueueEntry *self, GError **error);
/* The task has ended: it stays as long as somebody else has it, and is made again for who looks later. */
void ferry_queue_entry_let_go (FerryQueueEntry *self);
/* Whether a list on the screen keeps the task. */
gboolean ferry_queue_entry_is_looked_at (FerryQueueEntry *self);
/* The text of a task that waits says what holds it. */
void ferry_queue_entry_tell_obstacle (FerryQueueEntry *self);

G_END_DECLS
