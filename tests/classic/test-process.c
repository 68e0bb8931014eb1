/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: classic/ferry-process.c,
 *        classic/ferry-owner.c
 *
 * FerryProcess: this program once more, so that its main() is the workers' as well. */

#include "config.h"

#include <ferry-classic.h>

#include "task/task-test.h"

#include <signal.h>

/* A window's worth may be ahead of the thread that takes, and one more is in the function's hands. */
#define WINDOW 16

static GVariant *
count_for_ever (FerryJob *job, GVariant *arguments, GError **error)
{
  for (guint64 i = 0; ferry_job_report_amount (job, i, 0, NULL, NULL, NULL); i++)
    if (!ferry_job_yield (job, g_variant_new_uint64 (i), error))
      break;
  return NULL;
}

static GVariant *
give_pid (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int32 (getpid ());
}

static GVariant *
take_time (FerryJob *job, GVariant *arguments, GError **error)
{
  ferry_test_take_time (g_variant_get_int64 (arguments));
  return NULL;
}

static FerryProcess *
process_new (TaskTest *test, const char *function, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  FerryProcess *process = ferry_process_new (test->router, NULL, function, arguments, &error);

  g_assert_no_error (error);
  return process;
}

static GVariant *
take (FerryProcess *process)
{
  g_autoptr (GError) error = NULL;
  GVariant *value = ferry_process_next (process, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC, &error);

  g_assert_no_error (error);
  return value;
}

static void
assert_next_is (FerryProcess *process, guint64 expected)
{
  g_autoptr (GVariant) value = take (process);

  g_assert_cmpuint (g_variant_get_uint64 (value), ==, expected);
}

static void
runs_in_another_process (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryProcess) process = process_new (test, "pid", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;

  g_assert_null (ferry_process_get_result (process, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_DONE);
  g_clear_error (&error);
  ferry_process_join (process, -1, &error);
  g_assert_no_error (error);
  result = ferry_process_get_result (process, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int32 (result), !=, getpid ());
  g_assert_cmpint (g_variant_get_int32 (result), ==, ferry_test_get_process (ferry_test_get_object (process, "task")));
}

static void
yields_one_by_one (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryProcess) process = process_new (test, "yield", g_variant_new_uint64 (100));
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;

  for (guint64 i = 0; i < 100; i++)
    assert_next_is (process, i);
  /* At the end, as often as it is asked. */
  g_assert_null (take (process));
  g_assert_null (take (process));
  g_assert_true (ferry_process_join (process, -1, &error));
  result = ferry_process_get_result (process, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_get_uint64 (result), ==, 4950);
}

static gboolean
has_reported_all_it_may (gpointer data)
{
  return ferry_test_get_number (data, "amount") >= WINDOW;
}

/* What is not taken is not yielded: the function's own count says how far it got. */
static void
is_held_while_nobody_takes (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryProcess) process = process_new (test, "count-for-ever", NULL);
  FerryTask *task = ferry_test_get_object (process, "task");

  ferry_test_run_until (has_reported_all_it_may, task);
  task_test_settle ();
  g_assert_cmpuint (ferry_test_get_number (task, "amount"), ==, WINDOW);
  for (guint64 i = 0; i < 1000; i++)
    {
      assert_next_is (process, i);
      g_assert_cmpuint (ferry_test_get_number (task, "amount"), <=, i + 1 + WINDOW);
    }
  g_assert_false (ferry_task_get_done (task));
}

static void
raises_error_where_it_is_joined (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryProcess) process = process_new (test, "yield-and-fail", g_variant_new_uint64 (3));
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_process_join (process, -1, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_IO);
  g_clear_error (&error);
  /* What it yielded before is still there. */
  for (guint64 i = 0; i < 3; i++)
    assert_next_is (process, i);
  g_assert_null (take (process));
  g_assert_null (ferry_process_get_result (process, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_IO);
}

static gboolean
is_gone (gpointer data)
{
  return !ferry_test_is_alive (*(GPid *) data);
}

