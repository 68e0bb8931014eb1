/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hosts that do what a test says. See cluster-test.h.
 *
 * A host is at the other end of a session. What arrives there waits until the test takes it. */

#include "config.h"

#include "cluster/cluster-test.h"

#include <string.h>

#include "call/ferry-transport-private.h"
#include "cluster/ferry-cluster-private.h"

ClusterTest *
cluster_test_new (void)
{
  ClusterTest *test = g_new0 (ClusterTest, 1);

  test->router = ferry_test_router_new ();
  test->cluster = g_object_new (FERRY_TYPE_CLUSTER, "router", test->router, "application", "test", NULL);
  /* Much longer than a test takes: see host_test_new(). */
  g_object_set (test->cluster, "cut-timeout", (gint64) 10 * FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC, NULL);
  test->executor = ferry_executor_new_for_runner (FERRY_RUNNER (test->cluster));
  return test;
}

static gboolean
is_empty (gpointer data)
{
  FerryExecutor *executor = data;

  return ferry_test_get_number (executor, "n-waiting") + ferry_test_get_number (executor, "n-executing") == 0;
}

void
cluster_test_free (ClusterTest *test)
{
  ferry_test_run_until (is_empty, test->executor);
  ferry_test_finalize (test->executor);
  ferry_test_finalize (test->cluster);
  ferry_test_router_stop (test->router);
  g_free (test);
}

/* ---- hosts ---- */

static void
run_free (gpointer data)
{
  HostRun *run = data;

  ferry_call_unref (run->call);
  ferry_run_request_clear (&run->request);
  g_free (run);
}

static void
call_came (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  HostTest *self = g_object_get_data (owner, "host");

  g_queue_push_tail (&self->arrived, ferry_call_ref (call));
}

static void
take_run (HostTest *self, FerryCall *call)
{
  HostRun *run = g_new0 (HostRun, 1);
  g_autoptr (GError) error = NULL;

  run->host = self;
  run->call = ferry_call_ref (call);
  run->grace = -1;
  ferry_run_request_from_variant (&run->request, ferry_call_get_arguments (call), &error);
  g_assert_no_error (error);
  g_ptr_array_add (self->runs, run);
  self->wanted -= self->wanted > 0 ? 1 : 0;
}

static HostRun *
find_run (HostTest *self, guint64 xid)
{
  for (guint i = 0; i < self->runs->len; i++)
    {
      HostRun *run = g_ptr_array_index (self->runs, i);

      if (ferry_call_get_xid (run->call) == xid)
        return run;
    }
  g_assert_not_reached ();
}

static void
take_order (HostTest *self, const char *method, GVariant *value)
{
  HostRun *run;
  guint64 xid;
  gint64 number;

  g_assert_true (ferry_run_order_from_variant (value, &xid, &number, NULL));
  run = find_run (self, xid);
  if (strcmp (method, FERRY_LEAVE_METHOD) == 0)
    {
      g_assert_false (run->has_leave);
      run->has_leave = TRUE;
    }
  else if (strcmp (method, FERRY_WITHDRAW_METHOD) == 0)
    run->withdrawn = TRUE;
  else if (strcmp (method, FERRY_HURRY_METHOD) == 0)
    run->grace = number;
  else if (strcmp (method, FERRY_PAUSE_METHOD) == 0)
    run->paused = number != 0;
  else
    g_assert_not_reached ();
}

static void
take_want (HostTest *self, GVariant *value)
{
  self->wanted = (guint) g_variant_get_uint64 (value);
  self->n_wants++;
}

static void
take_call (HostTest *self, FerryCall *call)
{
  const char *method = ferry_call_get_method (call);
  GVariant *arguments = ferry_call_get_arguments (call);

  if (strcmp (method, FERRY_SERVE_METHOD) == 0)
    self->serve = ferry_call_ref (call);
  else if (strcmp (method, FERRY_RUN_METHOD) == 0)
    take_run (self, call);
  else if (strcmp (method, FERRY_WANT_METHOD) == 0)
    take_want (self, arguments);
  else
    take_order (self, method, arguments);
}

