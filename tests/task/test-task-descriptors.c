/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks that are given descriptors and bytes. That the application has none open afterwards, every fixture looks. */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "task/descriptor-functions.h"
#include "task/task-test.h"

/* A file that has no name, with this text. */
static int
open_text (const char *text)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("ferry-XXXXXX", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_unlink (path);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  return fd;
}

/* Gives the task a file of that text. */
static gint
add_text (FerryTask *task, const char *text)
{
  g_autoptr (GError) error = NULL;
  int fd = open_text (text);
  gint handle = ferry_task_add_descriptor (task, fd, &error);

  g_assert_no_error (error);
  close (fd);
  return handle;
}

static FerryTask *
new_task (const char *function)
{
  return ferry_task_new (FERRY_TASK_KIND_CALL, function, g_variant_new_handle (0));
}

static void
test_a_function_reads_a_file (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = new_task ("read-handle");

  g_assert_cmpint (add_text (task, "a text"), ==, 0);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, "'a text'");
}

static void
test_a_function_reads_bytes (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = new_task ("read-bytes");
  g_autoptr (GBytes) bytes = g_bytes_new_static ("some bytes", 10);

  g_assert_cmpint (ferry_task_add_bytes (task, bytes, NULL), ==, 0);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, "'some bytes'");
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  descriptor_functions_register ();

  g_test_add_data_func ("/task-descriptors/a-function-reads-a-file", NULL, test_a_function_reads_a_file);
  g_test_add_data_func ("/task-descriptors/in-a-thread/a-function-reads-a-file", "", test_a_function_reads_a_file);
  g_test_add_data_func ("/task-descriptors/a-function-reads-bytes", NULL, test_a_function_reads_bytes);
  g_test_add_data_func ("/task-descriptors/in-a-thread/a-function-reads-bytes", "", test_a_function_reads_bytes);
  return g_test_run ();
}
