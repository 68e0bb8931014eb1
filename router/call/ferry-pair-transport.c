/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two ends of a transport in one process, with copies of messages in between.
 *
 * Each end has a thread that receives what the other one sent. What the ends and their threads share is the link; the
 * threads refer to an object only while they hand a message to it, so that the last reference of others' closes it.
 *
 * The end: an end that closes sends nothing more and receives nothing more. Its thread drops what lies there; the other
 * end's thread hands over what was sent before, and then ends that end too. Nobody waits for a thread.
 *
 * Owner:   counted references: of the two ends and the two threads.
 * Threads: any, where nothing else is said.
 * Locks:   lock, a leaf: nobody is called with it held. */

#include "config.h"

#include "call/ferry-transport-private.h"

#include <pthread.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

/* While that many bytes lie in a lane, no further message is taken: so at most that and one message do. */
#define MAX_QUEUED ((gsize) 1024 * 1024)

#define FERRY_TYPE_PAIR_TRANSPORT (ferry_pair_transport_get_type ())
G_DECLARE_FINAL_TYPE (FerryPairTransport, ferry_pair_transport, FERRY, PAIR_TRANSPORT, FerryTransport)

typedef struct
{
  gsize size;
  /* Aligned to 8, as transactions like it. */
  _Alignas(8) guint8 data[];
} Message;

/* What goes to one of the ends. */
typedef struct
{
  GQueue messages;   /* lock: (owned) (element-type Message), as what follows */
  gsize queued;      /* bytes */
  gboolean refused;  /* the other end is to be told of room */
  gboolean finished; /* nothing more comes: the other end was closed */
  gboolean dropped;  /* nobody takes what comes: this end was closed */
  pthread_cond_t changed;
} Lane;

typedef struct
{
  _Atomic gint references;
  GWeakRef ends[2];
  pthread_mutex_t lock;
  Lane lanes[2]; /* to each end */
} Link;

struct _FerryPairTransport
{
  FerryTransport parent_instance;
  Link *link;  /* const: (owned) */
  guint index; /* const: of this end */
};

/* What a thread is told. */
typedef struct
{
  Link *link; /* (owned) */
  guint index;
} Receiving;

G_DEFINE_FINAL_TYPE (FerryPairTransport, ferry_pair_transport, FERRY_TYPE_TRANSPORT)

/* ---- the link ---- */

static Link *
link_new (void)
{
  Link *link = g_new0 (Link, 1);

  atomic_init (&link->references, 1);
  pthread_mutex_init (&link->lock, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (link->lanes); i++)
    {
      g_weak_ref_init (&link->ends[i], NULL);
      g_queue_init (&link->lanes[i].messages);
      pthread_cond_init (&link->lanes[i].changed, NULL);
    }
  return link;
}

static Link *
link_ref (Link *link)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&link->references, 1, memory_order_relaxed);
  return link;
}

static void
link_unref (Link *link)
{
  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&link->references, 1, memory_order_acq_rel) > 1)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (link->lanes); i++)
    {
      g_queue_clear_full (&link->lanes[i].messages, g_free);
      pthread_cond_destroy (&link->lanes[i].changed);
      g_weak_ref_clear (&link->ends[i]);
    }
  pthread_mutex_destroy (&link->lock);
  g_free (link);
}

/* ---- receiving ---- */

/* Waits for a message to an end. Returns NULL when none comes any more. */
static Message *
take_message (Link *link, guint index, gboolean *room)
{
  Lane *lane = &link->lanes[index];
  Message *message = NULL;

  pthread_mutex_lock (&link->lock);
  while (lane->messages.length == 0 && !lane->finished && !lane->dropped)
    pthread_cond_wait (&lane->changed, &link->lock);
  if (!lane->dropped)
    message = g_queue_pop_head (&lane->messages);
  lane->queued -= message != NULL ? message->size : 0;
  *room = lane->refused && lane->queued < MAX_QUEUED / 2;
  if (*room)
    lane->refused = FALSE;
  pthread_mutex_unlock (&link->lock);
  return message;
}

static void
note_room (Link *link, guint index)
{
  g_autoptr (FerryTransport) end = g_weak_ref_get (&link->ends[index]);

  if (end != NULL)
    ferry_transport_note_room (end);
}

static void
end_receiving (Link *link, guint index)
{
  g_autoptr (FerryTransport) end = g_weak_ref_get (&link->ends[index]);
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The other end was closed");

  if (end == NULL)
    return;
  /* Where it is closed already, at this end, that reason stays. */
  ferry_transport_end (end, reason);
  /* Another thread may have this one's address next. */
  ferry_transport_set_receiving_thread (end, NULL);
}

