/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* ZeroMQ: the asking end has a DEALER, the answering one a ROUTER that sends a message back to where it came from,
 * without a copy. The main loop has either by its descriptor. Threads that wait have a DEALER each. */

#include "config.h"

#include <errno.h>
#include <unistd.h>
#include <zmq.h>

#include "bench-team.h"
#include "bench-trips.h"

#define MESSAGES_A_DISPATCH 4096 /* then the main loop's other sources have their turn */

typedef struct
{
  void *context; /* (owned) */
  void *socket;  /* (owned): of the main loop, or of a worker that asks or answers */
  char *address; /* (owned) */
  GSource *source;
  BenchTrips **trips;                 /* (nullable): of the asking end */
  void *dealers[BENCH_MAX_IN_FLIGHT]; /* (owned) (nullable): of a thread each, which come one after another */
} End;

typedef struct
{
  GSource source;
  End *end;
} SocketSource;

static void *
socket_new (End *self, int type)
{
  const int linger = 0;
  void *socket = zmq_socket (self->context, type);

  if (socket == NULL)
    bench_fail (zmq_strerror (zmq_errno ()), NULL);
  zmq_setsockopt (socket, ZMQ_LINGER, &linger, sizeof linger);
  return socket;
}

static void
check (int result)
{
  if (result < 0)
    bench_fail (zmq_strerror (zmq_errno ()), NULL);
}

/* ---- answers ---- */

/* Sends a message back. Returns FALSE when there is none. */
static gboolean
answer_one (void *socket, int flags)
{
  zmq_msg_t sender, message;

  zmq_msg_init (&sender);
  if (zmq_msg_recv (&sender, socket, flags) < 0)
    return FALSE;
  zmq_msg_init (&message);
  check (zmq_msg_recv (&message, socket, 0));
  check (zmq_msg_send (&sender, socket, ZMQ_SNDMORE));
  check (zmq_msg_send (&message, socket, 0));
  return TRUE;
}

static void
zeromq_ask (BenchSlot *slot)
{
  End *self = slot->trips->end;

  check (zmq_send (self->socket, slot->message, slot->trips->orders.size, 0));
}

/* Returns FALSE when there is none. */
static gboolean
take_one (End *self, BenchTrips *trips, int flags)
{
  BenchSlot *slot;
  zmq_msg_t message;

  zmq_msg_init (&message);
  if (zmq_msg_recv (&message, self->socket, flags) < 0)
    return FALSE;
  slot = bench_trips_find (trips, zmq_msg_data (&message), zmq_msg_size (&message));
  if (bench_slot_end (slot, zmq_msg_data (&message), zmq_msg_size (&message)))
    zeromq_ask (slot);
  zmq_msg_close (&message);
  return TRUE;
}

/* ---- the application ---- */

static gboolean
is_readable (GSource *source)
{
  int events = 0;
  gsize size = sizeof events;

  zmq_getsockopt (((SocketSource *) source)->end->socket, ZMQ_EVENTS, &events, &size);
  return (events & ZMQ_POLLIN) != 0;
}

static gboolean
prepare (GSource *source, int *timeout)
{
  return is_readable (source);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  End *self = ((SocketSource *) source)->end;
  gboolean more = TRUE;

  for (guint i = 0; i < MESSAGES_A_DISPATCH && more; i++)
    more = self->trips != NULL ? take_one (self, *self->trips, ZMQ_DONTWAIT) : answer_one (self->socket, ZMQ_DONTWAIT);
  return G_SOURCE_CONTINUE;
}

static void
add_source (End *self)
{
  static GSourceFuncs funcs = {.prepare = prepare, .check = is_readable, .dispatch = dispatch};
  int fd = -1;
  gsize size = sizeof fd;

  check (zmq_getsockopt (self->socket, ZMQ_FD, &fd, &size));
  self->source = g_source_new (&funcs, sizeof (SocketSource));
  ((SocketSource *) self->source)->end = self;
  g_source_add_unix_fd (self->source, fd, G_IO_IN);
  g_source_set_static_name (self->source, "[bench] ZeroMQ");
  g_source_attach (self->source, NULL);
}

