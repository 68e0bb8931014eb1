/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A host, as its cluster sees it: its functions, its room, and whether it answers.
 *
 * Here are what it tells of itself, and the session in which it gets tasks. Its runs are in ferry-remote-run.c.
 *
 * Handlers of signals run in the middle of functions here, and may call any function, even close the cluster. So each
 * function updates its fields before it emits a signal, and reads all state again afterwards.
 *
 * Threads: the router's.
 * Trust:   a host that breaks the rules loses its session. */

#include "config.h"

#include "cluster/ferry-host-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "call/ferry-transport-private.h"
#include "cluster/ferry-cluster-enums.h"
#include "cluster/ferry-remote-run-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-task-private.h"

/* How many log lines of a host are shown in a second. Further ones are dropped. */
#define MAX_LINES 200

/* How often a host may tell its facts, in a second: there may be thousands of functions among them. */
#define MAX_FACTS_TOLD 20

/* How many bytes of the names of functions are kept of all hosts of a cluster together, and what each name counts
 * beside its length. That is enough for 200 hosts with 800 functions each, of names of 40 bytes, or 1,000 with 160. */
#define MAX_FUNCTIONS_SIZE ((gsize) 16 * 1024 * 1024)
#define FUNCTION_COST 64

/* Of how many hosts a text tells the version of the program. */
#define MAX_NAMED 3

/* How often a host may tell its load, in a second. Each time, handlers run. */
#define MAX_LOAD_TOLD 1000

/* FerryHost.begin_time. */
#define BEGIN_TIME 2000

/* A host that lets so many tasks in a row wait in vain gets one at a time. After each that it does not begin it gets
 * none for a while, longer each time, in microseconds. */
#define MAX_IN_VAIN 8
#define FIRST_REST (G_USEC_PER_SEC / 4)
#define N_LONGER_RESTS 5

/**
 * FerryHost:
 *
 * Another machine that runs tasks of a [class@FerryCluster.Cluster], as far as the cluster knows it.
 *
 * Each start of the host's program makes a new item of [property@FerryCluster.Cluster:hosts]. An item that has left the
 * list stays as it was, in the state %FERRY_HOST_STATE_LOST.
 *
 * All functions and properties are for the router's thread.
 */

enum
{
  PROP_NAME = 1,
  PROP_INSTANCE,
  PROP_VERSION,
  PROP_FUNCTIONS,
  PROP_LABELS,
  PROP_PROGRAM_VERSION,
  PROP_STATE,
  PROP_N_WORKERS,
  PROP_N_BUSY,
  PROP_ROUND_TRIP,
  N_PROPERTIES,
};

enum
{
  SIGNAL_LOG,
  N_SIGNALS,
};

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryHost, ferry_host, G_TYPE_OBJECT)

/* A one-way request that waits for room. */
typedef struct
{
  const char *method;  /* (unowned): a constant */
  GVariant *arguments; /* (owned) */
} Telling;

static void
telling_free (gpointer data)
{
  Telling *self = data;

  g_variant_unref (self->arguments);
  g_free (self);
}

