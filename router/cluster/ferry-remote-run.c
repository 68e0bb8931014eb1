/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the application knows of a task's run while it is at a host: how it is sent, refused, lost and tried again.
 *
 * A remote run is one attempt to run a task at the host, as the application sees it. It is the destination of the
 * task's run, from the time when that is sent until the host's answer, or the end of the session. What the application
 * marks as begun is what the host may begin: see ferry-run-message-private.h. So when a session ends, a task that was
 * not begun returns to its queue. One that was begun is lost, unless it is idempotent or is retried.
 *
 * Handlers of a task's signals run in the middle of functions here, and may call any function. So each function updates
 * its fields before it emits a signal, and reads all state again afterwards.
 *
 * Threads: the router's.
 * Trust:   a host that breaks the rules loses its session. */

#include "config.h"

#include "cluster/ferry-remote-run-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "cluster/ferry-host-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-task-private.h"
#include "wire/ferry-depth-private.h"
#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-reserved-name-private.h"

/* A request of more bytes than a packet has takes time to arrive, and then to be read. For so long nothing more of it
 * may arrive, and it may not be begun, before it seems to wait at the host, in microseconds. */
#define LARGE_PATIENCE G_USEC_PER_SEC

/* How many hosts may refuse a task until it fails, unless it was asked back. */
#define MAX_REFUSALS 4

/* The key of the number of the host that has refused or lost a task last, among the task's data. */
static G_DEFINE_QUARK (ferry_shunned_host, shunned)

typedef struct
{
  FerryTaskDestination destination;
  gint references;     /* one until it is over, one of the call until that is answered, and those of functions */
  FerryHost *host;     /* const: (owned) */
  FerryRun *run;       /* (unowned) (nullable): host->in_flight has the reference; NULL when it is over */
  gint64 sent_at;      /* or asked back; of a large request: or when more of it was last seen to have arrived */
  gboolean is_large;   /* const */
  guint64 request_end; /* of a large request: the bytes that the session had accepted with it; 0: it has arrived */
  guint64 arrived;     /* how many of these the host was last seen to have */
  gboolean begun;
  gboolean asked_back;     /* a refusal is expected */
  GPid process;            /* that runs the function, at the host; 0: not known */
  FerryProgress *progress; /* (owned) (nullable): the newest report, if it was not delivered yet */
  FerryTimer pace;         /* set since a report was delivered: when the next one may be */
} FerryRemoteRun;

static const FerryTaskDestinationFuncs destination_funcs;

static FerryRemoteRun *
remote_ref (FerryRemoteRun *self)
{
  self->references++;
  return self;
}

static void
remote_unref (FerryRemoteRun *self)
{
  if (--self->references > 0)
    return;
  g_assert (self->run == NULL && !ferry_timer_is_set (&self->pace));
  g_object_unref (self->host);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryRemoteRun, remote_unref)

static FerryRemoteRun *
get_remote (FerryRun *run)
{
  return (FerryRemoteRun *) run->destination;
}

static FerryTimers *
get_paces (FerryRemoteRun *self)
{
  return self->host->router->timers;
}

static FerryTransport *
get_session (FerryRemoteRun *self)
{
  return FERRY_TRANSPORT (self->host->session);
}

static guint64
get_xid (FerryRemoteRun *self)
{
  return self->run->xid;
}

/* Ends the remote run. Returns (transfer full) the run, which has no destination then. Drops the first reference. */
static FerryRun *
leave (FerryRemoteRun *self)
{
  FerryRun *run =
    ferry_destination_let_go (g_steal_pointer (&self->run), &self->host->in_flight, self->host->router->limits);

  self->host->n_unbegun -= !self->begun;
  ferry_timers_unset (get_paces (self), &self->pace);
  g_clear_pointer (&self->progress, g_free);
  remote_unref (self);
  return run;
}

/* ---- Progress: the newest report, at the router's pace ---- */

static void pace_is_over (gpointer data);

