/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-downlink.c, link/ferry-link.c
 *
 * The way down, with both of its ends in this process: the down lane and the express lane. Two threads are in
 * test-downlink-threads.c, the claim word in test-claim.c; a worker of another process in test-protocol.c and
 * tests/process/test-listening.c. */

#include "config.h"

#include <string.h>

#include "down-fixture.h"
#include "engine/ferry-shared-queue-private.h"

#define BACKLOG_LIMIT (1024 * 1024)

static void
test_messages_arrive_in_order (void)
{
  g_auto (DownEnds) ends;

  down_ends_init (&ends, MAX_MESSAGE);
  for (guint64 number = 0; number < 20; number++)
    g_assert_cmpint (down_send (&ends, number, number * 100), ==, FERRY_DOWN_SENT);
  for (guint64 number = 0; number < 20; number++)
    down_take (&ends, number, number * 100);
  down_assert_nothing (&ends);
}

static void
test_parts_become_one_message (void)
{
  const FerryPart parts[] = {{"one ", 4}, {NULL, 0}, {"two ", 4}, {"", 0}, {"three", 6}};
  FerryDownMessage message;
  g_auto (DownEnds) ends;

  down_ends_init (&ends, MAX_MESSAGE);
  g_assert_cmpint (ferry_link_send (ends.link, 5, parts, G_N_ELEMENTS (parts)), ==, FERRY_DOWN_SENT);
  g_assert_cmpint (ferry_link_send (ends.link, 6, NULL, 0), ==, FERRY_DOWN_SENT);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, 0, &message), ==, FERRY_DOWN_EVENT_MESSAGE);
  g_assert_cmpuint (message.connection_id, ==, 5);
  g_assert_cmpmem (message.data, message.size, "one two three", 14);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, 0, &message), ==, FERRY_DOWN_EVENT_MESSAGE);
  g_assert_cmpuint (message.connection_id, ==, 6);
  g_assert_cmpuint (message.size, ==, 0);
}

/* Sizes that are no divisors of the lane's, so that records lie over its end in every way. */
static void
test_goes_round (void)
{
  g_auto (DownEnds) ends;
  guint64 number = 0;

  down_ends_init (&ends, MAX_MESSAGE);
  for (guint64 sent = 0; sent < 20 * FERRY_DOWN_CAPACITY; number += 2)
    {
      g_assert_cmpint (down_send (&ends, number, number * 97 % 3001), ==, FERRY_DOWN_SENT);
      g_assert_cmpint (down_send (&ends, number + 1, FERRY_MAX_RECORD_PAYLOAD - number % 9), ==, FERRY_DOWN_SENT);
      down_take (&ends, number, number * 97 % 3001);
      down_take (&ends, number + 1, FERRY_MAX_RECORD_PAYLOAD - number % 9);
      sent += FERRY_MAX_RECORD_PAYLOAD;
    }
  g_assert_false (down_doorbell_rang (&ends));
}

static void
test_large_messages_arrive (void)
{
  const gsize sizes[] = {FERRY_MAX_RECORD_PAYLOAD + 1, 2 * FERRY_DOWN_CAPACITY, 777777, MAX_MESSAGE};
  g_auto (DownEnds) ends;

  down_ends_init (&ends, MAX_MESSAGE);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_assert_cmpint (down_send (&ends, i, sizes[i]), ==, FERRY_DOWN_SENT);
      g_assert_cmpint (down_send (&ends, i + 100, i), ==, FERRY_DOWN_SENT);
      down_take (&ends, i, sizes[i]);
      down_take (&ends, i + 100, i);
    }
  g_assert_cmpint (down_send (&ends, 0, MAX_MESSAGE + 1), ==, FERRY_DOWN_TOO_LARGE);
  down_assert_nothing (&ends);
}

