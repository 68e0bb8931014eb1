/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far all tasks of a model are: sums over executors and queues, for the button and the guard.
 *
 * Owner:      who shows or guards the tasks.
 * Threads:    the one that runs GTK.
 * Invariants: a model consists of parts: executors and queues, which count for themselves, so that a hundred thousand
 *             tasks cost nothing, and other models, whose tasks are followed one by one. */

#include "config.h"

#include "gtk/ferry-task-tally-private.h"

#include "task/ferry-executor-private.h"

#include <gtk/gtk.h>

typedef struct
{
  FerryTaskTally *tally;
  GListModel *model;       /* (owned) */
  FerryRunKeeper *keeper;  /* (nullable) (unowned): of the model, if that is a queue */
  FerryExecutor *executor; /* (nullable) (unowned): that is the model, or has its tasks */

  /* How many of its tasks had ended when no task of the whole model was open, and when none of its own was. */
  guint64 n_before, n_begun;

  /* Of a model that does not count for itself. */
  GPtrArray *tasks;   /* (element-type FerryTask) (owned): as in the model */
  GHashTable *open;   /* (element-type FerryTask) (owned): those of them that are not done */
  GHashTable *paused; /* (element-type FerryTask) (owned): those of the open ones that are paused */
  guint64 n_ended[FERRY_TASK_STATE_CANCELLED + 1];
  guint n_failed;     /* of those in the model */
  guint n_batch_done; /* since no task was open; and the sum of their fractions */
  double batch_fraction;
} Part;

struct _FerryTaskTally
{
  GObject parent_instance;

  GListModel *model;   /* (owned) (nullable) */
  GPtrArray *parts;    /* (element-type Part) (owned) */
  GPtrArray *branches; /* (element-type GObject) (owned): models of models, which are watched */
};

static guint changed_signal;

G_DEFINE_FINAL_TYPE (FerryTaskTally, ferry_task_tally, G_TYPE_OBJECT)

static void change (FerryTaskTally *self);

/* ---- a model that does not count for itself ---- */

static void state_cb (FerryTask *task, GParamSpec *pspec, Part *part);
static void paused_cb (FerryTask *task, GParamSpec *pspec, Part *part);

static gboolean
has_failed (FerryTask *task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_FAILED;
}

static void
note_paused (Part *part, FerryTask *task)
{
  if (ferry_task_get_run (task)->paused)
    g_hash_table_add (part->paused, task);
  else
    g_hash_table_remove (part->paused, task);
}

static void
follow_task (Part *part, FerryTask *task)
{
  if (ferry_task_get_done (task))
    {
      part->n_ended[FERRY_TASK_STATE_FAILED] += has_failed (task);
      part->n_failed += has_failed (task);
      return;
    }
  if (g_hash_table_size (part->open) == 0)
    {
      part->n_batch_done = 0;
      part->batch_fraction = 0.0;
    }
  g_hash_table_add (part->open, g_object_ref (task));
  note_paused (part, task);
  g_signal_connect (task, "notify::state", G_CALLBACK (state_cb), part);
  g_signal_connect (task, "notify::fraction", G_CALLBACK (state_cb), part);
  g_signal_connect (task, "notify::is-paused", G_CALLBACK (paused_cb), part);
}

/* A task that has ended is counted, and one that has only left the model is not. */
static void
let_go_of_task (Part *part, FerryTask *task)
{
  g_autoptr (FerryTask) kept = g_object_ref (task);

  g_hash_table_remove (part->paused, task);
  if (!g_hash_table_remove (part->open, task))
    return;
  g_signal_handlers_disconnect_by_data (task, part);
  if (!ferry_task_get_done (kept))
    return;
  part->n_ended[ferry_task_get_state (kept)]++;
  part->n_failed += has_failed (kept);
  part->n_batch_done++;
  part->batch_fraction +=
    ferry_task_get_state (kept) == FERRY_TASK_STATE_CANCELLED ? ferry_task_get_fraction (kept) : 1.0;
}

static void
state_cb (FerryTask *task, GParamSpec *pspec, Part *part)
{
  if (ferry_task_get_done (task))
    let_go_of_task (part, task);
  change (part->tally);
}

