/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A reliable, ordered, bounded stream of messages over any wire of packets: what is sent again, and when the other end
 * is lost.
 *
 * The way of a message: ferry_session_send() copies it into a packet that waits in the queue, and posts to the mailbox
 * of the main context. In its next iteration, the packets are taken out of the queue, as many as the window allows,
 * numbered, and handed to the wire. So the messages of one iteration share packets. Each packet is kept until the other
 * end has acknowledged it. The other end delivers packets in the order of their numbers; those that come before their
 * turn are held.
 *
 * What is lost: every packet tells how far its sender has numbered. So the receiving end knows what it misses, and asks
 * for that at once. Where the lost packet was the last one, or the question itself was lost, the sending end finds its
 * packets not acknowledged after a while. It then sends a ping, which makes the other end ask. Nothing is sent twice
 * unless it was asked for.
 *
 * Opening: each end has an epoch, a number of this session. It sends OPEN with it until a packet shows that the other
 * end knows it, which confirms the session. Data is sent and taken from then on.
 *
 * Ends: nothing was heard for the timeout; BYE; OPEN of a later epoch; a rule was broken; this end was closed.
 *
 * Closing: the port sends what the window allows, says BYE and is finished. Where it may linger, it first waits until
 * the other end has all that was sent before, or the timeout is over. It takes packets meanwhile, but drops the
 * messages in them: the other end may linger as well.
 *
 * The transport can be closed and dropped on any thread: the session's thread does the rest with the port.
 *
 * It is one file since each packet that comes may change all of the port.
 *
 * Owner:     counted references of the port: one of the transport, one until the port is finished, and one of a post.
 * Threads:   the session's, unless a comment says otherwise.
 * Locks:     lock; no function that takes another lock is called while it is held.
 * Trust:     packets are not trusted.
 * Invariant: acked <= number, number - acked == sent.length, and next <= end <= next + the window. */

#include "config.h"

#include "cluster/ferry-session-private.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "call/ferry-transport-private.h"

#define DEFAULT_MAX_MESSAGE ((guint64) 64 * 1024 * 1024)
#define DEFAULT_WINDOW_BYTES ((guint64) 1024 * 1024)
#define DEFAULT_WINDOW_PACKETS 256
#define DEFAULT_MAX_QUEUED ((gsize) 1024 * 1024)
#define MIN_MAX_PACKET ((gsize) 512)

/* Data is acknowledged by a packet of its own after so many packets, so large a part of the window, or so much time. */
#define ACK_PACKETS 32
#define ACK_WINDOW_PART 4
#define ACK_TIME (20 * G_TIME_SPAN_MILLISECOND)
/* A packet that was asked for is not sent again sooner, and no packet is asked for again sooner. */
#define MIN_REPEAT_TIME (20 * G_TIME_SPAN_MILLISECOND)
/* A packet for which there was no share is asked for again after so long. */
#define SHARE_TIME (50 * G_TIME_SPAN_MILLISECOND)
/* The time to the first ping for what is not acknowledged, beside two round trips. It doubles up to the second. */
#define FIRST_PROBE_TIME (200 * G_TIME_SPAN_MILLISECOND)
#define LAST_PROBE_TIME (2 * G_USEC_PER_SEC)
/* How many heartbeats there are in the timeout. */
#define N_HEARTBEATS 6
/* How long an end that is doubted may be not heard of. It is asked so often meanwhile. */
#define DOUBT_TIME (3 * G_USEC_PER_SEC)
#define N_DOUBTS 3
/* That does not count so soon after a cut of this end's wire. What cut that may have cut the other one's as well. The
 * other end then takes a while to be back, as this end did. */
#define RETURN_TIME (5 * G_USEC_PER_SEC)

/* A DATA packet that was sent and not acknowledged. */
typedef struct
{
  GBytes *packet; /* (owned) */
  guint64 number;
  guint64 end; /* of what was accepted: how far the packet goes */
  gint64 sent_at;
  gboolean resent;
} Sent;

/* A DATA packet that came before its turn. */
typedef struct
{
  guint8 *data; /* (owned) */
  gsize size;
  guint64 number;
} Held;

/* What has arrived and is not delivered. */
typedef struct
{
  GQueue held; /* (owned) (element-type Held): in order */
  guint64 held_size;
  FerryFragments fragments;
  FerrySessionShare *share; /* const: (unowned) (nullable): until the port has finished */
  guint64 assembling;       /* how much of it is for fragments: all of the message */
} Kept;

/* All of a session but its transport. */
struct _FerrySessionPort
{
  _Atomic gint references;
  GWeakRef transport;
  FerryWire wire;               /* const */
  gpointer wire_data;           /* const */
  GDestroyNotify finished_func; /* const: (nullable) */
  gpointer finished_data;       /* const */
  FerryTimers *timers;          /* const: (unowned) */
  GThread *thread;              /* const: (unowned) */
  gint64 (*get_time) (void);    /* const */
  char *peer;                   /* const: (owned) */
  gint64 timeout;               /* const */
  FerryPacketLimits limits;     /* const: of this end */
  gsize max_queued;             /* const */
  _Atomic gint64 round_trip;    /* any: smoothed; 0: not measured */
  _Atomic gboolean confirmed;   /* any: a packet has shown that the other end knows epoch */

  pthread_mutex_t lock;
  FerryPacketQueue queue; /* lock: this and all fields of this group; only the session's thread sets max_packet */
  guint64 max_message;    /* of a message that may be sent; 0: not known yet, so that no large message may be sent */
  guint64 accepted;       /* bytes that were added to the queue */
  gboolean refused;       /* a message was refused because there was no room */
  gboolean woken;         /* a post waits */
  /* (owned) (nullable): NULL once the port is finished, as a post that waits there holds the port */
  GMainContext *context;
  gboolean closed;
  FerryByeReason bye; /* what the other end is told when this end is closed; 0: nothing */

  guint64 epoch;
  guint64 peer_epoch;        /* 0: not known */
  FerryPacketLimits allowed; /* the lower limits of both ends; set with peer_epoch */
  gboolean opening;          /* OPEN was sent */
  gboolean lingering;        /* closed, but not finished */
  gboolean finished;
  guint n_tries; /* of OPEN, or of pings for what is not acknowledged, since the last success */
  FerryTimer probe;
  FerryTimer heartbeat;
  FerryTimer ack;
  FerryTimer unread;   /* set: a packet was left unread */
  gboolean is_cut;     /* nothing comes and goes on this end's wire */
  gint64 returned_at;  /* when it was cut no more; 0: it never was cut */
  gint64 doubt_end;    /* when it is given up unless it is heard of; G_MAXINT64: the wire is cut; 0: no doubt */
  gint64 heartbeat_at; /* when the next one is due */
  gint64 heard_at;
  guint64 token; /* of the latest ping */
  gint64 pinged_at;

