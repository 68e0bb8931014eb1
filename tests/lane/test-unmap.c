/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "ferry-test.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lane/ferry-unmap-private.h"

#define MEBIBYTE ((gsize) 1024 * 1024)
#define PAGE ((gsize) 4096)

static gpointer
map (gsize size)
{
  gpointer data = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  g_assert_true (data != MAP_FAILED);
  return data;
}

static gboolean
is_gone (gpointer data)
{
  return msync (data, PAGE, MS_ASYNC) < 0 && errno == ENOMEM;
}

static void
test_large (void)
{
  gpointer data = map (64 * MEBIBYTE);

  memset (data, 1, 64 * MEBIBYTE);
  ferry_unmap_soon (data, 64 * MEBIBYTE);
  ferry_test_look_until (is_gone, data);
}

static void
test_small (void)
{
  gpointer data = map (PAGE);

  ferry_unmap_soon (data, PAGE);
  g_assert_true (is_gone (data));
}

/* Some come while the thread is at work, some as it ends. */
static void
test_many (void)
{
  gpointer data[500];

  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    data[i] = map (MEBIBYTE);
  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    {
      ferry_unmap_soon (data[i], MEBIBYTE);
      if (i % 50 == 0)
        ferry_test_look_until (is_gone, data[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    ferry_test_look_until (is_gone, data[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/unmap/large-memory-is-gone-soon", test_large);
  g_test_add_func ("/unmap/small-memory-is-gone-at-once", test_small);
  g_test_add_func ("/unmap/all-of-many-are-gone", test_many);
  return g_test_run ();
}
