/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a lane into blocks.
 *
 * Threads:   whoever drains the shared queue: the monitor.
 * Trust:     the bytes of a lane may change under our eyes, so they are copied first, and only the copy is checked
 *            and used. What fails ends the link: the records before it are delivered, nothing after it is.
 *
 * Small records are copied many at a time into a block. The pieces of a large message are copied one at a time, their
 * header first, straight to where the message is put together; that is one copy for their bytes as well. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "route/ferry-monitor-private.h"

/* How much of a large message is taken in one visit, so that the links take turns. */
#define PIECES_PER_VISIT 4

/* A main context that is faster than the monitor would be woken for each block, and go back to sleep after it. So a
 * ping waits for a few blocks, or for the end of what there is to drain. */
#define BLOCKS_PER_PING 4

/* The memory of a large message grows as its bytes come, since a worker can promise much and send nothing. */
#define FIRST_ALLOCATION (1024 * 1024)

/* What one walk over copied records found. */
typedef struct
{
  FerryLink *link;
  gsize size;             /* bytes of whole, valid records at the beginning */
  char *fault;            /* (owned) (nullable): what broke the protocol */
  FerryGrantEntry *grant; /* of the latest record */
  gboolean wants_memory;  /* the next record is a buffer or a large message, which the link may not have now */
} Walk;

