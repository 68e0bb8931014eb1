/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker says is taken when it fits the job, and refused otherwise. */

#include "config.h"

#include "demo-app/ferry-demo-message.h"
#include "demo-app/ferry-demo-report.h"

#include <math.h>
#include <string.h>

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define KINDS_TOO_MANY 255

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
  ferry_demo_report_init (&fixture->report, fixture->spec);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  ferry_demo_report_clear (&fixture->report);
  ferry_demo_spec_free (fixture->spec);
}

/* Either it is taken, or there is an error with words that can be shown. */
static gboolean
take_bytes (Fixture *fixture, gconstpointer data, gsize size, const char *type)
{
  g_autoptr (GError) error = NULL;
  gboolean taken = ferry_demo_report_take (&fixture->report, fixture->spec, data, size,
                                           type != NULL ? G_VARIANT_TYPE (type) : NULL, &fixture->sent, &error);

  if (taken)
    g_assert_no_error (error);
  else
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  return taken;
}

static gboolean
take (Fixture *fixture, GVariant *message)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (message);

  return take_bytes (fixture, g_variant_get_data (owned), g_variant_get_size (owned),
                     g_variant_get_type_string (owned));
}

static gboolean
take_payload (Fixture *fixture, guint kind, GVariant *payload)
{
  return take (fixture, g_variant_new ("(yxv)", (guchar) kind, g_get_monotonic_time (), payload));
}

static gboolean
take_progress (Fixture *fixture, guint64 done, guint64 total, guint64 items_done, guint64 items_total,
               const char *doing)
{
  return take_payload (fixture, FERRY_DEMO_MESSAGE_PROGRESS,
                       g_variant_new ("(tttts)", done, total, items_done, items_total, doing));
}

static gboolean
take_digest (Fixture *fixture, const char *digest, const char *path)
{
  return take_payload (fixture, FERRY_DEMO_MESSAGE_DIGEST, g_variant_new ("(s^ay)", digest, path));
}

static gboolean
take_result (Fixture *fixture, guint64 first, guint64 second)
{
  return take_payload (fixture, FERRY_DEMO_MESSAGE_RESULT, g_variant_new ("(tt)", first, second));
}

static gboolean
take_flood (Fixture *fixture, guint64 sequence)
{
  FerryDemoFloodMessage message = {sequence, 1000};

  return take_bytes (fixture, &message, sizeof message, NULL);
}

static void
test_progress (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpfloat (ferry_demo_report_get_fraction (&fixture->report), <, 0.0);
  g_assert_true (take_progress (fixture, 0, 0, 3, 0, ""));
  g_assert_cmpfloat (ferry_demo_report_get_fraction (&fixture->report), <, 0.0);
  g_assert_true (take_progress (fixture, 25, 100, 1, 2, "a file"));
  g_assert_cmpfloat (ferry_demo_report_get_fraction (&fixture->report), ==, 0.25);
  g_assert_cmpstr (fixture->report.doing, ==, "a file");
  g_assert_cmpint (fixture->sent, >, 0);
  g_assert_true (take_progress (fixture, 0, 0, 1, 2, ""));
  g_assert_cmpfloat (ferry_demo_report_get_fraction (&fixture->report), ==, 0.5);
  g_assert_true (take_progress (fixture, G_MAXUINT64, G_MAXUINT64, G_MAXUINT64, G_MAXUINT64, ""));
  g_assert_cmpfloat (ferry_demo_report_get_fraction (&fixture->report), ==, 1.0);
  g_assert_cmpuint (fixture->report.messages, ==, 4);
}

static void
test_progress_beyond_its_end (Fixture *fixture, gconstpointer data)
{
  g_assert_true (take_progress (fixture, 5, 10, 1, 2, "before"));
  g_assert_false (take_progress (fixture, 11, 10, 1, 2, "after"));
  g_assert_false (take_progress (fixture, 1, 10, 3, 2, "after"));
  g_assert_false (take_progress (fixture, G_MAXUINT64, G_MAXUINT64 - 1, 0, 0, "after"));
  g_assert_cmpuint (fixture->report.done, ==, 5);
  g_assert_cmpuint (fixture->report.total, ==, 10);
  g_assert_cmpstr (fixture->report.doing, ==, "before");
}

