/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host and one application say to each other in a session: the host's end.
 *
 * It ends with the session below it, or with the answer to FERRY_SERVE_METHOD. That answer is sent when the host has
 * drained, or when the application broke the protocol. In the second case the answer is an error that says how. Either
 * way, what still runs for the session is cancelled, and ended by force.
 *
 * A run that an application asks for is a call of FERRY_RUN_METHOD, the run that does it here, and what waits to be
 * sent of it. That waits in order, as the session may have no room for a while. What the function yields is held back
 * by the application's window, and so in the worker. Progress is paced, and only the latest report is sent. Other
 * messages of the function are bounded: a run that sends too much while none of it can be sent fails. Log lines beyond
 * the bound are left out, and counted.
 *
 * Owner:   counted references; a FerryHostService has each session until it has ended. Of a run: its session, its call,
 *          its source while it is submitted, and each function that is about to tell it something.
 * Threads: the router's, but for references to runs.
 * Trust:   the application is not trusted. What it sends is checked first, and what is kept of it is bounded by the
 *          room that it was given. */

#pragma once

#include "call/ferry-transactions-private.h"
#include "cluster/ferry-host-capacity-private.h"
#include "cluster/ferry-rate-private.h"
#include "cluster/ferry-run-message-private.h"
#include "cluster/ferry-session-private.h"
#include "task/ferry-pool.h"
#include "task/ferry-run-private.h"

G_BEGIN_DECLS

#define FERRY_TYPE_HOST_SESSION (ferry_host_session_get_type ())
G_DECLARE_FINAL_TYPE (FerryHostSession, ferry_host_session, FERRY, HOST_SESSION, GObject)

/* ---- Runs ---- */

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
  FerryRun run;               /* main: submitted while state is RUNNING */
  FerryTaskSettings settings; /* const once it is submitted */
  gint references;            /* atomic */
  FerryHostSession *session;  /* main: (unowned) (nullable): NULL once that has ended */
  GRefString *host;           /* const: (owned): the host's name */
  GRefString *application;    /* const: (owned): the user, and the application's id */
  FerryCall *call;            /* main: (owned) (nullable): NULL once its end was sent */
  guint64 xid;                /* const */
  FerryRunRequest request;    /* const once it was read; empty if it is malformed */
  gint64 came_at;             /* const: monotonic time */
  FerryHostRunState state;    /* main, as all below */
  FerryTimer force_timer;     /* when the run is ended by force, as its session has ended */
  GQueue out;                 /* (element-type Out) (owned): what is to be sent, in order */
  gsize out_size;             /* bytes of it, without what was yielded */
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
  gboolean stuck;     /* for the session: it waits for the application */
  gboolean owing;     /* for the session: it is among those that have something to send */
  gboolean paced;     /* for the session: it is among those that have progress to send later */
};

/* Returns (transfer full) a run for call, of which no more is known than its xid. The session is told nothing before
 * ferry_host_run_listen(). */
FerryHostRun *ferry_host_run_new (FerryCall *call, GRefString *host, GRefString *application,
                                  FerryHostSession *session);
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
/* Forgets the call and the session: nothing can be sent any more. It goes on, and stays in its line. */
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

/* ---- Sessions ---- */

/* What a session tells its owner. */
typedef struct
{
  /* A run has come, which must be put into a line, and waits for a place: ferry_host_session_begin(). */
  void (*run_came) (gpointer owner, FerryHostSession *session, FerryHostRun *run);
  /* There is leave for a run, which begins now. */
  void (*run_left) (gpointer owner, FerryHostSession *session, FerryHostRun *run);
  /* Other room is wanted, or there is other room. */
  void (*changed) (gpointer owner, FerryHostSession *session);
  /* The session has ended; nothing is told after that. Its runs are over, but for those that are being ended. */
  void (*ended) (gpointer owner, FerryHostSession *session);
} FerryHostSessionFuncs;

/* What sessions read of their host. It must stay as long as they are. */
typedef struct
{
  FerryRouter *router;     /* (unowned) */
  FerryHostSource *source; /* (owned): of all runs that have begun */
  GRefString *name;        /* (owned): the host's */
  FerryHostFacts facts;    /* (owned) */
  FerryHostCapacity capacity;
  guint n_busy;
  FerryRate complaints; /* lines in the log about applications */
} FerryHostBoard;

/* Begins to serve what asks by session. name: of the application, its user and its instance, for logs. NULL with an
 * error where the session is in use. */
FerryHostSession *ferry_host_session_new (FerrySession *session, const char *name, FerryHostBoard *board,
                                          const FerryHostSessionFuncs *funcs, gpointer owner, GError **error);

/* There is a place for the run: it begins, or asks for leave. */
void ferry_host_session_begin (FerryHostSession *self, FerryHostRun *run);
/* There is something to send: ferry_host_run_flush(). */
void ferry_host_session_note_owing (FerryHostSession *self, FerryHostRun *run);
/* The application has cancelled the run. */
void ferry_host_session_cancel (FerryHostSession *self, FerryHostRun *run);
/* The run waits for the application from now on, or no longer. Does nothing for a run of a session that has ended. */
void ferry_host_session_set_stuck (FerryHostRun *run, gboolean stuck);
/* The owner calls both after each changed(). The first sends what runs have to say, which may free room. The second
 * sends all that is new, also on the board. It expects that no more follows in this turn of the main loop. */
void ferry_host_session_flush_runs (FerryHostSession *self);
void ferry_host_session_flush (FerryHostSession *self);
/* Refuses what was not begun, and ends when all runs are over. */
void ferry_host_session_drain (FerryHostSession *self);
/* Ends the session, and says why: the answer to FERRY_SERVE_METHOD is reason. */
void ferry_host_session_end (FerryHostSession *self, const GError *reason);
/* Ends it now, and the session below it. */
void ferry_host_session_finish (FerryHostSession *self, const GError *reason);

G_END_DECLS
