/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-fork-server-main.c
 *
 * The child that a fork server has pre-forked: that it becomes the next worker and is one like every other, and that it
 * is there again afterwards and never left behind.
 *
 * It is known by being a child of the fork server that is none of the test's workers, which therefore have to have been
 * launched, or to have ended, before the test looks. */

#include "config.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "process/fork-server-test.h"

/* What an idle fork server has open: three standard streams, its control socket, the socket and the pidfd of its
 * preforked, the application's pidfd, and what tells of the ends of children. */
#define N_IDLE_DESCRIPTORS 8

typedef struct
{
  GPid fork_server;
  FerryWorker **workers; /* (nullable) */
  guint n_workers;
  GPid preforked; /* 0: there is none */
} Look;

static gboolean
is_worker (const Look *look, GPid pid)
{
  for (guint i = 0; i < look->n_workers; i++)
    if (ferry_test_is_process (look->workers[i], pid))
      return TRUE;
  return FALSE;
}

/* Whether there is a pre-forked child. There is never more than one. */
static gboolean
find_preforked (gpointer data)
{
  Look *look = data;
  g_autoptr (GDir) folder = g_dir_open ("/proc", 0, NULL);
  const char *name;

  look->preforked = 0;
  g_assert_nonnull (folder);
  while ((name = g_dir_read_name (folder)) != NULL)
    {
      GPid pid = (GPid) g_ascii_strtoll (name, NULL, 10);

      if (pid <= 0 || fork_server_test_get_parent (pid) != look->fork_server || is_worker (look, pid))
        continue;
      g_assert_cmpint (look->preforked, ==, 0);
      look->preforked = pid;
    }
  return look->preforked != 0;
}

/* Waits for the pre-forked child beside workers, and returns its process. */
static GPid
wait_preforked_beside (GPid fork_server, FerryWorker **workers, guint n_workers)
{
  Look look = {.fork_server = fork_server, .workers = workers, .n_workers = n_workers};

  ferry_test_look_until (find_preforked, &look);
  return look.preforked;
}

static GPid
wait_preforked (GPid fork_server)
{
  return wait_preforked_beside (fork_server, NULL, 0);
}

static gboolean
has_preforked (GPid fork_server)
{
  Look look = {.fork_server = fork_server};

  return find_preforked (&look);
}

static gboolean
is_reaped (gpointer data)
{
  return fork_server_test_get_state (*(GPid *) data) == 0;
}

static void
end_workers (FerryWorker **workers, guint n_workers)
{
  for (guint i = 0; i < n_workers; i++)
    {
      ferry_worker_force_exit (workers[i]);
      worker_test_assert_exit (workers[i], FERRY_CLOSE_REASON_KILLED, "signal 9");
      g_object_unref (workers[i]);
    }
}

static guint
count_descriptors (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fd", (int) pid);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (folder != NULL && g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

/* ---- the pre-forked child becomes a worker ---- */

static void
test_is_the_next_worker (void)
{
  ForkServerTest test;
  GPid fork_server;

  fork_server_test_begin (&test);
  fork_server = fork_server_test_start (&test);
  for (guint i = 0; i < 5; i++)
    {
      GPid preforked = wait_preforked (fork_server);
      FerryWorker *worker = fork_server_test_spawn (&test, "pause");

      worker_test_wait_launched (worker);
      g_assert_cmpint (ferry_test_get_process (worker), ==, preforked);
      g_assert_cmpint (wait_preforked_beside (fork_server, &worker, 1), !=, preforked);
      end_workers (&worker, 1);
    }
  fork_server_test_finish (&test);
}

static char *
read_process_file (GPid pid, const char *name)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/%s", (int) pid, name);
  g_autoptr (GError) error = NULL;
  char *text;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return g_strchomp (text);
}

static void
assert_seen_as (GPid pid, const char *name)
{
  g_autofree char *comm = read_process_file (pid, "comm");
  g_autofree char *arguments = read_process_file (pid, "cmdline");

  g_assert_cmpstr (comm, ==, name);
  g_assert_cmpstr (arguments, ==, name);
  g_assert_cmpint (getpgid (pid), ==, pid);
}

