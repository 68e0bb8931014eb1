/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker of bench-buffers: bench-buffers-worker WAY ADDRESS SIZE. Fills buffers and sends them until it is killed.
 * Each of them says how long the ones before it took to fill. */

#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "bench-carry.h"

typedef struct
{
  const BenchWay *way;
  gint64 pace; /* ns between two; 0: as quickly as they go */
  gboolean unfilled;
} Work;

static const Work works[] = {
  {&bench_way_pipe},
  {&bench_way_socket},
  {&bench_way_shared},
  {&bench_way_gdbus},
  {&bench_way_zeromq},
  {&bench_way_recycled},
  {&bench_way_untrusted},
  {&bench_way_one_shot},
  {&bench_way_paced, 1000000, TRUE},
  {&bench_way_untouched, 0, TRUE},
  {&bench_way_frames, 16666667},
  {&bench_way_message},
  {&bench_way_message_untrusted},
  {&bench_way_message_pieces},
};

static int
carry (const Work *work, const char *address, gsize size)
{
  gpointer end = work->way->attach (address, size);
  gint64 due = bench_now ();
  gint64 filling = 0;
  gint64 started;
  guint64 n = 0;
  guint8 *data;

  do
    {
      due += work->pace;
      bench_pause (MAX (due - bench_now (), 0));
      data = work->way->begin (end, size);
      started = bench_now ();
      if (!work->unfilled)
        memset (data, (guint8) n++, size);
      filling += bench_now () - started;
      memcpy (data + BENCH_CARRY_FILLING, &filling, sizeof filling);
    }
  while (work->way->send (end, size));
  return EXIT_FAILURE;
}

int
main (int argc, char **argv)
{
  gsize size;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  signal (SIGPIPE, SIG_IGN);
  if (argc != 4)
    return EXIT_FAILURE;
  size = g_ascii_strtoull (argv[3], NULL, 10);
  for (gsize i = 0; i < G_N_ELEMENTS (works); i++)
    if (g_str_equal (argv[1], works[i].way->name))
      return carry (&works[i], argv[2], size);
  return EXIT_FAILURE;
}
