/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-labels.c, cluster/ferry-cluster.c, cluster/ferry-host.c, cluster/ferry-remote-run.c
 *
 * What a cluster does with tasks, as hosts see it that do what the test says. What it does with hosts that end or break
 * the rules is in test-cluster-losses.c. */

#include "config.h"

#include "cluster/cluster-test.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-task-private.h"
#include "task/task-test.h"
#include "wire/ferry-reserved-name-private.h"

static void
runs_a_task (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 2);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  g_autoptr (TaskTestWitness) witness G_GNUC_UNUSED = task_test_witness_new (task);
  HostRun *run = host_test_wait_run (host);

  g_assert_cmpstr (run->request.function, ==, "work");
  g_assert_cmpstr (run->request.name, ==, ferry_task_get_name (task));
  g_assert_cmpuint (run->request.attempt, ==, 1);
  g_assert_cmpuint (run->request.kind, ==, FERRY_TASK_KIND_CALL);
  g_assert_false (run->request.settings.idempotent);
  g_assert_cmpint (run->request.settings.run_timeout, ==, 0);
  g_assert_cmpint (run->request.settings.deadline, ==, 0);
  g_assert_true (g_variant_equal (run->request.arguments, ferry_test_get_variant (task, "arguments")));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  g_assert_null (ferry_test_get_string (task, "host-name"));
  host_run_begin (run);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_EXECUTING);
  g_assert_cmpstr (ferry_test_get_string (task, "host-name"), ==, "alpha");
  host_run_answer (run, g_variant_new_string ("result"));
  task_test_assert_result (task, "'result'");
}

static void
knows_its_hosts (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  GListModel *hosts = ferry_cluster_get_hosts (test->cluster);
  g_autoptr (HostTest) one = host_test_new (test, "one", "work play work", 2);
  g_autoptr (HostTest) other = host_test_new (test, "other", "work", 3);
  g_autoptr (FerryHost) first = g_list_model_get_item (hosts, 0);
  g_autofree char *instance = NULL;
  g_autofree char *version = NULL;
  g_auto (GStrv) functions = NULL;

  g_object_get (first, "instance", &instance, "version", &version, "functions", &functions, NULL);
  g_assert_cmpuint (g_list_model_get_n_items (hosts), ==, 2);
  g_assert_true (first == one->host);
  g_assert_cmpstr (ferry_host_get_name (first), ==, "one");
  g_assert_cmpstr (instance, ==, "0123456789abcdef");
  g_assert_cmpstr (version, ==, "0.1.0");
  g_assert_cmpstrv (functions, ((const char *const[]){"play", "work", NULL}));
  g_assert_cmpint (ferry_host_get_state (first), ==, FERRY_HOST_STATE_PRESENT);
  g_assert_cmpuint (ferry_host_get_n_workers (first), ==, 2);
  g_assert_cmpint (ferry_host_get_round_trip (first), >, 0);
  g_assert_cmpuint (ferry_test_get_number (FERRY_RUNNER (test->cluster), "parallelism"), ==, 5);
  host_test_die (one);
  g_assert_cmpuint (g_list_model_get_n_items (hosts), ==, 1);
  g_assert_cmpint (ferry_host_get_state (first), ==, FERRY_HOST_STATE_LOST);
}

static void
count_call (gpointer n_calls)
{
  ++*(guint *) n_calls;
}

/* Sets a text, once or twice the same. */
static void
assert_keeps_text (FerryCluster *cluster, const char *name, const char *text)
{
  g_autofree char *signal = g_strconcat ("notify::", name, NULL);
  g_autofree char *kept = NULL;
  guint n_notified = 0;

  g_signal_connect_swapped (cluster, signal, G_CALLBACK (count_call), &n_notified);
  g_object_set (cluster, name, text, NULL);
  g_object_set (cluster, name, text, NULL);
  g_object_get (cluster, name, &kept, NULL);
  g_signal_handlers_disconnect_by_data (cluster, &n_notified);
  g_assert_cmpstr (kept, ==, text);
  g_assert_cmpuint (n_notified, ==, 1);
}

static gpointer
read_elsewhere (gpointer cluster)
{
  g_autoptr (FerryRouter) router = NULL;

  g_object_get (cluster, "router", &router, NULL);
  return router;
}

static void
keeps_its_settings (void)
{
  FerryRouter *router = ferry_test_router_new ();
  FerryCluster *cluster =
    g_object_new (FERRY_TYPE_CLUSTER, "router", router, "url", "nats://example.org", "application", "app", "user",
                  "alice", "death-limit", 7, "leave-ahead", 9, NULL);
  g_autofree char *name = NULL;
  g_autofree char *user = NULL;

  g_object_get (cluster, "name", &name, "user", &user, NULL);
  g_assert_cmpstr (name, ==, "app");
  g_assert_cmpstr (user, ==, "alice");
  g_assert_cmpint (ferry_test_get_number (cluster, "death-limit"), ==, 7);
  g_assert_cmpint (ferry_test_get_number (cluster, "leave-ahead"), ==, 9);
  g_assert_cmpint (ferry_test_get_number (cluster, "cut-timeout"), ==, 30 * G_USEC_PER_SEC);
  g_object_set (cluster, "cut-timeout", G_MAXINT64, NULL);
  g_object_set (cluster, "cut-timeout", (gint64) 2 * G_USEC_PER_SEC, NULL);
  g_assert_cmpint (ferry_test_get_number (cluster, "cut-timeout"), ==, 2 * G_USEC_PER_SEC);
  assert_keeps_text (cluster, "user", "bob");
  assert_keeps_text (cluster, "name", "name");
  assert_keeps_text (cluster, "credentials-file", "/credentials");
  assert_keeps_text (cluster, "nkey-seed-file", "/seed");
  assert_keeps_text (cluster, "tls-ca-file", "/certificates");
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "FerryCluster:user: 'b.o.b' cannot be part of a subject*");
  g_object_set (cluster, "user", "b.o.b", NULL);
  g_test_assert_expected_messages ();
  assert_keeps_text (cluster, "user", NULL);
  g_assert_true (g_thread_join (g_thread_new ("elsewhere", read_elsewhere, cluster)) == router);
  ferry_test_finalize (cluster);
  ferry_test_router_stop (router);
}

