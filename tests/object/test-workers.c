/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exporter.c, object/ferry-object-server.c
 *
 * Objects of the application that its workers call, each over its own link, or its threads, each over its own pair. */

#include "config.h"

#include <locale.h>
#include <string.h>

#include "object-scene.h"
#include "object/ferry-exporter-private.h"
#include "process/worker-test.h"

#define N_CALLS 200

typedef struct
{
  FerryRouter *router;
  FerryExporter *exporter;
  TestShop *shop;
  FerryLauncher *launchers[2];
  FerryTransport *transports[2];
  FerryWorker *workers[2];
} Application;

/* ---- setting up ---- */

static void
set_up_stopped (Application *self, gconstpointer threads)
{
  self->router = ferry_test_router_new ();
  self->exporter = ferry_exporter_new ();
  self->shop = test_shop_new (self->exporter);
  if (threads != NULL)
    g_object_set (self->exporter, "threads", GPOINTER_TO_UINT (threads), NULL);
  else
    ferry_exporter_set_context (self->exporter, NULL);
}

static void
set_up (Application *self, gconstpointer threads)
{
  set_up_stopped (self, threads);
  ferry_exporter_start (self->exporter);
}

static void
add_transport (Application *self, guint index)
{
  g_autoptr (GError) error = NULL;

  ferry_exporter_add_transport (self->exporter, self->transports[index], &error);
  g_assert_no_error (error);
}

static void
prepare (Application *self, guint index, const char *order, const char *name, const char *n_threads, const char *n)
{
  g_autoptr (GError) error = NULL;

  self->launchers[index] = worker_test_launcher_new ("object-worker", order, name, n_threads, n, NULL);
  self->transports[index] = ferry_launcher_add_transport (self->launchers[index], self->router, "objects", &error);
  g_assert_no_error (error);
}

static void
spawn (Application *self, guint index, const char *order, const char *name)
{
  prepare (self, index, order, name, "2", G_STRINGIFY (N_CALLS));
  add_transport (self, index);
  self->workers[index] = worker_test_spawn (self->launchers[index], self->router);
}

static void
finish (Application *self, guint index, const char *words)
{
  worker_test_assert_exit (self->workers[index], FERRY_CLOSE_REASON_EXITED, words);
}

static void
forget (Application *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->workers); i++)
    {
      g_clear_object (&self->workers[i]);
      g_clear_object (&self->transports[i]);
      g_clear_object (&self->launchers[i]);
    }
}

static gboolean
has_no_transports (gpointer exporter)
{
  return ferry_test_get_number (exporter, "n-transports") == 0;
}

static void
tear_down (Application *self, gconstpointer data)
{
  ferry_test_look_until (has_no_transports, self->exporter);
  forget (self);
  ferry_test_router_stop (self->router);
  g_object_unref (self->exporter);
  test_shop_free (self->shop);
  ferry_test_look_until (test_counters_are_gone, NULL);
}

/* ---- what is held ---- */

typedef struct
{
  TestCounter *counter;
  guint n;
} Held;

static gboolean
is_held (gpointer data)
{
  Held *self = data;

  return test_counter_get_n_held (self->counter) == self->n;
}

static void
wait_held (TestCounter *counter, guint n)
{
  Held held = {counter, n};

  ferry_test_look_until (is_held, &held);
}

static gboolean
is_cancelled (gpointer data)
{
  Held *self = data;

  return test_counter_get_n_cancelled (self->counter) == self->n;
}

/* Each of the two watches, and calls. */
static gboolean
have_both_asked (gpointer exporter)
{
  return ferry_exporter_get_n_requests (exporter) == 4;
}

/* ---- tests ---- */

static void
test_two_workers (Application *self, gconstpointer data)
{
  spawn (self, 0, "add", "counter");
  spawn (self, 1, "add", "counter");
  finish (self, 0, "status 0");
  finish (self, 1, "status 0");
  g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, 2 * 2 * N_CALLS);
  g_assert_cmpint (test_counter_get_most_at_once (self->shop->counter), ==, 1);
}

