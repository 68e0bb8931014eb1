/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A cluster as an application has it, and hosts on this machine: processes of ferry-host with the functions of the
 * benches.
 *
 * Threads: the router's. What does not go well ends the bench. */

#pragma once

#include "bench-nats.h"

#include <ferry-cluster.h>
#include <ferry.h>

G_BEGIN_DECLS

typedef struct
{
  const BenchNats *nats;   /* (unowned) */
  FerryCluster *cluster;   /* (owned) */
  FerryExecutor *executor; /* (owned) */
  GPtrArray *processes;    /* (owned) (element-type GSubprocess): the hosts' */
} BenchHosts;

void bench_hosts_open (BenchHosts *self, const BenchNats *nats, FerryRouter *router);
/* Starts hosts until there are so many. Returns when the application knows them all. */
void bench_hosts_grow (BenchHosts *self, guint n_hosts, guint n_workers);
void bench_hosts_close (BenchHosts *self);
/* Runs the main loop until the list has so many hosts. */
void bench_hosts_wait (BenchHosts *self, guint n_hosts);
/* Returns (transfer full) a task that was submitted. Sinks arguments. */
FerryTask *bench_hosts_submit (BenchHosts *self, const char *function, GVariant *arguments, gboolean idempotent);

G_END_DECLS
