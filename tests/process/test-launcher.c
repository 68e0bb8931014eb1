/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-launcher.c, process/ferry-spawn.c
 *
 * What a worker is started with, told by a worker that looks around itself. */

#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "process/ferry-worker-private.h"
#include "process/worker-test.h"

#define CURIOUS "curious-worker"

/* Runs a worker to its end and asserts what it told. */
static void
assert_told (FerryLauncher *launcher, const char *expected)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autofree char *told = worker_test_run (launcher, router);

  g_assert_cmpstr (told, ==, expected);
  ferry_test_router_stop (router);
}

static void
test_passes_arguments_as_they_are (void)
{
  g_autoptr (FerryLauncher) launcher =
    worker_test_launcher_new (CURIOUS, "arguments", "one", "", "two words", "$HOME *", "\"", NULL);

  assert_told (launcher, "one\n\ntwo words\n$HOME *\n\"\n");
}

static void
test_takes_other_arguments_for_the_next_worker (void)
{
  g_autofree char *path = ferry_test_build_path (CURIOUS);
  const char *argv[] = {path, "arguments", "second", NULL};
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "arguments", "first", NULL);

  assert_told (launcher, "first\n");
  g_object_set (launcher, "argv", argv, NULL);
  assert_told (launcher, "second\n");
}

static void
test_passes_the_environment_of_the_application (void)
{
  g_autoptr (FerryLauncher) launcher = NULL;

  g_setenv ("WORKER_TEST", "inherited", TRUE);
  launcher = worker_test_launcher_new (CURIOUS, "variable:WORKER_TEST", NULL);
  g_unsetenv ("WORKER_TEST");
  assert_told (launcher, "inherited\n");
}

static void
test_replaces_the_environment (void)
{
  const char *environment[] = {"WORKER_TEST=only", NULL};
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "environment", NULL);

  g_object_set (launcher, "environ", environment, NULL);
  assert_told (launcher, "WORKER_TEST=only\nFERRY_CONTROL_FD=3\n");
}

static void
test_sets_a_variable (void)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "variable:WORKER_TEST", NULL);

  ferry_launcher_setenv (launcher, "WORKER_TEST", "first");
  ferry_launcher_setenv (launcher, "WORKER_TEST", "a=b c");
  assert_told (launcher, "a=b c\n");
}

static void
test_takes_a_variable_out (void)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "variable:WORKER_TEST", NULL);

  ferry_launcher_setenv (launcher, "WORKER_TEST", "set");
  ferry_launcher_setenv (launcher, "WORKER_TEST", NULL);
  assert_told (launcher, "(none)\n");
}

/* What no environment can have is a mistake of the programmer's. */
static void
test_refuses_names_that_no_variable_has (void)
{
  const char *const argv[] = {"/bin/true", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);

  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*ferry_launcher_setenv*variable*");
  ferry_launcher_setenv (launcher, "A=B", "value");
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*ferry_launcher_setenv*variable*");
  ferry_launcher_setenv (launcher, NULL, "value");
  g_test_assert_expected_messages ();
}

static void
expect_refusal (const char *words)
{
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, words);
}

