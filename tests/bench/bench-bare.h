/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "bench-feed.h"

G_BEGIN_DECLS

double bench_bare_run (BenchTake take, gsize size, gint64 nanoseconds);

G_END_DECLS