static gpointer
receive_all (gpointer data)
{
  g_autofree Receiving *self = data;
  Message *message;
  gboolean room;

  while ((message = take_message (self->link, self->index, &room)) != NULL)
    {
      g_autoptr (FerryTransport) end = g_weak_ref_get (&self->link->ends[self->index]);

      if (room)
        note_room (self->link, 1 - self->index);
      if (end != NULL)
        ferry_transport_receive (end, message->data, message->size);
      g_free (message);
    }
  end_receiving (self->link, self->index);
  link_unref (self->link);
  return NULL;
}

/* ---- the object ---- */

static gboolean
check_room_locked (Lane *lane, GError **error)
{
  if (lane->finished)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The transport was closed at this end");
  else if (lane->dropped)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The other end was closed");
  else if (lane->queued >= MAX_QUEUED)
    {
      lane->refused = TRUE;
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK,
                   "%" G_GSIZE_FORMAT " bytes wait for the other end to take them: wait for room", lane->queued);
    }
  else
    return TRUE;
  return FALSE;
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
ferry_pair_transport_send (FerryTransport *transport, const GOutputVector *parts, guint n_parts, GError **error)
{
  FerryPairTransport *self = FERRY_PAIR_TRANSPORT (transport);
  Lane *lane = &self->link->lanes[1 - self->index];
  Message *message = message_new (parts, n_parts);
  gboolean sent;

  pthread_mutex_lock (&self->link->lock);
  sent = check_room_locked (lane, error);
  if (sent)
    {
      lane->queued += message->size;
      g_queue_push_tail (&lane->messages, g_steal_pointer (&message));
      pthread_cond_signal (&lane->changed);
    }
  pthread_mutex_unlock (&self->link->lock);
  g_free (message);
  return sent;
}

static void
ferry_pair_transport_close (FerryTransport *transport)
{
  FerryPairTransport *self = FERRY_PAIR_TRANSPORT (transport);
  Lane *from = &self->link->lanes[1 - self->index];
  Lane *to = &self->link->lanes[self->index];
  GQueue dropped;

  pthread_mutex_lock (&self->link->lock);
  from->finished = TRUE;
  to->dropped = TRUE;
  dropped = to->messages;
  g_queue_init (&to->messages);
  pthread_cond_signal (&from->changed);
  pthread_cond_signal (&to->changed);
  pthread_mutex_unlock (&self->link->lock);
  g_queue_clear_full (&dropped, g_free);
}

static void
ferry_pair_transport_finalize (GObject *object)
{
  FerryPairTransport *self = FERRY_PAIR_TRANSPORT (object);

  link_unref (self->link);

  G_OBJECT_CLASS (ferry_pair_transport_parent_class)->finalize (object);
}

static void
ferry_pair_transport_class_init (FerryPairTransportClass *klass)
{
  FERRY_TRANSPORT_CLASS (klass)->send = ferry_pair_transport_send;
  FERRY_TRANSPORT_CLASS (klass)->close = ferry_pair_transport_close;
  G_OBJECT_CLASS (klass)->finalize = ferry_pair_transport_finalize;
}

static void
ferry_pair_transport_init (FerryPairTransport *self)
{
}

static FerryTransport *
end_new (Link *link, guint index)
{
  FerryPairTransport *self = g_object_new (FERRY_TYPE_PAIR_TRANSPORT, NULL);

  self->link = link_ref (link);
  self->index = index;
  g_weak_ref_set (&link->ends[index], self);
  return FERRY_TRANSPORT (self);
}

static void
start_receiving (FerryTransport *end)
{
  Receiving *receiving = g_new (Receiving, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (GThread) thread = NULL;

  *receiving = (Receiving){link_ref (FERRY_PAIR_TRANSPORT (end)->link), FERRY_PAIR_TRANSPORT (end)->index};
  thread = ferry_thread_try_new ("ferry-pair", "a pair of transports", receive_all, receiving, &error);
  /* There is no error for it: as g_thread_new(). */
  if (thread == NULL)
    g_error ("%s", error->message);
  ferry_transport_set_receiving_thread (end, thread);
}

/**
 * ferry_transport_new_pair:
 * @one: (out) (transfer full): return location for one end
 * @other: (out) (transfer full): return location for the other end
 *
 * Makes two ends of a transport in this process, such as for two threads, or for tests. Messages are copied, and each
 * end receives on a thread of its own. Up to a MiB of them lies between the ends each way; beyond that, sending fails
 * with %FERRY_ERROR_WOULD_BLOCK.
 *
 * What was sent before one end is closed is received; then the other end is closed, with %FERRY_ERROR_CLOSED.
 *
 * Any thread.
 *
 * Since: 0.1
 */
void
ferry_transport_new_pair (FerryTransport **one, FerryTransport **other)
{
  Link *link;

  g_return_if_fail (one != NULL);
  g_return_if_fail (other != NULL);

  link = link_new ();
  *one = end_new (link, 0);
  *other = end_new (link, 1);
  link_unref (link);
  start_receiving (*one);
  start_receiving (*other);
}
