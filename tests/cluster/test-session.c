/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-session.c
 *
 * What a session does in each single case, in simulated time. It is one file since these are the cases of one class. */

#include "config.h"

#include "cluster/wire-test.h"

#include <string.h>

#include "base/ferry-error.h"
#include "call/ferry-transport-private.h"
#include "cluster/ferry-session-private.h"

#define SECOND G_USEC_PER_SEC
#define MILLISECOND G_TIME_SPAN_MILLISECOND

/* ---- what goes over the wire ---- */

typedef struct
{
  guint n[FERRY_PACKET_BYE + 1]; /* packets of each kind, of both ends */
  FerryPacketKind lost;          /* packets of this kind are lost, as many as n_lost says */
  guint n_lost;
} Seen;

static gboolean
see (WireTestEnd *from, GBytes *bytes, gpointer data)
{
  Seen *seen = data;
  FerryPacket packet;

  g_assert_cmpint (ferry_packet_parse (&packet, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL), ==,
                   FERRY_PACKET_SOUND);
  seen->n[packet.header.kind]++;
  if (packet.header.kind != seen->lost || seen->n_lost == 0)
    return TRUE;
  seen->n_lost--;
  return FALSE;
}

static guint
count_all (const Seen *seen)
{
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (seen->n); i++)
    n += seen->n[i];
  return n;
}

/* From now on. */
static void
watch (WireTest *test, Seen *seen)
{
  test->filter = see;
  test->filter_data = seen;
}

static void
ignore_answer (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
}

static const FerryAnswerFuncs no_funcs = {.done = ignore_answer};

static void
send_many (WireTestEnd *end, guint n, gsize size)
{
  for (guint i = 0; i < n; i++)
    g_assert_true (wire_test_send (end, size));
}

/* ---- opening ---- */

static void
test_one_end_opens_the_other (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open (&test->ends[0]);
  g_assert_false (ferry_session_is_open (test->ends[0].session));
  wire_test_run (test, 10 * MILLISECOND);
  g_assert_true (ferry_session_is_open (test->ends[0].session));
  g_assert_true (ferry_session_is_open (test->ends[1].session));
}

static void
test_round_trip_is_measured_by_the_opening (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  test->weather = (WireTestWeather){.min_delay = 7 * MILLISECOND, .max_delay = 7 * MILLISECOND};
  wire_test_open_both (test);
  wire_test_run (test, 100 * MILLISECOND);
  g_assert_cmpint (ferry_session_get_round_trip (test->ends[0].session), ==, 14 * MILLISECOND);
  g_assert_cmpint (ferry_session_get_round_trip (test->ends[1].session), ==, 14 * MILLISECOND);
}

static void
test_lost_packets_of_the_opening_are_sent_again (void)
{
  for (guint n_lost = 1; n_lost < 8; n_lost++)
    {
      g_autoptr (WireTest) test = wire_test_new (1);
      Seen seen = {.lost = FERRY_PACKET_OPEN, .n_lost = n_lost};

      watch (test, &seen);
      wire_test_open_both (test);
      g_assert_cmpuint (seen.n_lost, ==, 0);
    }
}

static void
test_messages_may_be_sent_before_the_session_is_open (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open (&test->ends[0]);
  send_many (&test->ends[0], 10, 100);
  wire_test_run (test, SECOND);
  g_assert_cmpuint (test->ends[1].n_received, ==, 10);
}

static void
test_large_message_waits_until_its_limit_is_known (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  guint64 count;

  wire_test_open (&test->ends[0]);
  g_assert_false (wire_test_send (&test->ends[0], 100000));
  count = ferry_transport_get_room_count (FERRY_TRANSPORT (test->ends[0].session));
  wire_test_run (test, SECOND);
  g_assert_cmpuint (ferry_transport_get_room_count (FERRY_TRANSPORT (test->ends[0].session)), >, count);
  g_assert_true (wire_test_send (&test->ends[0], 100000));
  wire_test_run_until_received (test, SECOND);
  g_assert_cmpuint (test->ends[1].last_size, ==, 100000);
}

/* ---- sending ---- */

static void
test_messages_of_one_iteration_share_packets (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  Seen seen = {0};

  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  watch (test, &seen);
  send_many (&test->ends[0], 100, 200);
  wire_test_run (test, SECOND);
  g_assert_cmpuint (test->ends[1].n_received, ==, 100);
  g_assert_cmpuint (seen.n[FERRY_PACKET_DATA], ==, 1);
  g_assert_cmpuint (seen.n[FERRY_PACKET_ACK], ==, 1);
  g_assert_cmpuint (count_all (&seen), ==, 2);
}

static void
reply (WireTestEnd *end, guint64 number)
{
  g_assert_true (wire_test_send (end, 100));
}

static void
test_acknowledgements_ride_on_answers (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  Seen seen = {0};

  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  test->ends[1].received = reply;
  watch (test, &seen);
  for (guint i = 0; i < 20; i++)
    {
      g_assert_true (wire_test_send (&test->ends[0], 100));
      wire_test_run (test, 5 * MILLISECOND);
    }
  g_assert_cmpuint (seen.n[FERRY_PACKET_DATA], ==, 40);
  g_assert_cmpuint (count_all (&seen), ==, 40);
}

static void
test_message_of_many_megabytes_comes_whole (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  test->weather.loss = 0.05;
  g_assert_true (wire_test_send (&test->ends[0], 20 * 1024 * 1024));
  g_assert_false (wire_test_send (&test->ends[0], 24));
  wire_test_run_until_received (test, 600 * SECOND);
  g_assert_cmpuint (test->ends[1].last_size, ==, 20 * 1024 * 1024);
}

static void
test_message_beyond_the_lower_limit_of_both_ends_is_refused (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  const guint8 bytes[3000] = {0};
  const FerryRequest request = {.method = "m", .flags = FERRY_CALL_ONE_WAY, .packed = {bytes, sizeof bytes}};
  g_autoptr (GError) error = NULL;

  test->ends[1].settings.max_message = 2000;
  wire_test_open_both (test);
  g_assert_cmpuint (ferry_transport_ask (FERRY_TRANSPORT (test->ends[0].session), &request, NULL, NULL, &error), ==, 0);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  send_many (&test->ends[0], 1, 1900);
  wire_test_run_until_received (test, SECOND);
}

static void
test_room_is_told_of_after_a_refusal (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  FerryTransport *transport;
  guint64 count;

  test->ends[0].settings.max_queued = 5000;
  wire_test_open_both (test);
  transport = FERRY_TRANSPORT (test->ends[0].session);
  while (wire_test_send (&test->ends[0], 100))
    ;
  g_assert_cmpuint (ferry_session_get_counts (test->ends[0].session).queued, >=, 5000);
  g_assert_cmpuint (ferry_session_get_counts (test->ends[0].session).queued, <, 5300);
  count = ferry_transport_get_room_count (transport);
  wire_test_settle (test);
  g_assert_cmpuint (ferry_transport_get_room_count (transport), >, count);
  g_assert_true (wire_test_send (&test->ends[0], 100));
  wire_test_run_until_received (test, SECOND);
}

