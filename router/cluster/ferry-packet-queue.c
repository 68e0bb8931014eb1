/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An entry of the queue is a packet that still has room, or a large message with how much of it was taken. Only the
 * last entry gets further messages, so they stay in order. The buffer of a message that comes in fragments at most
 * doubles with each, up to the size that the first one has announced. */

#include "config.h"

#include "cluster/ferry-session-private.h"

#include <string.h>

#include "base/ferry-base-private.h"

/* The size in bytes of the buffer of a packet at first. It at most doubles. */
#define FIRST_CAPACITY ((gsize) 512)

typedef struct
{
  guint8 *data;      /* (owned): a packet, or the bytes of a large message */
  gsize size;        /* of the bytes in data */
  gsize capacity;    /* of data */
  gsize taken;       /* how many bytes of a large message were taken */
  gboolean is_large; /* data is a large message */
} Entry;

static void
entry_free (gpointer data)
{
  Entry *self = data;

  g_free (self->data);
  g_free (self);
}

void
ferry_packet_queue_init (FerryPacketQueue *self, gsize max_packet)
{
  *self = (FerryPacketQueue){.max_packet = max_packet};
  g_queue_init (&self->urgent);
  g_queue_init (&self->messages);
}

void
ferry_packet_queue_clear (FerryPacketQueue *self)
{
  g_queue_clear_full (&self->urgent, entry_free);
  g_queue_clear_full (&self->messages, entry_free);
  self->size = 0;
}

static gsize
find_larger (const GQueue *queue, gsize limit)
{
  gsize largest = 0;

  for (const GList *l = queue->head; l != NULL; l = l->next)
    {
      const Entry *entry = l->data;

      if (!entry->is_large && entry->size > limit)
        largest = MAX (largest, entry->size);
    }
  return largest;
}

gsize
ferry_packet_queue_set_max_packet (FerryPacketQueue *self, gsize max_packet)
{
  gsize largest = MAX (find_larger (&self->urgent, max_packet), find_larger (&self->messages, max_packet));

  if (largest == 0)
    self->max_packet = max_packet;
  return largest;
}

/* ---- adding ---- */

gboolean
ferry_packet_queue_fits (const FerryPacketQueue *self, gsize size)
{
  return size <= self->max_packet &&
         FERRY_PACKET_HEADER_SIZE + ferry_packet_get_chunk_size (FERRY_CHUNK_WHOLE, size) <= self->max_packet;
}

static void
copy_parts (guint8 *to, const GOutputVector *parts, guint n_parts)
{
  for (guint i = 0; i < n_parts; to += parts[i++].size)
    if (parts[i].size > 0)
      memcpy (to, parts[i].buffer, parts[i].size);
}

static void
entry_reserve (Entry *self, gsize size, gsize most)
{
  if (size <= self->capacity)
    return;
  self->capacity = MIN (MAX (2 * self->capacity, size), most);
  self->data = g_realloc (self->data, self->capacity);
}

/* Returns the last packet of a queue if it has room for n more bytes, else a new one at its end. */
static Entry *
get_packet (FerryPacketQueue *self, GQueue *queue, gsize n)
{
  Entry *entry = g_queue_peek_tail (queue);

  if (entry != NULL && !entry->is_large && n <= self->max_packet - entry->size)
    return entry;
  entry = g_new0 (Entry, 1);
  entry->size = FERRY_PACKET_HEADER_SIZE;
  entry_reserve (entry, MIN (FIRST_CAPACITY, self->max_packet), self->max_packet);
  g_queue_push_tail (queue, entry);
  return entry;
}

static void
add_large (FerryPacketQueue *self, const GOutputVector *parts, guint n_parts, gsize size)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->data = g_malloc (size);
  entry->size = entry->capacity = size;
  entry->is_large = TRUE;
  copy_parts (entry->data, parts, n_parts);
  g_queue_push_tail (&self->messages, entry);
  self->size += size;
}

void
ferry_packet_queue_add (FerryPacketQueue *self, const GOutputVector *parts, guint n_parts, gsize size, gboolean urgent)
{
  const FerryChunk chunk = {.kind = FERRY_CHUNK_WHOLE, .size = size};
  gsize n = ferry_packet_get_chunk_size (FERRY_CHUNK_WHOLE, size);
  Entry *entry;

  if (!ferry_packet_queue_fits (self, size))
    {
      g_assert (!urgent);
      add_large (self, parts, n_parts, size);
      return;
    }
  entry = get_packet (self, urgent ? &self->urgent : &self->messages, n);
  entry_reserve (entry, entry->size + n, self->max_packet);
  copy_parts (ferry_packet_write_chunk (entry->data + entry->size, &chunk), parts, n_parts);
  entry->size += n;
  self->size += n;
}

/* ---- dropping ---- */

/* Makes a packet of a large message of which the other end has a part. */
static void
entry_become_drop (Entry *self)
{
  const FerryChunk chunk = {.kind = FERRY_CHUNK_DROP};

  g_free (self->data);
  self->is_large = FALSE;
  self->capacity = FIRST_CAPACITY;
  self->data = g_malloc (self->capacity);
  ferry_packet_write_chunk (self->data + FERRY_PACKET_HEADER_SIZE, &chunk);
  self->size = FERRY_PACKET_HEADER_SIZE + ferry_packet_get_chunk_size (chunk.kind, 0);
}

