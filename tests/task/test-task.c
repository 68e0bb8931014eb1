/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-task.c, pool/ferry-run.c
 *
 * What a task says of itself while it is told what happens to it. */

#include "config.h"

#include <math.h>

#include "engine/ferry-exit-private.h"
#include "task/lone-task.h"

static void
test_new (void)
{
  g_autoptr (GVariant) arguments = g_variant_ref_sink (g_variant_new ("(uu)", 12, 30));
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_STEPS, "sum", arguments);

  g_assert_cmpint (ferry_test_get_number (task, "kind"), ==, FERRY_TASK_KIND_STEPS);
  g_assert_cmpstr (ferry_test_get_string (task, "function"), ==, "sum");
  g_assert_true (ferry_test_get_variant (task, "arguments") == arguments);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  g_assert_false (ferry_task_get_done (task));
  g_assert_true (ferry_test_get_number (task, "can-cancel"));
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 0);
  g_assert_true (ferry_test_get_number (task, "indeterminate"));
  g_assert_null (ferry_task_get_text (task));
  g_assert_null (ferry_test_get_string (task, "identifier"));
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 0);
  g_assert_cmpint (ferry_test_get_number (task, "submit-time"), ==, 0);
  g_assert_cmpint (ferry_task_get_run (task)->settings->run_timeout, ==, 0);
  g_assert_cmpint (ferry_task_get_run (task)->settings->queue_timeout, ==, 0);
  g_assert_cmpint (ferry_task_get_run (task)->settings->cancel_grace, ==, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (ferry_task_get_run (task)->settings->retries, ==, 0);
  g_assert_cmpuint (ferry_task_get_run (task)->settings->window, ==, 16);
  g_assert_false (ferry_test_get_number (task, "idempotent"));
  g_assert_null (ferry_test_get_string (task, "host-name"));
}

static void
test_construction (void)
{
  g_autoptr (GVariant) arguments = g_variant_ref_sink (g_variant_new_uint32 (5));
  g_autoptr (FerryTask) task =
    g_object_new (FERRY_TYPE_TASK, "function", "sum", "kind", FERRY_TASK_KIND_PROGRESS, "arguments", arguments, NULL);

  g_assert_cmpint (ferry_test_get_number (task, "kind"), ==, FERRY_TASK_KIND_PROGRESS);
  g_assert_cmpstr (ferry_test_get_string (task, "function"), ==, "sum");
  g_assert_true (g_variant_equal (ferry_test_get_variant (task, "arguments"), arguments));
}

static void
test_arguments (void)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "sum", g_variant_new_uint32 (1));
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);
  g_autoptr (GVariant) last = g_variant_ref_sink (g_variant_new_uint32 (3));

  ferry_task_set_arguments (task, g_variant_new_uint32 (2));
  task_test_assert_heard (ear, "arguments");
  g_assert_cmpuint (g_variant_get_uint32 (ferry_test_get_variant (task, "arguments")), ==, 2);
  ferry_task_set_arguments (task, NULL);
  g_assert_null (ferry_test_get_variant (task, "arguments"));
  g_object_set (task, "arguments", last, NULL);
  task_test_assert_heard (ear, "arguments arguments");
  g_assert_true (ferry_test_get_variant (task, "arguments") == last);
}

