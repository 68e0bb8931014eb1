/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-run.c, command-worker/ferry-command-main.c, command-worker/command-options.c,
 *        command-worker/command-result.c
 *
 * Commands from their arguments to their result: input, output, terminal, and the errors of those that fail. */

#include "config.h"

#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "command/command-test.h"
#include "ferry-test.h"

/* More than a pipe has room for. */
#define LARGE (4 * 1024 * 1024)

static GVariantDict *
new_option (const char *name, GVariant *value)
{
  GVariantDict *options = g_variant_dict_new (NULL);

  g_variant_dict_insert_value (options, name, value);
  return options;
}

static void
assert_output (CommandTest *test, const char *script, GVariantDict *options, const char *expected)
{
  g_autoptr (FerryTask) task = command_test_submit_script (test, script, options);
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, expected);
}

/* ---- output ---- */

static void
has_its_output (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  /* There is no shell that would look into an argument. */
  g_autoptr (FerryTask) task = command_test_submit (test, (const char *const[]){"echo", "a  b", "$HOME;", NULL}, NULL);
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, "a  b $HOME;\n");
}

static void
has_its_last_errors_beside_its_output (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo out; echo warning >&2", NULL);
  g_autofree char *output = command_test_wait_output (task);
  GVariant *result = ferry_test_get_variant (task, "result");
  g_autoptr (GVariant) errors = g_variant_get_child_value (result, 2);

  g_assert_cmpstr (output, ==, "out\n");
  g_assert_cmpmem (g_variant_get_data (errors), g_variant_get_size (errors), "warning\n", strlen ("warning\n"));
}

static GVariantDict *
new_limit (guint64 limit, gboolean fails)
{
  GVariantDict *options = new_option ("output-limit", g_variant_new_uint64 (limit));

  g_variant_dict_insert_value (options, "fail-at-output-limit", g_variant_new_boolean (fails));
  return options;
}

static void
is_ended_at_its_limit_where_it_is_asked_to (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit (test, (const char *const[]){"yes", NULL}, new_limit (1000, TRUE));
  const GError *error = command_test_wait_failed (task, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);

  ferry_test_assert_says (error->message, "output-file");
}

/* What rsync, HandBrake and pip do for an hour. */
static void
draws_over_what_it_wrote_without_a_limit (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test, "seq -f '%g %%' 1000 | tr '\n' '\r'; seq 500 | while read n; do printf '%s\b\b\b' $n; done; echo done",
    new_limit (100, TRUE));
  g_autofree char *output = command_test_wait_output (task);

  g_assert_true (g_str_has_suffix (output, "done\n"));
}

static void
has_the_first_and_the_last_part_of_its_output_and_says_so (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "seq 100000", new_limit (20, FALSE));
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, "1\n2\n3\n4\n5\n99\n100000\n");
  g_assert_true (g_ptr_array_find_with_equal_func (test->lines, "output-truncated: (10, 588875)", g_str_equal, NULL));
}

static void
has_more_output_than_a_message (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryCommand) command =
    ferry_command_new ((const char *const[]){"sh", "-c", "head -c 70000000 /dev/zero; echo end; echo e >&2", NULL});
  g_autoptr (GVariant) output = NULL;
  g_autoptr (GVariant) errors = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GVariant) result = NULL;

  command_test_trust (test);
  g_object_set (command, "output-limit", G_MAXUINT64, NULL);
  task = ferry_executor_submit_command (test->executor, command, &error);
  g_assert_no_error (error);
  command_test_wait (task);
  g_assert_null (ferry_task_get_error (task));
  result = ferry_task_get_result (task, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (result), ==, "(iayay)");
  output = g_variant_get_child_value (result, 1);
  errors = g_variant_get_child_value (result, 2);
  g_assert_cmpuint (g_variant_get_size (output), ==, 70000004);
  g_assert_cmpmem ((const char *) g_variant_get_data (output) + 70000000, 4, "end\n", 4);
  g_assert_cmpmem (g_variant_get_data (errors), g_variant_get_size (errors), "e\n", 2);
}

