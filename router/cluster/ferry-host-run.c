/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One run that an application asks a host for, and the source of those that have begun. It is a call of
 * FERRY_RUN_METHOD, the run that does it here, and what waits to be sent of it. That waits in order, as the session may
 * have no room for a while. What the function yields is held back by the application's window, and so in the worker.
 * Progress is paced, and only the latest report is sent. Other messages of the function are bounded: a run that sends
 * too much while none of it can be sent fails. Log lines beyond the bound are left out, and counted.
 *
 * Owner: counted references: its session's, its call's, the line's, its source's while it is submitted, and those of
 *        functions that are about to tell it something. */

#include "config.h"

#include "cluster/ferry-host-run-private.h"

#include "base/ferry-base-private.h"
#include "job/ferry-map-function-private.h"
#include "pool/ferry-runner-private.h"
#include "pool/ferry-task-queue-private.h"
#include "route/ferry-router-private.h"
#include "route/ferry-sender-private.h"
#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-reserved-name-private.h"

/* How many yielded values may be between a function and the application's window. */
#define WINDOW 16

/* How often progress is sent, in microseconds. */
#define PROGRESS_INTERVAL (100 * FERRY_MICROSECONDS_PER_MILLISECOND)

/* How long a run lasts, in microseconds, until the application is told which process runs it. Most do not. */
#define PROCESS_TIME (100 * FERRY_MICROSECONDS_PER_MILLISECOND)

/* How many bytes of messages may wait to be sent. One message may be larger. */
#define MAX_OUT (8 * 1024 * 1024)

/* The same for log lines, which are left out beyond this. */
#define MAX_OUT_WITH_LINES (256 * 1024)

/* A host sends no more at once, whatever it is told. */
#define TOO_LARGE_REMEDY                                                                                               \
  "yield it in parts, or write it to a file that the application can read, and return the file's name"

/* What is counted for each value beside its bytes. */
#define OUT_COST 64

/* A value that is to be sent. */
typedef struct
{
  char *name;      /* (owned) (nullable): NULL for what was yielded */
  GVariant *value; /* (owned) */
  gsize cost;
} Out;

static void
out_free (gpointer data)
{
  Out *self = data;

  g_variant_unref (self->value);
  g_free (self->name);
  g_free (self);
}

static const FerryRunFuncs run_funcs;

/* ---- the source ---- */

struct _FerryHostSource
{
  FerryTaskSource source;
  gint references;
  FerryRunner *runner; /* const: (owned): the pool */
  FerryRouter *router; /* const: (unowned): the pool's */
};

static FerryHostSource *
source_ref (FerryHostSource *self)
{
  self->references++;
  return self;
}

void
ferry_host_source_unref (FerryHostSource *self)
{
  if (--self->references > 0)
    return;
  FERRY_RUNNER_GET_IFACE (self->runner)->remove_source (self->runner, &self->source);
  ferry_task_queue_clear (&self->source.queue);
  g_object_unref (self->runner);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryHostSource, ferry_host_source_unref)

/* Returns (transfer full) the source of a run that was submitted. */
static FerryHostSource *
ref_source (const FerryRun *run)
{
  return source_ref ((FerryHostSource *) run->source);
}

static void
time_to_wait_is_over (gpointer data)
{
  g_autoptr (FerryRun) run = ferry_run_ref (data);
  g_autoptr (FerryHostSource) self = ref_source (run);

  ferry_run_end_wait (run);
  ferry_runner_schedule (self->runner);
}

static void
source_give_back (FerryTaskSource *source, FerryRun *run)
{
  ferry_run_wait (run, TRUE);
}

/* Releases the references of the submission. */
static void
source_done (FerryTaskSource *source, FerryRun *run)
{
  ferry_run_unref (run);
  ferry_host_source_unref ((FerryHostSource *) source);
}

static void
source_fail_all (FerryTaskSource *source, FerryRunner *runner, const GError *error)
{
  g_autoptr (FerryHostSource) kept G_GNUC_UNUSED = source_ref ((FerryHostSource *) source);

  ferry_run_fail_all_waiting (source, error);
}

static void
source_cancelled (FerryTaskSource *source, FerryRun *run)
{
  ferry_run_follow_cancel (run);
}

