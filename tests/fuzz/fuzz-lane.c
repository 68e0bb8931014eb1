/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-lane.c
 *
 * A lane's reader with a writer that moves the tail as it likes, and a writer with a reader that so moves the head. An
 * order is nine bytes: the position of which end, whether from where it is or anywhere, and how much is then taken or
 * written; and by how much. */

#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "lane/ferry-lane-private.h"

static FerryLaneControl control;
static guint8 ring[FERRY_MIN_LANE_CAPACITY];

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FerryLaneReader reader;
  FerryLaneWriter writer;

  memset (&control, 0, sizeof control);
  ferry_lane_reader_init (&reader, &control, ring, sizeof ring);
  ferry_lane_writer_init (&writer, &control, ring, sizeof ring);
  for (gsize i = 0; i + 9 <= size; i += 9)
    {
      gsize share = (gsize) (data[i] >> 3) * FERRY_MIN_LANE_CAPACITY / 32;
      gboolean reads = (data[i] & 1) != 0;
      gboolean arms = (data[i] & 4) != 0;
      guint64 position;

      memcpy (&position, data + i + 1, sizeof position);
      position += (data[i] & 2) != 0 ? 0 : (reads ? reader.tail : writer.head);
      atomic_store (reads ? &control.writer.index : &control.reader.head, position);
      if (reads && !(arms ? ferry_lane_reader_arm (&reader) : ferry_lane_reader_look (&reader)))
        break;
      if (!reads && share >= sizeof (FerryRecordHeader) &&
          (arms ? ferry_lane_writer_arm : ferry_lane_writer_look) (&writer, share) && !writer.broken)
        {
          /* A length that says something else at times: the reader takes no word of a writer for true. */
          writer.word = position | 1;
          ferry_lane_writer_publish (&writer, share);
        }
      fuzz_n_accepted += reads;
      if (reads)
        ferry_lane_reader_release (&reader, MIN (share, ferry_lane_reader_get_available (&reader) & ~(gsize) 7));
      g_assert_true (writer.broken || writer.tail - writer.head <= sizeof ring);
      g_assert_cmpuint (ferry_lane_reader_get_available (&reader), <=, sizeof ring);
      g_assert_cmpuint ((reader.head | reader.tail | writer.head | writer.tail) & 7, ==, 0);
    }
  return 0;
}
