/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/ferry-demo-pace.c
 *
 * Rate and time left: silent until they are steady, and without jumps from then on. Time is the test's own. */

#include "config.h"

#include "demo-app/ferry-demo-pace.h"

#include <math.h>

#define TURN (G_USEC_PER_SEC / 8)
#define BEGIN (100 * G_USEC_PER_SEC)

/* Adds samples at each turn for so long, at so many a second. */
static void
go_on (FerryDemoPace *pace, double seconds, double per_second)
{
  guint64 first = pace->last_done;
  gint64 begin = pace->first_time == 0 ? BEGIN : pace->last_time;

  if (pace->first_time == 0)
    ferry_demo_pace_add (pace, begin, first);
  for (gint64 after = TURN; after <= (gint64) (seconds * G_USEC_PER_SEC); after += TURN)
    ferry_demo_pace_add (pace, begin + after, first + (guint64) (per_second * (double) after / G_USEC_PER_SEC));
}

static void
test_silent_at_first (void)
{
  FerryDemoPace pace = {0};
  double rate, seconds;

  g_assert_false (ferry_demo_pace_get_rate (&pace, &rate));
  g_assert_false (ferry_demo_pace_get_time_left (&pace, 1, &seconds));

  ferry_demo_pace_add (&pace, BEGIN, 1000);
  g_assert_false (ferry_demo_pace_get_rate (&pace, &rate));
  go_on (&pace, 0.25, 1000.0);
  g_assert_false (ferry_demo_pace_get_rate (&pace, &rate));

  go_on (&pace, 0.5, 1000.0);
  g_assert_true (ferry_demo_pace_get_rate (&pace, &rate));
  g_assert_cmpfloat_with_epsilon (rate, 1000.0, 20.0);
  g_assert_false (ferry_demo_pace_get_time_left (&pace, 1000, &seconds));

  go_on (&pace, 3.0, 1000.0);
  g_assert_true (ferry_demo_pace_get_time_left (&pace, 5000, &seconds));
  g_assert_cmpfloat_with_epsilon (seconds, 5.0, 0.2);
}

static void
test_hidden_while_nothing_is_done (void)
{
  FerryDemoPace pace = {0};
  double rate, seconds;

  go_on (&pace, 10.0, 0.0);
  g_assert_false (ferry_demo_pace_get_rate (&pace, &rate));
  g_assert_false (ferry_demo_pace_get_time_left (&pace, 1, &seconds));
}

static void
test_hidden_while_unsteady (void)
{
  FerryDemoPace pace = {0};
  double seconds;

  go_on (&pace, 0.25, 0.0);
  for (guint i = 0; i < 40; i++)
    {
      go_on (&pace, 0.125, i % 5 == 0 ? 100000.0 : 0.0);
      g_assert_false (ferry_demo_pace_get_time_left (&pace, 1000000, &seconds));
    }
}

/* A job that gets ten times as fast shows each rate in between. */
static void
test_no_jumps (void)
{
  FerryDemoPace pace = {0};
  double rate, last;

  go_on (&pace, 5.0, 1000.0);
  g_assert_true (ferry_demo_pace_get_rate (&pace, &last));
  for (guint i = 0; i < 80; i++)
    {
      go_on (&pace, 0.125, 10000.0);
      g_assert_true (ferry_demo_pace_get_rate (&pace, &rate));
      g_assert_cmpfloat (rate, >=, last);
      g_assert_cmpfloat (rate - last, <, 10000.0 * 0.1);
      last = rate;
    }
  g_assert_cmpfloat_with_epsilon (rate, 10000.0, 200.0);
}

static void
test_time_left_follows (void)
{
  FerryDemoPace pace = {0};
  guint64 total = 60000;
  double seconds, last = INFINITY;

  go_on (&pace, 3.0, 1000.0);
  while (pace.last_done < total - 1000)
    {
      go_on (&pace, 0.5, pace.last_done % 2 == 0 ? 1100.0 : 900.0);
      g_assert_true (ferry_demo_pace_get_time_left (&pace, total - pace.last_done, &seconds));
      g_assert_cmpfloat (seconds, <, last + 1.0);
      g_assert_true (isfinite (seconds) && seconds > 0.0);
      last = seconds;
    }
}

static void
test_odd_samples (void)
{
  FerryDemoPace pace = {0};
  double rate, before;

  go_on (&pace, 4.0, 1000.0);
  g_assert_true (ferry_demo_pace_get_rate (&pace, &before));

  /* Twice at the same time, and back in time: no sample. */
  ferry_demo_pace_add (&pace, pace.last_time, pace.last_done + 1000000);
  ferry_demo_pace_add (&pace, pace.last_time - 1, pace.last_done + 1000000);
  g_assert_true (ferry_demo_pace_get_rate (&pace, &rate));
  g_assert_cmpfloat (rate, ==, before);

  /* Less done than before: another beginning. */
  ferry_demo_pace_add (&pace, pace.last_time + TURN, 5);
  g_assert_false (ferry_demo_pace_get_rate (&pace, &rate));

  ferry_demo_pace_add (&pace, pace.last_time + G_USEC_PER_SEC, G_MAXUINT64);
  g_assert_true (ferry_demo_pace_get_rate (&pace, &rate));
  g_assert_true (isfinite (rate) && rate > 0.0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pace/silent-at-first", test_silent_at_first);
  g_test_add_func ("/pace/hidden-while-nothing-is-done", test_hidden_while_nothing_is_done);
  g_test_add_func ("/pace/hidden-while-unsteady", test_hidden_while_unsteady);
  g_test_add_func ("/pace/no-jumps", test_no_jumps);
  g_test_add_func ("/pace/time-left-follows", test_time_left_follows);
  g_test_add_func ("/pace/odd-samples", test_odd_samples);
  return g_test_run ();
}