static void
test_no_more_than_the_window_is_under_way (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  Seen seen = {0};

  test->ends[0].settings.max_packet = 1000;
  test->ends[1].settings.window_packets = 4;
  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  test->is_cut = TRUE;
  watch (test, &seen);
  send_many (&test->ends[0], 10, 900);
  wire_test_settle (test);
  g_assert_cmpuint (ferry_session_get_counts (test->ends[0].session).n_sent, ==, 4);
  test->is_cut = FALSE;
  ferry_session_port_reconnected (test->ends[0].port);
  wire_test_run_until_received (test, SECOND);
}

/* ---- what is lost ---- */

static void
test_gap_is_filled_within_round_trips (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  Seen seen = {.lost = FERRY_PACKET_DATA, .n_lost = 1};

  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  watch (test, &seen);
  send_many (&test->ends[0], 1, 100);
  wire_test_settle (test);
  send_many (&test->ends[0], 1, 100);
  /* The second packet, the question, and the first packet again: a millisecond each. */
  wire_test_run (test, 3 * MILLISECOND);
  g_assert_cmpuint (test->ends[1].n_received, ==, 2);
  g_assert_cmpuint (ferry_session_get_counts (test->ends[0].session).n_resent, ==, 1);
}

static void
test_gap_soon_after_an_acknowledgement_is_asked_for_at_once (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  Seen seen = {0};

  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  send_many (&test->ends[0], 1, 100);
  /* It is acknowledged after 20 ms, and a millisecond on its way. */
  wire_test_run (test, 22 * MILLISECOND);
  seen = (Seen){.lost = FERRY_PACKET_DATA, .n_lost = 1};
  watch (test, &seen);
  for (guint i = 0; i < 2; i++)
    {
      send_many (&test->ends[0], 1, 100);
      wire_test_settle (test);
    }
  wire_test_run (test, 3 * MILLISECOND);
  g_assert_cmpuint (test->ends[1].n_received, ==, 3);
}

static gboolean
lose_every_other (WireTestEnd *from, GBytes *bytes, gpointer data)
{
  guint *n = data;
  FerryPacket packet;

  ferry_packet_parse (&packet, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL);
  if (packet.header.kind == FERRY_PACKET_ACK)
    g_assert_cmpuint (packet.ack.n_ranges, <=, FERRY_PACKET_MAX_RANGES);
  return packet.header.kind != FERRY_PACKET_DATA || *n >= 200 || (*n)++ % 2 != 0;
}

static void
test_more_gaps_than_one_question_holds_are_filled (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  guint n = 0;

  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  test->filter = lose_every_other;
  test->filter_data = &n;
  for (guint i = 0; i < 200; i++)
    {
      send_many (&test->ends[0], 1, 100);
      wire_test_settle (test);
    }
  wire_test_run_until_received (test, 10 * SECOND);
  g_assert_cmpuint (test->ends[1].n_received, ==, 200);
  g_assert_cmpuint (ferry_session_get_counts (test->ends[0].session).n_resent, ==, 100);
}

static void
test_last_packet_is_sent_again_after_a_while (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  Seen seen = {.lost = FERRY_PACKET_DATA, .n_lost = 1};

  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  watch (test, &seen);
  send_many (&test->ends[0], 1, 100);
  wire_test_run (test, 200 * MILLISECOND);
  g_assert_cmpuint (test->ends[1].n_received, ==, 0);
  wire_test_run (test, 10 * MILLISECOND);
  g_assert_cmpuint (test->ends[1].n_received, ==, 1);
}

static void
test_reconnecting_asks_at_once (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  test->is_cut = TRUE;
  send_many (&test->ends[0], 1, 100);
  send_many (&test->ends[1], 1, 100);
  /* The next ping of itself comes two seconds after the last one. */
  wire_test_run (test, 15 * SECOND);
  test->is_cut = FALSE;
  ferry_session_port_reconnected (test->ends[0].port);
  wire_test_run (test, 5 * MILLISECOND);
  g_assert_cmpuint (test->ends[0].n_received, ==, 1);
  g_assert_cmpuint (test->ends[1].n_received, ==, 1);
}

static void
test_questions_are_asked_no_more_often_than_needed (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  Seen seen = {.lost = FERRY_PACKET_DATA, .n_lost = 1};

  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  watch (test, &seen);
  for (guint i = 0; i < 30; i++)
    {
      send_many (&test->ends[0], 1, 100);
      wire_test_settle (test);
    }
  wire_test_run (test, SECOND);
  g_assert_cmpuint (test->ends[1].n_received, ==, 30);
  g_assert_cmpuint (seen.n[FERRY_PACKET_DATA], ==, 31);
  g_assert_cmpuint (seen.n[FERRY_PACKET_ACK], <=, 3);
}

/* ---- ends ---- */

static void
test_silence_ends_the_session_after_the_timeout (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  gint64 begin;

  test->ends[0].settings.timeout = 12 * SECOND;
  wire_test_open_both (test);
  test->is_cut = TRUE;
  begin = wire_test_get_time ();
  wire_test_run_until_ended (&test->ends[0], 60 * SECOND, FERRY_ERROR_CLOSED);
  g_assert_cmpint (wire_test_get_time () - begin, >=, 12 * SECOND - 10 * MILLISECOND);
  g_assert_cmpint (wire_test_get_time () - begin, <=, 14 * SECOND);
  g_assert_true (
    g_str_has_prefix (test->ends[0].reason->message, "The host 'b' was not heard of for 12 s; see whether "));
  wire_test_run_until_ended (&test->ends[1], 60 * SECOND, FERRY_ERROR_CLOSED);
  g_assert_cmpint (wire_test_get_time () - begin, >=, 30 * SECOND - 10 * MILLISECOND);
}

static void
test_end_that_is_doubted_and_silent_is_given_up_soon (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  gint64 begin;

  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  wire_test_kill (&test->ends[1]);
  begin = wire_test_get_time ();
  ferry_session_doubt (test->ends[0].session);
  wire_test_run_until_ended (&test->ends[0], 4 * SECOND, FERRY_ERROR_CLOSED);
  g_assert_cmpint (wire_test_get_time () - begin, >=, 3 * SECOND - 10 * MILLISECOND);
  g_assert_true (
    g_str_has_prefix (test->ends[0].reason->message, "The host 'b' was not heard of for 3 s; another has come"));
}

/* Also when the first questions are lost. */
static void
test_end_that_is_doubted_and_answers_stays (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  for (guint i = 0; i < 2; i++)
    {
      ferry_session_doubt (test->ends[0].session);
      wire_test_run (test, 60 * SECOND);
      ferry_session_doubt (test->ends[0].session);
      test->is_cut = TRUE;
      wire_test_run (test, 3 * SECOND / 2);
      test->is_cut = FALSE;
      wire_test_run (test, 60 * SECOND);
    }
  g_assert_cmpuint (test->ends[0].n_ended + test->ends[1].n_ended, ==, 0);
}