static gboolean
is_busy (gpointer data)
{
  return ferry_host_get_n_busy (((HostTest *) data)->host) == 2;
}

static void
shows_the_load_of_hosts (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 3);

  host_test_tell (host, FERRY_LOAD_VALUE, g_variant_new_uint64 (2));
  ferry_test_run_until (is_busy, host);
  g_assert_cmpuint (ferry_host_get_n_workers (host->host), ==, 3);
}

/* ---- What functions send ---- */

static void
note_line (FerryHost *host, FerryTask *task, guint level, const char *line, gpointer data)
{
  GString *lines = data;

  g_string_append_printf (lines, "%u %s\n", level, line);
  g_signal_stop_emission_by_name (host, "log");
}

static void
note_message (FerryTask *task, const char *type, GVariant *value, gpointer data)
{
  g_autofree char *text = g_variant_print (value, FALSE);

  g_string_append_printf (data, "%s %s, then at %.15g\n", type, text, ferry_task_get_fraction (task));
}

static void
tells_what_a_function_sends_in_order (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  g_autoptr (GString) notes = g_string_new (NULL);
  HostRun *run = host_test_run (host);

  g_signal_connect (host->host, "log", G_CALLBACK (note_line), notes);
  g_signal_connect (task, "message", G_CALLBACK (note_message), notes);
  for (guint i = 1; i <= 4; i++)
    {
      FerryProgress progress = {.fraction = i / 4.0, .amount = i, .total = 4, .unit = "parts", .text = "going on"};

      host_run_tell (run, FERRY_PROGRESS_VALUE, ferry_run_progress_to_variant (&progress));
      host_run_tell (run, "step", g_variant_new_uint32 (i));
    }
  host_run_tell (run, FERRY_LOG_VALUE, ferry_run_log_to_variant (G_LOG_LEVEL_WARNING, "one\nline"));
  host_run_tell (run, FERRY_LOG_VALUE, ferry_run_log_to_variant (G_LOG_LEVEL_ERROR, "no end"));
  host_run_tell (run, FERRY_OWN_VALUE_PREFIX "of-a-later-version", g_variant_new_uint32 (1));
  host_run_answer (run, NULL);
  task_test_assert_result (task, NULL);
  g_assert_cmpstr (notes->str, ==,
                   "step 1, then at 0.25\nstep 2, then at 0.5\nstep 3, then at 0.75\nstep 4, then at 1\n"
                   "16 one line\n16 no end\n");
  g_assert_cmpstr (ferry_task_get_text (task), ==, "going on");
  g_assert_cmpuint (ferry_test_get_number (task, "amount"), ==, 4);
}

static void
take_value (FerryTask *task, GVariant *value, gpointer data)
{
  guint *n = data;

  g_assert_cmpuint (g_variant_get_uint32 (value), ==, (*n)++);
}

static gboolean
has_window (gpointer data)
{
  return ferry_call_get_window (((HostRun *) data)->call) > 0;
}

static void
yields_as_the_window_allows (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_ITERATION, "work", NULL);
  guint n_taken = 0;
  HostRun *run;

  g_object_set (task, "window", 4, NULL);
  g_signal_connect (task, "yielded", G_CALLBACK (take_value), &n_taken);
  cluster_test_submit_task (test, task);
  run = host_test_run (host);
  g_assert_cmpuint (ferry_call_get_window (run->call), ==, 4);
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (GError) error = NULL;

      ferry_test_look_until (has_window, run);
      ferry_call_send_item (run->call, g_variant_new_uint32 (i), &error);
      g_assert_no_error (error);
    }
  host_run_answer (run, NULL);
  cluster_test_assert_done (task);
  g_assert_cmpuint (n_taken, ==, 100);
}

static void
gives_errors_with_their_traces (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  HostRun *run = host_test_run (host);

  host_run_fail (run, G_FILE_ERROR, G_FILE_ERROR_NOENT, "It is not there", "host alpha, process 7: work()");
  cluster_test_assert_failed (task, G_FILE_ERROR, G_FILE_ERROR_NOENT, "It is not there");
  g_assert_cmpstr (ferry_test_get_string (task, "trace"), ==, "host alpha, process 7: work()");
}

/* A flood of reports costs one delivery at a time: the newest one counts. */
static void
shows_progress_at_its_own_pace (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  g_autoptr (TaskTestWitness) witness = task_test_witness_new (task);
  HostRun *run;

  g_object_set (test->router, "latest-interval", G_MAXINT64, NULL);
  run = host_test_run (host);
  for (guint i = 1; i <= 1000; i++)
    {
      FerryProgress progress = {.fraction = i / 1000.0};

      host_run_tell (run, FERRY_PROGRESS_VALUE, ferry_run_progress_to_variant (&progress));
    }
  task_test_settle ();
  g_assert_cmpuint (witness->n_progress, ==, 1);
  host_run_answer (run, NULL);
  cluster_test_assert_done (task);
  g_assert_cmpuint (witness->n_progress, ==, 2);
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 1);
}

static gboolean
is_half_done (gpointer task)
{
  return ferry_task_get_fraction (task) == 0.5;
}

static void
shows_the_last_report_in_time (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  HostRun *run = host_test_run (host);

  for (guint i = 1; i <= 10; i++)
    {
      FerryProgress progress = {.fraction = i / 20.0};

      host_run_tell (run, FERRY_PROGRESS_VALUE, ferry_run_progress_to_variant (&progress));
    }
  ferry_test_run_until (is_half_done, task);
  host_run_answer (run, NULL);
  cluster_test_assert_done (task);
}

static gboolean
is_late (gpointer task)
{
  return g_strcmp0 (ferry_task_get_text (task), "late") == 0;
}

static gboolean
is_indeterminate (gpointer task)
{
  return ferry_test_get_number (task, "indeterminate") != 0;
}

