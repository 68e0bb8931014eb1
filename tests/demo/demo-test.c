/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "demo-test.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK "FERRY_DEMO_TEST_MARK"

static char *state_folder;

static char *
get_program (const char *name)
{
  return g_test_build_filename (G_TEST_BUILT, "..", "demo-app", name, NULL);
}

void
demo_test_init (void)
{
  g_autofree char *mark = g_uuid_string_random ();
  g_autofree char *worker = get_program ("ferry-demo-worker");

  g_setenv (MARK, mark, TRUE);
  g_setenv ("FERRY_DEMO_WORKER", worker, TRUE);
  state_folder = demo_test_folder_new ();
  g_setenv ("XDG_STATE_HOME", state_folder, TRUE);
}

int
demo_test_run_all (void)
{
  int status = g_test_run ();

  demo_test_folder_remove (state_folder);
  return status;
}

gboolean
demo_test_has_display (void)
{
  ferry_test_let_tooltips_end ();
  if (g_getenv ("DISPLAY") != NULL || g_getenv ("WAYLAND_DISPLAY") != NULL)
    return TRUE;
  g_test_skip ("There is no display");
  return FALSE;
}

/* Whether the process is one of the workers' program, and has the mark. */
static gboolean
is_ours (const char *pid)
{
  g_autofree char *program_path = g_build_filename ("/proc", pid, "exe", NULL);
  g_autofree char *variables_path = g_build_filename ("/proc", pid, "environ", NULL);
  g_autofree char *mark = g_strconcat (MARK "=", g_getenv (MARK), NULL);
  g_autofree char *program = g_file_read_link (program_path, NULL);
  g_autofree char *variables = NULL;
  gsize size;

  return program != NULL &&
         (g_str_has_suffix (program, "/ferry-demo-worker") || g_str_has_suffix (program, "/lying-worker")) &&
         g_file_get_contents (variables_path, &variables, &size, NULL) &&
         memmem (variables, size, mark, strlen (mark)) != NULL;
}

/* The parent of a process, or 0 when it is gone, and whether a fork server has forked it ahead. Its name, which may
 * hold anything, ends at the last bracket. */
static guint
get_parent (const char *pid, gboolean *is_ahead)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "stat", NULL);
  g_autofree char *line = NULL;
  const char *bracket;
  unsigned int parent = 0;

  if (!g_file_get_contents (path, &line, NULL, NULL))
    return 0;
  *is_ahead = strstr (line, "(preforked) ") != NULL;
  bracket = strrchr (line, ')');
  return bracket != NULL && sscanf (bracket, ") %*c %u", &parent) == 1 ? parent : 0;
}

/* A fork server, which is the parent of workers, is none itself, and neither is the child that it has forked ahead.
 * When there is no worker they count as one, so that neither is left behind. */
guint
demo_test_count_workers (void)
{
  g_autoptr (GDir) processes = g_dir_open ("/proc", 0, NULL);
  g_autoptr (GHashTable) ours = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) others = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  gpointer pid;
  const char *name;
  guint n_workers = 0;

  g_assert_nonnull (processes);
  while ((name = g_dir_read_name (processes)) != NULL)
    if (g_ascii_isdigit (*name) && is_ours (name))
      {
        gboolean is_ahead = FALSE;

        g_hash_table_add (others, GUINT_TO_POINTER (get_parent (name, &is_ahead)));
        pid = GUINT_TO_POINTER (strtoul (name, NULL, 10));
        g_hash_table_add (ours, pid);
        if (is_ahead)
          g_hash_table_add (others, pid);
      }
  g_hash_table_iter_init (&iter, ours);
  while (g_hash_table_iter_next (&iter, &pid, NULL))
    n_workers += !g_hash_table_contains (others, pid);
  return n_workers > 0 ? n_workers : MIN (g_hash_table_size (ours), 1);
}

static gboolean
has_workers (gpointer data)
{
  return demo_test_count_workers () == *(guint *) data;
}

void
demo_test_wait_workers (guint n_workers)
{
  ferry_test_look_until (has_workers, &n_workers);
}

char *
demo_test_folder_new (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("ferry-demo-XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) directory = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *inside = g_build_filename (path, name, NULL);

      remove_all (inside);
    }
  g_assert_no_errno (g_remove (path));
}

void
demo_test_folder_remove (char *folder)
{
  remove_all (folder);
  g_free (folder);
}

void
demo_test_forget_tasks (void)
{
  remove_all (state_folder);
  g_assert_no_errno (g_mkdir (state_folder, 0700));
}

void
demo_test_write (const char *folder, const char *name, const char *contents)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, contents, -1, &error);
  g_assert_no_error (error);
}

DemoRun *
demo_test_start (const char *setting, const char *const *arguments)
{
  g_autoptr (GSubprocessLauncher) launcher =
    g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *program = get_program ("ferry-demo");
  g_auto (GStrv) parts = g_strsplit (setting != NULL ? setting : "", "=", 2);
  g_autoptr (GError) error = NULL;
  DemoRun *run = g_new0 (DemoRun, 1);

  if (parts[0] != NULL && parts[1] != NULL)
    g_subprocess_launcher_setenv (launcher, parts[0], parts[1], TRUE);
  else if (parts[0] != NULL)
    g_subprocess_launcher_unsetenv (launcher, parts[0]);

  g_ptr_array_add (argv, program);
  for (guint i = 0; arguments[i] != NULL; i++)
    g_ptr_array_add (argv, (gpointer) arguments[i]);
  g_ptr_array_add (argv, NULL);
  run->process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, &error);
  g_assert_no_error (error);
  return run;
}

static char *
get_text (GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return size > 0 ? g_strndup (data, size) : g_strdup ("");
}

void
demo_test_finish (DemoRun *run)
{
  g_autoptr (GBytes) output = NULL;
  g_autoptr (GBytes) errors = NULL;
  g_autoptr (GError) error = NULL;

  g_subprocess_communicate (run->process, NULL, NULL, &output, &errors, &error);
  g_assert_no_error (error);
  run->output = get_text (output);
  run->errors = get_text (errors);
}

void
demo_test_run_free (DemoRun *run)
{
  g_object_unref (run->process);
  g_free (run->output);
  g_free (run->errors);
  g_free (run);
}
