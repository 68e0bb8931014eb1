/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport over a wire that may lose, double and reorder packets, and that may be cut for a while. Each message
 * arrives once and in order, or the session ends. The page docs/protocol.md describes it.
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

#define FERRY_SESSION_DEFAULT_TIMEOUT (30 * G_USEC_PER_SEC)
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

/* Whether both ends know each other. Messages may be sent before. */
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

G_END_DECLS
