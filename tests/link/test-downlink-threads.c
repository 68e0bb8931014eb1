/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-downlink.c
 *
 * The way down with an application and a worker that are threads: no wake-up is lost, whichever sleeps. */

#include "config.h"

#include <string.h>
#include <sys/stat.h>

#include "base/ferry-thread-private.h"
#include "down-fixture.h"

typedef struct
{
  FerryDownlink *downlink;
  FerryDownEvent event;
} Receive;

static gpointer
receive_for_ever (gpointer data)
{
  Receive *receive = data;
  FerryDownMessage message;

  receive->event = ferry_downlink_receive (receive->downlink, -1, &message);
  return NULL;
}

static gpointer
wait_for_cancel_for_ever (gpointer data)
{
  return GINT_TO_POINTER (ferry_downlink_wait_for_cancel (((Receive *) data)->downlink, -1));
}

/* Whether the other thread sleeps already or comes to it later: both happen in so many rounds. */
static void
test_interrupt_ends_a_wait_of_another_thread (void)
{
  g_auto (DownEnds) ends;

  down_ends_init (&ends, MAX_MESSAGE);
  for (guint i = 0; i < 500; i++)
    {
      Receive receive = {ends.downlink, FERRY_DOWN_EVENT_BROKEN};
      GThread *receiver = g_thread_new ("receiver", receive_for_ever, &receive);
      GThread *canceller = g_thread_new ("canceller", wait_for_cancel_for_ever, &receive);

      if (i % 2 == 0)
        g_thread_yield ();
      ferry_downlink_interrupt (ends.downlink);
      g_thread_join (receiver);
      g_assert_true (GPOINTER_TO_INT (g_thread_join (canceller)));
      g_assert_cmpint (receive.event, ==, FERRY_DOWN_EVENT_NOTHING);
    }
}

static gsize
get_resident (DownEnds *ends)
{
  struct stat file;

  g_assert_no_errno (fstat (ends->link->memory, &file));
  return (gsize) file.st_blocks * 512;
}

/* Writes to all pages of the up lane. The reader has taken everything. */
static void
fill_up_lane (DownEnds *ends)
{
  FerryLaneWriter *writer = &ends->uplink->writer;
  gboolean locked = ferry_uplink_lock (ends->uplink);

  for (gsize written = 0; written < TEST_CAPACITY; written += ferry_record_size (4096))
    {
      g_assert_true (ferry_lane_writer_has_room (writer, ferry_record_size (4096)));
      test_fill_record (writer, 4096, 0);
      ferry_lane_writer_publish (writer, ferry_record_size (4096));
      g_assert_true (ferry_lane_reader_look (&ends->link->up));
      ferry_lane_reader_consume (&ends->link->up, ferry_record_size (4096));
    }
  g_assert_cmpuint (get_resident (ends), >=, TEST_CAPACITY);
  ferry_uplink_unlock (ends->uplink, locked);
}

/* Whether the thread sleeps already, or comes to it later. It does not return for this. */
static void
test_a_thread_that_waits_gives_memory_back (void)
{
  g_auto (DownEnds) ends;
  Receive receive;
  GThread *receiver;

  down_ends_init (&ends, MAX_MESSAGE);
  receive = (Receive){ends.downlink, FERRY_DOWN_EVENT_BROKEN};
  receiver = g_thread_new ("receiver", receive_for_ever, &receive);
  for (guint i = 0; i < 200; i++)
    {
      fill_up_lane (&ends);
      ferry_link_ask_to_tidy (ends.link);
      while (get_resident (&ends) >= TEST_CAPACITY / 2)
        g_thread_yield ();
    }
  ferry_downlink_interrupt (ends.downlink);
  g_thread_join (receiver);
  g_assert_cmpint (receive.event, ==, FERRY_DOWN_EVENT_NOTHING);
}

