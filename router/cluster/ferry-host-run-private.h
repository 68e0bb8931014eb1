/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One run that an application asks a host for. It is a call of FERRY_RUN_METHOD, the run that does it here, and what
 * waits to be sent of it.
 *
 * What is to be sent waits in order, as the session may have no room for a while. What the function yields is held back
 * by the application's window, and so in the worker. Progress is paced, and only the latest report is sent. Other
 * messages of the function are bounded: a run that sends too much while none of it can be sent fails. Log lines beyond
 * the bound are left out, and counted.
 *
 * Owner:   counted references: its session, its call, its source while it is submitted, and each function that is about
 *          to tell it something.
 * Threads: the router's, but for references. */

#pragma once

#include "call/ferry-transactions-private.h"
#include "cluster/ferry-run-message-private.h"
#include "task/ferry-pool.h"
#include "task/ferry-run-private.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_HOST_RUN_WAITING,  /* no worker has a place for it */
  FERRY_HOST_RUN_RESERVED, /* a place is kept, and leave is awaited */
  FERRY_HOST_RUN_RUNNING,  /* the pool has it */
  FERRY_HOST_RUN_ENDED,    /* it was refused, or is done; the end may not have been sent yet */
} FerryHostRunState;

typedef struct _FerryHostRun FerryHostRun;

/* The runs that have begun, of all sessions, as a source of their pool. Owner: counted references, one of each run. */
typedef struct _FerryHostSource FerryHostSource;

FerryHostSource *ferry_host_source_new (FerryPool *pool);
void ferry_host_source_unref (FerryHostSource *self);

/* What a run tells its owner. */
typedef struct
{
  /* There is something to send: ferry_host_run_flush(). */
  void (*owes) (gpointer owner, FerryHostRun *run);
  /* The application has cancelled the run. */
  void (*cancelled) (gpointer owner, FerryHostRun *run);
} FerryHostRunFuncs;

/* The line of runs that wait for the workers of a host, or have a place with them. A run leaves it once, when it was
 * refused or is done, also when neither end wants to hear of it any more. */
typedef struct
{
  void (*leave) (gpointer data, FerryHostRun *run);
  gpointer data;
  GQueue *part; /* (unowned): the list that the run's link is in */
} FerryHostLine;

struct _FerryHostRun
{
  FerryRun run;                   /* main: submitted while state is RUNNING */
  FerryTaskSettings settings;     /* const once it is submitted */
  gint references;                /* atomic */
  const FerryHostRunFuncs *funcs; /* const */
  gpointer owner;                 /* main: (unowned) (nullable): NULL once the session has ended */
  GRefString *host;               /* const: (owned): the host's name */
  GRefString *application;        /* const: (owned): the user, and the application's id */
  FerryCall *call;                /* main: (owned) (nullable): NULL once its end was sent */
  guint64 xid;                    /* const */
  FerryRunRequest request;        /* const once it was read; empty if it is malformed */
  gint64 came_at;                 /* const: monotonic time */
  FerryHostRunState state;        /* main, as all below */
  FerryTimer force_timer;         /* when the run is ended by force, as its session has ended */
  GQueue out;                     /* (element-type Out) (owned): what is to be sent, in order */
  gsize out_size;                 /* bytes of it, without what was yielded */
  guint n_lost_lines;
  FerryProgress *progress; /* (owned) (nullable): the latest report */
  gboolean has_progress;   /* it was not sent */
  gint64 progress_due;     /* monotonic time before which no progress is sent */
  gint64 process_due; /* monotonic time when the function's process is told; 0: it runs in none, or that was told */
  gboolean has_end;   /* what follows is the end, which is sent last */
  gboolean is_refused;
  GVariant *result;   /* (owned) (nullable) */
  GError *failure;    /* (owned) (nullable) */
  char *trace;        /* (owned) (nullable) */
  FerryHostLine line; /* leave: NULL while it is in no line */
  GList link;         /* in a list of the line */
  gint64 asked_at;    /* when leave was asked for; 0: it was not */
  gboolean stuck;     /* for the owner: it waits for the application */
  gboolean owing;     /* for the owner: it is among those that have something to send */
  gboolean paced;     /* for the owner: it is among those that have progress to send later */
};

/* Returns (transfer full) a run for call, of which no more is known than its xid. owner is told nothing before
 * ferry_host_run_listen(). */
FerryHostRun *ferry_host_run_new (FerryCall *call, GRefString *host, GRefString *application,
                                  const FerryHostRunFuncs *funcs, gpointer owner);
/* Returns (transfer full) what names the task in logs, here and at the application: “USER/ID/NUMBER”. */
char *ferry_host_run_dup_id (const FerryHostRun *self);
/* Sets request. If the call's arguments are malformed, it stays empty, and the run must be refused. Once, first. */
gboolean ferry_host_run_read (FerryHostRun *self, GError **error);
FerryHostRun *ferry_host_run_ref (FerryHostRun *self);
void ferry_host_run_unref (FerryHostRun *self);
/* Makes the run hear of cancels and windows. It may be cancelled already. */
void ferry_host_run_listen (FerryHostRun *self);

/* Tells the application that the run begins, or asks for leave. */
void ferry_host_run_tell_begin (FerryHostRun *self);
/* Submits the run. If the pool does not take it, it is refused. */
void ferry_host_run_start (FerryHostRun *self, FerryHostSource *source);
/* Ends a run that was not begun. */
void ferry_host_run_refuse (FerryHostRun *self, const GError *reason);
/* Cancels a run that was begun. */
void ferry_host_run_cancel (FerryHostRun *self);
/* Cancels a run that was begun, and ends it in that time, in microseconds. */
void ferry_host_run_stop (FerryHostRun *self, gint64 time);
/* Ends a cancelled run by force in that time, in microseconds. */
void ferry_host_run_hurry (FerryHostRun *self, gint64 grace);
/* Pauses the run, also before it is started, or lets it go on. */
void ferry_host_run_set_paused (FerryHostRun *self, gboolean paused);
/* Adds a line that the worker has printed. */
void ferry_host_run_log (FerryHostRun *self, GLogLevelFlags level, const char *line);
/* Forgets the call and the owner: nothing can be sent any more. It goes on, and stays in its line. */
void ferry_host_run_detach (FerryHostRun *self);

typedef enum
{
  FERRY_HOST_RUN_SENT,    /* all that could be sent was sent; owes() tells when there is more */
  FERRY_HOST_RUN_PACED,   /* there is something to be sent later: see ferry_host_run_get_due() */
  FERRY_HOST_RUN_BLOCKED, /* the transport has no room */
  FERRY_HOST_RUN_OVER,    /* the end was sent */
} FerryHostRunFlush;

FerryHostRunFlush ferry_host_run_flush (FerryHostRun *self, gint64 now);
/* Returns the monotonic time when something is to be sent. */
gint64 ferry_host_run_get_due (FerryHostRun *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryHostRun, ferry_host_run_unref)

G_END_DECLS
