/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reading end of a lane.
 *
 * Threads:   one: the monitor for the up lane, the worker's reading thread for the lanes down.
 * Trust:     none. Each number is copied out of shared memory once, then checked. Each record is copied as well, and
 *            only the copy is checked and used. */

#pragma once

#include "lane/ferry-lane-layout.h"
#include "lane/ferry-wake-private.h"

G_BEGIN_DECLS

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

G_END_DECLS
