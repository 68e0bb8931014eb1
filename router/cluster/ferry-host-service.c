/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host does for applications: its line of runs, its refusals, and its sessions.
 *
 * A host has a pool, and any number of sessions. It knows nothing of the network. Its parts are this one, the capacity
 * that it gives to each session (ferry-host-capacity.c), the runs (ferry-host-run.c), and where packets become sessions
 * (ferry-host-acceptor.c).
 *
 * Runs stand in one line, in the order in which they came. A run that gets a place begins at once if it is idempotent,
 * and else asks for leave. There are as many places as there are workers, and some ahead while runs are short. Runs in
 * places ahead have leave before a worker is free for them, and count as begun where the host dies. The place of an
 * application that does not answer is given to another run meanwhile.
 *
 * A session ends with the one below it, or with the answer to FERRY_SERVE_METHOD. That answer is sent when the host has
 * drained, or when the application broke the protocol. In the second case the answer is an error that says how. Either
 * way, what still runs for the session is cancelled, and ended by force.
 *
 * An application that was killed and has come back opens another session, with the same name of a client and a later
 * start. The session of the one before ends at once then, and the new one gets no capacity until the runs of all
 * earlier sessions of the client are over. So a task that is submitted again does not run beside itself here.
 *
 * Owner:   counted references. What it still does when the last one is dropped ends with it. A service has each session
 *          until that has ended.
 * Threads: the router's, but for references to runs.
 * Trust:   the application is not trusted. What it sends is checked first, and what is kept of it is bounded by the
 *          capacity that it was given. */

#include "config.h"

#include "cluster/ferry-host-service-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "cluster/ferry-host-capacity-private.h"
#include "cluster/ferry-host-run-private.h"
#include "cluster/ferry-rate-private.h"
#include "job/ferry-map-function-private.h"
#include "pool/ferry-pool-private.h"
#include "pool/ferry-pool-worker-private.h"
#include "process/ferry-worker.h"
#include "route/ferry-router-private.h"
#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-reserved-name-private.h"

/* How long a place is kept for a run that asked for leave, in microseconds, before it is given to another. */
#define PATIENCE (1 * G_USEC_PER_SEC)

/* How often the load is told, in microseconds. */
#define LOAD_INTERVAL (100 * FERRY_MICROSECONDS_PER_MILLISECOND)

/* How long functions may take to hear that their session has ended, in microseconds, before their workers are killed.
 */
#define FORCE_TIME (1 * G_USEC_PER_SEC)

/* How long an application may take to say what it wants. */
#define SERVE_TIME (30 * G_USEC_PER_SEC)

struct _FerryHostService
{
  GObject parent_instance;

  FerryPool *pool;                 /* (owned) */
  FerryRouter *router;             /* (owned) */
  void (*drained) (gpointer data); /* const */
  gpointer data;
  FerryHostSource *source; /* (owned): of all runs that have begun */
  GRefString *name;        /* (owned): the host's */
  FerryHostFacts facts;    /* (owned) */
  FerryHostMetrics metrics;
  FerryHostCapacity capacity;
  GPtrArray *sessions; /* (element-type FerryHostSession) (owned) */
  /* The line: runs are in one of these (unowned). */
  GQueue waiting; /* without a place */
  GQueue placed;  /* with a place: reserved or running */
  GQueue late;    /* reserved, but the place was given away */
  guint n_busy;
  gint64 placed_at;               /* monotonic time */
  FerryHostPrintedFunc printed;   /* (nullable) */
  FerryHostCountFunc count_queue; /* (nullable) */
  gpointer queue_data;
  guint n_holds; /* what must be released before the service is drained */
  gboolean is_disposed;
  gboolean settle_posted;
  FerryTimer patience;
  FerryExit *told_exit; /* (owned) (nullable): the latest that a line was logged of, with the task */
  FerryRate crashes;    /* lines in the log about them */
  FerryRate complaints; /* lines in the log about applications */
};

G_DEFINE_FINAL_TYPE (FerryHostService, ferry_host_service, G_TYPE_OBJECT)

struct _FerryHostSession
{
  GObject parent_instance;

  FerryHostService *service; /* const: (unowned) */
  FerrySession *session;     /* const: (owned) */
  GRefString *name;          /* const: (owned) */
  GRefString *client;        /* (owned) (nullable): the user, and the client's name; once it has asked to be served */
  guint64 start;             /* of the client */
  FerryRunSettings latest;   /* that it was sent */
  gboolean is_held;          /* runs of an earlier session of the client are not over: it has no share yet */
  FerryHostShare share;
  GHashTable *runs; /* (element-type guint64 FerryHostRun) (owned): by xid, until their end was sent */
  GQueue owing;     /* (element-type FerryHostRun) (unowned): those of them that have something to send */
  FerryCall *serve; /* (owned) (nullable): the call of FERRY_SERVE_METHOD */
  gboolean told_host;
  gboolean told_drain;
  guint64 told_capacity;
  guint told_busy; /* G_MAXUINT: nothing */
  gint64 load_due;
  gint64 capacity_told_at; /* when capacity was told to a session that had none and wanted some; 0: it was not */
  GError *end;             /* (owned) (nullable): why the session ends, once it does */
  guint64 owed;            /* what the session below had accepted with the end of the latest run */
  gboolean said_goodbye;
  gboolean is_over;
  gboolean flush_due; /* there may be something to send */
  gboolean blocked;   /* there is no room to send */
  FerryTimer load_timer;
  FerryTimer serve_timer;
};

G_DEFINE_FINAL_TYPE (FerryHostSession, ferry_host_session, G_TYPE_OBJECT)

static void settle_soon (FerryHostService *self);
static void flush (FerryHostSession *self);

/* ---- the log ---- */

