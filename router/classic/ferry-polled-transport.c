/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport over a socket, without threads of its own.
 *
 * It reads and writes when its main context is iterated. A function that waits for the transport iterates that context.
 * For processes that fork later.
 *
 * The transport and its source in the main context share the core. The source holds a reference to the transport only
 * while it delivers the messages of one read. So the transport is closed when the last reference of the program is
 * dropped.
 *
 * A message is written at once, as far as the socket accepts it. The rest is queued, and the source writes it.
 *
 * Owner:   counted references. Messages that were sent before the end are still written while the context is iterated.
 * Threads: any, unless a comment says otherwise. The thread that made the transport iterates the context; any thread
 *          sends.
 * Locks:   lock is taken before all_lock. While lock is held, only system calls that do not block are made.
 * Trust:   received bytes are not trusted. */

#include "config.h"

#include "classic/ferry-polled-transport-private.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-frame-decoder-private.h"

/* How long, in microseconds, messages that were sent before the close may still be written. */
#define LINGER (5 * G_USEC_PER_SEC)

typedef struct
{
  _Atomic gint references;
  GWeakRef transport;
  FerryFrameDecoder decoder;       /* the context's thread */
  GMainContext *context;           /* const: (owned) */
  GThread *thread;                 /* const: (unowned): that iterates it */
  gboolean disowned;               /* set once in a forked child; else const */
  void (*hung_up) (gpointer data); /* the context's thread: (nullable) */
  gpointer hung_up_data;
  GDestroyNotify hung_up_destroy; /* (nullable) */

  pthread_mutex_t lock;
  int fd;          /* lock: fd and all fields down to queue; -1 once it is closed */
  GSource *source; /* (unowned) (nullable): set while fd is open; the source holds a reference to this core */
  gpointer tag;    /* (nullable): the tag of fd in source; NULL after the end of the input */
  FerryFrameQueue queue;
  GList node; /* all_lock: the link in all */
} Core;

typedef struct
{
  GSource source;
  Core *core; /* const: (owned) */
} Source;

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static GQueue all = G_QUEUE_INIT; /* all_lock: (element-type Core) (unowned): the cores with an open socket */

/* ---- the core ---- */

static Core *
core_ref (Core *core)
{
  ferry_ref_count_inc (&core->references);
  return core;
}

static void
core_unref (Core *core)
{
  if (!ferry_ref_count_dec (&core->references))
    return;
  g_assert (core->fd < 0);
  ferry_frame_decoder_clear (&core->decoder);
  g_clear_error (&core->queue.failure);
  g_weak_ref_clear (&core->transport);
  g_main_context_unref (core->context);
  pthread_mutex_destroy (&core->lock);
  g_free (core);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Core, core_unref)

static void
fail_locked (Core *core, const char *why)
{
  if (core->queue.failure == NULL)
    core->queue.failure = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, why);
  ferry_frame_queue_drop (&core->queue);
}

/* Must be called with a reference to core besides the source's. */
static void
close_locked (Core *core)
{
  if (core->fd < 0)
    return;
  fail_locked (core, "The transport was closed at this end; open a new transport");
  pthread_mutex_lock (&all_lock);
  g_queue_unlink (&all, &core->node);
  pthread_mutex_unlock (&all_lock);
  g_source_destroy (core->source);
  core->source = NULL;
  core->tag = NULL;
  ferry_clear_fd (&core->fd);
}

static void
watch_locked (Core *core)
{
  if (core->tag != NULL)
    g_source_modify_unix_fd (core->source, core->tag, G_IO_IN | (core->queue.size > 0 ? G_IO_OUT : 0));
}

/* ---- writing ---- */

/* Writes without blocking, as a FerryFrameWriteFunc. Must be called with the lock held. */
static gsize
write_locked (gpointer data, const GOutputVector *parts, guint n_parts)
{
  Core *core = data;
  struct msghdr message = {.msg_iov = (struct iovec *) parts, .msg_iovlen = n_parts};
  gssize n = TEMP_FAILURE_RETRY (sendmsg (core->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));

  if (n < 0 && errno != EAGAIN)
    {
      fail_locked (core, "The other process accepts no more messages");
      /* The other process must see an end: else it would wait for messages that never come. */
      shutdown (core->fd, SHUT_WR);
    }
  return n > 0 ? (gsize) n : 0;
}

/* Writes as much of the queue as the socket accepts. Returns TRUE if a message was refused and there is room again. */
static gboolean
write_queued_locked (Core *core)
{
  GOutputVector part;
  gboolean room = FALSE;
  gsize n;

  do
    {
      part.buffer = ferry_frame_queue_peek (&core->queue, &part.size);
      n = part.size > 0 ? write_locked (core, &part, 1) : 0;
      room |= ferry_frame_queue_remove (&core->queue, n);
    }
  while (n > 0);
  watch_locked (core);
  if (core->queue.closed && core->queue.size == 0)
    close_locked (core);
  return room;
}

