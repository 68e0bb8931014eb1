/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The states of a task as a table: which event is allowed in which state, and the state that it leads to. */

#pragma once

#include "task/ferry-task.h"

G_BEGIN_DECLS

#define FERRY_N_TASK_STATES 6

typedef enum
{
  FERRY_TASK_EVENT_START, /* a worker began it */
  /* The worker's events, from here to LOST. */
  FERRY_TASK_EVENT_PROGRESS,
  FERRY_TASK_EVENT_MESSAGE,
  FERRY_TASK_EVENT_YIELD,
  FERRY_TASK_EVENT_RESULT,
  FERRY_TASK_EVENT_ERROR, /* the function failed */
  FERRY_TASK_EVENT_LOST,  /* the worker that ran it has ended */
  /* The executor's and the application's. */
  FERRY_TASK_EVENT_RETURN, /* it goes back to the queue for another attempt */
  FERRY_TASK_EVENT_CANCEL,
  FERRY_TASK_EVENT_RUN_TIMEOUT,
  FERRY_TASK_EVENT_QUEUE_TIMEOUT,
  FERRY_TASK_EVENT_REFUSE,  /* no worker will begin it */
  FERRY_TASK_EVENT_ABANDON, /* the time of a shutdown is over */
} FerryTaskEvent;

#define FERRY_N_TASK_EVENTS 13

typedef enum
{
  FERRY_TASK_STEP_REFUSED, /* the event is a mistake of its sender */
  FERRY_TASK_STEP_IGNORED, /* a late event of a task that was cancelled or has timed out; it has no effect */
  FERRY_TASK_STEP_TAKEN,   /* the task goes to the next state, which may be the same, and signals it */
} FerryTaskStep;

typedef struct
{
  FerryTaskStep step;
  FerryTaskState next;    /* of a step that is taken */
  gboolean leaves_worker; /* of a step that is taken: the task is done, and its worker may still run it */
} FerryTaskTransition;

const FerryTaskTransition *ferry_task_state_next (FerryTaskState state, FerryTaskEvent event);

/* Whether the event comes from the worker, and so may come late. */
static inline gboolean
ferry_task_event_is_of_worker (FerryTaskEvent event)
{
  return event >= FERRY_TASK_EVENT_PROGRESS && event <= FERRY_TASK_EVENT_LOST;
}

G_END_DECLS