/* A message is not overwritten before the next receive, however much is sent meanwhile. */
static void
test_message_stays_until_the_next_receive (void)
{
  g_auto (DownEnds) ends;
  FerryDownMessage message;

  down_ends_init (&ends, MAX_MESSAGE);
  down_send (&ends, 4711, 1000);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, 0, &message), ==, FERRY_DOWN_EVENT_MESSAGE);
  /* No divisor of the lane's size, so that the last one would lie over its end and on the message. */
  for (guint64 number = 0; down_send (&ends, number, 1000) == FERRY_DOWN_SENT; number++)
    ;
  down_check (&message, 4711, 1000);
  for (guint64 number = 0; ends.link->down.backlog_size > 0; number++)
    down_take (&ends, number, 1000);
}

/* What is behind a payload up to the record's end goes to another process as well. */
static void
test_padding_is_none_of_our_memory (void)
{
  g_auto (DownEnds) ends;

  down_ends_init (&ends, MAX_MESSAGE);
  for (guint64 number = 0; number < 200; number++)
    down_send (&ends, number, 1001);
  for (guint64 number = 0; number < 200; number++)
    {
      FerryDownMessage message;

      down_flush_if_rung (&ends);
      g_assert_cmpint (ferry_downlink_receive (ends.downlink, 0, &message), ==, FERRY_DOWN_EVENT_MESSAGE);
      for (gsize i = 1001; number >= 100 && i < 1008; i++)
        g_assert_cmpuint (message.data[i], ==, 0);
    }
}

static void
test_what_has_no_room_keeps_its_order (void)
{
  const guint n = 3000;
  g_auto (DownEnds) ends;

  down_ends_init (&ends, MAX_MESSAGE);
  for (guint64 number = 0; number < n; number++)
    g_assert_cmpint (down_send (&ends, number, number % 400), ==, FERRY_DOWN_SENT);
  g_assert_cmpuint (ends.link->down.backlog_size, >, 0);
  /* What is sent while something waits does not overtake it, though there is room by now. */
  for (guint64 number = 0; number < n; number++)
    {
      down_take (&ends, number, number % 400);
      if (number % 10 == 0)
        g_assert_cmpint (down_send (&ends, n + number / 10, 8), ==, FERRY_DOWN_SENT);
    }
  for (guint64 number = n; number < n + n / 10; number++)
    down_take (&ends, number, 8);
  down_assert_nothing (&ends);
  g_assert_cmpuint (ends.link->down.backlog_size, ==, 0);
}

static void
test_backlog_is_bounded (void)
{
  g_auto (DownEnds) ends;
  guint64 n = 0;

  down_ends_init (&ends, MAX_MESSAGE);
  while (down_send (&ends, n, 1000) == FERRY_DOWN_SENT)
    {
      n++;
      g_assert_cmpuint (ends.link->down.backlog_size, <=, BACKLOG_LIMIT + 1024);
    }
  g_assert_cmpint (down_send (&ends, n, 1000), ==, FERRY_DOWN_WOULD_BLOCK);
  g_assert_cmpuint (n, >, BACKLOG_LIMIT / 1024);
  for (guint64 number = 0; number < n; number++)
    down_take (&ends, number, 1000);
  g_assert_cmpint (down_send (&ends, n, 1000), ==, FERRY_DOWN_SENT);
  down_take (&ends, n, 1000);
}

static void
test_one_message_of_any_size_is_taken (void)
{
  const gsize size = 5 * BACKLOG_LIMIT;
  g_auto (DownEnds) ends;

  down_ends_init (&ends, size);
  g_assert_cmpint (down_send (&ends, 0, size), ==, FERRY_DOWN_SENT);
  g_assert_cmpint (down_send (&ends, 1, 100), ==, FERRY_DOWN_WOULD_BLOCK);
  down_take (&ends, 0, size);
  g_assert_cmpint (down_send (&ends, 1, 1), ==, FERRY_DOWN_SENT);
  down_take (&ends, 1, 1);
}

