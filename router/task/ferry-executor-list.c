/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which tasks an executor has in its list model, in the order of their submission, and when one that is done leaves.
 *
 * Threads: the router's. */

#include "config.h"

#include "task/ferry-executor-list-private.h"

#include <stdatomic.h>

/* How many finished tasks may be in the list in addition to keep_finished. */
#define MAX_LEAVING 4096

/* How many finished tasks stay in a list that is watched for a while, in addition to keep_finished: the latest. More of
 * them would take the place of those that run. */
#define MAX_LINGERING 5

/* How many tasks that failed stay in a list that is watched: the latest. */
#define MAX_FAILED 1000

/* Returns (transfer none) a tree of the listed tasks, in which their positions are found quickly. It is made for the
 * first question about a position, in a time that grows with the list, and dropped when the list is empty. Most lists
 * are never shown, and a change of a tree takes many times as long as one of a linked list. */
static GSequence *
need_index (FerryExecutorList *self)
{
  if (self->index != NULL)
    return self->index;
  self->index = g_sequence_new (NULL);
  for (GList *link = self->entries.head; link != NULL; link = link->next)
    {
      FerryListedRun *entry = link->data;

      entry->position = g_sequence_append (self->index, entry->run.owner);
    }
  return self->index;
}

GObject *
ferry_executor_list_dup_task (FerryExecutorList *self, guint position)
{
  if (position >= self->entries.length)
    return NULL;
  return g_object_ref (g_sequence_get (g_sequence_get_iter_at_pos (need_index (self), (int) position)));
}

/* Whether a change of the list must be told. Most lists have no handler, and an emission costs as much as the rest of
 * the change. To ask costs a quarter of that, so it is asked once for a task that ends. */
static gboolean
is_watched (FerryExecutorList *self)
{
  static _Atomic guint items_changed;
  /* Relaxed: all threads find the same number. */
  guint signal = atomic_load_explicit (&items_changed, memory_order_relaxed);

  if (G_UNLIKELY (signal == 0))
    {
      signal = g_signal_lookup ("items-changed", G_TYPE_LIST_MODEL);
      atomic_store_explicit (&items_changed, signal, memory_order_relaxed);
    }
  return g_signal_has_handler_pending (self->model, signal, 0, FALSE);
}

void
ferry_executor_list_add (FerryExecutorList *self, FerryListedRun *entry)
{
  entry->listed = TRUE;
  entry->number = ++self->latest_number;
  ferry_run_ref (&entry->run);
  entry->list_link.data = entry;
  g_queue_push_tail_link (&self->entries, &entry->list_link);
  if (self->index != NULL)
    entry->position = g_sequence_append (self->index, entry->run.owner);
  if (is_watched (self))
    g_list_model_items_changed (self->model, self->entries.length - 1, 0, 1);
}

static int
compare_numbers (gconstpointer a, gconstpointer b, gpointer data)
{
  guint64 one = ((const FerryListedRun *) a)->number;
  guint64 other = ((const FerryListedRun *) b)->number;

  return one < other ? -1 : one > other;
}

/* Whether a task that is done stays in the list for that it failed, and who looks at the list has not acted on that. */
static gboolean
must_be_seen (FerryExecutorList *self, const FerryListedRun *entry)
{
  return entry->run.state == FERRY_TASK_STATE_FAILED && !entry->tried_again && is_watched (self);
}

/* Marks a task as removed from the list. A failure counts from when it has finished. */
static void
set_unlisted (FerryExecutorList *self, FerryListedRun *entry, gboolean has_finished)
{
  entry->listed = FALSE;
  self->n_failed -= has_finished && entry->run.state == FERRY_TASK_STATE_FAILED;
}

/* Marks a task as removed from the list, and moves its link to leaving, with the list's reference. */
static void
take_link (FerryExecutorList *self, GQueue *queue, GList *link, GQueue *leaving)
{
  g_queue_unlink (queue, link);
  set_unlisted (self, link->data, /* has_finished: */ TRUE);
  g_queue_push_tail_link (leaving, link);
}

/* Drops the list's references to tasks that have left. */
static void
release (GQueue *leaving)
{
  GList *link;

  while ((link = g_queue_pop_head_link (leaving)) != NULL)
    ferry_run_unref (g_steal_pointer (&link->data));
}