/* What is refused leaves the property as it was. */
static void
test_refuses_what_no_property_can_be (void)
{
  const char *const argv[] = {"/bin/true", NULL};
  const char *const nothing[] = {NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_auto (GStrv) program = NULL;

  expect_refusal ("*FerryLauncher:argv*");
  g_object_set (launcher, "argv", NULL, NULL);
  expect_refusal ("*FerryLauncher:argv*");
  g_object_set (launcher, "argv", nothing, NULL);
  expect_refusal ("*FerryLauncher:environ*");
  g_object_set (launcher, "environ", NULL, NULL);
  expect_refusal ("*FerryLauncher:name*");
  g_object_set (launcher, "name", "", NULL);
  expect_refusal ("*FerryLauncher:stdout*ferry_launcher_take_stream_fd*");
  g_object_set (launcher, "stdout", FERRY_STREAM_MODE_DESCRIPTOR, NULL);
  expect_refusal ("*FerryLauncher:stdin*standard input*");
  g_object_set (launcher, "stdin", FERRY_STREAM_MODE_LOG, NULL);
  g_test_assert_expected_messages ();
  g_object_get (launcher, "argv", &program, NULL);
  g_assert_true (g_strv_equal ((const char *const *) program, argv));
  g_assert_cmpint (ferry_test_get_number (launcher, "stdin"), ==, FERRY_STREAM_MODE_DEFAULT);
}

static void
count_cb (guint *n)
{
  ++*n;
}

/* A launcher that is made with its settings, as a builder makes one. Each change is notified once. */
static void
test_settings_are_properties (void)
{
  const char *const argv[] = {"/bin/true", "argument", NULL};
  const char *const environment[] = {"A=1", NULL};
  g_autoptr (FerrySandbox) sandbox = ferry_sandbox_new ();
  g_autoptr (FerryLauncher) launcher =
    g_object_new (FERRY_TYPE_LAUNCHER, "argv", argv, "environ", environment, "cwd", "/", "name", "name", "nice", 3,
                  "attach-timeout", (gint64) -1, "buffer-capacity", (guint64) 5, "trusted", TRUE, "sandbox", sandbox,
                  "stdin", FERRY_STREAM_MODE_SILENT, "stderr", FERRY_STREAM_MODE_LOG, NULL);
  g_auto (GStrv) program = NULL;
  g_auto (GStrv) variables = NULL;
  g_autofree char *cwd = NULL;
  g_autofree char *name = NULL;
  guint n = 0;

  g_object_get (launcher, "argv", &program, "environ", &variables, "cwd", &cwd, "name", &name, NULL);
  g_assert_true (g_strv_equal ((const char *const *) program, argv));
  g_assert_true (g_strv_equal ((const char *const *) variables, environment));
  g_assert_cmpstr (cwd, ==, "/");
  g_assert_cmpstr (name, ==, "name");
  g_assert_cmpint (ferry_test_get_number (launcher, "nice"), ==, 3);
  g_assert_cmpint (ferry_test_get_number (launcher, "attach-timeout"), ==, -1);
  g_assert_cmpint (ferry_test_get_number (launcher, "buffer-capacity"), ==, 5);
  g_assert_cmpint (ferry_test_get_number (launcher, "trusted"), ==, TRUE);
  g_assert_true (ferry_test_get_object (launcher, "sandbox") == sandbox);
  g_assert_cmpint (ferry_test_get_number (launcher, "stdin"), ==, FERRY_STREAM_MODE_SILENT);
  g_assert_cmpint (ferry_test_get_number (launcher, "stdout"), ==, FERRY_STREAM_MODE_DEFAULT);
  g_assert_cmpint (ferry_test_get_number (launcher, "stderr"), ==, FERRY_STREAM_MODE_LOG);
  g_signal_connect_swapped (launcher, "notify", G_CALLBACK (count_cb), &n);
  g_object_set (launcher, "argv", argv, "environ", environment, "cwd", "/", "nice", 3, "trusted", TRUE, NULL);
  g_assert_cmpuint (n, ==, 0);
  g_object_set (launcher, "argv", environment, "cwd", NULL, "nice", 4, "stdout", FERRY_STREAM_MODE_INHERIT, NULL);
  g_assert_cmpuint (n, ==, 4);
  ferry_launcher_take_stream_fd (launcher, FERRY_STREAM_STDIN, dup (STDIN_FILENO));
  g_assert_cmpint (ferry_test_get_number (launcher, "stdin"), ==, FERRY_STREAM_MODE_DESCRIPTOR);
  ferry_launcher_setenv (launcher, "B", "2");
  g_assert_cmpuint (n, ==, 6);
  /* The sandbox has begun to measure this, which takes descriptors. */
  ferry_sandbox_get_strength ();
}

static void
test_one_without_a_program_starts_nothing (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = g_object_new (FERRY_TYPE_LAUNCHER, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_launcher_spawn (launcher, router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_clear_error (&error);
  g_assert_false (ferry_launcher_spawn_persistent (launcher, "@nowhere", NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  ferry_test_router_stop (router);
}

static void
test_starts_in_the_folder_of_the_application (void)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "folder", NULL);
  g_autofree char *folder = g_get_current_dir ();
  g_autofree char *expected = g_strconcat (folder, "\n", NULL);

  assert_told (launcher, expected);
}

static void
test_starts_in_another_folder (void)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "folder", NULL);

  g_object_set (launcher, "cwd", "/", NULL);
  assert_told (launcher, "/\n");
}

static void
test_goes_back_to_the_folder_of_the_application (void)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "folder", NULL);
  g_autofree char *folder = g_get_current_dir ();
  g_autofree char *expected = g_strconcat (folder, "\n", NULL);

  g_object_set (launcher, "cwd", "/", NULL);
  g_object_set (launcher, "cwd", NULL, NULL);
  assert_told (launcher, expected);
}

