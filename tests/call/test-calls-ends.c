/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-transport.c, call/ferry-request.c, call/ferry-call.c, call/ferry-room.c
 *
 * How calls end when the other end breaks rules, is too much, or goes away; and what callbacks may do. */

#include "config.h"

#include "call/call-test.h"

#define ASKING 0
#define ASKED 1

static void
echo (FerryTransport *self, FerryCall *call, GObject *owner)
{
  g_assert_true (ferry_call_answer (call, ferry_call_get_arguments (call), NULL));
}

static gboolean
receive (FerryTransport *end, FerryCallKind kind, guint64 xid, gint64 number, GVariant *value)
{
  g_autoptr (GBytes) bytes = call_test_message (kind, xid, number, kind == FERRY_CALL_REQUEST ? "load" : NULL, value);

  return call_test_receive (end, bytes);
}

static GError *
new_reason (void)
{
  return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "The worker was killed");
}

/* ---- answers that are not waited for ---- */

static void
test_late_answers_are_counted_and_dropped (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  CallTestAnswer *asked = call_test_ask (pair->ends[ASKING], "load", NULL);
  FerryTransport *end = pair->ends[ASKING];
  guint64 xid = asked->xid;

  call_test_answer_free (asked);
  g_assert_false (ferry_transport_forget (end, xid));
  call_test_pair_pump (pair);
  g_assert_true (ferry_call_answer (call_test_get_kept (0), NULL, NULL));
  call_test_pair_pump (pair);
  g_assert_cmpuint (ferry_transport_get_counts (end).n_late, ==, 1);
  g_assert_true (receive (end, FERRY_CALL_ITEM, xid, 0, g_variant_new_int32 (1)));
  g_assert_cmpuint (ferry_transport_get_counts (end).n_late, ==, 2);
  g_assert_cmpuint (ferry_transport_get_counts (end).n_unknown, ==, 0);
  call_test_drop_kept (G_MAXUINT);
}

static void
test_unknown_answers_are_counted_and_dropped (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  FerryTransport *end = pair->ends[ASKING];

  g_assert_true (receive (end, FERRY_CALL_ANSWER, 1, 0, NULL));
  g_assert_true (receive (end, FERRY_CALL_ITEM, G_MAXUINT64 - 1, 0, g_variant_new_int32 (1)));
  g_assert_cmpuint (ferry_transport_get_counts (end).n_unknown, ==, 2);
  g_assert_cmpuint (ferry_transport_get_counts (end).n_late, ==, 0);
}

static void
test_second_answer_of_the_other_end_is_late (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);

  g_assert_true (receive (pair->ends[ASKING], FERRY_CALL_ANSWER, asked->xid, 0, g_variant_new_int32 (1)));
  g_assert_true (receive (pair->ends[ASKING], FERRY_CALL_ANSWER, asked->xid, 0, g_variant_new_int32 (2)));
  call_test_assert_result (asked, "1");
  g_assert_cmpuint (ferry_transport_get_counts (pair->ends[ASKING]).n_late, ==, 1);
}

/* ---- broken rules ---- */

static void
test_malformed_message_is_a_protocol_error (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("nonsense", 8);

  g_assert_false (call_test_receive (pair->ends[ASKED], bytes));
}

static void
test_item_beyond_the_window_is_a_protocol_error (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask_stream (pair->ends[ASKING], "count", 1);
  g_autoptr (CallTestAnswer) plain = call_test_ask (pair->ends[ASKING], "load", NULL);

  g_assert_true (receive (pair->ends[ASKING], FERRY_CALL_ITEM, asked->xid, 0, g_variant_new_int32 (1)));
  g_assert_false (receive (pair->ends[ASKING], FERRY_CALL_ITEM, asked->xid, 0, g_variant_new_int32 (2)));
  g_assert_false (receive (pair->ends[ASKING], FERRY_CALL_ITEM, plain->xid, 0, g_variant_new_int32 (1)));
  g_assert_cmpstr (asked->items->str, ==, "1;");
  g_assert_cmpstr (plain->items->str, ==, "");
}

static void
test_impossible_window_is_a_protocol_error (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask_stream (pair->ends[ASKING], "count", 1);
  g_autoptr (CallTestAnswer) plain = call_test_ask (pair->ends[ASKING], "load", NULL);

  call_test_pair_pump (pair);
  g_assert_true (receive (pair->ends[ASKED], FERRY_CALL_WINDOW, asked->xid, FERRY_MAX_WINDOW - 1, NULL));
  g_assert_false (receive (pair->ends[ASKED], FERRY_CALL_WINDOW, asked->xid, 1, NULL));
  g_assert_cmpuint (ferry_call_get_window (call_test_get_kept (0)), ==, FERRY_MAX_WINDOW);
  g_assert_false (receive (pair->ends[ASKED], FERRY_CALL_WINDOW, plain->xid, 1, NULL));
  call_test_drop_kept (G_MAXUINT);
  call_test_pair_pump (pair);
}

