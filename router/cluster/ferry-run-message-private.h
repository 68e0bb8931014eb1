/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application and a host say to each other about tasks: the names and the values of the requests.
 *
 * Within a session, a run is named by the xid of its request FERRY_RUN_METHOD. A run is one attempt to run a task.
 *
 *   application                                    host
 *   request FERRY_SERVE_METHOD, a stream     ->         once, first: which application and which client this is
 *                                            <-  values “host”, “room”, “load”, “drain”, as often as they change
 *                                            <-  answer: all runs are over after “drain”, and the host leaves
 *   one-way FERRY_WANT_METHOD  t             ->         how many tasks wait here that this host could run
 *   request FERRY_RUN_METHOD                 ->
 *                                            <-  value “ferry.run.begin”: see below
 *   one-way FERRY_LEAVE_METHOD  at           ->         xid, 0: this run may begin
 *                                            <-  other values: what the function sends, and what is told of it; items:
 *                                                what it yields
 *                                            <-  answer: the result; or an error with its trace; or a refusal: the run
 *                                                was not begun, and will not be begun
 *   cancel, by its reason                    ->         the function is cancelled; a run that was not begun is refused
 *   one-way FERRY_WITHDRAW_METHOD  at        ->         xid, 0: this run is refused, unless it has begun
 *   one-way FERRY_HURRY_METHOD  at           ->         xid, and in how many microseconds a cancelled run ends by force
 *   one-way FERRY_PAUSE_METHOD  at           ->         xid, and whether the run is paused from now on
 *
 * Leave: a run that is not idempotent begins only when the application gives leave. The host keeps a worker's place
 * for the run, or a place ahead of the workers where the run allows that, and says “begin”; the application marks the
 * task as begun, and sends leave. So both ends agree on what has begun, whenever a session ends. An idempotent run
 * begins at once, and “begin” tells of it. A withdrawn run that has no leave is always refused: the application may run
 * the task elsewhere without waiting for the refusal.
 *
 * Capacity: the host tells how many runs the session may have sent in all; refused runs count as well. The number never
 * decreases. The host gives some capacity, up to its free workers, also to sessions that want nothing. So a task that
 * is submitted later begins one round trip earlier. Idle sessions may hold the same workers' capacity. If they use it
 * at once, runs wait at the host, and are withdrawn where another host has capacity.
 *
 * Order: a cancel may overtake other messages. Whatever names a run that is over, or was never there, is ignored.
 *
 * Lost: the error of a run with a worker that ended while the run was under way is FERRY_ERROR_WORKER_LOST.
 *
 * Threads: any. */

#pragma once

#include "pool/ferry-task-fields-private.h"
#include "task/ferry-task.h"
#include "wire/ferry-progress-private.h"

G_BEGIN_DECLS

#define FERRY_RUN_VERSION 6

#define FERRY_SERVE_METHOD "ferry.serve"
#define FERRY_WANT_METHOD "ferry.want"
#define FERRY_RUN_METHOD "ferry.run"
#define FERRY_LEAVE_METHOD "ferry.leave"
#define FERRY_WITHDRAW_METHOD "ferry.withdraw"
#define FERRY_HURRY_METHOD "ferry.hurry"
#define FERRY_PAUSE_METHOD "ferry.pause"

/* The values that a host sends before the answer to FERRY_SERVE_METHOD. */
#define FERRY_HOST_VALUE "host"     /* FerryHostFacts */
#define FERRY_CAPACITY_VALUE "room" /* t: the capacity; hosts and applications know it by this name */
#define FERRY_LOAD_VALUE "load"     /* t: how many workers are busy */
#define FERRY_DRAIN_VALUE "drain"   /* (): the host takes no more runs, and refuses those that it has not begun */

/* The values that a host sends of a run before the answer to FERRY_RUN_METHOD. All others are what the function sends,
 * as a worker sends them. */
#define FERRY_OWN_VALUE_PREFIX "ferry.run."
#define FERRY_BEGIN_VALUE FERRY_OWN_VALUE_PREFIX "begin"       /* () */
#define FERRY_PROGRESS_VALUE FERRY_OWN_VALUE_PREFIX "progress" /* ay: a report, as in a worker's cell, of xid 0 */
#define FERRY_LOG_VALUE FERRY_OWN_VALUE_PREFIX "log"           /* (us): a GLogLevelFlags, and a line */
/* t: the process that runs the function; of runs that last for a while only */
#define FERRY_PROCESS_VALUE FERRY_OWN_VALUE_PREFIX "process"

