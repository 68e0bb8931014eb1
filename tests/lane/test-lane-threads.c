/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-lane.c, lane/ferry-doorbell.c
 *
 * Lanes between threads that sleep for real. A wake-up that is lost shows as a sleep that outlasts the watchdog's time;
 * in between no sleep lasts longer than the other side takes. */

#include "config.h"

#include "ferry-test.h"
#include "lane-fixture.h"

#include <sys/epoll.h>

#include "lane/ferry-wake-private.h"
#include "link/ferry-uplink-private.h"

#ifdef FERRY_THREAD_SANITIZER
#define FEWER 20
#else
#define FEWER 1
#endif

#define WATCHDOG_SECONDS FERRY_TEST_TIMEOUT_SECONDS

typedef struct
{
  FerryLaneReader *reader;
  int doorbell; /* (unowned) */
  int epoll;
  guint sleeps;
} Ear;

static void
ear_init (Ear *self, FerryLaneReader *reader, int doorbell)
{
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};

  *self = (Ear){.reader = reader, .doorbell = doorbell, .epoll = epoll_create1 (EPOLL_CLOEXEC)};
  g_assert_cmpint (epoll_ctl (self->epoll, EPOLL_CTL_ADD, doorbell, &event), ==, 0);
}

/* Returns when something is in the lane, as the monitor does: it arms, looks, sleeps on an edge and looks again. */
static void
ear_wait (Ear *self)
{
  struct epoll_event event;

  for (;;)
    {
      g_assert_true (ferry_lane_reader_look (self->reader));
      if (ferry_lane_reader_get_available (self->reader) > 0)
        return;
      g_assert_true (ferry_lane_reader_arm (self->reader));
      if (ferry_lane_reader_get_available (self->reader) > 0)
        return;
      self->sleeps++;
      if (TEMP_FAILURE_RETRY (epoll_wait (self->epoll, &event, 1, WATCHDOG_SECONDS * 1000)) != 1)
        g_error ("The reader was not woken: a wake-up is lost");
    }
}

static gint64
watchdog_time (void)
{
  return g_get_monotonic_time () + WATCHDOG_SECONDS * G_USEC_PER_SEC;
}

/* Waits for room as a writer without an uplink does. Returns how often it slept. */
static guint
wait_for_room (FerryLaneWriter *writer, gsize size)
{
  _Atomic guint32 *rings = &writer->control->writer_bell.rings;
  guint sleeps = 0;

  while (!ferry_lane_writer_has_room (writer, size))
    {
      guint32 seen = atomic_load (rings);

      if (ferry_lane_writer_arm (writer, size))
        break;
      sleeps++;
      if (!ferry_futex_doorbell_wait (rings, seen, watchdog_time ()))
        g_error ("The writer was not woken: a wake-up is lost");
    }
  g_assert_false (writer->broken);
  return sleeps;
}

/* One writer, one reader. */

typedef struct
{
  TestLane *lane;
  int doorbell;
  guint64 n_records;
  gsize max_size;
  guint sleeps;
  guint tidy_every; /* records after which the writer gives pages back; 0: never */
} Flow;

static gpointer
write_flow (gpointer data)
{
  Flow *flow = data;
  FerryLaneWriter *writer = &flow->lane->writer;
  g_autoptr (GRand) rand = g_rand_new_with_seed (4);

  for (guint64 number = 0; number < flow->n_records; number++)
    {
      gsize size = flow->max_size == 0 ? 0 : (gsize) g_rand_int_range (rand, 0, (gint32) flow->max_size + 1);

      flow->sleeps += wait_for_room (writer, ferry_record_size (size));
      if (flow->tidy_every > 0 && number % flow->tidy_every == 0)
        test_writer_tidy (writer);
      test_fill_record (writer, size, number);
      if (ferry_lane_writer_publish (writer, ferry_record_size (size)))
        ferry_doorbell_ring (flow->doorbell);
    }
  return NULL;
}

