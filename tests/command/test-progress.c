/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-progress.c
 *
 * The progress of commands, as their tasks have it. A script waits after each word until the test has seen it. */

#include "config.h"

#include <math.h>

#include "command/command-test.h"
#include "ferry-test.h"

/* A task, and what is waited for. */
typedef struct
{
  FerryTask *task;
  double fraction;
  const char *text;
} Expected;

static double
get_fraction (FerryTask *task)
{
  return ferry_task_get_fraction (task);
}

static char *
dup_text (FerryTask *task)
{
  char *text;

  g_object_get (task, "text", &text, NULL);
  return text;
}

static gboolean
is_as_expected (gpointer data)
{
  const Expected *expected = data;
  g_autofree char *text = dup_text (expected->task);

  g_assert_false (ferry_task_get_done (expected->task));
  return fabs (get_fraction (expected->task) - expected->fraction) < 1e-6 &&
         (expected->text == NULL || g_strcmp0 (text, expected->text) == 0);
}

static void
wait_for (FerryTask *task, double fraction, const char *text)
{
  Expected expected = {task, fraction, text};

  ferry_test_run_until (is_as_expected, &expected);
}

/* Lets the script go on. */
static void
go_on (CommandTest *test, const char *name)
{
  g_autofree char *path = command_test_path (test, name);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, "", 0, &error);
  g_assert_no_error (error);
}

#define AWAIT(name) "while [ ! -e " name " ]; do sleep 0.01; done; "

static GVariantDict *
new_options (FerryCommandProgress progress, const char *pattern, double total)
{
  GVariantDict *options = g_variant_dict_new (NULL);

  g_variant_dict_insert (options, "progress", "i", progress);
  g_variant_dict_insert (options, "total", "d", total);
  if (pattern != NULL)
    g_variant_dict_insert (options, "progress-pattern", "s", pattern);
  return options;
}

static void
rises_and_is_whole_after_success (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test, "echo '25% first'; " AWAIT ("a") "echo '50% second'; " AWAIT ("b") "echo '100% third'; " AWAIT ("c"),
    new_options (FERRY_COMMAND_PROGRESS_PERCENT, NULL, 0));

  wait_for (task, 0.25, "first");
  go_on (test, "a");
  wait_for (task, 0.5, "second");
  go_on (test, "b");
  wait_for (task, 0.99, "third");
  go_on (test, "c");
  g_free (command_test_wait_output (task));
  g_assert_cmpfloat (get_fraction (task), ==, 1);
}

/* Nobody knows how many parts follow. */
static void
is_taken_back_when_another_part_begins (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test,
    "echo '99% first'; " AWAIT ("a") "echo '1% x'; echo '2% second'; " AWAIT ("b") "echo '50% third'; " AWAIT ("c"),
    new_options (FERRY_COMMAND_PROGRESS_PERCENT, NULL, 0));

  wait_for (task, 0.99, "first");
  g_assert_false (ferry_test_get_number (task, "indeterminate"));
  go_on (test, "a");
  wait_for (task, 0, "second");
  g_assert_true (ferry_test_get_number (task, "indeterminate"));
  go_on (test, "b");
  wait_for (task, 0, "third");
  g_assert_true (ferry_test_get_number (task, "indeterminate"));
  go_on (test, "c");
  g_free (command_test_wait_output (task));
  g_assert_cmpfloat (get_fraction (task), ==, 1);
}

static gboolean
has_two (gpointer task)
{
  return ferry_test_get_number (task, "amount") == 2;
}

/* They say that something moves, and nothing of the whole. */
static void
has_amounts_without_a_total_when_it_is_taken_back (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test,
    "echo '[150/200] x'; echo '[160/200] first'; " AWAIT ("a") "echo '[1/300] x'; echo '[1/300] x'; echo '[2/300] "
                                                               "second'; " AWAIT ("b"),
    new_options (FERRY_COMMAND_PROGRESS_STEPS, NULL, 0));

  wait_for (task, 0.8, "first");
  g_assert_cmpint (ferry_test_get_number (task, "total"), ==, 200);
  go_on (test, "a");
  wait_for (task, 0, "second");
  g_assert_true (ferry_test_get_number (task, "indeterminate"));
  /* The text may come first. */
  ferry_test_run_until (has_two, task);
  g_assert_cmpint (ferry_test_get_number (task, "total"), ==, 0);
  go_on (test, "b");
  g_free (command_test_wait_output (task));
  g_assert_cmpint (ferry_test_get_number (task, "total"), ==, 0);
}

