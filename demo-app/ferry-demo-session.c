/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-demo-session.h"

struct _FerryDemoSession
{
  GObject parent_instance;

  char *worker_path;
  FerryRouter *router;
  GListStore *jobs;
  guint64 last_id;

  FerryDemoMeter *meter;
  FerryDemoReading reading;
  guint turn_timeout;
  gint64 last_running; /* when a job was last seen running */
};

typedef enum
{
  SIGNAL_TURNED,
  N_SIGNALS
} FerryDemoSessionSignal;

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryDemoSession, ferry_demo_session, G_TYPE_OBJECT)

static guint
get_n_jobs (FerryDemoSession *self)
{
  return g_list_model_get_n_items (G_LIST_MODEL (self->jobs));
}

static FerryDemoJob *
get_job (FerryDemoSession *self, guint position)
{
  g_autoptr (FerryDemoJob) job = g_list_model_get_item (G_LIST_MODEL (self->jobs), position);

  /* The list keeps it. */
  return job;
}

static gboolean
turn_cb (gpointer user_data)
{
  FerryDemoSession *self = user_data;
  gint64 now = g_get_monotonic_time ();

  for (guint i = 0; i < get_n_jobs (self); i++)
    ferry_demo_job_show_words (get_job (self, i), now);
  if (ferry_demo_session_get_n_running (self) > 0)
    self->last_running = now;

  ferry_demo_meter_turn (self->meter, now, ferry_router_get_counter (self->router, FERRY_COUNTER_MESSAGES),
                         ferry_router_get_counter (self->router, FERRY_COUNTER_BYTES));
  ferry_demo_meter_read (self->meter, &self->reading);

  /* One second after the last job the reading is empty, and then nothing wakes the idle application. */
  if (now - self->last_running > G_USEC_PER_SEC + FERRY_DEMO_METER_SLOT_MILLISECONDS * 1000)
    {
      self->reading = (FerryDemoReading){0};
      self->turn_timeout = 0;
    }
  g_signal_emit (self, signals[SIGNAL_TURNED], 0);
  return self->turn_timeout != 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
start_turning (FerryDemoSession *self)
{
  if (self->turn_timeout != 0)
    return;

  ferry_demo_meter_reset (self->meter);
  ferry_demo_meter_turn (self->meter, g_get_monotonic_time (),
                         ferry_router_get_counter (self->router, FERRY_COUNTER_MESSAGES),
                         ferry_router_get_counter (self->router, FERRY_COUNTER_BYTES));
  self->turn_timeout = g_timeout_add (FERRY_DEMO_METER_SLOT_MILLISECONDS, turn_cb, self);
  g_source_set_name_by_id (self->turn_timeout, "[ferry-demo] turn");
}

static void
ferry_demo_session_dispose (GObject *object)
{
  FerryDemoSession *self = FERRY_DEMO_SESSION (object);

  ferry_demo_session_stop (self);
  g_clear_object (&self->jobs);
  g_clear_object (&self->router);
  G_OBJECT_CLASS (ferry_demo_session_parent_class)->dispose (object);
}

static void
ferry_demo_session_finalize (GObject *object)
{
  FerryDemoSession *self = FERRY_DEMO_SESSION (object);

  ferry_demo_meter_free (self->meter);
  g_free (self->worker_path);
  G_OBJECT_CLASS (ferry_demo_session_parent_class)->finalize (object);
}

static void
ferry_demo_session_class_init (FerryDemoSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_demo_session_dispose;
  object_class->finalize = ferry_demo_session_finalize;

  signals[SIGNAL_TURNED] =
    g_signal_new ("turned", FERRY_DEMO_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_demo_session_init (FerryDemoSession *self)
{
  self->router = ferry_router_new (NULL);
  self->jobs = g_list_store_new (FERRY_DEMO_TYPE_JOB);
  self->meter = ferry_demo_meter_new ();
}

FerryDemoSession *
ferry_demo_session_new (const char *worker_path)
{
  FerryDemoSession *self = g_object_new (FERRY_DEMO_TYPE_SESSION, NULL);

  self->worker_path = g_strdup (worker_path);
  return self;
}

gboolean
ferry_demo_session_start (FerryDemoSession *self, GError **error)
{
  return ferry_router_start (self->router, error);
}

/* Ends all workers. Their jobs are cancelled first, so that no pipe is open when the router stops. */
void
ferry_demo_session_stop (FerryDemoSession *self)
{
  g_autoptr (GError) error = NULL;

  g_clear_handle_id (&self->turn_timeout, g_source_remove);
  if (self->router == NULL || !ferry_router_get_running (self->router))
    return;

  for (guint i = 0; i < get_n_jobs (self); i++)
    ferry_demo_job_cancel (get_job (self, i));
  if (!ferry_router_stop (self->router, &error))
    g_warning ("The router did not stop: %s", error->message);
}

static FerryDemoJob *
insert_job (FerryDemoSession *self, guint position, guint n_removals, const FerryDemoSpec *spec)
{
  g_autoptr (FerryDemoJob) job = ferry_demo_job_new (spec, ++self->last_id, self->meter);
  gpointer additions[] = {job};

  ferry_demo_job_start (job, self->router, self->worker_path);
  self->last_running = g_get_monotonic_time ();
  g_list_store_splice (self->jobs, position, n_removals, additions, G_N_ELEMENTS (additions));
  start_turning (self);

  /* The list keeps it. */
  return job;
}

FerryDemoJob *
ferry_demo_session_add (FerryDemoSession *self, const FerryDemoSpec *spec)
{
  return insert_job (self, get_n_jobs (self), 0, spec);
}

FerryDemoJob *
ferry_demo_session_find (FerryDemoSession *self, guint64 id)
{
  for (guint i = 0; i < get_n_jobs (self); i++)
    if (ferry_demo_job_get_id (get_job (self, i)) == id)
      return get_job (self, i);
  return NULL;
}

/* Does the work of a job that is over once more, in its place in the list. */
void
ferry_demo_session_repeat (FerryDemoSession *self, guint64 id)
{
  g_autoptr (FerryDemoSpec) spec = NULL;
  FerryDemoJob *job = ferry_demo_session_find (self, id);
  guint position;

  if (job == NULL || !ferry_demo_job_is_over (job) || !g_list_store_find (self->jobs, job, &position))
    return;
  spec = ferry_demo_spec_copy (ferry_demo_job_get_spec (job));
  insert_job (self, position, 1, spec);
}

void
ferry_demo_session_remove (FerryDemoSession *self, guint64 id)
{
  FerryDemoJob *job = ferry_demo_session_find (self, id);
  guint position;

  if (job != NULL && ferry_demo_job_is_over (job) && g_list_store_find (self->jobs, job, &position))
    g_list_store_remove (self->jobs, position);
}

/* Removes all jobs that are over. */
void
ferry_demo_session_clear (FerryDemoSession *self)
{
  for (guint i = get_n_jobs (self); i > 0; i--)
    if (ferry_demo_job_is_over (get_job (self, i - 1)))
      g_list_store_remove (self->jobs, i - 1);
}

GListModel *
ferry_demo_session_get_jobs (FerryDemoSession *self)
{
  return G_LIST_MODEL (self->jobs);
}

guint
ferry_demo_session_get_n_running (FerryDemoSession *self)
{
  guint running = 0;

  for (guint i = 0; i < get_n_jobs (self); i++)
    running += !ferry_demo_job_is_over (get_job (self, i));
  return running;
}

gboolean
ferry_demo_session_is_turning (FerryDemoSession *self)
{
  return self->turn_timeout != 0;
}

const FerryDemoReading *
ferry_demo_session_get_reading (FerryDemoSession *self)
{
  return &self->reading;
}

/* To be called before a frame is drawn. */
void
ferry_demo_session_show_progress (FerryDemoSession *self)
{
  for (guint i = 0; i < get_n_jobs (self); i++)
    ferry_demo_job_show_progress (get_job (self, i));
}
