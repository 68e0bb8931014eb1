/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue-value.c, queue/ferry-queue-sum.c, queue/ferry-queue-file.c, queue/ferry-queue-row.c
 *
 * Large arguments, results and bytes, which are in files beside the database. */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "queue/ferry-queue-sum-private.h"
#include "queue/ferry-queue-value-private.h"
#include "queue/queue-test.h"
#include "task/descriptor-functions.h"
#include "task/ferry-task-private.h"

#define LARGE (3 * FERRY_QUEUE_INLINE_SIZE)

/* (transfer full): the folder of the values. */
static char *
get_folder (QueueTest *test)
{
  return g_strconcat (test->path, ".values", NULL);
}

/* (transfer full) (element-type utf8): the paths of the files of values. */
static GPtrArray *
list_files (QueueTest *test)
{
  GPtrArray *files = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *folder = get_folder (test);
  g_autoptr (GDir) opened = g_dir_open (folder, 0, NULL);
  const char *name;

  while (opened != NULL && (name = g_dir_read_name (opened)) != NULL)
    g_ptr_array_add (files, g_build_filename (folder, name, NULL));
  return files;
}

static void
assert_n_files (QueueTest *test, guint n)
{
  g_autoptr (GPtrArray) files = list_files (test);

  g_assert_cmpuint (files->len, ==, n);
}

/* (transfer full): the path of the only one. */
static char *
get_file (QueueTest *test)
{
  g_autoptr (GPtrArray) files = list_files (test);

  g_assert_cmpuint (files->len, ==, 1);
  return g_strdup (files->pdata[0]);
}

static void
assert_mode (const char *path, guint mode)
{
  GStatBuf about;

  g_assert_cmpint (g_stat (path, &about), ==, 0);
  g_assert_cmpuint (about.st_mode & 0777, ==, mode);
}

/* The processor's time, in nanoseconds, that this thread takes for reading a value of n names. */
static gint64
time_reading (guint n)
{
  g_autoptr (GVariantBuilder) builder = g_variant_builder_new (G_VARIANT_TYPE_STRING_ARRAY);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GBytes) packed = NULL;
  struct timespec before, after;

  for (guint i = 0; i < n; i++)
    g_variant_builder_add (builder, "s", "name");
  value = g_variant_ref_sink (g_variant_builder_end (builder));
  packed = ferry_queue_pack (value);
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &before);
  {
    g_autoptr (GVariant) read = ferry_queue_unpack (packed, "as");
    const char *name = NULL;

    g_assert_nonnull (read);
    for (guint i = 0; i < n; i++)
      {
        g_variant_get_child (read, i, "&s", &name);
        g_assert_cmpstr (name, ==, "name");
      }
  }
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &after);
  return (after.tv_sec - before.tv_sec) * G_GINT64_CONSTANT (1000000000) + after.tv_nsec - before.tv_nsec;
}

/* GLib takes the square of it for a value that it does not trust: then this would be 64. */
static void
test_time_of_reading_grows_with_the_number_of_names (void)
{
  gint64 few = G_MAXINT64;
  gint64 many = G_MAXINT64;

  for (guint i = 0; i < 3; i++)
    {
      few = MIN (few, time_reading (10000));
      many = MIN (many, time_reading (80000));
    }
  g_assert_cmpint (many, <, 24 * few);
}

static void
submit_large (QueueTest *test, const char *key)
{
  g_autofree char *text = g_strnfill (LARGE, 'x');
  g_autoptr (FerryTask) task = queue_test_submit (test, "echo", text, key);

  task_test_wait_done (task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
}

static void
assert_large_result (FerryTask *task)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);
  gsize size;
  const char *text;

  g_assert_no_error (error);
  text = g_variant_get_string (result, &size);
  g_assert_cmpuint (size, ==, LARGE);
  g_assert_cmpuint (strspn (text, "x"), ==, LARGE);
}

