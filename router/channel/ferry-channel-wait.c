/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for a channel: by sleeping where the thread may, and by iterating a main context on the router's thread, and
 * on that which receives for a polled transport by doing so. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "base/ferry-cond-private.h"
#include "channel/ferry-channel-private.h"
#include "route/ferry-router-private.h"

typedef gboolean (*Condition) (FerryChannel *self, gpointer data);

static gboolean
holds (FerryChannel *self, Condition condition, gpointer data)
{
  gboolean held;

  pthread_mutex_lock (&self->lock);
  held = condition (self, data);
  pthread_mutex_unlock (&self->lock);
  return held;
}

static gboolean
set_flag (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
wake_up (GCancellable *cancellable, gpointer data)
{
  return G_SOURCE_REMOVE;
}

static void
iterate (FerryChannel *self, GMainContext *context, Condition condition, gpointer data, gint64 timeout,
         GCancellable *cancellable)
{
  g_autoptr (GSource) timer = NULL;
  g_autoptr (GSource) cancelled = NULL;
  gboolean over = FALSE;

  if (timeout > 0)
    {
      timer = g_timeout_source_new ((guint) MIN (timeout / FERRY_MICROSECONDS_PER_MILLISECOND + 1, G_MAXUINT));
      g_source_set_callback (timer, set_flag, &over, NULL);
      g_source_attach (timer, context);
    }
  if (cancellable != NULL)
    {
      cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (cancelled, G_SOURCE_FUNC (wake_up), NULL, NULL);
      g_source_attach (cancelled, context);
    }
  while (!over && !holds (self, condition, data) && !g_cancellable_is_cancelled (cancellable))
    g_main_context_iteration (context, TRUE);
  if (timer != NULL)
    g_source_destroy (timer);
  if (cancelled != NULL)
    g_source_destroy (cancelled);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  FerryChannel *self = data;

  pthread_mutex_lock (&self->lock);
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

static void
sleep_until (FerryChannel *self, Condition condition, gpointer data, gint64 timeout, GCancellable *cancellable)
{
  gint64 deadline = ferry_deadline_after (timeout);
  gulong id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), self, NULL) : 0;
  gboolean in_time = TRUE;

  pthread_mutex_lock (&self->lock);
  while (in_time && !condition (self, data) && !g_cancellable_is_cancelled (cancellable))
    in_time = ferry_cond_wait_until (&self->changed, &self->lock, deadline);
  pthread_mutex_unlock (&self->lock);
  g_cancellable_disconnect (cancellable, id);
}

/* What this thread has to iterate to wait, and may: (nullable). Returns FALSE where it may neither do that nor sleep.
 */
static gboolean
find_context (FerryChannel *self, const char *form, GMainContext **context, GError **error)
{
  *context = ferry_transport_get_context (self->transport);
  if (*context != NULL)
    return ferry_transport_check_may_iterate (self->transport, form, error);
  if (self->router == NULL || self->router->thread != g_thread_self ())
    return ferry_transport_check_may_wait (self->transport, form, error);
  *context = self->router->context;
  return ferry_router_check_not_in_handler (self->router, error);
}

gboolean
ferry_channel_may_wait_to_send (FerryChannel *self)
{
  GMainContext *context;

  return (self->router == NULL || self->router->thread != g_thread_self ()) && find_context (self, "", &context, NULL);
}

gboolean
ferry_channel_wait_until (FerryChannel *self, Condition condition, gpointer data, gint64 timeout,
                          GCancellable *cancellable, const char *form, GError **error)
{
  g_autoptr (FerryChannel) kept G_GNUC_UNUSED = g_object_ref (self);
  GMainContext *context;

  if (holds (self, condition, data))
    return TRUE;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (timeout != 0 && !find_context (self, form, &context, error))
    return FALSE;
  if (timeout != 0 && context != NULL)
    iterate (self, context, condition, data, timeout, cancellable);
  else if (timeout != 0)
    sleep_until (self, condition, data, timeout, cancellable);
  if (holds (self, condition, data))
    return TRUE;
  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                         "The other end of the channel did nothing in time; give it more");
  return FALSE;
}
