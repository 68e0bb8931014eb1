/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-task.c, pool/ferry-run.c
 *
 * Threads that wait for tasks while the main loop runs: they are told what the main loop is. */

#include "config.h"

#include <signal.h>
#include <string.h>

#include "route/ferry-router.h"
#include "task/ferry-task-private.h"
#include "task/task-test.h"

/* Long enough on any machine, and it ends a test in which the answer does not come. */
#define LONG (30 * G_USEC_PER_SEC)
#define N_ROUNDS 20
#define N_RACES 300
#define MAX_TASKS 8

typedef struct
{
  const char *name;
  const char *function;
  const char *arguments; /* (nullable): in text format */
  const char *result;    /* (nullable): the same; NULL: it has none, or fails */
  const char *error;     /* (nullable): its message */
  gboolean in_processes; /* threads of this program have no such function */
} Case;

static const Case cases[] = {
  {"nothing-else", "echo", "'hello'", "'hello'", NULL, FALSE},
  {"no-result", "nothing", NULL, NULL, NULL, FALSE},
  {"an-error-with-its-trace", "fail-with-trace", "('g-io-error-quark', 1, 'gone')", NULL, "gone", TRUE},
  {"reports-of-progress", "report", "uint64 300", NULL, NULL, FALSE},
  {"messages-before-the-result", "send", "uint64 300", NULL, NULL, TRUE},
  {"values-before-the-result", "yield", "uint64 10", "uint64 45", NULL, FALSE},
  {"lines-that-are-read", "print", "('out', 'err')", NULL, NULL, TRUE},
};

typedef struct
{
  FerryTask *task; /* (unowned) */
  GVariant *result;
  GError *error;
  GCancellable *cancellable; /* (unowned) (nullable): of the task */
  gboolean looks_on;         /* at the rest of the task */
  gboolean was_done;         /* for this thread, after the wait */
  gboolean was_refused;      /* a cancel after the wait */
  gint done;                 /* atomic */
} Waiter;

