/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: job/ferry-job.c
 *
 * What a function does with its job, served by a thread of the test. */

#include "config.h"

#include "task/serve-test.h"

#include <string.h>

#include "base/ferry-base-private.h"

static gint is_running;
static gint n_counted;
static FerryJob *kept_job;

static void
wait_running (void)
{
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  while (!g_atomic_int_get (&is_running))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
  g_atomic_int_set (&is_running, FALSE);
}

/* Asks, and waits until the function says that it runs. */
static ServeTestCall *
ask_running (ServeTest *test, const char *function)
{
  ServeTestCall *call;

  g_atomic_int_set (&is_running, FALSE);
  call = serve_test_ask (test, function, NULL);
  wait_running ();
  return call;
}

/* ---- cancelling ---- */

static GVariant *
spin (FerryJob *job, GVariant *arguments, GError **error)
{
  g_atomic_int_set (&is_running, TRUE);
  while (!ferry_job_is_cancelled (job))
    ;
  g_assert_true (ferry_job_is_cancelled (job));
  ferry_job_check (job, error);
  return NULL;
}

static GVariant *
report_and_spin (FerryJob *job, GVariant *arguments, GError **error)
{
  g_atomic_int_set (&is_running, TRUE);
  while (ferry_job_report (job, 0.5, NULL, error))
    ;
  return NULL;
}

static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;

static void
wake (GCancellable *cancellable, gpointer data)
{
  gboolean *is_woken = data;

  pthread_mutex_lock (&sleep_lock);
  *is_woken = TRUE;
  pthread_cond_signal (&woken);
  pthread_mutex_unlock (&sleep_lock);
}

static void
sleep_on (GCancellable *cancellable)
{
  gboolean is_woken;
  gulong handler;

  /* With the lock that wake() takes, as ThreadSanitizer does not see those of GLib. */
  pthread_mutex_lock (&sleep_lock);
  is_woken = FALSE;
  pthread_mutex_unlock (&sleep_lock);
  handler = g_cancellable_connect (cancellable, G_CALLBACK (wake), &is_woken, NULL);
  g_atomic_int_set (&is_running, TRUE);
  pthread_mutex_lock (&sleep_lock);
  while (!is_woken)
    pthread_cond_wait (&woken, &sleep_lock);
  pthread_mutex_unlock (&sleep_lock);
  g_cancellable_disconnect (cancellable, handler);
  g_assert_true (g_cancellable_is_cancelled (cancellable));
}

static GVariant *
sleep_until_cancelled (FerryJob *job, GVariant *arguments, GError **error)
{
  sleep_on (ferry_job_get_cancellable (job));
  ferry_job_check (job, error);
  return NULL;
}

static GVariant *
is_cancellable_cancelled (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_boolean (g_cancellable_is_cancelled (ferry_job_get_cancellable (job)));
}