static gboolean refuse (Walk *walk, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
refuse (Walk *walk, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  walk->fault = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return FALSE;
}

static gboolean
find_grant (FerryMonitor *self, Walk *walk, guint64 connection_id)
{
  if (G_LIKELY (walk->grant != NULL && walk->grant->connection_id == connection_id))
    return TRUE;
  walk->grant = ferry_monitor_find_grant (self, walk->link, connection_id);
  if (walk->grant == NULL)
    return refuse (walk, "it used the connection id %" G_GUINT64_FORMAT ", which it was not granted", connection_id);
  return TRUE;
}

static gboolean
check_type (Walk *walk, const FerryRecordHeader *header, const char *payload)
{
  FerryGrantEntry *grant = walk->grant;
  const char *fault;

  if (header->length > FERRY_MAX_TYPE_STRING || header->number != walk->grant->n_types + 1 ||
      header->number > FERRY_MAX_TYPES_PER_PIPE)
    return refuse (walk, "it announced type number %u of %u bytes after %u types", header->number, header->length,
                   walk->grant->n_types);
  fault = ferry_type_verdict_to_fault (ferry_depth_judge_type (payload, header->length));
  if (fault != NULL)
    return refuse (walk, "what it announced as type number %u %s; it must send other types", header->number, fault);
  grant->n_types++;
  if (grant->deep == NULL)
    grant->deep = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (grant->deep,
                   ferry_depth_varies (payload, header->length) ? g_strndup (payload, header->length) : NULL);
  return TRUE;
}

/* Checks a record that is wholly in the copy. */
static gboolean
check_record (FerryMonitor *self, Walk *walk, const FerryRecordHeader *header, const char *payload)
{
  if (G_UNLIKELY (!find_grant (self, walk, header->connection_id)))
    return FALSE;
  if (G_LIKELY (header->kind == FERRY_RECORD_BYTES))
    return header->number == 0 || refuse (walk, "it gave plain bytes the type number %u", header->number);
  switch (header->kind)
    {
    case FERRY_RECORD_VARIANT:
      if (header->number < 1 || header->number > walk->grant->n_types)
        return refuse (walk, "it used type number %u, of %u announced", header->number, walk->grant->n_types);
      return ferry_grant_entry_allows (walk->grant, header->number, payload, header->length) ||
             refuse (walk, FERRY_FAULT_TOO_DEEP);
    case FERRY_RECORD_TYPE:
      return check_type (walk, header, payload);
    case FERRY_RECORD_STOP:
      ferry_grant_entry_set_done (walk->grant);
      return header->length == 0 || refuse (walk, "its stop record has a payload");
    default:
      return refuse (walk, "it wrote a record of the unknown kind %u", header->kind);
    }
}

/* What has a block of its own. */
static gboolean
is_single (guint16 kind)
{
  return kind == FERRY_RECORD_LARGE || kind == FERRY_RECORD_PIECE || kind == FERRY_RECORD_ABANDON ||
         kind == FERRY_RECORD_BUFFER || kind == FERRY_RECORD_ONE_SHOT;
}

/* The end of the run of records that are like the valid one of plain bytes at offset: same pipe, same length. This is
 * most of all traffic. That the next record is like this one is guessed, and only checked: the processor need not wait
 * for one length to know where the next one is. */
static gsize
skip_alike (const guint8 *data, gsize offset, gsize size)
{
  const FerryRecordHeader first = *(const FerryRecordHeader *) (const void *) (data + offset);
  gsize record_size = ferry_record_size (first.length);

  for (offset += record_size; size - offset >= record_size; offset += record_size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (data + offset);

      if (memcmp (header, &first, sizeof first) != 0)
        break;
    }
  return offset;
}

/* Walks over size copied bytes, which are all there is when complete. Stops before what has a block of its own,
 * and before a record that the copy cut off. */
static void
walk_records (FerryMonitor *self, Walk *walk, const guint8 *data, gsize size, gboolean complete)
{
  while (walk->size < size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (data + walk->size);
      gsize left = size - walk->size;
      gsize record_size;

      if (G_UNLIKELY (left < sizeof *header))
        {
          if (complete)
            refuse (walk,
                    "its tail leaves %" G_GSIZE_FORMAT
                    " bytes behind its last record, and a header has %" G_GSIZE_FORMAT
                    "; it must publish whole records",
                    left, sizeof *header);
          return;
        }
      if (G_UNLIKELY (header->length > FERRY_MAX_RECORD_PAYLOAD))
        {
          refuse (walk, "it wrote a record of %u bytes, of which one has at most %u; it must send more in pieces",
                  header->length, (guint) FERRY_MAX_RECORD_PAYLOAD);
          return;
        }
      record_size = ferry_record_size (header->length);
      if (G_UNLIKELY (record_size > left))
        {
          if (complete)
            refuse (walk,
                    "its last record has %u bytes, which go beyond what it published; it must publish whole records",
                    header->length);
          return;
        }
      if (G_UNLIKELY (is_single (header->kind)))
        return;
      if (G_UNLIKELY (!check_record (self, walk, header, (const char *) (header + 1))))
        return;
      if (G_LIKELY (header->kind == FERRY_RECORD_BYTES))
        walk->size = skip_alike (data, walk->size, size);
      else
        walk->size += record_size;
    }
}

/* monitor: hands a block to the router's thread. */
void
ferry_monitor_push (FerryMonitor *self, FerryBlock *block)
{
  if (block->kind <= FERRY_BLOCK_BUFFER)
    block->up_head = block->link->up.head;
  atomic_fetch_add_explicit (&self->n_blocks, 1, memory_order_relaxed);
  ferry_local_queue_push (self->local, block);
  if (++self->n_unpinged == BLOCKS_PER_PING)
    ferry_monitor_ping (self);
}

/* monitor: has the blocks that were pushed dispatched. */
void
ferry_monitor_ping (FerryMonitor *self)
{
  if (self->n_unpinged == 0)
    return;
  self->n_unpinged = 0;
  ferry_pingee_ping (self->pingee);
}

static gboolean
begin_large (FerryMonitor *self, Walk *walk, const FerryRecordHeader *header, const guint8 *place)
{
  FerryAssembly *assembly = &walk->link->assembly;
  const gsize with_buffer = sizeof (FerryLargeMessage) + sizeof (FerryBufferMessage);
  const gboolean is_whole = header->length == with_buffer;
  FerryLargeMessage large;
  const char *fault;

  if (header->length != sizeof large && !is_whole)
    return refuse (walk,
                   "it wrote a large record of %u bytes; it must have %" G_GSIZE_FORMAT ", or %" G_GSIZE_FORMAT
                   " with a buffer",
                   header->length, sizeof large, with_buffer);
  if (!is_whole && assembly->data != NULL)
    return refuse (walk,
                   "it began a large message within another, of which %" G_GSIZE_FORMAT " of %" G_GSIZE_FORMAT
                   " bytes have come; it must send the rest first, or abandon it",
                   assembly->filled, (gsize) assembly->size);
  memcpy (&large, place + sizeof *header, sizeof large);
  if (large.size <= FERRY_MAX_RECORD_PAYLOAD)
    return refuse (walk,
                   "it announced a large message of %" G_GUINT64_FORMAT " bytes; it must send what has no more than "
                   "%u in a record",
                   large.size, (guint) FERRY_MAX_RECORD_PAYLOAD);
  if (large.size > walk->link->max_message_size)
    return refuse (walk,
                   "it announced a large message of %" G_GUINT64_FORMAT " bytes, where %" G_GUINT64_FORMAT
                   " are allowed; it must send it in parts, or FerryRouter:max-message-size be raised",
                   large.size, walk->link->max_message_size);
  if (!(large.kind == FERRY_RECORD_BYTES && large.number == 0) &&
      !(large.kind == FERRY_RECORD_VARIANT && large.number >= 1 && large.number <= walk->grant->n_types))
    return refuse (walk,
                   "it announced a large message of kind %u and type number %u, of %u announced; it must be of kind %d "
                   "and number 0, or of kind %d and the number of a type",
                   large.kind, large.number, walk->grant->n_types, FERRY_RECORD_BYTES, FERRY_RECORD_VARIANT);
  if (is_whole)
    {
      fault = ferry_monitor_take_large (self, walk->link, header->connection_id, &large,
                                        place + sizeof *header + sizeof large);
      return fault == NULL || refuse (walk, "%s", fault);
    }
  *assembly = (FerryAssembly){
    .size = large.size,
    .allocated = MIN (large.size, FIRST_ALLOCATION),
    .connection_id = header->connection_id,
    .kind = large.kind,
    .number = large.number,
  };
  assembly->data = g_malloc (assembly->allocated);
  return TRUE;
}

static void
finish_large (FerryMonitor *self, FerryLink *link)
{
  FerryAssembly *assembly = &link->assembly;
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_LARGE);

  block->size = block->charge = assembly->size;
  block->connection_id = assembly->connection_id;
  block->message_kind = assembly->kind;
  block->number = assembly->number;
  block->data = g_steal_pointer (&assembly->data);
  ferry_assembly_clear (assembly);
  ferry_monitor_push (self, block);
}

