/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A lane with both of its ends in this process, and records that tell what must be in them: their bytes follow from
 * their number. */

#pragma once

#include <string.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-lane-private.h"
#include "lane/ferry-segment-private.h"

G_BEGIN_DECLS

#define TEST_CAPACITY FERRY_MIN_LANE_CAPACITY
#define TEST_CONNECTION_ID 77

typedef struct
{
  FerrySegment segment;
  int memory;
  FerryLaneWriter writer;
  FerryLaneReader reader;
} TestLane;

static inline TestLane *
test_lane_new (void)
{
  g_autoptr (GError) error = NULL;
  TestLane *self = g_new0 (TestLane, 1);
  FerryLaneControl *control;

  ferry_segment_create (&self->segment, TEST_CAPACITY, 0, &self->memory, &error);
  g_assert_no_error (error);
  control = ferry_segment_get_up (&self->segment);
  ferry_lane_writer_init (&self->writer, control, self->segment.up_ring, TEST_CAPACITY);
  ferry_lane_reader_init (&self->reader, control, self->segment.up_ring, TEST_CAPACITY);
  return self;
}

static inline void
test_lane_free (TestLane *self)
{
  ferry_segment_clear (&self->segment);
  ferry_clear_fd (&self->memory);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestLane, test_lane_free)

/* Byte i of the record of that number. */
static inline guint8
test_byte (guint64 number, gsize i)
{
  return (guint8) (number * 31 + i * 7 + (i >> 8));
}

/* Writes the record of that number at the writer's tail. */
static inline void
test_fill_record (FerryLaneWriter *writer, gsize size, guint64 number)
{
  guint8 *place = ferry_lane_writer_get_place (writer);

  ferry_lane_writer_write_header (writer, 0, (guint32) size, FERRY_RECORD_BYTES, 0, TEST_CONNECTION_ID);
  for (gsize i = 0; i < size; i++)
    place[sizeof (FerryRecordHeader) + i] = test_byte (number, i);
}

/* Asserts that the record is the one of that number. Returns what it takes in the lane. */
static inline gsize
test_check_record (const guint8 *place, gsize available, guint64 number)
{
  FerryRecordHeader header;

  g_assert_cmpuint (available, >=, sizeof header);
  memcpy (&header, place, sizeof header);
  g_assert_cmpuint (header.kind, ==, FERRY_RECORD_BYTES);
  g_assert_cmpuint (header.number, ==, 0);
  g_assert_cmpuint (header.connection_id, ==, TEST_CONNECTION_ID);
  g_assert_cmpuint (ferry_record_size (header.length), <=, available);
  for (gsize i = 0; i < header.length; i++)
    if (place[sizeof header + i] != test_byte (number, i))
      g_error ("Byte %" G_GSIZE_FORMAT " of record %" G_GUINT64_FORMAT " is wrong", i, number);
  return ferry_record_size (header.length);
}

/* Writes a record where there is room for it. Returns whether there was. */
static inline gboolean
test_lane_put (TestLane *self, gsize size, guint64 number)
{
  if (!ferry_lane_writer_has_room (&self->writer, ferry_record_size (size)))
    return FALSE;
  test_fill_record (&self->writer, size, number);
  ferry_lane_writer_publish (&self->writer, ferry_record_size (size));
  return TRUE;
}

/* Takes the record of that number, which must be there. */
static inline void
test_lane_take (TestLane *self, guint64 number)
{
  gsize size;

  g_assert_true (ferry_lane_reader_look (&self->reader));
  size = test_check_record (ferry_lane_reader_get_place (&self->reader),
                            ferry_lane_reader_get_available (&self->reader), number);
  ferry_lane_reader_consume (&self->reader, size);
}

static inline void
test_writer_tidy (FerryLaneWriter *writer)
{
  guint64 position = 0;

  while (ferry_lane_writer_tidy (writer, &position))
    ;
}

/* Has the next record begin at offset of the ring, of an empty lane. */
static inline void
test_lane_move_to (TestLane *self, gsize offset)
{
  gsize distance = (offset - self->writer.tail) & (TEST_CAPACITY - 1);

  /* No record has 8 bytes. */
  if (distance == 8)
    distance += TEST_CAPACITY;
  while (distance > 0)
    {
      gsize size = MIN (distance, FERRY_MAX_RECORD_SIZE);

      size -= distance - size == 8 ? 8 : 0;
      g_assert_true (test_lane_put (self, size - sizeof (FerryRecordHeader), 0));
      test_lane_take (self, 0);
      distance -= size;
    }
}

G_END_DECLS
