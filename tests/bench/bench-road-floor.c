/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The floor of round trips, one at a time: nothing but wake-ups, of the same threads in the same order as a transaction
 * over a link has them. What is asked wakes the worker's reader, what goes to the application a thread of its that
 * wakes the main loop, and whoever waits on a thread of its own is woken by the reader or by the main loop.
 *
 * worker to main:     asker, monitor, main loop, reader, asker
 * main to worker:     main loop, reader, monitor, main loop; with a pool: main loop, reader, pool, monitor, main loop
 * threads to worker:  asker, reader, monitor, main loop, asker */

#include "config.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench-team.h"
#include "bench-trips.h"

#define WORKER_UP 3
#define WORKER_DOWN 4

typedef struct
{
  BenchDirection direction;
  int up;        /* (owned): wakes the monitor */
  int down;      /* (owned): wakes the worker's reader */
  int main_loop; /* (owned): wakes the main loop */
  int thread;    /* (owned): wakes a thread of this process that asks or answers */
  BenchSlot *slot;
  GThread *relay; /* the monitor, or the reader */
  _Atomic gboolean stopping;
  guint source;
} Floor;

static void
ring (int fd)
{
  const guint64 once = 1;

  if (write (fd, &once, sizeof once) != sizeof once)
    bench_fail ("an eventfd", NULL);
}

static void
hush (int fd)
{
  guint64 times;

  if (read (fd, &times, sizeof times) != sizeof times)
    bench_fail ("an eventfd", NULL);
}

/* ---- the application ---- */

/* It polls as a thread does that watches more than one. */
static gpointer
monitor_thread (gpointer data)
{
  Floor *self = data;
  struct pollfd fd = {.fd = self->up, .events = POLLIN};

  while (poll (&fd, 1, -1) == 1 && !atomic_load (&self->stopping))
    {
      hush (self->up);
      ring (self->main_loop);
    }
  return NULL;
}

static gboolean
rung_cb (int fd, GIOCondition condition, gpointer data)
{
  Floor *self = data;

  hush (fd);
  if (self->direction == BENCH_WORKER_TO_MAIN)
    ring (self->down);
  else if (self->direction == BENCH_THREADS_TO_WORKER)
    ring (self->thread);
  else if (bench_slot_end (self->slot, NULL, 0))
    ring (self->down);
  return G_SOURCE_CONTINUE;
}

static gpointer
floor_open (BenchRoute *route, GError **error)
{
  Floor *self = g_new0 (Floor, 1);
  int fds[2];

  self->direction = route->direction;
  self->up = eventfd (0, EFD_CLOEXEC);
  self->down = eventfd (0, EFD_CLOEXEC);
  self->main_loop = eventfd (0, EFD_CLOEXEC);
  self->thread = eventfd (0, EFD_CLOEXEC);
  self->relay = g_thread_new ("bench-monitor", monitor_thread, self);
  self->source = g_unix_fd_add (self->main_loop, G_IO_IN, rung_cb, self);
  fds[0] = fcntl (self->up, F_DUPFD_CLOEXEC, 0);
  fds[1] = fcntl (self->down, F_DUPFD_CLOEXEC, 0);
  return bench_route_spawn (route, "-", fds, G_N_ELEMENTS (fds), error) ? self : NULL;
}

static void
floor_close (BenchRoute *route)
{
  Floor *self = route->end;
  const int fds[] = {self->up, self->down, self->main_loop, self->thread};

  g_source_remove (self->source);
  atomic_store (&self->stopping, TRUE);
  ring (self->up);
  g_thread_join (self->relay);
  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
  g_free (self);
}

/* ---- the worker ---- */

static gpointer
reader_thread (gpointer data)
{
  Floor *self = data;

  for (;;)
    {
      hush (self->down);
      ring (self->thread);
    }
  return NULL;
}

/* Without a thread that asks or answers, the reader rings up by itself. */
static gpointer
floor_attach (BenchDirection direction, guint n_threads, const char *address, GError **error)
{
  Floor *self = g_new0 (Floor, 1);

  self->direction = direction;
  self->up = WORKER_UP;
  self->down = WORKER_DOWN;
  self->thread = WORKER_DOWN;
  if (direction == BENCH_WORKER_TO_MAIN || n_threads > 0)
    {
      self->thread = eventfd (0, EFD_CLOEXEC);
      self->relay = g_thread_new ("bench-reader", reader_thread, self);
    }
  return self;
}

static void
floor_serve (gpointer end)
{
  Floor *self = end;

  for (;;)
    {
      hush (self->thread);
      ring (self->up);
    }
}

/* ---- who asks ---- */

static void
floor_ask (BenchSlot *slot)
{
  Floor *self = slot->trips->end;

  self->slot = slot;
  ring (self->down);
}

static gboolean
floor_transact (BenchSlot *slot)
{
  Floor *self = slot->trips->end;

  ring (self->direction == BENCH_WORKER_TO_MAIN ? self->up : self->down);
  hush (self->thread);
  return bench_slot_end (slot, NULL, 0);
}

const BenchRoad bench_road_floor = {
  .name = "floor",
  .open = floor_open,
  .close = floor_close,
  .attach = floor_attach,
  .serve = floor_serve,
  .ask = floor_ask,
  .transact = floor_transact,
};
