/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-cluster.c, cluster/ferry-host.c, cluster/ferry-remote-run.c
 *
 * What becomes of tasks when hosts are lost, leave, refuse them, or break the rules. */

#include "config.h"

#include "cluster/cluster-test.h"

#include <string.h>

#include "job/ferry-map-function-private.h"
#include "task/ferry-task-private.h"
#include "task/task-test.h"

/* ---- Hosts that are lost ---- */

static void
a_task_that_was_not_begun_runs_elsewhere (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) one = host_test_new_with_room (test, "one", "work", 1, 3);
  g_autoptr (HostTest) other = NULL;
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < 3; i++)
    g_ptr_array_add (tasks, cluster_test_submit (test, "work"));
  for (guint i = 0; i < 3; i++)
    host_test_wait_run (one);
  host_test_die (one);
  other = host_test_new (test, "other", "work", 3);
  for (guint i = 0; i < 3; i++)
    {
      HostRun *run = host_test_run (other);

      /* In their old order. */
      g_assert_cmpstr (run->request.name, ==, ferry_task_get_name (tasks->pdata[i]));
      g_assert_cmpuint (run->request.attempt, ==, 1);
      host_run_answer (run, NULL);
    }
  for (guint i = 0; i < 3; i++)
    cluster_test_assert_done (tasks->pdata[i]);
}

static void
a_begun_task_is_lost_with_its_host (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (HostTest) other = host_test_new (test, "other", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  g_autoptr (TaskTestWitness) witness G_GNUC_UNUSED = task_test_witness_new (task);

  host_test_run (host);
  host_test_die (host);
  cluster_test_assert_failed (
    task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
    "Task '*' was lost with the host 'alpha', which ran work (7); *: The other end has closed the session*");
  g_assert_cmpstr (ferry_test_get_string (task, "host-name"), ==, "alpha");
  host_test_take (other);
  g_assert_cmpuint (other->runs->len, ==, 0);
}

static void
a_process_that_is_known_is_told (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");

  host_run_tell (host_test_run (host), FERRY_PROCESS_VALUE, g_variant_new_uint64 (1234));
  host_test_die (host);
  cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                              "Task '*' was lost with the host 'alpha', whose process 1234 ran work (7); *");
}

/* Two have leave, and there is one worker. */
static void
a_task_that_had_leave_ahead_is_told (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new_with_room (test, "alpha", "work", 1, 3);
  g_autoptr (FerryTask) first = cluster_test_submit (test, "work");
  g_autoptr (FerryTask) second = cluster_test_submit (test, "work");
  g_autoptr (FerryTask) third = cluster_test_submit (test, "work");

  g_assert_cmpuint (host_test_run (host)->request.leave_ahead, ==, 2);
  host_test_run (host);
  host_test_take (host);
  host_test_die (host);
  cluster_test_assert_failed (first, FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                              "Task '*' was lost with the host 'alpha', which ran work (7); *");
  cluster_test_assert_failed (
    second, FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
    "Task '*' was lost with the host 'alpha', where it had leave, but was not begun as far as "
    "is known: work (7); *");
  g_assert_cmpint (ferry_task_get_state (third), ==, FERRY_TASK_STATE_WAITING);
  ferry_task_cancel (third);
}

static void
count_value (FerryTask *task, GVariant *value, gpointer data)
{
  ++*(guint *) data;
}

typedef struct
{
  const guint *n_taken;
  guint n;
} Awaited;

static gboolean
has_taken (gpointer data)
{
  Awaited *awaited = data;

  return *awaited->n_taken == awaited->n;
}

static void
send_items (HostRun *run, guint n)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n; i++)
    ferry_call_send_item (run->call, g_variant_new_uint32 (i), &error);
  g_assert_no_error (error);
}

/* The window grows by two after two values, so that of the second attempt must not count the first one's. */
static void
each_attempt_has_a_window_of_its_own (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (HostTest) other = NULL;
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_ITERATION, "work", NULL);
  guint n_taken = 0;
  HostRun *run;

  g_object_set (task, "window", 4, "idempotent", TRUE, NULL);
  g_signal_connect (task, "yielded", G_CALLBACK (count_value), &n_taken);
  cluster_test_submit_task (test, task);
  send_items (host_test_run (host), 1);
  ferry_test_run_until (has_taken, &(Awaited){&n_taken, 1});
  host_test_die (host);
  other = host_test_new (test, "other", "work", 1);
  run = host_test_run (other);
  send_items (run, 3);
  ferry_test_run_until (has_taken, &(Awaited){&n_taken, 4});
  /* Comes behind what opens the window. */
  ferry_task_cancel (task);
  host_run_wait_cancelled (run, FERRY_CANCEL_REASON_CANCELLED);
  g_assert_cmpuint (ferry_call_get_window (run->call), ==, 4 - 3 + 2);
  host_run_fail (run, G_IO_ERROR, G_IO_ERROR_CANCELLED, "It was cancelled", NULL);
  cluster_test_wait_state (task, FERRY_TASK_STATE_CANCELLED);
}

