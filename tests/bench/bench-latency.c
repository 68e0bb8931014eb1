/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long one message takes from the worker to the main loop, when there is one at a time.
 *
 * All ways stand open at once and are used in turn, a short block each, so that all see the same moods of the machine:
 * the ratio to the pipe is that of blocks which followed each other. */

#include "config.h"

#include <stdlib.h>

#include "bench-feed.h"

#define BLOCK 30 /* messages */
#define QUICK_BLOCK 20
#define INTERVAL 1000 /* µs */
#define MAX_PAIRS 200

typedef struct
{
  const char *name;
  const BenchTransport *transport;
  BenchFeed *feed; /* (owned) */
  guint64 ordered;
  double medians[MAX_PAIRS]; /* µs */
} Way;

static Way ways[] = {
  {"pipe", &bench_pipe},
  {"ferry", &bench_ferry},
  {"gdbus", &bench_gdbus},
};

/* How many messages are sent in a row. */
static guint block_size = BLOCK;

static void
open_way (Way *way)
{
  const BenchLoad load = {
    .transport = way->transport,
    .content = BENCH_CONTENT_BYTES,
    .take = BENCH_TAKE_STAMP,
    .mode = BENCH_MODE_PACED,
    .size = 64,
    .n_workers = 1,
  };
  g_autoptr (GError) error = NULL;

  way->feed = bench_feed_new (&load, &error);
  if (way->feed == NULL)
    bench_feed_fail (NULL, error);
}

static void
run_block (Way *way)
{
  way->ordered += block_size;
  if (!bench_port_order (&way->feed->ports[0], block_size, INTERVAL) || !bench_feed_wait (way->feed, way->ordered))
    bench_feed_fail (way->feed, NULL);
}

static const double *
delays_of (const Way *way)
{
  return (gconstpointer) way->feed->ports[0].delays->data;
}

static void
run_pairs (guint n_pairs)
{
  for (guint pair = 0; pair < n_pairs; pair++)
    {
      for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
        {
          run_block (&ways[i]);
          ways[i].medians[pair] = bench_median (delays_of (&ways[i]) + ways[i].ordered - block_size, block_size);
        }
    }
}

static void
print_way (const Way *way)
{
  g_autofree char *median = g_strdup_printf ("latency/%s/median", way->name);
  g_autofree char *p99 = g_strdup_printf ("latency/%s/p99", way->name);

  bench_print (median, bench_median (delays_of (way), way->ordered), "us");
  bench_print (p99, bench_quantile (delays_of (way), way->ordered, 0.99), "us");
}

static void
print_ratio (const char *name, double quantile, const Way *base, guint n_pairs)
{
  double ratios[MAX_PAIRS];

  for (guint i = 0; i < n_pairs; i++)
    ratios[i] = ways[1].medians[i] / base->medians[i];
  bench_print (name, bench_quantile (ratios, n_pairs, quantile), "x");
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  gboolean good = TRUE;
  guint n_pairs;

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  if (options.quick)
    block_size = QUICK_BLOCK;
  n_pairs = (guint) bench_choose (&options, 1, 30, MAX_PAIRS / 2);
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      open_way (&ways[i]);
      run_block (&ways[i]);
    }
  run_pairs (n_pairs);
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    print_way (&ways[i]);
  print_ratio ("ratio/latency/vs-pipe", 0.25, &ways[0], n_pairs);
  bench_print_budget ("<= 1.3: the lower quartile over pairs of blocks");
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    good &= bench_feed_free (ways[i].feed);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