/* Limits, in bytes where it is a text. */
#define FERRY_MAX_TOKEN 64
#define FERRY_MAX_HOST_FUNCTIONS 4096
#define FERRY_MAX_HOST_WORKERS 65535
#define FERRY_MAX_RUN_NAME 1023
#define FERRY_MAX_LOG_LINE 4096

/* Whether text may name an application, a user or a host: 1 to 64 of A-Z, a-z, 0-9, '_' and '-'. */
gboolean ferry_token_is_valid (const char *text);

/* What a host has done and does. Times in microseconds. */
typedef struct
{
  guint64 uptime;
  guint n_sessions;
  guint n_waiting;
  guint n_running;
  guint64 longest_wait; /* of those that wait */
  guint64 n_done;       /* since it was started, as the next two */
  guint64 n_failed;
  guint64 n_lost;
} FerryHostFigures;

/* What a host tells of itself. It is its presence, too. */
typedef struct
{
  guint version;
  char *ferry_version; /* (owned) */
  char *name;          /* (owned): a token */
  char *instance;      /* (owned): a token, new for each start of the host's program */
  char **functions;    /* (owned) (array zero-terminated=1): sorted, each once */
  guint n_workers;
  gboolean draining;
  char *program_version;    /* (owned): empty: its program tells none */
  char **labels;            /* (owned) (array zero-terminated=1) */
  gboolean asking;          /* it is no host, and asks the one of its name: --check and --status do */
  FerryHostFigures figures; /* all 0 but in what answers that */
} FerryHostFacts;

void ferry_host_facts_clear (FerryHostFacts *self);
/* Returns (transfer floating). functions may be in any order here. program_version and labels may be NULL: none. */
GVariant *ferry_host_facts_to_variant (const FerryHostFacts *self);
/* Sets self, which must not be in use. version is not checked: see ferry_run_check_version(). */
gboolean ferry_host_facts_from_variant (FerryHostFacts *self, GVariant *value, GError **error);

/* What an application says when it looks for hosts: its versions, and nothing else. */
GVariant *ferry_hello_to_variant (void);

/* The arguments of FERRY_SERVE_METHOD. A client is what comes back under one name when its process was killed: see
 * FerryClientName. */
typedef struct
{
  char *application; /* (owned): a token */
  char *client;      /* (owned): a token */
  guint64 start;     /* of the client: later ones are larger */
} FerryServeRequest;

void ferry_serve_request_clear (FerryServeRequest *self);
GVariant *ferry_serve_request_to_variant (const FerryServeRequest *self);
/* Sets self, which must not be in use. Fails with FERRY_ERROR_VERSION, too. */
gboolean ferry_serve_request_from_variant (FerryServeRequest *self, GVariant *value, GError **error);

/* Returns (transfer full) what names a task in the logs of hosts and of its application. application: the user, a
 * slash, and the id of the application's connection. */
char *ferry_run_dup_task_id (const char *application, guint64 id);
/* Whether this program can speak with the end that has sent value: facts, a hello or the arguments of
 * FERRY_SERVE_METHOD, of any version. Each begins with FERRY_RUN_VERSION and the version of Ferry, and always will.
 * Fails with FERRY_ERROR_VERSION, and with FERRY_ERROR_PROTOCOL for a value that does not begin so. other: the other
 * end's name, for the error. */
gboolean ferry_run_check_version (GVariant *value, const char *other, GError **error);

/* The settings that an end has packed, or unpacked, last: most tasks have those of the one before, and to make a value
 * of them anew took a quarter of the way of a short task. All zero: none. */
typedef struct
{
  FerryTaskSettings settings;
  guint8 *packed; /* (owned) (nullable): as they are in a request */
  gsize length;   /* of packed */
  guint32 size;   /* of the value within */
} FerryRunSettings;

void ferry_run_settings_clear (FerryRunSettings *self);

/* The arguments of FERRY_RUN_METHOD. They begin with what comes before name. The name, the function, the settings that
 * have not their default, as an “a{sv}”, and the arguments follow, packed. Numbers have the byte order of the machines,
 * as all serialised values have: a session does not join two machines that differ in that. */
