/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue.c, queue/ferry-queue-row.c
 *
 * What somebody answers to a program that asks, such as a password, never reaches a queue's file. */

#include "config.h"

#include <ferry-queue.h>
#include <glib/gstdio.h>
#include <string.h>

#include "command/command-test.h"
#include "ferry-test.h"

#define SECRET "geheimnis-4711"

static void
opened_cb (GObject *queue, GAsyncResult *result, gpointer data)
{
  g_assert_true (ferry_queue_open_finish (FERRY_QUEUE (queue), result, NULL));
  *(gboolean *) data = TRUE;
}

static void
flushed_cb (GObject *queue, GAsyncResult *result, gpointer data)
{
  g_assert_true (ferry_queue_flush_finish (FERRY_QUEUE (queue), result, NULL));
  *(gboolean *) data = TRUE;
}

static void
closed_cb (GObject *queue, GAsyncResult *result, gpointer data)
{
  g_assert_true (ferry_queue_close_finish (FERRY_QUEUE (queue), result, NULL));
  *(gboolean *) data = TRUE;
}

static void
asks_cb (FerryTask *task, const char *question, guint *n_answers)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_task_answer (task, SECRET "\n", strlen (SECRET "\n"), &error));
  g_assert_no_error (error);
  (*n_answers)++;
}

/* In how many of the files below a folder the words are. */
static guint
count_files_with (const char *folder, const char *words)
{
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  guint n = 0;

  g_assert_nonnull (entries);
  for (const char *name = g_dir_read_name (entries); name != NULL; name = g_dir_read_name (entries))
    {
      g_autofree char *path = g_build_filename (folder, name, NULL), *content = NULL;
      gsize size;

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        n += count_files_with (path, words);
      else if (g_file_get_contents (path, &content, &size, NULL))
        n += memmem (content, size, words, strlen (words)) != NULL;
    }
  return n;
}

static gboolean
has_answered (gpointer n_answers)
{
  return *(guint *) n_answers > 0;
}

static void
test_answer_never_reaches_the_file (void)
{
  const char *const script[] = {
    "sh", "-c", "printf 'Password: '; read -r x; while [ ! -e go ]; do sleep 0.05; done; echo done", NULL};
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *folder = command_test_path (test, "queue"), *path = g_build_filename (folder, "queue.db", NULL);
  g_autofree char *go = command_test_path (test, "go");
  g_autoptr (FerryCommand) command = ferry_command_new (script);
  g_autoptr (FerryQueue) queue = ferry_queue_new (test->executor, path);
  g_autoptr (FerryTask) task = NULL, submitted = NULL;
  gboolean is_open = FALSE, is_flushed = FALSE, is_closed = FALSE;
  guint n_answers = 0;

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  ferry_queue_open_async (queue, NULL, opened_cb, &is_open);
  ferry_test_wait_flag (&is_open);
  g_object_set (command, "interactive", TRUE, "polite", FALSE, "terminal", FALSE, "directory", test->folder, NULL);
  task = ferry_task_new_for_command (command, NULL);
  g_signal_connect (task, "asks", G_CALLBACK (asks_cb), &n_answers);
  submitted = ferry_queue_submit (queue, task, "asks", NULL);
  g_assert_true (submitted == task);
  ferry_test_look_until (has_answered, &n_answers);
  /* It runs, and has its answer; the task is stored, and in the file's log. */
  ferry_queue_flush_async (queue, NULL, flushed_cb, &is_flushed);
  ferry_test_wait_flag (&is_flushed);
  g_assert_cmpuint (count_files_with (folder, "Password: "), >, 0);
  g_assert_cmpuint (count_files_with (folder, SECRET), ==, 0);
  g_assert_true (g_file_set_contents (go, "go", -1, NULL));
  command_test_wait (task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
  g_assert_cmpuint (count_files_with (folder, SECRET), ==, 0);
  ferry_queue_close_async (queue, NULL, closed_cb, &is_closed);
  ferry_test_wait_flag (&is_closed);
  g_assert_cmpuint (count_files_with (folder, "Password: "), >, 0);
  g_assert_cmpuint (count_files_with (folder, SECRET), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/answers/never-reach-the-file", test_answer_never_reaches_the_file);
  return g_test_run ();
}
