/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ways to start a process that tells the time at which it began: the peers of Ferry's own start. */

#pragma once

#include <ferry.h>

#include "bench-common.h"

G_BEGIN_DECLS

/* In ns: until the first instruction of what was started, by the clock that it reads itself; until its answer is here.
 */
typedef struct
{
  gint64 instruction;
  gint64 answer;
} BenchStart;

typedef struct
{
  int control;          /* (owned) */
  GSubprocess *process; /* (owned) */
} BenchForkServer;

BenchForkServer *bench_fork_server_new (const char *program);
void bench_fork_server_free (BenchForkServer *self);

BenchStart bench_start_bare (BenchForkServer *fork_server);
BenchStart bench_start_posix_spawn (void);
BenchStart bench_start_gsubprocess (void);
/* A plain worker of Ferry's, forked or executed as the launcher says. */
BenchStart bench_start_worker (FerryLauncher *launcher, FerryRouter *router);

G_END_DECLS
