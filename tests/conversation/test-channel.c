/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-channel.c
 *
 * Channels between two ends in this process, over each kind of transport: what a conversation keeps to. */

#include "config.h"

#include <glib-unix.h>
#include <signal.h>

#include "call/ferry-transport-private.h"
#include "call/forge.h"
#include "call/transport-test.h"
#include "conversation/ferry-channel-private.h"
#include "wire/ferry-reserved-name-private.h"

#define PATIENCE (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

typedef struct
{
  TransportTestPair *pair; /* (owned) */
  FerryChannel *ends[2];   /* (owned) (nullable) */
} Both;

static Both *
both_new (gconstpointer kind)
{
  Both *both = g_new0 (Both, 1);

  both->pair = transport_test_pair_new (kind);
  for (guint i = 0; i < 2; i++)
    both->ends[i] = ferry_channel_new (both->pair->ends[i]);
  return both;
}

static void
both_free (Both *both)
{
  g_clear_object (&both->ends[0]);
  g_clear_object (&both->ends[1]);
  transport_test_pair_free (both->pair);
  g_free (both);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Both, both_free)

static void
send_number (FerryChannel *channel, guint number)
{
  g_autoptr (GError) error = NULL;

  ferry_channel_send (channel, g_variant_new_uint32 (number), PATIENCE, NULL, &error);
  g_assert_no_error (error);
}

static void
assert_next (FerryChannel *channel, guint expected)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;

  ferry_channel_receive (channel, PATIENCE, NULL, &value, &failure, &error);
  g_assert_no_error (error);
  g_assert_no_error (failure);
  g_assert_nonnull (value);
  g_assert_cmpuint (g_variant_get_uint32 (value), ==, expected);
}

static void
assert_end (FerryChannel *channel, GQuark domain, int code)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ferry_channel_receive (channel, PATIENCE, NULL, &value, &failure, &error), ==, domain == 0);
  g_assert_null (value);
  g_assert_no_error (failure);
  if (domain != 0)
    g_assert_error (error, domain, code);
}

static void
messages_go_both_ways_in_order (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);

  for (guint i = 0; i < 1000; i++)
    {
      send_number (both->ends[0], i);
      send_number (both->ends[1], 2 * i);
      assert_next (both->ends[1], i);
      assert_next (both->ends[0], 2 * i);
    }
}

static gpointer
send_three_thousand (gpointer channel)
{
  for (guint i = 0; i < 3000; i++)
    send_number (channel, i);
  ferry_channel_close (channel);
  return NULL;
}

static void
sender_waits_for_a_slow_taker (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  GThread *thread = g_thread_new ("send", send_three_thousand, both->ends[0]);

  for (guint i = 0; i < 3000; i++)
    assert_next (both->ends[1], i);
  assert_end (both->ends[1], 0, 0);
  g_thread_join (thread);
}

