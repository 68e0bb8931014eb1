/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/app/ferry-demo-window.c, demo-app/tasks/ferry-demo-tasks-page.c
 *
 * The list of the demo's window: many tasks in it, what waits, and what a user without a pointer can do. */

#include "config.h"

#include "window-test.h"

#include <string.h>

static FerryPool *
get_pool (WindowTest *test)
{
  return ferry_executor_get_pool (test->executor);
}

static FerryTaskStatus
get_state (WindowTest *test, guint position)
{
  return window_test_get_status (window_test_get_task (test, position));
}

/* Has so many tasks keep all workers for themselves. */
static void
occupy_workers (WindowTest *test)
{
  for (guint i = 0; i < WINDOW_TEST_WORKERS; i++)
    window_test_wait_state (window_test_add_task (test, "primes:100000000000"), FERRY_TASK_STATUS_RUNNING);
}

static void
test_many_tasks (WindowTest *test, gconstpointer data)
{
  guint n_done = 0, n_cancelled = 0;

  for (guint i = 0; i < 30; i++)
    window_test_add_task (test, i % 3 == 0 ? "flood:endless" : i == 14 ? "hang" : i == 25 ? "crash" : "primes:100000");
  for (guint i = 0; i < 30; i++)
    if (i % 3 == 0 || i == 14)
      {
        window_test_wait_state (window_test_get_task (test, i), FERRY_TASK_STATUS_RUNNING);
        ferry_task_cancel (window_test_get_task (test, i));
      }
  window_test_wait_idle (test);
  for (guint i = 0; i < 30; i++)
    {
      n_done += get_state (test, i) == FERRY_TASK_STATUS_DONE;
      n_cancelled += get_state (test, i) == FERRY_TASK_STATUS_CANCELLED;
    }
  g_assert_cmpuint (n_cancelled, ==, 11);
  g_assert_cmpuint (n_done, ==, 18);
  g_assert_cmpint (get_state (test, 25), ==, FERRY_TASK_STATUS_CRASHED);
  window_test_wait_words (test->window, "1 failed");
  window_test_activate (test, "job.clear");
  g_assert_true (window_test_is_empty (test));
}

static gboolean
can_scroll (gpointer data)
{
  GtkWidget *view =
    gtk_widget_get_ancestor (window_test_wait_row (data, window_test_get_task (data, 0)), GTK_TYPE_LIST_VIEW);
  GtkAdjustment *adjustment = gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (view));

  return gtk_adjustment_get_upper (adjustment) > 2 * gtk_adjustment_get_page_size (adjustment);
}

/* A hundred at a click: they queue up, the list can be scrolled, and one click cancels them. */
static void
test_hundred_tasks (WindowTest *test, gconstpointer data)
{
  occupy_workers (test);
  window_test_activate (test, "job.add-many");
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 100 + WINDOW_TEST_WORKERS);
  window_test_wait_words (test->window, "3 in progress · 100 waiting");
  ferry_test_look_until (can_scroll, test);

  window_test_activate (test, "job.cancel-all");
  window_test_wait_idle (test);
  window_test_activate (test, "job.clear");
  g_assert_true (window_test_is_empty (test));
}

static void
test_waiting_tasks_run (WindowTest *test, gconstpointer data)
{
  FerryTask *first, *second;

  occupy_workers (test);
  first = window_test_add_task (test, "primes:100");
  second = window_test_add_task (test, "primes:1000");
  window_test_wait_words (window_test_wait_row (test, second), "Waits for its turn");
  window_test_act (test, second, "task.run-next");
  g_assert_cmpint (ferry_test_get_number (second, "priority"), >, ferry_test_get_number (first, "priority"));

  ferry_task_cancel (window_test_get_task (test, 0));
  window_test_wait_state (first, FERRY_TASK_STATUS_DONE);
  window_test_wait_state (second, FERRY_TASK_STATUS_DONE);
  g_assert_cmpint (ferry_test_get_number (second, "end-time"), <, ferry_test_get_number (first, "end-time"));
}

static void
test_waiting_task_is_cancelled (WindowTest *test, gconstpointer data)
{
  FerryTask *task;

  occupy_workers (test);
  task = window_test_add_task (test, "crash");
  window_test_act (test, task, "task.cancel");
  window_test_wait_state (task, FERRY_TASK_STATUS_CANCELLED);
  window_test_wait_words (test->window, "3 in progress");
}

typedef struct
{
  WindowTest *test;
  const char *words;
} Counts;

static gboolean
counts_are (gpointer data)
{
  const Counts *counts = data;
  GtkWidget *label = window_test_get (counts->test, "counts_label");

  return g_str_equal (gtk_label_get_text (GTK_LABEL (label)), counts->words) &&
         gtk_widget_get_visible (label) == (*counts->words != '\0');
}

static void
wait_counts (WindowTest *test, const char *words)
{
  Counts counts = {test, words};

  ferry_test_look_until (counts_are, &counts);
}