  GQueue sent;       /* (owned) (element-type Sent): in order */
  guint64 number;    /* of the next DATA packet */
  guint64 acked;     /* the other end has all packets below this */
  guint64 under_way; /* bytes of sent */

  guint64 next; /* the number of the DATA packet that is delivered next */
  guint64 end;  /* the other end has numbered so far */
  gboolean delivering;
  guint n_to_ack; /* DATA packets since the last acknowledgement, and their bytes */
  guint64 size_to_ack;
  gint64 asked_at; /* 0: never */
  Kept kept;
  FerrySessionCounts counts; /* without the current numbers */
};

struct _FerrySession
{
  FerryTransport parent_instance;
  FerrySessionPort *port; /* const: (owned) */
};

G_DEFINE_FINAL_TYPE (FerrySession, ferry_session, FERRY_TYPE_TRANSPORT)

static gsize
clamp_max_packet (gsize max_packet)
{
  return CLAMP (max_packet, MIN_MAX_PACKET, FERRY_SESSION_LARGEST_PACKET);
}

/* ---- the port: its memory ---- */

static void
sent_free (gpointer data)
{
  g_bytes_unref (((Sent *) data)->packet);
  g_free (data);
}

static void
held_free (gpointer data)
{
  g_free (((Held *) data)->data);
  g_free (data);
}

static void
port_unref (gpointer data)
{
  FerrySessionPort *port = data;

  if (!ferry_ref_count_dec (&port->references))
    return;
  g_queue_clear_full (&port->sent, sent_free);
  g_queue_clear_full (&port->kept.held, held_free);
  ferry_packet_queue_clear (&port->queue);
  ferry_fragments_clear (&port->kept.fragments);
  pthread_mutex_destroy (&port->lock);
  g_weak_ref_clear (&port->transport);
  g_free (port->peer);
  g_free (port);
}

/* Returns a number that is larger than those of all sessions of this process before. So an end can tell a packet of a
 * former session from one of a later session. The low bits differ where two processes begin at the same time. */
static guint64
new_epoch (void)
{
  static _Atomic guint64 latest;
  guint64 now = (guint64) g_get_real_time () << 12 | (g_random_int () & 0xfff);
  /* Relaxed: the numbers order nothing but themselves. */
  guint64 before = atomic_load_explicit (&latest, memory_order_relaxed);
  guint64 epoch;

  do
    epoch = MAX (now, before + 1);
  while (!atomic_compare_exchange_weak_explicit (&latest, &before, epoch, memory_order_relaxed, memory_order_relaxed));
  return epoch;
}

/* any: */
static gboolean
is_confirmed (FerrySessionPort *port)
{
  /* Relaxed, as below: nothing else is read by way of it. */
  return atomic_load_explicit (&port->confirmed, memory_order_relaxed);
}

/* any: */
static gint64
get_round_trip (FerrySessionPort *port)
{
  return atomic_load_explicit (&port->round_trip, memory_order_relaxed);
}

static void finish (FerrySessionPort *port);

/* Ends the transport, if there is still one, which closes the port. Takes reason. bye: 0: the other end is not told. */
static void
end (FerrySessionPort *port, FerryByeReason bye, GError *reason)
{
  g_autoptr (FerryTransport) transport = g_weak_ref_get (&port->transport);
  g_autoptr (GError) owned G_GNUC_UNUSED = reason;

  pthread_mutex_lock (&port->lock);
  port->bye = bye;
  pthread_mutex_unlock (&port->lock);
  if (transport != NULL)
    ferry_transport_end (transport, reason);
  finish (port);
}

static void
end_for_breach (FerrySessionPort *port, const char *what)
{
  end (port, FERRY_BYE_PROTOCOL,
       g_error_new (FERRY_ERROR, FERRY_ERROR_PROTOCOL, "%s broke a rule of the protocol: %s", port->peer, what));
}

/* ---- sending packets ---- */

static FerryPacketHeader
make_header (const FerrySessionPort *port)
{
  return (FerryPacketHeader){
    .kind = FERRY_PACKET_DATA,
    .sender = port->epoch,
    .receiver = port->peer_epoch,
    .number = port->number,
    .ack = port->next,
  };
}

/* Takes packet. Every packet acknowledges. */
static void
send_packet (FerrySessionPort *port, GBytes *packet)
{
  port->n_to_ack = 0;
  port->size_to_ack = 0;
  ferry_timers_unset (port->timers, &port->ack);
  port->wire.send (port->wire_data, packet);
  g_bytes_unref (packet);
}

static void
send_open (FerrySessionPort *port)
{
  FerryPacketHeader header = make_header (port);

  send_packet (port, ferry_packet_new_open (&header, &port->limits));
}

static void
send_ping (FerrySessionPort *port)
{
  FerryPacketHeader header = make_header (port);

  port->counts.n_pings++;
  port->pinged_at = port->get_time ();
  send_packet (port, ferry_packet_new_ping (&header, FERRY_PACKET_PING, ++port->token));
}

/* Lists the packets that are missing, as many as fit. */
static guint
list_missing (const FerrySessionPort *port, FerryPacketRange *ranges)
{
  guint64 expected = port->next;
  guint n = 0;

  for (const GList *l = port->kept.held.head; n < FERRY_PACKET_MAX_RANGES && expected < port->end; l = l->next)
    {
      guint64 there = l != NULL ? ((const Held *) l->data)->number : port->end;

      if (there > expected)
        ranges[n++] = (FerryPacketRange){expected, (guint32) (there - expected)};
      expected = there + 1;
      if (l == NULL)
        break;
    }
  return n;
}

/* Acknowledges, and asks for what is missing. */
static void
send_ack (FerrySessionPort *port)
{
  FerryPacketHeader header = make_header (port);
  FerryPacketRange ranges[FERRY_PACKET_MAX_RANGES];
  guint n_ranges = list_missing (port, ranges);

  if (n_ranges > 0)
    port->asked_at = port->get_time ();
  send_packet (port, ferry_packet_new_ack (&header, ranges, n_ranges));
}

