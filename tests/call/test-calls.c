/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-transport.c, call/ferry-request.c, call/ferry-call.c, call/ferry-room.c
 *
 * The call core over wires that the test delivers manually. */

#include "config.h"

#include "call/call-test.h"

#include <string.h>

/* The asking end and the asked one of most tests. */
#define ASKING 0
#define ASKED 1

static void
answer (FerryCall *call, GVariant *result)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_call_answer (call, result, &error));
  g_assert_no_error (error);
}

static GError *
new_failure (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NO_SPACE, "The hold is full");
}

/* ---- questions and answers ---- */

static void
test_answers_come_in_any_order (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  CallTestAnswer *answers[3];

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    answers[i] = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_assert_cmpuint (ferry_transport_get_counts (pair->ends[ASKING]).n_asked, ==, 3);
  call_test_pair_pump (pair);
  g_assert_cmpuint (call_test_count_kept (), ==, 3);
  answer (call_test_get_kept (2), g_variant_new_int32 (2));
  answer (call_test_get_kept (0), g_variant_new_int32 (0));
  answer (call_test_get_kept (1), NULL);
  call_test_pair_pump (pair);
  call_test_assert_result (answers[0], "0");
  call_test_assert_result (answers[1], NULL);
  call_test_assert_result (answers[2], "2");
  g_assert_cmpuint (ferry_transport_get_counts (pair->ends[ASKING]).n_asked, ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    call_test_answer_free (answers[i]);
  call_test_drop_kept (G_MAXUINT);
}

static void
test_request_arrives_as_it_was_asked (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (GError) error = NULL;
  FerryRequest request = {"load", g_variant_new ("(sd)", "crate", 1.5), 123456789, FERRY_CALL_STREAM, 7};
  CallTestAnswer seen = {.items = NULL};
  g_autofree char *arguments = NULL;
  guint64 xid = ferry_transport_ask (pair->ends[ASKING], &request, &call_test_answer_funcs, &seen, &error);

  g_assert_no_error (error);
  call_test_pair_pump (pair);
  g_assert_cmpuint (ferry_call_get_xid (call_test_get_kept (0)), ==, xid);
  g_assert_cmpstr (ferry_call_get_method (call_test_get_kept (0)), ==, "load");
  arguments = g_variant_print (ferry_call_get_arguments (call_test_get_kept (0)), TRUE);
  g_assert_cmpstr (arguments, ==, "('crate', 1.5)");
  g_assert_cmpint (ferry_call_get_deadline (call_test_get_kept (0)), ==, 123456789);
  g_assert_cmpint (ferry_call_get_flags (call_test_get_kept (0)), ==, FERRY_CALL_STREAM);
  g_assert_cmpuint (ferry_call_get_window (call_test_get_kept (0)), ==, 7);
  g_assert_cmpuint (ferry_call_get_cancelled (call_test_get_kept (0)), ==, 0);
  g_assert_true (ferry_transport_forget (pair->ends[ASKING], xid));
  call_test_drop_kept (G_MAXUINT);
}

/* What the other end does to its memory once a request was received changes nothing here. */
static void
test_request_is_copied_before_it_is_used (void)
{
  static const gsize sizes[] = {0, 5, 1024, 1025, 60000};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
      g_autofree char *content = g_strnfill (sizes[i], 'c');
      g_autoptr (GBytes) bytes =
        call_test_message (FERRY_CALL_REQUEST, 1, 0, "load",
                           g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, content, sizes[i], TRUE, NULL, NULL));
      gsize size = g_bytes_get_size (bytes);
      g_autofree guint8 *memory = g_memdup2 (g_bytes_get_data (bytes, NULL), size);
      FerryBody body;

      g_assert_true (ferry_transport_process (pair->ends[ASKED], memory, size, NULL, FERRY_VALUE_UNJUDGED, NULL));
      memset (memory, 0xee, size);
      g_assert_cmpstr (ferry_call_get_method (call_test_get_kept (0)), ==, "load");
      g_assert_true (ferry_call_get_body (call_test_get_kept (0), &body));
      g_assert_cmpmem (body.data, body.size, content, sizes[i]);
      g_assert_cmpuint (ferry_call_get_size (call_test_get_kept (0)), ==, sizes[i]);
      g_assert_cmpuint (g_variant_get_size (ferry_call_get_arguments (call_test_get_kept (0))), ==, sizes[i]);
      call_test_drop_kept (G_MAXUINT);
    }
}

