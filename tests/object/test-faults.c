/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-proxy.c, object/ferry-exporter.c
 *
 * What goes wrong with CallPipe and remoteobj of old does not go wrong here, wherever the object is.
 * docs/migrating/callpipe.md and docs/migrating/remoteobj.md have the lists. */

#include "config.h"

#include <locale.h>
#include <string.h>

#include "object-scene.h"
#include "object/ferry-exporter-private.h"

/* Long enough for a call to have reached its method, also beside others that work. */
#define MOMENT G_USEC_PER_SEC

static guint64
count_requests (ObjectScene *scene)
{
  return ferry_exporter_get_n_requests (scene->exporter);
}

/* ---- several at a time ---- */

static void
many_in_flight (ObjectScene *scene)
{
  g_autoptr (FerryProxy) wide = object_scene_new_proxy (scene, "wide");
  ObjectOutcome outcomes[3] = {0};

  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    object_scene_ask_call (wide, "hold", NULL, &outcomes[i]);
  /* The third is there before the first one is answered; and a fourth gets past them. */
  object_scene_wait_number (scene, "held", "wide", 3);
  object_scene_assert_call (wide, "add", g_variant_new ("(i)", 7), "7");
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    object_scene_let_go (scene, "wide");
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      ferry_test_wait_flag (&outcomes[i].over);
      g_assert_no_error (outcomes[i].error);
      object_outcome_clear (&outcomes[i]);
    }
}

/* The object need not be safe for use by threads: there is one in it at a time, of all callers. */
static void
one_at_a_time (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  g_autoptr (FerryProxy) other = object_scene_new_proxy (scene, "counter");
  ObjectOutcome outcomes[40] = {0};

  object_scene_ask_call (counter, "hold", NULL, &outcomes[0]);
  object_scene_wait_number (scene, "held", "counter", 1);
  for (guint i = 1; i < G_N_ELEMENTS (outcomes); i++)
    object_scene_ask_call (i % 2 == 0 ? counter : other, "add", g_variant_new ("(i)", 1), &outcomes[i]);
  /* All of them are asked, and wait: this comes behind them. */
  object_scene_wait_number (scene, "most", "counter", 1);
  for (guint i = 1; i < G_N_ELEMENTS (outcomes); i++)
    g_assert_false (outcomes[i].over);
  object_scene_let_go (scene, "counter");
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      ferry_test_wait_flag (&outcomes[i].over);
      g_assert_no_error (outcomes[i].error);
      object_outcome_clear (&outcomes[i]);
    }
  object_scene_wait_number (scene, "most", "counter", 1);
  object_scene_assert_call (counter, "add", g_variant_new ("(i)", 0), "39");
}

/* ---- ends of a call ---- */

static void
ask_hold (ObjectScene *scene, gint64 timeout, GCancellable *cancellable, ObjectOutcome *outcome)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");

  object_scene_ask (counter, g_variant_new ("((ss))", "call", "hold"), timeout, cancellable, outcome);
}

static void
deadline (ObjectScene *scene)
{
  g_auto (ObjectOutcome) outcome = {0};

  ask_hold (scene, MOMENT, NULL, &outcome);
  ferry_test_wait_flag (&outcome.over);
  g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (outcome.error->message, "counter.hold()"));
  /* Its method hears of it. */
  object_scene_wait_number (scene, "cancelled", "counter", 1);
  object_scene_let_go (scene, "counter");
}

static void
cancel (ObjectScene *scene)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ObjectOutcome) outcome = {0};

  ask_hold (scene, -1, cancellable, &outcome);
  object_scene_wait_number (scene, "held", "counter", 1);
  g_assert_false (outcome.over);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&outcome.over);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  object_scene_wait_number (scene, "cancelled", "counter", 1);
  object_scene_let_go (scene, "counter");
}

static void
owner_dies (ObjectScene *scene)
{
  const int code = object_scene_has_worker (scene) ? FERRY_ERROR_WORKER_LOST : FERRY_ERROR_CLOSED;
  g_auto (ObjectOutcome) outcome = {0};

  ask_hold (scene, -1, NULL, &outcome);
  object_scene_wait_number (scene, "held", "counter", 1);
  if (object_scene_has_worker (scene))
    object_scene_kill_worker (scene);
  else
    ferry_transport_close (scene->there);
  ferry_test_wait_flag (&outcome.over);
  g_assert_error (outcome.error, FERRY_ERROR, code);
  if (scene->shop != NULL)
    test_counter_let_go (scene->shop->counter);
}

