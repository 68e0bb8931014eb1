/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The states of a task, as a table: what may happen in which state, and where it leads. */

#pragma once

#include "task/ferry-task.h"

G_BEGIN_DECLS

#define FERRY_N_TASK_STATES 6

typedef enum
{
  FERRY_TASK_EVENT_START,         /* a worker began it */
  FERRY_TASK_EVENT_PROGRESS,      /* the function reported */
  FERRY_TASK_EVENT_MESSAGE,       /* the function sent a value of a type */
  FERRY_TASK_EVENT_YIELD,         /* the function yielded */
  FERRY_TASK_EVENT_RESULT,        /* the function gave its result */
  FERRY_TASK_EVENT_ERROR,         /* the function failed */
  FERRY_TASK_EVENT_LOST,          /* the worker that ran it is gone */
  FERRY_TASK_EVENT_RETURN,        /* it goes back to the queue: to be tried again after its worker was lost */
  FERRY_TASK_EVENT_CANCEL,        /* somebody asked for its end */
  FERRY_TASK_EVENT_RUN_TIMEOUT,   /* it ran for too long */
  FERRY_TASK_EVENT_QUEUE_TIMEOUT, /* it waited for too long */
  FERRY_TASK_EVENT_REFUSE,        /* it will never be begun */
  FERRY_TASK_EVENT_ABANDON,       /* whoever was to end it gave up: a shutdown whose time is over */
} FerryTaskEvent;

#define FERRY_N_TASK_EVENTS 13

typedef enum
{
  FERRY_TASK_STEP_REFUSED, /* it cannot happen: whoever says that it did is wrong */
  FERRY_TASK_STEP_IGNORED, /* it may happen, and nobody is told: late news of a task that was cancelled or timed out */
  FERRY_TASK_STEP_TAKEN,   /* the task goes to the next state, or stays, and says so */
} FerryTaskStep;

typedef struct
{
  FerryTaskStep step;
  FerryTaskState next;    /* when the step is taken */
  gboolean leaves_worker; /* when it is taken: the task is done, and its worker may not know yet */
} FerryTaskTransition;

const FerryTaskTransition *ferry_task_state_next (FerryTaskState state, FerryTaskEvent event);
/* For a task that is done and left its worker: what that one may still say is ignored and not refused. */
FerryTaskStep ferry_task_state_late (FerryTaskEvent event);

G_END_DECLS
