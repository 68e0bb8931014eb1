/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The local queue: its blocks, and the turns in which they leave it. */

#pragma once

#include "engine/ferry-exit.h"
#include "engine/ferry-shared-queue-private.h"
#include "link/ferry-link-private.h"

G_BEGIN_DECLS

/* A block is an item of the local queue. Most blocks carry whole records of one link. Other blocks carry one large
 * message, or an event of a link such as its end. The queue keeps the order of a link's messages and events.
 *
 * Threads: the monitor fills a block and pushes it. While a block with records is in the queue, the monitor may add
 *          more, with the queue's lock. From then on only the router's thread uses the block. */

/* A connection id has its slot of the routing table in the low bits; the others differ for each pipe of the slot. */
#define FERRY_SLOT_BITS 24
#define FERRY_MAX_SLOTS (1u << FERRY_SLOT_BITS)

static inline guint
ferry_connection_id_get_slot (guint64 connection_id)
{
  return (guint) (connection_id & (FERRY_MAX_SLOTS - 1));
}

typedef enum
{
  FERRY_BLOCK_RECORDS,  /* size bytes of whole, valid records */
  FERRY_BLOCK_LARGE,    /* one message of size bytes */
  FERRY_BLOCK_BUFFER,   /* a buffer, and size bytes of metadata; the last kind of the up lane */
  FERRY_BLOCK_LAUNCHED, /* the link's process was started: pid is set */
  FERRY_BLOCK_ATTACHED, /* the worker attached */
  FERRY_BLOCK_CELL,     /* a cell was rung for: connection_id and number are set */
  FERRY_BLOCK_OUTPUT,   /* size bytes of lines of standard output and error, each with its FerryOutputLine */
  FERRY_BLOCK_ENDED,    /* the last block of a link: exit is set */
  FERRY_BLOCK_DONE,     /* was dispatched in a nested loop, and waits for its place in the row to be given back */
} FerryBlockKind;

struct _FerryBlock
{
  FerryBlock *next; /* the next block in the pool, or of its link */
  FerryLink *link;  /* (owned) */
  GList out_link;   /* local queue's lock: in the link's list out; its data is NULL while the block is not there */
  FerryBlockKind kind;
  guint64 serial; /* the first block that is pushed has 1, the next 2 */
  gsize size;
  gsize cursor;    /* RECORDS, OUTPUT: how many bytes of data were delivered */
  gsize charge;    /* bytes that count against the local queue's limit */
  gsize share;     /* bytes that count against its link's FERRY_LINK_WINDOW */
  guint64 up_head; /* RECORDS, LARGE, BUFFER: the up lane's head at the push; else 0 */
  guint8 *data; /* (owned) (nullable): FERRY_BLOCK_SIZE bytes in a block of kind RECORDS, `size` bytes in one of another
                   kind */

  guint64 connection_id;     /* LARGE, BUFFER, CELL: the id of the pipe */
  guint16 message_kind;      /* LARGE: FERRY_RECORD_BYTES or FERRY_RECORD_VARIANT */
  guint16 number;            /* LARGE, BUFFER: the type's number; CELL: the cell's number */
  FerryValueVerdict verdict; /* LARGE: on the message's value, if it was checked; the bytes do not change */
  GBytes *buffer;            /* BUFFER, and LARGE without data: (owned): the bytes */
  GPid pid;                  /* LAUNCHED: the id of the link's process */
  FerryExit *exit;           /* ENDED: (owned): the exit record of the link */
};

/* The local queue passes blocks from the monitor to the router's thread, and returns empty blocks to the monitor.
 *
 * A block is “out” while it is in the queue or being dispatched. The bytes of the blocks that are out are counted, for
 * each link and for all links together. A link with its share out is not drained until blocks of the link are given
 * back. Bytes that are not drained stay in the lane, and make the lane's sender wait. This one rule gives fairness
 * between workers, bounded memory and bounded latency.
 *
 * Owner:   references are counted: the monitor has one, and each large message and buffer that the application keeps
 *          has one.
 * Threads: the monitor takes empty blocks from the pool and pushes full ones; the router's thread pops blocks and
 *          gives them back. */

/* The share of a link: at most 16 blocks of records may be out. The monitor pings the main loop after four blocks, and
 * fills further ones while the main loop wakes up. With four, it had to sleep until the main loop had dispatched them.
 * With monitor and main loop on two cores, each slept while the other worked. Where both share a core, four blocks are
 * as quick. By measurement with one worker, in M messages/s of 64 bytes: 30 with 4 blocks, 90 with 8, 16, 24 or 32; of
 * 4 KiB: 0.7, 1.2, 2.7, 2.2 and 2.3. */
#define FERRY_LINK_WINDOW (16 * FERRY_BLOCK_SIZE)

