/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-session.c
 *
 * What is left after SIGKILL, and what is said of it: a kernel that is busy, one that does not end a process, and a
 * process that this user may not kill, nor stop. The test is between the session and the kernel: it defines syscall().
 */

#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "command-session.h"

/* How long a kernel takes that is slow: longer than any that was thought to be enough once. */
#define BUSY_TIME (2 * G_USEC_PER_SEC)

typedef enum
{
  KERNEL_USUAL,
  KERNEL_BUSY,  /* it ends a process some time after the first SIGKILL */
  KERNEL_STUCK, /* it ends none */
  KERNEL_REFUSES,
  KERNEL_REFUSES_STOP,
} Kernel;

static Kernel kernel;
static gint64 first_kill; /* 0: there was none */

/* Whether the signal is sent. If not, *result is what is said of it. */
static gboolean
passes (int signal_number, long *result)
{
  if (signal_number == SIGSTOP && kernel == KERNEL_REFUSES_STOP)
    {
      *result = -1;
      errno = EPERM;
      return FALSE;
    }
  if (signal_number != SIGKILL)
    return TRUE;
  if (first_kill == 0)
    first_kill = g_get_monotonic_time ();
  *result = kernel == KERNEL_REFUSES ? -1 : 0;
  if (*result < 0)
    errno = EPERM;
  return kernel == KERNEL_USUAL || (kernel == KERNEL_BUSY && g_get_monotonic_time () >= first_kill + BUSY_TIME);
}

long
syscall (long number, ...)
{
  static long (*real) (long number, ...);
  long a[6];
  long result;
  va_list arguments;

  va_start (arguments, number);
  for (guint i = 0; i < G_N_ELEMENTS (a); i++)
    a[i] = va_arg (arguments, long);
  va_end (arguments);
  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "syscall");
  if (number == SYS_pidfd_send_signal && !passes ((int) a[1], &result))
    return result;
  return real (number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Starts a program that sleeps until it is killed, and waits until it runs. */
static CommandSession *
start_sleeper (void)
{
  const char *const argv[] = {"sleep", "1000", NULL};
  const char *const environment[] = {NULL};
  g_autoptr (GError) error = NULL;
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  g_autofree char *program = g_find_program_in_path ("sleep");
  const CommandStart start = {
    .program = program, .argv = argv, .environment = environment, .streams = {null, null, null}};
  CommandSession *session;

  first_kill = 0;
  kernel = KERNEL_USUAL;
  command_session_hear_signals (&error);
  g_assert_no_error (error);
  session = command_session_start (&start, &error);
  g_assert_no_error (error);
  close (null);
  return session;
}

/* Ends it, whatever the kernel did before. */
static void
end_sleeper (CommandSession *session)
{
  kernel = KERNEL_USUAL;
  g_assert_null (command_session_end (session, COMMAND_SESSION_ALL));
  g_assert_true (command_session_is_empty (session));
  command_session_ignore_signals ();
}

static void
assert_like (const char *text, const char *pattern)
{
  if (text == NULL || !g_pattern_match_simple (pattern, text))
    g_error ("'%s' is not '%s'", text, pattern);
}

static void
wait_for_a_busy_kernel (void)
{
  g_autoptr (CommandSession) session = start_sleeper ();
  g_autofree char *left = NULL;

  kernel = KERNEL_BUSY;
  left = command_session_end (session, COMMAND_SESSION_ALL);
  g_assert_cmpstr (left, ==, NULL);
  g_assert_true (command_session_is_empty (session));
  end_sleeper (session);
}

static void
say_what_the_kernel_does_not_end (void)
{
  g_autoptr (CommandSession) session = start_sleeper ();
  g_autofree char *left = NULL;

  kernel = KERNEL_STUCK;
  /* As who soon kills this process: so it does not wait for long. */
  raise (SIGTERM);
  left = command_session_end (session, COMMAND_SESSION_ALL);
  assert_like (left, "the kernel has not ended 'sleep' (process *) within * s of SIGKILL, as with a disk *");
  end_sleeper (session);
}

static void
say_what_this_user_may_not_end (void)
{
  g_autoptr (CommandSession) session = start_sleeper ();
  g_autofree char *left = NULL;

  kernel = KERNEL_REFUSES;
  left = command_session_end (session, COMMAND_SESSION_ALL);
  assert_like (left, "'sleep' (process *) could not be ended, since this user may not do that");
  end_sleeper (session);
}

static void
name_what_this_user_may_not_stop (void)
{
  g_autoptr (CommandSession) session = start_sleeper ();
  g_autofree char *stopped = command_session_stop (session);
  g_autofree char *refused = NULL;

  g_assert_null (stopped);
  command_session_continue (session);
  kernel = KERNEL_REFUSES_STOP;
  refused = command_session_stop (session);
  g_assert_cmpstr (refused, ==, "'sleep'");
  end_sleeper (session);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/command-session/gives-a-busy-kernel-the-time-that-it-needs", wait_for_a_busy_kernel);
  g_test_add_func ("/command-session/says-what-the-kernel-does-not-end", say_what_the_kernel_does_not_end);
  g_test_add_func ("/command-session/says-what-this-user-may-not-end", say_what_this_user_may_not_end);
  g_test_add_func ("/command-session/names-what-this-user-may-not-stop", name_what_this_user_may_not_stop);
  return g_test_run ();
}
