/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/map-test.h"

#include <time.h>

#include "wire/ferry-remote-error-private.h"

static GMutex lock;
static GCond changed;
static gboolean is_open; /* lock */
static guint n_held;     /* lock */

static GVariant *
double_number (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int64 (2 * g_variant_get_int64 (arguments));
}

static void
wake (GCancellable *cancellable, gpointer data)
{
  g_mutex_lock (&lock);
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

static GVariant *
hold (FerryJob *job, GVariant *arguments, GError **error)
{
  GCancellable *cancellable;
  gulong handler;

  if (g_variant_get_int64 (arguments) >= 0)
    return double_number (job, arguments, error);
  cancellable = ferry_job_get_cancellable (job);
  handler = g_signal_connect (cancellable, "cancelled", G_CALLBACK (wake), NULL);
  /* Not ferry_job_is_cancelled(), which may be what cancels, and call wake() under the lock. */
  g_mutex_lock (&lock);
  n_held++;
  g_main_context_wakeup (NULL);
  while (!is_open && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait (&changed, &lock);
  n_held--;
  g_mutex_unlock (&lock);
  g_signal_handler_disconnect (cancellable, handler);
  return ferry_job_check (job, error) ? double_number (job, arguments, error) : NULL;
}

static GVariant *
refuse (FerryJob *job, GVariant *arguments, GError **error)
{
  gint64 number = g_variant_get_int64 (arguments);

  if (number % 2 == 0)
    return double_number (job, arguments, error);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%" G_GINT64_FORMAT " is odd", number);
  return NULL;
}

static GVariant *
fail_alike (FerryJob *job, GVariant *arguments, GError **error)
{
  if (g_variant_get_int64 (arguments) % 2 == 0)
    ferry_job_set_error (job, error, G_IO_ERROR, G_IO_ERROR_FAILED, "alike");
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "alike");
  return NULL;
}

static gint64
get_processor_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static GVariant *
spin (FerryJob *job, GVariant *arguments, GError **error)
{
  gint64 end = get_processor_time () + (gint64) g_variant_get_uint64 (arguments);

  while (get_processor_time () < end)
    ;
  return g_variant_ref (arguments);
}

void
map_test_init (int *argc, char ***argv)
{
  task_test_init (argc, argv);
  ferry_function_register ("double", "x", "x", double_number);
  ferry_function_register ("hold", "x", "x", hold);
  ferry_function_register ("refuse", "x", "x", refuse);
  ferry_function_register ("alike", "x", "x", fail_alike);
  ferry_function_register ("spin", "t", "t", spin);
}

void
map_test_open_gate (void)
{
  g_mutex_lock (&lock);
  is_open = TRUE;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

void
map_test_close_gate (void)
{
  g_mutex_lock (&lock);
  is_open = FALSE;
  g_mutex_unlock (&lock);
}

guint
map_test_get_n_held (void)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&lock);

  return n_held;
}

static gboolean
holds (gpointer n)
{
  return map_test_get_n_held () == GPOINTER_TO_UINT (n);
}

void
map_test_wait_held (guint n)
{
  ferry_test_run_until (holds, GUINT_TO_POINTER (n));
}

GVariant *
map_test_numbers (gint64 n)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("ax"));
  for (gint64 i = 0; i < n; i++)
    g_variant_builder_add (&builder, "x", i);
  return g_variant_builder_end (&builder);
}

FerryMap *
map_test_new (TaskTest *test, const char *function, FerryMapOrder order, GVariant *arguments)
{
  FerryMap *map = ferry_map_new (test->executor, function, order);

  if (arguments != NULL)
    ferry_map_set_arguments (map, arguments);
  return map;
}

static GVariant *
get_arguments (GObject *object, gpointer data, GError **error)
{
  GVariant *arguments = g_object_get_data (object, "arguments");

  return arguments != NULL ? g_variant_ref (arguments) : NULL;
}

void
map_test_set_items (FerryMap *map, GPtrArray *items)
{
  g_autoptr (GListStore) store = g_list_store_new (G_TYPE_OBJECT);

  for (guint i = 0; i < items->len; i++)
    {
      g_autoptr (GObject) object = g_object_new (G_TYPE_OBJECT, NULL);

      if (items->pdata[i] != NULL)
        g_object_set_data_full (object, "arguments", g_variant_ref_sink (items->pdata[i]),
                                (GDestroyNotify) g_variant_unref);
      g_list_store_append (store, object);
    }
  ferry_map_set_model (map, G_LIST_MODEL (store), get_arguments, NULL, NULL);
}

