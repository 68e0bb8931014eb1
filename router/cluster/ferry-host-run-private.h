/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run at a host: what an application has sent, what it is told, and the session that it belongs to. The router's
 * thread, but for references. */

#pragma once

#include "call/ferry-transport-private.h"
#include "cluster/ferry-host-metrics-private.h"
#include "cluster/ferry-host-service-private.h"
#include "cluster/ferry-run-message-private.h"
#include "pool/ferry-pool.h"
#include "pool/ferry-run-private.h"

G_BEGIN_DECLS

/* What a host and one application say to each other. */
#define FERRY_TYPE_HOST_SESSION (ferry_host_session_get_type ())
G_DECLARE_FINAL_TYPE (FerryHostSession, ferry_host_session, FERRY, HOST_SESSION, GObject)

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

struct _FerryHostRun
{
  FerryRun run;              /* main: submitted while state is RUNNING */
  gint references;           /* atomic */
  FerryHostSession *session; /* main: (unowned) (nullable): NULL once that has ended */
  GRefString *host;          /* const: (owned): the host's name */
  GRefString *application;   /* const: (owned): the user, and the application's id */
  GRefString *client;        /* const: (owned): the user, and the client's name */
  FerryCall *call;           /* main: (owned) (nullable): NULL once its end was sent */
  guint64 xid;               /* const */
  FerryRunRequest request;   /* const once it was read; empty if it is malformed */
  gint64 came_at;            /* const: monotonic time */
  FerryHostRunState state;   /* main, as all below */
  FerryTimer force_timer;    /* when the run is ended by force, as its session has ended */
  FerryTimer pace_timer;     /* when something is to be sent that waits for its time */
  GQueue out;                /* (element-type Out) (owned): what is to be sent, in order */
  gsize out_size;            /* bytes of it, without what was yielded */
  guint n_lost_lines;
  FerryProgress *progress; /* (owned) (nullable): the latest report */
  gboolean has_progress;   /* it was not sent */
  gint64 progress_due;     /* monotonic time before which no progress is sent */
  gint64 process_due; /* monotonic time when the function's process is told; 0: it runs in none, or that was told */
  gboolean has_end;   /* what follows is the end, which is sent last */
  gboolean is_refused;
  GVariant *result; /* (owned) (nullable) */
  GError *failure;  /* (owned) (nullable) */
  char *trace;      /* (owned) (nullable) */

  /* The service's. */
  FerryHostService *service; /* (unowned) (nullable): NULL while it is in no line */
  GQueue *line;              /* (unowned) (nullable): the part of the line that link is in */
  GList link;
  gint64 asked_at;       /* when leave was asked for; 0: it was not */
  FerryHostTally *tally; /* (unowned) (nullable): what it is counted in; NULL: it was in no line */
  gboolean stuck;        /* it waits for the application */
  gboolean owing;        /* it has something to send: owing_link is in the session's queue */
  GList owing_link;
};

/* Returns (transfer full) a run for call, of which no more is known than its xid. The session is told nothing before
 * ferry_host_run_listen(). */
FerryHostRun *ferry_host_run_new (FerryCall *call, GRefString *host, GRefString *application, GRefString *client,
                                  FerryHostSession *session);
/* Returns (transfer full) what names the task in logs, here and at the application: “USER/ID/NUMBER”. */
char *ferry_host_run_dup_id (const FerryHostRun *self);
/* Sets request. If the call's arguments are malformed, it stays empty, and the run must be refused. Once, first.
 * latest: those of the session. */
gboolean ferry_host_run_read (FerryHostRun *self, FerryRunSettings *latest, GError **error);
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

/* Sends all that can be sent; the run is owing again when there is more. It has no call any more once its end was sent.
 * Returns FALSE if the transport has no room. */
gboolean ferry_host_run_flush (FerryHostRun *self, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryHostRun, ferry_host_run_unref)

/* There is something to send: ferry_host_run_flush(). */
void ferry_host_session_note_owing (FerryHostSession *self, FerryHostRun *run);
/* A run leaves the line, once: it was refused or is done, also when neither end wants to hear of it any more. */
void ferry_host_service_remove (FerryHostService *self, FerryHostRun *run);

G_END_DECLS
