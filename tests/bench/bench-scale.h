/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What things cost in growing numbers, and how the cost grows with the number.
 *
 * A thing is set up, used and torn down by its run function, once or more for each count. The function notes what each
 * operation has cost. When all counts have run, the costs and the exponents are printed.
 *
 * Threads: one. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _BenchScale BenchScale;

typedef struct
{
  const char *name;
  guint base; /* the smallest count; the others are 10, 100 and 1,000 times as large */
  void (*run) (BenchScale *scale, guint count);
} BenchThing;

extern const BenchThing bench_scale_pool;
extern const BenchThing bench_scale_links;
extern const BenchThing bench_scale_grants;
extern const BenchThing bench_scale_pipes;
extern const BenchThing bench_scale_tasks;
extern const BenchThing bench_scale_priorities;
extern const BenchThing bench_scale_objects;
extern const BenchThing bench_scale_followed;
extern const BenchThing bench_scale_rows;

/* Begins an operation: from here on, the processor time of all threads of this process counts, and that of a helper. */
void bench_scale_begin (BenchScale *self);
/* Ends the operation, and notes its processor time. */
void bench_scale_end (BenchScale *self, const char *operation);
/* The same, and notes the helper's time as another operation. */
void bench_scale_end_with_helper (BenchScale *self, const char *operation, const char *of_helper);
/* Sets another process; its time is noted. 0: none. */
void bench_scale_set_helper (BenchScale *self, GPid pid);
/* Notes any other cost. */
void bench_scale_note (BenchScale *self, const char *operation, double cost, const char *unit);
/* The same between two calls: the memory on the heap; and what links take, their resident memory and descriptors. */
void bench_scale_begin_memory (BenchScale *self);
void bench_scale_end_memory (BenchScale *self, gboolean of_links);
/* Runs the main loop until *counter has reached count. */
void bench_scale_run_until (const guint *counter, guint count);
/* Runs the main loop until the exporter's objects have no references of other processes. */
void bench_scale_run_until_released (gpointer exporter);
/* The index-th of count positions in an order that jumps. */
guint bench_scale_shuffle (guint index, guint count);

G_END_DECLS