static void
test_wrong_types (Fixture *fixture, gconstpointer data)
{
  /* The whole. */
  g_assert_false (take (fixture, g_variant_new ("(ts)", G_GUINT64_CONSTANT (5), "x")));
  g_assert_false (take (fixture, g_variant_new ("()")));
  g_assert_false (take (fixture, g_variant_new ("s", "progress")));
  g_assert_false (take (
    fixture, g_variant_new ("(yx(tt))", 0, G_GINT64_CONSTANT (0), G_GUINT64_CONSTANT (1), G_GUINT64_CONSTANT (1))));
  /* The payload. */
  for (guint kind = 0; kind < FERRY_DEMO_N_MESSAGES; kind++)
    {
      g_assert_false (take_payload (fixture, kind, g_variant_new ("()")));
      g_assert_false (take_payload (fixture, kind, g_variant_new ("t", G_GUINT64_CONSTANT (1))));
      g_assert_false (take_payload (fixture, kind, g_variant_new ("(dddds)", 1.0, 2.0, 1.0, 2.0, "x")));
      g_assert_false (take_payload (fixture, kind, g_variant_new ("(dddds)", NAN, -1.0, INFINITY, 2.0, "x")));
      g_assert_false (take_payload (fixture, kind,
                                    g_variant_new ("(xxxxs)", G_GINT64_CONSTANT (-1), G_GINT64_CONSTANT (-1),
                                                   G_GINT64_CONSTANT (-1), G_GINT64_CONSTANT (-1), "x")));
      g_assert_false (take_payload (fixture, kind, g_variant_new_variant (g_variant_new ("(s)", "x"))));
    }
  for (guint kind = FERRY_DEMO_N_MESSAGES; kind <= KINDS_TOO_MANY; kind++)
    g_assert_false (take_payload (fixture, kind, g_variant_new ("(s)", "x")));
  g_assert_cmpuint (fixture->report.done, ==, 0);
  g_assert_null (fixture->report.doing);
  g_assert_null (fixture->report.first_problem);
}

/* Bytes that are no variant of their type must not be read beyond their end; what they mean is refused or harmless. */
static void
test_mutilated_bytes (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) message = g_variant_ref_sink (ferry_demo_message_new (
    FERRY_DEMO_MESSAGE_PROGRESS, g_variant_new ("(tttts)", G_GUINT64_CONSTANT (1), G_GUINT64_CONSTANT (2),
                                                G_GUINT64_CONSTANT (1), G_GUINT64_CONSTANT (2), "doing")));
  gsize size = g_variant_get_size (message);

  for (gsize length = 0; length < size; length++)
    {
      g_autofree guint8 *bytes = g_memdup2 (g_variant_get_data (message), MAX (length, 1));

      take_bytes (fixture, bytes, length, "(yxv)");
      g_assert_true (fixture->report.total == 0 || fixture->report.done <= fixture->report.total);
    }
  for (gsize place = 0; place < size; place++)
    for (guint value = 0; value <= G_MAXUINT8; value += 5)
      {
        g_autofree guint8 *bytes = g_memdup2 (g_variant_get_data (message), size);

        bytes[place] = (guint8) value;
        take_bytes (fixture, bytes, size, "(yxv)");
        g_assert_true (fixture->report.total == 0 || fixture->report.done <= fixture->report.total);
        g_assert_true (fixture->report.doing == NULL || g_utf8_validate (fixture->report.doing, -1, NULL));
      }
}

static void
test_invalid_text (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GVariant) message =
    g_variant_ref_sink (ferry_demo_message_new (FERRY_DEMO_MESSAGE_PROBLEM, g_variant_new ("(s)", "MARKED")));
  gsize size = g_variant_get_size (message);
  g_autofree guint8 *bytes = g_memdup2 (g_variant_get_data (message), size);
  guint8 *mark = memmem (bytes, size, "MARKED", strlen ("MARKED"));

  g_assert_nonnull (mark);
  mark[2] = 0xff;
  take_bytes (fixture, bytes, size, "(yxv)");
  g_assert_true (fixture->report.first_problem == NULL || g_utf8_validate (fixture->report.first_problem, -1, NULL));
}

/* Words are for a row; what is longer than any path would only hold up the window that lays it out. */
static void
test_huge_text (Fixture *fixture, gconstpointer data)
{
  g_autofree char *huge = g_strnfill (8 * 1024 * 1024, 'x');
  g_autofree char *long_path = g_strnfill (3 * 4096, 'x');

  g_assert_true (take_progress (fixture, 1, 10, 1, 2, long_path));
  g_assert_false (take_progress (fixture, 2, 10, 1, 2, huge));
  g_assert_cmpuint (fixture->report.done, ==, 1);
  g_assert_cmpstr (fixture->report.doing, ==, long_path);
  g_assert_true (take_payload (fixture, FERRY_DEMO_MESSAGE_PROBLEM, g_variant_new ("(s)", long_path)));
  g_assert_false (take_payload (fixture, FERRY_DEMO_MESSAGE_PROBLEM, g_variant_new ("(s)", huge)));
  g_assert_cmpuint (fixture->report.problems, ==, 1);
}

static void
test_problems (Fixture *fixture, gconstpointer data)
{
  g_assert_true (take_payload (fixture, FERRY_DEMO_MESSAGE_PROBLEM, g_variant_new ("(s)", "first")));
  g_assert_true (take_payload (fixture, FERRY_DEMO_MESSAGE_PROBLEM, g_variant_new ("(s)", "second")));
  g_assert_cmpuint (fixture->report.problems, ==, 2);
  g_assert_cmpstr (fixture->report.first_problem, ==, "first");
}