/* rsync says 100 %, and then that a file was missing. */
static void
is_not_whole_after_failure (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo '[30/30] all'; echo '[30/30] all'; exit 23",
                                                           new_options (FERRY_COMMAND_PROGRESS_STEPS, NULL, 0));

  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 23);
  g_assert_cmpfloat (get_fraction (task), <, 1);
  g_assert_cmpint (ferry_test_get_number (task, "amount"), <, 30);
}

static void
has_amounts (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  GVariantDict *options = new_options (FERRY_COMMAND_PROGRESS_KEYS, "done=us/1000000 end=progress", 200);
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *unit = NULL;

  g_variant_dict_insert (options, "unit", "s", "s");
  task =
    command_test_submit_script (test, "echo us=50000000; echo progress=continue; echo text; " AWAIT ("a"), options);
  wait_for (task, 0.25, "text");
  g_object_get (task, "unit", &unit, NULL);
  g_assert_cmpstr (unit, ==, "s");
  g_assert_cmpint (ferry_test_get_number (task, "amount"), ==, 50);
  g_assert_cmpint (ferry_test_get_number (task, "total"), ==, 200);
  go_on (test, "a");
  g_free (command_test_wait_output (task));
  g_assert_cmpint (ferry_test_get_number (task, "amount"), ==, 200);
}

static void
has_no_bar_while_its_total_grows (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, "echo '[50/100] first'; " AWAIT ("a") "echo '[50/200] second'; " AWAIT ("b"),
                                new_options (FERRY_COMMAND_PROGRESS_STEPS, NULL, 0));

  wait_for (task, 0, "first");
  g_assert_cmpint (ferry_test_get_number (task, "amount"), ==, 50);
  g_assert_cmpint (ferry_test_get_number (task, "total"), ==, 0);
  go_on (test, "a");
  wait_for (task, 0, "second");
  g_assert_cmpint (ferry_test_get_number (task, "total"), ==, 0);
  go_on (test, "b");
  g_free (command_test_wait_output (task));
}

static void
has_a_fraction_alone_of_few_steps (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, "echo '[1/4] first'; " AWAIT ("a") "echo '[2/4] second'; " AWAIT ("b"),
                                new_options (FERRY_COMMAND_PROGRESS_STEPS, NULL, 0));

  wait_for (task, 0, "first");
  g_assert_cmpint (ferry_test_get_number (task, "amount"), ==, 0);
  go_on (test, "a");
  wait_for (task, 0.5, "second");
  g_assert_cmpint (ferry_test_get_number (task, "amount"), ==, 0);
  go_on (test, "b");
  g_free (command_test_wait_output (task));
  g_assert_cmpint (ferry_test_get_number (task, "amount"), ==, 0);
}

/* Of two and a half seconds, whole seconds would be a bar of two steps. */
static void
is_finer_than_a_small_amount (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo t=1.25; " AWAIT ("a"),
                                                           new_options (FERRY_COMMAND_PROGRESS_KEYS, "done=t", 2.5));

  wait_for (task, 0.5, NULL);
  go_on (test, "a");
  g_free (command_test_wait_output (task));
}

/* Of a program that nobody knows, what it draws over counts, and what it prints in lines does not. */
static void
is_what_an_unknown_program_draws_over (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test, "echo 'disk is 97% full'; " AWAIT ("a") "printf '\\r 1%%\\r 2%%\\r 30%% of it\\r'; " AWAIT ("b"), NULL);

  wait_for (task, 0, "disk is 97% full");
  g_assert_true (ferry_test_get_number (task, "indeterminate"));
  go_on (test, "a");
  wait_for (task, 0.3, "of it");
  go_on (test, "b");
  g_free (command_test_wait_output (task));
}

/* A script is read as the program that it runs, by its name and arguments. */
static void
is_that_of_the_program_that_is_named (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  GVariantDict *options = g_variant_dict_new (NULL);
  g_autoptr (FerryTask) task = NULL;

  g_variant_dict_insert (options, "progress-program", "^ay", "dd");
  task = command_test_submit_script (
    test, "dd () { echo 150 Bytes kopiert >&2; " AWAIT ("a") "}; dd count=300 bs=1 status=progress", options);
  wait_for (task, 0.5, NULL);
  go_on (test, "a");
  g_free (command_test_wait_output (task));
}