static void
check_again (gboolean idempotent)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (HostTest) other = host_test_new (test, "other", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");
  g_autoptr (TaskTestWitness) witness = task_test_witness_new (task);
  HostRun *run;

  g_object_set (task, "idempotent", idempotent, "retries", idempotent ? 0 : 1, NULL);
  cluster_test_submit_task (test, task);
  run = host_test_run (host);
  g_assert_cmpint (run->request.settings.idempotent, ==, idempotent);
  cluster_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
  host_test_die (host);
  run = host_test_run (other);
  g_assert_cmpuint (run->request.attempt, ==, 2);
  g_assert_cmpuint (run->request.id, ==, ferry_task_get_number (task));
  host_run_answer (run, NULL);
  cluster_test_assert_done (task);
  g_assert_cmpuint (witness->n_done, ==, 1);
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 2);
}

static void
a_task_with_retries_runs_again (void)
{
  check_again (FALSE);
}

static void
an_idempotent_task_runs_again (void)
{
  check_again (TRUE);
}

static void
lose_worker (HostTest *host)
{
  HostRun *run = host_test_run (host);

  host_run_fail (run, FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "The worker 'pool 1' (process 7) was killed",
                 "worker: work()");
}

/* So many hosts end while they run the task. */
static void
lose_hosts (ClusterTest *test, FerryTask *task, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);

      host_test_run (host);
      cluster_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
    }
}

/* It may be what ends them. */
static void
hosts_that_are_lost_count (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) last = NULL;
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");

  g_object_set (task, "idempotent", TRUE, NULL);
  cluster_test_submit_task (test, task);
  lose_hosts (test, task, 2);
  last = host_test_new_with_room (test, "beta", "work", 1, 1);
  lose_worker (last);
  cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_QUARANTINED, "*lost 3 times and is not begun again*");
}

static void
without_a_limit_an_idempotent_task_outlives_many_hosts (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");
  g_autoptr (HostTest) last = NULL;

  g_object_set (test->cluster, "death-limit", 0, NULL);
  g_object_set (task, "idempotent", TRUE, NULL);
  cluster_test_submit_task (test, task);
  lose_hosts (test, task, 5);
  last = host_test_new (test, "beta", "work", 1);
  host_run_answer (host_test_run (last), NULL);
  cluster_test_assert_done (task);
}

/* ---- Chunks of a map ---- */

static void
answer_item (HostRun *run, guint value)
{
  host_run_tell (run, FERRY_MAP_MESSAGE_VALUE, g_variant_new_uint32 (value));
}

static void
note_result (FerryMap *map, guint64 index, GVariant *result, GError *error, gpointer notes)
{
  if (error == NULL)
    g_string_append_printf (notes, "%u:%u ", (guint) index, g_variant_get_uint32 (result));
  else
    {
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
      g_string_append_printf (notes, "%s ", error->message);
    }
}

static gboolean
has_note (gpointer notes)
{
  return ((GString *) notes)->len > 0;
}

static gboolean
is_complete (gpointer map)
{
  return ferry_test_get_number (map, "is-finished");
}

/* Three items in one chunk. Their host is lost when it has answered the first one, and another one answers the items
 * that it gets. n_items: how many that should be. */
static void
check_chunk_again (gboolean idempotent, guint n_items, const char *results)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (HostTest) other = NULL;
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "work", FERRY_MAP_ORDERED);
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_autoptr (GString) notes = g_string_new (NULL);
  HostRun *run;

  for (guint i = 0; i < 3; i++)
    g_ptr_array_add (items, g_variant_ref_sink (g_variant_new ("(u)", i)));
  ferry_map_set_arguments (map, g_variant_new_array (NULL, (GVariant *const *) items->pdata, items->len));
  g_object_set (map, "chunk-size", 3, "idempotent", idempotent, NULL);
  g_signal_connect (map, "result", G_CALLBACK (note_result), notes);
  ferry_map_start (map);
  run = host_test_run (host);
  g_assert_cmpint (run->request.settings.idempotent, ==, idempotent);
  answer_item (run, 10);
  ferry_test_run_until (has_note, notes);
  host_test_die (host);
  other = host_test_new (test, "other", "work", 1);
  run = host_test_run (other);
  for (guint i = 3 - n_items; i < 3; i++)
    answer_item (run, 20 + i);
  host_run_answer (run, g_variant_new_int64 (1));
  ferry_test_run_until (is_complete, map);
  g_assert_cmpstr (notes->str, ==, results);
}

