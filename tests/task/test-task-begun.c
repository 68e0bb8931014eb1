/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool-worker.c
 *
 * A function begins in its worker before the application hears of that. Until the main loop has had a turn the task
 * still waits, as far as anything tells. These tests end such tasks in each way that there is: nothing is cancelled,
 * and no executor is stopped, while the function runs. */

#include "config.h"

#include "task/task-test.h"

#include "pool/ferry-pool-private.h"
#include "pool/ferry-pool-worker-private.h"
#include "task/ferry-executor-private.h"
#include "task/ferry-task-private.h"

typedef struct
{
  gboolean in_threads;
  gboolean ahead; /* the task is sent ahead behind another one, else it is the first one of a starting worker */
  void (*end) (TaskTest *test, FerryTask *task);
} Case;

typedef struct
{
  TaskTest *test;
  FerryTask *ahead; /* (owned) (nullable) */
  FerryTask *task;  /* (owned) */
  GString *states;
  GCancellable *cancellable;
} Scene;

static void
note_state (FerryTask *task, GParamSpec *pspec, gpointer data)
{
  GString *states = data;

  g_string_append_printf (states, " %d", ferry_task_get_state (task));
}

/* A worker runs the task's function, and the task has not heard of it. */
static Scene *
scene_new (gboolean in_threads, gboolean ahead)
{
  Scene *scene = g_new0 (Scene, 1);

  scene->test = task_test_new (in_threads, 1);
  scene->states = g_string_new (NULL);
  scene->cancellable = g_cancellable_new ();
  if (ahead)
    {
      g_autoptr (FerryTask) warm = task_test_submit (scene->test->executor, "nothing", NULL);

      task_test_assert_result (warm, NULL);
      /* Tasks are sent ahead where they are short, which they are not on every machine. */
      task_test_expect_short_tasks (scene->test->pool);
      scene->ahead = task_test_submit (scene->test->executor, "nothing", NULL);
    }
  scene->task = ferry_task_new (FERRY_TASK_KIND_CALL, in_threads ? "hang" : "sleep-until-cancelled", NULL);
  ferry_task_set_cancel_grace (scene->task, 600 * G_USEC_PER_SEC);
  g_object_set (scene->task, "cancellable", scene->cancellable, NULL);
  g_signal_connect (scene->task, "notify::state", G_CALLBACK (note_state), scene->states);
  task_test_submit_task (scene->test->executor, scene->task);
  task_test_wait_begun_unheard (scene->task);
  g_assert_cmpint (ferry_task_get_state (scene->task), ==, FERRY_TASK_STATE_WAITING);
  return scene;
}

static void
scene_free (Scene *scene)
{
  g_signal_handlers_disconnect_by_data (scene->task, scene->states);
  g_clear_object (&scene->ahead);
  g_object_unref (scene->task);
  g_string_free (scene->states, TRUE);
  g_object_unref (scene->cancellable);
  task_test_free (scene->test);
  g_free (scene);
}

static gboolean
is_stopped (gpointer data)
{
  return ferry_test_get_number (data, "state") == FERRY_EXECUTOR_STATE_STOPPED;
}

/* ---- ways to end a task ---- */

static void
cancel_task (TaskTest *test, FerryTask *task)
{
  g_assert_true (ferry_task_cancel (task));
  g_assert_false (ferry_task_cancel (task));
  ferry_executor_stop (test->executor);
}

static void
cancel_all (TaskTest *test, FerryTask *task)
{
  g_assert_cmpuint (ferry_executor_cancel_all (test->executor), >=, 1);
  ferry_executor_stop (test->executor);
}

static void
cancel_group (TaskTest *test, FerryTask *task)
{
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();

  ferry_task_group_add (group, task);
  g_assert_cmpuint (ferry_task_group_cancel (group), ==, 1);
  g_assert_cmpuint (ferry_test_get_number (group, "n-open"), ==, 1);
  ferry_executor_stop (test->executor);
}

static void
shut_down (TaskTest *test, FerryTask *task)
{
  ferry_executor_shutdown_async (test->executor, -1, NULL, NULL, NULL);
}

