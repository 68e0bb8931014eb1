/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/tasks/ferry-demo-report.c
 *
 * What a worker says is taken when it fits the job, and refused otherwise. */

#include "config.h"

#include "demo-app/app/ferry-demo-message.h"
#include "demo-app/tasks/ferry-demo-report.h"

#include <math.h>
#include <string.h>

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct
{
  FerryDemoSpec *spec;
  FerryDemoReport report;
  gint64 sent;
} Fixture;

/* data is the job. */
static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->spec = ferry_demo_spec_parse (data, NULL);
  g_assert_nonnull (fixture->spec);
  ferry_demo_report_init (&fixture->report);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  ferry_demo_report_clear (&fixture->report);
  ferry_demo_spec_free (fixture->spec);
}

/* Either it was taken, or there is an error with words that can be shown. */
static gboolean
check (gboolean taken, GError **error)
{
  if (taken)
    g_assert_no_error (*error);
  else
    g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  return taken;
}

static gboolean
take_value (Fixture *fixture, GVariant *value)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);
  g_autoptr (GError) error = NULL;

  return check (ferry_demo_report_take_digest (&fixture->report, fixture->spec, owned, &error), &error);
}

static gboolean
take_digest (Fixture *fixture, const char *digest, const char *path)
{
  return take_value (fixture, g_variant_new ("(s^ay)", digest, path));
}

/* value may be NULL. */
static gboolean
take_message (Fixture *fixture, const char *type, GVariant *value)
{
  g_autoptr (GVariant) owned = value != NULL ? g_variant_ref_sink (value) : NULL;
  g_autoptr (GError) error = NULL;

  return check (ferry_demo_report_take_message (&fixture->report, fixture->spec, type, owned, &fixture->sent, &error),
                &error);
}

static gboolean
take_flood (Fixture *fixture, guint64 sequence)
{
  return take_message (fixture, FERRY_DEMO_FLOOD, g_variant_new ("(tx)", sequence, G_GINT64_CONSTANT (1000)));
}

/* result may be NULL. */
static gboolean
take_result (Fixture *fixture, GVariant *result)
{
  g_autoptr (GVariant) owned = result != NULL ? g_variant_ref_sink (result) : NULL;
  g_autoptr (GError) error = NULL;

  return check (ferry_demo_report_take_result (&fixture->report, fixture->spec, owned, &error), &error);
}

static gboolean
take_sums (Fixture *fixture, guint64 files, guint64 bytes)
{
  return take_result (fixture, g_variant_new ("(tt)", files, bytes));
}

static gboolean
take_number (Fixture *fixture, guint64 number)
{
  return take_result (fixture, g_variant_new_uint64 (number));
}

static void
test_wrong_types (Fixture *fixture, gconstpointer data)
{
  static const char *const types[] = {FERRY_DEMO_PROBLEM, FERRY_DEMO_FLOOD, "", "unheard-of"};

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_assert_false (take_message (fixture, types[i], NULL));
      g_assert_false (take_message (fixture, types[i], g_variant_new ("()")));
      g_assert_false (take_message (fixture, types[i], g_variant_new ("(tt)", G_MAXUINT64, G_MAXUINT64)));
      g_assert_false (take_message (fixture, types[i], g_variant_new ("(dd)", NAN, -1.0)));
      g_assert_false (take_message (fixture, types[i], g_variant_new_variant (g_variant_new_string ("x"))));
    }
  g_assert_false (take_value (fixture, g_variant_new ("()")));
  g_assert_false (take_value (fixture, g_variant_new ("(ss)", DIGEST, "a")));
  g_assert_false (take_value (fixture, g_variant_new_variant (g_variant_new ("(s^ay)", DIGEST, "a"))));
  g_assert_false (take_result (fixture, NULL));
  g_assert_false (take_result (fixture, g_variant_new ("(dd)", NAN, -1.0)));
  g_assert_false (take_result (fixture, g_variant_new_string ("x")));
  g_assert_false (fixture->report.has_result);
  g_assert_null (fixture->report.first_problem);
  g_assert_cmpuint (fixture->report.listing->len, ==, 0);
}

/* Bytes that are no variant of their type must not be read beyond their end; what they mean is refused or harmless. */
static void
test_mutilated_bytes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new ("(s^ay)", DIGEST, "a path"));
  gsize size = g_variant_get_size (value);

  for (gsize length = 0; length < size; length++)
    {
      g_autofree guint8 *bytes = g_memdup2 (g_variant_get_data (value), MAX (length, 1));

      take_value (fixture,
                  g_variant_new_from_data (G_VARIANT_TYPE (FERRY_DEMO_DIGEST_TYPE), bytes, length, FALSE, NULL, NULL));
    }
  for (gsize place = 0; place < size; place++)
    for (guint byte = 0; byte <= G_MAXUINT8; byte += 5)
      {
        g_autofree guint8 *bytes = g_memdup2 (g_variant_get_data (value), size);

        bytes[place] = (guint8) byte;
        take_value (fixture,
                    g_variant_new_from_data (G_VARIANT_TYPE (FERRY_DEMO_DIGEST_TYPE), bytes, size, FALSE, NULL, NULL));
      }
  g_assert_cmpuint (fixture->report.digests, >, 0);
  g_assert_cmpuint (fixture->report.listing->len, >=, fixture->report.digests * strlen (DIGEST "  x\n"));
}

