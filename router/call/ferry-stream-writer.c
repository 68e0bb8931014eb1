/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way of a message: where the queue is empty, the sending thread writes as much as the stream takes at once. The
 * rest is copied into the queue, which the writer's thread writes. A message that was begun is always finished, so its
 * rest is queued whatever the length of the queue. After a refused message, room() tells when there is room. */

#include "config.h"

#include "call/ferry-stream-writer-private.h"

#include <fcntl.h>
#include <gio/gunixoutputstream.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "call/ferry-remote-error-private.h"

/* While that many bytes wait, no further message is taken: so the queue has at most that and one message. */
#define MAX_QUEUED ((gsize) 1024 * 1024)
/* The parts of a message up to this size are copied together first, which makes the write quicker. */
#define SMALL_MESSAGE 4096
/* Messages share chunks of this size. */
#define CHUNK_SIZE ((gsize) 64 * 1024)

typedef struct
{
  gsize size;
  gsize capacity;
  guint8 data[];
} Chunk;

struct _FerryStreamWriter
{
  GIOStream *io;                       /* const: (owned) */
  GOutputStream *stream;               /* const: (unowned), of io */
  const FerryStreamWriterFuncs *funcs; /* const */
  gpointer data;                       /* const */
  GCancellable *cancellable;           /* const: (owned): ends a write of the thread */
  GPollFD wakeup;  /* const: of that, which so keeps one descriptor, and makes none for each write */
  gboolean direct; /* const: sending threads may write */
  int fd;          /* const: of stream, or -1 */
  GThread *thread; /* of the thread that starts and stops it */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue chunks;      /* lock: (owned) (element-type Chunk), as what follows */
  gsize queued;       /* bytes in chunks and in the one that is being written; they go before a new message */
  gboolean refused;   /* a message was refused for want of room */
  gboolean finishing; /* no further message is taken */
  gboolean done;
  GError *failure; /* (owned) (nullable) */
};

/* Whether sending threads may write: never where that could wait. A write to a blocking pipe waits until all of it is
 * taken, also by the stream's non-blocking functions. A filter has a buffer, which is flushed only after the queue. */
static gboolean
can_write_directly (GOutputStream *stream, int fd)
{
  if (!G_IS_POLLABLE_OUTPUT_STREAM (stream) || G_IS_FILTER_OUTPUT_STREAM (stream) ||
      !g_pollable_output_stream_can_poll (G_POLLABLE_OUTPUT_STREAM (stream)))
    return FALSE;
  return fd < 0 || (fcntl (fd, F_GETFL) & O_NONBLOCK) != 0;
}

FerryStreamWriter *
ferry_stream_writer_new (GIOStream *io, const FerryStreamWriterFuncs *funcs, gpointer data)
{
  FerryStreamWriter *self = g_new (FerryStreamWriter, 1);
  GOutputStream *stream = g_io_stream_get_output_stream (io);
  int fd = G_IS_UNIX_OUTPUT_STREAM (stream) ? g_unix_output_stream_get_fd (G_UNIX_OUTPUT_STREAM (stream)) : -1;

  *self = (FerryStreamWriter){
    .io = g_object_ref (io),
    .stream = stream,
    .funcs = funcs,
    .data = data,
    .cancellable = g_cancellable_new (),
    .fd = fd,
    .direct = can_write_directly (stream, fd),
  };
  g_cancellable_make_pollfd (self->cancellable, &self->wakeup);
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->changed, NULL);
  g_queue_init (&self->chunks);
  return self;
}

void
ferry_stream_writer_free (FerryStreamWriter *self)
{
  g_assert (self->thread == NULL);
  g_queue_clear_full (&self->chunks, g_free);
  g_clear_error (&self->failure);
  g_object_unref (self->cancellable);
  g_object_unref (self->io);
  pthread_cond_destroy (&self->changed);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

/* ---- the queue ---- */

static void
append_locked (FerryStreamWriter *self, const guint8 *data, gsize size)
{
  Chunk *chunk = g_queue_peek_tail (&self->chunks);

  if (chunk == NULL || chunk->capacity - chunk->size < size)
    {
      gsize capacity = MAX (size, CHUNK_SIZE - sizeof *chunk);

      chunk = g_malloc (sizeof *chunk + capacity);
      chunk->size = 0;
      chunk->capacity = capacity;
      g_queue_push_tail (&self->chunks, chunk);
    }
  memcpy (chunk->data + chunk->size, data, size);
  chunk->size += size;
  self->queued += size;
}

/* Queues what lies behind the first `written` bytes. */
static void
queue_rest_locked (FerryStreamWriter *self, const GOutputVector *parts, guint n_parts, gsize written)
{
  for (guint i = 0; i < n_parts; i++)
    {
      gsize skipped = MIN (written, parts[i].size);

      written -= skipped;
      if (skipped < parts[i].size)
        append_locked (self, (const guint8 *) parts[i].buffer + skipped, parts[i].size - skipped);
    }
  pthread_cond_signal (&self->changed);
}

/* Returns whether it is the first failure, for which the caller calls failed(). */
static gboolean
fail_locked (FerryStreamWriter *self, const GError *failure)
{
  if (self->failure != NULL)
    return FALSE;
  self->failure = g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED, "The other end of the stream takes nothing more: %s",
                               failure->message);
  pthread_cond_signal (&self->changed);
  return TRUE;
}

