/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-executor-call.c
 *
 * An executor from the path of a program, and a result from the name of a function. What tasks do otherwise is in
 * test-executor.c. The executors for programs share the default router, which each test leaves stopped. */

#include "config.h"

#include <signal.h>

#include "task/task-test.h"

#define IN_THREADS GINT_TO_POINTER (TRUE)
#define IN_PROCESSES GINT_TO_POINTER (FALSE)

/* ---- a call and what came of it ---- */

typedef struct
{
  FerryExecutor *executor; /* (unowned) */
  GMainContext *context;   /* (unowned) (nullable): where the callback must be called */
  gint n_returned;
  GVariant *result; /* (owned) (nullable) */
  GError *error;    /* (owned) (nullable) */
} Outcome;

static void
outcome_clear (Outcome *self)
{
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static void
called_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Outcome *outcome = data;

  g_assert_true (source == G_OBJECT (outcome->executor));
  g_assert_true (g_main_context_is_owner (outcome->context != NULL ? outcome->context : g_main_context_default ()));
  outcome->result = ferry_executor_call_finish (outcome->executor, result, &outcome->error);
  g_atomic_int_inc (&outcome->n_returned);
}

static void
call (Outcome *outcome, FerryExecutor *executor, const char *function, GVariant *arguments, GCancellable *cancellable)
{
  *outcome = (Outcome){.executor = executor};
  ferry_executor_call_async (executor, function, arguments, cancellable, called_cb, outcome);
  /* Never within the call. */
  g_assert_cmpint (outcome->n_returned, ==, 0);
}

static gboolean
has_returned (gpointer data)
{
  return g_atomic_int_get (&((Outcome *) data)->n_returned) > 0;
}

/* text: of the result, NULL for none. */
static void
assert_result (Outcome *outcome, const char *text)
{
  g_autofree char *found = NULL;

  ferry_test_run_until (has_returned, outcome);
  g_assert_cmpint (outcome->n_returned, ==, 1);
  g_assert_no_error (outcome->error);
  found = outcome->result != NULL ? g_variant_print (outcome->result, FALSE) : NULL;
  g_assert_cmpstr (found, ==, text);
}

static void
assert_failed (Outcome *outcome, GQuark domain, int code)
{
  ferry_test_run_until (has_returned, outcome);
  g_assert_cmpint (outcome->n_returned, ==, 1);
  g_assert_null (outcome->result);
  g_assert_error (outcome->error, domain, code);
}

/* ---- a result from a function's name ---- */

static void
gives_the_result (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 2);
  g_auto (Outcome) sum = {0}, word = {0}, nothing = {0};

  call (&sum, test->executor, "add", g_variant_new ("(xx)", (gint64) 2, (gint64) 3), NULL);
  call (&word, test->executor, "echo", g_variant_new_string ("word"), NULL);
  call (&nothing, test->executor, "nothing", NULL, NULL);
  assert_result (&sum, "5");
  assert_result (&word, "'word'");
  assert_result (&nothing, NULL);
}

static void
leaves_arguments_that_do_not_float (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GVariant) arguments = g_variant_ref_sink (g_variant_new_string ("mine"));
  g_auto (Outcome) first = {0}, second = {0};

  call (&first, test->executor, "echo", arguments, NULL);
  call (&second, test->executor, "echo", arguments, NULL);
  assert_result (&first, "'mine'");
  assert_result (&second, "'mine'");
}

static void
gives_the_error_of_the_function (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 1);
  g_auto (Outcome) failure = {0}, unknown = {0};

  call (&failure, test->executor, "fail", g_variant_new ("(sis)", "g-file-error-quark", 4, "It is not there"), NULL);
  call (&unknown, test->executor, "no-such-function", NULL, NULL);
  assert_failed (&failure, G_FILE_ERROR, 4);
  g_assert_cmpstr (failure.error->message, ==, "It is not there");
  assert_failed (&unknown, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
}

