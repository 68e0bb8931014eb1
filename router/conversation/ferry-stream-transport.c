/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport over any GIOStream, such as one that is made of two descriptors, and a pair of such in one process.
 *
 * The transport and its two threads share the core. The reader is a thread that splits the stream into messages and
 * delivers them. The reader also starts and joins the writer, the other thread. Both have weak references only. So the
 * transport is closed when the last reference of the program is dropped.
 *
 * Sending a message: if the queue is empty, the sending thread writes as much as the stream accepts at once. The
 * rest is copied into the queue, and the writer writes it.
 *
 * Closing: ferry_stream_transport_close() runs on any thread and does not wait. It sets a flag, makes the writer
 *          finish, and wakes the reader. The reader then lingers for at most LINGER_MILLISECONDS, until all sent
 *          messages are written, or without limit where the other end is in this process. It discards bytes that still
 *          arrive: if a socket is closed with unread bytes, the kernel drops what the other end has not read yet. Then
 *          the reader closes the stream.
 *
 * Owner:   counted references: one of the transport and one of the reader.
 * Threads: any, unless a comment says otherwise.
 * Locks:   lock. While it is held, only the stream is called, to write without blocking.
 * Trust:   received bytes are not trusted. */

#include "config.h"

#include "call/ferry-transport-private.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "link/ferry-orphan-private.h"
#include "wire/ferry-frame-decoder-private.h"
#include "wire/ferry-remote-error-private.h"

/* How long messages that were sent before the close may still be written. */
#define LINGER_MILLISECONDS 5000

/* The pause before a missing descriptor is asked for again. */
#define SHORTAGE_MILLISECONDS 10

/* The descriptors that a transport needs: one to wake the reader, one to wake the writer, and one for the context to
 * linger with. */
#define N_FDS 3

#define FERRY_TYPE_STREAM_TRANSPORT (ferry_stream_transport_get_type ())
G_DECLARE_FINAL_TYPE (FerryStreamTransport, ferry_stream_transport, FERRY, STREAM_TRANSPORT, FerryTransport)

/* The parts of a message of at most this many bytes are copied into one buffer first: one part is written faster
 * than several. */
#define SMALL_MESSAGE 4096

typedef struct
{
  _Atomic gint references;
  FerryWeak *transport; /* const: (owned) */
  GIOStream *io;        /* const: (owned) */
  GInputStream *input;  /* const: (unowned): owned by io */
  /* const: (owned): wakes the reader when the transport is closed or writing has failed. The reader then delivers
   * the messages that have arrived, and ends the transport. */
  GCancellable *reading;
  _Atomic (GMainContext *) lingering; /* (nullable): the reader's context, while it lingers */
  FerryFrameDecoder decoder;          /* used by the reader */
  gboolean input_over;                /* used by the reader: the input has ended */
  gboolean expired;                   /* used by the reader: the time to linger is over */
  _Atomic gboolean closed;
  _Atomic guint32 max_message;

  GOutputStream *output; /* const: (unowned): owned by io */
  GCancellable *writing; /* const: (owned): cancels a write of the writer */
  gboolean direct;       /* const: whether sending threads may write to output */
  int out_fd;            /* const: the descriptor of output, or -1 */
  gboolean is_socket;    /* const: out_fd is a socket */
  gboolean is_of_pair;   /* const: the other end is in this process */
  int local_fd;          /* const: (unowned): the AF_UNIX socket that is read and written, or -1 */
  GThread *writer;       /* used by the reader */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  FerryFrameQueue queue; /* lock: queue, passing and done. Only the writer removes bytes */
  int passing;           /* (owned): a socket that goes to the other end with the next bytes, or -1 */
  gboolean done;         /* the writer has ended */
} Core;

struct _FerryStreamTransport
{
  FerryTransport parent_instance;
  Core *core; /* const: (owned), once constructed */
};

G_DEFINE_FINAL_TYPE (FerryStreamTransport, ferry_stream_transport, FERRY_TYPE_TRANSPORT)

/* ---- the core ---- */

/* Wakes the reader if it lingers. No wake-up is lost: the writer sets done under lock, and then reads lingering
 * here. The reader sets lingering, and then reads done under lock. */
static void
wake_lingering (Core *core)
{
  /* Acquire: sees the content of the context that linger() released. */
  GMainContext *context = atomic_load_explicit (&core->lingering, memory_order_acquire);

  if (context != NULL)
    g_main_context_wakeup (context);
}

static void
core_unref (Core *core)
{
  if (!ferry_ref_count_dec (&core->references))
    return;
  g_assert (core->writer == NULL);
  ferry_frame_queue_drop (&core->queue);
  g_clear_error (&core->queue.failure);
  ferry_clear_fd (&core->passing);
  g_object_unref (core->writing);
  pthread_cond_destroy (&core->changed);
  pthread_mutex_destroy (&core->lock);
  g_object_unref (core->reading);
  g_object_unref (core->io);
  ferry_weak_unref (core->transport);
  g_free (core);
}

