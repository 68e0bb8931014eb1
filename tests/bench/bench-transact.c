/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Round trips of transactions, beside GDBus and a socket pair. */

#include "config.h"

#include <stdlib.h>

#include "bench-matrix.h"

enum
{
  UP_FERRY,
  UP_BYTES,
  UP_GDBUS,
  DOWN_FERRY,
  DOWN_BYTES,
  DOWN_DEFAULT,
  DOWN_GDBUS,
  THREADS_FERRY,
  THREADS_BYTES,
  THREADS_GDBUS,
  SOCKET,
  SOCKET_APART,
  N_ROUTES,
};

#define UP "worker-to-main/"
#define DOWN "main-to-worker/"
#define THREADS "threads-to-worker/"

/* Ferry's are seven: with more links than eight, the main loop does not spin. */
static BenchRoute routes[N_ROUTES] = {
  [UP_FERRY] = {UP "ferry", &bench_road_ferry, BENCH_WORKER_TO_MAIN, 0},
  [UP_BYTES] = {UP "ferry-bytes", &bench_road_ferry_bytes, BENCH_WORKER_TO_MAIN, 0},
  [UP_GDBUS] = {UP "gdbus", &bench_road_gdbus, BENCH_WORKER_TO_MAIN, 0},
  [DOWN_FERRY] = {DOWN "ferry", &bench_road_ferry, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_BYTES] = {DOWN "ferry-bytes", &bench_road_ferry_bytes, BENCH_MAIN_TO_WORKER, 0},
  [DOWN_DEFAULT] = {DOWN "ferry-default", &bench_road_ferry, BENCH_MAIN_TO_WORKER, BENCH_DEFAULT_THREADS},
  [DOWN_GDBUS] = {DOWN "gdbus", &bench_road_gdbus, BENCH_MAIN_TO_WORKER, 0},
  [THREADS_FERRY] = {THREADS "ferry", &bench_road_ferry, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_BYTES] = {THREADS "ferry-bytes", &bench_road_ferry_bytes, BENCH_THREADS_TO_WORKER, 0},
  [THREADS_GDBUS] = {THREADS "gdbus", &bench_road_gdbus, BENCH_THREADS_TO_WORKER, 0},
  [SOCKET] = {"echo/socketpair", &bench_road_socket, BENCH_THREAD_TO_THREAD, 0},
  [SOCKET_APART] = {"echo/socketpair-apart", &bench_road_socket, BENCH_THREAD_TO_THREAD, 0, TRUE},
};

#define QUARTILE ": the lower quartile over pairs of blocks"

#define VERSUS_BY(NAME, ROUTE, GDBUS, ONE, TWO)                                                                        \
  {NAME "-vs-socketpair", ROUTE, SOCKET, {ONE QUARTILE, TWO QUARTILE, "<= 1.5" QUARTILE, "<= 1.5" QUARTILE, NULL}},    \
    {NAME "-vs-socketpair-apart", ROUTE, SOCKET_APART, {NULL, TWO QUARTILE, NULL, "<= 1.5" QUARTILE, NULL}},           \
  {                                                                                                                    \
    NAME "-vs-gdbus", ROUTE, GDBUS, { NULL, NULL, NULL, NULL, ">= 15" }                                                \
  }
#define VERSUS(NAME, ROUTE, GDBUS) VERSUS_BY (NAME, ROUTE, GDBUS, "<= 1.3", "<= 0.5")
/* Where one end has a switch of threads more. */
#define SWITCHES_VERSUS(NAME, ROUTE, GDBUS) VERSUS_BY (NAME, ROUTE, GDBUS, "<= 3", "<= 3")

static const BenchComparison comparisons[] = {
  VERSUS (UP "ferry", UP_FERRY, UP_GDBUS),
  VERSUS (UP "ferry-bytes", UP_BYTES, UP_GDBUS),
  VERSUS (DOWN "ferry", DOWN_FERRY, DOWN_GDBUS),
  VERSUS (DOWN "ferry-bytes", DOWN_BYTES, DOWN_GDBUS),
  SWITCHES_VERSUS (DOWN "ferry-default", DOWN_DEFAULT, DOWN_GDBUS),
  SWITCHES_VERSUS (THREADS "ferry", THREADS_FERRY, THREADS_GDBUS),
  SWITCHES_VERSUS (THREADS "ferry-bytes", THREADS_BYTES, THREADS_GDBUS),
};

int
main (int argc, char **argv)
{
  BenchMatrix matrix = {.routes = routes,
                        .n_routes = N_ROUTES,
                        .comparisons = comparisons,
                        .n_comparisons = G_N_ELEMENTS (comparisons),
                        .is_rate = TRUE};
  BenchOptions options;

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  bench_routes_open (routes, N_ROUTES, &options);
  matrix.name = "transact/64B";
  matrix.size = 64;
  matrix.paced = TRUE;
  bench_matrix_run (&matrix, &options);
  matrix.name = "transact/4KiB";
  matrix.size = 4096;
  matrix.paced = FALSE;
  bench_matrix_run (&matrix, &options);
  bench_routes_close (routes, N_ROUTES);
  return EXIT_SUCCESS;
}
