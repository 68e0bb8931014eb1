/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-traffic.c
 *
 * What a link's empty lane is to do, by what the link has carried: each rule with the counts on both sides of it. */

#include "config.h"

#include "link/ferry-link-private.h"

typedef struct
{
  FerryTraffic traffic;
  FerryTrafficView view;
} Link;

static void
link_init (Link *self)
{
  ferry_traffic_init (&self->traffic);
  /* The first rest of a link, long after it was made. */
  self->view = (FerryTrafficView){.now = G_USEC_PER_SEC};
  ferry_traffic_note_rest (&self->traffic, &self->view);
}

/* n records of size bytes in all come, in microseconds. */
static void
carry (Link *self, guint n, gsize size, gint64 microseconds)
{
  ferry_traffic_note_records (&self->traffic, n);
  self->view.head += size;
  self->view.now += microseconds;
}

static FerryRest
rest (Link *self)
{
  FerryRest rest = ferry_traffic_choose_rest (&self->traffic, &self->view);

  ferry_traffic_note_rest (&self->traffic, &self->view);
  return rest;
}

static void
test_a_quiet_lane_is_armed (void)
{
  Link link;

  link_init (&link);
  carry (&link, 1, 64, 1000);
  g_assert_cmpint (rest (&link), ==, FERRY_REST_ARMED);
}

static void
test_a_busy_lane_naps (void)
{
  const struct
  {
    guint n;
    gsize size;
    gint64 microseconds;
    FerryRest expected;
  } cases[] = {
    {4, 4096, 204, FERRY_REST_SHORT_NAP}, /* the least */
    {3, 4096, 204, FERRY_REST_ARMED},     /* too few records */
    {4, 4088, 204, FERRY_REST_ARMED},     /* too few bytes */
    {4, 4096, 205, FERRY_REST_ARMED},     /* too slow */
    {100000, 6400000, 320000, FERRY_REST_SHORT_NAP},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Link link;

      link_init (&link);
      carry (&link, cases[i].n, cases[i].size, cases[i].microseconds);
      g_assert_cmpint (rest (&link), ==, cases[i].expected);
    }
}

static void
test_a_lane_is_busy_only_since_its_latest_rest (void)
{
  Link link;

  link_init (&link);
  carry (&link, 100, 100000, 100);
  g_assert_cmpint (rest (&link), ==, FERRY_REST_SHORT_NAP);
  carry (&link, 1, 64, 50);
  g_assert_cmpint (rest (&link), ==, FERRY_REST_ARMED);
}

static void
test_a_conversation_does_not_nap (void)
{
  Link link;

  link_init (&link);
  carry (&link, 64, 64000, 100);
  /* Two records for each message are part of a conversation. */
  link.view.n_sent += 32;
  g_assert_cmpint (rest (&link), ==, FERRY_REST_ARMED);
  carry (&link, 65, 65000, 100);
  link.view.n_sent += 32;
  g_assert_cmpint (rest (&link), ==, FERRY_REST_SHORT_NAP);
}

static void
test_answers_to_earlier_messages_are_a_conversation (void)
{
  Link link;

  link_init (&link);
  link.view.n_sent += 50;
  g_assert_cmpint (rest (&link), ==, FERRY_REST_ARMED);
  carry (&link, 100, 100000, 100);
  g_assert_true (ferry_traffic_converses (&link.traffic, link.view.n_sent));
  carry (&link, 1, 1000, 1);
  g_assert_false (ferry_traffic_converses (&link.traffic, link.view.n_sent));
}

static void
test_credit_for_earlier_messages_has_a_limit (void)
{
  Link link;

  link_init (&link);
  link.view.n_sent += 1000000;
  rest (&link);
  carry (&link, 4096, 4096, 1);
  g_assert_true (ferry_traffic_converses (&link.traffic, link.view.n_sent));
  carry (&link, 1, 1, 1);
  g_assert_false (ferry_traffic_converses (&link.traffic, link.view.n_sent));
}

