/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-worker.c, engine/ferry-exit.c
 *
 * How workers end, and what the application hears of it. */

#include "config.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "process/worker-test.h"

/* ---- by itself ---- */

static void
assert_exits (const char *status_order, int status)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:1000", status_order, NULL);
  FerryExit *exit;

  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_EXITED);
  g_assert_cmpuint (pipe->n_messages, ==, 1000);
  ferry_test_wait_ended (worker);
  exit = ferry_test_get_object (worker, "exit");
  g_assert_cmpint (ferry_exit_get_reason (exit), ==, FERRY_CLOSE_REASON_EXITED);
  g_assert_cmpint (ferry_exit_get_exit_status (exit), ==, status);
  g_assert_cmpint (ferry_exit_get_signal (exit), ==, 0);
  g_assert_cmpint (ferry_exit_is_success (exit), ==, status == 0);
  ferry_test_router_stop (router);
}

static void
test_tells_an_exit_with_status_0 (void)
{
  assert_exits ("exit:0", 0);
}

static void
test_tells_an_exit_with_status_7 (void)
{
  assert_exits ("exit:7", 7);
}

static void
test_tells_an_exit_with_status_255 (void)
{
  assert_exits ("exit:255", 255);
}

static void
assert_crashes (const char *order, int signal_number)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:1000", order, NULL);

  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_KILLED);
  g_assert_cmpuint (pipe->n_messages, ==, 1000);
  g_assert_cmpint (ferry_exit_get_signal (pipe->exit), ==, signal_number);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

static void
test_tells_a_crash (void)
{
  assert_crashes ("crash", SIGSEGV);
}

static void
test_tells_an_abort (void)
{
  assert_crashes ("abort", SIGABRT);
}

/* ---- by a signal ---- */

static const int signals[] = {SIGKILL, SIGSEGV, SIGABRT, SIGTERM, SIGINT, SIGPIPE};

static void
test_tells_the_signal (gconstpointer data)
{
  int signal_number = signals[GPOINTER_TO_SIZE (data)];
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "signals", "send:1000", "pause", NULL);
  FerryExit *exit;

  ferry_test_pipe_wait_count (pipe, 1000);
  ferry_worker_send_signal (worker, signal_number);
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_KILLED);
  ferry_test_wait_ended (worker);
  exit = ferry_test_get_object (worker, "exit");
  g_assert_cmpint (ferry_exit_get_reason (exit), ==, FERRY_CLOSE_REASON_KILLED);
  g_assert_cmpint (ferry_exit_get_signal (exit), ==, signal_number);
  g_assert_cmpint (ferry_exit_get_exit_status (exit), ==, -1);
  g_assert_false (ferry_exit_is_success (exit));
  g_assert_true (ferry_test_get_number (exit, "forced"));
  g_assert_true (ferry_test_get_number (pipe->exit, "forced"));
  ferry_test_router_stop (router);
}

/* The same signal, from elsewhere: a user, or the system when it has no memory left. */
static void
test_tells_a_foreign_signal (gconstpointer data)
{
  int signal_number = signals[GPOINTER_TO_SIZE (data)];
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "signals", "send:1000", "pause", NULL);

  ferry_test_pipe_wait_count (pipe, 1000);
  /* Another signal of the application's changes nothing. */
  ferry_worker_send_signal (worker, SIGCONT);
  ferry_test_kill (ferry_test_get_process (worker), signal_number);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "was killed by signal");
  g_assert_cmpint (ferry_exit_get_signal (ferry_test_get_object (worker, "exit")), ==, signal_number);
  g_assert_false (ferry_test_get_number (ferry_test_get_object (worker, "exit"), "forced"));
  ferry_test_router_stop (router);
}

static void
test_forces_an_exit (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:1000", "spin", NULL);

  ferry_test_pipe_wait_count (pipe, 1000);
  ferry_worker_force_exit (worker);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 9 (Killed), which this application sent");
  ferry_test_router_stop (router);
}

/* The signal waits for the launch, which another thread does. */
static void
test_forces_an_exit_right_after_the_spawn (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "spin", NULL);

  ferry_worker_force_exit (worker);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 9");
  ferry_test_router_stop (router);
}