gboolean
ferry_packet_queue_drop (FerryPacketQueue *self, gboolean (*match) (gconstpointer message, gsize size, gpointer data),
                         gpointer data)
{
  for (GList *l = self->messages.head; l != NULL; l = l->next)
    {
      Entry *entry = l->data;

      if (!entry->is_large || !match (entry->data, entry->size, data))
        continue;
      self->size -= entry->size - entry->taken;
      if (entry->taken > 0)
        {
          entry_become_drop (entry);
          self->size += entry->size - FERRY_PACKET_HEADER_SIZE;
        }
      else
        {
          g_queue_delete_link (&self->messages, l);
          entry_free (entry);
        }
      return TRUE;
    }
  return FALSE;
}

/* ---- taking ---- */

gboolean
ferry_packet_queue_is_empty (const FerryPacketQueue *self)
{
  return self->urgent.length == 0 && self->messages.length == 0;
}

/* Returns (transfer full) a packet with the next fragment of a large message. All but the last fill a packet. */
static guint8 *
take_fragment (FerryPacketQueue *self, Entry *entry, gsize *size)
{
  FerryChunk chunk = {.kind = entry->taken == 0 ? FERRY_CHUNK_FIRST : FERRY_CHUNK_NEXT, .total = entry->size};
  /* Rounded down to 8, as the chunk is padded. */
  gsize room = (self->max_packet & ~(gsize) 7) - FERRY_PACKET_HEADER_SIZE - ferry_packet_get_chunk_size (chunk.kind, 0);
  guint8 *packet;

  chunk.size = MIN (room, entry->size - entry->taken);
  *size = FERRY_PACKET_HEADER_SIZE + ferry_packet_get_chunk_size (chunk.kind, chunk.size);
  packet = g_malloc (*size);
  memcpy (ferry_packet_write_chunk (packet + FERRY_PACKET_HEADER_SIZE, &chunk), entry->data + entry->taken, chunk.size);
  entry->taken += chunk.size;
  self->size -= chunk.size;
  return packet;
}

/* Returns (transfer full) the packet of an entry, without the memory that it did not use. */
static guint8 *
take_packet (FerryPacketQueue *self, Entry *entry, gsize *size)
{
  *size = entry->size;
  self->size -= entry->size - FERRY_PACKET_HEADER_SIZE;
  return g_realloc (g_steal_pointer (&entry->data), *size);
}

guint8 *
ferry_packet_queue_take (FerryPacketQueue *self, gsize *size)
{
  GQueue *queue = self->urgent.length > 0 ? &self->urgent : &self->messages;
  Entry *entry = g_queue_peek_head (queue);
  gboolean is_large = entry->is_large;
  guint8 *packet = is_large ? take_fragment (self, entry, size) : take_packet (self, entry, size);

  if (!is_large || entry->taken == entry->size)
    entry_free (g_queue_pop_head (queue));
  return packet;
}

/* ---- what comes in fragments ---- */

void
ferry_fragments_clear (FerryFragments *self)
{
  g_clear_pointer (&self->data, g_free);
  self->size = self->capacity = 0;
  self->total = 0;
}

static gboolean
begin (FerryFragments *self, guint64 total, GError **error)
{
  if (self->total != 0)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "A message in fragments began before the one before it ended");
  if (total == 0 || total > self->max_message)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "A message in fragments has %" G_GUINT64_FORMAT " bytes; at most %" G_GUINT64_FORMAT
                            " are accepted",
                            total, self->max_message);
  self->total = total;
  return TRUE;
}

static void
append (FerryFragments *self, const FerryChunk *chunk)
{
  if (chunk->size > self->capacity - self->size)
    {
      /* Not more than total, which is not less than what is there with this fragment. */
      self->capacity = (gsize) MIN (self->total, 2 * ((guint64) self->size + chunk->size));
      self->data = g_realloc (self->data, self->capacity);
    }
  memcpy (self->data + self->size, chunk->data, chunk->size);
  self->size += chunk->size;
}

gboolean
ferry_fragments_add (FerryFragments *self, const FerryChunk *chunk, GBytes **message, GError **error)
{
  *message = NULL;
  if (chunk->kind == FERRY_CHUNK_FIRST && !begin (self, chunk->total, error))
    return FALSE;
  if (self->total == 0)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "A fragment came that belongs to no message");
  if (chunk->kind == FERRY_CHUNK_DROP)
    {
      ferry_fragments_clear (self);
      return TRUE;
    }
  if (chunk->size > self->total - self->size)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "The fragments of a message have more than its size of %" G_GUINT64_FORMAT " bytes",
                            self->total);
  append (self, chunk);
  if (self->size < self->total)
    return TRUE;
  *message = g_bytes_new_take (g_steal_pointer (&self->data), self->size);
  ferry_fragments_clear (self);
  return TRUE;
}
