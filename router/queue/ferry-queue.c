/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue of tasks in a file: what applications call, its opening and its closing.
 *
 * The queue has a row for each task, in memory as in the file, and decides by the rows in memory what is next. Each
 * step of a task (ferry-queue-tasks.c) changes its row, which goes to the file with the next batch
 * (ferry-queue-batches.c). Here are opening, closing and what applications call. It is one file since all of it asks in
 * which phase the queue is.
 *
 * Threads: the router's. */

#include "config.h"

#include "queue/ferry-queue.h"

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "queue/ferry-queue-enums.h"
#include "queue/ferry-queue-lock-private.h"
#include "queue/ferry-queue-tasks-private.h"

#define DEFAULT_DEATH_LIMIT 3
#define DEFAULT_KEEP_COUNT 1000
/* How long a queue that is closed waits until what was submitted is where hosts find it, in microseconds. */
#define SEND_TIME (5 * G_USEC_PER_SEC)
#define DEFAULT_KEEP_TIME (30 * 24 * 3600 * (gint64) G_USEC_PER_SEC)

typedef enum
{
  NEW,
  OPENING,
  OPEN,
  CLOSING,
  CLOSED,
} Phase;

/**
 * FerryQueue:
 *
 * A queue of tasks in a file: the tasks survive the end of the application, a crash and a power cut.
 *
 * The queue is in front of a [class@Ferry.Executor], which runs its tasks as any others.
 * [method@FerryQueue.Queue.submit] stores a task. When the application starts again and opens the file, the tasks that
 * waited wait, those that were done are done, with their results, and those that failed have failed. What was under way
 * is run again if that is safe: [property@Ferry.Task:idempotent], a run that [property@Ferry.Task:retries] allows, or a
 * command that replaces its files as a whole. Any other such task has failed with %FERRY_ERROR_INTERRUPTED, and
 * [method@Ferry.Executor.retry] runs it again.
 *
 * A queue is a list model of its tasks, of those that have ended too. It can be shown as an executor's.
 *
 * A task is [property@Ferry.Task:is-done] only when its end is on the disk. One that waits and is cancelled is
 * %FERRY_TASK_STATE_CANCELLING until then, and is not begun; and, if hosts may have it, until they cannot begin it.
 *
 * All functions are for the router's thread. None waits for the disk.
 */
struct _FerryQueue
{
  GObject parent_instance;

  FerryExecutor *executor; /* const (owned) */
  FerryRouter *router;     /* const (unowned): the executor's */
  char *path;              /* const */
  FerryRunner *cluster;    /* (owned) (nullable) */
  FerryQueueStart start;
  guint death_limit;
  guint version;

  char *run_name; /* (owned) (nullable): of the keys that are made up in this run */

  Phase phase;
  GTask *opening;        /* (owned) (nullable) */
  GTask *closing;        /* (owned) (nullable) */
  GTask *back_up;        /* (owned) (nullable): whose data is the FerryQueueCopy */
  GError *damage;        /* (owned) (nullable) */
  FerryTimer send_timer; /* while closing */
  gboolean sends;        /* while closing: it waits for what is on its way to hosts */

  FerryQueueTasks tasks;
};

enum
{
  PROP_EXECUTOR = 1,
  PROP_PATH,
  PROP_CLUSTER,
  PROP_START,
  PROP_DEATH_LIMIT,
  PROP_VERSION,
  PROP_TASK_TYPE,
  PROP_KEEP_COUNT,
  PROP_KEEP_TIME,
  PROP_PAUSED,
  PROP_REASON,
  PROP_IS_OPEN,
  PROP_ERROR,
  PROP_DAMAGE,
  PROP_N_UNSTORED,
  PROP_N_WAITING,
  PROP_N_EXECUTING,
  PROP_N_INTERRUPTED,
  PROP_N_COMPLETED,
  PROP_N_FAILED,
  PROP_N_CANCELLED,
  PROP_FRACTION,
  N_PROPERTIES,
};

enum
{
  SIGNAL_CONVERT,
  N_SIGNALS,
};

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

static GType
get_item_type (GListModel *model)
{
  return FERRY_TYPE_TASK;
}

static guint
get_n_items (GListModel *model)
{
  FerryQueue *self = FERRY_QUEUE (model);

  if (!ferry_affinity_check (self->router->affinity, "g_list_model_get_n_items"))
    return 0;
  return ferry_queue_list_get_n (&self->tasks.list);
}

