/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host and one application say to each other: the host's end. See ferry-host-session-private.h. */

#include "config.h"

#include "cluster/ferry-host-session-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-map-function-private.h"
#include "wire/ferry-remote-error-private.h"

/* How often the load is told, in microseconds. */
#define LOAD_INTERVAL (100 * FERRY_MICROSECONDS_PER_MILLISECOND)

/* How long functions may take to hear that their session has ended, in microseconds, before their workers are killed.
 */
#define FORCE_TIME (1 * G_USEC_PER_SEC)

/* How long a session stays open after the host's goodbye, so that the other end gets it and closes first. One that is
 * closed then sends what it has nevertheless. */
#define LINGER_TIME (2 * G_USEC_PER_SEC)

/* How long an application may take to say what it wants. */
#define SERVE_TIME (30 * G_USEC_PER_SEC)

struct _FerryHostSession
{
  GObject parent_instance;

  FerrySession *session;              /* const: (owned) */
  GRefString *name;                   /* const: (owned) */
  FerryHostBoard *board;              /* main: (unowned), as all below are main */
  const FerryHostSessionFuncs *funcs; /* (nullable): NULL once the session has ended */
  gpointer owner;                     /* (unowned) */
  FerryHostShare share;
  GHashTable *runs; /* (element-type guint64 FerryHostRun) (owned): by xid, until their end was sent */
  GQueue owing;     /* (element-type FerryHostRun) (owned): runs that have something to send */
  GPtrArray *paced; /* (element-type FerryHostRun) (owned): runs that have something to send later */
  FerryCall *serve; /* (owned) (nullable): the call of FERRY_SERVE_METHOD */
  gboolean told_host;
  gboolean told_drain;
  gboolean draining;
  guint64 told_room;
  guint told_busy; /* G_MAXUINT: nothing */
  gint64 load_due;
  gint64 room_told_at; /* when room was told to a session that had none and wanted some; 0: it was not */
  GError *end;         /* (owned) (nullable): why the session ends, once it does */
  guint64 owed;        /* what the session below had accepted with the end of the latest run */
  gboolean said_goodbye;
  gboolean flush_due; /* there may be something to send, and the owner knows */
  gboolean blocked;   /* there is no room to send */
  FerryTimer pace_timer;
  FerryTimer end_timer; /* of SERVE_TIME, then of LINGER_TIME */
};

G_DEFINE_FINAL_TYPE (FerryHostSession, ferry_host_session, G_TYPE_OBJECT)

static void flush (FerryHostSession *self);

static FerryTimers *
get_timers (FerryHostSession *self)
{
  return self->board->router->timers;
}

/* ---- when to send ---- */

/* Lets the owner flush once this turn of the main loop is over, so that much travels together. */
static void
flush_soon (FerryHostSession *self)
{
  if (self->flush_due || self->funcs == NULL)
    return;
  self->flush_due = TRUE;
  self->funcs->changed (self->owner, self);
}

static void
room_came (gpointer data)
{
  FerryHostSession *self = data;

  self->blocked = FALSE;
  if (self->funcs != NULL)
    flush (self);
}

/* Implements FerrySendFunc. */
static gboolean
note_room (gpointer data)
{
  FerryHostSession *self = data;

  ferry_affinity_invoke (self->board->router->affinity, room_came, self, g_object_unref);
  return TRUE;
}

static void
await_room (FerryHostSession *self, guint64 room_count)
{
  self->blocked = TRUE;
  ferry_transport_send_later (FERRY_TRANSPORT (self->session), note_room, g_object_ref (self), room_count);
}

static void
add_owing (FerryHostSession *self, FerryHostRun *run)
{
  if (run->owing)
    return;
  run->owing = TRUE;
  g_queue_push_tail (&self->owing, ferry_host_run_ref (run));
}

static void
pace_over (gpointer data)
{
  FerryHostSession *self = data;

  for (guint i = 0; i < self->paced->len; i++)
    {
      FerryHostRun *run = self->paced->pdata[i];

      run->paced = FALSE;
      add_owing (self, run);
    }
  g_ptr_array_set_size (self->paced, 0);
  flush_soon (self);
}

