/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two ends with a session over a simulated wire, in simulated time. Packets are lost, doubled, delayed and reordered as
 * the weather says, and the wire can be cut. Nothing waits for a real clock, so a run is the same for the same seed.
 *
 * Each end sends numbered messages. The other end checks that they come once and in order, with all their bytes, and
 * that it gets those of one session only. What a session keeps is checked after each step. */

#pragma once

#include "call/ferry-transport-private.h"
#include "cluster/ferry-session-private.h"

G_BEGIN_DECLS

typedef struct
{
  double loss;      /* the part of the packets that is lost */
  double doubled;   /* the part that comes twice */
  gint64 min_delay; /* microseconds */
  gint64 max_delay; /* packets overtake each other where it is larger */
} WireTestWeather;

typedef struct _WireTest WireTest;
typedef struct _WireTestEnd WireTestEnd;

/* Whether a packet goes on its way; called before the weather is. */
typedef gboolean (*WireTestFilter) (WireTestEnd *from, GBytes *packet, gpointer data);

struct _WireTestEnd
{
  WireTest *test;
  WireTestEnd *other;
  FerrySession *session;  /* (owned) (nullable): until it ends */
  FerrySessionPort *port; /* (unowned) (nullable): until it is finished */
  guint n_freed;          /* wires */
  FerrySessionSettings settings;
  gboolean is_dead;   /* has no process: nothing comes and goes */
  guint64 generation; /* of its sessions, from 1 */
  guint64 n_sent;     /* messages of this generation */
  guint64 n_refused;  /* sends that found no room */
  guint64 sender;     /* the other end's generation, of the messages that come; 0: none yet */
  guint64 n_received; /* of these */
  guint64 n_extra;    /* of those that are not in order: how many have come */
  gsize last_size;    /* of the message that came last */
  guint n_ended;      /* sessions */
  GError *reason;     /* (owned) (nullable): of the last one that ended */
  gboolean ignores;   /* does not look at the messages that come, but counts them, and keeps the first call */
  guint n_ignored;
  FerryCall *call;                                      /* (owned) (nullable) */
  void (*received) (WireTestEnd *self, guint64 number); /* (nullable): called for each message */
};

struct _WireTest
{
  WireTestEnd ends[2];
  FerryTimers *timers;   /* (owned): of a context that never runs */
  GMainContext *stopped; /* (owned): that one */
  GMainContext *loop;    /* (owned) */
  GRand *random;         /* (owned) */
  GQueue under_way;      /* (owned): packets, in the order in which they arrive */
  WireTestWeather weather;
  gboolean is_cut;
  WireTestFilter filter; /* (nullable) */
  gpointer filter_data;
  guint64 n_packets; /* handed to the wire */
};

WireTest *wire_test_new (guint32 seed);
void wire_test_free (WireTest *self);
/* The simulated time in microseconds. */
gint64 wire_test_get_time (void);

/* Makes a session at this end. */
void wire_test_open (WireTestEnd *self);
/* Makes a session at both ends, and runs until both are open. */
void wire_test_open_both (WireTest *self);
/* The end's process is killed: its session goes without a word. wire_test_open() starts it again. */
void wire_test_kill (WireTestEnd *self);

/* Sends the next message, of that size at least. Returns FALSE where there is no room. */
gboolean wire_test_send (WireTestEnd *self, gsize size);
/* Sends a message that is not among those in order, and that may be given up. Returns the number of its request, or 0
 * where there is no room. */
guint64 wire_test_send_extra (WireTestEnd *self, gsize size);
/* Hands a packet to an end, as the wire does. */
void wire_test_arrive (WireTestEnd *self, gconstpointer data, gsize size);

/* Runs what is due now. */
void wire_test_settle (WireTest *self);
/* Goes on to what happens next, but not beyond end. Returns FALSE at end. */
gboolean wire_test_step (WireTest *self, gint64 end);
/* Lets time pass, without anything being run. */
void wire_test_stop (WireTest *self, gint64 microseconds);
/* Runs for so many microseconds. */
void wire_test_run (WireTest *self, gint64 microseconds);
/* Runs until all messages that were sent have come. Fails when that takes longer than so many microseconds. */
void wire_test_run_until_received (WireTest *self, gint64 microseconds);
/* Runs until the session of an end has ended, which must have that code of FERRY_ERROR. */
void wire_test_run_until_ended (WireTestEnd *self, gint64 microseconds, int code);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WireTest, wire_test_free)

G_END_DECLS
