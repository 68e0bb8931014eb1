/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-guardian-main.c, process/ferry-guardian-start.c, link/ferry-guardian.c
 *
 * The application dies, and leaves nothing behind: no process, whatever its workers do, and no memory. */

#include "config.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "process/worker-test.h"

/* What a link's memory is called in /proc. */
#define MEMORY_NAME "/memfd:ferry-link"

#define N_WORKERS 7
/* Workers, and three that one of them has made the application's. */
#define N_CHILDREN 10

typedef struct
{
  GPid pid;
  int input;
  int output;
  GArray *workers;    /* (element-type GPid): and what else the application is the parent of */
  GHashTable *inodes; /* (element-type utf8): of its links' memory */
  GPid guardian;
} Application;

/* Adds the inode numbers of the links' memory that a process has mapped to a set. */
static void
collect_mapped (GPid pid, GHashTable *inodes)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/maps", (int) pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      unsigned long inode;

      /* address, permissions, offset, device, inode, name */
      if (strstr (*line, MEMORY_NAME) != NULL && sscanf (*line, "%*s %*s %*s %*s %lu", &inode) == 1)
        g_hash_table_add (inodes, g_strdup_printf ("%lu", inode));
    }
}

/* Adds those that it has open. */
static void
collect_open (GPid pid, GHashTable *inodes)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fd", (int) pid);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *link = g_build_filename (path, name, NULL);
      g_autofree char *target = g_file_read_link (link, NULL);
      GStatBuf file;

      if (target != NULL && g_str_has_prefix (target, MEMORY_NAME) && g_stat (link, &file) == 0)
        g_hash_table_add (inodes, g_strdup_printf ("%lu", (unsigned long) file.st_ino));
    }
}

/* The links' memory that any process has. */
static GHashTable *
collect_all (void)
{
  GHashTable *inodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GDir) folder = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    if (g_ascii_isdigit (name[0]))
      {
        collect_mapped (atoi (name), inodes);
        collect_open (atoi (name), inodes);
      }
  return inodes;
}

static GPid
get_parent (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) pid);
  g_autofree char *text = NULL;
  int parent = 0;

  if (g_file_get_contents (path, &text, NULL, NULL))
    sscanf (strrchr (text, ')'), ") %*c %d", &parent);
  return parent;
}

static char *
get_name (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/comm", (int) pid);
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? g_strstrip (text) : g_strdup ("");
}

/* All that the application is the parent of. */
static GArray *
collect_children (Application *self)
{
  GArray *children = g_array_new (FALSE, FALSE, sizeof (GPid));
  g_autoptr (GDir) folder = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    {
      GPid pid = atoi (name);

      if (pid > 0 && get_parent (pid) == self->pid)
        g_array_append_val (children, pid);
    }
  return children;
}

/* Whether a process has a pidfd of another one. */
static gboolean
has_pidfd (GPid pid, GPid other)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fdinfo", (int) pid);
  g_autofree char *line = g_strdup_printf ("\nPid:\t%d\n", (int) other);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);
      g_autofree char *text = NULL;

      if (g_file_get_contents (file, &text, NULL, NULL) && strstr (text, line) != NULL)
        return TRUE;
    }
  return FALSE;
}

/* The application's guardian, or 0. */
static GPid
find_guardian (Application *self)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    {
      GPid pid = atoi (name);
      g_autofree char *program = pid > 0 ? get_name (pid) : NULL;

      if (g_strcmp0 (program, "ferry-guardian") == 0 && has_pidfd (pid, self->pid))
        return pid;
    }
  return 0;
}

static gboolean
has_guardian (gpointer data)
{
  Application *application = data;

  application->guardian = find_guardian (application);
  return application->guardian != 0;
}

/* Starts an application, and waits until its workers and its guardian are what they are. folder, environment
 * (nullable): those of this process. */
