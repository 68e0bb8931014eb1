/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-run.c, command-worker/ferry-command-main.c, command-worker/command-options.c
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

static void
is_ended_when_it_writes_more_than_its_limit (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit (test, (const char *const[]){"yes", NULL},
                                                    new_option ("output-limit", g_variant_new_uint64 (1000)));
  const GError *error = command_test_wait_failed (task, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);

  ferry_test_assert_says (error->message, "output-file");
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
  g_assert_cmpuint (count_lines (test, "line: "), <, 10000);
  g_assert_true (g_ptr_array_find_with_equal_func (test->lines, "line: 100000", g_str_equal, NULL));
  g_assert_true (g_ptr_array_find_with_equal_func (test->lines, "error-line: e", g_str_equal, NULL));
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
  g_test_add_func ("/command-run/is-ended-when-it-writes-more-than-its-limit",
                   is_ended_when_it_writes_more_than_its_limit);
  g_test_add_func ("/command-run/has-as-much-output-as-its-limit", has_as_much_output_as_its_limit);
  g_test_add_func ("/command-run/writes-to-a-file", writes_to_a_file);
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
  g_test_add_func ("/command-run/fails-with-the-last-line-of-its-output-if-it-has-no-errors",
                   fails_with_the_last_line_of_its_output_if_it_has_no_errors);
  g_test_add_func ("/command-run/succeeds-with-the-statuses-that-are-said-to",
                   succeeds_with_the_statuses_that_are_said_to);
  g_test_add_func ("/command-run/fails-when-a-signal-kills-it", fails_when_a_signal_kills_it);
  g_test_add_func ("/command-run/names-a-property-that-is-not-known", names_a_property_that_is_not_known);
  g_test_add_func ("/command-run/names-a-property-of-another-type", names_a_property_of_another_type);
  g_test_add_func ("/command-run/says-its-newest-lines", says_its_newest_lines);
  g_test_add_func ("/command-run/says-each-line-where-all-are-wanted", says_each_line_where_all_are_wanted);

  return g_test_run ();
}
