/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-invocation.c, conversation/ferry-demux-invocation.c
 *
 * How a request is answered: once, on any thread, with room and without. */

#include "config.h"

#include "conversation/demux-test.h"
#include "conversation/ferry-invocation-private.h"

#include <stdatomic.h>
#include <string.h>

#define ONE g_variant_new_uint32 (1)

/* What a handler has left, for the test to answer. */
typedef struct
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  FerryInvocation *kept; /* (owned) (nullable) */
} Keeper;

static Keeper keeper = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void
keep_cb (FerryInvocation *invocation, gpointer data)
{
  pthread_mutex_lock (&keeper.lock);
  g_assert_null (keeper.kept);
  keeper.kept = ferry_invocation_ref (invocation);
  pthread_cond_broadcast (&keeper.changed);
  pthread_mutex_unlock (&keeper.lock);
}

static FerryInvocation *
take_kept (void)
{
  FerryInvocation *kept;

  pthread_mutex_lock (&keeper.lock);
  while (keeper.kept == NULL)
    pthread_cond_wait (&keeper.changed, &keeper.lock);
  kept = g_steal_pointer (&keeper.kept);
  pthread_mutex_unlock (&keeper.lock);
  return kept;
}

static DemuxTestPair *
pair_with (FerryDemuxHandler handler, gpointer data, guint n_threads)
{
  DemuxTestPair *pair = demux_test_pair_new ();

  ferry_demux_set_threads (pair->demux, n_threads);
  ferry_demux_add_handler (pair->demux, NULL, handler, data, NULL);
  demux_test_start (pair);
  return pair;
}

/* ---- what was asked ---- */

static void
test_request (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  gint64 deadline = g_get_monotonic_time () + 1000 * G_USEC_PER_SEC;
  const FerryRequest request = {
    .method = "look", .arguments = ONE, .deadline = deadline, .flags = FERRY_CALL_STREAM, .window = 1};
  DemuxTestAnswer *answer = demux_test_ask_fully (pair, &request);
  FerryInvocation *invocation = take_kept ();

  g_assert_cmpstr (ferry_invocation_get_method (invocation), ==, "look");
  g_assert_cmpuint (g_variant_get_uint32 (ferry_invocation_get_arguments (invocation)), ==, 1);
  g_assert_cmpint (ferry_invocation_get_deadline (invocation), ==, deadline);
  g_assert_false (ferry_invocation_is_one_way (invocation));
  g_assert_false (ferry_invocation_is_cancelled (invocation));
  /* Later, and on a thread that is none of the demux's. */
  ferry_invocation_return_value (invocation, g_variant_new_uint32 (7));
  demux_test_expect_value (answer, 7);
  ferry_invocation_unref (invocation);

  answer = demux_test_ask (pair, "bare", NULL);
  invocation = take_kept ();
  g_assert_null (ferry_invocation_get_arguments (invocation));
  g_assert_cmpint (ferry_invocation_get_deadline (invocation), ==, 0);
  g_assert_false (ferry_invocation_is_one_way (invocation));
  ferry_invocation_return_value (invocation, NULL);
  demux_test_wait (answer);
  g_assert_false (answer->has_value);
  g_assert_no_error (answer->error);
  demux_test_answer_free (answer);
  ferry_invocation_unref (invocation);
}

/* The largest that lies in its call's memory, and the smallest that does not. */
static void
test_bytes (void)
{
  static const gsize sizes[] = {1024, 1025};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
      g_autofree char *content = g_strnfill (sizes[i], 'b');
      const FerryRequest request = {.method = "look", .packed = {content, sizes[i]}};
      DemuxTestAnswer *answer = demux_test_ask_fully (pair, &request);
      g_autoptr (FerryInvocation) invocation = take_kept ();
      gsize size;
      gconstpointer data = ferry_invocation_get_bytes (invocation, &size);

      g_assert_cmpmem (data, size, content, sizes[i]);
      g_assert_cmpstr (g_variant_get_type_string (ferry_invocation_get_arguments (invocation)), ==, "ay");
      ferry_invocation_return_value (invocation, g_variant_new_uint32 (3));
      demux_test_expect_value (answer, 3);
      ferry_transport_close (pair->ends[ASKED]);
      /* The answer and the end of the transport have taken nothing away. */
      g_assert_true (ferry_invocation_get_bytes (invocation, &size) == data);
      g_assert_cmpmem (data, size, content, sizes[i]);
    }
}

