/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/app/ferry-demo-preferences.c, demo-app/app/ferry-demo-window.c,
 * demo-app/tasks/ferry-demo-tasks-page.c, demo-app/tasks/ferry-demo-job.c, demo-app/commands/ferry-demo-commands-page.c
 *
 * The demo's window, in this process and with real workers: what it shows of tasks, and what its menus do. */

#include "config.h"

#include "demo-app/app/ferry-demo-preferences.h"
#include "window-test.h"

#include <adwaita.h>
#include <libintl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void
test_empty (WindowTest *test, gconstpointer data)
{
  window_test_wait_words (test->window, "No Tasks");
  g_assert_true (window_test_is_empty (test));
  window_test_wait_words (test->window, "Add Task");
  window_test_wait_words (test->window, "3 workers");
  g_assert_false (gtk_widget_get_visible (window_test_get (test, "counts_label")));
  g_assert_cmpuint (demo_test_count_workers (), ==, 0);
}

/* One click on an empty page has a list to look at. */
static void
test_some_tasks_are_added_at_a_click (WindowTest *test, gconstpointer data)
{
  GtkWidget *button =
    gtk_widget_get_ancestor (widget_test_find_words (test->window, "Add Some Tasks"), GTK_TYPE_BUTTON);

  g_signal_emit_by_name (button, "clicked");
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 8);
  g_assert_false (window_test_is_empty (test));
  window_test_wait_state (window_test_get_task (test, 0), FERRY_TASK_STATUS_DONE);
  window_test_wait_state (window_test_get_task (test, 1), FERRY_TASK_STATUS_CRASHED);
}

static gboolean
has_name (GtkWidget *widget)
{
  GtkAccessible *accessible = GTK_ACCESSIBLE (widget);

  return gtk_test_accessible_has_property (accessible, GTK_ACCESSIBLE_PROPERTY_LABEL) ||
         gtk_test_accessible_has_relation (accessible, GTK_ACCESSIBLE_RELATION_LABELLED_BY);
}

/* The button inside a menu button has the name of that: GTK 4.8 says so by a relation, and GTK 4.18 by itself. */
static guint
count_nameless_buttons (GtkWidget *widget)
{
  GtkWidget *parent = gtk_widget_get_parent (widget);
  guint n = GTK_IS_BUTTON (widget) && !has_name (widget) && !(GTK_IS_MENU_BUTTON (parent) && has_name (parent)) &&
            gtk_button_get_icon_name (GTK_BUTTON (widget)) == NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    n += count_nameless_buttons (child);
  return n;
}

/* A screen reader would call one whose label wraps by its type. */
static void
test_each_button_has_a_name (WindowTest *test, gconstpointer data)
{
  g_assert_cmpuint (count_nameless_buttons (test->window), ==, 0);
}

static void
test_tasks_become_rows (WindowTest *test, gconstpointer data)
{
  static const char *const words[] = {"flood:endless", "crash", "hang", "primes:5000000000"};
  static const char *const titles[] = {"An endless flood of messages", "A task that crashes", "A task that hangs",
                                       "Primes up to 5,000,000,000"};

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    g_assert_true (gtk_widget_activate_action (test->window, "job.add-one", "s", words[i]));
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, G_N_ELEMENTS (words));
  g_assert_false (window_test_is_empty (test));
  window_test_wait_words (test->window, "3 in progress · 1 waiting");
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    window_test_wait_words (window_test_wait_row (test, window_test_get_task (test, i)), titles[i]);
  window_test_wait_words (window_test_wait_row (test, window_test_get_task (test, 0)), "messages/s");
  window_test_wait_words (window_test_wait_row (test, window_test_get_task (test, 2)), "500,000,000");
}

/* The toast that is there gets the words: libadwaita before 1.5 reads freed memory when one is dismissed in the frame
 * that it comes in. */
static void
test_one_toast_has_the_newest_way_on (WindowTest *test, gconstpointer data)
{
  GtkWidget *page = window_test_get (test, "counts_label");

  ferry_demo_tell (page, "The first has ended", "job.undo");
  ferry_demo_tell (page, "The second has ended", "job.undo");
  window_test_wait_words (test->window, "The second has ended");
  window_test_wait_words (test->window, "Run Again");
  g_assert_null (widget_test_find_words (test->window, "The first has ended"));
}

