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

  /* application; a way that was not compiled in has no open() */
  gboolean (*open) (BenchCarrier *self, GError **error);
  void (*take) (BenchCarrier *self); /* waits for the next one, and has it checked; what goes wrong ends the bench */
  void (*close) (BenchCarrier *self);

  /* worker: attach() may fail by ending the process */
  gpointer (*attach) (const char *address, gsize size);
  guint8 *(*begin) (gpointer end, gsize size);
  gboolean (*send) (gpointer end, gsize size);
};

extern const BenchWay bench_way_pipe;
extern const BenchWay bench_way_socket;
extern const BenchWay bench_way_shared;
extern const BenchWay bench_way_gdbus;
extern const BenchWay bench_way_zeromq;
extern const BenchWay bench_way_recycled;
extern const BenchWay bench_way_untrusted;
extern const BenchWay bench_way_one_shot;
extern const BenchWay bench_way_paced;     /* as recycled, a thousand a second, which are not filled and not read */
extern const BenchWay bench_way_untouched; /* as paced, as quickly as they go */
extern const BenchWay bench_way_frames;    /* as recycled, sixty a second, and nothing is checked but their size */

/* Messages of plain bytes that are as large: of a worker that is trusted or not, and where there are no buffers. */
extern const BenchWay bench_way_message;
extern const BenchWay bench_way_message_untrusted;
extern const BenchWay bench_way_message_pieces;

/* Ends the process. */
void bench_carry_fail (const char *what, const GError *error) G_GNUC_NORETURN;
/* Counts a buffer, and looks whether it is the one that is due. */
void bench_carrier_check (BenchCarrier *self, const guint8 *data, gsize size);
/* address: for the worker's attach(); fd becomes its BENCH_CARRY_FD, or is -1. */
gboolean bench_carrier_spawn (BenchCarrier *self, const char *address, int fd, GError **error);
/* For a way of buffers, in place of its open(): buffer_func is for FerryReceiver::buffer. */
gboolean bench_carrier_open_link (BenchCarrier *self, gboolean trusted, GCallback buffer_func, gpointer user_data,
                                  GError **error);
void bench_carrier_end_process (BenchCarrier *self);
char *bench_carry_find_worker (void);

G_END_DECLS