static void
assert_partial (GVariant *partial, int status, const char *output, const char *errors)
{
  g_autoptr (GVariant) found_output = NULL;
  g_autoptr (GVariant) found_errors = NULL;
  gint32 found_status;

  g_assert_true (g_variant_is_of_type (partial, G_VARIANT_TYPE ("(iayay)")));
  g_variant_get (partial, "(i@ay@ay)", &found_status, &found_output, &found_errors);
  g_assert_cmpint (found_status, ==, status);
  g_assert_cmpmem (g_variant_get_data (found_output), g_variant_get_size (found_output), output, strlen (output));
  g_assert_cmpmem (g_variant_get_data (found_errors), g_variant_get_size (found_errors), errors, strlen (errors));
}

static void
has_both_streams_when_it_fails (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) failed = command_test_submit_script (test, "echo out; echo no >&2; exit 3", NULL);
  g_autoptr (GVariant) partial = command_test_wait_partial (failed, G_SPAWN_EXIT_ERROR, 3);
  g_autoptr (FerryTask) killed = command_test_submit_script (test, "echo out; kill -9 $$", NULL);
  g_autoptr (GVariant) of_killed = command_test_wait_partial (killed, G_SPAWN_ERROR, G_SPAWN_ERROR_FAILED);
  g_autoptr (FerryTask) fine = command_test_submit_script (test, "echo out", NULL);
  g_autofree char *output = command_test_wait_output (fine);

  assert_partial (partial, 3, "out\n", "no\n");
  assert_partial (of_killed, -9, "out\n", "");
  g_assert_null (ferry_test_get_variant (fine, "partial-result"));
}

static void
has_both_streams_in_order_where_they_are_merged (void)
{
  g_autoptr (CommandTest) test = command_test_new ();

  assert_output (test, "echo 1; echo 2 >&2; echo 3; echo 4 >&2",
                 new_option ("merge-streams", g_variant_new_boolean (TRUE)), "1\n2\n3\n4\n");
}

static void
has_as_much_output_as_its_limit (void)
{
  g_autoptr (CommandTest) test = command_test_new ();

  assert_output (test, "printf 12345", new_option ("output-limit", g_variant_new_uint64 (5)), "12345");
}

static void
writes_to_a_file (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *text = NULL;

  assert_output (test, "echo to the file", new_option ("output-file", g_variant_new_bytestring ("out")), "");
  text = command_test_read (test, "out");
  g_assert_cmpstr (text, ==, "to the file\n");
}

static void
writes_to_a_file_and_says_its_lines (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  GVariantDict *options = new_option ("output-file", g_variant_new_bytestring ("out"));
  g_autofree char *text = NULL;

  g_variant_dict_insert_value (options, "all-lines", g_variant_new_boolean (TRUE));
  assert_output (test, "printf 'one\n\n two'", options, "");
  text = command_test_read (test, "out");
  g_assert_cmpstr (text, ==, "one\n\n two");
  g_assert_cmpuint (test->lines->len, ==, 3);
  g_assert_cmpstr (test->lines->pdata[1], ==, "line: ");
  g_assert_cmpstr (test->lines->pdata[2], ==, "line:  two");
}

static void
says_its_lines_without_a_copy_in_the_result (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  GVariantDict *options = new_limit (0, FALSE);

  g_variant_dict_insert_value (options, "all-lines", g_variant_new_boolean (TRUE));
  assert_output (test, "echo one; echo two", options, "");
  g_assert_true (g_ptr_array_find_with_equal_func (test->lines, "line: two", g_str_equal, NULL));
}

static void
says_a_very_long_line_in_parts (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, "head -c 40000 /dev/zero | tr '\\0' x; echo; echo next",
                                new_option ("all-lines", g_variant_new_boolean (TRUE)));
  g_autofree char *output = command_test_wait_output (task);
  gsize size = 0;

  g_assert_cmpuint (test->lines->len, ==, 4);
  for (guint i = 0; i < 3; i++)
    {
      const char *prefix = i < 2 ? "line-part: x" : "line: x";

      g_assert_true (g_str_has_prefix (test->lines->pdata[i], prefix));
      size += strlen (test->lines->pdata[i]) - strlen (prefix) + 1;
    }
  g_assert_cmpuint (size, ==, 40000);
  g_assert_cmpstr (test->lines->pdata[3], ==, "line: next");
}