static void
test_settings (void)
{
  g_autoptr (FerryTask) task = task_test_new (NULL);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);

  ferry_task_set_run_timeout (task, 1);
  g_object_set (task, "queue-timeout", (gint64) 2, NULL);
  ferry_task_set_cancel_grace (task, 0);
  g_object_set (task, "retries", 4, NULL);
  g_object_set (task, "window", 5, NULL);
  g_assert_cmpint (ferry_task_get_run (task)->settings->run_timeout, ==, 1);
  g_assert_cmpint (ferry_task_get_run (task)->settings->queue_timeout, ==, 2);
  g_assert_cmpint (ferry_task_get_run (task)->settings->cancel_grace, ==, 0);
  g_assert_cmpuint (ferry_task_get_run (task)->settings->retries, ==, 4);
  g_assert_cmpuint (ferry_task_get_run (task)->settings->window, ==, 5);
  g_object_set (task, "priority", 6, NULL);
  g_object_set (task, "priority", 6, NULL);
  task_test_assert_heard (ear, "run-timeout queue-timeout cancel-grace retries window priority");
  g_assert_cmpint (ferry_test_get_number (task, "priority"), ==, 6);
  g_object_set (task, "idempotent", TRUE, NULL);
  g_object_set (task, "idempotent", TRUE, NULL);
  task_test_assert_heard (ear, "idempotent");
  g_assert_cmpint (ferry_test_get_number (task, "idempotent"), ==, TRUE);
}

/* What a setting was set to, the property has. */
static void
test_settings_are_read (void)
{
  g_autoptr (FerryTask) task = task_test_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  g_assert_cmpint (ferry_test_get_number (task, "cancel-grace"), ==, 2 * G_USEC_PER_SEC);
  g_assert_cmpint (ferry_test_get_number (task, "window"), ==, 16);
  g_assert_null (ferry_test_get_object (task, "cancellable"));
  g_object_set (task, "deadline", (gint64) 1, "queue-timeout", (gint64) 2, "retries", 3, "window", 4, "cancellable",
                cancellable, NULL);
  g_object_set (task, "run-timeout", (gint64) 5, "cancel-grace", (gint64) 6, NULL);
  g_assert_cmpint (ferry_test_get_number (task, "deadline"), ==, 1);
  g_assert_cmpint (ferry_test_get_number (task, "queue-timeout"), ==, 2);
  g_assert_cmpint (ferry_test_get_number (task, "retries"), ==, 3);
  g_assert_cmpint (ferry_test_get_number (task, "window"), ==, 4);
  g_assert_cmpint (ferry_test_get_number (task, "run-timeout"), ==, 5);
  g_assert_cmpint (ferry_test_get_number (task, "cancel-grace"), ==, 6);
  g_object_set (task, "description", "From here to there", NULL);
  g_assert_cmpstr (ferry_test_get_string (task, "description"), ==, "From here to there");
  g_assert_true (ferry_test_get_object (task, "cancellable") == cancellable);
}

static void
test_names (void)
{
  g_autoptr (FerryTask) one = task_test_new (NULL);
  g_autoptr (FerryTask) other = task_test_new (NULL);
  g_autofree char *name = g_strdup (ferry_task_get_name (one));

  g_assert_true (g_str_has_prefix (name, "sum "));
  g_assert_cmpstr (ferry_task_get_name (other), !=, name);
  g_object_set (one, "name", "Adding up", NULL);
  g_assert_cmpstr (ferry_task_get_name (one), ==, "Adding up");
  g_object_set (one, "name", NULL, NULL);
  g_assert_cmpstr (ferry_task_get_name (one), ==, name);
  g_assert_true (ferry_task_cancel (one));
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*FerryTask:name was set for a task of 'sum' that is done*");
  g_object_set (one, "name", "Too late", NULL);
  g_test_assert_expected_messages ();
  g_assert_cmpstr (ferry_task_get_name (one), ==, name);
}

static void
test_completes (void)
{
  TaskTestExecutor executor = {0};
  gint64 before = g_get_monotonic_time ();
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;

  g_assert_cmpint (ferry_test_get_number (task, "submit-time"), >=, before);
  g_assert_null (ferry_task_get_result (task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_DONE);
  g_clear_error (&error);

  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  task_test_assert_heard (ear, "n-attempts identifier start-time can-pause state");
  g_assert_cmpint (ferry_test_get_process (task), ==, 77);
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 1);
  g_assert_null (ferry_task_get_result (task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_DONE);
  g_clear_error (&error);

  g_assert_true (ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42)));
  task_test_assert_heard (ear, "fraction indeterminate result end-time state can-cancel is-done done!");
  result = ferry_task_get_result (task, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_get_uint32 (result), ==, 42);
  g_assert_true (ferry_task_get_done (task));
  g_assert_cmpint (ferry_test_get_number (task, "end-time"), >=, ferry_test_get_number (task, "start-time"));
  g_assert_cmpint (ferry_test_get_number (task, "start-time"), >=, ferry_test_get_number (task, "submit-time"));
}