/* What a function has come to is said in words, and so is how it ended. */
static void
test_ends_have_words (WindowTest *test, gconstpointer data)
{
  static const struct
  {
    const char *word;
    FerryTaskStatus status;
    const char *words;
  } ends[] = {
    {"primes:3000000", FERRY_TASK_STATUS_DONE, "216,816 primes"},
    {"primes:2", FERRY_TASK_STATUS_DONE, "1 prime"},
    {"flood:200000", FERRY_TASK_STATUS_DONE, "200,000 messages, complete and in order"},
    {"crash", FERRY_TASK_STATUS_CRASHED, "Crashed"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      FerryTask *task = window_test_add_task (test, ends[i].word);

      window_test_wait_state (task, ends[i].status);
      window_test_wait_words (window_test_wait_row (test, task), ends[i].words);
    }
  window_test_wait_words (test->window, "1 failed");
}

static gboolean
is_hidden (gpointer label)
{
  return !gtk_widget_get_visible (label);
}

/* A worker that reports, and one that is deaf. */
static void
test_cancel (WindowTest *test, gconstpointer data)
{
  FerryTask *flood, *hang;

  hang = window_test_add_task (test, "hang");
  window_test_wait_state (hang, FERRY_TASK_STATUS_STALLED);
  flood = window_test_add_task (test, "flood:endless");
  window_test_wait_state (flood, FERRY_TASK_STATUS_RUNNING);
  window_test_act (test, hang, "task.cancel");
  window_test_wait_state (hang, FERRY_TASK_STATUS_CANCELLED);
  g_assert_cmpint (ferry_task_get_state (flood), ==, FERRY_TASK_STATE_EXECUTING);
  window_test_act (test, flood, "task.cancel");
  window_test_wait_state (flood, FERRY_TASK_STATUS_CANCELLED);
  ferry_test_look_until (is_hidden, window_test_get (test, "counts_label"));
}

/* As a job that hangs would, with less time for it. */
static void
test_time_limit_is_shown (WindowTest *test, gconstpointer data)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "hang", NULL);
  g_autoptr (FerryTask) submitted = NULL;

  ferry_task_set_run_timeout (task, G_USEC_PER_SEC / 2);
  ferry_task_set_cancel_grace (task, G_USEC_PER_SEC / 10);
  submitted = ferry_queue_submit (test->queue, task, NULL, NULL);
  g_assert_true (submitted == task);
  window_test_wait_state (task, FERRY_TASK_STATUS_TIMED_OUT);
  window_test_wait_words (window_test_wait_row (test, task), "Timed out");
}

/* Another try has the words of its own result. */
static void
test_run_again (WindowTest *test, gconstpointer data)
{
  FerryTask *task;

  task = window_test_add_task (test, "primes:1000");
  window_test_wait_state (task, FERRY_TASK_STATUS_DONE);
  window_test_wait_words (window_test_wait_row (test, task), "168 primes");
  window_test_act (test, task, "task.retry");
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 1);
  task = window_test_get_task (test, 0);
  g_assert_cmpstr (ferry_task_get_name (task), ==, "Primes up to 1,000");
  window_test_wait_state (task, FERRY_TASK_STATUS_DONE);
  window_test_wait_words (window_test_wait_row (test, task), "168 primes");
}

/* From whatever page. */
static void
test_adding_a_task_shows_the_list (WindowTest *test, gconstpointer data)
{
  window_test_show_page (test, "robust");
  g_assert_true (gtk_widget_activate_action (test->window, "job.add-one", "s", "crash"));
  g_assert_true (gtk_widget_get_mapped (window_test_get (test, "list")));
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 1);
}

static void
test_remove_and_clear (WindowTest *test, gconstpointer data)
{
  FerryTask *done, *flood;

  done = window_test_add_task (test, "primes:100");
  flood = window_test_add_task (test, "flood:endless");
  window_test_add_task (test, "primes:1000");
  window_test_wait_state (done, FERRY_TASK_STATUS_DONE);
  window_test_wait_state (window_test_get_task (test, 2), FERRY_TASK_STATUS_DONE);
  window_test_wait_words (test->window, "1 in progress");
  window_test_act (test, done, "task.remove");
  window_test_wait_no_row (test, done);
  window_test_activate (test, "job.clear");
  window_test_wait_words (test->window, "2 tasks removed");
  window_test_wait_row (test, flood);
  window_test_activate (test, "job.cancel-all");
  window_test_wait_idle (test);
  /* Wherever the focus is; the list that is seen can put them back. */
  gtk_widget_child_focus (window_test_get (test, "add_button"), GTK_DIR_TAB_FORWARD);
  widget_test_press (test->window, "<Shift>Delete");
  g_assert_true (window_test_is_empty (test));
  window_test_wait_words (test->window, "3 tasks removed");
  window_test_press_in_list (test, "<Control>z");
  window_test_wait_row (test, done);
  window_test_wait_row (test, flood);
  /* Nobody would see the way back on another page. */
  window_test_show_page (test, "start");
  widget_test_press (test->window, "<Shift>Delete");
  g_assert_cmpuint (window_test_get_n_tasks (test), ==, 0);
}

