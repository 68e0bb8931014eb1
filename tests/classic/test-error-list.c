/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: classic/ferry-error-list.c
 *
 * Lists of errors: what they catch, raise, and carry to another process. */

#include "config.h"

#include <ferry-classic.h>

#include "task/lone-task.h"
#include "wire/ferry-remote-error-private.h"

static void
add (FerryErrorList *list, const char *phase, const char *message)
{
  g_autoptr (GError) error = task_test_error (message);

  g_assert_true (ferry_error_list_add (list, phase, error));
}

/* The messages of a model's records, with their phases. */
static char *
describe (GListModel *model)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < g_list_model_get_n_items (model); i++)
    {
      g_autoptr (FerryErrorRecord) record = g_list_model_get_item (model, i);

      g_string_append_printf (text, "%s%s:%s", i > 0 ? " " : "", ferry_test_get_string (record, "phase"),
                              ferry_test_get_error (record, "error")->message);
    }
  return g_strdup (text->str);
}

static void
assert_list (FerryErrorList *list, const char *wanted)
{
  g_autofree char *found = describe (G_LIST_MODEL (list));

  g_assert_cmpstr (found, ==, wanted);
}

/* Returns (transfer none) (nullable) the last record of phase (nullable), which the list has. */
static FerryErrorRecord *
get_last (FerryErrorList *list, const char *phase)
{
  for (guint i = g_list_model_get_n_items (G_LIST_MODEL (list)); i > 0; i--)
    {
      g_autoptr (FerryErrorRecord) record = g_list_model_get_item (G_LIST_MODEL (list), i - 1);

      if (phase == NULL || g_str_equal (ferry_test_get_string (record, "phase"), phase))
        return record;
    }
  return NULL;
}

/* Catches the error of a task that has failed. */
static gboolean
add_task (FerryErrorList *list, const char *phase, FerryTask *task)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) none = NULL;

  if (ferry_task_get_state (task) != FERRY_TASK_STATE_FAILED)
    return FALSE;
  none = ferry_task_get_result (task, &error);
  g_assert_null (none);
  return ferry_error_list_take (list, phase, &error);
}

static void
test_records (void)
{
  g_autoptr (FerryErrorList) list = ferry_error_list_new ();
  g_autoptr (FerryErrorRecord) record = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *phase = NULL;
  g_autofree char *trace = NULL;

  g_assert_true (g_list_model_get_item_type (G_LIST_MODEL (list)) == FERRY_TYPE_ERROR_RECORD);
  add (list, NULL, "one");
  add (list, "init", "two");
  assert_list (list, ":one init:two");
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (list), 2));
  record = g_list_model_get_item (G_LIST_MODEL (list), 1);
  g_object_get (record, "error", &error, "phase", &phase, "trace", &trace, NULL);
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_assert_cmpstr (phase, ==, "init");
  g_assert_null (trace);
}

static void
test_take (void)
{
  g_autoptr (FerryErrorList) list = ferry_error_list_new ();
  GError *error = NULL;

  g_assert_true (ferry_error_list_take (list, "work", &error));
  assert_list (list, "");
  error = task_test_error ("one");
  g_assert_true (ferry_error_list_take (list, "work", &error));
  g_assert_null (error);
  assert_list (list, "work:one");
}

static void
test_filters (void)
{
  g_autoptr (FerryErrorList) list = ferry_error_list_new ();
  GError *error = task_test_error ("any code");

  ferry_error_list_add_filter (list, G_FILE_ERROR, -1);
  ferry_error_list_add_filter (list, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_true (ferry_error_list_take (list, NULL, &error));
  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "this code");
  g_assert_true (ferry_error_list_take (list, NULL, &error));
  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, "other code");
  g_assert_false (ferry_error_list_take (list, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_false (ferry_error_list_add (list, NULL, error));
  g_clear_error (&error);
  assert_list (list, ":any code :this code");
  ferry_error_list_clear (list, NULL);
  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, "filters stay");
  g_assert_false (ferry_error_list_add (list, NULL, error));
  g_clear_error (&error);
}

static void
assert_raises (FerryErrorList *list, const char *phase, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_error_list_raise_any (list, phase, &error));
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_raise (void)
{
  g_autoptr (FerryErrorList) list = ferry_error_list_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_error_list_raise_any (list, NULL, &error));
  add (list, "work", "one");
  add (list, "work", "two");
  add (list, "init", "three");
  assert_raises (list, NULL, "three");
  assert_raises (list, "work", "two");
  g_assert_true (ferry_error_list_raise_any (list, "cleanup", &error));
  g_assert_no_error (error);
  g_assert_false (ferry_error_list_raise_any (list, NULL, NULL));
  assert_list (list, "work:one work:two init:three");
}