/* What is not taken bounds what is sent: the window, to the message. */
static void
window_bounds_what_lies_untaken (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < FERRY_CHANNEL_WINDOW; i++)
    {
      g_assert_true (ferry_test_get_number (both->ends[0], "writable"));
      send_number (both->ends[0], i);
    }
  g_assert_false (ferry_test_get_number (both->ends[0], "writable"));
  g_assert_false (ferry_channel_send (both->ends[0], g_variant_new_uint32 (0), 0, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  g_clear_error (&error);
  g_assert_false (ferry_channel_send (both->ends[0], g_variant_new_uint32 (0), 1000, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  for (guint i = 0; i < FERRY_CHANNEL_WINDOW; i++)
    assert_next (both->ends[1], i);
  send_number (both->ends[0], FERRY_CHANNEL_WINDOW);
  assert_next (both->ends[1], FERRY_CHANNEL_WINDOW);
}

static gpointer
take_numbers (gpointer channel)
{
  for (guint i = 0; i < 100; i++)
    assert_next (channel, i);
  return NULL;
}

static FerryTransport *
get_transport (FerryChannel *channel)
{
  return ferry_test_get_object (channel, "transport");
}

/* An end asks for the other one's messages, and for nothing else. */
static void
only_acknowledged_messages_cost_a_round_trip (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  g_autoptr (GError) error = NULL;
  GThread *thread;

  for (guint i = 0; i < 30; i++)
    send_number (both->ends[0], i);
  /* Thirty messages are on their way, and nothing is waited for. */
  g_assert_cmpuint (ferry_transport_get_counts (get_transport (both->ends[0])).n_asked, ==, 1);
  thread = g_thread_new ("take", take_numbers, both->ends[1]);
  for (guint i = 30; i < 100; i++)
    {
      ferry_channel_send_acknowledged (both->ends[0], g_variant_new_uint32 (i), -1, NULL, &error);
      g_assert_no_error (error);
    }
  g_thread_join (thread);
  g_assert_cmpuint (ferry_transport_get_counts (get_transport (both->ends[0])).n_asked, ==, 1);
}

static void
untaken_message_is_not_acknowledged (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_channel_send_acknowledged (both->ends[0], g_variant_new_uint32 (0), 1000, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&error);
  /* It was not taken back. */
  assert_next (both->ends[1], 0);
  g_clear_object (&both->ends[1]);
  g_assert_false (ferry_channel_send_acknowledged (both->ends[0], g_variant_new_uint32 (1), -1, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_ACKNOWLEDGED);
}

static void
each_end_closes_its_own_direction (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  g_autoptr (GError) error = NULL;

  send_number (both->ends[0], 1);
  ferry_channel_close (both->ends[0]);
  ferry_channel_close (both->ends[0]);
  g_assert_false (ferry_channel_send (both->ends[0], g_variant_new_uint32 (2), -1, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  assert_next (both->ends[1], 1);
  assert_end (both->ends[1], 0, 0);
  assert_end (both->ends[1], 0, 0);
  send_number (both->ends[1], 3);
  assert_next (both->ends[0], 3);
  g_assert_false (ferry_test_get_number (both->ends[0], "closed"));
  ferry_channel_close (both->ends[1]);
  assert_end (both->ends[0], 0, 0);
  g_assert_true (ferry_test_get_number (both->ends[0], "closed"));
}

static void
raised_error_and_error_as_value_are_apart (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  g_autoptr (GError) failure = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_IO, "the same");
  g_autoptr (GError) received = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  g_assert_true (ferry_channel_send_error (both->ends[0], failure, -1, NULL, NULL));
  send_number (both->ends[0], 1);
  ferry_channel_fail (both->ends[0], failure);
  g_assert_true (ferry_channel_receive (both->ends[1], PATIENCE, NULL, &value, &received, &error));
  g_assert_no_error (error);
  g_assert_null (value);
  g_assert_error (received, G_FILE_ERROR, G_FILE_ERROR_IO);
  assert_next (both->ends[1], 1);
  assert_end (both->ends[1], G_FILE_ERROR, G_FILE_ERROR_IO);
}

static void
data_comes_before_a_hang_up (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);

  for (guint i = 0; i < 50; i++)
    send_number (both->ends[0], i);
  g_clear_object (&both->ends[0]);
  for (guint i = 0; i < 50; i++)
    assert_next (both->ends[1], i);
  assert_end (both->ends[1], 0, 0);
}

static void
transport_that_ends_is_no_good_end (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);

  send_number (both->ends[0], 1);
  assert_next (both->ends[1], 1);
  ferry_transport_close (both->pair->ends[0]);
  assert_end (both->ends[1], FERRY_ERROR, FERRY_ERROR_CLOSED);
  assert_end (both->ends[0], FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static gpointer
cancel_it (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
waiting_is_cancelled (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GThread *thread = g_thread_new ("cancel", cancel_it, cancellable);
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  g_assert_false (ferry_channel_receive (both->ends[0], -1, cancellable, &value, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
  send_number (both->ends[1], 1);
  assert_next (both->ends[0], 1);
}

static void
end_that_breaks_a_rule_closes_it (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);

  /* More room than any window has. */
  forge_standing (both->pair->ends[0], FERRY_CALL_WINDOW, NULL, FERRY_MAX_WINDOW);
  assert_end (both->ends[1], FERRY_ERROR, FERRY_ERROR_PROTOCOL);
}

static gboolean
is_closed (gpointer data)
{
  return ferry_test_get_number (data, "closed");
}

static void
message_beyond_the_window_closes_it (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);

  for (guint i = 0; i < FERRY_CHANNEL_WINDOW; i++)
    send_number (both->ends[0], i);
  forge_standing (both->pair->ends[0], FERRY_CALL_ITEM, g_variant_new_uint32 (0), 0);
  transport_test_wait (is_closed, both->ends[1]);
  for (guint i = 0; i < FERRY_CHANNEL_WINDOW; i++)
    assert_next (both->ends[1], i);
  assert_end (both->ends[1], FERRY_ERROR, FERRY_ERROR_PROTOCOL);
}

static void
large_messages_wait_for_room (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  g_autoptr (GVariant) large = NULL;
  guint8 *bytes = g_malloc0 (300000);
  GThread *thread;

  large = g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 300000, 1));
  thread = g_thread_new ("send", send_three_thousand, both->ends[1]);
  for (guint i = 0; i < 3000; i++)
    {
      if (i % 60 == 0)
        g_assert_true (ferry_channel_send (both->ends[0], large, PATIENCE, NULL, NULL));
      assert_next (both->ends[0], i);
    }
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (GVariant) value = NULL;

      g_assert_true (ferry_channel_receive (both->ends[1], PATIENCE, NULL, &value, NULL, NULL));
      g_assert_cmpmem (g_variant_get_data (value), g_variant_get_size (value), bytes, 300000);
    }
  g_thread_join (thread);
  g_free (bytes);
}

static void
sent (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  ferry_channel_send_finish (FERRY_CHANNEL (source), result, &error);
  g_assert_no_error (error);
  (*(guint *) data)++;
}

static gboolean
all_are_sent (gpointer data)
{
  return *(guint *) data == 200;
}

static gpointer
take_two_hundred (gpointer channel)
{
  for (guint i = 0; i < 200; i++)
    assert_next (channel, i);
  return NULL;
}

static void
asynchronous_messages_line_up (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint n_sent = 0;
  GThread *thread;

  for (guint i = 0; i < 200; i++)
    ferry_channel_send_async (both->ends[0], g_variant_new_uint32 (i), cancellable, sent, &n_sent);
  ferry_channel_close (both->ends[0]);
  thread = g_thread_new ("take", take_two_hundred, both->ends[1]);
  ferry_test_run_until (all_are_sent, &n_sent);
  g_thread_join (thread);
  assert_end (both->ends[1], 0, 0);
}

static void
count_one (gpointer count)
{
  (*(guint *) count)++;
}

static gboolean
is_one (gpointer count)
{
  return *(guint *) count == 1;
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
assert_cancelled (FerryChannel *channel, GAsyncResult **result)
{
  g_autoptr (GError) error = NULL;

  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (ferry_channel_send_finish (channel, *result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
room_is_told_after_a_cancelled_message (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  guint n_told = 0;

  g_signal_connect_swapped (both->ends[0], "notify::writable", G_CALLBACK (count_one), &n_told);
  for (guint i = 0; i < FERRY_CHANNEL_WINDOW; i++)
    send_number (both->ends[0], i);
  ferry_channel_send_async (both->ends[0], g_variant_new_uint32 (0), cancellable, keep_result, &result);
  g_cancellable_cancel (cancellable);
  assert_cancelled (both->ends[0], &result);
  g_assert_cmpuint (n_told, ==, 0);
  for (guint i = 0; i < FERRY_CHANNEL_WINDOW; i++)
    assert_next (both->ends[1], i);
  ferry_test_run_until (is_one, &n_told);
  g_assert_true (ferry_test_get_number (both->ends[0], "writable"));
}

static gboolean
is_told (gpointer readable)
{
  return *(int *) readable >= 0;
}

static gboolean
has_result (gpointer result)
{
  return *(GAsyncResult **) result != NULL;
}

static void
note_readable (FerryChannel *channel, GParamSpec *pspec, gpointer readable)
{
  *(int *) readable = (int) ferry_test_get_number (channel, "readable");
}

static void
wait_readable (int *told, gboolean expected)
{
  ferry_test_run_until (is_told, told);
  g_assert_cmpint (*told, ==, expected);
  *told = -1;
}

/* Also the end is something to take. Nothing is told before the property is read. */
static void
what_can_be_taken_is_told (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  FerryChannel *channel = both->ends[1];
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) value = NULL;
  int told = -1;

  g_signal_connect (channel, "notify::readable", G_CALLBACK (note_readable), &told);
  send_number (both->ends[0], 0);
  assert_next (channel, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpint (told, ==, -1);
  g_assert_false (ferry_test_get_number (channel, "readable"));
  ferry_channel_send_acknowledged_async (both->ends[0], g_variant_new_uint32 (1), NULL, keep_result, &result);
  wait_readable (&told, TRUE);
  /* What is readable was not taken, and so not acknowledged. */
  g_assert_null (result);
  assert_next (channel, 1);
  wait_readable (&told, FALSE);
  ferry_test_run_until (has_result, &result);
  ferry_channel_close (both->ends[0]);
  wait_readable (&told, TRUE);
  g_assert_true (ferry_channel_receive (channel, 0, NULL, &value, NULL, NULL));
  g_assert_null (value);
  wait_readable (&told, FALSE);
  g_assert_true (ferry_test_get_number (channel, "closed"));
}

static TransportTestGate gate = TRANSPORT_TEST_GATE_INIT;

static void
pass_gate (FerryTransport *self, FerryCall *call, GObject *owner)
{
  transport_test_gate_pass (&gate);
}

/* The other end of a channel, which is none. */
typedef struct
{
  FerryCall *call;      /* (owned) */
  guint window_at_end;  /* what its window was when it was cancelled */
  _Atomic guint n_ends; /* answers and cancels that came */
} Beside;

static void
answered (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Beside *self = data;

  g_assert_no_error (error);
  atomic_fetch_add (&self->n_ends, 1);
  transport_test_wake ();
}

static void
cancelled (FerryCall *call, gpointer data)
{
  Beside *self = data;

  self->window_at_end = ferry_call_get_window (call);
  atomic_fetch_add (&self->n_ends, 1);
  transport_test_wake ();
}

static void
stand_beside (Beside *self, FerryTransport *transport)
{
  static const FerryAnswerFuncs funcs = {.done = answered};

  self->call = ferry_transport_stand (transport, "channel", &funcs, self);
  ferry_call_set_cancel_func (self->call, cancelled, self);
  g_assert_true (ferry_transport_receive_kept (transport, NULL));
}

static gboolean
try_item (FerryCall *call, guchar mark, GVariant *value)
{
  return ferry_call_send_item (call, g_variant_new ("(yv)", mark, value), NULL);
}

/* Also when the end that took it is gone by then. That it is does not overtake what it has taken. */
static void
what_was_taken_is_acknowledged_once_there_is_room (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  g_autoptr (FerryChannel) channel = ferry_channel_new (pair->ends[1]);
  g_autofree guint8 *bytes = g_malloc0 (30000);
  g_autoptr (GVariant) large = g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 30000, 1));
  Beside beside = {0};

  stand_beside (&beside, pair->ends[0]);
  transport_test_gate_set (&gate, FALSE);
  transport_test_take_calls (pair, 0, pass_gate);
  while (transport_test_try_tell (pair->ends[1], "noise", large))
    ;
  g_assert_true (try_item (beside.call, 1, g_variant_new_uint32 (7)));
  assert_next (channel, 7);
  g_clear_object (&channel);
  g_assert_cmpuint (ferry_call_get_window (beside.call), ==, FERRY_CHANNEL_WINDOW - 1);
  g_assert_cmpuint (beside.n_ends, ==, 0);
  transport_test_gate_set (&gate, TRUE);
  transport_test_wait_count (&beside.n_ends, 2);
  g_assert_cmpuint (beside.window_at_end, ==, FERRY_CHANNEL_WINDOW);
  ferry_call_set_cancel_func (beside.call, NULL, NULL);
  ferry_call_unref (beside.call);
}

/* Messages, and the end, before there is a channel at the other end. */
static void
what_came_first_is_kept (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  g_autoptr (FerryChannel) early = ferry_channel_new (pair->ends[0]);
  g_autoptr (FerryChannel) late = NULL;
  g_autoptr (GError) failure = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_IO, "the end");

  for (guint i = 0; i < FERRY_CHANNEL_WINDOW; i++)
    send_number (early, i);
  g_assert_false (ferry_channel_send (early, g_variant_new_uint32 (0), 0, NULL, NULL));
  ferry_channel_fail (early, failure);
  g_clear_object (&early);
  late = ferry_channel_new (pair->ends[1]);
  for (guint i = 0; i < FERRY_CHANNEL_WINDOW; i++)
    assert_next (late, i);
  assert_end (late, G_FILE_ERROR, G_FILE_ERROR_IO);
}

/* What is kept for a channel that there is not yet is bounded, too. */
static void
more_than_the_window_is_not_kept (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);

  for (guint i = 0; i < FERRY_CHANNEL_WINDOW + 2; i++)
    forge_standing (pair->ends[0], FERRY_CALL_ITEM, g_variant_new_uint32 (i), 0);
  transport_test_wait_closed (pair->ends[1], FERRY_ERROR_PROTOCOL);
}

/* A message may itself look like a marked one. */
static void
message_of_any_type_arrives_as_it_was_sent (gconstpointer kind)
{
  static const char *const texts[] = {"(byte 0x02, <'x'>)", "(byte 0x01, <byte 0x07>)", "<(byte 0x09, <'x'>)>",
                                      "@mu nothing"};
  g_autoptr (Both) both = both_new (kind);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GVariant) sent = g_variant_ref_sink (g_variant_new_parsed (texts[i]));
      g_autoptr (GVariant) value = NULL;

      g_assert_true (ferry_channel_send (both->ends[0], sent, PATIENCE, NULL, NULL));
      g_assert_true (ferry_channel_receive (both->ends[1], PATIENCE, NULL, &value, NULL, NULL));
      g_assert_true (g_variant_equal (value, sent));
    }
}

static gpointer
take_one_late (gpointer channel)
{
  assert_next (channel, 1);
  return NULL;
}

/* The answer ends the call, and with it its window, which says what was taken. */
static void
end_waits_for_acknowledgements (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  g_autoptr (GAsyncResult) result = NULL;
  GThread *thread;

  ferry_channel_send_acknowledged_async (both->ends[0], g_variant_new_uint32 (1), NULL, keep_result, &result);
  ferry_channel_close (both->ends[0]);
  thread = g_thread_new ("take", take_one_late, both->ends[1]);
  ferry_test_run_until (has_result, &result);
  g_assert_true (ferry_channel_send_acknowledged_finish (both->ends[0], result, NULL));
  g_thread_join (thread);
  assert_end (both->ends[1], 0, 0);
}

/* Who drops its channel takes nothing more. */
static void
one_that_is_dropped_is_sent_nothing (gconstpointer kind)
{
  g_autoptr (Both) both = both_new (kind);
  g_autoptr (GError) error = NULL;

  g_clear_object (&both->ends[1]);
  assert_end (both->ends[0], 0, 0);
  while (ferry_channel_send (both->ends[0], g_variant_new_uint32 (0), PATIENCE, NULL, &error))
    ;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static const TransportTestFact facts[] = {
  {"messages-go-both-ways-in-order", messages_go_both_ways_in_order},
  {"sender-waits-for-a-slow-taker", sender_waits_for_a_slow_taker},
  {"window-bounds-what-lies-untaken", window_bounds_what_lies_untaken},
  {"only-acknowledged-messages-cost-a-round-trip", only_acknowledged_messages_cost_a_round_trip},
  {"untaken-message-is-not-acknowledged", untaken_message_is_not_acknowledged},
  {"each-end-closes-its-own-direction", each_end_closes_its_own_direction},
  {"raised-error-and-error-as-value-are-apart", raised_error_and_error_as_value_are_apart},
  {"data-comes-before-a-hang-up", data_comes_before_a_hang_up},
  {"transport-that-ends-is-no-good-end", transport_that_ends_is_no_good_end},
  {"waiting-is-cancelled", waiting_is_cancelled},
  {"end-that-breaks-a-rule-closes-it", end_that_breaks_a_rule_closes_it},
  {"message-beyond-the-window-closes-it", message_beyond_the_window_closes_it},
  {"large-messages-wait-for-room", large_messages_wait_for_room},
  {"asynchronous-messages-line-up", asynchronous_messages_line_up},
  {"room-is-told-after-a-cancelled-message", room_is_told_after_a_cancelled_message},
  {"what-can-be-taken-is-told", what_can_be_taken_is_told},
  {"what-was-taken-is-acknowledged-once-there-is-room", what_was_taken_is_acknowledged_once_there_is_room},
  {"what-came-first-is-kept", what_came_first_is_kept},
  {"more-than-the-window-is-not-kept", more_than_the_window_is_not_kept},
  {"message-of-any-type-arrives-as-it-was-sent", message_of_any_type_arrives_as_it_was_sent},
  {"end-waits-for-acknowledgements", end_waits_for_acknowledgements},
  {"one-that-is-dropped-is-sent-nothing", one_that_is_dropped_is_sent_nothing},
};

/* ---- a transport that ends while it sends ---- */

#define TYPE_ABRUPT_TRANSPORT (abrupt_transport_get_type ())
G_DECLARE_FINAL_TYPE (AbruptTransport, abrupt_transport, ABRUPT, TRANSPORT, FerryTransport)

struct _AbruptTransport
{
  FerryTransport parent_instance;
};

G_DEFINE_FINAL_TYPE (AbruptTransport, abrupt_transport, FERRY_TYPE_TRANSPORT)

static gboolean
abrupt_transport_send (FerryTransport *transport, const GOutputVector *parts, guint n_parts, GError **error)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "It went in between");

  /* As another thread does that finds its end just now. */
  ferry_transport_end (transport, reason);
  return TRUE;
}