static void probe_cb (gpointer data);

/* Sets or unsets the timer for what the other end has not confirmed. */
static void
set_probe (FerrySessionPort *port)
{
  gint64 time = MIN (FIRST_PROBE_TIME << MIN (port->n_tries, 8), LAST_PROBE_TIME) + 2 * get_round_trip (port);

  if (port->finished || (is_confirmed (port) && port->sent.length == 0))
    ferry_timers_unset (port->timers, &port->probe);
  else
    ferry_timers_set (port->timers, &port->probe, port->get_time () + time, probe_cb, port);
}

static void
probe (FerrySessionPort *port)
{
  if (is_confirmed (port))
    send_ping (port);
  else
    send_open (port);
  set_probe (port);
}

static void
probe_cb (gpointer data)
{
  FerrySessionPort *port = data;

  port->n_tries++;
  probe (port);
}

/* Numbers a packet, and sends it for the first time. Takes data. end: how much was accepted up to its last message. */
static void
send_data (FerrySessionPort *port, guint8 *data, gsize size, guint64 end)
{
  FerryPacketHeader header = make_header (port);
  Sent *sent = g_new (Sent, 1);

  ferry_packet_write_header (data, &header);
  *sent =
    (Sent){.packet = g_bytes_new_take (data, size), .number = port->number++, .end = end, .sent_at = port->get_time ()};
  g_queue_push_tail (&port->sent, sent);
  port->under_way += size;
  port->counts.n_sent++;
  send_packet (port, g_bytes_ref (sent->packet));
}

/* Whether one more packet of any size may be sent. One that is larger than the whole window goes alone. */
static gboolean
has_window (FerrySessionPort *port)
{
  if (!is_confirmed (port))
    return FALSE;
  return port->sent.length == 0 || (port->sent.length < port->allowed.window_packets &&
                                    port->under_way + port->queue.max_packet <= port->allowed.window_bytes);
}

/* Returns (transfer full) (nullable) the next packet to send, its size, and its end as in Sent. */
static guint8 *
take_packet (FerrySessionPort *port, gsize *size, guint64 *end)
{
  FERRY_AUTO_LOCK (&port->lock);
  guint8 *packet = ferry_packet_queue_is_empty (&port->queue) ? NULL : ferry_packet_queue_take (&port->queue, size);

  *end = port->accepted - port->queue.size;
  return packet;
}

static gboolean
take_refused (FerrySessionPort *port)
{
  gboolean refused;
  FERRY_AUTO_LOCK (&port->lock);

  refused = port->refused && port->queue.size < port->max_queued / 2;
  if (refused)
    port->refused = FALSE;
  return refused;
}

/* Sends what waits, as far as the window allows. */
static void
flush (FerrySessionPort *port)
{
  gboolean had_none = port->sent.length == 0;
  guint8 *packet;
  guint64 end;
  gsize size;

  while (!port->finished && has_window (port) && (packet = take_packet (port, &size, &end)) != NULL)
    send_data (port, packet, size, end);
  if (had_none && port->sent.length > 0)
    set_probe (port);
}

/* Tells the refused senders that there is room. They may send at once. */
static void
note_room (FerrySessionPort *port)
{
  if (take_refused (port))
    ferry_transport_note_room_of (&port->transport);
}

/* ---- the end ---- */

/* Says goodbye, and lets go of the timers and the wire. The caller must hold a reference. */
static void
finish (FerrySessionPort *port)
{
  g_autoptr (GMainContext) context = NULL;
  FerryPacketHeader header;

  if (port->finished)
    return;
  port->finished = TRUE;
  if (port->kept.share != NULL)
    port->kept.share->used -= port->kept.assembling + port->kept.held_size;
  pthread_mutex_lock (&port->lock);
  context = g_steal_pointer (&port->context);
  pthread_mutex_unlock (&port->lock);
  header = make_header (port);
  if (port->bye != 0 && port->peer_epoch != 0)
    send_packet (port, ferry_packet_new_bye (&header, port->bye));
  ferry_timers_unset (port->timers, &port->probe);
  ferry_timers_unset (port->timers, &port->heartbeat);
  ferry_timers_unset (port->timers, &port->ack);
  ferry_timers_unset (port->timers, &port->unread);
  if (port->wire.free != NULL)
    port->wire.free (port->wire_data);
  if (port->finished_func != NULL)
    port->finished_func (port->finished_data);
  port_unref (port);
}

/* Whether the other end has all that was sent. */
static gboolean
is_all_acknowledged (FerrySessionPort *port)
{
  FERRY_AUTO_LOCK (&port->lock);

  return port->sent.length == 0 && ferry_packet_queue_is_empty (&port->queue);
}

/* For a port that was closed: finishes it, now or later. */
static void
wind_up (FerrySessionPort *port)
{
  FerryByeReason bye;
  gboolean may_linger;

  if (port->finished)
    return;
  pthread_mutex_lock (&port->lock);
  bye = port->bye;
  pthread_mutex_unlock (&port->lock);
  may_linger = port->finished_func != NULL && bye == FERRY_BYE_CLOSED;
  if (bye != FERRY_BYE_TOO_LARGE)
    flush (port);
  port->lingering = may_linger && !is_all_acknowledged (port);
  if (!port->lingering)
    finish (port);
  /* Is answered at once, and so acknowledges sooner than an acknowledgement that waits for data. */
  else if (is_confirmed (port))
    probe (port);
}

static void
woken_cb (gpointer data)
{
  FerrySessionPort *port = data;
  gboolean closed;

  pthread_mutex_lock (&port->lock);
  port->woken = FALSE;
  closed = port->closed;
  pthread_mutex_unlock (&port->lock);
  if (port->finished)
    return;
  if (!port->opening)
    {
      port->opening = TRUE;
      probe (port);
    }
  if (closed)
    wind_up (port);
  else
    {
      flush (port);
      note_room (port);
    }
}

/* any: Makes the session's thread send what waits, or wind up. */
static void
wake (FerrySessionPort *port)
{
  g_autoptr (GMainContext) context = NULL;

  pthread_mutex_lock (&port->lock);
  if (!port->woken && port->context != NULL)
    context = g_main_context_ref (port->context);
  port->woken = TRUE;
  pthread_mutex_unlock (&port->lock);
  if (context == NULL)
    return;
  ferry_ref_count_inc (&port->references);
  ferry_mailbox_post (context, woken_cb, port, port_unref);
}

