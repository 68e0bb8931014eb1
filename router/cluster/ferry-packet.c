/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writes and parses the packets of a session; and what waits to be sent in them, and comes in fragments.
 *
 * Numbers are little-endian, so that machines of different byte orders understand each other far enough to say that
 * they do not fit together. The values in messages are in the byte order of the sending machine.
 *
 * An entry of the queue is a packet that still has room, or a large message with how much of it was taken. Only the
 * last entry gets further messages, so they stay in order. The buffer of a message that comes in fragments at most
 * doubles with each, up to the size that the first one has announced. */

#include "config.h"

#include "cluster/ferry-session-private.h"

#include <string.h>

#include "base/ferry-base-private.h"

/* Where the fields of the header are. Magic, version and kind keep their places in every version. */
#define AT_VERSION 4
#define AT_KIND 5
#define AT_SENDER 8
#define AT_RECEIVER 16
#define AT_NUMBER 24
#define AT_ACK 32

/* Sizes of bodies in bytes. */
#define OPEN_SIZE 24
#define RANGE_SIZE 16
#define PING_SIZE 8
#define BYE_SIZE 8

/* The size in bytes of the buffer of a packet at first. It at most doubles. */
#define FIRST_CAPACITY ((gsize) 512)

/* Is sent in the byte order of the sending machine. */
#define BYTE_ORDER_MARK 0x01020304u

static const guint8 magic[AT_VERSION] = {'F', 'R', 'Y', 'S'};

/* ---- numbers ---- */

static guint64
read_u64 (const guint8 *data)
{
  guint64 number;

  memcpy (&number, data, sizeof number);
  return GUINT64_FROM_LE (number);
}

static void
write_u64 (guint8 *data, guint64 number)
{
  number = GUINT64_TO_LE (number);
  memcpy (data, &number, sizeof number);
}

/* ---- chunks ---- */

/* Returns how many bytes a chunk carries beside those of the message. */
static gsize
get_extra_size (FerryChunkKind kind)
{
  return kind == FERRY_CHUNK_FIRST ? FERRY_PACKET_SIZE_SIZE : 0;
}

gsize
ferry_packet_get_chunk_size (FerryChunkKind kind, gsize n)
{
  gsize size = FERRY_PACKET_CHUNK_HEADER_SIZE + get_extra_size (kind) + n;

  return size + ferry_padding_of (size);
}

guint8 *
ferry_packet_write_chunk (guint8 *data, const FerryChunk *chunk)
{
  gsize content = get_extra_size (chunk->kind) + chunk->size;

  ferry_write_u32 (data, (guint32) content);
  ferry_write_u32 (data + 4, chunk->kind);
  data += FERRY_PACKET_CHUNK_HEADER_SIZE;
  memset (data + content, 0, ferry_padding_of (content));
  if (chunk->kind != FERRY_CHUNK_FIRST)
    return data;
  write_u64 (data, chunk->total);
  return data + FERRY_PACKET_SIZE_SIZE;
}

/* Reads the chunk at data, of which size bytes are left. Returns how many bytes it takes; 0: it is malformed. */
static gsize
read_chunk (const guint8 *data, gsize size, FerryChunk *chunk)
{
  gsize content;
  gsize extra;

  if (size < FERRY_PACKET_CHUNK_HEADER_SIZE || data[4] > FERRY_CHUNK_DROP)
    return 0;
  *chunk = (FerryChunk){.kind = (FerryChunkKind) data[4], .data = data + FERRY_PACKET_CHUNK_HEADER_SIZE};
  content = ferry_read_u32 (data);
  extra = get_extra_size (chunk->kind);
  /* Compared with what is left first, so that nothing overflows below. */
  if (content > size || content < extra || ferry_packet_get_chunk_size (chunk->kind, content - extra) > size)
    return 0;
  chunk->size = content - extra;
  if (chunk->kind != FERRY_CHUNK_WHOLE && (chunk->size == 0) != (chunk->kind == FERRY_CHUNK_DROP))
    return 0;
  if (chunk->kind == FERRY_CHUNK_FIRST)
    {
      chunk->total = read_u64 (chunk->data);
      chunk->data += extra;
    }
  return ferry_packet_get_chunk_size (chunk->kind, chunk->size);
}