static void
paused_cb (FerryTask *task, GParamSpec *pspec, Part *part)
{
  if (g_hash_table_contains (part->open, task))
    note_paused (part, task);
  change (part->tally);
}

static void
add_tasks (Part *part, guint position, guint n_added)
{
  for (guint i = 0; i < n_added; i++)
    {
      FerryTask *task = g_list_model_get_item (part->model, position + i);

      g_ptr_array_insert (part->tasks, (int) (position + i), task);
      follow_task (part, task);
    }
}

static void
tasks_changed_cb (Part *part, guint position, guint n_removed, guint n_added)
{
  for (guint i = 0; i < n_removed; i++)
    {
      FerryTask *task = g_ptr_array_index (part->tasks, position + i);

      let_go_of_task (part, task);
      part->n_failed -= has_failed (task);
    }
  if (n_removed > 0)
    g_ptr_array_remove_range (part->tasks, position, n_removed);
  add_tasks (part, position, n_added);
  change (part->tally);
}

/* What has no executor is not paused while it has no tasks. */
static gboolean
is_paused (Part *part)
{
  guint n_open = part->executor == NULL ? g_hash_table_size (part->open) : 0;
  gboolean model_is_paused, executor_is_paused;

  if (part->executor == NULL)
    return n_open > 0 && g_hash_table_size (part->paused) == n_open;
  g_object_get (part->model, "paused", &model_is_paused, NULL);
  g_object_get (part->executor, "paused", &executor_is_paused, NULL);
  return model_is_paused || executor_is_paused;
}

static FerryTaskFigures
sum_tasks (Part *part)
{
  guint n_open = g_hash_table_size (part->open);
  FerryTaskFigures figures = {
    .n_completed = part->n_ended[FERRY_TASK_STATE_COMPLETED],
    .n_failed = part->n_ended[FERRY_TASK_STATE_FAILED],
    .n_cancelled = part->n_ended[FERRY_TASK_STATE_CANCELLED],
    .fraction = part->batch_fraction,
  };
  GHashTableIter iter;
  gpointer task;

  g_hash_table_iter_init (&iter, part->open);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    {
      ferry_run_sum_add (&figures.running, ferry_task_get_run (task));
      figures.fraction += ferry_task_get_fraction (task);
    }
  figures.n_waiting = n_open - figures.running.n_running;
  figures.fraction /= MAX (part->n_batch_done + n_open, 1);
  figures.paused = is_paused (part);
  return figures;
}

/* (transfer full): what is done with them may change which are open. */
static GPtrArray *
dup_open (Part *part)
{
  GPtrArray *open = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer task;

  g_hash_table_iter_init (&iter, part->open);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    g_ptr_array_add (open, g_object_ref (task));
  return open;
}

static void
cancel_open (Part *part)
{
  g_autoptr (GPtrArray) open = dup_open (part);

  for (guint i = 0; i < open->len; i++)
    ferry_task_cancel (g_ptr_array_index (open, i));
}

static void
cancel_part (Part *part)
{
  if (FERRY_IS_EXECUTOR (part->model))
    ferry_executor_cancel_all (FERRY_EXECUTOR (part->model));
  else
    cancel_open (part);
}

/* ---- parts ---- */

static Part *
get_part (FerryTaskTally *self, guint i)
{
  return g_ptr_array_index (self->parts, i);
}

static guint
count_open (Part *part)
{
  guint n_waiting, n_executing;

  if (part->executor == NULL)
    return g_hash_table_size (part->open);
  g_object_get (part->model, "n-waiting", &n_waiting, "n-executing", &n_executing, NULL);
  return n_waiting + n_executing;
}

static guint
count_failed (Part *part)
{
  if (part->keeper != NULL)
    return part->keeper->funcs->count_failed (part->keeper);
  return part->executor != NULL ? ferry_executor_count_failed (part->executor) : part->n_failed;
}

static guint
count_open_of (const FerryTaskFigures *figures)
{
  return figures->n_waiting + figures->running.n_running;
}

static void
note_indeterminate (FerryTaskFigures *figures)
{
  figures->indeterminate = ferry_run_sum_is_indeterminate (&figures->running, figures->n_waiting, figures->fraction);
}

