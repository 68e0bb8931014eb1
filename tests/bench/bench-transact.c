/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Round trips of transactions, one at a time and 64 under way, beside peers and a floor of bare wake-ups.
 *
 * All routes stand open at once and are used in turn, a short while each, so that all see the same moods of the
 * machine. Where there is one trip at a time, a ratio is that of a block to the block of the floor in the same turn;
 * where there are many, that of windows in the same round. */

#include "config.h"

#include <stdlib.h>

#include "bench-placement.h"
#include "bench-python.h"
#include "bench-team.h"
#include "bench-trips.h"
#include "bench-wakes.h"

#define BLOCK 50 /* trips, one at a time */
#define QUICK_BLOCK 20
#define MAX_PAIRS 100
#define QUICK_PAIRS 30
#define PACED_PART 5 /* of the pairs, where each trip waits for a pause */
#define ROUNDS 11    /* every way has a fast and a slow state, and stays in either for a while */
#define MANY BENCH_MAX_IN_FLIGHT
#define MANY_KIND G_STRINGIFY (BENCH_MAX_IN_FLIGHT)

enum
{
  UP_FLOOR,
  UP_FERRY,
  UP_BYTES,
  UP_ZEROMQ,
  UP_GDBUS,
  DOWN_FLOOR,
  DOWN_FERRY,
  DOWN_BYTES,
  DOWN_ASYNC,
  DOWN_ZEROMQ,
  DOWN_GDBUS,
  DEFAULT_FERRY,
  THREADS_FLOOR,
  THREADS_FERRY,
  THREADS_BYTES,
  THREADS_ZEROMQ,
  THREADS_GDBUS,
  SOCKET,
  SOCKET_APART,
  N_ROUTES,
};

#define UP "worker-to-main/"
#define DOWN "main-to-worker/"
#define THREADS "threads-to-worker/"
#define WAKES THREADS "wakes"

/* Ferry's are eight: with more links than that, the main loop does not spin. */
static BenchRoute routes[N_ROUTES] = {
  [UP_FLOOR] = {UP "floor", &bench_road_floor, BENCH_WORKER_TO_MAIN, 0},
  [UP_FERRY] = {UP "ferry", &bench_road_ferry, BENCH_WORKER_TO_MAIN, 0},
  [UP_BYTES] = {UP "ferry-bytes", &bench_road_ferry_bytes, BENCH_WORKER_TO_MAIN, 0},
  [UP_ZEROMQ] = {UP "zeromq", &bench_road_zeromq, BENCH_WORKER_TO_MAIN, 0},
  [UP_GDBUS] = {UP "gdbus", &bench_road_gdbus, BENCH_WORKER_TO_MAIN, 0},
  [DOWN_FLOOR] = {DOWN "floor", &bench_road_floor, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_FERRY] = {DOWN "ferry", &bench_road_ferry, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_BYTES] = {DOWN "ferry-bytes", &bench_road_ferry_bytes, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_ASYNC] = {DOWN "ferry-async", &bench_road_ferry_async, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_ZEROMQ] = {DOWN "zeromq", &bench_road_zeromq, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_GDBUS] = {DOWN "gdbus", &bench_road_gdbus, BENCH_MAIN_TO_WORKER, 0},
  [DEFAULT_FERRY] = {DOWN "ferry-default", &bench_road_ferry, BENCH_MAIN_TO_WORKER, BENCH_DEFAULT_THREADS},
  [THREADS_FLOOR] = {THREADS "floor", &bench_road_floor, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_FERRY] = {THREADS "ferry", &bench_road_ferry, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_BYTES] = {THREADS "ferry-bytes", &bench_road_ferry_bytes, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_ZEROMQ] = {THREADS "zeromq", &bench_road_zeromq, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_GDBUS] = {THREADS "gdbus", &bench_road_gdbus, BENCH_THREADS_TO_WORKER, 0},
  [SOCKET] = {"echo/socketpair", &bench_road_socket, BENCH_THREAD_TO_THREAD, 0},
  [SOCKET_APART] = {"echo/socketpair-apart", &bench_road_socket, BENCH_THREAD_TO_THREAD, 0, TRUE},
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
  {UP "ferry-bytes", UP_BYTES, UP_FLOOR, UP_ZEROMQ, UP_GDBUS},
  {DOWN "ferry", DOWN_FERRY, DOWN_FLOOR, DOWN_ZEROMQ, DOWN_GDBUS},
  {DOWN "ferry-bytes", DOWN_BYTES, DOWN_FLOOR, DOWN_ZEROMQ, DOWN_GDBUS},
  {DOWN "ferry-async", DOWN_ASYNC, DOWN_FLOOR, DOWN_ZEROMQ, DOWN_GDBUS},
  {DOWN "ferry-default", DEFAULT_FERRY, DOWN_FLOOR, DOWN_ZEROMQ, DOWN_GDBUS},
  {THREADS "ferry", THREADS_FERRY, THREADS_FLOOR, THREADS_ZEROMQ, THREADS_GDBUS},
  {THREADS "ferry-bytes", THREADS_BYTES, THREADS_FLOOR, THREADS_ZEROMQ, THREADS_GDBUS},
};

