/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A block is an item of the local queue. Most blocks carry whole records of one link. Others carry one large message or
 * news of a link, and so keep their place behind the messages before them.
 *
 * Threads: the monitor fills a block and pushes it; from then on it belongs to the router's thread. */

#pragma once

#include "link/ferry-link-private.h"
#include "route/ferry-exit.h"

G_BEGIN_DECLS

/* A connection id has the slot in its low bits. The bits above tell the pipes that had the slot apart. */
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
  FERRY_BLOCK_BUFFER,   /* a buffer, and size bytes of its metadata: the last kind that comes through the up lane */
  FERRY_BLOCK_LAUNCHED, /* the link's process was started: pid */
  FERRY_BLOCK_ATTACHED, /* the worker attached */
  FERRY_BLOCK_CELL,     /* the writer of a cell rang: connection_id, number */
  FERRY_BLOCK_OUTPUT,   /* size bytes of lines of standard output and error, each with its FerryOutputLine */
  FERRY_BLOCK_ENDED,    /* the last block of a link: exit */
} FerryBlockKind;

struct _FerryBlock
{
  FerryBlock *next; /* in the pool, or in its link's row */
  FerryLink *link;  /* (owned) */
  FerryBlockKind kind;
  guint64 serial; /* the first block that was pushed has 1 */
  gsize size;
  gsize cursor;    /* RECORDS, OUTPUT: how many bytes were delivered */
  gsize charge;    /* bytes that count against the local queue's limit */
  gsize share;     /* bytes that count against its link's FERRY_LINK_WINDOW */
  guint64 up_head; /* RECORDS, LARGE, BUFFER: the up lane's head when it was pushed; else 0 */
  guint8 *data;    /* (owned): FERRY_BLOCK_SIZE bytes in RECORDS, size bytes in others */

  guint64 connection_id; /* LARGE, BUFFER, CELL */
  guint16 message_kind;  /* LARGE: FERRY_RECORD_BYTES or FERRY_RECORD_VARIANT */
  guint16 number;        /* LARGE, BUFFER: the type's; CELL: the cell's */
  GBytes *buffer;        /* BUFFER, LARGE where data is not set: (owned) */
  GPid pid;              /* LAUNCHED */
  FerryExit *exit;       /* ENDED: (owned) */
};

G_END_DECLS