/* A window, say, is not kept back by a large message; and short ones have a bound as well. */
static void
test_short_messages_wait_behind_a_large_one (void)
{
  const gsize size = 5 * BACKLOG_LIMIT;
  g_auto (DownEnds) ends;
  guint64 n = 1;

  down_ends_init (&ends, size);
  g_assert_cmpint (down_send (&ends, 0, size), ==, FERRY_DOWN_SENT);
  while (down_send (&ends, n, 64) == FERRY_DOWN_SENT)
    {
      n++;
      g_assert_cmpuint (n * 64, <=, BACKLOG_LIMIT);
    }
  g_assert_cmpuint (n, >, 1000);
  down_take (&ends, 0, size);
  for (guint64 i = 1; i < n; i++)
    down_take (&ends, i, 64);
}

static void
test_cancels_that_are_not_taken_do_not_pile_up (void)
{
  g_auto (DownEnds) ends;
  guint64 n = 0;

  down_ends_init (&ends, MAX_MESSAGE);
  while (ferry_link_send_cancel (ends.link, n + 1, 1) == FERRY_DOWN_SENT)
    {
      n++;
      g_assert_cmpuint (n, <, 100000);
    }
  g_assert_cmpuint (n, >, 1000);
}

/* Not for each record, but when half of the lane is free. */
static void
test_room_rings_the_doorbell_once (void)
{
  g_auto (DownEnds) ends;
  FerryDownMessage message;
  guint n_taken = 0;

  down_ends_init (&ends, MAX_MESSAGE);
  for (guint64 number = 0; number < 200; number++)
    down_send (&ends, number, 1000);
  g_assert_false (down_doorbell_rang (&ends));
  while (!down_doorbell_rang (&ends))
    {
      g_assert_cmpint (ferry_downlink_receive (ends.downlink, 0, &message), ==, FERRY_DOWN_EVENT_MESSAGE);
      down_check (&message, n_taken++, 1000);
    }
  g_assert_cmpuint (n_taken, >=, FERRY_DOWN_CAPACITY / 1016 / 2);
  g_assert_cmpuint (n_taken, <=, FERRY_DOWN_CAPACITY / 1016 / 2 + 2);
  while (ferry_downlink_receive (ends.downlink, 0, &message) == FERRY_DOWN_EVENT_MESSAGE)
    down_check (&message, n_taken++, 1000);
  g_assert_false (down_doorbell_rang (&ends));
  g_assert_cmpuint (ferry_link_flush_down (ends.link), ==, n_taken * 1016);
  for (; n_taken < 200; n_taken++)
    down_take (&ends, n_taken, 1000);
}

static void
test_finish_comes_behind_what_was_sent (void)
{
  g_auto (DownEnds) ends;
  FerryDownMessage message;

  down_ends_init (&ends, MAX_MESSAGE);
  for (guint64 number = 0; number < 300; number++)
    g_assert_cmpint (down_send (&ends, number, 1000), ==, FERRY_DOWN_SENT);
  g_assert_cmpint (ferry_link_send_finish (ends.link), ==, FERRY_DOWN_SENT);
  for (guint64 number = 0; number < 300; number++)
    down_take (&ends, number, 1000);
  down_flush_if_rung (&ends);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, 0, &message), ==, FERRY_DOWN_EVENT_FINISH);
  down_assert_nothing (&ends);
}

static void
test_finish_is_taken_when_the_backlog_is_full (void)
{
  g_auto (DownEnds) ends;

  down_ends_init (&ends, MAX_MESSAGE);
  down_fill (&ends);
  g_assert_cmpint (ferry_link_send_finish (ends.link), ==, FERRY_DOWN_SENT);
}

static void
test_cancel_overtakes_a_full_lane (void)
{
  g_auto (DownEnds) ends;
  guint64 xid = 0;
  guint16 reason = 0;

  down_ends_init (&ends, MAX_MESSAGE);
  down_fill (&ends);
  g_assert_false (ferry_downlink_has_cancel (ends.downlink));
  g_assert_false (ferry_downlink_take_cancel (ends.downlink, &xid, &reason));
  g_assert_cmpint (ferry_link_send_cancel (ends.link, G_GUINT64_CONSTANT (0x123456789abcdef), 3), ==, FERRY_DOWN_SENT);
  g_assert_true (ferry_downlink_has_cancel (ends.downlink));
  g_assert_true (ferry_downlink_take_cancel (ends.downlink, &xid, &reason));
  g_assert_cmphex (xid, ==, G_GUINT64_CONSTANT (0x123456789abcdef));
  g_assert_cmpuint (reason, ==, 3);
  g_assert_false (ferry_downlink_has_cancel (ends.downlink));
}

