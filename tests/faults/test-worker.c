/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-worker.c, process/ferry-fork-server.c, route/ferry-router.c
 *
 * What routers, pipes, workers and fork servers do when the system refuses them something. */

#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/faults-test.h"

#define REFUSED FERRY_ERROR_SYSTEM, FERRY_ERROR_LAUNCH_FAILED

typedef struct
{
  guint n_messages;
  guint n_buffers;
  guint64 n_bytes;
  FerryExit *exit; /* (owned) (nullable) */
} Heard;

static void
message_cb (FerryReceiver *receiver, GVariant *message, gpointer data)
{
  Heard *heard = data;

  heard->n_messages++;
  heard->n_bytes += g_variant_get_size (message);
}

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer data)
{
  Heard *heard = data;

  heard->n_buffers++;
  heard->n_bytes += g_bytes_get_size (buffer);
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer data)
{
  Heard *heard = data;

  g_assert_null (heard->exit);
  heard->exit = g_object_ref (exit);
}

static gboolean
has_exit (gpointer data)
{
  return ((Heard *) data)->exit != NULL;
}

static void
listen_to (FerryReceiver *receiver, Heard *heard)
{
  g_signal_connect (receiver, "message", G_CALLBACK (message_cb), heard);
  g_signal_connect (receiver, "buffer", G_CALLBACK (buffer_cb), heard);
  g_signal_connect (receiver, "closed", G_CALLBACK (closed_cb), heard);
}

/* What is asked of a worker beyond the ordinary. */
typedef struct
{
  gboolean trusted;
  FerrySandbox *sandbox; /* (nullable) */
} Kind;

/* Waits for the end of a worker, which sent all if it exited. Where there is no memory for a copy of what it sent, it
 * is ended as one that broke a rule. One in namespaces that loses its control socket before it attaches takes the
 * application for gone, and ends itself. */
static void
follow (FaultsTest *test, FerryWorker *worker, Heard *heard, const Kind *kind)
{
  int without_application = kind->sandbox != NULL ? FERRY_CLOSE_REASON_KILLED : FERRY_CLOSE_REASON_HUNG_UP;
  int without_copy = kind->trusted ? -1 : FERRY_CLOSE_REASON_PROTOCOL_ERROR;
  FerryExit *exit;

  ferry_test_run_until (has_exit, heard);
  ferry_test_wait_ended (worker);
  exit = ferry_test_get_object (worker, "exit");
  faults_test_check_exit (test, exit, FERRY_CLOSE_REASON_EXITED, FERRY_CLOSE_REASON_LAUNCH_FAILED,
                          FERRY_CLOSE_REASON_HUNG_UP, without_application, without_copy, -1);
  if (ferry_exit_get_reason (exit) != FERRY_CLOSE_REASON_EXITED)
    return;
  /* A worker that is refused something says so, and exits; so does one if its link was closed for want of something
   * here.
   */
  if (!test->expecting && (ferry_exit_get_exit_status (exit) == 2 || ferry_exit_get_exit_status (exit) == 3))
    return;
  faults_test_check_exit (test, heard->exit, FERRY_CLOSE_REASON_STOPPED, -1);
  g_assert_cmpint (ferry_exit_get_exit_status (exit), ==, 0);
  g_assert_cmpuint (heard->n_messages, ==, 14);
  g_assert_cmpuint (heard->n_buffers, ==, 1);
}

static const char *const orders[] = {NULL, "send:10", "buffer:5000", "variant:3", "large:100000", "print:hello", NULL};

static const Kind ordinary = {.trusted = TRUE};

