/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sending messages that are larger than a record: in a buffer, where there is one to spare, or else in pieces. */

#include "config.h"

#include <string.h>

#include "route/ferry-send-private.h"

#define HEADER_SIZE sizeof (FerryRecordHeader)

/* The beginning of a message that is sent in pieces; or all of it, where it lies in a buffer. */
static gboolean
begin_now (const FerrySend *send, const FerryBufferMessage *buffer)
{
  FerrySender *self = send->sender;
  FerryLargeMessage large = {.size = send->size, .kind = FERRY_RECORD_BYTES};
  gsize payload = sizeof large + (buffer != NULL ? sizeof *buffer : 0);
  const char *type_string = send->variant != NULL ? g_variant_get_type_string (send->variant) : NULL;
  FerryTypedPlace typed;

  if (!ferry_send_take_typed_place (self, type_string, payload, &typed))
    return FALSE;
  if (type_string != NULL)
    large.kind = FERRY_RECORD_VARIANT;
  large.number = typed.number;
  ferry_record_write_header (typed.place, (guint32) payload, FERRY_RECORD_LARGE, 0, self->connection_id);
  memcpy (typed.place + HEADER_SIZE, &large, sizeof large);
  if (buffer != NULL)
    memcpy (typed.place + HEADER_SIZE + sizeof large, buffer, sizeof *buffer);
  ferry_uplink_publish_and_unlock (self->uplink, typed.size, typed.locked);
  return TRUE;
}

static gboolean
begin (FerrySend *send, const FerryBufferMessage *buffer, GError **error)
{
  const gsize most = 2 * HEADER_SIZE + FERRY_MAX_TYPE_STRING + sizeof (FerryLargeMessage) + sizeof (FerryBufferMessage);

  while (!begin_now (send, buffer))
    if (!ferry_send_wait_for_room (send, most, error))
      return FALSE;
  return TRUE;
}

/* ---- in a buffer ---- */

/* Takes a buffer for the message, where there is one to spare. */
static gboolean
reserve (const FerrySend *send, FerryBufferMessage *message)
{
  FerryArenaWriter *arena = send->sender->uplink->arena;

  return arena != NULL && !send->sender->uplink->forked && ferry_arena_writer_open (arena, NULL) &&
         ferry_arena_writer_reserve_spare (arena, send->size, message);
}

static gboolean
send_in_buffer (FerrySend *send, const FerryBufferMessage *message, GError **error)
{
  FerryArenaWriter *arena = send->sender->uplink->arena;
  guint8 *place = arena->arena->memory + message->offset;

  ferry_send_store (send, place);
  ferry_arena_writer_set_sent (arena, message->number, TRUE);
  if (begin (send, message, error))
    return TRUE;
  ferry_arena_writer_set_sent (arena, message->number, FALSE);
  ferry_arena_writer_give_back (arena, message->number);
  return FALSE;
}

/* ---- in pieces ---- */

static gboolean
send_piece (FerrySend *send, const guint8 *data, gsize size, GError **error)
{
  FerrySender *self = send->sender;
  gboolean locked;
  guint8 *place;

  for (;;)
    {
      place = ferry_send_take_place (self, ferry_record_size (size), &locked);
      if (place != NULL)
        break;
      if (!ferry_send_wait_for_room (send, ferry_record_size (size), error))
        return FALSE;
    }
  ferry_record_write_header (place, (guint32) size, FERRY_RECORD_PIECE, 0, self->connection_id);
  memcpy (place + HEADER_SIZE, data, size);
  ferry_uplink_publish_and_unlock (self->uplink, ferry_record_size (size), locked);
  return TRUE;
}

/* Sends a message in pieces, with the turn taken. */
static gboolean
send_pieces (FerrySend *send, GError **error)
{
  FerrySender *self = send->sender;
  const guint8 *data = ferry_send_get_data (send);
  gsize sent = 0;

  if (!begin (send, NULL, error))
    return FALSE;
  while (sent < send->size)
    {
      gsize size = MIN (send->size - sent, FERRY_MAX_RECORD_PAYLOAD);

      if (!send_piece (send, data + sent, size, error))
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
  FerrySend send = {
    .sender = self, .parts = parts, .n_parts = n_parts, .wait = {.index = self->index, .deadline = FERRY_NO_DEADLINE}};
  FerryBufferMessage message;

  for (guint i = 0; i < n_parts; i++)
    send.size += parts[i].size;
  return send.size > FERRY_MAX_RECORD_PAYLOAD && send.size <= self->max_message_size &&
         ferry_sender_is_sendable (self) && reserve (&send, &message) && send_in_buffer (&send, &message, NULL);
}

gboolean
ferry_send_large (FerrySend *send, GError **error)
{
  FerrySender *self = send->sender;
  FerryBufferMessage message;
  FerryWaitResult result;
  gboolean sent;

  if (send->size > self->max_message_size)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                   "The message has %" G_GSIZE_FORMAT " bytes, and the router takes %" G_GUINT64_FORMAT
                   "; send parts of it, or raise FerryRouter:max-message-size",
                   send->size, self->max_message_size);
      return FALSE;
    }
  if (reserve (send, &message))
    return send_in_buffer (send, &message, error);
  result = ferry_uplink_take_turn (self->uplink, &send->wait);
  if (result != FERRY_WAIT_READY)
    return ferry_send_refuse_wait (self, result, error);
  sent = send_pieces (send, error);
  ferry_uplink_give_turn (self->uplink);
  return sent;
}
