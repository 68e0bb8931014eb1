/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-session.c
 *
 * Sessions over wires of random weather, with cuts, restarts and forged packets, for many seeds. A seed that fails is
 * named in the output; FERRY_TEST_SEED runs that one alone, and FERRY_TEST_RUNS sets how many there are. */

#include "config.h"

#include "cluster/wire-test.h"

#include <stdlib.h>
#include <string.h>

#include "cluster/ferry-session-private.h"

#define DEFAULT_RUNS 700
#define HOUR G_TIME_SPAN_HOUR

typedef void (*Run) (WireTest *test);

/* Of each end, for all its sessions. */
static FerrySessionShare shares[2];

static void
run_seeds (Run run)
{
  const char *seed = g_getenv ("FERRY_TEST_SEED");
  const char *runs = g_getenv ("FERRY_TEST_RUNS");
  guint32 first = seed != NULL ? (guint32) strtoul (seed, NULL, 10) : 1;
  guint32 n = seed != NULL ? 1 : runs != NULL ? (guint32) strtoul (runs, NULL, 10) : DEFAULT_RUNS;

  for (guint32 i = first; i < first + n; i++)
    {
      g_autoptr (WireTest) test = wire_test_new (i);

      g_test_message ("seed %u", i);
      run (test);
      g_clear_pointer (&test, wire_test_free);
      for (guint end = 0; end < G_N_ELEMENTS (shares); end++)
        g_assert_cmpuint (shares[end].used, ==, 0);
    }
}

/* ---- what is random ---- */

static gboolean
happens (WireTest *test, double probability)
{
  return g_rand_double (test->random) < probability;
}

static guint
choose (WireTest *test, guint from, guint to)
{
  return (guint) g_rand_int_range (test->random, (gint32) from, (gint32) to + 1);
}

/* Small limits, so that they are met. */
static void
choose_settings (WireTest *test)
{
  for (guint i = 0; i < G_N_ELEMENTS (test->ends); i++)
    {
      FerrySessionSettings *settings = &test->ends[i].settings;

      settings->max_packet = choose (test, 512, 3000);
      settings->window_bytes = choose (test, 4096, 20000);
      settings->window_packets = choose (test, 1, 40);
      settings->max_message = choose (test, 10000, 30000);
      settings->max_queued = choose (test, 1000, 20000);
      shares[i] = (FerrySessionShare){.most = settings->max_message + settings->window_bytes};
      settings->share = &shares[i];
    }
}

static void
choose_weather (WireTest *test)
{
  test->weather.loss = happens (test, 0.3) ? 0 : g_rand_double_range (test->random, 0, 0.4);
  test->weather.doubled = happens (test, 0.3) ? 0 : g_rand_double_range (test->random, 0, 0.3);
  test->weather.min_delay = choose (test, 10, 50000);
  test->weather.max_delay = test->weather.min_delay + (happens (test, 0.4) ? 0 : choose (test, 10, 200000));
}

static gsize
choose_size (WireTest *test)
{
  return happens (test, 0.1) ? choose (test, 24, 9900) : choose (test, 24, 300);
}

/* Sends at random moments, often several at once. */
static void
send_some (WireTest *test, guint64 n_wanted)
{
  for (guint i = 0; i < G_N_ELEMENTS (test->ends); i++)
    {
      WireTestEnd *end = &test->ends[i];
      guint n = happens (test, 0.2) ? choose (test, 1, 8) : 0;

      while (n-- > 0 && end->session != NULL && end->n_sent < n_wanted && wire_test_send (end, choose_size (test)))
        ;
    }
}

static gboolean
has_sent (const WireTest *test, guint64 n_wanted)
{
  return test->ends[0].n_sent >= n_wanted && test->ends[1].n_sent >= n_wanted;
}

/* ---- loss, reordering, duplication ---- */