static void
test_no_value (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
  g_assert_null (ferry_task_get_result (task, &error));
  g_assert_no_error (error);
}

static void
test_fails (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);
  g_autoptr (FerryExit) exit = ferry_exit_new (FERRY_CLOSE_REASON_KILLED, "killed");
  g_autoptr (GError) error = NULL;

  g_assert_true (
    ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_LOST, task_test_error ("no room"), "in sum", exit));
  task_test_assert_heard (ear, "indeterminate error trace exit end-time state can-cancel is-done done!");
  g_assert_null (ferry_task_get_result (task, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_assert_true (error != ferry_task_get_error (task));
  g_assert_error (ferry_task_get_error (task), G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_assert_cmpstr (ferry_test_get_string (task, "trace"), ==, "in sum");
  g_assert_true (ferry_task_get_exit (task) == exit);
  g_assert_null (ferry_test_get_error (task, "late-error"));
}

/* ---- progress ---- */

static void
test_progress (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);
  FerryProgress progress = task_test_progress (0.25, "a quarter");

  g_strlcpy (progress.unit, "files", sizeof progress.unit);
  progress.amount = 5;
  progress.total = 20;
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
  task_test_assert_heard (ear, "can-pause fraction indeterminate text amount total unit progress!");
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 0.25);
  g_assert_cmpstr (ferry_task_get_text (task), ==, "a quarter");
  g_assert_cmpuint (ferry_test_get_number (task, "amount"), ==, 5);
  g_assert_cmpuint (ferry_test_get_number (task, "total"), ==, 20);
  g_assert_cmpstr (ferry_test_get_string (task, "unit"), ==, "files");

  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
  task_test_assert_heard (ear, "progress!");
}

static void
test_text_stays (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  FerryProgress told = task_test_progress (0.25, "a quarter");
  FerryProgress silent = task_test_progress (0.5, NULL);

  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &told));
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &silent));
  g_assert_cmpstr (ferry_task_get_text (task), ==, "a quarter");
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 0.5);
}

static void
take_fraction (FerryTask *task, double fraction, guint64 amount, guint64 total, double wanted)
{
  FerryProgress progress = task_test_progress (fraction, NULL);

  progress.amount = amount;
  progress.total = total;
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, wanted);
}

static void
test_fraction_never_falls (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);

  take_fraction (task, -1, 0, 0, 0);
  g_assert_true (ferry_test_get_number (task, "indeterminate"));
  take_fraction (task, 0, 0, 0, 0);
  g_assert_false (ferry_test_get_number (task, "indeterminate"));
  take_fraction (task, 0.5, 0, 0, 0.5);
  take_fraction (task, 0.25, 0, 0, 0.5);
  take_fraction (task, -1, 0, 0, 0.5);
  take_fraction (task, (double) NAN, 0, 0, 0.5);
  take_fraction (task, -1, 3, 4, 0.75);
  /* There was more to do than was known. */
  take_fraction (task, -1, 3, 6, 0.75);
  take_fraction (task, 17, 0, 0, 1);
  take_fraction (task, 18, 0, 0, 1);
}

