/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Round trips of transactions, one at a time and 64 under way, beside peers and a floor of bare wake-ups.
 *
 * All routes stand open at once and are used in turn, a short while each, so that all see the same moods of the
 * machine. Where there is one trip at a time, a ratio is that of a block to the block of the floor in the same turn;
 * where there are many, that of windows in the same round. */

#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "bench-crew.h"
#include "bench-python.h"
#include "bench-trips.h"

#define BLOCK 50 /* trips, one at a time */
#define QUICK_BLOCK 20
#define MAX_PAIRS 100
#define QUICK_PAIRS 30
#define MAX_ROUNDS 16
#define MANY BENCH_MAX_IN_FLIGHT

enum
{
  UP_FLOOR,
  UP_FERRY,
  UP_ZEROMQ,
  UP_GDBUS,
  DOWN_FLOOR,
  DOWN_FERRY,
  DOWN_ASYNC,
  DOWN_ZEROMQ,
  DOWN_GDBUS,
  POOL_FLOOR,
  POOL_FERRY,
  THREADS_FLOOR,
  THREADS_FERRY,
  THREADS_ZEROMQ,
  THREADS_GDBUS,
  SOCKET,
  N_ROUTES,
};

#define UP "worker-to-main/"
#define DOWN "main-to-worker/"
#define THREADS "threads-to-worker/"

static BenchRoute routes[N_ROUTES] = {
  [UP_FLOOR] = {UP "floor", &bench_road_floor, BENCH_WORKER_TO_MAIN, 0},
  [UP_FERRY] = {UP "ferry", &bench_road_ferry, BENCH_WORKER_TO_MAIN, 0},
  [UP_ZEROMQ] = {UP "zeromq", &bench_road_zeromq, BENCH_WORKER_TO_MAIN, 0},
  [UP_GDBUS] = {UP "gdbus", &bench_road_gdbus, BENCH_WORKER_TO_MAIN, 0},
  [DOWN_FLOOR] = {DOWN "floor", &bench_road_floor, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_FERRY] = {DOWN "ferry", &bench_road_ferry, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_ASYNC] = {DOWN "ferry-async", &bench_road_ferry_async, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_ZEROMQ] = {DOWN "zeromq", &bench_road_zeromq, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_GDBUS] = {DOWN "gdbus", &bench_road_gdbus, BENCH_MAIN_TO_WORKER, 0},
  [POOL_FLOOR] = {DOWN "floor-pool", &bench_road_floor, BENCH_MAIN_TO_WORKER, 1},
  [POOL_FERRY] = {DOWN "ferry-pool", &bench_road_ferry, BENCH_MAIN_TO_WORKER, 1},
  [THREADS_FLOOR] = {THREADS "floor", &bench_road_floor, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_FERRY] = {THREADS "ferry", &bench_road_ferry, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_ZEROMQ] = {THREADS "zeromq", &bench_road_zeromq, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_GDBUS] = {THREADS "gdbus", &bench_road_gdbus, BENCH_THREADS_TO_WORKER, 0},
  [SOCKET] = {"echo/socketpair", &bench_road_socket, BENCH_THREAD_TO_THREAD, 0},
};

/* What is compared with what: routes, or N_ROUTES for none. */
static const struct
{
  const char *name;
  int ferry;
  int floor;
  int zeromq;
  int gdbus;
} comparisons[] = {
  {UP "ferry", UP_FERRY, UP_FLOOR, UP_ZEROMQ, UP_GDBUS},
  {DOWN "ferry", DOWN_FERRY, DOWN_FLOOR, DOWN_ZEROMQ, DOWN_GDBUS},
  {DOWN "ferry-async", DOWN_ASYNC, DOWN_FLOOR, DOWN_ZEROMQ, DOWN_GDBUS},
  {DOWN "ferry-pool", POOL_FERRY, POOL_FLOOR, DOWN_ZEROMQ, DOWN_GDBUS},
  {THREADS "ferry", THREADS_FERRY, THREADS_FLOOR, THREADS_ZEROMQ, THREADS_GDBUS},
};

