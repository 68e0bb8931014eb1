/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fuzz-monitor.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "engine/ferry-monitor-private.h"
#include "lane/ferry-lane-private.h"

#define N_PIPES 2
#define ARENA_CAPACITY (200 * 1024)

struct _FuzzMonitor
{
  FerrySharedQueue *shared;
  FerryLocalQueue *local;
  FerryPingee *pingee;
  FerryDrain *drain;
  FerryLink *link;
  GPtrArray *types[N_PIPES + 1]; /* (element-type utf8): by the connection id: what came out of the local queue */
  GPtrArray *kept;               /* (element-type GBytes) */
  guint64 tail;                  /* of what is written */
  guint64 published;             /* of that, what the monitor knows */
};

static gboolean
do_nothing (gpointer data)
{
  return FALSE;
}

/* As ferry_monitor_new() does, without the thread. */
static void
make_drain (FuzzMonitor *self)
{
  g_autoptr (FerryMemoryAccount) account = ferry_memory_account_new (1024 * 1024 * 1024);

  self->pingee = ferry_pingee_new (0, -1, do_nothing, NULL);
  self->shared = ferry_shared_queue_new (NULL);
  self->local = ferry_local_queue_new (self->shared, account, 16 * 1024 * 1024, NULL);
  self->drain = ferry_drain_new (self->shared, self->local, self->pingee, G_USEC_PER_SEC);
}

static FuzzMonitor *
make (gsize arena_size, gboolean trusted)
{
  const guint64 connection_ids[N_PIPES] = {1, 2};
  const guint32 cells[N_PIPES] = {FERRY_NO_CELL, FERRY_NO_CELL};
  FuzzMonitor *self = g_new0 (FuzzMonitor, 1);

  make_drain (self);
  self->link =
    ferry_link_new ("fuzz", connection_ids, cells, N_PIPES, FUZZ_CAPACITY, arena_size, FUZZ_MAX_MESSAGE, NULL);
  self->link->local = TRUE;
  self->link->trusted = trusted;
  self->kept = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  ferry_drain_grant (self->drain, self->link);
  for (guint i = 0; i < N_PIPES; i++)
    self->types[i + 1] = g_ptr_array_new_with_free_func (g_free);
  g_assert_true (ferry_shared_queue_add (self->shared, self->link, NULL));
  return self;
}

FuzzMonitor *
fuzz_monitor_new (void)
{
  return make (0, FALSE);
}

FuzzMonitor *
fuzz_monitor_new_with_buffers (gboolean trusted)
{
  return make (ferry_arena_size_for (ARENA_CAPACITY), trusted);
}

void
fuzz_monitor_free (FuzzMonitor *self)
{
  g_ptr_array_set_size (self->kept, 0);
  /* What is being copied was not let go of. */
  g_assert_true (self->link->arena == NULL || self->link->intake.copy.memory.data != NULL ||
                 self->link->arena->held == 0);
  g_assert_cmpint (atomic_load (&self->link->out.kept), ==, 0);
  ferry_drain_revoke (self->drain, self->link);
  ferry_shared_queue_remove (self->shared, self->link);
  g_assert_cmpint (atomic_load (&self->link->out.share), ==, 0);
  g_assert_cmpint (atomic_load (&self->link->references), ==, 1);
  ferry_link_unref (self->link);
  ferry_drain_free (self->drain);
  ferry_local_queue_unref (self->local);
  ferry_shared_queue_free (self->shared);
  ferry_pingee_unref (self->pingee);
  for (guint i = 1; i <= N_PIPES; i++)
    g_ptr_array_unref (self->types[i]);
  g_ptr_array_unref (self->kept);
  g_free (self);
}

guint8 *
fuzz_monitor_get_ring (FuzzMonitor *self)
{
  return self->link->segment.up_ring;
}

guint8 *
fuzz_monitor_get_payload (FuzzMonitor *self)
{
  return fuzz_monitor_get_ring (self) + self->tail % FUZZ_CAPACITY + sizeof (FerryRecordHeader);
}

gsize
fuzz_monitor_write (FuzzMonitor *self, guint8 kind, guint8 number, guint64 connection_id, gsize length)
{
  const FerryRecordHeader header = {(guint32) length, kind, number, connection_id};

  memcpy (fuzz_monitor_get_ring (self) + self->tail % FUZZ_CAPACITY, &header, sizeof header);
  self->tail += ferry_record_size (length);
  memset (fuzz_monitor_get_ring (self) + self->tail % FUZZ_CAPACITY, 0, sizeof (guint64));
  return self->tail - self->published;
}

void
fuzz_monitor_drop (FuzzMonitor *self, guint index)
{
  if (self->kept->len > 0)
    g_ptr_array_remove_index (self->kept, index % self->kept->len);
}

/* As the router makes it, of memory of just that size. */
static void
check_variant (FuzzMonitor *self, guint64 connection_id, guint16 number, gconstpointer data, gsize size)
{
  gpointer copy = g_memdup2 (data, size);
  const char *type = g_ptr_array_index (self->types[connection_id], number - 1);
  g_autoptr (GVariant) variant =
    g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (type), copy, size, FALSE, g_free, copy));

  fuzz_read_variant (variant);
}

static void
check_message (FuzzMonitor *self, guint64 connection_id, guint16 kind, guint16 number, gconstpointer data, gsize size)
{
  fuzz_n_accepted++;
  g_assert_cmpuint (connection_id, >=, 1);
  g_assert_cmpuint (connection_id, <=, N_PIPES);
  if (kind == FERRY_RECORD_BYTES)
    g_assert_cmpuint (number, ==, 0);
  if (kind != FERRY_RECORD_VARIANT)
    return;
  g_assert_true (number >= 1 && number <= self->types[connection_id]->len);
  check_variant (self, connection_id, number, data, size);
}

