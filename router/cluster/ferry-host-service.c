/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host does for applications. See ferry-host-service-private.h. */

#include "config.h"

#include "cluster/ferry-host-service-private.h"

#include "base/ferry-base-private.h"
#include "cluster/ferry-host-session-private.h"
#include "process/ferry-worker.h"
#include "route/ferry-router-private.h"
#include "task/ferry-pool-private.h"

/* How long a place is kept for a run that asked for leave, in microseconds, before it is given to another. */
#define PATIENCE (1 * G_USEC_PER_SEC)

struct _FerryHostService
{
  GObject parent_instance;

  FerryPool *pool;                    /* (owned) */
  FerryRouter *router;                /* (owned) */
  const FerryHostServiceFuncs *funcs; /* const */
  gpointer data;
  FerryHostBoard board;
  GPtrArray *sessions; /* (element-type FerryHostSession) (owned) */
  /* The line: runs are in one of these (unowned). */
  GQueue waiting; /* without a place */
  GQueue placed;  /* with a place: reserved or running */
  GQueue late;    /* reserved, but the place was given away */
  guint n_holds;  /* what must be released before the service is drained */
  gboolean draining;
  gboolean is_disposed;
  gboolean settle_posted;
  FerryTimer patience;
  FerryExit *told_exit; /* (owned) (nullable): the latest that a line was logged of, with the task */
  FerryRate crashes;    /* lines in the log about them */
};

G_DEFINE_FINAL_TYPE (FerryHostService, ferry_host_service, G_TYPE_OBJECT)

static void settle_soon (FerryHostService *self);

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

/* ---- the line ---- */

static void
move (FerryHostRun *run, GQueue *part)
{
  g_queue_unlink (run->line.part, &run->link);
  run->line.part = part;
  g_queue_push_tail_link (part, &run->link);
}

/* Implements FerryHostLine.leave. */
static void
run_leaves (gpointer data, FerryHostRun *run)
{
  FerryHostService *self = data;
  ferry_host_session_set_stuck (run, TRUE);
  log_crash_of_run (self, run);
  if (run->run.start_time > 0)
    ferry_host_capacity_note_run (&self->board.capacity, run->run.end_time - run->run.start_time);
  ferry_host_run_unref (run);
  settle_soon (self);
}

/* Implements FerryHostSessionFuncs.run_left. */
static void
run_left (gpointer owner, FerryHostSession *session, FerryHostRun *run)
{
  FerryHostService *self = owner;

  if (run->line.part != &self->late)
    return;
  move (run, &self->placed);
  ferry_host_session_set_stuck (run, FALSE);
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
          ferry_host_session_set_stuck (run, TRUE);
        }
      else
        next = MIN (next, run->asked_at + PATIENCE);
    }
  if (next < G_MAXINT64)
    ferry_timers_set (self->router->limits, &self->patience, next, patience_over, self);
  settle_soon (self);
}

static void
give_place (FerryHostService *self, FerryHostRun *run)
{
  g_autoptr (FerryHostRun) kept G_GNUC_UNUSED = ferry_host_run_ref (run);

  move (run, &self->placed);
  ferry_host_session_begin (run->session, run);
  if (run->state == FERRY_HOST_RUN_RESERVED && !ferry_timer_is_set (&self->patience))
    ferry_timers_set (self->router->limits, &self->patience, run->asked_at + PATIENCE, patience_over, self);
}

/* To give leave is to have begun. So of runs that need it, the application says how many may be lost with this host
 * though no worker has begun them. */
static gboolean
has_place (FerryHostService *self, const FerryHostRun *run)
{
  const FerryHostCapacity *capacity = &self->board.capacity;
  guint n_places = run->request.idempotent
                     ? ferry_host_capacity_get_n_places (capacity)
                     : ferry_host_capacity_get_n_leave_places (capacity, run->request.leave_ahead);

  return self->placed.length < n_places && ferry_pool_get_error (self->pool) == NULL;
}

/* Implements FerryHostSessionFuncs.run_came. */
static void
run_came (gpointer owner, FerryHostSession *session, FerryHostRun *run)
{
  FerryHostService *self = owner;

  run->line = (FerryHostLine){run_leaves, self, &self->waiting};
  g_queue_push_tail_link (&self->waiting, &ferry_host_run_ref (run)->link);
  /* A run that comes to idle workers need not wait for the next turn of the main loop. */
  if (self->waiting.length == 1 && has_place (self, run))
    give_place (self, run);
  settle_soon (self);
}

/* ---- places, room and load ---- */

/* Refuses what waits while the pool has failed: another host may be well. */
static void
refuse_waiting (FerryHostService *self)
{
  g_autoptr (GError) reason = g_error_copy (ferry_pool_get_error (self->pool));

  while (!g_queue_is_empty (&self->waiting))
    ferry_host_run_refuse (g_queue_peek_head (&self->waiting), reason);
}

/* Runs are sent first, as their ends free room. What is sent before and after travels together. */
static void
settle (FerryHostService *self)
{
  for (guint i = 0; i < self->sessions->len; i++)
    ferry_host_session_flush_runs (self->sessions->pdata[i]);
  self->settle_posted = FALSE;
  if (ferry_pool_get_error (self->pool) != NULL)
    refuse_waiting (self);
  while (!g_queue_is_empty (&self->waiting) && has_place (self, g_queue_peek_head (&self->waiting)))
    give_place (self, g_queue_peek_head (&self->waiting));
  if (!self->draining && ferry_pool_get_error (self->pool) == NULL)
    ferry_host_capacity_settle (&self->board.capacity);
  self->board.n_busy = MIN (self->placed.length, self->board.capacity.n_workers);
  for (guint i = 0; i < self->sessions->len; i++)
    ferry_host_session_flush (self->sessions->pdata[i]);
}

