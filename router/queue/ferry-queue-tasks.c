/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The steps of a queue's tasks, and what people do with them.
 *
 * What runs ends, is interrupted, or is changed by people. The executor tells of what runs through the keeper, and
 * people reach the tasks by it.
 *
 * Owner:   the queue, of which it is a part; the two files know each other.
 * Threads: the router's. */

#include "config.h"

#include "queue/ferry-queue-tasks-private.h"

#include "base/ferry-base-private.h"
#include "task/ferry-iterate-private.h"

static FerryQueueTasks *
from_ties (FerryQueueTies *ties)
{
  return (FerryQueueTasks *) (void *) ((char *) ties - G_STRUCT_OFFSET (FerryQueueTasks, ties));
}

static FerryQueueTasks *
from_keeper (FerryRunKeeper *keeper)
{
  return from_ties ((FerryQueueTies *) (void *) ((char *) keeper - G_STRUCT_OFFSET (FerryQueueTies, keeper)));
}

FerryQueueEntry *
ferry_queue_tasks_find (FerryQueueTasks *self, FerryTask *task)
{
  return ferry_queue_entry_find (&self->ties, task);
}

FerryQueueNumbers
ferry_queue_tasks_count (FerryQueueTasks *self)
{
  double sum = 0;

  for (GList *link = self->figures.executing.head; link != NULL; link = link->next)
    {
      const FerryQueueEntry *entry = link->data;

      sum += entry->task != NULL ? MAX (ferry_task_get_fraction (entry->task), 0) : 0;
    }
  return ferry_queue_figures_get (&self->figures, sum);
}

/* ---- an entry ---- */

void
ferry_queue_tasks_change (FerryQueueTasks *self, FerryQueueEntry *entry)
{
  ferry_queue_batches_put (&self->batches, entry, FERRY_QUEUE_CHANGE_UPDATE);
  ferry_queue_turns_update (&self->turns, entry);
}

/* The row of the entry could not be made a task, and has failed. */
static void
broke (FerryQueueTies *ties, FerryQueueEntry *entry)
{
  FerryQueueTasks *self = from_ties (ties);

  ferry_queue_tasks_change (self, entry);
  ferry_queue_ends_add (&self->ends, entry);
}

void
ferry_queue_tasks_drop (FerryQueueTasks *self, FerryQueueEntry *entry, gboolean keeps_key)
{
  FerryQueueRow *known;

  ferry_queue_batches_add (&self->batches, FERRY_QUEUE_CHANGE_DELETE, &entry->row);
  if (keeps_key && !entry->row.made_up)
    {
      known = g_new0 (FerryQueueRow, 1);
      known->key = g_ref_string_acquire (entry->row.key);
      known->state = entry->row.state;
      known->ended = entry->row.ended;
      ferry_queue_batches_add (&self->batches, FERRY_QUEUE_CHANGE_REMEMBER, known);
      ferry_queue_list_remember (&self->list, known);
    }
  /* Nobody waits any more until hosts have heard of its cancel. */
  if (entry->stored && ferry_queue_row_is_cancelling (&entry->row))
    ferry_queue_batches_add_end (&self->batches, entry->task);
  if (entry->claimed)
    ferry_queue_claims_end (&self->claims, entry);
  ferry_queue_claims_forget (&self->claims, entry);
  ferry_queue_away_forget (&self->away, entry);
  ferry_queue_ends_remove (&self->ends, entry);
  ferry_queue_turns_remove (&self->turns, entry);
  ferry_queue_figures_count (&self->figures, &entry->counted, NULL);
  ferry_queue_list_remove (&self->list, entry);
}

static void
leave (FerryQueueEntry *entry, gpointer self)
{
  ferry_queue_tasks_drop (self, entry, TRUE);
}

static void
saw (gint64 latest, gpointer self)
{
  const FerryQueueRow row = {.ended = latest};

  ferry_queue_batches_add (&((FerryQueueTasks *) self)->batches, FERRY_QUEUE_CHANGE_SEEN, &row);
}

/* ---- a task ends ---- */

