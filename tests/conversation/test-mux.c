/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-mux.c, conversation/ferry-replies.c
 *
 * Asking over each kind of transport: answers, errors, and every other end that a call can have. */

#include "config.h"

#include <stdatomic.h>
#include <string.h>

#include "conversation/mux-test.h"
#include "conversation/replies-test.h"

#define SECOND G_USEC_PER_SEC
#define HOUR (3600 * (gint64) G_USEC_PER_SEC)

#define get_way(data) ((MuxTestWay) GPOINTER_TO_INT (data))

static void
assert_number (GVariant *value, guint32 number)
{
  g_assert_nonnull (value);
  g_assert_cmpuint (g_variant_get_uint32 (value), ==, number);
}

/* ---- a thread that waits ---- */

static void
ask_for_work (MuxTest *test, guint number)
{
  for (guint i = 0; i < 3; i++)
    {
      guint32 asked = 3 * number + i;
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) result =
        ferry_mux_transact (test->mux, "work", g_variant_new ("(uu)", asked % 30, asked), -1, NULL, &error);

      if (result != NULL)
        {
          g_assert_cmpuint (asked % 10, !=, 9);
          assert_number (result, 2 * asked);
          continue;
        }
      g_assert_cmpuint (asked % 10, ==, 9);
      g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
      g_assert_true (strstr (error->message, "Number ") != NULL);
      g_assert_null (result);
    }
}

/* The scenario of Mux and DeMux: 700 threads with three calls each, some of which fail. */
static void
answers_700_threads_from_a_pool (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 100);

  mux_test_run_threads (test, 700, ask_for_work);
}

static void
answers_700_threads_by_as_many (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 700);

  mux_test_run_threads (test, 700, ask_for_work);
}

