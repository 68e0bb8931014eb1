/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: job/ferry-serve.c
 *
 * Calls, from a request to its answer, served by a thread of the test. */

#include "config.h"

#include "task/serve-test.h"

#include <string.h>

#include "job/ferry-function-private.h"
#include "route/ferry-pipe-private.h"

/* A door that the function "wait" stands at, so that a test knows what runs and what is queued. */
static gint at_door;
static gint door_open;
static gint n_runs;

static GVariant *
wait_at_door (FerryJob *job, GVariant *arguments, GError **error)
{
  g_atomic_int_set (&at_door, TRUE);
  while (!g_atomic_int_get (&door_open))
    g_thread_yield ();
  return NULL;
}

static GVariant *
count_run (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int32 (g_atomic_int_add (&n_runs, 1) + 1);
}

static GVariant *
echo (FerryJob *job, GVariant *arguments, GError **error)
{
  return arguments != NULL ? g_variant_ref (arguments) : NULL;
}

static GVariant *
give_bytes (FerryJob *job, GVariant *arguments, GError **error)
{
  gsize size = g_variant_get_uint64 (arguments);
  g_autofree guint8 *zeroes = g_malloc0 (size);

  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, zeroes, size, 1);
}

static GVariant *
fail (FerryJob *job, GVariant *arguments, GError **error)
{
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_NOENT, g_variant_get_string (arguments, NULL));
  return NULL;
}

static GVariant *
fail_at_length (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *text = g_variant_get_string (arguments, NULL);

  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "%s%s", text, text);
  return NULL;
}

static GVariant *
give_nothing (FerryJob *job, GVariant *arguments, GError **error)
{
  return NULL;
}

static GVariant *
give_number (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int32 (7);
}

static GVariant *
spin (FerryJob *job, GVariant *arguments, GError **error)
{
  g_atomic_int_set (&at_door, TRUE);
  while (!ferry_job_is_cancelled (job))
    ;
  ferry_job_check (job, error);
  return NULL;
}

/* A call that runs until open_door(). */
static ServeTestCall *
close_door (ServeTest *test)
{
  ServeTestCall *call;

  g_atomic_int_set (&at_door, FALSE);
  g_atomic_int_set (&door_open, FALSE);
  g_atomic_int_set (&n_runs, 0);
  call = serve_test_ask (test, "wait", NULL);
  while (!g_atomic_int_get (&at_door))
    g_thread_yield ();
  return call;
}

static void
open_door (void)
{
  g_atomic_int_set (&door_open, TRUE);
}

static void
test_results_come_back (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();

  serve_test_assert_call (test, "echo", g_variant_new ("(si)", "text", -5), "('text', -5)");
  serve_test_assert_call (test, "nothing", NULL, NULL);
  serve_test_assert_call (test, "number", NULL, "7");
}

static void
test_calls_are_served_in_order (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (GPtrArray) calls = g_ptr_array_new_with_free_func ((GDestroyNotify) serve_test_call_free);

  g_atomic_int_set (&n_runs, 0);
  for (guint i = 0; i < 1000; i++)
    g_ptr_array_add (calls, serve_test_ask (test, "count", NULL));
  for (guint i = 0; i < calls->len; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i + 1);

      serve_test_assert_result (g_ptr_array_index (calls, i), text);
    }
}

static void
test_unknown_function_fails (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = serve_test_ask (test, "no such thing", NULL);

  serve_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
  g_assert_nonnull (strstr (call->error->message, "no such thing"));
}

static void
test_wrong_arguments_fail (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) wrong = serve_test_ask (test, "bytes", g_variant_new_string ("12"));
  g_autoptr (ServeTestCall) none = serve_test_ask (test, "bytes", NULL);

  serve_test_assert_failed (wrong, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  serve_test_assert_failed (none, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
test_wrong_results_fail (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  const char *const functions[] = {"wrong-result", "missing-result", "unwanted-result"};

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      g_autoptr (ServeTestCall) call = serve_test_ask (test, functions[i], NULL);

      serve_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_BAD_RESULT);
      g_assert_nonnull (strstr (call->error->message, functions[i]));
    }
}