static gpointer
get_item (GListModel *model, guint position)
{
  FerryQueue *self = FERRY_QUEUE (model);

  if (!ferry_affinity_check (self->router->affinity, "g_list_model_get_item") ||
      position >= ferry_queue_list_get_n (&self->tasks.list))
    return NULL;
  return ferry_queue_entry_dup_task (ferry_queue_list_get (&self->tasks.list, position));
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (FerryQueue, ferry_queue, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
notify (FerryQueue *self, guint property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

/* ---- figures ---- */

/* All that have changed since they were told last, at a time. */
static void
tell_figures (FerryQueue *self)
{
  const FerryQueueNumbers before = self->tasks.figures.told, now = ferry_queue_tasks_count (&self->tasks);
  gboolean changed[N_PROPERTIES] = {
    [PROP_N_WAITING] = now.n_waiting != before.n_waiting,
    [PROP_N_EXECUTING] = now.n_executing != before.n_executing,
    [PROP_N_INTERRUPTED] = now.n_interrupted != before.n_interrupted,
    [PROP_N_COMPLETED] = now.n_completed != before.n_completed,
    [PROP_N_FAILED] = now.n_failed != before.n_failed,
    [PROP_N_CANCELLED] = now.n_cancelled != before.n_cancelled,
    [PROP_FRACTION] = now.fraction < before.fraction || now.fraction > before.fraction,
  };

  self->tasks.figures.told = now;
  for (guint property = PROP_N_WAITING; property < PROP_FRACTION; property++)
    changed[PROP_FRACTION] |= changed[property];
  g_object_freeze_notify (G_OBJECT (self));
  for (guint property = PROP_N_WAITING; property <= PROP_FRACTION; property++)
    if (changed[property])
      notify (self, property);
  if (self->tasks.batches.error != NULL)
    notify (self, PROP_N_UNSTORED);
  g_object_thaw_notify (G_OBJECT (self));
}

/* ---- the file ---- */

static void close_store (FerryQueue *self);

/* Whatever has changed goes with the batch, so that this is when its figures are others. */
static void
send_batch (gpointer queue)
{
  g_autoptr (FerryQueue) self = g_object_ref (queue);

  if (!self->tasks.batches.is_writing)
    {
      ferry_queue_claims_make (&self->tasks.claims);
      ferry_queue_away_fill (&self->tasks.away);
      tell_figures (self);
    }
  if (!ferry_queue_batches_send (&self->tasks.batches))
    close_store (self);
}

static void
tell_obstacle (FerryQueueEntry *entry, gpointer data)
{
  ferry_queue_entry_tell_obstacle (entry);
}

static void
tell_obstacles (FerryQueue *self)
{
  ferry_queue_list_foreach (&self->tasks.list, tell_obstacle, NULL);
}

static void
tell_error (FerryQueue *self)
{
  notify (self, PROP_ERROR);
  notify (self, PROP_N_UNSTORED);
  tell_obstacles (self);
}

static void
written (gpointer owner, const GError *error)
{
  FerryQueue *self = owner;
  FerryQueueBatch done;
  gboolean is_news = error != NULL || self->tasks.batches.error != NULL;
  gboolean is_written = ferry_queue_batches_take (&self->tasks.batches, error, &done);

  if (is_news)
    tell_error (self);
  if (!is_written)
    {
      /* Those in the executor that no worker has begun. */
      ferry_queue_claims_take_back (&self->tasks.claims);
      close_store (self);
      return;
    }
  ferry_queue_away_do_orders (&self->tasks.away, done.orders);
  ferry_queue_batch_tell_ends (&done);
  for (guint i = 0; i < done.claims->len; i++)
    ferry_queue_claims_give (&self->tasks.claims, done.claims->pdata[i]);
  ferry_executor_begin_kept (self->executor);
  ferry_queue_batch_finish (&done);
  send_batch (self);
}

static void
loaded (gpointer owner, FerryQueueValue *value, GBytes *bytes, const GError *error)
{
  ferry_queue_claims_take_arguments (&FERRY_QUEUE (owner)->tasks.claims, value, bytes, error);
}

/* ---- opening ---- */

static void
convert (FerryQueue *self, FerryQueueEntry *entry)
{
  g_autoptr (GVariant) arguments = NULL;
  g_autoptr (GVariant) converted = NULL;
  g_autoptr (GError) error = NULL;

  arguments = ferry_queue_row_open_arguments (&entry->row, &error);
  if (error != NULL)
    return;
  g_signal_emit (self, signals[SIGNAL_CONVERT], 0, entry->row.function, arguments, entry->row.version, &converted);
  if (converted == NULL && arguments != NULL)
    {
      error = g_error_new (FERRY_ERROR, FERRY_ERROR_VERSION,
                           "Task '%s' is of version %u of the application, and this one cannot run it; remove it",
                           entry->row.name, entry->row.version);
      ferry_queue_row_fail (&entry->row, error, NULL, NULL);
      entry->row.began = 0;
    }
  else if (converted != arguments)
    ferry_queue_row_set_arguments (&entry->row, converted, self->tasks.ties.folder);
  entry->row.version = self->version;
  entry->is_stale = TRUE;
  ferry_queue_batches_put (&self->tasks.batches, entry, FERRY_QUEUE_CHANGE_INSERT);
}

static int
compare_ends (gconstpointer a, gconstpointer b)
{
  gint64 one = (*(const FerryQueueEntry *const *) a)->row.ended;
  gint64 other = (*(const FerryQueueEntry *const *) b)->row.ended;

  return one < other ? -1 : one > other;
}

/* Takes the rows over. They are sorted by their place. */
static void
take_rows (FerryQueue *self, FerryQueueContent *content)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();

  for (guint i = 0; i < content->rows->len; i++)
    {
      FerryQueueEntry *entry =
        ferry_queue_entry_of (&self->tasks.ties, &g_array_index (content->rows, FerryQueueRow, i));

      ferry_queue_list_append (&self->tasks.list, entry);
      if (entry->row.state == FERRY_QUEUE_ROW_BEGUN)
        {
          entry->row.deaths++;
          ferry_queue_row_interrupt (&entry->row, self->death_limit);
          ferry_queue_batches_put (&self->tasks.batches, entry, FERRY_QUEUE_CHANGE_UPDATE);
        }
      if (entry->row.state == FERRY_QUEUE_ROW_WAITING && entry->row.version < self->version)
        convert (self, entry);
      ferry_queue_turns_update (&self->tasks.turns, entry);
      if (ferry_queue_row_has_ended (&entry->row) && !ferry_queue_row_is_cancelling (&entry->row))
        g_ptr_array_add (entries, entry);
    }
  g_ptr_array_sort (entries, compare_ends);
  for (guint i = 0; i < entries->len; i++)
    ferry_queue_ends_add (&self->tasks.ends, entries->pdata[i]);
  for (guint i = 0; i < content->known->len; i++)
    {
      FerryQueueRow *row = &g_array_index (content->known, FerryQueueRow, i);
      FerryQueueRow *known = g_memdup2 (row, sizeof *row);

      *row = (FerryQueueRow){0};
      ferry_queue_list_remember (&self->tasks.list, known);
    }
}

static void
look_again (FerryQueueEntry *entry, gpointer turns)
{
  ferry_queue_turns_update (turns, entry);
}

static void
change_paused (FerryQueue *self, gboolean paused)
{
  const FerryQueueRow row = {.paused = paused};

  ferry_queue_batches_add (&self->tasks.batches, FERRY_QUEUE_CHANGE_PAUSE, &row);
  if (self->tasks.ties.paused == paused)
    return;
  self->tasks.ties.paused = paused;
  if (paused)
    ferry_queue_claims_take_back (&self->tasks.claims);
  if (self->cluster != NULL)
    ferry_queue_list_foreach (&self->tasks.list, look_again, &self->tasks.turns);
  tell_obstacles (self);
  notify (self, PROP_PAUSED);
}

/* The queue is open, and has a cluster. */
static void
open_away (FerryQueue *self)
{
  g_autoptr (GError) error = NULL;

  self->tasks.away.death_limit = self->death_limit;
  if (!ferry_queue_away_open (&self->tasks.away, self->cluster, &self->tasks.list, &error))
    g_warning ("Tasks of the queue '%s' run while the application does, and not beyond: %s", self->path,
               error->message);
}

static void
opened (gpointer owner, FerryQueueContent *content, GError *error)
{
  FerryQueue *self = owner;
  g_autoptr (GTask) opening = g_steal_pointer (&self->opening);
  guint n;

  if (error != NULL)
    {
      self->phase = NEW;
      ferry_queue_store_close (g_steal_pointer (&self->tasks.batches.store), FALSE, FALSE);
      g_task_return_error (opening, error);
      return;
    }
  self->phase = OPEN;
  self->tasks.batches.is_open = TRUE;
  ferry_executor_add_keeper (self->executor, &self->tasks.ties.keeper);
  self->tasks.claims.is_open = TRUE;
  self->damage = g_steal_pointer (&content->damage);
  ferry_queue_ends_open (&self->tasks.ends, content->seen);
  if (self->start != FERRY_QUEUE_START_CONTINUE)
    change_paused (self, self->start == FERRY_QUEUE_START_PAUSED || content->paused || self->tasks.ties.paused);
  take_rows (self, content);
  self->tasks.away.name = content->name;
  if (content->obstacle != NULL)
    ferry_queue_batches_hold_up (&self->tasks.batches, content->obstacle);
  ferry_queue_content_free (content);
  if (self->cluster != NULL)
    open_away (self);
  n = ferry_queue_list_get_n (&self->tasks.list);
  if (n > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), 0, 0, n);
  ferry_queue_ends_prune (&self->tasks.ends);
  if (self->damage != NULL)
    notify (self, PROP_DAMAGE);
  if (self->tasks.batches.error != NULL)
    tell_error (self);
  tell_figures (self);
  notify (self, PROP_IS_OPEN);
  g_task_return_boolean (opening, TRUE);
  ferry_queue_batches_send_soon (&self->tasks.batches);
}

/* The file was written anew, since it was not at its path any more. */
static void
renewed (gpointer owner, FerryQueueContent *content, GError *error)
{
  FerryQueue *self = owner;
  g_autoptr (GTask) opening = g_steal_pointer (&self->opening);

  if (content->damage != NULL)
    {
      g_clear_error (&self->damage);
      self->damage = g_steal_pointer (&content->damage);
      notify (self, PROP_DAMAGE);
    }
  ferry_queue_content_free (content);
  if (error != NULL)
    g_task_return_error (opening, error);
  else
    g_task_return_boolean (opening, TRUE);
}

/* What is in memory is what was promised. */
static void
renew (FerryQueue *self, GTask *opening)
{
  FerryQueueContent *content = ferry_queue_content_make ();

  ferry_queue_list_copy (&self->tasks.list, content->rows, content->known);
  content->paused = self->tasks.ties.paused;
  content->name = self->tasks.away.name;
  content->seen = self->tasks.ends.latest;
  self->opening = opening;
  ferry_queue_store_renew (self->tasks.batches.store, content);
}

/* ---- closing ---- */

static void
send_time_over (gpointer data)
{
  FerryQueue *self = data;

  self->sends = FALSE;
  ferry_queue_batches_send_soon (&self->tasks.batches);
}

/* Closes the file when all has ended and is written, or cannot be written. */
static void
close_store (FerryQueue *self)
{
  FerryQueueBatches *batches = &self->tasks.batches;
  gboolean is_orderly = ferry_queue_batches_has_nothing (batches);

  if (self->phase != CLOSING || batches->store == NULL || batches->is_writing || self->back_up != NULL)
    return;
  if (batches->error == NULL &&
      (self->tasks.claims.n > 0 || !is_orderly || (self->sends && ferry_queue_away_is_busy (&self->tasks.away))))
    return;
  ferry_timers_unset (self->router->timers, &self->send_timer);
  ferry_queue_away_close (&self->tasks.away);
  ferry_timers_unset (self->router->timers, &batches->retry_timer);
  ferry_queue_store_close (g_steal_pointer (&batches->store), is_orderly, TRUE);
}

/* (transfer full): what the end of the queue costs. */
static GError *
new_loss (FerryQueue *self, const GError *error)
{
  const guint n = ferry_queue_tasks_count_unstored (&self->tasks);

  return n == 0 ? g_error_copy (error)
                : g_error_new (error->domain, error->code, "%u tasks, or their ends, are not in the queue's file. %s",
                               n, error->message);
}

static void
closed (gpointer owner, const GError *error)
{
  FerryQueue *self = owner;
  g_autoptr (GTask) closing = g_steal_pointer (&self->closing);
  g_autoptr (GError) loss = NULL;

  if (self->tasks.batches.error != NULL)
    error = loss = new_loss (self, self->tasks.batches.error);
  self->phase = CLOSED;
  ferry_queue_batches_drop (&self->tasks.batches);
  notify (self, PROP_IS_OPEN);
  if (error != NULL)
    g_task_return_error (closing, g_error_copy (error));
  else
    g_task_return_boolean (closing, TRUE);
}

/* ---- back-ups ---- */

static void
end_back_up (FerryQueue *self, const GError *error)
{
  g_autoptr (GTask) back_up = g_steal_pointer (&self->back_up);

  if (error != NULL)
    g_task_return_error (back_up, g_error_copy (error));
  else
    g_task_return_boolean (back_up, TRUE);
  ferry_queue_batches_send_soon (&self->tasks.batches);
}

static void
finish_in_thread (GTask *finishing, gpointer queue, gpointer copy, GCancellable *cancellable)
{
  GError *error = NULL;

  if (ferry_queue_copy_finish (copy, &error))
    g_task_return_boolean (finishing, TRUE);
  else
    g_task_return_error (finishing, error);
}

static void
finished (GObject *queue, GAsyncResult *result, gpointer data)
{
  FerryQueue *self = FERRY_QUEUE (queue);
  g_autoptr (GError) error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  ferry_queue_store_end_back_up (self->tasks.batches.store);
  end_back_up (self, error);
}

/* The draft is complete. Its values are copied while the file goes on. */
static void
backed_up (gpointer owner, const GError *error)
{
  FerryQueue *self = owner;
  g_autoptr (GTask) finishing = NULL;

  if (error != NULL)
    {
      end_back_up (self, error);
      return;
    }
  finishing = g_task_new (self, NULL, finished, NULL);
  g_task_set_task_data (finishing, g_task_get_task_data (self->back_up), NULL);
  g_task_run_in_thread (finishing, finish_in_thread);
}

/* What was changed before is in it. */
static void
flushed (GObject *queue, GAsyncResult *result, gpointer data)
{
  FerryQueue *self = FERRY_QUEUE (queue);
  g_autoptr (GError) error = NULL;

  if (ferry_queue_flush_finish (self, result, &error))
    ferry_queue_store_back_up (self->tasks.batches.store, g_task_get_task_data (self->back_up));
  else
    end_back_up (self, error);
}

static const FerryQueueStoreFuncs store_funcs = {opened, written, renewed, closed, loaded, backed_up};

/* ---- submitting ---- */

static gboolean
check_open (FerryQueue *self, GError **error)
{
  if (self->phase == OPEN)
    return TRUE;
  if (self->phase > OPEN)
    return ferry_set_error (error, FERRY_ERROR_STOPPED, "The queue '%s' was closed; make another one", self->path);
  return ferry_set_error (error, FERRY_ERROR_NOT_STARTED,
                          "The queue '%s' is not open; call ferry_queue_open_async(), and wait for its callback",
                          self->path);
}

static gboolean
check_key (const char *key, GError **error)
{
  g_autofree char *text = NULL;

  if (*key == '\0')
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The key of a task is empty; give it a text, or none");
  if (g_utf8_validate (key, -1, NULL))
    return TRUE;
  text = g_utf8_make_valid (key, -1);
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "The key '%s' is no UTF-8; give what g_uri_escape_string() makes of it", text);
}

