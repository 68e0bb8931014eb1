/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Invariant: proxies and what hangs on them are made at the first start, and go on with each further worker. What comes
 *            of an earlier worker's calls is told apart by the generation. */

#include "object/ferry-demo-object.h"

#include <ferry-objects.h>

#include "app/ferry-demo-message.h"
#include "app/ferry-demo-workers.h"

/* Microseconds. */
#define CALL_TIME (10 * G_USEC_PER_SEC)

/* As many calls keep the worker busy while it is killed. */
#define KILL_CALLS 5
#define KILL_STEPS 500u

struct _FerryDemoObject
{
  GObject parent_instance;

  FerryRouter *router;
  FerryLauncher *launcher;

  FerryDemoObjectState state;
  guint generation;    /* how many workers there were */
  FerryWorker *worker; /* from its launch until its end was told */
  FerryProxy *proxy;
  FerryProxy *log_proxy;
  GObject *replica;
  FerryListReplica *log;

  guint n_pending; /* operations that have not called back, of any generation */
  char *reason;
  guint n_failed; /* calls of this generation that its end made fail */
};

typedef enum
{
  SIGNAL_CHANGED,
  SIGNAL_REFUSED,
  N_SIGNALS
} FerryDemoObjectSignal;

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryDemoObject, ferry_demo_object, G_TYPE_OBJECT)

static void
drop_all (FerryDemoObject *self)
{
  g_clear_object (&self->log);
  g_clear_object (&self->replica);
  g_clear_object (&self->log_proxy);
  g_clear_object (&self->proxy);
  g_clear_object (&self->worker);
}

