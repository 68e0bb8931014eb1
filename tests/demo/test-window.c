/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/app/ferry-demo-fold.c, demo-app/app/ferry-demo-preferences.c, demo-app/app/ferry-demo-window.c,
 * demo-app/tasks/ferry-demo-tasks-page.c, demo-app/tasks/ferry-demo-card.c
 *
 * The demo's window, in this process and with real workers: what its rows show, and what its buttons do. */

#include "config.h"

#include "demo-app/app/ferry-demo-preferences.h"
#include "window-test.h"

#include <string.h>

static void
test_empty (WindowTest *test, gconstpointer data)
{
  window_test_wait_words (test->window, "No Tasks");
  g_assert_true (window_test_is_empty (test));
  window_test_wait_words (test->window, "Add a Task");
  window_test_wait_words (test->window, "3 workers");
  g_assert_false (gtk_widget_get_visible (window_test_get (test, "summary")));
  g_assert_cmpstr (window_test_get_text (test, "messages_label"), ==, "0/s");
  g_assert_cmpstr (window_test_get_text (test, "median_label"), ==, "–");
  g_assert_cmpstr (window_test_get_text (test, "frames_label"), ==, "–");
  g_assert_cmpuint (demo_test_count_workers (), ==, 0);
}

/* On a machine that has much else to do the second one may have crashed before it is looked at. */
static gboolean
has_three_workers (gpointer crashing)
{
  return demo_test_count_workers () == 3 || ferry_task_get_done (crashing);
}

static gboolean
counts_or_crashed (gpointer row)
{
  return widget_test_find_words (row, " of 3,000,000,000 numbers") != NULL ||
         widget_test_find_words (row, "Crashed") != NULL;
}

static void
test_tasks_become_rows (WindowTest *test, gconstpointer data)
{
  window_test_activate (test, "job.add-flood");
  window_test_activate (test, "job.add-crash");
  window_test_activate (test, "job.add-hang");
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 3);
  g_assert_false (window_test_is_empty (test));
  g_assert_true (gtk_widget_get_visible (window_test_get (test, "summary")));
  ferry_test_look_until (has_three_workers, window_test_get_task (test, 1));
  window_test_wait_words (window_test_wait_row (test, window_test_get_task (test, 0)), "Endless flood of messages");
  window_test_wait_words (window_test_wait_row (test, window_test_get_task (test, 0)), "messages/s");
  window_test_wait_words (window_test_wait_row (test, window_test_get_task (test, 1)), "Worker that crashes");
  ferry_test_look_until (counts_or_crashed, window_test_wait_row (test, window_test_get_task (test, 1)));
  window_test_wait_words (window_test_wait_row (test, window_test_get_task (test, 2)), "Worker that hangs");
}

static void
test_primes_dialog (WindowTest *test, gconstpointer data)
{
  g_autoptr (GList) windows = NULL;
  GtkWindow *dialog = NULL;

  window_test_activate (test, "job.add-primes");
  windows = gtk_window_list_toplevels ();
  for (GList *item = windows; item != NULL; item = item->next)
    if (g_strcmp0 (gtk_window_get_title (item->data), "Count Primes") == 0)
      dialog = item->data;
  g_assert_nonnull (dialog);
  g_assert_true (gtk_window_get_transient_for (dialog) == GTK_WINDOW (test->window));
  g_assert_nonnull (gtk_window_get_default_widget (dialog));
  g_signal_emit_by_name (gtk_window_get_default_widget (dialog), "clicked");
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 1);
  g_assert_cmpstr (ferry_test_get_string (window_test_get_task (test, 0), "function"), ==, "primes");
}