static void
test_all_pause (WindowTest *test, gconstpointer data)
{
  FerryTask *task;

  task = window_test_add_task (test, "primes:100000000000");
  window_test_wait_words (window_test_wait_row (test, task), "numbers/s"); /* a worker has begun it */
  window_test_activate (test, "job.pause-all");
  window_test_wait_state (task, FERRY_TASK_STATUS_PAUSED);
  g_assert_true (ferry_test_get_number (ferry_demo_session_get_commands (test->session), "paused"));
  window_test_activate (test, "job.pause-all");
  window_test_wait_state (task, FERRY_TASK_STATUS_RUNNING);
}

static gboolean
is_executing (gpointer task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING;
}

/* A task that was sent to a worker and not begun waits while all are paused, and has its turn afterwards. */
static void
test_what_no_worker_has_begun_goes_on_after_a_pause (WindowTest *test, gconstpointer data)
{
  g_autoptr (FerryWorker) worker = NULL;
  FerryTask *task;

  window_test_wait_state (window_test_add_task (test, "primes:2"), FERRY_TASK_STATUS_DONE);
  worker = g_list_model_get_item (ferry_pool_get_workers (ferry_executor_get_pool (test->executor)), 0);
  ferry_test_stop_worker (worker);
  task = window_test_add_task (test, "primes:1000");
  ferry_test_look_until (is_executing, task);
  window_test_activate (test, "job.pause-all");
  window_test_activate (test, "job.pause-all");
  ferry_worker_send_signal (worker, SIGCONT);
  window_test_wait_state (task, FERRY_TASK_STATUS_DONE);
}

static gboolean
has_five (gpointer model)
{
  return g_list_model_get_n_items (model) == 5;
}

/* A worker that says what cannot be is ended for it, also when it will not go. */
static void
test_lies (void)
{
  static const char *const words[] = {"flood:1", "flood:2", "flood:3", "flood:4", "primes:100"};
  g_autofree char *worker = ferry_test_build_path ("lying-worker");
  FerryDemoSession *session;
  FerryQueue *queue;
  g_autoptr (GError) error = NULL;

  demo_test_forget_tasks ();
  session = ferry_demo_session_new (worker, G_N_ELEMENTS (words), FERRY_SANDBOX_POLICY_PREFERRED);
  queue = ferry_demo_session_get_queue (session);
  ferry_demo_session_start (session, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      FerryDemoJob job;

      g_assert_true (ferry_demo_job_parse (words[i], &job, NULL));
      ferry_demo_session_add (session, job);
    }
  ferry_queue_open_async (queue, NULL, NULL, NULL);
  ferry_test_look_until (has_five, queue);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (queue), i);

      window_test_wait_state (task, FERRY_TASK_STATUS_FAILED);
    }
  ferry_demo_session_stop (session);
  demo_test_wait_workers (0);
  g_assert_finalize_object (session);
}

/* ---- commands ---- */

static int
measure_width (GtkWidget *widget)
{
  int width;

  gtk_widget_measure (widget, GTK_ORIENTATION_HORIZONTAL, -1, &width, NULL, NULL, NULL);
  return width;
}

static gpointer
get_part (WindowTest *test, const char *name)
{
  return window_test_get_child (test, "commands", name);
}

static void
run_line (WindowTest *test, const char *line)
{
  window_test_activate (test, "command.enter");
  g_assert_true (gtk_widget_is_ancestor (gtk_window_get_focus (GTK_WINDOW (test->window)), get_part (test, "entry")));
  gtk_editable_set_text (get_part (test, "entry"), line);
  g_signal_emit_by_name (get_part (test, "entry"), "activate");
}

static FerryTask *
get_command (WindowTest *test, guint position)
{
  GListModel *commands = G_LIST_MODEL (ferry_demo_session_get_commands (test->session));
  g_autoptr (FerryTask) task = g_list_model_get_item (commands, position);

  g_assert_nonnull (task);
  return task;
}