static gboolean
is_drained (FerryHostService *self)
{
  return self->draining && self->sessions->len == 0 && self->placed.length == 0 && self->n_holds == 0;
}

static void
settle_posted (gpointer data)
{
  FerryHostService *self = data;

  settle (self);
  if (is_drained (self))
    self->funcs->drained (self->data);
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
  const FerryPoolWorker *carrier = (FerryPoolWorker *) run->carrier;

  return carrier != NULL && carrier->worker == worker && carrier->in_flight.head->data == run;
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

static void
worker_printed (FerryWorker *worker, FerryStream stream, const char *line, FerryHostService *self)
{
  GLogLevelFlags level = stream == FERRY_STREAM_STDERR ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_INFO;
  FerryHostRun *run = line[0] != '\0' ? find_run (self, worker) : NULL;

  if (run == NULL)
    return;
  ferry_host_run_log (run, level, line);
  log_of_run (run, NULL, level, g_strdup_printf ("worker %d: %s", (int) ferry_worker_get_pid (worker), line));
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

/* ---- sessions ---- */

/* Implements FerryHostSessionFuncs.changed. */
static void
session_changed (gpointer owner, FerryHostSession *session)
{
  settle_soon (owner);
}

/* Implements FerryHostSessionFuncs.ended. */
static void
session_ended (gpointer owner, FerryHostSession *session)
{
  FerryHostService *self = owner;

  g_ptr_array_remove_fast (self->sessions, session);
  settle_soon (self);
}

static const FerryHostSessionFuncs session_funcs = {run_came, run_left, session_changed, session_ended};

gboolean
ferry_host_service_add (FerryHostService *self, FerrySession *served, const char *name, GError **error)
{
  FerryHostSession *session;

  if (self->draining)
    return ferry_set_error (error, FERRY_ERROR_REFUSED, "Host '%s' takes no more tasks, as it is being ended",
                            self->board.facts.name);
  if (self->sessions->len >= FERRY_HOST_MAX_SESSIONS)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "Host '%s' serves %u applications already; start another host", self->board.facts.name,
                            self->sessions->len);
  session = ferry_host_session_new (served, name, &self->board, &session_funcs, self, error);
  if (session == NULL)
    return FALSE;
  g_ptr_array_add (self->sessions, session);
  return TRUE;
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

  if (self->draining)
    return;
  self->draining = self->board.facts.draining = TRUE;
  self->funcs->facts_changed (self->data);
  for (guint i = 0; i < sessions->len; i++)
    ferry_host_session_drain (sessions->pdata[i]);
  settle_soon (self);
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
    ferry_host_session_finish (sessions->pdata[i], reason);
}

/* ---- the object ---- */

const FerryHostFacts *
ferry_host_service_get_facts (FerryHostService *self)
{
  return &self->board.facts;
}

FerryHostServiceCounts
ferry_host_service_get_counts (FerryHostService *self)
{
  FerryHostServiceCounts counts = {
    .n_sessions = self->sessions->len,
    .n_waiting = self->waiting.length,
    .n_reserved = self->late.length,
    .n_places = ferry_host_capacity_get_n_places (&self->board.capacity),
  };

  for (GList *link = self->placed.head; link != NULL; link = link->next)
    {
      gboolean is_reserved = ((FerryHostRun *) link->data)->state == FERRY_HOST_RUN_RESERVED;

      counts.n_reserved += is_reserved ? 1 : 0;
      counts.n_running += is_reserved ? 0 : 1;
    }
  return counts;
}

FerryHostService *
ferry_host_service_new (FerryPool *pool, const char *name, const char *instance, const char *const *functions,
                        const FerryHostServiceFuncs *funcs, gpointer data)
{
  FerryHostService *self = g_object_new (FERRY_TYPE_HOST_SERVICE, NULL);
  guint n_workers;

  self->pool = g_object_ref (pool);
  g_object_get (pool, "router", &self->router, "max-workers", &n_workers, NULL);
  self->funcs = funcs;
  self->data = data;
  self->board.router = self->router;
  self->board.source = ferry_host_source_new (pool);
  self->board.name = g_ref_string_new (name);
  self->board.facts = (FerryHostFacts){
    .version = FERRY_RUN_VERSION,
    .name = g_strdup (name),
    .instance = g_strdup (instance),
    .functions = g_strdupv ((char **) functions),
    .n_workers = MIN (n_workers, FERRY_MAX_HOST_WORKERS),
    .ferry_version = g_strdup (FERRY_PROJECT_VERSION),
  };
  ferry_host_capacity_init (&self->board.capacity, self->board.facts.n_workers);
  g_signal_connect_object (pool, "notify::error", G_CALLBACK (pool_failed), self, 0);
  g_signal_connect_object (ferry_pool_get_workers (pool), "items-changed", G_CALLBACK (workers_changed), self, 0);
  workers_changed (ferry_pool_get_workers (pool), 0, 0, g_list_model_get_n_items (ferry_pool_get_workers (pool)), self);
  return self;
}

/* What is still in the line is being ended. */
static void
clear_line (GQueue *part)
{
  while (!g_queue_is_empty (part))
    {
      FerryHostRun *run = g_queue_pop_head_link (part)->data;

      run->line = (FerryHostLine){0};
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
  ferry_host_capacity_clear (&self->board.capacity);
  ferry_host_facts_clear (&self->board.facts);
  g_clear_pointer (&self->board.name, g_ref_string_release);
  ferry_host_source_unref (self->board.source);
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
