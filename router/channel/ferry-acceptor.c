/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An acceptor: its thread, the hellos that it hears, and the seats of those whom it has let in. What it is, its threads
 * and its locks are in the header. */

#include "config.h"

#include "channel/ferry-acceptor-private.h"

#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "base/ferry-base-private.h"
#include "base/ferry-cond-private.h"
#include "base/ferry-thread-private.h"
#include "call/ferry-transport-private.h"
#include "channel/ferry-hello-private.h"

/* At once; the oldest one is sent away for a further one. */
#define MAX_HELLOS 64
/* How long a hello waits for a seat that is about to be free. */
#define LINE_TIME G_USEC_PER_SEC
/* How long nobody is let in when there are no descriptors. */
#define DEAF_TIME (G_USEC_PER_SEC / 10)
/* Foreign users are logged that often at the most. */
#define LOG_INTERVAL (60 * G_USEC_PER_SEC)
#define DEFAULT_HELLO_TIME (5 * G_USEC_PER_SEC)
/* What an application that is let in needs: a seat's, and its transport's. */
#define N_FDS 4

/* Somebody at the door. */
typedef struct
{
  int fd; /* (owned) */
  pid_t pid;
  gint64 deadline; /* monotonic, in microseconds: for the rest of the hello, or for a seat */
  guint8 bytes[FERRY_HELLO_SIZE];
  gsize n_bytes;
} Hello;

/* Of an application that is attached. A seat is its transport's, and goes with its end, on whatever thread that is. */
typedef struct
{
  FerryAcceptor *acceptor; /* const: (owned) */
  int fd;                  /* const: (owned): of the same socket, to look whether its application has hung up */
  pid_t pid;               /* const: of the application */
} Seat;

