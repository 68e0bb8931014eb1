/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Round trips: up to so many under way at once, each in a slot that asks again as soon as it was answered.
 *
 * A road is a way for them to take, with both its ends. The same trips run in the application and in a worker, which
 * gets its orders through its standard input, a socket, and reports there.
 *
 * Threads: a slot belongs to the thread that asks with it, and then to the thread that takes the answer; nothing is
 * shared between slots but atomic counts. */

#pragma once

#include <semaphore.h>
#include <stdatomic.h>

#include "bench-common.h"

G_BEGIN_DECLS

#define BENCH_MAX_IN_FLIGHT 64
#define BENCH_MAX_TIMED 4096 /* single trips; their times are kept */
#define BENCH_ORDERS 0       /* the descriptor on which a worker is ordered */

typedef struct _BenchRoad BenchRoad;
typedef struct _BenchRoute BenchRoute;
typedef struct _BenchTrips BenchTrips;

/* Who asks whom. */
typedef enum
{
  BENCH_WORKER_TO_MAIN,    /* a thread of the worker asks, the application's main loop answers */
  BENCH_MAIN_TO_WORKER,    /* the application's main loop asks */
  BENCH_THREADS_TO_WORKER, /* a blocking thread of the application for each trip that is under way */
  BENCH_THREAD_TO_THREAD,  /* no worker */
} BenchDirection;

typedef struct
{
  guint32 in_flight;
  guint32 size;
  guint64 most;    /* trips of each slot */
  gint64 duration; /* ns, after which nothing is asked any more */
  guint32 pause;   /* ms between an answer and the next request of a slot */
} BenchOrders;

typedef struct
{
  guint64 n_done;
  guint64 n_wrong;
  gint64 elapsed; /* ns */
  gint64 median;  /* ns of a trip, where there is one at a time */
} BenchReport;

typedef struct
{
  BenchTrips *trips;
  guint index;
  BenchMessage *message; /* (owned): its sequence says which slot it is of, and which trip */
  gint64 started;
  guint64 n_done;
} BenchSlot;

struct _BenchTrips
{
  const BenchRoad *road; /* const, as the next one */
  gpointer end;
  BenchOrders orders; /* const while trips are under way, as the next one */
  gint64 until;
  gboolean waits; /* whether slots wait for their answers themselves, each on a thread */
  BenchSlot slots[BENCH_MAX_IN_FLIGHT];
  gint64 times[BENCH_MAX_TIMED];
  sem_t over; /* posted when nothing is under way any more */
  _Atomic guint n_under_way;
  _Atomic guint n_wrong;
};

/* The first three members are for the application, the next two for the worker, and the rest for the end that asks. */
struct _BenchRoad
{
  const char *name;
  gpointer (*open) (BenchRoute *route, GError **error);
  void (*close) (BenchRoute *route);

  gpointer (*attach) (BenchDirection direction, guint n_threads, const char *address, GError **error);
  void (*serve) (gpointer end); /* (nullable): answers for as long as the process lives */

  void (*ask) (BenchSlot *slot);                  /* does not wait */
  void (*wait) (gpointer end, BenchTrips *trips); /* (nullable): has answers taken, in a worker */
  gboolean (*transact) (BenchSlot *slot);         /* (nullable): waits for the answer, and ends the slot's trip */
};

/* The answering end is left as it is made. */
#define BENCH_DEFAULT_THREADS 1000

/* A road in one direction, as the application sees it. */
struct _BenchRoute
{
  const char *name;
  const BenchRoad *road;
  BenchDirection direction;
  guint n_threads;      /* that answer, 0 for the one that receives, or BENCH_DEFAULT_THREADS */
  gboolean is_apart;    /* echo is placed where workers are */
  GSubprocess *process; /* (owned) (nullable): the worker, unless Ferry launched it */
  GPid pid;             /* the worker's, 0: none */
  GPid echo;            /* the thread of this process that answers, 0: none */
  int orders;           /* (owned): where the worker is ordered */
  gpointer end;         /* (owned) (nullable): what the road keeps; without it the route is not there */
  BenchTrips *trips;    /* (owned) */
};

extern const BenchRoad bench_road_ferry;
extern const BenchRoad bench_road_ferry_bytes; /* plain bytes, no GVariants */
extern const BenchRoad bench_road_gdbus;
extern const BenchRoad bench_road_object_transaction;  /* one worker has this and the next four */
extern const BenchRoad bench_road_object_call_async;   /* of an object of an exporter as it is made */
extern const BenchRoad bench_road_object_call_default; /* the same, with a function that is called back */
extern const BenchRoad bench_road_object_call_receiver;
extern const BenchRoad bench_road_object_call_served;
extern const BenchRoad bench_road_socket;

BenchTrips *bench_trips_new (const BenchRoad *road, gpointer end);
void bench_trips_run_main_context (BenchTrips *self);
void bench_trips_obey (BenchTrips *self);

gboolean bench_slot_end (BenchSlot *self, gconstpointer data, gsize size);
BenchSlot *bench_trips_find (BenchTrips *self, gconstpointer data, gsize size);

/* The arguments of the worker's program; and one that is started, with these descriptors from 3 on, which are taken. */
char **bench_route_argv (const BenchRoute *self, const char *address);
int bench_route_take_orders_fd (BenchRoute *self);
gboolean bench_route_spawn (BenchRoute *self, const char *address, const int *fds, guint n_fds, GError **error);
/* Opens its road; a failure ends the program. bench_route_close() ends its worker. */
void bench_route_open (BenchRoute *self);
void bench_route_close (BenchRoute *self);
BenchReport bench_route_run (BenchRoute *self, const BenchOrders *orders);

G_END_DECLS
