/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tasks of a queue that are under way: begun in the file before they run.
 *
 * They are begun in the file, or about to be, and with the executor after that. The file has as many begun as can run,
 * and of short tasks more, so that workers need not wait for the disk. A task that is begun in the file and not in a
 * worker is one of which nobody knows, after a crash, whether it was.
 *
 * Owner:   the queue, of which it is a part.
 * Threads: the router's. */

#include "config.h"

#include "queue/ferry-queue-claims-private.h"

/* At most so many tasks are begun in the file ahead of those that run. */
#define MAX_AHEAD 1024

/* Workers that do not start are tried again after so long, in microseconds, which doubles up to the latter. */
#define FIRST_TRY_TIME G_USEC_PER_SEC
#define MAX_TRY_TIME (60 * G_USEC_PER_SEC)

/* Behind a task that ran for longer, in microseconds, none is begun in the file ahead: a worker then waits for the
 * disk, which is a small part of that. */
#define SHORT_TIME (50 * 1000)

void
ferry_queue_claims_init (FerryQueueClaims *self, FerryQueueTies *ties, FerryQueueTurns *turns,
                         FerryQueueBatches *batches)
{
  self->ties = ties;
  self->turns = turns;
  self->batches = batches;
  self->loading = g_hash_table_new (NULL, NULL);
}

void
ferry_queue_claims_stop (FerryQueueClaims *self)
{
  self->is_open = FALSE;
  ferry_timers_unset (self->turns->timers, &self->rest_timer);
  ferry_timers_unset (self->turns->timers, &self->try_timer);
  g_hash_table_remove_all (self->loading);
}

void
ferry_queue_claims_clear (FerryQueueClaims *self)
{
  g_hash_table_unref (self->loading);
}

/* How the entry's task stands has changed. */
static void
change (FerryQueueClaims *self, FerryQueueEntry *entry)
{
  ferry_queue_batches_put (self->batches, entry, FERRY_QUEUE_CHANGE_UPDATE);
  ferry_queue_turns_update (self->turns, entry);
}

/* Whether the queue and its executor begin tasks. */
static gboolean
may_begin (FerryQueueClaims *self)
{
  return self->is_open && !self->ties->paused && ferry_executor_goes_on (self->executor) &&
         ferry_executor_can_run (self->executor);
}

static gboolean
may_claim (FerryQueueClaims *self)
{
  return self->batches->error == NULL && ferry_queue_turns_peek (self->turns, NULL) != NULL && may_begin (self);
}

/* The task is next, and so are others after it: its arguments are read first. */
static void
load_arguments (FerryQueueClaims *self, FerryQueueEntry *entry)
{
  if (g_hash_table_insert (self->loading, entry->row.arguments, entry))
    ferry_queue_store_load (self->batches->store, entry->row.arguments);
}

void
ferry_queue_claims_forget (FerryQueueClaims *self, const FerryQueueEntry *entry)
{
  if (entry->row.arguments != NULL)
    g_hash_table_remove (self->loading, entry->row.arguments);
}

/* Arguments that could not be read are those of a task that fails. */
void
ferry_queue_claims_take_arguments (FerryQueueClaims *self, FerryQueueValue *value, GBytes *bytes, const GError *error)
{
  FerryQueueEntry *entry = g_hash_table_lookup (self->loading, value);
  g_autoptr (GError) failure = error != NULL ? g_error_copy (error) : NULL;

  g_hash_table_remove (self->loading, value);
  if (entry == NULL || entry->task == NULL || !entry->lacks_arguments)
    return;
  if (bytes != NULL)
    ferry_queue_value_keep (value, bytes);
  if (failure != NULL || !ferry_queue_entry_give_arguments (entry, &failure))
    ferry_run_refuse (ferry_task_get_run (entry->task), g_steal_pointer (&failure));
  ferry_queue_batches_send_soon (self->batches);
}

static void
tell_obstacle (gpointer entry, gpointer data)
{
  ferry_queue_entry_tell_obstacle (entry);
}