/* The key is of a task that was removed: task has ended as that one. */
static FerryTask *
end_as_known (FerryQueue *self, FerryTask *task, const FerryQueueRow *known)
{
  FerryQueueRow row = *known;

  row.error = NULL;
  ferry_queue_row_restore_end (&row, task, self->router->affinity);
  return g_object_ref (task);
}

/* (transfer full): a key that no other task has, of any run. Random bytes for each would take long. */
static char *
make_key (FerryQueue *self, gint64 id)
{
  g_autofree char *key = NULL;

  if (self->run_name == NULL)
    self->run_name = g_uuid_string_random ();
  key = g_strdup_printf ("%s-%" G_GINT64_FORMAT, self->run_name, id);
  return g_ref_string_new (key);
}

static FerryQueueEntry *
add_entry (FerryQueue *self, FerryTask *task, const char *key)
{
  FerryQueueRow row = {.made_up = key == NULL, .version = self->version};
  FerryQueueEntry *entry;

  ferry_queue_list_number (&self->tasks.list, &row);
  row.key = key != NULL ? g_ref_string_new (key) : make_key (self, row.id);
  ferry_queue_row_take_task (&row, task, self->tasks.ties.folder);
  entry = ferry_queue_entry_of (&self->tasks.ties, &row);
  entry->first_batch = self->tasks.batches.number + 1;
  ferry_queue_list_append (&self->tasks.list, entry);
  return entry;
}

/**
 * ferry_queue_submit:
 * @self: an open queue
 * @task: a task that was not submitted
 * @key: (nullable): a name that the task has in this queue for ever, such as the path of what it makes; %NULL: one is
 *   made up
 * @error: return location for an error
 *
 * Submits a task, unless the queue knows @key: then it returns the task that has it, also if that is done, and leaves
 * @task alone. So an application may submit all that is to be done at each start, and nothing is done twice.
 *
 * The task is stored with all that this turn of the main loop submits, in one commit:
 * [method@FerryQueue.Queue.flush_async] tells when. It is begun after that. Stored are the function, the arguments, the
 * settings, the name and [property@Ferry.Task:application-data]; neither the signals that are connected nor the class
 * of a task that derives from [class@Ferry.Task]: see [property@FerryQueue.Queue:task-type].
 *
 * A key is known until [method@FerryQueue.Queue.forget], also when its task has left the list. Then @task has ended as
 * that one did, without its result or error, and is returned.
 *
 * A key is UTF-8, and a path may be none: [func@GLib.uri_escape_string] makes one of it, and no other path becomes the
 * same.
 *
 * Fails with %FERRY_ERROR_NOT_STARTED before the queue is open, and with %FERRY_ERROR_STOPPED once it is closed. Fails
 * with %FERRY_ERROR_BAD_ARGUMENTS if the key is empty or no UTF-8, or if the task is made of what cannot be stored:
 * descriptors, senders, or others for which it stands, and with %FERRY_ERROR_TOO_LARGE if its arguments are larger than
 * [property@Ferry.Router:max-message-size], or it was given more than 256 MiB of arguments and bytes. Fails as
 * [method@Ferry.Executor.submit_task] does, but never with %FERRY_ERROR_WOULD_BLOCK. On the router's thread.
 *
 * Returns: (transfer full): the task with the key
 */
