/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two ends of a transport in one process. Messages between them are copied.
 *
 * Each end has a thread that receives the messages of the other end. The ends and their threads share the pair. A
 * thread holds a reference to its end only while it delivers a message. So the end is closed when the last reference
 * of the program is dropped.
 *
 * Closing: a closed end sends and receives no more, and drops the messages that were sent to it. The thread of the
 *          other end delivers the messages that were sent before, and then ends the other end too. The threads are
 *          not joined.
 *
 * Owner:   counted references: one of each end and one of each thread.
 * Threads: any, unless a comment says otherwise.
 * Locks:   lock; no function that takes another lock is called while it is held. */

#include "config.h"

#include "call/ferry-transport-private.h"

#include <pthread.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

/* No message is accepted while a lane has this many bytes. So a lane has at most this many bytes and one message. */
#define MAX_QUEUED ((gsize) 1024 * 1024)

typedef struct
{
  gsize size;
  /* The alignment that the values in messages need. */
  _Alignas(8) guint8 data[];
} Message;

/* The messages that were sent to one of the ends. */
typedef struct
{
  GQueue messages;   /* lock: this and all fields below: (owned) (element-type Message) */
  gsize queued;      /* the size of messages in bytes */
  gboolean refused;  /* a message was refused, so the other end must be notified when there is room */
  gboolean finished; /* the end that sends into this lane is closed */
  gboolean dropped;  /* the end that receives from this lane is closed */
  pthread_cond_t changed;
} Lane;

typedef struct
{
  _Atomic gint references;
  GWeakRef ends[2];
  pthread_mutex_t lock;
  Lane lanes[2]; /* lanes[i] contains the messages to ends[i] */
} Pair;

/* One end, as the data of its transport or as the data of its thread. */
typedef struct
{
  Pair *pair; /* const: (owned), as index is const */
  guint index;
} End;

/* ---- the pair ---- */

static Pair *
pair_new (void)
{
  Pair *pair = g_new0 (Pair, 1);

  atomic_init (&pair->references, 1);
  pthread_mutex_init (&pair->lock, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (pair->lanes); i++)
    {
      g_weak_ref_init (&pair->ends[i], NULL);
      g_queue_init (&pair->lanes[i].messages);
      pthread_cond_init (&pair->lanes[i].changed, NULL);
    }
  return pair;
}

static End *
end_new (Pair *pair, guint index)
{
  End *self = g_new (End, 1);

  ferry_ref_count_inc (&pair->references);
  *self = (End){pair, index};
  return self;
}

static void
pair_unref (Pair *pair)
{
  if (!ferry_ref_count_dec (&pair->references))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (pair->lanes); i++)
    {
      g_queue_clear_full (&pair->lanes[i].messages, g_free);
      pthread_cond_destroy (&pair->lanes[i].changed);
      g_weak_ref_clear (&pair->ends[i]);
    }
  pthread_mutex_destroy (&pair->lock);
  g_free (pair);
}

static void
end_free (gpointer data)
{
  End *self = data;

  pair_unref (self->pair);
  g_free (self);
}

/* ---- receiving ---- */

/* Waits for a message to an end, and removes it from the lane. Returns (transfer full) (nullable) the message, or
 * NULL after the last one. room: set to whether the other end must be notified of room. */
static Message *
take_message (Pair *pair, guint index, gboolean *room)
{
  Lane *lane = &pair->lanes[index];
  Message *message;
  FERRY_AUTO_LOCK (&pair->lock);

  while (lane->messages.length == 0 && !lane->finished && !lane->dropped)
    pthread_cond_wait (&lane->changed, &pair->lock);
  message = lane->dropped ? NULL : g_queue_pop_head (&lane->messages);
  lane->queued -= message != NULL ? message->size : 0;
  *room = lane->refused && lane->queued < MAX_QUEUED / 2;
  if (*room)
    lane->refused = FALSE;
  return message;
}

static void
note_room (Pair *pair, guint index)
{
  g_autoptr (FerryTransport) end = g_weak_ref_get (&pair->ends[index]);

  if (end != NULL)
    ferry_transport_note_room (end);
}

static void
end_receiving (Pair *pair, guint index)
{
  g_autoptr (FerryTransport) end = g_weak_ref_get (&pair->ends[index]);
  g_autoptr (GError) reason =
    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The other end was closed; make a new pair of transports");

  if (end == NULL)
    return;
  /* Does nothing if this end was closed before. */
  ferry_transport_end (end, reason);
  /* Unsets the receiving thread, as the GThread of a later thread may have the same address. */
  ferry_transport_set_receiving_thread (end, NULL);
}

