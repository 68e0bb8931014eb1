/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a buffer is made and sent: one of the link's arena, one that becomes a job's whole result, and a one-shot buffer
 * with memory of its own. */

#include "config.h"

#include "route/ferry-send-private.h"

#include <poll.h>

#include "base/ferry-base-private.h"
#include "route/ferry-buffer-private.h"
#include "wire/ferry-handshake-private.h"

/* How long a wait goes on without a look at the cancellable, where no descriptor is free for it. */
#define SHORTAGE_MILLISECONDS 10

/* Whether the sender's buffers are one-shot buffers. FALSE if the other end is in this process. Needs an uplink. */
static inline gboolean
has_one_shots (FerrySender *self)
{
  return self->one_shot && self->uplink->control >= 0;
}

/* ---- one-shot buffers ----
 *
 * The memory of a one-shot buffer is sealed. Then its descriptor is sent over the control socket, and its record over
 * the lane, both with the lane locked. So descriptors arrive in the order of their records while several threads send.
 * No descriptor comes without its record, unless the process dies in between. Writing to the socket never blocks; when
 * the socket is full, the lane is unlocked before this thread waits. */

typedef enum
{
  SENT,
  NEEDS_ROOM,   /* the lane has no room, or the pipe is closed */
  NEEDS_GATE,   /* the records of too many one-shot buffers are in the lane */
  NEEDS_SOCKET, /* the control socket has no room */
  FAILED,       /* another failure, with an error number */
} Outcome;

/* Tries to send the descriptor of the memory, and then the record. Sets *error_number for FAILED. */
static Outcome
send_one_shot_now (FerrySend *send, FerryBuffer *buffer, int *error_number)
{
  FerrySender *self = send->sender;
  FerryUplink *uplink = self->uplink;
  FerryOneShotMessage message = {.size = buffer->message.size};
  FerrySendPlace place;

  if (!ferry_sender_take_place (self, ferry_send_get_type_string (send), sizeof message + send->size, &place))
    return NEEDS_ROOM;
  ferry_lane_writer_look (&uplink->writer, 0);
  if (uplink->writer.head < ferry_uplink_get_one_shot_gate_locked (uplink))
    {
      ferry_uplink_unlock (uplink, place.locked);
      return NEEDS_GATE;
    }
  message.number = uplink->n_one_shots + 1;
  *error_number = ferry_control_send_descriptor (uplink->control, buffer->memory);
  if (*error_number != 0)
    {
      ferry_uplink_unlock (uplink, place.locked);
      return *error_number == EAGAIN || *error_number == EWOULDBLOCK ? NEEDS_SOCKET : FAILED;
    }
  uplink->one_shot_ends[uplink->n_one_shots % FERRY_MAX_ONE_SHOTS_PER_LINK] = uplink->writer.tail + place.size;
  uplink->n_one_shots++;
  ferry_send_write_and_unlock (send, &place, FERRY_RECORD_ONE_SHOT, &message, sizeof message, send->size);
  return SENT;
}

/* Waits until the control socket has room. The application reads the socket, and closes it when the link ends. */
static FerryWaitResult
wait_for_socket (FerrySend *send)
{
  GCancellable *cancellable = send->wait.data;
  GPollFD cancel = {.fd = -1};
  gint64 left = -1;
  struct pollfd fds[2];

  if (send->wait.deadline == 0)
    return FERRY_WAIT_WOULD_BLOCK;
  if (send->wait.deadline > 0 && ferry_limit_clock_look (&send->wait.clock) >= send->wait.deadline)
    return FERRY_WAIT_TIMED_OUT;
  if (send->wait.deadline > 0)
    left = MAX (ferry_limit_clock_sleep (&send->wait.clock, send->wait.deadline) - g_get_monotonic_time (), 0) /
             FERRY_MICROSECONDS_PER_MILLISECOND +
           1;
  if (cancellable != NULL && (!ferry_check_free_fds (1, NULL) || !g_cancellable_make_pollfd (cancellable, &cancel)))
    {
      cancel.fd = -1;
      left = left < 0 ? SHORTAGE_MILLISECONDS : MIN (left, SHORTAGE_MILLISECONDS);
    }
  fds[0] = (struct pollfd){.fd = send->sender->uplink->control, .events = POLLOUT};
  fds[1] = (struct pollfd){.fd = cancel.fd, .events = POLLIN};
  poll (fds, G_N_ELEMENTS (fds), (int) MIN (left, G_MAXINT));
  if (cancel.fd >= 0)
    g_cancellable_release_fd (cancellable);
  if (g_cancellable_is_cancelled (cancellable))
    return FERRY_WAIT_INTERRUPTED;
  return FERRY_WAIT_READY;
}