static void
a_map_loses_the_item_that_its_host_had_begun (void)
{
  check_chunk_again (FALSE, 1,
                     "0:10 Item 1 was lost with the host 'alpha', which ran 'work' for it; map the item again if that "
                     "does no harm, or set FerryMap:idempotent: The other end has closed the session; open a new one "
                     "2:22 ");
}

static void
each_item_of_an_idempotent_map_has_one_result (void)
{
  check_chunk_again (TRUE, 3, "0:10 1:21 2:22 ");
}

static gboolean
rests (gpointer task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING &&
         ferry_test_get_number (task, "not-before") > g_get_real_time ();
}

static void
a_task_rests_before_another_host_gets_it (void)
{
  const gint64 pause = G_USEC_PER_SEC / 10;
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");
  g_autoptr (HostTest) one = host_test_new (test, "one", "work", 1);
  g_autoptr (HostTest) two = host_test_new (test, "two", "work", 1);
  gint64 lost;

  g_object_set (task, "idempotent", TRUE, "retry-pause", pause, NULL);
  cluster_test_submit_task (test, task);
  host_test_run (one);
  lost = g_get_monotonic_time ();
  host_test_die (one);
  ferry_test_run_until (rests, task);
  g_assert_true (g_pattern_match_simple ("Waits until * to be tried again", ferry_task_get_text (task)));
  host_run_answer (host_test_run (two), NULL);
  g_assert_cmpint (g_get_monotonic_time () - lost, >=, pause);
  cluster_test_assert_done (task);
}

static void
retries_are_counted (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");
  g_autoptr (HostTest) one = host_test_new (test, "one", "work", 1);
  g_autoptr (HostTest) two = NULL;

  g_object_set (task, "retries", 1, NULL);
  cluster_test_submit_task (test, task);
  host_test_run (one);
  host_test_die (one);
  two = host_test_new (test, "two", "work", 1);
  host_test_run (two);
  host_test_die (two);
  cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "*with the host 'two'*");
}

static void
a_cancelled_task_ends_with_its_host (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");
  g_autoptr (TaskTestWitness) witness = task_test_witness_new (task);

  g_object_set (task, "idempotent", TRUE, NULL);
  cluster_test_submit_task (test, task);
  host_test_run (host);
  cluster_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
  task_test_witness_cancel (witness);
  host_test_die (host);
  cluster_test_wait_state (task, FERRY_TASK_STATE_CANCELLED);
}

/* The answer of a session that was lost cannot be taken for that of the next one. */
static void
a_late_answer_counts_for_nothing (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new_with_room (test, "alpha", "work", 1, 10);
  g_autoptr (FerryTask) one = cluster_test_submit (test, "work");
  g_autoptr (FerryTask) other = NULL;
  HostRun *first = host_test_wait_run (host);
  HostRun *second;

  ferry_task_cancel (one);
  other = cluster_test_submit (test, "work");
  host_run_tell (first, FERRY_BEGIN_VALUE, g_variant_new_tuple (NULL, 0));
  host_run_answer (first, g_variant_new_string ("forged"));
  second = host_test_run (host);
  host_run_answer (second, g_variant_new_string ("true"));
  task_test_assert_result (other, "'true'");
  g_assert_cmpint (ferry_task_get_state (one), ==, FERRY_TASK_STATE_CANCELLED);
}

/* ---- Workers that are lost at a host ---- */

static void
tells_which_worker_was_lost (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");

  lose_worker (host);
  cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                              "At the host 'alpha': The worker 'pool 1' (process 7) was killed");
  g_assert_cmpstr (ferry_test_get_string (task, "trace"), ==, "worker: work()");
}

static void
a_retry_goes_to_another_host (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) one = host_test_new_with_room (test, "one", "work", 8, 8);
  g_autoptr (HostTest) other = host_test_new_with_room (test, "other", "work", 1, 0);
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");
  g_autoptr (FerryTask) next = NULL;

  g_object_set (task, "retries", 5, NULL);
  cluster_test_submit_task (test, task);
  lose_worker (one);
  cluster_test_wait_state (task, FERRY_TASK_STATE_WAITING);
  /* It waits for the other host, and others do not wait behind it. */
  next = cluster_test_submit (test, "work");
  host_run_answer (host_test_run (one), NULL);
  cluster_test_assert_done (next);
  host_test_add_room (other, 1);
  lose_worker (other);
  /* There is no third host: back to the first one. */
  lose_worker (one);
  host_test_die (one);
  /* Now this is the only one. */
  host_test_add_room (other, 1);
  host_run_answer (host_test_run (other), NULL);
  cluster_test_assert_done (task);
}