static void
test_finds_a_program_in_path (void)
{
  const char *argv[] = {"echo", "found", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);

  assert_told (launcher, "found\n");
}

static void
test_gives_standard_input (void)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "copy", NULL);
  int fds[2];

  g_assert_no_errno (pipe2 (fds, O_CLOEXEC));
  g_assert_cmpint (write (fds[1], "given", 5), ==, 5);
  close (fds[1]);
  ferry_launcher_take_stream_fd (launcher, FERRY_STREAM_STDIN, fds[0]);
  assert_told (launcher, "given");
}

static void
test_gives_standard_error (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "error:said", NULL);
  ferry_autofd fd = worker_test_open_output (launcher, FERRY_STREAM_STDERR);
  g_autofree char *said = NULL;

  g_free (worker_test_run (launcher, router));
  g_object_set (launcher, "stderr", FERRY_STREAM_MODE_INHERIT, NULL);
  said = worker_test_read_all (fd);
  g_assert_cmpstr (said, ==, "said\n");
  ferry_test_router_stop (router);
}

static void
test_silences_standard_input (void)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "copy", NULL);

  g_object_set (launcher, "stdin", FERRY_STREAM_MODE_SILENT, NULL);
  assert_told (launcher, "");
}

/* With all three silenced, nothing can be told but by the exit status. */
static void
test_silences_all_streams (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "copy", "folder", "error:unheard", NULL);
  g_autoptr (FerryWorker) worker = NULL;

  g_object_set (launcher, "stdin", FERRY_STREAM_MODE_SILENT, "stdout", FERRY_STREAM_MODE_SILENT, "stderr",
                FERRY_STREAM_MODE_SILENT, NULL);
  worker = worker_test_spawn (launcher, router);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  ferry_test_router_stop (router);
}

static void
test_inherits_standard_output (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "arguments", "inherited", NULL);
  g_autoptr (FerryWorker) worker = NULL;
  ferry_autofd kept = fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
  g_autofree char *said = NULL;
  int fds[2];

  g_assert_no_errno (pipe2 (fds, O_CLOEXEC));
  fflush (stdout);
  dup2 (fds[1], STDOUT_FILENO);
  close (fds[1]);
  g_object_set (launcher, "stdout", FERRY_STREAM_MODE_INHERIT, NULL);
  worker = worker_test_spawn (launcher, router);
  ferry_test_wait_ended (worker);
  dup2 (kept, STDOUT_FILENO);
  said = worker_test_read_all (fds[0]);
  close (fds[0]);
  g_assert_cmpstr (said, ==, "inherited\n");
  ferry_test_router_stop (router);
}

