/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-downlink.c, link/ferry-link.c
 *
 * The claim word: every call is either begun by the worker or taken back by the application, and never both. */

#include "config.h"

#include "down-fixture.h"

#define N_CALLS 200000
#define N_DOOMS 20000

static _Atomic guint64 *
get_claim (DownEnds *ends)
{
  return &ferry_segment_get_control (&ends->link->segment)->claim;
}

static void
test_worker_begins_calls_in_turn (void)
{
  g_auto (DownEnds) ends;

  down_ends_init (&ends, MAX_MESSAGE);
  g_assert_cmpuint (ferry_link_get_begun_call (ends.link), ==, 0);
  for (guint64 xid = 1; xid < 10; xid += 2)
    {
      g_assert_cmpint (ferry_downlink_claim (ends.downlink, xid), ==, FERRY_CLAIM_BEGUN);
      g_assert_cmpuint (ferry_link_get_begun_call (ends.link), ==, xid);
    }
}

static void
test_call_that_was_taken_back_is_passed_over (void)
{
  g_auto (DownEnds) ends;
  guint64 begun;

  down_ends_init (&ends, MAX_MESSAGE);
  ferry_downlink_claim (ends.downlink, 1);
  g_assert_true (ferry_link_hold_calls (ends.link, &begun));
  g_assert_cmpuint (begun, ==, 1);
  ferry_link_release_calls (ends.link, 3);
  g_assert_cmpuint (ferry_link_get_begun_call (ends.link), ==, 1);
  g_assert_cmpint (ferry_downlink_claim (ends.downlink, 2), ==, FERRY_CLAIM_SKIPPED);
  g_assert_cmpint (ferry_downlink_claim (ends.downlink, 3), ==, FERRY_CLAIM_SKIPPED);
  g_assert_cmpuint (ferry_link_get_begun_call (ends.link), ==, 1);
  g_assert_cmpint (ferry_downlink_claim (ends.downlink, 4), ==, FERRY_CLAIM_BEGUN);
  g_assert_cmpuint (ferry_link_get_begun_call (ends.link), ==, 4);
}

/* The second skip goes further, before the worker came to the first; a release without one takes nothing back. */
static void
test_what_was_taken_back_stays_so (void)
{
  g_auto (DownEnds) ends;
  guint64 begun;

  down_ends_init (&ends, MAX_MESSAGE);
  ferry_downlink_claim (ends.downlink, 1);
  for (guint64 skip_until = 3; skip_until <= 6; skip_until += 3)
    {
      g_assert_true (ferry_link_hold_calls (ends.link, &begun));
      g_assert_cmpuint (begun, ==, 1);
      ferry_link_release_calls (ends.link, skip_until);
    }
  g_assert_true (ferry_link_hold_calls (ends.link, &begun));
  g_assert_cmpuint (begun, ==, 1);
  ferry_link_release_calls (ends.link, 0);
  g_assert_cmpuint (ferry_link_get_begun_call (ends.link), ==, 1);
  g_assert_cmpint (ferry_downlink_claim (ends.downlink, 6), ==, FERRY_CLAIM_SKIPPED);
  g_assert_cmpint (ferry_downlink_claim (ends.downlink, 7), ==, FERRY_CLAIM_BEGUN);
}

static void
test_skip_before_the_first_call (void)
{
  g_auto (DownEnds) ends;
  guint64 begun;

  down_ends_init (&ends, MAX_MESSAGE);
  g_assert_true (ferry_link_hold_calls (ends.link, &begun));
  g_assert_cmpuint (begun, ==, 0);
  ferry_link_release_calls (ends.link, 2);
  g_assert_cmpuint (ferry_link_get_begun_call (ends.link), ==, 0);
  g_assert_false (ferry_link_doom_call (ends.link, 2));
  g_assert_false (ferry_link_doom_call (ends.link, 0));
  g_assert_cmpint (ferry_downlink_claim (ends.downlink, 2), ==, FERRY_CLAIM_SKIPPED);
}

