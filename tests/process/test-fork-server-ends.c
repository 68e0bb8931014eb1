/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-fork-server.c, engine/ferry-fork-server-link.c
 *
 * What becomes of a fork server's workers when it dies, refuses, or breaks the rules; and of the fork server with them.
 */

#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "process/fork-server-test.h"

static void
test_lost_fork_server_takes_its_workers_along (void)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) idle = NULL;
  g_autoptr (FerryWorker) busy = NULL;
  g_autoptr (FerryTestPipe) pipe = NULL;

  fork_server_test_begin (&test);
  pipe = ferry_test_pipe_new (test.router);
  busy = fork_server_test_spawn (&test, "spin");
  worker_test_add_sender (test.launcher, "out", pipe);
  idle = fork_server_test_spawn (&test, "send:10 pause");
  ferry_test_pipe_wait_count (pipe, 10);
  worker_test_wait_launched (busy);
  fork_server_test_kill (&test);
  worker_test_assert_exit (idle, FERRY_CLOSE_REASON_FORK_SERVER_LOST, "ended with its fork server");
  worker_test_assert_exit (busy, FERRY_CLOSE_REASON_FORK_SERVER_LOST, "ended with its fork server");
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_FORK_SERVER_LOST);
  worker_test_wait_gone (ferry_test_get_process (idle));
  worker_test_wait_gone (ferry_test_get_process (busy));
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  fork_server_test_finish (&test);
}

static void
test_lost_fork_server_is_replaced_at_the_next_spawn (void)
{
  ForkServerTest test;

  fork_server_test_begin (&test);
  for (guint i = 1; i <= 5; i++)
    {
      fork_server_test_assert_told (&test, "name", "parent-worker\n");
      g_assert_cmpuint (ferry_test_get_number (test.fork_server, "n-starts"), ==, i);
      fork_server_test_kill (&test);
      worker_test_assert_exit (ferry_test_get_object (test.fork_server, "worker"), FERRY_CLOSE_REASON_KILLED,
                               "signal 9");
    }
  fork_server_test_finish (&test);
}

static void
test_grandchildren_of_a_lost_fork_server_end (void)
{
  ForkServerTest test;
  g_autofree char *told = NULL;
  ferry_autofd fd = -1;
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  fork_server_test_order (&test, "child pause");
  worker = worker_test_spawn_with_output (test.launcher, test.router, &fd);
  told = worker_test_read_line (fd);
  worker_test_wait_launched (worker);
  fork_server_test_kill (&test);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_FORK_SERVER_LOST, "fork server");
  worker_test_wait_gone (atoi (told));
  fork_server_test_finish (&test);
}

/* Workers that were asked for, and not started when the fork server went. */
static void
test_unanswered_workers_end_with_the_fork_server (void)
{
  ForkServerTest test;
  FerryWorker *workers[60];

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.base, "FORK_SERVER_HOSTILE", "die");
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    workers[i] = fork_server_test_spawn (&test, "pause");
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      worker_test_assert_exit (workers[i], FERRY_CLOSE_REASON_FORK_SERVER_LOST, "Fork server");
      g_assert_null (ferry_worker_get_identifier (workers[i]));
      g_assert_null (ferry_test_get_string (ferry_test_get_object (workers[i], "exit"), "identifier"));
      g_object_unref (workers[i]);
    }
  fork_server_test_finish (&test);
}

static void
test_program_that_cannot_be_executed_fails_the_workers (void)
{
  ForkServerTest test;
  const char *argv[] = {"/no/such/program", NULL};
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  g_object_set (test.base, "argv", argv, NULL);
  worker = fork_server_test_spawn (&test, "pause");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "could not be executed");
  fork_server_test_finish (&test);
}