static void
notify (FerryHost *self, guint property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

void
ferry_host_note_change (FerryHost *self)
{
  if (self->owner != NULL)
    self->funcs->changed (self->owner, self);
}

static void
set_state (FerryHost *self, FerryHostState state)
{
  if (self->state == state)
    return;
  self->state = state;
  notify (self, PROP_STATE);
}

static void
set_load (FerryHost *self, guint n_workers, guint n_busy)
{
  gboolean other_workers = self->n_workers != n_workers;
  gboolean other_busy = self->n_busy != n_busy;

  self->n_workers = n_workers;
  self->n_busy = n_busy;
  if (other_workers)
    notify (self, PROP_N_WORKERS);
  if (other_busy)
    notify (self, PROP_N_BUSY);
}

/* ---- Facts ---- */

/* Takes the content of facts. */
static void
set_facts (FerryHost *self, FerryHostFacts *facts)
{
  g_hash_table_remove_all (self->functions);
  ferry_host_facts_clear (&self->facts);
  self->facts = *facts;
  *facts = (FerryHostFacts){0};
  for (char **name = self->facts.functions; *name != NULL; name++)
    g_hash_table_add (self->functions, *name);
}

static gsize
get_functions_size (const FerryHostFacts *facts)
{
  gsize size = 0;

  for (char **name = facts->functions; *name != NULL; name++)
    size += FUNCTION_COST + strlen (*name);
  for (char **label = facts->labels; label != NULL && *label != NULL; label++)
    size += FUNCTION_COST + strlen (*label);
  return size;
}

static void
keep_functions_size (FerryHost *self, gsize size)
{
  self->terms->functions_size += size - self->functions_size;
  self->functions_size = size;
}

gboolean
ferry_host_take_facts (FerryHost *self, FerryHostFacts *facts)
{
  g_autoptr (FerryHost) kept G_GNUC_UNUSED = g_object_ref (self);
  gboolean is_new = !self->has_facts;
  guint n_workers = facts->n_workers;
  gboolean draining = facts->draining;
  gsize size = get_functions_size (facts);

  if (!is_new && (strcmp (self->facts.name, facts->name) != 0 || strcmp (self->facts.instance, facts->instance) != 0))
    return FALSE;
  if (self->terms->functions_size - self->functions_size + size > MAX_FUNCTIONS_SIZE)
    return FALSE;
  keep_functions_size (self, size);
  set_facts (self, facts);
  self->has_facts = TRUE;
  set_load (self, n_workers, MIN (self->n_busy, n_workers));
  notify (self, PROP_FUNCTIONS);
  notify (self, PROP_LABELS);
  notify (self, PROP_PROGRAM_VERSION);
  if (self->state == FERRY_HOST_STATE_PRESENT || self->state == FERRY_HOST_STATE_DRAINING)
    set_state (self, draining ? FERRY_HOST_STATE_DRAINING : FERRY_HOST_STATE_PRESENT);
  ferry_host_note_change (self);
  return TRUE;
}

gboolean
ferry_host_has_function (FerryHost *self, const char *function)
{
  return g_hash_table_contains (self->functions, function);
}

char *
ferry_host_dup_title (const FerryHost *self)
{
  const char *version = self->facts.program_version;

  if (version == NULL || *version == '\0')
    return g_strdup_printf ("'%s'", self->facts.name);
  return g_strdup_printf ("'%s' (version %s of the program)", self->facts.name, version);
}

char *
ferry_host_describe_programs (const GPtrArray *hosts)
{
  GString *text = g_string_new (NULL);
  guint n_named = 0;

  for (guint i = 0; i < hosts->len && n_named <= MAX_NAMED; i++)
    {
      const FerryHost *host = g_ptr_array_index (hosts, i);

      if (host->facts.program_version == NULL || *host->facts.program_version == '\0')
        continue;
      if (n_named++ == MAX_NAMED)
        g_string_append (text, ", ...");
      else
        g_string_append_printf (text, "%s'%s' runs version %s of the program", n_named == 1 ? " (" : ", ",
                                host->facts.name, host->facts.program_version);
    }
  if (n_named > 0)
    g_string_append_c (text, ')');
  return g_string_free (text, FALSE);
}

/* ---- The end of a session ---- */

/* Returns the tasks to their queues, or ends them, the last one first: each returns to the front of its queue. */
static void
end_runs (FerryHost *self, const GError *reason, gboolean by_application)
{
  FerryRun *run;

  while ((run = g_queue_peek_tail (&self->in_flight)) != NULL)
    ferry_remote_run_end (run, reason, by_application);
}

static void
end_session (FerryHost *self, const GError *reason, FerryHostEnd how)
{
  g_autoptr (FerryHost) kept G_GNUC_UNUSED = g_object_ref (self);

  if (self->session == NULL)
    return;
  self->is_open = FALSE;
  ferry_timers_unset (self->router->timers, &self->rest);
  ferry_transport_unwatch_end (FERRY_TRANSPORT (self->session), G_OBJECT (self));
  ferry_transport_end (FERRY_TRANSPORT (self->session), reason);
  ferry_host_note_change (self);
  end_runs (self, reason, how == FERRY_HOST_END_CLOSED);
  g_clear_object (&self->session);
  g_queue_clear_full (&self->untold, telling_free);
  set_load (self, self->n_workers, 0);
  keep_functions_size (self, 0);
  set_state (self, FERRY_HOST_STATE_LOST);
  if (self->owner != NULL)
    self->funcs->ended (self->owner, self, how, reason);
}

static const char *
get_name_for_texts (FerryHost *self)
{
  return self->has_facts ? self->facts.name : "?";
}

/* For what trying again does not change. reason names the host. */
static void
end_with_complaint (FerryHost *self, const GError *reason)
{
  if (self->owner != NULL)
    ferry_rate_log (&self->terms->complaints, "%s. It is not used for a while", reason->message);
  end_session (self, reason, FERRY_HOST_END_FAULT);
}

void
ferry_host_fault (FerryHost *self, const char *detail)
{
  g_autoptr (GError) reason =
    g_error_new (FERRY_ERROR, FERRY_ERROR_PROTOCOL, "The host '%s' broke a rule of the protocol: %s",
                 get_name_for_texts (self), detail);

  end_with_complaint (self, reason);
}

/* Implements FerryTransportEndFunc. */
static void
session_ended (FerryTransport *session, GObject *owner)
{
  FerryHost *self = FERRY_HOST (owner);
  g_autoptr (GError) reason = ferry_transport_dup_reason (session);
  gboolean is_breach = g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_PROTOCOL);

  /* The session names the host, and the calls on it do not. */
  if (is_breach && !g_str_has_prefix (reason->message, "The host "))
    ferry_host_fault (self, reason->message);
  else if (is_breach || g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_VERSION))
    end_with_complaint (self, reason);
  else
    end_session (self, reason, FERRY_HOST_END_LOST);
}