/* Quotes are taken apart, and nothing is left to a shell. */
static void
test_commands_run (WindowTest *test, gconstpointer data)
{
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GVariant) output = NULL;
  FerryTask *task;

  run_line (test, "printf '%s|' \"two words\" '*' $HOME");
  task = get_command (test, 0);
  window_test_wait_state (task, FERRY_TASK_STATUS_DONE);
  result = ferry_task_get_result (task, NULL);
  output = g_variant_get_child_value (result, 1);
  g_assert_cmpmem (g_variant_get_data (output), g_variant_get_size (output), "two words|*|$HOME|", 18);
  g_assert_cmpstr (ferry_task_get_name (task), ==, "printf '%s|' \"two words\" '*' $HOME");
  g_assert_true (gtk_widget_get_mapped (get_part (test, "list")));

  run_line (test, "sleep 1000");
  task = get_command (test, 1);
  window_test_wait_state (task, FERRY_TASK_STATUS_RUNNING);
  ferry_task_pause (task);
  window_test_wait_state (task, FERRY_TASK_STATUS_PAUSED);
  window_test_activate (test, "job.cancel-all");
  window_test_wait_state (task, FERRY_TASK_STATUS_CANCELLED);
}

/* (nullable): the first button that runs a command. */
static GtkWidget *
find_runner (GtkWidget *widget)
{
  GtkWidget *found = NULL;

  if (GTK_IS_BUTTON (widget) &&
      g_strcmp0 (gtk_actionable_get_action_name (GTK_ACTIONABLE (widget)), "command.run") == 0)
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find_runner (child);
  return found;
}

static void
test_command_copies_what_it_says (WindowTest *test, gconstpointer data)
{
  GtkWidget *button = find_runner (get_part (test, "group"));
  GtkWidget *row = gtk_widget_get_ancestor (button, ADW_TYPE_ACTION_ROW);
  const char *line;
  double n_bytes, block, count;

  g_variant_get (gtk_actionable_get_action_target_value (GTK_ACTIONABLE (button)), "(&sd)", &line, &n_bytes);
  ferry_test_assert_says (adw_preferences_row_get_title (ADW_PREFERENCES_ROW (row)), "40 GB");
  g_assert_cmpint (sscanf (strstr (line, " bs="), " bs=%lf count=%lf ", &block, &count), ==, 2);
  g_assert_cmpfloat (block * count, ==, 40e9);
  g_assert_cmpfloat (n_bytes, ==, 40e9);
}

static GtkWidget *
find_ring (GtkWidget *widget)
{
  GtkWidget *found = FERRY_IS_TASK_BUTTON (widget) ? widget : NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find_ring (child);
  return found;
}

static gboolean
counts_both (gpointer ring)
{
  g_autofree char *words = gtk_test_accessible_check_property (GTK_ACCESSIBLE (gtk_widget_get_first_child (ring)),
                                                               GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "");

  return words != NULL && strstr (words, "2 tasks run") != NULL && strstr (words, "1 task failed") != NULL;
}

/* (nullable) */
static GtkWidget *
find_dialog (WindowTest *test)
{
  g_autoptr (GList) windows = gtk_window_list_toplevels ();

  for (GList *item = windows; item != NULL; item = item->next)
    if (gtk_window_get_transient_for (item->data) == GTK_WINDOW (test->window) && gtk_widget_get_mapped (item->data))
      return item->data;
  return NULL;
}

static gboolean
asks_for_the_command (gpointer test)
{
  GtkWidget *dialog = find_dialog (test);

  return dialog != NULL && widget_test_find_words (dialog, "Stop 1 task?") != NULL;
}

static guint
count_labels (GtkWidget *widget, const char *words)
{
  guint n = GTK_IS_LABEL (widget) && strstr (gtk_label_get_text (GTK_LABEL (widget)), words) != NULL;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    n += count_labels (child, words);
  return n;
}

/* What the program printed at last, which signal it was, and that the task can be tried again. */
static void
test_details_of_a_crash_say_each_thing_once (WindowTest *test, gconstpointer data)
{
  FerryTask *task = window_test_add_task (test, "crash");
  GtkWidget *dialog;

  window_test_wait_state (task, FERRY_TASK_STATUS_CRASHED);
  window_test_act (test, task, "task.show-error");
  dialog = find_dialog (test);
  g_assert_nonnull (dialog);
  g_assert_cmpuint (count_labels (dialog, "Writing where nothing may be written"), ==, 1);
  g_assert_cmpuint (count_labels (dialog, "Segmentation fault"), ==, 1);
  g_assert_cmpuint (count_labels (dialog, "ended this task"), ==, 1);
  g_assert_cmpuint (count_labels (dialog, "standard error"), ==, 0);
  g_assert_nonnull (widget_test_find_words (dialog, "Run Again"));
}