static void
test_has_all_of_a_worker (void)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;
  g_autofree char *orders =
    g_strdup_printf ("variable:WORKER_TEST variable:FERRY_FORK_SERVER folder nice limit:%d group "
                     "descriptors input tell:end pause",
                     RLIMIT_NOFILE);
  const char *const expected[] = {"its own", "(none)", "/", "5", "99", "leader", "0 1 2 3 ", "0", "end"};
  ferry_autofd fd = -1;
  GPid preforked;

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.base, "WORKER_TEST", "its fork server's");
  preforked = wait_preforked (fork_server_test_start (&test));
  g_object_set (test.launcher, "name", "another name", NULL);
  ferry_launcher_setenv (test.launcher, "WORKER_TEST", "its own");
  g_object_set (test.launcher, "cwd", "/", NULL);
  g_object_set (test.launcher, "nice", 5, NULL);
  ferry_launcher_set_limit (test.launcher, FERRY_LIMIT_OPEN_FILES, 99);
  fork_server_test_order (&test, orders);
  worker = worker_test_spawn_with_output (test.launcher, test.router, &fd);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autofree char *line = worker_test_read_line (fd);

      g_assert_cmpstr (line, ==, expected[i]);
    }
  worker_test_wait_launched (worker);
  g_assert_cmpint (ferry_test_get_process (worker), ==, preforked);
  assert_seen_as (preforked, "another name");
  ferry_worker_force_exit (worker);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 9");
  fork_server_test_finish (&test);
}

static void
test_tells_what_cannot_be_done (void)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;
  GPid fork_server;
  GPid preforked;

  fork_server_test_begin (&test);
  fork_server = fork_server_test_start (&test);
  preforked = wait_preforked (fork_server);
  g_object_set (test.launcher, "cwd", "/no/such/folder", NULL);
  worker = fork_server_test_spawn (&test, "pause");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "/no/such/folder");
  /* The failure is told ahead of the end. */
  ferry_test_look_until (is_reaped, &preforked);
  wait_preforked (fork_server);
  fork_server_test_finish (&test);
}

static void
test_draws_other_random_numbers (void)
{
  ForkServerTest test;
  char **told[2];
  GPid fork_server;

  fork_server_test_begin (&test);
  fork_server = fork_server_test_start (&test);
  for (guint i = 0; i < G_N_ELEMENTS (told); i++)
    {
      GPid preforked = wait_preforked (fork_server);
      g_autofree char *text = fork_server_test_ask (&test, "random");

      g_assert_cmpint (fork_server_test_get_state (preforked), ==, 0);
      told[i] = g_strsplit (text, " ", -1);
      g_assert_cmpuint (g_strv_length (told[i]), ==, 4);
    }
  for (guint i = 0; i < 4; i++)
    g_assert_cmpstr (told[0][i], !=, told[1][i]);
  g_strfreev (told[0]);
  g_strfreev (told[1]);
  fork_server_test_finish (&test);
}

static void
test_sends_and_its_exit_is_told (void)
{
  ForkServerTest test;
  g_autoptr (FerryTestPipe) pipe = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  GPid preforked;

  fork_server_test_begin (&test);
  preforked = wait_preforked (fork_server_test_start (&test));
  pipe = ferry_test_pipe_new (test.router);
  worker_test_add_sender (test.launcher, "out", pipe);
  worker = fork_server_test_spawn (&test, "send:1000 exit:4");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 4");
  g_assert_cmpuint (pipe->n_messages, ==, 1000);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_EXITED);
  g_assert_cmpint (ferry_test_get_process (ferry_test_get_object (worker, "exit")), ==, preforked);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  fork_server_test_finish (&test);
}

static void
test_its_signal_is_told (void)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;
  GPid preforked;

  fork_server_test_begin (&test);
  preforked = wait_preforked (fork_server_test_start (&test));
  worker = fork_server_test_spawn (&test, "kill:11");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 11");
  g_assert_cmpint (ferry_test_get_process (ferry_test_get_object (worker, "exit")), ==, preforked);
  fork_server_test_finish (&test);
}

/* ---- there is one again ---- */

static void
test_serves_a_burst (void)
{
  ForkServerTest test;
  FerryWorker *workers[5];
  guint n_preforked = 0;
  GPid fork_server;
  GPid preforked;

  fork_server_test_begin (&test);
  fork_server = fork_server_test_start (&test);
  preforked = wait_preforked (fork_server);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    workers[i] = fork_server_test_spawn (&test, "pause");
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      worker_test_wait_launched (workers[i]);
      g_assert_cmpint (fork_server_test_get_parent (ferry_test_get_process (workers[i])), ==, fork_server);
      n_preforked += ferry_test_is_process (workers[i], preforked);
    }
  g_assert_cmpuint (n_preforked, ==, 1);
  wait_preforked_beside (fork_server, workers, G_N_ELEMENTS (workers));
  /* None for each worker: a fork would copy it, each worker would close it, and their number would have a limit. */
  while (count_descriptors (fork_server) != N_IDLE_DESCRIPTORS)
    g_assert_cmpuint (count_descriptors (fork_server), <=, N_IDLE_DESCRIPTORS + 1);
  end_workers (workers, G_N_ELEMENTS (workers));
  wait_preforked (fork_server);
  fork_server_test_finish (&test);
}

