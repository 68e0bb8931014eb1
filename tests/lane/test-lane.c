/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-lane.c, lane/ferry-omission.c
 *
 * A lane's writer and its reader, one thread playing both. */

#include "config.h"

#include "ferry-test.h"
#include "lane-fixture.h"

#include <sys/stat.h>

#include "lane/ferry-wake-private.h"
#include "link/ferry-uplink-private.h"

static void
test_begins_empty (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();

  g_assert_true (ferry_lane_reader_look (&lane->reader));
  g_assert_cmpuint (ferry_lane_reader_get_available (&lane->reader), ==, 0);
}

static void
test_keeps_order (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();

  for (guint64 number = 0; number < 1000; number++)
    g_assert_true (test_lane_put (lane, number % 90, number));
  for (guint64 number = 0; number < 1000; number++)
    test_lane_take (lane, number);
  g_assert_cmpuint (ferry_lane_reader_get_available (&lane->reader), ==, 0);
}

static void
test_carries_every_size (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();

  for (gsize size = 0; size <= FERRY_MAX_RECORD_PAYLOAD; size += size < 5000 ? 1 : 61)
    {
      g_assert_true (test_lane_put (lane, size, size));
      test_lane_take (lane, size);
    }
  g_assert_true (test_lane_put (lane, FERRY_MAX_RECORD_PAYLOAD, 1));
  test_lane_take (lane, 1);
}

static void
test_records_are_aligned (void)
{
  for (gsize size = 0; size <= 64; size++)
    {
      g_assert_cmpuint (ferry_record_size (size) % 8, ==, 0);
      g_assert_cmpuint (ferry_record_size (size), >=, sizeof (FerryRecordHeader) + size);
      g_assert_cmpuint (ferry_record_size (size), <, sizeof (FerryRecordHeader) + size + 8);
    }
  g_assert_cmpuint (ferry_record_size (FERRY_MAX_RECORD_PAYLOAD), ==, FERRY_MAX_RECORD_SIZE);
}

static void
test_wraps_at_every_offset (void)
{
  const gsize size = 1000;
  g_autoptr (TestLane) lane = test_lane_new ();

  for (gsize before = 0; before <= ferry_record_size (size) + 8; before += 8)
    {
      test_lane_move_to (lane, TEST_CAPACITY - before);
      g_assert_true (test_lane_put (lane, size, before));
      g_assert_true (test_lane_put (lane, 8, before + 1));
      test_lane_take (lane, before);
      test_lane_take (lane, before + 1);
    }
}

static void
test_largest_record_wraps_at_every_offset (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();

  for (gsize before = 8; before < FERRY_MAX_RECORD_SIZE; before += 8 * 37)
    {
      test_lane_move_to (lane, TEST_CAPACITY - before);
      g_assert_true (test_lane_put (lane, FERRY_MAX_RECORD_PAYLOAD, before));
      test_lane_take (lane, before);
    }
}

static void
test_writing_over_the_end_appears_at_the_start (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  guint8 *ring = lane->segment.up_ring;

  memset (ring, 0, TEST_CAPACITY);
  memcpy (ring + TEST_CAPACITY - 4, "12345678", 8);
  /* The compiler takes the two halves for different memory. */
  atomic_thread_fence (memory_order_seq_cst);
  g_assert_cmpmem (ring, 4, "5678", 4);
  g_assert_cmpmem (ring + 2 * TEST_CAPACITY - 4, 4, "1234", 4);
}

static void
test_fills_up_to_the_word_at_the_tail (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  const guint n = TEST_CAPACITY / FERRY_MAX_RECORD_SIZE;

  test_lane_move_to (lane, 4096);
  for (guint i = 0; i < n; i++)
    g_assert_true (test_lane_put (lane, FERRY_MAX_RECORD_PAYLOAD - (i == 0 ? FERRY_LANE_END : 0), i));
  g_assert_false (ferry_lane_writer_has_room (&lane->writer, 8));
  g_assert_true (ferry_lane_reader_look_to_end (&lane->reader));
  g_assert_cmpuint (ferry_lane_reader_get_available (&lane->reader), ==, TEST_CAPACITY - FERRY_LANE_END);
  for (guint i = 0; i < n; i++)
    test_lane_take (lane, i);
}

