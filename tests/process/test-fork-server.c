/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-fork-server.c, process/ferry-fork-server-main.c, engine/ferry-fork-server-link.c
 *
 * Workers that a fork server forks: what they find around themselves, and how their ends are told. */

#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "process/ferry-fork-server-main-private.h"
#include "process/ferry-launcher-private.h"
#include "process/fork-server-test.h"

static void
test_forks_a_worker_that_sends (void)
{
  ForkServerTest test;
  g_autoptr (FerryTestPipe) pipe = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  pipe = ferry_test_pipe_new (test.router);
  worker_test_add_sender (test.launcher, "out", pipe);
  worker = fork_server_test_spawn (&test, "send:1000 exit:4");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 4");
  g_assert_cmpuint (pipe->n_messages, ==, 1000);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_EXITED);
  g_assert_cmpint (ferry_test_get_process (worker), ==,
                   ferry_test_get_process (ferry_test_get_object (worker, "exit")));
  g_assert_cmpuint (ferry_test_get_number (test.fork_server, "n-starts"), ==, 1);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  fork_server_test_finish (&test);
}

static void
test_is_the_parent (void)
{
  ForkServerTest test;
  g_autofree char *told = NULL;
  g_autofree char *expected = NULL;

  fork_server_test_begin (&test);
  told = fork_server_test_ask (&test, "parent group");
  expected =
    g_strdup_printf ("%d\nleader\n", (int) ferry_test_get_process (ferry_test_get_object (test.fork_server, "worker")));
  g_assert_cmpstr (told, ==, expected);
  fork_server_test_finish (&test);
}

static void
test_tells_of_a_signal (void)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  worker = fork_server_test_spawn (&test, "kill:11");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 11");
  fork_server_test_finish (&test);
}

static void
test_names_the_process (void)
{
  ForkServerTest test;

  fork_server_test_begin (&test);
  fork_server_test_assert_told (&test, "name cmdline", "parent-worker\nparent-worker\n");
  g_object_set (test.launcher, "name", "a worker", NULL);
  fork_server_test_assert_told (&test, "name cmdline", "a worker\na worker\n");
  fork_server_test_finish (&test);
}

/* A name that is longer than what the program was called with goes on over where its environment lay. */
static void
test_names_the_process_at_length (void)
{
  ForkServerTest test;
  g_autofree char *name = g_strnfill (255, 'n');
  g_autofree char *expected = g_strconcat (name, "\ncmdline variable:WORKER_ORDERS\n", NULL);

  fork_server_test_begin (&test);
  g_object_set (test.launcher, "name", name, NULL);
  fork_server_test_assert_told (&test, "cmdline variable:WORKER_ORDERS", expected);
  fork_server_test_finish (&test);
}

/* What a binding for another language passes is a copy, which is freed later. */
static void
test_leaves_arguments_that_are_copies_alone (void)
{
  char **variables = environ;
  char *name = g_strdup (program_invocation_name);
  char *argv[] = {name, NULL};

  ferry_fork_server_set_arguments (0, argv + 1);
  ferry_fork_server_set_arguments (1, argv);
  g_assert_true (argv[0] == name);
  g_assert_true (environ == variables);
  g_free (name);
}

/* The strings of main() are replaced by copies, as their memory becomes the title of each worker. */
static void
test_moves_the_arguments_of_main (void)
{
  char *argv[] = {program_invocation_name, NULL};
  char **variables = environ;
  char *variable = environ[0];

  ferry_fork_server_set_arguments (1, argv);
  g_assert_true (argv[0] != program_invocation_name);
  g_assert_cmpstr (argv[0], ==, program_invocation_name);
  g_assert_true (environ != variables);
  g_assert_true (environ[0] != variable);
  g_assert_cmpstr (environ[0], ==, variable);
  variables = environ;
  /* Once is enough. */
  argv[0] = program_invocation_name;
  ferry_fork_server_set_arguments (1, argv);
  g_assert_true (argv[0] == program_invocation_name);
  g_assert_true (environ == variables);
}

