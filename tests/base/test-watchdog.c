/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-watchdog.c
 *
 * Processes that are slow are told from such that do nothing. */

#include "config.h"

#include "base/ferry-watchdog-private.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "ferry-test.h"

#define TIMEOUT (100 * FERRY_MICROSECONDS_PER_MILLISECOND)

/* Looks enough for a timeout that is over, and as many again. */
#define N_LOOKS 20

typedef void (*Life) (void);

static _Noreturn void
compute (void)
{
  for (volatile guint i = 0;; i++)
    ;
}

static _Noreturn void
sleep_for_ever (void)
{
  for (;;)
    pause ();
}

/* Ends with its parent. */
static GPid
fork_to (Life life)
{
  const GPid parent = getpid ();
  GPid pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid > 0)
    return pid;
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  /* A parent that has ended before gives no signal. */
  if (getppid () != parent)
    _exit (0);
  life ();
  _exit (0);
}

static void
wrap_a_computing_child (void)
{
  waitpid (fork_to (compute), NULL, 0);
}

static void
wrap_a_sleeping_child (void)
{
  waitpid (fork_to (sleep_for_ever), NULL, 0);
}

static void
leave (void)
{
}

/* As a script does that runs one short program after the other. */
static void
start_others (void)
{
  for (;;)
    {
      waitpid (fork_to (leave), NULL, 0);
      ferry_test_let_others ();
    }
}

/* A parent of vfork() waits as one that waits for a disk does: no signal but SIGKILL wakes it. */
static void
wait_as_for_a_disk (void)
{
  if (vfork () == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      for (;;)
        pause ();
    }
}

static void
stop (void)
{
  raise (SIGSTOP);
}

static gboolean
is_time (gpointer time)
{
  return g_get_monotonic_time () >= *(gint64 *) time;
}

static void
wait_until (gint64 time)
{
  ferry_test_look_until (is_time, &time);
}

/* Returns whether the time of a process is over while it is looked at so often. */
static gboolean
is_over (FerryWatchdog *watchdog, guint n_looks)
{
  for (guint i = 0; i < n_looks; i++)
    {
      wait_until (ferry_watchdog_get_next_look (watchdog));
      if (ferry_watchdog_look (watchdog))
        return TRUE;
    }
  return FALSE;
}

