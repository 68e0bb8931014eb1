/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the window shows of a task.
 *
 * Owner:      its task.
 * Threads:    main only.
 * Invariants: what a function reports, yields and sends only changes figures, and the words follow at the session's
 *             pace, so that a flood of messages is no flood of notifications. A worker that broke the rules of its job
 *             is not listened to any more: its task is cancelled, and shown as failed. */

#include "ferry-demo-card.h"

#include "ferry-demo-pace.h"
#include "ferry-demo-task.h"
#include "ferry-demo-words.h"

#define CARD_KEY "ferry-demo-card"

#define SILENCE_LIMIT (2 * G_USEC_PER_SEC)
#define HELD_UP_LIMIT (G_USEC_PER_SEC / 2)

struct _FerryDemoCard
{
  GObject parent_instance;

  FerryTask *task; /* (unowned) has us */
  FerryDemoSpec *spec;
  guint64 id;
  FerryDemoMeter *meter; /* (unowned) outlives the tasks that run */

  FerryDemoReport report;
  FerryDemoPace pace;
  GError *breach; /* what the worker sent that it must not */
  guint64 n_heard;
  guint64 n_shown;
  gint64 heard; /* when something was heard last, and when it was last looked for */
  gint64 shown;

  FerryDemoState state;
  char *activity;
  char *pace_words;
};

typedef enum
{
  PROP_ACTIVITY = 1,
  PROP_PACE,
  PROP_STATE_NAME,
  N_PROPS
} FerryDemoCardProperty;

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (FerryDemoCard, ferry_demo_card, G_TYPE_OBJECT)

static void
take_words (FerryDemoCard *self, char **words, char *new_words, FerryDemoCardProperty property)
{
  g_autofree char *owned = new_words;

  if (g_strcmp0 (*words, owned) == 0)
    return;
  g_free (*words);
  *words = g_steal_pointer (&owned);
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static void
set_state (FerryDemoCard *self, FerryDemoState state)
{
  if (self->state == state)
    return;
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE_NAME]);
}

/* What people call the state that a task is in. */
static FerryDemoState
find_state (FerryDemoCard *self)
{
  switch (ferry_task_get_state (self->task))
    {
    case FERRY_TASK_STATE_WAITING:
      return FERRY_DEMO_STATE_WAITING;
    case FERRY_TASK_STATE_EXECUTING:
      return self->state == FERRY_DEMO_STATE_NOT_RESPONDING ? self->state : FERRY_DEMO_STATE_RUNNING;
    case FERRY_TASK_STATE_CANCELLING:
      return FERRY_DEMO_STATE_CANCELLING;
    case FERRY_TASK_STATE_COMPLETED:
      return self->breach != NULL ? FERRY_DEMO_STATE_FAILED : FERRY_DEMO_STATE_DONE;
    case FERRY_TASK_STATE_CANCELLED:
      return self->breach != NULL ? FERRY_DEMO_STATE_FAILED : FERRY_DEMO_STATE_CANCELLED;
    case FERRY_TASK_STATE_FAILED:
    default:
      if (ferry_demo_card_get_signal (self) != 0)
        return FERRY_DEMO_STATE_CRASHED;
      return g_error_matches (ferry_task_get_error (self->task), FERRY_ERROR, FERRY_ERROR_TIMED_OUT)
               ? FERRY_DEMO_STATE_TIMED_OUT
               : FERRY_DEMO_STATE_FAILED;
    }
}

/* What remains to be read when the task is done. */
static char *
find_last_words (FerryDemoCard *self, FerryDemoState state)
{
  if (self->breach != NULL)
    return g_strdup_printf ("%s. Check that worker and application are of the same version.", self->breach->message);
  switch (state)
    {
    case FERRY_DEMO_STATE_DONE:
      return ferry_demo_words_for_result (self->spec, &self->report);
    case FERRY_DEMO_STATE_CANCELLED:
      return ferry_demo_words_for_progress (self->task, /* with_message: */ FALSE);
    case FERRY_DEMO_STATE_CRASHED:
    case FERRY_DEMO_STATE_TIMED_OUT:
    case FERRY_DEMO_STATE_FAILED:
    case FERRY_DEMO_STATE_WAITING:
    case FERRY_DEMO_STATE_RUNNING:
    case FERRY_DEMO_STATE_NOT_RESPONDING:
    case FERRY_DEMO_STATE_CANCELLING:
    default:
      return ferry_demo_words_for_failure (self->task);
    }
}

