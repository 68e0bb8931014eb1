/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-tree.c
 *
 * Folders are removed with all in them, and with nothing else. */

#include "config.h"

#include "base/ferry-tree-private.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ferry-test.h"

#define N_LEVELS 500
#define MAX_FDS 256

#define NOBODY 65534

/* (transfer full): the path of a new folder. */
static char *
make_folder (void)
{
  g_autoptr (GError) error = NULL;
  char *path = g_dir_make_tmp ("ferry-tree-XXXXXX", &error);

  g_assert_no_error (error);
  return path;
}

static void
make_file (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, "text", -1, NULL));
}

static void
assert_removed (const char *path)
{
  ferry_tree_remove (AT_FDCWD, path);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
removes_all_that_is_in_a_folder (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *below = g_build_filename (folder, "one", "two", NULL);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  g_assert_no_errno (g_mkdir_with_parents (below, 0700));
  make_file (folder, "file");
  make_file (below, "file");
  ferry_tree_empty (fd);
  close (fd);
  /* The folder itself is there, and has nothing in it. */
  g_assert_no_errno (rmdir (folder));
}

static void
removes_a_file (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *file = g_build_filename (folder, "file", NULL);

  make_file (folder, "file");
  assert_removed (file);
  assert_removed (folder);
}

static void
says_nothing_of_what_is_not_there (void)
{
  ferry_tree_remove (AT_FDCWD, "/no/such/folder");
}

static void
follows_no_link (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *other = make_folder ();
  g_autofree char *link = g_build_filename (folder, "link", NULL);
  g_autofree char *kept = g_build_filename (other, "kept", NULL);

  make_file (other, "kept");
  g_assert_no_errno (symlink (other, link));
  assert_removed (link);
  g_assert_no_errno (symlink (other, link));
  assert_removed (folder);
  g_assert_true (g_file_test (kept, G_FILE_TEST_EXISTS));
  assert_removed (other);
}

/* Root has all rights everywhere. */
static void
become_nobody (void)
{
  if (geteuid () != 0)
    return;
  g_assert_no_errno (setgroups (0, NULL));
  g_assert_no_errno (setgid (NOBODY));
  g_assert_no_errno (setuid (NOBODY));
}

static void
removes_folders_that_their_owner_may_not_write_to (void)
{
  static const mode_t modes[] = {0500, 0300, 0400, 0000};

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
      g_test_trap_assert_passed ();
      return;
    }
  become_nobody ();
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *folder = make_folder ();
      g_autofree char *below = g_build_filename (folder, "one", "two", NULL);
      g_autofree char *between = g_path_get_dirname (below);

      g_assert_no_errno (g_mkdir_with_parents (below, 0700));
      make_file (below, "file");
      g_assert_no_errno (chmod (below, modes[i]));
      g_assert_no_errno (chmod (between, modes[i]));
      g_assert_no_errno (chmod (folder, modes[i]));
      assert_removed (folder);
    }
}

/* Makes folders in each other. */
static void
make_deep (const char *folder)
{
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  for (guint i = 0; i < N_LEVELS; i++)
    {
      int below;

      g_assert_no_errno (mkdirat (fd, "a", 0700));
      below = openat (fd, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      g_assert_cmpint (below, >=, 0);
      close (fd);
      fd = below;
    }
  close (fd);
}

static void
removes_a_folder_that_is_deeper_than_there_are_descriptors (void)
{
  g_autofree char *folder = make_folder ();
  struct rlimit before;

  make_deep (folder);
  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &before));
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &(struct rlimit){MAX_FDS, before.rlim_max}));
  assert_removed (folder);
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &before));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/tree/removes-all-that-is-in-a-folder", removes_all_that_is_in_a_folder);
  g_test_add_func ("/tree/removes-a-file", removes_a_file);
  g_test_add_func ("/tree/says-nothing-of-what-is-not-there", says_nothing_of_what_is_not_there);
  g_test_add_func ("/tree/follows-no-link", follows_no_link);
  g_test_add_func ("/tree/removes-folders-that-their-owner-may-not-write-to",
                   removes_folders_that_their_owner_may_not_write_to);
  g_test_add_func ("/tree/removes-a-folder-that-is-deeper-than-there-are-descriptors",
                   removes_a_folder_that_is_deeper_than_there_are_descriptors);
  return g_test_run ();
}
