/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-limit-clock.c
 *
 * What of the time a limit counts. A clock whose sleep ended a minute ago is one of a process that was stopped. */

#include "config.h"

#include "base/ferry-limit-clock-private.h"

#define MINUTE (60 * G_USEC_PER_SEC)

static void
test_shows_monotonic_time (void)
{
  FerryLimitClock clock;
  gint64 before = g_get_monotonic_time ();
  gint64 limit = ferry_limit_clock_begin (&clock, MINUTE);
  gint64 time = ferry_limit_clock_look (&clock);

  g_assert_cmpint (limit, >=, before + MINUTE);
  g_assert_cmpint (limit, <=, time + MINUTE);
  g_assert_cmpint (time, >=, before);
  g_assert_cmpint (time, <=, g_get_monotonic_time ());
}

static void
test_sleeps_for_a_part_of_what_is_left (void)
{
  FerryLimitClock clock;
  gint64 limit = ferry_limit_clock_begin (&clock, 8 * MINUTE);
  gint64 until = ferry_limit_clock_sleep (&clock, limit);

  g_assert_cmpint (until, <=, g_get_monotonic_time () + MINUTE);
  g_assert_cmpint (until, >, g_get_monotonic_time ());
  limit = g_get_monotonic_time () + 1;
  g_assert_cmpint (ferry_limit_clock_sleep (&clock, limit), ==, limit);
}

static void
test_sleeps_without_end (void)
{
  FerryLimitClock clock;
  gint64 before = g_get_monotonic_time ();
  gint64 limit = ferry_limit_clock_begin (&clock, -1);

  g_assert_cmpint (limit, ==, G_MAXINT64);
  g_assert_cmpint (ferry_limit_clock_sleep (&clock, limit), ==, G_MAXINT64);
  g_assert_cmpint (ferry_limit_clock_look (&clock), >=, before);
}

/* Has the clock's sleep ended a minute ago. */
static void
stop_for_a_minute (FerryLimitClock *clock)
{
  clock->due -= MINUTE;
  clock->lost -= MINUTE;
}

static void
test_counts_no_time_before_the_first_sleep (void)
{
  FerryLimitClock clock;
  gint64 before = g_get_monotonic_time ();
  gint64 limit = ferry_limit_clock_begin (&clock, G_USEC_PER_SEC);
  gint64 until;

  g_assert_cmpint (clock.due, >=, before);
  stop_for_a_minute (&clock);
  until = ferry_limit_clock_sleep (&clock, limit);
  g_assert_cmpint (until, >, g_get_monotonic_time ());
  g_assert_cmpint (ferry_limit_clock_look (&clock), <, limit);
}

static void
test_counts_no_time_after_a_sleep (void)
{
  FerryLimitClock clock;
  gint64 limit = ferry_limit_clock_begin (&clock, G_USEC_PER_SEC);

  ferry_limit_clock_sleep (&clock, limit);
  limit = clock.due - clock.lost;
  stop_for_a_minute (&clock);
  /* What came meanwhile has time to be taken. */
  g_assert_cmpint (ferry_limit_clock_look (&clock), <, limit);
  stop_for_a_minute (&clock);
  g_assert_cmpint (ferry_limit_clock_look (&clock), <, limit);
}

static void
test_goes_on_after_a_stop (void)
{
  FerryLimitClock clock;
  gint64 limit = ferry_limit_clock_begin (&clock, 10 * MINUTE);
  gint64 time;

  ferry_limit_clock_sleep (&clock, limit - 10 * MINUTE);
  stop_for_a_minute (&clock);
  time = ferry_limit_clock_look (&clock);
  ferry_limit_clock_sleep (&clock, limit);
  while (ferry_limit_clock_look (&clock) == time)
    ;
  g_assert_cmpint (ferry_limit_clock_look (&clock), <, limit);
}

/* As a main loop does, each of whose handlers takes long. */
static void
test_comes_to_an_end_where_each_look_is_late (void)
{
  FerryLimitClock clock;
  gint64 limit = ferry_limit_clock_begin (&clock, 10 * G_USEC_PER_SEC);
  guint n_looks = 0;

  for (; ferry_limit_clock_look (&clock) < limit; n_looks++)
    {
      g_assert_cmpuint (n_looks, <, 40);
      ferry_limit_clock_sleep (&clock, limit);
      stop_for_a_minute (&clock);
      /* What came between two looks ends no sleep, and is looked at in time. */
      if (n_looks % 2 == 0)
        ferry_limit_clock_look (&clock);
    }
  /* It is no more than late. */
  g_assert_cmpuint (n_looks, >, 4);
}

static void
test_shows_monotonic_time_once_it_has_caught_up (void)
{
  FerryLimitClock clock;
  gint64 time, lost;

  ferry_limit_clock_begin (&clock, -1);
  ferry_limit_clock_sleep (&clock, g_get_monotonic_time ());
  stop_for_a_minute (&clock);
  time = ferry_limit_clock_look (&clock);
  lost = ferry_limit_clock_catch_up (&clock);
  g_assert_cmpint (lost, >, 0);
  g_assert_cmpint (ferry_limit_clock_look (&clock), >=, time + lost);
  g_assert_cmpint (ferry_limit_clock_look (&clock), <=, g_get_monotonic_time ());
  g_assert_cmpint (ferry_limit_clock_catch_up (&clock), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/limit-clock/shows-monotonic-time", test_shows_monotonic_time);
  g_test_add_func ("/limit-clock/sleeps-for-a-part-of-what-is-left", test_sleeps_for_a_part_of_what_is_left);
  g_test_add_func ("/limit-clock/sleeps-without-end", test_sleeps_without_end);
  g_test_add_func ("/limit-clock/counts-no-time-before-the-first-sleep", test_counts_no_time_before_the_first_sleep);
  g_test_add_func ("/limit-clock/counts-no-time-after-a-sleep", test_counts_no_time_after_a_sleep);
  g_test_add_func ("/limit-clock/goes-on-after-a-stop", test_goes_on_after_a_stop);
  g_test_add_func ("/limit-clock/comes-to-an-end-where-each-look-is-late",
                   test_comes_to_an_end_where_each_look_is_late);
  g_test_add_func ("/limit-clock/shows-monotonic-time-once-it-has-caught-up",
                   test_shows_monotonic_time_once_it_has_caught_up);
  return g_test_run ();
}
