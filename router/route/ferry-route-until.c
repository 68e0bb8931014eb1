/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "base/ferry-base-private.h"
#include "route/ferry-router-private.h"

/* Far enough, and so near that a time can be added to it. */
#define FOR_EVER (G_MAXINT64 / 2)

static gboolean
route (FerryRouter *self, FerryBudget *budget, GError **error)
{
  while (!budget->condition (budget->user_data))
    {
      if (!ferry_router_check (self, error))
        return FALSE;
      if (ferry_router_dispatch (self, budget) != FERRY_DISPATCH_IDLE)
        {
          if (g_get_monotonic_time () < budget->until)
            continue;
        }
      else if (g_get_monotonic_time () < budget->until)
        {
          FerryBlock *block =
            ferry_local_queue_pop_until (self->monitor->local, MIN (budget->until, ferry_router_get_tick (self)));

          if (block != NULL)
            ferry_turns_add (&self->turns, block);
          continue;
        }
      if (budget->condition (budget->user_data))
        return TRUE;
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                           "The condition did not come about within the time given to route_until");
      return FALSE;
    }
  return TRUE;
}

/**
 * ferry_router_route_until:
 * @self: a router
 * @condition: (scope call): what to wait for; looked at after each message
 * @user_data: data for @condition
 * @timeout: for how many microseconds at the most; negative for as long as it takes
 * @error: return location for an error
 *
 * Delivers messages by hand, without the main loop, until a condition holds. For tests, console programs, and the end
 * of an application that wants to have everything first. Nothing else of the main context runs meanwhile. When it
 * returns, the main loop takes over again.
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
  FerryBudget budget = {FOR_EVER, condition, user_data};
  g_autoptr (FerryRouter) kept = NULL;
  gboolean success;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);
  g_return_val_if_fail (condition != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (self, error))
    return FALSE;
  if (self->dispatching)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BUSY,
                           "A handler cannot have messages routed while it runs; return to the main loop first");
      return FALSE;
    }
  kept = g_object_ref (self);
  if (timeout >= 0)
    budget.until = g_get_monotonic_time () + MIN (timeout, FOR_EVER / 2);
  success = route (self, &budget, error);
  if (self->pingee != NULL)
    ferry_pingee_ping (self->pingee);
  return success;
}
