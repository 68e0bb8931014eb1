/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-task-output.c
 *
 * What a failed task knows of its worker's output. */

#include "config.h"

#include "task/task-test.h"

#include <signal.h>
#include <string.h>

static char **
get_lines (FerryTask *task)
{
  char **lines;

  g_object_get (task, "last-lines", &lines, NULL);
  return lines;
}

static gboolean
has_lines (gpointer task)
{
  g_auto (GStrv) lines = get_lines (task);

  return lines != NULL && *lines != NULL;
}

static FerryTask *
submit_failure (TaskTest *test, const char *words)
{
  FerryTask *task = task_test_submit (test->executor, "print-and-fail", g_variant_new_string (words));

  task_test_assert_failed (task, G_FILE_ERROR, G_FILE_ERROR_IO);
  return task;
}

static void
count_lines (FerryWorker *worker, FerryStream stream, const char *line, gpointer data)
{
  *(gboolean *) data = strcmp (line, "of the first task") == 0;
}

/* Those of a task that has succeeded before are not its own. */
static void
test_failed_task_has_what_it_printed (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTask) warm = task_test_submit (test->executor, "nothing", NULL);
  g_autoptr (FerryTask) words = NULL, between = NULL, failed = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean was_read = FALSE;

  task_test_assert_result (warm, NULL);
  g_assert_false (has_lines (warm));
  worker = g_list_model_get_item (ferry_pool_get_workers (test->pool), 0);
  g_signal_connect (worker, "output", G_CALLBACK (count_lines), &was_read);
  words = task_test_submit (test->executor, "print", g_variant_new ("(ss)", "", "of the first task"));
  task_test_assert_result (words, NULL);
  ferry_test_wait_flag (&was_read);
  between = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_result (between, NULL);
  failed = submit_failure (test, "The printer is out of paper");
  ferry_test_run_until (has_lines, failed);
  lines = get_lines (failed);
  g_assert_cmpuint (g_strv_length (lines), ==, 1);
  g_assert_cmpstr (lines[0], ==, "The printer is out of paper");
  g_assert_false (has_lines (words));
  g_signal_handlers_disconnect_by_data (worker, &was_read);
}

static gboolean
is_done (gpointer task)
{
  return ferry_task_get_done (task);
}

/* They may be what a document has that is none of its business. */
static void
test_lines_of_the_next_task_are_not_its_own (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTask) warm = task_test_submit (test->executor, "nothing", NULL);
  g_autoptr (FerryWorker) worker = NULL;

  task_test_assert_result (warm, NULL);
  worker = g_list_model_get_item (ferry_pool_get_workers (test->pool), 0);
  for (guint i = 0; i < ferry_test_times (50, 1000); i++)
    {
      g_autoptr (FerryTask) failed = NULL, words = NULL;
      gboolean was_read = FALSE;

      g_signal_connect (worker, "output", G_CALLBACK (count_lines), &was_read);
      failed = task_test_submit (test->executor, "fail", g_variant_new ("(sis)", "domain", 1, "It failed"));
      ferry_test_run_until (is_done, failed);
      words = task_test_submit (test->executor, "print", g_variant_new ("(ss)", "", "of the first task"));
      task_test_assert_result (words, NULL);
      ferry_test_wait_flag (&was_read);
      g_assert_false (has_lines (failed));
      g_signal_handlers_disconnect_by_data (worker, &was_read);
    }
}

static void
test_number_of_lines_is_limited (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (GString) words = g_string_new ("0");
  g_autoptr (FerryTask) failed = NULL, other = NULL;
  g_auto (GStrv) lines = NULL;

  for (guint i = 1; i < 100; i++)
    g_string_append_printf (words, "\n%u", i);
  failed = submit_failure (test, words->str);
  ferry_test_run_until (has_lines, failed);
  other = submit_failure (test, "Another one");
  ferry_test_run_until (has_lines, other);
  lines = get_lines (failed);
  g_assert_cmpuint (g_strv_length (lines), <=, 20);
}

static void
test_lost_task_has_what_its_worker_printed (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "complain", g_variant_new_string ("It hurts"));
  g_auto (GStrv) lines = NULL;

  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  lines = get_lines (task);
  g_assert_cmpstr (lines[0], ==, "It hurts");
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/task-output/failed-task-has-what-it-printed", test_failed_task_has_what_it_printed);
  g_test_add_func ("/task-output/lines-of-the-next-task-are-not-its-own", test_lines_of_the_next_task_are_not_its_own);
  g_test_add_func ("/task-output/number-of-lines-is-limited", test_number_of_lines_is_limited);
  g_test_add_func ("/task-output/lost-task-has-what-its-worker-printed", test_lost_task_has_what_its_worker_printed);
  return g_test_run ();
}
