/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-labels.c, cluster/ferry-cluster.c, cluster/ferry-host.c
 *
 * Which host runs which task: labels, and what a task is told that no host has. And whose program is of which version.
 */

#include "config.h"

#include <string.h>

#include "cluster/cluster-test.h"
#include "task/task-test.h"

/* (transfer full): labels: separated by spaces. */
static FerryTask *
new_task (const char *function, const char *labels)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, function, NULL);
  g_auto (GStrv) needs = g_strsplit (labels, " ", -1);

  g_object_set (task, "needs", needs, NULL);
  return task;
}

static FerryTask *
submit (ClusterTest *test, const char *function, const char *labels)
{
  FerryTask *task = new_task (function, labels);

  cluster_test_submit_task (test, task);
  return task;
}

/* A host with labels, and room. */
static HostTest *
new_host (ClusterTest *test, const char *name, const char *labels, const char *program_version)
{
  HostTest *host = host_test_new_with_room (test, name, "work", 1, 0);

  host_test_tell_all_facts (host, "work", 1, labels, program_version);
  host_test_add_room (host, 1);
  return host;
}

static gboolean
has_text (gpointer task)
{
  return ferry_task_get_text (task) != NULL;
}

static void
assert_waits_for (FerryTask *task, const char *text)
{
  ferry_test_run_until (has_text, task);
  g_assert_cmpstr (ferry_task_get_text (task), ==, text);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
}

static void
a_task_runs_where_all_of_its_labels_are (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) plain = new_host (test, "plain", "", "");
  g_autoptr (HostTest) half = new_host (test, "half", "gpu", "");
  g_autoptr (HostTest) whole = new_host (test, "whole", "nvme site.berlin gpu", "");
  g_autoptr (FerryTask) choosy = submit (test, "work", "gpu nvme");
  g_autoptr (FerryTask) easy = submit (test, "work", "");

  host_run_answer (host_test_run (whole), NULL);
  cluster_test_assert_done (choosy);
  host_run_answer (host_test_run (plain), NULL);
  cluster_test_assert_done (easy);
  g_assert_cmpuint (host_test_take (half), ==, 0);
}

static void
a_task_waits_for_a_host_with_its_label_and_says_so (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) plain = new_host (test, "plain", "", "");
  g_autoptr (FerryTask) task = submit (test, "work", "gpu");
  g_autoptr (FerryTask) twice = submit (test, "work", "gpu nvme");
  g_autoptr (FerryTask) elsewhere = submit (test, "rare", "gpu");
  g_autoptr (HostTest) host = NULL;

  assert_waits_for (task, "No host of the application 'test' with the function 'work' has the label 'gpu'; start one "
                          "with 'ferry-host --label gpu'");
  assert_waits_for (twice, "No host of the application 'test' with the function 'work' has the labels 'gpu' and "
                           "'nvme'; start one with 'ferry-host --label gpu --label nvme'");
  assert_waits_for (elsewhere,
                    "No host of the application 'test' has the function 'rare'; start a host whose program has it");
  host = new_host (test, "other", "gpu", "");
  host_run_answer (host_test_run (host), NULL);
  cluster_test_assert_done (task);
  g_assert_null (ferry_task_get_text (task));
  g_assert_nonnull (ferry_task_get_text (twice));
  ferry_task_cancel (twice);
  ferry_task_cancel (elsewhere);
}

/* However many there are. */
static void
tasks_behind_those_that_wait_for_a_label_pass_them (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) plain = new_host (test, "plain", "", "");
  g_autoptr (GPtrArray) choosy = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (FerryTask) easy = NULL;

  for (guint i = 0; i < 100; i++)
    g_ptr_array_add (choosy, submit (test, "work", "gpu"));
  easy = submit (test, "work", "");
  host_run_answer (host_test_run (plain), NULL);
  cluster_test_assert_done (easy);
  ferry_executor_cancel_all (test->executor);
}

static void
a_pool_leaves_tasks_with_needs_to_hosts (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (FerryPool) pool = ferry_pool_new_for_threads (test->router);
  FerryExecutor *executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) choosy = new_task ("nothing", "gpu");
  g_autoptr (FerryTask) easy = NULL;
  g_autoptr (HostTest) host = NULL;

  ferry_executor_add_runner (executor, FERRY_RUNNER (test->cluster));
  g_assert_true (ferry_executor_submit_task (executor, choosy, NULL));
  easy = task_test_submit (executor, "nothing", NULL);
  cluster_test_assert_done (easy);
  assert_waits_for (choosy,
                    "No host of the application 'test' has the function 'nothing'; start a host whose program has it");
  host = host_test_new_with_room (test, "host", "nothing", 1, 0);
  host_test_tell_all_facts (host, "nothing", 1, "gpu", "");
  host_test_add_room (host, 1);
  host_run_answer (host_test_run (host), NULL);
  cluster_test_assert_done (choosy);
  ferry_test_finalize (executor);
}