/* Those that its model says to execute may wait for a worker still. */
static FerryTaskFigures
ask_model (Part *part)
{
  FerryTaskFigures figures = {0};
  guint n_open = count_open (part);

  g_object_get (part->model, "n-completed", &figures.n_completed, "n-failed", &figures.n_failed, "n-cancelled",
                &figures.n_cancelled, "fraction", &figures.fraction, NULL);
  figures.paused = is_paused (part);
  if (part->keeper != NULL)
    g_object_get (part->model, "n-interrupted", &figures.n_interrupted, NULL);
  if (part->keeper != NULL)
    part->keeper->funcs->sum_running (part->keeper, &figures.running);
  else
    ferry_executor_sum_running (part->executor, &figures.running);
  figures.running.n_running = MIN (figures.running.n_running, n_open);
  figures.n_waiting = n_open - figures.running.n_running;
  return figures;
}

static FerryTaskFigures
get_figures (Part *part)
{
  FerryTaskFigures figures = part->executor == NULL ? sum_tasks (part) : ask_model (part);

  note_indeterminate (&figures);
  return figures;
}

static guint64
count_ended (const FerryTaskFigures *figures)
{
  return figures->n_completed + figures->n_failed + figures->n_cancelled;
}

/* A batch ends when no task is open. Those of the parts, whose fractions are theirs, may end before that of all. */
static void
note_batches (FerryTaskTally *self)
{
  gboolean is_idle = ferry_task_tally_count_open (self) == 0;

  for (guint i = 0; i < self->parts->len; i++)
    {
      Part *part = g_ptr_array_index (self->parts, i);
      FerryTaskFigures figures = get_figures (part);

      if (is_idle)
        part->n_before = count_ended (&figures);
      if (count_open_of (&figures) == 0)
        part->n_begun = count_ended (&figures);
    }
}

static void
change (FerryTaskTally *self)
{
  if (self->parts->len > 1)
    note_batches (self);
  g_signal_emit (self, changed_signal, 0);
}

/* A queue hears late that a worker has begun one of its tasks, and not at all that its executor is paused. */
static void
watch_figures (Part *part)
{
  static const char *const of_executors[] = {"notify::fraction", "notify::paused", "notify::error"};
  static const char *const of_queues[] = {"notify::reason", "notify::damage"};

  for (guint i = 0; i < G_N_ELEMENTS (of_executors); i++)
    {
      g_signal_connect_object (part->model, of_executors[i], G_CALLBACK (change), part->tally, G_CONNECT_SWAPPED);
      if (part->keeper != NULL)
        g_signal_connect_object (part->executor, of_executors[i], G_CALLBACK (change), part->tally, G_CONNECT_SWAPPED);
    }
  for (guint i = 0; part->keeper != NULL && i < G_N_ELEMENTS (of_queues); i++)
    g_signal_connect_object (part->model, of_queues[i], G_CALLBACK (change), part->tally, G_CONNECT_SWAPPED);
}

static Part *
part_new (FerryTaskTally *self, GListModel *model)
{
  Part *part = g_new0 (Part, 1);
  FerryTaskFigures figures;

  part->tally = self;
  part->model = g_object_ref (model);
  part->keeper = ferry_run_keeper_of (model);
  part->executor = part->keeper != NULL        ? part->keeper->executor
                   : FERRY_IS_EXECUTOR (model) ? FERRY_EXECUTOR (model)
                                               : NULL;
  if (part->executor != NULL)
    watch_figures (part);
  else
    {
      part->tasks = g_ptr_array_new_with_free_func (g_object_unref);
      part->open = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
      part->paused = g_hash_table_new (NULL, NULL);
      g_signal_connect_swapped (model, "items-changed", G_CALLBACK (tasks_changed_cb), part);
      add_tasks (part, 0, g_list_model_get_n_items (model));
    }
  figures = get_figures (part);
  part->n_before = part->n_begun = count_ended (&figures);
  return part;
}

