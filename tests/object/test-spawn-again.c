/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-spawn-again.c, object/ferry-proxy-session.c, call/ferry-link-transport.c
 *
 * A worker in the place of one that has ended, with the same proxies. */

#include "config.h"

#include <locale.h>

#include "object-scene.h"
#include "process/worker-test.h"

#define N_ROUNDS 8

typedef struct
{
  ObjectScene scene;
  FerryProxy *proxy;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  object_scene_spawn (&self->scene, "serve", NULL);
  self->proxy = ferry_proxy_new (self->scene.here, "counter");
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_autoptr (FerryTransport) transport = NULL;

  /* The transport of the present worker. */
  g_object_get (self->proxy, "transport", &transport, NULL);
  ferry_transport_close (transport);
  g_clear_object (&self->proxy);
  object_scene_close (&self->scene);
}

static void
end_worker (Fixture *self)
{
  self->scene.killed = TRUE;
  ferry_worker_force_exit (self->scene.worker);
  ferry_test_wait_ended (self->scene.worker);
}

static void
spawn_again (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  g_clear_object (&self->scene.worker);
  self->scene.worker = ferry_launcher_spawn_again (self->scene.launcher, self->scene.router, &error);
  g_assert_no_error (error);
  g_assert_nonnull (self->scene.worker);
  self->scene.killed = FALSE;
}

static void
add_one (Fixture *self, const char *result)
{
  object_scene_assert_call (self->proxy, "add", g_variant_new ("(i)", 1), result);
}

static gboolean
is_not_listening (gpointer proxy)
{
  return !ferry_proxy_get_listening (proxy);
}

/* ---- what goes on ---- */

static void
test_proxies (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < N_ROUNDS; i++)
    {
      /* Both are asked before the worker has come up. */
      add_one (self, "1");
      add_one (self, "2");
      end_worker (self);
      ferry_test_run_until (is_not_listening, self->proxy);
      object_scene_assert_call_fails (self->proxy, "add", g_variant_new ("(i)", 1), FERRY_ERROR,
                                      FERRY_ERROR_WORKER_LOST);
      spawn_again (self);
    }
  add_one (self, "1");
}

typedef struct
{
  TestCounter *counter;
  int value;
} Value;

static gboolean
has_value (gpointer data)
{
  const Value *wanted = data;

  return test_counter_get_value (wanted->counter) == wanted->value;
}

static void
wait_value (gpointer counter, int value)
{
  Value wanted = {counter, value};

  ferry_test_run_until (has_value, &wanted);
}

/* The widget is bound to the replica, and the replica to the object of the present process. */
static void
test_replicas (Fixture *self, gconstpointer data)
{
  GObject *replica = ferry_proxy_create_replica (self->proxy, TEST_TYPE_COUNTER, (const char *const[]){"value", NULL});
  GObject *widget = G_OBJECT (test_counter_new ("widget"));

  g_object_bind_property (replica, "value", widget, "value", G_BINDING_BIDIRECTIONAL);
  for (int i = 0; i < 3; i++)
    {
      add_one (self, "1");
      wait_value (widget, 1);
      g_object_set (widget, "value", 40 + i, NULL);
      wait_value (replica, 40 + i);
      object_scene_assert_call (self->proxy, "add", g_variant_new ("(i)", 0), i == 0 ? "40" : i == 1 ? "41" : "42");
      end_worker (self);
      ferry_test_run_until (is_not_listening, self->proxy);
      wait_value (widget, 40 + i);
      spawn_again (self);
      wait_value (widget, 0);
    }
  g_object_unref (replica);
  g_object_unref (widget);
}

static void
changed_cb (FerryProxy *proxy, const char *property, GVariant *value, gpointer data)
{
  *(int *) data = g_variant_get_int32 (value);
}

static gboolean
is_three (gpointer value)
{
  return *(int *) value == 3;
}

static void
test_followed (Fixture *self, gconstpointer data)
{
  int value = -1;

  g_signal_connect (self->proxy, "changed::value", G_CALLBACK (changed_cb), &value);
  ferry_proxy_follow (self->proxy, (const char *const[]){"value", NULL}, NULL);
  add_one (self, "1");
  end_worker (self);
  spawn_again (self);
  object_scene_assert_call (self->proxy, "add", g_variant_new ("(i)", 3), "3");
  ferry_test_run_until (is_three, &value);
  g_signal_handlers_disconnect_by_data (self->proxy, &value);
  ferry_proxy_follow (self->proxy, NULL, NULL);
}

