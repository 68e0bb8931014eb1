/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Many hosts in a few processes: each has a connection, presence and sessions of its own, as ferry-host has them, but a
 * thread in place of worker processes. Their functions are “echo”, “nap” (x: microseconds) and “hold”, which returns
 * when it is cancelled.
 *
 * Threads: the router's. What does not go well ends the bench. */

#pragma once

#include "bench-nats.h"

G_BEGIN_DECLS

/* The hosts' application. */
#define BENCH_CROWD_APPLICATION "crowd"

typedef struct
{
  GPtrArray *processes; /* (owned) (element-type GSubprocess) */
} BenchCrowd;

/* Starts so many hosts. Returns when all of them are connected. */
void bench_crowd_open (BenchCrowd *self, const BenchNats *nats, guint n_hosts);
/* Has those of the process at the index leave; it ends when they have. */
void bench_crowd_drain (BenchCrowd *self, guint index);
/* Waits until all processes have ended, which were told to. */
void bench_crowd_close (BenchCrowd *self);

/* What such a process does, with so many hosts from the first number on; it says so on its standard output when they
 * are connected. */
int bench_crowd_be (const char *url, guint first, guint n_hosts);

G_END_DECLS
