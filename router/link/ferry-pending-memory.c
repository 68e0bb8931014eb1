/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pending memory of a link: descriptors of one-shot buffers with records that were not drained yet. See
 * ferry-pending-memory-private.h. */

#include "config.h"

#include "link/ferry-pending-memory-private.h"

#include "base/ferry-base-private.h"
#include "link/ferry-orphan-private.h"

FerryPendingMemory *
ferry_pending_memory_new (void)
{
  FerryPendingMemory *self = g_new0 (FerryPendingMemory, 1);

  self->descriptors = ferry_orphans_new ();
  self->orphans = ferry_orphans_new ();
  return self;
}

void
ferry_pending_memory_free (FerryPendingMemory *self)
{
  ferry_orphans_free (self->descriptors);
  ferry_orphans_free (self->orphans);
  g_free (self->fault);
  g_free (self);
}

/* Allows one-shot buffers for the pipe of this index. Must be called before the worker is launched. */
void
ferry_pending_memory_allow (FerryPendingMemory *self, guint index)
{
  self->pipes[index / 8] |= (guint8) (1u << index % 8);
}

/* Whether the pipe of this index has one-shot buffers. self: (nullable). */
gboolean
ferry_pending_memory_allows (const FerryPendingMemory *self, guint index)
{
  return self != NULL && (self->pipes[index / 8] >> index % 8 & 1) != 0;
}

/* Returns what is wrong with a packet, or NULL. The packet's descriptor was just appended. (transfer full) */
static char *
check_packet (const FerryPendingMemory *self, const FerryMemoryPacket *packet)
{
  const guint64 next = self->n_taken + self->descriptors->len;

  if (packet->number != next)
    return g_strdup_printf ("On its control socket, the worker sent the memory of buffer %" G_GUINT64_FORMAT
                            "; it must number the buffers in order, and the next number is %" G_GUINT64_FORMAT,
                            packet->number, next);
  if (self->descriptors->len > FERRY_MAX_PENDING_MEMORIES_PER_LINK)
    return g_strdup_printf ("On its control socket, the worker sent the memory of more than %d buffers before their "
                            "records were taken; it must wait until the head of its up lane has passed their records",
                            FERRY_MAX_PENDING_MEMORIES_PER_LINK);
  return NULL;
}

/* Takes the next packet from the socket, with its descriptor. An honest worker sends no more than
 * FERRY_MAX_PENDING_MEMORIES_PER_LINK descriptors ahead, because it knows which of its records were taken. After a
 * fault, no more descriptors are taken; those that came earlier stay for their records. */
FerryControlEvent
ferry_pending_memory_receive (FerryPendingMemory *self, int control, GError **error)
{
  const guint n_before = self->descriptors->len;
  FerryMemoryPacket packet = {0};
  g_autoptr (GError) failure = NULL;
  FerryControlEvent event = ferry_control_receive_memory (control, &packet, self->descriptors, &failure);

  if (event == FERRY_CONTROL_TAKEN)
    self->fault = check_packet (self, &packet);
  else if (event == FERRY_CONTROL_INVALID)
    self->fault = g_strdup (failure->message);
  if (self->fault == NULL)
    return event;
  for (guint i = n_before; i < self->descriptors->len; i++)
    g_array_append_val (self->orphans, g_array_index (self->descriptors, int, i));
  g_array_set_size (self->descriptors, n_before);
  ferry_set_error (error, FERRY_ERROR_PROTOCOL, "%s", self->fault);
  return FERRY_CONTROL_INVALID;
}

/* Takes the descriptor for the record of this number, and sets *fd, which the caller owns. control: the control socket,
 * or -1 after its end. Returns NULL, or what the worker did wrong. */
const char *
ferry_pending_memory_take (FerryPendingMemory *self, int control, guint64 number, int *fd)
{
  if (number != self->n_taken + 1)
    return "its records of one-shot buffers are out of order; it must number them from 1 on, one by one";
  /* The record may be read from the lane before its packet is read from the socket. */
  if (self->descriptors->len == 0 && self->fault == NULL && control >= 0)
    ferry_pending_memory_receive (self, control, NULL);
  if (self->descriptors->len == 0 && self->fault != NULL)
    return self->fault;
  if (self->descriptors->len == 0)
    return "its record of a one-shot buffer came without a descriptor; it must send the descriptor before it publishes "
           "the record";
  self->n_taken++;
  *fd = g_array_index (self->descriptors, int, 0);
  g_array_remove_index (self->descriptors, 0);
  return NULL;
}
