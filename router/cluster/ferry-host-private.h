/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A host, as its cluster sees it: what it tells of itself, and the session in which it gets tasks. The router's thread.
 */

#pragma once

#include "call/ferry-transport-private.h"
#include "cluster/ferry-cluster.h"
#include "cluster/ferry-host.h"
#include "cluster/ferry-rate-private.h"
#include "cluster/ferry-run-message-private.h"
#include "cluster/ferry-session-private.h"
#include "pool/ferry-run-private.h"
#include "pool/ferry-runner-private.h"

G_BEGIN_DECLS

/* How a session with a host has ended. */
typedef enum
{
  FERRY_HOST_END_LEFT,   /* the host has drained */
  FERRY_HOST_END_LOST,   /* the host was not heard of, or has forgotten the session */
  FERRY_HOST_END_FAULT,  /* the host has broken a rule, or has a version that does not fit */
  FERRY_HOST_END_CLOSED, /* the application has closed the session */
} FerryHostEnd;

/* What a host tells its cluster, the owner. */
typedef struct
{
  /* The host's facts, its capacity or its tasks have changed, so the cluster may have to send tasks. */
  void (*changed) (gpointer owner, FerryHost *host);
  /* Returns how many hosts could run the task, now or later. */
  guint (*count_hosts) (gpointer owner, FerryRun *run);
  /* The session has ended for reason, and no task is at the host any more. */
  void (*ended) (gpointer owner, FerryHost *host, FerryHostEnd end, const GError *reason);
} FerryHostFuncs;

/* What a cluster has for all of its hosts. */
typedef struct
{
  guint death_limit;    /* see FerryCluster:death-limit */
  guint leave_ahead;    /* see FerryCluster:leave-ahead */
  FerryRate complaints; /* lines in the log: a host that lies may do so by many names */
  gsize functions_size; /* of the names of functions, of all hosts with a session */
} FerryHostTerms;

/* How many tasks a host may be sent now. */
typedef enum
{
  FERRY_HOST_VACANCY_NONE,
  FERRY_HOST_VACANCY_AHEAD, /* tasks wait at the host until one of its workers is free */
  FERRY_HOST_VACANCY_FREE,  /* a worker is free, as far as this application knows */
} FerryHostVacancy;

#define FERRY_HOST_N_VACANCIES 3

/* The cluster uses the vacancy, its link, and listed. It reads the other fields. Runs use those of what was sent. */
struct _FerryHost
{
  GObject parent_instance;

  FerryRouter *router;         /* const: (owned) */
  guint64 number;              /* const: differs between hosts; never 0 */
  const FerryHostFuncs *funcs; /* const */
  gpointer owner;              /* (unowned) (nullable): the cluster; NULL when it is gone */
  FerryRunSettings latest;     /* that were sent to it */
  FerryHostTerms *terms;       /* const: (unowned): the cluster's, which is there as long as there are runs */
  gboolean has_facts;
  FerryHostFacts facts;  /* while it drains: that it refuses a task says nothing of the task */
  GHashTable *functions; /* (owned) (element-type utf8): a set; the names are those of facts */
  gsize functions_size;  /* the part of terms->functions_size */
  FerryHostState state;
  guint n_workers;
  guint n_busy;
  guint n_counted; /* the cluster's: how many workers of its sum are of this host */