/* A program that chose no thread against one that chose the thread that receives. */
#define DEFAULT_BUDGET "<= 1.3: the lower quartile over pairs of blocks"
#define DEFAULT_MANY_BUDGET ">= 0.77: 1 / 1.3"

static const struct
{
  const char *name;
  guint32 bytes;
} sizes[] = {{"64B", 64}, {"4KiB", 4096}};

/* Of one trip at a time. */
typedef struct
{
  BenchPlacement placement;
  guint32 pause; /* ms */
  const char *kind;
  const char *vs_floor; /* budgets; (nullable) */
  const char *vs_pipe;
} Pace;

static const Pace paces[] = {
  {BENCH_PLACEMENT_ONE_CORE, 0, "1/one-core", NULL, "<= 1.3: the lower quartile over pairs of blocks"},
  {BENCH_PLACEMENT_TWO_CORES, 0, "1/two-cores", NULL, "<= 0.5: the lower quartile over pairs of blocks"},
  {BENCH_PLACEMENT_ONE_CORE, 1, "paced/one-core", "<= 1.3: the lower quartile over pairs of blocks",
   "<= 1.5: the lower quartile over pairs of blocks"},
  {BENCH_PLACEMENT_TWO_CORES, 1, "paced/two-cores", "<= 1.3: the lower quartile over pairs of blocks",
   "<= 1.5: the lower quartile over pairs of blocks"},
};

typedef struct
{
  const BenchOptions *options;
  BenchPython *python; /* (owned) (nullable) */
  guint block;
  guint n_pairs;
  guint n_rounds;
  guint64 spin_time; /* µs, of Ferry's blocks since the latest row */
  gint64 elapsed;    /* ns, of the same blocks */
} Bench;

/* A row's name may be given with its size and what goes before the route's name, or without. */
static gboolean
is_wanted (const Bench *self, const char *route, guint size, const char *kind)
{
  g_autofree char *row = g_strdup_printf ("transact/%s/%s/%s", sizes[size].name, kind, route);

  return self->options->only == NULL || g_str_has_suffix (row, self->options->only);
}

static gboolean
is_measured (const Bench *self, int route, guint size, const char *kind)
{
  return routes[route].end != NULL && is_wanted (self, routes[route].name, size, kind);
}

static void
open_routes (const BenchOptions *options)
{
  for (int i = 0; i < N_ROUTES; i++)
    {
      BenchRoute *route = &routes[i];

      route->orders = -1;
      if (options->only != NULL && !g_str_has_suffix (route->name, options->only) &&
          !g_str_has_suffix (options->only, route->name))
        continue;
      if (route->road->open == NULL)
        {
          bench_comment ("transact/%s skipped: it is not installed", route->name);
          continue;
        }
      bench_route_open (route);
    }
}

static void
close_routes (void)
{
  for (int i = 0; i < N_ROUTES; i++)
    if (routes[i].end != NULL)
      bench_route_close (&routes[i]);
}

static void
print_row (guint size, const char *kind, const char *route, double value, const char *unit)
{
  g_autofree char *name = g_strdup_printf ("transact/%s/%s/%s", sizes[size].name, kind, route);

  bench_print (name, value, unit);
}

