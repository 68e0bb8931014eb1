/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A persistent worker's address: the listener, and the thread that accepts applications there.
 *
 * The acceptor is a thread that accepts connections at the address, reads the hello of each connection, and answers it.
 * So an application that is refused gets the reason even while the worker's other threads are busy. A connection that
 * sends no hello delays no other connection.
 *
 * Each application that is accepted is a client until its transport is closed. At the limit of clients a hello is
 * refused at once, unless a client is about to leave: see docs/protocol.md.
 *
 * References: the listener, the thread, a posted notify_cb() and each client have a reference to the acceptor. The
 *             acceptor has a weak reference to its listener; clients may outlive both. Dropping the listener joins the
 *             thread, so the thread itself must never drop a listener.
 * Threads:    any, where nothing else is said.
 * Locks:      starting, then lock. With lock held, only ferry_transport_get_closed() of a transport is called. */

#include "config.h"

#include "conversation/ferry-listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/auxv.h>

#include "base/ferry-base-private.h"
#include "base/ferry-limit-clock-private.h"
#include "base/ferry-mailbox-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-thread-private.h"
#include "base/ferry-wait-queue-private.h"
#include "call/ferry-transport-private.h"
#include "conversation/ferry-address-private.h"
#include "conversation/ferry-bound-address-private.h"
#include "conversation/ferry-hello-private.h"
#include "lane/ferry-wake-private.h"
#include "process/ferry-launcher-private.h"
#include "wire/ferry-frame-decoder-private.h"

/* The largest number of hellos that are read at the same time. A further connection replaces the oldest of them. */
#define MAX_HELLOS 64
/* How long a hello waits for a client that is about to leave, in microseconds. */
#define CLIENT_TIME G_USEC_PER_SEC
/* How long no connection is accepted after file descriptors ran out, in microseconds. */
#define PAUSE (G_USEC_PER_SEC / 10)
/* The shortest time between two log messages about users that are not allowed, in microseconds. */
#define LOG_INTERVAL (60 * G_USEC_PER_SEC)
#define DEFAULT_HELLO_TIME (5 * G_USEC_PER_SEC)
/* The file descriptors that a new client needs: one of its own, and those of its transport. */
#define N_FDS 4

typedef struct
{
  _Atomic gint references;
  FerryBoundAddress *bound; /* (owned) (nullable): guarded by starting; the thread uses it too, while it runs */
  int doorbell;             /* const: (owned): wakes the thread */
  GWeakRef listener;
  FerryWaitQueue waits; /* completions that wait for a transport, or for the stop */

  pthread_mutex_t starting; /* locked by start and stop; the thread never locks it */
  GThread *thread;          /* guarded by starting: (owned) (nullable): the acceptor's thread */

  pthread_mutex_t lock;
  GQueue accepted;       /* guarded by lock: (element-type FerryTransport) (owned): not taken yet */
  GPtrArray *clients;    /* guarded by lock: (element-type Client) (unowned): owned by their transports */
  GArray *users;         /* guarded by lock: (element-type uid_t): the other users that are allowed */
  guint max_attached;    /* guarded by lock: the largest number of clients */
  gint64 hello_time;     /* guarded by lock: how long a hello may take, in microseconds */
  gboolean stopped;      /* guarded by lock: TRUE after acceptor_stop() has begun */
  GMainContext *context; /* guarded by lock: (owned) (nullable): of the listener's signals; set by
                          * ferry_listener_start() */
  gboolean notifying;    /* guarded by lock: notify_cb() is posted to context and has not run yet */

  GPtrArray *hellos;     /* of the thread: (element-type Hello) (owned), the oldest one first */
  FerryLimitClock clock; /* of the thread */
  gint64 paused_until;   /* of the thread: no connection is accepted until this time; monotonic, in microseconds */
  gint64 logged_at;      /* of the thread: when the last log message about a user was written; 0: never */
  guint n_unlogged;      /* of the thread: the number of refused users since that message */
} FerryAcceptor;

/* A connection that is not a client yet. */
typedef struct
{
  int fd; /* (owned): the connection's socket */
  pid_t pid;
  gint64 deadline; /* by the acceptor's clock: for the hello; when it is complete, for a client to leave */
  guint8 bytes[FERRY_GREETING_SIZE];
  gsize n_bytes;
} Hello;

