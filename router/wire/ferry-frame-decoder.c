/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bytes of a call's messages on a stream or socket, at both ends: the greeting, and the frames. FerryFrameDecoder
 * splits a stream into messages, FerryFrameQueue keeps what waits to be written.
 *
 * The stream is read into a buffer in large pieces, and messages are borrowed from the buffer. So many small messages
 * need one read, and no message is copied. Bytes that wait to be written are stored in chunks; small messages share a
 * chunk. */

#include "config.h"

#include "wire/ferry-frame-decoder-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-remote-error-private.h"

#define INITIAL_CAPACITY ((gsize) 64 * 1024)
/* A buffer of more bytes than this is freed when it is empty. */
#define KEPT_CAPACITY ((gsize) 1024 * 1024)
/* The offset to which bytes are moved at the front of the buffer. So a message, which follows 4 bytes of length, is
 * aligned to 8. */
#define FRONT ((gsize) 4)

/* No message is accepted while this many bytes wait. So the queue has at most this many bytes and one message. */
#define MAX_QUEUED ((gsize) 1024 * 1024)
/* At most this many bytes are written at a time. Bytes count as waiting until their write has returned, which on a busy
 * machine may be long after the other end has read them and answered; so few that the next message has room then. */
#define MAX_WRITE (MAX_QUEUED / 4)
/* The size in bytes of a chunk that several messages share. */
#define CHUNK_SIZE ((gsize) 64 * 1024)

typedef struct
{
  gsize begin;
  gsize end;
  gsize capacity;
  guint8 data[];
} Chunk;

static const guint8 magic[8] = {'F', 'E', 'R', 'R', 'Y', 'S', 'T', 'M'};

/* Values are in the byte order of the sending machine. This number is sent in that order, so the receiving machine
 * can recognise the order. */
#define BYTE_ORDER_MARK 0x01020304u

void
ferry_greeting_write (guint8 greeting[FERRY_GREETING_SIZE])
{
  const guint32 mark = BYTE_ORDER_MARK;

  memcpy (greeting, magic, sizeof magic);
  ferry_write_u32 (greeting + 8, FERRY_STREAM_VERSION);
  memcpy (greeting + 12, &mark, sizeof mark);
}

void
ferry_frame_decoder_init (FerryFrameDecoder *self, guint32 max_message)
{
  *self = (FerryFrameDecoder){.max_message = max_message};
}

void
ferry_frame_decoder_clear (FerryFrameDecoder *self)
{
  g_clear_pointer (&self->buffer, g_free);
}

static gsize
get_held (const FerryFrameDecoder *self)
{
  return self->end - self->begin;
}

/* Returns the size of the greeting or the frame that the buffer begins with, or of its header if the size is not known
 * yet. The function ferry_frame_decoder_next() has checked the length. */
static gsize
get_frame_size (const FerryFrameDecoder *self)
{
  if (!self->greeted)
    return FERRY_GREETING_SIZE;
  if (get_held (self) < FERRY_FRAME_HEADER_SIZE)
    return FERRY_FRAME_HEADER_SIZE;
  /* Where a size has 32 bits, the sum must not begin again at 0: what is announced to be larger never fits. */
  guint64 size = (guint64) FERRY_FRAME_HEADER_SIZE + ferry_read_u32 (self->buffer + self->begin);

  return (gsize) MIN (size, (guint64) G_MAXSSIZE);
}

static void
move_to_front (FerryFrameDecoder *self)
{
  gsize held = get_held (self);

  if (held > 0 && self->begin != FRONT)
    memmove (self->buffer + FRONT, self->buffer + self->begin, held);
  self->begin = FRONT;
  self->end = FRONT + held;
}

guint8 *
ferry_frame_decoder_get_room (FerryFrameDecoder *self, gsize *size)
{
  if (get_held (self) == 0 && self->capacity > KEPT_CAPACITY)
    {
      g_clear_pointer (&self->buffer, g_free);
      self->capacity = 0;
    }
  if (self->buffer == NULL)
    {
      self->capacity = INITIAL_CAPACITY;
      self->buffer = g_malloc (self->capacity);
      self->begin = self->end = FRONT;
    }
  move_to_front (self);
  /* The capacity at most doubles, whatever length is announced, so it depends on the bytes that arrived. */
  if (self->end == self->capacity)
    {
      self->capacity = MIN (2 * self->capacity, MAX (FRONT + get_frame_size (self), INITIAL_CAPACITY));
      self->buffer = g_realloc (self->buffer, self->capacity);
    }
  g_assert (self->end < self->capacity);
  *size = self->capacity - self->end;
  return self->buffer + self->end;
}

