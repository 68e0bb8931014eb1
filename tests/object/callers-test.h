/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects “a”, “b” and “c”, which are called by one at a time and call each other in their own process.
 *
 * Methods: go (as): the first one's go () with the others, in this process; note (); keep () → o: answered by
 * callers_test_let_go(); give () → o: “a”, when a caller waits for this one's turn; run (): what the test says. */

#pragma once

#include <stdatomic.h>

#include "object-scene.h"

G_BEGIN_DECLS

#define CALLERS_TEST_N_LINKS 3
#define CALLERS_TEST_N_OBJECTS 3
/* For a call that has no answer where turns go wrong. */
#define CALLERS_TEST_PATIENCE (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

typedef struct _CallersTest CallersTest;

struct _CallersTest
{
  FerryTransport *here[CALLERS_TEST_N_LINKS]; /* (owned), as what follows */
  FerryTransport *there[CALLERS_TEST_N_LINKS];
  FerryProxy *proxies[CALLERS_TEST_N_LINKS][CALLERS_TEST_N_OBJECTS];
  FerryExporter *exporter;
  TestCounter *objects[CALLERS_TEST_N_OBJECTS];
  /* const: what run () of each does, and returns whether it is to answer. */
  gboolean (*bodies[CALLERS_TEST_N_OBJECTS]) (CallersTest *self, FerryInvocation *invocation);
  FerryInvocation *kept;  /* (owned) (nullable): what keep () has not answered: of the thread that sees n_kept */
  _Atomic guint n_kept;   /* how often keep () was called */
  _Atomic guint n_inside; /* in “a”, on whatever thread */
  _Atomic guint most_inside;
  _Atomic (GThread *) busy; /* the one that is in a method, or a handler, of “a” */
  _Atomic guint n_lent;     /* how often it was in another method then */
  _Atomic guint n_noted;    /* how often note () was called */
  _Atomic guint n_begun;    /* how far a test is */
};

/* On the main context, or a thread for each transport. */
void callers_test_open (CallersTest *self, gboolean on_context);
void callers_test_close (CallersTest *self);

/* On whatever thread, without iterating: until that is so many, or a caller waits for the turn of an object. */
void callers_test_wait_count (_Atomic guint *count, guint n);
void callers_test_wait_wanted (CallersTest *self, const char *name);
gboolean callers_test_is_wanted (CallersTest *self, const char *name);

void callers_test_set (FerryProxy *proxy, int value, ObjectOutcome *outcome);
void callers_test_assert_answered (ObjectOutcome *outcome);
/* In this process. Returns whether it was answered; answers call with the error otherwise. */
gboolean callers_test_call_local (CallersTest *self, FerryInvocation *invocation, const char *name, const char *method,
                                  GVariant *arguments);
/* Answers what was kept. */
void callers_test_let_go (CallersTest *self, gpointer object);

G_END_DECLS
