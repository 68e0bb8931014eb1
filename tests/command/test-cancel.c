/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-session.c, command-worker/command-run.c
 *
 * A cancel: which signals a command gets, in which order, and that a cancelled command is cancelled, however it ends.
 * And what a command leaves behind when it ends by itself. */

#include "config.h"

#include <gio/gio.h>
#include <signal.h>
#include <string.h>

#include "command/command-test.h"
#include "ferry-test.h"

static GVariantDict *
new_option (const char *name, GVariant *value)
{
  GVariantDict *options = g_variant_dict_new (NULL);

  g_variant_dict_insert_value (options, name, value);
  return options;
}

static GVariantDict *
with_signal (GVariantDict *options, int signal_number)
{
  g_variant_dict_insert (options, "cancel-signal", "i", signal_number);
  return options;
}

/* Waits until the script has written the file "ready", and cancels it. */
static void
cancel (CommandTest *test, FerryTask *task)
{
  command_test_wait_file (test, "ready");
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
}

static void
assert_log (CommandTest *test, const char *expected)
{
  g_autofree char *log = command_test_read (test, "log");

  g_assert_cmpstr (log, ==, expected);
}

static void
is_asked_first_and_then_terminated (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test,
                                                           "trap 'echo int >> log' INT; trap 'echo term >> log; exit "
                                                           "3' TERM; echo > ready; sleep 1000 & while :; do wait; done",
                                                           NULL);

  cancel (test, task);
  assert_log (test, "int\nterm\n");
}

static void
may_end_with_success_and_is_cancelled (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test, "trap 'echo int >> log; exit 0' INT; echo > ready; sleep 1000 & while :; do wait; done", NULL);

  cancel (test, task);
  assert_log (test, "int\n");
}

static void
has_what_it_had_written (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test, "trap 'exit 7' INT; echo out; echo err >&2; echo > ready; sleep 1000 & while :; do wait; done", NULL);
  g_autofree char *written = NULL;

  cancel (test, task);
  written = g_variant_print (ferry_test_get_variant (task, "partial-result"), FALSE);
  g_assert_cmpstr (written, ==, "(7, [0x6f, 0x75, 0x74, 0x0a], [0x65, 0x72, 0x72, 0x0a])");
}

static void
is_asked_with_its_own_signal (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test, "trap 'echo usr1 >> log; exit 0' USR1; echo > ready; sleep 1000 & while :; do wait; done",
    new_option ("cancel-signal", g_variant_new_int32 (SIGUSR1)));

  cancel (test, task);
  assert_log (test, "usr1\n");
}

static void
is_killed_when_it_ignores_all_else (gconstpointer signal_number)
{
  g_autoptr (CommandTest) test = command_test_new ();
  const char *files[] = {"ready", NULL};
  GVariantDict *options = new_option ("output-files", g_variant_new_bytestring_array (files, -1));
  g_autoptr (FerryTask) task = NULL;
  GPid pid;
  g_autofree char *path = command_test_path (test, "ready");

  /* Time enough for a machine that has much to do. */
  test->cancel_grace = 6 * G_USEC_PER_SEC;
  task = command_test_submit_script (test, "trap '' INT TERM; echo $$ > ready; sleep 1000 & while :; do wait; done",
                                     with_signal (options, GPOINTER_TO_INT (signal_number)));
  pid = command_test_wait_pid (test, "ready");
  cancel (test, task);
  g_assert_false (ferry_test_is_alive (pid));
  /* The worker had the time to tidy up. */
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

/* A program in a group of its own, as ninja and the job control of shells start it. */
#define IN_GROUP "python3 -c 'import os, sys; os.setpgid(0, 0); os.execvp(sys.argv[1], sys.argv[1:])' "

static void
is_asked_in_all_groups_of_its_session (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test,
    "trap : INT; " IN_GROUP
    "sh -c 'trap \"echo child >> log; exit\" INT; echo > ready; sleep 1000 & while :; do wait; done'",
    NULL);

  cancel (test, task);
  assert_log (test, "child\n");
}

static void
is_asked_while_it_is_stopped (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test, "trap 'echo int >> log; exit' INT; echo $$ > ready; sleep 1000 & while :; do wait; done", NULL);
  GPid pid = command_test_wait_pid (test, "ready");

  ferry_test_kill (pid, SIGSTOP);
  cancel (test, task);
  assert_log (test, "int\n");
}

static void
is_asked_where_it_is_confined (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  const char *folders[] = {test->folder, NULL};
  GVariantDict *options = new_option ("confined", g_variant_new_boolean (TRUE));
  g_autoptr (FerryTask) task = NULL;

  if (!command_test_can_confine ())
    {
      g_variant_dict_unref (options);
      return;
    }
  g_variant_dict_insert_value (options, "writable-folders", g_variant_new_bytestring_array (folders, -1));
  task = command_test_submit_script (
    test, "trap 'echo int >> log; exit' INT; echo > ready; sleep 1000 & while :; do wait; done", options);
  cancel (test, task);
  assert_log (test, "int\n");
}

/* ---- what is left ---- */

static void
takes_its_session_with_it (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "sleep 1000 & echo $! > pid", NULL);
  g_autofree char *output = command_test_wait_output (task);
  GPid pid = command_test_wait_pid (test, "pid");

  g_assert_false (ferry_test_is_alive (pid));
}

