/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many typed messages a second come through, with and without GVariants, beside plain bytes and ZeroMQ. */

#include "config.h"

#include <stdlib.h>

#include "bench-feed.h"
#include "bench-typed-message.h"

#define MAX_ROUNDS 16
#define LOAD_SIZE 64 /* bytes: about a message's, which sets the length of ZeroMQ's queues */

typedef struct
{
  const char *name;
  const BenchTransport *transport;
  BenchContent content;
  BenchTake take;
} Way;

static const Way ways[] = {
  {"record/ferry-raw", &bench_ferry, BENCH_CONTENT_RECORD_BYTES, BENCH_TAKE_RECORD},
  {"record/ferry-serialised", &bench_ferry, BENCH_CONTENT_RECORD, BENCH_TAKE_RECORD},
  {"record/ferry-gvariant", &bench_ferry, BENCH_CONTENT_RECORD_VARIANT, BENCH_TAKE_RECORD_VARIANT},
  {"record/zeromq", &bench_zeromq, BENCH_CONTENT_RECORD_BYTES, BENCH_TAKE_RECORD},
};

static const struct
{
  const char *name;
  const char *way;
  const char *base;
  const char *budget; /* (nullable) */
} ratios[] = {
  {"record/serialised-vs-raw", "record/ferry-serialised", "record/ferry-raw", ">= 0.8"},
  {"record/serialised-vs-gvariant", "record/ferry-serialised", "record/ferry-gvariant", NULL},
  {"record/serialised-vs-zeromq", "record/ferry-serialised", "record/zeromq", NULL},
};

typedef struct
{
  BenchOptions options;
  double rates[G_N_ELEMENTS (ways)][MAX_ROUNDS];
  gboolean failed;
} Bench;

static gboolean
is_measured (const Bench *self, const Way *way)
{
  return (self->options.only == NULL || g_str_has_suffix (way->name, self->options.only)) &&
         bench_transport_is_available (way->transport);
}

static double
run_feed (Bench *self, const Way *way)
{
  const BenchLoad load = {
    .transport = way->transport,
    .content = way->content,
    .take = way->take,
    .mode = BENCH_MODE_FLOOD,
    .size = LOAD_SIZE,
    .n_workers = 1,
  };

  return bench_feed_measure (&load, &self->options, &self->failed).rate;
}

static const double *
find_rates (const Bench *self, const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    if (g_str_equal (ways[i].name, name))
      return is_measured (self, &ways[i]) ? self->rates[i] : NULL;
  g_return_val_if_reached (NULL);
}

static void
print_rates (const Bench *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *name = g_strconcat ("typed/", ways[i].name, NULL);

      if (is_measured (self, &ways[i]))
        bench_print (name, bench_median (self->rates[i], self->options.rounds), "messages/s");
      else if (!bench_transport_is_available (ways[i].transport))
        bench_comment ("%s skipped: %s is not installed", name, ways[i].transport->name);
    }
}

static void
print_ratios (const Bench *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ratios); i++)
    {
      g_autofree char *name = g_strconcat ("ratio/typed/", ratios[i].name, NULL);
      const double *values = find_rates (self, ratios[i].way);
      const double *base = find_rates (self, ratios[i].base);

      if (values == NULL || base == NULL)
        continue;
      bench_print (name, bench_median_ratio (values, base, self->options.rounds), "x");
      if (ratios[i].budget != NULL)
        bench_print_budget (ratios[i].budget);
    }
}

int
main (int argc, char **argv)
{
  static Bench self;

  if (!bench_options_parse (&self.options, &argc, &argv))
    return EXIT_FAILURE;
  for (guint round = 0; round < self.options.rounds; round++)
    for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
      if (is_measured (&self, &ways[i]))
        self.rates[i][round] = run_feed (&self, &ways[i]);
  print_rates (&self);
  print_ratios (&self);
  return self.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