static void
take_result (FerryDemoCard *self)
{
  g_autoptr (GVariant) result = ferry_task_get_result (self->task, NULL);

  if (self->breach == NULL)
    ferry_demo_report_take_result (&self->report, self->spec, result, &self->breach);
}

static void
task_state_cb (FerryDemoCard *self)
{
  FerryDemoState state;

  if (ferry_task_get_state (self->task) == FERRY_TASK_STATE_EXECUTING)
    self->heard = self->shown = g_get_monotonic_time ();
  if (ferry_task_get_state (self->task) == FERRY_TASK_STATE_COMPLETED)
    take_result (self);
  state = find_state (self);
  if (ferry_task_get_done (self->task))
    {
      take_words (self, &self->activity, find_last_words (self, state), PROP_ACTIVITY);
      take_words (self, &self->pace_words, ferry_demo_words_for_duration (self->task), PROP_PACE);
    }
  else
    {
      if (state == FERRY_DEMO_STATE_WAITING)
        take_words (self, &self->activity, ferry_demo_words_for_waiting (self->task), PROP_ACTIVITY);
      else if (state == FERRY_DEMO_STATE_RUNNING)
        take_words (self, &self->activity, ferry_demo_words_for_run (self->task), PROP_ACTIVITY);
      take_words (self, &self->pace_words, g_strdup (""), PROP_PACE);
    }
  set_state (self, state);
}

static void
check_breach (FerryDemoCard *self)
{
  if (G_UNLIKELY (self->breach != NULL))
    ferry_task_cancel (self->task);
}

static void
progress_cb (FerryDemoCard *self)
{
  self->n_heard++;
}

static void
yielded_cb (FerryDemoCard *self, GVariant *value)
{
  self->n_heard++;
  if (self->breach == NULL)
    ferry_demo_report_take_digest (&self->report, self->spec, value, &self->breach);
  check_breach (self);
}

/* A time of sending from before the task or from the future is as false as a wrong type. */
static void
take_latency (FerryDemoCard *self, gint64 sent)
{
  gint64 now = g_get_monotonic_time ();
  gint64 submitted;

  g_object_get (self->task, "submit-time", &submitted, NULL);
  if (sent < submitted || sent > now)
    g_set_error_literal (&self->breach, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         "The worker sent a message with an impossible time");
  else
    ferry_demo_meter_add_latency (self->meter, now - sent);
}

static void
message_cb (FerryDemoCard *self, const char *type, GVariant *value)
{
  gint64 sent = 0;

  self->n_heard++;
  if (self->breach != NULL)
    return;
  if (ferry_demo_report_take_message (&self->report, self->spec, type, value, &sent, &self->breach) && sent != 0)
    take_latency (self, sent);
  check_breach (self);
}

/* Of the time between two looks HELD_UP_LIMIT counts at most, since a main loop that is held up hears nothing. Where
 * each look comes late, as on a busy machine, a silence is noticed after some looks more. */
static void
watch_silence (FerryDemoCard *self, gint64 now)
{
  self->heard += MAX (now - self->shown - HELD_UP_LIMIT, 0);
  self->shown = now;

  if (self->n_heard != self->n_shown)
    {
      self->n_shown = self->n_heard;
      self->heard = now;
      set_state (self, FERRY_DEMO_STATE_RUNNING);
    }
  else if (now - self->heard > SILENCE_LIMIT)
    set_state (self, FERRY_DEMO_STATE_NOT_RESPONDING);
}

/* To be called a few times a second until the task is over. */
void
ferry_demo_card_show_words (FerryDemoCard *self, gint64 now)
{
  guint64 amount;

  if (ferry_task_get_state (self->task) == FERRY_TASK_STATE_WAITING)
    take_words (self, &self->activity, ferry_demo_words_for_waiting (self->task), PROP_ACTIVITY);
  if (ferry_task_get_state (self->task) != FERRY_TASK_STATE_EXECUTING)
    return;

  watch_silence (self, now);
  /* A handler of the silence may have cancelled the task. */
  if (ferry_task_get_state (self->task) != FERRY_TASK_STATE_EXECUTING)
    return;
  if (self->state == FERRY_DEMO_STATE_NOT_RESPONDING)
    {
      take_words (self, &self->activity, ferry_demo_words_for_silence (ferry_demo_card_get_silence (self)),
                  PROP_ACTIVITY);
      take_words (self, &self->pace_words, ferry_demo_words_for_duration (self->task), PROP_PACE);
      return;
    }
  g_object_get (self->task, "amount", &amount, NULL);
  if (amount > 0)
    ferry_demo_pace_add (&self->pace, now, amount);
  take_words (self, &self->activity, ferry_demo_words_for_run (self->task), PROP_ACTIVITY);
  take_words (self, &self->pace_words, ferry_demo_words_for_pace (self->task, &self->pace), PROP_PACE);
}

