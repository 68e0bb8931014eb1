/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects of a worker, which are called and read, and transactions that carry the same. One worker has all of them, on
 * a transport each for what the thread that receives answers, for what a thread answers, and for what is answered where
 * an exporter does so by default. */

#include "config.h"

#include "bench-echoer.h"
#include "bench-listening.h"
#include "bench-team.h"
#include "bench-trips.h"

#define NAME "echoer"
#define METHOD "echo"
#define N_STEPS 5
#define ANY_TIME (-1)

typedef enum
{
  OBJECT_RECEIVER,
  OBJECT_POOL,
  OBJECT_DEFAULT,
  OBJECT_SERVED,
  RECEIVER,
  POOL,
  N_ENDS,
} End;

#define N_OBJECTS (OBJECT_SERVED + 1)

static const char *const end_names[N_ENDS] = {"object-receiver", "object-pool", "object-default",
                                              "object-served",   "receiver",    "pool"};
static const guint end_threads[N_ENDS] = {0, 1, BENCH_DEFAULT_THREADS, BENCH_DEFAULT_THREADS, 0, 1};

typedef struct
{
  FerryTransport *transports[N_ENDS];  /* (owned) */
  FerryMux *muxes[N_ENDS];             /* (owned) (nullable): in the application, for those that are no object's */
  FerryDemux *demuxes[N_ENDS];         /* (owned) (nullable): in the worker, for the same */
  FerryProxy *proxies[N_OBJECTS];      /* (owned) (nullable): in the application */
  FerryExporter *exporters[N_OBJECTS]; /* (owned) (nullable): in the worker, but for the one that is served */
  FerryWorker *worker;                 /* (owned) (nullable): in the application, as the next one */
  FerryRouter *router;                 /* (owned) (nullable) */
  guint n_routes;                      /* in the application: that use it */
} Pair;

static Pair pair;

/* ---- the application ---- */

static gboolean
launch (BenchRoute *route, GError **error)
{
  g_auto (GStrv) argv = bench_route_argv (route, "-");
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const *) argv);

  pair.router = bench_router_open ();
  for (guint i = 0; i < N_ENDS; i++)
    {
      pair.transports[i] = ferry_launcher_add_transport (launcher, pair.router, end_names[i], error);
      if (pair.transports[i] == NULL)
        return FALSE;
      if (i < N_OBJECTS)
        pair.proxies[i] = ferry_proxy_new (pair.transports[i], NAME);
      else
        pair.muxes[i] = ferry_mux_new (pair.transports[i]);
    }
  pair.worker = ferry_launcher_spawn (launcher, pair.router, error);
  return pair.worker != NULL;
}

static gpointer
objects_open (BenchRoute *route, GError **error)
{
  if (pair.n_routes++ == 0)
    {
      if (!launch (route, error))
        return NULL;
      while (ferry_worker_get_pid (pair.worker) < 0 && ferry_worker_get_state (pair.worker) != FERRY_WORKER_STATE_ENDED)
        g_main_context_iteration (NULL, TRUE);
      if (ferry_worker_get_state (pair.worker) == FERRY_WORKER_STATE_ENDED)
        bench_fail ("a worker's start", NULL);
      for (guint i = 0; i < N_OBJECTS; i++)
        bench_wait_until_listening (pair.proxies[i]);
    }
  route->pid = ferry_worker_get_pid (pair.worker);
  return &pair;
}

static gboolean
is_over (void)
{
  for (guint i = 0; i < N_ENDS; i++)
    if (!bench_is_closed (pair.transports[i]))
      return FALSE;
  return ferry_worker_get_state (pair.worker) == FERRY_WORKER_STATE_ENDED;
}

static void
objects_close (BenchRoute *route)
{
  if (--pair.n_routes > 0)
    return;
  ferry_worker_force_exit (pair.worker);
  while (!is_over ())
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < N_OBJECTS; i++)
    g_clear_object (&pair.proxies[i]);
  for (guint i = 0; i < N_ENDS; i++)
    {
      g_clear_object (&pair.muxes[i]);
      g_clear_object (&pair.transports[i]);
    }
  g_clear_object (&pair.worker);
  bench_router_close (g_steal_pointer (&pair.router));
}