FerryHostSource *
ferry_host_source_new (FerryPool *pool)
{
  FerryHostSource *self = g_new0 (FerryHostSource, 1);

  self->references = 1;
  self->runner = FERRY_RUNNER (g_object_ref (pool));
  self->router = FERRY_RUNNER_GET_IFACE (self->runner)->get_router (self->runner);
  self->source.limits = self->router->limits;
  self->source.give_back = source_give_back;
  self->source.done = source_done;
  self->source.fail_all = source_fail_all;
  self->source.wait_over = time_to_wait_is_over;
  self->source.cancelled = source_cancelled;
  ferry_task_queue_init (&self->source.queue);
  FERRY_RUNNER_GET_IFACE (self->runner)->add_source (self->runner, &self->source);
  return self;
}

/* ---- references ---- */

FerryHostRun *
ferry_host_run_ref (FerryHostRun *self)
{
  g_atomic_int_inc (&self->references);
  return self;
}

static void
clear_out (FerryHostRun *self)
{
  g_queue_clear_full (&self->out, out_free);
  self->out_size = 0;
}

void
ferry_host_run_unref (FerryHostRun *self)
{
  if (!g_atomic_int_dec_and_test (&self->references))
    return;
  clear_out (self);
  ferry_run_request_clear (&self->request);
  g_clear_pointer (&self->call, ferry_call_unref);
  ferry_run_clear (&self->run);
  g_free (self->progress);
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->failure);
  g_clear_pointer (&self->host, g_ref_string_release);
  g_clear_pointer (&self->application, g_ref_string_release);
  g_clear_pointer (&self->client, g_ref_string_release);
  g_free (self->trace);
  g_free (self);
}

FerryHostRun *
ferry_host_run_new (FerryCall *call, GRefString *host, GRefString *application, GRefString *client,
                    FerryHostSession *session)
{
  FerryHostRun *self = g_new0 (FerryHostRun, 1);

  ferry_run_init (&self->run, &run_funcs, self);
  self->references = 1;
  self->host = g_ref_string_acquire (host);
  self->application = g_ref_string_acquire (application);
  self->client = g_ref_string_acquire (client);
  self->session = session;
  self->call = ferry_call_ref (call);
  self->xid = ferry_call_get_xid (call);
  self->came_at = g_get_monotonic_time ();
  self->link.data = self->owing_link.data = self;
  g_queue_init (&self->out);
  return self;
}

char *
ferry_host_run_dup_id (const FerryHostRun *self)
{
  return ferry_run_dup_task_id (self->application, self->request.id);
}

gboolean
ferry_host_run_read (FerryHostRun *self, FerryRunSettings *latest, GError **error)
{
  self->request.latest = latest;
  if (ferry_run_request_from_variant (&self->request, ferry_call_get_arguments (self->call), error))
    return TRUE;
  g_prefix_error (error, "Host '%s' cannot read what the task is: ", self->host);
  return FALSE;
}

static void
unref_run (gpointer data)
{
  ferry_host_run_unref (data);
}

/* ---- what waits to be sent ---- */

/* Of a run that was submitted. */
static FerryTimers *
get_timers (FerryHostRun *self)
{
  return ((FerryHostSource *) self->run.source)->router->timers;
}

static void
note_owing (FerryHostRun *self)
{
  if (self->session != NULL && self->call != NULL)
    ferry_host_session_note_owing (self->session, self);
}

static void
put (FerryHostRun *self, const char *name, GVariant *value)
{
  Out *out = g_new (Out, 1);

  *out = (Out){name != NULL ? g_strdup (name) : NULL, g_variant_ref_sink (value), 0};
  if (self->call == NULL)
    {
      out_free (out);
      return;
    }
  if (name != NULL)
    out->cost = OUT_COST + g_variant_get_size (value);
  self->out_size += out->cost;
  g_queue_push_tail (&self->out, out);
  note_owing (self);
}

/* Sets the end, unless there is one. Takes failure and trace. */
static void
set_end (FerryHostRun *self, GVariant *result, GError *failure, char *trace)
{
  if (self->has_end)
    {
      g_clear_pointer (&result, g_variant_unref);
      g_clear_error (&failure);
      g_free (trace);
      return;
    }
  self->has_end = TRUE;
  self->result = result;
  self->failure = failure;
  self->trace = trace;
  note_owing (self);
}

static void
leave_line (FerryHostRun *self)
{
  if (self->service != NULL)
    ferry_host_service_remove (self->service, self);
}