void
ferry_host_close (FerryHost *self, const GError *reason)
{
  end_session (self, reason, FERRY_HOST_END_CLOSED);
}

/* ---- What the host tells ---- */

static gboolean
check_told (FerryRate *told, guint limit, GError **error)
{
  return ferry_rate_note (told, G_USEC_PER_SEC, limit) ||
         ferry_set_error (error, FERRY_ERROR_PROTOCOL, "it told more of itself than anyone needs");
}

static gboolean
take_host (FerryHost *self, GVariant *value, GError **error)
{
  g_autofree char *words = g_strdup_printf ("The host '%s'", get_name_for_texts (self));
  g_auto (FerryHostFacts) facts = {0};
  gboolean is_first = self->round_trip == 0;

  if (!check_told (&self->facts_told, MAX_FACTS_TOLD, error) || !ferry_run_check_version (value, words, error) ||
      !ferry_host_facts_from_variant (&facts, value, error))
    return FALSE;
  if (is_first)
    self->round_trip = MAX (g_get_monotonic_time () - self->opened_at, 1);
  if (is_first)
    notify (self, PROP_ROUND_TRIP);
  return ferry_host_take_facts (self, &facts) ||
         ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "it told another name than before, or more functions than this application keeps");
}

static gboolean
take_capacity (FerryHost *self, GVariant *value, GError **error)
{
  guint64 capacity;

  if (!ferry_run_number_from_variant (value, G_MAXUINT64, &capacity, error))
    return FALSE;
  if (capacity < self->capacity)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "it took capacity back");
  self->capacity = capacity;
  ferry_host_note_change (self);
  return TRUE;
}

