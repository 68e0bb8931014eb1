/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exporter.c, object/ferry-proxy-session.c, object/ferry-proxy-call.c, object/ferry-subscription.c
 *
 * When an exporter listens, here or in a worker that serves: what is asked before it has come up, between its start and
 * its stop, and behind that, and who comes while it is started or stopped. */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "call/ferry-transport-private.h"
#include "conversation/ferry-demux-private.h"
#include "object-scene.h"
#include "object/ferry-exporter-private.h"
#include "object/ferry-proxy-private.h"
#include "object/packed-message.h"
#include "process/worker-test.h"

#define SHORT_TIME 1000
#define LONG_TIME (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

/* Two ends: the shop's objects are exported at one of them, and the other one has a proxy of “counter”. */
typedef struct
{
  FerryTransport *here; /* (owned), as what follows */
  FerryTransport *there;
  FerryExporter *exporter;
  TestShop *shop;
  FerryProxy *proxy;
} Scene;

static void
create_exporter (Scene *self)
{
  self->exporter = ferry_exporter_new ();
  self->shop = test_shop_new (self->exporter);
}

static void
add_transport (Scene *self)
{
  g_autoptr (GError) error = NULL;

  ferry_exporter_add_transport (self->exporter, self->there, &error);
  g_assert_no_error (error);
}

static void
open_ends (Scene *self)
{
  ferry_transport_new_pair (&self->here, &self->there);
  self->proxy = ferry_proxy_new (self->here, "counter");
}

/* The exporter does not have its transport yet, and was not started. */
static void
set_up_silent (Scene *self, gconstpointer data)
{
  create_exporter (self);
  open_ends (self);
}

static gboolean
is_heard (gpointer data)
{
  Scene *self = data;

  ferry_exporter_process_requests (self->exporter);
  return ferry_proxy_get_listening (self->proxy);
}

static gboolean
is_unheard (gpointer data)
{
  return !is_heard (data);
}

static void
listen (Scene *self)
{
  g_object_set (self->exporter, "manual", TRUE, NULL);
  add_transport (self);
  ferry_exporter_start (self->exporter);
  self->proxy = ferry_proxy_new (self->here, "counter");
  ferry_test_look_until (is_heard, self);
}

/* The exporter listens, and it is the test that answers. */
static void
set_up (Scene *self, gconstpointer data)
{
  ferry_transport_new_pair (&self->here, &self->there);
  create_exporter (self);
  listen (self);
}

static void
tear_down (Scene *self, gconstpointer data)
{
  g_clear_object (&self->proxy);
  ferry_transport_close (self->here);
  g_object_unref (self->here);
  g_object_unref (self->there);
  g_clear_object (&self->exporter);
  test_shop_free (self->shop);
  ferry_test_look_until (test_counters_are_gone, NULL);
}

/* ---- asking ---- */

/* code: negative: they were carried out. */
static void
assert_outcomes (ObjectOutcome *outcomes, guint n, int code)
{
  for (guint i = 0; i < n; i++)
    {
      ferry_test_wait_flag (&outcomes[i].over);
      if (code < 0)
        g_assert_no_error (outcomes[i].error);
      else
        g_assert_error (outcomes[i].error, FERRY_ERROR, code);
      object_outcome_clear (&outcomes[i]);
    }
}

typedef struct
{
  FerryProxy *proxy;
  gint64 timeout;
  gint32 value;
  GError *error; /* (owned) (nullable) */
} Caller;

/* Adds 5. */
static gpointer
call_thread (gpointer data)
{
  Caller *self = data;
  g_autoptr (GVariant) value = NULL;

  if (ferry_proxy_call (self->proxy, "add", g_variant_new ("(i)", 5), self->timeout, NULL, &value, NULL, &self->error))
    self->value = g_variant_get_int32 (value);
  return NULL;
}

/* ---- before an exporter is there ---- */

#define N_CALLS 20

static void
ask_add (FerryProxy *proxy, gint64 timeout, ObjectOutcome *outcome)
{
  object_scene_ask (proxy, g_variant_new ("((ss(i)))", "call", "add", 1), timeout, NULL, outcome);
}

static void
ask_all (FerryProxy *proxy, ObjectOutcome *outcomes)
{
  for (guint i = 0; i < N_CALLS; i++)
    ask_add (proxy, i % 2 == 0 ? -1 : LONG_TIME, &outcomes[i]);
}

static void
test_before_it_is_there (Scene *self, gconstpointer data)
{
  ObjectOutcome outcomes[N_CALLS] = {{0}};

  ask_all (self->proxy, outcomes);
  ferry_exporter_start (self->exporter);
  add_transport (self);
  object_scene_assert_counted (outcomes, N_CALLS, 1);
}

static gboolean
has_been_asked (gpointer transport)
{
  return ferry_transport_get_counts (transport).n_calls > 0;
}

static void
test_before_it_is_started (Scene *self, gconstpointer data)
{
  ObjectOutcome outcomes[N_CALLS] = {{0}};

  add_transport (self);
  ask_all (self->proxy, outcomes);
  /* An exporter that does not wait has refused this by now, or it hangs here. */
  ferry_test_look_until (has_been_asked, self->there);
  ferry_exporter_start (self->exporter);
  object_scene_assert_counted (outcomes, N_CALLS, 1);
}

