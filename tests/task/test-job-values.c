/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: job/ferry-job.c
 *
 * What a job gives on its way: reports, yielded values, messages. Served by a thread of the test. */

#include "config.h"

#include "task/serve-test.h"

#include <math.h>

static gint n_counted;

/* ---- progress ---- */

static GVariant *
report_halves (FerryJob *job, GVariant *arguments, GError **error)
{
  for (guint i = 0; i < 100; i++)
    g_assert_true (ferry_job_report (job, 0.5, "half", error));
  ferry_job_report (job, 0.25, "back", error);
  ferry_job_report (job, -1, "who knows", error);
  ferry_job_report (job, 7, "beyond", error);
  return NULL;
}

static GVariant *
report_amounts (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_report_amount (job, 1, 4, "files", "one", error);
  ferry_job_report_amount (job, 5, 0, "files", NULL, error);
  ferry_job_report_amount (job, 5, 4, NULL, NULL, error);
  return NULL;
}

static GVariant *
report_parts (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_begin_part (job, 0.5);
  ferry_job_report_amount (job, 1, 2, "bytes", "first", error);
  ferry_job_end_part (job);
  ferry_job_begin_part (job, 0.5);
  ferry_job_begin_part (job, 0.5);
  ferry_job_report (job, -1, "second", error);
  ferry_job_end_part (job);
  ferry_job_end_part (job);
  return NULL;
}

static GVariant *
take_back (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_report (job, 0.5, "half", error);
  ferry_job_report (job, -INFINITY, "more follows", error);
  ferry_job_report (job, 0.75, "three quarters", error);
  ferry_job_report (job, -1, "who knows", error);
  ferry_job_report_amount (job, 3, 4, "files", "three", error);
  ferry_job_begin_part (job, 0.5);
  ferry_job_report (job, 1, "part", error);
  ferry_job_end_part (job);
  return NULL;
}

/* Of four equal parts, the first. */
static GVariant *
take_back_part (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_begin_part (job, 0.25);
  ferry_job_report (job, 0.5, "half", error);
  ferry_job_report (job, -INFINITY, "more follows", error);
  ferry_job_report (job, 1, "all of it", error);
  ferry_job_end_part (job);
  ferry_job_report (job, 0.5, "two", error);
  return NULL;
}

static GVariant *
go_in_steps (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_set_n_steps (job, 2);
  if (ferry_job_step (job, "first", error) && ferry_job_step (job, "second", error))
    ferry_job_step (job, "third", error);
  return NULL;
}

static GVariant *
step_without_number (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_job_step (job, "first", error);
  return NULL;
}

static gpointer
report_on_thread (gpointer data)
{
  for (guint i = 0; i < 100; i++)
    g_assert_true (ferry_job_report (data, 0.25, NULL, NULL));
  g_assert_false (ferry_job_is_cancelled (data));
  return NULL;
}

static GVariant *
report_on_threads (FerryJob *job, GVariant *arguments, GError **error)
{
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("test-function", report_on_thread, job);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  return NULL;
}

static void
assert_report (ServeTest *test, guint n, double fraction, const char *text)
{
  const FerryProgress *report = serve_test_wait_reports (test, n);

  g_assert_cmpfloat_with_epsilon (report->fraction, fraction, 1e-9);
  g_assert_cmpstr (report->text, ==, text);
}

static void
assert_amount (ServeTest *test, guint n, guint64 amount, guint64 total, const char *unit)
{
  const FerryProgress *report = serve_test_wait_reports (test, n);

  g_assert_cmpuint (report->amount, ==, amount);
  g_assert_cmpuint (report->total, ==, total);
  g_assert_cmpstr (report->unit, ==, unit);
}

