/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run: what is run, how it stands, and what all sources and destinations do with it.
 *
 * A task has one, and so has what a host does for an application. What may happen to it next, pool/ferry-task-rules.c
 * says.
 *
 * A run is submitted to a source, and waits in its queue. A runner sends it to a destination, where it is in flight.
 * Then it has ended, or returns to the front of its queue. Its owner is told each step by a table of functions.
 *
 * A function that tells a run of an event looks the event up in the table of states. If the table refuses the event,
 * the function changes nothing and returns FALSE. Else it tells the owner before it returns. The owner may call any
 * function: cancel the run, submit others, or drop the last reference.
 *
 * Owner:   what asked for the run has it as a part. A reference to the run is one to its owner.
 * Threads: the router's, unless a comment says otherwise. */

#include "config.h"

#include "pool/ferry-run-private.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "job/ferry-function-private.h"
#include "pool/ferry-runner-private.h"
#include "pool/ferry-task-queue-private.h"
#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-task-call-private.h"

/* The end of each error of a limit of time. */
#define LIMIT_ADVICE "give it less to do, or more time"

/* ---- the record ---- */

FerryWaitQueue ferry_run_waits = FERRY_WAIT_QUEUE_INIT;

void
ferry_run_init (FerryRun *self, const FerryRunFuncs *funcs, gpointer owner)
{
  self->funcs = funcs;
  self->owner = owner;
  self->settings = &ferry_default_task_settings;
  self->fraction = -1;
  self->pid = 0;
  self->link.data = self;
}

void
ferry_run_clear (FerryRun *self)
{
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->error);
  g_clear_error (&self->late_error);
  g_clear_pointer (&self->unfinished, g_free);
  g_clear_error (&self->limit_error);
  g_clear_object (&self->exit);
  g_free (self->trace);
}

/* ---- events ---- */

/* Whether another thread has asked for a cancel, and the router's thread has not cancelled the run yet. */
static gboolean
is_cancel_due (const FerryRun *self)
{
  /* Acquire: makes visible what was written before the cancel. */
  return self->state == FERRY_TASK_STATE_EXECUTING && atomic_load_explicit (&self->asked, memory_order_acquire) != 0;
}

gboolean
ferry_run_still_reports (const FerryRun *self)
{
  return self->state == FERRY_TASK_STATE_EXECUTING && !is_cancel_due (self);
}

/* Looks an event up in the table. While a cancel is due, an event of the worker is looked up for the state CANCELLING,
 * so that nothing is told after the cancel. What a function returns that had committed before it heard of the cancel is
 * looked up as if there were none. Other events are looked up for the state that the application sees. */
static const FerryTaskTransition *
look_up (const FerryRun *self, FerryTaskEvent event)
{
  static const FerryTaskTransition ignored = {.step = FERRY_TASK_STEP_IGNORED};
  gboolean is_of_worker = event >= FERRY_TASK_EVENT_PROGRESS && event <= FERRY_TASK_EVENT_LOST;

  if (is_of_worker && self->leaves_worker)
    return &ignored;
  if (self->is_committed && (event == FERRY_TASK_EVENT_RESULT || event == FERRY_TASK_EVENT_ERROR) &&
      !ferry_run_get_done (self))
    return ferry_task_state_next (FERRY_TASK_STATE_EXECUTING, event);
  return ferry_task_state_next (
    is_of_worker && is_cancel_due (self) ? FERRY_TASK_STATE_CANCELLING : ferry_run_get_state (self), event);
}

static void
set_state (FerryRun *self, FerryTaskState state)
{
  /* Release: makes the end visible to another thread that reads a done state. */
  atomic_store_explicit (&self->state, (guint8) state, memory_order_release);
}

/* Sets all fields for the end of the run, the state last: any thread may read a task that is done. */
static void
close_run (FerryRun *self, const FerryTaskTransition *transition)
{
  FerryTaskState state = transition->next;

  if (state == FERRY_TASK_STATE_CANCELLED && self->limit_error != NULL)
    {
      self->error = g_steal_pointer (&self->limit_error);
      state = FERRY_TASK_STATE_FAILED;
    }
  if (self->funcs->ending != NULL)
    self->funcs->ending (self->owner);
  self->leaves_worker = transition->leaves_worker;
  self->paused = FALSE;
  if (self->end_time == 0)
    self->end_time = g_get_monotonic_time ();
  self->fraction = state == FERRY_TASK_STATE_COMPLETED ? 1 : MAX (self->fraction, 0);
  set_state (self, state);
}

/* was: the state before the end. */
static void
tell_ended (FerryRun *self, FerryTaskState was)
{
  if (self->keeper != NULL)
    self->keeper->funcs->ended (self->keeper, self);
  self->funcs->ended (self->owner, was);
}

/* ---- the list of a keeper ---- */

static G_DEFINE_QUARK (ferry - run - keeper, keeper)

