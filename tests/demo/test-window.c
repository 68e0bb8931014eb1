/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The demo's window, in this process and with real workers: what its rows show, and what its buttons do. */

#include "config.h"

#include "demo-app/ferry-demo-primes-dialog.h"
#include "demo-app/ferry-demo-row.h"
#include "demo-app/ferry-demo-window.h"
#include "demo-test.h"

#include <string.h>

typedef struct
{
  FerryDemoSession *session;
  GtkWidget *window;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!demo_test_has_display ())
    return;
  fixture->session = ferry_demo_session_new (g_getenv ("FERRY_DEMO_WORKER"));
  ferry_demo_session_start (fixture->session, &error);
  g_assert_no_error (error);
  fixture->window = ferry_demo_window_new (NULL, fixture->session);
  g_object_add_weak_pointer (G_OBJECT (fixture->window), (gpointer *) &fixture->window);
  gtk_window_present (GTK_WINDOW (fixture->window));
}

static gboolean
is_null (gpointer data)
{
  return *(gpointer *) data == NULL;
}

/* Whatever the test left running must end now, and nothing may keep the window or the session. */
static void
tear_down (Fixture *fixture, gconstpointer data)
{
  if (fixture->session == NULL)
    return;
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  demo_test_poll_until (is_null, &fixture->window);
  ferry_demo_session_stop (fixture->session);
  demo_test_wait_workers (0);
  g_assert_finalize_object (fixture->session);
}

/* ---- what the window shows ---- */

typedef gboolean (*WidgetCondition) (GtkWidget *widget, gconstpointer data);

/* The first of the mapped widgets below widget that is wanted. */
static GtkWidget *
find_widget (GtkWidget *widget, WidgetCondition is_wanted, gconstpointer data)
{
  if (!gtk_widget_get_mapped (widget))
    return NULL;
  if (is_wanted (widget, data))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_widget (child, is_wanted, data);

      if (found != NULL)
        return found;
    }
  return NULL;
}

static gboolean
says (GtkWidget *widget, gconstpointer data)
{
  return GTK_IS_LABEL (widget) && strstr (gtk_label_get_text (GTK_LABEL (widget)), data) != NULL;
}

static gboolean
shows_job (GtkWidget *widget, gconstpointer data)
{
  g_autoptr (FerryDemoJob) job = NULL;

  if (!FERRY_DEMO_IS_ROW (widget))
    return FALSE;
  g_object_get (widget, "job", &job, NULL);
  return job == data;
}

typedef struct
{
  GtkWidget *widget;
  const char *words;
} Words;

static gboolean
are_shown (gpointer data)
{
  const Words *words = data;

  return find_widget (words->widget, says, words->words) != NULL;
}

static void
wait_words (GtkWidget *widget, const char *words)
{
  Words wanted = {widget, words};

  demo_test_poll_until (are_shown, &wanted);
}

typedef struct
{
  Fixture *fixture;
  FerryDemoJob *job;
  FerryDemoJobState state;
} JobFact;

static gboolean
has_row (gpointer data)
{
  const JobFact *fact = data;

  return find_widget (fact->fixture->window, shows_job, fact->job) != NULL;
}

static GtkWidget *
wait_row (Fixture *fixture, FerryDemoJob *job)
{
  JobFact fact = {.fixture = fixture, .job = job};

  demo_test_poll_until (has_row, &fact);
  return find_widget (fixture->window, shows_job, job);
}

static gboolean
has_state (gpointer data)
{
  const JobFact *fact = data;

  return ferry_demo_job_get_state (fact->job) == fact->state;
}

static void
wait_state (FerryDemoJob *job, FerryDemoJobState state)
{
  JobFact fact = {.job = job, .state = state};

  demo_test_poll_until (has_state, &fact);
}

static gboolean
none_runs (gpointer data)
{
  return ferry_demo_session_get_n_running (((Fixture *) data)->session) == 0;
}

static GtkWidget *
get_part (GtkWidget *row, const char *name)
{
  return GTK_WIDGET (gtk_widget_get_template_child (row, FERRY_DEMO_TYPE_ROW, name));
}

static const char *
get_figure (Fixture *fixture, const char *name)
{
  GObject *label = gtk_widget_get_template_child (fixture->window, FERRY_DEMO_TYPE_WINDOW, name);

  return gtk_label_get_text (GTK_LABEL (label));
}

