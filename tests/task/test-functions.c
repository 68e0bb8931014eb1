/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: job/ferry-function.c
 *
 * The registry of functions. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "ferry-test.h"
#include "job/ferry-function-private.h"

static GVariant *
first (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_uint32 (1);
}

static GVariant *
second (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_uint32 (2);
}

static void
test_finds_what_was_registered (void)
{
  const FerryFunctionEntry *entry;

  g_assert_null (ferry_function_find ("found"));
  ferry_function_register ("found", "(su)", "u", first);
  g_assert_null (ferry_function_find ("foun"));
  entry = ferry_function_find ("found");
  g_assert_nonnull (entry);
  g_assert_cmpstr (entry->name, ==, "found");
  g_assert_true (entry->function == first);
}

static void
test_takes_the_same_again (void)
{
  const FerryFunctionEntry *entry;

  ferry_function_register ("same", NULL, "", first);
  entry = ferry_function_find ("same");
  ferry_function_register ("same", NULL, "", first);
  g_assert_true (ferry_function_find ("same") == entry);
}

static void
expect_critical (const char *pattern)
{
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, pattern);
}

/* Each of these is a mistake of the programmer's, and leaves the registry as it was. */
static void
test_refuses_another_function_of_a_name (void)
{
  ferry_function_register ("taken", "s", "u", first);
  expect_critical ("*is registered already with another function*");
  ferry_function_register ("taken", "s", "u", second);
  expect_critical ("*is registered already with another function*");
  ferry_function_register ("taken", "i", "u", first);
  expect_critical ("*is registered already with another function*");
  ferry_function_register ("taken", NULL, "u", first);
  expect_critical ("*is registered already with another function*");
  ferry_function_register ("taken", "s", "", first);
  g_test_assert_expected_messages ();
  g_assert_true (ferry_function_find ("taken")->function == first);
}

static void
test_refuses_names_and_types_that_are_none (void)
{
  g_autofree char *longest = g_strnfill (FERRY_FUNCTION_MAX_NAME, 'n');
  g_autofree char *too_long = g_strnfill (FERRY_FUNCTION_MAX_NAME + 1, 'n');

  ferry_function_register (longest, NULL, NULL, first);
  g_assert_nonnull (ferry_function_find (longest));
  expect_critical ("*assertion*");
  ferry_function_register (too_long, NULL, NULL, first);
  expect_critical ("*assertion*");
  ferry_function_register ("", NULL, NULL, first);
  expect_critical ("*assertion*");
  ferry_function_register ("bad", "(s", NULL, first);
  expect_critical ("*assertion*");
  ferry_function_register ("bad", "ss", NULL, first);
  expect_critical ("*assertion*");
  ferry_function_register ("bad", NULL, "}", first);
  expect_critical ("*assertion*");
  ferry_function_register ("bad", NULL, NULL, NULL);
  g_test_assert_expected_messages ();
  g_assert_null (ferry_function_find ("bad"));
}

/* ---- functions with data ---- */

static GVariant *
give_data (FerryJob *job, GVariant *arguments, gpointer data, GError **error)
{
  return g_variant_new_uint32 (*(guint *) data);
}

static GVariant *
give_other_data (FerryJob *job, GVariant *arguments, gpointer data, GError **error)
{
  return NULL;
}

static void
count_up (gpointer count)
{
  ++*(guint *) count;
}

static void
test_keeps_the_data_of_a_function (void)
{
  guint *data = g_new0 (guint, 1);
  const FerryFunctionEntry *entry;
  g_autoptr (GVariant) result = NULL;

  ferry_function_register_full ("with-data", "s", "u", give_data, data, count_up);
  entry = ferry_function_find ("with-data");
  g_assert_null (entry->function);
  g_assert_true (entry->function_full == give_data && entry->user_data == data);
  g_assert_cmpstr (entry->arguments_type, ==, "s");
  g_assert_cmpstr (entry->result_type, ==, "u");
  g_assert_cmpuint (*data, ==, 0);
  *data = 7;
  result = g_variant_ref_sink (entry->function_full (NULL, NULL, entry->user_data, NULL));
  g_assert_cmpuint (g_variant_get_uint32 (result), ==, 7);
  ferry_function_forget ("with-data");
  g_assert_cmpuint (*data, ==, 8);
  g_free (data);
}

static void
test_drops_the_data_of_a_function_that_it_does_not_take (void)
{
  guint kept = 0;
  guint dropped = 0;

  ferry_function_register_full ("full", NULL, "", give_data, &kept, count_up);
  /* The same once more is no mistake, and its data is dropped once. */
  ferry_function_register_full ("full", NULL, "", give_data, &kept, count_up);
  g_assert_cmpuint (kept, ==, 1);
  expect_critical ("*is registered already with another function*");
  ferry_function_register_full ("full", NULL, "", give_data, &dropped, count_up);
  expect_critical ("*is registered already with another function*");
  ferry_function_register_full ("full", NULL, "", give_other_data, &dropped, count_up);
  expect_critical ("*is registered already with another function*");
  ferry_function_register_full ("full", "s", "", give_data, &dropped, count_up);
  expect_critical ("*is registered already with another function*");
  ferry_function_register ("full", NULL, "", first);
  expect_critical ("*is registered already with another function*");
  ferry_function_register_full ("full", NULL, "", give_other_data, NULL, NULL);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (dropped, ==, 3);
  g_assert_cmpuint (kept, ==, 1);
  g_assert_true (ferry_function_find ("full")->user_data == &kept);
  ferry_function_forget ("full");
  g_assert_cmpuint (kept, ==, 2);
}

