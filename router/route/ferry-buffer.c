/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A buffer: a piece of shared memory for large data, which is sent as a message.
 *
 * From its reservation to its send, it is in the arena, or a job's, which becomes the answer.
 *
 * Owner:   references are counted.
 * Threads: one thread at a time. */

#include "config.h"

#include "route/ferry-buffer-private.h"

#include <string.h>

#include "base/ferry-base-private.h"

static FerryBuffer *
buffer_ref (FerryBuffer *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

G_DEFINE_BOXED_TYPE (FerryBuffer, ferry_buffer, buffer_ref, ferry_buffer_unref)

static FerryBuffer *
buffer_new (FerryUplink *uplink, const FerryBufferMessage *message, guint8 *data)
{
  FerryBuffer *self = g_new (FerryBuffer, 1);

  *self = (FerryBuffer){
    .references = 1,
    .uplink = uplink != NULL ? ferry_uplink_ref (uplink) : NULL,
    .message = *message,
    .data = data,
  };
  return self;
}

FerryBuffer *
ferry_buffer_new (FerryUplink *uplink, const FerryBufferMessage *message)
{
  return buffer_new (uplink, message, uplink->arena->arena->memory + message->offset);
}

FerryBuffer *
ferry_buffer_new_for_job (FerryUplink *uplink, const FerryBufferMessage *message)
{
  FerryBuffer *self = ferry_buffer_new (uplink, message);

  self->is_job = TRUE;
  self->data += FERRY_BUFFER_HEAD;
  self->message.size -= FERRY_BUFFER_HEAD;
  return self;
}

FerryBuffer *
ferry_buffer_new_on_heap (gsize size, GError **error)
{
  guint8 *memory = size <= G_MAXSIZE - FERRY_BUFFER_HEAD ? g_try_malloc0 (FERRY_BUFFER_HEAD + size) : NULL;
  FerryBuffer *self;

  if (memory == NULL)
    {
      ferry_set_error (error, FERRY_ERROR_SYSTEM, "There is no memory for a buffer of %" G_GSIZE_FORMAT " bytes", size);
      return NULL;
    }
  self = buffer_new (NULL, &(FerryBufferMessage){.size = size}, memory + FERRY_BUFFER_HEAD);
  self->is_job = TRUE;
  return self;
}

/**
 * ferry_buffer_unref:
 * @self: (transfer full): a buffer
 *
 * Drops a reference. Any thread.
 */
void
ferry_buffer_unref (FerryBuffer *self)
{
  g_return_if_fail (self != NULL);

  if (!ferry_ref_count_dec (&self->references))
    return;
  if (self->uplink == NULL)
    g_free (self->data - FERRY_BUFFER_HEAD);
  else if (self->data != NULL)
    ferry_arena_writer_give_back (self->uplink->arena, self->message.number);
  g_clear_pointer (&self->uplink, ferry_uplink_unref);
  g_free (self);
}

/**
 * ferry_buffer_get_data:
 * @self: a buffer
 * @size: (out) (optional): return location for the size of the buffer in bytes
 *
 * Gets the buffer's memory, which begins at a page boundary; that of a job's buffer, at a multiple of 16. At first the
 * memory holds zeros, or data of an earlier buffer of this process. Any thread, one at a time.
 *
 * Returns: (type guintptr): the memory, for reading and writing; %NULL after the buffer was sent
 */
gpointer
ferry_buffer_get_data (FerryBuffer *self, gsize *size)
{
  g_return_val_if_fail (self != NULL, NULL);

  if (size != NULL)
    *size = self->message.size;
  return self->data;
}

/**
 * ferry_buffer_shrink:
 * @self: a buffer that was not sent
 * @size: the new size in bytes, from 1 to the present size
 *
 * Makes the buffer smaller, for data that is shorter than was expected. Any thread, one at a time.
 */
void
ferry_buffer_shrink (FerryBuffer *self, gsize size)
{
  g_return_if_fail (self != NULL);
  ferry_return_if_fail (self->data != NULL, "the buffer was sent; shrink a buffer before it is sent");
  ferry_return_if_fail (size > 0 && size <= self->message.size,
                        "%" G_GSIZE_FORMAT " is no new size for a buffer of %" G_GSIZE_FORMAT
                        " bytes; ask for a size from 1 to the present size",
                        size, (gsize) self->message.size);

  self->message.size = size;
}
