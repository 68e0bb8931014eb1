/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of a task's states: which event is allowed in which state, and which state the event leads to. See
 * ferry-task-state-private.h. */

#include "config.h"

#include "task/ferry-task-state-private.h"

#define TO(state) .step = FERRY_TASK_STEP_TAKEN, .next = FERRY_TASK_STATE_##state

/* Combinations that are not listed are refused. No event changes the states COMPLETED, FAILED and CANCELLED.
 *
 * When the time of a shutdown is over (ABANDON), a task that waits is cancelled, because none of its work is lost. A
 * task that executes fails: it may have done a part of its work, and it was not cancelled. */
static const FerryTaskTransition transitions[FERRY_N_TASK_STATES][FERRY_N_TASK_EVENTS] = {
  [FERRY_TASK_STATE_WAITING] =
    {
      [FERRY_TASK_EVENT_START] = {TO (EXECUTING)},
      [FERRY_TASK_EVENT_CANCEL] = {TO (CANCELLED)},
      [FERRY_TASK_EVENT_QUEUE_TIMEOUT] = {TO (FAILED)},
      [FERRY_TASK_EVENT_REFUSE] = {TO (FAILED)},
      [FERRY_TASK_EVENT_ABANDON] = {TO (CANCELLED)},
    },
  [FERRY_TASK_STATE_EXECUTING] =
    {
      [FERRY_TASK_EVENT_PROGRESS] = {TO (EXECUTING)},
      [FERRY_TASK_EVENT_MESSAGE] = {TO (EXECUTING)},
      [FERRY_TASK_EVENT_YIELD] = {TO (EXECUTING)},
      [FERRY_TASK_EVENT_RESULT] = {TO (COMPLETED)},
      [FERRY_TASK_EVENT_ERROR] = {TO (FAILED)},
      [FERRY_TASK_EVENT_LOST] = {TO (FAILED)},
      [FERRY_TASK_EVENT_RETURN] = {TO (WAITING)},
      [FERRY_TASK_EVENT_CANCEL] = {TO (CANCELLING)},
      [FERRY_TASK_EVENT_RUN_TIMEOUT] = {TO (FAILED), .leaves_worker = TRUE},
      [FERRY_TASK_EVENT_REFUSE] = {TO (FAILED)},
      [FERRY_TASK_EVENT_ABANDON] = {TO (FAILED), .leaves_worker = TRUE},
    },
  [FERRY_TASK_STATE_CANCELLING] =
    {
      [FERRY_TASK_EVENT_PROGRESS] = {.step = FERRY_TASK_STEP_IGNORED},
      [FERRY_TASK_EVENT_MESSAGE] = {.step = FERRY_TASK_STEP_IGNORED},
      [FERRY_TASK_EVENT_YIELD] = {.step = FERRY_TASK_STEP_IGNORED},
      [FERRY_TASK_EVENT_RESULT] = {TO (CANCELLED)},
      [FERRY_TASK_EVENT_ERROR] = {TO (CANCELLED)},
      [FERRY_TASK_EVENT_LOST] = {TO (CANCELLED)},
      [FERRY_TASK_EVENT_RETURN] = {TO (CANCELLED)},
      [FERRY_TASK_EVENT_RUN_TIMEOUT] = {.step = FERRY_TASK_STEP_IGNORED},
      [FERRY_TASK_EVENT_REFUSE] = {TO (CANCELLED)},
      [FERRY_TASK_EVENT_ABANDON] = {TO (CANCELLED), .leaves_worker = TRUE},
    },
};

const FerryTaskTransition *
ferry_task_state_next (FerryTaskState state, FerryTaskEvent event)
{
  return &transitions[state][event];
}