static void
abrupt_transport_close (FerryTransport *transport)
{
}

static void
abrupt_transport_class_init (AbruptTransportClass *klass)
{
  FERRY_TRANSPORT_CLASS (klass)->send = abrupt_transport_send;
  FERRY_TRANSPORT_CLASS (klass)->close = abrupt_transport_close;
}

static void
abrupt_transport_init (AbruptTransport *self)
{
}

static void
message_is_let_go_of_once_when_the_transport_ends_meanwhile (void)
{
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (FerryTransport) transport = g_object_new (TYPE_ABRUPT_TRANSPORT, NULL);
      FerryChannel *channel = ferry_channel_new (transport);
      g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_uint32 (i));
      g_autoptr (GError) error = NULL;

      g_assert_false (ferry_channel_send_acknowledged (channel, value, PATIENCE, NULL, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_ACKNOWLEDGED);
      g_assert_nonnull (strstr (error->message, "It went in between"));
      g_assert_finalize_object (channel);
    }
}

/* ---- a send that is cancelled while the transport has no room ---- */

#define TYPE_FULL_TRANSPORT (full_transport_get_type ())
G_DECLARE_FINAL_TYPE (FullTransport, full_transport, FULL, TRANSPORT, FerryTransport)

struct _FullTransport
{
  FerryTransport parent_instance;

