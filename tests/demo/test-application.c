/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/app/ferry-demo-application.c, demo-app/app/ferry-demo-session.c, demo-app/app/ferry-demo.c
 *
 * The demo's application, in this process and as the program that it is: what it is told, and that its end leaves no
 * worker behind. */

#include "config.h"

#include <signal.h>
#include <string.h>

#include "demo-app/app/ferry-demo-application.h"
#include "demo-app/app/ferry-demo-window.h"
#include "demo-test.h"
#include "gtk/widget-test.h"

static FerryDemoApplication *
make_application (void)
{
  FerryDemoApplication *application = ferry_demo_application_new ();

  g_application_set_flags (G_APPLICATION (application), G_APPLICATION_HANDLES_COMMAND_LINE | G_APPLICATION_NON_UNIQUE);
  return application;
}

/* When all works, leaves in the way that user_data names. */
static gboolean
leave_cb (gpointer user_data)
{
  GApplication *application = g_application_get_default ();
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));

  if (window == NULL || demo_test_count_workers () != 3)
    return G_SOURCE_CONTINUE;
  if (g_str_equal (user_data, "close"))
    gtk_window_destroy (window);
  else
    g_application_quit (application);
  return G_SOURCE_REMOVE;
}

static void
test_leaving_ends_all_workers (gconstpointer data)
{
  g_auto (GStrv) arguments = g_strsplit ("ferry-demo --workers 3 flood:1000000000000 primes:100000000000 hang", " ", 0);
  FerryDemoApplication *application;

  if (!demo_test_has_display ())
    return;
  demo_test_forget_tasks ();
  application = make_application ();
  g_timeout_add (5, leave_cb, (gpointer) data);
  g_assert_cmpint (g_application_run (G_APPLICATION (application), (int) g_strv_length (arguments), arguments), ==, 0);
  demo_test_wait_workers (0);
  g_assert_finalize_object (application);
}

static GObject *
get_list (GtkWindow *window)
{
  GtkWidget *page = ferry_demo_window_get_page (FERRY_DEMO_WINDOW (window), "tasks");

  return gtk_widget_get_template_child (page, G_OBJECT_TYPE (page), "list");
}

static GListModel *
get_tasks (GtkWindow *window)
{
  return ferry_test_get_object (get_list (window), "tasks");
}

static void
show_page (GtkWindow *window, const char *page)
{
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (window), "page.show", "s", page));
}

/* Nothing runs that nobody asked for. */
static gboolean
look_at_tasks_cb (gpointer n_seen)
{
  GApplication *application = g_application_get_default ();
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));

  if (window == NULL)
    return G_SOURCE_CONTINUE;
  show_page (window, "tasks");
  *(guint *) n_seen = g_list_model_get_n_items (get_tasks (window));
  gtk_window_close (window);
  return G_SOURCE_REMOVE;
}

static void
test_page_of_tasks_begins_empty (void)
{
  char *arguments[] = {(char *) "ferry-demo", (char *) "--page=robust", NULL};
  FerryDemoApplication *application;
  guint n_seen = G_MAXUINT;

  if (!demo_test_has_display ())
    return;
  demo_test_forget_tasks ();
  application = make_application ();
  g_timeout_add (5, look_at_tasks_cb, &n_seen);
  g_assert_cmpint (g_application_run (G_APPLICATION (application), 2, arguments), ==, 0);
  g_assert_cmpuint (n_seen, ==, 0);
  demo_test_wait_workers (0);
  g_assert_finalize_object (application);
}

/* What the window of shortcuts names works wherever the focus is. */
static gboolean
look_at_keys_cb (gpointer n_found)
{
  static const char *const actions[] = {"job.add", "job.pause-all", "job.cancel-all", "command.enter", "pictures.open"};
  GtkApplication *application = GTK_APPLICATION (g_application_get_default ());
  GtkWindow *window = gtk_application_get_active_window (application);

  if (window == NULL)
    return G_SOURCE_CONTINUE;
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    {
      g_auto (GStrv) keys = gtk_application_get_accels_for_action (application, actions[i]);

      *(guint *) n_found += g_strv_length (keys);
    }
  gtk_window_close (window);
  return G_SOURCE_REMOVE;
}