/* Whether an end of a task now is that of the application, and nobody's wish for the task. */
static gboolean
is_ending (FerryQueueTasks *self)
{
  return !self->claims.is_open || ferry_executor_is_shutting_down (self->executor);
}

/* The application ends while the task is under way. */
static void
interrupt (FerryQueueEntry *entry, const FerryRun *run)
{
  if (run->start_time != 0)
    {
      ferry_queue_row_interrupt (&entry->row, 0);
      return;
    }
  ferry_queue_row_wait (&entry->row);
  entry->row.attempts -= entry->claimed;
}

static gboolean
was_interrupted (FerryQueueTasks *self, FerryQueueEntry *entry, const FerryRun *run, FerryTaskState end)
{
  if (!is_ending (self) || entry->cancelled)
    return FALSE;
  return end == FERRY_TASK_STATE_CANCELLED ||
         (end == FERRY_TASK_STATE_FAILED && (g_error_matches (run->error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST) ||
                                             g_error_matches (run->error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT)));
}

static void
take_end (FerryQueueTasks *self, FerryQueueEntry *entry, const FerryRun *run, FerryTaskState end)
{
  const GError *error = run->error != NULL ? run->error : run->limit_error;

  ferry_queue_row_count_losses (&entry->row, run->n_attempts, run->n_deaths);
  /* It was begun in the file before a worker did so. */
  entry->row.began = run->start_time > 0 ? g_get_real_time () - (g_get_monotonic_time () - run->start_time) : 0;
  if (was_interrupted (self, entry, run, end))
    interrupt (entry, run);
  else if (end == FERRY_TASK_STATE_COMPLETED)
    ferry_queue_row_complete (&entry->row, run->result, self->ties.folder);
  else if (end == FERRY_TASK_STATE_FAILED)
    {
      if (run->start_time == 0)
        entry->row.attempts -= entry->claimed;
      ferry_queue_row_fail (&entry->row, error, run->trace, run->exit);
    }
  else
    ferry_queue_row_cancel (&entry->row);
  ferry_queue_batches_put (&self->batches, entry, FERRY_QUEUE_CHANGE_UPDATE);
}

static void
hold (FerryRunKeeper *keeper, FerryRun *run, FerryTaskState end)
{
  FerryQueueTasks *self = from_keeper (keeper);
  FerryQueueEntry *entry = ferry_queue_tasks_find (self, run->owner);

  take_end (self, entry, run, end);
  ferry_queue_claims_note_end (&self->claims, entry, run);
  entry->stored = TRUE;
  /* One that waited is not begun, neither here nor at a host, which has to hear of that first. */
  ferry_queue_turns_update (&self->turns, entry);
  if (!ferry_queue_row_is_cancelling (&entry->row))
    ferry_queue_batches_add_end (&self->batches, run->owner);
  else if (entry->claimed)
    ferry_queue_claims_note_rest (&self->claims);
}

/* Implements FerryQueueTies.cancelled. */
static void
cancelled (FerryQueueTies *ties, FerryQueueEntry *entry)
{
  FerryQueueTasks *self = from_ties (ties);

  if (entry->task != NULL)
    {
      ferry_queue_batches_add_end (&self->batches, entry->task);
      return;
    }
  ferry_queue_ends_add (&self->ends, entry);
  ferry_queue_ends_trim (&self->ends);
}

static void
cancelling (FerryRunKeeper *keeper, FerryRun *run)
{
  FerryQueueTasks *self = from_keeper (keeper);
  FerryQueueEntry *entry = ferry_queue_tasks_find (self, run->owner);

  entry->cancelled = !is_ending (self) || ferry_queue_row_has_ended (&entry->row);
}

static void
returned (FerryRunKeeper *keeper, FerryRun *run)
{
  FerryQueueTasks *self = from_keeper (keeper);
  FerryQueueEntry *entry = ferry_queue_tasks_find (self, run->owner);

  ferry_queue_row_count_losses (&entry->row, run->n_attempts, run->n_deaths);
  ferry_queue_batches_put (&self->batches, entry, FERRY_QUEUE_CHANGE_UPDATE);
  if (run->rest_until > 0)
    ferry_queue_claims_note_rest (&self->claims);
}