/* Takes all records of the flow, several between two consumptions, as a draining monitor does. */
static void
read_flow (Flow *flow, Ear *ear, guint most_at_once)
{
  FerryLaneReader *reader = &flow->lane->reader;
  guint64 number = 0;

  while (number < flow->n_records)
    {
      gsize taken = 0;

      ear_wait (ear);
      for (guint n = 0; n < most_at_once && taken < ferry_lane_reader_get_available (reader); n++)
        taken += test_check_record (ferry_lane_reader_get_place (reader) + taken,
                                    ferry_lane_reader_get_available (reader) - taken, number++);
      ferry_lane_reader_consume (reader, taken);
    }
}

static void
run_flow (guint64 n_records, gsize max_size, guint most_at_once, guint tidy_every)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  ferry_autofd doorbell = ferry_doorbell_new (NULL);
  Flow flow = {lane, doorbell, n_records / FEWER, max_size, 0, tidy_every};
  GThread *thread;
  Ear ear;

  ear_init (&ear, &lane->reader, doorbell);
  atomic_store (&lane->reader.control->wake.issues_barriers, ferry_barrier_is_available () ? 1 : 0);
  ferry_omission_allow (&lane->writer.omission, lane->writer.control);
  thread = g_thread_new ("test-writer", write_flow, &flow);
  read_flow (&flow, &ear, most_at_once);
  g_thread_join (thread);
  g_test_message ("the reader slept %u times, the writer %u times", ear.sleeps, flow.sleeps);
  g_assert_true (ferry_lane_reader_look (&lane->reader));
  g_assert_cmpuint (ferry_lane_reader_get_available (&lane->reader), ==, 0);
  ferry_clear_fd (&ear.epoll);
}

static void
test_empty_records_arrive (void)
{
  run_flow (3000000, 0, 64, 0);
}

static void
test_small_records_arrive (void)
{
  run_flow (1000000, 100, 16, 0);
}

static void
test_small_records_arrive_one_by_one (void)
{
  run_flow (500000, 64, 1, 0);
}

static void
test_records_of_random_sizes_arrive (void)
{
  run_flow (100000, 4096, 4, 0);
}

static void
test_large_records_arrive (void)
{
  run_flow (15000, FERRY_MAX_RECORD_PAYLOAD, 1, 0);
}

/* The reader takes records while pages are given back. */
static void
test_records_arrive_while_memory_is_given_back (void)
{
  run_flow (100000, 2048, 4, 7);
  run_flow (20000, FERRY_MAX_RECORD_PAYLOAD, 1, 1);
}

/* Two lanes, one message at a time: every message is a sleep on both sides. */

typedef struct
{
  TestLane *in;
  TestLane *out;
  int in_doorbell;
  int out_doorbell;
  guint n;
} Player;

static void
send_number (TestLane *lane, int doorbell, guint64 number)
{
  g_assert_true (ferry_lane_writer_has_room (&lane->writer, 24));
  test_fill_record (&lane->writer, 8, number);
  if (ferry_lane_writer_publish (&lane->writer, 24))
    ferry_doorbell_ring (doorbell);
}

static void
receive_number (TestLane *lane, Ear *ear, guint64 number)
{
  ear_wait (ear);
  g_assert_cmpuint (test_check_record (ferry_lane_reader_get_place (&lane->reader),
                                       ferry_lane_reader_get_available (&lane->reader), number),
                    ==, 24);
  ferry_lane_reader_consume (&lane->reader, 24);
}

static gpointer
answer (gpointer data)
{
  Player *player = data;
  Ear ear;

  ear_init (&ear, &player->in->reader, player->in_doorbell);
  for (guint64 i = 0; i < player->n; i++)
    {
      receive_number (player->in, &ear, i);
      send_number (player->out, player->out_doorbell, i);
    }
  ferry_clear_fd (&ear.epoll);
  return NULL;
}

