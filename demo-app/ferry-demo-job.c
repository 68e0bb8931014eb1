/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job: one worker process, the pipe that it reports on, and what the row says about it.
 *
 * Owner:      the session's list.
 * Threads:    main only.
 * Invariants: `worker` is set from a successful start on; messages only change `report`, and the properties follow at
 *             the session's and the frame clock's pace, so that a flood of messages is no flood of notifications. */

#include "ferry-demo-job.h"

#include <signal.h>

#include "ferry-demo-job-words.h"
#include "ferry-demo-message.h"
#include "ferry-demo-pace.h"

#define SILENCE_LIMIT (2 * G_USEC_PER_SEC)
#define HELD_UP_LIMIT (G_USEC_PER_SEC / 2)
#define GRACE_MILLISECONDS 500

struct _FerryDemoJob
{
  GObject parent_instance;

  FerryDemoSpec *spec;
  guint64 id;
  FerryDemoMeter *meter; /* (unowned) outlives the job's pipe */

  FerryRouter *router;
  FerryReceiver *receiver;
  FerryWorker *worker;
  guint kill_timeout;

  FerryDemoReport report;
  FerryDemoPace pace;
  GError *breach; /* what the worker sent that it must not */
  guint64 heard_messages;
  gint64 started, heard, shown, ended;
  int signal_number;

  FerryDemoJobState state;
  double fraction;
  char *title;
  char *activity;
  char *pace_words;
};

typedef enum
{
  PROP_TITLE = 1,
  PROP_ACTIVITY,
  PROP_PACE,
  PROP_STATE_NAME,
  PROP_FRACTION,
  N_PROPS
} FerryDemoJobProperty;

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (FerryDemoJob, ferry_demo_job, G_TYPE_OBJECT)

static void
take_words (FerryDemoJob *self, char **words, char *new_words, FerryDemoJobProperty property)
{
  g_autofree char *owned = new_words;

  if (g_strcmp0 (*words, owned) == 0)
    return;
  g_free (*words);
  *words = g_steal_pointer (&owned);
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static void
set_state (FerryDemoJob *self, FerryDemoJobState state)
{
  g_assert (!ferry_demo_job_is_over (self));

  if (self->state == state)
    return;
  self->state = state;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE_NAME]);
}

/* `words` is what remains to be read in the row. */
static void
finish (FerryDemoJob *self, FerryDemoJobState state, char *words)
{
  self->ended = g_get_monotonic_time ();
  g_clear_handle_id (&self->kill_timeout, g_source_remove);
  take_words (self, &self->activity, words, PROP_ACTIVITY);
  take_words (self, &self->pace_words, g_strdup (""), PROP_PACE);
  ferry_demo_job_show_progress (self);
  set_state (self, state);
}

static gboolean
kill_cb (gpointer user_data)
{
  FerryDemoJob *self = user_data;

  self->kill_timeout = 0;
  ferry_worker_force_exit (self->worker);
  return G_SOURCE_REMOVE;
}

/* A worker that reports learns it from its next send; one that computes from the signal; one that is deaf is killed. */
static void
end_worker (FerryDemoJob *self)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_receiver_get_closed (self->receiver) && !ferry_router_close_pipe (self->router, self->receiver, &error))
    g_debug ("Pipe of “%s” not closed: %s", self->title, error->message);

  if (!ferry_worker_send_signal (self->worker, SIGTERM, NULL))
    ferry_worker_force_exit (self->worker);
  else if (self->kill_timeout == 0)
    {
      self->kill_timeout = g_timeout_add (GRACE_MILLISECONDS, kill_cb, self);
      g_source_set_name_by_id (self->kill_timeout, "[ferry-demo] kill worker");
    }
}

/* A time of sending from before the job or from the future is as false as a wrong type. */
static void
take_latency (FerryDemoJob *self, gint64 sent)
{
  gint64 now = g_get_monotonic_time ();

  if (sent < self->started || sent > now)
    g_set_error_literal (&self->breach, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         "The worker sent a message with an impossible time");
  else
    ferry_demo_meter_add_latency (self->meter, now - sent);
}

static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryDemoJob *self = user_data;
  gint64 sent = 0;

  if (self->breach != NULL)
    return;
  if (ferry_demo_report_take (&self->report, self->spec, data, size, type, &sent, &self->breach) && sent != 0)
    take_latency (self, sent);
  if (G_UNLIKELY (self->breach != NULL))
    end_worker (self);
}

