/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-executor-list.c, task/ferry-executor.c, pool/ferry-runner.c
 *
 * What an executor does with tasks: order, limits, numbers, its list. How it ends is in test-executor-ends.c. */

#include "config.h"

#include "task/task-test.h"

#include "base/ferry-base-private.h"
#include "task/ferry-executor-private.h"

#define IN_THREADS GINT_TO_POINTER (TRUE)
#define IN_PROCESSES GINT_TO_POINTER (FALSE)

static FerryTask *
submit_word (FerryExecutor *executor, const char *function, const char *word, int priority)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, function, g_variant_new_string (word));

  g_object_set (task, "priority", priority, NULL);
  task_test_submit_task (executor, task);
  return task;
}

static void
submit_words (FerryExecutor *executor, const char *function, ...)
{
  va_list list;

  va_start (list, function);
  for (const char *word = va_arg (list, const char *); word != NULL; word = va_arg (list, const char *))
    g_object_unref (submit_word (executor, function, word, 0));
  va_end (list);
}

/* The pool's one thread is at this task until the gate opens. */
static FerryTask *
submit_gate (TaskTest *test)
{
  FerryTask *task = submit_word (test->executor, "gate", "gate", 0);

  /* That it executes is said when the thread has it in hand, which may be before it has begun. */
  task_test_wait_log ("gate");
  task_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
  return task;
}

/* Has the pool know that tasks are short, so that it sends some ahead. */
static void
run_short_tasks (TaskTest *test)
{
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (FerryTask) task = task_test_submit (test->executor, "nothing", NULL);

      task_test_assert_result (task, NULL);
    }
}

static void
finish (TaskTest *test)
{
  task_test_open_gate ();
  ferry_test_run_until (task_test_is_idle, test->executor);
}

static void
assert_log (const char *expected)
{
  g_autofree char *words = task_test_take_log ();

  g_assert_cmpstr (words, ==, expected);
}

static void
runs_by_any_runner (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 2);
  g_autoptr (FerryExecutor) other = ferry_executor_new_for_runner (FERRY_RUNNER (test->pool));
  g_autoptr (FerryTask) task = task_test_submit (other, "echo", g_variant_new_string ("word"));
  g_autoptr (FerryRunner) runner = NULL;
  g_autoptr (FerryPool) pool = NULL;

  g_object_get (other, "runner", &runner, "pool", &pool, NULL);
  g_assert_true (runner == FERRY_RUNNER (test->pool));
  g_assert_true (pool == test->pool);
  g_assert_true (ferry_test_get_object (runner, "router") == ferry_test_get_object (pool, "router"));
  g_assert_cmpuint (ferry_test_get_number (runner, "parallelism"), ==, 2);
  ferry_pool_set_max_workers (pool, 3);
  g_assert_cmpuint (ferry_test_get_number (runner, "parallelism"), ==, 3);
  task_test_assert_result (task, "'word'");
}

static void
gives_result (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 2);
  g_autoptr (FerryTask) sum = task_test_submit (test->executor, "add", g_variant_new ("(xx)", (gint64) 2, (gint64) 3));
  g_autoptr (FerryTask) word = task_test_submit (test->executor, "echo", g_variant_new_string ("word"));
  g_autoptr (FerryTask) nothing = task_test_submit (test->executor, "nothing", NULL);
  g_autoptr (FerryTask) failure =
    task_test_submit (test->executor, "fail", g_variant_new ("(sis)", "g-file-error-quark", 4, "It is not there"));
  g_autoptr (FerryTask) unknown = task_test_submit (test->executor, "no-such-function", NULL);

  task_test_assert_result (sum, "5");
  task_test_assert_result (word, "'word'");
  task_test_assert_result (nothing, NULL);
  task_test_assert_failed (failure, G_FILE_ERROR, 4);
  task_test_assert_failed (unknown, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
  finish (test);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-completed"), ==, 3);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-failed"), ==, 2);
}

static void
runs_kinds (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 1);
  g_autoptr (FerryTask) iteration = ferry_task_new (FERRY_TASK_KIND_ITERATION, "yield", g_variant_new_uint64 (100));
  g_autoptr (FerryTask) progress = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "report", g_variant_new_uint64 (50));
  TaskTestWitness *yields = task_test_witness_new (iteration);
  TaskTestWitness *reports = task_test_witness_new (progress);

  task_test_submit_task (test->executor, iteration);
  task_test_submit_task (test->executor, progress);
  task_test_assert_result (iteration, "4950");
  task_test_assert_result (progress, NULL);
  g_assert_cmpuint (yields->n_yielded, ==, 100);
  g_assert_cmpuint (reports->n_progress, >=, 1);
  g_assert_cmpfloat (ferry_task_get_fraction (progress), ==, 1);
  task_test_witness_free (yields);
  task_test_witness_free (reports);
}

