/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool.c, task/ferry-executor.c, task/ferry-map.c
 *
 * What pools, executors, tasks and maps do when the system refuses them something. */

#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "faults/faults-test.h"
#include "task/descriptor-functions.h"

#define N_TASKS 4

/* What a task that was not done says. */
#define NOT_DONE FERRY_ERROR_SYSTEM, FERRY_ERROR_LAUNCH_FAILED, FERRY_ERROR_WORKER_LOST, FERRY_ERROR_REFUSED

static gboolean
has_no_pipes (gpointer data)
{
  return ferry_test_get_number (data, "n-pipes") == 0;
}

static void
check_task (FaultsTest *test, FerryTask *task, gint64 number)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;

  faults_test_wait_task (test, task);
  result = ferry_task_get_result (task, &error);
  if (faults_test_works (test, &error, NOT_DONE, -1))
    g_assert_cmpint (g_variant_get_int64 (result), ==, number);
}

static void
run_tasks (FaultsTest *test, FerryExecutor *executor)
{
  FerryTask *tasks[N_TASKS] = {NULL};
  g_autoptr (GError) error = NULL;

  for (gint64 i = 0; i < N_TASKS; i++)
    {
      tasks[i] = ferry_executor_submit (executor, "add", g_variant_new ("(xx)", i, i), &error);
      g_assert_true ((tasks[i] == NULL) == (error != NULL));
      faults_test_works (test, &error, NOT_DONE, -1);
    }
  for (gint64 i = 0; i < N_TASKS; i++)
    if (tasks[i] != NULL)
      {
        check_task (test, tasks[i], 2 * i);
        g_object_unref (tasks[i]);
      }
}

static void
run_map (FaultsTest *test, FerryExecutor *executor)
{
  g_autoptr (FerryMap) map = ferry_map_new (executor, "double", FERRY_MAP_ORDERED);
  gint64 numbers[N_TASKS];
  g_autoptr (GListModel) results = NULL;
  g_autoptr (GError) error = NULL;

  for (gint64 i = 0; i < N_TASKS; i++)
    numbers[i] = i;
  ferry_map_set_arguments (map, g_variant_new_fixed_array (G_VARIANT_TYPE_INT64, numbers, N_TASKS, sizeof *numbers));
  results = ferry_map_collect (map, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC, &error);
  if (!faults_test_works (test, &error, NOT_DONE, -1))
    return;
  g_assert_cmpuint (g_list_model_get_n_items (results), ==, N_TASKS);
  for (gint64 i = 0; i < N_TASKS; i++)
    {
      g_autoptr (FerryMapItem) item = g_list_model_get_item (results, (guint) i);

      g_assert_cmpint (g_variant_get_int64 (ferry_map_item_get_value (item)), ==, 2 * i);
    }
}

static void
play (FaultsTest *test, FerryPool *pool)
{
  FerryExecutor *executor = ferry_executor_new (pool);
  g_autoptr (GError) error = NULL;

  ferry_pool_set_max_workers (pool, 2);
  /* Where it is refused over and over, it is to give up soon. */
  g_object_set (pool, "restart-limit", 1, "restart-interval", (gint64) (600 * G_USEC_PER_SEC), NULL);
  ferry_pool_start (pool, &error);
  faults_test_works (test, &error, NOT_DONE, -1);
  run_tasks (test, executor);
  run_map (test, executor);
  /* A pool that was refused something once is as good as any. */
  run_tasks (test, executor);
  g_object_unref (executor);
  g_object_unref (pool);
  ferry_test_look_until (has_no_pipes, test->router);
}

/* Where nothing is refused, the text is given. */
static FerryTask *
new_task_with_text (FaultsTest *test, const char *function, gboolean as_bytes)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, function, g_variant_new_handle (0));
  g_autoptr (GBytes) bytes = g_bytes_new_static ("text", 4);
  g_autoptr (GError) error = NULL;
  gint handle;

  if (as_bytes)
    handle = ferry_task_add_bytes (task, bytes, &error);
  else
    handle = ferry_task_add_descriptor (task, STDIN_FILENO, &error);
  g_assert_true ((handle == 0) == (error == NULL));
  if (!faults_test_works (test, &error, FERRY_ERROR_SYSTEM, -1))
    g_clear_object (&task);
  return task;
}

static void
run_task_with_text (FaultsTest *test, FerryExecutor *executor, const char *function, gboolean as_bytes)
{
  g_autoptr (FerryTask) task = new_task_with_text (test, function, as_bytes);
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  if (task == NULL)
    return;
  if (ferry_executor_submit_task (executor, task, &error))
    {
      faults_test_wait_task (test, task);
      result = ferry_task_get_result (task, &error);
    }
  if (faults_test_works (test, &error, NOT_DONE, -1) && as_bytes)
    g_assert_cmpstr (g_variant_get_string (result, NULL), ==, "text");
}