/* rate: (nullable): how many such lines there may be. Takes text, the end of a sentence that begins with the run. */
static void
log_of_run (FerryHostRun *run, FerryRate *rate, GLogLevelFlags level, char *text)
{
  g_autofree char *end = text;
  g_autofree char *id = ferry_host_run_dup_id (run);
  g_autofree char *line = g_strdup_printf ("task %s, attempt %u, %s", id, run->request.attempt, end);
  const GLogField fields[] = {
    {"MESSAGE", line, -1},
    {"PRIORITY", level == G_LOG_LEVEL_INFO ? "6" : "5", -1},
    {"GLIB_DOMAIN", FERRY_HOST_LOG_DOMAIN, -1},
    {"FERRY_TASK", run->request.name, -1},
    {"FERRY_TASK_ID", id, -1},
    {"FERRY_APPLICATION", run->application, -1},
  };

  if (rate != NULL)
    ferry_rate_log_fields (rate, level, fields, G_N_ELEMENTS (fields));
  else
    g_log_structured_array (level, fields, G_N_ELEMENTS (fields));
}

/* Whether a process ended by itself, and not as it should. */
static gboolean
is_crash (FerryExit *exit)
{
  gboolean forced = FALSE;

  g_object_get (exit, "forced", &forced, NULL);
  return !forced && !ferry_exit_is_success (exit);
}

/* Logs the crash of the process that ran a task. */
static void
log_crash_of_run (FerryHostService *self, FerryHostRun *run)
{
  FerryExit *exit = run->run.exit;

  if (exit == NULL)
    return;
  g_set_object (&self->told_exit, exit);
  if (is_crash (exit))
    log_of_run (run, &self->crashes, G_LOG_LEVEL_MESSAGE,
                g_strdup_printf ("function '%s': %s", run->request.function, ferry_exit_get_message (exit)));
}

/* The pool hears of the end first, and so does the task that the process ran. */
static void
worker_ended (FerryWorker *worker, FerryExit *exit, FerryHostService *self)
{
  if (exit != self->told_exit && is_crash (exit))
    ferry_rate_log (&self->crashes, "A worker ended while it ran no task: %s", ferry_exit_get_message (exit));
}

/* ---- when a session sends ---- */

/* Sends once this turn of the main loop is over, so that much travels together. */
static void
flush_soon (FerryHostSession *self)
{
  self->flush_due = TRUE;
  if (!self->is_over)
    settle_soon (self->service);
}

static void
room_came (gpointer data)
{
  FerryHostSession *self = data;

  self->blocked = FALSE;
  if (!self->is_over)
    flush (self);
}

/* Implements FerrySendFunc. */
static gboolean
note_room (gpointer data)
{
  FerryHostSession *self = data;

  ferry_affinity_invoke (self->service->router->affinity, room_came, self, g_object_unref);
  return TRUE;
}

static void
await_room (FerryHostSession *self, guint64 room_count)
{
  self->blocked = TRUE;
  ferry_transport_send_later (FERRY_TRANSPORT (self->session), note_room, g_object_ref (self), room_count);
}

static void
set_owing (FerryHostSession *self, FerryHostRun *run, gboolean owing)
{
  if (run->owing == owing)
    return;
  run->owing = owing;
  if (owing)
    g_queue_push_tail_link (&self->owing, &run->owing_link);
  else
    g_queue_unlink (&self->owing, &run->owing_link);
}

void
ferry_host_session_note_owing (FerryHostSession *self, FerryHostRun *run)
{
  set_owing (self, run, TRUE);
  flush_soon (self);
}

static void
load_is_due (gpointer data)
{
  flush_soon (data);
}

/* ---- the line ---- */

static gboolean
is_begun (const FerryHostRun *run)
{
  return run->state >= FERRY_HOST_RUN_RUNNING;
}

/* The run waits for the application from now on, or no longer. Does nothing for a run of a session that has ended. */
static void
set_stuck (FerryHostRun *run, gboolean stuck)
{
  if (run->session == NULL || run->stuck == stuck)
    return;
  run->stuck = stuck;
  run->session->share.n_stuck += stuck ? 1 : -1;
}

static void
move (FerryHostRun *run, GQueue *line)
{
  if (run->line != NULL)
    g_queue_unlink (run->line, &run->link);
  run->line = line;
  if (line != NULL)
    g_queue_push_tail_link (line, &run->link);
}

void
ferry_host_service_remove (FerryHostService *self, FerryHostRun *run)
{
  move (run, NULL);
  run->service = NULL;
  set_stuck (run, TRUE);
  log_crash_of_run (self, run);
  ferry_host_tally_count_end (run->tally, &run->run, run->came_at, run->is_refused);
  if (run->run.start_time > 0)
    ferry_host_capacity_note_run (&self->capacity, run->run.end_time - run->run.start_time);
  ferry_host_run_unref (run);
  settle_soon (self);
}

static void
patience_over (gpointer data)
{
  FerryHostService *self = data;
  gint64 before = g_get_monotonic_time () - PATIENCE;
  gint64 next = G_MAXINT64;
  GList *following;

  for (GList *link = self->placed.head; link != NULL; link = following)
    {
      FerryHostRun *run = link->data;

      following = link->next;
      if (run->state != FERRY_HOST_RUN_RESERVED)
        continue;
      if (run->asked_at <= before)
        {
          move (run, &self->late);
          set_stuck (run, TRUE);
        }
      else
        next = MIN (next, run->asked_at + PATIENCE);
    }
  if (next < G_MAXINT64)
    ferry_timers_set (self->router->limits, &self->patience, next, patience_over, self);
  settle_soon (self);
}

static void
start_run (FerryHostSession *self, FerryHostRun *run)
{
  /* A message without a reader is not written either: this is for each task. */
  if (!g_log_writer_default_would_drop (G_LOG_LEVEL_DEBUG, G_LOG_DOMAIN))
    g_debug ("Begins task %" G_GUINT64_FORMAT ", attempt %u, of %s: '%s'", run->request.id, run->request.attempt,
             self->name, run->request.function);
  ferry_host_run_start (run, self->service->source);
}

