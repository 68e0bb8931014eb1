/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What else runs tasks on other hosts: gearmand, and workers as processes, all on this machine.
 *
 * Threads: the caller's. What does not go well ends the bench. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _BenchGearman BenchGearman;

/* store: (nullable): a file in which it keeps the tasks that nobody waits for. Returns NULL, and prints a line that
 * says so, when the machine does not have it. */
BenchGearman *bench_gearman_new (guint n_workers, const char *store);
void bench_gearman_free (BenchGearman *self);
/* The server, and its workers (element-type GSubprocess), all (transfer none). */
GSubprocess *bench_gearman_get_server (BenchGearman *self);
GPtrArray *bench_gearman_get_workers (BenchGearman *self);
/* Tasks a second, of which each gives its payload back, so many of them under way at a time. */
double bench_gearman_measure_rate (BenchGearman *self, const char *payload, guint n, guint n_under_way);
/* Tasks a second that nobody waits for, from the first that is submitted to the last that was run. */
double bench_gearman_measure_background_rate (BenchGearman *self, const char *payload, guint n);
/* A task that is alone: from its submission to the function's first instruction, and to the result, in ns. */
void bench_gearman_measure_trip (BenchGearman *self, double *begin, double *end);
/* What a process does that works for gearmand at this port. */
int bench_gearman_work (const char *port);

G_END_DECLS
