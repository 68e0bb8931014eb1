/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One-shot buffers: the memory is sealed, its descriptor goes over the control socket, and a record behind it.
 *
 * Descriptor and record go out with the lane taken, so that the two come in the same order whatever other threads send,
 * and that there is no descriptor without its record unless the process dies in between. The call on the socket does
 * not wait; where it would, the lane is given back first. */

#include "config.h"

#include <poll.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "link/ferry-handshake-private.h"
#include "route/ferry-send-private.h"

#define HEADER_SIZE sizeof (FerryRecordHeader)

typedef enum
{
  SENT,
  NEEDS_ROOM,   /* in the lane */
  NEEDS_OFFERS, /* as many as there may be were not taken yet */
  NEEDS_SOCKET, /* room in the control socket */
  FAILED,       /* with an error number */
} Outcome;

/* Writes what comes before the record's own payload. Returns where that goes. */
static guint8 *
write_headers_locked (FerrySend *send, guint8 *place, guint16 number, gsize announcement_size)
{
  FerrySender *self = send->sender;
  gsize length = sizeof (FerryOneShotMessage) + send->size;

  if (announcement_size > 0)
    {
      const char *type_string = g_variant_get_type_string (send->variant);

      number = ferry_send_announce_type_locked (self, type_string, strlen (type_string), place);
    }
  place += announcement_size;
  ferry_record_write_header (place, (guint32) length, FERRY_RECORD_ONE_SHOT, number, self->connection_id);
  return place + HEADER_SIZE;
}

/* Offers the memory, and writes the record where that went out. */
static Outcome
send_at_locked (FerrySend *send, FerryBuffer *buffer, guint8 *place, guint16 number, gsize announcement_size,
                int *error_number)
{
  FerryUplink *uplink = send->sender->uplink;
  FerryOneShotMessage message = {.number = uplink->n_offers + 1, .size = buffer->message.size};

  *error_number = ferry_control_send_offer (uplink->control, message.number, buffer->memory);
  if (*error_number == EAGAIN || *error_number == EWOULDBLOCK)
    return NEEDS_SOCKET;
  if (*error_number != 0)
    return FAILED;
  place = write_headers_locked (send, place, number, announcement_size);
  memcpy (place, &message, sizeof message);
  if (send->variant != NULL)
    g_variant_store (send->variant, place + sizeof message);
  return SENT;
}

static Outcome
send_now (FerrySend *send, FerryBuffer *buffer, int *error_number)
{
  FerrySender *self = send->sender;
  FerryUplink *uplink = self->uplink;
  const char *type_string = send->variant != NULL ? g_variant_get_type_string (send->variant) : NULL;
  gsize size = ferry_record_size (sizeof (FerryOneShotMessage) + send->size);
  gboolean locked = ferry_uplink_lock (uplink);
  guint16 number = type_string != NULL ? ferry_send_find_type_locked (self, type_string) : 0;
  gboolean is_new = type_string != NULL && number == 0;
  gsize announcement_size = is_new ? ferry_record_size (strlen (type_string)) : 0;
  Outcome outcome = NEEDS_ROOM;
  guint8 *place = NULL;

  if (ferry_sender_is_sendable (self) && (!is_new || self->n_types < FERRY_MAX_TYPES_PER_PIPE))
    place = ferry_uplink_get_place_locked (uplink, announcement_size + size);
  ferry_lane_writer_look (&uplink->writer, 0);
  if (place != NULL && uplink->writer.head < ferry_uplink_get_offer_gate_locked (uplink))
    outcome = NEEDS_OFFERS;
  else if (place != NULL)
    outcome = send_at_locked (send, buffer, place, number, announcement_size, error_number);
  if (outcome != SENT)
    {
      ferry_uplink_unlock (uplink, locked);
      return outcome;
    }
  uplink->offer_ends[uplink->n_offers % FERRY_MAX_OFFERS_PER_LINK] = uplink->writer.tail + announcement_size + size;
  uplink->n_offers++;
  ferry_uplink_publish_and_unlock (uplink, announcement_size + size, locked);
  return SENT;
}

static int
get_timeout (gint64 deadline)
{
  gint64 left = deadline - g_get_monotonic_time ();

  return deadline < 0 ? -1 : (int) CLAMP (left / FERRY_MICROSECONDS_PER_MILLISECOND + 1, 0, G_MAXINT);
}

/* The application reads its end whatever happens, and closes it with the link. */
static FerryWaitResult
wait_for_socket (FerrySend *send)
{
  GCancellable *cancellable = send->wait.data;
  GPollFD cancel = {.fd = -1};
  struct pollfd fds[2];
  int n;

  if (send->wait.deadline == 0)
    return FERRY_WAIT_WOULD_BLOCK;
  if (send->wait.deadline > 0 && g_get_monotonic_time () >= send->wait.deadline)
    return FERRY_WAIT_TIMED_OUT;
  if (cancellable != NULL && !g_cancellable_make_pollfd (cancellable, &cancel))
    cancel.fd = -1;
  fds[0] = (struct pollfd){.fd = send->sender->uplink->control, .events = POLLOUT};
  fds[1] = (struct pollfd){.fd = cancel.fd, .events = POLLIN};
  n = poll (fds, G_N_ELEMENTS (fds), get_timeout (send->wait.deadline));
  if (cancel.fd >= 0)
    g_cancellable_release_fd (cancellable);
  if (g_cancellable_is_cancelled (cancellable))
    return FERRY_WAIT_INTERRUPTED;
  return n == 0 ? FERRY_WAIT_TIMED_OUT : FERRY_WAIT_READY;
}

static gboolean
refuse_error (FerrySend *send, int error_number, GError **error)
{
  if (error_number == EPIPE || error_number == ECONNRESET)
    return ferry_send_refuse_wait (send->sender, FERRY_WAIT_CLOSED, error);
  errno = error_number;
  return ferry_set_system_error (error, "Handing over a buffer's memory (sendmsg)");
}

gboolean
ferry_send_one_shot (FerrySend *send, FerryBuffer *buffer, GError **error)
{
  gsize announcement = send->variant != NULL ? ferry_record_size (FERRY_MAX_TYPE_STRING) : 0;
  gsize size = announcement + ferry_record_size (sizeof (FerryOneShotMessage) + send->size);
  FerryUplink *uplink = send->sender->uplink;
  int error_number = 0;
  Outcome outcome;

  if (!ferry_buffer_seal (buffer, error))
    return FALSE;
  while ((outcome = send_now (send, buffer, &error_number)) != SENT)
    {
      FerryWaitResult result;

      if (outcome == FAILED)
        return refuse_error (send, error_number, error);
      if (outcome == NEEDS_ROOM && !ferry_send_wait_for_room (send, size, error))
        return FALSE;
      if (outcome == NEEDS_ROOM)
        continue;
      result = outcome == NEEDS_OFFERS ? ferry_uplink_wait_for_offer (uplink, &send->wait) : wait_for_socket (send);
      if (result != FERRY_WAIT_READY)
        return ferry_send_refuse_wait (send->sender, result, error);
    }
  ferry_buffer_drop_one_shot (buffer);
  return TRUE;
}