static void
ends_with_its_function (gconstpointer data)
{
  const Case *what = data;
  Scene *scene = scene_new (what->in_threads, what->ahead);
  FerryExecutor *executor = scene->test->executor;

  what->end (scene->test, scene->task);
  g_assert_cmpint (ferry_task_get_state (scene->task), ==, FERRY_TASK_STATE_CANCELLING);
  g_assert_cmpuint (ferry_test_get_number (executor, "n-executing"), ==, what->ahead ? 2 : 1);
  g_assert_cmpuint (ferry_test_get_number (executor, "n-waiting"), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (scene->task, "n-attempts"), ==, 1);
  g_assert_cmpint (ferry_test_get_number (executor, "state"), ==, FERRY_EXECUTOR_STATE_STOPPING);
  if (what->in_threads)
    {
      /* The function does not heed the cancel, so that what comes before it is all that can come. */
      task_test_wait_done (scene->ahead);
      task_test_settle ();
      g_assert_cmpint (ferry_task_get_state (scene->task), ==, FERRY_TASK_STATE_CANCELLING);
      g_assert_cmpuint (ferry_test_get_number (executor, "n-executing"), ==, 1);
      g_assert_false (is_stopped (executor));
      task_test_open_gate ();
    }
  ferry_test_run_until (is_stopped, executor);
  g_assert_cmpint (ferry_task_get_state (scene->task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpuint (ferry_test_get_number (executor, "n-executing"), ==, 0);
  /* EXECUTING, CANCELLING, CANCELLED. */
  g_assert_cmpstr (scene->states->str, ==, " 1 2 5");
  scene_free (scene);
}

/* It is ended like one that was heard of: the worker goes when the function does not. */
static void
ends_with_its_worker (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "stubborn", NULL);
  FerryPoolWorker *worker;
  g_autoptr (FerryWorker) process = NULL;

  ferry_task_set_cancel_grace (task, 20000);
  task_test_submit_task (test->executor, task);
  task_test_wait_begun_unheard (task);
  worker = (FerryPoolWorker *) ferry_task_get_run (task)->destination;
  process = g_object_ref (worker->worker);
  g_assert_true (ferry_task_cancel (task));
  task_test_assert_cancelled (task);
  g_assert_cmpint (ferry_worker_get_state (process), ==, FERRY_WORKER_STATE_ENDED);
  g_assert_cmpint (ferry_test_get_process (task), ==, ferry_test_get_process (process));
}

static void
cancel_in_callback (GObject *executor, GAsyncResult *result, gpointer data)
{
  Scene *scene = data;

  g_assert_true (ferry_executor_submit_task_finish (FERRY_EXECUTOR (executor), result, NULL));
  g_assert_true (ferry_task_cancel (scene->task));
}

/* Its start makes room for another task. The callback of that one's submission comes in the middle of the start. */
static void
is_cancelled_as_it_starts (void)
{
  Scene *scene = scene_new (TRUE, TRUE);
  FerryExecutor *executor = scene->test->executor;
  g_autoptr (FerryTask) other = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);

  g_object_set (executor, "max-pending", 1, NULL);
  ferry_executor_submit_task_async (executor, other, NULL, cancel_in_callback, scene);
  task_test_wait_state (scene->task, FERRY_TASK_STATE_CANCELLING);
  g_assert_cmpuint (ferry_test_get_number (executor, "n-executing"), ==, 1);
  g_assert_cmpuint (ferry_test_get_number (executor, "n-waiting"), ==, 1);
  task_test_open_gate ();
  task_test_assert_cancelled (scene->task);
  task_test_assert_result (other, NULL);
  g_assert_cmpuint (ferry_test_get_number (executor, "n-executing"), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (executor, "n-waiting"), ==, 0);
  g_assert_cmpstr (scene->states->str, ==, " 1 2 5");
  scene_free (scene);
}