static void
test_a_thread (Scene *self, gconstpointer data)
{
  Caller caller = {.proxy = self->proxy, .timeout = -1};
  GThread *thread = g_thread_new ("caller", call_thread, &caller);

  add_transport (self);
  ferry_exporter_start (self->exporter);
  g_thread_join (thread);
  g_assert_no_error (caller.error);
  g_assert_cmpint (caller.value, ==, 5);
}

static void
described_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  GDBusInterfaceInfo *info = ferry_proxy_describe_finish (FERRY_PROXY (proxy), result, &error);

  g_assert_no_error (error);
  g_dbus_interface_info_unref (info);
  *(gboolean *) data = TRUE;
}

static void
test_a_description (Scene *self, gconstpointer data)
{
  gboolean over = FALSE;

  ferry_proxy_describe_async (self->proxy, -1, NULL, described_cb, &over);
  add_transport (self);
  ferry_exporter_start (self->exporter);
  ferry_test_wait_flag (&over);
}

typedef struct
{
  guint n;
  gboolean has_last;
} Heard;

static void
received_cb (FerryProxy *proxy, const char *name, GVariant *arguments, Heard *heard)
{
  int number;

  g_variant_get (arguments, "(i&s)", &number, NULL);
  heard->has_last = number < 0;
  heard->n++;
}

static void
emit_cb (TestCounter *counter)
{
  test_counter_emit (counter, test_counter_get_value (counter), "added");
}

static gboolean
is_followed (gpointer counter)
{
  return g_signal_has_handler_pending (counter, g_signal_lookup ("counted", TEST_TYPE_COUNTER), 0, FALSE);
}

static void
test_a_follower (Scene *self, gconstpointer data)
{
  ObjectOutcome outcomes[N_CALLS] = {{0}};
  Heard heard = {0};

  g_signal_connect (self->shop->counter, "notify::value", G_CALLBACK (emit_cb), NULL);
  g_signal_connect (self->proxy, "received", G_CALLBACK (received_cb), &heard);
  ferry_proxy_follow (self->proxy, NULL, (const char *const[]){"counted", NULL});
  ask_all (self->proxy, outcomes);
  add_transport (self);
  ferry_exporter_start (self->exporter);
  object_scene_assert_counted (outcomes, N_CALLS, 1);
  ferry_test_run_until (is_followed, self->shop->counter);
  test_counter_emit (self->shop->counter, -1, "last");
  ferry_test_wait_flag (&heard.has_last);
  g_assert_cmpuint (heard.n, ==, N_CALLS + 1);
}

/* The worker is still being loaded. place (nullable): where it calls methods. */
static void
test_a_worker (gconstpointer place)
{
  ObjectScene scene = {NULL};
  g_autoptr (FerryProxy) proxy = NULL;
  ObjectOutcome outcomes[N_CALLS] = {{0}};

  object_scene_spawn (&scene, "serve", place);
  proxy = ferry_proxy_new (scene.here, "counter");
  ask_all (proxy, outcomes);
  object_scene_assert_counted (outcomes, N_CALLS, 1);
  g_clear_object (&proxy);
  object_scene_close (&scene);
}

static gboolean
is_time (gpointer time)
{
  return g_get_monotonic_time () >= *(gint64 *) time;
}