void
ferry_run_keeper_init (FerryRunKeeper *self)
{
  g_object_set_qdata (G_OBJECT (self->list), keeper_quark (), self);
}

FerryRunKeeper *
ferry_run_keeper_of (GListModel *list)
{
  return g_object_get_qdata (G_OBJECT (list), keeper_quark ());
}

/* ---- ends that a keeper holds ----
 *
 * A run that has ended and is held has a destination that does nothing, and the state of one that goes on. */

static void
ignore (FerryTaskDestination *self, FerryRun *run)
{
}

static void
ignore_window (FerryTaskDestination *self, FerryRun *run, guint n)
{
}

static void
ignore_time (FerryTaskDestination *self, FerryRun *run, gint64 grace)
{
}

static void
tell_at_once (FerryTaskDestination *self, FerryRun *run)
{
  ferry_run_tell_end (run);
}

static const FerryTaskDestinationFuncs held_funcs = {
  .take_back = ignore,
  .add_window = ignore_window,
  .cancel = ignore,
  .give_time = ignore_time,
  .force = tell_at_once,
  .pause_changed = ignore,
};

static FerryTaskDestination held = {.funcs = &held_funcs};

/* Its time stands still: how long it is kept does not count. */
static void
set_held (FerryRun *self, const FerryTaskTransition *transition)
{
  self->end_held = transition;
  self->end_time = g_get_monotonic_time ();
  self->source->held += MAX (self->fraction, 0);
  self->destination = &held;
}

/* Whether the keeper of a run that a worker has begun stores its end before anybody is told. */
static gboolean
hold_end (FerryRun *self, const FerryTaskTransition *transition)
{
  gboolean has_timed_out = transition->next == FERRY_TASK_STATE_CANCELLED && self->limit_error != NULL;

  if (self->keeper == NULL || self->state == FERRY_TASK_STATE_WAITING)
    return FALSE;
  set_held (self, transition);
  self->keeper->funcs->hold (self->keeper, self, has_timed_out ? FERRY_TASK_STATE_FAILED : transition->next);
  return TRUE;
}

static void
finish (FerryRun *self, const FerryTaskTransition *transition)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (self);
  FerryTaskState was = ferry_run_get_state (self);

  if (hold_end (self, transition))
    return;
  close_run (self, transition);
  tell_ended (self, was);
}

/* Tells the source of a run at a destination that it has ended, unless its end is held. */
static void
leave_source (FerryRun *self)
{
  if (self->end_held == NULL)
    self->source->done (self->source, self);
}

void
ferry_run_tell_end (FerryRun *self)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = NULL;
  const FerryTaskTransition *transition = g_steal_pointer (&self->end_held);
  FerryTaskState was = ferry_run_get_state (self);

  if (transition == NULL)
    return;
  kept = ferry_run_ref (self);
  self->source->held -= MAX (self->fraction, 0);
  self->destination = NULL;
  close_run (self, transition);
  tell_ended (self, was);
  self->source->done (self->source, self);
}

void
ferry_run_take_up_again (FerryRun *self)
{
  self->source->held -= MAX (self->fraction, 0);
  self->destination = NULL;
  self->end_held = NULL;
  self->is_committed = TRUE;
  self->n_attempts++;
  self->start_time = g_get_monotonic_time ();
}

void
ferry_run_lose_end (FerryRun *self, const GError *why)
{
  if (self->end_held == NULL)
    return;
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->limit_error);
  g_clear_error (&self->error);
  self->error = g_error_new (why->domain, why->code, "How task '%s' has ended could not be stored. %s",
                             ferry_run_get_name (self), why->message);
  self->end_held = ferry_task_state_next (FERRY_TASK_STATE_EXECUTING, FERRY_TASK_EVENT_ERROR);
  ferry_run_tell_end (self);
}

gboolean
ferry_run_start (FerryRun *self, GPid pid, const char *host_name)
{
  const FerryTaskTransition *transition = look_up (self, FERRY_TASK_EVENT_START);

  if (transition->step != FERRY_TASK_STEP_TAKEN)
    return FALSE;
  set_state (self, transition->next);
  self->never_begun = FALSE;
  self->n_starts++;
  self->n_attempts++;
  self->pid = pid;
  self->start_time = g_get_monotonic_time ();
  self->funcs->started (self->owner, host_name);
  return TRUE;
}

void
ferry_run_take_pid (FerryRun *self, GPid pid)
{
  if (self->pid == pid)
    return;
  self->pid = pid;
  if (ferry_run_still_reports (self))
    self->funcs->pid_changed (self->owner);
}

/* A progress bar must not go back: during an attempt the fraction does not fall, but where one that is in the sum was
 * taken back. It may be taken back itself, for good. */