static gboolean
take_load (FerryHost *self, GVariant *value, GError **error)
{
  guint64 n_busy;

  if (!check_told (&self->load_told, MAX_LOAD_TOLD, error) ||
      !ferry_run_number_from_variant (value, self->n_workers, &n_busy, error))
    return FALSE;
  set_load (self, self->n_workers, (guint) n_busy);
  ferry_host_note_change (self);
  return TRUE;
}

static gboolean
take_drain (FerryHost *self, GVariant *value, GError **error)
{
  self->facts.draining = TRUE;
  if (self->state == FERRY_HOST_STATE_PRESENT)
    set_state (self, FERRY_HOST_STATE_DRAINING);
  ferry_host_note_change (self);
  return TRUE;
}

static const struct
{
  const char *name;
  gboolean (*take) (FerryHost *self, GVariant *value, GError **error);
} items[] = {
  {FERRY_HOST_VALUE, take_host},
  {FERRY_CAPACITY_VALUE, take_capacity},
  {FERRY_LOAD_VALUE, take_load},
  {FERRY_DRAIN_VALUE, take_drain},
};

/* Values that this version does not know are ignored. */
static void
told (gpointer data, const char *name, GVariant *value)
{
  g_autoptr (FerryHost) self = g_object_ref (data);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    if (strcmp (items[i].name, name) == 0)
      {
        if (items[i].take (self, value, &error))
          return;
        if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_VERSION))
          end_with_complaint (self, error);
        else
          ferry_host_fault (self, error->message);
        return;
      }
}

/* The host says goodbye, or does not want this application at all. */
static void
served (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  FerryHost *self = data;
  g_autoptr (GError) reason = NULL;

  /* See session_ended(). */
  if (error != NULL && ferry_transport_get_closed (FERRY_TRANSPORT (self->session)))
    return;
  if (error != NULL && self->owner != NULL)
    ferry_rate_log (&self->terms->complaints, "The host '%s' does not serve this application: %s",
                    get_name_for_texts (self), error->message);
  reason = error != NULL
             ? ferry_error_copy (error)
             : g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED, "The host '%s' has left", get_name_for_texts (self));
  end_session (self, reason, error != NULL ? FERRY_HOST_END_FAULT : FERRY_HOST_END_LEFT);
}

static const FerryAnswerFuncs serve_funcs = {.item = told, .done = served};

/* ---- What the host is told, as far as there is room ---- */

/* Returns FALSE if there is no room. */
static gboolean
try_to_tell (FerryHost *self, const char *method, GVariant *arguments)
{
  const FerryRequest request = {.method = method, .arguments = arguments, .flags = FERRY_CALL_ONE_WAY};
  g_autoptr (GError) error = NULL;

  return ferry_host_ask (self, &request, NULL, NULL, &error) != 0 ||
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
}

static void
use_room (gpointer data)
{
  FerryHost *self = data;
  Telling *telling;

  self->awaits_room = FALSE;
  while (self->is_open && (telling = g_queue_peek_head (&self->untold)) != NULL)
    {
      if (!try_to_tell (self, telling->method, telling->arguments))
        return;
      telling_free (g_queue_pop_head (&self->untold));
    }
  self->is_full = FALSE;
  ferry_host_note_change (self);
}

/* Implements FerrySendFunc: there is room, or the session has ended. */
static gboolean
room_came (gpointer data)
{
  ferry_affinity_invoke (FERRY_HOST (data)->router->affinity, use_room, data, g_object_unref);
  return TRUE;
}

/* count: the session's count of room before a message was refused. */
static void
await_room (FerryHost *self, guint64 count)
{
  if (self->awaits_room)
    return;
  self->awaits_room = TRUE;
  ferry_transport_send_later (FERRY_TRANSPORT (self->session), room_came, g_object_ref (self), count);
}

