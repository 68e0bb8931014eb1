/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-pace.c
 *
 * Rate and time left: silent until they are steady, and without jumps from then on. Time is the test's own. */

#include "config.h"

#include "gtk/ferry-pace.h"

#include <math.h>

#define TURN (G_USEC_PER_SEC / 8)
#define BEGIN (100 * G_USEC_PER_SEC)

/* A pace, and what its last sample was. */
typedef struct
{
  FerryPace *pace;
  gint64 last_time; /* 0 before the first sample */
  guint64 last_done;
} Course;

static void
course_clear (Course *course)
{
  g_object_unref (course->pace);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Course, course_clear)

static Course
course_new (void)
{
  return (Course){.pace = ferry_pace_new ()};
}

static void
add (Course *course, gint64 now, guint64 done)
{
  ferry_pace_add (course->pace, now, done);
  course->last_time = now;
  course->last_done = done;
}

/* Adds samples at each turn for so long, at so many a second. */
static void
go_on (Course *course, double seconds, double per_second)
{
  guint64 first = course->last_done;
  gint64 begin = course->last_time == 0 ? BEGIN : course->last_time;

  if (course->last_time == 0)
    add (course, begin, first);
  for (gint64 after = TURN; after <= (gint64) (seconds * G_USEC_PER_SEC); after += TURN)
    add (course, begin + after, first + (guint64) (per_second * (double) after / G_USEC_PER_SEC));
}

/* In seconds. */
static gboolean
get_time_left (Course *course, guint64 remaining, double *seconds)
{
  gint64 time_left;
  gboolean known = ferry_pace_get_time_left (course->pace, remaining, &time_left);

  g_assert_true (known ? time_left >= 0 : time_left == -1);
  *seconds = (double) time_left / G_USEC_PER_SEC;
  return known;
}

static void
test_silent_at_first (void)
{
  g_auto (Course) course = course_new ();
  double rate, seconds;

  g_assert_false (ferry_pace_get_rate (course.pace, &rate));
  g_assert_false (get_time_left (&course, 1, &seconds));

  add (&course, BEGIN, 1000);
  g_assert_false (ferry_pace_get_rate (course.pace, &rate));
  go_on (&course, 0.25, 1000.0);
  g_assert_false (ferry_pace_get_rate (course.pace, &rate));

  go_on (&course, 0.5, 1000.0);
  g_assert_true (ferry_pace_get_rate (course.pace, &rate));
  g_assert_cmpfloat_with_epsilon (rate, 1000.0, 20.0);
  g_assert_false (get_time_left (&course, 1000, &seconds));

  go_on (&course, 3.0, 1000.0);
  g_assert_true (get_time_left (&course, 5000, &seconds));
  g_assert_cmpfloat_with_epsilon (seconds, 5.0, 0.2);
}

static void
test_hidden_while_nothing_is_done (void)
{
  g_auto (Course) course = course_new ();
  double rate, seconds;

  go_on (&course, 10.0, 0.0);
  g_assert_false (ferry_pace_get_rate (course.pace, &rate));
  g_assert_false (get_time_left (&course, 1, &seconds));
}

static void
test_hidden_while_unsteady (void)
{
  g_auto (Course) course = course_new ();
  double seconds;

  go_on (&course, 0.25, 0.0);
  for (guint i = 0; i < 40; i++)
    {
      go_on (&course, 0.125, i % 5 == 0 ? 100000.0 : 0.0);
      g_assert_false (get_time_left (&course, 1000000, &seconds));
    }
}

/* A job that gets ten times as fast shows each rate in between. */
static void
test_no_jumps (void)
{
  g_auto (Course) course = course_new ();
  double rate, last;

  go_on (&course, 5.0, 1000.0);
  g_assert_true (ferry_pace_get_rate (course.pace, &last));
  for (guint i = 0; i < 80; i++)
    {
      go_on (&course, 0.125, 10000.0);
      g_assert_true (ferry_pace_get_rate (course.pace, &rate));
      g_assert_cmpfloat (rate, >=, last);
      g_assert_cmpfloat (rate - last, <, 10000.0 * 0.1);
      last = rate;
    }
  g_assert_cmpfloat_with_epsilon (rate, 10000.0, 200.0);
}

static void
test_time_left_follows (void)
{
  g_auto (Course) course = course_new ();
  guint64 total = 60000;
  double seconds, last = INFINITY;

  go_on (&course, 3.0, 1000.0);
  while (course.last_done < total - 1000)
    {
      go_on (&course, 0.5, course.last_done % 2 == 0 ? 1100.0 : 900.0);
      g_assert_true (get_time_left (&course, total - course.last_done, &seconds));
      g_assert_cmpfloat (seconds, <, last + 1.0);
      g_assert_true (isfinite (seconds) && seconds > 0.0);
      last = seconds;
    }
}

static void
test_odd_samples (void)
{
  g_auto (Course) course = course_new ();
  double rate, before;

  go_on (&course, 4.0, 1000.0);
  g_assert_true (ferry_pace_get_rate (course.pace, &before));

  /* Twice at the same time, and back in time: no sample. */
  ferry_pace_add (course.pace, course.last_time, course.last_done + 1000000);
  ferry_pace_add (course.pace, course.last_time - 1, course.last_done + 1000000);
  g_assert_true (ferry_pace_get_rate (course.pace, &rate));
  g_assert_cmpfloat (rate, ==, before);

  /* Less done than before: another beginning. */
  add (&course, course.last_time + TURN, 5);
  g_assert_false (ferry_pace_get_rate (course.pace, &rate));

  add (&course, course.last_time + G_USEC_PER_SEC, G_MAXUINT64);
  g_assert_true (ferry_pace_get_rate (course.pace, &rate));
  g_assert_true (isfinite (rate) && rate > 0.0);
}

static void
test_time_without_end (void)
{
  g_auto (Course) course = course_new ();
  gint64 time_left;

  go_on (&course, 10.0, 8.0);
  g_assert_true (ferry_pace_get_time_left (course.pace, G_MAXUINT64, &time_left));
  g_assert_cmpint (time_left, ==, G_MAXINT64);
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
  g_test_add_func ("/pace/time-without-end", test_time_without_end);
  return g_test_run ();
}