static void
test_keys_are_those_of_the_window (void)
{
  char *arguments[] = {(char *) "ferry-demo", NULL};
  FerryDemoApplication *application;
  guint n_found = 0;

  if (!demo_test_has_display ())
    return;
  demo_test_forget_tasks ();
  application = make_application ();
  g_timeout_add (5, look_at_keys_cb, &n_found);
  g_assert_cmpint (g_application_run (G_APPLICATION (application), 1, arguments), ==, 0);
  g_assert_cmpuint (n_found, ==, 5);
  g_assert_finalize_object (application);
}

/* ---- the program ---- */

/* The run's exit status must be that one, and no worker may be left. */
static DemoRun *
run_demo (int status, const char *setting, const char *const *arguments)
{
  DemoRun *run = demo_test_start (setting, arguments);

  demo_test_finish (run);
  if (!g_subprocess_get_if_exited (run->process) || g_subprocess_get_exit_status (run->process) != status)
    g_error ("The demo ended with wait status %x, not %d: %s", g_subprocess_get_status (run->process), status,
             run->errors);
  demo_test_wait_workers (0);
  return run;
}

#define RUN_DEMO(status, setting, ...) run_demo (status, setting, (const char *const[]){__VA_ARGS__, NULL})

static void
assert_has (const char *text, const char *part)
{
  if (strstr (text, part) == NULL)
    g_error ("'%s' is not in '%s'", part, text);
}

static void
test_help (void)
{
  static const char *const parts[] = {"--page", "--version", "--workers", "primes", "crash", "hang", "flood"};
  g_autoptr (DemoRun) help = RUN_DEMO (0, "DISPLAY", "--help");
  g_autoptr (DemoRun) version = RUN_DEMO (0, "DISPLAY", "--version");

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    assert_has (help->output, parts[i]);
  g_assert_cmpstr (version->output, ==, "ferry-demo " FERRY_PROJECT_VERSION "\n");
}

static void
test_no_display (void)
{
  g_autoptr (DemoRun) run = NULL;

  if (g_getenv ("WAYLAND_DISPLAY") != NULL)
    {
      g_test_skip ("There is a display that is not an X server's");
      return;
    }
  run = RUN_DEMO (1, "DISPLAY", "primes:100");
  assert_has (run->errors, "There is no display");
}

static void
test_bad_command_lines (void)
{
  static const char *const lines[][4] = {
    {"nonsense"},
    {"primes:100", "primes:1"},
    {"primes:many"},
    {"primes:100000000001"},
    {"crash:now"},
    {"flood:0"},
    {""},
    {"--workers", "17"},
    {"--workers=0"},
    {"--size", "3"},
    {"--workers=-1"},
    {"--workers", "3", "flood:0"},
    {"--page", "moon"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (DemoRun) run = run_demo (2, NULL, lines[i]);

      g_assert_cmpstr (run->output, ==, "");
      g_assert_true (g_str_has_prefix (run->errors, "ferry-demo: "));
    }
  demo_test_run_free (RUN_DEMO (2, NULL, "--nonsense"));
}

/* What the start asks for has the window that is open come to have so many workers. */
static void
hand_over (const char *const *arguments, guint n_workers)
{
  g_autoptr (DemoRun) run = demo_test_start (NULL, arguments);

  demo_test_finish (run);
  g_assert_cmpint (g_subprocess_get_exit_status (run->process), ==, 0);
  demo_test_wait_workers (n_workers);
}

/* The first start has two jobs, the second one's page has two workers, and the third start's jobs show the page of
 * tasks in its place. */
static void
test_later_starts_hand_their_options_over (void)
{
  static const char *const jobs[] = {"--workers=2", "flood:endless", "hang", NULL},
                           *const page[] = {"--page=robust", NULL},
                           *const more[] = {"--workers=5", "hang", "hang", "hang", NULL};
  g_autofree char *daemon = g_find_program_in_path ("dbus-daemon");
  g_autofree char *display = g_strdup (g_getenv ("DISPLAY"));
  g_autoptr (GTestDBus) bus = NULL;
  g_autoptr (DemoRun) first = NULL;

  if (!demo_test_has_display ())
    return;
  if (daemon == NULL || display == NULL)
    {
      g_test_skip ("There is no dbus-daemon, or no X server");
      return;
    }
  demo_test_forget_tasks ();
  /* A bus of a test takes the display away. */
  bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (bus);
  g_setenv ("DISPLAY", display, TRUE);
  first = demo_test_start (NULL, jobs);
  demo_test_wait_workers (2);
  hand_over (page, 4);
  hand_over (more, 5);
  g_subprocess_send_signal (first->process, SIGTERM);
  demo_test_finish (first);
  demo_test_wait_workers (0);
  g_test_dbus_stop (bus);
  g_clear_object (&bus);
  g_setenv ("DISPLAY", display, TRUE); /* which the end of the bus takes away, too */
}

/* data is the signal. */
static void
test_ended_in_the_middle (gconstpointer data)
{
  const char *const arguments[] = {"--workers", "3", "flood:1000000000000", "primes:100000000000", "hang", NULL};
  g_autoptr (DemoRun) run = NULL;

  if (!demo_test_has_display ())
    return;
  demo_test_forget_tasks ();
  run = demo_test_start (NULL, arguments);
  demo_test_wait_workers (3);
  g_subprocess_send_signal (run->process, GPOINTER_TO_INT (data));
  demo_test_finish (run);
  demo_test_wait_workers (0);
}

/* ---- tasks of an earlier run ---- */

/* Two workers, so that the third job waits, and all are in the file. */
#define STORED_JOBS "hang", "primes:100000000000", "primes:3000000"

/* Runs the demo until two of its workers run, and ends it by a signal. */
static void
kill_demo (int signal, const char *const *arguments)
{
  g_autoptr (DemoRun) run = demo_test_start (NULL, arguments);

  demo_test_wait_workers (2);
  g_subprocess_send_signal (run->process, signal);
  demo_test_finish (run);
  demo_test_wait_workers (0);
}

typedef struct
{
  gboolean (*is_so) (GListModel *tasks);
  guint n_tasks;
} Look;

/* Closes the window once what is expected is so. */
static gboolean
look_cb (gpointer data)
{
  const Look *look = data;
  GApplication *application = g_application_get_default ();
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));
  GListModel *tasks = window != NULL ? get_tasks (window) : NULL;

  if (tasks == NULL || g_list_model_get_n_items (tasks) != look->n_tasks || !look->is_so (tasks))
    return G_SOURCE_CONTINUE;
  gtk_window_destroy (window);
  return G_SOURCE_REMOVE;
}

