/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-uplink.c
 *
 * Several threads that share the writing end of one lane, and what ends their waits. */

#include "config.h"

#include "ferry-test.h"
#include "lane/lane-fixture.h"

#include <poll.h>
#include <sys/stat.h>

#include "lane/ferry-wake-private.h"
#include "link/ferry-uplink-private.h"

#ifdef FERRY_THREAD_SANITIZER
#define FEWER 20
#else
#define FEWER 1
#endif

#define WATCHDOG_SECONDS FERRY_TEST_TIMEOUT_SECONDS
#define N_WRITERS 4

typedef struct
{
  FerryLink *link;
  FerryUplink *uplink;
} Ends;

static void
ends_init (Ends *self, guint n_pipes, GThread *never_waits)
{
  guint64 connection_ids[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  guint32 cells[8] = {FERRY_NO_CELL, FERRY_NO_CELL, FERRY_NO_CELL, FERRY_NO_CELL,
                      FERRY_NO_CELL, FERRY_NO_CELL, FERRY_NO_CELL, FERRY_NO_CELL};
  g_autoptr (GError) error = NULL;

  self->link = ferry_link_new ("test", connection_ids, cells, n_pipes, TEST_CAPACITY, 0, 1000000, &error);
  g_assert_no_error (error);
  self->link->local = TRUE;
  self->uplink = ferry_uplink_new_local (self->link, never_waits, &error);
  g_assert_no_error (error);
}

static void
ends_clear (Ends *self)
{
  ferry_uplink_unref (self->uplink);
  g_assert_cmpint (atomic_load (&self->link->references), ==, 1);
  ferry_link_unref (self->link);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Ends, ends_clear)

static FerryWait
begin_wait (guint index, gint64 timeout)
{
  FerryWait wait = {.index = index};

  wait.deadline = ferry_limit_clock_begin (&wait.clock, timeout);
  return wait;
}

static FerryWait
begin_watched_wait (guint index)
{
  return begin_wait (index, WATCHDOG_SECONDS * G_USEC_PER_SEC);
}

/* Writes a record of a writer's, as a sender does. Returns READY, or why it could not be written. */
static FerryWaitResult
write_record (FerryUplink *uplink, FerryWait *wait, guint64 connection_id, guint64 number, gsize size)
{
  for (;;)
    {
      gboolean locked = ferry_uplink_lock (uplink);
      guint8 *place = ferry_uplink_get_place_locked (uplink, ferry_record_size (size));
      FerryWaitResult result;

      if (place != NULL)
        {
          test_fill_record (&uplink->writer, size, number);
          ferry_lane_writer_write_header (&uplink->writer, 0, (guint32) size, FERRY_RECORD_BYTES, 0, connection_id);
          ferry_uplink_publish_and_unlock (uplink, ferry_record_size (size), locked);
          return FERRY_WAIT_READY;
        }
      ferry_uplink_unlock (uplink, locked);
      result = ferry_uplink_wait (uplink, wait, ferry_record_size (size));
      if (result != FERRY_WAIT_READY)
        return result;
    }
}

static void
fill (FerryUplink *uplink)
{
  FerryWait wait = {.index = 0, .deadline = 0};

  while (write_record (uplink, &wait, 0, 0, 0) == FERRY_WAIT_READY)
    ;
}

typedef struct
{
  FerryUplink *uplink;
  guint64 connection_id;
  guint64 n;
} Writer;

static gpointer
write_many (gpointer data)
{
  Writer *writer = data;
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) writer->connection_id);

  for (guint64 number = 0; number < writer->n; number++)
    {
      FerryWait wait = begin_watched_wait ((guint) writer->connection_id);
      gsize size = (gsize) g_rand_int_range (rand, 0, 600);

      if (write_record (writer->uplink, &wait, writer->connection_id, number, size) != FERRY_WAIT_READY)
        g_error ("A writer was not woken: a wake-up is lost");
    }
  return NULL;
}

/* Waits with poll and not with epoll: the count stays, so the bell is emptied before each look. */
static void
wait_for_records (FerryLaneReader *lane, int doorbell)
{
  struct pollfd poll_fd = {.fd = doorbell, .events = POLLIN};
  guint64 count;

  while (ferry_lane_reader_look (lane) && ferry_lane_reader_get_available (lane) == 0)
    {
      g_assert_true (ferry_lane_reader_arm (lane));
      if (ferry_lane_reader_get_available (lane) > 0)
        return;
      if (TEMP_FAILURE_RETRY (poll (&poll_fd, 1, WATCHDOG_SECONDS * 1000)) != 1)
        g_error ("The reader was not woken: a wake-up is lost");
      g_assert_cmpint (read (doorbell, &count, sizeof count), ==, sizeof count);
    }
}