static void
test_every_message_wakes (void)
{
  g_autoptr (TestLane) there = test_lane_new ();
  g_autoptr (TestLane) back = test_lane_new ();
  ferry_autofd there_doorbell = ferry_doorbell_new (NULL);
  ferry_autofd back_doorbell = ferry_doorbell_new (NULL);
  Player player = {there, back, there_doorbell, back_doorbell, 200000 / FEWER};
  GThread *thread = g_thread_new ("test-answer", answer, &player);
  Ear ear;

  ear_init (&ear, &back->reader, back_doorbell);
  for (guint64 i = 0; i < player.n; i++)
    {
      send_number (there, there_doorbell, i);
      receive_number (back, &ear, i);
    }
  g_thread_join (thread);
  g_assert_cmpuint (ear.sleeps, >, 0);
  ferry_clear_fd (&ear.epoll);
}

/* Futexes alone: the lane is kept full, and each record that is taken may wake the writer. */

static gpointer
write_largest (gpointer data)
{
  Flow *flow = data;

  for (guint64 number = 0; number < flow->n_records; number++)
    {
      FerryLaneWriter *writer = &flow->lane->writer;

      flow->sleeps += wait_for_room (writer, FERRY_MAX_RECORD_SIZE);
      ferry_lane_writer_write_header (writer, 0, FERRY_MAX_RECORD_PAYLOAD, FERRY_RECORD_BYTES, 0, TEST_CONNECTION_ID);
      memcpy (ferry_lane_writer_get_place (writer) + sizeof (FerryRecordHeader), &number, sizeof number);
      if (ferry_lane_writer_publish (writer, FERRY_MAX_RECORD_SIZE))
        ferry_doorbell_ring (flow->doorbell);
    }
  return NULL;
}

static void
test_full_lane_wakes_its_writer (void)
{
  g_autoptr (TestLane) lane = test_lane_new ();
  ferry_autofd doorbell = ferry_doorbell_new (NULL);
  Flow flow = {lane, doorbell, 200000 / FEWER, 0, 0, 0};
  GThread *thread;
  Ear ear;

  ear_init (&ear, &lane->reader, doorbell);
  thread = g_thread_new ("test-writer", write_largest, &flow);
  for (guint64 number = 0; number < flow.n_records; number++)
    {
      guint64 came;

      ear_wait (&ear);
      g_assert_cmpuint (ferry_lane_reader_get_available (&lane->reader), >=, FERRY_MAX_RECORD_SIZE);
      memcpy (&came, ferry_lane_reader_get_place (&lane->reader) + sizeof (FerryRecordHeader), sizeof came);
      g_assert_cmpuint (came, ==, number);
      ferry_lane_reader_consume (&lane->reader, FERRY_MAX_RECORD_SIZE);
    }
  g_thread_join (thread);
  g_assert_cmpuint (flow.sleeps + ear.sleeps, >, 0);
  ferry_clear_fd (&ear.epoll);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/lane-threads/empty-records-arrive", test_empty_records_arrive);
  g_test_add_func ("/lane-threads/small-records-arrive", test_small_records_arrive);
  g_test_add_func ("/lane-threads/small-records-arrive-one-by-one", test_small_records_arrive_one_by_one);
  g_test_add_func ("/lane-threads/records-of-random-sizes-arrive", test_records_of_random_sizes_arrive);
  g_test_add_func ("/lane-threads/large-records-arrive", test_large_records_arrive);
  g_test_add_func ("/lane-threads/records-arrive-while-memory-is-given-back",
                   test_records_arrive_while_memory_is_given_back);
  g_test_add_func ("/lane-threads/every-message-wakes", test_every_message_wakes);
  g_test_add_func ("/lane-threads/full-lane-wakes-its-writer", test_full_lane_wakes_its_writer);
  return g_test_run ();
}
