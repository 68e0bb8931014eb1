/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-unmap.c */

#include "config.h"

#include "ferry-test.h"

#include <string.h>
#include <sys/mman.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-segment-private.h"

#define MEBIBYTE ((gsize) 1024 * 1024)
#define PAGE ((gsize) 4096)

/* Of a file with a name, by which it is known: what is mapped at its address afterwards is something else. */
static gpointer
map (gsize size)
{
  ferry_autofd fd = memfd_create ("of-this-test", MFD_CLOEXEC);
  gpointer data;

  g_assert_no_errno (fd);
  g_assert_no_errno (ftruncate (fd, (off_t) size));
  data = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (data != MAP_FAILED);
  return data;
}

static gboolean
are_gone (gpointer unused)
{
  return !ferry_test_is_mapped ("of-this-test");
}

static void
test_large (void)
{
  gpointer data = map (64 * MEBIBYTE);

  memset (data, 1, 64 * MEBIBYTE);
  g_assert_false (are_gone (NULL));
  ferry_unmap_soon (data, 64 * MEBIBYTE);
  ferry_test_look_until (are_gone, NULL);
}

static void
test_small (void)
{
  ferry_unmap_soon (map (PAGE), PAGE);
  g_assert_true (are_gone (NULL));
}

static void
test_part (void)
{
  guint8 *data = map (64 * MEBIBYTE);

  memset (data, 1, 64 * MEBIBYTE);
  g_assert_no_errno (munmap (data + PAGE, 64 * MEBIBYTE - PAGE));
  g_assert_false (are_gone (NULL));
  ferry_unmap_aside (data, PAGE);
  ferry_test_look_until (are_gone, NULL);
}

/* Some come while the thread is at work, some as it ends. */
static void
test_many (void)
{
  for (guint i = 1; i <= 500; i++)
    {
      ferry_unmap_soon (map (MEBIBYTE), MEBIBYTE);
      if (i % 50 == 0)
        ferry_test_look_until (are_gone, NULL);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/unmap/large-memory-is-gone-soon", test_large);
  g_test_add_func ("/unmap/small-memory-is-gone-at-once", test_small);
  g_test_add_func ("/unmap/the-last-part-of-large-memory-is-gone-soon", test_part);
  g_test_add_func ("/unmap/all-of-many-are-gone", test_many);
  return g_test_run ();
}