static void
runs_by_priority (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) gate = submit_gate (test);

  g_object_unref (submit_word (test->executor, "note", "low", -5));
  g_object_unref (submit_word (test->executor, "note", "first", 0));
  g_object_unref (submit_word (test->executor, "note", "high", G_MAXINT));
  g_object_unref (submit_word (test->executor, "note", "second", 0));
  g_object_unref (submit_word (test->executor, "note", "lowest", G_MININT));
  g_object_unref (submit_word (test->executor, "note", "middle", 5));
  finish (test);
  assert_log ("gate high middle first second low lowest");
}

/* The next turn is the other's, though the one has more that wait. */
static void
takes_turns (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryExecutor) other = ferry_executor_new (test->pool);
  g_autoptr (FerryTask) gate = submit_gate (test);

  submit_words (test->executor, "note", "a1", "a2", "a3", "a4", NULL);
  submit_words (other, "note", "b1", "b2", NULL);
  finish (test);
  ferry_test_run_until (task_test_is_idle, other);
  assert_log ("gate b1 a1 b2 a2 a3 a4");
}

static void
moves_waiting_task (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) gate = NULL;
  g_autoptr (FerryTask) later = NULL;
  g_autoptr (FerryTask) sooner = NULL;
  g_autoptr (GError) error = NULL;

  run_short_tasks (test);
  gate = submit_gate (test);
  later = submit_word (test->executor, "note", "later", 0);
  submit_words (test->executor, "note", "middle", NULL);
  sooner = submit_word (test->executor, "note", "sooner", 0);
  ferry_executor_set_task_priority (test->executor, sooner, 3, &error);
  g_assert_no_error (error);
  ferry_executor_set_task_priority (test->executor, later, -3, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ferry_test_get_number (later, "priority"), ==, -3);
  g_assert_false (ferry_executor_set_task_priority (test->executor, gate, 3, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  finish (test);
  assert_log ("gate sooner middle later");
}

static void
cancel_cb (GObject *object, GParamSpec *pspec, gpointer data)
{
  ferry_task_cancel (FERRY_TASK (object));
}

/* A handler that hears of the new place takes the task out of it. */
static void
cancels_moved_task (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) gate = submit_gate (test);
  g_autoptr (FerryTask) task = submit_word (test->executor, "note", "moved", 0);
  g_autoptr (GError) error = NULL;

  submit_words (test->executor, "note", "other", NULL);
  g_signal_connect (task, "notify::priority", G_CALLBACK (cancel_cb), NULL);
  ferry_executor_set_task_priority (test->executor, task, 3, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  finish (test);
  assert_log ("gate other");
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-cancelled"), ==, 1);
}

static void
removes_tasks (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryExecutor) other = ferry_executor_new (test->pool);
  g_autoptr (FerryTask) gate = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (test->executor, "keep-finished", 10, NULL);
  gate = submit_gate (test);
  task = submit_word (test->executor, "note", "removed", 0);
  g_assert_false (ferry_executor_remove (other, task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_clear_error (&error);
  g_assert_false (ferry_executor_remove (test->executor, gate, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  g_clear_error (&error);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->executor)), ==, 2);
  ferry_executor_remove (test->executor, task, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->executor)), ==, 1);
  finish (test);
  assert_log ("gate");
  ferry_executor_remove (test->executor, gate, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->executor)), ==, 0);
}

static void
remove_cb (FerryTask *task, gpointer data)
{
  g_autoptr (GError) error = NULL;

  ferry_executor_remove (data, task, &error);
  g_assert_no_error (error);
}

static void
removes_in_done_handler (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);

  g_object_set (test->executor, "keep-finished", 2, NULL);
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);

      if (i % 2 == 0)
        g_signal_connect (task, "done", G_CALLBACK (remove_cb), test->executor);
      task_test_submit_task (test->executor, task);
    }
  finish (test);
  task_test_settle ();
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->executor)), ==, 2);
  ferry_executor_clear_finished (test->executor);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->executor)), ==, 0);
}

