/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host does for applications. The router's thread. */

#pragma once

#include "cluster/ferry-host-metrics-private.h"
#include "cluster/ferry-run-message-private.h"
#include "cluster/ferry-session-private.h"
#include "pool/ferry-pool.h"

G_BEGIN_DECLS

/* The domain of log messages about tasks on a host. */
#define FERRY_HOST_LOG_DOMAIN "Ferry-Host"

/* The most sessions at a time. */
#define FERRY_HOST_MAX_SESSIONS 10000

#define FERRY_TYPE_HOST_SERVICE (ferry_host_service_get_type ())
G_DECLARE_FINAL_TYPE (FerryHostService, ferry_host_service, FERRY, HOST_SERVICE, GObject)

/* name, instance: tokens. functions: (array zero-terminated=1): what the pool's program has for applications. drained:
 * called when the last run and the last session of a draining service are over, and nothing is held. */
FerryHostService *ferry_host_service_new (FerryPool *pool, const char *name, const char *instance,
                                          const char *const *functions, void (*drained) (gpointer data), gpointer data);

/* Before it has sessions: what its facts have beside. version: (nullable): of its program. labels: (nullable). */
void ferry_host_service_describe (FerryHostService *self, const char *version, const char *const *labels);
/* Returns (transfer none) the facts, as they are now: they change when it drains. */
const FerryHostFacts *ferry_host_service_get_facts (FerryHostService *self);
/* Serves an application until its session ends. name: the application's, its user and its instance, for logs. Fails
 * with FERRY_ERROR_ALREADY_RUNNING, with FERRY_ERROR_TOO_LARGE when there are too many sessions, and with
 * FERRY_ERROR_REFUSED when it drains. */
gboolean ferry_host_service_add (FerryHostService *self, FerrySession *session, const char *name, GError **error);
/* Takes no more runs, gives back those that have not begun, and waits for the others: calls drained() later. */
void ferry_host_service_drain (FerryHostService *self);
/* What carries a session may take longer than its session to bring results to the application. It holds the service
 * once until that is done, and releases it once. */
void ferry_host_service_hold (FerryHostService *self);
void ferry_host_service_release (FerryHostService *self);
/* A line that a worker has printed which runs nothing of a session. Returns whether it was logged. */
typedef gboolean (*FerryHostPrintedFunc) (FerryWorker *worker, GLogLevelFlags level, const char *line, gpointer data);
/* Counts what is there and of no session. Returns how many workers have it. */
typedef guint (*FerryHostCountFunc) (FerryHostFigures *figures, gpointer data);
/* What else the pool's workers run. printed, count: (nullable). */
void ferry_host_service_set_queue (FerryHostService *self, FerryHostPrintedFunc printed, FerryHostCountFunc count,
                                   gpointer data);
/* Returns (transfer none) what a run of the function is counted in. Of a chunk of a map, the function that is mapped
 * counts. user: the first length bytes of a text. */
FerryHostTally *ferry_host_service_find_tally (FerryHostService *self, const char *function, GVariant *arguments,
                                               const char *user, gsize length);
/* Ends all sessions now, and their tasks by force. */
void ferry_host_service_end (FerryHostService *self, const GError *reason);

typedef struct
{
  guint n_sessions;
  guint n_waiting;  /* runs without a place */
  guint n_reserved; /* runs that wait for leave */
  guint n_running;
  guint n_places;   /* how many there are */
  gint64 placed_at; /* when a run got a place last: monotonic time; 0: none has */
} FerryHostServiceCounts;

FerryHostServiceCounts ferry_host_service_get_counts (FerryHostService *self);

/* Sets figures to what it has done, and does now. */
void ferry_host_service_get_figures (FerryHostService *self, FerryHostFigures *figures);
/* Returns (transfer full) the same for other programs. application: the host's. */
char *ferry_host_service_describe_metrics (FerryHostService *self, const char *application);

G_END_DECLS