/* Nothing but the very type is taken for bytes, whatever follows it; and what was malformed as another type is none. */
static void
test_bytes_are_told_by_their_type (void)
{
  static const struct
  {
    const char *type;
    gboolean is_bytes;
  } types[] = {{"ay", TRUE}, {"may", FALSE}, {"(ay)", FALSE}, {"s", FALSE}, {"y", FALSE}, {"an", FALSE}};
  static const guint8 content[] = {1, 0, 255, 254, 9, 200, 1};

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    for (gsize size = 0; size <= sizeof content; size++)
      {
        g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
        g_autoptr (GBytes) bytes = NULL;
        FerryCallMessage message;
        FerryBody body;

        ferry_call_message_init (&message, FERRY_CALL_REQUEST, 1, "load", NULL);
        message.type_string = types[i].type;
        message.header.type_length = (guint16) strlen (types[i].type);
        message.body = content;
        message.body_size = size;
        bytes = call_test_join (&message);
        g_assert_true (call_test_receive (pair->ends[ASKED], bytes));
        g_assert_cmpint (ferry_call_get_body (call_test_get_kept (0), &body), ==, types[i].is_bytes);
        if (types[i].is_bytes)
          g_assert_cmpmem (body.data, body.size, content, size);
        g_assert_cmpstr (g_variant_get_type_string (ferry_call_get_arguments (call_test_get_kept (0))), ==,
                         types[i].type);
        call_test_drop_kept (G_MAXUINT);
      }
}

static void
test_error_comes_home_with_its_trace (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_autoptr (GError) failure = new_failure ();
  g_autofree char *trace = NULL;

  call_test_pair_pump (pair);
  g_assert_true (ferry_call_answer_error (call_test_get_kept (0), failure, "in the hold\n", NULL, NULL));
  call_test_pair_pump (pair);
  call_test_assert_failed (asked, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpstr (asked->error->message, ==, failure->message);
  g_assert_false (asked->refused);
  g_assert_cmpstr (asked->trace, ==, "in the hold\n");
  trace = ferry_error_get_trace (asked->error);
  g_assert_cmpstr (trace, ==, "in the hold\n");
  call_test_drop_kept (G_MAXUINT);
}

static void
test_refusal_says_that_it_was_not_begun (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_autoptr (GError) failure = new_failure ();

  call_test_pair_pump (pair);
  g_assert_true (ferry_call_refuse (call_test_get_kept (0), failure, NULL));
  call_test_pair_pump (pair);
  call_test_assert_failed (asked, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_true (asked->refused);
  call_test_drop_kept (G_MAXUINT);
}

static void
test_one_way_has_no_answer (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  FerryRequest request = {.method = "load", .flags = FERRY_CALL_ONE_WAY};
  guint64 xid = ferry_transport_ask (pair->ends[ASKING], &request, NULL, NULL, NULL);

  g_assert_cmpuint (xid, ==, 1);
  g_assert_cmpuint (ferry_transport_ask (pair->ends[ASKING], &request, NULL, NULL, NULL), ==, 2);
  g_assert_cmpuint (ferry_transport_get_counts (pair->ends[ASKING]).n_asked, ==, 0);
  g_assert_false (ferry_transport_cancel (pair->ends[ASKING], xid, FERRY_CANCEL_REASON_CANCELLED));
  call_test_pair_pump (pair);
  g_assert_true (ferry_call_send_value (call_test_get_kept (0), "note", g_variant_new_int32 (1), NULL));
  g_assert_true (ferry_call_send_item (call_test_get_kept (0), g_variant_new_int32 (1), NULL));
  answer (call_test_get_kept (0), g_variant_new_int32 (1));
  /* The second one is dropped unanswered, and not refused. */
  call_test_drop_kept (G_MAXUINT);
  g_assert_cmpuint (pair->wires[ASKED].n_sent, ==, 0);
}

static void
test_both_ends_ask_at_once (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) first = call_test_ask (pair->ends[0], "load", NULL);
  g_autoptr (CallTestAnswer) second = call_test_ask (pair->ends[1], "unload", NULL);

  g_assert_cmpuint (first->xid, ==, second->xid);
  call_test_pair_pump (pair);
  g_assert_cmpuint (call_test_count_kept (), ==, 2);
  for (guint i = 0; i < 2; i++)
    answer (call_test_get_kept (i), g_variant_new_string (ferry_call_get_method (call_test_get_kept (i))));
  call_test_pair_pump (pair);
  call_test_assert_result (first, "'load'");
  call_test_assert_result (second, "'unload'");
  call_test_drop_kept (G_MAXUINT);
}

static void
test_end_without_a_function_refuses (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new (NULL, NULL);
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);

  call_test_pair_pump (pair);
  call_test_assert_failed (asked, FERRY_ERROR, FERRY_ERROR_REFUSED);
  g_assert_true (asked->refused);
}