static void
deliver_progress (FerryRemoteRun *self)
{
  g_autofree FerryProgress *progress = g_steal_pointer (&self->progress);

  ferry_timers_set (get_paces (self), &self->pace, ferry_deadline_after (self->host->router->latest_interval),
                    pace_is_over, self);
  ferry_run_take_progress (self->run, progress);
}

static void
pace_is_over (gpointer data)
{
  g_autoptr (FerryRemoteRun) self = remote_ref (data);

  if (self->progress != NULL)
    deliver_progress (self);
}

/* Delivers a report that waits for its time, because something that comes after it is to be delivered. Returns whether
 * the run goes on. */
static gboolean
flush_progress (FerryRemoteRun *self)
{
  if (self->progress != NULL)
    deliver_progress (self);
  return self->run != NULL;
}

/* ---- Begin ---- */

static void
fault (FerryRemoteRun *self, const char *detail)
{
  if (self->run != NULL)
    ferry_host_fault (self->host, detail);
}

/* A host that does not end a cancelled task breaks a promise: it may be asked no more. */
static void
patience_is_over (gpointer data)
{
  g_autoptr (FerryRemoteRun) self = remote_ref (get_remote (data));

  fault (self, "it did not end a cancelled task in time");
}

static void
set_patience (FerryRemoteRun *self, gint64 grace)
{
  FerryTimer *timer = &self->run->timer;
  gint64 end = ferry_time_add (g_get_monotonic_time (), ferry_time_add (grace, self->host->patience));

  if (!ferry_timer_is_set (timer) || timer->func != patience_is_over || timer->deadline.time > end)
    ferry_timers_set (self->host->router->limits, timer, end, patience_is_over, self->run);
}

/* Whether a run is behind others as far as is known: more of them have begun, and not ended, than there are workers. */
static gboolean
is_ahead (FerryRemoteRun *self)
{
  const FerryHost *host = self->host;

  return self->process == 0 && host->in_flight.length - host->n_unbegun > host->n_workers;
}

/* Returns (transfer full) the error of a task that has not ended in its time. */
static GError *
new_late_error (FerryRemoteRun *self)
{
  if (!is_ahead (self))
    return ferry_destination_new_run_error (self->run);
  return g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                      "Task '%s' waited at the host '%s' at its deadline, as far as is known; set a later deadline, or "
                      "start more hosts",
                      ferry_run_get_name (self->run), self->host->facts.name);
}

static void
run_timed_out (gpointer data)
{
  g_autoptr (FerryRun) run = ferry_run_ref (data);
  FerryRemoteRun *self = get_remote (run);

  ferry_transport_cancel (get_session (self), get_xid (self), FERRY_CANCEL_REASON_DEADLINE);
  set_patience (self, run->settings->cancel_grace);
  ferry_destination_time_out (run, new_late_error (self));
}

/* What has begun here may still wait at the host, behind a run that takes long. The host counts how long the function
 * runs; here that counts from when the host has told which process runs it, so the host is always the first. */
static void
set_limit (FerryRemoteRun *self)
{
  FerryRun *run = self->run;

  ferry_destination_set_limit (
    run, self->process != 0 ? ferry_destination_get_run_deadline (run) : run->settings->deadline, run_timed_out);
  if (run->paused)
    ferry_run_hold_limit (run, run_timed_out);
}

/* number: see ferry-run-message-private.h. */
static void
tell_order (FerryRemoteRun *self, const char *method, gint64 number)
{
  ferry_host_tell (self->host, method, ferry_run_order_to_variant (get_xid (self), number));
}

static void
tell_pause (FerryRemoteRun *self)
{
  tell_order (self, FERRY_PAUSE_METHOD, self->run->paused);
}

static void
start_task (FerryRemoteRun *self)
{
  set_limit (self);
  ferry_destination_start (self->run, 0, self->host->facts.name);
}