static const char *
get_page (Fixture *fixture)
{
  GObject *stack = gtk_widget_get_template_child (fixture->window, FERRY_DEMO_TYPE_WINDOW, "stack");

  return gtk_stack_get_visible_child_name (GTK_STACK (stack));
}

/* ---- what somebody does ---- */

static void
click (GtkWidget *row, const char *name)
{
  GtkWidget *button = get_part (row, name);

  g_assert_true (gtk_widget_get_visible (button));
  g_assert_true (gtk_widget_is_sensitive (button));
  g_signal_emit_by_name (button, "clicked");
}

static void
activate (Fixture *fixture, const char *action)
{
  g_assert_true (gtk_widget_activate_action (fixture->window, action, NULL));
}

static guint
get_n_jobs (Fixture *fixture)
{
  return g_list_model_get_n_items (ferry_demo_session_get_jobs (fixture->session));
}

/* The list keeps it. */
static FerryDemoJob *
get_job (Fixture *fixture, guint position)
{
  g_autoptr (FerryDemoJob) job = g_list_model_get_item (ferry_demo_session_get_jobs (fixture->session), position);

  g_assert_nonnull (job);
  return job;
}

static FerryDemoJob *
add_job (Fixture *fixture, const char *word)
{
  g_autoptr (FerryDemoSpec) spec = ferry_demo_spec_parse (word, NULL);

  g_assert_nonnull (spec);
  return ferry_demo_session_add (fixture->session, spec);
}

/* ---- the tests ---- */

static void
test_empty (Fixture *fixture, gconstpointer data)
{
  if (fixture->window == NULL)
    return;
  wait_words (fixture->window, "No Jobs Yet");
  g_assert_cmpstr (get_page (fixture), ==, "empty");
  wait_words (fixture->window, "Add a Job");
  g_assert_cmpstr (get_figure (fixture, "messages_label"), ==, "0/s");
  g_assert_cmpstr (get_figure (fixture, "median_label"), ==, "–");
  g_assert_cmpstr (get_figure (fixture, "frames_label"), ==, "–");
  g_assert_cmpuint (demo_test_count_workers (), ==, 0);
}

static void
test_jobs_become_rows (Fixture *fixture, gconstpointer data)
{
  if (fixture->window == NULL)
    return;
  activate (fixture, "job.add-flood");
  activate (fixture, "job.add-crash");
  activate (fixture, "job.add-hang");
  g_assert_cmpuint (get_n_jobs (fixture), ==, 3);
  g_assert_cmpstr (get_page (fixture), ==, "jobs");
  demo_test_wait_workers (3);
  wait_words (wait_row (fixture, get_job (fixture, 0)), "Endless flood of messages");
  wait_words (wait_row (fixture, get_job (fixture, 0)), "messages, all in order");
  wait_words (wait_row (fixture, get_job (fixture, 1)), "Worker that crashes");
  wait_words (wait_row (fixture, get_job (fixture, 2)), "Worker that hangs");
}

static void
test_primes_dialog (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GList) windows = NULL;
  GtkWindow *dialog = NULL;

  if (fixture->window == NULL)
    return;
  activate (fixture, "job.add-primes");
  windows = gtk_window_list_toplevels ();
  for (GList *item = windows; item != NULL; item = item->next)
    if (FERRY_DEMO_IS_PRIMES_DIALOG (item->data))
      dialog = item->data;
  g_assert_nonnull (dialog);
  g_assert_true (gtk_window_get_transient_for (dialog) == GTK_WINDOW (fixture->window));
  g_assert_nonnull (gtk_window_get_default_widget (dialog));
  g_signal_emit_by_name (gtk_window_get_default_widget (dialog), "clicked");
  g_assert_cmpuint (get_n_jobs (fixture), ==, 1);
  g_assert_cmpint (ferry_demo_job_get_spec (get_job (fixture, 0))->kind, ==, FERRY_DEMO_KIND_PRIMES);
}

