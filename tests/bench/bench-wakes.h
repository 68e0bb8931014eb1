/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is left of waiting threads when nothing is asked and nothing answers: 64 threads that sleep on a futex each, and
 * one that wakes each of them as soon as it sleeps. A thread that answers one that waits can't have it run more
 * often. */

#pragma once

#include "bench-common.h"

G_BEGIN_DECLS

typedef struct _BenchWakes BenchWakes;

BenchWakes *bench_wakes_new (guint n_threads);
void bench_wakes_free (BenchWakes *self);
/* Wakes a second, of all threads together, over so many ns. */
double bench_wakes_run (BenchWakes *self, gint64 duration);

G_END_DECLS