static void
gives_the_trace_of_the_error (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autofree char *trace = NULL;
  g_auto (Outcome) failure = {0};

  call (&failure, test->executor, "fail-with-trace", g_variant_new ("(sis)", "g-file-error-quark", 4, "Gone"), NULL);
  assert_failed (&failure, G_FILE_ERROR, 4);
  trace = ferry_error_get_trace (failure.error);
  ferry_test_assert_says (trace, "fail-with-trace");
}

static void
tells_that_the_worker_was_lost (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_auto (Outcome) lost = {0}, next = {0};

  call (&lost, test->executor, "crash", g_variant_new_int32 (SIGKILL), NULL);
  assert_failed (&lost, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  call (&next, test->executor, "nothing", NULL, NULL);
  assert_result (&next, NULL);
}

static void
refuses_arguments_that_do_not_fit (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_auto (Outcome) outcome = {0};

  call (&outcome, test->executor, "echo", g_variant_new_uint32 (1), NULL);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->executor)), ==, 0);
}

static void
refuses_after_a_stop (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_auto (Outcome) outcome = {0};

  ferry_executor_stop (test->executor);
  call (&outcome, test->executor, "nothing", NULL, NULL);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_STOPPED);
}

static void
fails_while_the_router_does_not_run (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_auto (Outcome) outcome = {0};

  ferry_router_stop (test->router, NULL);
  call (&outcome, test->executor, "nothing", NULL, NULL);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING);
}

static void
keeps_the_executor_alive (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_auto (Outcome) outcome = {0};

  call (&outcome, test->executor, "echo", g_variant_new_string ("late"), NULL);
  g_clear_object (&test->executor);
  g_clear_object (&test->pool);
  assert_result (&outcome, "'late'");
}

/* ---- cancels ---- */

static void
cancelled_before_it_asks_for_nothing (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (Outcome) outcome = {0};

  g_cancellable_cancel (cancellable);
  call (&outcome, test->executor, "note", g_variant_new_string ("never"), cancellable);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->executor)), ==, 0);
  assert_failed (&outcome, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ferry_test_assert_says (outcome.error->message, "note");
}