static void
test_a_flood_goes_to_the_monitor (void)
{
  Link link;

  link_init (&link);
  carry (&link, 511, 511, 1);
  g_assert_false (ferry_traffic_carries_many (&link.traffic, 0));
  carry (&link, 1, 1, 1);
  g_assert_true (ferry_traffic_carries_many (&link.traffic, 0));
  g_assert_false (ferry_traffic_carries_many (&link.traffic, 256));
}

static void
test_a_long_conversation_does_not_become_a_flood (void)
{
  Link link;

  link_init (&link);
  carry (&link, 600, 600, 1);
  ferry_traffic_settle (&link.traffic, 600);
  g_assert_false (ferry_traffic_carries_many (&link.traffic, 600));
  /* 600 of the credit are left. */
  carry (&link, 601, 601, 1);
  g_assert_true (ferry_traffic_carries_many (&link.traffic, 600));
  ferry_traffic_settle (&link.traffic, 600);
  g_assert_true (ferry_traffic_carries_many (&link.traffic, 600));
}

static void
test_a_restart_says_whether_worker_and_application_converse (void)
{
  Link link;

  link_init (&link);
  g_assert_false (ferry_traffic_restart (&link.traffic, 0));
  carry (&link, 2, 2, 1);
  g_assert_true (ferry_traffic_restart (&link.traffic, 1));
  carry (&link, 1, 1, 1);
  g_assert_false (ferry_traffic_restart (&link.traffic, 1));
}

static void
test_a_stream_of_buffers_naps (void)
{
  Link link;

  link_init (&link);
  carry (&link, 1, 64, 1000);
  ferry_traffic_note_buffer (&link.traffic, 20000);
  /* With one buffer, the worker may be waiting for the answer to it. */
  link.view.n_held = 1;
  g_assert_false (ferry_traffic_is_busy (&link.traffic, &link.view));
  link.view.n_held = 2;
  g_assert_true (ferry_traffic_is_busy (&link.traffic, &link.view));
  link.view.now++;
  g_assert_false (ferry_traffic_is_busy (&link.traffic, &link.view));
}

static void
test_records_one_by_one_make_the_link_muted (void)
{
  Link link;

  link_init (&link);
  link.view.now += 1000;
  for (guint i = 0; i < 32; i++)
    {
      carry (&link, 1, 64, 10);
      g_assert_cmpint (rest (&link), ==, FERRY_REST_ARMED);
    }
  carry (&link, 1, 64, 10);
  g_assert_cmpint (rest (&link), ==, FERRY_REST_MUTED);
  /* In the next millisecond they are counted anew. */
  carry (&link, 1, 64, 1000);
  g_assert_cmpint (rest (&link), ==, FERRY_REST_ARMED);
}

static void
test_answers_one_by_one_do_not_make_the_link_muted (void)
{
  Link link;

  link_init (&link);
  for (guint i = 0; i < 1000; i++)
    {
      link.view.n_sent++;
      carry (&link, 1, 64, 1);
      g_assert_cmpint (rest (&link), ==, FERRY_REST_ARMED);
    }
}

static void
test_rings_in_vain_make_the_link_muted_for_long (void)
{
  Link link;

  link_init (&link);
  for (guint i = 0; i < 16; i++)
    {
      g_assert_cmpint (ferry_traffic_choose_rest (&link.traffic, &link.view), ==, FERRY_REST_ARMED);
      g_assert_false (ferry_traffic_rings_in_vain (&link.traffic));
      g_assert_true (ferry_traffic_note_ring (&link.traffic, 7));
    }
  /* The first ring came with progress. */
  g_assert_cmpint (ferry_traffic_choose_rest (&link.traffic, &link.view), ==, FERRY_REST_LONG_MUTED);
  g_assert_true (ferry_traffic_note_ring (&link.traffic, 7));
  g_assert_true (ferry_traffic_rings_in_vain (&link.traffic));
}

