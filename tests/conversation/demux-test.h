/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two transports in one process, joined by two wires. What is sent lies in a wire until its pump, a thread, delivers it
 * to the other end; a wire that is held keeps it, and one that is manually has no pump. */

#pragma once

#include <pthread.h>

#include "conversation/ferry-demux-private.h"
#include "ferry-test.h"

G_BEGIN_DECLS

#define ASKING 0
#define ASKED 1

typedef struct
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GQueue messages; /* lock: (element-type GBytes), as what follows */
  guint capacity;  /* messages; what goes beyond would block */
  gsize max_size;  /* bytes; what is longer is too large */
  gboolean held;
  gboolean stopped;
  gboolean slow;     /* a send returns when it is not any more */
  guint n_delivered; /* by the pump */
  guint n_refused;   /* how many sends would have blocked */
  GThread *pump;     /* (owned) (nullable) */
} DemuxTestWire;

typedef struct
{
  DemuxTestWire wires[2]; /* by the end that sends */
  FerryTransport *ends[2];
  FerryDemux *demux; /* at the end that is asked */
} DemuxTestPair;

DemuxTestPair *demux_test_pair_new (void);
/* Only demux_test_deliver() delivers what this end sends. Before anything is sent. */
void demux_test_pair_manual (DemuxTestPair *pair, guint sender);
/* Stops the demux, waits until it is quiet, and checks that nothing of it or of the transports is left. */
void demux_test_pair_free (DemuxTestPair *pair);
void demux_test_wire_hold (DemuxTestPair *pair, guint sender, gboolean held);
void demux_test_wire_limit (DemuxTestPair *pair, guint sender, guint capacity, gsize max_size);
guint demux_test_wire_count (DemuxTestPair *pair, guint sender);
guint demux_test_wire_count_refused (DemuxTestPair *pair, guint sender);
guint demux_test_wire_count_delivered (DemuxTestPair *pair, guint sender);
/* While it is slow, what is sent is on its way, and the send does not return. */
void demux_test_wire_slow (DemuxTestPair *pair, guint sender, gboolean slow);
/* Delivers the oldest message of a wire manually. */
gboolean demux_test_deliver (DemuxTestPair *pair, guint sender);
/* Stops, and waits until the handlers have returned and the threads are gone. */
void demux_test_stop (DemuxTestPair *pair);
void demux_test_start (DemuxTestPair *pair);

/* What became of a request. */
typedef struct
{
  DemuxTestPair *pair;
  guint64 xid;
  _Atomic guint n_done;
  gboolean refused;
  gboolean has_value; /* answers are numbers, or nothing */
  guint32 value;
  GError *error; /* (owned) (nullable) */
  char *trace;   /* (owned) (nullable) */
} DemuxTestAnswer;

DemuxTestAnswer *demux_test_ask (DemuxTestPair *pair, const char *method, GVariant *arguments);
DemuxTestAnswer *demux_test_ask_fully (DemuxTestPair *pair, const FerryRequest *request);
void demux_test_cancel (DemuxTestAnswer *answer, FerryCancelReason reason);
gboolean demux_test_is_done (DemuxTestAnswer *answer);
void demux_test_answer_free (DemuxTestAnswer *answer);
void demux_test_wait (DemuxTestAnswer *answer);
/* Each waits for the end, checks it, and frees the answer. */
void demux_test_expect_value (DemuxTestAnswer *answer, guint32 value);
void demux_test_expect_failure (DemuxTestAnswer *answer, GQuark domain, int code);
void demux_test_expect_refused (DemuxTestAnswer *answer);
/* The same, with words that the error has. */
void demux_test_expect_refused_for (DemuxTestAnswer *answer, const char *words);

/* A gate that handlers wait at, and a count of them. */
typedef struct
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean open;
  guint n_inside;
  guint n_came;
  guint most_inside;
} DemuxTestGate;

void demux_test_gate_init (DemuxTestGate *gate);
void demux_test_gate_clear (DemuxTestGate *gate);
void demux_test_gate_open (DemuxTestGate *gate);
guint demux_test_gate_count (DemuxTestGate *gate);
guint demux_test_gate_most (DemuxTestGate *gate);
void demux_test_gate_wait (DemuxTestGate *gate, guint n_came);

/* Handlers: the first returns its argument plus one; the second does so after it passed the gate, its data. */
void demux_test_add_one (FerryInvocation *invocation, gpointer data);
void demux_test_gated (FerryInvocation *invocation, gpointer gate);

/* Waits for a fact that another thread makes true without a wake-up. */
void demux_test_until (FerryTestCondition condition, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DemuxTestPair, demux_test_pair_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DemuxTestAnswer, demux_test_answer_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DemuxTestGate, demux_test_gate_clear)

G_END_DECLS