static void
part_free (gpointer data)
{
  Part *part = data;

  g_signal_handlers_disconnect_by_data (part->model, part);
  g_signal_handlers_disconnect_by_data (part->model, part->tally);
  if (part->executor != NULL)
    g_signal_handlers_disconnect_by_data (part->executor, part->tally);
  for (guint i = 0; part->tasks != NULL && i < part->tasks->len; i++)
    g_signal_handlers_disconnect_by_data (g_ptr_array_index (part->tasks, i), part);
  g_clear_pointer (&part->paused, g_hash_table_unref);
  g_clear_pointer (&part->open, g_hash_table_unref);
  g_clear_pointer (&part->tasks, g_ptr_array_unref);
  g_object_unref (part->model);
  g_free (part);
}

/* ---- which parts there are ---- */

static void branches_cb (FerryTaskTally *self);

static void
watch_branch (FerryTaskTally *self, gpointer model, const char *signal)
{
  g_signal_connect_object (model, signal, G_CALLBACK (branches_cb), self, G_CONNECT_SWAPPED);
  g_ptr_array_add (self->branches, g_object_ref (model));
}

static void
leave_branch (FerryTaskTally *self, gpointer model)
{
  g_signal_handlers_disconnect_by_func (model, branches_cb, self);
  g_object_unref (model);
}

/* (transfer full): one of those before, with what it has counted, or a new one. */
static Part *
take_part (FerryTaskTally *self, GPtrArray *before, GListModel *model)
{
  for (guint i = 0; i < before->len; i++)
    if (((Part *) g_ptr_array_index (before, i))->model == model)
      return g_ptr_array_steal_index_fast (before, i);
  return part_new (self, model);
}

/* Models of models are few, and lie in each other no deeper than somebody has written. */
static void
find_parts (FerryTaskTally *self, GListModel *model, GPtrArray *before)
{
  GListModel *models;

  if (!GTK_IS_FLATTEN_LIST_MODEL (model))
    {
      g_ptr_array_add (self->parts, take_part (self, before, model));
      return;
    }
  watch_branch (self, model, "notify::model");
  models = gtk_flatten_list_model_get_model (GTK_FLATTEN_LIST_MODEL (model));
  if (models == NULL)
    return;
  watch_branch (self, models, "items-changed");
  for (guint i = 0; i < g_list_model_get_n_items (models); i++)
    {
      g_autoptr (GListModel) item = g_list_model_get_item (models, i);

      find_parts (self, item, before);
    }
}

static void
leave_branches (FerryTaskTally *self)
{
  for (guint i = 0; i < self->branches->len; i++)
    leave_branch (self, g_ptr_array_index (self->branches, i));
  g_ptr_array_set_size (self->branches, 0);
}

static void
branches_cb (FerryTaskTally *self)
{
  g_autoptr (GPtrArray) before = g_steal_pointer (&self->parts);

  self->parts = g_ptr_array_new_with_free_func (part_free);
  leave_branches (self);
  if (self->model != NULL)
    find_parts (self, self->model, before);
  change (self);
}

/* ---- the object ---- */

static void
ferry_task_tally_dispose (GObject *object)
{
  FerryTaskTally *self = FERRY_TASK_TALLY (object);

  leave_branches (self);
  g_ptr_array_set_size (self->parts, 0);
  g_clear_object (&self->model);
  G_OBJECT_CLASS (ferry_task_tally_parent_class)->dispose (object);
}

static void
ferry_task_tally_finalize (GObject *object)
{
  g_ptr_array_unref (FERRY_TASK_TALLY (object)->branches);
  g_ptr_array_unref (FERRY_TASK_TALLY (object)->parts);
  G_OBJECT_CLASS (ferry_task_tally_parent_class)->finalize (object);
}