static void
read_from_all (FerryLaneReader *lane, int doorbell, guint64 n_each)
{
  guint64 next[N_WRITERS] = {0};

  for (guint64 n = 0; n < N_WRITERS * n_each; n++)
    {
      FerryRecordHeader header;
      guint64 writer;
      guint8 *place;

      wait_for_records (lane, doorbell);
      place = (guint8 *) ferry_lane_reader_get_place (lane);
      memcpy (&header, place, sizeof header);
      writer = header.connection_id;
      g_assert_cmpuint (writer, <, N_WRITERS);
      header.connection_id = TEST_CONNECTION_ID;
      memcpy (place, &header, sizeof header);
      ferry_lane_reader_consume (lane,
                                 test_check_record (place, ferry_lane_reader_get_available (lane), next[writer]++));
    }
  for (guint i = 0; i < N_WRITERS; i++)
    g_assert_cmpuint (next[i], ==, n_each);
}

static void
test_writers_share_a_lane (void)
{
  g_auto (Ends) ends;
  Writer writers[N_WRITERS];
  GThread *threads[N_WRITERS];
  const guint64 n_each = 100000 / FEWER;

  ends_init (&ends, N_WRITERS, NULL);
  for (guint i = 0; i < N_WRITERS; i++)
    {
      writers[i] = (Writer){ends.uplink, i, n_each};
      threads[i] = g_thread_new ("test-writer", write_many, &writers[i]);
    }
  read_from_all (&ends.link->up, ends.link->doorbell, n_each);
  for (guint i = 0; i < N_WRITERS; i++)
    g_thread_join (threads[i]);
}

static gsize
get_resident (Ends *ends)
{
  struct stat file;

  g_assert_no_errno (fstat (ends->link->memory, &file));
  return (gsize) file.st_blocks * 512;
}

static void
send_and_take (Ends *ends, guint64 number, gsize size)
{
  FerryWait wait = {.index = 0, .deadline = 0};
  FerryLaneReader *lane = &ends->link->up;

  g_assert_cmpint (write_record (ends->uplink, &wait, TEST_CONNECTION_ID, number, size), ==, FERRY_WAIT_READY);
  g_assert_true (ferry_lane_reader_look (lane));
  ferry_lane_reader_consume (
    lane, test_check_record (ferry_lane_reader_get_place (lane), ferry_lane_reader_get_available (lane), number));
}

/* It gives memory back when it wakes the reader, once for each time that it is asked, and at no other time. */
static void
test_a_process_that_only_sends_gives_memory_back (void)
{
  g_auto (Ends) ends;

  ends_init (&ends, 1, NULL);
  for (guint round = 0; round < 3; round++)
    {
      for (guint64 number = 0; number < 40; number++)
        send_and_take (&ends, number, 4096);
      ferry_link_ask_to_tidy (ends.link);
      send_and_take (&ends, 40, 8);
      g_assert_cmpuint (get_resident (&ends), >=, TEST_CAPACITY);
      g_assert_true (ferry_lane_reader_arm (&ends.link->up));
      send_and_take (&ends, 41, 8);
      g_assert_cmpuint (get_resident (&ends), <, TEST_CAPACITY / 2);
    }
  for (guint64 number = 0; number < 40; number++)
    send_and_take (&ends, number, 4096);
  g_assert_true (ferry_lane_reader_arm (&ends.link->up));
  send_and_take (&ends, 42, 8);
  g_assert_cmpuint (get_resident (&ends), >=, TEST_CAPACITY);
}

typedef struct
{
  FerryUplink *uplink;
  gint stops; /* atomic */
} Tidier;

static gpointer
tidy_without_end (gpointer data)
{
  Tidier *self = data;

  while (!g_atomic_int_get (&self->stops))
    ferry_uplink_tidy (self->uplink);
  return NULL;
}