void
ferry_frame_decoder_add (FerryFrameDecoder *self, gsize n)
{
  g_assert (n <= self->capacity - self->end);
  self->end += n;
}

gboolean
ferry_greeting_check (const guint8 *greeting, gsize size, GError **error)
{
  guint32 version;
  guint32 mark;

  if (size > 0 && memcmp (greeting, magic, MIN (size, sizeof magic)) != 0)
    return ferry_set_error (
      error, FERRY_ERROR_PROTOCOL,
      "The other end of the stream does not speak Ferry's protocol; use a transport of Ferry at both ends");
  if (size < FERRY_GREETING_SIZE)
    return TRUE;
  version = ferry_read_u32 (greeting + 8);
  memcpy (&mark, greeting + 12, sizeof mark);
  if (version != FERRY_STREAM_VERSION)
    return ferry_set_error (
      error, FERRY_ERROR_VERSION,
      "The other end of the stream uses version %u of the protocol, and this end version %d; use the same "
      "version of Ferry at both ends",
      version, FERRY_STREAM_VERSION);
  if (mark == GUINT32_SWAP_LE_BE (BYTE_ORDER_MARK))
    return ferry_set_error (
      error, FERRY_ERROR_VERSION,
      "The other end of the stream is a machine of another byte order; use two machines of the same byte order");
  return mark == BYTE_ORDER_MARK ||
         ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "The greeting of the stream has an unknown byte order, %08x; use Ferry at both ends", mark);
}

static FerryFrameStatus
take_greeting (FerryFrameDecoder *self, GError **error)
{
  if (!ferry_greeting_check (self->buffer + self->begin, get_held (self), error))
    return FERRY_FRAME_BROKEN;
  if (get_held (self) < FERRY_GREETING_SIZE)
    return FERRY_FRAME_NONE;
  self->greeted = TRUE;
  self->begin += FERRY_GREETING_SIZE;
  return FERRY_FRAME_MESSAGE;
}

FerryFrameStatus
ferry_frame_decoder_next (FerryFrameDecoder *self, gconstpointer *message, gsize *size, GError **error)
{
  guint32 length;

  if (!self->greeted)
    {
      FerryFrameStatus status = take_greeting (self, error);

      if (status != FERRY_FRAME_MESSAGE)
        return status;
    }
  if (get_held (self) < FERRY_FRAME_HEADER_SIZE)
    return FERRY_FRAME_NONE;
  length = ferry_read_u32 (self->buffer + self->begin);
  if (length == 0 || length > self->max_message)
    {
      ferry_set_error (
        error, FERRY_ERROR_PROTOCOL,
        "The other end announced a message of %u bytes, and this end accepts 1 to %u; set max-message-size "
        "at both ends",
        length, self->max_message);
      return FERRY_FRAME_BROKEN;
    }
  if (get_held (self) - FERRY_FRAME_HEADER_SIZE < length)
    return FERRY_FRAME_NONE;
  *message = self->buffer + self->begin + FERRY_FRAME_HEADER_SIZE;
  *size = length;
  self->begin += FERRY_FRAME_HEADER_SIZE + (gsize) length;
  return FERRY_FRAME_MESSAGE;
}

GError *
ferry_frame_decoder_end (const FerryFrameDecoder *self)
{
  gsize held = get_held (self);

  if (held == 0 && self->greeted)
    return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED,
                                "The other end closed the stream, or its process has ended; see whether it runs, and "
                                "open a new stream");
  if (held == 0)
    return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED,
                                "The other end closed the stream without a greeting, or its process has ended; use "
                                "Ferry at both ends, and see whether the other process runs");
  return g_error_new (FERRY_ERROR, FERRY_ERROR_PROTOCOL,
                      "The stream ended inside %s: %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT
                      " bytes had arrived; check why the other end ended early",
                      self->greeted ? "a frame" : "the greeting", held, get_frame_size (self));
}

/* ---- writing ---- */

void
ferry_frame_queue_init (FerryFrameQueue *self, FerryFrameWriteFunc write, gpointer data)
{
  *self = (FerryFrameQueue){.chunks = G_QUEUE_INIT, .write = write, .data = data};
}

