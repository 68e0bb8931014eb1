/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-sandbox-message.c, process/ferry-sandbox.c, process/ferry-sandbox-enter.c
 *
 * What happens where a sandbox cannot be as it is described: by the system, by the program that is its worker, or by
 * what else was asked of the launcher. */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "base/ferry-base-private.h"
#include "process/ferry-worker-private.h"
#include "process/sandbox-test.h"

#define NAMESPACES FERRY_SANDBOX_STRENGTH_NAMESPACES
#define LANDLOCK FERRY_SANDBOX_STRENGTH_LANDLOCK
#define USUALLY_REQUIRED                                                                                               \
  (FERRY_SANDBOX_STRENGTH_LIMITS | FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES | FERRY_SANDBOX_STRENGTH_LANDLOCK |        \
   FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS)

static void
test_has_all_that_is_required (void)
{
  g_autoptr (SandboxTest) test = NULL;

  if (!sandbox_test_has (USUALLY_REQUIRED))
    return;
  test = sandbox_test_new ();
  g_object_set (test->sandbox, "policy", FERRY_SANDBOX_POLICY_REQUIRED, NULL);
  g_assert_cmpint (ferry_test_get_number (test->sandbox, "policy"), ==, FERRY_SANDBOX_POLICY_REQUIRED);
  sandbox_test_start (test, "read:/etc/passwd spin");
  worker_test_wait_open (test->worker);
  g_assert_cmpuint (ferry_test_get_number (test->worker, "sandbox-strength"), ==, ferry_sandbox_get_strength ());
  sandbox_test_wait_outcome (test);
  g_assert_cmpint (g_array_index (test->outcomes, int, 0), ==, EACCES);
  ferry_worker_force_exit (test->worker);
  ferry_test_wait_ended (test->worker);
}

/* Whatever wraps it. */
static void
test_program_that_is_not_there_cannot_be_launched (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  g_object_set (test->launcher, "argv", (const char *const[]){"/nonexistent/worker", NULL}, NULL);
  test->worker = worker_test_spawn (test->launcher, test->router);
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "No such file");
}

static void
test_is_nothing_where_it_is_off (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  g_object_set (test->sandbox, "policy", FERRY_SANDBOX_POLICY_OFF, NULL);
  g_object_set (test->sandbox, "memory-limit", (guint64) 1, NULL);
  g_assert_cmpint (sandbox_test_try (test, "read:/etc/passwd"), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (test->worker, "sandbox-strength"), ==, FERRY_SANDBOX_STRENGTH_NONE);
}

static void
count_cb (guint *n)
{
  ++*n;
}

/* A sandbox that is made with its settings, as a builder makes one. Each change is notified once. */
static void
test_settings_are_properties (void)
{
  const char *const readable[] = {"/usr/../etc", "relative", NULL};
  const char *const empty[] = {"/etc", "", NULL};
  g_autofree char *folder = g_get_current_dir ();
  g_autofree char *absolute = g_build_filename (folder, "relative", NULL);
  g_autoptr (FerrySandbox) sandbox =
    g_object_new (FERRY_TYPE_SANDBOX, "policy", FERRY_SANDBOX_POLICY_PREFERRED, "layers", LANDLOCK, "required-layers",
                  NAMESPACES, "network", TRUE, "read-only-paths", readable, "system-paths", TRUE, "memory-limit",
                  (guint64) 1, "cpu-limit", (guint64) 2, "descriptor-limit", (guint64) 3, NULL);
  g_auto (GStrv) found = NULL;
  g_auto (GStrv) writable = NULL;
  guint n = 0;

  g_object_get (sandbox, "read-only-paths", &found, "writable-paths", &writable, NULL);
  g_assert_cmpstr (found[0], ==, "/etc");
  g_assert_cmpstr (found[1], ==, absolute);
  g_assert_cmpuint (g_strv_length (found), ==, 2);
  g_assert_cmpuint (g_strv_length (writable), ==, 0);
  g_assert_cmpint (ferry_test_get_number (sandbox, "policy"), ==, FERRY_SANDBOX_POLICY_PREFERRED);
  g_assert_cmpint (ferry_test_get_number (sandbox, "layers"), ==, LANDLOCK);
  g_assert_cmpint (ferry_test_get_number (sandbox, "required-layers"), ==, NAMESPACES);
  g_assert_cmpint (ferry_test_get_number (sandbox, "network"), ==, TRUE);
  g_assert_cmpint (ferry_test_get_number (sandbox, "system-paths"), ==, TRUE);
  g_assert_cmpint (ferry_test_get_number (sandbox, "memory-limit"), ==, 1);
  g_assert_cmpint (ferry_test_get_number (sandbox, "cpu-limit"), ==, 2);
  g_assert_cmpint (ferry_test_get_number (sandbox, "descriptor-limit"), ==, 3);
  g_signal_connect_swapped (sandbox, "notify", G_CALLBACK (count_cb), &n);
  g_object_set (sandbox, "read-only-paths", readable, "network", TRUE, "layers", LANDLOCK, NULL);
  g_assert_cmpuint (n, ==, 0);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*a path is empty*");
  g_object_set (sandbox, "writable-paths", empty, NULL);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (n, ==, 0);
  g_object_set (sandbox, "read-only-paths", NULL, "network", FALSE, NULL);
  g_assert_cmpuint (n, ==, 2);
}

