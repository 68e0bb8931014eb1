/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-request.c
 *
 * Large answers: cut where they are sent, put together where they come, with others between their pieces. */

#include "config.h"

#include <string.h>

#include "base/ferry-error.h"
#include "call/call-test.h"

#define LARGE 1000000
#define N_PIECES ((LARGE + FERRY_CALL_PIECE_SIZE - 1) / FERRY_CALL_PIECE_SIZE)

/* One end, and what it has sent. */
typedef struct
{
  FerryTransport *transport; /* (owned) */
  GPtrArray *sent;           /* (element-type GBytes) */
  guint room;                /* how many messages more there is room for */
  FerryCall *call;           /* (owned) (nullable): the latest that it was asked */
  gboolean is_guessed;       /* a piece of an answer comes before there is room for its request */
} End;

static void
take_guessed_piece (End *self, guint64 xid)
{
  g_autoptr (GBytes) bytes = NULL;
  FerryCallMessage message;

  ferry_call_message_init (&message, FERRY_CALL_PIECE, xid, NULL, NULL);
  message.header.number = LARGE;
  message.body = "guessed";
  message.body_size = strlen ("guessed");
  bytes = call_test_join (&message);
  g_assert_true (ferry_transport_process (self->transport, NULL, 0, bytes, FERRY_VALUE_UNJUDGED, NULL));
  g_assert_cmpuint (ferry_transport_get_counts (self->transport).pieces_size, ==, message.body_size);
}

static gboolean
send_message (gpointer carrier, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  End *self = carrier;

  if (self->room == 0)
    {
      if (self->is_guessed)
        take_guessed_piece (self, ((const FerryCallHeader *) parts[0].data)->xid);
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK, "There is no room");
      return FALSE;
    }
  self->room--;
  g_ptr_array_add (self->sent, call_test_join_parts (parts, n_parts));
  return TRUE;
}

static const FerryCarrierFuncs funcs = {.send = send_message};

static void
take_request (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  End *self = ferry_transport_get_carrier (transport, &funcs);

  g_clear_pointer (&self->call, ferry_call_unref);
  self->call = ferry_call_ref (call);
}

static void
end_init (End *self)
{
  *self = (End){.sent = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref), .room = G_MAXUINT};
  self->transport = ferry_transport_new_for_carrier (&funcs, self);
  ferry_transport_take_calls (self->transport, take_request, NULL, NULL);
}

static void
end_clear (End *self)
{
  g_clear_pointer (&self->call, ferry_call_unref);
  g_object_unref (self->transport);
  g_ptr_array_unref (self->sent);
}

/* Takes message number index of what from has sent. */
static gboolean
take (End *self, End *from, guint index, GError **error)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (g_ptr_array_index (from->sent, index), &size);

  return ferry_transport_process (self->transport, data, size, NULL, FERRY_VALUE_UNJUDGED, error);
}

typedef struct
{
  GVariant *result; /* (owned) (nullable) */
  GBytes *packed;   /* (owned) (nullable): a result that came as bytes */
  GError *error;    /* (owned) (nullable) */
  guint n_done;
} Outcome;

static void
note_done (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Outcome *outcome = data;

  outcome->n_done++;
  outcome->result = result != NULL ? g_variant_ref (result) : NULL;
  outcome->error = error != NULL ? g_error_copy (error) : NULL;
}

static const FerryAnswerFuncs answer_funcs = {.done = note_done};

static void
note_packed (gpointer data, const FerryBody *result)
{
  Outcome *outcome = data;

  outcome->n_done++;
  outcome->packed = ferry_body_dup_bytes (result);
}

static const FerryAnswerFuncs packed_funcs = {.done = note_done, .done_packed = note_packed};

static void
outcome_clear (Outcome *self)
{
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_pointer (&self->packed, g_bytes_unref);
  g_clear_error (&self->error);
  self->n_done = 0;
}

