/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where processes run. Threads that wake each other run on one core as long as the scheduler happens to leave them
 * there, and a wake-up is then several times as fast as one from core to core: what is compared has to have the same
 * placement. */

#pragma once

#include "bench-trips.h"

G_BEGIN_DECLS

typedef enum
{
  BENCH_PLACEMENT_FREE,      /* wherever this process was allowed to run when it began */
  BENCH_PLACEMENT_ONE_CORE,  /* all */
  BENCH_PLACEMENT_TWO_CORES, /* the application on the one, its workers on the other */
} BenchPlacement;

gboolean bench_placement_is_possible (BenchPlacement placement);

/* All threads that the application and the workers of its routes have now, and those that they start. */
void bench_place_routes (BenchPlacement placement, const BenchRoute *routes, guint n_routes);

G_END_DECLS