static gpointer
wait_on_thread (gpointer data)
{
  Waiter *self = data;

  self->result = ferry_task_wait (self->task, LONG, &self->error);
  self->was_done = ferry_task_get_done (self->task);
  if (self->was_done && ferry_task_get_state (self->task) != FERRY_TASK_STATE_CANCELLED)
    {
      g_autoptr (GVariant) again = ferry_task_get_result (self->task, NULL);

      g_assert_true (again == self->result);
      g_assert_cmpint (ferry_task_get_state (self->task), ==,
                       self->error != NULL ? FERRY_TASK_STATE_FAILED : FERRY_TASK_STATE_COMPLETED);
      g_assert_true ((ferry_task_get_error (self->task) != NULL) == (self->error != NULL));
      g_assert_false (ferry_test_get_number (self->task, "can-cancel"));
      self->was_refused = !ferry_task_cancel (self->task);
    }
  if (self->looks_on)
    {
      g_assert_cmpuint (ferry_test_get_number (self->task, "n-attempts"), >, 0);
      g_assert_cmpint (ferry_test_get_number (self->task, "end-time"), >, 0);
      g_assert_nonnull (ferry_task_get_name (self->task));
    }
  g_atomic_int_set (&self->done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
waiter_clear (Waiter *self)
{
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Waiter, waiter_clear)

static gboolean
is_back (gpointer data)
{
  return g_atomic_int_get (&((Waiter *) data)->done);
}

/* Waits on a thread while the main loop runs. */
static void
wait_beside (Waiter *waiter)
{
  GThread *thread = g_thread_new ("wait", wait_on_thread, waiter);

  ferry_test_run_until (is_back, waiter);
  g_thread_join (thread);
}

static FerryTask *
new_task (const Case *what)
{
  GVariant *arguments = what->arguments != NULL ? g_variant_new_parsed (what->arguments) : NULL;
  const gboolean yields = g_str_equal (what->function, "yield");

  return ferry_task_new (yields ? FERRY_TASK_KIND_ITERATION : FERRY_TASK_KIND_CALL, what->function, arguments);
}

/* Submits a task, which is sent to a worker at once. */
static void
send_task (TaskTest *test, FerryTask *task)
{
  /* Also behind another task, however slow the tasks before were. */
  task_test_expect_short_tasks (test->pool);
  task_test_submit_task (test->executor, task);
  g_assert_cmpuint (ferry_task_get_run (task)->xid, !=, 0);
}

/* The workers are there afterwards, and a task is sent when it is submitted. */
static TaskTest *
open_test (gboolean in_threads, guint n_workers)
{
  TaskTest *test = task_test_new (in_threads, n_workers);

  g_object_set (test->pool, "min-workers", n_workers, NULL);
  for (guint i = 0; i < 2 * n_workers; i++)
    {
      g_autoptr (FerryTask) task = task_test_submit (test->executor, "nothing", NULL);

      task_test_wait_done (task);
    }
  return test;
}

static void
check_waiter (Waiter *waiter, const Case *what)
{
  g_autoptr (GVariant) expected = what->result != NULL ? g_variant_new_parsed (what->result) : NULL;

  if (what->error != NULL)
    {
      g_assert_cmpstr (waiter->error != NULL ? waiter->error->message : NULL, ==, what->error);
      g_assert_nonnull (strstr (ferry_test_get_string (waiter->task, "trace"), what->function));
    }
  else
    g_assert_no_error (waiter->error);
  g_assert_true ((waiter->result != NULL) == (expected != NULL));
  g_assert_true (expected == NULL || g_variant_equal (expected, waiter->result));
  g_assert_true (waiter->was_done);
  g_assert_true (waiter->was_refused);
  g_assert_null (ferry_task_get_exit (waiter->task));
}

static void
run_beside (TaskTest *test, const Case *what)
{
  g_autoptr (FerryTask) task = new_task (what);
  TaskTestWitness *witness = task_test_witness_new (task);
  g_auto (Waiter) waiter = {.task = task};

  send_task (test, task);
  wait_beside (&waiter);
  check_waiter (&waiter, what);
  g_assert_cmpuint (witness->n_yielded, ==, g_str_equal (what->function, "yield") ? 10 : 0);
  g_assert_cmpuint (witness->n_messages, ==, g_str_equal (what->function, "send") ? 300 : 0);
  task_test_witness_free (witness);
}

static void
test_case (gconstpointer data)
{
  const Case *what = data;
  g_autoptr (TaskTest) processes = open_test (FALSE, 1);

  for (guint i = 0; i < N_ROUNDS; i++)
    run_beside (processes, what);
}

static void
test_case_in_threads (gconstpointer data)
{
  const Case *what = data;
  g_autoptr (TaskTest) threads = open_test (TRUE, 1);

  for (guint i = 0; i < N_ROUNDS; i++)
    run_beside (threads, what);
}

/* It does not fit into one record. */
static void
test_large_result (void)
{
  static const gsize size = 1024 * 1024;
  g_autoptr (TaskTest) test = open_test (FALSE, 1);

  for (guint i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "bytes", g_variant_new_uint64 (size));
      g_auto (Waiter) waiter = {.task = task};
      g_autoptr (GVariant) result = NULL;

      send_task (test, task);
      wait_beside (&waiter);
      g_assert_no_error (waiter.error);
      g_assert_cmpuint (g_variant_get_size (waiter.result), ==, size);
      result = ferry_task_get_result (task, NULL);
      /* g_variant_equal() would print both as text. */
      g_assert_cmpmem (g_variant_get_data (result), g_variant_get_size (result), g_variant_get_data (waiter.result),
                       size);
    }
}

static void
test_several_tasks (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = open_test (GPOINTER_TO_INT (in_threads), 2);

  task_test_expect_short_tasks (test->pool);
  for (guint round = 0; round < N_ROUNDS; round++)
    {
      g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
      Waiter waiters[MAX_TASKS];
      GThread *threads[MAX_TASKS];
      guint n_sent = 0;

      for (guint i = 0; i < MAX_TASKS; i++)
        {
          FerryTask *task =
            ferry_task_new (FERRY_TASK_KIND_CALL, "add", g_variant_new ("(xx)", (gint64) i, (gint64) 1000));

          g_ptr_array_add (tasks, task);
          task_test_submit_task (test->executor, task);
          n_sent += i == n_sent && ferry_task_get_run (task)->xid != 0;
        }
      g_assert_cmpuint (n_sent, >=, 2);
      for (guint i = 0; i < n_sent; i++)
        {
          waiters[i] = (Waiter){.task = tasks->pdata[i]};
          threads[i] = g_thread_new ("wait", wait_on_thread, &waiters[i]);
        }
      for (guint i = 0; i < n_sent; i++)
        {
          ferry_test_run_until (is_back, &waiters[i]);
          g_thread_join (threads[i]);
          g_assert_no_error (waiters[i].error);
          g_assert_cmpint (g_variant_get_int64 (waiters[i].result), ==, i + 1000);
          waiter_clear (&waiters[i]);
        }
      for (guint i = 0; i < MAX_TASKS; i++)
        task_test_wait_done (tasks->pdata[i]);
    }
}

/* The end of a worker is news for the router's thread. */
static void
test_end_of_another_worker (void)
{
  g_autoptr (TaskTest) test = open_test (FALSE, 2);
  g_autoptr (FerryTask) sleeper = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string ("hello"));
  g_auto (Waiter) waiter = {.task = task};

  task_test_wait_begun (sleeper);
  ferry_worker_send_signal (ferry_test_get_worker (test->pool, sleeper), SIGKILL);
  send_task (test, task);
  wait_beside (&waiter);
  g_assert_no_error (waiter.error);
  g_assert_cmpstr (g_variant_get_string (waiter.result, NULL), ==, "hello");
  task_test_assert_failed (sleeper, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  task_test_assert_result (task, "'hello'");
}

/* ---- what ends the task ---- */

/* Whichever comes first, the thread and the main loop say the same. */
static void
test_cancel_beside_the_answer (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = open_test (GPOINTER_TO_INT (in_threads), 1);

  for (guint i = 0; i < N_RACES; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string ("hello"));
      TaskTestWitness *witness = task_test_witness_new (task);
      g_auto (Waiter) waiter = {.task = task};
      GThread *thread;
      gboolean is_cancelled;

      send_task (test, task);
      thread = g_thread_new ("wait", wait_on_thread, &waiter);
      if (i % 2 == 0)
        g_thread_yield ();
      is_cancelled = ferry_task_cancel (task);
      witness->cancelled = is_cancelled;
      ferry_test_run_until (is_back, &waiter);
      g_thread_join (thread);
      task_test_wait_done (task);
      g_assert_cmpint (ferry_task_get_state (task), ==,
                       is_cancelled ? FERRY_TASK_STATE_CANCELLED : FERRY_TASK_STATE_COMPLETED);
      g_assert_true ((waiter.error != NULL) == is_cancelled);
      task_test_witness_free (witness);
    }
}