static void
test_session_that_nobody_answers_ends_after_the_timeout (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  test->is_cut = TRUE;
  wire_test_open (&test->ends[0]);
  wire_test_run_until_ended (&test->ends[0], 30 * SECOND, FERRY_ERROR_CLOSED);
}

/* A timer that is late says that this process was stopped: what came meanwhile is not received yet. */
static void
test_time_that_this_end_was_stopped_does_not_count (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  wire_test_stop (test, 100 * SECOND);
  wire_test_run (test, 100 * SECOND);
  g_assert_cmpuint (test->ends[0].n_ended + test->ends[1].n_ended, ==, 0);
}

typedef struct
{
  WireTestEnd *from;
  GBytes *packet; /* (owned) (nullable): the last one of that end */
} Copy;

static gboolean
copy_last (WireTestEnd *from, GBytes *packet, gpointer data)
{
  Copy *copy = data;

  if (from == copy->from)
    {
      g_clear_pointer (&copy->packet, g_bytes_unref);
      copy->packet = g_bytes_ref (packet);
    }
  return TRUE;
}

static void
test_stopped_end_that_hears_something_first_waits_no_longer (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  Copy copy = {&test->ends[1], NULL};

  wire_test_open_both (test);
  test->filter = copy_last;
  test->filter_data = &copy;
  wire_test_run (test, 10 * SECOND);
  wire_test_kill (&test->ends[1]);
  wire_test_stop (test, 1000 * SECOND);
  wire_test_arrive (&test->ends[0], g_bytes_get_data (copy.packet, NULL), g_bytes_get_size (copy.packet));
  wire_test_run_until_ended (&test->ends[0], 40 * SECOND, FERRY_ERROR_CLOSED);
  g_bytes_unref (copy.packet);
}

/* A server that is started again cuts both ends off, and they are not back at the same moment. */
static void
test_doubt_waits_while_the_wire_is_cut (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  for (guint i = 0; i < 2; i++)
    {
      test->is_cut = TRUE;
      /* Something else comes in the other end's place just before the cut, and in the middle of it. */
      if (i == 0)
        ferry_session_doubt (test->ends[0].session);
      ferry_session_disconnected (test->ends[0].session);
      wire_test_run (test, 10 * SECOND);
      g_assert_nonnull (test->ends[0].session);
      ferry_session_doubt (test->ends[0].session);
      wire_test_run (test, 10 * SECOND);
      ferry_session_reconnected (test->ends[0].session);
      wire_test_run (test, 4 * SECOND);
      g_assert_nonnull (test->ends[0].session);
      test->is_cut = FALSE;
      ferry_session_reconnected (test->ends[1].session);
      wire_test_run (test, 60 * SECOND);
    }
  /* And just after it. */
  test->is_cut = TRUE;
  ferry_session_disconnected (test->ends[0].session);
  ferry_session_reconnected (test->ends[0].session);
  ferry_session_doubt (test->ends[0].session);
  wire_test_run (test, 4 * SECOND);
  test->is_cut = FALSE;
  wire_test_run (test, 60 * SECOND);
  g_assert_cmpuint (test->ends[0].n_ended + test->ends[1].n_ended, ==, 0);
}

static void
test_doubt_goes_on_after_a_cut (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  gint64 begin;

  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  wire_test_kill (&test->ends[1]);
  ferry_session_doubt (test->ends[0].session);
  wire_test_run (test, SECOND);
  ferry_session_disconnected (test->ends[0].session);
  wire_test_run (test, SECOND);
  ferry_session_reconnected (test->ends[0].session);
  begin = wire_test_get_time ();
  wire_test_run_until_ended (&test->ends[0], 9 * SECOND, FERRY_ERROR_CLOSED);
  g_assert_cmpint (wire_test_get_time () - begin, >=, 8 * SECOND - 10 * MILLISECOND);
  g_assert_nonnull (strstr (test->ends[0].reason->message, "another has come in its place"));
}

/* A packet that is larger than the wire carries now can never arrive, whether it was sent before or waits. */
static void
test_wire_that_carries_less_ends_a_session_with_larger_packets (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (WireTest) test = wire_test_new (1);

      wire_test_open_both (test);
      test->is_cut = TRUE;
      g_assert_true (wire_test_send (&test->ends[0], 5000));
      if (i == 0)
        wire_test_settle (test);
      test->is_cut = FALSE;
      ferry_session_set_max_packet (test->ends[0].session, 1000);
      g_assert_cmpuint (test->ends[0].n_ended, ==, 1);
      g_assert_error (test->ends[0].reason, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
      g_assert_true (g_str_has_prefix (test->ends[0].reason->message, "The host 'b' cannot be sent a packet of 5"));
      g_assert_nonnull (strstr (test->ends[0].reason->message, "up to 1000 bytes; raise 'max_payload'"));
      g_assert_null (test->ends[0].port);
      wire_test_run_until_ended (&test->ends[1], 10 * MILLISECOND, FERRY_ERROR_CLOSED);
      g_assert_nonnull (strstr (test->ends[1].reason->message, "raise 'max_payload'"));
      g_assert_cmpuint (test->ends[1].n_received, ==, 0);
    }
}

static gboolean
note_size (WireTestEnd *from, GBytes *packet, gpointer data)
{
  gsize *largest = data;

  *largest = MAX (*largest, g_bytes_get_size (packet));
  return TRUE;
}

/* What is under way is small enough, and what comes later is cut into smaller pieces, or larger ones again. */
static void
test_wire_that_carries_less_gets_smaller_packets (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  const gsize sizes[] = {1000, 3000, 600, 1024 * 1024};
  gsize largest = 0;

  test->filter = note_size;
  test->filter_data = &largest;
  wire_test_open_both (test);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      test->is_cut = TRUE;
      send_many (&test->ends[0], 3, 100);
      wire_test_run (test, SECOND);
      test->is_cut = FALSE;
      largest = 0;
      ferry_session_set_max_packet (test->ends[0].session, sizes[i]);
      ferry_session_reconnected (test->ends[0].session);
      send_many (&test->ends[0], 3, 100);
      g_assert_true (wire_test_send (&test->ends[0], 50000));
      send_many (&test->ends[0], 3, 500);
      wire_test_run_until_received (test, 10 * SECOND);
      /* The last ones are acknowledged. */
      wire_test_run (test, SECOND);
      g_assert_cmpuint (largest, <=, sizes[i]);
      g_assert_cmpuint (largest, >=, MIN (sizes[i] - 100, 50000));
    }
  g_assert_cmpuint (test->ends[0].n_ended + test->ends[1].n_ended, ==, 0);
}

