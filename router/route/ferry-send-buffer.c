/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a buffer is made and sent: one of the link's arena, and one that becomes a job's whole result. */

#include "config.h"

#include "route/ferry-send-private.h"

#include "base/ferry-base-private.h"
#include "route/ferry-buffer-private.h"

static gboolean
check_can_have_buffers (FerrySender *self, gsize size, GError **error)
{
  FerryArenaWriter *arena;

  if (!ferry_sender_is_sendable (self))
    return ferry_sender_refuse_ended (self, error);
  arena = self->uplink->arena;
  if (ferry_sender_is_latest (self))
    ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                     "A pipe for latest values carries no buffers; open a pipe without FERRY_PIPE_LATEST");
  else if (arena == NULL)
    ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                     "The link has no memory for buffers; give it some with FerryLauncher:buffer-capacity");
  else if (size > ferry_arena_writer_get_capacity (arena))
    ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                     "A buffer of %" G_GSIZE_FORMAT
                     " bytes is too large, as all buffers of the link may have %" G_GSIZE_FORMAT
                     " bytes together; allow more with FerryLauncher:buffer-capacity",
                     size, ferry_arena_writer_get_capacity (arena));
  else
    return ferry_arena_writer_open (arena, error);
  return FALSE;
}

/**
 * ferry_sender_create_buffer:
 * @self: a sender
 * @size: the size of the buffer in bytes, at least 1
 * @error: return location for an error
 *
 * Makes a buffer in memory that both processes have mapped, to be filled and then sent with
 * [method@Ferry.Sender.send_buffer]. Any thread.
 *
 * All buffers of a worker together may have at most [property@Ferry.Launcher:buffer-capacity] bytes. A worker may have
 * at most 64 buffers at a time. When there is no room, this function waits until the application drops a buffer, or
 * this process frees one. It waits as [method@Ferry.Sender.send_bytes] waits for room in the lane. So a thread must not
 * wait for room while it holds the buffers that take the room. On the router's own thread this function never waits.
 *
 * Fails as [method@Ferry.Sender.send_bytes] does. Also fails with %FERRY_ERROR_BAD_ARGUMENTS on a pipe for latest
 * values, and with %FERRY_ERROR_SYSTEM when there is no address space for the buffer.
 *
 * Returns: (transfer full) (nullable): a buffer, or %NULL with an error
 */
FerryBuffer *
ferry_sender_create_buffer (FerrySender *self, gsize size, GError **error)
{
  FerrySend send = {.sender = self};
  FerryBufferMessage message;
  FerryWaitResult result;

  g_return_val_if_fail (FERRY_IS_SENDER (self), NULL);
  g_return_val_if_fail (size > 0, NULL);

  if (!check_can_have_buffers (self, size, error) ||
      !ferry_send_begin_waits (&send, ferry_sender_get_timeout (self), error))
    return NULL;
  result = ferry_uplink_reserve_buffer (self->uplink, &send.wait, size, &message);
  ferry_send_end_waits (&send);
  if (result == FERRY_WAIT_READY)
    return ferry_buffer_new (self->uplink, &message);
  if (result == FERRY_WAIT_WOULD_BLOCK || result == FERRY_WAIT_TIMED_OUT)
    ferry_set_error (
      error, result == FERRY_WAIT_WOULD_BLOCK ? FERRY_ERROR_WOULD_BLOCK : FERRY_ERROR_TIMED_OUT,
      "There is no room for a buffer of %" G_GSIZE_FORMAT " bytes now; make the application drop buffers", size);
  else
    ferry_sender_refuse_wait (self, result, error);
  return NULL;
}

static gboolean
check_fits (FerrySend *send, GError **error)
{
  if (send->size <= FERRY_MAX_RECORD_PAYLOAD - sizeof (FerryBufferMessage))
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                          "The metadata of a buffer has %" G_GSIZE_FORMAT " bytes, and at most %" G_GSIZE_FORMAT
                          " are allowed; put the data into the buffer",
                          send->size, FERRY_MAX_RECORD_PAYLOAD - sizeof (FerryBufferMessage));
}

/**
 * ferry_sender_send_buffer:
 * @self: the sender that made @buffer, or another sender of the same worker
 * @metadata: (nullable): data that is sent with the buffer, up to 32,728 bytes in serialised form; if its reference is
 *   floating, the function takes ownership
 * @buffer: a buffer that was not sent
 * @error: return location for an error
 *
 * Sends a buffer. It arrives in order with the sender's other messages, with [signal@Ferry.Receiver::buffer]. The
 * application uses its memory until it drops the buffer; the caller must not write to the memory any more. Any thread.
 *
 * Waits while the lane is full, as [method@Ferry.Sender.send_bytes] does. When sending fails, the buffer is unchanged
 * and can be sent again.
 *
 * Fails as [method@Ferry.Sender.send_bytes] does.
 *
 * Returns: %TRUE when the buffer was sent and will arrive
 */
