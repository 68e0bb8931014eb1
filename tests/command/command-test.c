/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "command/command-test.h"

#include <glib/gstdio.h>
#include <stdlib.h>

#include "ferry-test.h"

static char *
find_program (void)
{
  return g_build_filename (g_getenv ("G_TEST_BUILDDIR"), "..", "command-worker", "ferry-command", NULL);
}

CommandTest *
command_test_new (void)
{
  CommandTest *test = g_new0 (CommandTest, 1);
  g_autofree char *program = find_program ();
  g_autoptr (GError) error = NULL;

  test->executor = ferry_executor_new_for_program (program, &error);
  g_assert_no_error (error);
  test->folder = g_dir_make_tmp ("ferry-command-XXXXXX", &error);
  g_assert_no_error (error);
  test->lines = g_ptr_array_new_with_free_func (g_free);
  return test;
}

void
command_test_trust (CommandTest *test)
{
  g_autoptr (FerryLauncher) launcher = NULL;

  g_object_get (ferry_executor_get_pool (test->executor), "launcher", &launcher, NULL);
  g_object_set (launcher, "trusted", TRUE, NULL);
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_folder (child);
      else
        g_assert_cmpint (g_remove (child), ==, 0);
    }
  g_assert_cmpint (g_rmdir (path), ==, 0);
}

void
command_test_free (CommandTest *test)
{
  if (test->executor != NULL)
    {
      ferry_executor_stop (test->executor);
      ferry_test_finalize (g_steal_pointer (&test->executor));
    }
  remove_folder (test->folder);
  g_free (test->folder);
  g_ptr_array_unref (test->lines);
  g_free (test);
}

char *
command_test_path (CommandTest *test, const char *name)
{
  return g_build_filename (test->folder, name, NULL);
}

static void
note_message (FerryTask *task, const char *type, GVariant *value, CommandTest *test)
{
  g_autofree char *text = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    text = g_strndup (g_variant_get_data (value), g_variant_get_size (value));
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    text = g_variant_dup_string (value, NULL);
  else
    text = g_variant_print (value, FALSE);
  g_ptr_array_add (test->lines, g_strdup_printf ("%s: %s", type, text));
}

FerryTask *
command_test_submit (CommandTest *test, const char *const *argv, GVariantDict *options)
{
  g_autoptr (GVariantDict) arguments = options != NULL ? options : g_variant_dict_new (NULL);
  g_autoptr (GError) error = NULL;
  FerryTask *task;

  g_variant_dict_insert_value (arguments, "argv", g_variant_new_bytestring_array (argv, -1));
  if (!g_variant_dict_contains (arguments, "directory"))
    g_variant_dict_insert_value (arguments, "directory", g_variant_new_bytestring (test->folder));
  if (!test->is_polite && !g_variant_dict_contains (arguments, "polite"))
    g_variant_dict_insert_value (arguments, "polite", g_variant_new_boolean (FALSE));
  task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "command", g_variant_dict_end (arguments));
  if (test->cancel_grace != 0)
    ferry_task_set_cancel_grace (task, test->cancel_grace);
  if (test->run_timeout != 0)
    ferry_task_set_run_timeout (task, test->run_timeout);
  g_ptr_array_set_size (test->lines, 0);
  g_signal_connect (task, "message", G_CALLBACK (note_message), test);
  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_no_error (error);
  return task;
}

FerryTask *
command_test_submit_script (CommandTest *test, const char *script, GVariantDict *options)
{
  return command_test_submit (test, (const char *const[]){"sh", "-c", script, NULL}, options);
}

static gboolean
is_done (gpointer task)
{
  return ferry_test_get_number (task, "is-done") != 0;
}

void
command_test_wait (FerryTask *task)
{
  ferry_test_run_until (is_done, task);
}

GVariant *
command_test_wait_partial (FerryTask *task, GQuark domain, int code)
{
  command_test_wait_failed (task, domain, code);
  return g_variant_ref (ferry_test_get_variant (task, "partial-result"));
}

char *
command_test_wait_output (FerryTask *task)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GVariant) output = NULL;
  gconstpointer bytes;
  gsize size;

  command_test_wait (task);
  result = ferry_task_get_result (task, &error);
  g_assert_no_error (error);
  output = g_variant_get_child_value (result, 1);
  bytes = g_variant_get_fixed_array (output, &size, 1);
  return g_strndup (bytes != NULL ? bytes : "", size);
}

const GError *
command_test_wait_failed (FerryTask *task, GQuark domain, int code)
{
  const GError *error;

  command_test_wait (task);
  error = ferry_test_get_error (task, "error");
  g_assert_error (error, domain, code);
  return error;
}

void
command_test_wait_cancelled (FerryTask *task)
{
  command_test_wait (task);
  g_assert_cmpint (ferry_test_get_number (task, "state"), ==, FERRY_TASK_STATE_CANCELLED);
}

static gboolean
has_worker (gpointer task)
{
  return ferry_test_get_string (task, "identifier") != NULL;
}

FerryWorker *
command_test_wait_worker (CommandTest *test, FerryTask *task)
{
  ferry_test_run_until (has_worker, task);
  return ferry_test_get_worker (ferry_executor_get_pool (test->executor), task);
}

static gboolean
is_written (gpointer path)
{
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) && g_str_has_suffix (text, "\n");
}

void
command_test_wait_file (CommandTest *test, const char *name)
{
  g_autofree char *path = command_test_path (test, name);

  ferry_test_look_until (is_written, path);
}

void
command_test_wait_file_unheard (CommandTest *test, const char *name)
{
  g_autofree char *path = command_test_path (test, name);
  const gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  while (!is_written (path))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

char *
command_test_read (CommandTest *test, const char *name)
{
  g_autofree char *path = command_test_path (test, name);
  g_autoptr (GError) error = NULL;
  char *text;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

GPid
command_test_wait_pid (CommandTest *test, const char *name)
{
  g_autofree char *text = NULL;

  command_test_wait_file (test, name);
  text = command_test_read (test, name);
  return (GPid) atoi (text);
}

static gboolean
is_gone (gpointer pid)
{
  return !ferry_test_is_alive (GPOINTER_TO_INT (pid));
}

void
command_test_wait_gone (GPid pid)
{
  ferry_test_look_until (is_gone, GINT_TO_POINTER (pid));
}

gboolean
command_test_can_confine (void)
{
  const char *argv[] = {"bwrap", "--ro-bind", "/", "/", "--unshare-all", "--proc", "/proc", "true", NULL};
  int status;

  if (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL,
                    NULL, &status, NULL) &&
      status == 0)
    return TRUE;
  g_test_skip ("bubblewrap cannot make namespaces here");
  return FALSE;
}