static void
test_large_values_are_beside_the_database (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *folder = get_folder (test);

  submit_large (test, "large");
  {
    g_autoptr (FerryTask) small = queue_test_submit (test, "echo", "small", "small");

    task_test_wait_done (small);
  }
  queue_test_close (test);
  assert_n_files (test, 2);
  assert_mode (folder, 0700);
  {
    g_autoptr (GPtrArray) files = list_files (test);
    g_autofree char *n_texts =
      queue_test_ask (test, "SELECT count(*) FROM task WHERE typeof(result) = 'text' AND length(result) < 100");

    assert_mode (files->pdata[0], 0600);
    assert_mode (files->pdata[1], 0600);
    g_assert_cmpstr (n_texts, ==, "1");
  }
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) task = queue_test_get (test, "large");

    g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
    g_assert_nonnull (ferry_test_get_variant (task, "result"));
    assert_large_result (task);
  }
}

static void
test_files_leave_with_their_row (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  submit_large (test, "a");
  submit_large (test, "b");
  queue_test_flush (test);
  assert_n_files (test, 4);
  {
    g_autoptr (FerryTask) a = queue_test_get (test, "a");
    g_autoptr (FerryTask) again = ferry_executor_retry (test->test->executor, a, NULL);

    task_test_wait_done (again);
    assert_large_result (again);
  }
  queue_test_flush (test);
  assert_n_files (test, 4);
  g_assert_true (ferry_queue_forget (test->queue, "a", NULL));
  queue_test_flush (test);
  assert_n_files (test, 2);
  g_assert_true (ferry_queue_forget (test->queue, "b", NULL));
  queue_test_flush (test);
  assert_n_files (test, 0);
}

static void
test_files_without_a_row_are_removed (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *folder = get_folder (test);
  g_autofree char *orphan = g_build_filename (folder, "4c0a0d8c-5d11-4a3c-8a40-0123456789ab", NULL);
  g_autofree char *other = g_build_filename (folder, "notes of a person", NULL);

  submit_large (test, "a");
  queue_test_close (test);
  g_assert_true (g_file_set_contents (orphan, "x", 1, NULL));
  g_assert_true (g_file_set_contents (other, "x", 1, NULL));
  queue_test_restart (test);
  g_assert_false (g_file_test (orphan, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (other, G_FILE_TEST_EXISTS));
  assert_n_files (test, 3);
}

/* A task of an earlier run gets its large arguments when it is begun, and its text until then. */
static void
test_large_arguments_survive (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *text = g_strnfill (LARGE, 'x');

  g_object_set (test->queue, "paused", TRUE, NULL);
  {
    g_autoptr (FerryTask) large = queue_test_submit (test, "echo", text, "large");
    g_autoptr (FerryTask) next = queue_test_submit (test, "echo", "small", "next");
  }
  queue_test_close (test);
  assert_n_files (test, 1);
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) large = queue_test_get (test, "large");
    g_autoptr (FerryTask) next = queue_test_get (test, "next");
    g_autoptr (FerryTask) again = NULL;

    task_test_wait_done (large);
    task_test_wait_done (next);
    assert_large_result (large);
    again = ferry_executor_retry (test->test->executor, large, NULL);
    task_test_wait_done (again);
    assert_large_result (again);
  }
}

static void
test_bytes_survive (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *text = g_strnfill (LARGE, 'x');
  g_autoptr (GBytes) bytes = g_bytes_new (text, LARGE);

  g_object_set (test->queue, "paused", TRUE, NULL);
  {
    g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "read-bytes", NULL);
    g_autoptr (FerryTask) submitted = NULL;

    g_assert_cmpint (ferry_task_add_bytes (task, bytes, NULL), ==, 0);
    ferry_task_set_arguments (task, g_variant_new_handle (0));
    submitted = queue_test_submit_task (test, task, "bytes");
  }
  queue_test_close (test);
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) task = queue_test_get (test, "bytes");
    g_autoptr (FerryTask) again = NULL;

    task_test_wait_done (task);
    assert_large_result (task);
    again = ferry_executor_retry (test->test->executor, task, NULL);
    task_test_wait_done (again);
    assert_large_result (again);
  }
}

