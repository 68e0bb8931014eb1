/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two ends of a transport in one process. Messages between them are copied.
 *
 * Each end has a thread that receives the messages of the other end. The ends and their threads share the pair. A
 * thread holds a reference to its transport only while it delivers a message. So the transport is closed when the
 * last reference of the program is dropped.
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

#include <fcntl.h>
#include <pthread.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

/* No message is accepted while this many bytes wait for an end. So at most this many bytes and one message wait. */
#define MAX_QUEUED ((gsize) 1024 * 1024)

typedef struct
{
  gsize size;
  /* The alignment that the values in messages need. */
  _Alignas(8) guint8 data[];
} Message;

typedef struct _Pair Pair;
typedef struct _End End;

/* One end, with the messages that were sent to it. */
struct _End
{
  Pair *pair; /* const: (unowned), as other */
  End *other;
  GWeakRef transport;
  GQueue messages;   /* lock: this and all fields below: (owned) (element-type Message) */
  gsize queued;      /* the size of messages in bytes */
  gboolean refused;  /* a message was refused, so the other end must be notified when there is room */
  gboolean finished; /* the other end is closed */
  gboolean dropped;  /* this end is closed */
  pthread_cond_t changed;
};

struct _Pair
{
  _Atomic gint references;
  pthread_mutex_t lock;
  End ends[2];
};

/* ---- the pair ---- */

/* Returns a new pair with a reference for each end and each thread. */
static Pair *
pair_new (void)
{
  Pair *pair = g_new0 (Pair, 1);

  atomic_init (&pair->references, 4);
  pthread_mutex_init (&pair->lock, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (pair->ends); i++)
    {
      End *self = &pair->ends[i];

      self->pair = pair;
      self->other = &pair->ends[1 - i];
      g_queue_init (&self->messages);
      pthread_cond_init (&self->changed, NULL);
    }
  return pair;
}

/* Drops a reference to the pair of an end. */
static void
end_unref (gpointer data)
{
  Pair *pair = ((End *) data)->pair;

  if (!ferry_ref_count_dec (&pair->references))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (pair->ends); i++)
    {
      End *self = &pair->ends[i];

      g_queue_clear_full (&self->messages, g_free);
      pthread_cond_destroy (&self->changed);
      g_weak_ref_clear (&self->transport);
    }
  pthread_mutex_destroy (&pair->lock);
  g_free (pair);
}

/* ---- receiving ---- */

/* Waits for a message, and removes it from the queue. Returns (transfer full) (nullable) the message, or NULL after
 * the last one. room: set to whether the other end must be notified of room. */
static Message *
take_message (End *self, gboolean *room)
{
  Message *message;
  FERRY_AUTO_LOCK (&self->pair->lock);

  while (self->messages.length == 0 && !self->finished && !self->dropped)
    pthread_cond_wait (&self->changed, &self->pair->lock);
  message = self->dropped ? NULL : g_queue_pop_head (&self->messages);
  self->queued -= message != NULL ? message->size : 0;
  *room = self->refused && self->queued < MAX_QUEUED / 2;
  if (*room)
    self->refused = FALSE;
  return message;
}

static gpointer
receive_all (gpointer data)
{
  End *self = data;
  g_autoptr (GError) reason =
    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The other end was closed; make a new pair of transports");
  Message *message;
  gboolean room;

  while ((message = take_message (self, &room)) != NULL)
    {
      g_autoptr (FerryTransport) transport = g_weak_ref_get (&self->transport);

      if (room)
        ferry_transport_note_room_of (&self->other->transport);
      if (transport != NULL)
        ferry_transport_receive (transport, message->data, message->size);
      g_free (message);
    }
  ferry_transport_stop_receiving (&self->transport, reason);
  end_unref (self);
  return NULL;
}

/* ---- sending, and the end ---- */

static gboolean
check_room_locked (End *to, GError **error)
{
  if (to->finished)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The transport was closed at this end; open a new transport");
  if (to->dropped)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The other end was closed; make a new pair of transports");
  if (to->queued < MAX_QUEUED)
    return TRUE;
  to->refused = TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_WOULD_BLOCK,
    "%" G_GSIZE_FORMAT " bytes wait for the other end to read them; send again when there is room", to->queued);
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
  End *to = ((End *) data)->other;
  g_autofree Message *message = message_new (parts, n_parts);
  FERRY_AUTO_LOCK (&to->pair->lock);

  if (!check_room_locked (to, error))
    return FALSE;
  to->queued += message->size;
  g_queue_push_tail (&to->messages, g_steal_pointer (&message));
  pthread_cond_signal (&to->changed);
  return TRUE;
}

static void
end_close (gpointer data)
{
  End *self = data;
  GQueue dropped;

  pthread_mutex_lock (&self->pair->lock);
  self->other->finished = TRUE;
  self->dropped = TRUE;
  dropped = self->messages;
  g_queue_init (&self->messages);
  pthread_cond_signal (&self->other->changed);
  pthread_cond_signal (&self->changed);
  pthread_mutex_unlock (&self->pair->lock);
  g_queue_clear_full (&dropped, g_free);
}

static gboolean
pass_socket (gpointer data, int socket, GError **error)
{
  End *self = data;
  g_autoptr (FerryTransport) other = g_weak_ref_get (&self->other->transport);
  int copy = other != NULL ? fcntl (socket, F_DUPFD_CLOEXEC, 0) : -1;

  if (other == NULL)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The other end was closed; make a new pair of transports");
  if (copy < 0)
    return ferry_set_system_error (error, "Copying a socket (fcntl)");
  ferry_transport_join_descriptors (other, copy);
  return TRUE;
}

static const FerryTransportKind pair_kind = {.send = send_parts, .close = end_close, .free = end_unref};

static FerryTransport *
make_transport (End *self)
{
  FerryTransport *transport = ferry_transport_new_of_kind (&pair_kind, self);

  g_weak_ref_init (&self->transport, transport);
  ferry_transport_set_pass_func (transport, pass_socket, self, FALSE);
  return transport;
}

static void
start_receiving (End *self, FerryTransport *transport)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GThread) thread = ferry_thread_try_new ("ferry-pair", "a pair of transports", receive_all, self, &error);

  /* Ends the program, as g_thread_new() does: ferry_transport_new_pair() cannot return an error. */
  if (thread == NULL)
    g_error ("%s", error->message);
  ferry_transport_set_receiving_thread (transport, thread);
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
 */
void
ferry_transport_new_pair (FerryTransport **one, FerryTransport **other)
{
  Pair *pair;

  g_return_if_fail (one != NULL);
  g_return_if_fail (other != NULL);

  pair = pair_new ();
  *one = make_transport (&pair->ends[0]);
  *other = make_transport (&pair->ends[1]);
  start_receiving (&pair->ends[0], *one);
  start_receiving (&pair->ends[1], *other);
}
