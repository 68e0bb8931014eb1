/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-transport.c, call/ferry-request.c, call/ferry-call.c, call/ferry-link-transport.c,
 *        call/ferry-worker-transport.c, classic/ferry-polled-transport.c, conversation/ferry-stream-transport.c,
 *        pool/ferry-pool-worker.c
 *
 * How what carries calls ends, whatever it is: the second half of the contract. Each test leaves neither a thread nor a
 * descriptor nor a process behind, which contract_pair_free() waits for. */

#include "config.h"

#include "call/contract-test.h"

/* ---- what was sent before ---- */

static void
test_what_was_sent_before_the_end_arrives (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  contract_do (pair->ends[OTHER], "take");
  for (guint i = 0; i < 500; i++)
    contract_tell (pair->ends[ONE], "pass");
  contract_do (pair->ends[ONE], "close");
  contract_assert_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
  contract_wait_told (pair->ends[OTHER], 500);
}

static void
test_what_waits_at_the_end_arrives (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  guint n;

  contract_shut (pair->ends[OTHER], TRUE);
  contract_do (pair->ends[OTHER], "take");
  n = contract_do_number (pair->ends[ONE], "fill", NULL);
  contract_do (pair->ends[ONE], "drop");
  contract_shut (pair->ends[OTHER], FALSE);
  contract_assert_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
  contract_wait_told (pair->ends[OTHER], n);
}

/* Both send as the other one closes: what this end was sent before is still heard, though it can send no more. */
static void
test_an_end_that_cannot_send_still_hears (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  contract_shut (pair->ends[OTHER], TRUE);
  contract_do (pair->ends[OTHER], "take");
  for (guint i = 0; i < 20; i++)
    contract_tell (pair->ends[ONE], "pass");
  contract_do (pair->ends[ONE], "close");
  for (guint i = 0; i < 20; i++)
    contract_do (pair->ends[OTHER], "try-to-tell");
  contract_shut (pair->ends[OTHER], FALSE);
  contract_assert_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
  contract_wait_told (pair->ends[OTHER], 20);
}

/* ---- what is under way ---- */

static void
test_what_is_open_fails_at_both_ends (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  guint there, back;

  contract_do (pair->ends[OTHER], "take");
  there = contract_ask (pair->ends[ONE], "keep", NULL);
  back = contract_ask (pair->ends[OTHER], "nobody", NULL);
  contract_wait_told (pair->ends[OTHER], 1);
  contract_do (pair->ends[ONE], "close");
  contract_assert_failed (pair->ends[ONE], there, FERRY_ERROR, FERRY_ERROR_CLOSED);
  contract_assert_failed (pair->ends[OTHER], back, FERRY_ERROR, FERRY_ERROR_CLOSED);
  contract_assert_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
  contract_do (pair->ends[OTHER], "answer-kept");
}

#define N_ECHOES 100

/* Asks for echoes, for what takes no end, and for items. Returns how many questions that are. */
static guint
ask_many (ContractEnd *end)
{
  for (guint i = 0; i < N_ECHOES; i++)
    contract_ask (end, "echo", g_variant_new_uint32 (i));
  contract_ask_stream (end, "items", g_variant_new_uint32 (1000), 3);
  contract_ask (end, "hang", NULL);
  return N_ECHOES + 2;
}

static void
assert_each_ended (ContractEnd *end, guint n, int code)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *text = g_strdup_printf ("uint32 %u", i);

      if (i < N_ECHOES)
        contract_assert_answered_or (end, i, text, code);
      else
        contract_assert_failed (end, i, FERRY_ERROR, code);
    }
}

/* Waits for the answer to one of the echoes, the first or a later one; 0: for none. */
static void
wait_for_some (ContractEnd *end, guint n)
{
  g_auto (ContractOutcome) outcome = {0};

  if (n > 0)
    contract_wait (end, n - 1, &outcome);
}

static void
test_each_call_ends_once_when_an_end_closes (const ContractKind *kind)
{
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (ContractPair) pair = contract_pair_new (kind);
      guint n;

      contract_do (pair->ends[OTHER], "take");
      n = ask_many (pair->ends[ONE]);
      wait_for_some (pair->ends[ONE], i / 2 * N_ECHOES / 2);
      contract_do (pair->ends[i % 2], "close");
      assert_each_ended (pair->ends[ONE], n, FERRY_ERROR_CLOSED);
      contract_assert_closed (pair->ends[ONE], FERRY_ERROR_CLOSED);
      contract_assert_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
    }
}