/* For good, whatever a worker says later; a new attempt may know it. */
static void
test_fraction_is_taken_back (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);

  take_fraction (task, 0.5, 0, 0, 0.5);
  g_string_truncate (ear->heard, 0);
  take_fraction (task, -2, 0, 0, 0.5);
  task_test_assert_heard (ear, "progress!");
  take_fraction (task, FERRY_FRACTION_TAKEN_BACK, 0, 0, 0);
  task_test_assert_heard (ear, "fraction indeterminate progress!");
  g_assert_true (ferry_test_get_number (task, "indeterminate"));
  take_fraction (task, 0.75, 0, 0, 0);
  take_fraction (task, 1, 0, 0, 0);
  take_fraction (task, -1, 0, 0, 0);
  task_test_assert_heard (ear, "progress! progress! progress!");
  take_fraction (task, FERRY_FRACTION_TAKEN_BACK, 3, 4, 0);
  task_test_assert_heard (ear, "amount total progress!");
  g_assert_true (ferry_test_get_number (task, "indeterminate"));

  task_test_move (task, "orange");
  g_assert_true (ferry_test_get_number (task, "indeterminate"));
  take_fraction (task, 0.25, 0, 0, 0.25);
  g_assert_false (ferry_test_get_number (task, "indeterminate"));
  take_fraction (task, FERRY_FRACTION_TAKEN_BACK, 0, 0, 0);
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 1);
  g_assert_false (ferry_test_get_number (task, "indeterminate"));
}

/* What was never known is not taken back, and a task that fails has a fraction that is a number. */
static void
test_what_was_not_known_stays_unknown (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);

  take_fraction (task, FERRY_FRACTION_TAKEN_BACK, 0, 0, 0);
  task_test_assert_heard (ear, "can-pause progress!");
  take_fraction (task, 0.5, 0, 0, 0);
  g_assert_true (ferry_test_get_number (task, "indeterminate"));
  g_assert_true (
    ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_ERROR, task_test_error ("one"), NULL, NULL));
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 0);
  g_assert_false (ferry_test_get_number (task, "indeterminate"));
}

static void
test_bar_fills (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) told = task_test_new_executing (&executor);
  g_autoptr (FerryTask) silent = task_test_new_executing (&executor);
  g_autoptr (FerryTask) failed = task_test_new_executing (&executor);

  take_fraction (told, 0.5, 0, 0, 0.5);
  g_assert_true (ferry_run_complete (ferry_task_get_run (told), NULL));
  g_assert_cmpfloat (ferry_task_get_fraction (told), ==, 1);
  g_assert_true (ferry_run_complete (ferry_task_get_run (silent), NULL));
  g_assert_cmpfloat (ferry_task_get_fraction (silent), ==, 1);
  g_assert_false (ferry_test_get_number (silent, "indeterminate"));
  g_assert_true (
    ferry_run_fail (ferry_task_get_run (failed), FERRY_TASK_EVENT_ERROR, task_test_error ("one"), NULL, NULL));
  g_assert_cmpfloat (ferry_task_get_fraction (failed), ==, 0);
  g_assert_false (ferry_test_get_number (failed, "indeterminate"));
}

static void
test_new_attempt (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);
  FerryProgress progress;

  take_fraction (task, 0.5, 5, 10, 0.5);
  progress = task_test_progress (0.5, "half");
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
  g_string_truncate (ear->heard, 0);
  task_test_move (task, "orange");
  task_test_assert_heard (ear, "identifier start-time fraction amount text can-pause state "
                               "host-name n-attempts identifier start-time can-pause state");
  g_assert_cmpstr (ferry_test_get_string (task, "host-name"), ==, "orange");
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
  g_string_truncate (ear->heard, 0);
  g_assert_true (ferry_run_give_back (ferry_task_get_run (task)));
  task_test_assert_heard (ear, "identifier host-name start-time fraction amount text can-pause state");
  g_assert_null (ferry_task_get_text (task));
  g_assert_null (ferry_test_get_string (task, "host-name"));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  g_assert_null (ferry_test_get_string (task, "identifier"));
  g_assert_cmpint (ferry_test_get_number (task, "start-time"), ==, 0);
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 0);
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 78, NULL));
  take_fraction (task, 0.25, 0, 0, 0.25);
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 3);
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
}

/* ---- what is sent and yielded ---- */

static void
count_cb (FerryTask *task, const char *type, GVariant *value, gpointer user_data)
{
  *(guint *) user_data += g_variant_get_uint32 (value);
}

