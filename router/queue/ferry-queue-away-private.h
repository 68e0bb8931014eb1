/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tasks of a queue that run while its application is off. The router's thread. */

#pragma once

#include "pool/ferry-away-private.h"
#include "queue/ferry-queue-batches-private.h"
#include "queue/ferry-queue-list-private.h"
#include "queue/ferry-queue-turns-private.h"

G_BEGIN_DECLS

struct _FerryQueueAway
{
  FerryQueueTies *ties;       /* const (unowned) */
  FerryQueueTurns *turns;     /* const (unowned) */
  FerryQueueBatches *batches; /* const (unowned) */
  FerryAway *place;           /* (owned) (nullable): where tasks are sent */
  /* (owned) (element-type utf8 FerryQueueEntry): by their ids there; NULL: it was forgotten, and is withdrawn */
  GHashTable *sent;
  GQueue unsent; /* (element-type FerryQueueEntry): those that may be sent */
  gint64 name;   /* of the file; 0: it has none */
  guint death_limit;
  char *obstacle; /* (owned): what waits cannot be asked for, in words for users */
};

void ferry_queue_away_init (FerryQueueAway *self, FerryQueueTies *ties, FerryQueueTurns *turns,
                            FerryQueueBatches *batches);
void ferry_queue_away_clear (FerryQueueAway *self);

/* Sends tasks to the runner from now on, and hears of those that were sent. list: of all entries. Fails as
 * FerryRunnerInterface.open_away() does. */
gboolean ferry_queue_away_open (FerryQueueAway *self, FerryRunner *runner, FerryQueueList *list, GError **error);
/* Tells and asks nothing from now on. */
void ferry_queue_away_close (FerryQueueAway *self);
/* Whether hosts may have begun the entry's task, whose time to wait is over. They are asked, as soon as they can be. */
gboolean ferry_queue_away_ask (FerryQueueAway *self, FerryQueueEntry *entry);
/* A batch is about to be sent: tasks go with it that may run elsewhere. */
void ferry_queue_away_fill (FerryQueueAway *self);
/* The batch is on the disk. */
void ferry_queue_away_do_orders (FerryQueueAway *self, GPtrArray *orders);
/* The entry is about to be freed. */
void ferry_queue_away_forget (FerryQueueAway *self, FerryQueueEntry *entry);
/* Whether tasks are on their way there. */
gboolean ferry_queue_away_is_busy (FerryQueueAway *self);

G_END_DECLS