static void
run_weather (WireTest *test)
{
  guint n_wanted = choose (test, 1, 120);
  gint64 end;

  choose_settings (test);
  choose_weather (test);
  wire_test_open_both (test);
  end = wire_test_get_time () + HOUR;
  while (!has_sent (test, n_wanted))
    {
      g_assert_true (wire_test_step (test, end));
      send_some (test, n_wanted);
    }
  wire_test_run_until_received (test, HOUR);
  wire_test_run (test, 20 * G_USEC_PER_SEC);
  for (guint i = 0; i < G_N_ELEMENTS (test->ends); i++)
    {
      FerrySessionCounts counts = ferry_session_get_counts (test->ends[i].session);

      g_assert_cmpuint (test->ends[i].n_ended, ==, 0);
      g_assert_cmpuint (test->ends[i].n_received, ==, n_wanted);
      g_assert_cmpuint (counts.queued + counts.held + counts.assembled, ==, 0);
    }
}

static void
test_messages_come_once_and_in_order_in_any_weather (void)
{
  run_seeds (run_weather);
}

/* ---- requests that are given up ---- */

/* Sends a message that may be given up, or gives one up. n_kept: how many were not. */
static void
give_up_some (WireTest *test, GArray *asked, guint64 *n_kept)
{
  WireTestEnd *end = &test->ends[0];
  guint i = asked->len > 0 ? choose (test, 0, asked->len - 1) : 0;
  guint64 xid = happens (test, 0.2) ? wire_test_send_extra (end, choose (test, 3100, 9900)) : 0;

  if (xid != 0)
    {
      g_array_append_val (asked, xid);
      ++*n_kept;
    }
  else if (asked->len > 0 && happens (test, 0.3))
    {
      *n_kept -= ferry_session_drop_request (end->session, g_array_index (asked, guint64, i));
      g_array_remove_index (asked, i);
    }
}

static void
run_giving_up (WireTest *test)
{
  g_autoptr (GArray) asked = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint n_wanted = choose (test, 1, 120);
  guint64 n_kept = 0;
  gint64 end;

  choose_settings (test);
  choose_weather (test);
  wire_test_open_both (test);
  end = wire_test_get_time () + HOUR;
  while (!has_sent (test, n_wanted))
    {
      g_assert_true (wire_test_step (test, end));
      give_up_some (test, asked, &n_kept);
      send_some (test, n_wanted);
    }
  wire_test_run_until_received (test, HOUR);
  wire_test_run (test, 20 * G_USEC_PER_SEC);
  for (guint i = 0; i < G_N_ELEMENTS (test->ends); i++)
    {
      FerrySessionCounts counts;

      g_assert_no_error (test->ends[i].reason);
      counts = ferry_session_get_counts (test->ends[i].session);
      g_assert_cmpuint (counts.queued + counts.held + counts.assembled, ==, 0);
    }
  g_assert_cmpuint (test->ends[1].n_extra, ==, n_kept);
}

static void
test_request_that_is_given_up_takes_nothing_else_with_it (void)
{
  run_seeds (run_giving_up);
}

/* ---- cuts ---- */

/* A cut of less than the timeout, even of less than the rest of it, costs time only. */
static void
cut (WireTest *test)
{
  test->is_cut = TRUE;
  for (guint i = choose (test, 1, 20); i > 0; i--)
    {
      send_some (test, G_MAXUINT64);
      wire_test_run (test, G_USEC_PER_SEC);
    }
  test->is_cut = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (test->ends); i++)
    if (happens (test, 0.7))
      ferry_session_port_reconnected (test->ends[i].port);
}

static void
run_cuts (WireTest *test)
{
  choose_settings (test);
  choose_weather (test);
  test->weather.loss = MIN (test->weather.loss, 0.1);
  wire_test_open_both (test);
  for (guint i = choose (test, 1, 4); i > 0; i--)
    {
      for (guint j = choose (test, 0, 60); j > 0; j--)
        {
          send_some (test, G_MAXUINT64);
          wire_test_run (test, choose (test, 10, 20000));
        }
      cut (test);
      /* Something is heard before the next one. */
      wire_test_run (test, 5 * G_USEC_PER_SEC);
    }
  wire_test_run_until_received (test, HOUR);
  g_assert_cmpuint (test->ends[0].n_ended + test->ends[1].n_ended, ==, 0);
}