/* Its name is stored with what it is, and whether it is paused with how it stands. */
static void
changed (FerryRunKeeper *keeper, FerryRun *run)
{
  FerryQueueTasks *self = from_keeper (keeper);
  FerryQueueEntry *entry = ferry_queue_tasks_find (self, run->owner);
  const char *name = ferry_task_get_name (run->owner);
  gboolean was_paused;

  if (entry == NULL)
    return;
  was_paused = entry->row.paused;
  entry->row.paused = run->paused && !ferry_queue_row_has_ended (&entry->row);
  if (was_paused && !entry->row.paused && entry->row.state == FERRY_QUEUE_ROW_WAITING)
    ferry_queue_row_restart_wait (&entry->row);
  if (g_str_equal (name, entry->row.name))
    ferry_queue_tasks_change (self, entry);
  else
    {
      g_ref_string_release (entry->row.name);
      entry->row.name = g_ref_string_new (name);
      ferry_queue_batches_put (&self->batches, entry, FERRY_QUEUE_CHANGE_INSERT);
    }
}

/* The task has ended in this process, and waits in the file. */
static void
part_with (FerryQueueTasks *self, FerryQueueEntry *entry)
{
  ferry_queue_entry_detach (entry);
  ferry_queue_turns_update (&self->turns, entry);
  ferry_queue_list_tell (&self->list, entry, 1, 1);
}

static void
ended (FerryRunKeeper *keeper, FerryRun *run)
{
  FerryQueueTasks *self = from_keeper (keeper);
  g_autoptr (GListModel) kept G_GNUC_UNUSED = g_object_ref (keeper->list);
  FerryQueueEntry *entry = ferry_queue_tasks_find (self, run->owner);

  if (!entry->stored)
    take_end (self, entry, run, ferry_run_get_state (run));
  entry->stored = FALSE;
  entry->cancelled = FALSE;
  ferry_queue_claims_end (&self->claims, entry);
  if (!ferry_queue_row_has_ended (&entry->row))
    {
      part_with (self, entry);
      return;
    }
  if (!entry->has_ended)
    ferry_queue_ends_add (&self->ends, entry);
  ferry_queue_entry_let_go (entry);
  ferry_queue_ends_trim (&self->ends);
  ferry_queue_batches_send_soon (&self->batches);
}

/* ---- what people do with tasks ---- */

static FerryTask *
retry (FerryRunKeeper *keeper, FerryTask *task, GError **error)
{
  FerryQueueTasks *self = from_keeper (keeper);
  FerryQueueEntry *entry = ferry_queue_tasks_find (self, task);
  g_autoptr (FerryTask) again = ferry_queue_row_new_task (&entry->row, self->ties.task_type, error);

  /* One that lacks its arguments is looked at when it has them, and is to be begun. */
  if (again == NULL || (!ferry_queue_row_lacks_arguments (&entry->row) &&
                        !ferry_executor_check_task (self->executor, again, self->away.place != NULL, error)))
    return NULL;
  ferry_queue_ends_remove (&self->ends, entry);
  ferry_queue_row_wait (&entry->row);
  entry->row.attempts = 0;
  entry->row.deaths = 0;
  entry->row.began = 0;
  entry->row.not_before = 0;
  ferry_queue_row_restart_wait (&entry->row);
  g_object_set (again, "not-before", (gint64) 0, NULL);
  ferry_task_get_run (again)->n_attempts = 0;
  ferry_task_follow (again, task);
  ferry_queue_entry_detach (entry);
  ferry_task_submit_to (again, &self->ties.source, self->router->affinity, NULL);
  ferry_queue_entry_attach (entry, again);
  ferry_queue_tasks_change (self, entry);
  ferry_queue_list_tell (&self->list, entry, 1, 1);
  return g_steal_pointer (&again);
}