/* What has left the list is not counted any more. */
static void
test_counts_are_those_of_the_list (WindowTest *test, gconstpointer data)
{
  FerryTask *crash = window_test_add_task (test, "crash"), *waits;

  wait_counts (test, "1 failed");
  occupy_workers (test);
  waits = window_test_add_task (test, "primes:100");
  wait_counts (test, "3 in progress · 1 waiting · 1 failed");
  window_test_act (test, waits, "task.remove");
  wait_counts (test, "3 in progress · 1 failed");
  g_assert_true (gtk_widget_activate_action (window_test_get (test, "list"), "task.undo", NULL));
  wait_counts (test, "3 in progress · 1 waiting · 1 failed");
  window_test_act (test, crash, "task.remove");
  wait_counts (test, "3 in progress · 1 waiting");
  window_test_activate (test, "job.cancel-all");
  wait_counts (test, "");
}

static void
test_number_of_workers (WindowTest *test, gconstpointer data)
{
  GtkAdjustment *adjustment;

  adjustment = gtk_spin_button_get_adjustment (GTK_SPIN_BUTTON (window_test_get (test, "workers_spin")));
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, WINDOW_TEST_WORKERS);
  occupy_workers (test);
  window_test_add_task (test, "flood:endless");
  g_assert_cmpint (get_state (test, WINDOW_TEST_WORKERS), ==, FERRY_TASK_STATUS_WAITING);

  gtk_adjustment_set_value (adjustment, WINDOW_TEST_WORKERS + 1);
  g_assert_cmpuint (ferry_test_get_number (get_pool (test), "max-workers"), ==, WINDOW_TEST_WORKERS + 1);
  window_test_wait_state (window_test_get_task (test, WINDOW_TEST_WORKERS), FERRY_TASK_STATUS_RUNNING);
  window_test_wait_words (test->window, "4 workers");
  ferry_pool_set_max_workers (get_pool (test), 1);
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, 1.0);
  window_test_wait_words (test->window, "1 worker");
}

/* ---- without a pointer ---- */

static void
select_task (WindowTest *test, FerryTask *task)
{
  gtk_window_set_focus (GTK_WINDOW (test->window), NULL);
  g_object_set (window_test_get (test, "list"), "selected-task", task, NULL);
}

static FerryTask *
get_selected (WindowTest *test)
{
  return ferry_test_get_object (window_test_get (test, "list"), "selected-task");
}

/* Delete takes the selected task away, and goes on to the one that takes its place. What is gone can be had back. */
static void
test_keys (WindowTest *test, gconstpointer data)
{
  FerryTask *second, *third;

  window_test_add_task (test, "primes:100");
  second = window_test_add_task (test, "primes:1000");
  third = window_test_add_task (test, "primes:10000");
  window_test_wait_idle (test);
  g_assert_null (get_selected (test));

  select_task (test, second);
  window_test_press_in_list (test, "Delete");
  window_test_wait_no_row (test, second);
  g_assert_true (get_selected (test) == third);
  window_test_wait_words (test->window, "1 task removed");
  window_test_press_in_list (test, "<Control>z");
  window_test_wait_row (test, second);

  select_task (test, third);
  g_assert_true (gtk_widget_activate_action (window_test_get (test, "list"), "task.retry", NULL));
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 3);
  g_assert_true (get_selected (test) != third);
  g_assert_cmpstr (ferry_task_get_name (get_selected (test)), ==, "Primes up to 10,000");
  window_test_wait_state (get_selected (test), FERRY_TASK_STATUS_DONE);
}

static void
test_running_task_is_not_removed (WindowTest *test, gconstpointer data)
{
  FerryTask *runs, *waits;

  occupy_workers (test);
  runs = window_test_get_task (test, 0);
  waits = window_test_add_task (test, "primes:100");
  select_task (test, runs);
  window_test_press_in_list (test, "Delete");
  g_assert_cmpint (ferry_task_get_state (runs), ==, FERRY_TASK_STATE_EXECUTING);
  window_test_wait_row (test, runs);

  window_test_act (test, waits, "task.run-next");
  g_assert_cmpint (ferry_test_get_number (waits, "priority"), >, 0);
  window_test_act (test, runs, "task.cancel");
  window_test_wait_state (runs, FERRY_TASK_STATUS_CANCELLED);
}

int
main (int argc, char **argv)
{
  window_test_init (&argc, &argv);
  window_test_add ("/list/counts-are-those-of-the-list", test_counts_are_those_of_the_list);
  window_test_add ("/list/many-tasks", test_many_tasks);
  window_test_add ("/list/hundred-tasks", test_hundred_tasks);
  window_test_add ("/list/waiting-tasks-run", test_waiting_tasks_run);
  window_test_add ("/list/waiting-task-is-cancelled", test_waiting_task_is_cancelled);
  window_test_add ("/list/number-of-workers", test_number_of_workers);
  window_test_add ("/list/keys", test_keys);
  window_test_add ("/list/running-task-is-not-removed", test_running_task_is_not_removed);
  return demo_test_run_all ();
}