static void
test_is_not_started_for_ever (void)
{
  ForkServerTest test;
  g_autoptr (GError) error = NULL;

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.base, "FORK_SERVER_HOSTILE", "exit-at-once");
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (FerryWorker) worker = fork_server_test_spawn (&test, "pause");

      ferry_test_wait_ended (worker);
      ferry_test_wait_ended (ferry_test_get_object (test.fork_server, "worker"));
    }
  g_assert_null (ferry_launcher_spawn (test.launcher, test.router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
  g_assert_nonnull (strstr (error->message, "exited with status 7"));
  g_assert_cmpuint (ferry_test_get_number (test.fork_server, "n-starts"), ==, 3);

  ferry_launcher_setenv (test.base, "FORK_SERVER_HOSTILE", NULL);
  g_assert_true (ferry_fork_server_start (test.fork_server, test.router, NULL));
  fork_server_test_assert_told (&test, "name", "parent-worker\n");
  fork_server_test_finish (&test);
}

static void
test_needs_one_router (void)
{
  ForkServerTest test;
  FerryRouter *other = ferry_test_router_new ();
  g_autoptr (GError) error = NULL;

  fork_server_test_begin (&test);
  g_assert_true (ferry_fork_server_start (test.fork_server, test.router, NULL));
  g_assert_true (ferry_fork_server_start (test.fork_server, test.router, NULL));
  g_assert_cmpuint (ferry_test_get_number (test.fork_server, "n-starts"), ==, 1);
  g_assert_null (ferry_launcher_spawn (test.launcher, other, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  ferry_test_router_stop (other);
  fork_server_test_finish (&test);
}

static void
assert_refuses_for_threads (const char *initialisers, const char *words)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.base, "FORK_SERVER_INITIALISERS", initialisers);
  worker = fork_server_test_spawn (&test, "pause");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, words);
  fork_server_test_finish (&test);
}

static void
test_refuses_with_threads (void)
{
  assert_refuses_for_threads ("quiet,thread-maker,last",
                              "2 threads, the second was found after its initialiser 'thread-maker'");
  assert_refuses_for_threads ("early", "found before any initialiser ran");
  assert_refuses_for_threads ("quiet,late-thread", "found after its last initialiser ran");
}

/* ---- a fork server that breaks the rules ---- */

static void
test_hostile (gconstpointer data)
{
  const char *how = data;
  ForkServerTest test;
  g_autoptr (FerryTestPipe) pipe = NULL;
  g_autoptr (FerryWorker) honest = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  pipe = ferry_test_pipe_new (test.router);
  honest = ferry_test_spawn_obedient (test.router, pipe, "flood", NULL);
  ferry_launcher_setenv (test.base, "FORK_SERVER_HOSTILE", how);
  worker = fork_server_test_spawn (&test, "pause");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_FORK_SERVER_LOST, "fork server");
  worker_test_assert_exit (ferry_test_get_object (test.fork_server, "worker"), FERRY_CLOSE_REASON_PROTOCOL_ERROR,
                           "Fork server");
  ferry_test_pipe_wait_count (pipe, pipe->n_messages + 1000);
  g_assert_true (pipe->in_order);
  g_assert_cmpint (ferry_worker_get_state (honest), ==, FERRY_WORKER_STATE_OPEN);
  ferry_worker_force_exit (honest);
  ferry_test_wait_ended (honest);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  fork_server_test_finish (&test);
}

/* Ends that are no error of the protocol. */
static void
test_leaving (gconstpointer data)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.base, "FORK_SERVER_HOSTILE", data);
  worker = fork_server_test_spawn (&test, "pause");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_FORK_SERVER_LOST, "Fork server");
  ferry_test_wait_ended (ferry_test_get_object (test.fork_server, "worker"));
  fork_server_test_finish (&test);
}

static void
test_failure_may_have_any_bytes (void)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.base, "FORK_SERVER_HOSTILE", "fail-with-bytes");
  worker = fork_server_test_spawn (&test, "pause");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "ytes");
  g_assert_true (g_utf8_validate (ferry_exit_get_message (ferry_test_get_object (worker, "exit")), -1, NULL));
  fork_server_test_finish (&test);
}

static gboolean
stands_still (gpointer pid)
{
  return fork_server_test_get_state (GPOINTER_TO_INT (pid)) == 'T';
}

