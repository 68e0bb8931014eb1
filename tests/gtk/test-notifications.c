/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-monitor.c, gtk/ferry-task-list.c, gtk/ferry-task-row.c, gtk/ferry-task-button.c,
 * gtk/ferry-worker-list.c
 *
 * Each property of what a window shows is notified when it changes. */

#include "config.h"

#include "gtk/ferry-task-button.h"
#include "gtk/ferry-task-guard.h"
#include "gtk/ferry-task-list.h"
#include "gtk/ferry-task-monitor.h"
#include "gtk/ferry-task-row.h"
#include "gtk/ferry-worker-list.h"
#include "gtk/widget-test.h"
#include "task/notify-watch.h"
#include "task/task-test.h"

static const char *const exceptions[] = {NULL};

static gboolean
is_half_done (gpointer task)
{
  return ferry_task_get_fraction (task) == 0.5;
}

static gboolean
shows_half (gpointer widget)
{
  if (GTK_IS_PROGRESS_BAR (widget))
    return gtk_progress_bar_get_fraction (widget) == 0.5;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    if (shows_half (child))
      return TRUE;
  return FALSE;
}

/* Adds a widget to the box, and watches it. */
static GtkWidget *
show (NotifyWatch *watch, GtkWidget *box, GtkWidget *widget)
{
  gtk_box_append (GTK_BOX (box), widget);
  notify_watch_add (watch, widget);
  return widget;
}

static void
tells_all_of_widgets (void)
{
  TaskTest *test;
  NotifyWatch *watch;
  GtkWidget *box, *window, *list;
  g_autoptr (FerryTask) half = ferry_task_new (FERRY_TASK_KIND_CALL, "halves", NULL);
  g_autoptr (FerryTask) fails =
    ferry_task_new (FERRY_TASK_KIND_CALL, "fail", g_variant_new ("(sis)", "domain", 1, "It failed"));
  FerryTaskMonitor *monitors[3];

  if (!widget_test_has_display ())
    return;
  test = task_test_new (/* in_threads: */ TRUE, 1);
  watch = notify_watch_new (exceptions);
  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  list = show (watch, box, ferry_task_list_new (G_LIST_MODEL (test->executor)));
  show (watch, box, ferry_task_button_new (G_LIST_MODEL (test->executor)));
  show (watch, box, ferry_task_row_new (half, test->executor));
  show (watch, box, ferry_worker_list_new (test->pool));
  monitors[0] = ferry_task_monitor_new (half, NULL);
  monitors[1] = ferry_task_monitor_new (half, box);
  monitors[2] = ferry_task_monitor_new (fails, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (monitors); i++)
    notify_watch_add (watch, monitors[i]);
  window = widget_test_show (box);
  task_test_submit_task (test->executor, half);
  task_test_submit_task (test->executor, fails);
  notify_watch_check (watch);
  task_test_open_gate ();
  ferry_test_run_until (is_half_done, half);
  ferry_test_look_until (shows_half, list);
  notify_watch_check (watch);
  g_object_set (list, "selected-task", half, NULL);
  notify_watch_check (watch);
  task_test_close_gate ();
  task_test_wait_done (fails);
  widget_test_wait_words (list, "Failed");
  notify_watch_check (watch);
  ferry_executor_clear_finished (test->executor);
  ferry_test_look_until (task_test_is_idle, test->executor);
  notify_watch_check (watch);
  notify_watch_free (watch);
  gtk_window_destroy (GTK_WINDOW (window));
  for (guint i = 0; i < G_N_ELEMENTS (monitors); i++)
    g_object_unref (monitors[i]);
  task_test_free (test);
}

/* What GTK opens once, it opens before descriptors are counted. */
static void
warm_up (void)
{
  if (gtk_is_initialized ())
    gtk_window_destroy (GTK_WINDOW (widget_test_show (ferry_task_button_new (NULL))));
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  widget_test_start ();
  warm_up ();
  g_test_add_func ("/notifications/tells-all-of-widgets", tells_all_of_widgets);
  return g_test_run ();
}
