/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host does for applications, in its parts: capacity, the service itself, runs, and where packets become
 * sessions. The router's thread, but for references to runs. */

#pragma once

#include "call/ferry-transport-private.h"
#include "cluster/ferry-run-message-private.h"
#include "cluster/ferry-session-private.h"
#include "pool/ferry-pool.h"
#include "pool/ferry-run-private.h"

G_BEGIN_DECLS

/* ---- Capacity: ferry-host-capacity.c ---- */

/* The most places ahead. */
#define FERRY_HOST_MAX_AHEAD 64

/* A run that takes no longer is short, in microseconds. While runs are short, there are so many places ahead at the
 * least, however few the measurements ask for. */
#define FERRY_HOST_SHORT_RUN 1000
#define FERRY_HOST_MIN_AHEAD 32

/* What one session has. */
typedef struct
{
  guint64 received; /* how many runs the session has sent in all */
  guint64 capacity; /* how many it may have sent in all; never decreases */
  guint want;       /* how many more tasks wait at the application */
  guint n_open;     /* runs that were sent and are not over */
  guint n_stuck;    /* those of them that wait for the application, and need no worker */
} FerryHostShare;

typedef struct
{
  guint n_workers;
  gint64 mean_run;   /* in microseconds, of the latest runs; 0: not known */
  gint64 round_trip; /* in microseconds, of the latest ways to an application and back; 0: not known */
  GPtrArray *shares; /* (owned) (element-type FerryHostShare): elements unowned */
  guint next;        /* index of the share that has the next turn */
} FerryHostCapacity;

void ferry_host_capacity_init (FerryHostCapacity *self, guint n_workers);
void ferry_host_capacity_clear (FerryHostCapacity *self);
/* share must stay where it is until it is removed. */
void ferry_host_capacity_add (FerryHostCapacity *self, FerryHostShare *share);
void ferry_host_capacity_remove (FerryHostCapacity *self, FerryHostShare *share);

/* Another measurement, which counts for an eighth. */
void ferry_host_capacity_note_run (FerryHostCapacity *self, gint64 time);
void ferry_host_capacity_note_round_trip (FerryHostCapacity *self, gint64 time);
/* How many runs may wait here ahead of the workers. */
guint ferry_host_capacity_get_ahead (const FerryHostCapacity *self);
/* How many runs may be with workers, or wait for leave, at the same time. */
guint ferry_host_capacity_get_n_places (const FerryHostCapacity *self);
/* The same for a run that needs leave, and may have it ahead of the workers: as many as the workers end in a round
 * trip, and at most per_worker of each. What has leave counts as begun, and is lost with this host. */
guint ferry_host_capacity_get_n_leave_places (const FerryHostCapacity *self, guint per_worker);

/* The session has sent a run. Returns FALSE if it had no capacity for that: it breaks the protocol. */
gboolean ferry_host_share_take_run (FerryHostShare *self);
/* Gives out what capacity there is. */
void ferry_host_capacity_settle (FerryHostCapacity *self);

/* ---- The service ---- */

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
/* Ends all sessions now, and their tasks by force. */
void ferry_host_service_end (FerryHostService *self, const GError *reason);

typedef struct
{
  guint n_sessions;
  guint n_waiting;  /* runs without a place */
  guint n_reserved; /* runs that wait for leave */
  guint n_running;
  guint n_places; /* how many there are */
} FerryHostServiceCounts;

FerryHostServiceCounts ferry_host_service_get_counts (FerryHostService *self);

/* ---- Runs: ferry-host-run.c ---- */

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
  FerryRun run;               /* main: submitted while state is RUNNING */
  FerryTaskSettings settings; /* const once it is submitted */
  gint references;            /* atomic */
  FerryHostSession *session;  /* main: (unowned) (nullable): NULL once that has ended */
  GRefString *host;           /* const: (owned): the host's name */
  GRefString *application;    /* const: (owned): the user, and the application's id */
  GRefString *client;         /* const: (owned): the user, and the client's name */
  FerryCall *call;            /* main: (owned) (nullable): NULL once its end was sent */
  guint64 xid;                /* const */
  FerryRunRequest request;    /* const once it was read; empty if it is malformed */
  gint64 came_at;             /* const: monotonic time */
  FerryHostRunState state;    /* main, as all below */
  FerryTimer force_timer;     /* when the run is ended by force, as its session has ended */
  FerryTimer pace_timer;      /* when something is to be sent that waits for its time */
  GQueue out;                 /* (element-type Out) (owned): what is to be sent, in order */
  gsize out_size;             /* bytes of it, without what was yielded */
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
  gint64 asked_at; /* when leave was asked for; 0: it was not */
  gboolean stuck;  /* it waits for the application */
  gboolean owing;  /* it has something to send: owing_link is in the session's queue */
  GList owing_link;
};

/* Returns (transfer full) a run for call, of which no more is known than its xid. The session is told nothing before
 * ferry_host_run_listen(). */
FerryHostRun *ferry_host_run_new (FerryCall *call, GRefString *host, GRefString *application, GRefString *client,
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

/* Sends all that can be sent; the run is owing again when there is more. It has no call any more once its end was sent.
 * Returns FALSE if the transport has no room. */
gboolean ferry_host_run_flush (FerryHostRun *self, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryHostRun, ferry_host_run_unref)

/* There is something to send: ferry_host_run_flush(). */
void ferry_host_session_note_owing (FerryHostSession *self, FerryHostRun *run);
/* A run leaves the line, once: it was refused or is done, also when neither end wants to hear of it any more. */
void ferry_host_service_remove (FerryHostService *self, FerryHostRun *run);

/* ---- The acceptor: ferry-host-acceptor.c ---- */

/* The most sessions of one user, and how many bytes of unfinished messages they may have at the host together. */
#define FERRY_HOST_MAX_USER_SESSIONS 1000
#define FERRY_HOST_MAX_USER_UNFINISHED ((guint64) 256 * 1024 * 1024)

typedef struct _FerryHostAcceptor FerryHostAcceptor;

/* Sets wire and data to what carries packets to an application, as ferry_bus_make_wire() does. */
typedef void (*FerryHostWireFunc) (gpointer bus, const char *user, const char *id, FerryWire *wire, gpointer *data);

/* timeout: how long an application may be silent, in microseconds. */
FerryHostAcceptor *ferry_host_acceptor_new (FerryHostService *service, FerryRouter *router, gint64 timeout,
                                            FerryHostWireFunc make_wire, gpointer bus);
/* Ends the sessions now, also those that the service has closed. */
void ferry_host_acceptor_free (FerryHostAcceptor *self);

/* An application looks for hosts, and says its versions. One that does not fit is told of in the log: it opens no
 * session. */
void ferry_host_acceptor_hear (FerryHostAcceptor *self, const char *user, const char *id, GVariant *hello);
/* A packet has come from an application. max_packet: the largest one that can be sent, in bytes. */
void ferry_host_acceptor_take (FerryHostAcceptor *self, const char *user, const char *id, GBytes *packet,
                               gsize max_packet);
/* There is a connection again, or it carries other packets than before: max_packet as above. */
void ferry_host_acceptor_reconnected (FerryHostAcceptor *self, gsize max_packet);
/* For tests. */
guint ferry_host_acceptor_get_n_sessions (FerryHostAcceptor *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryHostAcceptor, ferry_host_acceptor_free)

G_END_DECLS
