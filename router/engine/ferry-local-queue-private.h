/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The local queue, which passes blocks from the monitor to the router's thread, and its blocks. */

#pragma once

#include "engine/ferry-exit.h"
#include "engine/ferry-shared-queue-private.h"
#include "link/ferry-link-private.h"

G_BEGIN_DECLS

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

G_END_DECLS
