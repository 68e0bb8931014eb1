/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tasks of an executor's list model. The router's thread. */

#pragma once

#include "base/ferry-timers-private.h"
#include "task/ferry-task-private.h"

G_BEGIN_DECLS

typedef struct
{
  GListModel *model;   /* const: (unowned): the executor */
  FerryTimers *timers; /* const: (unowned): the router's */
  guint keep_finished;
  gint64 finished_time;

  GQueue entries;          /* (element-type FerryListedRun) (owned): the items of the list model are their tasks */
  GSequence *index;        /* (owned) (nullable): the same tasks by their position; see need_index() */
  guint64 latest_number;   /* number of the task that was added to the list last */
  GQueue finished;         /* (element-type FerryListedRun): the tasks of the list that are done, oldest first */
  GQueue failed;           /* (element-type FerryListedRun): those that stay in addition, oldest first */
  guint n_failed;          /* how many tasks of the list have failed */
  FerryTimer linger_timer; /* removes finished tasks that were there for long enough */
} FerryExecutorList;

/* Returns (transfer full) (nullable) the task at a position. */
GObject *ferry_executor_list_dup_task (FerryExecutorList *self, guint position);
void ferry_executor_list_add (FerryExecutorList *self, FerryListedRun *entry);
void ferry_executor_list_remove (FerryExecutorList *self, FerryListedRun *entry);
/* Notes that a task of the list is done. Where the list is watched, finished tasks are removed together, with the next
 * notification of the figures: a view needs much time for each change. */
void ferry_executor_list_finish (FerryExecutorList *self, FerryListedRun *entry);
/* Nobody keeps a task any more: it is one that has just finished, unless it stays since it failed. */
void ferry_executor_list_let_go (FerryExecutorList *self, FerryListedRun *entry);
/* Removes the finished tasks that do not stay. list: a FerryExecutorList. */
void ferry_executor_list_trim (gpointer list);
void ferry_executor_list_remove_finished (FerryExecutorList *self);
/* Returns (transfer full) a copy of the list without finished tasks, because handlers may change the list. */
GPtrArray *ferry_executor_list_dup_open (FerryExecutorList *self);
/* Cancels every task that was taken in. Returns how many tasks were cancelled. */
guint ferry_executor_list_cancel (FerryExecutorList *self);
/* Frees the list of an executor that has no open task, without a signal. */
void ferry_executor_list_clear (FerryExecutorList *self);

G_END_DECLS