static gboolean
is_closed (Core *core)
{
  /* Relaxed: if this is read too early, one more message is delivered to a transport that drops it. */
  return atomic_load_explicit (&core->closed, memory_order_relaxed);
}

/* Sets the failure, and wakes the writer. The caller must wake the reader, after it released the lock. */
static void
fail_locked (Core *core, const GError *failure)
{
  if (core->queue.failure == NULL)
    core->queue.failure = g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                                       "Writing to the stream failed: %s; open a new stream", failure->message);
  pthread_cond_signal (&core->changed);
}

/* ---- the sending threads ---- */

/* Returns how many bytes a write has written: n, or 0 with an error unless it would have blocked. */
static gsize
take_written (gssize n, GError **error)
{
  if (n < 0 && errno != EAGAIN)
    g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (errno), g_strerror (errno));
  return (gsize) MAX (n, 0);
}

/* Writes to a socket. Does not block even if another process has made the socket blocking, as one can that has a copy
 * of the descriptor. */
static gsize
write_to_socket (int fd, const GOutputVector *parts, guint n_parts, GError **error)
{
  const struct msghdr message = {.msg_iov = (struct iovec *) parts, .msg_iovlen = n_parts};

  return take_written (TEMP_FAILURE_RETRY (sendmsg (fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)), error);
}