static void
set_fraction (FerryRun *self, const FerryProgress *progress)
{
  double fraction = progress->fraction;

  if (fraction == FERRY_FRACTION_TAKEN_BACK)
    self->fraction = fraction;
  if (self->fraction == FERRY_FRACTION_TAKEN_BACK)
    return;
  if (!(fraction >= 0) && progress->total > 0)
    fraction = (double) progress->amount / (double) progress->total;
  if ((fraction > self->fraction && self->fraction < 1) || progress->may_fall)
    self->fraction = CLAMP (fraction, 0, 1);
}

gboolean
ferry_run_take_progress (FerryRun *self, const FerryProgress *progress)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (self);
  FerryTaskStep step = look_up (self, FERRY_TASK_EVENT_PROGRESS)->step;
  double before = self->fraction;

  if (step != FERRY_TASK_STEP_TAKEN)
    return step == FERRY_TASK_STEP_IGNORED;
  self->heard = g_get_monotonic_time ();
  set_fraction (self, progress);
  self->funcs->progressed (self->owner, progress, before);
  return TRUE;
}

gboolean
ferry_run_take_message (FerryRun *self, const char *type, GVariant *value)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (self);
  g_autoptr (GVariant) sunk = value != NULL ? g_variant_ref_sink (value) : NULL;
  FerryTaskStep step = look_up (self, FERRY_TASK_EVENT_MESSAGE)->step;

  if (step == FERRY_TASK_STEP_TAKEN)
    {
      self->heard = g_get_monotonic_time ();
      self->funcs->sent (self->owner, type, sunk);
    }
  return step != FERRY_TASK_STEP_REFUSED;
}

/* Also of a run that is being cancelled, or whose time is over. */
void
ferry_run_take_partial_result (FerryRun *self, GVariant *value)
{
  if (value != NULL && !ferry_run_get_done (self) && self->funcs->took_part != NULL)
    self->funcs->took_part (self->owner, value);
}

gboolean
ferry_run_take_yield (FerryRun *self, GVariant *value)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (self);
  g_autoptr (GVariant) sunk = g_variant_ref_sink (value);
  FerryTaskStep step = look_up (self, FERRY_TASK_EVENT_YIELD)->step;

  if (step == FERRY_TASK_STEP_TAKEN)
    {
      self->heard = g_get_monotonic_time ();
      self->funcs->yielded (self->owner, sunk);
    }
  return step != FERRY_TASK_STEP_REFUSED;
}

gboolean
ferry_run_complete (FerryRun *self, GVariant *result)
{
  g_autoptr (GVariant) sunk = result != NULL ? g_variant_ref_sink (result) : NULL;
  const FerryTaskTransition *transition;

  if (self->end_held != NULL)
    return FALSE;
  transition = look_up (self, FERRY_TASK_EVENT_RESULT);
  if (transition->step == FERRY_TASK_STEP_IGNORED)
    self->leaves_worker = FALSE;
  if (transition->step != FERRY_TASK_STEP_TAKEN)
    return transition->step == FERRY_TASK_STEP_IGNORED;
  if (transition->next == FERRY_TASK_STATE_COMPLETED)
    {
      self->result = g_steal_pointer (&sunk);
      self->timed_out = FALSE;
    }
  finish (self, transition);
  return TRUE;
}

/* Logs an error of a run that was cancelled or has timed out, and keeps the first such error. */
static void
note_late_error (FerryRun *self, const GError *error, const char *trace)
{
  gboolean expected = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);

  if (self->late_error == NULL)
    self->late_error = ferry_error_copy (error);
  g_log_structured (G_LOG_DOMAIN, expected ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_INFO, "FERRY_TASK",
                    ferry_run_get_name (self), "FERRY_FUNCTION", self->function, "FERRY_ERROR_DOMAIN",
                    g_quark_to_string (error->domain), "FERRY_TRACE", trace != NULL ? trace : "", "MESSAGE",
                    "Task '%s' failed after it was cancelled or had timed out: %s", ferry_run_get_name (self),
                    error->message);
}

void
ferry_run_take_unfinished (FerryRun *self, GVariant *files)
{
  const char *names = g_variant_is_of_type (files, G_VARIANT_TYPE_STRING) ? g_variant_get_string (files, NULL) : "";

  g_free (self->unfinished);
  self->unfinished = names[0] != '\0' ? g_strdup (names) : NULL;
}

const char *
ferry_run_get_unfinished (const FerryRun *self, FerryExit *exit)
{
  return exit != NULL && ferry_exit_get_signal (exit) == SIGTERM ? NULL : self->unfinished;
}

char *
ferry_run_describe_unfinished (const FerryRun *self, FerryExit *exit)
{
  const char *names = ferry_run_get_unfinished (self, exit);

  return names != NULL ? g_strdup_printf (". Until then, %s may be incomplete", names) : g_strdup ("");
}