  GCancellable *cancellable; /* (unowned) (nullable) */
};

G_DEFINE_FINAL_TYPE (FullTransport, full_transport, FERRY_TYPE_TRANSPORT)

static gboolean
full_transport_send (FerryTransport *transport, const GOutputVector *parts, guint n_parts, GError **error)
{
  /* As another thread does, and the one that runs the call's context. */
  g_cancellable_cancel (FULL_TRANSPORT (transport)->cancellable);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK, "There is no room");
  return FALSE;
}

static void
full_transport_class_init (FullTransportClass *klass)
{
  FERRY_TRANSPORT_CLASS (klass)->send = full_transport_send;
  FERRY_TRANSPORT_CLASS (klass)->close = abrupt_transport_close;
}

static void
full_transport_init (FullTransport *self)
{
}

static void
send_that_is_cancelled_where_there_is_no_room_is_cancelled (void)
{
  g_autoptr (FullTransport) transport = g_object_new (TYPE_FULL_TRANSPORT, NULL);
  g_autoptr (FerryChannel) channel = ferry_channel_new (FERRY_TRANSPORT (transport));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  guint n_told = 0;

  g_signal_connect_swapped (channel, "notify::writable", G_CALLBACK (count_one), &n_told);
  transport->cancellable = cancellable;
  ferry_channel_send_async (channel, g_variant_new_uint32 (1), cancellable, keep_result, &result);
  assert_cancelled (channel, &result);
  /* Nothing waits to be sent any more. */
  ferry_test_run_until (is_one, &n_told);
  transport->cancellable = NULL;
  /* The channel's end would wait for room, too. */
  ferry_transport_close (FERRY_TRANSPORT (transport));
}

