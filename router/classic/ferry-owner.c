/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The thread that an object belongs to, and waits there.
 *
 * That is the router's thread, or, for an object without a router, the one that made it. Who waits there waits for
 * something of the object.
 *
 * Threads: the owner's, but for the functions that ask which thread it is. */

#include "config.h"

#include "classic/ferry-owner-private.h"

#include <unistd.h>

#include "task/ferry-iterate-private.h"

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

/* ---- waiting ---- */

gboolean
ferry_owner_wait (const FerryOwner *self, const char *function, FerryCondition condition, gpointer data, gint64 timeout,
                  const char *what, GError **error)
{
  return ferry_owner_check_error (self, function, error) &&
         ferry_iterate_until (self->router, self->context, condition, data, timeout, what, error);
}

/* The data of a task that waits is the queue, and its source (owned) (nullable) that of the cancellable. */
#define SOURCE_KEY "ferry-waits-source"

static gboolean
cancelled (GCancellable *cancellable, gpointer data)
{
  GTask *task = data;

  if (g_queue_remove (g_task_get_task_data (task), task))
    {
      g_task_return_error_if_cancelled (task);
      g_object_unref (task);
    }
  return G_SOURCE_REMOVE;
}

void
ferry_waits_add (GQueue *waits, gpointer tag, gboolean is_over, gpointer object, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (object, cancellable, callback, user_data);
  GSource *source;

  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, waits, NULL);
  g_task_set_check_cancellable (task, FALSE);
  if (is_over || g_task_return_error_if_cancelled (task))
    {
      if (is_over)
        g_task_return_boolean (task, TRUE);
      g_object_unref (task);
      return;
    }
  if (cancellable != NULL)
    {
      source = g_cancellable_source_new (cancellable);
      g_object_set_data_full (G_OBJECT (task), SOURCE_KEY, source, (GDestroyNotify) g_source_unref);
      g_task_attach_source (task, source, G_SOURCE_FUNC (cancelled));
    }
  g_queue_push_tail (waits, task);
}

void
ferry_waits_finish (GQueue *waits)
{
  GQueue over = *waits;
  GSource *source;
  GTask *task;

  g_queue_init (waits);
  while ((task = g_queue_pop_head (&over)) != NULL)
    {
      /* It has a reference of the task. */
      source = g_object_get_data (G_OBJECT (task), SOURCE_KEY);
      if (source != NULL)
        g_source_destroy (source);
      g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
}