guint
host_test_take (HostTest *self)
{
  FerryCall *call;

  while ((call = g_queue_pop_head (&self->arrived)) != NULL)
    {
      take_call (self, call);
      ferry_call_unref (call);
    }
  return self->runs->len;
}

static gboolean
is_served (gpointer data)
{
  HostTest *self = data;

  host_test_take (self);
  return self->serve != NULL;
}

static gboolean
has_facts (gpointer data)
{
  return ((HostTest *) data)->host->has_facts;
}

void
host_test_tell (HostTest *self, const char *name, GVariant *value)
{
  g_autoptr (GError) error = NULL;

  ferry_call_send_value (self->serve, name, value, &error);
  g_assert_no_error (error);
}

void
host_test_tell_facts (HostTest *self, const char *functions, guint n_workers)
{
  host_test_tell_all_facts (self, functions, n_workers, "", "");
}

void
host_test_tell_all_facts (HostTest *self, const char *functions, guint n_workers, const char *labels,
                          const char *program_version)
{
  g_auto (GStrv) names = g_strsplit (functions, " ", -1);
  g_auto (GStrv) all_labels = g_strsplit (labels, " ", -1);
  const FerryHostFacts facts = {
    .version = FERRY_RUN_VERSION,
    .name = (char *) self->name,
    .instance = (char *) "0123456789abcdef",
    .functions = names,
    .n_workers = n_workers,
    .ferry_version = (char *) "0.1.0",
    .program_version = (char *) program_version,
    .labels = all_labels,
  };

  host_test_tell (self, FERRY_HOST_VALUE, ferry_host_facts_to_variant (&facts));
}

static gboolean
knows_room (gpointer data)
{
  HostTest *self = data;

  return self->host->capacity == self->capacity;
}

void
host_test_add_room (HostTest *self, guint n)
{
  self->capacity += n;
  host_test_tell (self, FERRY_CAPACITY_VALUE, g_variant_new_uint64 (self->capacity));
  ferry_test_run_until (knows_room, self);
}

HostTest *
host_test_new_with_room (ClusterTest *test, const char *name, const char *functions, guint n_workers, guint64 room)
{
  HostTest *self = g_new0 (HostTest, 1);
  g_autoptr (GError) error = NULL;
  FerrySession *near_end;

  self->name = name;
  self->owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_queue_init (&self->arrived);
  self->runs = g_ptr_array_new_with_free_func (run_free);
  g_object_set_data (self->owner, "host", self);
  loop_pair_new (test->router, &near_end, &self->far_end);
  ferry_transport_take_calls (FERRY_TRANSPORT (self->far_end), call_came, self->owner, &error);
  g_assert_no_error (error);
  self->host = g_object_ref (ferry_cluster_add_session (test->cluster, near_end));
  ferry_test_run_until (is_served, self);
  host_test_tell_facts (self, functions, n_workers);
  ferry_test_run_until (has_facts, self);
  self->host->begin_time = FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;
  if (room > 0)
    host_test_add_room (self, (guint) room);
  return self;
}

HostTest *
host_test_new (ClusterTest *test, const char *name, const char *functions, guint n_workers)
{
  return host_test_new_with_room (test, name, functions, n_workers, n_workers);
}

static gboolean
is_lost (gpointer data)
{
  return ferry_host_get_state (((HostTest *) data)->host) == FERRY_HOST_STATE_LOST;
}

void
host_test_die (HostTest *self)
{
  ferry_transport_close (FERRY_TRANSPORT (self->far_end));
  ferry_test_run_until (is_lost, self);
}

void
host_test_free (HostTest *self)
{
  host_test_die (self);
  host_test_take (self);
  g_clear_pointer (&self->serve, ferry_call_unref);
  g_ptr_array_unref (self->runs);
  g_object_unref (self->far_end);
  g_queue_clear_full (&self->arrived, (GDestroyNotify) ferry_call_unref);
  g_object_unref (self->owner);
  g_object_unref (self->host);
  g_free (self);
}

/* ---- runs ---- */

static gboolean
has_run (gpointer data)
{
  HostTest *self = data;

  return host_test_take (self) > self->n_taken;
}