/* Whether a task that is done stays in the list until it is removed: see must_be_seen() and
 * ferry_executor_keep_task(). */
static gboolean
must_stay (FerryExecutorList *self, const FerryListedRun *entry)
{
  return (entry->n_keepers > 0 && !entry->tried_again) || must_be_seen (self, entry);
}

/* Of the finished tasks except the keep_finished latest, those that must stay become ones that do, and those that were
 * tried again leave. */
static void
sort_finished (FerryExecutorList *self, GQueue *leaving)
{
  GList *link = self->finished.head;

  for (guint n = self->finished.length; n > self->keep_finished; n--)
    {
      GList *next = link->next;
      FerryListedRun *entry = link->data;

      if (must_stay (self, entry))
        {
          entry->stays = TRUE;
          g_queue_unlink (&self->finished, link);
          g_queue_push_tail_link (&self->failed, link);
        }
      else if (entry->tried_again)
        take_link (self, &self->finished, link, leaving);
      link = next;
    }
}

/* Takes the first tasks of those that failed, until so many are left, but none that is kept. */
static void
take_failed (FerryExecutorList *self, guint n_left, GQueue *leaving)
{
  GList *link = self->failed.head;

  while (link != NULL && self->failed.length > n_left)
    {
      GList *next = link->next;

      if (((FerryListedRun *) link->data)->n_keepers == 0)
        take_link (self, &self->failed, link, leaving);
      link = next;
    }
}

/* Takes the first tasks of a queue, until so many are left. */
static void
take_first (FerryExecutorList *self, GQueue *queue, guint n_left, GQueue *leaving)
{
  while (queue->length > n_left)
    take_link (self, queue, queue->head, leaving);
}

/* Moves all finished tasks to leaving, marked as removed from the list, so that no handler removes them a second time.
 * The caller must unlink them. */
static void
take_finished (FerryExecutorList *self, GQueue *leaving)
{
  take_first (self, &self->finished, 0, leaving);
  take_first (self, &self->failed, 0, leaving);
}

/* Removes tasks that are marked already from the list. Neighbouring tasks are removed in one change, because a list
 * view needs much time for each. The loop starts at the end, so that earlier positions stay valid. */
static void
unlink_in_order (FerryExecutorList *self, GQueue *leaving, gboolean watched)
{
  GList *link;

  need_index (self);
  g_queue_sort (leaving, compare_numbers, NULL);
  link = leaving->tail;
  while (link != NULL)
    {
      GSequenceIter *end = g_sequence_iter_next (((FerryListedRun *) link->data)->position);
      GSequenceIter *first;
      const GList *before;
      guint position;
      guint n = 0;

      do
        {
          FerryListedRun *entry = link->data;

          before = entry->list_link.prev;
          first = g_steal_pointer (&entry->position);
          g_queue_unlink (&self->entries, &entry->list_link);
          link = link->prev;
          n++;
        }
      while (link != NULL && before == &((FerryListedRun *) link->data)->list_link);
      position = (guint) g_sequence_iter_get_position (first);
      /* A range is cut out of the tree, which takes several times as long as to remove one. */
      if (n == 1)
        g_sequence_remove (first);
      else
        g_sequence_remove_range (first, end);
      if (watched)
        g_list_model_items_changed (self->model, position, n, 0);
    }
  if (self->entries.length == 0)
    g_clear_pointer (&self->index, g_sequence_free);
}

/* Removes tasks that are marked already from the list, and releases them. watched: is_watched(). */
static void
list_unlink (FerryExecutorList *self, GQueue *leaving, gboolean watched)
{
  g_autoptr (GListModel) kept G_GNUC_UNUSED = g_object_ref (self->model);

  /* No handler runs before all are unlinked, so none can ask for a position meanwhile. */
  if (self->index == NULL && !watched)
    for (GList *link = leaving->head; link != NULL; link = link->next)
      g_queue_unlink (&self->entries, &((FerryListedRun *) link->data)->list_link);
  else
    unlink_in_order (self, leaving, watched);
  release (leaving);
}

