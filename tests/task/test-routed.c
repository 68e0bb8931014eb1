/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-route-until.c, task/ferry-executor.c
 *
 * Tasks while their router routes manually. Here ferry_router_route_until() has no timeout: what it does not serve, it
 * waits for without end. */

#include "config.h"

#include "task/task-test.h"

static gboolean
is_done (gpointer task)
{
  return ferry_task_get_done (task);
}

static gboolean
has_begun (gpointer task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING;
}

static void
route (TaskTest *test, FerryCondition condition, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_router_route_until (test->router, condition, data, -1, &error));
  g_assert_no_error (error);
}

static FerryTask *
new_endless (void)
{
  return ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);
}

static gpointer
submit_on_thread (gpointer executor)
{
  return task_test_submit (executor, "echo", g_variant_new_string ("hello"));
}

static void
test_submitted_on_a_thread (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 2);
  g_autoptr (FerryTask) task = g_thread_join (g_thread_new ("submit", submit_on_thread, test->executor));

  route (test, is_done, task);
  task_test_assert_result (task, "'hello'");
}

static void
test_run_timeout (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 1);
  g_autoptr (FerryTask) task = new_endless ();

  ferry_task_set_run_timeout (task, 1000);
  task_test_submit_task (test->executor, task);
  route (test, is_done, task);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
}

static void
test_queue_timeout (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 1);
  g_autoptr (FerryTask) first = new_endless ();
  g_autoptr (FerryTask) second = new_endless ();

  task_test_submit_task (test->executor, first);
  route (test, has_begun, first);
  g_object_set (second, "queue-timeout", (gint64) 1000, NULL);
  task_test_submit_task (test->executor, second);
  route (test, is_done, second);
  task_test_assert_failed (second, FERRY_ERROR, FERRY_ERROR_QUEUE_TIMED_OUT);
  ferry_task_cancel (first);
  route (test, is_done, first);
}

/* Its function does not look. */
static void
test_grace (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "spin-for-ever", NULL);

  ferry_task_set_cancel_grace (task, 1000);
  task_test_submit_task (test->executor, task);
  task_test_wait_begun (task);
  g_assert_true (ferry_task_cancel (task));
  route (test, is_done, task);
  task_test_assert_cancelled (task);
}

static gpointer
cancel_on_thread (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancellable (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryTask) task = new_endless ();
  GThread *thread;

  g_object_set (task, "cancellable", cancellable, NULL);
  task_test_submit_task (test->executor, task);
  route (test, has_begun, task);
  thread = g_thread_new ("cancel", cancel_on_thread, cancellable);
  route (test, is_done, task);
  g_thread_join (thread);
  task_test_assert_cancelled (task);
}

static gboolean
is_empty (gpointer group)
{
  return ferry_test_get_number (group, "n-open") == 0;
}

static gpointer
drop_on_thread (gpointer owner)
{
  g_object_run_dispose (owner);
  return NULL;
}

static void
test_group (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 1);
  g_autoptr (GObject) owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) task = new_endless ();

  ferry_task_group_bind (group, owner);
  task_test_submit_task (test->executor, task);
  ferry_task_group_add (group, task);
  g_thread_join (g_thread_new ("drop", drop_on_thread, owner));
  route (test, is_empty, group);
  task_test_assert_cancelled (task);
}

static void
count_cb (guint *n)
{
  ++*n;
}

static gboolean
has_hundred (gpointer n)
{
  return *(guint *) n == 100;
}

/* Its chunks wait for room in the executor. */
static void
test_map (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (in_threads), 2);
  g_autoptr (GPtrArray) items = g_ptr_array_new ();
  g_autoptr (FerryMap) map = NULL;
  guint n = 0;

  for (guint i = 0; i < 100; i++)
    g_ptr_array_add (items, g_variant_new_string ("item"));
  g_object_set (test->executor, "max-pending", 1, NULL);
  map = ferry_map_new (test->executor, "echo", FERRY_MAP_ORDERED);
  ferry_map_set_arguments (map, g_variant_new_array (NULL, (GVariant *const *) items->pdata, items->len));
  g_object_set (map, "chunk-size", 1, NULL);
  g_signal_connect_swapped (map, "result", G_CALLBACK (count_cb), &n);
  ferry_map_start (map);
  route (test, has_hundred, &n);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    GTestDataFunc func;
  } facts[] = {
    {"begin-when-another-thread-submitted-them", test_submitted_on_a_thread},
    {"end-with-their-time", test_run_timeout},
    {"end-when-they-waited-too-long", test_queue_timeout},
    {"end-with-their-cancellable", test_cancellable},
    {"end-with-the-owner-of-their-group", test_group},
    {"of-a-map-are-fed", test_map},
  };

  task_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    for (int in_threads = FALSE; in_threads <= TRUE; in_threads++)
      {
        g_autofree char *path =
          g_strdup_printf ("/routed/tasks-%s/%s", facts[i].name, in_threads ? "threads" : "processes");

        g_test_add_data_func (path, GINT_TO_POINTER (in_threads), facts[i].func);
      }
  g_test_add_func ("/routed/tasks-that-do-not-listen-lose-their-worker", test_grace);
  return g_test_run ();
}
