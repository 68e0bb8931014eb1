/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A binary heap of deadlines that are embedded in what waits, for timers and for links. The earliest is at hand, and
 * one is set, changed or unset in O(log n), without memory of its own.
 *
 * Threads:   one at a time.
 * Invariant: heap[i / 2] is not later than heap[i], for indices from 1 on; each deadline has its index. */

#include "config.h"

#include "base/ferry-deadlines-private.h"

#include "base/ferry-base-private.h"

void
ferry_deadlines_init (FerryDeadlines *self)
{
  self->heap = g_ptr_array_new ();
}

static FerryDeadline *
at (FerryDeadlines *self, guint position)
{
  return g_ptr_array_index (self->heap, position - 1);
}

static void
put (FerryDeadlines *self, guint position, FerryDeadline *deadline)
{
  g_ptr_array_index (self->heap, position - 1) = deadline;
  deadline->position = position;
}

static void
sift_up (FerryDeadlines *self, FerryDeadline *deadline)
{
  guint position = deadline->position;

  while (position > 1 && at (self, position / 2)->time > deadline->time)
    {
      put (self, position, at (self, position / 2));
      position /= 2;
    }
  put (self, position, deadline);
}

static void
sift_down (FerryDeadlines *self, FerryDeadline *deadline)
{
  guint position = deadline->position;

  while (position * 2 <= self->heap->len)
    {
      guint child = position * 2;

      if (child < self->heap->len && at (self, child + 1)->time < at (self, child)->time)
        child++;
      if (at (self, child)->time >= deadline->time)
        break;
      put (self, position, at (self, child));
      position = child;
    }
  put (self, position, deadline);
}

static void
take_out (FerryDeadlines *self, FerryDeadline *deadline)
{
  FerryDeadline *last = at (self, self->heap->len);
  guint position = deadline->position;

  g_ptr_array_set_size (self->heap, (int) self->heap->len - 1);
  deadline->position = 0;
  if (last == deadline)
    return;
  put (self, position, last);
  sift_up (self, last);
  sift_down (self, last);
}

void
ferry_deadlines_clear (FerryDeadlines *self)
{
  for (guint i = 1; i <= self->heap->len; i++)
    at (self, i)->position = 0;
  g_ptr_array_unref (self->heap);
}

void
ferry_deadlines_set (FerryDeadlines *self, FerryDeadline *deadline, gint64 time)
{
  deadline->time = time;
  if (deadline->position == 0)
    {
      g_ptr_array_add (self->heap, deadline);
      deadline->position = self->heap->len;
    }
  sift_up (self, deadline);
  sift_down (self, deadline);
}

void
ferry_deadlines_unset (FerryDeadlines *self, FerryDeadline *deadline)
{
  if (deadline->position != 0)
    take_out (self, deadline);
}

void
ferry_deadlines_move (FerryDeadlines *self, gint64 time)
{
  for (guint i = 1; i <= self->heap->len; i++)
    at (self, i)->time = ferry_time_add (at (self, i)->time, time);
}
