/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-proxy-session.c, object/ferry-proxy-call.c, object/ferry-exporter.c, object/ferry-subscription.c
 *
 * What is asked before an exporter has come up at the other end. */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include "call/ferry-transport-private.h"
#include "func-call.h"
#include "object-scene.h"
#include "object/ferry-proxy-private.h"

#define N_CALLS 20
#define SHORT_TIME 1000
#define LONG_TIME (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

/* Two ends; one of them does not answer yet. */
typedef struct
{
  FerryTransport *here;
  FerryTransport *there;
  FerryExporter *exporter;
  TestCounter *counter;
  FerryProxy *proxy;
} Scene;

static void
set_up (Scene *self, gconstpointer data)
{
  g_autoptr (FerryInterface) interface = test_counter_create_interface ();
  g_autoptr (GError) error = NULL;

  ferry_transport_new_pair (&self->here, &self->there);
  self->exporter = ferry_exporter_new ();
  self->counter = test_counter_new ("counter");
  ferry_exporter_export (self->exporter, "counter", G_OBJECT (self->counter), interface, FERRY_CALL_POLICY_SERIAL,
                         &error);
  g_assert_no_error (error);
  self->proxy = ferry_proxy_new (self->here, "counter");
}

static gboolean
has_no_counters (gpointer data)
{
  return test_counter_count () == 0;
}

static void
tear_down (Scene *self, gconstpointer data)
{
  ferry_proxy_session_set_start_time (FERRY_EXPORTER_START_TIME);
  g_clear_object (&self->proxy);
  ferry_transport_close (self->here);
  g_clear_object (&self->here);
  g_clear_object (&self->there);
  g_clear_object (&self->exporter);
  g_clear_object (&self->counter);
  ferry_test_look_until (has_no_counters, NULL);
}

static void
add_transport (Scene *self)
{
  g_autoptr (GError) error = NULL;

  ferry_exporter_add_transport (self->exporter, self->there, &error);
  g_assert_no_error (error);
}

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
assert_all (ObjectOutcome *outcomes)
{
  for (guint i = 0; i < N_CALLS; i++)
    {
      ferry_test_wait_flag (&outcomes[i].over);
      g_assert_no_error (outcomes[i].error);
      g_assert_cmpint (g_variant_get_int32 (outcomes[i].value), ==, i + 1);
      object_outcome_clear (&outcomes[i]);
    }
}