/* Without the page of tasks, too: the ring counts them, and the question before the window closes is about
 * them alone: what is in the queue goes on next time. */
static void
test_commands_count_as_tasks (WindowTest *test, gconstpointer data)
{
  FerryTask *sleeper, *prime;

  ferry_task_guard_add (ferry_demo_session_get_tasks (test->session), GTK_WINDOW (test->window));
  run_line (test, "false");
  window_test_wait_state (get_command (test, 0), FERRY_TASK_STATUS_FAILED);
  run_line (test, "sleep 1000");
  sleeper = get_command (test, 1);
  prime = window_test_add_task (test, "primes:100000000000");
  window_test_wait_state (sleeper, FERRY_TASK_STATUS_RUNNING);
  window_test_wait_state (prime, FERRY_TASK_STATUS_RUNNING);
  window_test_show_page (test, "start");
  ferry_test_look_until (counts_both, find_ring (test->window));

  gtk_window_close (GTK_WINDOW (test->window));
  ferry_test_look_until (asks_for_the_command, test);
  widget_test_press (find_dialog (test), "Escape");
  g_assert_cmpint (ferry_task_get_state (sleeper), ==, FERRY_TASK_STATE_EXECUTING);
  window_test_activate (test, "job.cancel-all");
  window_test_wait_state (sleeper, FERRY_TASK_STATUS_CANCELLED);
  window_test_wait_state (prime, FERRY_TASK_STATUS_CANCELLED);
}

static gboolean
shows_output (gpointer test)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (get_part (test, "output"));
  g_autofree char *text = NULL;

  g_object_get (buffer, "text", &text, NULL);
  return strstr (text, "this is said\n") != NULL;
}

static gboolean
is_in_sight (gpointer widget)
{
  return gtk_widget_get_mapped (widget);
}

/* As it comes, and of the command that is selected. */
static void
test_output_is_shown (WindowTest *test, gconstpointer data)
{
  FerryTask *said, *again;

  g_assert_false (gtk_widget_get_visible (get_part (test, "output_box")));
  run_line (test, "sh -c 'echo this is said; sleep 1000'");
  said = get_command (test, 0);
  ferry_test_look_until (shows_output, test);
  g_assert_cmpint (ferry_task_get_state (said), ==, FERRY_TASK_STATE_EXECUTING);
  run_line (test, "true");
  window_test_wait_state (get_command (test, 1), FERRY_TASK_STATUS_DONE);
  g_assert_false (shows_output (test));
  g_object_set (get_part (test, "list"), "selected-task", said, NULL);
  g_assert_true (shows_output (test));
  ferry_task_cancel (said);
  window_test_wait_state (said, FERRY_TASK_STATUS_CANCELLED);
  again = ferry_executor_retry (ferry_demo_session_get_commands (test->session), said, NULL);
  g_assert_nonnull (again);
  ferry_test_look_until (shows_output, test);
  ferry_task_cancel (again);
  window_test_wait_state (again, FERRY_TASK_STATUS_CANCELLED);
  g_object_unref (again);
}

static GtkDropTarget *
find_drop_target (GtkWidget *page)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (page);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_DROP_TARGET (controller))
        return GTK_DROP_TARGET (controller);
    }
  return NULL;
}

static void
drop_file (WindowTest *test, const char *folder, const char *name)
{
  GtkWidget *page = ferry_demo_window_get_page (FERRY_DEMO_WINDOW (test->window), "commands");
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  GSList files = {file, NULL};
  g_auto (GValue) value = G_VALUE_INIT;
  gboolean is_taken;

  g_value_init (&value, GDK_TYPE_FILE_LIST);
  g_value_take_boxed (&value, gdk_file_list_new_from_list (&files));
  g_signal_emit_by_name (find_drop_target (page), "drop", &value, 0.0, 0.0, &is_taken);
  g_assert_true (is_taken);
}

/* The path of what a task has made. */
static char *
get_made (FerryTask *task)
{
  g_autoptr (GVariant) made = NULL;

  g_object_get (task, "application-data", &made, NULL);
  return g_variant_dup_bytestring (made, NULL);
}

static char *made; /* owned */

