/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A session: a transport over a wire that may lose, double and reorder packets, and that may be cut for a while. Each
 * message arrives once and in order, or the session ends. ferry-packet.c has the bytes of its packets, the messages
 * that wait to be sent, and the fragments that have come. docs/protocol.md has the rules.
 *
 * Owner:   counted references, as any transport.
 * Threads: the session's, which made it, receives and runs the timers; any thread sends and closes.
 * Trust:   the other end is not trusted. What it can make this end keep is bounded by the settings. */

#pragma once

#include "base/ferry-timers-private.h"
#include "call/ferry-transport.h"

G_BEGIN_DECLS

/* What carries the packets of a session. */
typedef struct
{
  /* Hands a packet to the wire, which may lose it. Called on the session's thread. Must not wait, and must not call
   * back into the session. packet is borrowed and never changes, so another thread may hold a reference. */
  void (*send) (gpointer data, GBytes *packet);
  /* (nullable): called on the session's thread when nothing is sent any more. */
  void (*free) (gpointer data);
} FerryWire;

/* What several sessions may keep together of messages that have not arrived as a whole. On the sessions' thread. */
typedef struct
{
  guint64 most; /* const: bytes */
  guint64 used;
} FerrySessionShare;

/* 0 and NULL stand for the defaults. */
typedef struct
{
  /* Called on the session's thread when nothing is sent any more, and the port must not be used any more. With this, a
   * session that was closed or dropped lingers until the other end has what was sent before. Packets must be handed to
   * its port meanwhile. Without it, a closed session sends what the window allows, and is gone. */
  void (*finished) (gpointer data);
  gpointer finished_data;

  const char *peer;          /* what is at the other end, as errors begin with it: “The host 'alpha'” */
  gint64 timeout;            /* microseconds without any packet after which the session ends; 30 s */
  gsize max_packet;          /* bytes of the largest packet that the wire carries; 64 KiB, of which no more is used */
  guint64 max_message;       /* bytes of the largest message, at either end; 64 MiB */
  guint64 window_bytes;      /* bytes of the packets that may be under way in each direction; 1 MiB */
  guint32 window_packets;    /* how many packets may be under way in each direction; 256 */
  gsize max_queued;          /* no message is accepted while so many bytes wait for the window; 1 MiB */
  gint64 (*get_time) (void); /* the clock of the timers; g_get_monotonic_time() */
  /* (nullable): what is beyond it waits at the other end, so most must be more than max_message and a window. Must stay
   * until the port has finished. */
  FerrySessionShare *share;
} FerrySessionSettings;

/* How long the other end may be cut off, in seconds, unless the program says otherwise. */
#define FERRY_DEFAULT_CUT_TIMEOUT 30
#define FERRY_SESSION_LARGEST_PACKET ((gsize) 64 * 1024)

#define FERRY_TYPE_SESSION (ferry_session_get_type ())
G_DECLARE_FINAL_TYPE (FerrySession, ferry_session, FERRY, SESSION, FerryTransport)

/* Returns (transfer full) a new session, which opens itself. The first OPEN packet is sent in a later iteration of
 * context. The wire is copied, and gets data. The timers and the context must be those of the calling thread, and
 * timers must stay until nothing is sent any more. settings is (nullable). Both ends make a session; it does not matter
 * which is first. */
FerrySession *ferry_session_new (const FerryWire *wire, gpointer data, FerryTimers *timers, GMainContext *context,
                                 const FerrySessionSettings *settings);

/* Takes a packet that arrived. On the session's thread. Messages are delivered meanwhile, unless the caller is called
 * by such a delivery: they follow in their order then. Drops what is not for this session.
 *
 * Returns FALSE if the packet opens another session of the other end. This session has ended, and the caller should
 * make a new session and hand the packet to that. */
gboolean ferry_session_receive (FerrySession *self, gconstpointer packet, gsize size);
/* Must be called when this end's wire is cut, if that is known. That nothing is heard of the other end then is no
 * reason to doubt it. On the session's thread. */
void ferry_session_disconnected (FerrySession *self);
/* Must be called when the wire works again after it was cut: asks the other end at once what it misses. On the
 * session's thread. */
void ferry_session_reconnected (FerrySession *self);
/* Must be called when the wire carries larger or smaller packets than before, such as by way of another server, before
 * ferry_session_reconnected(). The session ends if it has packets under way that are too large. On the session's
 * thread. */