static void
require_landlock (SandboxTest *test)
{
  g_object_set (test->sandbox, "policy", FERRY_SANDBOX_POLICY_REQUIRED, NULL);
  g_object_set (test->sandbox, "required-layers", LANDLOCK, NULL);
}

static void
assert_refused (SandboxTest *test, int code, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryWorker) worker = ferry_launcher_spawn (test->launcher, test->router, &error);

  g_assert_null (worker);
  g_assert_error (error, FERRY_ERROR, code);
  g_assert_nonnull (strstr (error->message, words));
}

/* In a process of its own, since what the system can give is found out once. */
static void
test_fails_without_bubblewrap_where_that_is_required (void)
{
  g_autoptr (SandboxTest) test = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }
  g_setenv ("PATH", "/nonexistent", TRUE);
  g_assert_cmpuint (ferry_sandbox_get_strength () & NAMESPACES, ==, 0);
  test = sandbox_test_new ();
  g_object_set (test->sandbox, "policy", FERRY_SANDBOX_POLICY_REQUIRED, NULL);
  g_object_set (test->sandbox, "required-layers", NAMESPACES, NULL);
  assert_refused (test, FERRY_ERROR_LAUNCH_FAILED, "it lacks namespaces");
  g_object_set (test->sandbox, "policy", FERRY_SANDBOX_POLICY_PREFERRED, NULL);
  g_assert_cmpint (sandbox_test_try (test, "fork"), >=, 0);
  g_assert_cmpuint (ferry_test_get_number (test->worker, "sandbox-strength"), ==, ferry_sandbox_get_strength ());
}

/* Programs that take bubblewrap's arguments, and start what they are told as they are. */
static const char *const wrappers[] = {"exec \"$@\"", "\"$@\"; exit $?"};

static void
test_trusts_no_wrapper (gconstpointer line)
{
  g_autoptr (SandboxTest) test = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *script = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *program = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }
  script = g_strdup_printf ("#!/bin/sh\n[ \"$1\" != --version ] || exit 0\nwhile [ \"$1\" != -- ]; do shift; done\n"
                            "shift\n%s\n",
                            (const char *) line);
  folder = g_dir_make_tmp ("ferry-sandbox-XXXXXX", &error);
  program = g_build_filename (folder, "bwrap", NULL);
  g_file_set_contents (program, script, -1, &error);
  g_assert_no_error (error);
  g_assert_no_errno (g_chmod (program, 0700));
  g_setenv ("PATH", folder, TRUE);
  g_assert_cmpuint (ferry_sandbox_get_strength () & NAMESPACES, ==, NAMESPACES);
  test = sandbox_test_new ();
  g_object_set (test->sandbox, "layers", NAMESPACES, NULL);
  /* The worker waits for its end: the namespaces of a worker that has ended by itself are not looked at. */
  sandbox_test_start (test, "thread term");
  sandbox_test_wait_outcome (test);
  g_assert_cmpint (g_array_index (test->outcomes, int, 0), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (test->worker, "sandbox-strength"), ==, FERRY_SANDBOX_STRENGTH_NONE);
  ferry_worker_force_exit (test->worker);
  ferry_test_wait_ended (test->worker);
  g_object_set (test->sandbox, "policy", FERRY_SANDBOX_POLICY_REQUIRED, NULL);
  g_object_set (test->sandbox, "required-layers", NAMESPACES, NULL);
  sandbox_test_start (test, "term");
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "namespaces");
  g_assert_no_errno (g_unlink (program));
  g_assert_no_errno (g_rmdir (folder));
}

