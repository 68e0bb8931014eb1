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

static const BenchWay *const ways[] = {&bench_way_socket, &bench_way_recycled, &bench_way_untrusted};

static int
carry (const BenchWay *way, const char *address, gsize size)
{
  gpointer end = way->attach (address, size);
  gint64 filling = 0;
  gint64 started;
  guint64 n = 0;
  guint8 *data;

  do
    {
      data = way->begin (end, size);
      started = bench_now ();
      memset (data, (guint8) n++, size);
      filling += bench_now () - started;
      memcpy (data + BENCH_CARRY_FILLING, &filling, sizeof filling);
    }
  while (way->send (end, size));
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
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    if (g_str_equal (argv[1], ways[i]->name))
      return carry (ways[i], argv[2], size);
  return EXIT_FAILURE;
}
