/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport over a stream of bytes: over a socket or two pipes, and a pair of such in one process.
 *
 * The transport and its two threads share the core. The reader is a thread that splits what it reads into messages and
 * delivers them. The reader also starts and joins the writer, the other thread. Both have weak references only. So the
 * transport is closed when the last reference of the program is dropped.
 *
 * Sending a message: if the queue is empty, the sending thread writes as much as the descriptor accepts at once. The
 * rest is copied into the queue, and the writer writes it. All writes are made with the lock held, and none blocks.
 *
 * Closing: ferry_stream_transport_close() runs on any thread and does not wait. It sets a flag, makes the writer
 *          finish, and wakes the reader. The reader then lingers for at most LINGER, until all sent messages are
 *          written, or without limit where the other end is in this process. It discards bytes that still arrive: if a
 *          socket is closed with unread bytes, the kernel drops what the other end has not read yet. Then the reader
 *          closes the descriptors.
 *
 * Owner:   counted references: one of the transport and one of the reader.
 * Threads: any, unless a comment says otherwise.
 * Trust:   received bytes are not trusted. */

#include "config.h"

#include "call/ferry-transport-private.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-wake-private.h"
#include "link/ferry-orphan-private.h"
#include "wire/ferry-frame-decoder-private.h"
#include "wire/ferry-remote-error-private.h"

/* How long messages that were sent before the close may still be written, in microseconds. */
#define LINGER (5 * G_USEC_PER_SEC)

/* The parts of a message of at most this many bytes are copied into one buffer first: one part is written faster
 * than several. */
#define SMALL_MESSAGE 4096

#define FERRY_TYPE_STREAM_TRANSPORT (ferry_stream_transport_get_type ())
G_DECLARE_FINAL_TYPE (FerryStreamTransport, ferry_stream_transport, FERRY, STREAM_TRANSPORT, FerryTransport)

typedef struct
{
  _Atomic gint references;
  FerryWeak *transport;  /* const: (owned) */
  gboolean in_is_socket; /* const, as the next three */
  gboolean out_is_socket;
  gboolean is_local;         /* it is one AF_UNIX socket, over which another can be passed */
  gboolean is_of_pair;       /* the other end is in this process */
  int in_fd;                 /* const until release(): (owned): used by the reader */
  FerryFrameDecoder decoder; /* used by the reader */
  gboolean input_over;       /* used by the reader: the input has ended */
  _Atomic gboolean closed;
  _Atomic guint32 max_message;
  GThread *writer; /* used by the reader */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  FerryFrameQueue queue; /* lock, also the next fields. Only the writer removes bytes */
  int out_fd;            /* (owned): may be in_fd; -1 once all is written */
  int passing;           /* (owned): a socket that goes to the other end with the next bytes, or -1 */
  gboolean done;         /* the writer has ended */
  int reader_doorbell;   /* (owned): the transport is closed, writing has failed, or the writer has ended */
  int writer_doorbell;   /* (owned): the writer is to write no more */
} Core;

struct _FerryStreamTransport
{
  FerryTransport parent_instance;
  Core *core; /* const: (owned), once constructed */
};

G_DEFINE_FINAL_TYPE (FerryStreamTransport, ferry_stream_transport, FERRY_TYPE_TRANSPORT)

/* ---- the core ---- */

/* Closes the descriptors. */
static void
close_all_locked (Core *core)
{
  if (core->out_fd == core->in_fd)
    core->out_fd = -1;
  ferry_clear_fd (&core->in_fd);
  ferry_clear_fd (&core->out_fd);
  ferry_clear_fd (&core->passing);
  ferry_clear_fd (&core->reader_doorbell);
  ferry_clear_fd (&core->writer_doorbell);
}

static void
core_unref (Core *core)
{
  if (!ferry_ref_count_dec (&core->references))
    return;
  g_assert (core->writer == NULL);
  close_all_locked (core);
  ferry_frame_decoder_clear (&core->decoder);
  ferry_frame_queue_drop (&core->queue);
  g_clear_error (&core->queue.failure);
  pthread_cond_destroy (&core->changed);
  pthread_mutex_destroy (&core->lock);
  ferry_weak_unref (core->transport);
  g_free (core);
}

