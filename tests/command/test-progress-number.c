/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/progress-number.c
 *
 * Numbers as programs print them, in the languages of their users. */

#include "config.h"

#include <math.h>

#include "progress-number.h"

static void
assert_number (const char *text, double value, const char *unit, const char *rest)
{
  ProgressNumber number;
  const char *end = progress_number_parse (text, FALSE, &number);

  g_assert_nonnull (end);
  g_assert_cmpfloat_with_epsilon (number.value, value, 1e-6);
  g_assert_cmpstr (number.unit, ==, unit);
  g_assert_cmpstr (end, ==, rest);
}

static void
test_decimals (void)
{
  assert_number ("12", 12, NULL, "");
  assert_number (" 67.9% ", 67.9, NULL, "% ");
  assert_number ("0,0629616 s", 0.0629616, NULL, " s");
  assert_number ("60.023000", 60.023, NULL, "");
  assert_number ("12.", 12, NULL, ".");
  assert_number ("1.5e-05", 1.5e-05, NULL, "");
  assert_number ("2E3}", 2000, NULL, "}");
}

static void
test_thousands (void)
{
  g_assert_cmpfloat (progress_number_read ("108,000,000", FALSE), ==, 108000000);
  g_assert_cmpfloat (progress_number_read ("1.234.567", FALSE), ==, 1234567);
  g_assert_cmpfloat (progress_number_read ("1,234,567.5", FALSE), ==, 1234567.5);
  g_assert_cmpfloat (progress_number_read ("1.234.567,5", FALSE), ==, 1234567.5);
  g_assert_cmpfloat (progress_number_read ("1,234.5", FALSE), ==, 1234.5);
}

/* rsync in German has 32.768 for 32768, and 1,04M for a million. Elsewhere a point is before decimals. */
static void
test_thousands_of_a_program_that_has_them (void)
{
  g_assert_cmpfloat (progress_number_read ("32.768", TRUE), ==, 32768);
  g_assert_cmpfloat (progress_number_read ("32,768", TRUE), ==, 32768);
  g_assert_cmpfloat (progress_number_read ("32.768", FALSE), ==, 32.768);
  g_assert_cmpfloat (progress_number_read ("1.25", TRUE), ==, 1.25);
  g_assert_cmpfloat (progress_number_read ("1.024K", TRUE), ==, 1.024 * 1024);
}

static void
test_units (void)
{
  assert_number ("12.6M rest", 12.6 * 1024 * 1024, "bytes", " rest");
  assert_number ("8158k", 8158 * 1024, "bytes", "");
  assert_number ("28,6 MiB / 3", 28.6 * 1024 * 1024, "bytes", " / 3");
  assert_number ("1.5GB", 1.5e9, "bytes", "");
  assert_number ("7kB", 7000, "bytes", "");
  assert_number ("    0   B ", 0, "bytes", " ");
  assert_number ("147 bytes (", 147, "bytes", " (");
  assert_number ("40000000 Bytes (", 40000000, "bytes", " (");
  /* Words are no units. */
  assert_number ("3 packages", 3, NULL, " packages");
  assert_number ("5 minutes", 5, NULL, " minutes");
  assert_number ("7 Balls", 7, NULL, " Balls");
}

static void
test_times (void)
{
  assert_number ("00:01:00.02 x", 60.02, "s", " x");
  assert_number ("1:05", 65, "s", "");
  assert_number ("1:00:00:01", 86401, "s", "");
  assert_number ("00:00:01,5", 1.5, "s", "");
  /* ffmpeg begins before its beginning. */
  assert_number ("-00:00:00.02", 0, "s", "");
}

static void
test_what_is_none (void)
{
  static const char *const texts[] = {"", " ", "N/A", "-", "--:--:--", ".5", "x1", "1:", "1:2:3:4:5", "nan", "inf"};
  g_autofree char *long_one = g_strnfill (5000, '7');
  ProgressNumber number;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_true (isnan (progress_number_read (texts[i], FALSE)));
  g_assert_null (progress_number_parse (long_one, FALSE, &number));
  g_assert_true (isnan (progress_number_read ("12 apples", FALSE)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/progress-number/decimals", test_decimals);
  g_test_add_func ("/progress-number/thousands", test_thousands);
  g_test_add_func ("/progress-number/thousands-of-a-program-that-has-them", test_thousands_of_a_program_that_has_them);
  g_test_add_func ("/progress-number/units", test_units);
  g_test_add_func ("/progress-number/times", test_times);
  g_test_add_func ("/progress-number/what-is-none", test_what_is_none);
  return g_test_run ();
}