/* As many as can run, and of short ones more. What no host has the labels for waits, and says so. */
static void
set_limits (FerryQueueClaims *self)
{
  for (guint i = 0; i < self->turns->buckets->len; i++)
    {
      FerryQueueBucket *bucket = self->turns->buckets->pdata[i];
      guint n = ferry_executor_get_parallelism (self->executor, (const char *const *) bucket->needs);
      gboolean is_news = (n == 0) != (bucket->limit == 0);

      bucket->limit = n > 0 ? n + MIN (2 * self->n_short_ended, MAX_AHEAD) : 0;
      if (is_news)
        g_sequence_foreach (bucket->ready, tell_obstacle, NULL);
    }
  self->n_short_ended = 0;
}

static gboolean
has_room (const FerryQueueBucket *bucket)
{
  return bucket->n_claimed + bucket->n_taking < bucket->limit;
}

static void
count_claims (FerryQueueClaims *self, FerryQueueEntry *entry, int n)
{
  self->n += (guint) n;
  entry->bucket->n_claimed += (guint) n;
}

static void
try_again (gpointer data)
{
  FerryQueueClaims *self = data;

  self->try_time = MIN (2 * self->try_time, MAX_TRY_TIME);
  ferry_executor_try_again (self->executor);
  ferry_queue_batches_send_soon (self->batches);
}

/* None of those that are begun in the file can be begun by a worker: they wait with the others. */
static void
wait_for_workers (FerryQueueClaims *self)
{
  ferry_queue_claims_take_back (self);
  if (self->is_open && !ferry_timer_is_set (&self->try_timer) && ferry_queue_turns_peek (self->turns, NULL) != NULL)
    ferry_timers_set (self->turns->timers, &self->try_timer, g_get_monotonic_time () + self->try_time, try_again, self);
}

void
ferry_queue_claims_make (FerryQueueClaims *self)
{
  FerryQueueEntry *entry;

  set_limits (self);
  if (!ferry_executor_can_run (self->executor))
    {
      wait_for_workers (self);
      return;
    }
  self->try_time = FIRST_TRY_TIME;
  if (!may_claim (self))
    return;
  /* Nobody hears of a claim before it is stored, so that is so until its end. */
  while ((entry = ferry_queue_turns_peek (self->turns, has_room)) != NULL)
    {
      g_autoptr (FerryTask) task = NULL;

      if (ferry_queue_entry_judge (entry, FERRY_TASK_MAY_BEGIN) == FERRY_TASK_IS_ASKED_FOR)
        {
          self->ties->take (self->ties, entry);
          ferry_queue_turns_update (self->turns, entry);
          continue;
        }
      task = ferry_queue_entry_dup_task (entry);
      if (ferry_queue_row_has_ended (&entry->row))
        continue;
      if (entry->lacks_arguments)
        {
          load_arguments (self, entry);
          break;
        }
      entry->claimed = TRUE;
      count_claims (self, entry, 1);
      entry->row.state = FERRY_QUEUE_ROW_BEGUN;
      entry->row.attempts++;
      entry->row.began = g_get_real_time ();
      change (self, entry);
      ferry_queue_batches_add_claim (self->batches, task);
    }
}

/* A task that was begun in the file was begun by nobody. */
static void
unclaim (FerryQueueClaims *self, FerryQueueEntry *entry)
{
  entry->claimed = FALSE;
  count_claims (self, entry, -1);
  ferry_queue_row_wait (&entry->row);
  /* An attempt whose worker was lost is one. */
  entry->row.attempts =
    MAX (entry->row.attempts - 1, entry->task != NULL ? ferry_task_get_run (entry->task)->n_attempts : 0);
  entry->row.began = 0;
  change (self, entry);
}

/* The executor counts its queue timeout on. */
static gboolean
give (FerryQueueClaims *self, FerryQueueEntry *entry, FerryTask *task, GError **error)
{
  FerryRun *run = ferry_task_get_run (task);

  run->waits_since = ferry_time_to_monotonic (ferry_queue_row_get_wait_start (&entry->row));
  return ferry_executor_take_kept (self->executor, task, error);
}

