/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker of the benches of objects in windows, seen from the application.
 *
 * Threads: the router's. What does not go well ends the bench. */

#pragma once

#include <ferry-objects.h>

G_BEGIN_DECLS

#define BENCH_REMOTE_TRANSPORT "objects"
#define BENCH_REMOTE_GAUGE "gauge"
#define BENCH_REMOTE_LINES "lines"
#define BENCH_REMOTE_N_LINES 1000000

typedef struct
{
  FerryRouter *router;       /* (owned) */
  FerryTransport *transport; /* (owned) */
  FerryWorker *worker;       /* (owned) */
} BenchRemote;

void bench_remote_open (BenchRemote *self);
void bench_remote_close (BenchRemote *self);
/* Returns (transfer full) (nullable): what a method gave, while the main loop runs */
GVariant *bench_remote_call (FerryProxy *proxy, const char *method, GVariant *arguments);

G_END_DECLS
