/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Large data from a worker: buffers of 1, 16 and 256 MiB, beside peers, beside the worker's own filling of the same
 * memory, and beside a copy from one warm buffer to another. */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench-carry.h"

#define MEBIBYTE ((gsize) 1024 * 1024)
#define WARM_UP 4 /* buffers: all memory that is used again was touched */
#define MAX_ROUNDS 16

enum
{
  PACED,
  UNTOUCHED,
  RECYCLED,
  UNTRUSTED,
  ONE_SHOT,
  PIPE,
  SOCKET,
  SHARED,
  GDBUS,
  ZEROMQ,
  READ_UNTRUSTED, /* the rest are read in full */
  READ_ONE_SHOT,
  READ_RECYCLED,
  READ_SOCKET,
  READ_SHARED,
  READ_ZEROMQ,
  N_WAYS,
  MEMSET = N_WAYS, /* how quickly the worker fills what it sends as RECYCLED */
  MEMCPY,          /* in this process */
  N_ROWS,
};

static const BenchWay *const ways[N_WAYS] = {
  [PACED] = &bench_way_paced,
  [UNTOUCHED] = &bench_way_untouched,
  [RECYCLED] = &bench_way_recycled,
  [UNTRUSTED] = &bench_way_untrusted,
  [ONE_SHOT] = &bench_way_one_shot,
  [PIPE] = &bench_way_pipe,
  [SOCKET] = &bench_way_socket,
  [SHARED] = &bench_way_shared,
  [GDBUS] = &bench_way_gdbus,
  [ZEROMQ] = &bench_way_zeromq,
  [READ_UNTRUSTED] = &bench_way_untrusted,
  [READ_ONE_SHOT] = &bench_way_one_shot,
  [READ_RECYCLED] = &bench_way_recycled,
  [READ_SOCKET] = &bench_way_socket,
  [READ_SHARED] = &bench_way_shared,
  [READ_ZEROMQ] = &bench_way_zeromq,
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
  {RECYCLED, ONE_SHOT, "recycled-vs-one-shot", ">= 3"},
  {UNTRUSTED, MEMCPY, "untrusted-vs-memcpy", ">= 0.5"},
  {UNTRUSTED, SOCKET, "untrusted-vs-socket", ">= 1"},
  {RECYCLED, PIPE, "recycled-vs-pipe", NULL},
  {RECYCLED, SOCKET, "recycled-vs-socket", NULL},
  {RECYCLED, SHARED, "recycled-vs-shared", NULL},
  {RECYCLED, GDBUS, "recycled-vs-gdbus", NULL},
  {RECYCLED, ZEROMQ, "recycled-vs-zeromq", NULL},
  {READ_UNTRUSTED, READ_SOCKET, "read/untrusted-vs-socket", ">= 1"},
};

static const guint sizes[] = {1, 16, 256};

/* Of one round. */
typedef struct
{
  double rate;   /* bytes a second */
  double memset; /* the same while the worker filled them */
  double cost;   /* what one costs this process, all its threads, in µs */
} Carried;

static gint64
get_processor_time (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC + usage.ru_utime.tv_usec +
         usage.ru_stime.tv_usec;
}

