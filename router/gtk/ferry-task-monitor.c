/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What there is to show of a task, as properties: its status, such as that it does not respond, its fraction, speed and
 * texts.
 *
 * Owner:      counted references. A monitor keeps its task, and not its widget.
 * Threads:    the one that runs GTK, which is the router's.
 * Invariants: what a function reports only changes a count, and the values follow when the monitor looks. It looks at
 *             times, so that a flood of reports is no flood of notifications, and when the task begins, is cancelled or
 *             ends, which happens once each. While its widget is not mapped the monitor has no timer, and hears no
 * signal of its task. */

#include "config.h"

#include "gtk/ferry-task-monitor-private.h"

#include "gtk/ferry-gtk-enums.h"
#include "gtk/ferry-pace.h"
#include "gtk/ferry-task-actions-private.h"
#include "gtk/ferry-task-error-private.h"
#include "gtk/ferry-task-words-private.h"
#include "task/ferry-executor-private.h"

#define INTERVAL (FERRY_TASK_MONITOR_INTERVAL_MILLISECONDS * (G_USEC_PER_SEC / 1000))
#define DEFAULT_STALL_TIME (5 * G_USEC_PER_SEC)

/* How long a task that says nothing new may be as fast as before. */
#define PATIENCE (3 * G_USEC_PER_SEC)

/* Of the whole, where a fraction is all that is known. */
#define FRACTION_PARTS 1000000

/* Of the time between two looks so much counts as silence at most: a main loop that is held up hears nothing. */
#define HELD_UP_LIMIT (G_USEC_PER_SEC / 2)

/* What was heard of a task, for all its monitors: views that show it at the same time tell the same silence. */
typedef struct
{
  guint n_watching; /* monitors that hear the task; while there is none, only its run knows when it said something */
  guint64 n_heard;  /* what was heard of the task, and how much of that the last look knew */
  guint64 n_known;
  gint64 heard; /* when something was heard last, see note_silence() */
  gint64 listened;
} Hearing;

/**
 * FerryTaskMonitor:
 *
 * What there is to show of a task, as numbers and as words in the language of the user.
 *
 * The properties of a monitor can be bound to widgets. They change at most ten times a second, however often the
 * function reports. Three changes are told at once: that the task has begun, was cancelled and has ended.
 *
 * A monitor may have a widget, which shows the task. Then the values change within the frames of the widget. While the
 * widget is not mapped nothing is computed.
 *
 * A function reports amounts with a unit, in English. Amounts of the unit `bytes` are shown as sizes, and those of `s`
 * as times. Other units are translated: an application has them in its own catalogue with the context `unit`, as in
 * `NC_("unit", "chapters")`, and the library has the usual ones, such as `files`.
 */
struct _FerryTaskMonitor
{
  GObject parent_instance;

  FerryTask *task;   /* const: (owned) */
  Hearing *hearing;  /* const: (unowned): the task's */
  GtkWidget *widget; /* (nullable): a weak pointer */
  gboolean has_widget;
  GSignalGroup *signals;     /* (nullable): those of the task; without target while nothing is watched */
  FerryTaskOutcome *outcome; /* (owned): the task's */
  FerryPace *pace;           /* (owned) */
  gboolean paces_fraction;   /* not the amount */
  guint64 sampled;           /* what of it the pace was told last */
  gint64 sampled_at;         /* 0: nothing */
  gint64 stall_time;
  gboolean has_bar; /* beside the words */

  gboolean is_watching;
  gboolean has_begun;
  guint timer;
  guint tick;      /* a look that waits for the widget's next frame */
  gboolean is_due; /* something changed since the last look */
  gint64 looked;   /* when the last look was */

  FerryTaskStatus status;
  double fraction;
  gboolean indeterminate;
  char *detail;
  char *pace_text;
  double rate;
  gint64 time_left;
  gint64 elapsed;
  gint64 silence;
};

