/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What may happen to a task next: the rules, for all who run tasks or store them.
 *
 * A task that may be lost three times is begun three times by a pool, a cluster, and the hosts of a queue together, as
 * each of them asks here. They say what they know, and this says what follows; it has no state, no clock, and no lock.
 *
 * Threads: any. */

#include "config.h"

#include "pool/ferry-task-rules-private.h"

/* ---- the states ---- */

#define TO(state) .step = FERRY_TASK_STEP_TAKEN, .next = FERRY_TASK_STATE_##state

/* Combinations that are not listed are refused. No event changes the states COMPLETED, FAILED and CANCELLED.
 *
 * A limit of time ends a task as a cancel does: the function is asked to return, and the task is done when it has, or
 * its worker has ended. Where this table says CANCELLED, such a task has FAILED, with the error of the limit.
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
      [FERRY_TASK_EVENT_RUN_TIMEOUT] = {TO (CANCELLING)},
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

/* ---- where it is ---- */

/* A host that has begun a task in time is not to be late for it. */
static const FerryTaskVerdict verdicts[FERRY_N_TASK_PLACES][FERRY_N_TASK_TURNS] = {
  [FERRY_TASK_IS_HERE] = {FERRY_TASK_HAPPENS, FERRY_TASK_HAPPENS, FERRY_TASK_HAPPENS},
  [FERRY_TASK_IS_SENT] = {FERRY_TASK_IS_ASKED_FOR, FERRY_TASK_IS_ASKED_FOR, FERRY_TASK_IS_ASKED_FOR},
  [FERRY_TASK_IS_ELSEWHERE] = {FERRY_TASK_STAYS, FERRY_TASK_STAYS, FERRY_TASK_IS_ASKED_FOR},
  [FERRY_TASK_IS_OUT_OF_REACH] = {FERRY_TASK_STAYS, FERRY_TASK_STAYS, FERRY_TASK_IS_ASKED_FOR},
};

FerryTaskVerdict
ferry_task_rules_judge (FerryTaskPlace place, FerryTaskTurn turn, gboolean may_repeat)
{
  if (place == FERRY_TASK_IS_OUT_OF_REACH && turn == FERRY_TASK_MAY_BEGIN && may_repeat)
    return FERRY_TASK_HAPPENS;
  return verdicts[place][turn];
}

/* ---- its time ---- */

gint64
ferry_task_rules_get_limit (const FerryTaskSettings *settings, gint64 since, gint64 timeout)
{
  gint64 deadline = settings->deadline;
  gint64 end = timeout > 0 ? ferry_time_add (since, timeout) : 0;

  return deadline > 0 && (end == 0 || deadline < end) ? deadline : end;
}

/* A task that is paused waits for somebody, and a deadline for nobody. */
gint64
ferry_task_rules_get_expiry (const FerryTaskSettings *settings, gint64 since)
{
  return ferry_task_rules_get_limit (settings, since, since > 0 ? settings->queue_timeout : 0);
}

gboolean
ferry_task_rules_has_expired (gint64 expiry, gint64 now)
{
  return expiry > 0 && expiry <= now;
}

/* A queue in a file goes by the wall clock, which may have been set since now was read on another one. */
gboolean
ferry_task_rules_missed_deadline (const FerryTaskSettings *settings, gint64 timeout, gint64 now)
{
  return settings->deadline > 0 && (settings->deadline <= now || timeout == 0);
}

gint64
ferry_task_rules_get_wait_start (gint64 now, gint64 rest_until)
{
  return MAX (now, rest_until);
}

/* ---- an attempt that was lost ---- */

/* Retries are what somebody has asked for; so they are had, whatever the limit. */
FerryTaskFate
ferry_task_rules_judge_loss (const FerryTaskSettings *settings, const FerryTaskLosses *losses)
{
  if (losses->attempts <= settings->retries)
    return FERRY_TASK_IS_RETRIED;
  if (!losses->repeats)
    return FERRY_TASK_IS_GIVEN_UP;
  return losses->death_limit == 0 || losses->deaths < losses->death_limit ? FERRY_TASK_IS_RETRIED
                                                                          : FERRY_TASK_IS_SET_ASIDE;
}

gint64
ferry_task_rules_get_rest (const FerryTaskSettings *settings, guint attempts)
{
  const gint64 first = settings->retry_pause;
  const gint64 most = MAX (settings->max_retry_pause, first);
  gint64 rest = first;

  for (guint i = 1; i < attempts && rest > 0 && rest < most; i++)
    rest = rest > most / 2 ? most : 2 * rest;
  return rest;
}
