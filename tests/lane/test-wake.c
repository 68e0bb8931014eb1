/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-wake-private.h, lane/ferry-barrier.c
 *
 * The wake-up helper on this processor: a waker and a sleeper do their two steps at the same moment, many times, and
 * each time at least one of them must have seen the other. The model shows it for all orders, this for the compiler. */

#include "config.h"

#include "lane/ferry-wake-private.h"
#include "wire/ferry-lane-layout.h"

#include <sched.h>

#define N_ROUNDS 300000
#define SPINS 2000

typedef struct
{
  FerryLaneControl control __attribute__ ((aligned (FERRY_LINE_SIZE)));
  _Atomic guint arrived __attribute__ ((aligned (FERRY_LINE_SIZE)));
  gboolean omits_barriers; /* the sleeper issues the barrier for both */
  guint8 *due;             /* by the round: the waker saw that it must ring */
  guint8 *saw;             /* by the round: the sleeper saw the new position */
} Rounds;

/* Both threads leave it at about the same moment; delay shifts one of them a little. Each has both words in its cache,
 * so that its load is quick and its store, which must have the line for itself, is slow. */
static void
meet (Rounds *self, guint round, guint delay)
{
  atomic_load_explicit (&self->control.writer.index, memory_order_relaxed);
  atomic_load_explicit (&self->control.wake.reader_waiting, memory_order_relaxed);
  atomic_fetch_add (&self->arrived, 1);
  for (guint spins = 1; atomic_load_explicit (&self->arrived, memory_order_relaxed) < 2 * (round + 1); spins++)
    if (spins % SPINS == 0)
      sched_yield ();
  for (volatile guint i = 0; i < delay; i++)
    ;
}

static gpointer
publish_all (gpointer data)
{
  Rounds *self = data;
  guint32 rung = 0;

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      meet (self, i, i % 8);
      if (self->omits_barriers)
        ferry_wake_publish_without_barrier (&self->control.writer.index, (i + 1) * 8u);
      else
        ferry_wake_publish (&self->control.writer.index, (i + 1) * 8u);
      self->due[i] = (guint8) ferry_wake_due (&self->control.wake.reader_waiting, &rung);
    }
  return NULL;
}

static void
run_rounds (gboolean omits_barriers)
{
  g_autofree guint8 *due = g_malloc0 (N_ROUNDS);
  g_autofree guint8 *saw = g_malloc0 (N_ROUNDS);
  Rounds self = {.omits_barriers = omits_barriers, .due = due, .saw = saw};
  GThread *thread = g_thread_new ("test-waker", publish_all, &self);
  guint32 epoch = 0;
  guint n_both = 0;

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      meet (&self, i, (i / 8) % 8);
      ferry_wake_arm (&self.control.wake.reader_waiting, &epoch);
      if (omits_barriers)
        g_assert_true (ferry_barrier_issue ());
      saw[i] = ferry_wake_look (&self.control.writer.index) >= (i + 1) * 8u;
    }
  g_thread_join (thread);
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      if (!due[i] && !saw[i])
        g_error ("In round %u neither saw the other: a wake-up would be lost", i);
      n_both += due[i] && saw[i];
    }
  g_test_message ("in %u of %u rounds each saw the other", n_both, (guint) N_ROUNDS);
}

static void
test_one_of_two_sees_the_other (void)
{
  run_rounds (FALSE);
}

static void
test_a_barrier_orders_a_waker_that_omits_them (void)
{
  if (!ferry_barrier_is_available () || !ferry_barrier_join ())
    g_test_skip ("the kernel has no barriers for other processes");
  else
    run_rounds (TRUE);
}

static void
test_an_epoch_is_rung_for_once (void)
{
  _Atomic guint32 waiting = 0;
  guint32 epoch = 0;
  guint32 rung = 0;

  g_assert_false (ferry_wake_due (&waiting, &rung));
  for (guint i = 0; i < 3; i++)
    {
      ferry_wake_arm (&waiting, &epoch);
      g_assert_true (ferry_wake_due (&waiting, &rung));
      g_assert_false (ferry_wake_due (&waiting, &rung));
    }
}

static void
test_epochs_begin_again (void)
{
  _Atomic guint32 waiting = G_MAXUINT32;
  guint32 epoch = G_MAXUINT32;
  guint32 rung = G_MAXUINT32;

  ferry_wake_arm (&waiting, &epoch);
  g_assert_cmpuint (epoch, ==, 1);
  g_assert_true (ferry_wake_due (&waiting, &rung));
  g_assert_false (ferry_wake_due (&waiting, &rung));
}

static void
test_a_disarmed_sleeper_is_not_rung_for (void)
{
  _Atomic guint32 waiting = 0;
  guint32 epoch = 0;
  guint32 rung = 0;

  ferry_wake_arm (&waiting, &epoch);
  ferry_wake_disarm (&waiting);
  g_assert_false (ferry_wake_due (&waiting, &rung));
  ferry_wake_arm (&waiting, &epoch);
  g_assert_true (ferry_wake_due (&waiting, &rung));
  ferry_wake_disarm (&waiting);
  g_assert_false (ferry_wake_due (&waiting, &rung));
  ferry_wake_arm (&waiting, &epoch);
  g_assert_true (ferry_wake_due (&waiting, &rung));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/wake/one-of-two-sees-the-other", test_one_of_two_sees_the_other);
  g_test_add_func ("/wake/a-barrier-orders-a-waker-that-omits-them", test_a_barrier_orders_a_waker_that_omits_them);
  g_test_add_func ("/wake/an-epoch-is-rung-for-once", test_an_epoch_is_rung_for_once);
  g_test_add_func ("/wake/epochs-begin-again", test_epochs_begin_again);
  g_test_add_func ("/wake/a-disarmed-sleeper-is-not-rung-for", test_a_disarmed_sleeper_is_not_rung_for);
  return g_test_run ();
}
