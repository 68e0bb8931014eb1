/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forks this process in its fork server, and makes the child a worker. Its threads are counted and listed before. The
 * child ends with its parent, and gets default signals and random numbers of its own. */

#include "config.h"

#include "process/ferry-fork-private.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/single_threaded.h>
#include <unistd.h>

guint
ferry_count_threads (void)
{
  g_autoptr (GDir) folder = NULL;
  guint n = 0;

  if (__libc_single_threaded)
    return 1;
  folder = g_dir_open ("/proc/self/task", 0, NULL);
  while (folder != NULL && g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

char *
ferry_list_threads (void)
{
  GString *names = g_string_new (NULL);
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/task", 0, NULL);
  const char *id;

  while (folder != NULL && (id = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/task", id, "comm", NULL);
      g_autofree char *name = NULL;

      if (g_ascii_strtoll (id, NULL, 10) != getpid () && g_file_get_contents (path, &name, NULL, NULL))
        g_string_append_printf (names, "%s'%s'", names->len > 0 ? ", " : "", g_strstrip (name));
    }
  return g_string_free (names, FALSE);
}

pid_t
ferry_fork_child (void)
{
  pid_t parent = getpid ();
  pid_t pid = fork ();

  if (pid != 0)
    return pid;
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  /* The parent may have ended before prctl(). */
  if (getppid () != parent)
    _exit (EXIT_FAILURE);
  return 0;
}

__attribute__ ((no_sanitize_address)) void
ferry_reset_signals (void)
{
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigset_t none;

  for (int number = 1; number < NSIG; number++)
    if (number != SIGKILL && number != SIGSTOP)
      sigaction (number, &action, NULL);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
}

void
ferry_reseed (void)
{
  guint32 seeds[3];

  /* Where the call is refused, the seeds differ at least. */
  if (getrandom (seeds, sizeof seeds, 0) != sizeof seeds)
    for (guint i = 0; i < G_N_ELEMENTS (seeds); i++)
      seeds[i] = (guint32) (g_get_monotonic_time () * (2 * i + 1)) ^ (guint32) getpid ();
  srandom (seeds[0]);
  srand48 ((long) seeds[1]);
  g_random_set_seed (seeds[2]);
}
