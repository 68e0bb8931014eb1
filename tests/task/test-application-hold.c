/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-application-hold.c
 *
 * A GApplication without windows, whose main loop ends at once when nothing holds it. */

#include "config.h"

#include <string.h>

#include "task/task-test.h"

typedef struct
{
  TaskTest *tasks;
  GApplication *application; /* (owned) */
  FerryTask *task;           /* (owned) (nullable) */
} HoldTest;

static void
submit (GApplication *application, HoldTest *test)
{
  test->task = task_test_submit (test->tasks->executor, "gate", g_variant_new_string ("begun"));
  task_test_open_gate ();
}

static HoldTest *
hold_test_new (GCallback activated)
{
  HoldTest *test = g_new0 (HoldTest, 1);

  test->tasks = task_test_new (TRUE, 1);
  test->application = g_application_new ("org.example.Hold", G_APPLICATION_NON_UNIQUE);
  g_application_set_default (test->application);
  g_signal_connect (test->application, "activate", activated, test);
  return test;
}

static void
hold_test_free (HoldTest *test)
{
  task_test_wait_done (test->task);
  g_clear_object (&test->task);
  task_test_close_gate ();
  task_test_free (test->tasks);
  g_free (task_test_take_log ());
  g_application_set_default (NULL);
  g_assert_finalize_object (test->application);
  g_free (test);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HoldTest, hold_test_free)

static void
run (HoldTest *test)
{
  g_assert_cmpint (g_application_run (test->application, 0, NULL), ==, 0);
}

static void
test_an_application_ends_over_its_tasks_and_says_so (void)
{
  g_autoptr (HoldTest) test = hold_test_new (G_CALLBACK (submit));
  g_autofree char *message = NULL;

  run (test);
  message = task_test_take_message ();
  g_assert_nonnull (message);
  g_assert_nonnull (strstr (message, "'org.example.Hold' ends while an executor has tasks"));
  g_assert_nonnull (strstr (message, "FerryExecutor:hold-application"));
  g_assert_cmpuint (task_test_take_n_messages (), ==, 1);
}

static void
test_an_application_that_is_held_ends_with_the_last_task (void)
{
  g_autoptr (HoldTest) test = hold_test_new (G_CALLBACK (submit));

  g_object_set (test->tasks->executor, "hold-application", TRUE, NULL);
  run (test);
  g_assert_true (ferry_task_get_done (test->task));
  g_assert_cmpuint (task_test_take_n_messages (), ==, 0);
}

static void
submit_and_wait (GApplication *application, HoldTest *test)
{
  submit (application, test);
  task_test_wait_done (test->task);
}

static void
test_an_application_without_open_tasks_ends_in_silence (void)
{
  g_autoptr (HoldTest) test = hold_test_new (G_CALLBACK (submit_and_wait));

  run (test);
  g_assert_cmpuint (task_test_take_n_messages (), ==, 0);
}

static void
submit_and_change (GApplication *application, HoldTest *test)
{
  submit (application, test);
  g_object_set (test->tasks->executor, "hold-application", TRUE, NULL);
  g_object_set (test->tasks->executor, "hold-application", FALSE, NULL);
  g_object_set (test->tasks->executor, "hold-application", TRUE, NULL);
}

static void
test_a_change_holds_for_tasks_that_run (void)
{
  g_autoptr (HoldTest) test = hold_test_new (G_CALLBACK (submit_and_change));

  run (test);
  g_assert_true (ferry_task_get_done (test->task));
  g_assert_cmpuint (task_test_take_n_messages (), ==, 0);
}

static void
submit_another (FerryTask *task, HoldTest *test)
{
  g_set_object (&test->task, NULL);
  test->task = task_test_submit (test->tasks->executor, "nothing", NULL);
}

static void
submit_two (GApplication *application, HoldTest *test)
{
  submit (application, test);
  g_signal_connect (test->task, "done", G_CALLBACK (submit_another), test);
}

static void
test_a_task_that_follows_another_is_held_for (void)
{
  g_autoptr (HoldTest) test = hold_test_new (G_CALLBACK (submit_two));

  g_object_set (test->tasks->executor, "hold-application", TRUE, NULL);
  run (test);
  g_assert_true (ferry_task_get_done (test->task));
  g_assert_true (g_str_has_prefix (ferry_task_get_name (test->task), "nothing"));
}