/* An update of the system may remove the program while the application runs. */
static void
test_keeps_bubblewrap_without_its_file (void)
{
  g_autoptr (SandboxTest) test = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) original = NULL;
  g_autoptr (GFile) copy = NULL;
  g_autofree char *installed = g_find_program_in_path ("bwrap");
  g_autofree char *folder = NULL;
  g_autofree char *program = NULL;
  g_autofree char *path = NULL;

  if (installed == NULL)
    {
      g_test_skip ("there is no bubblewrap");
      return;
    }
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }
  folder = g_dir_make_tmp ("ferry-sandbox-XXXXXX", &error);
  program = g_build_filename (folder, "bwrap", NULL);
  original = g_file_new_for_path (installed);
  copy = g_file_new_for_path (program);
  g_file_copy (original, copy, 0, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  path = g_strconcat (folder, ":", g_getenv ("PATH"), NULL);
  g_setenv ("PATH", path, TRUE);
  /* Where the system has no namespaces for users, bubblewrap is not used. */
  if ((ferry_sandbox_get_strength () & NAMESPACES) != 0)
    {
      g_assert_no_errno (g_unlink (program));
      test = sandbox_test_new ();
      g_object_set (test->sandbox, "policy", FERRY_SANDBOX_POLICY_REQUIRED, "required-layers", NAMESPACES, NULL);
      sandbox_test_try (test, "fork");
      g_assert_cmpuint (ferry_test_get_number (test->worker, "sandbox-strength") & NAMESPACES, ==, NAMESPACES);
    }
  g_unlink (program);
  g_assert_no_errno (g_rmdir (folder));
}

/* Where the application may have less than the sandbox allows. In a process of its own, which cannot have more again.
 */
static void
test_only_lowers_limits (void)
{
  const struct rlimit few = {200, 200};
  const struct rlimit little = {30, 30};
  g_autoptr (SandboxTest) test = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &few));
  test = sandbox_test_new ();
  g_assert_cmpint (sandbox_test_try (test, "descriptors:20"), ==, 0);
  g_object_set (test->sandbox, "cpu-limit", (guint64) G_MAXUINT64, NULL);
  g_object_set (test->sandbox, "memory-limit", (guint64) G_MAXUINT64, NULL);
  g_assert_cmpint (sandbox_test_try (test, "descriptors:20"), ==, 0);
  g_assert_no_errno (setrlimit (RLIMIT_CPU, &little));
  g_object_set (test->sandbox, "cpu-limit", (guint64) 60, NULL);
  g_assert_cmpint (sandbox_test_try (test, "descriptors:20"), ==, 0);
}

static void
test_waits_for_ever_for_no_worker (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  g_object_set (test->launcher, "attach-timeout", (gint64) -1, NULL);
  sandbox_test_start (test, "exit:0");
  g_assert_cmpint (ferry_worker_get_link (test->worker)->attach_timeout, ==, 0);
  if (!sandbox_test_has (LANDLOCK))
    return;
  require_landlock (test);
  sandbox_test_start (test, "exit:0");
  g_assert_cmpint (ferry_worker_get_link (test->worker)->attach_timeout, >, 0);
  ferry_test_wait_ended (test->worker);
}

static void
test_fails_where_it_leaves_out_what_it_requires (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  g_object_set (test->sandbox, "policy", FERRY_SANDBOX_POLICY_REQUIRED, NULL);
  g_object_set (test->sandbox, "required-layers", FERRY_SANDBOX_STRENGTH_LIMITS, NULL);
  g_object_set (test->sandbox, "layers", FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES, NULL);
  assert_refused (test, FERRY_ERROR_LAUNCH_FAILED, "FerrySandbox:layers");
}

static void
test_is_not_for_what_a_fork_server_forks (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autoptr (FerryLauncher) base = worker_test_launcher_new ("parent-worker", "pause", NULL);
  g_autoptr (FerryForkServer) fork_server = ferry_fork_server_new (base);

  ferry_launcher_set_fork_server (test->launcher, fork_server);
  assert_refused (test, FERRY_ERROR_BAD_ARGUMENTS, "has a sandbox and a fork server");
  ferry_launcher_set_fork_server (test->launcher, NULL);
  g_assert_cmpint (sandbox_test_try (test, "thread"), ==, 0);
}