static gboolean
is_idle (gpointer data)
{
  return count_descriptors (*(GPid *) data) == N_IDLE_DESCRIPTORS && has_preforked (*(GPid *) data);
}

static void
test_leaves_nothing_behind (void)
{
  ForkServerTest test;
  GPid fork_server;
  guint before;

  fork_server_test_begin (&test);
  fork_server = fork_server_test_start (&test);
  g_free (fork_server_test_ask (&test, "name"));
  before = ferry_test_count_fds ();
  for (guint i = 0; i < 100; i++)
    {
      GPid preforked = wait_preforked (fork_server);
      g_autoptr (FerryWorker) worker = fork_server_test_spawn (&test, i % 2 == 0 ? "exit:3" : "kill:9");

      ferry_test_wait_ended (worker);
      g_assert_cmpint (ferry_test_get_process (worker), ==, preforked);
      g_assert_cmpint (ferry_exit_get_exit_status (ferry_test_get_object (worker, "exit")), ==, i % 2 == 0 ? 3 : -1);
      g_assert_cmpint (fork_server_test_get_state (preforked), ==, 0);
    }
  g_assert_cmpuint (ferry_test_count_fds (), ==, before);
  ferry_test_look_until (is_idle, &fork_server);
  fork_server_test_assert_told (&test, "descriptors", "0 1 2 3 \n");
  g_assert_cmpuint (ferry_test_get_number (test.fork_server, "n-starts"), ==, 1);
  fork_server_test_finish (&test);
}

/* ---- it ends ---- */

static void
test_is_replaced_after_a_worker_when_killed (void)
{
  ForkServerTest test;
  GPid fork_server;

  fork_server_test_begin (&test);
  fork_server = fork_server_test_start (&test);
  for (guint i = 0; i < 5; i++)
    {
      GPid preforked = wait_preforked (fork_server);
      FerryWorker *worker;

      ferry_test_kill (preforked, SIGKILL);
      ferry_test_look_until (is_reaped, &preforked);
      g_assert_false (has_preforked (fork_server));
      worker = fork_server_test_spawn (&test, "pause");
      worker_test_wait_launched (worker);
      g_assert_cmpint (fork_server_test_get_parent (ferry_test_get_process (worker)), ==, fork_server);
      wait_preforked_beside (fork_server, &worker, 1);
      end_workers (&worker, 1);
    }
  g_assert_cmpuint (ferry_test_get_number (test.fork_server, "n-starts"), ==, 1);
  g_assert_cmpint (ferry_test_get_process (ferry_test_get_object (test.fork_server, "worker")), ==, fork_server);
  fork_server_test_finish (&test);
}

/* The request meets a pre-forked child that is ending: what it took it takes along, else there is another worker; and a
 * pre-forked child again, whenever the end of the first is noticed. */
static void
test_is_replaced_when_killed_with_a_request_on_its_way (void)
{
  ForkServerTest test;
  GPid fork_server;

  fork_server_test_begin (&test);
  fork_server = fork_server_test_start (&test);
  for (guint i = 0; i < 100; i++)
    {
      GPid preforked = wait_preforked (fork_server);
      g_autoptr (FerryWorker) worker = NULL;

      fork_server_test_order (&test, "exit:3");
      ferry_test_kill (preforked, SIGKILL);
      worker = worker_test_spawn (test.launcher, test.router);
      ferry_test_wait_ended (worker);
      if (!ferry_test_is_process (worker, preforked))
        worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 3");
      ferry_test_look_until (is_reaped, &preforked);
    }
  wait_preforked (fork_server);
  g_assert_cmpuint (ferry_test_get_number (test.fork_server, "n-starts"), ==, 1);
  fork_server_test_finish (&test);
}

static gpointer
keep_busy (gpointer is_over)
{
  while (g_atomic_int_get ((int *) is_over) == 0)
    ;
  return NULL;
}