static void
test_doomed_worker_begins_nothing (void)
{
  g_auto (DownEnds) ends;
  guint64 begun;

  down_ends_init (&ends, MAX_MESSAGE);
  ferry_downlink_claim (ends.downlink, 5);
  g_assert_false (ferry_link_doom_call (ends.link, 4));
  g_assert_false (ferry_link_doom_call (ends.link, 6));
  g_assert_true (ferry_link_hold_calls (ends.link, &begun));
  ferry_link_release_calls (ends.link, 8);
  g_assert_false (ferry_link_doom_call (ends.link, 8));
  g_assert_true (ferry_link_doom_call (ends.link, 5));
  g_assert_true (ferry_link_doom_call (ends.link, 5));
  g_assert_cmpint (ferry_downlink_claim (ends.downlink, 9), ==, FERRY_CLAIM_KILLED);
  g_assert_true (ferry_link_hold_calls (ends.link, &begun));
  ferry_link_release_calls (ends.link, 0);
  g_assert_cmpint (ferry_downlink_claim (ends.downlink, 9), ==, FERRY_CLAIM_KILLED);
  g_assert_cmpuint (ferry_link_get_begun_call (ends.link), ==, 5);
}

static void
test_begun_call_is_known_after_the_end (void)
{
  g_auto (DownEnds) ends;
  guint64 begun;

  down_ends_init (&ends, MAX_MESSAGE);
  ferry_downlink_claim (ends.downlink, 5);
  g_assert_true (ferry_link_hold_calls (ends.link, &begun));
  ferry_link_release_calls (ends.link, 8);
  ferry_link_close_down (ends.link);
  atomic_store (get_claim (&ends), 99 << FERRY_CLAIM_SHIFT);
  g_assert_cmpuint (ferry_link_get_begun_call (ends.link), ==, 5);
  g_assert_false (ferry_link_hold_calls (ends.link, &begun));
  g_assert_cmpuint (begun, ==, 0);
  ferry_link_release_calls (ends.link, 100);
  g_assert_false (ferry_link_doom_call (ends.link, 5));
}

typedef struct
{
  DownEnds *ends;
  FerryClaimResult result;
} Claim;

static gpointer
claim_next (gpointer data)
{
  Claim *claim = data;

  claim->result = ferry_downlink_claim (claim->ends->downlink, 2);
  return NULL;
}

static void
test_hold_makes_the_worker_wait (void)
{
  for (guint i = 0; i < 600; i++)
    {
      g_auto (DownEnds) ends;
      Claim claim = {&ends, FERRY_CLAIM_KILLED};
      GThread *thread;
      guint64 begun;

      down_ends_init (&ends, MAX_MESSAGE);
      ferry_downlink_claim (ends.downlink, 1);
      g_assert_true (ferry_link_hold_calls (ends.link, &begun));
      thread = g_thread_new ("worker", claim_next, &claim);
      if (i % 2 == 0)
        g_thread_yield ();
      g_assert_cmpuint (ferry_link_get_begun_call (ends.link), ==, 1);
      if (i % 3 == 2)
        {
          ferry_link_set_pipe_word (ends.link, 0, FERRY_PIPE_WORD_LINK_ENDED);
          ferry_link_wake_writers (ends.link);
        }
      else
        ferry_link_release_calls (ends.link, i % 3 == 0 ? 0 : 2);
      g_thread_join (thread);
      g_assert_cmpint (claim.result, ==,
                       i % 3 == 0   ? FERRY_CLAIM_BEGUN
                       : i % 3 == 1 ? FERRY_CLAIM_SKIPPED
                                    : FERRY_CLAIM_KILLED);
    }
}

/* What each end makes of each call, by its xid. */
typedef struct
{
  DownEnds *ends;
  guint8 *results;      /* of the worker: a FerryClaimResult */
  _Atomic guint64 sent; /* as far as the application went */
  _Atomic guint64 done; /* as far as the worker went */
} Race;