/* ---- the sending threads ---- */

/* A write to a pipe without a reader raises SIGPIPE, which an application need not ignore. Returns whether the signal
 * was not blocked before. */
static gboolean
hold_sigpipe (sigset_t *before)
{
  sigset_t held;

  sigemptyset (&held);
  sigaddset (&held, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &held, before);
  return sigismember (before, SIGPIPE) == 0;
}

static void
release_sigpipe (const sigset_t *before, gboolean raised)
{
  const struct timespec no_time = {0};
  sigset_t held;

  sigemptyset (&held);
  sigaddset (&held, SIGPIPE);
  while (raised && sigtimedwait (&held, NULL, &no_time) < 0 && errno == EINTR)
    ;
  pthread_sigmask (SIG_SETMASK, before, NULL);
}

/* GIO makes three system calls for one write to a descriptor, and may wait between them. */
static GPollableReturn
write_to_descriptor (int fd, const GOutputVector *parts, guint n_parts, gsize *written, GError **error)
{
  sigset_t before;
  gboolean held = hold_sigpipe (&before);
  gssize n = TEMP_FAILURE_RETRY (writev (fd, (const struct iovec *) parts, (int) n_parts));
  int saved_errno = errno;

  release_sigpipe (&before, held && n < 0 && saved_errno == EPIPE);
  *written = n > 0 ? (gsize) n : 0;
  if (n >= 0)
    return G_POLLABLE_RETURN_OK;
  if (saved_errno == EAGAIN)
    return G_POLLABLE_RETURN_WOULD_BLOCK;
  g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (saved_errno), g_strerror (saved_errno));
  return G_POLLABLE_RETURN_FAILED;
}

G_STATIC_ASSERT (sizeof (GOutputVector) == sizeof (struct iovec));
G_STATIC_ASSERT (offsetof (GOutputVector, buffer) == offsetof (struct iovec, iov_base));
G_STATIC_ASSERT (offsetof (GOutputVector, size) == offsetof (struct iovec, iov_len));

/* Returns FALSE when the stream failed. written: how much it took at once. */
static gboolean
write_some_locked (FerryStreamWriter *self, const GOutputVector *parts, guint n_parts, gsize *written, GError **error)
{
  GPollableReturn status;

  if (self->fd >= 0)
    status = write_to_descriptor (self->fd, parts, n_parts, written, error);
  else
    status = g_pollable_output_stream_writev_nonblocking (G_POLLABLE_OUTPUT_STREAM (self->stream), parts, n_parts,
                                                          written, NULL, error);
  return status != G_POLLABLE_RETURN_FAILED;
}

static gboolean
write_directly_locked (FerryStreamWriter *self, const GOutputVector *parts, guint n_parts, gsize size, gsize *written,
                       GError **error)
{
  guint8 whole[SMALL_MESSAGE];
  GOutputVector vector = {whole, 0};

  if (size > sizeof whole || n_parts == 1)
    return write_some_locked (self, parts, n_parts, written, error);
  for (guint i = 0; i < n_parts; i++)
    {
      if (parts[i].size > 0)
        memcpy (whole + vector.size, parts[i].buffer, parts[i].size);
      vector.size += parts[i].size;
    }
  return write_some_locked (self, &vector, 1, written, error);
}

static gboolean
check_locked (FerryStreamWriter *self, GError **error)
{
  if (self->failure != NULL)
    {
      g_propagate_error (error, ferry_error_copy (self->failure));
      return FALSE;
    }
  if (self->finishing)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The transport was closed at this end");
  if (self->queued < MAX_QUEUED)
    return TRUE;
  self->refused = TRUE;
  return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                          "%" G_GSIZE_FORMAT " bytes wait for the other end of the stream to take them: wait for room",
                          self->queued);
}

