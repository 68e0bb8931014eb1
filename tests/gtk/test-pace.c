/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-pace.c
 *
 * Rate and time left: silent until they are steady, and without jumps from then on. Time is the test's own. */

#include "config.h"

#include "gtk/ferry-format.h"
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

/* A loop of equal steps on a busy machine: milliseconds, and steps done. */
static const struct
{
  int milliseconds, done;
} recorded[] = {
  {18, 1},       {264, 17},     {501, 35},     {752, 51},     {1023, 61},    {1251, 78},    {1518, 88},
  {1758, 105},   {2002, 124},   {2268, 143},   {2501, 163},   {2755, 193},   {3001, 214},   {3268, 232},
  {3519, 244},   {3752, 271},   {4056, 309},   {4265, 319},   {4553, 328},   {4762, 351},   {5026, 361},
  {5318, 368},   {5504, 374},   {5750, 381},   {6023, 394},   {6250, 406},   {6500, 422},   {6754, 436},
  {7162, 442},   {7251, 447},   {7501, 465},   {7783, 475},   {8017, 483},   {8251, 491},   {8523, 504},
  {8752, 513},   {9015, 523},   {9271, 533},   {9556, 539},   {9752, 559},   {10000, 586},  {10250, 671},
  {10505, 693},  {10750, 714},  {11019, 726},  {11274, 740},  {11515, 764},  {11758, 783},  {12022, 805},
  {12291, 833},  {12514, 851},  {12773, 863},  {13018, 882},  {13250, 933},  {13500, 990},  {13755, 1023},
  {14001, 1055}, {14254, 1084}, {14510, 1112}, {14758, 1135}, {15021, 1154}, {15251, 1169}, {15506, 1193},
  {15751, 1217}, {16014, 1245}, {16254, 1263}, {16505, 1284}, {16756, 1303}, {17001, 1318}, {17262, 1332},
  {17583, 1347}, {17758, 1362}, {18020, 1380}, {18259, 1408}, {18506, 1442}, {18765, 1465}, {19007, 1489},
  {19263, 1505}, {19534, 1522}, {19776, 1540}, {20006, 1557}, {20254, 1579}, {20530, 1597}, {20755, 1615},
  {21000, 1629}, {21268, 1642}, {21503, 1649}, {21754, 1657}, {22010, 1678}, {22266, 1702}, {22530, 1723},
  {22751, 1744}, {23018, 1769}, {23250, 1791}, {23520, 1815}, {23843, 1837}, {24006, 1864}, {24284, 1880},
  {24510, 1896}, {24809, 1915}, {25029, 1940}, {25271, 1960}, {25523, 1974}, {25773, 1983}, {26069, 1994},
  {26267, 2006}, {26507, 2018}, {26771, 2036}, {27019, 2059}, {27254, 2075}, {27535, 2092}, {27810, 2109},
  {28006, 2135}, {28263, 2152}, {28522, 2176}, {28750, 2190}, {29002, 2217}, {29269, 2238}, {29513, 2259},
  {29763, 2279}, {30009, 2298}, {30250, 2361}, {30515, 2380}, {30766, 2400}, {31023, 2427}, {31255, 2457},
  {31501, 2479}, {31774, 2488}, {32059, 2501}, {32255, 2516}, {32522, 2535}, {32754, 2555}, {33011, 2583},
  {33256, 2611}, {33506, 2637}, {33762, 2665}, {34021, 2683}, {34314, 2703}, {34500, 2759}, {34773, 2791},
  {35001, 2813}, {35251, 2840}, {35504, 2868}, {35754, 2892}, {36010, 2921}, {36250, 2949}, {36500, 2976},
  {36755, 3002}, {37026, 3008}, {37270, 3041}, {37515, 3065}, {37752, 3090}, {38000, 3119}, {38262, 3145},
  {38518, 3164}, {38768, 3183}, {39009, 3198}, {39275, 3214}, {39516, 3221}, {39751, 3241}, {40010, 3256},
};

/* (transfer full): the words for the time left of so much work, one for each time that they change. */
static GPtrArray *
play (guint64 total)
{
  g_auto (Course) course = course_new ();
  GPtrArray *words = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < G_N_ELEMENTS (recorded); i++)
    {
      double seconds;
      g_autofree char *said = NULL;

      add (&course, BEGIN + (gint64) recorded[i].milliseconds * 1000, (guint64) recorded[i].done);
      said = get_time_left (&course, total - course.last_done, &seconds)
               ? ferry_format_time_left ((gint64) (seconds * G_USEC_PER_SEC))
               : g_strdup ("");
      if (words->len == 0 || !g_str_equal (said, words->pdata[words->len - 1]))
        g_ptr_array_add (words, g_steal_pointer (&said));
    }
  return words;
}

/* Taken from the rate of each moment, the words came and went, and changed 36 times, up and down. */
static void
test_time_left_of_a_recorded_course_stays_and_changes_slowly (void)
{
  g_autoptr (GPtrArray) words = play ((guint64) recorded[G_N_ELEMENTS (recorded) - 1].done);
  g_autoptr (GPtrArray) of_long = play (12000);

  for (guint i = 1; i < words->len; i++)
    g_assert_cmpstr (words->pdata[i], !=, "");
  g_assert_cmpuint (words->len, <=, 24);
  g_assert_cmpstr (words->pdata[words->len - 1], ==, "1 second left");
  /* "3 minutes left", then "2 minutes left". */
  g_assert_cmpuint (of_long->len, ==, 3);
}

/* What is not known any more has not become less. */
static void
test_time_left_stands_still_while_unsteady (void)
{
  g_auto (Course) course = course_new ();
  double before, seconds;

  go_on (&course, 5.0, 1000.0);
  g_assert_true (get_time_left (&course, 60000, &before));
  go_on (&course, 6.0, 0.0);
  g_assert_true (get_time_left (&course, 60000, &seconds));
  g_assert_cmpfloat (seconds, ==, before);
  /* Other work has a time of its own. */
  add (&course, course.last_time + TURN, 0);
  g_assert_false (get_time_left (&course, 60000, &seconds));
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
  g_test_add_func ("/pace/time-left-of-a-recorded-course-stays-and-changes-slowly",
                   test_time_left_of_a_recorded_course_stays_and_changes_slowly);
  g_test_add_func ("/pace/time-left-stands-still-while-unsteady", test_time_left_stands_still_while_unsteady);
  g_test_add_func ("/pace/odd-samples", test_odd_samples);
  g_test_add_func ("/pace/time-without-end", test_time_without_end);
  return g_test_run ();
}
