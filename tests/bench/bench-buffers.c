/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Large data from a worker: buffers of 1, 16 and 256 MiB, beside peers, beside the worker's own filling of the same
 * memory, and beside a copy from one warm buffer to another. */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bench-carry.h"

#define MEBIBYTE ((gsize) 1024 * 1024)
#define WARM_UP 4 /* buffers: all memory that is used again was touched */
#define MAX_ROUNDS 16

enum
{
  RECYCLED,
  UNTRUSTED,
  SOCKET,
  READ_UNTRUSTED, /* the rest are read in full */
  READ_SOCKET,
  N_WAYS,
  MEMSET = N_WAYS, /* how quickly the worker fills what it sends as RECYCLED */
  MEMCPY,          /* in this process */
  N_ROWS,
};

static const BenchWay *const ways[N_WAYS] = {
  [RECYCLED] = &bench_way_recycled,        [UNTRUSTED] = &bench_way_untrusted, [SOCKET] = &bench_way_socket,
  [READ_UNTRUSTED] = &bench_way_untrusted, [READ_SOCKET] = &bench_way_socket,
};

/* What is divided by what. */
static const struct
{
  int way;
  int base;
  const char *name;
  const char *budget;
} comparisons[] = {
  {RECYCLED, MEMSET, "recycled-vs-memset", ">= 0.9"},
  {UNTRUSTED, MEMCPY, "untrusted-vs-memcpy", ">= 0.5"},
  {UNTRUSTED, SOCKET, "untrusted-vs-socket", ">= 1"},
  {RECYCLED, SOCKET, "recycled-vs-socket", NULL},
  {READ_UNTRUSTED, READ_SOCKET, "read/untrusted-vs-socket", ">= 1"},
};

static const guint sizes[] = {1, 16, 256};

/* Of one round. */
typedef struct
{
  double rate;   /* bytes a second */
  double memset; /* the same while the worker filled them */
} Carried;

static Carried
carry (const BenchWay *way, gsize size, gboolean reads, gint64 window)
{
  BenchCarrier carrier = {.way = way, .size = size, .reads = reads};
  g_autoptr (GError) error = NULL;
  gint64 started, elapsed, filling;
  double n;

  if (!way->open (&carrier, &error))
    bench_carry_fail (way->name, error);
  while (carrier.n_taken < WARM_UP)
    way->take (&carrier);
  filling = carrier.filling;
  started = bench_now ();
  do
    {
      way->take (&carrier);
      elapsed = bench_now () - started;
    }
  while (elapsed < window);
  filling = carrier.filling - filling;
  way->close (&carrier);
  n = (double) (carrier.n_taken - WARM_UP);
  return (Carried){n * size * 1e9 / elapsed, n * size * 1e9 / filling};
}

static double
copy (gsize size, gint64 window)
{
  g_autofree guint8 *from = g_malloc (size);
  g_autofree guint8 *to = g_malloc (size);
  gint64 started, elapsed;
  guint64 n = 0;

  memset (from, 1, size);
  memset (to, 2, size);
  started = bench_now ();
  do
    {
      memcpy (to, from, size);
      /* What is not read, a compiler need not write. */
      __asm__ volatile("" : : "r"(to), "r"(from) : "memory");
      n++;
      elapsed = bench_now () - started;
    }
  while (elapsed < window);
  return (double) n * (double) size * 1e9 / (double) elapsed;
}

static void
print (guint size, const char *name, double value, const char *unit)
{
  g_autofree char *row = g_strdup_printf ("buffers/%uMiB/%s", size, name);

  bench_print (row, value, unit);
}

static void
print_ratios (guint size, double (*rates)[MAX_ROUNDS], guint n_rounds)
{
  for (gsize i = 0; i < G_N_ELEMENTS (comparisons); i++)
    {
      g_autofree char *row = g_strdup_printf ("ratio/buffers/%uMiB/%s", size, comparisons[i].name);

      if (rates[comparisons[i].way][0] == 0 || rates[comparisons[i].base][0] == 0)
        continue;
      bench_print (row, bench_median_ratio (rates[comparisons[i].way], rates[comparisons[i].base], n_rounds), "x");
      if (comparisons[i].budget != NULL)
        bench_print_budget (comparisons[i].budget);
    }
}

/* The end of the name of a row. */
static const char *
row_of (int row)
{
  if (row == MEMSET)
    return "memset";
  if (row == MEMCPY)
    return "memcpy";
  if (row == READ_UNTRUSTED)
    return "read/untrusted";
  return row == READ_SOCKET ? "read/socket" : ways[row]->name;
}

static void
run_size (const BenchOptions *options, guint size)
{
  double rates[N_ROWS][MAX_ROUNDS] = {0};

  for (guint round = 0; round < options->rounds; round++)
    {
      for (int way = 0; way < N_WAYS; way++)
        {
          Carried carried;

          carried = carry (ways[way], size * MEBIBYTE, way >= READ_UNTRUSTED, options->window);
          rates[way][round] = carried.rate;
          if (way == RECYCLED)
            rates[MEMSET][round] = carried.memset;
        }
      rates[MEMCPY][round] = copy (size * MEBIBYTE, options->window);
    }
  for (int row = 0; row < N_ROWS; row++)
    if (rates[row][0] > 0)
      print (size, row_of (row), bench_median (rates[row], options->rounds) / 1e9, "GB/s");
  print_ratios (size, rates, options->rounds);
}

int
main (int argc, char **argv)
{
  BenchOptions options;

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  options.rounds = MIN (options.rounds, MAX_ROUNDS);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes) - (options.smoke ? 1 : 0); i++)
    run_size (&options, sizes[i]);
  return EXIT_SUCCESS;
}
