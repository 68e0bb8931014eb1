/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What users do with one task, for rows and lists: pause, cancel, run next, run again, move. The thread that runs
 * GTK. */

#include "config.h"

#include "gtk/ferry-task-actions-private.h"

#include "gtk/ferry-task-words-private.h"
#include "task/ferry-executor-private.h"

/* The highest priority that a task of the executor was given here. */
#define PRIORITY_KEY "ferry-run-next-priority"

static const char *const names[FERRY_TASK_N_ACTIONS] = {
  [FERRY_TASK_ACTION_CANCEL] = "task.cancel",         [FERRY_TASK_ACTION_PAUSE] = "task.pause",
  [FERRY_TASK_ACTION_RETRY] = "task.retry",           [FERRY_TASK_ACTION_REMOVE] = "task.remove",
  [FERRY_TASK_ACTION_RUN_NEXT] = "task.run-next",     [FERRY_TASK_ACTION_SHOW_ERROR] = "task.show-error",
  [FERRY_TASK_ACTION_COPY_ERROR] = "task.copy-error",
};

const char *
ferry_task_action_get_name (FerryTaskAction action)
{
  return names[action];
}

gboolean
ferry_task_action_find (const char *name, FerryTaskAction *action)
{
  for (guint i = 0; i < FERRY_TASK_N_ACTIONS; i++)
    if (g_str_equal (names[i], name))
      {
        *action = (FerryTaskAction) i;
        return TRUE;
      }
  return FALSE;
}

gboolean
ferry_task_is_paused (FerryTask *task)
{
  gboolean is_paused;

  g_object_get (task, "is-paused", &is_paused, NULL);
  return is_paused;
}

static gboolean
can_pause_or_resume (FerryTask *task)
{
  gboolean can_pause;

  g_object_get (task, "can-pause", &can_pause, NULL);
  return can_pause || ferry_task_is_paused (task);
}

void
ferry_task_toggle_paused (FerryTask *task)
{
  if (ferry_task_is_paused (task))
    ferry_task_resume (task);
  else
    ferry_task_pause (task);
}

/* Whether the executor may have it: one that stands for a group or a map has no function. */
static gboolean
is_of (FerryTask *task, FerryExecutor *executor)
{
  g_autofree char *function = NULL;

  g_object_get (task, "function", &function, NULL);
  return executor != NULL && g_strcmp0 (function, "") != 0;
}

/* What the task was given besides arguments is gone with its end. A queue has it still. */
static gboolean
can_retry (FerryTask *task, FerryExecutor *executor)
{
  const FerryRun *run = ferry_task_get_run (task);
  FerryExecutorState state;

  if (!is_of (task, executor) || !ferry_task_get_done (task) || (run->keeper == NULL && run->has_handles))
    return FALSE;
  g_object_get (executor, "state", &state, NULL);
  return state == FERRY_EXECUTOR_STATE_RUNNING;
}

gboolean
ferry_task_action_is_possible (FerryTaskAction action, FerryTask *task, FerryExecutor *executor)
{
  FerryTaskState state;

  if (task == NULL)
    return FALSE;
  state = ferry_task_get_state (task);
  switch (action)
    {
    case FERRY_TASK_ACTION_CANCEL:
      return state == FERRY_TASK_STATE_WAITING || state == FERRY_TASK_STATE_EXECUTING;
    case FERRY_TASK_ACTION_PAUSE:
      return can_pause_or_resume (task);
    case FERRY_TASK_ACTION_RETRY:
      return can_retry (task, executor);
    case FERRY_TASK_ACTION_REMOVE:
      return is_of (task, executor) && (ferry_task_get_done (task) || state == FERRY_TASK_STATE_WAITING);
    case FERRY_TASK_ACTION_RUN_NEXT:
      return is_of (task, executor) && state == FERRY_TASK_STATE_WAITING;
    case FERRY_TASK_ACTION_SHOW_ERROR:
    case FERRY_TASK_ACTION_COPY_ERROR:
      return state == FERRY_TASK_STATE_FAILED;
    case FERRY_TASK_N_ACTIONS:
    default:
      g_assert_not_reached ();
    }
}

gboolean
ferry_task_can_move (FerryTask *task)
{
  return ferry_task_get_run (task)->keeper != NULL && ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING;
}

static int
get_priority (FerryTask *task)
{
  int priority;

  g_object_get (task, "priority", &priority, NULL);
  return priority;
}

gboolean
ferry_task_is_of_same_queue (FerryTask *task, FerryTask *other)
{
  return ferry_task_get_run (task)->keeper == ferry_task_get_run (other)->keeper;
}

gboolean
ferry_task_move (FerryTask *task, FerryTask *before, FerryTask *like, GError **error)
{
  FerryRunKeeper *keeper = ferry_task_get_run (task)->keeper;

  if (!keeper->funcs->move (keeper, task, before, error))
    return FALSE;
  ferry_task_words_set_first (task, FALSE);
  return get_priority (task) == get_priority (like) ||
         ferry_executor_set_task_priority (keeper->executor, task, get_priority (like), error);
}

gboolean
ferry_task_run_next (FerryTask *task, FerryExecutor *executor, GError **error)
{
  int highest = GPOINTER_TO_INT (g_object_get_data (G_OBJECT (executor), PRIORITY_KEY));
  FerryRunKeeper *keeper = ferry_task_get_run (task)->keeper;

  if (ferry_task_words_wait_for_time (task) && !keeper->funcs->begin_now (keeper, task, error))
    return FALSE;
  highest = MAX (highest, get_priority (task)) + 1;
  ferry_task_words_set_first (task, TRUE);
  if (!ferry_executor_set_task_priority (executor, task, highest, error))
    {
      ferry_task_words_set_first (task, FALSE);
      return FALSE;
    }
  g_object_set_data (G_OBJECT (executor), PRIORITY_KEY, GINT_TO_POINTER (highest));
  return TRUE;
}

/* A new request is tried even when no worker could be started before. */
static void
revive_pool (FerryExecutor *executor)
{
  FerryPool *pool = ferry_executor_get_pool (executor);

  if (pool != NULL && ferry_pool_get_error (pool) != NULL)
    ferry_pool_reset (pool);
}

FerryTask *
ferry_task_run_again (FerryTask *task, FerryExecutor *executor, GError **error)
{
  g_autoptr (FerryTask) again = NULL;

  revive_pool (executor);
  again = ferry_executor_retry (executor, task, error);
  if (again == NULL)
    return NULL;
  ferry_executor_remove (executor, task, NULL);
  return again;
}
