/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Round trips on several routes, beside each other: one at a time on one core and on two, the same with pauses, and 64
 * under way wherever the system places them.
 *
 * All routes stand open at once and are used in turn, a short while each, so that all see the same moods of the
 * machine. A ratio is that of blocks, or of windows, of the same turn. */

#pragma once

#include "bench-trips.h"

G_BEGIN_DECLS

typedef enum
{
  BENCH_KIND_ONE_CORE,
  BENCH_KIND_TWO_CORES, /* the application on the one, its workers on the other */
  BENCH_KIND_PACED_ONE_CORE,
  BENCH_KIND_PACED_TWO_CORES,
  BENCH_KIND_MANY,
  BENCH_N_KINDS,
} BenchKind;

/* What is divided by what: times of one at a time, and for many what is_rate says. */
typedef struct
{
  const char *name;
  int route;
  int base;
  const char *budgets[BENCH_N_KINDS]; /* (nullable) */
} BenchComparison;

typedef struct
{
  const char *name; /* what rows begin with */
  BenchRoute *routes;
  int n_routes;
  const BenchComparison *comparisons;
  gsize n_comparisons;
  guint32 size;     /* bytes of a message */
  gboolean paced;   /* with pauses, too */
  gboolean is_rate; /* whether what is compared with many under way are rates, and not times */
} BenchMatrix;

/* Opens routes, but those whose rows are not wanted. */
void bench_routes_open (BenchRoute *routes, int n_routes, const BenchOptions *options);
void bench_routes_close (BenchRoute *routes, int n_routes);
void bench_matrix_run (const BenchMatrix *self, const BenchOptions *options);

G_END_DECLS