static void
ends_with_its_last_reference (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  FerryProcess *process = process_new (test, data, NULL);
  GPid pid;

  task_test_wait_begun (ferry_test_get_object (process, "task"));
  pid = ferry_test_get_process (ferry_test_get_object (process, "task"));
  g_assert_true (ferry_test_is_alive (pid));
  g_object_unref (process);
  ferry_test_look_until (is_gone, &pid);
}

static void
is_dropped_at_once (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);

  for (guint i = 0; i < 10; i++)
    g_object_unref (process_new (test, "spin-until-cancelled", NULL));
}

static gboolean
has_pid (gpointer task)
{
  return ferry_test_get_string (task, "identifier") != NULL;
}

static gboolean
be_busy (gpointer time)
{
  ferry_test_take_time (*(gint64 *) time);
  return G_SOURCE_REMOVE;
}

/* The function needs half of the limit, and the main loop is in a callback for twice the limit. */
static gboolean
joins_in_time (gint64 limit)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryProcess) process = process_new (test, "take-time", g_variant_new_int64 (limit / 2));
  gint64 busy = 2 * limit;

  ferry_test_run_until (has_pid, ferry_test_get_object (process, "task"));
  g_idle_add_full (G_PRIORITY_HIGH, be_busy, &busy, NULL);
  return ferry_process_join (process, limit, NULL);
}

/* A machine may be too slow for a limit. */
static void
what_has_come_wins_over_the_limit (void)
{
  for (gint64 limit = G_USEC_PER_SEC / 5; !joins_in_time (limit); limit *= 2)
    g_assert_cmpint (limit, <, 10 * G_USEC_PER_SEC);
}