static gboolean
add_piece (FerryMonitor *self, Walk *walk, const FerryRecordHeader *header, const guint8 *place)
{
  FerryAssembly *assembly = &walk->link->assembly;

  if (assembly->data == NULL || assembly->connection_id != header->connection_id)
    return refuse (walk,
                   "it wrote a piece of %u bytes that belongs to no message%s; it must begin one with a large record",
                   header->length, assembly->data != NULL ? " of its pipe, while another pipe's is under way" : "");
  if (header->length == 0)
    return refuse (walk, "it wrote a piece of 0 bytes; it must have at least one");
  if (header->length > assembly->size - assembly->filled)
    return refuse (walk,
                   "it wrote a piece of %u bytes, where %" G_GSIZE_FORMAT " are left of the size that its large record "
                   "announced",
                   header->length, (gsize) (assembly->size - assembly->filled));
  if (assembly->filled + header->length > assembly->allocated)
    {
      assembly->allocated = MIN (assembly->size, assembly->allocated * 2);
      assembly->data = g_realloc (assembly->data, assembly->allocated);
    }
  memcpy (assembly->data + assembly->filled, place + sizeof *header, header->length);
  assembly->filled += header->length;
  if (assembly->filled < assembly->size)
    return TRUE;
  if (!ferry_grant_entry_allows (walk->grant, assembly->number, assembly->data, assembly->size))
    return refuse (walk, FERRY_FAULT_TOO_DEEP);
  finish_large (self, walk->link);
  return TRUE;
}

