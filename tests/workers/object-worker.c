/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker with the transport "objects": object-worker WHAT [ARGUMENTS]
 *
 *   serve                  exports what tests/object/shop-test.h has, on four threads, until the transport is closed
 *   serve default [OTHER]  the same where an exporter calls methods by default; and over the transport OTHER
 *   turns                  the same by ferry_serve_objects(), with turns that count; exits with status 7 when all of it
 *                          was in order
 *   fail                   ferry_serve_objects() whose first function fails; exits with status 6 when that was in order
 *   trade SEED             serves, and has references to objects of the application come and go meanwhile
 *   mute                   gets the transport, and exports nothing
 *   add NAME THREADS N     calls add (1) of an object of the application, on so many threads so often
 *   hold NAME              calls hold, and exits with 100 more than the code of the error, or 0
 *   error NAME             calls fail; exits with status 0 where the error is the one that is raised there
 *
 * It exits with status 3 when something is not as it must be. */

#include "config.h"

#include <ferry-objects.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "object/shop-test.h"

/* Says on standard error what is not as it must be. */
#define check(condition)                                                                                               \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if (!(condition))                                                                                                  \
      {                                                                                                                \
        g_printerr ("object-worker: %s: '%s' does not hold\n", G_STRFUNC, #condition);                                 \
        _exit (3);                                                                                                     \
      }                                                                                                                \
  }                                                                                                                    \
  G_STMT_END

/* ---- references to objects of the application ---- */

typedef struct
{
  FerryTransport *transport;
  guint32 seed;
} Trader;

/* Until the transport is closed. */
static gpointer
trade_thread (gpointer data)
{
  Trader *self = data;
  g_autoptr (GRand) rand = g_rand_new_with_seed (self->seed);
  g_autoptr (FerryProxy) proxy = ferry_proxy_new (self->transport, "counter");
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_object_unref);
  gboolean goes_on = ferry_proxy_wait_until_listening (proxy, -1, NULL, NULL);

  while (goes_on)
    {
      FerryProxy *made = NULL;
      g_autoptr (GError) error = NULL;

      goes_on = ferry_proxy_call (proxy, "make", g_variant_new ("(s)", "made"), -1, NULL, NULL, &made, &error);
      check (goes_on || g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED));
      if (made != NULL)
        g_ptr_array_add (held, made);
      while (held->len > 0 && (held->len > 500 || g_rand_int_range (rand, 0, 3) == 0))
        g_ptr_array_remove_index_fast (held, (guint) g_rand_int_range (rand, 0, (gint32) held->len));
    }
  return NULL;
}

/* ---- objects of this process ---- */

/* other (nullable): of the same exporter. */
static int
serve (FerryTransport *transport, gboolean by_default, FerryTransport *other)
{
  g_autoptr (FerryExporter) exporter = ferry_exporter_new ();
  TestShop *shop = test_shop_new (exporter);

  if (!by_default)
    g_object_set (exporter, "threads", 4, NULL);
  check (ferry_exporter_add_transport (exporter, transport, NULL));
  check (other == NULL || ferry_exporter_add_transport (exporter, other, NULL));
  ferry_exporter_start (exporter);
  ferry_transport_wait_closed (transport);
  g_clear_object (&exporter);
  while (test_counter_get_n_held (shop->counter) > 0)
    {
      check (test_counter_get_n_cancelled (shop->counter) == test_counter_get_n_held (shop->counter));
      test_counter_let_go (shop->counter);
    }
  test_shop_free (shop);
  return 0;
}

/* Threads that drop the last reference may still be at it. The time only ends a hang. */
static gboolean
has_no_counters (void)
{
  const gint64 end = g_get_monotonic_time () + 600 * G_USEC_PER_SEC;

  while (test_counter_count () > 0 && g_get_monotonic_time () < end)
    g_thread_yield ();
  return test_counter_count () == 0;
}

/* name (nullable): of another transport. */
static int
serve_by_default (FerryTransport *transport, const char *name)
{
  g_autoptr (FerryTransport) other = name != NULL ? ferry_worker_get_transport (name, NULL) : NULL;

  check (name == NULL || other != NULL);
  return serve (transport, TRUE, other);
}

static int
trade (FerryTransport *transport, guint32 seed)
{
  Trader trader = {transport, seed};
  GThread *thread = g_thread_new ("trade", trade_thread, &trader);

  serve (transport, FALSE, NULL);
  g_thread_join (thread);
  check (has_no_counters ());
  return 0;
}

typedef struct
{
  TestShop *shop;
  gboolean fails;
  guint n_initialised;
  guint n_turns;
  guint n_cleaned_up;
} Server;

