/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of a worker's object, beside transactions that carry the same between the same processes, and beside GDBus. */

#include "config.h"

#include <stdlib.h>

#include "bench-matrix.h"

enum
{
  DOWN_TRANSACTION,
  DOWN_RECEIVER,
  DOWN_DEFAULT,
  DOWN_ASYNC,
  DOWN_SERVED,
  DOWN_GDBUS,
  THREADS_TRANSACTION,
  THREADS_RECEIVER,
  THREADS_DEFAULT,
  THREADS_SERVED,
  THREADS_GDBUS,
  N_ROUTES,
};

#define DOWN "main-to-worker/"
#define THREADS "threads-to-worker/"

static BenchRoute routes[N_ROUTES] = {
  [DOWN_TRANSACTION] = {DOWN "transaction", &bench_road_object_transaction, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_RECEIVER] = {DOWN "call-receiver", &bench_road_object_call_receiver, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_DEFAULT] = {DOWN "call-default", &bench_road_object_call_default, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_ASYNC] = {DOWN "call-async", &bench_road_object_call_async, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_SERVED] = {DOWN "call-served", &bench_road_object_call_served, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_GDBUS] = {DOWN "call/gdbus", &bench_road_gdbus, BENCH_MAIN_TO_WORKER, 0},
  [THREADS_TRANSACTION] = {THREADS "transaction", &bench_road_object_transaction, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_RECEIVER] = {THREADS "call-receiver", &bench_road_object_call_receiver, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_DEFAULT] = {THREADS "call-default", &bench_road_object_call_default, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_SERVED] = {THREADS "call-served", &bench_road_object_call_served, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_GDBUS] = {THREADS "call/gdbus", &bench_road_gdbus, BENCH_THREADS_TO_WORKER, 0},
};

/* The same budget, however many are under way. */
#define ALL(BUDGET)                                                                                                    \
  {                                                                                                                    \
    BUDGET, BUDGET, NULL, NULL, BUDGET                                                                                 \
  }

/* What takes how many times as long as what. */
static const BenchComparison comparisons[] = {
  {DOWN "call-receiver-vs-transaction", DOWN_RECEIVER, DOWN_TRANSACTION, ALL ("<= 1.5")},
  {DOWN "call-default-vs-call-receiver", DOWN_DEFAULT, DOWN_RECEIVER, ALL (NULL)},
  {DOWN "call-served-vs-call-default", DOWN_SERVED, DOWN_DEFAULT, ALL ("<= 1.5")},
  {DOWN "call-default-vs-gdbus", DOWN_DEFAULT, DOWN_GDBUS, ALL ("<= 0.3")},
  {THREADS "call-receiver-vs-transaction", THREADS_RECEIVER, THREADS_TRANSACTION, ALL ("<= 1.5")},
  {THREADS "call-default-vs-call-receiver", THREADS_DEFAULT, THREADS_RECEIVER, ALL (NULL)},
  {THREADS "call-served-vs-call-default", THREADS_SERVED, THREADS_DEFAULT, ALL ("<= 1.5")},
  {THREADS "call-default-vs-gdbus", THREADS_DEFAULT, THREADS_GDBUS, ALL ("<= 0.3")},
};

int
main (int argc, char **argv)
{
  const BenchMatrix matrix = {.name = "objects",
                              .routes = routes,
                              .n_routes = N_ROUTES,
                              .comparisons = comparisons,
                              .n_comparisons = G_N_ELEMENTS (comparisons),
                              .size = 64};
  BenchOptions options;

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  bench_routes_open (routes, N_ROUTES, &options);
  bench_matrix_run (&matrix, &options);
  bench_routes_close (routes, N_ROUTES);
  return EXIT_SUCCESS;
}
