/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-transport.c, conversation/ferry-stream-transport.c, call/ferry-link-transport.c
 *
 * How transports end, whatever they are made of: the second half of the contract. Each test leaves neither a thread nor
 * a descriptor behind, which transport_test_pair_free() waits for. */

#include "config.h"

#include "call/transport-test.h"

#define ONE 0
#define OTHER 1

/* What the receiving threads and the test share. */
static TransportTestGate gate = TRANSPORT_TEST_GATE_INIT;
static _Atomic guint n_told;
static _Atomic (FerryTransport *) dropped; /* what takes it out drops it */

static void
count_told (FerryTransport *self, FerryCall *call, GObject *owner)
{
  transport_test_gate_pass (&gate);
  n_told++;
  transport_test_wake ();
}

static void
prepare (gboolean open)
{
  n_told = 0;
  transport_test_gate_set (&gate, open);
}

static GVariant *
new_block (void)
{
  static const guint8 bytes[30000] = {0};

  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1);
}

/* ---- what was sent before ---- */

static void
test_what_was_sent_before_the_end_arrives (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);

  prepare (TRUE);
  transport_test_take_calls (pair, OTHER, count_told);
  for (guint i = 0; i < 500; i++)
    transport_test_tell (pair->ends[ONE], "tell", g_variant_new_uint32 (i));
  ferry_transport_close (pair->ends[ONE]);
  transport_test_wait_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
  g_assert_cmpuint (n_told, ==, 500);
}

static void
test_what_waits_at_the_end_arrives (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  guint n = 0;

  prepare (FALSE);
  transport_test_take_calls (pair, OTHER, count_told);
  while (transport_test_try_tell (pair->ends[ONE], "tell", new_block ()))
    n++;
  g_clear_object (&pair->ends[ONE]);
  transport_test_gate_set (&gate, TRUE);
  transport_test_wait_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
  g_assert_cmpuint (n_told, ==, n);
}

/* Both send as the other one closes: what this end was sent before is still heard, though it can send no more. */
static void
test_an_end_that_cannot_send_still_hears (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);

  prepare (FALSE);
  transport_test_take_calls (pair, OTHER, count_told);
  for (guint i = 0; i < 20; i++)
    transport_test_tell (pair->ends[ONE], "tell", g_variant_new_uint32 (i));
  ferry_transport_close (pair->ends[ONE]);
  for (guint i = 0; i < 20; i++)
    {
      FerryRequest request = {.method = "tell", .flags = FERRY_CALL_ONE_WAY};

      ferry_transport_ask (pair->ends[OTHER], &request, NULL, NULL, NULL);
    }
  transport_test_gate_set (&gate, TRUE);
  transport_test_wait_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
  g_assert_cmpuint (n_told, ==, 20);
}

/* ---- what is open ---- */

static void
keep_call (FerryTransport *self, FerryCall *call, GObject *owner)
{
  g_object_set_data_full (owner, "call", ferry_call_ref (call), (GDestroyNotify) ferry_call_unref);
  n_told++;
  transport_test_wake ();
}