static void
pace (FerryHostSession *self, gint64 due)
{
  if (!ferry_timer_is_set (&self->pace_timer) || self->pace_timer.deadline.time > due)
    ferry_timers_set (get_timers (self), &self->pace_timer, due, pace_over, self);
}

/* ---- runs ---- */

void
ferry_host_session_note_owing (FerryHostSession *self, FerryHostRun *run)
{
  add_owing (self, run);
  flush_soon (self);
}

static gboolean
is_begun (const FerryHostRun *run)
{
  return run->state == FERRY_HOST_RUN_RUNNING || run->state == FERRY_HOST_RUN_ENDED;
}

void
ferry_host_session_cancel (FerryHostSession *self, FerryHostRun *run)
{
  g_autoptr (GError) reason = NULL;

  if (is_begun (run))
    {
      ferry_host_run_cancel (run);
      return;
    }
  reason = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                        "Task %" G_GUINT64_FORMAT " was cancelled before it was begun", run->request.id);
  ferry_host_run_refuse (run, reason);
}

void
ferry_host_session_set_stuck (FerryHostRun *run, gboolean stuck)
{
  FerryHostSession *self = run->session;

  if (self == NULL || run->stuck == stuck)
    return;
  run->stuck = stuck;
  if (stuck)
    self->share.n_stuck++;
  else
    self->share.n_stuck--;
}

/* The run's end was sent. */
static void
remove_run (FerryHostSession *self, FerryHostRun *run)
{
  self->owed = ferry_session_get_counts (self->session).accepted;
  ferry_host_session_set_stuck (run, FALSE);
  self->share.n_open--;
  if (run->paced)
    g_ptr_array_remove (self->paced, run);
  g_hash_table_remove (self->runs, &run->xid);
  self->funcs->changed (self->owner, self);
}

static void
start_run (FerryHostSession *self, FerryHostRun *run)
{
  /* A message without a reader is not written either: this is for each task. */
  if (!g_log_writer_default_would_drop (G_LOG_LEVEL_DEBUG, G_LOG_DOMAIN))
    g_debug ("Begins task %" G_GUINT64_FORMAT ", attempt %u, of %s: '%s'", run->request.id, run->request.attempt,
             self->name, run->request.function);
  ferry_host_run_start (run, self->board->source);
}

void
ferry_host_session_begin (FerryHostSession *self, FerryHostRun *run)
{
  ferry_host_run_tell_begin (run);
  if (run->request.idempotent)
    {
      start_run (self, run);
      return;
    }
  run->state = FERRY_HOST_RUN_RESERVED;
  run->asked_at = g_get_monotonic_time ();
}

/* ---- the end ---- */

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
  ferry_timers_unset (get_timers (self), &self->pace_timer);
  ferry_timers_unset (self->board->router->limits, &self->end_timer);
}

static void
leave_session (FerryHostSession *self)
{
  ferry_transport_leave_calls (FERRY_TRANSPORT (self->session), self->end);
  ferry_transport_unwatch_end (FERRY_TRANSPORT (self->session), G_OBJECT (self));
}

/* Forgets everything but the tasks, which go on until they are ended. */
static void
finish (FerryHostSession *self)
{
  g_autoptr (FerryHostSession) kept G_GNUC_UNUSED = g_object_ref (self);
  const FerryHostSessionFuncs *funcs = self->funcs;
  GHashTableIter iter;
  FerryHostRun *run;

  if (funcs == NULL)
    return;
  if (self->end == NULL)
    self->end = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The host has ended this session");
  leave_session (self);
  cancel_runs (self, self->end);
  self->funcs = NULL;
  stop_timers (self);
  if (self->serve != NULL)
    ferry_host_capacity_remove (&self->board->capacity, &self->share);
  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &run))
    ferry_host_run_detach (run);
  g_queue_clear_full (&self->owing, (GDestroyNotify) ferry_host_run_unref);
  g_ptr_array_set_size (self->paced, 0);
  g_hash_table_remove_all (self->runs);
  g_clear_pointer (&self->serve, ferry_call_unref);
  ferry_transport_close (FERRY_TRANSPORT (self->session));
  funcs->ended (self->owner, self);
}

