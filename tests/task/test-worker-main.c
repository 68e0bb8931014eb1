/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: job/ferry-worker-main.c
 *
 * Processes that serve, executed and forked by a fork server. */

#include "config.h"

#include "task/serve-test.h"

#include <signal.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "job/ferry-function-private.h"
#include "process/ferry-launcher-private.h"
#include "process/worker-test.h"

/* What holds for a process however it was started. */
static void
test_serves (gconstpointer fork_server)
{
  g_autoptr (ServeTest) test = serve_test_new_process (NULL, GPOINTER_TO_INT (fork_server));
  g_autoptr (ServeTestCall) pid = serve_test_ask (test, "pid", NULL);

  serve_test_assert_call (test, "add", g_variant_new ("(xx)", (gint64) 2, (gint64) 3), "5");
  serve_test_assert_call (test, "nothing", NULL, NULL);
  serve_test_assert_call (test, "n-initialisers", NULL, "1");
  serve_test_wait (pid);
  g_assert_cmpint (g_variant_get_int32 (pid->result), ==, ferry_test_get_process (test->worker));
  serve_test_finish (test);
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_EXITED, "");
  g_assert_true (ferry_exit_is_success (ferry_test_get_object (test->worker, "exit")));
}

static void
test_reports_newest_progress (gconstpointer fork_server)
{
  g_autoptr (ServeTest) test = serve_test_new_process (NULL, GPOINTER_TO_INT (fork_server));
  const FerryProgress *last;

  serve_test_assert_call (test, "report-amounts", g_variant_new_uint64 (100000), NULL);
  serve_test_finish (test);
  g_assert_cmpuint (test->reports->len, >, 0);
  g_assert_cmpuint (test->reports->len, <=, 100001);
  last = &g_array_index (test->reports, FerryProgress, test->reports->len - 1);
  g_assert_cmpuint (last->amount, ==, 100000);
  g_assert_cmpfloat (last->fraction, ==, 1);
}

static void
test_is_cancelled (gconstpointer fork_server)
{
  g_autoptr (ServeTest) test = serve_test_new_process (NULL, GPOINTER_TO_INT (fork_server));
  const char *const functions[] = {"sleep-until-cancelled", "spin-until-cancelled", "report-until-cancelled"};

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      g_autoptr (ServeTestCall) call = serve_test_ask (test, functions[i], NULL);

      serve_test_cancel (call, FERRY_CANCEL_REASON_CANCELLED);
      serve_test_assert_failed (call, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
}

static void
test_exits_from_within (gconstpointer fork_server)
{
  g_autoptr (FerryLauncher) launcher = serve_test_launcher_new ();
  ferry_autofd output = worker_test_open_output (launcher, FERRY_STREAM_STDOUT);
  g_autoptr (ServeTest) test = serve_test_new_process (launcher, GPOINTER_TO_INT (fork_server));
  g_autoptr (ServeTestCall) call = serve_test_ask (test, "leave", g_variant_new_int32 (7));
  g_autofree char *text = NULL;

  serve_test_finish (test);
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_EXITED, "7");
  g_assert_false (call->done);
  text = worker_test_read_line (output);
  g_assert_cmpstr (text, ==, "good-bye");
}

static void
test_ignores_interrupts (gconstpointer fork_server)
{
  g_autoptr (ServeTest) test = serve_test_new_process (NULL, GPOINTER_TO_INT (fork_server));

  serve_test_assert_call (test, "nothing", NULL, NULL);
  ferry_worker_send_signal (test->worker, SIGINT);
  serve_test_assert_call (test, "nothing", NULL, NULL);
  serve_test_finish (test);
  g_assert_true (ferry_exit_is_success (ferry_test_get_object (test->worker, "exit")));
}