static void
test_close_is_heard_at_once_and_behind_the_messages (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  send_many (&test->ends[0], 5, 100);
  ferry_transport_close (FERRY_TRANSPORT (test->ends[0].session));
  wire_test_run_until_ended (&test->ends[1], 10 * MILLISECOND, FERRY_ERROR_CLOSED);
  g_assert_cmpuint (test->ends[1].n_received, ==, 5);
  g_assert_cmpstr (test->ends[1].reason->message, ==, "The application 'a' has closed the session; open a new one");
}

static void
test_session_that_was_dropped_lingers_until_everything_came (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  test->ends[0].settings.max_packet = 1000;
  test->ends[0].settings.window_packets = 2;
  test->weather.loss = 0.2;
  wire_test_open_both (test);
  send_many (&test->ends[0], 30, 900);
  g_clear_object (&test->ends[0].session);
  wire_test_run (test, 100 * MILLISECOND);
  test->is_cut = TRUE;
  wire_test_run (test, 10 * SECOND);
  g_assert_nonnull (test->ends[0].port);
  g_assert_cmpuint (test->ends[1].n_received, <, 30);
  test->is_cut = FALSE;
  wire_test_run_until_received (test, 600 * SECOND);
  wire_test_run (test, 60 * SECOND);
  g_assert_null (test->ends[0].port);
  g_assert_cmpuint (test->ends[1].n_ended, ==, 1);
}

static void
test_session_that_may_not_linger_is_gone_at_once (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  test->ends[0].settings.finished = NULL;
  wire_test_open_both (test);
  test->is_cut = TRUE;
  send_many (&test->ends[0], 1, 100);
  wire_test_settle (test);
  ferry_transport_close (FERRY_TRANSPORT (test->ends[0].session));
  g_assert_cmpuint (test->ends[0].n_freed, ==, 1);
  test->ends[0].port = NULL;
}

static void
test_port_that_is_finished_does_not_linger (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  test->is_cut = TRUE;
  send_many (&test->ends[0], 1, 100);
  wire_test_settle (test);
  ferry_session_port_finish (test->ends[0].port);
  g_assert_null (test->ends[0].port);
  g_assert_cmpuint (test->ends[0].n_ended, ==, 1);
}

/* Each takes what the other one sends, though it is not wanted any more. */
static void
test_both_ends_may_linger (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  for (guint i = 0; i < 2; i++)
    send_many (&test->ends[i], 10, 100);
  for (guint i = 0; i < 2; i++)
    ferry_transport_close (FERRY_TRANSPORT (test->ends[i].session));
  wire_test_run (test, SECOND);
  g_assert_null (test->ends[0].port);
  g_assert_null (test->ends[1].port);
}

static void
close_other (WireTestEnd *end, guint64 number)
{
  if (number == 2)
    ferry_transport_close (FERRY_TRANSPORT (end->session));
}

static void
test_handler_may_close_the_session (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  test->ends[1].received = close_other;
  send_many (&test->ends[0], 5, 100);
  wire_test_run_until_ended (&test->ends[0], 10 * MILLISECOND, FERRY_ERROR_CLOSED);
  g_assert_cmpuint (test->ends[1].n_received, ==, 3);
}

static void
test_end_that_has_forgotten_the_session_says_so (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  wire_test_kill (&test->ends[1]);
  test->ends[1].is_dead = FALSE;
  send_many (&test->ends[0], 1, 100);
  wire_test_run_until_ended (&test->ends[0], 10 * MILLISECOND, FERRY_ERROR_CLOSED);
  g_assert_cmpstr (test->ends[0].reason->message, ==,
                   "The host 'b' does not know this session, or takes no more; open a new one");
}

static gboolean
refuse (WireTestEnd *from, GBytes *packet, gpointer data)
{
  GBytes **refusal = data;

  *refusal = ferry_session_make_refusal (g_bytes_get_data (packet, NULL), g_bytes_get_size (packet));
  return FALSE;
}