typedef enum
{
  PROP_TASK = 1,
  PROP_WIDGET,
  PROP_STALL_TIME,
  PROP_STATUS,
  PROP_STATE_TEXT,
  PROP_FRACTION,
  PROP_INDETERMINATE,
  PROP_DETAIL,
  PROP_PACE_TEXT,
  PROP_RATE,
  PROP_TIME_LEFT,
  PROP_ELAPSED,
  PROP_SILENCE,
  PROP_STALLED,
  N_PROPERTIES
} FerryTaskMonitorProperty;

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryTaskMonitor, ferry_task_monitor, G_TYPE_OBJECT)

/* ---- values ---- */

static void
notify (FerryTaskMonitor *self, FerryTaskMonitorProperty property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static void
set_status (FerryTaskMonitor *self, FerryTaskStatus status)
{
  gboolean was_stalled = self->status == FERRY_TASK_STATUS_STALLED;

  if (self->status == status)
    return;
  self->status = status;
  notify (self, PROP_STATUS);
  notify (self, PROP_STATE_TEXT);
  if (was_stalled != (status == FERRY_TASK_STATUS_STALLED))
    notify (self, PROP_STALLED);
}

static void
set_number (FerryTaskMonitor *self, double *field, double number, FerryTaskMonitorProperty property)
{
  if (*field == number)
    return;
  *field = number;
  notify (self, property);
}

static void
set_time (FerryTaskMonitor *self, gint64 *field, gint64 time, FerryTaskMonitorProperty property)
{
  if (*field == time)
    return;
  *field = time;
  notify (self, property);
}

/* Takes the words. */
static void
take_words (FerryTaskMonitor *self, char **field, char *words, FerryTaskMonitorProperty property)
{
  g_autofree char *owned = words;

  if (g_strcmp0 (*field, owned) == 0)
    return;
  g_free (*field);
  *field = g_steal_pointer (&owned);
  notify (self, property);
}

/* ---- looks ---- */

static gboolean
is_running (FerryTaskMonitor *self)
{
  FerryTaskState state = ferry_task_get_state (self->task);

  return state == FERRY_TASK_STATE_EXECUTING || state == FERRY_TASK_STATE_CANCELLING;
}

static Hearing *
get_hearing (FerryTask *task)
{
  static const char key[] = "ferry-task-hearing";
  Hearing *hearing = g_object_get_data (G_OBJECT (task), key);

  if (hearing == NULL)
    {
      hearing = g_new0 (Hearing, 1);
      g_object_set_data_full (G_OBJECT (task), key, hearing, g_free);
    }
  return hearing;
}

/* Whether the function is of a kind that is to be heard of, or was heard of. One that is stoppable may say nothing. */
static gboolean
is_talkative (FerryTaskMonitor *self)
{
  FerryTaskKind kind;
  gboolean stoppable;

  g_object_get (self->task, "kind", &kind, "stoppable", &stoppable, NULL);
  return !stoppable && (kind != FERRY_TASK_KIND_CALL || self->hearing->n_heard > 0);
}

/* Where each look comes late, as on a busy machine, a silence is noticed after some looks more. */
static void
note_silence (FerryTaskMonitor *self, gint64 now)
{
  Hearing *hearing = self->hearing;

  hearing->heard += MAX (now - hearing->listened - HELD_UP_LIMIT, 0);
  hearing->listened = MAX (hearing->listened, now);
  if (hearing->n_heard != hearing->n_known)
    {
      hearing->n_known = hearing->n_heard;
      hearing->heard = now;
    }
}

/* How long nothing was heard; of a task that has ended, how long it had been when it ended. */
static gint64
find_silence (FerryTaskMonitor *self, gint64 now)
{
  gint64 start, end;

  g_object_get (self->task, "start-time", &start, "end-time", &end, NULL);
  return start == 0 ? 0 : MAX ((end != 0 ? end : now) - self->hearing->heard, 0);
}

static FerryTaskStatus
find_failure (FerryTaskMonitor *self)
{
  const GError *error = ferry_task_get_error (self->task);
  FerryExit *exit = ferry_task_get_exit (self->task);

  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    return FERRY_TASK_STATUS_TIMED_OUT;
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_INTERRUPTED))
    return FERRY_TASK_STATUS_INTERRUPTED;
  if (exit == NULL && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_QUARANTINED))
    return FERRY_TASK_STATUS_CRASHED; /* in an earlier run of the application */
  return exit != NULL && ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_KILLED ? FERRY_TASK_STATUS_CRASHED
                                                                                   : FERRY_TASK_STATUS_FAILED;
}

