/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* GDBus with a descriptor: each buffer is a memfd of its own, which goes with a method call over a socket pair. The
 * answer says that it was taken. */

#include "config.h"

#include "bench-carry.h"

#include <gio/gunixfdlist.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench-dbus.h"

#define PATH "/buffers"
#define INTERFACE "org.example.Buffers"

typedef struct
{
  GDBusConnection *connection; /* (owned) */
  int fd;                      /* (owned) of the buffer that is being written */
  void *memory;
} WorkerEnd;

static const char introspection[] = "<node><interface name='" INTERFACE "'><method name='Take'>"
                                    "<arg type='h' direction='in'/></method></interface></node>";

static void
take_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface, const char *method,
         GVariant *parameters, GDBusMethodInvocation *invocation, gpointer user_data)
{
  BenchCarrier *self = user_data;
  GUnixFDList *list = g_dbus_message_get_unix_fd_list (g_dbus_method_invocation_get_message (invocation));
  const int fd = g_unix_fd_list_get (list, 0, NULL);
  guint8 *memory = mmap (NULL, self->size, PROT_READ, MAP_SHARED, fd, 0);

  if (memory == MAP_FAILED)
    bench_carry_fail (self->way->name, NULL);
  close (fd);
  bench_carrier_check (self, memory, self->size);
  munmap (memory, self->size);
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static gboolean
gdbus_open (BenchCarrier *self, GError **error)
{
  static const GDBusInterfaceVTable vtable = {.method_call = take_cb};
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (introspection, error);
  g_autofree char *guid = g_dbus_generate_guid ();
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "socketpair failed"), FALSE;
  if (!bench_carrier_spawn (self, "", fds[1], error))
    return FALSE;
  self->end = bench_dbus_connect (
    fds[0], guid, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_SERVER | G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING,
    error);
  if (self->end == NULL ||
      g_dbus_connection_register_object (self->end, PATH, node->interfaces[0], &vtable, self, NULL, error) == 0)
    return FALSE;
  g_dbus_connection_start_message_processing (self->end);
  return TRUE;
}

static void
gdbus_take (BenchCarrier *self)
{
  const guint64 before = self->n_taken;

  while (self->n_taken == before)
    g_main_context_iteration (NULL, TRUE);
}

/* Calls that are queued name the carrier: they are drained before it goes. */
static void
gdbus_close (BenchCarrier *self)
{
  g_autoptr (GDBusConnection) connection = g_steal_pointer (&self->end);

  bench_carrier_end_process (self);
  g_dbus_connection_close_sync (connection, NULL, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static gpointer
gdbus_attach (const char *address, gsize size)
{
  g_autoptr (GError) error = NULL;
  WorkerEnd *end = g_new0 (WorkerEnd, 1);

  end->connection = bench_dbus_connect (BENCH_CARRY_FD, NULL, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, &error);
  if (end->connection == NULL)
    bench_carry_fail ("gdbus", error);
  return end;
}

static guint8 *
gdbus_begin (gpointer data, gsize size)
{
  WorkerEnd *end = data;

  end->fd = memfd_create ("bench-buffers", MFD_CLOEXEC);
  if (end->fd < 0 || ftruncate (end->fd, (off_t) size) != 0)
    bench_carry_fail ("gdbus", NULL);
  end->memory = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, end->fd, 0);
  if (end->memory == MAP_FAILED)
    bench_carry_fail ("gdbus", NULL);
  return end->memory;
}

static gboolean
gdbus_send (gpointer data, gsize size)
{
  WorkerEnd *end = data;
  g_autoptr (GUnixFDList) list = g_unix_fd_list_new_from_array (&end->fd, 1);
  g_autoptr (GVariant) answer = NULL;

  munmap (end->memory, size);
  answer = g_dbus_connection_call_with_unix_fd_list_sync (end->connection, NULL, PATH, INTERFACE, "Take",
                                                          g_variant_new ("(h)", 0), NULL, G_DBUS_CALL_FLAGS_NONE,
                                                          G_MAXINT, list, NULL, NULL, NULL);
  return answer != NULL;
}

const BenchWay bench_way_gdbus = {
  .name = "gdbus",
  .open = gdbus_open,
  .take = gdbus_take,
  .close = gdbus_close,
  .attach = gdbus_attach,
  .begin = gdbus_begin,
  .send = gdbus_send,
};