/* The launcher's own descriptors may have the very numbers that the streams get. */
static void
test_gives_streams_whose_numbers_cross (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "arguments", "crossed", NULL);
  g_autoptr (FerryWorker) worker = NULL;
  ferry_autofd kept = fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
  g_autofree char *said = NULL;
  int fds[2];

  g_assert_no_errno (pipe2 (fds, O_CLOEXEC));
  ferry_launcher_take_stream_fd (launcher, FERRY_STREAM_STDOUT, fds[1]);
  g_object_set (launcher, "stdin", FERRY_STREAM_MODE_SILENT, NULL);
  close (STDIN_FILENO);
  worker = worker_test_spawn (launcher, router);
  g_object_set (launcher, "stdout", FERRY_STREAM_MODE_INHERIT, NULL);
  said = worker_test_read_all (fds[0]);
  ferry_test_wait_ended (worker);
  dup2 (kept, STDIN_FILENO);
  close (fds[0]);
  g_assert_cmpstr (said, ==, "crossed\n");
  ferry_test_router_stop (router);
}

static void
test_inherits_no_other_descriptor (void)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "descriptors", NULL);
  ferry_autofd low = open ("/dev/null", O_RDONLY);
  ferry_autofd high = fcntl (low, F_DUPFD, 200);

  g_assert_cmpint (low, >=, 0);
  g_assert_cmpint (high, >=, 200);
  assert_told (launcher, "0 1 2 3 \n");
}

static void
test_leads_a_process_group_of_its_own (void)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "group", NULL);

  assert_told (launcher, "leader\n");
}

/* What the application blocks and ignores, the worker must not. */
static void
test_resets_signals (void)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "signals", NULL);
  sigset_t blocked;
  sigset_t before;

  sigemptyset (&blocked);
  sigaddset (&blocked, SIGTERM);
  sigaddset (&blocked, SIGUSR1);
  sigprocmask (SIG_BLOCK, &blocked, &before);
  signal (SIGPIPE, SIG_IGN);
  signal (SIGHUP, SIG_IGN);
  signal (SIGINT, SIG_IGN);
  assert_told (launcher, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  signal (SIGPIPE, SIG_DFL);
  signal (SIGHUP, SIG_DFL);
  signal (SIGINT, SIG_DFL);
  sigprocmask (SIG_SETMASK, &before, NULL);
}

static void
test_ends_at_a_signal_that_the_application_blocks (void)
{
  FerryRouter *router = NULL;
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "pause", NULL);
  g_autoptr (FerryWorker) worker = NULL;
  sigset_t blocked;
  sigset_t before;

  sigemptyset (&blocked);
  sigaddset (&blocked, SIGTERM);
  sigprocmask (SIG_BLOCK, &blocked, &before);
  router = ferry_test_router_new ();
  worker = worker_test_spawn (launcher, router);
  ferry_worker_send_signal (worker, SIGTERM);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 15");
  ferry_test_router_stop (router);
  sigprocmask (SIG_SETMASK, &before, NULL);
}

static void
test_has_name_and_states (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "attach", "pause", NULL);

  g_assert_cmpstr (ferry_worker_get_name (worker), ==, "obedient-worker");
  g_assert_null (ferry_worker_get_identifier (worker));
  g_assert_cmpint (ferry_worker_get_state (worker), ==, FERRY_WORKER_STATE_STARTING);
  g_assert_null (ferry_test_get_object (worker, "exit"));
  worker_test_wait_open (worker);
  g_assert_nonnull (ferry_worker_get_identifier (worker));
  ferry_worker_force_exit (worker);
  ferry_test_wait_ended (worker);
  g_assert_cmpint (ferry_test_get_process (ferry_test_get_object (worker, "exit")), ==,
                   ferry_test_get_process (worker));
  ferry_test_router_stop (router);
}

#define N_WORKERS 50

static void
test_leaks_no_descriptor (void)
{
  FerryRouter *router = ferry_test_router_new_with_guardian ();
  guint before = ferry_test_count_fds ();
  FerryWorker *workers[N_WORKERS];
  FerryTestPipe *pipes[N_WORKERS];

  for (guint i = 0; i < N_WORKERS; i++)
    {
      pipes[i] = ferry_test_pipe_new (router);
      workers[i] = ferry_test_spawn_obedient (router, pipes[i], "send:10", "stop", NULL);
    }
  for (guint i = 0; i < N_WORKERS; i++)
    {
      ferry_test_wait_ended (workers[i]);
      g_assert_cmpuint (pipes[i]->n_messages, ==, 10);
      ferry_test_pipe_free (pipes[i]);
      g_object_unref (workers[i]);
    }
  g_assert_cmpuint (ferry_test_count_fds (), ==, before);
  ferry_test_router_stop (router);
}