/* A worker that reports, and one that is deaf. */
static void
test_cancel (WindowTest *test, gconstpointer data)
{
  FerryTask *flood, *hang;
  GtkWidget *row;

  hang = window_test_add_task (test, "hang");
  window_test_wait_state (hang, FERRY_TASK_STATUS_STALLED);
  window_test_wait_words (window_test_wait_row (test, hang), "Nothing heard for");
  flood = window_test_add_task (test, "flood:endless");
  window_test_wait_state (flood, FERRY_TASK_STATUS_RUNNING);

  row = window_test_wait_row (test, hang);
  g_assert_false (gtk_widget_get_visible (window_test_get_part (row, "remove_button")));
  window_test_click (row, "cancel_button");
  g_assert_false (gtk_widget_is_sensitive (window_test_get_part (row, "cancel_button")));
  window_test_wait_state (hang, FERRY_TASK_STATUS_CANCELLED);
  g_assert_cmpint (ferry_task_get_state (flood), ==, FERRY_TASK_STATE_EXECUTING);
  g_assert_false (gtk_widget_get_visible (window_test_get_part (row, "cancel_button")));
  g_assert_true (gtk_widget_get_visible (window_test_get_part (row, "retry_button")));
  g_assert_true (gtk_widget_get_visible (window_test_get_part (row, "remove_button")));

  window_test_click (window_test_wait_row (test, flood), "cancel_button");
  window_test_wait_state (flood, FERRY_TASK_STATUS_CANCELLED);
  window_test_wait_words (window_test_wait_row (test, flood), "Cancelled");
}

static void
test_crash_is_shown (WindowTest *test, gconstpointer data)
{
  FerryTask *task;
  GtkWidget *row;

  task = window_test_add_task (test, "crash");
  window_test_wait_state (task, FERRY_TASK_STATUS_CRASHED);
  row = window_test_wait_row (test, task);
  window_test_wait_words (row, "Crashed");
  window_test_wait_words (row, "(signal 11), after 'Writing where nothing may be written'");
  g_assert_true (gtk_widget_has_css_class (window_test_get_part (row, "state_label"), "error"));
  g_assert_cmpfloat (ferry_task_get_fraction (task), >=, 0.5);
  g_assert_cmpfloat (ferry_task_get_fraction (task), <, 0.6);
}

/* As a job that hangs would, with less time for it. */
static void
test_time_limit_is_shown (WindowTest *test, gconstpointer data)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "hang", NULL);
  GtkWidget *row;

  ferry_task_set_run_timeout (task, G_USEC_PER_SEC / 2);
  ferry_task_set_cancel_grace (task, G_USEC_PER_SEC / 10);
  g_assert_true (ferry_executor_submit_task (test->executor, task, NULL));
  window_test_wait_state (task, FERRY_TASK_STATUS_TIMED_OUT);
  row = window_test_wait_row (test, task);
  window_test_wait_words (row, "Timed out");
  window_test_wait_words (row, "Not done in the");
}

static void
test_run_again (WindowTest *test, gconstpointer data)
{
  FerryTask *task;
  GtkWidget *bar;

  task = window_test_add_task (test, "primes:1000");
  window_test_add_task (test, "flood:endless");
  window_test_wait_state (task, FERRY_TASK_STATUS_DONE);
  window_test_wait_words (window_test_wait_row (test, task), "168 primes");
  bar = window_test_get_part (window_test_wait_row (test, task), "progress_bar");
  g_assert_cmpfloat (gtk_progress_bar_get_fraction (GTK_PROGRESS_BAR (bar)), ==, 1.0);

  window_test_click (window_test_wait_row (test, task), "retry_button");
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 2);
  g_assert_cmpstr (ferry_test_get_string (window_test_get_task (test, 0), "function"), ==, "flood");
  task = window_test_get_task (test, 1);
  g_assert_cmpstr (ferry_task_get_name (task), ==, "Primes up to 1,000");
  window_test_wait_state (task, FERRY_TASK_STATUS_DONE);
  window_test_wait_words (window_test_wait_row (test, task), "168 primes");
}