static void
test_no_bytes (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  GVariant *values[] = {NULL, ONE, g_variant_new_string ("ay")};

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      DemuxTestAnswer *answer = demux_test_ask (pair, "look", values[i]);
      g_autoptr (FerryInvocation) invocation = take_kept ();
      gsize size = 7;

      g_assert_null (ferry_invocation_get_bytes (invocation, &size));
      g_assert_cmpuint (size, ==, 0);
      ferry_invocation_return_value (invocation, ONE);
      demux_test_expect_value (answer, 1);
    }
}

static void
test_dropped (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  DemuxTestAnswer *answer = demux_test_ask (pair, "drop", ONE);

  ferry_invocation_unref (take_kept ());
  demux_test_expect_refused (answer);
  /* One is refused as well while something has its cancellable. */
  answer = demux_test_ask (pair, "drop", ONE);
  {
    g_autoptr (FerryInvocation) invocation = take_kept ();
    g_autoptr (GCancellable) cancellable = g_object_ref (ferry_invocation_get_cancellable (invocation));

    g_clear_pointer (&invocation, ferry_invocation_unref);
    demux_test_expect_refused (answer);
    g_assert_false (g_cancellable_is_cancelled (cancellable));
  }
}

static void
test_refuse (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  DemuxTestAnswer *answer = demux_test_ask (pair, "refuse", ONE);
  g_autoptr (FerryInvocation) invocation = take_kept ();

  ferry_invocation_refuse (invocation, "The kitchen is closed");
  demux_test_wait (answer);
  g_assert_cmpstr (answer->error->message, ==, "The kitchen is closed");
  demux_test_expect_refused (answer);
}

static void
test_twice (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  DemuxTestAnswer *answer = demux_test_ask (pair, "twice", ONE);
  g_autoptr (FerryInvocation) invocation = take_kept ();

  ferry_invocation_return_value (invocation, ONE);
  for (guint i = 0; i < 4; i++)
    {
      g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL,
                             "ferry_invocation_*(): the call of '*' was answered already*");
      if (i == 0)
        ferry_invocation_return_value (invocation, ONE);
      else if (i == 1)
        ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_FAILED, "Late");
      else if (i == 2)
        ferry_invocation_return_bytes (invocation, "late", 4);
      else
        ferry_invocation_refuse (invocation, "Later");
      g_test_assert_expected_messages ();
    }
  demux_test_expect_value (answer, 1);
}

/* Fails before its answer, or after it. */
static void
fail_cb (FerryInvocation *invocation, gpointer data, GError **error)
{
  if (ferry_invocation_get_arguments (invocation) != NULL)
    ferry_invocation_return_value (invocation, ONE);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, "It is there");
}

static void
note_freed (gpointer freed)
{
  *(gboolean *) freed = TRUE;
}

static void
test_handler_fails (void)
{
  gboolean freed = FALSE;
  DemuxTestPair *pair = demux_test_pair_new ();

  ferry_demux_set_threads (pair->demux, 1);
  ferry_demux_add_handler_full (pair->demux, "fail", fail_cb, &freed, note_freed);
  demux_test_start (pair);
  demux_test_expect_failure (demux_test_ask (pair, "fail", NULL), G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_test_expect_message ("Ferry", G_LOG_LEVEL_WARNING, "*'fail' has failed after its answer*It is there");
  demux_test_expect_value (demux_test_ask (pair, "fail", ONE), 1);
  demux_test_stop (pair);
  g_test_assert_expected_messages ();
  g_assert_false (freed);
  ferry_demux_remove_handler (pair->demux, "fail");
  g_assert_true (freed);
  demux_test_pair_free (pair);
}

/* A demux has no objects. */
static void
test_object (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  DemuxTestAnswer *answer = demux_test_ask (pair, "object", ONE);
  g_autoptr (FerryInvocation) invocation = take_kept ();

  g_assert_null (ferry_invocation_get_object (invocation));
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL,
                         "ferry_invocation_return_object(): 'object'*ferry_invocation_return_value()*");
  ferry_invocation_return_object (invocation, G_OBJECT (pair->demux));
  g_test_assert_expected_messages ();
  /* It is not answered by that. */
  ferry_invocation_return_value (invocation, ONE);
  demux_test_expect_value (answer, 1);
}

