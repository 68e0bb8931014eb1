/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a message larger than a record is sent: in a buffer if there is a spare one, or else in pieces. */

#include "config.h"

#include "route/ferry-send-private.h"

#include "base/ferry-base-private.h"

/* Sends a large record: for a message in that buffer or, without one, as the beginning of a message in pieces. */
static gboolean
begin_large (FerrySend *send, const FerryBufferMessage *buffer, GError **error)
{
  struct
  {
    FerryLargeMessage large;
    FerryBufferMessage buffer;
  } head = {.large = {.size = send->size, .kind = ferry_send_get_kind (send)}};

  if (buffer != NULL)
    head.buffer = *buffer;
  return ferry_send_record (send, FERRY_RECORD_LARGE, &head, buffer != NULL ? sizeof head : sizeof head.large, 0,
                            error);
}

static gboolean
reserve_spare (const FerrySend *send, FerryBufferMessage *message)
{
  FerryArenaWriter *arena = send->sender->uplink->arena;

  return arena != NULL && !send->sender->uplink->forked && ferry_arena_writer_open (arena, NULL) &&
         ferry_arena_writer_reserve_spare (arena, send->size, message);
}

gboolean
ferry_send_lend (FerrySend *send, const FerryBufferMessage *message, gboolean is_whole, GError **error)
{
  FerryArenaWriter *arena = send->sender->uplink->arena;
  gboolean sent;

  ferry_arena_writer_set_sent (arena, message->number, TRUE);
  sent = is_whole ? begin_large (send, message, error)
                  : ferry_send_record (send, FERRY_RECORD_BUFFER, message, sizeof *message, send->size, error);
  if (!sent)
    ferry_arena_writer_set_sent (arena, message->number, FALSE);
  return sent;
}

static gboolean
send_in_buffer (FerrySend *send, const FerryBufferMessage *message, GError **error)
{
  FerryArenaWriter *arena = send->sender->uplink->arena;

  ferry_send_store (send, arena->arena->memory + message->offset);
  if (ferry_send_lend (send, message, TRUE, error))
    return TRUE;
  ferry_arena_writer_give_back (arena, message->number);
  return FALSE;
}

/* The caller must have called ferry_uplink_begin_pieces(), since a link carries one message in pieces at a time. */
static gboolean
send_pieces (FerrySend *send, GError **error)
{
  FerrySender *self = send->sender;
  const guint8 *data = ferry_send_get_data (send);
  gsize sent = 0;

  if (!begin_large (send, NULL, error))
    return FALSE;
  while (sent < send->size)
    {
      gsize size = MIN (send->size - sent, FERRY_MAX_RECORD_PAYLOAD);

      if (!ferry_send_record (send, FERRY_RECORD_PIECE, data + sent, size, 0, error))
        {
          gboolean locked = ferry_uplink_lock (self->uplink);

          ferry_uplink_write_control_and_unlock (self->uplink, FERRY_RECORD_ABANDON, self->connection_id, locked);
          return FALSE;
        }
      sent += size;
    }
  return TRUE;
}

gboolean
ferry_sender_send_parts_in_buffer (FerrySender *self, const FerryPart *parts, guint n_parts)
{
  FerrySend send = {.sender = self, .parts = parts, .n_parts = n_parts, .wait = {.index = self->index, .deadline = 0}};
  FerryBufferMessage message;

  for (guint i = 0; i < n_parts; i++)
    send.size += parts[i].size;
  return send.size > FERRY_MAX_RECORD_PAYLOAD && send.size <= self->max_message_size &&
         ferry_sender_is_sendable (self) && reserve_spare (&send, &message) && send_in_buffer (&send, &message, NULL);
}

gboolean
ferry_send_large (FerrySend *send, GError **error)
{
  FerrySender *self = send->sender;
  FerryBufferMessage message;
  FerryWaitResult result;
  gboolean sent;

  if (send->size > self->max_message_size)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The message has %" G_GSIZE_FORMAT " bytes, and the router takes at most %" G_GUINT64_FORMAT
                            "; " FERRY_TOO_LARGE_REMEDY,
                            send->size, self->max_message_size);
  if (reserve_spare (send, &message))
    return send_in_buffer (send, &message, error);
  result = ferry_uplink_begin_pieces (self->uplink, &send->wait);
  if (result != FERRY_WAIT_READY)
    return ferry_sender_refuse_wait (self, result, error);
  sent = send_pieces (send, error);
  ferry_uplink_end_pieces (self->uplink);
  return sent;
}