/* What the router's thread relies on. */
static void
check_records (FuzzMonitor *self, const FerryBlock *block)
{
  gsize size = 0;

  g_assert_cmpuint (block->size, <=, FERRY_BLOCK_SIZE);
  while (size < block->size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (block->data + size);
      g_autofree char *type = NULL;

      g_assert_cmpuint (block->size - size, >=, sizeof *header);
      g_assert_cmpuint (header->length, <=, FERRY_MAX_RECORD_PAYLOAD);
      check_message (self, header->connection_id, header->kind, header->number, header + 1, header->length);
      size += ferry_record_size (header->length);
      if (header->kind == FERRY_RECORD_TYPE)
        {
          type = g_strndup ((const char *) (header + 1), header->length);
          g_assert_true (g_variant_type_string_is_valid (type));
          g_ptr_array_add (self->types[header->connection_id], g_steal_pointer (&type));
          g_assert_cmpuint (header->number, ==, self->types[header->connection_id]->len);
          g_assert_cmpuint (header->number, <=, FERRY_MAX_TYPES_PER_PIPE);
        }
      else
        g_assert_true (header->kind == FERRY_RECORD_BYTES || header->kind == FERRY_RECORD_VARIANT ||
                       (header->kind == FERRY_RECORD_STOP && header->length == 0));
    }
  g_assert_cmpuint (size, ==, block->size);
}

/* What lies in a buffer, and is kept: a trusted worker's in the arena, any other's does not. */
static void
check_memory (FuzzMonitor *self, const FerryBlock *block)
{
  const FerryArena *arena = self->link->arena;
  gsize size;
  const guint8 *data = g_bytes_get_data (block->buffer, &size);
  gboolean in_arena = data >= arena->memory && data < arena->memory + arena->size;

  g_assert_cmpint (in_arena, ==, self->link->trusted);
  g_assert_true (size > 0 && size <= ARENA_CAPACITY);
  g_assert_true (!in_arena || size <= (gsize) (arena->memory + arena->size - data));
  g_assert_cmpuint (g_bytes_hash (block->buffer), ==, g_bytes_hash (block->buffer));
  g_ptr_array_add (self->kept, g_bytes_ref (block->buffer));
}

static void
check_buffer (FuzzMonitor *self, const FerryBlock *block)
{
  check_memory (self, block);
  check_message (self, block->connection_id, block->number != 0 ? FERRY_RECORD_VARIANT : FERRY_RECORD_BYTES,
                 block->number, block->data, block->size);
}

static void
check_large (FuzzMonitor *self, const FerryBlock *block)
{
  g_assert_cmpuint (block->size, >, FERRY_MAX_RECORD_PAYLOAD);
  g_assert_cmpuint (block->size, <=, FUZZ_MAX_MESSAGE);
  g_assert_true (block->message_kind == FERRY_RECORD_BYTES || block->message_kind == FERRY_RECORD_VARIANT);
  if (block->buffer != NULL)
    {
      g_assert_null (block->data);
      g_assert_cmpuint (g_bytes_get_size (block->buffer), ==, block->size);
      check_memory (self, block);
      check_message (self, block->connection_id, block->message_kind, block->number,
                     g_bytes_get_data (block->buffer, NULL), block->size);
      return;
    }
  check_message (self, block->connection_id, block->message_kind, block->number, block->data, block->size);
  /* Reads all of it, for what watches over memory to see. */
  g_assert_nonnull (block->data);
  g_free (g_memdup2 (block->data, block->size));
}

static void
check_block (FuzzMonitor *self, const FerryBlock *block)
{
  if (block->kind == FERRY_BLOCK_RECORDS)
    check_records (self, block);
  else if (block->kind == FERRY_BLOCK_LARGE)
    check_large (self, block);
  else
    check_buffer (self, block);
}

static void
check_queue (FuzzMonitor *self)
{
  FerryBlock *block = ferry_local_queue_pop_all (self->local);

  while (block != NULL)
    {
      FerryBlock *next = block->next;

      check_block (self, block);
      ferry_local_queue_give_back (self->local, block);
      block = next;
    }
}

/* What was taken from the lane counts as dispatched when its blocks were, and none of it is being copied. */
static void
check_dispatched (FuzzMonitor *self, FerryLink *link)
{
  gboolean in_hand = link->intake.copy.memory.data != NULL;

  if (atomic_load (&link->out.share) > 0)
    g_assert_false (ferry_link_has_dispatched (link, link->up.head));
  check_queue (self);
  g_assert_true (ferry_link_has_dispatched (link, link->up.head) == !in_hand);
}

gboolean
fuzz_monitor_publish (FuzzMonitor *self)
{
  return fuzz_monitor_publish_tail (self, self->tail);
}

gboolean
fuzz_monitor_publish_tail (FuzzMonitor *self, guint64 tail)
{
  FerryDrainResult result;

  self->published = tail;
  atomic_store (&ferry_segment_get_up (&self->link->segment)->writer.index, tail);
  do
    {
      result = ferry_drain_visit (self->drain, self->link);
      g_assert_cmpint (atomic_load (&self->link->out.share), <=, FERRY_LINK_WINDOW + FUZZ_MAX_MESSAGE);
      check_dispatched (self, self->link);
      if (result == FERRY_DRAIN_STALLED)
        fuzz_monitor_drop (self, 0);
    }
  while (result != FERRY_DRAIN_EMPTY);
  g_assert_true ((self->link->cause == FERRY_CLOSE_REASON_PROTOCOL_ERROR) == self->link->draining_done);
  g_assert_true (!self->link->draining_done || self->link->detail != NULL);
  return !self->link->draining_done;
}
