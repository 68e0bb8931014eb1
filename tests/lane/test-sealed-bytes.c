/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-sealed-bytes.c
 *
 * Memory that is made to be handed over, on kernels that do not know all flags and in processes with few descriptors:
 * this program has a memfd_create() of its own, which stands before that of the C library. */

#include "config.h"

#include "ferry-test.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-sealed-bytes-private.h"

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
  ferry_autofd fd = ferry_sealed_bytes_new (text, sizeof text, &error);
  g_autoptr (GBytes) bytes = NULL;

  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  bytes = ferry_sealed_bytes_map (fd, &error);
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

  refusal = EMFILE;
  n_calls = 0;
  g_assert_cmpint (ferry_sealed_bytes_new ("", 1, &error), ==, -1);
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/sealed-bytes/a-flag-that-the-kernel-does-not-know-is-left-out",
                   test_a_flag_that_the_kernel_does_not_know_is_left_out);
  g_test_add_func ("/sealed-bytes/another-refusal-is-the-error", test_another_refusal_is_the_error);
  g_test_add_func ("/sealed-bytes/descriptor-0-is-as-good-as-any", test_descriptor_0_is_as_good_as_any);
  return g_test_run ();
}