static void
test_end_that_wants_no_session_says_so (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  g_autoptr (GBytes) refusal = NULL;

  test->filter = refuse;
  test->filter_data = &refusal;
  wire_test_open (&test->ends[0]);
  wire_test_settle (test);
  g_assert_nonnull (refusal);
  test->filter = NULL;
  wire_test_arrive (&test->ends[0], g_bytes_get_data (refusal, NULL), g_bytes_get_size (refusal));
  g_assert_cmpuint (test->ends[0].n_ended, ==, 1);
  g_assert_error (test->ends[0].reason, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static void
test_new_session_of_the_other_end_ends_this_one (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  wire_test_kill (&test->ends[1]);
  wire_test_open (&test->ends[1]);
  wire_test_run (test, 10 * MILLISECOND);
  g_assert_cmpuint (test->ends[0].n_ended, ==, 1);
  g_assert_error (test->ends[0].reason, FERRY_ERROR, FERRY_ERROR_CLOSED);
  /* And both have new ones. */
  g_assert_true (ferry_session_is_open (test->ends[0].session));
  g_assert_true (ferry_session_is_open (test->ends[1].session));
}

/* ---- idle ---- */

static void
test_idle_session_sends_heartbeats_and_nothing_else (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  Seen seen = {0};

  wire_test_open_both (test);
  send_many (&test->ends[0], 3, 100);
  wire_test_run (test, 4 * SECOND);
  watch (test, &seen);
  wire_test_run (test, 60 * SECOND);
  g_assert_cmpuint (seen.n[FERRY_PACKET_PING], ==, 24);
  g_assert_cmpuint (seen.n[FERRY_PACKET_PONG], ==, 24);
  g_assert_cmpuint (count_all (&seen), ==, 48);
}

/* ---- an end that is played by the test ---- */

typedef struct
{
  WireTest *test; /* (owned) */
  WireTestEnd *end;
  guint64 epoch;
  guint64 peer;    /* the epoch of the session */
  guint64 number;  /* of the next DATA packet */
  guint64 n_acked; /* what is acknowledged */
  guint32 bye;     /* the reason that came; 0: none */
  FerryPacket last;
  guint n[FERRY_PACKET_BYE + 1];
} Puppet;

static gboolean
puppet_hear (WireTestEnd *from, GBytes *bytes, gpointer data)
{
  Puppet *self = data;

  g_assert_cmpint (ferry_packet_parse (&self->last, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL), ==,
                   FERRY_PACKET_SOUND);
  self->peer = self->last.header.sender;
  self->n[self->last.header.kind]++;
  if (self->last.header.kind == FERRY_PACKET_BYE)
    self->bye = self->last.bye;
  return FALSE;
}

static FerryPacketHeader
puppet_make_header (const Puppet *self)
{
  return (FerryPacketHeader){
    .sender = self->epoch, .receiver = self->peer, .number = self->number, .ack = self->n_acked};
}

/* Takes packet. */
static void
puppet_say (Puppet *self, GBytes *packet)
{
  wire_test_arrive (self->end, g_bytes_get_data (packet, NULL), g_bytes_get_size (packet));
  wire_test_settle (self->test);
  g_bytes_unref (packet);
}

static void
puppet_say_open (Puppet *self)
{
  const FerryPacketLimits limits = {.window_packets = 16, .window_bytes = 65536, .max_message = 100000};
  FerryPacketHeader header = puppet_make_header (self);

  puppet_say (self, ferry_packet_new_open (&header, &limits));
}

/* share: (nullable): see FerrySessionSettings. */
static void
puppet_init_sharing (Puppet *self, FerrySessionShare *share)
{
  *self = (Puppet){.test = wire_test_new (1), .epoch = G_MAXUINT64 / 2};
  self->end = &self->test->ends[0];
  self->test->filter = puppet_hear;
  self->test->filter_data = self;
  self->end->settings.max_packet = 1024;
  self->end->settings.window_bytes = 8192;
  self->end->settings.window_packets = 8;
  self->end->settings.max_message = 10000;
  self->end->settings.share = share;
  self->end->ignores = TRUE;
  wire_test_open (self->end);
  wire_test_settle (self->test);
  puppet_say_open (self);
  g_assert_true (ferry_session_is_open (self->end->session));
}

static void
puppet_init (Puppet *self)
{
  puppet_init_sharing (self, NULL);
}

static void
puppet_clear (Puppet *self)
{
  wire_test_free (self->test);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Puppet, puppet_clear)

/* A DATA packet with one chunk of n bytes of the letter a. */
static GBytes *
puppet_make_data (Puppet *self, FerryChunk chunk)
{
  gsize size = FERRY_PACKET_HEADER_SIZE + ferry_packet_get_chunk_size (chunk.kind, chunk.size);
  FerryPacketHeader header = puppet_make_header (self);
  guint8 *data = g_malloc (size);

  header.kind = FERRY_PACKET_DATA;
  ferry_packet_write_header (data, &header);
  memset (ferry_packet_write_chunk (data + FERRY_PACKET_HEADER_SIZE, &chunk), 'a', chunk.size);
  self->number++;
  return g_bytes_new_take (data, size);
}

static void
puppet_assert_ended (Puppet *self, const char *text)
{
  g_assert_cmpuint (self->end->n_ended, ==, 1);
  g_assert_error (self->end->reason, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  if (text != NULL)
    g_assert_nonnull (strstr (self->end->reason->message, text));
  g_assert_cmpuint (self->bye, ==, FERRY_BYE_PROTOCOL);
}

static void
test_acknowledgement_of_what_was_not_sent_ends_the_session (void)
{
  g_auto (Puppet) puppet = {0};
  FerryPacketHeader header;

  puppet_init (&puppet);
  header = puppet_make_header (&puppet);
  header.ack = 1;
  puppet_say (&puppet, ferry_packet_new_ack (&header, NULL, 0));
  puppet_assert_ended (&puppet, "it acknowledged a packet that was not sent");
}

static void
test_question_for_what_was_not_sent_ends_the_session (void)
{
  g_auto (Puppet) puppet = {0};
  const FerryPacketRange range = {0, 1};
  FerryPacketHeader header;

  puppet_init (&puppet);
  header = puppet_make_header (&puppet);
  puppet_say (&puppet, ferry_packet_new_ack (&header, &range, 1));
  puppet_assert_ended (&puppet, "it asked for a packet that was not sent");
}

static void
test_more_packets_than_the_window_end_the_session (void)
{
  g_auto (Puppet) puppet = {0};

  puppet_init (&puppet);
  puppet.number = 7;
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.size = 10}));
  g_assert_cmpuint (puppet.end->n_ended, ==, 0);
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.size = 10}));
  puppet_assert_ended (&puppet, "it sent more packets than the window allows");
}

static void
test_number_beyond_the_window_ends_the_session (void)
{
  g_auto (Puppet) puppet = {0};
  FerryPacketHeader header;

  puppet_init (&puppet);
  header = puppet_make_header (&puppet);
  header.number = 9;
  puppet_say (&puppet, ferry_packet_new_ping (&header, FERRY_PACKET_PING, 1));
  puppet_assert_ended (&puppet, "it sent more packets than the window allows");
}

static void
test_more_bytes_than_the_window_end_the_session (void)
{
  g_auto (Puppet) puppet = {0};

  puppet_init (&puppet);
  puppet.number = 1;
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.size = 5000}));
  g_assert_cmpuint (ferry_session_get_counts (puppet.end->session).held, >, 5000);
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.size = 5000}));
  puppet_assert_ended (&puppet, "it sent more than the window allows");
}

static void
test_malformed_message_ends_the_session (void)
{
  g_auto (Puppet) puppet = {0};

  puppet_init (&puppet);
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.size = 5}));
  puppet_assert_ended (&puppet, NULL);
}

static void
test_fragments_that_break_a_rule_end_the_session (void)
{
  static const FerryChunk chunks[] = {
    {.kind = FERRY_CHUNK_FIRST, .size = 100, .total = 10001},
    {.kind = FERRY_CHUNK_FIRST, .size = 100, .total = 99},
    {.kind = FERRY_CHUNK_NEXT, .size = 100},
    {.kind = FERRY_CHUNK_DROP},
  };

  for (guint i = 0; i < G_N_ELEMENTS (chunks); i++)
    {
      g_auto (Puppet) puppet = {0};

      puppet_init (&puppet);
      puppet_say (&puppet, puppet_make_data (&puppet, chunks[i]));
      puppet_assert_ended (&puppet, "fragment");
    }
}

static void
test_fragments_beyond_their_size_end_the_session (void)
{
  g_auto (Puppet) puppet = {0};

  puppet_init (&puppet);
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.kind = FERRY_CHUNK_FIRST, .size = 100, .total = 200}));
  g_assert_cmpuint (ferry_session_get_counts (puppet.end->session).assembled, <=, 200);
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.kind = FERRY_CHUNK_NEXT, .size = 101}));
  puppet_assert_ended (&puppet, "more than its size");
}

/* Memory is taken for what came, not for what was announced. */
static void
test_announced_size_takes_no_memory (void)
{
  g_auto (Puppet) puppet = {0};

  puppet_init (&puppet);
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.kind = FERRY_CHUNK_FIRST, .size = 10, .total = 10000}));
  g_assert_cmpuint (puppet.end->n_ended, ==, 0);
  g_assert_cmpuint (ferry_session_get_counts (puppet.end->session).assembled, <=, 20);
}

/* ---- what several sessions keep together ---- */

#define MEBIBYTE (1024 * 1024)

static void
test_message_waits_until_there_is_room_for_all_of_it (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  const guint64 of_others = 5 * MEBIBYTE / 2;
  FerrySessionShare share = {.most = 3 * MEBIBYTE, .used = of_others};

  test->ends[1].settings.share = &share;
  wire_test_open_both (test);
  g_assert_true (wire_test_send (&test->ends[0], MEBIBYTE));
  wire_test_run (test, 10 * SECOND);
  g_assert_cmpuint (test->ends[1].n_received, ==, 0);
  g_assert_cmpuint (test->ends[1].n_ended, ==, 0);
  g_assert_cmpuint (ferry_session_get_counts (test->ends[1].session).n_unread, >, 0);
  g_assert_cmpuint (share.used, <=, share.most);
  share.used -= of_others;
  wire_test_run_until_received (test, SECOND);
  g_assert_cmpuint (test->ends[1].last_size, ==, MEBIBYTE);
  g_assert_cmpuint (share.used, ==, 0);
}

