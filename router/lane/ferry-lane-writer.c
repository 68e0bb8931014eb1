/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "lane/ferry-lane-writer-private.h"

void
ferry_lane_writer_init (FerryLaneWriter *self, FerryLaneControl *control, guint8 *ring, gsize capacity)
{
  *self = (FerryLaneWriter){.control = control, .ring = ring, .capacity = capacity};
}

static gboolean
take_head (FerryLaneWriter *self, guint64 head, gsize size)
{
  /* One comparison checks both ends of the range: a head that runs backwards makes the difference huge. */
  if (head - self->head > self->tail - self->head || (head & 7) != 0)
    {
      self->broken = TRUE;
      return FALSE;
    }
  self->head = head;
  return self->tail - head + size <= self->capacity;
}

/* Loads the reader's head. Returns whether size bytes are free; sets broken when the head is out of range. */
gboolean
ferry_lane_writer_look (FerryLaneWriter *self, gsize size)
{
  /* Acquire: pairs with the reader's publishing store, so its reads of the old bytes come before the next writes. */
  return take_head (self, atomic_load_explicit (&self->control->reader.head, memory_order_acquire), size);
}

/* Arms the wake-up of a writer that waits for room, then looks once more. Returns whether size bytes are free after
 * all. If not, the writer may sleep on the bell, whose count it loaded before this call. */
gboolean
ferry_lane_writer_arm (FerryLaneWriter *self, gsize size)
{
  ferry_wake_arm (&self->control->writer.writer_waiting, &self->epoch);
  return take_head (self, ferry_wake_look (&self->control->reader.head), size);
}
