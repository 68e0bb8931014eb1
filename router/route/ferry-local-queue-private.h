/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The local queue carries blocks from the monitor to the router's thread, and back to be filled again.
 *
 * Blocks that are out (in the queue, or being dispatched) are counted in bytes, for each link and for all. A link that
 * has its share out is not drained further until some of it is back. Bytes that are not drained stay in the lane, and
 * make its sender wait. This one rule gives fairness between workers, bounded memory and bounded latency.
 *
 * Owner:   counted references: the monitor's, and one for each large message and buffer that the application keeps.
 * Threads: the monitor takes blocks from the pool and pushes; the router's thread pops and gives back. */

#pragma once

#include "link/ferry-shared-queue-private.h"
#include "route/ferry-block-private.h"

G_BEGIN_DECLS

/* What a link may have out: four blocks of records. Measured, four carry three times as much as two. They carry more
 * than eight, which leave the cache. */
#define FERRY_LINK_WINDOW (4 * FERRY_BLOCK_SIZE)

/* How many buffers a link may have out goes by their size: 32 buffers of up to 512 KiB, 16 of a MiB, and two of 8 MiB
 * or more. Two are needed, since one is filled or copied while another is handled. */
#define FERRY_SMALLEST_BUFFER_SHARE (FERRY_LINK_WINDOW / 32)
#define FERRY_LARGEST_BUFFER_SHARE (FERRY_LINK_WINDOW / 2)
#define FERRY_BUFFER_SHARE_DIVISOR 64

static inline gsize
ferry_local_queue_get_buffer_share (gsize size)
{
  return CLAMP (size / FERRY_BUFFER_SHARE_DIVISOR, FERRY_SMALLEST_BUFFER_SHARE, FERRY_LARGEST_BUFFER_SHARE);
}

typedef struct _FerryLocalQueue FerryLocalQueue;

/* How many bytes of one link's large messages and buffers the application may keep in its own memory. */
#define FERRY_KEPT_LIMIT (256 * 1024 * 1024)

/* The least that a mapped buffer is charged: the system bounds how many mappings a process has. */
#define FERRY_KEPT_MAPPING_CHARGE (64 * 1024)

FerryLocalQueue *ferry_local_queue_new (FerrySharedQueue *waker, FerryMemoryAccount *account, gsize limit,
                                        GError **error);
FerryLocalQueue *ferry_local_queue_ref (FerryLocalQueue *self);
void ferry_local_queue_unref (FerryLocalQueue *self);
/* any: has the monitor check the waiting links again. */
void ferry_local_queue_ring (FerryLocalQueue *self);

gboolean ferry_local_queue_has_room (FerryLocalQueue *self, FerryLink *link);
gboolean ferry_local_queue_has_memory (FerryLocalQueue *self, FerryLink *link);
void ferry_local_queue_arm (FerryLocalQueue *self);
FerryBlock *ferry_local_queue_take_block (FerryLocalQueue *self, FerryLink *link, FerryBlockKind kind);
void ferry_local_queue_push (FerryLocalQueue *self, FerryBlock *block);

guint64 ferry_local_queue_get_n_pushed (FerryLocalQueue *self);

FerryBlock *ferry_local_queue_pop_all (FerryLocalQueue *self);
guint64 ferry_local_queue_get_n_popped (FerryLocalQueue *self);
void ferry_local_queue_wait_until (FerryLocalQueue *self, gint64 deadline);
void ferry_local_queue_nudge (FerryLocalQueue *self);
void ferry_local_queue_give_back (FerryLocalQueue *self, FerryBlock *block);
gboolean ferry_local_queue_may_keep (FerryLocalQueue *self, FerryLink *link);
GBytes *ferry_local_queue_keep (FerryLocalQueue *self, FerryBlock *block);
GBytes *ferry_local_queue_keep_copy (FerryLocalQueue *self, FerryLink *link, FerryMemory memory, gsize size);
GBytes *ferry_local_queue_keep_mapping (FerryLocalQueue *self, FerryLink *link, guint8 *data, gsize size);
GBytes *ferry_local_queue_keep_loan (FerryLocalQueue *self, FerryLink *link, const FerryBufferMessage *message);
FerryMemoryAccount *ferry_local_queue_get_account (FerryLocalQueue *self);
gint64 ferry_local_queue_get_highest (FerryLocalQueue *self);
gint64 ferry_local_queue_get_bytes (FerryLocalQueue *self);

G_END_DECLS
