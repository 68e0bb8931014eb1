/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "route/ferry-buffer-private.h"

G_DEFINE_BOXED_TYPE (FerryBuffer, ferry_buffer, ferry_buffer_ref, ferry_buffer_unref)

/* A buffer that was reserved in the uplink's arena. */
FerryBuffer *
ferry_buffer_new (FerryUplink *uplink, const FerryBufferMessage *message)
{
  FerryBuffer *self = g_new (FerryBuffer, 1);

  *self = (FerryBuffer){.uplink = ferry_uplink_ref (uplink), .message = *message};
  atomic_init (&self->references, 1);
  self->data = uplink->arena->arena->memory + message->offset;
  return self;
}

/**
 * ferry_buffer_ref:
 * @self: a buffer
 *
 * Any thread.
 *
 * Returns: (transfer full): the buffer
 *
 * Since: 0.1
 */
FerryBuffer *
ferry_buffer_ref (FerryBuffer *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

/**
 * ferry_buffer_unref:
 * @self: (transfer full): a buffer
 *
 * Drops a reference. Any thread.
 *
 * Since: 0.1
 */
void
ferry_buffer_unref (FerryBuffer *self)
{
  g_return_if_fail (self != NULL);

  /* Release what this thread did with it; acquire what others did, for the one that frees it. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) > 1)
    return;
  if (self->data != NULL)
    ferry_arena_writer_give_back (self->uplink->arena, self->message.number);
  ferry_uplink_unref (self->uplink);
  g_free (self);
}

/**
 * ferry_buffer_get_data: (skip)
 * @self: a buffer
 *
 * The memory, which begins at a page. What it holds at first is what it was used for before, by this process, or zeros.
 *
 * Returns: (nullable): [method@Ferry.Buffer.get_size] bytes, to be read and written; %NULL once the buffer was sent
 *
 * Since: 0.1
 */
gpointer
ferry_buffer_get_data (FerryBuffer *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->data;
}

/**
 * ferry_buffer_get_size:
 * @self: a buffer
 *
 * Returns: how many bytes it has
 *
 * Since: 0.1
 */
gsize
ferry_buffer_get_size (FerryBuffer *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->message.size;
}

/**
 * ferry_buffer_shrink:
 * @self: a buffer that was not sent
 * @size: how many bytes it is to have, from 1 to as many as it has
 *
 * Cuts the buffer off, for what turned out to be shorter than it might have been.
 *
 * Since: 0.1
 */
void
ferry_buffer_shrink (FerryBuffer *self, gsize size)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (self->data != NULL);
  g_return_if_fail (size > 0 && size <= self->message.size);

  self->message.size = size;
}