static void
test_full_lane_refuses (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  guint64 n = 0;

  while (test_lane_put (lane, 100, n))
    n++;
  g_assert_cmpuint (n, ==, (TEST_CAPACITY - FERRY_LANE_END) / ferry_record_size (100));
  g_assert_false (test_lane_put (lane, 100, n));
  g_assert_false (lane->writer.broken);
  for (guint64 i = 0; i < n; i++)
    test_lane_take (lane, i);
}

static void
test_room_comes_back (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  guint64 n = 0;

  while (test_lane_put (lane, 1000, n))
    n++;
  test_lane_take (lane, 0);
  g_assert_true (test_lane_put (lane, 1000, n));
  g_assert_false (test_lane_put (lane, 1000, n + 1));
  for (guint64 i = 1; i <= n; i++)
    test_lane_take (lane, i);
}

/* ---- memory that is given back ---- */

/* The bytes of the lane's memory that the system has given it. */
static gsize
get_resident (TestLane *lane)
{
  struct stat file;

  g_assert_no_errno (fstat (lane->memory, &file));
  return (gsize) file.st_blocks * 512;
}

static guint
fill_lane (TestLane *lane, gsize size)
{
  guint n = 0;

  while (test_lane_put (lane, size, n))
    n++;
  return n;
}

static void
test_pages_of_an_empty_lane_are_given_back (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  guint n = fill_lane (lane, 1000);

  for (guint i = 0; i < n; i++)
    test_lane_take (lane, i);
  g_assert_cmpuint (get_resident (lane), >=, TEST_CAPACITY / 4096 * 4096);
  test_writer_tidy (&lane->writer);
  /* The control lines, and the page that the next record begins in. */
  g_assert_cmpuint (get_resident (lane), <=, 2 * 4096);
  g_assert_cmpuint (fill_lane (lane, 1000), ==, n);
  for (guint i = 0; i < n; i++)
    test_lane_take (lane, i);
}

static void
test_a_full_lane_gives_nothing_back (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  guint n = fill_lane (lane, 1000);
  gsize before = get_resident (lane);

  test_writer_tidy (&lane->writer);
  g_assert_cmpuint (get_resident (lane), ==, before);
  for (guint i = 0; i < n; i++)
    test_lane_take (lane, i);
}

/* From few records to a full lane, at each place where they begin in a page and in the ring. */
static void
test_records_that_are_not_taken_stay (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();

  for (gsize offset = 0; offset < TEST_CAPACITY; offset += 1016)
    {
      guint n;

      test_lane_move_to (lane, offset);
      for (n = 0; n < 1 + offset % 150; n++)
        if (!test_lane_put (lane, 900 + n, n))
          break;
      for (guint i = 0; i < n; i++)
        {
          test_writer_tidy (&lane->writer);
          test_lane_take (lane, i);
        }
    }
}

static void
test_a_broken_lane_gives_nothing_back (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  guint n = fill_lane (lane, 1000);
  gsize before = get_resident (lane);

  atomic_store (&lane->reader.control->reader.head, lane->writer.tail + 8);
  test_writer_tidy (&lane->writer);
  g_assert_cmpuint (get_resident (lane), ==, before);
  for (guint i = 0; i < n; i++)
    test_lane_take (lane, i);
}