static gboolean
is_closed (Core *core)
{
  /* Relaxed: if this is read too early, one more message is delivered to a transport that drops it. */
  return atomic_load_explicit (&core->closed, memory_order_relaxed);
}

/* Doorbells are there as long as the reader runs. */
static void
ring_locked (int doorbell)
{
  if (doorbell >= 0)
    ferry_doorbell_ring (doorbell);
}

/* Waits until a descriptor is ready for events (poll()'s) or the doorbell rings. Returns whether it is ready. */
static gboolean
wait_for (int fd, short events, int doorbell)
{
  struct pollfd fds[] = {{.fd = fd, .events = events}, {.fd = doorbell, .events = POLLIN}};

  TEMP_FAILURE_RETRY (poll (fds, G_N_ELEMENTS (fds), -1));
  return fds[0].revents != 0;
}

/* ---- the sending threads ---- */

/* Sets the failure, and wakes both threads. */
static void
fail_locked (Core *core, int code)
{
  if (core->queue.failure == NULL)
    core->queue.failure = g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                                       "Writing to the stream failed: %s; open a new stream", g_strerror (code));
  pthread_cond_signal (&core->changed);
  ring_locked (core->reader_doorbell);
}

/* Writes to a socket. Does not block even if another process has made the socket blocking, as one can that has a copy
 * of the descriptor. */
