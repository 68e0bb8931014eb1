/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What every carrier does with the tasks that it has or had. See FerryTaskCarrier.
 *
 * Threads: the router's. Each function but the first two may run handlers of the task's signals. */

#pragma once

#include "base/ferry-sibling-private.h"
#include "task/ferry-runner-private.h"

G_BEGIN_DECLS

/* Returns (transfer none) the source that the task came from. */
static inline FerryTaskSource *
ferry_carrier_get_source (FerryTask *task)
{
  return ferry_task_get_placement (task)->queue;
}

/* Returns the monotonic time by which a task that starts to run now must end; 0: none. */
FERRY_FOR_SIBLINGS
gint64 ferry_carrier_get_run_deadline (FerryTask *task);
/* The limit that the task's timer is set for stands still: with func, the timer is set for FerryTask:deadline alone,
 * which does not. */
FERRY_FOR_SIBLINGS
void ferry_carrier_hold_limit (FerryTask *task, FerryTimers *limits, void (*func) (gpointer data));
/* Sets the timer for what was left of the limit then, and for FerryTask:deadline. Returns the earlier time; 0: neither.
 */
FERRY_FOR_SIBLINGS
gint64 ferry_carrier_resume_limit (FerryTask *task, FerryTimers *limits, void (*func) (gpointer data));
/* Returns (transfer full) the error of a task that ran for too long. */
FERRY_FOR_SIBLINGS
GError *ferry_carrier_new_run_error (FerryTask *task);
/* Makes a task fail with error, or only notes the late error if the task is done already. Takes error. trace and exit
 * are (nullable). */
FERRY_FOR_SIBLINGS
void ferry_carrier_fail (FerryTask *task, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit);
/* Returns an unfinished task, which no longer has a carrier, to its queue. A task that is being cancelled ends instead,
 * and so does one of which another thread was told the end. The task is inserted into the queue before a signal reports
 * this, because a handler may cancel the task. */
FERRY_FOR_SIBLINGS
void ferry_carrier_give_back (FerryTask *task);
/* Makes a task complete with the result that its function has returned; or fail, if the result has the wrong type. */
FERRY_FOR_SIBLINGS
void ferry_carrier_complete (FerryTask *task, GVariant *result);

G_END_DECLS
