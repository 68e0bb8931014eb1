/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What all pages of the demo share: the router, its pool of workers, the queue and its executor. */

#include "app/ferry-demo-session.h"

#include <gtk/gtk.h>
#include <sys/resource.h>

#include "tasks/ferry-demo-cluster.h"

/* All that is done stays to be read, within reason. */
#define KEEP_FINISHED 10000

/* Closing the demo takes at most this long, and half a second more where workers are slow to end. */
#define SHUTDOWN_TIME (2 * G_USEC_PER_SEC)
#define POOL_TIME (G_USEC_PER_SEC / 2)

/* Work in the background leaves the processor to the window that shows it when there is not enough for both. */
#define NICENESS 10

struct _FerryDemoSession
{
  GObject parent_instance;

  char *worker_path;
  FerryRouter *router;
  FerryExecutor *executor;
  FerryQueue *queue;       /* its tasks */
  GPtrArray *early;        /* (element-type FerryTask): those that came before the queue was open */
  FerryExecutor *commands; /* NULL where there is no program that runs them */
  GListModel *tasks;       /* of both */
  FerryRunner *cluster;    /* NULL where there are no other hosts */
  GPtrArray *executors;    /* (element-type FerryExecutor): all that there are */
  FerrySandboxPolicy sandbox_policy;
};

static guint stopping_signal;

G_DEFINE_FINAL_TYPE (FerryDemoSession, ferry_demo_session, G_TYPE_OBJECT)

/* ---- how workers begin and end ---- */

FerryLauncher *
ferry_demo_launcher_new (const char *worker_path, const char *argument)
{
  const char *const argv[] = {worker_path, argument, NULL};
  FerryLauncher *launcher = ferry_launcher_new (argv);

  g_object_set (launcher, "stdin", FERRY_STREAM_MODE_SILENT, "stdout", FERRY_STREAM_MODE_SILENT, "stderr",
                FERRY_STREAM_MODE_LOG, "nice", MAX (NICENESS, getpriority (PRIO_PROCESS, 0)), NULL);
  return launcher;
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!(FERRY_IS_EXECUTOR (source) ? ferry_executor_shutdown_finish (FERRY_EXECUTOR (source), result, &error)
                                   : ferry_pool_stop_finish (FERRY_POOL (source), result, &error)))
    g_warning ("Not ended in good order: %s", error->message);
  *(gboolean *) user_data = TRUE;
}

static void
wait_for (gboolean *ended)
{
  while (!*ended)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
is_open (FerryQueue *queue)
{
  gboolean is_open;

  g_object_get (queue, "is-open", &is_open, NULL);
  return is_open;
}

/* Ends what runs; it is in the file for the next start. Dispatches the main context, too. */
static void
close_queue (FerryQueue *queue)
{
  if (is_open (queue))
    ferry_queue_close_async (queue, NULL, NULL, NULL);
  while (is_open (queue))
    g_main_context_iteration (NULL, TRUE);
}

/* Cancels all tasks of an executor and ends all workers of its pool, deaf ones by force. Dispatches the main context
 * until that is done. */
static void
end (FerryExecutor *executor)
{
  gboolean executor_ended = FALSE, pool_ended = FALSE;

  ferry_executor_shutdown_async (executor, SHUTDOWN_TIME, NULL, ended_cb, &executor_ended);
  wait_for (&executor_ended);
  ferry_pool_stop_async (ferry_executor_get_pool (executor), POOL_TIME, NULL, ended_cb, &pool_ended);
  wait_for (&pool_ended);
}

/* ---- the session ---- */

/* The first handler that is told of a new task. */
static void
tasks_changed_cb (GListModel *tasks, guint position, guint n_removed, guint n_added)
{
  for (guint i = position; i < position + n_added; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (tasks, i);

      ferry_demo_job_follow (task);
    }
}

static void
submit (gpointer task, gpointer queue)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) submitted = ferry_queue_submit (queue, task, NULL, &error);

  if (submitted == NULL)
    g_warning ("'%s' was not submitted: %s", ferry_task_get_name (task), error->message);
}

static void
submit_early (FerryDemoSession *self)
{
  g_ptr_array_foreach (self->early, submit, self->queue);
  g_ptr_array_set_size (self->early, 0);
}

static void
ferry_demo_session_dispose (GObject *object)
{
  FerryDemoSession *self = FERRY_DEMO_SESSION (object);

  ferry_demo_session_stop (self);
  g_clear_object (&self->tasks);
  g_clear_object (&self->queue);
  g_clear_pointer (&self->early, g_ptr_array_unref);
  g_clear_object (&self->executor);
  g_clear_object (&self->commands);
  g_clear_pointer (&self->executors, g_ptr_array_unref);
  g_clear_object (&self->cluster);
  g_clear_object (&self->router);
  G_OBJECT_CLASS (ferry_demo_session_parent_class)->dispose (object);
}

static void
ferry_demo_session_finalize (GObject *object)
{
  g_free (FERRY_DEMO_SESSION (object)->worker_path);
  G_OBJECT_CLASS (ferry_demo_session_parent_class)->finalize (object);
}