static void
pin (GPid thread)
{
  cpu_set_t set;

  CPU_ZERO (&set);
  CPU_SET (sched_getcpu (), &set);
  g_assert_no_errno (sched_setaffinity (thread, sizeof set, &set));
}

static gboolean
is_later (gpointer time)
{
  return g_get_monotonic_time () > *(gint64 *) time;
}

/* It waits for a processor for longer than a fork server waits for one that stands still. */
static void
test_is_waited_for_while_it_is_runnable (void)
{
  const struct sched_param none = {0};
  GThread *threads[8];
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;
  GPid preforked;
  gint64 end;
  int is_over = 0;

  fork_server_test_begin (&test);
  preforked = wait_preforked (fork_server_test_start (&test));
  g_assert_no_errno (sched_setscheduler (preforked, SCHED_IDLE, &none));
  pin (preforked);
  pin (0);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("busy", keep_busy, &is_over);
  worker = fork_server_test_spawn (&test, "pause");
  end = g_get_monotonic_time () + 5 * G_USEC_PER_SEC / 2;
  ferry_test_look_until (is_later, &end);
  g_atomic_int_set (&is_over, 1);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  worker_test_wait_launched (worker);
  g_assert_cmpint (ferry_test_get_process (worker), ==, preforked);
  end_workers (&worker, 1);
  worker = NULL;
  fork_server_test_finish (&test);
}

/* What lies before it is done by another. */
static void
test_is_done_without_when_it_stands_still (void)
{
  ForkServerTest test;
  GPid fork_server;
  GPid preforked;

  fork_server_test_begin (&test);
  fork_server = fork_server_test_start (&test);
  preforked = wait_preforked (fork_server);
  ferry_test_kill (preforked, SIGSTOP);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FerryWorker) worker = fork_server_test_spawn (&test, "exit:3");

      worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 3");
      g_assert_cmpint (ferry_test_get_process (worker), !=, preforked);
    }
  wait_preforked (fork_server);
  fork_server_test_finish (&test);
}

/* Has the process stop at each system call. Returns FALSE where this may not be. */
static gboolean
trace (GPid pid)
{
  int status;

  if (ptrace (PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) < 0)
    return FALSE;
  g_assert_no_errno (ptrace (PTRACE_INTERRUPT, pid, NULL, NULL));
  g_assert_cmpint (waitpid (pid, &status, __WALL), ==, pid);
  g_assert_true (WIFSTOPPED (status));
  return TRUE;
}

/* Lets a process go on until it is about to make a system call, and kills it there. */
static void
kill_at_system_call (GPid pid, guint64 number)
{
  struct __ptrace_syscall_info call = {0};
  int status;

  do
    {
      g_assert_no_errno (ptrace (PTRACE_SYSCALL, pid, NULL, NULL));
      g_assert_cmpint (waitpid (pid, &status, __WALL), ==, pid);
      g_assert_true (WIFSTOPPED (status));
      g_assert_cmpint (ptrace (PTRACE_GET_SYSCALL_INFO, pid, sizeof call, &call), >, 0);
    }
  while (call.op != PTRACE_SYSCALL_INFO_ENTRY || call.entry.nr != number);
  ferry_test_kill (pid, SIGKILL);
  g_assert_cmpint (waitpid (pid, &status, __WALL), ==, pid);
  g_assert_true (WIFSIGNALED (status));
}

/* Between the moment when a pre-forked child sees its request and that when the fork server knows of it. */
static void
killed_at (guint64 system_call, gboolean is_worker)
{
  ForkServerTest test;
  GPid fork_server;

  fork_server_test_begin (&test);
  fork_server = fork_server_test_start (&test);
  for (guint i = 0; i < 5; i++)
    {
      GPid preforked = wait_preforked (fork_server);
      g_autoptr (FerryWorker) worker = NULL;

      if (!trace (preforked))
        {
          g_test_skip ("processes may not be traced here");
          break;
        }
      worker = fork_server_test_spawn (&test, "exit:3");
      kill_at_system_call (preforked, system_call);
      if (is_worker)
        worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 9");
      else
        worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 3");
      g_assert_cmpint (ferry_test_is_process (worker, preforked), ==, is_worker);
      g_free (fork_server_test_ask (&test, "name"));
    }
  g_assert_cmpuint (ferry_test_get_number (test.fork_server, "n-starts"), ==, 1);
  fork_server_test_finish (&test);
}

static void
test_request_is_kept_when_killed_before_it_has_it (void)
{
  killed_at (SYS_recvmsg, FALSE);
}