/* Its queue stores its end, before anybody is told. */
static gboolean
is_being_stored (FerryTaskMonitor *self)
{
  gint64 end;

  g_object_get (self->task, "end-time", &end, NULL);
  return end != 0;
}

/* It waits for its user. */
static gboolean
asks (FerryTaskMonitor *self)
{
  g_autofree char *question = NULL;

  g_object_get (self->task, "question", &question, NULL);
  return question != NULL;
}

static FerryTaskStatus
find_status (FerryTaskMonitor *self)
{
  switch (ferry_task_get_state (self->task))
    {
    case FERRY_TASK_STATE_WAITING:
      return ferry_task_is_paused (self->task) ? FERRY_TASK_STATUS_PAUSED : FERRY_TASK_STATUS_WAITING;
    case FERRY_TASK_STATE_EXECUTING:
      if (ferry_task_is_paused (self->task))
        return FERRY_TASK_STATUS_PAUSED;
      return self->silence > self->stall_time && is_talkative (self) && !asks (self) && !is_being_stored (self)
               ? FERRY_TASK_STATUS_STALLED
               : FERRY_TASK_STATUS_RUNNING;
    case FERRY_TASK_STATE_CANCELLING:
      return FERRY_TASK_STATUS_CANCELLING;
    case FERRY_TASK_STATE_COMPLETED:
      return FERRY_TASK_STATUS_DONE;
    case FERRY_TASK_STATE_CANCELLED:
      return FERRY_TASK_STATUS_CANCELLED;
    case FERRY_TASK_STATE_FAILED:
    default:
      return find_failure (self);
    }
}

/* The status says that it has crashed or failed, and this why. */
static char *
find_failure_words (FerryTaskMonitor *self)
{
  char *detail = NULL;

  ferry_task_describe_error (self->task, NULL, &detail, NULL);
  return detail != NULL ? detail : g_strdup ("");
}

/* How far it came, or which files that has harmed. */
static char *
find_cancelled_words (FerryTaskMonitor *self)
{
  char *harm = ferry_task_error_dup_harm (self->task);

  return harm != NULL ? harm : ferry_task_words_for_progress (self->task, -1, /* has_bar: */ FALSE);
}

static char *
find_run_words (FerryTaskMonitor *self)
{
  char *question = ferry_task_words_for_question (self->task);

  return question != NULL ? question : ferry_task_words_for_run (self->task, self->time_left, self->has_bar);
}

static char *
find_detail (FerryTaskMonitor *self)
{
  char *unstored = ferry_task_words_for_unstored (self->task);

  if (unstored != NULL)
    return unstored;
  switch (self->status)
    {
    case FERRY_TASK_STATUS_WAITING:
      return ferry_task_words_for_waiting (self->task);
    case FERRY_TASK_STATUS_STALLED:
      return ferry_task_words_for_silence (self->silence);
    case FERRY_TASK_STATUS_RUNNING:
    case FERRY_TASK_STATUS_CANCELLING:
      return find_run_words (self);
    case FERRY_TASK_STATUS_PAUSED:
      return ferry_task_words_for_run (self->task, -1, self->has_bar);
    case FERRY_TASK_STATUS_DONE:
      return ferry_task_words_for_result (self->task);
    case FERRY_TASK_STATUS_CANCELLED:
      return find_cancelled_words (self);
    case FERRY_TASK_STATUS_CRASHED:
    case FERRY_TASK_STATUS_TIMED_OUT:
    case FERRY_TASK_STATUS_INTERRUPTED:
    case FERRY_TASK_STATUS_FAILED:
    default:
      return find_failure_words (self);
    }
}

