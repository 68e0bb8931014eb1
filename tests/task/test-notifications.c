/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-executor.c, task/ferry-task.c, pool/ferry-pool.c, task/ferry-map.c, task/ferry-task-group.c
 *
 * Each property that changes is notified: what a window binds does not stand still. */

#include "config.h"

#include "task/map-test.h"
#include "task/notify-watch.h"
#include "task/task-test.h"

/* Their documentation says that changes are not notified: a pipe, a submission on another thread, a time that items
 * take and a task of 100,000 a second would pay for what no window shows; and a task that is over says nothing more. */
static const char *const exceptions[] = {
  "FerryRouter:n-pipes",      "FerryTask:submit-time", "FerryTask:late-error",    "FerryTask:last-lines",
  "FerryMap:in-flight-limit", "FerryWorker:task-name", "FerryRunner:parallelism", NULL};

typedef struct
{
  TaskTest *test;
  NotifyWatch *watch;
} Scene;

static void
scene_init (Scene *scene, gboolean in_threads)
{
  scene->test = task_test_new (in_threads, 2);
  scene->watch = notify_watch_new (exceptions);
  notify_watch_add (scene->watch, scene->test->router);
  notify_watch_add (scene->watch, scene->test->pool);
  notify_watch_add (scene->watch, scene->test->executor);
}

static void
scene_clear (Scene *scene)
{
  notify_watch_free (scene->watch);
  task_test_free (scene->test);
}

/* The watch keeps it. */
static FerryTask *
submit (Scene *scene, const char *function, GVariant *arguments)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, function, arguments);

  notify_watch_add (scene->watch, task);
  task_test_submit_task (scene->test->executor, task);
  return task;
}

static gboolean
is_half_done (gpointer task)
{
  return ferry_task_get_fraction (task) == 0.5;
}

static void
tells_all_of_tasks (void)
{
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  FerryTask *half, *fails;
  Scene scene;

  scene_init (&scene, TRUE);
  notify_watch_add (scene.watch, group);
  half = submit (&scene, "halves", NULL);
  ferry_task_group_add (group, half);
  fails = submit (&scene, "fail", g_variant_new ("(sis)", "domain", 1, "It failed"));
  notify_watch_check (scene.watch);
  task_test_open_gate ();
  ferry_test_run_until (is_half_done, half);
  task_test_wait_done (fails);
  notify_watch_check (scene.watch);
  task_test_close_gate ();
  ferry_test_run_until (task_test_is_idle, scene.test->executor);
  notify_watch_check (scene.watch);
  task_test_wait_begun (submit (&scene, "gate", g_variant_new_string ("a")));
  task_test_wait_begun (submit (&scene, "gate", g_variant_new_string ("b")));
  submit (&scene, "note", g_variant_new_string ("c"));
  notify_watch_check (scene.watch);
  ferry_executor_cancel_all (scene.test->executor);
  notify_watch_check (scene.watch);
  ferry_test_run_until (task_test_is_idle, scene.test->executor);
  notify_watch_check (scene.watch);
  ferry_pool_set_max_workers (scene.test->pool, 3);
  notify_watch_check (scene.watch);
  ferry_executor_stop (scene.test->executor);
  notify_watch_check (scene.watch);
  g_clear_object (&group);
  scene_clear (&scene);
}

static void
watch_workers (Scene *scene)
{
  GListModel *workers = ferry_pool_get_workers (scene->test->pool);

  for (guint i = 0; i < g_list_model_get_n_items (workers); i++)
    {
      g_autoptr (GObject) worker = g_list_model_get_item (workers, i);

      notify_watch_add (scene->watch, worker);
    }
}

static void
tells_all_of_workers (void)
{
  Scene scene;

  scene_init (&scene, FALSE);
  task_test_wait_done (submit (&scene, "report", g_variant_new_uint64 (100)));
  watch_workers (&scene);
  notify_watch_check (scene.watch);
  task_test_wait_begun (submit (&scene, "sleep-until-cancelled", NULL));
  notify_watch_check (scene.watch);
  ferry_executor_cancel_all (scene.test->executor);
  ferry_test_run_until (task_test_is_idle, scene.test->executor);
  notify_watch_check (scene.watch);
  task_test_wait_done (submit (&scene, "crash", g_variant_new_int32 (11)));
  notify_watch_check (scene.watch);
  task_test_take_n_warnings ();
  scene_clear (&scene);
}

static void
collected_cb (GObject *map, GAsyncResult *result, gpointer is_collected)
{
  g_autoptr (GPtrArray) results = map_test_collect_finish (FERRY_MAP (map), result, NULL);

  g_assert_cmpuint (results->len, ==, 5);
  *(gboolean *) is_collected = TRUE;
}

static gboolean
four_are_done (gpointer map)
{
  return ferry_test_get_number (map, "n-done") == 4;
}

/* Also of a chunk of which some items are done. */
static void
tells_all_of_maps (void)
{
  gboolean is_collected = FALSE;
  FerryMap *map;
  Scene scene;

  scene_init (&scene, TRUE);
  map = map_test_new (scene.test, "hold", FERRY_MAP_ORDERED, g_variant_new_parsed ("[@x 1, 2, 3, 4, -1]"));
  g_object_set (map, "chunk-size", 5, NULL);
  notify_watch_add (scene.watch, map);
  ferry_map_collect_async (map, NULL, collected_cb, &is_collected);
  ferry_test_run_until (four_are_done, map);
  notify_watch_check (scene.watch);
  map_test_open_gate ();
  ferry_test_wait_flag (&is_collected);
  map_test_close_gate ();
  notify_watch_check (scene.watch);
  ferry_test_run_until (task_test_is_idle, scene.test->executor);
  notify_watch_check (scene.watch);
  g_object_unref (map);
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  map_test_init (&argc, &argv);
  g_test_add_func ("/notifications/tells-all-of-tasks", tells_all_of_tasks);
  g_test_add_func ("/notifications/tells-all-of-workers", tells_all_of_workers);
  g_test_add_func ("/notifications/tells-all-of-maps", tells_all_of_maps);
  return g_test_run ();
}
