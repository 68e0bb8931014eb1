/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two ends of a lane.
 *
 * Threads:   the reader: one, the monitor for the up lane, the worker's reading thread for the lanes down. The writer:
 *            one at a time, by turns under a lock of the owner.
 * Trust:     none. Each position of the other end is copied out of shared memory once, then checked. The reader copies
 *            each record as well, and only the copy is checked and used. The writer's own position lies in private
 *            memory; nothing that was published is read back.
 * Invariant: 0 <= tail - head <= capacity; both only grow. */

#pragma once

#include <string.h>

#include "lane/ferry-lane-layout.h"
#include "lane/ferry-wake-private.h"

G_BEGIN_DECLS

/* ---- the reader ---- */

typedef struct
{
  FerryLaneControl *control;
  const guint8 *ring;
  gsize capacity;
  guint64 head;
  guint64 tail;    /* the latest valid value seen */
  guint64 refused; /* the latest invalid value seen */
  guint32 rung;    /* epoch of writer_waiting that was last rung for */
  guint32 epoch;   /* of reader_waiting */
} FerryLaneReader;

void ferry_lane_reader_init (FerryLaneReader *self, FerryLaneControl *control, const guint8 *ring, gsize capacity);
gboolean ferry_lane_reader_look (FerryLaneReader *self);
gboolean ferry_lane_reader_arm (FerryLaneReader *self);
gboolean ferry_lane_reader_release (FerryLaneReader *self, gsize size);
void ferry_lane_reader_consume (FerryLaneReader *self, gsize size);

static inline gsize
ferry_lane_reader_get_available (FerryLaneReader *self)
{
  return self->tail - self->head;
}

static inline const guint8 *
ferry_lane_reader_get_place (FerryLaneReader *self)
{
  return self->ring + (self->head & (self->capacity - 1));
}

/* Whether the writer allows the reader to take its records later, many at a time. */
static inline gboolean
ferry_lane_reader_is_unhurried (FerryLaneReader *self)
{
  /* Relaxed: a hint. The writer rings when it takes the hint back. */
  return atomic_load_explicit (&self->control->writer.unhurried, memory_order_relaxed) == 1;
}

/* ---- the writer ---- */

typedef struct
{
  FerryLaneControl *control;
  guint8 *ring;
  gsize capacity;
  guint64 tail;
  guint64 head;  /* the latest valid value seen */
  guint32 rung;  /* epoch of reader_waiting that was last rung for */
  guint32 epoch; /* of writer_waiting */
  gboolean broken;
} FerryLaneWriter;

void ferry_lane_writer_init (FerryLaneWriter *self, FerryLaneControl *control, guint8 *ring, gsize capacity);
gboolean ferry_lane_writer_look (FerryLaneWriter *self, gsize size);
gboolean ferry_lane_writer_arm (FerryLaneWriter *self, gsize size);

/* Whether size bytes are free. Loads the reader's head only when the value seen last does not suffice. */
static inline gboolean
ferry_lane_writer_has_room (FerryLaneWriter *self, gsize size)
{
  return G_LIKELY (self->tail - self->head + size <= self->capacity) || ferry_lane_writer_look (self, size);
}

/* The place of the next record. To be called after ferry_lane_writer_has_room(). */
static inline guint8 *
ferry_lane_writer_get_place (FerryLaneWriter *self)
{
  return self->ring + (self->tail & (self->capacity - 1));
}

/* Cache lines are prefetched so far ahead of the tail, for records up to the second size. Copying a larger record keeps
 * the memory busy by itself. */
#define FERRY_PREFETCH_DISTANCE 1024
#define FERRY_PREFETCH_MAX 256

/* Prefetches for writing the cache lines of later records of this size. The reader's core has those lines, and
 * publishing waits for all stores before it. Without this each record would wait until its lines came across. */
static inline void
ferry_lane_writer_prefetch (FerryLaneWriter *self, gsize size)
{
  const guint8 *ahead = self->ring + ((self->tail + FERRY_PREFETCH_DISTANCE) & (self->capacity - 1));

  if (size > FERRY_PREFETCH_MAX)
    return;
  for (gsize offset = 0; offset < size; offset += 64)
    {
#ifdef __x86_64__
      /* Unless it may assume a processor of after 2014, the compiler's own prefetch asks for a shared line. On a
       * processor without this instruction, it does nothing. */
      __asm__ volatile("prefetchw %0" : : "m"(ahead[offset]));
#else
      __builtin_prefetch (ahead + offset, 1);
#endif
    }
}

/* Publishes size bytes at the tail. Returns whether the reader must be woken. */
static inline gboolean
ferry_lane_writer_publish (FerryLaneWriter *self, gsize size)
{
  ferry_lane_writer_prefetch (self, size);
  self->tail += size;
  ferry_wake_publish (&self->control->writer.tail, self->tail);
  return ferry_wake_due (&self->control->reader.reader_waiting, &self->rung);
}

/* Writes a record's header at place. */
static inline void
ferry_record_write_header (guint8 *place, guint32 length, guint16 kind, guint16 number, guint64 connection_id)
{
  FerryRecordHeader header = {length, kind, number, connection_id};

  memcpy (place, &header, sizeof header);
}

G_END_DECLS