/* Of a flood of reports the newest one is shown; a fraction that came before, or comes later, is not. */
static void
shows_no_fraction_that_was_taken_back (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  HostRun *run = host_test_run (host);
  FerryProgress half = {.fraction = 0.5};
  FerryProgress back = {.fraction = FERRY_FRACTION_TAKEN_BACK, .text = "the next part"};
  FerryProgress late = {.fraction = 0.75, .text = "late"};

  host_run_tell (run, FERRY_PROGRESS_VALUE, ferry_run_progress_to_variant (&half));
  ferry_test_run_until (is_half_done, task);
  host_run_tell (run, FERRY_PROGRESS_VALUE, ferry_run_progress_to_variant (&back));
  ferry_test_run_until (is_indeterminate, task);
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 0);
  host_run_tell (run, FERRY_PROGRESS_VALUE, ferry_run_progress_to_variant (&late));
  ferry_test_run_until (is_late, task);
  g_assert_true (is_indeterminate (task));
  host_run_answer (run, NULL);
  cluster_test_assert_done (task);
  g_assert_false (is_indeterminate (task));
}

/* ---- Cancels and times ---- */

static void
cancels_a_task_that_no_host_has_begun (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  g_autoptr (TaskTestWitness) witness = task_test_witness_new (task);
  HostRun *run = host_test_wait_run (host);

  g_assert_true (task_test_witness_cancel (witness));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpuint (host->host->n_unbegun, ==, 0);
  host_run_wait_cancelled (run, FERRY_CANCEL_REASON_CANCELLED);
  /* The host may have sent this before it heard of the cancel. */
  host_run_tell (run, FERRY_BEGIN_VALUE, g_variant_new_tuple (NULL, 0));
  host_run_refuse (run, "It was cancelled");
  /* Nothing is said of it, and no leave is given: the next task is the proof. */
  host_test_add_room (host, 1);
  g_clear_object (&task);
  task = cluster_test_submit (test, "work");
  host_run_answer (host_test_run (host), NULL);
  cluster_test_assert_done (task);
  g_assert_false (run->has_leave);
}

static void
cancels_a_function (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  g_autoptr (TaskTestWitness) witness = task_test_witness_new (task);
  HostRun *run = host_test_run (host);

  g_assert_true (task_test_witness_cancel (witness));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLING);
  host_run_wait_cancelled (run, FERRY_CANCEL_REASON_CANCELLED);
  host_run_fail (run, G_IO_ERROR, G_IO_ERROR_CANCELLED, "It was cancelled", NULL);
  cluster_test_wait_state (task, FERRY_TASK_STATE_CANCELLED);
}

/* Also where the host says so only with the result: the cancel was on its way. */
static void
a_cancel_comes_too_late_for_a_function_that_has_committed (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  HostRun *run = host_test_run (host);

  ferry_task_cancel (task);
  host_run_wait_cancelled (run, FERRY_CANCEL_REASON_CANCELLED);
  host_run_tell (run, FERRY_COMMITTED, g_variant_new ("()"));
  host_run_answer (run, NULL);
  cluster_test_wait_state (task, FERRY_TASK_STATE_COMPLETED);
}

static void
a_cancel_meets_a_host_that_has_not_begun (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  HostRun *run = host_test_run (host);

  ferry_task_cancel (task);
  host_run_wait_cancelled (run, FERRY_CANCEL_REASON_CANCELLED);
  host_run_refuse (run, "Leave came too late");
  cluster_test_wait_state (task, FERRY_TASK_STATE_CANCELLED);
}

static void
ends_a_function_that_runs_too_long (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");
  HostRun *run;

  ferry_task_set_run_timeout (task, 50 * FERRY_MICROSECONDS_PER_MILLISECOND);
  cluster_test_submit_task (test, task);
  run = host_test_run (host);
  g_assert_cmpint (run->request.settings.run_timeout, ==, 50 * FERRY_MICROSECONDS_PER_MILLISECOND);
  host_run_tell (run, FERRY_PROCESS_VALUE, g_variant_new_uint64 (1234));
  host_run_wait_cancelled (run, FERRY_CANCEL_REASON_DEADLINE);
  /* It is done when the host says so. */
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLING);
  host_run_answer (run, NULL);
  cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "*ran for longer than its limit of 0.05 s*");
}

static FerryTask *
submit_for (ClusterTest *test, gboolean idempotent, gint64 run_timeout, gint64 deadline)
{
  FerryTask *task = cluster_test_new_task ("work");

  g_object_set (task, "idempotent", idempotent, "run-timeout", run_timeout, "deadline", deadline, NULL);
  cluster_test_submit_task (test, task);
  return task;
}

/* Two begin, and there is one worker. The limit of the first is longer, and it is the first to be over. */
static void
what_waits_ahead_does_not_run (gconstpointer idempotent)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new_with_room (test, "alpha", "work", 1, 2);
  g_autoptr (FerryTask) first = submit_for (test, GPOINTER_TO_INT (idempotent), 50000, 0);
  g_autoptr (FerryTask) second = submit_for (test, GPOINTER_TO_INT (idempotent), 1, 0);
  HostRun *running = host_test_run (host);
  HostRun *waiting = host_test_run (host);

  cluster_test_wait_state (second, FERRY_TASK_STATE_EXECUTING);
  host_run_tell (running, FERRY_PROCESS_VALUE, g_variant_new_uint64 (1234));
  host_run_wait_cancelled (running, FERRY_CANCEL_REASON_DEADLINE);
  g_assert_cmpint (ferry_task_get_state (second), ==, FERRY_TASK_STATE_EXECUTING);
  host_run_answer (running, NULL);
  cluster_test_assert_failed (first, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "*ran for longer than its limit of 0.05 s*");
  host_run_tell (waiting, FERRY_PROCESS_VALUE, g_variant_new_uint64 (1234));
  host_run_wait_cancelled (waiting, FERRY_CANCEL_REASON_DEADLINE);
  host_run_answer (waiting, NULL);
  cluster_test_assert_failed (second, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "*ran for longer than its limit of*");
}

static void
a_deadline_says_what_waited_ahead (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new_with_room (test, "alpha", "work", 1, 2);
  g_autoptr (FerryTask) first = cluster_test_submit (test, "work");
  g_autoptr (FerryTask) second =
    submit_for (test, FALSE, 0, g_get_monotonic_time () + 300 * FERRY_MICROSECONDS_PER_MILLISECOND);
  HostRun *running = host_test_run (host);
  HostRun *waiting = host_test_run (host);

  host_run_wait_cancelled (waiting, FERRY_CANCEL_REASON_DEADLINE);
  host_run_answer (waiting, NULL);
  cluster_test_assert_failed (second, FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                              "Task '*' waited at the host 'alpha' at its deadline, as far as is known; *");
  host_run_answer (running, NULL);
  cluster_test_assert_done (first);
}