static void
signals_of_a_channel_without_a_process_reach_none (void)
{
  g_autoptr (FullTransport) transport = g_object_new (TYPE_FULL_TRANSPORT, NULL);
  g_autoptr (FerryChannel) channel = ferry_channel_new (FERRY_TRANSPORT (transport));

  g_assert_null (ferry_channel_get_identifier (channel));
  ferry_channel_send_signal (channel, SIGKILL);
  ferry_transport_close (FERRY_TRANSPORT (transport));
}

int
main (int argc, char **argv)
{
  g_autoptr (GSource) source = NULL;

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  /* A thread of GLib's has a descriptor from its first use on; from now on it has. */
  source = g_unix_signal_source_new (SIGUSR2);
  g_source_attach (source, NULL);
  g_source_destroy (source);
  transport_test_add_facts ("channel", facts, G_N_ELEMENTS (facts));
  g_test_add_func ("/channel/signals-of-a-channel-without-a-process-reach-none",
                   signals_of_a_channel_without_a_process_reach_none);
  g_test_add_func ("/channel/message-is-let-go-of-once-when-the-transport-ends-meanwhile",
                   message_is_let_go_of_once_when_the_transport_ends_meanwhile);
  g_test_add_func ("/channel/send-that-is-cancelled-where-there-is-no-room-is-cancelled",
                   send_that_is_cancelled_where_there_is_no_room_is_cancelled);
  return g_test_run ();
}
