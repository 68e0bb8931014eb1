/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-mux.c, conversation/ferry-replies.c
 *
 * Requests and answers as plain bytes: over each kind of transport, with each form of asking, beside GVariants, and at
 * every end that a call can have. */

#include "config.h"

#include <stdatomic.h>
#include <string.h>

#include "call/transport-test.h"
#include "conversation/conversation-handlers.h"
#include "conversation/mux-test.h"

#define HOUR (3600 * (gint64) G_USEC_PER_SEC)

#define get_way(data) ((MuxTestWay) GPOINTER_TO_INT (data))

/* Nothing; what lies in its call's memory and what does not; more than a record, more than a piece, and more than a
 * lane. */
static const gsize sizes[] = {0, 1, 64, 1024, 1025, 40000, 100000, 3000001};

static guint8 *
make_content (gsize size, guint seed)
{
  guint8 *content = g_malloc (size + 1);

  for (gsize i = 0; i < size; i++)
    content[i] = (guint8) (i * 31 + seed + (i >> 8));
  return content;
}

static void
assert_content (gconstpointer data, gsize size, gsize wanted, guint seed)
{
  g_autofree guint8 *content = make_content (wanted, seed);

  g_assert_nonnull (data);
  g_assert_cmpmem (data, size, content, wanted);
}

static void
assert_bytes (GBytes *bytes, gsize wanted, guint seed)
{
  g_assert_nonnull (bytes);
  assert_content (g_bytes_get_size (bytes) > 0 ? g_bytes_get_data (bytes, NULL) : "", g_bytes_get_size (bytes), wanted,
                  seed);
}

/* ---- what became of a call, with any form ---- */

typedef struct
{
  _Atomic gboolean done; /* written last, by the thread that ends the call */
  gboolean has_bytes;
  GBytes *bytes; /* (owned) (nullable) */
  GError *error; /* (owned) (nullable) */
} Outcome;

static void
outcome_clear (Outcome *self)
{
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static gboolean
is_done (gpointer data)
{
  return atomic_load (&((Outcome *) data)->done);
}

static void
set_done (Outcome *self)
{
  atomic_store (&self->done, TRUE);
  g_main_context_wakeup (NULL);
}

/* A task has its bytes as a value. */
static void
finished (GObject *mux, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;
  g_autoptr (GVariant) value = ferry_mux_transact_finish (FERRY_MUX (mux), result, &outcome->error);

  outcome->has_bytes = value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING);
  outcome->bytes = outcome->has_bytes ? g_variant_get_data_as_bytes (value) : NULL;
  set_done (outcome);
}

static GVariant *
make_value (gconstpointer data, gsize size)
{
  gpointer copy = g_memdup2 (data, size);

  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, copy, size, TRUE, g_free, copy);
}

/* On the receiving thread. The bytes are lent, so they are copied. */
static void
came (gconstpointer data, gsize size, const GError *error, gpointer user_data)
{
  Outcome *outcome = user_data;

  g_assert_true (data != NULL || size == 0);
  g_assert_true (data == NULL || error == NULL);
  outcome->has_bytes = data != NULL;
  outcome->bytes = data != NULL ? g_bytes_new (data, size) : NULL;
  outcome->error = error != NULL ? g_error_copy (error) : NULL;
  set_done (outcome);
}

typedef struct
{
  FerryMux *mux;
  const char *method;
  gconstpointer data;
  gsize size;
  gint64 timeout;
  GCancellable *cancellable;
  Outcome *outcome;
} Blocking;

static gpointer
ask_blocking (gpointer data)
{
  Blocking *self = data;
  Outcome *outcome = self->outcome;

  outcome->bytes = ferry_mux_transact_bytes (self->mux, self->method, self->data, self->size, self->timeout,
                                             self->cancellable, &outcome->error);
  outcome->has_bytes = outcome->bytes != NULL;
  set_done (outcome);
  return NULL;
}

typedef enum
{
  FORM_THREAD,
  FORM_TASK,
  FORM_FUNC,
  N_FORMS,
} Form;

