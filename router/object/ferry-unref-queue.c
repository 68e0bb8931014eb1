/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "object/ferry-unref-queue-private.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "call/ferry-transactions-private.h"
#include "call/ferry-transport-private.h"
#include "object/ferry-object-message-private.h"

typedef struct
{
  guint64 generation, number, count;
} Unref;

struct _FerryUnrefQueue
{
  _Atomic gint references;
  FerryTransport *transport; /* const: (owned) */

  pthread_mutex_t lock;
  GQueue queue;     /* lock: (element-type Unref) (owned): not sent yet */
  gboolean sending; /* lock: a thread sends, or waits for room */
};

FerryUnrefQueue *
ferry_unref_queue_new (FerryTransport *transport)
{
  FerryUnrefQueue *self = g_new0 (FerryUnrefQueue, 1);

  atomic_init (&self->references, 1);
  self->transport = g_object_ref (transport);
  pthread_mutex_init (&self->lock, NULL);
  return self;
}

static FerryUnrefQueue *
unref_queue_ref (FerryUnrefQueue *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_unref_queue_unref (FerryUnrefQueue *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  g_queue_clear_full (&self->queue, g_free);
  pthread_mutex_destroy (&self->lock);
  g_object_unref (self->transport);
  g_free (self);
}

/* Returns FALSE while there is no room. */
static gboolean
send_one (FerryUnrefQueue *self, const Unref *unref)
{
  const FerryRequest request = {
    .method = FERRY_OBJECT_METHOD_RELEASE,
    .arguments = g_variant_new ("(ttt)", unref->generation, unref->number, unref->count),
    .flags = FERRY_CALL_ONE_WAY,
  };
  FerryTransactions *transactions = ferry_transport_get_transactions (self->transport);
  g_autoptr (GError) error = NULL;

  return ferry_transactions_ask (transactions, &request, NULL, NULL, &error) != 0 ||
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
}

/* Drops a reference of the queue when all are sent. Returns FALSE while there is no room. */
static gboolean
send_all (gpointer data)
{
  FerryUnrefQueue *self = data;
  Unref *unref;

  for (;;)
    {
      pthread_mutex_lock (&self->lock);
      unref = g_queue_peek_head (&self->queue);
      self->sending = unref != NULL;
      pthread_mutex_unlock (&self->lock);
      if (unref == NULL)
        break;
      if (!send_one (self, unref))
        return FALSE;
      pthread_mutex_lock (&self->lock);
      g_free (g_queue_pop_head (&self->queue));
      pthread_mutex_unlock (&self->lock);
    }
  ferry_unref_queue_unref (self);
  return TRUE;
}

void
ferry_unref_queue_add (FerryUnrefQueue *self, guint64 generation, guint64 number, guint64 count)
{
  guint64 room = ferry_transport_get_room_count (self->transport);
  Unref *unref;
  gboolean sends;

  if (generation == 0 || count == 0 || ferry_transport_get_closed (self->transport))
    return;
  unref = g_new (Unref, 1);
  *unref = (Unref){generation, number, count};
  pthread_mutex_lock (&self->lock);
  g_queue_push_tail (&self->queue, unref);
  sends = !self->sending;
  self->sending = TRUE;
  pthread_mutex_unlock (&self->lock);
  if (sends && !send_all (unref_queue_ref (self)))
    ferry_transport_send_later (self->transport, send_all, self, room);
}