/* Writes to the socket of both directions, with the socket that is to be passed. */
static gsize
write_and_pass_locked (Core *core, const GOutputVector *parts, guint n_parts, GError **error)
{
  union
  {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr header;
  } rights = {.header = {CMSG_LEN (sizeof (int)), SOL_SOCKET, SCM_RIGHTS}};
  const struct msghdr message = {.msg_iov = (struct iovec *) parts,
                                 .msg_iovlen = n_parts,
                                 .msg_control = rights.bytes,
                                 .msg_controllen = sizeof rights.bytes};
  gssize n;

  memcpy (CMSG_DATA (&rights.header), &core->passing, sizeof (int));
  n = TEMP_FAILURE_RETRY (sendmsg (core->local_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
  if (n > 0)
    ferry_clear_fd (&core->passing);
  return take_written (n, error);
}

/* Writes by writev(): GIO makes three system calls for one write to a descriptor, and may block between them. */
static gsize
write_to_descriptor (int fd, const GOutputVector *parts, guint n_parts, GError **error)
{
  return take_written (ferry_write_without_signal (fd, (const struct iovec *) parts, (int) n_parts), error);
}

G_STATIC_ASSERT (sizeof (GOutputVector) == sizeof (struct iovec));
G_STATIC_ASSERT (offsetof (GOutputVector, buffer) == offsetof (struct iovec, iov_base));
G_STATIC_ASSERT (offsetof (GOutputVector, size) == offsetof (struct iovec, iov_len));

/* Writes without blocking, as a FerryFrameWriteFunc. Must be called with the lock held. */
static gsize
write_locked (gpointer data, const GOutputVector *parts, guint n_parts)
{
  Core *core = data;
  guint8 whole[SMALL_MESSAGE];
  GOutputVector vector = {whole, 0};
  g_autoptr (GError) failure = NULL;
  gsize written = 0;
  gsize size = 0;

  for (guint i = 0; i < n_parts; i++)
    size += parts[i].size;
  if (size <= sizeof whole)
    {
      for (guint i = 0; i < n_parts; vector.size += parts[i++].size)
        memcpy (whole + vector.size, parts[i].buffer, parts[i].size);
      parts = &vector;
      n_parts = 1;
    }
  if (G_UNLIKELY (core->passing >= 0))
    written = write_and_pass_locked (core, parts, n_parts, &failure);
  else if (core->is_socket)
    written = write_to_socket (core->out_fd, parts, n_parts, &failure);
  else if (core->out_fd >= 0)
    written = write_to_descriptor (core->out_fd, parts, n_parts, &failure);
  else
    g_pollable_output_stream_writev_nonblocking (G_POLLABLE_OUTPUT_STREAM (core->output), parts, n_parts, &written,
                                                 NULL, &failure);
  if (failure != NULL)
    fail_locked (core, failure);
  return written;
}

static gboolean
send_message (Core *core, const GOutputVector *parts, guint n_parts, GError **error)
{
  guint32 max_message = atomic_load_explicit (&core->max_message, memory_order_relaxed);
  gboolean failed;
  gboolean sent;

  pthread_mutex_lock (&core->lock);
  sent = ferry_frame_queue_send (&core->queue, parts, n_parts, max_message, error);
  failed = core->queue.failure != NULL;
  if (core->queue.size > 0)
    pthread_cond_signal (&core->changed);
  pthread_mutex_unlock (&core->lock);
  if (failed)
    g_cancellable_cancel (core->reading);
  return sent;
}

/* ---- the writer ---- */

/* Waits for bytes to write, and returns them; size is 0 when the writer must end. The bytes stay in the queue until
 * this thread removes them. */
static gconstpointer
wait_for_bytes (Core *core, gsize *size)
{
  FERRY_AUTO_LOCK (&core->lock);

  while (core->queue.size == 0 && !core->queue.closed && core->queue.failure == NULL)
    pthread_cond_wait (&core->changed, &core->lock);
  *size = 0;
  return core->queue.failure == NULL ? ferry_frame_queue_peek (&core->queue, size) : NULL;
}

/* Waits until the socket of both directions is ready for events (poll()'s), or the cancellable is cancelled. */
static gboolean
wait_for_local_socket (Core *core, short events, GCancellable *cancellable, GError **error)
{
  GPollFD fds[2] = {{.fd = core->local_fd, .events = events}};

  /* The descriptor of the cancellable is open: see core_new(). */
  g_cancellable_make_pollfd (cancellable, &fds[1]);
  TEMP_FAILURE_RETRY (g_poll (fds, G_N_ELEMENTS (fds), -1));
  g_cancellable_release_fd (cancellable);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* Writes the next bytes with the socket that is to be passed. Returns 0 if there is none, else as
 * g_output_stream_write(). */
static gssize
pass_with_bytes (Core *core, gconstpointer bytes, gsize size, GError **error)
{
  const GOutputVector vector = {bytes, size};
  gboolean has_socket = TRUE;
  g_autoptr (GError) failure = NULL;
  gsize written = 0;

  while (has_socket && written == 0 && failure == NULL)
    {
      pthread_mutex_lock (&core->lock);
      has_socket = core->passing >= 0;
      if (has_socket)
        written = write_and_pass_locked (core, &vector, 1, &failure);
      pthread_mutex_unlock (&core->lock);
      if (has_socket && written == 0 && failure == NULL)
        wait_for_local_socket (core, G_IO_OUT, core->writing, &failure);
    }
  if (failure == NULL)
    return (gssize) written;
  g_propagate_error (error, g_steal_pointer (&failure));
  return -1;
}

static void
note_room (Core *core)
{
  FERRY_USE_WEAK (FerryTransport, transport, core->transport);

  if (transport != NULL)
    ferry_transport_note_room (transport);
}

static gboolean
write_some (Core *core, gconstpointer bytes, gsize size, GError **error)
{
  /* If poll() reports a blocking descriptor as writable, it accepts this many bytes without blocking. A write that
   * blocks could not be cancelled. */
  const gsize most = core->out_fd >= 0 && !core->direct ? PIPE_BUF : G_MAXSSIZE;
  gssize n = pass_with_bytes (core, bytes, size, error);
  gboolean empty;
  gboolean room;

  if (n == 0)
    n = g_output_stream_write (core->output, bytes, MIN (size, most), core->writing, error);
  if (n < 0)
    return FALSE;
  pthread_mutex_lock (&core->lock);
  room = ferry_frame_queue_remove (&core->queue, (gsize) n);
  empty = core->queue.size == 0;
  pthread_mutex_unlock (&core->lock);
  if (room)
    note_room (core);
  return !empty || g_output_stream_flush (core->output, core->writing, error);
}

/* Notifies the other end that no more bytes follow, if the stream can do so. */
static void
write_end (Core *core)
{
  /* g_socket_shutdown() is not used, as it changes a field that the reader reads. */
  if (G_IS_SOCKET_CONNECTION (core->io))
    {
      shutdown (g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (core->io))), SHUT_WR);
      return;
    }
  /* out_fd may be a socket that another stream also reads from. Closing the stream would then not notify the other
   * end. */
  if (core->out_fd >= 0)
    shutdown (core->out_fd, SHUT_WR);
  g_output_stream_close (core->output, core->writing, NULL);
}

static gpointer
write_all (gpointer data)
{
  Core *core = data;
  g_autoptr (GError) error = NULL;
  gconstpointer bytes;
  gsize size;

  do
    bytes = wait_for_bytes (core, &size);
  while (size > 0 && write_some (core, bytes, size, &error));
  if (error != NULL)
    {
      pthread_mutex_lock (&core->lock);
      fail_locked (core, error);
      pthread_mutex_unlock (&core->lock);
      g_cancellable_cancel (core->reading);
    }
  /* Also after a failure: no other thread writes any more. */
  write_end (core);
  pthread_mutex_lock (&core->lock);
  core->done = TRUE;
  pthread_mutex_unlock (&core->lock);
  wake_lingering (core);
  return NULL;
}

static void
finish_writing (Core *core)
{
  FERRY_AUTO_LOCK (&core->lock);
  core->queue.closed = TRUE;
  pthread_cond_signal (&core->changed);
}

static gboolean
is_writing_done (Core *core)
{
  FERRY_AUTO_LOCK (&core->lock);
  return core->done;
}

/* ---- reading ---- */

/* Delivers the whole messages that were read. Returns FALSE at the end: with reason set, or without it if this end
 * closed the transport. */
static gboolean
hand_over (Core *core, GError **reason)
{
  FerryFrameStatus status;
  gconstpointer message;
  gsize size;
  FERRY_USE_WEAK (FerryTransport, transport, core->transport);

  core->decoder.max_message = atomic_load_explicit (&core->max_message, memory_order_relaxed);
  while ((status = ferry_frame_decoder_next (&core->decoder, &message, &size, reason)) == FERRY_FRAME_MESSAGE)
    {
      if (transport == NULL || is_closed (core))
        return FALSE;
      ferry_transport_receive_bytes (transport, message, size, NULL, FERRY_VALUE_UNJUDGED);
    }
  return status == FERRY_FRAME_NONE;
}

/* Returns (transfer none) (nullable) the input, or NULL if it cannot be read without blocking. */
static GPollableInputStream *
get_pollable (Core *core)
{
  if (!G_IS_POLLABLE_INPUT_STREAM (core->input) ||
      !g_pollable_input_stream_can_poll (G_POLLABLE_INPUT_STREAM (core->input)))
    return NULL;
  return G_POLLABLE_INPUT_STREAM (core->input);
}

/* Joins the socket that came with bytes, if one did. Another thread closes what is not asked for, so a second one ends
 * the transport: without end, they would need threads without end. */
static gboolean
take_passed (Core *core, struct msghdr *message, GError **error)
{
  struct cmsghdr *header = CMSG_FIRSTHDR (message);
  int socket = -1;
  FERRY_USE_WEAK (FerryTransport, transport, core->transport);

  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN (sizeof (int)))
    memcpy (&socket, CMSG_DATA (header), sizeof (int));
  if (transport != NULL && (socket >= 0 || (message->msg_flags & MSG_CTRUNC) != 0))
    return ferry_transport_join_descriptors (transport, socket) ||
           ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "The other end passed a second socket for descriptors; it must pass one");
  if (socket >= 0)
    ferry_orphan_close (socket);
  return TRUE;
}

