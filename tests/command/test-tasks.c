/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command/ferry-command.c, command-worker/command-run.c
 *
 * A command is a task like any other, as an application sees it: its result and errors, what it was given, and all that
 * executors, groups and deadlines do with tasks. */

#include "config.h"

#include "ferry-test.h"

#include <ferry.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "command/command-test.h"

/* A command that waits for the file "go", which the test makes. */
#define UNTIL_GO "while [ ! -e go ]; do sleep 0.01; done; "

/* (transfer full): a script of sh, in the folder of the test. */
static FerryCommand *
new_script (CommandTest *test, const char *script)
{
  FerryCommand *command = ferry_command_new ((const char *const[]){"sh", "-c", script, NULL});

  g_object_set (command, "directory", test->folder, NULL);
  return command;
}

/* (transfer full) */
static FerryTask *
submit (CommandTest *test, FerryCommand *command)
{
  g_autoptr (GError) error = NULL;
  FerryTask *task = ferry_executor_submit_command (test->executor, command, &error);

  g_assert_no_error (error);
  return task;
}

/* (transfer full) */
static FerryTask *
submit_script (CommandTest *test, const char *script)
{
  g_autoptr (FerryCommand) command = new_script (test, script);

  return submit (test, command);
}

static void
assert_output (FerryTask *task, const char *expected)
{
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, expected);
}

static void
go (CommandTest *test)
{
  g_autofree char *path = command_test_path (test, "go");

  g_assert_true (g_file_set_contents (path, "", 0, NULL));
}

static CommandTest *
new_test_of_one_worker (void)
{
  CommandTest *test = command_test_new ();

  ferry_pool_set_max_workers (ferry_executor_get_pool (test->executor), 1);
  return test;
}

/* ---- results and errors ---- */

static void
test_a_result_has_status_output_and_errors (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = submit_script (test, "echo one; echo two >&2");
  g_autoptr (GVariant) result = NULL;
  const char *output, *errors;
  int status;

  command_test_wait (task);
  result = ferry_task_get_result (task, NULL);
  g_assert_cmpstr (g_variant_get_type_string (result), ==, "(iayay)");
  g_variant_get_child (result, 0, "i", &status);
  g_assert_cmpint (status, ==, 0);
  assert_output (task, "one\n");
  g_variant_get (result, "(i^&ay^&ay)", NULL, &output, &errors);
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 1);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
  g_assert_null (ferry_task_get_error (task));
}

static const struct
{
  const char *script; /* NULL: argv is the program */
  const char *program;
  const char *property;
  const char *value;
  GQuark (*domain) (void);
  int code;
  const char *words;
} failures[] = {
  {NULL, "no-such-program", NULL, NULL, g_spawn_error_quark, G_SPAWN_ERROR_NOENT, "install it"},
  {NULL, "/nowhere/program", NULL, NULL, g_spawn_error_quark, G_SPAWN_ERROR_NOENT, "check its path"},
  {NULL, "/etc/passwd", NULL, NULL, g_spawn_error_quark, G_SPAWN_ERROR_ACCES, "chmod +x"},
  {NULL, "true", "directory", "/nowhere", g_spawn_error_quark, G_SPAWN_ERROR_CHDIR, "check its path"},
  {NULL, "true", "directory", "/etc/passwd", g_spawn_error_quark, G_SPAWN_ERROR_CHDIR, "folder"},
  {NULL, "cat", "input-file", "/nowhere", g_io_error_quark, G_IO_ERROR_NOT_FOUND, "/nowhere"},
  {NULL, "true", "output-file", "/nowhere/file", g_io_error_quark, G_IO_ERROR_NOT_FOUND, "/nowhere/file"},
  {"echo sorry >&2; exit 23", NULL, NULL, NULL, g_spawn_exit_error_quark, 23, "status 23: sorry"},
  {"kill -TERM $$", NULL, NULL, NULL, g_spawn_error_quark, G_SPAWN_ERROR_FAILED, "killed by signal 15"},
  {"kill -SEGV $$", NULL, NULL, NULL, g_spawn_error_quark, G_SPAWN_ERROR_FAILED, "killed by signal 11"},
};

static void
test_errors_say_what_to_do (void)
{
  g_autoptr (CommandTest) test = command_test_new ();

  for (guint i = 0; i < G_N_ELEMENTS (failures); i++)
    {
      g_autoptr (FerryCommand) command = failures[i].script != NULL
                                           ? new_script (test, failures[i].script)
                                           : ferry_command_new ((const char *const[]){failures[i].program, NULL});
      g_autoptr (FerryTask) task = NULL;
      const GError *error;

      if (failures[i].property != NULL)
        g_object_set (command, failures[i].property, failures[i].value, NULL);
      task = submit (test, command);
      error = command_test_wait_failed (task, failures[i].domain (), failures[i].code);
      ferry_test_assert_says (error->message, failures[i].words);
      g_assert_cmpfloat (ferry_task_get_fraction (task), <, 1);
    }
}