/* Each moment of a write is one at which another thread gives memory back. */
static void
test_writers_go_on_while_memory_is_given_back (void)
{
  g_auto (Ends) ends;
  Writer writers[N_WRITERS];
  GThread *threads[N_WRITERS];
  const guint64 n_each = 20000 / FEWER;
  Tidier tidier = {NULL};
  GThread *thread;

  ends_init (&ends, N_WRITERS, NULL);
  tidier.uplink = ends.uplink;
  thread = g_thread_new ("test-tidier", tidy_without_end, &tidier);
  for (guint i = 0; i < N_WRITERS; i++)
    {
      writers[i] = (Writer){ends.uplink, i, n_each};
      threads[i] = g_thread_new ("test-writer", write_many, &writers[i]);
    }
  read_from_all (&ends.link->up, ends.link->doorbell, n_each);
  for (guint i = 0; i < N_WRITERS; i++)
    g_thread_join (threads[i]);
  g_atomic_int_set (&tidier.stops, TRUE);
  g_thread_join (thread);
}

static void
test_deadline_of_zero_does_not_wait (void)
{
  g_auto (Ends) ends;
  FerryWait wait = {.index = 0, .deadline = 0};

  ends_init (&ends, 1, NULL);
  fill (ends.uplink);
  g_assert_cmpint (ferry_uplink_wait (ends.uplink, &wait, 16), ==, FERRY_WAIT_WOULD_BLOCK);
}

static void
test_routers_thread_does_not_wait (void)
{
  g_auto (Ends) ends;
  FerryWait wait = {.index = 0, .deadline = -1};

  ends_init (&ends, 1, g_thread_self ());
  fill (ends.uplink);
  g_assert_cmpint (ferry_uplink_wait (ends.uplink, &wait, 16), ==, FERRY_WAIT_WOULD_BLOCK);
}

static void
test_deadline_ends_the_wait (void)
{
  g_auto (Ends) ends;
  FerryWait wait = begin_wait (0, 2000);

  ends_init (&ends, 1, NULL);
  fill (ends.uplink);
  g_assert_cmpint (ferry_uplink_wait (ends.uplink, &wait, 16), ==, FERRY_WAIT_TIMED_OUT);
  g_assert_cmpint (g_get_monotonic_time (), >=, wait.deadline);
}

/* Has the wait begun a minute ago when it is first about to sleep, and ends it when it is so again. */
static gboolean
was_stopped (gpointer data)
{
  const gint64 minute = 60 * G_USEC_PER_SEC;
  FerryWait *wait = data;

  if (wait->clock.is_late)
    return TRUE;
  wait->clock.due -= minute;
  wait->clock.lost -= minute;
  return FALSE;
}

static void
test_a_stop_before_the_first_sleep_takes_no_time (void)
{
  g_auto (Ends) ends;
  FerryWait wait = begin_wait (0, G_USEC_PER_SEC / 5);

  wait.interrupted = was_stopped;
  wait.data = &wait;
  ends_init (&ends, 1, NULL);
  fill (ends.uplink);
  g_assert_cmpint (ferry_uplink_wait (ends.uplink, &wait, 16), ==, FERRY_WAIT_INTERRUPTED);
}

static void
test_closed_pipe_refuses_at_once (void)
{
  g_auto (Ends) ends;
  FerryWait wait = {.index = 1, .deadline = -1};

  ends_init (&ends, 2, NULL);
  ferry_link_set_pipe_word (ends.link, 1, FERRY_PIPE_WORD_CLOSED);
  g_assert_cmpint (ferry_uplink_wait (ends.uplink, &wait, 16), ==, FERRY_WAIT_CLOSED);
  wait.index = 0;
  g_assert_cmpint (ferry_uplink_wait (ends.uplink, &wait, 16), ==, FERRY_WAIT_READY);
}

static void
test_impossible_head_breaks_the_wait (void)
{
  g_auto (Ends) ends;
  FerryWait wait = {.index = 0, .deadline = -1};

  ends_init (&ends, 1, NULL);
  fill (ends.uplink);
  atomic_store (&ferry_segment_get_up (&ends.link->segment)->reader.head, 1ull << 40);
  g_assert_cmpint (ferry_uplink_wait (ends.uplink, &wait, 16), ==, FERRY_WAIT_BROKEN);
}

/* A thread that waits in a full lane until the test ends its wait. */
typedef struct
{
  FerryUplink *uplink;
  guint index;
  gboolean for_pieces;
  _Atomic gboolean cancelled;
  _Atomic guint looked; /* how often it was about to sleep */
  FerryWaitResult result;
} Waiter;

