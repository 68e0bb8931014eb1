/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-client-name.c
 *
 * An application that is killed and comes back, with a real server and a real host. This program is the test, the
 * application of a host ("application URL FOLDER NUMBER...", with tasks of these numbers), and the host's worker.
 *
 * A function holds the lock of a file for as long as it runs, so that a second run of the task at the same time fails.
 */

#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "cluster/ferry-client-name-private.h"
#include "cluster/ferry-cluster.h"
#include "cluster/ferry-run-message-private.h"
#include "cluster/nats-test.h"
#include "job/ferry-worker-main.h"

/* A host would keep what it runs for a dead application for so long: far longer than a test may take. */
#define CUT_TIMEOUT "--cut-timeout=36000"

/* ---- the worker ---- */

static gboolean
lock (const char *path, GError **error)
{
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "'%s' is held by another run", path);
  return FALSE;
}

/* (sb): holds the file of that path; and stays, whatever it is told. */
static GVariant *
hold (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *path;
  gboolean stay;

  g_variant_get (arguments, "(&sb)", &path, &stay);
  if (!lock (path, error))
    return NULL;
  if (!ferry_job_report (job, 0.5, "held", error))
    return NULL;
  while (stay)
    poll (NULL, 0, -1);
  return g_variant_new_string ("held");
}

/* ---- the application ---- */

static void
print_text (FerryTask *task, GParamSpec *pspec, const char *number)
{
  if (g_strcmp0 (ferry_task_get_text (task), "held") == 0)
    g_print ("held %s\n", number);
}

static int
be_the_application (char **arguments)
{
  gboolean stay = g_str_equal (arguments[3], "stay");
  FerryRouter *router = ferry_router_get_default ();
  g_autoptr (FerryCluster) cluster = ferry_cluster_new (router, arguments[1], "app");
  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_runner (FERRY_RUNNER (cluster));
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  setvbuf (stdout, NULL, _IOLBF, 0);
  g_assert_true (ferry_router_start (router, NULL));
  for (char **number = arguments + 4; *number != NULL; number++)
    {
      g_autofree char *path = g_build_filename (arguments[2], *number, NULL);
      FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, "hold", g_variant_new ("(sb)", path, stay));

      g_object_set (task, "retries", 3, NULL);
      g_signal_connect (task, "notify::text", G_CALLBACK (print_text), *number);
      g_ptr_array_add (tasks, task);
      g_assert_true (ferry_executor_submit_task (executor, task, NULL));
    }
  for (guint i = 0; i < tasks->len; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) result = ferry_task_wait (tasks->pdata[i], -1, &error);

      g_print ("%s %s\n", result != NULL ? "done" : error->message, arguments[4 + i]);
    }
  return 0;
}

/* ---- the test ---- */

typedef struct
{
  NatsTestServer *server;
  GSubprocess *host;
} Scene;

static void
scene_set_up (Scene *self)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "..", "router", "cluster", "ferry-host", NULL);
  g_autofree char *worker = ferry_test_build_path ("test-cluster-client-name");
  g_autofree char *url = NULL;

  self->server = nats_test_server_new ();
  nats_test_server_start (self->server, NULL);
  url = nats_test_server_get_url (self->server, "nats", "127.0.0.1");
  self->host = ferry_test_start ((const char *const[]){program, "--server", url, "--application=app", "--name=alpha",
                                                       "--workers=4", CUT_TIMEOUT, worker, NULL},
                                 G_SUBPROCESS_FLAGS_NONE);
}

static void
end_process (GSubprocess *process)
{
  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, NULL);
  g_object_unref (process);
}

static void
scene_tear_down (Scene *self)
{
  end_process (self->host);
  nats_test_server_free (self->server);
}

/* numbers: of two tasks. */
static GSubprocess *
start_application (Scene *scene, const char *stay, const char *const *numbers)
{
  g_autofree char *program = ferry_test_build_path ("test-cluster-client-name");
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");

  return ferry_test_start (
    (const char *const[]){program, "application", url, scene->server->folder, stay, numbers[0], numbers[1], NULL},
    G_SUBPROCESS_FLAGS_STDOUT_PIPE);
}

/* Waits until the application has said this of both tasks, and nothing else. */
static void
wait_for (GSubprocess *application, const char *word, const char *const *numbers)
{
  GDataInputStream *lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (application));
  guint n = 0;

  while (n < 2)
    {
      g_autofree char *line = g_data_input_stream_read_line_utf8 (lines, NULL, NULL, NULL);

      g_assert_nonnull (line);
      g_test_message ("%s", line);
      if (g_str_has_prefix (line, "held ") && !g_str_equal (word, "held"))
        continue;
      g_assert_true (g_str_has_prefix (line, word));
      n++;
    }
  g_filter_input_stream_set_close_base_stream (G_FILTER_INPUT_STREAM (lines), FALSE);
  g_object_unref (lines);
}