void
ferry_executor_list_remove (FerryExecutorList *self, FerryListedRun *entry)
{
  GList link = {.data = entry};
  GQueue leaving = {.head = &link, .tail = &link, .length = 1};
  gboolean has_finished = entry->finished_link.data != NULL;

  if (!entry->listed)
    return;
  set_unlisted (self, entry, has_finished);
  entry->finished_link.data = NULL;
  if (has_finished)
    g_queue_unlink (entry->stays ? &self->failed : &self->finished, &entry->finished_link);
  list_unlink (self, &leaving, is_watched (self));
}

/* Since when a finished task is one that leaves after a while. */
static gint64
get_finished_since (const FerryListedRun *entry)
{
  return MAX (entry->run.end_time, entry->let_go);
}

/* How many of the finished tasks stay in the list, those that finished last. */
static guint
count_staying (FerryExecutorList *self, gboolean watched)
{
  guint n = MIN (self->finished.length, self->keep_finished);
  GList *link;
  gint64 now;

  if (self->finished_time == 0 || self->finished.length == n || !watched)
    return n;
  n += MIN (self->finished.length - n, MAX_LINGERING);
  now = g_get_monotonic_time ();
  link = g_queue_peek_nth_link (&self->finished, self->finished.length - n);
  for (; n > self->keep_finished && now - get_finished_since (link->data) >= self->finished_time; link = link->next)
    n--;
  return n;
}

static void
trim (FerryExecutorList *self, gboolean watched)
{
  GQueue leaving = G_QUEUE_INIT;

  ferry_timers_unset (self->timers, &self->linger_timer);
  if (self->finished.length <= self->keep_finished)
    return;
  sort_finished (self, &leaving);
  take_first (self, &self->finished, count_staying (self, watched), &leaving);
  take_failed (self, MAX_FAILED, &leaving);
  if (self->finished.length > self->keep_finished)
    ferry_timers_set (self->timers, &self->linger_timer,
                      ferry_time_add (get_finished_since (self->finished.head->data), self->finished_time),
                      ferry_executor_list_trim, self);
  if (leaving.length > 0)
    list_unlink (self, &leaving, watched);
}

void
ferry_executor_list_trim (gpointer list)
{
  FerryExecutorList *self = list;

  trim (self, self->finished.length > self->keep_finished && is_watched (self));
}

void
ferry_executor_list_clear (FerryExecutorList *self)
{
  GQueue leaving = G_QUEUE_INIT;

  take_finished (self, &leaving);
  g_clear_pointer (&self->index, g_sequence_free);
  g_queue_init (&self->entries);
  release (&leaving);
}

void
ferry_executor_list_finish (FerryExecutorList *self, FerryListedRun *entry)
{
  gboolean watched;

  if (!entry->listed)
    return;
  watched = is_watched (self);
  entry->finished_link.data = entry;
  g_queue_push_tail_link (&self->finished, &entry->finished_link);
  self->n_failed += entry->run.state == FERRY_TASK_STATE_FAILED;
  if (self->finished.length > (guint64) self->keep_finished + MAX_LEAVING || !watched)
    trim (self, watched);
}

void
ferry_executor_list_let_go (FerryExecutorList *self, FerryListedRun *entry)
{
  if (!entry->listed || !entry->stays || must_be_seen (self, entry))
    return;
  entry->stays = FALSE;
  entry->let_go = g_get_monotonic_time ();
  g_queue_unlink (&self->failed, &entry->finished_link);
  g_queue_push_tail_link (&self->finished, &entry->finished_link);
  ferry_executor_list_trim (self);
}

void
ferry_executor_list_remove_finished (FerryExecutorList *self)
{
  GQueue leaving = G_QUEUE_INIT;

  take_finished (self, &leaving);
  list_unlink (self, &leaving, is_watched (self));
}

GPtrArray *
ferry_executor_list_dup_open (FerryExecutorList *self)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (GList *link = self->entries.head; link != NULL; link = link->next)
    {
      const FerryRun *run = link->data;

      if (!ferry_run_get_done (run))
        g_ptr_array_add (tasks, g_object_ref (run->owner));
    }
  return tasks;
}

guint
ferry_executor_list_cancel (FerryExecutorList *self)
{
  g_autoptr (GPtrArray) tasks = ferry_executor_list_dup_open (self);
  guint n = 0;

  /* The loop goes from the last task to the first, so that no worker begins a task that is cancelled next. */
  for (guint i = tasks->len; i > 0; i--)
    n += ferry_task_cancel (g_ptr_array_index (tasks, i - 1));
  return n;
}
