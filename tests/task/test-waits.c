/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-iterate.c
 *
 * Functions that wait: within callbacks of the main context, and on other threads than the router's.
 *
 * This program is its own worker, as FerryProcess and channels want it. */

#include "config.h"

#include <ferry-classic.h>

#include "task/task-test.h"

#define LONG (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

/* ---- callbacks of the main context ---- */

typedef struct
{
  TaskTest *test;
  FerryTask *task;
  FerryProcess *process;
  FerryMap *map;
  FerryExchange *exchange;
  FerryChannel *channel;
  guint n_refused;
} Scene;

static void
expect_busy (Scene *scene, gboolean success, GError **error)
{
  g_assert_false (success);
  g_assert_error (*error, FERRY_ERROR, FERRY_ERROR_BUSY);
  g_clear_error (error);
  scene->n_refused++;
}

static gboolean
wait_for_all (gpointer data)
{
  Scene *scene = data;
  GVariant *value = NULL;
  GError *error = NULL;

  expect_busy (scene, ferry_task_wait (scene->task, LONG, &error) != NULL, &error);
  expect_busy (scene, ferry_process_next (scene->process, LONG, &error) != NULL, &error);
  expect_busy (scene, ferry_process_join (scene->process, LONG, &error), &error);
  expect_busy (scene, ferry_map_collect (scene->map, LONG, &error) != NULL, &error);
  expect_busy (scene, ferry_exchange_ready (scene->exchange, LONG, &error) != NULL, &error);
  expect_busy (scene, ferry_exchange_finish (scene->exchange, LONG, &error), &error);
  expect_busy (scene, ferry_channel_receive (scene->channel, LONG, NULL, &value, NULL, &error), &error);
  expect_busy (scene, ferry_channel_wait (scene->channel, LONG, &error) != NULL, &error);
  expect_busy (scene, ferry_wait_all (scene->test->router, LONG, &error), &error);
  return G_SOURCE_REMOVE;
}

static GVariant *
converse (FerryJob *job, GVariant *arguments, GError **error)
{
  GCancellable *cancellable = ferry_job_get_cancellable (job);
  GPollFD poll_fd;

  g_cancellable_make_pollfd (cancellable, &poll_fd);
  while (!g_cancellable_is_cancelled (cancellable))
    g_poll (&poll_fd, 1, -1);
  g_cancellable_release_fd (cancellable);
  return NULL;
}

static gboolean
has_all (gpointer scene)
{
  return ((Scene *) scene)->n_refused == 9;
}

static void
test_callbacks (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/proc/self/exe", NULL});
  Scene scene = {test};
  g_autoptr (GError) error = NULL;

  scene.task = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  scene.process = ferry_process_new (test->router, NULL, "sleep-until-cancelled", NULL, &error);
  g_assert_no_error (error);
  scene.map = ferry_map_new (test->executor, "nothing", FERRY_MAP_ORDERED);
  ferry_map_set_arguments (scene.map, g_variant_new_parsed ("[()]"));
  scene.exchange = ferry_exchange_new (test->router, NULL);
  scene.channel = ferry_channel_start (launcher, test->router, "converse", NULL, &error);
  g_assert_no_error (error);
  ferry_exchange_add (scene.exchange, scene.channel);
  g_idle_add (wait_for_all, &scene);
  ferry_test_run_until (has_all, &scene);

  ferry_map_cancel (scene.map);
  g_object_unref (scene.map);
  g_object_unref (scene.exchange);
  g_object_unref (scene.channel);
  g_object_unref (scene.process);
  ferry_task_cancel (scene.task);
  task_test_assert_cancelled (scene.task);
  g_object_unref (scene.task);
  g_assert_true (ferry_wait_all (test->router, LONG, &error));
  g_assert_no_error (error);
}

static gboolean
take_result (gpointer data)
{
  FerryTask **task = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_wait (*task, LONG, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (result, NULL), ==, "hello");
  g_clear_object (task);
  return G_SOURCE_REMOVE;
}

static gboolean
is_taken (gpointer data)
{
  return *(FerryTask **) data == NULL;
}

static void
test_nothing_to_wait_for (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  FerryTask *task = task_test_submit (test->executor, "echo", g_variant_new_string ("hello"));

  task_test_wait_done (task);
  g_idle_add (take_result, &task);
  ferry_test_run_until (is_taken, &task);
}