static void
run_worker (FaultsTest *test, FerryRouter *router, const Kind *kind)
{
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (FerrySender) latest = NULL;
  g_autoptr (FerryReceiver) latest_receiver = NULL;
  g_autoptr (GError) error = NULL;
  const char *argv[G_N_ELEMENTS (orders)];
  Heard heard = {0};

  memcpy (argv, orders, sizeof orders);
  argv[0] = g_getenv ("FERRY_TEST_WORKER");
  launcher = ferry_launcher_new (argv);
  faults_test_set_order (test, launcher);
  g_object_set (launcher, "trusted", kind->trusted, NULL);
  g_object_set (launcher, "sandbox", kind->sandbox, NULL);
  /* What looks for leaks at the end would do so by another process. */
  if (kind->sandbox != NULL)
    ferry_launcher_setenv (launcher, "LSAN_OPTIONS", "detect_leaks=0");
  g_object_set (launcher, "stdout", FERRY_STREAM_MODE_LOG, NULL);
  ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, &error);
  g_assert_no_error (error);
  ferry_router_pipe (router, FERRY_PIPE_LATEST, &latest, &latest_receiver, &error);
  g_assert_no_error (error);
  listen_to (receiver, &heard);
  ferry_launcher_add_sender (launcher, "out", sender, &error);
  g_assert_no_error (error);
  ferry_launcher_add_sender (launcher, "latest", latest, &error);
  g_assert_no_error (error);
  worker = ferry_launcher_spawn (launcher, router, &error);
  g_assert_true ((worker == NULL) == (error != NULL));
  if (faults_test_works (test, &error, REFUSED, -1))
    follow (test, worker, &heard, kind);
  else
    {
      ferry_router_close_pipe (router, receiver, &error);
      g_assert_no_error (error);
      ferry_router_close_pipe (router, latest_receiver, &error);
      g_assert_no_error (error);
    }
  g_clear_object (&heard.exit);
}

static void
play_worker (FaultsTest *test)
{
  run_worker (test, test->router, &ordinary);
}

static void
play_untrusted_worker (FaultsTest *test)
{
  run_worker (test, test->router, &(Kind){.trusted = FALSE});
}

static void
play_sandboxed_worker (FaultsTest *test)
{
  g_autoptr (FerrySandbox) sandbox = ferry_sandbox_new ();

  run_worker (test, test->router, &(Kind){.trusted = TRUE, .sandbox = sandbox});
}

/* A pipe with a sender that is used here. */
static void
play_local (FaultsTest *test)
{
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (GError) error = NULL;
  Heard heard = {0};

  ferry_router_pipe (test->router, FERRY_PIPE_QUEUED, &sender, &receiver, &error);
  g_assert_no_error (error);
  listen_to (receiver, &heard);
  ferry_sender_start (sender, &error);
  if (!faults_test_works (test, &error, REFUSED, -1))
    {
      /* It may be tried again. */
      if (!ferry_sender_start (sender, &error))
        {
          faults_test_works (test, &error, test->within ? FERRY_ERROR_SYSTEM : -1, -1);
          ferry_router_close_pipe (test->router, receiver, &error);
          g_assert_no_error (error);
          return;
        }
    }
  /* That the monitor cannot watch it is known later. */
  for (guint i = 0; i < 10; i++)
    {
      ferry_sender_send (sender, g_variant_new_uint32 (i), &error);
      faults_test_works (test, &error, FERRY_ERROR_CLOSED, -1);
    }
  ferry_sender_stop (sender, &error);
  faults_test_works (test, &error, FERRY_ERROR_CLOSED, -1);
  ferry_test_run_until (has_exit, &heard);
  faults_test_check_exit (test, heard.exit, FERRY_CLOSE_REASON_STOPPED, FERRY_CLOSE_REASON_LAUNCH_FAILED, -1);
  if (ferry_exit_get_reason (heard.exit) == FERRY_CLOSE_REASON_STOPPED)
    g_assert_cmpuint (heard.n_messages, ==, 10);
  g_object_unref (heard.exit);
}

static void
play_router (FaultsTest *test)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (NULL);
  g_autoptr (GError) error = NULL;

  ferry_router_start (router, &error);
  if (!faults_test_works (test, &error, FERRY_ERROR_SYSTEM, -1))
    {
      /* It may be tried again. */
      if (!ferry_router_start (router, &error))
        {
          faults_test_works (test, &error, test->within ? FERRY_ERROR_SYSTEM : -1, -1);
          return;
        }
    }
  run_worker (test, router, &ordinary);
  ferry_router_stop (router, &error);
  g_assert_no_error (error);
}

