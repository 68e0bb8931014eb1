/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An executor as a list model of its tasks, in the order of their submission.
 *
 * Who is in the list: every task that is not done, and of those that are as many as are to be kept, the latest ones.
 * The place of a task is found through its position in a balanced tree, so that lists of any length stay quick. */

#include "config.h"

#include "task/ferry-executor-private.h"

/* So many tasks that are done may be in the list beyond those that are to be kept. */
#define MAX_LEAVING 4096

static GType
get_item_type (GListModel *model)
{
  return FERRY_TYPE_TASK;
}

static guint
get_n_items (GListModel *model)
{
  FerryExecutor *self = FERRY_EXECUTOR (model);

  if (!ferry_home_check (self->pool->router->home, "g_list_model_get_n_items"))
    return 0;
  return (guint) g_sequence_get_length (self->list);
}

static gpointer
get_item (GListModel *model, guint position)
{
  FerryExecutor *self = FERRY_EXECUTOR (model);
  GSequenceIter *iter;

  if (!ferry_home_check (self->pool->router->home, "g_list_model_get_item"))
    return NULL;
  iter = g_sequence_get_iter_at_pos (self->list, (int) MIN (position, (guint) G_MAXINT));
  return g_sequence_iter_is_end (iter) ? NULL : g_object_ref (g_sequence_get (iter));
}

void
ferry_executor_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

/* main: a task that was submitted. */
void
ferry_executor_list_add (FerryExecutor *self, FerryTask *task)
{
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  seat->position = g_sequence_append (self->list, g_object_ref (task));
  seat->number = ++self->latest_number;
  g_list_model_items_changed (G_LIST_MODEL (self), (guint) g_sequence_get_length (self->list) - 1, 0, 1);
}

/* main: takes a task out of the list. */
void
ferry_executor_list_remove (FerryExecutor *self, FerryTask *task)
{
  FerryTaskSeat *seat = ferry_task_get_seat (task);
  GSequenceIter *iter = g_steal_pointer (&seat->position);
  guint position;

  if (iter == NULL)
    return;
  if (g_steal_pointer (&seat->finished_link.data) != NULL)
    g_queue_unlink (&self->finished, &seat->finished_link);
  position = (guint) g_sequence_iter_get_position (iter);
  g_sequence_remove (iter);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}

typedef struct
{
  guint64 number;
  GSequenceIter *position;
} Leaving;

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  const Leaving *one = a;
  const Leaving *other = b;

  return one->number < other->number ? -1 : one->number > other->number;
}

/* The oldest of the finished tasks, but for so many, in the order of the list. They have left by what their seats say,
 * so that whatever handlers do, nobody else takes them out. */
static GArray *
take_leaving (FerryExecutor *self, guint keep)
{
  GArray *leaving = g_array_sized_new (FALSE, FALSE, sizeof (Leaving), self->finished.length - keep);

  while (self->finished.length > keep)
    {
      GList *link = g_queue_pop_head_link (&self->finished);
      FerryTaskSeat *seat = ferry_task_get_seat (g_steal_pointer (&link->data));
      Leaving one = {seat->number, g_steal_pointer (&seat->position)};

      g_array_append_val (leaving, one);
    }
  g_array_sort (leaving, compare_numbers);
  return leaving;
}

static GSequenceIter *
get_position (GArray *leaving, guint index)
{
  return g_array_index (leaving, Leaving, index).position;
}

/* main: takes out the oldest of the finished tasks, but for so many: neighbours at once, since a list view takes its
 * time for each change, and the last ones first, so that those before them keep their places. */
void
ferry_executor_list_trim (FerryExecutor *self, guint keep)
{
  g_autoptr (GArray) leaving = NULL;
  guint n;

  if (self->finished.length <= keep)
    return;
  g_object_ref (self);
  leaving = take_leaving (self, keep);
  for (guint end = leaving->len; end > 0; end -= n)
    {
      GSequenceIter *first = get_position (leaving, end - 1);
      GSequenceIter *behind = g_sequence_iter_next (first);
      guint position;

      for (n = 1; n < end && g_sequence_iter_prev (first) == get_position (leaving, end - 1 - n); n++)
        first = get_position (leaving, end - 1 - n);
      position = (guint) g_sequence_iter_get_position (first);
      g_sequence_remove_range (first, behind);
      g_list_model_items_changed (G_LIST_MODEL (self), position, n, 0);
    }
  g_object_unref (self);
}

/* main: forgets the list without a word, when the executor goes. */
void
ferry_executor_list_clear (FerryExecutor *self)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&self->finished)) != NULL)
    {
      FerryTaskSeat *seat = ferry_task_get_seat (g_steal_pointer (&link->data));

      g_sequence_remove (g_steal_pointer (&seat->position));
    }
}

/* main: a task of the list is done. Those that leave do so together, in the next turn of the main loop; or now, where
 * that does not come. */
void
ferry_executor_list_finish (FerryExecutor *self, FerryTask *task)
{
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  if (seat->position == NULL)
    return;
  seat->finished_link.data = task;
  g_queue_push_tail_link (&self->finished, &seat->finished_link);
  if (self->finished.length > self->keep_finished && self->finished.length - self->keep_finished > MAX_LEAVING)
    ferry_executor_list_trim (self, self->keep_finished);
}
