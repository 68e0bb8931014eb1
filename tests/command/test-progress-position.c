/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/progress-position.c
 *
 * How far this process is in files that it has open. */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "progress-position.h"

/* Larger than any other file that a test has open. */
#define LARGE (512 * 1024 * 1024)

typedef struct
{
  char *folder;
  char *path;
  int fd;
} Fixture;

/* A file without contents takes no room. */
static char *
make_file (Fixture *fixture, const char *name, gsize size)
{
  char *path = g_build_filename (fixture->folder, name, NULL);
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (ftruncate (fd, (off_t) size), ==, 0);
  close (fd);
  return path;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("ferry-test-XXXXXX", NULL);
  fixture->path = make_file (fixture, "large", LARGE);
  fixture->fd = open (fixture->path, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (fixture->fd, >=, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  close (fixture->fd);
  g_assert_cmpint (g_unlink (fixture->path), ==, 0);
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->path);
  g_free (fixture->folder);
}

static void
assert_position (ProgressPosition *self, double position, double size)
{
  const pid_t pids[] = {1 << 22, getpid ()};
  double found;
  double found_size;

  g_assert_true (progress_position_read (self, pids, G_N_ELEMENTS (pids), &found, &found_size));
  g_assert_cmpfloat (found, ==, position);
  g_assert_cmpfloat (found_size, ==, size);
}

static void
test_is_that_of_the_largest_file (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ProgressPosition) self = progress_position_new (NULL);

  assert_position (self, 0, LARGE);
  g_assert_cmpint (lseek (fixture->fd, 12345, SEEK_SET), ==, 12345);
  assert_position (self, 12345, LARGE);
}

static void
test_is_that_of_a_named_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = make_file (fixture, "small", 1000);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  const char *const paths[] = {path, NULL};
  g_autoptr (ProgressPosition) self = progress_position_new (paths);
  const pid_t pid = getpid ();
  double position;
  double size;

  g_assert_cmpint (lseek (fd, 250, SEEK_SET), ==, 250);
  assert_position (self, 250, 1000);
  close (fd);
  g_assert_false (progress_position_read (self, &pid, 1, &position, &size));
  g_assert_cmpint (g_unlink (path), ==, 0);
}

/* Files of a list, one after the other: those before count, also one that no look has met. */
static void
test_is_in_all_files_of_a_list (Fixture *fixture, gconstpointer data)
{
  g_autofree char *unseen = make_file (fixture, "unseen", 1000);
  g_autofree char *path = make_file (fixture, "next", 2000);
  const char *const paths[] = {fixture->path, unseen, "/none", path, NULL};
  g_autoptr (ProgressPosition) self = progress_position_new (paths);

  g_assert_cmpint (lseek (fixture->fd, 10, SEEK_SET), ==, 10);
  assert_position (self, 10, LARGE + 3000.0);
  close (fixture->fd);
  fixture->fd = open (path, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (lseek (fixture->fd, 5, SEEK_SET), ==, 5);
  assert_position (self, LARGE + 1005.0, LARGE + 3000.0);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_unlink (unseen), ==, 0);
  assert_position (self, LARGE + 1005.0, LARGE + 3000.0);
}

/* A file that is read twice: its position does not say which time it is. */
static void
test_is_none_of_a_file_that_is_read_twice (Fixture *fixture, gconstpointer data)
{
  const char *const paths[] = {fixture->path, fixture->path, NULL};
  g_autoptr (ProgressPosition) self = progress_position_new (paths);
  const pid_t pid = getpid ();
  double position;
  double size;

  g_assert_false (progress_position_read (self, &pid, 1, &position, &size));
}

/* What runs may make the file that it reads. */
static void
test_is_that_of_a_file_that_comes_later (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->folder, "later", NULL);
  const char *const paths[] = {path, NULL};
  g_autoptr (ProgressPosition) self = progress_position_new (paths);
  const pid_t pid = getpid ();
  double position;
  double size;
  int fd;

  g_assert_false (progress_position_read (self, &pid, 1, &position, &size));
  g_free (make_file (fixture, "later", 1000));
  fd = open (path, O_RDONLY | O_CLOEXEC);
  assert_position (self, 0, 1000);
  close (fd);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

/* As cp does, which has the system copy. */
static void
test_is_the_size_of_what_is_written (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ProgressPosition) self = progress_position_new (NULL);
  g_autofree char *path = make_file (fixture, "copy", 0);
  int fd = open (path, O_WRONLY | O_CLOEXEC);

  assert_position (self, 0, LARGE);
  g_assert_cmpint (ftruncate (fd, 777), ==, 0);
  assert_position (self, 777, LARGE);
  close (fd);
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
test_is_none_without_a_process (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ProgressPosition) self = progress_position_new (NULL);
  const pid_t pid = 1 << 22;
  double position;
  double size;

  g_assert_false (progress_position_read (self, &pid, 1, &position, &size));
  g_assert_false (progress_position_read (self, NULL, 0, &position, &size));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/progress-position/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("is-that-of-the-largest-file", test_is_that_of_the_largest_file);
  ADD ("is-that-of-a-named-file", test_is_that_of_a_named_file);
  ADD ("is-in-all-files-of-a-list", test_is_in_all_files_of_a_list);
  ADD ("is-none-of-a-file-that-is-read-twice", test_is_none_of_a_file_that_is_read_twice);
  ADD ("is-that-of-a-file-that-comes-later", test_is_that_of_a_file_that_comes_later);
  ADD ("is-the-size-of-what-is-written", test_is_the_size_of_what_is_written);
  ADD ("is-none-without-a-process", test_is_none_without_a_process);
#undef ADD
  return g_test_run ();
}