/* Starts the demo in this process, and ends it in good order once its list is as expected. */
static void
start_and_look (guint n_tasks, gboolean (*is_so) (GListModel *tasks))
{
  char *arguments[] = {(char *) "ferry-demo", (char *) "--workers=2", (char *) "--page=tasks", NULL};
  FerryDemoApplication *application = make_application ();
  Look look = {is_so, n_tasks};

  g_timeout_add (5, look_cb, &look);
  g_assert_cmpint (g_application_run (G_APPLICATION (application), 3, arguments), ==, 0);
  demo_test_wait_workers (0);
  g_assert_finalize_object (application);
}

static gboolean
has_failed (GListModel *tasks, guint position, int code)
{
  g_autoptr (FerryTask) task = g_list_model_get_item (tasks, position);

  return ferry_task_get_done (task) && g_error_matches (ferry_task_get_error (task), FERRY_ERROR, code);
}

static FerryTaskState
get_state (GListModel *tasks, guint position)
{
  g_autoptr (FerryTask) task = g_list_model_get_item (tasks, position);

  return ferry_task_get_state (task);
}

/* What may not run twice waits for a person, what may goes on, and what waited has had its turn. */
static gboolean
go_on (GListModel *tasks)
{
  return has_failed (tasks, 0, FERRY_ERROR_INTERRUPTED) && get_state (tasks, 1) == FERRY_TASK_STATE_EXECUTING &&
         get_state (tasks, 2) == FERRY_TASK_STATE_COMPLETED;
}

static gboolean
has_words (GtkWidget *window, const char *words)
{
  return widget_test_find_words (window, words) != NULL;
}

/* The same, as the window says it, also of what was done in the run before. */
static gboolean
are_told (GListModel *tasks)
{
  GtkWidget *window = GTK_WIDGET (gtk_application_get_active_window (GTK_APPLICATION (g_application_get_default ())));

  return go_on (tasks) && has_words (window, "1 task was interrupted") && has_words (window, "Interrupted") &&
         has_words (window, "216,816 primes");
}