/* Reads from the socket of both directions, as g_input_stream_read(). GIO would drop what is passed with the bytes. */
static gssize
read_from_local_socket (Core *core, guint8 *room, gsize size, GError **error)
{
  union
  {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr header;
  } rights;
  struct iovec vector = {room, size};
  gssize n;

  do
    {
      /* Without the padding, where the kernel would store a second descriptor. */
      struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = CMSG_LEN (sizeof (int))};

      n = TEMP_FAILURE_RETRY (recvmsg (core->local_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
      if (n > 0 && !take_passed (core, &message, error))
        return -1;
      if (n >= 0)
        return n;
      if (errno != EAGAIN)
        {
          g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (errno), g_strerror (errno));
          return -1;
        }
    }
  while (wait_for_local_socket (core, G_IO_IN, core->reading, error));
  return -1;
}

/* Reads once. After a failure of the writer, does not block: reads only what the other end has sent before. */
static gssize
read_some (Core *core, GError **error)
{
  gsize size;
  guint8 *room = ferry_frame_decoder_get_room (&core->decoder, &size);
  GPollableInputStream *input;
  gssize n = -1;

  if (!g_cancellable_is_cancelled (core->reading) && core->local_fd >= 0)
    n = read_from_local_socket (core, room, size, error);
  else if (!g_cancellable_is_cancelled (core->reading))
    n = g_input_stream_read (core->input, room, size, core->reading, error);
  else if ((input = get_pollable (core)) != NULL)
    n = g_pollable_input_stream_read_nonblocking (input, room, size, NULL, error);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "Nothing can be read without waiting");
  if (n > 0)
    ferry_frame_decoder_add (&core->decoder, (gsize) n);
  return n;
}

/* Returns (transfer full) (nullable) the reason of the end, from the failure of a read. NULL: read on. */
static GError *
make_reason (Core *core, const GError *failure)
{
  if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return NULL;
  if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      FERRY_AUTO_LOCK (&core->lock);
      return core->queue.failure != NULL ? ferry_error_copy (core->queue.failure) : NULL;
    }
  core->input_over = TRUE;
  if (failure->domain == FERRY_ERROR)
    return ferry_error_copy (failure);
  if (g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED) ||
      g_error_matches (failure, G_TLS_ERROR, G_TLS_ERROR_EOF))
    return ferry_frame_decoder_end (&core->decoder);
  return g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED, "Reading from the stream failed: %s; open a new stream",
                      failure->message);
}

