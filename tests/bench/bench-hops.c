/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The floors of latency: nothing but wake-ups between two processes, and the message in memory that both have mapped.
 *
 * One hop: the worker writes to an eventfd that the main loop watches. Two hops: a thread waits for that eventfd and
 * writes to another one that the main loop watches, as any design with a thread in between must at least do. It is
 * for pacing only: nothing keeps a fast sender from overtaking the reader once around the slots. */

#include "config.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench-feed.h"

#define N_SLOTS 64 /* a reader that the system held up finds every message in its slot */
#define SLOT_SIZE 64
#define MEMORY_SIZE (N_SLOTS * SLOT_SIZE)
#define WORKER_DOORBELL 3
#define WORKER_MEMORY 4

typedef struct
{
  char *memory;    /* (owned) where the messages lie */
  int doorbell;    /* (owned) what the worker rings */
  int relay;       /* (owned) what the thread rings, or -1 */
  GThread *thread; /* (owned) (nullable) */
  int stopping;    /* atomic */
  guint source;
} Hops;

static void
ring (int fd, guint64 times)
{
  if (write (fd, &times, sizeof times) != sizeof times)
    g_warning ("An eventfd takes no more");
}

/* Returns how often it was rung. */
static guint64
hush (int fd)
{
  guint64 times;

  if (read (fd, &times, sizeof times) != sizeof times)
    return 0;
  return times;
}

static gpointer
relay_thread (gpointer user_data)
{
  Hops *self = user_data;
  struct pollfd fd = {.fd = self->doorbell, .events = POLLIN};

  while (poll (&fd, 1, -1) == 1 && !g_atomic_int_get (&self->stopping))
    ring (self->relay, hush (self->doorbell));
  return NULL;
}

static gboolean
rung_cb (int fd, GIOCondition condition, gpointer user_data)
{
  BenchPort *port = user_data;
  Hops *self = port->end;

  for (guint64 times = hush (fd); times > 0; times--)
    port->take (port, self->memory + port->next % N_SLOTS * SLOT_SIZE, SLOT_SIZE);
  return G_SOURCE_CONTINUE;
}

static gboolean
hops_connect (BenchPort *port, gboolean relayed, GError **error)
{
  Hops *self = g_new0 (Hops, 1);
  const int memory_fd = memfd_create ("bench", MFD_CLOEXEC);
  int fds[2];

  port->end = self;
  self->doorbell = eventfd (0, EFD_CLOEXEC);
  self->relay = relayed ? eventfd (0, EFD_CLOEXEC) : -1;
  if (memory_fd < 0 || ftruncate (memory_fd, MEMORY_SIZE) != 0)
    return g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "There is no memory to share"), FALSE;
  self->memory = mmap (NULL, MEMORY_SIZE, PROT_READ, MAP_SHARED, memory_fd, 0);
  if (relayed)
    self->thread = g_thread_new ("bench-relay", relay_thread, self);
  self->source = g_unix_fd_add (relayed ? self->relay : self->doorbell, G_IO_IN, rung_cb, port);
  fds[0] = fcntl (self->doorbell, F_DUPFD_CLOEXEC, 0);
  fds[1] = memory_fd;
  return bench_port_spawn (port, "-", fds, G_N_ELEMENTS (fds), error);
}

static gboolean
one_hop_connect (BenchPort *port, GError **error)
{
  return hops_connect (port, FALSE, error);
}

static gboolean
two_hops_connect (BenchPort *port, GError **error)
{
  return hops_connect (port, TRUE, error);
}

static void
hops_disconnect (BenchPort *port)
{
  Hops *self = port->end;

  g_source_remove (self->source);
  g_atomic_int_set (&self->stopping, TRUE);
  ring (self->doorbell, 1);
  if (self->thread != NULL)
    g_thread_join (self->thread);
  if (self->relay >= 0)
    close (self->relay);
  close (self->doorbell);
  munmap (self->memory, MEMORY_SIZE);
  g_free (self);
}

static gpointer
hops_attach (const char *address, gsize size, GError **error)
{
  const gpointer memory = mmap (NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, WORKER_MEMORY, 0);

  if (memory == MAP_FAILED)
    return g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "The shared memory does not map"), NULL;
  return memory;
}

/* The eventfd orders the memory: its write comes after the copy, its read before the other's. */
static gboolean
hops_send (gpointer end, gconstpointer data, gsize size)
{
  const BenchMessage *message = data;
  char *slot = (char *) end + message->sequence % N_SLOTS * SLOT_SIZE;

  memcpy (slot, message, MIN (size, SLOT_SIZE));
  ring (WORKER_DOORBELL, 1);
  return TRUE;
}

const BenchTransport bench_one_hop = {
  .name = "one-hop",
  .connect = one_hop_connect,
  .disconnect = hops_disconnect,
  .attach = hops_attach,
  .send = hops_send,
};

const BenchTransport bench_two_hops = {
  .name = "two-hops",
  .connect = two_hops_connect,
  .disconnect = hops_disconnect,
  .attach = hops_attach,
  .send = hops_send,
};
