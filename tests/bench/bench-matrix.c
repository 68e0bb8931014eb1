/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-matrix.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "bench-team.h"

#define BLOCK 50 /* trips, one at a time */
#define QUICK_BLOCK 20
#define MAX_PAIRS 100
#define QUICK_PAIRS 30
#define PACED_PART 5 /* of the pairs, where each trip waits for a pause */
#define ROUNDS 11    /* every way has a fast and a slow state, and stays in either for a while */
#define EVER (G_MAXINT32 * G_GINT64_CONSTANT (100))

static const char *const kind_names[BENCH_N_KINDS] = {"1/one-core", "1/two-cores", "paced/one-core", "paced/two-cores",
                                                      G_STRINGIFY (BENCH_MAX_IN_FLIGHT)};

/* ---- placement ---- */

/* Threads that wake each other run on one core as long as the scheduler happens to leave them there, and a wake-up is
 * then several times as fast as one from core to core: what is compared has to have the same placement. */

/* The cores that this process was allowed before it placed anything. */
static const cpu_set_t *
allowed_cores (void)
{
  static cpu_set_t allowed;
  static gboolean is_known;

  if (!is_known && sched_getaffinity (0, sizeof allowed, &allowed) != 0)
    bench_fail ("sched_getaffinity()", NULL);
  is_known = TRUE;
  return &allowed;
}

/* The nth of the last cores: the first one takes most of a machine's interrupts. */
static cpu_set_t
last_core (guint nth)
{
  int core = CPU_SETSIZE - 1;
  cpu_set_t set;

  for (;; core--)
    if (CPU_ISSET (core, allowed_cores ()) && nth-- == 0)
      break;
  CPU_ZERO (&set);
  CPU_SET (core, &set);
  return set;
}

/* A thread that has just ended is no matter. */
static void
place_thread (pid_t thread, const cpu_set_t *set)
{
  if (sched_setaffinity (thread, sizeof *set, set) != 0 && errno != ESRCH)
    bench_fail ("sched_setaffinity()", NULL);
}

static void
place_process (GPid pid, const cpu_set_t *set)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task", pid);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) threads = g_dir_open (path, 0, &error);
  const char *thread;

  if (threads == NULL)
    bench_fail (path, error);
  while ((thread = g_dir_read_name (threads)) != NULL)
    place_thread ((pid_t) g_ascii_strtoll (thread, NULL, 10), set);
}

static gboolean
is_apart (BenchKind kind)
{
  return kind == BENCH_KIND_TWO_CORES || kind == BENCH_KIND_PACED_TWO_CORES;
}

/* All threads that the application and the workers of its routes have now, and those that they start. */
static void
place (const BenchMatrix *self, BenchKind kind)
{
  const cpu_set_t own = kind == BENCH_KIND_MANY ? *allowed_cores () : last_core (0);
  const cpu_set_t workers = kind == BENCH_KIND_MANY ? *allowed_cores () : last_core (is_apart (kind) ? 1 : 0);

  place_process (getpid (), &own);
  for (int i = 0; i < self->n_routes; i++)
    {
      const BenchRoute *route = &self->routes[i];

      if (route->pid != 0)
        place_process (route->pid, &workers);
      if (route->is_apart && route->echo != 0)
        place_thread (route->echo, &workers);
    }
}

/* ---- rows ---- */

/* A row's name may be given with what goes before the route's name, or without. */
static gboolean
is_measured (const BenchMatrix *self, const BenchOptions *options, int route, BenchKind kind)
{
  g_autofree char *row = g_strdup_printf ("%s/%s/%s", self->name, kind_names[kind], self->routes[route].name);

  return self->routes[route].end != NULL && (options->only == NULL || g_str_has_suffix (row, options->only));
}

static void
print_row (const BenchMatrix *self, BenchKind kind, int route, double value, const char *unit)
{
  bench_print_as (value, unit, "%s/%s/%s", self->name, kind_names[kind], self->routes[route].name);
}

/* With several ratios, quantile says which of them is meant. */
static void
print_ratios (const BenchMatrix *self, BenchKind kind, double (*values)[MAX_PAIRS], guint n_values, double quantile)
{
  for (gsize i = 0; i < self->n_comparisons; i++)
    {
      const BenchComparison *comparison = &self->comparisons[i];
      const double *own = values[comparison->route];
      const double *base = values[comparison->base];
      double ratios[MAX_PAIRS];

      if (own[0] == 0 || base[0] == 0)
        continue;
      for (guint n = 0; n < n_values; n++)
        ratios[n] = own[n] / base[n];
      bench_print_as (bench_quantile (ratios, n_values, quantile), "x", "ratio/%s/%s/%s", self->name, kind_names[kind],
                      comparison->name);
      if (comparison->budgets[kind] != NULL)
        bench_print_budget (comparison->budgets[kind]);
    }
}

