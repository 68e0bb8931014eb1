/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-format.c
 *
 * Numbers in words, in the C locale. */

#include "config.h"

#include "gtk/ferry-format.h"

static void
assert_words (char *words, const char *expected)
{
  g_assert_cmpstr (words, ==, expected);
  g_free (words);
}

static void
test_count (void)
{
  assert_words (ferry_format_count (0), "0");
  assert_words (ferry_format_count (999), "999");
  assert_words (ferry_format_count (1000), "1,000");
  assert_words (ferry_format_count (216816), "216,816");
  assert_words (ferry_format_count (3000000), "3,000,000");
  assert_words (ferry_format_count (G_MAXUINT64), "18,446,744,073,709,551,615");
}

static void
test_amount (void)
{
  assert_words (ferry_format_amount (0.0), "0");
  assert_words (ferry_format_amount (-5.0), "0");
  assert_words (ferry_format_amount (0.6), "1");
  assert_words (ferry_format_amount (999.4), "999");
  assert_words (ferry_format_amount (123456.0), "123,456");
  assert_words (ferry_format_amount (999499.0), "999,499");
  assert_words (ferry_format_amount (999500.0), "1.00 million");
  assert_words (ferry_format_amount (2540231.0), "2.54 million");
  assert_words (ferry_format_amount (9.995e6), "10.0 million");
  assert_words (ferry_format_amount (25.44e6), "25.4 million");
  assert_words (ferry_format_amount (99.95e6), "100 million");
  assert_words (ferry_format_amount (999.5e6), "1.00 billion");
}

#define SECOND ((gint64) G_USEC_PER_SEC)
#define MINUTE (60 * SECOND)
#define HOUR (3600 * SECOND)

static void
test_duration (void)
{
  assert_words (ferry_format_duration (0), "0:00");
  assert_words (ferry_format_duration (5 * SECOND - 1), "0:04");
  assert_words (ferry_format_duration (60 * SECOND - 1), "0:59");
  assert_words (ferry_format_duration (60 * SECOND), "1:00");
  assert_words (ferry_format_duration (HOUR - SECOND), "59:59");
  assert_words (ferry_format_duration (HOUR), "1:00:00");
  assert_words (ferry_format_duration (100 * HOUR + 61 * SECOND), "100:01:01");
  assert_words (ferry_format_duration (-SECOND), "0:00");
  assert_words (ferry_format_duration (G_MAXINT64), "2562047788:00:54");
}

static void
test_time_left (void)
{
  assert_words (ferry_format_time_left (-1), "1 second left");
  assert_words (ferry_format_time_left (0), "1 second left");
  assert_words (ferry_format_time_left (14 * SECOND / 10), "1 second left");
  assert_words (ferry_format_time_left (2 * SECOND), "2 seconds left");
  assert_words (ferry_format_time_left (94 * SECOND / 10), "9 seconds left");
  assert_words (ferry_format_time_left (12 * SECOND), "10 seconds left");
  assert_words (ferry_format_time_left (13 * SECOND), "15 seconds left");
  assert_words (ferry_format_time_left (57 * SECOND), "55 seconds left");
  assert_words (ferry_format_time_left (58 * SECOND), "1 minute left");
  assert_words (ferry_format_time_left (150 * SECOND), "3 minutes left");
  assert_words (ferry_format_time_left (3569 * SECOND), "59 minutes left");
  assert_words (ferry_format_time_left (HOUR), "1 hour left");
  assert_words (ferry_format_time_left (HOUR + 3 * MINUTE), "1 hour 5 minutes left");
  assert_words (ferry_format_time_left (HOUR + 22 * MINUTE), "1 hour 20 minutes left");
  assert_words (ferry_format_time_left (HOUR + 58 * MINUTE), "2 hours left");
  assert_words (ferry_format_time_left (2 * HOUR), "2 hours left");
  assert_words (ferry_format_time_left (3 * HOUR + 55 * MINUTE), "3 hours 55 minutes left");
  assert_words (ferry_format_time_left (3 * HOUR + 58 * MINUTE), "4 hours left");
  assert_words (ferry_format_time_left (4 * HOUR + 20 * MINUTE), "4 hours left");
  assert_words (ferry_format_time_left (23 * HOUR), "23 hours left");
  assert_words (ferry_format_time_left (24 * HOUR), "1 day left");
  assert_words (ferry_format_time_left (47 * HOUR), "2 days left");
  assert_words (ferry_format_time_left (90 * 24 * HOUR), "90 days left");
  assert_words (ferry_format_time_left (G_MAXINT64), "years left");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/format/count", test_count);
  g_test_add_func ("/format/amount", test_amount);
  g_test_add_func ("/format/duration", test_duration);
  g_test_add_func ("/format/time-left", test_time_left);
  return g_test_run ();
}
