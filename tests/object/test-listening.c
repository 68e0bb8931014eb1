/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exporter.c, object/ferry-proxy-session.c
 *
 * When an exporter listens: from its start to its stop, manually or in a worker that serves, and which requests wait
 * for it. */

#include "config.h"

#include <locale.h>
#include <string.h>

#include "conversation/ferry-demux-private.h"
#include "object-scene.h"
#include "object/ferry-exporter-private.h"
#include "process/worker-test.h"

/* ---- manually ---- */

typedef struct
{
  FerryTransport *here;
  FerryTransport *there;
  FerryExporter *exporter;
  TestShop *shop;
  FerryProxy *proxy;
} Hand;

static gboolean
is_heard (gpointer data)
{
  Hand *self = data;

  ferry_exporter_process_requests (self->exporter);
  return ferry_proxy_get_listening (self->proxy);
}

static void
set_up_silent (Hand *self, gconstpointer data)
{
  ferry_transport_new_pair (&self->here, &self->there);
  self->exporter = ferry_exporter_new ();
  self->shop = test_shop_new (self->exporter);
  g_object_set (self->exporter, "manual", TRUE, NULL);
}

static void
listen (Hand *self)
{
  g_autoptr (GError) error = NULL;

  ferry_exporter_add_transport (self->exporter, self->there, &error);
  g_assert_no_error (error);
  ferry_exporter_start (self->exporter);
  self->proxy = ferry_proxy_new (self->here, "counter");
  ferry_test_look_until (is_heard, self);
}

static void
set_up (Hand *self, gconstpointer data)
{
  set_up_silent (self, data);
  listen (self);
}

static gboolean
has_no_counters (gpointer data)
{
  return test_counter_count () == 0;
}

static void
tear_down (Hand *self, gconstpointer data)
{
  g_clear_object (&self->proxy);
  ferry_transport_close (self->here);
  g_object_unref (self->here);
  g_object_unref (self->there);
  g_clear_object (&self->exporter);
  test_shop_free (self->shop);
  ferry_test_look_until (has_no_counters, NULL);
}

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

/* Has n additions of 1 lie at the exporter. */
static void
ask (Hand *self, ObjectOutcome *outcomes, guint n)
{
  Pending pending = {self->exporter, n};

  for (guint i = 0; i < n; i++)
    object_scene_ask_call (self->proxy, "add", g_variant_new ("(i)", 1), &outcomes[i]);
  ferry_test_look_until (are_pending, &pending);
}

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

static void
test_manual (Hand *self, gconstpointer data)
{
  ObjectOutcome outcomes[3] = {0};

  ask (self, outcomes, 3);
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, 0);
  g_assert_cmpuint (ferry_exporter_process_requests (self->exporter), ==, 3);
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, 3);
  assert_outcomes (outcomes, 3, -1);
  g_assert_cmpuint (ferry_exporter_process_requests (self->exporter), ==, 0);
}

static gpointer
call_thread (gpointer proxy)
{
  GVariant *value = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_call (proxy, "add", g_variant_new ("(i)", 5), -1, NULL, &value, NULL, &error);
  g_assert_no_error (error);
  return value;
}

static void
test_poll (Hand *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_new ("call", call_thread, self->proxy);
  g_autoptr (GVariant) value = NULL;

  g_assert_true (ferry_exporter_poll (self->exporter, -1, NULL, &error));
  g_assert_no_error (error);
  value = g_thread_join (thread);
  g_assert_cmpint (g_variant_get_int32 (value), ==, 5);
}

static gpointer
cancel_thread (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_poll_ends (Hand *self, gconstpointer data)
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
test_poll_within_answer (Hand *self, gconstpointer data)
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

/* ---- stops ---- */

static void
test_fulfil (Hand *self, gconstpointer data)
{
  ObjectOutcome outcomes[3] = {0};

  ask (self, outcomes, 3);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_DRAIN);
  ferry_exporter_process_requests (self->exporter);
  assert_outcomes (outcomes, 3, -1);
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, 3);
}

static void
test_refuse (Hand *self, gconstpointer data)
{
  ObjectOutcome outcomes[3] = {0};

  ask (self, outcomes, 3);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_REFUSE);
  ferry_exporter_process_requests (self->exporter);
  assert_outcomes (outcomes, 3, FERRY_ERROR_REFUSED);
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, 0);
}

static gboolean
is_unheard (gpointer data)
{
  return !is_heard (data);
}

/* Started and stopped over and over, the other end hears of each, and an answer is that of the state. */
static void
test_rounds (Hand *self, gconstpointer data)
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
test_gone (Hand *self, gconstpointer data)
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
test_successor (Hand *self, gconstpointer data)
{
  ObjectOutcome outcome = {0};

  g_clear_object (&self->exporter);
  test_shop_free (self->shop);
  ferry_test_look_until (is_silent, self->proxy);
  g_clear_object (&self->proxy);
  self->exporter = ferry_exporter_new ();
  self->shop = test_shop_new (self->exporter);
  g_object_set (self->exporter, "manual", TRUE, NULL);
  listen (self);
  ask (self, &outcome, 1);
  ferry_exporter_process_requests (self->exporter);
  assert_outcomes (&outcome, 1, -1);
}

/* ---- references ---- */

static void
wait_pending (Hand *self, guint n)
{
  Pending pending = {self->exporter, n};

  ferry_test_look_until (are_pending, &pending);
}

/* One is dropped while another one to the same object is on its way. */
static void
test_reference_under_way (Hand *self, gconstpointer data)
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

static gboolean
is_listening (gpointer proxy)
{
  return ferry_proxy_get_listening (proxy);
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
  ferry_test_run_until (is_listening, proxy);
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
  ferry_test_run_until (is_listening, proxy);
  object_scene_assert_call (proxy, "add", g_variant_new ("(i)", 4), "4");
  g_clear_object (&proxy);
  object_scene_close (&scene);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

#define ADD(name, test) g_test_add ("/object-listening/" name, Hand, NULL, set_up, test, tear_down)
  ADD ("requests-wait-for-the-hand-that-answers-them", test_manual);
  ADD ("a-poll-waits-for-a-request", test_poll);
  ADD ("a-poll-ends-in-time-or-by-a-cancel", test_poll_ends);
  ADD ("a-poll-within-an-answer-is-refused", test_poll_within_answer);
  ADD ("a-stop-that-fulfils-answers-what-was-asked", test_fulfil);
  ADD ("a-stop-that-refuses-refuses-what-was-asked", test_refuse);
  ADD ("it-is-started-and-stopped-over-and-over", test_rounds);
  ADD ("an-exporter-that-goes-leaves-nobody-waiting", test_gone);
  ADD ("an-exporter-that-goes-leaves-its-transport-to-another", test_successor);
  ADD ("a-reference-under-way-keeps-its-object", test_reference_under_way);
  g_test_add_func ("/object-listening/a-proxy-may-be-there-before-the-worker", test_proxy_before_worker);
  g_test_add_func ("/object-listening/a-server-begins-takes-turns-and-cleans-up", test_serve);
  g_test_add_func ("/object-listening/a-server-that-cannot-begin-cleans-up", test_serve_fails);
  g_test_add_func ("/object-listening/a-turn-may-end-its-server", test_serve_until_a_turn_ends_it);

  return g_test_run ();
}
