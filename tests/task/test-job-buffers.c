/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: job/ferry-job.c, route/ferry-buffer.c, route/ferry-send-buffer.c
 *
 * Functions that return buffers. */

#include "config.h"

#include "task/buffer-functions.h"
#include "task/task-test.h"

/* From this size of a result on, its message is a large one. */
#define LARGE (32 * 1024 - 16 - 32 + 1)

typedef enum
{
  IN_PROCESS,
  TRUSTED,
  IN_THREAD,
} Place;

typedef struct
{
  TaskTest *test;
  FerryExecutor *executor; /* (owned) */
} BufferTest;

static BufferTest *
buffer_test_new (Place place)
{
  BufferTest *self = g_new0 (BufferTest, 1);
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (FerryPool) pool = NULL;

  self->test = task_test_new (place == IN_THREAD, 1);
  if (place != TRUSTED)
    {
      self->executor = g_object_ref (self->test->executor);
      return self;
    }
  launcher = task_test_launcher_new ();
  g_object_set (launcher, "trusted", TRUE, NULL);
  pool = ferry_pool_new (self->test->router, launcher);
  ferry_pool_set_max_workers (pool, 1);
  self->executor = ferry_executor_new (pool);
  return self;
}

static void
buffer_test_free (BufferTest *self)
{
  g_clear_object (&self->executor);
  task_test_free (self->test);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (BufferTest, buffer_test_free)

static FerryTask *
run (BufferTest *test, const char *function, GVariant *arguments)
{
  FerryTask *task = task_test_submit (test->executor, function, arguments);

  task_test_wait_done (task);
  return task;
}

static void
assert_bytes (FerryTask *task, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);
  const guint8 *bytes;
  gsize n;

  g_assert_no_error (error);
  bytes = g_variant_get_fixed_array (result, &n, 1);
  g_assert_cmpuint (n, ==, size);
  for (gsize i = 0; i < n; i++)
    if (bytes[i] != i % 251)
      g_error ("byte %" G_GSIZE_FORMAT " is %u", i, bytes[i]);
}

static void
check_size (BufferTest *test, gsize size)
{
  g_autoptr (FerryTask) task = run (test, "fill", g_variant_new_uint64 (size));

  assert_bytes (task, size);
}

static void
test_results_of_all_sizes_come (gconstpointer place)
{
  g_autoptr (BufferTest) test = buffer_test_new (GPOINTER_TO_INT (place));

  check_size (test, 1);
  check_size (test, 1000);
  for (gsize size = LARGE - 70; size < LARGE + 70; size += 7)
    check_size (test, size);
  check_size (test, LARGE - 1);
  check_size (test, LARGE);
  check_size (test, 1000000);
  check_size (test, 50000000);
}

static void
test_a_buffer_that_was_made_smaller_comes (gconstpointer place)
{
  g_autoptr (BufferTest) test = buffer_test_new (GPOINTER_TO_INT (place));
  g_autoptr (FerryTask) large = run (test, "fill-less", g_variant_new ("(tt)", 1000000ull, 500000ull));
  g_autoptr (FerryTask) small = run (test, "fill-less", g_variant_new ("(tt)", 1000000ull, 5ull));

  assert_bytes (large, 500000);
  assert_bytes (small, 5);
}

static void
test_the_last_buffer_counts (gconstpointer place)
{
  g_autoptr (BufferTest) test = buffer_test_new (GPOINTER_TO_INT (place));
  g_autoptr (FerryTask) task = run (test, "fill-twice", g_variant_new_uint64 (100000));

  assert_bytes (task, 100000);
}

static void
test_a_value_and_an_error_come_first (gconstpointer place)
{
  g_autoptr (BufferTest) test = buffer_test_new (GPOINTER_TO_INT (place));
  g_autoptr (FerryTask) value = run (test, "fill-and-value", g_variant_new_uint64 (100000));
  g_autoptr (FerryTask) error = run (test, "fill-and-fail", g_variant_new_uint64 (100000));

  task_test_assert_result (value, "[0x07]");
  task_test_assert_failed (error, FERRY_ERROR, FERRY_ERROR_REFUSED);
}