static void
test_a_status_may_be_a_success (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryCommand) command = new_script (test, "echo done; exit 1");
  g_autoptr (FerryTask) good = NULL;
  g_autoptr (FerryTask) bad = NULL;

  g_object_set (command, "success-statuses", g_variant_new_parsed ("[0, 1]"), NULL);
  good = submit (test, command);
  g_object_set (command, "success-statuses", g_variant_new_parsed ("[0, 2]"), NULL);
  bad = submit (test, command);
  assert_output (good, "done\n");
  command_test_wait_failed (bad, G_SPAWN_EXIT_ERROR, 1);
}

/* ---- what it is given ---- */

static void
test_environment_and_folder (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryCommand) command = new_script (test, "echo $WORD$HOME; pwd");
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *expected = NULL;
  g_autofree char *folder = g_file_read_link (test->folder, NULL);

  g_object_set (command, "environment", (const char *const[]){"WORD=a=b", "PATH=/usr/bin:/bin", NULL}, NULL);
  task = submit (test, command);
  expected = g_strdup_printf ("a=b\n%s\n", folder != NULL ? folder : test->folder);
  assert_output (task, expected);
}

static void
test_the_environment_is_the_applications (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    submit_script (test, "unset PWD OLDPWD SHLVL _; export -p | cut -d= -f1 | cut -d' ' -f2");
  g_autofree char *output = command_test_wait_output (task);
  g_auto (GStrv) names = g_strsplit (output, "\n", -1);

  g_assert_cmpuint (g_strv_length (names), >, 1);
  for (guint i = 0; names[i][0] != '\0'; i++)
    if (g_getenv (names[i]) == NULL)
      g_error ("The command has the variable %s, and this program has not", names[i]);
  g_assert_true (g_getenv ("HOME") == NULL || g_strv_contains ((const char *const *) names, "HOME"));
}

static void
test_input_of_any_size (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryCommand) command = new_script (test, "wc -c; cat > /dev/null");
  g_autofree char *data = g_malloc0 (5000000);
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, 5000000);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) unread = NULL;

  g_object_set (command, "input", bytes, NULL);
  task = submit (test, command);
  g_object_set (command, "argv", (const char *const[]){"true", NULL}, NULL);
  unread = submit (test, command);
  assert_output (task, "5000000\n");
  assert_output (unread, "");
}

static void
test_output_to_a_file (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryCommand) command = new_script (test, "yes | head -c 3000000");
  g_autofree char *path = command_test_path (test, "output");
  g_autoptr (FerryTask) task = NULL;
  GStatBuf status;

  g_object_set (command, "output-file", path, NULL);
  task = submit (test, command);
  assert_output (task, "");
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_size, ==, 3000000);
}

static void
test_a_limit_of_output_can_be_raised (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryCommand) command = new_script (test, "yes | head -c 3000000");
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) small = NULL;
  g_autofree char *output = NULL;

  g_object_set (command, "output-limit", G_GUINT64_CONSTANT (3000000), NULL);
  task = submit (test, command);
  g_object_set (command, "output-limit", G_GUINT64_CONSTANT (2999999), "fail-at-output-limit", TRUE, NULL);
  small = submit (test, command);
  output = command_test_wait_output (task);
  g_assert_cmpuint (strlen (output), ==, 3000000);
  command_test_wait_failed (small, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);
}

static void
count_lines (FerryTask *task, const char *type, GVariant *value, guint *n_lines)
{
  g_autofree char *expected = NULL;

  (*n_lines)++;
  if (g_object_get_data (G_OBJECT (task), "all") == NULL)
    return;
  expected = g_strdup_printf ("%u", *n_lines);
  g_assert_cmpmem (g_variant_get_data (value), g_variant_get_size (value), expected, strlen (expected));
  g_assert_cmpstr (type, ==, "line");
}

static void
test_lines_are_bounded_or_all (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryCommand) command = ferry_command_new ((const char *const[]){"seq", "100000", NULL});
  guint n_lines[2] = {0, 0};

  for (guint all = 0; all < 2; all++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FerryTask) task = NULL;

      g_object_set (command, "all-lines", all, NULL);
      task = ferry_task_new_for_command (command, &error);
      g_assert_no_error (error);
      g_signal_connect (task, "message", G_CALLBACK (count_lines), &n_lines[all]);
      g_object_set_data (G_OBJECT (task), "all", GUINT_TO_POINTER (all));
      g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
      command_test_wait (task);
      g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
    }
  /* However slow this machine is: the newest line alone is sent each time. */
  g_assert_cmpuint (n_lines[0], >=, 1);
  g_assert_cmpuint (n_lines[0], <, 50000);
  g_assert_cmpuint (n_lines[1], ==, 100000);
}

