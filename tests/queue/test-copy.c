/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue-copy.c, queue/ferry-queue-store.c
 *
 * Back-ups of a queue that goes on, and the rest that its file has. */

#include "config.h"

#include <sys/stat.h>
#include <unistd.h>

#include "queue/queue-test.h"

/* In bytes: a result that is in a file, and arguments that are not. */
#define LARGE (128 * 1024)
#define MEDIUM (32 * 1024)

typedef struct
{
  gboolean done;
  GError *error; /* (owned) (nullable) */
} Answer;

static void
backed_up (GObject *queue, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  g_assert_true (ferry_queue_back_up_finish (FERRY_QUEUE (queue), result, &answer->error) == (answer->error == NULL));
  answer->done = TRUE;
}

static void
closed (GObject *queue, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  ferry_queue_close_finish (FERRY_QUEUE (queue), result, &answer->error);
  answer->done = TRUE;
}

static char *
name_copy (QueueTest *test)
{
  return g_build_filename (test->folder, "copies", "copy.db", NULL);
}

/* Returns (transfer full) (nullable) the error. */
static GError *
back_up (QueueTest *test, const char *path, GCancellable *cancellable)
{
  Answer answer = {0};

  ferry_queue_back_up_async (test->queue, path, cancellable, backed_up, &answer);
  ferry_test_wait_flag (&answer.done);
  return answer.error;
}

static gboolean
is_there (const char *path)
{
  struct stat about;

  return lstat (path, &about) == 0;
}

static void
assert_nothing_is_at (const char *path)
{
  g_autofree char *values = g_strconcat (path, ".values", NULL);

  g_assert_false (is_there (path));
  g_assert_false (is_there (values));
}

/* ---- a queue ---- */

static void
assert_has_result (FerryQueue *queue, const char *key, const char *expected)
{
  g_autoptr (FerryTask) task = ferry_queue_lookup (queue, key);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (result, NULL), ==, expected);
}

static void
test_back_up_is_a_queue (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *path = name_copy (test);
  g_autofree char *large = g_strnfill (LARGE, 'x');
  g_autoptr (GError) error = NULL;
  struct stat about;

  {
    g_autoptr (FerryTask) small = queue_test_submit (test, "echo", "small", "small");
    g_autoptr (FerryTask) other = queue_test_submit (test, "echo", large, "large");
    g_autoptr (FerryTask) waits = NULL;

    task_test_wait_done (small);
    task_test_wait_done (other);
    g_object_set (test->queue, "paused", TRUE, NULL);
    /* What was not flushed is in it. */
    waits = queue_test_submit (test, "echo", "waits", "waits");
    error = back_up (test, path, NULL);
    g_assert_no_error (error);
  }
  queue_test_close (test);
  g_assert_cmpint (stat (path, &about), ==, 0);
  g_assert_cmpuint (about.st_mode & 0777, ==, 0600);
  /* Nothing of it is needed. */
  g_assert_true (unlink (test->path) == 0);
  g_free (test->path);
  test->path = g_strdup (path);
  queue_test_make (test);
  queue_test_open (test);
  g_assert_null (ferry_test_get_error (test->queue, "damage"));
  {
    g_autofree char *keys = queue_test_list (test);
    g_autoptr (FerryTask) waits = queue_test_get (test, "waits");

    g_assert_cmpstr (keys, ==, "small large waits");
    task_test_wait_done (waits);
  }
  assert_has_result (test->queue, "small", "small");
  assert_has_result (test->queue, "large", large);
  queue_test_close (test);
}

/* It ends while others are written, and is whole. */
static void
test_back_up_overtakes_submissions (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *path = name_copy (test);
  g_autofree char *text = g_strnfill (MEDIUM, 'x');
  Answer answer = {0};
  g_autofree char *check = NULL;
  guint n = 0;

  g_object_set (test->queue, "paused", TRUE, NULL);
  for (guint i = 0; i < 300; i++)
    {
      g_autofree char *key = g_strdup_printf ("first %u", i);
      g_autoptr (FerryTask) task = queue_test_submit (test, "echo", text, key);
    }
  queue_test_flush (test);
  ferry_queue_back_up_async (test->queue, path, NULL, backed_up, &answer);
  /* Faster than pages are copied, at first. */
  while (!answer.done)
    {
      for (guint i = 0; i < 50 && n < 2000; i++)
        {
          g_autofree char *key = g_strdup_printf ("more %u", n++);
          g_autoptr (FerryTask) task = queue_test_submit (test, "echo", text, key);
        }
      g_main_context_iteration (NULL, TRUE);
    }
  g_assert_no_error (answer.error);
  queue_test_close (test);
  g_free (test->path);
  test->path = g_strdup (path);
  check = queue_test_ask (test, "PRAGMA integrity_check");
  g_assert_cmpstr (check, ==, "ok");
  queue_test_make (test);
  queue_test_open (test);
  g_assert_null (ferry_test_get_error (test->queue, "damage"));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->queue)), >=, 300);
  queue_test_close (test);
}