static void
test_a_function_of_another_type_fails (gconstpointer place)
{
  g_autoptr (BufferTest) test = buffer_test_new (GPOINTER_TO_INT (place));
  g_autoptr (FerryTask) task = run (test, "fill-wrongly", g_variant_new_uint64 (100000));

  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_RESULT);
}

static void
test_dropped_buffers_leave_nothing (gconstpointer place)
{
  g_autoptr (BufferTest) test = buffer_test_new (GPOINTER_TO_INT (place));
  g_autoptr (FerryTask) task = run (test, "drop", g_variant_new_uint64 (5000000));

  task_test_assert_result (task, NULL);
  check_size (test, 1000000);
}

/* A link has 64 buffers; the other results are copied. */
static void
test_many_results_are_kept (gconstpointer place)
{
  g_autoptr (BufferTest) test = buffer_test_new (GPOINTER_TO_INT (place));
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < 150; i++)
    g_ptr_array_add (tasks, run (test, "fill", g_variant_new_uint64 (100000 + i)));
  for (guint i = 0; i < 150; i++)
    assert_bytes (g_ptr_array_index (tasks, i), 100000 + i);
}

static void
test_a_result_that_is_too_large_is_an_error (gconstpointer place)
{
  g_autoptr (BufferTest) test = buffer_test_new (GPOINTER_TO_INT (place));
  g_autoptr (FerryTask) task = run (test, "fill", g_variant_new_uint64 (65 << 20));

  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
}

/* Returns the first byte of a result after the worker has written to the memory that it has returned. */
static guint8
scribble (Place place)
{
  g_autoptr (BufferTest) test = buffer_test_new (place);
  g_autoptr (FerryTask) task = run (test, "fill", g_variant_new_uint64 (1000000));
  g_autoptr (FerryTask) after = run (test, "scribble", g_variant_new_byte (99));
  g_autoptr (GVariant) result = ferry_task_get_result (task, NULL);
  gsize n;

  task_test_assert_result (after, NULL);
  return *(const guint8 *) g_variant_get_fixed_array (result, &n, 1);
}

/* The worker's memory is the result. */
static void
test_nothing_is_copied_for_a_trusted_worker (void)
{
  g_assert_cmpuint (scribble (TRUSTED), ==, 99);
}

static void
test_the_result_of_another_worker_is_safe (void)
{
  g_assert_cmpuint (scribble (IN_PROCESS), ==, 0);
}

static void
add_all (const char *name, GTestDataFunc function)
{
  static const char *const places[] = {
    [IN_PROCESS] = "in-a-process",
    [TRUSTED] = "in-a-trusted-process",
    [IN_THREAD] = "in-a-thread",
  };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree char *path = g_strdup_printf ("/job-buffers/%s/%s", places[i], name);

      g_test_add_data_func (path, GINT_TO_POINTER (i), function);
    }
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  buffer_functions_register ();

  add_all ("results-of-all-sizes-come", test_results_of_all_sizes_come);
  add_all ("a-buffer-that-was-made-smaller-comes", test_a_buffer_that_was_made_smaller_comes);
  add_all ("the-last-buffer-counts", test_the_last_buffer_counts);
  add_all ("a-value-and-an-error-come-first", test_a_value_and_an_error_come_first);
  add_all ("a-function-of-another-type-fails", test_a_function_of_another_type_fails);
  add_all ("dropped-buffers-leave-nothing", test_dropped_buffers_leave_nothing);
  add_all ("many-results-are-kept", test_many_results_are_kept);
  add_all ("a-result-that-is-too-large-is-an-error", test_a_result_that_is_too_large_is_an_error);
  g_test_add_func ("/job-buffers/nothing-is-copied-for-a-trusted-worker", test_nothing_is_copied_for_a_trusted_worker);
  g_test_add_func ("/job-buffers/the-result-of-another-worker-is-safe", test_the_result_of_another_worker_is_safe);
  return g_test_run ();
}
