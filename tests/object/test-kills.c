/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exporter.c, object/ferry-proxy-session.c
 *
 * Workers that are killed at any moment, while each end has references to objects of the other: nothing is left of
 * them here, and one that ends in order finds nothing left there. */

#include "config.h"

#include <locale.h>

#include "object/object-scene.h"
#include "process/worker-test.h"

#define N_WORKERS 20
#define N_REFERENCES 100000
#define N_HELD 1000

typedef struct
{
  FerryRouter *router;
  FerryExporter *exporter;
  TestShop *shop;
  GRand *rand;
  FerryTransport *transport; /* (owned) (nullable): of the worker, as what follows */
  FerryLauncher *launcher;
  FerryWorker *worker;
  GPtrArray *stale; /* (element-type FerryProxy) (owned): of workers that are gone */
  guint n_fds;
} Application;

static void
start_worker (Application *self)
{
  g_autofree char *seed = g_strdup_printf ("%u", g_rand_int (self->rand));
  g_autoptr (GError) error = NULL;

  self->launcher = worker_test_launcher_new ("object-worker", "trade", seed, NULL);
  self->transport = ferry_launcher_add_transport (self->launcher, self->router, "objects", &error);
  g_assert_no_error (error);
  ferry_exporter_add_transport (self->exporter, self->transport, &error);
  g_assert_no_error (error);
  self->worker = worker_test_spawn (self->launcher, self->router);
}

/* ---- references to the worker's objects ---- */

typedef struct
{
  Application *application;
  guint n; /* how many come before it is killed */
  gboolean kills;
  gboolean over;
} Trade;

static void
check_stale (Application *self)
{
  if (self->stale->len == 0)
    return;
  for (guint i = 0; i < 3; i++)
    {
      FerryProxy *proxy = self->stale->pdata[g_rand_int_range (self->rand, 0, (gint32) self->stale->len)];
      g_autoptr (GError) error = NULL;

      g_assert_false (ferry_proxy_call (proxy, "get_self", NULL, -1, NULL, NULL, NULL, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
    }
}

static void
come_and_go (Trade *self, FerryProxy *proxy)
{
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_object_unref);
  GRand *rand = self->application->rand;

  for (guint i = 0; i < self->n; i++)
    {
      FerryProxy *made = NULL;
      g_autoptr (GError) error = NULL;

      ferry_proxy_call (proxy, "make", g_variant_new ("(s)", "made"), -1, NULL, NULL, &made, &error);
      g_assert_no_error (error);
      g_ptr_array_add (held, made);
      while (held->len > 0 && (held->len > N_HELD || g_rand_int_range (rand, 0, 3) == 0))
        g_ptr_array_remove_index_fast (held, (guint) g_rand_int_range (rand, 0, (gint32) held->len));
    }
  if (!self->kills)
    return;
  ferry_worker_force_exit (self->application->worker);
  while (held->len > 0)
    g_ptr_array_add (self->application->stale, g_ptr_array_steal_index_fast (held, held->len - 1));
}

static gpointer
trade_thread (gpointer data)
{
  Trade *self = data;
  g_autoptr (FerryProxy) proxy = ferry_proxy_new (self->application->transport, "counter");
  g_autoptr (GError) error = NULL;

  ferry_proxy_wait_until_listening (proxy, -1, NULL, &error);
  g_assert_no_error (error);
  check_stale (self->application);
  come_and_go (self, proxy);
  self->over = TRUE;
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
trade (Application *self, guint n, gboolean kills)
{
  Trade one = {.application = self, .n = n, .kills = kills};
  GThread *thread = g_thread_new ("trade", trade_thread, &one);

  ferry_test_wait_flag (&one.over);
  g_thread_join (thread);
}

/* ---- what is left ---- */

static gboolean
has_no_transports (gpointer exporter)
{
  return ferry_test_get_number (exporter, "n-transports") == 0;
}

static gboolean
has_no_references (gpointer exporter)
{
  return ferry_test_get_number (exporter, "n-references") == 0;
}

/* Those of the shop. */
static gboolean
has_four_counters (gpointer data)
{
  return test_counter_count () == 4;
}

static void
end_worker (Application *self, gboolean killed)
{
  GPid pid = ferry_test_get_process (self->worker);

  if (!killed)
    {
      ferry_transport_close (self->transport);
      worker_test_assert_exit (self->worker, FERRY_CLOSE_REASON_EXITED, "status 0");
    }
  else
    ferry_test_wait_ended (self->worker);
  g_assert_false (ferry_test_is_alive (pid));
  ferry_test_look_until (has_no_transports, self->exporter);
  g_assert_true (has_no_references (self->exporter));
  ferry_test_look_until (has_four_counters, NULL);
  g_clear_object (&self->worker);
  g_clear_object (&self->transport);
  g_clear_object (&self->launcher);
}

static void
test_kills (void)
{
  guint32 seed = g_random_int ();
  Application self = {.rand = g_rand_new_with_seed (seed)};

  g_test_message ("Seed %u", seed);
  self.router = ferry_test_router_new ();
  self.exporter = ferry_exporter_new ();
  self.shop = test_shop_new (self.exporter);
  self.stale = g_ptr_array_new_with_free_func (g_object_unref);
  ferry_exporter_start (self.exporter);
  for (guint i = 0; i < N_WORKERS; i++)
    {
      gboolean kills = i % 5 != 4;
      guint n = N_REFERENCES / N_WORKERS;

      start_worker (&self);
      trade (&self, n / 2 + (guint) g_rand_int_range (self.rand, 0, (gint32) n), kills);
      end_worker (&self, kills);
      if (i % 7 == 3)
        g_ptr_array_set_size (self.stale, 0);
      /* A transport that is gone stays for as long as there are proxies over it, without a descriptor. */
      if (i == 0)
        self.n_fds = ferry_test_count_fds ();
      g_assert_cmpuint (ferry_test_count_fds (), ==, self.n_fds);
    }
  g_ptr_array_unref (self.stale);
  g_clear_object (&self.exporter);
  test_shop_free (self.shop);
  ferry_test_look_until (test_counters_are_gone, NULL);
  ferry_test_router_stop (self.router);
  g_rand_free (self.rand);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/object-kills/leave-no-references-at-either-end", test_kills);

  return g_test_run ();
}