static void
begin (FerryRemoteRun *self)
{
  if (self->begun)
    {
      fault (self, "it began a task twice");
      return;
    }
  self->begun = TRUE;
  self->host->n_unbegun--;
  self->host->n_in_vain = 0;
  g_clear_pointer (&self->host->trouble, g_free);
  if (!self->run->settings->idempotent)
    tell_order (self, FERRY_LEAVE_METHOD, 0);
  /* It was paused while it was asked back. */
  if (self->run->paused)
    tell_pause (self);
  start_task (self);
  if (self->run != NULL)
    ferry_host_note_change (self->host);
}

/* ---- What a function sends while it runs ---- */

static gboolean
take_progress (FerryRemoteRun *self, GVariant *value, GError **error)
{
  FerryProgress progress;

  if (!ferry_run_progress_from_variant (&progress, value, error))
    return FALSE;
  if (self->progress == NULL)
    self->progress = g_new (FerryProgress, 1);
  *self->progress = progress;
  if (!ferry_timer_is_set (&self->pace))
    deliver_progress (self);
  return TRUE;
}

static gboolean
take_log (FerryRemoteRun *self, GVariant *value, GError **error)
{
  g_autofree char *line = NULL;
  GLogLevelFlags level;

  if (!ferry_run_log_from_variant (value, &level, &line, error))
    return FALSE;
  ferry_host_log (self->host, ferry_run_get_task (self->run), level, line);
  return TRUE;
}

static gboolean
take_process (FerryRemoteRun *self, GVariant *value, GError **error)
{
  guint64 process;

  if (!ferry_run_number_from_variant (value, G_MAXINT32, &process, error))
    return FALSE;
  self->process = (GPid) process;
  if (ferry_run_get_state (self->run) == FERRY_TASK_STATE_EXECUTING)
    set_limit (self);
  return TRUE;
}

static gboolean
take_of_function (FerryRemoteRun *self, const char *name, GVariant *value, GError **error)
{
  if (value == NULL)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "The other end sent no value where there must be one");
  if (!flush_progress (self))
    return TRUE;
  if (name[0] == '\0')
    ferry_run_take_yield (self->run, value);
  else if (g_str_equal (name, FERRY_COMMITTED))
    self->run->is_committed = TRUE;
  else
    ferry_run_take_message (self->run, name, value);
  return TRUE;
}

/* Values of the host that this version does not know are ignored. */
static gboolean
take_item (FerryRemoteRun *self, const char *name, GVariant *value, GError **error)
{
  if (!g_str_has_prefix (name, FERRY_OWN_VALUE_PREFIX))
    return take_of_function (self, name, value, error);
  if (g_str_equal (name, FERRY_PROGRESS_VALUE))
    return take_progress (self, value, error);
  if (g_str_equal (name, FERRY_LOG_VALUE))
    return take_log (self, value, error);
  return !g_str_equal (name, FERRY_PROCESS_VALUE) || take_process (self, value, error);
}

static void
item_came (gpointer data, const char *name, GVariant *value)
{
  g_autoptr (FerryRemoteRun) self = remote_ref (data);
  g_autoptr (GError) error = NULL;

  if (g_str_equal (name, FERRY_BEGIN_VALUE))
    begin (self);
  else if (!self->begun)
    fault (self, "it sent something of a task that it had not begun");
  else if (!take_item (self, name, value, &error))
    fault (self, error->message);
}

/* ---- The end ---- */

guint64
ferry_remote_run_get_shunned (FerryRun *run)
{
  return GPOINTER_TO_SIZE (g_object_get_qdata (G_OBJECT (ferry_run_get_task (run)), shunned_quark ()));
}

static void
shun (const FerryHost *host, FerryRun *run)
{
  g_object_set_qdata (G_OBJECT (ferry_run_get_task (run)), shunned_quark (), GSIZE_TO_POINTER (host->number));
}

/* Handles the loss of a begun task, which has no destination any more. Takes lost, the error of a task that is not
 * tried again. */
static void
lose (FerryRun *run, guint death_limit, GError *lost, const char *trace)
{
  g_autofree char *last = g_strdup_printf ("time: %s", lost->message);
  FerryLoss loss = {
    .repeats = run->settings->idempotent,
    .death_limit = death_limit,
    .error = lost,
    .last = last,
    .trace = trace,
  };

  ferry_destination_lose (run, &loss);
}

