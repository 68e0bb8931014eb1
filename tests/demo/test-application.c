/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/app/ferry-demo-application.c, demo-app/app/ferry-demo-workers.c
 *
 * The demo's application, in this process: its end leaves no worker behind. */

#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "demo-app/app/ferry-demo-application.h"
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  demo_test_init ();
  g_test_add_data_func ("/application/closing-ends-all-workers", "close", test_leaving_ends_all_workers);
  g_test_add_data_func ("/application/quitting-ends-all-workers", "quit", test_leaving_ends_all_workers);
  return g_test_run ();
}
