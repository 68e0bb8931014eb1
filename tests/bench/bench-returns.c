/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Large results of functions: as a value, and in a buffer that the function fills, of a worker that is trusted and of
 * one that is not. The function fills each byte, and the application reads one in each page. */

#include "config.h"

#include <stdlib.h>

#include "bench-common.h"
#include "bench-team.h"

#define SIZE (16 * 1024 * 1024)
#define PAGE 4096
#define N_WAYS 3
#define MAX_ROUNDS 16

static const struct
{
  const char *name;
  const char *function;
  gboolean trusted;
} ways[N_WAYS] = {
  {"value", "fill-value", FALSE},
  {"buffer", "fill-buffer", FALSE},
  {"buffer-trusted", "fill-buffer", TRUE},
};

static void
check_result (GVariant *result, guint8 content)
{
  gsize size;
  const guint8 *bytes = g_variant_get_fixed_array (result, &size, 1);

  if (size != SIZE)
    bench_fail ("a result of another size", NULL);
  for (gsize i = 0; i < size; i += PAGE)
    if (bytes[i] != content)
      bench_fail ("a result of another content", NULL);
}

/* Returns how many bytes come home in a nanosecond. */
static double
measure (BenchTeam *team, const BenchOptions *options, guint way)
{
  const gint64 started = bench_now ();
  guint64 n = 0;

  do
    {
      g_autoptr (GVariant) result =
        bench_team_ask (team, ways[way].function, g_variant_new ("(ty)", (guint64) SIZE, (guchar) n));

      check_result (result, (guint8) n++);
    }
  while (bench_now () - started < options->window);
  return (double) n * SIZE / (double) (bench_now () - started);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  FerryRouter *router;
  BenchTeam teams[2] = {{0}};
  double rates[N_WAYS][MAX_ROUNDS] = {{0}};

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  router = bench_router_open ();
  for (guint i = 0; i < G_N_ELEMENTS (teams); i++)
    {
      bench_team_open_trusted (&teams[i], router, 1, i == 1);
      bench_team_warm_up (&teams[i]);
    }
  for (guint round = 0; round < options.rounds; round++)
    for (guint way = 0; way < N_WAYS; way++)
      rates[way][round] = measure (&teams[ways[way].trusted], &options, way);
  for (guint way = 0; way < N_WAYS; way++)
    bench_print_as (bench_median (rates[way], options.rounds), "GB/s", "returns/16-MiB/%s", ways[way].name);
  for (guint way = 1; way < N_WAYS; way++)
    bench_print_as (bench_median_ratio (rates[way], rates[0], options.rounds), "ratio",
                    "ratio/returns/16-MiB/%s-vs-value", ways[way].name);
  for (guint i = 0; i < G_N_ELEMENTS (teams); i++)
    bench_team_close (&teams[i]);
  bench_router_close (router);
  return EXIT_SUCCESS;
}
