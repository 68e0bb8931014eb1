/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The other end of bench-transact and bench-objects, whatever the road: bench-transact-worker ROAD DIRECTION THREADS
 * ADDRESS. Asks as it is ordered through its standard input, or answers until it is killed. */

#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "bench-trips.h"

static const BenchRoad *const roads[] = {&bench_road_ferry, &bench_road_ferry_bytes, &bench_road_gdbus,
                                         &bench_road_object_call_default};

int
main (int argc, char **argv)
{
  const BenchRoad *road = NULL;
  g_autoptr (GError) error = NULL;
  BenchDirection direction;
  gpointer end;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  signal (SIGPIPE, SIG_IGN);
  for (gsize i = 0; argc == 5 && road == NULL && i < G_N_ELEMENTS (roads); i++)
    road = g_str_equal (roads[i]->name, argv[1]) ? roads[i] : NULL;
  if (road == NULL)
    return EXIT_FAILURE;
  direction = (BenchDirection) g_ascii_strtoull (argv[2], NULL, 10);
  end = road->attach (direction, (guint) g_ascii_strtoull (argv[3], NULL, 10), argv[4], &error);
  if (end == NULL)
    {
      g_printerr ("bench-transact-worker: %s\n", error->message);
      return EXIT_FAILURE;
    }
  if (direction == BENCH_WORKER_TO_MAIN)
    bench_trips_obey (bench_trips_new (road, end));
  else
    road->serve (end);
  return EXIT_SUCCESS;
}