/* A worker takes far longer to attach than an exporter has to come up. */
static void
test_a_slow_worker (void)
{
  ObjectScene scene = {NULL};
  g_autofree char *folder = g_dir_make_tmp ("ferry-test-listening-XXXXXX", NULL);
  g_autofree char *program = g_build_filename (folder, "program", NULL);
  g_autofree char *go = g_build_filename (folder, "go", NULL);
  g_autofree char *worker = ferry_test_build_path ("object-worker");
  g_autofree char *script = g_strdup_printf ("#!/bin/sh\nread line < '%s'\nexec '%s' serve\n", go, worker);
  g_autoptr (FerryProxy) proxy = NULL;
  ObjectOutcome outcomes[N_CALLS] = {{0}};
  gint64 end;

  g_assert_true (g_file_set_contents_full (program, script, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
  g_assert_no_errno (mkfifo (go, 0600));
  object_scene_spawn_program (&scene, program, NULL, NULL);
  proxy = ferry_proxy_new (scene.here, "counter");
  ferry_proxy_session_set_start_time (SHORT_TIME);
  ask_all (proxy, outcomes);
  end = g_get_monotonic_time () + 100 * SHORT_TIME;
  ferry_test_look_until (is_time, &end);
  for (guint i = 0; i < N_CALLS; i++)
    g_assert_false (outcomes[i].over);
  ferry_proxy_session_set_start_time (FERRY_EXPORTER_START_TIME);
  close (open (go, O_WRONLY | O_CLOEXEC));
  object_scene_assert_counted (outcomes, N_CALLS, 1);
  g_clear_object (&proxy);
  object_scene_close (&scene);
  g_unlink (go);
  g_unlink (program);
  g_rmdir (folder);
}

/* Nothing can be asked when it is made. */
static void
test_proxy_before_worker (void)
{
  ObjectScene scene = {0};
  g_autoptr (FerryProxy) proxy = NULL;
  g_autoptr (GError) error = NULL;

  scene.router = ferry_test_router_new ();
  scene.launcher = worker_test_launcher_new ("object-worker", "serve", NULL);
  scene.here = ferry_launcher_add_transport (scene.launcher, scene.router, "objects", &error);
  g_assert_no_error (error);
  proxy = ferry_proxy_new (scene.here, "counter");
  g_assert_false (ferry_proxy_get_listening (proxy));
  scene.worker = worker_test_spawn (scene.launcher, scene.router);
  ferry_test_wait_listening (proxy);
  object_scene_assert_call (proxy, "add", g_variant_new ("(i)", 4), "4");
  g_clear_object (&proxy);
  object_scene_close (&scene);
}

/* ---- no exporter comes ---- */

static void
test_time_of_the_call (Scene *self, gconstpointer data)
{
  ObjectOutcome outcome = {0};
  Caller caller = {.proxy = self->proxy, .timeout = SHORT_TIME};

  ask_add (self->proxy, SHORT_TIME, &outcome);
  assert_outcomes (&outcome, 1, FERRY_ERROR_NOT_LISTENING);
  g_thread_join (g_thread_new ("caller", call_thread, &caller));
  g_assert_error (caller.error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  g_clear_error (&caller.error);
}

static void
told (GVariant *value, FerryProxy *object, const GError *error, gpointer data)
{
  ObjectOutcome *outcome = data;

  outcome->error = g_error_copy (error);
  outcome->over = TRUE;
}

/* The transport of a request, and its number. Requests are numbered from 1. */
typedef struct
{
  FerryTransport *there;
  guint64 xid;
} Request;

static gboolean
has_come (gpointer data)
{
  const Request *self = data;

  return ferry_transport_get_counts (self->there).n_calls == self->xid;
}

static void
ignore (GVariant *result, const GError *error, gpointer data)
{
}

/* Waits until the other end has what was sent to it: the session's stream and calls, which were cancelled since, and
 * this request, which comes last. A thread that began late has sent none. */
static void
wait_for_cancels (Scene *self)
{
  g_autoptr (FerryMux) mux = ferry_mux_new (self->here);
  Request last = {self->there, 0};
  g_autoptr (GError) error = NULL;

  last.xid = ferry_mux_transact_with_func (mux, "last", NULL, ignore, NULL, &error);
  g_assert_no_error (error);
  ferry_test_look_until (has_come, &last);
}

static void
test_without_limit (Scene *self, gconstpointer data)
{
  ObjectOutcome outcomes[3] = {{0}};
  Caller caller = {.proxy = self->proxy, .timeout = -1};
  GThread *thread;

  ferry_proxy_session_set_start_time (SHORT_TIME);
  ask_add (self->proxy, -1, &outcomes[0]);
  ferry_proxy_call_with_func (self->proxy, "add", g_variant_new ("(i)", 1), told, &outcomes[1]);
  thread = g_thread_new ("caller", call_thread, &caller);
  assert_outcomes (outcomes, 2, FERRY_ERROR_NOT_LISTENING);
  g_thread_join (thread);
  g_assert_error (caller.error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  g_clear_error (&caller.error);
  /* From now on nothing waits, until one has come after all. */
  ask_add (self->proxy, LONG_TIME, &outcomes[2]);
  assert_outcomes (&outcomes[2], 1, FERRY_ERROR_NOT_LISTENING);
  /* An exporter that comes before the cancels carries the calls out. */
  wait_for_cancels (self);
  add_transport (self);
  ferry_exporter_start (self->exporter);
  ferry_test_look_until ((FerryTestCondition) ferry_proxy_get_listening, self->proxy);
  object_scene_assert_call (self->proxy, "add", g_variant_new ("(i)", 1), "1");
  ferry_proxy_session_set_start_time (FERRY_EXPORTER_START_TIME);
}

static void
test_stopped (Scene *self, gconstpointer data)
{
  ObjectOutcome outcome = {0};

  ask_add (self->proxy, -1, &outcome);
  add_transport (self);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
  assert_outcomes (&outcome, 1, FERRY_ERROR_NOT_LISTENING);
}

static void
test_a_demux (Scene *self, gconstpointer data)
{
  g_autoptr (FerryDemux) demux = ferry_demux_new (self->there);
  g_autoptr (GError) error = NULL;
  ObjectOutcome outcome = {0};

  ask_add (self->proxy, -1, &outcome);
  g_assert_true (ferry_demux_start (demux, NULL));
  assert_outcomes (&outcome, 1, FERRY_ERROR_NOT_LISTENING);
  g_assert_false (ferry_exporter_add_transport (self->exporter, self->there, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_RUNNING);
}

static void
test_default (Scene *self, gconstpointer data)
{
  object_scene_assert_gives (self->proxy, "(('get', 'value'),)", "{'default': <-1>}", "-1");
}

static void
test_closed (Scene *self, gconstpointer data)
{
  ObjectOutcome outcome = {0};

  ask_add (self->proxy, -1, &outcome);
  ferry_transport_close (self->there);
  assert_outcomes (&outcome, 1, FERRY_ERROR_CLOSED);
}

static void
test_a_mute_worker (void)
{
  ObjectScene scene = {.killed = TRUE};
  g_autoptr (FerryProxy) proxy = NULL;
  ObjectOutcome outcome = {0};

  object_scene_spawn (&scene, "mute", NULL);
  proxy = ferry_proxy_new (scene.here, "counter");
  ask_add (proxy, SHORT_TIME, &outcome);
  assert_outcomes (&outcome, 1, FERRY_ERROR_NOT_LISTENING);
  g_clear_object (&proxy);
  object_scene_close (&scene);
}

/* ---- requests that wait for the test ---- */

typedef struct
{
  FerryExporter *exporter;
  guint n;
} Pending;

static gboolean
are_pending (gpointer data)
{
  Pending *self = data;

  /* They are counted a moment before the thread that processes them would find them. */
  return ferry_exporter_get_n_pending (self->exporter) == self->n &&
         g_main_context_pending (ferry_exporter_get_context (self->exporter));
}

static void
wait_pending (Scene *self, guint n)
{
  Pending pending = {self->exporter, n};

  ferry_test_look_until (are_pending, &pending);
}

/* Has n additions of 1 lie at the exporter. */
static void
ask (Scene *self, ObjectOutcome *outcomes, guint n)
{
  for (guint i = 0; i < n; i++)
    object_scene_ask_call (self->proxy, "add", g_variant_new ("(i)", 1), &outcomes[i]);
  wait_pending (self, n);
}

static void
test_manual (Scene *self, gconstpointer data)
{
  ObjectOutcome outcomes[3] = {0};

  ask (self, outcomes, 3);
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, 0);
  g_assert_cmpuint (ferry_exporter_process_requests (self->exporter), ==, 3);
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, 3);
  assert_outcomes (outcomes, 3, -1);
  g_assert_cmpuint (ferry_exporter_process_requests (self->exporter), ==, 0);
}

static void
test_poll (Scene *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Caller caller = {.proxy = self->proxy, .timeout = -1};
  GThread *thread = g_thread_new ("call", call_thread, &caller);

  g_assert_true (ferry_exporter_poll (self->exporter, -1, NULL, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
  g_assert_no_error (caller.error);
  g_assert_cmpint (caller.value, ==, 5);
}

static gpointer
cancel_thread (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_poll_ends (Scene *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) late = NULL;
  g_autoptr (GError) cancelled = NULL;
  GThread *thread;

  g_assert_false (ferry_exporter_poll (self->exporter, 1000, NULL, &late));
  g_assert_error (late, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  thread = g_thread_new ("cancel", cancel_thread, cancellable);
  g_assert_false (ferry_exporter_poll (self->exporter, -1, cancellable, &cancelled));
  g_assert_error (cancelled, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_thread_join (thread);
}

typedef struct
{
  FerryExporter *exporter;
  guint n_refused;
} Poll;

static void
poll_within_answer (GObject *counter, GParamSpec *pspec, gpointer data)
{
  Poll *self = data;
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_exporter_poll (self->exporter, -1, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  self->n_refused++;
}

static void
test_poll_within_answer (Scene *self, gconstpointer data)
{
  ObjectOutcome outcomes[2] = {0};
  Poll poll = {self->exporter};

  g_signal_connect (self->shop->counter, "notify::value", G_CALLBACK (poll_within_answer), &poll);
  ask (self, outcomes, 2);
  g_assert_cmpuint (ferry_exporter_process_requests (self->exporter), ==, 2);
  assert_outcomes (outcomes, 2, -1);
  g_assert_cmpuint (poll.n_refused, ==, 2);
  g_signal_handlers_disconnect_by_data (self->shop->counter, &poll);
}

/* One is dropped while another one to the same object is on its way. */
static void
test_reference_under_way (Scene *self, gconstpointer data)
{
  g_autoptr (TestCounter) next = test_counter_new ("next");
  ObjectOutcome outcomes[3] = {0};

  test_counter_set_next (self->shop->counter, next);
  object_scene_ask_call (self->proxy, "get_next", NULL, &outcomes[0]);
  wait_pending (self, 1);
  ferry_exporter_process_requests (self->exporter);
  ferry_test_wait_flag (&outcomes[0].over);
  g_assert_no_error (outcomes[0].error);
  object_scene_ask_call (self->proxy, "get_next", NULL, &outcomes[1]);
  wait_pending (self, 1);
  g_clear_object (&outcomes[0].object);
  wait_pending (self, 2);
  ferry_exporter_process_requests (self->exporter);
  ferry_test_wait_flag (&outcomes[1].over);
  g_assert_no_error (outcomes[1].error);
  g_assert_cmpint (ferry_test_get_number (self->exporter, "n-references"), ==, 1);
  object_scene_ask_call (outcomes[1].object, "add", g_variant_new ("(i)", 6), &outcomes[2]);
  wait_pending (self, 1);
  ferry_exporter_process_requests (self->exporter);
  assert_outcomes (&outcomes[2], 1, -1);
  g_assert_cmpint (test_counter_get_value (next), ==, 6);
  g_clear_object (&outcomes[1].object);
  wait_pending (self, 1);
  ferry_exporter_process_requests (self->exporter);
  g_assert_cmpint (ferry_test_get_number (self->exporter, "n-references"), ==, 0);
}

/* ---- stops ---- */

static void
test_fulfil (Scene *self, gconstpointer data)
{
  ObjectOutcome outcomes[3] = {0};

  ask (self, outcomes, 3);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
  ferry_exporter_process_requests (self->exporter);
  assert_outcomes (outcomes, 3, -1);
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, 3);
}

static void
test_refuse (Scene *self, gconstpointer data)
{
  ObjectOutcome outcomes[3] = {0};

  ask (self, outcomes, 3);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_REFUSE);
  ferry_exporter_process_requests (self->exporter);
  assert_outcomes (outcomes, 3, FERRY_ERROR_REFUSED);
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, 0);
}

/* Started and stopped over and over, the other end hears of each, and an answer is that of the state. */
static void
test_rounds (Scene *self, gconstpointer data)
{
  for (guint i = 0; i < 20; i++)
    {
      ObjectOutcome outcome = {0};

      ferry_exporter_start (self->exporter);
      ferry_exporter_start (self->exporter);
      ferry_test_look_until (is_heard, self);
      ask (self, &outcome, 1);
      ferry_exporter_process_requests (self->exporter);
      assert_outcomes (&outcome, 1, -1);
      ferry_exporter_stop (self->exporter, i % 2 == 0 ? FERRY_STOP_MODE_DRAIN : FERRY_STOP_MODE_REFUSE);
      ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
      ferry_test_look_until (is_unheard, self);
      object_scene_ask_call (self->proxy, "add", g_variant_new ("(i)", 1), &outcome);
      assert_outcomes (&outcome, 1, FERRY_ERROR_NOT_LISTENING);
    }
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, 20);
}

/* The exporter goes while something lies there. */
static void
test_gone (Scene *self, gconstpointer data)
{
  ObjectOutcome outcomes[3] = {0};

  ask (self, outcomes, 3);
  g_clear_object (&self->exporter);
  assert_outcomes (outcomes, 3, FERRY_ERROR_REFUSED);
}

static gboolean
is_silent (gpointer proxy)
{
  return !ferry_proxy_get_listening (proxy);
}

/* The transport stays, for what comes next. */
static void
test_successor (Scene *self, gconstpointer data)
{
  ObjectOutcome outcome = {0};

  g_clear_object (&self->exporter);
  test_shop_free (self->shop);
  ferry_test_look_until (is_silent, self->proxy);
  g_clear_object (&self->proxy);
  create_exporter (self);
  listen (self);
  ask (self, &outcome, 1);
  ferry_exporter_process_requests (self->exporter);
  assert_outcomes (&outcome, 1, -1);
}

/* ---- two stops ---- */

#define N_ASKED 3

static void
transacted_cb (GObject *mux, GAsyncResult *result, gpointer data)
{
  ObjectOutcome *self = data;

  self->value = ferry_mux_transact_finish (FERRY_MUX (mux), result, &self->error);
  self->over = TRUE;
}

/* Asks whatever is heard here of the exporter's state. Returns when n lie there, with those that were asked before. */
static void
ask_regardless (Scene *self, ObjectOutcome *outcomes, guint n)
{
  g_autoptr (FerryMux) mux = ferry_mux_new (self->here);

  for (guint i = 0; i < N_ASKED; i++)
    {
      FerryChainRequest request = {.root = {"counter", 0, 0}, .n_steps = 1, .steps = g_new0 (FerryStep, 1)};

      request.steps[0] = (FerryStep){FERRY_STEP_CALL, "add", g_variant_ref_sink (g_variant_new ("(i)", 1))};
      ferry_mux_transact_async (mux, FERRY_OBJECT_METHOD_VIEW, packed_request (&request), -1, NULL, transacted_cb,
                                &outcomes[i]);
      ferry_chain_request_clear (&request);
    }
  wait_pending (self, n);
}

/* code: of what was asked before both; negative: it was carried out. */
static void
stop_twice (Scene *self, FerryStopMode first, FerryStopMode second, int code)
{
  ObjectOutcome before[N_ASKED] = {0};
  ObjectOutcome between[N_ASKED] = {0};

  ask_regardless (self, before, N_ASKED);
  ferry_exporter_stop (self->exporter, first);
  ask_regardless (self, between, 2 * N_ASKED);
  ferry_exporter_stop (self->exporter, second);
  ferry_exporter_process_requests (self->exporter);
  assert_outcomes (before, N_ASKED, code);
  assert_outcomes (between, N_ASKED, FERRY_ERROR_NOT_LISTENING);
}

static void
test_refused_stays_refused (Scene *self, gconstpointer data)
{
  stop_twice (self, FERRY_STOP_MODE_REFUSE, FERRY_STOP_MODE_DRAIN, FERRY_ERROR_REFUSED);
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, 0);
}

static void
test_promised_stays_promised (Scene *self, gconstpointer data)
{
  stop_twice (self, FERRY_STOP_MODE_DRAIN, FERRY_STOP_MODE_REFUSE, -1);
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, N_ASKED);
}

static void
test_same_stop (Scene *self, gconstpointer data)
{
  stop_twice (self, FERRY_STOP_MODE_DRAIN, FERRY_STOP_MODE_DRAIN, -1);
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, N_ASKED);
}

/* ---- calls that wait for the exporter's thread ---- */

typedef struct
{
  FerryExporter *exporter;
  _Atomic gboolean over;
  GError *error; /* (owned) (nullable) */
} LocalCall;

static gpointer
hold_thread (gpointer data)
{
  LocalCall *self = data;
  g_autoptr (FerryProxy) proxy = ferry_proxy_new_local (self->exporter, "counter");

  ferry_proxy_call (proxy, "hold", NULL, -1, NULL, NULL, NULL, &self->error);
  atomic_store (&self->over, TRUE);
  return NULL;
}

/* A call was accepted on its own thread, and continues on the exporter's. */
static gboolean
is_pending (gpointer exporter)
{
  return g_main_context_pending (ferry_exporter_get_context (exporter));
}

static gboolean
is_over (gpointer data)
{
  LocalCall *self = data;

  ferry_exporter_process_requests (self->exporter);
  return atomic_load (&self->over);
}

/* data: whether another call has the object's turn. */
static void
test_accepted (Scene *self, gconstpointer data)
{
  GMainContext *context = ferry_exporter_get_context (self->exporter);
  LocalCall calls[2] = {{self->exporter}, {self->exporter}};
  GThread *threads[2] = {NULL};

  g_assert_true (g_main_context_acquire (context));
  if (data != NULL)
    {
      threads[0] = g_thread_new ("holds", hold_thread, &calls[0]);
      ferry_test_look_until (is_pending, self->exporter);
      ferry_exporter_process_requests (self->exporter);
      g_assert_cmpuint (test_counter_get_n_held (self->shop->counter), ==, 1);
    }
  threads[1] = g_thread_new ("waits", hold_thread, &calls[1]);
  ferry_test_look_until (is_pending, self->exporter);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_REFUSE);
  ferry_test_look_until (is_over, &calls[1]);
  g_thread_join (threads[1]);
  g_assert_error (calls[1].error, FERRY_ERROR, FERRY_ERROR_REFUSED);
  g_clear_error (&calls[1].error);
  if (data != NULL)
    {
      test_counter_let_go (self->shop->counter);
      ferry_test_look_until (is_over, &calls[0]);
      g_thread_join (threads[0]);
      g_assert_no_error (calls[0].error);
    }
  g_assert_cmpuint (test_counter_get_n_held (self->shop->counter), ==, 0);
  g_main_context_release (context);
}

