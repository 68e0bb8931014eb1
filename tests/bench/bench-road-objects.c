/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects of a worker, which are called and read, and transactions that carry the same. One worker has all of them, on
 * a transport each for what the thread that receives answers, and for what an exporter answers as it is made. */

#include "config.h"

#include <ferry-objects.h>
#include <stdlib.h>

#include "bench-team.h"
#include "bench-trips.h"

#define NAME "echoer"
#define METHOD "echo"
#define ANY_TIME (-1)
#define TIMEOUT (30 * G_USEC_PER_SEC)

typedef enum
{
  OBJECT_RECEIVER,
  OBJECT_DEFAULT,
  OBJECT_SERVED,
  RECEIVER,
  N_ENDS,
} End;

#define N_OBJECTS (OBJECT_SERVED + 1)

static const char *const end_names[N_ENDS] = {"object-receiver", "object-default", "object-served", "receiver"};

typedef struct
{
  FerryTransport *transports[N_ENDS];  /* (owned) */
  FerryMux *mux;                       /* (owned) (nullable): in the application, of the end that is no object's */
  FerryDemux *demux;                   /* (owned) (nullable): in the worker, of the same */
  FerryProxy *proxies[N_OBJECTS];      /* (owned) (nullable): in the application */
  FerryExporter *exporters[N_OBJECTS]; /* (owned) (nullable): in the worker, but for the one that is served */
  FerryWorker *worker;                 /* (owned) (nullable): in the application, as the next one */
  FerryRouter *router;                 /* (owned) (nullable) */
  guint n_routes;                      /* in the application: that use it */
} Pair;

static Pair pair;

/* ---- the object ---- */

#define BENCH_TYPE_ECHOER (bench_echoer_get_type ())

G_DECLARE_FINAL_TYPE (BenchEchoer, bench_echoer, BENCH, ECHOER, GObject)

struct _BenchEchoer
{
  GObject parent_instance;
};

G_DEFINE_FINAL_TYPE (BenchEchoer, bench_echoer, G_TYPE_OBJECT)

static void
bench_echoer_class_init (BenchEchoerClass *klass)
{
}

static void
bench_echoer_init (BenchEchoer *self)
{
}

static void
echo_method (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  ferry_invocation_return_value (invocation, ferry_invocation_get_arguments (invocation));
}

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
    }
  pair.mux = ferry_mux_new (pair.transports[RECEIVER]);
  pair.worker = ferry_launcher_spawn (launcher, pair.router, error);
  return pair.worker != NULL;
}

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GAsyncResult **waited = data;

  *waited = g_object_ref (result);
}

/* A worker that has its transport already and not yet its exporter on it says that there is none. */
static gboolean
is_early (FerryProxy *proxy, const GError *error)
{
  g_autoptr (FerryTransport) transport = NULL;

  g_object_get (proxy, "transport", &transport, NULL);
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING) && !bench_is_closed (transport);
}

/* Runs the main loop until the worker's exporter listens, or ends the bench. */
static void
wait_until_listening (FerryProxy *proxy)
{
  const gint64 deadline = g_get_monotonic_time () + TIMEOUT;
  gboolean listens = FALSE;

  while (!listens)
    {
      g_autoptr (GAsyncResult) waited = NULL;
      g_autoptr (GError) error = NULL;

      ferry_proxy_wait_until_listening_async (proxy, TIMEOUT, NULL, waited_cb, &waited);
      while (waited == NULL)
        g_main_context_iteration (NULL, TRUE);
      listens = ferry_proxy_wait_until_listening_finish (proxy, waited, &error);
      if (!listens && (!is_early (proxy, error) || g_get_monotonic_time () > deadline))
        bench_fail ("an exporter", error);
    }
}

static gpointer
objects_open (BenchRoute *route, GError **error)
{
  if (pair.n_routes++ == 0)
    {
      if (!launch (route, error))
        return NULL;
      while (ferry_worker_get_identifier (pair.worker) == NULL &&
             ferry_worker_get_state (pair.worker) != FERRY_WORKER_STATE_ENDED)
        g_main_context_iteration (NULL, TRUE);
      if (ferry_worker_get_state (pair.worker) == FERRY_WORKER_STATE_ENDED)
        bench_fail ("a worker's start", NULL);
      for (guint i = 0; i < N_OBJECTS; i++)
        wait_until_listening (pair.proxies[i]);
    }
  route->pid = atoi (ferry_worker_get_identifier (pair.worker));
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
  g_clear_object (&pair.mux);
  for (guint i = 0; i < N_ENDS; i++)
    g_clear_object (&pair.transports[i]);
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
  g_autoptr (FerryInterface) interface = ferry_interface_new ("org.example.Bench", BENCH_TYPE_ECHOER);
  g_autoptr (GObject) echoer = g_object_new (BENCH_TYPE_ECHOER, NULL);

  ferry_interface_add_method (interface, METHOD, "ay", "ay", echo_method, NULL, NULL);
  return ferry_exporter_export (exporter, NAME, echoer, interface, FERRY_CALL_POLICY_SERIAL, error);
}