static void
test_error_counts_beside_a_value (void)
{
  g_autoptr (FerryLauncher) launcher = serve_test_launcher_new ();
  g_autoptr (ServeTest) test = NULL;
  g_autoptr (ServeTestCall) call = NULL;

  /* It warns, and warnings are deadly in tests. */
  ferry_launcher_setenv (launcher, "G_DEBUG", NULL);
  g_object_set (launcher, "stderr", FERRY_STREAM_MODE_SILENT, NULL);
  test = serve_test_new_process (launcher, FALSE);
  call = serve_test_ask (test, "fail-with-result", NULL);
  serve_test_assert_failed (call, G_FILE_ERROR, G_FILE_ERROR_NOENT);
  g_assert_nonnull (strstr (call->trace, "also returned a value"));
}

static void
test_errors_keep_their_domains (void)
{
  g_autoptr (ServeTest) test = serve_test_new_process (NULL, FALSE);
  g_autoptr (ServeTestCall) known =
    serve_test_ask (test, "fail-with-trace", g_variant_new ("(sis)", "g-io-error-quark", G_IO_ERROR_EXISTS, "There"));
  g_autoptr (ServeTestCall) unknown =
    serve_test_ask (test, "fail", g_variant_new ("(sis)", "nobody-knows-quark", 12, "Odd"));

  serve_test_assert_failed (known, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_assert_nonnull (strstr (known->trace, "fail-with-trace"));
  g_assert_nonnull (strstr (known->trace, "\n    "));
  serve_test_assert_failed (unknown, g_quark_from_string ("nobody-knows-quark"), 12);
  g_assert_cmpstr (unknown->error->message, ==, "Odd");
}

static void
test_has_the_name_that_it_was_given (void)
{
  g_autoptr (FerryLauncher) launcher = serve_test_launcher_new ();
  g_autoptr (ServeTest) test = NULL;

  g_object_set (launcher, "name", "counts-sheep", NULL);
  test = serve_test_new_process (launcher, FALSE);
  serve_test_assert_call (test, "process-name", NULL, "'counts-sheep'");
  serve_test_assert_call (test, "environment", g_variant_new_string ("FERRY_WORKER_NAME"), "''");
}

static void
test_failing_initialiser_is_named (void)
{
  g_autoptr (FerryLauncher) launcher = serve_test_launcher_new ();
  ferry_autofd complaints = worker_test_open_output (launcher, FERRY_STREAM_STDERR);
  g_autoptr (ServeTest) test = NULL;
  g_autofree char *text = NULL;

  ferry_launcher_setenv (launcher, "FERRY_TEST_INITIALISER", "fail");
  test = serve_test_new_process (launcher, FALSE);
  g_clear_object (&launcher);
  text = worker_test_read_all (complaints);
  /* The quotation marks are as the locale has them. */
  g_assert_true (g_pattern_match_simple ("serving-worker: initialiser *fail* failed: The model is not there\n", text));
  serve_test_finish (test);
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_EXITED, "70");
}

static void
test_fork_server_with_a_failing_initialiser_starts_nobody (void)
{
  g_autoptr (FerryLauncher) launcher = serve_test_launcher_new ();
  g_autoptr (ServeTest) test = NULL;

  ferry_launcher_setenv (launcher, "FERRY_TEST_INITIALISER", "fail");
  g_object_set (launcher, "stderr", FERRY_STREAM_MODE_SILENT, NULL);
  test = serve_test_new_process (launcher, TRUE);
  serve_test_finish (test);
  g_assert_false (ferry_exit_is_success (ferry_test_get_object (test->worker, "exit")));
}

static void
test_fork_server_names_the_initialiser_that_left_a_thread (void)
{
  g_autoptr (FerryLauncher) launcher = serve_test_launcher_new ();
  g_autoptr (ServeTest) test = NULL;

  ferry_launcher_setenv (launcher, "FERRY_TEST_INITIALISER", "thread");
  test = serve_test_new_process (launcher, TRUE);
  serve_test_finish (test);
  worker_test_assert_exit (test->worker, FERRY_CLOSE_REASON_LAUNCH_FAILED, "'thread'");
}