static void
test_small_messages_need_no_room (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  FerrySessionShare share = {.most = MEBIBYTE, .used = MEBIBYTE};

  test->ends[1].settings.share = &share;
  wire_test_open_both (test);
  test->weather.loss = 0.1;
  send_many (&test->ends[0], 500, 100);
  wire_test_run_until_received (test, 60 * SECOND);
  g_assert_cmpuint (share.used, ==, MEBIBYTE);
}

/* Or sessions that all have begun one would wait for each other. */
static void
test_message_that_has_begun_needs_no_more_room (void)
{
  g_auto (Puppet) puppet = {0};
  FerrySessionShare share = {.most = 20000};

  puppet_init_sharing (&puppet, &share);
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.kind = FERRY_CHUNK_FIRST, .size = 10, .total = 20}));
  g_assert_cmpuint (share.used, ==, 20);
  share.used = share.most;
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.kind = FERRY_CHUNK_NEXT, .size = 10}));
  g_assert_cmpuint (share.used, ==, share.most - 20);
}

static void
test_session_that_ends_leaves_its_room_to_others (void)
{
  g_auto (Puppet) puppet = {0};
  FerrySessionShare share = {.most = 20000};

  puppet_init_sharing (&puppet, &share);
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.kind = FERRY_CHUNK_FIRST, .size = 10, .total = 9000}));
  puppet.number++;
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.kind = FERRY_CHUNK_WHOLE, .size = 10}));
  g_assert_cmpuint (share.used, >, 9000);
  ferry_session_port_finish (puppet.end->port);
  g_assert_cmpuint (share.used, ==, 0);
}

/* Returns the number of a large request. */
static guint64
ask_much (WireTestEnd *end)
{
  g_autofree guint8 *bytes = g_malloc0 (8 * MEBIBYTE);
  const FerryRequest request = {.method = "m", .packed = {bytes, 8 * MEBIBYTE}};
  g_autoptr (GError) error = NULL;
  guint64 xid = ferry_transport_ask (FERRY_TRANSPORT (end->session), &request, &no_funcs, NULL, &error);

  g_assert_no_error (error);
  return xid;
}

static void
test_large_request_that_is_given_up_leaves_its_room_to_others (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  FerrySessionShare share = {.most = 20 * MEBIBYTE};
  guint64 xid;

  test->ends[1].settings.share = &share;
  wire_test_open_both (test);
  wire_test_run (test, SECOND);
  xid = ask_much (&test->ends[0]);
  wire_test_run (test, 2 * MILLISECOND);
  g_assert_cmpuint (ferry_session_get_counts (test->ends[1].session).assembled, >, 0);
  g_assert_cmpuint (share.used, >, 8 * MEBIBYTE);
  g_assert_false (ferry_session_drop_request (test->ends[0].session, xid + 1));
  g_assert_true (ferry_session_drop_request (test->ends[0].session, xid));
  g_assert_false (ferry_session_drop_request (test->ends[0].session, xid));
  g_assert_cmpuint (ferry_session_get_counts (test->ends[0].session).queued, <, 100);
  wire_test_run (test, SECOND);
  g_assert_cmpuint (ferry_session_get_counts (test->ends[1].session).assembled, ==, 0);
  g_assert_cmpuint (share.used, ==, 0);
  g_assert_cmpuint (ferry_session_get_counts (test->ends[1].session).n_received, <, 100);
  send_many (&test->ends[0], 3, 100);
  wire_test_run_until_received (test, SECOND);
  g_assert_true (wire_test_send (&test->ends[0], 3 * MEBIBYTE));
  wire_test_run_until_received (test, SECOND);
}

static void
test_packet_that_is_too_large_ends_the_session (void)
{
  g_auto (Puppet) puppet = {0};

  puppet_init (&puppet);
  puppet_say (&puppet, puppet_make_data (&puppet, (FerryChunk){.kind = FERRY_CHUNK_WHOLE, .size = 65536}));
  puppet_assert_ended (&puppet, "65,536 bytes");
}

/* An end that asks for everything again and again gets it once, and then once in 20 ms. */
static void
test_questions_that_come_too_often_are_not_answered (void)
{
  g_auto (Puppet) puppet = {0};
  const FerryPacketRange range = {0, 1};
  FerryPacketHeader header;

  puppet_init (&puppet);
  g_assert_true (wire_test_send (puppet.end, 100));
  wire_test_settle (puppet.test);
  g_assert_cmpuint (puppet.n[FERRY_PACKET_DATA], ==, 1);
  header = puppet_make_header (&puppet);
  for (guint i = 0; i < 1000; i++)
    {
      puppet_say (&puppet, ferry_packet_new_ack (&header, &range, 1));
      wire_test_run (puppet.test, 100);
    }
  g_assert_cmpuint (puppet.n[FERRY_PACKET_DATA], >=, 3);
  g_assert_cmpuint (puppet.n[FERRY_PACKET_DATA], <=, 7);
}

static void
test_lingering_ends_with_the_timeout (void)
{
  g_auto (Puppet) puppet = {0};

  puppet_init (&puppet);
  g_assert_true (wire_test_send (puppet.end, 100));
  ferry_transport_close (FERRY_TRANSPORT (puppet.end->session));
  /* The other end lives, and does not acknowledge. */
  for (guint i = 0; i < 36; i++)
    {
      FerryPacketHeader header = puppet_make_header (&puppet);

      if (i < 29)
        g_assert_nonnull (puppet.end->port);
      puppet_say (&puppet, ferry_packet_new_ack (&header, NULL, 0));
      wire_test_run (puppet.test, SECOND);
    }
  g_assert_null (puppet.end->port);
}

static void
test_packets_of_another_epoch_are_dropped (void)
{
  g_auto (Puppet) puppet = {0};
  FerryPacketHeader header;

  puppet_init (&puppet);
  header = puppet_make_header (&puppet);
  header.sender++;
  puppet_say (&puppet, ferry_packet_new_bye (&header, FERRY_BYE_CLOSED));
  header = puppet_make_header (&puppet);
  header.receiver++;
  puppet_say (&puppet, ferry_packet_new_bye (&header, FERRY_BYE_CLOSED));
  g_assert_cmpuint (puppet.end->n_ended, ==, 0);
  g_assert_cmpuint (ferry_session_get_counts (puppet.end->session).n_foreign, ==, 2);
}