/* Whether a host that has refused a task for that can run none now: its pool has failed, as workers end before they
 * begin one. */
static gboolean
is_of_pool (const GError *reason)
{
  return !g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_REFUSED) &&
         !g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION) &&
         !g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
}

/* Handles a task that the host has refused. As in a pool, it fails where nothing else can run it. */
static void
take_refusal (FerryHost *host, FerryRun *run, gboolean expected, const GError *reason)
{
  g_autofree char *title = ferry_host_dup_title (host);
  guint n_places = MAX_REFUSALS;

  if (is_of_pool (reason))
    {
      g_free (host->trouble);
      host->trouble = g_strdup (reason->message);
    }
  if (is_of_pool (reason) && !run->source->is_shared)
    n_places = CLAMP (ferry_host_count_hosts (host, run), 1, MAX_REFUSALS);
  if (expected || ++run->n_refusals < n_places)
    ferry_destination_give_back (run);
  else
    ferry_destination_fail (run, FERRY_TASK_EVENT_REFUSE,
                            g_error_new (reason->domain, reason->code, "The host %s did not run task '%s': %s", title,
                                         ferry_run_get_name (run), reason->message),
                            NULL, NULL);
}

/* Handles the error of a run that has lost its worker, as the host tells. */
static void
take_worker_loss (FerryHost *host, FerryRun *run, const GError *error, const char *trace)
{
  g_autofree char *title = ferry_host_dup_title (host);

  lose (run, host->terms->death_limit,
        g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "At the host %s: %s", title, error->message), trace);
}

/* Takes the call's reference. The end of the session is an error of each call; the host then ends the runs. */
static void
answered (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autoptr (FerryRemoteRun) self = data;
  g_autoptr (FerryRun) run = NULL;
  FerryHost *host = self->host;
  gboolean is_lost = !refused && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);

  if (error != NULL && ferry_transport_get_closed (FERRY_TRANSPORT (host->session)))
    return;
  if (!refused && !self->begun)
    {
      fault (self, "it answered a task that it had not begun");
      return;
    }
  if (!flush_progress (self))
    return;
  run = leave (self);
  if (refused || is_lost)
    shun (host, run);
  if (refused)
    take_refusal (host, run, self->asked_back || host->facts.draining, error);
  else if (is_lost)
    take_worker_loss (host, run, error, trace);
  else if (error != NULL)
    ferry_destination_fail (run, FERRY_TASK_EVENT_ERROR, ferry_error_copy (error), trace, NULL);
  else
    ferry_destination_complete (run, result);
  ferry_host_note_change (host);
}

static const FerryAnswerFuncs answer_funcs = {.item = item_came, .done = answered};

/* runner: what became of the task at the host, as the middle of a sentence. */
static GError *
new_loss (FerryRun *run, const FerryHost *host, const char *runner, const GError *reason)
{
  g_autofree char *arguments = ferry_show_arguments (run->arguments);
  g_autofree char *title = ferry_host_dup_title (host);

  return g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                      "Task '%s' was lost with the host %s, %s %s %s; submit the task again if that does no harm, or "
                      "set retries: %s",
                      ferry_run_get_name (run), title, runner, run->function, arguments, reason->message);
}

/* Returns (transfer full) what new_loss() says. Runs behind this one have ended before. */
static char *
dup_runner (FerryRemoteRun *self)
{
  if (!self->run->settings->idempotent && is_ahead (self))
    return g_strdup ("where it had leave, but was not begun as far as is known:");
  return self->process != 0 ? g_strdup_printf ("whose process %d ran", (int) self->process) : g_strdup ("which ran");
}