/* Far more than the express lane holds. */
/* So that the thread that waits for messages takes the cancel; messages that are there come first. */
static void
test_cancel_ends_the_wait_for_messages (void)
{
  FerryDownMessage message;
  g_auto (DownEnds) ends;
  guint64 xid;
  guint16 reason;

  down_ends_init (&ends, MAX_MESSAGE);
  g_assert_cmpint (down_send (&ends, 1, 8), ==, FERRY_DOWN_SENT);
  g_assert_cmpint (ferry_link_send_cancel (ends.link, 5, 1), ==, FERRY_DOWN_SENT);
  down_take (&ends, 1, 8);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, -1, &message), ==, FERRY_DOWN_EVENT_NOTHING);
  g_assert_true (ferry_downlink_take_cancel (ends.downlink, &xid, &reason));
  g_assert_cmpint (ferry_link_send_finish (ends.link), ==, FERRY_DOWN_SENT);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, -1, &message), ==, FERRY_DOWN_EVENT_FINISH);
}

static void
test_cancels_wait_for_room_in_order (void)
{
  const guint n = 5000;
  g_auto (DownEnds) ends;
  guint64 xid;
  guint16 reason;

  down_ends_init (&ends, MAX_MESSAGE);
  down_fill (&ends);
  for (guint64 i = 1; i <= n; i++)
    g_assert_cmpint (ferry_link_send_cancel (ends.link, i, (guint16) (i % 5)), ==, FERRY_DOWN_SENT);
  for (guint64 i = 1; i <= n; i++)
    {
      down_flush_if_rung (&ends);
      g_assert_true (ferry_downlink_take_cancel (ends.downlink, &xid, &reason));
      g_assert_cmpuint (xid, ==, i);
      g_assert_cmpuint (reason, ==, i % 5);
    }
  g_assert_false (ferry_downlink_take_cancel (ends.downlink, &xid, &reason));
}

static void
test_closed_end_takes_nothing (void)
{
  g_auto (DownEnds) ends;

  down_ends_init (&ends, MAX_MESSAGE);
  down_fill (&ends);
  g_assert_cmpuint (g_queue_get_length (&ends.link->down.backlog), >, 0);
  ferry_link_close_down (ends.link);
  g_assert_cmpuint (g_queue_get_length (&ends.link->down.backlog), ==, 0);
  g_assert_cmpint (down_send (&ends, 0, 0), ==, FERRY_DOWN_CLOSED);
  g_assert_cmpint (ferry_link_send_finish (ends.link), ==, FERRY_DOWN_CLOSED);
  g_assert_cmpint (ferry_link_send_cancel (ends.link, 1, 1), ==, FERRY_DOWN_CLOSED);
  ferry_link_flush_down (ends.link);
  ferry_link_close_down (ends.link);
}

static void
test_deadline_ends_a_wait (void)
{
  g_auto (DownEnds) ends;
  FerryDownMessage message;
  gint64 deadline = g_get_monotonic_time () + 1000;

  down_ends_init (&ends, MAX_MESSAGE);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, deadline, &message), ==, FERRY_DOWN_EVENT_NOTHING);
  g_assert_cmpint (g_get_monotonic_time (), >=, deadline);
  deadline = g_get_monotonic_time () + 1000;
  ferry_downlink_wait_for_cancel (ends.downlink, deadline);
  g_assert_cmpint (g_get_monotonic_time (), >=, deadline);
}

/* An interrupt is kept for a wait that comes later, and gives way to a message. */
static void
test_interrupt_ends_one_wait (void)
{
  g_auto (DownEnds) ends;
  FerryDownMessage message;

  down_ends_init (&ends, MAX_MESSAGE);
  down_send (&ends, 1, 10);
  ferry_downlink_interrupt (ends.downlink);
  down_take (&ends, 1, 10);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, -1, &message), ==, FERRY_DOWN_EVENT_NOTHING);
  ferry_downlink_wait_for_cancel (ends.downlink, -1);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, g_get_monotonic_time () + 1000, &message), ==,
                   FERRY_DOWN_EVENT_NOTHING);
}