static void
test_remove_and_clear (WindowTest *test, gconstpointer data)
{
  FerryTask *flood;

  window_test_add_task (test, "primes:100");
  flood = window_test_add_task (test, "flood:endless");
  window_test_add_task (test, "primes:1000");
  window_test_add_task (test, "sha256:/nonexistent/ferry");
  window_test_wait_state (window_test_get_task (test, 0), FERRY_TASK_STATUS_DONE);
  window_test_wait_state (window_test_get_task (test, 2), FERRY_TASK_STATUS_DONE);
  window_test_wait_state (window_test_get_task (test, 3), FERRY_TASK_STATUS_FAILED);
  window_test_wait_state (flood, FERRY_TASK_STATUS_RUNNING);
  window_test_wait_words (window_test_wait_row (test, window_test_get_task (test, 3)), "nonexistent");

  window_test_click (window_test_wait_row (test, window_test_get_task (test, 0)), "remove_button");
  window_test_wait_no_row (test, window_test_get_task (test, 0));
  g_assert_true (ferry_executor_remove (test->executor, window_test_get_task (test, 0), NULL));
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 3);
  g_assert_true (window_test_get_task (test, 0) == flood);
  g_assert_false (ferry_executor_remove (test->executor, flood, NULL));
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 3);

  window_test_activate (test, "job.clear");
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 1);
  g_assert_true (window_test_get_task (test, 0) == flood);
  g_assert_false (window_test_is_empty (test));

  window_test_click (window_test_wait_row (test, flood), "cancel_button");
  window_test_wait_state (flood, FERRY_TASK_STATUS_CANCELLED);
  window_test_wait_words (test->window, "1 failed · 1 cancelled");
  window_test_activate (test, "job.clear");
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 0);
  g_assert_true (window_test_is_empty (test));
}

static gboolean
figures_live (gpointer data)
{
  return strcmp (window_test_get_text (data, "messages_label"), "0/s") != 0 &&
         strcmp (window_test_get_text (data, "median_label"), "–") != 0 &&
         strcmp (window_test_get_text (data, "p99_label"), "–") != 0 &&
         strcmp (window_test_get_text (data, "frames_label"), "–") != 0 &&
         strcmp (window_test_get_text (data, "frames_label"), "0/s") != 0;
}

static gboolean
figures_rest (gpointer data)
{
  return strcmp (window_test_get_text (data, "messages_label"), "0/s") == 0 &&
         strcmp (window_test_get_text (data, "median_label"), "–") == 0 &&
         strcmp (window_test_get_text (data, "p99_label"), "–") == 0 &&
         strcmp (window_test_get_text (data, "frames_label"), "–") == 0;
}

static void
test_figures (WindowTest *test, gconstpointer data)
{
  FerryTask *task;

  task = window_test_add_task (test, "flood:endless");
  ferry_test_look_until (figures_live, test);
  ferry_task_cancel (task);
  ferry_test_look_until (figures_rest, test);
  g_assert_false (ferry_demo_session_is_turning (test->session));
}

static int
measure (GtkWidget *row)
{
  int height;

  gtk_widget_measure (row, GTK_ORIENTATION_VERTICAL, -1, NULL, &height, NULL, NULL);
  return height;
}

/* A folder's name may have line ends in it; that makes no row higher. */
static void
test_odd_names_stay_in_line (WindowTest *test, gconstpointer data)
{
  FerryTask *plain, *odd;

  plain = window_test_add_task (test, "sha256:/nonexistent/ferry");
  odd = window_test_add_task (test, "sha256:/nonexistent/\nfer\r\nry\xff\n");
  window_test_wait_state (plain, FERRY_TASK_STATUS_FAILED);
  window_test_wait_state (odd, FERRY_TASK_STATUS_FAILED);
  g_assert_cmpint (measure (window_test_wait_row (test, odd)), ==, measure (window_test_wait_row (test, plain)));
}

static void
copied_cb (GObject *clipboard, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  *(char **) user_data = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (clipboard), result, &error);
  g_assert_no_error (error);
}

static gboolean
is_set (gpointer data)
{
  return *(gpointer *) data != NULL;
}

