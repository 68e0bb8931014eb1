/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many tasks of a queue wait, run and have ended.
 *
 * They are counted as their rows change, since a queue may have a hundred thousand.
 *
 * Threads: the router's. */

#include "config.h"

#include "queue/ferry-queue-figures-private.h"

typedef enum
{
  NOTHING,
  WAITING,
  EXECUTING,
  ENDED,
  INTERRUPTED,
} As;

static As
find_as (const FerryQueueRow *row)
{
  if (row == NULL)
    return NOTHING;
  if (row->state == FERRY_QUEUE_ROW_WAITING || ferry_queue_row_is_cancelling (row))
    return WAITING;
  if (row->state == FERRY_QUEUE_ROW_BEGUN)
    return EXECUTING;
  return ferry_queue_row_was_interrupted (row) ? INTERRUPTED : ENDED;
}

/* A failure of an earlier run is one to be seen, and the others are no news. */
static void
count_end (FerryQueueFigures *self, const FerryQueueRow *row, gboolean was_open)
{
  self->now.n_failed += row->state == FERRY_QUEUE_ROW_FAILED;
  if (!was_open)
    return;
  self->now.n_completed += row->state == FERRY_QUEUE_ROW_COMPLETED;
  self->now.n_cancelled += row->state == FERRY_QUEUE_ROW_CANCELLED;
  self->n_batch_ended++;
}

void
ferry_queue_figures_count (FerryQueueFigures *self, FerryQueueCounted *counted, const FerryQueueRow *row)
{
  As before = (As) counted->as, now = find_as (row);
  gboolean was_open = before == WAITING || before == EXECUTING;
  gboolean has_failed = row != NULL && row->state == FERRY_QUEUE_ROW_FAILED;

  self->n_failed += has_failed - counted->has_failed;
  counted->has_failed = has_failed;
  if (now == before)
    return;
  if ((now == WAITING || now == EXECUTING) && self->now.n_waiting + self->now.n_executing == 0)
    self->n_batch_ended = 0;
  self->now.n_waiting += (now == WAITING) - (before == WAITING);
  self->now.n_executing += (now == EXECUTING) - (before == EXECUTING);
  self->now.n_interrupted += (now == INTERRUPTED) - (before == INTERRUPTED);
  if (before == EXECUTING)
    g_queue_unlink (&self->executing, &counted->link);
  if (now == EXECUTING)
    g_queue_push_tail_link (&self->executing, &counted->link);
  if (now == ENDED || now == INTERRUPTED)
    count_end (self, row, was_open);
  counted->as = (guint8) now;
}

FerryQueueNumbers
ferry_queue_figures_get (FerryQueueFigures *self, double sum)
{
  FerryQueueNumbers numbers = self->now;
  guint n_batch = self->n_batch_ended + numbers.n_waiting + numbers.n_executing;

  numbers.fraction = n_batch > 0 ? MIN ((self->n_batch_ended + sum) / n_batch, 1.0) : 0.0;
  return numbers;
}