gboolean
ferry_queue_tasks_end_waiting (FerryTask *task, GError **error)
{
  FerryRun *run = ferry_task_get_run (task);

  if (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING && ferry_run_take_back (run))
    ferry_task_cancel (task);
  return ferry_task_get_done (task) || run->end_held != NULL ||
         ferry_set_error (error, FERRY_ERROR_BUSY, "Task '%s' is being run; cancel it, and wait for its end",
                          ferry_task_get_name (task));
}

static gboolean
remove_task (FerryRunKeeper *keeper, FerryTask *task, GError **error)
{
  FerryQueueTasks *self = from_keeper (keeper);
  FerryQueueEntry *entry;

  if (!ferry_queue_tasks_end_waiting (task, error))
    return FALSE;
  /* A handler may have removed it. */
  entry = ferry_queue_tasks_find (self, task);
  if (entry != NULL)
    ferry_queue_tasks_drop (self, entry, TRUE);
  return TRUE;
}

static gboolean
set_priority (FerryRunKeeper *keeper, FerryTask *task, int priority, GError **error)
{
  FerryQueueTasks *self = from_keeper (keeper);
  FerryQueueEntry *entry = ferry_queue_tasks_find (self, task);

  if (entry->claimed || ferry_queue_row_has_ended (&entry->row))
    return ferry_set_error (error, FERRY_ERROR_BUSY,
                            "Task '%s' was begun already; change the priority of tasks only while they wait",
                            ferry_task_get_name (task));
  entry->row.priority = priority;
  ferry_queue_tasks_change (self, entry);
  ferry_task_change_priority (task, priority);
  return TRUE;
}

static void
add_open (FerryQueueEntry *entry, gpointer entries)
{
  if (!ferry_queue_row_has_ended (&entry->row))
    g_ptr_array_add (entries, entry);
}

/* From the last one to the first, so that none is begun that is cancelled next. One that nobody has looked at is no
 * FerryTask, and nobody is to be told, unless it will take a while to store that. */
static guint
keeper_cancel_all (FerryRunKeeper *keeper)
{
  FerryQueueTasks *self = from_keeper (keeper);
  g_autoptr (GListModel) kept G_GNUC_UNUSED = g_object_ref (keeper->list);
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  guint n = 0;

  ferry_queue_list_foreach (&self->list, add_open, entries);
  for (guint i = entries->len; i > 0; i--)
    {
      FerryQueueEntry *entry = entries->pdata[i - 1];

      if (entry->task != NULL || self->batches.error != NULL)
        {
          g_ptr_array_add (tasks, ferry_queue_entry_dup_task (entry));
          continue;
        }
      ferry_queue_row_cancel (&entry->row);
      ferry_queue_tasks_change (self, entry);
      if (!ferry_queue_row_is_cancelling (&entry->row))
        ferry_queue_ends_add (&self->ends, entry);
      n++;
    }
  for (guint i = 0; i < tasks->len; i++)
    n += ferry_task_cancel (tasks->pdata[i]);
  ferry_queue_ends_trim (&self->ends);
  return n;
}

static void
keeper_clear_finished (FerryRunKeeper *keeper)
{
  FerryQueueTasks *self = from_keeper (keeper);
  g_autoptr (GListModel) kept G_GNUC_UNUSED = g_object_ref (keeper->list);
  FerryQueueEntry *entry;

  while ((entry = ferry_queue_ends_peek (&self->ends)) != NULL)
    ferry_queue_tasks_drop (self, entry, TRUE);
}

static guint
keeper_count_failed (FerryRunKeeper *keeper)
{
  return from_keeper (keeper)->figures.n_failed;
}

/* The file has tasks as begun that wait for a worker still. */
static void
keeper_sum_running (FerryRunKeeper *keeper, FerryRunSum *sum)
{
  for (GList *link = from_keeper (keeper)->figures.executing.head; link != NULL; link = link->next)
    {
      const FerryQueueEntry *entry = link->data;

      if (entry->task != NULL)
        ferry_run_sum_add (sum, ferry_task_get_run (entry->task));
    }
}