static void
ask_and_close (ObjectScene *scene)
{
  g_auto (ObjectOutcome) outcome = {0};

  ask_hold (scene, -1, NULL, &outcome);
  object_scene_wait_number (scene, "held", "counter", 1);
  ferry_transport_close (scene->here);
  ferry_test_wait_flag (&outcome.over);
  g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static gboolean
is_left_and_cancelled (gpointer data)
{
  ObjectScene *scene = data;

  return ferry_test_get_number (scene->exporter, "n-transports") == 0 &&
         test_counter_get_n_cancelled (scene->shop->counter) == 1;
}

static void
caller_closes (ObjectScene *scene)
{
  ask_and_close (scene);
  if (scene->exporter == NULL)
    return; /* the worker ends in order, since its transport does */
  ferry_test_look_until (is_left_and_cancelled, scene);
  test_counter_let_go (scene->shop->counter);
}

/* A stop that comes while something is asked: the request is answered, with its result or with a refusal. */
static void
stop_amid_requests (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  g_autoptr (FerryProxy) control = object_scene_new_proxy (scene, "control");
  ObjectOutcome outcomes[60] = {0};
  g_auto (ObjectOutcome) dozed = {0};
  guint n_done = 0;

  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      object_scene_ask_call (counter, "add", g_variant_new ("(i)", 1), &outcomes[i]);
      if (i == G_N_ELEMENTS (outcomes) / 2)
        object_scene_ask (control, g_variant_new ("((ss(b)))", "pass-to", "doze", FALSE), -1, NULL, &dozed);
    }
  ferry_test_wait_flag (&dozed.over);
  g_assert_no_error (dozed.error);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      ferry_test_wait_flag (&outcomes[i].over);
      if (outcomes[i].error == NULL)
        n_done++;
      else if (!g_error_matches (outcomes[i].error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING))
        g_assert_error (outcomes[i].error, FERRY_ERROR, FERRY_ERROR_REFUSED);
      object_outcome_clear (&outcomes[i]);
    }
  g_assert_cmpuint (n_done, <, G_N_ELEMENTS (outcomes));
  if (scene->shop != NULL)
    g_assert_cmpint (test_counter_get_value (scene->shop->counter), ==, (int) n_done);
}

/* ---- a thread that waits ---- */

typedef struct
{
  FerryProxy *proxy;
  gint64 timeout;
  GCancellable *cancellable;
  GError *error;
  _Atomic gboolean over;
} Waiter;

static gpointer
wait_thread (gpointer data)
{
  Waiter *self = data;

  g_assert_false (
    ferry_proxy_call (self->proxy, "hold", NULL, self->timeout, self->cancellable, NULL, NULL, &self->error));
  atomic_store (&self->over, TRUE);
  return NULL;
}

static gboolean
is_over (gpointer data)
{
  return atomic_load (&((Waiter *) data)->over);
}

static void
join_waiter (Waiter *self, GThread *thread, GQuark domain, int code)
{
  ferry_test_look_until (is_over, self);
  g_thread_join (thread);
  g_assert_error (self->error, domain, code);
  g_clear_error (&self->error);
}