/* ---- who comes meanwhile ---- */

/* So many that to go through them takes milliseconds. */
#define N_ENTRIES 200000
#define N_ROUNDS 8

typedef struct
{
  FerryExporter *exporter;
  GObject *session; /* the one that counts as many */
  FerryTransport *there;
  FerryProxy *proxy;
  gboolean listened; /* before */
  _Atomic gboolean over;
} Joining;

/* Comes when the exporter has listed those that it tells. */
static gpointer
join_thread (gpointer data)
{
  Joining *self = data;
  g_autoptr (GError) error = NULL;

  while (g_atomic_int_get (&self->session->ref_count) < 2 * N_ENTRIES && !atomic_load (&self->over))
    ;
  ferry_exporter_add_transport (self->exporter, self->there, &error);
  g_assert_no_error (error);
  while (ferry_proxy_get_listening (self->proxy) != self->listened && !atomic_load (&self->over))
    ferry_exporter_process_requests (self->exporter);
  return NULL;
}

/* Returns (transfer full). */
static GObject *
get_session (FerryExporter *exporter)
{
  g_autoptr (GPtrArray) sessions = ferry_exporter_list_sessions (exporter);

  return g_object_ref (sessions->pdata[0]);
}

/* The one that there is counts as many: that gives others time. */
static void
add_entries (FerryExporter *exporter, GObject *session)
{
  for (guint i = 1; i < N_ENTRIES; i++)
    ferry_exporter_add_session (exporter, session);
}