FerryTask *
ferry_queue_submit (FerryQueue *self, FerryTask *task, const char *key, GError **error)
{
  const FerryQueueRow *known;
  FerryQueueEntry *entry;

  g_return_val_if_fail (FERRY_IS_QUEUE (self), NULL);
  g_return_val_if_fail (FERRY_IS_TASK (task), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_affinity_check_error (self->router->affinity, G_STRFUNC, error) || !check_open (self, error) ||
      (key != NULL && !check_key (key, error)))
    return NULL;
  entry = key != NULL ? ferry_queue_list_lookup (&self->tasks.list, key) : NULL;
  if (entry != NULL)
    return ferry_queue_entry_dup_task (entry);
  known = key != NULL ? ferry_queue_list_lookup_known (&self->tasks.list, key) : NULL;
  if (!ferry_queue_row_check_task (task, error) ||
      !ferry_executor_check_task (self->executor, task, self->cluster != NULL, error))
    return NULL;
  if (known != NULL)
    return end_as_known (self, task, known);
  if (!ferry_task_submit_to (task, &self->tasks.ties.source, self->router->affinity, error))
    return NULL;
  entry = add_entry (self, task, key);
  ferry_queue_entry_attach (entry, task);
  ferry_queue_batches_put (&self->tasks.batches, entry, FERRY_QUEUE_CHANGE_INSERT);
  ferry_queue_turns_update (&self->tasks.turns, entry);
  ferry_queue_list_tell (&self->tasks.list, entry, 0, 1);
  return g_object_ref (task);
}

/**
 * ferry_queue_lookup:
 * @self: a queue
 * @key: a key
 *
 * Finds a task of the list by its key. On the router's thread.
 *
 * Returns: (transfer full) (nullable): the task; %NULL if no task in the list has the key
 */
FerryTask *
ferry_queue_lookup (FerryQueue *self, const char *key)
{
  FerryQueueEntry *entry;

  g_return_val_if_fail (FERRY_IS_QUEUE (self), NULL);
  g_return_val_if_fail (key != NULL, NULL);
  ferry_return_val_if_elsewhere (self->router->affinity, NULL);

  entry = ferry_queue_list_lookup (&self->tasks.list, key);
  return entry != NULL ? ferry_queue_entry_dup_task (entry) : NULL;
}

/**
 * ferry_queue_get_key:
 * @self: a queue
 * @task: a task
 *
 * Gets the key of a task. On the router's thread.
 *
 * Returns: (transfer none) (nullable): the key; %NULL if the task is not in the list
 */
const char *
ferry_queue_get_key (FerryQueue *self, FerryTask *task)
{
  const FerryQueueEntry *entry;

  g_return_val_if_fail (FERRY_IS_QUEUE (self), NULL);
  g_return_val_if_fail (FERRY_IS_TASK (task), NULL);
  ferry_return_val_if_elsewhere (self->router->affinity, NULL);

  entry = ferry_queue_tasks_find (&self->tasks, task);
  return entry != NULL ? entry->row.key : NULL;
}

/**
 * ferry_queue_forget:
 * @self: an open queue
 * @key: a key
 * @error: return location for an error
 *
 * Forgets a key, and removes its task from the list. A task that waits is cancelled first. A later submission with the
 * key is a new task. To remove a task and keep its key, call [method@Ferry.Executor.remove]. On the router's thread.
 *
 * Fails with %FERRY_ERROR_BUSY while a worker runs the task, and with %FERRY_ERROR_BAD_ARGUMENTS if the queue does not
 * know the key. Fails with %FERRY_ERROR_NOT_STARTED and %FERRY_ERROR_STOPPED if the queue is not open.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_queue_forget (FerryQueue *self, const char *key, GError **error)
{
  g_autoptr (FerryTask) task = NULL;
  FerryQueueEntry *entry;
  const FerryQueueRow *known;

  g_return_val_if_fail (FERRY_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (key != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_affinity_check_error (self->router->affinity, G_STRFUNC, error) || !check_open (self, error))
    return FALSE;
  entry = ferry_queue_list_lookup (&self->tasks.list, key);
  known = ferry_queue_list_lookup_known (&self->tasks.list, key);
  if (entry == NULL && known == NULL)
    return check_key (key, error) && ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                                                      "The queue '%s' has no task with the key '%s'", self->path, key);
  if (known != NULL)
    {
      ferry_queue_batches_add (&self->tasks.batches, FERRY_QUEUE_CHANGE_FORGET, known);
      ferry_queue_list_forget (&self->tasks.list, key);
      return TRUE;
    }
  task = ferry_queue_entry_dup_task (entry);
  if (!ferry_queue_tasks_end_waiting (task, error))
    return FALSE;
  entry = ferry_queue_tasks_find (&self->tasks, task);
  if (entry != NULL)
    ferry_queue_tasks_drop (&self->tasks, entry, FALSE);
  return TRUE;
}

/* Returns (transfer none) (nullable) the entry of a task, or NULL with an error. */
static FerryQueueEntry *
require_entry (FerryQueue *self, FerryTask *task, GError **error)
{
  FerryQueueEntry *entry = ferry_queue_tasks_find (&self->tasks, task);

  if (entry == NULL)
    ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "Task '%s' is not in the list of the queue '%s'",
                     ferry_task_get_name (task), self->path);
  return entry;
}

static void
put_place (FerryQueueEntry *entry, gpointer queue)
{
  ferry_queue_batches_put (&FERRY_QUEUE (queue)->tasks.batches, entry, FERRY_QUEUE_CHANGE_UPDATE);
}