static void
assert_nobody (ObjectOutcome *outcome)
{
  ferry_test_wait_flag (&outcome->over);
  g_assert_error (outcome->error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  object_outcome_clear (outcome);
}

/* ---- waiting for an exporter ---- */

static void
test_before_it_is_there (Scene *self, gconstpointer data)
{
  ObjectOutcome outcomes[N_CALLS] = {{0}};

  ask_all (self->proxy, outcomes);
  ferry_exporter_start (self->exporter);
  add_transport (self);
  assert_all (outcomes);
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
  assert_all (outcomes);
}

typedef struct
{
  FerryProxy *proxy;
  gint64 timeout;
  GError *error;
  gboolean called;
} Caller;

static gpointer
call_thread (gpointer data)
{
  Caller *self = data;

  self->called =
    ferry_proxy_call (self->proxy, "add", g_variant_new ("(i)", 1), self->timeout, NULL, NULL, NULL, &self->error);
  return NULL;
}

static void
test_a_thread (Scene *self, gconstpointer data)
{
  Caller caller = {self->proxy, -1, NULL, FALSE};
  GThread *thread = g_thread_new ("caller", call_thread, &caller);

  add_transport (self);
  ferry_exporter_start (self->exporter);
  g_thread_join (thread);
  g_assert_no_error (caller.error);
  g_assert_true (caller.called);
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

  g_signal_connect (self->counter, "notify::value", G_CALLBACK (emit_cb), NULL);
  g_signal_connect (self->proxy, "received", G_CALLBACK (received_cb), &heard);
  ferry_proxy_follow (self->proxy, NULL, (const char *const[]){"counted", NULL});
  ask_all (self->proxy, outcomes);
  add_transport (self);
  ferry_exporter_start (self->exporter);
  assert_all (outcomes);
  ferry_test_run_until (is_followed, self->counter);
  test_counter_emit (self->counter, -1, "last");
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
  assert_all (outcomes);
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
  g_autofree char *folder = g_dir_make_tmp ("ferry-test-starting-XXXXXX", NULL);
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
  assert_all (outcomes);
  g_clear_object (&proxy);
  object_scene_close (&scene);
  g_unlink (go);
  g_unlink (program);
  g_rmdir (folder);
}

/* ---- no exporter comes ---- */

static void
test_time_of_the_call (Scene *self, gconstpointer data)
{
  ObjectOutcome outcome = {0};
  Caller caller = {self->proxy, SHORT_TIME, NULL, FALSE};

  ask_add (self->proxy, SHORT_TIME, &outcome);
  assert_nobody (&outcome);
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
  Caller caller = {self->proxy, -1, NULL, FALSE};
  GThread *thread;

  ferry_proxy_session_set_start_time (SHORT_TIME);
  ask_add (self->proxy, -1, &outcomes[0]);
  test_call_with_func (self->proxy, "add", g_variant_new ("(i)", 1), told, &outcomes[1]);
  thread = g_thread_new ("caller", call_thread, &caller);
  assert_nobody (&outcomes[0]);
  assert_nobody (&outcomes[1]);
  g_thread_join (thread);
  g_assert_error (caller.error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  g_clear_error (&caller.error);
  /* From now on nothing waits, until one has come after all. */
  ask_add (self->proxy, LONG_TIME, &outcomes[2]);
  assert_nobody (&outcomes[2]);
  /* An exporter that comes before the cancels carries the calls out. */
  wait_for_cancels (self);
  add_transport (self);
  ferry_exporter_start (self->exporter);
  ferry_test_look_until ((FerryTestCondition) ferry_proxy_get_listening, self->proxy);
  object_scene_assert_call (self->proxy, "add", g_variant_new ("(i)", 1), "1");
}

static void
test_stopped (Scene *self, gconstpointer data)
{
  ObjectOutcome outcome = {0};

  ask_add (self->proxy, -1, &outcome);
  add_transport (self);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
  assert_nobody (&outcome);
}

static void
test_a_demux (Scene *self, gconstpointer data)
{
  g_autoptr (FerryDemux) demux = ferry_demux_new (self->there);
  g_autoptr (GError) error = NULL;
  ObjectOutcome outcome = {0};

  ask_add (self->proxy, -1, &outcome);
  g_assert_true (ferry_demux_start (demux, NULL));
  assert_nobody (&outcome);
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
  ferry_test_wait_flag (&outcome.over);
  g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  object_outcome_clear (&outcome);
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
  assert_nobody (&outcome);
  g_clear_object (&proxy);
  object_scene_close (&scene);
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

  add ("/object-starting/what-is-asked-before-an-exporter-is-there-waits-for-it", test_before_it_is_there);
  add ("/object-starting/what-is-asked-before-an-exporter-is-started-waits-for-that", test_before_it_is_started);
  add ("/object-starting/a-thread-waits-for-an-exporter-and-its-answer", test_a_thread);
  add ("/object-starting/a-description-waits-for-an-exporter", test_a_description);
  add ("/object-starting/who-follows-an-object-hears-what-calls-behind-that-do", test_a_follower);
  g_test_add_data_func ("/object-starting/what-is-asked-while-a-worker-starts-is-answered-in-order", NULL,
                        test_a_worker);
  g_test_add_data_func ("/object-starting/what-is-asked-while-a-worker-of-the-default-starts-is-answered-in-order",
                        "default", test_a_worker);
  g_test_add_func ("/object-starting/what-is-asked-while-a-worker-is-slow-to-start-waits-for-it", test_a_slow_worker);
  add ("/object-starting/a-call-waits-no-longer-than-its-time", test_time_of_the_call);
  add ("/object-starting/no-call-waits-for-ever", test_without_limit);
  add ("/object-starting/an-exporter-that-was-stopped-is-not-waited-for", test_stopped);
  add ("/object-starting/another-demux-is-no-exporter", test_a_demux);
  add ("/object-starting/a-view-with-a-default-does-not-wait", test_default);
  add ("/object-starting/the-end-of-the-transport-ends-the-waiting", test_closed);
  g_test_add_func ("/object-starting/a-worker-that-never-exports-is-an-error", test_a_mute_worker);

  return g_test_run ();
}