static void
thread_ends (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Waiter late = {counter, MOMENT, NULL};
  Waiter cancelled = {counter, -1, cancellable};
  GThread *thread = g_thread_new ("wait", wait_thread, &late);

  join_waiter (&late, thread, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  object_scene_wait_number (scene, "cancelled", "counter", 1);
  object_scene_let_go (scene, "counter");
  thread = g_thread_new ("wait", wait_thread, &cancelled);
  object_scene_wait_number (scene, "held", "counter", 1);
  g_assert_false (is_over (&cancelled));
  g_cancellable_cancel (cancellable);
  join_waiter (&cancelled, thread, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  object_scene_wait_number (scene, "cancelled", "counter", 1);
  object_scene_let_go (scene, "counter");
}

static void
thread_is_left (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  const int code = object_scene_has_worker (scene) ? FERRY_ERROR_WORKER_LOST : FERRY_ERROR_CLOSED;
  Waiter waiter = {counter, -1, NULL};
  GThread *thread = g_thread_new ("wait", wait_thread, &waiter);

  object_scene_wait_number (scene, "held", "counter", 1);
  if (object_scene_has_worker (scene))
    object_scene_kill_worker (scene);
  else
    ferry_transport_close (scene->there);
  join_waiter (&waiter, thread, FERRY_ERROR, code);
  if (scene->shop != NULL)
    test_counter_let_go (scene->shop->counter);
}

/* ---- errors ---- */

static void
trace_travels (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  g_auto (ObjectOutcome) outcome = {0};
  g_autofree char *trace = NULL;

  object_scene_resolve (counter, "(('call', 'get_self'), ('call', 'fail', ('no such luck',)))", NULL, &outcome);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_BUSY);
  g_assert_cmpstr (outcome.error->message, ==, "no such luck");
  trace = ferry_error_get_trace (outcome.error);
  g_assert_nonnull (trace);
  g_assert_nonnull (strstr (trace, "counter.get_self().fail('no such luck')"));
  if (object_scene_has_worker (scene))
    {
      const char *process = ferry_worker_get_identifier (scene->worker);

      g_assert_nonnull (strstr (trace, "object-worker"));
      g_assert_nonnull (strstr (trace, process));
    }
}

static void
bad_results (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");

  object_scene_assert_call_fails (counter, "wrong", NULL, FERRY_ERROR, FERRY_ERROR_BAD_RESULT);
  object_scene_assert_call_fails (counter, "give_stranger", NULL, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED);
  object_scene_assert_call_fails (counter, "add", g_variant_new ("(s)", "three"), FERRY_ERROR,
                                  FERRY_ERROR_BAD_ARGUMENTS);
  object_scene_assert_call_fails (counter, "drop", NULL, FERRY_ERROR, FERRY_ERROR_REFUSED);
}

static void
underscore (ObjectScene *scene)
{
  g_autoptr (FerryProxy) shelf = object_scene_new_proxy (scene, "shelf");

  object_scene_assert_call (shelf, "_hidden", NULL, "'found'");
}

/* What is not exported does not become reachable by that. */
static void
unlisted (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");

  object_scene_assert_fails (counter, "(('get', 'secret'),)", NULL, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
  object_scene_assert_call_fails (counter, "_hidden", NULL, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
}

/* ---- trips ---- */

static void
described_cb (GObject *proxy, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  GDBusInterfaceInfo *info = ferry_proxy_describe_finish (FERRY_PROXY (proxy), result, &error);

  g_assert_no_error (error);
  g_assert_nonnull (g_dbus_interface_info_lookup_method (info, "add"));
  g_assert_null (g_dbus_interface_info_lookup_method (info, "nothing"));
  g_dbus_interface_info_unref (info);
  *(gboolean *) data = TRUE;
}

static void
trips_of_unknown_methods (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  guint64 before;
  gboolean described = FALSE;

  before = count_requests (scene);
  object_scene_assert_call_fails (counter, "nothing", NULL, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
  g_assert_cmpuint (count_requests (scene) - before, ==, 1);
  ferry_proxy_describe_async (counter, -1, NULL, described_cb, &described);
  ferry_test_wait_flag (&described);
  before = count_requests (scene);
  object_scene_assert_call_fails (counter, "nothing", NULL, FERRY_ERROR, FERRY_ERROR_UNKNOWN_MEMBER);
  g_assert_cmpuint (count_requests (scene) - before, ==, 0);
  object_scene_assert_call (counter, "add", g_variant_new ("(i)", 1), "1");
  g_assert_cmpuint (count_requests (scene) - before, ==, 1);
}

static void
one_trip_a_chain (ObjectScene *scene)
{
  g_autoptr (FerryProxy) counter = object_scene_new_proxy (scene, "counter");
  g_autoptr (GString) steps = g_string_new ("(");
  guint64 before;

  before = count_requests (scene);
  for (guint i = 0; i < 10; i++)
    g_string_append (steps, "('call', 'get_self'), ");
  g_string_append (steps, "('get', 'label'))");
  object_scene_assert_gives (counter, steps->str, NULL, "'first'");
  g_assert_cmpuint (count_requests (scene) - before, ==, 1);
}

static const ObjectSceneFact facts[] = {
  {"many-calls-are-in-flight-over-one-proxy", many_in_flight},
  {"one-caller-at-a-time-is-in-a-serial-object", one_at_a_time},
  {"a-deadline-ends-a-call", deadline},
  {"a-cancel-ends-a-call", cancel},
  {"a-deadline-and-a-cancel-end-the-waiting-of-a-thread", thread_ends},
  {"a-stop-drops-no-request", stop_amid_requests},
  {"an-error-comes-with-where-it-was-raised", trace_travels},
  {"what-cannot-be-sent-is-an-error", bad_results},
  {"a-name-may-begin-with-an-underscore", underscore},
  {"what-is-not-exported-is-out-of-reach", unlisted},
};

static const ObjectSceneFact remote_facts[] = {
  {"the-death-of-the-owner-ends-the-waiting-of-a-thread", thread_is_left},
  {"the-death-of-the-owner-ends-a-call", owner_dies},
  {"a-caller-that-closes-ends-what-it-asked-on-both-ends", caller_closes},
};

/* Which are counted here. */
static const ObjectSceneFact trips[] = {
  {"an-unknown-method-costs-one-trip-or-none", trips_of_unknown_methods},
  {"a-chain-costs-one-trip", one_trip_a_chain},
};

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  object_scene_add_facts ("object-faults", facts, G_N_ELEMENTS (facts));
  object_scene_add_remote_facts ("object-faults", remote_facts, G_N_ELEMENTS (remote_facts));
  object_scene_add_near_facts ("object-faults", trips, G_N_ELEMENTS (trips));

  return g_test_run ();
}
