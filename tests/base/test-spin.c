/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-spin.c
 *
 * When a wait spins before it sleeps. */

#include "config.h"

#include <sched.h>

#include "base/ferry-spin-private.h"

#define LONGEST 20 /* µs */
#define N_WAITS 20

typedef struct
{
  FerrySpin spin;
  guint n_looks;
  guint arrives_at; /* the look that finds something; 0: none */
} Scene;

static guint n_yields;

/* The library's waits yield here. */
int
sched_yield (void)
{
  n_yields++;
  return 0;
}

static gboolean
look (gpointer data)
{
  Scene *self = data;

  return ++self->n_looks == self->arrives_at;
}

/* Returns whether the wait has spun. */
static gboolean
wait_in_vain (Scene *self)
{
  self->n_looks = 0;
  self->arrives_at = 0;
  if (ferry_spin_begin (&self->spin))
    g_assert_false (ferry_spin_poll (&self->spin, look, self));
  ferry_spin_end (&self->spin);
  return self->n_looks > 0;
}

static void
wait_with_success (Scene *self)
{
  self->n_looks = 0;
  self->arrives_at = 1;
  while (!ferry_spin_begin (&self->spin) || !ferry_spin_poll (&self->spin, look, self))
    ferry_spin_end (&self->spin);
}

static void
set_up (Scene *self, guint share)
{
  ferry_spin_configure (&self->spin, FERRY_SPIN_SETTING (LONGEST, share));
}

static void
test_begins_asleep (void)
{
  Scene scene = {.n_looks = 0};

  set_up (&scene, 1000);
  g_assert_false (wait_in_vain (&scene));
  g_assert_cmpuint (ferry_spin_get_time (&scene.spin), ==, 0);
}

static void
test_spins_after_short_waits (void)
{
  Scene scene = {.n_looks = 0};

  set_up (&scene, 1000);
  while (!wait_in_vain (&scene))
    ;
  g_assert_cmpuint (ferry_spin_get_time (&scene.spin), >=, LONGEST);
}

static void
test_sleeps_after_a_long_wait (void)
{
  Scene scene = {.n_looks = 0};

  set_up (&scene, 1000);
  wait_with_success (&scene);
  ferry_spin_begin (&scene.spin);
  /* Nothing but the time of the wait counts. */
  scene.spin.began -= G_USEC_PER_SEC;
  ferry_spin_end (&scene.spin);
  scene.spin.skips = 0;
  g_assert_false (wait_in_vain (&scene));
}

/* Returns how many waits sleep at once before the next that spins. */
static guint
count_skips (Scene *self)
{
  guint n = 0;

  for (;; n++)
    {
      /* Whether or not another process had the core during the last wait. */
      self->spin.typical = 0;
      if (wait_in_vain (self))
        return n;
    }
}

static void
test_spins_less_and_less_in_vain (void)
{
  Scene scene = {.n_looks = 0};
  guint last;

  set_up (&scene, 1000);
  wait_with_success (&scene);
  g_assert_cmpuint (count_skips (&scene), ==, 0);
  last = count_skips (&scene);
  for (guint i = 0; i < 3; i++)
    {
      guint skips = count_skips (&scene);

      g_assert_cmpuint (skips, >=, last);
      last = skips;
    }
  g_assert_cmpuint (last, >=, 8);
  /* A success makes up for it. */
  wait_with_success (&scene);
  g_assert_cmpuint (count_skips (&scene), ==, 0);
}

static void
test_keeps_to_its_share (void)
{
  Scene scene = {.n_looks = 0};
  gint64 began;
  gint64 seconds;

  set_up (&scene, 1);
  wait_with_success (&scene);
  began = g_get_monotonic_time ();
  while (g_get_monotonic_time () - began < G_USEC_PER_SEC / 2)
    {
      scene.spin.typical = 0;
      scene.spin.skips = 0;
      wait_in_vain (&scene);
    }
  seconds = (g_get_monotonic_time () - began) / G_USEC_PER_SEC + 2;
  /* The last spin of a second may be cut off late, since another process may have the core. */
  g_assert_cmpint (scene.spin.wasted, <, G_USEC_PER_SEC / 4);
  g_assert_cmpuint (ferry_spin_get_time (&scene.spin), <, (guint64) (seconds * G_USEC_PER_SEC / 4));
}

static void
test_can_be_switched_off (void)
{
  Scene scene = {.n_looks = 0};

  set_up (&scene, 1000);
  wait_with_success (&scene);
  ferry_spin_configure (&scene.spin, 0);
  for (guint i = 0; i < N_WAITS; i++)
    g_assert_false (wait_in_vain (&scene));
}

static void
test_yields_twice_on_one_core (void)
{
  Scene scene = {.n_looks = 0};

  ferry_spin_configure (&scene.spin, FERRY_SPIN_SETTING (FERRY_SPIN_YIELD, 1000));
  g_assert_false (wait_in_vain (&scene));
  wait_with_success (&scene);
  g_assert_cmpuint (scene.n_looks, ==, 1);
  /* As many as spins. */
  scene.spin.typical = 0;
  g_assert_true (wait_in_vain (&scene));
  g_assert_cmpuint (scene.n_looks, ==, 2);
  g_assert_cmpuint (count_skips (&scene), >, 0);
  g_assert_cmpuint (ferry_spin_get_time (&scene.spin), ==, 0);
}

static gboolean
was_yielded (gpointer data)
{
  ((Scene *) data)->n_looks++;
  return n_yields > 0;
}

/* Makes a wait that spins, and returns after how many looks it has come. */
static guint
count_looks (Scene *self, FerrySpinFunc func)
{
  self->n_looks = 0;
  n_yields = 0;
  self->spin.typical = 0;
  g_assert_true (ferry_spin_begin (&self->spin));
  g_assert_true (ferry_spin_poll (&self->spin, func, self));
  return self->n_looks;
}

/* Who answers may have the core of who waits, though there are others: then a spin only holds it up. */
static void
test_yields_first_where_a_yield_has_helped (void)
{
  Scene scene = {.n_looks = 0};

  ferry_spin_configure (&scene.spin, FERRY_SPIN_SETTING (1000, 1000));
  wait_with_success (&scene);
  g_assert_cmpuint (count_looks (&scene, was_yielded), >, 1);
  g_assert_cmpuint (count_looks (&scene, was_yielded), ==, 1);
  g_assert_cmpuint (count_looks (&scene, was_yielded), ==, 1);
  /* It comes without the core. */
  scene.arrives_at = 3;
  g_assert_cmpuint (count_looks (&scene, look), ==, 3);
  g_assert_cmpuint (n_yields, ==, 2);
  g_assert_cmpuint (count_looks (&scene, look), ==, 3);
  g_assert_cmpuint (n_yields, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/spin/begins-with-sleeps", test_begins_asleep);
  g_test_add_func ("/spin/spins-after-short-waits", test_spins_after_short_waits);
  g_test_add_func ("/spin/sleeps-after-a-long-wait", test_sleeps_after_a_long_wait);
  g_test_add_func ("/spin/spins-less-and-less-in-vain", test_spins_less_and_less_in_vain);
  g_test_add_func ("/spin/keeps-to-its-share", test_keeps_to_its_share);
  g_test_add_func ("/spin/yields-twice-on-one-core", test_yields_twice_on_one_core);
  g_test_add_func ("/spin/yields-first-where-a-yield-has-helped", test_yields_first_where_a_yield_has_helped);
  g_test_add_func ("/spin/can-be-switched-off", test_can_be_switched_off);
  return g_test_run ();
}