static void
test_cancel_ends_a_wait_of_another_thread (void)
{
  g_auto (DownEnds) ends;

  down_ends_init (&ends, MAX_MESSAGE);
  for (guint64 i = 1; i <= 500; i++)
    {
      Receive receive = {ends.downlink, FERRY_DOWN_EVENT_BROKEN};
      GThread *receiver = g_thread_new ("receiver", receive_for_ever, &receive);
      guint64 xid;
      guint16 reason;

      if (i % 2 == 0)
        g_thread_yield ();
      g_assert_cmpint (ferry_link_send_cancel (ends.link, i, 1), ==, FERRY_DOWN_SENT);
      g_thread_join (receiver);
      g_assert_cmpint (receive.event, ==, FERRY_DOWN_EVENT_NOTHING);
      g_assert_true (ferry_downlink_take_cancel (ends.downlink, &xid, &reason));
      g_assert_cmpuint (xid, ==, i);
    }
}

/* As the monitor gives up a link. */
static void
test_end_of_the_link_ends_a_wait (void)
{
  for (guint i = 0; i < 200; i++)
    {
      g_auto (DownEnds) ends;
      Receive receive;
      GThread *receiver;
      GThread *canceller;

      down_ends_init (&ends, MAX_MESSAGE);
      receive = (Receive){ends.downlink, FERRY_DOWN_EVENT_BROKEN};
      receiver = g_thread_new ("receiver", receive_for_ever, &receive);
      canceller = g_thread_new ("canceller", wait_for_cancel_for_ever, &receive);
      if (i % 2 == 0)
        g_thread_yield ();
      ferry_link_set_pipe_word (ends.link, 0, i % 4 < 2 ? FERRY_PIPE_WORD_LINK_ENDED : FERRY_PIPE_WORD_ROUTER_STOPPED);
      ferry_link_wake_writers (ends.link);
      g_thread_join (receiver);
      g_assert_false (GPOINTER_TO_INT (g_thread_join (canceller)));
      g_assert_cmpint (receive.event, ==, FERRY_DOWN_EVENT_CLOSED);
    }
}

typedef struct
{
  DownEnds *ends;
  guint64 n;
  _Atomic guint64 latest; /* that came */
} Flood;

static gpointer
receive_flood (gpointer data)
{
  Flood *flood = data;
  FerryDownMessage message;

  for (guint64 number = 0; number < flood->n; number++)
    {
      gint64 deadline = down_watchdog_time ();
      FerryDownEvent event;

      /* A cancel that was not taken yet is nothing to this thread, and ends its wait. */
      do
        event = ferry_downlink_receive (flood->ends->downlink, deadline, &message);
      while (event == FERRY_DOWN_EVENT_NOTHING && g_get_monotonic_time () < deadline);
      g_assert_cmpint (event, ==, FERRY_DOWN_EVENT_MESSAGE);
      down_check (&message, number, number % 509);
    }
  return NULL;
}

/* The application sends as fast as it goes, and sleeps on the doorbell when it may not. */
static void
test_flood_loses_no_wake_up (void)
{
  g_auto (DownEnds) ends;
  Flood flood = {&ends, DOWN_MANY, 0};
  GThread *thread;

  down_ends_init (&ends, MAX_MESSAGE);
  thread = g_thread_new ("receiver", receive_flood, &flood);
  for (guint64 number = 0; number < flood.n; number++)
    while (down_send (&ends, number, number % 509) == FERRY_DOWN_WOULD_BLOCK)
      down_wait_and_flush (&ends);
  while (ends.link->down.backlog_size > 0)
    down_wait_and_flush (&ends);
  g_thread_join (thread);
}

/* Answers each message through a lane of the other direction. */
static gpointer
answer_all (gpointer data)
{
  Flood *flood = data;
  FerryDownMessage message;

  for (guint64 number = 0; number < flood->n; number++)
    {
      FerryDownEvent event = ferry_downlink_receive (flood->ends->downlink, down_watchdog_time (), &message);
      gboolean locked;
      guint8 *place;

      g_assert_cmpint (event, ==, FERRY_DOWN_EVENT_MESSAGE);
      down_check (&message, number, 8);
      locked = ferry_uplink_lock (flood->ends->uplink);
      place = ferry_uplink_get_place_locked (flood->ends->uplink, sizeof (FerryRecordHeader));
      g_assert_nonnull (place);
      ferry_lane_writer_write_header (&flood->ends->uplink->writer, 0, 0, FERRY_RECORD_BYTES, 0, number);
      ferry_uplink_publish_and_unlock (flood->ends->uplink, sizeof (FerryRecordHeader), locked);
    }
  return NULL;
}