/**
 * ferry_queue_move:
 * @self: an open queue
 * @task: a task of the queue
 * @before: (nullable): the task of the queue that @task is to be in front of; %NULL: it becomes the last one
 * @error: return location for an error
 *
 * Moves a task in the list. Tasks of the same priority are begun in the order of the list, which is that of their
 * submission otherwise. The order is stored. On the router's thread.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS if one of the tasks is not in the list. Fails with %FERRY_ERROR_NOT_STARTED and
 * %FERRY_ERROR_STOPPED if the queue is not open.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_queue_move (FerryQueue *self, FerryTask *task, FerryTask *before, GError **error)
{
  FerryQueueEntry *entry, *next;
  guint from;

  g_return_val_if_fail (FERRY_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);
  g_return_val_if_fail (before == NULL || FERRY_IS_TASK (before), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_affinity_check_error (self->router->affinity, G_STRFUNC, error) || !check_open (self, error))
    return FALSE;
  entry = require_entry (self, task, error);
  next = entry != NULL && before != NULL ? require_entry (self, before, error) : NULL;
  if (entry == NULL || (before != NULL && next == NULL))
    return FALSE;
  if (entry == next)
    return TRUE;
  from = (guint) g_sequence_iter_get_position (entry->position);
  if (ferry_queue_list_move (&self->tasks.list, entry, next))
    ferry_queue_list_foreach (&self->tasks.list, put_place, self);
  ferry_queue_tasks_change (&self->tasks, entry);
  g_list_model_items_changed (G_LIST_MODEL (self), from, 1, 0);
  ferry_queue_list_tell (&self->tasks.list, entry, 0, 1);
  return TRUE;
}

/**
 * ferry_queue_set_not_before:
 * @self: an open queue
 * @task: a task of the queue that waits
 * @not_before: when it may be begun, in microseconds since 1970; 0: now, as a person may wish all the same
 * @error: return location for an error
 *
 * Changes [property@Ferry.Task:not-before] of a task that was submitted. On the router's thread.
 *
 * Fails with %FERRY_ERROR_BUSY if the task was begun, and with %FERRY_ERROR_BAD_ARGUMENTS if it is not in the list.
 * Fails with %FERRY_ERROR_NOT_STARTED and %FERRY_ERROR_STOPPED if the queue is not open.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_queue_set_not_before (FerryQueue *self, FerryTask *task, gint64 not_before, GError **error)
{
  FerryQueueEntry *entry;

  g_return_val_if_fail (FERRY_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);
  g_return_val_if_fail (not_before >= 0, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_affinity_check_error (self->router->affinity, G_STRFUNC, error) || !check_open (self, error))
    return FALSE;
  entry = require_entry (self, task, error);
  if (entry == NULL)
    return FALSE;
  if (entry->claimed || ferry_queue_row_has_ended (&entry->row))
    return ferry_set_error (error, FERRY_ERROR_BUSY, "Task '%s' was begun already; tasks wait before they are begun",
                            ferry_task_get_name (task));
  entry->row.not_before = not_before;
  entry->row.ended = 0;
  ferry_queue_tasks_change (&self->tasks, entry);
  ferry_task_change_not_before (task, not_before);
  return TRUE;
}

/**
 * ferry_queue_flush_async:
 * @self: an open queue
 * @cancellable: (nullable): cancels the waiting
 * @callback: (scope async): called when all that was changed so far is on the disk, or cannot be written
 * @user_data: data for @callback
 *
 * Waits until what was submitted, cancelled or moved before is on the disk. On the router's thread.
 */