/* Asks, and waits for the end. The request's bytes are overwritten as soon as the asking function has returned. */
static void
ask_fully (FerryMux *mux, Form form, const char *method, gconstpointer data, gsize size, gint64 timeout,
           GCancellable *cancellable, Outcome *outcome)
{
  g_autofree guint8 *copy = data != NULL ? g_memdup2 (data, MAX (size, 1)) : NULL;
  Blocking blocking = {mux, method, copy, size, timeout, cancellable, outcome};
  GThread *thread = NULL;
  g_autoptr (GError) error = NULL;

  *outcome = (Outcome){FALSE, FALSE, NULL, NULL};
  if (form == FORM_THREAD)
    thread = g_thread_new ("ask", ask_blocking, &blocking);
  else if (form == FORM_TASK)
    ferry_mux_transact_async (mux, method, make_value (copy, size), timeout, cancellable, finished, outcome);
  else if (ferry_mux_transact_bytes_with_func (mux, method, copy, size, came, outcome, &error) == 0)
    {
      outcome->error = g_steal_pointer (&error);
      set_done (outcome);
    }
  if (form != FORM_THREAD && copy != NULL)
    memset (copy, 0xee, size);
  ferry_test_run_until (is_done, outcome);
  g_clear_pointer (&thread, g_thread_join);
}

static void
ask (FerryMux *mux, Form form, const char *method, gconstpointer data, gsize size, Outcome *outcome)
{
  ask_fully (mux, form, method, data, size, -1, NULL, outcome);
}

/* ---- answers ---- */

static void
echo_all_sizes (FerryMux *mux, const char *method)
{
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (Form form = 0; form < N_FORMS; form++)
      {
        g_autofree guint8 *content = make_content (sizes[i], i + form);
        g_auto (Outcome) outcome = {FALSE, FALSE, NULL, NULL};

        ask (mux, form, method, content, sizes[i], &outcome);
        g_assert_no_error (outcome.error);
        g_assert_true (outcome.has_bytes);
        assert_bytes (outcome.bytes, sizes[i], i + form);
      }
}

static void
answers_bytes_of_any_size (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 2);

  echo_all_sizes (test->mux, "echo-bytes");
}

/* The handler sees nothing but values. */
static void
gives_a_handler_of_values_an_ay (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 2);

  echo_all_sizes (test->mux, "echo");
}

static GVariant *
make_content_value (gsize size, guint seed)
{
  g_autofree guint8 *content = make_content (size, seed);

  return make_value (content, size);
}

/* The asking end sees nothing but values. */
static void
gives_a_handler_of_bytes_those_of_an_ay (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 2);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GVariant) result = NULL;
      g_autoptr (GError) error = NULL;

      mux_test_transact (test, "echo-bytes", make_content_value (sizes[i], i), -1, NULL, &result, &error);
      g_assert_no_error (error);
      g_assert_cmpstr (g_variant_get_type_string (result), ==, "ay");
      assert_content (g_variant_get_size (result) > 0 ? g_variant_get_data (result) : "", g_variant_get_size (result),
                      sizes[i], i);
    }
}

static void
gives_a_handler_of_bytes_none_of_another_value (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  GVariant *values[] = {NULL, g_variant_new_uint32 (7), g_variant_new_string ("ay"),
                        g_variant_new ("(@ay)", make_content_value (3, 0)), g_variant_new_bytestring_array (NULL, 0)};

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (mux_test_transact (test, "echo-bytes", values[i], -1, NULL, NULL, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
    }
}

static void
fails_when_the_answer_is_another_value (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);

  for (Form form = 0; form < N_FORMS; form++)
    {
      g_auto (Outcome) outcome = {FALSE, FALSE, NULL, NULL};

      ask (test->mux, form, "noted", "x", 1, &outcome);
      g_assert_false (outcome.has_bytes);
      /* A task is given the value. */
      if (form == FORM_TASK)
        g_assert_no_error (outcome.error);
      if (form == FORM_TASK)
        continue;
      g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_BAD_RESULT);
      g_assert_nonnull (strstr (outcome.error->message, "'t'"));
    }
}

static void
tells_no_answer_from_an_empty_one (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);

  for (Form form = 0; form < N_FORMS; form++)
    {
      g_auto (Outcome) none = {FALSE, FALSE, NULL, NULL};
      g_auto (Outcome) empty = {FALSE, FALSE, NULL, NULL};

      ask (test->mux, form, "nothing", NULL, 0, &none);
      g_assert_no_error (none.error);
      g_assert_false (none.has_bytes);
      ask (test->mux, form, "echo-bytes", NULL, 0, &empty);
      g_assert_no_error (empty.error);
      g_assert_true (empty.has_bytes);
      g_assert_cmpuint (g_bytes_get_size (empty.bytes), ==, 0);
    }
}

