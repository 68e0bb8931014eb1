/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sending half of a worker's transport. See ferry-outbox-private.h.
 *
 * Locks: the outbox's own. Nothing is sent, and no function of the transport is called, with it held. */

#include "config.h"

#include "call/ferry-outbox-private.h"

#include <pthread.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "route/ferry-sender-private.h"

/* The time in microseconds after which a thread that has nothing to wait for ends. */
#define IDLE_TIME (5 * G_USEC_PER_SEC)

/* Reference-counted by g_atomic_rc_box. */
struct _FerryOutbox
{
  FerrySender *sender; /* const: (owned) */
  GWeakRef transport;

  pthread_mutex_t lock;
  pthread_cond_t news;
  GBytes *large;       /* lock: (owned) (nullable): a message that the thread is to send, or is sending */
  gboolean stops;      /* lock: the sender is to be stopped when large is sent */
  gboolean has_thread; /* lock */
  /* Written with the lock held: large is set. Any thread reads it. */
  _Atomic gboolean is_sending;
  /* Set by a send that is refused, with the lock held; cleared by the thread before it tells the transport of room. */
  _Atomic gboolean is_full;
};

FerryOutbox *
ferry_outbox_new (FerrySender *sender)
{
  FerryOutbox *self = g_atomic_rc_box_new0 (FerryOutbox);

  self->sender = g_object_ref (sender);
  g_weak_ref_init (&self->transport, NULL);
  pthread_mutex_init (&self->lock, NULL);
  ferry_cond_init (&self->news);
  return self;
}

static void
outbox_clear (gpointer data)
{
  FerryOutbox *self = data;

  g_clear_pointer (&self->large, g_bytes_unref);
  pthread_cond_destroy (&self->news);
  pthread_mutex_destroy (&self->lock);
  g_weak_ref_clear (&self->transport);
  g_object_unref (self->sender);
}

void
ferry_outbox_unref (FerryOutbox *self)
{
  g_atomic_rc_box_release_full (self, outbox_clear);
}

void
ferry_outbox_set_transport (FerryOutbox *self, FerryTransport *transport)
{
  g_weak_ref_set (&self->transport, transport);
}

FerrySender *
ferry_outbox_get_sender (FerryOutbox *self)
{
  return self->sender;
}

gboolean
ferry_outbox_is_sending (FerryOutbox *self)
{
  /* Acquire: a thread that sees the end of a message sends after it. */
  return atomic_load_explicit (&self->is_sending, memory_order_acquire);
}

gboolean
ferry_outbox_is_full (FerryOutbox *self)
{
  /* Relaxed: a reader that waits has loaded the transport's room count before, which changes after the flag. */
  return atomic_load_explicit (&self->is_full, memory_order_relaxed);
}

/* ---- the thread ---- */

/* Waits until there is something to do. Returns FALSE when there was nothing for a while: the thread then ends. large
 * (transfer full) (nullable): set to the message to send; without one, a send waits for room. */
static gboolean
wait_for_work (FerryOutbox *self, GBytes **large)
{
  gint64 deadline = ferry_deadline_after (IDLE_TIME);
  gboolean in_time = TRUE;
  FERRY_AUTO_LOCK (&self->lock);

  while (in_time && self->large == NULL && !ferry_outbox_is_full (self))
    in_time = ferry_cond_wait_until (&self->news, &self->lock, deadline);
  *large = self->large != NULL ? g_bytes_ref (self->large) : NULL;
  self->has_thread = *large != NULL || ferry_outbox_is_full (self);
  return self->has_thread;
}

/* Where the pipe has closed meanwhile, its transport ends for that reason. */
static void
send_large_now (FerryOutbox *self, GBytes *large)
{
  gsize size;
  FerryPart part = {.data = g_bytes_get_data (large, &size)};
  g_autoptr (GError) error = NULL;
  gboolean stops;

  part.size = size;
  if (!ferry_sender_send_parts (self->sender, &part, 1, -1, &error))
    g_debug ("A large message was not sent: %s", error->message);
  pthread_mutex_lock (&self->lock);
  g_clear_pointer (&self->large, g_bytes_unref);
  stops = self->stops;
  /* Release: as in ferry_outbox_is_sending(). */
  atomic_store_explicit (&self->is_sending, FALSE, memory_order_release);
  pthread_mutex_unlock (&self->lock);
  if (stops)
    ferry_sender_stop (self->sender, NULL);
}

/* Waits until the lane has room for the longest record, so that whatever was refused has room now. Where the pipe has
 * closed, the next send says so. */
static void
wait_for_lane (FerryOutbox *self)
{
  const FerryWait wait = {.index = ferry_sender_get_index (self->sender), .deadline = FERRY_NO_DEADLINE};

  ferry_uplink_wait (ferry_sender_get_uplink (self->sender), &wait, ferry_record_size (FERRY_MAX_RECORD_PAYLOAD));
}

