/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-call.c, call/ferry-request.c, wire/ferry-call-message.c, task/ferry-map-chunk.c
 *
 * Values that GLib reads slowly unless it trusts them, on their way to a function and back: each is trusted, so that
 * reading them takes a time that grows with their size. */

#include "config.h"

#include "task/map-test.h"

/* Of a record, of a message that is checked where it is received, and of one that another thread checks. */
static const guint counts[] = {5, 4000, 100000};

static GVariant *
give_back (FerryJob *job, GVariant *arguments, GError **error)
{
  g_assert_true (ferry_test_is_trusted (arguments));
  return ferry_job_yield (job, arguments, error) ? g_variant_ref (arguments) : NULL;
}

static void
yielded_cb (FerryTask *task, GVariant *value, gpointer n_yielded)
{
  g_assert_true (ferry_test_is_trusted (value));
  ++*(guint *) n_yielded;
}

static void
arguments_yields_and_results_are_trusted (gconstpointer in_threads)
{
  TaskTest *test = task_test_new (GPOINTER_TO_INT (in_threads), 1);

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      g_autoptr (GVariant) strings = g_variant_ref_sink (ferry_test_make_strings (counts[i]));
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_ITERATION, "give-back", strings);
      g_autoptr (GVariant) result = NULL;
      g_autoptr (GError) error = NULL;
      guint n_yielded = 0;

      g_signal_connect (task, "yielded", G_CALLBACK (yielded_cb), &n_yielded);
      task_test_submit_task (test->executor, task);
      task_test_wait_done (task);
      result = ferry_task_get_result (task, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (n_yielded, ==, 1);
      g_assert_cmpvariant (result, strings);
      g_assert_true (ferry_test_is_trusted (result));
    }
  task_test_free (test);
}

static void
items_of_a_map_are_trusted (void)
{
  TaskTest *test = task_test_new (TRUE, 1);

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) results = NULL;
      g_autoptr (FerryMap) map = NULL;
      GVariant *item = ferry_test_make_strings (counts[i]);

      map = map_test_new (test, "give-map", FERRY_MAP_ORDERED, g_variant_new_array (NULL, &item, 1));
      results = map_test_collect (map, MAP_TEST_TIMEOUT, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (results->len, ==, 1);
      g_assert_true (ferry_test_is_trusted (results->pdata[0]));
    }
  task_test_free (test);
}

static GVariant *
give_map (FerryJob *job, GVariant *arguments, GError **error)
{
  g_assert_true (ferry_test_is_trusted (arguments));
  return g_variant_ref (arguments);
}

int
main (int argc, char *argv[])
{
  map_test_init (&argc, &argv);
  ferry_function_register ("give-back", "as", "as", give_back);
  ferry_function_register ("give-map", "as", "as", give_map);
  g_test_add_data_func ("/values/arguments-yields-and-results-are-trusted", GINT_TO_POINTER (TRUE),
                        arguments_yields_and_results_are_trusted);
  g_test_add_func ("/values/items-of-a-map-are-trusted", items_of_a_map_are_trusted);
  return g_test_run ();
}