static void
test_positions_go_on_beyond_32_bits (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  FerryLaneControl *control = ferry_segment_get_up (&lane->segment);
  const guint64 start = (1ull << 32) - TEST_CAPACITY / 2;

  lane->writer.tail = lane->writer.head = lane->reader.head = lane->reader.tail = start;
  atomic_store (&control->writer.index, start);
  atomic_store (&control->reader.head, start);
  for (guint64 number = 0; number < 1000; number++)
    {
      g_assert_true (test_lane_put (lane, 500, number));
      test_lane_take (lane, number);
    }
  g_assert_cmpuint (lane->reader.head, >, 1ull << 32);
}

/* What the reader makes of an index where an empty record is published, after it saw one of 1,000 bytes and took none
 * of it. */
static gboolean
reader_takes_index (guint64 index)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  FerryLaneControl *control = ferry_segment_get_up (&lane->segment);
  gboolean looked;

  test_lane_move_to (lane, 4096);
  g_assert_true (test_lane_put (lane, 1000, 0));
  g_assert_true (ferry_lane_reader_look (&lane->reader));
  g_assert_true (test_lane_put (lane, 0, 0));
  atomic_store (&control->writer.index, index);
  looked = ferry_lane_reader_look (&lane->reader);
  if (looked)
    return TRUE;
  g_assert_false (ferry_lane_reader_arm (&lane->reader));
  g_assert_cmpuint (ferry_lane_reader_get_available (&lane->reader), ==, ferry_record_size (1000));
  return FALSE;
}

static void
test_reader_takes_an_index_in_range (void)
{
  g_assert_true (reader_takes_index (4096 + ferry_record_size (1000) + 8));
  g_assert_true (reader_takes_index (4096 + TEST_CAPACITY - FERRY_LANE_END));
}

static void
test_reader_refuses_an_index_beyond_the_ring (void)
{
  g_assert_false (reader_takes_index (4096 + TEST_CAPACITY));
  g_assert_false (reader_takes_index (4096 + 2 * TEST_CAPACITY));
  g_assert_false (reader_takes_index (G_MAXINT64 & ~(guint64) 7));
}

/* It goes on by the records then. */
static void
test_reader_ignores_an_index_that_is_behind (void)
{
  g_assert_true (reader_takes_index (4096 + ferry_record_size (1000)));
  g_assert_true (reader_takes_index (4096 + ferry_record_size (1000) - 1));
  g_assert_true (reader_takes_index (4096));
  g_assert_true (reader_takes_index (0));
  g_assert_true (reader_takes_index (G_MAXUINT64 & ~(guint64) 7));
}

/* A ring without a cleared word has no end of records. */
static void
test_reader_refuses_an_index_that_is_far_behind (void)
{
  const guint64 tail = 4096 + ferry_record_size (1000);

  g_assert_true (reader_takes_index (tail - FERRY_MAX_INDEX_LAG));
  g_assert_false (reader_takes_index (tail - FERRY_MAX_INDEX_LAG - 8));
}

static void
test_reader_refuses_a_record_beyond_the_free_part (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  g_autofree char *fault = NULL;

  test_lane_move_to (lane, 4096);
  while (test_lane_put (lane, 990, 0))
    ;
  /* 32 bytes are free. */
  ferry_lane_writer_write_header (&lane->writer, 0, 990, FERRY_RECORD_BYTES, 0, 1);
  ferry_lane_writer_publish (&lane->writer, ferry_record_size (990));
  g_assert_false (ferry_lane_reader_look_to_end (&lane->reader));
  fault = ferry_lane_reader_describe_fault (&lane->reader, "up");
  g_assert_nonnull (strstr (fault, "it must wait for room first"));
}

static void
test_reader_refuses_an_index_that_is_not_aligned (void)
{
  for (guint64 more = 1; more < 8; more++)
    g_assert_false (reader_takes_index (4096 + ferry_record_size (1000) + more));
}

