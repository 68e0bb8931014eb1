/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of a worker's object, its properties and chains of operations, beside transactions that carry the same between
 * the same processes, and beside GDBus. One at a time and 64 under way; all routes are used in turn, a short while
 * each, and a ratio is taken between blocks or windows of the same turn. */

#include "config.h"

#include <stdlib.h>

#include "bench-placement.h"
#include "bench-team.h"
#include "bench-trips.h"

#define SIZE 64
#define BLOCK 50 /* trips, one at a time */
#define QUICK_BLOCK 20
#define MAX_PAIRS 100
#define QUICK_PAIRS 30
#define ROUNDS 11
#define MANY BENCH_MAX_IN_FLIGHT
#define MANY_KIND G_STRINGIFY (BENCH_MAX_IN_FLIGHT)

enum
{
  DOWN_TRANSACTION,
  DOWN_POOL,
  DOWN_ASYNC,
  DOWN_CALL,
  DOWN_RECEIVER,
  DOWN_DEFAULT,
  DOWN_SERVED,
  DOWN_GET,
  DOWN_VIEW,
  DOWN_GDBUS_CALL,
  DOWN_GDBUS_GET,
  THREADS_TRANSACTION,
  THREADS_POOL,
  THREADS_CALL,
  THREADS_RECEIVER,
  THREADS_DEFAULT,
  THREADS_SERVED,
  THREADS_GET,
  THREADS_VIEW,
  THREADS_GDBUS_CALL,
  THREADS_GDBUS_GET,
  N_ROUTES,
};

#define DOWN "main-to-worker/"
#define THREADS "threads-to-worker/"

static BenchRoute routes[N_ROUTES] = {
  [DOWN_TRANSACTION] = {DOWN "transaction", &bench_road_object_transaction, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_POOL] = {DOWN "transaction-pool", &bench_road_object_transaction_pool, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_ASYNC] = {DOWN "transaction-async-pool", &bench_road_object_transaction_async, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_CALL] = {DOWN "call/ferry", &bench_road_object_call, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_RECEIVER] = {DOWN "call-receiver", &bench_road_object_call_receiver, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_DEFAULT] = {DOWN "call-default", &bench_road_object_call_default, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_SERVED] = {DOWN "call-served", &bench_road_object_call_served, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_GET] = {DOWN "get/ferry", &bench_road_object_get, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_VIEW] = {DOWN "view-of-5", &bench_road_object_view, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_GDBUS_CALL] = {DOWN "call/gdbus", &bench_road_gdbus, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_GDBUS_GET] = {DOWN "get/gdbus", &bench_road_gdbus_get, BENCH_MAIN_TO_WORKER, 0},
  [THREADS_TRANSACTION] = {THREADS "transaction", &bench_road_object_transaction, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_POOL] = {THREADS "transaction-pool", &bench_road_object_transaction_pool, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_CALL] = {THREADS "call/ferry", &bench_road_object_call, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_RECEIVER] = {THREADS "call-receiver", &bench_road_object_call_receiver, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_DEFAULT] = {THREADS "call-default", &bench_road_object_call_default, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_SERVED] = {THREADS "call-served", &bench_road_object_call_served, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_GET] = {THREADS "get/ferry", &bench_road_object_get, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_VIEW] = {THREADS "view-of-5", &bench_road_object_view, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_GDBUS_CALL] = {THREADS "call/gdbus", &bench_road_gdbus, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_GDBUS_GET] = {THREADS "get/gdbus", &bench_road_gdbus_get, BENCH_THREADS_TO_WORKER, 0},
};

/* What takes how many times as long as what. */
static const struct
{
  const char *name;
  int route;
  int base;
  const char *budget; /* (nullable) */
} comparisons[] = {
  {DOWN "call/ferry-vs-transaction", DOWN_CALL, DOWN_TRANSACTION, "<= 1.5"},
  {DOWN "call-receiver-vs-transaction", DOWN_RECEIVER, DOWN_TRANSACTION, "<= 1.5"},
  {DOWN "call-default-vs-call-receiver", DOWN_DEFAULT, DOWN_RECEIVER, "<= 1.3"},
  {DOWN "call-served-vs-call-default", DOWN_SERVED, DOWN_DEFAULT, "<= 2.5"},
  {DOWN "call/ferry-vs-transaction-pool", DOWN_CALL, DOWN_POOL, NULL},
  {DOWN "call/ferry-vs-transaction-async-pool", DOWN_CALL, DOWN_ASYNC, NULL},
  {DOWN "view-of-5-vs-call", DOWN_VIEW, DOWN_CALL, "<= 1.2"},
  {DOWN "call/ferry-vs-gdbus", DOWN_CALL, DOWN_GDBUS_CALL, NULL},
  {DOWN "get/ferry-vs-gdbus", DOWN_GET, DOWN_GDBUS_GET, NULL},
  {THREADS "call/ferry-vs-transaction", THREADS_CALL, THREADS_TRANSACTION, "<= 1.5"},
  {THREADS "call-receiver-vs-transaction", THREADS_RECEIVER, THREADS_TRANSACTION, "<= 1.5"},
  {THREADS "call-default-vs-call-receiver", THREADS_DEFAULT, THREADS_RECEIVER, "<= 1.3"},
  {THREADS "call-served-vs-call-default", THREADS_SERVED, THREADS_DEFAULT, "<= 2.5"},
  {THREADS "call/ferry-vs-transaction-pool", THREADS_CALL, THREADS_POOL, NULL},
  {THREADS "view-of-5-vs-call", THREADS_VIEW, THREADS_CALL, "<= 1.2"},
  {THREADS "call/ferry-vs-gdbus", THREADS_CALL, THREADS_GDBUS_CALL, NULL},
  {THREADS "get/ferry-vs-gdbus", THREADS_GET, THREADS_GDBUS_GET, NULL},
};

