/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The peer made of GDBus without a bus: a signal a message, over a socket pair.
 *
 * GDBus queues without limit at both ends. So that a flood runs in bounded memory, as any real use must see to, the
 * sender makes one call with an answer every SYNC_EVERY messages; that costs about 2 % of the rate. */

#include "config.h"

#include <string.h>
#include <sys/socket.h>

#include "bench-feed.h"

#define SYNC_EVERY 512

static void
method_call_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
                const char *method, GVariant *parameters, GDBusMethodInvocation *invocation, gpointer data)
{
  g_dbus_method_invocation_return_value (invocation, parameters);
}

GDBusConnection *
bench_dbus_open (int fd, gboolean is_server, const char *method, GError **error)
{
  static const GDBusInterfaceVTable vtable = {.method_call = method_call_cb};
  g_autofree char *introspection =
    g_strdup_printf ("<node><interface name='" BENCH_DBUS_INTERFACE "'>%s</interface></node>", method);
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (introspection, error);
  g_autofree char *guid = is_server ? g_dbus_generate_guid () : NULL;
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, error);
  g_autoptr (GSocketConnection) stream = NULL;
  g_autoptr (GDBusConnection) self = NULL;

  if (node == NULL || socket == NULL)
    return NULL;
  stream = g_socket_connection_factory_create_connection (socket);
  self = g_dbus_connection_new_sync (
    G_IO_STREAM (stream), guid,
    (is_server ? G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER : G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT) |
      G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
    NULL, NULL, error);
  if (self == NULL ||
      g_dbus_connection_register_object (self, BENCH_DBUS_PATH, node->interfaces[0], &vtable, NULL, NULL, error) == 0)
    return NULL;
  return g_steal_pointer (&self);
}

typedef struct
{
  GDBusConnection *connection; /* (owned) */
  guint n_unsynced;
} Sender;

static void
message_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
            const char *signal_name, GVariant *parameters, gpointer user_data)
{
  BenchPort *port = user_data;
  guint64 sequence;
  gint64 stamp;
  guint32 percent;
  const char *text;

  if (port->feed->load.content == BENCH_CONTENT_STRINGS)
    {
      bench_take_strings (port, parameters);
      return;
    }
  g_variant_get (parameters, "(ttu&s)", &sequence, &stamp, &percent, &text);
  if (percent != BENCH_MESSAGE_PERCENT || text[0] != 'a')
    port->errors++;
  if (port->feed->load.take == BENCH_TAKE_STAMP)
    {
      const BenchMessage message = {.sequence = sequence, .stamp = stamp};

      port->take (port, &message, sizeof message);
      return;
    }
  bench_take_raw (port, &sequence, sizeof sequence);
}

static gboolean
gdbus_connect (BenchPort *port, GError **error)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "socketpair failed"), FALSE;
  if (!bench_port_spawn (port, "3", &fds[1], 1, error))
    return FALSE;
  port->end = bench_dbus_open (fds[0], TRUE, "<method name='Sync'/>", error);
  if (port->end == NULL)
    return FALSE;
  g_dbus_connection_signal_subscribe (port->end, NULL, BENCH_DBUS_INTERFACE, "Message", BENCH_DBUS_PATH, NULL,
                                      G_DBUS_SIGNAL_FLAGS_NONE, message_cb, port, NULL);
  g_dbus_connection_start_message_processing (port->end);
  return TRUE;
}

/* Signals that are queued hold the connection and name the port: they are drained before the port goes. */
static void
gdbus_disconnect (BenchPort *port)
{
  g_autoptr (GDBusConnection) connection = g_steal_pointer (&port->end);

  g_subprocess_force_exit (port->process);
  g_dbus_connection_close_sync (connection, NULL, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static gpointer
gdbus_attach (const char *address, gsize size, GError **error)
{
  Sender *self = g_new0 (Sender, 1);

  self->connection = bench_dbus_open ((int) g_ascii_strtoll (address, NULL, 10), FALSE, "", error);
  if (self->connection == NULL)
    return NULL;
  g_dbus_connection_start_message_processing (self->connection);
  return self;
}

static gboolean
gdbus_send_variant (gpointer end, GVariant *variant)
{
  Sender *self = end;
  g_autoptr (GVariant) answer = NULL;

  if (!g_dbus_connection_emit_signal (self->connection, NULL, BENCH_DBUS_PATH, BENCH_DBUS_INTERFACE, "Message", variant,
                                      NULL))
    return FALSE;
  if (++self->n_unsynced < SYNC_EVERY)
    return TRUE;
  self->n_unsynced = 0;
  answer = g_dbus_connection_call_sync (self->connection, NULL, BENCH_DBUS_PATH, BENCH_DBUS_INTERFACE, "Sync", NULL,
                                        NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, NULL);
  return answer != NULL;
}

const BenchTransport bench_gdbus = {
  .name = "gdbus",
  .connect = gdbus_connect,
  .disconnect = gdbus_disconnect,
  .attach = gdbus_attach,
  .send_variant = gdbus_send_variant,
};
