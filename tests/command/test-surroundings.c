/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-program.c, command-worker/command-session.c, command-worker/command-confinement.c,
 *        command-worker/progress-pieces.c
 *
 * What a command has of the application and of its worker: environment, folder, signals, limits, descriptors, priority;
 * and what it sees where it is confined. And the locale, in which it is understood. */

#include "config.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/command-test.h"
#include "ferry-test.h"

static GVariantDict *
new_option (const char *name, GVariant *value)
{
  GVariantDict *options = g_variant_dict_new (NULL);

  g_variant_dict_insert_value (options, name, value);
  return options;
}

static GVariant *
new_bytestrings (const char *first, const char *second)
{
  return g_variant_new_bytestring_array ((const char *const[]){first, second, NULL}, -1);
}

/* (transfer full): what a script writes. */
static char *
run (CommandTest *test, const char *script, GVariantDict *options)
{
  g_autoptr (FerryTask) task = command_test_submit_script (test, script, options);

  return command_test_wait_output (task);
}

/* ---- which program ---- */

static void
is_not_found (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit (test, (const char *const[]){"no-such-program", NULL}, NULL);
  const GError *error = command_test_wait_failed (task, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);

  ferry_test_assert_says (error->message, "'no-such-program' was not found; install it");
}

static void
make_script (CommandTest *test, const char *name, const char *text, int mode)
{
  g_autofree char *path = command_test_path (test, name);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (chmod (path, (mode_t) mode), ==, 0);
}

static void
may_not_be_executed (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;

  make_script (test, "script", "#!/bin/sh\n", 0644);
  task = command_test_submit (test, (const char *const[]){"./script", NULL}, NULL);
  command_test_wait_failed (task, G_SPAWN_ERROR, G_SPAWN_ERROR_ACCES);
}

static void
is_started_by_no_shell (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;

  make_script (test, "script", "echo a script without its first line\n", 0755);
  task = command_test_submit (test, (const char *const[]){"./script", NULL}, NULL);
  command_test_wait_failed (task, G_SPAWN_ERROR, G_SPAWN_ERROR_NOEXEC);
}

static void
is_still_being_written (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *path = command_test_path (test, "script");
  g_autoptr (FerryTask) task = NULL;
  const GError *error;
  int writer;

  make_script (test, "script", "#!/bin/sh\n", 0755);
  writer = open (path, O_WRONLY | O_CLOEXEC);
  g_assert_no_errno (writer);
  task = command_test_submit (test, (const char *const[]){"./script", NULL}, NULL);
  error = command_test_wait_failed (task, G_SPAWN_ERROR, G_SPAWN_ERROR_TXTBUSY);
  ferry_test_assert_says (error->message, "'./script' is still being written; close it, or run it again");
  close (writer);
}

static void
lacks_its_interpreter (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;
  const GError *error;

  make_script (test, "script", "#!/no/such/interpreter\n", 0755);
  task = command_test_submit (test, (const char *const[]){"./script", NULL}, NULL);
  error = command_test_wait_failed (task, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);
  ferry_test_assert_says (error->message, "interpreter");
}

static void
is_found_in_the_path_that_it_was_given (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *path = g_strconcat ("PATH=", test->folder, NULL);
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *output = NULL;

  make_script (test, "own-program", "#!/bin/sh\necho $0 $NAME\n", 0755);
  task = command_test_submit (test, (const char *const[]){"own-program", NULL},
                              new_option ("environment", new_bytestrings (path, "NAME=value")));
  output = command_test_wait_output (task);
  g_assert_true (g_str_has_suffix (output, "/own-program value\n"));
}

static void
is_given_too_much (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  /* Linux takes no argument of more than 128 KiB. */
  g_autofree char *argument = g_strnfill (200 * 1024, 'x');
  g_autoptr (FerryTask) task = command_test_submit (test, (const char *const[]){"true", argument, NULL}, NULL);
  const GError *error = command_test_wait_failed (task, G_SPAWN_ERROR, G_SPAWN_ERROR_TOO_BIG);

  ferry_test_assert_says (error->message, "are too large; pass data by files");
}