/* An application that is attached. It is freed when its transport has ended, on any thread. */
typedef struct
{
  FerryAcceptor *acceptor; /* const: (owned): has this client in its clients */
  int fd;                  /* const: (owned): a duplicate of the transport's socket, to see a hang-up */
  pid_t pid;               /* const: the number of the application's process */
} Client;

/**
 * FerryListener:
 *
 * An address at which a persistent worker serves applications. Applications may attach, leave and attach again at any
 * time; the worker runs on and keeps its data meanwhile.
 *
 * The address is a path, or a name in the abstract namespace with an “@” before it. Prefer a path in `XDG_RUNTIME_DIR`:
 * it has permissions, and applications can wait for a worker to listen there. Only one listener can have an address; a
 * second listener is refused. Beside the socket there is a lock file. Its name is the path and `.lock`. Both are
 * removed when the listener is closed and when the process calls `exit()`. If a process was killed, the next listener
 * at the address replaces both files. A child that is forked shares the address until it executes a program.
 *
 * An application attaches by [func@Ferry.Transport.connect_to]. After [method@Ferry.Listener.start] the signal
 * [signal@Ferry.Listener::attached] is emitted for each application. A worker without a main loop gets the applications
 * from [method@Ferry.Listener.accept]. An application has left when its transport is closed, at either end.
 *
 * By default, one application can be attached at a time, see [property@Ferry.Listener:max-attached]. A further
 * application gets %FERRY_ERROR_BUSY. If the same process attaches again before the listener has noticed that it left,
 * it waits up to a second. A transport that is closed remains attached until all that was sent before is written. Until
 * then, another process gets %FERRY_ERROR_BUSY.
 *
 * Only processes of the worker's user may attach, and processes of users that [method@Ferry.Listener.allow_user]
 * allows. The kernel reports the user. Others get %FERRY_ERROR_NOT_ALLOWED and are logged, at most once a minute.
 *
 * Any thread may use a listener, where nothing else is said.
 */
struct _FerryListener
{
  GObject parent_instance;

  FerryAffinity *affinity; /* const: (owned): knows the thread that made the listener */
  FerryAcceptor *acceptor; /* const: (owned): accepts the applications */
  char *address;           /* const: (owned): the path, absolute, or “@” and the abstract name */
};

G_DEFINE_FINAL_TYPE (FerryListener, ferry_listener, G_TYPE_OBJECT)

enum
{
  PROP_MAX_ATTACHED = 1,
  PROP_N_ATTACHED,
  PROP_ADDRESS,
  PROP_HELLO_TIMEOUT,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];
static guint attached_signal;

static FerryAcceptor *
acceptor_ref (FerryAcceptor *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

static void
acceptor_unref (gpointer data)
{
  FerryAcceptor *self = data;

  if (!ferry_ref_count_dec (&self->references))
    return;
  g_assert (self->clients->len == 0 && self->accepted.length == 0);
  g_clear_pointer (&self->bound, ferry_bound_address_free);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_weak_ref_clear (&self->listener);
  ferry_clear_fd (&self->doorbell);
  ferry_wait_queue_clear (&self->waits);
  g_ptr_array_unref (self->hellos);
  g_ptr_array_unref (self->clients);
  g_array_unref (self->users);
  pthread_mutex_destroy (&self->lock);
  pthread_mutex_destroy (&self->starting);
  g_free (self);
}

/* ---- taking accepted transports ---- */

/* Removes and returns the oldest accepted transport that is still open: (transfer full) (nullable). */
static FerryTransport *
take (FerryAcceptor *self)
{
  FerryTransport *transport;
  FERRY_AUTO_LOCK (&self->lock);

  while ((transport = g_queue_pop_head (&self->accepted)) != NULL && ferry_transport_get_closed (transport))
    g_object_unref (transport);
  return transport;
}

static gboolean
is_stopped (FerryAcceptor *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->stopped;
}

/* context: notifies the listener's users of clients that were added or removed */
static void
notify_cb (gpointer data)
{
  FerryAcceptor *acceptor = data;
  g_autoptr (FerryListener) self = g_weak_ref_get (&acceptor->listener);
  FerryTransport *transport;

  /* For a change after this point notify() posts this function again. */
  pthread_mutex_lock (&acceptor->lock);
  acceptor->notifying = FALSE;
  pthread_mutex_unlock (&acceptor->lock);
  if (self == NULL)
    return;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_ATTACHED]);
  while ((transport = take (acceptor)) != NULL)
    {
      g_signal_emit (self, attached_signal, 0, transport);
      g_object_unref (transport);
    }
}