/* Reads and delivers messages until the end. Returns (transfer full) (nullable) the reason of the end, or NULL if
 * this end closed the transport. */
static GError *
read_until_end (Core *core)
{
  GError *reason = NULL;

  while (reason == NULL && !is_closed (core))
    {
      g_autoptr (GError) error = NULL;
      gssize n = read_some (core, &error);

      if (n > 0)
        {
          if (!hand_over (core, &reason))
            break;
          continue;
        }
      core->input_over = n == 0;
      reason = n == 0 ? ferry_frame_decoder_end (&core->decoder) : make_reason (core, error);
    }
  return reason;
}

/* ---- the end, on the reader's thread ---- */

static gboolean
expire_cb (gpointer data)
{
  ((Core *) data)->expired = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
discard_cb (GObject *stream, gpointer data)
{
  Core *core = data;
  guint8 discarded[4096];
  g_autoptr (GError) error = NULL;
  gssize n = g_pollable_input_stream_read_nonblocking (G_POLLABLE_INPUT_STREAM (stream), discarded, sizeof discarded,
                                                       NULL, &error);

  core->input_over = n == 0 || (n < 0 && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK));
  return core->input_over ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static GSource *
add_discarding (Core *core, GMainContext *context)
{
  GPollableInputStream *input = get_pollable (core);
  GSource *source;

  if (core->input_over || input == NULL)
    {
      core->input_over = TRUE;
      return NULL;
    }
  source = g_pollable_input_stream_create_source (input, NULL);
  g_source_set_callback (source, G_SOURCE_FUNC (discard_cb), core, NULL);
  g_source_attach (source, context);
  return source;
}

/* Returns (transfer full) (nullable) a new context. A context needs a descriptor, so this function waits until one
 * is free. Returns NULL if none is free within LINGER_MILLISECONDS. */
static GMainContext *
make_context (void)
{
  for (guint waited = 0; !ferry_check_free_fds (1, NULL); waited += SHORTAGE_MILLISECONDS)
    {
      if (waited >= LINGER_MILLISECONDS)
        return NULL;
      poll (NULL, 0, SHORTAGE_MILLISECONDS);
    }
  return g_main_context_new ();
}

/* Waits until all sent messages and the end of the stream are written, and the other end has closed. Also ends when the
 * time to linger is over. */
static void
linger (Core *core)
{
  GMainContext *context = make_context ();
  g_autoptr (GSource) timer = NULL;
  g_autoptr (GSource) discarding = NULL;

  if (context == NULL)
    return;
  timer = g_timeout_source_new (LINGER_MILLISECONDS);
  discarding = add_discarding (core, context);
  g_source_set_callback (timer, expire_cb, core, NULL);
  if (!core->is_of_pair)
    g_source_attach (timer, context);
  /* Release: publishes the content of the context for wake_lingering(). */
  atomic_store_explicit (&core->lingering, context, memory_order_release);
  finish_writing (core);
  while (!core->expired && (!is_writing_done (core) || !core->input_over))
    g_main_context_iteration (context, TRUE);
  g_source_destroy (timer);
  if (discarding != NULL)
    g_source_destroy (discarding);
}

/* Ends the writer. Frees the descriptors and the buffer, as the program may keep a reference to a closed transport. */
static void
release (Core *core)
{
  GMainContext *context;

  g_cancellable_cancel (core->writing);
  finish_writing (core);
  if (core->writer != NULL)
    g_thread_join (g_steal_pointer (&core->writer));
  g_cancellable_release_fd (core->writing);
  g_cancellable_release_fd (core->reading);
  /* Relaxed: the writer, which also reads lingering, was joined, so no other thread uses lingering now. */
  context = atomic_exchange_explicit (&core->lingering, NULL, memory_order_relaxed);
  if (context != NULL)
    g_main_context_unref (context);
  ferry_frame_decoder_clear (&core->decoder);
  g_io_stream_close (core->io, core->expired ? core->reading : NULL, NULL);
}

/* Ends the transport with reason (nullable), if there is still a transport. */
static void
stop_receiving (Core *core, const GError *reason)
{
  FERRY_USE_WEAK (FerryTransport, transport, core->transport);

  if (transport == NULL)
    return;
  if (reason != NULL)
    ferry_transport_end (transport, reason);
  /* The GThread of a later thread may have the same address. */
  ferry_transport_set_receiving_thread (transport, NULL);
}

static gpointer
read_main (gpointer data)
{
  Core *core = data;
  g_autoptr (GError) reason = NULL;
  gboolean started;

  core->writer = ferry_thread_try_new ("ferry-writer", "writing", write_all, core, &reason);
  started = core->writer != NULL;
  if (started)
    reason = read_until_end (core);
  stop_receiving (core, reason);
  if (started)
    linger (core);
  release (core);
  core_unref (core);
  return NULL;
}

/* ---- the object ---- */

static gboolean
is_socket (int fd)
{
  int type;
  socklen_t size = sizeof type;

  return getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

/* Returns the AF_UNIX socket that a stream reads and writes, or -1 if it is no such stream. */
static int
get_local_socket (GIOStream *io, int out_fd)
{
  GInputStream *input = g_io_stream_get_input_stream (io);
  int fd = -1;
  int domain = 0;
  int type = 0;
  socklen_t size = sizeof domain;

  if (G_IS_SOCKET_CONNECTION (io))
    fd = g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (io)));
  else if (out_fd >= 0 && G_IS_UNIX_INPUT_STREAM (input) &&
           g_unix_input_stream_get_fd (G_UNIX_INPUT_STREAM (input)) == out_fd)
    fd = out_fd;
  return fd >= 0 && getsockopt (fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
             getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM
           ? fd
           : -1;
}

/* By default, TCP holds a small message back until what was sent before is acknowledged, which takes up to 40 ms: a
 * cancel, or a window. Other descriptors refuse the option. */
static void
send_at_once (GIOStream *io, int out_fd)
{
  const int on = 1;

  if (G_IS_SOCKET_CONNECTION (io))
    out_fd = g_socket_get_fd (g_socket_connection_get_socket (G_SOCKET_CONNECTION (io)));
  if (out_fd >= 0)
    setsockopt (out_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Whether sending threads may write to a stream: only if a write never blocks. A write to a blocking pipe blocks
 * until all bytes are accepted, even by the stream's non-blocking functions. A filter stream has a buffer, which is
 * flushed only after the queue, so it may not be written to directly. */
static gboolean
can_write_directly (GOutputStream *stream, int fd)
{
  if (!G_IS_POLLABLE_OUTPUT_STREAM (stream) || G_IS_FILTER_OUTPUT_STREAM (stream) ||
      !g_pollable_output_stream_can_poll (G_POLLABLE_OUTPUT_STREAM (stream)))
    return FALSE;
  return fd < 0 || (fcntl (fd, F_GETFL) & O_NONBLOCK) != 0;
}

static Core *
core_new (GIOStream *io, gboolean is_of_pair, gpointer transport)
{
  Core *core = g_new0 (Core, 1);
  GPollFD wakeup;

  atomic_init (&core->references, 1);
  core->transport = ferry_weak_ref (ferry_transport_get_weak (transport));
  core->io = g_object_ref (io);
  core->input = g_io_stream_get_input_stream (io);
  core->reading = g_cancellable_new ();
  /* Keeps the descriptor of each cancellable open, so that no read or write has to open one. */
  g_cancellable_make_pollfd (core->reading, &wakeup);
  core->output = g_io_stream_get_output_stream (io);
  core->writing = g_cancellable_new ();
  g_cancellable_make_pollfd (core->writing, &wakeup);
  core->out_fd =
    G_IS_UNIX_OUTPUT_STREAM (core->output) ? g_unix_output_stream_get_fd (G_UNIX_OUTPUT_STREAM (core->output)) : -1;
  core->is_socket = core->out_fd >= 0 && is_socket (core->out_fd);
  core->is_of_pair = is_of_pair;
  core->local_fd = get_local_socket (io, core->out_fd);
  send_at_once (io, core->out_fd);
  core->passing = -1;
  core->direct = can_write_directly (core->output, core->out_fd);
  pthread_mutex_init (&core->lock, NULL);
  pthread_cond_init (&core->changed, NULL);
  ferry_frame_queue_init (&core->queue, core->direct ? write_locked : NULL, core);
  ferry_frame_decoder_init (&core->decoder, FERRY_FRAME_MAX_MESSAGE);
  atomic_init (&core->max_message, FERRY_FRAME_MAX_MESSAGE);
  return core;
}

/* The socket goes with the next bytes: with those of a message that names a descriptor, or with earlier ones. */
static gboolean
pass_socket (gpointer data, int socket, GError **error)
{
  Core *core = data;
  int copy = fcntl (socket, F_DUPFD_CLOEXEC, 0);
  FERRY_AUTO_LOCK (&core->lock);

  if (copy < 0)
    return ferry_set_system_error (error, "Copying a socket (fcntl)");
  core->passing = copy;
  return TRUE;
}

static gboolean
ferry_stream_transport_send (FerryTransport *transport, const GOutputVector *parts, guint n_parts, GError **error)
{
  return send_message (FERRY_STREAM_TRANSPORT (transport)->core, parts, n_parts, error);
}

/* Sets the limit of one message and of a whole answer. A whole answer may come in pieces, each a small message. */
static void
set_max_message (FerryStreamTransport *self, guint max_message)
{
  atomic_store_explicit (&self->core->max_message, max_message, memory_order_relaxed);
  ferry_transport_set_max_answer (FERRY_TRANSPORT (self), max_message);
}

static void
ferry_stream_transport_close (FerryTransport *transport)
{
  Core *core = FERRY_STREAM_TRANSPORT (transport)->core;

  atomic_store_explicit (&core->closed, TRUE, memory_order_relaxed);
  finish_writing (core);
  g_cancellable_cancel (core->reading);
}

static void
ferry_stream_transport_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryStreamTransport *self = FERRY_STREAM_TRANSPORT (object);

  g_value_set_uint (value, atomic_load_explicit (&self->core->max_message, memory_order_relaxed));
}

static void
ferry_stream_transport_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  set_max_message (FERRY_STREAM_TRANSPORT (object), g_value_get_uint (value));
}

static void
ferry_stream_transport_finalize (GObject *object)
{
  FerryStreamTransport *self = FERRY_STREAM_TRANSPORT (object);

  g_clear_pointer (&self->core, core_unref);

  G_OBJECT_CLASS (ferry_stream_transport_parent_class)->finalize (object);
}

static void
ferry_stream_transport_class_init (FerryStreamTransportClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  FerryTransportClass *transport_class = FERRY_TRANSPORT_CLASS (klass);

  object_class->get_property = ferry_stream_transport_get_property;
  object_class->set_property = ferry_stream_transport_set_property;
  object_class->finalize = ferry_stream_transport_finalize;
  transport_class->send = ferry_stream_transport_send;
  transport_class->close = ferry_stream_transport_close;

  g_object_class_install_property (
    object_class, 1,
    g_param_spec_uint ("max-message-size", NULL, NULL, 1, G_MAXUINT32, FERRY_FRAME_MAX_MESSAGE,
                       G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
}

static void
ferry_stream_transport_init (FerryStreamTransport *self)
{
}

/* Takes the stream. */
static FerryTransport *
make_transport (GIOStream *stream, gboolean is_of_pair, GError **error)
{
  g_autoptr (FerryStreamTransport) self = NULL;
  g_autoptr (GThread) thread = NULL;

  if (!ferry_check_free_fds (N_FDS, error))
    {
      g_io_stream_close (stream, NULL, NULL);
      return NULL;
    }
  self = g_object_new (FERRY_TYPE_STREAM_TRANSPORT, NULL);
  self->core = core_new (stream, is_of_pair, self);
  if (self->core->local_fd >= 0)
    ferry_transport_set_pass_func (FERRY_TRANSPORT (self), pass_socket, self->core, FALSE);
  set_max_message (self, is_of_pair ? G_MAXUINT32 : FERRY_FRAME_MAX_MESSAGE);
  /* Sends the greeting. If that fails, the reader finds the failure, after it has delivered the messages that the other
   * end sent before it closed. */
  send_message (self->core, NULL, 0, NULL);
  ferry_ref_count_inc (&self->core->references);
  thread = ferry_thread_try_new ("ferry-reader", "reading", read_main, self->core, error);
  if (thread == NULL)
    {
      core_unref (self->core);
      release (self->core);
      return NULL;
    }
  ferry_transport_set_receiving_thread (FERRY_TRANSPORT (self), thread);
  return FERRY_TRANSPORT (g_steal_pointer (&self));
}

/**
 * ferry_transport_new_for_stream:
 * @stream: a stream, such as a socket's connection, or a TLS connection over a socket
 * @error: return location for an error
 *
 * Creates a transport over a stream. The other end of the stream must be a transport of this kind too. This function
 * takes over @stream even if it fails: the caller must not read from @stream, write to it or close it any more.
 *
 * The transport keeps up to 1 MiB of messages that the stream has not accepted yet. Beyond that, sending fails with
 * %FERRY_ERROR_WOULD_BLOCK.
 *
 * A request or an answer has at most 64 MiB. The property `max-message-size` (of type #guint) sets another limit in
 * bytes, for received and for sent messages. Both ends must set it, before a larger message is sent. A request beyond
 * the limit fails with %FERRY_ERROR_TOO_LARGE. If an answer is beyond the limit, its call fails with that error.
 *
 * Messages that were sent before the transport is closed are still written in the background, for at most five seconds.
 * When the stream ends, the transport closes with %FERRY_ERROR_CLOSED, or with %FERRY_ERROR_PROTOCOL if the stream ends
 * inside a message. If the versions of the two ends do not fit together, it closes with %FERRY_ERROR_VERSION.
 *
 * A thread of the transport receives messages. Any thread may call this.
 *
 * Returns: (transfer full): the transport, or %NULL with %FERRY_ERROR_CLOSED or %FERRY_ERROR_SYSTEM
 */
FerryTransport *
ferry_transport_new_for_stream (GIOStream *stream, GError **error)
{
  g_return_val_if_fail (G_IS_IO_STREAM (stream), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (g_io_stream_is_closed (stream))
    {
      ferry_set_error (error, FERRY_ERROR_CLOSED, "The stream is closed already; open a new stream");
      return NULL;
    }
  return make_transport (stream, FALSE, error);
}

/* ---- over the stream of two descriptors ---- */

/* Makes a descriptor non-blocking, so that a sender never waits for a reader. Uses ioctl(), as a worker in a sandbox
 * may not set flags by fcntl(). */
static gboolean
set_nonblocking (int fd, GError **error)
{
  int on = 1;

  return ioctl (fd, FIONBIO, &on) == 0 || ferry_set_system_error (error, "ioctl(FIONBIO)");
}

/* Makes a descriptor close at exec. If a process that is started later had a copy of it, the other end would not see
 * the end of the stream. */
static gboolean
set_close_on_exec (int fd, GError **error)
{
  return fcntl (fd, F_SETFD, FD_CLOEXEC) == 0 || ferry_set_system_error (error, "fcntl(FD_CLOEXEC)");
}

/* Takes the descriptors. */
static FerryTransport *
make_transport_for_descriptors (int in_fd, int out_fd, gboolean is_of_pair, GError **error)
{
  g_autoptr (GInputStream) input = NULL;
  g_autoptr (GOutputStream) output = NULL;
  g_autoptr (GIOStream) stream = NULL;

  /* A new stream opens a descriptor for a moment, and GLib ends the program where it cannot. */
  if (!ferry_check_free_fds (1, error))
    {
      close (in_fd);
      if (out_fd != in_fd)
        close (out_fd);
      return NULL;
    }
  /* Each stream closes its descriptor when its last reference is dropped, so also if this function fails. */
  input = g_unix_input_stream_new (in_fd, TRUE);
  output = g_unix_output_stream_new (out_fd, in_fd != out_fd);
  stream = g_simple_io_stream_new (input, output);
  if (!set_close_on_exec (in_fd, error) || !set_close_on_exec (out_fd, error) || !set_nonblocking (out_fd, error))
    return NULL;
  return make_transport (stream, is_of_pair, error);
}

/**
 * ferry_transport_new_for_descriptors:
 * @in_fd: a descriptor to read from
 * @out_fd: a descriptor to write to; the same as @in_fd if that is a socket
 * @error: return location for an error
 *
 * Creates a transport over two descriptors, such as those of two pipes, or over one socket. This function takes over
 * both descriptors even if it fails, and the transport closes them at its end. Processes that are started later do not
 * inherit them. @out_fd becomes non-blocking, also for processes that share it already.
 *
 * For the rest see [ctor@Ferry.Transport.new_for_stream]. Any thread.
 *
 * Returns: (transfer full): the transport, or %NULL with %FERRY_ERROR_SYSTEM
 */
FerryTransport *
ferry_transport_new_for_descriptors (int in_fd, int out_fd, GError **error)
{
  g_return_val_if_fail (in_fd >= 0, NULL);
  g_return_val_if_fail (out_fd >= 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return make_transport_for_descriptors (in_fd, out_fd, FALSE, error);
}

/* ---- a pair ---- */

gboolean
ferry_transport_try_new_pair (FerryTransport **one, FerryTransport **other, GError **error)
{
  g_autoptr (FerryTransport) end = NULL;
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    return ferry_set_system_error (error, "Connecting two ends (socketpair)");
  end = make_transport_for_descriptors (fds[0], fds[0], TRUE, error);
  if (end == NULL)
    {
      close (fds[1]);
      return FALSE;
    }
  *other = make_transport_for_descriptors (fds[1], fds[1], TRUE, error);
  if (*other == NULL)
    return FALSE;
  *one = g_steal_pointer (&end);
  return TRUE;
}

/**
 * ferry_transport_new_pair:
 * @one: (out) (transfer full): return location for one end
 * @other: (out) (transfer full): return location for the other end
 *
 * Creates two ends of a transport in this process, for example for two threads, or for tests. They are the two ends of
 * a pair of sockets, and each receives on a thread of its own. In each direction, up to 1 MiB of messages waits for the
 * receiving end, and what the socket takes. Beyond that, sending fails with %FERRY_ERROR_WOULD_BLOCK. A message may
 * have any size.
 *
 * When one end is closed, the other end first receives the messages that were sent before. Then the other end is closed
 * too, with %FERRY_ERROR_CLOSED.
 *
 * Ends the program if the system has no more descriptors or threads. Any thread.
 */
void
ferry_transport_new_pair (FerryTransport **one, FerryTransport **other)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (one != NULL);
  g_return_if_fail (other != NULL);

  if (!ferry_transport_try_new_pair (one, other, &error))
    g_error ("%s", error->message);
}