static void
test_number_that_is_in_flight_is_a_protocol_error (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();

  g_assert_true (receive (pair->ends[ASKED], FERRY_CALL_REQUEST, 5, 0, NULL));
  g_assert_false (receive (pair->ends[ASKED], FERRY_CALL_REQUEST, 5, 0, NULL));
  g_assert_cmpuint (call_test_count_kept (), ==, 1);
  call_test_drop_kept (G_MAXUINT);
}

/* A call that was answered, and is still held, does not take a later one of its number with it. */
static void
test_number_may_come_again_after_its_answer (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();

  g_assert_true (receive (pair->ends[ASKED], FERRY_CALL_REQUEST, 5, 0, NULL));
  g_assert_true (ferry_call_answer (call_test_get_kept (0), NULL, NULL));
  g_assert_true (receive (pair->ends[ASKED], FERRY_CALL_REQUEST, 5, 0, NULL));
  call_test_drop_kept (1);
  g_assert_false (receive (pair->ends[ASKED], FERRY_CALL_REQUEST, 5, 0, NULL));
  call_test_drop_kept (G_MAXUINT);
}

static void
test_call_that_was_taken_back_says_nothing (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();

  g_assert_true (receive (pair->ends[ASKED], FERRY_CALL_REQUEST, 5, 0, NULL));
  ferry_call_drop (call_test_get_kept (0));
  call_test_drop_kept (G_MAXUINT);
  g_assert_cmpuint (pair->wires[ASKED].n_sent, ==, 0);
  g_assert_cmpuint (ferry_transport_get_counts (pair->ends[ASKED]).n_calls, ==, 0);
}

static void
test_open_calls_are_bounded (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) one_more = NULL;
  g_autoptr (CallTestAnswer) after = NULL;
  guint64 xid = 1;

  for (; xid <= FERRY_MAX_OPEN_CALLS; xid++)
    g_assert_true (receive (pair->ends[ASKED], FERRY_CALL_REQUEST, xid + 10, 0, NULL));
  g_assert_cmpuint (call_test_count_kept (), ==, FERRY_MAX_OPEN_CALLS);
  one_more = call_test_ask (pair->ends[ASKING], "load", NULL);
  call_test_pair_pump (pair);
  call_test_assert_failed (one_more, FERRY_ERROR, FERRY_ERROR_REFUSED);
  g_assert_true (one_more->refused);
  /* A refusal that finds no room is not kept. */
  pair->wires[ASKED].capacity = 0;
  g_assert_false (receive (pair->ends[ASKED], FERRY_CALL_REQUEST, 2, 0, NULL));
  pair->wires[ASKED].capacity = G_MAXUINT;

  g_assert_true (ferry_call_answer (call_test_get_kept (0), NULL, NULL));
  after = call_test_ask (pair->ends[ASKING], "load", NULL);
  call_test_pair_pump (pair);
  g_assert_cmpuint (after->n_done, ==, 0);
  call_test_drop_kept (G_MAXUINT);
}

/* As many views would else wait for an object's turn as another process cares to ask for. */
static void
test_arguments_of_open_calls_are_bounded (void)
{
  const gsize size = FERRY_MAX_OPEN_CALL_BYTES / 4;
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (GBytes) zeros = g_bytes_new_take (g_malloc0 (size), size);
  g_autoptr (GVariant) large = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, zeros, TRUE));
  g_autoptr (CallTestAnswer) small = NULL;

  for (guint64 xid = 11; xid < 14; xid++)
    g_assert_true (receive (pair->ends[ASKED], FERRY_CALL_REQUEST, xid, 0, large));
  g_assert_cmpuint (call_test_count_kept (), ==, 3);
  small = call_test_ask (pair->ends[ASKING], "load", g_variant_new_uint32 (1));
  call_test_pair_pump (pair);
  g_assert_cmpuint (call_test_count_kept (), ==, 4);
  g_assert_true (receive (pair->ends[ASKED], FERRY_CALL_REQUEST, 14, 0, large));
  g_assert_cmpuint (call_test_count_kept (), ==, 4);
  g_assert_cmpuint (pair->wires[ASKED].n_sent, ==, 1);

  g_assert_true (ferry_call_answer (call_test_get_kept (0), NULL, NULL));
  g_assert_true (receive (pair->ends[ASKED], FERRY_CALL_REQUEST, 15, 0, large));
  g_assert_cmpuint (call_test_count_kept (), ==, 5);
  call_test_drop_kept (G_MAXUINT);
  call_test_pair_pump (pair);
}