/* The run begins, or asks for leave. */
static void
give_place (FerryHostService *self, FerryHostRun *run)
{
  g_autoptr (FerryHostRun) kept G_GNUC_UNUSED = ferry_host_run_ref (run);

  move (run, &self->placed);
  self->placed_at = g_get_monotonic_time ();
  ferry_host_run_tell_begin (run);
  if (run->request.settings.idempotent)
    {
      start_run (run->session, run);
      return;
    }
  run->state = FERRY_HOST_RUN_RESERVED;
  run->asked_at = g_get_monotonic_time ();
  if (!ferry_timer_is_set (&self->patience))
    ferry_timers_set (self->router->limits, &self->patience, run->asked_at + PATIENCE, patience_over, self);
}

/* To give leave is to have begun. So of runs that need it, the application says how many may be lost with this host
 * though no worker has begun them. */
static gboolean
has_place (FerryHostService *self, const FerryHostRun *run)
{
  guint n_places = run->request.settings.idempotent
                     ? ferry_host_capacity_get_n_places (&self->capacity)
                     : ferry_host_capacity_get_n_leave_places (&self->capacity, run->request.leave_ahead);

  return self->placed.length < n_places && ferry_pool_get_error (self->pool) == NULL;
}

/* Puts a run that has come into the line. */
static void
add_to_line (FerryHostService *self, FerryHostRun *run)
{
  run->service = self;
  /* The user is what the session's name begins with. */
  run->tally = ferry_host_service_find_tally (self, run->request.function, run->request.arguments, run->application,
                                              strcspn (run->application, "/"));
  move (ferry_host_run_ref (run), &self->waiting);
  /* A run that comes to idle workers need not wait for the next turn of the main loop. */
  if (self->waiting.length == 1 && has_place (self, run))
    give_place (self, run);
  settle_soon (self);
}

/* ---- the end of a session ---- */

/* The run's end was sent. */
static void
remove_run (FerryHostSession *self, FerryHostRun *run)
{
  self->owed = ferry_session_get_counts (self->session).accepted;
  set_stuck (run, FALSE);
  self->share.n_open--;
  g_hash_table_remove (self->runs, &run->xid);
  settle_soon (self->service);
}

/* Refuses what was not begun. Nothing is removed meanwhile: that comes with the flush. */
static void
refuse_all (FerryHostSession *self, const GError *reason)
{
  GHashTableIter iter;
  FerryHostRun *run;

  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &run))
    if (!is_begun (run))
      ferry_host_run_refuse (run, reason);
}

/* As refuse_all(). */
static void
cancel_runs (FerryHostSession *self, const GError *reason)
{
  GHashTableIter iter;
  FerryHostRun *run;

  refuse_all (self, reason);
  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &run))
    ferry_host_run_stop (run, FORCE_TIME);
}

static void
stop_timers (FerryHostSession *self)
{
  ferry_timers_unset (self->service->router->timers, &self->load_timer);
  ferry_timers_unset (self->service->router->limits, &self->serve_timer);
}

/* Forgets everything but the tasks, which go on until they are ended. */
static void
finish (FerryHostSession *self)
{
  g_autoptr (FerryHostSession) kept G_GNUC_UNUSED = g_object_ref (self);
  FerryHostService *service = self->service;
  FerryTransport *transport = FERRY_TRANSPORT (self->session);
  GHashTableIter iter;
  FerryHostRun *run;

  if (self->is_over)
    return;
  if (self->end == NULL)
    self->end = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The host has ended this session");
  ferry_transport_leave_calls (transport, self->end);
  ferry_transport_unwatch_end (transport, G_OBJECT (self));
  cancel_runs (self, self->end);
  self->is_over = TRUE;
  stop_timers (self);
  if (self->serve != NULL && !self->is_held)
    ferry_host_capacity_remove (&service->capacity, &self->share);
  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &run))
    {
      set_owing (self, run, FALSE);
      ferry_host_run_detach (run);
    }
  g_hash_table_remove_all (self->runs);
  g_clear_pointer (&self->serve, ferry_call_unref);
  ferry_transport_close (transport);
  g_ptr_array_remove_fast (service->sessions, self);
  settle_soon (service);
}

static void
finish_posted (gpointer data)
{
  finish (data);
}

/* An application that is gone does not keep a host waiting that has nothing for it: what was sent has arrived, but for
 * the goodbye. */
static void
finish_after_goodbye (gpointer data)
{
  FerryHostSession *self = data;
  gboolean is_handed_over = ferry_session_get_counts (self->session).arrived >= self->owed;

  finish (self);
  if (is_handed_over)
    ferry_session_port_finish (ferry_session_get_port (self->session));
}

static void
complain_of_end (FerryHostSession *self)
{
  FerryRate *complaints = &self->service->complaints;

  if (self->share.n_open > 0)
    ferry_rate_log (complaints, "The session of %s ends with %u of its tasks open: %s", self->name, self->share.n_open,
                    self->end->message);
  else
    ferry_rate_log (complaints, "The session of %s ends: %s", self->name, self->end->message);
}

/* Ends the session, and says why: the answer to FERRY_SERVE_METHOD is reason. */
static void
end_session (FerryHostSession *self, const GError *reason)
{
  if (self->is_over || self->end != NULL)
    return;
  self->end = ferry_error_copy (reason);
  complain_of_end (self);
  cancel_runs (self, reason);
  if (self->serve == NULL)
    finish (self);
  else
    flush_soon (self);
}

/* Whether the operator of the host or its server can do something about the end of the session, or sees tasks end
 * without a cancel. */