gboolean
ferry_packet_next_chunk (const FerryPacket *self, gsize *at, FerryChunk *chunk)
{
  if (*at >= self->data.size)
    return FALSE;
  /* Not 0, as ferry_packet_parse() has read all chunks. */
  *at += read_chunk (self->data.chunks + *at, self->data.size - *at, chunk);
  return TRUE;
}

/* ---- parsing ---- */

static gboolean
parse_open (FerryPacket *self, const guint8 *body, gsize size)
{
  FerryPacketLimits *limits = &self->open.limits;
  guint32 mark;

  if (size != OPEN_SIZE)
    return FALSE;
  memcpy (&mark, body, sizeof mark);
  self->open.same_order = mark == BYTE_ORDER_MARK;
  limits->window_packets = ferry_read_u32 (body + 4);
  limits->window_bytes = read_u64 (body + 8);
  limits->max_message = read_u64 (body + 16);
  return (self->open.same_order || mark == GUINT32_SWAP_LE_BE (BYTE_ORDER_MARK)) && limits->window_packets >= 1 &&
         limits->window_packets <= FERRY_PACKET_MAX_WINDOW_PACKETS &&
         limits->window_bytes >= FERRY_PACKET_MIN_WINDOW_BYTES &&
         limits->window_bytes <= FERRY_PACKET_MAX_WINDOW_BYTES && limits->max_message >= 1;
}

static gboolean
parse_data (FerryPacket *self, const guint8 *body, gsize size)
{
  gsize at = 0;

  self->data.chunks = body;
  self->data.size = size;
  while (at < size)
    {
      FerryChunk chunk;
      gsize taken = read_chunk (body + at, size - at, &chunk);

      if (taken == 0)
        return FALSE;
      at += taken;
    }
  return size > 0;
}

/* The ranges must be in order, with something between them. */
static gboolean
parse_ack (FerryPacket *self, const guint8 *body, gsize size)
{
  guint64 end = 0;

  if (size % RANGE_SIZE != 0 || size / RANGE_SIZE > FERRY_PACKET_MAX_RANGES)
    return FALSE;
  self->ack.n_ranges = (guint) (size / RANGE_SIZE);
  for (guint i = 0; i < self->ack.n_ranges; i++, body += RANGE_SIZE)
    {
      FerryPacketRange *range = &self->ack.ranges[i];

      range->first = read_u64 (body);
      range->n = ferry_read_u32 (body + 8);
      if (range->n == 0 || range->first > G_MAXUINT64 - range->n || (i > 0 && range->first <= end))
        return FALSE;
      end = range->first + range->n;
    }
  return TRUE;
}

static gboolean
parse_body (FerryPacket *self, const guint8 *body, gsize size)
{
  switch (self->header.kind)
    {
    case FERRY_PACKET_OPEN:
      return parse_open (self, body, size);
    case FERRY_PACKET_DATA:
      return parse_data (self, body, size);
    case FERRY_PACKET_ACK:
      return parse_ack (self, body, size);
    case FERRY_PACKET_PING:
    case FERRY_PACKET_PONG:
      self->token = size == PING_SIZE ? read_u64 (body) : 0;
      return size == PING_SIZE;
    case FERRY_PACKET_BYE:
      self->bye = size == BYE_SIZE ? ferry_read_u32 (body) : 0;
      return size == BYE_SIZE;
    default:
      return FALSE;
    }
}

