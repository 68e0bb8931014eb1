/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>

#include "bench-feed.h"

G_BEGIN_DECLS

typedef struct _BenchFerryEnd BenchFerryEnd;

gboolean bench_ferry_wait_until_open (BenchFeed *feed, GError **error);
FerryWorker *bench_ferry_get_worker (BenchPort *port);

G_END_DECLS