static void
test_back_up_replaces_nothing (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *path = name_copy (test);
  g_autofree char *values = g_strconcat (path, ".values", NULL);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) error_of_folder = NULL;

  g_assert_cmpint (mkdir (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, "a letter", -1, NULL));
  error = back_up (test, path, NULL);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  ferry_test_assert_says (error->message, path);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "a letter");
  g_assert_false (is_there (values));
  g_assert_true (unlink (path) == 0 && mkdir (values, 0700) == 0);
  error_of_folder = back_up (test, path, NULL);
  g_assert_error (error_of_folder, G_IO_ERROR, G_IO_ERROR_EXISTS);
  ferry_test_assert_says (error_of_folder->message, values);
  g_assert_true (!is_there (path) && is_there (values));
  queue_test_close (test);
}

static void
test_cancelled_back_up_leaves_nothing (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *path = name_copy (test);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  error = back_up (test, path, cancellable);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_nothing_is_at (path);
  g_clear_error (&error);
  error = back_up (test, path, NULL);
  g_assert_no_error (error);
  queue_test_close (test);
}

static void
test_second_back_up_is_refused (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *path = name_copy (test);
  g_autofree char *other = g_strconcat (path, "-other", NULL);
  Answer answer = {0};
  g_autoptr (GError) error = NULL;

  ferry_queue_back_up_async (test->queue, path, NULL, backed_up, &answer);
  error = back_up (test, other, NULL);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  ferry_test_wait_flag (&answer.done);
  g_assert_no_error (answer.error);
  assert_nothing_is_at (other);
  queue_test_close (test);
}

static void
test_close_waits_for_back_up (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);
  g_autofree char *path = name_copy (test);
  g_autofree char *large = g_strnfill (LARGE, 'x');
  g_autoptr (FerryTask) task = queue_test_submit (test, "echo", large, "large");
  Answer copy = {0}, answer = {0};

  task_test_wait_done (task);
  queue_test_flush (test);
  ferry_queue_back_up_async (test->queue, path, NULL, backed_up, &copy);
  g_main_context_iteration (NULL, FALSE);
  g_main_context_iteration (NULL, FALSE);
  ferry_queue_close_async (test->queue, NULL, closed, &answer);
  ferry_test_wait_flag (&answer.done);
  g_assert_no_error (answer.error);
  g_assert_true (copy.done);
  /* It was begun, or the close was first. */
  if (copy.error != NULL)
    g_assert_error (copy.error, FERRY_ERROR, FERRY_ERROR_STOPPED);
  else
    g_assert_true (is_there (path));
  g_clear_error (&copy.error);
  g_clear_object (&task);
  ferry_test_finalize (g_steal_pointer (&test->queue));
}

/* ---- rest ---- */

static gboolean
has_empty_log (gpointer path)
{
  g_autofree char *log = g_strconcat (path, "-wal", NULL);
  struct stat about;

  return stat (log, &about) == 0 && about.st_size == 0;
}

static void
test_log_is_empty_after_a_rest (void)
{
  g_autoptr (QueueTest) test = queue_test_new (1);

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *key = g_strdup_printf ("key %u", i);
      g_autoptr (FerryTask) task = queue_test_submit (test, "echo", "x", key);

      task_test_wait_done (task);
      g_assert_false (has_empty_log (test->path));
      ferry_test_look_until (has_empty_log, test->path);
    }
  g_assert_null (ferry_test_get_error (test->queue, "error"));
  queue_test_close (test);
  queue_test_make (test);
  queue_test_open (test);
  assert_has_result (test->queue, "key 1", "x");
  queue_test_close (test);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/copy/back-up-is-a-queue", test_back_up_is_a_queue);
  g_test_add_func ("/copy/back-up-overtakes-submissions", test_back_up_overtakes_submissions);
  g_test_add_func ("/copy/back-up-replaces-nothing", test_back_up_replaces_nothing);
  g_test_add_func ("/copy/cancelled-back-up-leaves-nothing", test_cancelled_back_up_leaves_nothing);
  g_test_add_func ("/copy/second-back-up-is-refused", test_second_back_up_is_refused);
  g_test_add_func ("/copy/close-waits-for-back-up", test_close_waits_for_back_up);
  g_test_add_func ("/copy/log-is-empty-after-a-rest", test_log_is_empty_after_a_rest);
  return g_test_run ();
}