guint64
ferry_host_ask (FerryHost *self, const FerryRequest *request, const FerryAnswerFuncs *funcs, gpointer data,
                GError **error)
{
  FerryTransport *transport = FERRY_TRANSPORT (self->session);
  guint64 count = ferry_transport_get_room_count (transport);
  g_autoptr (GError) failure = NULL;
  guint64 xid = ferry_transport_ask (transport, request, funcs, data, &failure);

  if (g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
    await_room (self, count);
  if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  return xid;
}

void
ferry_host_tell (FerryHost *self, const char *method, GVariant *arguments)
{
  g_autoptr (GVariant) sunk = g_variant_ref_sink (arguments);
  Telling *telling;

  if (!self->is_open || (!self->awaits_room && try_to_tell (self, method, sunk)))
    return;
  telling = g_new (Telling, 1);
  *telling = (Telling){method, g_steal_pointer (&sunk)};
  g_queue_push_tail (&self->untold, telling);
}

/* ---- The session ---- */

void
ferry_host_open (FerryHost *self, FerrySession *session, const FerryServeRequest *serve, const char *instance,
                 gint64 patience)
{
  const FerryRequest request = {
    .method = FERRY_SERVE_METHOD,
    .arguments = ferry_serve_request_to_variant (serve),
  };
  g_autoptr (GError) error = NULL;

  self->session = session;
  ferry_transport_watch_end (FERRY_TRANSPORT (session), session_ended, G_OBJECT (self));
  /* A cancelled task's session may be cut twice until the task counts as not ended. */
  self->patience = ferry_time_add (patience, patience);
  self->instance = g_strdup (instance);
  self->is_open = TRUE;
  self->opened_at = g_get_monotonic_time ();
  set_state (self, self->facts.draining ? FERRY_HOST_STATE_DRAINING : FERRY_HOST_STATE_PRESENT);
  if (ferry_host_ask (self, &request, &serve_funcs, self, &error) == 0)
    end_session (self, error, FERRY_HOST_END_LOST);
}

void
ferry_host_set_silent (FerryHost *self, gboolean silent)
{
  if (self->state == FERRY_HOST_STATE_LOST || silent == (self->state == FERRY_HOST_STATE_SILENT))
    return;
  if (silent)
    set_state (self, FERRY_HOST_STATE_SILENT);
  else
    set_state (self, self->facts.draining ? FERRY_HOST_STATE_DRAINING : FERRY_HOST_STATE_PRESENT);
  ferry_host_note_change (self);
}

/* ---- Tasks ---- */

FerryHostVacancy
ferry_host_get_vacancy (FerryHost *self)
{
  gboolean is_slow = self->n_in_vain >= MAX_IN_VAIN;

  if (!self->is_open || self->is_full || !self->has_facts || self->n_sent >= self->capacity ||
      self->state != FERRY_HOST_STATE_PRESENT)
    return FERRY_HOST_VACANCY_NONE;
  if (is_slow && (ferry_timer_is_set (&self->rest) || self->n_unbegun > 0))
    return FERRY_HOST_VACANCY_NONE;
  return self->in_flight.length < self->n_workers ? FERRY_HOST_VACANCY_FREE : FERRY_HOST_VACANCY_AHEAD;
}

gboolean
ferry_host_send (FerryHost *self, FerryRun *run)
{
  guint64 n_before = self->n_sent;

  /* Handlers of a task that can never be sent may change anything. */
  if (!ferry_remote_run_send (self, run))
    {
      self->is_full = self->is_open;
      return FALSE;
    }
  if (self->n_sent > n_before)
    self->wanted -= self->wanted > 0 ? 1 : 0;
  return TRUE;
}

static void
rest_is_over (gpointer data)
{
  g_autoptr (FerryHost) self = g_object_ref (data);

  ferry_host_note_change (self);
}

void
ferry_host_note_delay (FerryHost *self)
{
  guint n = ++self->n_in_vain;

  if (n >= MAX_IN_VAIN)
    ferry_timers_set (self->router->timers, &self->rest,
                      g_get_monotonic_time () + (FIRST_REST << MIN (n - MAX_IN_VAIN, N_LONGER_RESTS)), rest_is_over,
                      self);
}

void
ferry_host_want (FerryHost *self, guint n_tasks)
{
  if (!self->is_open || self->wanted == n_tasks)
    return;
  self->wanted = n_tasks;
  ferry_host_tell (self, FERRY_WANT_METHOD, g_variant_new_uint64 (n_tasks));
}

guint
ferry_host_count_hosts (FerryHost *self, FerryRun *run)
{
  return self->owner != NULL ? self->funcs->count_hosts (self->owner, run) : 1;
}

/* ---- Log lines, of which only so many are shown ---- */

void
ferry_host_log (FerryHost *self, FerryTask *task, GLogLevelFlags level, const char *line)
{
  g_autoptr (FerryHost) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (FerryTask) kept_task G_GNUC_UNUSED = g_object_ref (task);
  guint n_dropped = self->n_dropped;

  if (!ferry_rate_note (&self->lines, G_USEC_PER_SEC, MAX_LINES))
    {
      self->n_dropped++;
      return;
    }
  self->n_dropped = 0;
  if (n_dropped > 0)
    {
      g_autofree char *note = g_strdup_printf (
        "%u lines of this host were left out here, which had more than %d in a second", n_dropped, MAX_LINES);

      g_signal_emit (self, signals[SIGNAL_LOG], 0, task, (guint) G_LOG_LEVEL_MESSAGE, note);
    }
  g_signal_emit (self, signals[SIGNAL_LOG], 0, task, (guint) level, line);
}

/* What a host sends must not end a program that has made warnings fatal. */
static void
show_line (FerryHost *self, FerryTask *task, guint level, const char *line)
{
  g_autofree char *id =
    ferry_run_dup_task_id (self->instance != NULL ? self->instance : "", ferry_task_get_number (task));

  g_log_structured (G_LOG_DOMAIN, (GLogLevelFlags) MAX (level, G_LOG_LEVEL_MESSAGE), "FERRY_TASK",
                    ferry_task_get_name (task), "FERRY_TASK_ID", id, "FERRY_HOST", get_name_for_texts (self), "MESSAGE",
                    "%s at %s: %s", ferry_task_get_name (task), get_name_for_texts (self), line);
}

/* ---- Properties ---- */

/**
 * ferry_host_get_name: (get-property name)
 * @self: a host
 *
 * Gets the name that the host was started with. On the router's thread.
 *
 * Returns: the name
 */
const char *
ferry_host_get_name (FerryHost *self)
{
  g_return_val_if_fail (FERRY_IS_HOST (self), NULL);
  ferry_return_val_if_elsewhere (self->router->affinity, NULL);

  return self->facts.name;
}

/**
 * ferry_host_get_state: (get-property state)
 * @self: a host
 *
 * Gets [property@FerryCluster.Host:state]. On the router's thread.
 *
 * Returns: the state
 */
FerryHostState
ferry_host_get_state (FerryHost *self)
{
  g_return_val_if_fail (FERRY_IS_HOST (self), FERRY_HOST_STATE_LOST);
  ferry_return_val_if_elsewhere (self->router->affinity, FERRY_HOST_STATE_LOST);

  return self->state;
}

/**
 * ferry_host_get_n_workers: (get-property n-workers)
 * @self: a host
 *
 * Gets how many tasks the host can run at a time, of all applications together. On the router's thread.
 *
 * Returns: the number
 */
guint
ferry_host_get_n_workers (FerryHost *self)
{
  g_return_val_if_fail (FERRY_IS_HOST (self), 0);
  ferry_return_val_if_elsewhere (self->router->affinity, 0);

  return self->n_workers;
}

/**
 * ferry_host_get_n_busy: (get-property n-busy)
 * @self: a host
 *
 * Gets how many tasks of all applications the host runs, as it has told last. On the router's thread.
 *
 * Returns: the number
 */
guint
ferry_host_get_n_busy (FerryHost *self)
{
  g_return_val_if_fail (FERRY_IS_HOST (self), 0);
  ferry_return_val_if_elsewhere (self->router->affinity, 0);

  return self->n_busy;
}

/**
 * ferry_host_get_round_trip: (get-property round-trip)
 * @self: a host
 *
 * Gets how long a message to the host and its answer take, as measured lately. On the router's thread.
 *
 * Returns: the time in microseconds; 0 if it is not known yet
 */
gint64
ferry_host_get_round_trip (FerryHost *self)
{
  gint64 measured = 0;

  g_return_val_if_fail (FERRY_IS_HOST (self), 0);
  ferry_return_val_if_elsewhere (self->router->affinity, 0);

  if (self->session != NULL)
    measured = ferry_session_get_round_trip (self->session);
  return measured > 0 ? measured : self->round_trip;
}

static const char *
get_instance (FerryHost *self)
{
  return self->facts.instance;
}

static const char *
get_version (FerryHost *self)
{
  return self->facts.ferry_version;
}

static const char *const *
get_functions (FerryHost *self)
{
  return (const char *const *) self->facts.functions;
}

static const char *const *
get_labels (FerryHost *self)
{
  return (const char *const *) self->facts.labels;
}

/* NULL for what is empty. */
static const char *
get_program_version (FerryHost *self)
{
  const char *version = self->facts.program_version;

  return version != NULL && *version != '\0' ? version : NULL;
}

static void
ferry_host_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  static const GCallback getters[N_PROPERTIES] = {
    [PROP_NAME] = G_CALLBACK (ferry_host_get_name),
    [PROP_INSTANCE] = G_CALLBACK (get_instance),
    [PROP_VERSION] = G_CALLBACK (get_version),
    [PROP_FUNCTIONS] = G_CALLBACK (get_functions),
    [PROP_STATE] = G_CALLBACK (ferry_host_get_state),
    [PROP_N_WORKERS] = G_CALLBACK (ferry_host_get_n_workers),
    [PROP_N_BUSY] = G_CALLBACK (ferry_host_get_n_busy),
    [PROP_ROUND_TRIP] = G_CALLBACK (ferry_host_get_round_trip),
    [PROP_LABELS] = G_CALLBACK (get_labels),
    [PROP_PROGRAM_VERSION] = G_CALLBACK (get_program_version),
  };

  if (ferry_affinity_check_property (FERRY_HOST (object)->router->affinity, pspec))
    ferry_property_get (object, getters[property_id], value);
}