/* Of one trip at a time. */
static const struct
{
  BenchPlacement placement;
  const char *kind;
} placements[] = {{BENCH_PLACEMENT_ONE_CORE, "1/one-core"}, {BENCH_PLACEMENT_TWO_CORES, "1/two-cores"}};

typedef struct
{
  const BenchOptions *options;
  guint block;
  guint n_pairs;
  guint n_rounds;
} Bench;

/* A row's name may be given with what goes before the route's name, or without. */
static gboolean
is_measured (const Bench *self, int route, const char *kind)
{
  g_autofree char *row = g_strdup_printf ("objects/%s/%s", kind, routes[route].name);

  return self->options->only == NULL || g_str_has_suffix (row, self->options->only);
}

static void
open_routes (void)
{
  for (int i = 0; i < N_ROUTES; i++)
    {
      routes[i].orders = -1;
      bench_route_open (&routes[i]);
    }
}

static void
close_routes (void)
{
  for (int i = 0; i < N_ROUTES; i++)
    bench_route_close (&routes[i]);
}

static void
print_row (const char *kind, const char *route, double value, const char *unit)
{
  g_autofree char *name = g_strdup_printf ("objects/%s/%s", kind, route);

  bench_print (name, value, unit);
}

/* times: how long one took. With several ratios, quantile says which of them is meant. */
static void
print_ratios (const char *kind, double (*times)[MAX_PAIRS], guint n_times, double quantile)
{
  for (gsize i = 0; i < G_N_ELEMENTS (comparisons); i++)
    {
      const double *route = times[comparisons[i].route];
      const double *base = times[comparisons[i].base];
      g_autofree char *name = g_strdup_printf ("ratio/objects/%s/%s", kind, comparisons[i].name);
      double ratios[MAX_PAIRS];

      if (route[0] == 0 || base[0] == 0)
        continue;
      for (guint n = 0; n < n_times; n++)
        ratios[n] = route[n] / base[n];
      bench_print (name, bench_quantile (ratios, n_times, quantile), "x");
      if (comparisons[i].budget != NULL)
        bench_print_budget (comparisons[i].budget);
    }
}

/* ---- one at a time ---- */

static void
run_block (Bench *self, int route, const char *kind, double *median)
{
  const BenchOrders orders = {1, SIZE, self->block, G_MAXINT32 * G_GINT64_CONSTANT (100), 0};

  if (is_measured (self, route, kind))
    *median = bench_route_run (&routes[route], &orders).median / 1e3;
}

/* Medians of blocks, in µs. */
static void
measure_single (Bench *self, const char *kind)
{
  double medians[N_ROUTES][MAX_PAIRS] = {0};

  for (guint pair = 0; pair < self->n_pairs; pair++)
    for (int route = 0; route < N_ROUTES; route++)
      run_block (self, route, kind, &medians[route][pair]);
  for (int route = 0; route < N_ROUTES; route++)
    if (is_measured (self, route, kind))
      print_row (kind, routes[route].name, bench_median (medians[route], self->n_pairs), "us");
  print_ratios (kind, medians, self->n_pairs, 0.25);
}

static void
measure_singles (Bench *self)
{
  double unused;

  for (gsize i = 0; i < G_N_ELEMENTS (placements); i++)
    {
      if (!bench_placement_is_possible (placements[i].placement))
        {
          bench_comment ("objects/%s skipped: it takes two cores", placements[i].kind);
          continue;
        }
      /* An answer from everywhere first: then all threads that are to be placed are there. */
      for (int route = 0; route < N_ROUTES; route++)
        run_block (self, route, placements[i].kind, &unused);
      bench_place_routes (placements[i].placement, routes, N_ROUTES);
      measure_single (self, placements[i].kind);
    }
  bench_place_routes (BENCH_PLACEMENT_FREE, routes, N_ROUTES);
}

/* ---- many ---- */

/* Returns how long one takes, in s. */
static double
run_window (int route, gint64 duration)
{
  const BenchOrders orders = {MANY, SIZE, G_MAXUINT64, duration, 0};
  const BenchReport report = bench_route_run (&routes[route], &orders);

  return report.elapsed / 1e9 / report.n_done;
}

static void
measure_many (Bench *self)
{
  double times[N_ROUTES][MAX_PAIRS] = {0};

  for (guint round = 0; round < self->n_rounds; round++)
    for (int route = 0; route < N_ROUTES; route++)
      if (is_measured (self, route, MANY_KIND))
        {
          run_window (route, self->options->warm_up);
          times[route][round] = run_window (route, self->options->window);
        }
  for (int route = 0; route < N_ROUTES; route++)
    if (is_measured (self, route, MANY_KIND))
      print_row (MANY_KIND, routes[route].name, 1 / bench_median (times[route], self->n_rounds), "calls/s");
  print_ratios (MANY_KIND, times, self->n_rounds, 0.5);
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
  self.n_rounds = options.quick ? options.rounds : ROUNDS;
  open_routes ();
  measure_singles (&self);
  measure_many (&self);
  close_routes ();
  return EXIT_SUCCESS;
}
