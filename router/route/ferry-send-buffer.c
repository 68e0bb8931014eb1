/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Buffers: the bytes stay where they were written, and a record says where that is. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "route/ferry-buffer-private.h"
#include "route/ferry-send-private.h"

#define HEADER_SIZE sizeof (FerryRecordHeader)

/* ---- making ---- */

static gboolean
check_can_have_buffers (FerrySender *self, gsize size, GError **error)
{
  FerryArenaWriter *arena;

  if (!ferry_sender_is_sendable (self))
    return ferry_send_refuse_ended (self, error);
  arena = self->uplink->arena;
  if (self->latest)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                         "A pipe for latest values carries no buffers; open one without FERRY_PIPE_LATEST");
  else if (arena == NULL)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                         "The link has no memory for buffers; see ferry_launcher_set_buffer_capacity()");
  else if (size > ferry_arena_writer_get_capacity (arena))
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                 "A buffer of %" G_GSIZE_FORMAT " bytes is wanted, and all of the link may take %" G_GSIZE_FORMAT
                 "; see ferry_launcher_set_buffer_capacity()",
                 size, ferry_arena_writer_get_capacity (arena));
  else
    return ferry_sender_has_one_shots (self) || ferry_arena_writer_open (arena, error);
  return FALSE;
}

static FerryBuffer *
create_one_shot (FerrySender *self, gsize size, GError **error)
{
  if (!self->uplink->forked)
    return ferry_buffer_new_one_shot (self->uplink, size, error);
  ferry_send_refuse_wait (self, FERRY_WAIT_FORKED, error);
  return NULL;
}

/**
 * ferry_sender_create_buffer_until:
 * @self: a sender
 * @size: how many bytes, at least 1
 * @deadline: when to give up, in microseconds of g_get_monotonic_time(); 0 not to wait at all, and
 *   [const@Ferry.NO_DEADLINE] to wait for as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Makes a buffer, in memory that both processes have mapped. It is filled by the caller, and then sent.
 *
 * All buffers of a worker take at most what [method@Ferry.Launcher.set_buffer_capacity] says, and there are at most 64
 * of them at a time. It waits while there is no room, until the application lets go of one, or this process drops one:
 * so do not wait with buffers in hand that nobody else can free. On the router's own thread it never waits.
 *
 * In a worker, where the pipe was opened with one-shot buffers ([flags@Ferry.PipeFlags]), each has fresh memory of its
 * own, at most as much as that capacity says; it takes a descriptor until it was sent, and it does not wait here.
 *
 * Any thread may call this.
 *
 * Fails with %FERRY_ERROR_NOT_STARTED or %FERRY_ERROR_STOPPED in the wrong state, %FERRY_ERROR_CLOSED when the
 * other end is gone, %FERRY_ERROR_WOULD_BLOCK when it would have to wait and may not, %FERRY_ERROR_TIMED_OUT when
 * the deadline passed, %FERRY_ERROR_TOO_LARGE, %FERRY_ERROR_BAD_ARGUMENTS on a pipe for latest values,
 * %FERRY_ERROR_NOT_A_WORKER in a process that was forked from the worker, %FERRY_ERROR_SYSTEM when there is no
 * address space or no descriptor for it, and with %G_IO_ERROR_CANCELLED.
 *
 * Returns: (transfer full) (nullable): a buffer, or %NULL with an error
 *
 * Since: 0.1
 */