/* What the writer makes of a head, with records from 4096 to 4096 + 2 * 1016 in the lane. */
static gboolean
writer_breaks_at_head (guint64 head)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  FerryLaneControl *control = ferry_segment_get_up (&lane->segment);

  test_lane_move_to (lane, 4096);
  g_assert_true (test_lane_put (lane, 1000, 0));
  g_assert_true (test_lane_put (lane, 1000, 1));
  test_lane_take (lane, 0);
  ferry_lane_writer_look (&lane->writer, 0);
  g_assert_false (lane->writer.broken);
  atomic_store (&control->reader.head, head);
  ferry_lane_writer_look (&lane->writer, 8);
  return lane->writer.broken;
}

static void
test_writer_takes_a_head_in_range (void)
{
  g_assert_false (writer_breaks_at_head (4096 + 1016));
  g_assert_false (writer_breaks_at_head (4096 + 1016 + 8));
  g_assert_false (writer_breaks_at_head (4096 + 2 * 1016));
}

static void
test_writer_refuses_a_head_beyond_its_tail (void)
{
  g_assert_true (writer_breaks_at_head (4096 + 2 * 1016 + 8));
  g_assert_true (writer_breaks_at_head (G_MAXUINT64 & ~(guint64) 7));
}

static void
test_writer_refuses_a_head_that_runs_backwards (void)
{
  g_assert_true (writer_breaks_at_head (4096 + 1016 - 8));
  g_assert_true (writer_breaks_at_head (0));
}

static void
test_writer_refuses_a_head_that_is_not_aligned (void)
{
  for (guint64 more = 1; more < 8; more++)
    g_assert_true (writer_breaks_at_head (4096 + 1016 + more));
}

static void
test_broken_head_gives_no_room (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  FerryLaneControl *control = ferry_segment_get_up (&lane->segment);
  guint64 n = 0;

  while (test_lane_put (lane, 1000, n))
    n++;
  atomic_store (&control->reader.head, lane->writer.tail + 8);
  g_assert_false (ferry_lane_writer_arm (&lane->writer, 8));
  g_assert_true (lane->writer.broken);
  g_assert_false (ferry_lane_writer_has_room (&lane->writer, 1016));
}

static void
take_all (TestLane *lane)
{
  g_assert_true (ferry_lane_reader_look (&lane->reader));
  ferry_lane_reader_consume (&lane->reader, ferry_lane_reader_get_available (&lane->reader));
}

static gboolean
publish_empty (TestLane *lane)
{
  ferry_lane_writer_write_header (&lane->writer, 0, 0, FERRY_RECORD_BYTES, 0, TEST_CONNECTION_ID);
  return ferry_lane_writer_publish (&lane->writer, sizeof (FerryRecordHeader));
}

static void
test_reader_is_rung_once_a_sleep (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();

  for (guint i = 0; i < 3; i++)
    {
      ferry_lane_reader_arm (&lane->reader);
      g_assert_true (publish_empty (lane));
      g_assert_false (publish_empty (lane));
      g_assert_false (publish_empty (lane));
      take_all (lane);
    }
}

/* The reader goes on, and does not sleep. */
static void
test_reader_that_finds_a_record_is_not_rung (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();

  g_assert_false (publish_empty (lane));
  ferry_lane_reader_arm (&lane->reader);
  g_assert_cmpuint (ferry_lane_reader_get_available (&lane->reader), ==, sizeof (FerryRecordHeader));
  g_assert_false (publish_empty (lane));
  take_all (lane);
  ferry_lane_reader_arm (&lane->reader);
  g_assert_true (publish_empty (lane));
}

static guint32
get_omits_barriers (TestLane *lane)
{
  return atomic_load (&lane->writer.control->writer.omits_barriers);
}

static void
publish (TestLane *lane, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_assert_false (publish_empty (lane));
      g_assert_true (ferry_lane_reader_look (&lane->reader));
      ferry_lane_reader_consume (&lane->reader, sizeof (FerryRecordHeader));
      g_assert_true (ferry_lane_writer_look (&lane->writer, 8));
    }
}