/* ---- the heartbeat ---- */

static void beat (FerrySessionPort *port, gint64 now);

/* remedy: the end of a sentence. */
static void
give_up (FerrySessionPort *port, gint64 time, const char *remedy)
{
  end (port, FERRY_BYE_TIMEOUT,
       g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED, "%s was not heard of for %g s; %s", port->peer,
                    (double) time / G_USEC_PER_SEC, remedy));
}

/* A late heartbeat shows that this thread did not run. What came meanwhile was not received yet, so that time does not
 * count. */
static void
heartbeat_cb (gpointer data)
{
  FerrySessionPort *port = data;
  gint64 now = port->get_time ();

  port->heard_at = MIN (now, port->heard_at + (now - port->heartbeat_at));
  if (port->doubt_end != 0)
    port->doubt_end = ferry_time_add (port->doubt_end, now - port->heartbeat_at);
  if (now - port->heard_at >= port->timeout)
    give_up (port, port->timeout, "see whether its program runs, and the network");
  else if (port->doubt_end != 0 && now >= port->doubt_end)
    give_up (port, DOUBT_TIME, "another has come in its place");
  else
    beat (port, now);
}

/* Asks whether the other end is there, and does so again soon. */
static void
beat (FerrySessionPort *port, gint64 now)
{
  gint64 time = port->timeout / N_HEARTBEATS;

  port->heartbeat_at = now + (port->doubt_end != 0 ? MIN (time, DOUBT_TIME / N_DOUBTS) : time);
  ferry_timers_set (port->timers, &port->heartbeat, port->heartbeat_at, heartbeat_cb, port);
  if (is_confirmed (port))
    send_ping (port);
}

/* A port that lingers does so no longer than the timeout. */
static void
note_heard (FerrySessionPort *port)
{
  if (!port->lingering)
    port->heard_at = port->get_time ();
  port->doubt_end = 0;
}

/* Begins to count, now or when the other end has had the time to be back. */
static void
begin_doubt (FerrySessionPort *port)
{
  gint64 now = port->get_time ();
  gint64 back_at = port->returned_at != 0 ? port->returned_at + RETURN_TIME : now;

  port->doubt_end = port->is_cut ? G_MAXINT64 : MAX (now, back_at) + DOUBT_TIME;
  if (!port->is_cut)
    beat (port, now);
}

void
ferry_session_doubt (FerrySession *self)
{
  FerrySessionPort *port = self->port;

  if (!port->finished && !port->lingering && port->doubt_end == 0)
    begin_doubt (port);
}

void
ferry_session_disconnected (FerrySession *self)
{
  FerrySessionPort *port = self->port;

  g_return_if_fail (port->thread == g_thread_self ());

  if (port->finished)
    return;
  port->is_cut = TRUE;
  if (port->doubt_end != 0)
    port->doubt_end = G_MAXINT64;
}

/* ---- receiving: what the other end has of this one's packets ---- */

/* Removes what the other end has, and sends what waited for that. */
static void
take_ack (FerrySessionPort *port, guint64 ack)
{
  if (ack <= port->acked)
    return;
  while (port->acked < ack)
    {
      Sent *sent = g_queue_pop_head (&port->sent);

      port->under_way -= g_bytes_get_size (sent->packet);
      port->counts.arrived = sent->end;
      port->acked++;
      sent_free (sent);
    }
  port->n_tries = 0;
  set_probe (port);
  flush (port);
  if (port->lingering && is_all_acknowledged (port))
    finish (port);
  else
    note_room (port);
}

/* The other end asks when a later packet has come, so a round trip after this one was sent. What asks sooner, or more
 * often, does not see what is on its way, or is hostile. */
static void
send_again (FerrySessionPort *port, Sent *sent, gint64 now)
{
  gint64 round_trip = get_round_trip (port);

  if (now - sent->sent_at < (sent->resent ? MAX (MIN_REPEAT_TIME, round_trip) : round_trip / 2))
    return;
  sent->sent_at = now;
  sent->resent = TRUE;
  port->counts.n_resent++;
  send_packet (port, g_bytes_ref (sent->packet));
}

/* Sends again what the other end asks for. The ranges and the packets are in order. */
static void
receive_ack (FerrySessionPort *port, const FerryPacket *packet)
{
  const FerryPacketRange *range = packet->ack.ranges;
  const FerryPacketRange *behind = range + packet->ack.n_ranges;
  gint64 now = port->get_time ();

  if (range != behind && (behind - 1)->first + (behind - 1)->n > port->number)
    {
      end_for_breach (port, "it asked for a packet that was not sent");
      return;
    }
  for (GList *l = port->sent.head; l != NULL && range != behind; l = l->next)
    {
      Sent *sent = l->data;

      while (range != behind && sent->number >= range->first + range->n)
        range++;
      if (range != behind && sent->number >= range->first)
        send_again (port, sent, now);
    }
}

/* ---- receiving: data ---- */

static void
ack_cb (gpointer data)
{
  send_ack (data);
}

/* Lets data be acknowledged by what is sent next, or soon. */
static void
note_to_ack (FerrySessionPort *port, gsize size)
{
  port->n_to_ack++;
  port->size_to_ack += size;
  if (port->n_to_ack >= ACK_PACKETS || port->size_to_ack >= port->limits.window_bytes / ACK_WINDOW_PART)
    send_ack (port);
  else if (!ferry_timer_is_set (&port->ack))
    ferry_timers_set (port->timers, &port->ack, port->get_time () + ACK_TIME, ack_cb, port);
}

/* Asks for what is missing, at most once in a round trip. */
static void
ask_if_missing (FerrySessionPort *port)
{
  gint64 now = port->get_time ();

  if (port->finished || port->next + port->kept.held.length >= port->end)
    return;
  if (port->asked_at == 0 || now - port->asked_at >= MAX (MIN_REPEAT_TIME, get_round_trip (port)))
    send_ack (port);
}

/* ---- receiving: what is kept of several sessions ---- */

static gboolean
has_share (FerrySessionPort *port, guint64 size)
{
  return port->kept.share == NULL || port->kept.share->used + size <= port->kept.share->most;
}