static void
has_no_folder (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit (
    test, (const char *const[]){"true", NULL}, new_option ("directory", g_variant_new_bytestring ("/no/such/folder")));

  command_test_wait_failed (task, G_SPAWN_ERROR, G_SPAWN_ERROR_CHDIR);
}

/* ---- what it has ---- */

static void
runs_in_its_folder (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *output = run (test, "pwd", NULL);

  g_assert_cmpstr (g_strchomp (output), ==, test->folder);
}

static void
has_the_environment_of_the_application_without_ferrys (void)
{
  g_autoptr (CommandTest) test = NULL;
  g_autofree char *output = NULL;

  g_setenv ("OF_THE_APPLICATION", "a b", TRUE);
  test = command_test_new ();
  output = run (test, "env", NULL);
  ferry_test_assert_says (output, "OF_THE_APPLICATION=a b\n");
  g_assert_null (strstr (output, "FERRY_"));
}

static void
has_three_descriptors (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit (test, (const char *const[]){"ls", "/proc/self/fd", NULL}, NULL);
  g_autofree char *output = command_test_wait_output (task);

  /* The last one is that with which the folder is read. */
  g_assert_cmpstr (output, ==, "0\n1\n2\n3\n");
}

static void
ignores_and_blocks_no_signal (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit (test, (const char *const[]){"grep", "Sig[BI]", "/proc/self/status", NULL}, NULL);
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

static void
begins_a_session_without_a_terminal (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *output = run (test, "set -- $(cat /proc/$$/stat); test $1 = $6 && echo leads; echo $7", NULL);

  g_assert_cmpstr (output, ==, "leads\n0\n");
}

static void
has_the_limits_of_the_application (void)
{
  g_autoptr (CommandTest) test = NULL;
  g_autofree char *output = NULL;
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  limit.rlim_cur = 345;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  test = command_test_new ();
  output = run (test, "ulimit -n", NULL);
  g_assert_cmpstr (output, ==, "345\n");
}

/* (transfer full) */
static char *
read_own (const char *path)
{
  char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

#define KERNELS_VIEW "cat /proc/self/timerslack_ns /proc/self/oom_score_adj"

/* The executor is as applications have it. adjust: what was asked for. */
static void
assert_kernels_view (int adjust)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autofree char *slack = read_own ("/proc/self/timerslack_ns");
  g_autofree char *score = read_own ("/proc/self/oom_score_adj");
  g_autofree char *expected = g_strdup_printf ("%s%d\n", slack, atoi (score) + adjust);
  g_autofree char *output = NULL;

  g_clear_object (&test->executor);
  test->executor = ferry_executor_new_for_commands (NULL);
  g_object_get (ferry_executor_get_pool (test->executor), "launcher", &launcher, NULL);
  if (adjust != 0)
    g_object_set (launcher, "oom-score-adjust", adjust, NULL);
  output = run (test, KERNELS_VIEW, NULL);
  g_assert_cmpstr (output, ==, expected);
}

static void
is_to_the_kernel_as_the_application_unless_asked (void)
{
  assert_kernels_view (0);
  assert_kernels_view (7);
}

static CommandTest *
polite_test_new (void)
{
  CommandTest *test = command_test_new ();

  test->is_polite = TRUE;
  return test;
}

/* Where the kernel groups sessions. A command that is nice within its own session only is nice to nobody. */
static void
session_of_a_polite_command_is_nice (void)
{
  g_autoptr (CommandTest) test = polite_test_new ();
  g_autofree char *session = NULL;

  if (!g_file_test ("/proc/self/autogroup", G_FILE_TEST_EXISTS))
    {
      g_test_skip ("this kernel does not group sessions");
      return;
    }
  session = run (test, "until grep ' nice 10$' /proc/self/autogroup; do sleep 0.01; done", NULL);
  g_assert_true (g_str_has_suffix (session, " nice 10\n"));
}

/* The nice values of the worker's threads. */
#define NICES "sed 's/.*) //' /proc/$PPID/task/*/stat | cut -d ' ' -f 17 "

/* The thread that follows the command, while the worker itself keeps its priority. */
static void
flood_of_a_polite_command_is_read_politely (void)
{
  g_autoptr (CommandTest) test = polite_test_new ();
  /* The command may be there before the thread is. */
  g_autofree char *output = run (test, "until " NICES "| grep -qx 10; do sleep 0.01; done", NULL);
  g_autofree char *nices = run (test, NICES, new_option ("polite", g_variant_new_boolean (FALSE)));

  g_assert_cmpstr (output, ==, "");
  if (getpriority (PRIO_PROCESS, 0) < 10)
    g_assert_null (strstr (nices, "10\n"));
}

static void
is_polite_unless_told_otherwise (void)
{
  g_autoptr (CommandTest) test = polite_test_new ();
  const int mine = getpriority (PRIO_PROCESS, 0);
  g_autofree char *polite = run (test, "nice; ionice", NULL);
  g_autofree char *own = run (test, "nice", new_option ("polite", g_variant_new_boolean (FALSE)));
  g_autofree char *expected_polite = g_strdup_printf ("%d\nidle\n", MAX (mine, 10));
  g_autofree char *expected_own = g_strdup_printf ("%d\n", mine);

  g_assert_cmpstr (polite, ==, expected_polite);
  g_assert_cmpstr (own, ==, expected_own);
}

/* ---- confinement ---- */

static void
sees_what_it_was_granted_where_it_is_confined (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *granted = command_test_path (test, "granted");
  g_autofree char *hidden = command_test_path (test, "hidden");
  g_autofree char *script =
    g_strdup_printf ("echo to it > %s/out; test -e %s || echo hidden; test $$ -lt 10 && echo alone; "
                     "pwd; tail -n +3 /proc/net/dev | wc -l",
                     granted, hidden);
  g_autofree char *expected = g_strdup_printf ("hidden\nalone\n%s\n1\n", granted);
  g_autofree char *output = NULL;
  g_autofree char *written = NULL;
  GVariantDict *options = new_option ("confined", g_variant_new_boolean (TRUE));

  if (!command_test_can_confine ())
    {
      g_variant_dict_unref (options);
      return;
    }
  g_assert_cmpint (mkdir (granted, 0700), ==, 0);
  g_assert_true (g_file_set_contents (hidden, "hidden", -1, NULL));
  g_variant_dict_insert_value (options, "writable-folders", new_bytestrings (granted, NULL));
  g_variant_dict_insert_value (options, "directory", g_variant_new_bytestring (granted));
  output = run (test, script, options);
  g_assert_cmpstr (output, ==, expected);
  written = command_test_read (test, "granted/out");
  g_assert_cmpstr (written, ==, "to it\n");
}

static void
may_not_write_to_a_folder_that_it_may_read (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *output = NULL;
  GVariantDict *options = new_option ("confined", g_variant_new_boolean (TRUE));

  if (!command_test_can_confine ())
    {
      g_variant_dict_unref (options);
      return;
    }
  make_script (test, "readable", "text", 0644);
  g_variant_dict_insert_value (options, "readable-folders", new_bytestrings (test->folder, NULL));
  output = run (test, "cat readable; echo no > readable || echo '-refused'", options);
  g_assert_cmpstr (output, ==, "text-refused\n");
}

static void
ends_with_its_status_where_it_is_confined (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;
  GVariantDict *options = new_option ("confined", g_variant_new_boolean (TRUE));

  if (!command_test_can_confine ())
    {
      g_variant_dict_unref (options);
      return;
    }
  g_variant_dict_insert_value (options, "directory", g_variant_new_bytestring ("/"));
  task = command_test_submit_script (test, "exit 7", options);
  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 7);
}