static void
keeps_a_file_whose_program_is_not_found (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *path = command_test_path (test, "out");
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *text = NULL;

  g_assert_true (g_file_set_contents (path, "earlier", -1, NULL));
  task = command_test_submit (test, (const char *const[]){"no-such-program", NULL},
                              new_option ("output-file", g_variant_new_bytestring ("out")));
  command_test_wait_failed (task, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);
  text = command_test_read (test, "out");
  g_assert_cmpstr (text, ==, "earlier");
}

/* ---- input ---- */

/* (transfer full): a task of a command with bytes as its input. */
static FerryTask *
submit_with_bytes (CommandTest *test, const char *script, gsize size)
{
  g_autofree char *text = g_strnfill (size, 'x');
  g_autoptr (GBytes) bytes = g_bytes_new (text, size);
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);
  const char *argv[] = {"sh", "-c", script, NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = NULL;

  g_variant_dict_insert_value (&options, "argv", g_variant_new_bytestring_array (argv, -1));
  g_variant_dict_insert (&options, "input", "i", 0);
  task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "command", g_variant_dict_end (&options));
  g_assert_cmpint (ferry_task_add_bytes (task, bytes, &error), ==, 0);
  g_assert_no_error (error);
  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_no_error (error);
  return g_steal_pointer (&task);
}

static void
reads_bytes (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = submit_with_bytes (test, "wc -c", LARGE);
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (g_strstrip (output), ==, G_STRINGIFY (4194304));
}

static void
may_leave_its_input_unread (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = submit_with_bytes (test, "echo ready", LARGE);
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, "ready\n");
}

static void
reads_a_file (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *path = command_test_path (test, "in");

  g_assert_true (g_file_set_contents (path, "of the file", -1, NULL));
  assert_output (test, "cat", new_option ("input-file", g_variant_new_bytestring (path)), "of the file");
  /* As for the command, a relative path begins in its folder. */
  assert_output (test, "cat", new_option ("input-file", g_variant_new_bytestring ("in")), "of the file");
}

static void
reads_nothing_unless_it_is_given_something (void)
{
  g_autoptr (CommandTest) test = command_test_new ();

  assert_output (test, "cat; readlink /proc/self/fd/0", NULL, "/dev/null\n");
}

/* ---- the terminal ---- */

static void
has_a_terminal_of_80_columns (void)
{
  g_autoptr (CommandTest) test = command_test_new ();

  assert_output (test, "test -t 1 && test -t 2 && stty size < /dev/tty; echo $TERM",
                 new_option ("terminal", g_variant_new_boolean (TRUE)), "24 80\ndumb\n");
}

static void
has_all_that_it_wrote_to_a_terminal_before_its_end (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, "seq 20000", new_option ("terminal", g_variant_new_boolean (TRUE)));
  g_autofree char *output = command_test_wait_output (task);

  g_assert_true (g_str_has_suffix (output, "\n19999\n20000\n"));
  g_assert_null (strchr (output, '\r'));
}

/* ---- failures ---- */

static void
fails_with_its_status_and_the_line_of_the_cause (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test, "echo begin >&2; printf '\\033[31mfatal:\\033[0m no \\377 place\\n' >&2; echo advice >&2; exit 23", NULL);
  const GError *error = command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 23);

  g_assert_cmpstr (error->message, ==, "'sh' ended with status 23: fatal: no \xef\xbf\xbd place");
  ferry_test_assert_says (ferry_test_get_string (task, "trace"), "begin\nfatal: no \xef\xbf\xbd place\nadvice");
}

/* A user has asked for what env runs. */
static void
names_the_program_that_another_one_runs (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *file = command_test_path (test, "none");
  g_autofree char *argument = g_strconcat ("if=", file, NULL);
  g_autoptr (FerryTask) failed =
    command_test_submit (test, (const char *const[]){"env", "LC_ALL=C", "nice", "dd", argument, NULL}, NULL);
  g_autoptr (FerryTask) alone = command_test_submit (test, (const char *const[]){"dd", argument, NULL}, NULL);

  ferry_test_assert_says (command_test_wait_failed (failed, G_SPAWN_EXIT_ERROR, 1)->message,
                          "'dd' behind 'env' ended with status 1: dd: failed to open");
  ferry_test_assert_says (command_test_wait_failed (alone, G_SPAWN_EXIT_ERROR, 1)->message,
                          "'dd' ended with status 1: dd: ");
}