static void
test_has_the_environment_of_its_fork_server (void)
{
  ForkServerTest test;

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.base, "WORKER_ORDERS", "variable:WORKER_TEST variable:FERRY_FORK_SERVER tell:done");
  ferry_launcher_setenv (test.base, "WORKER_TEST", "inherited");
  ferry_launcher_setenv (test.launcher, "WORKER_TEST", "inherited");
  fork_server_test_assert_told (&test, "variable:WORKER_TEST variable:FERRY_FORK_SERVER tell:done",
                                "inherited\n(none)\ndone\n");
  fork_server_test_finish (&test);
}

static void
test_has_an_environment_of_its_own (void)
{
  ForkServerTest test;
  const char *environment[] = {"WORKER_TEST=only", "WORKER_ORDERS=variable:WORKER_TEST variable:HOME", NULL};
  g_autofree char *told = NULL;

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.base, "WORKER_TEST", "not this");
  g_object_set (test.launcher, "environ", environment, NULL);
  told = worker_test_run (test.launcher, test.router);
  g_assert_cmpstr (told, ==, "only\n(none)\n");
  fork_server_test_finish (&test);
}

static void
test_refuses_an_environment_that_no_packet_takes (void)
{
  ForkServerTest test;
  g_autofree char *value = g_strnfill (130 * 1024, 'v');
  g_autoptr (GError) error = NULL;

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.launcher, "WORKER_TEST", value);
  g_assert_null (ferry_launcher_spawn (test.launcher, test.router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  fork_server_test_finish (&test);
}

static void
test_sends_a_large_environment (void)
{
  ForkServerTest test;
  g_autofree char *value = g_strnfill (100 * 1024, 'v');
  g_autofree char *expected = g_strconcat (value, "\n", NULL);

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.launcher, "WORKER_TEST", value);
  fork_server_test_assert_told (&test, "variable:WORKER_TEST", expected);
  fork_server_test_finish (&test);
}

static void
test_starts_in_another_folder (void)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  g_object_set (test.launcher, "cwd", "/", NULL);
  fork_server_test_assert_told (&test, "folder", "/\n");
  g_object_set (test.launcher, "cwd", "/no/such/folder", NULL);
  worker = fork_server_test_spawn (&test, "folder");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "/no/such/folder");
  g_assert_nonnull (strstr (ferry_exit_get_message (ferry_test_get_object (worker, "exit")), "No such file"));
  fork_server_test_finish (&test);
}

static void
test_has_no_other_descriptor (void)
{
  ForkServerTest test;
  FerryWorker *others[5];

  fork_server_test_begin (&test);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    others[i] = fork_server_test_spawn (&test, "pause");
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    worker_test_wait_launched (others[i]);
  fork_server_test_assert_told (&test, "descriptors input", "0 1 2 3 \n0\n");
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      ferry_worker_force_exit (others[i]);
      worker_test_assert_exit (others[i], FERRY_CLOSE_REASON_KILLED, "signal 9");
      g_object_unref (others[i]);
    }
  fork_server_test_finish (&test);
}

static void
test_draws_other_random_numbers (void)
{
  ForkServerTest test;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_auto (GStrv) one = NULL;
  g_auto (GStrv) other = NULL;

  fork_server_test_begin (&test);
  first = fork_server_test_ask (&test, "random");
  second = fork_server_test_ask (&test, "random");
  one = g_strsplit (first, " ", -1);
  other = g_strsplit (second, " ", -1);
  g_assert_cmpuint (g_strv_length (one), ==, 4);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpstr (one[i], !=, other[i]);
  fork_server_test_finish (&test);
}

/* A fork server of a program with a thread, which may execute its workers. */
static void
begin_with_thread (ForkServerTest *test)
{
  *test = (ForkServerTest){.router = ferry_test_router_new (),
                           .base = worker_test_launcher_new ("parent-worker", NULL, NULL)};
  ferry_launcher_setenv (test->base, "FORK_SERVER_INITIALISERS", "thread");
  test->launcher = ferry_launcher_new_forked (test->base);
}

static void
finish_with_thread (ForkServerTest *test)
{
  g_object_unref (test->launcher);
  g_object_unref (test->base);
  ferry_test_router_stop (test->router);
}