/* (nullable): what the application has said of a task that has ended, in place of what the monitor would say. */
static const char *
get_outcome (FerryTaskMonitor *self, FerryTaskStatus *status)
{
  const char *detail = ferry_task_outcome_get (self->outcome, status);

  return ferry_task_get_done (self->task) ? detail : NULL;
}

static void
show_status (FerryTaskMonitor *self)
{
  FerryTaskStatus status;

  set_status (self, get_outcome (self, &status) != NULL ? status : find_status (self));
}

static void
show_detail (FerryTaskMonitor *self)
{
  FerryTaskStatus status;
  const char *detail = get_outcome (self, &status);

  take_words (self, &self->detail, detail != NULL ? g_strdup (detail) : find_detail (self), PROP_DETAIL);
}

static void
show_fraction (FerryTaskMonitor *self)
{
  gboolean indeterminate;

  g_object_get (self->task, "indeterminate", &indeterminate, NULL);
  indeterminate = indeterminate && is_running (self);
  set_number (self, &self->fraction, ferry_task_get_fraction (self->task), PROP_FRACTION);
  if (self->indeterminate == indeterminate)
    return;
  self->indeterminate = indeterminate;
  notify (self, PROP_INDETERMINATE);
}

/* Many programs say once a second, or for each hundredth, how far they are: what is not said between is no halt. */
static void
add_sample (FerryTaskMonitor *self, gint64 now, guint64 done, gboolean is_fraction)
{
  if (is_fraction != self->paces_fraction)
    {
      g_object_unref (self->pace);
      self->pace = ferry_pace_new ();
      self->paces_fraction = is_fraction;
      self->sampled_at = 0;
    }
  if (done == self->sampled && self->sampled_at > 0 && now < self->sampled_at + PATIENCE)
    return;
  self->sampled = done;
  self->sampled_at = now;
  ferry_pace_add (self->pace, now, done);
}

/* There is none for a task that does not run, or that nothing is heard of. One that tells no amounts has a time that is
 * left by its fraction. */
static void
show_pace (FerryTaskMonitor *self, gint64 now)
{
  double rate = 0.0;
  gint64 time_left = -1;
  guint64 amount, total;
  guint64 parts = (guint64) (ferry_task_get_fraction (self->task) * FRACTION_PARTS);

  g_object_get (self->task, "amount", &amount, "total", &total, NULL);
  if (self->status == FERRY_TASK_STATUS_RUNNING && amount > 0)
    {
      add_sample (self, now, amount, FALSE);
      ferry_pace_get_rate (self->pace, &rate);
      if (total > amount)
        ferry_pace_get_time_left (self->pace, total - amount, &time_left);
    }
  else if (self->status == FERRY_TASK_STATUS_RUNNING && parts > 0 && parts < FRACTION_PARTS)
    {
      add_sample (self, now, parts, TRUE);
      ferry_pace_get_time_left (self->pace, FRACTION_PARTS - parts, &time_left);
    }
  set_number (self, &self->rate, rate, PROP_RATE);
  set_time (self, &self->time_left, time_left, PROP_TIME_LEFT);
  set_time (self, &self->elapsed, MAX (ferry_task_words_get_elapsed (self->task, now), 0), PROP_ELAPSED);
  /* No clock runs while the task does not. */
  take_words (
    self, &self->pace_text,
    self->status == FERRY_TASK_STATUS_PAUSED ? g_strdup ("") : ferry_task_words_for_pace (self->task, rate, now),
    PROP_PACE_TEXT);
}