static gboolean
take_buffer (FerryMonitor *self, Walk *walk, const FerryRecordHeader *header, const guint8 *place)
{
  gboolean one_shot = header->kind == FERRY_RECORD_ONE_SHOT;
  const char *fault = one_shot ? ferry_monitor_take_one_shot (self, walk->link, walk->grant, header, place)
                               : ferry_monitor_take_buffer (self, walk->link, walk->grant, header, place);

  return fault == NULL || refuse (walk, "%s", fault);
}

static gboolean
handle_single_record (FerryMonitor *self, Walk *walk, const FerryRecordHeader *header, const guint8 *place)
{
  if (!find_grant (self, walk, header->connection_id))
    return FALSE;
  if (header->kind == FERRY_RECORD_BUFFER || header->kind == FERRY_RECORD_ONE_SHOT)
    return take_buffer (self, walk, header, place);
  if (header->kind == FERRY_RECORD_LARGE)
    return begin_large (self, walk, header, place);
  if (header->kind == FERRY_RECORD_PIECE)
    return add_piece (self, walk, header, place);
  if (header->length != 0 || walk->link->assembly.data == NULL ||
      walk->link->assembly.connection_id != header->connection_id)
    return refuse (walk,
                   "it wrote an abandon record of %u bytes for a message that it had not begun; it must have 0, and "
                   "a large record of its pipe before it",
                   header->length);
  ferry_assembly_clear (&walk->link->assembly);
  return TRUE;
}

/* Whether the application must have room for it. */
static gboolean
takes_memory (guint16 kind)
{
  return kind == FERRY_RECORD_LARGE || kind == FERRY_RECORD_BUFFER || kind == FERRY_RECORD_ONE_SHOT;
}

/* Takes records that have a block of their own from the lane, up to the end of a message. Returns whether there was
 * one. */
static gboolean
drain_single (FerryMonitor *self, Walk *walk)
{
  FerryLaneReader *lane = &walk->link->up;

  for (guint n = 0; n < PIECES_PER_VISIT; n++)
    {
      gsize available = ferry_lane_reader_get_available (lane);
      const guint8 *place = ferry_lane_reader_get_place (lane);
      FerryRecordHeader header;

      if (available < sizeof header)
        return n > 0;
      memcpy (&header, place, sizeof header);
      if (!is_single (header.kind))
        return n > 0;
      if (header.length > FERRY_MAX_RECORD_PAYLOAD || ferry_record_size (header.length) > available)
        return refuse (walk,
                       "it wrote a record of %u bytes that goes beyond what it published; it must publish whole "
                       "records, of at most %u bytes",
                       header.length, (guint) FERRY_MAX_RECORD_PAYLOAD);
      walk->wants_memory = takes_memory (header.kind) && !ferry_local_queue_has_memory (self->local, walk->link);
      if (walk->wants_memory)
        return TRUE;
      if (!handle_single_record (self, walk, &header, place))
        return FALSE;
      ferry_lane_reader_consume (lane, ferry_record_size (header.length));
      walk->link->n_since++;
      if (header.kind != FERRY_RECORD_PIECE || walk->link->assembly.data == NULL)
        return TRUE;
    }
  return TRUE;
}

/* How many records it has, were all as long as the first. */
static gsize
count_alike (const FerryBlock *block)
{
  const FerryRecordHeader *first = (const FerryRecordHeader *) (const void *) block->data;

  return (block->size - 1) / ferry_record_size (first->length) + 1;
}