static void
test_sends_no_signal_to_the_dead (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "exit:0", NULL);

  ferry_test_wait_ended (worker);
  ferry_worker_send_signal (worker, SIGTERM);
  ferry_worker_force_exit (worker);
  /* A tool such as coredumpctl is asked by it. */
  g_assert_nonnull (ferry_worker_get_identifier (worker));
  g_assert_cmpstr (ferry_worker_get_identifier (worker), ==,
                   ferry_test_get_string (ferry_test_get_object (worker, "exit"), "identifier"));
  ferry_test_router_stop (router);
  ferry_worker_send_signal (worker, SIGKILL);
}

/* A number, given to kill(), would be that of all processes. This one's group would have it too. */
static void
test_signals_of_a_worker_that_never_was_reach_none (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/nonexistent/worker", NULL});
  g_autoptr (FerryWorker) worker = worker_test_spawn (launcher, router);

  g_assert_null (ferry_worker_get_identifier (worker));
  ferry_worker_send_signal (worker, SIGKILL);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "/nonexistent/worker");
  g_assert_null (ferry_worker_get_identifier (worker));
  g_assert_null (ferry_test_get_string (ferry_test_get_object (worker, "exit"), "identifier"));
  ferry_worker_force_exit (worker);
  ferry_test_router_stop (router);
}

static gpointer
send_a_signal_there (gpointer worker)
{
  ferry_worker_send_signal (worker, SIGTERM);
  return NULL;
}

static void
test_sends_signals_of_other_threads (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "spin", NULL);

  g_thread_join (g_thread_new ("signals", send_a_signal_there, worker));
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 15 (Terminated), which this application sent");
  ferry_test_router_stop (router);
}

/* ---- core dumps ---- */

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      g_unlink (file);
    }
  g_rmdir (path);
}

static gboolean
cores_are_files (void)
{
  g_autofree char *pattern = NULL;
  struct rlimit limit;

  return g_file_get_contents ("/proc/sys/kernel/core_pattern", &pattern, NULL, NULL) &&
         g_str_has_prefix (pattern, "core") && getrlimit (RLIMIT_CORE, &limit) == 0 && limit.rlim_max != 0;
}

/* Has the worker die of SIGSEGV with that limit for its core. */
static gboolean
dumps_core (gboolean allowed)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("curious-worker", "pause", NULL);
  g_autofree char *folder = g_dir_make_tmp ("ferry-test-XXXXXX", NULL);
  g_autoptr (FerryWorker) worker = NULL;
  struct rlimit before;
  struct rlimit limit;
  gboolean dumped;

  getrlimit (RLIMIT_CORE, &before);
  limit = (struct rlimit){allowed ? before.rlim_max : 0, before.rlim_max};
  setrlimit (RLIMIT_CORE, &limit);
  g_object_set (launcher, "cwd", folder, NULL);
  worker = worker_test_spawn (launcher, router);
  ferry_worker_send_signal (worker, SIGSEGV);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 11");
  setrlimit (RLIMIT_CORE, &before);
  remove_folder (folder);
  dumped = ferry_test_get_number (ferry_test_get_object (worker, "exit"), "core-dumped");
  ferry_test_router_stop (router);
  return dumped;
}

static void
test_tells_of_a_core (void)
{
  if (cores_are_files ())
    g_assert_true (dumps_core (TRUE));
  else
    g_test_skip ("Cores do not become files here");
}

static void
test_tells_of_no_core (void)
{
  if (cores_are_files ())
    g_assert_false (dumps_core (FALSE));
  else
    g_test_skip ("Cores do not become files here");
}

/* ---- by what it does not do ---- */

static void
test_ends_a_worker_that_hung_up (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:1000", "hang-up", "spin", NULL);

  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_HUNG_UP, "closed its control socket");
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_HUNG_UP);
  g_assert_cmpuint (pipe->n_messages, ==, 1000);
  g_assert_cmpint (ferry_exit_get_signal (pipe->exit), ==, SIGKILL);
  g_assert_false (ferry_test_is_alive (ferry_test_get_process (worker)));
  ferry_test_router_stop (router);
}

