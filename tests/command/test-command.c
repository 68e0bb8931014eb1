/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command/ferry-command.c, process/ferry-own-program.c
 *
 * What a command has, what its task's call says of that, and where the worker is looked for. */

#include "config.h"

#include "command/ferry-command.h"

#include "ferry-test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process/ferry-own-program-private.h"
#include "task/ferry-task-private.h"

static FerryCommand *
new_command (const char *program)
{
  return ferry_command_new ((const char *const[]){program, "-l", NULL});
}

/* (transfer full): the arguments of the task, as the worker gets them. */
static GVariant *
get_arguments (FerryTask *task)
{
  g_autoptr (GVariant) arguments = NULL;

  g_object_get (task, "arguments", &arguments, NULL);
  g_assert_true (g_variant_is_of_type (arguments, G_VARIANT_TYPE_VARDICT));
  return g_steal_pointer (&arguments);
}

/* (transfer full): what the command has of its own. The rest is what the application has at the moment. */
static GVariant *
get_own (GVariant *arguments)
{
  const char *const surroundings[] = {"default-environment", "default-directory", "umask", NULL};
  g_auto (GVariantBuilder) own = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_iter_init (&iter, arguments);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    if (!g_strv_contains (surroundings, name))
      g_variant_builder_add (&own, "{sv}", name, value);
  return g_variant_ref_sink (g_variant_builder_end (&own));
}

static void
assert_arguments (FerryCommand *command, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = ferry_task_new_for_command (command, &error);
  g_autoptr (GVariant) arguments = NULL;
  g_autoptr (GVariant) own = NULL;
  g_autofree char *printed = NULL;

  g_assert_no_error (error);
  arguments = get_arguments (task);
  own = get_own (arguments);
  printed = g_variant_print (own, FALSE);
  g_assert_cmpstr (printed, ==, expected);
}

static void
test_defaults (void)
{
  g_autoptr (FerryCommand) command = new_command ("ls");
  g_autofree char *directory = NULL;
  gboolean polite, terminal, confined;
  guint64 limit;
  int cancel_signal;
  FerryCommandProgress progress;

  g_object_get (command, "polite", &polite, "terminal", &terminal, "confined", &confined, "output-limit", &limit,
                "cancel-signal", &cancel_signal, "progress", &progress, "directory", &directory, NULL);
  g_assert_true (polite && !terminal && !confined);
  g_assert_cmpuint (limit, ==, 1024 * 1024);
  g_assert_cmpint (cancel_signal, ==, SIGINT);
  g_assert_cmpint (progress, ==, FERRY_COMMAND_PROGRESS_AUTOMATIC);
  g_assert_null (directory);
  assert_arguments (command, "{'argv': <[b'ls', b'-l']>}");
}

static void
test_each_property_travels_under_its_name (void)
{
  const char *const files[] = {"out.mp4", NULL};
  g_autoptr (FerryCommand) command = g_object_new (
    FERRY_TYPE_COMMAND, "argv", (const char *const[]){"ffmpeg", NULL}, "environment",
    (const char *const[]){"PATH=/bin", NULL}, "directory", "/tmp", "input-file", "in.mp4", "output-file", "log",
    "output-limit", G_GUINT64_CONSTANT (7), "fail-at-output-limit", TRUE, "merge-streams", TRUE, "all-lines", TRUE,
    "terminal", TRUE, "cleans-up", TRUE, "progress", FERRY_COMMAND_PROGRESS_KEYS, "progress-pattern",
    "done=out_time_us", "total", 1.5, "unit", "s", "cancel-signal", SIGTERM, "success-statuses",
    g_variant_new_parsed ("[0, 1]"), "output-files", files, "replace-output-files", TRUE, "end-session", TRUE, "polite",
    FALSE, "confined", TRUE, "readable-folders", (const char *const[]){"/usr", NULL}, "writable-folders",
    (const char *const[]){"/tmp", NULL}, "network", TRUE, NULL);

  assert_arguments (command,
                    "{'argv': <[b'ffmpeg']>, 'environment': <[b'PATH=/bin']>, 'directory': <b'/tmp'>, "
                    "'input-file': <b'in.mp4'>, 'output-file': <b'log'>, 'output-limit': <uint64 7>, "
                    "'fail-at-output-limit': <true>, 'merge-streams': <true>, "
                    "'all-lines': <true>, 'terminal': <true>, 'progress': <5>, "
                    "'progress-pattern': <'done=out_time_us'>, 'total': <1.5>, 'unit': <'s'>, "
                    "'cancel-signal': <15>, 'success-statuses': <[0, 1]>, 'output-files': <[b'out.mp4']>, "
                    "'replace-output-files': <true>, 'end-session': <true>, 'cleans-up': <true>, 'polite': <false>, "
                    "'confined': <true>, 'readable-folders': <[b'/usr']>, 'writable-folders': <[b'/tmp']>, "
                    "'network': <true>}");
  g_assert_cmpint (FERRY_COMMAND_PROGRESS_KEYS, ==, 5);
}

