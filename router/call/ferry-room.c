/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What leaves a transport, and waits for room: messages, the threads that wait for it, and what waits without a
 * thread. */

#include "config.h"

#include "call/ferry-calls-private.h"

gint ferry_transport_private_offset;

gboolean
ferry_transport_check_process (FerryTransport *self, GError **error)
{
  return !ferry_forks_is_inherited (ferry_transport_get_private (self)->fork_number) ||
         ferry_set_error (error, FERRY_ERROR_CLOSED,
                          "This process was forked from the one that has the transport, and cannot use it; ask in that "
                          "process itself, or start another worker");
}

gboolean
ferry_calls_check_open (FerryTransportPrivate *priv, GError **error)
{
  return !ferry_calls_is_closed (priv) ||
         ferry_set_error (error, FERRY_ERROR_CLOSED, "Nothing can be sent any more: %s", priv->reason->message);
}

gboolean
ferry_calls_send (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error)
{
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint n_parts = ferry_call_message_get_parts (message, parts);

  return ferry_calls_check_open (priv, error) && priv->funcs->send (priv->carrier, parts, n_parts, NULL, error);
}

/* ---- threads that wait for room ---- */

guint64
ferry_transport_get_room_count (FerryTransport *self)
{
  return atomic_load (&ferry_transport_get_private (self)->room_count);
}

void
ferry_transport_wake_waiting (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  atomic_fetch_add (&priv->room_count, 1);
  if (!ferry_wait_queue_is_empty (&priv->room))
    ferry_wait_queue_finish_all (&priv->room);
}

typedef struct
{
  FerryTransportPrivate *priv;
  guint64 count;
} RoomWait;

/* The end counts as room. */
static gboolean
has_made_room (gpointer data)
{
  const RoomWait *wait = data;

  return atomic_load (&wait->priv->room_count) != wait->count || ferry_calls_is_closed (wait->priv);
}

gboolean
ferry_transport_wait_for_room (FerryTransport *self, guint64 count, gint64 deadline, GCancellable *cancellable,
                               GError **error)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  RoomWait wait = {priv, count};

  return ferry_wait_queue_wait (&priv->room, NULL, has_made_room, &wait, ferry_deadline_or_never (deadline),
                                cancellable, "The other end did not make room in time; allow more time, or send less",
                                error);
}

/* ---- what waits for room, without a thread that waits ---- */

static void
note_owed_locked (FerryTransportPrivate *priv)
{
  /* Relaxed: the lock guards the queue, and the next received message reads the flag again. */
  atomic_store_explicit (&priv->has_owed, priv->owed.length > 0 || priv->owed_busy, memory_order_relaxed);
}

/* Adds a message to the entry of its call. Returns whether owed must be queued. One cancel of a call is enough. Windows
 * of a call are added up. A window of a call that has ended is not needed, but that of the standing call says what was
 * taken. */
static gboolean
merge_owed_locked (FerryTransportPrivate *priv, FerryOwed *owed, guint n)
{
  FerryXidEntry *entry = ferry_xid_table_find (&priv->asked, owed->xid);
  gboolean is_new;

  if (entry == NULL)
    {
      owed->n = owed->xid == FERRY_STANDING_XID ? n : 0;
      return owed->reason != 0 || owed->func != NULL || owed->n > 0;
    }
  is_new = owed->reason != 0 ? !entry->cancel_owed : entry->owed == 0;
  if (owed->reason != 0)
    entry->cancel_owed = TRUE;
  entry->owed += n;
  entry->window -= MIN (n, entry->window);
  return is_new;
}

/* Queues what waits for room. Returns FALSE after the end. */
static gboolean
owe (FerryTransportPrivate *priv, const FerryOwed *owed, guint n, gboolean first)
{
  FerryOwed copy = *owed;
  FERRY_AUTO_LOCK (&priv->lock);

  if (priv->reason != NULL)
    return FALSE;
  if (merge_owed_locked (priv, &copy, n))
    {
      g_queue_push_nth (&priv->owed, g_memdup2 (&copy, sizeof copy), first ? 0 : -1);
      priv->n_sends += owed->func != NULL;
      note_owed_locked (priv);
    }
  return TRUE;
}

/* Removes the first of the queue. Returns FALSE if the queue is empty, or another thread sends a message of it, and
 * then the next: messages stay in order. n: set to how much a window has grown, 0 if its call has ended. */
static gboolean
take_owed (FerryTransportPrivate *priv, FerryOwed *owed, guint *n)
{
  g_autofree FerryOwed *taken = NULL;
  FerryXidEntry *entry;
  FERRY_AUTO_LOCK (&priv->lock);

  taken = priv->owed_busy ? NULL : g_queue_pop_head (&priv->owed);
  *n = 0;
  if (taken == NULL)
    return FALSE;
  *owed = *taken;
  *n = taken->n;
  /* A function may take long, or wait for what is behind it. */
  priv->owed_busy = taken->func == NULL;
  note_owed_locked (priv);
  priv->n_sends -= owed->func != NULL;
  entry = ferry_xid_table_find (&priv->asked, taken->xid);
  if (entry != NULL && taken->reason != 0)
    entry->cancel_owed = FALSE;
  else if (entry != NULL)
    {
      *n = entry->owed;
      entry->window += entry->owed;
      entry->owed = 0;
    }
  return TRUE;
}