/* The second worker is executed by the application. */
static void
test_executes_its_program_where_it_has_threads (void)
{
  const char *orders = "folder variable:WORKER_TEST limit:7 group descriptors variable:FERRY_FORK_SERVER";
  ForkServerTest test;

  begin_with_thread (&test);
  g_object_set (test.launcher, "cwd", "/", NULL);
  ferry_launcher_set_limit (test.launcher, FERRY_LIMIT_OPEN_FILES, 100);
  ferry_launcher_setenv (test.launcher, "WORKER_TEST", "a=b");
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *parent = NULL;

      fork_server_test_assert_told (&test, orders, "/\na=b\n100\nleader\n0 1 2 3 \n(none)\n");
      parent = fork_server_test_ask (&test, "parent");
      g_assert_cmpint (atoi (parent), ==, getpid ());
    }
  finish_with_thread (&test);
}

static void
test_executes_a_worker_that_it_is_the_parent_of (void)
{
  ForkServerTest test;
  g_autoptr (FerryTestPipe) pipe = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  begin_with_thread (&test);
  pipe = ferry_test_pipe_new (test.router);
  worker_test_add_sender (test.launcher, "out", pipe);
  worker = fork_server_test_spawn (&test, "send:1000 kill:15");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 15");
  g_assert_cmpuint (pipe->n_messages, ==, 1000);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  finish_with_thread (&test);
}

/* A worker's end waits while the handler of one of its messages runs. */
static void
hear_of_start_after_the_fork_servers_end (FerryReceiver *receiver, gconstpointer data, gsize size,
                                          const GVariantType *type, gpointer user_data)
{
  FerryWorker *worker = user_data;
  FerryLauncher *launcher = g_object_get_data (G_OBJECT (worker), "launcher");
  FerryWorker *fork_server = ferry_test_get_object (ferry_launcher_get_fork_server (launcher), "worker");

  ferry_worker_force_exit (fork_server);
  ferry_test_wait_ended (fork_server);
  g_assert_cmpint (ferry_worker_get_state (worker), ==, FERRY_WORKER_STATE_OPEN);
  g_object_thaw_notify (G_OBJECT (worker));
}

/* What the fork server said of the worker counts, though its process is gone when the start is heard of. */
static void
test_hears_of_a_start_after_its_own_end (void)
{
  ForkServerTest test;
  g_autoptr (FerryTestPipe) pipe = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  begin_with_thread (&test);
  pipe = ferry_test_pipe_new (test.router);
  worker_test_add_sender (test.launcher, "out", pipe);
  worker = fork_server_test_spawn (&test, "send:1 pause");
  g_object_set_data (G_OBJECT (worker), "launcher", test.launcher);
  ferry_receiver_set_handler (pipe->receiver, hear_of_start_after_the_fork_servers_end, worker, NULL);
  g_object_freeze_notify (G_OBJECT (worker));
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_FORK_SERVER_LOST, "fork server");
  g_clear_pointer (&pipe, ferry_test_pipe_free);

  pipe = ferry_test_pipe_new (test.router);
  worker_test_add_sender (test.launcher, "out", pipe);
  fork_server_test_assert_told (&test, "send:1 tell:executed", "executed\n");
  g_assert_null (ferry_launcher_get_fork_server (test.launcher));
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  finish_with_thread (&test);
}

static void
test_tells_why_it_cannot_execute (void)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;

  begin_with_thread (&test);
  g_object_set (test.launcher, "cwd", "/no/such/folder", NULL);
  worker = fork_server_test_spawn (&test, "folder");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "/no/such/folder");
  finish_with_thread (&test);
}

static void
test_ends_what_a_worker_left (void)
{
  ForkServerTest test;
  g_autofree char *told = NULL;
  ferry_autofd fd = -1;
  g_autoptr (FerryWorker) worker = NULL;
  GPid child;

  fork_server_test_begin (&test);
  fork_server_test_order (&test, "child exit:0");
  worker = worker_test_spawn_with_output (test.launcher, test.router, &fd);
  told = worker_test_read_line (fd);
  child = atoi (told);
  g_assert_cmpint (child, >, 1);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  worker_test_wait_gone (child);
  fork_server_test_finish (&test);
}

#define N_WORKERS 100

