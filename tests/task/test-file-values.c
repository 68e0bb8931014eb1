/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: job/ferry-file-value.c, task/ferry-task.c, pool/ferry-pool-worker.c
 *
 * Large results in memory and in files. Another thread opens and checks them, and meanwhile other tasks go on; a worker
 * that writes on changes nothing that was checked. */

#include "config.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "judge-gate.h"
#include "task/return-functions.h"
#include "task/task-test.h"

#define N_STRINGS 1000000
#define N_FEWER 20000

typedef enum
{
  PROCESS,
  THREAD,
  TRUSTED,
} Kind;

static TaskTest *
new_test (Kind kind)
{
  return kind == TRUSTED ? task_test_new_trusted (2) : task_test_new (kind == THREAD, 2);
}

static FerryTask *
submit (TaskTest *test, const char *function, GVariant *arguments)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, function, arguments);

  g_object_set (task, "max-returned-descriptors", 1, NULL);
  task_test_submit_task (test->executor, task);
  return task;
}

/* A file of this test, which the worker makes where its kind allows one. */
static char *
get_path (Kind kind)
{
  return kind == TRUSTED ? task_test_make_path ("file-value") : g_strdup ("");
}

static gboolean
is_judged_or_done (gpointer task)
{
  return judge_gate_count () > 0 || ferry_task_get_done (task);
}

/* Submits a task, and returns when a thread is about to open its value. */
static FerryTask *
submit_to_gate (TaskTest *test, Kind kind, guint n, gboolean in_part)
{
  g_autofree char *path = get_path (kind);
  FerryTask *task;

  judge_gate_close ();
  task = submit (test, "return-strings", g_variant_new ("(usb)", n, path, in_part));
  ferry_test_run_until (is_judged_or_done, task);
  g_assert_false (ferry_task_get_done (task));
  return task;
}

static void
assert_strings (GVariant *value, guint n)
{
  g_autoptr (GVariant) last = NULL;
  g_autofree char *text = g_strdup_printf ("pictures/%u.jpeg", n - 1);

  g_assert_nonnull (value);
  g_assert_cmpuint (g_variant_n_children (value), ==, n);
  last = g_variant_get_child_value (value, n - 1);
  g_assert_cmpstr (g_variant_get_string (last, NULL), ==, text);
}

static void
assert_has_strings (FerryTask *task, guint n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;

  task_test_wait_done (task);
  result = ferry_task_get_result (task, &error);
  g_assert_no_error (error);
  assert_strings (result, n);
}

/* ---- other tasks go on ---- */

static void
test_another_task_goes_on_while_a_result_is_checked (gconstpointer kind)
{
  const guint n = GPOINTER_TO_INT (kind) == PROCESS ? N_STRINGS : N_FEWER;
  g_autoptr (TaskTest) test = new_test (GPOINTER_TO_INT (kind));
  g_autoptr (FerryTask) task = submit_to_gate (test, GPOINTER_TO_INT (kind), n, FALSE);
  g_autoptr (FerryTask) other = task_test_submit (test->executor, "nothing", NULL);

  task_test_assert_result (other, NULL);
  g_assert_false (ferry_task_get_done (task));
  judge_gate_open ();
  assert_has_strings (task, n);
  g_assert_cmpuint (judge_gate_count (), ==, 1);
}

static void
test_another_task_goes_on_while_a_partial_result_is_checked (gconstpointer kind)
{
  g_autoptr (TaskTest) test = new_test (GPOINTER_TO_INT (kind));
  g_autoptr (FerryTask) task = submit_to_gate (test, GPOINTER_TO_INT (kind), N_FEWER, TRUE);
  g_autoptr (FerryTask) other = task_test_submit (test->executor, "nothing", NULL);
  g_autoptr (GVariant) part = NULL;

  task_test_assert_result (other, NULL);
  g_assert_false (ferry_task_get_done (task));
  judge_gate_open ();
  task_test_assert_failed (task, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_object_get (task, "partial-result", &part, NULL);
  assert_strings (part, N_FEWER);
  g_assert_cmpuint (judge_gate_count (), ==, 1);
}

/* ---- ends ---- */

static void
test_a_result_comes_whose_worker_dies_while_it_is_checked (void)
{
  g_autoptr (TaskTest) test = new_test (PROCESS);
  g_autoptr (FerryTask) task = submit_to_gate (test, PROCESS, N_FEWER, FALSE);
  g_autoptr (FerryTask) other = NULL;

  ferry_worker_send_signal (ferry_test_get_worker (test->pool, task), SIGKILL);
  other = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_result (other, NULL);
  g_assert_false (ferry_task_get_done (task));
  judge_gate_open ();
  assert_has_strings (task, N_FEWER);
}

static void
test_a_task_is_cancelled_while_its_result_is_checked (gconstpointer kind)
{
  g_autoptr (TaskTest) test = new_test (GPOINTER_TO_INT (kind));
  g_autoptr (FerryTask) task = submit_to_gate (test, GPOINTER_TO_INT (kind), N_FEWER, FALSE);

  ferry_task_cancel (task);
  judge_gate_open ();
  task_test_assert_cancelled (task);
}

static void
test_the_router_stops_while_a_result_is_checked (gconstpointer kind)
{
  g_autoptr (TaskTest) test = new_test (GPOINTER_TO_INT (kind));
  g_autoptr (FerryTask) task = submit_to_gate (test, GPOINTER_TO_INT (kind), N_FEWER, FALSE);

  g_assert_true (ferry_router_stop (test->router, NULL));
  g_assert_true (ferry_task_get_done (task));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
  judge_gate_open ();
}

/* ---- a trusted worker that writes into its file ---- */

static void
write_on (TaskTest *test, const char *path)
{
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "write-on", g_variant_new_string (path));

  task_test_assert_result (task, NULL);
}