static void
ends_a_task_at_its_deadline (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) running = cluster_test_new_task ("work");
  g_autoptr (FerryTask) waiting = cluster_test_new_task ("work");
  gint64 deadline = g_get_monotonic_time () + 300 * FERRY_MICROSECONDS_PER_MILLISECOND;
  HostRun *run;

  g_object_set (running, "deadline", (gint64) deadline, NULL);
  g_object_set (waiting, "deadline", (gint64) deadline, NULL);
  cluster_test_submit_task (test, running);
  cluster_test_submit_task (test, waiting);
  run = host_test_run (host);
  g_assert_cmpint (run->request.settings.deadline, >, 0);
  g_assert_cmpint (run->request.settings.deadline, <=, 300 * FERRY_MICROSECONDS_PER_MILLISECOND);
  cluster_test_assert_failed (waiting, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "*was not begun before its deadline*");
  host_run_wait_cancelled (run, FERRY_CANCEL_REASON_DEADLINE);
  host_run_answer (run, NULL);
  cluster_test_assert_failed (running, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "*was still running at its deadline*");
}

static void
a_task_sent_ahead_fails_when_it_has_waited_too_long (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");

  g_object_set (task, "queue-timeout", (gint64) (50 * FERRY_MICROSECONDS_PER_MILLISECOND), NULL);
  cluster_test_submit_task (test, task);
  host_test_wait_run (host);
  cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_QUEUE_TIMED_OUT, "*was not begun within its queue*");
}

static gboolean
is_forced (gpointer data)
{
  HostRun *run = data;

  host_test_take (run->host);
  return run->grace == 0;
}

static void
shutdown_done (GObject *source, GAsyncResult *result, gpointer data)
{
  gboolean *done = data;

  ferry_executor_shutdown_finish (FERRY_EXECUTOR (source), result, NULL);
  *done = TRUE;
}

static void
a_shutdown_without_time_forces_tasks (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  HostRun *run = host_test_run (host);
  gboolean done = FALSE;

  ferry_executor_shutdown_async (test->executor, 0, NULL, shutdown_done, &done);
  ferry_test_run_until (is_forced, run);
  ferry_test_wait_flag (&done);
  g_assert_true (ferry_task_get_done (task));
}

/* ---- Pauses ---- */

static gboolean
is_paused (gpointer data)
{
  HostRun *run = data;

  host_test_take (run->host);
  return run->paused;
}

static gboolean
goes_on (gpointer data)
{
  return !is_paused (data);
}

static void
a_pause_is_told_to_the_host (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");
  HostRun *run = host_test_run (host);

  g_assert_true (ferry_task_pause (task));
  ferry_test_run_until (is_paused, run);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_EXECUTING);
  g_assert_true (ferry_task_resume (task));
  ferry_test_run_until (goes_on, run);
  ferry_task_pause (task);
  ferry_test_run_until (is_paused, run);
  ferry_task_cancel (task);
  host_run_wait_cancelled (run, FERRY_CANCEL_REASON_CANCELLED);
  host_run_answer (run, NULL);
}

static void
a_paused_task_is_sent_to_no_host (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (FerryTask) first = cluster_test_new_task ("work");
  g_autoptr (FerryTask) second = cluster_test_new_task ("work");
  g_autoptr (HostTest) host = NULL;
  HostRun *run;

  g_object_set (first, "name", "first", NULL);
  g_object_set (second, "name", "second", NULL);
  ferry_task_pause (first);
  cluster_test_submit_task (test, first);
  cluster_test_submit_task (test, second);
  host = host_test_new (test, "alpha", "work", 1);
  run = host_test_run (host);
  g_assert_cmpstr (run->request.name, ==, "second");
  host_run_answer (run, NULL);
  host_test_add_room (host, 1);
  ferry_task_resume (first);
  run = host_test_run (host);
  g_assert_cmpstr (run->request.name, ==, "first");
  host_run_answer (run, NULL);
}

/* ---- Which task, and which host ---- */

static void
sends_by_priority (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (FerryTask) low = cluster_test_new_task ("work");
  g_autoptr (FerryTask) high = cluster_test_new_task ("work");
  g_autoptr (HostTest) host = NULL;
  HostRun *first, *second;

  g_object_set (low, "name", "low", NULL);
  g_object_set (high, "name", "high", "priority", 1, NULL);
  cluster_test_submit_task (test, low);
  cluster_test_submit_task (test, high);
  host = host_test_new (test, "alpha", "work", 2);
  first = host_test_run (host);
  second = host_test_run (host);
  g_assert_cmpstr (first->request.name, ==, "high");
  g_assert_cmpstr (second->request.name, ==, "low");
  host_run_answer (first, NULL);
  host_run_answer (second, NULL);
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
a_task_waits_for_a_host_with_its_function (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (FerryTask) rare = cluster_test_submit (test, "rare");
  g_autoptr (FerryTask) common = cluster_test_submit (test, "common");
  g_autoptr (HostTest) one = NULL;
  g_autoptr (HostTest) other = NULL;

  ferry_test_run_until (has_text, rare);
  ferry_test_run_until (has_text, common);
  g_assert_cmpstr (ferry_task_get_text (rare), ==,
                   "No host of the application 'test' has the function 'rare'; start a host whose program has it");
  one = host_test_new (test, "one", "common", 1);
  host_run_answer (host_test_run (one), NULL);
  cluster_test_assert_done (common);
  g_assert_null (ferry_task_get_text (common));
  g_assert_nonnull (ferry_task_get_text (rare));
  other = host_test_new_with_room (test, "other", "common rare", 1, 0);
  ferry_test_run_until (has_no_text, rare);
  host_test_add_room (other, 1);
  host_run_answer (host_test_run (other), NULL);
  cluster_test_assert_done (rare);
}

static void
a_task_of_a_pool_and_hosts_is_told_what_both_lack (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (FerryPool) pool = ferry_pool_new_for_threads (test->router);
  FerryExecutor *executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) first = NULL;
  g_autoptr (FerryTask) second = NULL;
  g_autoptr (FerryTask) third = NULL;
  g_autoptr (HostTest) host = NULL;

  ferry_pool_set_max_workers (pool, 1);
  ferry_executor_add_runner (executor, FERRY_RUNNER (test->cluster));
  first = task_test_submit (executor, "sleep-until-cancelled", NULL);
  task_test_wait_state (first, FERRY_TASK_STATE_EXECUTING);
  second = task_test_submit (executor, "sleep-until-cancelled", NULL);
  ferry_test_run_until (has_text, second);
  g_assert_cmpstr (ferry_task_get_text (second), ==,
                   "Waiting until this machine has room. No host of the application 'test' has the function "
                   "'sleep-until-cancelled'; start a host whose program has it");
  g_assert_null (ferry_task_get_text (first));
  ferry_task_cancel (first);
  task_test_assert_cancelled (first);
  task_test_wait_state (second, FERRY_TASK_STATE_EXECUTING);
  g_assert_null (ferry_task_get_text (second));
  third = task_test_submit (executor, "sleep-until-cancelled", NULL);
  ferry_test_run_until (has_text, third);
  host = host_test_new_with_room (test, "host", "sleep-until-cancelled", 1, 0);
  ferry_test_run_until (has_no_text, third);
  g_assert_cmpint (ferry_task_get_state (third), ==, FERRY_TASK_STATE_WAITING);
  ferry_task_cancel (third);
  ferry_task_cancel (second);
  task_test_assert_cancelled (second);
  ferry_test_finalize (executor);
}