static void
names_tasks (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task =
    ferry_executor_submit_named (test->executor, "Holidays", "note", g_variant_new_string ("a"), &error);

  g_assert_no_error (error);
  g_assert_cmpstr (ferry_task_get_name (task), ==, "Holidays");
  task_test_wait_done (task);
  assert_log ("a");
  g_assert_null (ferry_executor_submit_named (test->executor, "Holidays", "note", NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
repeats_tasks (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) gate = submit_gate (test);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string ("again"));
  g_autoptr (FerryTask) again = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (task, "priority", 7, "name", "Says it", "description", "Once more", NULL);
  task_test_submit_task (test->executor, task);
  g_assert_null (ferry_executor_retry (test->executor, task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_DONE);
  g_clear_error (&error);
  ferry_task_cancel (task);
  again = ferry_executor_retry (test->executor, task, &error);
  g_assert_no_error (error);
  g_assert_true (again != task);
  g_assert_cmpint (ferry_test_get_number (again, "priority"), ==, 7);
  g_assert_cmpstr (ferry_test_get_string (again, "name"), ==, "Says it");
  g_assert_cmpstr (ferry_test_get_string (again, "description"), ==, "Once more");
  finish (test);
  task_test_assert_result (again, NULL);
  assert_log ("gate again");
}

static void
refuses_what_is_too_much (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) gate = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (test->executor, "max-pending", 2, NULL);
  gate = submit_gate (test);
  submit_words (test->executor, "note", "a", "b", NULL);
  g_assert_null (ferry_executor_submit (test->executor, "note", g_variant_new_string ("c"), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-waiting"), ==, 2);
  finish (test);
  submit_words (test->executor, "note", "d", NULL);
  finish (test);
  assert_log ("gate a b d");
}

static void
refuses_bad_arguments (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_executor_submit (test->executor, "echo", g_variant_new_uint32 (1), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_clear_error (&error);
  g_assert_null (ferry_executor_submit (test->executor, "echo", NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_clear_error (&error);
  task_test_submit_task (test->executor, task);
  g_assert_false (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_STARTED);
  g_assert_cmpuint (
    ferry_test_get_number (test->executor, "n-waiting") + ferry_test_get_number (test->executor, "n-executing"), ==, 1);
  task_test_assert_result (task, NULL);
}

typedef struct
{
  guint n_returned;
  guint n_accepted;
  GError *error;
} Submission;

static void
submitted (GObject *object, GAsyncResult *result, gpointer data)
{
  Submission *submission = data;

  g_clear_error (&submission->error);
  submission->n_returned++;
  submission->n_accepted += ferry_executor_submit_task_finish (FERRY_EXECUTOR (object), result, &submission->error);
}

static void
submit_async (TaskTest *test, const char *word, GCancellable *cancellable, Submission *submission)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new_string (word));

  ferry_executor_submit_task_async (test->executor, task, cancellable, submitted, submission);
}

static gboolean
has_returned (gpointer data)
{
  return ((Submission *) data)->n_returned > 0;
}

static void
waits_for_room (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryTask) gate = NULL;
  Submission submission = {0};
  Submission cancelled = {0};

  g_object_set (test->executor, "max-pending", 1, NULL);
  gate = submit_gate (test);
  submit_words (test->executor, "note", "a", NULL);
  submit_async (test, "b", NULL, &submission);
  submit_async (test, "c", cancellable, &cancelled);
  submit_async (test, "d", NULL, &submission);
  task_test_settle ();
  g_assert_cmpuint (submission.n_returned, ==, 0);
  g_cancellable_cancel (cancellable);
  ferry_test_run_until (has_returned, &cancelled);
  g_assert_error (cancelled.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (submission.n_returned, ==, 0);
  task_test_open_gate ();
  while (submission.n_accepted < 2)
    g_main_context_iteration (NULL, TRUE);
  finish (test);
  assert_log ("gate a b d");
  g_clear_error (&cancelled.error);
}

static gpointer
submit_many (gpointer data)
{
  for (guint i = 0; i < 2000; i++)
    g_object_unref (task_test_submit (data, "nothing", NULL));
  return NULL;
}

static gboolean
has_completed_8000 (gpointer data)
{
  return ferry_test_get_number (data, "n-completed") == 8000;
}

static void
takes_tasks_of_any_thread (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 2);
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("submits", submit_many, test->executor);
  ferry_test_run_until (has_completed_8000, test->executor);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-waiting"), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-executing"), ==, 0);
}

typedef struct
{
  guint n;          /* how often the figure was told */
  gint64 completed; /* as told last */
} Told;

static void
note_completed (GObject *executor, GParamSpec *pspec, gpointer data)
{
  Told *told = data;

  told->n++;
  told->completed = ferry_test_get_number (executor, "n-completed");
}

static gboolean
all_are_told (gpointer told)
{
  return ((Told *) told)->completed == 1001;
}

static void
tells_figures_once_a_frame (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) gate = submit_gate (test);
  Told told = {0};
  gint64 begun = g_get_monotonic_time ();

  g_signal_connect (test->executor, "notify::n-completed", G_CALLBACK (note_completed), &told);
  for (guint i = 0; i < 1000; i++)
    submit_words (test->executor, "note", "x", NULL);
  g_assert_cmpuint (told.n, ==, 0);
  task_test_open_gate ();
  ferry_test_run_until (all_are_told, &told);
  g_assert_cmpuint (told.n, <=, (g_get_monotonic_time () - begun) * 60 / G_USEC_PER_SEC + 2);
  g_signal_handlers_disconnect_by_data (test->executor, &told);
}