static void
test_a_muted_link_is_heard_again_for_some_rings (void)
{
  Link link;

  link_init (&link);
  for (guint i = 0; i < 20; i++)
    ferry_traffic_note_ring (&link.traffic, 7);
  ferry_traffic_note_muted (&link.traffic);
  for (guint i = 0; i < 4; i++)
    {
      g_assert_cmpint (ferry_traffic_choose_rest (&link.traffic, &link.view), ==, FERRY_REST_ARMED);
      ferry_traffic_note_ring (&link.traffic, 7);
    }
  g_assert_cmpint (ferry_traffic_choose_rest (&link.traffic, &link.view), ==, FERRY_REST_LONG_MUTED);
}

static void
test_progress_forgives_all_rings (void)
{
  Link link;

  link_init (&link);
  for (guint i = 0; i < 900; i++)
    g_assert_true (ferry_traffic_note_ring (&link.traffic, 7));
  g_assert_true (ferry_traffic_note_ring (&link.traffic, 8));
  g_assert_false (ferry_traffic_rings_in_vain (&link.traffic));
  g_assert_cmpint (ferry_traffic_choose_rest (&link.traffic, &link.view), ==, FERRY_REST_ARMED);
}

static void
test_a_thousand_rings_in_vain_are_one_too_many (void)
{
  Link link;

  link_init (&link);
  for (guint i = 0; i < 1000; i++)
    g_assert_true (ferry_traffic_note_ring (&link.traffic, 7));
  g_assert_false (ferry_traffic_note_ring (&link.traffic, 7));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/traffic/a-quiet-lane-is-armed", test_a_quiet_lane_is_armed);
  g_test_add_func ("/traffic/a-busy-lane-naps", test_a_busy_lane_naps);
  g_test_add_func ("/traffic/a-lane-is-busy-only-since-its-latest-rest",
                   test_a_lane_is_busy_only_since_its_latest_rest);
  g_test_add_func ("/traffic/a-conversation-does-not-nap", test_a_conversation_does_not_nap);
  g_test_add_func ("/traffic/answers-to-earlier-messages-are-a-conversation",
                   test_answers_to_earlier_messages_are_a_conversation);
  g_test_add_func ("/traffic/credit-for-earlier-messages-has-a-limit", test_credit_for_earlier_messages_has_a_limit);
  g_test_add_func ("/traffic/a-flood-goes-to-the-monitor", test_a_flood_goes_to_the_monitor);
  g_test_add_func ("/traffic/a-long-conversation-does-not-become-a-flood",
                   test_a_long_conversation_does_not_become_a_flood);
  g_test_add_func ("/traffic/a-restart-says-whether-worker-and-application-converse",
                   test_a_restart_says_whether_worker_and_application_converse);
  g_test_add_func ("/traffic/a-stream-of-buffers-naps", test_a_stream_of_buffers_naps);
  g_test_add_func ("/traffic/records-one-by-one-make-the-link-muted", test_records_one_by_one_make_the_link_muted);
  g_test_add_func ("/traffic/answers-one-by-one-do-not-make-the-link-muted",
                   test_answers_one_by_one_do_not_make_the_link_muted);
  g_test_add_func ("/traffic/rings-in-vain-make-the-link-muted-for-long",
                   test_rings_in_vain_make_the_link_muted_for_long);
  g_test_add_func ("/traffic/a-muted-link-is-heard-again-for-some-rings",
                   test_a_muted_link_is_heard_again_for_some_rings);
  g_test_add_func ("/traffic/progress-forgives-all-rings", test_progress_forgives_all_rings);
  g_test_add_func ("/traffic/a-thousand-rings-in-vain-are-one-too-many",
                   test_a_thousand_rings_in_vain_are_one_too_many);
  return g_test_run ();
}
