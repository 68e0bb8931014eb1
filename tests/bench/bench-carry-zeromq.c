/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* ZeroMQ, PUSH to PULL over a local socket: each buffer is a message of its own, filled where it lies. */

#include "config.h"

#include "bench-carry.h"

#include <unistd.h>
#include <zmq.h>

#define QUEUED 2 /* messages at each end, so that both can be at work */

typedef struct
{
  void *context; /* (owned) */
  void *socket;  /* (owned) */
} End;

typedef struct
{
  void *socket;
  zmq_msg_t message;
} WorkerEnd;

static void *
make_socket (void *context, int type, int high_water_mark_option)
{
  const int linger = 0, high_water_mark = QUEUED;
  void *socket = zmq_socket (context, type);

  zmq_setsockopt (socket, ZMQ_LINGER, &linger, sizeof linger);
  zmq_setsockopt (socket, high_water_mark_option, &high_water_mark, sizeof high_water_mark);
  return socket;
}

static gboolean
zeromq_open (BenchCarrier *self, GError **error)
{
  g_autofree char *address = g_strdup_printf ("ipc://@bench-buffers-%d", getpid ());
  End *end = g_new (End, 1);

  end->context = zmq_ctx_new ();
  end->socket = make_socket (end->context, ZMQ_PULL, ZMQ_RCVHWM);
  self->end = end;
  if (zmq_bind (end->socket, address) == 0)
    return bench_carrier_spawn (self, address, -1, error);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, zmq_strerror (zmq_errno ()));
  return FALSE;
}

static void
zeromq_take (BenchCarrier *self)
{
  zmq_msg_t message;

  zmq_msg_init (&message);
  if (zmq_msg_recv (&message, ((End *) self->end)->socket, 0) < 0)
    bench_carry_fail (self->way->name, NULL);
  bench_carrier_check (self, zmq_msg_data (&message), zmq_msg_size (&message));
  zmq_msg_close (&message);
}

static void
zeromq_close (BenchCarrier *self)
{
  End *end = self->end;

  bench_carrier_end_process (self);
  zmq_close (end->socket);
  zmq_ctx_term (end->context);
  g_free (end);
}

static gpointer
zeromq_attach (const char *address, gsize size)
{
  WorkerEnd *end = g_new (WorkerEnd, 1);

  end->socket = make_socket (zmq_ctx_new (), ZMQ_PUSH, ZMQ_SNDHWM);
  if (zmq_connect (end->socket, address) != 0)
    bench_carry_fail ("zeromq", NULL);
  return end;
}

static guint8 *
zeromq_begin (gpointer data, gsize size)
{
  WorkerEnd *end = data;

  zmq_msg_init_size (&end->message, size);
  return zmq_msg_data (&end->message);
}

static gboolean
zeromq_send (gpointer data, gsize size)
{
  WorkerEnd *end = data;

  return zmq_msg_send (&end->message, end->socket, 0) >= 0;
}

const BenchWay bench_way_zeromq = {
  .name = "zeromq",
  .open = zeromq_open,
  .take = zeromq_take,
  .close = zeromq_close,
  .attach = zeromq_attach,
  .begin = zeromq_begin,
  .send = zeromq_send,
};