static void
test_digests_are_copied (WindowTest *test, gconstpointer data)
{
  g_autofree char *word = NULL;
  g_autofree char *copied = NULL;
  FerryTask *task;
  GtkWidget *row;
  char *folder;

#ifdef __SANITIZE_ADDRESS__
  /* GTK 4.8 now and then loses a few bytes of what it learns from the X server about a selection. */
  g_test_skip ("The clipboard is not looked at under AddressSanitizer");
  return;
#endif
  folder = demo_test_folder_new ();
  demo_test_write (folder, "two\nlines", "");
  demo_test_write (folder, "non\xffutf8", "");
  word = g_strconcat ("sha256:", folder, NULL);
  task = window_test_add_task (test, word);
  window_test_wait_state (task, FERRY_TASK_STATUS_DONE);
  row = window_test_wait_row (test, task);
  window_test_wait_words (row, "2 files, 0 bytes");
  g_assert_true (gtk_widget_get_visible (ferry_test_get_object (row, "suffix")));
  g_signal_emit_by_name (ferry_test_get_object (row, "suffix"), "clicked");
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (row), NULL, copied_cb, &copied);
  ferry_test_look_until (is_set, &copied);
  g_assert_true (g_utf8_validate (copied, -1, NULL));
  g_assert_nonnull (strstr (copied, "two\\nlines\n"));
  demo_test_folder_remove (folder);
}

/* What is chosen is there at the next start, and the number of workers at once. */
static gboolean
has_size (gpointer widget)
{
  return gtk_widget_get_mapped (widget) && gtk_widget_get_height (widget) > 0;
}

/* GTK warns of the buttons that lead to a second page, and warnings are fatal here. */
static void
test_shortcuts_are_on_one_page (WindowTest *test, gconstpointer data)
{
  g_autoptr (GtkBuilder) builder = NULL;
  GtkWidget *overlay;

  builder = gtk_builder_new_from_resource ("/org/ferryproject/Demo/gtk/help-overlay.ui");
  overlay = GTK_WIDGET (gtk_builder_get_object (builder, "help_overlay"));
  gtk_window_set_transient_for (GTK_WINDOW (overlay), GTK_WINDOW (test->window));
  gtk_window_present (GTK_WINDOW (overlay));
  ferry_test_run_until (has_size, overlay);
  gtk_window_destroy (GTK_WINDOW (overlay));
}

static void
test_preferences_are_kept (WindowTest *test, gconstpointer data)
{
  FerryDemoPreferences preferences = {.sandbox = FERRY_SANDBOX_POLICY_OFF};
  FerryPool *pool;
  GtkWindow *window;
  GtkBuilder *builder;

  ferry_demo_preferences_load (&preferences);
  g_assert_cmpuint (preferences.n_workers, ==, 0);
  g_assert_cmpint (preferences.sandbox, ==, FERRY_SANDBOX_POLICY_PREFERRED);
  g_assert_false (preferences.throughput);

  pool = ferry_executor_get_pool (test->executor);
  window = ferry_demo_preferences_window_new (GTK_WINDOW (test->window), pool);
  builder = g_object_get_data (G_OBJECT (window), "builder");
  g_object_set (gtk_builder_get_object (builder, "workers"), "value", 5.0, NULL);
  g_object_set (gtk_builder_get_object (builder, "sandbox"), "selected", FERRY_SANDBOX_POLICY_REQUIRED, NULL);
  g_object_set (gtk_builder_get_object (builder, "throughput"), "selected", 1, NULL);
  gtk_window_destroy (window);
  g_assert_cmpuint (ferry_test_get_number (pool, "max-workers"), ==, 5);
  ferry_demo_preferences_load (&preferences);
  g_assert_cmpuint (preferences.n_workers, ==, 5);
  g_assert_cmpint (preferences.sandbox, ==, FERRY_SANDBOX_POLICY_REQUIRED);
  g_assert_true (preferences.throughput);
}

static int
measure_width (GtkWidget *widget)
{
  int width;

  gtk_widget_measure (widget, GTK_ORIENTATION_HORIZONTAL, -1, &width, NULL, NULL, NULL);
  return width;
}

static gboolean
has_folded (gpointer window)
{
  return ferry_test_get_number (gtk_widget_get_template_child (window, FERRY_DEMO_TYPE_WINDOW, "leaflet"), "folded");
}