void
ferry_host_run_refuse (FerryHostRun *self, const GError *reason)
{
  self->state = FERRY_HOST_RUN_ENDED;
  self->is_refused = TRUE;
  clear_out (self);
  set_end (self, NULL, ferry_error_copy (reason), NULL);
  leave_line (self);
}

void
ferry_host_run_tell_begin (FerryHostRun *self)
{
  put (self, FERRY_BEGIN_VALUE, g_variant_new_tuple (NULL, 0));
}

void
ferry_host_run_log (FerryHostRun *self, GLogLevelFlags level, const char *line)
{
  if (self->has_end || self->call == NULL)
    return;
  if (self->out_size >= MAX_OUT_WITH_LINES)
    {
      self->n_lost_lines++;
      return;
    }
  if (self->n_lost_lines > 0)
    {
      g_autofree char *note = g_strdup_printf ("%u lines of the worker were left out here", self->n_lost_lines);

      self->n_lost_lines = 0;
      put (self, FERRY_LOG_VALUE, ferry_run_log_to_variant (G_LOG_LEVEL_WARNING, note));
    }
  put (self, FERRY_LOG_VALUE, ferry_run_log_to_variant (level, line));
}

/* ---- what the run tells ---- */

static const char *
run_get_name (gpointer owner)
{
  return ((FerryHostRun *) owner)->request.name;
}

static void
run_started (gpointer owner, const char *host_name)
{
}

static void
run_ignore (gpointer owner)
{
}

static void
run_progressed (gpointer owner, const FerryProgress *progress, double before)
{
  FerryHostRun *self = owner;
  FerryProgress *latest = self->progress != NULL ? self->progress : g_new0 (FerryProgress, 1);

  latest->amount = progress->amount;
  latest->total = progress->total;
  memcpy (latest->unit, progress->unit, sizeof latest->unit);
  /* A report without a text leaves the one before. */
  if (progress->text[0] != '\0')
    memcpy (latest->text, progress->text, sizeof latest->text);
  self->progress = latest;
  self->has_progress = TRUE;
  note_owing (self);
}

static void
run_yielded (gpointer owner, GVariant *value)
{
  put (owner, NULL, value);
}

/* Returns (transfer full) a trace with a line for this host. inner: (nullable). */
static char *
add_to_trace (FerryHostRun *self, const char *inner)
{
  g_autoptr (GString) trace = g_string_new (inner);
  g_autofree char *id = ferry_host_run_dup_id (self);

  if (trace->len > 0 && trace->str[trace->len - 1] != '\n')
    g_string_append_c (trace, '\n');
  if (inner == NULL && self->run.pid > 0)
    g_string_append_printf (trace, "in function '%s' of process %d\n", self->request.function, (int) self->run.pid);
  g_string_append_printf (trace, "on host '%s', in whose log it is task %s\n", self->host, id);
  return g_string_free (g_steal_pointer (&trace), FALSE);
}

/* Takes the error of a worker, which does not know that a host's limit of messages is fixed. */
static GError *
fit_error (GError *error)
{
  g_autoptr (GError) own = error;
  g_autofree char *text = NULL;

  if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE) ||
      !g_str_has_suffix (error->message, FERRY_TOO_LARGE_REMEDY))
    return g_steal_pointer (&own);
  text = g_strndup (error->message, strlen (error->message) - strlen (FERRY_TOO_LARGE_REMEDY));
  return g_error_new (error->domain, error->code, "%s" TOO_LARGE_REMEDY, text);
}

/* Returns (transfer full) the error of a map's item, as that of a task is. */
static GVariant *
fit_item_error (FerryHostRun *self, GVariant *value)
{
  g_autofree char *inner = NULL;
  g_autoptr (GError) error = fit_error (ferry_error_from_variant (value, &inner));
  g_autofree char *trace = add_to_trace (self, inner);

  return g_variant_ref_sink (ferry_error_to_variant (error, trace, NULL));
}

static gboolean
is_submitted (const FerryHostRun *self)
{
  return self->run.source != NULL && !ferry_run_get_done (&self->run);
}

/* Cancels a run that was begun. */
static void
cancel (FerryHostRun *self)
{
  g_autoptr (FerryHostSource) source = NULL;

  if (!is_submitted (self))
    return;
  source = ref_source (&self->run);
  ferry_run_cancel (&self->run);
  ferry_runner_schedule (source->runner);
}