static gpointer
receive_all (gpointer data)
{
  End *self = data;
  Message *message;
  gboolean room;

  while ((message = take_message (self->pair, self->index, &room)) != NULL)
    {
      g_autoptr (FerryTransport) end = g_weak_ref_get (&self->pair->ends[self->index]);

      if (room)
        note_room (self->pair, 1 - self->index);
      if (end != NULL)
        ferry_transport_receive (end, message->data, message->size);
      g_free (message);
    }
  end_receiving (self->pair, self->index);
  end_free (self);
  return NULL;
}

/* ---- sending, and the end ---- */

static gboolean
check_room_locked (Lane *lane, GError **error)
{
  if (lane->finished)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The transport was closed at this end; open a new transport");
  if (lane->dropped)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The other end was closed; make a new pair of transports");
  if (lane->queued < MAX_QUEUED)
    return TRUE;
  lane->refused = TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_WOULD_BLOCK,
    "%" G_GSIZE_FORMAT " bytes wait for the other end to read them; send again when there is room", lane->queued);
}

static Message *
message_new (const GOutputVector *parts, guint n_parts)
{
  Message *message;
  gsize size = 0;

  for (guint i = 0; i < n_parts; i++)
    size += parts[i].size;
  message = g_malloc (sizeof *message + size);
  message->size = 0;
  for (guint i = 0; i < n_parts; i++)
    {
      if (parts[i].size > 0)
        memcpy (message->data + message->size, parts[i].buffer, parts[i].size);
      message->size += parts[i].size;
    }
  return message;
}

static gboolean
send_parts (gpointer data, const GOutputVector *parts, guint n_parts, GError **error)
{
  End *self = data;
  Lane *lane = &self->pair->lanes[1 - self->index];
  g_autofree Message *message = message_new (parts, n_parts);
  FERRY_AUTO_LOCK (&self->pair->lock);

  if (!check_room_locked (lane, error))
    return FALSE;
  lane->queued += message->size;
  g_queue_push_tail (&lane->messages, g_steal_pointer (&message));
  pthread_cond_signal (&lane->changed);
  return TRUE;
}

static void
end_close (gpointer data)
{
  End *self = data;
  Lane *from = &self->pair->lanes[1 - self->index];
  Lane *to = &self->pair->lanes[self->index];
  GQueue dropped;

  pthread_mutex_lock (&self->pair->lock);
  from->finished = TRUE;
  to->dropped = TRUE;
  dropped = to->messages;
  g_queue_init (&to->messages);
  pthread_cond_signal (&from->changed);
  pthread_cond_signal (&to->changed);
  pthread_mutex_unlock (&self->pair->lock);
  g_queue_clear_full (&dropped, g_free);
}

static const FerryTransportKind pair_kind = {.send = send_parts, .close = end_close, .free = end_free};

static FerryTransport *
make_end (Pair *pair, guint index)
{
  FerryTransport *end = ferry_transport_new_of_kind (&pair_kind, end_new (pair, index));

  g_weak_ref_set (&pair->ends[index], end);
  return end;
}

static void
start_receiving (Pair *pair, guint index, FerryTransport *end)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GThread) thread =
    ferry_thread_try_new ("ferry-pair", "a pair of transports", receive_all, end_new (pair, index), &error);

  /* Ends the program, as g_thread_new() does: ferry_transport_new_pair() cannot return an error. */
  if (thread == NULL)
    g_error ("%s", error->message);
  ferry_transport_set_receiving_thread (end, thread);
}

/**
 * ferry_transport_new_pair:
 * @one: (out) (transfer full): return location for one end
 * @other: (out) (transfer full): return location for the other end
 *
 * Creates two ends of a transport in this process, for example for two threads, or for tests. Messages are copied, and
 * each end receives on a thread of its own. In each direction, up to 1 MiB of messages waits for the receiving end.
 * Beyond that, sending fails with %FERRY_ERROR_WOULD_BLOCK.
 *
 * When one end is closed, the other end first receives the messages that were sent before. Then the other end is closed
 * too, with %FERRY_ERROR_CLOSED.
 *
 * Any thread.
 *
 * Since: 0.1
 */
void
ferry_transport_new_pair (FerryTransport **one, FerryTransport **other)
{
  Pair *pair;

  g_return_if_fail (one != NULL);
  g_return_if_fail (other != NULL);

  pair = pair_new ();
  *one = make_end (pair, 0);
  *other = make_end (pair, 1);
  start_receiving (pair, 0, *one);
  start_receiving (pair, 1, *other);
  pair_unref (pair);
}