static void
install_names (void)
{
  /**
   * FerryHost:name: (getter get_name)
   *
   * The name that the host was started with.
   */
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, FERRY_READABLE);
  /**
   * FerryHost:instance:
   *
   * What tells this start of the host's program from others.
   */
  properties[PROP_INSTANCE] = g_param_spec_string ("instance", NULL, NULL, NULL, FERRY_READABLE);
  /**
   * FerryHost:version:
   *
   * The version of Ferry at the host.
   */
  properties[PROP_VERSION] = g_param_spec_string ("version", NULL, NULL, NULL, FERRY_READABLE);
  /**
   * FerryHost:functions:
   *
   * The names of the functions that the host runs, sorted.
   */
  properties[PROP_FUNCTIONS] = g_param_spec_boxed ("functions", NULL, NULL, G_TYPE_STRV, FERRY_NOTIFIED);
  /**
   * FerryHost:labels:
   *
   * The labels that the host was started with (`ferry-host --label`), for [property@Ferry.Task:needs].
   */
  properties[PROP_LABELS] = g_param_spec_boxed ("labels", NULL, NULL, G_TYPE_STRV, FERRY_NOTIFIED);
  /**
   * FerryHost:program-version:
   *
   * The version of the program that has the functions, as that says itself ([func@Ferry.Worker.set_program_version]);
   * %NULL if it says none.
   */
  properties[PROP_PROGRAM_VERSION] = g_param_spec_string ("program-version", NULL, NULL, NULL, FERRY_NOTIFIED);
}

