/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "lane/ferry-lane-reader-private.h"

#include "lane/ferry-doorbell-private.h"

void
ferry_lane_reader_init (FerryLaneReader *self, FerryLaneControl *control, const guint8 *ring, gsize capacity)
{
  *self = (FerryLaneReader){.control = control, .ring = ring, .capacity = capacity};
}

static gboolean
take_tail (FerryLaneReader *self, guint64 tail)
{
  /* A tail that runs backwards makes the first difference huge. */
  if (tail - self->tail > self->capacity || tail - self->head > self->capacity || (tail & 7) != 0)
    {
      self->refused = tail;
      return FALSE;
    }
  self->tail = tail;
  return TRUE;
}

/* Loads the writer's tail. Returns FALSE when it is out of range, which no honest writer's is. */
gboolean
ferry_lane_reader_look (FerryLaneReader *self)
{
  /* Acquire: pairs with the writer's publishing store, so the records up to tail are complete. */
  return take_tail (self, atomic_load_explicit (&self->control->writer.tail, memory_order_acquire));
}

/* Says that the reader is about to sleep, and looks once more. Returns as ferry_lane_reader_look(); when nothing is
 * available then, the reader may sleep on its doorbell. */
gboolean
ferry_lane_reader_arm (FerryLaneReader *self)
{
  ferry_wake_arm (&self->control->reader.reader_waiting, &self->epoch);
  return take_tail (self, ferry_wake_look (&self->control->writer.tail));
}

/* Gives size bytes back to the writer. Returns whether the writer is to be woken. One that waits for room is woken when
 * half the lane is free, and not at the first byte, so that a full lane costs a few wake-ups and not one a record; no
 * record is larger than that half, so whatever it waits for then fits. */
gboolean
ferry_lane_reader_release (FerryLaneReader *self, gsize size)
{
  self->head += size;
  ferry_wake_publish (&self->control->reader.head, self->head);
  return self->tail - self->head <= self->capacity / 2 &&
         ferry_wake_due (&self->control->writer.writer_waiting, &self->rung);
}

/* The same for a writer that sleeps on the lane's bell. */
void
ferry_lane_reader_consume (FerryLaneReader *self, gsize size)
{
  if (ferry_lane_reader_release (self, size))
    ferry_futex_doorbell_ring (&self->control->writer_bell.rings);
}