static void
test_digests (Fixture *fixture, gconstpointer data)
{
  g_assert_false (take_digest (fixture, DIGEST, "before any file was found"));
  g_assert_true (take_progress (fixture, 0, 10, 0, 2, ""));
  g_assert_false (take_digest (fixture, "", "a"));
  g_assert_false (take_digest (fixture, DIGEST "0", "a"));
  g_assert_false (take_digest (fixture, "not sixty-four digits", "a"));
  g_assert_false (take_digest (fixture, DIGEST, ""));
  g_assert_false (
    take_payload (fixture, FERRY_DEMO_MESSAGE_DIGEST, g_variant_new ("(s@ay)", DIGEST, g_variant_new ("ay", NULL))));
  g_assert_cmpuint (fixture->report.listing->len, ==, 0);

  g_assert_true (take_digest (fixture, DIGEST, "a"));
  g_assert_true (take_digest (fixture, DIGEST, "b\n\xff"));
  g_assert_false (take_digest (fixture, DIGEST, "one too many"));
  g_assert_cmpstr (fixture->report.listing->str, ==, DIGEST "  a\n\\" DIGEST "  b\\n\xff\n");

  g_assert_false (take_result (fixture, 1, 10));
  g_assert_false (fixture->report.has_result);
  g_assert_true (take_result (fixture, 2, 10));
  g_assert_true (fixture->report.has_result);
  g_assert_cmpfloat (ferry_demo_report_get_fraction (&fixture->report), ==, 1.0);
}

static void
test_primes (Fixture *fixture, gconstpointer data)
{
  g_assert_false (take_digest (fixture, DIGEST, "a"));
  g_assert_false (take_flood (fixture, 0));
  g_assert_false (take_result (fixture, 25, 99));
  g_assert_false (take_result (fixture, 100, 100));
  g_assert_false (take_result (fixture, G_MAXUINT64, 100));
  g_assert_true (take_result (fixture, 25, 100));
  g_assert_cmpuint (fixture->report.result[0], ==, 25);
}

static void
test_nothing_after_the_result (Fixture *fixture, gconstpointer data)
{
  g_assert_true (take_result (fixture, 25, 100));
  g_assert_false (take_result (fixture, 25, 100));
  g_assert_false (take_progress (fixture, 1, 2, 1, 2, ""));
  g_assert_false (take_payload (fixture, FERRY_DEMO_MESSAGE_PROBLEM, g_variant_new ("(s)", "late")));
  g_assert_cmpuint (fixture->report.problems, ==, 0);
}

static void
test_flood (Fixture *fixture, gconstpointer data)
{
  g_assert_false (take_progress (fixture, 1, 2, 1, 2, ""));
  g_assert_false (take_flood (fixture, 1));
  g_assert_false (take_bytes (fixture, "", 0, NULL));
  g_assert_false (take_bytes (fixture, "0123456789abcdef0", sizeof (FerryDemoFloodMessage) + 1, NULL));
  g_assert_false (take_bytes (fixture, "0123456789abcdef", sizeof (FerryDemoFloodMessage) - 1, NULL));
  g_assert_false (take_result (fixture, 0, 0));

  for (guint64 sequence = 0; sequence < 3; sequence++)
    {
      g_assert_true (take_flood (fixture, sequence));
      g_assert_false (take_flood (fixture, sequence));
      g_assert_false (take_flood (fixture, sequence + 2));
    }
  g_assert_false (take_flood (fixture, G_MAXUINT64));
  g_assert_cmpfloat (ferry_demo_report_get_fraction (&fixture->report), ==, 1.0);
  g_assert_false (take_flood (fixture, 3));
  g_assert_false (take_result (fixture, 2, 0));
  g_assert_true (take_result (fixture, 3, 0));
}

static void
test_no_result_due (Fixture *fixture, gconstpointer data)
{
  g_assert_true (take_progress (fixture, 1, 2, 1, 0, "about to"));
  g_assert_false (take_result (fixture, 0, 0));
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
  add ("/report/progress", "sha256", test_progress);
  add ("/report/progress-beyond-its-end", "sha256", test_progress_beyond_its_end);
  add ("/report/wrong-types", "sha256", test_wrong_types);
  add ("/report/mutilated-bytes", "sha256", test_mutilated_bytes);
  add ("/report/invalid-text", "sha256", test_invalid_text);
  add ("/report/huge-text", "sha256", test_huge_text);
  add ("/report/problems", "sha256", test_problems);
  add ("/report/digests", "sha256", test_digests);
  add ("/report/primes", "primes:100", test_primes);
  add ("/report/nothing-after-the-result", "primes:100", test_nothing_after_the_result);
  add ("/report/flood", "flood:3", test_flood);
  add ("/report/no-result-due-of-a-crash", "crash", test_no_result_due);
  add ("/report/no-result-due-of-a-hang", "hang", test_no_result_due);
  return g_test_run ();
}