static void
a_task_that_ends_workers_at_all_hosts_is_quarantined (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) one = host_test_new_with_room (test, "one", "work", 1, 8);
  g_autoptr (HostTest) other = host_test_new_with_room (test, "other", "work", 1, 8);
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");

  g_object_set (task, "idempotent", TRUE, NULL);
  cluster_test_submit_task (test, task);
  lose_worker (one);
  lose_worker (other);
  lose_worker (one);
  cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_QUARANTINED,
                              "*lost 3 times and is not begun again*work (7)*");
}

/* Where retries ask for more attempts than the limit allows, they are had. */
static void
retries_are_had_whatever_the_limit (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) one = host_test_new_with_room (test, "one", "work", 1, 9);
  g_autoptr (FerryTask) retried = cluster_test_new_task ("work");
  g_autoptr (FerryTask) both = cluster_test_new_task ("work");

  g_object_set (test->cluster, "death-limit", 2, NULL);
  g_object_set (retried, "retries", 3, NULL);
  cluster_test_submit_task (test, retried);
  for (guint i = 0; i < 4; i++)
    lose_worker (one);
  cluster_test_assert_failed (retried, FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "*At the host 'one'*");
  g_object_set (both, "retries", 3, "idempotent", TRUE, NULL);
  cluster_test_submit_task (test, both);
  for (guint i = 0; i < 4; i++)
    lose_worker (one);
  cluster_test_assert_failed (both, FERRY_ERROR, FERRY_ERROR_QUARANTINED, "*lost 4 times and is not begun again*");
}

/* ---- Hosts that refuse ---- */

static void
a_refused_task_is_sent_again_a_few_times (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) one = host_test_new_with_room (test, "one", "work", 1, 8);
  g_autoptr (HostTest) other = host_test_new_with_room (test, "other", "work", 1, 8);
  g_autoptr (FerryTask) lucky = cluster_test_submit (test, "work");
  g_autoptr (FerryTask) unlucky = NULL;
  HostTest *hosts[] = {one, other};

  host_run_refuse (host_test_wait_run (one), "It has no room");
  host_run_answer (host_test_run (other), NULL);
  cluster_test_assert_done (lucky);
  unlucky = cluster_test_submit (test, "work");
  for (guint i = 0; i < 4; i++)
    host_run_refuse (host_test_wait_run (hosts[i % 2]), "It has no room");
  cluster_test_assert_failed (unlucky, FERRY_ERROR, FERRY_ERROR_REFUSED, "*It has no room");
}

/* A worker that ends before it begins a task is no death of the task. So the task goes on to each host once. */
static void
a_task_that_no_host_has_workers_for_fails_as_in_a_pool (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) one = host_test_new_with_room (test, "one", "work", 1, 8);
  g_autoptr (HostTest) other = host_test_new_with_room (test, "other", "work", 1, 8);
  g_autoptr (HostTest) without G_GNUC_UNUSED = host_test_new (test, "without", "play", 1);
  g_autoptr (FerryTask) lucky = cluster_test_submit (test, "work");
  g_autoptr (FerryTask) unlucky = NULL;

  host_run_refuse_for_pool (host_test_wait_run (one), "6 workers ended");
  host_run_answer (host_test_run (other), NULL);
  cluster_test_assert_done (lucky);
  unlucky = cluster_test_submit (test, "work");
  host_run_refuse_for_pool (host_test_wait_run (one), "6 workers ended");
  host_run_refuse_for_pool (host_test_wait_run (other), "7 workers ended");
  cluster_test_assert_failed (unlucky, FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                              "The host 'other' did not run task '*': 7 workers ended");
}

static gboolean
has_text (gpointer task)
{
  return ferry_task_get_text (task) != NULL;
}

static gboolean
has_no_text (gpointer task)
{
  return ferry_task_get_text (task) == NULL;
}

