/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A host's service over a pool, and applications that say exactly what a test has them say, at the other end of a pair
 * of transports. */

#pragma once

#include "task/task-test.h"

#include "call/ferry-transport-private.h"
#include "cluster/ferry-host-service-private.h"

G_BEGIN_DECLS

typedef struct
{
  TaskTest *task;            /* (owned) */
  FerryHostService *service; /* (owned) (nullable) */
  gboolean drained;
} HostTest;

/* A host 'alpha' with the functions of a pool of threads, or of processes. */
HostTest *host_test_new (gboolean in_threads, guint n_workers);
void host_test_free (HostTest *test);
void host_test_wait_drained (HostTest *test);
void host_test_wait_counts (HostTest *test, guint n_waiting, guint n_reserved, guint n_running);

/* One application. What it is told comes on the test's thread. */
typedef struct HostTestCall HostTestCall;
typedef struct
{
  HostTest *test;            /* (unowned) */
  FerryTransport *transport; /* (owned) */
  HostTestCall *serve;       /* (owned) (nullable) */
  guint64 capacity;          /* as was told last */
  guint64 n_sent;            /* runs */
  gboolean is_greedy;        /* it does not wait for room */
  gboolean told_drain;
  guint n_load;
} HostTestApplication;

/* What becomes of a request. */
struct HostTestCall
{
  gint references;
  HostTestApplication *application; /* (unowned) */
  guint64 xid;
  GString *said; /* the names of what was said, with a space between; values behind a colon */
  guint n_begins;
  guint n_items;
  guint n_progress;
  GPid process;    /* that the host told; 0: it told none */
  double fraction; /* of the latest progress */
  gboolean done;
  gboolean refused;
  GVariant *result; /* (owned) (nullable) */
  GError *error;    /* (owned) (nullable) */
  char *trace;      /* (owned) (nullable) */
};

/* Connects, and asks to be served, as a client that has the same name. */
HostTestApplication *host_test_connect (HostTest *test, const char *name);
/* The same of a client that may have been there before. name: “USER/ID”. */
HostTestApplication *host_test_connect_as (HostTest *test, const char *name, const char *client, guint64 start);
/* Asks to be served over a transport of its own. */
HostTestApplication *host_test_connect_over (HostTest *test, FerryTransport *transport, const char *name);
/* Connects, and says nothing. */
HostTestApplication *host_test_connect_mute (HostTest *test, const char *name);
void host_test_application_free (HostTestApplication *self);
void host_test_wait_room (HostTestApplication *self, guint64 room);
/* Waits until the host has ended the session, with that error. */
void host_test_assert_ended (HostTestApplication *self, int code);

/* A request with any arguments, which are sunk. */
HostTestCall *host_test_ask (HostTestApplication *self, const char *method, GVariant *arguments);
void host_test_tell (HostTestApplication *self, const char *method, GVariant *arguments);
void host_test_want (HostTestApplication *self, guint n);
/* These wait for room, unless the application is greedy. */
HostTestCall *host_test_run (HostTestApplication *self, const char *function, GVariant *arguments);
HostTestCall *host_test_run_idempotent (HostTestApplication *self, const char *function, GVariant *arguments);
/* request: all but id, attempt and name are taken from it. */
HostTestCall *host_test_run_fully (HostTestApplication *self, FerryRunRequest request, guint window);
void host_test_give_leave (HostTestCall *call);
void host_test_withdraw (HostTestCall *call);
void host_test_cancel (HostTestCall *call);
void host_test_wait_begin (HostTestCall *call);
void host_test_wait_done (HostTestCall *call);
/* Waits for the result, which is text, or NULL for none. */
void host_test_assert_result (HostTestCall *call, const char *text);
void host_test_assert_failed (HostTestCall *call, GQuark domain, int code);
void host_test_assert_refused (HostTestCall *call, GQuark domain, int code);
void host_test_call_unref (HostTestCall *call);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostTest, host_test_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostTestApplication, host_test_application_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostTestCall, host_test_call_unref)

G_END_DECLS