static gboolean
is_end_of_interest (FerryHostSession *self)
{
  return self->share.n_open > 0 || g_error_matches (self->end, FERRY_ERROR, FERRY_ERROR_TOO_LARGE) ||
         g_error_matches (self->end, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
}

/* Implements FerryTransportEndFunc. The calls of its runs were cancelled, and nothing of that was flushed yet. */
static void
session_ended (FerryTransport *session, GObject *owner)
{
  FerryHostSession *self = FERRY_HOST_SESSION (owner);

  if (self->end == NULL)
    {
      self->end = ferry_transport_dup_reason (session);
      if (is_end_of_interest (self))
        complain_of_end (self);
    }
  ferry_affinity_invoke (self->service->router->affinity, finish_posted, g_object_ref (self), g_object_unref);
}

/* Ends it now, and the session below it. */
static void
finish_for (FerryHostSession *self, const GError *reason)
{
  if (self->end == NULL)
    self->end = ferry_error_copy (reason);
  /* The application hears that the host has left, in place of a call that was dropped. */
  if (self->serve != NULL && !self->said_goodbye)
    ferry_call_answer (self->serve, NULL, NULL);
  finish (self);
}

static GError *
make_drain_error (FerryHostService *self)
{
  return g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED, "Host '%s' takes no more tasks, as it is being ended",
                      self->name);
}

/* Refuses what was not begun. The session ends when all runs are over. */
static void
drain_session (FerryHostSession *self)
{
  g_autoptr (GError) reason = make_drain_error (self->service);

  refuse_all (self, reason);
  if (self->serve == NULL)
    finish (self);
  else
    flush_soon (self);
}

/* ---- what a session sends ---- */

/* Sends a value of the serve call. Returns FALSE if the session has no room. */
static gboolean
tell (FerryHostSession *self, const char *name, GVariant *value)
{
  g_autoptr (GError) error = NULL;

  return ferry_call_send_value (self->serve, name, value, &error) ||
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
}

static gboolean
tell_host (FerryHostSession *self)
{
  if (!self->told_host && !tell (self, FERRY_HOST_VALUE, ferry_host_facts_to_variant (&self->service->facts)))
    return FALSE;
  self->told_host = TRUE;
  if (!self->service->facts.draining || self->told_drain)
    return TRUE;
  self->told_drain = tell (self, FERRY_DRAIN_VALUE, g_variant_new_tuple (NULL, 0));
  return self->told_drain;
}

static gboolean
tell_capacity (FerryHostSession *self, gint64 now)
{
  guint64 capacity = self->share.capacity;

  if (capacity == self->told_capacity || self->service->facts.draining)
    return TRUE;
  if (!tell (self, FERRY_CAPACITY_VALUE, g_variant_new_uint64 (capacity)))
    return FALSE;
  if (self->share.received == self->told_capacity && self->share.want > 0)
    self->capacity_told_at = now;
  self->told_capacity = capacity;
  return TRUE;
}

static gboolean
tell_load (FerryHostSession *self, gint64 now)
{
  guint n_busy = self->service->n_busy;

  if (self->told_busy == n_busy)
    return TRUE;
  if (now < self->load_due)
    {
      if (!ferry_timer_is_set (&self->load_timer))
        ferry_timers_set (self->service->router->timers, &self->load_timer, self->load_due, load_is_due, self);
      return TRUE;
    }
  if (!tell (self, FERRY_LOAD_VALUE, g_variant_new_uint64 (n_busy)))
    return FALSE;
  self->told_busy = n_busy;
  self->load_due = now + LOAD_INTERVAL;
  return TRUE;
}

static gboolean
flush_runs (FerryHostSession *self, gint64 now)
{
  while (self->owing.head != NULL)
    {
      g_autoptr (FerryHostRun) run = ferry_host_run_ref (self->owing.head->data);

      if (!ferry_host_run_flush (run, now))
        return FALSE;
      set_owing (self, run, FALSE);
      if (run->call == NULL)
        remove_run (self, run);
    }
  return TRUE;
}

/* Answers the serve call, when the session ends or is drained. Returns FALSE if the session has no room. */
static gboolean
say_goodbye (FerryHostSession *self)
{
  g_autoptr (GError) error = NULL;

  if (self->said_goodbye ||
      (self->end == NULL && !(self->service->facts.draining && g_hash_table_size (self->runs) == 0)))
    return TRUE;
  if (self->end != NULL)
    ferry_call_answer_error (self->serve, self->end, NULL, NULL, &error);
  else
    ferry_call_answer (self->serve, NULL, &error);
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return FALSE;
  self->said_goodbye = TRUE;
  ferry_affinity_invoke (self->service->router->affinity, finish_after_goodbye, g_object_ref (self), g_object_unref);
  return TRUE;
}

static void
flush (FerryHostSession *self)
{
  guint64 room_count = ferry_transport_get_room_count (FERRY_TRANSPORT (self->session));
  gint64 now = g_get_monotonic_time ();

  if (self->serve == NULL || self->said_goodbye)
    return;
  if (!tell_host (self) || !tell_capacity (self, now) || !flush_runs (self, now) || !tell_load (self, now) ||
      !say_goodbye (self))
    await_room (self, room_count);
}

/* Sends what runs have to say, which may free capacity. */
static void
flush_runs_first (FerryHostSession *self)
{
  guint64 room_count = ferry_transport_get_room_count (FERRY_TRANSPORT (self->session));

  if (self->serve == NULL || self->said_goodbye || self->blocked)
    return;
  /* The application hears that the host drains before it hears what the host refuses for that. */
  if (!tell_host (self) || !flush_runs (self, g_get_monotonic_time ()))
    await_room (self, room_count);
}

/* Sends all that is new, with that of the service. No more follows in this turn of the main loop. */
static void
flush_if_due (FerryHostSession *self)
{
  gboolean is_due =
    self->flush_due || self->share.capacity != self->told_capacity || self->told_busy != self->service->n_busy;

  self->flush_due = FALSE;
  if (!is_due || self->blocked)
    return;
  flush (self);
  ferry_session_flush (self->session);
}

/* ---- what an application asks ---- */

/* Whether the application may ask for this function here: of a chunk of a map, for the one that is mapped. */
static gboolean
has_function (FerryHostSession *self, const FerryRunRequest *request)
{
  g_autofree char *needed = ferry_map_dup_needed_function (request->function, request->arguments);

  return g_strv_contains ((const char *const *) self->service->facts.functions, needed);
}