static void
take_answer (DownEnds *ends, guint64 number)
{
  FerryLaneReader *up = &ends->link->up;
  FerryRecordHeader header;

  for (;;)
    {
      g_assert_true (ferry_lane_reader_arm (up));
      if (ferry_lane_reader_get_available (up) > 0)
        break;
      down_wait_for_doorbell (ends);
    }
  memcpy (&header, ferry_lane_reader_get_place (up), sizeof header);
  g_assert_cmpuint (header.connection_id, ==, number);
  ferry_lane_reader_consume (up, sizeof header);
}

static void
test_ping_pong_loses_no_wake_up (void)
{
  g_auto (DownEnds) ends;
  Flood flood = {&ends, DOWN_MANY / 2, 0};
  GThread *thread;

  down_ends_init (&ends, MAX_MESSAGE);
  thread = g_thread_new ("answerer", answer_all, &flood);
  for (guint64 number = 0; number < flood.n; number++)
    {
      g_assert_cmpint (down_send (&ends, number, 8), ==, FERRY_DOWN_SENT);
      take_answer (&ends, number);
    }
  g_thread_join (thread);
}

static gpointer
take_cancels (gpointer data)
{
  Flood *flood = data;
  guint64 next = 1;

  while (next <= flood->n)
    {
      guint64 xid;
      guint16 reason;

      ferry_downlink_wait_for_cancel (flood->ends->downlink, down_watchdog_time ());
      g_assert_true (ferry_downlink_has_cancel (flood->ends->downlink));
      while (ferry_downlink_take_cancel (flood->ends->downlink, &xid, &reason))
        g_assert_cmpuint (xid, ==, next++);
      atomic_store (&flood->latest, next - 1);
    }
  return NULL;
}

/* Two threads sleep on the same bell, each for its own lane. */
static void
test_both_lanes_wake_their_sleepers (void)
{
  g_auto (DownEnds) ends;
  Flood flood = {&ends, DOWN_MANY / 4, 0};
  GThread *receiver;
  GThread *canceller;

  down_ends_init (&ends, MAX_MESSAGE);
  receiver = g_thread_new ("receiver", receive_flood, &flood);
  canceller = g_thread_new ("canceller", take_cancels, &flood);
  for (guint64 number = 0; number < flood.n; number++)
    {
      g_assert_cmpint (ferry_link_send_cancel (ends.link, number + 1, 1), ==, FERRY_DOWN_SENT);
      while (down_send (&ends, number, number % 509) == FERRY_DOWN_WOULD_BLOCK)
        down_wait_and_flush (&ends);
    }
  while (!g_queue_is_empty (&ends.link->down.backlog) || !g_queue_is_empty (&ends.link->down.express_backlog))
    down_wait_and_flush (&ends);
  g_thread_join (receiver);
  g_thread_join (canceller);
  g_assert_cmpuint (atomic_load (&flood.latest), ==, flood.n);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/downlink-threads/interrupt-ends-a-wait-of-another-thread",
                   test_interrupt_ends_a_wait_of_another_thread);
  g_test_add_func ("/downlink-threads/a-thread-that-waits-gives-memory-back",
                   test_a_thread_that_waits_gives_memory_back);
  g_test_add_func ("/downlink-threads/cancel-ends-a-wait-of-another-thread", test_cancel_ends_a_wait_of_another_thread);
  g_test_add_func ("/downlink-threads/end-of-the-link-ends-a-wait", test_end_of_the_link_ends_a_wait);
  g_test_add_func ("/downlink-threads/flood-loses-no-wake-up", test_flood_loses_no_wake_up);
  g_test_add_func ("/downlink-threads/ping-pong-loses-no-wake-up", test_ping_pong_loses_no_wake_up);
  g_test_add_func ("/downlink-threads/both-lanes-wake-their-sleepers", test_both_lanes_wake_their_sleepers);
  return g_test_run ();
}