static FerryAcceptor *
ref (FerryAcceptor *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

/* ---- seats: one for each application that is attached ---- */

static void
tell (FerryAcceptor *self)
{
  GSource *source = NULL;

  pthread_mutex_lock (&self->lock);
  pthread_cond_broadcast (&self->changed);
  if (self->context != NULL && !self->telling)
    {
      self->telling = TRUE;
      source = g_idle_source_new ();
      g_source_set_priority (source, G_PRIORITY_DEFAULT);
      g_source_set_callback (source, self->news, ref (self), (GDestroyNotify) ferry_acceptor_unref);
      g_source_attach (source, self->context);
    }
  pthread_mutex_unlock (&self->lock);
  g_clear_pointer (&source, g_source_unref);
}

/* any: the end of the transport. */
static void
leave_seat (gpointer data)
{
  Seat *seat = data;
  FerryAcceptor *acceptor = seat->acceptor;

  pthread_mutex_lock (&acceptor->lock);
  g_ptr_array_remove_fast (acceptor->seats, seat);
  pthread_mutex_unlock (&acceptor->lock);
  ferry_clear_fd (&seat->fd);
  g_free (seat);
  tell (acceptor);
  ferry_acceptor_wake (acceptor);
  ferry_acceptor_unref (acceptor);
}

static gboolean
has_seat_locked (FerryAcceptor *self)
{
  return self->seats->len < self->max_attached;
}

static gboolean
has_hung_up (const Seat *seat)
{
  struct pollfd look = {.fd = seat->fd, .events = POLLRDHUP};

  return poll (&look, 1, 0) > 0;
}

/* Whether a seat is about to be free for the process that hellos. */
static gboolean
may_have_seat_soon (FerryAcceptor *self, pid_t pid)
{
  gboolean may;

  pthread_mutex_lock (&self->lock);
  may = has_seat_locked (self);
  for (guint i = 0; i < self->seats->len && !may; i++)
    {
      const Seat *seat = self->seats->pdata[i];

      may = seat->pid == pid || has_hung_up (seat);
    }
  pthread_mutex_unlock (&self->lock);
  return may;
}

static FerryTransport *
make_transport (int *fd, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (*fd, error);
  g_autoptr (GSocketConnection) connection = NULL;

  if (socket == NULL)
    return NULL;
  /* It is the socket's now. */
  *fd = -1;
  connection = g_socket_connection_factory_create_connection (socket);
  return ferry_transport_new_for_stream (G_IO_STREAM (connection), error);
}

/* Those who have left before anybody took them make room for those who come. */
static void
arrive_locked (FerryAcceptor *self, FerryTransport *transport, GQueue *left)
{
  for (GList *l = self->arrived.head, *next; l != NULL; l = next)
    {
      next = l->next;
      if (!ferry_transport_get_closed (l->data))
        continue;
      g_queue_push_tail (left, l->data);
      g_queue_delete_link (&self->arrived, l);
    }
  g_queue_push_tail (self->stopped ? left : &self->arrived, g_object_ref (transport));
}

/* thread: says welcome, and lets in. Takes the socket. There is a seat. */
static void
let_in (FerryAcceptor *self, int fd, pid_t pid)
{
  ferry_autofd socket = fd;
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (GError) error = NULL;
  GQueue left = G_QUEUE_INIT;
  Seat *seat;

  if (!ferry_check_free_fds (N_FDS, &error))
    {
      g_debug ("Process %d could not be attached: %s", (int) pid, error->message);
      ferry_hello_send_answer (socket, FERRY_HELLO_BUSY, "it has no descriptors left; try again when it has some");
      return;
    }
  /* The seat first: whoever has been welcomed counts. */
  seat = g_new (Seat, 1);
  *seat = (Seat){ref (self), fcntl (socket, F_DUPFD_CLOEXEC, 0), pid};
  pthread_mutex_lock (&self->lock);
  g_ptr_array_add (self->seats, seat);
  pthread_mutex_unlock (&self->lock);
  if (ferry_hello_send_answer (socket, FERRY_HELLO_WELCOME, ""))
    transport = make_transport (&socket, &error);
  if (transport == NULL)
    {
      g_debug ("Process %d could not be attached: %s", (int) pid, error != NULL ? error->message : "it has left");
      leave_seat (seat);
      return;
    }
  ferry_transport_set_end_func (transport, leave_seat, seat);
  pthread_mutex_lock (&self->lock);
  arrive_locked (self, transport, &left);
  pthread_mutex_unlock (&self->lock);
  g_queue_clear_full (&left, g_object_unref);
  tell (self);
}

/* ---- who hellos ---- */

static void
hello_free (gpointer data)
{
  Hello *self = data;

  ferry_clear_fd (&self->fd);
  g_free (self);
}

static gboolean
is_allowed (FerryAcceptor *self, uid_t user)
{
  gboolean allowed = user == geteuid ();

  pthread_mutex_lock (&self->lock);
  for (guint i = 0; i < self->users->len && !allowed; i++)
    allowed = g_array_index (self->users, uid_t, i) == user;
  pthread_mutex_unlock (&self->lock);
  return allowed;
}

/* Anybody can come as often as they like, so not each time is logged. */
static void
log_foreign (FerryAcceptor *self, const struct ucred *peer)
{
  gint64 now = g_get_monotonic_time ();

  self->n_unlogged++;
  if (self->logged_at > 0 && now - self->logged_at < LOG_INTERVAL)
    return;
  g_message ("User %u, who is not allowed to, tried to attach to “%s” (process %d); %u times since this was last told",
             (guint) peer->uid, self->binding->address.text, (int) peer->pid, self->n_unlogged);
  self->logged_at = now;
  self->n_unlogged = 0;
}

static void
hear (FerryAcceptor *self, int fd)
{
  ferry_autofd socket = fd;
  struct ucred peer;
  Hello *hello;

  if (!ferry_address_get_peer (socket, &peer, NULL))
    return;
  if (!is_allowed (self, peer.uid))
    {
      log_foreign (self, &peer);
      ferry_hello_send_answer (socket, FERRY_HELLO_NOT_ALLOWED, "it belongs to another user");
      return;
    }
  if (self->hellos->len >= MAX_HELLOS)
    {
      hello = self->hellos->pdata[0];
      ferry_hello_send_answer (hello->fd, FERRY_HELLO_BUSY, "too many wait to be let in");
      g_ptr_array_remove_index (self->hellos, 0);
    }
  hello = g_new0 (Hello, 1);
  hello->fd = ferry_steal_fd (&socket);
  hello->pid = peer.pid;
  pthread_mutex_lock (&self->lock);
  hello->deadline = ferry_time_add (g_get_monotonic_time (), self->hello_time);
  pthread_mutex_unlock (&self->lock);
  g_ptr_array_add (self->hellos, hello);
}

/* Not for ever: others are to be served in between. */
static void
hear_all (FerryAcceptor *self)
{
  for (guint i = 0; i < MAX_HELLOS; i++)
    {
      int fd = accept4 (self->binding->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

      if (fd >= 0)
        hear (self, fd);
      else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
        self->deaf_until = g_get_monotonic_time () + DEAF_TIME;
      if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
        return;
    }
}

/* ---- what is done with a hello; each returns whether that was all ---- */

static gboolean
refuse_busy (FerryAcceptor *self, Hello *hello)
{
  ferry_hello_send_answer (hello->fd, FERRY_HELLO_BUSY,
                           "it has as many applications as it takes at once; try again when one has left");
  return TRUE;
}

static gboolean
find_seat (FerryAcceptor *self, Hello *hello)
{
  gboolean free_seat;

  pthread_mutex_lock (&self->lock);
  free_seat = has_seat_locked (self);
  pthread_mutex_unlock (&self->lock);
  if (free_seat)
    {
      let_in (self, ferry_steal_fd (&hello->fd), hello->pid);
      return TRUE;
    }
  if (hello->deadline > g_get_monotonic_time () && may_have_seat_soon (self, hello->pid))
    return FALSE;
  return refuse_busy (self, hello);
}

static gboolean
read_hello (FerryAcceptor *self, Hello *hello)
{
  gssize n = recv (hello->fd, hello->bytes + hello->n_bytes, sizeof hello->bytes - hello->n_bytes, MSG_DONTWAIT);
  FerryHelloStatus status;

  if (n <= 0)
    return n == 0 || (errno != EAGAIN && errno != EINTR) || hello->deadline <= g_get_monotonic_time ();
  hello->n_bytes += (gsize) n;
  if (hello->n_bytes < sizeof hello->bytes)
    return FALSE;
  if (!ferry_hello_read (hello->bytes, &status))
    {
      g_debug ("What process %d said at the address was no greeting", (int) hello->pid);
      return TRUE;
    }
  if (status != FERRY_HELLO_WELCOME)
    {
      ferry_hello_send_answer (hello->fd, status,
                               "it speaks version " G_STRINGIFY (FERRY_HELLO_VERSION) " of the protocol; use the same "
                                                                                      "release of Ferry at both ends");
      return TRUE;
    }
  hello->deadline = g_get_monotonic_time () + LINE_TIME;
  return find_seat (self, hello);
}

static gboolean
has_gone (const Hello *hello)
{
  struct pollfd look = {.fd = hello->fd, .events = POLLRDHUP};

  return poll (&look, 1, 0) > 0;
}

static gboolean
serve (FerryAcceptor *self, Hello *hello)
{
  if (hello->n_bytes < sizeof hello->bytes)
    return read_hello (self, hello);
  return has_gone (hello) || find_seat (self, hello);
}

static void
serve_all (FerryAcceptor *self)
{
  guint i = 0;

  while (i < self->hellos->len)
    if (serve (self, self->hellos->pdata[i]))
      g_ptr_array_remove_index (self->hellos, i);
    else
      i++;
}

/* ---- the thread ---- */

static int
get_poll_timeout (FerryAcceptor *self, gint64 now)
{
  gint64 next = self->deaf_until > now ? self->deaf_until : G_MAXINT64;

  for (guint i = 0; i < self->hellos->len; i++)
    next = MIN (next, ((Hello *) self->hellos->pdata[i])->deadline);
  if (next == G_MAXINT64)
    return -1;
  /* Up, so that it does not wake for nothing just before. */
  return (int) CLAMP ((next - now) / FERRY_MICROSECONDS_PER_MILLISECOND + 1, 0, G_MAXINT);
}

static gboolean
wait_for_something (FerryAcceptor *self)
{
  struct pollfd fds[2 + MAX_HELLOS] = {{.fd = self->wake_fd, .events = POLLIN}, {.events = POLLIN}};
  gint64 now = g_get_monotonic_time ();
  guint64 count;
  gboolean stopped;

  fds[1].fd = self->deaf_until > now ? -1 : self->binding->fd;
  for (guint i = 0; i < self->hellos->len; i++)
    {
      const Hello *hello = self->hellos->pdata[i];

      fds[2 + i] = (struct pollfd){hello->fd, hello->n_bytes < sizeof hello->bytes ? POLLIN : POLLRDHUP, 0};
    }
  poll (fds, 2 + self->hellos->len, get_poll_timeout (self, now));
  if (read (self->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
    g_warning ("Reading an eventfd failed: %s", g_strerror (errno));
  pthread_mutex_lock (&self->lock);
  stopped = self->stopped;
  pthread_mutex_unlock (&self->lock);
  return !stopped;
}

static gpointer
acceptor_main (gpointer data)
{
  FerryAcceptor *self = data;

  while (wait_for_something (self))
    {
      serve_all (self);
      if (self->deaf_until <= g_get_monotonic_time ())
        hear_all (self);
    }
  g_ptr_array_set_size (self->hellos, 0);
  ferry_acceptor_unref (self);
  return NULL;
}

void
ferry_acceptor_wake (FerryAcceptor *self)
{
  guint64 one = 1;

  if (write (self->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
    g_warning ("Writing to an eventfd failed: %s", g_strerror (errno));
}

static gboolean
start_starting (FerryAcceptor *self, GError **error)
{
  self->thread = ferry_thread_try_new ("ferry-acceptor", "listening", acceptor_main, ref (self), error);
  if (self->thread != NULL)
    return TRUE;
  ferry_acceptor_unref (self);
  return FALSE;
}

gboolean
ferry_acceptor_start (FerryAcceptor *self, GError **error)
{
  gboolean running;

  pthread_mutex_lock (&self->starting);
  /* Without an address it was stopped. */
  running = self->thread != NULL || self->binding == NULL || start_starting (self, error);
  pthread_mutex_unlock (&self->starting);
  return running;
}

void
ferry_acceptor_stop (FerryAcceptor *self)
{
  GQueue left;

  pthread_mutex_lock (&self->starting);
  pthread_mutex_lock (&self->lock);
  self->stopped = TRUE;
  g_clear_pointer (&self->context, g_main_context_unref);
  left = self->arrived;
  g_queue_init (&self->arrived);
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
  ferry_acceptor_wake (self);
  if (self->thread != NULL)
    g_thread_join (g_steal_pointer (&self->thread));
  g_clear_pointer (&self->binding, ferry_binding_free);
  pthread_mutex_unlock (&self->starting);
  g_queue_clear_full (&left, g_object_unref);
}

FerryTransport *
ferry_acceptor_take_locked (FerryAcceptor *self)
{
  FerryTransport *transport;

  while ((transport = g_queue_pop_head (&self->arrived)) != NULL && ferry_transport_get_closed (transport))
    g_object_unref (transport);
  return transport;
}

/* ---- the object ---- */

FerryAcceptor *
ferry_acceptor_new (FerryBinding *binding, GError **error)
{
  FerryAcceptor *self;
  int wake_fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);

  if (wake_fd < 0)
    {
      ferry_set_system_error (error, "eventfd()");
      ferry_binding_free (binding);
      return NULL;
    }
  self = g_new0 (FerryAcceptor, 1);
  atomic_init (&self->references, 1);
  self->binding = binding;
  self->wake_fd = wake_fd;
  pthread_mutex_init (&self->starting, NULL);
  pthread_mutex_init (&self->lock, NULL);
  ferry_cond_init (&self->changed);
  g_queue_init (&self->arrived);
  g_weak_ref_init (&self->listener, NULL);
  self->seats = g_ptr_array_new ();
  self->users = g_array_new (FALSE, FALSE, sizeof (uid_t));
  self->max_attached = 1;
  self->hello_time = DEFAULT_HELLO_TIME;
  self->hellos = g_ptr_array_new_with_free_func (hello_free);
  return self;
}

void
ferry_acceptor_unref (FerryAcceptor *self)
{
  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  g_assert (self->seats->len == 0 && self->arrived.length == 0);
  g_clear_pointer (&self->binding, ferry_binding_free);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_weak_ref_clear (&self->listener);
  ferry_clear_fd (&self->wake_fd);
  g_ptr_array_unref (self->hellos);
  g_ptr_array_unref (self->seats);
  g_array_unref (self->users);
  pthread_cond_destroy (&self->changed);
  pthread_mutex_destroy (&self->lock);
  pthread_mutex_destroy (&self->starting);
  g_free (self);
}
