/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool.c
 *
 * A pool with its workers in a sandbox: tasks, messages, cancelling and deaths are what they are without one. */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "task/task-test.h"

static TaskTest *
begin (guint max_workers)
{
  g_autoptr (FerrySandbox) sandbox = ferry_sandbox_new ();

  g_object_set (sandbox, "policy", FERRY_SANDBOX_POLICY_PREFERRED, NULL);
  return task_test_new_in_sandbox (sandbox, max_workers);
}

static void
test_tasks_have_results (void)
{
  g_autoptr (TaskTest) test = begin (2);
  g_autoptr (FerryTask) numbers = task_test_submit (test->executor, "add", g_variant_new ("(xx)", 40, 2));
  g_autoptr (FerryTask) large = task_test_submit (test->executor, "bytes", g_variant_new_uint64 (1000000));
  g_autoptr (GVariant) result = NULL;
  g_autoptr (FerryTask) many = task_test_submit (test->executor, "report", g_variant_new_uint64 (1000));

  task_test_assert_result (numbers, "42");
  task_test_wait_done (large);
  result = ferry_task_get_result (large, NULL);
  g_assert_cmpuint (g_variant_get_size (result), ==, 1000000);
  task_test_wait_done (many);
  g_assert_cmpint (ferry_task_get_state (many), ==, FERRY_TASK_STATE_COMPLETED);
}

/* What started the process, without those that made its namespaces. */
static GPid
get_starter (GPid pid)
{
  for (;;)
    {
      g_autofree char *path = NULL;
      g_autofree char *name = NULL;

      pid = task_test_get_parent (pid);
      path = g_strdup_printf ("/proc/%d/comm", (int) pid);
      if (!g_file_get_contents (path, &name, NULL, NULL) || !g_str_has_prefix (name, "bwrap"))
        return pid;
    }
}

static void
test_workers_are_executed (void)
{
  g_autoptr (TaskTest) test = begin (1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  g_autoptr (FerryWorker) worker = NULL;

  g_object_set (test->pool, "use-fork-server", TRUE, NULL);
  task_test_wait_begun (task);
  worker = g_list_model_get_item (ferry_pool_get_workers (test->pool), 0);
  g_assert_cmpint (get_starter (ferry_test_get_process (worker)), ==, getpid ());
  g_assert_cmpuint (ferry_test_get_number (worker, "sandbox-strength"), ==, ferry_sandbox_get_strength ());
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
}

static gboolean
is_stopped (gpointer task)
{
  return ferry_test_is_stopped (ferry_test_get_process (task));
}

static gboolean
goes_on (gpointer task)
{
  return !is_stopped (task);
}

static void
test_a_function_that_does_not_look_is_stopped (void)
{
  g_autoptr (TaskTest) test = begin (1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "spin-for-ever", NULL);

  g_object_set (task, "stoppable", TRUE, NULL);
  ferry_task_set_cancel_grace (task, G_USEC_PER_SEC / 5);
  task_test_submit_task (test->executor, task);
  task_test_wait_begun (task);
  ferry_task_pause (task);
  ferry_test_look_until (is_stopped, task);
  ferry_task_resume (task);
  ferry_test_look_until (goes_on, task);
  ferry_task_pause (task);
  ferry_test_look_until (is_stopped, task);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
}

static void
test_tasks_are_cancelled (void)
{
  g_autoptr (TaskTest) test = begin (2);
  g_autoptr (FerryTask) asleep = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) busy = task_test_submit (test->executor, "report-until-cancelled", NULL);

  task_test_wait_begun (asleep);
  task_test_wait_begun (busy);
  ferry_task_cancel (asleep);
  ferry_task_cancel (busy);
  task_test_assert_cancelled (asleep);
  task_test_assert_cancelled (busy);
}

static void
test_tasks_that_do_not_listen_are_ended (void)
{
  g_autoptr (TaskTest) test = begin (1);
  g_autoptr (FerryTask) deaf = ferry_task_new (FERRY_TASK_KIND_CALL, "spin-for-ever", NULL);
  g_autoptr (FerryTask) next = NULL;

  ferry_task_set_cancel_grace (deaf, 100 * G_TIME_SPAN_MILLISECOND);
  task_test_submit_task (test->executor, deaf);
  task_test_wait_begun (deaf);
  ferry_task_cancel (deaf);
  task_test_assert_cancelled (deaf);
  next = task_test_submit (test->executor, "double", g_variant_new_int64 (4));
  task_test_assert_result (next, "8");
}

