/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that serves, and the application's end of its link without a pool: on a thread of the test, so that a test
 * can look into its functions, or a process, the serving worker (tests/workers/serving-worker.c).
 *
 * A thread's progress pipe is a queued one here, so that each report is seen; a process' has the newest only. */

#pragma once

#include "ferry-test.h"

#include "call/ferry-transport-private.h"
#include "job/ferry-job-private.h"
#include "task/ferry-task.h"
#include "wire/ferry-progress-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryRouter *router;       /* (owned) */
  FerryTransport *transport; /* (owned) */
  FerryReceiver *calls;      /* (owned) */
  FerryReceiver *progress;   /* (owned) */
  FerryLink *link;           /* (owned) */
  guint n_closed;            /* how many of the two pipes are */
  GArray *reports;           /* (element-type FerryProgress) */

  FerryWorker *worker;          /* (owned) (nullable): the process */
  FerryForkServer *fork_server; /* (owned) (nullable): its parent */

  /* Where it is a thread. */
  GThread *thread;
  FerryDownlink *downlink;
  FerrySender *senders[2];
  gboolean served; /* what ferry_serve_run() returned */
  GError *failure;
  gboolean router_stopped;
} ServeTest;

ServeTest *serve_test_new_thread (void);
/* A launcher of the serving worker, without anything else. */
FerryLauncher *serve_test_launcher_new (void);
/* launcher (nullable): for one as it is. fork server: forked by one, instead of executed. */
ServeTest *serve_test_new_process (FerryLauncher *launcher, gboolean fork_server);
/* Has it finish, and waits for that. */
void serve_test_finish (ServeTest *test);
void serve_test_stop_router (ServeTest *test);
/* Finishes what was not finished. */
void serve_test_free (ServeTest *test);

/* What becomes of a call. */
typedef struct
{
  ServeTest *test; /* (unowned) */
  guint64 xid;
  gboolean done;
  gboolean refused;
  GVariant *result; /* (owned) (nullable) */
  GError *error;    /* (owned) (nullable) */
  char *trace;      /* (owned) (nullable) */
  GString *items;   /* the values on the way, as text, each behind its type's name and a colon */
  guint n_items;
} ServeTestCall;

ServeTestCall *serve_test_ask (ServeTest *test, const char *function, GVariant *arguments);
ServeTestCall *serve_test_ask_fully (ServeTest *test, FerryTaskKind kind, const char *function, GVariant *arguments,
                                     guint16 window, gint64 deadline);
void serve_test_call_free (ServeTestCall *call);
void serve_test_wait (ServeTestCall *call);
void serve_test_cancel (ServeTestCall *call, FerryCancelReason reason);
/* Waits for the result, which is text, or NULL for none. */
void serve_test_assert_result (ServeTestCall *call, const char *text);
void serve_test_assert_failed (ServeTestCall *call, GQuark domain, int code);
/* Calls and waits. */
void serve_test_assert_call (ServeTest *test, const char *function, GVariant *arguments, const char *text);
/* Waits until so many reports have come, and gives the last of them. */
const FerryProgress *serve_test_wait_reports (ServeTest *test, guint n_reports);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServeTest, serve_test_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServeTestCall, serve_test_call_free)

G_END_DECLS
