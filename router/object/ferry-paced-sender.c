/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends a stream of items to the other end, for a subscriber or for a watch. The pace is set by the receiving end:
 * ferry-subscription.c opens a small window, and takes items no faster than its PACE. An item is made only when the
 * window and the transport have room for it. Until then its contents wait at the owner, where later changes are
 * joined to them.
 *
 * Owner:   counted references.
 * Threads: any; one thread at a time calls make. */

#include "config.h"

#include "object/ferry-paced-sender-private.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "conversation/ferry-demux-invocation-private.h"
#include "conversation/ferry-invocation-private.h"

struct _FerryPacedSender
{
  _Atomic gint references;
  FerryDemuxInvocation *invocation; /* const: (owned) */
  FerryPacedSenderFuncs funcs;      /* const */
  gpointer data;                    /* const: (owned) */
  _Atomic gboolean over;            /* atomic */

  pthread_mutex_t lock;
  gboolean kicked;  /* lock, also the next two fields: there may be something to send */
  gboolean sending; /* a thread sends, or waits for room in the transport */
  gboolean resting; /* the window is used up: window_grew() continues */
  GVariant *item;   /* only for the sending thread: (owned) (nullable): an item that was made, and is not sent yet */
};

FerryPacedSender *
ferry_paced_sender_ref (FerryPacedSender *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_paced_sender_unref (FerryPacedSender *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  self->funcs.destroy (self->data);
  g_clear_pointer (&self->item, g_variant_unref);
  ferry_invocation_unref (&self->invocation->base);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

gpointer
ferry_paced_sender_get_data (FerryPacedSender *self)
{
  return self->data;
}

/* ---- sending ---- */

/* Returns whether the next item must be made: the sender was kicked since the last one. Otherwise this thread stops. */
static gboolean
begin_item (FerryPacedSender *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  self->sending = self->kicked && !atomic_load (&self->over);
  self->kicked = FALSE;
  return self->sending;
}

/* Rests where the window is used up. Looks with the lock held: where the window grows after that, window_grew() finds
 * that this rests, and goes on. */
static gboolean
rests (FerryPacedSender *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  self->resting = ferry_call_get_window (self->invocation->call) == 0;
  return self->resting;
}

/* Sends the item. Returns FALSE when the transport has no room: the item is kept for the next try. Only this thread
 * takes from the window, so a window that was not used up is not the reason for that. */
static gboolean
send_item (FerryPacedSender *self)
{
  FerryTransport *transport = ferry_call_get_transport (self->invocation->call);
  g_autoptr (GError) error = NULL;

  if (rests (self))
    return TRUE;
  if (ferry_call_send_item (self->invocation->call, self->item, &error))
    {
      g_clear_pointer (&self->item, g_variant_unref);
      FERRY_AUTO_LOCK (&self->lock);
      self->kicked = TRUE;
      return TRUE;
    }
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK) && !ferry_transport_get_closed (transport))
    return FALSE;
  g_clear_pointer (&self->item, g_variant_unref);
  /* Do not end the stream here if the transport is closed: closing cancels the stream. */
  if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED))
    ferry_paced_sender_end (self, error);
  return TRUE;
}

/* Makes and sends items while there are any. Returns TRUE when it has finished, and drops the caller's reference to
 * the sender. Returns FALSE and keeps the reference while the transport has no room: then the thread that makes room
 * calls it again. */
static gboolean
send_items (gpointer data)
{
  FerryPacedSender *self = data;

  do
    {
      if (self->item == NULL)
        self->item = self->funcs.make (self->data);
      if (self->item != NULL && !send_item (self))
        return FALSE;
    }
  while (begin_item (self));
  ferry_paced_sender_unref (self);
  return TRUE;
}

void
ferry_paced_sender_kick (FerryPacedSender *self)
{
  FerryTransport *transport = ferry_call_get_transport (self->invocation->call);
  guint64 count = ferry_transport_get_room_count (transport);
  gboolean begins;

  pthread_mutex_lock (&self->lock);
  begins = !self->sending && !self->resting && !atomic_load (&self->over);
  self->kicked = !begins;
  self->sending = self->sending || begins;
  pthread_mutex_unlock (&self->lock);
  if (begins && !send_items (ferry_paced_sender_ref (self)))
    ferry_transport_send_later (transport, send_items, self, count);
}

/* On the receiving thread: the other end has taken items, so that the window has room again. Takes a reference to
 * the sender (data). */
static void
window_grew (gpointer data)
{
  g_autoptr (FerryPacedSender) self = data;

  pthread_mutex_lock (&self->lock);
  self->resting = FALSE;
  pthread_mutex_unlock (&self->lock);
  ferry_paced_sender_kick (self);
}

static void
hold (gpointer data)
{
  ferry_paced_sender_ref (data);
}

void
ferry_paced_sender_end (FerryPacedSender *self, const GError *reason)
{
  g_autoptr (FerryPacedSender) alive G_GNUC_UNUSED = ferry_paced_sender_ref (self);

  if (atomic_exchange (&self->over, TRUE))
    return;
  ferry_call_set_window_func (self->invocation->call, NULL, NULL, NULL);
  self->funcs.gone (self->data);
  /* This must not wait for room in the transport: neither the object nor a stop of the exporter may wait for the
   * other end. */
  ferry_demux_invocation_turn_away (&self->invocation->base, reason);
  /* Not g_cancellable_disconnect(): it waits for the handler, and this function may be called in it. */
  g_signal_handlers_disconnect_by_data (ferry_invocation_get_cancellable (&self->invocation->base), self);
}

/* ---- beginning ---- */

static void
cancelled_cb (GCancellable *cancellable, gpointer data)
{
  g_autoptr (GError) reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                                   "The other end has cancelled the stream; it gets no more items");

  ferry_paced_sender_end (data, reason);
}

FerryPacedSender *
ferry_paced_sender_new (FerryInvocation *invocation, const FerryPacedSenderFuncs *funcs, gpointer data)
{
  FerryPacedSender *self = g_new0 (FerryPacedSender, 1);
  GCancellable *cancellable = ferry_invocation_get_cancellable (invocation);

  atomic_init (&self->references, 1);
  self->invocation = (FerryDemuxInvocation *) ferry_invocation_ref (invocation);
  self->funcs = *funcs;
  self->data = data;
  pthread_mutex_init (&self->lock, NULL);
  ferry_call_set_window_func (self->invocation->call, window_grew, hold, self);
  /* The handler and the sender have references to each other, until the stream ends. */
  g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (cancelled_cb), ferry_paced_sender_ref (self),
                         (GClosureNotify) (GCallback) ferry_paced_sender_unref, 0);
  if (g_cancellable_is_cancelled (cancellable))
    cancelled_cb (cancellable, self);
  /* The stream may have ended before the handler was connected. */
  if (atomic_load (&self->over))
    g_signal_handlers_disconnect_by_data (cancellable, self);
  return self;
}