void
ferry_queue_claims_give (FerryQueueClaims *self, FerryTask *task)
{
  FerryQueueEntry *entry = ferry_queue_entry_find (self->ties, task);
  g_autoptr (GError) error = NULL;

  /* It may have been cancelled while it was written. */
  if (entry == NULL || !entry->claimed || ferry_task_get_state (task) != FERRY_TASK_STATE_WAITING)
    return;
  if (entry->row.paused || !may_begin (self))
    unclaim (self, entry);
  else if (give (self, entry, task, &error))
    return;
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_STOPPED))
    unclaim (self, entry);
  else
    ferry_run_refuse (ferry_task_get_run (task), g_steal_pointer (&error));
}

void
ferry_queue_claims_note_end (FerryQueueClaims *self, FerryQueueEntry *entry, const FerryRun *run)
{
  entry->was_short = g_get_monotonic_time () - run->start_time < SHORT_TIME;
}

void
ferry_queue_claims_end (FerryQueueClaims *self, FerryQueueEntry *entry)
{
  if (entry->claimed)
    {
      count_claims (self, entry, -1);
      self->n_short_ended += entry->was_short;
    }
  entry->claimed = entry->was_short = FALSE;
  ferry_queue_turns_update (self->turns, entry);
}

GPtrArray *
ferry_queue_claims_list (FerryQueueClaims *self)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (GList *link = self->ties->figures->executing.head; link != NULL; link = link->next)
    {
      const FerryQueueEntry *entry = link->data;

      if (entry->claimed && entry->task != NULL)
        g_ptr_array_add (tasks, g_object_ref (entry->task));
    }
  return tasks;
}

/* One whose claim is not on the disk yet is not given to the executor then. */
void
ferry_queue_claims_take_back (FerryQueueClaims *self)
{
  g_autoptr (GPtrArray) tasks = ferry_queue_claims_list (self);

  for (guint i = 0; i < tasks->len; i++)
    {
      FerryTask *task = tasks->pdata[i];
      FerryQueueEntry *entry = ferry_queue_entry_find (self->ties, task);

      if (entry != NULL && entry->claimed && ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING &&
          ferry_executor_give_back_kept (self->executor, task, &self->ties->source))
        unclaim (self, entry);
    }
}

/* ---- those that rest ---- */

/* The executor has it no more. It has a place among those that wait for their time, and its attempts count. */
static void
store_rest (FerryQueueClaims *self, FerryQueueEntry *entry, FerryRun *run)
{
  run->rest_until = 0;
  entry->claimed = FALSE;
  count_claims (self, entry, -1);
  ferry_queue_row_rest (&entry->row, ferry_task_get_not_before (entry->task));
  entry->row.began = 0;
  change (self, entry);
}

/* It was cancelled as it ran here, and hosts may have it as well: the executor need not wait until they have heard. */
static void
let_go (FerryQueueClaims *self, FerryQueueEntry *entry)
{
  entry->claimed = FALSE;
  count_claims (self, entry, -1);
  ferry_queue_batches_send_soon (self->batches);
}

static void
take_rests_back (gpointer data)
{
  FerryQueueClaims *self = data;
  g_autoptr (GPtrArray) tasks = ferry_queue_claims_list (self);

  for (guint i = 0; i < tasks->len; i++)
    {
      FerryTask *task = tasks->pdata[i];
      FerryRun *run = ferry_task_get_run (task);
      FerryQueueEntry *entry = ferry_queue_entry_find (self->ties, task);

      if (entry == NULL || !entry->claimed)
        continue;
      if (run->rest_until > 0 && run->state == FERRY_TASK_STATE_WAITING &&
          ferry_executor_give_back_kept (self->executor, task, &self->ties->source))
        store_rest (self, entry, run);
      else if (ferry_queue_row_is_cancelling (&entry->row) && run->end_held != NULL &&
               ferry_executor_give_back_kept (self->executor, task, &self->ties->source))
        let_go (self, entry);
    }
}

/* Not within the end of a worker: what the executor gives back makes room for others. */
void
ferry_queue_claims_note_rest (FerryQueueClaims *self)
{
  ferry_timers_set (self->turns->timers, &self->rest_timer, 0, take_rests_back, self);
}