void
ferry_calls_keep_window_locked (FerryTransportPrivate *priv, const FerryXidEntry *entry)
{
  for (GList *node = priv->owed.head; entry->xid == FERRY_STANDING_XID && node != NULL; node = node->next)
    {
      FerryOwed *owed = node->data;

      if (owed->xid == entry->xid && owed->reason == 0)
        owed->n = entry->owed;
    }
}

static gboolean
send_owed (FerryTransportPrivate *priv, const FerryOwed *owed, guint n, GError **error)
{
  FerryCallMessage message;

  ferry_call_message_init (&message, owed->reason != 0 ? FERRY_CALL_CANCEL : FERRY_CALL_WINDOW, owed->xid, NULL, NULL);
  message.header.number = owed->reason != 0 ? owed->reason : n;
  return ferry_calls_send (priv, &message, error);
}

/* Sends a message, or queues it if there is no room. Returns FALSE with an error if the message can never be sent. Sets
 * kept if the message was queued. */
static gboolean
send_or_owe (FerryTransportPrivate *priv, const FerryOwed *owed, guint n, gboolean first, gboolean *kept,
             GError **error)
{
  g_autoptr (GError) failure = NULL;
  gboolean sent = send_owed (priv, owed, n, &failure);
  gboolean has_room = !g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);

  *kept = !has_room && owe (priv, owed, n, first);
  if (sent || !has_room)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/* Tries a send again, and queues it if there is still no room. The send fails for good once nothing can be queued. */
static void
try_or_owe (FerryTransportPrivate *priv, const FerryOwed *owed, gboolean first, gboolean *kept)
{
  *kept = FALSE;
  while (!*kept && !owed->func (owed->data))
    *kept = owe (priv, owed, 0, first);
}

gboolean
ferry_calls_tell (FerryTransportPrivate *priv, const FerryOwed *owed, guint n, GError **error)
{
  guint64 count = atomic_load (&priv->room_count);
  gboolean kept = FALSE;

  /* Relaxed: what this thread has queued, it sees. */
  if (atomic_load_explicit (&priv->has_owed, memory_order_relaxed) && owe (priv, owed, n, FALSE))
    {
      ferry_calls_flush (priv);
      return TRUE;
    }
  if (!send_or_owe (priv, owed, n, FALSE, &kept, error))
    return FALSE;
  /* A flush between the send and the queueing did not find the message, so another flush is needed. */
  if (kept && atomic_load (&priv->room_count) != count)
    ferry_calls_flush (priv);
  return TRUE;
}

void
ferry_transport_send_later (FerryTransport *self, FerrySendFunc func, gpointer data, guint64 count)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  const FerryOwed owed = {.func = func, .data = data};
  gboolean kept;

  if (!owe (priv, &owed, 0, FALSE))
    try_or_owe (priv, &owed, FALSE, &kept);
  else if (atomic_load (&priv->room_count) != count)
    ferry_calls_flush (priv);
}

static void
end_owed (FerryTransportPrivate *priv)
{
  FERRY_AUTO_LOCK (&priv->lock);
  priv->owed_busy = FALSE;
  note_owed_locked (priv);
}

/* Sends what is queued. Returns FALSE when the carrier has no room. */
static gboolean
flush_once (FerryTransportPrivate *priv)
{
  gboolean kept = FALSE;
  FerryOwed owed;
  guint n;

  while (!kept && take_owed (priv, &owed, &n))
    if (owed.func != NULL)
      try_or_owe (priv, &owed, TRUE, &kept);
    else
      {
        if (owed.reason != 0 || n > 0)
          send_or_owe (priv, &owed, n, TRUE, &kept, NULL);
        end_owed (priv);
      }
  return !kept;
}

/* If there comes room on another thread while this one holds a message, that thread finds the queue empty. It has
 * increased room_count, so this thread tries again. */
void
ferry_calls_flush (FerryTransportPrivate *priv)
{
  guint64 before;
  FERRY_USE_WEAK (FerryTransport, alive, priv->weak);

  atomic_fetch_add (&priv->room_count, 1);
  do
    before = atomic_load (&priv->room_count);
  while (!flush_once (priv) && atomic_load (&priv->room_count) != before);
}

/* ---- room ---- */

/**
 * ferry_transport_note_room:
 * @self: a transport
 *
 * For implementations: must be called when a send that failed with %FERRY_ERROR_WOULD_BLOCK may succeed. Wakes the
 * threads that wait for room, and sends answers that were kept until there is room. So the caller must not hold a lock
 * that sending takes. Any thread.
 */
void
ferry_transport_note_room (FerryTransport *self)
{
  g_return_if_fail (FERRY_IS_TRANSPORT (self));

  ferry_transport_wake_waiting (self);
  ferry_calls_flush (ferry_transport_get_private (self));
}

void
ferry_transport_note_room_of (GWeakRef *transport)
{
  g_autoptr (FerryTransport) self = g_weak_ref_get (transport);

  if (self != NULL)
    ferry_transport_note_room (self);
}

void
ferry_transport_wait_sent (FerryTransport *self, gint64 deadline, GCancellable *cancellable)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  gboolean goes_on = TRUE;

  while (goes_on)
    {
      guint64 count = ferry_transport_get_room_count (self);

      goes_on = priv->funcs->is_sending != NULL && priv->funcs->is_sending (priv->carrier) &&
                !ferry_calls_is_closed (priv) &&
                ferry_transport_wait_for_room (self, count, deadline, cancellable, NULL);
    }
}