FerryBuffer *
ferry_sender_create_buffer_until (FerrySender *self, gsize size, gint64 deadline, GCancellable *cancellable,
                                  GError **error)
{
  FerrySend send = {.sender = self};
  FerryBufferMessage message;
  FerryWaitResult result;
  gulong handler;

  g_return_val_if_fail (FERRY_IS_SENDER (self), NULL);
  g_return_val_if_fail (size > 0, NULL);

  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !check_can_have_buffers (self, size, error))
    return NULL;
  if (ferry_sender_has_one_shots (self))
    return create_one_shot (self, size, error);
  send.wait = (FerryWait){.index = self->index, .deadline = deadline};
  handler = ferry_send_follow_cancellable (&send, cancellable);
  result = ferry_uplink_reserve_buffer (self->uplink, &send.wait, size, &message);
  g_cancellable_disconnect (cancellable, handler);
  if (result == FERRY_WAIT_READY)
    return ferry_buffer_new (self->uplink, &message);
  if (result == FERRY_WAIT_WOULD_BLOCK || result == FERRY_WAIT_TIMED_OUT)
    g_set_error (error, FERRY_ERROR, result == FERRY_WAIT_WOULD_BLOCK ? FERRY_ERROR_WOULD_BLOCK : FERRY_ERROR_TIMED_OUT,
                 "There is no room for a buffer of %" G_GSIZE_FORMAT " bytes now; have the application drop some",
                 size);
  else
    ferry_send_refuse_wait (self, result, error);
  return NULL;
}

/**
 * ferry_sender_create_buffer:
 * @self: a sender
 * @size: how many bytes, at least 1
 * @error: return location for an error
 *
 * Makes a buffer, and waits for room as long as it takes. As [method@Ferry.Sender.create_buffer_until]. Any thread.
 *
 * Returns: (transfer full) (nullable): a buffer, or %NULL with an error
 *
 * Since: 0.1
 */
FerryBuffer *
ferry_sender_create_buffer (FerrySender *self, gsize size, GError **error)
{
  return ferry_sender_create_buffer_until (self, size, FERRY_NO_DEADLINE, NULL, error);
}

/* ---- sending ---- */

/* Writes the record, behind the announcement of the metadata's type where that is new. */
static gboolean
send_now (FerrySend *send, const FerryBufferMessage *message)
{
  FerrySender *self = send->sender;
  const char *type_string = send->variant != NULL ? g_variant_get_type_string (send->variant) : NULL;
  gsize length = sizeof *message + send->size;
  FerryTypedPlace typed;

  if (!ferry_send_take_typed_place (self, type_string, length, &typed))
    return FALSE;
  ferry_record_write_header (typed.place, (guint32) length, FERRY_RECORD_BUFFER, typed.number, self->connection_id);
  memcpy (typed.place + HEADER_SIZE, message, sizeof *message);
  if (send->variant != NULL)
    g_variant_store (send->variant, typed.place + HEADER_SIZE + sizeof *message);
  ferry_uplink_publish_and_unlock (self->uplink, typed.size, typed.locked);
  return TRUE;
}

static gboolean
check_fits (FerrySend *send, const FerryBuffer *buffer, GError **error)
{
  if (ferry_buffer_is_one_shot (buffer) != ferry_sender_has_one_shots (send->sender))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                           "The buffer was made by a sender of another kind of pipe; one-shot buffers go through pipes "
                           "that were opened with FERRY_PIPE_ONE_SHOT_BUFFERS, and no others do");
      return FALSE;
    }
  if (send->size <= FERRY_MAX_RECORD_PAYLOAD - sizeof (FerryBufferMessage))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
               "What goes with a buffer has %" G_GSIZE_FORMAT " bytes, and %" G_GSIZE_FORMAT
               " are allowed; put it into the buffer",
               send->size, FERRY_MAX_RECORD_PAYLOAD - sizeof (FerryBufferMessage));
  return FALSE;
}

static gboolean
send_or_wait (FerrySend *send, const FerryBufferMessage *message, GError **error)
{
  gsize announcement = send->variant != NULL ? ferry_record_size (FERRY_MAX_TYPE_STRING) : 0;

  while (!send_now (send, message))
    if (!ferry_send_wait_for_room (send, announcement + ferry_record_size (sizeof *message + send->size), error))
      return FALSE;
  return TRUE;
}