FerryPacketStatus
ferry_packet_parse (FerryPacket *self, gconstpointer data, gsize size, guint8 *version)
{
  const guint8 *bytes = data;
  FerryPacketHeader *header = &self->header;

  if (size < FERRY_PACKET_HEADER_SIZE || memcmp (bytes, magic, sizeof magic) != 0)
    return FERRY_PACKET_BROKEN;
  if (version != NULL)
    *version = bytes[AT_VERSION];
  *header = (FerryPacketHeader){.kind = (FerryPacketKind) bytes[AT_KIND]};
  if (bytes[AT_VERSION] != FERRY_PACKET_VERSION)
    return FERRY_PACKET_OTHER_VERSION;
  header->sender = read_u64 (bytes + AT_SENDER);
  header->receiver = read_u64 (bytes + AT_RECEIVER);
  header->number = read_u64 (bytes + AT_NUMBER);
  header->ack = read_u64 (bytes + AT_ACK);
  if (header->sender == 0 || (header->receiver == 0 && header->kind != FERRY_PACKET_OPEN))
    return FERRY_PACKET_BROKEN;
  return parse_body (self, bytes + FERRY_PACKET_HEADER_SIZE, size - FERRY_PACKET_HEADER_SIZE) ? FERRY_PACKET_SOUND
                                                                                              : FERRY_PACKET_BROKEN;
}

/* ---- writing ---- */

void
ferry_packet_write_header (guint8 *data, const FerryPacketHeader *header)
{
  memset (data, 0, FERRY_PACKET_HEADER_SIZE);
  memcpy (data, magic, sizeof magic);
  data[AT_VERSION] = FERRY_PACKET_VERSION;
  data[AT_KIND] = (guint8) header->kind;
  write_u64 (data + AT_SENDER, header->sender);
  write_u64 (data + AT_RECEIVER, header->receiver);
  write_u64 (data + AT_NUMBER, header->number);
  write_u64 (data + AT_ACK, header->ack);
}

/* Returns (transfer full) a packet with room for a body, which is cleared. */
static guint8 *
packet_new (const FerryPacketHeader *header, FerryPacketKind kind, gsize body_size)
{
  FerryPacketHeader own = *header;
  guint8 *data = g_malloc0 (FERRY_PACKET_HEADER_SIZE + body_size);

  own.kind = kind;
  ferry_packet_write_header (data, &own);
  return data;
}

GBytes *
ferry_packet_new_open (const FerryPacketHeader *header, const FerryPacketLimits *limits)
{
  guint8 *data = packet_new (header, FERRY_PACKET_OPEN, OPEN_SIZE);
  guint8 *body = data + FERRY_PACKET_HEADER_SIZE;
  const guint32 mark = BYTE_ORDER_MARK;

  memcpy (body, &mark, sizeof mark);
  ferry_write_u32 (body + 4, limits->window_packets);
  write_u64 (body + 8, limits->window_bytes);
  write_u64 (body + 16, limits->max_message);
  return g_bytes_new_take (data, FERRY_PACKET_HEADER_SIZE + OPEN_SIZE);
}

GBytes *
ferry_packet_new_ack (const FerryPacketHeader *header, const FerryPacketRange *ranges, guint n_ranges)
{
  guint8 *data = packet_new (header, FERRY_PACKET_ACK, n_ranges * (gsize) RANGE_SIZE);
  guint8 *body = data + FERRY_PACKET_HEADER_SIZE;

  for (guint i = 0; i < n_ranges; i++, body += RANGE_SIZE)
    {
      write_u64 (body, ranges[i].first);
      ferry_write_u32 (body + 8, ranges[i].n);
    }
  return g_bytes_new_take (data, FERRY_PACKET_HEADER_SIZE + n_ranges * (gsize) RANGE_SIZE);
}

GBytes *
ferry_packet_new_ping (const FerryPacketHeader *header, FerryPacketKind kind, guint64 token)
{
  guint8 *data = packet_new (header, kind, PING_SIZE);

  write_u64 (data + FERRY_PACKET_HEADER_SIZE, token);
  return g_bytes_new_take (data, FERRY_PACKET_HEADER_SIZE + PING_SIZE);
}

GBytes *
ferry_packet_new_bye (const FerryPacketHeader *header, FerryByeReason reason)
{
  guint8 *data = packet_new (header, FERRY_PACKET_BYE, BYE_SIZE);

  ferry_write_u32 (data + FERRY_PACKET_HEADER_SIZE, reason);
  return g_bytes_new_take (data, FERRY_PACKET_HEADER_SIZE + BYE_SIZE);
}

/* ---- what waits to be sent ---- */

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