static void
add_tests (void)
{
  g_test_add_func ("/command-surroundings/is-not-found", is_not_found);
  g_test_add_func ("/command-surroundings/may-not-be-executed", may_not_be_executed);
  g_test_add_func ("/command-surroundings/is-started-by-no-shell", is_started_by_no_shell);
  g_test_add_func ("/command-surroundings/is-still-being-written", is_still_being_written);
  g_test_add_func ("/command-surroundings/lacks-its-interpreter", lacks_its_interpreter);
  g_test_add_func ("/command-surroundings/is-found-in-the-path-that-it-was-given",
                   is_found_in_the_path_that_it_was_given);
  g_test_add_func ("/command-surroundings/is-given-too-much", is_given_too_much);
  g_test_add_func ("/command-surroundings/has-no-folder", has_no_folder);
  g_test_add_func ("/command-surroundings/runs-in-its-folder", runs_in_its_folder);
}

/* Runs a command that fails in a locale of the folder, which the application begins in. Returns (transfer full) its
 * error. */
static char *
fail_in_locale (const char *folder, const char *name)
{
  g_autofree char *before = g_strdup (g_getenv ("LC_ALL"));
  g_autoptr (CommandTest) test = NULL;
  g_autoptr (FerryTask) task = NULL;

  g_setenv ("LOCPATH", folder, TRUE);
  g_setenv ("LC_ALL", name, TRUE);
  test = command_test_new ();
  g_unsetenv ("LOCPATH");
  if (before != NULL)
    g_setenv ("LC_ALL", before, TRUE);
  else
    g_unsetenv ("LC_ALL");
  task = command_test_submit_script (test, "printf 'M\\374ll: no such file\\n' >&2; exit 1", NULL);
  return g_strdup (command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1)->message);
}