static void
is_waited_for_no_longer_than_asked (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryProcess) process = process_new (test, "sleep-until-cancelled", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_process_next (process, 1000, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&error);
  g_assert_false (ferry_process_join (process, 1000, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&error);
  ferry_task_cancel (ferry_test_get_object (process, "task"));
  g_assert_false (ferry_process_join (process, -1, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* ---- without waiting ---- */

typedef struct
{
  gboolean returned;
  gboolean succeeded;
  GVariant *value;
  GError *error;
} Call;

static void
call_clear (Call *call)
{
  g_clear_pointer (&call->value, g_variant_unref);
  g_clear_error (&call->error);
  *call = (Call){0};
}

static void
next_came (GObject *object, GAsyncResult *result, gpointer data)
{
  Call *call = data;

  call->value = ferry_process_next_finish (FERRY_PROCESS (object), result, &call->error);
  call->returned = TRUE;
}

static void
joined (GObject *object, GAsyncResult *result, gpointer data)
{
  Call *call = data;

  call->succeeded = ferry_process_join_finish (FERRY_PROCESS (object), result, &call->error);
  call->returned = TRUE;
}

static void
tells_when_there_is_something (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryProcess) process = process_new (test, "yield", g_variant_new_uint64 (40));
  Call join = {0};
  Call next = {0};

  ferry_process_join_async (process, NULL, joined, &join);
  for (guint64 i = 0; i < 40; i++)
    {
      ferry_process_next_async (process, NULL, next_came, &next);
      ferry_test_wait_flag (&next.returned);
      g_assert_no_error (next.error);
      g_assert_cmpuint (g_variant_get_uint64 (next.value), ==, i);
      call_clear (&next);
    }
  ferry_process_next_async (process, NULL, next_came, &next);
  ferry_test_wait_flag (&next.returned);
  g_assert_no_error (next.error);
  g_assert_null (next.value);
  ferry_test_wait_flag (&join.returned);
  g_assert_true (join.succeeded);
}

static void
stops_telling_when_cancelled (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryProcess) process = process_new (test, "sleep-until-cancelled", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Call join = {0};
  Call next = {0};

  ferry_process_join_async (process, cancellable, joined, &join);
  ferry_process_next_async (process, cancellable, next_came, &next);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&join.returned);
  ferry_test_wait_flag (&next.returned);
  g_assert_error (join.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_error (next.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (ferry_task_get_done (ferry_test_get_object (process, "task")));
  call_clear (&join);
  call_clear (&next);
}

/* A call that waits holds the process, and its end is told. */
static void
tells_of_a_crash (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  FerryProcess *process = process_new (test, "crash", NULL);
  Call join = {0};

  ferry_process_join_async (process, NULL, joined, &join);
  g_object_unref (process);
  ferry_test_wait_flag (&join.returned);
  g_assert_error (join.error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  call_clear (&join);
}

static void
refuses_what_it_cannot_run (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_process_new (test->router, NULL, "no-such-function", NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
  g_clear_error (&error);
  g_assert_null (ferry_process_new (test->router, NULL, "echo", g_variant_new_uint32 (1), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_clear_error (&error);
  ferry_router_stop (test->router, NULL);
  g_assert_null (ferry_process_new (test->router, NULL, "echo", g_variant_new_string ("x"), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING);
}

static void
runs_a_function_of_another_program (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryLauncher) launcher = task_test_launcher_new ();
  g_autoptr (FerryProcess) process = NULL;
  g_autoptr (FerryProcess) stranger = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  process = ferry_process_new (test->router, launcher, "add", g_variant_new ("(xx)", 40, 2), &error);
  g_assert_no_error (error);
  g_assert_true (ferry_process_join (process, -1, &error));
  result = ferry_process_get_result (process, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (result), ==, 42);
  /* This program has the function, and the other one lacks it. */
  stranger = ferry_process_new (test->router, launcher, "count-for-ever", NULL, &error);
  g_assert_no_error (error);
  g_assert_false (ferry_process_join (stranger, -1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
}

static GVariant *
crash (FerryJob *job, GVariant *arguments, GError **error)
{
  kill (getpid (), SIGKILL);
  return NULL;
}

static GVariant *
yield_and_fail (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 n = g_variant_get_uint64 (arguments);

  for (guint64 i = 0; i < n; i++)
    if (!ferry_job_yield (job, g_variant_new_uint64 (i), error))
      return NULL;
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_IO, "The rest cannot be read");
  return NULL;
}

int
main (int argc, char **argv)
{
  task_test_register ();
  ferry_function_register ("count-for-ever", NULL, "", count_for_ever);
  ferry_function_register ("pid", NULL, "i", give_pid);
  ferry_function_register ("take-time", "x", "", take_time);
  ferry_function_register ("crash", NULL, "", crash);
  ferry_function_register ("yield-and-fail", "t", "", yield_and_fail);
  ferry_worker_main (&argc, &argv);
  task_test_init (&argc, &argv);
  g_test_add_func ("/process/runs-elsewhere", runs_in_another_process);
  g_test_add_func ("/process/yields-one-by-one", yields_one_by_one);
  g_test_add_func ("/process/is-held-while-nobody-takes", is_held_while_nobody_takes);
  g_test_add_func ("/process/raises-its-error-where-it-is-joined", raises_error_where_it_is_joined);
  g_test_add_data_func ("/process/ends-with-its-last-reference", "sleep-until-cancelled", ends_with_its_last_reference);
  g_test_add_data_func ("/process/ends-in-a-loop-with-its-last-reference", "hang", ends_with_its_last_reference);
  g_test_add_func ("/process/is-dropped-at-once", is_dropped_at_once);
  g_test_add_func ("/process/what-has-come-wins-over-the-limit", what_has_come_wins_over_the_limit);
  g_test_add_func ("/process/is-waited-for-no-longer-than-asked", is_waited_for_no_longer_than_asked);
  g_test_add_func ("/process/tells-when-there-is-something", tells_when_there_is_something);
  g_test_add_func ("/process/stops-telling-when-cancelled", stops_telling_when_cancelled);
  g_test_add_func ("/process/tells-of-a-crash", tells_of_a_crash);
  g_test_add_func ("/process/refuses-what-it-cannot-run", refuses_what_it_cannot_run);
  g_test_add_func ("/process/runs-a-function-of-another-program", runs_a_function_of_another_program);
  return g_test_run ();
}
