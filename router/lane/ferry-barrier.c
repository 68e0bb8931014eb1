/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A memory barrier that one process has another execute (membarrier). A barrier between a store and a load waits until
 * the store is in memory. On a busy lane that is a third of what a small message costs its writer. Where only a sleeper
 * needs the order, the sleeper can issue the barrier for both sides, once for each sleep. See the protocol in
 * ferry-wake-private.h.
 *
 * Threads: any. */

#include "config.h"

#include "lane/ferry-wake-private.h"

#include <sys/syscall.h>
#include <unistd.h>

/* Commands of membarrier() from Linux 4.16 on, which headers may lack. */
#define QUERY 0
#define GLOBAL_EXPEDITED (1 << 1)
#define REGISTER_GLOBAL_EXPEDITED (1 << 2)

static long
membarrier (int command)
{
#ifdef SYS_membarrier
  return syscall (SYS_membarrier, command, 0, 0);
#else
  return -1;
#endif
}

gboolean
ferry_barrier_is_available (void)
{
  const long commands = membarrier (QUERY);

  return commands >= 0 && (commands & GLOBAL_EXPEDITED) != 0;
}

gboolean
ferry_barrier_join (void)
{
  return membarrier (REGISTER_GLOBAL_EXPEDITED) == 0;
}

gboolean
ferry_barrier_issue (void)
{
  return membarrier (GLOBAL_EXPEDITED) == 0;
}