/* Called when a client was added or removed: posts notify_cb(), and wakes ferry_listener_accept(). */
static void
notify (FerryAcceptor *self)
{
  pthread_mutex_lock (&self->lock);
  if (self->context != NULL && !self->notifying)
    {
      self->notifying = TRUE;
      ferry_mailbox_post (self->context, notify_cb, acceptor_ref (self), acceptor_unref);
    }
  pthread_mutex_unlock (&self->lock);
  ferry_wait_queue_finish_all (&self->waits);
}

/* ---- clients ---- */

/* any: called when the transport of the client has ended. */
static void
client_free (gpointer data)
{
  Client *self = data;
  FerryAcceptor *acceptor = self->acceptor;

  pthread_mutex_lock (&acceptor->lock);
  g_ptr_array_remove_fast (acceptor->clients, self);
  pthread_mutex_unlock (&acceptor->lock);
  ferry_clear_fd (&self->fd);
  g_free (self);
  notify (acceptor);
  ferry_doorbell_ring (acceptor->doorbell);
  acceptor_unref (acceptor);
}

static gboolean
has_hung_up (int fd)
{
  struct pollfd look = {.fd = fd, .events = POLLRDHUP};

  return poll (&look, 1, 0) > 0;
}

/* Returns whether there is room. If not, sets soon to whether a client leaves: it has hung up, or is of process pid. */
static gboolean
has_room (FerryAcceptor *self, pid_t pid, gboolean *soon)
{
  gboolean room;
  FERRY_AUTO_LOCK (&self->lock);

  room = self->clients->len < self->max_attached;
  *soon = FALSE;
  for (guint i = 0; i < self->clients->len && !room && !*soon; i++)
    {
      const Client *client = self->clients->pdata[i];

      *soon = client->pid == pid || has_hung_up (client->fd);
    }
  return room;
}

/* Adds a transport to the queue of accepted transports. Transports of the queue that were closed meanwhile are moved to
 * closed. After the stop, all transports are moved. */
static void
queue_locked (FerryAcceptor *self, FerryTransport *transport, GQueue *closed)
{
  GQueue all = self->accepted;
  FerryTransport *next;

  g_queue_init (&self->accepted);
  g_queue_push_tail (&all, g_object_ref (transport));
  while ((next = g_queue_pop_head (&all)) != NULL)
    g_queue_push_tail (self->stopped || ferry_transport_get_closed (next) ? closed : &self->accepted, next);
}

/* thread: makes a client of a connection that sent a hello. There must be room for a client. Takes ownership of fd. */
static void
let_in (FerryAcceptor *self, int fd, pid_t pid)
{
  ferry_autofd socket = fd;
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (GError) error = NULL;
  GQueue closed = G_QUEUE_INIT;
  Client *client;

  if (!ferry_check_free_fds (N_FDS, &error))
    {
      g_debug ("Process %d could not be attached: %s", (int) pid, error->message);
      ferry_hello_refuse (socket, FERRY_ERROR_BUSY,
                          "it has no file descriptors left; close some in the worker, or try again later");
      return;
    }
  /* The client is added before the welcome is sent. So an application that reads the welcome is already counted. */
  client = g_new (Client, 1);
  *client = (Client){acceptor_ref (self), fcntl (socket, F_DUPFD_CLOEXEC, 0), pid};
  pthread_mutex_lock (&self->lock);
  g_ptr_array_add (self->clients, client);
  pthread_mutex_unlock (&self->lock);
  if (ferry_hello_welcome (socket))
    transport = ferry_hello_make_transport (&socket, &error);
  if (transport == NULL)
    {
      g_debug ("Process %d could not be attached: %s", (int) pid, error != NULL ? error->message : "it has left");
      client_free (client);
      return;
    }
  ferry_transport_set_end_func (transport, client_free, client);
  pthread_mutex_lock (&self->lock);
  queue_locked (self, transport, &closed);
  pthread_mutex_unlock (&self->lock);
  g_queue_clear_full (&closed, g_object_unref);
  notify (self);
}

