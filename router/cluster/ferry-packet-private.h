/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bytes of a session's packets. docs/protocol.md describes them, under "The cluster".
 *
 * A packet is a header and a body. The body of a DATA packet is a row of chunks: whole messages, or fragments of a
 * message that is larger than a packet.
 *
 * Threads: any; nothing is shared.
 * Trust:   a packet that arrived is not trusted. ferry_packet_parse() checks all of it, so a parsed packet is used
 *          without further checks of its form. What its numbers mean is for the session to check. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FERRY_PACKET_VERSION 2
#define FERRY_PACKET_HEADER_SIZE 40
#define FERRY_PACKET_CHUNK_HEADER_SIZE 8
/* What the first fragment of a message carries beside its bytes. */
#define FERRY_PACKET_SIZE_SIZE 8

/* The smallest and the largest limits that an OPEN packet may announce. */
#define FERRY_PACKET_MIN_WINDOW_BYTES 4096
#define FERRY_PACKET_MAX_WINDOW_BYTES ((guint64) 1 << 30)
#define FERRY_PACKET_MAX_WINDOW_PACKETS 65536

/* The most ranges that one ACK packet asks for. */
#define FERRY_PACKET_MAX_RANGES 32

typedef enum
{
  FERRY_PACKET_OPEN = 1, /* begins a session; announces the limits of the sending end */
  FERRY_PACKET_DATA = 2, /* chunks; number: that of this packet */
  FERRY_PACKET_ACK = 3,  /* asks for missing packets, if it has ranges */
  FERRY_PACKET_PING = 4, /* wants a PONG with the same token */
  FERRY_PACKET_PONG = 5,
  FERRY_PACKET_BYE = 6, /* ends the session */
} FerryPacketKind;

typedef enum
{
  FERRY_BYE_CLOSED = 1,    /* the sending end was closed */
  FERRY_BYE_UNKNOWN = 2,   /* the sending end has no such session */
  FERRY_BYE_PROTOCOL = 3,  /* the receiving end has broken a rule */
  FERRY_BYE_TIMEOUT = 4,   /* the receiving end was not heard of in time */
  FERRY_BYE_TOO_LARGE = 5, /* the sending end has packets that are larger than its wire carries now */
} FerryByeReason;

typedef enum
{
  FERRY_CHUNK_WHOLE = 0, /* a message */
  FERRY_CHUNK_FIRST = 1, /* the size of a message, and its first bytes */
  FERRY_CHUNK_NEXT = 2,  /* its next bytes */
  FERRY_CHUNK_DROP = 3,  /* no more of it is sent; has no bytes */
} FerryChunkKind;

/* The header of every packet. The session's rules for the numbers are in ferry-session.c. */
typedef struct
{
  FerryPacketKind kind;
  guint64 sender;   /* the epoch of the end that sends */
  guint64 receiver; /* the epoch of the end that receives; 0: not known to the sender */
  guint64 number;   /* DATA: of this packet; others: of the next DATA packet that the sender will number */
  guint64 ack;      /* all DATA packets with lower numbers have arrived */
} FerryPacketHeader;

/* The limits that an OPEN packet announces. */
typedef struct
{
  guint32 window_packets; /* how many DATA packets may be sent and not acknowledged */
  guint64 window_bytes;   /* how many bytes of DATA packets */
  guint64 max_message;    /* the size in bytes of the largest message */
} FerryPacketLimits;

/* DATA packets that are missing. */
typedef struct
{
  guint64 first;
  guint32 n;
} FerryPacketRange;

/* A packet that was parsed. Borrows the bytes. */
typedef struct
{
  FerryPacketHeader header;
  union
  {
    struct
    {
      FerryPacketLimits limits;
      gboolean same_order; /* whether the other machine has the byte order of this one */
    } open;
    struct
    {
      const guint8 *chunks;
      gsize size;
    } data;
    struct
    {
      FerryPacketRange ranges[FERRY_PACKET_MAX_RANGES];
      guint n_ranges;
    } ack;
    guint64 token; /* PING and PONG */
    guint32 bye;   /* a FerryByeReason, or a later one */
  };
} FerryPacket;

/* A chunk of a DATA packet. Borrows the bytes. */
typedef struct
{
  FerryChunkKind kind;
  const guint8 *data; /* the bytes of the message; aligned to 8 if the packet is */
  gsize size;
  guint64 total; /* FIRST: the size of the whole message */
} FerryChunk;

typedef enum
{
  FERRY_PACKET_SOUND,
  FERRY_PACKET_BROKEN,        /* no packet of a session */
  FERRY_PACKET_OTHER_VERSION, /* only version is set, and packet->header.kind to OPEN for an OPEN packet, else to 0 */
} FerryPacketStatus;

/* Checks a packet as a whole. version (nullable): set to the version that the packet names. */
FerryPacketStatus ferry_packet_parse (FerryPacket *self, gconstpointer data, gsize size, guint8 *version);
/* Gets the chunk at *at, an offset that must be 0 at first, and moves *at behind it. Returns FALSE after the last one.
 * self must be a DATA packet. */
gboolean ferry_packet_next_chunk (const FerryPacket *self, gsize *at, FerryChunk *chunk);

/* Writes FERRY_PACKET_HEADER_SIZE bytes. */
void ferry_packet_write_header (guint8 *data, const FerryPacketHeader *header);
/* Returns how many bytes a chunk of a message's n bytes takes in a packet. */
gsize ferry_packet_get_chunk_size (FerryChunkKind kind, gsize n);
/* Writes the header of a chunk, and what it carries beside the message's bytes. Returns where its chunk->size bytes of
 * the message belong. Clears the padding. Uses kind, size and total of chunk. */
guint8 *ferry_packet_write_chunk (guint8 *data, const FerryChunk *chunk);

/* Return (transfer full) a packet of that kind. header->kind is ignored. */
GBytes *ferry_packet_new_open (const FerryPacketHeader *header, const FerryPacketLimits *limits);
GBytes *ferry_packet_new_ack (const FerryPacketHeader *header, const FerryPacketRange *ranges, guint n_ranges);
GBytes *ferry_packet_new_ping (const FerryPacketHeader *header, FerryPacketKind kind, guint64 token);
GBytes *ferry_packet_new_bye (const FerryPacketHeader *header, FerryByeReason reason);

G_END_DECLS