/* Many under way at once: none is lost or taken for another, and small ones overtake pieces of large ones. */
static void
keeps_many_apart (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 4);
  Outcome outcomes[200] = {0};

  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      gsize size = i % 50 == 7 ? 200000 : 10 * i;
      g_autofree guint8 *content = make_content (size, i);

      if (i % 2 == 0)
        ferry_mux_transact_async (test->mux, "echo-bytes", make_value (content, size), -1, NULL, finished,
                                  &outcomes[i]);
      else
        g_assert_cmpuint (
          ferry_mux_transact_bytes_with_func (test->mux, "echo-bytes", content, size, came, &outcomes[i], NULL), !=, 0);
    }
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      ferry_test_run_until (is_done, &outcomes[i]);
      g_assert_no_error (outcomes[i].error);
      assert_bytes (outcomes[i].bytes, i % 50 == 7 ? 200000 : 10 * i, i);
      outcome_clear (&outcomes[i]);
    }
}

/* ---- one way ---- */

static void
sends_bytes_one_way (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autoptr (GVariant) before = NULL;
  g_autoptr (GVariant) after = NULL;
  g_autoptr (GError) error = NULL;

  mux_test_transact (test, "noted", NULL, -1, NULL, &before, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 30; i++)
    {
      g_assert_true (
        ferry_mux_send (test->mux, i % 2 == 0 ? "note" : "note-bytes", make_value ("abc", 3), 0, NULL, &error));
      g_assert_no_error (error);
    }
  mux_test_transact (test, "noted", NULL, -1, NULL, &after, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_get_uint64 (after) - g_variant_get_uint64 (before), ==, 30);
  g_assert_true (g_main_context_acquire (NULL));
  g_assert_false (ferry_mux_send (test->mux, "note", make_value ("abc", 3), 1, NULL, &error));
  g_main_context_release (NULL);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_assert_nonnull (strstr (error->message, "ferry_mux_send()"));
}

/* ---- other ends ---- */