/* ---- hellos: functions of the acceptor's thread ---- */

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
  FERRY_AUTO_LOCK (&self->lock);

  for (guint i = 0; i < self->users->len && !allowed; i++)
    allowed = g_array_index (self->users, uid_t, i) == user;
  return allowed;
}

/* Logs at most one message a minute, since any process can connect as often as it likes. */
static void
log_refused_user (FerryAcceptor *self, const struct ucred *peer)
{
  gint64 now = g_get_monotonic_time ();

  self->n_unlogged++;
  if (self->logged_at > 0 && now - self->logged_at < LOG_INTERVAL)
    return;
  g_message (
    "User %u, which is not allowed, tried to attach to '%s' (process %d); %u refusals since the last such message",
    (guint) peer->uid, self->bound->address.text, (int) peer->pid, self->n_unlogged);
  self->logged_at = now;
  self->n_unlogged = 0;
}

static void
add_hello (FerryAcceptor *self, int fd)
{
  ferry_autofd socket = fd;
  struct ucred peer;
  Hello *hello;

  if (!ferry_address_get_peer (socket, &peer, NULL))
    return;
  if (!is_allowed (self, peer.uid))
    {
      log_refused_user (self, &peer);
      ferry_hello_refuse (socket, FERRY_ERROR_NOT_ALLOWED,
                          "it belongs to another user; attach to a worker of this process' user");
      return;
    }
  if (self->hellos->len >= MAX_HELLOS)
    {
      hello = self->hellos->pdata[0];
      ferry_hello_refuse (hello->fd, FERRY_ERROR_BUSY, "too many applications wait for its answer; try again later");
      g_ptr_array_remove_index (self->hellos, 0);
    }
  hello = g_new0 (Hello, 1);
  hello->fd = ferry_steal_fd (&socket);
  hello->pid = peer.pid;
  pthread_mutex_lock (&self->lock);
  hello->deadline = ferry_time_add (ferry_limit_clock_look (&self->clock), self->hello_time);
  pthread_mutex_unlock (&self->lock);
  g_ptr_array_add (self->hellos, hello);
}

/* Accepts a limited number of connections, so that hellos are answered in between. */
static void
accept_some (FerryAcceptor *self)
{
  for (guint i = 0; i < MAX_HELLOS; i++)
    {
      int fd = accept4 (self->bound->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

      if (fd >= 0)
        add_hello (self, fd);
      else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
        self->paused_until = g_get_monotonic_time () + PAUSE;
      if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
        return;
    }
}

/* Answers a complete hello. Returns FALSE if the hello must wait, and so do read_hello() and serve_hello(). */
static gboolean
answer_hello (FerryAcceptor *self, Hello *hello)
{
  gboolean soon;

  if (has_room (self, hello->pid, &soon))
    let_in (self, ferry_steal_fd (&hello->fd), hello->pid);
  else if (soon && hello->deadline > ferry_limit_clock_look (&self->clock))
    return FALSE;
  else
    ferry_hello_refuse (hello->fd, FERRY_ERROR_BUSY,
                        "it has as many applications as it takes at once; try again when one of them has left");
  return TRUE;
}

static gboolean
read_hello (FerryAcceptor *self, Hello *hello)
{
  gssize n = recv (hello->fd, hello->bytes + hello->n_bytes, sizeof hello->bytes - hello->n_bytes, MSG_DONTWAIT);
  g_autoptr (GError) error = NULL;

  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
    return TRUE;
  if (n < 0 && hello->deadline > ferry_limit_clock_look (&self->clock))
    return FALSE;
  if (n < 0)
    {
      ferry_hello_refuse (hello->fd, FERRY_ERROR_BUSY, "no hello has come in time; try again");
      return TRUE;
    }
  hello->n_bytes += (gsize) n;
  if (!ferry_greeting_check (hello->bytes, hello->n_bytes, &error))
    {
      g_debug ("Process %d sent something that is not a hello", (int) hello->pid);
      /* The other end finds out by itself, from the greeting in front of the answer. */
      if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_VERSION))
        ferry_hello_refuse (hello->fd, FERRY_ERROR_VERSION, error->message);
      return TRUE;
    }
  if (hello->n_bytes < sizeof hello->bytes)
    return FALSE;
  hello->deadline = ferry_limit_clock_look (&self->clock) + CLIENT_TIME;
  return answer_hello (self, hello);
}