static gboolean
keeper_move (FerryRunKeeper *keeper, FerryTask *task, FerryTask *before, GError **error)
{
  return ferry_queue_move (FERRY_QUEUE (keeper->list), task, before, error);
}

static gboolean
begin_now (FerryRunKeeper *keeper, FerryTask *task, GError **error)
{
  return ferry_queue_set_not_before (FERRY_QUEUE (keeper->list), task, 0, error);
}

static void
opened_again (GObject *queue, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_queue_open_finish (FERRY_QUEUE (queue), result, &error))
    g_warning ("%s", error->message);
}

static void
keeper_try_again (FerryRunKeeper *keeper)
{
  if (g_error_matches (from_keeper (keeper)->batches.error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    ferry_queue_open_async (FERRY_QUEUE (keeper->list), NULL, opened_again, NULL);
  ferry_executor_try_again (keeper->executor);
}

static void
keeper_close_async (FerryRunKeeper *keeper, GAsyncReadyCallback callback, gpointer user_data)
{
  ferry_queue_close_async (FERRY_QUEUE (keeper->list), NULL, callback, user_data);
}

static gboolean
keeper_close_finish (FerryRunKeeper *keeper, GAsyncResult *result, GError **error)
{
  return ferry_queue_close_finish (FERRY_QUEUE (keeper->list), result, error);
}

static void
keeper_places_changed (FerryRunKeeper *keeper)
{
  ferry_queue_batches_send_soon (&from_keeper (keeper)->batches);
}

static gboolean
is_stored (FerryQueueTies *ties, FerryQueueEntry *entry)
{
  return ferry_queue_batches_has_stored (&from_ties (ties)->batches, entry);
}

static const GError *
get_unstored (FerryQueueTies *ties, FerryQueueEntry *entry)
{
  FerryQueueTasks *self = from_ties (ties);

  return self->batches.error == NULL || ferry_queue_batches_has_kept (&self->batches, entry) ? NULL
                                                                                             : self->batches.error;
}

static const GError *
keeper_get_unstored (FerryRunKeeper *keeper, FerryRun *run)
{
  FerryQueueTasks *self = from_keeper (keeper);
  FerryQueueEntry *entry = ferry_queue_tasks_find (self, run->owner);

  return entry != NULL ? get_unstored (&self->ties, entry) : NULL;
}

static void
count_unstored (FerryQueueEntry *entry, gpointer n)
{
  *(guint *) n += get_unstored (entry->ties, entry) != NULL;
}

guint
ferry_queue_tasks_count_unstored (FerryQueueTasks *self)
{
  guint n = 0;

  if (self->batches.error != NULL)
    ferry_queue_list_foreach (&self->list, count_unstored, &n);
  return n;
}

static const FerryRunKeeperFuncs keeper_funcs = {
  .hold = hold,
  .cancelling = cancelling,
  .get_unstored = keeper_get_unstored,
  .returned = returned,
  .ended = ended,
  .changed = changed,
  .retry = retry,
  .remove = remove_task,
  .set_priority = set_priority,
  .cancel_all = keeper_cancel_all,
  .clear_finished = keeper_clear_finished,
  .count_failed = keeper_count_failed,
  .places_changed = keeper_places_changed,
  .sum_running = keeper_sum_running,
  .move = keeper_move,
  .begin_now = begin_now,
  .try_again = keeper_try_again,
  .close_async = keeper_close_async,
  .close_finish = keeper_close_finish,
};

/* A task that waits here has ended: its keeper hears of it. */
static void
ignore (FerryTaskSource *source, FerryRun *run)
{
}

static FerryQueueTasks *
from_source (FerryTaskSource *source)
{
  return from_ties ((FerryQueueTies *) (void *) ((char *) source - G_STRUCT_OFFSET (FerryQueueTies, source)));
}

static void
source_pause_changed (FerryTaskSource *source, FerryRun *run)
{
  changed (&from_source (source)->ties.keeper, run);
}

static gboolean
task_is_done (gpointer task)
{
  return ferry_task_get_done (task);
}

static gboolean
source_wait (FerryTaskSource *source, FerryTask *task, gint64 timeout, GError **error)
{
  FerryQueueTasks *self = from_source (source);
  g_autoptr (GListModel) kept G_GNUC_UNUSED = g_object_ref (self->ties.keeper.list);
  g_autofree char *what = g_strdup_printf ("Task '%s' was not done", ferry_task_get_name (task));

  return ferry_iterate_until (self->router, self->router->context, task_is_done, task, timeout, what, error);
}

/* ---- life cycle ---- */

void
ferry_queue_tasks_init (FerryQueueTasks *self, FerryQueue *queue)
{
  self->ties.source =
    (FerryTaskSource){.cancelled = ignore, .pause_changed = source_pause_changed, .wait = source_wait, .done = ignore};
  self->ties.keeper.funcs = &keeper_funcs;
  self->ties.keeper.list = G_LIST_MODEL (queue);
  self->ties.broke = broke;
  self->ties.cancelled = cancelled;
  self->ties.is_stored = is_stored;
  self->ties.get_unstored = get_unstored;
  self->ties.figures = &self->figures;
  self->ties.task_type = FERRY_TYPE_TASK;
  ferry_queue_list_init (&self->list, G_LIST_MODEL (queue));
  ferry_queue_claims_init (&self->claims, &self->ties, &self->turns, &self->batches);
  ferry_queue_away_init (&self->away, &self->ties, &self->turns, &self->batches);
}

/* The time of some tasks has come. */
static void
time_came (gpointer self)
{
  ferry_queue_batches_send_soon (&((FerryQueueTasks *) self)->batches);
}

/* The task has waited for too long, also if it was only in the file. */
static void
expired (FerryQueueEntry *entry, gpointer data)
{
  g_autoptr (FerryTask) task = NULL;
  FerryRun *run;

  if (ferry_queue_away_ask (&((FerryQueueTasks *) data)->away, entry))
    return;
  task = ferry_queue_entry_dup_task (entry);
  run = ferry_task_get_run (task);
  if (!ferry_queue_row_has_ended (&entry->row))
    ferry_run_refuse (run, ferry_run_new_wait_error (run));
}

void
ferry_queue_tasks_set_executor (FerryQueueTasks *self, FerryExecutor *executor, void (*due) (gpointer queue),
                                FerryQueue *queue)
{
  self->executor = executor;
  self->router = ferry_executor_get_router (executor);
  self->ties.keeper.executor = executor;
  ferry_run_keeper_init (&self->ties.keeper);
  self->ties.source.limits = self->router->limits;
  self->ties.affinity = self->router->affinity;
  self->claims.executor = executor;
  ferry_queue_turns_init (&self->turns, self->router->timers, self->router->context, time_came, expired, self);
  ferry_queue_ends_init (&self->ends, self->router->timers, leave, saw, self);
  ferry_queue_batches_init (&self->batches, self->router->timers, due, queue);
}

/* What has not been written yet is, after the queue's end. */
void
ferry_queue_tasks_stop (FerryQueueTasks *self, gboolean is_open)
{
  ferry_executor_remove_keeper (self->executor, &self->ties.keeper);
  ferry_queue_away_close (&self->away);
  ferry_queue_ends_stop (&self->ends);
  ferry_queue_batches_stop (&self->batches);
  if (self->batches.store != NULL)
    ferry_queue_store_close (g_steal_pointer (&self->batches.store), is_open && self->claims.n == 0, FALSE);
  ferry_queue_claims_stop (&self->claims);
  self->figures = (FerryQueueFigures){0};
  ferry_queue_turns_stop (&self->turns);
  ferry_queue_list_empty (&self->list);
  ferry_queue_batches_drop (&self->batches);
}

void
ferry_queue_tasks_clear (FerryQueueTasks *self)
{
  ferry_queue_batches_clear (&self->batches);
  ferry_queue_claims_clear (&self->claims);
  ferry_queue_away_clear (&self->away);
  ferry_queue_turns_clear (&self->turns);
  ferry_queue_list_clear (&self->list);
  g_free (self->ties.reason);
  g_free (self->ties.folder);
}