void
ferry_frame_queue_drop (FerryFrameQueue *self)
{
  g_queue_clear_full (&self->chunks, g_free);
  self->size = 0;
}

static void
append (FerryFrameQueue *self, const guint8 *data, gsize size)
{
  Chunk *chunk = g_queue_peek_tail (&self->chunks);

  if (chunk == NULL || chunk->capacity - chunk->end < size)
    {
      gsize capacity = MAX (size, CHUNK_SIZE - sizeof *chunk);

      chunk = g_malloc (sizeof *chunk + capacity);
      *chunk = (Chunk){.capacity = capacity};
      g_queue_push_tail (&self->chunks, chunk);
    }
  memcpy (chunk->data + chunk->end, data, size);
  chunk->end += size;
  self->size += size;
}

static gboolean
check (FerryFrameQueue *self, GError **error)
{
  if (self->failure != NULL)
    {
      g_propagate_error (error, ferry_error_copy (self->failure));
      return FALSE;
    }
  if (self->closed)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The transport was closed at this end; open a new transport");
  if (self->size < MAX_QUEUED)
    return TRUE;
  self->refused = TRUE;
  return ferry_set_error (
    error, FERRY_ERROR_WOULD_BLOCK,
    "%" G_GSIZE_FORMAT " bytes wait for the other end to read them; send again when there is room", self->size);
}

/* A message, or the greeting, as it is written to the stream. */
typedef struct
{
  guint8 head[FERRY_GREETING_SIZE];
  GOutputVector vectors[1 + FERRY_CALL_MAX_PARTS];
} Frame;

static gboolean
frame_init (Frame *self, const GOutputVector *parts, guint n_parts, guint32 max_message, GError **error)
{
  gsize size = 0;

  g_assert (n_parts <= FERRY_CALL_MAX_PARTS);
  for (guint i = 0; i < n_parts; i++)
    {
      self->vectors[1 + i] = parts[i];
      size += parts[i].size;
    }
  if (size > max_message)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "A message of %" G_GSIZE_FORMAT
                            " bytes is larger than the %u bytes that this transport accepts; "
                            "send less at once, or raise max-message-size at both ends of a stream",
                            size, max_message);
  if (n_parts == 0)
    ferry_greeting_write (self->head);
  else
    ferry_write_u32 (self->head, (guint32) size);
  self->vectors[0] = (GOutputVector){self->head, n_parts == 0 ? FERRY_GREETING_SIZE : FERRY_FRAME_HEADER_SIZE};
  return TRUE;
}

gboolean
ferry_frame_queue_send (FerryFrameQueue *self, const GOutputVector *parts, guint n_parts, guint32 max_message,
                        GError **error)
{
  gsize written = 0;
  Frame frame;

  if (!frame_init (&frame, parts, n_parts, max_message, error) || !check (self, error))
    return FALSE;
  if (self->write != NULL && self->size == 0)
    {
      written = self->write (self->data, frame.vectors, 1 + n_parts);
      if (!check (self, error))
        return FALSE;
    }
  for (guint i = 0; i <= n_parts; i++)
    {
      const GOutputVector *vector = &frame.vectors[i];
      gsize skipped = MIN (written, vector->size);

      written -= skipped;
      if (skipped < vector->size)
        append (self, (const guint8 *) vector->buffer + skipped, vector->size - skipped);
    }
  return TRUE;
}

gconstpointer
ferry_frame_queue_peek (FerryFrameQueue *self, gsize *size)
{
  Chunk *chunk = g_queue_peek_head (&self->chunks);

  *size = chunk != NULL ? MIN (chunk->end - chunk->begin, MAX_WRITE) : 0;
  return chunk != NULL ? chunk->data + chunk->begin : NULL;
}

gboolean
ferry_frame_queue_remove (FerryFrameQueue *self, gsize n)
{
  Chunk *chunk = g_queue_peek_head (&self->chunks);
  gboolean room;

  if (n > 0)
    {
      chunk->begin += n;
      self->size -= n;
      if (chunk->begin == chunk->end)
        g_free (g_queue_pop_head (&self->chunks));
    }
  room = self->refused && self->size < MAX_QUEUED / 2;
  if (room)
    self->refused = FALSE;
  return room;
}
