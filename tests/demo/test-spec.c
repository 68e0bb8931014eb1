/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/tasks/ferry-demo-spec.c
 *
 * Jobs in one word. */

#include "config.h"

#include "demo-app/tasks/ferry-demo-spec.h"

#include <string.h>

static void
assert_job (const char *word, FerryDemoKind kind, const char *argument, guint64 number)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryDemoSpec) spec = ferry_demo_spec_parse (word, &error);

  g_assert_no_error (error);
  g_assert_cmpint (spec->kind, ==, kind);
  g_assert_cmpstr (spec->argument, ==, argument);
  g_assert_cmpuint (spec->number, ==, number);
}

static void
test_good_words (void)
{
  assert_job ("sha256", FERRY_DEMO_KIND_SHA256, "/usr/share/doc", 0);
  assert_job ("sha256:", FERRY_DEMO_KIND_SHA256, "/usr/share/doc", 0);
  assert_job ("sha256:/tmp", FERRY_DEMO_KIND_SHA256, "/tmp", 0);
  assert_job ("sha256:a:b c\n\xff", FERRY_DEMO_KIND_SHA256, "a:b c\n\xff", 0);
  assert_job ("primes", FERRY_DEMO_KIND_PRIMES, "3000000", 3000000);
  assert_job ("primes:2", FERRY_DEMO_KIND_PRIMES, "2", 2);
  assert_job ("primes:100000000000", FERRY_DEMO_KIND_PRIMES, "100000000000", FERRY_DEMO_PRIMES_MAX);
  assert_job ("crash", FERRY_DEMO_KIND_CRASH, "", 0);
  assert_job ("crash:", FERRY_DEMO_KIND_CRASH, "", 0);
  assert_job ("hang", FERRY_DEMO_KIND_HANG, "", 0);
  assert_job ("flood", FERRY_DEMO_KIND_FLOOD, "2000000", 2000000);
  assert_job ("flood:1", FERRY_DEMO_KIND_FLOOD, "1", 1);
  assert_job ("flood:endless", FERRY_DEMO_KIND_FLOOD, "endless", 0);
}

static void
test_bad_words (void)
{
  static const char *const words[] = {
    "",           " ",         ":",           ":5",        "sha",       "sha2567",   "SHA256:/tmp", " primes",
    "primes:x",   "primes:1",  "primes:0",    "primes:-5", "primes:+5", "primes: 5", "primes:5 ",   "primes:5.0",
    "primes:1e6", "primes:0x", "primes:3,00", "crash:now", "hang:1",    "flood:0",   "flood:-1",    "flood:Endless",
    "flood:nan",  "floods",    "primes:inf",  "primes::5", "flood:1:2", "\xff",      "flood:\xff",  "primes:٣",
  };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FerryDemoSpec) spec = ferry_demo_spec_parse (words[i], &error);

      g_assert_null (spec);
      g_assert_nonnull (error);
      g_assert_cmpuint (strlen (error->message), >, 0);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
    }
}

static void
test_numbers_out_of_range (void)
{
  static const char *const words[] = {
    "primes:100000000001",       "primes:18446744073709551615", "primes:18446744073709551616",
    "flood:9223372036854775808", "flood:18446744073709551617",  "flood:99999999999999999999999999999999",
  };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FerryDemoSpec) spec = ferry_demo_spec_parse (words[i], &error);

      g_assert_null (spec);
      g_assert_nonnull (error);
    }
  assert_job ("flood:9223372036854775807", FERRY_DEMO_KIND_FLOOD, "9223372036854775807", G_MAXINT64);
}

static void
test_names (void)
{
  for (guint i = 0; i < FERRY_DEMO_N_KINDS; i++)
    {
      g_autoptr (FerryDemoSpec) spec = ferry_demo_spec_new ((FerryDemoKind) i, NULL, NULL);
      g_autoptr (FerryDemoSpec) named = NULL;

      g_assert_nonnull (spec);
      named = ferry_demo_spec_parse (ferry_demo_spec_get_name (spec), NULL);
      g_assert_nonnull (named);
      g_assert_cmpint (named->kind, ==, i);
      g_assert_false (ferry_demo_spec_is_endless (spec));
    }
}

static void
test_endless (void)
{
  g_autoptr (FerryDemoSpec) spec = ferry_demo_spec_parse ("flood:endless", NULL);

  g_assert_true (ferry_demo_spec_is_endless (spec));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/spec/good-words", test_good_words);
  g_test_add_func ("/spec/bad-words", test_bad_words);
  g_test_add_func ("/spec/numbers-out-of-range", test_numbers_out_of_range);
  g_test_add_func ("/spec/names", test_names);
  g_test_add_func ("/spec/endless", test_endless);
  return g_test_run ();
}
