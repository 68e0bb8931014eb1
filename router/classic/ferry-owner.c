/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The thread that an object belongs to, and waits there. See ferry-owner-private.h. */

#include "config.h"

#include "classic/ferry-owner-private.h"

#include <unistd.h>

void
ferry_owner_init (FerryOwner *self, FerryRouter *router)
{
  self->thread = g_thread_self ();
  self->pid = getpid ();
  self->router = router != NULL ? g_object_ref (router) : NULL;
  if (router != NULL)
    g_object_get (router, "main-context", &self->context, NULL);
  else
    self->context = g_main_context_ref_thread_default ();
}

void
ferry_owner_clear (FerryOwner *self)
{
  g_clear_object (&self->router);
  g_clear_pointer (&self->context, g_main_context_unref);
}

static gboolean
is_true (gpointer data)
{
  return TRUE;
}

gboolean
ferry_owner_is_here (const FerryOwner *self)
{
  g_autoptr (GError) error = NULL;

  if (self->router == NULL)
    return g_thread_self () == self->thread;
  return ferry_router_route_until (self->router, is_true, NULL, 0, &error) ||
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
}

gboolean
ferry_owner_check_error (const FerryOwner *self, const char *function, GError **error)
{
  if (ferry_owner_is_here (self))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD,
               "%s() was called on another thread than its object's; call it on that thread", function);
  return FALSE;
}

gboolean
ferry_owner_check (const FerryOwner *self, const char *function)
{
  g_autoptr (GError) error = NULL;

  if (ferry_owner_check_error (self, function, &error))
    return TRUE;
  g_critical ("%s", error->message);
  return FALSE;
}

gboolean
ferry_owner_keep (const FerryOwner *self, gpointer object)
{
  if (self->router == NULL || self->pid == getpid ())
    return FALSE;
  g_object_ref (object);
  return TRUE;
}

/* ---- waiting here ---- */

static gboolean
may_wait (const FerryOwner *self, GError **error)
{
  g_autoptr (GMainContext) here = g_main_context_ref_thread_default ();
  GSource *source = g_main_current_source ();

  if (self->router == NULL && here != self->context)
    g_set_error_literal (
      error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD,
      "The object belongs to the main context of another thread or process; wait on the thread that made it");
  else if (self->router != NULL && !ferry_router_get_running (self->router))
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING,
                         "The router is not running; call ferry_router_start() first");
  else if (source != NULL && g_source_get_context (source) == self->context)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BUSY,
                         "A callback of a main context cannot wait for work that the same context has to do; use the "
                         "_async form");
  else
    return TRUE;
  return FALSE;
}

static gboolean
set_true (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Returns (transfer full) (nullable) a source that sets *over when the time, in microseconds, is over. */
static GSource *
start_timer (GMainContext *context, gint64 timeout, gboolean *over)
{
  GSource *timer = g_timeout_source_new (0);

  g_source_set_ready_time (
    timer, timeout < G_MAXINT64 - g_get_monotonic_time () ? g_get_monotonic_time () + timeout : G_MAXINT64);
  g_source_set_callback (timer, set_true, over, NULL);
  g_source_attach (timer, context);
  return timer;
}

gboolean
ferry_owner_wait (const FerryOwner *self, FerryCondition condition, gpointer data, gint64 timeout, const char *what,
                  GError **error)
{
  GSource *timer = NULL;
  gboolean over = FALSE;

  if (condition (data))
    return TRUE;
  if (!may_wait (self, error))
    return FALSE;
  if (timeout >= 0)
    timer = start_timer (self->context, timeout, &over);
  while (!condition (data) && !over)
    g_main_context_iteration (self->context, TRUE);
  if (timer != NULL)
    {
      g_source_destroy (timer);
      g_source_unref (timer);
    }
  if (condition (data))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "%s in time; wait longer", what);
  return FALSE;
}

/* ---- waiting without a thread ---- */

typedef struct
{
  GQueue *waits;   /* (unowned) */
  GSource *source; /* (owned) (nullable): of the cancellable */
} Wait;

static void
wait_free (gpointer data)
{
  Wait *wait = data;

  g_clear_pointer (&wait->source, g_source_unref);
  g_free (wait);
}

static gboolean
cancelled (GCancellable *cancellable, gpointer data)
{
  GTask *task = data;
  Wait *wait = g_task_get_task_data (task);

  if (g_queue_remove (wait->waits, task))
    {
      g_task_return_error_if_cancelled (task);
      g_object_unref (task);
    }
  return G_SOURCE_REMOVE;
}

void
ferry_waits_add (GQueue *waits, gboolean is_over, gpointer object, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (object, cancellable, callback, user_data);
  Wait *wait = g_new0 (Wait, 1);

  g_task_set_check_cancellable (task, FALSE);
  wait->waits = waits;
  g_task_set_task_data (task, wait, wait_free);
  if (is_over || g_task_return_error_if_cancelled (task))
    {
      if (is_over)
        g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }
  if (cancellable != NULL)
    {
      wait->source = g_cancellable_source_new (cancellable);
      g_task_attach_source (task, wait->source, G_SOURCE_FUNC (cancelled));
    }
  g_queue_push_tail (waits, task);
}

void
ferry_waits_finish (GQueue *waits)
{
  GQueue over = *waits;
  GTask *task;

  g_queue_init (waits);
  while ((task = g_queue_pop_head (&over)) != NULL)
    {
      Wait *wait = g_task_get_task_data (task);

      /* It has a reference of the task. */
      if (wait->source != NULL)
        g_source_destroy (wait->source);
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
}
