/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-cluster.c, cluster/ferry-remote-run.c, cluster/ferry-host-service.c, cluster/ferry-host-run.c
 *
 * Tasks at hosts that are real but for the network: a cluster, and the services of hosts with workers of their own, at
 * both ends of transports. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "cluster/ferry-cluster-private.h"
#include "cluster/ferry-host-service-private.h"
#include "cluster/loop-pair.h"
#include "task/task-test.h"

#define MAX_HOSTS 3
#define N_TASKS 300

typedef struct
{
  FerryHostService *service; /* (owned) */
  FerrySession *session;     /* (owned): the host's end */
  gboolean drained;
} Host;

typedef struct
{
  TaskTest *task;          /* (owned): a router, and the pool of the first host */
  FerryCluster *cluster;   /* (owned) */
  FerryExecutor *executor; /* (owned) */
  Host hosts[MAX_HOSTS];
  guint n_hosts;
} Scene;

static void
note_drained (gpointer data)
{
  ((Host *) data)->drained = TRUE;
}

static void
connect_host (Scene *scene, Host *host)
{
  g_autoptr (GError) error = NULL;
  FerrySession *near_end;

  g_clear_object (&host->session);
  loop_pair_new (scene->task->router, &near_end, &host->session);
  ferry_host_service_add (host->service, host->session, "test", &error);
  g_assert_no_error (error);
  ferry_cluster_add_session (scene->cluster, near_end);
}

static void
add_host (Scene *scene, FerryPool *pool)
{
  static const char *const names[MAX_HOSTS] = {"alpha", "beta", "gamma"};
  static const char *const functions[] = {
    "add",
    "bytes",
    "crash",
    "crash-at-first",
    "echo",
    "fail",
    "fail-with-trace",
    "nothing",
    "report",
    "send",
    "sleep-until-cancelled",
    "spin-until-cancelled",
    "yield",
    NULL,
  };
  Host *host = &scene->hosts[scene->n_hosts];

  host->service = ferry_host_service_new (pool, names[scene->n_hosts], "0", functions, note_drained, host);
  scene->n_hosts++;
  connect_host (scene, host);
}

static Scene *
scene_new_with_workers (guint n_hosts, guint n_workers)
{
  Scene *scene = g_new0 (Scene, 1);

  scene->task = task_test_new (FALSE, n_workers);
  scene->cluster = g_object_new (FERRY_TYPE_CLUSTER, "router", scene->task->router, "application", "test", NULL);
  scene->executor = ferry_executor_new_for_runner (FERRY_RUNNER (scene->cluster));
  add_host (scene, scene->task->pool);
  while (scene->n_hosts < n_hosts)
    {
      g_autoptr (FerryLauncher) launcher = task_test_launcher_new ();
      g_autoptr (FerryPool) pool = ferry_pool_new (scene->task->router, launcher);

      ferry_pool_set_max_workers (pool, n_workers);
      add_host (scene, pool);
    }
  return scene;
}

static Scene *
scene_new (guint n_hosts)
{
  return scene_new_with_workers (n_hosts, 2);
}

static gboolean
is_idle (gpointer data)
{
  FerryExecutor *executor = data;

  return ferry_test_get_number (executor, "n-waiting") + ferry_test_get_number (executor, "n-executing") == 0;
}