/* ---- the worker ---- */

static void
echo (FerryInvocation *invocation, gpointer data)
{
  ferry_invocation_return_value (invocation, ferry_invocation_get_arguments (invocation));
}

static gboolean
export_echoer (FerryExporter *exporter, gpointer data, GError **error)
{
  g_autoptr (FerryInterface) interface = bench_echoer_create_interface ();
  g_autoptr (GObject) echoer = g_object_new (BENCH_TYPE_ECHOER, NULL);

  return ferry_exporter_export (exporter, NAME, echoer, interface, FERRY_CALL_POLICY_SERIAL, error);
}

static gboolean
start_exporter (End end, GError **error)
{
  FerryExporter *exporter = pair.exporters[end] = ferry_exporter_new ();

  if (end_threads[end] != BENCH_DEFAULT_THREADS)
    g_object_set (exporter, "threads", end_threads[end], NULL);
  if (!export_echoer (exporter, NULL, error) || !ferry_exporter_add_transport (exporter, pair.transports[end], error))
    return FALSE;
  ferry_exporter_start (exporter);
  return TRUE;
}

/* Has nothing to do but behind requests. */
static gint64
turn (FerryExporter *exporter, gpointer data)
{
  return -1;
}

static gpointer
serve_objects (gpointer data)
{
  static const FerryObjectServerFuncs funcs = {.initialise = export_echoer, .turn = turn};
  g_autoptr (GError) error = NULL;

  if (!ferry_serve_objects (pair.transports[OBJECT_SERVED], &funcs, NULL, &error))
    bench_fail ("objects that are served", error);
  return NULL;
}

/* The main thread waits for the end of another transport. */
static gboolean
start_object (End end, GError **error)
{
  GThread *thread;

  if (end != OBJECT_SERVED)
    return start_exporter (end, error);
  thread = g_thread_try_new ("serve-objects", serve_objects, NULL, error);
  g_clear_pointer (&thread, g_thread_unref);
  return error == NULL || *error == NULL;
}

static gboolean
start_demux (End end, GError **error)
{
  FerryDemux *demux = pair.demuxes[end] = ferry_demux_new (pair.transports[end]);

  ferry_demux_add_handler (demux, METHOD, echo, NULL, NULL);
  ferry_demux_set_threads (demux, end_threads[end]);
  return ferry_demux_start (demux, error);
}

static gpointer
objects_attach (BenchDirection direction, guint n_threads, const char *address, GError **error)
{
  for (guint i = 0; i < N_ENDS; i++)
    {
      pair.transports[i] = ferry_worker_get_transport (end_names[i], error);
      if (pair.transports[i] == NULL || !(i < N_OBJECTS ? start_object (i, error) : start_demux (i, error)))
        return NULL;
    }
  return &pair;
}

static void
objects_serve (gpointer end)
{
  ferry_transport_wait_closed (pair.transports[OBJECT_POOL]);
}

/* ---- what is asked ---- */

/* The message stays as it is until it was sent, which it is when asking returns: so it need not be copied before. */
static GVariant *
slot_arguments (BenchSlot *slot)
{
  GVariant *bytes =
    g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, slot->message, slot->trips->orders.size, TRUE, NULL, NULL);

  return g_variant_new_tuple (&bytes, 1);
}

static gboolean
end_bytes (BenchSlot *slot, GVariant *bytes, const GError *error)
{
  if (bytes == NULL || !g_variant_is_of_type (bytes, G_VARIANT_TYPE_BYTESTRING))
    bench_fail ("a call", error);
  return bench_slot_end (slot, g_variant_get_data (bytes), g_variant_get_size (bytes));
}

static gboolean
end_tuple (BenchSlot *slot, GVariant *result, const GError *error)
{
  g_autoptr (GVariant) bytes = NULL;

  if (result == NULL || !g_variant_is_of_type (result, G_VARIANT_TYPE ("(ay)")))
    bench_fail ("a transaction", error);
  bytes = g_variant_get_child_value (result, 0);
  return end_bytes (slot, bytes, error);
}