static void
test_leaves_no_process_and_no_descriptor (void)
{
  ForkServerTest test;
  FerryWorker *workers[N_WORKERS];
  guint before;

  fork_server_test_begin (&test);
  g_free (fork_server_test_ask (&test, "name"));
  before = ferry_test_count_fds ();
  for (guint i = 0; i < N_WORKERS; i++)
    workers[i] = fork_server_test_spawn (&test, i % 2 == 0 ? "exit:3" : "kill:9");
  for (guint i = 0; i < N_WORKERS; i++)
    {
      ferry_test_wait_ended (workers[i]);
      g_assert_cmpint (ferry_exit_get_exit_status (ferry_test_get_object (workers[i], "exit")), ==,
                       i % 2 == 0 ? 3 : -1);
      g_assert_cmpint (fork_server_test_get_state (ferry_test_get_process (workers[i])), ==, 0);
      g_object_unref (workers[i]);
    }
  g_assert_cmpuint (ferry_test_count_fds (), ==, before);
  fork_server_test_assert_told (&test, "descriptors", "0 1 2 3 \n");
  g_assert_cmpuint (ferry_test_get_number (test.fork_server, "n-starts"), ==, 1);
  fork_server_test_finish (&test);
}

static void
test_signals_reach_a_worker_that_is_asked_for (void)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  worker = fork_server_test_spawn (&test, "pause");
  ferry_worker_send_signal (worker, SIGTERM);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 15");
  fork_server_test_finish (&test);
}

static void
test_needs_an_attached_worker_in_time (void)
{
  ForkServerTest test;
  g_autoptr (FerryTestPipe) pipe = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  pipe = ferry_test_pipe_new (test.router);
  worker_test_add_sender (test.launcher, "out", pipe);
  g_object_set (test.launcher, "attach-timeout", (gint64) 10000, NULL);
  worker = fork_server_test_spawn (&test, "pause");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_NEVER_ATTACHED, "in time");
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  fork_server_test_finish (&test);
}

static void
test_stops_with_its_router (void)
{
  ForkServerTest test;
  FerryWorker *workers[10];
  GPid fork_server;
  GPid pids[G_N_ELEMENTS (workers)];

  fork_server_test_begin (&test);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    workers[i] = fork_server_test_spawn (&test, i % 2 == 0 ? "pause" : "spin");
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      worker_test_wait_launched (workers[i]);
      pids[i] = ferry_test_get_process (workers[i]);
    }
  fork_server = ferry_test_get_process (ferry_test_get_object (test.fork_server, "worker"));
  ferry_router_stop (test.router, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      g_assert_cmpint (ferry_exit_get_reason (ferry_test_get_object (workers[i], "exit")), ==,
                       FERRY_CLOSE_REASON_ROUTER_STOPPED);
      /* The process that adopts it when the fork server has ended reaps it. */
      worker_test_wait_gone (pids[i]);
      g_object_unref (workers[i]);
    }
  /* A process that takes long to end is reaped after the stop. */
  worker_test_wait_gone (fork_server);
  g_assert_true (ferry_router_start (test.router, NULL));
  fork_server_test_assert_told (&test, "name", "parent-worker\n");
  g_assert_cmpuint (ferry_test_get_number (test.fork_server, "n-starts"), ==, 2);
  fork_server_test_finish (&test);
}

static void
test_stops_while_workers_are_asked_for (void)
{
  for (guint round = 0; round < 20; round++)
    {
      ForkServerTest test;
      FerryWorker *workers[5];

      fork_server_test_begin (&test);
      for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
        workers[i] = fork_server_test_spawn (&test, "pause");
      if (round % 2 == 0)
        worker_test_wait_launched (workers[0]);
      fork_server_test_finish (&test);
      for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
        g_assert_finalize_object (workers[i]);
    }
}

/* The fork server's process goes with the last that needs it, and not before. */
static void
test_goes_when_nobody_needs_it (void)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) process = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  worker = fork_server_test_spawn (&test, "pause");
  worker_test_wait_launched (worker);
  process = g_object_ref (ferry_test_get_object (test.fork_server, "worker"));
  g_object_unref (test.fork_server);
  g_object_unref (test.launcher);
  g_object_unref (test.base);
  g_assert_cmpint (ferry_worker_get_state (process), ==, FERRY_WORKER_STATE_OPEN);
  ferry_worker_force_exit (worker);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 9");
  ferry_test_wait_ended (process);
  ferry_test_router_stop (test.router);
}