void
ferry_queue_flush_async (FerryQueue *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) flush = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (FERRY_IS_QUEUE (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_elsewhere (self->router->affinity);

  flush = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (flush, ferry_queue_flush_async);
  if (!check_open (self, &error))
    g_task_return_error (flush, g_steal_pointer (&error));
  else
    ferry_queue_batches_add_flush (&self->tasks.batches, g_steal_pointer (&flush));
}

/**
 * ferry_queue_flush_finish:
 * @self: a queue
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@FerryQueue.Queue.flush_async]. Any thread.
 *
 * Fails with what [property@FerryQueue.Queue:error] is then; what could not be written is tried again all the same.
 * Fails with %FERRY_ERROR_NOT_STARTED and %FERRY_ERROR_STOPPED if the queue is not open, and with
 * %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE when all is on the disk
 */
gboolean
ferry_queue_flush_finish (FerryQueue *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ferry_queue_back_up_async:
 * @self: an open queue
 * @path: (type filename): where the copy is to be; nothing may be there
 * @cancellable: (nullable): ends the copying, and nothing is left of it
 * @callback: (scope async): called when the copy is on the disk, or could not be made
 * @user_data: data for @callback
 *
 * Copies the file while the queue goes on, with all that was submitted or changed before. At @path is then a queue that
 * can be opened, and its large values are in the folder `PATH.values`. Neither replaces anything: give each back-up a
 * name of its own, such as one with the date. On the router's thread.
 *
 * To go back to a copy, put both in the place of the queue's while no application has it open. Do not use a queue and
 * its copy side by side: what waits would be done twice.
 */
void
ferry_queue_back_up_async (FerryQueue *self, const char *path, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) back_up = NULL;
  g_autofree char *absolute = NULL;
  g_autofree char *folder = NULL;
  GError *error = NULL;

  g_return_if_fail (FERRY_IS_QUEUE (self));
  g_return_if_fail (path != NULL && *path != '\0');
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_elsewhere (self->router->affinity);

  /* Where a cancel comes too late, the copy is there. */
  back_up = g_task_new (self, cancellable, callback, user_data);
  g_task_set_check_cancellable (back_up, FALSE);
  g_task_set_source_tag (back_up, ferry_queue_back_up_async);
  if (check_open (self, &error) && self->back_up != NULL)
    ferry_set_error (&error, FERRY_ERROR_BUSY,
                     "The queue '%s' is being backed up; wait for that callback, and call this then", self->path);
  if (error != NULL)
    {
      g_task_return_error (back_up, error);
      return;
    }
  absolute = g_canonicalize_filename (path, NULL);
  folder = ferry_queue_file_name_folder (absolute);
  g_task_set_task_data (back_up, ferry_queue_copy_new (absolute, folder, self->tasks.ties.folder, cancellable),
                        (GDestroyNotify) ferry_queue_copy_free);
  self->back_up = g_steal_pointer (&back_up);
  ferry_queue_flush_async (self, cancellable, flushed, NULL);
}

/**
 * ferry_queue_back_up_finish:
 * @self: a queue
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@FerryQueue.Queue.back_up_async]. Any thread.
 *
 * Fails with %G_IO_ERROR_EXISTS if something has the name, with %FERRY_ERROR_BUSY while another back-up is made, with
 * %G_IO_ERROR_NO_SPACE, %G_IO_ERROR_READ_ONLY and others of `G_IO_ERROR` if the copy cannot be written, and as
 * [method@FerryQueue.Queue.flush_finish] does.
 *
 * Returns: %TRUE when the copy is on the disk
 */
gboolean
ferry_queue_back_up_finish (FerryQueue *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ferry_queue_set_cluster: (set-property cluster)
 * @self: a queue
 * @cluster: (nullable): a cluster, the `FerryCluster` of the library `ferry-cluster-1`; %NULL: none
 *
 * Lets hosts run what waits in the queue while the application is off. On the router's thread.
 *
 * What waits in the file is also kept by the NATS server of the cluster, where each `ferry-host --queue USER` takes
 * tasks of this user when it has a free worker, whether the application runs or not. The next start finds how they
 * have ended. Nothing runs twice by that: who begins a task, this application or a host, has taken it from all others
 * before. A task that a host runs so has no progress here, and no signals but its end.
 *
 * The file is what counts. What it has is sent again after each start, unless it is there, and a server that loses all
 * that it has, or cannot be reached, costs no task: the executor runs them here. A task that was left with hosts and
 * may not run twice waits meanwhile, until they can be asked.
 *
 * Tasks stay here that another machine cannot run: commands, those that ask ([property@Ferry.Task:interactive]), those
 * with bytes or descriptors, and those whose arguments have more than 64 KiB.
 *
 * The executor of the queue may use the cluster as well, or not.
 */
void
ferry_queue_set_cluster (FerryQueue *self, FerryRunner *cluster)
{
  g_return_if_fail (FERRY_IS_QUEUE (self));
  g_return_if_fail (cluster == NULL || FERRY_IS_RUNNER (cluster));
  ferry_return_if_elsewhere (self->router->affinity);
  ferry_return_if_fail (cluster == NULL || FERRY_RUNNER_GET_IFACE (cluster)->open_away != NULL,
                        "ferry_queue_set_cluster: a %s has no hosts that run tasks while the application is off; give "
                        "a FerryCluster",
                        G_OBJECT_TYPE_NAME (cluster));

  if (self->cluster == cluster)
    return;
  ferry_queue_away_close (&self->tasks.away);
  g_set_object (&self->cluster, cluster);
  if (cluster != NULL && self->phase == OPEN)
    open_away (self);
  notify (self, PROP_CLUSTER);
}

/* ---- the file ---- */

/**
 * ferry_queue_open_async:
 * @self: a queue
 * @cancellable: (nullable): cancels the waiting
 * @callback: (scope async): called when the tasks of the file are in the list
 * @user_data: data for @callback
 *
 * Opens the file, or makes it. Then the list has its tasks, and those that wait are begun, unless the queue is paused.
 * On the router's thread.
 *
 * What an application wants to know of tasks of earlier runs it connects in @callback, before any of them is begun: the
 * queue is a list of them. A damaged file is no reason to fail: see [property@FerryQueue.Queue:damage].
 *
 * A queue that is open, and whose file is not at its path any more ([property@FerryQueue.Queue:error] is
 * %G_IO_ERROR_NOT_FOUND), writes the file anew, with all its tasks. What is at the path is set aside, and
 * [property@FerryQueue.Queue:damage] says where.
 */
void
ferry_queue_open_async (FerryQueue *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) opening = NULL;
  GError *error = NULL;

  g_return_if_fail (FERRY_IS_QUEUE (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_elsewhere (self->router->affinity);

  opening = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (opening, ferry_queue_open_async);
  if (self->phase == OPEN && self->opening == NULL &&
      g_error_matches (self->tasks.batches.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    {
      renew (self, g_steal_pointer (&opening));
      return;
    }
  if (self->phase != NEW)
    ferry_set_error (&error, FERRY_ERROR_ALREADY_STARTED, "The queue '%s' was opened before; open each queue once",
                     self->path);
  else
    self->tasks.batches.store =
      ferry_queue_store_open (self->path, self->router->context, &store_funcs, G_OBJECT (self), &error);
  if (error != NULL)
    {
      g_task_return_error (opening, error);
      return;
    }
  self->phase = OPENING;
  self->opening = g_steal_pointer (&opening);
}

/**
 * ferry_queue_open_finish:
 * @self: a queue
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@FerryQueue.Queue.open_async]. Any thread.
 *
 * Fails with %FERRY_ERROR_BUSY if another process has the file, which the message names, or another queue of this
 * process. Fails with %FERRY_ERROR_VERSION if the file is of a newer version of Ferry, with %FERRY_ERROR_BAD_ARGUMENTS
 * if it is something else, with %FERRY_ERROR_SYSTEM, %G_IO_ERROR_NO_SPACE, %G_IO_ERROR_READ_ONLY and others of
 * `G_IO_ERROR` if it cannot be opened or written, which name the file, and with %FERRY_ERROR_ALREADY_STARTED if it was
 * opened before. After another error it may be opened once more.
 *
 * Returns: %TRUE when the queue is open
 */
gboolean
ferry_queue_open_finish (FerryQueue *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ferry_queue_close_async:
 * @self: an open queue
 * @cancellable: (nullable): cancels the waiting
 * @callback: (scope async): called when the file is closed
 * @user_data: data for @callback
 *
 * Closes the queue before the application ends: begins no more tasks, ends those that are under way, and closes the
 * file. That is no cancel: at the next start they go on as [class@FerryQueue.Queue] says, and the end does not count
 * for [property@FerryQueue.Queue:death-limit]. A task that is under way has its [property@Ferry.Task:cancel-grace] to
 * return.
 *
 * An application need not close its queue. Without it, the next start looks whether the file is damaged. On the
 * router's thread.
 */
void
ferry_queue_close_async (FerryQueue *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) closing = NULL;
  g_autoptr (GPtrArray) tasks = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (FERRY_IS_QUEUE (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_elsewhere (self->router->affinity);

  closing = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (closing, ferry_queue_close_async);
  if (!check_open (self, &error))
    {
      g_task_return_error (closing, g_steal_pointer (&error));
      return;
    }
  self->phase = CLOSING;
  self->tasks.claims.is_open = FALSE;
  self->closing = g_steal_pointer (&closing);
  self->sends = TRUE;
  ferry_timers_set (self->router->timers, &self->send_timer, g_get_monotonic_time () + SEND_TIME, send_time_over, self);
  tasks = ferry_queue_claims_list (&self->tasks.claims);
  for (guint i = 0; i < tasks->len; i++)
    {
      FerryTask *task = tasks->pdata[i];
      const FerryQueueEntry *entry = ferry_queue_tasks_find (&self->tasks, task);

      /* One that the executor does not have yet is taken back when it would get it. */
      if (entry != NULL && ferry_task_get_run (task)->source != &self->tasks.ties.source)
        ferry_task_cancel (task);
    }
  ferry_queue_batches_send_soon (&self->tasks.batches);
}

/**
 * ferry_queue_close_finish:
 * @self: a queue
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@FerryQueue.Queue.close_async]. Any thread.
 *
 * Fails with [property@FerryQueue.Queue:error] if something could not be written, and says how many tasks it concerns,
 * and with %G_IO_ERROR_NOT_FOUND if the file is not at its path any more: the file is closed, and what was under way
 * counts as interrupted by a crash. Fails with %FERRY_ERROR_NOT_STARTED and %FERRY_ERROR_STOPPED if the queue was not
 * open, and with %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE when all is on the disk
 */
gboolean
ferry_queue_close_finish (FerryQueue *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- properties ---- */

static gboolean
get_is_open (FerryQueue *self)
{
  return self->phase == OPEN || self->phase == CLOSING;
}

static const gsize fields[N_PROPERTIES] = {
  [PROP_EXECUTOR] = G_STRUCT_OFFSET (FerryQueue, executor),
  [PROP_PATH] = G_STRUCT_OFFSET (FerryQueue, path),
  [PROP_CLUSTER] = G_STRUCT_OFFSET (FerryQueue, cluster),
  [PROP_START] = G_STRUCT_OFFSET (FerryQueue, start),
  [PROP_DEATH_LIMIT] = G_STRUCT_OFFSET (FerryQueue, death_limit),
  [PROP_VERSION] = G_STRUCT_OFFSET (FerryQueue, version),
  [PROP_KEEP_COUNT] = G_STRUCT_OFFSET (FerryQueue, tasks.ends.keep_count),
  [PROP_KEEP_TIME] = G_STRUCT_OFFSET (FerryQueue, tasks.ends.keep_time),
  [PROP_PAUSED] = G_STRUCT_OFFSET (FerryQueue, tasks.ties.paused),
  [PROP_REASON] = G_STRUCT_OFFSET (FerryQueue, tasks.ties.reason),
  [PROP_ERROR] = G_STRUCT_OFFSET (FerryQueue, tasks.batches.error),
  [PROP_DAMAGE] = G_STRUCT_OFFSET (FerryQueue, damage),
  [PROP_N_WAITING] = G_STRUCT_OFFSET (FerryQueue, tasks.figures.now.n_waiting),
  [PROP_N_EXECUTING] = G_STRUCT_OFFSET (FerryQueue, tasks.figures.now.n_executing),
  [PROP_N_INTERRUPTED] = G_STRUCT_OFFSET (FerryQueue, tasks.figures.now.n_interrupted),
  [PROP_N_COMPLETED] = G_STRUCT_OFFSET (FerryQueue, tasks.figures.now.n_completed),
  [PROP_N_FAILED] = G_STRUCT_OFFSET (FerryQueue, tasks.figures.now.n_failed),
  [PROP_N_CANCELLED] = G_STRUCT_OFFSET (FerryQueue, tasks.figures.now.n_cancelled),
};

static void
ferry_queue_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryQueue *self = FERRY_QUEUE (object);

  if (property_id > PROP_PATH && !ferry_affinity_check_property (self->router->affinity, pspec))
    return;
  if (property_id == PROP_IS_OPEN)
    g_value_set_boolean (value, get_is_open (self));
  else if (property_id == PROP_N_UNSTORED)
    g_value_set_uint (value, ferry_queue_tasks_count_unstored (&self->tasks));
  else if (property_id == PROP_FRACTION)
    g_value_set_double (value, ferry_queue_tasks_count (&self->tasks).fraction);
  else if (property_id == PROP_TASK_TYPE)
    g_value_set_gtype (value, self->tasks.ties.task_type);
  else
    ferry_property_read (G_STRUCT_MEMBER_P (self, fields[property_id]), value);
}

/* (transfer full): where an application keeps its state, and the desktop looks for it. */
static char *
make_path (void)
{
  GApplication *application = g_application_get_default ();
  const char *id = application != NULL ? g_application_get_application_id (application) : NULL;
  const char *folder = id != NULL ? id : g_get_prgname () != NULL ? g_get_prgname () : "ferry";

  return g_build_filename (g_get_user_state_dir (), folder, "queue.db", NULL);
}

/* path: (nullable). */
static void
set_path (FerryQueue *self, const char *path)
{
  g_autofree char *given = path != NULL ? g_strdup (path) : make_path ();

  self->path = ferry_queue_lock_resolve (given);
  self->tasks.ties.folder = ferry_queue_file_name_folder (self->path);
}

static void
may_go_on (FerryQueue *self)
{
  gboolean executor_is_paused;

  g_object_get (self->executor, "paused", &executor_is_paused, NULL);
  if (executor_is_paused)
    ferry_queue_claims_take_back (&self->tasks.claims);
  ferry_queue_batches_send_soon (&self->tasks.batches);
}

/* executor: (transfer full). */
static void
set_executor (FerryQueue *self, FerryExecutor *executor)
{
  self->executor = executor;
  self->router = ferry_executor_get_router (self->executor);
  ferry_queue_tasks_set_executor (&self->tasks, self->executor, send_batch, self);
  g_signal_connect_object (self->executor, "notify::paused", G_CALLBACK (may_go_on), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->executor, "notify::state", G_CALLBACK (may_go_on), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->executor, "notify::error", G_CALLBACK (tell_obstacles), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->executor, "notify::fraction", G_CALLBACK (tell_figures), self, G_CONNECT_SWAPPED);
}

static void
ferry_queue_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryQueue *self = FERRY_QUEUE (object);

  if (property_id > PROP_PATH && !ferry_affinity_check_property (self->router->affinity, pspec))
    return;
  if (property_id == PROP_EXECUTOR)
    set_executor (self, ferry_property_require (object, value, pspec));
  else if (property_id == PROP_PATH)
    set_path (self, g_value_get_string (value));
  else if (property_id == PROP_TASK_TYPE)
    self->tasks.ties.task_type = g_value_get_gtype (value);
  else if (property_id == PROP_CLUSTER)
    ferry_queue_set_cluster (self, g_value_get_object (value));
  else if (property_id == PROP_PAUSED)
    {
      if (self->phase == NEW || self->phase == OPENING)
        ferry_property_change (self, &self->tasks.ties.paused, value, pspec);
      else
        change_paused (self, g_value_get_boolean (value));
    }
  else if (ferry_property_change (self, G_STRUCT_MEMBER_P (self, fields[property_id]), value, pspec))
    {
      if (property_id == PROP_REASON)
        tell_obstacles (self);
      else if (self->phase == OPEN && (property_id == PROP_KEEP_COUNT || property_id == PROP_KEEP_TIME))
        ferry_queue_ends_prune (&self->tasks.ends);
    }
}

static void
install_settings (void)
{
  /**
   * FerryQueue:executor:
   *
   * What runs the tasks.
   */
  properties[PROP_EXECUTOR] = g_param_spec_object ("executor", NULL, NULL, FERRY_TYPE_EXECUTOR, FERRY_AT_CONSTRUCTION);
  /**
   * FerryQueue:path: (type filename)
   *
   * The queue's file. The default is `queue.db` below the user's folder for states (`~/.local/state`) and the id of the
   * default application, or the name of the program. Only the user may read it. It becomes absolute, without links.
   */
  properties[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, FERRY_AT_CONSTRUCTION);
  /**
   * FerryQueue:start:
   *
   * What the queue does with the tasks that it finds when it is opened.
   */
  properties[PROP_START] =
    g_param_spec_enum ("start", NULL, NULL, FERRY_TYPE_QUEUE_START, FERRY_QUEUE_START_CONTINUE, FERRY_SETTABLE);
  /**
   * FerryQueue:death-limit:
   *
   * How often a task that may run twice may be lost, with the application, a worker or a host that runs it, until it is
   * not begun again by itself; 0 for no limit. A task that ends the application is not started again at each start: it
   * fails with %FERRY_ERROR_QUARANTINED, and waits for a person ([method@Ferry.Executor.retry]). With the default limit
   * of 3 it is begun three times, or once more than it has [property@Ferry.Task:retries] if that is more. Ends of which
   * the queue knew beforehand do not count.
   */
  properties[PROP_DEATH_LIMIT] =
    g_param_spec_uint ("death-limit", NULL, NULL, 0, G_MAXUINT, DEFAULT_DEATH_LIMIT, FERRY_SETTABLE);
  /**
   * FerryQueue:version:
   *
   * A number of the application's own, which goes up when its functions take other arguments. Set it before the queue
   * is opened. It is stored with each task, and [signal@FerryQueue.Queue::convert] is emitted for those of a lower one.
   */
  properties[PROP_VERSION] = g_param_spec_uint ("version", NULL, NULL, 0, G_MAXINT, 0, FERRY_SETTABLE);
  /**
   * FerryQueue:task-type:
   *
   * The class of tasks that the queue makes of what is stored, or tries again: [class@Ferry.Task], or one that derives
   * from it and needs no properties of its own. Set it before the queue is opened.
   */
  properties[PROP_TASK_TYPE] =
    g_param_spec_gtype ("task-type", NULL, NULL, FERRY_TYPE_TASK, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
}

static void
install_limits (void)
{
  /**
   * FerryQueue:keep-count:
   *
   * How many tasks that have ended stay in the list and in the file: the latest. As many that have failed stay beside
   * those that were completed or cancelled. Their keys stay known.
   */
  properties[PROP_KEEP_COUNT] =
    g_param_spec_uint ("keep-count", NULL, NULL, 0, G_MAXUINT, DEFAULT_KEEP_COUNT, FERRY_SETTABLE);
  /**
   * FerryQueue:keep-time:
   *
   * How long tasks that have ended stay, in microseconds; 0 for no limit. The default is 30 days. Of the time between
   * two starts a week counts at most, so that a clock that is wrong at one start removes nothing.
   */
  properties[PROP_KEEP_TIME] =
    g_param_spec_int64 ("keep-time", NULL, NULL, 0, G_MAXINT64, DEFAULT_KEEP_TIME, FERRY_SETTABLE);
}

static void
install_states (void)
{
  /**
   * FerryQueue:cluster: (setter set_cluster)
   *
   * Whose hosts run what waits while the application is off; %NULL for none: see [method@FerryQueue.Queue.set_cluster].
   */
  properties[PROP_CLUSTER] = g_param_spec_object ("cluster", NULL, NULL, FERRY_TYPE_RUNNER, FERRY_SETTABLE);
  /**
   * FerryQueue:paused:
   *
   * Whether no task is begun. What runs goes on. It is stored: [property@FerryQueue.Queue:start] says what that is for.
   */
  properties[PROP_PAUSED] = g_param_spec_boolean ("paused", NULL, NULL, FALSE, FERRY_SETTABLE);
  /**
   * FerryQueue:reason:
   *
   * Why the queue is paused, in words for the user, such as “Waits for mains power”; %NULL for none but that. It is the
   * text of tasks that wait while the queue is paused ([property@Ferry.Task:text]).
   */
  properties[PROP_REASON] = g_param_spec_string ("reason", NULL, NULL, NULL, FERRY_SETTABLE);
  /**
   * FerryQueue:is-open:
   *
   * Whether the file is open, and tasks may be submitted.
   */
  properties[PROP_IS_OPEN] = g_param_spec_boolean ("is-open", NULL, NULL, FALSE, FERRY_NOTIFIED);
  /**
   * FerryQueue:error:
   *
   * Why the file cannot be written now, such as %G_IO_ERROR_NO_SPACE; else %NULL. Meanwhile no task is begun, and none
   * that has ended is told so; those that run go on. It is tried again each second.
   *
   * It is %G_IO_ERROR_NOT_FOUND where somebody has removed, renamed, replaced or cut the file, or given it a second
   * name: put it back, or call [method@FerryQueue.Queue.open_async], which writes it anew.
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, FERRY_NOTIFIED);
  /**
   * FerryQueue:damage:
   *
   * What was found to be damaged when the file was opened; else %NULL. The message says where the damaged file is, and
   * how many tasks could be kept. It is %G_IO_ERROR_EXISTS where the file was written anew, and another one was in its
   * place, which the message names.
   */
  properties[PROP_DAMAGE] = g_param_spec_boxed ("damage", NULL, NULL, G_TYPE_ERROR, FERRY_NOTIFIED);
  /**
   * FerryQueue:n-unstored:
   *
   * How many tasks would be lost, or run again, if the application ended now, since the file cannot be written
   * ([property@FerryQueue.Queue:error]): the file does not know of them, or not how they have ended.
   */
  properties[PROP_N_UNSTORED] = g_param_spec_uint ("n-unstored", NULL, NULL, 0, G_MAXUINT, 0, FERRY_NOTIFIED);
}

/* As those of an executor: what shows an executor shows a queue. */
static void
install_figures (void)
{
  /**
   * FerryQueue:n-waiting:
   *
   * How many tasks wait. All figures that have changed are notified of at a time, [property@FerryQueue.Queue:fraction]
   * with each of them.
   */
  properties[PROP_N_WAITING] = g_param_spec_uint ("n-waiting", NULL, NULL, 0, G_MAXUINT, 0, FERRY_NOTIFIED);
  /**
   * FerryQueue:n-executing:
   *
   * How many tasks are under way: those that the file has as begun.
   */
  properties[PROP_N_EXECUTING] = g_param_spec_uint ("n-executing", NULL, NULL, 0, G_MAXUINT, 0, FERRY_NOTIFIED);
  /**
   * FerryQueue:n-interrupted:
   *
   * How many tasks of the list have failed with %FERRY_ERROR_INTERRUPTED, and wait for somebody to try them again.
   */
  properties[PROP_N_INTERRUPTED] = g_param_spec_uint ("n-interrupted", NULL, NULL, 0, G_MAXUINT, 0, FERRY_NOTIFIED);
  /**
   * FerryQueue:n-completed:
   *
   * How many tasks have been completed since the queue was opened.
   */
  properties[PROP_N_COMPLETED] = g_param_spec_uint64 ("n-completed", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryQueue:n-failed:
   *
   * How many tasks have failed since the queue was opened, and those that had failed before and were in the file.
   */
  properties[PROP_N_FAILED] = g_param_spec_uint64 ("n-failed", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryQueue:n-cancelled:
   *
   * How many tasks have been cancelled since the queue was opened.
   */
  properties[PROP_N_CANCELLED] = g_param_spec_uint64 ("n-cancelled", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryQueue:fraction:
   *
   * How much is done, from 0 to 1, of the tasks that were in the queue since it had none that waited or ran.
   */
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0, 1, 0, FERRY_NOTIFIED);
}

static GVariant *
keep_arguments (FerryQueue *self, const char *function, GVariant *arguments, guint version)
{
  return arguments != NULL ? g_variant_ref (arguments) : NULL;
}

static void
install_signals (FerryQueueClass *klass)
{
  /**
   * FerryQueue::convert:
   * @self: the queue
   * @function: the name of the function
   * @arguments: (nullable): its arguments, as an earlier version of the application stored them
   * @version: [property@FerryQueue.Queue:version] of that version
   *
   * Emitted while the queue is opened, for each task that waits and was stored with a lower number.
   *
   * Returns: (transfer full) (nullable): the arguments of this version, which may be the same; %NULL if the task cannot
   *   be run any more: then it fails with %FERRY_ERROR_VERSION, and stays in the list
   */
  signals[SIGNAL_CONVERT] =
    g_signal_new_class_handler ("convert", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, G_CALLBACK (keep_arguments),
                                g_signal_accumulator_first_wins, NULL, NULL, G_TYPE_VARIANT, 3,
                                G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE, G_TYPE_VARIANT, G_TYPE_UINT);
}

/* ---- life cycle ---- */

static void
ferry_queue_dispose (GObject *object)
{
  FerryQueue *self = FERRY_QUEUE (object);
  const gboolean was_open = self->phase == OPEN;

  ferry_timers_unset (self->router->timers, &self->send_timer);

  self->phase = CLOSED;
  ferry_queue_tasks_stop (&self->tasks, was_open);

  G_OBJECT_CLASS (ferry_queue_parent_class)->dispose (object);
}

static void
ferry_queue_finalize (GObject *object)
{
  FerryQueue *self = FERRY_QUEUE (object);

  ferry_queue_tasks_clear (&self->tasks);
  g_clear_error (&self->damage);
  g_free (self->run_name);
  g_free (self->path);
  g_clear_object (&self->cluster);
  g_object_unref (self->executor);

  G_OBJECT_CLASS (ferry_queue_parent_class)->finalize (object);
}

static void
ferry_queue_class_init (FerryQueueClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_queue_get_property;
  object_class->set_property = ferry_queue_set_property;
  object_class->dispose = ferry_queue_dispose;
  object_class->finalize = ferry_queue_finalize;
  install_settings ();
  install_limits ();
  install_states ();
  install_figures ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  install_signals (klass);
}

static void
ferry_queue_init (FerryQueue *self)
{
  self->death_limit = DEFAULT_DEATH_LIMIT;
  self->tasks.ends.keep_count = DEFAULT_KEEP_COUNT;
  self->tasks.ends.keep_time = DEFAULT_KEEP_TIME;
  ferry_queue_tasks_init (&self->tasks, self);
}

/**
 * ferry_queue_new:
 * @executor: what runs the tasks
 * @path: (type filename) (nullable): the queue's file; %NULL: [property@FerryQueue.Queue:path] says which
 *
 * Makes a queue of tasks in a file. It is opened by [method@FerryQueue.Queue.open_async]. On the router's thread.
 *
 * Returns: (transfer full): the queue
 */
FerryQueue *
ferry_queue_new (FerryExecutor *executor, const char *path)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (executor), NULL);
  ferry_return_val_if_elsewhere (ferry_executor_get_router (executor)->affinity, NULL);

  return g_object_new (FERRY_TYPE_QUEUE, "executor", executor, "path", path, NULL);
}
