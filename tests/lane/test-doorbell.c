/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-doorbell.c
 *
 * Futex doorbells with many sleepers: how many threads a ring wakes itself, and that all honest ones hear of it. To
 * know that threads are asleep, a test moves them to another word and back: the kernel says how many it has moved.
 */

#include "config.h"

#include "ferry-test.h"

#include "base/ferry-thread-private.h"
#include "lane/ferry-wake-private.h"

#define N_THREADS 32

typedef struct
{
  _Atomic guint32 rings;
  _Atomic guint32 other; /* a word that is not rung */
  _Atomic guint n_ended; /* threads that have ended their sleep */
  gboolean is_honest;    /* the threads sleep by ferry_futex_doorbell_wait() */
  GThread *threads[N_THREADS];
  guint n_threads;
} Bell;

static gpointer
sleep_at_bell (gpointer data)
{
  Bell *self = data;

  if (!self->is_honest)
    syscall (SYS_futex, &self->rings, FUTEX_WAIT, 0, NULL, NULL, 0);
  else
    g_assert_true (ferry_futex_doorbell_wait (&self->rings, 0,
                                              g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC));
  atomic_fetch_add (&self->n_ended, 1);
  return NULL;
}

static guint
move (_Atomic guint32 *from, _Atomic guint32 *to)
{
  long moved = syscall (SYS_futex, from, FUTEX_CMP_REQUEUE, 0, (gpointer) (gsize) G_MAXINT, to, atomic_load (from));

  g_assert_cmpint (moved, >=, 0);
  return (guint) moved;
}

/* Waits until all threads that have not ended are asleep. */
static void
wait_until_asleep (Bell *self)
{
  guint n;

  do
    {
      g_thread_yield ();
      move (&self->rings, &self->other);
      n = move (&self->other, &self->rings);
    }
  while (n < self->n_threads - atomic_load (&self->n_ended));
}

static void
bell_begin (Bell *self, guint n_threads, gboolean is_honest)
{
  *self = (Bell){.is_honest = is_honest, .n_threads = n_threads};
  for (guint i = 0; i < n_threads; i++)
    self->threads[i] = g_thread_new ("sleeper", sleep_at_bell, self);
  wait_until_asleep (self);
}

static void
bell_end (Bell *self)
{
  for (guint i = 0; i < self->n_threads; i++)
    g_thread_join (self->threads[i]);
}

static void
test_a_ring_wakes_a_few_threads_itself (void)
{
  Bell bell;

  bell_begin (&bell, N_THREADS, FALSE);
  ferry_futex_doorbell_ring (&bell.rings);
  g_assert_cmpuint (atomic_load (&bell.rings), ==, 1);
  /* The kernel may wake a thread for no reason, which then sees the ring. */
  g_assert_cmpint (syscall (SYS_futex, &bell.rings, FUTEX_WAKE, G_MAXINT, NULL, NULL, 0), >,
                   N_THREADS - 2 * FERRY_FUTEX_DOORBELL_WAKES);
  bell_end (&bell);
}

static void
test_all_threads_of_an_honest_process_hear_of_a_ring (void)
{
  for (guint i = 0; i < 20; i++)
    {
      Bell bell;

      bell_begin (&bell, N_THREADS, TRUE);
      ferry_futex_doorbell_ring (&bell.rings);
      bell_end (&bell);
    }
}

/* Threads that are not counted stand for those of another process. They sleep behind the others. */
static void
test_no_more_threads_are_woken_than_are_counted (void)
{
  const guint n_honest = 3;
  guint n_asleep = N_THREADS;
  Bell bell, foreign;

  bell_begin (&bell, n_honest, TRUE);
  bell_begin (&foreign, N_THREADS, FALSE);
  g_assert_cmpuint (move (&foreign.rings, &bell.rings), ==, N_THREADS);
  ferry_futex_doorbell_ring (&bell.rings);
  bell_end (&bell);
  /* The ring wakes one of the others. The one that is woken among three and among two passes on two wake-ups and
   * one. */
  n_asleep -= (FERRY_FUTEX_DOORBELL_WAKES - n_honest) + 2 + 1;
  g_assert_cmpint (syscall (SYS_futex, &bell.rings, FUTEX_WAKE, G_MAXINT, NULL, NULL, 0), >=, n_asleep);
  bell_end (&foreign);
}

/* Two threads that woke each other whenever they wake would never sleep again. */
static void
test_a_thread_that_wakes_without_a_ring_wakes_no_other (void)
{
  Bell bell;

  bell_begin (&bell, 2, TRUE);
  g_assert_cmpint (syscall (SYS_futex, &bell.rings, FUTEX_WAKE, 1, NULL, NULL, 0), ==, 1);
  while (atomic_load (&bell.n_ended) == 0)
    g_thread_yield ();
  wait_until_asleep (&bell);
  g_assert_cmpuint (atomic_load (&bell.n_ended), ==, 1);
  ferry_futex_doorbell_ring (&bell.rings);
  bell_end (&bell);
}

static void
test_a_ring_before_the_sleep_ends_it (void)
{
  _Atomic guint32 rings = 0;

  ferry_futex_doorbell_ring (&rings);
  g_assert_true (ferry_futex_doorbell_wait (&rings, 0, -1));
  g_assert_false (ferry_futex_doorbell_wait (&rings, 1, g_get_monotonic_time () + 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/doorbell/a-ring-wakes-a-few-threads-itself", test_a_ring_wakes_a_few_threads_itself);
  g_test_add_func ("/doorbell/all-threads-of-an-honest-process-hear-of-a-ring",
                   test_all_threads_of_an_honest_process_hear_of_a_ring);
  g_test_add_func ("/doorbell/no-more-threads-are-woken-than-are-counted",
                   test_no_more_threads_are_woken_than_are_counted);
  g_test_add_func ("/doorbell/a-thread-that-wakes-without-a-ring-wakes-no-other",
                   test_a_thread_that_wakes_without_a_ring_wakes_no_other);
  g_test_add_func ("/doorbell/a-ring-before-the-sleep-ends-it", test_a_ring_before_the_sleep_ends_it);
  return g_test_run ();
}