HostRun *
host_test_wait_run (HostTest *self)
{
  ferry_test_run_until (has_run, self);
  return g_ptr_array_index (self->runs, self->n_taken++);
}

HostRun *
host_test_run (HostTest *self)
{
  HostRun *run = host_test_wait_run (self);

  host_run_begin (run);
  return run;
}

void
host_run_tell (HostRun *run, const char *name, GVariant *value)
{
  g_autoptr (GError) error = NULL;

  ferry_call_send_value (run->call, name, value, &error);
  g_assert_no_error (error);
}

static gboolean
has_leave (gpointer data)
{
  HostRun *run = data;

  host_test_take (run->host);
  return run->has_leave;
}

void
host_run_begin (HostRun *run)
{
  g_assert_false (run->has_leave);
  host_run_tell (run, FERRY_BEGIN_VALUE, g_variant_new_tuple (NULL, 0));
  if (!run->request.settings.idempotent)
    ferry_test_run_until (has_leave, run);
}

void
host_run_answer (HostRun *run, GVariant *result)
{
  g_autoptr (GError) error = NULL;

  ferry_call_answer (run->call, result, &error);
  g_assert_no_error (error);
}

void
host_run_fail (HostRun *run, GQuark domain, int code, const char *text, const char *trace)
{
  g_autoptr (GError) failure = g_error_new_literal (domain, code, text);
  g_autoptr (GError) error = NULL;

  ferry_call_answer_error (run->call, failure, trace, NULL, &error);
  g_assert_no_error (error);
}

static void
refuse (HostRun *run, FerryError code, const char *text)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, (gint) code, text);
  g_autoptr (GError) error = NULL;

  ferry_call_refuse (run->call, reason, &error);
  g_assert_no_error (error);
}

void
host_run_refuse (HostRun *run, const char *text)
{
  refuse (run, FERRY_ERROR_REFUSED, text);
}

void
host_run_refuse_for_pool (HostRun *run, const char *text)
{
  refuse (run, FERRY_ERROR_WORKER_LOST, text);
}

static gboolean
is_cancelled (gpointer data)
{
  return ferry_call_get_cancelled (((HostRun *) data)->call) != 0;
}

/* No source of the main context tells of a cancel. */
void
host_run_wait_cancelled (HostRun *run, FerryCancelReason reason)
{
  ferry_test_look_until (is_cancelled, run);
  g_assert_cmpuint (ferry_call_get_cancelled (run->call), ==, reason);
}

/* ---- tasks ---- */

FerryTask *
cluster_test_new_task (const char *function)
{
  return ferry_task_new (FERRY_TASK_KIND_CALL, function, g_variant_new ("(i)", 7));
}

void
cluster_test_submit_task (ClusterTest *test, FerryTask *task)
{
  g_autoptr (GError) error = NULL;

  ferry_executor_submit_task (test->executor, task, &error);
  g_assert_no_error (error);
}

FerryTask *
cluster_test_submit (ClusterTest *test, const char *function)
{
  FerryTask *task = cluster_test_new_task (function);

  cluster_test_submit_task (test, task);
  return task;
}

typedef struct
{
  FerryTask *task;
  FerryTaskState state;
} AwaitedState;

static gboolean
has_state (gpointer data)
{
  AwaitedState *awaited = data;

  g_assert_true (awaited->state == ferry_task_get_state (awaited->task) || !ferry_task_get_done (awaited->task));
  return ferry_task_get_state (awaited->task) == awaited->state;
}

void
cluster_test_wait_state (FerryTask *task, FerryTaskState state)
{
  AwaitedState awaited = {task, state};

  ferry_test_run_until (has_state, &awaited);
}

void
cluster_test_assert_done (FerryTask *task)
{
  cluster_test_wait_state (task, FERRY_TASK_STATE_COMPLETED);
}

void
cluster_test_assert_failed (FerryTask *task, GQuark domain, int code, const char *pattern)
{
  cluster_test_wait_state (task, FERRY_TASK_STATE_FAILED);
  g_assert_error (ferry_task_get_error (task), domain, code);
  if (!g_pattern_match_simple (pattern, ferry_task_get_error (task)->message))
    g_error ("The error is not as it should be: %s", ferry_task_get_error (task)->message);
}