/* What comes for a worker that has ended must not bring its link back to the monitor, which has given it up. */
static void
test_failure_of_a_worker_that_was_ended_changes_nothing (void)
{
  ForkServerTest test;
  FerryWorker *worker;
  FerryWorker *process;
  GPid pid;

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.base, "FORK_SERVER_HOSTILE", "fail-late");
  worker = fork_server_test_spawn (&test, "pause");
  process = ferry_test_get_object (test.fork_server, "worker");
  worker_test_wait_open (process);
  pid = ferry_test_get_process (process);
  ferry_test_look_until (stands_still, GINT_TO_POINTER (pid));
  ferry_worker_force_exit (worker);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "killed");
  g_object_unref (worker);
  ferry_worker_send_signal (process, SIGCONT);
  ferry_test_wait_ended (process);
  g_assert_cmpint (ferry_exit_get_exit_status (ferry_test_get_object (process, "exit")), ==, 0);
  fork_server_test_finish (&test);
}

/* A fork server that takes a request and says nothing. */
static void
test_silent_fork_server_is_not_waited_for (void)
{
  ForkServerTest test;
  g_autoptr (FerryTestPipe) pipe = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  fork_server_test_begin (&test);
  pipe = ferry_test_pipe_new (test.router);
  worker_test_add_sender (test.launcher, "out", pipe);
  g_object_set (test.launcher, "attach-timeout", (gint64) 10000, NULL);
  ferry_launcher_setenv (test.base, "FORK_SERVER_HOSTILE", "say-nothing");
  worker = fork_server_test_spawn (&test, "pause");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_NEVER_ATTACHED, "in time");
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  fork_server_test_finish (&test);
}

/* Whether process data is the parent of nothing but one pre-forked child. */
static gboolean
has_one_child (gpointer data)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task/%d/children", *(GPid *) data, *(GPid *) data);
  g_autofree char *text = NULL;
  g_auto (GStrv) numbers = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  numbers = g_strsplit (g_strstrip (text), " ", -1);
  return g_strv_length (numbers) <= 1;
}

/* More than 32 requests wait in the application, since their descriptors count against the limit of open files. */
static void
test_unanswered_requests_are_bounded (void)
{
  ForkServerTest test;
  FerryWorker *workers[40];
  FerryWorker *process;
  GPid pid;

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.base, "FORK_SERVER_HOSTILE", "count-requests");
  workers[0] = fork_server_test_spawn (&test, "pause");
  process = ferry_test_get_object (test.fork_server, "worker");
  worker_test_wait_open (process);
  pid = ferry_test_get_process (process);
  ferry_test_look_until (stands_still, GINT_TO_POINTER (pid));
  for (guint i = 1; i < G_N_ELEMENTS (workers); i++)
    workers[i] = fork_server_test_spawn (&test, "pause");
  ferry_worker_send_signal (process, SIGCONT);
  worker_test_assert_exit (workers[0], FERRY_CLOSE_REASON_LAUNCH_FAILED, " 32 requests");
  ferry_worker_send_signal (process, SIGKILL);
  for (guint i = 1; i < G_N_ELEMENTS (workers); i++)
    worker_test_assert_exit (workers[i], FERRY_CLOSE_REASON_FORK_SERVER_LOST, "Fork server");
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    g_object_unref (workers[i]);
  fork_server_test_finish (&test);
}

/* Such as a worker has by CLONE_PARENT. */
static void
test_reaps_children_that_its_workers_made_its_own (void)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;
  GPid fork_server;

  fork_server_test_begin (&test);
  worker = fork_server_test_spawn (&test, "give-away:200 exit:0");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  fork_server = ferry_test_get_process (ferry_test_get_object (test.fork_server, "worker"));
  ferry_test_look_until (has_one_child, &fork_server);
  fork_server_test_finish (&test);
}

/* ---- the application dies ---- */