static void
take_result (GObject *executor, GAsyncResult *result, gpointer has_returned)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (GVariant) value = ferry_executor_call_finish (FERRY_EXECUTOR (executor), result, &error);

  g_assert_null (value);
  g_assert_no_error (error);
  *(gboolean *) has_returned = TRUE;
}

static gboolean call_has_returned;

static void
submit_and_call (GApplication *application, HoldTest *test)
{
  submit (application, test);
  ferry_executor_call_async (test->tasks->executor, "nothing", NULL, NULL, take_result, &call_has_returned);
}

static void
note_shutdown (GApplication *application, gboolean *returned_before)
{
  *returned_before = call_has_returned;
}

static void
test_a_call_returns_before_the_application_ends (void)
{
  g_autoptr (HoldTest) test = hold_test_new (G_CALLBACK (submit_and_call));
  gboolean returned_before = FALSE;

  g_signal_connect (test->application, "shutdown", G_CALLBACK (note_shutdown), &returned_before);
  g_object_set (test->tasks->executor, "hold-application", TRUE, NULL);
  run (test);
  g_assert_true (returned_before);
}

/* ---- a router of another thread ---- */

typedef struct
{
  GApplication *application;
  gboolean is_done;
} Apart;

static gboolean
release (gpointer application)
{
  task_test_open_gate ();
  g_application_release (application);
  return G_SOURCE_REMOVE;
}

static gpointer
run_apart (gpointer data)
{
  Apart *apart = data;
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (FerryRouter) router = NULL;
  g_autoptr (FerryPool) pool = NULL;
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (context);
  router = ferry_test_router_new_stopped (context);
  ferry_router_start (router, &error);
  g_assert_no_error (error);
  pool = ferry_pool_new_for_threads (router);
  executor = ferry_executor_new (pool);
  g_object_set (executor, "hold-application", TRUE, NULL);
  task = ferry_executor_submit (executor, "gate", g_variant_new_string ("apart"), &error);
  g_assert_no_error (error);
  g_idle_add_full (G_PRIORITY_DEFAULT, release, apart->application, NULL);
  while (!ferry_task_get_done (task))
    g_main_context_iteration (context, TRUE);
  apart->is_done = TRUE;
  g_clear_object (&task);
  g_clear_object (&executor);
  g_clear_object (&pool);
  ferry_test_router_stop (g_steal_pointer (&router));
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
begin_apart (GApplication *application, GThread **thread)
{
  static Apart apart;

  apart.application = application;
  g_application_hold (application);
  *thread = g_thread_new ("apart", run_apart, &apart);
}

static void
test_a_router_of_another_thread_holds_it_too (void)
{
  g_autoptr (GApplication) application = g_application_new ("org.example.Apart", G_APPLICATION_NON_UNIQUE);
  GThread *thread = NULL;

  g_application_set_default (application);
  g_signal_connect (application, "activate", G_CALLBACK (begin_apart), &thread);
  g_assert_cmpint (g_application_run (application, 0, NULL), ==, 0);
  g_thread_join (thread);
  task_test_close_gate ();
  g_free (task_test_take_log ());
  g_application_set_default (NULL);
}

int
main (int argc, char **argv)
{
  /* GApplication keeps a connection to it, and the tests count descriptors. */
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "disabled:", TRUE);
  task_test_init (&argc, &argv);
  g_test_add_func ("/application-hold/an-application-ends-over-its-tasks-and-says-so",
                   test_an_application_ends_over_its_tasks_and_says_so);
  g_test_add_func ("/application-hold/an-application-that-is-held-ends-with-the-last-task",
                   test_an_application_that_is_held_ends_with_the_last_task);
  g_test_add_func ("/application-hold/an-application-without-open-tasks-ends-in-silence",
                   test_an_application_without_open_tasks_ends_in_silence);
  g_test_add_func ("/application-hold/a-change-holds-for-tasks-that-run", test_a_change_holds_for_tasks_that_run);
  g_test_add_func ("/application-hold/a-task-that-follows-another-is-held-for",
                   test_a_task_that_follows_another_is_held_for);
  g_test_add_func ("/application-hold/a-call-returns-before-the-application-ends",
                   test_a_call_returns_before_the_application_ends);
  g_test_add_func ("/application-hold/a-router-of-another-thread-holds-it-too",
                   test_a_router_of_another_thread_holds_it_too);
  return g_test_run ();
}
