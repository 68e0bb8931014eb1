/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application does with 10, 100 and 1,000 hosts: finds them, has tasks run there and cancels them, and loses
 * the hosts again; what each costs, and how that grows.
 *
 * Threads: the router's. */

#pragma once

#include "bench-common.h"
#include "bench-nats.h"

#include <ferry.h>

G_BEGIN_DECLS

void bench_many_hosts_run (const BenchOptions *options, FerryRouter *router, const BenchNats *nats);

G_END_DECLS
