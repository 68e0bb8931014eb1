/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stands for bench-gearman.c where libgearman is not installed. */

#include "config.h"

#include <stdlib.h>

#include "bench-common.h"
#include "bench-peers.h"

static gpointer
gearman_open (guint n_workers)
{
  bench_comment ("cluster/gearman skipped: this build is without libgearman");
  return NULL;
}

const BenchPeer bench_gearman = {.name = "gearman", .open = gearman_open};

int
bench_gearman_work (const char *port)
{
  return EXIT_FAILURE;
}
