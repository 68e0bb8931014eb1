/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Method calls with GDBus over a socket pair, without a bus. The application is the server, whichever
 * end asks. */

#include "config.h"

#include <sys/socket.h>

#include "bench-team.h"
#include "bench-trips.h"

#define METHOD "Echo"
#define WORKER_SOCKET 3

static gpointer
start (int fd, gboolean is_server, GError **error)
{
  GDBusConnection *connection = bench_dbus_open (
    fd, is_server, "<method name='" METHOD "'><arg type='ay' direction='in'/><arg type='ay' direction='out'/></method>",
    error);

  if (connection != NULL)
    g_dbus_connection_start_message_processing (connection);
  return connection;
}

static gpointer
gdbus_open (BenchRoute *route, GError **error)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    bench_fail ("a socket", NULL);
  return bench_route_spawn (route, "-", &fds[1], 1, error) ? start (fds[0], TRUE, error) : NULL;
}

static void
gdbus_close (BenchRoute *route)
{
  g_autoptr (GDBusConnection) connection = route->end;

  g_dbus_connection_close_sync (connection, NULL, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static gpointer
gdbus_attach (BenchDirection direction, guint n_threads, const char *address, GError **error)
{
  return start (WORKER_SOCKET, FALSE, error);
}

static void
gdbus_serve (gpointer end)
{
  for (;;)
    g_main_context_iteration (NULL, TRUE);
}

/* ---- who asks ---- */

static GVariant *
slot_arguments (BenchSlot *slot)
{
  return g_variant_new ("(@ay)",
                        g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, slot->message, slot->trips->orders.size, 1));
}

/* Takes answer over. */
static gboolean
end_trip (BenchSlot *slot, GVariant *answer, const GError *error)
{
  g_autoptr (GVariant) taken = answer;
  g_autoptr (GVariant) bytes = NULL;

  if (taken == NULL)
    bench_fail ("a call", error);
  bytes = g_variant_get_child_value (taken, 0);
  return bench_slot_end (slot, g_variant_get_data (bytes), g_variant_get_size (bytes));
}

static void gdbus_ask (BenchSlot *slot);

static void
answered_cb (GObject *connection, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (end_trip (data, g_dbus_connection_call_finish (G_DBUS_CONNECTION (connection), result, &error), error))
    gdbus_ask (data);
}

static void
gdbus_ask (BenchSlot *slot)
{
  g_dbus_connection_call (slot->trips->end, NULL, BENCH_DBUS_PATH, BENCH_DBUS_INTERFACE, METHOD, slot_arguments (slot),
                          NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, answered_cb, slot);
}

static void
gdbus_wait (gpointer end, BenchTrips *trips)
{
  bench_trips_run_main_context (trips);
}

static gboolean
gdbus_transact (BenchSlot *slot)
{
  g_autoptr (GError) error = NULL;
  GVariant *answer =
    g_dbus_connection_call_sync (slot->trips->end, NULL, BENCH_DBUS_PATH, BENCH_DBUS_INTERFACE, METHOD,
                                 slot_arguments (slot), NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, &error);

  return end_trip (slot, answer, error);
}

const BenchRoad bench_road_gdbus = {
  .name = "gdbus",
  .open = gdbus_open,
  .close = gdbus_close,
  .attach = gdbus_attach,
  .serve = gdbus_serve,
  .ask = gdbus_ask,
  .wait = gdbus_wait,
  .transact = gdbus_transact,
};
