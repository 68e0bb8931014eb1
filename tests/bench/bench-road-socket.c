/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A socket pair between two threads of this process that do nothing else: one asks, the other sends back whatever it
 * gets, as much at a time as it finds. Answers that came together are asked again together. */

#include "config.h"

#include <errno.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench-team.h"
#include "bench-trips.h"

#define BUFFER (64 * 1024)
#define SOCKET_BUFFER (512 * 1024) /* takes all that is ever under way, so that neither thread waits for the other */

typedef struct
{
  int fds[2]; /* (owned): the asking end, and the echo */
  GThread *echo;
  sem_t runs;
  pid_t id; /* of the echo's thread */
  char buffer[BUFFER];
  gsize n_bytes; /* of a message that came in part */
} Socket;

static void
write_all (int fd, const char *data, gsize size)
{
  while (size > 0)
    {
      const gssize n = write (fd, data, size);

      if (n <= 0)
        bench_fail ("a socket", NULL);
      data += n;
      size -= n;
    }
}

static gpointer
echo_thread (gpointer data)
{
  Socket *self = data;
  g_autofree char *buffer = g_malloc (BUFFER);
  gssize n;

  self->id = (pid_t) syscall (SYS_gettid);
  sem_post (&self->runs);
  while ((n = read (self->fds[1], buffer, BUFFER)) > 0)
    write_all (self->fds[1], buffer, n);
  return NULL;
}

static gpointer
socket_open (BenchRoute *route, GError **error)
{
  const int size = SOCKET_BUFFER;
  Socket *self = g_new0 (Socket, 1);

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, self->fds) != 0)
    bench_fail ("a socket", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (self->fds); i++)
    setsockopt (self->fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  sem_init (&self->runs, FALSE, 0);
  self->echo = g_thread_new ("bench-echo", echo_thread, self);
  sem_wait (&self->runs);
  route->echo = self->id;
  return self;
}

static void
socket_close (BenchRoute *route)
{
  Socket *self = route->end;

  shutdown (self->fds[0], SHUT_RDWR);
  g_thread_join (self->echo);
  sem_destroy (&self->runs);
  close (self->fds[0]);
  close (self->fds[1]);
  g_free (self);
}

static void
socket_ask (BenchSlot *slot)
{
  write_all (((Socket *) slot->trips->end)->fds[0], (const char *) slot->message, slot->trips->orders.size);
}

/* Takes whole messages, and puts those that are asked next in their place. */
static void
take_some (Socket *self, BenchTrips *trips)
{
  const gsize size = trips->orders.size;
  const gssize n = read (self->fds[0], self->buffer + self->n_bytes, BUFFER - self->n_bytes);
  gsize taken = 0, next = 0;

  if (n <= 0)
    bench_fail ("a socket", NULL);
  self->n_bytes += n;
  for (; self->n_bytes - taken >= size; taken += size)
    {
      BenchSlot *slot = bench_trips_find (trips, self->buffer + taken, size);

      if (bench_slot_end (slot, self->buffer + taken, size))
        {
          memcpy (self->buffer + next, slot->message, size);
          next += size;
        }
    }
  write_all (self->fds[0], self->buffer, next);
  self->n_bytes -= taken;
  memmove (self->buffer, self->buffer + taken, self->n_bytes);
}

static void
socket_wait (gpointer end, BenchTrips *trips)
{
  while (atomic_load (&trips->n_under_way) > 0)
    take_some (end, trips);
}

static gboolean
socket_transact (BenchSlot *slot)
{
  Socket *self = slot->trips->end;
  const gsize size = slot->trips->orders.size;
  gsize taken = 0;

  socket_ask (slot);
  while (taken < size)
    {
      const gssize n = read (self->fds[0], self->buffer + taken, size - taken);

      if (n <= 0)
        bench_fail ("a socket", NULL);
      taken += n;
    }
  return bench_slot_end (slot, self->buffer, size);
}

const BenchRoad bench_road_socket = {
  .name = "socketpair",
  .open = socket_open,
  .close = socket_close,
  .ask = socket_ask,
  .wait = socket_wait,
  .transact = socket_transact,
};