static void
test_closed_pipe_does_not_end_the_link (void)
{
  g_auto (DownEnds) ends;

  down_ends_init (&ends, MAX_MESSAGE);
  ferry_link_set_pipe_word (ends.link, 0, FERRY_PIPE_WORD_CLOSED);
  down_send (&ends, 1, 10);
  down_take (&ends, 1, 10);
  down_assert_nothing (&ends);
}

/* ---- grants ---- */

static void
test_grants_come_before_messages (void)
{
  g_auto (DownEnds) ends;
  FerryDownGrant grant;

  down_ends_init (&ends, MAX_MESSAGE);
  g_assert_true (ferry_link_grant (ends.link, 0, "out"));
  g_assert_true (ferry_link_grant (ends.link, 1, "progress"));
  down_send (&ends, 0, 100);
  g_assert_cmpint (ferry_downlink_receive_grant (ends.downlink, &grant), ==, FERRY_DOWN_EVENT_MESSAGE);
  g_assert_cmpmem (grant.name, grant.name_length, "out", 3);
  g_assert_cmpuint (grant.connection_id, ==, 10);
  g_assert_cmpuint (grant.index, ==, 0);
  g_assert_cmpuint (grant.cell, ==, FERRY_NO_CELL);
  g_assert_cmpint (ferry_downlink_receive_grant (ends.downlink, &grant), ==, FERRY_DOWN_EVENT_MESSAGE);
  g_assert_cmpmem (grant.name, grant.name_length, "progress", 8);
  g_assert_cmpuint (grant.connection_id, ==, 11);
  g_assert_cmpuint (grant.index, ==, 1);
  g_assert_cmpint (ferry_downlink_receive_grant (ends.downlink, &grant), ==, FERRY_DOWN_EVENT_NOTHING);
  down_take (&ends, 0, 100);
  down_assert_nothing (&ends);
}

/* Publishes one record in the down lane, whatever it is. */
static void
publish_raw (DownEnds *ends, guint16 kind, guint16 number, gconstpointer payload, gsize size)
{
  guint8 *place = ferry_lane_writer_get_place (&ends->link->down.lane);

  ferry_lane_writer_write_header (&ends->link->down.lane, 0, (guint32) size, kind, number, 10);
  if (size > 0)
    memcpy (place + sizeof (FerryRecordHeader), payload, size);
  ferry_lane_writer_publish (&ends->link->down.lane, ferry_record_size (size));
}

static void
test_grants_that_cannot_be_are_not_followed (void)
{
  const struct
  {
    FerryGrant grant;
    char name[8];
  } wrong[] = {
    {{.index = FERRY_MAX_PIPES_PER_LINK, .name_length = 8, .cell = FERRY_NO_CELL}, "12345678"},
    {{.index = 0, .name_length = 9, .cell = FERRY_NO_CELL}, "12345678"},
    {{.index = 0, .name_length = 8, .cell = 0}, "12345678"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_auto (DownEnds) ends;
      FerryDownGrant grant;

      down_ends_init (&ends, MAX_MESSAGE);
      publish_raw (&ends, FERRY_RECORD_GRANT, 0, &wrong[i], sizeof wrong[i]);
      g_assert_cmpint (ferry_downlink_receive_grant (ends.downlink, &grant), ==, FERRY_DOWN_EVENT_BROKEN);
    }
}

/* ---- an application, or a worker, that breaks the rules ---- */

static void
assert_broken (guint16 kind, guint16 number, gconstpointer payload, gsize size)
{
  g_auto (DownEnds) ends;
  FerryDownMessage message;

  down_ends_init (&ends, MAX_MESSAGE);
  publish_raw (&ends, kind, number, payload, size);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, -1, &message), ==, FERRY_DOWN_EVENT_BROKEN);
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, -1, &message), ==, FERRY_DOWN_EVENT_BROKEN);
}