static void
set_held_size (FerrySessionPort *port, guint64 size)
{
  if (port->kept.share != NULL && !port->finished)
    port->kept.share->used += size - port->kept.held_size;
  port->kept.held_size = size;
}

static void
set_assembling (FerrySessionPort *port, guint64 size)
{
  if (port->kept.share != NULL && !port->finished)
    {
      port->kept.share->used += size - port->kept.assembling;
      port->kept.assembling = size;
    }
}

/* Takes what the message needs that the packet leaves unfinished, as a whole, so that a message that began can end. A
 * message that began before is over by then. Returns FALSE if there is not so much. */
static gboolean
take_share (FerrySessionPort *port, const FerryPacket *packet)
{
  FerryChunk chunk;
  guint64 total = 0;
  gsize at = 0;

  if (port->kept.share == NULL)
    return TRUE;
  while (ferry_packet_next_chunk (packet, &at, &chunk))
    if (chunk.kind == FERRY_CHUNK_FIRST)
      total = chunk.total;
  /* What is too large breaks a rule, and is found when it is delivered. */
  if (total == 0 || total > port->limits.max_message)
    return TRUE;
  if (!has_share (port, total - MIN (total, port->kept.assembling)))
    return FALSE;
  set_assembling (port, total);
  return TRUE;
}

/* A packet that is not read counts as lost, and is asked for after a while, and not before. */
static void
leave_unread (FerrySessionPort *port)
{
  port->counts.n_unread++;
  port->asked_at = port->get_time () + SHARE_TIME;
  if (!ferry_timer_is_set (&port->unread))
    ferry_timers_set (port->timers, &port->unread, port->asked_at, ack_cb, port);
}

/* ---- receiving: delivery ---- */

static gboolean
deliver_fragment (FerrySessionPort *port, FerryTransport *transport, const FerryChunk *chunk)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) message = NULL;

  if (!ferry_fragments_add (&port->kept.fragments, chunk, &message, &error))
    {
      end_for_breach (port, error->message);
      return FALSE;
    }
  if (message != NULL)
    ferry_transport_receive_bytes (transport, NULL, g_bytes_get_size (message), message, FERRY_VALUE_UNJUDGED);
  return TRUE;
}

/* A port that lingers takes what comes, and drops it: the other end may linger too, until it is acknowledged. */
/* transport (nullable), as below. */
static void
deliver (FerrySessionPort *port, FerryTransport *transport, const FerryPacket *packet)
{
  FerryChunk chunk;
  gsize at = 0;

  port->next++;
  port->counts.n_received++;
  while (transport != NULL && !port->lingering && !port->finished && ferry_packet_next_chunk (packet, &at, &chunk))
    if (chunk.kind == FERRY_CHUNK_WHOLE)
      ferry_transport_receive_bytes (transport, chunk.data, chunk.size, NULL, FERRY_VALUE_UNJUDGED);
    else if (!deliver_fragment (port, transport, &chunk))
      break;
  if (port->kept.fragments.total == 0)
    set_assembling (port, 0);
}

/* Delivers what is held, as far as nothing is missing. */
static void
deliver_held (FerrySessionPort *port, FerryTransport *transport)
{
  Held *held;

  while (!port->finished && (held = g_queue_peek_head (&port->kept.held)) != NULL && held->number == port->next)
    {
      FerryPacket packet;

      /* Was parsed when it came. */
      ferry_packet_parse (&packet, held->data, held->size, NULL);
      g_queue_pop_head (&port->kept.held);
      set_held_size (port, port->kept.held_size - held->size);
      if (take_share (port, &packet))
        deliver (port, transport, &packet);
      else
        leave_unread (port);
      held_free (held);
    }
}

/* Keeps a copy of a packet for later, unless it is there already. */
static void
hold (FerrySessionPort *port, guint64 number, gconstpointer data, gsize size)
{
  GList *before = port->kept.held.tail;
  Held *held;

  while (before != NULL && ((Held *) before->data)->number > number)
    before = before->prev;
  if (before != NULL && ((Held *) before->data)->number == number)
    {
      port->counts.n_repeated++;
      return;
    }
  if (port->kept.held.length > 0 && port->kept.held_size + size > port->limits.window_bytes)
    {
      end_for_breach (port, "it sent more than the window allows");
      return;
    }
  if (!has_share (port, size))
    {
      leave_unread (port);
      return;
    }
  held = g_new (Held, 1);
  *held = (Held){g_memdup2 (data, size), size, number};
  if (before != NULL)
    g_queue_insert_after (&port->kept.held, before, held);
  else
    g_queue_push_head (&port->kept.held, held);
  set_held_size (port, port->kept.held_size + size);
}

/* A packet that comes within a delivery, from a main loop that a handler runs, is held until that delivery is over. */
static void
receive_data (FerrySessionPort *port, FerryTransport *transport, const FerryPacket *packet, gconstpointer data,
              gsize size)
{
  guint64 number = packet->header.number;

  if (number < port->next)
    port->counts.n_repeated++;
  else if (number == port->next && !port->delivering)
    {
      if (!take_share (port, packet))
        {
          leave_unread (port);
          return;
        }
      port->delivering = TRUE;
      deliver (port, transport, packet);
      deliver_held (port, transport);
      port->delivering = FALSE;
    }
  else
    hold (port, number, data, size);
  if (!port->finished)
    note_to_ack (port, size);
}

/* ---- receiving: the rest ---- */

/* Opens the session: what waited for that may be sent. */
static void
confirm (FerrySessionPort *port)
{
  if (is_confirmed (port))
    return;
  atomic_store_explicit (&port->confirmed, TRUE, memory_order_relaxed);
  pthread_mutex_lock (&port->lock);
  port->max_message = port->allowed.max_message;
  pthread_mutex_unlock (&port->lock);
  port->n_tries = 0;
  send_ping (port);
  flush (port);
  set_probe (port);
  note_room (port);
}

/* Takes reason: why the two ends do not fit together. The other end may not have OPEN yet, and learns that by it. */
static void
refuse_open (FerrySessionPort *port, GError *reason)
{
  send_open (port);
  end (port, 0, reason);
}

/* From a new epoch, or again. Until the session is confirmed, a later epoch takes the place of an earlier one: that
 * came late, from an end that is no more. */