static gboolean
wait_with_own_router (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (FerryRouter) router = NULL;
  g_autoptr (FerryPool) pool = NULL;
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (context);
  router = ferry_test_router_new_stopped (context);
  g_assert_true (ferry_router_start (router, &error));
  pool = ferry_pool_new_for_threads (router);
  executor = ferry_executor_new (pool);
  task = task_test_submit (executor, "echo", g_variant_new_string ("hello"));
  result = ferry_task_wait (task, LONG, &error);
  g_assert_no_error (error);
  g_assert_nonnull (result);
  g_assert_true (ferry_router_stop (router, &error));
  g_main_context_pop_thread_default (context);
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
test_other_context (void)
{
  gboolean done = FALSE;

  g_idle_add (wait_with_own_router, &done);
  ferry_test_wait_flag (&done);
}

/* ---- other threads ---- */

typedef struct
{
  FerryExecutor *executor;
  const char *function;
  const char *argument;
  gint64 timeout;
  FerryTask *task; /* (nullable): in place of a new one */
  GVariant *result;
  GError *error;
  gint done; /* atomic */
} Waiter;

static gpointer
wait_on_thread (gpointer data)
{
  Waiter *waiter = data;
  GVariant *arguments = waiter->argument != NULL ? g_variant_new_string (waiter->argument) : NULL;
  g_autoptr (FerryTask) task =
    waiter->task != NULL ? g_object_ref (waiter->task)
                         : ferry_executor_submit (waiter->executor, waiter->function, arguments, &waiter->error);

  if (task != NULL)
    waiter->result = ferry_task_wait (task, waiter->timeout, &waiter->error);
  g_atomic_int_set (&waiter->done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static gboolean
is_done (gpointer waiter)
{
  return g_atomic_int_get (&((Waiter *) waiter)->done);
}

static void
end_waiter (Waiter *waiter, GThread *thread)
{
  ferry_test_run_until (is_done, waiter);
  g_thread_join (thread);
}

static void
run_waiter (Waiter *waiter)
{
  end_waiter (waiter, g_thread_new ("wait", wait_on_thread, waiter));
}

static void
test_result_on_a_thread (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 1);

  for (guint i = 0; i < 100; i++)
    {
      Waiter waiter = {test->executor, "echo", "hello", -1};

      run_waiter (&waiter);
      g_assert_no_error (waiter.error);
      g_assert_cmpstr (g_variant_get_string (waiter.result, NULL), ==, "hello");
      g_variant_unref (waiter.result);
    }
}

static void
test_error_on_a_thread (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  Waiter waiter = {test->executor, "no-such-function", NULL, LONG};

  run_waiter (&waiter);
  g_assert_error (waiter.error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
  g_assert_null (waiter.result);
  g_clear_error (&waiter.error);
}

static void
test_time_on_a_thread (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  Waiter waiter = {.timeout = 1000, .task = task};

  run_waiter (&waiter);
  g_assert_error (waiter.error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&waiter.error);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  waiter = (Waiter){.timeout = LONG, .task = task};
  run_waiter (&waiter);
  g_assert_error (waiter.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&waiter.error);
}

static void
test_many_on_one_task (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  Waiter waiters[8];
  GThread *threads[8];

  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    {
      waiters[i] = (Waiter){.timeout = -1, .task = task};
      threads[i] = g_thread_new ("wait", wait_on_thread, &waiters[i]);
    }
  task_test_wait_begun (task);
  g_assert_true (ferry_task_cancel (task));
  for (guint i = 0; i < G_N_ELEMENTS (waiters); i++)
    {
      end_waiter (&waiters[i], threads[i]);
      g_assert_error (waiters[i].error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&waiters[i].error);
    }
}

/* The other task of the two is not done, and the thread that would end it is at its end. */
static void
wait_while_stopping (FerryTask *task, FerryTask *other)
{
  Waiter waiter = {.timeout = 0, .task = other};
  GThread *thread;

  if (ferry_task_get_done (other))
    return;
  thread = g_thread_new ("wait", wait_on_thread, &waiter);
  g_thread_join (thread);
  g_assert_error (waiter.error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_clear_error (&waiter.error);
}

static void
test_stopping (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 1);
  g_autoptr (FerryTask) running = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) waiting = task_test_submit (test->executor, "sleep-until-cancelled", NULL);

  task_test_wait_begun (running);
  g_signal_connect (running, "done", G_CALLBACK (wait_while_stopping), waiting);
  g_signal_connect (waiting, "done", G_CALLBACK (wait_while_stopping), running);
  g_assert_true (ferry_router_stop (test->router, NULL));
  task_test_assert_failed (running, FERRY_ERROR, FERRY_ERROR_CLOSED);
  task_test_assert_failed (waiting, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_assert_true (ferry_router_start (test->router, NULL));
}

typedef struct
{
  FerryExecutor *executor;
  FerryTask *cancelled;
  FerryTask *waited_for;
} Intruder;

static void
assert_on_main_thread (FerryTask *task, gpointer main_thread)
{
  g_assert_true (g_thread_self () == main_thread);
}

static gpointer
intrude (gpointer data)
{
  Intruder *self = data;
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_task_cancel (self->cancelled));
  g_assert_cmpuint (ferry_executor_cancel_all (self->executor), ==, 0);
  g_assert_null (ferry_task_wait (self->waited_for, -1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING);
  return NULL;
}

/* Tasks that were submitted to it end within the main loop, and so does what other threads ask for. */
static void
test_stopped (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) cancelled = NULL;
  g_autoptr (FerryTask) waited_for = NULL;
  g_autoptr (GThread) thread = NULL;
  Intruder intruder;

  g_assert_true (ferry_router_stop (test->router, NULL));
  cancelled = task_test_submit (test->executor, "nothing", NULL);
  waited_for = task_test_submit (test->executor, "nothing", NULL);
  g_signal_connect (cancelled, "done", G_CALLBACK (assert_on_main_thread), g_thread_self ());
  g_signal_connect (waited_for, "done", G_CALLBACK (assert_on_main_thread), g_thread_self ());
  intruder = (Intruder){test->executor, cancelled, waited_for};
  thread = g_thread_new ("intrude", intrude, &intruder);
  g_thread_join (g_steal_pointer (&thread));
  g_assert_false (ferry_task_get_done (cancelled));
  g_assert_false (ferry_task_get_done (waited_for));
  task_test_wait_done (cancelled);
  task_test_wait_done (waited_for);
  g_assert_true (ferry_router_start (test->router, NULL));
}

static void
wait_within_submission (FerryTask *task, GParamSpec *pspec, Scene *scene)
{
  g_autoptr (GError) error = NULL;

  if (scene->n_refused == 0)
    expect_busy (scene, ferry_task_wait (scene->task, LONG, &error) != NULL, &error);
}

/* Its handlers are called by what hands tasks over, which would hand over no other one meanwhile. */
static void
test_within_submission (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 2);
  g_autoptr (FerryTask) first = task_test_submit (test->executor, "nothing", NULL);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  Scene scene = {.test = test};

  task_test_assert_result (first, NULL);
  scene.task = task;
  g_signal_connect (task, "notify::state", G_CALLBACK (wait_within_submission), &scene);
  task_test_submit_task (test->executor, task);
  g_assert_cmpuint (scene.n_refused, ==, 1);
  task_test_assert_result (task, NULL);
}

/* A router that another thread is about to start. */
typedef struct
{
  FerryRouter *router;
  GMainContext *context;
  gint n_left; /* atomic: tasks that are not done */
  gint going;  /* atomic */
} Begin;

static gpointer
begin_elsewhere (gpointer data)
{
  Begin *self = data;

  while (!g_atomic_int_get (&self->going))
    g_thread_yield ();
  g_assert_true (ferry_router_start (self->router, NULL));
  while (g_atomic_int_get (&self->n_left) > 0)
    g_main_context_iteration (self->context, TRUE);
  g_assert_true (ferry_router_stop (self->router, NULL));
  return NULL;
}

static void
count_done (FerryTask *task, Begin *begin)
{
  g_atomic_int_add (&begin->n_left, -1);
}

/* What the thread that made the router asks for while another one starts it, is left to that. */
static void
test_started_elsewhere (void)
{
  for (guint round = 0; round < 30; round++)
    {
      g_autoptr (GMainContext) context = g_main_context_new ();
      g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (context);
      g_autoptr (FerryPool) pool = ferry_pool_new_for_threads (router);
      g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
      g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
      Begin begin = {router, context, 200, FALSE};
      GThread *thread = g_thread_new ("begin", begin_elsewhere, &begin);

      for (guint i = 0; i < 200; i++)
        {
          FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);

          g_signal_connect (task, "done", G_CALLBACK (count_done), &begin);
          task_test_submit_task (executor, task);
          g_ptr_array_add (tasks, task);
        }
      g_atomic_int_set (&begin.going, TRUE);
      for (guint i = 0; i < 200; i++)
        {
          ferry_task_cancel (g_ptr_array_index (tasks, i));
          if (i % 50 == 0)
            ferry_executor_cancel_all (executor);
        }
      g_thread_join (thread);
    }
}

