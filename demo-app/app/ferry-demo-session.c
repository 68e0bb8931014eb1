/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-session.h"

#include "app/ferry-demo-workers.h"
#include "tasks/ferry-demo-cluster.h"

/* All that is done stays to be read, within reason. */
#define KEEP_FINISHED 10000

struct _FerryDemoSession
{
  GObject parent_instance;

  char *worker_path;
  gboolean prefers_throughput;
  FerryRouter *router;
  FerryPool *pool;
  FerryRunner *cluster; /* NULL where there are no other hosts */
  FerryExecutor *executor;
  GPtrArray *executors; /* (element-type FerryExecutor): of pages */
  GPtrArray *cards;     /* (element-type FerryDemoCard): those of the tasks of the executor's list, in its order */
  FerryDemoObject *object;
  FerryDemoThumbnails *thumbnails;

  FerryDemoMeter *meter;
  FerryDemoReading reading;
  guint turn_timeout;
  gint64 last_open; /* when a task was last seen that was not done */
};

typedef enum
{
  SIGNAL_TURNED,
  SIGNAL_STOPPING,
  N_SIGNALS
} FerryDemoSessionSignal;

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryDemoSession, ferry_demo_session, G_TYPE_OBJECT)

static void
turn_meter (FerryDemoSession *self, gint64 now)
{
  ferry_demo_meter_turn (self->meter, now, ferry_router_get_counter (self->router, FERRY_COUNTER_MESSAGES),
                         ferry_router_get_counter (self->router, FERRY_COUNTER_BYTES));
}

static gboolean
turn_cb (gpointer user_data)
{
  FerryDemoSession *self = user_data;
  gint64 now = g_get_monotonic_time ();

  if (ferry_demo_session_get_n_open (self) > 0)
    self->last_open = now;

  turn_meter (self, now);
  ferry_demo_meter_read (self->meter, &self->reading);

  /* One second after the last task the reading is empty, and then nothing wakes the idle application. */
  if (now - self->last_open > G_USEC_PER_SEC + FERRY_DEMO_METER_SLOT_MILLISECONDS * 1000)
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
  self->last_open = g_get_monotonic_time ();
  if (self->turn_timeout != 0)
    return;

  ferry_demo_meter_reset (self->meter);
  turn_meter (self, self->last_open);
  self->turn_timeout = g_timeout_add (FERRY_DEMO_METER_SLOT_MILLISECONDS, turn_cb, self);
  g_source_set_name_by_id (self->turn_timeout, "[ferry-demo] turn");
}

/* That of the task at a position, which may be in another place of the list already. */
static FerryDemoCard *
make_card (FerryDemoSession *self, guint position)
{
  g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (self->executor), position);
  FerryDemoCard *card = ferry_demo_card_get (task);

  return card != NULL ? g_object_ref (card) : ferry_demo_card_new (task, self->meter);
}

/* The first handler that is told of a new task, so that the others find its card. */
static void
tasks_changed_cb (FerryDemoSession *self, guint position, guint n_removed, guint n_added)
{
  for (guint i = 0; i < n_added; i++)
    g_ptr_array_insert (self->cards, (int) (position + i), make_card (self, position + i));
  if (n_removed > 0)
    g_ptr_array_remove_range (self->cards, position + n_added, n_removed);
  if (n_added > 0)
    start_turning (self);
}