static void
test_a_busy_writer_omits_barriers_until_it_rings (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();

  if (!ferry_barrier_is_available ())
    {
      g_test_skip ("the kernel has no barriers for other processes");
      return;
    }
  atomic_store (&lane->reader.control->wake.issues_barriers, 1);
  ferry_omission_allow (&lane->writer.omission, lane->writer.control);
  for (guint i = 0; i < 3; i++)
    {
      publish (lane, FERRY_OMIT_BARRIERS_FROM - 1);
      g_assert_cmpuint (get_omits_barriers (lane), ==, 0);
      publish (lane, 1);
      g_assert_cmpuint (get_omits_barriers (lane), ==, 1);
      publish (lane, 2 * FERRY_OMIT_BARRIERS_FROM);
      g_assert_true (ferry_lane_reader_arm (&lane->reader));
      g_assert_true (lane->reader.is_armed);
      g_assert_true (publish_empty (lane));
      g_assert_cmpuint (get_omits_barriers (lane), ==, 0);
      g_assert_true (ferry_lane_reader_look (&lane->reader));
      g_assert_cmpuint (ferry_lane_reader_get_available (&lane->reader), ==, sizeof (FerryRecordHeader));
      ferry_lane_reader_consume (&lane->reader, sizeof (FerryRecordHeader));
    }
}

static void
test_a_reader_without_barriers_has_the_writer_issue_them (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();

  ferry_omission_allow (&lane->writer.omission, lane->writer.control);
  publish (lane, 3 * FERRY_OMIT_BARRIERS_FROM);
  g_assert_cmpuint (get_omits_barriers (lane), ==, 0);
}

static void
test_a_reader_whose_barrier_fails_must_not_sleep (void)
{
  g_autoptr (TestLane) lane = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }
  ferry_test_refuse_barriers ();
  lane = test_lane_new ();
  g_assert_false (ferry_barrier_is_available ());
  g_assert_true (ferry_lane_reader_arm (&lane->reader));
  g_assert_true (lane->reader.is_armed);
  atomic_store (&lane->reader.control->wake.issues_barriers, 1);
  ferry_omission_allow (&lane->writer.omission, lane->writer.control);
  g_assert_false (lane->writer.omission.is_allowed);
  ferry_omission_begin (&lane->writer.omission, lane->writer.control);
  g_assert_true (ferry_lane_reader_arm (&lane->reader));
  g_assert_false (lane->reader.is_armed);
  /* The writer finds the lane armed, and issues barriers again. */
  g_assert_true (publish_empty (lane));
  g_assert_true (ferry_lane_reader_arm (&lane->reader));
  g_assert_true (lane->reader.is_armed);
}

static void
test_arming_sees_what_was_published_before (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();

  g_assert_true (test_lane_put (lane, 10, 0));
  g_assert_true (ferry_lane_reader_arm (&lane->reader));
  g_assert_cmpuint (ferry_lane_reader_get_available (&lane->reader), ==, ferry_record_size (10));
}

static void
test_writer_is_rung_when_half_is_free (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  _Atomic guint32 *rings = &ferry_segment_get_up (&lane->segment)->writer_bell.rings;
  const gsize quarter = TEST_CAPACITY / 4;

  for (guint i = 0; i < 4; i++)
    g_assert_true (test_lane_put (lane, quarter - sizeof (FerryRecordHeader) - (i == 0 ? FERRY_LANE_END : 0), i));
  g_assert_false (ferry_lane_writer_arm (&lane->writer, 8));
  g_assert_true (ferry_lane_reader_look (&lane->reader));
  ferry_lane_reader_consume (&lane->reader, quarter);
  ferry_lane_reader_consume (&lane->reader, quarter - 8);
  g_assert_cmpuint (atomic_load (rings), ==, 0);
  ferry_lane_reader_consume (&lane->reader, 8);
  g_assert_cmpuint (atomic_load (rings), ==, 1);
  ferry_lane_reader_consume (&lane->reader, quarter);
  g_assert_cmpuint (atomic_load (rings), ==, 1);
}

