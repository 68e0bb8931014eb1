/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tasks of a queue that have ended, and which of them stay: so many, and for so long. The router's thread. */

#pragma once

#include "base/ferry-timers-private.h"
#include "queue/ferry-queue-entry-private.h"

G_BEGIN_DECLS

typedef struct
{
  GQueue others;       /* (element-type FerryQueueEntry): completed and cancelled, the oldest first */
  GQueue failed;       /* (element-type FerryQueueEntry): the oldest first */
  guint keep_count;    /* of each list; any */
  gint64 keep_time;    /* in microseconds; 0: no limit; any */
  gint64 seen;         /* until when the queue had seen time pass, by the wall clock, at its opening */
  gint64 opened;       /* when that was, since the machine's start */
  gint64 latest;       /* until when it has ever seen time pass */
  FerryTimers *timers; /* const */
  FerryTimer timer;
  void (*leave) (FerryQueueEntry *entry, gpointer owner); /* const */
  void (*saw) (gint64 latest, gpointer owner);            /* const */
  gpointer owner;                                         /* const */
} FerryQueueEnds;

/* leave: an entry is to leave the queue. saw: latest is to be stored. timers: the router's. */
void ferry_queue_ends_init (FerryQueueEnds *self, FerryTimers *timers,
                            void (*leave) (FerryQueueEntry *entry, gpointer owner),
                            void (*saw) (gint64 latest, gpointer owner), gpointer owner);
/* seen: what was stored last; 0: nothing. */
void ferry_queue_ends_open (FerryQueueEnds *self, gint64 seen);
/* No entry is to leave from now on. */
void ferry_queue_ends_stop (FerryQueueEnds *self);

/* The entry's task has ended later than those that are here. */
void ferry_queue_ends_add (FerryQueueEnds *self, FerryQueueEntry *entry);
/* It has not, or is about to leave the queue. */
void ferry_queue_ends_remove (FerryQueueEnds *self, FerryQueueEntry *entry);
/* Returns (transfer none) (nullable) one of them. */
FerryQueueEntry *ferry_queue_ends_peek (const FerryQueueEnds *self);
/* Has those leave that do not stay. */
void ferry_queue_ends_trim (FerryQueueEnds *self);
/* The same, now and each hour. */
void ferry_queue_ends_prune (FerryQueueEnds *self);

G_END_DECLS