static void
test_raise_without_phase (void)
{
  g_autoptr (FerryErrorList) list = ferry_error_list_new ();
  g_autoptr (GError) error = NULL;

  add (list, "work", "one");
  g_assert_true (ferry_error_list_raise_any (list, "", &error));
  g_assert_no_error (error);
  add (list, NULL, "two");
  add (list, "", "three");
  add (list, "work", "four");
  assert_raises (list, "", "three");
  assert_raises (list, NULL, "four");
}

static void
test_looking (void)
{
  g_autoptr (FerryErrorList) list = ferry_error_list_new ();

  g_assert_null (ferry_error_list_get_first (list, NULL));
  g_assert_null (get_last (list, NULL));
  add (list, "init", "one");
  add (list, "work", "two");
  add (list, "work", "three");
  add (list, "cleanup", "four");
  g_assert_cmpstr (ferry_test_get_error (ferry_error_list_get_first (list, "work"), "error")->message, ==, "two");
  g_assert_cmpstr (ferry_test_get_error (get_last (list, "work"), "error")->message, ==, "three");
  g_assert_cmpstr (ferry_test_get_error (get_last (list, NULL), "error")->message, ==, "four");
  g_assert_null (get_last (list, "play"));
  assert_list (list, "init:one work:two work:three cleanup:four");
}

/* A copy that is kept by what the model says of its changes. */
static void
items_changed_cb (GListModel *model, guint position, guint n_removed, guint n_added, GPtrArray *copy)
{
  g_ptr_array_remove_range (copy, position, n_removed);
  for (guint i = 0; i < n_added; i++)
    g_ptr_array_insert (copy, (gint) (position + i), g_list_model_get_item (model, position + i));
  g_assert_cmpuint (copy->len, ==, g_list_model_get_n_items (model));
}

static void
test_clear (void)
{
  g_autoptr (FerryErrorList) list = ferry_error_list_new ();
  g_autoptr (GPtrArray) copy = g_ptr_array_new_with_free_func (g_object_unref);

  g_signal_connect (list, "items-changed", G_CALLBACK (items_changed_cb), copy);
  add (list, "work", "one");
  add (list, "work", "two");
  add (list, "init", "three");
  add (list, "work", "four");
  add (list, NULL, "five");
  ferry_error_list_clear (list, "work");
  assert_list (list, "init:three :five");
  for (guint i = 0; i < copy->len; i++)
    {
      g_autoptr (FerryErrorRecord) record = g_list_model_get_item (G_LIST_MODEL (list), i);

      g_assert_true (record == g_ptr_array_index (copy, i));
    }
  ferry_error_list_clear (list, "");
  assert_list (list, "init:three");
  ferry_error_list_clear (list, NULL);
  assert_list (list, "");
  g_assert_cmpuint (copy->len, ==, 0);
}

static void
test_tasks (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryErrorList) list = ferry_error_list_new ();
  g_autoptr (FerryTask) failed = task_test_new_executing (&executor);
  g_autoptr (FerryTask) completed = task_test_new_executing (&executor);
  g_autoptr (FerryTask) cancelled = task_test_new (&executor);

  g_assert_false (add_task (list, "work", failed));
  g_assert_true (
    ferry_run_fail (ferry_task_get_run (failed), FERRY_TASK_EVENT_ERROR, task_test_error ("one"), "in sum", NULL));
  g_assert_true (ferry_run_complete (ferry_task_get_run (completed), NULL));
  g_assert_true (ferry_task_cancel (cancelled));
  g_assert_true (add_task (list, "work", failed));
  g_assert_false (add_task (list, "work", completed));
  g_assert_false (add_task (list, "work", cancelled));
  assert_list (list, "work:one");
  g_assert_cmpstr (ferry_test_get_string (get_last (list, NULL), "trace"), ==, "in sum");
  ferry_error_list_add_filter (list, FERRY_ERROR, -1);
  g_assert_false (add_task (list, "work", failed));
}

static void
test_trace_of_remote_error (void)
{
  g_autoptr (FerryErrorList) list = ferry_error_list_new ();
  g_autoptr (GError) error = task_test_error ("far away");

  ferry_error_set_trace (error, "in a worker");
  g_assert_true (ferry_error_list_add (list, NULL, error));
  g_assert_true (ferry_error_list_take (list, NULL, &error));
  g_assert_cmpstr (ferry_test_get_string (ferry_error_list_get_first (list, NULL), "trace"), ==, "in a worker");
  g_assert_cmpstr (ferry_test_get_string (get_last (list, NULL), "trace"), ==, "in a worker");
}