static gboolean
initialise (FerryExporter *exporter, gpointer data, GError **error)
{
  Server *self = data;

  check (self->n_initialised++ == 0 && self->n_turns == 0 && self->n_cleaned_up == 0);
  self->shop = test_shop_new (exporter);
  if (self->fails)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "The shelf is not there");
  return !self->fails;
}

static gint64
turn (FerryExporter *exporter, gpointer data)
{
  Server *self = data;

  check (self->n_initialised == 1 && self->n_cleaned_up == 0);
  self->n_turns++;
  return test_shop_take_turn (self->shop);
}

static void
clean_up (FerryExporter *exporter, gpointer data)
{
  Server *self = data;
  g_autoptr (GObject) counter = ferry_exporter_dup_object (exporter, "counter");

  check (self->n_initialised == 1 && self->n_cleaned_up++ == 0);
  check (counter == G_OBJECT (self->shop->counter));
}

static int
serve_by_turns (FerryTransport *transport, gboolean fails)
{
  static const FerryObjectServerFuncs funcs = {initialise, turn, clean_up};
  Server self = {.fails = fails};
  gboolean closed;
  g_autoptr (GError) error = NULL;

  check (ferry_serve_objects (transport, &funcs, &self, &error) == !fails);
  check (self.n_cleaned_up == 1);
  check (fails == (self.n_turns == 0));
  check (fails == g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
  g_object_get (transport, "closed", &closed, NULL);
  check (closed);
  test_shop_free (self.shop);
  return fails ? 6 : 7;
}

/* ---- objects of the application ---- */

typedef struct
{
  FerryProxy *proxy;
  guint n;
} Caller;

static gpointer
add_thread (gpointer data)
{
  Caller *self = data;

  for (guint i = 0; i < self->n; i++)
    {
      g_autoptr (GVariant) value = NULL;
      g_autoptr (GError) error = NULL;

      if (!ferry_proxy_call (self->proxy, "add", g_variant_new ("(i)", 1), -1, NULL, &value, NULL, &error))
        g_printerr ("object-worker: %s\n", error->message);
      check (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_INT32));
    }
  return NULL;
}

static int
add (FerryProxy *proxy, guint n_threads, guint n)
{
  Caller caller = {proxy, n};
  g_autoptr (GPtrArray) threads = g_ptr_array_new ();

  for (guint i = 0; i < n_threads; i++)
    g_ptr_array_add (threads, g_thread_new ("add", add_thread, &caller));
  for (guint i = 0; i < n_threads; i++)
    g_thread_join (threads->pdata[i]);
  return 0;
}

static int
hold (FerryProxy *proxy)
{
  g_autoptr (GError) error = NULL;

  if (ferry_proxy_call (proxy, "hold", NULL, -1, NULL, NULL, NULL, &error))
    return 0;
  check (error->domain == FERRY_ERROR);
  return 100 + error->code;
}

static int
hear_error (FerryProxy *proxy)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *trace = NULL;

  check (!ferry_proxy_call (proxy, "fail", g_variant_new ("(s)", "no such luck"), -1, NULL, NULL, NULL, &error));
  check (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY));
  check (strcmp (error->message, "no such luck") == 0);
  trace = ferry_error_get_trace (error);
  check (trace != NULL && strstr (trace, "counter.fail('no such luck')") != NULL);
  return 0;
}

static int
call (FerryTransport *transport, int argc, char **argv)
{
  g_autoptr (FerryProxy) proxy = NULL;

  check (argc > 2);
  proxy = ferry_proxy_new (transport, argv[2]);
  check (ferry_proxy_wait_until_listening (proxy, -1, NULL, NULL));
  if (strcmp (argv[1], "hold") == 0)
    return hold (proxy);
  if (strcmp (argv[1], "error") == 0)
    return hear_error (proxy);
  check (strcmp (argv[1], "add") == 0 && argc == 5);
  return add (proxy, (guint) atoi (argv[3]), (guint) atoi (argv[4]));
}

int
main (int argc, char **argv)
{
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("objects", NULL);

  check (argc > 1 && transport != NULL);
  if (strcmp (argv[1], "serve") == 0)
    return argc > 2 ? serve_by_default (transport, argv[3]) : serve (transport, FALSE, NULL);
  if (strcmp (argv[1], "trade") == 0 && argc > 2)
    return trade (transport, (guint32) strtoul (argv[2], NULL, 10));
  if (strcmp (argv[1], "turns") == 0 || strcmp (argv[1], "fail") == 0)
    return serve_by_turns (transport, strcmp (argv[1], "fail") == 0);
  if (strcmp (argv[1], "mute") != 0)
    return call (transport, argc, argv);
  ferry_transport_wait_closed (transport);
  return 0;
}