void
ferry_host_session_finish (FerryHostSession *self, const GError *reason)
{
  if (self->end == NULL)
    self->end = ferry_error_copy (reason);
  /* The application hears that the host has left, in place of a call that was dropped. */
  if (self->serve != NULL && !self->said_goodbye)
    ferry_call_answer (self->serve, NULL, NULL);
  finish (self);
}

/* Whether the application has the ends of all runs, so that nothing is lost with what is on the way. */
static gboolean
is_handed_over (FerryHostSession *self)
{
  return ferry_session_get_counts (self->session).arrived >= self->owed;
}

/* An application that is gone does not keep a host waiting that has nothing for it. */
static void
linger_over (gpointer data)
{
  g_autoptr (FerryHostSession) self = g_object_ref (data);
  gboolean is_over = is_handed_over (self);

  finish (self);
  if (is_over)
    ferry_session_port_finish (ferry_session_get_port (self->session));
}

/* What was said travels with the rest of this turn of the main loop. */
static void
linger (FerryHostSession *self)
{
  gint64 time = is_handed_over (self) ? 0 : LINGER_TIME;

  self->said_goodbye = TRUE;
  ferry_timers_set (self->board->router->limits, &self->end_timer, g_get_monotonic_time () + time, linger_over, self);
}

static void
complain_of_end (FerryHostSession *self)
{
  if (self->share.n_open > 0)
    ferry_rate_log (&self->board->complaints, "The session of %s ends with %u of its tasks open: %s", self->name,
                    self->share.n_open, self->end->message);
  else
    ferry_rate_log (&self->board->complaints, "The session of %s ends: %s", self->name, self->end->message);
}

void
ferry_host_session_end (FerryHostSession *self, const GError *reason)
{
  if (self->funcs == NULL || self->end != NULL)
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

static void
finish_ended (gpointer data)
{
  finish (data);
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
  ferry_affinity_invoke (self->board->router->affinity, finish_ended, g_object_ref (self), g_object_unref);
}

/* ---- sending ---- */

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
  if (!self->told_host && !tell (self, FERRY_HOST_VALUE, ferry_host_facts_to_variant (&self->board->facts)))
    return FALSE;
  self->told_host = TRUE;
  if (!self->draining || self->told_drain)
    return TRUE;
  self->told_drain = tell (self, FERRY_DRAIN_VALUE, g_variant_new_tuple (NULL, 0));
  return self->told_drain;
}

static gboolean
tell_room (FerryHostSession *self, gint64 now)
{
  guint64 room = self->share.room;

  if (room == self->told_room || self->draining)
    return TRUE;
  if (!tell (self, FERRY_ROOM_VALUE, g_variant_new_uint64 (room)))
    return FALSE;
  if (self->share.received == self->told_room && self->share.want > 0)
    self->room_told_at = now;
  self->told_room = room;
  return TRUE;
}

static gboolean
tell_load (FerryHostSession *self, gint64 now)
{
  const FerryHostBoard *board = self->board;

  if (self->told_busy == board->n_busy)
    return TRUE;
  if (now < self->load_due)
    {
      pace (self, self->load_due);
      return TRUE;
    }
  if (!tell (self, FERRY_LOAD_VALUE, g_variant_new_uint64 (board->n_busy)))
    return FALSE;
  self->told_busy = board->n_busy;
  self->load_due = now + LOAD_INTERVAL;
  return TRUE;
}

static gboolean
flush_runs (FerryHostSession *self, gint64 now)
{
  FerryHostRun *run;

  while ((run = g_queue_peek_head (&self->owing)) != NULL)
    {
      g_autoptr (FerryHostRun) kept = NULL;
      FerryHostRunFlush flushed = ferry_host_run_flush (run, now);

      if (flushed == FERRY_HOST_RUN_BLOCKED)
        return FALSE;
      kept = g_queue_pop_head (&self->owing);
      kept->owing = FALSE;
      if (flushed == FERRY_HOST_RUN_OVER)
        remove_run (self, kept);
      if (flushed != FERRY_HOST_RUN_PACED)
        continue;
      pace (self, ferry_host_run_get_due (kept));
      if (kept->paced)
        continue;
      kept->paced = TRUE;
      g_ptr_array_add (self->paced, ferry_host_run_ref (kept));
    }
  return TRUE;
}