/* Whether the process ended itself for want of memory, as GLib, C++ and Rust do: its last line says so. */
static gboolean
lacked_memory (FerryExit *exit)
{
  static const char *const sayings[] = {"failed to allocate", "std::bad_alloc", "memory allocation of"};
  g_auto (GStrv) lines = NULL;
  guint n_lines;

  if (ferry_exit_get_signal (exit) != SIGABRT && ferry_exit_get_signal (exit) != SIGTRAP)
    return FALSE;
  g_object_get (exit, "last-lines", &lines, NULL);
  n_lines = g_strv_length (lines);
  for (guint i = 0; n_lines > 0 && i < G_N_ELEMENTS (sayings); i++)
    if (strstr (lines[n_lines - 1], sayings[i]) != NULL)
      return TRUE;
  return FALSE;
}

void
ferry_run_note_loss (const FerryRun *self, FerryExit *exit, GError *error)
{
  gboolean was_killed = exit != NULL && ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_KILLED;
  FerryErrorCause cause = {.signal = was_killed ? ferry_exit_get_signal (exit) : 0,
                           .lacked_memory = was_killed && lacked_memory (exit),
                           .files = ferry_run_get_unfinished (self, exit)};

  ferry_error_set_cause (error, &cause);
}

GError *
ferry_destination_new_run_error (FerryRun *run)
{
  const gint64 timeout = run->settings->run_timeout;
  FerryErrorCause cause = {.limit = timeout};
  GError *error;

  /* What has the run of a host is its application, which has the words for its users. */
  if (!run->is_task)
    return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, FERRY_JOB_LATE_MESSAGE);

  if (ferry_task_rules_missed_deadline (run->settings, timeout, g_get_monotonic_time ()))
    return g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                        "Task '%s' was stopped, since it was still running at its deadline; " LIMIT_ADVICE,
                        ferry_run_get_name (run));
  error = g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                       "Task '%s' was stopped, since it ran for longer than its limit of %.15g s; " LIMIT_ADVICE,
                       ferry_run_get_name (run), (double) timeout / G_USEC_PER_SEC);
  ferry_error_set_cause (error, &cause);
  return error;
}

/* Whether a function has returned since it had heard of its limit of time. */
static gboolean
is_late (const GError *error)
{
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT) &&
         g_str_has_prefix (error->message, FERRY_JOB_LATE_MESSAGE);
}

const char *
ferry_run_get_addition (const GError *error)
{
  static const char *const messages[] = {FERRY_JOB_CANCELLED_MESSAGE "; ", FERRY_JOB_LATE_MESSAGE "; "};
  const char *advice = NULL;

  for (guint i = 0; error != NULL && i < G_N_ELEMENTS (messages); i++)
    if (g_str_has_prefix (error->message, messages[i]))
      return error->message + strlen (messages[i]) - strlen ("; ");
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    advice = strstr (error->message, LIMIT_ADVICE "; ");
  return advice != NULL ? advice + strlen (LIMIT_ADVICE) : "";
}

/* Puts what a function has added to one error behind another. */
static void
add_to_error (GError *error, const GError *of_function)
{
  g_autofree char *message = error->message;

  error->message = g_strconcat (message, ferry_run_get_addition (of_function), NULL);
}

/* A function that has heard of its limit of time, and has returned, has the error of that limit. */
static void
translate_error (FerryRun *self, GError **error)
{
  g_autoptr (GError) of_function = NULL;

  if (*error == NULL || !self->is_task || !is_late (*error))
    return;
  of_function = g_steal_pointer (error);
  *error = ferry_destination_new_run_error (self);
  add_to_error (*error, of_function);
}

/* The run that executes has to end: tells its owner. */
static void
begin_cancelling (FerryRun *self)
{
  gboolean was_paused = self->paused;

  self->paused = FALSE;
  set_state (self, FERRY_TASK_STATE_CANCELLING);
  if (self->keeper != NULL)
    self->keeper->funcs->cancelling (self->keeper, self);
  if (self->funcs->cancelling != NULL)
    self->funcs->cancelling (self->owner, was_paused);
}

/* (transfer full) (nullable): a trace with the name that people know the function by. */
static char *
dup_trace (FerryRun *self, const char *trace)
{
  const char *shown = ferry_run_get_shown_function (self);
  g_autofree char *place = NULL;
  g_autofree char *shown_place = NULL;
  GString *text;

  if (trace == NULL || shown == self->function)
    return g_strdup (trace);
  place = g_strdup_printf ("in function '%s' of process ", self->function);
  shown_place = g_strdup_printf ("in function '%s' of process ", shown);
  text = g_string_new (trace);
  g_string_replace (text, place, shown_place, 0);
  return g_string_free (text, FALSE);
}

