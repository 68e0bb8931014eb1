/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool-worker.c
 *
 * What a failed task knows of its worker's output. */

#include "config.h"

#include "task/task-test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

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

/* line: (nullable): the only one. */
static void
assert_line (FerryTask *task, const char *line)
{
  g_auto (GStrv) lines = get_lines (task);

  g_assert_cmpuint (lines != NULL ? g_strv_length (lines) : 0, ==, line != NULL ? 1 : 0);
  if (line != NULL)
    g_assert_cmpstr (lines[0], ==, line);
}

static FerryTask *
submit (TaskTest *test, const char *function, const char *words)
{
  return task_test_submit (test->executor, function, g_variant_new_string (words));
}

static FerryTask *
submit_failure (TaskTest *test, const char *words)
{
  FerryTask *task = submit (test, "print-and-fail", words);

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

/* One that fails and prints nothing is behind one that fails, and behind one that succeeds and prints in its last
 * moment. The worker goes from one to the next at once. */
static void
test_lines_are_of_no_task_beside (void)
{
  static const char *const functions[] = {"print-and-fail", "print-and-fail", "work-and-print", "print-and-fail"};
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  const guint n = ferry_test_times (200, 5000);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *words = g_strdup_printf ("%u", i);

      g_ptr_array_add (tasks, submit (test, functions[i % 4], i % 2 == 0 ? words : ""));
    }
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *words = g_strdup_printf ("%u", i);

      ferry_test_run_until (is_done, tasks->pdata[i]);
      assert_line (tasks->pdata[i], i % 4 == 0 ? words : NULL);
    }
}

/* The application is stopped for longer than the second for which a worker waits for one that reads and reads. */
static void
test_lines_are_not_lost_while_the_application_is_stopped (void)
{
  g_autofree char *pid = g_strdup_printf ("%d", getpid ());
  gboolean is_set = g_setenv ("FERRY_TEST_APPLICATION", pid, TRUE);
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  const guint n = 300;

  g_assert_true (is_set);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (tasks,
                     submit (test, i == n / 2 ? "stop-application" : "print-and-fail", i % 2 == 0 ? "Hello" : ""));
  for (guint i = 0; i < n; i++)
    {
      ferry_test_run_until (is_done, tasks->pdata[i]);
      assert_line (tasks->pdata[i], i % 2 == 0 ? "Hello" : NULL);
    }
}

/* The main loop stands still meanwhile. */
static void
test_line_is_not_lost_behind_many_messages (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTask) warm = task_test_submit (test->executor, "nothing", NULL);
  g_autofree char *folder = g_dir_make_tmp ("ferry-output-XXXXXX", NULL);
  g_autofree char *name = g_build_filename (folder, "fifo", NULL);
  g_autoptr (FerryTask) task = NULL;
  int fifo;

  task_test_assert_result (warm, NULL);
  g_assert_no_errno (mkfifo (name, 0600));
  task = submit (test, "send-and-print", name);
  fifo = open (name, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (fifo, >=, 0);
  close (fifo);
  task_test_assert_failed (task, G_FILE_ERROR, G_FILE_ERROR_IO);
  assert_line (task, "That was much");
  g_assert_no_errno (unlink (name));
  g_assert_no_errno (rmdir (folder));
}

/* Not for ever, and once. */
static void
test_what_nobody_reads_is_not_waited_for (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ FALSE, 1);

  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (FerryTask) task = submit (test, "print-in-vain", "Hello?");

      task_test_assert_failed (task, G_FILE_ERROR, G_FILE_ERROR_IO);
      assert_line (task, NULL);
    }
}

static void
test_what_others_print_without_end_is_not_waited_for (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTask) first = submit (test, "let-others-print", "Hello?");

  task_test_assert_failed (first, G_FILE_ERROR, G_FILE_ERROR_IO);
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (FerryTask) task = submit (test, "print-and-fail", "Hello?");

      task_test_assert_failed (task, G_FILE_ERROR, G_FILE_ERROR_IO);
    }
}

static void
test_number_of_lines_is_limited (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (GString) words = g_string_new ("0");
  g_autoptr (FerryTask) failed = NULL;
  g_auto (GStrv) lines = NULL;

  for (guint i = 1; i < 100; i++)
    g_string_append_printf (words, "\n%u", i);
  failed = submit_failure (test, words->str);
  lines = get_lines (failed);
  g_assert_cmpuint (g_strv_length (lines), ==, 20);
  g_assert_cmpstr (lines[0], ==, "80");
  g_assert_cmpstr (lines[19], ==, "99");
}

static void
test_lost_task_has_what_its_worker_printed (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTask) before = submit (test, "work-and-print", "It is nice here");
  g_autoptr (FerryTask) task = submit (test, "complain", "It hurts");
  g_autoptr (FerryTask) after = submit (test, "print-and-fail", "It is nice again");

  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  task_test_assert_failed (after, G_FILE_ERROR, G_FILE_ERROR_IO);
  assert_line (before, NULL);
  assert_line (task, "It hurts");
  assert_line (after, "It is nice again");
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/task-output/failed-task-has-what-it-printed", test_failed_task_has_what_it_printed);
  g_test_add_func ("/task-output/lines-of-the-next-task-are-not-its-own", test_lines_of_the_next_task_are_not_its_own);
  g_test_add_func ("/task-output/lines-are-of-no-task-beside", test_lines_are_of_no_task_beside);
  g_test_add_func ("/task-output/lines-are-not-lost-while-the-application-is-stopped",
                   test_lines_are_not_lost_while_the_application_is_stopped);
  g_test_add_func ("/task-output/line-is-not-lost-behind-many-messages", test_line_is_not_lost_behind_many_messages);
  g_test_add_func ("/task-output/what-nobody-reads-is-not-waited-for", test_what_nobody_reads_is_not_waited_for);
  g_test_add_func ("/task-output/what-others-print-without-end-is-not-waited-for",
                   test_what_others_print_without_end_is_not_waited_for);
  g_test_add_func ("/task-output/number-of-lines-is-limited", test_number_of_lines_is_limited);
  g_test_add_func ("/task-output/lost-task-has-what-its-worker-printed", test_lost_task_has_what_its_worker_printed);
  return g_test_run ();
}