static void
ended_cb (FerryDemoJob *self, FerryExit *exit, FerryWorker *worker)
{
  if (self->breach != NULL)
    {
      finish (
        self, FERRY_DEMO_JOB_STATE_FAILED,
        g_strdup_printf ("%s. Check that worker and application are of the same version.", self->breach->message));
      return;
    }
  if (self->state == FERRY_DEMO_JOB_STATE_CANCELLING)
    {
      finish (self, FERRY_DEMO_JOB_STATE_CANCELLED, ferry_demo_words_for_cancelled (self->spec, &self->report));
      return;
    }
  if (ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_KILLED)
    {
      g_autofree char *signal_words = NULL;

      self->signal_number = ferry_exit_get_signal (exit);
      signal_words = ferry_demo_words_for_crash (self->signal_number);
      finish (self, FERRY_DEMO_JOB_STATE_CRASHED,
              g_strdup_printf ("%s. Only its worker is gone: start the job again.", signal_words));
      return;
    }
  if (ferry_exit_is_success (exit) && self->report.has_result)
    finish (self, FERRY_DEMO_JOB_STATE_DONE, ferry_demo_words_for_result (self->spec, &self->report));
  else
    finish (self, FERRY_DEMO_JOB_STATE_FAILED, ferry_demo_words_for_failure (exit, &self->report));
}

static gboolean
launch (FerryDemoJob *self, const char *worker_path, GError **error)
{
  const char *argument = *self->spec->argument != '\0' ? self->spec->argument : NULL;
  const char *const argv[] = {worker_path, ferry_demo_spec_get_name (self->spec), argument, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerrySender) sender = NULL;

  ferry_launcher_silence_stream (launcher, FERRY_STREAM_STDIN);
  ferry_launcher_silence_stream (launcher, FERRY_STREAM_STDOUT);
  ferry_launcher_inherit_stream (launcher, FERRY_STREAM_STDERR);

  if (!ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &sender, &self->receiver, error))
    return FALSE;
  ferry_receiver_set_handler (self->receiver, message_cb, self, NULL);
  ferry_receiver_bind (self->receiver, G_OBJECT (self));

  if (ferry_launcher_add_sender (launcher, FERRY_DEMO_SENDER_NAME, sender, error))
    self->worker = ferry_launcher_spawn (launcher, self->router, error);
  if (self->worker == NULL)
    {
      ferry_router_close_pipe (self->router, self->receiver, NULL);
      return FALSE;
    }
  g_signal_connect_object (self->worker, "ended", G_CALLBACK (ended_cb), self, G_CONNECT_SWAPPED);
  return TRUE;
}

/* A failure is the job's state, not the caller's error: the row is where the user looks for it. */
void
ferry_demo_job_start (FerryDemoJob *self, FerryRouter *router, const char *worker_path)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (self->router == NULL);

  self->router = g_object_ref (router);
  self->started = self->heard = self->shown = g_get_monotonic_time ();
  if (!launch (self, worker_path, &error))
    finish (self, FERRY_DEMO_JOB_STATE_FAILED, g_strdup_printf ("%s. Close some jobs and try again.", error->message));
}

void
ferry_demo_job_cancel (FerryDemoJob *self)
{
  if (ferry_demo_job_is_over (self) || self->state == FERRY_DEMO_JOB_STATE_CANCELLING)
    return;

  set_state (self, FERRY_DEMO_JOB_STATE_CANCELLING);
  take_words (self, &self->pace_words, g_strdup (""), PROP_PACE);
  end_worker (self);
}

void
ferry_demo_job_show_progress (FerryDemoJob *self)
{
  double fraction = ferry_demo_report_get_fraction (&self->report);

  if (fraction < 0.0 && self->ended != 0)
    fraction = 0.0;
  if (fraction == self->fraction)
    return;
  self->fraction = fraction;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FRACTION]);
}

/* Only a worker that has spoken can be said not to respond: until then the launcher's own time limit counts. A main
 * loop that was held up has heard nobody, so that time is no silence. */
static void
watch_silence (FerryDemoJob *self, gint64 now)
{
  if (now - self->shown > HELD_UP_LIMIT)
    self->heard += now - self->shown;
  self->shown = now;

  if (self->report.messages != self->heard_messages)
    {
      self->heard_messages = self->report.messages;
      self->heard = now;
      set_state (self, FERRY_DEMO_JOB_STATE_RUNNING);
    }
  else if (self->state == FERRY_DEMO_JOB_STATE_RUNNING && now - self->heard > SILENCE_LIMIT)
    set_state (self, FERRY_DEMO_JOB_STATE_NOT_RESPONDING);
}

/* To be called a few times a second while the job runs. */
void
ferry_demo_job_show_words (FerryDemoJob *self, gint64 now)
{
  if (ferry_demo_job_is_over (self) || self->state == FERRY_DEMO_JOB_STATE_CANCELLING)
    return;

  watch_silence (self, now);
  if (self->state == FERRY_DEMO_JOB_STATE_NOT_RESPONDING)
    {
      take_words (self, &self->activity, ferry_demo_words_for_silence (ferry_demo_job_get_silence (self)),
                  PROP_ACTIVITY);
      take_words (self, &self->pace_words, g_strdup (""), PROP_PACE);
    }
  else if (self->state == FERRY_DEMO_JOB_STATE_RUNNING)
    {
      if (self->report.done > 0)
        ferry_demo_pace_add (&self->pace, now, self->report.done);
      take_words (self, &self->activity, ferry_demo_words_for_activity (self->spec, &self->report), PROP_ACTIVITY);
      take_words (self, &self->pace_words, ferry_demo_words_for_pace (self->spec, &self->report, &self->pace),
                  PROP_PACE);
    }
}