/* ---- as values ---- */

static void
test_crossing (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryErrorList) there = ferry_error_list_new ();
  g_autoptr (FerryErrorList) here = ferry_error_list_new ();
  g_autoptr (FerryTask) failed = task_test_new_executing (&executor);
  g_autoptr (GError) error = NULL;

  g_assert_true (
    ferry_run_fail (ferry_task_get_run (failed), FERRY_TASK_EVENT_ERROR, task_test_error ("two"), "in sum", NULL));
  add (there, "init", "one");
  g_assert_true (add_task (there, "work", failed));
  add (here, NULL, "zero");
  g_assert_true (ferry_error_list_add_variant (here, ferry_error_list_to_variant (there), &error));
  g_assert_no_error (error);
  assert_list (here, ":zero init:one work:two");
  g_assert_error (ferry_test_get_error (get_last (here, NULL), "error"), G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_assert_cmpstr (ferry_test_get_string (get_last (here, NULL), "trace"), ==, "in sum");
}

static void
test_crossing_filters (void)
{
  g_autoptr (FerryErrorList) there = ferry_error_list_new ();
  g_autoptr (FerryErrorList) here = ferry_error_list_new ();
  GError *other = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_BUSY, "stranger");
  g_autoptr (GError) error = NULL;

  add (there, "init", "one");
  g_assert_true (ferry_error_list_take (there, "work", &other));
  add (there, "work", "two");
  ferry_error_list_add_filter (here, G_FILE_ERROR, -1);
  g_assert_false (ferry_error_list_add_variant (here, ferry_error_list_to_variant (there), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_BUSY);
  assert_list (here, "init:one work:two");
}

static void
test_crossing_many (void)
{
  g_autoptr (FerryErrorList) there = ferry_error_list_new ();
  g_autoptr (FerryErrorList) here = ferry_error_list_new ();
  g_autoptr (GError) error = NULL;
  const GError *last;

  for (guint i = 0; i < 1030; i++)
    add (there, NULL, "one of many");
  g_assert_true (ferry_error_list_add_variant (here, ferry_error_list_to_variant (there), &error));
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (here)), ==, 1025);
  last = ferry_test_get_error (get_last (here, NULL), "error");
  g_assert_error (last, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_assert_true (g_str_has_prefix (last->message, "6 further"));
}

static void
test_hostile_values (void)
{
  g_autoptr (FerryErrorList) list = ferry_error_list_new ();
  g_autoptr (GVariantBuilder) builder = g_variant_builder_new (G_VARIANT_TYPE ("a(s(sissas))"));
  g_autofree guint8 *noise = g_malloc (64 * 1024);
  g_autoptr (GVariant) torn = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_error_list_add_variant (list, g_variant_new_uint32 (1), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_clear_error (&error);
  for (guint i = 0; i < 1026; i++)
    g_variant_builder_add (builder, "(s(sissas))", "", "g-file-error-quark", 0, "again", "", NULL);
  g_assert_false (ferry_error_list_add_variant (list, g_variant_builder_end (builder), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_clear_error (&error);
  assert_list (list, "");
  /* Bytes that are no list at all make errors, or none, and never more than are taken. */
  for (gsize i = 0; i < 64 * 1024; i++)
    noise[i] = (guint8) g_test_rand_int ();
  torn =
    g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE ("a(s(sissas))"), noise, 64 * 1024, FALSE, NULL, NULL));
  if (!ferry_error_list_add_variant (list, torn, &error))
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (list)), <=, 1025);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/error-list/keeps-records-in-order", test_records);
  g_test_add_func ("/error-list/takes-an-error-or-none", test_take);
  g_test_add_func ("/error-list/leaves-what-passes-no-filter", test_filters);
  g_test_add_func ("/error-list/raises-the-last-of-a-phase", test_raise);
  g_test_add_func ("/error-list/raises-the-last-without-a-phase", test_raise_without_phase);
  g_test_add_func ("/error-list/shows-the-first-and-all", test_looking);
  g_test_add_func ("/error-list/clears-a-phase-and-says-so", test_clear);
  g_test_add_func ("/error-list/catches-what-tasks-failed-with", test_tasks);
  g_test_add_func ("/error-list/finds-traces-of-other-processes", test_trace_of_remote_error);
  g_test_add_func ("/error-list/crosses-as-a-value", test_crossing);
  g_test_add_func ("/error-list/raises-what-it-may-not-catch", test_crossing_filters);
  g_test_add_func ("/error-list/says-how-many-were-left-out", test_crossing_many);
  g_test_add_func ("/error-list/bears-hostile-values", test_hostile_values);
  return g_test_run ();
}