static void
scene_free (Scene *scene)
{
  ferry_test_run_until (is_idle, scene->executor);
  ferry_test_finalize (scene->executor);
  ferry_cluster_close (scene->cluster);
  ferry_test_finalize (scene->cluster);
  for (guint i = 0; i < scene->n_hosts; i++)
    {
      g_object_unref (scene->hosts[i].session);
      g_object_unref (scene->hosts[i].service);
    }
  task_test_free (scene->task);
  g_free (scene);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

/* ---- What functions do ---- */

static void
count_value (FerryTask *task, GVariant *value, gpointer data)
{
  guint64 *n = data;

  g_assert_cmpuint (g_variant_get_uint64 (value), ==, (*n)++);
}

static void
functions_do_what_they_do_in_a_pool (void)
{
  g_autoptr (Scene) scene = scene_new (1);
  g_autoptr (FerryTask) sum = task_test_submit (scene->executor, "add", g_variant_new ("(xx)", (gint64) 2, (gint64) 3));
  g_autoptr (FerryTask) word = task_test_submit (scene->executor, "echo", g_variant_new_string ("word"));
  g_autoptr (FerryTask) nothing = task_test_submit (scene->executor, "nothing", NULL);
  g_autoptr (FerryTask) failure =
    task_test_submit (scene->executor, "fail", g_variant_new ("(sis)", "g-file-error-quark", 4, "It is not there"));
  g_autoptr (FerryTask) report = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "report", g_variant_new_uint64 (100));
  g_autoptr (FerryTask) yield = ferry_task_new (FERRY_TASK_KIND_ITERATION, "yield", g_variant_new_uint64 (1000));
  g_autoptr (TaskTestWitness) witness G_GNUC_UNUSED = task_test_witness_new (report);
  guint64 n_yielded = 0;

  g_signal_connect (yield, "yielded", G_CALLBACK (count_value), &n_yielded);
  task_test_submit_task (scene->executor, report);
  task_test_submit_task (scene->executor, yield);
  task_test_assert_result (sum, "5");
  task_test_assert_result (word, "'word'");
  task_test_assert_result (nothing, NULL);
  task_test_assert_failed (failure, G_FILE_ERROR, 4);
  task_test_assert_result (report, NULL);
  g_assert_cmpfloat (ferry_task_get_fraction (report), ==, 1);
  task_test_wait_done (yield);
  g_assert_cmpuint (n_yielded, ==, 1000);
  g_assert_cmpstr (ferry_test_get_string (sum, "host-name"), ==, "alpha");
}

static void
traces_name_the_host (void)
{
  g_autoptr (Scene) scene = scene_new (1);
  g_autoptr (FerryTask) task =
    task_test_submit (scene->executor, "fail", g_variant_new ("(sis)", "g-file-error-quark", 4, "It is not there"));
  const char *trace;

  task_test_assert_failed (task, G_FILE_ERROR, 4);
  trace = ferry_test_get_string (task, "trace");
  g_assert_nonnull (trace);
  g_assert_nonnull (strstr (trace, "fail"));
  g_assert_nonnull (strstr (trace, "alpha"));
}

/* The first attempt is at one host, the second one at the other. */
static void
a_function_knows_of_an_earlier_attempt (void)
{
  g_autoptr (Scene) scene = scene_new (2);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash-at-first", NULL);

  g_object_set (task, "idempotent", TRUE, NULL);
  task_test_submit_task (scene->executor, task);
  task_test_assert_result (task, NULL);
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 2);
}

static guint
count_hosts (Scene *scene)
{
  return g_list_model_get_n_items (ferry_cluster_get_hosts (scene->cluster));
}

/* A name may be that of a file, which may be any bytes. Here they must not cost a host its session, and others their
 * tasks. */
static void
a_name_that_is_no_text_costs_no_host (void)
{
  g_autoptr (Scene) scene = scene_new (2);
  g_autoptr (FerryTask) bystander = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) task = NULL;

  task_test_wait_state (bystander, FERRY_TASK_STATE_EXECUTING);
  task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string ("word"));
  g_object_set (task, "name", "caf\xe9.txt", NULL);
  task_test_submit_task (scene->executor, task);
  task_test_assert_result (task, "'word'");
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 1);
  g_assert_cmpint (ferry_task_get_state (bystander), ==, FERRY_TASK_STATE_EXECUTING);
  g_assert_cmpuint (count_hosts (scene), ==, 2);
  ferry_task_cancel (bystander);
  task_test_assert_cancelled (bystander);
}

static void
a_function_hears_a_cancel (void)
{
  g_autoptr (Scene) scene = scene_new (1);
  g_autoptr (FerryTask) task = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);

  task_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
}