static void
test_names_need_not_be_utf_8 (void)
{
  g_autoptr (FerryCommand) command = new_command ("/opt/caf\xe9");
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = NULL;

  g_object_set (command, "directory", "/home/\xff", NULL);
  assert_arguments (command, "{'argv': <[b'/opt/caf\\351', b'-l']>, 'directory': <b'/home/\\377'>}");
  task = ferry_task_new_for_command (command, &error);
  g_assert_no_error (error);
  g_assert_true (g_utf8_validate (ferry_task_get_name (task), -1, NULL));
}

static void
test_a_relative_folder_is_seen_from_the_application (void)
{
  g_autoptr (FerryCommand) command = new_command ("ls");
  g_autofree char *before = g_get_current_dir ();

  g_object_set (command, "directory", "bin", NULL);
  g_assert_no_errno (chdir ("/usr"));
  assert_arguments (command, "{'argv': <[b'ls', b'-l']>, 'directory': <b'/usr/bin'>}");
  g_assert_no_errno (chdir (before));
}

static void
test_an_empty_environment_is_not_the_applications (void)
{
  g_autoptr (FerryCommand) command = new_command ("ls");

  g_object_set (command, "environment", (const char *const[]){NULL}, NULL);
  assert_arguments (command, "{'argv': <[b'ls', b'-l']>, 'environment': <@aay []>}");
}

static void
test_a_task_takes_the_values_of_its_moment (void)
{
  g_autoptr (FerryCommand) command = new_command ("/usr/bin/ls");
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = ferry_task_new_for_command (command, &error);
  g_autoptr (GVariant) arguments = NULL;
  g_autoptr (GVariant) own = NULL;
  g_autofree char *printed = NULL;
  FerryTaskKind kind;

  g_assert_no_error (error);
  g_object_set (command, "argv", (const char *const[]){"rm", NULL}, "directory", "/", NULL);
  arguments = get_arguments (task);
  own = get_own (arguments);
  printed = g_variant_print (own, FALSE);
  g_assert_cmpstr (printed, ==, "{'argv': <[b'/usr/bin/ls', b'-l']>}");
  g_object_get (task, "kind", &kind, NULL);
  g_assert_cmpint (kind, ==, FERRY_TASK_KIND_PROGRESS);
  g_assert_cmpstr (ferry_task_get_name (task), ==, "ls");
}

/* The value of a variable in the environment that a task made now gives its command; NULL: it has none. */
static char *
pack_variable (const char *name)
{
  g_autoptr (FerryCommand) command = new_command ("ls");
  g_autoptr (FerryTask) task = ferry_task_new_for_command (command, NULL);
  g_autoptr (GVariant) arguments = get_arguments (task);
  g_auto (GStrv) environment = NULL;

  g_assert_true (g_variant_lookup (arguments, "default-environment", "^aay", &environment));
  return g_strdup (g_environ_getenv (environment, name));
}