static void
test_goodbye_is_not_answered (void)
{
  g_auto (Puppet) puppet = {0};
  FerryPacketHeader header;

  puppet_init (&puppet);
  header = puppet_make_header (&puppet);
  puppet_say (&puppet, ferry_packet_new_bye (&header, FERRY_BYE_CLOSED));
  g_assert_cmpuint (puppet.end->n_ended, ==, 1);
  g_assert_cmpuint (puppet.n[FERRY_PACKET_BYE], ==, 0);
}

/* It was on its way for long, from a session that is no more. */
static void
test_opening_of_an_earlier_epoch_is_dropped (void)
{
  g_auto (Puppet) puppet = {0};

  puppet_init (&puppet);
  puppet.epoch--;
  puppet.peer = 0;
  puppet_say_open (&puppet);
  g_assert_cmpuint (puppet.end->n_ended, ==, 0);
  g_assert_cmpuint (ferry_session_get_counts (puppet.end->session).n_foreign, ==, 1);
}

static void
test_other_version_is_named (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  guint8 packet[FERRY_PACKET_HEADER_SIZE] = {'F', 'R', 'Y', 'S', 7, FERRY_PACKET_OPEN};
  Seen seen = {0};

  wire_test_open (&test->ends[0]);
  wire_test_settle (test);
  watch (test, &seen);
  wire_test_arrive (&test->ends[0], packet, sizeof packet);
  g_assert_cmpuint (test->ends[0].n_ended, ==, 1);
  g_assert_error (test->ends[0].reason, FERRY_ERROR, FERRY_ERROR_VERSION);
  g_assert_nonnull (strstr (test->ends[0].reason->message, "version 7 "));
  g_assert_nonnull (strstr (test->ends[0].reason->message, "version 2;"));
  /* So that the other end learns of this one's version. */
  g_assert_cmpuint (seen.n[FERRY_PACKET_OPEN], ==, 1);
}

static void
test_other_byte_order_is_refused (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  const FerryPacketHeader header = {.sender = 1};
  const FerryPacketLimits limits = {.window_packets = 1, .window_bytes = 4096, .max_message = 1};
  g_autoptr (GBytes) open = ferry_packet_new_open (&header, &limits);
  gsize size = g_bytes_get_size (open);
  g_autofree guint8 *copy = g_memdup2 (g_bytes_get_data (open, NULL), size);
  guint32 mark;

  memcpy (&mark, copy + FERRY_PACKET_HEADER_SIZE, sizeof mark);
  mark = GUINT32_SWAP_LE_BE (mark);
  memcpy (copy + FERRY_PACKET_HEADER_SIZE, &mark, sizeof mark);
  wire_test_open (&test->ends[0]);
  wire_test_arrive (&test->ends[0], copy, size);
  g_assert_error (test->ends[0].reason, FERRY_ERROR, FERRY_ERROR_VERSION);
}

/* ---- threads, and loops within handlers ---- */

static gpointer
close_and_drop (gpointer data)
{
  FerrySession *session = data;

  ferry_transport_close (FERRY_TRANSPORT (session));
  g_object_unref (session);
  return NULL;
}

static void
test_session_may_be_dropped_on_another_thread (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  send_many (&test->ends[0], 3, 100);
  g_thread_join (g_thread_new ("drops", close_and_drop, g_steal_pointer (&test->ends[0].session)));
  wire_test_run_until_ended (&test->ends[1], 10 * MILLISECOND, FERRY_ERROR_CLOSED);
  g_assert_cmpuint (test->ends[1].n_received, ==, 3);
}

typedef struct
{
  FerrySession *session; /* (owned) */
  guint n;
} Teller;

static gpointer
tell_often (gpointer data)
{
  Teller *teller = data;
  FerryTransport *transport = FERRY_TRANSPORT (teller->session);
  const guint8 bytes[100] = {0};
  const FerryRequest request = {.method = "m", .flags = FERRY_CALL_ONE_WAY, .packed = {bytes, sizeof bytes}};

  while (teller->n > 0)
    {
      guint64 count = ferry_transport_get_room_count (transport);
      g_autoptr (GError) error = NULL;

      if (ferry_transport_ask (transport, &request, NULL, NULL, &error) != 0)
        teller->n--;
      else if (!ferry_transport_wait_for_room (transport, count, 0, NULL, NULL))
        break;
    }
  g_clear_object (&teller->session);
  return NULL;
}

static void
test_other_threads_may_send (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);
  GThread *threads[3];
  Teller tellers[3];

  test->ends[0].settings.max_queued = 5000;
  wire_test_open_both (test);
  test->ends[1].ignores = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      tellers[i] = (Teller){g_object_ref (test->ends[0].session), 2000};
      threads[i] = g_thread_new ("teller", tell_often, &tellers[i]);
    }
  while (test->ends[1].n_ignored < 6000)
    wire_test_step (test, wire_test_get_time () + MILLISECOND);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
run_inside (WireTestEnd *end, guint64 number)
{
  gint64 until = wire_test_get_time () + 10 * MILLISECOND;

  if (number != 0)
    return;
  /* The later packets come, and wait until this message is done with. */
  while (wire_test_step (end->test, until))
    ;
  g_assert_cmpuint (end->n_received, ==, 1);
  g_assert_cmpuint (ferry_session_get_counts (end->session).held, >, 0);
}

static void
test_handler_that_runs_a_loop_is_not_overtaken (void)
{
  g_autoptr (WireTest) test = wire_test_new (1);

  wire_test_open_both (test);
  test->ends[1].received = run_inside;
  for (guint i = 0; i < 5; i++)
    {
      send_many (&test->ends[0], 1, 100);
      wire_test_settle (test);
    }
  wire_test_run_until_received (test, SECOND);
}

/* ---- cancels ---- */

static void
answered (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
}

static void
test_cancel_overtakes_what_waits (void)
{
  static const FerryAnswerFuncs funcs = {.done = answered};
  g_autoptr (WireTest) test = wire_test_new (1);
  const FerryRequest request = {.method = "long"};
  FerryTransport *transport;
  guint64 xid;

  test->ends[0].settings.max_packet = 1024;
  test->ends[1].settings.window_packets = 4;
  test->ends[1].ignores = TRUE;
  wire_test_open_both (test);
  transport = FERRY_TRANSPORT (test->ends[0].session);
  xid = ferry_transport_ask (transport, &request, &funcs, NULL, NULL);
  wire_test_run (test, SECOND);
  g_assert_nonnull (test->ends[1].call);
  send_many (&test->ends[0], 400, 900);
  g_assert_true (ferry_transport_cancel (transport, xid, FERRY_CANCEL_REASON_CANCELLED));
  while (ferry_call_get_cancelled (test->ends[1].call) == 0)
    g_assert_true (wire_test_step (test, wire_test_get_time () + SECOND));
  g_assert_cmpuint (test->ends[1].n_ignored, <=, 1 + 8);
}