/* Answers the serve call, when the session ends or is drained. Returns FALSE if the session has no room. */
static gboolean
say_goodbye (FerryHostSession *self)
{
  g_autoptr (GError) error = NULL;

  if (self->said_goodbye || (self->end == NULL && !(self->draining && g_hash_table_size (self->runs) == 0)))
    return TRUE;
  if (self->end != NULL)
    ferry_call_answer_error (self->serve, self->end, NULL, NULL, &error);
  else
    ferry_call_answer (self->serve, NULL, &error);
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    return FALSE;
  linger (self);
  return TRUE;
}

static void
flush (FerryHostSession *self)
{
  guint64 room_count = ferry_transport_get_room_count (FERRY_TRANSPORT (self->session));
  gint64 now = g_get_monotonic_time ();

  if (self->serve == NULL || self->said_goodbye)
    return;
  if (!tell_host (self) || !tell_room (self, now) || !flush_runs (self, now) || !tell_load (self, now) ||
      !say_goodbye (self))
    await_room (self, room_count);
}

void
ferry_host_session_flush_runs (FerryHostSession *self)
{
  guint64 room_count = ferry_transport_get_room_count (FERRY_TRANSPORT (self->session));

  if (self->serve == NULL || self->said_goodbye || self->blocked)
    return;
  /* The application hears that the host drains before it hears what the host refuses for that. */
  if (!tell_host (self) || !flush_runs (self, g_get_monotonic_time ()))
    await_room (self, room_count);
}

void
ferry_host_session_flush (FerryHostSession *self)
{
  gboolean is_due = self->flush_due || self->share.room != self->told_room || self->told_busy != self->board->n_busy;

  self->flush_due = FALSE;
  if (!is_due || self->blocked)
    return;
  flush (self);
  ferry_session_flush (self->session);
}

void
ferry_host_session_drain (FerryHostSession *self)
{
  g_autoptr (GError) reason = NULL;

  if (self->draining || self->funcs == NULL)
    return;
  self->draining = TRUE;
  reason = g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED, "Host '%s' takes no more tasks, as it is being ended",
                        self->board->facts.name);
  refuse_all (self, reason);
  if (self->serve == NULL)
    finish (self);
  else
    flush_soon (self);
}

/* ---- what the application asks ---- */

/* Whether the application may ask for this function here: of a chunk of a map, for the one that is mapped. */
static gboolean
has_function (FerryHostSession *self, const FerryRunRequest *request)
{
  g_autofree char *needed = ferry_map_dup_needed_function (request->function, request->arguments);

  return g_strv_contains ((const char *const *) self->board->facts.functions, needed);
}

static gboolean
check_room (FerryHostSession *self, GError **error)
{
  return ferry_host_share_take_run (&self->share) ||
         ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "The application sent more tasks than host '%s' has given it room for; use versions of "
                          "Ferry that fit together, at both ends",
                          self->board->facts.name);
}

static void
add_run (FerryHostSession *self, FerryHostRun *run)
{
  g_hash_table_insert (self->runs, &run->xid, ferry_host_run_ref (run));
  ferry_host_run_listen (run);
}

/* Returns (transfer full) (nullable) why this run is not taken, though the session goes on: another run may well be. */
static GError *
find_fault (FerryHostSession *self, FerryHostRun *run)
{
  GError *reason = NULL;

  if (!ferry_host_run_read (run, &reason))
    return reason;
  if (self->draining)
    return g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED, "Host '%s' takes no more tasks, as it is being ended",
                        self->board->facts.name);
  if (!has_function (self, &run->request))
    return g_error_new (FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION, "Host '%s' has no function '%s'",
                        self->board->facts.name, run->request.function);
  return NULL;
}

