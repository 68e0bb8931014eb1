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
  application = make_application ();
  g_timeout_add (5, leave_cb, (gpointer) data);
  g_assert_cmpint (g_application_run (G_APPLICATION (application), (int) g_strv_length (arguments), arguments), ==, 0);
  demo_test_wait_workers (0);
  g_assert_finalize_object (application);
}

static GListModel *
get_tasks (GtkWindow *window)
{
  GtkWidget *page = ferry_demo_window_get_page (FERRY_DEMO_WINDOW (window), "tasks");
  GObject *list = gtk_widget_get_template_child (page, G_OBJECT_TYPE (page), "list");

  return ferry_test_get_object (list, "tasks");
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
  application = make_application ();
  g_timeout_add (5, look_at_tasks_cb, &n_seen);
  g_assert_cmpint (g_application_run (G_APPLICATION (application), 2, arguments), ==, 0);
  g_assert_cmpuint (n_seen, ==, 0);
  demo_test_wait_workers (0);
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
}

/* data is the signal. */
static void
test_ended_in_the_middle (gconstpointer data)
{
  const char *const arguments[] = {"--workers", "3", "flood:1000000000000", "primes:100000000000", "hang", NULL};
  g_autoptr (DemoRun) run = NULL;

  if (!demo_test_has_display ())
    return;
  run = demo_test_start (NULL, arguments);
  demo_test_wait_workers (3);
  g_subprocess_send_signal (run->process, GPOINTER_TO_INT (data));
  demo_test_finish (run);
  demo_test_wait_workers (0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  demo_test_init ();
  g_test_add_data_func ("/application/closing-ends-all-workers", "close", test_leaving_ends_all_workers);
  g_test_add_data_func ("/application/quitting-ends-all-workers", "quit", test_leaving_ends_all_workers);
  g_test_add_func ("/application/page-of-tasks-begins-empty", test_page_of_tasks_begins_empty);
  g_test_add_func ("/application/help", test_help);
  g_test_add_func ("/application/no-display", test_no_display);
  g_test_add_func ("/application/bad-command-lines", test_bad_command_lines);
  g_test_add_func ("/application/later-starts-hand-their-options-over", test_later_starts_hand_their_options_over);
  g_test_add_data_func ("/application/killed-in-the-middle", GINT_TO_POINTER (SIGKILL), test_ended_in_the_middle);
  g_test_add_data_func ("/application/terminated-in-the-middle", GINT_TO_POINTER (SIGTERM), test_ended_in_the_middle);
  return g_test_run ();
}
