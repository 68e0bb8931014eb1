/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waits on the router's thread for a task, which iterate its main context, for console programs and tests. */

#include "config.h"

#include "task/ferry-iterate-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-timers-private.h"
#include "call/ferry-transport-private.h"
#include "route/ferry-router-private.h"

static gboolean
set_true (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

gboolean
ferry_iterate_context (GMainContext *context, FerryCondition condition, gpointer data, gint64 timeout)
{
  g_autoptr (GMainContext) kept G_GNUC_UNUSED = g_main_context_ref (context);
  g_autoptr (GSource) timer = ferry_limit_source_new (ferry_deadline_after (timeout));
  gboolean over = FALSE;

  if (timeout >= 0)
    {
      g_source_set_callback (timer, set_true, &over, NULL);
      g_source_attach (timer, context);
    }
  while (!condition (data) && !over)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (timer);
  return condition (data);
}

static gboolean
cancelled (GCancellable *cancellable, gpointer completion)
{
  ferry_completion_abandon (completion, FERRY_ABANDON_CANCELLED);
  return G_SOURCE_REMOVE;
}

void
ferry_iterate_for (GMainContext *context, FerryCompletion *completion, gint64 timeout, GCancellable *cancellable)
{
  g_autoptr (GSource) source = g_cancellable_source_new (cancellable);

  g_source_set_static_name (source, "[ferry] a wait is cancelled");
  g_source_set_callback (source, G_SOURCE_FUNC (cancelled), completion, NULL);
  g_source_attach (source, context);
  ferry_iterate_context (context, (FerryCondition) ferry_completion_is_over, completion, timeout);
  g_source_destroy (source);
}

gboolean
ferry_iterate_check (FerryRouter *router, GError **error)
{
  return ferry_router_check (router, error) && ferry_router_check_not_in_handler (router, error);
}

/* Whether this thread may iterate context. A forked child may not: its thread-default context is another one. */
static gboolean
check_context (GMainContext *context, GError **error)
{
  g_autoptr (GMainContext) here = g_main_context_ref_thread_default ();

  if (here != context)
    return ferry_set_error (
      error, FERRY_ERROR_WRONG_THREAD,
      "The object belongs to the main context of another thread or process; wait on the thread that made it");
  if (!ferry_transport_is_handing_over () && !ferry_is_in_callback_of (context))
    return TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_BUSY,
    "A callback of the main context cannot wait for what the same context delivers; wait outside of "
    "the callback, or call the _async function instead");
}

gboolean
ferry_iterate_until (FerryRouter *router, GMainContext *context, FerryCondition condition, gpointer data,
                     gint64 timeout, const char *what, GError **error)
{
  g_autoptr (FerryRouter) kept G_GNUC_UNUSED = router != NULL ? g_object_ref (router) : NULL;

  if (condition (data))
    return TRUE;
  if (!(router != NULL ? ferry_iterate_check (router, error) : check_context (context, error)))
    return FALSE;
  if (timeout != 0 && ferry_iterate_context (router != NULL ? router->context : context, condition, data, timeout))
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_TIMED_OUT, "%s in time; wait longer", what);
}