static gboolean
check_capacity (FerryHostSession *self, GError **error)
{
  return ferry_host_share_take_run (&self->share) ||
         ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "The application sent more tasks than the capacity that host '%s' gave it; use versions of "
                          "Ferry that fit together, at both ends",
                          self->service->name);
}

/* Returns (transfer full) (nullable) why this run is not taken, though the session goes on: another run may well be. */
static GError *
find_fault (FerryHostSession *self, FerryHostRun *run)
{
  GError *reason = NULL;

  if (!ferry_host_run_read (run, &self->latest, &reason))
    return reason;
  if (self->service->facts.draining)
    return make_drain_error (self->service);
  if (!has_function (self, &run->request))
    return g_error_new (FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION, "Host '%s' has no function '%s'",
                        self->service->name, run->request.function);
  return NULL;
}

static gboolean
take_run (FerryHostSession *self, FerryCall *call, GError **error)
{
  g_autoptr (FerryHostRun) run = ferry_host_run_new (call, self->service->name, self->name, self->client, self);
  g_autoptr (GError) reason = NULL;

  if (!check_capacity (self, error))
    return FALSE;
  if (self->capacity_told_at != 0)
    ferry_host_capacity_note_round_trip (&self->service->capacity, run->came_at - self->capacity_told_at);
  self->capacity_told_at = 0;
  reason = find_fault (self, run);
  g_hash_table_insert (self->runs, &run->xid, ferry_host_run_ref (run));
  ferry_host_run_listen (run);
  if (reason != NULL)
    {
      ferry_host_run_refuse (run, reason);
      set_stuck (run, TRUE);
    }
  else if (run->state == FERRY_HOST_RUN_WAITING)
    add_to_line (self->service, run);
  return TRUE;
}

/* ---- an application that has come back ---- */

/* Whether a run of an earlier session of the client is not over. */
static gboolean
is_run_before (const FerryHostRun *run, const FerryHostSession *session)
{
  return run->session != session && strcmp (run->client, session->client) == 0;
}

static gboolean
has_runs_before (FerryHostSession *self)
{
  for (GList *link = self->service->placed.head; link != NULL; link = link->next)
    if (is_run_before (link->data, self))
      return TRUE;
  return FALSE;
}

/* Gives the session its share of the capacity, unless runs of the client's earlier sessions are still being ended. */
static void
let_in (FerryHostSession *self)
{
  if (!self->is_held || self->end != NULL || has_runs_before (self))
    return;
  self->is_held = FALSE;
  ferry_host_capacity_add (&self->service->capacity, &self->share);
}

/* Returns (transfer full) (nullable) another session of the client. */
static FerryHostSession *
find_session_of_client (FerryHostSession *self)
{
  for (guint i = 0; i < self->service->sessions->len; i++)
    {
      FerryHostSession *other = g_ptr_array_index (self->service->sessions, i);

      if (other != self && other->client != NULL && other->end == NULL && strcmp (other->client, self->client) == 0)
        return g_object_ref (other);
    }
  return NULL;
}

/* The client has come back, so its earlier session ends now, and its runs. Nobody is likely to hear of that. */
static void
supersede (FerryHostSession *self)
{
  FerrySessionPort *port = ferry_session_get_port (self->session);

  self->end = g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                           "The application was started again, and host '%s' ends what it runs for the one before",
                           self->service->name);
  complain_of_end (self);
  ferry_call_answer_error (self->serve, self->end, NULL, NULL, NULL);
  ferry_session_flush (self->session);
  finish (self);
  ferry_session_port_finish (port);
}

/* Of the sessions of one client, the one of the latest start stays. What an earlier process has sent may come late. */
static gboolean
take_place (FerryHostSession *self, GError **error)
{
  g_autoptr (FerryHostSession) other = NULL;

  while ((other = find_session_of_client (self)) != NULL)
    {
      if (other->start > self->start)
        return ferry_set_error (error, FERRY_ERROR_CLOSED,
                                "The application was started again, and host '%s' serves "
                                "the later one",
                                self->service->name);
      supersede (other);
      g_clear_object (&other);
    }
  return TRUE;
}

static gboolean
take_serve (FerryHostSession *self, FerryCall *call, GError **error)
{
  g_auto (FerryServeRequest) request = {0};
  g_autofree char *client = NULL;
  const char *slash = strchr (self->name, '/');

  if (self->serve != NULL)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "The application asked to be served twice");
  self->serve = ferry_call_ref (call);
  self->is_held = TRUE;
  ferry_timers_unset (self->service->router->limits, &self->serve_timer);
  if (!ferry_serve_request_from_variant (&request, ferry_call_get_arguments (call), error))
    return FALSE;
  /* The server guards the user, and so no user's client ends another's. */
  client = g_strdup_printf ("%.*s/%s", slash != NULL ? (int) (slash - self->name) : 0, self->name, request.client);
  self->client = g_ref_string_new (client);
  self->start = request.start;
  if (!take_place (self, error))
    return FALSE;
  let_in (self);
  g_info ("Serves %s", self->name);
  flush_soon (self);
  return TRUE;
}

static gboolean
take_want (FerryHostSession *self, FerryCall *call, GError **error)
{
  guint64 want;

  if (!ferry_run_number_from_variant (ferry_call_get_arguments (call), G_MAXUINT32, &want, error))
    return FALSE;
  self->share.want = (guint) want;
  settle_soon (self->service);
  return TRUE;
}

static void
take_leave (FerryHostSession *self, FerryHostRun *run, gint64 number)
{
  if (run->state != FERRY_HOST_RUN_RESERVED)
    return;
  /* One that was slow on purpose must not have the host take on more than its workers do. */
  if (!run->stuck)
    ferry_host_capacity_note_round_trip (&self->service->capacity, g_get_monotonic_time () - run->asked_at);
  if (run->line == &self->service->late)
    move (run, &self->service->placed);
  set_stuck (run, FALSE);
  start_run (self, run);
}

