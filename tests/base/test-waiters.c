/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-waiters.c
 *
 * Where threads sleep that wait for answers. */

#include "config.h"

#include "base/ferry-waiters-private.h"
#include "ferry-test.h"

#define N_SLOTS (FERRY_N_WAITER_GROUPS * 32)
#define NO_DEADLINE G_MAXINT64

static void
each_sleeper_has_its_own (void)
{
  FerryWaiters waiters = {0};
  g_autoptr (GHashTable) taken = g_hash_table_new (NULL, NULL);
  guint shared;

  for (guint i = 0; i < N_SLOTS; i++)
    g_assert_true (g_hash_table_add (taken, GUINT_TO_POINTER (ferry_waiters_take (&waiters))));
  shared = ferry_waiters_take (&waiters);
  ferry_waiters_leave (&waiters, shared);
  ferry_waiters_leave (&waiters, 77);
  g_assert_cmpuint (ferry_waiters_take (&waiters), ==, 77);
  g_assert_cmpuint (ferry_waiters_take (&waiters), ==, shared);
}

typedef struct
{
  FerryWaiters *waiters;
  guint slot;
  _Atomic guint count; /* what is waited for */
  _Atomic guint taken; /* of that */
  _Atomic gboolean *done;
} Sleeper;

static gpointer
sleep_until_done (gpointer data)
{
  Sleeper *self = data;

  for (;;)
    {
      guint32 seen = ferry_waiters_look (self->waiters, self->slot);
      guint count = atomic_load (&self->count);

      if (count != atomic_load (&self->taken))
        atomic_store (&self->taken, count);
      else if (atomic_load (self->done))
        return NULL;
      else
        g_assert_true (ferry_waiters_sleep (self->waiters, self->slot, seen, NO_DEADLINE));
    }
}

static void
wait_until_taken (const Sleeper *sleeper, guint count)
{
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  while (atomic_load (&sleeper->taken) != count && g_get_monotonic_time () < deadline)
    g_thread_yield ();
  g_assert_cmpuint (atomic_load (&sleeper->taken), ==, count);
}

/* Some more than one word has bits. */
#define N_SLEEPERS 40

static void
wake_all (gboolean together, guint n_rounds)
{
  FerryWaiters waiters = {0};
  _Atomic gboolean done = FALSE;
  Sleeper sleepers[N_SLEEPERS];
  GThread *threads[N_SLEEPERS];

  for (guint i = 0; i < N_SLEEPERS; i++)
    {
      sleepers[i] = (Sleeper){.waiters = &waiters, .slot = ferry_waiters_take (&waiters), .done = &done};
      threads[i] = g_thread_new ("sleeper", sleep_until_done, &sleepers[i]);
    }
  for (guint round = 1; round <= n_rounds; round++)
    {
      for (guint i = 0; i < N_SLEEPERS; i++)
        {
          atomic_store (&sleepers[i].count, round);
          if (together)
            ferry_waiters_wake_later (&waiters, sleepers[i].slot);
          else
            ferry_waiters_wake (&waiters, sleepers[i].slot);
        }
      ferry_waiters_wake_due ();
      for (guint i = 0; i < N_SLEEPERS; i++)
        wait_until_taken (&sleepers[i], round);
    }
  atomic_store (&done, TRUE);
  for (guint i = 0; i < N_SLEEPERS; i++)
    {
      ferry_waiters_wake (&waiters, sleepers[i].slot);
      g_thread_join (threads[i]);
    }
}

static void
all_that_are_due_are_woken_together (void)
{
  wake_all (TRUE, 500);
}

static void
one_is_woken_at_once (void)
{
  wake_all (FALSE, 500);
}

static void
so_many_wait_for_no_more_to_be_due (void)
{
  FerryWaiters waiters = {0};
  _Atomic gboolean done = FALSE;
  Sleeper sleeper = {.waiters = &waiters, .slot = ferry_waiters_take (&waiters), .done = &done};
  GThread *thread = g_thread_new ("sleeper", sleep_until_done, &sleeper);

  atomic_store (&sleeper.count, 1);
  for (guint i = 0; i < 32; i++)
    ferry_waiters_wake_later (&waiters, sleeper.slot);
  wait_until_taken (&sleeper, 1);
  atomic_store (&done, TRUE);
  ferry_waiters_wake (&waiters, sleeper.slot);
  g_thread_join (thread);
}

static gpointer
wake_due (gpointer data)
{
  ferry_waiters_wake_due ();
  return NULL;
}

/* Several threads may receive over one transport. */
static void
each_thread_wakes_what_it_has_found_due (void)
{
  FerryWaiters waiters = {0};
  guint slot = ferry_waiters_take (&waiters);

  ferry_waiters_wake_later (&waiters, slot);
  g_thread_join (g_thread_new ("other", wake_due, NULL));
  g_assert_cmpuint (ferry_waiters_look (&waiters, slot), ==, 0);
  ferry_waiters_wake_due ();
  g_assert_cmpuint (ferry_waiters_look (&waiters, slot), ==, 1);
}

/* The thread that hands answers over holds a lock meanwhile, which a thread that wakes wants. */
static void
threads_that_another_one_is_to_wake_wait_for_it (void)
{
  FerryWaiters waiters = {0};
  FerryDueWaiters due = {0};

  for (guint i = 0; i < N_SLOTS; i++)
    ferry_due_waiters_add (&due, &waiters, ferry_waiters_take (&waiters));
  for (guint i = 0; i < N_SLOTS; i++)
    g_assert_cmpuint (ferry_waiters_look (&waiters, i), ==, 0);
  ferry_due_waiters_wake (&due);
  for (guint i = 0; i < N_SLOTS; i++)
    g_assert_cmpuint (ferry_waiters_look (&waiters, i), ==, 1);
}

static void
a_deadline_ends_the_sleep (void)
{
  FerryWaiters waiters = {0};
  guint slot = ferry_waiters_take (&waiters);
  gint64 deadline = g_get_monotonic_time () + 1000;

  while (ferry_waiters_sleep (&waiters, slot, ferry_waiters_look (&waiters, slot), deadline))
    ;
  g_assert_cmpint (g_get_monotonic_time (), >=, deadline);
}

static void
a_ring_since_the_look_ends_the_sleep (void)
{
  FerryWaiters waiters = {0};
  guint slot = ferry_waiters_take (&waiters);
  guint32 seen = ferry_waiters_look (&waiters, slot);

  ferry_waiters_wake_later (&waiters, slot);
  ferry_waiters_wake_due ();
  g_assert_true (ferry_waiters_sleep (&waiters, slot, seen, NO_DEADLINE));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/waiters/each-sleeper-has-its-own", each_sleeper_has_its_own);
  g_test_add_func ("/waiters/all-that-are-due-are-woken-together", all_that_are_due_are_woken_together);
  g_test_add_func ("/waiters/one-is-woken-at-once", one_is_woken_at_once);
  g_test_add_func ("/waiters/so-many-wait-for-no-more-to-be-due", so_many_wait_for_no_more_to_be_due);
  g_test_add_func ("/waiters/threads-that-another-one-is-to-wake-wait-for-it",
                   threads_that_another_one_is_to_wake_wait_for_it);
  g_test_add_func ("/waiters/each-thread-wakes-what-it-has-found-due", each_thread_wakes_what_it_has_found_due);
  g_test_add_func ("/waiters/a-deadline-ends-the-sleep", a_deadline_ends_the_sleep);
  g_test_add_func ("/waiters/a-ring-since-the-look-ends-the-sleep", a_ring_since_the_look_ends_the_sleep);
  return g_test_run ();
}