static void
test_serial (Application *self, gconstpointer data)
{
  spawn (self, 0, "hold", "counter");
  spawn (self, 1, "hold", "counter");
  ferry_test_look_until (have_both_asked, self->exporter);
  wait_held (self->shop->counter, 1);
  test_counter_let_go (self->shop->counter);
  wait_held (self->shop->counter, 1);
  test_counter_let_go (self->shop->counter);
  finish (self, 0, "status 0");
  finish (self, 1, "status 0");
  g_assert_cmpint (test_counter_get_most_at_once (self->shop->counter), ==, 1);
}

static void
test_concurrent (Application *self, gconstpointer data)
{
  spawn (self, 0, "hold", "wide");
  spawn (self, 1, "hold", "wide");
  wait_held (self->shop->wide, 2);
  g_assert_cmpint (test_counter_get_most_at_once (self->shop->wide), ==, 2);
  test_counter_let_go (self->shop->wide);
  test_counter_let_go (self->shop->wide);
  finish (self, 0, "status 0");
  finish (self, 1, "status 0");
}

static void
test_error (Application *self, gconstpointer data)
{
  spawn (self, 0, "error", "counter");
  finish (self, 0, "status 0");
}

static void
test_killed (Application *self, gconstpointer data)
{
  Held held = {self->shop->counter, 1};

  spawn (self, 0, "hold", "counter");
  spawn (self, 1, "hold", "wide");
  wait_held (self->shop->counter, 1);
  wait_held (self->shop->wide, 1);
  ferry_worker_force_exit (self->workers[0]);
  ferry_test_look_until (is_cancelled, &held);
  ferry_test_wait_ended (self->workers[0]);
  test_counter_let_go (self->shop->counter);
  /* The other one has nothing to do with it. */
  g_assert_cmpuint (test_counter_get_n_cancelled (self->shop->wide), ==, 0);
  g_assert_cmpint (ferry_test_get_number (self->exporter, "n-transports"), ==, 1);
  test_counter_let_go (self->shop->wide);
  finish (self, 1, "status 0");
}

static void
test_closed (Application *self, gconstpointer data)
{
  Held held = {self->shop->counter, 1};
  g_autofree char *words = g_strdup_printf ("status %d", 100 + FERRY_ERROR_CLOSED);

  spawn (self, 0, "hold", "counter");
  wait_held (self->shop->counter, 1);
  ferry_transport_close (self->transports[0]);
  finish (self, 0, words);
  ferry_test_look_until (is_cancelled, &held);
  test_counter_let_go (self->shop->counter);
}

/* What has begun is answered, whatever the mode is. */
static void
test_stopped (Application *self, gconstpointer data)
{
  spawn (self, 0, "hold", "counter");
  wait_held (self->shop->counter, 1);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_REFUSE);
  g_assert_cmpuint (test_counter_get_n_cancelled (self->shop->counter), ==, 0);
  test_counter_let_go (self->shop->counter);
  finish (self, 0, "status 0");
}

static void
test_refused (Application *self, gconstpointer data)
{
  g_autofree char *words = g_strdup_printf ("status %d", 100 + FERRY_ERROR_REFUSED);

  spawn (self, 0, "hold", "counter");
  wait_held (self->shop->counter, 1);
  spawn (self, 1, "hold", "counter");
  ferry_test_look_until (have_both_asked, self->exporter);
  ferry_exporter_stop (self->exporter, FERRY_STOP_MODE_REFUSE);
  finish (self, 1, words);
  test_counter_let_go (self->shop->counter);
  finish (self, 0, "status 0");
}

static void
test_object (Application *self, gconstpointer data)
{
  g_autoptr (GObject) counter = ferry_exporter_dup_object (self->exporter, "counter");

  g_assert_true (counter == G_OBJECT (self->shop->counter));
  g_assert_null (ferry_exporter_dup_object (self->exporter, "nothing"));
}