static void
assert_refused (FerryExecutor *executor, const char *labels, const char *words)
{
  g_autoptr (FerryTask) task = new_task ("nothing", labels);
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_executor_submit_task (executor, task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (error->message, words));
}

static void
an_executor_of_pools_alone_refuses_needs (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) easy = new_task ("nothing", "");
  const char *none[] = {NULL};

  assert_refused (test->executor, "gpu",
                  "needs a host with the label 'gpu', and the executor has none; give it a FerryCluster with "
                  "ferry_executor_add_runner(), or leave FerryTask:needs out");
  g_object_set (easy, "needs", none, NULL);
  g_assert_true (ferry_executor_submit_task (test->executor, easy, NULL));
  cluster_test_assert_done (easy);
}

static void
what_is_no_label_is_refused (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (GString) many = g_string_new ("l");

  assert_refused (test->executor, "gpu a/b", "needs the label 'a/b'; a label has 1 to 64 of the characters");
  assert_refused (test->executor, "gpu\nx", "needs the label 'gpu\\nx'");
  for (guint i = 0; i < 32; i++)
    g_string_append (many, " l");
  assert_refused (test->executor, many->str, "needs more than 32 labels");
}

static void
a_task_that_is_tried_again_needs_the_same (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = new_host (test, "host", "gpu", "");
  g_autoptr (FerryTask) task = submit (test, "work", "gpu");
  g_autoptr (FerryTask) again = NULL;
  g_auto (GStrv) needs = NULL;

  host_run_fail (host_test_run (host), G_IO_ERROR, G_IO_ERROR_BUSY, "no luck", NULL);
  cluster_test_assert_failed (task, G_IO_ERROR, G_IO_ERROR_BUSY, "*no luck*");
  again = ferry_executor_retry (test->executor, task, NULL);
  g_object_get (again, "needs", &needs, NULL);
  g_assert_cmpstrv (needs, ((const char *const[]){"gpu", NULL}));
  host_test_add_room (host, 1);
  host_run_answer (host_test_run (host), NULL);
  cluster_test_assert_done (again);
}

static void
a_mixed_deployment_shows (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) old = new_host (test, "old", "", "1.3");
  g_autoptr (HostTest) new = new_host (test, "new", "gpu", "1.4");
  g_autoptr (FerryTask) rare = cluster_test_submit (test, "rare");
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *version = NULL;
  g_auto (GStrv) labels = NULL;

  g_object_get (new->host, "program-version", &version, "labels", &labels, NULL);
  g_assert_cmpstr (version, ==, "1.4");
  g_assert_cmpstrv (labels, ((const char *const[]){"gpu", NULL}));
  assert_waits_for (rare, "No host of the application 'test' has the function 'rare' ('old' runs version 1.3 of the "
                          "program, 'new' runs version 1.4 of the program); start a host whose program has it");
  ferry_task_cancel (rare);
  task = submit (test, "work", "gpu");
  host_test_run (new);
  host_test_die (new);
  cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                              "Task '*' was lost with the host 'new' (version 1.4 of the program), which ran work *");
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/labels/a-task-runs-where-all-of-its-labels-are", a_task_runs_where_all_of_its_labels_are);
  g_test_add_func ("/labels/a-task-waits-for-a-host-with-its-label-and-says-so",
                   a_task_waits_for_a_host_with_its_label_and_says_so);
  g_test_add_func ("/labels/tasks-behind-those-that-wait-for-a-label-pass-them",
                   tasks_behind_those_that_wait_for_a_label_pass_them);
  g_test_add_func ("/labels/a-pool-leaves-tasks-with-needs-to-hosts", a_pool_leaves_tasks_with_needs_to_hosts);
  g_test_add_func ("/labels/an-executor-of-pools-alone-refuses-needs", an_executor_of_pools_alone_refuses_needs);
  g_test_add_func ("/labels/what-is-no-label-is-refused", what_is_no_label_is_refused);
  g_test_add_func ("/labels/a-task-that-is-tried-again-needs-the-same", a_task_that_is_tried_again_needs_the_same);
  g_test_add_func ("/labels/a-mixed-deployment-shows", a_mixed_deployment_shows);
  return g_test_run ();
}