static void
a_task_that_waits_is_told_that_its_host_has_no_workers (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new_with_room (test, "one", "work", 1, 1);
  g_autoptr (FerryTask) refused = cluster_test_submit (test, "work");
  g_autoptr (FerryTask) waiting = cluster_test_submit (test, "work");
  g_autoptr (FerryTask) last = cluster_test_submit (test, "work");

  host_run_refuse_for_pool (host_test_wait_run (host), "6 workers ended");
  cluster_test_assert_failed (refused, FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "*6 workers ended");
  ferry_test_run_until (has_text, waiting);
  g_assert_cmpstr (ferry_task_get_text (waiting), ==, "The host 'one' runs no task now: 6 workers ended");
  ferry_test_run_until (has_text, last);
  host_test_add_room (host, 1);
  host_run_answer (host_test_run (host), NULL);
  cluster_test_assert_done (waiting);
  ferry_test_run_until (has_no_text, last);
  host_test_add_room (host, 1);
  host_run_answer (host_test_run (host), NULL);
  cluster_test_assert_done (last);
}

static gboolean
is_draining (gpointer data)
{
  return ferry_host_get_state (((HostTest *) data)->host) == FERRY_HOST_STATE_DRAINING;
}

static void
refusals_of_hosts_that_drain_are_not_counted (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  g_autoptr (GPtrArray) leaving = g_ptr_array_new_with_free_func ((GDestroyNotify) host_test_free);
  g_autoptr (HostTest) last = NULL;

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("host-%u", i);
      HostTest *host = host_test_new (test, name, "work", 1);
      HostRun *run = host_test_wait_run (host);

      g_ptr_array_add (leaving, host);
      host_test_tell (host, FERRY_DRAIN_VALUE, g_variant_new_tuple (NULL, 0));
      ferry_test_run_until (is_draining, host);
      host_run_refuse (run, "The host leaves");
    }
  last = host_test_new (test, "last", "work", 1);
  host_run_answer (host_test_run (last), NULL);
  cluster_test_assert_done (task);
}

static void
a_draining_host_ends_what_it_has_begun (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new_with_room (test, "alpha", "work", 2, 8);
  g_autoptr (HostTest) other = NULL;
  g_autoptr (FerryTask) begun = cluster_test_submit (test, "work");
  g_autoptr (FerryTask) waiting = cluster_test_submit (test, "work");
  HostRun *run = host_test_run (host);

  host_test_tell (host, FERRY_DRAIN_VALUE, g_variant_new_tuple (NULL, 0));
  ferry_test_run_until (is_draining, host);
  host_run_refuse (host_test_wait_run (host), "The host leaves");
  other = host_test_new (test, "other", "work", 1);
  host_run_answer (host_test_run (other), NULL);
  cluster_test_assert_done (waiting);
  host_run_answer (run, NULL);
  cluster_test_assert_done (begun);
  ferry_call_answer (host->serve, NULL, NULL);
  while (ferry_host_get_state (host->host) != FERRY_HOST_STATE_LOST)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (g_list_model_get_n_items (ferry_cluster_get_hosts (test->cluster)), ==, 1);
}

/* ---- Hosts that break the rules ---- */

typedef void (*Lie) (HostTest *host, HostRun *run);

static void
answers_what_it_has_not_begun (HostTest *host, HostRun *run)
{
  host_run_answer (run, g_variant_new_string ("a lie"));
}

static void
fails_what_it_has_not_begun (HostTest *host, HostRun *run)
{
  host_run_fail (run, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "a lie", NULL);
}

static void
yields_from_what_it_has_not_begun (HostTest *host, HostRun *run)
{
  host_run_tell (run, "lie", g_variant_new_boolean (TRUE));
}

static void
begins_twice (HostTest *host, HostRun *run)
{
  host_run_tell (run, FERRY_BEGIN_VALUE, g_variant_new_tuple (NULL, 0));
  host_run_tell (run, FERRY_BEGIN_VALUE, g_variant_new_tuple (NULL, 0));
}

static void
takes_capacity_back (HostTest *host, HostRun *run)
{
  host_test_tell (host, FERRY_CAPACITY_VALUE, g_variant_new_uint64 (0));
}

static void
tells_capacity_of_a_wrong_type (HostTest *host, HostRun *run)
{
  host_test_tell (host, FERRY_CAPACITY_VALUE, g_variant_new_string ("much"));
}

static void
becomes_another_host (HostTest *host, HostRun *run)
{
  host->name = "another";
  host_test_tell_facts (host, "work", 1);
}

static void
has_no_workers (HostTest *host, HostRun *run)
{
  host_test_tell_facts (host, "work", 0);
}

static void
is_busier_than_it_can_be (HostTest *host, HostRun *run)
{
  host_test_tell (host, FERRY_LOAD_VALUE, g_variant_new_uint64 (2));
}

static void
tells_without_end (HostTest *host, HostRun *run)
{
  for (guint i = 0; i < 2000; i++)
    ferry_call_send_value (host->serve, FERRY_LOAD_VALUE, g_variant_new_uint64 (i % 2), NULL);
}

