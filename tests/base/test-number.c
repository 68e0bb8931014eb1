/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-base-private.h
 *
 * Numbers as text. */

#include "config.h"

#include "base/ferry-base-private.h"

static void
assert_number (const char *text, guint base, guint64 number)
{
  guint64 found = 0;

  g_assert_true (ferry_parse_number (text, base, 0, G_MAXUINT64, &found));
  g_assert_cmpuint (found, ==, number);
}

static void
numbers_are_read (void)
{
  assert_number ("0", 10, 0);
  assert_number ("100005", 10, 100005);
  assert_number ("18446744073709551615", 10, G_MAXUINT64);
  assert_number ("c7c1fde9fc69d00", 16, G_GUINT64_CONSTANT (0xc7c1fde9fc69d00));
  assert_number ("FF", 16, 255);
}

static void
all_else_is_none (void)
{
  static const char *const texts[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1.5", "one", "18446744073709551616", "g"};
  guint64 number;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_assert_false (ferry_parse_number (texts[i], 10, 0, G_MAXUINT64, &number));
      g_assert_false (ferry_parse_number (texts[i], 16, 0, G_MAXUINT64, &number));
    }
  g_assert_false (ferry_parse_number ("f", 10, 0, G_MAXUINT64, &number));
}

static void
bounds_are_kept (void)
{
  guint64 number;

  g_assert_true (ferry_parse_number ("2", 10, 2, 3, &number));
  g_assert_true (ferry_parse_number ("3", 10, 2, 3, &number));
  g_assert_false (ferry_parse_number ("1", 10, 2, 3, &number));
  g_assert_false (ferry_parse_number ("4", 10, 2, 3, &number));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/number/numbers-are-read", numbers_are_read);
  g_test_add_func ("/number/all-else-is-none", all_else_is_none);
  g_test_add_func ("/number/bounds-are-kept", bounds_are_kept);
  return g_test_run ();
}