static void
test_is_not_for_a_fork_server (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autoptr (FerryForkServer) fork_server = ferry_fork_server_new (test->launcher);
  g_autoptr (FerryLauncher) forked = worker_test_launcher_new ("parent-worker", "pause", NULL);
  g_autoptr (GError) error = NULL;

  ferry_launcher_set_fork_server (forked, fork_server);
  g_assert_null (ferry_launcher_spawn (forked, test->router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
test_is_not_for_a_worker_that_outlives_the_application (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_launcher_spawn_persistent (test->launcher, "@ferry-sandbox-none", NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (error->message, "a sandbox"));
}

/* ---- a worker that is not what it should be ---- */

/* Starts the worker by a shell that changes its environment first. */
static void
start_by_shell (SandboxTest *test, const char *change)
{
  g_autofree char *path = ferry_test_build_path ("sandboxed-worker");
  g_autofree char *script = g_strdup_printf ("%s; exec '%s' thread", change, path);
  const char *argv[] = {"/bin/sh", "-c", script, NULL};

  sandbox_test_start (test, "exit:0");
  ferry_test_wait_ended (test->worker);
  g_clear_object (&test->worker);
  g_clear_pointer (&test->pipe, ferry_test_pipe_free);
  g_object_set (test->launcher, "argv", argv, NULL);
  test->pipe = ferry_test_pipe_new (test->router);
  worker_test_add_sender (test->launcher, "out", test->pipe);
  test->worker = worker_test_spawn (test->launcher, test->router);
}

static void
test_ends_a_worker_that_has_less_than_is_required (void)
{
  g_autoptr (SandboxTest) test = NULL;

  if (!sandbox_test_has (LANDLOCK))
    return;
  test = sandbox_test_new ();
  require_landlock (test);
  start_by_shell (test, "FERRY_SANDBOX='1 layers=0 required=0'");
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "Landlock");
  g_assert_cmpuint (test->pipe->n_messages, ==, 0);
}

static void
test_ends_a_worker_that_does_not_say_what_it_has (void)
{
  g_autoptr (SandboxTest) test = NULL;

  if (!sandbox_test_has (LANDLOCK))
    return;
  test = sandbox_test_new ();
  require_landlock (test);
  start_by_shell (test, "unset FERRY_SANDBOX");
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "Landlock");
  g_assert_cmpuint (test->pipe->n_messages, ==, 0);
}

static void
test_lets_a_worker_run_that_has_less_than_is_preferred (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  start_by_shell (test, "unset FERRY_SANDBOX");
  ferry_test_wait_ended (test->worker);
  g_assert_true (ferry_exit_is_success (ferry_test_get_object (test->worker, "exit")));
  g_assert_cmpuint (test->pipe->n_messages, ==, 1);
  /* Its namespaces are not known. */
  g_assert_cmpuint (ferry_test_get_number (test->worker, "sandbox-strength"), ==,
                    FERRY_SANDBOX_STRENGTH_LIMITS | FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES);
}

/* The worker itself does not go on, whatever becomes of what it says. */
static void
test_has_a_worker_end_itself_that_lacks_what_is_required (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();

  start_by_shell (test, "FERRY_SANDBOX='1 layers=0 required=36'");
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_EXITED, "status 69");
  g_assert_cmpuint (test->pipe->n_messages, ==, 0);
}

static void
test_has_a_worker_end_itself_that_does_not_understand (gconstpointer text)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autofree char *change = g_strdup_printf ("FERRY_SANDBOX='%s'", (const char *) text);

  start_by_shell (test, change);
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_EXITED, "status 69");
}