static void
play_fork_server (FaultsTest *test)
{
  g_autofree char *program = ferry_test_build_path ("parent-worker");
  const char *const argv[] = {program, NULL};
  g_autoptr (FerryLauncher) base = ferry_launcher_new (argv);
  g_autoptr (FerryForkServer) fork_server = ferry_fork_server_new (base);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  FerryWorker *workers[3] = {NULL};
  g_autoptr (GError) error = NULL;

  faults_test_set_order (test, base);
  ferry_launcher_set_fork_server (launcher, fork_server);
  g_object_set (launcher, "stdout", FERRY_STREAM_MODE_SILENT, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      workers[i] = ferry_launcher_spawn (launcher, test->router, &error);
      g_assert_true ((workers[i] == NULL) == (error != NULL));
      faults_test_works (test, &error, REFUSED, -1);
    }
  for (guint i = 0; i < G_N_ELEMENTS (workers); i++)
    {
      if (workers[i] == NULL)
        continue;
      ferry_test_wait_ended (workers[i]);
      faults_test_check_exit (test, ferry_test_get_object (workers[i], "exit"), FERRY_CLOSE_REASON_EXITED,
                              FERRY_CLOSE_REASON_LAUNCH_FAILED, FERRY_CLOSE_REASON_FORK_SERVER_LOST, -1);
      g_object_unref (workers[i]);
    }
}

static gboolean
has_failed (gpointer witness)
{
  struct stat status;

  return stat (witness, &status) == 0 && status.st_size > 0;
}

/* The worker that it would fork in advance is the first one, and what that takes is refused once. */
static void
test_fork_server_without_spare (gconstpointer call)
{
  g_autofree char *program = ferry_test_build_path ("parent-worker");
  g_autofree char *witness = g_strdup_printf ("%s/ferry-faults-%d", g_get_tmp_dir (), (int) getpid ());
  g_autofree char *order = g_strdup_printf ("%s 1 %d %s", (const char *) call, EAGAIN, witness);
  const char *const argv[] = {program, NULL};
  FaultsTest test = {.router = ferry_test_router_new (), .expecting = TRUE, .order = order};
  g_autoptr (FerryLauncher) base = ferry_launcher_new (argv);
  g_autoptr (FerryForkServer) fork_server = ferry_fork_server_new (base);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerryWorker) process = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (witness, "", 0, NULL));
  faults_test_set_order (&test, base);
  ferry_launcher_set_fork_server (launcher, fork_server);
  g_object_set (launcher, "stdout", FERRY_STREAM_MODE_SILENT, NULL);
  g_assert_true (ferry_fork_server_start (fork_server, test.router, &error));
  process = g_object_ref (ferry_test_get_object (fork_server, "worker"));
  ferry_test_look_until (has_failed, witness);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FerryWorker) worker = ferry_launcher_spawn (launcher, test.router, &error);

      g_assert_no_error (error);
      ferry_test_wait_ended (worker);
      faults_test_check_exit (&test, ferry_test_get_object (worker, "exit"), FERRY_CLOSE_REASON_EXITED, -1);
    }
  g_assert_cmpint (ferry_worker_get_state (process), !=, FERRY_WORKER_STATE_ENDED);
  g_assert_cmpuint (ferry_test_get_number (fork_server, "n-starts"), ==, 1);
  g_clear_object (&fork_server);
  g_clear_object (&launcher);
  ferry_test_wait_ended (process);
  ferry_test_router_stop (test.router);
  unlink (witness);
}

static void
add_sandboxed (void)
{
  static const Fault sandboxed[] = {
    {FAULT_CLONE, EAGAIN},      {FAULT_PIPE, EMFILE},         {FAULT_DUP, EMFILE},
    {FAULT_RECVMSG, ENOMEM},    {FAULT_MEMFD_CREATE, EMFILE}, {FAULT_EVENTFD, EMFILE},
    {FAULT_SOCKETPAIR, EMFILE}, {FAULT_EPOLL_CTL, ENOMEM},    {FAULT_SENDMSG, ENOBUFS},
  };
  /* The worker is not the process that was started. */
  static const Fault wrapped[] = {{FAULT_PIDFD_OPEN, EMFILE}};

  faults_test_add ("sandboxed-worker", play_sandboxed_worker, sandboxed, G_N_ELEMENTS (sandboxed));
  if ((ferry_sandbox_get_strength () & FERRY_SANDBOX_STRENGTH_NAMESPACES) != 0)
    faults_test_add ("sandboxed-worker", play_sandboxed_worker, wrapped, G_N_ELEMENTS (wrapped));
}

