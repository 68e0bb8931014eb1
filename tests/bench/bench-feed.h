/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>
#include <string.h>

#include "bench-common.h"

G_BEGIN_DECLS

typedef struct _BenchFeed BenchFeed;
typedef struct _BenchPort BenchPort;
typedef struct _BenchTransport BenchTransport;

/* What a worker sends. */
typedef enum
{
  BENCH_CONTENT_BYTES,
  BENCH_CONTENT_VARIANT, /* a GVariant, made with g_variant_new() for each message */
  BENCH_CONTENT_STRINGS, /* a GVariant of BENCH_STRINGS_TYPE, with BENCH_N_STRINGS of them */
} BenchContent;

/* The number, and names of files. */
#define BENCH_STRINGS_TYPE "(t@as)"
#define BENCH_N_STRINGS 1000

/* What the application does with a message, on the main loop's thread. */
typedef enum
{
  BENCH_TAKE_RAW,         /* reads the bytes */
  BENCH_TAKE_STAMP,       /* reads the bytes and notes how long they took */
  BENCH_TAKE_VARIANT_GET, /* makes a GVariant of the bytes and reads it with g_variant_get() */
  BENCH_N_TAKES,
} BenchTake;

/* What a worker does all the time. */
typedef enum
{
  BENCH_MODE_FLOOD, /* sends as fast as the transport takes it */
  BENCH_MODE_PACED, /* sends what bench_port_order() orders */
  BENCH_MODE_IDLE,  /* attaches, and sends nothing */
  BENCH_MODE_BUSY,  /* attaches, burns its processor, and sends nothing */
  BENCH_N_MODES,
} BenchMode;

typedef void (*BenchTakeFunc) (BenchPort *port, gconstpointer data, gsize size);

/* What reaches the application from one worker. All of it belongs to the main loop's thread. */
struct _BenchPort
{
  BenchTakeFunc take;
  guint64 next;   /* the sequence number that must come next, and so how many have come */
  guint64 errors; /* how often another one came */
  GArray *delays; /* (element-type double) µs from stamp to taking, for BENCH_TAKE_STAMP */
  BenchFeed *feed;
  int order_fd;         /* (owned) where the worker's standard input comes from */
  GSubprocess *process; /* (owned) (nullable) the worker, unless Ferry launched it */
  gpointer end;         /* (owned) what the transport keeps */
};

typedef struct
{
  const BenchTransport *transport;
  BenchContent content;
  BenchTake take;
  BenchMode mode;
  gsize size;
  guint n_workers;
} BenchLoad;

/* A set of workers and the main loop's end of what they send. */
struct _BenchFeed
{
  BenchLoad load;
  BenchPort *ports; /* (owned) (array length=load.n_workers) */
  gpointer hub;     /* (owned) what the transport keeps for all ports, such as a router */
};

/* A way for messages to take, with both its ends: the first four members are for the application, and the last four
 * for the worker. */
struct _BenchTransport
{
  const char *name;
  gboolean (*open) (BenchFeed *feed, GError **error);
  gboolean (*connect) (BenchPort *port, GError **error);
  void (*disconnect) (BenchPort *port);
  void (*close) (BenchFeed *feed);

  gpointer (*attach) (const char *address, gsize size, GError **error);
  gboolean (*send) (gpointer end, gconstpointer data, gsize size);
  gboolean (*send_variant) (gpointer end, GVariant *variant);
};

typedef struct
{
  guint32 n_messages;
  guint32 interval; /* µs */
} BenchOrder;

extern const BenchTransport bench_ferry;
extern const BenchTransport bench_pipe;
extern const BenchTransport bench_gathered_pipe;
extern const BenchTransport bench_gdbus;

const BenchTransport *bench_transport_find (const char *name);

BenchFeed *bench_feed_new (const BenchLoad *load, GError **error);
gboolean bench_feed_free (BenchFeed *feed);
/* ns, for what must come. */
gint64 bench_feed_get_patience (const BenchFeed *feed);
gboolean bench_feed_wait (BenchFeed *feed, guint64 n_messages);
void bench_feed_run (gint64 nanoseconds);
double bench_feed_sample (BenchFeed *feed, gint64 nanoseconds);
void bench_feed_fail (const BenchFeed *feed, const GError *error) G_GNUC_NORETURN;

char **bench_port_argv (const BenchPort *port, const char *address);
int bench_port_take_order_fd (BenchPort *port);
gboolean bench_port_spawn (BenchPort *port, const char *address, const int *fds, guint n_fds, GError **error);
gboolean bench_port_order (BenchPort *port, guint32 n_messages, guint32 interval);

extern const BenchTakeFunc bench_takes[BENCH_N_TAKES];
/* Reads each of the strings of a message, of a load of BENCH_CONTENT_STRINGS. */
void bench_take_strings (BenchPort *port, GVariant *message);

static inline void
bench_take_number (BenchPort *port, guint64 sequence)
{
  if (G_UNLIKELY (sequence != port->next))
    port->errors++;
  port->next++;
}

static inline void
bench_take_raw (BenchPort *port, gconstpointer data, gsize size)
{
  guint64 sequence;

  memcpy (&sequence, data, sizeof sequence);
  bench_take_number (port, sequence);
}

/* Of Ferry's feeds, with messages of 64 bytes. Ends the program where it cannot open one. */
BenchFeed *bench_ferry_open (BenchMode mode, BenchTake take, guint n_workers);
FerryWorker *bench_ferry_get_worker (BenchPort *port);

G_END_DECLS