static gboolean
has_text_of_hosts (gpointer task)
{
  return g_strcmp0 (ferry_task_get_text (task),
                    "No host of the application 'test' has the function 'rare'; start a host whose program has it") ==
         0;
}

static G_GNUC_UNUSED void
a_pool_that_has_failed_is_not_waited_for (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/no/such/program", NULL});
  g_autoptr (FerryPool) pool = ferry_pool_new (test->router, launcher);
  FerryExecutor *executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) task = NULL;

  ferry_executor_add_runner (executor, FERRY_RUNNER (test->cluster));
  task = task_test_submit (executor, "rare", NULL);
  ferry_test_run_until (has_text_of_hosts, task);
  g_assert_nonnull (ferry_pool_get_error (pool));
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  ferry_test_finalize (executor);
}

static gboolean
wants_something (gpointer data)
{
  host_test_take (data);
  return ((HostTest *) data)->wanted > 0;
}

static gboolean
wants_nothing (gpointer data)
{
  host_test_take (data);
  return ((HostTest *) data)->wanted == 0;
}

static void
a_host_gets_what_it_has_room_for (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new_with_room (test, "alpha", "work", 8, 0);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < 10; i++)
    g_ptr_array_add (tasks, cluster_test_submit (test, "work"));
  g_ptr_array_add (tasks, cluster_test_submit (test, "other"));
  ferry_test_run_until (wants_something, host);
  g_assert_cmpuint (host->runs->len, ==, 0);
  host_test_add_room (host, 3);
  for (guint i = 0; i < 3; i++)
    host_run_answer (host_test_run (host), NULL);
  for (guint i = 0; i < 3; i++)
    cluster_test_assert_done (tasks->pdata[i]);
  host_test_take (host);
  g_assert_cmpuint (host->runs->len, ==, 3);
  host_test_add_room (host, 20);
  for (guint i = 3; i < 10; i++)
    host_run_answer (host_test_run (host), NULL);
  ferry_test_run_until (wants_nothing, host);
  ferry_task_cancel (tasks->pdata[10]);
}

static gboolean
has_no_timers (gpointer data)
{
  return ferry_timers_get_n (((ClusterTest *) data)->router->timers) == 0;
}

/* The number of what waits is told again only when it is another one by far. */
static void
tells_hosts_about_how_many_wait (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new_with_room (test, "alpha", "work", 8, 0);

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (FerryTask) task G_GNUC_UNUSED = cluster_test_submit (test, "work");

      /* The cluster has looked at what waits. */
      ferry_test_run_until (has_no_timers, test);
    }
  ferry_test_run_until (wants_something, host);
  g_assert_cmpuint (host->n_wants, <=, 8);
  g_assert_cmpuint (host->host->wanted, >=, 50);
  ferry_executor_cancel_all (test->executor);
  ferry_test_run_until (wants_nothing, host);
}

static gboolean
wants_a_second_time (gpointer data)
{
  host_test_take (data);
  return ((HostTest *) data)->n_wants == 2;
}

/* A host counts what it gets as waiting no longer. So it must hear of what waits in the place of that. */
static void
a_host_hears_of_tasks_in_the_place_of_others (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new_with_room (test, "alpha", "work", 8, 0);

  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (FerryTask) task G_GNUC_UNUSED = cluster_test_submit (test, "work");
    }
  ferry_test_run_until (wants_something, host);
  g_assert_cmpuint (host->wanted, ==, 10);
  for (guint i = 0; i < 8; i++)
    {
      g_autoptr (FerryTask) task G_GNUC_UNUSED = cluster_test_submit (test, "work");
    }
  host_test_add_room (host, 8);
  for (guint i = 0; i < 8; i++)
    host_test_wait_run (host);
  ferry_test_run_until (wants_a_second_time, host);
  g_assert_cmpuint (host->wanted, ==, 10);
  ferry_executor_cancel_all (test->executor);
  for (guint i = 0; i < host->runs->len; i++)
    host_run_refuse (host->runs->pdata[i], "cancelled");
  ferry_test_run_until (wants_nothing, host);
}

/* What one host has not begun is given to another one that is idle. */
static void
check_relief (gboolean idempotent)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) crowded = host_test_new_with_room (test, "crowded", "work", 1, 2);
  g_autoptr (HostTest) idle = NULL;
  g_autoptr (FerryTask) one = cluster_test_submit (test, "work");
  g_autoptr (FerryTask) two = cluster_test_new_task ("work");
  HostRun *first = host_test_run (crowded);
  HostRun *second;

  crowded->host->begin_time = 1;
  g_object_set (two, "idempotent", idempotent, NULL);
  cluster_test_submit_task (test, two);
  second = host_test_wait_run (crowded);
  g_assert_cmpint (ferry_task_get_state (two), ==, FERRY_TASK_STATE_WAITING);
  idle = host_test_new (test, "idle", "work", 1);
  /* That a host gives a task back is no refusal. */
  ferry_task_get_run (two)->n_refusals = 3;
  if (idempotent)
    {
      while (!second->withdrawn)
        {
          g_main_context_iteration (NULL, TRUE);
          host_test_take (crowded);
        }
      host_run_refuse (second, "It is withdrawn");
    }
  else
    host_run_wait_cancelled (second, FERRY_CANCEL_REASON_CANCELLED);
  host_run_answer (host_test_run (idle), NULL);
  cluster_test_assert_done (two);
  g_assert_cmpstr (ferry_test_get_string (two, "host-name"), ==, "idle");
  host_run_answer (first, NULL);
}

