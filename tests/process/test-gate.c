/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-spawn.c
 *
 * Workers where clone() is that of qemu-user: it returns no pidfd, and a child that is to share memory shares none. */

#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "process/worker-test.h"

#define N_STARTS 20

static guint n_refused;

/* Whether a process sleeps, or has ended. */
static gboolean
is_at_rest (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) pid);
  g_autofree char *text = NULL;

  return !g_file_get_contents (path, &text, NULL, NULL) || strchr ("SZ", strrchr (text, ')')[2]) != NULL;
}

/* The library's calls come here, from one thread at a time. A child at the gate gets all the time to leave it. */
int
clone (int (*function) (void *), void *stack, int flags, void *argument, ...)
{
  int (*real) (int (*) (void *), void *, int, void *, ...) = dlsym (RTLD_NEXT, "clone");
  pid_t pid;

  if (flags & CLONE_PIDFD)
    {
      n_refused++;
      errno = EINVAL;
      return -1;
    }
  pid = real (function, stack, flags & CLONE_VFORK ? flags & ~(CLONE_VFORK | CLONE_VM) : flags, argument);
  while (pid > 0 && flags == SIGCHLD && !is_at_rest (pid))
    g_thread_yield ();
  return pid;
}

static void
test_has_the_right_pidfd (void)
{
  FerryRouter *router = ferry_test_router_new ();

  for (guint i = 0; i < N_STARTS; i++)
    {
      g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
      g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:100", "exit:7", NULL);

      worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "");
      ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_EXITED);
      g_assert_cmpint (ferry_exit_get_exit_status (pipe->exit), ==, 7);
    }
  /* And one for the guardian. */
  g_assert_cmpuint (n_refused, >, N_STARTS);
  ferry_test_router_stop (router);
}

/* The processes end at once, and the kernel reaps them. */
static void
test_tells_why_none_starts (void)
{
  FerryRouter *router = ferry_test_router_new ();

  signal (SIGCHLD, SIG_IGN);
  for (guint i = 0; i < N_STARTS; i++)
    {
      const char *const argv[] = {"/no/such/program", NULL};
      g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
      g_autoptr (FerryWorker) worker = worker_test_spawn (launcher, router);

      worker_test_assert_exit (worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "could not be executed");
    }
  signal (SIGCHLD, SIG_DFL);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/gate/has-the-right-pidfd", test_has_the_right_pidfd);
  g_test_add_func ("/gate/tells-why-none-starts", test_tells_why_none_starts);
  return g_test_run ();
}
