/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two peers made of a pipe and g_unix_fd_add(): with one write a message, and with writes gathered manually.
 *
 * A message is a length and its bytes, since a way for messages must take any size. What an expert does is done: reads
 * and gathered writes of 64 KiB, messages handed over where they lie, and only what is cut off at the end is moved. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench-feed.h"

#define BATCH (64 * 1024)
#define PIPE_SIZE (256 * 1024) /* both ends can work at once; with 64 KiB, and with 1 MiB, less came through */
#define READS_A_DISPATCH 16    /* then the main loop's other sources have their turn */

typedef guint32 Header;

typedef struct
{
  int fd; /* (owned) */
  guint source;
  gsize held; /* bytes at the head of the buffer: the first part of a message */
  char buffer[2 * BATCH];
} Reader;

typedef struct
{
  int fd;
  gsize held;
  char buffer[BATCH];
} Writer;

/* Hands all whole messages over, and moves the rest to the head of the buffer. */
static void
split (Reader *reader, BenchPort *port)
{
  const char *at = reader->buffer;
  const char *end = at + reader->held;
  Header size;

  while ((gsize) (end - at) >= sizeof size)
    {
      memcpy (&size, at, sizeof size);
      if ((gsize) (end - at) < sizeof size + size)
        break;
      port->take (port, at + sizeof size, size);
      at += sizeof size + size;
    }
  reader->held = end - at;
  memmove (reader->buffer, at, reader->held);
}

static gboolean
readable_cb (int fd, GIOCondition condition, gpointer user_data)
{
  BenchPort *port = user_data;
  Reader *reader = port->end;

  for (guint i = 0; i < READS_A_DISPATCH; i++)
    {
      const gsize room = BATCH;
      const gssize got = read (fd, reader->buffer + reader->held, room);

      if (got < 0 && errno == EAGAIN)
        return G_SOURCE_CONTINUE;
      if (got <= 0)
        {
          reader->source = 0;
          return G_SOURCE_REMOVE;
        }
      reader->held += got;
      split (reader, port);
      if ((gsize) got < room)
        return G_SOURCE_CONTINUE;
    }
  return G_SOURCE_CONTINUE;
}

static gboolean
pipe_connect (BenchPort *port, GError **error)
{
  Reader *reader = g_new0 (Reader, 1);
  int fds[2];

  if (!g_unix_open_pipe (fds, FD_CLOEXEC, error))
    return FALSE;
  port->end = reader;
  fcntl (fds[0], F_SETPIPE_SZ, PIPE_SIZE);
  reader->fd = fds[0];
  g_unix_set_fd_nonblocking (fds[0], TRUE, NULL);
  reader->source = g_unix_fd_add (fds[0], G_IO_IN, readable_cb, port);
  return bench_port_spawn (port, "3", &fds[1], 1, error);
}

static void
pipe_disconnect (BenchPort *port)
{
  Reader *reader = port->end;

  if (reader->source != 0)
    g_source_remove (reader->source);
  close (reader->fd);
  g_free (reader);
}

static gpointer
pipe_attach (const char *address, gsize size, GError **error)
{
  Writer *writer = g_new0 (Writer, 1);

  writer->fd = (int) g_ascii_strtoll (address, NULL, 10);
  return writer;
}

static gboolean
write_all (int fd, const char *data, gsize size)
{
  while (size > 0)
    {
      const gssize written = write (fd, data, size);

      if (written < 0)
        return FALSE;
      data += written;
      size -= written;
    }
  return TRUE;
}

static void
append (Writer *writer, gconstpointer data, gsize size)
{
  const Header header = size;

  memcpy (writer->buffer + writer->held, &header, sizeof header);
  memcpy (writer->buffer + writer->held + sizeof header, data, size);
  writer->held += sizeof header + size;
}

static gboolean
flush (Writer *writer)
{
  const gsize held = writer->held;

  writer->held = 0;
  return write_all (writer->fd, writer->buffer, held);
}

static gboolean
pipe_send (gpointer end, gconstpointer data, gsize size)
{
  append (end, data, size);
  return flush (end);
}

static gboolean
gathered_send (gpointer end, gconstpointer data, gsize size)
{
  Writer *writer = end;

  if (writer->held + sizeof (Header) + size > BATCH && !flush (writer))
    return FALSE;
  append (writer, data, size);
  return TRUE;
}

const BenchTransport bench_pipe = {
  .name = "pipe",
  .connect = pipe_connect,
  .disconnect = pipe_disconnect,
  .attach = pipe_attach,
  .send = pipe_send,
};

const BenchTransport bench_gathered_pipe = {
  .name = "gathered-pipe",
  .connect = pipe_connect,
  .disconnect = pipe_disconnect,
  .attach = pipe_attach,
  .send = gathered_send,
};
