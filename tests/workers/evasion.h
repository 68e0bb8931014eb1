/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker can do against its end with the application, and against being the only child of it. */

#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Nothing but SIGKILL ends this process from now on. */
static inline void
evasion_begin (void)
{
  sigset_t all;

  prctl (PR_SET_PDEATHSIG, 0);
  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, NULL);
}

/* Has the parent of this process have a child more, which waits without end or exits at once. Returns its number. */
static inline pid_t
evasion_give_away (gboolean waits)
{
  pid_t pid = (pid_t) syscall (SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);

  if (pid != 0)
    return pid;
  evasion_begin ();
  while (waits)
    pause ();
  _exit (0);
}
