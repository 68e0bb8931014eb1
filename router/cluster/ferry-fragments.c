/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The buffer at most doubles with each fragment, up to the size that the first one has announced. The digest is
 * computed as the fragments come, so that no fragment takes much longer than another. */

#include "config.h"

#include "cluster/ferry-fragments-private.h"

#include <string.h>

#include "base/ferry-base-private.h"

void
ferry_fragments_init (FerryFragments *self, guint64 max_message)
{
  *self = (FerryFragments){.max_message = max_message};
}

void
ferry_fragments_clear (FerryFragments *self)
{
  g_clear_pointer (&self->data, g_free);
  g_clear_pointer (&self->checksum, g_checksum_free);
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
  self->checksum = g_checksum_new (G_CHECKSUM_SHA256);
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
  g_checksum_update (self->checksum, chunk->data, (gssize) chunk->size);
}

static gboolean
check_digest (FerryFragments *self, const guint8 *digest)
{
  guint8 computed[FERRY_PACKET_DIGEST_SIZE];
  gsize size = sizeof computed;

  g_checksum_get_digest (self->checksum, computed, &size);
  return memcmp (computed, digest, sizeof computed) == 0;
}

gboolean
ferry_fragments_add (FerryFragments *self, const FerryChunk *chunk, GBytes **message, GError **error)
{
  gboolean is_last = chunk->kind == FERRY_CHUNK_LAST;

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
  if (chunk->size > self->total - self->size || is_last != (chunk->size == self->total - self->size))
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "The fragments of a message do not have its size of %" G_GUINT64_FORMAT " bytes",
                            self->total);
  append (self, chunk);
  if (!is_last)
    return TRUE;
  if (!check_digest (self, chunk->digest))
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "The digest of a message does not fit its bytes");
  *message = g_bytes_new_take (g_steal_pointer (&self->data), self->size);
  ferry_fragments_clear (self);
  return TRUE;
}