static void
remove_entries (FerryExporter *exporter, GObject *session)
{
  for (guint i = 1; i < N_ENTRIES; i++)
    g_object_unref (ferry_exporter_steal_session (exporter, session));
}

/* Two further ends, where nothing is exported yet. */
static void
open_late (Scene *self, FerryExporter *exporter)
{
  self->exporter = exporter;
  open_ends (self);
}

static void
close_late (Scene *self)
{
  g_clear_object (&self->proxy);
  ferry_transport_close (self->here);
  ferry_transport_wait_closed (self->there);
  g_object_unref (self->here);
  g_object_unref (self->there);
}

static void
join_while_it_changes (Scene *self, gboolean starts)
{
  Scene late = {0};
  g_autoptr (GObject) session = get_session (self->exporter);
  Joining joining = {.exporter = self->exporter, .session = session, .listened = !starts};
  GThread *thread;

  open_late (&late, self->exporter);
  joining.there = late.there;
  joining.proxy = late.proxy;
  add_entries (self->exporter, session);
  thread = g_thread_new ("join", join_thread, &joining);
  if (starts)
    ferry_exporter_start (self->exporter);
  else
    ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
  atomic_store (&joining.over, TRUE);
  g_thread_join (thread);
  remove_entries (self->exporter, session);
  ferry_test_look_until (starts ? is_heard : is_unheard, &late);
  close_late (&late);
}