static void
test_leaks_no_descriptor_of_failed_launches (void)
{
  FerryRouter *router = ferry_test_router_new_with_guardian ();
  guint before = ferry_test_count_fds ();

  for (guint i = 0; i < N_WORKERS; i++)
    {
      g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("no-such-worker", NULL, NULL);
      g_autoptr (FerryWorker) worker = worker_test_spawn (launcher, router);

      ferry_test_wait_ended (worker);
    }
  g_assert_cmpuint (ferry_test_count_fds (), ==, before);
  ferry_test_router_stop (router);
}

static void
test_refuses_a_program_that_is_not_in_path (void)
{
  const char *argv[] = {"ferry-no-such-program", NULL};
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (GError) error = NULL;

  worker_test_add_sender (launcher, "out", pipe);
  g_assert_null (ferry_launcher_spawn (launcher, router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
  g_assert_nonnull (strstr (error->message, "ferry-no-such-program"));
  g_assert_false (ferry_test_get_number (pipe->receiver, "is-closed"));
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

/* The senders stay with the launcher, so a second try can do better. */
static void
test_keeps_its_senders_when_refused (void)
{
  const char *wrong[] = {"ferry-no-such-program", NULL};
  const char *right[] = {g_getenv ("FERRY_TEST_WORKER"), "send:3", NULL};
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (wrong);
  g_autoptr (FerryWorker) worker = NULL;

  worker_test_add_sender (launcher, "out", pipe);
  g_assert_null (ferry_launcher_spawn (launcher, router, NULL));
  g_object_set (launcher, "argv", right, NULL);
  worker = worker_test_spawn (launcher, router);
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpuint (pipe->n_messages, ==, 3);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

/* Spawns what cannot be executed, with a sender; pipe and worker must both be told so, in those words. */
static void
assert_launch_fails (FerryLauncher *launcher, const char *words)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = NULL;

  worker_test_add_sender (launcher, "out", pipe);
  worker = worker_test_spawn (launcher, router);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, words);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_LAUNCH_FAILED);
  g_assert_cmpuint (pipe->n_messages, ==, 0);
  ferry_test_router_stop (router);
}

static void
test_tells_of_a_path_that_does_not_exist (void)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("no-such-worker", NULL, NULL);

  assert_launch_fails (launcher, "No such file or directory");
}

/* The shell finds it from the application's folder. */
static void
test_tells_in_which_folder_a_path_begins (void)
{
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const[]){"./no-such-worker", NULL});

  g_object_set (launcher, "cwd", "/dev", NULL);
  assert_launch_fails (launcher, "begins in the worker's folder '/dev'");
}

static void
test_tells_of_a_file_that_is_not_executable (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "meson.build", NULL);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (path, NULL, NULL);

  assert_launch_fails (launcher, "Permission denied");
}

static void
test_tells_of_a_folder_that_does_not_exist (void)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "folder", NULL);

  g_object_set (launcher, "cwd", "/no/such/folder", NULL);
  assert_launch_fails (launcher, "/no/such/folder");
}

static void
test_needs_a_running_router (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (NULL);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "folder", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_launcher_spawn (launcher, router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING);
}

typedef struct
{
  FerryLauncher *launcher;
  FerryRouter *router;
  GError *error; /* (owned) */
} OtherThread;

static gpointer
spawn_elsewhere (gpointer data)
{
  OtherThread *other = data;

  return ferry_launcher_spawn (other->launcher, other->router, &other->error);
}

static void
test_needs_the_thread_of_the_router (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, "folder", NULL);
  OtherThread other = {launcher, router, NULL};

  g_assert_null (g_thread_join (g_thread_new ("elsewhere", spawn_elsewhere, &other)));
  g_assert_error (other.error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_clear_error (&other.error);
  ferry_test_router_stop (router);
}

