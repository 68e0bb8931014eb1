/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A mux, and at the other end of its transport an end that answers what conversation-handlers.h has: over the lanes of
 * a worker's link, over a socket pair, or in this process. */

#pragma once

#include "ferry-test.h"

G_BEGIN_DECLS

typedef struct _MuxTest MuxTest;

typedef enum
{
  MUX_TEST_PAIR,
  MUX_TEST_SOCKET,
  MUX_TEST_LANES,
  MUX_TEST_N_WAYS,
} MuxTestWay;

extern const char *const mux_test_way_names[MUX_TEST_N_WAYS];

struct _MuxTest
{
  MuxTestWay way;
  guint n_fds;
  FerryTransport *transport; /* (owned): where the mux is */
  FerryMux *mux;             /* (owned) */
  FerryTransport *other;     /* (owned) (nullable): the other end, in this process */
  FerryDemux *demux;         /* (owned) (nullable): as that */
  FerryRouter *router;       /* (owned) (nullable): of a link */
  FerryWorker *worker;       /* (owned) (nullable): as that */
};

/* n_threads: as for ferry_demux_set_threads(). */
MuxTest *mux_test_new (MuxTestWay way, int n_threads);
/* Nothing is left: no call, descriptor, process. */
void mux_test_free (MuxTest *self);
/* Runs func on n threads at once, and the main loop until they are through. */
void mux_test_run_threads (MuxTest *self, guint n, void (*func) (MuxTest *self, guint number));
/* Asks on a thread of its own, and runs the main loop until that is through. */
gboolean mux_test_transact (MuxTest *self, const char *method, GVariant *arguments, gint64 timeout,
                            GCancellable *cancellable, GVariant **result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MuxTest, mux_test_free)

G_END_DECLS