static Application
application_start_in (const char *folder, char **environment)
{
  g_autofree char *program = ferry_test_build_path ("doomed-application");
  char *argv[] = {program, (char *) g_getenv ("FERRY_TEST_WORKER"), NULL};
  Application self = {.workers = g_array_new (FALSE, FALSE, sizeof (GPid))};
  g_autoptr (GError) error = NULL;

  g_spawn_async_with_pipes (folder, argv, environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &self.pid, &self.input,
                            &self.output, NULL, &error);
  g_assert_no_error (error);
  for (;;)
    {
      g_autofree char *line = worker_test_read_line (self.output);
      GPid pid = atoi (line);

      if (pid == 0)
        break;
      g_assert_true (ferry_test_is_alive (pid));
      g_array_append_val (self.workers, pid);
    }
  g_assert_cmpuint (self.workers->len, ==, N_WORKERS);
  g_array_unref (self.workers);
  self.workers = collect_children (&self);
  ferry_test_look_until (has_guardian, &self);
  g_assert_cmpuint (self.workers->len, ==, N_CHILDREN);
  self.inodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  collect_mapped (self.pid, self.inodes);
  g_assert_cmpuint (g_hash_table_size (self.inodes), ==, N_WORKERS);
  return self;
}

static Application
application_start (void)
{
  return application_start_in (NULL, NULL);
}

static void
assert_nothing_is_left (Application *self)
{
  g_autoptr (GHashTable) left = NULL;
  GHashTableIter iter;
  gpointer inode;

  waitpid (self->pid, NULL, 0);
  for (guint i = 0; i < self->workers->len; i++)
    worker_test_wait_gone (g_array_index (self->workers, GPid, i));
  worker_test_wait_gone (self->guardian);
  left = collect_all ();
  g_hash_table_iter_init (&iter, self->inodes);
  while (g_hash_table_iter_next (&iter, &inode, NULL))
    g_assert_false (g_hash_table_contains (left, inode));
  ferry_clear_fd (&self->input);
  ferry_clear_fd (&self->output);
  g_array_unref (self->workers);
  g_hash_table_unref (self->inodes);
}

static const int signals[] = {SIGKILL, SIGTERM, SIGHUP};

static void
test_leaves_nothing_when_killed (gconstpointer data)
{
  Application application = application_start ();

  ferry_test_kill (application.pid, signals[GPOINTER_TO_SIZE (data)]);
  assert_nothing_is_left (&application);
}

/* Stopped ones do not run, but end. */
static void
test_leaves_no_stopped_worker (void)
{
  Application application = application_start ();

  for (guint i = 0; i < application.workers->len; i++)
    ferry_test_kill (g_array_index (application.workers, GPid, i), SIGSTOP);
  ferry_test_kill (application.pid, SIGKILL);
  assert_nothing_is_left (&application);
}

static void
test_leaves_nothing_when_it_forgets_to_stop (void)
{
  Application application = application_start ();

  ferry_clear_fd (&application.input);
  assert_nothing_is_left (&application);
}

/* Whether there is one that was told of all workers. */
static gboolean
has_other_guardian (gpointer data)
{
  Application *application = data;
  GPid guardian = find_guardian (application);
  guint n_guarded = 0;

  if (guardian == 0 || guardian == application->guardian)
    return FALSE;
  for (guint i = 0; i < application->workers->len; i++)
    n_guarded += has_pidfd (guardian, g_array_index (application->workers, GPid, i));
  return n_guarded == N_WORKERS;
}

/* A process that ends the guardian gains nothing. */
static void
test_leaves_nothing_after_its_guardian_was_replaced (void)
{
  Application application = application_start ();

  ferry_test_kill (application.guardian, SIGKILL);
  worker_test_wait_gone (application.guardian);
  ferry_test_look_until (has_other_guardian, &application);
  application.guardian = find_guardian (&application);
  ferry_test_kill (application.pid, SIGKILL);
  assert_nothing_is_left (&application);
}