static gboolean
serve_hello (FerryAcceptor *self, Hello *hello)
{
  if (hello->n_bytes < sizeof hello->bytes)
    return read_hello (self, hello);
  return has_hung_up (hello->fd) || answer_hello (self, hello);
}

static int
get_poll_timeout (FerryAcceptor *self, gint64 now)
{
  gint64 next = G_MAXINT64;

  for (guint i = 0; i < self->hellos->len; i++)
    next = MIN (next, ((Hello *) self->hellos->pdata[i])->deadline);
  next = ferry_limit_clock_sleep (&self->clock, next);
  if (self->paused_until > now)
    next = MIN (next, self->paused_until);
  if (next == G_MAXINT64)
    return -1;
  /* Rounded up, so that poll() does not return just before the time. */
  return (int) CLAMP ((next - now) / FERRY_MICROSECONDS_PER_MILLISECOND + 1, 0, G_MAXINT);
}

/* Waits until a socket has an event, a deadline is over, or the thread is woken. Returns FALSE after the stop. */
static gboolean
wait_for_events (FerryAcceptor *self)
{
  struct pollfd fds[2 + MAX_HELLOS] = {{.fd = self->doorbell, .events = POLLIN}, {.events = POLLIN}};
  gint64 now = g_get_monotonic_time ();

  fds[1].fd = self->paused_until > now ? -1 : self->bound->fd;
  for (guint i = 0; i < self->hellos->len; i++)
    {
      const Hello *hello = self->hellos->pdata[i];

      fds[2 + i] = (struct pollfd){hello->fd, hello->n_bytes < sizeof hello->bytes ? POLLIN : POLLRDHUP, 0};
    }
  poll (fds, 2 + self->hellos->len, get_poll_timeout (self, now));
  ferry_doorbell_hear (self->doorbell);
  return !is_stopped (self);
}

static gpointer
acceptor_main (gpointer data)
{
  FerryAcceptor *self = data;

  while (wait_for_events (self))
    {
      for (guint i = 0; i < self->hellos->len;)
        if (serve_hello (self, self->hellos->pdata[i]))
          g_ptr_array_remove_index (self->hellos, i);
        else
          i++;
      if (self->paused_until <= g_get_monotonic_time ())
        accept_some (self);
    }
  g_ptr_array_set_size (self->hellos, 0);
  acceptor_unref (self);
  return NULL;
}

/* ---- the acceptor ---- */

/* Makes an acceptor. Its thread does not run yet. Takes ownership of bound. */
static FerryAcceptor *
acceptor_new (FerryListener *listener, FerryBoundAddress *bound, GError **error)
{
  FerryAcceptor *self;
  int doorbell = ferry_doorbell_new (error);

  if (doorbell < 0)
    {
      ferry_bound_address_free (bound);
      return NULL;
    }
  self = g_new0 (FerryAcceptor, 1);
  atomic_init (&self->references, 1);
  self->bound = bound;
  self->doorbell = doorbell;
  pthread_mutex_init (&self->starting, NULL);
  pthread_mutex_init (&self->lock, NULL);
  ferry_wait_queue_init (&self->waits);
  g_weak_ref_init (&self->listener, listener);
  self->clients = g_ptr_array_new ();
  self->users = g_array_new (FALSE, FALSE, sizeof (uid_t));
  self->max_attached = 1;
  self->hello_time = DEFAULT_HELLO_TIME;
  ferry_limit_clock_begin (&self->clock, -1);
  self->hellos = g_ptr_array_new_with_free_func (hello_free);
  return self;
}

/* Starts the thread, unless it runs or the acceptor was stopped. */
static gboolean
acceptor_start (FerryAcceptor *self, GError **error)
{
  FERRY_AUTO_LOCK (&self->starting);

  if (self->thread != NULL || self->bound == NULL)
    return TRUE;
  self->thread = ferry_thread_try_new ("ferry-acceptor", "listening", acceptor_main, acceptor_ref (self), error);
  if (self->thread == NULL)
    acceptor_unref (self);
  return self->thread != NULL;
}