static void
carries_errors_home (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);

  for (Form form = 0; form < N_FORMS; form++)
    {
      g_auto (Outcome) fault = {FALSE, FALSE, NULL, NULL};
      g_auto (Outcome) unknown = {FALSE, FALSE, NULL, NULL};
      g_auto (Outcome) nameless = {FALSE, FALSE, NULL, NULL};

      ask (test->mux, form, "fail-bytes", "why", 3, &fault);
      g_assert_error (fault.error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
      g_assert_cmpstr (fault.error->message, ==, "why");
      ask (test->mux, form, "no-such-method", "x", 1, &unknown);
      g_assert_error (unknown.error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
      ask (test->mux, form, "", "x", 1, &nameless);
      g_assert_error (nameless.error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
    }
}

static void
times_out_and_is_cancelled (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 4);

  for (Form form = 0; form <= FORM_TASK; form++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_auto (Outcome) timed = {FALSE, FALSE, NULL, NULL};
      g_auto (Outcome) cancelled = {FALSE, FALSE, NULL, NULL};

      ask_fully (test->mux, form, "never", "x", 1, G_USEC_PER_SEC / 100, NULL, &timed);
      g_assert_error (timed.error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
      g_cancellable_cancel (cancellable);
      ask_fully (test->mux, form, "never", "x", 1, HOUR, cancellable, &cancelled);
      g_assert_error (cancelled.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
}

static void
is_cancelled_while_it_waits (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Outcome by_cancellable = {0};
  Outcome by_number = {0};
  guint64 xid;

  ferry_mux_transact_async (test->mux, "never", make_value ("x", 1), -1, cancellable, finished, &by_cancellable);
  g_cancellable_cancel (cancellable);
  ferry_test_run_until (is_done, &by_cancellable);
  g_assert_error (by_cancellable.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  outcome_clear (&by_cancellable);
  xid = ferry_mux_transact_bytes_with_func (test->mux, "never", "x", 1, came, &by_number, NULL);
  g_assert_cmpuint (xid, !=, 0);
  g_assert_true (ferry_mux_cancel (test->mux, xid));
  ferry_test_run_until (is_done, &by_number);
  g_assert_error (by_number.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  outcome_clear (&by_number);
}

static void
ends_with_the_mux (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 2);
  Outcome outcomes[2] = {0};

  ferry_mux_transact_async (test->mux, "never", make_value ("x", 1), -1, NULL, finished, &outcomes[0]);
  g_assert_cmpuint (ferry_mux_transact_bytes_with_func (test->mux, "never", "x", 1, came, &outcomes[1], NULL), !=, 0);
  g_assert_cmpuint (ferry_test_get_number (test->mux, "n-in-flight"), ==, 2);
  ferry_mux_stop (test->mux);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      ferry_test_run_until (is_done, &outcomes[i]);
      g_assert_error (outcomes[i].error, FERRY_ERROR, FERRY_ERROR_CLOSED);
      outcome_clear (&outcomes[i]);
    }
  for (Form form = 0; form < N_FORMS; form++)
    {
      g_auto (Outcome) late = {FALSE, FALSE, NULL, NULL};

      ask (test->mux, form, "echo-bytes", "x", 1, &late);
      g_assert_error (late.error, FERRY_ERROR, FERRY_ERROR_CLOSED);
    }
}

static void
will_not_wait_on_the_main_loop (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_main_context_acquire (NULL));
  g_assert_null (ferry_mux_transact_bytes (test->mux, "echo-bytes", "x", 1, -1, NULL, &error));
  g_main_context_release (NULL);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_assert_nonnull (strstr (error->message, "ferry_mux_transact_bytes_with_func()"));
}

/* Of a stream's limit: for a request, and for an answer, of which the caller hears. */
static void
limit_holds_both_ways (void)
{
  g_autoptr (MuxTest) test = mux_test_new (MUX_TEST_SOCKET, 1);
  g_autofree guint8 *content = make_content (20000, 1);

  g_object_set (test->other, "max-message-size", 10000, NULL);
  for (Form form = 0; form < N_FORMS; form++)
    {
      g_auto (Outcome) answer = {FALSE, FALSE, NULL, NULL};
      g_auto (Outcome) request = {FALSE, FALSE, NULL, NULL};

      ask (test->mux, form, "double-bytes", content, 9000, &answer);
      g_assert_error (answer.error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
      g_object_set (test->transport, "max-message-size", 10000, NULL);
      ask (test->mux, form, "double-bytes", content, 20000, &request);
      g_assert_error (request.error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
      g_object_set (test->transport, "max-message-size", 1000000, NULL);
    }
}

/* ---- each kind of transport, within the process ---- */

static void
answers_on_each_kind (gconstpointer kind)
{
  g_autoptr (TransportTestPair) pair = transport_test_pair_new (kind);
  g_autoptr (FerryMux) mux = ferry_mux_new (pair->ends[0]);
  g_autoptr (FerryDemux) demux = ferry_demux_new (pair->ends[1]);
  g_autoptr (GError) error = NULL;

  conversation_add_handlers (demux);
  ferry_demux_set_threads (demux, 1);
  g_assert_true (ferry_demux_start (demux, &error));
  echo_all_sizes (mux, "echo-bytes");
  echo_all_sizes (mux, "echo");
  ferry_mux_stop (mux);
  ferry_demux_stop (demux);
}

static const TransportTestFact facts[] = {{"answers-bytes-of-any-size", answers_on_each_kind}};

static const struct
{
  const char *name;
  GTestDataFunc func;
} cases[] = {
  {"answers-bytes-of-any-size", answers_bytes_of_any_size},
  {"gives-a-handler-of-values-an-ay", gives_a_handler_of_values_an_ay},
  {"gives-a-handler-of-bytes-those-of-an-ay", gives_a_handler_of_bytes_those_of_an_ay},
  {"gives-a-handler-of-bytes-none-of-another-value", gives_a_handler_of_bytes_none_of_another_value},
  {"fails-when-the-answer-is-another-value", fails_when_the_answer_is_another_value},
  {"tells-no-answer-from-an-empty-one", tells_no_answer_from_an_empty_one},
  {"keeps-many-apart", keeps_many_apart},
  {"sends-bytes-one-way", sends_bytes_one_way},
  {"carries-errors-home", carries_errors_home},
  {"times-out-and-is-cancelled", times_out_and_is_cancelled},
  {"is-cancelled-while-it-waits", is_cancelled_while_it_waits},
  {"ends-with-the-mux", ends_with_the_mux},
  {"will-not-wait-on-the-main-loop", will_not_wait_on_the_main_loop},
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint way = 0; way < MUX_TEST_N_WAYS; way++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      {
        g_autofree char *path = g_strdup_printf ("/mux-bytes/%s/%s", mux_test_way_names[way], cases[i].name);

        g_test_add_data_func (path, GINT_TO_POINTER (way), cases[i].func);
      }
  g_test_add_func ("/mux-bytes/socket/limit-holds-both-ways", limit_holds_both_ways);
  transport_test_add_facts ("transport-bytes", facts, G_N_ELEMENTS (facts));
  return g_test_run ();
}
