/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/app/ferry-demo-application.c, demo-app/app/ferry-demo-workers.c
 *
 * The demo's application, in this process: its end leaves no worker behind. */

#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "demo-app/app/ferry-demo-application.h"
#include "demo-app/app/ferry-demo-page.h"
#include "demo-app/app/ferry-demo-window.h"
#include "demo-test.h"

/* When all works, leaves in the way that user_data names. */
static gboolean
leave_cb (gpointer user_data)
{
  GApplication *application = g_application_get_default ();
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));

  if (window == NULL || demo_test_count_workers () != 3)
    return G_SOURCE_CONTINUE;
  if (g_str_equal (user_data, "close"))
    gtk_window_close (window);
  else
    g_action_group_activate_action (G_ACTION_GROUP (application), user_data, NULL);
  return G_SOURCE_REMOVE;
}

static void
test_leaving_ends_all_workers (gconstpointer data)
{
  g_auto (GStrv) arguments =
    g_strsplit ("ferry-demo --auto --workers 3 flood:1000000000000 primes:100000000000 hang", " ", 0);
  FerryDemoApplication *application;
  GList *windows;
  int output;

  if (!demo_test_has_display ())
    return;
  /* What the demo prints is no result of this program's. */
  fflush (stdout);
  output = dup (STDOUT_FILENO);
  dup2 (STDERR_FILENO, STDOUT_FILENO);
  application = ferry_demo_application_new ();
  g_timeout_add (5, leave_cb, (gpointer) data);
  g_assert_cmpint (g_application_run (G_APPLICATION (application), (int) g_strv_length (arguments), arguments), ==, 0);
  g_assert_cmpint (ferry_demo_application_get_exit_status (application), ==, 1);
  demo_test_wait_workers (0);
  fflush (stdout);
  dup2 (output, STDOUT_FILENO);
  close (output);

  /* To quit leaves the window to the end of the process. */
  windows = gtk_window_list_toplevels ();
  g_list_free_full (windows, (GDestroyNotify) gtk_window_destroy);
  g_assert_finalize_object (application);
}

static GListModel *
get_tasks (GtkWindow *window)
{
  GObject *list = ferry_demo_page_get_child (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (window), "tasks"), "list");

  return ferry_test_get_object (list, "model");
}

static void
show_page (GtkWindow *window, const char *page)
{
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (window), "page.show", "s", page));
}

/* Leaves when the sample is over; user_data is the number of tasks that there was when the page was seen. */
static gboolean
look_at_tasks_cb (gpointer user_data)
{
  GApplication *application = g_application_get_default ();
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));
  guint *n_seen = user_data;

  if (window == NULL)
    return G_SOURCE_CONTINUE;
  if (*n_seen == 0)
    {
      g_assert_cmpuint (g_list_model_get_n_items (get_tasks (window)), ==, 0);
      show_page (window, "tasks");
      *n_seen = g_list_model_get_n_items (get_tasks (window));
      g_assert_cmpuint (*n_seen, ==, 1);
      gtk_widget_activate_action (GTK_WIDGET (window), "job.cancel-all", NULL);
    }
  gtk_widget_activate_action (GTK_WIDGET (window), "job.clear", NULL);
  if (g_list_model_get_n_items (get_tasks (window)) > 0)
    return G_SOURCE_CONTINUE;
  show_page (window, "robust");
  show_page (window, "tasks");
  g_assert_cmpuint (g_list_model_get_n_items (get_tasks (window)), ==, 0);
  gtk_window_close (window);
  return G_SOURCE_REMOVE;
}

static void
test_one_task_shows_what_the_page_is_for (void)
{
  char *arguments[] = {(char *) "ferry-demo", (char *) "--page=robust", NULL};
  FerryDemoApplication *application;
  guint n_seen = 0;

  if (!demo_test_has_display ())
    return;
  application = ferry_demo_application_new ();
  g_application_set_flags (G_APPLICATION (application), G_APPLICATION_HANDLES_COMMAND_LINE | G_APPLICATION_NON_UNIQUE);
  g_timeout_add (5, look_at_tasks_cb, &n_seen);
  g_assert_cmpint (g_application_run (G_APPLICATION (application), 2, arguments), ==, 0);
  g_assert_cmpuint (n_seen, ==, 1);
  demo_test_wait_workers (0);
  g_assert_finalize_object (application);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  demo_test_init ();
  g_test_add_data_func ("/application/closing-ends-all-workers", "close", test_leaving_ends_all_workers);
  g_test_add_data_func ("/application/quitting-ends-all-workers", "quit", test_leaving_ends_all_workers);
  g_test_add_func ("/application/one-task-shows-what-the-page-is-for", test_one_task_shows_what_the_page_is_for);
  return g_test_run ();
}
