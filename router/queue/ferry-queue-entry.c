/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An entry of a queue's list, and the task that it becomes when somebody looks at it.
 *
 * An entry is a row in memory, which becomes a FerryTask when its task is begun, or somebody looks at it, and is one
 * while somebody needs it. A task that waits has the queue as its source; the executor takes it over when it is begun.
 *
 * Owner:   FerryQueueList. A task knows its entry.
 * Threads: the router's. */

#include "config.h"

#include "queue/ferry-queue-entry-private.h"

#include "base/ferry-base-private.h"
#include "pool/ferry-labels-private.h"
#include "task/ferry-executor-private.h"

static G_DEFINE_QUARK (ferry - queue - entry, entry)

FerryQueueEntry *
ferry_queue_entry_of (FerryQueueTies *ties, FerryQueueRow *row)
{
  FerryQueueEntry *self = g_new0 (FerryQueueEntry, 1);

  self->ties = ties;
  self->row = *row;
  self->ended_link.data = self;
  self->unsent_link.data = self;
  self->away = self->row.sent ? FERRY_QUEUE_AWAY_THERE : FERRY_QUEUE_AWAY_NOT;
  self->counted.link.data = self;
  g_weak_ref_init (&self->ended_task, NULL);
  *row = (FerryQueueRow){0};
  return self;
}

void
ferry_queue_entry_free (gpointer entry)
{
  FerryQueueEntry *self = entry;

  ferry_queue_entry_detach (self);
  g_weak_ref_clear (&self->ended_task);
  ferry_queue_row_clear (&self->row);
  g_free (self->away_host);
  g_free (self);
}

FerryQueueEntry *
ferry_queue_entry_find (FerryQueueTies *ties, FerryTask *task)
{
  FerryQueueEntry *entry = g_object_get_qdata (G_OBJECT (task), entry_quark ());

  return entry != NULL && entry->ties == ties ? entry : NULL;
}

/* ---- its task ---- */

/* (transfer full) (nullable): the task of the entry, if there is one. */
static FerryTask *
peek_task (FerryQueueEntry *self)
{
  return self->task != NULL ? g_object_ref (self->task) : g_weak_ref_get (&self->ended_task);
}

/* A task that has left the queue, or whose queue is gone, and that waits: nobody runs it. */
static void
ignore (FerryTaskSource *source, FerryRun *run)
{
}

static gboolean
refuse_wait (FerryTaskSource *source, FerryTask *task, gint64 timeout, GError **error)
{
  return ferry_set_error (error, FERRY_ERROR_CLOSED, "The queue of task '%s' is closed; it waits in the queue's file",
                          ferry_task_get_name (task));
}

static FerryTaskSource nowhere = {.cancelled = ignore, .pause_changed = ignore, .wait = refuse_wait, .done = ignore};

void
ferry_queue_entry_detach (FerryQueueEntry *self)
{
  g_autoptr (FerryTask) task = peek_task (self);
  FerryRun *run;

  if (task == NULL)
    return;
  run = ferry_task_get_run (task);
  g_object_set_qdata (G_OBJECT (task), entry_quark (), NULL);
  run->keeper = NULL;
  if (run->source == &self->ties->source)
    run->source = &nowhere;
  g_clear_object (&self->task);
  g_weak_ref_set (&self->ended_task, NULL);
}

/* keeps: until it has ended. */
static void
attach (FerryQueueEntry *self, FerryTask *task, gboolean keeps)
{
  self->lacks_arguments = ferry_queue_row_lacks_arguments (&self->row);
  if (keeps)
    self->task = g_object_ref (task);
  else
    g_weak_ref_set (&self->ended_task, task);
  g_object_set_qdata (G_OBJECT (task), entry_quark (), self);
  ferry_task_get_run (task)->keeper = &self->ties->keeper;
}

void
ferry_queue_entry_attach (FerryQueueEntry *self, FerryTask *task)
{
  attach (self, task, TRUE);
}

gboolean
ferry_queue_entry_give_arguments (FerryQueueEntry *self, GError **error)
{
  gboolean done = ferry_queue_row_give_arguments (&self->row, self->task, error);

  self->lacks_arguments = !done;
  ferry_queue_value_unload (self->row.arguments);
  return done;
}

void
ferry_queue_entry_let_go (FerryQueueEntry *self)
{
  if (self->task == NULL)
    return;
  g_weak_ref_set (&self->ended_task, self->task);
  g_clear_object (&self->task);
}

/* A row that is no task of this version has failed. (transfer full) */
static FerryTask *
make_broken_task (FerryQueueEntry *self, const GError *error)
{
  const char *function = *self->row.function != '\0' ? self->row.function : "unknown";
  FerryTask *task = g_object_new (self->ties->task_type, "function", function, NULL);

  if (!ferry_queue_row_has_ended (&self->row))
    {
      ferry_queue_row_fail (&self->row, error, NULL, NULL);
      self->ties->broke (self->ties, self);
    }
  g_object_set (task, "name", self->row.name, NULL);
  return task;
}