/* Without giving up the processor at first, so that what follows happens at once. */
static void
spin_until (_Atomic guint64 *word, guint64 value)
{
  for (guint n = 0; atomic_load_explicit (word, memory_order_acquire) < value; n++)
    if (n > 10000)
      g_thread_yield ();
}

/* Lets the other thread go on by a few claims, so that the two meet at every distance. */
static void
delay (_Atomic guint64 *word, guint n)
{
  for (guint i = 0; i < n; i++)
    atomic_load_explicit (word, memory_order_relaxed);
}

static gpointer
claim_all (gpointer data)
{
  Race *race = data;

  for (guint64 xid = 1; xid <= N_CALLS; xid++)
    {
      spin_until (&race->sent, xid);
      race->results[xid] = (guint8) ferry_downlink_claim (race->ends->downlink, xid);
      atomic_store_explicit (&race->done, xid, memory_order_release);
    }
  return NULL;
}

/* The application sends calls ahead, and takes back those that were not begun every now and then. */
static void
test_no_call_is_both_begun_and_taken_back (void)
{
  g_autofree guint8 *results = g_malloc0 (N_CALLS + 1);
  g_autofree guint8 *taken = g_malloc0 (N_CALLS + 1);
  g_autoptr (GRand) rand = g_rand_new_with_seed (4711);
  g_auto (DownEnds) ends;
  Race race = {&ends, results, 0, 0};
  guint64 n_begun = 0;
  GThread *thread;
  guint64 sent = 0;

  down_ends_init (&ends, MAX_MESSAGE);
  thread = g_thread_new ("worker", claim_all, &race);
  while (sent < N_CALLS)
    {
      guint64 begun;

      sent = MIN (sent + (guint) g_rand_int_range (rand, 1, 12), N_CALLS);
      atomic_store_explicit (&race.sent, sent, memory_order_release);
      /* Where the worker has just become idle, it comes to these calls while they are taken back. */
      delay (&race.done, (guint) g_rand_int_range (rand, 0, 400));
      if (g_rand_int_range (rand, 0, 10) == 0)
        spin_until (&race.done, sent);
      else if (g_rand_int_range (rand, 0, 3) == 0)
        g_thread_yield ();
      g_assert_true (ferry_link_hold_calls (ends.link, &begun));
      g_assert_cmpuint (begun, <=, sent);
      for (guint64 xid = sent; xid > begun && !taken[xid]; xid--)
        taken[xid] = 1;
      ferry_link_release_calls (ends.link, begun < sent ? sent : 0);
      if (g_rand_int_range (rand, 0, 4) == 0)
        spin_until (&race.done, sent);
    }
  g_thread_join (thread);
  for (guint64 xid = 1; xid <= N_CALLS; xid++)
    {
      g_assert_cmpint (results[xid], ==, taken[xid] ? FERRY_CLAIM_SKIPPED : FERRY_CLAIM_BEGUN);
      n_begun += !taken[xid];
    }
  g_test_message ("%" G_GUINT64_FORMAT " of %d calls were begun", n_begun, N_CALLS);
  g_assert_cmpuint (n_begun, >, 0);
  g_assert_cmpuint (n_begun, <, N_CALLS);
}

typedef struct
{
  DownEnds *ends;
  _Atomic guint64 round; /* the worker may go on */
  _Atomic guint64 done;  /* the worker has */
  FerryClaimResult result;
} DoomRace;

static gpointer
claim_in_rounds (gpointer data)
{
  DoomRace *race = data;

  for (guint round = 1; round <= N_DOOMS; round++)
    {
      spin_until (&race->round, round);
      race->result = ferry_downlink_claim (race->ends->downlink, 2);
      atomic_store_explicit (&race->done, round, memory_order_release);
    }
  return NULL;
}