/* Words are for a row; what is longer than any path would only hold up the window that lays it out. */
static void
test_problems (Fixture *fixture, gconstpointer data)
{
  g_autofree char *huge = g_strnfill (8 * 1024 * 1024, 'x');
  g_autofree char *long_path = g_strnfill (3 * 4096, 'x');

  g_assert_true (take_message (fixture, FERRY_DEMO_PROBLEM, g_variant_new_string ("first")));
  g_assert_true (take_message (fixture, FERRY_DEMO_PROBLEM, g_variant_new_string (long_path)));
  g_assert_false (take_message (fixture, FERRY_DEMO_PROBLEM, g_variant_new_string (huge)));
  g_assert_cmpuint (fixture->report.problems, ==, 2);
  g_assert_cmpstr (fixture->report.first_problem, ==, "first");
}

static void
test_digests (Fixture *fixture, gconstpointer data)
{
  g_assert_false (take_digest (fixture, "", "a"));
  g_assert_false (take_digest (fixture, DIGEST "0", "a"));
  g_assert_false (take_digest (fixture, "not sixty-four digits", "a"));
  g_assert_false (take_digest (fixture, DIGEST, ""));
  g_assert_false (take_value (fixture, g_variant_new ("(s@ay)", DIGEST, g_variant_new ("ay", NULL))));
  g_assert_cmpuint (fixture->report.listing->len, ==, 0);

  g_assert_true (take_digest (fixture, DIGEST, "a"));
  g_assert_true (take_digest (fixture, DIGEST, "b\n\xff"));
  g_assert_cmpstr (fixture->report.listing->str, ==, DIGEST "  a\n\\" DIGEST "  b\\n\xff\n");

  g_assert_false (take_sums (fixture, 1, 10));
  g_assert_false (take_sums (fixture, G_MAXUINT64, 10));
  g_assert_false (fixture->report.has_result);
  g_assert_true (take_sums (fixture, 2, 10));
  g_assert_true (fixture->report.has_result);
  g_assert_cmpuint (fixture->report.result[0], ==, 2);
  g_assert_cmpuint (fixture->report.result[1], ==, 10);
  g_assert_false (take_sums (fixture, 2, 10));
}

static void
test_primes (Fixture *fixture, gconstpointer data)
{
  g_assert_false (take_digest (fixture, DIGEST, "a"));
  g_assert_false (take_flood (fixture, 0));
  g_assert_false (take_number (fixture, 100));
  g_assert_false (take_number (fixture, G_MAXUINT64));
  g_assert_true (take_number (fixture, 25));
  g_assert_cmpuint (fixture->report.result[0], ==, 25);
  g_assert_cmpuint (fixture->report.result[1], ==, 100);
}

static void
test_flood (Fixture *fixture, gconstpointer data)
{
  g_assert_false (take_digest (fixture, DIGEST, "a"));
  g_assert_false (take_message (fixture, FERRY_DEMO_PROBLEM, g_variant_new_string ("none")));
  g_assert_false (take_flood (fixture, 1));
  g_assert_false (take_number (fixture, 0));

  for (guint64 sequence = 0; sequence < 3; sequence++)
    {
      g_assert_true (take_flood (fixture, sequence));
      g_assert_cmpint (fixture->sent, ==, sequence == 0 ? 1000 : 0);
      g_assert_false (take_flood (fixture, sequence));
      g_assert_false (take_flood (fixture, sequence + 2));
    }
  g_assert_false (take_flood (fixture, G_MAXUINT64));
  g_assert_false (take_flood (fixture, 3));
  g_assert_false (take_number (fixture, 2));
  g_assert_false (take_number (fixture, 4));
  g_assert_true (take_number (fixture, 3));
}

static void
test_no_result_due (Fixture *fixture, gconstpointer data)
{
  g_assert_false (take_number (fixture, 0));
  g_assert_false (take_result (fixture, NULL));
  g_assert_false (fixture->report.has_result);
}

static void
add (const char *path, const char *job, void (*test) (Fixture *fixture, gconstpointer data))
{
  g_test_add (path, Fixture, job, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/report/wrong-types-to-a-folder", "sha256", test_wrong_types);
  add ("/report/wrong-types-to-a-number", "primes:100", test_wrong_types);
  add ("/report/wrong-types-to-a-flood", "flood:3", test_wrong_types);
  add ("/report/mutilated-bytes", "sha256", test_mutilated_bytes);
  add ("/report/problems", "sha256", test_problems);
  add ("/report/digests", "sha256", test_digests);
  add ("/report/primes", "primes:100", test_primes);
  add ("/report/flood", "flood:3", test_flood);
  add ("/report/no-result-due-of-a-crash", "crash", test_no_result_due);
  add ("/report/no-result-due-of-a-hang", "hang", test_no_result_due);
  return g_test_run ();
}
