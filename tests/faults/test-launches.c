/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool.c, process/ferry-spawn.c
 *
 * What the system refuses a pool's worker once is tried again, and costs no task, unless the worker may have begun one.
 */

#include "config.h"

#include <errno.h>

#include "faults/faults-test.h"

#define N_TASKS 4

static gboolean
is_done (gpointer data)
{
  return ferry_task_get_done (data);
}

static gboolean
has_no_pipes (gpointer data)
{
  return ferry_test_get_number (data, "n-pipes") == 0;
}

static FerryPool *
make_pool (FaultsTest *test)
{
  g_autofree char *program = ferry_test_build_path ("serving-worker");
  const char *const argv[] = {program, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);

  return ferry_pool_new (test->router, launcher);
}

/* may_lose: what fails may do so when a worker has begun a task, which is lost with it. */
static void
play (FaultsTest *test, FerryPool *pool, gboolean may_lose)
{
  FerryExecutor *executor = ferry_executor_new (pool);
  FerryTask *tasks[N_TASKS];
  g_autoptr (GError) error = NULL;

  ferry_pool_set_max_workers (pool, 2);
  g_assert_true (ferry_pool_start (pool, &error));
  for (gint64 i = 0; i < N_TASKS; i++)
    tasks[i] = ferry_executor_submit (executor, "add", g_variant_new ("(xx)", i, i), NULL);
  for (gint64 i = 0; i < N_TASKS; i++)
    {
      g_autoptr (GVariant) result = NULL;

      ferry_test_run_until (is_done, tasks[i]);
      result = ferry_task_get_result (tasks[i], &error);
      if (may_lose && !test->expecting && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST))
        g_clear_error (&error);
      else
        {
          g_assert_no_error (error);
          g_assert_cmpint (g_variant_get_int64 (result), ==, 2 * i);
        }
      g_object_unref (tasks[i]);
    }
  g_object_unref (executor);
  g_object_unref (pool);
  ferry_test_look_until (has_no_pipes, test->router);
}

static void
play_processes (FaultsTest *test)
{
  FerryPool *pool = make_pool (test);

  g_object_set (pool, "use-fork-server", FALSE, NULL);
  play (test, pool, FALSE);
}

static void
play_processes_that_are_not_watched (FaultsTest *test)
{
  FerryPool *pool = make_pool (test);

  g_object_set (pool, "use-fork-server", FALSE, NULL);
  play (test, pool, TRUE);
}

static void
play_forked_processes (FaultsTest *test)
{
  play (test, make_pool (test), FALSE);
}

static void
play_forked_processes_that_are_not_watched (FaultsTest *test)
{
  play (test, make_pool (test), TRUE);
}

static void
play_threads (FaultsTest *test)
{
  play (test, ferry_pool_new_for_threads (test->router), FALSE);
}

static GVariant *
add (FerryJob *job, GVariant *arguments, GError **error)
{
  gint64 a, b;

  g_variant_get (arguments, "(xx)", &a, &b);
  return g_variant_new_int64 (a + b);
}

int
main (int argc, char **argv)
{
  static const Fault faults[] = {
    {FAULT_MEMFD_CREATE, EMFILE}, {FAULT_MMAP, ENOMEM},  {FAULT_EVENTFD, EMFILE},
    {FAULT_SOCKETPAIR, EMFILE},   {FAULT_CLONE, EAGAIN},
  };
  /* A process is watched when it runs, so that it may have begun a task by then. */
  static const Fault of_watches[] = {{FAULT_EPOLL_CTL, ENOSPC}};
  /* A thread with a link that cannot be watched may have begun a task by then, which is lost. */
  static const Fault of_threads[] = {
    {FAULT_MEMFD_CREATE, EMFILE}, {FAULT_MMAP, ENOMEM}, {FAULT_EVENTFD, EMFILE}, {FAULT_THREAD, EAGAIN}};

  ferry_function_register ("add", "(xx)", "x", add);
  faults_test_init (&argc, &argv);
  faults_test_add ("launch-of-processes", play_processes, faults, G_N_ELEMENTS (faults));
  faults_test_add ("launch-of-processes", play_processes_that_are_not_watched, of_watches, G_N_ELEMENTS (of_watches));
  faults_test_add ("launch-of-forked-processes", play_forked_processes, faults, G_N_ELEMENTS (faults));
  faults_test_add ("launch-of-forked-processes", play_forked_processes_that_are_not_watched, of_watches,
                   G_N_ELEMENTS (of_watches));
  faults_test_add ("launch-of-threads", play_threads, of_threads, G_N_ELEMENTS (of_threads));
  return g_test_run ();
}
