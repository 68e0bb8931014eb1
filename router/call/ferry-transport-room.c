/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for room in a transport, on a thread that may, and sending later, on one that may not. */

#include "config.h"

#include "call/ferry-transport-fields-private.h"

#include "base/ferry-cond-private.h"
#include "base/ferry-error.h"
#include "call/ferry-polled-transport-private.h"

guint64
ferry_transport_get_room_count (FerryTransport *self)
{
  /* Sequentially consistent, as the other three accesses of the two counters: who is about to wait counts itself and
   * then looks at the room, who makes room counts it and then looks for those who wait. */
  return atomic_load (&ferry_transport_get_private (self)->room_count);
}

void
ferry_transport_wake_waiting (FerryTransportPrivate *priv)
{
  atomic_fetch_add (&priv->room_count, 1);
  if (atomic_load (&priv->n_waiting) == 0)
    return;
  pthread_mutex_lock (&priv->lock);
  pthread_cond_broadcast (&priv->room);
  pthread_mutex_unlock (&priv->lock);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  ferry_transport_wake_waiting (data);
}

gboolean
ferry_transport_wait_for_room (FerryTransport *self, guint64 count, gint64 deadline, GCancellable *cancellable,
                               GError **error)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  gboolean in_time = TRUE;
  gulong id = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb), priv, NULL) : 0;

  pthread_mutex_lock (&priv->lock);
  atomic_fetch_add (&priv->n_waiting, 1);
  while (in_time && atomic_load (&priv->room_count) == count && priv->reason == NULL &&
         !g_cancellable_is_cancelled (cancellable))
    in_time = ferry_cond_wait_until (&priv->room, &priv->lock, deadline > 0 ? deadline : G_MAXINT64);
  atomic_fetch_sub (&priv->n_waiting, 1);
  pthread_mutex_unlock (&priv->lock);
  g_cancellable_disconnect (cancellable, id);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (!in_time)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                         "The other end did not make room in time; give it more, or ask less of it");
  return in_time;
}

static Kept *
take_kept (FerryTransportPrivate *priv)
{
  Kept *kept;

  pthread_mutex_lock (&priv->lock);
  kept = g_queue_pop_head (&priv->kept);
  if (kept != NULL)
    atomic_fetch_sub (&priv->n_kept, 1);
  pthread_mutex_unlock (&priv->lock);
  return kept;
}

static void
keep (FerryTransportPrivate *priv, Kept *kept, gboolean first)
{
  pthread_mutex_lock (&priv->lock);
  if (first)
    g_queue_push_head (&priv->kept, kept);
  else
    g_queue_push_tail (&priv->kept, kept);
  atomic_fetch_add (&priv->n_kept, 1);
  pthread_mutex_unlock (&priv->lock);
}

/* Tries what was kept, until there is no room. Room that is made while one is tried, by a thread that finds nothing
 * kept, is seen by the count: so none stays behind. */
static void
send_kept (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  g_autoptr (FerryTransport) alive G_GNUC_UNUSED = g_object_ref (self);
  gboolean sent = TRUE;
  guint64 count;
  Kept *kept;

  do
    {
      count = atomic_load (&priv->room_count);
      kept = take_kept (priv);
      if (kept == NULL)
        return;
      sent = kept->func (kept->data);
      if (sent)
        g_free (kept);
      else
        keep (priv, kept, TRUE);
    }
  while (sent || atomic_load (&priv->room_count) != count);
}

void
ferry_transport_send_later (FerryTransport *self, FerryTransportSendFunc func, gpointer data, guint64 count)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  Kept *kept = g_new (Kept, 1);

  *kept = (Kept){func, data};
  keep (priv, kept, FALSE);
  if (atomic_load (&priv->room_count) != count)
    send_kept (self);
}

/**
 * ferry_transport_note_room:
 * @self: a transport
 *
 * For implementations: what failed with %FERRY_ERROR_WOULD_BLOCK may go through now. Wakes those who wait for that, and
 * sends answers that were kept until then: so the caller holds no lock that sending takes. Any thread.
 *
 * Since: 0.1
 */
void
ferry_transport_note_room (FerryTransport *self)
{
  FerryTransportPrivate *priv;

  g_return_if_fail (FERRY_IS_TRANSPORT (self));

  priv = ferry_transport_get_private (self);
  ferry_transport_wake_waiting (priv);
  if (atomic_load (&priv->n_kept) > 0)
    send_kept (self);
  ferry_transactions_flush_unsent (priv->transactions);
}

void
ferry_transport_set_receiving_thread (FerryTransport *self, GThread *thread)
{
  /* Relaxed: only compared with the thread that looks, which has set it itself where they are equal. */
  atomic_store_explicit (&ferry_transport_get_private (self)->receiving_thread, thread, memory_order_relaxed);
}

gboolean
ferry_transport_check_may_wait (FerryTransport *self, const char *form, GError **error)
{
  GThread *receiving =
    atomic_load_explicit (&ferry_transport_get_private (self)->receiving_thread, memory_order_relaxed);

  if (receiving != g_thread_self () && !g_main_context_is_owner (NULL))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD,
               "To wait on this thread would hold up %s; use %s, or another thread",
               receiving == g_thread_self () ? "the answer that is waited for" : "the main loop", form);
  return FALSE;
}

void
ferry_transport_set_context (FerryTransport *self, GMainContext *context)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  priv->context = g_main_context_ref (context);
  priv->context_thread = g_thread_self ();
}

GMainContext *
ferry_transport_get_context (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  return priv->context_thread == g_thread_self () ? priv->context : NULL;
}

gboolean
ferry_transport_check_may_iterate (FerryTransport *self, const char *form, GError **error)
{
  if (ferry_transport_get_private (self)->disowned)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED,
                         "The channel is that of the process that this one was forked from; this one has that which "
                         "ferry_channel_create() gave it");
  else if (ferry_polled_transport_is_receiving () || ferry_is_in_callback_of (ferry_transport_get_context (self)))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_BUSY,
                 "A callback of the main context cannot wait for what would come through it; use %s", form);
  else
    return TRUE;
  return FALSE;
}

void
ferry_transport_disown (FerryTransport *self)
{
  ferry_transport_get_private (self)->disowned = TRUE;
}

/* ---- threads that wait for answers ---- */

FerryBerths *
ferry_transport_get_berths (FerryTransport *self)
{
  return &ferry_transport_get_private (self)->berths;
}

void
ferry_transport_end_run (FerryTransport *self)
{
  ferry_berths_wake_due (&ferry_transport_get_private (self)->berths);
}