static FerryUplink *
make_uplink (TestLane *lane, guint n_pipes)
{
  g_autoptr (GError) error = NULL;
  FerrySegment segment;
  int doorbell = ferry_doorbell_new (&error);

  g_assert_no_error (error);
  ferry_segment_map (&segment, lane->memory, TEST_CAPACITY, 0, &error);
  g_assert_no_error (error);
  return ferry_uplink_new (&segment, doorbell, 0, n_pipes);
}

/* Fills the lane with small records, as far as messages may. */
static void
fill_uplink (FerryUplink *uplink)
{
  for (;;)
    {
      gboolean locked = ferry_uplink_lock (uplink);
      guint8 *place = ferry_uplink_get_place_locked (uplink, 16);

      if (place == NULL)
        {
          ferry_uplink_unlock (uplink, locked);
          return;
        }
      ferry_lane_writer_write_header (&uplink->writer, 0, 0, FERRY_RECORD_BYTES, 0, 1);
      ferry_uplink_publish_and_unlock (uplink, 16, locked);
    }
}

static gboolean
write_control (FerryUplink *uplink, FerryRecordKind kind)
{
  return ferry_uplink_write_control_and_unlock (uplink, kind, 1, ferry_uplink_lock (uplink));
}

static void
test_reserve_is_kept_from_messages (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  g_autoptr (FerryUplink) uplink = make_uplink (lane, 3);

  fill_uplink (uplink);
  g_assert_true (ferry_lane_reader_look_to_end (&lane->reader));
  g_assert_cmpuint (ferry_lane_reader_get_available (&lane->reader), ==, TEST_CAPACITY - 5 * 16);
}

static void
test_reserve_takes_a_stop_of_each_pipe_and_an_abandon (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  g_autoptr (FerryUplink) uplink = make_uplink (lane, FERRY_MAX_PIPES_PER_LINK);

  fill_uplink (uplink);
  g_assert_true (write_control (uplink, FERRY_RECORD_ABANDON));
  for (guint i = 0; i < FERRY_MAX_PIPES_PER_LINK; i++)
    g_assert_true (write_control (uplink, FERRY_RECORD_STOP));
  g_assert_false (write_control (uplink, FERRY_RECORD_STOP));
  g_assert_true (ferry_lane_reader_look_to_end (&lane->reader));
  g_assert_cmpuint (ferry_lane_reader_get_available (&lane->reader), ==, TEST_CAPACITY - 16);
}

/* What a sender may wait for at most is free when it is woken at half. */
static void
test_half_a_lane_takes_whatever_is_waited_for (void)
{
  gsize reserve = (FERRY_MAX_PIPES_PER_LINK + 1) * sizeof (FerryRecordHeader);
  gsize announced = ferry_record_size (FERRY_MAX_TYPE_STRING) + FERRY_MAX_RECORD_SIZE;

  g_assert_cmpuint (announced + reserve + FERRY_LANE_END, <=, FERRY_MIN_LANE_CAPACITY / 2);
}