/* As 7z does. */
static void
says_what_it_asked_if_nobody_answers (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) asked = command_test_submit_script (
    test, "echo; echo 'Enter password (will not be echoed):'; read -r word || { echo 'Break signaled' >&2; exit 255; }",
    NULL);
  g_autoptr (FerryTask) told = command_test_submit_script (test, "echo 'The password is wrong'; exit 1", NULL);

  g_assert_cmpstr (command_test_wait_failed (asked, G_SPAWN_EXIT_ERROR, 255)->message, ==,
                   "'sh' ended with status 255: Break signaled; it asked 'Enter password (will not be echoed):', and "
                   "nobody answers: set FerryCommand:interactive");
  g_assert_cmpstr (command_test_wait_failed (told, G_SPAWN_EXIT_ERROR, 1)->message, ==,
                   "'sh' ended with status 1: The password is wrong");
}

/* Who runs programs knows nothing of a function and its process. */
static void
has_its_last_lines_as_its_trace_and_no_others (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) failed = NULL;
  g_autoptr (FerryTask) missing = NULL;

  g_clear_object (&test->executor);
  test->executor = ferry_executor_new_for_commands (&error);
  g_assert_no_error (error);
  failed = command_test_submit_script (test, "echo begin >&2; echo end >&2; exit 3", NULL);
  command_test_wait_failed (failed, G_SPAWN_EXIT_ERROR, 3);
  g_assert_cmpstr (ferry_test_get_string (failed, "trace"), ==, "begin\nend\n");
  missing = command_test_submit (test, (const char *const[]){"no-such-program", NULL}, NULL);
  command_test_wait_failed (missing, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);
  g_assert_cmpstr (ferry_test_get_string (missing, "trace"), ==, NULL);
}

static void
fails_with_the_last_line_of_its_output_if_it_has_no_errors (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo one; printf two; exit 1", NULL);
  const GError *error = command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);

  g_assert_cmpstr (error->message, ==, "'sh' ended with status 1: two");
}

static void
succeeds_with_the_statuses_that_are_said_to (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  const gint32 statuses[] = {0, 1};
  GVariant *array = g_variant_new_fixed_array (G_VARIANT_TYPE_INT32, statuses, 2, sizeof statuses[0]);
  g_autoptr (FerryTask) task = command_test_submit_script (test, "exit 1", new_option ("success-statuses", array));
  g_autofree char *output = command_test_wait_output (task);
  gint32 status;

  g_variant_get_child (ferry_test_get_variant (task, "result"), 0, "i", &status);
  g_assert_cmpint (status, ==, 1);
}

static void
fails_when_a_signal_kills_it (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "kill -SEGV $$", NULL);
  const GError *error = command_test_wait_failed (task, G_SPAWN_ERROR, G_SPAWN_ERROR_FAILED);

  ferry_test_assert_says (error->message, "signal 11");
}

static void
names_a_property_that_is_not_known (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, "true", new_option ("no-such-property", g_variant_new_boolean (TRUE)));
  const GError *error = command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);

  ferry_test_assert_says (error->message, "'no-such-property'");
}

static void
names_a_property_of_another_type (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, "true", new_option ("polite", g_variant_new_int32 (1)));
  const GError *error = command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);

  ferry_test_assert_says (error->message, "'polite'");
}

/* ---- lines ---- */

static guint
count_lines (CommandTest *test, const char *type)
{
  guint n = 0;

  for (guint i = 0; i < test->lines->len; i++)
    n += g_str_has_prefix (g_ptr_array_index (test->lines, i), type);
  return n;
}

static void
says_its_newest_lines (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "seq 100000; echo e >&2", NULL);
  g_autofree char *output = command_test_wait_output (task);

  /* At a bounded rate, and the last one always. */
  g_assert_cmpuint (count_lines (test, "newest-line: "), <, 10000);
  g_assert_true (g_ptr_array_find_with_equal_func (test->lines, "newest-line: 100000", g_str_equal, NULL));
  g_assert_true (g_ptr_array_find_with_equal_func (test->lines, "newest-error-line: e", g_str_equal, NULL));
}