gboolean
ferry_sender_send_buffer (FerrySender *self, GVariant *metadata, FerryBuffer *buffer, GError **error)
{
  g_autoptr (GVariant) taken = metadata != NULL ? g_variant_ref_sink (metadata) : NULL;
  g_autoptr (GVariant) boxed = NULL;
  FerrySend send = {.sender = self};
  gboolean sent;

  g_return_val_if_fail (FERRY_IS_SENDER (self), FALSE);
  g_return_val_if_fail (buffer != NULL, FALSE);
  ferry_return_val_if_fail (buffer->data != NULL, FALSE,
                            "the buffer was sent already; make another buffer with ferry_sender_create_buffer()");
  ferry_return_val_if_fail (!buffer->is_job, FALSE,
                            "the buffer is a job's result; return it with ferry_job_return_buffer()");
  ferry_return_val_if_fail (self->uplink == NULL || buffer->uplink == self->uplink, FALSE,
                            "the buffer was made for another worker's link; send it with the sender that made it");

  if (!ferry_sender_is_sendable (self))
    return ferry_sender_refuse_ended (self, error);
  boxed = taken != NULL ? ferry_sender_box_where_needed (self, taken, error) : NULL;
  if (taken != NULL && boxed == NULL)
    return FALSE;
  send.variant = boxed;
  send.size = boxed != NULL ? g_variant_get_size (boxed) : 0;
  if (!check_fits (&send, error) || !ferry_send_begin_waits (&send, ferry_sender_get_timeout (self), error))
    return FALSE;
  sent = ferry_send_lend (&send, &buffer->message, FALSE, error);
  ferry_send_end_waits (&send);
  if (sent)
    buffer->data = NULL;
  return sent;
}

/* ---- the buffers of jobs, which become whole messages ---- */

static gboolean
may_share (FerrySender *self, gsize size)
{
  FerryArenaWriter *arena = self->uplink->arena;

  return size > FERRY_MAX_RECORD_PAYLOAD && size <= self->max_message_size && arena != NULL &&
         ferry_sender_is_sendable (self) && size <= ferry_arena_writer_get_capacity (arena) && !self->uplink->forked &&
         ferry_arena_writer_open (arena, NULL);
}

FerryBuffer *
ferry_sender_create_job_buffer (FerrySender *self, gsize size, GError **error)
{
  FerryWait no_wait = {.index = self->index, .deadline = 0};
  FerryBufferMessage message;

  if (size <= G_MAXSIZE - FERRY_BUFFER_HEAD && may_share (self, size + FERRY_BUFFER_HEAD) &&
      ferry_uplink_reserve_buffer (self->uplink, &no_wait, size + FERRY_BUFFER_HEAD, &message) == FERRY_WAIT_READY)
    return ferry_buffer_new_for_job (self->uplink, &message);
  return ferry_buffer_new_on_heap (size, error);
}

gboolean
ferry_sender_send_job_buffer (FerrySender *self, const FerryPart *parts, guint n_parts, FerryBuffer *buffer,
                              GError **error)
{
  FerrySend send = {.sender = self, .parts = parts, .n_parts = n_parts};
  FerryBufferMessage message = buffer->message;
  gsize head = 0;
  gboolean sent;

  for (guint i = 0; i + 1 < n_parts; i++)
    head += parts[i].size;
  send.size = head + parts[n_parts - 1].size;
  /* A buffer that was made smaller may fit into a record, where a large message must not be. */
  if (buffer->uplink != self->uplink || head != FERRY_BUFFER_HEAD || !may_share (self, send.size))
    return ferry_sender_send_parts (self, parts, n_parts, -1, error);
  for (guint i = 0; i + 1 < n_parts; i++)
    {
      memcpy (buffer->data - head, parts[i].data, parts[i].size);
      head -= parts[i].size;
    }
  if (!ferry_send_begin_waits (&send, -1, error))
    return FALSE;
  /* The place of a job's buffer, from the head on. */
  message.size = send.size;
  sent = ferry_send_lend (&send, &message, TRUE, error);
  ferry_send_end_waits (&send);
  if (sent)
    buffer->data = NULL;
  return sent;
}