static FerryCall *
ask_with (End *asking, End *asked, const FerryAnswerFuncs *answer, Outcome *outcome, guint64 *xid)
{
  FerryRequest request = {.method = "bytes"};
  guint64 number = ferry_transport_ask (asking->transport, &request, answer, outcome, NULL);

  g_assert_true (take (asked, asking, asking->sent->len - 1, NULL));
  if (xid != NULL)
    *xid = number;
  return g_steal_pointer (&asked->call);
}

static FerryCall *
ask (End *asking, End *asked, Outcome *outcome, guint64 *xid)
{
  return ask_with (asking, asked, &answer_funcs, outcome, xid);
}

static GVariant *
new_large (void)
{
  guint8 *bytes = g_malloc (LARGE);

  for (guint i = 0; i < LARGE; i++)
    bytes[i] = (guint8) (i % 251);
  return g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, LARGE, TRUE, g_free, bytes));
}

static void
come_with_others_between (void)
{
  g_autoptr (GVariant) value = new_large ();
  Outcome large = {0};
  Outcome small = {0};
  End asking;
  End asked;

  end_init (&asking);
  end_init (&asked);
  {
    g_autoptr (FerryCall) first = ask (&asking, &asked, &large, NULL);
    g_autoptr (FerryCall) second = ask (&asking, &asked, &small, NULL);

    g_assert_true (ferry_call_answer (first, value, NULL));
    g_assert_true (ferry_call_answer (second, g_variant_new_uint32 (5), NULL));
  }
  g_assert_cmpuint (asked.sent->len, ==, N_PIECES + 1);
  g_assert_true (take (&asking, &asked, 0, NULL));
  g_assert_true (take (&asking, &asked, N_PIECES, NULL));
  g_assert_cmpuint (g_variant_get_uint32 (small.result), ==, 5);
  g_assert_cmpuint (large.n_done, ==, 0);
  for (guint i = 1; i < N_PIECES; i++)
    g_assert_true (take (&asking, &asked, i, NULL));
  g_assert_cmpuint (large.n_done, ==, 1);
  g_assert_true (g_variant_equal (large.result, value));
  outcome_clear (&large);
  outcome_clear (&small);
  end_clear (&asking);
  end_clear (&asked);
}

/* An asker that takes bytes gets them so, whole or joined; other results come as values. */
static void
come_as_bytes_where_they_are_wanted (void)
{
  static const guint8 few[] = {1, 2, 3};
  g_autoptr (GVariant) value = new_large ();
  g_autoptr (GBytes) large_bytes = g_variant_get_data_as_bytes (value);
  g_autoptr (GBytes) small_bytes = g_bytes_new_static (few, sizeof few);
  Outcome large = {0}, small = {0}, other = {0};
  End asking, asked;

  end_init (&asking);
  end_init (&asked);
  {
    g_autoptr (FerryCall) first = ask_with (&asking, &asked, &packed_funcs, &large, NULL);
    g_autoptr (FerryCall) second = ask_with (&asking, &asked, &packed_funcs, &small, NULL);
    g_autoptr (FerryCall) third = ask_with (&asking, &asked, &packed_funcs, &other, NULL);

    g_assert_true (ferry_call_answer_packed (first, &(FerryPart){g_bytes_get_data (large_bytes, NULL), LARGE}, NULL));
    g_assert_true (ferry_call_answer_packed (second, &(FerryPart){few, sizeof few}, NULL));
    g_assert_true (ferry_call_answer (third, g_variant_new_string ("other"), NULL));
  }
  g_assert_cmpuint (asked.sent->len, ==, N_PIECES + 2);
  for (guint i = 0; i < asked.sent->len; i++)
    g_assert_true (take (&asking, &asked, i, NULL));
  g_assert_cmpuint (large.n_done + small.n_done + other.n_done, ==, 3);
  g_assert_true (g_bytes_equal (large.packed, large_bytes));
  g_assert_true (g_bytes_equal (small.packed, small_bytes));
  g_assert_cmpstr (g_variant_get_string (other.result, NULL), ==, "other");
  outcome_clear (&large);
  outcome_clear (&small);
  outcome_clear (&other);
  end_clear (&asking);
  end_clear (&asked);
}