/* A child that has left the session, and has none of the command's streams. */
#define LEAVE                                                                                                          \
  "setsid sh -c 'echo $$ > pid; exec sleep 1000' < /dev/null > /dev/null 2>&1 & until test -s pid; do sleep 0.01; "    \
  "done"

static void
leaves_what_left_its_session (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, LEAVE "; sed -n 's/PPid:.//p' /proc/$PPID/status > fork-server", NULL);
  g_autofree char *output = command_test_wait_output (task);
  GPid pid = command_test_wait_pid (test, "pid");
  GPid worker = ferry_test_get_process (task);
  GPid fork_server = command_test_wait_pid (test, "fork-server");

  g_assert_true (ferry_test_is_alive (pid));
  /* It stays when its worker has ended, which takes no other command, and when the fork server has. */
  command_test_wait_gone (worker);
  ferry_executor_stop (test->executor);
  ferry_test_finalize (g_steal_pointer (&test->executor));
  command_test_wait_gone (fork_server);
  g_assert_true (ferry_test_is_alive (pid));
  ferry_test_kill (pid, SIGKILL);
}

static void
may_leave_something_again_and_again (void)
{
  g_autoptr (CommandTest) test = command_test_new ();

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (FerryTask) task = command_test_submit_script (test, "rm -f pid; " LEAVE, NULL);
      g_autofree char *output = command_test_wait_output (task);
      GPid pid = command_test_wait_pid (test, "pid");

      g_assert_true (ferry_test_is_alive (pid));
      ferry_test_kill (pid, SIGKILL);
    }
}

static void
takes_all_with_it_where_it_is_told_to (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, LEAVE, new_option ("end-session", g_variant_new_boolean (TRUE)));
  g_autofree char *output = command_test_wait_output (task);

  g_assert_false (ferry_test_is_alive (command_test_wait_pid (test, "pid")));
}

static void
takes_all_with_it_when_it_fails (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, LEAVE "; exit 1", NULL);

  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  g_assert_false (ferry_test_is_alive (command_test_wait_pid (test, "pid")));
}

static void
has_the_last_words_of_its_children (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "(sleep 0.1; echo child) & echo parent", NULL);
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, "parent\nchild\n");
}

static void
add_cancels (void)
{
  g_test_add_func ("/command-cancel/is-asked-first-and-then-terminated", is_asked_first_and_then_terminated);
  g_test_add_func ("/command-cancel/may-end-with-success-and-is-cancelled", may_end_with_success_and_is_cancelled);
  g_test_add_func ("/command-cancel/has-what-it-had-written", has_what_it_had_written);
  g_test_add_func ("/command-cancel/is-asked-with-its-own-signal", is_asked_with_its_own_signal);
  g_test_add_data_func ("/command-cancel/is-killed-when-it-ignores-all-else", GINT_TO_POINTER (SIGINT),
                        is_killed_when_it_ignores_all_else);
  g_test_add_data_func ("/command-cancel/is-killed-when-it-ignores-its-own-signal", GINT_TO_POINTER (SIGTERM),
                        is_killed_when_it_ignores_all_else);
  g_test_add_func ("/command-cancel/is-asked-in-all-groups-of-its-session", is_asked_in_all_groups_of_its_session);
  g_test_add_func ("/command-cancel/is-asked-while-it-is-stopped", is_asked_while_it_is_stopped);
  g_test_add_func ("/command-cancel/is-asked-where-it-is-confined", is_asked_where_it_is_confined);
}

/* The kernel says it of the group of its session, and lets others than root change it ten times a second. */
static void
is_not_polite_while_it_ends (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (GVariantDict) options = g_variant_dict_new (NULL);
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *group = NULL;
  g_autofree char *log = NULL;

  if (!g_file_get_contents ("/proc/self/autogroup", &group, NULL, NULL) || group[0] == '\0')
    {
      g_test_skip ("The kernel does not group sessions");
      return;
    }
  g_variant_dict_insert (options, "polite", "b", TRUE);
  task = command_test_submit_script (
    test,
    "trap 'until grep -q \"nice 0\" /proc/self/autogroup; do sleep 0.01; done; echo usual > log; exit' INT; "
    "until grep -q 'nice 10' /proc/self/autogroup; do sleep 0.01; done; echo $$ > pid; while :; do sleep 0.01; done",
    g_steal_pointer (&options));
  command_test_wait_pid (test, "pid");
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  log = command_test_read (test, "log");
  g_assert_cmpstr (log, ==, "usual\n");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add_cancels ();
  g_test_add_func ("/command-cancel/takes-its-session-with-it", takes_its_session_with_it);
  g_test_add_func ("/command-cancel/leaves-what-left-its-session", leaves_what_left_its_session);
  g_test_add_func ("/command-cancel/takes-all-with-it-where-it-is-told-to", takes_all_with_it_where_it_is_told_to);
  g_test_add_func ("/command-cancel/takes-all-with-it-when-it-fails", takes_all_with_it_when_it_fails);
  g_test_add_func ("/command-cancel/may-leave-something-again-and-again", may_leave_something_again_and_again);
  g_test_add_func ("/command-cancel/has-the-last-words-of-its-children", has_the_last_words_of_its_children);
  g_test_add_func ("/command-cancel/is-not-polite-while-it-ends", is_not_polite_while_it_ends);

  return g_test_run ();
}