static void
ferry_task_tally_class_init (FerryTaskTallyClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_task_tally_dispose;
  G_OBJECT_CLASS (klass)->finalize = ferry_task_tally_finalize;
  changed_signal =
    g_signal_new ("changed", FERRY_TYPE_TASK_TALLY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_task_tally_init (FerryTaskTally *self)
{
  self->parts = g_ptr_array_new_with_free_func (part_free);
  self->branches = g_ptr_array_new ();
}

FerryTaskTally *
ferry_task_tally_new (GListModel *tasks)
{
  FerryTaskTally *self = g_object_new (FERRY_TYPE_TASK_TALLY, NULL);

  g_set_object (&self->model, tasks);
  branches_cb (self);
  return self;
}

guint
ferry_task_tally_count_open (FerryTaskTally *self)
{
  guint n_open = 0;

  for (guint i = 0; i < self->parts->len; i++)
    n_open += count_open (g_ptr_array_index (self->parts, i));
  return n_open;
}

guint
ferry_task_tally_count_failed (FerryTaskTally *self)
{
  guint n_failed = 0;

  for (guint i = 0; i < self->parts->len; i++)
    n_failed += count_failed (g_ptr_array_index (self->parts, i));
  return n_failed;
}

/* Several parts count by how many tasks they have had since none was open. */
FerryTaskFigures
ferry_task_tally_get (FerryTaskTally *self)
{
  FerryTaskFigures sum = {.paused = TRUE};
  double done = 0.0, all = 0.0;

  if (self->parts->len == 1)
    return get_figures (g_ptr_array_index (self->parts, 0));
  for (guint i = 0; i < self->parts->len; i++)
    {
      Part *part = g_ptr_array_index (self->parts, i);
      FerryTaskFigures figures = get_figures (part);
      guint n_open = count_open_of (&figures);
      guint64 n_ended = count_ended (&figures);

      sum.n_waiting += figures.n_waiting;
      sum.running.n_running += figures.running.n_running;
      sum.running.n_known += figures.running.n_known;
      sum.running.n_paused += figures.running.n_paused;
      sum.running.n_endless += figures.running.n_endless;
      sum.running.fractions += figures.running.fractions;
      sum.running.left += figures.running.left;
      sum.n_completed += figures.n_completed;
      sum.n_failed += figures.n_failed;
      sum.n_cancelled += figures.n_cancelled;
      sum.n_interrupted += figures.n_interrupted;
      sum.paused = sum.paused && (n_open == 0 || figures.paused);
      done +=
        (double) (part->n_begun - part->n_before) + figures.fraction * (double) (n_ended - part->n_begun + n_open);
      all += (double) (n_ended - part->n_before + n_open);
    }
  sum.fraction = all > 0.0 ? done / all : 0.0;
  note_indeterminate (&sum);
  return sum;
}

void
ferry_task_tally_cancel_all (FerryTaskTally *self)
{
  g_autoptr (FerryTaskTally) kept = g_object_ref (self);

  for (guint i = 0; i < kept->parts->len; i++)
    {
      Part *part = get_part (kept, i);

      if (part->keeper == NULL)
        cancel_part (part);
      else
        part->keeper->funcs->cancel_all (part->keeper);
    }
}

static void
set_part_paused (Part *part, gboolean paused)
{
  g_autoptr (GPtrArray) open = part->executor == NULL ? dup_open (part) : NULL;

  if (part->keeper != NULL)
    g_object_set (part->model, "paused", paused, NULL);
  if (part->executor != NULL)
    ferry_executor_set_paused (part->executor, paused, /* running: */ TRUE);
  for (guint i = 0; open != NULL && i < open->len; i++)
    if (paused)
      ferry_task_pause (g_ptr_array_index (open, i));
    else
      ferry_task_resume (g_ptr_array_index (open, i));
}

void
ferry_task_tally_set_paused (FerryTaskTally *self, gboolean paused)
{
  g_autoptr (FerryTaskTally) kept = g_object_ref (self);

  for (guint i = 0; i < kept->parts->len; i++)
    set_part_paused (get_part (kept, i), paused);
}

void
ferry_task_tally_let_queues_go_on (FerryTaskTally *self)
{
  g_autoptr (FerryTaskTally) kept = g_object_ref (self);

  for (guint i = 0; i < kept->parts->len; i++)
    if (get_part (kept, i)->keeper != NULL)
      set_part_paused (get_part (kept, i), FALSE);
}

/* What has no executor, and no tasks, says nothing of the others. */
gboolean
ferry_task_tally_is_paused (FerryTaskTally *self)
{
  gboolean paused = FALSE;

  for (guint i = 0; i < self->parts->len; i++)
    {
      Part *part = get_part (self, i);

      if (part->executor == NULL && count_open (part) == 0)
        continue;
      if (!is_paused (part))
        return FALSE;
      paused = TRUE;
    }
  return paused;
}

gboolean
ferry_task_tally_has_queue (FerryTaskTally *self)
{
  for (guint i = 0; i < self->parts->len; i++)
    if (get_part (self, i)->keeper != NULL)
      return TRUE;
  return FALSE;
}

void
ferry_task_tally_visit_queues (FerryTaskTally *self, void (*visit) (GListModel *queue, gpointer data), gpointer data)
{
  g_autoptr (FerryTaskTally) kept = g_object_ref (self);

  for (guint i = 0; i < kept->parts->len; i++)
    if (get_part (kept, i)->keeper != NULL)
      visit (get_part (kept, i)->model, data);
}

void
ferry_task_tally_try_queues_again (FerryTaskTally *self)
{
  g_autoptr (FerryTaskTally) kept = g_object_ref (self);

  for (guint i = 0; i < kept->parts->len; i++)
    if (get_part (kept, i)->keeper != NULL)
      get_part (kept, i)->keeper->funcs->try_again (get_part (kept, i)->keeper);
}

guint
ferry_task_tally_count_unstored (FerryTaskTally *self, GError **why)
{
  guint sum = 0;

  for (guint i = 0; i < self->parts->len; i++)
    {
      const Part *part = get_part (self, i);
      guint n = 0;

      if (part->keeper != NULL)
        g_object_get (part->model, "n-unstored", &n, NULL);
      if (n > 0 && *why == NULL)
        g_object_get (part->model, "error", why, NULL);
      sum += n;
    }
  return sum;
}

guint
ferry_task_tally_count_lost (FerryTaskTally *self)
{
  guint n_open = 0;

  for (guint i = 0; i < self->parts->len; i++)
    if (get_part (self, i)->keeper == NULL)
      n_open += count_open (get_part (self, i));
  return n_open;
}

/* ---- the end of an application ---- */

typedef struct
{
  FerryTaskTally *tally; /* (owned) */
  guint n_closing;
  void (*closed) (gpointer data);
  gpointer data;
} Closing;

static void
finish_one (Closing *self)
{
  self->n_closing--;
  if (self->n_closing > 0)
    return;
  self->closed (self->data);
  g_object_unref (self->tally);
  g_free (self);
}

/* One that the application itself has closed is closed. What could not be written was told by the queue. */
static void
closed_cb (GObject *list, GAsyncResult *result, gpointer data)
{
  FerryRunKeeper *keeper = ferry_run_keeper_of (G_LIST_MODEL (list));
  g_autoptr (GError) error = NULL;

  if (!keeper->funcs->close_finish (keeper, result, &error) &&
      !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_STOPPED) &&
      !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED))
    g_warning ("%s", error->message);
  finish_one (data);
}