/* Each has a place in a table, so there may be thousands to look at. */
static void
tells_its_facts_without_end (HostTest *host, HostRun *run)
{
  for (guint i = 0; i < 50; i++)
    host_test_tell_facts (host, i % 2 == 0 ? "work" : "work play", 1);
}

static const struct
{
  const char *words;
  Lie lie;
} lies[] = {
  {"it answered a task that it had not begun", answers_what_it_has_not_begun},
  {"it answered a task that it had not begun", fails_what_it_has_not_begun},
  {"it sent something of a task that it had not begun", yields_from_what_it_has_not_begun},
  {"it took capacity back", takes_capacity_back},
  {"sent a number of a wrong type", tells_capacity_of_a_wrong_type},
  {"it told another name than before", becomes_another_host},
  {"sent facts of a host with no workers", has_no_workers},
  {"sent a number that cannot be", is_busier_than_it_can_be},
  {"it told more of itself than anyone needs", tells_without_end},
  {"it told more of itself than anyone needs", tells_its_facts_without_end},
};

/* The host is not used any more; its task, which was not begun, runs elsewhere. */
static void
a_lying_host_is_found_out (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      g_autoptr (ClusterTest) test = cluster_test_new ();
      g_autoptr (HostTest) liar = host_test_new (test, "liar", "work", 1);
      g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
      g_autoptr (HostTest) honest = NULL;
      g_autofree char *message = NULL;

      lies[i].lie (liar, host_test_wait_run (liar));
      while (ferry_host_get_state (liar->host) != FERRY_HOST_STATE_LOST)
        g_main_context_iteration (NULL, TRUE);
      message = task_test_take_message ();
      g_assert_nonnull (strstr (message, "The host 'liar' broke a rule of the protocol"));
      g_assert_nonnull (strstr (message, lies[i].words));
      g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
      honest = host_test_new (test, "honest", "work", 1);
      host_run_answer (host_test_run (honest), g_variant_new_string ("true"));
      task_test_assert_result (task, "'true'");
    }
}

/* Returns (transfer full) as many names of functions as a host may have, each as long as it may be. */
static char *
make_most_functions (void)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < FERRY_MAX_HOST_FUNCTIONS; i++)
    g_string_append_printf (names, "%s%0250u", i > 0 ? " " : "", i);
  return g_string_free (names, FALSE);
}

static gboolean
has_most_functions_or_is_lost (gpointer host)
{
  return ferry_host_get_state (host) == FERRY_HOST_STATE_LOST ||
         g_strv_length (((FerryHost *) host)->facts.functions) == FERRY_MAX_HOST_FUNCTIONS;
}

/* What a host says of itself is kept as long as it is there, and there may be any number of hosts. */
static void
what_is_kept_of_all_hosts_is_bounded (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (GPtrArray) hosts = g_ptr_array_new_with_free_func ((GDestroyNotify) host_test_free);
  g_autofree char *functions = make_most_functions ();
  g_autofree char *message = NULL;
  HostTest *last;

  do
    {
      last = host_test_new (test, "many", "work", 1);
      g_ptr_array_add (hosts, last);
      host_test_tell_facts (last, functions, 1);
      ferry_test_run_until (has_most_functions_or_is_lost, last->host);
    }
  while (ferry_host_get_state (last->host) != FERRY_HOST_STATE_LOST);
  g_assert_cmpuint ((hosts->len - 1) * strlen (functions), <=, (gsize) 16 * 1024 * 1024);
  message = task_test_take_message ();
  g_assert_nonnull (strstr (message, "more functions than this application keeps"));
  /* What one that leaves had is free for another one. */
  g_ptr_array_remove_index (hosts, 0);
  last = host_test_new (test, "next", "work", 1);
  g_ptr_array_add (hosts, last);
  host_test_tell_facts (last, functions, 1);
  ferry_test_run_until (has_most_functions_or_is_lost, last->host);
  g_assert_cmpint (ferry_host_get_state (last->host), ==, FERRY_HOST_STATE_PRESENT);
  g_clear_pointer (&hosts, g_ptr_array_unref);
}

/* Each start of a host is another one, so the log cannot be kept short for each alone. */
static void
hosts_that_lie_do_not_fill_the_log (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();

  task_test_take_n_messages ();
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (HostTest) liar = host_test_new (test, "liar", "work", 1);

      takes_capacity_back (liar, NULL);
      while (ferry_host_get_state (liar->host) != FERRY_HOST_STATE_LOST)
        g_main_context_iteration (NULL, TRUE);
    }
  g_assert_cmpuint (task_test_take_n_messages (), ==, FERRY_RATE_MAX_LINES + 1);
}