static const struct
{
  const char *path;
  GTestFunc func;
} facts[] = {
  {"/session/one-end-opens-the-other", test_one_end_opens_the_other},
  {"/session/round-trip-is-measured-by-the-opening", test_round_trip_is_measured_by_the_opening},
  {"/session/lost-packets-of-the-opening-are-sent-again", test_lost_packets_of_the_opening_are_sent_again},
  {"/session/messages-may-be-sent-before-the-session-is-open", test_messages_may_be_sent_before_the_session_is_open},
  {"/session/large-message-waits-until-its-limit-is-known", test_large_message_waits_until_its_limit_is_known},
  {"/session/messages-of-one-iteration-share-packets", test_messages_of_one_iteration_share_packets},
  {"/session/acknowledgements-ride-on-answers", test_acknowledgements_ride_on_answers},
  {"/session/message-of-many-megabytes-comes-whole", test_message_of_many_megabytes_comes_whole},
  {"/session/message-beyond-the-lower-limit-of-both-ends-is-refused",
   test_message_beyond_the_lower_limit_of_both_ends_is_refused},
  {"/session/room-is-told-of-after-a-refusal", test_room_is_told_of_after_a_refusal},
  {"/session/no-more-than-the-window-is-under-way", test_no_more_than_the_window_is_under_way},
  {"/session/gap-is-filled-within-round-trips", test_gap_is_filled_within_round_trips},
  {"/session/gap-soon-after-an-acknowledgement-is-asked-for-at-once",
   test_gap_soon_after_an_acknowledgement_is_asked_for_at_once},
  {"/session/more-gaps-than-one-question-holds-are-filled", test_more_gaps_than_one_question_holds_are_filled},
  {"/session/last-packet-is-sent-again-after-a-while", test_last_packet_is_sent_again_after_a_while},
  {"/session/reconnecting-asks-at-once", test_reconnecting_asks_at_once},
  {"/session/questions-are-asked-no-more-often-than-needed", test_questions_are_asked_no_more_often_than_needed},
  {"/session/end-that-is-doubted-and-silent-is-given-up-soon", test_end_that_is_doubted_and_silent_is_given_up_soon},
  {"/session/end-that-is-doubted-and-answers-stays", test_end_that_is_doubted_and_answers_stays},
  {"/session/doubt-waits-while-the-wire-is-cut", test_doubt_waits_while_the_wire_is_cut},
  {"/session/doubt-goes-on-after-a-cut", test_doubt_goes_on_after_a_cut},
  {"/session/wire-that-carries-less-ends-a-session-with-larger-packets",
   test_wire_that_carries_less_ends_a_session_with_larger_packets},
  {"/session/wire-that-carries-less-gets-smaller-packets", test_wire_that_carries_less_gets_smaller_packets},
  {"/session/silence-ends-the-session-after-the-timeout", test_silence_ends_the_session_after_the_timeout},
  {"/session/session-that-nobody-answers-ends-after-the-timeout",
   test_session_that_nobody_answers_ends_after_the_timeout},
  {"/session/time-that-this-end-was-stopped-does-not-count", test_time_that_this_end_was_stopped_does_not_count},
  {"/session/stopped-end-that-hears-something-first-waits-no-longer",
   test_stopped_end_that_hears_something_first_waits_no_longer},
  {"/session/close-is-heard-at-once-and-behind-the-messages", test_close_is_heard_at_once_and_behind_the_messages},
  {"/session/session-that-was-dropped-lingers-until-everything-came",
   test_session_that_was_dropped_lingers_until_everything_came},
  {"/session/session-that-may-not-linger-is-gone-at-once", test_session_that_may_not_linger_is_gone_at_once},
  {"/session/port-that-is-finished-does-not-linger", test_port_that_is_finished_does_not_linger},
  {"/session/both-ends-may-linger", test_both_ends_may_linger},
  {"/session/handler-may-close-the-session", test_handler_may_close_the_session},
  {"/session/end-that-has-forgotten-the-session-says-so", test_end_that_has_forgotten_the_session_says_so},
  {"/session/end-that-wants-no-session-says-so", test_end_that_wants_no_session_says_so},
  {"/session/new-session-of-the-other-end-ends-this-one", test_new_session_of_the_other_end_ends_this_one},
  {"/session/idle-session-sends-heartbeats-and-nothing-else", test_idle_session_sends_heartbeats_and_nothing_else},
  {"/session/acknowledgement-of-what-was-not-sent-ends-the-session",
   test_acknowledgement_of_what_was_not_sent_ends_the_session},
  {"/session/question-for-what-was-not-sent-ends-the-session", test_question_for_what_was_not_sent_ends_the_session},
  {"/session/more-packets-than-the-window-end-the-session", test_more_packets_than_the_window_end_the_session},
  {"/session/number-beyond-the-window-ends-the-session", test_number_beyond_the_window_ends_the_session},
  {"/session/more-bytes-than-the-window-end-the-session", test_more_bytes_than_the_window_end_the_session},
  {"/session/malformed-message-ends-the-session", test_malformed_message_ends_the_session},
  {"/session/fragments-that-break-a-rule-end-the-session", test_fragments_that_break_a_rule_end_the_session},
  {"/session/fragments-beyond-their-size-end-the-session", test_fragments_beyond_their_size_end_the_session},
  {"/session/announced-size-takes-no-memory", test_announced_size_takes_no_memory},
  {"/session/message-waits-until-there-is-room-for-all-of-it", test_message_waits_until_there_is_room_for_all_of_it},
  {"/session/small-messages-need-no-room", test_small_messages_need_no_room},
  {"/session/message-that-has-begun-needs-no-more-room", test_message_that_has_begun_needs_no_more_room},
  {"/session/session-that-ends-leaves-its-room-to-others", test_session_that_ends_leaves_its_room_to_others},
  {"/session/large-request-that-is-given-up-leaves-its-room-to-others",
   test_large_request_that_is_given_up_leaves_its_room_to_others},
  {"/session/packet-that-is-too-large-ends-the-session", test_packet_that_is_too_large_ends_the_session},
  {"/session/questions-that-come-too-often-are-not-answered", test_questions_that_come_too_often_are_not_answered},
  {"/session/lingering-ends-with-the-timeout", test_lingering_ends_with_the_timeout},
  {"/session/packets-of-another-epoch-are-dropped", test_packets_of_another_epoch_are_dropped},
  {"/session/goodbye-is-not-answered", test_goodbye_is_not_answered},
  {"/session/opening-of-an-earlier-epoch-is-dropped", test_opening_of_an_earlier_epoch_is_dropped},
  {"/session/other-version-is-named", test_other_version_is_named},
  {"/session/other-byte-order-is-refused", test_other_byte_order_is_refused},
  {"/session/session-may-be-dropped-on-another-thread", test_session_may_be_dropped_on_another_thread},
  {"/session/other-threads-may-send", test_other_threads_may_send},
  {"/session/handler-that-runs-a-loop-is-not-overtaken", test_handler_that_runs_a_loop_is_not_overtaken},
  {"/session/cancel-overtakes-what-waits", test_cancel_overtakes_what_waits},
};

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    g_test_add_func (facts[i].path, facts[i].func);
  return g_test_run ();
}