static void
ferry_demo_session_class_init (FerryDemoSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_demo_session_dispose;
  object_class->finalize = ferry_demo_session_finalize;

  stopping_signal =
    g_signal_new ("stopping", FERRY_DEMO_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_demo_session_init (FerryDemoSession *self)
{
  self->executors = g_ptr_array_new_with_free_func (g_object_unref);
  self->early = g_ptr_array_new_with_free_func (g_object_unref);
}

static FerryExecutor *
add_executor (FerryDemoSession *self, FerryLauncher *launcher, const char *name)
{
  g_autoptr (FerryPool) pool = ferry_pool_new (self->router, launcher);
  FerryExecutor *executor = ferry_executor_new (pool);

  g_object_set (pool, "name", name, NULL);
  g_object_set (executor, "keep-finished", KEEP_FINISHED, NULL);
  g_ptr_array_add (self->executors, g_object_ref (executor));
  return executor;
}

FerryExecutor *
ferry_demo_session_add_executor (FerryDemoSession *self, const char *name, FerrySandbox *sandbox, guint max_workers)
{
  g_autoptr (FerryLauncher) launcher = ferry_demo_launcher_new (self->worker_path, NULL);
  FerryExecutor *executor;

  if (sandbox != NULL)
    g_object_set (sandbox, "policy", self->sandbox_policy, NULL);
  g_object_set (launcher, "sandbox", sandbox, NULL);
  executor = add_executor (self, launcher, name);
  ferry_pool_set_max_workers (ferry_executor_get_pool (executor), max_workers);
  return executor;
}

static void
add_commands (FerryDemoSession *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new_for_commands (&error);

  if (launcher != NULL)
    self->commands = add_executor (self, launcher, "commands");
  else
    g_message ("Commands cannot be run: %s", error->message);
}

FerryDemoSession *
ferry_demo_session_new (const char *worker_path, guint max_workers, FerrySandboxPolicy policy)
{
  FerryDemoSession *self = g_object_new (FERRY_DEMO_TYPE_SESSION, NULL);
  GListStore *models = g_list_store_new (G_TYPE_LIST_MODEL);

  self->worker_path = g_strdup (worker_path);
  self->sandbox_policy = policy;
  self->router = ferry_router_new (NULL);
  self->executor = ferry_demo_session_add_executor (self, "demo", NULL, max_workers);
  self->queue = ferry_queue_new (self->executor, NULL);
  g_signal_connect (self->queue, "items-changed", G_CALLBACK (tasks_changed_cb), NULL);
  g_signal_connect_object (self->queue, "notify::is-open", G_CALLBACK (submit_early), self, G_CONNECT_SWAPPED);
  add_commands (self);
  g_list_store_append (models, self->queue);
  if (self->commands != NULL)
    g_list_store_append (models, self->commands);
  self->tasks = G_LIST_MODEL (gtk_flatten_list_model_new (G_LIST_MODEL (models)));
  return self;
}

/* The tasks that find no worker here run on hosts that are there by way of a server. Before the start. */
gboolean
ferry_demo_session_add_cluster (FerryDemoSession *self, const char *url, GError **error)
{
  self->cluster = ferry_demo_cluster_new (self->router, url, error);
  if (self->cluster == NULL)
    return FALSE;
  ferry_executor_add_runner (self->executor, self->cluster);
  ferry_queue_set_cluster (self->queue, self->cluster);
  return TRUE;
}

gboolean
ferry_demo_session_start (FerryDemoSession *self, GError **error)
{
  return ferry_router_start (self->router, error) &&
         (self->cluster == NULL || ferry_demo_cluster_connect (self->cluster, error));
}

/* Interrupts or cancels all tasks and ends all workers, the deaf ones by force. Takes as long as it takes workers to
 * leave, and at most as long as there is time for it. */
void
ferry_demo_session_stop (FerryDemoSession *self)
{
  g_autoptr (GError) error = NULL;

  if (self->router == NULL || !ferry_router_get_running (self->router))
    return;

  g_signal_emit (self, stopping_signal, 0);
  close_queue (self->queue);
  for (guint i = 0; i < self->executors->len; i++)
    end (self->executors->pdata[i]);
  if (self->cluster != NULL)
    ferry_demo_cluster_close (self->cluster);
  if (!ferry_router_stop (self->router, &error))
    g_warning ("The router did not stop: %s", error->message);
}

void
ferry_demo_session_add (FerryDemoSession *self, FerryDemoJob job)
{
  g_ptr_array_add (self->early, ferry_demo_job_make_task (job));
  if (is_open (self->queue))
    submit_early (self);
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

FerryExecutor *
ferry_demo_session_get_commands (FerryDemoSession *self)
{
  return self->commands;
}

FerryQueue *
ferry_demo_session_get_queue (FerryDemoSession *self)
{
  return self->queue;
}

GListModel *
ferry_demo_session_get_tasks (FerryDemoSession *self)
{
  return self->tasks;
}

/* NULL where there are no other hosts. */
FerryRunner *
ferry_demo_session_get_cluster (FerryDemoSession *self)
{
  return self->cluster;
}