gboolean
ferry_run_fail (FerryRun *self, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (self);
  g_autoptr (GError) owned = error;
  const FerryTaskTransition *transition;
  gboolean fails;

  if (self->end_held != NULL)
    return FALSE;
  transition = look_up (self, event);
  fails = transition->step == FERRY_TASK_STEP_TAKEN && transition->next == FERRY_TASK_STATE_FAILED;
  if (transition->step == FERRY_TASK_STEP_REFUSED)
    return FALSE;
  g_return_val_if_fail (owned != NULL || (!fails && event != FERRY_TASK_EVENT_RUN_TIMEOUT), FALSE);
  if (event == FERRY_TASK_EVENT_RUN_TIMEOUT && transition->step == FERRY_TASK_STEP_TAKEN)
    {
      self->timed_out = TRUE;
      self->limit_error = g_steal_pointer (&owned);
      begin_cancelling (self);
      return TRUE;
    }
  if (!fails && owned != NULL)
    note_late_error (self, owned, trace);
  if (self->limit_error != NULL && owned != NULL)
    add_to_error (self->limit_error, owned);
  if (!fails && (event == FERRY_TASK_EVENT_ERROR || event == FERRY_TASK_EVENT_LOST))
    self->leaves_worker = FALSE;
  if (transition->step != FERRY_TASK_STEP_TAKEN)
    return TRUE;
  if (exit != NULL)
    self->exit = g_object_ref (exit);
  if (fails || self->limit_error != NULL || exit != NULL)
    self->trace = dup_trace (self, trace);
  if (fails)
    {
      self->timed_out = event == FERRY_TASK_EVENT_ERROR && is_late (owned);
      translate_error (self, &owned);
      self->error = g_steal_pointer (&owned);
    }
  finish (self, transition);
  return TRUE;
}

gboolean
ferry_run_has_default_settings (const FerryRun *self)
{
  return self->settings == &ferry_default_task_settings ||
         memcmp (self->settings, &ferry_default_task_settings, sizeof ferry_default_task_settings) == 0;
}

gint64
ferry_run_get_cancel_grace (const FerryRun *self)
{
  const gint64 grace = self->settings->cancel_grace;

  return self->runs_programs && grace == FERRY_DEFAULT_CANCEL_GRACE ? FERRY_PROGRAMS_CANCEL_GRACE : grace;
}

gboolean
ferry_run_give_back (FerryRun *self)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (self);
  /* Uses the state itself and not look_up(), so that the source can know beforehand whether this call ends the run. If
   * a cancel is due, the run waits again, and is then cancelled. */
  const FerryTaskTransition *transition = ferry_task_state_next (ferry_run_get_state (self), FERRY_TASK_EVENT_RETURN);

  if (transition->step != FERRY_TASK_STEP_TAKEN)
    return FALSE;
  self->n_attempts -= self->never_begun;
  if (transition->next >= FERRY_TASK_STATE_COMPLETED)
    {
      finish (self, transition);
      return TRUE;
    }
  set_state (self, transition->next);
  self->pid = 0;
  self->start_time = 0;
  self->is_committed = FALSE;
  g_clear_pointer (&self->unfinished, g_free);
  /* If the fraction was known, it starts at 0 again. The next attempt may know what this one has taken back. */
  self->fraction = self->fraction >= 0 ? 0 : -1;
  self->funcs->returned (self->owner);
  return TRUE;
}

/* ---- limits of time ---- */

gint64
ferry_destination_get_run_deadline (const FerryRun *run)
{
  gint64 timeout = run->settings->run_timeout;

  return ferry_task_rules_get_limit (run->settings, timeout > 0 ? g_get_monotonic_time () : 0, timeout);
}

void
ferry_destination_set_limit (FerryRun *run, gint64 deadline, void (*func) (gpointer run))
{
  if (deadline > 0)
    ferry_timers_set (run->source->limits, &run->timer, deadline, func, run);
  else
    ferry_timers_unset (run->source->limits, &run->timer);
}

void
ferry_run_hold_limit (FerryRun *self, void (*func) (gpointer run))
{
  gint64 deadline = self->settings->deadline;

  self->time_left = 0;
  if (ferry_timer_is_set (&self->timer) && self->timer.deadline.time != deadline)
    self->time_left = MAX (self->timer.deadline.time - g_get_monotonic_time (), 1);
  ferry_destination_set_limit (self, deadline, func);
}

gint64
ferry_run_resume_limit (FerryRun *self, void (*func) (gpointer run))
{
  gint64 deadline = ferry_task_rules_get_limit (self->settings, g_get_monotonic_time (), self->time_left);

  self->time_left = 0;
  ferry_destination_set_limit (self, deadline, func);
  return deadline;
}

void
ferry_destination_time_out (FerryRun *run, GError *error)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (run);

  if (ferry_run_get_state (run) == FERRY_TASK_STATE_EXECUTING)
    ferry_run_fail (run, FERRY_TASK_EVENT_RUN_TIMEOUT, error, NULL, NULL);
  else
    g_error_free (error);
}

/* ---- a destination gets a run, and loses it ---- */

gboolean
ferry_destination_is_for_good (const GError *error)
{
  return !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK) &&
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_BUSY) &&
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

void
ferry_destination_fail_unsendable (FerryRun *run, GError *error)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (run);

  ferry_task_queue_remove (&run->source->queue, run);
  ferry_timers_unset (run->source->limits, &run->timer);
  ferry_destination_fail (run, FERRY_TASK_EVENT_REFUSE, error, NULL, NULL);
}

