/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two kinds of doorbell: an eventfd that wakes the reader of a lane, and a futex word on which a writer sleeps
 * until there is room. See ferry-doorbell-private.h. */

#include "config.h"

#include "lane/ferry-doorbell-private.h"

#include <sys/eventfd.h>

#include "base/ferry-thread-private.h"

int
ferry_doorbell_new (GError **error)
{
  int fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);

  if (fd < 0)
    ferry_set_system_error (error, "Making a doorbell (eventfd)");
  return fd;
}

/* Rings a descriptor doorbell. The count of the eventfd is never read, and is full only after 2^64 rings. */
void
ferry_doorbell_ring (int fd)
{
  guint64 one = 1;

  while (write (fd, &one, sizeof one) < 0 && errno == EINTR)
    ;
}

void
ferry_futex_doorbell_ring (_Atomic guint32 *rings)
{
  /* Release: a thread that acquires the new count sees the stores before the ring. The system call needs no other
   * order: the kernel's own lock orders the wake-up. */
  atomic_fetch_add_explicit (rings, 1, memory_order_release);
  syscall (SYS_futex, rings, FUTEX_WAKE, G_MAXINT, NULL, NULL, 0);
}

/* Sleeps while *rings has the value seen. deadline: monotonic time in microseconds; negative: none. Returns FALSE when
 * the deadline passed first. May return TRUE without a ring, so the caller must check its condition again. */
gboolean
ferry_futex_doorbell_wait (_Atomic guint32 *rings, guint32 seen, gint64 deadline)
{
  const struct timespec until = ferry_timespec_for (deadline);

  return syscall (SYS_futex, rings, FUTEX_WAIT_BITSET, seen, deadline < 0 ? NULL : &until, NULL,
                  FUTEX_BITSET_MATCH_ANY) == 0 ||
         errno != ETIMEDOUT;
}
