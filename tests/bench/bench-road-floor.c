/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The floor of round trips, one at a time: nothing but wake-ups, one for each process that a request or an answer gets
 * to. The thread that asks is woken by the one that answers, whichever thread of Ferry receives.
 *
 * worker to main:     asker, main loop, asker
 * main to worker:     main loop, worker, main loop; with a pool: main loop, reader, pool, main loop
 * threads to worker:  asker, worker, asker */

#include "config.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench-team.h"
#include "bench-trips.h"

#define WORKER_UP 3
#define WORKER_DOWN 4

typedef struct
{
  BenchDirection direction;
  int up;     /* (owned): wakes the application: its main loop, or the thread that asks */
  int down;   /* (owned): wakes the worker */
  int thread; /* (owned): wakes the thread of the worker that answers: a pool's, or the same as down */
  BenchSlot *slot;
  GThread *relay; /* (nullable): the worker's reader, with a pool */
  guint source;   /* 0: no main loop takes part */
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

static gboolean
rung_cb (int fd, GIOCondition condition, gpointer data)
{
  Floor *self = data;

  hush (fd);
  if (self->direction == BENCH_WORKER_TO_MAIN)
    ring (self->down);
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
  if (self->direction != BENCH_THREADS_TO_WORKER)
    self->source = g_unix_fd_add (self->up, G_IO_IN, rung_cb, self);
  fds[0] = fcntl (self->up, F_DUPFD_CLOEXEC, 0);
  fds[1] = fcntl (self->down, F_DUPFD_CLOEXEC, 0);
  return bench_route_spawn (route, "-", fds, G_N_ELEMENTS (fds), error) ? self : NULL;
}

static void
floor_close (BenchRoute *route)
{
  Floor *self = route->end;

  g_clear_handle_id (&self->source, g_source_remove);
  close (self->up);
  close (self->down);
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

static gpointer
floor_attach (BenchDirection direction, guint n_threads, const char *address, GError **error)
{
  Floor *self = g_new0 (Floor, 1);

  self->direction = direction;
  self->up = WORKER_UP;
  self->down = WORKER_DOWN;
  self->thread = WORKER_DOWN;
  if (n_threads > 0)
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
  hush (self->direction == BENCH_WORKER_TO_MAIN ? self->down : self->up);
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