static void
test_hears_what_is_sent_after_hanging_up (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker =
    ferry_test_spawn_obedient (router, pipe, "send:1000", "hang-up", "send:1000", "exit:0", NULL);

  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_EXITED);
  g_assert_cmpuint (pipe->n_messages, ==, 2000);
  ferry_test_router_stop (router);
}

static void
test_calls_an_exit_after_hanging_up_an_exit (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:1000", "hang-up", "exit:7", NULL);

  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 7");
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_EXITED);
  g_assert_cmpuint (pipe->n_messages, ==, 1000);
  ferry_test_router_stop (router);
}

/* Nor one that has to wait for a disk meanwhile, for longer than one that hung up may do nothing. */
static void
test_calls_a_slow_exit_after_hanging_up_an_exit (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker =
    ferry_test_spawn_obedient (router, pipe, "send:1000", "hang-up", "disk:3000", "exit:7", NULL);

  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 7");
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_EXITED);
  ferry_test_router_stop (router);
}

static FerryWorker *
spawn_with_timeout (FerryRouter *router, FerryTestPipe *pipe, const char *order)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("obedient-worker", order, NULL);

  if (pipe != NULL)
    worker_test_add_sender (launcher, "out", pipe);
  g_object_set (launcher, "attach-timeout", (gint64) (100 * 1000), NULL);
  return worker_test_spawn (launcher, router);
}

static void
test_ends_a_worker_that_never_attaches (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = spawn_with_timeout (router, pipe, "pause");

  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_NEVER_ATTACHED, "did not attach in time");
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_NEVER_ATTACHED);
  g_assert_cmpint (ferry_exit_get_signal (pipe->exit), ==, SIGKILL);
  g_assert_false (ferry_test_is_alive (ferry_test_get_process (worker)));
  ferry_test_router_stop (router);
}

static void
test_calls_an_exit_without_attaching_an_exit (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "exit:3", NULL);

  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 3");
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_EXITED);
  ferry_test_router_stop (router);
}

/* Its program is no worker, and did nothing of what was asked. */
static void
test_calls_an_exit_without_attaching_no_success (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "exit:0", NULL);
  FerryExit *exit;

  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "exited with status 0 before it attached");
  exit = ferry_test_get_object (worker, "exit");
  g_assert_false (ferry_exit_is_success (exit));
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_EXITED);
  g_assert_false (ferry_exit_is_success (pipe->exit));
  ferry_test_router_stop (router);
}

/* One that was passed a sender, with the same timeout and started later, tells when the time is over. */
static void
test_lets_a_worker_without_senders_be (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = spawn_with_timeout (router, NULL, "pause");
  g_autoptr (FerryWorker) later = spawn_with_timeout (router, pipe, "pause");

  worker_test_assert_exit (later, FERRY_CLOSE_REASON_NEVER_ATTACHED, "");
  g_assert_cmpint (ferry_worker_get_state (worker), !=, FERRY_WORKER_STATE_ENDED);
  g_assert_true (ferry_test_is_alive (ferry_test_get_process (worker)));
  ferry_worker_force_exit (worker);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "");
  ferry_test_router_stop (router);
}

static void
test_lets_an_attached_worker_be (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryTestPipe) later_pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "attach", "pause", NULL);
  g_autoptr (FerryWorker) later = NULL;

  worker_test_wait_open (worker);
  later = spawn_with_timeout (router, later_pipe, "pause");
  worker_test_assert_exit (later, FERRY_CLOSE_REASON_NEVER_ATTACHED, "");
  g_assert_cmpint (ferry_worker_get_state (worker), ==, FERRY_WORKER_STATE_OPEN);
  ferry_worker_force_exit (worker);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

/* ---- by the application ---- */

static guint n_warnings;

/* A router that stops with open pipes warns of them. Others' warnings stay fatal. */
static GLogWriterOutput
count_warnings (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0 && strstr (fields[i].value, "with 1 open pipe") != NULL &&
        strstr (fields[i].value, "(sender 'out' of worker 'obedient-worker')") != NULL)
      {
        n_warnings++;
        return G_LOG_WRITER_HANDLED;
      }
  return g_log_writer_default (level, fields, n_fields, data);
}

