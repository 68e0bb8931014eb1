/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* dask.distributed as a peer: bench-dask.py. */

#include "config.h"

#include <string.h>

#include "bench-common.h"
#include "bench-peers.h"
#include "bench-python.h"

static gpointer
dask_open (guint n_workers)
{
  g_autofree char *workers = g_strdup_printf ("%u", n_workers);
  g_autofree char *word = NULL;
  BenchPython *python = bench_python_spawn ((const char *const[]){BENCH_DASK_PYTHON, BENCH_DASK_SCRIPT, workers, NULL});

  word = bench_python_read (python);
  if (g_str_equal (word, "ready"))
    return python;
  bench_comment ("cluster/dask skipped: there is no dask.distributed for " BENCH_DASK_PYTHON);
  bench_python_free (python);
  return NULL;
}

static void
dask_close (gpointer python)
{
  bench_python_free (python);
}

static double
dask_measure_rate (gpointer python, const char *payload, guint n, guint n_under_way)
{
  g_autofree char *what = g_strdup_printf ("tasks/%" G_GSIZE_FORMAT "/%u", strlen (payload), n_under_way);

  return bench_python_ask (python, what, n);
}

static void
dask_measure_trip (gpointer python, double *begin, double *end)
{
  *begin = bench_python_ask (python, "begin", 1);
  *end = bench_python_ask (python, "end", 0);
}

const BenchPeer bench_dask = {
  .name = "dask",
  .divisor = 20,
  .open = dask_open,
  .measure_rate = dask_measure_rate,
  .measure_trip = dask_measure_trip,
  .close = dask_close,
};
