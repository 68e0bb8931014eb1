/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stream socket: read with large reads into memory that is used again, and written from such memory. */

#include "config.h"

#include "bench-carry.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_BUFFER (4 * 1024 * 1024) /* the kernel takes what its own limit allows */

typedef struct
{
  int fd;
  guint8 *memory; /* (owned) */
} Stream;

static Stream *
stream_new (int fd, gsize size)
{
  Stream *self = g_new (Stream, 1);

  *self = (Stream){fd, g_malloc0 (size)};
  return self;
}

static gboolean
set_error (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (errno), g_strerror (errno));
  return FALSE;
}

static gboolean
socket_open (BenchCarrier *self, GError **error)
{
  const int size = SOCKET_BUFFER;
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return set_error (error);
  setsockopt (fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  self->end = stream_new (fds[0], self->size);
  return bench_carrier_spawn (self, "", fds[1], error);
}

static void
stream_take (BenchCarrier *self)
{
  Stream *stream = self->end;

  for (gsize filled = 0; filled < self->size;)
    {
      gssize n = read (stream->fd, stream->memory + filled, self->size - filled);

      if (n <= 0)
        bench_carry_fail (self->way->name, NULL);
      filled += (gsize) n;
    }
  bench_carrier_check (self, stream->memory, self->size);
}

static void
stream_close (BenchCarrier *self)
{
  Stream *stream = self->end;

  bench_carrier_end_process (self);
  close (stream->fd);
  g_free (stream->memory);
  g_free (stream);
}

static gpointer
stream_attach (const char *address, gsize size)
{
  return stream_new (BENCH_CARRY_FD, size);
}

static guint8 *
stream_begin (gpointer end, gsize size)
{
  return ((Stream *) end)->memory;
}

static gboolean
stream_send (gpointer end, gsize size)
{
  Stream *stream = end;

  for (gsize sent = 0; sent < size;)
    {
      gssize n = write (stream->fd, stream->memory + sent, size - sent);

      if (n <= 0)
        return FALSE;
      sent += (gsize) n;
    }
  return TRUE;
}

const BenchWay bench_way_socket = {
  .name = "socket",
  .open = socket_open,
  .take = stream_take,
  .close = stream_close,
  .attach = stream_attach,
  .begin = stream_begin,
  .send = stream_send,
};