static void
lies_about_begun_tasks_lose_them (void)
{
  static const char *const names[] = {FERRY_PROGRESS_VALUE, FERRY_PROCESS_VALUE, FERRY_LOG_VALUE, NULL};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (ClusterTest) test = cluster_test_new ();
      g_autoptr (HostTest) liar = host_test_new (test, "liar", "work", 1);
      g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
      HostRun *run = host_test_wait_run (liar);

      if (names[i] == NULL)
        begins_twice (liar, run);
      else
        {
          host_run_begin (run);
          host_run_tell (run, names[i], g_variant_new_boolean (TRUE));
        }
      cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                                  "*with the host 'liar'*The host 'liar' broke a rule of the protocol: *");
      g_free (task_test_take_message ());
    }
}

/* A host that does not end a cancelled task would keep it without end. */
static void
a_cancelled_task_ends_in_time (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");
  g_autofree char *message = NULL;

  host->host->patience = 1;
  ferry_task_set_cancel_grace (task, 1);
  cluster_test_submit_task (test, task);
  host_test_run (host);
  ferry_task_cancel (task);
  cluster_test_wait_state (task, FERRY_TASK_STATE_CANCELLED);
  message = task_test_take_message ();
  g_assert_nonnull (strstr (message, "it did not end a cancelled task in time"));
}

static void
note_line (FerryHost *host, FerryTask *task, guint level, const char *line, gpointer data)
{
  g_ptr_array_add (data, g_strdup (line));
  g_signal_stop_emission_by_name (host, "log");
}

static void
begin_second (FerryTask *task, const char *type, GVariant *value, FerryHost *host)
{
  host->lines.since = 0;
}

static void
only_so_many_log_lines_are_shown (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  g_autoptr (GPtrArray) shown = g_ptr_array_new_with_free_func (g_free);
  HostRun *run = host_test_run (host);

  g_signal_connect (host->host, "log", G_CALLBACK (note_line), shown);
  /* No second is over in this test. */
  host->host->lines.since = G_MAXINT64 / 2;
  for (guint i = 0; i < 1000; i++)
    host_run_tell (run, FERRY_LOG_VALUE, ferry_run_log_to_variant (G_LOG_LEVEL_DEBUG, "line"));
  host_run_tell (run, "all", g_variant_new_uint32 (1));
  g_signal_connect (task, "message", G_CALLBACK (begin_second), host->host);
  for (guint i = 0; i < 2; i++)
    host_run_tell (run, FERRY_LOG_VALUE, ferry_run_log_to_variant (G_LOG_LEVEL_DEBUG, "later"));
  host_run_answer (run, NULL);
  cluster_test_assert_done (task);
  g_assert_cmpuint (shown->len, ==, 203);
  g_assert_cmpstr (shown->pdata[199], ==, "line");
  g_assert_cmpstr (shown->pdata[200], ==,
                   "800 lines of this host were left out here, which had more than 200 in a second");
  g_assert_cmpstr (shown->pdata[201], ==, "later");
}

/* ---- The application's own end ---- */

static void
closing_fails_what_was_begun (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new_with_room (test, "alpha", "work", 1, 2);
  g_autoptr (FerryTask) begun = cluster_test_new_task ("work");
  g_autoptr (FerryTask) waiting = NULL;

  g_object_set (begun, "idempotent", TRUE, NULL);
  cluster_test_submit_task (test, begun);
  waiting = cluster_test_submit (test, "work");
  host_test_run (host);
  cluster_test_wait_state (begun, FERRY_TASK_STATE_EXECUTING);
  host_test_wait_run (host);
  ferry_cluster_close (test->cluster);
  cluster_test_assert_failed (begun, FERRY_ERROR, FERRY_ERROR_CLOSED, "The cluster was closed while the task ran*");
  g_assert_cmpint (ferry_task_get_state (waiting), ==, FERRY_TASK_STATE_WAITING);
  ferry_task_cancel (waiting);
}

