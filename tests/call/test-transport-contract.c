/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-transport.c, call/ferry-request.c, call/ferry-call.c, call/ferry-room.c,
 *        call/ferry-link-transport.c, call/ferry-worker-transport.c, classic/ferry-polled-transport.c,
 *        conversation/ferry-stream-transport.c, pool/ferry-pool-worker.c, job/ferry-serve.c
 *
 * What everything keeps to that carries calls. Each fact is tested with each kind that has the traits that it needs
 * (contract-test.c); test-transport-ends.c has those about the end. */

#include "config.h"

#include "call/contract-test.h"

#include <string.h>

static guint
echo (ContractEnd *end, guint number)
{
  return contract_ask (end, "echo", g_variant_new_uint32 (number));
}

static void
assert_echoed (ContractEnd *end, guint asked, guint number)
{
  g_autofree char *text = g_strdup_printf ("uint32 %u", number);

  contract_assert_answered (end, asked, text);
}

static void
test_delivers_in_order (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  contract_do (pair->ends[OTHER], "take");
  contract_wait_told (pair->ends[OTHER], contract_do_number (pair->ends[ONE], "tell-numbers", NULL));
}

static void
test_asks_and_answers (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  contract_do (pair->ends[OTHER], "take");
  for (guint i = 0; i < 100; i++)
    assert_echoed (pair->ends[ONE], echo (pair->ends[ONE], i), i);
}

static void
test_both_ends_ask_and_answer (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  contract_do (pair->ends[ONE], "take");
  contract_do (pair->ends[OTHER], "take");
  for (guint i = 0; i < 100; i++)
    {
      const guint there = echo (pair->ends[ONE], i);
      const guint back = echo (pair->ends[OTHER], ~i);

      assert_echoed (pair->ends[ONE], there, i);
      assert_echoed (pair->ends[OTHER], back, ~i);
    }
}

static void
test_errors_cross (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  g_auto (ContractOutcome) outcome = {0};

  contract_do (pair->ends[OTHER], "take");
  contract_wait (pair->ends[ONE], contract_ask (pair->ends[ONE], "fail", NULL), &outcome);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_assert_cmpstr (outcome.error->message, ==, "It fails");
  g_assert_true (outcome.traced);
  g_assert_false (outcome.refused);
}

/* ---- items ---- */

#define N_ITEMS 40
#define WINDOW 3

static void
test_items_come_within_their_window (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  g_auto (ContractOutcome) outcome = {0};
  g_autoptr (GString) items = g_string_new (NULL);
  guint number;

  contract_do (pair->ends[OTHER], "take");
  number = contract_ask_stream (pair->ends[ONE], "items", g_variant_new_uint32 (N_ITEMS), WINDOW);
  for (guint n = WINDOW; n < N_ITEMS; n += WINDOW)
    {
      g_assert_cmpuint (contract_do_number (pair->ends[ONE], "items", g_variant_new ("(uu)", number, n)), ==, n);
      contract_do_number (pair->ends[ONE], "add-window", g_variant_new ("(uu)", number, WINDOW));
    }
  contract_wait (pair->ends[ONE], number, &outcome);
  g_assert_no_error (outcome.error);
  g_assert_cmpstr (outcome.result, ==, "uint32 40");
  for (guint i = 0; i < N_ITEMS; i++)
    g_string_append_printf (items, "uint32 %u;", i);
  g_assert_cmpstr (outcome.items, ==, items->str);
}

/* ---- cancels and deadlines ---- */