static void
test_cuts_shorter_than_the_timeout_cost_time_only (void)
{
  run_seeds (run_cuts);
}

/* ---- closing ---- */

static void
run_closing (WireTest *test)
{
  WireTestEnd *end = &test->ends[choose (test, 0, 1)];
  guint64 n_sent;

  choose_settings (test);
  choose_weather (test);
  wire_test_open_both (test);
  for (guint j = choose (test, 0, 40); j > 0; j--)
    {
      send_some (test, G_MAXUINT64);
      wire_test_run (test, choose (test, 10, 20000));
    }
  /* No packet of the opening is on its way any more, which would open another session. */
  wire_test_run (test, G_USEC_PER_SEC);
  send_some (test, G_MAXUINT64);
  n_sent = end->n_sent;
  ferry_transport_close (FERRY_TRANSPORT (end->session));
  test->is_cut = happens (test, 0.3);
  wire_test_run (test, choose (test, 1, 15) * G_USEC_PER_SEC);
  test->is_cut = FALSE;
  wire_test_run (test, 100 * G_USEC_PER_SEC);
  g_assert_cmpuint (end->other->n_received, ==, n_sent);
  g_assert_null (end->port);
  g_assert_null (end->other->port);
}

static void
test_what_was_sent_before_the_close_comes (void)
{
  run_seeds (run_closing);
}

/* ---- restarts ---- */

/* Kills an end, or closes its session, or opens a new one without a word. Then opens at one end or at both. */
static void
restart (WireTest *test)
{
  WireTestEnd *end = &test->ends[choose (test, 0, 1)];

  if (happens (test, 0.3) && end->session != NULL)
    ferry_transport_close (FERRY_TRANSPORT (end->session));
  else
    wire_test_kill (end);
  wire_test_run (test, happens (test, 0.5) ? 0 : choose (test, 1, 2000000));
  wire_test_open (end);
}

static void
run_restarts (WireTest *test)
{
  choose_settings (test);
  choose_weather (test);
  test->weather.loss = MIN (test->weather.loss, 0.2);
  wire_test_open_both (test);
  for (guint i = choose (test, 1, 6); i > 0; i--)
    {
      for (guint j = choose (test, 0, 40); j > 0; j--)
        {
          send_some (test, G_MAXUINT64);
          wire_test_run (test, choose (test, 10, 50000));
        }
      restart (test);
    }
  /* Whatever is left finds together, or ends. */
  wire_test_run (test, 100 * G_USEC_PER_SEC);
  for (guint i = 0; i < G_N_ELEMENTS (test->ends); i++)
    if (test->ends[i].session == NULL)
      wire_test_open (&test->ends[i]);
  wire_test_run (test, 100 * G_USEC_PER_SEC);
  g_assert_true (ferry_session_is_open (test->ends[0].session));
  g_assert_true (ferry_session_is_open (test->ends[1].session));
  g_assert_true (wire_test_send (&test->ends[0], 100) && wire_test_send (&test->ends[1], 100));
  wire_test_run_until_received (test, 100 * G_USEC_PER_SEC);
}

static void
test_restarts_of_either_end_mix_no_messages (void)
{
  run_seeds (run_restarts);
}

/* ---- forged packets ---- */

/* Changes a copy of a packet, which another end sends then: at least one of the epochs is another. */
static void
forge_from (WireTest *test, WireTestEnd *to, const guint8 *data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);

  for (guint i = choose (test, 0, 3); i > 0; i--)
    copy[choose (test, 0, (guint) size - 1)] ^= (guint8) choose (test, 1, 255);
  /* The low bytes of the two epochs, so that it is no later epoch either. */
  memset (copy + (happens (test, 0.5) ? 8 : 16), (int) choose (test, 1, 2), 8);
  wire_test_arrive (to, copy, happens (test, 0.1) ? choose (test, 0, (guint) size) : size);
}