/* Somebody tries it again, and it runs. */
static gboolean
is_tried_again (GListModel *tasks)
{
  g_autoptr (FerryTask) task = g_list_model_get_item (tasks, 0);

  if (ferry_task_get_done (task))
    {
      GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (g_application_get_default ()));

      gtk_widget_activate_action (GTK_WIDGET (get_list (window)), "task.retry-all", NULL);
    }
  return get_state (tasks, 0) == FERRY_TASK_STATE_EXECUTING;
}

/* data is the signal. */
static void
test_tasks_outlive_the_demo (gconstpointer data)
{
  static const char *const arguments[] = {"--workers=2", STORED_JOBS, NULL};

  if (!demo_test_has_display ())
    return;
  demo_test_forget_tasks ();
  kill_demo (GPOINTER_TO_INT (data), arguments);
  start_and_look (3, go_on);
  /* That was a quit. */
  start_and_look (3, are_told);
  start_and_look (3, is_tried_again);
  /* It was under way at a quit, which nobody may repeat either. */
  start_and_look (3, are_told);
}

static gboolean
is_in_quarantine (GListModel *tasks)
{
  return has_failed (tasks, 0, FERRY_ERROR_QUARANTINED) && has_failed (tasks, 1, FERRY_ERROR_QUARANTINED);
}

/* What was under way each time that the demo has crashed is not begun again by itself. */
static void
test_tasks_that_end_the_demo_wait_for_a_person (void)
{
  static const char *const first[] = {"--workers=2", "primes:100000000000", "primes:99999999999", NULL};

  if (!demo_test_has_display ())
    return;
  demo_test_forget_tasks ();
  kill_demo (SIGKILL, first);
  for (guint i = 1; i < 3; i++)
    kill_demo (SIGKILL, (const char *const[]){"--workers=2", "--page=tasks", NULL});
  start_and_look (2, is_in_quarantine);
}

/* Such as one of a newer version. The demo is there, and says so. */
static gboolean
is_refused (GListModel *tasks)
{
  GtkWidget *window = GTK_WIDGET (gtk_application_get_active_window (GTK_APPLICATION (g_application_get_default ())));

  return has_words (window, "queue.db");
}

static void
test_a_file_that_is_no_queue_ends_nothing (void)
{
  g_autofree char *folder = g_build_filename (g_getenv ("XDG_STATE_HOME"), "org.ferryproject.Demo", NULL);
  g_autofree char *path = g_build_filename (folder, "queue.db", NULL), *contents = NULL;

  if (!demo_test_has_display ())
    return;
  demo_test_forget_tasks ();
  g_assert_no_errno (g_mkdir_with_parents (folder, 0700));
  demo_test_write (folder, "queue.db", "This is no queue.");
  start_and_look (0, is_refused);
  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "This is no queue.");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  demo_test_init ();
  g_test_add_data_func ("/application/closing-ends-all-workers", "close", test_leaving_ends_all_workers);
  g_test_add_data_func ("/application/quitting-ends-all-workers", "quit", test_leaving_ends_all_workers);
  g_test_add_func ("/application/page-of-tasks-begins-empty", test_page_of_tasks_begins_empty);
  g_test_add_func ("/application/keys-are-those-of-the-window", test_keys_are_those_of_the_window);
  g_test_add_func ("/application/help", test_help);
  g_test_add_func ("/application/no-display", test_no_display);
  g_test_add_func ("/application/bad-command-lines", test_bad_command_lines);
  g_test_add_func ("/application/later-starts-hand-their-options-over", test_later_starts_hand_their_options_over);
  g_test_add_data_func ("/application/killed-in-the-middle", GINT_TO_POINTER (SIGKILL), test_ended_in_the_middle);
  g_test_add_data_func ("/application/terminated-in-the-middle", GINT_TO_POINTER (SIGTERM), test_ended_in_the_middle);
  g_test_add_data_func ("/application/tasks-outlive-a-kill", GINT_TO_POINTER (SIGKILL), test_tasks_outlive_the_demo);
  g_test_add_data_func ("/application/tasks-outlive-a-crash", GINT_TO_POINTER (SIGSEGV), test_tasks_outlive_the_demo);
  g_test_add_func ("/application/tasks-that-end-the-demo-wait-for-a-person",
                   test_tasks_that_end_the_demo_wait_for_a_person);
  g_test_add_func ("/application/a-file-that-is-no-queue-ends-nothing", test_a_file_that_is_no_queue_ends_nothing);
  return demo_test_run_all ();
}
