/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-store.c
 *
 * What is kept of a stream: all of it, or its first and its last part, in this process, in memory or in a file. */

#include "config.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command-store.h"
#include "ferry-test.h"

/* The stream has the numbers of its places, so that any cut is seen. */
static void
fill (guint8 *bytes, gsize size, guint64 place)
{
  for (gsize i = 0; i < size; i++, place++)
    bytes[i] = (guint8) (place * 7 + (place >> 8));
}

static void
add (CommandStore *store, guint64 size, gsize step)
{
  g_autofree guint8 *bytes = g_malloc (step);
  g_autoptr (GError) error = NULL;

  for (guint64 at = 0; at < size; at += step)
    {
      gsize n = (gsize) MIN (step, size - at);

      fill (bytes, n, at);
      g_assert_true (command_store_add (store, bytes, n, &error));
      g_assert_no_error (error);
    }
  g_assert_true (command_store_end (store, &error));
  g_assert_no_error (error);
}

/* Asserts that the store has the first bytes of the stream, and the last ones. */
static void
assert_kept (CommandStore *store, guint64 size, guint64 first, guint64 last)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) kept = command_store_dup_bytes (store, &error);
  g_autofree guint8 *expected = g_malloc (first + last);
  guint64 n_left_out;
  guint64 gap = command_store_get_gap (store, &n_left_out);

  g_assert_no_error (error);
  fill (expected, first, 0);
  fill (expected + first, last, size - last);
  g_assert_cmpuint (command_store_get_size (store), ==, first + last);
  g_assert_cmpmem (g_bytes_get_data (kept, NULL), g_bytes_get_size (kept), expected, first + last);
  g_assert_cmpuint (n_left_out, ==, size - first - last);
  if (n_left_out > 0)
    g_assert_cmpuint (gap, ==, first);
}

static void
keeps_all_up_to_the_limit (void)
{
  for (guint64 size = 0; size <= 10; size++)
    {
      g_autoptr (CommandStore) store = command_store_new (10, 4);

      add (store, size, 3);
      assert_kept (store, size, size, 0);
    }
}

static void
keeps_the_first_and_the_last_part_of_more (void)
{
  for (guint round = 0; round < 500; round++)
    {
      guint64 limit = (guint64) g_test_rand_int_range (1, 100);
      gsize last = (gsize) g_test_rand_int_range (0, (gint32) limit + 1);
      guint64 size = limit + (guint64) g_test_rand_int_range (1, 300);
      g_autoptr (CommandStore) store = command_store_new (limit, last);

      add (store, size, (gsize) g_test_rand_int_range (1, 150));
      assert_kept (store, size, limit - last, last);
    }
}

static void
keeps_nothing_where_the_limit_is_0 (void)
{
  g_autoptr (CommandStore) store = command_store_new (0, 0);

  add (store, 1000, 7);
  assert_kept (store, 1000, 0, 0);
}

static void
keeps_much_in_memory (void)
{
  const guint64 size = 3 * COMMAND_STORE_HELD + 5;
  g_autoptr (CommandStore) whole = command_store_new (G_MAXUINT64, 100);
  g_autoptr (CommandStore) cut = command_store_new (2 * COMMAND_STORE_HELD, COMMAND_STORE_HELD);

  add (whole, size, 10007);
  assert_kept (whole, size, size, 0);
  add (cut, size, 10007);
  assert_kept (cut, size, COMMAND_STORE_HELD, COMMAND_STORE_HELD);
}

/* Memory is sealed, so that who maps it need not fear that it changes. */
static void
gives_its_bytes_with_what_is_around_them (void)
{
  const guint64 size = 2 * COMMAND_STORE_HELD;
  g_autoptr (CommandStore) store = command_store_new (G_MAXUINT64, 0);
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *found = g_malloc (size + 8);
  g_autofree guint8 *expected = g_malloc (size);
  int fd;

  add (store, size, 4096);
  fd = command_store_finish (store, (const guint8 *) "head", (const guint8 *) "tail", 4, &error);
  g_assert_no_error (error);
  fill (expected, size, 0);
  g_assert_cmpint (pread (fd, found, size + 8, 0), ==, (gssize) size + 8);
  g_assert_cmpmem (found, 4, "head", 4);
  g_assert_cmpmem (found + 4, size, expected, size);
  g_assert_cmpmem (found + 4 + size, 4, "tail", 4);
  g_assert_cmpint (fcntl (fd, F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_WRITE), ==, F_SEAL_SHRINK | F_SEAL_WRITE);
}

static void
keeps_very_much_in_a_file_without_a_name (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-store-XXXXXX", NULL);
  const guint64 size = COMMAND_STORE_MEMORY + 12345;
  g_autoptr (CommandStore) store = command_store_new (G_MAXUINT64, 0);
  g_autofree char *chosen = g_strdup (g_getenv ("TMPDIR"));
  g_autoptr (GError) error = NULL;
  struct stat file;
  struct stat place;
  int fd;

  g_assert_true (g_setenv ("TMPDIR", folder, TRUE));
  add (store, size, 65536);
  assert_kept (store, size, size, 0);
  fd = command_store_finish (store, (const guint8 *) "head", NULL, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fstat (fd, &file), ==, 0);
  g_assert_cmpint (stat (folder, &place), ==, 0);
  g_assert_cmpuint (file.st_dev, ==, place.st_dev);
  g_assert_cmpuint (file.st_nlink, ==, 0);
  g_assert_cmpuint (file.st_mode & 0777, ==, 0600);
  if (chosen != NULL)
    g_assert_true (g_setenv ("TMPDIR", chosen, TRUE));
  else
    g_unsetenv ("TMPDIR");
  g_assert_cmpint (rmdir (folder), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-store/keeps-all-up-to-the-limit", keeps_all_up_to_the_limit);
  g_test_add_func ("/command-store/keeps-the-first-and-the-last-part-of-more",
                   keeps_the_first_and_the_last_part_of_more);
  g_test_add_func ("/command-store/keeps-nothing-where-the-limit-is-0", keeps_nothing_where_the_limit_is_0);
  g_test_add_func ("/command-store/keeps-much-in-memory", keeps_much_in_memory);
  g_test_add_func ("/command-store/gives-its-bytes-with-what-is-around-them", gives_its_bytes_with_what_is_around_them);
  g_test_add_func ("/command-store/keeps-very-much-in-a-file-without-a-name", keeps_very_much_in_a_file_without_a_name);

  return g_test_run ();
}