/* A handler of what changes may drop the monitor. */
void
ferry_task_monitor_look (FerryTaskMonitor *self, gint64 now)
{
  g_autoptr (FerryTaskMonitor) kept G_GNUC_UNUSED = g_object_ref (self);

  g_object_freeze_notify (G_OBJECT (self));
  self->is_due = FALSE;
  self->looked = now;
  /* A task that is paused has nothing to say. */
  if (ferry_task_is_paused (self->task))
    self->hearing->heard = self->hearing->listened = now;
  else if (ferry_task_get_state (self->task) == FERRY_TASK_STATE_EXECUTING)
    note_silence (self, now);
  set_time (self, &self->silence, find_silence (self, now), PROP_SILENCE);
  show_status (self);
  show_fraction (self);
  show_pace (self, now);
  show_detail (self);
  g_object_thaw_notify (G_OBJECT (self));
}

void
ferry_task_monitor_set_has_bar (FerryTaskMonitor *self, gboolean has_bar)
{
  self->has_bar = has_bar;
  show_detail (self);
}

/* ---- when to look ---- */

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *frame_clock, gpointer user_data)
{
  FerryTaskMonitor *self = user_data;

  self->tick = 0;
  ferry_task_monitor_look (self, g_get_monotonic_time ());
  return G_SOURCE_REMOVE;
}

static gboolean
timer_cb (gpointer user_data)
{
  FerryTaskMonitor *self = user_data;

  if (!is_running (self) && !self->is_due)
    {
      self->timer = 0;
      return G_SOURCE_REMOVE;
    }
  if (!self->has_widget)
    {
      ferry_task_monitor_look (self, g_get_monotonic_time ());
      return G_SOURCE_CONTINUE;
    }
  if (self->tick == 0)
    self->tick = gtk_widget_add_tick_callback (self->widget, tick_cb, self, NULL);
  return G_SOURCE_CONTINUE;
}

static void
start_timer (FerryTaskMonitor *self)
{
  if (self->timer != 0)
    return;
  self->timer = g_timeout_add (FERRY_TASK_MONITOR_INTERVAL_MILLISECONDS, timer_cb, self);
  g_source_set_name_by_id (self->timer, "[ferry] monitor of a task");
}

/* Something has changed that can wait for its turn. */
static void
look_in_turn (FerryTaskMonitor *self)
{
  gint64 now = g_get_monotonic_time ();

  self->is_due = TRUE;
  start_timer (self);
  if (now - self->looked >= INTERVAL)
    ferry_task_monitor_look (self, now);
}

static void
progress_cb (FerryTaskMonitor *self)
{
  self->hearing->n_heard++;
}

/* That a task begins, is cancelled and ends is told at once: each happens once. What follows when a worker is lost, and
 * the task waits and begins again, may happen often. */
static void
state_cb (FerryTaskMonitor *self)
{
  FerryTaskState state = ferry_task_get_state (self->task);
  gboolean begins = state == FERRY_TASK_STATE_EXECUTING && !self->has_begun;

  if (state == FERRY_TASK_STATE_EXECUTING)
    {
      self->has_begun = TRUE;
      self->hearing->heard = self->hearing->listened = g_get_monotonic_time ();
    }
  if (is_running (self))
    start_timer (self);
  if (begins || state >= FERRY_TASK_STATE_CANCELLING)
    ferry_task_monitor_look (self, g_get_monotonic_time ());
  else
    look_in_turn (self);
}

/* At once: it is what a user does. What comes after a pause has a pace of its own. */
static void
paused_cb (FerryTaskMonitor *self)
{
  g_object_unref (self->pace);
  self->pace = ferry_pace_new ();
  ferry_task_monitor_look (self, g_get_monotonic_time ());
}

static void
text_cb (FerryTaskMonitor *self)
{
  if (!is_running (self))
    look_in_turn (self);
}

static void
outcome_cb (FerryTaskMonitor *self)
{
  if (self->is_watching && ferry_task_get_done (self->task))
    ferry_task_monitor_look (self, g_get_monotonic_time ());
}

/* Where no other monitor has heard what was said meanwhile. */
static void
begin_silence (FerryTaskMonitor *self, gint64 now)
{
  const FerryRun *run = ferry_task_get_run (self->task);

  if (self->hearing->n_watching > 0 || (self->hearing->heard != 0 && ferry_task_get_done (self->task)))
    return;
  self->hearing->heard = run->heard != 0 ? MAX (run->heard, run->start_time) : now;
  self->hearing->listened = now;
  self->hearing->n_known = self->hearing->n_heard;
}