/* Ends the thread, removes the address, and closes the accepted transports that were not taken. */
static void
acceptor_stop (FerryAcceptor *self)
{
  GQueue left;

  pthread_mutex_lock (&self->starting);
  pthread_mutex_lock (&self->lock);
  self->stopped = TRUE;
  g_clear_pointer (&self->context, g_main_context_unref);
  left = self->accepted;
  g_queue_init (&self->accepted);
  pthread_mutex_unlock (&self->lock);
  ferry_wait_queue_finish_all (&self->waits);
  ferry_doorbell_ring (self->doorbell);
  if (self->thread != NULL)
    g_thread_join (g_steal_pointer (&self->thread));
  g_clear_pointer (&self->bound, ferry_bound_address_free);
  pthread_mutex_unlock (&self->starting);
  g_queue_clear_full (&left, g_object_unref);
}

/* ---- the object ---- */

static guint
get_max_attached (FerryListener *self)
{
  FERRY_AUTO_LOCK (&self->acceptor->lock);
  return self->acceptor->max_attached;
}

static guint
get_n_attached (FerryListener *self)
{
  FERRY_AUTO_LOCK (&self->acceptor->lock);
  return self->acceptor->clients->len;
}

static const char *
get_address (FerryListener *self)
{
  return self->address;
}

static gint64
get_hello_timeout (FerryListener *self)
{
  FERRY_AUTO_LOCK (&self->acceptor->lock);
  return self->acceptor->hello_time;
}

static void
ferry_listener_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  static const GCallback getters[N_PROPERTIES] = {
    [PROP_MAX_ATTACHED] = G_CALLBACK (get_max_attached),
    [PROP_N_ATTACHED] = G_CALLBACK (get_n_attached),
    [PROP_ADDRESS] = G_CALLBACK (get_address),
    [PROP_HELLO_TIMEOUT] = G_CALLBACK (get_hello_timeout),
  };

  ferry_property_get (object, getters[id], value);
}

static void
ferry_listener_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryAcceptor *acceptor = FERRY_LISTENER (object)->acceptor;
  gboolean changed;

  pthread_mutex_lock (&acceptor->lock);
  changed = id == PROP_MAX_ATTACHED ? acceptor->max_attached != g_value_get_uint (value)
                                    : acceptor->hello_time != g_value_get_int64 (value);
  if (id == PROP_MAX_ATTACHED)
    acceptor->max_attached = g_value_get_uint (value);
  else
    acceptor->hello_time = g_value_get_int64 (value);
  pthread_mutex_unlock (&acceptor->lock);
  if (id == PROP_MAX_ATTACHED)
    ferry_doorbell_ring (acceptor->doorbell);
  if (changed)
    g_object_notify_by_pspec (object, pspec);
}

static void
ferry_listener_finalize (GObject *object)
{
  FerryListener *self = FERRY_LISTENER (object);

  if (self->acceptor != NULL)
    {
      acceptor_stop (self->acceptor);
      acceptor_unref (self->acceptor);
    }
  g_free (self->address);
  ferry_affinity_unref (self->affinity);

  G_OBJECT_CLASS (ferry_listener_parent_class)->finalize (object);
}

static void
ferry_listener_class_init (FerryListenerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_listener_get_property;
  object_class->set_property = ferry_listener_set_property;
  object_class->finalize = ferry_listener_finalize;

  /**
   * FerryListener:max-attached:
   *
   * The largest number of applications that may be attached at the same time, 1 by default. If more are attached
   * already when it is set, they stay. Any thread.
   */
  properties[PROP_MAX_ATTACHED] = g_param_spec_uint ("max-attached", NULL, NULL, 1, G_MAXUINT, 1, FERRY_SETTABLE);
  /**
   * FerryListener:n-attached:
   *
   * The number of applications that are attached, also before [signal@Ferry.Listener::attached] is emitted. Notified in
   * the main context of [method@Ferry.Listener.start]. Any thread.
   */
  properties[PROP_N_ATTACHED] = g_param_spec_uint ("n-attached", NULL, NULL, 0, G_MAXUINT, 0, FERRY_READABLE);
  /**
   * FerryListener:address:
   *
   * The address at which applications find the worker, in the encoding of file names; a path is absolute. Any thread.
   */
  properties[PROP_ADDRESS] = g_param_spec_string ("address", NULL, NULL, NULL, FERRY_READABLE);
  /**
   * FerryListener:hello-timeout:
   *
   * How long an application that connects from now on may take to send its hello, in microseconds; by default 5
   * seconds. After this time its connection is closed. Meanwhile other applications are served. Any thread.
   */
  properties[PROP_HELLO_TIMEOUT] =
    g_param_spec_int64 ("hello-timeout", NULL, NULL, 1, G_MAXINT64, DEFAULT_HELLO_TIME, FERRY_SETTABLE);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  /**
   * FerryListener::attached:
   * @self: a listener
   * @transport: the transport to the application
   *
   * An application has attached. A handler must take a reference to @transport, or make a [class@Ferry.Mux] or
   * [class@Ferry.Demux] of it. Otherwise the transport is closed after the emission. What the application has already
   * sent is kept until the transport is used. Emitted in the main context of [method@Ferry.Listener.start].
   */
  attached_signal = g_signal_new ("attached", FERRY_TYPE_LISTENER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                  1, FERRY_TYPE_TRANSPORT);
}

