/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions over a worker's link. A thread that waits does so in ferry_mux_transact(); one that does not is called
 * back, by ferry_mux_transact_with_func(). Another road takes plain bytes instead of GVariants. All workers have one
 * router. */

#include "config.h"

#include <stdlib.h>

#include "bench-team.h"
#include "bench-trips.h"

#define METHOD "echo"
#define METHOD_BYTES "echo-bytes"
#define TRANSPORT "bench"
#define ANY_TIME (-1)

typedef struct
{
  FerryTransport *transport; /* (owned) */
  FerryMux *mux;             /* (owned) (nullable): asks */
  FerryDemux *demux;         /* (owned) (nullable): answers */
  FerryWorker *worker;       /* (owned) (nullable): in the application */
} End;

static FerryRouter *router;
static guint n_routes; /* that use it */

static void
echo (FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (invocation, ferry_invocation_get_arguments (invocation));
}

static void
echo_bytes (FerryInvocation *invocation, gpointer data)
{
  gsize size;
  gconstpointer bytes = ferry_invocation_get_bytes (invocation, &size);

  ferry_invocation_return_bytes (invocation, bytes, size);
}

static gboolean
start_answering (End *self, gboolean in_main_loop, guint n_threads, GError **error)
{
  self->demux = ferry_demux_new (self->transport);
  ferry_demux_add_handler (self->demux, METHOD, echo, NULL, NULL);
  ferry_demux_add_handler (self->demux, METHOD_BYTES, echo_bytes, NULL, NULL);
  if (in_main_loop)
    ferry_demux_set_context (self->demux, NULL);
  else if (n_threads != BENCH_DEFAULT_THREADS)
    ferry_demux_set_threads (self->demux, n_threads);
  return ferry_demux_start (self->demux, error);
}

/* ---- the application ---- */

static gpointer
ferry_open (BenchRoute *route, GError **error)
{
  g_auto (GStrv) argv = bench_route_argv (route, "-");
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const *) argv);
  End *self = g_new0 (End, 1);

  if (n_routes++ == 0)
    router = bench_router_open ();
  ferry_launcher_take_stream_fd (launcher, FERRY_STREAM_STDIN, bench_route_take_orders_fd (route));
  self->transport = ferry_launcher_add_transport (launcher, router, TRANSPORT, error);
  if (self->transport == NULL)
    return NULL;
  if (route->direction != BENCH_WORKER_TO_MAIN)
    self->mux = ferry_mux_new (self->transport);
  else if (!start_answering (self, TRUE, 0, error))
    return NULL;
  self->worker = ferry_launcher_spawn (launcher, router, error);
  if (self->worker == NULL)
    return NULL;
  while (ferry_worker_get_identifier (self->worker) == NULL)
    g_main_context_iteration (NULL, TRUE);
  route->pid = atoi (ferry_worker_get_identifier (self->worker));
  return self;
}

static void
ferry_close (BenchRoute *route)
{
  End *self = route->end;

  ferry_worker_force_exit (self->worker);
  while (ferry_worker_get_state (self->worker) != FERRY_WORKER_STATE_ENDED || !bench_is_closed (self->transport))
    g_main_context_iteration (NULL, TRUE);
  g_clear_object (&self->mux);
  g_clear_object (&self->demux);
  g_object_unref (self->transport);
  g_object_unref (self->worker);
  g_free (self);
  if (--n_routes == 0)
    bench_router_close (g_steal_pointer (&router));
}

/* ---- the worker ---- */

static gpointer
ferry_attach (BenchDirection direction, guint n_threads, const char *address, GError **error)
{
  End *self = g_new0 (End, 1);

  self->transport = ferry_worker_get_transport (TRANSPORT, error);
  if (self->transport == NULL)
    return NULL;
  if (direction == BENCH_WORKER_TO_MAIN)
    self->mux = ferry_mux_new (self->transport);
  else if (!start_answering (self, FALSE, n_threads, error))
    return NULL;
  return self;
}

static void
ferry_serve (gpointer end)
{
  ferry_transport_wait_closed (((End *) end)->transport);
}

/* ---- who asks ---- */

/* The message stays as it is until it was sent, which it is when asking returns: so it need not be copied before. */
static GVariant *
slot_arguments (BenchSlot *slot)
{
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, slot->message, slot->trips->orders.size, TRUE, NULL, NULL);
}

static gboolean
end_trip (BenchSlot *slot, GVariant *result, const GError *error)
{
  if (result == NULL || !g_variant_is_of_type (result, G_VARIANT_TYPE_BYTESTRING))
    bench_fail ("a transaction", error);
  return bench_slot_end (slot, g_variant_get_data (result), g_variant_get_size (result));
}

static void ferry_ask (BenchSlot *slot);

static void
answered (GVariant *result, const GError *error, gpointer data)
{
  if (end_trip (data, result, error))
    ferry_ask (data);
}

static void
ferry_ask (BenchSlot *slot)
{
  End *self = slot->trips->end;
  g_autoptr (GError) error = NULL;

  if (ferry_mux_transact_with_func (self->mux, METHOD, slot_arguments (slot), answered, slot, &error) == 0)
    bench_fail ("a transaction", error);
}

static gboolean
ferry_transact (BenchSlot *slot)
{
  End *self = slot->trips->end;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  result = ferry_mux_transact (self->mux, METHOD, slot_arguments (slot), ANY_TIME, NULL, &error);
  return end_trip (slot, result, error);
}

static void ferry_ask_bytes (BenchSlot *slot);

static void
answered_bytes (gconstpointer data, gsize size, const GError *error, gpointer slot)
{
  if (data == NULL)
    bench_fail ("a transaction", error);
  if (bench_slot_end (slot, data, size))
    ferry_ask_bytes (slot);
}

static void
ferry_ask_bytes (BenchSlot *slot)
{
  End *self = slot->trips->end;
  g_autoptr (GError) error = NULL;

  if (ferry_mux_transact_bytes_with_func (self->mux, METHOD_BYTES, slot->message, slot->trips->orders.size,
                                          answered_bytes, slot, &error) == 0)
    bench_fail ("a transaction", error);
}

static gboolean
ferry_transact_bytes (BenchSlot *slot)
{
  End *self = slot->trips->end;
  g_autoptr (GBytes) result = NULL;
  g_autoptr (GError) error = NULL;

  result =
    ferry_mux_transact_bytes (self->mux, METHOD_BYTES, slot->message, slot->trips->orders.size, ANY_TIME, NULL, &error);
  if (result == NULL)
    bench_fail ("a transaction", error);
  return bench_slot_end (slot, g_bytes_get_data (result, NULL), g_bytes_get_size (result));
}

const BenchRoad bench_road_ferry = {
  .name = "ferry",
  .open = ferry_open,
  .close = ferry_close,
  .attach = ferry_attach,
  .serve = ferry_serve,
  .ask = ferry_ask,
  .transact = ferry_transact,
};

const BenchRoad bench_road_ferry_bytes = {
  .name = "ferry-bytes",
  .open = ferry_open,
  .close = ferry_close,
  .attach = ferry_attach,
  .serve = ferry_serve,
  .ask = ferry_ask_bytes,
  .transact = ferry_transact_bytes,
};