static void
test_errors_come_with_their_place (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = serve_test_ask (test, "fail", g_variant_new_string ("No such thing"));

  serve_test_assert_failed (call, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_cmpstr (call->error->message, ==, "No such thing");
  g_assert_nonnull (strstr (call->trace, "'fail'"));
}

static void
test_result_that_is_too_large_fails (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) fits = serve_test_ask (test, "bytes", g_variant_new_uint64 (39000));
  g_autoptr (ServeTestCall) too_large = serve_test_ask (test, "bytes", g_variant_new_uint64 (41000));

  serve_test_wait (fits);
  g_assert_no_error (fits->error);
  g_assert_cmpuint (g_variant_get_size (fits->result), ==, 39000);
  serve_test_assert_failed (too_large, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_assert_nonnull (strstr (too_large->error->message, "bytes"));
  serve_test_assert_call (test, "number", NULL, "7");
}

static void
test_error_that_is_too_large_is_shortened (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  /* Half of the message, since the arguments have to fit themselves. */
  g_autofree char *half = g_strnfill (30000, 'm');
  g_autoptr (ServeTestCall) call = serve_test_ask (test, "fail-at-length", g_variant_new_string (half));

  serve_test_assert_failed (call, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_cmpuint (strlen (call->error->message), <, 2000);
  g_assert_cmpuint (strlen (call->error->message), >, 1000);
  g_assert_nonnull (strstr (call->trace, "too large"));
}

static void
test_cancelled_before_it_is_begun_is_not_run (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) first = close_door (test);
  g_autoptr (ServeTestCall) second = serve_test_ask (test, "count", NULL);
  g_autoptr (ServeTestCall) third = serve_test_ask (test, "count", NULL);

  serve_test_cancel (second, FERRY_CANCEL_REASON_CANCELLED);
  serve_test_cancel (third, FERRY_CANCEL_REASON_DEADLINE);
  open_door ();
  serve_test_assert_result (first, NULL);
  serve_test_assert_failed (second, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  serve_test_assert_failed (third, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpint (g_atomic_int_get (&n_runs), ==, 0);
}

/* The other end judges its deadline, and cancels: both ends may have been stopped meanwhile. */
static void
test_call_whose_time_is_over_is_run_unless_it_is_cancelled (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = NULL;

  g_atomic_int_set (&n_runs, 0);
  call = serve_test_ask_fully (test, FERRY_TASK_KIND_CALL, "count", NULL, 0, g_get_monotonic_time ());
  serve_test_assert_result (call, "1");
  g_assert_cmpint (g_atomic_int_get (&n_runs), ==, 1);
}

static void
test_calls_taken_back_are_passed_over (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) first = close_door (test);
  g_autoptr (ServeTestCall) second = serve_test_ask (test, "count", NULL);
  g_autoptr (ServeTestCall) third = serve_test_ask (test, "count", NULL);
  g_autoptr (ServeTestCall) fourth = NULL;
  guint64 begun;

  g_assert_true (ferry_link_hold_calls (test->link, &begun));
  g_assert_cmpuint (begun, ==, first->xid);
  ferry_link_release_calls (test->link, third->xid);
  fourth = serve_test_ask (test, "count", NULL);
  open_door ();
  serve_test_assert_result (fourth, "1");
  g_assert_false (second->done);
  g_assert_false (third->done);
  g_assert_cmpint (g_atomic_int_get (&n_runs), ==, 1);
}

static void
test_doomed_worker_begins_nothing (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) first = close_door (test);
  g_autoptr (ServeTestCall) second = serve_test_ask (test, "count", NULL);

  g_assert_true (ferry_link_doom_call (test->link, first->xid));
  open_door ();
  serve_test_assert_result (first, NULL);
  serve_test_finish (test);
  g_assert_false (test->served);
  g_assert_error (test->failure, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_assert_false (second->done);
  g_assert_cmpint (g_atomic_int_get (&n_runs), ==, 0);
}

static void
test_finish_runs_what_was_asked (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) first = close_door (test);
  g_autoptr (ServeTestCall) second = serve_test_ask (test, "count", NULL);

  ferry_link_send_finish (test->link);
  open_door ();
  serve_test_finish (test);
  g_assert_true (test->served);
  g_assert_no_error (test->failure);
  serve_test_assert_result (second, "1");
  g_assert_true (first->done);
}

static void
test_end_of_the_link_cancels_what_runs (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = NULL;

  g_atomic_int_set (&at_door, FALSE);
  call = serve_test_ask (test, "spin", NULL);
  while (!g_atomic_int_get (&at_door))
    g_thread_yield ();
  serve_test_stop_router (test);
  g_assert_false (test->served);
  g_assert_error (test->failure, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static void
test_malformed_message_ends_it (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  const FerryPart part = {"nonsense", 8};

  ferry_link_send (test->link, ferry_receiver_get_connection_id (test->calls), &part, 1);
  serve_test_finish (test);
  g_assert_false (test->served);
  g_assert_error (test->failure, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
}

static void
test_message_for_the_other_pipe_is_passed_over (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  const FerryPart part = {"nonsense", 8};

  ferry_link_send (test->link, ferry_receiver_get_connection_id (test->progress), &part, 1);
  serve_test_assert_call (test, "number", NULL, "7");
}

static void
register_functions (void)
{
  ferry_function_register ("wait", NULL, "", wait_at_door);
  ferry_function_register ("count", NULL, "i", count_run);
  ferry_function_register ("echo", NULL, NULL, echo);
  ferry_function_register ("bytes", "t", "ay", give_bytes);
  ferry_function_register ("fail", "s", "", fail);
  ferry_function_register ("fail-at-length", "s", "", fail_at_length);
  ferry_function_register ("nothing", NULL, "", give_nothing);
  ferry_function_register ("number", NULL, "i", give_number);
  ferry_function_register ("wrong-result", NULL, "s", give_number);
  ferry_function_register ("missing-result", NULL, "s", give_nothing);
  ferry_function_register ("unwanted-result", NULL, "", give_number);
  ferry_function_register ("spin", NULL, "", spin);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  register_functions ();
  g_test_add_func ("/serve/results-come-back", test_results_come_back);
  g_test_add_func ("/serve/calls-are-served-in-order", test_calls_are_served_in_order);
  g_test_add_func ("/serve/unknown-function-fails", test_unknown_function_fails);
  g_test_add_func ("/serve/wrong-arguments-fail", test_wrong_arguments_fail);
  g_test_add_func ("/serve/wrong-results-fail", test_wrong_results_fail);
  g_test_add_func ("/serve/errors-come-with-their-place", test_errors_come_with_their_place);
  g_test_add_func ("/serve/result-that-is-too-large-fails", test_result_that_is_too_large_fails);
  g_test_add_func ("/serve/error-that-is-too-large-is-shortened", test_error_that_is_too_large_is_shortened);
  g_test_add_func ("/serve/cancelled-before-it-is-begun-is-not-run", test_cancelled_before_it_is_begun_is_not_run);
  g_test_add_func ("/serve/call-whose-time-is-over-is-run-unless-it-is-cancelled",
                   test_call_whose_time_is_over_is_run_unless_it_is_cancelled);
  g_test_add_func ("/serve/calls-taken-back-are-passed-over", test_calls_taken_back_are_passed_over);
  g_test_add_func ("/serve/doomed-worker-begins-nothing", test_doomed_worker_begins_nothing);
  g_test_add_func ("/serve/finish-runs-what-was-asked", test_finish_runs_what_was_asked);
  g_test_add_func ("/serve/end-of-the-link-cancels-what-runs", test_end_of_the_link_cancels_what_runs);
  g_test_add_func ("/serve/malformed-message-ends-it", test_malformed_message_ends_it);
  g_test_add_func ("/serve/message-for-the-other-pipe-is-passed-over", test_message_for_the_other_pipe_is_passed_over);
  return g_test_run ();
}