static void
a_crash_names_host_process_and_function (void)
{
  g_autoptr (Scene) scene = scene_new (1);
  g_autoptr (FerryTask) task = task_test_submit (scene->executor, "crash", g_variant_new_int32 (9));
  const GError *error = task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);

  g_assert_nonnull (strstr (error->message, "'alpha'"));
  g_assert_nonnull (strstr (error->message, "crash"));
  g_assert_nonnull (strstr (error->message, "process "));
}

static void
a_poisonous_task_is_quarantined (void)
{
  g_autoptr (Scene) scene = scene_new (2);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash", g_variant_new_int32 (9));

  g_object_set (task, "idempotent", TRUE, NULL);
  task_test_submit_task (scene->executor, task);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_QUARANTINED);
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 3);
}

/* ---- Ahead of the workers ---- */

static FerryTask *
submit_with_limit (Scene *scene, const char *function, GVariant *arguments, gint64 run_timeout)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, function, arguments);

  g_object_set (task, "idempotent", TRUE, "run-timeout", run_timeout, NULL);
  task_test_submit_task (scene->executor, task);
  return task;
}

/* A host whose runs were short begins a task ahead of its worker, which the one before it keeps for longer than the
 * task may run. */
static void
what_waits_ahead_does_not_run (void)
{
  const gint64 limit = 400 * FERRY_MICROSECONDS_PER_MILLISECOND;
  g_autoptr (Scene) scene = scene_new_with_workers (1, 1);
  g_autoptr (FerryTask) first = NULL;
  g_autoptr (FerryTask) second = NULL;

  while (ferry_host_service_get_counts (scene->hosts[0].service).n_places < 2)
    {
      g_autoptr (FerryTask) task = submit_with_limit (scene, "echo", g_variant_new_string ("short"), 0);

      task_test_assert_result (task, "'short'");
    }
  first = submit_with_limit (scene, "sleep-until-cancelled", NULL, limit);
  second = submit_with_limit (scene, "echo", g_variant_new_string ("word"), limit);
  task_test_wait_state (second, FERRY_TASK_STATE_EXECUTING);
  task_test_assert_failed (first, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  task_test_assert_result (second, "'word'");
}

/* ---- Many tasks ---- */

static GPtrArray *
submit_many (Scene *scene, gboolean idempotent)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < N_TASKS; i++)
    {
      FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, "add", g_variant_new ("(xx)", (gint64) i, (gint64) 1000));

      g_object_set (task, "idempotent", idempotent, NULL);
      task_test_submit_task (scene->executor, task);
      g_ptr_array_add (tasks, task);
    }
  return tasks;
}

static void
assert_sum (FerryTask *task, guint i)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);

  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (result), ==, (gint64) i + 1000);
}

static void
do_many (Scene *scene, GHashTable *hosts)
{
  g_autoptr (GPtrArray) tasks = submit_many (scene, FALSE);

  ferry_test_run_until (is_idle, scene->executor);
  for (guint i = 0; i < tasks->len; i++)
    {
      assert_sum (tasks->pdata[i], i);
      g_hash_table_add (hosts, g_strdup (ferry_test_get_string (tasks->pdata[i], "host-name")));
    }
}

/* A host that gets no processor while the others do all tasks gets some of the next ones. */
static void
many_tasks_use_all_hosts (void)
{
  g_autoptr (Scene) scene = scene_new (MAX_HOSTS);
  g_autoptr (GHashTable) hosts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  while (g_hash_table_size (hosts) < MAX_HOSTS)
    do_many (scene, hosts);
}

typedef struct
{
  Scene *scene;
  guint n_done;
  guint next; /* host to be cut */
} Cuts;

/* Now and then a session ends, and is opened again. */
static void
cut (FerryTask *task, gpointer data)
{
  Cuts *cuts = data;
  Host *host = &cuts->scene->hosts[cuts->next];

  if (++cuts->n_done % 20 != 0)
    return;
  cuts->next = (cuts->next + 1) % cuts->scene->n_hosts;
  ferry_transport_close (FERRY_TRANSPORT (host->session));
  connect_host (cuts->scene, host);
}