static gboolean
start_exporter (End end, GError **error)
{
  FerryExporter *exporter = pair.exporters[end] = ferry_exporter_new ();

  if (end == OBJECT_RECEIVER)
    g_object_set (exporter, "threads", 0, NULL);
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
start_demux (GError **error)
{
  pair.demux = ferry_demux_new (pair.transports[RECEIVER]);
  ferry_demux_add_handler (pair.demux, METHOD, echo, NULL, NULL);
  ferry_demux_set_threads (pair.demux, 0);
  return ferry_demux_start (pair.demux, error);
}

static gpointer
objects_attach (BenchDirection direction, guint n_threads, const char *address, GError **error)
{
  for (guint i = 0; i < N_ENDS; i++)
    {
      pair.transports[i] = ferry_worker_get_transport (end_names[i], error);
      if (pair.transports[i] == NULL || !(i < N_OBJECTS ? start_object (i, error) : start_demux (error)))
        return NULL;
    }
  return &pair;
}

static void
objects_serve (gpointer end)
{
  ferry_transport_wait_closed (pair.transports[RECEIVER]);
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

/* ---- transactions ---- */

static void ask_receiver (BenchSlot *slot);

static void
receiver_answered (GVariant *result, const GError *error, gpointer data)
{
  if (end_tuple (data, result, error))
    ask_receiver (data);
}

static void
ask_receiver (BenchSlot *slot)
{
  g_autoptr (GError) error = NULL;

  if (ferry_mux_transact_with_func (pair.mux, METHOD, slot_arguments (slot), receiver_answered, slot, &error) == 0)
    bench_fail ("a transaction", error);
}

static gboolean
transact_receiver (BenchSlot *slot)
{
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  result = ferry_mux_transact (pair.mux, METHOD, slot_arguments (slot), ANY_TIME, NULL, &error);
  return end_tuple (slot, result, error);
}

/* ---- calls ---- */

static void ask_call_async (BenchSlot *slot);

static void
called (GObject *proxy, GAsyncResult *result, gpointer data)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_call_finish (FERRY_PROXY (proxy), result, &value, NULL, &error);
  if (end_bytes (data, value, error))
    ask_call_async (data);
}

static void
ask_call_async (BenchSlot *slot)
{
  ferry_proxy_call_async (pair.proxies[OBJECT_DEFAULT], METHOD, slot_arguments (slot), ANY_TIME, NULL, called, slot);
}

static void
call_with_func (int object, FerryProxyFunc func, BenchSlot *slot)
{
  ferry_proxy_call_with_func (pair.proxies[object], METHOD, slot_arguments (slot), func, slot);
}

static gboolean
transact_object (BenchSlot *slot, int object)
{
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_call (pair.proxies[object], METHOD, slot_arguments (slot), ANY_TIME, NULL, &value, NULL, &error);
  return end_bytes (slot, value, error);
}

/* A call of one object: asked without waiting, and waited for. */
#define CALL(NAME, OBJECT)                                                                                             \
  static void ask_##NAME (BenchSlot *slot);                                                                            \
                                                                                                                       \
  static void NAME##_answered (GVariant *value, FerryProxy *object, const GError *error, gpointer data)                \
  {                                                                                                                    \
    if (end_bytes (data, value, error))                                                                                \
      ask_##NAME (data);                                                                                               \
  }                                                                                                                    \
                                                                                                                       \
  static void ask_##NAME (BenchSlot *slot) { call_with_func (OBJECT, NAME##_answered, slot); }                         \
                                                                                                                       \
  static gboolean transact_##NAME (BenchSlot *slot) { return transact_object (slot, OBJECT); }

CALL (receiver_call, OBJECT_RECEIVER)
CALL (default_call, OBJECT_DEFAULT)
CALL (served_call, OBJECT_SERVED)

#define ROAD                                                                                                           \
  .name = "objects", .open = objects_open, .close = objects_close, .attach = objects_attach, .serve = objects_serve

const BenchRoad bench_road_object_transaction = {ROAD, .ask = ask_receiver, .transact = transact_receiver};
const BenchRoad bench_road_object_call_async = {ROAD, .ask = ask_call_async};
const BenchRoad bench_road_object_call_receiver = {ROAD, .ask = ask_receiver_call, .transact = transact_receiver_call};
const BenchRoad bench_road_object_call_default = {ROAD, .ask = ask_default_call, .transact = transact_default_call};
const BenchRoad bench_road_object_call_served = {ROAD, .ask = ask_served_call, .transact = transact_served_call};
