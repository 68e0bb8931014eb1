/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Puts the fragments of a large message together.
 *
 * Owner:     the session; embedded in it.
 * Threads:   one at a time.
 * Trust:     the chunks are not trusted. Memory grows with the bytes that arrived, never with an announced size.
 * Invariant: size <= capacity, and size < total while a message is being put together. */

#pragma once

#include "cluster/ferry-packet-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint8 *data; /* (owned) (nullable) */
  gsize size;
  gsize capacity;
  guint64 total; /* the size of the whole message; 0: no message is being put together */
  guint64 max_message;
  GChecksum *checksum; /* (owned) (nullable): of the bytes that arrived */
} FerryFragments;

void ferry_fragments_init (FerryFragments *self, guint64 max_message);
void ferry_fragments_clear (FerryFragments *self);

/* Adds a chunk that is a fragment, or drops those that have come, as the chunk says. Returns FALSE with
 * FERRY_ERROR_PROTOCOL if it breaks a rule. message: set to (transfer full) (nullable) the whole message behind its
 * last fragment, else to NULL. */
gboolean ferry_fragments_add (FerryFragments *self, const FerryChunk *chunk, GBytes **message, GError **error);

G_END_DECLS