static void
test_join (Scene *self, gconstpointer data)
{
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      join_while_it_changes (self, i % 2 == 1);
      ferry_test_look_until (i % 2 == 1 ? is_heard : is_unheard, self);
    }
}

/* A handler that is told of the start, or the stop. */
static void
add_in_handler_cb (FerryExporter *exporter, GParamSpec *pspec, gpointer data)
{
  Scene *late = data;
  g_autoptr (GError) error = NULL;

  ferry_exporter_add_transport (exporter, late->there, &error);
  g_assert_no_error (error);
  /* And goes back to what was before. */
  g_signal_handlers_disconnect_by_data (exporter, data);
  if (ferry_exporter_get_listening (exporter))
    ferry_exporter_stop (exporter, FERRY_STOP_MODE_DRAIN);
  else
    ferry_exporter_start (exporter);
}

static void
test_join_in_handler (Scene *self, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      Scene late = {0};

      open_late (&late, self->exporter);
      g_signal_connect (self->exporter, "notify::listening", G_CALLBACK (add_in_handler_cb), &late);
      if (i == 0)
        ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
      else
        ferry_exporter_start (self->exporter);
      ferry_test_look_until (i == 0 ? is_heard : is_unheard, &late);
      ferry_test_look_until (i == 0 ? is_heard : is_unheard, self);
      if (i == 0)
        ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
      close_late (&late);
    }
}

