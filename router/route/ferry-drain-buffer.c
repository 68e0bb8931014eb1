/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Buffers, from the lane's records to blocks.
 *
 * Threads:   the monitor.
 * Trust:     a trusted worker's buffer is handed on where it lies. Of any other it is copied into private memory first,
 *            a part in each visit, so that the links take turns; what the worker changes meanwhile, it changes for
 *            itself. What comes behind a buffer in the lane waits until it is whole. A one-shot buffer has memory of
 *            its own, which nobody can change any more once it is mapped. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "route/ferry-monitor-private.h"

/* How much is copied in one visit. */
#define COPY_PER_VISIT ((gsize) 1024 * 1024)

static void
push (FerryMonitor *self, FerryLink *link, const FerryBufferNews *news, GBytes *buffer)
{
  FerryBlock *block =
    ferry_local_queue_take_block (self->local, link, news->message_kind != 0 ? FERRY_BLOCK_LARGE : FERRY_BLOCK_BUFFER);

  block->connection_id = news->connection_id;
  block->message_kind = news->message_kind;
  block->number = news->type_number;
  block->data = news->metadata;
  block->size = news->message_kind != 0 ? g_bytes_get_size (buffer) : news->metadata_size;
  /* A message counts against the queue, wherever it lies. The bytes of a buffer are counted elsewhere. */
  block->charge = sizeof *block + block->size;
  if (news->message_kind == 0)
    block->share = ferry_local_queue_get_buffer_share (g_bytes_get_size (buffer));
  block->buffer = buffer;
  ferry_monitor_push (self, block);
}

/* Whether a message in a buffer is no deeper than it may be. What has a pipe that is gone is dropped later. */
static gboolean
allows (FerryMonitor *self, FerryLink *link, const FerryBufferNews *news, gconstpointer data, gsize size)
{
  const FerryGrantEntry *grant =
    news->message_kind != 0 ? ferry_monitor_find_grant (self, link, news->connection_id) : NULL;

  return grant == NULL || ferry_grant_entry_allows (grant, news->type_number, data, size);
}

/* Goes on with the copy that is under way. Returns EMPTY when there is none, or what is wrong with it in *fault. The
 * queue may have filled since it was begun, and a message counts there. */
FerryDrainResult
ferry_monitor_copy_buffer (FerryMonitor *self, FerryLink *link, const char **fault)
{
  FerryBufferCopy *copy = &link->copy;
  gsize size = MIN (copy->message.size - copy->filled, COPY_PER_VISIT);

  if (copy->memory.data == NULL)
    return FERRY_DRAIN_EMPTY;
  if (!ferry_local_queue_has_room (self->local, link))
    return FERRY_DRAIN_STALLED;
  memcpy (copy->memory.data + copy->filled, link->arena->memory + copy->message.offset + copy->filled, size);
  copy->filled += size;
  if (copy->filled < copy->message.size)
    return FERRY_DRAIN_MORE;
  if (!allows (self, link, &copy->news, copy->memory.data, copy->message.size))
    {
      *fault = FERRY_FAULT_TOO_DEEP;
      return FERRY_DRAIN_MORE;
    }
  ferry_arena_let_go (link->arena, copy->message.number);
  push (self, link, &copy->news, ferry_local_queue_keep_copy (self->local, link, copy->memory, copy->message.size));
  *copy = (FerryBufferCopy){0};
  return FERRY_DRAIN_MORE;
}

/* What is spare gives way to a buffer that there is else no room for. */
static void
make_room (FerryMonitor *self, FerryLink *link, gsize size)
{
  FerryMemoryAccount *account = ferry_local_queue_get_account (self->local);

  if (ferry_spare_memory_fits (&link->spare, size) || ferry_memory_account_has_room (account, size))
    return;
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    ferry_spare_memory_drop (&((FerryLink *) node->data)->spare);
}

/* Returns FALSE when there is no memory. */
static gboolean
begin_copy (FerryMonitor *self, FerryLink *link, const FerryBufferMessage *message, const FerryBufferNews *news)
{
  FerryMemory memory;

  ferry_arena_set_copied (link->arena);
  make_room (self, link, message->size);
  if (!ferry_spare_memory_take (&link->spare, message->size, &memory))
    return FALSE;
  link->copy = (FerryBufferCopy){.memory = memory, .message = *message, .news = *news};
  return TRUE;
}

/* Hands on the buffer, or begins to copy it. news is taken over. Returns what is wrong with it, or NULL. */
static const char *
take (FerryMonitor *self, FerryLink *link, const FerryBufferMessage *message, FerryBufferNews *news)
{
  const char *fault =
    link->arena != NULL ? ferry_arena_take (link->arena, message) : "it sent a buffer over a link without buffers";

  if (fault == NULL && !link->trusted && !begin_copy (self, link, message, news))
    {
      ferry_arena_let_go (link->arena, message->number);
      fault = "there is no memory for a copy of its buffer; trust it, or have it send less at a time";
    }
  if (fault == NULL && link->trusted &&
      !allows (self, link, news, link->arena->memory + message->offset, message->size))
    {
      ferry_arena_let_go (link->arena, message->number);
      fault = FERRY_FAULT_TOO_DEEP;
    }
  if (fault != NULL)
    {
      g_free (news->metadata);
      return fault;
    }
  link->buffers_since += message->size;
  ferry_monitor_tidy_later (self);
  if (link->trusted)
    push (self, link, news, ferry_local_queue_keep_loan (self->local, link, message));
  return NULL;
}