static void
cancelled_while_it_waits (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *log = NULL;
  g_auto (Outcome) gate = {0}, waits = {0};

  task_test_close_gate ();
  call (&gate, test->executor, "gate", g_variant_new_string ("gate"), NULL);
  task_test_wait_log ("gate");
  call (&waits, test->executor, "note", g_variant_new_string ("never"), cancellable);
  g_cancellable_cancel (cancellable);
  assert_failed (&waits, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (gate.n_returned, ==, 0);
  task_test_open_gate ();
  assert_result (&gate, NULL);
  log = task_test_take_log ();
  g_assert_cmpstr (log, ==, "gate");
}

static gboolean
has_a_task (gpointer data)
{
  return ferry_test_get_number (data, "n-executing") == 1;
}

/* The call returns at once, and its function is told to end. */
static void
cancelled_while_it_runs (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (Outcome) outcome = {0};

  call (&outcome, test->executor, "sleep-until-cancelled", NULL, cancellable);
  ferry_test_run_until (has_a_task, test->executor);
  g_cancellable_cancel (cancellable);
  assert_failed (&outcome, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ferry_test_run_until (task_test_is_idle, test->executor);
  g_assert_cmpint (ferry_test_get_number (test->executor, "n-cancelled"), ==, 1);
}

static void
cancelled_with_its_task (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_auto (Outcome) outcome = {0};

  call (&outcome, test->executor, "sleep-until-cancelled", NULL, NULL);
  ferry_executor_cancel_all (test->executor);
  assert_failed (&outcome, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* A cancel that comes when the call has its result changes nothing. */
static void
cancelled_too_late (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryTask) task = NULL;
  g_auto (Outcome) outcome = {0};

  call (&outcome, test->executor, "echo", g_variant_new_string ("word"), cancellable);
  task = g_list_model_get_item (G_LIST_MODEL (test->executor), 0);
  /* Connected last, so it runs last. */
  g_signal_connect_swapped (task, "done", G_CALLBACK (g_cancellable_cancel), cancellable);
  assert_result (&outcome, "'word'");
  g_assert_true (g_cancellable_is_cancelled (cancellable));
  task_test_settle ();
  g_assert_cmpint (outcome.n_returned, ==, 1);
}

/* ---- a chain of calls ---- */

typedef struct
{
  Outcome first, second;
  FerryTask *task; /* (owned): the second call's */
} Chain;

/* The second answer is there before this has returned, so it comes in the same iteration of the main loop. */
static void
call_again (GObject *source, GAsyncResult *result, gpointer data)
{
  GListModel *model = G_LIST_MODEL (source);
  Chain *chain = data;

  called_cb (source, result, &chain->first);
  call (&chain->second, chain->first.executor, "note", g_variant_new_string ("second"), NULL);
  chain->task = g_list_model_get_item (model, g_list_model_get_n_items (model) - 1);
  task_test_wait_begun_unheard (chain->task);
  ferry_test_take_time (20 * G_TIME_SPAN_MILLISECOND);
}

static gboolean
is_second_done (gpointer data)
{
  const Chain *chain = data;

  return chain->task != NULL && ferry_task_get_done (chain->task);
}

/* A GTask would have the main loop iterate once more for each call of a chain. */
static void
calls_back_where_its_task_ends (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  Chain chain = {.first = {.executor = test->executor}};

  ferry_executor_call_async (test->executor, "nothing", NULL, NULL, call_again, &chain);
  ferry_test_run_until (is_second_done, &chain);
  g_assert_cmpint (chain.second.n_returned, ==, 1);
  g_assert_no_error (chain.second.error);
  g_object_unref (chain.task);
}

/* ---- an executor that has no room ---- */

static void
waits_for_room (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *log = NULL;
  g_auto (Outcome) gate = {0}, first = {0}, second = {0}, third = {0};

  g_object_set (test->executor, "max-pending", 1, NULL);
  task_test_close_gate ();
  call (&gate, test->executor, "gate", g_variant_new_string ("gate"), NULL);
  task_test_wait_log ("gate");
  ferry_test_run_until (has_a_task, test->executor);
  call (&first, test->executor, "note", g_variant_new_string ("first"), NULL);
  call (&second, test->executor, "note", g_variant_new_string ("never"), cancellable);
  call (&third, test->executor, "note", g_variant_new_string ("third"), NULL);
  g_assert_cmpint (ferry_test_get_number (test->executor, "n-waiting"), ==, 1);
  g_cancellable_cancel (cancellable);
  assert_failed (&second, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  task_test_open_gate ();
  assert_result (&third, NULL);
  g_assert_cmpint (first.n_returned, ==, 1);
  log = task_test_take_log ();
  g_assert_cmpstr (log, ==, "gate first third");
}

static void
stopped_while_it_waits_for_room (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autofree char *log = NULL;
  g_auto (Outcome) gate = {0}, first = {0}, refused = {0};

  g_object_set (test->executor, "max-pending", 1, NULL);
  task_test_close_gate ();
  call (&gate, test->executor, "gate", g_variant_new_string ("gate"), NULL);
  task_test_wait_log ("gate");
  ferry_test_run_until (has_a_task, test->executor);
  call (&first, test->executor, "note", g_variant_new_string ("first"), NULL);
  call (&refused, test->executor, "note", g_variant_new_string ("never"), NULL);
  ferry_executor_stop (test->executor);
  assert_failed (&refused, FERRY_ERROR, FERRY_ERROR_STOPPED);
  task_test_open_gate ();
  assert_result (&first, NULL);
  log = task_test_take_log ();
  g_assert_cmpstr (log, ==, "gate first");
}

/* ---- other threads ---- */

typedef struct
{
  FerryExecutor *executor;
  guint n_calls;
  gint done; /* atomic */
} Caller;

/* Calls from a thread with a main context of its own, where the callbacks must come. */
static gpointer
call_there (gpointer data)
{
  Caller *caller = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  for (guint i = 0; i < caller->n_calls; i++)
    {
      g_auto (Outcome) outcome = {.executor = caller->executor, .context = context};
      g_autofree char *word = g_strdup_printf ("word %u", i);

      ferry_executor_call_async (caller->executor, "echo", g_variant_new_string (word), NULL, called_cb, &outcome);
      while (!has_returned (&outcome))
        g_main_context_iteration (context, TRUE);
      g_assert_no_error (outcome.error);
      g_assert_cmpstr (g_variant_get_string (outcome.result, NULL), ==, word);
    }
  g_main_context_pop_thread_default (context);
  g_atomic_int_set (&caller->done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static gboolean
is_done (gpointer data)
{
  return g_atomic_int_get (&((Caller *) data)->done);
}

static void
calls_back_on_the_context_of_the_caller (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 1);
  Caller callers[3];
  GThread *threads[G_N_ELEMENTS (callers)];

  /* Three threads and room for one: some calls wait for it. */
  g_object_set (test->executor, "max-pending", 1, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      callers[i] = (Caller){test->executor, 100, FALSE};
      threads[i] = g_thread_new ("caller", call_there, &callers[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (callers); i++)
    {
      ferry_test_run_until (is_done, &callers[i]);
      g_thread_join (threads[i]);
    }
}

/* ---- an executor from a program's path ---- */

static FerryExecutor *
new_for_worker (void)
{
  g_autofree char *path = ferry_test_build_path ("serving-worker");
  g_autoptr (GError) error = NULL;
  FerryExecutor *executor = ferry_executor_new_for_program (path, &error);

  g_assert_no_error (error);
  return executor;
}

static void
stop_default_router (void)
{
  g_autoptr (GError) error = NULL;

  ferry_router_stop (ferry_router_get_default (), &error);
  g_assert_no_error (error);
}

static void
program_runs_functions (void)
{
  g_autoptr (FerryExecutor) executor = new_for_worker ();
  g_auto (Outcome) outcome = {0};
  g_autoptr (FerryTask) task = task_test_submit (executor, "process-name", NULL);

  call (&outcome, executor, "add", g_variant_new ("(xx)", (gint64) 20, (gint64) 22), NULL);
  assert_result (&outcome, "42");
  task_test_wait_done (task);
  g_clear_object (&executor);
  stop_default_router ();
}

static void
program_has_a_worker_for_each_core (void)
{
  g_autoptr (FerryExecutor) executor = new_for_worker ();
  FerryPool *pool = ferry_executor_get_pool (executor);

  g_assert_cmpint (ferry_test_get_number (pool, "max-workers"), ==, ferry_get_n_usable_cores ());
  g_assert_true (ferry_test_get_object (pool, "router") == ferry_router_get_default ());
  g_assert_true (ferry_router_get_running (ferry_router_get_default ()));
  g_clear_object (&executor);
  stop_default_router ();
}

static void
program_is_found_in_the_path (void)
{
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_autofree char *beside = ferry_test_build_path ("");
  g_autofree char *both = g_strconcat (beside, ":", path, NULL);
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (Outcome) outcome = {0};

  g_setenv ("PATH", both, TRUE);
  executor = ferry_executor_new_for_program ("serving-worker", &error);
  g_assert_no_error (error);
  call (&outcome, executor, "nothing", NULL, NULL);
  assert_result (&outcome, NULL);
  g_setenv ("PATH", path, TRUE);
  g_clear_object (&executor);
  stop_default_router ();
}

static gboolean
is_gone (gpointer data)
{
  return !ferry_test_is_alive (*(GPid *) data);
}

/* The last reference ends the pool, and with it the processes. The router runs on, for the next executor. */
static void
pool_ends_with_the_executor (void)
{
  FerryExecutor *executor = new_for_worker ();
  gpointer pool = ferry_executor_get_pool (executor);
  g_auto (Outcome) outcome = {0};
  GPid pid;

  g_object_add_weak_pointer (pool, &pool);
  call (&outcome, executor, "pid", NULL, NULL);
  ferry_test_run_until (has_returned, &outcome);
  g_assert_no_error (outcome.error);
  pid = g_variant_get_int32 (outcome.result);
  g_assert_true (ferry_test_is_alive (pid));
  /* GTask may have a reference until the callback's source is gone. */
  task_test_settle ();
  g_assert_finalize_object (executor);
  g_assert_null (pool);
  ferry_test_look_until (is_gone, &pid);
  g_assert_true (ferry_router_get_running (ferry_router_get_default ()));
  stop_default_router ();
}

static void
executors_share_the_router (void)
{
  g_autoptr (FerryExecutor) first = new_for_worker ();
  g_autoptr (FerryExecutor) second = new_for_worker ();
  g_auto (Outcome) one = {0}, other = {0};

  g_assert_true (ferry_executor_get_pool (first) != ferry_executor_get_pool (second));
  call (&one, first, "echo", g_variant_new_string ("one"), NULL);
  call (&other, second, "echo", g_variant_new_string ("other"), NULL);
  assert_result (&one, "'one'");
  g_clear_object (&first);
  assert_result (&other, "'other'");
  g_clear_object (&second);
  stop_default_router ();
}

static void
program_that_is_not_there (void)
{
  static const char *const names[] = {"/nowhere/worker", "./no-such-worker", "ferry-no-such-worker", "", "/tmp"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (ferry_executor_new_for_program (names[i], &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
      ferry_test_assert_says (error->message, names[i]);
    }
  /* Nothing was begun. */
  g_assert_false (ferry_router_get_running (ferry_router_get_default ()));
}

/* It can be executed, and is no worker: the task says so. */
static void
program_that_is_no_worker (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_program ("true", &error);
  g_auto (Outcome) outcome = {0};

  g_assert_no_error (error);
  call (&outcome, executor, "nothing", NULL, NULL);
  assert_failed (&outcome, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  task_test_take_n_warnings ();
  g_clear_object (&executor);
  stop_default_router ();
}

typedef struct
{
  GError *error;
  gint done;
} Foreign;

static gpointer
make_executor_there (gpointer data)
{
  Foreign *foreign = data;

  g_assert_null (ferry_executor_new_for_program ("/proc/self/exe", &foreign->error));
  return NULL;
}

static void
refuses_another_thread (void)
{
  Foreign foreign = {0};

  /* Nobody runs the default main context yet. */
  g_thread_join (g_thread_new ("foreign", make_executor_there, &foreign));
  g_assert_error (foreign.error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_clear_error (&foreign.error);
  /* As a main loop has it. */
  g_assert_true (g_main_context_acquire (NULL));
  g_thread_join (g_thread_new ("foreign", make_executor_there, &foreign));
  g_main_context_release (NULL);
  g_assert_error (foreign.error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_clear_error (&foreign.error);
  g_assert_false (ferry_router_get_running (ferry_router_get_default ()));
  g_assert_true (ferry_router_start (ferry_router_get_default (), NULL));
  g_thread_join (g_thread_new ("foreign", make_executor_there, &foreign));
  g_assert_error (foreign.error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_clear_error (&foreign.error);
  stop_default_router ();
}

/* What is open when main() returns ends with the program, without a word. */
static void
a_program_ends_with_all_of_it_open (void)
{
  static Outcome outcome, endless;

  if (g_test_subprocess ())
    {
      FerryExecutor *executor = new_for_worker ();

      call (&endless, executor, "spin-for-ever", NULL, NULL);
      ferry_test_run_until (has_a_task, executor);
      call (&outcome, executor, "nothing", NULL, NULL);
      g_object_unref (executor);
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
add_places (const char *name, GTestDataFunc func)
{
  g_autofree char *threads = g_strdup_printf ("/executor-call/threads/%s", name);
  g_autofree char *processes = g_strdup_printf ("/executor-call/processes/%s", name);

  g_test_add_data_func (threads, IN_THREADS, func);
  g_test_add_data_func (processes, IN_PROCESSES, func);
}

static void
add_programs (void)
{
  g_test_add_func ("/executor-call/program/runs-functions", program_runs_functions);
  g_test_add_func ("/executor-call/program/has-a-worker-for-each-core", program_has_a_worker_for_each_core);
  g_test_add_func ("/executor-call/program/is-found-in-the-path", program_is_found_in_the_path);
  g_test_add_func ("/executor-call/program/pool-ends-with-the-executor", pool_ends_with_the_executor);
  g_test_add_func ("/executor-call/program/executors-share-the-router", executors_share_the_router);
  g_test_add_func ("/executor-call/program/is-not-there", program_that_is_not_there);
  g_test_add_func ("/executor-call/program/is-no-worker", program_that_is_no_worker);
  g_test_add_func ("/executor-call/program/refuses-another-thread", refuses_another_thread);
  g_test_add_func ("/executor-call/program/ends-with-all-of-it-open", a_program_ends_with_all_of_it_open);
}

/* ---- what cannot be made ---- */

static GType (*const types[]) (void) = {ferry_executor_get_type, ferry_map_get_type,   ferry_pool_get_type,
                                        ferry_mux_get_type,      ferry_demux_get_type, ferry_channel_get_type};
static const char *const needs[] = {"runner", "executor", "router", "transport", "transport", "transport"};

/* A language can make an object without its constructor. */
static void
test_without_a_needed_property (gconstpointer number)
{
  guint i = GPOINTER_TO_UINT (number);
  g_autofree char *words = g_strdup_printf ("*cannot be made without its property '%s'*", needs[i]);

  if (g_test_subprocess ())
    {
      g_object_unref (g_object_new (types[i](), NULL));
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr (words);
}

static void
add_types (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *path =
        g_strdup_printf ("/executor-call/a-%s-is-not-made-without-what-it-needs", g_type_name (types[i]()));

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_without_a_needed_property);
    }
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  add_places ("gives-the-result", gives_the_result);
  add_places ("gives-the-error-of-the-function", gives_the_error_of_the_function);
  add_places ("cancelled-while-it-runs", cancelled_while_it_runs);
  add_places ("calls-back-on-the-context-of-the-caller", calls_back_on_the_context_of_the_caller);
  g_test_add_func ("/executor-call/leaves-arguments-that-do-not-float", leaves_arguments_that_do_not_float);
  g_test_add_func ("/executor-call/gives-the-trace-of-the-error", gives_the_trace_of_the_error);
  g_test_add_func ("/executor-call/tells-that-the-worker-was-lost", tells_that_the_worker_was_lost);
  g_test_add_func ("/executor-call/refuses-arguments-that-do-not-fit", refuses_arguments_that_do_not_fit);
  g_test_add_func ("/executor-call/refuses-after-a-stop", refuses_after_a_stop);
  g_test_add_func ("/executor-call/fails-while-the-router-does-not-run", fails_while_the_router_does_not_run);
  g_test_add_func ("/executor-call/keeps-the-executor-alive", keeps_the_executor_alive);
  g_test_add_func ("/executor-call/cancelled-before-it-asks-for-nothing", cancelled_before_it_asks_for_nothing);
  g_test_add_func ("/executor-call/cancelled-while-it-waits", cancelled_while_it_waits);
  g_test_add_func ("/executor-call/cancelled-with-its-task", cancelled_with_its_task);
  g_test_add_func ("/executor-call/cancelled-too-late", cancelled_too_late);
  g_test_add_func ("/executor-call/calls-back-where-its-task-ends", calls_back_where_its_task_ends);
  g_test_add_func ("/executor-call/waits-for-room", waits_for_room);
  g_test_add_func ("/executor-call/stopped-while-it-waits-for-room", stopped_while_it_waits_for_room);
  add_programs ();
  add_types ();

  return g_test_run ();
}