static void
test_worker_follows_no_broken_record (void)
{
  const FerryLargeMessage too_large = {.size = MAX_MESSAGE + 1, .kind = FERRY_RECORD_BYTES};
  const FerryLargeMessage too_small = {.size = FERRY_MAX_RECORD_PAYLOAD, .kind = FERRY_RECORD_BYTES};
  const FerryLargeMessage variant = {.size = 40000, .kind = FERRY_RECORD_VARIANT, .number = 1};

  assert_broken (FERRY_RECORD_VARIANT, 1, "12345678", 8);
  assert_broken (FERRY_RECORD_GRANT, 0, "1234567812345678out", 19);
  assert_broken (FERRY_RECORD_BYTES, 1, "12345678", 8);
  assert_broken (FERRY_RECORD_PIECE, 0, "12345678", 8);
  assert_broken (FERRY_RECORD_FINISH, 0, "12345678", 8);
  assert_broken (FERRY_RECORD_STOP, 0, "12345678", 8);
  assert_broken (FERRY_RECORD_LARGE, 0, "12345678", 8);
  assert_broken (FERRY_RECORD_LARGE, 0, &too_large, sizeof too_large);
  assert_broken (FERRY_RECORD_LARGE, 0, &too_small, sizeof too_small);
  assert_broken (FERRY_RECORD_LARGE, 0, &variant, sizeof variant);
  assert_broken (99, 0, NULL, 0);
}

static void
test_worker_follows_no_impossible_index (void)
{
  const guint64 indices[] = {FERRY_DOWN_CAPACITY, 12, G_MAXINT64 - 7, 8};

  for (guint i = 0; i < G_N_ELEMENTS (indices); i++)
    {
      g_auto (DownEnds) ends;
      FerryDownMessage message;

      down_ends_init (&ends, MAX_MESSAGE);
      publish_raw (&ends, FERRY_RECORD_BYTES, 0, NULL, 0);
      atomic_store (&ends.link->down.lane.control->writer.index, indices[i]);
      g_assert_cmpint (ferry_downlink_receive (ends.downlink, -1, &message), ==, FERRY_DOWN_EVENT_BROKEN);
    }
}

static void
test_broken_express_lane_is_heard_of_by_who_receives (void)
{
  g_auto (DownEnds) ends;
  FerryDownMessage message;
  guint64 xid;
  guint16 reason;

  down_ends_init (&ends, MAX_MESSAGE);
  atomic_store ((_Atomic guint64 *) (gpointer) ends.link->segment.express_ring, 1);
  g_assert_true (ferry_downlink_has_cancel (ends.downlink));
  g_assert_false (ferry_downlink_take_cancel (ends.downlink, &xid, &reason));
  g_assert_false (ferry_downlink_has_cancel (ends.downlink));
  g_assert_cmpint (ferry_downlink_receive (ends.downlink, -1, &message), ==, FERRY_DOWN_EVENT_BROKEN);
}

/* The head that a worker publishes is looked at when the lane is full, as far as is known. */
static void
test_impossible_head_ends_the_link (void)
{
  const guint64 heads[] = {FERRY_DOWN_CAPACITY + 8, 12, G_MAXUINT64 - 7};

  for (guint i = 0; i < 2 * G_N_ELEMENTS (heads); i++)
    {
      g_autoptr (FerrySharedQueue) queue = ferry_shared_queue_new (NULL);
      g_auto (DownEnds) ends;
      FerryLaneControl *control;

      down_ends_init (&ends, MAX_MESSAGE);
      control = i % 2 == 0 ? ends.link->down.lane.control : ends.link->down.express.control;
      g_assert_true (ferry_shared_queue_add (queue, ends.link, NULL));
      ferry_shared_queue_wait (queue, 0);
      atomic_store (&control->reader.head, heads[i / 2]);
      for (guint n = 0; n < FERRY_EXPRESS_CAPACITY / sizeof (FerryRecordHeader); n++)
        {
          down_send (&ends, n, FERRY_MAX_RECORD_PAYLOAD);
          ferry_link_send_cancel (ends.link, n, 0);
        }
      g_assert_cmpint (ferry_link_send_cancel (ends.link, 1, 0), ==, FERRY_DOWN_CLOSED);
      g_assert_cmpint (down_send (&ends, 1, 1), ==, FERRY_DOWN_CLOSED);
      g_assert_cmpint (ends.link->cause, ==, FERRY_NO_CAUSE);
      ferry_shared_queue_wait (queue, 0);
      g_assert_cmpint (ends.link->cause, ==, FERRY_CLOSE_REASON_PROTOCOL_ERROR);
      g_assert_nonnull (strstr (ends.link->detail, "position"));
      ferry_shared_queue_remove (queue, ends.link);
    }
}