static void
test_messages (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  guint sum = 0;
  guint sum_of_found = 0;

  g_signal_connect (task, "message", G_CALLBACK (count_cb), &sum);
  g_signal_connect (task, "message::found-by-test", G_CALLBACK (count_cb), &sum_of_found);
  g_assert_true (ferry_run_take_message (ferry_task_get_run (task), "found-by-test", g_variant_new_uint32 (1)));
  g_assert_true (ferry_run_take_message (ferry_task_get_run (task), "other-of-test", g_variant_new_uint32 (10)));
  g_assert_cmpuint (sum, ==, 11);
  g_assert_cmpuint (sum_of_found, ==, 1);
  /* A worker that invents types does not fill the table of quarks. */
  g_assert_cmpuint (g_quark_try_string ("other-of-test"), ==, 0);
}

static void
note_consumed_cb (FerryTask *task, GVariant *value, gpointer user_data)
{
  g_assert_cmpuint (((TaskTestExecutor *) user_data)->n_consumed, ==, 0);
}

static void
test_yields (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);

  g_signal_connect (task, "yielded", G_CALLBACK (note_consumed_cb), &executor);
  g_assert_true (ferry_run_take_yield (ferry_task_get_run (task), g_variant_new_uint32 (1)));
  task_test_assert_heard (ear, "can-pause yielded!");
  g_assert_cmpuint (executor.n_consumed, ==, 1);
}

/* ---- too late ---- */

static void
test_late_news (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (TaskTestEar) ear = NULL;
  g_autoptr (GError) timed_out = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "too slow");

  g_assert_true (
    ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_RUN_TIMEOUT, g_steal_pointer (&timed_out), NULL, NULL));
  /* It has to end, and is done once it has. */
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLING);
  g_assert_null (ferry_test_get_error (task, "error"));
  g_assert_null (ferry_test_get_error (task, "late-error"));
  ear = task_test_ear_new (task);
  g_assert_true (ferry_run_take_yield (ferry_task_get_run (task), g_variant_new_uint32 (1)));
  task_test_assert_heard (ear, "");
  g_assert_true (
    ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_ERROR, task_test_error ("stopped"), NULL, NULL));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
  g_assert_error (ferry_task_get_error (task), FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_error (ferry_test_get_error (task, "late-error"), G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_assert_cmpuint (executor.n_consumed, ==, 0);
  /* That was the last word. */
  g_assert_false (
    ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_LOST, task_test_error ("lost"), NULL, NULL));
}

/* The function was quicker than the cancel, and slower than its limit. */
static void
test_late_result (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);

  g_assert_true (ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_RUN_TIMEOUT,
                                 g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "too slow"), NULL, NULL));
  g_assert_false (ferry_task_cancel (task));
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (1)));
  g_assert_error (ferry_task_get_error (task), FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
}

