/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-task.c
 *
 * Waiting for the end of a task. */

#include "config.h"

#include "ferry-test.h"
#include "task/lone-task.h"

typedef struct
{
  gboolean called;
  GVariant *result;
  GError *error;
} Waited;

static void
waited_clear (Waited *waited)
{
  g_clear_pointer (&waited->result, g_variant_unref);
  g_clear_error (&waited->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Waited, waited_clear)

static void
waited_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Waited *waited = user_data;

  g_assert_false (waited->called);
  waited->called = TRUE;
  waited->result = ferry_task_wait_finish (FERRY_TASK (object), result, &waited->error);
}

static void
test_result (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_auto (Waited) before = {0};
  g_auto (Waited) after = {0};

  ferry_task_wait_async (task, NULL, waited_cb, &before);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_false (before.called);
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42)));
  ferry_test_wait_flag (&before.called);
  g_assert_no_error (before.error);
  g_assert_cmpuint (g_variant_get_uint32 (before.result), ==, 42);

  ferry_task_wait_async (task, NULL, waited_cb, &after);
  ferry_test_wait_flag (&after.called);
  g_assert_cmpuint (g_variant_get_uint32 (after.result), ==, 42);
}

static void
test_error (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_auto (Waited) waited = {0};

  ferry_task_wait_async (task, NULL, waited_cb, &waited);
  g_assert_true (
    ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_ERROR, task_test_error ("no room"), NULL, NULL));
  ferry_test_wait_flag (&waited.called);
  g_assert_error (waited.error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
}

static void
test_cancelled_wait (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (Waited) ended = {0};
  g_auto (Waited) patient = {0};
  g_auto (Waited) late = {0};

  ferry_task_wait_async (task, cancellable, waited_cb, &ended);
  ferry_task_wait_async (task, NULL, waited_cb, &patient);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&ended.called);
  g_assert_error (ended.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ferry_task_wait_async (task, cancellable, waited_cb, &late);
  ferry_test_wait_flag (&late.called);
  g_assert_error (late.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_EXECUTING);
  g_assert_false (patient.called);
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
  ferry_test_wait_flag (&patient.called);
  g_assert_no_error (patient.error);
  g_assert_null (patient.result);
}

/* Both before the main loop runs: there is one answer, and it is that of the first. */
static void
test_cancel_meets_end (gconstpointer data)
{
  gboolean cancel_first = GPOINTER_TO_INT (data);
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (Waited) waited = {0};

  ferry_task_wait_async (task, cancellable, waited_cb, &waited);
  if (cancel_first)
    g_cancellable_cancel (cancellable);
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42)));
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&waited.called);
  if (cancel_first)
    g_assert_error (waited.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  else
    {
      g_assert_no_error (waited.error);
      g_assert_cmpuint (g_variant_get_uint32 (waited.result), ==, 42);
    }
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_keeps_task (void)
{
  TaskTestExecutor executor = {0};
  FerryTask *task = task_test_new_executing (&executor);
  FerryTask *watched = task;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (Waited) waited = {0};

  g_object_add_weak_pointer (G_OBJECT (task), (gpointer *) &watched);
  ferry_task_wait_async (task, cancellable, waited_cb, &waited);
  g_object_unref (task);
  g_assert_nonnull (watched);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&waited.called);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_null (watched);
}

static void
test_blocking (void)
{
  TaskTestExecutor executor = {.completes_waits = TRUE};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_wait (task, -1, &error);
  g_autoptr (GVariant) again = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_get_uint32 (result), ==, 42);
  again = ferry_task_wait (task, -1, &error);
  g_assert_no_error (error);
  g_assert_true (again == result);
  g_assert_cmpuint (executor.n_waits, ==, 1);
}

static void
test_blocking_fails (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) submitted = task_test_new (&executor);
  g_autoptr (FerryTask) other = task_test_new (NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_task_wait (submitted, 5, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpint (ferry_task_get_state (submitted), ==, FERRY_TASK_STATE_WAITING);
  g_clear_error (&error);
  g_assert_null (ferry_task_wait (other, 5, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/task-wait/gives-the-result", test_result);
  g_test_add_func ("/task-wait/gives-the-error", test_error);
  g_test_add_func ("/task-wait/can-be-cancelled-alone", test_cancelled_wait);
  g_test_add_data_func ("/task-wait/answers-once/cancelled-first", GINT_TO_POINTER (TRUE), test_cancel_meets_end);
  g_test_add_data_func ("/task-wait/answers-once/ended-first", GINT_TO_POINTER (FALSE), test_cancel_meets_end);
  g_test_add_func ("/task-wait/keeps-the-task-that-long", test_keeps_task);
  g_test_add_func ("/task-wait/drives-the-executor", test_blocking);
  g_test_add_func ("/task-wait/needs-a-task-that-was-submitted", test_blocking_fails);
  return g_test_run ();
}