void
ferry_task_tally_close (FerryTaskTally *self, void (*closed) (gpointer data), gpointer data)
{
  Closing *closing = g_new (Closing, 1);

  *closing = (Closing){g_object_ref (self), 1, closed, data};
  for (guint i = 0; i < self->parts->len; i++)
    {
      FerryRunKeeper *keeper = get_part (self, i)->keeper;

      if (keeper == NULL)
        continue;
      closing->n_closing++;
      keeper->funcs->close_async (keeper, closed_cb, closing);
    }
  for (guint i = 0; i < self->parts->len; i++)
    if (get_part (self, i)->keeper == NULL)
      cancel_part (get_part (self, i));
  finish_one (closing);
}

gboolean
ferry_task_tally_has_executor (FerryTaskTally *self)
{
  for (guint i = 0; i < self->parts->len; i++)
    if (get_part (self, i)->executor != NULL)
      return TRUE;
  return FALSE;
}

FerryExecutor *
ferry_task_tally_find_executor (FerryTaskTally *self, FerryTask *task)
{
  for (guint i = 0; i < self->parts->len; i++)
    {
      FerryExecutor *executor = get_part (self, i)->executor;

      if (executor != NULL && ferry_executor_has_task (executor, task))
        return executor;
    }
  return NULL;
}