static void
forge (WireTest *test, WireTestEnd *to)
{
  guint8 noise[100];

  for (guint i = 0; i < sizeof noise; i++)
    noise[i] = (guint8) choose (test, 0, 255);
  wire_test_arrive (to, noise, choose (test, 0, sizeof noise));
}

static gboolean
copy_forged (WireTestEnd *from, GBytes *packet, gpointer data)
{
  WireTest *test = from->test;

  if (from->other->session != NULL && ferry_session_is_open (from->other->session))
    {
      if (happens (test, 0.3))
        forge (test, from->other);
      if (happens (test, 0.5))
        forge_from (test, from->other, g_bytes_get_data (packet, NULL), g_bytes_get_size (packet));
    }
  return TRUE;
}

static void
run_forged (WireTest *test)
{
  guint n_wanted = choose (test, 1, 60);
  gint64 end;

  choose_settings (test);
  choose_weather (test);
  wire_test_open_both (test);
  test->filter = copy_forged;
  end = wire_test_get_time () + HOUR;
  while (!has_sent (test, n_wanted))
    {
      g_assert_true (wire_test_step (test, end));
      send_some (test, n_wanted);
    }
  wire_test_run_until_received (test, HOUR);
  g_assert_cmpuint (test->ends[0].n_ended + test->ends[1].n_ended, ==, 0);
}

static void
test_packets_of_others_are_dropped (void)
{
  run_seeds (run_forged);
}

/* ---- an end that lies ---- */

/* Changes a packet on its way, so that it is still of the session. */
static gboolean
change (WireTestEnd *from, GBytes *packet, gpointer data)
{
  WireTest *test = from->test;
  gsize size = g_bytes_get_size (packet);
  g_autofree guint8 *copy = NULL;

  if (from != &test->ends[0] || !happens (test, 0.05) || from->other->port == NULL)
    return TRUE;
  copy = g_memdup2 (g_bytes_get_data (packet, NULL), size);
  for (guint i = choose (test, 1, 3); i > 0; i--)
    {
      guint at = choose (test, 4, (guint) MIN (size, 100) - 1);

      if (at < 8 || at >= 24)
        copy[at] ^= (guint8) (1 << choose (test, 0, 7));
    }
  ferry_session_port_receive (from->other->port, copy, size);
  return FALSE;
}

static void
run_liar (WireTest *test)
{
  choose_settings (test);
  choose_weather (test);
  wire_test_open_both (test);
  test->ends[1].ignores = TRUE;
  test->filter = change;
  for (guint i = 0; i < 300 && test->ends[0].n_ended + test->ends[1].n_ended == 0; i++)
    {
      send_some (test, G_MAXUINT64);
      wire_test_run (test, choose (test, 10, 100000));
    }
  for (guint i = 0; i < G_N_ELEMENTS (test->ends); i++)
    g_assert_true (test->ends[i].reason == NULL || test->ends[i].reason->domain == FERRY_ERROR);
}

static void
test_end_that_lies_gets_its_session_ended_and_no_memory (void)
{
  run_seeds (run_liar);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/session-random/messages-come-once-and-in-order-in-any-weather",
                   test_messages_come_once_and_in_order_in_any_weather);
  g_test_add_func ("/session-random/request-that-is-given-up-takes-nothing-else-with-it",
                   test_request_that_is_given_up_takes_nothing_else_with_it);
  g_test_add_func ("/session-random/cuts-shorter-than-the-timeout-cost-time-only",
                   test_cuts_shorter_than_the_timeout_cost_time_only);
  g_test_add_func ("/session-random/what-was-sent-before-the-close-comes", test_what_was_sent_before_the_close_comes);
  g_test_add_func ("/session-random/restarts-of-either-end-mix-no-messages",
                   test_restarts_of_either_end_mix_no_messages);
  g_test_add_func ("/session-random/packets-of-others-are-dropped", test_packets_of_others_are_dropped);
  g_test_add_func ("/session-random/end-that-lies-gets-its-session-ended-and-no-memory",
                   test_end_that_lies_gets_its_session_ended_and_no_memory);
  return g_test_run ();
}