static void
add_launch_tests (void)
{
  g_test_add_func ("/launcher/refuses-names-that-no-variable-has", test_refuses_names_that_no_variable_has);
  g_test_add_func ("/launcher/refuses-what-no-property-can-be", test_refuses_what_no_property_can_be);
  g_test_add_func ("/launcher/settings-are-properties", test_settings_are_properties);
  g_test_add_func ("/launcher/one-without-a-program-starts-nothing", test_one_without_a_program_starts_nothing);
  g_test_add_func ("/launcher/leaks-no-descriptor", test_leaks_no_descriptor);
  g_test_add_func ("/launcher/leaks-no-descriptor-of-failed-launches", test_leaks_no_descriptor_of_failed_launches);
  g_test_add_func ("/launcher/refuses-a-program-that-is-not-in-path", test_refuses_a_program_that_is_not_in_path);
  g_test_add_func ("/launcher/keeps-its-senders-when-refused", test_keeps_its_senders_when_refused);
  g_test_add_func ("/launcher/tells-of-a-path-that-does-not-exist", test_tells_of_a_path_that_does_not_exist);
  g_test_add_func ("/launcher/tells-in-which-folder-a-path-begins", test_tells_in_which_folder_a_path_begins);
  g_test_add_func ("/launcher/tells-of-a-file-that-is-not-executable", test_tells_of_a_file_that_is_not_executable);
  g_test_add_func ("/launcher/tells-of-a-folder-that-does-not-exist", test_tells_of_a_folder_that_does_not_exist);
  g_test_add_func ("/launcher/needs-a-running-router", test_needs_a_running_router);
  g_test_add_func ("/launcher/needs-the-thread-of-the-router", test_needs_the_thread_of_the_router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/launcher/passes-arguments-as-they-are", test_passes_arguments_as_they_are);
  g_test_add_func ("/launcher/takes-other-arguments-for-the-next-worker",
                   test_takes_other_arguments_for_the_next_worker);
  g_test_add_func ("/launcher/passes-the-environment-of-the-application",
                   test_passes_the_environment_of_the_application);
  g_test_add_func ("/launcher/replaces-the-environment", test_replaces_the_environment);
  g_test_add_func ("/launcher/sets-a-variable", test_sets_a_variable);
  g_test_add_func ("/launcher/takes-a-variable-out", test_takes_a_variable_out);
  g_test_add_func ("/launcher/starts-in-the-folder-of-the-application", test_starts_in_the_folder_of_the_application);
  g_test_add_func ("/launcher/starts-in-another-folder", test_starts_in_another_folder);
  g_test_add_func ("/launcher/goes-back-to-the-folder-of-the-application",
                   test_goes_back_to_the_folder_of_the_application);
  g_test_add_func ("/launcher/finds-a-program-in-path", test_finds_a_program_in_path);
  g_test_add_func ("/launcher/gives-standard-input", test_gives_standard_input);
  g_test_add_func ("/launcher/gives-standard-error", test_gives_standard_error);
  g_test_add_func ("/launcher/silences-standard-input", test_silences_standard_input);
  g_test_add_func ("/launcher/silences-all-streams", test_silences_all_streams);
  g_test_add_func ("/launcher/inherits-standard-output", test_inherits_standard_output);
  g_test_add_func ("/launcher/gives-streams-whose-numbers-cross", test_gives_streams_whose_numbers_cross);
  g_test_add_func ("/launcher/inherits-no-other-descriptor", test_inherits_no_other_descriptor);
  g_test_add_func ("/launcher/leads-a-process-group-of-its-own", test_leads_a_process_group_of_its_own);
  g_test_add_func ("/launcher/resets-signals", test_resets_signals);
  g_test_add_func ("/launcher/ends-at-a-signal-that-the-application-blocks",
                   test_ends_at_a_signal_that_the_application_blocks);
  g_test_add_func ("/launcher/has-name-and-states", test_has_name_and_states);
  add_launch_tests ();
  return g_test_run ();
}