static void
note_fraction (GObject *executor, GParamSpec *pspec, gpointer told)
{
  *(double *) told = ferry_test_get_double (executor, "fraction");
}

static gboolean
is_quarter (gpointer told)
{
  return *(double *) told == 0.25;
}

static void
tells_the_fraction_while_a_task_runs (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  double told = 0;

  g_signal_connect (test->executor, "notify::fraction", G_CALLBACK (note_fraction), &told);
  g_object_unref (task_test_submit (test->executor, "halves", NULL));
  g_object_unref (task_test_submit (test->executor, "nothing", NULL));
  task_test_open_gate ();
  ferry_test_run_until (is_quarter, &told);
  task_test_close_gate ();
  ferry_test_run_until (task_test_is_idle, test->executor);
  g_signal_handlers_disconnect_by_data (test->executor, &told);
}

static gboolean
is_nearly_done (gpointer task)
{
  return ferry_task_get_fraction (task) == 0.9;
}

static gboolean
is_indeterminate (gpointer task)
{
  return ferry_test_get_number (task, "indeterminate") != 0;
}

static gboolean
is_zero (gpointer told)
{
  return *(double *) told == 0;
}

/* The sum falls by it, and is told. */
static void
a_fraction_that_is_taken_back_leaves_the_sum (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) task = NULL;
  double told = -1;

  g_signal_connect (test->executor, "notify::fraction", G_CALLBACK (note_fraction), &told);
  task = task_test_submit (test->executor, "two-parts", NULL);
  g_object_unref (task_test_submit (test->executor, "nothing", NULL));
  task_test_open_gate ();
  ferry_test_run_until (is_nearly_done, task);
  g_assert_cmpfloat_with_epsilon (ferry_test_get_double (test->executor, "fraction"), 0.45, 1e-9);
  g_assert_false (is_indeterminate (task));
  g_assert_false (is_indeterminate (test->executor));
  told = -1;
  task_test_close_gate ();
  ferry_test_run_until (is_indeterminate, task);
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 0);
  g_assert_cmpstr (ferry_task_get_text (task), ==, "second part");
  g_assert_cmpfloat (ferry_test_get_double (test->executor, "fraction"), ==, 0);
  g_assert_true (is_indeterminate (test->executor));
  ferry_test_run_until (is_zero, &told);
  task_test_open_gate ();
  task_test_assert_result (task, NULL);
  g_assert_false (is_indeterminate (task));
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 1);
  ferry_test_run_until (task_test_is_idle, test->executor);
  g_assert_false (is_indeterminate (test->executor));
  g_signal_handlers_disconnect_by_data (test->executor, &told);
}