static gpointer
cancel_in_thread (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
follows_a_cancellable (void)
{
  Scene *scene = scene_new (FALSE, FALSE);

  g_thread_join (g_thread_new ("cancel", cancel_in_thread, scene->cancellable));
  task_test_assert_cancelled (scene->task);
  g_assert_cmpstr (scene->states->str, ==, " 1 2 5");
  scene_free (scene);
}

/* To remove a task is to cancel it only where it waits: one that is being run is left alone. */
static void
is_not_removed (gconstpointer data)
{
  Scene *scene = scene_new (FALSE, GPOINTER_TO_INT (data));
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_executor_remove (scene->test->executor, scene->task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  g_assert_cmpint (ferry_task_get_state (scene->task), !=, FERRY_TASK_STATE_CANCELLED);
  g_assert_true (ferry_test_get_number (scene->task, "can-cancel"));
  task_test_wait_state (scene->task, FERRY_TASK_STATE_EXECUTING);
  g_assert_true (ferry_task_cancel (scene->task));
  task_test_assert_cancelled (scene->task);
  scene_free (scene);
}

static void
cancel_first (FerryTask *task, GParamSpec *pspec, gpointer data)
{
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING)
    g_assert_true (ferry_task_cancel (task));
}

/* A handler that hears of the begin comes before the cancel that found it. */
static void
is_cancelled_once_by_a_handler (void)
{
  Scene *scene = scene_new (FALSE, TRUE);

  g_signal_connect (scene->task, "notify::state", G_CALLBACK (cancel_first), NULL);
  g_assert_false (ferry_task_cancel (scene->task));
  g_assert_cmpint (ferry_task_get_state (scene->task), ==, FERRY_TASK_STATE_CANCELLING);
  task_test_assert_cancelled (scene->task);
  g_signal_handlers_disconnect_by_func (scene->task, cancel_first, NULL);
  scene_free (scene);
}

/* What is behind a task that has begun goes on elsewhere. */
static void
leaves_others_alone (void)
{
  Scene *scene = scene_new (FALSE, TRUE);
  g_autoptr (GPtrArray) behind = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < 10; i++)
    g_ptr_array_add (behind, task_test_submit (scene->test->executor, "echo", g_variant_new_string ("x")));
  g_assert_true (ferry_task_cancel (scene->task));
  for (guint i = 0; i < behind->len; i++)
    task_test_assert_result (g_ptr_array_index (behind, i), "'x'");
  task_test_assert_cancelled (scene->task);
  task_test_assert_result (scene->ahead, NULL);
  scene_free (scene);
}

static void
add_case (const char *path, gboolean in_threads, gboolean ahead, void (*end) (TaskTest *test, FerryTask *task))
{
  Case *what = g_new (Case, 1);

  *what = (Case){in_threads, ahead, end};
  g_test_add_data_func_full (path, what, ends_with_its_function, g_free);
}

static void
add_cases (const char *way, void (*end) (TaskTest *test, FerryTask *task))
{
  g_autofree char *starting = g_strconcat ("/task-begun/ends-with-its-function-in-a-starting-process-by-", way, NULL);
  g_autofree char *process = g_strconcat ("/task-begun/ends-with-its-function-in-a-process-by-", way, NULL);
  g_autofree char *thread = g_strconcat ("/task-begun/ends-with-its-function-in-a-thread-by-", way, NULL);

  add_case (starting, FALSE, FALSE, end);
  add_case (process, FALSE, TRUE, end);
  add_case (thread, TRUE, TRUE, end);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  add_cases ("a-cancel", cancel_task);
  add_cases ("a-cancel-of-all", cancel_all);
  add_cases ("its-group", cancel_group);
  add_cases ("a-shutdown", shut_down);
  g_test_add_func ("/task-begun/ends-with-its-worker", ends_with_its_worker);
  g_test_add_func ("/task-begun/is-cancelled-as-it-starts", is_cancelled_as_it_starts);
  g_test_add_func ("/task-begun/follows-a-cancellable", follows_a_cancellable);
  g_test_add_data_func ("/task-begun/is-not-removed-from-a-starting-process", GINT_TO_POINTER (FALSE), is_not_removed);
  g_test_add_data_func ("/task-begun/is-not-removed-from-a-process", GINT_TO_POINTER (TRUE), is_not_removed);
  g_test_add_func ("/task-begun/is-cancelled-once-by-a-handler", is_cancelled_once_by_a_handler);
  g_test_add_func ("/task-begun/leaves-others-alone", leaves_others_alone);
  return g_test_run ();
}
