/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-files.c
 *
 * Files that a command is said to write: nothing half done is left, and nothing that was there before is lost. */

#include "config.h"

#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>

#include "command/command-test.h"
#include "ferry-test.h"

static GVariantDict *
new_options (const char *file, gboolean replaces)
{
  GVariantDict *options = g_variant_dict_new (NULL);
  const char *files[] = {file, NULL};

  g_variant_dict_insert_value (options, "output-files", g_variant_new_bytestring_array (files, -1));
  g_variant_dict_insert (options, "replace-output-files", "b", replaces);
  return options;
}

static void
write_earlier (CommandTest *test, const char *name)
{
  g_autofree char *path = command_test_path (test, name);

  g_assert_true (g_file_set_contents (path, "earlier", -1, NULL));
}

static void
assert_text (CommandTest *test, const char *name, const char *text)
{
  g_autofree char *found = command_test_read (test, name);

  g_assert_cmpstr (found, ==, text);
}

/* Asserts which names are in the folder, in their order; NULL for none. */
static void
assert_folder (CommandTest *test, const char *only)
{
  g_autoptr (GDir) folder = g_dir_open (test->folder, 0, NULL);
  const char *first = g_dir_read_name (folder);

  g_assert_cmpstr (first, ==, only);
  if (first != NULL)
    g_assert_cmpstr (g_dir_read_name (folder), ==, NULL);
}

static void
stay_when_the_command_succeeds (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo new > out", new_options ("out", FALSE));
  g_autofree char *output = command_test_wait_output (task);

  assert_text (test, "out", "new\n");
}

static void
are_removed_when_the_command_fails (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo half > out; exit 1", new_options ("out", FALSE));

  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_folder (test, NULL);
}

static void
are_removed_when_the_command_is_cancelled (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, "echo half > out; sleep 1000", new_options ("out", FALSE));

  command_test_wait_file (test, "out");
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  assert_folder (test, NULL);
}

static void
are_removed_with_the_folder_that_they_are_in (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test, "mkdir -p out/in; echo half > out/in/file; ln -s / out/in/link; exit 1", new_options ("out", FALSE));

  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_folder (test, NULL);
}

static void
stay_when_the_command_has_not_changed_them (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;

  write_earlier (test, "out");
  task = command_test_submit_script (test, "exit 1", new_options ("out", FALSE));
  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_text (test, "out", "earlier");
}

static void
stay_where_a_folder_was_there_before (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *folder = command_test_path (test, "out");
  g_autoptr (FerryTask) task = NULL;

  g_assert_cmpint (mkdir (folder, 0700), ==, 0);
  write_earlier (test, "out/file");
  task = command_test_submit_script (test, "echo > out/other; exit 1", new_options ("out", FALSE));
  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_text (test, "out/file", "earlier");
}

/* ---- replaced ---- */

/* The script gets the name as $1, and the option 'to=NAME' as $2. */
static FerryTask *
submit_replacing (CommandTest *test, const char *script, const char *name)
{
  g_autofree char *option = g_strconcat ("to=", name, NULL);

  return command_test_submit (test, (const char *const[]){"sh", "-c", script, "sh", name, option, NULL},
                              new_options (name, TRUE));
}

static void
are_moved_into_place_when_the_command_succeeds (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *output = NULL;

  write_earlier (test, "film.tar.gz");
  task = submit_replacing (test, "cat film.tar.gz; echo $1 $2; echo new > $1", "film.tar.gz");
  output = command_test_wait_output (task);
  assert_text (test, "film.tar.gz", "new\n");
  assert_folder (test, "film.tar.gz");
  /* While it ran, the earlier one was there, and the new one had a name with the same end. */
  g_assert_true (g_regex_match_simple ("^earlier(\\.film-[a-z0-9]{8}\\.tar\\.gz) to=\\1\n$", output, 0, 0));
}

static void
are_not_replaced_when_the_command_fails (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;

  write_earlier (test, "out");
  task = submit_replacing (test, "echo half > $1; exit 1", "out");
  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_text (test, "out", "earlier");
  assert_folder (test, "out");
}

static void
keep_the_rights_of_those_that_they_replace (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *output = NULL;
  g_autofree char *path = command_test_path (test, "out");
  struct stat now;

  write_earlier (test, "out");
  g_assert_no_errno (chmod (path, 0600));
  task = submit_replacing (test, "umask 022; echo new > $1", "out");
  output = command_test_wait_output (task);
  assert_text (test, "out", "new\n");
  g_assert_no_errno (stat (path, &now));
  g_assert_cmpuint (now.st_mode & 0777, ==, 0600);
}

static void
are_missed_where_a_command_ends_well_without_them (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = submit_replacing (test, "true", "out");
  const GError *error = command_test_wait_failed (task, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);

  ferry_test_assert_says (error->message, "has not written the output file");
}

static void
are_refused_where_no_argument_names_them (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo > out", new_options ("out", TRUE));

  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  assert_folder (test, NULL);
}

static void
may_be_the_standard_output (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  GVariantDict *options = new_options ("out", TRUE);
  g_autoptr (FerryTask) task = NULL;

  write_earlier (test, "out");
  g_variant_dict_insert_value (options, "output-file", g_variant_new_bytestring ("out"));
  task = command_test_submit_script (test, "echo half; exit 1", options);
  command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 1);
  assert_text (test, "out", "earlier");
  assert_folder (test, "out");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-files/stay-when-the-command-succeeds", stay_when_the_command_succeeds);
  g_test_add_func ("/command-files/are-removed-when-the-command-fails", are_removed_when_the_command_fails);
  g_test_add_func ("/command-files/are-removed-when-the-command-is-cancelled",
                   are_removed_when_the_command_is_cancelled);
  g_test_add_func ("/command-files/are-removed-with-the-folder-that-they-are-in",
                   are_removed_with_the_folder_that_they_are_in);
  g_test_add_func ("/command-files/stay-when-the-command-has-not-changed-them",
                   stay_when_the_command_has_not_changed_them);
  g_test_add_func ("/command-files/stay-where-a-folder-was-there-before", stay_where_a_folder_was_there_before);
  g_test_add_func ("/command-files/are-moved-into-place-when-the-command-succeeds",
                   are_moved_into_place_when_the_command_succeeds);
  g_test_add_func ("/command-files/are-not-replaced-when-the-command-fails", are_not_replaced_when_the_command_fails);
  g_test_add_func ("/command-files/keep-the-rights-of-those-that-they-replace",
                   keep_the_rights_of_those_that_they_replace);
  g_test_add_func ("/command-files/are-missed-where-a-command-ends-well-without-them",
                   are_missed_where_a_command_ends_well_without_them);
  g_test_add_func ("/command-files/are-refused-where-no-argument-names-them", are_refused_where_no_argument_names_them);
  g_test_add_func ("/command-files/may-be-the-standard-output", may_be_the_standard_output);

  return g_test_run ();
}