static void
set_state (FerryDemoObject *self, FerryDemoObjectState state)
{
  self->state = state;
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static void
lose (FerryDemoObject *self, const char *reason)
{
  g_free (self->reason);
  self->reason = g_strdup (reason);
  g_clear_object (&self->worker);
  set_state (self, FERRY_DEMO_OBJECT_STATE_LOST);
}

static void
ended_cb (FerryDemoObject *self, FerryExit *exit_record, FerryWorker *worker)
{
  if (worker == self->worker)
    lose (self, ferry_exit_get_message (exit_record));
}

/* ---- calls ---- */

static gboolean
is_end (const GError *error)
{
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST) ||
         g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  FerryDemoObject *self = g_task_get_source_object (task);
  gboolean current = GPOINTER_TO_UINT (g_task_get_task_data (task)) == self->generation;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  ferry_proxy_call_finish (FERRY_PROXY (source), result, &value, NULL, &error);
  self->n_pending--;
  if (current && error != NULL && is_end (error))
    {
      self->n_failed++;
      g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
    }

  if (error != NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_pointer (task, value != NULL ? g_steal_pointer (&value) : g_variant_ref_sink (g_variant_new ("()")),
                           (GDestroyNotify) g_variant_unref);
}

void
ferry_demo_object_call_async (FerryDemoObject *self, const char *method, GVariant *arguments,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_return_if_fail (self->state == FERRY_DEMO_OBJECT_STATE_LIVE);

  g_task_set_task_data (task, GUINT_TO_POINTER (self->generation), NULL);
  self->n_pending++;
  ferry_proxy_call_async (self->proxy, method, arguments, CALL_TIME, NULL, answered_cb, task);
}

/* Returns a tuple, also where there is no result. */
GVariant *
ferry_demo_object_call_finish (FerryDemoObject *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* The replica has the plate's value again. */
static void
set_failed_cb (FerryDemoObject *self, const char *property, const GError *error)
{
  if (!is_end (error))
    g_signal_emit (self, signals[SIGNAL_REFUSED], 0, error->message);
}

/* ---- workers ---- */

static void
listening_cb (FerryDemoObject *self)
{
  if (self->state == FERRY_DEMO_OBJECT_STATE_CONNECTING && ferry_proxy_get_listening (self->proxy))
    set_state (self, FERRY_DEMO_OBJECT_STATE_LIVE);
}

static FerryLauncher *
create_launcher (const char *worker_path)
{
  FerryLauncher *launcher = ferry_demo_launcher_new (worker_path, FERRY_DEMO_HEAT_ARGUMENT);

  g_object_set (launcher, "name", FERRY_DEMO_HEAT_OBJECT, NULL);
  return launcher;
}

static gboolean
connect (FerryDemoObject *self, GError **error)
{
  g_autoptr (FerryTransport) transport =
    ferry_launcher_add_transport (self->launcher, self->router, FERRY_DEMO_HEAT_TRANSPORT, error);

  if (transport == NULL)
    return FALSE;
  self->proxy = ferry_proxy_new (transport, FERRY_DEMO_HEAT_OBJECT);
  g_signal_connect_object (self->proxy, "notify::listening", G_CALLBACK (listening_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->proxy, "set-failed", G_CALLBACK (set_failed_cb), self, G_CONNECT_SWAPPED);
  self->replica = ferry_proxy_create_replica (self->proxy, FERRY_DEMO_TYPE_HEAT_REPLICA, NULL);
  self->log_proxy = ferry_proxy_new (transport, FERRY_DEMO_LOG_OBJECT);
  self->log = ferry_list_replica_new (self->log_proxy);
  return TRUE;
}

static gboolean
launch (FerryDemoObject *self, GError **error)
{
  if (self->proxy == NULL && !connect (self, error))
    return FALSE;
  self->worker = ferry_launcher_spawn_again (self->launcher, self->router, error);
  if (self->worker == NULL)
    return FALSE;
  g_signal_connect_object (self->worker, "ended", G_CALLBACK (ended_cb), self, G_CONNECT_SWAPPED);
  return TRUE;
}

/* Where there is a worker already it stays. */
void
ferry_demo_object_start (FerryDemoObject *self)
{
  g_autoptr (GError) error = NULL;

  if (self->worker != NULL)
    return;
  self->generation++;
  self->n_failed = 0;
  g_clear_pointer (&self->reason, g_free);
  if (launch (self, &error))
    set_state (self, FERRY_DEMO_OBJECT_STATE_CONNECTING);
  else
    lose (self, error->message);
}

/* With some calls under way, which fail then. */
void
ferry_demo_object_kill (FerryDemoObject *self)
{
  if (self->worker == NULL)
    return;
  for (guint i = 0; i < KILL_CALLS && self->state == FERRY_DEMO_OBJECT_STATE_LIVE; i++)
    ferry_demo_object_call_async (self, FERRY_DEMO_HEAT_STEP, g_variant_new ("(u)", KILL_STEPS), NULL, NULL);
  ferry_worker_force_exit (self->worker);
}

/* Returns when the worker has ended and all calls have, and dispatches the main context until then. */
void
ferry_demo_object_stop (FerryDemoObject *self)
{
  g_autoptr (FerryWorker) worker = g_steal_pointer (&self->worker);

  if (worker != NULL)
    ferry_worker_force_exit (worker);
  while (self->n_pending > 0 || (worker != NULL && ferry_worker_get_state (worker) != FERRY_WORKER_STATE_ENDED))
    g_main_context_iteration (NULL, TRUE);
  drop_all (self);
  set_state (self, FERRY_DEMO_OBJECT_STATE_OFF);
}

/* ---- the object ---- */

static void
ferry_demo_object_dispose (GObject *object)
{
  FerryDemoObject *self = FERRY_DEMO_OBJECT (object);

  drop_all (self);
  g_clear_object (&self->launcher);
  g_clear_object (&self->router);
  G_OBJECT_CLASS (ferry_demo_object_parent_class)->dispose (object);
}

static void
ferry_demo_object_finalize (GObject *object)
{
  FerryDemoObject *self = FERRY_DEMO_OBJECT (object);

  g_free (self->reason);
  G_OBJECT_CLASS (ferry_demo_object_parent_class)->finalize (object);
}

static void
ferry_demo_object_class_init (FerryDemoObjectClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_demo_object_dispose;
  object_class->finalize = ferry_demo_object_finalize;

  signals[SIGNAL_CHANGED] =
    g_signal_new ("changed", FERRY_DEMO_TYPE_OBJECT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_REFUSED] = g_signal_new ("refused", FERRY_DEMO_TYPE_OBJECT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
ferry_demo_object_init (FerryDemoObject *self)
{
}

FerryDemoObject *
ferry_demo_object_new (FerryRouter *router, const char *worker_path)
{
  FerryDemoObject *self = g_object_new (FERRY_DEMO_TYPE_OBJECT, NULL);

  self->router = g_object_ref (router);
  self->launcher = create_launcher (worker_path);
  return self;
}

FerryDemoObjectState
ferry_demo_object_get_state (FerryDemoObject *self)
{
  return self->state;
}

const char *
ferry_demo_object_get_reason (FerryDemoObject *self)
{
  return self->reason;
}

GPid
ferry_demo_object_get_pid (FerryDemoObject *self)
{
  return self->worker != NULL ? ferry_worker_get_pid (self->worker) : -1;
}

guint
ferry_demo_object_get_n_failed (FerryDemoObject *self)
{
  return self->n_failed;
}

FerryDemoHeatReplica *
ferry_demo_object_get_replica (FerryDemoObject *self)
{
  return self->replica != NULL ? FERRY_DEMO_HEAT_REPLICA (self->replica) : NULL;
}

GListModel *
ferry_demo_object_get_log (FerryDemoObject *self)
{
  return self->log != NULL ? G_LIST_MODEL (self->log) : NULL;
}