/* A worker that reports, and one that is deaf. */
static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  FerryDemoJob *flood, *hang;
  GtkWidget *row;

  if (fixture->window == NULL)
    return;
  flood = add_job (fixture, "flood:endless");
  hang = add_job (fixture, "hang");
  wait_state (flood, FERRY_DEMO_JOB_STATE_RUNNING);
  wait_state (hang, FERRY_DEMO_JOB_STATE_NOT_RESPONDING);
  wait_words (wait_row (fixture, hang), "Nothing heard for");
  demo_test_wait_workers (2);

  row = wait_row (fixture, hang);
  g_assert_false (gtk_widget_get_visible (get_part (row, "remove_button")));
  click (row, "cancel_button");
  g_assert_false (gtk_widget_is_sensitive (get_part (row, "cancel_button")));
  wait_state (hang, FERRY_DEMO_JOB_STATE_CANCELLED);
  demo_test_wait_workers (1);
  g_assert_cmpint (ferry_demo_job_get_state (flood), ==, FERRY_DEMO_JOB_STATE_RUNNING);
  g_assert_false (gtk_widget_get_visible (get_part (row, "cancel_button")));
  g_assert_true (gtk_widget_get_visible (get_part (row, "repeat_button")));
  g_assert_true (gtk_widget_get_visible (get_part (row, "remove_button")));

  click (wait_row (fixture, flood), "cancel_button");
  wait_state (flood, FERRY_DEMO_JOB_STATE_CANCELLED);
  demo_test_wait_workers (0);
  wait_words (wait_row (fixture, flood), "Cancelled");
}

static void
test_crash_is_shown (Fixture *fixture, gconstpointer data)
{
  FerryDemoJob *job;
  GtkWidget *row;

  if (fixture->window == NULL)
    return;
  job = add_job (fixture, "crash");
  wait_state (job, FERRY_DEMO_JOB_STATE_CRASHED);
  row = wait_row (fixture, job);
  wait_words (row, "Crashed");
  wait_words (row, "(signal 11)");
  g_assert_true (gtk_widget_has_css_class (get_part (row, "state_label"), "error"));
  g_assert_cmpfloat (ferry_demo_job_get_fraction (job), >=, 0.5);
  g_assert_cmpfloat (ferry_demo_job_get_fraction (job), <, 0.6);
}

static void
test_start_again (Fixture *fixture, gconstpointer data)
{
  FerryDemoJob *job;
  guint64 id;

  if (fixture->window == NULL)
    return;
  add_job (fixture, "flood:endless");
  job = add_job (fixture, "primes:1000");
  add_job (fixture, "flood:endless");
  id = ferry_demo_job_get_id (job);
  wait_state (job, FERRY_DEMO_JOB_STATE_DONE);
  wait_words (wait_row (fixture, job), "168 primes");
  g_assert_cmpfloat (
    gtk_progress_bar_get_fraction (GTK_PROGRESS_BAR (get_part (wait_row (fixture, job), "progress_bar"))), ==, 1.0);

  click (wait_row (fixture, job), "repeat_button");
  g_assert_cmpuint (get_n_jobs (fixture), ==, 3);
  job = get_job (fixture, 1);
  g_assert_cmpuint (ferry_demo_job_get_id (job), !=, id);
  g_assert_cmpuint (ferry_demo_job_get_spec (job)->number, ==, 1000);
  wait_state (job, FERRY_DEMO_JOB_STATE_DONE);
  wait_words (wait_row (fixture, job), "168 primes");
}

static void
test_remove_and_clear (Fixture *fixture, gconstpointer data)
{
  FerryDemoJob *flood;

  if (fixture->window == NULL)
    return;
  add_job (fixture, "primes:100");
  flood = add_job (fixture, "flood:endless");
  add_job (fixture, "primes:1000");
  add_job (fixture, "sha256:/nonexistent/ferry");
  wait_state (get_job (fixture, 0), FERRY_DEMO_JOB_STATE_DONE);
  wait_state (get_job (fixture, 2), FERRY_DEMO_JOB_STATE_DONE);
  wait_state (get_job (fixture, 3), FERRY_DEMO_JOB_STATE_FAILED);
  wait_words (wait_row (fixture, get_job (fixture, 3)), "Start the job again.");

  click (wait_row (fixture, get_job (fixture, 0)), "remove_button");
  g_assert_cmpuint (get_n_jobs (fixture), ==, 3);
  g_assert_true (get_job (fixture, 0) == flood);
  ferry_demo_session_remove (fixture->session, ferry_demo_job_get_id (flood));
  g_assert_cmpuint (get_n_jobs (fixture), ==, 3);

  activate (fixture, "job.clear");
  g_assert_cmpuint (get_n_jobs (fixture), ==, 1);
  g_assert_true (get_job (fixture, 0) == flood);
  g_assert_cmpstr (get_page (fixture), ==, "jobs");

  click (wait_row (fixture, flood), "cancel_button");
  wait_state (flood, FERRY_DEMO_JOB_STATE_CANCELLED);
  activate (fixture, "job.clear");
  g_assert_cmpuint (get_n_jobs (fixture), ==, 0);
  g_assert_cmpstr (get_page (fixture), ==, "empty");
}