static void
test_ends_with_the_router (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:1000", "spin", NULL);
  GPid pid;

  ferry_test_pipe_wait_count (pipe, 1000);
  pid = ferry_test_get_process (worker);
  ferry_test_router_stop (router);
  g_assert_cmpuint (n_warnings, ==, 1);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_ROUTER_STOPPED);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_ROUTER_STOPPED, "router was stopped");
  g_assert_false (ferry_test_is_alive (pid));
}

static void
test_goes_on_when_a_pipe_is_closed (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "flood", NULL);

  ferry_test_pipe_wait_count (pipe, 1000);
  g_assert_true (ferry_router_close_pipe (router, pipe->receiver, NULL));
  /* The obedient worker's status when its pipe is closed. */
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 3");
  g_assert_cmpuint (pipe->n_closed, ==, 0);
  ferry_test_router_stop (router);
}

static void
add_own_ends (void)
{
  g_test_add_func ("/ends/tells-an-exit-with-status-0", test_tells_an_exit_with_status_0);
  g_test_add_func ("/ends/tells-an-exit-with-status-7", test_tells_an_exit_with_status_7);
  g_test_add_func ("/ends/tells-an-exit-with-status-255", test_tells_an_exit_with_status_255);
  g_test_add_func ("/ends/tells-a-crash", test_tells_a_crash);
  g_test_add_func ("/ends/tells-an-abort", test_tells_an_abort);
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      g_autofree char *path = g_strdup_printf ("/ends/tells-signal-%d", signals[i]);
      g_autofree char *foreign = g_strdup_printf ("/ends/tells-foreign-signal-%d", signals[i]);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_tells_the_signal);
      g_test_add_data_func (foreign, GSIZE_TO_POINTER (i), test_tells_a_foreign_signal);
    }
  g_test_add_func ("/ends/forces-an-exit", test_forces_an_exit);
  g_test_add_func ("/ends/forces-an-exit-right-after-the-spawn", test_forces_an_exit_right_after_the_spawn);
  g_test_add_func ("/ends/sends-no-signal-to-the-dead", test_sends_no_signal_to_the_dead);
  g_test_add_func ("/ends/signals-of-a-worker-that-never-was-reach-none",
                   test_signals_of_a_worker_that_never_was_reach_none);
  g_test_add_func ("/ends/sends-signals-of-other-threads", test_sends_signals_of_other_threads);
  g_test_add_func ("/ends/tells-of-a-core", test_tells_of_a_core);
  g_test_add_func ("/ends/tells-of-no-core", test_tells_of_no_core);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_log_set_writer_func (count_warnings, NULL, NULL);
  add_own_ends ();
  g_test_add_func ("/ends/ends-a-worker-that-hung-up", test_ends_a_worker_that_hung_up);
  g_test_add_func ("/ends/hears-what-is-sent-after-hanging-up", test_hears_what_is_sent_after_hanging_up);
  g_test_add_func ("/ends/calls-an-exit-after-hanging-up-an-exit", test_calls_an_exit_after_hanging_up_an_exit);
  g_test_add_func ("/ends/calls-a-slow-exit-after-hanging-up-an-exit", test_calls_a_slow_exit_after_hanging_up_an_exit);
  g_test_add_func ("/ends/ends-a-worker-that-never-attaches", test_ends_a_worker_that_never_attaches);
  g_test_add_func ("/ends/calls-an-exit-without-attaching-an-exit", test_calls_an_exit_without_attaching_an_exit);
  g_test_add_func ("/ends/calls-an-exit-without-attaching-no-success", test_calls_an_exit_without_attaching_no_success);
  g_test_add_func ("/ends/lets-a-worker-without-senders-be", test_lets_a_worker_without_senders_be);
  g_test_add_func ("/ends/lets-an-attached-worker-be", test_lets_an_attached_worker_be);
  g_test_add_func ("/ends/ends-with-the-router", test_ends_with_the_router);
  g_test_add_func ("/ends/goes-on-when-a-pipe-is-closed", test_goes_on_when_a_pipe_is_closed);
  return g_test_run ();
}