/* There the group of a process is ended by its number. */
static void
test_leaves_nothing_on_an_old_kernel (void)
{
  g_autofree char *usual = g_strdup (g_getenv ("FERRY_GUARDIAN"));
  g_autofree char *old = ferry_test_build_path ("old-guardian");
  Application application;

  g_setenv ("FERRY_GUARDIAN", old, TRUE);
  application = application_start ();
  g_setenv ("FERRY_GUARDIAN", usual, TRUE);
  ferry_test_kill (application.pid, SIGKILL);
  assert_nothing_is_left (&application);
}

/* The loader finds the library by a path that depends on the folder. */
static void
test_leaves_nothing_with_a_relative_path_of_the_library (void)
{
  g_autofree char *folder = ferry_test_build_path ("..");
  g_auto (GStrv) environment = g_environ_unsetenv (g_get_environ (), "FERRY_GUARDIAN");
  Application application;

  environment = g_environ_setenv (environment, "LD_LIBRARY_PATH", "router", TRUE);
  application = application_start_in (folder, environment);
  ferry_test_kill (application.pid, SIGKILL);
  assert_nothing_is_left (&application);
}

static gboolean
is_there (gpointer path)
{
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* In the place of bubblewrap there is what leaves a process that its own death does not end, as bubblewrap does while
 * it starts. */
static void
test_leaves_nothing_of_the_trial_of_bubblewrap (void)
{
  static const char script[] = "#!/bin/sh\n"
                               "tail -f /dev/null & echo $! > $FERRY_TEST_NOTE.new\n"
                               "mv $FERRY_TEST_NOTE.new $FERRY_TEST_NOTE; wait\n";
  g_autofree char *folder = g_dir_make_tmp ("ferry-XXXXXX", NULL);
  g_autofree char *bubblewrap = g_build_filename (folder, "bwrap", NULL);
  g_autofree char *note = g_build_filename (folder, "note", NULL);
  g_autofree char *program = ferry_test_build_path ("doomed-application");
  g_autofree char *path = g_strconcat (folder, ":", g_getenv ("PATH"), NULL);
  g_autofree char *text = NULL;
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GSubprocess) application = NULL;
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (bubblewrap, script, -1, G_FILE_SET_CONTENTS_NONE, 0755, &error);
  g_assert_no_error (error);
  g_subprocess_launcher_setenv (launcher, "PATH", path, TRUE);
  g_subprocess_launcher_setenv (launcher, "FERRY_TEST_NOTE", note, TRUE);
  application = g_subprocess_launcher_spawn (launcher, &error, program, "trial", NULL);
  g_assert_no_error (error);
  ferry_test_look_until (is_there, note);
  g_file_get_contents (note, &text, NULL, &error);
  g_assert_no_error (error);
  g_subprocess_force_exit (application);
  g_subprocess_wait (application, NULL, NULL);
  worker_test_wait_gone (atoi (text));
  g_unlink (bubblewrap);
  g_unlink (note);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      g_autofree char *path = g_strdup_printf ("/application/leaves-nothing-when-killed-by-signal-%d", signals[i]);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_leaves_nothing_when_killed);
    }
  g_test_add_func ("/application/leaves-nothing-after-its-guardian-was-replaced",
                   test_leaves_nothing_after_its_guardian_was_replaced);
  g_test_add_func ("/application/leaves-nothing-on-an-old-kernel", test_leaves_nothing_on_an_old_kernel);
  g_test_add_func ("/application/leaves-nothing-with-a-relative-path-of-the-library",
                   test_leaves_nothing_with_a_relative_path_of_the_library);
  g_test_add_func ("/application/leaves-nothing-of-the-trial-of-bubblewrap",
                   test_leaves_nothing_of_the_trial_of_bubblewrap);
  g_test_add_func ("/application/leaves-no-stopped-worker", test_leaves_no_stopped_worker);
  g_test_add_func ("/application/leaves-nothing-when-it-forgets-to-stop", test_leaves_nothing_when_it_forgets_to_stop);
  return g_test_run ();
}
