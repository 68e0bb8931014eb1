/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/tasks/ferry-demo-cluster.c
 *
 * The demo's window with another host, by way of a real server. */

#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "cluster/nats-test.h"
#include "window-test.h"

/* It takes far longer than the test does. */
#define PRIMES "primes:100000000000"

typedef struct
{
  NatsTestServer *server;
  GSubprocess *host;
  gboolean host_ended;
  WindowTest window;
} Scene;

static void
note_end (GObject *process, GAsyncResult *result, gpointer data)
{
  g_subprocess_wait_finish (G_SUBPROCESS (process), result, NULL);
  *(gboolean *) data = TRUE;
}

/* The host, and what the window needs to kill it and the server. */
static void
start_host (Scene *scene, const char *url)
{
  g_autofree char *server_pid = g_strdup_printf ("%d", scene->server->pid);
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "..", "router", "cluster", "ferry-host", NULL);
  const char *argv[] = {
    program, "--server", url, "--application=ferry-demo", "--name=far", "--workers=1", g_getenv ("FERRY_DEMO_WORKER"),
    NULL};

  scene->host = ferry_test_start (argv, G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_subprocess_wait_async (scene->host, NULL, note_end, &scene->host_ended);
  nats_test_server_write (scene->server, "server.pid", server_pid);
  nats_test_server_write (scene->server, "far.pid", g_subprocess_get_identifier (scene->host));
  g_setenv ("FERRY_DEMO_PROCESSES", scene->server->folder, TRUE);
}

static void
scene_init (Scene *scene)
{
  WindowTest *window = &scene->window;
  g_autofree char *url = NULL;
  g_autoptr (GError) error = NULL;

  demo_test_forget_tasks ();
  scene->server = nats_test_server_new ();
  nats_test_server_start (scene->server, NULL);
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  start_host (scene, url);
  window->session = ferry_demo_session_new (g_getenv ("FERRY_DEMO_WORKER"), 1, FERRY_SANDBOX_POLICY_PREFERRED);
  window->executor = ferry_demo_session_get_executor (window->session);
  window->queue = ferry_demo_session_get_queue (window->session);
  g_assert_true (ferry_demo_session_add_cluster (window->session, url, &error));
  g_assert_true (ferry_demo_session_start (window->session, &error));
  window->window = ferry_demo_window_new (NULL, window->session);
  window_test_show_page (window, "tasks");
  gtk_window_present (GTK_WINDOW (window->window));
  ferry_test_look_until (window_test_is_open, window->queue);
}

static void
scene_clear (Scene *scene)
{
  gtk_window_destroy (GTK_WINDOW (scene->window.window));
  ferry_demo_session_stop (scene->window.session);
  g_assert_finalize_object (scene->window.session);
  g_subprocess_force_exit (scene->host);
  ferry_test_wait_flag (&scene->host_ended);
  g_object_unref (scene->host);
  nats_test_server_free (scene->server);
}

/* The button below widget with a tooltip that begins so; mapped or not. */
static GtkWidget *
find_button (GtkWidget *widget, const char *tooltip)
{
  const char *text = gtk_widget_get_tooltip_text (widget);

  if (GTK_IS_BUTTON (widget) && text != NULL && g_str_has_prefix (text, tooltip))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_button (child, tooltip);

      if (found != NULL)
        return found;
    }
  return NULL;
}

/* What is told of a task when it is first shown as running. */
static void
note_first_words (FerryTaskMonitor *monitor, GParamSpec *pspec, char **words)
{
  if (*words == NULL && ferry_test_get_number (monitor, "status") == FERRY_TASK_STATUS_RUNNING)
    *words = g_strdup (ferry_test_get_string (monitor, "detail"));
}

static void
note_first_words_of (FerryTask *task, char **words)
{
  window_test_get_status (task);
  g_signal_connect (g_object_get_data (G_OBJECT (task), WINDOW_TEST_MONITOR), "notify::status",
                    G_CALLBACK (note_first_words), words);
}

static void
test_a_row_says_at_once_where_its_task_runs (void)
{
  Scene scene = {.host_ended = FALSE};
  WindowTest *window = &scene.window;
  g_autofree char *here_words = NULL;
  g_autofree char *far_words = NULL;
  FerryTask *here, *far;

  if (!demo_test_has_display () || nats_test_must_skip ("nats-server"))
    return;
  scene_init (&scene);
  window_test_wait_words (window->window, "1 host");
  here = window_test_add_task (window, PRIMES);
  far = window_test_add_task (window, PRIMES);
  note_first_words_of (here, &here_words);
  note_first_words_of (far, &far_words);
  window_test_wait_state (here, FERRY_TASK_STATUS_RUNNING);
  window_test_wait_state (far, FERRY_TASK_STATUS_RUNNING);
  g_assert_cmpstr (here_words, ==, "Running");
  g_assert_cmpstr (far_words, ==, "Running on far");
  ferry_task_cancel (here);
  ferry_task_cancel (far);
  window_test_wait_idle (window);
  scene_clear (&scene);
}