static void
carries_errors_home (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autofree char *trace = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (mux_test_transact (test, "work", g_variant_new ("(uu)", 0, 19), -1, NULL, NULL, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_cmpstr (error->message, ==, "Number 19");
  trace = ferry_error_get_trace (error);
  g_assert_nonnull (trace);
  g_assert_nonnull (strstr (trace, "work"));
}

/* Where the other end is in this process, it also has the traces that arrived. */
static void
has_a_trace_for_each_error (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autofree char *wanted = NULL;

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *trace = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_false (mux_test_transact (test, "work", g_variant_new ("(uu)", 0, 19), -1, NULL, NULL, &error));
      trace = ferry_error_get_trace (error);
      g_assert_nonnull (trace);
      if (wanted == NULL)
        wanted = g_steal_pointer (&trace);
      else
        g_assert_cmpstr (trace, ==, wanted);
    }
}

static void
tells_an_unknown_method (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autoptr (GError) error = NULL;

  g_assert_false (mux_test_transact (test, "no such method", NULL, -1, NULL, NULL, &error));
  g_assert_cmpint (error->domain, ==, FERRY_ERROR);
  g_assert_nonnull (strstr (error->message, "no such method"));
}

static void
gives_up_in_time (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autoptr (GVariant) echo = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (mux_test_transact (test, "never", NULL, SECOND / 50, NULL, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&error);
  /* The one thread at the other end was told, and is free again. */
  mux_test_transact (test, "echo", g_variant_new_uint32 (5), -1, NULL, &echo, &error);
  g_assert_no_error (error);
  assert_number (echo, 5);
}

static gboolean
cancel_cb (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static void
is_cancelled (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GVariant) echo = NULL;
  g_autoptr (GError) error = NULL;

  g_timeout_add (10, cancel_cb, cancellable);
  g_assert_false (mux_test_transact (test, "never", NULL, -1, cancellable, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (mux_test_transact (test, "echo", g_variant_new_uint32 (5), -1, cancellable, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  mux_test_transact (test, "echo", g_variant_new_uint32 (5), -1, NULL, &echo, &error);
  g_assert_no_error (error);
}

static void
may_not_wait_on_the_main_loop (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_main_context_acquire (NULL));
  g_assert_null (ferry_mux_transact (test->mux, "never", NULL, -1, NULL, &error));
  g_main_context_release (NULL);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_assert_nonnull (strstr (error->message, "ferry_mux_transact_async"));
}

static void
carries_large_answers (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 2);
  const guint64 sizes[] = {0, 1, 4096, 100000, 20000000};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GVariant) bytes = NULL;
      g_autoptr (GError) error = NULL;

      mux_test_transact (test, "bytes", g_variant_new_uint64 (sizes[i]), -1, NULL, &bytes, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (g_variant_get_size (bytes), ==, sizes[i]);
    }
}

/* ---- ends of many ---- */

typedef struct
{
  guint n_done;
  guint n_ok;
  GError *last; /* (owned) (nullable) */
} Outcome;

static void
transacted (GObject *mux, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;
  g_autoptr (GVariant) value = NULL;

  outcome->n_done++;
  g_clear_error (&outcome->last);
  value = ferry_mux_transact_finish (FERRY_MUX (mux), result, &outcome->last);
  outcome->n_ok += outcome->last == NULL;
}

static void
wait_done (Outcome *outcome, guint n)
{
  while (outcome->n_done < n)
    g_main_context_iteration (NULL, TRUE);
}

/* Returns how many small answers came until a large one had come. */
static guint
count_small_answers (MuxTest *test)
{
  Outcome large = {0};
  Outcome small = {0};

  ferry_mux_transact_async (test->mux, "bytes", g_variant_new_uint64 (20000000), -1, NULL, transacted, &large);
  while (large.n_done == 0)
    {
      guint n = small.n_done;

      ferry_mux_transact_async (test->mux, "echo", g_variant_new_uint32 (1), -1, NULL, transacted, &small);
      wait_done (&small, n + 1);
      g_assert_no_error (small.last);
    }
  g_assert_no_error (large.last);
  return small.n_done;
}

/* Small answers come while a large one is on its way. One that was held up would be the only one, each time; so would
 * one whose thread got no processor meanwhile, but not each time. */
static void
large_answers_hold_up_no_small_ones (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 2);

  while (count_small_answers (test) == 1)
    ;
}

static void
stop_fails_what_is_in_flight (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 2);
  g_autoptr (FerryMux) other = ferry_mux_new (test->transport);
  Outcome outcome = {0};
  Outcome of_other = {0};

  for (guint i = 0; i < 100; i++)
    ferry_mux_transact_async (test->mux, "never", NULL, -1, NULL, transacted, &outcome);
  ferry_mux_stop (test->mux);
  ferry_mux_stop (test->mux);
  g_assert_true (ferry_test_get_number (test->mux, "stopped"));
  ferry_mux_transact_async (test->mux, "echo", NULL, -1, NULL, transacted, &outcome);
  wait_done (&outcome, 101);
  g_assert_cmpuint (outcome.n_ok, ==, 0);
  g_assert_error (outcome.last, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_clear_error (&outcome.last);
  ferry_mux_transact_async (other, "echo", g_variant_new_uint32 (1), -1, NULL, transacted, &of_other);
  wait_done (&of_other, 1);
  g_assert_no_error (of_other.last);
}

static void
close_fails_what_is_in_flight (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 2);
  Outcome outcome = {0};

  for (guint i = 0; i < 100; i++)
    ferry_mux_transact_async (test->mux, "never", NULL, i % 2 == 0 ? -1 : HOUR, NULL, transacted, &outcome);
  ferry_transport_close (test->transport);
  wait_done (&outcome, 100);
  g_assert_cmpuint (outcome.n_ok, ==, 0);
  g_assert_error (outcome.last, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_clear_error (&outcome.last);
}

static void
worker_that_dies_fails_what_is_in_flight (void)
{
  g_autoptr (MuxTest) test = mux_test_new (MUX_TEST_LANES, 4);
  g_autoptr (GError) reason = NULL;
  Outcome outcome = {0};

  for (guint i = 0; i < 100; i++)
    ferry_mux_transact_async (test->mux, i < 99 ? "never" : "die", NULL, -1, NULL, transacted, &outcome);
  /* Three wait, and the fourth thread of the worker comes to the last one only when one of them is given up. */
  ferry_worker_force_exit (test->worker);
  wait_done (&outcome, 100);
  g_assert_cmpuint (outcome.n_ok, ==, 0);
  g_assert_error (outcome.last, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_nonnull (strstr (outcome.last->message, "signal 9"));
  g_clear_error (&outcome.last);
  g_object_get (test->transport, "reason", &reason, NULL);
  g_assert_error (reason, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
}

static void
times_out_and_cancels_in_any_order (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 2);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Outcome timed = {0};
  Outcome cancelled = {0};

  for (guint i = 0; i < 50; i++)
    {
      ferry_mux_transact_async (test->mux, "never", NULL, SECOND / 100, NULL, transacted, &timed);
      ferry_mux_transact_async (test->mux, "never", NULL, HOUR, cancellable, transacted, &cancelled);
    }
  wait_done (&timed, 50);
  g_assert_error (timed.last, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpuint (cancelled.n_done, ==, 0);
  g_cancellable_cancel (cancellable);
  wait_done (&cancelled, 50);
  g_assert_error (cancelled.last, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&timed.last);
  g_clear_error (&cancelled.last);
}

/* ---- one way, and a function ---- */

static void
sends_one_way (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autoptr (GVariant) before = NULL;
  g_autoptr (GVariant) after = NULL;
  g_autoptr (GError) error = NULL;

  mux_test_transact (test, "noted", NULL, -1, NULL, &before, &error);
  for (guint i = 0; i < 100; i++)
    ferry_mux_send (test->mux, "note", g_variant_new_uint32 (i), 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ferry_test_get_number (test->mux, "n-in-flight"), ==, 0);
  mux_test_transact (test, "noted", NULL, -1, NULL, &after, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_get_uint64 (after) - g_variant_get_uint64 (before), ==, 100);
}

static void
called_cb (GVariant *result, const GError *error, gpointer data)
{
  _Atomic guint *n = data;

  g_assert_no_error (error);
  atomic_fetch_add (n, g_variant_get_uint32 (result));
  g_main_context_wakeup (NULL);
}

static void
calls_a_function (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autoptr (GError) error = NULL;
  _Atomic guint sum = 0;

  for (guint i = 0; i < 1000; i++)
    g_assert_cmpuint (
      ferry_mux_transact_with_func (test->mux, "echo", g_variant_new_uint32 (i), called_cb, &sum, &error), >, 0);
  while (atomic_load (&sum) < 499500)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (ferry_mux_cancel (test->mux, 1));
}

typedef struct
{
  FerryMux *mux; /* (unowned) */
  _Atomic guint n_called;
  _Atomic guint n_cancelled;
  _Atomic guint n_closed;
} Ends;

static void
note_end (GVariant *result, const GError *error, gpointer data)
{
  Ends *ends = data;

  atomic_fetch_add (&ends->n_cancelled, g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  atomic_fetch_add (&ends->n_closed, g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED));
  atomic_fetch_add (&ends->n_called, 1);
  g_main_context_wakeup (NULL);
}

static void
stop_in_it (GVariant *result, const GError *error, gpointer data)
{
  Ends *ends = data;

  ferry_mux_stop (ends->mux);
  note_end (result, error, data);
}

static void
wait_called (Ends *ends, guint n)
{
  while (atomic_load (&ends->n_called) < n)
    g_main_context_iteration (NULL, TRUE);
}

/* It says whether there was something to cancel. */
static void
is_cancelled_by_its_number (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 2);
  Ends ends = {.mux = test->mux};
  guint64 first = ferry_mux_transact_with_func (test->mux, "never", NULL, note_end, &ends, NULL);
  guint64 second = ferry_mux_transact_with_func (test->mux, "never", NULL, note_end, &ends, NULL);

  g_assert_true (ferry_mux_cancel (test->mux, second));
  wait_called (&ends, 1);
  g_assert_false (ferry_mux_cancel (test->mux, second));
  g_assert_true (ferry_mux_cancel (test->mux, first));
  wait_called (&ends, 2);
  g_assert_false (ferry_mux_cancel (test->mux, first));
  g_assert_cmpuint (atomic_load (&ends.n_cancelled), ==, 2);
}

static void
may_be_stopped_where_an_answer_comes (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 11);
  Ends ends = {.mux = test->mux};

  for (guint i = 0; i < 10; i++)
    g_assert_cmpuint (ferry_mux_transact_with_func (test->mux, "never", NULL, note_end, &ends, NULL), >, 0);
  g_assert_cmpuint (ferry_mux_transact_with_func (test->mux, "echo", g_variant_new_uint32 (1), stop_in_it, &ends, NULL),
                    >, 0);
  wait_called (&ends, 11);
  g_assert_cmpuint (atomic_load (&ends.n_closed), ==, 10);
  g_assert_true (ferry_test_get_number (test->mux, "stopped"));
}

/* ---- answers in pieces ---- */

static void
take_numbers (MuxTest *test, guint number)
{
  g_autoptr (FerryReplies) replies = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  guint64 next = 0;

  replies = ferry_mux_transact_stream (test->mux, "numbers", g_variant_new_uint64 (1000 + number), 8, -1, &error);
  g_assert_no_error (error);
  while ((value = replies_test_next (replies, NULL, &error)) != NULL)
    {
      g_assert_cmpuint (g_variant_get_uint64 (value), ==, next++);
      g_clear_pointer (&value, g_variant_unref);
    }
  g_assert_no_error (error);
  g_assert_cmpuint (next, ==, 1000 + number);
}

static void
streams_within_a_window (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 4);

  mux_test_run_threads (test, 8, take_numbers);
}

typedef struct
{
  FerryReplies *replies;
  guint64 next;
  gboolean done;
} Stream;

static void
next_cb (GObject *replies, GAsyncResult *result, gpointer data)
{
  Stream *stream = data;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  value = ferry_replies_next_finish (FERRY_REPLIES (replies), result, &error);
  g_assert_no_error (error);
  if (value == NULL)
    {
      stream->done = TRUE;
      return;
    }
  g_assert_cmpuint (g_variant_get_uint64 (value), ==, stream->next++);
  ferry_replies_next_async (FERRY_REPLIES (replies), NULL, next_cb, stream);
}

static void
streams_on_the_main_loop (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autoptr (FerryReplies) replies = NULL;
  g_autoptr (GError) error = NULL;
  Stream stream = {0};

  replies = ferry_mux_transact_stream (test->mux, "numbers", g_variant_new_uint64 (1000), 16, HOUR, &error);
  g_assert_no_error (error);
  ferry_replies_next_async (replies, NULL, next_cb, &stream);
  ferry_test_wait_flag (&stream.done);
  g_assert_cmpuint (stream.next, ==, 1000);
}

static gboolean
has_none_in_flight (gpointer data)
{
  return ferry_test_get_number (data, "n-in-flight") == 0;
}

static FerryReplies *shared;
static _Atomic guint n_shared;

static void
take_shared (MuxTest *test, guint number)
{
  g_autoptr (GVariant) value = NULL;

  do
    {
      g_autoptr (GError) error = NULL;

      g_clear_pointer (&value, g_variant_unref);
      value = replies_test_next (shared, NULL, &error);
      g_assert_no_error (error);
      atomic_fetch_add (&n_shared, value != NULL ? 1 : 0);
    }
  while (value != NULL);
}

/* One may find that another has taken what it was woken for. */
static void
threads_share_a_stream (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 1);
  g_autoptr (GError) error = NULL;

  n_shared = 0;
  shared = ferry_mux_transact_stream (test->mux, "numbers", g_variant_new_uint64 (5000), 4, -1, &error);
  g_assert_no_error (error);
  mux_test_run_threads (test, 8, take_shared);
  g_assert_cmpuint (n_shared, ==, 5000);
  g_clear_object (&shared);
}