static void
test_reports_arrive_and_never_go_back (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = serve_test_ask (test, "report", NULL);

  serve_test_assert_result (call, NULL);
  /* A hundred that are the same are one. */
  assert_report (test, 1, 0.5, "half");
  assert_report (test, 2, 0.5, "back");
  assert_report (test, 3, -1, "who knows");
  assert_report (test, 4, 1, "beyond");
  serve_test_finish (test);
  g_assert_cmpuint (test->reports->len, ==, 4);
  g_assert_cmpuint (g_array_index (test->reports, FerryProgress, 0).xid, ==, call->xid);
}

/* Each later report says it, as the application may read only that one. */
static void
test_fraction_is_taken_back_for_good (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();

  serve_test_assert_call (test, "take-back", NULL, NULL);
  assert_report (test, 1, 0.5, "half");
  serve_test_finish (test);
  g_assert_cmpuint (test->reports->len, ==, 6);
  for (guint i = 1; i < test->reports->len; i++)
    g_assert_cmpfloat (g_array_index (test->reports, FerryProgress, i).fraction, ==, -INFINITY);
  assert_amount (test, 5, 3, 4, "files");
}

static void
test_small_part_is_taken_back_alone (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();

  serve_test_assert_call (test, "take-back-part", NULL, NULL);
  assert_report (test, 1, 0.125, "half");
  assert_report (test, 2, 0.125, "more follows");
  assert_report (test, 3, 0.125, "all of it");
  assert_report (test, 4, 0.25, "all of it");
  assert_report (test, 5, 0.5, "two");
}

static void
test_amounts_arrive (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();

  serve_test_assert_call (test, "report-amounts", NULL, NULL);
  assert_report (test, 1, 0.25, "one");
  assert_amount (test, 1, 1, 4, "files");
  assert_report (test, 2, -1, "");
  assert_amount (test, 2, 5, 0, "files");
  assert_report (test, 3, 1, "");
  assert_amount (test, 3, 4, 4, "");
}

static void
test_parts_count_as_much_as_they_weigh (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();

  serve_test_assert_call (test, "report-parts", NULL, NULL);
  assert_report (test, 1, 0.25, "first");
  assert_report (test, 2, 0.5, "first");
  assert_report (test, 3, 0.5, "second");
  assert_report (test, 4, 0.75, "second");
  assert_report (test, 5, 1, "second");
  serve_test_finish (test);
  g_assert_cmpuint (test->reports->len, ==, 5);
}

static void
test_steps_are_counted (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = serve_test_ask_fully (test, FERRY_TASK_KIND_STEPS, "steps", NULL, 0, 0);

  serve_test_assert_result (call, NULL);
  assert_report (test, 1, 0.5, "first");
  assert_amount (test, 1, 1, 2, "steps");
  assert_report (test, 2, 1, "second");
  assert_report (test, 3, 1, "third");
  assert_amount (test, 3, 2, 2, "steps");
}