static void
test_what_is_open_fails_at_both_ends (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  g_autoptr (TransportTestAnswer) there = NULL;
  g_autoptr (TransportTestAnswer) back = NULL;
  g_autoptr (GError) error = NULL;
  FerryCall *call;

  prepare (TRUE);
  transport_test_take_calls (pair, OTHER, keep_call);
  there = transport_test_ask (pair->ends[ONE], "keep", NULL);
  back = transport_test_ask (pair->ends[OTHER], "nobody", NULL);
  transport_test_wait_count (&n_told, 1);
  ferry_transport_close (pair->ends[ONE]);
  transport_test_assert_failed (there, FERRY_ERROR_CLOSED);
  transport_test_assert_failed (back, FERRY_ERROR_CLOSED);
  transport_test_wait_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
  call = g_object_get_data (pair->owner, "call");
  g_assert_cmpuint (ferry_call_get_cancelled (call), !=, 0);
  g_assert_false (ferry_call_answer (call, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_object_set_data (pair->owner, "call", NULL);
}

static gpointer
wait_for_nothing (gpointer end)
{
  g_autoptr (GError) error = NULL;

  ferry_transport_wait_for_room (end, ferry_transport_get_room_count (end), 0, NULL, &error);
  g_assert_no_error (error);
  return NULL;
}

static void
test_who_waits_for_room_is_woken (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  GThread *thread = g_thread_new ("wait", wait_for_nothing, pair->ends[OTHER]);

  ferry_transport_close (pair->ends[ONE]);
  g_thread_join (thread);
  transport_test_wait_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
}

/* ---- closing, where and how often one likes ---- */

static void
close_here (FerryTransport *self, FerryCall *call, GObject *owner)
{
  ferry_transport_close (self);
  ferry_transport_close (self);
  n_told++;
  transport_test_wake ();
}

static void
test_closes_inside_a_handler (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  g_autoptr (TransportTestAnswer) answer = NULL;

  prepare (TRUE);
  transport_test_take_calls (pair, OTHER, close_here);
  answer = transport_test_ask (pair->ends[ONE], "close", NULL);
  /* Nothing is handed over behind it, be it sent or not. */
  ferry_transport_ask (pair->ends[ONE], &(FerryRequest){.method = "close", .flags = FERRY_CALL_ONE_WAY}, NULL, NULL,
                       NULL);
  transport_test_assert_failed (answer, FERRY_ERROR_CLOSED);
  transport_test_wait_closed (pair->ends[ONE], FERRY_ERROR_CLOSED);
  transport_test_wait_count (&n_told, 1);
}

static gpointer
close_end (gpointer end)
{
  ferry_transport_close (end);
  return NULL;
}

static void
test_closes_on_many_threads_at_once (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  GThread *threads[6];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("close", close_end, pair->ends[i % 2]);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  transport_test_wait_closed (pair->ends[ONE], FERRY_ERROR_CLOSED);
  transport_test_wait_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
}

static void
drop_here (FerryTransport *self, FerryCall *call, GObject *owner)
{
  FerryTransport *last = atomic_exchange (&dropped, NULL);

  g_clear_object (&last);
  n_told++;
  transport_test_wake ();
}

static void
test_the_last_reference_goes_in_a_handler (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);

  prepare (TRUE);
  transport_test_take_calls (pair, OTHER, drop_here);
  dropped = g_steal_pointer (&pair->ends[OTHER]);
  transport_test_tell (pair->ends[ONE], "drop", NULL);
  transport_test_wait_closed (pair->ends[ONE], FERRY_ERROR_CLOSED);
  transport_test_wait_count (&n_told, 1);
}

static void
test_the_last_reference_closes_both_ends (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);

  g_clear_object (&pair->ends[ONE]);
  transport_test_wait_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
}

static void
test_many_come_and_go (gconstpointer kind)
{
  guint n_fds = ferry_test_count_fds ();

  for (guint i = 0; i < 50; i++)
    {
      FerryTransport *ends[2];

      ((const TransportTestKind *) kind)->connect (&ends[0], &ends[1]);
      if (i % 2 == 0)
        transport_test_tell (ends[i % 4 / 2], "tell", new_block ());
      g_object_unref (ends[0]);
      g_object_unref (ends[1]);
    }
  transport_test_wait_left (0, n_fds);
}

static const TransportTestFact facts[] = {
  {"what-was-sent-before-the-end-arrives", test_what_was_sent_before_the_end_arrives},
  {"what-waits-at-the-end-arrives", test_what_waits_at_the_end_arrives},
  {"an-end-that-cannot-send-still-hears", test_an_end_that_cannot_send_still_hears},
  {"what-is-open-fails-at-both-ends", test_what_is_open_fails_at_both_ends},
  {"who-waits-for-room-is-woken", test_who_waits_for_room_is_woken},
  {"closes-inside-a-handler", test_closes_inside_a_handler},
  {"closes-on-many-threads-at-once", test_closes_on_many_threads_at_once},
  {"the-last-reference-goes-in-a-handler", test_the_last_reference_goes_in_a_handler},
  {"the-last-reference-closes-both-ends", test_the_last_reference_closes_both_ends},
  {"many-come-and-go", test_many_come_and_go},
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  transport_test_add_facts ("transport", facts, G_N_ELEMENTS (facts));
  return g_test_run ();
}