/* message_size: what comes before the metadata. */
static gboolean
is_well_formed (const FerryRecordHeader *header, gsize message_size, const FerryGrantEntry *grant)
{
  return header->length >= message_size && header->number <= grant->n_types &&
         (header->number != 0 || header->length == message_size);
}

/* Returns what is wrong with it, or NULL. */
static const char *
take_metadata (FerryBufferNews *news, const FerryGrantEntry *grant, const FerryRecordHeader *header, gsize message_size,
               const guint8 *place)
{
  news->metadata_size = header->length - message_size;
  news->metadata = g_memdup2 (place + sizeof *header + message_size, news->metadata_size);
  if (ferry_grant_entry_allows (grant, news->type_number, news->metadata, news->metadata_size))
    return NULL;
  g_clear_pointer (&news->metadata, g_free);
  return FERRY_FAULT_TOO_DEEP;
}

/* A record of a buffer, at place, whose header was copied and whose length is in the lane. Returns what is wrong with
 * it, or NULL. */
const char *
ferry_monitor_take_buffer (FerryMonitor *self, FerryLink *link, const FerryGrantEntry *grant,
                           const FerryRecordHeader *header, const guint8 *place)
{
  FerryBufferMessage message;
  FerryBufferNews news = {.connection_id = header->connection_id, .type_number = header->number};
  const char *fault;

  if (ferry_offers_allows (link->offers, grant->index))
    return "it sent a buffer through a pipe without such buffers";
  if (!is_well_formed (header, sizeof message, grant))
    return "its record of a buffer is malformed; it must have 24 bytes or more, metadata only with a type, and a type "
           "that its pipe has announced";
  memcpy (&message, place + sizeof *header, sizeof message);
  fault = take_metadata (&news, grant, header, sizeof message, place);
  return fault != NULL ? fault : take (self, link, &message, &news);
}

/* A large message, which was checked but for its place: that is what is left to read. */
const char *
ferry_monitor_take_large (FerryMonitor *self, FerryLink *link, guint64 connection_id, const FerryLargeMessage *large,
                          const guint8 *place)
{
  FerryBufferNews news = {
    .connection_id = connection_id,
    .message_kind = large->kind,
    .type_number = large->number,
  };
  FerryBufferMessage message;

  memcpy (&message, place, sizeof message);
  if (message.size != large->size)
    return "its large message is not as long as the buffer that it lies in; both sizes of its large record must be the "
           "same";
  return take (self, link, &message, &news);
}

/* any */
static void
looked (gpointer queue)
{
  ferry_local_queue_ring (queue);
  ferry_local_queue_unref (queue);
}

/* The same for one whose memory was offered before. What comes behind it in the lane waits until that was looked at. */
const char *
ferry_monitor_take_one_shot (FerryMonitor *self, FerryLink *link, const FerryGrantEntry *grant,
                             const FerryRecordHeader *header, const guint8 *place)
{
  FerryOneShotMessage message;
  FerryBufferNews news = {.connection_id = header->connection_id, .type_number = header->number};
  const char *fault;
  int fd = -1;

  if (link->arena == NULL || !ferry_offers_allows (link->offers, grant->index))
    return "it sent a one-shot buffer through a pipe without such buffers";
  if (!is_well_formed (header, sizeof message, grant))
    return "its record of a one-shot buffer is malformed; it must have 16 bytes or more, metadata only with a type, "
           "and "
           "a type that its pipe has announced";
  memcpy (&message, place + sizeof *header, sizeof message);
  fault = take_metadata (&news, grant, header, sizeof message, place);
  if (fault != NULL)
    return fault;
  fault = ferry_offers_take (link->offers, link->control, message.number, &fd);
  if (fault != NULL)
    {
      g_free (news.metadata);
      return fault;
    }
  link->arrival = (FerryOneShotArrival){.size = message.size, .news = news};
  link->arrival.check = ferry_one_shot_check_begin (fd, message.size, link->arena->size - FERRY_ARENA_CONTROL_SIZE,
                                                    looked, ferry_local_queue_ref (self->local));
  return NULL;
}

/* Whether nobody looks at memory that came over the link. */
gboolean
ferry_monitor_has_looked (const FerryLink *link)
{
  return link->arrival.check == NULL || ferry_one_shot_check_is_done (link->arrival.check);
}

/* Goes on with the one-shot buffer whose memory was looked at. Returns EMPTY when there is none, or what is wrong with
 * it in *fault. */
FerryDrainResult
ferry_monitor_finish_one_shot (FerryMonitor *self, FerryLink *link, const char **fault)
{
  FerryOneShotArrival *arrival = &link->arrival;
  guint8 *data;

  if (arrival->check == NULL)
    return FERRY_DRAIN_EMPTY;
  if (!ferry_monitor_has_looked (link) || !ferry_local_queue_has_room (self->local, link))
    return FERRY_DRAIN_STALLED;
  *fault = ferry_one_shot_check_end (arrival->check, &data);
  if (*fault == NULL)
    push (self, link, &arrival->news, ferry_local_queue_keep_mapping (self->local, link, data, arrival->size));
  else
    g_free (arrival->news.metadata);
  *arrival = (FerryOneShotArrival){0};
  return FERRY_DRAIN_MORE;
}