/* The archive is there until the window is gone. */
static void
pack_a_file (WindowTest *test, gconstpointer data)
{
  char *folder = demo_test_folder_new ();
  FerryTask *task;
  GtkWidget *button;

  demo_test_write (folder, "-a letter", "Dear reader");
  window_test_show_page (test, "commands");
  drop_file (test, folder, "-a letter");
  task = get_command (test, 0);
  g_assert_cmpstr (ferry_task_get_name (task), ==, "Pack “-a letter”");
  window_test_wait_state (task, FERRY_TASK_STATUS_DONE);
  made = get_made (task);
  g_assert_true (g_file_test (made, G_FILE_TEST_IS_REGULAR));
  button = ferry_test_get_object (window_test_wait_row (test, task), "suffix");
  ferry_test_look_until (is_in_sight, button);
  run_line (test, "true");
  task = get_command (test, 1);
  window_test_wait_state (task, FERRY_TASK_STATUS_DONE);
  g_assert_false (gtk_widget_get_visible (ferry_test_get_object (window_test_wait_row (test, task), "suffix")));
  demo_test_folder_remove (folder);
}

static void
test_a_file_that_is_dropped_is_packed (void)
{
  if (!demo_test_has_display ())
    return;
  window_test_run (pack_a_file);
  g_assert_false (g_file_test (made, G_FILE_TEST_EXISTS));
  g_clear_pointer (&made, g_free);
}

/* Neither by the button nor by Enter, and the page says why where the line is typed. */
static void
test_bad_command_lines_are_not_run (WindowTest *test, gconstpointer data)
{
  GtkWidget *entry = get_part (test, "entry"), *button = get_part (test, "run_button");
  GtkWidget *label = get_part (test, "error_label");

  window_test_activate (test, "command.enter");
  gtk_editable_set_text (GTK_EDITABLE (entry), "echo 'half a quote");
  g_assert_false (gtk_widget_is_sensitive (button));
  g_assert_true (gtk_widget_get_visible (label));
  g_signal_emit_by_name (entry, "activate");
  gtk_editable_set_text (GTK_EDITABLE (entry), "");
  g_assert_false (gtk_widget_is_sensitive (button));
  g_assert_false (gtk_widget_get_visible (label));
  g_signal_emit_by_name (entry, "activate");
  gtk_editable_set_text (GTK_EDITABLE (entry), "true");
  g_assert_true (gtk_widget_is_sensitive (button));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (ferry_demo_session_get_commands (test->session))), ==, 0);
}

/* ---- the window ---- */

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

/* What is chosen is there at the next start, and the number of workers at once. */
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

  pool = ferry_executor_get_pool (test->executor);
  window = ferry_demo_preferences_window_new (GTK_WINDOW (test->window), pool);
  builder = g_object_get_data (G_OBJECT (window), "builder");
  g_object_set (gtk_builder_get_object (builder, "workers"), "value", 5.0, NULL);
  g_object_set (gtk_builder_get_object (builder, "sandbox"), "selected", FERRY_SANDBOX_POLICY_REQUIRED, NULL);
  /* Without the frame that there is where nothing draws shadows. */
  g_assert_cmpint (measure_width (gtk_widget_get_first_child (GTK_WIDGET (window))), <=, 360);
  gtk_window_destroy (window);
  g_assert_cmpuint (ferry_test_get_number (pool, "max-workers"), ==, 5);
  ferry_demo_preferences_load (&preferences);
  g_assert_cmpuint (preferences.n_workers, ==, 5);
  g_assert_cmpint (preferences.sandbox, ==, FERRY_SANDBOX_POLICY_REQUIRED);
}

static gboolean
has_folded (gpointer window)
{
  return ferry_test_get_number (gtk_widget_get_template_child (window, FERRY_DEMO_TYPE_WINDOW, "leaflet"), "folded");
}

/* A window that was shown a moment ago may still be told of its first size, which GTK takes for the one that is asked
 * for; so it is asked again. */
static gboolean
has_become_small (gpointer window)
{
  if (ferry_test_get_number (window, "default-width") != 360)
    gtk_window_set_default_size (window, 360, 640);
  return has_folded (window);
}

static GtkMenuButton *
get_menu (WindowTest *test, const char *name)
{
  return GTK_MENU_BUTTON (gtk_widget_get_template_child (test->window, FERRY_DEMO_TYPE_WINDOW, name));
}

