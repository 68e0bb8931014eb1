/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What users do with a task, for rows and lists. */

#pragma once

#include <ferry.h>

G_BEGIN_DECLS

typedef enum
{
  FERRY_TASK_ACTION_CANCEL,
  FERRY_TASK_ACTION_PAUSE, /* or resume */
  FERRY_TASK_ACTION_RETRY,
  FERRY_TASK_ACTION_REMOVE,
  FERRY_TASK_ACTION_RUN_NEXT,
  FERRY_TASK_ACTION_SHOW_ERROR,
  FERRY_TASK_ACTION_COPY_ERROR,
  FERRY_TASK_N_ACTIONS
} FerryTaskAction;

/* Does an action with the task, in place of the widget that has it. */
typedef void (*FerryTaskRowFunc) (gpointer data, FerryTask *task, FerryTaskAction action);

/* The names under which widgets have them, such as "task.cancel". */
const char *ferry_task_action_get_name (FerryTaskAction action);
/* FALSE where there is none of that name. */
gboolean ferry_task_action_find (const char *name, FerryTaskAction *action);

/* Whether the action makes sense now. Either may be NULL: without a task nothing does, and without an executor nothing
 * that changes its list. */
gboolean ferry_task_action_is_possible (FerryTaskAction action, FerryTask *task, FerryExecutor *executor);

gboolean ferry_task_is_paused (FerryTask *task);
/* Pauses the task, or lets it go on. */
void ferry_task_toggle_paused (FerryTask *task);
/* Whether somebody may change the order in which the task is begun: it waits in a queue that stores the order. */
gboolean ferry_task_can_move (FerryTask *task);
/* Whether both are of one queue, or of none. */
gboolean ferry_task_is_of_same_queue (FerryTask *task, FerryTask *other);
/* Moves a task in front of another one of its queue. before: (nullable): NULL: it becomes the last one. like: its
 * neighbour, whose priority it takes, so that it is begun where it stands. */
gboolean ferry_task_move (FerryTask *task, FerryTask *before, FerryTask *like, GError **error);
/* Puts a task that waits before all others that do. One that waits for its time does not any more. */
gboolean ferry_task_run_next (FerryTask *task, FerryExecutor *executor, GError **error);
/* Submits the work of a task that is over once more, and removes the task. The executor keeps the new task, which is
 * returned; NULL on failure. */
FerryTask *ferry_task_run_again (FerryTask *task, FerryExecutor *executor, GError **error);

G_END_DECLS