/* A router of another thread, with a task that does not end. */
typedef struct
{
  GMainContext *context;
  FerryTask *task; /* atomic */
  gint over;       /* atomic */
} Elsewhere;

static gpointer
route_on_thread (gpointer data)
{
  Elsewhere *elsewhere = data;
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (elsewhere->context);
  g_autoptr (FerryPool) pool = ferry_pool_new_for_threads (router);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) task = NULL;

  g_assert_true (ferry_router_start (router, NULL));
  task = task_test_submit (executor, "sleep-until-cancelled", NULL);
  g_atomic_pointer_set (&elsewhere->task, task);
  g_main_context_wakeup (NULL);
  while (!g_atomic_int_get (&elsewhere->over))
    g_main_context_iteration (elsewhere->context, TRUE);
  ferry_task_cancel (task);
  while (!ferry_task_get_done (task))
    g_main_context_iteration (elsewhere->context, TRUE);
  g_assert_true (ferry_router_stop (router, NULL));
  return NULL;
}

static gboolean
wait_in_main_loop (gpointer data)
{
  Elsewhere *elsewhere = data;
  FerryTask *task = g_atomic_pointer_get (&elsewhere->task);
  g_autoptr (GError) error = NULL;

  if (task == NULL)
    return G_SOURCE_CONTINUE;
  g_assert_null (ferry_task_wait (task, -1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_atomic_int_set (&elsewhere->over, TRUE);
  g_main_context_wakeup (elsewhere->context);
  return G_SOURCE_REMOVE;
}

static gboolean
is_over (gpointer elsewhere)
{
  return g_atomic_int_get (&((Elsewhere *) elsewhere)->over);
}

static void
test_main_loop_of_another_thread (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  Elsewhere elsewhere = {context};
  GThread *thread = g_thread_new ("route", route_on_thread, &elsewhere);

  g_idle_add (wait_in_main_loop, &elsewhere);
  ferry_test_run_until (is_over, &elsewhere);
  g_thread_join (thread);
}

int
main (int argc, char **argv)
{
  ferry_function_register ("converse", NULL, NULL, converse);
  task_test_register ();
  ferry_worker_main (&argc, &argv);
  task_test_init (&argc, &argv);
  g_test_add_func ("/waits/refuse-a-callback-of-the-main-context", test_callbacks);
  g_test_add_func ("/waits/give-in-a-callback-what-is-there", test_nothing_to_wait_for);
  g_test_add_func ("/waits/iterate-another-context-in-a-callback", test_other_context);
  g_test_add_data_func ("/waits/of-another-thread-get-the-result/processes", GINT_TO_POINTER (FALSE),
                        test_result_on_a_thread);
  g_test_add_data_func ("/waits/of-another-thread-get-the-result/threads", GINT_TO_POINTER (TRUE),
                        test_result_on_a_thread);
  g_test_add_func ("/waits/of-another-thread-get-the-error", test_error_on_a_thread);
  g_test_add_func ("/waits/of-another-thread-end-with-their-time", test_time_on_a_thread);
  g_test_add_func ("/waits/of-many-threads-end-together", test_many_on_one_task);
  g_test_add_data_func ("/waits/of-another-thread-go-on-while-the-router-stops/processes", GINT_TO_POINTER (FALSE),
                        test_stopping);
  g_test_add_data_func ("/waits/of-another-thread-go-on-while-the-router-stops/threads", GINT_TO_POINTER (TRUE),
                        test_stopping);
  g_test_add_func ("/waits/of-another-thread-leave-a-stopped-router-to-its-own", test_stopped);
  g_test_add_data_func ("/waits/refuse-within-a-submission/processes", GINT_TO_POINTER (FALSE), test_within_submission);
  g_test_add_data_func ("/waits/refuse-within-a-submission/threads", GINT_TO_POINTER (TRUE), test_within_submission);
  g_test_add_func ("/waits/of-another-thread-leave-a-router-to-the-one-that-starts-it", test_started_elsewhere);
  g_test_add_func ("/waits/refuse-to-hold-up-the-main-loop", test_main_loop_of_another_thread);
  return g_test_run ();
}