/* F10 is for the menu that can be seen. */
static void
assert_menu (WindowTest *test, const char *wanted)
{
  static const char *const names[] = {"menu", "bar_menu", "list_menu"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_cmpint (gtk_menu_button_get_primary (get_menu (test, names[i])), ==, g_str_equal (names[i], wanted));
  g_assert_true (gtk_widget_get_visible (GTK_WIDGET (get_menu (test, wanted))));
}

/* In a narrow one the list of pages and the page take turns. */
static void
test_fits_a_narrow_screen (WindowTest *test, gconstpointer data)
{
  static const char *const pages[] = {"start", "tasks", "commands", "pictures", "robust", "object"};
  GtkWidget *leaflet, *content;

  leaflet = GTK_WIDGET (gtk_widget_get_template_child (test->window, FERRY_DEMO_TYPE_WINDOW, "leaflet"));
  content = GTK_WIDGET (gtk_widget_get_template_child (test->window, FERRY_DEMO_TYPE_WINDOW, "content"));
  g_assert_false (has_folded (test->window));
  assert_menu (test, "menu");
  /* A window that opens at this page is as wide as what is there before the object is started. */
  g_assert_false (gtk_widget_get_visible (window_test_get_child (test, "object", "again_button")));
  window_test_wait_state (window_test_add_task (test, "crash"), FERRY_TASK_STATUS_CRASHED);
  window_test_wait_state (window_test_add_task (test, "flood:endless"), FERRY_TASK_STATUS_RUNNING);
  window_test_wait_words (window_test_wait_row (test, window_test_get_task (test, 1)), "messages/s");
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    {
      window_test_show_page (test, pages[i]);
      g_test_message ("%s %d", pages[i], measure_width (content));
      g_assert_cmpint (measure_width (content), <=, 360);
    }
  ferry_test_look_until (has_become_small, test->window);
  g_assert_true (ferry_test_get_object (leaflet, "visible-child") == content);
  assert_menu (test, "bar_menu");
  window_test_activate (test, "page.go-back");
  g_assert_true (ferry_test_get_object (leaflet, "visible-child") != content);
  assert_menu (test, "list_menu");
  window_test_show_page (test, "robust");
  g_assert_true (ferry_test_get_object (leaflet, "visible-child") == content);
  assert_menu (test, "bar_menu");
}

/* Of what runs, what waits and what failed. */
static gboolean
shows_counts (gpointer test)
{
  g_auto (GStrv) parts =
    g_strsplit (gtk_label_get_text (GTK_LABEL (window_test_get (test, "counts_label"))), " · ", -1);

  return g_strv_length (parts) == 3;
}

/* With tasks, commands and a failure. A page is measured as it is shown, so that its title is in the header bar. */
static void
check_widths_with_large_text (WindowTest *test, gconstpointer data)
{
  static const char *const pages[] = {"start", "tasks", "commands", "pictures", "robust", "object"};
  static const char *const words[] = {"crash", "hang", "flood:endless", "primes:5000000000", "primes:1000"};
  GtkSettings *settings = gtk_settings_get_default ();
  GObject *content = gtk_widget_get_template_child (test->window, FERRY_DEMO_TYPE_WINDOW, "content");
  int dpi, width, height, widest = 0, highest = 0;

  g_object_get (settings, "gtk-xft-dpi", &dpi, NULL);
  g_object_set (settings, "gtk-xft-dpi", 2 * 96 * 1024, NULL);
  ferry_test_look_until (has_become_small, test->window);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (pages); i++)
    {
      if (i == G_N_ELEMENTS (pages))
        {
          for (guint task = 0; task < G_N_ELEMENTS (words); task++)
            window_test_add_task (test, words[task]);
          window_test_wait_state (window_test_get_task (test, 0), FERRY_TASK_STATUS_CRASHED);
          window_test_show_page (test, "tasks");
          window_test_wait_row (test, window_test_get_task (test, 0));
          window_test_wait_row (test, window_test_get_task (test, 1));
          ferry_test_look_until (shows_counts, test);
          window_test_show_page (test, "commands");
          g_assert_true (gtk_widget_activate_action (get_part (test, "group"), "command.run", "(sd)", "false", 0.0));
        }
      window_test_show_page (test, pages[i % G_N_ELEMENTS (pages)]);
      width = measure_width (gtk_window_get_child (GTK_WINDOW (test->window)));
      /* What is around it does not ask how high it is in a width. */
      gtk_widget_measure (GTK_WIDGET (content), GTK_ORIENTATION_VERTICAL, 360, &height, NULL, NULL, NULL);
      g_test_message ("%s: %d x %d", pages[i % G_N_ELEMENTS (pages)], width, height);
      widest = MAX (widest, width);
      highest = MAX (highest, height);
    }
  g_object_set (settings, "gtk-xft-dpi", dpi, NULL);
  g_assert_cmpint (widest, <=, 360);
  g_assert_cmpint (highest, <=, 640);
}