/* A program that writes its separator in front says nothing more for a while, and a question has no end. */
static void
is_read_without_an_end (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, "printf '\\r 30%% of it '; " AWAIT ("a") "printf 'Overwrite? '; " AWAIT ("b"),
                                new_options (FERRY_COMMAND_PROGRESS_PERCENT, NULL, 0));

  wait_for (task, 0.3, "of it");
  go_on (test, "a");
  wait_for (task, 0.3, "of it Overwrite?");
  go_on (test, "b");
  g_free (command_test_wait_output (task));
}

static void
is_read_at_a_terminal (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  GVariantDict *options = new_options (FERRY_COMMAND_PROGRESS_PERCENT, NULL, 0);
  g_autoptr (FerryTask) task = NULL;

  g_variant_dict_insert (options, "terminal", "b", TRUE);
  task = command_test_submit_script (test, "test -t 1 && printf '\\r\\033[32m 40%%\\033[0m in colour'; " AWAIT ("a"),
                                     options);
  wait_for (task, 0.4, "in colour");
  go_on (test, "a");
  g_free (command_test_wait_output (task));
}

/* The file that the shell has open is read by nobody until the test says so. */
static void
is_the_position_in_a_file (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *path = command_test_path (test, "data");
  g_autofree char *bytes = g_strnfill (1000 * 1000, 'x');
  g_autoptr (FerryTask) task = NULL;

  g_assert_true (g_file_set_contents (path, bytes, 1000 * 1000, NULL));
  task = command_test_submit_script (
    test, "exec <data; " AWAIT ("a") "head -c 500000 >/dev/null; " AWAIT ("b") "cat >/dev/null",
    new_options (FERRY_COMMAND_PROGRESS_POSITION, "data", 0));
  go_on (test, "a");
  wait_for (task, 0.5, NULL);
  go_on (test, "b");
  g_free (command_test_wait_output (task));
  g_assert_cmpfloat (get_fraction (task), ==, 1);
}

static void
is_none_where_nobody_asks (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo '50% of it'; " AWAIT ("a"),
                                                           new_options (FERRY_COMMAND_PROGRESS_NONE, NULL, 0));

  wait_for (task, 0, "50% of it");
  g_assert_true (ferry_test_get_number (task, "indeterminate"));
  go_on (test, "a");
  g_free (command_test_wait_output (task));
}

static void
needs_a_pattern_that_says_something (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, "exit 0", new_options (FERRY_COMMAND_PROGRESS_PATTERN, "(\\d+)", 0));
  const GError *error = command_test_wait_failed (task, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);

  ferry_test_assert_says (error->message, "(?<percent>");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-progress/rises-and-is-whole-after-success", rises_and_is_whole_after_success);
  g_test_add_func ("/command-progress/is-what-an-unknown-program-draws-over", is_what_an_unknown_program_draws_over);
  g_test_add_func ("/command-progress/is-that-of-the-program-that-is-named", is_that_of_the_program_that_is_named);
  g_test_add_func ("/command-progress/is-taken-back-when-another-part-begins", is_taken_back_when_another_part_begins);
  g_test_add_func ("/command-progress/has-amounts-without-a-total-when-it-is-taken-back",
                   has_amounts_without_a_total_when_it_is_taken_back);
  g_test_add_func ("/command-progress/is-not-whole-after-failure", is_not_whole_after_failure);
  g_test_add_func ("/command-progress/has-amounts", has_amounts);
  g_test_add_func ("/command-progress/has-no-bar-while-its-total-grows", has_no_bar_while_its_total_grows);
  g_test_add_func ("/command-progress/has-a-fraction-alone-of-few-steps", has_a_fraction_alone_of_few_steps);
  g_test_add_func ("/command-progress/is-finer-than-a-small-amount", is_finer_than_a_small_amount);
  g_test_add_func ("/command-progress/is-read-without-an-end", is_read_without_an_end);
  g_test_add_func ("/command-progress/is-read-at-a-terminal", is_read_at_a_terminal);
  g_test_add_func ("/command-progress/is-the-position-in-a-file", is_the_position_in_a_file);
  g_test_add_func ("/command-progress/is-none-where-nobody-asks", is_none_where_nobody_asks);
  g_test_add_func ("/command-progress/needs-a-pattern-that-says-something", needs_a_pattern_that_says_something);

  return g_test_run ();
}
