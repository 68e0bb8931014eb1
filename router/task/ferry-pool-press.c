/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a task is ended that is in a worker's hands: asked for first, then pressed for, by force in the end.
 *
 * Threads: the router's.
 * Trust:   the worker's claim says what a kill would hit, and is believed as long as time allows; but no claim keeps a
 *          task from coming to its end. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "task/ferry-pool-private.h"

#include <signal.h>

#include "base/ferry-error.h"

/* A worker answers a call before it claims the next one. So the answer to a call that its claim is beyond is on its
 * way, in the lane or behind it, and a kill would hit the next task. Only when all is dispatched that the worker had
 * written when this was noticed, and the answer was not there, does the worker lie. This is looked at with so many
 * microseconds in between, and so often while nothing is dispatched. No worker can make that last; an application can,
 * which keeps all buffers or stays in a handler. */
#define MAX_LOOKS 600
#define LOOK_INTERVAL (G_USEC_PER_SEC / 10)

static void press (gpointer data);

static void
press_after (FerryPoolWorker *self, FerryTask *task, gint64 time)
{
  ferry_timers_set (self->timers, &ferry_task_get_seat (task)->timer, ferry_time_add (g_get_monotonic_time (), time),
                    press, task);
}

static void
press_later (FerryPoolWorker *self, FerryTask *task)
{
  press_after (self, task, ferry_task_get_cancel_grace (task) / 2);
}

/* The claim is beyond this call, which is not answered. */
static void
look_for_answer (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  if (seat->answer_end == 0)
    seat->answer_end = ferry_link_get_written (self->link);
  if (self->link->up_dispatched > seat->dispatched)
    seat->n_looks = 0;
  seat->dispatched = self->link->up_dispatched;
  if (ferry_link_has_dispatched (self->link, seat->answer_end) || ++seat->n_looks == MAX_LOOKS)
    ferry_pool_worker_fault (self, "it claimed a call and had not answered the one before");
  else
    press_after (self, task, LOOK_INTERVAL);
}

/* The worker says that it is not at this task. If it has not begun it, though it had its time, it stands still, and the
 * task is taken back. */
static void
press_unclaimed (FerryPoolWorker *self, FerryTask *task)
{
  ferry_pool_worker_take_back (self);
  if (ferry_task_get_seat (task)->worker == self)
    look_for_answer (self, task);
  else
    ferry_pool_worker_kill (self);
  if (self->pool != NULL)
    ferry_pool_pump (self->pool);
}

static void
abandon_task (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskSource *source = ferry_task_get_seat (task)->queue;

  ferry_pool_worker_abandon (self);
  if (ferry_task_fail (task, FERRY_TASK_EVENT_ABANDON,
                       g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                                    "Task “%s” did not end when it was cancelled, and a thread cannot be killed; run "
                                    "it in a process",
                                    ferry_task_get_name (task)),
                       NULL, NULL))
    source->done (source, task);
}

/* The time for a task to end by itself is over. First the process is asked to end, halfway, then it is killed. A thread
 * cannot be, and is left behind. */
static void
press (gpointer data)
{
  g_autoptr (FerryTask) task = g_object_ref (data);
  FerryTaskSeat *seat = ferry_task_get_seat (task);
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (seat->worker);

  if (seat->escalation > 0)
    {
      if (self->worker != NULL)
        ferry_pool_worker_kill (self);
      else
        abandon_task (self, task);
      return;
    }
  if (!ferry_link_doom_call (self->link, seat->xid))
    {
      press_unclaimed (self, task);
      return;
    }
  seat->escalation = 1;
  self->state = FERRY_POOL_WORKER_CONDEMNED;
  self->told_to_end = TRUE;
  ferry_pool_worker_return_after (self, seat->xid);
  if (self->worker != NULL)
    ferry_worker_send_signal (self->worker, SIGTERM, NULL);
  press_later (self, task);
  if (self->pool != NULL)
    ferry_pool_pump (self->pool);
}

/* main: gives a task that is being run, and was asked to end, so much time for it. One that was given less before keeps
 * to that. */
void
ferry_pool_worker_give_time (FerryPoolWorker *self, FerryTask *task, gint64 grace)
{
  FerryTaskSeat *seat = ferry_task_get_seat (task);
  gint64 time = ferry_time_add (g_get_monotonic_time (), grace / 2);
  gboolean is_pressed = ferry_timer_is_set (&seat->timer) && seat->timer.func == press;

  if (seat->escalation > 0 || (is_pressed && seat->timer.deadline <= time))
    return;
  ferry_timers_set (self->timers, &seat->timer, time, press, task);
}

/* main: kills the worker if it is at this task, and takes back a task that was not begun. */
void
ferry_pool_worker_force_task (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  if (seat->escalation == 0 && !ferry_link_doom_call (self->link, seat->xid))
    {
      ferry_pool_worker_take_back (self);
      if (seat->worker == self)
        ferry_pool_worker_give_time (self, task, 0);
      return;
    }
  seat->escalation = 2;
  ferry_pool_worker_return_after (self, seat->xid);
  ferry_pool_worker_kill (self);
}

/* main: the task was cancelled: where it was not begun, it is taken back, with what is behind it; else its function is
 * told. */
void
ferry_pool_worker_cancel_task (FerryPoolWorker *self, FerryTask *task)
{
  ferry_pool_worker_take_back (self);
  /* If it was not begun, that was all. */
  if (ferry_task_get_seat (task)->worker != self)
    return;
  ferry_transactions_cancel (self->calls, ferry_task_get_seat (task)->xid, FERRY_CANCEL_REASON_CANCELLED);
  ferry_pool_worker_give_time (self, task, ferry_task_get_cancel_grace (task));
}