/* Either the application dooms the call that was begun, and the worker begins no other; or it comes too late. */
static void
test_doom_comes_before_the_next_call_or_not_at_all (void)
{
  g_auto (DownEnds) ends;
  DoomRace race = {.ends = &ends};
  guint n_doomed = 0;
  GThread *thread;

  down_ends_init (&ends, MAX_MESSAGE);
  thread = g_thread_new ("worker", claim_in_rounds, &race);
  for (guint round = 1; round <= N_DOOMS; round++)
    {
      gboolean doomed;

      atomic_store (get_claim (&ends), 1 << FERRY_CLAIM_SHIFT);
      atomic_store_explicit (&race.round, round, memory_order_release);
      delay (&race.done, round % 64 * 16);
      if (round % 100 == 0)
        spin_until (&race.done, round);
      doomed = ferry_link_doom_call (ends.link, 1);
      spin_until (&race.done, round);
      g_assert_cmpint (race.result, ==, doomed ? FERRY_CLAIM_KILLED : FERRY_CLAIM_BEGUN);
      g_assert_cmpuint (ferry_link_get_begun_call (ends.link), ==, doomed ? 1 : 2);
      n_doomed += doomed;
    }
  g_thread_join (thread);
  g_test_message ("%u of %d were doomed", n_doomed, N_DOOMS);
  g_assert_cmpuint (n_doomed, <=, N_DOOMS - N_DOOMS / 100);
}

typedef struct
{
  DownEnds *ends;
  _Atomic gboolean stop;
} Scribbler;

static gpointer
scribble (gpointer data)
{
  Scribbler *scribbler = data;
  guint64 value = 1;

  while (!atomic_load (&scribbler->stop))
    {
      value = value * G_GUINT64_CONSTANT (6364136223846793005) + 1442695040888963407;
      atomic_store_explicit (get_claim (scribbler->ends), value, memory_order_relaxed);
    }
  return NULL;
}

/* A worker that writes whatever it likes, as fast as it can, neither keeps the application nor gets at anything. */
static void
test_nonsense_harms_nobody_else (void)
{
  g_auto (DownEnds) ends;
  Scribbler scribbler = {&ends, FALSE};
  GThread *thread;

  down_ends_init (&ends, MAX_MESSAGE);
  thread = g_thread_new ("scribbler", scribble, &scribbler);
  for (guint i = 0; i < 20000; i++)
    {
      guint64 begun;

      if (!ferry_link_hold_calls (ends.link, &begun))
        break;
      ferry_link_release_calls (ends.link, i);
      ferry_link_doom_call (ends.link, begun);
      ferry_link_get_begun_call (ends.link);
    }
  atomic_store (&scribbler.stop, TRUE);
  g_thread_join (thread);
  g_assert_cmpint (down_send (&ends, 1, 1), ==, ends.link->down.fault == NULL ? FERRY_DOWN_SENT : FERRY_DOWN_CLOSED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/claim/worker-begins-calls-in-turn", test_worker_begins_calls_in_turn);
  g_test_add_func ("/claim/call-that-was-taken-back-is-passed-over", test_call_that_was_taken_back_is_passed_over);
  g_test_add_func ("/claim/what-was-taken-back-stays-so", test_what_was_taken_back_stays_so);
  g_test_add_func ("/claim/skip-before-the-first-call", test_skip_before_the_first_call);
  g_test_add_func ("/claim/doomed-worker-begins-nothing", test_doomed_worker_begins_nothing);
  g_test_add_func ("/claim/begun-call-is-known-after-the-end", test_begun_call_is_known_after_the_end);
  g_test_add_func ("/claim/hold-makes-the-worker-wait", test_hold_makes_the_worker_wait);
  g_test_add_func ("/claim/no-call-is-both-begun-and-taken-back", test_no_call_is_both_begun_and_taken_back);
  g_test_add_func ("/claim/doom-comes-before-the-next-call-or-not-at-all",
                   test_doom_comes_before_the_next_call_or_not_at_all);
  g_test_add_func ("/claim/nonsense-harms-nobody-else", test_nonsense_harms_nobody_else);
  return g_test_run ();
}