void
ferry_remote_run_end (FerryRun *run, const GError *reason, gboolean by_application)
{
  g_autoptr (FerryRemoteRun) self = remote_ref (get_remote (run));
  g_autoptr (FerryRun) kept = NULL;
  g_autofree char *runner = NULL;
  const FerryHost *host = self->host;

  if (!flush_progress (self))
    return;
  runner = dup_runner (self);
  kept = leave (self);
  if (!self->begun)
    {
      ferry_destination_give_back (run);
      return;
    }
  if (by_application)
    {
      ferry_destination_fail (run, FERRY_TASK_EVENT_LOST, ferry_error_copy (reason), NULL, NULL);
      return;
    }
  shun (host, run);
  ferry_task_take_host_loss (ferry_run_get_task (run), reason->message);
  lose (run, host->terms->death_limit, new_loss (run, host, runner, reason), NULL);
}

/* ---- Sending ---- */

static guint64
send_request (FerryRemoteRun *self, FerryRun *run, GError **error)
{
  const FerryTaskSettings *settings = run->settings;
  FerryTaskKind kind = run->kind;
  FerryRunRequest sent = {
    .id = ferry_task_get_number (ferry_run_get_task (run)),
    .attempt = run->n_attempts + 1,
    .name = ferry_run_get_name (run),
    .function = run->function,
    .settings = *settings,
    .latest = &self->host->latest,
    .leave_ahead = (guint8) self->host->terms->leave_ahead,
    .kind = (guint8) kind,
    .arguments = run->arguments,
  };
  FerryRequest request = {.method = FERRY_RUN_METHOD};

  if (settings->deadline > 0)
    sent.settings.deadline = MAX (settings->deadline - g_get_monotonic_time (), 1);
  request.arguments = ferry_run_request_to_variant (&sent);
  if (kind == FERRY_TASK_KIND_ITERATION)
    {
      request.flags = FERRY_CALL_STREAM;
      request.window = (guint16) settings->window;
    }
  return ferry_host_ask (self->host, &request, &answer_funcs, self, error);
}

static gboolean
check_sendable (FerryRun *run, GError **error)
{
  const char *local_part = ferry_task_get_local_part (ferry_run_get_task (run));

  if (local_part != NULL)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "Task '%s' has %s, or submit the task to a pool",
                            ferry_run_get_name (run), local_part);
  if (strlen (run->function) > FERRY_MAX_CALL_NAME)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The name of the function of task '%s' is longer than %d bytes; use a shorter name",
                            ferry_run_get_name (run), FERRY_MAX_CALL_NAME);
  return run->arguments == NULL || ferry_depth_check (run->arguments, error);
}

static void
note_size (FerryRemoteRun *self)
{
  GVariant *arguments = self->run->arguments;

  self->is_large = arguments != NULL && g_variant_get_size (arguments) > FERRY_SESSION_LARGEST_PACKET;
  self->request_end = self->is_large ? ferry_session_get_counts (self->host->session).accepted : 0;
}

/* For a large request that has not arrived as a whole. */
static void
note_arrival (FerryRemoteRun *self)
{
  guint64 arrived = ferry_session_get_counts (self->host->session).arrived;

  if (arrived > self->arrived)
    {
      self->arrived = arrived;
      self->sent_at = g_get_monotonic_time ();
    }
  if (arrived >= self->request_end)
    self->request_end = 0;
}

gboolean
ferry_remote_run_send (FerryHost *host, FerryRun *run)
{
  g_autoptr (GError) error = NULL;
  FerryRemoteRun *self = g_new0 (FerryRemoteRun, 1);
  guint64 xid;

  self->destination.funcs = &destination_funcs;
  self->references = 2;
  self->host = g_object_ref (host);
  self->sent_at = g_get_monotonic_time ();
  /* The answer cannot come before this function returns: the session receives on this thread. */
  xid = check_sendable (run, &error) ? send_request (self, run, &error) : 0;
  if (xid == 0)
    {
      gboolean for_good = ferry_destination_is_for_good (error);

      remote_unref (self);
      remote_unref (self);
      if (for_good)
        ferry_destination_fail_unsendable (run, g_steal_pointer (&error));
      return for_good;
    }
  self->run = run;
  ferry_destination_take (run, &self->destination, &host->in_flight, xid);
  host->n_sent++;
  host->n_unbegun++;
  note_size (self);
  return TRUE;
}