static void
check_within (Life life, FerryWatchdogKind kind, gint64 timeout, gboolean expected)
{
  GPid pid = fork_to (life);
  FerryWatchdog watchdog;

  ferry_watchdog_start (&watchdog, kind, pid, timeout);
  /* How long a process takes to get to its sleep is up to the machine. */
  if (expected)
    while (!is_over (&watchdog, N_LOOKS))
      ;
  else
    g_assert_false (is_over (&watchdog, N_LOOKS));
  ferry_test_kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

static void
check (Life life, FerryWatchdogKind kind, gboolean expected)
{
  check_within (life, kind, TIMEOUT, expected);
}

static void
ends_the_time_of_one_that_sleeps (void)
{
  check (sleep_for_ever, FERRY_WATCHDOG_START, TRUE);
}

static void
waits_for_one_that_computes (void)
{
  check (compute, FERRY_WATCHDOG_START, FALSE);
}

static void
waits_for_one_whose_child_computes (void)
{
  check (wrap_a_computing_child, FERRY_WATCHDOG_START, FALSE);
  check (wrap_a_computing_child, FERRY_WATCHDOG_ANSWER, TRUE);
  check (wrap_a_sleeping_child, FERRY_WATCHDOG_START, TRUE);
}

static void
waits_for_one_that_starts_others (void)
{
  check (start_others, FERRY_WATCHDOG_START, FALSE);
}

static void
waits_for_one_that_waits_for_a_disk (void)
{
  check (wait_as_for_a_disk, FERRY_WATCHDOG_ANSWER, FALSE);
}

static void
waits_for_one_that_was_stopped (void)
{
  check (stop, FERRY_WATCHDOG_START, FALSE);
}

/* It may compute for the time, of a processor's, and wait for a disk. */
static void
ends_the_time_of_one_that_has_to_end (void)
{
  check (sleep_for_ever, FERRY_WATCHDOG_END, TRUE);
  check (compute, FERRY_WATCHDOG_END, TRUE);
  check (stop, FERRY_WATCHDOG_END, TRUE);
  check (wait_as_for_a_disk, FERRY_WATCHDOG_END, FALSE);
}

/* What the process did meanwhile is not known. */
static void
counts_looks_and_no_time (void)
{
  FerryWatchdog watchdog;

  ferry_watchdog_start (&watchdog, FERRY_WATCHDOG_START, 0, TIMEOUT);
  for (guint i = 0; i < 3; i++)
    {
      wait_until (ferry_time_add (watchdog.looked_at, 2 * TIMEOUT));
      g_assert_false (ferry_watchdog_look (&watchdog));
    }
}

static void
has_time_alone_where_nothing_is_told (void)
{
  FerryWatchdog watchdog;

  ferry_watchdog_start (&watchdog, FERRY_WATCHDOG_START, 0, TIMEOUT);
  g_assert_true (is_over (&watchdog, N_LOOKS));
}

static void
blames_nobody_without_a_descriptor (void)
{
  guint64 before;
  GPid pid = fork_to (sleep_for_ever);
  FerryWatchdog watchdog;

  ferry_watchdog_start (&watchdog, FERRY_WATCHDOG_START, pid, TIMEOUT);
  before = ferry_test_limit_fds (ferry_test_get_lowest_fd ());
  g_assert_false (is_over (&watchdog, N_LOOKS));
  ferry_test_limit_fds (before);
  while (!is_over (&watchdog, N_LOOKS))
    ;
  ferry_test_kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

/* Has /proc be empty for this process, where it may do that. */
static gboolean
hide_processes (void)
{
  return (unshare (CLONE_NEWNS) == 0 || unshare (CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
         mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount ("none", "/proc", "tmpfs", 0, NULL) == 0;
}

static void
check_unseen (void)
{
  if (!hide_processes ())
    _exit (77);
  /* Nothing tells that it waits for a processor, so the time is long enough to get one. */
  check_within (compute, FERRY_WATCHDOG_START, 10 * TIMEOUT, FALSE);
  check (sleep_for_ever, FERRY_WATCHDOG_START, TRUE);
}

static void
waits_without_proc_for_one_that_computes (void)
{
  int status;

  g_assert_cmpint (waitpid (fork_to (check_unseen), &status, 0), >, 0);
  if (WIFEXITED (status) && WEXITSTATUS (status) == 77)
    g_test_skip ("This process may not hide /proc");
  else
    g_assert_cmpint (status, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/watchdog/ends-the-time-of-one-that-sleeps", ends_the_time_of_one_that_sleeps);
  g_test_add_func ("/watchdog/waits-for-one-that-computes", waits_for_one_that_computes);
  g_test_add_func ("/watchdog/waits-for-one-whose-child-computes", waits_for_one_whose_child_computes);
  g_test_add_func ("/watchdog/waits-for-one-that-starts-others", waits_for_one_that_starts_others);
  g_test_add_func ("/watchdog/waits-for-one-that-waits-for-a-disk", waits_for_one_that_waits_for_a_disk);
  g_test_add_func ("/watchdog/waits-for-one-that-was-stopped", waits_for_one_that_was_stopped);
  g_test_add_func ("/watchdog/ends-the-time-of-one-that-has-to-end", ends_the_time_of_one_that_has_to_end);
  g_test_add_func ("/watchdog/counts-looks-and-no-time", counts_looks_and_no_time);
  g_test_add_func ("/watchdog/has-time-alone-where-nothing-is-told", has_time_alone_where_nothing_is_told);
  g_test_add_func ("/watchdog/blames-nobody-without-a-descriptor", blames_nobody_without_a_descriptor);
  g_test_add_func ("/watchdog/waits-without-proc-for-one-that-computes", waits_without_proc_for_one_that_computes);
  return g_test_run ();
}