/* ---- streams ---- */

static void
assert_would_block (FerryCall *call)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_call_send_item (call, g_variant_new_int32 (0), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
}

static void
test_stream_keeps_to_its_window (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask_stream (pair->ends[ASKING], "count", 2);

  call_test_pair_pump (pair);
  for (int i = 1; i <= 2; i++)
    g_assert_true (ferry_call_send_item (call_test_get_kept (0), g_variant_new_int32 (i), NULL));
  assert_would_block (call_test_get_kept (0));
  g_assert_true (ferry_call_send_value (call_test_get_kept (0), "note", g_variant_new_string ("full"), NULL));
  call_test_pair_pump (pair);
  g_assert_cmpstr (asked->items->str, ==, "1;2;note'full';");

  g_assert_true (ferry_transport_add_window (pair->ends[ASKING], asked->xid, 1, NULL));
  call_test_pair_pump (pair);
  g_assert_cmpuint (ferry_call_get_window (call_test_get_kept (0)), ==, 1);
  g_assert_true (ferry_call_send_item (call_test_get_kept (0), g_variant_new_int32 (3), NULL));
  assert_would_block (call_test_get_kept (0));
  /* The answer is the end mark, and comes behind the items. */
  answer (call_test_get_kept (0), NULL);
  call_test_pair_pump (pair);
  g_assert_cmpstr (asked->items->str, ==, "1;2;note'full';3;");
  call_test_assert_result (asked, NULL);
  call_test_drop_kept (G_MAXUINT);
}

static void
test_items_without_a_stream_are_dropped (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "count", NULL);

  call_test_pair_pump (pair);
  g_assert_true (ferry_call_send_item (call_test_get_kept (0), g_variant_new_int32 (1), NULL));
  g_assert_cmpuint (pair->wires[ASKED].n_sent, ==, 0);
  answer (call_test_get_kept (0), NULL);
  call_test_pair_pump (pair);
  call_test_drop_kept (G_MAXUINT);
}

static void
test_item_that_has_no_room_uses_no_window (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask_stream (pair->ends[ASKING], "count", 1);

  call_test_pair_pump (pair);
  pair->wires[ASKED].capacity = 0;
  assert_would_block (call_test_get_kept (0));
  g_assert_cmpuint (ferry_call_get_window (call_test_get_kept (0)), ==, 1);
  pair->wires[ASKED].capacity = G_MAXUINT;
  g_assert_true (ferry_call_send_item (call_test_get_kept (0), g_variant_new_int32 (1), NULL));
  answer (call_test_get_kept (0), NULL);
  call_test_pair_pump (pair);
  g_assert_cmpstr (asked->items->str, ==, "1;");
  call_test_drop_kept (G_MAXUINT);
}