int
main (int argc, char **argv)
{
  static const Fault faults[] = {
    {FAULT_MEMFD_CREATE, EMFILE}, {FAULT_MEMFD_CREATE, ENOMEM}, {FAULT_MMAP, ENOMEM},      {FAULT_EVENTFD, EMFILE},
    {FAULT_SOCKETPAIR, EMFILE},   {FAULT_SENDMSG, ENOBUFS},     {FAULT_SENDMSG, EAGAIN},   {FAULT_RECVMSG, ENOMEM},
    {FAULT_RECVMSG, EAGAIN},      {FAULT_RECVMSG, EINTR},       {FAULT_EPOLL_CTL, ENOSPC}, {FAULT_EPOLL_CTL, ENOMEM},
    {FAULT_CLONE, EAGAIN},        {FAULT_CLONE, ENOMEM},        {FAULT_PIPE, EMFILE},      {FAULT_DUP, EMFILE},
  };
  static const Fault local[] = {
    {FAULT_MEMFD_CREATE, EMFILE}, {FAULT_MMAP, ENOMEM}, {FAULT_EVENTFD, ENFILE},
    {FAULT_EPOLL_CTL, ENOSPC},    {FAULT_DUP, EMFILE},
  };
  static const Fault of_router[] = {
    {FAULT_EPOLL_CREATE, EMFILE}, {FAULT_EVENTFD, EMFILE}, {FAULT_EPOLL_CTL, ENOSPC},
    {FAULT_DUP, EMFILE},          {FAULT_MMAP, ENOMEM},    {FAULT_THREAD, EAGAIN},
  };
  static const Fault of_fork_server[] = {
    {FAULT_MEMFD_CREATE, EMFILE}, {FAULT_MMAP, ENOMEM},    {FAULT_EVENTFD, EMFILE},   {FAULT_SOCKETPAIR, EMFILE},
    {FAULT_SENDMSG, ENOBUFS},     {FAULT_SENDMSG, EAGAIN}, {FAULT_SENDMSG, EINTR},    {FAULT_RECVMSG, ENOMEM},
    {FAULT_RECVMSG, EAGAIN},      {FAULT_RECVMSG, EINTR},  {FAULT_EPOLL_CTL, ENOSPC}, {FAULT_CLONE, EAGAIN},
    {FAULT_DUP, EMFILE},          {FAULT_OPEN, EMFILE},
  };
  static const Fault within_worker[] = {
    {FAULT_MMAP, ENOMEM},     {FAULT_RECVMSG, ENOMEM}, {FAULT_RECVMSG, EINTR},
    {FAULT_SENDMSG, ENOBUFS}, {FAULT_SENDMSG, EAGAIN},
  };
  static const Fault within_fork_server[] = {
    {FAULT_MMAP, ENOMEM},     {FAULT_CLONE, EAGAIN},  {FAULT_PIDFD_OPEN, EMFILE},
    {FAULT_SENDMSG, ENOBUFS}, {FAULT_SENDMSG, EINTR}, {FAULT_RECVMSG, ENOMEM},
    {FAULT_RECVMSG, EINTR},   {FAULT_DUP, EMFILE},    {FAULT_OPEN, EMFILE},
  };
  static const Fault copies[] = {{FAULT_MMAP, ENOMEM}};

  faults_test_init (&argc, &argv);
  faults_test_add ("worker", play_worker, faults, G_N_ELEMENTS (faults));
  faults_test_add ("untrusted-worker", play_untrusted_worker, copies, G_N_ELEMENTS (copies));
  add_sandboxed ();
  faults_test_add ("local-sender", play_local, local, G_N_ELEMENTS (local));
  faults_test_add ("router", play_router, of_router, G_N_ELEMENTS (of_router));
  faults_test_add ("fork-server", play_fork_server, of_fork_server, G_N_ELEMENTS (of_fork_server));
  faults_test_add_within ("worker", play_worker, within_worker, G_N_ELEMENTS (within_worker));
  faults_test_add_within ("fork-server", play_fork_server, within_fork_server, G_N_ELEMENTS (within_fork_server));
  g_test_add_data_func ("/faults/fork-server-serves-without-a-spare/clone", "clone", test_fork_server_without_spare);
  g_test_add_data_func ("/faults/fork-server-serves-without-a-spare/pidfd_open", "pidfd_open",
                        test_fork_server_without_spare);
  g_test_add_data_func ("/faults/fork-server-serves-without-a-spare/socketpair", "socketpair",
                        test_fork_server_without_spare);
  faults_test_add_limit ("worker", play_worker);
  faults_test_add_limit ("sandboxed-worker", play_sandboxed_worker);
  faults_test_add_limit ("local-sender", play_local);
  faults_test_add_limit ("router", play_router);
  faults_test_add_limit ("fork-server", play_fork_server);
  return g_test_run ();
}