static void
assert_variable (const char *expected)
{
  g_autofree char *value = pack_variable ("FERRYTEST");

  g_assert_cmpstr (value, ==, expected);
}

static void
test_a_task_takes_the_environment_of_its_moment (void)
{
  char in_place[] = "FERRYTEST=three";
  char **before = environ;

  assert_variable (NULL);
  g_setenv ("FERRYTEST", "one", TRUE);
  assert_variable ("one");
  g_setenv ("FERRYTEST", "longer than one", TRUE);
  assert_variable ("longer than one");
  g_assert_no_errno (putenv (in_place));
  assert_variable ("three");
  memcpy (in_place, "FERRYTEST=THREE", sizeof in_place);
  assert_variable ("THREE");
  g_unsetenv ("FERRYTEST");
  assert_variable (NULL);
  /* As clearenv() has it. */
  environ = NULL;
  g_assert_null (pack_variable ("HOME"));
  environ = before;
  g_setenv ("FERRYTEST", "again", TRUE);
  assert_variable ("again");
}

static void
assert_surroundings (FerryCommand *command, const char *folder, int mask)
{
  g_autoptr (FerryTask) task = ferry_task_new_for_command (command, NULL);
  g_autoptr (GVariant) arguments = get_arguments (task);
  const char *packed_folder;
  int packed_mask;

  g_assert_true (g_variant_lookup (arguments, "default-directory", "^&ay", &packed_folder));
  g_assert_true (g_variant_lookup (arguments, "umask", "i", &packed_mask));
  g_assert_cmpstr (packed_folder, ==, folder);
  g_assert_cmpint (packed_mask, ==, mask);
}

static void
test_a_task_takes_folder_and_mask_of_its_moment (void)
{
  g_autoptr (FerryCommand) command = new_command ("ls");
  g_autofree char *before = g_get_current_dir ();
  mode_t mask = umask (027);

  g_assert_no_errno (chdir ("/"));
  assert_surroundings (command, "/", 027);
  umask (077);
  g_assert_no_errno (chdir (before));
  assert_surroundings (command, before, 077);
  umask (mask);
}

static void
test_a_small_input_travels_with_the_call (void)
{
  g_autoptr (FerryCommand) command = new_command ("cat");
  g_autoptr (GBytes) bytes = g_bytes_new_static ("a\0b", 3);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = NULL;

  g_object_set (command, "input", bytes, NULL);
  assert_arguments (command, "{'argv': <[b'cat', b'-l']>, 'input': <[byte 0x61, 0x00, 0x62]>}");
  task = ferry_task_new_for_command (command, &error);
  g_assert_no_error (error);
  g_assert_false (ferry_task_get_run (task)->has_handles);
}

static void
test_a_large_input_travels_beside_the_call (void)
{
  g_autoptr (FerryCommand) command = new_command ("cat");
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (16 * 1024 + 1), 16 * 1024 + 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = NULL;

  g_object_set (command, "input", bytes, NULL);
  assert_arguments (command, "{'argv': <[b'cat', b'-l']>, 'input': <0>}");
  task = ferry_task_new_for_command (command, &error);
  g_assert_no_error (error);
  g_assert_true (ferry_task_get_run (task)->has_handles);
}