/* What is taken can be sent to a worker. */
static void
test_arguments_beyond_the_limit_of_the_router_are_refused (void)
{
  g_autoptr (QueueTest) test = queue_test_new_for (task_test_new (FALSE, 1));
  const guint64 limit = 1024 * 1024;
  g_autofree char *fits = g_strnfill (limit - 64, 'x');
  g_autofree char *exceeds = g_strnfill (limit - 1, 'x');
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string (exceeds));
  g_autoptr (FerryTask) taken = NULL;
  g_autoptr (FerryTask) refused = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (test->test->router, "max-message-size", limit, NULL);
  taken = queue_test_submit (test, "echo", fits, "fits");
  refused = ferry_queue_submit (test->queue, task, "exceeds", &error);
  g_assert_null (refused);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  ferry_test_assert_says (error->message, "larger than the router's limit of 1048576 bytes");
  task_test_wait_done (taken);
  g_assert_no_error (ferry_task_get_error (taken));
}

static void
test_what_is_too_large_is_refused (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autoptr (GBytes) bytes =
    g_bytes_new_take (g_malloc0 (FERRY_QUEUE_MAX_ARGUMENTS_SIZE), FERRY_QUEUE_MAX_ARGUMENTS_SIZE);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string ("and this"));
  g_autoptr (FerryTask) submitted = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ferry_task_add_bytes (task, bytes, NULL), ==, 0);
  submitted = ferry_queue_submit (test->queue, task, NULL, &error);
  g_assert_null (submitted);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  ferry_test_assert_says (error->message, "a queue stores at most 268435456 of a task");
  ferry_test_assert_says (error->message, "at most 268435456");
}

/* ---- damage ---- */

typedef void (*Damage) (const char *path);

static void
flip (const char *path)
{
  g_autofree char *data = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  data[size / 2] = 'y';
  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
}

static void
cut (const char *path)
{
  g_autofree char *data = NULL;

  g_assert_true (g_file_get_contents (path, &data, NULL, NULL));
  g_assert_true (g_file_set_contents (path, data, 5000, NULL));
}

static void
lose (const char *path)
{
  g_assert_cmpint (g_unlink (path), ==, 0);
}

static const struct
{
  Damage damage;
  int code;
  FerryTaskState state; /* of a task whose result it was, before that is read */
} damages[] = {
  {flip, G_IO_ERROR_INVALID_DATA, FERRY_TASK_STATE_COMPLETED},
  {cut, G_IO_ERROR_INVALID_DATA, FERRY_TASK_STATE_FAILED},
  {lose, G_IO_ERROR_NOT_FOUND, FERRY_TASK_STATE_FAILED},
};

static void
assert_result_is_lost (FerryTask *task, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_task_get_result (task, &error));
  g_assert_error (error, G_IO_ERROR, code);
  ferry_test_assert_says (error->message, "Try the task again");
  g_assert_null (ferry_test_get_variant (task, "result"));
}

/* The first time it is read that finds damage within a file; from then on the task has failed. */
static void
test_damaged_result_is_none (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (damages); i++)
    {
      g_autoptr (QueueTest) test = queue_test_new (1);
      g_autofree char *file = NULL;

      {
        g_autofree char *text = g_strdup_printf ("%d", LARGE);
        g_autoptr (FerryTask) task = queue_test_submit (test, "repeat", text, "a");

        task_test_wait_done (task);
        assert_large_result (task);
      }
      queue_test_close (test);
      file = get_file (test);
      damages[i].damage (file);
      queue_test_restart (test);
      {
        g_autoptr (FerryTask) task = queue_test_get (test, "a");

        g_assert_cmpint (ferry_task_get_state (task), ==, damages[i].state);
        assert_result_is_lost (task, damages[i].code);
        assert_result_is_lost (task, damages[i].code);
      }
      {
        g_autoptr (FerryTask) task = queue_test_get (test, "a");
        g_autoptr (FerryTask) again = NULL;

        g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
        g_assert_error (ferry_task_get_error (task), G_IO_ERROR, damages[i].code);
        again = ferry_executor_retry (test->test->executor, task, NULL);
        task_test_wait_done (again);
        assert_large_result (again);
      }
    }
}