/* It has a thread before the library that it was built with enters the sandbox. */
static void
test_counts_nothing_that_is_entered_by_one_of_several_threads (void)
{
  g_autoptr (SandboxTest) test = sandbox_test_new ();
  g_autofree char *path = ferry_test_build_path ("early-worker");
  const char *argv[] = {path, NULL};
  g_autoptr (FerryWorker) worker = NULL;

  g_object_set (test->launcher, "argv", argv, NULL);
  worker = worker_test_spawn (test->launcher, test->router);
  ferry_test_wait_ended (worker);
  g_assert_cmpuint (ferry_test_get_number (worker, "sandbox-strength") & LANDLOCK, ==, 0);
  if (!sandbox_test_has (LANDLOCK))
    return;
  require_landlock (test);
  g_clear_object (&worker);
  worker = worker_test_spawn (test->launcher, test->router);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "threads");
}

static void
test_ends_a_program_that_is_no_worker (void)
{
  g_autoptr (SandboxTest) test = NULL;
  const char *argv[] = {"sleep", "1000", NULL};

  if (!sandbox_test_has (LANDLOCK))
    return;
  test = sandbox_test_new ();
  require_landlock (test);
  g_object_set (test->launcher, "argv", argv, NULL);
  g_object_set (test->launcher, "attach-timeout", (gint64) (100 * FERRY_MICROSECONDS_PER_MILLISECOND), NULL);
  test->worker = worker_test_spawn (test->launcher, test->router);
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_NEVER_ATTACHED, "in time");
}

/* Of two with the same time limit, the one that was started first says what it has, and the other one nothing. Returns
 * whether the first one lives when the other has ended, and ends it. */
static gboolean
outlives_a_mute_one (SandboxTest *test, const char *const *argv, gint64 limit)
{
  const char *mute_argv[] = {"sleep", "1000", NULL};
  g_autoptr (FerryWorker) mute = NULL;
  gboolean lives;

  g_object_set (test->launcher, "attach-timeout", (gint64) limit, NULL);
  g_object_set (test->launcher, "argv", argv, NULL);
  g_clear_object (&test->worker);
  test->worker = worker_test_spawn (test->launcher, test->router);
  g_object_set (test->launcher, "argv", mute_argv, NULL);
  mute = worker_test_spawn (test->launcher, test->router);
  worker_test_assert_exit (mute, FERRY_CLOSE_REASON_NEVER_ATTACHED, "in time");
  lives = ferry_worker_get_state (test->worker) != FERRY_WORKER_STATE_ENDED;
  if (lives)
    {
      ferry_worker_force_exit (test->worker);
      worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_KILLED, "signal 9");
    }
  return lives;
}

static void
test_waits_no_longer_for_a_worker_without_senders (void)
{
  g_autoptr (SandboxTest) test = NULL;
  g_autofree char *path = ferry_test_build_path ("curious-worker");
  const char *argv[] = {path, "pause", NULL};
  gint64 limit = G_USEC_PER_SEC;

  if (!sandbox_test_has (LANDLOCK))
    return;
  test = sandbox_test_new ();
  require_landlock (test);
  /* How long it takes to say so is up to the machine. */
  while (!outlives_a_mute_one (test, argv, limit))
    g_assert_cmpint (limit *= 2, <, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC);
}

/* ---- the strength ---- */

static void
strength_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **kept = user_data;

  *kept = g_object_ref (result);
}

static gboolean
has_result (gpointer data)
{
  return *(GAsyncResult **) data != NULL;
}