static void
print_ratio (guint size, const char *kind, const char *route, const char *versus, double value, const char *budget)
{
  g_autofree char *name = g_strdup_printf ("ratio/transact/%s/%s/%s-vs-%s", sizes[size].name, kind, route, versus);

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

static guint
get_n_pairs (const Bench *self, const Pace *pace)
{
  return pace->pause > 0 ? self->n_pairs / PACED_PART : self->n_pairs;
}

static gboolean
is_single (const Bench *self, int route, guint size, const Pace *pace)
{
  return is_measured (self, route, size, pace->kind) && (pace->pause == 0 || size == 0);
}

static void
run_block (Bench *self, int route, guint size, const Pace *pace, double *median)
{
  const BenchOrders orders = {1, sizes[size].bytes, self->block, G_MAXINT32 * G_GINT64_CONSTANT (100), pace->pause};

  const guint64 before = bench_road_ferry_get_spin_time ();
  guint64 spun;
  BenchReport report;

  if (!is_single (self, route, size, pace))
    return;
  report = bench_route_run (&routes[route], &orders);
  spun = bench_road_ferry_get_spin_time () - before;
  self->spin_time += spun;
  self->elapsed += spun > 0 ? report.elapsed : 0;
  *median = report.median / 1e3;
}

/* The lower quartile over pairs, and the middle. */
static void
print_pair_ratios (guint size, const Pace *pace, const char *route, const char *versus, const double *own,
                   const double *other, guint n_pairs, const char *budget)
{
  g_autofree char *middle = g_strconcat (versus, "-median", NULL);
  double ratios[MAX_PAIRS];

  if (own[0] == 0 || other[0] == 0)
    return;
  for (guint pair = 0; pair < n_pairs; pair++)
    ratios[pair] = own[pair] / other[pair];
  print_ratio (size, pace->kind, route, versus, bench_quantile (ratios, n_pairs, 0.25), budget);
  print_ratio (size, pace->kind, route, middle, bench_median (ratios, n_pairs), NULL);
}

/* Medians of blocks, in µs. */
static void
measure_single (Bench *self, guint size, const Pace *pace)
{
  const guint n_pairs = get_n_pairs (self, pace);
  double medians[N_ROUTES][MAX_PAIRS] = {0};

  for (guint pair = 0; pair < n_pairs; pair++)
    for (int route = 0; route < N_ROUTES; route++)
      run_block (self, route, size, pace, &medians[route][pair]);
  for (int route = 0; route < N_ROUTES; route++)
    if (is_single (self, route, size, pace))
      print_row (size, pace->kind, routes[route].name, bench_median (medians[route], n_pairs), "us");
  if (self->elapsed > 0)
    print_row (size, pace->kind, "polling", self->spin_time * 1e3 / self->elapsed, "of-time");
  self->spin_time = 0;
  self->elapsed = 0;
  for (gsize i = 0; i < G_N_ELEMENTS (comparisons); i++)
    {
      const double *own = medians[comparisons[i].ferry];

      print_pair_ratios (size, pace, comparisons[i].name, "floor", own, medians[comparisons[i].floor], n_pairs,
                         pace->vs_floor);
      print_pair_ratios (size, pace, comparisons[i].name, "socketpair", own, medians[SOCKET], n_pairs, pace->vs_pipe);
      if (pace->placement == BENCH_PLACEMENT_TWO_CORES)
        print_pair_ratios (size, pace, comparisons[i].name, "socketpair-apart", own, medians[SOCKET_APART], n_pairs,
                           pace->vs_pipe);
    }
  print_pair_ratios (size, pace, routes[DEFAULT_FERRY].name, "ferry", medians[DEFAULT_FERRY], medians[DOWN_FERRY],
                     n_pairs, DEFAULT_BUDGET);
}

/* What one trip of a hundred takes: of trips one after the other, since a block has too few. */
static void
measure_p99 (Bench *self, guint size, const Pace *pace)
{
  const BenchOrders orders = {1, sizes[size].bytes, (guint64) bench_choose (self->options, 10, 1000, BENCH_MAX_TIMED),
                              G_MAXINT32 * G_GINT64_CONSTANT (100), 0};

  for (int route = 0; route < N_ROUTES; route++)
    if (size == 0 && pace->pause == 0 && is_single (self, route, size, pace))
      {
        g_autofree char *name = g_strconcat (routes[route].name, "/p99", NULL);

        print_row (size, pace->kind, name, bench_route_run (&routes[route], &orders).p99 / 1e3, "us");
      }
}

static void
measure_singles (Bench *self, guint size)
{
  double unused;

  for (gsize i = 0; i < G_N_ELEMENTS (paces); i++)
    {
      if (!bench_placement_is_possible (paces[i].placement))
        {
          bench_comment ("transact/%s/%s skipped: it takes two cores", sizes[size].name, paces[i].kind);
          continue;
        }
      /* An answer from everywhere first: then all threads that are to be placed are there. */
      for (int route = 0; route < N_ROUTES; route++)
        run_block (self, route, size, &paces[i], &unused);
      bench_place_routes (paces[i].placement, routes, N_ROUTES);
      measure_single (self, size, &paces[i]);
      measure_p99 (self, size, &paces[i]);
    }
  bench_place_routes (BENCH_PLACEMENT_FREE, routes, N_ROUTES);
  if (self->python != NULL)
    print_row (size, "1", "echo/python", ask_python (self, size, 1, self->block * self->n_pairs) / 1e3, "us");
}

/* ---- many ---- */

static gboolean
has_many (const Bench *self, int route, guint size)
{
  return is_measured (self, route, size, MANY_KIND) && routes[route].road != &bench_road_floor;
}

static double
run_window (int route, guint size, gint64 duration)
{
  const BenchOrders orders = {MANY, sizes[size].bytes, G_MAXUINT64, duration, 0};
  const BenchReport report = bench_route_run (&routes[route], &orders);

  return report.n_done * 1e9 / report.elapsed;
}

static void
print_peer_ratios (guint size, double (*rates)[ROUNDS], guint n_rounds)
{
  for (gsize i = 0; i < G_N_ELEMENTS (comparisons); i++)
    {
      const double *ferry = rates[comparisons[i].ferry];
      const double *zeromq = rates[comparisons[i].zeromq];
      const double *gdbus = rates[comparisons[i].gdbus];

      if (ferry[0] > 0 && gdbus[0] > 0)
        print_ratio (size, MANY_KIND, comparisons[i].name, "gdbus", bench_median_ratio (ferry, gdbus, n_rounds),
                     ">= 15");
      if (ferry[0] > 0 && zeromq[0] > 0)
        print_ratio (size, MANY_KIND, comparisons[i].name, "zeromq", bench_median_ratio (ferry, zeromq, n_rounds),
                     ">= 1.2");
      if (ferry[0] > 0 && rates[SOCKET][0] > 0)
        print_ratio (size, MANY_KIND, comparisons[i].name, "socketpair",
                     bench_median_ratio (ferry, rates[SOCKET], n_rounds), NULL);
    }
  if (rates[DEFAULT_FERRY][0] > 0 && rates[DOWN_FERRY][0] > 0)
    print_ratio (size, MANY_KIND, routes[DEFAULT_FERRY].name, "ferry",
                 bench_median_ratio (rates[DEFAULT_FERRY], rates[DOWN_FERRY], n_rounds), DEFAULT_MANY_BUDGET);
}

/* The threads alone, without anything that they ask: see bench-wakes.h. */
static double
run_wakes (gint64 duration)
{
  BenchWakes *wakes = bench_wakes_new (MANY);
  double rate = bench_wakes_run (wakes, duration);

  bench_wakes_free (wakes);
  return rate;
}

static void
print_wakes (guint size, const double *wakes, const double *ferry, guint n_rounds)
{
  if (wakes[0] == 0)
    return;
  print_row (size, MANY_KIND, WAKES, bench_median (wakes, n_rounds), "wakes/s");
  if (ferry[0] > 0)
    print_ratio (size, MANY_KIND, THREADS "ferry", "wakes", bench_median_ratio (ferry, wakes, n_rounds), NULL);
}

/* Trips a second. */
static void
measure_many (Bench *self, guint size)
{
  const BenchOptions *options = self->options;
  double rates[N_ROUTES + 1][ROUNDS] = {0};
  double wakes[ROUNDS] = {0};

  for (guint round = 0; round < self->n_rounds; round++)
    {
      for (int route = 0; route < N_ROUTES; route++)
        if (has_many (self, route, size))
          {
            run_window (route, size, options->warm_up);
            rates[route][round] = run_window (route, size, options->window);
          }
      if (is_wanted (self, WAKES, size, MANY_KIND))
        wakes[round] = run_wakes (options->window);
      if (self->python != NULL)
        rates[N_ROUTES][round] = ask_python (self, size, MANY, (guint) bench_choose (options, 200, 2000, 10000));
    }
  for (int route = 0; route < N_ROUTES; route++)
    if (has_many (self, route, size))
      print_row (size, MANY_KIND, routes[route].name, bench_median (rates[route], self->n_rounds), "calls/s");
  if (self->python != NULL)
    print_row (size, MANY_KIND, "echo/python", bench_median (rates[N_ROUTES], self->n_rounds), "calls/s");
  print_peer_ratios (size, rates, self->n_rounds);
  print_wakes (size, wakes, rates[THREADS_FERRY], self->n_rounds);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  Bench self = {.options = &options};

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  self.block = options.quick ? QUICK_BLOCK : BLOCK;
  self.n_pairs = (guint) bench_choose (&options, 1, QUICK_PAIRS, MAX_PAIRS);
  self.n_rounds = options.quick ? MIN (options.rounds, ROUNDS) : ROUNDS;
  open_routes (&options);
  if (options.only == NULL)
    self.python = bench_python_new ("transact/echo/python");
  for (guint size = 0; size < G_N_ELEMENTS (sizes); size++)
    {
      measure_singles (&self, size);
      measure_many (&self, size);
    }
  bench_python_free (self.python);
  close_routes ();
  return EXIT_SUCCESS;
}