/* A buffer in the arena, which stays mapped. */
static gboolean
lend (FerrySend *send, FerryBuffer *buffer, GError **error)
{
  FerryArenaWriter *arena = send->sender->uplink->arena;

  ferry_arena_writer_set_sent (arena, buffer->message.number, TRUE);
  if (send_or_wait (send, &buffer->message, error))
    buffer->data = NULL;
  else
    ferry_arena_writer_set_sent (arena, buffer->message.number, FALSE);
  return buffer->data == NULL;
}

/**
 * ferry_sender_send_buffer_until:
 * @self: the sender that made @buffer, or another one of its worker
 * @metadata: (nullable): what goes with it, up to 32,728 bytes in serialised form; a floating reference is taken over
 * @buffer: a buffer that was not sent
 * @deadline: when to give up, in microseconds of g_get_monotonic_time(); 0 not to wait at all, and
 *   [const@Ferry.NO_DEADLINE] to wait for as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Sends a buffer. It arrives in order with the sender's other messages, by [signal@Ferry.Receiver::buffer]. From then
 * on its memory is the application's, until that lets go of it; it is not to be written to any more.
 *
 * Waits while the lane is full. A buffer that could not be sent is as it was; a one-shot buffer may be sent again, and
 * only read. Of those, a worker has 16 on the way at a time. Any thread may call this.
 *
 * Fails as [method@Ferry.Sender.send_bytes_until]; with %FERRY_ERROR_BAD_ARGUMENTS for a one-shot buffer on a pipe
 * that was not opened for them, or any other on one that was, and with %FERRY_ERROR_SYSTEM where one cannot be
 * sealed, because something else still has its memory mapped or writes to it.
 *
 * Returns: %TRUE when it will arrive
 *
 * Since: 0.1
 */
gboolean
ferry_sender_send_buffer_until (FerrySender *self, GVariant *metadata, FerryBuffer *buffer, gint64 deadline,
                                GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) taken = metadata != NULL ? g_variant_ref_sink (metadata) : NULL;
  g_autoptr (GVariant) boxed = NULL;
  FerrySend send = {.sender = self};
  gulong handler;
  gboolean sent;

  g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (buffer != NULL, FALSE);
  ferry_return_val_if_fail (buffer->data != NULL, FALSE,
                            "the buffer was sent already; make another one with ferry_sender_create_buffer()");
  ferry_return_val_if_fail (self->uplink == NULL || buffer->uplink == self->uplink, FALSE,
                            "the buffer was made for another worker's link; send it with the sender that made it");

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (!ferry_sender_is_sendable (self))
    return ferry_send_refuse_ended (self, error);
  boxed = taken != NULL ? ferry_send_box_where_needed (self, taken, error) : NULL;
  if (taken != NULL && boxed == NULL)
    return FALSE;
  send.variant = boxed;
  send.size = boxed != NULL ? g_variant_get_size (boxed) : 0;
  send.wait = (FerryWait){.index = self->index, .deadline = deadline};
  if (!check_fits (&send, buffer, error))
    return FALSE;
  handler = ferry_send_follow_cancellable (&send, cancellable);
  if (ferry_buffer_is_one_shot (buffer))
    sent = ferry_send_one_shot (&send, buffer, error);
  else
    sent = lend (&send, buffer, error);
  g_cancellable_disconnect (cancellable, handler);
  return sent;
}

/**
 * ferry_sender_send_buffer:
 * @self: the sender that made @buffer, or another one of its worker
 * @metadata: (nullable): what goes with it, up to 32,728 bytes in serialised form; a floating reference is taken over
 * @buffer: a buffer that was not sent
 * @error: return location for an error
 *
 * Sends a buffer, and waits for room as long as it takes. As [method@Ferry.Sender.send_buffer_until]. Any thread.
 *
 * Returns: %TRUE when it will arrive
 *
 * Since: 0.1
 */
gboolean
ferry_sender_send_buffer (FerrySender *self, GVariant *metadata, FerryBuffer *buffer, GError **error)
{
  return ferry_sender_send_buffer_until (self, metadata, buffer, FERRY_NO_DEADLINE, NULL, error);
}