/* A row that was cancelled without a task, and is not stored so yet, or hosts may have it: the task is told later. */
static gboolean
is_being_cancelled (FerryQueueEntry *self)
{
  return ferry_queue_row_is_cancelling (&self->row) ||
         (self->row.state == FERRY_QUEUE_ROW_CANCELLED && !self->ties->is_stored (self->ties, self));
}

FerryTask *
ferry_queue_entry_dup_task (FerryQueueEntry *self)
{
  g_autoptr (GError) error = NULL;
  FerryTask *task = peek_task (self);
  gboolean is_open;

  if (task != NULL)
    return task;
  task = ferry_queue_row_new_task (&self->row, self->ties->task_type, &error);
  if (task == NULL)
    task = make_broken_task (self, error);
  is_open = !ferry_queue_row_has_ended (&self->row) || is_being_cancelled (self);
  if (is_open)
    {
      if (self->row.paused)
        ferry_task_pause (task);
      ferry_task_submit_to (task, &self->ties->source, self->ties->affinity, NULL);
    }
  else
    ferry_queue_row_restore_end (&self->row, task, self->ties->affinity);
  attach (self, task, is_open);
  if (is_being_cancelled (self))
    ferry_task_cancel (task);
  ferry_queue_entry_tell_obstacle (self);
  return task;
}

gboolean
ferry_queue_entry_is_looked_at (FerryQueueEntry *self)
{
  g_autoptr (FerryTask) task = peek_task (self);

  return task != NULL && ((FerryListedRun *) ferry_task_get_run (task))->n_keepers > 0;
}

/* ---- what holds it ---- */

static FerryTaskPlace
get_place (const FerryQueueEntry *self)
{
  if (self->away == FERRY_QUEUE_AWAY_NOT)
    return FERRY_TASK_IS_HERE;
  if (self->away == FERRY_QUEUE_AWAY_THERE && self->ties->away_is_there)
    return FERRY_TASK_IS_SENT;
  /* At a start hosts are asked first: what has ended there while the application was off is not to run once more. */
  if ((self->away == FERRY_QUEUE_AWAY_THERE || self->away == FERRY_QUEUE_AWAY_LEAVING) && !self->ties->away_is_there &&
      !self->ties->away_is_asked)
    return FERRY_TASK_IS_OUT_OF_REACH;
  return FERRY_TASK_IS_ELSEWHERE;
}

FerryTaskVerdict
ferry_queue_entry_judge (const FerryQueueEntry *self, FerryTaskTurn turn)
{
  const FerryTaskPlace place = get_place (self);

  return ferry_task_rules_judge (place, turn,
                                 place == FERRY_TASK_IS_OUT_OF_REACH && ferry_queue_row_is_idempotent (&self->row));
}

gboolean
ferry_queue_entry_is_here (const FerryQueueEntry *self)
{
  return ferry_queue_entry_judge (self, FERRY_TASK_MAY_BEGIN) != FERRY_TASK_STAYS;
}

/* (transfer full): no host that this application knows has the labels. One that fetches tasks may have them. */
static char *
describe_lack (const FerryQueueEntry *self)
{
  char **needs = self->bucket->needs;
  g_autofree char *labels = ferry_labels_describe ((const char *const *) needs);
  g_autofree char *options = g_strjoinv (" --label ", needs);

  if (self->stays)
    return g_strdup_printf (
      "Waits for a host with %s, and is none of the tasks that can be left with a cluster; give the "
      "executor the cluster as well, by ferry_executor_add_runner()",
      labels);
  return g_strdup_printf ("Waits for a host with %s; start one with 'ferry-host --label %s'", labels, options);
}

void
ferry_queue_entry_tell_obstacle (FerryQueueEntry *self)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  const GError *unstored;

  if (self->task == NULL)
    return;
  unstored = self->ties->get_unstored (self->ties, self);
  if (unstored == NULL && self->row.state != FERRY_QUEUE_ROW_WAITING && !ferry_queue_row_is_cancelling (&self->row))
    return;
  if (unstored != NULL)
    text = g_strdup_printf ("Not stored yet: %s", unstored->message);
  else if (ferry_queue_row_is_cancelling (&self->row))
    text = self->ties->away_is_there
             ? NULL
             : g_strdup_printf ("A host may run it until it hears of the cancel. %s", self->ties->away_obstacle);
  else if (self->away == FERRY_QUEUE_AWAY_AT_HOST)
    text = g_strdup_printf ("The host '%s' runs it", self->away_host);
  else if (self->ties->paused)
    text = g_strdup (self->ties->reason != NULL ? self->ties->reason : "The queue is paused");
  else if (ferry_queue_row_waits_for_its_time (&self->row))
    text = ferry_describe_wait (self->row.not_before, "");
  else if (!ferry_queue_entry_is_here (self) && !self->ties->away_is_there)
    text = g_strdup_printf ("A host may have begun it. %s", self->ties->away_obstacle);
  else if ((error = ferry_executor_dup_error (self->ties->keeper.executor)) != NULL)
    text = g_strdup (error->message);
  else if (self->bucket != NULL && self->bucket->limit == 0)
    text = describe_lack (self);
  ferry_task_set_obstacle (self->task, text);
}