static gboolean
is_held (Scene *scene, const char *number)
{
  g_autofree char *path = nats_test_server_get_path (scene->server, number);
  int fd = open (path, O_RDWR | O_CLOEXEC);
  gboolean is_free = flock (fd, LOCK_EX | LOCK_NB) == 0;

  g_assert_cmpint (fd, >=, 0);
  close (fd);
  return !is_free;
}

static const char *const ours[] = {"0", "1"};
static const char *const others[] = {"2", "3"};

/* The same tasks, with functions that never look whether they are cancelled. */
static void
test_host_ends_what_runs_for_a_killed_application_that_comes_back (void)
{
  Scene scene;
  GSubprocess *application;

  scene_set_up (&scene);
  for (guint i = 0; i < 3; i++)
    {
      application = start_application (&scene, "stay", ours);
      wait_for (application, "held", ours);
      g_assert_true (is_held (&scene, "0") && is_held (&scene, "1"));
      end_process (application);
    }
  application = start_application (&scene, "go", ours);
  wait_for (application, "done", ours);
  end_process (application);
  scene_tear_down (&scene);
}

static void
test_two_that_run_side_by_side_end_nothing_of_each_other (void)
{
  Scene scene;
  GSubprocess *application, *other;

  scene_set_up (&scene);
  application = start_application (&scene, "stay", ours);
  wait_for (application, "held", ours);
  other = start_application (&scene, "stay", others);
  wait_for (other, "held", others);
  end_process (other);
  other = start_application (&scene, "go", others);
  wait_for (other, "done", others);
  g_assert_true (is_held (&scene, "0") && is_held (&scene, "1"));
  end_process (application);
  /* The first name is free, and the second is not. */
  application = start_application (&scene, "go", ours);
  wait_for (application, "done", ours);
  end_process (application);
  end_process (other);
  scene_tear_down (&scene);
}

static void
test_name_is_one_client_s_at_a_time (void)
{
  FerryClientName first = {0}, second = {0}, other = {0}, again = {0};

  ferry_client_name_take (&first, "test-of-names", "alice", "0af");
  ferry_client_name_take (&second, "test-of-names", "alice", "0af");
  ferry_client_name_take (&other, "test-of-names", "bob", "0af");
  g_assert_cmpint (first.socket, >=, 0);
  g_assert_true (ferry_token_is_valid (first.name) && ferry_token_is_valid (second.name));
  g_assert_cmpstr (first.name, !=, second.name);
  g_assert_cmpstr (first.name, !=, other.name);
  ferry_client_name_release (&first);
  ferry_client_name_take (&again, "test-of-names", "alice", "0af");
  ferry_client_name_take (&first, "test-of-names", "alice", "0af");
  g_assert_cmpstr (first.name, !=, again.name);
  g_assert_cmpstr (second.name, !=, again.name);
  ferry_client_name_release (&first);
  ferry_client_name_release (&second);
  ferry_client_name_release (&other);
  ferry_client_name_release (&again);
}

static void
test_name_that_comes_back_has_a_later_start (void)
{
  FerryClientName before = {0}, after = {0};
  g_autofree char *name = NULL;
  guint64 start;

  ferry_client_name_take (&before, "test-of-starts", "alice", "0af");
  name = g_strdup (before.name);
  start = before.start;
  ferry_client_name_release (&before);
  ferry_client_name_take (&after, "test-of-starts", "alice", "0af");
  g_assert_cmpstr (after.name, ==, name);
  g_assert_cmpuint (after.start, >, start);
  ferry_client_name_release (&after);
}

int
main (int argc, char **argv)
{
  ferry_function_register ("hold", "(sb)", "s", hold);
  ferry_worker_main (&argc, &argv);
  if (argc > 5 && g_str_equal (argv[1], "application"))
    return be_the_application (argv + 1);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client-name/name-is-one-client-s-at-a-time", test_name_is_one_client_s_at_a_time);
  g_test_add_func ("/client-name/name-that-comes-back-has-a-later-start", test_name_that_comes_back_has_a_later_start);
  nats_test_add ("/client-name/host-ends-what-runs-for-a-killed-application-that-comes-back",
                 test_host_ends_what_runs_for_a_killed_application_that_comes_back);
  nats_test_add ("/client-name/two-that-run-side-by-side-end-nothing-of-each-other",
                 test_two_that_run_side_by_side_end_nothing_of_each_other);
  return g_test_run ();
}