static void
test_functions_see_that_they_are_cancelled (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  const char *const functions[] = {"spin", "report-and-spin", "sleep", "spin", "sleep"};

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      g_autoptr (ServeTestCall) cancelled = ask_running (test, functions[i]);
      g_autoptr (ServeTestCall) late = NULL;

      serve_test_cancel (cancelled, FERRY_CANCEL_REASON_CANCELLED);
      serve_test_assert_failed (cancelled, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      late = ask_running (test, functions[i]);
      serve_test_cancel (late, FERRY_CANCEL_REASON_DEADLINE);
      serve_test_assert_failed (late, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
    }
}

static void
test_each_job_has_its_own_cancellable (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = ask_running (test, "sleep");

  serve_test_cancel (call, FERRY_CANCEL_REASON_CANCELLED);
  serve_test_assert_failed (call, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  serve_test_assert_call (test, "is-cancelled", NULL, "false");
}

static void
test_cancels_of_others_are_kept_for_them (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) first = ask_running (test, "sleep");
  g_autoptr (ServeTestCall) second = serve_test_ask (test, "count", NULL);
  g_autoptr (ServeTestCall) third = serve_test_ask (test, "is-cancelled", NULL);

  /* The function sleeps, so it is the second thread that takes all of them. */
  serve_test_cancel (second, FERRY_CANCEL_REASON_CANCELLED);
  serve_test_cancel (first, FERRY_CANCEL_REASON_CANCELLED);
  serve_test_assert_failed (first, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  serve_test_assert_failed (second, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  serve_test_assert_result (third, "false");
}

/* Whatever a cancel meets: the request in the lane, in the worker's queue, being begun, or running. */
static void
cancel_many (ServeTest *test, const char *function)
{
  for (guint i = 0; i < 1000; i++)
    {
      g_autoptr (ServeTestCall) call = serve_test_ask (test, function, NULL);

      for (gint n = g_test_rand_int_range (0, 2000); n > 0; n--)
        g_atomic_int_get (&is_running);
      serve_test_cancel (call, FERRY_CANCEL_REASON_CANCELLED);
      serve_test_assert_failed (call, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
}

static void
test_no_cancel_is_lost (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();

  cancel_many (test, "spin");
  /* From the first one on there is a second thread, which takes cancels as well. */
  cancel_many (test, "sleep");
  cancel_many (test, "spin");
}

static void
test_deadline_cancels_the_cancellable (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) without = ask_running (test, "sleep");
  g_autoptr (ServeTestCall) with =
    serve_test_ask_fully (test, FERRY_TASK_KIND_CALL, "sleep", NULL, 0, g_get_monotonic_time () + 200000);

  serve_test_cancel (without, FERRY_CANCEL_REASON_CANCELLED);
  serve_test_assert_failed (without, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* Only the worker looks at the clock here. */
  serve_test_assert_failed (with, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
}

static void
test_end_of_the_link_cancels_the_cancellable (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = ask_running (test, "sleep");

  serve_test_stop_router (test);
  g_assert_error (test->failure, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static GVariant *
count (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int32 (g_atomic_int_add (&n_counted, 1) + 1);
}

/* ---- the end ---- */

static GVariant *
keep (FerryJob *job, GVariant *arguments, GError **error)
{
  g_set_object (&kept_job, job);
  return NULL;
}

static GVariant *
use_kept (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_report (kept_job, 0.5, NULL, error);
  return NULL;
}

static gpointer
use_until_stopped (gpointer data)
{
  FerryJob *job = data;
  g_autoptr (GError) error = NULL;

  g_atomic_int_set (&is_running, TRUE);
  for (guint i = 0; error == NULL; i++)
    {
      if (i % 3 == 0)
        ferry_job_report_amount (job, i, 0, NULL, NULL, &error);
      else if (i % 3 == 1)
        ferry_job_send (job, "orphan", g_variant_new_uint32 (i), &error);
      else
        ferry_job_check (job, &error);
    }
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STOPPED);
  ferry_hand_over (job);
  g_object_unref (job);
  return NULL;
}

static GThread *left_thread;

static GVariant *
leave_thread (FerryJob *job, GVariant *arguments, GError **error)
{
  left_thread = g_thread_new ("test-left", use_until_stopped, g_object_ref (job));
  while (!g_atomic_int_get (&is_running))
    g_thread_yield ();
  return NULL;
}

static void
assert_stopped (FerryJob *job)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_job_is_cancelled (job));
  g_assert_false (ferry_job_check (job, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STOPPED);
  g_clear_error (&error);
  g_assert_false (ferry_job_send (job, "late", g_variant_new_int32 (1), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STOPPED);
  g_clear_error (&error);
  g_assert_false (ferry_job_report (job, 1, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STOPPED);
  ferry_job_begin_part (job, 0.5);
  ferry_job_end_part (job);
  ferry_job_set_n_steps (job, 2);
  g_assert_true (g_cancellable_is_cancelled (ferry_job_get_cancellable (job)));
  g_assert_cmpstr (ferry_test_get_string (job, "function"), ==, "keep");
}

static void
test_job_is_over_when_its_function_returned (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = NULL;

  serve_test_assert_call (test, "keep", NULL, NULL);
  assert_stopped (kept_job);
  call = serve_test_ask (test, "use-kept", NULL);
  serve_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_STOPPED);
  serve_test_finish (test);
  assert_stopped (kept_job);
  g_clear_object (&kept_job);
}

static void
test_threads_left_behind_find_the_job_over (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();

  for (guint i = 0; i < 20; i++)
    {
      g_atomic_int_set (&is_running, FALSE);
      serve_test_assert_call (test, "leave-thread", NULL, NULL);
      g_thread_join (left_thread);
    }
}

static GVariant *
fail_with_trace (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GError) other = NULL;

  ferry_job_set_error (job, &other, G_FILE_ERROR, G_FILE_ERROR_IO, "another");
  ferry_job_set_error (job, NULL, G_FILE_ERROR, G_FILE_ERROR_IO, "nobody's");
  ferry_job_set_error (job, error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "number %d", 12);
  for (guint i = 0; i < 5; i++)
    {
      g_clear_error (&other);
      ferry_job_set_error (job, &other, G_FILE_ERROR, G_FILE_ERROR_IO, "yet another");
    }
  return NULL;
}

static void
test_error_that_the_job_set_has_a_backtrace (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = serve_test_ask (test, "fail-with-trace", NULL);

  serve_test_assert_failed (call, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_cmpstr (call->error->message, ==, "number 12");
  g_assert_nonnull (strstr (call->trace, "'fail-with-trace'"));
  g_assert_nonnull (strstr (call->trace, "\n    "));
}

/* What it returns is dropped, and only its first error counts. */
static GVariant *
fail_and_return (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GError) failure = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_NOENT, "the first");
  g_autoptr (GError) other = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_IO, "the second");

  ferry_job_fail (job, failure, "in line 12\n");
  ferry_job_fail (job, other, "in line 13\n");
  return g_variant_new_uint32 (12);
}

static GVariant *
fail_without_trace (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GError) failure = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_NOENT, "here");

  ferry_job_fail (job, failure, NULL);
  return NULL;
}

static GVariant *
fail_twice (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GError) failure = g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_IO, "the job's");

  ferry_job_fail (job, failure, "in line 12\n");
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "the function's");
  return NULL;
}