static void
receive_open (FerrySessionPort *port, const FerryPacket *packet)
{
  if (!packet->open.same_order)
    {
      refuse_open (port, g_error_new (FERRY_ERROR, FERRY_ERROR_VERSION,
                                      "%s is on a machine of another byte order; use machines of the same byte order",
                                      port->peer));
      return;
    }
  note_heard (port);
  port->peer_epoch = packet->header.sender;
  port->allowed = (FerryPacketLimits){
    .window_packets = MIN (port->limits.window_packets, packet->open.limits.window_packets),
    .window_bytes = MIN (port->limits.window_bytes, packet->open.limits.window_bytes),
    .max_message = MIN (port->limits.max_message, packet->open.limits.max_message),
  };
  port->opening = TRUE;
  if (packet->header.receiver == 0)
    {
      send_open (port);
      set_probe (port);
    }
  else if (is_confirmed (port))
    send_ack (port);
  else
    confirm (port);
}

static void
receive_pong (FerrySessionPort *port, guint64 token)
{
  gint64 before = get_round_trip (port);
  gint64 measured = MAX (port->get_time () - port->pinged_at, 1);

  if (token != port->token || port->pinged_at == 0)
    return;
  port->pinged_at = 0;
  atomic_store_explicit (&port->round_trip, before == 0 ? measured : (3 * before + measured) / 4, memory_order_relaxed);
}

static void
receive_bye (FerrySessionPort *port, guint32 why)
{
  const char *peer = port->peer;

  if (why == FERRY_BYE_PROTOCOL)
    end (port, 0,
         g_error_new (FERRY_ERROR, FERRY_ERROR_PROTOCOL, "%s found that this end broke a rule of the protocol", peer));
  else if (why == FERRY_BYE_UNKNOWN)
    end (port, 0,
         g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                      "%s does not know this session, or takes no more; open a new one", peer));
  else if (why == FERRY_BYE_TIMEOUT)
    end (port, 0,
         g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED, "%s had not heard of this end for too long; open a new session",
                      peer));
  else if (why == FERRY_BYE_TOO_LARGE)
    end (port, 0,
         g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                      "%s had packets under way that are larger than the server takes now; raise 'max_payload' in the "
                      "NATS server's configuration, and open a new session",
                      peer));
  else
    end (port, 0, g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED, "%s has closed the session; open a new one", peer));
}

/* Whether the numbers of a packet of this session can be true. end: set to how far the other end has numbered. */
static gboolean
check_numbers (FerrySessionPort *port, const FerryPacketHeader *header)
{
  guint64 last = header->kind == FERRY_PACKET_DATA ? header->number : header->number - 1;

  if (header->ack > port->number)
    end_for_breach (port, "it acknowledged a packet that was not sent");
  else if (header->number > port->next && last - port->next >= port->limits.window_packets)
    end_for_breach (port, "it sent more packets than the window allows");
  else
    {
      port->end = MAX (port->end, last + 1);
      return TRUE;
    }
  return FALSE;
}

/* A packet of this session. */
static void
receive_own (FerrySessionPort *port, FerryTransport *transport, const FerryPacket *packet, gconstpointer data,
             gsize size)
{
  note_heard (port);
  if (!check_numbers (port, &packet->header))
    return;
  confirm (port);
  take_ack (port, packet->header.ack);
  if (port->finished)
    return;
  if (packet->header.kind == FERRY_PACKET_DATA)
    receive_data (port, transport, packet, data, size);
  else if (packet->header.kind == FERRY_PACKET_ACK)
    receive_ack (port, packet);
  else if (packet->header.kind == FERRY_PACKET_PONG)
    receive_pong (port, packet->token);
  else if (packet->header.kind == FERRY_PACKET_PING)
    {
      FerryPacketHeader header = make_header (port);

      send_packet (port, ferry_packet_new_ping (&header, FERRY_PACKET_PONG, packet->token));
    }
  ask_if_missing (port);
}

static GError *
make_version_error (const FerrySessionPort *port, guint8 version)
{
  return g_error_new (
    FERRY_ERROR, FERRY_ERROR_VERSION,
    "%s uses version %u of the protocol of sessions, and this end version %d; use the same version of "
    "Ferry at both ends",
    port->peer, version, FERRY_PACKET_VERSION);
}

/* Whether a packet is of this session, as far as this end can know. */
static gboolean
is_own (FerrySessionPort *port, const FerryPacketHeader *header)
{
  if (header->kind == FERRY_PACKET_OPEN)
    return (header->receiver == port->epoch || header->receiver == 0) && header->sender >= port->peer_epoch;
  /* An end that is gone before this one has heard of it says goodbye too. */
  return header->receiver == port->epoch &&
         (header->sender == port->peer_epoch || (port->peer_epoch == 0 && header->kind == FERRY_PACKET_BYE));
}

/* Whether the other end, which was known, has forgotten this session. */
static gboolean
is_forgotten (FerrySessionPort *port, const FerryPacketHeader *header)
{
  return header->kind == FERRY_PACKET_OPEN && is_confirmed (port) && header->sender > port->peer_epoch;
}

static void
receive_sound (FerrySessionPort *port, FerryTransport *transport, const FerryPacket *packet, gconstpointer data,
               gsize size)
{
  if (packet->header.kind == FERRY_PACKET_BYE)
    receive_bye (port, packet->bye);
  else if (packet->header.kind == FERRY_PACKET_OPEN)
    receive_open (port, packet);
  else
    receive_own (port, transport, packet, data, size);
}

/* Returns FALSE if the packet opens another session of the other end. */
static gboolean
receive (FerrySessionPort *port, FerryTransport *transport, gconstpointer data, gsize size)
{
  FerryPacket packet;
  guint8 version = 0;
  FerryPacketStatus status = ferry_packet_parse (&packet, data, size, &version);
  gboolean fits = status == FERRY_PACKET_SOUND && is_own (port, &packet.header);

  if (port->finished)
    return !ferry_session_is_opened_by (data, size);
  if (status == FERRY_PACKET_BROKEN)
    port->counts.n_broken++;
  else if (status == FERRY_PACKET_OTHER_VERSION && packet.header.kind == FERRY_PACKET_OPEN && !is_confirmed (port))
    refuse_open (port, make_version_error (port, version));
  else if (fits && is_forgotten (port, &packet.header))
    {
      end (port, 0,
           g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                        "%s has opened a new session, and has forgotten this one; use the new one", port->peer));
      return FALSE;
    }
  else if (fits && size > FERRY_SESSION_LARGEST_PACKET)
    end_for_breach (port, "it sent a packet of more than 65,536 bytes");
  else if (fits)
    receive_sound (port, transport, &packet, data, size);
  else
    port->counts.n_foreign++;
  return TRUE;
}

