/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where threads sleep that wait for answers. */

#include "config.h"

#include "call/ferry-berths-private.h"
#include "ferry-test.h"

#define N_BERTHS (FERRY_N_BERTH_GROUPS * 32)
#define NO_DEADLINE 0

static void
each_sleeper_has_its_own (void)
{
  FerryBerths berths = {0};
  g_autoptr (GHashTable) taken = g_hash_table_new (NULL, NULL);
  guint shared;

  for (guint i = 0; i < N_BERTHS; i++)
    g_assert_true (g_hash_table_add (taken, GUINT_TO_POINTER (ferry_berths_take (&berths))));
  shared = ferry_berths_take (&berths);
  ferry_berths_leave (&berths, shared);
  ferry_berths_leave (&berths, 77);
  g_assert_cmpuint (ferry_berths_take (&berths), ==, 77);
  g_assert_cmpuint (ferry_berths_take (&berths), ==, shared);
}

typedef struct
{
  FerryBerths *berths;
  guint berth;
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
      guint32 seen = ferry_berths_look (self->berths, self->berth);
      guint count = atomic_load (&self->count);

      if (count != atomic_load (&self->taken))
        atomic_store (&self->taken, count);
      else if (atomic_load (self->done))
        return NULL;
      else
        g_assert_true (ferry_berths_sleep (self->berths, self->berth, seen, NO_DEADLINE));
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
  FerryBerths berths = {0};
  _Atomic gboolean done = FALSE;
  Sleeper sleepers[N_SLEEPERS];
  GThread *threads[N_SLEEPERS];

  for (guint i = 0; i < N_SLEEPERS; i++)
    {
      sleepers[i] = (Sleeper){.berths = &berths, .berth = ferry_berths_take (&berths), .done = &done};
      threads[i] = g_thread_new ("sleeper", sleep_until_done, &sleepers[i]);
    }
  for (guint round = 1; round <= n_rounds; round++)
    {
      for (guint i = 0; i < N_SLEEPERS; i++)
        {
          atomic_store (&sleepers[i].count, round);
          if (together)
            ferry_berths_wake_later (&berths, sleepers[i].berth);
          else
            ferry_berths_wake (&berths, sleepers[i].berth);
        }
      ferry_berths_wake_due (&berths);
      for (guint i = 0; i < N_SLEEPERS; i++)
        wait_until_taken (&sleepers[i], round);
    }
  atomic_store (&done, TRUE);
  for (guint i = 0; i < N_SLEEPERS; i++)
    {
      ferry_berths_wake (&berths, sleepers[i].berth);
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
  FerryBerths berths = {0};
  _Atomic gboolean done = FALSE;
  Sleeper sleeper = {.berths = &berths, .berth = ferry_berths_take (&berths), .done = &done};
  GThread *thread = g_thread_new ("sleeper", sleep_until_done, &sleeper);

  atomic_store (&sleeper.count, 1);
  for (guint i = 0; i < 32; i++)
    ferry_berths_wake_later (&berths, sleeper.berth);
  wait_until_taken (&sleeper, 1);
  atomic_store (&done, TRUE);
  ferry_berths_wake (&berths, sleeper.berth);
  g_thread_join (thread);
}

static void
a_deadline_ends_the_sleep (void)
{
  FerryBerths berths = {0};
  guint berth = ferry_berths_take (&berths);
  gint64 deadline = g_get_monotonic_time () + 1000;

  while (ferry_berths_sleep (&berths, berth, ferry_berths_look (&berths, berth), deadline))
    ;
  g_assert_cmpint (g_get_monotonic_time (), >=, deadline);
}

static void
a_ring_since_the_look_ends_the_sleep (void)
{
  FerryBerths berths = {0};
  guint berth = ferry_berths_take (&berths);
  guint32 seen = ferry_berths_look (&berths, berth);

  ferry_berths_wake_later (&berths, berth);
  ferry_berths_wake_due (&berths);
  g_assert_true (ferry_berths_sleep (&berths, berth, seen, NO_DEADLINE));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/berths/each-sleeper-has-its-own", each_sleeper_has_its_own);
  g_test_add_func ("/berths/all-that-are-due-are-woken-together", all_that_are_due_are_woken_together);
  g_test_add_func ("/berths/one-is-woken-at-once", one_is_woken_at_once);
  g_test_add_func ("/berths/so-many-wait-for-no-more-to-be-due", so_many_wait_for_no_more_to_be_due);
  g_test_add_func ("/berths/a-deadline-ends-the-sleep", a_deadline_ends_the_sleep);
  g_test_add_func ("/berths/a-ring-since-the-look-ends-the-sleep", a_ring_since_the_look_ends_the_sleep);
  return g_test_run ();
}