static gboolean
send_message (gpointer data, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  Core *core = data;
  FERRY_AUTO_LOCK (&core->lock);

  if (!ferry_frame_queue_send (&core->queue, (const GOutputVector *) parts, n_parts, FERRY_FRAME_MAX_MESSAGE, error))
    return FALSE;
  watch_locked (core);
  return TRUE;
}

/* ---- reading; the context's thread ---- */

/* Delivers the whole messages that were read. Each is copied, as its handler may iterate the context, which reads
 * into the same buffer. */
static void
hand_over (Core *core)
{
  g_autoptr (FerryTransport) transport = g_weak_ref_get (&core->transport);
  g_autoptr (GError) reason = NULL;
  FerryFrameStatus status = FERRY_FRAME_NONE;
  gconstpointer message;
  gsize size;

  while (transport != NULL && !ferry_transport_get_closed (transport) &&
         (status = ferry_frame_decoder_next (&core->decoder, &message, &size, &reason)) == FERRY_FRAME_MESSAGE)
    {
      g_autofree guint8 *copy = g_memdup2 (message, size);

      ferry_transport_receive (transport, copy, size);
    }
  if (status == FERRY_FRAME_BROKEN)
    ferry_transport_end (transport, reason);
}

/* Called when the other process is gone, so that nothing more can be read or written. */
static void
end_input (Core *core)
{
  g_autoptr (FerryTransport) transport = g_weak_ref_get (&core->transport);
  g_autoptr (GError) reason = ferry_frame_decoder_end (&core->decoder);

  pthread_mutex_lock (&core->lock);
  /* Without this, poll() would report the hang-up again and again. */
  if (core->tag != NULL)
    g_source_remove_unix_fd (core->source, g_steal_pointer (&core->tag));
  fail_locked (core, "The other process has ended; start it again");
  if (core->queue.closed)
    close_locked (core);
  pthread_mutex_unlock (&core->lock);
  if (transport == NULL)
    return;
  /* Threads that wait for room to send wake, and their sends fail. */
  ferry_transport_note_room (transport);
  if (core->hung_up != NULL)
    core->hung_up (core->hung_up_data);
  else
    ferry_transport_end (transport, reason);
}

/* Returns how many bytes were read, 0 at the end of the input, and -1 if the socket is empty. */
static gssize
read_some (Core *core)
{
  guint8 discarded[4096];
  guint8 *room = discarded;
  gsize size = sizeof discarded;
  gboolean closing;
  gssize n = -1;

  pthread_mutex_lock (&core->lock);
  closing = core->queue.closed;
  if (!closing)
    room = ferry_frame_decoder_get_room (&core->decoder, &size);
  if (core->tag != NULL)
    n = TEMP_FAILURE_RETRY (recv (core->fd, room, size, MSG_DONTWAIT));
  /* Any other error means that the other end was closed with unread bytes, so it counts as the end of the input. */
  if (core->tag != NULL && n < 0 && errno != EAGAIN)
    n = 0;
  pthread_mutex_unlock (&core->lock);
  if (n > 0 && !closing)
    {
      ferry_frame_decoder_add (&core->decoder, (gsize) n);
      hand_over (core);
    }
  return n;
}

static void
write_some (Core *core)
{
  gboolean room = FALSE;

  pthread_mutex_lock (&core->lock);
  if (core->fd >= 0)
    room = write_queued_locked (core);
  pthread_mutex_unlock (&core->lock);
  if (room)
    ferry_transport_note_room_of (&core->transport);
}

/* ---- the source ---- */

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  g_autoptr (Core) core = core_ref (((Source *) source)->core);
  gint64 ready_time = g_source_get_ready_time (source);
  GIOCondition condition;

  pthread_mutex_lock (&core->lock);
  condition = core->tag != NULL ? g_source_query_unix_fd (source, core->tag) : 0;
  pthread_mutex_unlock (&core->lock);
  ferry_transport_note_handing_over (1);
  if ((condition & G_IO_OUT) != 0)
    write_some (core);
  if ((condition & (G_IO_IN | G_IO_HUP | G_IO_ERR)) != 0 && read_some (core) == 0)
    end_input (core);
  ferry_transport_note_handing_over (-1);
  if (ready_time >= 0 && ready_time <= g_source_get_time (source))
    {
      FERRY_AUTO_LOCK (&core->lock);
      close_locked (core);
    }
  return G_SOURCE_CONTINUE;
}

static void
finalize_source (GSource *source)
{
  core_unref (((Source *) source)->core);
}

static GSourceFuncs source_funcs = {.dispatch = dispatch, .finalize = finalize_source};