static gboolean
take_run (FerryHostSession *self, FerryCall *call, GError **error)
{
  g_autoptr (FerryHostRun) run = ferry_host_run_new (call, self->board->name, self->name, self);
  g_autoptr (GError) reason = NULL;

  if (!check_room (self, error))
    return FALSE;
  if (self->room_told_at != 0)
    ferry_host_capacity_note_round_trip (&self->board->capacity, run->came_at - self->room_told_at);
  self->room_told_at = 0;
  reason = find_fault (self, run);
  add_run (self, run);
  if (reason != NULL)
    {
      ferry_host_run_refuse (run, reason);
      ferry_host_session_set_stuck (run, TRUE);
    }
  else if (run->state == FERRY_HOST_RUN_WAITING)
    self->funcs->run_came (self->owner, self, run);
  return TRUE;
}

static gboolean
take_serve (FerryHostSession *self, FerryCall *call, GError **error)
{
  g_autofree char *application = NULL;

  if (self->serve != NULL)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "The application asked to be served twice");
  self->serve = ferry_call_ref (call);
  ferry_timers_unset (self->board->router->limits, &self->end_timer);
  if (!ferry_serve_from_variant (ferry_call_get_arguments (call), &application, error))
    return FALSE;
  ferry_host_capacity_add (&self->board->capacity, &self->share);
  g_info ("Serves %s", self->name);
  self->funcs->changed (self->owner, self);
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
  self->funcs->changed (self->owner, self);
  return TRUE;
}

static void
take_leave (FerryHostSession *self, FerryHostRun *run, gint64 number)
{
  if (run->state != FERRY_HOST_RUN_RESERVED)
    return;
  /* One that was slow on purpose must not have the host take on more than its workers do. */
  if (!run->stuck)
    ferry_host_capacity_note_round_trip (&self->board->capacity, g_get_monotonic_time () - run->asked_at);
  self->funcs->run_left (self->owner, self, run);
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
  if (self->funcs == NULL || self->end != NULL)
    return;
  if (!take_request (self, call, &error))
    ferry_host_session_end (self, error);
}

/* ---- the object ---- */

static void
serve_time_over (gpointer data)
{
  g_autoptr (GError) reason =
    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "The application connected and did not say what it wants");

  ferry_host_session_end (data, reason);
}

FerryHostSession *
ferry_host_session_new (FerrySession *session, const char *name, FerryHostBoard *board,
                        const FerryHostSessionFuncs *funcs, gpointer owner, GError **error)
{
  g_autoptr (FerryHostSession) self = g_object_new (FERRY_TYPE_HOST_SESSION, NULL);
  FerryTransport *transport = FERRY_TRANSPORT (session);

  self->session = g_object_ref (session);
  self->name = g_ref_string_new (name);
  self->board = board;
  self->funcs = funcs;
  self->owner = owner;
  ferry_timers_set (self->board->router->limits, &self->end_timer, g_get_monotonic_time () + SERVE_TIME,
                    serve_time_over, self);
  if (!ferry_transport_take_calls (transport, call_came, G_OBJECT (self), error))
    {
      stop_timers (self);
      self->funcs = NULL;
      return NULL;
    }
  ferry_transport_watch_end (transport, session_ended, G_OBJECT (self));
  if (ferry_transport_get_closed (transport))
    session_ended (transport, G_OBJECT (self));
  return g_steal_pointer (&self);
}

static void
ferry_host_session_finalize (GObject *object)
{
  FerryHostSession *self = FERRY_HOST_SESSION (object);

  g_assert (self->funcs == NULL);
  g_clear_object (&self->session);
  g_clear_pointer (&self->runs, g_hash_table_unref);
  g_clear_pointer (&self->paced, g_ptr_array_unref);
  g_clear_error (&self->end);
  g_clear_pointer (&self->name, g_ref_string_release);

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
  g_queue_init (&self->owing);
  self->paced = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_host_run_unref);
  self->runs = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, (GDestroyNotify) ferry_host_run_unref);
}