static const struct
{
  const char *name;
  guint32 bytes;
} sizes[] = {{"64B", 64}, {"4KiB", 4096}};

typedef struct
{
  const BenchOptions *options;
  BenchPython *python; /* (owned) (nullable) */
  guint block;
  guint n_pairs;
} Bench;

/* A row's name may be given with its size and how many are under way, or without. */
static gboolean
is_wanted (const Bench *self, const char *route, guint size, guint in_flight)
{
  g_autofree char *row = g_strdup_printf ("transact/%s/%u/%s", sizes[size].name, in_flight, route);

  return self->options->only == NULL || g_str_has_suffix (row, self->options->only);
}

static gboolean
is_measured (const Bench *self, int route, guint size, guint in_flight)
{
  return routes[route].end != NULL && is_wanted (self, routes[route].name, size, in_flight);
}

static void
open_routes (const BenchOptions *options)
{
  for (int i = 0; i < N_ROUTES; i++)
    {
      BenchRoute *route = &routes[i];
      g_autoptr (GError) error = NULL;

      route->orders = -1;
      if (options->only != NULL && !g_str_has_suffix (route->name, options->only) &&
          !g_str_has_suffix (options->only, route->name))
        continue;
      if (route->road->open == NULL)
        {
          bench_comment ("transact/%s skipped: it is not installed", route->name);
          continue;
        }
      route->end = route->road->open (route, &error);
      if (route->end == NULL)
        bench_fail (route->name, error);
      route->trips = bench_trips_new (route->road, route->end);
    }
}

static void
close_routes (void)
{
  for (int i = 0; i < N_ROUTES; i++)
    {
      BenchRoute *route = &routes[i];

      if (route->end == NULL)
        continue;
      if (route->process != NULL)
        {
          g_subprocess_force_exit (route->process);
          g_subprocess_wait (route->process, NULL, NULL);
          g_clear_object (&route->process);
        }
      route->road->close (route);
      bench_trips_free (route->trips);
      if (route->orders >= 0)
        close (route->orders);
    }
}

static void
print_row (guint size, guint in_flight, const char *route, double value, const char *unit)
{
  g_autofree char *name = g_strdup_printf ("transact/%s/%u/%s", sizes[size].name, in_flight, route);

  bench_print (name, value, unit);
}

static void
print_ratio (guint size, guint in_flight, const char *route, const char *versus, double value, const char *budget)
{
  g_autofree char *name = g_strdup_printf ("ratio/transact/%s/%u/%s-vs-%s", sizes[size].name, in_flight, route, versus);

  bench_print (name, value, "x");
  if (budget != NULL)
    bench_print_budget (budget);
}

static double
ask_python (Bench *self, guint size, guint in_flight, guint n)
{
  g_autofree char *what = g_strdup_printf ("pipe/%u/%u", sizes[size].bytes, in_flight);

  return bench_python_ask (self->python, what, n);
}

/* ---- one at a time ---- */

static void
run_block (Bench *self, int route, guint size, double *median)
{
  const BenchOrders orders = {1, sizes[size].bytes, self->block, G_MAXINT32 * G_GINT64_CONSTANT (100)};

  if (is_measured (self, route, size, 1))
    *median = bench_route_run (&routes[route], &orders).median / 1e3;
}

static void
print_floor_ratios (guint size, double (*medians)[MAX_PAIRS], guint n_pairs)
{
  for (gsize i = 0; i < G_N_ELEMENTS (comparisons); i++)
    {
      const double *ferry = medians[comparisons[i].ferry];
      const double *base = medians[comparisons[i].floor];
      double ratios[MAX_PAIRS];

      if (ferry[0] == 0 || base[0] == 0)
        continue;
      for (guint pair = 0; pair < n_pairs; pair++)
        ratios[pair] = ferry[pair] / base[pair];
      print_ratio (size, 1, comparisons[i].name, "floor", bench_quantile (ratios, n_pairs, 0.25),
                   "<= 1.3: the lower quartile over pairs of blocks");
      print_ratio (size, 1, comparisons[i].name, "floor-median", bench_median (ratios, n_pairs), NULL);
    }
}