static gpointer
cancel_on_thread (gpointer data)
{
  Waiter *self = data;

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  else
    g_assert_true (ferry_task_cancel (self->task));
  return NULL;
}

/* A task that a thread has cancelled has no result, even if that comes before the router's thread hears of the cancel.
 */
static void
test_cancel_before_the_wait (gconstpointer by_cancellable)
{
  g_autoptr (TaskTest) test = open_test (FALSE, 1);

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string ("hello"));
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_auto (Waiter) waiter = {.task = task};

      waiter.cancellable = GPOINTER_TO_INT (by_cancellable) ? cancellable : NULL;
      g_object_set (task, "cancellable", cancellable, NULL);
      send_task (test, task);
      g_thread_join (g_thread_new ("cancel", cancel_on_thread, &waiter));
      wait_beside (&waiter);
      g_assert_error (waiter.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      task_test_assert_cancelled (task);
    }
}

static void
test_retries (void)
{
  g_autoptr (TaskTest) test = open_test (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash", g_variant_new_int32 (SIGKILL));
  g_auto (Waiter) waiter = {.task = task};

  g_object_set (task, "retries", 1, NULL);
  send_task (test, task);
  wait_beside (&waiter);
  g_assert_error (waiter.error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 2);
}

/* What it does not learn by the wait is there afterwards. */
static void
test_other_properties (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = open_test (GPOINTER_TO_INT (in_threads), 1);

  for (guint i = 0; i < N_RACES; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string ("hello"));
      g_auto (Waiter) waiter = {.task = task, .looks_on = TRUE};

      send_task (test, task);
      wait_beside (&waiter);
      g_assert_no_error (waiter.error);
      g_assert_true (ferry_task_get_done (task));
    }
}

static void
add_case (const Case *what)
{
  g_autofree char *path = g_strdup_printf ("/waiting-threads/get-the-end-with/%s", what->name);
  g_autofree char *threads = g_strdup_printf ("/waiting-threads/of-a-pool-of-threads-get-the-end-with/%s", what->name);

  g_test_add_data_func (path, what, test_case);
  if (!what->in_processes)
    g_test_add_data_func (threads, what, test_case_in_threads);
}

static void
add_both (const char *name, GTestDataFunc func)
{
  g_autofree char *processes = g_strdup_printf ("/waiting-threads/%s/processes", name);
  g_autofree char *threads = g_strdup_printf ("/waiting-threads/%s/threads", name);

  g_test_add_data_func (processes, GINT_TO_POINTER (FALSE), func);
  g_test_add_data_func (threads, GINT_TO_POINTER (TRUE), func);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    add_case (&cases[i]);
  g_test_add_func ("/waiting-threads/get-a-large-result", test_large_result);
  add_both ("get-the-ends-of-several-tasks", test_several_tasks);
  g_test_add_func ("/waiting-threads/get-the-end-while-another-worker-ends", test_end_of_another_worker);
  add_both ("agree-with-the-main-loop-on-a-cancel", test_cancel_beside_the_answer);
  g_test_add_data_func ("/waiting-threads/get-no-result-after-a-cancel", GINT_TO_POINTER (FALSE),
                        test_cancel_before_the_wait);
  g_test_add_data_func ("/waiting-threads/get-no-result-after-a-cancel-of-the-cancellable", GINT_TO_POINTER (TRUE),
                        test_cancel_before_the_wait);
  g_test_add_func ("/waiting-threads/get-the-last-error-of-a-task-that-is-retried", test_retries);
  add_both ("know-the-rest-afterwards", test_other_properties);
  return g_test_run ();
}