void
ferry_host_run_hurry (FerryHostRun *self, gint64 grace)
{
  FerryTaskDestination *destination = self->run.destination;

  if (destination == NULL || self->run.state != FERRY_TASK_STATE_CANCELLING)
    return;
  if (grace > 0)
    destination->funcs->give_time (destination, &self->run, grace);
  else
    destination->funcs->force (destination, &self->run);
}

/* Takes error. */
static void
end_by_force (FerryHostRun *self, GError *error)
{
  set_end (self, NULL, error, NULL);
  cancel (self);
  ferry_host_run_hurry (self, 0);
}

static void
run_sent (gpointer owner, const char *type, GVariant *value)
{
  FerryHostRun *self = owner;
  g_autoptr (GVariant) fitted = NULL;

  if (self->has_end)
    return;
  if (g_str_equal (type, FERRY_MAP_MESSAGE_ERROR))
    value = fitted = fit_item_error (self, value);
  if (g_str_has_prefix (type, FERRY_OWN_VALUE_PREFIX))
    end_by_force (self,
                  g_error_new (FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                               "Function '%s' sent '%s', and a host sends what begins with '%s'; use another name",
                               self->request.function, type, FERRY_OWN_VALUE_PREFIX));
  else if (self->out_size < MAX_OUT)
    put (self, type, value);
  else
    end_by_force (self, g_error_new (FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                                     "Function '%s' sent more than the connection to the application takes; send less, "
                                     "or yield it",
                                     self->request.function));
}

static void
end_with_error (FerryHostRun *self)
{
  const FerryRun *run = &self->run;
  const GError *failure = run->state == FERRY_TASK_STATE_CANCELLED ? run->late_error : run->error;
  GError *error = failure != NULL
                    ? ferry_error_copy (failure)
                    : g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Task '%s' was cancelled", self->request.name);

  set_end (self, NULL, fit_error (error), add_to_trace (self, run->trace));
}

/* Whether the run failed before any worker had it: the pool has no worker for it. */
static gboolean
was_not_begun (const FerryRun *run)
{
  return run->state == FERRY_TASK_STATE_FAILED && run->start_time == 0 &&
         !g_error_matches (run->error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
}

static void
run_ending (gpointer owner)
{
  FerryHostRun *self = owner;

  ferry_timers_unset (self->run.source->limits, &self->force_timer);
  ferry_timers_unset (get_timers (self), &self->pace_timer);
}

static void
run_ended (gpointer owner, FerryTaskState was)
{
  FerryHostRun *self = owner;

  self->state = FERRY_HOST_RUN_ENDED;
  /* A cancel of the application may be on its way. */
  if (self->run.is_committed)
    put (self, FERRY_COMMITTED, g_variant_new ("()"));
  if (self->run.state == FERRY_TASK_STATE_COMPLETED)
    set_end (self, g_steal_pointer (&self->run.result), NULL, NULL);
  else if (was_not_begun (&self->run))
    ferry_host_run_refuse (self, self->run.error);
  else
    end_with_error (self);
  leave_line (self);
}

/* ---- the run ---- */

static gpointer
run_ref (gpointer owner)
{
  return ferry_host_run_ref (owner);
}

static const FerryRunFuncs run_funcs = {
  .ref = run_ref,
  .unref = unref_run,
  .get_name = run_get_name,
  .started = run_started,
  .pid_changed = run_ignore,
  .progressed = run_progressed,
  .sent = run_sent,
  .yielded = run_yielded,
  .returned = run_ignore,
  .ending = run_ending,
  .ended = run_ended,
};

static void
set_up_run (FerryHostRun *self)
{
  const FerryRunRequest *request = &self->request;
  FerryTaskSettings *settings = &self->request.settings;

  self->run.kind = request->kind;
  self->run.function = request->function;
  self->run.arguments = request->arguments;
  self->run.settings = settings;
  self->run.n_attempts = request->attempt - 1;
  settings->window = WINDOW;
  if (settings->deadline > 0)
    settings->deadline = ferry_time_add (self->came_at, settings->deadline);
}

static gboolean
submit (FerryHostRun *self, FerryHostSource *source, GError **error)
{
  if (!ferry_runner_check (source->runner, error))
    return FALSE;
  if (!ferry_router_get_running (source->router))
    return ferry_set_error (error, FERRY_ERROR_NOT_RUNNING, "The host's router is not running");
  self->run.source = &source_ref (source)->source;
  self->run.submit_time = self->run.waits_since = g_get_monotonic_time ();
  ferry_run_wait (ferry_run_ref (&self->run), FALSE);
  ferry_runner_schedule (source->runner);
  return TRUE;
}

void
ferry_host_run_start (FerryHostRun *self, FerryHostSource *source)
{
  g_autoptr (GError) error = NULL;

  set_up_run (self);
  self->state = FERRY_HOST_RUN_RUNNING;
  if (!submit (self, source, &error))
    {
      ferry_host_run_refuse (self, error);
      return;
    }
  self->process_due = g_get_monotonic_time () + PROCESS_TIME;
  note_owing (self);
}

static void
time_to_end_is_over (gpointer data)
{
  FerryHostRun *self = data;
  g_autoptr (FerryHostSource) kept G_GNUC_UNUSED = ref_source (&self->run);

  ferry_run_abandon (&self->run, g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                                              "Task '%s' had not ended in time after the session of its application",
                                              self->request.name));
}

