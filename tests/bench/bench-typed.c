/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many typed messages a second come through, with and without GVariants, beside plain bytes and ZeroMQ; and how
 * long it takes to make one. */

#include "config.h"

#include <stdlib.h>

#include "bench-feed.h"
#include "bench-typed-message.h"

#define MAX_ROUNDS 16
#define MAIL_A_ROUND 200000
#define MAIL_A_QUICK_ROUND 20000
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
  {"mail/ferry-serialised", &bench_ferry, BENCH_CONTENT_MAIL, BENCH_TAKE_MAIL},
  {"mail/ferry-gvariant", &bench_ferry, BENCH_CONTENT_MAIL_VARIANT, BENCH_TAKE_MAIL_VARIANT},
  {"mail/zeromq", &bench_zeromq, BENCH_CONTENT_MAIL, BENCH_TAKE_MAIL},
  {"mail/zeromq-gvariant", &bench_zeromq, BENCH_CONTENT_MAIL_VARIANT, BENCH_TAKE_MAIL_VARIANT},
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
  {"mail/serialised-vs-gvariant", "mail/ferry-serialised", "mail/ferry-gvariant", NULL},
  {"mail/serialised-vs-zeromq", "mail/ferry-serialised", "mail/zeromq", NULL},
};

typedef struct
{
  BenchOptions options;
  double rates[G_N_ELEMENTS (ways)][MAX_ROUNDS];
  double written[MAX_ROUNDS]; /* ns to make mail with a writer */
  double built[MAX_ROUNDS];   /* ns to make mail with g_variant_new(), and serialise it */
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

/* The bytes are stored where both would store them: in memory that is used again. */
static void
make_mail (Bench *self, guint round)
{
  const guint n = self->options.quick ? MAIL_A_QUICK_ROUND : MAIL_A_ROUND;
  g_autoptr (FerryVariantWriter) writer = ferry_variant_writer_new (BENCH_MAIL_TYPE);
  guint64 place[64];
  gint64 start = bench_now ();
  gsize size;

  for (guint32 i = 0; i < n; i++)
    {
      gconstpointer data = bench_mail_write (writer, i, &size);

      memcpy (place, data, size);
      self->failed |= *(const guint32 *) place != i;
    }
  self->written[round] = (double) (bench_now () - start) / n;
  start = bench_now ();
  for (guint32 i = 0; i < n; i++)
    {
      g_autoptr (GVariant) mail = g_variant_ref_sink (bench_mail_to_variant (i));

      self->failed |= g_variant_get_size (mail) != size;
      g_variant_store (mail, place);
      self->failed |= *(const guint32 *) place != i;
    }
  self->built[round] = (double) (bench_now () - start) / n;
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
  bench_print ("typed/mail/make/writer", bench_median (self->written, self->options.rounds), "ns");
  bench_print ("typed/mail/make/gvariant", bench_median (self->built, self->options.rounds), "ns");
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
  bench_print ("ratio/typed/mail/make/writer-vs-gvariant",
               bench_median_ratio (self->built, self->written, self->options.rounds), "x");
  bench_print_budget (">= 4");
}

int
main (int argc, char **argv)
{
  static Bench self;

  if (!bench_options_parse (&self.options, &argc, &argv))
    return EXIT_FAILURE;
  for (guint round = 0; round < self.options.rounds; round++)
    {
      for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
        if (is_measured (&self, &ways[i]))
          self.rates[i][round] = run_feed (&self, &ways[i]);
      make_mail (&self, round);
    }
  print_rates (&self);
  print_ratios (&self);
  return self.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
