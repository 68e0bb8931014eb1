/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/app/ferry-demo-format.c
 *
 * Numbers in words, in the C locale. */

#include "config.h"

#include "demo-app/app/ferry-demo-format.h"

static void
assert_words (char *words, const char *expected)
{
  g_assert_cmpstr (words, ==, expected);
  g_free (words);
}

static void
test_counted (void)
{
  assert_words (ferry_demo_format_counted (0, "%s files"), "0 files");
  assert_words (ferry_demo_format_counted (1, "%s file"), "1 file");
  assert_words (ferry_demo_format_counted (2000, "%s files"), "2,000 files");
}

static void
test_latency (void)
{
  assert_words (ferry_demo_format_latency (0.0), "0 µs");
  assert_words (ferry_demo_format_latency (12.4), "12 µs");
  assert_words (ferry_demo_format_latency (999.0), "999 µs");
  assert_words (ferry_demo_format_latency (1500.0), "1.5 ms");
  assert_words (ferry_demo_format_latency (15000.0), "15 ms");
  assert_words (ferry_demo_format_latency (2.5e6), "2.5 s");
}

/* A unit does not go up to a thousand of itself: the next one begins there. */
static void
test_latency_at_the_edges (void)
{
  assert_words (ferry_demo_format_latency (999.7), "1.0 ms");
  assert_words (ferry_demo_format_latency (9970.0), "10 ms");
  assert_words (ferry_demo_format_latency (999700.0), "1.0 s");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/format/counted", test_counted);
  g_test_add_func ("/format/latency", test_latency);
  g_test_add_func ("/format/latency-at-the-edges", test_latency_at_the_edges);
  return g_test_run ();
}