void
ferry_destination_take (FerryRun *run, FerryTaskDestination *destination, GQueue *in_flight, guint64 xid)
{
  ferry_task_queue_remove (&run->source->queue, ferry_run_ref (run));
  run->destination = destination;
  run->xid = xid;
  run->n_consumed = 0;
  g_queue_push_tail_link (in_flight, &run->link);
}

FerryRun *
ferry_destination_let_go (FerryRun *run, GQueue *in_flight, FerryTimers *limits)
{
  g_queue_unlink (in_flight, &run->link);
  ferry_timers_unset (limits, &run->timer);
  run->destination = NULL;
  run->xid = 0;
  return run;
}

void
ferry_destination_start (FerryRun *run, GPid pid, const char *host_name)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (run);
  const FerryTaskDestination *destination = run->destination;

  /* started() runs callbacks of submissions that waited for room in the executor. These callbacks may cancel the run,
   * and then this function is called for it recursively. */
  if (!run->executing)
    {
      run->executing = TRUE;
      if (run->source->started != NULL)
        run->source->started (run->source, run);
    }
  if (run->destination == destination)
    ferry_run_start (run, pid, host_name);
}

void
ferry_destination_add_window (FerryRun *run, FerryTransport *calls, guint n)
{
  run->n_consumed += n;
  if (run->n_consumed >= MAX (run->settings->window / 2, 1) &&
      ferry_transport_add_window (calls, run->xid, run->n_consumed, NULL))
    run->n_consumed = 0;
}

/* ---- a source has runs that wait, and ends them ---- */

gboolean
ferry_run_take_back (FerryRun *self)
{
  while (self->state == FERRY_TASK_STATE_WAITING && self->destination != NULL)
    self->destination->funcs->take_back (self->destination, self);
  return self->state == FERRY_TASK_STATE_WAITING;
}

static void
look_at_rests (FerryTaskSource *source, gint64 time)
{
  if (!ferry_timer_is_set (&source->rest_timer) || source->rest_timer.deadline.time > time)
    ferry_timers_set (source->limits, &source->rest_timer, time, source->rest_over, source);
}

/* The queue of its keeper may have it by now. */
static void
end_rest (FerryRun *self, FerryTaskSource *source)
{
  if (self->rest_until == 0 || self->source != source || ferry_run_get_done (self))
    return;
  self->rest_until = 0;
  ferry_task_queue_update_held (&source->queue, self);
  if (self->funcs->rests != NULL)
    self->funcs->rests (self->owner, 0);
}

/* Handlers may cancel any of them. */
void
ferry_run_end_rests (FerryTaskSource *source)
{
  g_autoptr (GPtrArray) rested = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_run_unref);
  gint64 now = g_get_monotonic_time ();

  for (GList *link = source->queue.held.head; link != NULL; link = link->next)
    {
      FerryRun *run = link->data;

      if (run->rest_until > now)
        look_at_rests (source, run->rest_until);
      else if (run->rest_until > 0)
        g_ptr_array_add (rested, ferry_run_ref (run));
    }
  for (guint i = 0; i < rested->len; i++)
    end_rest (rested->pdata[i], source);
}

void
ferry_run_wait (FerryRun *self, gboolean at_front)
{
  FerryTaskSource *source = self->source;
  gint64 expiry = ferry_task_rules_get_expiry (self->settings, self->waits_since);

  /* Nobody begins one that its timer is about to end. */
  self->is_late = expiry > 0 && ferry_task_rules_has_expired (expiry, g_get_monotonic_time ());
  ferry_task_queue_push (&source->queue, self, at_front);
  if (self->rest_until > 0)
    look_at_rests (source, self->rest_until);
  if (expiry > 0)
    ferry_timers_set (source->limits, &self->timer, expiry, source->wait_over, self);
  if (self->paused)
    ferry_run_hold_limit (self, source->wait_over);
}

/* Removes a run from its queue and makes it fail with error. Takes error. */
static void
fail_waiting (FerryRun *self, FerryTaskEvent event, GError *error)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (self);

  ferry_timers_unset (self->source->limits, &self->timer);
  ferry_task_queue_remove (&self->source->queue, self);
  if (ferry_run_fail (self, event, error, NULL, NULL))
    self->source->done (self->source, self);
}

GError *
ferry_run_new_wait_error (FerryRun *self)
{
  const gint64 timeout = self->settings->queue_timeout;

  if (ferry_task_rules_missed_deadline (self->settings, timeout, g_get_monotonic_time ()))
    return g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                        "Task '%s' was not begun before its deadline; let more run at a time, or submit fewer",
                        ferry_run_get_name (self));
  return g_error_new (FERRY_ERROR, FERRY_ERROR_QUEUE_TIMED_OUT,
                      "Task '%s' was not begun within its queue timeout of %" G_GINT64_FORMAT
                      " ms; let more run at a time, or submit fewer",
                      ferry_run_get_name (self), timeout / FERRY_MICROSECONDS_PER_MILLISECOND);
}