/* Medians of blocks, in µs. */
static void
measure_single (Bench *self, guint size)
{
  double medians[N_ROUTES + 1][MAX_PAIRS] = {0};
  double unused;

  for (int route = 0; route < N_ROUTES; route++)
    run_block (self, route, size, &unused);
  for (guint pair = 0; pair < self->n_pairs; pair++)
    {
      for (int route = 0; route < N_ROUTES; route++)
        run_block (self, route, size, &medians[route][pair]);
      if (self->python != NULL)
        medians[N_ROUTES][pair] = ask_python (self, size, 1, self->block) / 1e3;
    }
  for (int route = 0; route < N_ROUTES; route++)
    if (is_measured (self, route, size, 1))
      print_row (size, 1, routes[route].name, bench_median (medians[route], self->n_pairs), "us");
  if (self->python != NULL)
    print_row (size, 1, "echo/python", bench_median (medians[N_ROUTES], self->n_pairs), "us");
  print_floor_ratios (size, medians, self->n_pairs);
}

/* ---- many ---- */

static gboolean
has_many (const Bench *self, int route, guint size)
{
  return is_measured (self, route, size, MANY) && routes[route].road != &bench_road_floor;
}

static double
run_window (int route, guint size, gint64 duration)
{
  const BenchOrders orders = {MANY, sizes[size].bytes, G_MAXUINT64, duration};
  const BenchReport report = bench_route_run (&routes[route], &orders);

  return report.n_done * 1e9 / report.elapsed;
}

static void
print_peer_ratios (guint size, double (*rates)[MAX_ROUNDS], guint n_rounds)
{
  for (gsize i = 0; i < G_N_ELEMENTS (comparisons); i++)
    {
      const double *ferry = rates[comparisons[i].ferry];
      const double *zeromq = rates[comparisons[i].zeromq];
      const double *gdbus = rates[comparisons[i].gdbus];

      if (ferry[0] > 0 && gdbus[0] > 0)
        print_ratio (size, MANY, comparisons[i].name, "gdbus", bench_median_ratio (ferry, gdbus, n_rounds), ">= 15");
      if (ferry[0] > 0 && zeromq[0] > 0)
        print_ratio (size, MANY, comparisons[i].name, "zeromq", bench_median_ratio (ferry, zeromq, n_rounds), ">= 1.2");
    }
}

/* Trips a second. */
static void
measure_many (Bench *self, guint size)
{
  const BenchOptions *options = self->options;
  double rates[N_ROUTES + 1][MAX_ROUNDS] = {0};

  for (guint round = 0; round < options->rounds; round++)
    {
      for (int route = 0; route < N_ROUTES; route++)
        if (has_many (self, route, size))
          {
            run_window (route, size, options->warm_up);
            rates[route][round] = run_window (route, size, options->window);
          }
      if (self->python != NULL)
        rates[N_ROUTES][round] = ask_python (self, size, MANY, options->quick ? 2000 : 10000);
    }
  for (int route = 0; route < N_ROUTES; route++)
    if (has_many (self, route, size))
      print_row (size, MANY, routes[route].name, bench_median (rates[route], options->rounds), "calls/s");
  if (self->python != NULL)
    print_row (size, MANY, "echo/python", bench_median (rates[N_ROUTES], options->rounds), "calls/s");
  print_peer_ratios (size, rates, options->rounds);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  Bench self = {.options = &options};

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  self.block = options.quick ? QUICK_BLOCK : BLOCK;
  self.n_pairs = options.quick ? QUICK_PAIRS : MAX_PAIRS;
  open_routes (&options);
  if (options.only == NULL)
    self.python = bench_python_new ("transact/echo/python");
  for (guint size = 0; size < G_N_ELEMENTS (sizes); size++)
    {
      measure_single (&self, size);
      measure_many (&self, size);
    }
  bench_python_free (self.python);
  close_routes ();
  return EXIT_SUCCESS;
}