static void
test_items_after_the_answer_are_an_error (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask_stream (pair->ends[ASKING], "count", 5);
  g_autoptr (GError) error = NULL;

  call_test_pair_pump (pair);
  answer (call_test_get_kept (0), NULL);
  g_assert_false (ferry_call_send_item (call_test_get_kept (0), g_variant_new_int32 (1), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  /* A window that comes too late does no harm. */
  g_assert_true (ferry_transport_add_window (pair->ends[ASKING], asked->xid, 1, NULL));
  call_test_pair_pump (pair);
  g_assert_cmpuint (asked->n_done, ==, 1);
  call_test_drop_kept (G_MAXUINT);
}

static void
test_window_is_bounded (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask_stream (pair->ends[ASKING], "count", 5);
  g_autoptr (CallTestAnswer) plain = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_transport_add_window (pair->ends[ASKING], asked->xid, FERRY_MAX_WINDOW - 4, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_clear_error (&error);
  g_assert_true (ferry_transport_add_window (pair->ends[ASKING], asked->xid, FERRY_MAX_WINDOW - 5, NULL));
  g_assert_false (ferry_transport_add_window (pair->ends[ASKING], plain->xid, 1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  call_test_pair_pump (pair);
  g_assert_cmpuint (ferry_call_get_window (call_test_get_kept (0)), ==, FERRY_MAX_WINDOW);
  answer (call_test_get_kept (0), NULL);
  answer (call_test_get_kept (1), NULL);
  call_test_pair_pump (pair);
  call_test_drop_kept (G_MAXUINT);
}

static void
test_window_that_has_no_room_is_told_as_soon_as_there_is (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask_stream (pair->ends[ASKING], "count", 0);
  guint n_sent = pair->wires[ASKING].n_sent;

  call_test_pair_pump (pair);
  pair->wires[ASKING].capacity = 0;
  g_assert_true (ferry_transport_add_window (pair->ends[ASKING], asked->xid, 3, NULL));
  g_assert_true (ferry_transport_add_window (pair->ends[ASKING], asked->xid, 2, NULL));
  ferry_transport_note_room (pair->ends[ASKING]);
  call_test_pair_pump (pair);
  g_assert_cmpuint (ferry_call_get_window (call_test_get_kept (0)), ==, 0);
  pair->wires[ASKING].capacity = G_MAXUINT;
  ferry_transport_note_room (pair->ends[ASKING]);
  ferry_transport_note_room (pair->ends[ASKING]);
  call_test_pair_pump (pair);
  g_assert_cmpuint (ferry_call_get_window (call_test_get_kept (0)), ==, 5);
  g_assert_cmpuint (pair->wires[ASKING].n_sent, ==, n_sent + 1);
  answer (call_test_get_kept (0), NULL);
  call_test_pair_pump (pair);
  call_test_drop_kept (G_MAXUINT);
}

/* What the other end was not told of, it does not use. */
static void
test_window_that_has_no_room_is_not_counted (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask_stream (pair->ends[ASKING], "count", 0);
  g_autoptr (GBytes) item = NULL;

  pair->wires[ASKING].capacity = 0;
  g_assert_true (ferry_transport_add_window (pair->ends[ASKING], asked->xid, 3, NULL));
  g_assert_false (ferry_transport_add_window (pair->ends[ASKING], asked->xid, FERRY_MAX_WINDOW - 2, NULL));
  item = call_test_message (FERRY_CALL_ITEM, asked->xid, 0, NULL, g_variant_new_int32 (1));
  g_assert_false (call_test_receive (pair->ends[ASKING], item));
}

static void
test_window_is_told_with_the_next_message (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask_stream (pair->ends[ASKING], "count", 1);

  call_test_pair_pump (pair);
  pair->wires[ASKING].capacity = 0;
  g_assert_true (ferry_transport_add_window (pair->ends[ASKING], asked->xid, 3, NULL));
  pair->wires[ASKING].capacity = G_MAXUINT;
  g_assert_true (ferry_call_send_item (call_test_get_kept (0), g_variant_new_int32 (1), NULL));
  call_test_pair_pump (pair);
  g_assert_cmpuint (ferry_call_get_window (call_test_get_kept (0)), ==, 3);
  answer (call_test_get_kept (0), NULL);
  call_test_pair_pump (pair);
  call_test_drop_kept (G_MAXUINT);
}

static void
test_window_of_what_is_over_is_told_to_nobody (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask_stream (pair->ends[ASKING], "count", 1);
  guint n_sent = pair->wires[ASKING].n_sent;

  call_test_pair_pump (pair);
  pair->wires[ASKING].capacity = 0;
  g_assert_true (ferry_transport_add_window (pair->ends[ASKING], asked->xid, 3, NULL));
  answer (call_test_get_kept (0), NULL);
  call_test_pair_pump (pair);
  pair->wires[ASKING].capacity = G_MAXUINT;
  ferry_transport_note_room (pair->ends[ASKING]);
  g_assert_cmpuint (pair->wires[ASKING].n_sent, ==, n_sent);
  call_test_drop_kept (G_MAXUINT);
}

/* ---- cancelling ---- */

static guint n_cancels;

static void
note_cancel (FerryCall *call, gpointer data)
{
  g_assert_cmpuint (ferry_call_get_cancelled (call), ==, GPOINTER_TO_UINT (data));
  n_cancels++;
}

static void
test_cancel_reaches_an_open_call_once (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);

  n_cancels = 0;
  call_test_pair_pump (pair);
  ferry_call_set_cancel_func (call_test_get_kept (0), note_cancel, GUINT_TO_POINTER (FERRY_CANCEL_REASON_DEADLINE));
  g_assert_true (ferry_transport_cancel (pair->ends[ASKING], asked->xid, FERRY_CANCEL_REASON_DEADLINE));
  g_assert_true (ferry_transport_cancel (pair->ends[ASKING], asked->xid, FERRY_CANCEL_REASON_CANCELLED));
  call_test_pair_pump (pair);
  g_assert_cmpuint (n_cancels, ==, 1);
  /* The answer still comes. */
  answer (call_test_get_kept (0), g_variant_new_int32 (1));
  call_test_pair_pump (pair);
  call_test_assert_result (asked, "1");
  g_assert_false (ferry_transport_cancel (pair->ends[ASKING], asked->xid, FERRY_CANCEL_REASON_CANCELLED));
  call_test_drop_kept (G_MAXUINT);
}

static void
cancelled_when_it_comes (FerryTransport *self, FerryCall *call, GObject *owner)
{
  g_assert_cmpuint (ferry_call_get_cancelled (call), ==, FERRY_CANCEL_REASON_CANCELLED);
  ferry_call_set_cancel_func (call, note_cancel, GUINT_TO_POINTER (FERRY_CANCEL_REASON_CANCELLED));
  g_assert_cmpuint (n_cancels, ==, 1);
  answer (call, NULL);
}

static void
test_cancel_may_overtake_its_request (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new (NULL, cancelled_when_it_comes);
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);

  n_cancels = 0;
  g_assert_true (ferry_transport_cancel (pair->ends[ASKING], asked->xid, FERRY_CANCEL_REASON_CANCELLED));
  call_test_pair_pump (pair);
  call_test_assert_result (asked, NULL);
  g_assert_cmpuint (n_cancels, ==, 1);
}

static void
test_cancel_after_the_answer_does_nothing (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);

  n_cancels = 0;
  call_test_pair_pump (pair);
  ferry_call_set_cancel_func (call_test_get_kept (0), note_cancel, NULL);
  answer (call_test_get_kept (0), NULL);
  g_assert_true (ferry_transport_cancel (pair->ends[ASKING], asked->xid, FERRY_CANCEL_REASON_CANCELLED));
  call_test_pair_pump (pair);
  g_assert_cmpuint (n_cancels, ==, 0);
  g_assert_cmpuint (ferry_call_get_cancelled (call_test_get_kept (0)), ==, 0);
  call_test_drop_kept (G_MAXUINT);
}

static void
test_cancel_takes_the_slow_road_when_the_quick_one_is_full (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);

  pair->wires[ASKING].no_cancels = TRUE;
  g_assert_true (ferry_transport_cancel (pair->ends[ASKING], asked->xid, FERRY_CANCEL_REASON_DEADLINE));
  call_test_pair_pump (pair);
  g_assert_cmpuint (ferry_call_get_cancelled (call_test_get_kept (0)), ==, FERRY_CANCEL_REASON_DEADLINE);
  call_test_drop_kept (G_MAXUINT);
  call_test_pair_pump (pair);
  g_assert_true (asked->refused);
}

static void
test_cancel_that_has_no_room_is_told_as_soon_as_there_is (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_autoptr (CallTestAnswer) other = call_test_ask (pair->ends[ASKING], "load", NULL);
  guint n_sent = pair->wires[ASKING].n_sent;

  call_test_pair_pump (pair);
  pair->wires[ASKING].no_cancels = TRUE;
  pair->wires[ASKING].capacity = 0;
  g_assert_true (ferry_transport_cancel (pair->ends[ASKING], asked->xid, FERRY_CANCEL_REASON_DEADLINE));
  g_assert_true (ferry_transport_cancel (pair->ends[ASKING], asked->xid, FERRY_CANCEL_REASON_CANCELLED));
  g_assert_true (ferry_transport_abandon (pair->ends[ASKING], asked->xid, FERRY_CANCEL_REASON_CANCELLED) == asked);
  g_assert_true (ferry_transport_abandon (pair->ends[ASKING], other->xid, FERRY_CANCEL_REASON_DEADLINE) == other);
  /* The one that abandons them ends them. */
  asked->n_done = other->n_done = 1;
  ferry_transport_note_room (pair->ends[ASKING]);
  pair->wires[ASKING].capacity = G_MAXUINT;
  ferry_transport_note_room (pair->ends[ASKING]);
  call_test_pair_pump (pair);
  g_assert_cmpuint (pair->wires[ASKING].n_sent, ==, n_sent + 2);
  g_assert_cmpuint (ferry_call_get_cancelled (call_test_get_kept (0)), ==, FERRY_CANCEL_REASON_DEADLINE);
  g_assert_cmpuint (ferry_call_get_cancelled (call_test_get_kept (1)), ==, FERRY_CANCEL_REASON_DEADLINE);
  call_test_drop_kept (G_MAXUINT);
  call_test_pair_pump (pair);
}

static void
note_window (FerryCall *call, gpointer window)
{
  *(guint *) window = ferry_call_get_window (call);
}

static void
pass_over_end (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
}

/* Its windows say what was taken, also when there is room again before they have been sent. */
static void
test_cancel_of_the_standing_call_overtakes_no_window (void)
{
  static const FerryAnswerFuncs funcs = {.done = pass_over_end};
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  FerryCall *calls[2];
  guint window = 0;

  for (guint i = 0; i < 2; i++)
    {
      calls[i] = ferry_transport_stand (pair->ends[i], "standing", &funcs, NULL);
      g_assert_null (ferry_transport_stand (pair->ends[i], "standing", &funcs, NULL));
      g_assert_true (ferry_transport_receive_kept (pair->ends[i], NULL));
    }
  ferry_call_set_cancel_func (calls[ASKED], note_window, &window);
  pair->wires[ASKING].capacity = 0;
  g_assert_true (ferry_transport_add_window (pair->ends[ASKING], FERRY_STANDING_XID, 1, NULL));
  pair->wires[ASKING].capacity = G_MAXUINT;
  ferry_transport_abandon (pair->ends[ASKING], FERRY_STANDING_XID, FERRY_CANCEL_REASON_CANCELLED);
  call_test_pair_pump (pair);
  g_assert_cmpuint (window, ==, FERRY_STANDING_WINDOW + 1);
  ferry_call_unref (calls[ASKING]);
  ferry_call_unref (calls[ASKED]);
  call_test_pair_pump (pair);
}

static void
test_room_that_comes_meanwhile_is_used (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask_stream (pair->ends[ASKING], "count", 0);

  call_test_pair_pump (pair);
  for (guint i = 0; i < 2; i++)
    {
      pair->wires[i].no_cancels = TRUE;
      pair->wires[i].late_room = pair->ends[i];
    }
  pair->wires[ASKING].capacity = 0;
  g_assert_true (ferry_transport_add_window (pair->ends[ASKING], asked->xid, 3, NULL));
  call_test_pair_pump (pair);
  g_assert_cmpuint (ferry_call_get_window (call_test_get_kept (0)), ==, 3);
  pair->wires[ASKING].capacity = 0;
  g_assert_true (ferry_transport_cancel (pair->ends[ASKING], asked->xid, FERRY_CANCEL_REASON_CANCELLED));
  call_test_pair_pump (pair);
  g_assert_cmpuint (ferry_call_get_cancelled (call_test_get_kept (0)), ==, FERRY_CANCEL_REASON_CANCELLED);
  pair->wires[ASKED].capacity = 0;
  call_test_drop_kept (G_MAXUINT);
  call_test_pair_pump (pair);
  g_assert_true (asked->refused);
}

static void
test_early_cancels_are_bounded (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();

  for (guint64 xid = 1; xid <= 3 * FERRY_MAX_EARLY_CANCELS; xid++)
    ferry_transport_receive_cancel (pair->ends[ASKED], xid, FERRY_CANCEL_REASON_CANCELLED);
  g_assert_cmpuint (ferry_transport_get_counts (pair->ends[ASKED]).n_early, ==, FERRY_MAX_EARLY_CANCELS);
}

/* ---- no room ---- */

static void
test_request_that_has_no_room_was_not_asked (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  FerryRequest request = {.method = "load", .arguments = g_variant_ref_sink (g_variant_new_int32 (1))};
  g_autoptr (GVariant) arguments G_GNUC_UNUSED = request.arguments;
  g_autoptr (GError) error = NULL;
  CallTestAnswer never = {.n_done = 0};
  g_autoptr (CallTestAnswer) asked = NULL;

  pair->wires[ASKING].capacity = 0;
  g_assert_cmpuint (ferry_transport_ask (pair->ends[ASKING], &request, &call_test_answer_funcs, &never, &error), ==, 0);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  g_assert_cmpuint (ferry_transport_get_counts (pair->ends[ASKING]).n_asked, ==, 0);
  pair->wires[ASKING].capacity = G_MAXUINT;
  asked = call_test_ask (pair->ends[ASKING], "load", request.arguments);
  g_assert_cmpuint (asked->xid, ==, 1);
  call_test_pair_pump (pair);
  call_test_drop_kept (G_MAXUINT);
  call_test_pair_pump (pair);
  g_assert_cmpuint (never.n_done, ==, 0);
}

static void
test_answer_that_has_no_room_leaves_the_call_open (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_autoptr (GError) error = NULL;

  call_test_pair_pump (pair);
  pair->wires[ASKED].capacity = 0;
  g_assert_false (ferry_call_answer (call_test_get_kept (0), g_variant_new_int32 (1), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  pair->wires[ASKED].capacity = G_MAXUINT;
  answer (call_test_get_kept (0), g_variant_new_int32 (2));
  call_test_pair_pump (pair);
  call_test_assert_result (asked, "2");
  call_test_drop_kept (G_MAXUINT);
}

static void
test_second_answer_is_a_critical (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);

  call_test_pair_pump (pair);
  answer (call_test_get_kept (0), g_variant_new_int32 (1));
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "The call of '*' was answered already*");
  g_assert_false (ferry_call_answer (call_test_get_kept (0), g_variant_new_int32 (2), NULL));
  g_test_assert_expected_messages ();
  call_test_pair_pump (pair);
  call_test_assert_result (asked, "1");
  call_test_drop_kept (G_MAXUINT);
}

static void
test_dropped_call_is_refused (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);

  call_test_pair_pump (pair);
  call_test_drop_kept (G_MAXUINT);
  call_test_pair_pump (pair);
  call_test_assert_failed (asked, FERRY_ERROR, FERRY_ERROR_REFUSED);
  g_assert_true (asked->refused);
}