void
ferry_run_end_wait (FerryRun *self)
{
  if (ferry_run_take_back (self))
    fail_waiting (self, FERRY_TASK_EVENT_QUEUE_TIMEOUT, ferry_run_new_wait_error (self));
}

void
ferry_run_fail_all_waiting (FerryTaskSource *source, const GError *error)
{
  g_autoptr (GPtrArray) runs = ferry_task_queue_list (&source->queue);

  /* The list excludes runs that are submitted meanwhile. Some of the list may also have ended. */
  for (guint i = 0; i < runs->len; i++)
    {
      FerryRun *run = g_ptr_array_index (runs, i);

      if (!ferry_run_get_done (run) && run->destination == NULL && run->keeper == NULL)
        fail_waiting (run, FERRY_TASK_EVENT_REFUSE, ferry_error_copy (error));
    }
}

void
ferry_run_abandon (FerryRun *self, GError *error)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (self);
  g_autoptr (GError) owned = error;

  if (self->destination != NULL)
    self->destination->funcs->force (self->destination, self);
  if (ferry_run_get_done (self))
    return;
  if (self->destination == NULL)
    fail_waiting (self, FERRY_TASK_EVENT_ABANDON, g_steal_pointer (&owned));
  else if (ferry_run_fail (self, FERRY_TASK_EVENT_ABANDON, g_steal_pointer (&owned), NULL, NULL))
    {
      if (ferry_run_get_done (self))
        self->source->done (self->source, self);
      else
        ferry_run_tell_end (self);
    }
}

/* A run that waits is cancelled, or refused: its keeper stores that, and then it has ended. Until then nobody begins
 * it. */
static void
hold_cancel (FerryRun *self, const FerryTaskTransition *transition)
{
  set_held (self, transition);
  set_state (self, FERRY_TASK_STATE_CANCELLING);
  self->source->cancelled (self->source, self);
  begin_cancelling (self);
  /* A handler may have ended it. */
  if (self->end_held == transition)
    self->keeper->funcs->hold (self->keeper, self,
                               self->limit_error != NULL ? FERRY_TASK_STATE_FAILED : transition->next);
}

void
ferry_run_refuse (FerryRun *self, GError *error)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (self);
  g_autoptr (GError) owned = error;

  if (self->state != FERRY_TASK_STATE_WAITING)
    return;
  self->limit_error = g_steal_pointer (&owned);
  hold_cancel (self, ferry_task_state_next (FERRY_TASK_STATE_WAITING, FERRY_TASK_EVENT_CANCEL));
}

gboolean
ferry_run_cancel (FerryRun *self)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (self);
  const FerryTaskTransition *transition;

  if (self->end_held != NULL)
    return FALSE;
  /* A worker may have begun the run, and the application not know this yet. */
  ferry_run_take_back (self);
  transition = ferry_task_state_next (ferry_run_get_state (self), FERRY_TASK_EVENT_CANCEL);
  if (transition->step != FERRY_TASK_STEP_TAKEN)
    return FALSE;
  if (transition->next == FERRY_TASK_STATE_CANCELLING)
    {
      /* Told before the source is called, which may end the run at once: each state must be told. */
      begin_cancelling (self);
      if (self->state == FERRY_TASK_STATE_CANCELLING)
        self->source->cancelled (self->source, self);
      return TRUE;
    }
  if (self->keeper != NULL)
    {
      hold_cancel (self, transition);
      return TRUE;
    }
  close_run (self, transition);
  /* The source is called before anybody is told, so that handlers find its queue and its counts up to date. */
  if (self->source != NULL)
    self->source->cancelled (self->source, self);
  tell_ended (self, FERRY_TASK_STATE_WAITING);
  return TRUE;
}

void
ferry_run_follow_cancel (FerryRun *self)
{
  if (!ferry_run_get_done (self) && self->end_held == NULL)
    {
      self->destination->funcs->cancel (self->destination, self);
      return;
    }
  ferry_timers_unset (self->source->limits, &self->timer);
  ferry_task_queue_remove (&self->source->queue, self);
  leave_source (self);
}

void
ferry_run_note_pause (FerryRun *self)
{
  FerryTaskSource *source = self->source;

  /* A pause is no silence. */
  if (self->heard != 0)
    self->heard = g_get_monotonic_time ();
  if (self->destination != NULL)
    {
      self->destination->funcs->pause_changed (self->destination, self);
      return;
    }
  ferry_task_queue_update_held (&source->queue, self);
  if (self->paused)
    ferry_run_hold_limit (self, source->wait_over);
  else
    ferry_run_resume_limit (self, source->wait_over);
}

void
ferry_run_widen_window (FerryRun *self, guint n)
{
  if (self->state == FERRY_TASK_STATE_EXECUTING && self->destination != NULL)
    self->destination->funcs->add_window (self->destination, self, n);
}