static void
test_program_goes_on_without_calls_to_serve (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = serve_test_launcher_new ();
  ferry_autofd output = -1;
  g_autoptr (FerryWorker) worker = NULL;
  g_autofree char *text = NULL;

  worker_test_add_sender (launcher, "out", pipe);
  worker = worker_test_spawn_with_output (launcher, router, &output);
  text = worker_test_read_all (output);
  g_assert_cmpstr (text, ==, "ferry_worker_main returned\n");
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "4");
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_forked_program_goes_on_after_its_fork_handlers (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) base = serve_test_launcher_new ();
  g_autoptr (FerryForkServer) fork_server = ferry_fork_server_new (base);
  g_autoptr (FerryLauncher) launcher = serve_test_launcher_new ();
  ferry_autofd output = -1;
  g_autoptr (FerryWorker) worker = NULL;
  g_autofree char *text = NULL;

  ferry_launcher_set_fork_server (launcher, fork_server);
  worker_test_add_sender (launcher, "out", pipe);
  worker = worker_test_spawn_with_output (launcher, router, &output);
  text = worker_test_read_all (output);
  g_assert_true (g_pattern_match_simple ("ferry_worker_main returned\nfirst in *\nsecond in *\n", text));
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "4");
  g_clear_object (&fork_server);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

/* Adds a fact for each way in which a process is started. */
static void
add_both (const char *fact, GTestDataFunc func)
{
  g_autofree char *executed = g_strconcat ("/worker-main/executed-process-", fact, NULL);
  g_autofree char *forked = g_strconcat ("/worker-main/forked-process-", fact, NULL);

  g_test_add_data_func (executed, GINT_TO_POINTER (FALSE), func);
  g_test_add_data_func (forked, GINT_TO_POINTER (TRUE), func);
}

static void
test_worker_tells_its_functions (void)
{
  g_autoptr (FerryLauncher) launcher = serve_test_launcher_new ();
  g_autoptr (ServeTest) test = serve_test_new_process (launcher, FALSE);
  g_autoptr (ServeTestCall) call = serve_test_ask (test, FERRY_LIST_FUNCTION, NULL);
  g_autofree char *text = NULL;

  serve_test_wait (call);
  g_assert_no_error (call->error);
  g_assert_cmpstr (g_variant_get_type_string (call->result), ==, FERRY_LIST_FUNCTION_TYPE);
  text = g_variant_print (call->result, FALSE);
  g_assert_true (g_str_has_prefix (text, "[('add', '(xx)', 'x'), "));
  g_assert_nonnull (strstr (text, "('echo', 's', 's'), ('echo-anything', '*', '*'), "));
  g_assert_nonnull (strstr (text, "('nothing', '*', ''), "));
  g_assert_null (strstr (text, FERRY_LIST_FUNCTION));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  add_both ("serves", test_serves);
  add_both ("reports-newest-progress", test_reports_newest_progress);
  add_both ("is-cancelled", test_is_cancelled);
  add_both ("exits-from-within", test_exits_from_within);
  add_both ("ignores-interrupts", test_ignores_interrupts);
  g_test_add_func ("/worker-main/error-counts-beside-a-value", test_error_counts_beside_a_value);
  g_test_add_func ("/worker-main/errors-keep-their-domains", test_errors_keep_their_domains);
  g_test_add_func ("/worker-main/has-the-name-that-it-was-given", test_has_the_name_that_it_was_given);
  g_test_add_func ("/worker-main/failing-initialiser-is-named", test_failing_initialiser_is_named);
  g_test_add_func ("/worker-main/fork-server-with-a-failing-initialiser-starts-nobody",
                   test_fork_server_with_a_failing_initialiser_starts_nobody);
  g_test_add_func ("/worker-main/fork-server-names-the-initialiser-that-left-a-thread",
                   test_fork_server_names_the_initialiser_that_left_a_thread);
  g_test_add_func ("/worker-main/program-goes-on-without-calls-to-serve", test_program_goes_on_without_calls_to_serve);
  g_test_add_func ("/worker-main/forked-program-goes-on-after-its-fork-handlers",
                   test_forked_program_goes_on_after_its_fork_handlers);
  g_test_add_func ("/worker-main/worker-tells-its-functions", test_worker_tells_its_functions);

  return g_test_run ();
}
