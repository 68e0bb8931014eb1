/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How often this process was forked, by which objects that a child has inherited know that they are of its parent.
 *
 * The threads of such objects do not run in the child, and a lock may never be unlocked. What the child writes into a
 * link or a stream would destroy its parent's. So a child uses none of them, and dropping them does nothing.
 *
 * Threads: any. */

#include "config.h"

#include "base/ferry-forks-private.h"

#include <pthread.h>

guint ferry_n_forks;

/* A handler of pthread_atfork(): runs in each child that this process forks, which has one thread then. */
static void
count_fork (void)
{
  ferry_n_forks++;
}

guint
ferry_forks_note (void)
{
  static gsize watched;

  if (g_once_init_enter (&watched))
    {
      pthread_atfork (NULL, NULL, count_fork);
      g_once_init_leave (&watched, 1);
    }
  return ferry_n_forks;
}
