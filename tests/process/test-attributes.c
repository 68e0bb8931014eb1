/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-attributes.c
 *
 * Names, priorities and limits, for workers that are executed and for those that a fork server forks. */

#include "config.h"

#include <string.h>
#include <sys/resource.h>

#include "base/ferry-base-private.h"
#include "process/ferry-worker-private.h"
#include "process/fork-server-test.h"

/* Begins a test with forked workers, or with executed ones. */
static void
begin (ForkServerTest *test, gconstpointer forked)
{
  fork_server_test_begin (test);
  if (!GPOINTER_TO_INT (forked))
    ferry_launcher_set_fork_server (test->launcher, NULL);
}

static void
test_has_a_priority (gconstpointer forked)
{
  ForkServerTest test;

  begin (&test, forked);
  g_object_set (test.launcher, "nice", 7, NULL);
  fork_server_test_assert_told (&test, "nice", "7\n");
  fork_server_test_finish (&test);
}

static void
test_has_limits (gconstpointer forked)
{
  ForkServerTest test;
  g_autofree char *orders = g_strdup_printf ("limit:%d limit:%d limit:%d limit:%d limit:%d", RLIMIT_AS, RLIMIT_CPU,
                                             RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_FSIZE);

  begin (&test, forked);
  ferry_launcher_set_limit (test.launcher, FERRY_LIMIT_MEMORY, G_GUINT64_CONSTANT (40000000000000));
  ferry_launcher_set_limit (test.launcher, FERRY_LIMIT_CPU_TIME, 1000);
  ferry_launcher_set_limit (test.launcher, FERRY_LIMIT_OPEN_FILES, 100);
  ferry_launcher_set_limit (test.launcher, FERRY_LIMIT_CORE_SIZE, 0);
  ferry_launcher_set_limit (test.launcher, FERRY_LIMIT_FILE_SIZE, 12345678);
  fork_server_test_assert_told (&test, orders, "40000000000000\n1000\n100\n0\n12345678\n");
  fork_server_test_finish (&test);
}

/* A sanitizer takes more addresses than can be limited. */
static void
test_runs_out_of_memory (gconstpointer forked)
{
  ForkServerTest test;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  g_test_skip ("a sanitizer has its own idea of address space");
  return;
#endif
  begin (&test, forked);
  fork_server_test_assert_told (&test, "allocate:600000000", "yes\n");
  ferry_launcher_set_limit (test.launcher, FERRY_LIMIT_MEMORY, 512 * 1024 * 1024);
  fork_server_test_assert_told (&test, "allocate:600000000", "no\n");
  fork_server_test_finish (&test);
}

static void
test_runs_out_of_processor_time (gconstpointer forked)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;

  begin (&test, forked);
  ferry_launcher_set_limit (test.launcher, FERRY_LIMIT_CPU_TIME, 1);
  worker = fork_server_test_spawn (&test, "spin");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 24");
  fork_server_test_finish (&test);
}

/* Lowers a limit of this process, and of the fork server with it, and asks for more. */
static void
test_refuses_a_limit_above_ours (gconstpointer forked)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;
  struct rlimit limit;

  getrlimit (RLIMIT_FSIZE, &limit);
  limit.rlim_cur = limit.rlim_max = 1024 * 1024 * 1024;
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &limit));
  begin (&test, forked);
  ferry_launcher_set_limit (test.launcher, FERRY_LIMIT_FILE_SIZE, (guint64) limit.rlim_max + 1);
  worker = fork_server_test_spawn (&test, "pause");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "limits");
  fork_server_test_finish (&test);
}

static void
test_has_a_name (gconstpointer forked)
{
  ForkServerTest test;
  g_autoptr (FerryWorker) worker = NULL;
  g_autofree char *told = NULL;

  begin (&test, forked);
  g_object_set (test.launcher, "name", "thumbnails", NULL);
  worker = fork_server_test_spawn (&test, "exit:3");
  g_assert_cmpstr (ferry_worker_get_name (worker), ==, "thumbnails");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "'thumbnails'");
  told = fork_server_test_ask (&test, GPOINTER_TO_INT (forked) ? "name" : "variable:FERRY_WORKER_NAME");
  g_assert_cmpstr (told, ==, "thumbnails\n");
  g_object_set (test.launcher, "name", NULL, NULL);
  g_clear_object (&worker);
  worker = fork_server_test_spawn (&test, "exit:3");
  g_assert_cmpstr (ferry_worker_get_name (worker), ==, "parent-worker");
  ferry_test_wait_ended (worker);
  fork_server_test_finish (&test);
}

static void
add (const char *name, GTestDataFunc func)
{
  g_autofree char *executed = g_strconcat ("/attributes/executed-worker-", name, NULL);
  g_autofree char *forked = g_strconcat ("/attributes/forked-worker-", name, NULL);

  g_test_add_data_func (executed, GINT_TO_POINTER (FALSE), func);
  g_test_add_data_func (forked, GINT_TO_POINTER (TRUE), func);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add ("has-a-name", test_has_a_name);
  add ("has-a-priority", test_has_a_priority);
  add ("has-limits", test_has_limits);
  add ("runs-out-of-memory", test_runs_out_of_memory);
  add ("runs-out-of-processor-time", test_runs_out_of_processor_time);
  add ("is-refused-a-limit-above-ours", test_refuses_a_limit_above_ours);
  return g_test_run ();
}