static gboolean
end_text (BenchSlot *slot, GVariant *text, const GError *error)
{
  if (text == NULL || !g_variant_is_of_type (text, G_VARIANT_TYPE_STRING) ||
      !g_str_equal (g_variant_get_string (text, NULL), BENCH_ECHOER_TEXT))
    bench_fail ("a property", error);
  return bench_slot_end (slot, NULL, 0);
}

/* ---- transactions ---- */

static void ask_receiver (BenchSlot *slot);
static void ask_pool (BenchSlot *slot);
static void ask_async (BenchSlot *slot);

static void
receiver_answered (GVariant *result, const GError *error, gpointer data)
{
  if (end_tuple (data, result, error))
    ask_receiver (data);
}

static void
pool_answered (GVariant *result, const GError *error, gpointer data)
{
  if (end_tuple (data, result, error))
    ask_pool (data);
}

static void
ask_mux (BenchSlot *slot, End end, FerryMuxFunc answered)
{
  g_autoptr (GError) error = NULL;

  if (ferry_mux_transact_with_func (pair.muxes[end], METHOD, slot_arguments (slot), answered, slot, &error) == 0)
    bench_fail ("a transaction", error);
}

static void
ask_receiver (BenchSlot *slot)
{
  ask_mux (slot, RECEIVER, receiver_answered);
}

static void
ask_pool (BenchSlot *slot)
{
  ask_mux (slot, POOL, pool_answered);
}

static void
async_answered (GObject *mux, GAsyncResult *async_result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_mux_transact_finish (FERRY_MUX (mux), async_result, &error);

  if (end_tuple (data, result, error))
    ask_async (data);
}

static void
ask_async (BenchSlot *slot)
{
  ferry_mux_transact_async (pair.muxes[POOL], METHOD, slot_arguments (slot), ANY_TIME, NULL, async_answered, slot);
}

static gboolean
transact_mux (BenchSlot *slot, End end)
{
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  result = ferry_mux_transact (pair.muxes[end], METHOD, slot_arguments (slot), ANY_TIME, NULL, &error);
  return end_tuple (slot, result, error);
}

static gboolean
transact_receiver (BenchSlot *slot)
{
  return transact_mux (slot, RECEIVER);
}

static gboolean
transact_pool (BenchSlot *slot)
{
  return transact_mux (slot, POOL);
}

/* ---- the object ---- */

static void ask_call (BenchSlot *slot);
static void ask_call_receiver (BenchSlot *slot);
static void ask_call_default (BenchSlot *slot);
static void ask_call_served (BenchSlot *slot);
static void ask_get (BenchSlot *slot);
static void ask_view (BenchSlot *slot);

static void
called (GObject *proxy, GAsyncResult *result, gpointer data)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_call_finish (FERRY_PROXY (proxy), result, &value, NULL, &error);
  if (end_bytes (data, value, error))
    ask_call (data);
}

static void
ask_call (BenchSlot *slot)
{
  ferry_proxy_call_async (pair.proxies[OBJECT_POOL], METHOD, slot_arguments (slot), ANY_TIME, NULL, called, slot);
}

static void
call_with_func (int object, FerryProxyFunc func, BenchSlot *slot)
{
  ferry_proxy_resolve_with_func (pair.proxies[object],
                                 g_variant_new ("((ss@*))", "call", METHOD, slot_arguments (slot)), NULL, func, slot);
}

static void
call_answered (GVariant *value, FerryProxy *object, const GError *error, gpointer data)
{
  if (end_bytes (data, value, error))
    ask_call_receiver (data);
}

static void
ask_call_receiver (BenchSlot *slot)
{
  call_with_func (OBJECT_RECEIVER, call_answered, slot);
}

static void
call_answered_by_default (GVariant *value, FerryProxy *object, const GError *error, gpointer data)
{
  if (end_bytes (data, value, error))
    ask_call_default (data);
}

static void
ask_call_default (BenchSlot *slot)
{
  call_with_func (OBJECT_DEFAULT, call_answered_by_default, slot);
}