/* ---- a run ends, or returns to its queue ---- */

void
ferry_destination_fail (FerryRun *run, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit)
{
  if (ferry_run_get_done (run))
    {
      note_late_error (run, error, trace);
      g_error_free (error);
      return;
    }
  if (ferry_run_fail (run, event, error, trace, exit))
    leave_source (run);
}

void
ferry_destination_give_back (FerryRun *run)
{
  FerryTaskSource *source = run->source;
  FerryTaskState state = ferry_run_get_state (run);

  if (ferry_run_get_done (run))
    return;
  if (state == FERRY_TASK_STATE_CANCELLING)
    {
      if (ferry_run_give_back (run))
        leave_source (run);
      return;
    }
  source->give_back (source, run);
  run->executing = FALSE;
  if (state == FERRY_TASK_STATE_EXECUTING)
    ferry_run_give_back (run);
}

void
ferry_destination_give_back_unbegun (FerryRun *run)
{
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (run);

  run->never_begun = ferry_run_get_state (run) != FERRY_TASK_STATE_WAITING && !ferry_run_get_done (run);
  ferry_destination_give_back (run);
  run->never_begun = FALSE;
}

void
ferry_destination_complete (FerryRun *run, GVariant *result)
{
  const FerryFunctionEntry *entry = ferry_function_find (run->function);
  g_autoptr (GVariant) opened = NULL;
  g_autoptr (GError) error = NULL;

  if (ferry_run_get_done (run))
    return;
  if (run->funcs->open_result != NULL && result != NULL)
    result = opened = run->funcs->open_result (run->owner, result, &error);
  if (error == NULL && entry != NULL)
    ferry_function_check_result (entry, result, &error);
  if (error != NULL)
    ferry_destination_fail (run, FERRY_TASK_EVENT_ERROR, g_steal_pointer (&error), NULL, NULL);
  else if (ferry_run_complete (run, result))
    leave_source (run);
}

static GError *
new_deadly_error (FerryRun *run, const char *last)
{
  g_autofree char *arguments = ferry_show_arguments (run->arguments);

  return g_error_new (FERRY_ERROR, FERRY_ERROR_QUARANTINED,
                      "Task '%s' was lost %u times and is not begun again by itself; find out why %s %s fails. The "
                      "last %s",
                      ferry_run_get_name (run), run->n_deaths, ferry_run_get_shown_function (run), arguments, last);
}

/* Logs the end of an attempt that the task has no error and no exit of, since another one follows. */
static void
note_lost_attempt (FerryRun *run, const FerryLoss *loss)
{
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "FERRY_TASK", ferry_run_get_name (run), "FERRY_FUNCTION",
                    run->function, "FERRY_TRACE", loss->trace != NULL ? loss->trace : "", "MESSAGE",
                    "Task '%s' is tried again after attempt %u. The last %s", ferry_run_get_name (run), run->n_attempts,
                    loss->last);
}

/* Tells that the run waits for another attempt, unless it was cancelled meanwhile. */
static void
tell_return (FerryRun *run)
{
  if (run->rest_until > 0 && run->state == FERRY_TASK_STATE_WAITING && run->funcs->rests != NULL)
    run->funcs->rests (run->owner, run->rest_until);
  if (run->state == FERRY_TASK_STATE_WAITING && run->keeper != NULL)
    run->keeper->funcs->returned (run->keeper, run);
}

/* The run waits for another attempt. */
static void
retry (FerryRun *run)
{
  const gint64 now = g_get_monotonic_time ();
  const gint64 rest = ferry_task_rules_get_rest (run->settings, run->n_attempts);

  run->rest_until = rest > 0 ? ferry_time_add (now, rest) : 0;
  run->waits_since = ferry_task_rules_get_wait_start (now, run->rest_until);
  ferry_destination_give_back (run);
  tell_return (run);
}

void
ferry_destination_lose (FerryRun *run, FerryLoss *loss)
{
  g_autoptr (GError) error = g_steal_pointer (&loss->error);
  const FerryTaskLosses losses = {run->n_attempts, ++run->n_deaths, loss->repeats, loss->death_limit};
  const FerryTaskFate fate = ferry_task_rules_judge_loss (run->settings, &losses);

  if (run->state == FERRY_TASK_STATE_EXECUTING && fate == FERRY_TASK_IS_RETRIED && !loss->is_final)
    {
      note_lost_attempt (run, loss);
      retry (run);
    }
  else if (!ferry_run_get_done (run) && fate == FERRY_TASK_IS_SET_ASIDE)
    ferry_destination_fail (run, FERRY_TASK_EVENT_REFUSE, new_deadly_error (run, loss->last), loss->trace, loss->exit);
  else
    ferry_destination_fail (run, FERRY_TASK_EVENT_LOST, g_steal_pointer (&error), loss->trace, loss->exit);
}
