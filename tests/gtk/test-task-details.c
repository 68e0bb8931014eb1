/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-details.c
 *
 * What can be read and copied of a task that failed. */

#include "config.h"

#include "gtk/ferry-task-details-private.h"
#include "gtk/widget-test.h"
#include "task/lone-task.h"

#include <signal.h>

#include "engine/ferry-exit-private.h"

static FerryTask *
crashed_task (const char *trace)
{
  static TaskTestExecutor executor;
  FerryTask *task = task_test_new_executing (&executor);
  g_autoptr (FerryExit) exit = ferry_exit_new_for_process ("worker", 77, CLD_KILLED, SIGSEGV, 0);

  g_object_set (task, "name", "Holidays", NULL);
  g_assert_true (ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_LOST,
                                 g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "Worker 77 is gone"), trace, exit));
  return task;
}

static void
test_report_has_the_words_and_all_that_is_known (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) running = task_test_new_executing (&executor);
  g_autoptr (FerryTask) task = crashed_task ("main.c:12: copy()");
  g_autofree char *nothing = ferry_task_dup_error_report (running);
  g_autofree char *report = ferry_task_dup_error_report (task);

  g_assert_cmpstr (nothing, ==, "");
  g_assert_true (g_str_has_prefix (report, "Holidays: It crashed: "));
  ferry_test_assert_says (report,
                          "Message:\nsum: Worker 'worker' (process 77) was killed by signal 11 (Segmentation fault)");
  ferry_test_assert_says (report, "Trace:\nmain.c:12: copy()\n");
}

/* What the words for users say already is not there twice. */
static void
test_report_says_nothing_twice (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autofree char *report = NULL;

  g_object_set (task, "name", "Holidays", NULL);
  g_assert_true (ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_ERROR,
                                 task_test_error ("The disk is full."), NULL, NULL));
  report = ferry_task_dup_error_report (task);
  g_assert_cmpstr (report, ==, "Holidays: There is no room left: The disk is full\n");
}

static FerryTask *
failed_group (guint n_failed)
{
  static TaskTestExecutor executor;
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) good = task_test_new_executing (&executor);
  FerryTask *whole = ferry_task_new_for_group (group, "Holidays", "pictures");

  ferry_task_group_add (group, good);
  for (guint i = 0; i < n_failed; i++)
    {
      g_autoptr (FerryTask) bad = task_test_new_executing (&executor);
      g_autofree char *name = g_strdup_printf ("%u.jpg", i);

      g_object_set (bad, "name", name, NULL);
      ferry_task_group_add (group, bad);
      g_assert_true (ferry_run_fail (ferry_task_get_run (bad), FERRY_TASK_EVENT_ERROR,
                                     task_test_error ("The file is cut"), NULL, NULL));
    }
  g_assert_true (ferry_run_complete (ferry_task_get_run (good), NULL));
  return whole;
}

/* What failed, and not what the core says of that to logs. */
static void
test_report_names_what_failed_of_a_group (void)
{
  g_autoptr (FerryTask) some = failed_group (2);
  g_autoptr (FerryTask) many = failed_group (12);
  g_autofree char *report = ferry_task_dup_error_report (some);
  g_autofree char *long_report = ferry_task_dup_error_report (many);

  g_assert_cmpstr (report, ==, "Holidays: 2 of 3 pictures failed:\n0.jpg: The file is cut\n1.jpg: The file is cut\n");
  ferry_test_assert_says (long_report, "12 of 13 pictures failed");
  g_assert_true (g_str_has_suffix (long_report, "9.jpg: The file is cut\nand 2 more\n"));
}

/* In the words that a task has, and below them what is for developers. */
static void
test_report_says_of_what_crashed_what_a_row_says (void)
{
  const FerryErrorCause cause = {.signal = SIGSEGV, .files = "'out'"};
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) lost = task_test_new_executing (&executor);
  g_autoptr (FerryTask) cut = task_test_new_executing (&executor);
  g_autoptr (FerryTask) whole = ferry_task_new_for_group (group, "Holidays", "pictures");
  GError *error = g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "Worker 77 is gone");
  g_autofree char *report = NULL;

  ferry_error_set_cause (error, &cause);
  g_object_set (lost, "name", "a.jpg", NULL);
  g_object_set (cut, "name", "b.jpg", NULL);
  ferry_task_group_add (group, lost);
  ferry_task_group_add (group, cut);
  g_assert_true (ferry_run_fail (ferry_task_get_run (lost), FERRY_TASK_EVENT_LOST, error, NULL, NULL));
  g_assert_true (
    ferry_run_fail (ferry_task_get_run (cut), FERRY_TASK_EVENT_ERROR, task_test_error ("It is cut."), NULL, NULL));
  report = ferry_task_dup_error_report (whole);
  g_assert_cmpstr (report, ==,
                   "Holidays: 2 of 2 pictures failed:\n"
                   "a.jpg: A fault in the program ended this task. 'out' may be incomplete\n"
                   "b.jpg: It is cut\n\n"
                   "Message:\na.jpg: Worker 77 is gone\n");
}

