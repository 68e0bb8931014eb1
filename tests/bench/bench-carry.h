/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Large data from a worker: one buffer after the other, each of them filled with the low byte of its number.
 *
 * A way is what carries them. The application's end takes them one by one; the worker's end, in a process of its own,
 * says where the next one is to be written, and then sends it. */

#pragma once

#include "bench-common.h"

G_BEGIN_DECLS

#define BENCH_CARRY_FILLING 8 /* where a buffer says how many ns filling took, its own and that of all before it */
#define BENCH_CARRY_FD 3      /* in the worker, of ways that open one for it */

typedef struct _BenchWay BenchWay;

typedef struct
{
  const BenchWay *way;
  gsize size;
  gboolean reads; /* each byte is read, not only three */
  guint64 n_taken;
  gint64 filling;       /* as the latest one said */
  GSubprocess *process; /* (owned) (nullable) */
  gpointer end;         /* the way's */
} BenchCarrier;

struct _BenchWay
{
  const char *name;

  /* application */
  gboolean (*open) (BenchCarrier *self, GError **error);
  void (*take) (BenchCarrier *self); /* waits for the next one, and has it checked; what goes wrong ends the bench */
  void (*close) (BenchCarrier *self);

  /* worker: attach() may fail by ending the process */
  gpointer (*attach) (const char *address, gsize size);
  guint8 *(*begin) (gpointer end, gsize size);
  gboolean (*send) (gpointer end, gsize size);
};

extern const BenchWay bench_way_socket;
extern const BenchWay bench_way_recycled;
extern const BenchWay bench_way_untrusted;
/* Ends the process. */
void bench_carry_fail (const char *what, const GError *error) G_GNUC_NORETURN;
/* Counts a buffer, and looks whether it is the one that is due. */
void bench_carrier_check (BenchCarrier *self, const guint8 *data, gsize size);
/* address: for the worker's attach(); fd becomes its BENCH_CARRY_FD, or is -1. */
gboolean bench_carrier_spawn (BenchCarrier *self, const char *address, int fd, GError **error);
void bench_carrier_end_process (BenchCarrier *self);

G_END_DECLS