gboolean
ferry_stream_writer_send (FerryStreamWriter *self, const GOutputVector *parts, guint n_parts, GError **error)
{
  g_autoptr (GError) failure = NULL;
  gboolean sent;
  gboolean failed = FALSE;
  gsize written = 0;
  gsize size = 0;

  for (guint i = 0; i < n_parts; i++)
    size += parts[i].size;

  pthread_mutex_lock (&self->lock);
  sent = check_locked (self, error);
  if (sent && self->direct && self->queued == 0 &&
      !write_directly_locked (self, parts, n_parts, size, &written, &failure))
    {
      failed = fail_locked (self, failure);
      sent = check_locked (self, error);
    }
  if (sent && written < size)
    queue_rest_locked (self, parts, n_parts, written);
  pthread_mutex_unlock (&self->lock);
  if (failed)
    self->funcs->failed (self->data);
  return sent;
}

/* ---- the thread ---- */

/* Returns NULL when nothing is left to be written. */
static Chunk *
wait_for_chunk (FerryStreamWriter *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  while (self->chunks.length == 0 && !self->finishing && self->failure == NULL)
    pthread_cond_wait (&self->changed, &self->lock);
  return self->failure == NULL ? g_queue_pop_head (&self->chunks) : NULL;
}

static gboolean
note_written (FerryStreamWriter *self, gsize n)
{
  gboolean room;
  gboolean empty;

  pthread_mutex_lock (&self->lock);
  self->queued -= n;
  room = self->refused && self->queued < MAX_QUEUED / 2;
  if (room)
    self->refused = FALSE;
  empty = self->queued == 0;
  pthread_mutex_unlock (&self->lock);
  if (room)
    self->funcs->room (self->data);
  return empty;
}

static gboolean
write_chunk (FerryStreamWriter *self, const Chunk *chunk, GError **error)
{
  /* A blocking descriptor that polls as writable takes so many bytes without a wait, which a cancel could not end. */
  const gsize most = self->fd >= 0 && !self->direct ? PIPE_BUF : G_MAXSSIZE;
  gboolean empty = FALSE;
  gssize n;

  for (gsize at = 0; at < chunk->size; at += (gsize) n)
    {
      n =
        g_output_stream_write (self->stream, chunk->data + at, MIN (chunk->size - at, most), self->cancellable, error);
      if (n < 0)
        return FALSE;
      empty = note_written (self, (gsize) n);
    }
  return !empty || g_output_stream_flush (self->stream, self->cancellable, error);
}

/* Tells the other end that no more bytes come, where the stream has a way to do so. */
static void
write_end (FerryStreamWriter *self)
{
  /* g_socket_shutdown() would change a field that the reader's thread reads. */
  if (G_IS_SOCKET_CONNECTION (self->io))
    {
      shutdown (g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (self->io))), SHUT_WR);
      return;
    }
  /* The descriptor may be a socket with another stream's reading end, and to close it would tell nothing then. */
  if (self->fd >= 0)
    shutdown (self->fd, SHUT_WR);
  g_output_stream_close (self->stream, self->cancellable, NULL);
}

static gpointer
write_all (gpointer data)
{
  FerryStreamWriter *self = data;
  g_autoptr (GError) error = NULL;
  gboolean failed = FALSE;
  Chunk *chunk;

  while (error == NULL && (chunk = wait_for_chunk (self)) != NULL)
    {
      write_chunk (self, chunk, &error);
      g_free (chunk);
    }
  if (error != NULL)
    {
      pthread_mutex_lock (&self->lock);
      failed = fail_locked (self, error);
      pthread_mutex_unlock (&self->lock);
    }
  if (failed)
    self->funcs->failed (self->data);
  /* After a failure too: no other thread writes any more. */
  write_end (self);
  pthread_mutex_lock (&self->lock);
  self->done = TRUE;
  pthread_mutex_unlock (&self->lock);
  self->funcs->done (self->data);
  return NULL;
}

gboolean
ferry_stream_writer_start (FerryStreamWriter *self, GError **error)
{
  self->thread = ferry_thread_try_new ("ferry-writer", "writing", write_all, self, error);
  return self->thread != NULL;
}

void
ferry_stream_writer_stop (FerryStreamWriter *self)
{
  g_cancellable_cancel (self->cancellable);
  ferry_stream_writer_finish (self);
  if (self->thread != NULL)
    g_thread_join (g_steal_pointer (&self->thread));
  g_cancellable_release_fd (self->cancellable);
}

void
ferry_stream_writer_finish (FerryStreamWriter *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  self->finishing = TRUE;
  pthread_cond_signal (&self->changed);
}

gboolean
ferry_stream_writer_is_done (FerryStreamWriter *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->done;
}

GError *
ferry_stream_writer_dup_failure (FerryStreamWriter *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->failure != NULL ? ferry_error_copy (self->failure) : NULL;
}