/* ---- serving ---- */

typedef struct
{
  GString *log;              /* of the thread that serves, until it was joined */
  FerryTransport *transport; /* (owned) */
  TestShop *shop;
  gboolean fails;
  guint turns_left;
  gboolean served;
  GError *error;
} Server;

static gboolean
initialise (FerryExporter *exporter, gpointer data, GError **error)
{
  Server *self = data;

  g_string_append_c (self->log, 'i');
  self->shop = test_shop_new (exporter);
  if (self->fails)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "The shelf is not there");
  return !self->fails;
}

static gint64
take_turn (FerryExporter *exporter, gpointer data)
{
  Server *self = data;

  g_string_append_c (self->log, 't');
  if (self->turns_left == 0)
    return -1;
  return --self->turns_left > 0 ? 0 : G_MININT64;
}

static void
clean_up (FerryExporter *exporter, gpointer data)
{
  Server *self = data;
  g_autoptr (GObject) counter = ferry_exporter_dup_object (exporter, "counter");

  g_assert_true (counter == G_OBJECT (self->shop->counter));
  g_string_append_c (self->log, 'c');
}

static gpointer
serve_thread (gpointer data)
{
  static const FerryObjectServerFuncs funcs = {initialise, take_turn, clean_up};
  Server *self = data;

  self->served = ferry_serve_objects (self->transport, &funcs, self, &self->error);
  return NULL;
}

static GThread *
serve (Server *self, FerryTransport *transport)
{
  self->log = g_string_new (NULL);
  self->transport = transport;
  return g_thread_new ("serve", serve_thread, self);
}

static void
server_clear (Server *self)
{
  g_assert_true (ferry_test_get_number (self->transport, "closed"));
  g_object_unref (self->transport);
  test_shop_free (self->shop);
  g_string_free (self->log, TRUE);
  g_clear_error (&self->error);
}

static void
test_serve (void)
{
  FerryTransport *here, *there;
  Server server = {0};
  GThread *thread;
  g_autoptr (FerryProxy) proxy = NULL;

  ferry_transport_new_pair (&here, &there);
  thread = serve (&server, there);
  proxy = ferry_proxy_new (here, "counter");
  ferry_test_wait_listening (proxy);
  object_scene_assert_call (proxy, "add", g_variant_new ("(i)", 2), "2");
  ferry_transport_close (here);
  g_thread_join (thread);
  g_assert_true (server.served);
  g_assert_no_error (server.error);
  /* A turn behind each request at the most, and no other. */
  g_assert_true (g_str_has_prefix (server.log->str, "it"));
  g_assert_true (g_str_has_suffix (server.log->str, "tc"));
  g_assert_cmpuint (server.log->len, <=, 6);
  server_clear (&server);
  g_object_unref (here);
}

