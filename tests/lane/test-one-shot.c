/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-one-shot.c
 *
 * Memory that is made to be handed over, on kernels that do not know all flags and in processes with few descriptors:
 * this program has a memfd_create() of its own, which stands before that of the C library. */

#include "config.h"

#include "ferry-test.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-one-shot-private.h"

#define NOEXEC_SEAL 0x0008U

static int refusal; /* the error number for each flag that old kernels do not know; 0 for none */
static guint n_calls;

int
memfd_create (const char *name, unsigned int flags)
{
  n_calls++;
  if (refusal != 0 && (flags & NOEXEC_SEAL) != 0)
    {
      errno = refusal;
      return -1;
    }
  return (int) syscall (SYS_memfd_create, name, flags);
}

static void
assert_makes_bytes (void)
{
  static const char text[] = "twelve bytes";
  g_autoptr (GError) error = NULL;
  ferry_autofd fd = ferry_one_shot_create_filled (text, sizeof text, &error);
  g_autoptr (GBytes) bytes = NULL;

  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  bytes = ferry_one_shot_map_bytes (fd, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text, sizeof text);
}

static void
test_a_flag_that_the_kernel_does_not_know_is_left_out (void)
{
  refusal = EINVAL;
  n_calls = 0;
  assert_makes_bytes ();
  g_assert_cmpuint (n_calls, ==, 2);
  refusal = 0;
}

static void
test_another_refusal_is_the_error (void)
{
  g_autoptr (GError) error = NULL;
  guint8 *data;

  refusal = EMFILE;
  n_calls = 0;
  g_assert_cmpint (ferry_one_shot_create (4096, 0, &data, &error), ==, -1);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  g_assert_nonnull (strstr (error->message, g_strerror (EMFILE)));
  g_assert_cmpuint (n_calls, ==, 1);
  refusal = 0;
}

/* A program without standard input gets that number. */
static void
test_descriptor_0_is_as_good_as_any (void)
{
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }
  close (STDIN_FILENO);
  assert_makes_bytes ();
}

static guint
count_pages (int fd)
{
  struct stat file;

  g_assert_cmpint (fstat (fd, &file), ==, 0);
  return (guint) (file.st_blocks * 512 / sysconf (_SC_PAGESIZE));
}

static void
test_expected_pages_are_there_at_once (void)
{
  const gsize page = (gsize) sysconf (_SC_PAGESIZE);
  const guint populated = ferry_test_populates () ? 1 : 0;
  static const struct
  {
    guint pages, expected, due;
  } cases[] = {{64, 0, 0}, {64, 16, 16}, {64, 1000, 64}, {1000, 1000, 1000}};

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      guint8 *data;
      ferry_autofd fd = ferry_one_shot_create (cases[i].pages * page, cases[i].expected * page, &data, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (count_pages (fd), ==, cases[i].due * populated);
      memset (data, 1, cases[i].pages * page);
      munmap (data, cases[i].pages * page);
    }
}

/* Returns how many bytes of the mapping that begins at place need no page fault. */
static gsize
get_resident (const guint8 *place)
{
  g_autofree char *begin = g_strdup_printf ("%" G_GINT64_MODIFIER "x-", (guint64) (guintptr) place);
  g_autofree char *maps = NULL;
  g_autoptr (GError) error = NULL;
  const char *mapping;

  g_file_get_contents ("/proc/self/smaps", &maps, NULL, &error);
  g_assert_no_error (error);
  mapping = strstr (maps, begin);
  g_assert_nonnull (mapping);
  mapping = strstr (mapping, "\nRss:");
  g_assert_nonnull (mapping);
  return g_ascii_strtoull (mapping + strlen ("\nRss:"), NULL, 10) * 1024;
}

static void
test_touched_memory_is_read_without_faults (void)
{
  const gsize size = 1000 * (gsize) sysconf (_SC_PAGESIZE);
  g_autoptr (GError) error = NULL;
  guint8 *data, *mapped;
  ferry_autofd fd = ferry_one_shot_create (size, 0, &data, &error);

  g_assert_no_error (error);
  memset (data, 3, size);
  g_assert_true (ferry_one_shot_seal (fd, size, data, size, &error));
  g_assert_null (ferry_one_shot_map (fd, size, size, &mapped));
  g_assert_cmpuint (get_resident (mapped), ==, 0);
  ferry_one_shot_touch (mapped, size);
  g_assert_cmpuint (get_resident (mapped), ==, ferry_test_populates () ? size : 0);
  for (gsize offset = 0; offset < size; offset++)
    g_assert_cmpuint (mapped[offset], ==, 3);
  munmap (mapped, size);
  munmap (data, size);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/one-shot/a-flag-that-the-kernel-does-not-know-is-left-out",
                   test_a_flag_that_the_kernel_does_not_know_is_left_out);
  g_test_add_func ("/one-shot/another-refusal-is-the-error", test_another_refusal_is_the_error);
  g_test_add_func ("/one-shot/descriptor-0-is-as-good-as-any", test_descriptor_0_is_as_good_as_any);
  g_test_add_func ("/one-shot/expected-pages-are-there-at-once", test_expected_pages_are_there_at_once);
  g_test_add_func ("/one-shot/touched-memory-is-read-without-faults", test_touched_memory_is_read_without_faults);
  return g_test_run ();
}