static void
test_one_way (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  const FerryRequest request = {.method = "tell", .flags = FERRY_CALL_ONE_WAY};
  FerryTransport *asking = pair->ends[ASKING];

  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (FerryInvocation) invocation = NULL;

      g_assert_cmpuint (ferry_transport_ask (asking, &request, NULL, NULL, NULL), !=, 0);
      invocation = take_kept ();
      g_assert_true (ferry_invocation_is_one_way (invocation));
      if (i == 0)
        ferry_invocation_return_value (invocation, ONE);
      else if (i == 1)
        ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_FAILED, "Nobody hears this");
      else if (i == 2)
        ferry_invocation_refuse (invocation, "Nobody hears this");
      g_assert_cmpuint (demux_test_wire_count (pair, ASKED), ==, 0);
    }
  g_assert_cmpuint (ferry_transport_get_counts (asking).n_unknown + ferry_transport_get_counts (asking).n_late, ==, 0);
}

/* ---- errors ---- */

static void
test_error (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  DemuxTestAnswer *answer = demux_test_ask (pair, "fail-first", ONE);
  g_autoptr (FerryInvocation) invocation = take_kept ();
  g_autofree char *process = g_strdup_printf ("process %d ", (int) getpid ());

  ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "No file %d", 5);
  demux_test_wait (answer);
  g_assert_error (answer->error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (answer->error->message, ==, "No file 5");
  g_assert_false (answer->refused);
  g_assert_nonnull (strstr (answer->trace, "'fail-first'"));
  g_assert_nonnull (strstr (answer->trace, process));
  demux_test_answer_free (answer);
}

/* A call that asks another one, which fails, and hands that error on. */
static void
test_error_that_is_handed_on (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  DemuxTestAnswer *outer = demux_test_ask (pair, "fail-second", ONE);
  g_autoptr (FerryInvocation) second = take_kept ();
  DemuxTestAnswer *inner = demux_test_ask (pair, "fail-first", ONE);
  g_autoptr (FerryInvocation) first = take_kept ();

  ferry_invocation_return_new_error (first, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "No file %d", 5);
  demux_test_wait (inner);
  ferry_invocation_return_error (second, inner->error);
  demux_test_wait (outer);
  /* It has both places, the inner one first. */
  g_assert_error (outer->error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (outer->trace, "'fail-first'"));
  g_assert_true (strstr (outer->trace, "'fail-first'") < strstr (outer->trace, "'fail-second'"));
  demux_test_answer_free (outer);
  demux_test_answer_free (inner);
}

static void
test_error_that_is_alike (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);

  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *method = g_strdup_printf ("fail-%u", i);
      g_autofree char *line = g_strdup_printf ("in function '%s'", method);
      DemuxTestAnswer *answer = demux_test_ask (pair, method, ONE);
      g_autoptr (FerryInvocation) invocation = take_kept ();

      ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "alike");
      demux_test_wait (answer);
      g_assert_true (g_str_has_prefix (answer->trace, line));
      g_assert_true (strchr (answer->trace, '\n') == answer->trace + strlen (answer->trace) - 1);
      demux_test_answer_free (answer);
    }
}

static GVariant *
large_value (void)
{
  return g_variant_new_take_string (g_strnfill (100000, 'x'));
}