static void
test_a_hundred_thousand_are_in_flight (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new (NULL, echo);
  g_autoptr (GPtrArray) asked = g_ptr_array_new_with_free_func ((GDestroyNotify) call_test_answer_free);

  for (guint32 i = 0; i < 100000; i++)
    g_ptr_array_add (asked, call_test_ask (pair->ends[ASKING], "echo", g_variant_new_uint32 (i)));
  g_assert_cmpuint (ferry_transport_get_counts (pair->ends[ASKING]).n_asked, ==, 100000);
  call_test_pair_pump (pair);
  for (guint32 i = 0; i < 100000; i++)
    {
      CallTestAnswer *answer = g_ptr_array_index (asked, i);

      g_assert_cmpuint (answer->n_done, ==, 1);
      g_assert_cmpuint (g_variant_get_uint32 (answer->result), ==, i);
    }
  g_assert_cmpuint (ferry_transport_get_counts (pair->ends[ASKING]).n_asked, ==, 0);
}

/* ---- the end of the link ---- */

static guint n_cancels;

static void
note_cancel (FerryCall *call, gpointer data)
{
  n_cancels++;
}

static void
test_close_fails_each_call_once (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) first = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_autoptr (CallTestAnswer) second = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_autoptr (GError) reason = new_reason ();
  g_autoptr (GError) error = NULL;
  FerryRequest request = {.method = "load"};

  ferry_transport_end (pair->ends[ASKING], reason);
  ferry_transport_end (pair->ends[ASKING], reason);
  call_test_assert_failed (first, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  call_test_assert_failed (second, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_cmpstr (first->error->message, ==, reason->message);
  g_assert_cmpuint (ferry_transport_ask (pair->ends[ASKING], &request, &call_test_answer_funcs, NULL, &error), ==, 0);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_assert_true (receive (pair->ends[ASKING], FERRY_CALL_ANSWER, first->xid, 0, NULL));
  g_assert_cmpuint (first->n_done, ==, 1);
}

static void
test_close_cancels_open_calls (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_autoptr (GError) reason = new_reason ();
  g_autoptr (GError) error = NULL;

  n_cancels = 0;
  call_test_pair_pump (pair);
  ferry_call_set_cancel_func (call_test_get_kept (0), note_cancel, NULL);
  ferry_transport_end (pair->ends[ASKED], reason);
  g_assert_cmpuint (n_cancels, ==, 1);
  g_assert_cmpuint (ferry_call_get_cancelled (call_test_get_kept (0)), ==, FERRY_CANCEL_REASON_CANCELLED);
  g_assert_false (ferry_call_answer (call_test_get_kept (0), NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  call_test_drop_kept (G_MAXUINT);
  g_assert_cmpuint (pair->wires[ASKED].n_sent, ==, 0);
}

static void
test_close_lets_go_of_refusals_that_had_no_room (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new_keeping ();
  g_autoptr (CallTestAnswer) asked = call_test_ask (pair->ends[ASKING], "load", NULL);
  g_autoptr (GError) reason = new_reason ();

  call_test_pair_pump (pair);
  pair->wires[ASKED].capacity = 0;
  call_test_drop_kept (G_MAXUINT);
  g_assert_cmpuint (ferry_transport_get_counts (pair->ends[ASKED]).n_unsent, ==, 1);
  ferry_transport_end (pair->ends[ASKED], reason);
  g_assert_cmpuint (ferry_transport_get_counts (pair->ends[ASKED]).n_unsent, ==, 0);
  g_assert_cmpuint (ferry_transport_get_counts (pair->ends[ASKED]).n_calls, ==, 0);
}

static void
note_destroy (gpointer carrier)
{
  *(guint *) carrier += 1;
}

static gboolean
refuse_to_send (gpointer carrier, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "There is no wire");
  return FALSE;
}

static void
test_transport_goes_with_the_last_reference (void)
{
  const FerryCarrierFuncs funcs = {.send = refuse_to_send, .free = note_destroy};
  guint n_destroyed = 0;
  FerryTransport *end = ferry_transport_new_for_carrier (&funcs, &n_destroyed);

  call_test_drop_kept (G_MAXUINT);
  ferry_transport_take_calls (end, call_test_keep, NULL, NULL);
  g_assert_true (receive (end, FERRY_CALL_REQUEST, 1, 0, NULL));
  g_object_unref (end);
  g_assert_cmpuint (n_destroyed, ==, 0);
  /* The call held it, and its refusal cannot be sent. */
  call_test_drop_kept (G_MAXUINT);
  g_assert_cmpuint (n_destroyed, ==, 1);
}

/* ---- what callbacks may do ---- */

typedef struct
{
  CallTestPair *pair;
  guint left;
  guint n_done;
  gboolean close;
  gboolean drop;
} Scene;

static void ask_again (Scene *scene);

static void
scene_done (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Scene *scene = data;
  g_autoptr (GError) reason = new_reason ();

  scene->n_done++;
  if (scene->left > 0)
    ask_again (scene);
  if (scene->close)
    ferry_transport_end (scene->pair->ends[ASKING], reason);
  if (scene->drop)
    g_clear_object (&scene->pair->ends[ASKING]);
}

static const FerryAnswerFuncs scene_funcs = {.done = scene_done};

static void
ask_again (Scene *scene)
{
  FerryRequest request = {.method = "echo"};

  scene->left--;
  ferry_transport_ask (scene->pair->ends[ASKING], &request, &scene_funcs, scene, NULL);
}

static void
test_done_may_ask_again (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new (NULL, echo);
  Scene scene = {.pair = pair, .left = 10};

  ask_again (&scene);
  call_test_pair_pump (pair);
  g_assert_cmpuint (scene.n_done, ==, 10);
}

static void
test_done_may_close (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new (NULL, echo);
  Scene scene = {.pair = pair, .left = 3, .close = TRUE};

  while (scene.left > 0)
    ask_again (&scene);
  call_test_pair_pump (pair);
  g_assert_cmpuint (scene.n_done, ==, 3);
}

static void
test_done_may_drop_the_transport (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new (NULL, echo);
  Scene scene = {.pair = pair, .left = 1, .drop = TRUE};

  ask_again (&scene);
  while (call_test_pair_deliver (pair, ASKING))
    ;
  g_assert_true (call_test_pair_deliver (pair, ASKED));
  g_assert_cmpuint (scene.n_done, ==, 1);
  g_assert_null (pair->ends[ASKING]);
}

/* In close() one done() asks again, which fails, and another drops the last reference. */
static void
test_done_may_ask_and_drop_in_close (void)
{
  g_autoptr (CallTestPair) pair = call_test_pair_new (NULL, echo);
  Scene asks = {.pair = pair, .left = 2};
  Scene drops = {.pair = pair, .left = 1, .drop = TRUE};
  g_autoptr (GError) reason = new_reason ();

  ask_again (&asks);
  ask_again (&drops);
  ferry_transport_end (pair->ends[ASKING], reason);
  g_assert_cmpuint (asks.n_done, ==, 1);
  g_assert_cmpuint (asks.left, ==, 0);
  g_assert_cmpuint (drops.n_done, ==, 1);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/calls-ends/" path, func)
  ADD ("late-answers-are-counted-and-dropped", test_late_answers_are_counted_and_dropped);
  ADD ("unknown-answers-are-counted-and-dropped", test_unknown_answers_are_counted_and_dropped);
  ADD ("second-answer-of-the-other-end-is-late", test_second_answer_of_the_other_end_is_late);
  ADD ("malformed-message-is-a-protocol-error", test_malformed_message_is_a_protocol_error);
  ADD ("item-beyond-the-window-is-a-protocol-error", test_item_beyond_the_window_is_a_protocol_error);
  ADD ("impossible-window-is-a-protocol-error", test_impossible_window_is_a_protocol_error);
  ADD ("number-that-is-in-flight-is-a-protocol-error", test_number_that_is_in_flight_is_a_protocol_error);
  ADD ("number-may-come-again-after-its-answer", test_number_may_come_again_after_its_answer);
  ADD ("call-that-was-taken-back-says-nothing", test_call_that_was_taken_back_says_nothing);
  ADD ("open-calls-are-bounded", test_open_calls_are_bounded);
  ADD ("arguments-of-open-calls-are-bounded", test_arguments_of_open_calls_are_bounded);
  ADD ("a-hundred-thousand-are-in-flight", test_a_hundred_thousand_are_in_flight);
  ADD ("close-fails-each-call-once", test_close_fails_each_call_once);
  ADD ("close-cancels-open-calls", test_close_cancels_open_calls);
  ADD ("close-lets-go-of-refusals-that-had-no-room", test_close_lets_go_of_refusals_that_had_no_room);
  ADD ("transport-goes-with-the-last-reference", test_transport_goes_with_the_last_reference);
  ADD ("done-may-ask-again", test_done_may_ask_again);
  ADD ("done-may-close", test_done_may_close);
  ADD ("done-may-drop-the-transport", test_done_may_drop_the_transport);
  ADD ("done-may-ask-and-drop-in-close", test_done_may_ask_and_drop_in_close);
#undef ADD
  status = g_test_run ();
  return status;
}