static void
drain_small (FerryMonitor *self, Walk *walk)
{
  FerryLink *link = walk->link;
  gsize available = ferry_lane_reader_get_available (&link->up);
  gsize size = MIN (available, FERRY_BLOCK_SIZE);
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_RECORDS);

  memcpy (block->data, ferry_lane_reader_get_place (&link->up), size);
  walk_records (self, walk, block->data, size, size == available);
  block->size = walk->size;
  if (walk->size == 0)
    {
      ferry_local_queue_give_back (self->local, block);
      return;
    }
  block->charge = FERRY_BLOCK_SIZE;
  link->n_since += count_alike (block);
  ferry_lane_reader_consume (&link->up, walk->size);
  ferry_monitor_push (self, block);
}

/* After a fault that is none of a record, and after the end of the process, one last look is final: the worker, and
 * others who hold the memory, may go on writing. */
static void
look (FerryMonitor *self, FerryLink *link)
{
  const FerryLaneReader *lane = &link->up;
  g_autofree char *fault = NULL;

  if (link->tail_final)
    return;
  link->tail_final = link->state == FERRY_LINK_ENDED;
  if (ferry_lane_reader_look (&link->up))
    return;
  fault = g_strdup_printf ("it stored %" G_GUINT64_FORMAT
                           " as its up lane's tail, which has to be a multiple of 8 from %" G_GUINT64_FORMAT
                           " to %" G_GUINT64_FORMAT "; it must store the end of what it has written",
                           lane->refused, lane->tail, lane->head + lane->capacity);
  ferry_shared_queue_fault (self->shared, link, fault);
}

/* A record broke a rule: nothing behind it is looked at. */
static void
refuse_record (FerryMonitor *self, FerryLink *link, const char *fault)
{
  link->draining_done = TRUE;
  ferry_shared_queue_apply (self->shared, link, FERRY_LINK_FAULT, fault);
}

/* Goes on with a buffer that is under way. Returns EMPTY when there is none. */
static FerryDrainResult
go_on (FerryMonitor *self, FerryLink *link, const char **fault)
{
  FerryDrainResult result = ferry_monitor_copy_buffer (self, link, fault);

  return result == FERRY_DRAIN_EMPTY ? ferry_monitor_finish_one_shot (self, link, fault) : result;
}

static FerryDrainResult
drain (FerryMonitor *self, FerryLink *link)
{
  Walk walk = {.link = link};
  gboolean caught_up = FALSE;
  const char *fault = NULL;
  FerryDrainResult gone_on;

  if (link->draining_done)
    return FERRY_DRAIN_EMPTY;
  gone_on = go_on (self, link, &fault);
  if (fault != NULL)
    {
      refuse_record (self, link, fault);
      return FERRY_DRAIN_MORE;
    }
  if (gone_on != FERRY_DRAIN_EMPTY)
    return gone_on;
  look (self, link);
  if (ferry_lane_reader_get_available (&link->up) == 0)
    {
      link->draining_done = link->tail_final;
      return FERRY_DRAIN_EMPTY;
    }
  if (!ferry_local_queue_has_room (self->local, link))
    return FERRY_DRAIN_STALLED;
  if (!drain_single (self, &walk) && walk.fault == NULL)
    {
      caught_up = ferry_lane_reader_get_available (&link->up) < FERRY_BLOCK_SIZE;
      drain_small (self, &walk);
    }
  if (walk.fault != NULL)
    {
      refuse_record (self, link, walk.fault);
      g_free (walk.fault);
    }
  link->wants_memory = walk.wants_memory;
  if (link->wants_memory)
    return FERRY_DRAIN_STALLED;
  return caught_up ? FERRY_DRAIN_CAUGHT_UP : FERRY_DRAIN_MORE;
}

/* monitor: one visit to a link. */
FerryDrainResult
ferry_monitor_drain (FerryMonitor *self, FerryLink *link)
{
  FerryDrainResult result = drain (self, link);

  /* Release: what was pushed before is counted in share_out for a thread that sees this. */
  if (link->copy.memory.data == NULL && link->arrival.check == NULL)
    atomic_store_explicit (&link->up_taken, link->up.head, memory_order_release);
  return result;
}