/* Where the exporter begins before or after the worker, and with or without its transport. */
static void
test_orders (Application *self, gconstpointer data)
{
  static const char *const orders[] = {"ast", "ats", "sat", "sta", "tas", "tsa"};

  for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
    {
      prepare (self, 0, "add", "counter", "1", "1");
      for (const char *step = orders[i]; *step != '\0'; step++)
        if (*step == 't')
          add_transport (self, 0);
        else if (*step == 'a')
          ferry_exporter_start (self->exporter);
        else
          self->workers[0] = worker_test_spawn (self->launchers[0], self->router);
      finish (self, 0, "status 0");
      g_assert_cmpint (test_counter_get_value (self->shop->counter), ==, (int) i + 1);
      ferry_exporter_stop (self->exporter, i % 2 == 0 ? FERRY_STOP_MODE_DRAIN : FERRY_STOP_MODE_REFUSE);
      ferry_test_look_until (has_no_transports, self->exporter);
      forget (self);
    }
}

/* ---- threads ---- */

static gpointer
call_thread (gpointer data)
{
  g_autoptr (FerryProxy) proxy = ferry_proxy_new (data, "counter");
  g_autoptr (GError) error = NULL;

  ferry_proxy_wait_until_listening (proxy, -1, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N_CALLS; i++)
    {
      g_autoptr (GVariant) value = NULL;

      ferry_proxy_call (proxy, "add", g_variant_new ("(i)", 1), -1, NULL, &value, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (g_variant_get_int32 (value), >, 0);
    }
  return NULL;
}

static gboolean
has_all_of_threads (gpointer counter)
{
  return test_counter_get_value (counter) == 2 * N_CALLS;
}

static void
test_threads (Application *self, gconstpointer data)
{
  FerryTransport *ends[2][2];
  GThread *threads[2];
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++)
    {
      ferry_transport_new_pair (&ends[i][0], &ends[i][1]);
      ferry_exporter_add_transport (self->exporter, ends[i][1], &error);
      g_assert_no_error (error);
      threads[i] = g_thread_new ("call", call_thread, ends[i][0]);
    }
  ferry_test_look_until (has_all_of_threads, self->shop->counter);
  for (guint i = 0; i < 2; i++)
    {
      g_thread_join (threads[i]);
      /* Either end may be the first to go. */
      ferry_transport_close (ends[i][i]);
      g_object_unref (ends[i][0]);
      g_object_unref (ends[i][1]);
    }
  g_assert_cmpint (test_counter_get_most_at_once (self->shop->counter), ==, 1);
}

static void
add (const char *name, void (*begin) (Application *, gconstpointer), void (*test) (Application *, gconstpointer))
{
  static const struct
  {
    const char *name;
    guint n_threads;
  } places[] = {{"context", 0}, {"thread", 1}, {"threads", 4}};

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autofree char *path = g_strdup_printf ("/object-workers/%s/%s", places[i].name, name);

      g_test_add (path, Application, GUINT_TO_POINTER (places[i].n_threads), begin, test, tear_down);
    }
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  add ("two-processes-call-one-object-by-turns", set_up, test_two_workers);
  add ("a-serial-object-has-one-caller-at-a-time", set_up, test_serial);
  add ("a-concurrent-object-has-several-callers", set_up, test_concurrent);
  add ("an-error-arrives-in-the-worker-as-it-was", set_up, test_error);
  add ("the-death-of-a-caller-cancels-what-it-asked", set_up, test_killed);
  add ("a-closed-transport-ends-the-call-on-both-ends", set_up, test_closed);
  add ("what-has-begun-is-answered-after-a-stop", set_up, test_stopped);
  add ("what-waits-is-refused-at-a-stop-that-refuses", set_up, test_refused);
  add ("the-object-is-the-exporter's", set_up, test_object);
  add ("both-ends-begin-in-any-order", set_up_stopped, test_orders);
  add ("two-threads-call-one-object-over-pairs", set_up, test_threads);

  return g_test_run ();
}