/* ---- The destination ---- */

/* The host has no part in the run any more. */
static void
return_task (FerryRemoteRun *self)
{
  g_autoptr (FerryRun) run = leave (self);

  ferry_destination_give_back (run);
}

/* Whether the request was not sent as a whole, and is given up: the host never has it then. */
static gboolean
drop_request (FerryRemoteRun *self)
{
  if (!ferry_session_drop_request (self->host->session, get_xid (self)))
    return FALSE;
  self->host->n_sent--;
  if (ferry_transport_forget (get_session (self), get_xid (self)))
    remote_unref (self);
  return TRUE;
}

/* Returns a task that was not begun to its queue. The host refuses it when it hears of this, since it has no leave. An
 * idempotent task may have begun, and is cancelled then: to run it again does no harm. */
static void
take_back (FerryRemoteRun *self)
{
  if (!drop_request (self) &&
      ferry_transport_abandon (get_session (self), get_xid (self), FERRY_CANCEL_REASON_CANCELLED) != NULL)
    remote_unref (self);
  return_task (self);
}

static void
destination_take_back (FerryTaskDestination *destination, FerryRun *run)
{
  FerryRemoteRun *self = (FerryRemoteRun *) destination;

  if (self->begun)
    start_task (self);
  else
    take_back (self);
}

static void
destination_add_window (FerryTaskDestination *destination, FerryRun *run, guint n)
{
  ferry_destination_add_window (run, get_session ((FerryRemoteRun *) destination), n);
}

static void
destination_cancel (FerryTaskDestination *destination, FerryRun *run)
{
  FerryRemoteRun *self = (FerryRemoteRun *) destination;

  ferry_transport_cancel (get_session (self), get_xid (self), FERRY_CANCEL_REASON_CANCELLED);
  set_patience (self, run->settings->cancel_grace);
}

static void
destination_give_time (FerryTaskDestination *destination, FerryRun *run, gint64 grace)
{
  FerryRemoteRun *self = (FerryRemoteRun *) destination;

  tell_order (self, FERRY_HURRY_METHOD, grace);
  set_patience (self, grace);
}

static void
destination_force (FerryTaskDestination *destination, FerryRun *run)
{
  FerryRemoteRun *self = (FerryRemoteRun *) destination;

  if (self->begun)
    destination_give_time (destination, run, 0);
  else
    take_back (self);
}

/* A task that its host has not begun waits here. The host has the worker of one that it has begun pause. */
static void
destination_pause_changed (FerryTaskDestination *destination, FerryRun *run)
{
  FerryRemoteRun *self = (FerryRemoteRun *) destination;

  if (!self->begun && run->paused)
    take_back (self);
  if (!self->begun || run->destination != &self->destination)
    return;
  tell_pause (self);
  if (run->paused)
    ferry_run_hold_limit (run, run_timed_out);
  else
    ferry_run_resume_limit (run, run_timed_out);
}

static const FerryTaskDestinationFuncs destination_funcs = {destination_take_back, destination_add_window,
                                                            destination_cancel,    destination_give_time,
                                                            destination_force,     destination_pause_changed};

/* ---- Other hosts ---- */

gboolean
ferry_remote_run_is_waiting (FerryRun *run, gint64 *since)
{
  FerryRemoteRun *self = get_remote (run);

  if (!self->begun && self->request_end != 0)
    note_arrival (self);
  *since = self->sent_at + (self->is_large ? LARGE_PATIENCE : 0);
  return !self->begun;
}

void
ferry_remote_run_ask_back (FerryRun *run)
{
  FerryRemoteRun *self = get_remote (run);

  if (!run->settings->idempotent || self->asked_back)
    {
      take_back (self);
      return;
    }
  if (drop_request (self))
    {
      return_task (self);
      return;
    }
  self->asked_back = TRUE;
  self->sent_at = g_get_monotonic_time ();
  tell_order (self, FERRY_WITHDRAW_METHOD, 0);
}