static void
ferry_demo_session_dispose (GObject *object)
{
  FerryDemoSession *self = FERRY_DEMO_SESSION (object);

  ferry_demo_session_stop (self);
  g_clear_object (&self->object);
  g_clear_object (&self->thumbnails);
  g_clear_object (&self->executor);
  g_clear_pointer (&self->executors, g_ptr_array_unref);
  g_clear_pointer (&self->cards, g_ptr_array_unref);
  g_clear_object (&self->cluster);
  g_clear_object (&self->pool);
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
  signals[SIGNAL_STOPPING] =
    g_signal_new ("stopping", FERRY_DEMO_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_demo_session_init (FerryDemoSession *self)
{
  self->meter = ferry_demo_meter_new ();
  self->cards = g_ptr_array_new_with_free_func (g_object_unref);
  self->executors = g_ptr_array_new_with_free_func (g_object_unref);
}

FerryDemoSession *
ferry_demo_session_new (const char *worker_path, guint max_workers)
{
  g_autoptr (FerryLauncher) launcher = ferry_demo_launcher_new (worker_path, NULL);
  FerryDemoSession *self = g_object_new (FERRY_DEMO_TYPE_SESSION, NULL);

  self->worker_path = g_strdup (worker_path);
  self->router = ferry_router_new (NULL);
  self->pool = ferry_pool_new (self->router, launcher);
  g_object_set (self->pool, "name", "demo", "max-workers", max_workers, NULL);
  self->executor = ferry_executor_new (self->pool);
  g_object_set (self->executor, "keep-finished", KEEP_FINISHED, NULL);
  g_signal_connect_object (self->executor, "items-changed", G_CALLBACK (tasks_changed_cb), self, G_CONNECT_SWAPPED);
  self->object = ferry_demo_object_new (self->router, worker_path);
  self->thumbnails = ferry_demo_thumbnails_new (self->router, worker_path, ferry_get_n_usable_cores ());
  return self;
}

FerryExecutor *
ferry_demo_session_add_executor (FerryDemoSession *self, const char *name, guint max_workers)
{
  g_autoptr (FerryLauncher) launcher = ferry_demo_launcher_new (self->worker_path, NULL);
  g_autoptr (FerryPool) pool = ferry_pool_new (self->router, launcher);
  FerryExecutor *executor = ferry_executor_new (pool);

  g_object_set (pool, "name", name, "max-workers", max_workers, NULL);
  g_ptr_array_add (self->executors, g_object_ref (executor));
  return executor;
}

/* The tasks that find no worker here run on hosts that are there by way of a server. Before the start. */
gboolean
ferry_demo_session_add_cluster (FerryDemoSession *self, const char *url, GError **error)
{
  self->cluster = ferry_demo_cluster_new (self->router, url, error);
  if (self->cluster == NULL)
    return FALSE;
  ferry_executor_add_runner (self->executor, self->cluster);
  return TRUE;
}

void
ferry_demo_session_set_preferences (FerryDemoSession *self, FerrySandboxPolicy sandbox, gboolean throughput)
{
  self->prefers_throughput = throughput;
  g_object_set (self->router, "latency", throughput ? FERRY_LATENCY_BALANCED : FERRY_LATENCY_QUICK, NULL);
  ferry_demo_thumbnails_set_policy (self->thumbnails, sandbox);
}

gboolean
ferry_demo_session_prefers_throughput (FerryDemoSession *self)
{
  return self->prefers_throughput;
}

gboolean
ferry_demo_session_start (FerryDemoSession *self, GError **error)
{
  return ferry_router_start (self->router, error) && ferry_pool_start (self->pool, error) &&
         (self->cluster == NULL || ferry_demo_cluster_connect (self->cluster, error));
}

/* Cancels all tasks and ends all workers, the deaf ones by force. Takes as long as it takes workers to leave, and at
 * most as long as there is time for it. */
void
ferry_demo_session_stop (FerryDemoSession *self)
{
  g_autoptr (GError) error = NULL;

  g_clear_handle_id (&self->turn_timeout, g_source_remove);
  if (self->router == NULL || !ferry_router_get_running (self->router))
    return;

  g_signal_emit (self, signals[SIGNAL_STOPPING], 0);
  ferry_demo_object_stop (self->object);
  ferry_demo_thumbnails_stop (self->thumbnails);
  ferry_demo_end (self->executor);
  for (guint i = 0; i < self->executors->len; i++)
    ferry_demo_end (self->executors->pdata[i]);
  if (self->cluster != NULL)
    ferry_demo_cluster_close (self->cluster);
  if (!ferry_router_stop (self->router, &error))
    g_warning ("The router did not stop: %s", error->message);
}

/* A new request is tried even when no worker could be started before. */
static void
revive_pool (FerryDemoSession *self)
{
  if (ferry_pool_get_error (self->pool) != NULL)
    ferry_pool_reset (self->pool);
}

/* The new task, which the list keeps; NULL when the session is being stopped. */
FerryTask *
ferry_demo_session_add (FerryDemoSession *self, const FerryDemoSpec *spec)
{
  g_autoptr (FerryTask) task = ferry_demo_card_make_task (spec);
  g_autoptr (GError) error = NULL;

  revive_pool (self);
  if (ferry_executor_submit_task (self->executor, task, &error))
    return task;
  g_warning ("'%s' was not submitted: %s", ferry_task_get_name (task), error->message);
  return NULL;
}

FerryRouter *
ferry_demo_session_get_router (FerryDemoSession *self)
{
  return self->router;
}

const char *
ferry_demo_session_get_worker_path (FerryDemoSession *self)
{
  return self->worker_path;
}

FerryExecutor *
ferry_demo_session_get_executor (FerryDemoSession *self)
{
  return self->executor;
}

/* NULL where there are no other hosts. */
FerryRunner *
ferry_demo_session_get_cluster (FerryDemoSession *self)
{
  return self->cluster;
}

FerryDemoObject *
ferry_demo_session_get_object (FerryDemoSession *self)
{
  return self->object;
}

FerryDemoThumbnails *
ferry_demo_session_get_thumbnails (FerryDemoSession *self)
{
  return self->thumbnails;
}

/* Tasks that are not done. */
guint
ferry_demo_session_get_n_open (FerryDemoSession *self)
{
  guint n_waiting, n_executing;

  g_object_get (self->executor, "n-waiting", &n_waiting, "n-executing", &n_executing, NULL);
  return n_waiting + n_executing;
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