static gboolean
is_cancelled (gpointer data)
{
  Waiter *waiter = data;

  atomic_fetch_add (&waiter->looked, 1);
  return atomic_load (&waiter->cancelled);
}

static gpointer
wait_for_end (gpointer data)
{
  Waiter *waiter = data;
  FerryWait wait = begin_watched_wait (waiter->index);

  wait.interrupted = is_cancelled;
  wait.data = waiter;
  waiter->result = waiter->for_pieces ? ferry_uplink_begin_pieces (waiter->uplink, &wait)
                                      : ferry_uplink_wait (waiter->uplink, &wait, 16);
  return NULL;
}

static GThread *
start_waiter (Waiter *waiter)
{
  GThread *thread = g_thread_new ("test-waiter", wait_for_end, waiter);

  while (atomic_load (&waiter->looked) == 0)
    g_thread_yield ();
  return thread;
}

static void
test_interrupt_ends_the_wait (void)
{
  for (guint i = 0; i < 200; i++)
    {
      g_auto (Ends) ends;
      Waiter waiter = {0};
      GThread *thread;

      ends_init (&ends, 1, NULL);
      fill (ends.uplink);
      waiter.uplink = ends.uplink;
      thread = start_waiter (&waiter);
      atomic_store (&waiter.cancelled, TRUE);
      ferry_uplink_interrupt (ends.uplink);
      g_thread_join (thread);
      g_assert_cmpint (waiter.result, ==, FERRY_WAIT_INTERRUPTED);
    }
}

static void
test_interrupt_of_another_goes_on_waiting (void)
{
  g_auto (Ends) ends;
  Waiter waiter = {0};
  GThread *thread;

  ends_init (&ends, 1, NULL);
  fill (ends.uplink);
  waiter.uplink = ends.uplink;
  thread = start_waiter (&waiter);
  ferry_uplink_interrupt (ends.uplink);
  while (atomic_load (&waiter.looked) < 2)
    g_thread_yield ();
  atomic_store (&waiter.cancelled, TRUE);
  ferry_uplink_interrupt (ends.uplink);
  g_thread_join (thread);
  g_assert_cmpint (waiter.result, ==, FERRY_WAIT_INTERRUPTED);
}

static void
test_closing_a_pipe_wakes_its_waiters (void)
{
  for (guint i = 0; i < 200; i++)
    {
      g_auto (Ends) ends;
      Waiter waiters[2] = {{0}, {0}};
      GThread *threads[2];

      ends_init (&ends, 2, NULL);
      fill (ends.uplink);
      for (guint j = 0; j < 2; j++)
        {
          waiters[j].uplink = ends.uplink;
          waiters[j].index = 1;
          threads[j] = start_waiter (&waiters[j]);
        }
      ferry_link_set_pipe_word (ends.link, 1, FERRY_PIPE_WORD_CLOSED);
      ferry_link_wake_writers (ends.link);
      for (guint j = 0; j < 2; j++)
        {
          g_thread_join (threads[j]);
          g_assert_cmpint (waiters[j].result, ==, FERRY_WAIT_CLOSED);
        }
    }
}

static void
test_room_wakes_the_waiters (void)
{
  for (guint i = 0; i < 200; i++)
    {
      g_auto (Ends) ends;
      Waiter waiter = {0};
      GThread *thread;

      ends_init (&ends, 1, NULL);
      fill (ends.uplink);
      waiter.uplink = ends.uplink;
      thread = start_waiter (&waiter);
      g_assert_true (ferry_lane_reader_look (&ends.link->up));
      ferry_lane_reader_consume (&ends.link->up, TEST_CAPACITY / 2);
      g_thread_join (thread);
      g_assert_cmpint (waiter.result, ==, FERRY_WAIT_READY);
    }
}

static void
test_turn_is_given_on (void)
{
  for (guint i = 0; i < 200; i++)
    {
      g_auto (Ends) ends;
      FerryWait wait = {.index = 0, .deadline = 0};
      Waiter waiter = {.for_pieces = TRUE};
      GThread *thread;

      ends_init (&ends, 1, NULL);
      waiter.uplink = ends.uplink;
      g_assert_cmpint (ferry_uplink_begin_pieces (ends.uplink, &wait), ==, FERRY_WAIT_READY);
      g_assert_cmpint (ferry_uplink_begin_pieces (ends.uplink, &wait), ==, FERRY_WAIT_WOULD_BLOCK);
      thread = start_waiter (&waiter);
      ferry_uplink_end_pieces (ends.uplink);
      g_thread_join (thread);
      g_assert_cmpint (waiter.result, ==, FERRY_WAIT_READY);
    }
}

