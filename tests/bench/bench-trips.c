/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-trips.h"

#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench-team.h"

BenchTrips *
bench_trips_new (const BenchRoad *road, gpointer end)
{
  BenchTrips *self = g_new0 (BenchTrips, 1);

  self->road = road;
  self->end = end;
  sem_init (&self->over, 0, 0);
  for (guint i = 0; i < G_N_ELEMENTS (self->slots); i++)
    {
      self->slots[i].trips = self;
      self->slots[i].index = i;
    }
  return self;
}

static void
trips_free (BenchTrips *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->slots); i++)
    g_free (self->slots[i].message);
  sem_destroy (&self->over);
  g_free (self);
}

/* ---- a slot ---- */

static void
slot_stamp (BenchSlot *self)
{
  self->message->sequence = (guint64) self->index << 32 | self->n_done;
  self->started = bench_now ();
}

static gboolean
ask_after_pause (gpointer data)
{
  BenchSlot *self = data;

  slot_stamp (self);
  self->trips->road->ask (self);
  return G_SOURCE_REMOVE;
}

/* Returns FALSE where the slot asks later. */
static gboolean
pause_slot (BenchSlot *self)
{
  const guint32 pause = self->trips->orders.pause;

  if (pause > 0 && !self->trips->waits)
    {
      g_timeout_add_full (G_PRIORITY_DEFAULT, pause, ask_after_pause, self, NULL);
      return FALSE;
    }
  if (pause > 0)
    g_usleep (pause * G_GUINT64_CONSTANT (1000));
  slot_stamp (self);
  return TRUE;
}

/* Takes the answer, which must be what was asked; data: NULL where a message has no content. Returns whether the caller
 * is to ask again now. */
gboolean
bench_slot_end (BenchSlot *self, gconstpointer data, gsize size)
{
  BenchTrips *trips = self->trips;
  const gint64 now = bench_now ();

  if (data != NULL && (size != trips->orders.size || memcmp (data, self->message, size) != 0))
    atomic_fetch_add (&trips->n_wrong, 1);
  if (trips->orders.in_flight == 1 && self->n_done < BENCH_MAX_TIMED)
    trips->times[self->n_done] = now - self->started;
  self->n_done++;
  if (self->n_done < trips->orders.most && now < trips->until)
    return pause_slot (self);
  if (atomic_fetch_sub (&trips->n_under_way, 1) == 1)
    sem_post (&trips->over);
  return FALSE;
}

/* The slot that asked what is answered here, for roads that do not know it. */
BenchSlot *
bench_trips_find (BenchTrips *self, gconstpointer data, gsize size)
{
  guint64 sequence = G_MAXUINT64;

  memcpy (&sequence, data, MIN (size, sizeof sequence));
  if (sequence >> 32 >= self->orders.in_flight)
    bench_fail ("an answer that nobody asked for", NULL);
  return &self->slots[sequence >> 32];
}

/* ---- a run ---- */

static void
begin (BenchTrips *self, const BenchOrders *orders)
{
  g_assert (orders->in_flight <= G_N_ELEMENTS (self->slots));
  if (orders->size != self->orders.size)
    for (guint i = 0; i < G_N_ELEMENTS (self->slots); i++)
      {
        g_free (self->slots[i].message);
        self->slots[i].message = bench_message_new (orders->size);
      }
  self->orders = *orders;
  self->until = bench_now () + orders->duration;
  for (guint i = 0; i < orders->in_flight; i++)
    self->slots[i].n_done = 0;
  atomic_store (&self->n_under_way, orders->in_flight);
  atomic_store (&self->n_wrong, 0);
}

static BenchReport
report (BenchTrips *self, gint64 elapsed)
{
  BenchReport report = {.n_wrong = atomic_load (&self->n_wrong), .elapsed = elapsed};
  double times[BENCH_MAX_TIMED];
  guint n_times;

  for (guint i = 0; i < self->orders.in_flight; i++)
    report.n_done += self->slots[i].n_done;
  n_times = self->orders.in_flight == 1 ? MIN (report.n_done, BENCH_MAX_TIMED) : 0;
  for (guint i = 0; i < n_times; i++)
    times[i] = self->times[i];
  report.median = (gint64) bench_quantile (times, n_times, 0.5);
  return report;
}

static void
transact_until_over (BenchSlot *self)
{
  slot_stamp (self);
  while (self->trips->road->transact (self))
    ;
}