static void
drops_streams_at_any_time (gconstpointer data)
{
  g_autoptr (MuxTest) test = mux_test_new (get_way (data), 2);
  g_autoptr (GVariant) echo = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (FerryReplies) replies =
        ferry_mux_transact_stream (test->mux, "numbers", g_variant_new_uint64 (i), 1 + i % 3, -1, &error);

      g_assert_no_error (error);
      if (i % 2 == 0)
        g_main_context_iteration (NULL, FALSE);
      if (i % 3 == 0)
        ferry_replies_cancel (replies);
    }
  ferry_test_look_until (has_none_in_flight, test->mux);
  mux_test_transact (test, "echo", g_variant_new_uint32 (5), -1, NULL, &echo, &error);
  g_assert_no_error (error);
}

typedef struct
{
  const char *name;
  GTestDataFunc func;
} Case;

static const Case cases[] = {
  {"answers-700-threads-from-a-pool", answers_700_threads_from_a_pool},
  {"answers-700-threads-by-as-many", answers_700_threads_by_as_many},
  {"carries-errors-home", carries_errors_home},
  {"has-a-trace-for-each-error", has_a_trace_for_each_error},
  {"tells-an-unknown-method", tells_an_unknown_method},
  {"gives-up-in-time", gives_up_in_time},
  {"is-cancelled", is_cancelled},
  {"may-not-wait-on-the-main-loop", may_not_wait_on_the_main_loop},
  {"carries-large-answers", carries_large_answers},
  {"large-answers-hold-up-no-small-ones", large_answers_hold_up_no_small_ones},
  {"stop-fails-what-is-in-flight", stop_fails_what_is_in_flight},
  {"close-fails-what-is-in-flight", close_fails_what_is_in_flight},
  {"times-out-and-cancels-in-any-order", times_out_and_cancels_in_any_order},
  {"sends-one-way", sends_one_way},
  {"calls-a-function", calls_a_function},
  {"is-cancelled-by-its-number", is_cancelled_by_its_number},
  {"may-be-stopped-where-an-answer-comes", may_be_stopped_where_an_answer_comes},
  {"streams-within-a-window", streams_within_a_window},
  {"streams-on-the-main-loop", streams_on_the_main_loop},
  {"threads-share-a-stream", threads_share_a_stream},
  {"drops-streams-at-any-time", drops_streams_at_any_time},
};

