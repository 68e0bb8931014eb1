/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A block is an item of the local queue. Most blocks carry whole records of one link. Other blocks carry one large
 * message, or news of a link such as its end. The queue keeps the order of a link's messages and news.
 *
 * Threads: the monitor fills a block and pushes it. While a block with records is in the queue, the monitor may add
 *          more, with the queue's lock. From then on only the router's thread uses the block. */

#pragma once

#include "engine/ferry-exit.h"
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

  guint64 connection_id; /* LARGE, BUFFER, CELL: the id of the pipe */
  guint16 message_kind;  /* LARGE: FERRY_RECORD_BYTES or FERRY_RECORD_VARIANT */
  guint16 number;        /* LARGE, BUFFER: the type's number; CELL: the cell's number */
  GBytes *buffer;        /* BUFFER, and LARGE without data: (owned): the bytes */
  GPid pid;              /* LAUNCHED: the id of the link's process */
  FerryExit *exit;       /* ENDED: (owned): the exit record of the link */
};

G_END_DECLS