void
ferry_host_run_stop (FerryHostRun *self, gint64 time)
{
  g_autoptr (FerryHostRun) kept G_GNUC_UNUSED = ferry_host_run_ref (self);

  if (ferry_timer_is_set (&self->force_timer))
    return;
  cancel (self);
  if (!is_submitted (self))
    return;
  ferry_timers_set (self->run.source->limits, &self->force_timer, ferry_deadline_after (time), time_to_end_is_over,
                    self);
  if (time < self->run.settings->cancel_grace)
    ferry_host_run_hurry (self, time);
}

void
ferry_host_run_set_paused (FerryHostRun *self, gboolean paused)
{
  g_autoptr (FerryHostSource) source = NULL;

  if (self->run.paused == paused || self->run.state > FERRY_TASK_STATE_EXECUTING)
    return;
  self->run.paused = paused;
  if (!is_submitted (self))
    return;
  source = ref_source (&self->run);
  ferry_run_note_pause (&self->run);
  ferry_runner_schedule (source->runner);
}

/* ---- what the call tells ---- */

/* Implements the function of a window. Drops the reference of that function. */
static void
take_window (gpointer data)
{
  note_owing (data);
  ferry_host_run_unref (data);
}

static void
hold (gpointer data)
{
  ferry_host_run_ref (data);
}

/* The application signals nothing more of a task that it has cancelled, so it opens no window for what was yielded. */
static void
drop_yielded (FerryHostRun *self)
{
  for (GList *link = self->out.head, *next; link != NULL; link = next)
    {
      next = link->next;
      if (((Out *) link->data)->name != NULL)
        continue;
      out_free (link->data);
      g_queue_delete_link (&self->out, link);
    }
  note_owing (self);
}

static void
take_cancel (FerryCall *call, gpointer data)
{
  FerryHostRun *self = data;

  g_autoptr (GError) reason = NULL;

  drop_yielded (self);
  if (self->state >= FERRY_HOST_RUN_RUNNING)
    {
      cancel (self);
      return;
    }
  reason = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                        "Task %" G_GUINT64_FORMAT " was cancelled before it was begun", self->request.id);
  ferry_host_run_refuse (self, reason);
}

void
ferry_host_run_listen (FerryHostRun *self)
{
  ferry_call_attach (self->call, ferry_host_run_ref (self), unref_run);
  if (self->request.kind == FERRY_TASK_KIND_ITERATION)
    ferry_call_set_window_func (self->call, take_window, hold, self);
  ferry_call_set_cancel_func (self->call, take_cancel, self);
}

/* Drops the call, which has a reference to the run. */
static void
drop_call (FerryHostRun *self)
{
  g_autoptr (FerryHostRun) kept G_GNUC_UNUSED = ferry_host_run_ref (self);
  g_autoptr (FerryCall) call = g_steal_pointer (&self->call);

  if (call == NULL)
    return;
  ferry_call_set_cancel_func (call, NULL, NULL);
  ferry_call_set_window_func (call, NULL, NULL, NULL);
  clear_out (self);
}

void
ferry_host_run_detach (FerryHostRun *self)
{
  self->session = NULL;
  if (self->call != NULL)
    ferry_call_drop (self->call);
  drop_call (self);
}

/* ---- sending ---- */

static gboolean
is_blocked (const GError *error)
{
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
}