static void
test_cancels_reach_their_call (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  contract_do (pair->ends[OTHER], "take");
  for (guint i = 1; i <= 20; i++)
    {
      const guint number = contract_ask (pair->ends[ONE], "hang", NULL);

      contract_wait_told (pair->ends[OTHER], 2 * i - 1);
      contract_do_number (pair->ends[ONE], "cancel", g_variant_new_uint32 (number));
      contract_assert_failed (pair->ends[ONE], number, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      contract_wait_told (pair->ends[OTHER], 2 * i);
      g_assert_cmpuint (contract_do_number (pair->ends[OTHER], "cancelled", NULL), ==, FERRY_CANCEL_REASON_CANCELLED);
    }
}

/* It may come to the other end before its call. */
static void
test_cancels_may_follow_at_once (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  contract_do (pair->ends[OTHER], "take");
  for (guint i = 0; i < 100; i++)
    {
      const guint number = contract_ask (pair->ends[ONE], "hang", NULL);

      contract_do_number (pair->ends[ONE], "cancel", g_variant_new_uint32 (number));
      contract_assert_failed (pair->ends[ONE], number, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
}

static void
test_deadlines_cross (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  const gint64 deadline = g_get_monotonic_time () + G_TIME_SPAN_DAY;
  g_autofree char *text = g_strdup_printf ("int64 %" G_GINT64_FORMAT, deadline);

  contract_do (pair->ends[OTHER], "take");
  contract_assert_answered (
    pair->ends[ONE],
    contract_do_number (pair->ends[ONE], "ask", g_variant_new ("(smvqx)", "deadline", NULL, 0, deadline)), text);
  contract_assert_answered (pair->ends[ONE], contract_ask (pair->ends[ONE], "deadline", NULL), "int64 0");
}

/* The end that asks has the clock. */
static void
test_what_is_late_ends_at_both_ends (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  const guint number = (contract_do (pair->ends[OTHER], "take"), contract_ask (pair->ends[ONE], "hang", NULL));

  contract_wait_told (pair->ends[OTHER], 1);
  contract_do_number (pair->ends[ONE], "time-out", g_variant_new_uint32 (number));
  contract_assert_failed (pair->ends[ONE], number, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  contract_wait_told (pair->ends[OTHER], 2);
  g_assert_cmpuint (contract_do_number (pair->ends[OTHER], "cancelled", NULL), ==, FERRY_CANCEL_REASON_DEADLINE);
  /* Its answer comes late, and harms nothing. */
  assert_echoed (pair->ends[ONE], echo (pair->ends[ONE], 1), 1);
}

/* ---- large messages ---- */

static gpointer
ask_large (gpointer end)
{
  contract_do (end, "ask-large");
  return NULL;
}

static void
test_large_messages_cross (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  GThread *back = NULL;

  contract_do (pair->ends[OTHER], "take");
  if (contract_kind_has (kind, CONTRACT_BOTH_ASK))
    {
      contract_do (pair->ends[ONE], "take");
      back = g_thread_new ("ask", ask_large, pair->ends[OTHER]);
    }
  ask_large (pair->ends[ONE]);
  if (back != NULL)
    g_thread_join (back);
}

/* ---- room ---- */

static void
test_what_is_full_says_so_and_tells_of_room (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  guint n_told;

  contract_shut (pair->ends[OTHER], TRUE);
  contract_do (pair->ends[OTHER], "take");
  n_told = contract_do_number (pair->ends[ONE], "fill", NULL);
  g_assert_cmpuint (n_told, >, 1);
  contract_shut (pair->ends[OTHER], FALSE);
  contract_do (pair->ends[ONE], "await-room");
  contract_tell (pair->ends[ONE], "pass");
  contract_wait_told (pair->ends[OTHER], n_told + 1);
}

/* ---- who answers ---- */

static void
test_requests_wait_for_who_takes_them (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  guint asked[20];

  for (guint i = 0; i < G_N_ELEMENTS (asked); i++)
    asked[i] = echo (pair->ends[ONE], i);
  /* What is answered the other way has come after them. */
  contract_do (pair->ends[ONE], "take");
  assert_echoed (pair->ends[OTHER], echo (pair->ends[OTHER], 0), 0);
  contract_do (pair->ends[OTHER], "take");
  for (guint i = 0; i < G_N_ELEMENTS (asked); i++)
    assert_echoed (pair->ends[ONE], asked[i], i);
}

static void
assert_refused (ContractEnd *end, guint number, const char *words)
{
  g_auto (ContractOutcome) outcome = {0};

  contract_wait (end, number, &outcome);
  g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_REFUSED);
  g_assert_true (outcome.refused);
  ferry_test_assert_says (outcome.error->message, words);
}

/* As many as ferry-call.c keeps. */
#define MAX_UNOWNED 1024

static void
test_so_many_requests_wait_and_no_more (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  guint asked[MAX_UNOWNED + 10];

  for (guint i = 0; i < G_N_ELEMENTS (asked); i++)
    asked[i] = echo (pair->ends[ONE], i);
  for (guint i = MAX_UNOWNED; i < G_N_ELEMENTS (asked); i++)
    assert_refused (pair->ends[ONE], asked[i], "too many requests wait there");
  contract_do (pair->ends[OTHER], "take");
  for (guint i = 0; i < MAX_UNOWNED; i++)
    assert_echoed (pair->ends[ONE], asked[i], i);
}

static void
test_requests_are_refused_once_nobody_takes_them (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  contract_do (pair->ends[OTHER], "take");
  assert_echoed (pair->ends[ONE], echo (pair->ends[ONE], 1), 1);
  contract_do (pair->ends[OTHER], "leave");
  assert_refused (pair->ends[ONE], echo (pair->ends[ONE], 2), "No more for today");
}

static void
test_nobody_waits_on_the_receiving_thread (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  contract_do (pair->ends[OTHER], "take");
  contract_assert_answered (pair->ends[ONE], contract_ask (pair->ends[ONE], "wait", NULL), "false");
  contract_do (pair->ends[OTHER], "check-may-wait");
}

static const ContractFact facts[] = {
  {"delivers-in-order", test_delivers_in_order, 0},
  {"asks-and-answers", test_asks_and_answers, 0},
  {"both-ends-ask-and-answer", test_both_ends_ask_and_answer, CONTRACT_BOTH_ASK},
  {"errors-cross", test_errors_cross, 0},
  {"items-come-within-their-window", test_items_come_within_their_window, 0},
  {"cancels-reach-their-call", test_cancels_reach_their_call, 0},
  {"cancels-may-follow-at-once", test_cancels_may_follow_at_once, 0},
  {"deadlines-cross", test_deadlines_cross, 0},
  {"what-is-late-ends-at-both-ends", test_what_is_late_ends_at_both_ends, 0},
  {"large-messages-cross", test_large_messages_cross, 0},
  {"what-is-full-says-so-and-tells-of-room", test_what_is_full_says_so_and_tells_of_room, 0},
  {"requests-wait-for-who-takes-them", test_requests_wait_for_who_takes_them, CONTRACT_BOTH_ASK},
  {"so-many-requests-wait-and-no-more", test_so_many_requests_wait_and_no_more, CONTRACT_BOTH_ASK},
  {"requests-are-refused-once-nobody-takes-them", test_requests_are_refused_once_nobody_takes_them, CONTRACT_BOTH_ASK},
  {"nobody-waits-on-the-receiving-thread", test_nobody_waits_on_the_receiving_thread, CONTRACT_BOTH_ASK},
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  contract_test_add_facts ("transport", facts, G_N_ELEMENTS (facts));
  return g_test_run ();
}