static void
play_descriptors (FaultsTest *test, FerryPool *pool)
{
  FerryExecutor *executor = ferry_executor_new (pool);

  ferry_pool_set_max_workers (pool, 1);
  for (guint i = 0; i < 2; i++)
    {
      run_task_with_text (test, executor, "read-bytes", TRUE);
      run_task_with_text (test, executor, "is-open", FALSE);
    }
  g_object_unref (executor);
  g_object_unref (pool);
  ferry_test_look_until (has_no_pipes, test->router);
}

static void
play_pool (FaultsTest *test)
{
  play (test, faults_test_make_pool (test));
}

static void
play_pool_without_fork_server (FaultsTest *test)
{
  FerryPool *pool = faults_test_make_pool (test);

  g_object_set (pool, "use-fork-server", FALSE, NULL);
  play (test, pool);
}

static void
play_descriptors_of_processes (FaultsTest *test)
{
  play_descriptors (test, faults_test_make_pool (test));
}

static void
play_descriptors_of_threads (FaultsTest *test)
{
  play_descriptors (test, ferry_pool_new_for_threads (test->router));
}

static GVariant *
add (FerryJob *job, GVariant *arguments, GError **error)
{
  gint64 a, b;

  /* Starts a thread where it can. */
  g_assert_true (G_IS_CANCELLABLE (ferry_job_get_cancellable (job)));
  g_variant_get (arguments, "(xx)", &a, &b);
  return g_variant_new_int64 (a + b);
}

static GVariant *
double_it (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int64 (2 * g_variant_get_int64 (arguments));
}

static void
play_pool_of_threads (FaultsTest *test)
{
  play (test, ferry_pool_new_for_threads (test->router));
}

int
main (int argc, char **argv)
{
  static const Fault faults[] = {
    {FAULT_MEMFD_CREATE, EMFILE}, {FAULT_MMAP, ENOMEM},    {FAULT_EVENTFD, EMFILE}, {FAULT_SOCKETPAIR, EMFILE},
    {FAULT_SENDMSG, ENOBUFS},     {FAULT_SENDMSG, EAGAIN}, {FAULT_RECVMSG, ENOMEM}, {FAULT_RECVMSG, EAGAIN},
    {FAULT_EPOLL_CTL, ENOSPC},    {FAULT_CLONE, EAGAIN},   {FAULT_DUP, EMFILE},
  };
  static const Fault of_threads[] = {
    {FAULT_MEMFD_CREATE, EMFILE}, {FAULT_MMAP, ENOMEM}, {FAULT_EVENTFD, EMFILE},
    {FAULT_EPOLL_CTL, ENOSPC},    {FAULT_DUP, EMFILE},  {FAULT_THREAD, EAGAIN},
  };
  static const Fault within[] = {
    {FAULT_MMAP, ENOMEM},       {FAULT_SOCKETPAIR, EMFILE}, {FAULT_CLONE, EAGAIN},
    {FAULT_PIDFD_OPEN, EMFILE}, {FAULT_SENDMSG, ENOBUFS},   {FAULT_SENDMSG, EAGAIN},
    {FAULT_RECVMSG, ENOMEM},    {FAULT_RECVMSG, EAGAIN},    {FAULT_DUP, EMFILE},
  };

  ferry_function_register ("add", "(xx)", "x", add);
  ferry_function_register ("double", "x", "x", double_it);
  descriptor_functions_register ();
  faults_test_init (&argc, &argv);
  faults_test_add ("pool", play_pool, faults, G_N_ELEMENTS (faults));
  faults_test_add ("pool-without-fork-server", play_pool_without_fork_server, faults, G_N_ELEMENTS (faults));
  faults_test_add ("pool-of-threads", play_pool_of_threads, of_threads, G_N_ELEMENTS (of_threads));
  faults_test_add ("descriptors", play_descriptors_of_processes, faults, G_N_ELEMENTS (faults));
  faults_test_add ("descriptors-of-threads", play_descriptors_of_threads, of_threads, G_N_ELEMENTS (of_threads));
  faults_test_add_within ("descriptors", play_descriptors_of_processes, within, G_N_ELEMENTS (within));
  faults_test_add_limit ("descriptors", play_descriptors_of_processes);
  faults_test_add_within ("pool", play_pool, within, G_N_ELEMENTS (within));
  faults_test_add_limit ("pool", play_pool);
  faults_test_add_limit ("pool-without-fork-server", play_pool_without_fork_server);
  return g_test_run ();
}