void ferry_session_set_max_packet (FerrySession *self, gsize max_packet);
/* Must be called when something seems to have come in the place of the other end. The session ends unless the other end
 * is heard of within three seconds, in which it is asked three times. These begin five seconds after the last cut of
 * this end's wire, or later. On the session's thread. */
void ferry_session_doubt (FerrySession *self);

/* Sends what waits, as far as the window allows. Else that is done in a later iteration of the main context, so that
 * messages share packets. It is for a caller with no more to send in this one. On the session's thread. */
void ferry_session_flush (FerrySession *self);

/* Gives up a request of this end that is larger than a packet: no more of it is sent, and the other end frees what has
 * arrived. Returns FALSE if all of it was sent. On the session's thread. */
gboolean ferry_session_drop_request (FerrySession *self, guint64 xid);

/* Where the packets of a session arrive, for sessions that linger. It is there until settings.finished is called, which
 * may be after the session was dropped. On the session's thread. */
typedef struct _FerrySessionPort FerrySessionPort;

/* Returns (transfer none) the port. */
FerrySessionPort *ferry_session_get_port (FerrySession *self);
/* As ferry_session_receive() and ferry_session_reconnected(). Both may finish the port. */
gboolean ferry_session_port_receive (FerrySessionPort *self, gconstpointer packet, gsize size);
void ferry_session_port_reconnected (FerrySessionPort *self);
/* Ends the session, and finishes the port at once, though the other end may not have all that was sent. */
void ferry_session_port_finish (FerrySessionPort *self);

/* For a packet from an end for which there is no session: whether a session should be made for it, and get the packet.
 * If not, or if no session is wanted, ferry_session_refuse() answers it by the wire, if it needs an answer, and frees
 * the wire. Then the other end need not wait for its timeout. ferry_session_make_refusal() returns (transfer full)
 * (nullable) that answer. */
gboolean ferry_session_is_opened_by (gconstpointer packet, gsize size);
GBytes *ferry_session_make_refusal (gconstpointer packet, gsize size);
void ferry_session_refuse (GBytes *packet, const FerryWire *wire, gpointer data);

/* For tests: whether both ends know each other. Messages may be sent before. */
gboolean ferry_session_is_open (FerrySession *self);
/* Returns the time in microseconds of a round trip, smoothed; 0: not measured yet. */
gint64 ferry_session_get_round_trip (FerrySession *self);

typedef struct
{
  guint64 n_sent;     /* DATA packets, each counted once */
  guint64 n_resent;   /* DATA packets that were sent again */
  guint64 n_received; /* DATA packets that were delivered */
  guint64 n_repeated; /* DATA packets that had arrived before */
  guint64 n_unread;   /* DATA packets that arrived while the share was used up */
  guint64 n_foreign;  /* packets of other sessions */
  guint64 n_broken;   /* what is no packet */
  guint64 n_pings;    /* PING packets sent */
  guint64 accepted;   /* bytes of messages and their chunks' headers, each counted once */
  guint64 arrived;    /* the other end has all that was accepted up to here, but for messages that overtook others */
  gsize queued;       /* bytes of messages that wait for the window; this and all below are current numbers */
  gsize under_way;    /* bytes of packets that were sent and not acknowledged */
  gsize held;         /* bytes of packets that came before their turn */
  gsize assembled;    /* bytes of the message that arrives in fragments */
} FerrySessionCounts;

/* On the session's thread. */
FerrySessionCounts ferry_session_get_counts (FerrySession *self);

/* ---- Packets ----
 *
 * The bytes of a session's packets. docs/protocol.md describes them, under "The cluster".
 *
 * A packet is a header and a body. The body of a DATA packet is a row of chunks: whole messages, or fragments of a
 * message that is larger than a packet.
 *
 * Threads: any; nothing is shared.
 * Trust:   a packet that arrived is not trusted. ferry_packet_parse() checks all of it, so a parsed packet is used
 *          without further checks of its form. What its numbers mean is for the session to check. */

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

/* ---- What waits to be sent, and the fragments that have come ----
 *
 * The messages that wait to be sent, as the packets that will carry them, and the one that comes in fragments.
 *
 * Small messages share a packet, as many as fit. A message that is larger than a packet waits as a whole: it is cut
 * into fragments one by one, when each is taken.
 *
 * Owner:     the session; embedded in it.
 * Threads:   one at a time.
 * Trust:     fragments are not trusted. Memory grows with the bytes that arrived, never with an announced size.
 * Invariant: of fragments, size <= capacity, and size < total while a message is being put together. */

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