static void
go_on_where_there_was_no_room (void)
{
  g_autoptr (GVariant) value = new_large ();
  g_autoptr (GError) error = NULL;
  Outcome large = {0};
  End asking;
  End asked;

  end_init (&asking);
  end_init (&asked);
  asked.room = 3;
  {
    g_autoptr (FerryCall) call = ask (&asking, &asked, &large, NULL);

    g_assert_false (ferry_call_answer (call, value, &error));
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
    asked.room = G_MAXUINT;
    g_assert_true (ferry_call_answer (call, value, NULL));
  }
  g_assert_cmpuint (asked.sent->len, ==, N_PIECES);
  for (guint i = 0; i < N_PIECES; i++)
    g_assert_true (take (&asking, &asked, i, NULL));
  g_assert_true (g_variant_equal (large.result, value));
  outcome_clear (&large);
  end_clear (&asking);
  end_clear (&asked);
}

static void
give_way_to_an_error (void)
{
  g_autoptr (GVariant) value = new_large ();
  g_autoptr (GError) failure = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "No");
  Outcome large = {0};
  End asking;
  End asked;

  end_init (&asking);
  end_init (&asked);
  asked.room = 3;
  {
    g_autoptr (FerryCall) call = ask (&asking, &asked, &large, NULL);

    g_assert_false (ferry_call_answer (call, value, NULL));
    asked.room = G_MAXUINT;
    g_assert_true (ferry_call_answer_error (call, failure, NULL, NULL, NULL));
  }
  for (guint i = 0; i < asked.sent->len; i++)
    g_assert_true (take (&asking, &asked, i, NULL));
  g_assert_error (large.error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_cmpuint (ferry_transport_get_counts (asking.transport).pieces_size, ==, 0);
  outcome_clear (&large);
  end_clear (&asking);
  end_clear (&asked);
}

static void
are_dropped_when_nobody_waits (void)
{
  g_autoptr (GVariant) value = new_large ();
  Outcome large = {0};
  guint64 xid;
  End asking;
  End asked;

  end_init (&asking);
  end_init (&asked);
  {
    g_autoptr (FerryCall) call = ask (&asking, &asked, &large, &xid);

    g_assert_true (ferry_call_answer (call, value, NULL));
  }
  for (guint i = 0; i < N_PIECES; i++)
    {
      if (i == 2)
        g_assert_true (ferry_transport_forget (asking.transport, xid));
      g_assert_true (take (&asking, &asked, i, NULL));
    }
  g_assert_cmpuint (large.n_done, ==, 0);
  g_assert_cmpuint (ferry_transport_get_counts (asking.transport).pieces_size, ==, 0);
  g_assert_cmpuint (ferry_transport_get_counts (asking.transport).n_late, ==, 1);
  end_clear (&asking);
  end_clear (&asked);
}

static void
are_dropped_with_a_request_that_is_not_sent (void)
{
  FerryRequest request = {.method = "bytes"};
  g_autoptr (GError) error = NULL;
  Outcome outcome = {0};
  End asking;

  end_init (&asking);
  asking.room = 0;
  asking.is_guessed = TRUE;
  g_assert_cmpuint (ferry_transport_ask (asking.transport, &request, &answer_funcs, &outcome, &error), ==, 0);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  g_assert_cmpuint (ferry_transport_get_counts (asking.transport).pieces_size, ==, 0);
  end_clear (&asking);
}

