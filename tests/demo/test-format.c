/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/ferry-demo-format.c
 *
 * Numbers in words, in the C locale. */

#include "config.h"

#include "demo-app/ferry-demo-format.h"

#include <math.h>

static void
assert_words (char *words, const char *expected)
{
  g_assert_cmpstr (words, ==, expected);
  g_free (words);
}

static void
test_count (void)
{
  assert_words (ferry_demo_format_count (0), "0");
  assert_words (ferry_demo_format_count (999), "999");
  assert_words (ferry_demo_format_count (1000), "1,000");
  assert_words (ferry_demo_format_count (216816), "216,816");
  assert_words (ferry_demo_format_count (3000000), "3,000,000");
  assert_words (ferry_demo_format_count (G_MAXUINT64), "18,446,744,073,709,551,615");
  assert_words (ferry_demo_format_counted (0, "file", "files"), "0 files");
  assert_words (ferry_demo_format_counted (1, "file", "files"), "1 file");
  assert_words (ferry_demo_format_counted (2000, "file", "files"), "2,000 files");
}

static void
test_amount (void)
{
  assert_words (ferry_demo_format_amount (0.0), "0");
  assert_words (ferry_demo_format_amount (-5.0), "0");
  assert_words (ferry_demo_format_amount (0.6), "1");
  assert_words (ferry_demo_format_amount (999.4), "999");
  assert_words (ferry_demo_format_amount (123456.0), "123,456");
  assert_words (ferry_demo_format_amount (999499.0), "999,499");
  assert_words (ferry_demo_format_amount (999500.0), "1.00 million");
  assert_words (ferry_demo_format_amount (2540231.0), "2.54 million");
  assert_words (ferry_demo_format_amount (9.995e6), "10.0 million");
  assert_words (ferry_demo_format_amount (25.44e6), "25.4 million");
  assert_words (ferry_demo_format_amount (99.95e6), "100 million");
  assert_words (ferry_demo_format_amount (999.5e6), "1.00 billion");
}

static void
test_latency (void)
{
  assert_words (ferry_demo_format_latency (0.0), "0 µs");
  assert_words (ferry_demo_format_latency (12.4), "12 µs");
  assert_words (ferry_demo_format_latency (999.0), "999 µs");
  assert_words (ferry_demo_format_latency (1500.0), "1.5 ms");
  assert_words (ferry_demo_format_latency (15000.0), "15 ms");
  assert_words (ferry_demo_format_latency (2.5e6), "2.5 s");
}

/* A unit does not go up to a thousand of itself: the next one begins there. */
static void
test_latency_at_the_edges (void)
{
  assert_words (ferry_demo_format_latency (999.7), "1.0 ms");
  assert_words (ferry_demo_format_latency (9970.0), "10 ms");
  assert_words (ferry_demo_format_latency (999700.0), "1.0 s");
}

static void
test_duration (void)
{
  assert_words (ferry_demo_format_duration (0.0), "0:00");
  assert_words (ferry_demo_format_duration (4.9), "0:04");
  assert_words (ferry_demo_format_duration (59.9), "0:59");
  assert_words (ferry_demo_format_duration (60.0), "1:00");
  assert_words (ferry_demo_format_duration (3599.0), "59:59");
  assert_words (ferry_demo_format_duration (3600.0), "1:00:00");
  assert_words (ferry_demo_format_duration (100.0 * 3600.0 + 61.0), "100:01:01");
  assert_words (ferry_demo_format_duration (-1.0), "0:00");
  assert_words (ferry_demo_format_duration (INFINITY), "596523:14:07");
  assert_words (ferry_demo_format_duration (NAN), "0:00");
}

static void
test_time_left (void)
{
  assert_words (ferry_demo_format_time_left (0.0), "1 second left");
  assert_words (ferry_demo_format_time_left (1.4), "1 second left");
  assert_words (ferry_demo_format_time_left (2.0), "2 seconds left");
  assert_words (ferry_demo_format_time_left (9.4), "9 seconds left");
  assert_words (ferry_demo_format_time_left (12.0), "10 seconds left");
  assert_words (ferry_demo_format_time_left (13.0), "15 seconds left");
  assert_words (ferry_demo_format_time_left (57.0), "55 seconds left");
  assert_words (ferry_demo_format_time_left (58.0), "1 minute left");
  assert_words (ferry_demo_format_time_left (150.0), "3 minutes left");
  assert_words (ferry_demo_format_time_left (3600.0), "1 hour left");
  assert_words (ferry_demo_format_time_left (2.0 * 3600.0), "2 hours left");
  assert_words (ferry_demo_format_time_left (24.0 * 3600.0), "1 day left");
  assert_words (ferry_demo_format_time_left (1e12), "years left");
  assert_words (ferry_demo_format_time_left (INFINITY), "years left");
  assert_words (ferry_demo_format_time_left (NAN), "years left");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/format/count", test_count);
  g_test_add_func ("/format/amount", test_amount);
  g_test_add_func ("/format/latency", test_latency);
  g_test_add_func ("/format/latency-at-the-edges", test_latency_at_the_edges);
  g_test_add_func ("/format/duration", test_duration);
  g_test_add_func ("/format/time-left", test_time_left);
  return g_test_run ();
}
