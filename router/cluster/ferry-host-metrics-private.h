/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host does, in figures: counted by function and user, as text for other programs. The router's thread. */

#pragma once

#include "cluster/ferry-run-message-private.h"
#include "pool/ferry-run-private.h"

G_BEGIN_DECLS

/* How many pairs of function and user are counted apart. All others count as one, whose function and user are "other".
 */
#define FERRY_HOST_MAX_COUNTED 200

/* How a run has ended at a host. */
typedef enum
{
  FERRY_HOST_RESULT_DONE,
  FERRY_HOST_RESULT_FAILED,    /* with an error, or for a limit of time */
  FERRY_HOST_RESULT_CANCELLED, /* or its application is gone */
  FERRY_HOST_RESULT_LOST,      /* its worker has ended */
  FERRY_HOST_RESULT_RETURNED,  /* it was not begun here, and another host may run it */
} FerryHostResult;

#define FERRY_N_HOST_RESULTS 5

/* What is counted of a pair of function and user. Times in microseconds. */
typedef struct
{
  char *function; /* const: (owned) */
  char *user;     /* const: (owned) */
  guint n_waiting;
  guint n_running;
  guint64 n_begun;
  guint64 wait_time; /* of all that were begun */
  guint64 run_time;
  guint64 n_ended[FERRY_N_HOST_RESULTS];
} FerryHostTally;

typedef struct
{
  GHashTable *tallies; /* (owned) (element-type FerryHostTally): a set */
  FerryHostTally *other;
  gint64 started; /* monotonic time, and that of the wall clock in microseconds since 1970 */
  gint64 start_time;
} FerryHostMetrics;

void ferry_host_metrics_init (FerryHostMetrics *self);
void ferry_host_metrics_clear (FerryHostMetrics *self);
/* Returns (transfer none) what a run is counted in, which stays as long as self. user: the first length bytes of a
 * text. */
FerryHostTally *ferry_host_metrics_find (FerryHostMetrics *self, const char *function, const char *user, gsize length);
/* Counts a run that has left the host. came_at: monotonic time, as below. is_returned: it goes to another host. */
void ferry_host_tally_count_end (FerryHostTally *self, const FerryRun *run, gint64 came_at, gboolean is_returned);
/* Counts a run that is there: those are counted anew each time. Returns whether a worker runs it. */
gboolean ferry_host_tally_count_present (FerryHostTally *self, const FerryRun *run, gint64 came_at,
                                         FerryHostFigures *figures);
/* Adds up what has ended, and takes the time. */
void ferry_host_metrics_sum (const FerryHostMetrics *self, FerryHostFigures *figures);
/* Returns (transfer full) all of it in the text format of Prometheus. n_busy: workers. */
char *ferry_host_metrics_describe (const FerryHostMetrics *self, const FerryHostFacts *facts, const char *application,
                                   const FerryHostFigures *figures, guint n_busy);

/* ---- The file, which node_exporter and others read ---- */

/* Whether the path is one that may be written: it ends in ".prom", and nothing is there, or an empty file, or what this
 * host has written before. Fails with FERRY_ERROR_BAD_ARGUMENTS. */
gboolean ferry_host_metrics_check_file (const char *path, const char *application, const char *host, GError **error);
/* Puts text in the place of the file, at once. Fails as the check does, and with FERRY_ERROR_SYSTEM. */
gboolean ferry_host_metrics_write_file (const char *path, const char *application, const char *host, const char *text,
                                        GError **error);
/* Removes the file, unless it is of somebody else. */
void ferry_host_metrics_remove_file (const char *path, const char *application, const char *host);

G_END_DECLS