gboolean
ferry_session_port_receive (FerrySessionPort *self, gconstpointer packet, gsize size)
{
  g_autoptr (FerryTransport) transport = NULL;
  gboolean is_for_this;

  g_return_val_if_fail (self->thread == g_thread_self (), TRUE);

  ferry_ref_count_inc (&self->references);
  transport = g_weak_ref_get (&self->transport);
  is_for_this = receive (self, transport, packet, size);
  /* What was sent meanwhile answers this packet, so it need not wait for more. */
  if (!self->delivering)
    flush (self);
  port_unref (self);
  return is_for_this;
}

gboolean
ferry_session_receive (FerrySession *self, gconstpointer packet, gsize size)
{
  return ferry_session_port_receive (self->port, packet, size);
}

void
ferry_session_port_finish (FerrySessionPort *self)
{
  g_return_if_fail (self->thread == g_thread_self ());

  end (self, FERRY_BYE_CLOSED,
       g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED,
                            "The connection that carries the session was closed at this end; open a new one"));
}

void
ferry_session_port_reconnected (FerrySessionPort *self)
{
  g_return_if_fail (self->thread == g_thread_self ());

  if (self->finished)
    return;
  if (self->is_cut)
    self->returned_at = self->get_time ();
  self->is_cut = FALSE;
  /* What was asked during a cut could not be answered. */
  if (self->doubt_end != 0)
    begin_doubt (self);
  if (!self->opening)
    return;
  /* What was asked for before was lost with the wire, so it may be asked for again. */
  self->asked_at = 0;
  for (GList *l = self->sent.head; l != NULL; l = l->next)
    ((Sent *) l->data)->sent_at = 0;
  self->n_tries = 0;
  probe (self);
}

void
ferry_session_reconnected (FerrySession *self)
{
  ferry_session_port_reconnected (self->port);
}

/* Returns the size of the largest packet that is to be sent, perhaps again, and is larger than the wire carries. 0:
 * there is none, and all later ones will be small enough. */
static gsize
fit_packets (FerrySessionPort *port, gsize max_packet)
{
  gsize largest;

  pthread_mutex_lock (&port->lock);
  largest = ferry_packet_queue_set_max_packet (&port->queue, clamp_max_packet (max_packet));
  pthread_mutex_unlock (&port->lock);
  for (const GList *l = port->sent.head; l != NULL; l = l->next)
    {
      gsize size = g_bytes_get_size (((const Sent *) l->data)->packet);

      if (size > max_packet)
        largest = MAX (largest, size);
    }
  return largest;
}

/* A packet that was numbered is sent again as it was, so it cannot be made smaller. */
void
ferry_session_set_max_packet (FerrySession *self, gsize max_packet)
{
  FerrySessionPort *port = self->port;
  gsize largest;

  g_return_if_fail (port->thread == g_thread_self ());

  if (port->finished)
    return;
  largest = fit_packets (port, max_packet);
  if (largest > 0)
    end (port, FERRY_BYE_TOO_LARGE,
         g_error_new (FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                      "%s cannot be sent a packet of %" G_GSIZE_FORMAT " bytes any more, as the server now takes up to "
                      "%" G_GSIZE_FORMAT " bytes; raise 'max_payload' in the NATS server's configuration, and open a "
                      "new session",
                      port->peer, largest, max_packet));
}

void
ferry_session_flush (FerrySession *self)
{
  FerrySessionPort *port = self->port;

  g_return_if_fail (port->thread == g_thread_self ());

  flush (port);
}

static gboolean
is_request (gconstpointer message, gsize size, gpointer xid)
{
  FerryCallHeader header;

  memcpy (&header, message, sizeof header);
  return header.kind == FERRY_CALL_REQUEST && header.xid == *(const guint64 *) xid;
}

gboolean
ferry_session_drop_request (FerrySession *self, guint64 xid)
{
  FerrySessionPort *port = self->port;
  gboolean dropped;

  g_return_val_if_fail (port->thread == g_thread_self (), FALSE);

  pthread_mutex_lock (&port->lock);
  dropped = ferry_packet_queue_drop (&port->queue, is_request, &xid);
  pthread_mutex_unlock (&port->lock);
  if (dropped)
    wake (port);
  return dropped;
}

/* ---- packets without a session ---- */

gboolean
ferry_session_is_opened_by (gconstpointer packet, gsize size)
{
  FerryPacket parsed;
  FerryPacketStatus status = ferry_packet_parse (&parsed, packet, size, NULL);

  return status != FERRY_PACKET_BROKEN && parsed.header.kind == FERRY_PACKET_OPEN && parsed.header.receiver == 0;
}

GBytes *
ferry_session_make_refusal (gconstpointer packet, gsize size)
{
  FerryPacket parsed;
  FerryPacketHeader header;

  if (ferry_packet_parse (&parsed, packet, size, NULL) != FERRY_PACKET_SOUND || parsed.header.kind == FERRY_PACKET_BYE)
    return NULL;
  /* An end that opens a session knows no epoch of this one, and takes any. */
  header = (FerryPacketHeader){
    .sender = parsed.header.receiver != 0 ? parsed.header.receiver : parsed.header.sender,
    .receiver = parsed.header.sender,
  };
  return ferry_packet_new_bye (&header, FERRY_BYE_UNKNOWN);
}

void
ferry_session_refuse (GBytes *packet, const FerryWire *wire, gpointer data)
{
  gsize size;
  gconstpointer bytes = g_bytes_get_data (packet, &size);
  g_autoptr (GBytes) refusal = ferry_session_make_refusal (bytes, size);

  if (refusal != NULL)
    wire->send (data, refusal);
  if (wire->free != NULL)
    wire->free (data);
}

/* ---- the object ---- */

/* any: */
static gboolean
check_room_locked (FerrySessionPort *port, gsize size, GError **error)
{
  guint64 max_message = port->max_message != 0 ? port->max_message : port->limits.max_message;
  gboolean fits = ferry_packet_queue_fits (&port->queue, size);

  if (port->closed)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The session was closed; open a new one");
  if (size > max_message)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "A message of %" G_GSIZE_FORMAT " bytes is larger than the limit of %" G_GUINT64_FORMAT
                            " bytes; send less at once",
                            size, max_message);
  if (port->queue.size < port->max_queued && (fits || port->max_message != 0))
    return TRUE;
  port->refused = TRUE;
  return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                          "%" G_GSIZE_FORMAT " bytes wait to be sent to %s; send again when there is room",
                          port->queue.size, port->peer);
}

