/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The messages that wait to be sent, as the packets that will carry them, and the one that comes in fragments.
 *
 * Small messages share a packet, as many as fit. A message that is larger than a packet waits as a whole: it is cut
 * into fragments one by one, when each is taken.
 *
 * Owner:     the session; embedded in it.
 * Threads:   one at a time.
 * Trust:     fragments are not trusted. Memory grows with the bytes that arrived, never with an announced size.
 * Invariant: of fragments, size <= capacity, and size < total while a message is being put together. */

#pragma once

#include <gio/gio.h>

#include "cluster/ferry-packet-private.h"

G_BEGIN_DECLS

typedef struct
{
  gsize max_packet; /* bytes of the largest packet */
  GQueue urgent;    /* (owned): entries that are taken before those of messages, as messages */
  GQueue messages;  /* (owned) */
  gsize size;       /* bytes that wait, with the headers of their chunks */
} FerryPacketQueue;

void ferry_packet_queue_init (FerryPacketQueue *self, gsize max_packet);
void ferry_packet_queue_clear (FerryPacketQueue *self);

/* Sets max_packet. Returns the size of the largest packet that waits already and is larger, in which case nothing is
 * changed, or 0. */
gsize ferry_packet_queue_set_max_packet (FerryPacketQueue *self, gsize max_packet);

/* Whether a message of so many bytes fits into one packet. */
gboolean ferry_packet_queue_fits (const FerryPacketQueue *self, gsize size);
/* Adds a copy of a message of size bytes, in parts. urgent: it overtakes those that are not, and must fit into one
 * packet. */
void ferry_packet_queue_add (FerryPacketQueue *self, const GOutputVector *parts, guint n_parts, gsize size,
                             gboolean urgent);
/* Removes the first message that is larger than a packet and that matches, of which the last fragment was not taken. If
 * others were, a chunk that says so takes their place. Returns FALSE if there is none. */
gboolean ferry_packet_queue_drop (FerryPacketQueue *self,
                                  gboolean (*match) (gconstpointer message, gsize size, gpointer data), gpointer data);
gboolean ferry_packet_queue_is_empty (const FerryPacketQueue *self);
/* Returns (transfer full) the next packet, a DATA packet, and its size. The caller must write the packet's header. The
 * queue must not be empty. */
guint8 *ferry_packet_queue_take (FerryPacketQueue *self, gsize *size);

/* Puts the fragments of a large message together. */
typedef struct
{
  guint8 *data; /* (owned) (nullable) */
  gsize size;
  gsize capacity;
  guint64 total; /* the size of the whole message; 0: no message is being put together */
  guint64 max_message;
} FerryFragments;

void ferry_fragments_clear (FerryFragments *self);

/* Adds a chunk that is a fragment, or drops those that have come, as the chunk says. Returns FALSE with
 * FERRY_ERROR_PROTOCOL if it breaks a rule. message: set to (transfer full) (nullable) the whole message behind its
 * last fragment, else to NULL. */
gboolean ferry_fragments_add (FerryFragments *self, const FerryChunk *chunk, GBytes **message, GError **error);

G_END_DECLS