static void
idempotent_tasks_survive_cuts (void)
{
  g_autoptr (Scene) scene = scene_new (MAX_HOSTS);
  g_autoptr (GPtrArray) tasks = NULL;
  Cuts cuts = {.scene = scene};

  g_object_set (scene->cluster, "death-limit", 0, NULL);
  tasks = submit_many (scene, TRUE);
  for (guint i = 0; i < tasks->len; i++)
    g_signal_connect (tasks->pdata[i], "done", G_CALLBACK (cut), &cuts);
  ferry_test_run_until (is_idle, scene->executor);
  for (guint i = 0; i < tasks->len; i++)
    assert_sum (tasks->pdata[i], i);
  g_assert_cmpuint (cuts.n_done, ==, N_TASKS);
}

static void
other_tasks_have_one_end_in_spite_of_cuts (void)
{
  g_autoptr (Scene) scene = scene_new (MAX_HOSTS);
  g_autoptr (GPtrArray) tasks = submit_many (scene, FALSE);
  Cuts cuts = {.scene = scene};

  for (guint i = 0; i < tasks->len; i++)
    g_signal_connect (tasks->pdata[i], "done", G_CALLBACK (cut), &cuts);
  ferry_test_run_until (is_idle, scene->executor);
  g_assert_cmpuint (cuts.n_done, ==, N_TASKS);
  for (guint i = 0; i < tasks->len; i++)
    if (ferry_task_get_state (tasks->pdata[i]) == FERRY_TASK_STATE_COMPLETED)
      assert_sum (tasks->pdata[i], i);
    else
      g_assert_error (ferry_task_get_error (tasks->pdata[i]), FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
}

static gboolean
is_drained (gpointer data)
{
  return ((Host *) data)->drained;
}

static void
a_host_that_leaves_loses_nothing (void)
{
  g_autoptr (Scene) scene = scene_new (2);
  g_autoptr (GPtrArray) tasks = submit_many (scene, FALSE);

  task_test_wait_done (tasks->pdata[20]);
  ferry_host_service_drain (scene->hosts[0].service);
  ferry_test_run_until (is_drained, &scene->hosts[0]);
  ferry_test_run_until (is_idle, scene->executor);
  for (guint i = 0; i < tasks->len; i++)
    assert_sum (tasks->pdata[i], i);
}

static void
count_result (FerryMap *map, guint64 index, GVariant *result, GError *error, gpointer data)
{
  g_assert_no_error (error);
  g_assert_cmpint (g_variant_get_int64 (result), ==, (gint64) index + 1);
  ++*(guint *) data;
}

static gboolean
has_thousand (gpointer data)
{
  return *(guint *) data == 1000;
}

static void
a_map_uses_hosts (void)
{
  g_autoptr (Scene) scene = scene_new (2);
  g_autoptr (FerryMap) map = ferry_map_new (scene->executor, "add", FERRY_MAP_ORDERED);
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  guint n_results = 0;

  for (guint i = 0; i < 1000; i++)
    g_ptr_array_add (items, g_variant_ref_sink (g_variant_new ("(xx)", (gint64) i, (gint64) 1)));
  ferry_map_set_arguments (map, g_variant_new_array (NULL, (GVariant *const *) items->pdata, items->len));
  g_signal_connect (map, "result", G_CALLBACK (count_result), &n_results);
  ferry_map_start (map);
  ferry_test_run_until (has_thousand, &n_results);
}

static void
count_failure (FerryMap *map, guint64 index, GVariant *result, GError *error, gpointer data)
{
  g_autofree char *trace = error != NULL ? ferry_error_get_trace (error) : NULL;

  g_test_message ("%s\n%s", error != NULL ? error->message : "no error", trace);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_assert_nonnull (strstr (error->message, "1048576; yield it in parts, or write it to a file"));
  g_assert_null (strstr (error->message, "FerryRouter"));
  g_assert_nonnull (trace);
  g_assert_nonnull (strstr (trace, "on host 'alpha', in whose log it is task test/"));
  ++*(guint *) data;
}

static gboolean
has_two (gpointer data)
{
  return *(guint *) data == 2;
}

/* Two items, as one alone is sent as a plain task. */
static void
an_error_of_a_map_s_item_is_as_that_of_a_task (void)
{
  g_autoptr (Scene) scene = scene_new (1);
  g_autoptr (FerryMap) map = ferry_map_new (scene->executor, "bytes", FERRY_MAP_ORDERED);
  const guint64 sizes[] = {2 * 1024 * 1024, 2 * 1024 * 1024};
  guint n_results = 0;

  g_object_set (scene->task->router, "max-message-size", (guint64) 1024 * 1024, NULL);
  g_object_set (map, "chunk-size", 2, NULL);
  ferry_map_set_arguments (
    map, g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, sizes, G_N_ELEMENTS (sizes), sizeof sizes[0]));
  g_signal_connect (map, "result", G_CALLBACK (count_failure), &n_results);
  ferry_map_start (map);
  ferry_test_run_until (has_two, &n_results);
}

