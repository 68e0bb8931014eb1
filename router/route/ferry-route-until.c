/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "base/ferry-base-private.h"
#include "route/ferry-router-private.h"

/* Far enough, and so near that a time can be added to it. */
#define FOR_EVER (G_MAXINT64 / 2)

/* A call of ferry_router_route_until(). */
typedef struct
{
  FerryRouter *router;
  FerryCondition condition;
  gpointer user_data;
  gint64 until;          /* monotonic time; FOR_EVER: none */
  FerryMonitor *monitor; /* (owned) (nullable): with which the fence was set; none for a call that does not time out */
  guint64 fence;
} Route;

static gboolean
holds (const Route *self)
{
  return self->condition (self->user_data);
}

/* No more of them than there are now, so that all kinds have their turns. Returns whether the condition holds. */
static gboolean
run_timers (Route *self)
{
  gint64 now = g_get_monotonic_time ();

  for (guint left = ferry_timers_get_n (self->router->timers); left > 0; left--)
    if (!ferry_timers_run_one (self->router->timers, now))
      return FALSE;
    else if (holds (self))
      return TRUE;
  return FALSE;
}

static gboolean
run_errands (Route *self)
{
  for (guint left = ferry_errands_get_n (self->router->errands); left > 0; left--)
    if (!ferry_errands_run_one (self->router->errands))
      return FALSE;
    else if (holds (self))
      return TRUE;
  return FALSE;
}

/* Whether all that was sent before the call is dispatched. A router that was started anew knows nothing of it. */
static gboolean
has_passed_fence (Route *self)
{
  FerryRouter *router = self->router;
  guint64 n_pushed;

  if (router->monitor != self->monitor)
    return TRUE;
  if (!ferry_monitor_is_fence_reached (self->monitor, self->fence, &n_pushed))
    return FALSE;
  return ferry_local_queue_get_n_popped (self->monitor->local) >= n_pushed &&
         !ferry_turns_has_until (&router->turns, n_pushed);
}

/* Until something comes, which is left where it is. A time that is over is not waited for any more, and what was sent
 * before the call is. */
static void
sleep_until_news (Route *self)
{
  FerryRouter *router = self->router;
  gint64 until = MIN (ferry_router_get_tick (router), ferry_timers_get_first (router->timers));

  if (self->until > g_get_monotonic_time ())
    until = MIN (until, self->until);
  if (!ferry_errands_watch (router->errands, router->monitor->local))
    return;
  ferry_local_queue_wait_until (router->monitor->local, MIN (until, FOR_EVER));
  ferry_errands_unwatch (router->errands);
}

/* Gives each kind of work a turn. Returns whether the condition holds; *result is what the messages' turn came to. */
static gboolean
serve (Route *self, FerryDispatchResult *result)
{
  FerryRouter *router = self->router;
  FerryBudget budget = {.condition = self->condition, .user_data = self->user_data};

  *result = FERRY_DISPATCH_STOPPED;
  if (run_timers (self) || run_errands (self))
    return TRUE;
  if (router->monitor == NULL)
    return FALSE;
  budget.until = g_get_monotonic_time () + router->dispatch_budget;
  *result = ferry_router_dispatch (router, &budget);
  return holds (self);
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
      if (g_get_monotonic_time () >= self->until && has_passed_fence (self))
        {
          g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                               "The condition did not come about within the time given to route_until; wait longer");
          return FALSE;
        }
      if (result == FERRY_DISPATCH_IDLE)
        sleep_until_news (self);
    }
  return FALSE;
}

/**
 * ferry_router_route_until:
 * @self: a router
 * @condition: (scope call): what to wait for; looked at after each message, and after all else that happens
 * @user_data: data for @condition
 * @timeout: for how many microseconds at the most; negative for as long as it takes
 * @error: return location for an error
 *
 * Does by hand what the router does on its main context, until a condition holds, and leaves the context's other
 * sources alone. For tests, console programs, and the end of an application that wants to have everything first. When
 * it returns, the main loop takes over again.
 *
 * It delivers messages and the ends of workers. It begins tasks, also those that other threads submitted, and heeds
 * their cancellables, timeouts and grace times. So a condition may be about tasks, groups and maps as well as messages.
 *
 * What needs other sources waits for the main loop: callbacks of functions that end in `_async`, and what proxies,
 * replicas and exporters do on the main context. Where a condition is about those, iterate the context instead, with
 * g_main_context_iteration(); for the end of one task there is [method@Ferry.Task.wait].
 *
 * The timeout bounds the waiting: what was sent before the call is delivered in any case, so 0 has all of that and
 * waits for nothing more. Large data that the router does not take as long as the application keeps other large data
 * is not waited for.
 *
 * On the router's thread. Unlike functions that iterate the context, it may be called from within callbacks of the
 * context that are not Ferry's.
 *
 * Fails with %FERRY_ERROR_TIMED_OUT; with %FERRY_ERROR_NOT_RUNNING, also when a handler stopped the
 * router; with %FERRY_ERROR_WRONG_THREAD; and with %FERRY_ERROR_BUSY from within a handler.
 *
 * Returns: %TRUE when the condition holds
 *
 * Since: 0.1
 */
gboolean
ferry_router_route_until (FerryRouter *self, FerryCondition condition, gpointer user_data, gint64 timeout,
                          GError **error)
{
  Route call = {self, condition, user_data, FOR_EVER};
  g_autoptr (FerryRouter) kept G_GNUC_UNUSED = NULL;
  g_autoptr (FerryMonitor) monitor = NULL;
  gboolean success;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);
  g_return_val_if_fail (condition != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (self, error))
    return FALSE;
  if (ferry_router_is_in_handler (self))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BUSY,
                           "A handler cannot have messages routed while it runs; return to the main loop first");
      return FALSE;
    }
  kept = g_object_ref (self);
  if (holds (&call))
    return TRUE;
  if (timeout >= 0)
    {
      call.until = g_get_monotonic_time () + MIN (timeout, FOR_EVER / 2);
      call.monitor = monitor = ferry_monitor_ref (self->monitor);
      call.fence = ferry_monitor_set_fence (monitor);
    }
  success = route (&call, error);
  if (self->pingee != NULL)
    ferry_pingee_ping (self->pingee);
  return success;
}