/* ---- as tasks are ---- */

static void
test_one_command_is_submitted_many_times (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryCommand) command = ferry_command_new ((const char *const[]){"echo", "0", NULL});
  FerryTask *tasks[20];

  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      g_autofree char *number = g_strdup_printf ("%u", i);

      g_object_set (command, "argv", (const char *const[]){"echo", number, NULL}, NULL);
      tasks[i] = submit (test, command);
    }
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      g_autofree char *expected = g_strdup_printf ("%u\n", i);

      assert_output (tasks[i], expected);
      g_object_unref (tasks[i]);
    }
}

static void
test_priorities (void)
{
  g_autoptr (CommandTest) test = new_test_of_one_worker ();
  g_autoptr (FerryTask) first = submit_script (test, "echo > begun; " UNTIL_GO "echo first >> log");
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) low = NULL;
  g_autoptr (FerryTask) high = NULL;
  g_autofree char *log = NULL;

  command_test_wait_file (test, "begun");
  low = submit_script (test, "echo low >> log");
  high = submit_script (test, "echo high >> log");
  g_assert_true (ferry_executor_set_task_priority (test->executor, high, 10, &error));
  g_assert_no_error (error);
  go (test);
  command_test_wait (low);
  command_test_wait (high);
  log = command_test_read (test, "log");
  g_assert_cmpstr (log, ==, "first\nhigh\nlow\n");
}

static void
test_a_waiting_command_is_cancelled_and_never_begins (void)
{
  g_autoptr (CommandTest) test = new_test_of_one_worker ();
  g_autoptr (FerryTask) first = submit_script (test, "echo > begun; " UNTIL_GO);
  g_autoptr (FerryTask) second = submit_script (test, "echo > second");
  g_autofree char *path = command_test_path (test, "second");

  command_test_wait_file (test, "begun");
  g_assert_true (ferry_task_cancel (second));
  go (test);
  command_test_wait_cancelled (second);
  command_test_wait (first);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_a_time_that_is_over_ends_the_command (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryCommand) command = new_script (test, "echo $$ > pid; exec sleep 1000");
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = ferry_task_new_for_command (command, &error);

  g_assert_no_error (error);
  ferry_task_set_run_timeout (task, G_USEC_PER_SEC);
  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  command_test_wait_gone (command_test_wait_pid (test, "pid"));
}

static void
test_a_waiting_time_that_is_over (void)
{
  g_autoptr (CommandTest) test = new_test_of_one_worker ();
  g_autoptr (FerryTask) first = submit_script (test, "echo > begun; " UNTIL_GO);
  g_autoptr (FerryCommand) command = new_script (test, "echo > second");
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = ferry_task_new_for_command (command, &error);

  g_assert_no_error (error);
  command_test_wait_file (test, "begun");
  g_object_set (task, "queue-timeout", (gint64) 1000, NULL);
  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_QUEUE_TIMED_OUT);
  go (test);
  command_test_wait (first);
}

static void
test_a_failed_command_is_tried_again_by_hand (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = submit_script (test, "[ -e go ] && echo good");
  g_autoptr (FerryTask) again = NULL;
  g_autoptr (GError) error = NULL;

  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  go (test);
  again = ferry_executor_retry (test->executor, task, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (ferry_task_get_name (again), ==, "sh");
  assert_output (again, "good\n");
}

static void
test_a_command_with_little_input_is_tried_again_by_hand (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryCommand) command = new_script (test, "[ -e go ] && cat");
  g_autoptr (GBytes) bytes = g_bytes_new_static ("text", 4);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) again = NULL;

  g_object_set (command, "input", bytes, NULL);
  task = submit (test, command);
  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  go (test);
  again = ferry_executor_retry (test->executor, task, &error);
  g_assert_no_error (error);
  assert_output (again, "text");
}

static void
test_a_command_whose_worker_was_killed_is_tried_again (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryCommand) command =
    new_script (test, "echo $$ >> pids; if [ -e go ]; then echo good; else echo > begun; exec sleep 1000; fi");
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = ferry_task_new_for_command (command, &error);

  g_assert_no_error (error);
  g_object_set (task, "retries", 1, "idempotent", TRUE, NULL);
  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  command_test_wait_file (test, "begun");
  go (test);
  ferry_worker_send_signal (command_test_wait_worker (test, task), SIGKILL);
  assert_output (task, "good\n");
  g_assert_cmpint (ferry_test_get_number (task, "n-attempts"), ==, 2);
  command_test_wait_gone (command_test_wait_pid (test, "pids"));
}

