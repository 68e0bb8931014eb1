/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which task of a queue is next. The router's thread. */

#pragma once

#include "queue/ferry-queue-clock-private.h"
#include "queue/ferry-queue-entry-private.h"

G_BEGIN_DECLS

typedef struct
{
  GPtrArray *buckets;  /* (element-type FerryQueueBucket): the first is of those that need no labels */
  GSequence *timed;    /* (element-type FerryQueueEntry): those that wait for their time, the earliest first */
  GSequence *expiring; /* (element-type FerryQueueEntry): those that wait and have a limit, the earliest first */
  FerryTimers *timers;
  FerryTimer look_timer;
  gint64 offset; /* of the wall clock from the time since the start of the machine */
  FerryQueueClock clock;
  void (*came) (gpointer owner);                            /* const */
  void (*expired) (FerryQueueEntry *entry, gpointer owner); /* const */
  gpointer owner;                                           /* const */
} FerryQueueTurns;

/* came: the time of some tasks has come. expired: that until which a task may wait is over: it has to fail. timers: of
 * the context. */
void ferry_queue_turns_init (FerryQueueTurns *self, FerryTimers *timers, GMainContext *context,
                             void (*came) (gpointer owner), void (*expired) (FerryQueueEntry *entry, gpointer owner),
                             gpointer owner);
/* It has no entry from now on, and no timer. */
void ferry_queue_turns_stop (FerryQueueTurns *self);
void ferry_queue_turns_clear (FerryQueueTurns *self);

/* Puts an entry where it belongs, by its row, or takes it away, and counts it so; its task's text says what holds it.
 */
void ferry_queue_turns_update (FerryQueueTurns *self, FerryQueueEntry *entry);
/* Takes it away. */
void ferry_queue_turns_remove (FerryQueueTurns *self, FerryQueueEntry *entry);
/* Returns (transfer none) (nullable) the one that is next, of the buckets that the filter (nullable) accepts. */
FerryQueueEntry *ferry_queue_turns_peek (const FerryQueueTurns *self, gboolean (*filter) (const FerryQueueBucket *));

G_END_DECLS
