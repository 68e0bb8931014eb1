/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What else runs tasks on other hosts: a server or a scheduler, and workers as processes, all on this machine.
 *
 * Threads: the caller's. What does not go well ends the bench. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  guint divisor; /* so slow that a divisor-th of the tasks is enough */
  /* Returns NULL, and prints a line that says so, when the machine does not have it. It may not be ready yet. */
  gpointer (*open) (guint n_workers);
  /* Tasks a second, of which each gives its payload back, so many of them under way at a time. */
  double (*measure_rate) (gpointer self, const char *payload, guint n, guint n_under_way);
  /* A task that is alone: from its submission to the function's first instruction, and to the result, in ns. */
  void (*measure_trip) (gpointer self, double *begin, double *end);
  void (*close) (gpointer self);
} BenchPeer;

extern const BenchPeer bench_dask;
extern const BenchPeer bench_gearman;

/* What a process does that works for gearmand at this port. */
int bench_gearman_work (const char *port);

G_END_DECLS