/* A narrow one has the pages in a menu. */
static void
test_fits_a_narrow_screen (WindowTest *test, gconstpointer data)
{
  static const char *const pages[] = {"start", "pipes", "tasks", "robust", "pictures", "object"};
  GtkWidget *page;

  g_assert_false (has_folded (test->window));
  /* Of each kind of row: one that is done with a button of the demo's own, one that has crashed and one that runs. */
  window_test_wait_state (window_test_add_task (test, "sha256:/usr/share/doc/dpkg"), FERRY_TASK_STATUS_DONE);
  window_test_wait_state (window_test_add_task (test, "crash"), FERRY_TASK_STATUS_CRASHED);
  window_test_wait_state (window_test_add_task (test, "flood:endless"), FERRY_TASK_STATUS_RUNNING);
  window_test_wait_words (window_test_wait_row (test, window_test_get_task (test, 2)), "messages/s");
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    {
      window_test_show_page (test, pages[i]);
      page = ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), NULL);
      g_test_message ("%s %d", pages[i], measure_width (page));
      g_assert_cmpint (measure_width (page), <=, 350);
    }
  gtk_window_set_default_size (GTK_WINDOW (test->window), 360, 640);
  ferry_test_look_until (has_folded, test->window);
}

/* As it is with large letters. */
static void
test_list_of_pages_folds_where_a_page_needs_its_room (WindowTest *test, gconstpointer data)
{
  gtk_window_set_default_size (GTK_WINDOW (test->window), 800, 600);
  gtk_widget_set_size_request (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), NULL), 750, -1);
  ferry_test_look_until (has_folded, test->window);
}

/* Both bars of the start page, the second of which is below the first. */
static gboolean
are_both_in_sight (gpointer user_data)
{
  GtkWidget *bar = window_test_get_child (user_data, "start", "own_bar");
  GtkWidget *window = ((WindowTest *) user_data)->window;
  graphene_rect_t bounds;

  return has_folded (window) && gtk_widget_compute_bounds (bar, window, &bounds) && bounds.origin.y > 320.0f &&
         bounds.origin.y + bounds.size.height < (float) gtk_widget_get_height (window);
}

static void
test_both_sides_are_in_sight_of_a_small_screen (WindowTest *test, gconstpointer data)
{
  window_test_show_page (test, "start");
  gtk_window_set_default_size (GTK_WINDOW (test->window), 360, 640);
  ferry_test_look_until (are_both_in_sight, test);
}

int
main (int argc, char **argv)
{
  char *folder = demo_test_folder_new ();
  int status;

  g_setenv ("XDG_CONFIG_HOME", folder, TRUE);
  window_test_init (&argc, &argv);
  window_test_add ("/window/empty", test_empty);
  window_test_add ("/window/tasks-become-rows", test_tasks_become_rows);
  window_test_add ("/window/primes-dialog", test_primes_dialog);
  window_test_add ("/window/cancel", test_cancel);
  window_test_add ("/window/crash-is-shown", test_crash_is_shown);
  window_test_add ("/window/time-limit-is-shown", test_time_limit_is_shown);
  window_test_add ("/window/run-again", test_run_again);
  window_test_add ("/window/remove-and-clear", test_remove_and_clear);
  window_test_add ("/window/figures", test_figures);
  window_test_add ("/window/odd-names-stay-in-line", test_odd_names_stay_in_line);
  window_test_add ("/window/digests-are-copied", test_digests_are_copied);
  window_test_add ("/window/shortcuts-are-on-one-page", test_shortcuts_are_on_one_page);
  window_test_add ("/window/preferences-are-kept", test_preferences_are_kept);
  window_test_add ("/window/fits-a-narrow-screen", test_fits_a_narrow_screen);
  window_test_add ("/window/list-of-pages-folds-where-a-page-needs-its-room",
                   test_list_of_pages_folds_where_a_page_needs_its_room);
  window_test_add ("/window/both-sides-are-in-sight-of-a-small-screen", test_both_sides_are_in_sight_of_a_small_screen);
  status = g_test_run ();
  demo_test_folder_remove (folder);
  return status;
}