/* Two tasks where there is room for one here; the host is killed from the window, and the task goes elsewhere. */
static void
test_tasks_of_a_host_that_is_killed (void)
{
  Scene scene = {.host_ended = FALSE};
  WindowTest *window = &scene.window;
  FerryTask *here, *far;

  if (!demo_test_has_display () || nats_test_must_skip ("nats-server"))
    return;
  scene_init (&scene);
  window_test_wait_words (window->window, "1 host");
  here = window_test_add_task (window, "hang");
  far = window_test_add_task (window, PRIMES);
  window_test_wait_words (window_test_wait_row (window, far), "on far");
  g_assert_null (widget_test_find_words (window_test_wait_row (window, here), "on far"));
  g_signal_emit_by_name (find_button (window_test_get (window, "hosts_box"), "Stop far"), "clicked");
  ferry_test_wait_flag (&scene.host_ended);
  g_assert_cmpint (g_subprocess_get_term_sig (scene.host), ==, SIGKILL);
  window_test_wait_words (window->window, "0 hosts");
  window_test_wait_state (far, FERRY_TASK_STATUS_WAITING);
  ferry_task_cancel (here);
  window_test_wait_state (far, FERRY_TASK_STATUS_RUNNING);
  g_assert_null (ferry_test_get_string (far, "host-name"));
  ferry_task_cancel (far);
  window_test_wait_idle (window);
  scene_clear (&scene);
}

static gboolean
has_ended (gpointer pid)
{
  siginfo_t info = {0};

  return waitid (P_PID, (id_t) GPOINTER_TO_INT (pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

static gboolean
is_visible (gpointer widget)
{
  return gtk_widget_get_visible (widget);
}

/* Also while the list is not shown: another window may take the pointer from it, which closes it. */
static gboolean
is_connected (gpointer row)
{
  return strcmp (adw_action_row_get_subtitle (row), "connected") == 0;
}

static void
test_a_server_that_is_killed_is_waited_for (void)
{
  Scene scene = {.host_ended = FALSE};
  WindowTest *window = &scene.window;
  GtkWidget *menu_button, *kill_button, *row;
  FerryTask *here, *far;

  if (!demo_test_has_display () || nats_test_must_skip ("nats-server"))
    return;
  scene_init (&scene);
  window_test_wait_words (window->window, "1 host");
  here = window_test_add_task (window, "hang");
  far = window_test_add_task (window, PRIMES);
  window_test_wait_words (window_test_wait_row (window, far), "on far");
  menu_button = gtk_widget_get_first_child (window_test_get (window, "hosts_box"));
  gtk_menu_button_popup (GTK_MENU_BUTTON (menu_button));
  kill_button = find_button (menu_button, "Stop server");
  row = gtk_widget_get_ancestor (kill_button, ADW_TYPE_ACTION_ROW);
  ferry_test_look_until (is_visible, kill_button);
  g_assert_true (is_connected (row));
  g_signal_emit_by_name (kill_button, "clicked");
  ferry_test_look_until (has_ended, GINT_TO_POINTER (scene.server->pid));
  window_test_wait_words (window->window, "1 host, reconnecting");
  g_assert_false (is_connected (row));
  nats_test_server_kill (scene.server);
  nats_test_server_start (scene.server, NULL);
  ferry_test_look_until (is_connected, row);
  window_test_wait_words (window_test_wait_row (window, far), "on far");
  ferry_task_cancel (far);
  window_test_wait_state (far, FERRY_TASK_STATUS_CANCELLED);
  ferry_task_cancel (here);
  window_test_wait_idle (window);
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  window_test_init (&argc, &argv);
  g_test_add_func ("/cluster/a-row-says-at-once-where-its-task-runs", test_a_row_says_at_once_where_its_task_runs);
  g_test_add_func ("/cluster/tasks-of-a-host-that-is-killed", test_tasks_of_a_host_that_is_killed);
  g_test_add_func ("/cluster/a-server-that-is-killed-is-waited-for", test_a_server_that_is_killed_is_waited_for);
  return demo_test_run_all ();
}