  FerrySession *session; /* (owned) (nullable): unset only while there are no runs */
  GQueue untold;         /* (owned) (element-type Telling): one-way requests that wait for room */
  gboolean awaits_room;  /* a notice of room was asked for */
  gint64 patience;  /* how long after its time a cancelled run may go on, in microseconds, before that is a fault */
  GQueue in_flight; /* (element-type FerryRun) */
  char *trouble; /* (owned) (nullable): why the host has no workers, as it said last; NULL: it has begun a task since */
  guint64 n_sent;    /* in this session: how many the host gets, of those that were sent */
  guint n_unbegun;   /* how many of them have not begun */
  guint n_in_vain;   /* how many tasks were asked back that had not begun, since one has begun */
  gboolean is_open;  /* there is a session, and tasks may be sent in it */
  gboolean is_full;  /* the session had no room for the last task */
  guint64 capacity;  /* how many tasks the host has said it takes in all */
  gint64 opened_at;  /* monotonic time */
  gint64 round_trip; /* microseconds, as the greeting took; 0: not known */
  gint64 begin_time; /* microseconds: for at least so long a task may wait there until an idle host gets it */
  char *instance;    /* (owned) (nullable): of the application */
  FerryRate lines;   /* of its tasks' logs */
  guint n_dropped;   /* lines, since one was shown */
  FerryRate facts_told;
  FerryRate load_told;
  FerryTimer rest; /* set: it gets no tasks, as it let so many wait in vain */

  FerryHostVacancy vacancy;
  GList vacancy_link;
  gboolean listed;
  gboolean is_asked; /* its cluster counts it among those that have not answered */
  guint wanted;      /* how many tasks wait, as the host counts: what it was told last, less what it got since */
};

/* number: see FerryHost. */
FerryHost *ferry_host_new (FerryRouter *router, guint64 number, const FerryHostFuncs *funcs, gpointer owner,
                           FerryHostTerms *terms);
/* Takes what a presence tells of the host. Takes the content of facts. Returns whether that fits the host, and what is
 * kept of all hosts has room for it. */
gboolean ferry_host_take_facts (FerryHost *self, FerryHostFacts *facts);
/* Returns (transfer full) how texts name the host: 'alpha', or with the version of its program. */
char *ferry_host_dup_title (const FerryHost *self);
/* Returns (transfer full) which versions the programs of hosts (element-type FerryHost) have, as the end of a clause;
 * "" where none tells. */
char *ferry_host_describe_programs (const GPtrArray *hosts);
/* Takes a session (transfer full), once. instance: (nullable): see FerryCluster:instance. */
void ferry_host_open (FerryHost *self, FerrySession *session, const FerryServeRequest *serve, const char *instance,
                      gint64 patience);
/* Ends the session, if there is one: tasks that were begun fail with reason. Calls ended(). */
void ferry_host_close (FerryHost *self, const GError *reason);
/* Notes whether there is a connection, without which nothing is sent. */
void ferry_host_set_silent (FerryHost *self, gboolean silent);

gboolean ferry_host_has_function (FerryHost *self, const char *function);
FerryHostVacancy ferry_host_get_vacancy (FerryHost *self);
/* As ferry_remote_run_send(). The host must have a vacancy. */
gboolean ferry_host_send (FerryHost *self, FerryRun *run);
/* Notes that a task is about to be asked back, which the host has not begun while another one was idle. */
void ferry_host_note_delay (FerryHost *self);
/* Tells the host how many tasks wait that it could run. */
void ferry_host_want (FerryHost *self, guint n_tasks);

/* ---- For runs ---- */

/* Works as ferry_transport_ask(), and waits for room where there is none. */
guint64 ferry_host_ask (FerryHost *self, const FerryRequest *request, const FerryAnswerFuncs *funcs, gpointer data,
                        GError **error);
/* Sends a one-way request, now or as soon as there is room, behind earlier ones. Sinks arguments. */
void ferry_host_tell (FerryHost *self, const char *method, GVariant *arguments);
/* The host has broken a rule, and its session ends. detail: the end of a sentence that begins with the host. */
void ferry_host_fault (FerryHost *self, const char *detail);
/* A run has begun, or has ended. */
void ferry_host_note_change (FerryHost *self);
/* Returns how many hosts could run the task, now or later, with this one. */
guint ferry_host_count_hosts (FerryHost *self, FerryRun *run);
/* The host has sent a line of a task's log. */
void ferry_host_log (FerryHost *self, FerryTask *task, GLogLevelFlags level, const char *line);

G_END_DECLS