static void
a_stopped_router_fails_all (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) begun = cluster_test_submit (test, "work");
  g_autoptr (FerryTask) waiting = cluster_test_submit (test, "work");

  host_test_run (host);
  g_assert_true (ferry_router_stop (test->router, NULL));
  cluster_test_assert_failed (begun, FERRY_ERROR, FERRY_ERROR_CLOSED, "The router was stopped*");
  cluster_test_assert_failed (waiting, FERRY_ERROR, FERRY_ERROR_CLOSED, "The router was stopped*");
  g_assert_true (ferry_router_start (test->router, NULL));
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/cluster-losses/a-task-that-was-not-begun-runs-elsewhere",
                   a_task_that_was_not_begun_runs_elsewhere);
  g_test_add_func ("/cluster-losses/a-begun-task-is-lost-with-its-host", a_begun_task_is_lost_with_its_host);
  g_test_add_func ("/cluster-losses/each-attempt-has-a-window-of-its-own", each_attempt_has_a_window_of_its_own);
  g_test_add_func ("/cluster-losses/a-process-that-is-known-is-told", a_process_that_is_known_is_told);
  g_test_add_func ("/cluster-losses/a-task-that-had-leave-ahead-is-told", a_task_that_had_leave_ahead_is_told);
  g_test_add_func ("/cluster-losses/a-task-with-retries-runs-again", a_task_with_retries_runs_again);
  g_test_add_func ("/cluster-losses/an-idempotent-task-runs-again", an_idempotent_task_runs_again);
  g_test_add_func ("/cluster-losses/hosts-that-are-lost-count", hosts_that_are_lost_count);
  g_test_add_func ("/cluster-losses/without-a-limit-an-idempotent-task-outlives-many-hosts",
                   without_a_limit_an_idempotent_task_outlives_many_hosts);
  g_test_add_func ("/cluster-losses/a-map-loses-the-item-that-its-host-had-begun",
                   a_map_loses_the_item_that_its_host_had_begun);
  g_test_add_func ("/cluster-losses/each-item-of-an-idempotent-map-has-one-result",
                   each_item_of_an_idempotent_map_has_one_result);
  g_test_add_func ("/cluster-losses/a-task-rests-before-another-host-gets-it",
                   a_task_rests_before_another_host_gets_it);
  g_test_add_func ("/cluster-losses/retries-are-counted", retries_are_counted);
  g_test_add_func ("/cluster-losses/a-cancelled-task-ends-with-its-host", a_cancelled_task_ends_with_its_host);
  g_test_add_func ("/cluster-losses/a-late-answer-counts-for-nothing", a_late_answer_counts_for_nothing);
  g_test_add_func ("/cluster-losses/tells-which-worker-was-lost", tells_which_worker_was_lost);
  g_test_add_func ("/cluster-losses/a-retry-goes-to-another-host", a_retry_goes_to_another_host);
  g_test_add_func ("/cluster-losses/retries-are-had-whatever-the-limit", retries_are_had_whatever_the_limit);
  g_test_add_func ("/cluster-losses/a-task-that-ends-workers-at-all-hosts-is-quarantined",
                   a_task_that_ends_workers_at_all_hosts_is_quarantined);
  g_test_add_func ("/cluster-losses/a-task-that-no-host-has-workers-for-fails-as-in-a-pool",
                   a_task_that_no_host_has_workers_for_fails_as_in_a_pool);
  g_test_add_func ("/cluster-losses/a-task-that-waits-is-told-that-its-host-has-no-workers",
                   a_task_that_waits_is_told_that_its_host_has_no_workers);
  g_test_add_func ("/cluster-losses/a-refused-task-is-sent-again-a-few-times",
                   a_refused_task_is_sent_again_a_few_times);
  g_test_add_func ("/cluster-losses/refusals-of-hosts-that-drain-are-not-counted",
                   refusals_of_hosts_that_drain_are_not_counted);
  g_test_add_func ("/cluster-losses/a-draining-host-ends-what-it-has-begun", a_draining_host_ends_what_it_has_begun);
  g_test_add_func ("/cluster-losses/a-lying-host-is-found-out", a_lying_host_is_found_out);
  g_test_add_func ("/cluster-losses/what-is-kept-of-all-hosts-is-bounded", what_is_kept_of_all_hosts_is_bounded);
  g_test_add_func ("/cluster-losses/hosts-that-lie-do-not-fill-the-log", hosts_that_lie_do_not_fill_the_log);
  g_test_add_func ("/cluster-losses/lies-about-begun-tasks-lose-them", lies_about_begun_tasks_lose_them);
  g_test_add_func ("/cluster-losses/a-cancelled-task-ends-in-time", a_cancelled_task_ends_in_time);
  g_test_add_func ("/cluster-losses/only-so-many-log-lines-are-shown", only_so_many_log_lines_are_shown);
  g_test_add_func ("/cluster-losses/closing-fails-what-was-begun", closing_fails_what_was_begun);
  g_test_add_func ("/cluster-losses/a-stopped-router-fails-all", a_stopped_router_fails_all);
  return g_test_run ();
}