/* Items of a map have no names; the first is number 1. */
static void
test_report_counts_what_has_no_name (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autofree char *report = NULL;

  task_test_fail_for_parts (task, 1, 60, "It is odd");
  report = ferry_task_dup_error_report (task);
  ferry_test_assert_says (report, ": 1 of 60 failed:\nItem 12: It is odd\n");
}

static GtkWidget *
find_details (void)
{
  g_autoptr (GList) windows = gtk_window_list_toplevels ();

  for (GList *item = windows; item != NULL; item = item->next)
    if (FERRY_IS_TASK_DETAILS (item->data))
      return item->data;
  return NULL;
}

static void
note_text_cb (GObject *clipboard, GAsyncResult *result, gpointer data)
{
  *(char **) data = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (clipboard), result, NULL);
}

static gboolean
is_there (gpointer data)
{
  return *(gpointer *) data != NULL;
}

static gboolean
is_gone (gpointer data)
{
  return *(gpointer *) data == NULL;
}

static void
test_window_is_read_and_closed_by_keys (void)
{
  g_autoptr (FerryTask) task = NULL, whole = NULL;
  g_autofree char *report = NULL;
  g_autofree char *copied = NULL;
  GtkWidget *below, *details, *focus;

  if (!widget_test_has_display ())
    return;
  task = crashed_task ("main.c:12: copy()");
  whole = failed_group (2);
  below = widget_test_show (gtk_label_new ("Below"));
  ferry_task_details_present (task, gtk_window_get_child (GTK_WINDOW (below)), NULL, NULL);
  details = find_details ();
  g_assert_nonnull (details);
  g_assert_true (gtk_window_get_transient_for (GTK_WINDOW (details)) == GTK_WINDOW (below));
  widget_test_wait_words (details, "It crashed");
  g_assert_nonnull (widget_test_find_words (details, "A fault in the program ended this task."));
  g_assert_nonnull (widget_test_find_words (details, "Technical Details"));
  g_assert_nonnull (widget_test_find_words (details, "signal 11 (Segmentation fault)"));
  g_assert_null (widget_test_find_words (details, "Worker 77 is gone"));
  g_assert_nonnull (widget_test_find_words (details, "main.c:12: copy()"));
  g_assert_null (widget_test_find_words (details, "Last output"));
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (details), GTK_ACCESSIBLE_ROLE_DIALOG);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (details), GTK_ACCESSIBLE_PROPERTY_LABEL, "Holidays");
  widget_test_assert_read_once (details);

  focus = gtk_window_get_focus (GTK_WINDOW (details));
  g_assert_true (GTK_IS_BUTTON (focus));
  g_signal_emit_by_name (focus, "clicked");
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (details), NULL, note_text_cb, &copied);
  ferry_test_run_until (is_there, &copied);
  report = ferry_task_dup_error_report (task);
  g_assert_cmpstr (copied, ==, report);

  g_object_add_weak_pointer (G_OBJECT (details), (gpointer *) &details);
  widget_test_press (details, "Escape");
  ferry_test_run_until (is_gone, &details);

  ferry_task_details_present (whole, gtk_window_get_child (GTK_WINDOW (below)), NULL, NULL);
  details = find_details ();
  widget_test_wait_words (details, "2 of 3 pictures failed");
  g_assert_nonnull (widget_test_find_words (details, "0.jpg: The file is cut\n1.jpg: The file is cut"));
  widget_test_assert_read_once (details);
  gtk_window_destroy (GTK_WINDOW (below));
}

int
main (int argc, char **argv)
{
  widget_test_init (&argc, &argv);
  g_test_add_func ("/task-details/report-has-the-words-and-all-that-is-known",
                   test_report_has_the_words_and_all_that_is_known);
  g_test_add_func ("/task-details/report-says-nothing-twice", test_report_says_nothing_twice);
  g_test_add_func ("/task-details/report-names-what-failed-of-a-group", test_report_names_what_failed_of_a_group);
  g_test_add_func ("/task-details/report-says-of-what-crashed-what-a-row-says",
                   test_report_says_of_what_crashed_what_a_row_says);
  g_test_add_func ("/task-details/report-counts-what-has-no-name", test_report_counts_what_has_no_name);
  g_test_add_func ("/task-details/window-is-read-and-closed-by-keys", test_window_is_read_and_closed_by_keys);
  return g_test_run ();
}