static void
test_a_worker_that_writes_on_changes_no_texts (void)
{
  g_autoptr (TaskTest) test = task_test_new_trusted (1);
  g_autofree char *path = get_path (TRUSTED);
  g_autoptr (FerryTask) task = submit (test, "return-strings", g_variant_new ("(usb)", N_FEWER, path, FALSE));
  g_autoptr (GVariant) result = NULL;

  task_test_wait_done (task);
  write_on (test, path);
  assert_has_strings (task, N_FEWER);
  g_assert_cmpint (truncate (path, 0), ==, 0);
  assert_has_strings (task, N_FEWER);
  result = ferry_task_get_result (task, NULL);
  g_assert_true (ferry_test_is_trusted (result));
  g_unlink (path);
}

/* Numbers are not copied. */
static void
test_numbers_are_read_in_the_file (void)
{
  g_autoptr (TaskTest) test = task_test_new_trusted (1);
  g_autofree char *path = get_path (TRUSTED);
  g_autoptr (FerryTask) task = submit (test, "return-zeros", g_variant_new ("(us)", N_FEWER, path));
  g_autoptr (GVariant) result = NULL;
  const volatile guint8 *bytes;
  gsize n;

  task_test_wait_done (task);
  result = ferry_task_get_result (task, NULL);
  bytes = g_variant_get_fixed_array (result, &n, 1);
  g_assert_cmpuint (n, ==, N_FEWER);
  g_assert_cmpuint (bytes[n - 1], ==, 0);
  write_on (test, path);
  g_assert_cmpuint (bytes[n - 1], ==, 0xff);
  g_unlink (path);
}

static void
test_a_file_that_became_shorter_is_an_error (void)
{
  g_autoptr (TaskTest) test = new_test (TRUSTED);
  g_autofree char *path = get_path (TRUSTED);
  g_autoptr (FerryTask) task = submit_to_gate (test, TRUSTED, N_FEWER, FALSE);

  g_assert_cmpint (truncate (path, 100), ==, 0);
  judge_gate_open ();
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_RESULT);
  g_unlink (path);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  return_functions_register ();
#define ADD(path, kind, func) g_test_add_data_func ("/file-values/" path, GINT_TO_POINTER (kind), func)
  ADD ("another-task-goes-on-while-a-result-is-checked", PROCESS, test_another_task_goes_on_while_a_result_is_checked);
  ADD ("in-a-thread/another-task-goes-on-while-a-result-is-checked", THREAD,
       test_another_task_goes_on_while_a_result_is_checked);
  ADD ("trusted/another-task-goes-on-while-a-result-is-checked", TRUSTED,
       test_another_task_goes_on_while_a_result_is_checked);
  ADD ("another-task-goes-on-while-a-partial-result-is-checked", PROCESS,
       test_another_task_goes_on_while_a_partial_result_is_checked);
  ADD ("in-a-thread/another-task-goes-on-while-a-partial-result-is-checked", THREAD,
       test_another_task_goes_on_while_a_partial_result_is_checked);
  ADD ("a-task-is-cancelled-while-its-result-is-checked", PROCESS,
       test_a_task_is_cancelled_while_its_result_is_checked);
  ADD ("in-a-thread/a-task-is-cancelled-while-its-result-is-checked", THREAD,
       test_a_task_is_cancelled_while_its_result_is_checked);
  ADD ("the-router-stops-while-a-result-is-checked", PROCESS, test_the_router_stops_while_a_result_is_checked);
#undef ADD
  g_test_add_func ("/file-values/a-result-comes-whose-worker-dies-while-it-is-checked",
                   test_a_result_comes_whose_worker_dies_while_it_is_checked);
  g_test_add_func ("/file-values/a-worker-that-writes-on-changes-no-texts",
                   test_a_worker_that_writes_on_changes_no_texts);
  g_test_add_func ("/file-values/numbers-are-read-in-the-file", test_numbers_are_read_in_the_file);
  g_test_add_func ("/file-values/a-file-that-became-shorter-is-an-error", test_a_file_that_became_shorter_is_an_error);
  return g_test_run ();
}