static void
add_tests_of_what_arrives (void)
{
  g_test_add_func ("/downlink/messages-arrive-in-order", test_messages_arrive_in_order);
  g_test_add_func ("/downlink/parts-become-one-message", test_parts_become_one_message);
  g_test_add_func ("/downlink/goes-round", test_goes_round);
  g_test_add_func ("/downlink/large-messages-arrive", test_large_messages_arrive);
  g_test_add_func ("/downlink/message-stays-until-the-next-receive", test_message_stays_until_the_next_receive);
  g_test_add_func ("/downlink/padding-is-none-of-our-memory", test_padding_is_none_of_our_memory);
  g_test_add_func ("/downlink/what-has-no-room-keeps-its-order", test_what_has_no_room_keeps_its_order);
  g_test_add_func ("/downlink/backlog-is-bounded", test_backlog_is_bounded);
  g_test_add_func ("/downlink/one-message-of-any-size-is-taken", test_one_message_of_any_size_is_taken);
  g_test_add_func ("/downlink/short-messages-wait-behind-a-large-one", test_short_messages_wait_behind_a_large_one);
  g_test_add_func ("/downlink/cancels-that-are-not-taken-do-not-pile-up",
                   test_cancels_that_are_not_taken_do_not_pile_up);
  g_test_add_func ("/downlink/room-rings-the-doorbell-once", test_room_rings_the_doorbell_once);
  g_test_add_func ("/downlink/finish-comes-behind-what-was-sent", test_finish_comes_behind_what_was_sent);
  g_test_add_func ("/downlink/finish-is-taken-when-the-backlog-is-full", test_finish_is_taken_when_the_backlog_is_full);
  g_test_add_func ("/downlink/cancel-overtakes-a-full-lane", test_cancel_overtakes_a_full_lane);
  g_test_add_func ("/downlink/cancel-ends-the-wait-for-messages", test_cancel_ends_the_wait_for_messages);
  g_test_add_func ("/downlink/cancels-wait-for-room-in-order", test_cancels_wait_for_room_in_order);
  g_test_add_func ("/downlink/closed-end-takes-nothing", test_closed_end_takes_nothing);
  g_test_add_func ("/downlink/grants-come-before-messages", test_grants_come_before_messages);
  g_test_add_func ("/downlink/grants-that-cannot-be-are-not-followed", test_grants_that_cannot_be_are_not_followed);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  add_tests_of_what_arrives ();
  g_test_add_func ("/downlink/deadline-ends-a-wait", test_deadline_ends_a_wait);
  g_test_add_func ("/downlink/interrupt-ends-one-wait", test_interrupt_ends_one_wait);
  g_test_add_func ("/downlink/closed-pipe-does-not-end-the-link", test_closed_pipe_does_not_end_the_link);
  g_test_add_func ("/downlink/worker-follows-no-broken-record", test_worker_follows_no_broken_record);
  g_test_add_func ("/downlink/worker-follows-no-impossible-index", test_worker_follows_no_impossible_index);
  g_test_add_func ("/downlink/broken-express-lane-is-heard-of-by-who-receives",
                   test_broken_express_lane_is_heard_of_by_who_receives);
  g_test_add_func ("/downlink/impossible-head-ends-the-link", test_impossible_head_ends_the_link);
  return g_test_run ();
}