static void
test_is_the_worker_when_killed_with_its_request (void)
{
  killed_at (SYS_sendto, TRUE);
}

static void
test_ends_with_its_fork_server (void)
{
  ForkServerTest test;

  fork_server_test_begin (&test);
  for (guint i = 0; i < 5; i++)
    {
      GPid fork_server = fork_server_test_start (&test);
      GPid preforked = wait_preforked (fork_server);

      fork_server_test_kill (&test);
      worker_test_assert_exit (ferry_test_get_object (test.fork_server, "worker"), FERRY_CLOSE_REASON_KILLED,
                               "signal 9");
      worker_test_wait_gone (preforked);
      fork_server_test_assert_told (&test, "name", "parent-worker\n");
    }
  fork_server_test_finish (&test);
}

static void
test_ends_with_its_router (void)
{
  ForkServerTest test;

  fork_server_test_begin (&test);
  for (guint i = 0; i < 5; i++)
    {
      GPid fork_server = fork_server_test_start (&test);
      GPid preforked = wait_preforked (fork_server);

      ferry_router_stop (test.router, NULL);
      /* A process that takes long to end is reaped after the stop. */
      worker_test_wait_gone (fork_server);
      worker_test_wait_gone (preforked);
      g_assert_true (ferry_router_start (test.router, NULL));
    }
  fork_server_test_finish (&test);
}

/* ---- where there cannot be one ---- */

static void
test_fork_server_with_a_thread_has_none (void)
{
  ForkServerTest test;
  GPid fork_server;

  fork_server_test_begin (&test);
  ferry_launcher_setenv (test.base, "FORK_SERVER_INITIALISERS", "thread-maker");
  fork_server = fork_server_test_start (&test);
  /* A pre-forked child would take one of these. */
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (FerryWorker) worker = fork_server_test_spawn (&test, "pause");

      worker_test_assert_exit (worker, FERRY_CLOSE_REASON_LAUNCH_FAILED,
                               "2 threads, the second was found after its initialiser 'thread-maker'");
      g_assert_false (has_preforked (fork_server));
    }
  g_assert_cmpuint (ferry_test_get_number (test.fork_server, "n-starts"), ==, 1);
  fork_server_test_finish (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/fork-server-preforked/is-the-next-worker", test_is_the_next_worker);
  g_test_add_func ("/fork-server-preforked/has-all-of-a-worker", test_has_all_of_a_worker);
  g_test_add_func ("/fork-server-preforked/tells-what-cannot-be-done", test_tells_what_cannot_be_done);
  g_test_add_func ("/fork-server-preforked/draws-other-random-numbers", test_draws_other_random_numbers);
  g_test_add_func ("/fork-server-preforked/sends-and-its-exit-is-told", test_sends_and_its_exit_is_told);
  g_test_add_func ("/fork-server-preforked/its-signal-is-told", test_its_signal_is_told);
  g_test_add_func ("/fork-server-preforked/serves-a-burst", test_serves_a_burst);
  g_test_add_func ("/fork-server-preforked/leaves-nothing-behind", test_leaves_nothing_behind);
  g_test_add_func ("/fork-server-preforked/is-replaced-after-a-worker-when-killed",
                   test_is_replaced_after_a_worker_when_killed);
  g_test_add_func ("/fork-server-preforked/is-replaced-when-killed-with-a-request-on-its-way",
                   test_is_replaced_when_killed_with_a_request_on_its_way);
  g_test_add_func ("/fork-server-preforked/is-waited-for-while-it-is-runnable",
                   test_is_waited_for_while_it_is_runnable);
  g_test_add_func ("/fork-server-preforked/is-done-without-when-it-stands-still",
                   test_is_done_without_when_it_stands_still);
  g_test_add_func ("/fork-server-preforked/request-is-kept-when-killed-before-it-has-it",
                   test_request_is_kept_when_killed_before_it_has_it);
  g_test_add_func ("/fork-server-preforked/is-the-worker-when-killed-with-its-request",
                   test_is_the_worker_when_killed_with_its_request);
  g_test_add_func ("/fork-server-preforked/ends-with-its-fork-server", test_ends_with_its_fork_server);
  g_test_add_func ("/fork-server-preforked/ends-with-its-router", test_ends_with_its_router);
  g_test_add_func ("/fork-server-preforked/fork-server-with-a-thread-has-none",
                   test_fork_server_with_a_thread_has_none);
  return g_test_run ();
}
