/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many tasks of a queue wait and run, and how many have ended. The router's thread. */

#pragma once

#include "queue/ferry-queue-row-private.h"

G_BEGIN_DECLS

/* The part of an entry that is counted. */
typedef struct
{
  GList link; /* in the executing ones; the data is the entry's */
  guint8 as;  /* what it counts as; 0: as nothing yet */
  guint8 has_failed;
} FerryQueueCounted;

/* As the properties of the queue have them. */
typedef struct
{
  guint n_waiting;
  guint n_executing;
  guint n_interrupted;
  guint64 n_completed;
  guint64 n_failed;
  guint64 n_cancelled;
  double fraction;
} FerryQueueNumbers;

typedef struct
{
  FerryQueueNumbers now; /* but for the fraction */
  FerryQueueNumbers told;
  GQueue executing;    /* (element-type gpointer): those that were begun */
  guint n_batch_ended; /* how many have ended since none was open */
  guint n_failed;      /* how many of those in the list have failed */
} FerryQueueFigures;

/* row: (nullable): the entry's; NULL: it leaves the list. */
void ferry_queue_figures_count (FerryQueueFigures *self, FerryQueueCounted *counted, const FerryQueueRow *row);
/* The present numbers. sum: of the fractions of those that are executing. */
FerryQueueNumbers ferry_queue_figures_get (FerryQueueFigures *self, double sum);

G_END_DECLS