static void
install_figures (void)
{
  /**
   * FerryHost:state: (getter get_state)
   *
   * What the cluster knows of the host.
   */
  properties[PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, FERRY_TYPE_HOST_STATE, FERRY_HOST_STATE_PRESENT, FERRY_NOTIFIED);
  /**
   * FerryHost:n-workers: (getter get_n_workers)
   *
   * How many tasks the host can run at a time, of all applications together.
   */
  properties[PROP_N_WORKERS] = g_param_spec_uint ("n-workers", NULL, NULL, 0, G_MAXUINT, 0, FERRY_NOTIFIED);
  /**
   * FerryHost:n-busy: (getter get_n_busy)
   *
   * How many tasks of all applications the host runs. It tells this at most ten times a second.
   */
  properties[PROP_N_BUSY] = g_param_spec_uint ("n-busy", NULL, NULL, 0, G_MAXUINT, 0, FERRY_NOTIFIED);
  /**
   * FerryHost:round-trip: (getter get_round_trip)
   *
   * How long a message to the host and its answer take, in microseconds; 0 if that is not known yet. Only the first
   * measurement of a session is notified.
   */
  properties[PROP_ROUND_TRIP] = g_param_spec_int64 ("round-trip", NULL, NULL, 0, G_MAXINT64, 0, FERRY_READABLE);
}

