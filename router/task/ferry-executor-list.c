/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An executor as a list model of its tasks, in the order of their submission.
 *
 * Who is in the list: every task that is not done, and of those that are as many as are to be kept, the latest ones.
 * The place of a task is found through its position in a balanced tree, so that lists of any length stay quick. */

#include "config.h"

#include "task/ferry-executor-private.h"

static GType
get_item_type (GListModel *model)
{
  return FERRY_TYPE_TASK;
}

static guint
get_n_items (GListModel *model)
{
  return (guint) g_sequence_get_length (FERRY_EXECUTOR (model)->list);
}

static gpointer
get_item (GListModel *model, guint position)
{
  FerryExecutor *self = FERRY_EXECUTOR (model);
  GSequenceIter *iter = g_sequence_get_iter_at_pos (self->list, (int) MIN (position, (guint) G_MAXINT));

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

/* main: takes out the oldest of the finished tasks, but for so many. */
void
ferry_executor_list_trim (FerryExecutor *self, guint keep)
{
  while (self->finished.length > keep)
    ferry_executor_list_remove (self, self->finished.head->data);
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

/* main: a task of the list is done. */
void
ferry_executor_list_finish (FerryExecutor *self, FerryTask *task)
{
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  if (seat->position == NULL)
    return;
  if (self->keep_finished == 0)
    {
      ferry_executor_list_remove (self, task);
      return;
    }
  seat->finished_link.data = task;
  g_queue_push_tail_link (&self->finished, &seat->finished_link);
  ferry_executor_list_trim (self, self->keep_finished);
}