static void
test_functions_with_data_have_names_and_types (void)
{
  expect_critical ("*assertion*");
  ferry_function_register_full ("", NULL, NULL, give_data, NULL, NULL);
  expect_critical ("*assertion*");
  ferry_function_register_full ("bad", "(s", NULL, give_data, NULL, NULL);
  expect_critical ("*assertion*");
  ferry_function_register_full ("bad", NULL, "}", give_data, NULL, NULL);
  expect_critical ("*assertion*");
  ferry_function_register_full ("bad", NULL, NULL, NULL, NULL, NULL);
  g_test_assert_expected_messages ();
  g_assert_null (ferry_function_find ("bad"));
}

/* ---- types ---- */

static void
assert_arguments (const char *name, const char *text, const char *words)
{
  g_autoptr (GVariant) arguments = text != NULL ? g_variant_ref_sink (g_variant_new_parsed (text)) : NULL;
  g_autoptr (GError) error = NULL;
  gboolean fit = ferry_function_check_arguments (ferry_function_find (name), arguments, &error);

  if (words == NULL)
    {
      g_assert_no_error (error);
      g_assert_true (fit);
      return;
    }
  g_assert_false (fit);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (error->message, name));
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_checks_arguments (void)
{
  ferry_function_register ("takes-pair", "(su)", "", first);
  ferry_function_register ("takes-any", NULL, "", first);
  ferry_function_register ("takes-array", "a*", "", first);
  ferry_function_register ("takes-nothing", "", "", first);
  assert_arguments ("takes-pair", "('a', uint32 1)", NULL);
  assert_arguments ("takes-pair", "('a', 1)", "type '(su)' and was given '(si)'");
  assert_arguments ("takes-pair", NULL, "type '(su)' and was given 'nothing'");
  assert_arguments ("takes-nothing", NULL, NULL);
  assert_arguments ("takes-nothing", "1", "type 'nothing' and was given 'i'");
  assert_arguments ("takes-any", "1", NULL);
  assert_arguments ("takes-any", NULL, NULL);
  assert_arguments ("takes-array", "[1]", NULL);
  assert_arguments ("takes-array", "'a'", "'a*'");
}

static void
assert_result (const char *name, const char *text, const char *words)
{
  g_autoptr (GVariant) result = text != NULL ? g_variant_ref_sink (g_variant_new_parsed (text)) : NULL;
  g_autoptr (GError) error = NULL;
  gboolean fits = ferry_function_check_result (ferry_function_find (name), result, &error);

  if (words == NULL)
    {
      g_assert_no_error (error);
      g_assert_true (fits);
      return;
    }
  g_assert_false (fits);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_RESULT);
  g_assert_nonnull (strstr (error->message, name));
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_checks_results (void)
{
  ferry_function_register ("gives-number", NULL, "u", first);
  ferry_function_register ("gives-any", NULL, NULL, first);
  ferry_function_register ("gives-nothing", NULL, "", first);
  assert_result ("gives-number", "uint32 1", NULL);
  assert_result ("gives-number", "'a'", "type 'u' and returned 's'");
  assert_result ("gives-number", NULL, "type 'u' and returned 'nothing'");
  assert_result ("gives-any", "'a'", NULL);
  assert_result ("gives-any", NULL, "'anything' and returned 'nothing'");
  assert_result ("gives-nothing", NULL, NULL);
  assert_result ("gives-nothing", "1", "'nothing' and returned 'i'");
}

#define N_THREADS 4
#define N_NAMES 500

static gpointer
register_many (gpointer data)
{
  for (guint i = 0; i < N_NAMES; i++)
    {
      g_autofree char *name = g_strdup_printf ("threads-%u", i);

      ferry_function_register (name, "s", "u", first);
      g_assert_nonnull (ferry_function_find (name));
    }
  return NULL;
}

static void
test_threads_register_at_once (void)
{
  GThread *threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    threads[i] = g_thread_new ("register", register_many, NULL);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/functions/finds-what-was-registered", test_finds_what_was_registered);
  g_test_add_func ("/functions/takes-the-same-again", test_takes_the_same_again);
  g_test_add_func ("/functions/refuses-another-function-of-a-name", test_refuses_another_function_of_a_name);
  g_test_add_func ("/functions/refuses-names-and-types-that-are-none", test_refuses_names_and_types_that_are_none);
  g_test_add_func ("/functions/keeps-the-data-of-a-function", test_keeps_the_data_of_a_function);
  g_test_add_func ("/functions/drops-the-data-of-a-function-that-it-does-not-take",
                   test_drops_the_data_of_a_function_that_it_does_not_take);
  g_test_add_func ("/functions/with-data-have-names-and-types", test_functions_with_data_have_names_and_types);
  g_test_add_func ("/functions/checks-arguments", test_checks_arguments);
  g_test_add_func ("/functions/checks-results", test_checks_results);
  g_test_add_func ("/functions/threads-register-at-once", test_threads_register_at_once);
  return g_test_run ();
}
