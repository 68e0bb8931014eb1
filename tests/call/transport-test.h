/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two connected ends of a transport, of any kind, and what the tests of all kinds do with them. Answers and requests
 * come on threads of the transports'; the test's thread waits for what they note. */

#pragma once

#include <pthread.h>

#include "ferry-test.h"

G_BEGIN_DECLS

/* Those of call/ferry-transport-private.h. */
typedef struct _FerryCall FerryCall;

/* A kind of transport with both ends in the test's process. To have another one keep the contract, add it to the table
 * in transport-test.c, or to that in contract-test.c, which has those with an end elsewhere. */
typedef struct
{
  const char *name; /* as it is in the names of the tests */
  /* Makes two connected ends. */
  void (*connect) (FerryTransport **one, FerryTransport **other);
  gboolean carries_descriptors;
} TransportTestKind;

/* Two ends that are received where a context is iterated, in tests that are linked with classic/polled-pair.c. */
void transport_test_connect_polled (FerryTransport **one, FerryTransport **other) __attribute__ ((weak));
/* Two ends of a session, in tests that are linked with cluster/session-pair.c. */
void transport_test_connect_sessions (FerryTransport **one, FerryTransport **other) __attribute__ ((weak));

/* What is to hold for each kind. */
typedef struct
{
  const char *name;
  void (*func) (gconstpointer kind);
} TransportTestFact;

/* Returns those that this program has, *n of them. */
const TransportTestKind *transport_test_get_kinds (guint *n);
/* Adds the tests /GROUP/KIND/FACT. */
void transport_test_add_facts (const char *group, const TransportTestFact *facts, guint n_facts);

typedef struct
{
  FerryTransport *ends[2]; /* (owned) (nullable) */
  GObject *owner;          /* (owned): what takes calls */
  guint n_fds;             /* open before, as the next one */
  guint n_threads;
} TransportTestPair;

TransportTestPair *transport_test_pair_new (const TransportTestKind *kind);
/* Closes what is open, and waits until no thread or descriptor is left behind. */
void transport_test_pair_free (TransportTestPair *pair);
void transport_test_take_calls (TransportTestPair *pair, guint end,
                                void (*func) (FerryTransport *self, FerryCall *call, GObject *owner));

/* Waits until condition holds; fails the test when it takes too long. Threads that make it hold may say so. */
void transport_test_wait (FerryTestCondition condition, gpointer data);
void transport_test_wake (void);
void transport_test_wait_count (_Atomic guint *count, guint wanted);
/* Waits for the end, which must have that code of FERRY_ERROR. */
void transport_test_wait_closed (FerryTransport *end, int code);
/* How many threads there are of the library's transports. */
guint transport_test_count_threads (void);
void transport_test_wait_left (guint n_threads, guint n_fds);

/* Sends a one-way request. Returns FALSE when there is no room. */
gboolean transport_test_try_tell (FerryTransport *end, const char *method, GVariant *arguments);

/* A gate that threads wait at until it is opened. */
typedef struct
{
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean open; /* lock */
} TransportTestGate;

#define TRANSPORT_TEST_GATE_INIT                                                                                       \
  {                                                                                                                    \
    .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER                                             \
  }

void transport_test_gate_set (TransportTestGate *gate, gboolean open);
void transport_test_gate_pass (TransportTestGate *gate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TransportTestPair, transport_test_pair_free)

G_END_DECLS