static void
take_withdraw (FerryHostSession *self, FerryHostRun *run, gint64 number)
{
  g_autoptr (GError) reason =
    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, "The application took the task back");

  if (!is_begun (run))
    ferry_host_run_refuse (run, reason);
}

static void
take_hurry (FerryHostSession *self, FerryHostRun *run, gint64 number)
{
  ferry_host_run_hurry (run, number);
}

static void
take_pause (FerryHostSession *self, FerryHostRun *run, gint64 number)
{
  ferry_host_run_set_paused (run, number != 0);
}

/* What is said of a run that is over is late, and harmless. */
static gboolean
take_order (FerryHostSession *self, FerryCall *call, GError **error)
{
  static const struct
  {
    const char *method;
    void (*take) (FerryHostSession *self, FerryHostRun *run, gint64 number);
  } orders[] = {
    {FERRY_LEAVE_METHOD, take_leave},
    {FERRY_WITHDRAW_METHOD, take_withdraw},
    {FERRY_HURRY_METHOD, take_hurry},
    {FERRY_PAUSE_METHOD, take_pause},
  };
  FerryHostRun *run;
  guint64 xid;
  gint64 number;

  if (!ferry_run_order_from_variant (ferry_call_get_arguments (call), &xid, &number, error))
    return FALSE;
  run = g_hash_table_lookup (self->runs, &xid);
  for (guint i = 0; run != NULL && i < G_N_ELEMENTS (orders); i++)
    if (g_str_equal (ferry_call_get_method (call), orders[i].method))
      orders[i].take (self, run, number);
  return TRUE;
}

static gboolean
take_request (FerryHostSession *self, FerryCall *call, GError **error)
{
  static const struct
  {
    const char *method;
    gboolean (*take) (FerryHostSession *self, FerryCall *call, GError **error);
    gboolean is_answered;
  } methods[] = {
    {FERRY_RUN_METHOD, take_run, TRUE},      {FERRY_LEAVE_METHOD, take_order, FALSE},
    {FERRY_WANT_METHOD, take_want, FALSE},   {FERRY_WITHDRAW_METHOD, take_order, FALSE},
    {FERRY_HURRY_METHOD, take_order, FALSE}, {FERRY_PAUSE_METHOD, take_order, FALSE},
    {FERRY_SERVE_METHOD, take_serve, TRUE},
  };
  const char *method = ferry_call_get_method (call);
  g_autofree char *shown = NULL;

  if (self->serve == NULL && !g_str_equal (method, FERRY_SERVE_METHOD))
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "The application must send '%s' before anything else",
                            FERRY_SERVE_METHOD);
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (g_str_equal (method, methods[i].method) &&
        methods[i].is_answered == ((ferry_call_get_flags (call) & FERRY_CALL_ONE_WAY) == 0))
      return methods[i].take (self, call, error);
  shown = g_strescape (method, NULL);
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "The application sent '%s', which a host does not know", shown);
}

/* Implements FerryTransportCallFunc. */
static void
call_came (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  FerryHostSession *self = FERRY_HOST_SESSION (owner);
  g_autoptr (GError) error = NULL;

  /* Once the session ends, it listens no more. */
  if (self->is_over || self->end != NULL)
    return;
  if (!take_request (self, call, &error))
    end_session (self, error);
}

static void
serve_time_over (gpointer data)
{
  g_autoptr (GError) reason =
    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "The application connected and did not say what it wants");

  end_session (data, reason);
}

/* Adds a session that serves what asks by the one below. */
static gboolean
add_session (FerryHostService *service, FerrySession *session, const char *name, GError **error)
{
  FerryHostSession *self = g_object_new (FERRY_TYPE_HOST_SESSION, NULL);
  FerryTransport *transport = FERRY_TRANSPORT (session);

  self->service = service;
  self->session = g_object_ref (session);
  self->name = g_ref_string_new (name);
  g_ptr_array_add (service->sessions, self);
  ferry_timers_set (service->router->limits, &self->serve_timer, g_get_monotonic_time () + SERVE_TIME, serve_time_over,
                    self);
  if (!ferry_transport_take_calls (transport, call_came, G_OBJECT (self), error))
    {
      stop_timers (self);
      self->is_over = TRUE;
      g_ptr_array_remove (service->sessions, self);
      return FALSE;
    }
  ferry_transport_watch_end (transport, session_ended, G_OBJECT (self));
  if (ferry_transport_get_closed (transport))
    session_ended (transport, G_OBJECT (self));
  return TRUE;
}

static void
ferry_host_session_finalize (GObject *object)
{
  FerryHostSession *self = FERRY_HOST_SESSION (object);

  g_assert (self->is_over);
  g_clear_object (&self->session);
  g_clear_pointer (&self->runs, g_hash_table_unref);
  g_clear_error (&self->end);
  g_clear_pointer (&self->name, g_ref_string_release);
  g_clear_pointer (&self->client, g_ref_string_release);
  ferry_run_settings_clear (&self->latest);

  G_OBJECT_CLASS (ferry_host_session_parent_class)->finalize (object);
}

static void
ferry_host_session_class_init (FerryHostSessionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_host_session_finalize;
}

static void
ferry_host_session_init (FerryHostSession *self)
{
  self->told_busy = G_MAXUINT;
  self->runs = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, (GDestroyNotify) ferry_host_run_unref);
}

/* ---- places, capacity and load ---- */

/* Refuses what waits while the pool has failed: another host may be well. */
static void
refuse_waiting (FerryHostService *self)
{
  g_autoptr (GError) reason = g_error_copy (ferry_pool_get_error (self->pool));

  while (!g_queue_is_empty (&self->waiting))
    ferry_host_run_refuse (g_queue_peek_head (&self->waiting), reason);
}

