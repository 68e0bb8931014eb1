/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What may happen to a task next. Times of a call are of one clock, in microseconds; 0: none. */

#pragma once

#include "base/ferry-base-private.h"
#include "job/ferry-task-enums.h"
#include "pool/ferry-task-fields-private.h"

G_BEGIN_DECLS

/* ---- The states ----
 *
 * A table says which event is allowed in which state, and which state the event leads to. */

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
  FERRY_TASK_STEP_IGNORED, /* a late event of a task that has to end or has ended; it has no effect */
  FERRY_TASK_STEP_TAKEN,   /* the task changes to the next state, which may be the same, and signals this */
} FerryTaskStep;

typedef struct
{
  FerryTaskStep step;
  FerryTaskState next;    /* taken steps only */
  gboolean leaves_worker; /* taken steps only: the task is done, and its worker may still run it */
} FerryTaskTransition;

const FerryTaskTransition *ferry_task_state_next (FerryTaskState state, FerryTaskEvent event);

/* ---- Where it is ----
 *
 * What hosts may have is not begun here, does not fail for its time, and is not cancelled, before they were asked. */

typedef enum
{
  FERRY_TASK_IS_HERE,         /* nobody else may begin it */
  FERRY_TASK_IS_SENT,         /* a host may begin it, or have begun it, and can be asked */
  FERRY_TASK_IS_ELSEWHERE,    /* a host has it, or is being asked whether it has */
  FERRY_TASK_IS_OUT_OF_REACH, /* a host may have it, and cannot be asked */
} FerryTaskPlace;

#define FERRY_N_TASK_PLACES 4

typedef enum
{
  FERRY_TASK_MAY_BEGIN, /* it is next, and there is room */
  FERRY_TASK_EXPIRES,   /* its time to wait is over */
  FERRY_TASK_IS_CALLED_OFF,
} FerryTaskTurn;

#define FERRY_N_TASK_TURNS 3

typedef enum
{
  FERRY_TASK_HAPPENS,      /* it begins, fails, or is cancelled */
  FERRY_TASK_IS_ASKED_FOR, /* as soon as somebody can be asked */
  FERRY_TASK_STAYS,        /* somebody else says what becomes of it */
} FerryTaskVerdict;

/* may_repeat: it does no harm to run it twice, even at the same time. */
FERRY_FOR_SIBLINGS
FerryTaskVerdict ferry_task_rules_judge (FerryTaskPlace place, FerryTaskTurn turn, gboolean may_repeat);

/* ---- Its time ---- */

/* Returns the earlier time of the deadline and since + timeout (timeout 0: none). 0: there is neither. */
gint64 ferry_task_rules_get_limit (const FerryTaskSettings *settings, gint64 since, gint64 timeout);
/* Returns when a task that waits expires: then it fails, unless it was begun. since: when its queue timeout began; 0:
 * it stands still, as of one that is paused. */
FERRY_FOR_SIBLINGS
gint64 ferry_task_rules_get_expiry (const FerryTaskSettings *settings, gint64 since);
/* Whether a task with that expiry (0: it does not expire) has waited for too long. */
FERRY_FOR_SIBLINGS
gboolean ferry_task_rules_has_expired (gint64 expiry, gint64 now);
/* Whether it is the deadline that a task has missed whose time is over now, and not the timeout (0: none). */
gboolean ferry_task_rules_missed_deadline (const FerryTaskSettings *settings, gint64 timeout, gint64 now);
/* Returns since when the queue timeout of a task counts that has lost an attempt just now: the time in which that ran
 * does not count, nor does its rest, which is until then. */
FERRY_FOR_SIBLINGS
gint64 ferry_task_rules_get_wait_start (gint64 now, gint64 rest_until);

/* ---- An attempt that was lost ----
 *
 * Attempts count together, wherever they were lost: by a worker's death, with a host, or at an end of the application.
 */

typedef struct
{
  guint attempts;   /* how often it was begun: each of them was lost */
  guint deaths;     /* as attempts, without those that ended as the application did in order, which is nobody's fault */
  gboolean repeats; /* it may run twice, and who runs it begins such a task again without retries, until */
  guint death_limit; /* so many deaths are enough; 0: no number is */
} FerryTaskLosses;

typedef enum
{
  FERRY_TASK_IS_RETRIED,   /* it waits again */
  FERRY_TASK_IS_GIVEN_UP,  /* it fails, as it may not be begun once more */
  FERRY_TASK_IS_SET_ASIDE, /* it fails: it may, but may be what ends those that run it, and so waits for a person */
} FerryTaskFate;

/* What becomes of a task that has lost its latest attempt, which losses count. */
FERRY_FOR_SIBLINGS
FerryTaskFate ferry_task_rules_judge_loss (const FerryTaskSettings *settings, const FerryTaskLosses *losses);
/* Returns how long a task rests after so many attempts that were lost, before the next one. */
FERRY_FOR_SIBLINGS
gint64 ferry_task_rules_get_rest (const FerryTaskSettings *settings, guint attempts);

G_END_DECLS