static void
are_bounded (void)
{
  g_autoptr (GVariant) value = new_large ();
  g_autoptr (GError) error = NULL;
  Outcome outcomes[FERRY_MAX_LARGEST_ANSWERS + 1] = {{0}};
  End asking;
  End asked;

  end_init (&asking);
  end_init (&asked);
  ferry_transport_set_max_answer (asked.transport, LARGE - 1);
  {
    g_autoptr (FerryCall) call = ask (&asking, &asked, &outcomes[0], NULL);

    g_assert_false (ferry_call_answer (call, value, &error));
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
    g_clear_error (&error);
    g_assert_true (ferry_call_answer (call, NULL, NULL));
    g_assert_true (take (&asking, &asked, 0, NULL));
  }
  g_ptr_array_set_size (asked.sent, 0);
  ferry_transport_set_max_answer (asked.transport, LARGE);
  ferry_transport_set_max_answer (asking.transport, LARGE);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      g_autoptr (FerryCall) call = ask (&asking, &asked, &outcomes[i], NULL);
      gboolean fits = TRUE;

      g_assert_true (ferry_call_answer (call, value, NULL));
      for (guint piece = 0; fits && piece < N_PIECES - 1; piece++)
        fits = take (&asking, &asked, i * N_PIECES + piece, &error);
      g_assert_cmpint (fits, ==, error == NULL);
    }
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, "too many"));
  ferry_transport_end (asking.transport, error);
  g_assert_cmpuint (ferry_transport_get_counts (asking.transport).pieces_size, ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    outcome_clear (&outcomes[i]);
  end_clear (&asking);
  end_clear (&asked);
}

/* Of bytes that are as many levels, variants in each other around an array, when the type says so that comes with the
 * last piece. */
static gboolean
take_variants_in_pieces (guint n, Outcome *outcome, GError **error)
{
  guint8 *bytes = g_malloc0 (LARGE);
  g_autoptr (GVariant) value =
    g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, LARGE, TRUE, g_free, bytes));
  gboolean taken = TRUE;
  guint8 *last;
  gsize size;
  End asking;
  End asked;

  for (guint i = 0; i < n - 2; i++)
    bytes[LARGE - 2 - 2 * i] = 'v';
  memcpy (bytes + LARGE + 1 - 2 * n, "ay", 2);
  end_init (&asking);
  end_init (&asked);
  {
    g_autoptr (FerryCall) call = ask (&asking, &asked, outcome, NULL);

    g_assert_true (ferry_call_answer (call, value, NULL));
  }
  last = g_bytes_unref_to_data (g_ptr_array_steal_index (asked.sent, N_PIECES - 1), &size);
  g_assert_cmpint (memcmp (last + sizeof (FerryCallHeader), "ay", 2), ==, 0);
  memcpy (last + sizeof (FerryCallHeader), "mv", 2);
  g_ptr_array_add (asked.sent, g_bytes_new_take (last, size));
  for (guint i = 0; taken && i < N_PIECES; i++)
    taken = take (&asking, &asked, i, error);
  end_clear (&asking);
  end_clear (&asked);
  return taken;
}

static void
are_refused_where_they_come_to_what_is_too_deep (void)
{
  g_autoptr (GError) error = NULL;
  Outcome outcome = {0};

  g_assert_true (take_variants_in_pieces (63, &outcome, &error));
  g_assert_no_error (error);
  g_assert_nonnull (outcome.result);
  outcome_clear (&outcome);

  g_assert_false (take_variants_in_pieces (64, &outcome, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, "more than 64 levels"));
  g_assert_cmpuint (outcome.n_done, ==, 1);
  g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  outcome_clear (&outcome);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/pieces/come-with-others-between", come_with_others_between);
  g_test_add_func ("/pieces/come-as-bytes-where-they-are-wanted", come_as_bytes_where_they_are_wanted);
  g_test_add_func ("/pieces/go-on-where-there-was-no-room", go_on_where_there_was_no_room);
  g_test_add_func ("/pieces/give-way-to-an-error", give_way_to_an_error);
  g_test_add_func ("/pieces/are-dropped-when-nobody-waits", are_dropped_when_nobody_waits);
  g_test_add_func ("/pieces/are-dropped-with-a-request-that-is-not-sent", are_dropped_with_a_request_that_is_not_sent);
  g_test_add_func ("/pieces/are-bounded", are_bounded);
  g_test_add_func ("/pieces/are-refused-where-they-come-to-what-is-too-deep",
                   are_refused_where_they_come_to_what_is_too_deep);
  return g_test_run ();
}