static void
ended_cb (FerryWorker *worker, FerryExit *exit_record, Fixture *self)
{
  g_signal_handlers_disconnect_by_data (worker, self);
  spawn_again (self);
}

static gboolean
is_another (gpointer data)
{
  gpointer *workers = data;

  return ((Fixture *) workers[0])->scene.worker != workers[1];
}

/* The handler of its end has the next one started. */
static void
test_at_once (Fixture *self, gconstpointer data)
{
  gpointer workers[] = {self, self->scene.worker};

  add_one (self, "1");
  g_signal_connect (self->scene.worker, "ended", G_CALLBACK (ended_cb), self);
  ferry_worker_force_exit (self->scene.worker);
  ferry_test_run_until (is_another, workers);
  add_one (self, "1");
}

/* ---- what does not ---- */

static void
test_under_way (Fixture *self, gconstpointer data)
{
  ObjectOutcome outcomes[5] = {{0}};

  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    object_scene_ask_call (self->proxy, "hold", NULL, &outcomes[i]);
  end_worker (self);
  spawn_again (self);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    {
      ferry_test_wait_flag (&outcomes[i].over);
      g_assert_error (outcomes[i].error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
      object_outcome_clear (&outcomes[i]);
    }
  add_one (self, "1");
}

static void
test_references (Fixture *self, gconstpointer data)
{
  ObjectOutcome outcome = {0};
  FerryProxy *made;

  object_scene_ask_call (self->proxy, "make", g_variant_new ("(s)", "other"), &outcome);
  ferry_test_wait_flag (&outcome.over);
  made = g_steal_pointer (&outcome.object);
  end_worker (self);
  spawn_again (self);
  object_scene_assert_call_fails (made, "add", g_variant_new ("(i)", 1), FERRY_ERROR, FERRY_ERROR_UNKNOWN_OBJECT);
  g_object_unref (made);
  add_one (self, "1");
}

static void
test_running (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  add_one (self, "1");
  g_assert_null (ferry_launcher_spawn_again (self->scene.launcher, self->scene.router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_RUNNING);
  add_one (self, "2");
}

static void
test_failed (Fixture *self, gconstpointer data)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "object-worker", NULL);
  g_autoptr (GError) error = NULL;

  add_one (self, "1");
  end_worker (self);
  g_object_set (self->scene.launcher, "argv", (const char *const[]){"no-such-program-anywhere", NULL}, NULL);
  g_assert_null (ferry_launcher_spawn_again (self->scene.launcher, self->scene.router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
  object_scene_assert_call_fails (self->proxy, "add", g_variant_new ("(i)", 1), FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_object_set (self->scene.launcher, "argv", (const char *const[]){program, "serve", NULL}, NULL);
  spawn_again (self);
  add_one (self, "1");
}

/* ---- objects of the application ---- */

static void
test_exporters (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (FerryExporter) exporter = ferry_exporter_new ();
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("object-worker", "add", "counter", "1", "5", NULL);
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (GError) error = NULL;
  TestShop *shop = test_shop_new (exporter);

  ferry_exporter_set_context (exporter, NULL);
  ferry_exporter_start (exporter);
  transport = ferry_launcher_add_transport (launcher, router, "objects", &error);
  g_assert_no_error (error);
  ferry_exporter_add_transport (exporter, transport, &error);
  g_assert_no_error (error);
  for (int i = 1; i <= 3; i++)
    {
      g_autoptr (FerryWorker) worker = ferry_launcher_spawn_again (launcher, router, &error);

      g_assert_no_error (error);
      worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 0");
      g_assert_cmpint (test_counter_get_value (shop->counter), ==, 5 * i);
    }
  g_clear_object (&transport);
  g_clear_object (&launcher);
  ferry_test_router_stop (g_steal_pointer (&router));
  g_clear_object (&exporter);
  test_shop_free (shop);
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  add ("/spawn-again/proxies-go-on", test_proxies);
  add ("/spawn-again/replicas-and-their-bindings-go-on", test_replicas);
  add ("/spawn-again/what-is-followed-is-followed-again", test_followed);
  add ("/spawn-again/may-be-called-when-the-end-is-told", test_at_once);
  add ("/spawn-again/calls-that-were-under-way-have-failed", test_under_way);
  add ("/spawn-again/a-reference-to-an-object-of-the-former-process-is-none-of-the-new-one's", test_references);
  add ("/spawn-again/a-worker-that-runs-is-not-replaced", test_running);
  add ("/spawn-again/may-fail-and-be-tried-again", test_failed);
  g_test_add_func ("/spawn-again/the-application's-objects-are-called-by-the-new-worker", test_exporters);

  return g_test_run ();
}