static gpointer
thread_main (gpointer data)
{
  FerryOutbox *self = data;
  GBytes *large;

  while (wait_for_work (self, &large))
    {
      if (large != NULL)
        send_large_now (self, large);
      else
        wait_for_lane (self);
      g_clear_pointer (&large, g_bytes_unref);
      /* Relaxed: as in ferry_outbox_is_full(). A send that is refused from now on sets it again. */
      atomic_store_explicit (&self->is_full, FALSE, memory_order_relaxed);
      ferry_transport_note_room_of (&self->transport);
    }
  ferry_outbox_unref (self);
  return NULL;
}

static gboolean
have_thread_locked (FerryOutbox *self)
{
  GThread *thread;

  if (self->has_thread)
    {
      pthread_cond_signal (&self->news);
      return TRUE;
    }
  thread = ferry_thread_try_new ("ferry-outbox", "waiting for room", thread_main, g_atomic_rc_box_acquire (self), NULL);
  if (thread == NULL)
    {
      ferry_outbox_unref (self);
      return FALSE;
    }
  g_thread_unref (thread);
  self->has_thread = TRUE;
  return TRUE;
}

/* ---- sending ---- */

/* Has the thread tell the transport of room. Returns FALSE where there is no thread. */
static gboolean
await_room (FerryOutbox *self)
{
  gboolean has_thread;
  FERRY_AUTO_LOCK (&self->lock);

  atomic_store_explicit (&self->is_full, TRUE, memory_order_relaxed);
  has_thread = have_thread_locked (self);
  if (!has_thread)
    atomic_store_explicit (&self->is_full, FALSE, memory_order_relaxed);
  return has_thread;
}

/* Gives a copy of a message to the thread, unless the thread has one already. Returns FALSE where it has, or where
 * there is no thread. */
static gboolean
hand_over_large (FerryOutbox *self, const FerryPart *parts, guint n_parts, gsize size)
{
  guint8 *data = g_malloc (size);
  g_autoptr (GBytes) large = g_bytes_new_take (data, size);
  FERRY_AUTO_LOCK (&self->lock);

  for (guint i = 0; i < n_parts; i++)
    {
      memcpy (data, parts[i].data, parts[i].size);
      data += parts[i].size;
    }
  if (self->large != NULL || !have_thread_locked (self))
    return FALSE;
  self->large = g_steal_pointer (&large);
  /* Relaxed: this thread sends nothing more before it has returned, and others are not in order with it. */
  atomic_store_explicit (&self->is_sending, TRUE, memory_order_relaxed);
  return TRUE;
}

/* Whether a message of that size goes in pieces, if it goes at all: there is no spare buffer for it. */
static gboolean
needs_pieces (FerryOutbox *self, gsize size)
{
  const FerryUplink *uplink = ferry_sender_get_uplink (self->sender);

  return size > FERRY_MAX_RECORD_PAYLOAD && size <= uplink->max_message_size && !uplink->forked;
}

static gboolean
send_now (FerryOutbox *self, const FerryPart *parts, guint n_parts, gsize size, GError **error)
{
  if (ferry_outbox_is_sending (self))
    return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                            "A large message is being sent to the application; send again when there is room");
  if (!needs_pieces (self, size))
    return ferry_sender_send_parts (self->sender, parts, n_parts, 0, error);
  return ferry_sender_send_parts_in_buffer (self->sender, parts, n_parts) ||
         hand_over_large (self, parts, n_parts, size) ||
         ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                          "There is no room for a large message to the application; send again when there is room");
}

gboolean
ferry_outbox_send (FerryOutbox *self, const FerryPart *parts, guint n_parts, GError **error)
{
  GError *failure = NULL;
  gsize size = 0;

  for (guint i = 0; i < n_parts; i++)
    size += parts[i].size;
  if (send_now (self, parts, n_parts, size, &failure))
    return TRUE;
  if (g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK) && !await_room (self))
    {
      g_clear_error (&failure);
      return ferry_sender_send_parts (self->sender, parts, n_parts, -1, error);
    }
  g_propagate_error (error, failure);
  return FALSE;
}

gboolean
ferry_outbox_send_in_buffer (FerryOutbox *self, const FerryPart *parts, guint n_parts)
{
  return !ferry_outbox_is_sending (self) && ferry_sender_send_parts_in_buffer (self->sender, parts, n_parts);
}

void
ferry_outbox_stop (FerryOutbox *self)
{
  gboolean stops_later;

  pthread_mutex_lock (&self->lock);
  stops_later = self->stops = self->large != NULL;
  pthread_mutex_unlock (&self->lock);
  if (!stops_later)
    ferry_sender_stop (self->sender, NULL);
}