static void
test_closing_a_pipe_ends_the_wait_for_a_turn (void)
{
  g_auto (Ends) ends;
  FerryWait wait = {.index = 0, .deadline = 0};
  Waiter waiter = {.index = 1, .for_pieces = TRUE};
  GThread *thread;

  ends_init (&ends, 2, NULL);
  waiter.uplink = ends.uplink;
  g_assert_cmpint (ferry_uplink_begin_pieces (ends.uplink, &wait), ==, FERRY_WAIT_READY);
  thread = start_waiter (&waiter);
  ferry_link_set_pipe_word (ends.link, 1, FERRY_PIPE_WORD_ROUTER_STOPPED);
  ferry_link_wake_writers (ends.link);
  g_thread_join (thread);
  g_assert_cmpint (waiter.result, ==, FERRY_WAIT_CLOSED);
}

typedef struct
{
  FerryUplink *uplink;
  guint *in_turn; /* the turn guards it */
  guint n;
} Taker;

static gpointer
take_turns (gpointer data)
{
  Taker *taker = data;

  for (guint i = 0; i < taker->n; i++)
    {
      FerryWait wait = begin_watched_wait (0);

      g_assert_cmpint (ferry_uplink_begin_pieces (taker->uplink, &wait), ==, FERRY_WAIT_READY);
      *taker->in_turn += 1;
      ferry_uplink_end_pieces (taker->uplink);
    }
  return NULL;
}

static void
test_turn_belongs_to_one (void)
{
  g_auto (Ends) ends;
  guint in_turn = 0;
  GThread *threads[N_WRITERS];
  Taker taker = {.in_turn = &in_turn, .n = 20000 / FEWER};

  ends_init (&ends, 1, NULL);
  taker.uplink = ends.uplink;
  for (guint i = 0; i < N_WRITERS; i++)
    threads[i] = g_thread_new ("test-taker", take_turns, &taker);
  for (guint i = 0; i < N_WRITERS; i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (in_turn, ==, N_WRITERS * taker.n);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/uplink/writers-share-a-lane", test_writers_share_a_lane);
  g_test_add_func ("/uplink/a-process-that-only-sends-gives-memory-back",
                   test_a_process_that_only_sends_gives_memory_back);
  g_test_add_func ("/uplink/writers-go-on-while-memory-is-given-back", test_writers_go_on_while_memory_is_given_back);
  g_test_add_func ("/uplink/deadline-of-zero-does-not-wait", test_deadline_of_zero_does_not_wait);
  g_test_add_func ("/uplink/routers-thread-does-not-wait", test_routers_thread_does_not_wait);
  g_test_add_func ("/uplink/deadline-ends-the-wait", test_deadline_ends_the_wait);
  g_test_add_func ("/uplink/a-stop-before-the-first-sleep-takes-no-time",
                   test_a_stop_before_the_first_sleep_takes_no_time);
  g_test_add_func ("/uplink/closed-pipe-refuses-at-once", test_closed_pipe_refuses_at_once);
  g_test_add_func ("/uplink/impossible-head-breaks-the-wait", test_impossible_head_breaks_the_wait);
  g_test_add_func ("/uplink/interrupt-ends-the-wait", test_interrupt_ends_the_wait);
  g_test_add_func ("/uplink/interrupt-of-another-goes-on-waiting", test_interrupt_of_another_goes_on_waiting);
  g_test_add_func ("/uplink/closing-a-pipe-wakes-its-waiters", test_closing_a_pipe_wakes_its_waiters);
  g_test_add_func ("/uplink/room-wakes-the-waiters", test_room_wakes_the_waiters);
  g_test_add_func ("/uplink/turn-is-given-on", test_turn_is_given_on);
  g_test_add_func ("/uplink/closing-a-pipe-ends-the-wait-for-a-turn", test_closing_a_pipe_ends_the_wait_for_a_turn);
  g_test_add_func ("/uplink/turn-belongs-to-one", test_turn_belongs_to_one);
  return g_test_run ();
}