static Core *
core_new (int fd, GMainContext *context)
{
  Core *core = g_new0 (Core, 1);

  atomic_init (&core->references, 2);
  g_weak_ref_init (&core->transport, NULL);
  ferry_frame_decoder_init (&core->decoder, FERRY_FRAME_MAX_MESSAGE);
  pthread_mutex_init (&core->lock, NULL);
  core->fd = fd;
  core->context = g_main_context_ref (context);
  core->thread = g_thread_self ();
  ferry_frame_queue_init (&core->queue, write_locked, core);
  core->source = g_source_new (&source_funcs, sizeof (Source));
  ((Source *) core->source)->core = core;
  g_source_set_static_name (core->source, "[ferry] polled transport");
  core->tag = g_source_add_unix_fd (core->source, fd, G_IO_IN);
  g_source_attach (core->source, context);
  core->node.data = core;
  pthread_mutex_lock (&all_lock);
  g_queue_push_tail_link (&all, &core->node);
  pthread_mutex_unlock (&all_lock);
  /* The context holds another reference, until the source is destroyed. */
  g_source_unref (core->source);
  return core;
}

/* ---- the object ---- */

static void
core_close (gpointer data)
{
  Core *core = data;
  FERRY_AUTO_LOCK (&core->lock);

  core->queue.closed = TRUE;
  if (core->queue.size == 0)
    close_locked (core);
  else if (core->fd >= 0 && g_source_get_ready_time (core->source) < 0)
    g_source_set_ready_time (core->source, g_get_monotonic_time () + LINGER);
}

static void
core_free (gpointer data)
{
  Core *core = data;

  if (core->hung_up_destroy != NULL)
    core->hung_up_destroy (core->hung_up_data);
  core_unref (core);
}

static gboolean
is_flushed (gpointer data)
{
  Core *core = data;
  FERRY_AUTO_LOCK (&core->lock);

  return core->queue.size == 0;
}

static void
flush (gpointer data)
{
  Core *core = data;
  FERRY_AUTO_LOCK (&core->lock);

  while (core->queue.size > 0)
    {
      struct pollfd poll_fd = {.fd = core->fd, .events = POLLOUT};

      TEMP_FAILURE_RETRY (poll (&poll_fd, 1, -1));
      write_queued_locked (core);
    }
}

static GMainContext *
get_context (gpointer data)
{
  Core *core = data;

  return core->thread == g_thread_self () ? core->context : NULL;
}

static gboolean
check_may_iterate (gpointer data, const char *form, GError **error)
{
  Core *core = data;

  if (core->disowned)
    return ferry_set_error (error, FERRY_ERROR_CLOSED,
                            "The transport belongs to the parent of this forked process; use the one that this "
                            "process was given");
  if (ferry_transport_is_handing_over () || ferry_is_in_callback_of (get_context (core)))
    return ferry_set_error (
      error, FERRY_ERROR_BUSY,
      "A callback of the main context cannot wait for a message that this context receives; use %s", form);
  return TRUE;
}

static const FerryCarrierFuncs carrier_funcs = {
  .send = send_message,
  .get_context = get_context,
  .check_may_iterate = check_may_iterate,
  .is_flushed = is_flushed,
  .flush = flush,
  .close = core_close,
  .free = core_free,
};

static Core *
get_core (FerryTransport *self)
{
  return ferry_transport_get_carrier (self, &carrier_funcs);
}

FerryTransport *
ferry_polled_transport_new (int fd)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  Core *core = core_new (fd, context);
  FerryTransport *self = ferry_transport_new_for_carrier (&carrier_funcs, core);

  g_weak_ref_set (&core->transport, self);
  ferry_transport_set_max_answer (self, FERRY_FRAME_MAX_MESSAGE);
  /* Sends the greeting. If that fails, the source ends the transport when it is dispatched. */
  send_message (core, NULL, 0, NULL, NULL);
  return self;
}

void
ferry_polled_transport_set_hang_up_func (FerryTransport *self, void (*func) (gpointer data), gpointer data,
                                         GDestroyNotify destroy)
{
  Core *core = get_core (self);

  core->hung_up = func;
  core->hung_up_data = data;
  core->hung_up_destroy = destroy;
}

void
ferry_polled_transport_drain (FerryTransport *self)
{
  g_autoptr (Core) core = core_ref (get_core (self));
  gssize n = 1;
  int left = 0;

  pthread_mutex_lock (&core->lock);
  if (core->fd >= 0)
    ioctl (core->fd, FIONREAD, &left);
  pthread_mutex_unlock (&core->lock);
  ferry_transport_note_handing_over (1);
  for (; left > 0 && n > 0; left -= (int) n)
    n = read_some (core);
  ferry_transport_note_handing_over (-1);
}

void
ferry_polled_transport_disown_all (void)
{
  GList *next;

  for (GList *node = all.head; node != NULL; node = next)
    {
      g_autoptr (Core) core = core_ref (node->data);

      next = node->next;
      core->disowned = TRUE;
      pthread_mutex_lock (&core->lock);
      fail_locked (core, "The transport belongs to the parent of this forked process");
      close_locked (core);
      pthread_mutex_unlock (&core->lock);
    }
}
