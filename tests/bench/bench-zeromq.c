/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The peer made of ZeroMQ: PUSH in the worker, PULL in the application, handed to the main loop by its descriptor.
 *
 * ZMQ_FD tells of changes only, so the source asks ZMQ_EVENTS before each poll and after it. */

#include "config.h"

#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "bench-feed.h"

#define MESSAGES_A_DISPATCH 4096   /* then the main loop's other sources have their turn */
#define QUEUED_BYTES (1024 * 1024) /* at each end: less and more than this were both slower, and so is the default */

typedef struct
{
  GSource source;
  void *socket; /* (owned) */
  BenchPort *port;
} PullSource;

static gboolean
is_readable (PullSource *self)
{
  int events = 0;
  gsize size = sizeof events;

  zmq_getsockopt (self->socket, ZMQ_EVENTS, &events, &size);
  return (events & ZMQ_POLLIN) != 0;
}

static gboolean
pull_source_prepare (GSource *source, int *timeout)
{
  return is_readable ((PullSource *) source);
}

static gboolean
pull_source_check (GSource *source)
{
  return is_readable ((PullSource *) source);
}

static gboolean
pull_source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  PullSource *self = (PullSource *) source;
  zmq_msg_t message;

  zmq_msg_init (&message);
  for (guint i = 0; i < MESSAGES_A_DISPATCH && zmq_msg_recv (&message, self->socket, ZMQ_DONTWAIT) >= 0; i++)
    self->port->take (self->port, zmq_msg_data (&message), zmq_msg_size (&message));
  zmq_msg_close (&message);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs pull_source_funcs = {
  .prepare = pull_source_prepare,
  .check = pull_source_check,
  .dispatch = pull_source_dispatch,
};

static gboolean
set_zeromq_error (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, zmq_strerror (zmq_errno ()));
  return FALSE;
}

static gboolean
zeromq_open (BenchFeed *feed, GError **error)
{
  feed->hub = zmq_ctx_new ();
  return feed->hub != NULL || set_zeromq_error (error);
}

/* Waiting messages of a worker that was killed are not waited for. */
static void
set_options (void *socket, int high_water_mark_option, int message_size)
{
  const int linger = 0, high_water_mark = CLAMP (QUEUED_BYTES / message_size, 256, 4096);

  zmq_setsockopt (socket, ZMQ_LINGER, &linger, sizeof linger);
  zmq_setsockopt (socket, high_water_mark_option, &high_water_mark, sizeof high_water_mark);
}

static gboolean
zeromq_connect (BenchPort *port, GError **error)
{
  static guint n_ports;
  g_autofree char *address = g_strdup_printf ("ipc://@ferry-bench-%d-%u", getpid (), n_ports++);
  void *socket = zmq_socket (port->feed->hub, ZMQ_PULL);
  PullSource *self;
  int fd = -1;
  gsize size = sizeof fd;

  if (socket == NULL)
    return set_zeromq_error (error);
  set_options (socket, ZMQ_RCVHWM, port->feed->load.size);
  if (zmq_bind (socket, address) != 0 || zmq_getsockopt (socket, ZMQ_FD, &fd, &size) != 0)
    return set_zeromq_error (error);
  self = (PullSource *) g_source_new (&pull_source_funcs, sizeof *self);
  self->socket = socket;
  self->port = port;
  g_source_add_unix_fd (&self->source, fd, G_IO_IN);
  g_source_set_static_name (&self->source, "[bench] ZeroMQ");
  g_source_attach (&self->source, NULL);
  port->end = self;
  return bench_port_spawn (port, address, NULL, 0, error);
}

static void
zeromq_disconnect (BenchPort *port)
{
  PullSource *self = port->end;

  g_source_destroy (&self->source);
  zmq_close (self->socket);
  g_source_unref (&self->source);
}

static void
zeromq_close (BenchFeed *feed)
{
  zmq_ctx_term (feed->hub);
}

static gpointer
zeromq_attach (const char *address, gsize size, GError **error)
{
  void *socket = zmq_socket (zmq_ctx_new (), ZMQ_PUSH);

  set_options (socket, ZMQ_SNDHWM, size);
  if (zmq_connect (socket, address) != 0)
    return set_zeromq_error (error), NULL;
  return socket;
}

static gboolean
zeromq_send (gpointer end, gconstpointer data, gsize size)
{
  return zmq_send (end, data, size, 0) >= 0;
}

static gboolean
zeromq_send_serialised (gpointer end, const GVariantType *type, gconstpointer data, gsize size)
{
  return zeromq_send (end, data, size);
}

/* Serialises straight into the message, so that nothing is copied twice. */
static gboolean
zeromq_send_variant (gpointer end, GVariant *variant)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (variant);
  zmq_msg_t message;

  zmq_msg_init_size (&message, g_variant_get_size (owned));
  g_variant_store (owned, zmq_msg_data (&message));
  return zmq_msg_send (&message, end, 0) >= 0;
}

const BenchTransport bench_zeromq = {
  .name = "zeromq",
  .open = zeromq_open,
  .connect = zeromq_connect,
  .disconnect = zeromq_disconnect,
  .close = zeromq_close,
  .attach = zeromq_attach,
  .send = zeromq_send,
  .send_variant = zeromq_send_variant,
  .send_serialised = zeromq_send_serialised,
};