static void
test_dropped_call_is_refused_once_there_is_room (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) first = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_autoptr (CallTestAnswer) second = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_autoptr (CallTestAnswer) third = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_autoptr (CallTestAnswer) fourth = NULL;

  call_test_pair_pump (pair);
  pair->wires[ASKED].capacity = 0;
  call_test_drop_kept (2);
  pair->wires[ASKED].capacity = G_MAXUINT;
  call_test_pair_pump (pair);
  g_assert_cmpuint (first->n_done, ==, 0);
  answer (call_test_get_kept (0), g_variant_new_int32 (3));
  fourth = call_test_ask (pair->ends[ASKING], "load", NULL);
  call_test_pair_pump (pair);
  g_assert_true (first->refused && second->refused);
  call_test_assert_result (third, "3");
  call_test_drop_kept (G_MAXUINT);
}

static void
test_names_and_types_are_checked (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autofree char *long_name = g_strnfill (FERRY_MAX_CALL_NAME + 1, 'n');
  const char *const names[] = {"", "\xff", long_name};
  g_autofree char *inside = g_strnfill (FERRY_MAX_CALL_TYPE, 'i');
  g_autofree char *type = g_strdup_printf ("a(%s)", inside);
  FerryRequest request = {.method = "load"};
  CallTestAnswer seen = {.items = NULL};
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      request.method = names[i];
      g_assert_cmpuint (ferry_transport_ask (pair->ends[0], &request, &call_test_answer_funcs, NULL, &error), ==, 0);
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
      g_clear_error (&error);
    }
  request.method = "load";
  request.arguments = g_variant_new_array (G_VARIANT_TYPE (type + 1), NULL, 0);
  g_assert_cmpuint (ferry_transport_ask (pair->ends[0], &request, &call_test_answer_funcs, NULL, &error), ==, 0);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_clear_error (&error);
  /* The longest type that is taken, an array of structs. */
  type[FERRY_MAX_CALL_TYPE - 1] = ')';
  type[FERRY_MAX_CALL_TYPE] = '\0';
  request.arguments = g_variant_new_array (G_VARIANT_TYPE (type + 1), NULL, 0);
  g_assert_cmpuint (strlen (g_variant_get_type_string (request.arguments)), ==, FERRY_MAX_CALL_TYPE);
  g_assert_cmpuint (ferry_transport_ask (pair->ends[0], &request, &call_test_answer_funcs, &seen, &error), !=, 0);
  g_assert_no_error (error);
  call_test_pair_pump (pair);
  answer (call_test_get_kept (0), NULL);
  call_test_pair_pump (pair);
  g_assert_cmpuint (seen.n_done, ==, 1);
  g_assert_no_error (seen.error);
  call_test_drop_kept (G_MAXUINT);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/calls/" path, func)
  ADD ("answers-come-in-any-order", test_answers_come_in_any_order);
  ADD ("request-arrives-as-it-was-asked", test_request_arrives_as_it_was_asked);
  ADD ("request-is-copied-before-it-is-used", test_request_is_copied_before_it_is_used);
  ADD ("bytes-are-told-by-their-type", test_bytes_are_told_by_their_type);
  ADD ("error-comes-home-with-its-trace", test_error_comes_home_with_its_trace);
  ADD ("refusal-says-that-it-was-not-begun", test_refusal_says_that_it_was_not_begun);
  ADD ("one-way-has-no-answer", test_one_way_has_no_answer);
  ADD ("both-ends-ask-at-once", test_both_ends_ask_at_once);
  ADD ("end-without-a-function-refuses", test_end_without_a_function_refuses);
  ADD ("stream-keeps-to-its-window", test_stream_keeps_to_its_window);
  ADD ("items-without-a-stream-are-dropped", test_items_without_a_stream_are_dropped);
  ADD ("item-that-has-no-room-uses-no-window", test_item_that_has_no_room_uses_no_window);
  ADD ("items-after-the-answer-are-an-error", test_items_after_the_answer_are_an_error);
  ADD ("window-is-bounded", test_window_is_bounded);
  ADD ("window-that-has-no-room-is-told-as-soon-as-there-is", test_window_that_has_no_room_is_told_as_soon_as_there_is);
  ADD ("window-that-has-no-room-is-not-counted", test_window_that_has_no_room_is_not_counted);
  ADD ("window-is-told-with-the-next-message", test_window_is_told_with_the_next_message);
  ADD ("window-of-what-is-over-is-told-to-nobody", test_window_of_what_is_over_is_told_to_nobody);
  ADD ("cancel-reaches-an-open-call-once", test_cancel_reaches_an_open_call_once);
  ADD ("cancel-may-overtake-its-request", test_cancel_may_overtake_its_request);
  ADD ("cancel-after-the-answer-does-nothing", test_cancel_after_the_answer_does_nothing);
  ADD ("cancel-takes-the-slow-road-when-the-quick-one-is-full",
       test_cancel_takes_the_slow_road_when_the_quick_one_is_full);
  ADD ("cancel-that-has-no-room-is-told-as-soon-as-there-is", test_cancel_that_has_no_room_is_told_as_soon_as_there_is);
  ADD ("cancel-of-the-standing-call-overtakes-no-window", test_cancel_of_the_standing_call_overtakes_no_window);
  ADD ("room-that-comes-meanwhile-is-used", test_room_that_comes_meanwhile_is_used);
  ADD ("early-cancels-are-bounded", test_early_cancels_are_bounded);
  ADD ("request-that-has-no-room-was-not-asked", test_request_that_has_no_room_was_not_asked);
  ADD ("answer-that-has-no-room-leaves-the-call-open", test_answer_that_has_no_room_leaves_the_call_open);
  ADD ("second-answer-is-a-critical", test_second_answer_is_a_critical);
  ADD ("dropped-call-is-refused", test_dropped_call_is_refused);
  ADD ("dropped-call-is-refused-once-there-is-room", test_dropped_call_is_refused_once_there_is_room);
  ADD ("names-and-types-are-checked", test_names_and_types_are_checked);
#undef ADD
  status = g_test_run ();
  return status;
}