/* Of ten tasks, one is done, one runs, and eight wait when all are cancelled. */
static void
a_cancel_leaves_the_fraction (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) first = NULL;
  g_autoptr (FerryTask) gate = NULL;
  g_autoptr (FerryTask) last = NULL;

  g_assert_true (ferry_test_get_number (test->executor, "indeterminate"));
  g_assert_cmpfloat (ferry_test_get_double (test->executor, "fraction"), ==, 0);
  first = submit_word (test->executor, "note", "x", 1);
  gate = submit_word (test->executor, "gate", "gate", 0);
  for (guint i = 0; i < 7; i++)
    submit_words (test->executor, "note", "x", NULL);
  last = submit_word (test->executor, "note", "x", 0);
  task_test_wait_log ("x gate");
  task_test_wait_done (first);
  g_assert_cmpfloat_with_epsilon (ferry_test_get_double (test->executor, "fraction"), 0.1, 1e-9);
  /* One of ten is done, whatever the one that runs has to say. */
  g_assert_false (ferry_test_get_number (test->executor, "indeterminate"));
  g_assert_cmpuint (ferry_executor_cancel_all (test->executor), ==, 9);
  task_test_wait_done (last);
  g_assert_cmpfloat_with_epsilon (ferry_test_get_double (test->executor, "fraction"), 0.1, 1e-9);
  task_test_open_gate ();
  task_test_wait_done (gate);
  g_assert_cmpfloat_with_epsilon (ferry_test_get_double (test->executor, "fraction"), 0.1, 1e-9);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-cancelled"), ==, 9);
}

static void
wait_for_the_gate (FerryTask *task, gpointer data)
{
  task_test_open_gate ();
  task_test_wait_done (data);
}

/* A handler runs a main loop, as a dialog does, and in that the task of another worker is done. */
static void
ends_tasks_in_nested_loops (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  g_autoptr (FerryTask) gate = submit_gate (test);
  g_autoptr (FerryTask) other = submit_word (test->executor, "note", "x", 0);

  g_signal_connect (other, "done", G_CALLBACK (wait_for_the_gate), gate);
  task_test_wait_done (other);
  g_assert_true (ferry_task_get_done (gate));
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_data_func ("/executor/is-made-for-any-runner-of-processes", IN_PROCESSES, runs_by_any_runner);
  g_test_add_data_func ("/executor/is-made-for-any-runner-of-threads", IN_THREADS, runs_by_any_runner);
  g_test_add_data_func ("/executor/gives-the-result-of-a-process", IN_PROCESSES, gives_result);
  g_test_add_data_func ("/executor/runs-every-kind-in-a-process", IN_PROCESSES, runs_kinds);
  g_test_add_data_func ("/executor/takes-tasks-of-any-thread-for-processes", IN_PROCESSES, takes_tasks_of_any_thread);
  g_test_add_func ("/executor/refuses-bad-arguments", refuses_bad_arguments);
  g_test_add_data_func ("/executor/gives-the-result-of-a-thread", IN_THREADS, gives_result);
  g_test_add_data_func ("/executor/runs-every-kind-in-a-thread", IN_THREADS, runs_kinds);
  g_test_add_data_func ("/executor/takes-tasks-of-any-thread", IN_THREADS, takes_tasks_of_any_thread);
  g_test_add_func ("/executor/runs-by-priority-and-in-order", runs_by_priority);
  g_test_add_func ("/executor/takes-turns-with-another", takes_turns);
  g_test_add_func ("/executor/moves-a-task-that-waits", moves_waiting_task);
  g_test_add_func ("/executor/is-told-to-cancel-what-it-moves", cancels_moved_task);
  g_test_add_func ("/executor/removes-tasks-that-do-not-run", removes_tasks);
  g_test_add_func ("/executor/removes-a-task-when-it-is-done", removes_in_done_handler);
  g_test_add_func ("/executor/names-a-task", names_tasks);
  g_test_add_func ("/executor/repeats-a-task", repeats_tasks);
  g_test_add_func ("/executor/refuses-what-is-too-much", refuses_what_is_too_much);
  g_test_add_func ("/executor/waits-for-room", waits_for_room);
  g_test_add_func ("/executor/ends-tasks-in-nested-loops", ends_tasks_in_nested_loops);
  g_test_add_func ("/executor/a-cancel-leaves-the-fraction", a_cancel_leaves_the_fraction);
  g_test_add_func ("/executor/tells-figures-once-a-frame", tells_figures_once_a_frame);
  g_test_add_func ("/executor/a-fraction-that-is-taken-back-leaves-the-sum",
                   a_fraction_that_is_taken_back_leaves_the_sum);
  g_test_add_func ("/executor/tells-the-fraction-while-a-task-runs", tells_the_fraction_while_a_task_runs);
  return g_test_run ();
}