static void
bind_catalogue (const char *domain, const char *part)
{
  g_autofree char *folder = g_test_build_filename (G_TEST_BUILT, "..", part, "po", NULL);

  bindtextdomain (domain, folder);
  bind_textdomain_codeset (domain, "UTF-8");
}

/* Where msgfmt was missing, or the system has no such locale, it is English. */
static void
speak (const char *language)
{
  g_setenv ("LANGUAGE", language, TRUE);
  setlocale (LC_ALL, "C.UTF-8");
  bind_catalogue ("ferry-demo", "demo-app");
  bind_catalogue ("ferry-gtk-1-0", "router/gtk");
  textdomain ("ferry-demo");
}

/* English is first, as the widgets look for their catalogue once, and last for the tests that follow. */
static void
test_fits_a_narrow_screen_with_large_text (void)
{
  static const char *const languages[] = {"en", "de", "zh_CN"};

  for (guint i = 0; i < G_N_ELEMENTS (languages); i++)
    {
      speak (languages[i]);
      g_test_message ("%s: %s", languages[i], gettext ("Tasks"));
      window_test_run (check_widths_with_large_text);
    }
  speak ("en");
}

/* The rows of the start page, and the bar below them. */
static gboolean
are_both_in_sight (gpointer user_data)
{
  GtkWidget *bar = window_test_get_child (user_data, "start", "bar");
  GtkWidget *window = ((WindowTest *) user_data)->window;
  graphene_rect_t bounds;

  return has_folded (window) && gtk_widget_compute_bounds (bar, window, &bounds) && bounds.origin.y > 320.0f &&
         bounds.origin.y + bounds.size.height < (float) gtk_widget_get_height (window);
}

static void
test_both_sides_are_in_sight_of_a_small_screen (WindowTest *test, gconstpointer data)
{
  window_test_show_page (test, "start");
  ferry_test_look_until (has_become_small, test->window);
  ferry_test_look_until (are_both_in_sight, test);
}

int
main (int argc, char **argv)
{
  char *folder = demo_test_folder_new ();
  int status;

  g_setenv ("XDG_CONFIG_HOME", folder, TRUE);
  window_test_init (&argc, &argv);
  window_test_add ("/window/details-of-a-crash-say-each-thing-once", test_details_of_a_crash_say_each_thing_once);
  window_test_add ("/window/empty", test_empty);
  window_test_add ("/window/some-tasks-are-added-at-a-click", test_some_tasks_are_added_at_a_click);
  window_test_add ("/window/each-button-has-a-name", test_each_button_has_a_name);
  window_test_add ("/window/tasks-become-rows", test_tasks_become_rows);
  window_test_add ("/window/one-toast-has-the-newest-way-on", test_one_toast_has_the_newest_way_on);
  window_test_add ("/window/ends-have-words", test_ends_have_words);
  window_test_add ("/window/cancel", test_cancel);
  window_test_add ("/window/time-limit-is-shown", test_time_limit_is_shown);
  window_test_add ("/window/run-again", test_run_again);
  window_test_add ("/window/adding-a-task-shows-the-list", test_adding_a_task_shows_the_list);
  window_test_add ("/window/remove-and-clear", test_remove_and_clear);
  window_test_add ("/window/all-pause", test_all_pause);
  window_test_add ("/window/what-no-worker-has-begun-goes-on-after-a-pause",
                   test_what_no_worker_has_begun_goes_on_after_a_pause);
  g_test_add_func ("/window/lies", test_lies);
  window_test_add ("/window/commands-run", test_commands_run);
  window_test_add ("/window/command-copies-what-it-says", test_command_copies_what_it_says);
  window_test_add ("/window/commands-count-as-tasks", test_commands_count_as_tasks);
  window_test_add ("/window/output-is-shown", test_output_is_shown);
  g_test_add_func ("/window/a-file-that-is-dropped-is-packed", test_a_file_that_is_dropped_is_packed);
  window_test_add ("/window/bad-command-lines-are-not-run", test_bad_command_lines_are_not_run);
  window_test_add ("/window/shortcuts-are-on-one-page", test_shortcuts_are_on_one_page);
  window_test_add ("/window/preferences-are-kept", test_preferences_are_kept);
  window_test_add ("/window/fits-a-narrow-screen", test_fits_a_narrow_screen);
  g_test_add_func ("/window/fits-a-narrow-screen-with-large-text", test_fits_a_narrow_screen_with_large_text);
  window_test_add ("/window/both-sides-are-in-sight-of-a-small-screen", test_both_sides_are_in_sight_of_a_small_screen);
  status = demo_test_run_all ();
  demo_test_folder_remove (folder);
  return status;
}