/* A program prints in the encoding of its locale, and errors are UTF-8 everywhere. */
static void
is_understood_in_latin_1 (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *path = command_test_path (test, "en_US.ISO-8859-1");
  const char *const argv[] = {"localedef", "-i", "en_US", "-f", "ISO-8859-1", path, NULL};
  g_autofree char *message = NULL;
  int status = -1;

  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL,
                     NULL, &status, NULL) ||
      status != 0)
    {
      g_test_skip ("The locale cannot be made: the sources of locales are not installed");
      return;
    }
  message = fail_in_locale (test->folder, "en_US.ISO-8859-1");
  g_assert_cmpstr (message, ==, "'sh' ended with status 1: M\303\274ll: no such file");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add_tests ();
  g_test_add_func ("/command-surroundings/has-the-environment-of-the-application-without-ferrys",
                   has_the_environment_of_the_application_without_ferrys);
  g_test_add_func ("/command-surroundings/has-three-descriptors", has_three_descriptors);
  g_test_add_func ("/command-surroundings/ignores-and-blocks-no-signal", ignores_and_blocks_no_signal);
  g_test_add_func ("/command-surroundings/begins-a-session-without-a-terminal", begins_a_session_without_a_terminal);
  g_test_add_func ("/command-surroundings/has-the-limits-of-the-application", has_the_limits_of_the_application);
  g_test_add_func ("/command-surroundings/is-to-the-kernel-as-the-application-unless-asked",
                   is_to_the_kernel_as_the_application_unless_asked);
  g_test_add_func ("/command-surroundings/is-polite-unless-told-otherwise", is_polite_unless_told_otherwise);
  g_test_add_func ("/command-surroundings/session-of-a-polite-command-is-nice", session_of_a_polite_command_is_nice);
  g_test_add_func ("/command-surroundings/flood-of-a-polite-command-is-read-politely",
                   flood_of_a_polite_command_is_read_politely);
  g_test_add_func ("/command-surroundings/sees-what-it-was-granted-where-it-is-confined",
                   sees_what_it_was_granted_where_it_is_confined);
  g_test_add_func ("/command-surroundings/may-not-write-to-a-folder-that-it-may-read",
                   may_not_write_to_a_folder_that_it_may_read);
  g_test_add_func ("/command-surroundings/ends-with-its-status-where-it-is-confined",
                   ends_with_its_status_where_it_is_confined);

  g_test_add_func ("/command-surroundings/is-understood-in-latin-1", is_understood_in_latin_1);
  return g_test_run ();
}