/* Runs are sent first, as their ends free capacity. What is sent before and after travels together. */
static void
settle (FerryHostService *self)
{
  for (guint i = 0; i < self->sessions->len; i++)
    flush_runs_first (self->sessions->pdata[i]);
  self->settle_posted = FALSE;
  for (guint i = 0; i < self->sessions->len; i++)
    let_in (self->sessions->pdata[i]);
  if (ferry_pool_get_error (self->pool) != NULL)
    refuse_waiting (self);
  while (!g_queue_is_empty (&self->waiting) && has_place (self, g_queue_peek_head (&self->waiting)))
    give_place (self, g_queue_peek_head (&self->waiting));
  if (!self->facts.draining && ferry_pool_get_error (self->pool) == NULL)
    ferry_host_capacity_settle (&self->capacity);
  self->n_busy = MIN (self->placed.length, self->capacity.n_workers);
  for (guint i = 0; i < self->sessions->len; i++)
    flush_if_due (self->sessions->pdata[i]);
}

static gboolean
is_drained (FerryHostService *self)
{
  return self->facts.draining && self->sessions->len == 0 && self->placed.length == 0 && self->n_holds == 0;
}

static void
settle_posted (gpointer data)
{
  FerryHostService *self = data;

  settle (self);
  if (is_drained (self))
    self->drained (self->data);
}

/* Settles once this turn of the main loop is over: many runs end in one turn. */
static void
settle_soon (FerryHostService *self)
{
  if (self->settle_posted || self->is_disposed)
    return;
  self->settle_posted = TRUE;
  ferry_affinity_invoke (self->router->affinity, settle_posted, g_object_ref (self), g_object_unref);
}

static void
pool_failed (FerryPool *pool, GParamSpec *pspec, FerryHostService *self)
{
  settle_soon (self);
}

/* ---- lines that workers print ---- */

/* Whether the worker runs this now, or was about to when it ended. Its process id may not have been told yet. */
static gboolean
is_run_by (const FerryRun *run, FerryWorker *worker)
{
  const FerryPoolWorker *destination = (FerryPoolWorker *) run->destination;

  return destination != NULL && destination->worker == worker && destination->in_flight.head->data == run;
}

/* Returns (nullable) the run that this worker does. */
static FerryHostRun *
find_run (FerryHostService *self, FerryWorker *worker)
{
  for (GList *link = self->placed.head; link != NULL; link = link->next)
    {
      FerryHostRun *run = link->data;

      if (is_run_by (&run->run, worker))
        return run;
    }
  return NULL;
}

/* The end of a run may come before its last lines. */
static void
log_of_worker (FerryWorker *worker, GLogLevelFlags level, const char *line)
{
  g_log_structured (FERRY_HOST_LOG_DOMAIN, level, "MESSAGE", "worker %s: %s", ferry_worker_get_identifier (worker),
                    line);
}

static void
worker_printed (FerryWorker *worker, FerryStream stream, const char *line, FerryHostService *self)
{
  GLogLevelFlags level = stream == FERRY_STREAM_STDERR ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_INFO;
  FerryHostRun *run = find_run (self, worker);

  if (line[0] == '\0')
    return;
  if (run == NULL)
    {
      if (self->printed == NULL || !self->printed (worker, level, line, self->queue_data))
        log_of_worker (worker, level, line);
      return;
    }
  ferry_host_run_log (run, level, line);
  log_of_run (run, NULL, level, g_strdup_printf ("worker %s: %s", ferry_worker_get_identifier (worker), line));
}

static void
workers_changed (GListModel *workers, guint position, guint n_removed, guint n_added, FerryHostService *self)
{
  for (guint i = 0; i < n_added; i++)
    {
      g_autoptr (FerryWorker) worker = g_list_model_get_item (workers, position + i);

      g_signal_connect_object (worker, "output", G_CALLBACK (worker_printed), self, 0);
      g_signal_connect_object (worker, "ended", G_CALLBACK (worker_ended), self, 0);
    }
}

/* ---- the service ---- */

gboolean
ferry_host_service_add (FerryHostService *self, FerrySession *session, const char *name, GError **error)
{
  if (self->facts.draining)
    {
      g_propagate_error (error, make_drain_error (self));
      return FALSE;
    }
  if (self->sessions->len >= FERRY_HOST_MAX_SESSIONS)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "Host '%s' serves %u applications already; start another host", self->name,
                            self->sessions->len);
  return add_session (self, session, name, error);
}

/* Returns (transfer full) a copy, as sessions leave the list meanwhile. */
static GPtrArray *
dup_sessions (FerryHostService *self)
{
  GPtrArray *sessions = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < self->sessions->len; i++)
    g_ptr_array_add (sessions, g_object_ref (self->sessions->pdata[i]));
  return sessions;
}

void
ferry_host_service_drain (FerryHostService *self)
{
  g_autoptr (GPtrArray) sessions = dup_sessions (self);

  if (self->facts.draining)
    return;
  self->facts.draining = TRUE;
  for (guint i = 0; i < sessions->len; i++)
    drain_session (sessions->pdata[i]);
  settle_soon (self);
}

void
ferry_host_service_set_queue (FerryHostService *self, FerryHostPrintedFunc printed, FerryHostCountFunc count,
                              gpointer data)
{
  self->printed = printed;
  self->count_queue = count;
  self->queue_data = data;
}

void
ferry_host_service_hold (FerryHostService *self)
{
  self->n_holds++;
}

void
ferry_host_service_release (FerryHostService *self)
{
  g_return_if_fail (self->n_holds > 0);

  self->n_holds--;
  settle_soon (self);
}

void
ferry_host_service_end (FerryHostService *self, const GError *reason)
{
  g_autoptr (GPtrArray) sessions = dup_sessions (self);

  for (guint i = 0; i < sessions->len; i++)
    finish_for (sessions->pdata[i], reason);
}

const FerryHostFacts *
ferry_host_service_get_facts (FerryHostService *self)
{
  return &self->facts;
}