/* ---- one at a time ---- */

static BenchReport
run_trips (const BenchMatrix *self, int route, BenchKind kind, guint64 n)
{
  const guint32 pause = kind >= BENCH_KIND_PACED_ONE_CORE ? 1 : 0;
  const BenchOrders orders = {1, self->size, n, EVER, pause};

  return bench_route_run (&self->routes[route], &orders);
}

/* Medians of blocks, in µs. */
static void
measure_single (const BenchMatrix *self, const BenchOptions *options, BenchKind kind)
{
  const guint block = options->quick ? QUICK_BLOCK : BLOCK;
  const guint pairs = (guint) bench_choose (options, PACED_PART, QUICK_PAIRS, MAX_PAIRS);
  const guint n_pairs = kind >= BENCH_KIND_PACED_ONE_CORE ? pairs / PACED_PART : pairs;
  g_autofree double (*medians)[MAX_PAIRS] = g_malloc0_n ((gsize) self->n_routes, sizeof *medians);

  /* An answer from everywhere first: then all threads that are to be placed are there. */
  for (int route = 0; route < self->n_routes; route++)
    if (is_measured (self, options, route, kind))
      run_trips (self, route, kind, block);
  place (self, kind);
  for (guint pair = 0; pair < n_pairs; pair++)
    for (int route = 0; route < self->n_routes; route++)
      if (is_measured (self, options, route, kind))
        medians[route][pair] = (double) run_trips (self, route, kind, block).median / 1e3;
  for (int route = 0; route < self->n_routes; route++)
    if (is_measured (self, options, route, kind))
      print_row (self, kind, route, bench_median (medians[route], n_pairs), "us");
  print_ratios (self, kind, medians, n_pairs, 0.25);
}

/* ---- many ---- */

/* Trips a second. */
static double
run_window (const BenchMatrix *self, int route, gint64 duration)
{
  const BenchOrders orders = {BENCH_MAX_IN_FLIGHT, self->size, G_MAXUINT64, duration, 0};
  const BenchReport report = bench_route_run (&self->routes[route], &orders);

  return report.n_done * 1e9 / report.elapsed;
}

static void
measure_many (const BenchMatrix *self, const BenchOptions *options)
{
  const guint n_rounds = options->quick ? MIN (options->rounds, ROUNDS) : ROUNDS;
  const BenchKind kind = BENCH_KIND_MANY;
  g_autofree double (*values)[MAX_PAIRS] = g_malloc0_n ((gsize) self->n_routes, sizeof *values);

  for (guint round = 0; round < n_rounds; round++)
    for (int route = 0; route < self->n_routes; route++)
      if (is_measured (self, options, route, kind))
        {
          double rate;

          run_window (self, route, options->warm_up);
          rate = run_window (self, route, options->window);
          values[route][round] = self->is_rate ? rate : 1 / rate;
        }
  for (int route = 0; route < self->n_routes; route++)
    if (is_measured (self, options, route, kind))
      {
        const double median = bench_median (values[route], n_rounds);

        print_row (self, kind, route, self->is_rate ? median : 1 / median, "calls/s");
      }
  print_ratios (self, kind, values, n_rounds, 0.5);
}

void
bench_matrix_run (const BenchMatrix *self, const BenchOptions *options)
{
  const BenchKind n_singles = self->paced ? BENCH_KIND_MANY : BENCH_KIND_PACED_ONE_CORE;

  for (BenchKind kind = 0; kind < n_singles; kind++)
    if (is_apart (kind) && CPU_COUNT (allowed_cores ()) < 2)
      bench_comment ("%s/%s skipped: it takes two cores", self->name, kind_names[kind]);
    else
      measure_single (self, options, kind);
  place (self, BENCH_KIND_MANY);
  measure_many (self, options);
}

void
bench_routes_open (BenchRoute *routes, int n_routes, const BenchOptions *options)
{
  for (int i = 0; i < n_routes; i++)
    {
      routes[i].orders = -1;
      if (options->only == NULL || g_str_has_suffix (routes[i].name, options->only) ||
          g_str_has_suffix (options->only, routes[i].name))
        bench_route_open (&routes[i]);
    }
}

void
bench_routes_close (BenchRoute *routes, int n_routes)
{
  for (int i = 0; i < n_routes; i++)
    if (routes[i].end != NULL)
      bench_route_close (&routes[i]);
}
