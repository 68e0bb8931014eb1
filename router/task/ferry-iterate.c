/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/ferry-iterate-private.h"

#include "base/ferry-base-private.h"
#include "route/ferry-router-private.h"

static void
timed_out (gpointer data)
{
  *(gboolean *) data = TRUE;
}

gboolean
ferry_iterate_check (FerryRouter *router, GError **error)
{
  return ferry_router_check (router, error) && ferry_router_check_not_in_handler (router, error);
}

gboolean
ferry_iterate (FerryRouter *router, FerryCondition condition, gpointer data, gint64 timeout)
{
  g_autoptr (FerryRouter) kept G_GNUC_UNUSED = g_object_ref (router);
  FerryTimers *timers = ferry_router_get_timers (router);
  gboolean over = FALSE;
  FerryTimer timer = {0};

  if (timeout >= 0)
    ferry_timers_set (timers, &timer, ferry_time_add (g_get_monotonic_time (), timeout), timed_out, &over);
  while (!condition (data) && !over)
    g_main_context_iteration (router->context, TRUE);
  ferry_timers_unset (timers, &timer);
  return condition (data);
}

gboolean
ferry_iterate_until (FerryRouter *router, FerryCondition condition, gpointer data, gint64 timeout, const char *what,
                     GError **error)
{
  if (condition (data))
    return TRUE;
  if (!ferry_iterate_check (router, error))
    return FALSE;
  if (timeout != 0 && ferry_iterate (router, condition, data, timeout))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "%s in time; wait longer", what);
  return FALSE;
}