void
bench_trips_run_main_context (BenchTrips *self)
{
  while (atomic_load (&self->n_under_way) > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
wait_until_over (BenchTrips *self)
{
  while (sem_wait (&self->over) != 0)
    ;
}

/* All slots on this thread: one at a time waits, more are asked without waiting. */
static BenchReport
run_here (BenchTrips *self, const BenchOrders *orders)
{
  gint64 started;

  begin (self, orders);
  self->waits = orders->in_flight == 1 && self->road->transact != NULL;
  started = bench_now ();
  if (self->waits)
    transact_until_over (&self->slots[0]);
  else
    {
      for (guint i = 0; i < orders->in_flight; i++)
        {
          slot_stamp (&self->slots[i]);
          self->road->ask (&self->slots[i]);
        }
      if (self->road->wait != NULL)
        self->road->wait (self->end, self);
    }
  wait_until_over (self);
  return report (self, bench_now () - started);
}

static gpointer
slot_thread (gpointer data)
{
  BenchSlot *self = data;

  transact_until_over (self);
  if (atomic_load (&self->trips->n_under_way) == 0)
    g_main_context_wakeup (NULL);
  return NULL;
}

/* A thread for each slot, while the main loop runs here. */
static BenchReport
run_threads (BenchTrips *self, const BenchOrders *orders)
{
  GThread *threads[BENCH_MAX_IN_FLIGHT];
  gint64 started, ended;

  begin (self, orders);
  self->waits = TRUE;
  started = bench_now ();
  for (guint i = 0; i < orders->in_flight; i++)
    threads[i] = g_thread_new ("bench-asker", slot_thread, &self->slots[i]);
  bench_trips_run_main_context (self);
  ended = bench_now ();
  for (guint i = 0; i < orders->in_flight; i++)
    g_thread_join (threads[i]);
  wait_until_over (self);
  return report (self, ended - started);
}

/* main: from its own loop. */
static BenchReport
run_main (BenchTrips *self, const BenchOrders *orders)
{
  gint64 started;

  begin (self, orders);
  self->waits = FALSE;
  started = bench_now ();
  for (guint i = 0; i < orders->in_flight; i++)
    {
      slot_stamp (&self->slots[i]);
      self->road->ask (&self->slots[i]);
    }
  bench_trips_run_main_context (self);
  wait_until_over (self);
  return report (self, bench_now () - started);
}

/* In a worker: runs what is ordered until the application has enough. */
void
bench_trips_obey (BenchTrips *self)
{
  BenchOrders orders;

  while (read (BENCH_ORDERS, &orders, sizeof orders) == sizeof orders)
    {
      const BenchReport told = run_here (self, &orders);

      if (write (BENCH_ORDERS, &told, sizeof told) != sizeof told)
        return;
    }
}

/* ---- a route ---- */

void
bench_route_open (BenchRoute *self)
{
  g_autoptr (GError) error = NULL;

  self->end = self->road->open (self, &error);
  if (self->end == NULL)
    bench_fail (self->name, error);
  self->trips = bench_trips_new (self->road, self->end);
}

void
bench_route_close (BenchRoute *self)
{
  if (self->process != NULL)
    {
      g_subprocess_force_exit (self->process);
      g_subprocess_wait (self->process, NULL, NULL);
      g_clear_object (&self->process);
    }
  self->road->close (self);
  trips_free (self->trips);
  if (self->orders >= 0)
    close (self->orders);
}

static gboolean
reported_cb (int fd, GIOCondition condition, gpointer data)
{
  BenchReport *report = data;

  if (read (fd, report, sizeof *report) != sizeof *report)
    bench_fail ("a worker has ended", NULL);
  return G_SOURCE_REMOVE;
}

static BenchReport
run_worker (BenchRoute *self, const BenchOrders *orders)
{
  BenchReport told = {.elapsed = -1};

  g_unix_fd_add (self->orders, G_IO_IN | G_IO_HUP, reported_cb, &told);
  if (write (self->orders, orders, sizeof *orders) != sizeof *orders)
    bench_fail ("a worker takes no orders", NULL);
  while (told.elapsed < 0)
    g_main_context_iteration (NULL, TRUE);
  return told;
}

BenchReport
bench_route_run (BenchRoute *self, const BenchOrders *orders)
{
  BenchReport told;

  switch (self->direction)
    {
    case BENCH_WORKER_TO_MAIN:
      told = run_worker (self, orders);
      break;
    case BENCH_MAIN_TO_WORKER:
      told = run_main (self->trips, orders);
      break;
    case BENCH_THREADS_TO_WORKER:
      told = run_threads (self->trips, orders);
      break;
    case BENCH_THREAD_TO_THREAD:
    default:
      told = run_here (self->trips, orders);
      break;
    }
  if (told.n_wrong > 0)
    bench_fail ("an answer was not what was asked", NULL);
  return told;
}

char **
bench_route_argv (const BenchRoute *self, const char *address)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  g_autofree char *path = bench_path_beside ("bench-transact-worker");
  g_autofree char *direction = g_strdup_printf ("%d", self->direction);
  g_autofree char *n_threads = g_strdup_printf ("%u", self->n_threads);

  g_strv_builder_add_many (argv, path, self->road->name, direction, n_threads, address, NULL);
  return g_strv_builder_end (argv);
}

/* Returns (transfer full): what becomes the worker's standard input. */
int
bench_route_take_orders_fd (BenchRoute *self)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
    bench_fail ("a socket for orders", NULL);
  self->orders = fds[0];
  return fds[1];
}

gboolean
bench_route_spawn (BenchRoute *self, const char *address, const int *fds, guint n_fds, GError **error)
{
  g_auto (GStrv) argv = bench_route_argv (self, address);

  self->process = bench_spawn (argv, bench_route_take_orders_fd (self), fds, n_fds, error);
  if (self->process == NULL)
    return FALSE;
  self->pid = (GPid) g_ascii_strtoll (g_subprocess_get_identifier (self->process), NULL, 10);
  return TRUE;
}