static void
test_strength_is_told_without_waiting (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  ferry_sandbox_get_strength_async (NULL, strength_cb, &result);
  ferry_test_run_until (has_result, &result);
  g_assert_cmpuint (ferry_sandbox_get_strength_finish (result, &error), ==, ferry_sandbox_get_strength ());
  g_assert_no_error (error);
  g_cancellable_cancel (cancellable);
  ferry_sandbox_get_strength_async (cancellable, strength_cb, &cancelled);
  ferry_test_run_until (has_result, &cancelled);
  g_assert_cmpuint (ferry_sandbox_get_strength_finish (cancelled, &error), ==, FERRY_SANDBOX_STRENGTH_NONE);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_strength_has_a_name_for_each_layer (void)
{
  g_autofree char *nothing = ferry_sandbox_describe_strength (FERRY_SANDBOX_STRENGTH_NONE);
  g_autofree char *all = ferry_sandbox_describe_strength ((FerrySandboxStrength) 0x7f);

  g_assert_cmpstr (nothing, ==, "nothing");
  g_assert_cmpstr (all, ==,
                   "limits, no new privileges, Landlock, Landlock's network rules, Landlock's scope, "
                   "the filter of system calls, namespaces");
}

static void
test_strength_always_has_limits (void)
{
  FerrySandboxStrength strength = ferry_sandbox_get_strength ();
  g_autofree char *names = ferry_sandbox_describe_strength (strength);

  g_test_message ("this system gives: %s", names);
  g_assert_cmpuint (strength & 3, ==, FERRY_SANDBOX_STRENGTH_LIMITS | FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES);
}

static void
add_texts (void)
{
  static const char *const texts[] = {"",           "2 layers=0", "1 layers", "1 layers=x", "1 read=etc",
                                      "1 read=%00", "1 unknown",  "1  ",      "1 write=",   "1 required=4294967296"};

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sandbox-policy/worker-ends-itself-that-does-not-understand/%u", i);

      g_test_add_data_func (path, texts[i], test_has_a_worker_end_itself_that_does_not_understand);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/sandbox-policy/worker-has-all-that-is-required", test_has_all_that_is_required);
  g_test_add_func ("/sandbox-policy/program-that-is-not-there-cannot-be-launched",
                   test_program_that_is_not_there_cannot_be_launched);
  g_test_add_func ("/sandbox-policy/is-nothing-where-it-is-off", test_is_nothing_where_it_is_off);
  g_test_add_func ("/sandbox-policy/settings-are-properties", test_settings_are_properties);
  g_test_add_func ("/sandbox-policy/launch-fails-without-bubblewrap-where-that-is-required",
                   test_fails_without_bubblewrap_where_that_is_required);
  g_test_add_data_func ("/sandbox-policy/trusts-no-wrapper-that-executes", wrappers[0], test_trusts_no_wrapper);
  g_test_add_data_func ("/sandbox-policy/trusts-no-wrapper-that-forks", wrappers[1], test_trusts_no_wrapper);
  g_test_add_func ("/sandbox-policy/keeps-bubblewrap-without-its-file", test_keeps_bubblewrap_without_its_file);
  g_test_add_func ("/sandbox-policy/only-lowers-limits", test_only_lowers_limits);
  g_test_add_func ("/sandbox-policy/waits-for-ever-for-no-worker", test_waits_for_ever_for_no_worker);
  g_test_add_func ("/sandbox-policy/launch-fails-where-it-leaves-out-what-it-requires",
                   test_fails_where_it_leaves_out_what_it_requires);
  g_test_add_func ("/sandbox-policy/is-not-for-what-a-fork-server-forks", test_is_not_for_what_a_fork_server_forks);
  g_test_add_func ("/sandbox-policy/is-not-for-a-fork-server", test_is_not_for_a_fork_server);
  g_test_add_func ("/sandbox-policy/is-not-for-a-worker-that-outlives-the-application",
                   test_is_not_for_a_worker_that_outlives_the_application);
  g_test_add_func ("/sandbox-policy/worker-that-has-less-than-is-required-is-ended",
                   test_ends_a_worker_that_has_less_than_is_required);
  g_test_add_func ("/sandbox-policy/worker-that-does-not-say-what-it-has-is-ended",
                   test_ends_a_worker_that_does_not_say_what_it_has);
  g_test_add_func ("/sandbox-policy/worker-that-has-less-than-is-preferred-runs",
                   test_lets_a_worker_run_that_has_less_than_is_preferred);
  g_test_add_func ("/sandbox-policy/worker-that-lacks-what-is-required-ends-itself",
                   test_has_a_worker_end_itself_that_lacks_what_is_required);
  add_texts ();
  g_test_add_func ("/sandbox-policy/what-one-of-several-threads-enters-does-not-count",
                   test_counts_nothing_that_is_entered_by_one_of_several_threads);
  g_test_add_func ("/sandbox-policy/program-that-is-no-worker-is-ended", test_ends_a_program_that_is_no_worker);
  g_test_add_func ("/sandbox-policy/worker-without-senders-is-not-waited-for",
                   test_waits_no_longer_for_a_worker_without_senders);
  g_test_add_func ("/sandbox-policy/strength-is-told-without-waiting", test_strength_is_told_without_waiting);
  g_test_add_func ("/sandbox-policy/strength-has-a-name-for-each-layer", test_strength_has_a_name_for_each_layer);
  g_test_add_func ("/sandbox-policy/strength-always-has-limits", test_strength_always_has_limits);
  return g_test_run ();
}
