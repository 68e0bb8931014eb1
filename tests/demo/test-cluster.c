/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/ferry-demo-cluster.c, demo-app/ferry-demo-row.c
 *
 * The demo's window with another host, by way of a real server. */

#include "config.h"

#include <signal.h>

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

/* The host, and what the window needs to kill it. */
static void
start_host (Scene *scene, const char *url)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "..", "router", "cluster", "ferry-host", NULL);
  g_autoptr (GError) error = NULL;

  scene->host =
    g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, &error, program, "--server", url, "--application=ferry-demo",
                      "--name=far", "--workers=1", g_getenv ("FERRY_DEMO_WORKER"), NULL);
  g_assert_no_error (error);
  g_subprocess_wait_async (scene->host, NULL, note_end, &scene->host_ended);
  nats_test_server_write (scene->server, "far.pid", g_subprocess_get_identifier (scene->host));
  g_setenv ("FERRY_DEMO_PROCESSES", scene->server->folder, TRUE);
}

static void
scene_init (Scene *scene)
{
  WindowTest *window = &scene->window;
  g_autofree char *url = NULL;
  g_autoptr (GError) error = NULL;

  scene->server = nats_test_server_new ();
  nats_test_server_start (scene->server, NULL);
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  start_host (scene, url);
  window->session = ferry_demo_session_new (g_getenv ("FERRY_DEMO_WORKER"), 1);
  window->executor = ferry_demo_session_get_executor (window->session);
  g_assert_true (ferry_demo_session_add_cluster (window->session, url, &error));
  g_assert_true (ferry_demo_session_start (window->session, &error));
  window->window = ferry_demo_window_new (NULL, window->session);
  gtk_window_present (GTK_WINDOW (window->window));
}

static void
scene_clear (Scene *scene)
{
  gtk_window_destroy (GTK_WINDOW (scene->window.window));
  ferry_demo_session_stop (scene->window.session);
  g_assert_finalize_object (scene->window.session);
  g_object_unref (scene->host);
  nats_test_server_free (scene->server);
}

/* The button below widget whose tooltip begins so; mapped or not. */
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
  g_assert_null (window_test_find_words (window_test_wait_row (window, here), "on far"));
  g_signal_emit_by_name (find_button (window_test_get (window, "hosts_box"), "Kill far"), "clicked");
  ferry_test_wait_flag (&scene.host_ended);
  g_assert_cmpint (g_subprocess_get_term_sig (scene.host), ==, SIGKILL);
  window_test_wait_words (window->window, "0 hosts");
  window_test_wait_state (far, FERRY_DEMO_STATE_WAITING);
  ferry_task_cancel (here);
  window_test_wait_state (far, FERRY_DEMO_STATE_RUNNING);
  g_assert_null (ferry_task_get_host_name (far));
  ferry_task_cancel (far);
  window_test_wait_idle (window);
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  window_test_init (&argc, &argv);
  g_test_add_func ("/cluster/tasks-of-a-host-that-is-killed", test_tasks_of_a_host_that_is_killed);
  return g_test_run ();
}