static void
served_call_answered (GVariant *value, FerryProxy *object, const GError *error, gpointer data)
{
  if (end_bytes (data, value, error))
    ask_call_served (data);
}

static void
ask_call_served (BenchSlot *slot)
{
  call_with_func (OBJECT_SERVED, served_call_answered, slot);
}

static gboolean
transact_object (BenchSlot *slot, End end)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_call (pair.proxies[end], METHOD, slot_arguments (slot), ANY_TIME, NULL, &value, NULL, &error);
  return end_bytes (slot, value, error);
}

static gboolean
transact_call (BenchSlot *slot)
{
  return transact_object (slot, OBJECT_POOL);
}

static gboolean
transact_call_receiver (BenchSlot *slot)
{
  return transact_object (slot, OBJECT_RECEIVER);
}

static gboolean
transact_call_default (BenchSlot *slot)
{
  return transact_object (slot, OBJECT_DEFAULT);
}

static gboolean
transact_call_served (BenchSlot *slot)
{
  return transact_object (slot, OBJECT_SERVED);
}

static void
got (GObject *proxy, GAsyncResult *result, gpointer data)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_call_finish (FERRY_PROXY (proxy), result, &value, NULL, &error);
  if (end_text (data, value, error))
    ask_get (data);
}

static void
ask_get (BenchSlot *slot)
{
  ferry_proxy_get_async (pair.proxies[OBJECT_POOL], "text", ANY_TIME, NULL, got, slot);
}

static gboolean
transact_get (BenchSlot *slot)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = ferry_proxy_get (pair.proxies[OBJECT_POOL], "text", ANY_TIME, NULL, &error);

  return end_text (slot, value, error);
}

/* Returns (transfer floating). */
static GVariant *
slot_steps (BenchSlot *slot)
{
  GVariant *steps[N_STEPS];

  for (guint i = 1; i < N_STEPS; i++)
    steps[i - 1] = g_variant_new ("(ss)", "call", "get_self");
  steps[N_STEPS - 1] = g_variant_new ("(ss@*)", "call", METHOD, slot_arguments (slot));
  return g_variant_new_tuple (steps, N_STEPS);
}

static void
resolved (GObject *proxy, GAsyncResult *result, gpointer data)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_call_finish (FERRY_PROXY (proxy), result, &value, NULL, &error);
  if (end_bytes (data, value, error))
    ask_view (data);
}

static void
ask_view (BenchSlot *slot)
{
  ferry_proxy_resolve_async (pair.proxies[OBJECT_POOL], slot_steps (slot), NULL, ANY_TIME, NULL, resolved, slot);
}

static gboolean
transact_view (BenchSlot *slot)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_resolve (pair.proxies[OBJECT_POOL], slot_steps (slot), NULL, ANY_TIME, NULL, &value, NULL, &error);
  return end_bytes (slot, value, error);
}

#define ROAD                                                                                                           \
  .name = "objects", .open = objects_open, .close = objects_close, .attach = objects_attach, .serve = objects_serve

const BenchRoad bench_road_object_call = {ROAD, .ask = ask_call, .transact = transact_call};
const BenchRoad bench_road_object_call_receiver = {ROAD, .ask = ask_call_receiver, .transact = transact_call_receiver};
const BenchRoad bench_road_object_call_default = {ROAD, .ask = ask_call_default, .transact = transact_call_default};
const BenchRoad bench_road_object_call_served = {ROAD, .ask = ask_call_served, .transact = transact_call_served};
const BenchRoad bench_road_object_get = {ROAD, .ask = ask_get, .transact = transact_get};
const BenchRoad bench_road_object_view = {ROAD, .ask = ask_view, .transact = transact_view};
const BenchRoad bench_road_object_transaction = {ROAD, .ask = ask_receiver, .transact = transact_receiver};
const BenchRoad bench_road_object_transaction_pool = {ROAD, .ask = ask_pool, .transact = transact_pool};
const BenchRoad bench_road_object_transaction_async = {ROAD, .ask = ask_async};