/* The workers get what their own launcher has; what the fork server's has would reach no process. */
static void
test_refuses_senders_of_its_launcher (void)
{
  ForkServerTest test;
  g_autoptr (GError) error = NULL;
  FerryTestPipe *pipe;
  FerryTestPipe *second;

  fork_server_test_begin (&test);
  pipe = ferry_test_pipe_new (test.router);
  second = ferry_test_pipe_new (test.router);
  g_assert_true (ferry_launcher_add_sender (test.base, "out", pipe->sender, &error));
  g_assert_true (ferry_launcher_add_sender (test.base, "second", second->sender, &error));
  g_assert_false (ferry_fork_server_start (test.fork_server, test.router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (error->message, "has the sender 'out' and 1 more, which"));
  g_clear_error (&error);
  g_assert_null (ferry_launcher_spawn (test.launcher, test.router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_cmpuint (ferry_test_get_number (test.fork_server, "n-starts"), ==, 0);
  ferry_router_close_pipe (test.router, pipe->receiver, NULL);
  ferry_test_pipe_free (pipe);
  ferry_router_close_pipe (test.router, second->receiver, NULL);
  ferry_test_pipe_free (second);
  fork_server_test_finish (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/fork-server/forks-a-worker-that-sends", test_forks_a_worker_that_sends);
  g_test_add_func ("/fork-server/is-the-parent", test_is_the_parent);
  g_test_add_func ("/fork-server/tells-of-a-signal", test_tells_of_a_signal);
  g_test_add_func ("/fork-server/names-the-process", test_names_the_process);
  g_test_add_func ("/fork-server/names-the-process-at-length", test_names_the_process_at_length);
  g_test_add_func ("/fork-server/leaves-arguments-that-are-copies-alone", test_leaves_arguments_that_are_copies_alone);
  g_test_add_func ("/fork-server/moves-the-arguments-of-main", test_moves_the_arguments_of_main);
  g_test_add_func ("/fork-server/worker-has-the-environment-of-its-fork-server",
                   test_has_the_environment_of_its_fork_server);
  g_test_add_func ("/fork-server/worker-has-an-environment-of-its-own", test_has_an_environment_of_its_own);
  g_test_add_func ("/fork-server/refuses-an-environment-that-no-packet-takes",
                   test_refuses_an_environment_that_no_packet_takes);
  g_test_add_func ("/fork-server/sends-a-large-environment", test_sends_a_large_environment);
  g_test_add_func ("/fork-server/worker-starts-in-another-folder", test_starts_in_another_folder);
  g_test_add_func ("/fork-server/worker-has-no-other-descriptor", test_has_no_other_descriptor);
  g_test_add_func ("/fork-server/workers-draw-other-random-numbers", test_draws_other_random_numbers);
  g_test_add_func ("/fork-server/ends-what-a-worker-left", test_ends_what_a_worker_left);
  g_test_add_func ("/fork-server/executes-its-program-where-it-has-threads",
                   test_executes_its_program_where_it_has_threads);
  g_test_add_func ("/fork-server/executes-a-worker-that-it-is-the-parent-of",
                   test_executes_a_worker_that_it_is_the_parent_of);
  g_test_add_func ("/fork-server/hears-of-a-start-after-its-own-end", test_hears_of_a_start_after_its_own_end);
  g_test_add_func ("/fork-server/tells-why-it-cannot-execute", test_tells_why_it_cannot_execute);
  g_test_add_func ("/fork-server/leaves-no-process-and-no-descriptor", test_leaves_no_process_and_no_descriptor);
  g_test_add_func ("/fork-server/signals-reach-a-worker-that-is-asked-for",
                   test_signals_reach_a_worker_that_is_asked_for);
  g_test_add_func ("/fork-server/worker-must-attach-in-time", test_needs_an_attached_worker_in_time);
  g_test_add_func ("/fork-server/stops-with-its-router", test_stops_with_its_router);
  g_test_add_func ("/fork-server/stops-while-workers-are-asked-for", test_stops_while_workers_are_asked_for);
  g_test_add_func ("/fork-server/refuses-senders-of-its-launcher", test_refuses_senders_of_its_launcher);
  g_test_add_func ("/fork-server/goes-when-nobody-needs-it", test_goes_when_nobody_needs_it);
  return g_test_run ();
}