/* Limits of what one buffer takes of its link's share. Depending on their size a link may have 32 buffers of up to
 * 512 KiB out, 16 of 1 MiB, or two of 8 MiB or more. Two are the least, since a worker fills one buffer while the
 * application handles another. */
#define FERRY_SMALLEST_BUFFER_SHARE (FERRY_LINK_WINDOW / 32)
#define FERRY_LARGEST_BUFFER_SHARE (FERRY_LINK_WINDOW / 2)
#define FERRY_BUFFER_SHARE_DIVISOR 16

static inline gsize
ferry_local_queue_get_buffer_share (gsize size)
{
  return CLAMP (size / FERRY_BUFFER_SHARE_DIVISOR, FERRY_SMALLEST_BUFFER_SHARE, FERRY_LARGEST_BUFFER_SHARE);
}

typedef struct _FerryLocalQueue FerryLocalQueue;

/* How many bytes of large messages and buffers of one link the application may keep in its own memory. */
#define FERRY_KEPT_LIMIT (256 * 1024 * 1024)

FerryLocalQueue *ferry_local_queue_new (FerrySharedQueue *waker, FerryMemoryAccount *account, gsize limit,
                                        GError **error);
FerryLocalQueue *ferry_local_queue_ref (FerryLocalQueue *self);
void ferry_local_queue_unref (FerryLocalQueue *self);
/* any: makes the monitor check again whether stalled links may be visited. */
void ferry_local_queue_ring (FerryLocalQueue *self);

gboolean ferry_local_queue_has_room (FerryLocalQueue *self, FerryLink *link);
gboolean ferry_local_queue_has_memory (FerryLocalQueue *self, FerryLink *link);
void ferry_local_queue_arm (FerryLocalQueue *self);
gboolean ferry_local_queue_tidy (FerryLocalQueue *self);
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
GBytes *ferry_local_queue_take_large (FerryLocalQueue *self, FerryBlock *block);
void ferry_local_queue_lock (FerryLocalQueue *self);
void ferry_local_queue_unlock (FerryLocalQueue *self);
GBytes *ferry_local_queue_keep_copy (FerryLocalQueue *self, FerryLink *link, FerryMemory memory, gsize size);
GBytes *ferry_local_queue_keep_loan (FerryLocalQueue *self, FerryLink *link, const FerryBufferMessage *message);
FerryMemoryAccount *ferry_local_queue_get_account (FerryLocalQueue *self);
gint64 ferry_local_queue_get_highest (FerryLocalQueue *self);
gint64 ferry_local_queue_get_bytes (FerryLocalQueue *self);

/* Turns decide from which link the next block is dispatched.
 *
 * Blocks come out of the local queue in the order in which the monitor drained them. Here each link has its own row of
 * blocks, and the links take turns. A turn is a time that the handlers of the link's messages may take, and may end
 * within a block. So the number and the size of a link's messages do not affect the other links.
 *
 * A link that gets a block while it is in no list enters the list fresh, which comes before the list others. Then it
 * moves to others, and stays there until its next turn, even if its row is empty. So a link that sends a little again
 * and again gets no more than its part of the time. A link with handlers that took longer than a turn gets no turn
 * until the other links had as much time. This is the scheme of FQ-CoDel (RFC 8290), with microseconds instead of
 * bytes.
 *
 * A link can be held: it gets no turn until it is released, and its blocks stay in its row.
 *
 * Owner:     the router.
 * Threads:   the router's thread only.
 * Invariant: a link with a block in its row is in one of the lists, and the list holds a reference to the link.
 *            The blocks of a row are in the order of their arrival. */

typedef struct
{
  GQueue fresh;  /* (element-type FerryLink) (owned): links that were in no list before */
  GQueue others; /* (element-type FerryLink) (owned): links that had a turn; their rows may be empty */
  GQueue held;   /* (element-type FerryLink) (owned): links that get no turn; their rows may be empty */
} FerryFairQueue;

void ferry_fair_queue_add (FerryFairQueue *self, FerryBlock *block);
FerryBlock *ferry_fair_queue_take (FerryFairQueue *self);
void ferry_fair_queue_put_back (FerryFairQueue *self, FerryBlock *block);
gboolean ferry_fair_queue_has_until (const FerryFairQueue *self, guint64 serial);
gboolean ferry_fair_queue_charge (FerryLink *link, gint64 passed);
void ferry_fair_queue_remove (FerryLink *link, FerryBlock *before, FerryBlock *block);
void ferry_fair_queue_hold (FerryFairQueue *self, FerryLink *link);
gboolean ferry_fair_queue_is_held (const FerryFairQueue *self, const FerryLink *link);
void ferry_fair_queue_release (FerryFairQueue *self, FerryLink *link);
void ferry_fair_queue_release_all (FerryFairQueue *self);

G_END_DECLS