static void
an_idle_host_gets_what_waits_elsewhere (void)
{
  check_relief (FALSE);
  check_relief (TRUE);
}

/* Submits a task, which the slow host lets wait, and which another host then runs. Returns whether the slow one got it
 * first. */
static gboolean
let_wait (ClusterTest *test, HostTest *slow, HostTest *idle)
{
  guint n = host_test_take (slow);
  g_autoptr (FerryTask) task = cluster_test_submit (test, "work");

  host_run_answer (host_test_run (idle), NULL);
  cluster_test_assert_done (task);
  return host_test_take (slow) > n;
}

static gboolean
is_rested (gpointer data)
{
  return !ferry_timer_is_set (&((FerryHost *) data)->rest);
}

/* It would have each task wait that it gets, as it seems to be free all the time. */
static void
a_host_that_begins_nothing_gets_a_task_now_and_then (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) slow = host_test_new_with_room (test, "slow", "work", 4, 1000);
  g_autoptr (HostTest) idle = host_test_new_with_room (test, "idle", "work", 1, 1000);
  g_autoptr (FerryTask) one = NULL;
  g_autoptr (FerryTask) other = NULL;
  HostRun *run;
  guint n = 0;

  slow->host->begin_time = 1;
  for (guint i = 0; i < 60; i++)
    n += let_wait (test, slow, idle);
  g_assert_cmpuint (n, >=, 1);
  g_assert_cmpint (ferry_host_get_vacancy (slow->host), ==, FERRY_HOST_VACANCY_NONE);
  g_assert_cmpuint (n, <, 20);
  /* It is used as before once it has begun one. */
  ferry_test_run_until (is_rested, slow->host);
  slow->host->begin_time = FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;
  slow->n_taken = host_test_take (slow);
  one = cluster_test_submit (test, "work");
  other = cluster_test_submit (test, "work");
  run = host_test_run (slow);
  g_assert_cmpint (ferry_host_get_vacancy (slow->host), ==, FERRY_HOST_VACANCY_FREE);
  host_run_answer (run, NULL);
  host_run_answer (host_test_run (idle), NULL);
  cluster_test_assert_done (one);
  cluster_test_assert_done (other);
}

static void
a_free_worker_is_better_than_a_place_in_a_row (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) one = host_test_new_with_room (test, "one", "work", 1, 10);
  g_autoptr (HostTest) other = host_test_new_with_room (test, "other", "work", 2, 10);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  HostRun *runs[3];

  for (guint i = 0; i < 3; i++)
    g_ptr_array_add (tasks, cluster_test_submit (test, "work"));
  runs[0] = host_test_wait_run (one);
  runs[1] = host_test_wait_run (other);
  runs[2] = host_test_wait_run (other);
  for (guint i = 0; i < 3; i++)
    host_run_begin (runs[i]);
  for (guint i = 0; i < 3; i++)
    host_run_answer (runs[i], NULL);
  for (guint i = 0; i < 3; i++)
    cluster_test_assert_done (tasks->pdata[i]);
}

static void
executors_take_turns (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  FerryExecutor *other = ferry_executor_new_for_runner (FERRY_RUNNER (test->cluster));
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (HostTest) host = NULL;

  for (guint i = 0; i < 6; i++)
    {
      FerryTask *task = cluster_test_new_task ("work");

      g_object_set (task, "name", i < 3 ? "one" : "other", NULL);
      ferry_executor_submit_task (i < 3 ? test->executor : other, task, NULL);
      g_ptr_array_add (tasks, task);
    }
  host = host_test_new (test, "alpha", "work", 6);
  for (guint i = 0; i < 6; i++)
    {
      HostRun *run = host_test_run (host);

      g_assert_cmpstr (run->request.name, ==, i % 2 == 0 ? "one" : "other");
      host_run_answer (run, NULL);
    }
  for (guint i = 0; i < 6; i++)
    cluster_test_assert_done (tasks->pdata[i]);
  g_ptr_array_set_size (tasks, 0);
  ferry_test_finalize (other);
}

static void
descriptors_stay_at_home (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");

  g_assert_cmpint (ferry_task_add_descriptor (task, 0, NULL), >=, 0);
  cluster_test_submit_task (test, task);
  cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS, "*cannot be sent to another machine*");
}

/* The error names the senders and what to use instead. The pipe ends with the task. */
static void
senders_stay_at_home (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");

  g_assert_cmpint (ferry_task_add_sender (task, pipe->sender, NULL), ==, 0);
  cluster_test_submit_task (test, task);
  cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                              "*has senders, which cannot be sent to another machine*ferry_job_send()*to a pool*");
  ferry_test_pipe_wait_closed (pipe);
}

static void
no_descriptor_comes_from_a_host (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 1);
  g_autoptr (FerryTask) task = cluster_test_new_task ("work");

  g_object_set (task, "max-returned-descriptors", 1, NULL);
  cluster_test_submit_task (test, task);
  cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                              "*FerryTask:max-returned-descriptors*return its content*to a pool*");
}

static gboolean
is_full (gpointer data)
{
  return ((HostTest *) data)->host->is_full;
}

