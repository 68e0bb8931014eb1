/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a message costs on the router's thread, by that thread's processor clock, against the bare work in a loop.
 *
 * The worker makes its GVariants of bytes, which is the cheapest way: so the router's thread is what is busy. */

#include "config.h"

#include <stdlib.h>

#include "bench-bare.h"
#include "bench-feed.h"

#define MAX_ROUNDS 16

typedef struct
{
  const char *name;
  BenchContent content;
  BenchTake take;
  const char *budget; /* (nullable) */
} Row;

static const Row rows[] = {
  {"raw", BENCH_CONTENT_BYTES, BENCH_TAKE_RAW, NULL},
  {"gvariant", BENCH_CONTENT_SERIALISED, BENCH_TAKE_VARIANT, "<= 1.25"},
  {"gvariant-get", BENCH_CONTENT_SERIALISED, BENCH_TAKE_VARIANT_GET, "<= 1.25"},
  {"signal", BENCH_CONTENT_SERIALISED, BENCH_TAKE_SIGNAL, "<= 1.25"},
};

static gboolean failed;

static double
run_ferry (const BenchOptions *options, const Row *row, gsize size)
{
  const BenchLoad load = {
    .transport = &bench_ferry,
    .content = row->content,
    .take = row->take,
    .mode = BENCH_MODE_FLOOD,
    .size = size,
    .n_workers = 1,
  };

  return bench_feed_measure (&load, options, &failed).cpu;
}

static void
run_size (const BenchOptions *options, gsize size, const char *size_name)
{
  double ferry[G_N_ELEMENTS (rows)][MAX_ROUNDS];
  double bare[G_N_ELEMENTS (rows)][MAX_ROUNDS];

  for (guint round = 0; round < options->rounds; round++)
    {
      for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
        {
          ferry[i][round] = run_ferry (options, &rows[i], size);
          bare[i][round] = bench_bare_run (rows[i].take, size, options->window);
        }
    }
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *ferry_name = g_strdup_printf ("cost/%s/%s/ferry", size_name, rows[i].name);
      g_autofree char *bare_name = g_strdup_printf ("cost/%s/%s/bare", size_name, rows[i].name);
      g_autofree char *ratio_name = g_strdup_printf ("ratio/%s/%s-cpu-vs-bare", size_name, rows[i].name);

      bench_print (ferry_name, bench_median (ferry[i], options->rounds), "ns/message");
      bench_print (bare_name, bench_median (bare[i], options->rounds), "ns/message");
      bench_print (ratio_name, bench_median_ratio (ferry[i], bare[i], options->rounds), "x");
      if (rows[i].budget != NULL)
        bench_print_budget (rows[i].budget);
    }
}

int
main (int argc, char **argv)
{
  BenchOptions options;

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  run_size (&options, 64, "64B");
  run_size (&options, 4096, "4KiB");
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