static void
add_position_tests (void)
{
  g_test_add_func ("/lane/positions-go-on-beyond-32-bits", test_positions_go_on_beyond_32_bits);
  g_test_add_func ("/lane/reader-takes-an-index-in-range", test_reader_takes_an_index_in_range);
  g_test_add_func ("/lane/reader-refuses-an-index-beyond-the-ring", test_reader_refuses_an_index_beyond_the_ring);
  g_test_add_func ("/lane/reader-ignores-an-index-that-is-behind", test_reader_ignores_an_index_that_is_behind);
  g_test_add_func ("/lane/reader-refuses-an-index-that-is-far-behind", test_reader_refuses_an_index_that_is_far_behind);
  g_test_add_func ("/lane/reader-refuses-a-record-beyond-the-free-part",
                   test_reader_refuses_a_record_beyond_the_free_part);
  g_test_add_func ("/lane/reader-refuses-an-index-that-is-not-aligned",
                   test_reader_refuses_an_index_that_is_not_aligned);
  g_test_add_func ("/lane/writer-takes-a-head-in-range", test_writer_takes_a_head_in_range);
  g_test_add_func ("/lane/writer-refuses-a-head-beyond-its-tail", test_writer_refuses_a_head_beyond_its_tail);
  g_test_add_func ("/lane/writer-refuses-a-head-that-runs-backwards", test_writer_refuses_a_head_that_runs_backwards);
  g_test_add_func ("/lane/writer-refuses-a-head-that-is-not-aligned", test_writer_refuses_a_head_that_is_not_aligned);
  g_test_add_func ("/lane/broken-head-gives-no-room", test_broken_head_gives_no_room);
  g_test_add_func ("/lane/pages-of-an-empty-lane-are-given-back", test_pages_of_an_empty_lane_are_given_back);
  g_test_add_func ("/lane/a-full-lane-gives-nothing-back", test_a_full_lane_gives_nothing_back);
  g_test_add_func ("/lane/records-that-are-not-taken-stay", test_records_that_are_not_taken_stay);
  g_test_add_func ("/lane/a-broken-lane-gives-nothing-back", test_a_broken_lane_gives_nothing_back);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/lane/begins-empty", test_begins_empty);
  g_test_add_func ("/lane/keeps-order", test_keeps_order);
  g_test_add_func ("/lane/carries-every-size", test_carries_every_size);
  g_test_add_func ("/lane/records-are-aligned", test_records_are_aligned);
  g_test_add_func ("/lane/wraps-at-every-offset", test_wraps_at_every_offset);
  g_test_add_func ("/lane/largest-record-wraps", test_largest_record_wraps_at_every_offset);
  g_test_add_func ("/lane/writing-over-the-end-appears-at-the-start", test_writing_over_the_end_appears_at_the_start);
  g_test_add_func ("/lane/fills-up-to-the-word-at-the-tail", test_fills_up_to_the_word_at_the_tail);
  g_test_add_func ("/lane/full-lane-refuses", test_full_lane_refuses);
  g_test_add_func ("/lane/room-comes-back", test_room_comes_back);
  add_position_tests ();
  g_test_add_func ("/lane/reader-is-rung-once-a-sleep", test_reader_is_rung_once_a_sleep);
  g_test_add_func ("/lane/reader-that-finds-a-record-is-not-rung", test_reader_that_finds_a_record_is_not_rung);
  g_test_add_func ("/lane/a-busy-writer-omits-barriers-until-it-rings",
                   test_a_busy_writer_omits_barriers_until_it_rings);
  g_test_add_func ("/lane/a-reader-without-barriers-has-the-writer-issue-them",
                   test_a_reader_without_barriers_has_the_writer_issue_them);
  g_test_add_func ("/lane/a-reader-whose-barrier-fails-must-not-sleep",
                   test_a_reader_whose_barrier_fails_must_not_sleep);
  g_test_add_func ("/lane/arming-sees-what-was-published-before", test_arming_sees_what_was_published_before);
  g_test_add_func ("/lane/writer-is-rung-when-half-is-free", test_writer_is_rung_when_half_is_free);
  g_test_add_func ("/lane/reserve-is-kept-from-messages", test_reserve_is_kept_from_messages);
  g_test_add_func ("/lane/reserve-takes-a-stop-of-each-pipe-and-an-abandon",
                   test_reserve_takes_a_stop_of_each_pipe_and_an_abandon);
  g_test_add_func ("/lane/half-a-lane-takes-whatever-is-waited-for", test_half_a_lane_takes_whatever_is_waited_for);
  return g_test_run ();
}