static void
says_each_line_where_all_are_wanted (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, "seq 50000", new_option ("all-lines", g_variant_new_boolean (TRUE)));
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpuint (test->lines->len, ==, 50000);
  for (guint i = 0; i < test->lines->len; i++)
    {
      g_autofree char *line = g_strdup_printf ("line: %u", i + 1);

      g_assert_cmpstr (g_ptr_array_index (test->lines, i), ==, line);
    }
}

static void
add_tests (void)
{
  g_test_add_func ("/command-run/has-its-output", has_its_output);
  g_test_add_func ("/command-run/has-its-last-errors-beside-its-output", has_its_last_errors_beside_its_output);
  g_test_add_func ("/command-run/is-ended-at-its-limit-where-it-is-asked-to",
                   is_ended_at_its_limit_where_it_is_asked_to);
  g_test_add_func ("/command-run/draws-over-what-it-wrote-without-a-limit", draws_over_what_it_wrote_without_a_limit);
  g_test_add_func ("/command-run/has-the-first-and-the-last-part-of-its-output-and-says-so",
                   has_the_first_and_the_last_part_of_its_output_and_says_so);
  g_test_add_func ("/command-run/has-more-output-than-a-message", has_more_output_than_a_message);
  g_test_add_func ("/command-run/has-both-streams-when-it-fails", has_both_streams_when_it_fails);
  g_test_add_func ("/command-run/has-both-streams-in-order-where-they-are-merged",
                   has_both_streams_in_order_where_they_are_merged);
  g_test_add_func ("/command-run/has-as-much-output-as-its-limit", has_as_much_output_as_its_limit);
  g_test_add_func ("/command-run/writes-to-a-file", writes_to_a_file);
  g_test_add_func ("/command-run/writes-to-a-file-and-says-its-lines", writes_to_a_file_and_says_its_lines);
  g_test_add_func ("/command-run/keeps-a-file-whose-program-is-not-found", keeps_a_file_whose_program_is_not_found);
  g_test_add_func ("/command-run/reads-bytes", reads_bytes);
  g_test_add_func ("/command-run/may-leave-its-input-unread", may_leave_its_input_unread);
  g_test_add_func ("/command-run/reads-a-file", reads_a_file);
  g_test_add_func ("/command-run/reads-nothing-unless-it-is-given-something",
                   reads_nothing_unless_it_is_given_something);
  g_test_add_func ("/command-run/has-a-terminal-of-80-columns", has_a_terminal_of_80_columns);
  g_test_add_func ("/command-run/has-all-that-it-wrote-to-a-terminal-before-its-end",
                   has_all_that_it_wrote_to_a_terminal_before_its_end);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  add_tests ();
  g_test_add_func ("/command-run/fails-with-its-status-and-the-line-of-the-cause",
                   fails_with_its_status_and_the_line_of_the_cause);
  g_test_add_func ("/command-run/names-the-program-that-another-one-runs", names_the_program_that_another_one_runs);
  g_test_add_func ("/command-run/says-what-it-asked-if-nobody-answers", says_what_it_asked_if_nobody_answers);
  g_test_add_func ("/command-run/has-its-last-lines-as-its-trace-and-no-others",
                   has_its_last_lines_as_its_trace_and_no_others);
  g_test_add_func ("/command-run/fails-with-the-last-line-of-its-output-if-it-has-no-errors",
                   fails_with_the_last_line_of_its_output_if_it_has_no_errors);
  g_test_add_func ("/command-run/succeeds-with-the-statuses-that-are-said-to",
                   succeeds_with_the_statuses_that_are_said_to);
  g_test_add_func ("/command-run/fails-when-a-signal-kills-it", fails_when_a_signal_kills_it);
  g_test_add_func ("/command-run/names-a-property-that-is-not-known", names_a_property_that_is_not_known);
  g_test_add_func ("/command-run/names-a-property-of-another-type", names_a_property_of_another_type);
  g_test_add_func ("/command-run/says-its-newest-lines", says_its_newest_lines);
  g_test_add_func ("/command-run/says-each-line-where-all-are-wanted", says_each_line_where_all_are_wanted);
  g_test_add_func ("/command-run/says-its-lines-without-a-copy-in-the-result",
                   says_its_lines_without_a_copy_in_the_result);
  g_test_add_func ("/command-run/says-a-very-long-line-in-parts", says_a_very_long_line_in_parts);

  return g_test_run ();
}
