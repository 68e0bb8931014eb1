/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-pidfd.c
 *
 * Whether a descriptor is the pidfd of a fork server's child, on kernels of all ages. The test stands for the fork
 * server. */

#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "ferry-test.h"
#include "link/ferry-pidfd-private.h"

#define TYPE_OF_PIDFD 0xff

/* The kernel that is played, which the functions below take the place of. */
static struct
{
  gboolean no_info;    /* older than 6.13 */
  gboolean no_signals; /* one that cannot signal by a pidfd, such as valgrind's */
  GPid reaped_before;  /* the child that is reaped before a file is read; 0: none */
  const char *file;    /* the end of that file's path */
} played;

int
ioctl (int fd, unsigned long request, ...)
{
  va_list arguments;
  gpointer argument;

  va_start (arguments, request);
  argument = va_arg (arguments, gpointer);
  va_end (arguments);
  if (played.no_info && _IOC_TYPE (request) == TYPE_OF_PIDFD)
    {
      errno = ENOTTY;
      return -1;
    }
  return (int) syscall (SYS_ioctl, fd, request, argument);
}

/* Passes on six arguments, as libc does, where the caller may have given fewer. */
__attribute__ ((no_sanitize ("address"))) long
syscall (long number, ...)
{
  static long (*real) (long number, ...);
  va_list list;
  long arguments[6];

  if (real == NULL)
    real = (long (*) (long, ...)) dlsym (RTLD_NEXT, "syscall");
  va_start (list, number);
  for (guint i = 0; i < G_N_ELEMENTS (arguments); i++)
    arguments[i] = va_arg (list, long);
  va_end (list);
  if (number == SYS_pidfd_send_signal && played.no_signals)
    {
      errno = ENOSYS;
      return -1;
    }
  return real (number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

gboolean
g_file_get_contents (const char *path, char **contents, gsize *length, GError **error)
{
  static gboolean (*real) (const char *path, char **contents, gsize *length, GError **error);

  if (real == NULL)
    real = (gboolean (*) (const char *, char **, gsize *, GError **)) dlsym (RTLD_NEXT, "g_file_get_contents");
  if (played.reaped_before != 0 && strstr (path, played.file) != NULL)
    {
      kill (played.reaped_before, SIGKILL);
      g_assert_cmpint (waitpid (played.reaped_before, NULL, 0), ==, played.reaped_before);
      played.reaped_before = 0;
    }
  return real (path, contents, length, error);
}

/* A child that waits for its end. */
static GPid
make_child (int *pidfd)
{
  GPid pid = fork ();

  if (pid == 0)
    {
      /* It does not outlive a test that fails. */
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      for (;;)
        pause ();
    }
  g_assert_cmpint (pid, >, 0);
  *pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
  g_assert_cmpint (*pidfd, >=, 0);
  return pid;
}

static void
end_child (GPid pid, int *pidfd)
{
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  ferry_clear_fd (pidfd);
}

/* The kernels that there are. */
static const struct
{
  const char *name;
  gboolean no_info;
  gboolean no_signals;
} kernels[] = {{"this", FALSE, FALSE}, {"an-old", TRUE, FALSE}, {"a-poor", TRUE, TRUE}};

static void
play (gconstpointer data)
{
  const gsize kernel = GPOINTER_TO_SIZE (data);

  memset (&played, 0, sizeof played);
  played.no_info = kernels[kernel].no_info;
  played.no_signals = kernels[kernel].no_signals;
}

static void
test_a_child_is_one (gconstpointer data)
{
  int pidfd;
  GPid pid = make_child (&pidfd);

  play (data);
  g_assert_true (ferry_pidfd_is_child (pidfd, pid, getpid ()));
  end_child (pid, &pidfd);
}

static void
test_what_is_none_is_refused (gconstpointer data)
{
  ferry_autofd own = (int) syscall (SYS_pidfd_open, getpid (), 0);
  ferry_autofd other = dup (STDIN_FILENO);
  int pidfd;
  GPid pid = make_child (&pidfd);

  play (data);
  g_assert_false (ferry_pidfd_is_child (own, getpid (), pid));
  g_assert_false (ferry_pidfd_is_child (own, pid, getpid ()));
  g_assert_false (ferry_pidfd_is_child (pidfd, getpid (), getppid ()));
  g_assert_false (ferry_pidfd_is_child (pidfd, pid, getppid ()));
  g_assert_false (ferry_pidfd_is_child (other, pid, getpid ()));
  end_child (pid, &pidfd);
}

static void
test_a_reaped_child_is_no_lie (gconstpointer data)
{
  int pidfd;
  GPid pid = make_child (&pidfd);

  play (data);
  kill (pid, SIGKILL);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
  g_assert_true (ferry_pidfd_is_child (pidfd, pid, getpid ()));
  ferry_clear_fd (&pidfd);
}

static void
test_a_child_reaped_meanwhile_is_no_lie (gconstpointer data)
{
  static const char *const files[] = {"/fdinfo/", "/stat"};

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      int pidfd;
      GPid pid = make_child (&pidfd);

      play (data);
      played.reaped_before = pid;
      played.file = files[i];
      g_assert_true (ferry_pidfd_is_child (pidfd, pid, getpid ()));
      /* It was asked about by that file, or need not be. */
      g_assert_true (played.reaped_before == 0 || !played.no_info);
      end_child (pid, &pidfd);
    }
}

static void
add (const char *name, gsize kernel, GTestDataFunc func)
{
  g_autofree char *path = g_strdup_printf ("/pidfd/%s/on-%s-kernel", name, kernels[kernel].name);

  g_test_add_data_func (path, GSIZE_TO_POINTER (kernel), func);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (kernels); i++)
    {
      add ("a-child-is-one", i, test_a_child_is_one);
      add ("what-is-none-is-refused", i, test_what_is_none_is_refused);
      add ("a-reaped-child-is-no-lie", i, test_a_reaped_child_is_no_lie);
      add ("a-child-reaped-meanwhile-is-no-lie", i, test_a_child_reaped_meanwhile_is_no_lie);
    }
  return g_test_run ();
}
