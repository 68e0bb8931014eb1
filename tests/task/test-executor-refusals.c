/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-executor.c
 *
 * Executors with a pool that has failed: what is submitted ends all the same, however much it is, and whatever handlers
 * do. And one whose workers would be this program once more, which never calls ferry_worker_main().
 */

#include "task/ferry-executor-private.h"
#include "task/task-test.h"

/* More than a stack has room for. */
#define N_WAITING 50000
#define N_TIMES 20000

typedef struct
{
  TaskTest *test;
  FerryPool *pool;         /* (owned) */
  FerryExecutor *executor; /* (owned) */
  guint n_left;
} Refusals;

static Refusals *
refusals_new (guint n)
{
  const char *const argv[] = {"/no/such/program", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  Refusals *self = g_new0 (Refusals, 1);

  self->test = task_test_new (TRUE, 1);
  self->pool = ferry_pool_new (self->test->router, launcher);
  g_object_set (self->pool, "use-fork-server", FALSE, NULL);
  self->executor = ferry_executor_new (self->pool);
  self->n_left = n;
  return self;
}

static void
refusals_free (Refusals *self)
{
  g_object_unref (self->executor);
  g_object_unref (self->pool);
  task_test_free (self->test);
  g_free (self);
}

static gboolean
none_is_left (gpointer data)
{
  return ((Refusals *) data)->n_left == 0;
}

static void
count_done (FerryTask *task, gpointer data)
{
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
  ((Refusals *) data)->n_left--;
}

static void
fails_all_that_wait_for_room (void)
{
  Refusals *self = refusals_new (N_WAITING);

  g_object_set (self->executor, "max-pending", 1, NULL);
  for (guint i = 0; i < N_WAITING; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);

      g_signal_connect (task, "done", G_CALLBACK (count_done), self);
      ferry_executor_submit_task_async (self->executor, task, NULL, NULL, NULL);
    }
  ferry_test_run_until (none_is_left, self);
  refusals_free (self);
}

static void
submit_again (FerryTask *task, gpointer data)
{
  Refusals *self = data;
  g_autoptr (FerryTask) again = NULL;

  if (--self->n_left == 0)
    return;
  again = ferry_executor_retry (self->executor, task, NULL);
  g_signal_connect (again, "done", G_CALLBACK (submit_again), self);
}

static void
may_be_tried_again_in_handlers (void)
{
  Refusals *self = refusals_new (N_TIMES);
  g_autoptr (FerryTask) task = task_test_submit (self->executor, "nothing", NULL);

  g_signal_connect (task, "done", G_CALLBACK (submit_again), self);
  ferry_test_run_until (none_is_left, self);
  refusals_free (self);
}

/* A deadline's handler is called by a timer, and no other timer runs before it has returned. */
static void
wait_in_handler (FerryTask *task, gpointer data)
{
  Refusals *self = data;
  g_autoptr (FerryTask) other = task_test_submit (self->test->executor, "sleep-until-cancelled", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_wait (other, 1000, &error);

  g_assert_null (result);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  ferry_task_cancel (other);
  self->n_left--;
}

static void
cannot_be_waited_for_in_a_handler_of_a_deadline (void)
{
  Refusals *self = refusals_new (1);
  g_autoptr (FerryTask) busy = task_test_submit (self->test->executor, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);

  g_object_set (task, "queue-timeout", (gint64) 1000, NULL);
  task_test_wait_state (busy, FERRY_TASK_STATE_EXECUTING);
  g_signal_connect (task, "done", G_CALLBACK (wait_in_handler), self);
  task_test_submit_task (self->test->executor, task);
  ferry_test_run_until (none_is_left, self);
  ferry_task_cancel (busy);
  refusals_free (self);
}

static void
assert_would_not_be_found (FerryExecutor *executor, const char *function)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, function, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_executor_submit_task (executor, task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
  ferry_test_assert_says (error->message, function);
  ferry_test_assert_says (error->message, "ferry_worker_main()");
}

/* A worker would run main() from its beginning, as an application does, and never serve. So none is started. */
static void
refuses_what_this_program_would_not_serve (gconstpointer use_fork_server)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const[]){"/proc/self/exe", NULL});
  g_autoptr (FerryPool) pool = ferry_pool_new (test->router, launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);

  g_object_set (pool, "use-fork-server", GPOINTER_TO_INT (use_fork_server), NULL);
  assert_would_not_be_found (executor, "no-such-function");
  /* Registered, and of the library. */
  assert_would_not_be_found (executor, "nothing");
  assert_would_not_be_found (executor, "ferry.map");
  g_assert_cmpuint (ferry_test_get_number (pool, "n-workers"), ==, 0);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/refusals/of-all-that-wait-for-room", fails_all_that_wait_for_room);
  g_test_add_func ("/refusals/may-be-tried-again-in-handlers", may_be_tried_again_in_handlers);
  g_test_add_func ("/refusals/of-waiting-in-the-handler-of-a-deadline",
                   cannot_be_waited_for_in_a_handler_of_a_deadline);
  g_test_add_data_func ("/refusals/of-what-this-program-would-not-serve/executed", NULL,
                        refuses_what_this_program_would_not_serve);
  g_test_add_data_func ("/refusals/of-what-this-program-would-not-serve/forked", GINT_TO_POINTER (TRUE),
                        refuses_what_this_program_would_not_serve);
  return g_test_run ();
}
