/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two kinds of doorbell: eventfds and futex words. An eventfd wakes the reader of up lanes. A worker's reader, and
 * a writer that waits for room, sleep on a futex word. A waker rings one to wake a sleeper when ferry_wake_due()
 * returns TRUE.
 *
 * A lane's descriptor doorbell is an eventfd in an epoll set, edge-triggered: each write is an event, and the count is
 * never read. A thread that polls a socket, as a listener's does, has a doorbell of its own, and reads the count.
 *
 * A worker shares the open file description of the eventfd. The worker may read it, fill it, or make it blocking,
 * and harms only its own wake-ups. The application never writes to a doorbell that a worker has, because such a write
 * could block.
 *
 * A futex doorbell is a word in shared memory; a ring changes the word. It also works between processes. The other
 * process may have any number of threads asleep there, and the time that a ring takes must not depend on that. So a
 * ring wakes a few threads, and a thread that a ring has woken wakes the rest. The model tests/model/bell.pml checks
 * that all threads hear of the ring. */

#include "config.h"

#include "lane/ferry-wake-private.h"

#include <sys/eventfd.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

/* any: in the lower half, how many threads of this process sleep on a futex doorbell, or are about to. In the upper
 * half, how often one was counted. Doorbells share the words: a thread that is counted but sleeps elsewhere costs a
 * needless system call. The doorbells of one link stand in different lines of the cache and so have different words. */
static _Atomic guint64 sleepers[16];

#define ONE_SLEEPER ((G_GUINT64_CONSTANT (1) << 32) + 1)
#define BYTES_PER_LINE 64

static _Atomic guint64 *
get_sleepers (_Atomic guint32 *rings)
{
  return &sleepers[(guintptr) rings / BYTES_PER_LINE % G_N_ELEMENTS (sleepers)];
}

int
ferry_doorbell_new (GError **error)
{
  int fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);

  if (fd < 0)
    ferry_set_system_error (error, "Making a doorbell (eventfd)");
  return fd;
}

/* Rings a descriptor doorbell. Its count is full only after 2^64 rings, and then it rings already. */
void
ferry_doorbell_ring (int fd)
{
  guint64 one = 1;

  while (write (fd, &one, sizeof one) < 0 && errno == EINTR)
    ;
}

void
ferry_doorbell_hear (int fd)
{
  guint64 n_rings;

  if (TEMP_FAILURE_RETRY (read (fd, &n_rings, sizeof n_rings)) < 0 && errno != EAGAIN)
    g_warning ("Reading a doorbell (eventfd) failed: %s", g_strerror (errno));
}

/* Adds one to *rings and wakes some of the threads that sleep there, as one step. So each of these threads fell asleep
 * before the change, and end_wait() shows it that. If a thread could fall asleep between the change and the wake-up,
 * the ring might wake that thread in place of those for which it was meant. */
void
ferry_futex_doorbell_ring (_Atomic guint32 *rings)
{
  /* The comparison would have the kernel wake threads at a second word, which is not needed: it is false. */
  const int add_one = FUTEX_OP (FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, -1);

  /* A thread that acquires the new count sees the stores before the ring: the kernel changes the word by a fully
   * ordered instruction. ThreadSanitizer does not see that. */
  ferry_hand_over (rings);
  syscall (FERRY_SYS_FUTEX, rings, FUTEX_WAKE_OP, FERRY_FUTEX_DOORBELL_WAKES, NULL, rings, add_one);
}

static void
begin_wait (_Atomic guint32 *rings)
{
  /* Acquire and release: see end_wait(). */
  atomic_fetch_add_explicit (get_sleepers (rings), ONE_SLEEPER, memory_order_acq_rel);
}

/* Wakes all other threads of this process if the bell was rung since this thread looked. A thread that is woken without
 * a ring wakes none; otherwise two threads could wake each other without end.
 *
 * No more threads are woken than are counted, since the other process may have any number asleep on this word. A thread
 * that was counted since, and sleeps until a later ring, may have been woken in place of one that was meant. Then all
 * that are counted now are woken. seen: the value of *rings on which the thread slept. */
static void
end_wait (_Atomic guint32 *rings, guint32 seen)
{
  /* Acquire and release: a thread that is not counted here counts itself after this change, and therefore does not
   * sleep. It finds the new count of the ring that this thread was woken by. Relaxed: the kernel orders the ring before
   * the return of this thread. */
  _Atomic guint64 *counter = get_sleepers (rings);
  guint64 counted = atomic_fetch_sub_explicit (counter, 1, memory_order_acq_rel) - 1;
  guint64 last;
  long n_woken;

  if ((guint32) counted == 0 || atomic_load_explicit (rings, memory_order_relaxed) == seen)
    return;
  do
    {
      last = counted;
      n_woken = syscall (FERRY_SYS_FUTEX, rings, FUTEX_WAKE, MIN ((guint32) last, G_MAXINT), NULL, NULL, 0);
      counted = atomic_load_explicit (counter, memory_order_acquire);
    }
  while (n_woken == (long) (guint32) last && counted >> 32 != last >> 32 && (guint32) counted > 0);
}

/* Sleeps while *rings has the value seen. deadline: monotonic time in microseconds; negative: none. Returns FALSE when
 * the deadline passed first. May return TRUE without a ring, so the caller must check its condition again. */
gboolean
ferry_futex_doorbell_wait (_Atomic guint32 *rings, guint32 seen, gint64 deadline)
{
  const struct __kernel_timespec until = ferry_futex_time (deadline);
  gboolean in_time;

  begin_wait (rings);
  in_time = syscall (FERRY_SYS_FUTEX, rings, FUTEX_WAIT_BITSET, seen, deadline < 0 ? NULL : &until, NULL,
                     FUTEX_BITSET_MATCH_ANY) == 0 ||
            errno != ETIMEDOUT;
  end_wait (rings, seen);
  return in_time;
}