static void
begin_watch (FerryTaskMonitor *self)
{
  gint64 now = g_get_monotonic_time ();

  begin_silence (self, now);
  self->is_watching = TRUE;
  self->hearing->n_watching++;
  g_signal_group_set_target (self->signals, self->task);
  if (is_running (self))
    start_timer (self);
  ferry_task_monitor_look (self, now);
}

static void
end_watch (FerryTaskMonitor *self)
{
  if (self->is_watching)
    self->hearing->n_watching--;
  self->is_watching = FALSE;
  if (self->signals != NULL)
    g_signal_group_set_target (self->signals, NULL);
  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->tick != 0 && self->widget != NULL)
    gtk_widget_remove_tick_callback (self->widget, self->tick);
  self->tick = 0;
}

/* ---- the object ---- */

static void
ferry_task_monitor_constructed (GObject *object)
{
  FerryTaskMonitor *self = FERRY_TASK_MONITOR (object);
  gint64 now = g_get_monotonic_time ();

  G_OBJECT_CLASS (ferry_task_monitor_parent_class)->constructed (object);
  self->outcome = g_object_ref (ferry_task_outcome_of (self->task));
  g_signal_connect_object (self->outcome, "changed", G_CALLBACK (outcome_cb), self, G_CONNECT_SWAPPED);
  self->hearing = get_hearing (self->task);
  begin_silence (self, now);
  if (self->has_widget)
    {
      g_signal_connect_object (self->widget, "map", G_CALLBACK (begin_watch), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (self->widget, "unmap", G_CALLBACK (end_watch), self, G_CONNECT_SWAPPED);
    }
  if (!self->has_widget || gtk_widget_get_mapped (self->widget))
    begin_watch (self);
  else
    ferry_task_monitor_look (self, now);
}

static void
ferry_task_monitor_dispose (GObject *object)
{
  FerryTaskMonitor *self = FERRY_TASK_MONITOR (object);

  end_watch (self);
  g_clear_object (&self->signals);
  g_clear_weak_pointer (&self->widget);
  G_OBJECT_CLASS (ferry_task_monitor_parent_class)->dispose (object);
}

static void
ferry_task_monitor_finalize (GObject *object)
{
  FerryTaskMonitor *self = FERRY_TASK_MONITOR (object);

  g_clear_object (&self->outcome);
  g_clear_object (&self->pace);
  g_clear_object (&self->task);
  g_free (self->detail);
  g_free (self->pace_text);
  G_OBJECT_CLASS (ferry_task_monitor_parent_class)->finalize (object);
}

static void
ferry_task_monitor_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryTaskMonitor *self = FERRY_TASK_MONITOR (object);

  switch ((FerryTaskMonitorProperty) property_id)
    {
    case PROP_TASK:
      self->task = g_value_dup_object (value);
      break;
    case PROP_WIDGET:
      g_set_weak_pointer (&self->widget, g_value_get_object (value));
      self->has_widget = self->widget != NULL;
      break;
    case PROP_STALL_TIME:
      set_time (self, &self->stall_time, g_value_get_int64 (value), PROP_STALL_TIME);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_task_monitor_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryTaskMonitor *self = FERRY_TASK_MONITOR (object);

  switch ((FerryTaskMonitorProperty) property_id)
    {
    case PROP_TASK:
      g_value_set_object (value, self->task);
      break;
    case PROP_WIDGET:
      g_value_set_object (value, self->widget);
      break;
    case PROP_STALL_TIME:
      g_value_set_int64 (value, self->stall_time);
      break;
    case PROP_STATUS:
      g_value_set_enum (value, self->status);
      break;
    case PROP_STATE_TEXT:
      g_value_set_static_string (value, ferry_task_words_for_status (self->status));
      break;
    case PROP_FRACTION:
      g_value_set_double (value, self->fraction);
      break;
    case PROP_INDETERMINATE:
      g_value_set_boolean (value, self->indeterminate);
      break;
    case PROP_DETAIL:
      g_value_set_string (value, self->detail);
      break;
    case PROP_PACE_TEXT:
      g_value_set_string (value, self->pace_text);
      break;
    case PROP_RATE:
      g_value_set_double (value, self->rate);
      break;
    case PROP_TIME_LEFT:
      g_value_set_int64 (value, self->time_left);
      break;
    case PROP_ELAPSED:
      g_value_set_int64 (value, self->elapsed);
      break;
    case PROP_SILENCE:
      g_value_set_int64 (value, self->silence);
      break;
    case PROP_STALLED:
      g_value_set_boolean (value, self->status == FERRY_TASK_STATUS_STALLED);
      break;
    case N_PROPERTIES:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

#define READABLE (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY)

static void
install_settings (void)
{
  const GParamFlags at_construction = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * FerryTaskMonitor:task:
   *
   * The task.
   */
  properties[PROP_TASK] = g_param_spec_object ("task", NULL, NULL, FERRY_TYPE_TASK, at_construction);
  /**
   * FerryTaskMonitor:widget:
   *
   * The values follow the frames of this widget; %NULL for none. The monitor does not keep it.
   */
  properties[PROP_WIDGET] = g_param_spec_object ("widget", NULL, NULL, GTK_TYPE_WIDGET, at_construction);
  /**
   * FerryTaskMonitor:stall-time:
   *
   * How long nothing may be heard of a running task before it counts as stalled, in microseconds. The default is 5
   * seconds.
   */
  properties[PROP_STALL_TIME] =
    g_param_spec_int64 ("stall-time", NULL, NULL, 0, G_MAXINT64, DEFAULT_STALL_TIME, settable);
}

static void
install_state (void)
{
  /**
   * FerryTaskMonitor:status:
   *
   * The state of the task as users are told of it.
   */
  properties[PROP_STATUS] =
    g_param_spec_enum ("status", NULL, NULL, FERRY_TYPE_TASK_STATUS, FERRY_TASK_STATUS_WAITING, READABLE);
  /**
   * FerryTaskMonitor:state-text:
   *
   * The status in a word or two, such as `Running`.
   */
  properties[PROP_STATE_TEXT] = g_param_spec_string ("state-text", NULL, NULL, NULL, READABLE);
  /**
   * FerryTaskMonitor:fraction:
   *
   * How much of the work is done, from 0 to 1; 0 while it is not known.
   */
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0, 1, 0, READABLE);
  /**
   * FerryTaskMonitor:indeterminate:
   *
   * Whether the task runs, and it is not known how much of the work is done.
   */
  properties[PROP_INDETERMINATE] = g_param_spec_boolean ("indeterminate", NULL, NULL, FALSE, READABLE);
  /**
   * FerryTaskMonitor:detail:
   *
   * A line about the task, never %NULL: how far it is and how long the rest takes, what it waits for, what it has come
   * to, or why it failed. A function that reports a fraction alone is so many percent of the way.
   */
  properties[PROP_DETAIL] = g_param_spec_string ("detail", NULL, NULL, NULL, READABLE);
}

static void
install_pace (void)
{
  /**
   * FerryTaskMonitor:pace-text:
   *
   * Rate and time elapsed as one line, never %NULL: what there is of them. Empty before the task begins.
   */
  properties[PROP_PACE_TEXT] = g_param_spec_string ("pace-text", NULL, NULL, NULL, READABLE);
  /**
   * FerryTaskMonitor:rate:
   *
   * How much of the amount is done in a second; 0 while that is not known or not steady.
   */
  properties[PROP_RATE] = g_param_spec_double ("rate", NULL, NULL, 0, G_MAXDOUBLE, 0, READABLE);
  /**
   * FerryTaskMonitor:time-left:
   *
   * How long the rest of the work takes, in microseconds, at the pace of the amount, or of the fraction if there is
   * no amount; -1 while that is not known. Once it is, it changes slowly, and stays until the task is paused or ends.
   */
  properties[PROP_TIME_LEFT] = g_param_spec_int64 ("time-left", NULL, NULL, -1, G_MAXINT64, -1, READABLE);
  /**
   * FerryTaskMonitor:elapsed:
   *
   * How long the task has run, or runs so far, in microseconds; 0 before it begins.
   */
  properties[PROP_ELAPSED] = g_param_spec_int64 ("elapsed", NULL, NULL, 0, G_MAXINT64, 0, READABLE);
  /**
   * FerryTaskMonitor:silence:
   *
   * For how long nothing has been heard of the running task, in microseconds. When the task has ended, it is how long
   * that was at its end. Time in which the main loop is held up is not counted. All monitors of a task tell the same
   * silence, and so does one that begins to watch a task later, as when a widget is mapped.
   */
  properties[PROP_SILENCE] = g_param_spec_int64 ("silence", NULL, NULL, 0, G_MAXINT64, 0, READABLE);
  /**
   * FerryTaskMonitor:stalled:
   *
   * Whether nothing has been heard of the running task for longer than [property@FerryGtk.TaskMonitor:stall-time]. A
   * task of the kind %FERRY_TASK_KIND_CALL that has reported nothing is never stalled. Nor is one that is
   * [property@Ferry.Task:stoppable], such as a command.
   */
  properties[PROP_STALLED] = g_param_spec_boolean ("stalled", NULL, NULL, FALSE, READABLE);
}

static void
ferry_task_monitor_class_init (FerryTaskMonitorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ferry_task_monitor_constructed;
  object_class->dispose = ferry_task_monitor_dispose;
  object_class->finalize = ferry_task_monitor_finalize;
  object_class->set_property = ferry_task_monitor_set_property;
  object_class->get_property = ferry_task_monitor_get_property;
  install_settings ();
  install_state ();
  install_pace ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_task_monitor_init (FerryTaskMonitor *self)
{
  self->stall_time = DEFAULT_STALL_TIME;
  self->time_left = -1;
  self->pace = ferry_pace_new ();
  self->detail = g_strdup ("");
  self->pace_text = g_strdup ("");
  self->signals = g_signal_group_new (FERRY_TYPE_TASK);
  g_signal_group_connect_swapped (self->signals, "notify::state", G_CALLBACK (state_cb), self);
  g_signal_group_connect_swapped (self->signals, "notify::is-paused", G_CALLBACK (paused_cb), self);
  g_signal_group_connect_swapped (self->signals, "notify::text", G_CALLBACK (text_cb), self);
  g_signal_group_connect_swapped (self->signals, "notify::not-before", G_CALLBACK (text_cb), self);
  g_signal_group_connect_swapped (self->signals, "notify::question", G_CALLBACK (look_in_turn), self);
  g_signal_group_connect_swapped (self->signals, "notify::priority", G_CALLBACK (text_cb), self);
  g_signal_group_connect_swapped (self->signals, "progress", G_CALLBACK (progress_cb), self);
  g_signal_group_connect_swapped (self->signals, "yielded", G_CALLBACK (progress_cb), self);
  g_signal_group_connect_swapped (self->signals, "message", G_CALLBACK (progress_cb), self);
}

/**
 * ferry_task_monitor_new:
 * @task: a task
 * @widget: (nullable): the widget that shows the task
 *
 * Makes a monitor. With a widget, the values follow its frames, and nothing is computed while it is not mapped. On the
 * thread that runs GTK, which must be the router's.
 *
 * Returns: (transfer full): a new monitor
 */
FerryTaskMonitor *
ferry_task_monitor_new (FerryTask *task, GtkWidget *widget)
{
  g_return_val_if_fail (FERRY_IS_TASK (task), NULL);
  g_return_val_if_fail (widget == NULL || GTK_IS_WIDGET (widget), NULL);

  return g_object_new (FERRY_TYPE_TASK_MONITOR, "task", task, "widget", widget, NULL);
}
