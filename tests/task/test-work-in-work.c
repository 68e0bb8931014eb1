/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: job/ferry-worker-main.c, job/ferry-serve.c
 *
 * Functions of a pool's workers that submit tasks, and ask the application, while their own task runs: nobody waits for
 * ever. The program is its own worker. */

#include "config.h"

#include "task/task-test.h"

#include <sys/socket.h>
#include <unistd.h>

#define N_ROUNDS 20

/* The executor of the test, for functions on threads and for the handler that a worker asks. */
static FerryExecutor *shared_executor;

/* ---- the functions ---- */

/* Submits tasks to workers of its own, and waits for them. */
static GVariant *
submit_elsewhere (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_program ("/proc/self/exe", error);
  gint64 sum = 0;

  for (guint i = 0; executor != NULL && i < 3; i++)
    {
      g_autoptr (FerryTask) task = ferry_executor_submit (executor, "twice", g_variant_new_int64 (i), error);
      g_autoptr (GVariant) result = task != NULL ? ferry_task_wait (task, -1, error) : NULL;

      if (result == NULL)
        return NULL;
      sum += g_variant_get_int64 (result);
    }
  return executor != NULL ? g_variant_new_int64 (sum) : NULL;
}

/* On a thread of the pool that the task goes to. */
static GVariant *
submit_here (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerryTask) task = ferry_executor_submit (shared_executor, "twice", arguments, error);

  return task != NULL ? ferry_task_wait (task, -1, error) : NULL;
}

/* Asks over the descriptor that came with the task. */
static GVariant *
ask (FerryJob *job, GVariant *arguments, GError **error)
{
  int fd = ferry_job_dup_descriptor (job, 0, error);
  g_autoptr (FerryTransport) transport = fd >= 0 ? ferry_transport_new_for_descriptors (fd, fd, error) : NULL;
  g_autoptr (FerryMux) mux = transport != NULL ? ferry_mux_new (transport) : NULL;

  return mux != NULL ? ferry_mux_transact (mux, "question", arguments, -1, NULL, error) : NULL;
}

static GVariant *
twice (FerryJob *job, GVariant *arguments, GError **error)
{
  return g_variant_new_int64 (2 * g_variant_get_int64 (arguments));
}

/* ---- the application ---- */

static void
answer (FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (
    invocation, g_variant_new_int64 (3 * g_variant_get_int64 (ferry_invocation_get_arguments (invocation))));
}

/* Has another worker find the answer. */
static void
answer_by_a_task (FerryInvocation *invocation, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task =
    ferry_executor_submit (shared_executor, "twice", ferry_invocation_get_arguments (invocation), &error);
  g_autoptr (GVariant) result = task != NULL ? ferry_task_wait (task, -1, &error) : NULL;

  g_assert_no_error (error);
  ferry_invocation_return_value (invocation, result);
}

static FerryExecutor *
make_executor (TaskTest *test, gboolean in_threads, guint n_workers)
{
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const[]){"/proc/self/exe", NULL});
  g_autoptr (FerryPool) pool =
    in_threads ? ferry_pool_new_for_threads (test->router) : ferry_pool_new (test->router, launcher);

  g_object_set (pool, "max-workers", n_workers, NULL);
  return ferry_executor_new (pool);
}

static void
assert_result (FerryTask *task, gint64 expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_wait (task, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC, &error);

  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (result), ==, expected);
}

static void
function_submits_to_workers_of_its_own (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryExecutor) executor = make_executor (test, FALSE, 1);
  g_autoptr (FerryTask) first = task_test_submit (executor, "submit-elsewhere", NULL);
  g_autoptr (FerryTask) second = task_test_submit (executor, "submit-elsewhere", NULL);

  assert_result (first, 6);
  assert_result (second, 6);
}

static void
function_on_a_thread_submits_to_its_own_pool (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryExecutor) executor = make_executor (test, TRUE, 2);

  shared_executor = executor;
  for (gint64 i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (FerryTask) task = task_test_submit (executor, "submit-here", g_variant_new_int64 (i));

      assert_result (task, 2 * i);
    }
}

static void
ask_and_assert (FerryExecutor *executor, FerryDemuxHandler handler, gint64 number, gint64 expected)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "ask", g_variant_new_int64 (number));
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryDemux) demux = NULL;
  g_autoptr (GError) error = NULL;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  g_assert_cmpint (ferry_task_add_descriptor (task, fds[1], &error), ==, 0);
  close (fds[1]);
  transport = ferry_transport_new_for_descriptors (fds[0], fds[0], &error);
  g_assert_no_error (error);
  demux = ferry_demux_new (transport);
  ferry_demux_add_handler (demux, "question", handler, NULL, NULL);
  g_assert_true (ferry_demux_start (demux, &error));
  task_test_submit_task (executor, task);
  assert_result (task, expected);
  ferry_demux_stop (demux);
  ferry_transport_close (transport);
}

static void
function_asks_the_application (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryExecutor) executor = make_executor (test, in_threads != NULL, 1);

  for (gint64 i = 0; i < N_ROUNDS; i++)
    ask_and_assert (executor, answer, i, 3 * i);
}

static void
function_asks_for_what_another_worker_finds (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryExecutor) executor = make_executor (test, in_threads != NULL, 2);

  shared_executor = executor;
  for (gint64 i = 0; i < N_ROUNDS; i++)
    ask_and_assert (executor, answer_by_a_task, i, 2 * i);
}

/* This program calls ferry_worker_main(): what it registers is served, and nothing else. */
static void
what_is_not_registered_is_refused (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryExecutor) executor = make_executor (test, FALSE, 1);
  g_autoptr (FerryTask) known = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_executor_submit (executor, "no-such-function", NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
  ferry_test_assert_says (error->message, "'no-such-function'");
  known = task_test_submit (executor, "twice", g_variant_new_int64 (4));
  assert_result (known, 8);
}

int
main (int argc, char **argv)
{
  task_test_register ();
  ferry_function_register ("submit-elsewhere", NULL, "x", submit_elsewhere);
  ferry_function_register ("submit-here", "x", "x", submit_here);
  ferry_function_register ("ask", "x", "x", ask);
  ferry_function_register ("twice", "x", "x", twice);
  ferry_worker_main (&argc, &argv);
  task_test_init (&argc, &argv);
  g_test_add_func ("/work-in-work/what-is-not-registered-is-refused", what_is_not_registered_is_refused);
  g_test_add_func ("/work-in-work/function-submits-to-workers-of-its-own", function_submits_to_workers_of_its_own);
  g_test_add_func ("/work-in-work/function-on-a-thread-submits-to-its-own-pool",
                   function_on_a_thread_submits_to_its_own_pool);
  g_test_add_data_func ("/work-in-work/function-asks-the-application", NULL, function_asks_the_application);
  g_test_add_data_func ("/work-in-work/function-on-a-thread-asks-the-application", GINT_TO_POINTER (TRUE),
                        function_asks_the_application);
  g_test_add_data_func ("/work-in-work/function-asks-for-what-another-worker-finds", NULL,
                        function_asks_for_what_another_worker_finds);
  g_test_add_data_func ("/work-in-work/function-on-a-thread-asks-for-what-another-worker-finds", GINT_TO_POINTER (TRUE),
                        function_asks_for_what_another_worker_finds);
  return g_test_run ();
}
