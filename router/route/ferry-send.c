/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A message on its way, for all ways to send: its types, its bytes, and how it waits for room. */

#include "config.h"

#include "route/ferry-send-private.h"

#include "base/ferry-base-private.h"
#include "wire/ferry-handshake-private.h"

guint16
ferry_sender_announce_type_locked (FerrySender *self, const char *type_string, guint8 *place)
{
  guint number = atomic_load_explicit (&self->n_types, memory_order_relaxed) + 1;
  gsize length = strlen (type_string);

  self->types[number - 1] = g_strdup (type_string);
  /* Release: both pair with ferry_sender_find_type(). */
  atomic_store_explicit (&self->latest_type, number, memory_order_release);
  atomic_store_explicit (&self->n_types, number, memory_order_release);
  ferry_lane_writer_write_header (&self->uplink->writer, 0, (guint32) length, FERRY_RECORD_TYPE, (guint16) number,
                                  self->connection_id);
  memcpy (place + sizeof (FerryRecordHeader), type_string, length);
  return (guint16) number;
}

/* Waits until the lane has room for a record with that payload, and for the largest type announcement that may come
 * before it. The caller should try again then. */
static gboolean
wait_for_room (FerrySend *send, gsize payload, GError **error)
{
  const char *type_string = ferry_send_get_type_string (send);
  gsize size = ferry_record_size (payload) + (type_string != NULL ? ferry_record_size (FERRY_MAX_TYPE_STRING) : 0);
  FerrySender *self = send->sender;
  FerryWaitResult result;

  if (ferry_sender_get_state (self) != FERRY_SENDER_STARTED)
    return ferry_sender_refuse_ended (self, error);
  if (!ferry_sender_can_announce (self, type_string, FERRY_MAX_TYPES_PER_PIPE))
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "More than %d types were new on the pipe at the same moment; send again",
                            FERRY_MAX_TYPES_PER_PIPE / 2);
  result = ferry_uplink_wait (self->uplink, &send->wait, size);
  return result == FERRY_WAIT_READY || ferry_sender_refuse_wait (self, result, error);
}

void
ferry_send_store (const FerrySend *send, guint8 *place)
{
  guint8 *next = place;

  if (send->variant != NULL)
    g_variant_store (send->variant, place);
  for (guint i = 0; i < send->n_parts; i++)
    {
      if (send->parts[i].size > 0)
        memcpy (next, send->parts[i].data, send->parts[i].size);
      next += send->parts[i].size;
    }
}

const guint8 *
ferry_send_get_data (FerrySend *send)
{
  if (send->variant != NULL)
    return g_variant_get_data (send->variant);
  if (send->n_parts == 1)
    return send->parts[0].data;
  if (send->joined == NULL)
    {
      send->joined = g_malloc (send->size);
      ferry_send_store (send, send->joined);
    }
  return send->joined;
}

static void
write_and_unlock (const FerrySend *send, FerrySendPlace *place, FerryRecordKind kind, gconstpointer head,
                  gsize head_size, gsize body_size)
{
  FerrySender *self = send->sender;
  guint8 *payload = ferry_sender_write_header_locked (self, place, kind, head_size + body_size);

  if (head_size > 0)
    memcpy (payload, head, head_size);
  if (kind == FERRY_RECORD_LARGE)
    ((FerryLargeMessage *) (void *) payload)->number = place->number;
  if (body_size > 0)
    ferry_send_store (send, payload + head_size);
  ferry_uplink_publish_and_unlock (self->uplink, place->size, place->locked);
}

gboolean
ferry_send_record (FerrySend *send, FerryRecordKind kind, gconstpointer head, gsize head_size, gsize body_size,
                   GError **error)
{
  const char *type_string = kind != FERRY_RECORD_PIECE ? ferry_send_get_type_string (send) : NULL;
  FerrySendPlace place;

  while (!ferry_sender_take_place (send->sender, type_string, head_size + body_size, &place))
    if (!wait_for_room (send, head_size + body_size, error))
      return FALSE;
  write_and_unlock (send, &place, kind, head, head_size, body_size);
  return TRUE;
}

static gboolean
is_cancelled (gpointer data)
{
  return g_cancellable_is_cancelled (data);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  ferry_uplink_interrupt (user_data);
}

gboolean
ferry_send_begin_waits (FerrySend *send, gint64 timeout, GError **error)
{
  FerrySender *self = send->sender;
  g_autoptr (GCancellable) cancellable = ferry_sender_dup_cancellable (self);

  send->wait = (FerryWait){.index = self->index, .deadline = timeout};
  if (timeout > 0)
    send->wait.deadline = ferry_limit_clock_begin (&send->wait.clock, timeout);
  if (cancellable != NULL && g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (!ferry_sender_is_sendable (self))
    return ferry_sender_refuse_ended (self, error);
  if (cancellable == NULL)
    return TRUE;
  send->wait.interrupted = is_cancelled;
  send->wait.data = g_steal_pointer (&cancellable);
  send->handler = g_cancellable_connect (send->wait.data, G_CALLBACK (cancelled_cb), self->uplink, NULL);
  return TRUE;
}

void
ferry_send_end_waits (FerrySend *send)
{
  if (send->wait.data == NULL)
    return;
  g_cancellable_disconnect (send->wait.data, send->handler);
  g_object_unref (send->wait.data);
}