static Carried
carry (const BenchWay *way, gsize size, gboolean reads, gint64 window)
{
  BenchCarrier carrier = {.way = way, .size = size, .reads = reads};
  g_autoptr (GError) error = NULL;
  gint64 started, elapsed, used, filling;
  double n;

  if (!way->open (&carrier, &error))
    bench_carry_fail (way->name, error);
  while (carrier.n_taken < WARM_UP)
    way->take (&carrier);
  filling = carrier.filling;
  used = get_processor_time ();
  started = bench_now ();
  do
    {
      way->take (&carrier);
      elapsed = bench_now () - started;
    }
  while (elapsed < window);
  used = get_processor_time () - used;
  filling = carrier.filling - filling;
  way->close (&carrier);
  n = (double) (carrier.n_taken - WARM_UP);
  return (Carried){n * size * 1e9 / elapsed, n * size * 1e9 / filling, used / n};
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

/* Whether --only names a row, with or without its size, or the group of all rows that begin with "read/". */
static gboolean
is_wanted (const BenchOptions *options, guint size, const char *name)
{
  g_autofree char *row = g_strdup_printf ("%uMiB/%s", size, name);
  const char *only = options->only;

  return only == NULL || g_str_equal (only, name) || g_str_equal (only, row) ||
         (g_str_has_prefix (name, only) && name[strlen (only)] == '/');
}

/* The end of the name of a row. */
static const char *
row_of (int row)
{
  static const char *const read_rows[] = {
    [READ_UNTRUSTED - READ_UNTRUSTED] = "read/untrusted", [READ_ONE_SHOT - READ_UNTRUSTED] = "read/one-shot",
    [READ_RECYCLED - READ_UNTRUSTED] = "read/recycled",   [READ_SOCKET - READ_UNTRUSTED] = "read/socket",
    [READ_SHARED - READ_UNTRUSTED] = "read/shared",       [READ_ZEROMQ - READ_UNTRUSTED] = "read/zeromq",
  };

  if (row == MEMSET)
    return "memset";
  if (row == MEMCPY)
    return "memcpy";
  return row >= READ_UNTRUSTED ? read_rows[row - READ_UNTRUSTED] : ways[row]->name;
}

static void
run_size (const BenchOptions *options, guint size, double *cost)
{
  double rates[N_ROWS][MAX_ROUNDS] = {0}, costs[MAX_ROUNDS] = {0};

  for (guint round = 0; round < options->rounds; round++)
    {
      for (int way = 0; way < N_WAYS; way++)
        {
          Carried carried;

          if (ways[way]->open == NULL || !is_wanted (options, size, row_of (way)))
            continue;
          carried = carry (ways[way], size * MEBIBYTE, way >= READ_UNTRUSTED, options->window);
          if (way == PACED)
            costs[round] = carried.cost;
          else
            rates[way][round] = carried.rate;
          if (way == RECYCLED)
            rates[MEMSET][round] = carried.memset;
        }
      if (is_wanted (options, size, "memcpy"))
        rates[MEMCPY][round] = copy (size * MEBIBYTE, options->window);
    }
  for (int row = 0; row < N_ROWS; row++)
    if (rates[row][0] > 0 && row == UNTOUCHED)
      print (size, row_of (row), size * MEBIBYTE * 1e6 / bench_median (rates[row], options->rounds), "us");
    else if (rates[row][0] > 0)
      print (size, row_of (row), bench_median (rates[row], options->rounds) / 1e9, "GB/s");
  *cost = bench_median (costs, options->rounds);
  if (*cost > 0)
    print (size, "paced/cost", *cost, "us");
  print_ratios (size, rates, options->rounds);
}

/* ---- large messages ---- */

/* From a little more than a record takes. */
static const guint message_sizes[] = {40, 64, 128, 256, 512, 1024, 4096, 16384};

static void
run_messages (const BenchOptions *options, guint kibibytes)
{
  static const BenchWay *const message_ways[] = {&bench_way_message_pieces, &bench_way_message,
                                                 &bench_way_message_untrusted};
  double rates[G_N_ELEMENTS (message_ways)][MAX_ROUNDS];

  for (guint round = 0; round < options->rounds; round++)
    for (gsize way = 0; way < G_N_ELEMENTS (message_ways); way++)
      rates[way][round] = carry (message_ways[way], kibibytes * (gsize) 1024, FALSE, options->window).rate;
  for (gsize way = 0; way < G_N_ELEMENTS (message_ways); way++)
    {
      g_autofree char *row = g_strdup_printf ("messages/%uKiB/%s", kibibytes, message_ways[way]->name);

      bench_print (row, bench_median (rates[way], options->rounds) / 1e9, "GB/s");
    }
  for (gsize way = 1; way < G_N_ELEMENTS (message_ways); way++)
    {
      g_autofree char *row = g_strdup_printf ("ratio/messages/%uKiB/%s-vs-pieces", kibibytes, message_ways[way]->name);

      bench_print (row, bench_median_ratio (rates[way], rates[0], options->rounds), "x");
    }
}

int
main (int argc, char **argv)
{
  double costs[G_N_ELEMENTS (sizes)] = {0};
  BenchOptions options;

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  options.rounds = MIN (options.rounds, MAX_ROUNDS);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes) - (options.smoke ? 1 : 0); i++)
    run_size (&options, sizes[i], &costs[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (message_sizes) && is_wanted (&options, 0, "messages"); i++)
    run_messages (&options, message_sizes[i]);
  if (costs[0] == 0 || costs[2] == 0)
    return EXIT_SUCCESS;
  bench_print ("ratio/buffers/paced/cost-256MiB-vs-1MiB", costs[2] / costs[0], "x");
  bench_print_budget ("flat: what receiving costs does not depend on the size");
  return EXIT_SUCCESS;
}