static void
ferry_demo_job_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryDemoJob *self = FERRY_DEMO_JOB (object);

  switch ((FerryDemoJobProperty) property_id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_ACTIVITY:
      g_value_set_string (value, self->activity);
      break;
    case PROP_PACE:
      g_value_set_string (value, self->pace_words);
      break;
    case PROP_STATE_NAME:
      g_value_set_static_string (value, ferry_demo_words_for_state (self->state));
      break;
    case PROP_FRACTION:
      g_value_set_double (value, self->fraction);
      break;
    case N_PROPS:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_demo_job_dispose (GObject *object)
{
  FerryDemoJob *self = FERRY_DEMO_JOB (object);

  g_clear_handle_id (&self->kill_timeout, g_source_remove);
  if (self->worker != NULL && !ferry_demo_job_is_over (self))
    ferry_worker_force_exit (self->worker);
  g_clear_object (&self->worker);
  g_clear_object (&self->receiver);
  g_clear_object (&self->router);
  G_OBJECT_CLASS (ferry_demo_job_parent_class)->dispose (object);
}

static void
ferry_demo_job_finalize (GObject *object)
{
  FerryDemoJob *self = FERRY_DEMO_JOB (object);

  ferry_demo_report_clear (&self->report);
  ferry_demo_spec_free (self->spec);
  g_clear_error (&self->breach);
  g_free (self->title);
  g_free (self->activity);
  g_free (self->pace_words);
  G_OBJECT_CLASS (ferry_demo_job_parent_class)->finalize (object);
}

static void
ferry_demo_job_class_init (FerryDemoJobClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = ferry_demo_job_get_property;
  object_class->dispose = ferry_demo_job_dispose;
  object_class->finalize = ferry_demo_job_finalize;

  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_ACTIVITY] = g_param_spec_string ("activity", NULL, NULL, NULL, flags);
  properties[PROP_PACE] = g_param_spec_string ("pace", NULL, NULL, NULL, flags);
  properties[PROP_STATE_NAME] = g_param_spec_string ("state-name", NULL, NULL, NULL, flags);
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, -1.0, 1.0, 0.0, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
ferry_demo_job_init (FerryDemoJob *self)
{
  self->activity = g_strdup ("");
  self->pace_words = g_strdup ("");
}

FerryDemoJob *
ferry_demo_job_new (const FerryDemoSpec *spec, guint64 id, FerryDemoMeter *meter)
{
  FerryDemoJob *self = g_object_new (FERRY_DEMO_TYPE_JOB, NULL);

  self->spec = ferry_demo_spec_copy (spec);
  self->id = id;
  self->meter = meter;
  self->title = ferry_demo_words_for_title (spec);
  ferry_demo_report_init (&self->report, spec);
  return self;
}

guint64
ferry_demo_job_get_id (FerryDemoJob *self)
{
  return self->id;
}

const FerryDemoSpec *
ferry_demo_job_get_spec (FerryDemoJob *self)
{
  return self->spec;
}

const FerryDemoReport *
ferry_demo_job_get_report (FerryDemoJob *self)
{
  return &self->report;
}

FerryDemoJobState
ferry_demo_job_get_state (FerryDemoJob *self)
{
  return self->state;
}

gboolean
ferry_demo_job_is_over (FerryDemoJob *self)
{
  return self->state >= FERRY_DEMO_JOB_STATE_DONE;
}

/* Negative when the end is not known. */
double
ferry_demo_job_get_fraction (FerryDemoJob *self)
{
  return self->fraction;
}

const char *
ferry_demo_job_get_title (FerryDemoJob *self)
{
  return self->title;
}

const char *
ferry_demo_job_get_activity (FerryDemoJob *self)
{
  return self->activity;
}

/* Empty while there is none to show. */
const char *
ferry_demo_job_get_pace (FerryDemoJob *self)
{
  return self->pace_words;
}

/* How long the job has taken, or takes so far. */
double
ferry_demo_job_get_seconds (FerryDemoJob *self)
{
  return (double) ((self->ended != 0 ? self->ended : g_get_monotonic_time ()) - self->started) / G_USEC_PER_SEC;
}

/* How long ago the worker was last heard of; of a job that is over, how long it had been when it ended. */
double
ferry_demo_job_get_silence (FerryDemoJob *self)
{
  return (double) ((self->ended != 0 ? self->ended : g_get_monotonic_time ()) - self->heard) / G_USEC_PER_SEC;
}

/* The signal that ended the worker of a crashed job. */
int
ferry_demo_job_get_signal (FerryDemoJob *self)
{
  return self->signal_number;
}