static void
test_shutdown (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) waiting = task_test_new (&executor);
  g_autoptr (FerryTask) executing = task_test_new_executing (&executor);
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_run_fail (ferry_task_get_run (waiting), FERRY_TASK_EVENT_ABANDON, NULL, NULL, NULL));
  g_assert_null (ferry_task_get_result (waiting, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (ferry_run_fail (ferry_task_get_run (executing), FERRY_TASK_EVENT_ABANDON,
                                 task_test_error ("time over"), NULL, NULL));
  g_assert_cmpint (ferry_task_get_state (executing), ==, FERRY_TASK_STATE_FAILED);
  g_assert_true (ferry_run_complete (ferry_task_get_run (executing), g_variant_new_uint32 (1)));
  g_assert_cmpint (ferry_task_get_state (executing), ==, FERRY_TASK_STATE_FAILED);
  g_assert_cmpuint (executor.n_cancelled, ==, 0);
}

/* ---- a class of one's own, and handlers that do what they like ---- */

typedef FerryTask OwnTask;
typedef FerryTaskClass OwnTaskClass;

static GType own_task_get_type (void);

G_DEFINE_TYPE (OwnTask, own_task, FERRY_TYPE_TASK)

static GString *own_heard;

static void
own_message (FerryTask *task, const char *type, GVariant *value)
{
  g_string_append (own_heard, type);
}

static void
own_progress (FerryTask *task)
{
  g_string_append (own_heard, " progress");
}

static void
own_yielded (FerryTask *task, GVariant *value)
{
  g_string_append (own_heard, " yielded");
}

static void
own_done (FerryTask *task)
{
  g_string_append (own_heard, " done");
}

static void
own_task_class_init (OwnTaskClass *klass)
{
  klass->message = own_message;
  klass->progress = own_progress;
  klass->yielded = own_yielded;
  klass->done = own_done;
}

static void
own_task_init (OwnTask *self)
{
}

static void
test_own_class (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = g_object_new (own_task_get_type (), "function", "sum", NULL);
  FerryProgress progress = task_test_progress (0.5, NULL);

  own_heard = g_string_new (NULL);
  g_assert_true (task_test_submit (task, &executor, NULL));
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  g_assert_true (ferry_run_take_message (ferry_task_get_run (task), "a", NULL));
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
  g_assert_true (ferry_run_take_yield (ferry_task_get_run (task), g_variant_new_uint32 (1)));
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
  g_assert_cmpstr (own_heard->str, ==, "a progress yielded done");
  g_string_free (own_heard, TRUE);
}

static void
drop_cb (FerryTask *task, gpointer user_data)
{
  g_clear_object ((FerryTask **) user_data);
}

static void
test_last_reference (void)
{
  TaskTestExecutor executor = {0};
  FerryTask *task = task_test_new_executing (&executor);
  FerryTask *watched = task;

  g_object_add_weak_pointer (G_OBJECT (task), (gpointer *) &watched);
  g_signal_connect (task, "done", G_CALLBACK (drop_cb), &task);
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (1)));
  g_assert_null (task);
  g_assert_null (watched);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/task/begins-with-its-defaults", test_new);
  g_test_add_func ("/task/is-made-of-properties-too", test_construction);
  g_test_add_func ("/task/has-the-arguments-that-it-was-given-last", test_arguments);
  g_test_add_func ("/task/keeps-its-settings", test_settings);
  g_test_add_func ("/task/has-the-settings-that-it-was-given", test_settings_are_read);
  g_test_add_func ("/task/has-a-name-of-its-own", test_names);
  g_test_add_func ("/task/completes-with-its-result", test_completes);
  g_test_add_func ("/task/completes-without-a-value", test_no_value);
  g_test_add_func ("/task/fails-with-error-trace-and-exit", test_fails);
  g_test_add_func ("/task/notifies-what-a-report-changed", test_progress);
  g_test_add_func ("/task/keeps-its-text-until-there-is-another", test_text_stays);
  g_test_add_func ("/task/has-a-fraction-that-never-falls", test_fraction_never_falls);
  g_test_add_func ("/task/has-a-fraction-that-is-taken-back-for-good", test_fraction_is_taken_back);
  g_test_add_func ("/task/takes-back-what-it-did-not-know", test_what_was_not_known_stays_unknown);
  g_test_add_func ("/task/fills-its-bar-at-the-end", test_bar_fills);
  g_test_add_func ("/task/starts-over-in-a-new-attempt", test_new_attempt);
  g_test_add_func ("/task/tells-messages-apart-by-type", test_messages);
  g_test_add_func ("/task/wants-more-after-a-yield-is-handled", test_yields);
  g_test_add_func ("/task/keeps-what-came-too-late", test_late_news);
  g_test_add_func ("/task/result-after-a-limit-is-no-success", test_late_result);
  g_test_add_func ("/task/ends-with-a-shutdown", test_shutdown);
  g_test_add_func ("/task/can-be-derived-from", test_own_class);
  g_test_add_func ("/task/may-lose-its-last-reference-in-a-handler", test_last_reference);
  return g_test_run ();
}