static void
test_many_jobs (Fixture *fixture, gconstpointer data)
{
  guint n_done = 0, n_cancelled = 0;

  if (fixture->window == NULL)
    return;
  for (guint i = 0; i < 30; i++)
    add_job (fixture, i % 3 == 0 ? "flood:endless" : i == 14 ? "hang" : i == 25 ? "crash" : "primes:100000");
  for (guint i = 0; i < 30; i++)
    {
      FerryDemoJob *job = get_job (fixture, i);

      if (i % 3 == 0)
        {
          wait_state (job, FERRY_DEMO_JOB_STATE_RUNNING);
          ferry_demo_job_cancel (job);
        }
      if (i == 14)
        ferry_demo_job_cancel (job);
    }
  demo_test_poll_until (none_runs, fixture);
  for (guint i = 0; i < 30; i++)
    {
      n_done += ferry_demo_job_get_state (get_job (fixture, i)) == FERRY_DEMO_JOB_STATE_DONE;
      n_cancelled += ferry_demo_job_get_state (get_job (fixture, i)) == FERRY_DEMO_JOB_STATE_CANCELLED;
    }
  g_assert_cmpuint (n_cancelled, ==, 11);
  g_assert_cmpuint (n_done, ==, 18);
  g_assert_cmpint (ferry_demo_job_get_state (get_job (fixture, 25)), ==, FERRY_DEMO_JOB_STATE_CRASHED);
  demo_test_wait_workers (0);
  activate (fixture, "job.clear");
  g_assert_cmpstr (get_page (fixture), ==, "empty");
}

static void
assert_label (GtkWidget *row, const char *part, const char *label)
{
  g_autofree char *difference =
    gtk_test_accessible_check_property (GTK_ACCESSIBLE (get_part (row, part)), GTK_ACCESSIBLE_PROPERTY_LABEL, label);

  if (difference != NULL)
    g_error ("The label of %s is %s", part, difference);
}

/* Each button says in words what it does, and to which job, also when the row shows another job than before. */
static void
test_accessible_labels (Fixture *fixture, gconstpointer data)
{
  FerryDemoJob *job;
  GtkWidget *row;

  if (fixture->window == NULL)
    return;
  for (guint i = 0; i < 2; i++)
    {
      job = add_job (fixture, i == 0 ? "primes:1000" : "hang");
      row = wait_row (fixture, job);
      assert_label (row, "progress_bar", i == 0 ? "Progress: Primes up to 1,000" : "Progress: Worker that hangs");
      assert_label (row, "cancel_button", i == 0 ? "Cancel: Primes up to 1,000" : "Cancel: Worker that hangs");
      assert_label (row, "copy_button",
                    i == 0 ? "Copy digests: Primes up to 1,000" : "Copy digests: Worker that hangs");
      assert_label (row, "repeat_button",
                    i == 0 ? "Start again: Primes up to 1,000" : "Start again: Worker that hangs");
      assert_label (row, "remove_button", i == 0 ? "Remove: Primes up to 1,000" : "Remove: Worker that hangs");
      gtk_test_accessible_assert_role (get_part (row, "progress_bar"), GTK_ACCESSIBLE_ROLE_PROGRESS_BAR);
      gtk_test_accessible_assert_role (get_part (row, "cancel_button"), GTK_ACCESSIBLE_ROLE_BUTTON);
      ferry_demo_job_cancel (job);
      demo_test_poll_until (none_runs, fixture);
      activate (fixture, "job.clear");
    }
}