/* ---- Life cycle ---- */

static void
ferry_host_finalize (GObject *object)
{
  FerryHost *self = FERRY_HOST (object);

  g_assert (self->session == NULL && self->in_flight.length == 0);
  g_hash_table_unref (self->functions);
  ferry_host_facts_clear (&self->facts);
  ferry_run_settings_clear (&self->latest);
  g_free (self->instance);
  g_free (self->trouble);
  g_object_unref (self->router);

  G_OBJECT_CLASS (ferry_host_parent_class)->finalize (object);
}

static void
ferry_host_class_init (FerryHostClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_host_get_property;
  object_class->finalize = ferry_host_finalize;
  install_names ();
  install_figures ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  /**
   * FerryHost::log:
   * @self: the host
   * @task: the task that runs there
   * @level: the #GLogLevelFlags of the line: message, info, warning or debug
   * @line: the line
   *
   * Emitted for each line that the function of a task has logged, up to 200 lines a second of one host. How many lines
   * are left out beyond that, is said before the next one, as a line of the same task. The default handler passes the
   * line to [func@GLib.log_structured], as a message at most, with the field `FERRY_TASK_ID` as in the host's log.
   * [func@GObject.signal_stop_emission_by_name] prevents that.
   */
  signals[SIGNAL_LOG] =
    g_signal_new_class_handler ("log", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, G_CALLBACK (show_line), NULL, NULL,
                                NULL, G_TYPE_NONE, 3, FERRY_TYPE_TASK, G_TYPE_UINT, G_TYPE_STRING);
}

static void
ferry_host_init (FerryHost *self)
{
  self->functions = g_hash_table_new (g_str_hash, g_str_equal);
  self->vacancy_link.data = self;
  g_queue_init (&self->in_flight);
  g_queue_init (&self->untold);
}

FerryHost *
ferry_host_new (FerryRouter *router, guint64 number, const FerryHostFuncs *funcs, gpointer owner, FerryHostTerms *terms)
{
  FerryHost *self = g_object_new (FERRY_TYPE_HOST, NULL);

  self->router = g_object_ref (router);
  self->number = number;
  self->begin_time = BEGIN_TIME;
  self->funcs = funcs;
  self->owner = owner;
  self->terms = terms;
  return self;
}