/* Takes item (nullable). */
static gboolean
take_apart (FerryMapItem *item, guint64 *index, GVariant **value, GError **failure)
{
  g_autoptr (FerryMapItem) owned = item;
  GVariant *found = item != NULL ? ferry_map_item_get_value (item) : NULL;
  const GError *reason = item != NULL ? ferry_map_item_get_error (item) : NULL;

  if (index != NULL && item != NULL)
    *index = (guint64) ferry_test_get_number (item, "index");
  if (value != NULL)
    *value = found != NULL ? g_variant_ref (found) : NULL;
  if (failure != NULL)
    *failure = reason != NULL ? ferry_error_copy (reason) : NULL;
  return item != NULL;
}

static void
keep_result (GObject *map, GAsyncResult *result, gpointer place)
{
  *(GAsyncResult **) place = g_object_ref (result);
}

void
map_test_ask (FerryMap *map, GAsyncResult **result)
{
  ferry_map_next_async (map, NULL, keep_result, result);
}

static gboolean
has_come (gpointer place)
{
  return *(GAsyncResult **) place != NULL;
}

gboolean
map_test_next (FerryMap *map, guint64 *index, GVariant **value, GError **failure, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  map_test_ask (map, &result);
  ferry_test_run_until (has_come, &result);
  return map_test_next_finish (map, result, index, value, failure, error);
}

gboolean
map_test_next_finish (FerryMap *map, GAsyncResult *result, guint64 *index, GVariant **value, GError **failure,
                      GError **error)
{
  return take_apart (ferry_map_next_finish (map, result, error), index, value, failure);
}

static void
free_variant (gpointer value)
{
  if (value != NULL)
    g_variant_unref (value);
}

/* Takes results (nullable). */
static GPtrArray *
list_values (GListModel *results)
{
  g_autoptr (GListModel) owned = results;
  GPtrArray *values;

  if (results == NULL)
    return NULL;
  values = g_ptr_array_new_with_free_func (free_variant);
  for (guint i = 0; i < g_list_model_get_n_items (results); i++)
    {
      g_autoptr (FerryMapItem) item = g_list_model_get_item (results, i);
      GVariant *value = ferry_map_item_get_value (item);

      g_assert_cmpint (ferry_test_get_number (item, "index"), ==, i);
      g_assert_no_error (ferry_map_item_get_error (item));
      g_ptr_array_add (values, value != NULL ? g_variant_ref (value) : NULL);
    }
  return values;
}

GPtrArray *
map_test_collect (FerryMap *map, gint64 timeout, GError **error)
{
  return list_values (ferry_map_collect (map, timeout, error));
}

GPtrArray *
map_test_collect_finish (FerryMap *map, GAsyncResult *result, GError **error)
{
  return list_values (ferry_map_collect_finish (map, result, error));
}

gint64
map_test_take (FerryMap *map, guint64 *index)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  gboolean is_there = map_test_next (map, index, &value, &failure, &error);

  g_assert_no_error (error);
  g_assert_true (is_there);
  g_assert_no_error (failure);
  return g_variant_get_int64 (value);
}

GError *
map_test_take_failure (FerryMap *map, guint64 *index)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = NULL;
  gboolean is_there = map_test_next (map, index, &value, &failure, &error);

  g_assert_no_error (error);
  g_assert_true (is_there);
  g_assert_null (value);
  g_assert_nonnull (failure);
  return g_steal_pointer (&failure);
}

/* As often as it is asked. */
void
map_test_assert_end (FerryMap *map)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    {
      g_assert_false (map_test_next (map, NULL, NULL, NULL, &error));
      g_assert_no_error (error);
    }
  g_assert_true (ferry_test_get_number (map, "is-finished"));
  g_assert_cmpuint (ferry_test_get_number (map, "n-done"), ==, ferry_test_get_number (map, "n-submitted"));
}

static gboolean
is_finished (gpointer map)
{
  return ferry_test_get_number (map, "is-finished");
}

void
map_test_wait_finished (FerryMap *map)
{
  ferry_test_run_until (is_finished, map);
}

GVariant *
map_test_source_next (gpointer data, GError **error)
{
  MapTestSource *source = data;

  g_assert_false (source->destroyed);
  if (source->n_given == source->fails_at)
    {
      g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_IO, "The source ran dry");
      return NULL;
    }
  return source->n_given < source->length ? g_variant_new_int64 (source->n_given++) : NULL;
}

void
map_test_source_destroy (gpointer data)
{
  MapTestSource *source = data;

  g_assert_false (source->destroyed);
  source->destroyed = TRUE;
}