FerryHostServiceCounts
ferry_host_service_get_counts (FerryHostService *self)
{
  FerryHostServiceCounts counts = {
    .n_sessions = self->sessions->len,
    .n_waiting = self->waiting.length,
    .n_reserved = self->late.length,
    .n_places = ferry_host_capacity_get_n_places (&self->capacity),
    .placed_at = self->placed_at,
  };

  for (GList *link = self->placed.head; link != NULL; link = link->next)
    {
      gboolean is_reserved = ((FerryHostRun *) link->data)->state == FERRY_HOST_RUN_RESERVED;

      counts.n_reserved += is_reserved ? 1 : 0;
      counts.n_running += is_reserved ? 0 : 1;
    }
  return counts;
}

/* Counts what is in a part of the line now. */
static void
count_line (GQueue *part, FerryHostFigures *figures)
{
  for (GList *link = part->head; link != NULL; link = link->next)
    {
      const FerryHostRun *run = link->data;

      ferry_host_tally_count_present (run->tally, &run->run, run->came_at, figures);
    }
}

/* Returns how many workers have a task. */
static guint
count (FerryHostService *self, FerryHostFigures *figures)
{
  guint n_busy = self->n_busy;
  GHashTableIter iter;
  FerryHostTally *tally;

  *figures = (FerryHostFigures){.n_sessions = self->sessions->len};
  g_hash_table_iter_init (&iter, self->metrics.tallies);
  while (g_hash_table_iter_next (&iter, (gpointer *) &tally, NULL))
    tally->n_waiting = tally->n_running = 0;
  count_line (&self->waiting, figures);
  count_line (&self->placed, figures);
  count_line (&self->late, figures);
  if (self->count_queue != NULL)
    n_busy += self->count_queue (figures, self->queue_data);
  ferry_host_metrics_sum (&self->metrics, figures);
  return n_busy;
}

void
ferry_host_service_get_figures (FerryHostService *self, FerryHostFigures *figures)
{
  count (self, figures);
}

char *
ferry_host_service_describe_metrics (FerryHostService *self, const char *application)
{
  FerryHostFigures figures;
  guint n_busy = count (self, &figures);

  return ferry_host_metrics_describe (&self->metrics, &self->facts, application, &figures, n_busy);
}

FerryHostTally *
ferry_host_service_find_tally (FerryHostService *self, const char *function, GVariant *arguments, const char *user,
                               gsize length)
{
  g_autofree char *mapped =
    g_str_equal (function, FERRY_MAP_FUNCTION) ? ferry_map_dup_needed_function (function, arguments) : NULL;

  return ferry_host_metrics_find (&self->metrics, mapped != NULL ? mapped : function, user, length);
}

FerryHostService *
ferry_host_service_new (FerryPool *pool, const char *name, const char *instance, const char *const *functions,
                        void (*drained) (gpointer data), gpointer data)
{
  FerryHostService *self = g_object_new (FERRY_TYPE_HOST_SERVICE, NULL);
  guint n_workers;

  self->pool = g_object_ref (pool);
  g_object_get (pool, "router", &self->router, "max-workers", &n_workers, NULL);
  self->drained = drained;
  self->data = data;
  self->source = ferry_host_source_new (pool);
  self->name = g_ref_string_new (name);
  self->facts = (FerryHostFacts){
    .version = FERRY_RUN_VERSION,
    .name = g_strdup (name),
    .instance = g_strdup (instance),
    .functions = g_strdupv ((char **) functions),
    .n_workers = MIN (n_workers, FERRY_MAX_HOST_WORKERS),
    .ferry_version = g_strdup (FERRY_PROJECT_VERSION),
  };
  ferry_host_capacity_init (&self->capacity, self->facts.n_workers);
  ferry_host_metrics_init (&self->metrics);
  g_signal_connect_object (pool, "notify::error", G_CALLBACK (pool_failed), self, 0);
  g_signal_connect_object (ferry_pool_get_workers (pool), "items-changed", G_CALLBACK (workers_changed), self, 0);
  workers_changed (ferry_pool_get_workers (pool), 0, 0, g_list_model_get_n_items (ferry_pool_get_workers (pool)), self);
  return self;
}

void
ferry_host_service_describe (FerryHostService *self, const char *version, const char *const *labels)
{
  self->facts.program_version = g_strdup (version);
  self->facts.labels = g_strdupv ((char **) labels);
}

/* What is still in the line is being ended. */
static void
clear_line (GQueue *part)
{
  while (!g_queue_is_empty (part))
    {
      FerryHostRun *run = g_queue_peek_head (part);

      move (run, NULL);
      run->service = NULL;
      ferry_host_run_unref (run);
    }
}

static void
ferry_host_service_dispose (GObject *object)
{
  FerryHostService *self = FERRY_HOST_SERVICE (object);
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The host ends");

  self->is_disposed = TRUE;
  ferry_host_service_end (self, reason);
  ferry_timers_unset (self->router->limits, &self->patience);
  clear_line (&self->waiting);
  clear_line (&self->placed);
  clear_line (&self->late);

  G_OBJECT_CLASS (ferry_host_service_parent_class)->dispose (object);
}

static void
ferry_host_service_finalize (GObject *object)
{
  FerryHostService *self = FERRY_HOST_SERVICE (object);

  g_clear_pointer (&self->sessions, g_ptr_array_unref);
  ferry_host_capacity_clear (&self->capacity);
  ferry_host_metrics_clear (&self->metrics);
  ferry_host_facts_clear (&self->facts);
  g_clear_pointer (&self->name, g_ref_string_release);
  ferry_host_source_unref (self->source);
  g_clear_object (&self->pool);
  g_clear_object (&self->told_exit);
  g_clear_object (&self->router);

  G_OBJECT_CLASS (ferry_host_service_parent_class)->finalize (object);
}

static void
ferry_host_service_class_init (FerryHostServiceClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_host_service_dispose;
  G_OBJECT_CLASS (klass)->finalize = ferry_host_service_finalize;
}

static void
ferry_host_service_init (FerryHostService *self)
{
  self->sessions = g_ptr_array_new_with_free_func (g_object_unref);
}