static void
test_a_group_is_cancelled (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) other = submit_script (test, UNTIL_GO "echo other");
  FerryTask *tasks[4];

  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      tasks[i] = submit_script (test, "exec sleep 1000");
      ferry_task_group_add (group, tasks[i]);
    }
  g_assert_cmpuint (ferry_task_group_cancel (group), ==, G_N_ELEMENTS (tasks));
  go (test);
  assert_output (other, "other\n");
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      command_test_wait_cancelled (tasks[i]);
      g_object_unref (tasks[i]);
    }
}

static void
test_an_executor_is_a_list_of_commands (void)
{
  g_autoptr (CommandTest) test = new_test_of_one_worker ();
  g_autoptr (FerryTask) first = submit_script (test, UNTIL_GO);
  g_autoptr (FerryTask) second = submit_script (test, "true");
  g_autoptr (FerryTask) listed = g_list_model_get_item (G_LIST_MODEL (test->executor), 1);

  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->executor)), ==, 2);
  g_assert_true (listed == second);
  g_assert_cmpstr (ferry_task_get_name (listed), ==, "sh");
  go (test);
  command_test_wait (second);
}

static void
test_a_full_queue_takes_no_more (void)
{
  g_autoptr (CommandTest) test = new_test_of_one_worker ();
  g_autoptr (FerryTask) first = submit_script (test, "echo > begun; " UNTIL_GO);
  g_autoptr (FerryCommand) command = new_script (test, "true");
  g_autoptr (FerryTask) second = NULL;
  g_autoptr (GError) error = NULL;

  command_test_wait_file (test, "begun");
  command_test_wait_worker (test, first);
  g_object_set (test->executor, "max-pending", 1, NULL);
  second = submit (test, command);
  g_assert_null (ferry_executor_submit_command (test->executor, command, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  go (test);
  command_test_wait (second);
}

static void
test_the_executor_for_commands_finds_its_worker (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_commands (&error);
  g_autoptr (FerryCommand) command = ferry_command_new ((const char *const[]){"echo", "found", NULL});
  g_autoptr (FerryTask) task = NULL;

  g_assert_no_error (error);
  task = ferry_executor_submit_command (executor, command, &error);
  g_assert_no_error (error);
  assert_output (task, "found\n");
  ferry_executor_stop (executor);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/command-tasks/a-result-has-status-output-and-errors", test_a_result_has_status_output_and_errors);
  g_test_add_func ("/command-tasks/errors-say-what-to-do", test_errors_say_what_to_do);
  g_test_add_func ("/command-tasks/a-status-may-be-a-success", test_a_status_may_be_a_success);
  g_test_add_func ("/command-tasks/have-their-environment-and-folder", test_environment_and_folder);
  g_test_add_func ("/command-tasks/the-environment-is-the-applications", test_the_environment_is_the_applications);
  g_test_add_func ("/command-tasks/have-input-of-any-size", test_input_of_any_size);
  g_test_add_func ("/command-tasks/have-output-in-a-file", test_output_to_a_file);
  g_test_add_func ("/command-tasks/have-a-limit-of-output-that-can-be-raised", test_a_limit_of_output_can_be_raised);
  g_test_add_func ("/command-tasks/lines-are-bounded-or-all", test_lines_are_bounded_or_all);
  g_test_add_func ("/command-tasks/one-command-is-submitted-many-times", test_one_command_is_submitted_many_times);
  g_test_add_func ("/command-tasks/have-priorities", test_priorities);
  g_test_add_func ("/command-tasks/one-that-waits-is-cancelled-and-never-begins",
                   test_a_waiting_command_is_cancelled_and_never_begins);
  g_test_add_func ("/command-tasks/a-time-that-is-over-ends-the-command", test_a_time_that_is_over_ends_the_command);
  g_test_add_func ("/command-tasks/a-waiting-time-that-is-over", test_a_waiting_time_that_is_over);
  g_test_add_func ("/command-tasks/one-that-failed-is-tried-again-by-hand",
                   test_a_failed_command_is_tried_again_by_hand);
  g_test_add_func ("/command-tasks/one-with-little-input-is-tried-again-by-hand",
                   test_a_command_with_little_input_is_tried_again_by_hand);
  g_test_add_func ("/command-tasks/one-whose-worker-was-killed-is-tried-again",
                   test_a_command_whose_worker_was_killed_is_tried_again);
  g_test_add_func ("/command-tasks/a-group-is-cancelled", test_a_group_is_cancelled);
  g_test_add_func ("/command-tasks/an-executor-is-a-list-of-commands", test_an_executor_is_a_list_of_commands);
  g_test_add_func ("/command-tasks/a-full-queue-takes-no-more", test_a_full_queue_takes_no_more);
  g_test_add_func ("/command-tasks/the-executor-for-commands-finds-its-worker",
                   test_the_executor_for_commands_finds_its_worker);
  return g_test_run ();
}