/* any: Whether a message may overtake others: a cancel, which may come even before its request. */
static gboolean
is_urgent (const GOutputVector *parts, guint n_parts)
{
  return n_parts > 0 && parts[0].size == sizeof (FerryCallHeader) &&
         ((const FerryCallHeader *) parts[0].buffer)->kind == FERRY_CALL_CANCEL;
}

static gboolean
ferry_session_send (FerryTransport *transport, const GOutputVector *parts, guint n_parts, GError **error)
{
  FerrySessionPort *port = FERRY_SESSION (transport)->port;
  gsize size = 0;
  gboolean sent;

  for (guint i = 0; i < n_parts; i++)
    size += parts[i].size;
  pthread_mutex_lock (&port->lock);
  sent = check_room_locked (port, size, error);
  if (sent)
    {
      gsize before = port->queue.size;

      ferry_packet_queue_add (&port->queue, parts, n_parts, size, is_urgent (parts, n_parts));
      port->accepted += port->queue.size - before;
    }
  pthread_mutex_unlock (&port->lock);
  if (sent)
    wake (port);
  return sent;
}

static void
ferry_session_close (FerryTransport *transport)
{
  FerrySessionPort *port = FERRY_SESSION (transport)->port;
  g_autoptr (GError) reason = ferry_transport_dup_reason (transport);

  pthread_mutex_lock (&port->lock);
  port->closed = TRUE;
  if (port->bye == FERRY_BYE_CLOSED && g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_PROTOCOL))
    port->bye = FERRY_BYE_PROTOCOL;
  pthread_mutex_unlock (&port->lock);
  ferry_transport_set_receiving_thread (transport, NULL);
  if (port->thread == g_thread_self ())
    wind_up (port);
  else
    wake (port);
}

static void
ferry_session_finalize (GObject *object)
{
  port_unref (FERRY_SESSION (object)->port);

  G_OBJECT_CLASS (ferry_session_parent_class)->finalize (object);
}

static void
ferry_session_class_init (FerrySessionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_session_finalize;
  FERRY_TRANSPORT_CLASS (klass)->send = ferry_session_send;
  FERRY_TRANSPORT_CLASS (klass)->close = ferry_session_close;
}

static void
ferry_session_init (FerrySession *self)
{
}

static void
apply_settings (FerrySessionPort *port, const FerrySessionSettings *settings)
{
  static const FerrySessionSettings none;
  const FerrySessionSettings *from = settings != NULL ? settings : &none;
  guint64 window_bytes = from->window_bytes != 0 ? from->window_bytes : DEFAULT_WINDOW_BYTES;
  guint32 window_packets = from->window_packets != 0 ? from->window_packets : DEFAULT_WINDOW_PACKETS;

  port->peer = g_strdup (from->peer != NULL ? from->peer : "The other end");
  port->timeout = from->timeout != 0 ? from->timeout : FERRY_DEFAULT_CUT_TIMEOUT * G_USEC_PER_SEC;
  port->limits.max_message = from->max_message != 0 ? from->max_message : DEFAULT_MAX_MESSAGE;
  port->limits.window_bytes = CLAMP (window_bytes, FERRY_PACKET_MIN_WINDOW_BYTES, FERRY_PACKET_MAX_WINDOW_BYTES);
  port->limits.window_packets = MIN (window_packets, FERRY_PACKET_MAX_WINDOW_PACKETS);
  port->finished_func = from->finished;
  port->finished_data = from->finished_data;
  port->max_queued = from->max_queued != 0 ? from->max_queued : DEFAULT_MAX_QUEUED;
  port->kept.share = from->share;
  port->get_time = from->get_time != NULL ? from->get_time : g_get_monotonic_time;
  /* A larger packet would fill the window alone. */
  ferry_packet_queue_init (&port->queue,
                           clamp_max_packet (from->max_packet != 0 ? from->max_packet : FERRY_SESSION_LARGEST_PACKET));
  port->kept.fragments.max_message = port->limits.max_message;
}

static FerrySessionPort *
port_new (const FerryWire *wire, gpointer data, FerryTimers *timers, GMainContext *context,
          const FerrySessionSettings *settings)
{
  FerrySessionPort *port = g_new0 (FerrySessionPort, 1);

  atomic_init (&port->references, 2);
  port->wire = *wire;
  port->wire_data = data;
  port->timers = timers;
  port->context = g_main_context_ref (context);
  port->thread = g_thread_self ();
  port->epoch = new_epoch ();
  port->bye = FERRY_BYE_CLOSED;
  pthread_mutex_init (&port->lock, NULL);
  apply_settings (port, settings);
  port->heard_at = port->get_time ();
  return port;
}

FerrySession *
ferry_session_new (const FerryWire *wire, gpointer data, FerryTimers *timers, GMainContext *context,
                   const FerrySessionSettings *settings)
{
  FerrySession *self = g_object_new (FERRY_TYPE_SESSION, NULL);
  FerrySessionPort *port = port_new (wire, data, timers, context, settings);

  self->port = port;
  g_weak_ref_init (&port->transport, self);
  ferry_transport_set_max_answer (FERRY_TRANSPORT (self), port->limits.max_message);
  ferry_transport_set_receiving_thread (FERRY_TRANSPORT (self), port->thread);
  beat (port, port->heard_at);
  wake (port);
  return self;
}

FerrySessionPort *
ferry_session_get_port (FerrySession *self)
{
  return self->port;
}

gboolean
ferry_session_is_open (FerrySession *self)
{
  return is_confirmed (self->port);
}

gint64
ferry_session_get_round_trip (FerrySession *self)
{
  return get_round_trip (self->port);
}

FerrySessionCounts
ferry_session_get_counts (FerrySession *self)
{
  FerrySessionPort *port = self->port;
  FerrySessionCounts counts = port->counts;
  FERRY_AUTO_LOCK (&port->lock);

  counts.accepted = port->accepted;
  counts.queued = port->queue.size;
  counts.under_way = port->under_way;
  counts.held = port->kept.held_size;
  counts.assembled = port->kept.fragments.capacity;
  return counts;
}