static void
test_serve_fails (void)
{
  FerryTransport *here, *there;
  Server server = {.fails = TRUE};
  GThread *thread;
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryProxy) proxy = NULL;

  ferry_transport_new_pair (&here, &there);
  proxy = ferry_proxy_new (here, "counter");
  thread = serve (&server, there);
  g_assert_false (ferry_proxy_wait_until_listening (proxy, -1, NULL, &error));
  /* That the exporter has left may be heard of before the transport's end. */
  if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING))
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_thread_join (thread);
  g_assert_false (server.served);
  g_assert_error (server.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_cmpstr (server.log->str, ==, "ic");
  server_clear (&server);
  g_object_unref (here);
}

static void
test_serve_until_a_turn_ends_it (void)
{
  FerryTransport *here, *there;
  Server server = {.turns_left = 3};
  GThread *thread;

  ferry_transport_new_pair (&here, &there);
  thread = serve (&server, there);
  ferry_transport_wait_closed (here);
  g_thread_join (thread);
  g_assert_true (server.served);
  g_assert_cmpstr (server.log->str, ==, "itttc");
  server_clear (&server);
  g_object_unref (here);
}

static void
add_silent (const char *path, void (*test) (Scene *, gconstpointer))
{
  g_test_add (path, Scene, NULL, set_up_silent, test, tear_down);
}

static void
add (const char *path, void (*test) (Scene *, gconstpointer))
{
  g_test_add (path, Scene, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  add_silent ("/object-listening/what-is-asked-before-an-exporter-is-there-waits-for-it", test_before_it_is_there);
  add_silent ("/object-listening/what-is-asked-before-an-exporter-is-started-waits-for-that",
              test_before_it_is_started);
  add_silent ("/object-listening/a-thread-waits-for-an-exporter-and-its-answer", test_a_thread);
  add_silent ("/object-listening/a-description-waits-for-an-exporter", test_a_description);
  add_silent ("/object-listening/who-follows-an-object-hears-what-calls-behind-that-do", test_a_follower);
  g_test_add_data_func ("/object-listening/what-is-asked-while-a-worker-starts-is-answered-in-order", NULL,
                        test_a_worker);
  g_test_add_data_func ("/object-listening/what-is-asked-while-a-worker-of-the-default-starts-is-answered-in-order",
                        "default", test_a_worker);
  g_test_add_func ("/object-listening/what-is-asked-while-a-worker-is-slow-to-start-waits-for-it", test_a_slow_worker);
  add_silent ("/object-listening/a-call-waits-no-longer-than-its-time", test_time_of_the_call);
  add_silent ("/object-listening/no-call-waits-for-ever", test_without_limit);
  add_silent ("/object-listening/an-exporter-that-was-stopped-is-not-waited-for", test_stopped);
  add_silent ("/object-listening/another-demux-is-no-exporter", test_a_demux);
  add_silent ("/object-listening/a-view-with-a-default-does-not-wait", test_default);
  add_silent ("/object-listening/the-end-of-the-transport-ends-the-waiting", test_closed);
  g_test_add_func ("/object-listening/a-worker-that-never-exports-is-an-error", test_a_mute_worker);
  g_test_add_func ("/object-listening/a-proxy-may-be-there-before-the-worker", test_proxy_before_worker);
  add ("/object-listening/requests-wait-for-the-hand-that-answers-them", test_manual);
  add ("/object-listening/a-poll-waits-for-a-request", test_poll);
  add ("/object-listening/a-poll-ends-in-time-or-by-a-cancel", test_poll_ends);
  add ("/object-listening/a-poll-within-an-answer-is-refused", test_poll_within_answer);
  add ("/object-listening/a-stop-that-fulfils-answers-what-was-asked", test_fulfil);
  add ("/object-listening/a-stop-that-refuses-refuses-what-was-asked", test_refuse);
  add ("/object-listening/it-is-started-and-stopped-over-and-over", test_rounds);
  add ("/object-listening/an-exporter-that-goes-leaves-nobody-waiting", test_gone);
  add ("/object-listening/an-exporter-that-goes-leaves-its-transport-to-another", test_successor);
  add ("/object-listening/a-reference-under-way-keeps-its-object", test_reference_under_way);
  add ("/object-listening/what-a-stop-refuses-no-other-stop-fulfils", test_refused_stays_refused);
  add ("/object-listening/what-a-stop-fulfils-no-other-stop-refuses", test_promised_stays_promised);
  add ("/object-listening/what-comes-behind-a-stop-is-not-before-the-next-one", test_same_stop);
  add ("/object-listening/an-accepted-call-that-has-not-begun-is-refused", test_accepted);
  g_test_add ("/object-listening/an-accepted-call-that-comes-to-a-busy-object-is-refused", Scene, "busy", set_up,
              test_accepted, tear_down);
  add ("/object-listening/who-comes-while-it-is-started-or-stopped-hears-of-it", test_join);
  add ("/object-listening/who-comes-while-handlers-are-told-hears-the-latest", test_join_in_handler);
  g_test_add_func ("/object-listening/a-server-begins-takes-turns-and-cleans-up", test_serve);
  g_test_add_func ("/object-listening/a-server-that-cannot-begin-cleans-up", test_serve_fails);
  g_test_add_func ("/object-listening/a-turn-may-end-its-server", test_serve_until_a_turn_ends_it);

  return g_test_run ();
}