static void
test_steps_belong_to_their_kind_and_number (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) other = serve_test_ask_fully (test, FERRY_TASK_KIND_PROGRESS, "steps", NULL, 0, 0);
  g_autoptr (ServeTestCall) no_number = serve_test_ask_fully (test, FERRY_TASK_KIND_STEPS, "step", NULL, 0, 0);

  serve_test_assert_failed (other, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  serve_test_assert_failed (no_number, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  serve_test_finish (test);
  g_assert_cmpuint (test->reports->len, ==, 0);
}

static void
test_threads_of_a_function_report (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();

  serve_test_assert_call (test, "report-on-threads", NULL, NULL);
  serve_test_finish (test);
  g_assert_cmpuint (test->reports->len, ==, 1);
}

/* ---- values on the way ---- */

static GVariant *
yield_numbers (FerryJob *job, GVariant *arguments, GError **error)
{
  guint32 n = g_variant_get_uint32 (arguments);

  for (guint32 i = 0; i < n; i++)
    if (!ferry_job_yield (job, g_variant_new_uint32 (i), error))
      return NULL;
  return NULL;
}

static GVariant *
yield_and_count (FerryJob *job, GVariant *arguments, GError **error)
{
  while (ferry_job_yield (job, g_variant_new_string ("more"), error))
    g_atomic_int_inc (&n_counted);
  return NULL;
}

static GVariant *
count (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int32 (g_atomic_int_add (&n_counted, 1) + 1);
}

static GVariant *
is_cancellable_cancelled (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_boolean (g_cancellable_is_cancelled (ferry_job_get_cancellable (job)));
}

typedef struct
{
  FerryJob *job;
  GError *error;
} OnThread;

static gpointer
yield_one (gpointer data)
{
  OnThread *run = data;

  g_assert_false (ferry_job_yield (run->job, g_variant_new_string ("orphan"), &run->error));
  return NULL;
}

static GVariant *
yield_on_thread (FerryJob *job, GVariant *arguments, GError **error)
{
  OnThread run = {.job = job};

  g_thread_join (g_thread_new ("test-function", yield_one, &run));
  g_propagate_error (error, run.error);
  return NULL;
}

static GVariant *
send_values (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autofree char *long_name = g_strnfill (256, 'n');
  g_autoptr (GError) refusal = NULL;

  g_assert_true (ferry_job_send (job, "colour", g_variant_new_string ("red"), error));
  g_assert_true (ferry_job_send (job, "size", g_variant_new_int32 (3), error));
  g_assert_false (ferry_job_send (job, "\001", g_variant_new_int32 (3), &refusal));
  g_assert_error (refusal, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  ferry_job_send (job, long_name, g_variant_new_int32 (3), error);
  return NULL;
}

static ServeTestCall *
ask_stream (ServeTest *test, const char *function, GVariant *arguments, guint16 window)
{
  return serve_test_ask_fully (test, FERRY_TASK_KIND_ITERATION, function, arguments, window, 0);
}

typedef struct
{
  ServeTestCall *call;
  guint n_items;
} ItemCount;

static gboolean
has_items (gpointer data)
{
  ItemCount *items = data;

  return items->call->n_items >= items->n_items;
}

static void
wait_items (ServeTestCall *call, guint n_items)
{
  ItemCount items = {call, n_items};

  ferry_test_run_until (has_items, &items);
}

static void
test_yielded_values_arrive_as_the_window_opens (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = ask_stream (test, "yield", g_variant_new_uint32 (5), 2);
  g_autoptr (GError) error = NULL;

  wait_items (call, 2);
  ferry_transport_add_window (test->transport, call->xid, 1, &error);
  wait_items (call, 3);
  g_assert_false (call->done);
  ferry_transport_add_window (test->transport, call->xid, 100, &error);
  g_assert_no_error (error);
  serve_test_assert_result (call, NULL);
  g_assert_cmpstr (call->items->str, ==, ":0 :1 :2 :3 :4");
}

static void
test_cancel_ends_the_waiting_for_window (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (ServeTestCall) call = NULL;

      g_atomic_int_set (&n_counted, 0);
      call = ask_stream (test, "yield-and-count", NULL, 3);
      wait_items (call, 3);
      serve_test_cancel (call, FERRY_CANCEL_REASON_CANCELLED);
      serve_test_assert_failed (call, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (g_atomic_int_get (&n_counted), ==, 3);
      /* From the second round on there is a second thread, which may be quicker. */
      if (i == 10)
        serve_test_assert_call (test, "is-cancelled", NULL, "false");
    }
}

static void
test_what_is_asked_meanwhile_is_served_then (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) first = ask_stream (test, "yield", g_variant_new_uint32 (2), 1);
  g_autoptr (ServeTestCall) second = NULL;
  g_autoptr (ServeTestCall) third = NULL;
  g_autoptr (GError) error = NULL;

  wait_items (first, 1);
  g_atomic_int_set (&n_counted, 0);
  second = serve_test_ask (test, "count", NULL);
  third = serve_test_ask (test, "count", NULL);
  ferry_transport_add_window (test->transport, first->xid, 1, &error);
  g_assert_no_error (error);
  serve_test_assert_result (second, "1");
  g_assert_true (first->done);
  serve_test_assert_result (third, "2");
}

static void
test_window_comes_also_after_the_finish (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = ask_stream (test, "yield", g_variant_new_uint32 (3), 1);
  g_autoptr (GError) error = NULL;

  wait_items (call, 1);
  ferry_link_send_finish (test->link);
  ferry_transport_add_window (test->transport, call->xid, 2, &error);
  g_assert_no_error (error);
  serve_test_assert_result (call, NULL);
  serve_test_finish (test);
  g_assert_true (test->served);
}

static void
test_end_of_the_link_ends_the_waiting_for_window (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = ask_stream (test, "yield-and-count", NULL, 1);

  wait_items (call, 1);
  serve_test_stop_router (test);
  g_assert_error (test->failure, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static void
test_yielding_belongs_to_iterations_and_their_thread (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) other = serve_test_ask (test, "yield", g_variant_new_uint32 (1));
  g_autoptr (ServeTestCall) orphan = ask_stream (test, "yield-on-thread", NULL, 1);

  serve_test_assert_failed (other, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  serve_test_assert_failed (orphan, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_assert_cmpuint (other->n_items + orphan->n_items, ==, 0);
}

static void
test_sent_values_arrive_with_their_names (void)
{
  g_autoptr (ServeTest) test = serve_test_new_thread ();
  g_autoptr (ServeTestCall) call = serve_test_ask (test, "send", NULL);

  serve_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_cmpstr (call->items->str, ==, "colour:'red' size:3");
}

static const struct
{
  const char *name;
  const char *arguments_type;
  const char *result_type;
  FerryFunction function;
} functions[] = {
  {"is-cancelled", NULL, "b", is_cancellable_cancelled},
  {"report", NULL, "", report_halves},
  {"report-amounts", NULL, "", report_amounts},
  {"report-parts", NULL, "", report_parts},
  {"report-on-threads", NULL, "", report_on_threads},
  {"take-back", NULL, "", take_back},
  {"take-back-part", NULL, "", take_back_part},
  {"steps", NULL, "", go_in_steps},
  {"step", NULL, "", step_without_number},
  {"yield", "u", "", yield_numbers},
  {"yield-and-count", NULL, "", yield_and_count},
  {"yield-on-thread", NULL, "", yield_on_thread},
  {"count", NULL, "i", count},
  {"send", NULL, "", send_values},
};

static const struct
{
  const char *path;
  GTestFunc func;
} facts[] = {
  {"/job-values/reports-arrive-and-never-go-back", test_reports_arrive_and_never_go_back},
  {"/job-values/fraction-is-taken-back-for-good", test_fraction_is_taken_back_for_good},
  {"/job-values/small-part-is-taken-back-alone", test_small_part_is_taken_back_alone},
  {"/job-values/amounts-arrive", test_amounts_arrive},
  {"/job-values/parts-count-as-much-as-they-weigh", test_parts_count_as_much_as_they_weigh},
  {"/job-values/steps-are-counted", test_steps_are_counted},
  {"/job-values/steps-belong-to-their-kind-and-number", test_steps_belong_to_their_kind_and_number},
  {"/job-values/threads-of-a-function-report", test_threads_of_a_function_report},
  {"/job-values/yielded-values-arrive-as-the-window-opens", test_yielded_values_arrive_as_the_window_opens},
  {"/job-values/cancel-ends-the-waiting-for-window", test_cancel_ends_the_waiting_for_window},
  {"/job-values/what-is-asked-meanwhile-is-served-then", test_what_is_asked_meanwhile_is_served_then},
  {"/job-values/window-comes-also-after-the-finish", test_window_comes_also_after_the_finish},
  {"/job-values/end-of-the-link-ends-the-waiting-for-window", test_end_of_the_link_ends_the_waiting_for_window},
  {"/job-values/yielding-belongs-to-iterations-and-their-thread", test_yielding_belongs_to_iterations_and_their_thread},
  {"/job-values/sent-values-arrive-with-their-names", test_sent_values_arrive_with_their_names},
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
