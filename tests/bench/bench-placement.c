/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-placement.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "bench-team.h"

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

gboolean
bench_placement_is_possible (BenchPlacement placement)
{
  return placement != BENCH_PLACEMENT_TWO_CORES || CPU_COUNT (allowed_cores ()) >= 2;
}

/* The nth of the last cores: the first one takes most of a machine's interrupts. */
static void
last_core (guint nth, cpu_set_t *set)
{
  int core = CPU_SETSIZE - 1;

  for (;; core--)
    if (CPU_ISSET (core, allowed_cores ()) && nth-- == 0)
      break;
  CPU_ZERO (set);
  CPU_SET (core, set);
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

static cpu_set_t
cores_of (BenchPlacement placement, guint nth)
{
  cpu_set_t set = *allowed_cores ();

  if (placement != BENCH_PLACEMENT_FREE)
    last_core (nth, &set);
  return set;
}

void
bench_place_routes (BenchPlacement placement, const BenchRoute *routes, guint n_routes)
{
  const cpu_set_t own = cores_of (placement, 0);
  const cpu_set_t workers = cores_of (placement, placement == BENCH_PLACEMENT_TWO_CORES ? 1 : 0);

  place_process (getpid (), &own);
  for (guint i = 0; i < n_routes; i++)
    {
      if (routes[i].pid != 0)
        place_process (routes[i].pid, &workers);
      if (routes[i].is_apart && routes[i].echo != 0)
        place_thread (routes[i].echo, &workers);
    }
}