static void
test_each_call_ends_once_when_the_process_is_killed (const ContractKind *kind)
{
  const guint n_rounds = ferry_test_times (4, 40);

  for (guint i = 0; i < n_rounds; i++)
    {
      g_autoptr (ContractPair) pair = contract_pair_new (kind);
      ContractEnd *here = pair->ends[pair->here];
      guint n;
      int code;

      contract_do (pair->ends[1 - pair->here], "take");
      n = ask_many (here);
      wait_for_some (here, i * N_ECHOES / (n_rounds - 1));
      code = contract_pair_kill (pair);
      assert_each_ended (here, n, code);
      contract_assert_closed (here, code);
    }
}

static void
test_what_a_killed_process_asked_is_cancelled (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  ContractEnd *here = pair->ends[pair->here];

  contract_do (here, "take");
  contract_ask (pair->ends[1 - pair->here], "keep", NULL);
  contract_wait_told (here, 1);
  contract_assert_closed (here, contract_pair_kill (pair));
  contract_do (here, "answer-kept");
}

static void
test_who_waits_for_room_is_woken (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  contract_do (pair->ends[OTHER], "wait");
  contract_do (pair->ends[ONE], "close");
  contract_do (pair->ends[OTHER], "join");
  contract_assert_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
}

/* ---- closing, where and how often one likes ---- */

static void
test_closes_inside_a_handler (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  guint number;

  contract_do (pair->ends[OTHER], "take");
  number = contract_ask (pair->ends[ONE], "close", NULL);
  /* Nothing is handed over behind it, be it sent or not. */
  contract_do (pair->ends[ONE], "try-to-tell");
  contract_assert_failed (pair->ends[ONE], number, FERRY_ERROR, FERRY_ERROR_CLOSED);
  contract_assert_closed (pair->ends[ONE], FERRY_ERROR_CLOSED);
  contract_wait_told (pair->ends[OTHER], 1);
}

static gpointer
close_end (gpointer end)
{
  contract_do (end, "close-on-threads");
  return NULL;
}

static void
test_closes_on_many_threads_at_once (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);
  GThread *thread = g_thread_new ("close", close_end, pair->ends[ONE]);

  close_end (pair->ends[OTHER]);
  g_thread_join (thread);
  contract_assert_closed (pair->ends[ONE], FERRY_ERROR_CLOSED);
  contract_assert_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
}

static void
test_the_last_reference_goes_in_a_handler (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  contract_do (pair->ends[OTHER], "take");
  contract_tell (pair->ends[ONE], "drop");
  contract_assert_closed (pair->ends[ONE], FERRY_ERROR_CLOSED);
  contract_wait_told (pair->ends[OTHER], 1);
}

static void
test_the_last_reference_closes_both_ends (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  contract_do (pair->ends[ONE], "drop");
  contract_assert_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
}

static void
test_many_come_and_go (const ContractKind *kind)
{
  const guint n = contract_kind_has (kind, CONTRACT_KILLED) ? ferry_test_times (4, 50) : 50;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (ContractPair) pair = contract_pair_new (kind);

      if (i % 2 == 0)
        contract_tell (pair->ends[i % 4 / 2], "pass");
      contract_do (pair->ends[ONE], "drop");
      contract_do (pair->ends[OTHER], "drop");
    }
}

static const ContractFact facts[] = {
  {"what-was-sent-before-the-end-arrives", test_what_was_sent_before_the_end_arrives, CONTRACT_CLOSES},
  {"what-waits-at-the-end-arrives", test_what_waits_at_the_end_arrives, CONTRACT_CLOSES},
  {"an-end-that-cannot-send-still-hears", test_an_end_that_cannot_send_still_hears, CONTRACT_CLOSES},
  {"what-is-open-fails-at-both-ends", test_what_is_open_fails_at_both_ends, CONTRACT_CLOSES},
  {"each-call-ends-once-when-an-end-closes", test_each_call_ends_once_when_an_end_closes, CONTRACT_CLOSES},
  {"each-call-ends-once-when-the-process-is-killed", test_each_call_ends_once_when_the_process_is_killed,
   CONTRACT_KILLED},
  {"what-a-killed-process-asked-is-cancelled", test_what_a_killed_process_asked_is_cancelled,
   CONTRACT_KILLED | CONTRACT_BOTH_ASK},
  {"who-waits-for-room-is-woken", test_who_waits_for_room_is_woken, CONTRACT_CLOSES},
  {"closes-inside-a-handler", test_closes_inside_a_handler, CONTRACT_CLOSES},
  {"closes-on-many-threads-at-once", test_closes_on_many_threads_at_once, CONTRACT_CLOSES},
  {"the-last-reference-goes-in-a-handler", test_the_last_reference_goes_in_a_handler, CONTRACT_CLOSES},
  {"the-last-reference-closes-both-ends", test_the_last_reference_closes_both_ends, CONTRACT_CLOSES},
  {"many-come-and-go", test_many_come_and_go, CONTRACT_CLOSES},
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  contract_test_add_facts ("transport", facts, G_N_ELEMENTS (facts));
  return g_test_run ();
}