static GVariant *
make_bytes (gsize size)
{
  guint8 *data = g_malloc0 (size);

  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data);
}

/* Of a stream's limit, for what is asked and for what is answered, whether that goes whole or in pieces. */
static void
limit_holds_both_ways (void)
{
  static const guint limits[] = {10000, 200000};
  g_autoptr (MuxTest) test = mux_test_new (MUX_TEST_SOCKET, 1);

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      guint small = limits[i] / 2;
      guint large = limits[i] + 1;
      g_autoptr (GVariant) answer = NULL;
      g_autoptr (GError) error = NULL;

      g_object_set (test->transport, "max-message-size", limits[i], NULL);
      g_object_set (test->other, "max-message-size", limits[i], NULL);
      g_assert_false (mux_test_transact (test, "bytes", g_variant_new_uint64 (large), -1, NULL, NULL, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
      g_clear_error (&error);
      g_assert_false (mux_test_transact (test, "note", make_bytes (large), -1, NULL, NULL, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
      g_clear_error (&error);
      mux_test_transact (test, "echo", make_bytes (small), -1, NULL, &answer, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (g_variant_get_size (answer), ==, small);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint way = 0; way < MUX_TEST_N_WAYS; way++)
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
      {
        g_autofree char *path = g_strdup_printf ("/mux/%s/%s", mux_test_way_names[way], cases[i].name);

        g_test_add_data_func (path, GINT_TO_POINTER (way), cases[i].func);
      }
  g_test_add_func ("/mux/socket/limit-holds-both-ways", limit_holds_both_ways);
  g_test_add_func ("/mux/lanes/worker-that-dies-fails-what-is-in-flight", worker_that_dies_fails_what_is_in_flight);
  return g_test_run ();
}