/* What cannot be sent waits, tasks as well as what is said of them. */
static void
waits_for_room_in_the_transport (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new (test, "alpha", "work", 12);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autofree char *text = g_strnfill (300 * 1024, 'x');

  loop_pair_hold (host->far_end, TRUE);
  for (guint i = 0; i < 12; i++)
    {
      g_ptr_array_add (tasks, ferry_task_new (FERRY_TASK_KIND_CALL, "work", g_variant_new_string (text)));
      cluster_test_submit_task (test, tasks->pdata[i]);
    }
  ferry_test_run_until (is_full, host);
  g_assert_cmpuint (host->host->n_sent, <, 12);
  /* The host is to be told what waits, too. */
  ferry_test_run_until (has_no_timers, test);
  loop_pair_hold (host->far_end, FALSE);
  for (guint i = 0; i < 12; i++)
    {
      HostRun *run = host_test_run (host);

      g_assert_cmpstr (run->request.name, ==, ferry_task_get_name (tasks->pdata[i]));
      host_run_answer (run, NULL);
    }
  for (guint i = 0; i < 12; i++)
    cluster_test_assert_done (tasks->pdata[i]);
  ferry_test_run_until (wants_nothing, host);
  g_assert_cmpuint (host->n_wants, >, 0);
}

static void
submit_and_cancel (ClusterTest *test)
{
  g_autoptr (FerryTask) next G_GNUC_UNUSED = cluster_test_submit (test, "work");

  ferry_executor_cancel_all (test->executor);
}

static void
handlers_may_submit_and_cancel (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = host_test_new_with_room (test, "alpha", "work", 2, 100);
  g_autoptr (FerryTask) one = cluster_test_submit (test, "work");
  g_autoptr (FerryTask) two = cluster_test_submit (test, "work");
  HostRun *run = host_test_wait_run (host);

  g_signal_connect_swapped (one, "notify::state", G_CALLBACK (submit_and_cancel), test);
  g_signal_connect_swapped (one, "done", G_CALLBACK (submit_and_cancel), test);
  host_run_tell (run, FERRY_BEGIN_VALUE, g_variant_new_tuple (NULL, 0));
  cluster_test_wait_state (two, FERRY_TASK_STATE_CANCELLED);
  host_run_answer (run, NULL);
  cluster_test_wait_state (one, FERRY_TASK_STATE_CANCELLED);
}

/* ---- Which host runs which task ---- */

/* (transfer full): labels: separated by spaces. */
static FerryTask *
new_choosy_task (const char *function, const char *labels)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, function, NULL);
  g_auto (GStrv) needs = g_strsplit (labels, " ", -1);

  g_object_set (task, "needs", needs, NULL);
  return task;
}

static FerryTask *
submit_choosy (ClusterTest *test, const char *function, const char *labels)
{
  FerryTask *task = new_choosy_task (function, labels);

  cluster_test_submit_task (test, task);
  return task;
}

/* A host with labels, and room. */
static HostTest *
new_host_with (ClusterTest *test, const char *name, const char *labels, const char *program_version)
{
  HostTest *host = host_test_new_with_room (test, name, "work", 1, 0);

  host_test_tell_all_facts (host, "work", 1, labels, program_version);
  host_test_add_room (host, 1);
  return host;
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
  g_autoptr (HostTest) plain = new_host_with (test, "plain", "", "");
  g_autoptr (HostTest) half = new_host_with (test, "half", "gpu", "");
  g_autoptr (HostTest) whole = new_host_with (test, "whole", "nvme site.berlin gpu", "");
  g_autoptr (FerryTask) choosy = submit_choosy (test, "work", "gpu nvme");
  g_autoptr (FerryTask) easy = submit_choosy (test, "work", "");

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
  g_autoptr (HostTest) plain = new_host_with (test, "plain", "", "");
  g_autoptr (FerryTask) task = submit_choosy (test, "work", "gpu");
  g_autoptr (FerryTask) twice = submit_choosy (test, "work", "gpu nvme");
  g_autoptr (FerryTask) elsewhere = submit_choosy (test, "rare", "gpu");
  g_autoptr (HostTest) host = NULL;

  assert_waits_for (task, "No host of the application 'test' with the function 'work' has the label 'gpu'; start one "
                          "with 'ferry-host --label gpu'");
  assert_waits_for (twice, "No host of the application 'test' with the function 'work' has the labels 'gpu' and "
                           "'nvme'; start one with 'ferry-host --label gpu --label nvme'");
  assert_waits_for (elsewhere,
                    "No host of the application 'test' has the function 'rare'; start a host whose program has it");
  host = new_host_with (test, "other", "gpu", "");
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
  g_autoptr (HostTest) plain = new_host_with (test, "plain", "", "");
  g_autoptr (GPtrArray) choosy = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (FerryTask) easy = NULL;

  for (guint i = 0; i < 100; i++)
    g_ptr_array_add (choosy, submit_choosy (test, "work", "gpu"));
  easy = submit_choosy (test, "work", "");
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
  g_autoptr (FerryTask) choosy = new_choosy_task ("nothing", "gpu");
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
assert_needs_refused (FerryExecutor *executor, const char *labels, const char *words)
{
  g_autoptr (FerryTask) task = new_choosy_task ("nothing", labels);
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_executor_submit_task (executor, task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (error->message, words));
}

static void
an_executor_of_pools_alone_refuses_needs (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) easy = new_choosy_task ("nothing", "");
  const char *none[] = {NULL};

  assert_needs_refused (test->executor, "gpu",
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

  assert_needs_refused (test->executor, "gpu a/b", "needs the label 'a/b'; a label has 1 to 64 of the characters");
  assert_needs_refused (test->executor, "gpu\nx", "needs the label 'gpu\\nx'");
  for (guint i = 0; i < 32; i++)
    g_string_append (many, " l");
  assert_needs_refused (test->executor, many->str, "needs more than 32 labels");
}

static void
a_task_that_is_tried_again_needs_the_same (void)
{
  g_autoptr (ClusterTest) test = cluster_test_new ();
  g_autoptr (HostTest) host = new_host_with (test, "host", "gpu", "");
  g_autoptr (FerryTask) task = submit_choosy (test, "work", "gpu");
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
  g_autoptr (HostTest) old = new_host_with (test, "old", "", "1.3");
  g_autoptr (HostTest) new = new_host_with (test, "new", "gpu", "1.4");
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
  task = submit_choosy (test, "work", "gpu");
  host_test_run (new);
  host_test_die (new);
  cluster_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                              "Task '*' was lost with the host 'new' (version 1.4 of the program), which ran work *");
}