static gboolean
figures_live (gpointer data)
{
  return strcmp (get_figure (data, "messages_label"), "0/s") != 0 &&
         strcmp (get_figure (data, "median_label"), "–") != 0 && strcmp (get_figure (data, "p99_label"), "–") != 0 &&
         strcmp (get_figure (data, "frames_label"), "–") != 0 && strcmp (get_figure (data, "frames_label"), "0/s") != 0;
}

static gboolean
figures_rest (gpointer data)
{
  return strcmp (get_figure (data, "messages_label"), "0/s") == 0 &&
         strcmp (get_figure (data, "median_label"), "–") == 0 && strcmp (get_figure (data, "p99_label"), "–") == 0 &&
         strcmp (get_figure (data, "frames_label"), "–") == 0;
}

static void
test_figures (Fixture *fixture, gconstpointer data)
{
  FerryDemoJob *job;

  if (fixture->window == NULL)
    return;
  job = add_job (fixture, "flood:endless");
  demo_test_poll_until (figures_live, fixture);
  ferry_demo_job_cancel (job);
  demo_test_poll_until (figures_rest, fixture);
  g_assert_false (ferry_demo_session_is_turning (fixture->session));
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

static int
measure (GtkWidget *row)
{
  int height;

  gtk_widget_measure (row, GTK_ORIENTATION_VERTICAL, -1, NULL, &height, NULL, NULL);
  return height;
}

/* A folder's name may have line ends in it; that makes no row higher. */
static void
test_odd_names_stay_in_line (Fixture *fixture, gconstpointer data)
{
  FerryDemoJob *plain, *odd;

  if (fixture->window == NULL)
    return;
  plain = add_job (fixture, "sha256:/nonexistent/ferry");
  odd = add_job (fixture, "sha256:/nonexistent/\nfer\r\nry\xff\n");
  wait_state (plain, FERRY_DEMO_JOB_STATE_FAILED);
  wait_state (odd, FERRY_DEMO_JOB_STATE_FAILED);
  g_assert_cmpint (measure (wait_row (fixture, odd)), ==, measure (wait_row (fixture, plain)));
}

static void
test_digests_are_copied (Fixture *fixture, gconstpointer data)
{
  g_autofree char *word = NULL;
  g_autofree char *copied = NULL;
  FerryDemoJob *job;
  GtkWidget *row;
  char *folder;

  if (fixture->window == NULL)
    return;
#ifdef __SANITIZE_ADDRESS__
  /* GTK 4.8 now and then loses a few bytes of what it learns from the X server about a selection. */
  g_test_skip ("The clipboard is not looked at under AddressSanitizer");
  return;
#endif
  folder = demo_test_folder_new ();
  demo_test_write (folder, "two\nlines", "");
  demo_test_write (folder, "non\xffutf8", "");
  word = g_strconcat ("sha256:", folder, NULL);
  job = add_job (fixture, word);
  wait_state (job, FERRY_DEMO_JOB_STATE_DONE);
  row = wait_row (fixture, job);
  wait_words (row, "2 files, 0 bytes");
  click (row, "copy_button");
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (row), NULL, copied_cb, &copied);
  demo_test_poll_until (is_set, &copied);
  g_assert_true (g_utf8_validate (copied, -1, NULL));
  g_assert_nonnull (strstr (copied, "two\\nlines\n"));
  demo_test_folder_remove (folder);
}

static void
add (const char *path, void (*test) (Fixture *fixture, gconstpointer data))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_setenv ("GTK_A11Y", "test", TRUE);
  g_test_init (&argc, &argv, NULL);
  demo_test_init ();
  if (g_getenv ("DISPLAY") != NULL || g_getenv ("WAYLAND_DISPLAY") != NULL)
    gtk_init ();
  add ("/window/empty", test_empty);
  add ("/window/jobs-become-rows", test_jobs_become_rows);
  add ("/window/primes-dialog", test_primes_dialog);
  add ("/window/cancel", test_cancel);
  add ("/window/crash-is-shown", test_crash_is_shown);
  add ("/window/start-again", test_start_again);
  add ("/window/remove-and-clear", test_remove_and_clear);
  add ("/window/many-jobs", test_many_jobs);
  add ("/window/accessible-labels", test_accessible_labels);
  add ("/window/figures", test_figures);
  add ("/window/odd-names-stay-in-line", test_odd_names_stay_in_line);
  add ("/window/digests-are-copied", test_digests_are_copied);
  return g_test_run ();
}
