/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far apart two cores are just now: what a line of the cache takes from one to the other. A virtual machine's cores
 * move, and with them each figure that is of two cores: 60 ns at one time are 300 at another. Prints one comment. */

#include "config.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bench-common.h"

#define N_PARTS 20
#define TRIPS_PER_PART 5000
/* A core that another program has takes no part for some milliseconds. */
#define MAX_TIME (2 * G_GINT64_CONSTANT (1000000000))

/* Two words in lines of their own, each stored by one of the two. */
typedef struct
{
  _Atomic guint32 there;
  guint8 padding[252];
  _Atomic guint32 back;
  guint8 padding_2[252];
  _Atomic gboolean is_over;
  int cores[2];
} Court;

static void
stay_on (int core)
{
  cpu_set_t set;

  CPU_ZERO (&set);
  CPU_SET (core, &set);
  if (sched_setaffinity (0, sizeof set, &set) != 0)
    g_error ("sched_setaffinity() failed: %s", g_strerror (errno));
}

static gpointer
return_all (gpointer data)
{
  Court *court = data;
  guint32 seen = 0;

  stay_on (court->cores[1]);
  while (!atomic_load_explicit (&court->is_over, memory_order_relaxed))
    {
      guint32 there = atomic_load_explicit (&court->there, memory_order_acquire);

      if (there != seen)
        atomic_store_explicit (&court->back, seen = there, memory_order_release);
    }
  return NULL;
}

/* Returns the ns of one way. */
static double
play_part (Court *court, guint32 first)
{
  const gint64 before = bench_now ();

  for (guint32 trip = first; trip < first + TRIPS_PER_PART; trip++)
    {
      atomic_store_explicit (&court->there, trip, memory_order_release);
      while (atomic_load_explicit (&court->back, memory_order_acquire) != trip)
        ;
    }
  return (double) (bench_now () - before) / 2 / TRIPS_PER_PART;
}

/* Returns whether this process may use two cores. */
static gboolean
find_cores (int *cores)
{
  cpu_set_t allowed;
  guint n = 0;

  if (sched_getaffinity (0, sizeof allowed, &allowed) != 0)
    g_error ("sched_getaffinity() failed: %s", g_strerror (errno));
  for (int core = 0; core < CPU_SETSIZE && n < 2; core++)
    if (CPU_ISSET (core, &allowed))
      cores[n++] = core;
  return n == 2;
}

int
main (void)
{
  Court court = {0};
  GThread *thread;
  double parts[N_PARTS];
  guint n = 0;

  if (!find_cores (court.cores))
    {
      bench_comment ("distance: this process may use one core only");
      return EXIT_SUCCESS;
    }
  thread = g_thread_new ("returner", return_all, &court);
  stay_on (court.cores[0]);
  for (gint64 end = bench_now () + MAX_TIME; n < N_PARTS && bench_now () < end; n++)
    parts[n] = play_part (&court, 1 + n * TRIPS_PER_PART);
  atomic_store_explicit (&court.is_over, TRUE, memory_order_relaxed);
  g_thread_join (thread);
  bench_comment ("distance: a line of the cache takes %.0f ns from core to core (at least %.0f)",
                 bench_quantile (parts, n, 0.5), bench_quantile (parts, n, 0));
  return EXIT_SUCCESS;
}