static gssize
send_locked (Core *core, const GOutputVector *parts, guint n_parts)
{
  union
  {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr header;
  } rights = {.header = {CMSG_LEN (sizeof (int)), SOL_SOCKET, SCM_RIGHTS}};
  struct msghdr message = {.msg_iov = (struct iovec *) parts, .msg_iovlen = n_parts};
  gssize n;

  if (G_UNLIKELY (core->passing >= 0))
    {
      memcpy (CMSG_DATA (&rights.header), &core->passing, sizeof (int));
      message.msg_control = rights.bytes;
      message.msg_controllen = sizeof rights.bytes;
    }
  n = TEMP_FAILURE_RETRY (sendmsg (core->out_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
  if (n > 0)
    ferry_clear_fd (&core->passing);
  return n;
}

G_STATIC_ASSERT (sizeof (GOutputVector) == sizeof (struct iovec));
G_STATIC_ASSERT (offsetof (GOutputVector, buffer) == offsetof (struct iovec, iov_base));
G_STATIC_ASSERT (offsetof (GOutputVector, size) == offsetof (struct iovec, iov_len));

/* Writes without blocking, as a FerryFrameWriteFunc. */
static gsize
write_locked (gpointer data, const GOutputVector *parts, guint n_parts)
{
  Core *core = data;
  guint8 whole[SMALL_MESSAGE];
  GOutputVector vector = {whole, 0};
  gsize size = 0;
  gssize n;

  for (guint i = 0; i < n_parts; i++)
    size += parts[i].size;
  if (n_parts > 1 && size <= sizeof whole)
    {
      for (guint i = 0; i < n_parts; vector.size += parts[i++].size)
        memcpy (whole + vector.size, parts[i].buffer, parts[i].size);
      parts = &vector;
      n_parts = 1;
    }
  n = core->out_is_socket ? send_locked (core, parts, n_parts)
                          : ferry_write_without_signal (core->out_fd, (const struct iovec *) parts, (int) n_parts);
  if (n < 0 && errno != EAGAIN)
    fail_locked (core, errno);
  return (gsize) MAX (n, 0);
}

static gboolean
send_message (Core *core, const GOutputVector *parts, guint n_parts, GError **error)
{
  guint32 max_message = atomic_load_explicit (&core->max_message, memory_order_relaxed);
  gboolean sent;
  FERRY_AUTO_LOCK (&core->lock);

  sent = ferry_frame_queue_send (&core->queue, parts, n_parts, max_message, error);
  if (core->queue.size > 0)
    pthread_cond_signal (&core->changed);
  return sent;
}

/* ---- the writer ---- */

static void
note_room (Core *core)
{
  FERRY_USE_WEAK (FerryTransport, transport, core->transport);

  if (transport != NULL)
    ferry_transport_note_room (transport);
}

/* Waits for bytes, and writes what the descriptor accepts of them. Sets n_written. Returns FALSE when no more are to
 * be written. */
static gboolean
write_some (Core *core, gsize *n_written)
{
  GOutputVector vector;
  gboolean is_open;
  gboolean has_room = FALSE;

  pthread_mutex_lock (&core->lock);
  while (core->queue.size == 0 && !core->queue.closed && core->queue.failure == NULL)
    pthread_cond_wait (&core->changed, &core->lock);
  is_open = core->queue.size > 0 && core->queue.failure == NULL;
  if (is_open)
    {
      vector.buffer = ferry_frame_queue_peek (&core->queue, &vector.size);
      *n_written = write_locked (core, &vector, 1);
      has_room = ferry_frame_queue_remove (&core->queue, *n_written);
      is_open = core->queue.failure == NULL;
    }
  pthread_mutex_unlock (&core->lock);
  if (has_room)
    note_room (core);
  return is_open;
}

/* Notifies the other end that no more bytes follow, if it can see that. */
static void
end_writing (Core *core)
{
  FERRY_AUTO_LOCK (&core->lock);

  /* The socket may be read too. */
  if (core->out_is_socket)
    shutdown (core->out_fd, SHUT_WR);
  if (core->out_fd != core->in_fd)
    ferry_clear_fd (&core->out_fd);
  core->done = TRUE;
  ring_locked (core->reader_doorbell);
}

static gpointer
write_all (gpointer data)
{
  Core *core = data;
  gsize n_written = 0;

  while (write_some (core, &n_written) && (n_written > 0 || wait_for (core->out_fd, POLLOUT, core->writer_doorbell)))
    ;
  /* Also after a failure: no other thread writes any more. */
  end_writing (core);
  return NULL;
}

static void
finish_writing_locked (Core *core)
{
  core->queue.closed = TRUE;
  pthread_cond_signal (&core->changed);
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

/* Reads what has come, as read(). Of a socket, takes what is passed with the bytes. */
static gssize
read_bytes (Core *core, guint8 *room, gsize size, GError **error)
{
  union
  {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr header;
  } rights;
  struct iovec vector = {room, size};
  /* Without the padding, where the kernel would store a second descriptor. */
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = CMSG_LEN (sizeof (int))};
  gssize n;

  if (!core->in_is_socket)
    return TEMP_FAILURE_RETRY (read (core->in_fd, room, size));
  n = TEMP_FAILURE_RETRY (recvmsg (core->in_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (n > 0 && core->is_local && !take_passed (core, &message, error))
    return 0;
  return n;
}

/* Returns (transfer full) (nullable) why nothing can be sent any more. */
static GError *
dup_failure (Core *core)
{
  FERRY_AUTO_LOCK (&core->lock);

  return core->queue.failure != NULL ? ferry_error_copy (core->queue.failure) : NULL;
}

/* Reads once, and delivers messages. Sets n_read. Returns FALSE at the end: with reason set, or without it if this end
 * closed the transport. */
static gboolean
read_some (Core *core, gssize *n_read, GError **reason)
{
  gsize size;
  guint8 *room = ferry_frame_decoder_get_room (&core->decoder, &size);
  gssize n = read_bytes (core, room, size, reason);

  *n_read = n;
  if (*reason != NULL)
    return FALSE;
  if (n > 0)
    {
      ferry_frame_decoder_add (&core->decoder, (gsize) n);
      return hand_over (core, reason);
    }
  if (n < 0 && errno == EAGAIN)
    return TRUE;
  core->input_over = TRUE;
  if (n == 0 || errno == ECONNRESET)
    *reason = ferry_frame_decoder_end (&core->decoder);
  else
    ferry_set_error (reason, FERRY_ERROR_CLOSED, "Reading from the stream failed: %s; open a new stream",
                     g_strerror (errno));
  return FALSE;
}

/* Reads and delivers messages until the end. Returns (transfer full) (nullable) the reason of the end, or NULL if
 * this end closed the transport. Once writing has failed, reads only what the other end has sent before. */
static GError *
read_until_end (Core *core)
{
  GError *reason = NULL;
  gssize n_read = 1;

  while (!is_closed (core))
    {
      /* A socket is read before it is waited for: then there is one system call for each message. */
      if ((!core->in_is_socket || n_read <= 0) && !wait_for (core->in_fd, POLLIN, core->reader_doorbell))
        return dup_failure (core);
      if (!read_some (core, &n_read, &reason))
        break;
    }
  return reason;
}

/* ---- the end, on the reader's thread ---- */

static gboolean
is_writing_done (Core *core)
{
  FERRY_AUTO_LOCK (&core->lock);

  return core->done;
}

static void
discard_input (Core *core)
{
  guint8 discarded[4096];
  gssize n = TEMP_FAILURE_RETRY (core->in_is_socket ? recv (core->in_fd, discarded, sizeof discarded, MSG_DONTWAIT)
                                                    : read (core->in_fd, discarded, sizeof discarded));

  core->input_over = n == 0 || (n < 0 && errno != EAGAIN);
}

/* Waits until all sent messages and the end of the stream are written, and the other end has closed. Also ends when the
 * time to linger is over. No ring is lost: the writer sets done and then rings, and here the doorbell is read before
 * done. */
static void
linger (Core *core)
{
  gint64 deadline = core->is_of_pair ? G_MAXINT64 : ferry_deadline_after (LINGER);
  gint64 now;

  while ((!is_writing_done (core) || !core->input_over) && (now = g_get_monotonic_time ()) < deadline)
    {
      struct pollfd fds[] = {{.fd = core->input_over ? -1 : core->in_fd, .events = POLLIN},
                             {.fd = core->reader_doorbell, .events = POLLIN}};

      if (poll (fds, G_N_ELEMENTS (fds),
                deadline == G_MAXINT64 ? -1 : (int) ((deadline - now) / FERRY_MICROSECONDS_PER_MILLISECOND + 1)) <= 0)
        continue;
      if (fds[1].revents != 0)
        ferry_doorbell_hear (core->reader_doorbell);
      if (fds[0].revents != 0)
        discard_input (core);
    }
}

/* Ends the writer. Frees the descriptors and the buffer, as the program may keep a reference to a closed transport. */
static void
release (Core *core)
{
  pthread_mutex_lock (&core->lock);
  ferry_frame_queue_drop (&core->queue);
  finish_writing_locked (core);
  ring_locked (core->writer_doorbell);
  pthread_mutex_unlock (&core->lock);
  if (core->writer != NULL)
    g_thread_join (g_steal_pointer (&core->writer));
  ferry_frame_decoder_clear (&core->decoder);
  pthread_mutex_lock (&core->lock);
  close_all_locked (core);
  pthread_mutex_unlock (&core->lock);
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

  core->writer = ferry_thread_try_new ("ferry-writer", "writing", write_all, core, &reason);
  if (core->writer != NULL)
    reason = read_until_end (core);
  stop_receiving (core, reason);
  if (core->writer != NULL)
    {
      pthread_mutex_lock (&core->lock);
      finish_writing_locked (core);
      pthread_mutex_unlock (&core->lock);
      linger (core);
    }
  release (core);
  core_unref (core);
  return NULL;
}

/* ---- the object ---- */

/* Whether a descriptor is a socket, and if so, of which family and type. */
static gboolean
is_socket (int fd, int *family, int *type)
{
  socklen_t size = sizeof *type;

  return getsockopt (fd, SOL_SOCKET, SO_TYPE, type, &size) == 0 &&
         getsockopt (fd, SOL_SOCKET, SO_DOMAIN, family, &size) == 0;
}

/* By default, TCP holds a small message back until what was sent before is acknowledged, which takes up to 40 ms: a
 * cancel, or a window. Other sockets refuse the option. */
static void
send_at_once (int fd)
{
  const int on = 1;

  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Takes the descriptors. */
static Core *
core_new (int in_fd, int out_fd, gboolean is_of_pair, FerryTransport *transport)
{
  Core *core = g_new0 (Core, 1);
  int family = 0;
  int type = 0;

  atomic_init (&core->references, 1);
  core->transport = ferry_weak_ref (ferry_transport_get_weak (transport));
  core->in_fd = in_fd;
  core->out_fd = out_fd;
  core->passing = -1;
  core->is_of_pair = is_of_pair;
  core->in_is_socket = is_socket (in_fd, &family, &type);
  core->out_is_socket = is_socket (out_fd, &family, &type);
  core->is_local = in_fd == out_fd && core->out_is_socket && family == AF_UNIX && type == SOCK_STREAM;
  core->reader_doorbell = -1;
  core->writer_doorbell = -1;
  pthread_mutex_init (&core->lock, NULL);
  pthread_cond_init (&core->changed, NULL);
  ferry_frame_queue_init (&core->queue, write_locked, core);
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
  FERRY_AUTO_LOCK (&core->lock);

  atomic_store_explicit (&core->closed, TRUE, memory_order_relaxed);
  finish_writing_locked (core);
  ring_locked (core->reader_doorbell);
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
make_transport (int in_fd, int out_fd, gboolean is_of_pair, GError **error)
{
  g_autoptr (FerryStreamTransport) self = g_object_new (FERRY_TYPE_STREAM_TRANSPORT, NULL);
  g_autoptr (GThread) thread = NULL;

  self->core = core_new (in_fd, out_fd, is_of_pair, FERRY_TRANSPORT (self));
  if (!set_close_on_exec (in_fd, error) || !set_close_on_exec (out_fd, error) || !set_nonblocking (out_fd, error) ||
      (self->core->reader_doorbell = ferry_doorbell_new (error)) < 0 ||
      (self->core->writer_doorbell = ferry_doorbell_new (error)) < 0)
    return NULL;
  send_at_once (out_fd);
  if (self->core->is_local)
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
 * ferry_transport_new_for_descriptors:
 * @in_fd: a descriptor to read from
 * @out_fd: a descriptor to write to; the same as @in_fd if that is a socket
 * @error: return location for an error
 *
 * Creates a transport over two descriptors, such as those of two pipes, or over one socket. The other end must be a
 * transport of this kind too. This function takes over both descriptors even if it fails, and the transport closes them
 * at its end. Processes that are started later do not inherit them. @out_fd becomes non-blocking, also for processes
 * that share it already.
 *
 * The transport keeps up to 1 MiB of messages that @out_fd has not accepted yet. Beyond that, sending fails with
 * %FERRY_ERROR_WOULD_BLOCK.
 *
 * A request or an answer has at most 64 MiB. The property `max-message-size` (of type #guint) sets another limit in
 * bytes, for received and for sent messages. Both ends must set it, before a larger message is sent. A request beyond
 * the limit fails with %FERRY_ERROR_TOO_LARGE. If an answer is beyond the limit, its call fails with that error.
 *
 * Messages that were sent before the transport is closed are still written in the background, for at most five seconds.
 * When the stream of bytes ends, the transport closes with %FERRY_ERROR_CLOSED, or with %FERRY_ERROR_PROTOCOL if it
 * ends inside a message. If the versions of the two ends do not fit together, it closes with %FERRY_ERROR_VERSION.
 *
 * A thread of the transport receives messages. Any thread may call this.
 *
 * Returns: (transfer full): the transport, or %NULL with %FERRY_ERROR_SYSTEM
 */
FerryTransport *
ferry_transport_new_for_descriptors (int in_fd, int out_fd, GError **error)
{
  g_return_val_if_fail (in_fd >= 0, NULL);
  g_return_val_if_fail (out_fd >= 0, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return make_transport (in_fd, out_fd, FALSE, error);
}

/* ---- a pair ---- */

gboolean
ferry_transport_try_new_pair (FerryTransport **one, FerryTransport **other, GError **error)
{
  g_autoptr (FerryTransport) end = NULL;
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    return ferry_set_system_error (error, "Connecting two ends (socketpair)");
  end = make_transport (fds[0], fds[0], TRUE, error);
  if (end == NULL)
    {
      close (fds[1]);
      return FALSE;
    }
  *other = make_transport (fds[1], fds[1], TRUE, error);
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
