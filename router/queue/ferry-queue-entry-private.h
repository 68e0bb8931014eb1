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
typedef struct _FerryQueueAway FerryQueueAway;

/* Those of a queue's tasks that need the same labels. */
typedef struct
{
  char **needs;     /* const: (owned) (nullable): the labels; NULL: none */
  GSequence *ready; /* FerryQueueTurns': (element-type FerryQueueEntry): those that may be begun, in that order */
  guint limit;      /* FerryQueueClaims': how many may be claimed. 0: no host has the labels */
  guint n_claimed;  /* FerryQueueClaims' */
  guint n_taking;   /* FerryQueueAway's: how many are being taken back, to be begun */
} FerryQueueBucket;

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
  /* (nullable) (transfer none): what a task waits for that was sent away while its place cannot be reached. */
  const char *away_obstacle;
  /* Whether the entry's row is on the disk as it is. */
  gboolean (*is_stored) (FerryQueueTies *self, FerryQueueEntry *entry);
  /* (transfer none) (nullable): see FerryRunKeeperFuncs. */
  const GError *(*get_unstored) (FerryQueueTies *self, FerryQueueEntry *entry);
  /* (nullable): how the entry's task stands may have changed, for those away. */
  void (*looked) (FerryQueueTies *self, FerryQueueEntry *entry);
  /* The task was sent away, and is next here: it is taken back. */
  void (*take) (FerryQueueTies *self, FerryQueueEntry *entry);
  FerryQueueAway *away;   /* const: (unowned): has set the two */
  gboolean away_is_there; /* hosts can be asked what became of what was sent away */
  gboolean away_is_asked; /* it is not known yet whether they can */
  /* The entry's row had not ended, and has failed: it is no task of this version. */
  void (*broke) (FerryQueueTies *self, FerryQueueEntry *entry);
  /* The entry's task was cancelled, and no host has it any more. */
  void (*cancelled) (FerryQueueTies *self, FerryQueueEntry *entry);
};

/* How a task stands that was sent away, or will be. */
typedef enum
{
  FERRY_QUEUE_AWAY_NOT,      /* it is here */
  FERRY_QUEUE_AWAY_SENDING,  /* that it is sent goes to the file */
  FERRY_QUEUE_AWAY_THERE,    /* it was sent */
  FERRY_QUEUE_AWAY_TAKING,   /* it is taken back, to be begun here */
  FERRY_QUEUE_AWAY_RECALLED, /* it is taken back, to wait here */
  FERRY_QUEUE_AWAY_AT_HOST,  /* a host has begun it */
  FERRY_QUEUE_AWAY_LEAVING,  /* it has ended, and is withdrawn */
} FerryQueueAwayState;

/* Of the fields that say so, only the named class changes them. */
struct _FerryQueueEntry
{
  FerryQueueTies *ties; /* const */
  FerryQueueRow row;
  FerryTask *task;           /* the entry's: (owned) (nullable): until it has ended */
  GWeakRef ended_task;       /* the entry's: of one that has, which anybody lets go of last, on any thread */
  GSequenceIter *position;   /* FerryQueueList's */
  FerryQueueBucket *bucket;  /* FerryQueueTurns': (nullable): NULL until it was looked at once */
  GSequenceIter *turn;       /* FerryQueueTurns': (nullable) */
  GSequenceIter *expiring;   /* FerryQueueTurns': (nullable) */
  gint64 expiry;             /* FerryQueueTurns': of one that is expiring */
  FerryQueueCounted counted; /* FerryQueueFigures' */
  GList ended_link;          /* FerryQueueEnds': in one of its lists, if has_ended */
  FerryQueueChange *change;  /* FerryQueueBatches': (unowned) (nullable): in the batch of the number */
  guint64 batch_number;      /* FerryQueueBatches' */
  guint64 first_batch;    /* FerryQueueBatches': 1 more than that which has its row first; 0: the file had it before */
  GList unsent_link;      /* FerryQueueAway's: if is_unsent */
  char *away_host;        /* FerryQueueAway's: (owned) (nullable): which host has begun it */
  gint64 sent_not_before; /* FerryQueueAway's */
  int sent_priority;      /* FerryQueueAway's */
  guint8 away;            /* FerryQueueAway's: a FerryQueueAwayState */
  guint is_unsent : 1;    /* FerryQueueAway's: it may be sent */
  guint is_stale : 1;     /* the arguments that were sent are those of an earlier version */
  guint stays : 1;        /* FerryQueueAway's: it cannot be sent */
  guint has_ended : 1;    /* FerryQueueEnds' */
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
/* What becomes of its task, as far as those away go. */
FerryTaskVerdict ferry_queue_entry_judge (const FerryQueueEntry *self, FerryTaskTurn turn);
/* Whether its task may be begun here, as far as those away go. */
gboolean ferry_queue_entry_is_here (const FerryQueueEntry *self);
/* The text of a task that waits says what holds it. */
void ferry_queue_entry_tell_obstacle (FerryQueueEntry *self);

G_END_DECLS
