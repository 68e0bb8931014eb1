/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of a task's states: which event is allowed in which state, and which state the event leads to. */

#pragma once

#include "task/ferry-task.h"

G_BEGIN_DECLS

#define FERRY_N_TASK_STATES 6

typedef enum
{
  FERRY_TASK_EVENT_START, /* a worker has begun the task */
  /* Events of the worker, from PROGRESS to LOST, which may come after the task's end. */
  FERRY_TASK_EVENT_PROGRESS,
  FERRY_TASK_EVENT_MESSAGE,
  FERRY_TASK_EVENT_YIELD,
  FERRY_TASK_EVENT_RESULT,
  FERRY_TASK_EVENT_ERROR, /* the function returned an error */
  FERRY_TASK_EVENT_LOST,  /* the worker that ran the task has ended */
  /* Events of the executor and of the application. */
  FERRY_TASK_EVENT_RETURN, /* the task returns to the queue for another attempt */
  FERRY_TASK_EVENT_CANCEL,
  FERRY_TASK_EVENT_RUN_TIMEOUT,
  FERRY_TASK_EVENT_QUEUE_TIMEOUT,
  FERRY_TASK_EVENT_REFUSE,  /* no worker will run the task, or run it again */
  FERRY_TASK_EVENT_ABANDON, /* the time of a shutdown is over, or a thread that runs the task is abandoned */
} FerryTaskEvent;

#define FERRY_N_TASK_EVENTS 13

typedef enum
{
  FERRY_TASK_STEP_REFUSED, /* the event is not allowed in this state */
  FERRY_TASK_STEP_IGNORED, /* a late event of a task that was cancelled or has timed out; it has no effect */
  FERRY_TASK_STEP_TAKEN,   /* the task changes to the next state, which may be the same, and signals this */
} FerryTaskStep;

typedef struct
{
  FerryTaskStep step;
  FerryTaskState next;    /* taken steps only */
  gboolean leaves_worker; /* taken steps only: the task is done, and its worker may still run it */
} FerryTaskTransition;

const FerryTaskTransition *ferry_task_state_next (FerryTaskState state, FerryTaskEvent event);

G_END_DECLS