static void
test_too_large (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  g_autoptr (FerryInvocation) invocation = NULL;
  g_autofree char *text = g_strnfill (20000, 'y');
  DemuxTestAnswer *answer;

  demux_test_wire_limit (pair, ASKED, G_MAXUINT, 10000);
  answer = demux_test_ask (pair, "large", ONE);
  invocation = take_kept ();
  ferry_invocation_return_value (invocation, large_value ());
  demux_test_wait (answer);
  g_assert_nonnull (strstr (answer->error->message, "'large' cannot be sent"));
  g_assert_nonnull (strstr (answer->trace, "'large'"));
  demux_test_expect_failure (answer, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_clear_pointer (&invocation, ferry_invocation_unref);

  /* An error that is too large is still that error. */
  answer = demux_test_ask (pair, "long", ONE);
  invocation = take_kept ();
  ferry_invocation_return_new_error (invocation, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "%s", text);
  demux_test_wait (answer);
  g_assert_cmpuint (strlen (answer->error->message), <, 2000);
  g_assert_nonnull (strstr (answer->trace, "too large"));
  demux_test_expect_failure (answer, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
}

/* ---- cancelling ---- */

static void
count_cb (GCancellable *cancellable, gpointer data)
{
  atomic_fetch_add ((_Atomic guint *) data, 1);
}

static gboolean
has_fired (gpointer data)
{
  return atomic_load ((_Atomic guint *) data) > 0;
}

static gboolean
is_cancelled (gpointer data)
{
  return ferry_invocation_is_cancelled (data);
}

static void
test_cancellable (void)
{
  const FerryCancelReason reasons[] = {FERRY_CANCEL_REASON_CANCELLED, FERRY_CANCEL_REASON_DEADLINE};

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
      DemuxTestAnswer *answer = demux_test_ask (pair, "wait", ONE);
      g_autoptr (FerryInvocation) invocation = take_kept ();
      GCancellable *cancellable = ferry_invocation_get_cancellable (invocation);
      _Atomic guint n_fired = 0;

      g_signal_connect (cancellable, "cancelled", G_CALLBACK (count_cb), (gpointer) &n_fired);
      g_assert_true (ferry_invocation_get_cancellable (invocation) == cancellable);
      demux_test_cancel (answer, reasons[i]);
      demux_test_cancel (answer, reasons[i]);
      demux_test_until (has_fired, (gpointer) &n_fired);
      g_assert_true (ferry_invocation_is_cancelled (invocation));
      g_assert_true (g_cancellable_is_cancelled (cancellable));
      ferry_invocation_return_value (invocation, ONE);
      demux_test_expect_value (answer, 1);
      demux_test_stop (pair);
      g_assert_cmpuint (atomic_load (&n_fired), ==, 1);
    }
}

static void
test_cancellable_late (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  DemuxTestAnswer *answer = demux_test_ask (pair, "wait", ONE);
  g_autoptr (FerryInvocation) invocation = take_kept ();

  demux_test_cancel (answer, FERRY_CANCEL_REASON_CANCELLED);
  demux_test_until (is_cancelled, invocation);
  g_assert_true (g_cancellable_is_cancelled (ferry_invocation_get_cancellable (invocation)));
  ferry_invocation_return_value (invocation, ONE);
  demux_test_expect_value (answer, 1);
}

static void
test_cancelled_after (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  DemuxTestAnswer *answer = demux_test_ask (pair, "wait", ONE);
  g_autoptr (FerryInvocation) invocation = take_kept ();
  GCancellable *cancellable = ferry_invocation_get_cancellable (invocation);

  /* The answer is given and does not get there before the cancel leaves. */
  demux_test_wire_hold (pair, ASKED, TRUE);
  ferry_invocation_return_value (invocation, ONE);
  demux_test_cancel (answer, FERRY_CANCEL_REASON_CANCELLED);
  demux_test_wire_hold (pair, ASKED, FALSE);
  demux_test_expect_value (answer, 1);
  answer = demux_test_ask (pair, "next", ONE);
  ferry_invocation_unref (take_kept ());
  demux_test_expect_refused (answer);
  g_assert_false (g_cancellable_is_cancelled (cancellable));
  g_assert_false (ferry_invocation_is_cancelled (invocation));
}

static void
answer_cb (GCancellable *cancellable, gpointer data)
{
  ferry_invocation_return_new_error (data, G_IO_ERROR, G_IO_ERROR_CANCELLED, "As you wish");
}

static void
test_answer_inside (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  DemuxTestAnswer *answer = demux_test_ask (pair, "wait", ONE);
  g_autoptr (FerryInvocation) invocation = take_kept ();

  g_signal_connect (ferry_invocation_get_cancellable (invocation), "cancelled", G_CALLBACK (answer_cb), invocation);
  demux_test_cancel (answer, FERRY_CANCEL_REASON_CANCELLED);
  demux_test_expect_failure (answer, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_closed (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  DemuxTestAnswer *answer = demux_test_ask (pair, "wait", ONE);
  g_autoptr (FerryInvocation) invocation = take_kept ();
  GCancellable *cancellable = ferry_invocation_get_cancellable (invocation);

  ferry_transport_close (pair->ends[ASKED]);
  g_assert_true (ferry_invocation_is_cancelled (invocation));
  g_assert_true (g_cancellable_is_cancelled (cancellable));
  ferry_invocation_return_value (invocation, ONE);
  ferry_transport_close (pair->ends[ASKING]);
  demux_test_expect_failure (answer, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

/* ---- without room ---- */

#define N_ANSWERS 50

typedef enum
{
  ON_A_POOL,
  ON_THE_RECEIVING_THREAD,
  ON_A_CONTEXT,
} Place;

static gboolean
was_full (gpointer data)
{
  return demux_test_wire_count_refused (data, ASKED) > 0;
}

static void
test_no_room (gconstpointer data)
{
  Place place = (Place) GPOINTER_TO_UINT (data);
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  DemuxTestAnswer *answers[N_ANSWERS];

  ferry_demux_add_handler (pair->demux, "add", demux_test_add_one, NULL, NULL);
  if (place == ON_A_CONTEXT)
    ferry_demux_set_context (pair->demux, NULL);
  else
    ferry_demux_set_threads (pair->demux, place == ON_A_POOL ? 4 : 0);
  demux_test_wire_limit (pair, ASKED, 2, G_MAXSIZE);
  demux_test_wire_hold (pair, ASKED, TRUE);
  demux_test_start (pair);
  for (guint i = 0; i < N_ANSWERS; i++)
    answers[i] = demux_test_ask (pair, i % 5 == 0 ? "unknown" : "add", g_variant_new_uint32 (i));
  if (place == ON_A_CONTEXT)
    ferry_test_run_until (was_full, pair);
  else
    demux_test_until (was_full, pair);
  demux_test_wire_hold (pair, ASKED, FALSE);
  for (guint i = 0; i < N_ANSWERS; i++)
    if (i % 5 == 0)
      demux_test_expect_failure (answers[i], FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
    else
      demux_test_expect_value (answers[i], i + 1);
}

#define KEPT_SIZE 300

/* What it answers with is gone when it returns. */
static void
return_passing_bytes (FerryInvocation *invocation, gpointer data)
{
  guint8 passing[KEPT_SIZE];

  memset (passing, 'k', sizeof passing);
  ferry_invocation_return_bytes (invocation, passing, sizeof passing);
  memset (passing, 0xee, sizeof passing);
}

typedef struct
{
  _Atomic guint n_right;
} KeptBytes;

static void
count_kept (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autofree char *wanted = g_strnfill (KEPT_SIZE, 'k');

  g_assert_no_error (error);
  g_assert_cmpmem (g_variant_get_data (result), g_variant_get_size (result), wanted, KEPT_SIZE);
  atomic_fetch_add (&((KeptBytes *) data)->n_right, 1);
  g_main_context_wakeup (NULL);
}

static gboolean
are_all_right (gpointer data)
{
  return atomic_load (&((KeptBytes *) data)->n_right) == N_ANSWERS;
}

static void
test_no_room_bytes (void)
{
  static const FerryAnswerFuncs funcs = {.done = count_kept};
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  const FerryRequest request = {.method = "bytes"};
  KeptBytes counted = {0};

  ferry_demux_add_handler (pair->demux, "bytes", return_passing_bytes, NULL, NULL);
  ferry_demux_set_threads (pair->demux, 0);
  demux_test_wire_limit (pair, ASKED, 2, G_MAXSIZE);
  demux_test_wire_hold (pair, ASKED, TRUE);
  demux_test_start (pair);
  for (guint i = 0; i < N_ANSWERS; i++)
    g_assert_cmpuint (ferry_transport_ask (pair->ends[ASKING], &request, &funcs, &counted, NULL), !=, 0);
  demux_test_until (was_full, pair);
  demux_test_wire_hold (pair, ASKED, FALSE);
  ferry_test_run_until (are_all_right, &counted);
}

static void
test_no_room_dropped (void)
{
  g_autoptr (DemuxTestPair) pair = pair_with (keep_cb, NULL, 1);
  DemuxTestAnswer *answer;

  demux_test_wire_limit (pair, ASKED, 0, G_MAXSIZE);
  answer = demux_test_ask (pair, "drop", ONE);
  /* The demux's thread drops it, or this one; neither waits. */
  ferry_invocation_unref (take_kept ());
  demux_test_until (was_full, pair);
  demux_test_stop (pair);
  g_assert_false (demux_test_is_done (answer));
  demux_test_wire_limit (pair, ASKED, 1, G_MAXSIZE);
  ferry_transport_note_room (pair->ends[ASKED]);
  demux_test_expect_refused (answer);
}

static void
test_no_room_closed (void)
{
  g_autoptr (DemuxTestPair) pair = demux_test_pair_new ();
  DemuxTestAnswer *answers[10];

  /* Both those that are kept and the threads that wait let go of the transport when it closes. */
  for (guint n_threads = 0; n_threads < 2; n_threads++)
    {
      demux_test_stop (pair);
      ferry_demux_set_threads (pair->demux, n_threads);
      ferry_demux_add_handler (pair->demux, "add", demux_test_add_one, NULL, NULL);
      demux_test_wire_limit (pair, ASKED, 0, G_MAXSIZE);
      demux_test_start (pair);
      for (guint i = 0; i < 5; i++)
        answers[n_threads * 5 + i] = demux_test_ask (pair, "add", ONE);
      demux_test_until (was_full, pair);
      if (n_threads == 1)
        ferry_transport_close (pair->ends[ASKED]);
    }
  ferry_transport_close (pair->ends[ASKING]);
  for (guint i = 0; i < 10; i++)
    demux_test_expect_failure (answers[i], FERRY_ERROR, FERRY_ERROR_CLOSED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/invocation/tells-what-was-asked-and-is-answered-later", test_request);
  g_test_add_func ("/invocation/is-refused-when-it-is-dropped", test_dropped);
  g_test_add_func ("/invocation/is-refused-with-a-reason", test_refuse);
  g_test_add_func ("/invocation/takes-one-answer", test_twice);
  g_test_add_func ("/invocation/is-answered-with-the-error-of-its-handler", test_handler_fails);
  g_test_add_func ("/invocation/gives-no-object", test_object);
  g_test_add_func ("/invocation/sends-nothing-one-way", test_one_way);
  g_test_add_func ("/invocation/errors-arrive-as-they-are-and-with-their-place", test_error);
  g_test_add_func ("/invocation/an-error-that-is-handed-on-has-both-places", test_error_that_is_handed_on);
  g_test_add_func ("/invocation/an-alike-error-has-its-own-place", test_error_that_is_alike);
  g_test_add_func ("/invocation/says-that-an-answer-is-too-large", test_too_large);
  g_test_add_func ("/invocation/fires-its-cancellable-once", test_cancellable);
  g_test_add_func ("/invocation/fires-a-cancellable-that-comes-after-the-cancel", test_cancellable_late);
  g_test_add_func ("/invocation/fires-no-cancellable-after-the-answer", test_cancelled_after);
  g_test_add_func ("/invocation/may-be-answered-as-it-is-cancelled", test_answer_inside);
  g_test_add_func ("/invocation/is-cancelled-when-the-transport-closes", test_closed);
  g_test_add_data_func ("/invocation/loses-no-answer-for-want-of-room/on-a-pool", GUINT_TO_POINTER (ON_A_POOL),
                        test_no_room);
  g_test_add_data_func ("/invocation/loses-no-answer-for-want-of-room/on-the-receiving-thread",
                        GUINT_TO_POINTER (ON_THE_RECEIVING_THREAD), test_no_room);
  g_test_add_data_func ("/invocation/loses-no-answer-for-want-of-room/on-a-context", GUINT_TO_POINTER (ON_A_CONTEXT),
                        test_no_room);
  g_test_add_func ("/invocation/keeps-bytes-until-there-is-room", test_no_room_bytes);
  g_test_add_func ("/invocation/lends-its-bytes-as-long-as-it-is-held", test_bytes);
  g_test_add_func ("/invocation/has-no-bytes-of-another-value", test_no_bytes);
  g_test_add_func ("/invocation/loses-no-refusal-for-want-of-room", test_no_room_dropped);
  g_test_add_func ("/invocation/gives-up-its-answer-when-the-transport-closes", test_no_room_closed);

  return g_test_run ();
}