static void
ferry_demo_card_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryDemoCard *self = FERRY_DEMO_CARD (object);

  switch ((FerryDemoCardProperty) property_id)
    {
    case PROP_ACTIVITY:
      g_value_set_string (value, self->activity);
      break;
    case PROP_PACE:
      g_value_set_string (value, self->pace_words);
      break;
    case PROP_STATE_NAME:
      g_value_set_static_string (value, ferry_demo_words_for_state (self->state));
      break;
    case N_PROPS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_demo_card_finalize (GObject *object)
{
  FerryDemoCard *self = FERRY_DEMO_CARD (object);

  ferry_demo_report_clear (&self->report);
  g_clear_pointer (&self->spec, ferry_demo_spec_free);
  g_clear_error (&self->breach);
  g_free (self->activity);
  g_free (self->pace_words);
  G_OBJECT_CLASS (ferry_demo_card_parent_class)->finalize (object);
}

static void
ferry_demo_card_class_init (FerryDemoCardClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = ferry_demo_card_get_property;
  object_class->finalize = ferry_demo_card_finalize;

  properties[PROP_ACTIVITY] = g_param_spec_string ("activity", NULL, NULL, NULL, flags);
  properties[PROP_PACE] = g_param_spec_string ("pace", NULL, NULL, NULL, flags);
  properties[PROP_STATE_NAME] = g_param_spec_string ("state-name", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ferry_demo_card_init (FerryDemoCard *self)
{
  self->activity = g_strdup ("");
  self->pace_words = g_strdup ("");
  ferry_demo_report_init (&self->report);
}

/* To be called once for a task, before it begins. */
void
ferry_demo_card_attach (FerryTask *task, guint64 id, FerryDemoMeter *meter)
{
  FerryDemoCard *self = g_object_new (FERRY_DEMO_TYPE_CARD, NULL);

  self->task = task;
  self->spec = ferry_demo_task_dup_spec (task);
  self->id = id;
  self->meter = meter;
  g_object_set_data_full (G_OBJECT (task), CARD_KEY, self, g_object_unref);

  g_signal_connect_object (task, "notify::state", G_CALLBACK (task_state_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (task, "progress", G_CALLBACK (progress_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (task, "yielded", G_CALLBACK (yielded_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (task, "message", G_CALLBACK (message_cb), self, G_CONNECT_SWAPPED);
  task_state_cb (self);
}

/* The task's own card. */
FerryDemoCard *
ferry_demo_card_get (FerryTask *task)
{
  return g_object_get_data (G_OBJECT (task), CARD_KEY);
}

guint64
ferry_demo_card_get_id (FerryDemoCard *self)
{
  return self->id;
}

FerryTask *
ferry_demo_card_get_task (FerryDemoCard *self)
{
  return self->task;
}

const FerryDemoSpec *
ferry_demo_card_get_spec (FerryDemoCard *self)
{
  return self->spec;
}

const FerryDemoReport *
ferry_demo_card_get_report (FerryDemoCard *self)
{
  return &self->report;
}

FerryDemoState
ferry_demo_card_get_state (FerryDemoCard *self)
{
  return self->state;
}

gboolean
ferry_demo_card_is_over (FerryDemoCard *self)
{
  return self->state >= FERRY_DEMO_STATE_DONE;
}

const char *
ferry_demo_card_get_activity (FerryDemoCard *self)
{
  return self->activity;
}

/* Empty while there is none to show. */
const char *
ferry_demo_card_get_pace (FerryDemoCard *self)
{
  return self->pace_words;
}

/* How long the task has run, or runs so far. */
double
ferry_demo_card_get_seconds (FerryDemoCard *self)
{
  return ferry_demo_words_get_seconds (self->task);
}

/* How long ago the worker was last heard of; of a task that is over, how long it had been when it ended. */
double
ferry_demo_card_get_silence (FerryDemoCard *self)
{
  gint64 end;

  g_object_get (self->task, "end-time", &end, NULL);
  return (double) ((end != 0 ? end : g_get_monotonic_time ()) - self->heard) / G_USEC_PER_SEC;
}

/* The signal that ended the worker under the task, or 0. */
int
ferry_demo_card_get_signal (FerryDemoCard *self)
{
  FerryExit *exit = ferry_task_get_exit (self->task);

  return exit != NULL && ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_KILLED ? ferry_exit_get_signal (exit) : 0;
}