static void
ferry_listener_init (FerryListener *self)
{
  self->affinity = ferry_affinity_new_here ();
}

/**
 * ferry_listener_new:
 * @address: (type filename): a path, or “@” and an abstract name
 * @error: return location for an error
 *
 * Makes a listener at an address. From now on applications can connect. They wait until [method@Ferry.Listener.start]
 * or [method@Ferry.Listener.accept] is called.
 *
 * A socket gets the mode 0600. Its folder must exist, and should be sticky if others may write to it. Any thread.
 *
 * Fails with %FERRY_ERROR_ALREADY_RUNNING if another listener, in this or another process, has the address; the message
 * names the process. Fails with %FERRY_ERROR_BAD_ARGUMENTS if the address is invalid, or the path exists and is no
 * socket. Fails with %FERRY_ERROR_NOT_ALLOWED if permissions are missing, and with %FERRY_ERROR_SYSTEM.
 *
 * Returns: (transfer full): a listener, or %NULL with @error set
 */
FerryListener *
ferry_listener_new (const char *address, GError **error)
{
  g_autoptr (FerryListener) self = NULL;
  g_autoptr (FerryBoundAddress) bound = NULL;

  g_return_val_if_fail (address != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  bound = ferry_bound_address_new (address, error);
  if (bound == NULL)
    return NULL;
  self = g_object_new (FERRY_TYPE_LISTENER, NULL);
  self->address = g_strdup (bound->address.text);
  self->acceptor = acceptor_new (self, g_steal_pointer (&bound), error);
  return self->acceptor != NULL ? g_steal_pointer (&self) : NULL;
}

/**
 * ferry_listener_new_from_environment:
 * @error: return location for an error
 *
 * Makes a listener at the address that [method@Ferry.Launcher.spawn_persistent] gave this process, in the environment
 * variable `FERRY_LISTEN_ADDRESS`. It removes the variable, so it must be called before other threads start. Any
 * thread.
 *
 * Fails as [ctor@Ferry.Listener.new] does, and with %FERRY_ERROR_NOT_A_WORKER if this process was given no address.
 *
 * Returns: (transfer full): a listener, or %NULL with @error set
 */
FerryListener *
ferry_listener_new_from_environment (GError **error)
{
  g_autofree char *address = NULL;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  address = getauxval (AT_SECURE) != 0 ? NULL : g_strdup (g_getenv (FERRY_LISTEN_ADDRESS_VARIABLE));
  if (address == NULL)
    {
      ferry_set_error (
        error, FERRY_ERROR_NOT_A_WORKER, "%s",
        "This process was given no address to listen at; start it with ferry_launcher_spawn_persistent(), or set "
        "'" FERRY_LISTEN_ADDRESS_VARIABLE "'");
      return NULL;
    }
  g_unsetenv (FERRY_LISTEN_ADDRESS_VARIABLE);
  return ferry_listener_new (address, error);
}

/**
 * ferry_listener_allow_user:
 * @self: a listener that was not closed
 * @user: the number of a user
 *
 * Allows applications of another user to attach, too. The socket gets the mode 0666, so that every user can connect,
 * and the listener refuses users that are not allowed. Applications trust only workers of their own user and of root,
 * so this function is for workers of root. Must be called before the listener is started or accepts. Any thread.
 */
void
ferry_listener_allow_user (FerryListener *self, guint user)
{
  uid_t uid = (uid_t) user;

  g_return_if_fail (FERRY_IS_LISTENER (self));

  FERRY_AUTO_LOCK (&self->acceptor->starting);
  ferry_return_if_fail (
    self->acceptor->bound != NULL,
    "the listener was closed; call ferry_listener_allow_user() before the listener is started, accepts or is closed");
  pthread_mutex_lock (&self->acceptor->lock);
  g_array_append_val (self->acceptor->users, uid);
  pthread_mutex_unlock (&self->acceptor->lock);
  ferry_bound_address_open_to_all (self->acceptor->bound);
}

/**
 * ferry_listener_start:
 * @self: a listener
 * @error: return location for an error
 *
 * Starts accepting applications. For each application [signal@Ferry.Listener::attached] is emitted, in the main context
 * that is now the thread-default one. Does nothing if it was started before. On the thread that made the listener.
 *
 * Returns: %TRUE, or %FALSE with %FERRY_ERROR_CLOSED or %FERRY_ERROR_SYSTEM
 */
gboolean
ferry_listener_start (FerryListener *self, GError **error)
{
  gboolean closed;

  g_return_val_if_fail (FERRY_IS_LISTENER (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_affinity_check_error (self->affinity, G_STRFUNC, error))
    return FALSE;
  pthread_mutex_lock (&self->acceptor->lock);
  closed = self->acceptor->stopped;
  if (!closed && self->acceptor->context == NULL)
    self->acceptor->context = g_main_context_ref_thread_default ();
  pthread_mutex_unlock (&self->acceptor->lock);
  if (closed)
    ferry_set_error (error, FERRY_ERROR_CLOSED, "The listener was closed; make another listener");
  return !closed && acceptor_start (self->acceptor, error);
}

typedef struct
{
  FerryAcceptor *acceptor;
  FerryTransport *transport; /* (owned) (nullable): set once a transport was taken */
} Taking;

static gboolean
take_unless_stopped (gpointer data)
{
  Taking *taking = data;

  if (taking->transport == NULL)
    taking->transport = take (taking->acceptor);
  return taking->transport != NULL || is_stopped (taking->acceptor);
}

/**
 * ferry_listener_accept:
 * @self: a listener that was not started
 * @timeout: how long to wait, in microseconds; negative: without a limit, 0: do not wait
 * @cancellable: (nullable): a cancellable
 * @error: return location for an error
 *
 * Waits until an application attaches, and returns its transport. Skips applications that have left since they
 * attached. This function is for a worker without a main loop; one thread at a time. Any thread.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT and %G_IO_ERROR_CANCELLED. Fails with %FERRY_ERROR_CLOSED when the listener is
 * closed, with %FERRY_ERROR_ALREADY_RUNNING if it was started, and with %FERRY_ERROR_SYSTEM.
 *
 * Returns: (transfer full): the transport to the application, or %NULL with @error set
 */
FerryTransport *
ferry_listener_accept (FerryListener *self, gint64 timeout, GCancellable *cancellable, GError **error)
{
  gint64 deadline = ferry_deadline_after (timeout);
  Taking taking = {.transport = NULL};
  gboolean started;

  g_return_val_if_fail (FERRY_IS_LISTENER (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  taking.acceptor = self->acceptor;
  pthread_mutex_lock (&self->acceptor->lock);
  started = self->acceptor->context != NULL;
  pthread_mutex_unlock (&self->acceptor->lock);
  if (started)
    ferry_set_error (error, FERRY_ERROR_ALREADY_RUNNING,
                     "The listener was started, and gives applications only by its signal 'attached'; use this signal, "
                     "or do not start it");
  else if (acceptor_start (self->acceptor, error) &&
           ferry_wait_queue_wait (
             &self->acceptor->waits, NULL, take_unless_stopped, &taking, deadline, cancellable,
             "No application attached in time; wait longer, or check that applications use this address", error) &&
           taking.transport == NULL)
    ferry_set_error (error, FERRY_ERROR_CLOSED,
                     "The listener was closed; make another listener to accept applications");
  return taking.transport;
}

/**
 * ferry_listener_close:
 * @self: a listener
 *
 * Stops listening: removes the socket and frees the address, so that no further application can attach. Attached
 * applications stay attached. Does nothing if the listener is closed. On the thread that made the listener.
 */
void
ferry_listener_close (FerryListener *self)
{
  g_return_if_fail (FERRY_IS_LISTENER (self));
  ferry_return_if_elsewhere (self->affinity);

  acceptor_stop (self->acceptor);
}