static void
test_damaged_arguments_are_an_error (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (damages); i++)
    {
      g_autoptr (QueueTest) test = queue_test_new (1);
      g_autofree char *file = NULL;

      g_object_set (test->queue, "paused", TRUE, NULL);
      {
        g_autofree char *text = g_strnfill (LARGE, 'x');
        g_autoptr (FerryTask) large = queue_test_submit (test, "echo", text, "large");
        g_autoptr (FerryTask) next = queue_test_submit (test, "echo", "small", "next");
      }
      queue_test_close (test);
      file = get_file (test);
      damages[i].damage (file);
      queue_test_restart (test);
      {
        g_autoptr (FerryTask) large = queue_test_get (test, "large");
        g_autoptr (FerryTask) next = queue_test_get (test, "next");

        task_test_wait_done (large);
        task_test_wait_done (next);
        g_assert_cmpint (ferry_task_get_state (large), ==, FERRY_TASK_STATE_FAILED);
        g_assert_error (ferry_task_get_error (large), G_IO_ERROR, damages[i].code);
        g_assert_cmpint (ferry_task_get_state (next), ==, FERRY_TASK_STATE_COMPLETED);
      }
    }
}

/* ---- checksums ---- */

static void
test_sum_sees_each_bit (void)
{
  guint8 bytes[61];
  guint64 sum;

  for (gsize i = 0; i < sizeof bytes; i++)
    bytes[i] = (guint8) (i * 37);
  sum = ferry_queue_sum_add_bytes (FERRY_QUEUE_SUM_START, bytes, sizeof bytes);
  for (gsize i = 0; i < 8 * sizeof bytes; i++)
    {
      bytes[i / 8] ^= (guint8) (1 << i % 8);
      g_assert_cmpuint (ferry_queue_sum_add_bytes (FERRY_QUEUE_SUM_START, bytes, sizeof bytes), !=, sum);
      bytes[i / 8] ^= (guint8) (1 << i % 8);
    }
  g_assert_cmpuint (ferry_queue_sum_add_bytes (FERRY_QUEUE_SUM_START, bytes, sizeof bytes), ==, sum);
}

/* s -> s: as many letters as the text says. */
static GVariant *
repeat (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 n = g_ascii_strtoull (g_variant_get_string (arguments, NULL), NULL, 10);

  return g_variant_new_take_string (g_strnfill ((gsize) n, 'x'));
}

/* A program may change its folder: large results stay with the file. */
static void
test_relative_path_stays (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *before = g_get_current_dir ();
  g_autofree char *path = NULL;
  g_autofree char *large = g_strnfill (100000, 'x');

  queue_test_close (test);
  g_assert_cmpint (chdir (test->folder), ==, 0);
  path = g_steal_pointer (&test->path);
  test->path = g_strdup ("queue.db");
  queue_test_make (test);
  queue_test_open (test);
  g_free (test->path);
  test->path = g_steal_pointer (&path);
  g_assert_cmpint (chdir (before), ==, 0);
  {
    g_autoptr (FerryTask) task = queue_test_submit (test, "echo", large, "large");

    task_test_wait_done (task);
  }
  queue_test_close (test);
  queue_test_restart (test);
  {
    g_autoptr (FerryTask) task = queue_test_get (test, "large");
    GVariant *result = ferry_test_get_variant (task, "result");

    g_assert_cmpuint (g_variant_get_size (result), >, 100000);
  }
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  descriptor_functions_register ();
  ferry_function_register ("repeat", "s", "s", repeat);
  g_test_add_func ("/value/sum-sees-each-bit", test_sum_sees_each_bit);
  g_test_add_func ("/value/time-of-reading-grows-with-the-number-of-names",
                   test_time_of_reading_grows_with_the_number_of_names);
  g_test_add_func ("/value/large-values-are-beside-the-database", test_large_values_are_beside_the_database);
  g_test_add_func ("/value/files-leave-with-their-row", test_files_leave_with_their_row);
  g_test_add_func ("/value/files-without-a-row-are-removed", test_files_without_a_row_are_removed);
  g_test_add_func ("/value/large-arguments-survive", test_large_arguments_survive);
  g_test_add_func ("/value/bytes-survive", test_bytes_survive);
  g_test_add_func ("/value/what-is-too-large-is-refused", test_what_is_too_large_is_refused);
  g_test_add_func ("/value/arguments-beyond-the-limit-of-the-router-are-refused",
                   test_arguments_beyond_the_limit_of_the_router_are_refused);
  g_test_add_func ("/value/damaged-result-is-none", test_damaged_result_is_none);
  g_test_add_func ("/value/damaged-arguments-are-an-error", test_damaged_arguments_are_an_error);
  g_test_add_func ("/value/relative-path-stays", test_relative_path_stays);
  return g_test_run ();
}