/* This machine first, and hosts when it is full. */
static void
a_pool_comes_before_hosts (void)
{
  g_autoptr (Scene) scene = scene_new (1);
  g_autoptr (FerryPool) pool = ferry_pool_new_for_threads (scene->task->router);
  FerryExecutor *executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) here = NULL;
  g_autoptr (FerryTask) there = NULL;

  ferry_pool_set_max_workers (pool, 1);
  ferry_executor_add_runner (executor, FERRY_RUNNER (scene->cluster));
  here = task_test_submit (executor, "sleep-until-cancelled", NULL);
  task_test_wait_state (here, FERRY_TASK_STATE_EXECUTING);
  there = task_test_submit (executor, "echo", g_variant_new_string ("word"));
  task_test_assert_result (there, "'word'");
  g_assert_cmpstr (ferry_test_get_string (there, "host-name"), ==, "alpha");
  g_assert_null (ferry_test_get_string (here, "host-name"));
  ferry_task_cancel (here);
  task_test_assert_cancelled (here);
  ferry_test_finalize (executor);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/cluster-service/functions-do-what-they-do-in-a-pool", functions_do_what_they_do_in_a_pool);
  g_test_add_func ("/cluster-service/traces-name-the-host", traces_name_the_host);
  g_test_add_func ("/cluster-service/a-name-that-is-no-text-costs-no-host", a_name_that_is_no_text_costs_no_host);
  g_test_add_func ("/cluster-service/a-function-knows-of-an-earlier-attempt", a_function_knows_of_an_earlier_attempt);
  g_test_add_func ("/cluster-service/a-function-hears-a-cancel", a_function_hears_a_cancel);
  g_test_add_func ("/cluster-service/a-crash-names-host-process-and-function", a_crash_names_host_process_and_function);
  g_test_add_func ("/cluster-service/a-poisonous-task-is-quarantined", a_poisonous_task_is_quarantined);
  g_test_add_func ("/cluster-service/what-waits-ahead-does-not-run", what_waits_ahead_does_not_run);
  g_test_add_func ("/cluster-service/many-tasks-use-all-hosts", many_tasks_use_all_hosts);
  g_test_add_func ("/cluster-service/idempotent-tasks-survive-cuts", idempotent_tasks_survive_cuts);
  g_test_add_func ("/cluster-service/other-tasks-have-one-end-in-spite-of-cuts",
                   other_tasks_have_one_end_in_spite_of_cuts);
  g_test_add_func ("/cluster-service/a-host-that-leaves-loses-nothing", a_host_that_leaves_loses_nothing);
  g_test_add_func ("/cluster-service/a-map-uses-hosts", a_map_uses_hosts);
  g_test_add_func ("/cluster-service/an-error-of-a-map-s-item-is-as-that-of-a-task",
                   an_error_of_a_map_s_item_is_as_that_of_a_task);
  g_test_add_func ("/cluster-service/a-pool-comes-before-hosts", a_pool_comes_before_hosts);
  return g_test_run ();
}