static void
add_tests_of_labels (void)
{
  g_test_add_func ("/cluster/labels/a-task-runs-where-all-of-its-labels-are", a_task_runs_where_all_of_its_labels_are);
  g_test_add_func ("/cluster/labels/a-task-waits-for-a-host-with-its-label-and-says-so",
                   a_task_waits_for_a_host_with_its_label_and_says_so);
  g_test_add_func ("/cluster/labels/tasks-behind-those-that-wait-for-a-label-pass-them",
                   tasks_behind_those_that_wait_for_a_label_pass_them);
  g_test_add_func ("/cluster/labels/a-pool-leaves-tasks-with-needs-to-hosts", a_pool_leaves_tasks_with_needs_to_hosts);
  g_test_add_func ("/cluster/labels/an-executor-of-pools-alone-refuses-needs",
                   an_executor_of_pools_alone_refuses_needs);
  g_test_add_func ("/cluster/labels/what-is-no-label-is-refused", what_is_no_label_is_refused);
  g_test_add_func ("/cluster/labels/a-task-that-is-tried-again-needs-the-same",
                   a_task_that_is_tried_again_needs_the_same);
  g_test_add_func ("/cluster/labels/a-mixed-deployment-shows", a_mixed_deployment_shows);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/cluster/runs-a-task", runs_a_task);
  g_test_add_func ("/cluster/knows-its-hosts", knows_its_hosts);
  g_test_add_func ("/cluster/keeps-its-settings", keeps_its_settings);
  g_test_add_func ("/cluster/shows-the-load-of-hosts", shows_the_load_of_hosts);
  g_test_add_func ("/cluster/tells-what-a-function-sends-in-order", tells_what_a_function_sends_in_order);
  g_test_add_func ("/cluster/yields-as-the-window-allows", yields_as_the_window_allows);
  g_test_add_func ("/cluster/gives-errors-with-their-traces", gives_errors_with_their_traces);
  g_test_add_func ("/cluster/shows-progress-at-its-own-pace", shows_progress_at_its_own_pace);
  g_test_add_func ("/cluster/shows-the-last-report-in-time", shows_the_last_report_in_time);
  g_test_add_func ("/cluster/shows-no-fraction-that-was-taken-back", shows_no_fraction_that_was_taken_back);
  g_test_add_func ("/cluster/cancels-a-task-that-no-host-has-begun", cancels_a_task_that_no_host_has_begun);
  g_test_add_func ("/cluster/cancels-a-function", cancels_a_function);
  g_test_add_func ("/cluster/a-cancel-comes-too-late-for-a-function-that-has-committed",
                   a_cancel_comes_too_late_for_a_function_that_has_committed);
  g_test_add_func ("/cluster/a-cancel-meets-a-host-that-has-not-begun", a_cancel_meets_a_host_that_has_not_begun);
  g_test_add_func ("/cluster/ends-a-function-that-runs-too-long", ends_a_function_that_runs_too_long);
  g_test_add_data_func ("/cluster/what-waits-ahead-does-not-run/once", GINT_TO_POINTER (FALSE),
                        what_waits_ahead_does_not_run);
  g_test_add_data_func ("/cluster/what-waits-ahead-does-not-run/idempotent", GINT_TO_POINTER (TRUE),
                        what_waits_ahead_does_not_run);
  g_test_add_func ("/cluster/a-deadline-says-what-waited-ahead", a_deadline_says_what_waited_ahead);
  g_test_add_func ("/cluster/ends-a-task-at-its-deadline", ends_a_task_at_its_deadline);
  g_test_add_func ("/cluster/a-task-sent-ahead-fails-when-it-has-waited-too-long",
                   a_task_sent_ahead_fails_when_it_has_waited_too_long);
  g_test_add_func ("/cluster/a-shutdown-without-time-forces-tasks", a_shutdown_without_time_forces_tasks);
  g_test_add_func ("/cluster/sends-by-priority", sends_by_priority);
  g_test_add_func ("/cluster/a-task-waits-for-a-host-with-its-function", a_task_waits_for_a_host_with_its_function);
  g_test_add_func ("/cluster/a-task-of-a-pool-and-hosts-is-told-what-both-lack",
                   a_task_of_a_pool_and_hosts_is_told_what_both_lack);
#ifndef __SANITIZE_THREAD__
  /* It starts a process with the memory of this one, which ThreadSanitizer takes for a thread of it. */
  g_test_add_func ("/cluster/a-pool-that-has-failed-is-not-waited-for", a_pool_that_has_failed_is_not_waited_for);
#endif
  g_test_add_func ("/cluster/a-host-gets-what-it-has-room-for", a_host_gets_what_it_has_room_for);
  g_test_add_func ("/cluster/tells-hosts-about-how-many-wait", tells_hosts_about_how_many_wait);
  g_test_add_func ("/cluster/a-host-hears-of-tasks-in-the-place-of-others",
                   a_host_hears_of_tasks_in_the_place_of_others);
  g_test_add_func ("/cluster/an-idle-host-gets-what-waits-elsewhere", an_idle_host_gets_what_waits_elsewhere);
  g_test_add_func ("/cluster/a-host-that-begins-nothing-gets-a-task-now-and-then",
                   a_host_that_begins_nothing_gets_a_task_now_and_then);
  g_test_add_func ("/cluster/a-free-worker-is-better-than-a-place-in-a-row",
                   a_free_worker_is_better_than_a_place_in_a_row);
  g_test_add_func ("/cluster/executors-take-turns", executors_take_turns);
  g_test_add_func ("/cluster/descriptors-stay-at-home", descriptors_stay_at_home);
  g_test_add_func ("/cluster/a-pause-is-told-to-the-host", a_pause_is_told_to_the_host);
  g_test_add_func ("/cluster/a-paused-task-is-sent-to-no-host", a_paused_task_is_sent_to_no_host);
  g_test_add_func ("/cluster/senders-stay-at-home", senders_stay_at_home);
  g_test_add_func ("/cluster/no-descriptor-comes-from-a-host", no_descriptor_comes_from_a_host);
  g_test_add_func ("/cluster/waits-for-room-in-the-transport", waits_for_room_in_the_transport);
  g_test_add_func ("/cluster/handlers-may-submit-and-cancel", handlers_may_submit_and_cancel);
  add_tests_of_labels ();
  return g_test_run ();
}