typedef struct
{
  guint64 id;            /* of the task, for logs: the same for each of its runs */
  guint64 size;          /* of the arguments; this, that of the settings and the lengths are set by what packs them */
  guint32 settings_size; /* 0: each has its default */
  guint32 attempt;       /* from 1 */
  guint32 type_length;   /* of the arguments; 0: there are none */
  guint16 name_length;
  guint16 function_length;
  guint8 kind;        /* a FerryTaskKind */
  guint8 leave_ahead; /* how many runs for each worker may have leave before a worker is free for them */
  guint8 reserved[6]; /* 0 */

  const char *name; /* the task's; that of a request which has come is within packed, as the function's */
  const char *function;
  FerryTaskSettings settings; /* the deadline is from now on; what has passed already counts as 1 */
  FerryRunSettings *latest;   /* (unowned) (nullable): of this end, set before it is packed or unpacked */
  GVariant *arguments;        /* (owned) (nullable) */
  GBytes *packed;             /* (owned) (nullable): what has come */
} FerryRunRequest;

void ferry_run_request_clear (FerryRunRequest *self);
/* Returns (transfer floating) an array of bytes, as ferry-packing packs them. A name that is too long is cut, and bytes
 * of it that are no UTF-8 are replaced. The arguments must be no deeper than FERRY_MAX_DEPTH, and the function's name
 * no longer than FERRY_MAX_CALL_NAME. */
GVariant *ferry_run_request_to_variant (const FerryRunRequest *self);
/* Sets self, which must not be in use, but for latest. */
gboolean ferry_run_request_from_variant (FerryRunRequest *self, GVariant *value, GError **error);

/* FERRY_PROGRESS_VALUE. */
GVariant *ferry_run_progress_to_variant (const FerryProgress *progress);
gboolean ferry_run_progress_from_variant (FerryProgress *progress, GVariant *value, GError **error);

/* FERRY_LOG_VALUE. A line that is too long is cut. level: one of G_LOG_LEVEL_MESSAGE, _INFO, _WARNING and _DEBUG; any
 * other is sent, and taken, as one of these. line: (out) (transfer full): without control characters. */
GVariant *ferry_run_log_to_variant (GLogLevelFlags level, const char *line);
gboolean ferry_run_log_from_variant (GVariant *value, GLogLevelFlags *level, char **line, GError **error);

/* FERRY_CAPACITY_VALUE, FERRY_LOAD_VALUE, FERRY_PROCESS_VALUE, and the arguments of FERRY_WANT_METHOD, up to 'most'. */
gboolean ferry_run_number_from_variant (GVariant *value, guint64 most, guint64 *number, GError **error);

/* The arguments of FERRY_LEAVE_METHOD, FERRY_WITHDRAW_METHOD, FERRY_HURRY_METHOD and FERRY_PAUSE_METHOD. number: at
 * most G_MAXINT64. */
GVariant *ferry_run_order_to_variant (guint64 xid, gint64 number);
gboolean ferry_run_order_from_variant (GVariant *value, guint64 *xid, gint64 *number, GError **error);

/* ---- What comes from a NATS server: the name of the sender, and what a host tells of itself ---- */

/* The other end: tokens. */
typedef struct
{
  char name[FERRY_MAX_TOKEN + 1];
  char id[FERRY_MAX_TOKEN + 1];
} FerryBusPeer;

/* Sets peer to the two words of a subject behind a prefix. Returns FALSE if the subject does not begin with that, or
 * has no two tokens behind it. */
gboolean ferry_bus_peer_from_subject (FerryBusPeer *peer, const char *subject, const char *prefix);

/* Returns (transfer full) what is sent of the facts of a host, which are sunk. */
GBytes *ferry_bus_presence_to_bytes (GVariant *facts);
/* Returns (transfer full) (nullable) facts of a host, in normal form, but of any type and content; NULL: it is no such
 * message. */
GVariant *ferry_bus_presence_from_bytes (GBytes *bytes);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryHostFacts, ferry_host_facts_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryRunRequest, ferry_run_request_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryRunSettings, ferry_run_settings_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryServeRequest, ferry_serve_request_clear)

G_END_DECLS
