/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Routing without a main loop, ferry_router_route_until(): a loop over what the router's sources would do. */

#include "config.h"

#include "route/ferry-router-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-limit-clock-private.h"
#include "base/ferry-timers-private.h"
#include "engine/ferry-pingee-private.h"

/* The state of one ferry_router_route_until(). */
typedef struct
{
  FerryRouter *router;
  FerryCondition condition;
  gpointer user_data;
  gint64 until;          /* the clock's time of the timeout; G_MAXINT64: none */
  FerryLimitClock clock; /* of the timeout */
  gboolean is_late;      /* the timeout is over, and the moment is behind what had come by then */
  FerryMoment moment;    /* without a monitor where there is no timeout */
} Route;

static gboolean
holds (const Route *self)
{
  return self->condition (self->user_data);
}

/* Runs the timers that are due and that existed at the beginning. Timers that are added meanwhile run later, after
 * other work. Returns whether the condition holds. */
static gboolean
run_timers (Route *self, FerryTimers *timers)
{
  gint64 now = g_get_monotonic_time ();

  for (guint left = ferry_timers_get_n (timers); left > 0; left--)
    if (!ferry_timers_run_one (timers, now))
      return FALSE;
    else if (holds (self))
      return TRUE;
  return FALSE;
}

/* Runs the functions that were posted to the mailbox before this began. Returns whether the condition holds. */
static gboolean
run_posts (Route *self)
{
  for (guint left = ferry_mailbox_get_n (self->router->mailbox); left > 0; left--)
    if (!ferry_mailbox_run_one (self->router->mailbox))
      return FALSE;
    else if (holds (self))
      return TRUE;
  return FALSE;
}

/* any, with the mailbox's lock held: ends the sleep of the router's thread when a function is posted. */
static void
nudge_local_queue (gpointer queue)
{
  ferry_local_queue_nudge (queue);
}

/* Sleeps until a block is in the queue, a function is posted, or a timer or tick is due. A timeout that is over does
 * not end the sleep, which then waits for messages that were sent before it was. */
static void
sleep_until_work (Route *self)
{
  FerryRouter *router = self->router;
  FerryLocalQueue *queue = ferry_monitor_get_local_queue (router->monitor);
  gint64 until = MIN (ferry_hot_cells_get_tick (&router->dispatcher.hot_cells),
                      MIN (ferry_timers_get_first (router->timers), ferry_timers_get_first (router->limits)));

  if (self->moment.monitor != NULL && !self->is_late)
    until = MIN (until, ferry_limit_clock_sleep (&self->clock, self->until));
  if (!ferry_mailbox_watch (router->mailbox, nudge_local_queue, queue))
    return;
  ferry_local_queue_wait_until (queue, until);
  ferry_mailbox_unwatch (router->mailbox);
}

/* Does each kind of work once. Returns whether the condition holds. Sets *result to the result of the dispatch. */
static gboolean
serve (Route *self, FerryDispatchResult *result)
{
  *result = FERRY_DISPATCH_STOPPED;
  if (run_timers (self, self->router->timers) || run_timers (self, self->router->limits) || run_posts (self))
    return TRUE;
  if (self->router->monitor == NULL)
    return FALSE;
  *result = ferry_router_dispatch (self->router, self->condition, self->user_data);
  return holds (self);
}

/* Whether the timeout is over, and what had come by then is delivered: a handler may have taken the whole time. */
static gboolean
is_over (Route *self)
{
  if (self->moment.monitor == NULL || (!self->is_late && ferry_limit_clock_look (&self->clock) < self->until))
    return FALSE;
  if (!self->is_late && self->moment.monitor == self->router->monitor)
    self->moment.watermark = ferry_monitor_set_watermark (self->moment.monitor);
  self->is_late = TRUE;
  return ferry_router_has_passed (self->router, &self->moment);
}

static gboolean
route (Route *self, GError **error)
{
  FerryDispatchResult result;

  while (ferry_router_check (self->router, error))
    {
      if (serve (self, &result))
        return TRUE;
      if (result == FERRY_DISPATCH_STOPPED)
        continue;
      if (is_over (self))
        return ferry_set_error (
          error, FERRY_ERROR_TIMED_OUT,
          "The condition did not hold before the timeout of ferry_router_route_until(); allow more time");
      if (result == FERRY_DISPATCH_IDLE)
        sleep_until_work (self);
    }
  return FALSE;
}

/**
 * ferry_router_route_until:
 * @self: a router
 * @condition: (scope call): the condition to wait for; evaluated after each message, and after each piece of other work
 * @user_data: data for @condition
 * @timeout: the longest time to wait, in microseconds; negative for no limit
 * @error: return location for an error
 *
 * Does the router's work on the calling thread until a condition holds, without running the other sources of the main
 * context. Use it in tests, in console programs, and in an application that waits for the last messages before it ends.
 *
 * The function delivers messages and the ends of workers. It begins tasks, also tasks that other threads submitted, and
 * handles their cancellables, timeouts and grace times. So a condition may depend on messages, tasks, groups and maps.
 * A [class@Ferry.Listener] that was started on the router's main context reports applications that attach.
 *
 * Work that needs other sources is not done. That is the callbacks of functions that end in `_async`, and the work of
 * proxies, replicas and exporters on the main context. If a condition depends on such work, iterate the context
 * instead, with g_main_context_iteration(). To wait for the end of one task, use [method@Ferry.Task.wait].
 *
 * Messages that were sent before @timeout was over are delivered, however long handlers took. So a @timeout of 0
 * delivers what was sent before the call, and waits for nothing else. The time in which this process was stopped does
 * not count. The function does not wait for large data that cannot come until the application drops other large data.
 *
 * On the router's thread. Unlike functions that iterate the context, this function may be called from within callbacks
 * of the context, except for Ferry's callbacks.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT; with %FERRY_ERROR_NOT_RUNNING, also when a handler stopped the router; with
 * %FERRY_ERROR_WRONG_THREAD; and with %FERRY_ERROR_BUSY from within a handler.
 *
 * Returns: %TRUE when the condition holds
 */
gboolean
ferry_router_route_until (FerryRouter *self, FerryCondition condition, gpointer user_data, gint64 timeout,
                          GError **error)
{
  Route course = {.router = self, .condition = condition, .user_data = user_data, .is_late = timeout == 0};
  g_autoptr (FerryRouter) kept G_GNUC_UNUSED = NULL;
  g_autoptr (FerryMonitor) monitor = NULL;
  gboolean success;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);
  g_return_val_if_fail (condition != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (self, error))
    return FALSE;
  if (ferry_router_is_in_handler (self))
    return ferry_set_error (error, FERRY_ERROR_BUSY,
                            "A handler cannot call ferry_router_route_until(); return to the main loop first");
  kept = g_object_ref (self);
  course.until = ferry_limit_clock_begin (&course.clock, timeout);
  if (holds (&course))
    return TRUE;
  monitor = ferry_monitor_ref (self->monitor);
  course.moment.monitor = timeout >= 0 ? monitor : NULL;
  if (timeout == 0)
    course.moment.watermark = ferry_monitor_set_watermark (monitor);
  ferry_monitor_begin_need (monitor);
  success = route (&course, error);
  ferry_monitor_end_need (monitor);
  if (self->pingee != NULL)
    ferry_pingee_ping (self->pingee);
  return success;
}