static void
test_a_command_without_a_program_is_refused (void)
{
  const char *const *const empty[] = {(const char *const[]){NULL}, (const char *const[]){"", NULL}};

  for (guint i = 0; i < G_N_ELEMENTS (empty); i++)
    {
      g_autoptr (FerryCommand) command = ferry_command_new (empty[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (ferry_task_new_for_command (command, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
    }
}

static void
test_two_inputs_are_refused (void)
{
  g_autoptr (FerryCommand) command = new_command ("cat");
  g_autoptr (GBytes) bytes = g_bytes_new_static ("text", 4);
  g_autoptr (GError) error = NULL;

  g_object_set (command, "input", bytes, "input-file", "/dev/zero", NULL);
  g_assert_null (ferry_task_new_for_command (command, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (error->message, "set one of"));
}

/* ---- where the worker is ---- */

static void
test_a_missing_worker_is_an_error_that_says_what_to_do (void)
{
  g_autoptr (GError) error = NULL;

  if (g_test_subprocess ())
    {
      g_setenv ("FERRY_COMMAND", "/nowhere/ferry-command", TRUE);
      g_assert_null (ferry_executor_new_for_commands (&error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
      g_assert_nonnull (strstr (error->message, "/nowhere/ferry-command"));
      g_assert_nonnull (strstr (error->message, "install Ferry"));
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

static void
test_a_program_that_is_nowhere_is_sought_where_it_would_be_installed (void)
{
  g_autofree char *path = ferry_find_own_program ("no-such-program", "FERRY_NO_SUCH_PROGRAM");

  g_assert_cmpstr (path, ==, FERRY_LIBDIR G_DIR_SEPARATOR_S FERRY_PRIVATE_FOLDER G_DIR_SEPARATOR_S "no-such-program");
}

/* This program has the library in it, however it was started: by a relative path, too. */
static void
test_a_program_with_the_library_in_it_finds_what_is_beside_itself (void)
{
  g_autofree char *own = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *name = g_path_get_basename (own);
  g_autofree char *found = ferry_find_own_program (name, "FERRY_NO_SUCH_PROGRAM");
  g_autofree char *path = g_canonicalize_filename (found, "/");

  g_assert_cmpstr (path, ==, own);
}

static void
test_a_variable_names_the_program (void)
{
  g_autofree char *path = NULL;

  g_setenv ("FERRY_NO_SUCH_PROGRAM", "/somewhere/else", TRUE);
  path = ferry_find_own_program ("no-such-program", "FERRY_NO_SUCH_PROGRAM");
  g_assert_cmpstr (path, ==, "/somewhere/else");
  g_unsetenv ("FERRY_NO_SUCH_PROGRAM");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/command/defaults-do-not-travel", test_defaults);
  g_test_add_func ("/command/each-property-travels-under-its-name", test_each_property_travels_under_its_name);
  g_test_add_func ("/command/names-need-not-be-utf-8", test_names_need_not_be_utf_8);
  g_test_add_func ("/command/a-relative-folder-is-seen-from-the-application",
                   test_a_relative_folder_is_seen_from_the_application);
  g_test_add_func ("/command/an-empty-environment-is-not-the-applications",
                   test_an_empty_environment_is_not_the_applications);
  g_test_add_func ("/command/a-task-takes-the-values-of-its-moment", test_a_task_takes_the_values_of_its_moment);
  g_test_add_func ("/command/a-task-takes-the-environment-of-its-moment",
                   test_a_task_takes_the_environment_of_its_moment);
  g_test_add_func ("/command/a-task-takes-folder-and-mask-of-its-moment",
                   test_a_task_takes_folder_and_mask_of_its_moment);
  g_test_add_func ("/command/a-small-input-travels-with-the-call", test_a_small_input_travels_with_the_call);
  g_test_add_func ("/command/a-large-input-travels-beside-the-call", test_a_large_input_travels_beside_the_call);
  g_test_add_func ("/command/one-without-a-program-is-refused", test_a_command_without_a_program_is_refused);
  g_test_add_func ("/command/two-inputs-are-refused", test_two_inputs_are_refused);
  g_test_add_func ("/command/a-missing-worker-is-an-error-that-says-what-to-do",
                   test_a_missing_worker_is_an_error_that_says_what_to_do);
  g_test_add_func ("/command/a-program-that-is-nowhere-is-sought-where-it-would-be-installed",
                   test_a_program_that_is_nowhere_is_sought_where_it_would_be_installed);
  g_test_add_func ("/command/a-program-with-the-library-in-it-finds-what-is-beside-itself",
                   test_a_program_with_the_library_in_it_finds_what_is_beside_itself);
  g_test_add_func ("/command/a-variable-names-the-program", test_a_variable_names_the_program);
  return g_test_run ();
}