static void
test_job_fails_with_an_error_and_a_trace (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = serve_test_ask (test, "fail-and-return", NULL);
  g_autoptr (ServeTestCall) next = NULL;

  serve_test_assert_failed (call, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_cmpstr (call->error->message, ==, "the first");
  g_assert_null (call->result);
  g_assert_nonnull (strstr (call->trace, "'fail-and-return'"));
  g_assert_nonnull (strstr (call->trace, "in line 12\n"));
  g_assert_null (strstr (call->trace, "in line 13"));
  /* The next job has no error. */
  serve_test_assert_call (test, "deadline", NULL, "0");
  next = serve_test_ask (test, "fail-without-trace", NULL);
  serve_test_assert_failed (next, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_nonnull (strstr (next->trace, "'fail-without-trace'"));
  g_assert_nonnull (strstr (next->trace, "\n    "));
}

static void
test_error_of_the_function_goes_before_that_of_the_job (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = serve_test_ask (test, "fail-twice", NULL);

  serve_test_assert_failed (call, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_cmpstr (call->error->message, ==, "the function's");
  g_assert_null (strstr (call->trace, "in line 12"));
}

static GVariant *
give_deadline (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int64 (ferry_test_get_number (job, "deadline"));
}

static void
test_functions_know_their_deadline (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  gint64 deadline = g_get_monotonic_time () + 3600 * (gint64) G_USEC_PER_SEC;
  g_autoptr (ServeTestCall) call = serve_test_ask_fully (test, FERRY_TASK_KIND_CALL, "deadline", NULL, 0, deadline);
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, deadline);

  serve_test_assert_result (call, text);
  serve_test_assert_call (test, "deadline", NULL, "0");
}

static const struct
{
  const char *name;
  const char *arguments_type;
  const char *result_type;
  FerryFunction function;
} functions[] = {
  {"spin", NULL, "", spin},
  {"report-and-spin", NULL, "", report_and_spin},
  {"sleep", NULL, "", sleep_until_cancelled},
  {"is-cancelled", NULL, "b", is_cancellable_cancelled},
  {"count", NULL, "i", count},
  {"keep", NULL, "", keep},
  {"use-kept", NULL, "", use_kept},
  {"leave-thread", NULL, "", leave_thread},
  {"fail-with-trace", NULL, "", fail_with_trace},
  {"fail-and-return", NULL, "u", fail_and_return},
  {"fail-without-trace", NULL, "", fail_without_trace},
  {"fail-twice", NULL, "", fail_twice},
  {"deadline", NULL, "x", give_deadline},
};

static const struct
{
  const char *path;
  GTestFunc func;
} facts[] = {
  {"/job/functions-see-that-they-are-cancelled", test_functions_see_that_they_are_cancelled},
  {"/job/each-job-has-its-own-cancellable", test_each_job_has_its_own_cancellable},
  {"/job/cancels-of-others-are-kept-for-them", test_cancels_of_others_are_kept_for_them},
  {"/job/no-cancel-is-lost", test_no_cancel_is_lost},
  {"/job/deadline-cancels-the-cancellable", test_deadline_cancels_the_cancellable},
  {"/job/end-of-the-link-cancels-the-cancellable", test_end_of_the_link_cancels_the_cancellable},
  {"/job/is-over-when-its-function-returned", test_job_is_over_when_its_function_returned},
  {"/job/threads-left-behind-find-the-job-over", test_threads_left_behind_find_the_job_over},
  {"/job/error-that-the-job-set-has-a-backtrace", test_error_that_the_job_set_has_a_backtrace},
  {"/job/fails-with-an-error-and-a-trace", test_job_fails_with_an_error_and_a_trace},
  {"/job/error-of-the-function-goes-before-that-of-the-job", test_error_of_the_function_goes_before_that_of_the_job},
  {"/job/functions-know-their-deadline", test_functions_know_their_deadline},
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (functions); i++)
    ferry_function_register (functions[i].name, functions[i].arguments_type, functions[i].result_type,
                             functions[i].function);
  for (gsize i = 0; i < G_N_ELEMENTS (facts); i++)
    g_test_add_func (facts[i].path, facts[i].func);
  return g_test_run ();
}
