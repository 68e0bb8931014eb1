/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-away-message.c
 *
 * What is in the streams of a queue: it comes back as it was, and other bytes are refused or give something valid. */

#include "config.h"

#include "cluster/ferry-away-message-private.h"

#include <string.h>

#include "base/ferry-error.h"
#include "ferry-test.h"

static GBytes *
make_task (void)
{
  g_autoptr (GVariant) arguments = g_variant_ref_sink (g_variant_new_parsed ("('a', [1, 2, 3], <'b'>)"));
  const FerryAwayTask task = {.kind = 0,
                              .function = "sum",
                              .name = "Sum",
                              .arguments = arguments,
                              .class = FERRY_AWAY_HIGH,
                              .not_before = 1,
                              .expiry = 2,
                              .deadline = 3,
                              .run_timeout = 4,
                              .cancel_grace = 5,
                              .retries = 6,
                              .attempts = 7,
                              .death_limit = 8,
                              .idempotent = TRUE};

  return ferry_away_task_to_bytes (&task);
}

static void
test_task (void)
{
  g_autoptr (GBytes) bytes = make_task ();
  g_auto (FerryAwayOrder) order = {0};
  g_autofree char *arguments = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_away_order_from_bytes (&order, bytes, &error));
  arguments = g_variant_print (order.about.arguments, FALSE);
  g_assert_cmpstr (arguments, ==, "('a', [1, 2, 3], <'b'>)");
  g_assert_cmpstr (order.about.function, ==, "sum");
  g_assert_cmpstr (order.about.name, ==, "Sum");
  g_assert_cmpint (order.about.not_before, ==, 1);
  g_assert_cmpint (order.about.expiry, ==, 2);
  g_assert_cmpint (order.about.deadline, ==, 3);
  g_assert_cmpint (order.about.run_timeout, ==, 4);
  g_assert_cmpint (order.about.cancel_grace, ==, 5);
  g_assert_cmpuint (order.about.retries, ==, 6);
  g_assert_cmpuint (order.about.attempts, ==, 7);
  g_assert_cmpuint (order.about.death_limit, ==, 8);
  g_assert_true (order.about.idempotent);
  g_assert_false (order.about.stoppable);
}

static void
test_end (void)
{
  g_autoptr (GError) failure = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "It took too long");
  const FerryAwayEnd sent = {.host = (char *) "alpha", .attempts = 2, .error = failure, .trace = (char *) "a\n"};
  g_autoptr (GBytes) bytes = ferry_away_end_to_bytes (&sent);
  g_auto (FerryAwayEnd) end = {0};
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_away_end_from_bytes (&end, bytes, &error));
  g_assert_cmpstr (end.host, ==, "alpha");
  g_assert_cmpuint (end.attempts, ==, 2);
  g_assert_null (end.result);
  g_assert_error (end.error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpstr (end.trace, ==, "a\n");
}

static void
test_begun (void)
{
  const FerryAwayBegun sent = {
    .by = FERRY_AWAY_BY_HOST, .host = (char *) "alpha", .instance = (char *) "one", .attempts = 3};
  const FerryAwayBegun of_nobody = {.by = FERRY_AWAY_BY_HOST, .host = (char *) "", .instance = (char *) "one"};
  g_autoptr (GBytes) bytes = ferry_away_begun_to_bytes (&sent);
  g_autoptr (GBytes) other = ferry_away_begun_to_bytes (&of_nobody);
  g_auto (FerryAwayBegun) begun = {0};
  g_auto (FerryAwayBegun) none = {0};
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_away_begun_from_bytes (&begun, bytes, &error));
  g_assert_cmpint (begun.by, ==, FERRY_AWAY_BY_HOST);
  g_assert_cmpstr (begun.host, ==, "alpha");
  g_assert_cmpuint (begun.attempts, ==, 3);
  g_assert_false (ferry_away_begun_from_bytes (&none, other, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
}

static void
test_other_version (void)
{
  g_autoptr (GBytes) bytes = make_task ();
  g_autofree guint8 *changed = g_memdup2 (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_autoptr (GBytes) other = NULL;
  g_auto (FerryAwayOrder) order = {0};
  g_autoptr (GError) error = NULL;

  changed[0]++;
  other = g_bytes_new (changed, g_bytes_get_size (bytes));
  g_assert_false (ferry_away_order_from_bytes (&order, other, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_VERSION);
}

/* Each byte is another one, and each length is there. */
static void
test_other_bytes (void)
{
  g_autoptr (GBytes) bytes = make_task ();
  const gsize size = g_bytes_get_size (bytes);
  guint n_refused = 0;

  for (gsize at = 0; at < size; at++)
    for (guint bit = 0; bit < 8; bit++)
      {
        g_autofree guint8 *changed = g_memdup2 (g_bytes_get_data (bytes, NULL), size);
        g_autoptr (GBytes) other = NULL;
        g_autoptr (GBytes) cut = NULL;
        g_auto (FerryAwayOrder) order = {0};
        g_auto (FerryAwayOrder) of_cut = {0};

        changed[at] ^= (guint8) (1u << bit);
        other = g_bytes_new (changed, size);
        cut = g_bytes_new_from_bytes (other, 0, at);
        if (!ferry_away_order_from_bytes (&order, other, NULL))
          n_refused++;
        else if (order.about.arguments != NULL)
          g_assert_true (g_variant_is_normal_form (order.about.arguments));
        g_assert_false (ferry_away_order_from_bytes (&of_cut, cut, NULL));
      }
  g_assert_cmpuint (n_refused, >, 0);
}

static void
test_subjects (void)
{
  static const char *const bad[] = {"end.a", "end.a.", "end..b", "end.a.b.c", "begun.a.b", "end.a b.c", ""};
  g_autofree char *file = NULL;
  g_autofree char *id = NULL;

  g_assert_true (ferry_away_parse_subject ("end.a.b", "end.", &file, &id));
  g_assert_cmpstr (file, ==, "a");
  g_assert_cmpstr (id, ==, "b");
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      char *no_file = NULL;
      char *no_id = NULL;

      g_assert_false (ferry_away_parse_subject (bad[i], "end.", &no_file, &no_id));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/away-message/a-task-comes-back", test_task);
  g_test_add_func ("/away-message/an-end-comes-back", test_end);
  g_test_add_func ("/away-message/a-beginning-comes-back", test_begun);
  g_test_add_func ("/away-message/another-version-is-refused", test_other_version);
  g_test_add_func ("/away-message/other-bytes-are-refused-or-valid", test_other_bytes);
  g_test_add_func ("/away-message/subjects-have-two-tokens", test_subjects);
  return g_test_run ();
}
