/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many messages a second come through, beside the peers and floors, in rounds that take every way in turn. */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bench-feed.h"

#define MAX_ROUNDS 16
#define CHUNK 4096
#define MANY 500
#define STRINGS (BENCH_N_STRINGS * 24) /* about so many bytes */

typedef struct
{
  const char *name; /* as the last part of a row's name */
  const BenchTransport *transport;
  BenchContent content;
  BenchTake take;
  guint n_workers;
} Way;

typedef struct
{
  const char *name;
  const char *way;
  guint n_workers;
  const char *base;
  guint base_workers;
  const char *budget; /* (nullable) for 64 B */
  const char *budget_4k;
} Ratio;

static const Way ways[] = {
  {"ferry-raw", &bench_ferry, BENCH_CONTENT_BYTES, BENCH_TAKE_RAW, 1},
  {"gathered-pipe", &bench_gathered_pipe, BENCH_CONTENT_BYTES, BENCH_TAKE_RAW, 1},
  {"pipe", &bench_pipe, BENCH_CONTENT_BYTES, BENCH_TAKE_RAW, 1},
  {"ferry-gvariant", &bench_ferry, BENCH_CONTENT_VARIANT, BENCH_TAKE_VARIANT_GET, 1},
  {"gdbus", &bench_gdbus, BENCH_CONTENT_VARIANT, BENCH_TAKE_VARIANT_GET, 1},
  {"ferry-raw", &bench_ferry, BENCH_CONTENT_BYTES, BENCH_TAKE_RAW, 8},
  {"gathered-pipe", &bench_gathered_pipe, BENCH_CONTENT_BYTES, BENCH_TAKE_RAW, 8},
  {"ferry-gvariant", &bench_ferry, BENCH_CONTENT_VARIANT, BENCH_TAKE_VARIANT_GET, 8},
  {"ferry-raw", &bench_ferry, BENCH_CONTENT_BYTES, BENCH_TAKE_RAW, MANY},
  {"ferry-gvariant", &bench_ferry, BENCH_CONTENT_STRINGS, BENCH_TAKE_VARIANT_GET, 1},
  {"gdbus", &bench_gdbus, BENCH_CONTENT_STRINGS, BENCH_TAKE_VARIANT_GET, 1},
};

static const Ratio ratios[] = {
  {"raw-vs-gathered-pipe", "ferry-raw", 1, "gathered-pipe", 1, ">= 2", ">= 1.5"},
  {"raw-vs-pipe", "ferry-raw", 1, "pipe", 1, ">= 15", NULL},
  {"gvariant-vs-gdbus", "ferry-gvariant", 1, "gdbus", 1, ">= 10", NULL},
  {"8-workers-vs-1", "ferry-raw", 8, "ferry-raw", 1, ">= 0.8", NULL},
  {G_STRINGIFY (MANY) "-workers-vs-1", "ferry-raw", MANY, "ferry-raw", 1, ">= 0.5", NULL},
  {"gvariant-8-workers-vs-1", "ferry-gvariant", 8, "ferry-gvariant", 1, NULL, NULL},
};

static const struct
{
  gsize size;
  const char *name;
} sizes[] = {{64, "64B"}, {CHUNK, "4KiB"}, {STRINGS, "strings"}};

typedef struct
{
  BenchOptions options;
  gsize size;
  const char *size_name;
  double rates[G_N_ELEMENTS (ways)][MAX_ROUNDS];
  gboolean failed;
} Bench;

/* The end of the name of a way's row. */
static char *
row_of (const Way *way)
{
  return g_strdup_printf ("%u-worker%s/%s", way->n_workers, way->n_workers > 1 ? "s" : "", way->name);
}

static gboolean
is_measured (const Bench *self, const Way *way)
{
  g_autofree char *row = row_of (way);

  if (self->options.only != NULL && !g_str_has_suffix (row, self->options.only))
    return FALSE;
  /* So many processes take a second to start. */
  if (self->options.only == NULL && self->options.quick && way->n_workers == MANY)
    return FALSE;
  return (way->content == BENCH_CONTENT_STRINGS) == (self->size == STRINGS);
}

static double
run_feed (Bench *self, const Way *way)
{
  const BenchLoad load = {
    .transport = way->transport,
    .content = way->content,
    .take = way->take,
    .mode = BENCH_MODE_FLOOD,
    .size = MAX (self->size, sizes[0].size),
    .n_workers = way->n_workers,
  };
  g_autoptr (GError) error = NULL;
  BenchFeed *feed = bench_feed_new (&load, &error);
  double rate;

  if (feed == NULL || !bench_feed_wait (feed, 1))
    bench_feed_fail (feed, error);
  bench_feed_run (self->options.warm_up);
  rate = bench_feed_sample (feed, self->options.window);
  if (!bench_feed_free (feed))
    self->failed = TRUE;
  return rate;
}

static void
run_round (Bench *self, guint round)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      if (!is_measured (self, &ways[i]))
        continue;
      self->rates[i][round] = run_feed (self, &ways[i]);
    }
}

static const double *
find_rates (const Bench *self, const char *name, guint n_workers)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      if (g_str_equal (ways[i].name, name) && ways[i].n_workers == n_workers && is_measured (self, &ways[i]))
        return self->rates[i];
    }
  return NULL;
}

static void
print_rates (const Bench *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *row = row_of (&ways[i]);
      g_autofree char *name = g_strdup_printf ("throughput/%s/%s", self->size_name, row);

      if (is_measured (self, &ways[i]))
        bench_print (name, bench_median (self->rates[i], self->options.rounds), "messages/s");
    }
}

static void
print_ratios (const Bench *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ratios); i++)
    {
      const Ratio *ratio = &ratios[i];
      g_autofree char *name = g_strdup_printf ("ratio/%s/%s", self->size_name, ratio->name);
      const double *values = find_rates (self, ratio->way, ratio->n_workers);
      const double *base = find_rates (self, ratio->base, ratio->base_workers);
      const char *budget = self->size == CHUNK ? ratio->budget_4k : self->size == STRINGS ? NULL : ratio->budget;

      if (values == NULL || base == NULL)
        continue;
      bench_print (name, bench_median_ratio (values, base, self->options.rounds), "x");
      if (budget != NULL)
        bench_print_budget (budget);
    }
}

int
main (int argc, char **argv)
{
  static Bench self;

  if (!bench_options_parse (&self.options, &argc, &argv))
    return EXIT_FAILURE;
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      self.size = sizes[i].size;
      self.size_name = sizes[i].name;
      for (guint round = 0; round < self.options.rounds; round++)
        run_round (&self, round);
      print_rates (&self);
      print_ratios (&self);
    }
  return self.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