static gboolean
send_one_shot (FerrySend *send, FerryBuffer *buffer, GError **error)
{
  FerryUplink *uplink = send->sender->uplink;
  int error_number = 0;
  Outcome outcome;

  if (!ferry_buffer_seal (buffer, error))
    return FALSE;
  while ((outcome = send_one_shot_now (send, buffer, &error_number)) != SENT)
    {
      FerryWaitResult result;

      if (outcome == FAILED)
        {
          if (error_number == EPIPE || error_number == ECONNRESET)
            return ferry_sender_refuse_ended (send->sender, error);
          errno = error_number;
          return ferry_set_system_error (error, "Sending a buffer's memory (sendmsg)");
        }
      if (outcome == NEEDS_ROOM && !ferry_send_wait_for_room (send, sizeof (FerryOneShotMessage) + send->size, error))
        return FALSE;
      if (outcome == NEEDS_ROOM)
        continue;
      result = outcome == NEEDS_GATE ? ferry_uplink_wait_for_one_shots (uplink, &send->wait) : wait_for_socket (send);
      if (result != FERRY_WAIT_READY)
        return ferry_sender_refuse_wait (send->sender, result, error);
    }
  ferry_buffer_drop_one_shot (buffer);
  return TRUE;
}

/* ---- buffers ---- */

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
    return has_one_shots (self) || ferry_arena_writer_open (arena, error);
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
 * On a pipe with one-shot buffers ([flags@Ferry.PipeFlags]) of a worker, each buffer gets its own new memory, at most
 * as large as that capacity. Such a buffer uses a descriptor until it is sent, and this function does not wait.
 *
 * Fails as [method@Ferry.Sender.send_bytes] does. Also fails with %FERRY_ERROR_BAD_ARGUMENTS on a pipe for latest
 * values, and with %FERRY_ERROR_SYSTEM when there is no address space or no descriptor for the buffer.
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
  if (has_one_shots (self) && !self->uplink->forked)
    {
      ferry_send_end_waits (&send);
      return ferry_buffer_new_one_shot (self->uplink, size, error);
    }
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
check_fits (FerrySend *send, const FerryBuffer *buffer, GError **error)
{
  if (ferry_buffer_is_one_shot (buffer) != has_one_shots (send->sender))
    return ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "The buffer was made by a sender of another kind of pipe; send one-shot buffers through pipes "
      "that were opened with FERRY_PIPE_ONE_SHOT_BUFFERS, and other buffers through other pipes");
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
 * and can be sent again; a one-shot buffer can be read then, but not written. A worker may have at most 16 one-shot
 * buffers on their way at a time.
 *
 * Fails as [method@Ferry.Sender.send_bytes] does. Fails with %FERRY_ERROR_BAD_ARGUMENTS for a one-shot buffer on
 * a pipe without %FERRY_PIPE_ONE_SHOT_BUFFERS, or for another buffer on a pipe with that flag. Fails with
 * %FERRY_ERROR_SYSTEM when a one-shot buffer cannot be sealed, because its memory is mapped a second time or is being
 * written to.
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
  if (!check_fits (&send, buffer, error) || !ferry_send_begin_waits (&send, ferry_sender_get_timeout (self), error))
    return FALSE;
  sent = ferry_buffer_is_one_shot (buffer) ? send_one_shot (&send, buffer, error)
                                           : ferry_send_lend (&send, &buffer->message, FALSE, error);
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