/* Only while the route is used: to ask the socket what it has costs a system call, before and after each poll. */
static void
zeromq_listen (BenchRoute *route, gboolean in_use)
{
  End *self = route->end;

  if (self->socket == NULL)
    return;
  if (in_use)
    add_source (self);
  else
    {
      g_source_destroy (self->source);
      g_clear_pointer (&self->source, g_source_unref);
    }
}

static gpointer
zeromq_open (BenchRoute *route, GError **error)
{
  static guint n_routes;
  End *self = g_new0 (End, 1);

  self->context = zmq_ctx_new ();
  self->address = g_strdup_printf ("ipc://@ferry-bench-trip-%d-%u", getpid (), n_routes++);
  if (route->direction == BENCH_THREADS_TO_WORKER)
    return bench_route_spawn (route, self->address, NULL, 0, error) ? self : NULL;
  if (route->direction == BENCH_MAIN_TO_WORKER)
    self->trips = &route->trips;
  self->socket = socket_new (self, route->direction == BENCH_MAIN_TO_WORKER ? ZMQ_DEALER : ZMQ_ROUTER);
  check (zmq_bind (self->socket, self->address));
  return bench_route_spawn (route, self->address, NULL, 0, error) ? self : NULL;
}

static void
zeromq_close (BenchRoute *route)
{
  End *self = route->end;

  if (self->socket != NULL)
    zmq_close (self->socket);
  for (guint i = 0; i < G_N_ELEMENTS (self->dealers); i++)
    if (self->dealers[i] != NULL)
      zmq_close (self->dealers[i]);
  zmq_ctx_term (self->context);
  g_free (self->address);
  g_free (self);
}

/* ---- the worker ---- */

static gpointer
zeromq_attach (BenchDirection direction, guint n_threads, const char *address, GError **error)
{
  End *self = g_new0 (End, 1);

  self->context = zmq_ctx_new ();
  self->socket = socket_new (self, direction == BENCH_WORKER_TO_MAIN ? ZMQ_DEALER : ZMQ_ROUTER);
  if (direction == BENCH_THREADS_TO_WORKER)
    check (zmq_bind (self->socket, address));
  else
    check (zmq_connect (self->socket, address));
  return self;
}

static void
zeromq_serve (gpointer end)
{
  while (answer_one (((End *) end)->socket, 0))
    ;
}

/* ---- who asks ---- */

static void
zeromq_wait (gpointer end, BenchTrips *trips)
{
  while (atomic_load (&trips->n_under_way) > 0)
    take_one (end, trips, 0);
}

static gboolean
zeromq_transact (BenchSlot *slot)
{
  End *self = slot->trips->end;
  void *socket = self->socket;
  gboolean more;
  zmq_msg_t message;

  if (socket == NULL)
    socket = self->dealers[slot->index];
  if (socket == NULL)
    {
      socket = self->dealers[slot->index] = socket_new (self, ZMQ_DEALER);
      check (zmq_connect (socket, self->address));
    }
  zmq_msg_init (&message);
  check (zmq_send (socket, slot->message, slot->trips->orders.size, 0));
  check (zmq_msg_recv (&message, socket, 0));
  more = bench_slot_end (slot, zmq_msg_data (&message), zmq_msg_size (&message));
  zmq_msg_close (&message);
  return more;
}

const BenchRoad bench_road_zeromq = {
  .name = "zeromq",
  .open = zeromq_open,
  .close = zeromq_close,
  .listen = zeromq_listen,
  .attach = zeromq_attach,
  .serve = zeromq_serve,
  .ask = zeromq_ask,
  .wait = zeromq_wait,
  .transact = zeromq_transact,
};
