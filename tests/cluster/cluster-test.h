/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A cluster with an executor, and hosts that do what a test says, and nothing by themselves. */

#pragma once

#include "ferry-test.h"

#include "call/ferry-transport-private.h"
#include "cluster/ferry-host-private.h"
#include "cluster/ferry-run-message-private.h"
#include "cluster/loop-pair.h"

G_BEGIN_DECLS

typedef struct
{
  FerryRouter *router;     /* (owned) */
  FerryCluster *cluster;   /* (owned) */
  FerryExecutor *executor; /* (owned) */
} ClusterTest;

ClusterTest *cluster_test_new (void);
/* Asserts that the cluster is freed. Its hosts must be freed before. */
void cluster_test_free (ClusterTest *test);

typedef struct
{
  const char *name;
  FerryHost *host;       /* (owned): what the cluster has made of it */
  FerrySession *far_end; /* (owned) */
  GObject *owner;        /* (owned) */
  GQueue arrived;        /* (owned) (element-type FerryCall) */
  FerryCall *serve;      /* (owned) (nullable) */
  GPtrArray *runs;       /* (owned) (element-type HostRun): all that have come */
  guint n_taken;         /* how many of them host_test_wait_run() has returned */
  guint64 capacity;
  guint wanted; /* how many tasks wait: what it was told last, less what it got since */
  guint n_wants;
} HostTest;

/* A run at the host. */
typedef struct
{
  HostTest *host;  /* (unowned) */
  FerryCall *call; /* (owned) */
  FerryRunRequest request;
  gboolean has_leave;
  gboolean withdrawn;
  gint64 grace; /* what it was told to hurry; -1: nothing */
  gboolean paused;
} HostRun;

/* Returns a host that has told its facts. It seems to be far away, so no task that it has not begun is soon given to
 * another host. functions: separated by spaces. Its room is what the workers can run, unless
 * room says something else. */
HostTest *host_test_new (ClusterTest *test, const char *name, const char *functions, guint n_workers);
HostTest *host_test_new_with_room (ClusterTest *test, const char *name, const char *functions, guint n_workers,
                                   guint64 room);
/* Ends the session, if it has not ended. */
void host_test_free (HostTest *self);
/* The same as of a process that is killed: waits until the cluster knows. */
void host_test_die (HostTest *self);
void host_test_tell (HostTest *self, const char *name, GVariant *value);
void host_test_tell_facts (HostTest *self, const char *functions, guint n_workers);
/* labels: separated by spaces. program_version: empty: it tells none. */
void host_test_tell_all_facts (HostTest *self, const char *functions, guint n_workers, const char *labels,
                               const char *program_version);
void host_test_add_room (HostTest *self, guint n);
/* Takes what has arrived. Returns how many runs have come so far. */
guint host_test_take (HostTest *self);
/* Returns (transfer none) the next run. */
HostRun *host_test_wait_run (HostTest *self);
/* The same, begun with leave. */
HostRun *host_test_run (HostTest *self);

void host_run_tell (HostRun *run, const char *name, GVariant *value);
/* Sends begin, and waits for leave unless the run is idempotent. */
void host_run_begin (HostRun *run);
void host_run_answer (HostRun *run, GVariant *result);
void host_run_fail (HostRun *run, GQuark domain, int code, const char *text, const char *trace);
void host_run_refuse (HostRun *run, const char *text);
/* As a host with a pool that has failed. */
void host_run_refuse_for_pool (HostRun *run, const char *text);
void host_run_wait_cancelled (HostRun *run, FerryCancelReason reason);

FerryTask *cluster_test_new_task (const char *function);
/* Returns (transfer full) a task that was submitted. */
FerryTask *cluster_test_submit (ClusterTest *test, const char *function);
void cluster_test_submit_task (ClusterTest *test, FerryTask *task);
void cluster_test_wait_state (FerryTask *task, FerryTaskState state);
void cluster_test_assert_done (FerryTask *task);
void cluster_test_assert_failed (FerryTask *task, GQuark domain, int code, const char *pattern);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ClusterTest, cluster_test_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HostTest, host_test_free)

G_END_DECLS