static void
test_a_crash_fails_its_own_task (void)
{
  g_autoptr (TaskTest) test = begin (1);
  g_autoptr (FerryTask) crash = task_test_submit (test->executor, "crash", g_variant_new_int32 (SIGSEGV));
  g_autoptr (FerryTask) next = task_test_submit (test->executor, "double", g_variant_new_int64 (4));
  const GError *error = task_test_assert_failed (crash, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);

  g_assert_nonnull (strstr (error->message, "signal 11"));
  task_test_assert_result (next, "8");
}

/* The sandbox lets the worker open no file of the user's; what it is given it may use. */
static void
test_tasks_are_given_files_and_bytes (void)
{
  g_autoptr (TaskTest) test = begin (1);
  g_autofree char *path = task_test_make_path ("picture");
  g_autoptr (FerryTask) by_name = NULL;
  g_autoptr (FerryTask) file = ferry_task_new (FERRY_TASK_KIND_CALL, "read-handle", g_variant_new_handle (0));
  g_autoptr (FerryTask) bytes = ferry_task_new (FERRY_TASK_KIND_CALL, "read-bytes", g_variant_new_handle (0));
  g_autoptr (GBytes) some = g_bytes_new_static ("some bytes", 10);
  ferry_test_autofd fd = -1;

  g_assert_true (g_file_set_contents (path, "a picture", -1, NULL));
  fd = open (path, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (ferry_task_add_descriptor (file, fd, NULL), ==, 0);
  g_assert_cmpint (ferry_task_add_bytes (bytes, some, NULL), ==, 0);
  by_name = task_test_submit (test->executor, "open-path", g_variant_new_string (path));
  task_test_submit_task (test->executor, file);
  task_test_submit_task (test->executor, bytes);
  task_test_assert_failed (by_name, G_FILE_ERROR, G_FILE_ERROR_ACCES);
  task_test_assert_result (file, "'a picture'");
  task_test_assert_result (bytes, "'some bytes'");
  g_unlink (path);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER TRUE
#else
#define HAS_SANITIZER FALSE
#endif

/* The worker maps more memory than it had when it entered the sandbox, also where its memory has a limit. */
static void
test_tasks_are_given_senders (gconstpointer limit)
{
  g_autoptr (FerrySandbox) sandbox = ferry_sandbox_new ();
  g_autoptr (TaskTest) test = NULL;
  g_autoptr (FerryTestPipe) pipe = NULL;
  g_autoptr (FerryTask) task =
    ferry_task_new (FERRY_TASK_KIND_CALL, "send-numbers", g_variant_new ("(ht)", 0, 1000ull));

  if (limit != NULL && HAS_SANITIZER)
    {
      g_test_skip ("a sanitizer has its own idea of memory");
      return;
    }
  g_object_set (sandbox, "policy", FERRY_SANDBOX_POLICY_PREFERRED, NULL);
  if (limit != NULL)
    g_object_set (sandbox, "memory-limit", G_GUINT64_CONSTANT (256) << 20, NULL);
  test = task_test_new_in_sandbox (sandbox, 1);
  pipe = ferry_test_pipe_new (test->router);
  g_assert_cmpint (ferry_task_add_sender (task, pipe->sender, NULL), ==, 0);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, NULL);
  ferry_test_pipe_wait_closed (pipe);
  g_assert_true (pipe->in_order);
  g_assert_cmpuint (pipe->n_messages, ==, 1000);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);

  g_test_add_func ("/pool-sandbox/tasks-have-results", test_tasks_have_results);
  g_test_add_func ("/pool-sandbox/workers-are-executed", test_workers_are_executed);
  g_test_add_func ("/pool-sandbox/function-that-does-not-look-is-stopped",
                   test_a_function_that_does_not_look_is_stopped);
  g_test_add_func ("/pool-sandbox/tasks-are-cancelled", test_tasks_are_cancelled);
  g_test_add_func ("/pool-sandbox/tasks-that-do-not-listen-are-ended", test_tasks_that_do_not_listen_are_ended);
  g_test_add_func ("/pool-sandbox/a-crash-fails-its-own-task", test_a_crash_fails_its_own_task);
  g_test_add_func ("/pool-sandbox/tasks-are-given-files-and-bytes", test_tasks_are_given_files_and_bytes);
  g_test_add_data_func ("/pool-sandbox/tasks-are-given-senders", NULL, test_tasks_are_given_senders);
  g_test_add_data_func ("/pool-sandbox/tasks-with-little-memory-are-given-senders", "", test_tasks_are_given_senders);
  return g_test_run ();
}