static void
test_application_takes_all_along (void)
{
  g_autofree char *program = ferry_test_build_path ("fork-server-application");
  g_autofree char *worker_program = ferry_test_build_path ("parent-worker");
  const char *argv[] = {program, worker_program, NULL};
  g_autoptr (GSubprocess) application = NULL;
  g_autoptr (GDataInputStream) lines = NULL;
  g_autoptr (GArray) pids = g_array_new (FALSE, FALSE, sizeof (GPid));
  g_autoptr (GError) error = NULL;
  char *line;

  application = ferry_test_start (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDIN_PIPE);
  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (application));
  while ((line = g_data_input_stream_read_line (lines, NULL, NULL, NULL)) != NULL && line[0] != '\0')
    {
      GPid pid = atoi (line);

      g_array_append_val (pids, pid);
      g_free (line);
    }
  g_free (line);
  g_assert_cmpuint (pids->len, ==, 4);
  g_subprocess_force_exit (application);
  for (guint i = 0; i < pids->len; i++)
    worker_test_wait_gone (g_array_index (pids, GPid, i));
  g_subprocess_wait (application, NULL, NULL);
}

static const char *const hostile[] = {
  "unknown-start",  "unknown-end", "unknown-failure", "end-before-start", "parent-for-child",
  "self-for-child", "no-pidfd",    "bad-code",        "attach-twice",     "short",
  "long",           "version",     "garbage",         "init-for-child",   "folder-for-pidfd",
  "another-number", "start-twice",
};
static const char *const leaving[] = {"die", "exit", "hang-up"};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/fork-server-ends/lost-fork-server-takes-its-workers-along",
                   test_lost_fork_server_takes_its_workers_along);
  g_test_add_func ("/fork-server-ends/lost-fork-server-is-replaced-at-the-next-spawn",
                   test_lost_fork_server_is_replaced_at_the_next_spawn);
  g_test_add_func ("/fork-server-ends/grandchildren-of-a-lost-fork-server-end",
                   test_grandchildren_of_a_lost_fork_server_end);
  g_test_add_func ("/fork-server-ends/unanswered-workers-end-with-the-fork-server",
                   test_unanswered_workers_end_with_the_fork_server);
  g_test_add_func ("/fork-server-ends/program-that-cannot-be-executed-fails-the-workers",
                   test_program_that_cannot_be_executed_fails_the_workers);
  g_test_add_func ("/fork-server-ends/is-not-started-for-ever", test_is_not_started_for_ever);
  g_test_add_func ("/fork-server-ends/needs-one-router", test_needs_one_router);
  g_test_add_func ("/fork-server-ends/refuses-with-threads-and-names-who-started-them", test_refuses_with_threads);
  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    {
      g_autofree char *path = g_strconcat ("/fork-server-ends/protocol-error-", hostile[i], NULL);

      g_test_add_data_func (path, hostile[i], test_hostile);
    }
  for (guint i = 0; i < G_N_ELEMENTS (leaving); i++)
    {
      g_autofree char *path = g_strconcat ("/fork-server-ends/leaves-its-workers-to-", leaving[i], NULL);

      g_test_add_data_func (path, leaving[i], test_leaving);
    }
  g_test_add_func ("/fork-server-ends/failure-may-have-any-bytes", test_failure_may_have_any_bytes);
  g_test_add_func ("/fork-server-ends/failure-of-a-worker-that-was-ended-changes-nothing",
                   test_failure_of_a_worker_that_was_ended_changes_nothing);
  g_test_add_func ("/fork-server-ends/unanswered-requests-are-bounded", test_unanswered_requests_are_bounded);
  g_test_add_func ("/fork-server-ends/silent-fork-server-is-not-waited-for", test_silent_fork_server_is_not_waited_for);
  g_test_add_func ("/fork-server-ends/reaps-children-that-its-workers-made-its-own",
                   test_reaps_children_that_its_workers_made_its_own);
  g_test_add_func ("/fork-server-ends/application-takes-all-along", test_application_takes_all_along);
  return g_test_run ();
}