/* Sends one value. Returns FALSE if it must wait; blocked: set if that is for the transport. */
static gboolean
send_out (FerryHostRun *self, const Out *out, gboolean *blocked)
{
  g_autoptr (GError) error = NULL;
  gboolean sent;

  if (out->name == NULL && ferry_call_get_window (self->call) == 0 &&
      (ferry_call_get_flags (self->call) & FERRY_CALL_STREAM) != 0)
    return FALSE;
  sent = out->name != NULL ? ferry_call_send_value (self->call, out->name, out->value, &error)
                           : ferry_call_send_item (self->call, out->value, &error);
  *blocked = is_blocked (error);
  if (sent || *blocked)
    return sent;
  if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED))
    {
      set_end (self, NULL, g_steal_pointer (&error), NULL);
      cancel (self);
    }
  return TRUE;
}

/* Returns FALSE if something must wait. */
static gboolean
send_all_out (FerryHostRun *self, gboolean *blocked)
{
  Out *out;

  while ((out = g_queue_peek_head (&self->out)) != NULL)
    {
      if (!send_out (self, out, blocked))
        return FALSE;
      g_queue_pop_head (&self->out);
      self->out_size -= out->cost;
      if (out->name == NULL)
        ferry_run_widen_window (&self->run, 1);
      out_free (out);
    }
  return TRUE;
}

static gboolean
send_progress (FerryHostRun *self, gint64 now)
{
  g_autoptr (GError) error = NULL;

  self->progress->fraction = self->run.fraction;
  if (!ferry_call_send_value (self->call, FERRY_PROGRESS_VALUE, ferry_run_progress_to_variant (self->progress),
                              &error) &&
      is_blocked (error))
    return FALSE;
  self->has_progress = FALSE;
  self->progress_due = now + PROGRESS_INTERVAL;
  return TRUE;
}

/* Tells which process runs the function, for the error of a task that is lost with this host. Returns FALSE if the
 * transport has no room. */
static gboolean
send_process (FerryHostRun *self, gint64 now)
{
  g_autoptr (GError) error = NULL;
  GPid process;

  if (self->process_due == 0 || now < self->process_due)
    return TRUE;
  if (self->run.start_time == 0)
    {
      self->process_due = now + PROCESS_TIME;
      return TRUE;
    }
  process = self->run.pid;
  if (process > 0 &&
      !ferry_call_send_value (self->call, FERRY_PROCESS_VALUE, g_variant_new_uint64 ((guint64) process), &error) &&
      is_blocked (error))
    return FALSE;
  self->process_due = 0;
  return TRUE;
}

static void
pace_is_over (gpointer data)
{
  note_owing (data);
}

/* Lets the run be flushed again when something that waits for its time may be sent. */
static void
set_pace (FerryHostRun *self)
{
  gint64 due = self->has_progress ? self->progress_due : G_MAXINT64;

  due = self->process_due > 0 ? MIN (due, self->process_due) : due;
  if (due < G_MAXINT64 && (!ferry_timer_is_set (&self->pace_timer) || self->pace_timer.deadline.time > due))
    ferry_timers_set (get_timers (self), &self->pace_timer, due, pace_is_over, self);
}

/* Sends the end. Returns FALSE if the transport has no room. */
static gboolean
send_end (FerryHostRun *self)
{
  g_autoptr (GError) error = NULL;

  if (self->is_refused)
    ferry_call_refuse (self->call, self->failure, &error);
  else if (self->failure != NULL)
    ferry_call_answer_error (self->call, self->failure, self->trace, NULL, &error);
  else
    ferry_call_answer (self->call, self->result, &error);
  if (error == NULL || g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED))
    return TRUE;
  if (is_blocked (error))
    return FALSE;
  if (self->failure != NULL)
    {
      g_debug ("The end of run %" G_GUINT64_FORMAT " was not sent: %s", self->xid, error->message);
      return TRUE;
    }
  /* The result cannot be sent, so the application is told why. */
  self->failure = g_steal_pointer (&error);
  return send_end (self);
}

gboolean
ferry_host_run_flush (FerryHostRun *self, gint64 now)
{
  gboolean blocked = FALSE;

  if (self->call == NULL)
    return TRUE;
  if (!send_all_out (self, &blocked))
    return !blocked;
  if (self->has_progress && !self->is_refused && (self->has_end || now >= self->progress_due) &&
      !send_progress (self, now))
    return FALSE;
  if (self->has_end ? !send_end (self) : !send_process (self, now))
    return FALSE;
  if (self->has_end)
    drop_call (self);
  else
    set_pace (self);
  return TRUE;
}
